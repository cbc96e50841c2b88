//! From the bytes that were stored to text in UTF-8: unpacking and decoding, without I/O.
//!
//! Both own a small buffer that the caller fills, and give out as many bytes as there is room for, so that memory
//! depends neither on the file nor on what it unpacks to.

mod charset;
mod gzip;

pub use charset::{Charset, Transcoder};
pub use gzip::{ArchiveLimits, Gunzip, is_gzip};

/// What a step of the intake answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// So many bytes were written, at least one.
    Bytes(usize),
    /// It needs more input, or to be told that there is none.
    NeedInput,
    /// The input is over.
    End,
}

/// How many stored bytes are taken at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Bytes that wait to be taken.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
    finished: bool,
}

impl Held {
    fn of(bytes: Vec<u8>, finished: bool) -> Self {
        let to = bytes.len();
        Self { bytes, from: 0, to, finished }
    }

    fn pending(&self) -> &[u8] {
        self.bytes.get(self.from..self.to).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        self.from = (self.from + count).min(self.to);
    }

    /// Where the next input goes. Meant for when nothing is pending; what is pending is kept.
    fn space(&mut self) -> &mut [u8] {
        self.bytes.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        let room = self.to + CHUNK_BYTES;
        self.bytes.resize(room, 0);
        self.bytes.shrink_to(room);
        self.bytes.get_mut(self.to..).unwrap_or_default()
    }

    fn filled(&mut self, count: usize) {
        self.to = (self.to + count).min(self.bytes.len());
        self.finished |= count == 0;
    }
}
