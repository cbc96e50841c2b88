//! One column's checks in full: everything that is wrong with a cell, in words.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

use rust_decimal::Decimal;

use super::findings::{Findings, push_visible};
use super::quick::{Missing, is_only_spaces};
use crate::contract::{Field, Pattern};
use crate::rows::Record;
use crate::value::{self, FieldType, Format, Scalar};
use crate::violation::Code;

/// One column of a file that the contract speaks of.
#[derive(Debug, Clone)]
pub(super) struct Column {
    position: usize,
    field: Field,
    missing: Missing,
}

impl Column {
    pub(super) fn new(position: usize, field: &Field, missing: &Missing) -> Self {
        Self { position, field: field.clone(), missing: missing.clone() }
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
        if matches!(self.field.kind, FieldType::String | FieldType::Any) {
            let listed = |(allowed, _): &(String, Scalar)| allowed == text;
            if !rules.enumeration.is_empty() && !rules.enumeration.iter().any(listed) {
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

    /// Tells what is wrong with a value that has an order: its bounds and its list.
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
                tell(Broken::Bound(side, bound));
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
}

/// One rule that a cell breaks.
enum Broken<'a> {
    Required,
    Type,
    Bound(Side, &'a Scalar),
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
                out.push_str("a value is required");
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
            Self::Type => out.push_str(expected(&column.field)),
            Self::Bound(side, bound) => {
                out.push_str(match side {
                    Side::Minimum => " is below the minimum ",
                    Side::Maximum => " is above the maximum ",
                    Side::Above => " must be above ",
                    Side::Below => " must be below ",
                });
                push_scalar(out, bound);
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
        if let Some(Format::Pattern(pattern)) = matches!(self, Self::Type).then_some(&column.field.format) {
            let _ = write!(out, " ({pattern})");
        }
    }
}

fn push_quoted(out: &mut String, value: &[u8]) {
    out.push('"');
    push_visible(out, value);
    out.push('"');
}

fn push_scalar(out: &mut String, scalar: &Scalar) {
    let _ = match scalar {
        Scalar::Number(number) => write!(out, "{}", Decimal::normalize(number)),
        Scalar::Boolean(flag) => write!(out, "{flag}"),
        Scalar::Date(date) => write!(out, "{date}"),
        Scalar::Time(time) => write!(out, "{time}"),
        Scalar::Datetime(at) => write!(out, "{at}"),
        Scalar::Text(text) => write!(out, "{text}"),
    };
}

/// What a cell of this type should have been.
fn expected(field: &Field) -> &'static str {
    let default = field.format == Format::Default;
    match field.kind {
        FieldType::String | FieldType::Any => " is not a text",
        FieldType::Integer => " is not a whole number; write digits only, such as 12",
        FieldType::Number => {
            " is not a number; write digits with a point if need be, such as 1299.50, without currency signs or thousands separators"
        }
        FieldType::Boolean => " is neither true nor false",
        FieldType::Date if default => " is not a date that exists, written as YYYY-MM-DD, such as 2024-05-20",
        FieldType::Time if default => " is not a time of day, written as hh:mm:ss, such as 13:05:00",
        FieldType::Datetime if default => {
            " is not a date and time, written as YYYY-MM-DDThh:mm:ssZ, such as 2024-05-20T13:05:00Z"
        }
        FieldType::Year => " is not a year of four digits, such as 2024",
        FieldType::Date | FieldType::Time | FieldType::Datetime => " is not written in the contract's form",
    }
}
