//! What was guessed, in words.

use std::fmt;

use super::Survey;
use super::dialect::Detected;
use super::draft::{Drafted, Role};
use crate::contract::HeaderRows;
use crate::rows::{Layout, NO_QUOTE};
use crate::validate::push_visible;
use crate::wording::count;

/// How sure a guess is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// It may well be wrong.
    Unsure,
    /// Nearly everything speaks for it, or there is little to go by.
    Likely,
    /// All values of many rows speak for it.
    Sure,
}

impl Confidence {
    /// The confidence as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsure => "unsure",
            Self::Likely => "likely",
            Self::Sure => "sure",
        }
    }
}

/// One thing that was guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// How sure it is.
    pub confidence: Confidence,
    /// What it is about: a column, or a part of the contract.
    pub subject: String,
    /// What was guessed, and from what.
    pub words: String,
    /// What a person should look at.
    pub check: Option<String>,
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { confidence, subject, words, check } = self;
        write!(f, "{:<7} {subject}: {words}", confidence.as_str())?;
        check.as_ref().map_or(Ok(()), |check| write!(f, ". Check: {check}"))
    }
}

/// From so many rows on, what all of them have in common is no accident.
const MANY_ROWS: u64 = 100;

/// What was guessed of the way in which the file is laid out, where that is not the usual one.
pub(super) fn of_layout(detected: &Detected) -> Option<Guess> {
    let Layout { delimiter, quote, escape, skip_initial_space, .. } = detected.layout;
    let mut words = Vec::new();
    if delimiter != b',' {
        words.push(format!("cells are separated by {}", character(delimiter)));
    }
    match quote {
        b'"' => {}
        NO_QUOTE => words.push("quotation marks have no meaning".to_owned()),
        quote => words.push(format!("cells are quoted with {}", character(quote))),
    }
    if let Some(escape) = escape {
        words.push(format!("{} takes its meaning from the next character", character(escape)));
    }
    if skip_initial_space {
        words.push("spaces behind a delimiter are dropped".to_owned());
    }
    let mut confidence = Confidence::Likely;
    match &detected.header {
        HeaderRows::First => {}
        HeaderRows::At(rows) => {
            let row = rows.first().copied().unwrap_or(1);
            words.push(format!("the column names stand in row {row}"));
        }
        HeaderRows::Absent => {
            confidence = Confidence::Unsure;
            words.push("there is no row of column names".to_owned());
        }
    }
    (!words.is_empty()).then(|| Guess {
        confidence,
        subject: "dialect".to_owned(),
        words: words.join(", "),
        check: (confidence == Confidence::Unsure)
            .then(|| "give the columns their names, or correct \"dialect\"".to_owned()),
    })
}

fn character(byte: u8) -> String {
    match byte {
        b';' => "semicolons".to_owned(),
        b'\t' => "tabs".to_owned(),
        b'|' => "vertical bars".to_owned(),
        b' ' => "spaces".to_owned(),
        other => format!("{:?}", char::from(other)),
    }
}

/// The rows of broken form, where they are so many that the file may have been read in the wrong way.
pub(super) fn of_broken(survey: &Survey) -> Option<Guess> {
    let Survey { rows, broken, foreign, .. } = survey;
    let check = if foreign * 2 > *broken {
        "is the file in another encoding than UTF-8? Write it as \"encoding\", such as \"windows-1252\", or save it as UTF-8"
    } else {
        "is this how the file is laid out? If not, write its \"dialect\""
    };
    (broken > rows).then(|| Guess {
        confidence: Confidence::Unsure,
        subject: "rows".to_owned(),
        words: format!(
            "{} of {} have a broken form and tell nothing",
            count(*broken),
            rows_of(rows + broken)
        ),
        check: Some(check.to_owned()),
    })
}

/// A column that no field can describe.
pub(super) fn of_left_out(label: &str) -> Guess {
    Guess {
        confidence: Confidence::Sure,
        subject: shown(label),
        words: "left out, since no field may have this name; it is carried through".to_owned(),
        check: Some("give the column another name".to_owned()),
    }
}

/// The rows that hold the column names again.
pub(super) fn of_headers((count, first): (u64, u64)) -> Option<Guess> {
    (count > 0).then(|| Guess {
        confidence: Confidence::Sure,
        subject: "rows".to_owned(),
        words: format!("{} {} the column names again", rows_of(count), verb(count)),
        check: Some(format!("remove such rows, the first of which is row {}", self::count(first))),
    })
}

/// Which texts were taken for "no value", beside nothing at all.
pub(super) fn of_missing(missing: &[&str]) -> Option<Guess> {
    let texts: Vec<String> =
        missing.iter().filter(|text| !text.is_empty()).map(|text| quoted(text)).collect();
    (!texts.is_empty()).then(|| Guess {
        confidence: Confidence::Likely,
        subject: "missingValues".to_owned(),
        words: format!("{} and an empty cell stand for no value", texts.join(", ")),
        check: Some("they do so in every column".to_owned()),
    })
}

