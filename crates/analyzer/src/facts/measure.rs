//! One measure over all records.

use rust_decimal::Decimal;
use shared::contract::Measure;

use super::columns::Source;
use super::number::{Number, Tally};
use super::quantile::Distribution;

/// What is known of a measure.
pub(crate) struct MeasureTally {
    pub(crate) measure: Measure,
    /// Where its values are.
    pub(crate) source: Source,
    pub(crate) tally: Tally,
    pub(crate) distribution: Distribution,
    min: Option<Number>,
    max: Option<Number>,
    /// Cells that have a value, but not a number.
    pub(crate) unreadable: u64,
}

impl MeasureTally {
    /// Nothing known yet.
    pub(crate) fn new(measure: Measure, source: Source) -> Self {
        Self {
            measure,
            source,
            tally: Tally::default(),
            distribution: Distribution::default(),
            min: None,
            max: None,
            unreadable: 0,
        }
    }

    /// Takes a value.
    #[inline]
    pub(crate) fn add(&mut self, number: Number) {
        self.tally.add(number);
        self.distribution.add(number);
        if self.min.is_none_or(|min| number.is_below(min)) {
            self.min = Some(number);
        }
        if self.max.is_none_or(|max| max.is_below(number)) {
            self.max = Some(number);
        }
    }

    /// The smallest value.
    pub(crate) fn min(&self) -> Option<Decimal> {
        self.min.map(Number::decimal)
    }

    /// The largest value.
    pub(crate) fn max(&self) -> Option<Decimal> {
        self.max.map(Number::decimal)
    }
}
