//! One column's checks, compiled: a quick answer for good cells and a full one for bad ones.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::findings::{Findings, push_visible};
use crate::contract::{Field, Pattern};
use crate::rows::Record;
use crate::value::{self, FieldType, Format, Scalar, Short};
use crate::violation::Code;

/// The texts that stand for "no value".
#[derive(Debug, Clone)]
pub(super) struct Missing {
    texts: Vec<Vec<u8>>,
    longest: usize,
}

impl Missing {
    pub(super) fn new(texts: &[String]) -> Self {
        let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        Self { texts, longest }
    }

    #[inline]
    pub(super) fn contains(&self, text: &[u8]) -> bool {
        text.len() <= self.longest && self.texts.iter().any(|missing| missing == text)
    }
}

/// One column of a file that the contract speaks of.
#[derive(Debug, Clone)]
pub(super) struct Column {
    position: usize,
    field: Field,
    missing: Missing,
    quick: Quick,
}

/// The check that decides most cells.
#[derive(Debug, Clone)]
enum Quick {
    /// Anything goes.
    Anything,
    /// Text of any length and form.
    AnyText,
    /// One of a few texts, compared byte for byte.
    OneOf(Vec<ShortText>),
    /// Text of a certain form.
    Pattern(Pattern),
    /// A number within bounds.
    Number { whole: bool, bounds: Bounds<Short> },
    /// A date in the default form.
    AnyDate,
    /// A date in the default form within bounds.
    Date(Bounds<Date>),
    /// A year of four digits.
    AnyYear,
    /// The full check, at once.
    Full,
}

/// A text of at most sixteen bytes as two numbers, so that comparing two of them needs no loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ShortText {
    length: usize,
    start: u64,
    end: u64,
}

impl ShortText {
    /// The text, if it is short enough. Its first and its last eight bytes say all of it.
    #[inline]
    fn of(text: &[u8]) -> Option<Self> {
        let length = text.len();
        let (start, end) = match length {
            8..=16 => (u64::from_le_bytes(*text.first_chunk()?), u64::from_le_bytes(*text.last_chunk()?)),
            4..8 => {
                let (start, end) = (text.first_chunk::<4>()?, text.last_chunk::<4>()?);
                (u64::from(u32::from_le_bytes(*start)), u64::from(u32::from_le_bytes(*end)))
            }
            0..4 => {
                let byte = |index: usize| text.get(index).copied().map_or(0, u64::from);
                (byte(0) | byte(1) << 8 | byte(2) << 16, 0)
            }
            _ => return None,
        };
        Some(Self { length, start, end })
    }
}

/// What a value is held against.
#[derive(Debug, Clone, Copy)]
struct Bounds<T> {
    minimum: Option<T>,
    maximum: Option<T>,
    above: Option<T>,
    below: Option<T>,
}

impl<T: PartialOrd> Bounds<T> {
    #[inline]
    fn hold(&self, value: &T) -> bool {
        self.minimum.as_ref().is_none_or(|bound| value >= bound)
            && self.maximum.as_ref().is_none_or(|bound| value <= bound)
            && self.above.as_ref().is_none_or(|bound| value > bound)
            && self.below.as_ref().is_none_or(|bound| value < bound)
    }
}

/// The bounds of a field, if each can be had in the quick form.
fn bounds<T>(field: &Field, quick: impl Fn(&Scalar) -> Option<T>) -> Option<Bounds<T>> {
    let rules = &field.constraints;
    let one = |bound: &Option<Scalar>| match bound {
        None => Some(None),
        Some(scalar) => quick(scalar).map(Some),
    };
    Some(Bounds {
        minimum: one(&rules.minimum)?,
        maximum: one(&rules.maximum)?,
        above: one(&rules.exclusive_minimum)?,
        below: one(&rules.exclusive_maximum)?,
    })
}

fn short(scalar: &Scalar) -> Option<Short> {
    match scalar {
        Scalar::Number(number) => Short::of(*number),
        _ => None,
    }
}

fn date(scalar: &Scalar) -> Option<Date> {
    match scalar {
        Scalar::Date(date) => Some(*date),
        _ => None,
    }
}

