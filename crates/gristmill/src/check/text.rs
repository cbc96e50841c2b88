//! What was found in a file, for people.

use std::fmt::Write as _;

use shared::events::Rows;
use shared::manifest::{Status, cut};
use shared::violation::Code;
use unicode_width::UnicodeWidthStr as _;

use super::Checked;
use super::listing::{Kind, Violation};
use crate::console::{Colour, Console, count, counted, visible};

/// How far excerpts stand to the right.
pub(super) const INDENT: usize = 6;
/// The most kinds that are shown with examples, and the most lines of the table: the frequent ones first. `--json`
/// has all.
const MAX_KINDS: usize = 20;
const MAX_TABLE_LINES: usize = 50;
/// The longest reason, in bytes: a list of allowed values may be long.
const MAX_REASON_BYTES: usize = 400;

/// Violations by kind with their places, the totals, and the verdict.
pub(super) fn of(checked: &Checked, console: &Console<'_>) -> String {
    let mut text = String::new();
    let shown: Vec<&Kind> = checked.kinds.iter().filter(|kind| has_examples(kind, &checked.kinds)).collect();
    for kind in shown.iter().take(MAX_KINDS) {
        examples(&mut text, kind, checked, console);
        text.push('\n');
    }
    if let Some(more) = shown.len().checked_sub(MAX_KINDS).filter(|more| *more > 0) {
        let _ = writeln!(text, "… and {}\n", counted(more as u64, "more kind"));
    }
    totals(&mut text, &checked.kinds);
    verdict(&mut text, checked, console);
    text
}

/// Whether a kind is shown with examples. Cells are missing from the end of a row, so those of the last column stand
/// for all that are missing with it.
fn has_examples(kind: &Kind, kinds: &[Kind]) -> bool {
    let last_cell = |kind: &Kind| kind.violations.first().and_then(|violation| violation.cell);
    let hidden = kind.code == Code::MissingCell
        && kinds.iter().any(|other| other.code == kind.code && last_cell(other) > last_cell(kind));
    !kind.violations.is_empty() && !hidden
}

/// The first violations of one kind. Writing to a String cannot fail.
fn examples(text: &mut String, kind: &Kind, checked: &Checked, console: &Console<'_>) {
    let (place, times) = match (&kind.column, kind.code) {
        (_, Code::MissingCell) => (String::new(), counted(kind.count, "row")),
        (Some(column), _) => (format!(" in {}", visible(column)), counted(kind.count, "time")),
        (None, _) => (String::new(), counted(kind.count, "time")),
    };
    let _ = writeln!(text, "{} ({times})", console.paint(Colour::Red, &format!("{}{place}", kind.code)));
    for violation in &kind.violations {
        let reason = match kind.code {
            Code::MissingCell => missing(violation, &checked.kinds),
            _ => reason(violation, kind),
        };
        example(text, violation, &reason, &checked.file, console);
    }
    if kind.unlisted() > 0 {
        let _ = writeln!(text, "  … and {} more", count(kind.unlisted()));
    }
}

fn example(text: &mut String, violation: &Violation, reason: &str, file: &str, console: &Console<'_>) {
    let Violation { row, place: (line, character), excerpt, .. } = violation;
    let at = format!("{}:{line}:{character}", visible(file));
    let _ = writeln!(text, "  {} (row {}): {reason}", console.paint(Colour::Cyan, &at), count(*row));
    let _ = writeln!(text, "{:INDENT$}{}", "", excerpt.text);
    if let Some((left, taken)) = excerpt.mark {
        let carets = console.paint(Colour::Red, &"^".repeat(taken));
        let _ = writeln!(text, "{:width$}{carets}", "", width = INDENT + left);
    }
}

