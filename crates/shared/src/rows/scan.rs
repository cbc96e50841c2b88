//! Finding the ends of fields: 64 bytes at a time, as bit masks.
//!
//! A block gives three masks: delimiters, quotes, and bytes below a space (line ends and control characters). A
//! stretch without quotes is cut by taking the delimiters up to the next line end, bit by bit. A quote matters
//! only where a field begins; there the field's end is looked for by itself.

use wide::u8x16;

use super::automaton::{Effect, State};
use super::{Faults, MAX_ENDS, Reader};

/// Bytes behind the fill mark, so that the last block can be read whole.
pub(super) const PAD: usize = 64;

/// What stands where in a block of 64 bytes, a bit for a byte.
#[derive(Debug, Clone, Copy, Default)]
struct Masks {
    delimiters: u64,
    quotes: u64,
    /// Line ends, tabs and control characters.
    low: u64,
}

/// Where the scan stands: the block at `base`, without what was passed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cursor {
    base: usize,
    masks: Masks,
    valid: bool,
}

/// A whole record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Where it ends in the buffer, without its line end.
    pub(super) end: usize,
    /// Where the next one begins.
    pub(super) next: usize,
    /// How many fields it has.
    pub(super) width: usize,
    pub(super) faults: Faults,
    /// Line breaks inside quotes.
    pub(super) lines: u64,
}

/// What the scan found.
#[derive(Debug)]
pub(super) enum Scanned {
    Record(Found),
    /// The record goes on behind what was seen of it, or is too large to say.
    Incomplete(Resume),
    Unterminated {
        line: u64,
    },
}

/// Where the grammar stands in a record of which not all was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Resume {
    /// Up to here the record was understood.
    pub(super) at: usize,
    pub(super) state: State,
}

/// How a quoted field ends.
enum Closing {
    /// A delimiter or a line end stands at this byte, or the end of the input.
    At(usize),
    /// Text follows the closing quote, which is at this byte.
    TextFollows(usize),
    Open,
}

impl Masks {
    #[inline]
    fn of(block: &[u8; 64], delimiter: u8, quote: u8) -> Self {
        let (delimiter, quote) = (u8x16::splat(delimiter), u8x16::splat(quote));
        let (below_space, delete) = (u8x16::splat(0x1f), u8x16::splat(0x7f));
        let mut masks = Self::default();
        for (index, chunk) in block.as_chunks::<16>().0.iter().enumerate() {
            let bytes = u8x16::new(*chunk);
            let low = bytes.min(below_space).simd_eq(bytes) | bytes.simd_eq(delete);
            let shift = index * 16;
            masks.delimiters |= u64::from(bytes.simd_eq(delimiter).to_bitmask()) << shift;
            masks.quotes |= u64::from(bytes.simd_eq(quote).to_bitmask()) << shift;
            masks.low |= u64::from(low.to_bitmask()) << shift;
        }
        // A tab may be the delimiter; it is no line end then.
        masks.low &= !masks.delimiters;
        masks
    }

    /// The same without the bytes that `keep` has no bit for.
    #[inline]
    fn only(self, keep: u64) -> Self {
        Self { delimiters: self.delimiters & keep, quotes: self.quotes & keep, low: self.low & keep }
    }
}

/// The bits below the one at `index`.
#[inline]
fn below(index: u32) -> u64 {
    (1_u64 << index) - 1
}

/// The bits above the one at `index`.
#[inline]
fn above(index: u32) -> u64 {
    (u64::MAX << index) << 1
}

/// What is gathered about a record while it is scanned.
struct Scan<'e> {
    start: usize,
    /// Where the current field begins.
    field: usize,
    /// The current field begins with a quote that opens nothing.
    field_is_text: bool,
    width: usize,
    lines: u64,
    faults: Faults,
    ends: &'e mut Vec<u32>,
}

impl<'e> Scan<'e> {
    /// Stands at the first byte of a record.
    #[inline]
    fn new(start: usize, ends: &'e mut Vec<u32>) -> Self {
        ends.clear();
        Self {
            start,
            field: start,
            field_is_text: false,
            width: 0,
            lines: 0,
            faults: Faults::default(),
            ends,
        }
    }

    /// Ends a field.
    #[inline]
    fn end_field(&mut self, position: usize) {
        self.width += 1;
        self.field = position + 1;
        self.field_is_text = false;
        if self.ends.len() < MAX_ENDS {
            // A record that is kept is at most a few MiB long: its offsets fit.
            #[expect(clippy::cast_possible_truncation, reason = "a buffer stays far below 4 GiB")]
            self.ends.push((position - self.start) as u32);
        }
    }