/// What was guessed of a column.
pub(super) fn of_column(drafted: &Drafted<'_>, rows: u64) -> Guess {
    let column = drafted.column;
    let mut words = vec![match drafted.writing() {
        Some(writing) => format!("{} {writing}", drafted.kind().as_str()),
        None if column.values == 0 => "string, since it holds no value".to_owned(),
        None => drafted.kind().as_str().to_owned(),
    }];
    if drafted.required {
        words.push("always there".to_owned());
    } else if drafted.missing > 0 {
        words.push(format!("missing in {} of {}", count(drafted.missing), rows_of(rows)));
    }
    match (drafted.minimum, drafted.maximum) {
        (Some(least), Some(most)) => words.push(format!("from {least} to {most}")),
        (Some(least), None) => words.push(format!("{least} or more")),
        _ => {}
    }
    if let Some(allowed) = &drafted.allowed {
        words.push(format!("one of {} values", allowed.len()));
    }
    words.extend(drafted.roles.iter().map(Role::words));
    Guess {
        confidence: confidence(drafted, rows),
        subject: shown(&column.label),
        words: words.join(", "),
        check: check(drafted, rows),
    }
}

fn confidence(drafted: &Drafted<'_>, rows: u64) -> Confidence {
    let column = drafted.column;
    if column.values == 0 || drafted.mirrored.is_some() || drafted.taken_back {
        Confidence::Unsure
    } else if rows < MANY_ROWS
        || drafted.misfits() > 0
        || drafted.near.is_some()
        || drafted.maximum.is_some()
        || drafted.allowed.is_some()
    {
        Confidence::Likely
    } else {
        Confidence::Sure
    }
}

/// What a person should look at.
fn check(drafted: &Drafted<'_>, rows: u64) -> Option<String> {
    let column = drafted.column;
    let mut checks = Vec::new();
    if let Some((one, other)) = &drafted.mirrored {
        checks.push(format!("its values may be {one} or {other}, and none tells which; write the right one"));
    }
    if let Some((near, fits)) = drafted.near {
        let others = column.values - fits;
        checks.push(format!(
            "{} of {} values are of type {near} and {} {} not{}, which is too much to reject by a guess; write \
             \"{near}\" if these are mistakes",
            count(fits),
            count(column.values),
            count(others),
            verb(others),
            drafted.example()
        ));
    }
    if drafted.misfits() > 0 {
        checks.push(format!(
            "{} of {} cells {} not of this type{}; such rows will be rejected",
            count(drafted.misfits()),
            count(column.values),
            verb(drafted.misfits()),
            drafted.example()
        ));
    }
    if drafted.is_code {
        checks.push("its digits begin with a zero or a plus, so they are a code and no number".to_owned());
    }
    if drafted.taken_back {
        checks.push("what its values have in common would have rejected too many rows".to_owned());
    }
    if !drafted.required && drafted.missing > 0 && drafted.missing * 50 <= rows {
        checks.push("write \"required\" if each row must have one".to_owned());
    }
    if drafted.is_number() && column.negative > 0 && column.negative * 50 <= column.values {
        let negative = count(column.negative);
        let (all, verb) = (count(column.values), verb(column.negative));
        checks.push(format!("{negative} of {all} {verb} below 0; is that meant?"));
    }
    if drafted.maximum.is_some() {
        checks.push("the limits are guessed from the name".to_owned());
    }
    if drafted.allowed.is_some() {
        checks.push("are these all values that may come?".to_owned());
    }
    if let Some((rare, times)) = drafted.rare {
        checks.push(format!(
            "it has few values, but {} ({}) is rare; a mistake?",
            quoted(rare),
            times_of(times)
        ));
    }
    if drafted.is_key_but_repeated {
        let values = if column.repeated == 1 { "value" } else { "values" };
        checks.push(format!("{} {values} came before; a primary key may not repeat", count(column.repeated)));
    }
    (!checks.is_empty()).then(|| checks.join("; "))
}

/// A value as a person may see it.
pub(super) fn quoted(value: &str) -> String {
    format!("\"{}\"", shown(value))
}

fn shown(value: &str) -> String {
    let mut text = String::new();
    push_visible(&mut text, value.as_bytes());
    text
}

fn rows_of(rows: u64) -> String {
    format!("{} {}", count(rows), if rows == 1 { "row" } else { "rows" })
}

fn verb(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

fn times_of(times: u64) -> String {
    if times == 1 { "once".to_owned() } else { format!("{} times", count(times)) }
}
