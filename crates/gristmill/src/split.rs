//! `gristmill split`.

use std::path::Path;
use std::time::Instant;

use crate::arguments::SplitArguments;
use crate::console::Console;
use crate::contracts::{Contracts, for_each_file};
use crate::failure::{Exit, Failure};
use crate::local::{FileObjects, InputFile};
use crate::progress::Progress;
use crate::result::{FileResult, line};
use crate::{stages, summary};

/// Runs the first stage over every file.
pub(crate) fn split(arguments: &SplitArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    for_each_file(&arguments.files, &arguments.choice, console, |file, contracts, console| {
        one(file, arguments, contracts, console)
    })
}

fn one(
    file: &Path,
    arguments: &SplitArguments,
    contracts: &Contracts,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let shown = file.display().to_string();
    let objects = objects(file, &arguments.out, contracts, console)?;
    let processed = stages::split(&objects, &shown);
    objects.progress.clear();
    let processed = processed?;
    let result = FileResult::of_split(&shown, &arguments.out, &processed, begun.elapsed());
    remark(&result, console);
    contracts.remark(&shown, &processed.manifest, console);
    if arguments.json {
        console.print(&line(&result)?)?;
    } else {
        let mut text = summary::head(console, &result);
        text.push_str(&summary::rows(&processed.manifest));
        text.push_str(&summary::outputs(&result));
        console.print(&text)?;
    }
    Ok(result.exit())
}

/// The bucket for a file: the file is read once here, for its identity.
pub(crate) fn objects(
    file: &Path,
    out: &Path,
    contracts: &Contracts,
    console: &Console<'_>,
) -> Result<FileObjects, Failure> {
    let progress = if console.progress {
        let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        Progress::over(&file.display().to_string(), bytes, 2)
    } else {
        Progress::hidden()
    };
    let input = InputFile::hashed(file, contracts.key_of(file), &progress)
        .map_err(|fault| Failure::fault(&file.display().to_string(), &fault))?;
    Ok(FileObjects { input, contracts: contracts.files.clone(), out: out.to_owned(), progress })
}

/// Names outputs that an earlier run had written and that are no longer there.
pub(crate) fn remark(result: &FileResult, console: &mut Console<'_>) {
    for gone in result.gone() {
        let manifest = result.paths.manifest.as_deref().unwrap_or_default();
        console
            .say(&format!("warning: {gone} is gone; to make it again, remove {manifest} and run once more"));
    }
}
