//! From what was seen to a contract.

use std::fmt::Write as _;

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::column::{Column, MAX_DISTINCT, MISSING};
use super::{Candidate, Survey};
use crate::contract::MAX_NAME_BYTES;
use crate::value::FieldType;

/// The share of a column's values, one in so many, that may be of another type.
const TOLERATED: u64 = 100;
/// The most values of an enumeration.
const MAX_ENUM: usize = 12;
/// The fewest records from which an enumeration is drawn.
const MIN_ENUM_ROWS: u64 = 50;
/// Every value of an enumeration makes up at least one record in so many.
const ENUM_SHARE: u64 = 50;
/// The fewest records from which a key is drawn.
const MIN_KEY_ROWS: u64 = 20;
/// The most measures and the most dimensions: what a reader can take in.
const MAX_ENTRIES: usize = 12;
/// The most columns of free text.
const MAX_TEXTS: usize = 3;
/// Values that are at least so long, in characters and in words, are free text.
const TEXT_CHARACTERS: u64 = 30;
const TEXT_WORDS: u64 = 5;

/// A drafted contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The descriptor, to be written as JSON.
    pub descriptor: Value,
    /// What was guessed, in plain words, one guess an entry.
    pub guesses: Vec<String>,
}

/// What a column was taken for.
struct Guess<'a> {
    column: &'a Column,
    /// Absent for text.
    candidate: Option<&'a Candidate>,
    fits: u64,
    missing: u64,
    note: Option<String>,
}

impl Guess<'_> {
    fn kind(&self) -> FieldType {
        self.candidate.map_or(FieldType::String, |candidate| candidate.kind)
    }

    fn is(&self, kinds: &[FieldType]) -> bool {
        self.column.values > 0 && kinds.contains(&self.kind())
    }

    fn misfits(&self) -> u64 {
        self.candidate.map_or(0, |_| self.column.values - self.fits)
    }
}

pub(super) fn of(survey: &Survey, name: &str) -> Draft {
    let mut guesses: Vec<Guess<'_>> = survey.columns.iter().map(|c| guess(c, &survey.candidates)).collect();
    spend_less(&mut guesses, survey.rows);
    let missing = missing_values(&guesses);
    for guess in &mut guesses {
        guess.missing = guess.column.missing_among(&missing);
    }
    let name = dataset_name(name);
    let title = title(&name);
    let key = primary_key(&guesses, survey.rows);
    let fields: Vec<Value> = guesses.iter().map(|guess| field(guess, survey.rows, &missing)).collect();
    let mut schema = json!({ "fields": fields, "missingValues": missing });
    if let (Some(key), Some(schema)) = (key, schema.as_object_mut()) {
        schema.insert("primaryKey".to_owned(), json!([key]));
    }
    let analysis = analysis(&guesses, survey.rows, key);
    let words = words(&guesses, survey, key, &analysis);
    let descriptor = json!({
        "$schema": "https://datapackage.org/profiles/2.0/dataresource.json",
        "name": name,
        "type": "table",
        "title": title,
        "schema": schema,
        "gristmill": { "analysis": analysis },
    });
    Draft { descriptor, guesses: words }
}

/// The type that most values of a column have, if nearly all have it.
fn guess<'a>(column: &'a Column, candidates: &'a [Candidate]) -> Guess<'a> {
    let text = |note: Option<String>| Guess { column, candidate: None, fits: 0, missing: 0, note };
    let named_year = column.label.to_lowercase().contains("year");
    let mut best: Option<(&Candidate, u64)> = None;
    let mut tie = None;
    for (candidate, fits) in candidates.iter().zip(&column.fits) {
        // Four digits are a year only where the column says so.
        if candidate.kind == FieldType::Year && !named_year {
            continue;
        }
        match best {
            Some((other, most))
                if *fits == most && other.pattern.is_some() && candidate.kind == other.kind =>
            {
                tie = Some((other, candidate));
            }
            Some((_, most)) if *fits <= most => {}
            _ => (best, tie) = (Some((candidate, *fits)), None),
        }
    }
    let Some((candidate, fits)) = best.filter(|(_, fits)| *fits > 0) else { return text(None) };
    if (column.values - fits) * TOLERATED > column.values {
        let share = fits * 1000 / column.values;
        let mostly = || format!("{}.{} % are of type {}", share / 10, share % 10, candidate.kind.as_str());
        return text((share >= 500).then(|| format!("{}, too few for that type", mostly())));
    }
    if candidate.kind == FieldType::Integer && column.codes > 0 {
        return text(Some("the digits begin with a zero or a plus, so they are a code".to_owned()));
    }
    if let Some((one, other)) = tie {
        let name = |candidate: &Candidate| candidate.pattern.unwrap_or_default();
        return text(Some(format!(
            "nobody can tell whether its dates are {} or {}; write the right one as its format",
            name(one),
            name(other)
        )));
    }
    Guess { column, candidate: Some(candidate), fits, missing: 0, note: None }
}

