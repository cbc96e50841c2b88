//! Passing over a record that is too large to keep, one byte after another, in flat memory.

use sha2::{Digest, Sha256};

use super::automaton::{Effect, State};
use super::{KEPT_BYTES, Layout, Oversized};

/// Follows the quoting of one record and keeps its start, its length and its hash.
#[derive(Debug)]
pub(super) struct Skipper {
    layout: Layout,
    state: State,
    hash: Sha256,
    bytes: u64,
    kept: Vec<u8>,
    line: u64,
    opened_on: u64,
    previous: u8,
}

impl Skipper {
    /// Begins with what was understood of the record, and the state behind it.
    pub(super) fn new(layout: Layout, line: u64, seen: &[u8], state: State) -> Self {
        let mut skipper = Self {
            layout,
            state,
            hash: Sha256::new(),
            bytes: 0,
            kept: Vec::with_capacity(KEPT_BYTES),
            line,
            opened_on: line,
            previous: seen.last().copied().unwrap_or_default(),
        };
        skipper.line += super::scan::line_breaks(seen);
        skipper.keep(seen);
        skipper
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        let room = KEPT_BYTES - self.kept.len();
        self.kept.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Takes bytes up to the end of the record; says how many (with the byte that ends it) and whether it ended.
    pub(super) fn take(&mut self, input: &[u8]) -> (usize, bool) {
        let end = input.iter().position(|byte| self.ends_at(*byte));
        let body = input.get(..end.unwrap_or(input.len())).unwrap_or_default();
        self.keep(body);
        (end.map_or(input.len(), |at| at + 1), end.is_some())
    }

    fn ends_at(&mut self, byte: u8) -> bool {
        match self.state.step(byte, &self.layout) {
            Effect::Opens => self.opened_on = self.line,
            Effect::EndsRecord => {
                self.previous = byte;
                return true;
            }
            // A line end that ends no record is text.
            _ if byte == b'\r' || (byte == b'\n' && self.previous != b'\r') => self.line += 1,
            _ => {}
        }
        self.previous = byte;
        false
    }

    /// The line of the quote that is still open, if one is.
    pub(super) fn open_quote(&self) -> Option<u64> {
        self.state.is_open().then_some(self.opened_on)
    }

    pub(super) fn ended_with_cr(&self) -> bool {
        self.previous == b'\r'
    }

    /// The physical line that the record ends on.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn oversized(&self) -> Oversized {
        Oversized { bytes: self.bytes, sha256: self.hash.clone().finalize().into() }
    }

    pub(super) fn into_kept(self) -> Vec<u8> {
        self.kept
    }
}

/// What is known of a record that is over the limit but lies in the buffer.
pub(super) fn oversized(raw: &[u8]) -> Oversized {
    Oversized { bytes: raw.len() as u64, sha256: Sha256::digest(raw).into() }
}
