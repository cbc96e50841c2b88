//! What a cell must look like to be a number, a date, …: the lexical forms of Table Schema.
//!
//! Source: Data Package v2, Table Schema, "Field Types" (`https://datapackage.org/standard/table-schema/`).

mod boolean;
mod duration;
mod number;
mod text;

use std::cmp::Ordering;
use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::BrokenDownTime;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use boolean::BooleanWords;
pub use duration::Duration;
pub use number::NumberStyle;
pub use text::TextForm;

/// The type of a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// Any text.
    String,
    /// A whole number.
    Integer,
    /// A decimal number.
    Number,
    /// Yes or no.
    Boolean,
    /// A day: `2024-05-20`.
    Date,
    /// A time of day: `13:05:00`.
    Time,
    /// A day and a time: `2024-05-20T13:05:00Z`.
    Datetime,
    /// A year: `2024`.
    Year,
    /// A month: `2024-05`.
    Yearmonth,
    /// A length of time: `P1Y2M3DT4H5M6S`.
    Duration,
    /// Anything; no check.
    #[default]
    Any,
}

/// How the values of a field are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Format {
    /// The type's default form.
    #[default]
    Default,
    /// Of a date or a time: by a `strptime` pattern such as `%d/%m/%Y`.
    Pattern(String),
    /// Of a string: a text of a certain form.
    Text(TextForm),
    /// Of a number or an integer: with other characters than the default ones.
    Number(NumberStyle),
    /// Of a boolean: with other words than the default ones.
    Boolean(BooleanWords),
}

/// A cell's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Of an integer, a number or a year.
    Number(Decimal),
    /// Of a boolean.
    Boolean(bool),
    /// Of a date.
    Date(Date),
    /// Of a time.
    Time(Time),
    /// Of a datetime, in UTC.
    Datetime(DateTime),
    /// Of a yearmonth.
    Yearmonth {
        /// From 1.
        year: i16,
        /// From 1 to 12.
        month: i16,
    },
    /// Of a duration.
    Duration(Duration),
    /// Of a string or anything.
    Text(String),
}

impl Scalar {
    /// The bytes by which two equal values of one type are equal: `5`, `5.0` and `+5` are one number.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        match self {
            Self::Number(number) => number.normalize().serialize().to_vec(),
            Self::Boolean(flag) => vec![u8::from(*flag)],
            other => other.to_string().into_bytes(),
        }
    }
}

impl fmt::Display for Scalar {
    /// The value in its type's default form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{}", number.normalize()),
            Self::Boolean(flag) => write!(f, "{flag}"),
            Self::Date(date) => write!(f, "{date}"),
            Self::Time(time) => write!(f, "{time}"),
            Self::Datetime(at) => write!(f, "{at}"),
            Self::Yearmonth { year, month } => write!(f, "{year:04}-{month:02}"),
            Self::Duration(duration) => write!(f, "{duration}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl PartialOrd for Scalar {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(b),
            (Self::Boolean(a), Self::Boolean(b)) => a.partial_cmp(b),
            (Self::Date(a), Self::Date(b)) => a.partial_cmp(b),
            (Self::Time(a), Self::Time(b)) => a.partial_cmp(b),
            (Self::Datetime(a), Self::Datetime(b)) => a.partial_cmp(b),
            (Self::Yearmonth { year, month }, Self::Yearmonth { year: other, month: other_month }) => {
                (year, month).partial_cmp(&(other, other_month))
            }
            (Self::Duration(a), Self::Duration(b)) => a.partial_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.partial_cmp(b),
            _ => None,
        }
    }
}

/// The numbers that most files hold: up to 18 digits, kept as an integer and a count of decimal places.
///
/// Comparing two of them costs a few nanoseconds; a [`Decimal`] is needed only beyond.
#[derive(Debug, Clone, Copy)]
pub struct Short {
    digits: i64,
    places: u32,
}

