//! Records without I/O: bytes in, positioned records out.
//!
//! A [`Reader`] owns one buffer. The caller fills it from wherever the bytes are ([`Reader::space`],
//! [`Reader::filled`]) and takes records out ([`Reader::next_record`]) until it asks for more. Where the input is cut
//! does not change what comes out, and memory depends on the limits alone, never on the input.
//!
//! The grammar is RFC 4180 with the tolerance that real files need: a record ends with LF, CRLF or CR; empty
//! lines are no records; a quote opens a quoted field only as its first character; where text follows the closing
//! quote, the opening one is taken as text and the record marked, so that a stray quote spoils no other record; a quote
//! that is never closed is an error of the whole input.

mod automaton;
mod field;
mod scan;
mod skip;

pub use field::Field;
pub(crate) use scan::is_control;

use scan::{Cursor, Scanned};
use skip::Skipper;

/// How records are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The byte between two fields.
    pub delimiter: u8,
    /// The byte around a quoted field; [`NO_QUOTE`] where fields are never quoted.
    pub quote: u8,
    /// Whether a quote inside a quoted field is written twice.
    pub double_quote: bool,
    /// The byte that takes its meaning from the one behind it.
    pub escape: Option<u8>,
    /// Whether spaces at the start of a field are dropped.
    pub skip_initial_space: bool,
    /// The byte that makes a line a comment where it is the first of it. Such a line is no record.
    pub comment: Option<u8>,
}

/// The quote of a layout without quotes: a line end, which no field can begin with.
pub const NO_QUOTE: u8 = b'\n';

impl Layout {
    /// Whether quotes work as RFC 4180 has them, so that the scan by blocks understands them.
    #[inline]
    fn has_usual_quotes(&self) -> bool {
        self.double_quote & self.escape.is_none()
    }

    /// Whether a field that does not begin with a quote is its own text.
    #[inline]
    fn has_usual_text(&self) -> bool {
        self.escape.is_none() & !self.skip_initial_space
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: b'"',
            double_quote: true,
            escape: None,
            skip_initial_space: false,
            comment: None,
        }
    }
}

/// What a record may not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a record without its line end.
    pub record_bytes: usize,
    /// Bytes of a field as it stands in the file.
    pub field_bytes: usize,
    /// Columns of a file.
    pub columns: usize,
    /// Bytes of the header.
    pub header_bytes: usize,
}

impl Limits {
    /// 1 MiB a record, 64 KiB a field, 256 columns, 64 KiB for the header.
    pub const STANDARD: Self =
        Self { record_bytes: 1024 * 1024, field_bytes: 64 * 1024, columns: 256, header_bytes: 64 * 1024 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::STANDARD
    }
}

/// How many bytes are read at a time: small enough for the second-level cache, large enough for few calls.
pub const BLOCK_BYTES: usize = 256 * 1024;
/// How much is kept of a record that is over its limit.
pub const KEPT_BYTES: usize = 1024;
/// Field ends beyond this many are counted, not stored.
const MAX_ENDS: usize = 4096;

/// One record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Its bytes as they stand in the file, without the line end. Of an oversized record, the first
    /// [`KEPT_BYTES`].
    pub raw: &'a [u8],
    /// Its place among the records, from 0; 0 is the header.
    pub number: u64,
    /// The physical line that it begins on, from 1.
    pub line: u64,
    /// How many fields it has.
    pub width: usize,
    /// What is wrong with its form.
    pub faults: Faults,
    /// What is known of it when it is over the record limit; it has no fields then.
    pub oversized: Option<&'a Oversized>,
    ends: &'a [u32],
    layout: &'a Layout,
}

/// What is wrong with the form of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// A field begins with a quote, and text follows the next one.
    pub malformed_quote: bool,
    /// A control character other than tab, CR and LF stands in it.
    pub control_character: bool,
    /// Its bytes are not UTF-8.
    pub not_utf8: bool,
}

impl Faults {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn none(self) -> bool {
        !(self.malformed_quote | self.control_character | self.not_utf8)
    }
}

/// What is known of a record that was too large to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oversized {
    /// Its length in bytes.
    pub bytes: u64,
    /// The SHA-256 of all its bytes.
    pub sha256: [u8; 32],
}

impl<'a> Record<'a> {
    /// The field at `index`, if the record has it.
    #[must_use]
    #[inline]
    pub fn field(&self, index: usize) -> Option<Field<'a>> {
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize + 1,
            None => 0,
        };
        let raw = self.raw.get(start..end)?;
        Some(Field::new(raw, self.layout))
    }

    /// All fields, from left to right.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + '_ {
        let layout = self.layout;
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let raw = self.raw.get(start..*end as usize).unwrap_or_default();
            start = *end as usize + 1;
            Field::new(raw, layout)
        })
    }

    /// The bytes of the first `count` fields with the delimiters between them.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Option<&'a [u8]> {
        match count.checked_sub(1) {
            None => Some(&[]),
            Some(last) => self.raw.get(..*self.ends.get(last)? as usize),
        }
    }
}

