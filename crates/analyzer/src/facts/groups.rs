//! Records by the value of a dimension.

use hashbrown::HashMap;

use super::number::{Number, Tally};

/// The most distinct values of one dimension that are told apart.
pub(crate) const MAX_GROUPS: usize = 100_000;
/// The most memory that the groups of all dimensions may take together, in bytes.
pub(crate) const MAX_GROUP_BYTES: usize = 32 * 1024 * 1024;
/// What the map takes for a group besides its name: an entry, its share of empty places, an allocation.
const ENTRY_BYTES: usize = 80;

/// The groups of one dimension.
pub(crate) struct Groups {
    /// The dimension's name.
    pub(crate) name: String,
    /// Its column; absent when the file does not have it.
    column: Option<usize>,
    places: HashMap<Box<[u8]>, usize>,
    counts: Vec<u64>,
    /// For each group, one tally a measure.
    tallies: Vec<Tally>,
    measures: usize,
    /// For each group, one count a band, over all segments; kept for the first dimension only.
    bands: Vec<u64>,
    band_count: usize,
    /// Whether there were too many to tell apart: nothing is known then.
    pub(crate) abandoned: bool,
}

/// One group with what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) count: u64,
    pub(crate) tallies: &'a [Tally],
    pub(crate) bands: &'a [u64],
}

impl Groups {
    /// No groups yet, of a dimension with this many measures to add up and this many bands to count in.
    pub(crate) fn new(name: String, column: Option<usize>, measures: usize, band_count: usize) -> Self {
        Self {
            name,
            column,
            places: HashMap::new(),
            counts: Vec::new(),
            tallies: Vec::new(),
            measures,
            bands: Vec::new(),
            band_count,
            abandoned: false,
        }
    }

    /// The dimension's column.
    #[inline]
    pub(crate) fn column(&self) -> Option<usize> {
        self.column.filter(|_| !self.abandoned)
    }

    /// Takes a record of the group `name`. `bands` are the places of the bands it falls in. `budget` is the memory
    /// left for new groups; the dimension is given up when it runs out.
    #[inline]
    pub(crate) fn add(
        &mut self,
        name: &[u8],
        values: &[Option<Number>],
        bands: &[usize],
        budget: &mut usize,
    ) {
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => match self.open(name, budget) {
                Some(place) => place,
                None => return,
            },
        };
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        let first = place * self.measures;
        let tallies = self.tallies.get_mut(first..first + self.measures).unwrap_or_default();
        for (tally, value) in tallies.iter_mut().zip(values) {
            if let Some(value) = value {
                tally.add(*value);
            }
        }
        if self.band_count > 0 {
            for band in bands {
                if let Some(count) = self.bands.get_mut(place * self.band_count + band) {
                    *count += 1;
                }
            }
        }
    }

    fn open(&mut self, name: &[u8], budget: &mut usize) -> Option<usize> {
        let cost = name.len()
            + ENTRY_BYTES
            + size_of::<Tally>() * self.measures
            + size_of::<u64>() * (self.band_count + 1);
        let Some(left) = budget.checked_sub(cost).filter(|_| self.counts.len() < MAX_GROUPS) else {
            *budget += cost * self.counts.len();
            *self = Self { abandoned: true, ..Self::new(std::mem::take(&mut self.name), self.column, 0, 0) };
            return None;
        };
        *budget = left;
        let place = self.counts.len();
        self.places.insert(name.into(), place);
        self.counts.push(0);
        self.tallies.resize((place + 1) * self.measures, Tally::default());
        self.bands.resize((place + 1) * self.band_count, 0);
        Some(place)
    }

    /// All groups, the most frequent first and by name among equals.
    pub(crate) fn ranked(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = self
            .places
            .iter()
            .map(|(name, &place)| Group {
                name,
                count: self.counts.get(place).copied().unwrap_or(0),
                tallies: part(&self.tallies, place, self.measures),
                bands: part(&self.bands, place, self.band_count),
            })
            .collect();
        groups.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(b.name)));
        groups
    }
}

fn part<T>(all: &[T], place: usize, width: usize) -> &[T] {
    all.get(place * width..(place + 1) * width).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_by_frequency_and_then_by_name() {
        let mut groups = Groups::new("model".into(), Some(0), 0, 0);
        let mut budget = MAX_GROUP_BYTES;
        for name in ["b", "c", "a", "c"] {
            groups.add(name.as_bytes(), &[], &[], &mut budget);
        }
        let names: Vec<_> = groups.ranked().iter().map(|g| (g.name, g.count)).collect();
        assert_eq!(names, [(&b"c"[..], 2), (b"a", 1), (b"b", 1)]);
    }

    #[test]
    fn a_dimension_with_too_many_groups_is_given_up() {
        let mut groups = Groups::new("order_id".into(), Some(0), 1, 0);
        let mut budget = MAX_GROUP_BYTES;
        for n in 0..=MAX_GROUPS {
            groups.add(n.to_string().as_bytes(), &[None], &[], &mut budget);
        }
        assert!(groups.abandoned);
        assert!(groups.ranked().is_empty());
        assert_eq!(groups.column(), None);
    }

    #[test]
    fn long_names_use_up_the_memory_sooner() {
        let mut groups = Groups::new("note".into(), Some(0), 0, 0);
        let mut budget = 1_000;
        groups.add(&[b'x'; 500], &[], &[], &mut budget);
        assert!(!groups.abandoned);
        groups.add(&[b'y'; 500], &[], &[], &mut budget);
        assert!(groups.abandoned);
    }
}
