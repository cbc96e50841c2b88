//! One column's checks in full: everything that is wrong with a cell, in words.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

use super::findings::{Findings, push_visible};
use super::quick::{Missing, is_only_spaces};
use crate::contract::{Field, Pattern};
use crate::rows::Record;
use crate::value::{self, FieldType, Format, NumberStyle, Scalar, TextForm};
use crate::violation::Code;

/// One column of a file that the contract speaks of.
#[derive(Debug, Clone)]
pub(super) struct Column {
    position: usize,
    field: Field,
    missing: Missing,
}

impl Column {
    /// `missing` are the contract's missing values; a field's own ones replace them.
    pub(super) fn new(position: usize, field: &Field, missing: &Missing) -> Self {
        Self { position, field: field.clone(), missing: Missing::of(field, missing) }
    }

    /// Adds everything that is wrong with the cell.
    pub(super) fn explain(&self, record: &Record<'_>, findings: &mut Findings) {
        let Some(cell) = record.field(self.position) else { return };
        let name = &self.field.name;
        // What a broken cell would mean is not guessed at.
        if findings.has(name, Code::EncodingError) || findings.has(name, Code::FieldTooLarge) {
            return;
        }
        let text: Cow<'_, [u8]> = cell.text();
        self.violations(&text, &mut |violation| {
            findings.add(Some(name), violation.code(), &text, |reason| violation.write(self, &text, reason));
        });
    }

    /// A required text that holds only spaces says nothing: it counts as missing.
    fn says_nothing(&self, text: &[u8]) -> bool {
        let is_text = matches!(self.field.kind, FieldType::String | FieldType::Any);
        is_text && self.field.constraints.required && is_only_spaces(text)
    }

    /// Whether every text is a value of the field, and means what it says.
    fn is_plain_text(&self) -> bool {
        match self.field.kind {
            FieldType::String => self.field.format == Format::Default,
            FieldType::Any => true,
            _ => false,
        }
    }

    /// Whether nothing is wrong with a cell.
    pub(super) fn is_fine(&self, text: &[u8]) -> bool {
        let mut fine = true;
        self.violations(text, &mut |_| fine = false);
        fine
    }

