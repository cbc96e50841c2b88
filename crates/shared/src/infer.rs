//! A first draft of a contract, from the start of a file.
//!
//! A survey looks at the records one by one and the draft writes down what they have in common. It is deliberately
//! loose: a rule that a person would have to take back does more harm than one that is missing. Then the draft judges
//! its own sample, as it would judge the file; where it rejects more than one row in a hundred, what rejects them is
//! taken back. What was guessed is said in words, with how sure it is and what to look at.

mod analysis;
mod candidate;
mod column;
mod dialect;
mod draft;
mod guess;
mod names;
mod relax;

use crate::contract::{Contract, own_labels};
use crate::rows::{Limits, Record};
use crate::split::Opening;
use crate::validate::{Findings, Keys, Plan, check_labels};
use crate::violation::{FileCode, Verdict};

use candidate::Candidate;
use column::Column;
use relax::{Relaxed, Trial};

pub use dialect::{Detected, detect};
pub use guess::{Confidence, Guess};

/// The most records that a draft looks at: more would not change it, but take time.
pub const MAX_ROWS: u64 = 100_000;
/// The most bytes that a draft should be given: they are kept in memory.
pub const MAX_BYTES: u64 = 32 * 1024 * 1024;
/// The share of the sample's rows, one in so many, that a draft may reject.
const TOLERATED: u64 = 100;
/// How many columns are watched for values that come again: each costs memory for every row.
const MAX_KEY_COLUMNS: usize = 4;

/// A drafted contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The descriptor, to be written as JSON. It is a sound contract.
    pub descriptor: serde_json::Value,
    /// What was guessed.
    pub guesses: Vec<Guess>,
    /// How many records of the sample were looked at, those of broken form left out.
    pub rows: u64,
    /// How many records were left out because their form is broken.
    pub broken: u64,
    /// How many of the records that were looked at the draft accepts.
    pub accepted: u64,
}

/// What was seen of a file.
#[derive(Debug, Clone)]
struct Survey {
    candidates: Vec<Candidate>,
    columns: Vec<Column>,
    rows: u64,
    broken: u64,
    /// Of these, the ones that are not UTF-8.
    foreign: u64,
    /// The rows that repeat the column names, as when two exports are pasted together: how many, and the first.
    headers: (u64, u64),
}

/// Drafts a contract from the start of a file; `whole` says that it is all of the file. `name` becomes the dataset's
/// name, reduced to what one may be.
///
/// # Errors
/// The verdict over a file that is no table: it would get the same one from any contract.
pub fn draft(start: &[u8], whole: bool, name: &str) -> Result<Draft, Verdict> {
    if let Some(what) = other_text(start) {
        let reason = format!("the file looks like {what}, not like a CSV; export the table as CSV");
        return Err(Verdict::new(FileCode::UnsupportedFormat, reason));
    }
    let opening = opened(start, whole);
    let (detected, _) = opening.detect()?;
    let labels = own_labels(&detected.labels);
    if labels.is_empty() {
        // What is no table for another reason has a verdict of its own.
        opening.regular()?;
        return Err(Verdict::new(
            FileCode::EmptyFile,
            "there is nothing in the file to draft a contract from",
        ));
    }
    check_labels(labels)?;
    let most = Limits::STANDARD.columns;
    if labels.len() > most {
        let reason = format!("the header has {} columns; at most {most} are accepted", labels.len());
        return Err(Verdict::new(FileCode::TooManyColumns, reason));
    }
    if labels.iter().all(|label| draft::is_reserved(label)) {
        // What is no text at all has a verdict of its own.
        opening.regular()?;
        let reason = "none of the column names can stand in a contract; give the columns other names";
        return Err(Verdict::new(FileCode::FormatError, reason));
    }
    let any = parsed(&draft::profile(&detected, labels))?;
    let found = opening.find(&[&any])?;
    let mut survey = Survey::new(labels);
    opening.take(found).sample(|record, plan| survey.add(record, plan));
    let mut relaxed = Relaxed::default();
    loop {
        let (descriptor, guesses) = draft::of(&survey, &detected, name, &relaxed);
        let trial = trial(start, whole, &parsed(&descriptor)?)?;
        let (rows, accepted) = (survey.rows, trial.accepted);
        if (rows.saturating_sub(accepted)) * TOLERATED <= rows || !relaxed.take_back(&trial, &survey.columns)
        {
            return Ok(Draft { descriptor, guesses, rows, broken: survey.broken, accepted });
        }
    }
}

