//! A first `analysis` block: what to add up, by what to group it, along which time, and what to ask.

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::column::MAX_DISTINCT;
use super::draft::{Drafted, Role};
use super::names;
use crate::value::FieldType;

/// The most measures and the most dimensions: what a reader can take in.
const MAX_ENTRIES: usize = 12;
/// The most columns of free text.
const MAX_TEXTS: usize = 3;
/// Values that are at least so long, in characters and in words, are free text.
const TEXT_CHARACTERS: u64 = 30;
const TEXT_WORDS: u64 = 5;
/// The longest question, in characters.
const MAX_QUESTION: usize = 500;

/// Gives each column its roles, and writes them down.
pub(super) fn of(drafted: &mut [Drafted<'_>], rows: u64) -> Map<String, Value> {
    assign(drafted, rows);
    let named = |role: fn(&Role) -> bool| -> Vec<&Drafted<'_>> {
        drafted.iter().filter(|drafted| drafted.roles.iter().any(role)).collect()
    };
    let names = |list: &[&Drafted<'_>]| -> Vec<Value> {
        list.iter().map(|drafted| json!(drafted.column.label)).collect()
    };
    let measures = named(|role| matches!(role, Role::Measure(_)));
    let dimensions = named(|role| *role == Role::Dimension);
    let texts = named(|role| *role == Role::Text);
    let time = named(|role| matches!(role, Role::Time(_))).first().copied();
    let mut analysis = Map::new();
    put(&mut analysis, "measures", measures.iter().map(|drafted| measure(drafted)).collect());
    put(&mut analysis, "dimensions", names(&dimensions));
    if let Some((drafted, period)) = time.and_then(|drafted| Some((drafted, period_of(drafted)?))) {
        let time = json!({ "field": drafted.column.label, "period": period });
        analysis.insert("time".to_owned(), time);
    }
    put(&mut analysis, "text", names(&texts));
    let questions = questions(&measures, &dimensions, &texts, time);
    put(&mut analysis, "questions", questions.into_iter().map(Value::String).collect());
    let mut extension = Map::new();
    put(&mut extension, "personal", names(&named(|role| *role == Role::Personal)));
    if !analysis.is_empty() {
        extension.insert("analysis".to_owned(), Value::Object(analysis));
    }
    extension
}

fn put(object: &mut Map<String, Value>, key: &str, values: Vec<Value>) {
    if !values.is_empty() {
        object.insert(key.to_owned(), Value::Array(values));
    }
}

fn assign(drafted: &mut [Drafted<'_>], rows: u64) {
    let (mut measures, mut dimensions, mut texts, mut time) = (0, 0, 0, false);
    for drafted in drafted {
        let label = &drafted.column.label;
        let is_personal = names::is_personal(label);
        let role = if drafted.has(&Role::Key) {
            None
        } else if drafted.is_number() && !names::is_name(label) && measures < MAX_ENTRIES {
            measures += 1;
            Some(Role::Measure(names::unit(label)))
        } else if drafted.is(&[FieldType::Date, FieldType::Datetime]) && !time {
            time = true;
            Some(Role::Time(drafted.column.days.map_or("month", period)))
        } else if is_text(drafted) && texts < MAX_TEXTS {
            texts += 1;
            Some(Role::Text)
        } else if is_dimension(drafted, rows) && !is_personal && dimensions < MAX_ENTRIES {
            dimensions += 1;
            Some(Role::Dimension)
        } else {
            None
        };
        drafted.roles.extend(role);
        if is_personal {
            drafted.roles.push(Role::Personal);
        }
    }
}

fn measure(drafted: &Drafted<'_>) -> Value {
    let label = &drafted.column.label;
    names::unit(label).map_or_else(|| json!(label), |unit| json!({ "field": label, "unit": unit }))
}

fn period_of(drafted: &Drafted<'_>) -> Option<&'static str> {
    drafted.roles.iter().find_map(|role| if let Role::Time(period) = role { Some(*period) } else { None })
}

fn is_text(drafted: &Drafted<'_>) -> bool {
    let column = drafted.column;
    drafted.is_words()
        && column.characters >= TEXT_CHARACTERS * column.values
        && column.words >= TEXT_WORDS * column.values
}

fn is_dimension(drafted: &Drafted<'_>, rows: u64) -> bool {
    let count = drafted.distinct(&[""]).map_or(usize::MAX, |distinct| distinct.len());
    (drafted.is_words() || drafted.is(&[FieldType::Boolean, FieldType::Year]))
        && !is_text(drafted)
        && drafted.near.is_none()
        && drafted.mirrored.is_none()
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

/// What a reader may want to know first.
fn questions(
    measures: &[&Drafted<'_>],
    dimensions: &[&Drafted<'_>],
    texts: &[&Drafted<'_>],
    time: Option<&Drafted<'_>>,
) -> Vec<String> {
    let name = |drafted: &&Drafted<'_>| drafted.column.label.replace(['_', '-'], " ");
    let (measure, dimension) = (measures.first().map(name), dimensions.first().map(name));
    let mut questions = Vec::new();
    match (&measure, &dimension) {
        (Some(measure), Some(dimension)) => {
            questions.push(format!("How does the {measure} differ by {dimension}?"));
        }
        (None, Some(dimension)) => questions.push(format!("Which {dimension} is the most frequent?")),
        (Some(measure), None) => questions.push(format!("What are usual values of the {measure}?")),
        (None, None) => {}
    }
    if let Some(period) = time.and_then(period_of) {
        let what = measure.unwrap_or_else(|| "number of rows".to_owned());
        questions.push(format!("How does the {what} develop from {period} to {period}?"));
    }
    if let Some(text) = texts.first().map(name) {
        questions.push(format!("What is said in the {text}?"));
    }
    questions.retain(|question| question.chars().count() <= MAX_QUESTION);
    questions
}
