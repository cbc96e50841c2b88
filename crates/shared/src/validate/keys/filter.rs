//! A blocked Bloom filter: which fingerprints were perhaps there before.
//!
//! Of our own because it takes a few lines where the fingerprints are hashes already, because a crate's choice of
//! bits may change with its version, and because one cache line for each question makes it three times as fast as a
//! filter whose bits lie all over its memory (Putze, Sanders, Singler: "Cache-, Hash- and Space-Efficient Bloom
//! Filters", 2007).

/// The bits of a block: one cache line of 64 bytes.
const BLOCK_BITS: u64 = 512;
/// The words of a block.
const WORDS: u64 = BLOCK_BITS / 64;
/// How many bits of its block a fingerprint sets. Of 4 to 8, 5 and 6 leave the fewest false answers where it
/// matters, at 6 to 8 bits for each fingerprint.
const BITS: usize = 6;

type Block = [u64; WORDS as usize];

/// Fingerprints of which it is known that they were certainly not put in, or perhaps were.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    blocks: Vec<Block>,
}

impl Filter {
    /// An empty filter of so many bytes, at least one block.
    pub(super) fn new(bytes: usize) -> Self {
        Self { blocks: vec![Block::default(); (bytes / size_of::<Block>()).max(1)] }
    }

    /// Puts a fingerprint in; says whether it was perhaps there before.
    pub(super) fn insert(&mut self, fingerprint: u128) -> bool {
        // The two halves of a good hash do not depend on each other: one chooses the block, the other the bits.
        let [place, mut bits] = halves(fingerprint);
        let scaled = (u128::from(place) * self.blocks.len() as u128) >> 64;
        let Some(block) = usize::try_from(scaled).ok().and_then(|index| self.blocks.get_mut(index)) else {
            return true;
        };
        let mut there = true;
        for _ in 0..BITS {
            let [word, bit] = [(bits / 64) % WORDS, bits % 64];
            bits /= BLOCK_BITS;
            if let Some(word) = block.get_mut(word as usize) {
                there &= *word & (1 << bit) != 0;
                *word |= 1 << bit;
            }
        }
        there
    }
}

/// The upper and the lower half.
fn halves(fingerprint: u128) -> [u64; 2] {
    let bytes = fingerprint.to_be_bytes();
    let half = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes));
    [half(bytes.first_chunk()), half(bytes.last_chunk())]
}

#[cfg(test)]
mod tests {
    use twox_hash::XxHash3_128;

    use super::*;

    fn fingerprint(number: u64) -> u128 {
        XxHash3_128::oneshot(&number.to_le_bytes())
    }

    #[test]
    fn what_was_put_in_is_always_there() {
        for bytes in [0, 64, 1000, 4096] {
            let mut filter = Filter::new(bytes);
            for number in 0..500 {
                filter.insert(fingerprint(number));
            }
            assert!((0..500).all(|number| filter.insert(fingerprint(number))), "{bytes}");
        }
    }

    #[test]
    fn few_are_taken_for_others() {
        // 8 bits for each fingerprint, as with 67 million of them in 64 MiB: by theory 0.5 % on average.
        let mut filter = Filter::new(1 << 20);
        let suspects = (0..1 << 20).filter(|number| filter.insert(fingerprint(*number))).count();
        assert!((2_000..8_000).contains(&suspects), "{suspects} of {}", 1 << 20);
    }
}
