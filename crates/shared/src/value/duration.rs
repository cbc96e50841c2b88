//! Lengths of time: the type `duration`.

use std::cmp::Ordering;
use std::fmt;

const NANOSECONDS_A_SECOND: i128 = 1_000_000_000;
const SECONDS_A_DAY: i64 = 86_400;
/// The longest number of a duration, in digits: more would not fit.
const MAX_DIGITS: usize = 9;

/// A length of time: months and nanoseconds, because months differ in length.
///
/// Both have the same sign. Two durations with equal parts are equal: `P1Y` is `P12M`, and `PT24H` is `P1D`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Duration {
    months: i64,
    nanoseconds: i128,
}

/// What a part of a duration is worth: its letter, its months, its seconds.
type Unit = (u8, i64, i64);

const DATE_UNITS: [Unit; 3] = [(b'Y', 12, 0), (b'M', 1, 0), (b'D', 0, SECONDS_A_DAY)];
const TIME_UNITS: [Unit; 3] = [(b'H', 0, 3600), (b'M', 0, 60), (b'S', 0, 1)];

impl Duration {
    /// Reads a duration as XML Schema has it: `P1Y2M3DT4H5M6.7S`, with a minus in front if it goes back.
    ///
    /// Parts may be left out, but not all of them, and not all behind a `T`. Only seconds have a fraction, of up to
    /// nine digits. Every number has at most nine digits.
    ///
    /// Source: XML Schema 1.1, part 2, section 3.3.6 (`https://www.w3.org/TR/xmlschema11-2/#duration`).
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (sign, unsigned) = match text.strip_prefix(b"-") {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let mut rest = unsigned.strip_prefix(b"P")?;
        let mut sum = Self { months: 0, nanoseconds: 0 };
        let date_parts = sum.add_parts(&mut rest, &DATE_UNITS)?;
        let mut parts = date_parts;
        if let Some(time) = rest.strip_prefix(b"T") {
            rest = time;
            let time_parts = sum.add_parts(&mut rest, &TIME_UNITS)?;
            if time_parts == 0 {
                return None;
            }
            parts += time_parts;
        }
        let whole = parts > 0 && rest.is_empty();
        whole.then_some(Self { months: sum.months * sign, nanoseconds: sum.nanoseconds * i128::from(sign) })
    }

    /// Adds the parts in front of `rest`, in the order of their units; says how many there were.
    fn add_parts(&mut self, rest: &mut &[u8], units: &[Unit]) -> Option<usize> {
        let mut units = units.iter();
        let mut count = 0;
        while rest.first().is_some_and(u8::is_ascii_digit) {
            let (whole, after) = number(rest)?;
            let (fraction, after) = match after.strip_prefix(b".") {
                Some(after) => {
                    let (digits, after) = number(after)?;
                    (Some((digits, after)), after)
                }
                None => (None, after),
            };
            let (letter, after_letter) = after.split_first()?;
            let (_, months, seconds) = units.find(|(unit, _, _)| unit == letter)?;
            let scale = i128::from(*seconds) * NANOSECONDS_A_SECOND;
            if let Some((digits, _)) = fraction {
                if *letter != b'S' {
                    return None;
                }
                let places = u32::try_from(digits.len()).ok()?;
                self.nanoseconds += i128::from(value(digits)) * 10_i128.pow(9_u32.checked_sub(places)?);
            }
            self.months += value(whole) * months;
            self.nanoseconds += i128::from(value(whole)) * scale;
            *rest = after_letter;
            count += 1;
        }
        Some(count)
    }

    /// How far a moment moves when this is added to the first of a month, in nanoseconds.
    fn length_after(self, (year, month): (i64, i64)) -> i128 {
        let start = year * 12 + month - 1;
        let days = day_of_month(start + self.months) - day_of_month(start);
        i128::from(days) * i128::from(SECONDS_A_DAY) * NANOSECONDS_A_SECOND + self.nanoseconds
    }
}

/// The digits in front of a text, not none and not too many, and what follows them.
fn number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 || length > MAX_DIGITS {
        return None;
    }
    text.split_at_checked(length)
}

fn value(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |sum, byte| sum * 10 + i64::from(byte.wrapping_sub(b'0')))
}

/// The number of days before the first of a month, which is counted from January of the year 0 (Gregorian).
fn day_of_month(month: i64) -> i64 {
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12));
    // Years begin in March here, so that the leap day comes last.
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5
}

/// The moments from which XML Schema compares durations: they meet months of every length in every order.
const STARTS: [(i64, i64); 4] = [(1696, 9), (1697, 2), (1903, 3), (1903, 7)];

impl PartialOrd for Duration {
    /// The order of XML Schema: one duration is longer than another when it is so from each of four moments.
    ///
    /// `P1M` is longer than `P27D` and shorter than `P32D`; it has no order with `P30D`.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        if self.months == other.months {
            return Some(self.nanoseconds.cmp(&other.nanoseconds));
        }
        let mut orders =
            STARTS.iter().map(|start| self.length_after(*start).cmp(&other.length_after(*start)));
        let first = orders.next()?;
        orders.all(|order| order == first).then_some(first)
    }
}