impl Quick {
    fn of(field: &Field) -> Self {
        let rules = &field.constraints;
        let has_length = rules.min_length.is_some() || rules.max_length.is_some();
        let has_list = !rules.enumeration.is_empty();
        let has_bounds = [&rules.minimum, &rules.maximum, &rules.exclusive_minimum, &rules.exclusive_maximum]
            .iter()
            .any(|bound| bound.is_some());
        match field.kind {
            FieldType::Any if !has_list && rules.pattern.is_none() && !has_length => Self::Anything,
            FieldType::String if has_length => Self::Full,
            FieldType::String => match (&rules.pattern, has_list) {
                (None, false) => Self::AnyText,
                (Some(pattern), false) => Self::Pattern(pattern.clone()),
                (None, true) => {
                    let short = |(text, _): &(String, Scalar)| ShortText::of(text.as_bytes());
                    rules.enumeration.iter().map(short).collect::<Option<_>>().map_or(Self::Full, Self::OneOf)
                }
                (Some(_), true) => Self::Full,
            },
            FieldType::Integer | FieldType::Number if !has_list => match bounds(field, short) {
                Some(bounds) => Self::Number { whole: field.kind == FieldType::Integer, bounds },
                None => Self::Full,
            },
            FieldType::Year if !has_list && !has_bounds => Self::AnyYear,
            FieldType::Date if !has_list && field.format == Format::Default => {
                if has_bounds {
                    bounds(field, date).map_or(Self::Full, Self::Date)
                } else {
                    Self::AnyDate
                }
            }
            _ => Self::Full,
        }
    }
}

impl Column {
    pub(super) fn new(position: usize, field: &Field, missing: &Missing) -> Self {
        Self { position, quick: Quick::of(field), field: field.clone(), missing: missing.clone() }
    }

    /// Whether the cell is fine at first sight. `false` means that it has to be looked at again.
    #[inline]
    pub(super) fn accepts(&self, record: &Record<'_>) -> bool {
        let Some(cell) = record.field(self.position) else { return false };
        let text = cell.text();
        let text = &*text;
        if self.missing.contains(text) {
            return !self.field.constraints.required;
        }
        match &self.quick {
            Quick::Anything => true,
            Quick::AnyText => !self.counts_as_missing(text),
            Quick::OneOf(texts) => ShortText::of(text).is_some_and(|text| texts.contains(&text)),
            Quick::Pattern(pattern) => !self.counts_as_missing(text) && pattern.regex.is_match(text),
            Quick::Number { whole, bounds } => {
                let number = if *whole { Short::parse_whole(text) } else { Short::parse(text) };
                number.is_some_and(|number| bounds.hold(&number))
            }
            Quick::AnyDate => value::is_date(text),
            Quick::Date(bounds) => value::parse_date(text).is_some_and(|date| bounds.hold(&date)),
            Quick::AnyYear => value::parse_year(text).is_some(),
            Quick::Full => self.violations(text, &mut |_| {}) == 0,
        }
    }

    /// A required text that holds only spaces says nothing: it is missing.
    #[inline]
    fn counts_as_missing(&self, text: &[u8]) -> bool {
        self.field.constraints.required
            && text.first().is_some_and(u8::is_ascii_whitespace)
            && text.iter().all(u8::is_ascii_whitespace)
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

    /// Counts what is wrong with a cell and tells each.
    fn violations(&self, text: &[u8], tell: &mut dyn FnMut(Broken<'_>)) -> usize {
        let mut count = 0;
        let mut tell = |broken| {
            count += 1;
            tell(broken);
        };
        let rules = &self.field.constraints;
        if self.missing.contains(text) || self.counts_as_missing(text) {
            if rules.required {
                tell(Broken::Required);
            }
            return count;
        }
        let Ok(text) = std::str::from_utf8(text) else {
            tell(Broken::Type);
            return count;
        };
        if matches!(self.field.kind, FieldType::String | FieldType::Any) {
            let listed = |(allowed, _): &(String, Scalar)| allowed == text;
            if !rules.enumeration.is_empty() && !rules.enumeration.iter().any(listed) {
                tell(Broken::NotListed);
            }
        } else {
            let Some(value) = value::parse(self.field.kind, &self.field.format, text) else {
                tell(Broken::Type);
                return count;
            };
            self.value_violations(&value, &mut tell);
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
        count
    }

    /// Tells what is wrong with a value that has an order: its bounds and its list.
    fn value_violations<'a>(&'a self, value: &Scalar, tell: &mut dyn FnMut(Broken<'a>)) {
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
