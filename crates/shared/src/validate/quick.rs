//! One column's checks at first sight: a quick answer for good cells, without an allocation.
//!
//! An answer of "no" is not final: the cell is then looked at in full ([`super::cell`]).

use jiff::civil::Date;
use regex::bytes::Regex;

use super::cell::Column;
use crate::contract::Field;
use crate::value::{self, FieldType, Format, Scalar, Short};

/// The texts that stand for "no value".
#[derive(Debug, Clone, Default)]
pub(super) struct Missing {
    empty: bool,
    short: Vec<ShortText>,
    long: Vec<Vec<u8>>,
    longest: usize,
}

impl Missing {
    pub(super) fn new(texts: &[String]) -> Self {
        let mut missing = Self::default();
        for text in texts {
            missing.longest = missing.longest.max(text.len());
            match ShortText::of(text.as_bytes()) {
                _ if text.is_empty() => missing.empty = true,
                Some(short) => missing.short.push(short),
                None => missing.long.push(text.as_bytes().to_vec()),
            }
        }
        missing
    }

    #[inline]
    pub(super) fn contains(&self, text: &[u8]) -> bool {
        if text.is_empty() {
            return self.empty;
        }
        text.len() <= self.longest
            && (ShortText::of(text).is_some_and(|short| self.short.contains(&short))
                || self.long.iter().any(|missing| missing == text))
    }
}

/// Whether a text says nothing but spaces. A required text must say more.
#[inline]
pub(super) fn is_only_spaces(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_whitespace) && text.iter().all(u8::is_ascii_whitespace)
}

/// The check of the cells at one position.
#[derive(Debug, Clone)]
pub(super) struct Check {
    required: bool,
    quick: Quick,
}

impl Check {
    /// The check of a column that the contract does not speak of.
    pub(super) const NONE: Self = Self { required: false, quick: Quick::Anything };

    pub(super) fn new(position: usize, field: &Field, missing: &Missing) -> Self {
        let full = || Quick::Full(Box::new(Column::new(position, field, missing)));
        Self { required: field.constraints.required, quick: Quick::of(field, full) }
    }

    /// Whether a cell is fine at first sight. `false` means that it has to be looked at again.
    #[inline]
    pub(super) fn accepts(&self, text: &[u8], missing: &Missing) -> bool {
        if missing.contains(text) {
            return !self.required;
        }
        match &self.quick {
            Quick::Anything => true,
            Quick::AnyText => !self.required || !is_only_spaces(text),
            Quick::OneOf(texts) => ShortText::of(text).is_some_and(|text| texts.contains(&text)),
            Quick::Pattern(regex) => !(self.required && is_only_spaces(text)) && regex.is_match(text),
            Quick::Whole(bounds) => Short::parse_whole(text).is_some_and(|number| bounds.hold(&number)),
            Quick::Number(bounds) => Short::parse(text).is_some_and(|number| bounds.hold(&number)),
            Quick::AnyDate => value::is_date(text),
            Quick::Date(bounds) => value::parse_date(text).is_some_and(|date| bounds.hold(&date)),
            Quick::AnyYear => value::parse_year(text).is_some(),
            Quick::Full(column) => column.is_fine(text),
        }
    }
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
    Pattern(Box<Regex>),
    /// A whole number within bounds.
    Whole(Bounds<Short>),
    /// A number within bounds.
    Number(Bounds<Short>),
    /// A date in the default form.
    AnyDate,
    /// A date in the default form within bounds.
    Date(Bounds<Date>),
    /// A year of four digits.
    AnyYear,
    /// The full check, at once.
    Full(Box<Column>),
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
    fn of(field: &Field, full: impl FnOnce() -> Self) -> Self {
        let rules = &field.constraints;
        let has_length = rules.min_length.is_some() || rules.max_length.is_some();
        let has_list = !rules.enumeration.is_empty();
        let has_bounds = [&rules.minimum, &rules.maximum, &rules.exclusive_minimum, &rules.exclusive_maximum]
            .iter()
            .any(|bound| bound.is_some());
        match field.kind {
            FieldType::Any if !has_list && rules.pattern.is_none() && !has_length => Self::Anything,
            FieldType::String if has_length => full(),
            FieldType::String => match (&rules.pattern, has_list) {
                (None, false) => Self::AnyText,
                (Some(pattern), false) => Self::Pattern(Box::new(pattern.regex.clone())),
                (None, true) => {
                    let short = |(text, _): &(String, Scalar)| ShortText::of(text.as_bytes());
                    rules.enumeration.iter().map(short).collect::<Option<_>>().map_or_else(full, Self::OneOf)
                }
                (Some(_), true) => full(),
            },
            FieldType::Integer if !has_list => bounds(field, short).map_or_else(full, Self::Whole),
            FieldType::Number if !has_list => bounds(field, short).map_or_else(full, Self::Number),
            FieldType::Year if !has_list && !has_bounds => Self::AnyYear,
            FieldType::Date if !has_list && field.format == Format::Default => {
                if has_bounds {
                    bounds(field, date).map_or_else(full, Self::Date)
                } else {
                    Self::AnyDate
                }
            }
            _ => full(),
        }
    }
}
