//! What a column may hold.

use serde_json::{Map, Value, json};

use super::column::Column;
use super::names;
use crate::value::{self, BooleanWords, FieldType, Format, NumberStyle, Scalar, TextForm};

/// How the values of a candidate are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In the type's default form.
    Usual,
    /// By a `strptime` pattern.
    Pattern(&'static str),
    /// As a text of a certain form.
    Text(TextForm),
    /// With another decimal character, with groups of digits, with a sign of money or a percent sign around.
    Number { decimal: char, group: Option<char>, bare: bool },
    /// With these words for true and false.
    Words(&'static str, &'static str),
}

use Form::{Number, Pattern, Text, Usual, Words};

/// What a column may hold. The first of two that fit equally well is taken.
const CANDIDATES: [(FieldType, Form); 47] = [
    (FieldType::Year, Usual),
    (FieldType::Integer, Usual),
    (FieldType::Number, Usual),
    (FieldType::Boolean, Usual),
    (FieldType::Date, Usual),
    (FieldType::Datetime, Usual),
    (FieldType::Time, Usual),
    (FieldType::Yearmonth, Usual),
    (FieldType::Date, Pattern("%d/%m/%Y")),
    (FieldType::Date, Pattern("%m/%d/%Y")),
    (FieldType::Date, Pattern("%d.%m.%Y")),
    (FieldType::Date, Pattern("%Y/%m/%d")),
    (FieldType::Date, Pattern("%d-%m-%Y")),
    (FieldType::Date, Pattern("%m-%d-%Y")),
    (FieldType::Date, Pattern("%d/%m/%y")),
    (FieldType::Date, Pattern("%m/%d/%y")),
    (FieldType::Date, Pattern("%d.%m.%y")),
    (FieldType::Date, Pattern("%d %b %Y")),
    (FieldType::Date, Pattern("%d %B %Y")),
    (FieldType::Date, Pattern("%d-%b-%Y")),
    (FieldType::Date, Pattern("%b %d, %Y")),
    (FieldType::Date, Pattern("%B %d, %Y")),
    (FieldType::Date, Pattern("%Y%m%d")),
    (FieldType::Datetime, Pattern("%d/%m/%Y %H:%M:%S")),
    (FieldType::Datetime, Pattern("%m/%d/%Y %H:%M:%S")),
    (FieldType::Datetime, Pattern("%d/%m/%Y %H:%M")),
    (FieldType::Datetime, Pattern("%m/%d/%Y %H:%M")),
    (FieldType::Datetime, Pattern("%d.%m.%Y %H:%M:%S")),
    (FieldType::Datetime, Pattern("%d.%m.%Y %H:%M")),
    (FieldType::Datetime, Pattern("%Y-%m-%d %H:%M")),
    (FieldType::Datetime, Pattern("%Y/%m/%d %H:%M:%S")),
    (FieldType::Time, Pattern("%H:%M")),
    (FieldType::Number, Number { decimal: ',', group: None, bare: true }),
    (FieldType::Number, Number { decimal: '.', group: Some(','), bare: true }),
    (FieldType::Number, Number { decimal: ',', group: Some('.'), bare: true }),
    (FieldType::Number, Number { decimal: '.', group: Some(','), bare: false }),
    (FieldType::Number, Number { decimal: ',', group: Some('.'), bare: false }),
    (FieldType::Boolean, Words("yes", "no")),
    (FieldType::Boolean, Words("Yes", "No")),
    (FieldType::Boolean, Words("YES", "NO")),
    (FieldType::Boolean, Words("y", "n")),
    (FieldType::Boolean, Words("Y", "N")),
    (FieldType::Boolean, Words("t", "f")),
    (FieldType::Boolean, Words("T", "F")),
    (FieldType::String, Text(TextForm::Email)),
    (FieldType::String, Text(TextForm::Uri)),
    (FieldType::String, Text(TextForm::Uuid)),
];

/// A candidate with its format ready for use.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) kind: FieldType,
    form: Form,
    format: Format,
}