/// What a reader answers.
#[derive(Debug)]
pub enum Step<'a> {
    /// The next record.
    Record(Record<'a>),
    /// It needs more input, or to be told that there is none.
    NeedInput,
    /// The input is over.
    End,
    /// The input ended inside a quoted field.
    Unterminated {
        /// The physical line on which the quote was opened.
        line: u64,
    },
}

/// Takes records out of bytes.
#[derive(Debug)]
pub struct Reader {
    layout: Layout,
    limits: Limits,
    /// Filled up to `end`; always [`scan::PAD`] bytes longer than what may be filled.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    finished: bool,
    /// The last record ended with a CR whose LF may still come.
    swallow_lf: bool,
    at_beginning: bool,
    utf8: bool,
    cursor: Cursor,
    ends: Vec<u32>,
    line: u64,
    number: u64,
    /// Lines that are no records: empty ones and comments.
    other_lines: u64,
    /// A comment was begun whose end has not arrived.
    in_comment: bool,
    skipper: Option<Box<Skipper>>,
    /// Of the last record that was over the limit: its start, and what is known of it.
    kept: Vec<u8>,
    oversized: Option<Oversized>,
}

impl Reader {
    /// A reader of records that are laid out like this.
    #[must_use]
    pub fn new(layout: Layout, limits: Limits) -> Self {
        Self::with_block(layout, limits, BLOCK_BYTES)
    }

    /// A reader with a buffer of another size, for tests of where a record may be cut.
    #[must_use]
    pub fn with_block(layout: Layout, limits: Limits, block_bytes: usize) -> Self {
        Self {
            layout,
            limits,
            buffer: vec![0; block_bytes.max(8) + scan::PAD],
            start: 0,
            end: 0,
            finished: false,
            swallow_lf: false,
            at_beginning: true,
            utf8: true,
            cursor: Cursor::default(),
            ends: Vec::with_capacity(64),
            line: 1,
            number: 0,
            other_lines: 0,
            in_comment: false,
            skipper: None,
            kept: Vec::new(),
            oversized: None,
        }
    }

