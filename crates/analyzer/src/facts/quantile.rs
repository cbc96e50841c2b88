//! Quantiles: exact while the distinct values can be counted, then within one per cent.

use hashbrown::HashMap;
use rust_decimal::prelude::{FromPrimitive as _, ToPrimitive as _};
use rust_decimal::{Decimal, RoundingStrategy};

use super::number::Number;

/// The most distinct values of a measure that are counted one by one: about 9 MB.
const MAX_DISTINCT: usize = 200_000;
/// The relative error of an estimated quantile, in per cent.
const ERROR_PERCENT: i64 = 1;
/// How many significant digits an estimate shows.
const ESTIMATE_DIGITS: u32 = 4;

/// A quantile, exact or estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quantile {
    pub(crate) value: Decimal,
    /// The relative error where the value is an estimate.
    pub(crate) error: Option<Decimal>,
}

/// The values of a measure, as many as it takes to tell its quantiles.
pub(crate) enum Distribution {
    /// How often each value occurs.
    Exact(HashMap<[u64; 2], u64>),
    /// How many values each of some narrow ranges holds.
    Sketch(Sketch),
}

impl Default for Distribution {
    fn default() -> Self {
        Self::Exact(HashMap::new())
    }
}

impl Distribution {
    /// Takes a value.
    #[inline]
    pub(crate) fn add(&mut self, number: Number) {
        match self {
            Self::Exact(counts) => {
                *counts.entry(number.key()).or_insert(0) += 1;
                if counts.len() > MAX_DISTINCT {
                    let mut sketch = Sketch::default();
                    for (key, count) in counts.drain() {
                        sketch.add(Number::from_key(key), count);
                    }
                    *self = Self::Sketch(sketch);
                }
            }
            Self::Sketch(sketch) => sketch.add(number, 1),
        }
    }

    /// Prepares the answers.
    pub(crate) fn finish(self) -> Ranked {
        let (mut values, error): (Vec<(Decimal, u64)>, _) = match self {
            Self::Exact(counts) => (
                counts.into_iter().map(|(key, count)| (Number::from_key(key).decimal(), count)).collect(),
                None,
            ),
            Self::Sketch(sketch) => (sketch.values(), Some(Decimal::new(ERROR_PERCENT, 2))),
        };
        values.sort_unstable();
        let count = values.iter().map(|(_, count)| count).sum();
        Ranked { values, count, error }
    }
}

/// The values of a measure in order, each with how often it occurs.
pub(crate) struct Ranked {
    values: Vec<(Decimal, u64)>,
    count: u64,
    error: Option<Decimal>,
}

impl Ranked {
    /// The middle value; between the two middle values where their number is even.
    pub(crate) fn median(&self) -> Option<Quantile> {
        let low = self.at(self.count.checked_sub(1)? / 2)?;
        let high = self.at(self.count / 2)?;
        // The relative error of an estimate says nothing about a mean of a negative and a positive one.
        if self.error.is_some() && low.is_sign_negative() != high.is_sign_negative() {
            return None;
        }
        let value = low.checked_add(high)?.checked_div(Decimal::TWO)?.normalize();
        Some(Quantile { value, error: self.error })
    }

    /// The smallest value that `percent` of the values do not exceed (the nearest-rank method).
    pub(crate) fn percentile(&self, percent: u64) -> Option<Quantile> {
        let rank = (u128::from(self.count) * u128::from(percent)).div_ceil(100).max(1);
        let value = self.at(u64::try_from(rank - 1).ok()?)?.normalize();
        Some(Quantile { value, error: self.error })
    }

    fn at(&self, place: u64) -> Option<Decimal> {
        let mut before = 0;
        self.values
            .iter()
            .find(|(_, count)| {
                before += count;
                place < before
            })
            .map(|(value, _)| *value)
    }
}

