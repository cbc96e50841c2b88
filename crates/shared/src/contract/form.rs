//! How the values of a field are written: its `format`, and the options of its type.

use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;

use super::node::{Node, Object, quoted};
use super::suggestion::suggestion;
use crate::value::{BooleanWords, FieldType, Format, NumberStyle, TextForm};

/// The most words for true or for false.
const MAX_WORDS: usize = 64;

/// Reads the form of a field; `kind` is absent where the field's type could not be read.
pub(super) fn read(field: &Object<'_>, kind: Option<FieldType>) -> Format {
    let format = field.get("format").map_or_else(Format::default, |node| format(&node, kind));
    let style = number_style(field, kind);
    let words = boolean_words(field, kind);
    match (style, words) {
        (Some(style), _) if style != NumberStyle::default() => Format::Number(style),
        (_, Some(words)) => Format::Boolean(words),
        _ => format,
    }
}

/// A key that only some types have; nothing where the field is of another type or of none that could be read.
fn option<'a>(field: &Object<'a>, key: &str, kind: Option<FieldType>, of: &[FieldType]) -> Option<Node<'a>> {
    let node = field.get(key)?;
    let kind = kind?;
    if of.contains(&kind) {
        return Some(node);
    }
    let names: Vec<&str> = of.iter().map(|kind| kind.as_str()).collect();
    node.refuse(format!(
        "{key} is for fields of type {}, and this one is of type {}: change the type, or remove {key}",
        names.join(" or "),
        kind.as_str()
    ));
    None
}

fn number_style(field: &Object<'_>, kind: Option<FieldType>) -> Option<NumberStyle> {
    use FieldType::{Integer, Number};
    let decimal = option(field, "decimalChar", kind, &[Number]);
    let group = option(field, "groupChar", kind, &[Number, Integer]);
    let bare = option(field, "bareNumber", kind, &[Number, Integer]);
    let style = NumberStyle {
        decimal: decimal.as_ref().and_then(|node| separator(node, "\",\"")).unwrap_or('.'),
        group: group.as_ref().and_then(|node| separator(node, "\".\" or \" \"")),
        bare: bare.and_then(|node| node.boolean()).unwrap_or(true),
    };
    if kind == Some(Number) && style.group == Some(style.decimal) {
        let (node, message) = match &decimal {
            Some(node) => (node, "groupChar is the same: write two different characters".to_owned()),
            None => (
                group.as_ref()?,
                "the decimal point is \".\" too: write decimalChar \",\" beside it".to_owned(),
            ),
        };
        node.refuse(message);
    }
    Some(style)
}

/// One character that may stand inside a number.
fn separator(node: &Node<'_>, example: &str) -> Option<char> {
    let expected = format!("one character: write one such as {example}");
    let text = node.text(&expected)?;
    let mut characters = text.chars();
    let (Some(character), None) = (characters.next(), characters.next()) else {
        node.is_not(&expected);
        return None;
    };
    if character.is_alphanumeric() || character.is_control() || "+-\"".contains(character) {
        node.refuse(format!(
            "{} stands for something else in a number or in the file: write one such as {example}",
            quoted(text)
        ));
        return None;
    }
    Some(character)
}

fn boolean_words(field: &Object<'_>, kind: Option<FieldType>) -> Option<BooleanWords> {
    let default = BooleanWords::default();
    let mut given = false;
    let mut words = |key: &str, otherwise: Vec<String>| {
        let Some(node) = option(field, key, kind, &[FieldType::Boolean]) else { return otherwise };
        given = true;
        word_list(&node)
    };
    let true_values = words("trueValues", default.true_values);
    let false_values = words("falseValues", default.false_values);
    for (key, list, other, name) in [
        ("falseValues", &false_values, &true_values, "true"),
        ("trueValues", &true_values, &false_values, "false"),
    ] {
        if let Some(node) = field.get(key).filter(|_| given)
            && let Some(word) = list.iter().find(|word| other.contains(word))
        {
            node.refuse(format!("{} stands for {name} already: a word stands for one of them", quoted(word)));
            break;
        }
    }
    given.then_some(BooleanWords { true_values, false_values })
}

