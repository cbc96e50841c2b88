//! Seeded pseudo-random choices whose sequence never changes.

/// A small seeded generator: the same seed gives the same choices for ever.
///
/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). It is
/// written out here because committed files depend on its sequence, which a library may change in any release.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, and not including, `bound`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        let high = self.bits() >> 32;
        ((high * u64::from(bound)) >> 32) as u32
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i32, high: i32) -> i32 {
        low.saturating_add_unsigned(self.below(high.abs_diff(low).saturating_add(1)))
    }

    /// A number around `middle`, at most `spread` away from it and mostly nearer: the mean of three dice.
    pub fn around(&mut self, middle: i32, spread: i32) -> i32 {
        let sum: i32 = (0..3).map(|_| self.between(-spread, spread)).sum();
        middle + sum / 3
    }

    /// True in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// True once in `cases` cases, on average.
    pub fn once_in(&mut self, cases: u32) -> bool {
        self.below(cases) == 0
    }

    /// True in a `share` of the cases, 0 to 1.
    pub fn share(&mut self, share: f64) -> bool {
        let threshold = (share.clamp(0.0, 1.0) * 4_294_967_296.0) as u64;
        (self.bits() >> 32) < threshold
    }

    /// One of the items, all equally likely.
    pub fn pick<T: Copy, const N: usize>(&mut self, items: &[T; N]) -> T {
        const { assert!(N > 0) };
        #[expect(clippy::indexing_slicing, reason = "below(N) is less than N, and N is not 0")]
        items[self.below(N as u32) as usize]
    }

    /// One of the items, each as likely as its weight says.
    pub fn weighted<T: Copy, const N: usize>(&mut self, items: &[(u32, T); N]) -> T {
        let mut left = self.below(items.iter().map(|(weight, _)| weight).sum());
        for (weight, item) in items {
            if left < *weight {
                return *item;
            }
            left -= weight;
        }
        // Only when every weight is 0.
        self.pick(items).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // First outputs for seed 1234567: Vigna's splitmix64.c, as quoted in Rosetta Code's task of that name.
        let mut random = Random::new(1_234_567);
        let drawn: Vec<u64> = (0..3).map(|_| random.bits()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn shares_of_nothing_and_of_everything_are_exact() {
        let mut random = Random::new(5);
        assert!((0..10_000).all(|_| random.share(1.0) && !random.share(0.0)));
    }

    #[test]
    fn heavier_items_come_more_often() {
        let mut random = Random::new(9);
        let heavy = (0..10_000).filter(|_| random.weighted(&[(1, false), (3, true)])).count();
        assert!((7_300..7_700).contains(&heavy), "{heavy}");
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut random = Random::new(3);
        assert!((0..10_000).all(|_| (-4..=7).contains(&random.between(-4, 7))));
        assert!((0..10_000).all(|_| (90..=110).contains(&random.around(100, 10))));
        assert_eq!(random.below(0), 0);
    }
}
