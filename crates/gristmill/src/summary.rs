//! What a command did with a file, for people.

use std::fmt::Write as _;

use shared::manifest::{Manifest, Status, cut};
use shared::record::AnalysisRecord;

use crate::console::{Colour, Console, count, counted, visible};
use crate::result::FileResult;

/// How many kinds of violation are shown; the errors file has all.
const MAX_REASONS: usize = 5;
/// The longest example of a violation, in bytes.
const MAX_REASON_BYTES: usize = 120;
/// How many insights and anomalies are shown; the report has all.
const MAX_SENTENCES: usize = 3;

/// The beginning of every summary: what became of the file.
pub(crate) fn head(console: &Console<'_>, result: &FileResult) -> String {
    let status = match result.status {
        Status::Completed => console.paint(Colour::Green, "completed"),
        Status::Rejected => console.paint(Colour::Red, "rejected"),
        Status::Held => console.paint(Colour::Yellow, "held"),
    };
    let again = if result.duplicate { ", processed before: nothing was done again" } else { "" };
    let mut text = format!("{status}  {} ({}{again})\n", visible(&result.file), visible(&result.dataset));
    if let Some(reason) = &result.reason {
        let code = result.code.map(|code| format!(" [{code}]")).unwrap_or_default();
        entry(&mut text, "reason", &format!("{}{code}", visible(reason)));
    }
    text
}

/// The rows and why some were rejected.
pub(crate) fn rows(manifest: &Manifest) -> String {
    let mut text = String::new();
    if manifest.status == Status::Rejected {
        return text;
    }
    let rows = manifest.rows;
    let figures = format!(
        "{}: {} valid, {} rejected",
        counted(rows.total, "row"),
        count(rows.valid),
        count(rows.rejected)
    );
    entry(&mut text, "rows", &figures);
    for kind in manifest.violations.iter().take(MAX_REASONS) {
        let place = kind.column.as_ref().map(|column| format!(" in {column}")).unwrap_or_default();
        let example = cut(&kind.first_reason, MAX_REASON_BYTES);
        let dots = if example.len() < kind.first_reason.len() { "…" } else { "" };
        let times = count(kind.count);
        let line = format!("{times:>6} × {}{place}; row {}: {example}{dots}", kind.code, kind.first_row);
        entry(&mut text, "", &visible(&line));
    }
    let more = manifest.violations.len().saturating_sub(MAX_REASONS);
    if more > 0 {
        entry(
            &mut text,
            "",
            &format!("     … and {} of error; see the errors file", counted(more as u64, "more kind")),
        );
    }
    for note in manifest.read_as.iter().flat_map(|read_as| &read_as.notes) {
        entry(&mut text, "note", &visible(note));
    }
    text
}

/// Where the outputs are.
pub(crate) fn outputs(result: &FileResult) -> String {
    let mut text = String::new();
    let paths = &result.paths;
    for (label, path) in [
        ("processed", &paths.processed),
        ("rejected", &paths.rejected),
        ("errors", &paths.errors),
        ("manifest", &paths.manifest),
        ("analysis", &paths.analysis),
        ("report", &paths.html),
    ] {
        if let Some(path) = path {
            entry(&mut text, label, path);
        }
    }
    text
}

/// What the report says first.
pub(crate) fn headlines(record: &AnalysisRecord) -> String {
    let mut text = String::new();
    if !record.summary.is_empty() {
        let _ = writeln!(text, "\n{}", visible(&record.summary));
    }
    for insight in record.insights.iter().take(MAX_SENTENCES) {
        let _ = writeln!(text, "  - {}", visible(&insight.description));
    }
    for anomaly in record.anomalies.iter().take(MAX_SENTENCES) {
        let _ = writeln!(text, "  ! {}", visible(&anomaly.description));
    }
    text
}

/// What to do next.
pub(crate) fn next(command: &str) -> String {
    format!("\nnext: {}\n", visible(command))
}

fn entry(text: &mut String, label: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  {label:<9}  {value}");
}