/// The most digits of a [`Short`].
const SHORT_DIGITS: usize = 18;

/// The powers of ten up to `10^18`.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which would refuse an index out of bounds"
)]
const POWERS: [i128; SHORT_DIGITS + 1] = {
    let mut powers = [1; SHORT_DIGITS + 1];
    let mut index = 1;
    while index <= SHORT_DIGITS {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

impl Short {
    /// Reads plain digits with an optional minus and an optional point; anything else is left to [`parse_number`].
    #[must_use]
    #[inline]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (negative, unsigned) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        if unsigned.is_empty() || unsigned.len() > SHORT_DIGITS {
            return None;
        }
        let mut digits: i64 = 0;
        let mut point = None;
        for (index, byte) in unsigned.iter().enumerate() {
            match byte {
                b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
                b'.' if point.is_none() && index > 0 => point = Some(index),
                _ => return None,
            }
        }
        let places = match point {
            None => 0,
            Some(at) => u32::try_from(unsigned.len() - at - 1).ok()?,
        };
        Some(Self { digits: if negative { -digits } else { digits }, places })
    }

    /// Reads plain digits with an optional minus and no point.
    #[must_use]
    #[inline]
    pub fn parse_whole(text: &[u8]) -> Option<Self> {
        let (negative, unsigned) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        if unsigned.is_empty() || unsigned.len() > SHORT_DIGITS {
            return None;
        }
        let mut digits: i64 = 0;
        for byte in unsigned {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            digits = digits * 10 + i64::from(digit);
        }
        Some(Self { digits: if negative { -digits } else { digits }, places: 0 })
    }

    /// The same number, if it has few enough digits.
    #[must_use]
    pub fn of(number: Decimal) -> Option<Self> {
        let digits = i64::try_from(number.mantissa()).ok()?;
        let fits = digits.unsigned_abs() < 1_000_000_000_000_000_000 && number.scale() <= 18;
        fits.then(|| Self { digits, places: number.scale() })
    }

    /// The same number as a decimal.
    #[must_use]
    pub fn decimal(self) -> Decimal {
        Decimal::new(self.digits, self.places)
    }
}

impl Ord for Short {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        if self.places == other.places {
            return self.digits.cmp(&other.digits);
        }
        // Eighteen digits times 10^18 stay within an i128.
        let power = |places: u32| POWERS.get(places as usize).copied().unwrap_or(1);
        (i128::from(self.digits) * power(other.places)).cmp(&(i128::from(other.digits) * power(self.places)))
    }
}