/// Why a row is too short: the cells that it lacks, all at once.
fn missing(violation: &Violation, kinds: &[Kind]) -> String {
    let of_row = |kind: &&Kind| {
        kind.code == Code::MissingCell && kind.violations.iter().any(|other| other.row == violation.row)
    };
    let mut lacking: Vec<&Kind> = kinds.iter().filter(of_row).collect();
    lacking.sort_by_key(|kind| kind.violations.first().and_then(|violation| violation.cell));
    let names: Vec<String> = lacking.iter().filter_map(|kind| kind.column.as_deref()).map(visible).collect();
    let cells = if let [_] = names.as_slice() { "there is no cell for" } else { "there are no cells for" };
    let width = violation.reason.rsplit(": ").next().unwrap_or_default();
    shortened(&format!("{cells} {}: {width}", names.join(", ")))
}

/// The reason without the column's name, which the kind has said.
fn reason(violation: &Violation, kind: &Kind) -> String {
    let whole = violation.reason.as_str();
    let bare = kind.column.as_deref().and_then(|column| whole.strip_prefix(column)?.strip_prefix(": "));
    let bare = bare.unwrap_or(whole);
    visible(&shortened(bare))
}

fn shortened(reason: &str) -> String {
    let kept = cut(reason, MAX_REASON_BYTES);
    format!("{kept}{}", if kept.len() < reason.len() { "…" } else { "" })
}

/// A text in lines of at most so many columns, cut between words.
fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= columns {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// How often each code hit each column.
fn totals(text: &mut String, kinds: &[Kind]) {
    if kinds.is_empty() {
        return;
    }
    let counts: Vec<String> = kinds.iter().map(|kind| count(kind.count)).collect();
    let numbers = counts.iter().map(String::len).chain(["count".len()]).max().unwrap_or(0);
    let codes = kinds.iter().map(|kind| kind.code.as_str().width()).max().unwrap_or(0);
    let _ = writeln!(text, "  {:>numbers$}  {:<codes$}  column", "count", "code");
    for (kind, count) in kinds.iter().zip(&counts).take(MAX_TABLE_LINES) {
        let column = visible(kind.column.as_deref().unwrap_or("(the whole row)"));
        let _ = writeln!(text, "  {count:>numbers$}  {:<codes$}  {column}", kind.code.as_str());
    }
    if let Some(more) = kinds.len().checked_sub(MAX_TABLE_LINES).filter(|more| *more > 0) {
        let _ = writeln!(text, "  … and {}; --json lists all", counted(more as u64, "more kind"));
    }
    text.push('\n');
}

/// What became of the file, and why.
fn verdict(text: &mut String, checked: &Checked, console: &Console<'_>) {
    let manifest = &checked.manifest;
    let word = match (manifest.status, manifest.rows.rejected) {
        (Status::Completed, 0) => console.paint(Colour::Green, "good"),
        (Status::Completed, _) => console.paint(Colour::Yellow, "not good"),
        (Status::Held, _) => console.paint(Colour::Yellow, "held"),
        (Status::Rejected, _) => console.paint(Colour::Red, "refused"),
    };
    let _ = write!(text, "{word}  {} ({})", visible(&checked.file), visible(&manifest.dataset));
    if manifest.status != Status::Rejected {
        let Rows { total, valid, rejected } = manifest.rows;
        let _ =
            write!(text, ": {}, {} valid, {} rejected", counted(total, "row"), count(valid), count(rejected));
        let violations: u64 = checked.kinds.iter().map(|kind| kind.count).sum();
        if violations > 0 {
            let _ = write!(text, ", {}", counted(violations, "violation"));
        }
    }
    text.push('\n');
    if let Some(reason) = &manifest.reason {
        let code = manifest.code.map(|code| format!("{code}: ")).unwrap_or_default();
        for line in wrapped(&visible(&format!("{code}{reason}")), console.width.saturating_sub(2)) {
            let _ = writeln!(text, "  {line}");
        }
    }
    for note in checked.notes() {
        let _ = writeln!(text, "  note: {}", visible(note));
    }
}
