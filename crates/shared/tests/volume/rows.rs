//! The record reader against a parser that is too simple to be wrong in the same way.

use sha2::{Digest as _, Sha256};
use shared::rows::{Faults, KEPT_BYTES, Layout, Limits, Reader, Record, Step};

use super::control::Control;

/// How many fields of a record can be looked at.
const MAX_FIELDS: usize = 4096;

/// A cell as both see it.
#[derive(Debug, Clone, PartialEq)]
struct Cell {
    text: Vec<u8>,
    /// Whether it begins with a quote that opens nothing.
    malformed: bool,
    /// Where it ends in the record.
    end: usize,
}

/// A record as both see it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) raw: Vec<u8>,
    pub(crate) number: u64,
    pub(crate) line: u64,
    width: usize,
    cells: Vec<Cell>,
    faults: Faults,
    oversized: Option<(u64, [u8; 32])>,
}

impl Seen {
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The text of a cell.
    pub(crate) fn cell(&self, index: usize) -> &[u8] {
        &self.cells[index].text
    }

    /// The bytes of the first `count` cells with the delimiters between them.
    pub(crate) fn prefix(&self, count: usize) -> &[u8] {
        &self.raw[..self.cells[count - 1].end]
    }

    /// Whether it is only the start of a record.
    pub(crate) fn is_oversized(&self) -> bool {
        self.oversized.is_some()
    }

    fn of(record: &Record<'_>) -> Self {
        Self {
            raw: record.raw.to_vec(),
            number: record.number,
            line: record.line,
            width: record.width,
            cells: record
                .fields()
                .enumerate()
                .map(|(index, field)| Cell {
                    text: field.text().into_owned(),
                    malformed: field.has_stray_quote(),
                    end: record.prefix(index + 1).unwrap().len(),
                })
                .collect(),
            faults: record.faults,
            oversized: record.oversized.map(|oversized| (oversized.bytes, oversized.sha256)),
        }
    }
}

/// All records, and the line of a quote that is never closed.
pub(crate) type Reading = (Vec<Seen>, Option<u64>);

/// Reads the input in the pieces that it chooses, and as a whole, and by the simple parser: three times the same.
pub(crate) fn check(input: &[u8]) {
    let Some((control, bytes)) = Control::of(input) else { return };
    let simple = simple(bytes, control.layout, control.limits);
    assert_same(&read(bytes, &control), &simple, "in pieces");
    let whole = Control { block: bytes.len() + 64, cuts: [usize::MAX; 4], ..control };
    assert_same(&read(bytes, &whole), &simple, "as a whole");
}

/// Shows the first record that differs, not all of them.
fn assert_same(found: &Reading, simple: &Reading, how: &str) {
    for (found, simple) in found.0.iter().zip(&simple.0) {
        assert_eq!(found, simple, "{how}");
    }
    assert_eq!(
        (found.0.len(), found.1),
        (simple.0.len(), simple.1),
        "records, and the line of an open quote, {how}"
    );
}

fn read(bytes: &[u8], control: &Control) -> Reading {
    let mut reader = Reader::with_block(control.layout, control.limits, control.block);
    let (mut rest, mut cuts) = (bytes, control.cuts.iter().cycle());
    let mut seen = Vec::new();
    loop {
        match reader.next_record() {
            Step::Record(record) => seen.push(Seen::of(&record)),
            Step::NeedInput => {
                let space = reader.space();
                let length = rest.len().min(space.len()).min(*cuts.next().unwrap());
                space[..length].copy_from_slice(&rest[..length]);
                rest = &rest[length..];
                reader.filled(length);
            }
            Step::End => return (seen, None),
            Step::Unterminated { line } => return (seen, Some(line)),
        }
    }
}

/// The grammar, one byte after the other, over the whole input.
pub(crate) fn simple(bytes: &[u8], layout: Layout, limits: Limits) -> Reading {
    let mut parser = Simple { bytes, at: 0, line: 1, layout, limits };
    for _ in 0..2 {
        if bytes[parser.at..].starts_with(b"\xef\xbb\xbf") {
            parser.at += 3;
        }
    }
    let mut seen = Vec::new();
    loop {
        while parser.line_end() || parser.comment() {}
        if parser.peek().is_none() {
            return (seen, None);
        }
        let line = parser.line;
        match parser.record() {
            Err(open) => return (seen, Some(open)),
            Ok((raw, cells)) => {
                let number = seen.len() as u64;
                seen.push(judged(raw, cells, (number, line), limits));
            }
        }
        parser.line_end();
    }
}