impl PartialOrd for Short {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Short {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Short {}

/// Reads a number: an optional sign, digits with an optional point, an optional exponent, spaces around.
///
/// Not numbers: `NaN`, `INF`, `1_000`, `0x10`, thousands separators, currency signs, digits of other scripts,
/// and what has more than 28 digits before the point. Digits that a decimal of 28 cannot hold are rounded.
#[must_use]
pub fn parse_number(text: &str) -> Option<Decimal> {
    let text = text.trim_matches(' ');
    if let Some(short) = Short::parse(text.as_bytes()) {
        return Some(short.decimal());
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits_only = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits_only(whole) || !digits_only(fraction) {
        return None;
    }
    let magnitude = match exponent {
        None => plain(whole, fraction)?,
        Some(exponent) => scaled(whole, fraction, exponent)?,
    };
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// `Decimal` rounds a fraction that is too long, and refuses a whole part that is.
fn plain(whole: &str, fraction: &str) -> Option<Decimal> {
    let or_zero = |part: &str| if part.is_empty() { "0".to_owned() } else { part.to_owned() };
    format!("{}.{}", or_zero(whole), or_zero(fraction)).parse().ok()
}

/// The longest shift by an exponent that is carried out; further to the right everything is zero, further to the
/// left everything is out of range.
const MAX_SHIFT: i64 = 64;

fn scaled(whole: &str, fraction: &str, exponent: &str) -> Option<Decimal> {
    let figures = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if figures.is_empty() || !figures.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mantissa = format!("{whole}{fraction}");
    let significant = mantissa.trim_start_matches('0');
    if significant.is_empty() {
        return Some(Decimal::ZERO);
    }
    // An exponent too long for an i64 is beyond every shift; its sign says on which side.
    let beyond = if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
    let power: i64 = exponent.strip_prefix('+').unwrap_or(exponent).parse().unwrap_or(beyond);
    let fraction_length = i64::try_from(fraction.len()).ok()?;
    let shift = power.saturating_sub(fraction_length);
    let length = i64::try_from(significant.len()).ok()?;
    if shift >= 0 {
        if length.saturating_add(shift) > 29 {
            return None;
        }
        let zeros = "0".repeat(usize::try_from(shift).ok()?);
        return format!("{significant}{zeros}").parse().ok();
    }
    let point = length.saturating_add(shift);
    if point <= -MAX_SHIFT {
        return Some(Decimal::ZERO);
    }
    match usize::try_from(point) {
        Ok(point) => significant.split_at_checked(point).and_then(|(before, after)| plain(before, after)),
        Err(_) => plain("", &format!("{}{significant}", "0".repeat(usize::try_from(-point).ok()?))),
    }
}

/// Reads a whole number: an optional sign and digits, spaces around.
#[must_use]
pub fn parse_integer(text: &str) -> Option<Decimal> {
    let text = text.trim_matches(' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits_only = !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit());
    digits_only.then(|| parse_number(text)).flatten()
}

/// Reads a boolean: the words that Table Schema takes by default.
#[must_use]
pub fn parse_boolean(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"True" | b"TRUE" | b"1" => Some(true),
        b"false" | b"False" | b"FALSE" | b"0" => Some(false),
        _ => None,
    }
}

/// Reads some digits at a place.
#[inline]
fn digits<const N: usize>(text: &[u8], at: usize) -> Option<i16> {
    let chunk = text.get(at..)?.first_chunk::<N>()?;
    let (mut sum, mut good) = (0_i16, true);
    for byte in chunk {
        let digit = byte.wrapping_sub(b'0');
        good &= digit <= 9;
        sum = sum.wrapping_mul(10).wrapping_add(i16::from(digit));
    }
    good.then_some(sum)
}

/// The year, the month and the day of a date written as `YYYY-MM-DD`, if there is such a day from year 1 on.
#[inline]
fn calendar_day(text: &[u8]) -> Option<(i16, i16, i16)> {
    if text.len() != 10 || text.get(4) != Some(&b'-') || text.get(7) != Some(&b'-') {
        return None;
    }
    let (year, month, day) = (digits::<4>(text, 0)?, digits::<2>(text, 5)?, digits::<2>(text, 8)?);
    if year == 0 || !(1..=12).contains(&month) || day == 0 {
        return None;
    }
    // Every month has 28 days; only the rest needs the calendar.
    let exists = day <= 28 || Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).is_ok();
    exists.then_some((year, month, day))
}

/// Whether a text is a date as [`parse_date`] reads it.
#[must_use]
#[inline]
pub fn is_date(text: &[u8]) -> bool {
    calendar_day(text).is_some()
}

/// Reads a date as `YYYY-MM-DD`, from year 1.
#[must_use]
pub fn parse_date(text: &[u8]) -> Option<Date> {
    let (year, month, day) = calendar_day(text)?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Reads a time of day as `hh:mm:ss`, with an optional fraction of up to nine digits and an optional `Z`.
#[must_use]
pub fn parse_time(text: &[u8]) -> Option<Time> {
    let (time, rest) = time_of_day(text)?;
    (rest.is_empty() || rest == b"Z").then_some(time)
}

/// A time of day and what follows it.
fn time_of_day(text: &[u8]) -> Option<(Time, &[u8])> {
    if text.get(2) != Some(&b':') || text.get(5) != Some(&b':') {
        return None;
    }
    let (hour, minute, second) = (digits::<2>(text, 0)?, digits::<2>(text, 3)?, digits::<2>(text, 6)?);
    let mut rest = text.get(8..)?;
    let mut nanosecond = 0_i32;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if length == 0 || length > 9 {
            return None;
        }
        let (figures, after) = fraction.split_at_checked(length)?;
        nanosecond = figures.iter().fold(0, |sum, byte| sum * 10 + i32::from(byte - b'0'));
        nanosecond *= 10_i32.pow(9 - u32::try_from(length).ok()?);
        rest = after;
    }
    let small = |number: i16| i8::try_from(number).ok();
    Some((Time::new(small(hour)?, small(minute)?, small(second)?, nanosecond).ok()?, rest))
}

/// Reads a day and a time as `YYYY-MM-DDThh:mm:ss`, with an optional fraction and an optional `Z` or offset.
///
/// The result is in UTC, which is also taken where no zone is given. A space may stand for the `T` (RFC 3339).
#[must_use]
pub fn parse_datetime(text: &[u8]) -> Option<DateTime> {
    let (day, rest) = text.split_at_checked(10)?;
    let date = parse_date(day)?;
    let clock = rest.strip_prefix(b"T").or_else(|| rest.strip_prefix(b" "))?;
    let (time, zone) = time_of_day(clock)?;
    let here = DateTime::from_parts(date, time);
    match zone {
        b"" | b"Z" => Some(here),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (digits::<2>(zone, 1)?, digits::<2>(zone, 4)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let ahead = i64::from(hours) * 60 + i64::from(minutes);
            let span = jiff::Span::new().minutes(if *sign == b'+' { -ahead } else { ahead });
            here.checked_add(span).ok()
        }
        _ => None,
    }
}

/// Reads a year: four digits, from 1.
#[must_use]
pub fn parse_year(text: &[u8]) -> Option<i16> {
    if text.len() == 4 { digits::<4>(text, 0).filter(|year| *year > 0) } else { None }
}

/// Reads a month: `YYYY-MM`, from year 1.
#[must_use]
pub fn parse_yearmonth(text: &[u8]) -> Option<(i16, i16)> {
    if text.len() != 7 || text.get(4) != Some(&b'-') {
        return None;
    }
    let (year, month) = (digits::<4>(text, 0)?, digits::<2>(text, 5)?);
    (year > 0 && (1..=12).contains(&month)).then_some((year, month))
}

/// Reads a cell as a value of its type; `None` when it is none.
///
/// A format of another type is taken for the default one.
#[must_use]
pub fn parse(kind: FieldType, format: &Format, text: &str) -> Option<Scalar> {
    let bytes = text.as_bytes();
    match kind {
        FieldType::String => match format {
            Format::Text(form) => form.holds(text).then(|| Scalar::Text(form.canonical(text))),
            _ => Some(Scalar::Text(text.to_owned())),
        },
        FieldType::Any => Some(Scalar::Text(text.to_owned())),
        FieldType::Integer => match format {
            Format::Number(style) => style.parse_integer(text),
            _ => parse_integer(text),
        }
        .map(Scalar::Number),
        FieldType::Number => match format {
            Format::Number(style) => style.parse_number(text),
            _ => parse_number(text),
        }
        .map(Scalar::Number),
        FieldType::Boolean => match format {
            Format::Boolean(words) => words.parse(text),
            _ => parse_boolean(bytes),
        }
        .map(Scalar::Boolean),
        FieldType::Year => parse_year(bytes).map(|year| Scalar::Number(Decimal::from(year))),
        FieldType::Yearmonth => parse_yearmonth(bytes).map(|(year, month)| Scalar::Yearmonth { year, month }),
        FieldType::Duration => Duration::parse(bytes).map(Scalar::Duration),
        FieldType::Date | FieldType::Time | FieldType::Datetime => match format {
            Format::Pattern(pattern) => parse_by_pattern(kind, pattern, text),
            _ => match kind {
                FieldType::Date => parse_date(bytes).map(Scalar::Date),
                FieldType::Time => parse_time(bytes).map(Scalar::Time),
                _ => parse_datetime(bytes).map(Scalar::Datetime),
            },
        },
    }
}

/// Reads a date, a time or a datetime by a pattern; a datetime becomes UTC where the pattern has a zone.
fn parse_by_pattern(kind: FieldType, pattern: &str, text: &str) -> Option<Scalar> {
    let read = BrokenDownTime::parse(pattern, text).ok()?;
    let (value, day) = match kind {
        FieldType::Date => {
            let date = read.to_date().ok()?;
            (Scalar::Date(date), Some(date))
        }
        FieldType::Time => (Scalar::Time(read.to_time().ok()?), None),
        _ => {
            let here = read.to_datetime().ok()?;
            let at = match read.offset() {
                None => here,
                Some(offset) => offset.to_timestamp(here).ok()?.to_zoned(jiff::tz::TimeZone::UTC).datetime(),
            };
            (Scalar::Datetime(at), Some(here.date()))
        }
    };
    is_written_so(pattern, text, day, &read).then_some(value)
}

/// Whether a text is what the pattern would write, but for case, zeros in front of a number and zeros at the end of a
/// fraction of a second.
///
/// Reading by a pattern is lenient: it passes over spaces and takes a year of any length, so that `05/05/24` would
/// be a day in the year 24.
fn is_written_so(pattern: &str, text: &str, day: Option<Date>, read: &BrokenDownTime) -> bool {
    let has_fraction = pattern.contains("%f") || pattern.contains("%.f");
    let with_places = |places: u32| {
        let pattern = pattern.replace("%f", &format!("%{places}f")).replace("%.f", &format!("%.{places}f"));
        has_form(&pattern, text, day, read)
    };
    has_form(pattern, text, day, read) || (has_fraction && (1..=9).any(with_places))
}

fn has_form(pattern: &str, text: &str, day: Option<Date>, read: &BrokenDownTime) -> bool {
    let Ok(written) = read.to_string(pattern) else { return false };
    if text.eq_ignore_ascii_case(&written) {
        return true;
    }
    let long = pattern.replace("%D", "%m/%d/%y").replace("%F", "%Y-%m-%d");
    let year_is_whole = if long.contains("%Y") {
        day.is_none_or(|day| day.year() >= 1000)
    } else if let Some((before, _)) = long.split_once("%y") {
        read.to_string(before).is_ok_and(|before| two_digits_follow(&before, text))
    } else {
        true
    };
    year_is_whole && without_zeros(text).eq_ignore_ascii_case(&without_zeros(&written))
}

/// Whether the number that comes after all those of a beginning has two digits.
fn two_digits_follow(beginning: &str, text: &str) -> bool {
    let is_digit = |character: char| character.is_ascii_digit();
    let numbers_before = numbers(beginning).count();
    !beginning.ends_with(is_digit)
        && numbers(text).nth(numbers_before).is_some_and(|number| number.len() == 2)
}

/// The runs of digits in a text.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_digit()).filter(|run| !run.is_empty())
}

/// The text without the zeros in front of its numbers.
fn without_zeros(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let in_number = bare.ends_with(|c: char| c.is_ascii_digit());
        let more = characters.peek().is_some_and(char::is_ascii_digit);
        if character != '0' || in_number || !more {
            bare.push(character);
        }
    }
    bare
}

impl FieldType {
    /// The type's name in a contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Time => "time",
            Self::Datetime => "datetime",
            Self::Year => "year",
            Self::Yearmonth => "yearmonth",
            Self::Duration => "duration",
            Self::Any => "any",
        }
    }
}

#[cfg(test)]
mod tests;
