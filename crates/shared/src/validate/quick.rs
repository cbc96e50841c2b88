//! One column's checks at first sight: a quick answer for good cells, without an allocation.
//!
//! An answer of "no" is not final: the cell is then looked at in full ([`super::cell`]).

use jiff::civil::Date;
use regex::bytes::Regex;

use super::cell::Column;
use crate::contract::Field;
use crate::value::{self, BooleanWords, FieldType, Format, NumberStyle, Scalar, Short, TextForm};

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

    /// Those of a field: its own ones, or the contract's.
    pub(super) fn of(field: &Field, contract: &Self) -> Self {
        field.missing_values.as_deref().map_or_else(|| contract.clone(), Self::new)
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
        let column = || Box::new(Column::new(position, field, missing));
        let quick = match field.missing_values {
            Some(_) => Quick::Own(column()),
            None => Quick::of(field, column),
        };
        Self { required: field.constraints.required, quick }
    }

    /// Whether a cell is fine at first sight. `false` means that it has to be looked at again.
    #[inline]
    pub(super) fn accepts(&self, text: &[u8], missing: &Missing) -> bool {
        if missing.contains(text) {
            return match &self.quick {
                Quick::Own(_) => self.quick.accepts_rare(text),
                _ => !self.required,
            };
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
            rare => rare.accepts_rare(text),
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
    /// Text of a certain format.
    Form(TextForm),
    /// A number in a style of its own, within bounds.
    Styled(Box<Styled>),
    /// The full check, at once.
    Full(Box<Column>),
    /// The same of a field that has missing values of its own.
    Own(Box<Column>),
}

/// The check of a number in a style of its own.
#[derive(Debug, Clone)]
struct Styled {
    style: NumberStyle,
    may_have_fraction: bool,
    bounds: Bounds<Short>,
    column: Column,
}

impl Styled {
    fn accepts(&self, text: &[u8]) -> bool {
        match self.style.parse_short(text, self.may_have_fraction) {
            Some(number) => self.bounds.hold(&number),
            None => self.column.is_fine(text),
        }
    }
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
    fn of(field: &Field, column: impl Fn() -> Box<Column>) -> Self {
        let rules = &field.constraints;
        let has_list = !rules.enumeration.is_empty();
        let full = || Self::Full(column());
        match field.kind {
            FieldType::Any if !has_list && rules.required => Self::AnyText,
            FieldType::Any if !has_list => Self::Anything,
            FieldType::String => Self::of_text(field, full),
            FieldType::Boolean if !has_list => match &field.format {
                Format::Boolean(words) => one_of(words.all()).map_or_else(full, Self::OneOf),
                _ => one_of(BooleanWords::default().all()).map_or_else(full, Self::OneOf),
            },
            FieldType::Integer | FieldType::Number if !has_list => {
                let Some(bounds) = bounds(field, short) else { return full() };
                let may_have_fraction = field.kind == FieldType::Number;
                match field.format {
                    Format::Number(style) => {
                        let column = *column();
                        Self::Styled(Box::new(Styled { style, may_have_fraction, bounds, column }))
                    }
                    _ if may_have_fraction => Self::Number(bounds),
                    _ => Self::Whole(bounds),
                }
            }
            FieldType::Year if !has_list && !has_bounds(field) => Self::AnyYear,
            FieldType::Date if !has_list && field.format == Format::Default => match has_bounds(field) {
                true => bounds(field, date).map_or_else(full, Self::Date),
                false => Self::AnyDate,
            },
            _ => full(),
        }
    }

    /// The checks that take longer than a call does: they stay out of the loop over the others.
    #[inline(never)]
    fn accepts_rare(&self, text: &[u8]) -> bool {
        match self {
            Self::Form(form) => std::str::from_utf8(text).is_ok_and(|text| form.holds(text)),
            Self::Styled(styled) => styled.accepts(text),
            Self::Full(column) | Self::Own(column) => column.is_fine(text),
            _ => false,
        }
    }

    fn of_text(field: &Field, full: impl FnOnce() -> Self) -> Self {
        let rules = &field.constraints;
        if rules.min_length.is_some() || rules.max_length.is_some() {
            return full();
        }
        let list = || {
            // A required text must say more than spaces, even if these are listed.
            let texts = rules.enumeration.iter().filter_map(|(_, allowed)| match allowed {
                Scalar::Text(text) if !(rules.required && is_only_spaces(text.as_bytes())) => {
                    Some(text.as_str())
                }
                _ => None,
            });
            one_of(texts)
        };
        match (&field.format, &rules.pattern, rules.enumeration.is_empty()) {
            (Format::Text(form), None, true) => Self::Form(*form),
            (Format::Text(_), _, _) => full(),
            (_, None, true) => Self::AnyText,
            (_, Some(pattern), true) => Self::Pattern(Box::new(pattern.regex.clone())),
            (_, None, false) => list().map_or_else(full, Self::OneOf),
            (_, Some(_), false) => full(),
        }
    }
}

/// Texts to compare with, if all are short enough.
fn one_of<'t>(texts: impl Iterator<Item = &'t str>) -> Option<Vec<ShortText>> {
    texts.map(|text| ShortText::of(text.as_bytes())).collect()
}

fn has_bounds(field: &Field) -> bool {
    let rules = &field.constraints;
    [&rules.minimum, &rules.maximum, &rules.exclusive_minimum, &rules.exclusive_maximum]
        .iter()
        .any(|bound| bound.is_some())
}

#[cfg(test)]
mod tests;
