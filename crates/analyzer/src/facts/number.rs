//! Numbers as they stand in cells, and sums of them without rounding.

use rust_decimal::{Decimal, RoundingStrategy};
use shared::value::{FieldType, Format, Scalar};

/// The decimal places that a mean is rounded to.
const MEAN_PLACES: u32 = 6;
/// Digits that always fit a 64-bit integer.
const FAST_DIGITS: usize = 18;

/// A number as it is written: `899.00` and `899` are two of these with the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    mantissa: i128,
    scale: u32,
}

impl Number {
    /// Reads a cell of a numeric field.
    ///
    /// Nearly every cell is plain digits with perhaps a point; the rest (exponents, leading `+`, …) goes the way
    /// that validation went.
    #[inline]
    pub(crate) fn read(cell: &[u8]) -> Option<Self> {
        Self::read_plain(cell).or_else(|| Self::read_any(cell))
    }

    #[inline]
    fn read_plain(cell: &[u8]) -> Option<Self> {
        let (negative, digits) = match cell {
            [b'-', rest @ ..] => (true, rest),
            all => (false, all),
        };
        if digits.is_empty() || digits.len() > FAST_DIGITS {
            return None;
        }
        let mut mantissa: i64 = 0;
        let mut scale: Option<u32> = None;
        for &byte in digits {
            if byte.is_ascii_digit() {
                mantissa = mantissa * 10 + i64::from(byte - b'0');
                scale = scale.map(|places| places + 1);
            } else if byte == b'.' && scale.is_none() {
                scale = Some(0);
            } else {
                return None;
            }
        }
        let pointless = scale.is_none();
        if !pointless && digits.len() == 1 {
            return None;
        }
        let mantissa = i128::from(if negative { -mantissa } else { mantissa });
        Some(Self { mantissa, scale: scale.unwrap_or(0) })
    }

    fn read_any(cell: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(cell).ok()?.trim();
        match shared::value::parse(FieldType::Number, &Format::Default, text)? {
            Scalar::Number(number) => Some(Self::from(number)),
            _ => None,
        }
    }

    /// The number in 16 bytes: 96 bits of size, a sign and the number of places. Different texts of one value
    /// have different keys.
    pub(crate) fn key(self) -> [u64; 2] {
        let size = self.mantissa.unsigned_abs();
        let sign = u64::from(self.mantissa < 0);
        // A `Number` has at most 96 bits and 28 places, as a `Decimal` has.
        let high = u64::try_from(size >> 64).unwrap_or(u64::MAX) & 0xffff_ffff;
        let low = u64::try_from(size & u128::from(u64::MAX)).unwrap_or(u64::MAX);
        [low, high | (sign << 32) | (u64::from(self.scale) << 33)]
    }

    /// The number that has this key.
    pub(crate) fn from_key([low, high]: [u64; 2]) -> Self {
        let size = (i128::from(high & 0xffff_ffff) << 64) | i128::from(low);
        let scale = u32::try_from(high >> 33).unwrap_or(0);
        let mantissa = if (high >> 32) & 1 == 1 { -size } else { size };
        Self { mantissa, scale }
    }

    /// Whether it is smaller than another.
    #[inline]
    pub(crate) fn is_below(self, other: Self) -> bool {
        if self.scale == other.scale {
            self.mantissa < other.mantissa
        } else {
            self.decimal() < other.decimal()
        }
    }

    /// Whether it is smaller than a decimal.
    #[inline]
    pub(crate) fn is_below_decimal(self, bound: Decimal) -> bool {
        self.is_below(Self::from(bound))
    }

    /// Whether it is greater than a decimal.
    #[inline]
    pub(crate) fn is_above_decimal(self, bound: Decimal) -> bool {
        Self::from(bound).is_below(self)
    }

    /// The number as a decimal.
    pub(crate) fn decimal(self) -> Decimal {
        // Both constructors keep within 96 bits and 28 places.
        Decimal::try_from_i128_with_scale(self.mantissa, self.scale).unwrap_or_default()
    }
}