/// Takes types back, the worst first, until at most one record in a hundred can be rejected for a type.
fn spend_less(guesses: &mut [Guess<'_>], rows: u64) {
    loop {
        let spent: u64 = guesses.iter().map(Guess::misfits).sum();
        if spent * TOLERATED <= rows {
            return;
        }
        let Some(worst) = guesses.iter_mut().max_by_key(|guess| guess.misfits()) else { return };
        worst.candidate = None;
        worst.note = Some("some of its values are of another type".to_owned());
    }
}

/// The texts that stand for "no value": those that can mean nothing else, and those in columns of numbers or dates.
fn missing_values(guesses: &[Guess<'_>]) -> Vec<&'static str> {
    let is_used = |index: usize, certain: bool| {
        guesses.iter().any(|guess| {
            let count = guess.column.missing.get(index).copied().unwrap_or(0);
            count > 0 && (certain || guess.candidate.is_some())
        })
    };
    let entries = MISSING.iter().enumerate();
    let used = entries.filter(|(index, (text, certain))| text.is_empty() || is_used(*index, *certain));
    used.map(|(_, (text, _))| *text).collect()
}

fn field(guess: &Guess<'_>, rows: u64, missing: &[&str]) -> Value {
    let mut field = Map::new();
    field.insert("name".to_owned(), json!(guess.column.label.trim()));
    field.insert("type".to_owned(), json!(guess.kind().as_str()));
    if let Some(pattern) = guess.candidate.and_then(|candidate| candidate.pattern) {
        field.insert("format".to_owned(), json!(pattern));
    }
    let mut constraints = Map::new();
    if rows > 0 && guess.missing == 0 {
        constraints.insert("required".to_owned(), json!(true));
    }
    if guess.is(&[FieldType::Integer, FieldType::Number]) && guess.column.negative == 0 {
        constraints.insert("minimum".to_owned(), json!(0));
    }
    if let Some(values) = enumeration(guess, rows, missing) {
        constraints.insert("enum".to_owned(), json!(values));
    }
    if !constraints.is_empty() {
        field.insert("constraints".to_owned(), Value::Object(constraints));
    }
    Value::Object(field)
}

/// The values of a column of words with few of them, none of them rare.
fn enumeration<'a>(guess: &Guess<'a>, rows: u64, missing: &[&str]) -> Option<Vec<&'a str>> {
    let distinct = distinct(guess, missing)?;
    let values: u64 = distinct.iter().map(|(_, count)| count).sum();
    let common = distinct.iter().all(|(_, count)| count * ENUM_SHARE >= values);
    let few = (2..=MAX_ENUM).contains(&distinct.len());
    (guess.is(&[FieldType::String]) && rows >= MIN_ENUM_ROWS && few && common)
        .then(|| distinct.into_iter().map(|(value, _)| value).collect())
}

/// The distinct values of a column in order, if they are few.
fn distinct<'a>(guess: &Guess<'a>, missing: &[&str]) -> Option<Vec<(&'a str, u64)>> {
    let all = guess.column.distinct.as_ref()?;
    let kept = all.iter().filter(|(value, _)| !missing.contains(&value.as_str()));
    let mut kept: Vec<(&str, u64)> = kept.map(|(value, count)| (value.as_str(), *count)).collect();
    kept.sort_unstable();
    Some(kept)
}

fn primary_key<'a>(guesses: &[Guess<'a>], rows: u64) -> Option<&'a str> {
    let fits = |guess: &&Guess<'_>| {
        guess.column.is_unique() && guess.missing == 0 && guess.misfits() == 0 && is_id(&guess.column.label)
    };
    let found = if rows < MIN_KEY_ROWS { None } else { guesses.iter().find(fits) };
    found.map(|guess| guess.column.label.trim())
}

/// Whether a column's name ends in "id" as a word of its own.
fn is_id(label: &str) -> bool {
    let label = label.trim();
    let Some((head, tail)) = label.len().checked_sub(2).and_then(|at| label.split_at_checked(at)) else {
        return false;
    };
    let camel = matches!(tail, "Id" | "ID") && head.ends_with(|c: char| c.is_lowercase());
    tail.eq_ignore_ascii_case("id") && (camel || !head.ends_with(char::is_alphanumeric))
}