    /// Tells everything that is wrong with a cell.
    fn violations(&self, text: &[u8], tell: &mut dyn FnMut(Broken<'_>)) {
        let rules = &self.field.constraints;
        if self.missing.contains(text) || self.says_nothing(text) {
            if rules.required {
                tell(Broken::Required);
            }
            return;
        }
        let Ok(text) = std::str::from_utf8(text) else {
            tell(Broken::Type);
            return;
        };
        if self.is_plain_text() {
            // As below, without a copy of the text.
            let is_text =
                |(_, allowed): &(String, Scalar)| matches!(allowed, Scalar::Text(known) if known == text);
            if !rules.enumeration.is_empty() && !rules.enumeration.iter().any(is_text) {
                tell(Broken::NotListed);
            }
        } else {
            let Some(value) = value::parse(self.field.kind, &self.field.format, text) else {
                tell(Broken::Type);
                return;
            };
            self.value_violations(&value, tell);
        }
        if rules.min_length.is_some_and(|least| text.chars().count() < least) {
            tell(Broken::TooShort);
        }
        if rules.max_length.is_some_and(|most| text.chars().count() > most) {
            tell(Broken::TooLong);
        }
        if let Some(pattern) = &rules.pattern
            && !pattern.regex.is_match(text.as_bytes())
        {
            tell(Broken::Pattern(pattern));
        }
    }

    /// Tells what is wrong with a value, however it is written: its bounds and its list.
    fn value_violations(&self, value: &Scalar, tell: &mut dyn FnMut(Broken<'_>)) {
        let rules = &self.field.constraints;
        for (bound, side) in [
            (&rules.minimum, Side::Minimum),
            (&rules.maximum, Side::Maximum),
            (&rules.exclusive_minimum, Side::Above),
            (&rules.exclusive_maximum, Side::Below),
        ] {
            if let Some(bound) = bound
                && !side.holds(value, bound)
            {
                tell(Broken::Bound(side, bound, value.partial_cmp(bound).is_some()));
            }
        }
        if !rules.enumeration.is_empty() && !rules.enumeration.iter().any(|(_, allowed)| allowed == value) {
            tell(Broken::NotListed);
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Side {
    Minimum,
    Maximum,
    Above,
    Below,
}

impl Side {
    fn holds(self, value: &Scalar, bound: &Scalar) -> bool {
        let order = value.partial_cmp(bound);
        match self {
            Self::Minimum => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Self::Maximum => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Above => order == Some(Ordering::Greater),
            Self::Below => order == Some(Ordering::Less),
        }
    }

    fn words(self, can_be_told: bool) -> &'static str {
        match (self, can_be_told) {
            (Self::Minimum, true) => " is below the minimum ",
            (Self::Maximum, true) => " is above the maximum ",
            (Self::Above, true) => " must be above ",
            (Self::Below, true) => " must be below ",
            (Self::Minimum, false) => " cannot be compared with the minimum ",
            (Self::Maximum, false) => " cannot be compared with the maximum ",
            (Self::Above | Self::Below, false) => " cannot be compared with ",
        }
    }
}

/// One rule that a cell breaks.
enum Broken<'a> {
    Required,
    Type,
    /// A bound that does not hold, and whether it can be told at all: months have no fixed length.
    Bound(Side, &'a Scalar, bool),
    TooShort,
    TooLong,
    NotListed,
    Pattern(&'a Pattern),
}

impl Broken<'_> {
    fn code(&self) -> Code {
        match self {
            Self::Type => Code::TypeError,
            _ => Code::ConstraintError,
        }
    }

    /// Writes what is wrong and what would be accepted. Writing to a String cannot fail.
    fn write(&self, column: &Column, value: &[u8], out: &mut String) {
        let rules = &column.field.constraints;
        if let Self::Required = self {
            if value.is_empty() {
                out.push_str("the cell is empty, and a value is required");
            } else {
                out.push_str("a value is required, but ");
                push_quoted(out, value);
                out.push_str(" stands for none");
            }
            return;
        }
        push_quoted(out, value);
        match self {
            Self::Required => {}
            Self::Type => push_expected(&column.field, value, out),
            Self::Bound(side, bound, can_be_told) => {
                out.push_str(side.words(*can_be_told));
                push_scalar(out, bound, &column.field.format);
                if !can_be_told {
                    out.push_str(", because months differ in length; write it in the same units");
                }
            }
            Self::TooShort => {
                let _ = write!(out, " is shorter than {} characters", rules.min_length.unwrap_or(0));
            }
            Self::TooLong => {
                let _ = write!(out, " is longer than {} characters", rules.max_length.unwrap_or(0));
            }
            Self::NotListed => {
                out.push_str(" is none of: ");
                for (index, (allowed, _)) in rules.enumeration.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    out.push_str(allowed);
                }
            }
            Self::Pattern(pattern) => {
                let _ = write!(out, " does not match the pattern {}", pattern.source);
            }
        }
    }
}

fn push_quoted(out: &mut String, value: &[u8]) {
    out.push('"');
    push_visible(out, value);
    out.push('"');
}

/// Writes a bound as the field's cells are written, where that is clearer.
fn push_scalar(out: &mut String, scalar: &Scalar, format: &Format) {
    let _ = match (scalar, format) {
        (Scalar::Number(number), Format::Number(style)) => write!(out, "{}", style.write(*number)),
        _ => write!(out, "{scalar}"),
    };
}

/// What a cell of this field should have been.
fn push_expected(field: &Field, value: &[u8], out: &mut String) {
    match &field.format {
        Format::Pattern(pattern) => {
            let _ = write!(out, " is not written in the contract's form ({pattern})");
        }
        Format::Number(style) => push_expected_number(field.kind, style, out),
        Format::Boolean(words) => {
            out.push_str(" is neither true nor false; write ");
            push_list(out, &words.true_values);
            out.push_str(", or ");
            push_list(out, &words.false_values);
        }
        Format::Text(form) => out.push_str(match form {
            TextForm::Email => " is not an e-mail address; write one such as name@example.org",
            TextForm::Uri => {
                " is not a URI; write one with its scheme, such as https://example.org/page, without spaces and in ASCII"
            }
            TextForm::Uuid => " is not a UUID; write one such as f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            TextForm::Binary => {
                " is not base64; write the bytes with A-Z, a-z, 0-9, + and /, filled up with =, such as SGVsbG8="
            }
        }),
        Format::Default if field.kind == FieldType::Date && is_written_as_date(value) => {
            out.push_str(" is not a date that exists; write one such as 2024-05-20");
        }
        Format::Default => out.push_str(expected(field.kind)),
    }
}

fn push_list(out: &mut String, texts: &[String]) {
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(text);
    }
}

/// Says how a number is written in a style, with an example.
fn push_expected_number(kind: FieldType, style: &NumberStyle, out: &mut String) {
    let (group, decimal) = (style.group.map(String::from), style.decimal);
    let grouped = format!("1{}299", group.as_deref().unwrap_or_default());
    let _ = match kind {
        FieldType::Integer => write!(out, " is not a whole number; write digits such as {grouped}"),
        _ => write!(out, " is not a number; write digits such as {grouped}{decimal}50"),
    };
    if let Some(group) = group {
        let _ = write!(out, ", with \"{group}\" between groups of three or not at all");
    }
    out.push_str(match style.bare {
        true => ", without currency signs or other text",
        false => "; other text may stand before and behind it, such as a currency or a percent sign",
    });
}

/// Whether a text has the form of a date, so that it is the day that is wrong.
fn is_written_as_date(value: &[u8]) -> bool {
    value.len() == 10
        && value.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// What a cell of this type should have been, in the type's default form.
fn expected(kind: FieldType) -> &'static str {
    match kind {
        FieldType::String | FieldType::Any => " is not a text",
        FieldType::Integer => " is not a whole number; write digits only, such as 12",
        FieldType::Number => {
            " is not a number; write digits with a point if need be, such as 1299.50, without currency signs or thousands separators"
        }
        FieldType::Boolean => " is neither true nor false",
        FieldType::Date => " is not a date; write YYYY-MM-DD, such as 2024-05-20",
        FieldType::Time => " is not a time of day; write hh:mm:ss, such as 13:05:00",
        FieldType::Datetime => {
            " is not a date and time; write YYYY-MM-DDThh:mm:ssZ, such as 2024-05-20T13:05:00Z"
        }
        FieldType::Year => " is not a year; write four digits, such as 2024",
        FieldType::Yearmonth => " is not a month; write YYYY-MM, such as 2024-05",
        FieldType::Duration => {
            " is not a duration; write PnYnMnDTnHnMnS, such as P1DT12H for a day and a half or PT30M for half an hour"
        }
    }
}