fn judged(raw: &[u8], mut cells: Vec<Cell>, (number, line): (u64, u64), limits: Limits) -> Seen {
    if raw.len() > limits.record_bytes {
        return Seen {
            raw: raw[..raw.len().min(KEPT_BYTES)].to_vec(),
            number,
            line,
            width: 0,
            cells: Vec::new(),
            faults: Faults::default(),
            oversized: Some((raw.len() as u64, Sha256::digest(raw).into())),
        };
    }
    let width = cells.len();
    let is_control = |byte: &u8| (*byte < 0x20 && !b"\t\n\r".contains(byte)) || *byte == 0x7f;
    let faults = Faults {
        malformed_quote: cells.iter().any(|cell| cell.malformed),
        control_character: raw.iter().any(is_control),
        not_utf8: std::str::from_utf8(raw).is_err(),
    };
    cells.truncate(MAX_FIELDS);
    Seen { raw: raw.to_vec(), number, line, width, cells, faults, oversized: None }
}

struct Simple<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
    layout: Layout,
    limits: Limits,
}

impl<'a> Simple<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes LF, CRLF or CR.
    fn line_end(&mut self) -> bool {
        match self.peek() {
            Some(b'\r') => {
                self.at += 1;
                if self.peek() == Some(b'\n') {
                    self.at += 1;
                }
            }
            Some(b'\n') => self.at += 1,
            _ => return false,
        }
        self.line += 1;
        true
    }

    /// Passes a comment up to its line end.
    fn comment(&mut self) -> bool {
        let begins = self.peek().is_some() && self.peek() == self.layout.comment;
        while begins && !matches!(self.peek(), None | Some(b'\n' | b'\r')) {
            self.at += 1;
        }
        begins
    }

    fn in_field(&self) -> bool {
        self.peek().is_some_and(|byte| byte != self.layout.delimiter && byte != b'\n' && byte != b'\r')
    }

    /// One record up to its line end, or the line of a quote that is never closed.
    fn record(&mut self) -> Result<(&'a [u8], Vec<Cell>), u64> {
        let start = self.at;
        let mut cells = Vec::new();
        loop {
            let (text, malformed) = self.cell(start)?;
            cells.push(Cell { text, malformed, end: self.at - start });
            if self.peek() != Some(self.layout.delimiter) {
                return Ok((&self.bytes[start..self.at], cells));
            }
            self.at += 1;
        }
    }

    /// The text of a cell, and whether it begins with a quote that is text: one that is closed before more text.
    fn cell(&mut self, record: usize) -> Result<(Vec<u8>, bool), u64> {
        while self.layout.skip_initial_space && self.peek() == Some(b' ') && self.in_field() {
            self.at += 1;
        }
        if self.peek() != Some(self.layout.quote) || !self.in_field() {
            return Ok((self.unquoted(), false));
        }
        let opened = (self.at, self.line);
        let mut text = self.quoted()?;
        if !self.in_field() {
            return Ok((text, false));
        }
        // Beyond the limit of the record nobody looks back.
        if self.at - record > self.limits.record_bytes {
            while self.in_field() {
                self.at += 1;
            }
            return Ok((Vec::new(), true));
        }
        (self.at, self.line) = opened;
        self.at += 1;
        text = vec![self.layout.quote];
        text.extend(self.unquoted());
        Ok((text, true))
    }

    fn unquoted(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        while self.in_field() {
            if self.peek() == self.layout.escape {
                self.at += 1;
                self.take(&mut text);
            } else {
                text.extend(self.peek());
                self.at += 1;
            }
        }
        text
    }

    /// Takes a byte as text, whatever it is.
    fn take(&mut self, text: &mut Vec<u8>) {
        let previous = self.at.checked_sub(1).map(|before| self.bytes[before]);
        match self.peek() {
            Some(b'\n') if previous == Some(b'\r') => {}
            Some(b'\n' | b'\r') => self.line += 1,
            _ => {}
        }
        text.extend(self.peek());
        self.at += 1;
        self.at = self.at.min(self.bytes.len());
    }

    /// A quoted text with both of its quotes.
    fn quoted(&mut self) -> Result<Vec<u8>, u64> {
        let (opened_on, mut text) = (self.line, Vec::new());
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(opened_on),
                escape if escape == self.layout.escape => {
                    self.at += 1;
                    self.take(&mut text);
                }
                Some(byte) if byte == self.layout.quote => {
                    self.at += 1;
                    if !self.layout.double_quote || self.peek() != Some(self.layout.quote) {
                        return Ok(text);
                    }
                    self.take(&mut text);
                }
                Some(_) => self.take(&mut text),
            }
        }
    }
}