/// Whether a column's numbers are names rather than amounts.
fn is_name(label: &str) -> bool {
    const WORDS: [&str; 12] = [
        "code",
        "zip",
        "postcode",
        "postal",
        "phone",
        "number",
        "no",
        "nr",
        "key",
        "index",
        "latitude",
        "longitude",
    ];
    let lower = label.to_lowercase();
    is_id(label) || lower.split(|c: char| !c.is_alphanumeric()).any(|word| WORDS.contains(&word))
}

fn analysis(guesses: &[Guess<'_>], rows: u64, key: Option<&str>) -> Value {
    let others = || guesses.iter().filter(|guess| key != Some(guess.column.label.trim()));
    let names = |list: Vec<&Guess<'_>>, most: usize| -> Vec<Value> {
        list.into_iter().take(most).map(|guess| json!(guess.column.label.trim())).collect()
    };
    let is_measure = |guess: &&Guess<'_>| {
        guess.is(&[FieldType::Integer, FieldType::Number]) && !is_name(&guess.column.label)
    };
    let mut analysis = Map::new();
    let mut put = |key: &str, names: Vec<Value>| {
        if !names.is_empty() {
            analysis.insert(key.to_owned(), Value::Array(names));
        }
    };
    put("measures", names(others().filter(is_measure).collect(), MAX_ENTRIES));
    put("dimensions", names(others().filter(|guess| is_dimension(guess, rows)).collect(), MAX_ENTRIES));
    put("text", names(others().filter(is_text).collect(), MAX_TEXTS));
    let time = others().find(|guess| guess.is(&[FieldType::Date, FieldType::Datetime]));
    if let Some(guess) = time {
        let period = guess.column.days.map_or("month", period);
        analysis.insert("time".to_owned(), json!({ "field": guess.column.label.trim(), "period": period }));
    }
    Value::Object(analysis)
}

fn is_text(guess: &&Guess<'_>) -> bool {
    let column = guess.column;
    guess.is(&[FieldType::String])
        && column.characters >= TEXT_CHARACTERS * column.values
        && column.words >= TEXT_WORDS * column.values
}

fn is_dimension(guess: &Guess<'_>, rows: u64) -> bool {
    let count = distinct(guess, &[""]).map_or(usize::MAX, |distinct| distinct.len());
    guess.is(&[FieldType::String, FieldType::Boolean, FieldType::Year])
        && !is_text(&guess)
        && (2..=MAX_DISTINCT).contains(&count)
        && count as u64 * 2 <= rows
}

/// The period that cuts the time between two days into a readable number of pieces.
fn period((first, last): (Date, Date)) -> &'static str {
    let days = last.since(first).map_or(0, |span| span.get_days());
    match days {
        ..=45 => "day",
        46..=200 => "week",
        201..=2200 => "month",
        _ => "year",
    }
}

/// A dataset's name: lower-case letters, digits, and `.`, `_` and `-` inside.
fn dataset_name(name: &str) -> String {
    let lower = crate::keys::stem(name).to_lowercase();
    let mut name = lower.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    name.truncate(MAX_NAME_BYTES);
    if name.is_empty() { "dataset".to_owned() } else { name }
}

fn title(name: &str) -> String {
    let spaced = name.replace(['_', '-', '.'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn words(guesses: &[Guess<'_>], survey: &Survey, key: Option<&str>, analysis: &Value) -> Vec<String> {
    let mut words = Vec::with_capacity(guesses.len() + 1);
    for guess in guesses {
        let mut text = format!("{}: {}", guess.column.label.trim(), guess.kind().as_str());
        if let Some(pattern) = guess.candidate.and_then(|candidate| candidate.pattern) {
            // Writing to a String cannot fail.
            let _ = write!(text, " ({pattern})");
        }
        if guess.missing > 0 {
            let _ = write!(text, ", missing in {} of {} rows", guess.missing, survey.rows);
        }
        if key == Some(guess.column.label.trim()) {
            text.push_str(", the primary key");
        }
        for (role, list) in analysis.as_object().into_iter().flatten() {
            let listed = list.as_array().is_some_and(|list| list.contains(&json!(guess.column.label.trim())));
            if listed || list.get("field") == Some(&json!(guess.column.label.trim())) {
                let _ = write!(text, ", {role}");
            }
        }
        if let Some(note) = &guess.note {
            let _ = write!(text, " ({note})");
        }
        words.push(text);
    }
    if survey.passed_over > 0 {
        words.push(format!("{} broken rows were passed over", survey.passed_over));
    }
    words
}
