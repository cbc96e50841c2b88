//! What a command did with a file, for programs.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use shared::events::Rows;
use shared::manifest::{Manifest, Output, Status};
use shared::record::NarratorKind;
use shared::violation::FileCode;

use crate::failure::{Exit, Failure};
use crate::local::{FileAnalyses, OutboxFiles};
use crate::stages::{Processed, Ran, outbox};

/// One line of `--json`. What there is not is `null`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FileResult {
    pub(crate) file: String,
    pub(crate) status: Status,
    pub(crate) run_id: String,
    pub(crate) dataset: String,
    pub(crate) rows: Rows,
    pub(crate) code: Option<FileCode>,
    pub(crate) reason: Option<String>,
    pub(crate) paths: Paths,
    pub(crate) narrator: Option<NarratorKind>,
    pub(crate) seconds: f64,
    pub(crate) duplicate: bool,
}

/// Where everything lies, as seen from the current directory when the output directory was given so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Paths {
    pub(crate) processed: Option<String>,
    pub(crate) rejected: Option<String>,
    pub(crate) errors: Option<String>,
    pub(crate) manifest: Option<String>,
    pub(crate) analysis: Option<String>,
    pub(crate) html: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) eml: Option<String>,
}

impl FileResult {
    /// What the first stage did.
    pub(crate) fn of_split(file: &str, out: &Path, processed: &Processed, took: Duration) -> Self {
        let manifest = &processed.manifest;
        Self {
            file: file.to_owned(),
            status: manifest.status,
            run_id: manifest.run_id.to_string(),
            dataset: manifest.dataset.clone(),
            rows: manifest.rows,
            code: manifest.code,
            reason: manifest.reason.clone(),
            paths: Paths::of(out, manifest),
            narrator: None,
            seconds: (took.as_secs_f64() * 1000.0).round() / 1000.0,
            duplicate: processed.duplicate,
        }
    }

    /// What all three stages did.
    pub(crate) fn of_run(file: &str, out: &Path, ran: &Ran, took: Duration) -> Self {
        let mut result = Self::of_split(file, out, &ran.processed, took);
        let run_id = &ran.processed.manifest.run_id;
        if let Some(record) = &ran.record {
            let analyses = FileAnalyses::new(out.join("analyses"));
            result.paths.analysis = Some(shown(&analyses.path_of(run_id)));
            result.narrator = Some(record.narrator);
        }
        if matches!(ran.mail, notifier::Outcome::Sent { .. } | notifier::Outcome::AlreadySent) {
            let files = OutboxFiles::of(&outbox(out), run_id);
            result.paths.html = Some(shown(&files.html));
            result.paths.text = Some(shown(&files.text));
            result.paths.eml = Some(shown(&files.eml));
        }
        result.duplicate = ran.is_duplicate();
        result
    }

    /// The exit that the file alone would mean.
    pub(crate) fn exit(&self) -> Exit {
        match self.status {
            Status::Completed => Exit::Good,
            Status::Rejected | Status::Held => Exit::Rejected,
        }
    }

    /// Outputs that an earlier run had written and that are no longer there.
    pub(crate) fn gone(&self) -> Vec<&str> {
        let Paths { processed, rejected, errors, html, .. } = &self.paths;
        let all = [processed, rejected, errors, html].into_iter().flatten();
        all.map(String::as_str).filter(|path| self.duplicate && !Path::new(path).exists()).collect()
    }
}

impl Paths {
    fn of(out: &Path, manifest: &Manifest) -> Self {
        let place = |output: &Option<Output>| output.as_ref().map(|output| shown(&out.join(&output.key)));
        Self {
            processed: place(&manifest.outputs.processed),
            rejected: place(&manifest.outputs.rejected),
            errors: place(&manifest.outputs.errors),
            manifest: Some(shown(&out.join(shared::keys::manifest_key(&manifest.run_id)))),
            ..Self::default()
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// One line of JSON.
pub(crate) fn line(value: &impl Serialize) -> Result<String, Failure> {
    let mut text = serde_json::to_string(value)
        .map_err(|error| Failure::program(format!("the result cannot be written as JSON: {error}")))?;
    text.push('\n');
    Ok(text)
}