impl fmt::Display for Duration {
    /// The canonical form of XML Schema: `P1Y2M3DT4H5M6.7S`, without the parts that are zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (months, nanoseconds) = (self.months.unsigned_abs(), self.nanoseconds.unsigned_abs());
        if self.months < 0 || self.nanoseconds < 0 {
            f.write_str("-")?;
        }
        f.write_str("P")?;
        let seconds = nanoseconds / 1_000_000_000;
        let part = |f: &mut fmt::Formatter<'_>, number: u128, unit: &str| {
            if number > 0 { write!(f, "{number}{unit}") } else { Ok(()) }
        };
        part(f, u128::from(months / 12), "Y")?;
        part(f, u128::from(months % 12), "M")?;
        part(f, seconds / 86_400, "D")?;
        if nanoseconds % (86_400 * 1_000_000_000) > 0 {
            f.write_str("T")?;
        }
        part(f, seconds / 3600 % 24, "H")?;
        part(f, seconds / 60 % 60, "M")?;
        let fraction = format!("{:09}", nanoseconds % 1_000_000_000);
        match fraction.trim_end_matches('0') {
            "" => part(f, seconds % 60, "S")?,
            fraction => write!(f, "{}.{fraction}S", seconds % 60)?,
        }
        if months == 0 && nanoseconds == 0 { f.write_str("T0S") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duration(text: &str) -> Duration {
        Duration::parse(text.as_bytes()).unwrap_or_else(|| panic!("{text} is a duration"))
    }

    #[test]
    fn durations_as_xml_schema_has_them() {
        for (text, shown) in [
            ("P1Y2M3DT4H5M6.7S", "P1Y2M3DT4H5M6.7S"),
            ("P1Y", "P1Y"),
            ("P12M", "P1Y"),
            ("P14M", "P1Y2M"),
            ("PT24H", "P1D"),
            ("PT90M", "PT1H30M"),
            ("PT0S", "PT0S"),
            ("P0D", "PT0S"),
            ("-P1D", "-P1D"),
            ("-P0Y", "PT0S"),
            ("PT1.000000001S", "PT1.000000001S"),
            ("PT0.50S", "PT0.5S"),
            ("P007D", "P7D"),
        ] {
            let read = duration(text);
            assert_eq!(read.to_string(), shown, "{text}");
            assert_eq!(duration(shown), read, "{text}");
        }
        let longest = duration("P999999999Y999999999M999999999DT999999999H999999999M999999999S");
        assert!(longest > duration("P999999999Y"));
    }

    #[test]
    fn what_is_no_duration() {
        for text in [
            "",
            "P",
            "PT",
            "P1YT",
            "1Y",
            "P1",
            "P1S",
            "PT1D",
            "P1M1Y",
            "PT1S1M",
            "P1Y1Y",
            "P1W",
            "P1.5Y",
            "PT1.5H",
            "PT1.S",
            "PT.5S",
            "PT1,5S",
            "+P1D",
            "P-1D",
            "p1d",
            "P1D ",
            " P1D",
            "P1234567890D",
            "PT1.1234567890S",
            "P2024-05-20",
            "--P1D",
            "P１D",
        ] {
            assert_eq!(Duration::parse(text.as_bytes()), None, "{text:?}");
        }
    }

    /// The table of XML Schema 1.0, part 2, section 3.2.6.2.
    #[test]
    fn durations_have_an_order_where_months_allow_one() {
        for (a, b, expected) in [
            ("P1Y", "P364D", Some(Ordering::Greater)),
            ("P1Y", "P365D", None),
            ("P1Y", "P366D", None),
            ("P1Y", "P367D", Some(Ordering::Less)),
            ("P1M", "P27D", Some(Ordering::Greater)),
            ("P1M", "P28D", None),
            ("P1M", "P31D", None),
            ("P1M", "P32D", Some(Ordering::Less)),
            ("P5M", "P149D", Some(Ordering::Greater)),
            ("P5M", "P150D", None),
            ("P5M", "P153D", None),
            ("P5M", "P154D", Some(Ordering::Less)),
            ("PT36H", "P1DT12H", Some(Ordering::Equal)),
            ("-P1D", "PT0S", Some(Ordering::Less)),
            ("-P1M", "-P27D", Some(Ordering::Less)),
            ("P1M", "P30D", None),
            ("PT1.5S", "PT1S", Some(Ordering::Greater)),
        ] {
            assert_eq!(duration(a).partial_cmp(&duration(b)), expected, "{a} against {b}");
            assert_eq!(
                duration(b).partial_cmp(&duration(a)),
                expected.map(Ordering::reverse),
                "{b} against {a}"
            );
        }
    }

    #[test]
    fn the_first_of_a_month_is_the_day_that_the_calendar_has() {
        let zero = jiff::civil::date(0, 3, 1);
        for (year, month) in
            [(1, 1), (1696, 9), (1697, 2), (1900, 3), (1903, 7), (2000, 3), (2024, 2), (9999, 12)]
        {
            let day = jiff::civil::date(year, month, 1);
            let days = i64::from((day - zero).get_days());
            assert_eq!(day_of_month(i64::from(year) * 12 + i64::from(month) - 1), days, "{day}");
        }
    }
}