    /// Ends a field at each of these delimiters.
    #[inline]
    fn end_fields(&mut self, base: usize, mut delimiters: u64) {
        while delimiters != 0 {
            self.end_field(base + delimiters.trailing_zeros() as usize);
            delimiters &= delimiters - 1;
        }
    }
}

impl Reader {
    /// The masks of the block at `base`, as far as it is filled.
    #[inline]
    fn masks_at(&self, base: usize) -> Masks {
        let Some(block) = self.buffer.get(base..).and_then(|rest| rest.first_chunk::<64>()) else {
            return Masks::default();
        };
        let masks = Masks::of(block, self.layout.delimiter, self.layout.quote);
        match self.end.saturating_sub(base) {
            filled @ 0..64 => masks.only((1 << filled) - 1),
            _ => masks,
        }
    }

    /// The cursor that stands at `position`.
    #[inline]
    fn seek(&self, position: usize) -> Cursor {
        let base = position & !63;
        Cursor { base, masks: self.masks_at(base).only(u64::MAX << (position & 63)), valid: true }
    }

    /// Finds the record that begins at `start`.
    #[inline]
    pub(super) fn scan(&mut self) -> Scanned {
        let start = self.start;
        let mut cursor = self.cursor;
        // An empty line or a swallowed LF may have moved the start past what the cursor had seen.
        if cursor.valid && (cursor.base..cursor.base + 64).contains(&start) {
            cursor.masks = cursor.masks.only(u64::MAX << (start - cursor.base));
        } else {
            cursor = self.seek(start);
        }
        let mut ends = std::mem::take(&mut self.ends);
        let scan = Scan::new(start, &mut ends);
        let found = self.scan_record(&mut cursor, scan);
        self.ends = ends;
        self.cursor = cursor;
        found
    }

    #[inline]
    fn scan_record(&self, cursor: &mut Cursor, mut scan: Scan<'_>) -> Scanned {
        loop {
            let masks = cursor.masks;
            if masks.quotes == 0 && masks.low == 0 {
                // Nothing but text and delimiters.
                scan.end_fields(cursor.base, masks.delimiters);
                cursor.base += 64;
                if cursor.base >= self.end {
                    return self.at_fill_mark(scan);
                }
                cursor.masks = self.masks_at(cursor.base);
                continue;
            }
            let stop = (masks.quotes | masks.low).trailing_zeros();
            scan.end_fields(cursor.base, masks.delimiters & below(stop));
            cursor.masks = masks.only(above(stop));
            let position = cursor.base + stop as usize;
            match self.buffer.get(position) {
                Some(b'\n' | b'\r') => {
                    scan.end_field(position);
                    return found(&scan, position, position + 1);
                }
                Some(byte) if *byte == self.layout.quote => {
                    if let Some(stopped) = self.quoted(cursor, &mut scan, position) {
                        return stopped;
                    }
                }
                // A tab is text; any other low byte is a fault of the record.
                Some(byte) => scan.faults.control_character |= is_control(*byte),
                None => return Scanned::Incomplete(self.resume_behind(&scan)),
            }
        }
    }

    /// Finds the record that begins at the start byte by byte, for layouts with other quotes.
    pub(super) fn scan_bytes(&mut self) -> Scanned {
        let start = self.start;
        let mut ends = std::mem::take(&mut self.ends);
        let scan = Scan::new(start, &mut ends);
        let found = self.scan_record_bytes(scan);
        self.ends = ends;
        found
    }

    fn scan_record_bytes(&self, mut scan: Scan<'_>) -> Scanned {
        let mut state = State::FieldStart;
        let (mut opened, mut faults) = (scan.start, scan.faults);
        let text = self.buffer.get(scan.start..self.end).unwrap_or_default();
        let mut offset = 0;
        while let Some(byte) = text.get(offset) {
            let position = scan.start + offset;
            match state.step(*byte, &self.layout) {
                Effect::None => scan.faults.control_character |= is_control(*byte),
                Effect::Opens => {
                    opened = position;
                    faults = scan.faults;
                }
                Effect::TextFollows if self.is_beyond(scan.start, position) => {
                    return Scanned::Incomplete(Resume { at: opened, state: State::FieldStart });
                }
                Effect::TextFollows => {
                    scan.faults = Faults { malformed_quote: true, ..faults };
                    offset = opened - scan.start;
                    state = State::Unquoted;
                }
                Effect::EndsField => scan.end_field(position),
                Effect::EndsRecord => {
                    scan.end_field(position);
                    scan.lines = line_breaks(text.get(..offset).unwrap_or_default());
                    return found(&scan, position, position + 1);
                }
            }
            offset += 1;
        }
        if !self.finished {
            let at = if state.is_quoted() { opened } else { self.end };
            let state = if state.is_quoted() { State::FieldStart } else { state };
            return Scanned::Incomplete(Resume { at, state });
        }
        if state.is_open() {
            let before = self.buffer.get(scan.start..opened).unwrap_or_default();
            return Scanned::Unterminated { line: self.line + line_breaks(before) };
        }
        scan.lines = line_breaks(text);
        self.at_fill_mark(scan)
    }

