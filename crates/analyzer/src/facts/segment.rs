//! A measure cut into bands.

use shared::contract::{Analysis, Band, BandEnd};

use super::number::{Number, Tally};

/// What is known of a segment.
pub(crate) struct SegmentTally {
    /// Its name.
    pub(crate) name: String,
    /// The measure that it cuts: an index into the measures.
    pub(crate) measure: usize,
    /// Its bands from the lowest to the highest, each with its records.
    pub(crate) bands: Vec<(Band, Tally)>,
}

impl SegmentTally {
    /// The segments of a contract, nothing known yet.
    pub(crate) fn of(analysis: &Analysis) -> Vec<Self> {
        let segments = analysis.segments.iter().map(|segment| Self {
            name: segment.name.clone(),
            measure: segment.measure,
            bands: segment.bands.iter().map(|band| (band.clone(), Tally::default())).collect(),
        });
        segments.collect()
    }

    /// Takes a value; says which band it is in, if any.
    #[inline]
    pub(crate) fn add(&mut self, value: Number) -> Option<usize> {
        let place = self.bands.iter().position(|(band, _)| match band.end {
            BandEnd::Below(end) => value.is_below_decimal(end),
            BandEnd::UpTo(end) => !value.is_above_decimal(end),
            BandEnd::Open => true,
        })?;
        if let Some((_, tally)) = self.bands.get_mut(place) {
            tally.add(value);
        }
        Some(place)
    }
}
