//! What a field's values must satisfy.

use std::cmp::Ordering;

use regex::bytes::RegexBuilder;
use serde_json::Value;

use super::node::{Node, Object, exact, quoted, shown};
use super::{Constraints, Pattern};
use crate::value::{self, FieldType, Format, Scalar, TextForm};

/// The keys of constraints.
pub(super) const KEYS: [&str; 10] = [
    "required",
    "unique",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "enum",
    "pattern",
];

const UNSUPPORTED: [(&str, &str); 1] =
    [("jsonSchema", "it is for objects and lists in cells; remove this key")];

/// The most values of an enum: every cell is looked up among them.
const MAX_ENUM: usize = 4096;
/// The longest label of a category, in characters.
const MAX_LABEL: usize = 120;
/// The most memory that a compiled pattern may take, in bytes.
const MAX_PATTERN_SIZE: usize = 1 << 20;

/// Reads `constraints` of a field; `kind` is absent where the field's type could not be read.
pub(super) fn read(object: &Object<'_>, kind: Option<FieldType>, format: &Format) -> Constraints {
    object.only(&KEYS, &UNSUPPORTED);
    let bound = |key: &str| object.get(key).and_then(|node| bound(&node, key, kind, format));
    let length = |key: &str| object.get(key).and_then(|node| only_strings(&node, key, kind)?.count());
    let constraints = Constraints {
        required: object.flag("required"),
        unique: object.flag("unique"),
        minimum: bound("minimum"),
        maximum: bound("maximum"),
        exclusive_minimum: bound("exclusiveMinimum"),
        exclusive_maximum: bound("exclusiveMaximum"),
        min_length: length("minLength"),
        max_length: length("maxLength"),
        enumeration: object.get("enum").map(|node| enumeration(&node, kind, format)).unwrap_or_default(),
        pattern: object.get("pattern").and_then(|node| pattern(only_strings(&node, "pattern", kind)?)),
    };
    check_order(object, &constraints);
    constraints
}

fn only_strings<'n, 'a>(node: &'n Node<'a>, key: &str, kind: Option<FieldType>) -> Option<&'n Node<'a>> {
    match kind {
        None => None,
        Some(FieldType::String) => Some(node),
        Some(other) => {
            node.refuse(format!(
                "{key} is for fields of type string, and this one is of type {}: change the type, or remove {key}",
                other.as_str()
            ));
            None
        }
    }
}

fn bound(node: &Node<'_>, key: &str, kind: Option<FieldType>, format: &Format) -> Option<Scalar> {
    let kind = kind?;
    if matches!(kind, FieldType::String | FieldType::Boolean | FieldType::Any) {
        node.refuse(format!(
            "{key} is for fields of type integer, number, date, time, datetime, year, yearmonth or duration, and this \
             one is of type {}: change the type, or remove {key}{}",
            kind.as_str(),
            if kind == FieldType::String { "; minLength and maxLength limit the length of a text" } else { "" }
        ));
        return None;
    }
    typed(node, kind, format).map(|(_, scalar)| scalar)
}

fn enumeration(node: &Node<'_>, kind: Option<FieldType>, format: &Format) -> Vec<(String, Scalar)> {
    let expected = "a list of values: write one such as [\"red\", \"green\"]";
    if node.value.as_array().is_some_and(Vec::is_empty) {
        node.refuse(
            "the list is empty, so that no value would be allowed: write at least one, or remove enum",
        );
    }
    let mut values: Vec<(String, Scalar)> = Vec::new();
    for item in node.items(expected, MAX_ENUM) {
        let Some((written, scalar)) = kind.and_then(|kind| typed(&item, kind, format)) else { continue };
        if values.iter().any(|(_, known)| *known == scalar) {
            item.refuse(format!("{} is listed twice: list it once", shown(item.value)));
        } else {
            values.push((written, scalar));
        }
    }
    values
}

/// Restricts a field to its `categories`: they act as an enum.
pub(super) fn restrict(
    constraints: &mut Constraints,
    node: &Node<'_>,
    kind: Option<FieldType>,
    format: &Format,
) {
    let Some(kind) = kind else { return };
    if !matches!(kind, FieldType::String | FieldType::Integer) {
        node.refuse(format!(
            "categories is for fields of type string or integer, and this one is of type {}: change the type, or \
             write the values under constraints.enum",
            kind.as_str()
        ));
        return;
    }
    let expected = "a list of categories: write one such as [\"low\", \"high\"], or \
                    [{\"value\": 1, \"label\": \"low\"}]";
    if node.value.as_array().is_some_and(Vec::is_empty) {
        node.refuse(
            "the list is empty, so that no value would be allowed: write at least one, or remove categories",
        );
    }
    let mut categories: Vec<(String, Scalar)> = Vec::new();
    for item in node.items(expected, MAX_ENUM) {
        let Some((shown, scalar)) = category(&item, kind, format) else { continue };
        if categories.iter().any(|(_, known)| *known == scalar) {
            item.refuse("this category is listed twice: list it once");
        } else {
            categories.push((shown, scalar));
        }
    }
    if constraints.enumeration.is_empty() {
        constraints.enumeration = categories;
    } else if !categories.is_empty() {
        let is_none = |(_, value): &&(String, Scalar)| !categories.iter().any(|(_, known)| known == value);
        if let Some((shown, _)) = constraints.enumeration.iter().find(is_none) {
            node.refuse(format!(
                "constraints.enum has {}, which is none of these: list it here too",
                quoted(shown)
            ));
        }
    }
}