    /// The filled part is over: so is the record, if the input is.
    fn at_fill_mark(&self, mut scan: Scan<'_>) -> Scanned {
        if !self.finished {
            return Scanned::Incomplete(self.resume_behind(&scan));
        }
        scan.end_field(self.end);
        found(&scan, self.end, self.end)
    }

    /// Where the grammar stands behind all that was seen, outside quotes.
    fn resume_behind(&self, scan: &Scan<'_>) -> Resume {
        let field = self.buffer.get(scan.field..self.end);
        let is_start = field
            .is_some_and(|field| field.iter().all(|byte| *byte == b' ' && self.layout.skip_initial_space));
        Resume { at: self.end, state: if is_start { State::FieldStart } else { State::Unquoted } }
    }

    /// Whether a byte lies beyond the limit of the record that begins at `start`. Quotes are not looked for there, so
    /// that the grammar does not depend on how much has arrived.
    fn is_beyond(&self, start: usize, position: usize) -> bool {
        position - start > self.limits.record_bytes
    }

    /// Passes a quoted field, if the quote at `position` opens one; any other quote is text.
    fn quoted(&self, cursor: &mut Cursor, scan: &mut Scan<'_>, position: usize) -> Option<Scanned> {
        let opens = if scan.field_is_text {
            false
        } else if self.layout.skip_initial_space {
            self.buffer.get(scan.field..position)?.iter().all(|byte| *byte == b' ')
        } else {
            position == scan.field
        };
        if !opens {
            return None;
        }
        match self.close(position + 1) {
            Closing::At(after) | Closing::TextFollows(after) if self.is_beyond(scan.start, after) => {
                Some(Scanned::Incomplete(Resume { at: position, state: State::FieldStart }))
            }
            Closing::At(after) => {
                let inside = self.buffer.get(position + 1..after).unwrap_or_default();
                if memchr::memchr2(b'\n', b'\r', inside).is_some() {
                    scan.lines += line_breaks(inside);
                }
                scan.faults.control_character |= has_control(inside);
                *cursor = self.seek(after);
                None
            }
            Closing::TextFollows(_) => {
                // The opening quote was none: the field is text from there, and what the quotes would have covered is
                // read by itself, so that a stray quote spoils no more than its own record.
                scan.faults.malformed_quote = true;
                *cursor = self.seek(position + 1);
                scan.field_is_text = true;
                None
            }
            Closing::Open if self.finished => {
                let before = self.buffer.get(scan.start..position).unwrap_or_default();
                Some(Scanned::Unterminated { line: self.line + line_breaks(before) })
            }
            Closing::Open => Some(Scanned::Incomplete(Resume { at: position, state: State::FieldStart })),
        }
    }

    /// Finds where a quoted field, whose text begins at `from`, is closed.
    fn close(&self, from: usize) -> Closing {
        let quote = self.layout.quote;
        let mut at = from;
        loop {
            let rest = self.buffer.get(at..self.end).unwrap_or_default();
            let Some(offset) = memchr::memchr(quote, rest) else { return Closing::Open };
            let after = at + offset + 1;
            match self.buffer.get(after..self.end).and_then(<[u8]>::first) {
                Some(byte) if *byte == quote => at = after + 1,
                Some(byte) if *byte == self.layout.delimiter || matches!(byte, b'\n' | b'\r') => {
                    return Closing::At(after);
                }
                Some(_) => return Closing::TextFollows(after),
                None if self.finished => return Closing::At(after),
                None => return Closing::Open,
            }
        }
    }
}

#[inline]
fn found(scan: &Scan<'_>, end: usize, next: usize) -> Scanned {
    Scanned::Record(Found { end, next, width: scan.width, faults: scan.faults, lines: scan.lines })
}

/// Whether a byte is a control character that has no place in a record: any but tab, CR and LF.
pub(crate) fn is_control(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7f
}

/// Whether a control character stands in the text. The whole of it is looked at, so that the compiler can take
/// many bytes at once.
fn has_control(text: &[u8]) -> bool {
    text.iter().fold(false, |found, byte| found | is_control(*byte))
}

/// How many line ends are in the text: LF, CRLF or CR each count once.
pub(super) fn line_breaks(text: &[u8]) -> u64 {
    let mut previous = 0;
    let mut count = 0;
    for &byte in text {
        if byte == b'\r' || (byte == b'\n' && previous != b'\r') {
            count += 1;
        }
        previous = byte;
    }
    count
}
