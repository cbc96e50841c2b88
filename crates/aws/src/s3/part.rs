//! How an upload is cut into parts, and the memory that they live in.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

const MIB: usize = 1024 * 1024;

/// The sizes of the parts of an upload, growing with the part's number.
///
/// Parts start at S3's minimum of 5 MiB, so that an output of ordinary size takes little memory, and grow so
/// that no output meets S3's limit of 10,000 parts: 256 × 5 MiB + 768 × 8 MiB + 8,976 × 12 MiB = 112 GiB.
/// (Amazon S3 user guide, "Amazon S3 multipart upload limits".)
///
/// An upload holds one part that is being filled and those in flight: two, or one once parts are larger than
/// 5 MiB. That is 15 MiB for an output of up to 1.25 GiB, 16 MiB up to 7.25 GiB and 24 MiB above. The three
/// outputs of a file (processed, rejected, errors) stay under 72 MiB, so that the processor stays under its 96 MB.
#[derive(Debug, Clone)]
pub struct PartSizes(Vec<Step>);

/// Parts up to a number have a size.
#[derive(Debug, Clone, Copy)]
struct Step {
    up_to: i32,
    bytes: usize,
}

impl Default for PartSizes {
    fn default() -> Self {
        Self(vec![
            Step { up_to: 256, bytes: 5 * MIB },
            Step { up_to: 1024, bytes: 8 * MIB },
            Step { up_to: 10_000, bytes: 12 * MIB },
        ])
    }
}

impl PartSizes {
    /// Parts of one size only. S3 refuses parts below 5 MiB but for the last; this is for tests and emulators.
    #[must_use]
    pub fn constant(bytes: usize) -> Self {
        Self(vec![Step { up_to: 10_000, bytes: bytes.max(1) }])
    }

    /// The size of a part, counted from 1. `None` when S3 takes no further part.
    pub(super) fn size(&self, part: i32) -> Option<usize> {
        self.0.iter().find(|step| part <= step.up_to).map(|step| step.bytes)
    }

    /// How many parts of that size may be on the wire at once.
    pub(super) fn in_flight(size: usize) -> usize {
        if size > 5 * MIB { 1 } else { 2 }
    }
}

/// Buffers of one upload that wait to be used again: fresh ones would be returned to the operating system and
/// faulted in again, page by page, for every part.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool(Arc<Mutex<Vec<Vec<u8>>>>);

impl Pool {
    /// An empty buffer with room for that many bytes. Memory that is never written to is never resident.
    pub(super) fn take(&self, capacity: usize) -> Vec<u8> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = waiting.pop().unwrap_or_default();
        if buffer.capacity() < capacity {
            // Parts have grown: the others are too small as well, and would only wait.
            waiting.clear();
            // Not grown but replaced: growing would copy bytes that nobody needs.
            buffer = Vec::with_capacity(capacity);
        }
        drop(waiting);
        buffer
    }

    /// The bytes of a filled buffer. When the last request that uses them is done, the buffer comes back.
    pub(super) fn lend(&self, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { buffer, home: self.clone() })
    }
}

struct Lent {
    buffer: Vec<u8>,
    home: Pool,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        self.home.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_and_ten_thousand_of_them_hold_any_output() {
        let sizes = PartSizes::default();
        let all: Vec<usize> = (1..=10_000).map(|part| sizes.size(part).unwrap()).collect();
        assert!(all.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(all.iter().all(|size| *size >= 5 * MIB), "S3's minimum");
        assert!(all.iter().sum::<usize>() > 110 * 1024 * MIB);
        assert_eq!(sizes.size(10_001), None);
    }

    #[test]
    fn the_three_uploads_of_a_file_hold_at_most_72_mib() {
        let sizes = PartSizes::default();
        let most = (1..10_000)
            .map(|part| {
                let (sent, filling) = (sizes.size(part).unwrap(), sizes.size(part + 1).unwrap());
                filling + sent * PartSizes::in_flight(filling)
            })
            .max();
        assert!(3 * most.unwrap() <= 72 * MIB, "{most:?}");
    }

    #[test]
    fn a_buffer_comes_back_when_its_last_reader_is_done() {
        let pool = Pool::default();
        let mut buffer = pool.take(4096);
        buffer.extend_from_slice(b"abc");
        let address = buffer.as_ptr();
        let bytes = pool.lend(buffer);
        let retry = bytes.clone();
        drop(bytes);
        assert_eq!(pool.0.lock().unwrap().len(), 0, "a retry may still need it");
        drop(retry);
        let again = pool.take(4096);
        assert!(again.is_empty());
        assert_eq!(again.as_ptr(), address);
    }
}
