//! `gristmill check`.

mod excerpt;
mod listing;
mod text;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_lite::future::block_on;
use processor::Processor;
use serde::Serialize;
use shared::events::Rows;
use shared::manifest::{Manifest, Status};
use shared::violation::{Code, FileCode};
use tempfile::NamedTempFile;

use crate::arguments::CheckArguments;
use crate::console::Console;
use crate::contracts::{Contracts, for_each_file};
use crate::failure::{Exit, Failure};
use crate::local::{DryObjects, FileObjects, InputFile, LocalEvents, SystemClock};
use crate::progress::Progress;
use crate::result::line;
use crate::stages;
use listing::{Kind, Listing};

/// How many columns of an excerpt a line has at most: more would be hard to take in.
const MAX_EXCERPT_COLUMNS: usize = 120;
/// Stands for standard input among the files.
const STANDARD_INPUT: &str = "-";

/// What was found in a file.
#[derive(Debug)]
struct Checked {
    /// What the user calls the file.
    file: String,
    manifest: Manifest,
    /// The violations by code and column, with the first ones of each; none when the file was refused whole.
    kinds: Vec<Kind>,
}

/// What was found in a file, for programs: one line of `--json`. What there is not is `null`.
#[derive(Debug, Serialize)]
struct Line<'a> {
    file: &'a str,
    status: Status,
    dataset: &'a str,
    rows: Rows,
    code: Option<FileCode>,
    reason: Option<&'a str>,
    codes: &'a BTreeMap<String, u64>,
    kinds: Vec<KindLine<'a>>,
    violations: Vec<ViolationLine<'a>>,
    /// Whether there are more violations than are listed.
    truncated: bool,
    notes: &'a [String],
}

/// How often a code hit a column.
#[derive(Debug, Serialize)]
struct KindLine<'a> {
    code: Code,
    column: Option<&'a str>,
    count: u64,
    first_row: u64,
}

/// One violation.
#[derive(Debug, Serialize)]
struct ViolationLine<'a> {
    row: u64,
    line: u64,
    cell: Option<usize>,
    column: Option<&'a str>,
    code: Code,
    value: &'a str,
    reason: &'a str,
}

/// Validates every file and writes nothing.
pub(crate) fn check(arguments: &CheckArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let piped =
        if arguments.files.iter().any(|file| is_standard_input(file)) { Some(spool()?) } else { None };
    let path = |file: &PathBuf| match &piped {
        Some(piped) if is_standard_input(file) => piped.path().to_owned(),
        _ => file.clone(),
    };
    let files: Vec<PathBuf> = arguments.files.iter().map(path).collect();
    for_each_file(&files, &arguments.choice, console, |file, contracts, console| {
        let is_piped = piped.as_ref().is_some_and(|piped| piped.path() == file);
        let shown = if is_piped { STANDARD_INPUT.to_owned() } else { file.display().to_string() };
        one((file, shown), arguments, contracts, console)
    })
}

fn is_standard_input(file: &Path) -> bool {
    file == Path::new(STANDARD_INPUT)
}

/// Standard input as a file, which goes away when it is dropped: its size has to be known, and a part of it may be
/// read twice.
fn spool() -> Result<NamedTempFile, Failure> {
    let copied = NamedTempFile::new().and_then(|mut file| {
        io::copy(&mut io::stdin().lock(), &mut file)?;
        Ok(file)
    });
    copied.map_err(|error| Failure::program(format!("standard input cannot be copied to a file: {error}")))
}

fn one(
    (file, shown): (&Path, String),
    arguments: &CheckArguments,
    contracts: &Contracts,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let input =
        InputFile::unhashed(file, contracts.key_of(file)).map_err(|fault| Failure::fault(&shown, &fault))?;
    let progress =
        if console.progress { Progress::over(&shown, input.source().size, 1) } else { Progress::hidden() };
    let files = FileObjects {
        input: input.clone(),
        contracts: contracts.files.clone(),
        // Nothing is written, so nothing of it is ever looked at.
        out: Path::new("").to_owned(),
        progress: progress.clone(),
    };
    let columns = console.width.saturating_sub(text::INDENT).min(MAX_EXCERPT_COLUMNS);
    let listing = Arc::new(Listing::new(arguments.limit, columns, progress.clone()));
    let events = LocalEvents::default();
    let mut processor =
        Processor::new(DryObjects(files), &events, SystemClock, processor::Settings::default());
    processor.witness = Some(Arc::clone(&listing) as _);
    let processed = block_on(stages::process(&processor, &input, &shown));
    progress.clear();
    let manifest = processed?.manifest;
    // A verdict over the whole file takes back what was said of its rows.
    let kinds = if manifest.status == Status::Rejected { Vec::new() } else { listing.take() };
    contracts.remark(&shown, &manifest, console);
    let checked = Checked { file: shown, manifest, kinds };
    let text = if arguments.json { line(&checked.line())? } else { text::of(&checked, console) };
    console.print(&text)?;
    Ok(checked.exit())
}

impl Checked {
    fn exit(&self) -> Exit {
        let good = self.manifest.status == Status::Completed && self.manifest.rows.rejected == 0;
        if good { Exit::Good } else { Exit::Rejected }
    }

    /// What was noticed about the file and tolerated.
    fn notes(&self) -> &[String] {
        self.manifest.read_as.as_ref().map_or(&[], |read_as| &read_as.notes)
    }

    fn line(&self) -> Line<'_> {
        let manifest = &self.manifest;
        let kinds = self.kinds.iter().map(|kind| KindLine {
            code: kind.code,
            column: kind.column.as_deref(),
            count: kind.count,
            first_row: kind.first_row,
        });
        let mut violations: Vec<ViolationLine<'_>> = self.kinds.iter().flat_map(Kind::lines).collect();
        violations.sort_by_key(|violation| (violation.row, violation.cell));
        Line {
            file: &self.file,
            status: manifest.status,
            dataset: &manifest.dataset,
            rows: manifest.rows,
            code: manifest.code,
            reason: manifest.reason.as_deref(),
            codes: &manifest.codes,
            kinds: kinds.collect(),
            truncated: self.kinds.iter().any(|kind| kind.unlisted() > 0),
            violations,
            notes: self.notes(),
        }
    }
}

impl Kind {
    /// How many there are beyond those that are listed.
    fn unlisted(&self) -> u64 {
        self.count - self.violations.len() as u64
    }

    fn lines(&self) -> impl Iterator<Item = ViolationLine<'_>> {
        self.violations.iter().map(|violation| ViolationLine {
            row: violation.row,
            line: violation.line,
            cell: violation.cell,
            column: self.column.as_deref(),
            code: self.code,
            value: &violation.value,
            reason: &violation.reason,
        })
    }
}