/// Values counted in ranges whose bounds differ by a fixed ratio, so that each is known within one per cent.
///
/// The method is `DDSketch` (Masson, Rim and Lee, "`DDSketch`: a fast and fully-mergeable quantile sketch with
/// relative-error guarantees", VLDB 2019). It is deterministic, and a decimal's range of sizes bounds it to some
/// thirteen thousand ranges.
#[derive(Default)]
pub(crate) struct Sketch {
    zeros: u64,
    positive: HashMap<i32, u64>,
    negative: HashMap<i32, u64>,
}

/// The ratio between the bounds of a range: `(1 + e) / (1 - e)` for a relative error `e`. Half a per cent is used
/// up here; the other half is more than rounding the estimate to four digits and binary floats take.
const RATIO: f64 = 1.005 / 0.995;

impl Sketch {
    fn add(&mut self, number: Number, count: u64) {
        let value = number.decimal().to_f64().unwrap_or(0.0);
        if value == 0.0 {
            self.zeros += count;
            return;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a decimal's logarithm lies between -7000 and 7000"
        )]
        let range = (value.abs().ln() / RATIO.ln()).ceil() as i32;
        let side = if value < 0.0 { &mut self.negative } else { &mut self.positive };
        *side.entry(range).or_insert(0) += count;
    }

    fn values(&self) -> Vec<(Decimal, u64)> {
        let middle = |range: i32| {
            let value = 2.0 * RATIO.powi(range) / (RATIO + 1.0);
            Decimal::from_f64(value)
                .and_then(|v| {
                    v.round_sf_with_strategy(ESTIMATE_DIGITS, RoundingStrategy::MidpointAwayFromZero)
                })
                .unwrap_or_default()
        };
        let positive = self.positive.iter().map(|(range, count)| (middle(*range), *count));
        let negative = self.negative.iter().map(|(range, count)| (-middle(*range), *count));
        positive.chain(negative).chain((self.zeros > 0).then_some((Decimal::ZERO, self.zeros))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(values: impl IntoIterator<Item = i64>) -> Ranked {
        let mut distribution = Distribution::default();
        for value in values {
            distribution.add(Number::from(Decimal::new(value, 1)));
        }
        distribution.finish()
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(ranked([10, 40, 20, 30]).median().unwrap().value, Decimal::new(25, 1));
        assert_eq!(ranked([10, 40, 20]).median().unwrap().value, Decimal::new(2, 0));
        assert_eq!(ranked([]).median(), None);
    }

    #[test]
    fn a_percentile_is_a_value_that_occurs() {
        let ranked = ranked((1..=100).map(|n| n * 10));
        assert_eq!(ranked.percentile(5).unwrap().value, Decimal::from(5));
        assert_eq!(ranked.percentile(95).unwrap().value, Decimal::from(95));
        assert_eq!(ranked.percentile(0).unwrap().value, Decimal::ONE);
    }

    #[test]
    fn one_value_in_two_spellings_is_one_value() {
        let mut distribution = Distribution::default();
        for text in ["1", "1.0", "1.00", "7"] {
            distribution.add(Number::read(text.as_bytes()).unwrap());
        }
        assert_eq!(distribution.finish().median().unwrap(), Quantile { value: Decimal::ONE, error: None });
    }

    #[test]
    fn above_the_limit_quantiles_are_estimates_within_their_error() {
        let limit = i64::try_from(MAX_DISTINCT).unwrap();
        let ranked = ranked((1..=2 * limit).map(|n| n * 3));
        for (percent, exact) in [(5, 30_000.0), (50, 300_000.0), (95, 570_000.0)] {
            let exact = exact * f64::from(u32::try_from(limit).unwrap()) / 1_000_000.0;
            let found = ranked.percentile(percent).unwrap();
            assert_eq!(found.error, Some(Decimal::new(1, 2)));
            let off = (found.value.to_f64().unwrap() - exact).abs() / exact;
            assert!(off <= 0.01, "{percent}: {} is not {exact}", found.value);
        }
    }
}
