//! Records that repeat an earlier one, the columns of origin aside.

use hashbrown::HashSet;
use twox_hash::XxHash3_128;

use super::table::Row;

/// The most records that are remembered: 16 bytes each, and a table of a million places.
pub(crate) const MAX_REMEMBERED: usize = 900_000;

/// The records seen so far, each as a 128-bit hash. Two different records with one hash are less likely than a
/// broken disk: below 2^-88 for as many as are remembered.
#[derive(Default)]
pub(crate) struct Duplicates {
    seen: HashSet<u128>,
    repeated: u64,
    abandoned: bool,
}

impl Duplicates {
    /// Takes a record, of which the first `own` cells count.
    #[inline]
    pub(crate) fn add(&mut self, row: Row<'_>, own: usize) {
        if self.abandoned {
            return;
        }
        let (bytes, ends) = row.head(own);
        // The same bytes cut into other cells are another record.
        let cuts = ends.iter().fold(0_u64, |cuts, end| (cuts.rotate_left(7) ^ *end as u64).wrapping_mul(MIX));
        let hash = XxHash3_128::oneshot(bytes) ^ (u128::from(cuts) << 64 | u128::from(cuts));
        if !self.seen.insert(hash) {
            self.repeated += 1;
        } else if self.seen.len() > MAX_REMEMBERED {
            self.abandoned = true;
            self.seen = HashSet::new();
        }
    }

    /// How many records repeat an earlier one; `None` when there were too many to remember.
    pub(crate) fn count(&self) -> Option<u64> {
        (!self.abandoned).then_some(self.repeated)
    }
}

/// An odd number with evenly spread bits: 2^64 divided by the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