    /// What has arrived and was not yet taken.
    #[must_use]
    fn pending(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The layout that records are read by.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// What a record may not exceed.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The row that the next record is, from 1: records, empty lines and comments each count as one, as they do for
    /// `headerRows` and `commentRows` of Table Dialect. Known once the record was asked for.
    #[must_use]
    pub fn next_row(&self) -> u64 {
        self.number + self.other_lines + 1
    }

    /// Counts records from this number on.
    pub fn count_from(&mut self, number: u64) {
        self.number = number;
    }

    /// Where the next input goes. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            self.cursor = Cursor::default();
        }
        let capacity = self.buffer.len() - scan::PAD;
        if self.end == capacity {
            self.buffer.resize(capacity * 2 + scan::PAD, 0);
        }
        let capacity = self.buffer.len() - scan::PAD;
        self.buffer.get_mut(self.end..capacity).unwrap_or_default()
    }

    /// Says how many bytes of [`space`](Self::space) were filled; 0 is the end of the input.
    pub fn filled(&mut self, bytes: usize) {
        let capacity = self.buffer.len() - scan::PAD;
        self.end = (self.end + bytes).min(capacity);
        self.finished |= bytes == 0;
        self.cursor = Cursor::default();
        if self.at_beginning && (self.finished || self.end >= 2 * BOM.len()) {
            self.at_beginning = false;
            self.strip_byte_order_marks();
        }
        self.utf8 = self.pending_is_utf8();
    }

    /// The UTF-8 byte order mark is dropped, also when a careless program has put two.
    fn strip_byte_order_marks(&mut self) {
        for _ in 0..2 {
            if self.pending().starts_with(BOM) {
                self.start += BOM.len();
            }
        }
    }

    /// Whether everything that has arrived is UTF-8; a character that is cut at the end counts as good until
    /// the input is over.
    fn pending_is_utf8(&self) -> bool {
        let pending = self.pending();
        let whole = if self.finished { pending.len() } else { complete_characters(pending) };
        pending.get(..whole).is_some_and(|bytes| simdutf8::basic::from_utf8(bytes).is_ok())
    }

    /// The next record, or what is needed for it.
    #[inline]
    pub fn next_record(&mut self) -> Step<'_> {
        if self.at_beginning {
            return Step::NeedInput;
        }
        if self.skipper.is_some() {
            return self.skip(None);
        }
        if !self.pass_empty_lines() {
            return if self.finished { Step::End } else { Step::NeedInput };
        }
        let scanned = if self.layout.has_usual_quotes() { self.scan() } else { self.scan_bytes() };
        match scanned {
            Scanned::Record(found) => self.emit(found),
            Scanned::Incomplete(resume) if self.end - self.start > self.limits.record_bytes => {
                self.skip(Some(resume))
            }
            Scanned::Incomplete(_) => Step::NeedInput,
            Scanned::Unterminated { line } => Step::Unterminated { line },
        }
    }

    /// Stands at the first byte of a record, or says that there is none yet.
    fn pass_empty_lines(&mut self) -> bool {
        loop {
            if self.in_comment && !self.pass_comment() {
                return false;
            }
            let Some(&first) = self.pending().first() else { return false };
            if self.swallow_lf {
                self.swallow_lf = false;
                if first == b'\n' {
                    self.start += 1;
                    continue;
                }
            }
            match first {
                b'\n' => {}
                b'\r' => self.swallow_lf = true,
                _ if Some(first) == self.layout.comment => {
                    self.in_comment = true;
                    continue;
                }
                _ => return true,
            }
            self.start += 1;
            self.line += 1;
            self.other_lines += 1;
        }
    }

    /// Passes a comment up to its line end, however long it is; whether the end has arrived.
    fn pass_comment(&mut self) -> bool {
        match memchr::memchr2(b'\n', b'\r', self.pending()) {
            Some(end) => self.start += end,
            None => self.start = self.end,
        }
        self.in_comment = self.pending().is_empty();
        !self.in_comment
    }

    #[inline]
    fn emit(&mut self, found: scan::Found) -> Step<'_> {
        let (start, line, number) = (self.start, self.line, self.number);
        self.swallow_lf = found.next == found.end + 1 && self.buffer.get(found.end) == Some(&b'\r');
        self.start = found.next;
        self.line += found.lines + 1;
        self.number += 1;
        if found.end - start > self.limits.record_bytes {
            let raw = self.buffer.get(start..found.end).unwrap_or_default();
            self.kept = raw.get(..KEPT_BYTES).unwrap_or(raw).to_vec();
            self.oversized = Some(skip::oversized(raw));
            return self.emit_oversized(line, number);
        }
        let raw = self.buffer.get(start..found.end).unwrap_or_default();
        let mut faults = found.faults;
        if !self.utf8 {
            faults.not_utf8 = simdutf8::basic::from_utf8(raw).is_err();
        }
        Step::Record(Record {
            raw,
            number,
            line,
            width: found.width,
            faults,
            oversized: None,
            ends: &self.ends,
            layout: &self.layout,
        })
    }

    /// A record of which only the start was kept.
    fn emit_oversized(&mut self, line: u64, number: u64) -> Step<'_> {
        self.ends.clear();
        Step::Record(Record {
            raw: &self.kept,
            number,
            line,
            width: 0,
            faults: Faults::default(),
            oversized: self.oversized.as_ref(),
            ends: &self.ends,
            layout: &self.layout,
        })
    }

    /// Passes over a record that is over the limit, keeping its start and its hash.
    fn skip(&mut self, resume: Option<scan::Resume>) -> Step<'_> {
        let mut skipper = match (self.skipper.take(), resume) {
            (Some(skipper), _) => skipper,
            (None, Some(scan::Resume { at, state })) => {
                let seen = self.buffer.get(self.start..at).unwrap_or_default();
                let skipper = Skipper::new(self.layout, self.line, seen, state);
                self.start = at;
                Box::new(skipper)
            }
            (None, None) => return Step::NeedInput,
        };
        let pending = self.buffer.get(self.start..self.end).unwrap_or_default();
        let (taken, over) = skipper.take(pending);
        self.start += taken;
        if !over && !self.finished {
            self.skipper = Some(skipper);
            return Step::NeedInput;
        }
        if !over && let Some(line) = skipper.open_quote() {
            return Step::Unterminated { line };
        }
        let (line, number) = (self.line, self.number);
        // The byte that ended the record was taken with it.
        self.swallow_lf = over && skipper.ended_with_cr();
        self.line = skipper.line() + 1;
        self.number += 1;
        self.oversized = Some(skipper.oversized());
        self.kept = skipper.into_kept();
        self.emit_oversized(line, number)
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// How many of the bytes are whole characters, as far as their last bytes tell.
fn complete_characters(bytes: &[u8]) -> usize {
    for back in 1..=3.min(bytes.len()) {
        let at = bytes.len() - back;
        match bytes.get(at) {
            // A continuation byte: the character began further to the left.
            Some(0x80..=0xbf) => {}
            Some(0xc0..=0xdf) if back < 2 => return at,
            Some(0xe0..=0xef) if back < 3 => return at,
            Some(0xf0..=0xff) if back < 4 => return at,
            _ => return bytes.len(),
        }
    }
    bytes.len()
}