fn word_list(node: &Node<'_>) -> Vec<String> {
    let expected = "a list of texts: write one such as [\"yes\", \"Y\"]";
    if node.value.as_array().is_some_and(Vec::is_empty) {
        node.refuse("the list is empty: write at least one word, or leave it out");
    }
    let word = |item: Node<'_>| item.text("a text: write it in quotes, such as \"yes\"").map(str::to_owned);
    node.items(expected, MAX_WORDS).into_iter().filter_map(word).collect()
}

fn format(node: &Node<'_>, kind: Option<FieldType>) -> Format {
    let expected =
        "a format: write \"default\", a pattern such as \"%d/%m/%Y\" for a date, or \"email\" for a string";
    let Some(text) = node.text(expected) else { return Format::Default };
    let (Some(kind), false) = (kind, text == "default") else { return Format::Default };
    match kind {
        FieldType::Date => pattern(node, text, kind, "%d/%m/%Y"),
        FieldType::Time => pattern(node, text, kind, "%H:%M"),
        FieldType::Datetime => pattern(node, text, kind, "%d/%m/%Y %H:%M:%S"),
        FieldType::String => {
            let form = TextForm::ALL.into_iter().find(|form| form.as_str() == text);
            if form.is_none() {
                let known = TextForm::ALL.map(TextForm::as_str);
                let known = ["default"].into_iter().chain(known);
                node.refuse(format!(
                    "{}; constraints.pattern checks any other form",
                    suggestion("format", text, known)
                ));
            }
            form.map_or(Format::Default, Format::Text)
        }
        _ => {
            let name = kind.as_str();
            node.refuse(format!(
                "a field of type {name} has no format {}: write \"default\" or leave it out",
                quoted(text)
            ));
            Format::Default
        }
    }
}

fn pattern(node: &Node<'_>, text: &str, kind: FieldType, example: &str) -> Format {
    if text == "any" {
        node.refuse(format!(
            "\"any\" leaves open what a cell means (is 01/02/2024 in January?): write \"default\" or a pattern such as {example:?}"
        ));
    } else if let Some(bare) = text.strip_prefix("fmt:") {
        node.refuse(format!("\"fmt:\" was dropped from the standard: write {} alone", quoted(bare)));
    } else if let Err(why) = check_pattern(text, kind) {
        node.refuse(format!(
            "{} is no pattern for a {}: {why}; write \"default\" or one such as {example:?}",
            quoted(text),
            kind.as_str()
        ));
    } else {
        return Format::Pattern(text.to_owned());
    }
    Format::Default
}

/// Writes a moment with the pattern and reads it back, which fails where the pattern lacks a part.
fn check_pattern(pattern: &str, kind: FieldType) -> Result<(), String> {
    let moment = DateTime::constant(2024, 5, 20, 13, 5, 7, 0).to_zoned(jiff::tz::TimeZone::UTC);
    let moment = moment.map_err(|error| error.to_string())?;
    let written = BrokenDownTime::from(&moment).to_string(pattern).map_err(|error| error.to_string())?;
    let read = BrokenDownTime::parse(pattern, &written).map_err(|error| error.to_string())?;
    let day = || read.to_date().map(|_| ()).map_err(|_| "it does not give year, month and day");
    let time = || read.to_time().map(|_| ()).map_err(|_| "it does not give hour and minute");
    let has_time = || if read.hour().is_some() { time() } else { Err("it does not give hour and minute") };
    match kind {
        FieldType::Date => day(),
        FieldType::Time => has_time(),
        _ => day().and_then(|()| has_time()),
    }
    .map_err(str::to_owned)
}