impl Candidate {
    pub(super) fn all() -> Vec<Self> {
        let ready = |(kind, form): (FieldType, Form)| {
            let format = match form {
                Usual => Format::Default,
                Pattern(pattern) => Format::Pattern(pattern.to_owned()),
                Text(form) => Format::Text(form),
                Number { decimal, group, bare } => Format::Number(NumberStyle { decimal, group, bare }),
                Words(yes, no) => Format::Boolean(BooleanWords {
                    true_values: vec![yes.to_owned()],
                    false_values: vec![no.to_owned()],
                }),
            };
            Self { kind, form, format }
        };
        CANDIDATES.into_iter().map(ready).collect()
    }

    /// A value as this candidate reads it.
    pub(super) fn read(&self, text: &str) -> Option<Scalar> {
        // With letters around it, a number is rather a part of a name: A12.
        if matches!(self.form, Number { bare: false, .. }) && text.contains(char::is_alphabetic) {
            return None;
        }
        value::parse(self.kind, &self.format, text)
    }

    /// Whether its values are written in the default form of their type.
    pub(super) fn is_usual(&self) -> bool {
        self.form == Usual
    }

    /// Whether it is digits that are days.
    pub(super) fn is_compact_day(&self) -> bool {
        self.form == Pattern("%Y%m%d")
    }

    /// Whether the other one is the same but for what only a value can tell: the order of day and month, or whether
    /// a comma stands before a fraction or between thousands.
    pub(super) fn is_mirror_of(&self, other: &Self) -> bool {
        match (self.form, other.form) {
            (Pattern(one), Pattern(other)) => {
                one == other.replace("%d", "%?").replace("%m", "%d").replace("%?", "%m")
            }
            (
                Number { decimal: '.', group: Some(group), bare: true },
                Number { decimal, group: None, bare: true },
            ) => group == decimal,
            _ => false,
        }
    }

    /// Whether a candidate that fits is worth believing: four digits are a year, and eight a day, only where the
    /// column says so, and a word is no truth value where its opposite never stands.
    pub(super) fn is_plausible(&self, column: &Column) -> bool {
        match (self.kind, self.form) {
            (FieldType::Year, _) => names::is_year(&column.label),
            (_, Words(yes, no)) => {
                let distinct = column.distinct.as_ref();
                distinct.is_some_and(|distinct| distinct.contains_key(yes) && distinct.contains_key(no))
            }
            _ => !self.is_compact_day() || names::is_day(&column.label),
        }
    }

    /// The type, or the form of a text.
    pub(super) fn name(&self) -> &'static str {
        match self.form {
            Text(form) => form.as_str(),
            _ => self.kind.as_str(),
        }
    }

    /// How the values are written, where that is not the default form.
    pub(super) fn writing(&self) -> Option<String> {
        match self.form {
            Usual => None,
            Pattern(pattern) => Some(format!("written as {pattern}")),
            Text(form) => Some(format!("of the form {}", form.as_str())),
            Number { decimal, group, bare } => {
                let mut text = format!("with {decimal:?} before the fraction");
                if let Some(group) = group {
                    text.push_str(&format!(" and {group:?} between thousands"));
                }
                if !bare {
                    text.push_str(" and signs around it");
                }
                Some(text)
            }
            Words(yes, no) => Some(format!("written as {yes} and {no}")),
        }
    }

    /// The keys of a field that say how its values are written.
    pub(super) fn write(&self, field: &mut Map<String, Value>) {
        let mut put = |key: &str, value: Value| field.insert(key.to_owned(), value);
        match self.form {
            Usual => {}
            Pattern(pattern) => drop(put("format", json!(pattern))),
            Text(form) => drop(put("format", json!(form.as_str()))),
            Number { decimal, group, bare } => {
                if decimal != '.' {
                    put("decimalChar", json!(decimal));
                }
                if let Some(group) = group {
                    put("groupChar", json!(group));
                }
                if !bare {
                    put("bareNumber", json!(false));
                }
            }
            Words(yes, no) => {
                put("trueValues", json!([yes]));
                put("falseValues", json!([no]));
            }
        }
    }
}