/// What a text is whose first characters no table begins with.
fn other_text(start: &[u8]) -> Option<&'static str> {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins = |tag: &[u8]| start.get(..tag.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(tag));
    if begins(b"<!doctype html") || begins(b"<html") {
        return Some("a web page");
    }
    if begins(b"<?xml") {
        return Some("XML");
    }
    let (bracket, inside) = start.split_first()?;
    let next = inside.trim_ascii_start().first();
    match (bracket, next) {
        (b'[', Some(b'{' | b'[')) | (b'{', Some(b'"')) => Some("JSON"),
        _ => None,
    }
}

/// A file of which only its start is read.
fn opened(start: &[u8], whole: bool) -> Opening {
    let mut opening = Opening::new(Limits::STANDARD);
    let mut rest = start;
    while !rest.is_empty() {
        let space = opening.space();
        let (now, later) = rest.split_at(rest.len().min(space.len()));
        for (to, byte) in space.iter_mut().zip(now) {
            *to = *byte;
        }
        rest = later;
        opening.filled(now.len());
    }
    if whole {
        opening.filled(0);
    }
    opening
}

/// A draft as a contract. What a header can hold and a contract cannot is a verdict: more columns than the limit, a
/// name that is too long or reserved.
fn parsed(descriptor: &serde_json::Value) -> Result<Contract, Verdict> {
    Contract::parse(descriptor.to_string().as_bytes()).map_err(|broken| {
        let problems: Vec<String> = broken.problems.iter().map(ToString::to_string).collect();
        Verdict::new(
            FileCode::FormatError,
            format!("no contract can describe the file: {}", problems.join("; ")),
        )
    })
}

/// Lets a draft judge its sample.
fn trial(start: &[u8], whole: bool, contract: &Contract) -> Result<Trial, Verdict> {
    let opening = opened(start, whole);
    let found = opening.find(&[contract])?;
    let (mut trial, mut keys, mut findings) = (Trial::default(), Keys::default(), Findings::default());
    opening.take(found).sample(|record, plan| {
        // A sample has fewer rows than there may be keys.
        if is_sound(record, plan)
            && trial.rows < MAX_ROWS
            && plan.judge(record, &mut keys, &mut findings).is_ok()
        {
            trial.add(&findings);
        }
    });
    Ok(trial)
}

/// Whether the form of a record is as it should be. One whose form is broken says nothing about the others.
fn is_sound(record: &Record<'_>, plan: &Plan) -> bool {
    record.width == plan.width()
        && record.faults.none()
        && !record.fields().all(|field| field.text().is_empty())
}

impl Survey {
    fn new(labels: &[String]) -> Self {
        let candidates = Candidate::all();
        let mut keys = 0;
        let column = |label: &String| {
            let may_be_key = names::is_key(label) && keys < MAX_KEY_COLUMNS;
            keys += usize::from(may_be_key);
            Column::new(label, candidates.len(), may_be_key)
        };
        let columns = labels.iter().map(column).collect();
        Self { candidates, columns, rows: 0, broken: 0, foreign: 0, headers: (0, 0) }
    }

    /// Whether the record holds the names of the columns.
    fn repeats_names(&self, record: &Record<'_>) -> bool {
        let mut cells = self.columns.iter().zip(record.fields());
        cells.all(|(column, field)| field.text().trim_ascii() == column.label.as_bytes())
    }

    fn add(&mut self, record: &Record<'_>, plan: &Plan) {
        if self.rows == MAX_ROWS {
            return;
        }
        if !is_sound(record, plan) {
            self.broken += 1;
            self.foreign += u64::from(record.faults.not_utf8);
            return;
        }
        self.rows += 1;
        if self.repeats_names(record) {
            let (count, first) = self.headers;
            self.headers = (count + 1, if count == 0 { record.number } else { first });
            return;
        }
        for (column, field) in self.columns.iter_mut().zip(record.fields()) {
            let text = field.text();
            column.add(std::str::from_utf8(&text).unwrap_or_default(), record.number, &self.candidates);
        }
    }
}

#[cfg(test)]
mod tests;