/// A category: a value, or a value with its label.
fn category(node: &Node<'_>, kind: FieldType, format: &Format) -> Option<(String, Scalar)> {
    if !node.value.is_object() {
        return typed(node, kind, format);
    }
    let object = node.object("a category")?;
    object.only(&["value", "label"], &[]);
    let (shown, scalar) = typed(&object.required("value", "the value as cells have it")?, kind, format)?;
    let label = object.get("label").and_then(|node| node.label("the category's label", MAX_LABEL));
    Some((label.map_or(shown.clone(), |label| format!("{shown} ({label})")), scalar))
}

/// A value of the contract, as it is written and as what it means for a field of this type.
///
/// A text is written as the field's cells are; a JSON number or boolean means what it means in JSON.
fn typed(node: &Node<'_>, kind: FieldType, format: &Format) -> Option<(String, Scalar)> {
    let numeric = matches!(kind, FieldType::Integer | FieldType::Number | FieldType::Year);
    let found = match node.value {
        Value::String(text) => value::parse(kind, format, text).map(|scalar| (text.clone(), scalar)),
        Value::Number(number) if numeric => {
            let exact = exact(number);
            if exact.is_none() {
                node.is_not("a number that JSON readers keep exactly: write it in quotes");
                return None;
            }
            exact.and_then(|decimal| {
                let scalar = value::parse(kind, &Format::Default, &decimal.to_string())?;
                let written = match format {
                    Format::Number(style) => style.write(decimal),
                    _ => decimal.to_string(),
                };
                Some((written, scalar))
            })
        }
        Value::Bool(truth) if kind == FieldType::Boolean => {
            Some((truth.to_string(), Scalar::Boolean(*truth)))
        }
        _ => None,
    };
    if found.is_none() {
        node.is_not(&expected(kind, format));
    }
    found
}

fn expected(kind: FieldType, format: &Format) -> String {
    if let Format::Pattern(pattern) = format {
        return format!(
            "a {} in this field's format: write one as {} has it",
            kind.as_str(),
            quoted(pattern)
        );
    }
    match kind {
        FieldType::Integer => "a whole number: write one such as 10",
        FieldType::Number => "a number: write a number such as 10 or 2.5",
        FieldType::Boolean => "a boolean: write true or false",
        FieldType::Date => "a date: write one such as \"2024-05-20\"",
        FieldType::Time => "a time: write one such as \"13:05:00\"",
        FieldType::Datetime => "a date and time: write one such as \"2024-05-20T13:05:00Z\"",
        FieldType::Year => "a year: write one such as 2024",
        FieldType::Yearmonth => "a month: write one such as \"2024-05\"",
        FieldType::Duration => "a duration: write one such as \"P1DT12H\" or \"PT30M\"",
        FieldType::String | FieldType::Any => match format {
            Format::Text(TextForm::Email) => "an e-mail address: write one such as \"name@example.org\"",
            Format::Text(TextForm::Uri) => "a URI: write one such as \"https://example.org/page\"",
            Format::Text(TextForm::Uuid) => {
                "a UUID: write one such as \"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\""
            }
            Format::Text(TextForm::Binary) => "bytes in base64: write them as in \"SGVsbG8=\"",
            _ => "a text: write it in quotes, such as \"red\"",
        },
    }
    .to_owned()
}

fn pattern(node: &Node<'_>) -> Option<Pattern> {
    let source = node.text("a regular expression: write one such as \"[A-Z]{3}[0-9]+\"")?;
    let compile = |text: &str| RegexBuilder::new(text).size_limit(MAX_PATTERN_SIZE).build();
    // By itself first: `a)|(b` is sound only once it stands between our own parentheses.
    match compile(source).and_then(|_| compile(&format!("^(?:{source})$"))) {
        Ok(regex) => Some(Pattern { source: source.to_owned(), regex }),
        Err(error) => {
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
            node.refuse(format!(
                "{} is not a regular expression: {why}; write one such as \"[A-Z]{{3}}[0-9]+\"",
                shown(node.value)
            ));
            None
        }
    }
}

/// Refuses limits between which there is nothing.
fn check_order(object: &Object<'_>, constraints: &Constraints) {
    let Constraints {
        minimum, maximum, exclusive_minimum, exclusive_maximum, min_length, max_length, ..
    } = constraints;
    let pairs = [
        ("minimum", minimum, "maximum", maximum, true),
        ("exclusiveMinimum", exclusive_minimum, "maximum", maximum, false),
        ("minimum", minimum, "exclusiveMaximum", exclusive_maximum, false),
        ("exclusiveMinimum", exclusive_minimum, "exclusiveMaximum", exclusive_maximum, false),
    ];
    for (low_key, low, high_key, high, may_be_equal) in pairs {
        let order = low.as_ref().zip(high.as_ref()).and_then(|(low, high)| low.partial_cmp(high));
        if order == Some(Ordering::Greater) || (order == Some(Ordering::Equal) && !may_be_equal) {
            nothing_between(object, low_key, high_key);
        }
    }
    if min_length.zip(*max_length).is_some_and(|(low, high)| low > high) {
        nothing_between(object, "minLength", "maxLength");
    }
}

fn nothing_between(object: &Object<'_>, low_key: &str, high_key: &str) {
    if let (Some(low), Some(high)) = (object.get(low_key), object.get(high_key)) {
        high.refuse(format!(
            "no value is allowed by {low_key} {} and {high_key} {}: write a {high_key} above the {low_key}",
            shown(low.value),
            shown(high.value)
        ));
    }
}
