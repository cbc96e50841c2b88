//! `gristmill check`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use futures_lite::future::block_on;
use processor::Processor;
use serde::Serialize;
use shared::events::Rows;
use shared::manifest::{Manifest, Status};
use shared::violation::FileCode;

use crate::arguments::CheckArguments;
use crate::console::{Colour, Console, count, counted, visible};
use crate::contracts::{Contracts, for_each_file};
use crate::failure::{Exit, Failure};
use crate::local::{DryObjects, FileObjects, InputFile, LocalEvents, SystemClock};
use crate::progress::Progress;
use crate::result::line;
use crate::stages;

/// What was found in a file, for programs.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    status: Status,
    dataset: String,
    rows: Rows,
    code: Option<FileCode>,
    reason: Option<String>,
    codes: BTreeMap<String, u64>,
    violations: Vec<Violation>,
    /// Whether there are more violations than are listed.
    truncated: bool,
}

/// One violation, as the errors file has it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Violation {
    row: u64,
    line: u64,
    column: Option<String>,
    code: String,
    value: String,
    reason: String,
}

/// Validates every file and writes nothing.
pub(crate) fn check(arguments: &CheckArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    for_each_file(&arguments.files, &arguments.choice, console, |file, contracts, console| {
        one(file, arguments, contracts, console)
    })
}

fn one(
    file: &Path,
    arguments: &CheckArguments,
    contracts: &Contracts,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let shown = file.display().to_string();
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
    let events = LocalEvents::default();
    let objects = DryObjects::new(files, arguments.limit);
    let processor = Processor::new(objects, &events, SystemClock, processor::Settings::default());
    let processed = block_on(stages::process(&processor, &input, &shown));
    progress.clear();
    let manifest = processed?.manifest;
    let violations = match manifest.status {
        // A verdict over the whole file takes back what was said of its rows.
        Status::Rejected => Vec::new(),
        Status::Completed | Status::Held => {
            violations(processor.objects.overheard().bytes(), arguments.limit).map_err(|error| {
                Failure::program(format!("{shown}: the violations cannot be read: {error}"))
            })?
        }
    };
    contracts.remark(&shown, &manifest, console);
    let checked = Checked::of(shown, &manifest, violations);
    let text = if arguments.json { line(&checked)? } else { text(console, &checked, &manifest) };
    console.print(&text)?;
    let good = manifest.status == Status::Completed && manifest.rows.rejected == 0;
    Ok(if good { Exit::Good } else { Exit::Rejected })
}

impl Checked {
    fn of(file: String, manifest: &Manifest, violations: Vec<Violation>) -> Self {
        let all = manifest.codes.values().sum::<u64>();
        Self {
            file,
            status: manifest.status,
            dataset: manifest.dataset.clone(),
            rows: manifest.rows,
            code: manifest.code,
            reason: manifest.reason.clone(),
            codes: manifest.codes.clone(),
            truncated: all > violations.len() as u64,
            violations,
        }
    }
}

/// Reads the beginning of an errors file: `source_row,source_line,column,code,value,reason`.
fn violations(errors: &[u8], limit: u64) -> Result<Vec<Violation>, csv::Error> {
    let mut found = Vec::new();
    for record in csv::Reader::from_reader(errors).into_deserialize() {
        if found.len() as u64 == limit {
            break;
        }
        let (row, line, column, code, value, reason): (u64, u64, Option<String>, String, String, String) =
            record?;
        found.push(Violation { row, line, column, code, value: as_it_was(value), reason: as_it_was(reason) });
    }
    Ok(found)
}

/// A text without the apostrophe that keeps spreadsheets from taking it for a formula.
fn as_it_was(text: String) -> String {
    match text.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest.to_owned(),
        _ => text,
    }
}

/// One line a violation, as a compiler would write it, then the totals.
fn text(console: &Console<'_>, checked: &Checked, manifest: &Manifest) -> String {
    let file = visible(&checked.file);
    let mut text = String::new();
    // Writing to a String cannot fail.
    for Violation { row, line, code, reason, .. } in &checked.violations {
        let _ = writeln!(text, "{file}:row {row} (line {line}) {} [{code}]", visible(reason));
    }
    if checked.truncated && checked.status != Status::Rejected {
        let all = checked.codes.values().sum::<u64>();
        let more = counted(all - checked.violations.len() as u64, "more violation");
        let _ = writeln!(text, "… and {more}; --limit lists more");
    }
    if !checked.violations.is_empty() && checked.status != Status::Rejected {
        text.push('\n');
        for kind in &manifest.violations {
            let column = visible(kind.column.as_deref().unwrap_or_default());
            let _ = writeln!(text, "{:>8}  {:<18} {column}", count(kind.count), kind.code.as_str());
        }
    }
    let word = match (checked.status, checked.rows.rejected) {
        (Status::Completed, 0) => console.paint(Colour::Green, "good"),
        (Status::Completed, _) => console.paint(Colour::Yellow, "not good"),
        (Status::Held, _) => console.paint(Colour::Yellow, "held"),
        (Status::Rejected, _) => console.paint(Colour::Red, "rejected"),
    };
    let _ = write!(text, "{word}  {file} ({})", visible(&checked.dataset));
    if checked.status != Status::Rejected {
        let Rows { total, valid, rejected } = checked.rows;
        let _ =
            write!(text, ": {}, {} valid, {} rejected", counted(total, "row"), count(valid), count(rejected));
    }
    text.push('\n');
    if let Some(reason) = &checked.reason {
        let code = checked.code.map(|code| format!(" [{code}]")).unwrap_or_default();
        let _ = writeln!(text, "  {}{code}", visible(reason));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_read_back_as_they_were_found() {
        let errors = b"source_row,source_line,column,code,value,reason\n\
                       3,5,price,type-error,'=1+1,\"price: \"\"=1+1\"\" is no number, write one\"\n\
                       4,6,,blank-row,,every cell of the row is empty\n\
                       5,7,price,type-error,-x,price: no\n";
        let found = violations(errors, 2).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].row, found[0].line, found[0].column.as_deref()), (3, 5, Some("price")));
        assert_eq!(found[0].value, "=1+1");
        assert_eq!(found[0].reason, "price: \"=1+1\" is no number, write one");
        assert_eq!(found[1].column, None);
        assert!(violations(b"", 2).unwrap().is_empty());
    }
}