impl From<Decimal> for Number {
    fn from(number: Decimal) -> Self {
        Self { mantissa: number.mantissa(), scale: number.scale() }
    }
}

/// A sum without rounding, and how many numbers went into it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    mantissa: i128,
    scale: u32,
    overflowed: bool,
    /// How many numbers were added.
    pub(crate) count: u64,
}

impl Tally {
    /// Adds a number.
    #[inline]
    pub(crate) fn add(&mut self, number: Number) {
        self.count += 1;
        let sum = if number.scale == self.scale {
            self.mantissa.checked_add(number.mantissa)
        } else {
            self.add_scaled(number)
        };
        match sum {
            Some(sum) => self.mantissa = sum,
            None => self.overflowed = true,
        }
    }

    fn add_scaled(&mut self, number: Number) -> Option<i128> {
        if number.scale > self.scale {
            self.mantissa = shifted(self.mantissa, number.scale - self.scale)?;
            self.scale = number.scale;
            self.mantissa.checked_add(number.mantissa)
        } else {
            self.mantissa.checked_add(shifted(number.mantissa, self.scale - number.scale)?)
        }
    }

    /// The sum; absent when it has more digits than can be told exactly.
    pub(crate) fn sum(&self) -> Option<Decimal> {
        if self.overflowed {
            return None;
        }
        let (mut mantissa, mut scale) = (self.mantissa, self.scale);
        while scale > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            scale -= 1;
        }
        Decimal::try_from_i128_with_scale(mantissa, scale).ok()
    }

    /// The arithmetic mean, rounded to six places; absent when there is no number or no exact sum.
    pub(crate) fn mean(&self) -> Option<Decimal> {
        let mean = self.sum()?.checked_div(Decimal::from(self.count))?;
        Some(mean.round_dp_with_strategy(MEAN_PLACES, RoundingStrategy::MidpointAwayFromZero).normalize())
    }
}

fn shifted(mantissa: i128, places: u32) -> Option<i128> {
    mantissa.checked_mul(10_i128.checked_pow(places)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::read_plain(text.as_bytes()).unwrap()
    }

    #[test]
    fn plain_numbers_are_read_without_the_slow_way() {
        for (text, expected) in
            [("899", "899"), ("-0.50", "-0.50"), ("12.", "12"), (".5", "0.5"), ("007", "7")]
        {
            assert_eq!(number(text).decimal(), expected.parse().unwrap(), "{text}");
        }
        for text in ["", "-", ".", "1.2.3", "1e3", "+5", " 5", "1234567890123456789", "nan"] {
            assert_eq!(Number::read_plain(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_key_gives_its_number_back() {
        for text in ["0", "-1", "899.00", "79228162514264337593543950335", "-0.0000000000000000000000000001"]
        {
            let number = Number::from(text.parse::<Decimal>().unwrap());
            assert_eq!(Number::from_key(number.key()), number, "{text}");
        }
    }

    #[test]
    fn a_sum_is_exact_over_mixed_places() {
        let mut tally = Tally::default();
        for text in ["0.1", "0.2", "1000000000000000", "-0.3", "0.0000001"] {
            tally.add(number(text));
        }
        assert_eq!(tally.sum().unwrap(), "1000000000000000.0000001".parse().unwrap());
    }

    #[test]
    fn a_mean_is_rounded_to_six_places() {
        let mut tally = Tally::default();
        for text in ["1", "1", "0"] {
            tally.add(number(text));
        }
        assert_eq!(tally.mean().unwrap(), "0.666667".parse().unwrap());
        assert_eq!(Tally::default().mean(), None);
    }

    #[test]
    fn a_sum_that_cannot_be_told_exactly_is_left_out() {
        let mut tally = Tally::default();
        tally.add(Number::from(Decimal::MAX));
        tally.add(Number::from(Decimal::MAX));
        assert_eq!(tally.sum(), None);
        let mut mixed = Tally::default();
        mixed.add(Number::from(Decimal::MAX));
        mixed.add(Number::from("0.0000000000000000000000000001".parse::<Decimal>().unwrap()));
        assert_eq!(mixed.sum(), None);
    }
}
