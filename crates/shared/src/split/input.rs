//! A file's records as its encoding and its layout have them.

use crate::intake::{Charset, Taken, Transcoder};
use crate::rows::{Layout, Limits, Reader, Step};

/// A record reader behind the decoding of the file, if it has to be decoded.
#[derive(Debug)]
pub(super) struct Input {
    reader: Reader,
    source: Source,
}

/// Where the reader's text comes from.
#[derive(Debug)]
enum Source {
    /// From what was read before; then straight from the file.
    Utf8 { start: Vec<u8>, from: usize, finished: bool },
    /// Through a decoder.
    Decoded(Box<Transcoder>),
}

impl Input {
    /// Begins with what was read of the file, and whether that is all of it.
    pub(super) fn new(reader: Reader, charset: Charset, start: Vec<u8>, finished: bool) -> Self {
        let source = if charset.is_utf8() {
            Source::Utf8 { start, from: 0, finished }
        } else {
            Source::Decoded(Box::new(Transcoder::new(charset, start, finished)))
        };
        Self { reader, source }
    }

    /// The same over a text that is at hand.
    pub(super) fn over(
        layout: Layout,
        limits: Limits,
        charset: Charset,
        start: &[u8],
        finished: bool,
    ) -> Self {
        // A buffer that takes the text whole, or what becomes of it: three bytes for one at the most.
        let block = start.len() * if charset.is_utf8() { 1 } else { 3 };
        Self::new(Reader::with_block(layout, limits, block), charset, start.to_vec(), finished)
    }

    /// Where the next bytes of the file go. Never empty.
    pub(super) fn space(&mut self) -> &mut [u8] {
        match &mut self.source {
            Source::Utf8 { .. } => self.reader.space(),
            Source::Decoded(transcoder) => transcoder.space(),
        }
    }

    /// Says how many bytes of [`space`](Self::space) were filled; 0 is the end of the file.
    pub(super) fn filled(&mut self, bytes: usize) {
        match &mut self.source {
            Source::Utf8 { .. } => self.reader.filled(bytes),
            Source::Decoded(transcoder) => transcoder.filled(bytes),
        }
    }

    /// Gives the reader more of what has arrived; `false` when nothing is left of it.
    pub(super) fn pump(&mut self) -> bool {
        match &mut self.source {
            Source::Utf8 { start, from, finished } => {
                let rest = start.get(*from..).unwrap_or_default();
                if rest.is_empty() && !*finished {
                    return false;
                }
                let space = self.reader.space();
                let count = rest.len().min(space.len());
                for (to, byte) in space.iter_mut().zip(rest) {
                    *to = *byte;
                }
                *from += count;
                *finished &= count > 0;
                self.reader.filled(count);
                if *from == start.len() {
                    *start = Vec::new();
                    *from = 0;
                }
                true
            }
            Source::Decoded(transcoder) => {
                match transcoder.read(self.reader.space()) {
                    Taken::Bytes(bytes) => self.reader.filled(bytes),
                    Taken::End => self.reader.filled(0),
                    Taken::NeedInput => return false,
                }
                true
            }
        }
    }

    /// The next record, or what is needed for it.
    #[inline]
    pub(super) fn next_record(&mut self) -> Step<'_> {
        self.reader.next_record()
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Passes so many records, and counts those behind them from 1.
    pub(super) fn pass(&mut self, records: u64) {
        let mut left = records;
        while left > 0 {
            match self.reader.next_record() {
                Step::Record(_) => left -= 1,
                Step::NeedInput => {
                    if !self.pump() {
                        break;
                    }
                }
                Step::End | Step::Unterminated { .. } => break,
            }
        }
        self.reader.count_from(1);
    }
}

/// The start of a file in UTF-8, as far as it can be read.
pub(super) fn decoded(charset: Charset, start: &[u8], finished: bool) -> Vec<u8> {
    let mut transcoder = Transcoder::new(charset, start.to_vec(), finished);
    let mut text = vec![0; start.len() * 3 + 16];
    let mut end = 0;
    while let Some(space) = text.get_mut(end..)
        && let Taken::Bytes(bytes) = transcoder.read(space)
    {
        end += bytes;
    }
    text.truncate(end);
    text
}
