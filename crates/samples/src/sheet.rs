//! Writing records as CSV, and stopping at the right size.

use std::io::{self, Write};

use crate::{Expected, Random, Rows, Spec};

const FLUSH_AT: usize = 64 * 1024;

/// A CSV file being written: RFC 4180 with LF, quoting only what needs it.
pub(crate) struct Sheet<'w, W> {
    out: &'w mut W,
    buffer: Vec<u8>,
    flushed: u64,
}

impl<'w, W: Write> Sheet<'w, W> {
    fn new(out: &'w mut W) -> Self {
        Self { out, buffer: Vec::with_capacity(FLUSH_AT + 4 * 1024), flushed: 0 }
    }

    /// Adds one record.
    pub(crate) fn record<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        for (index, cell) in cells.into_iter().enumerate() {
            if index > 0 {
                self.buffer.push(b',');
            }
            push_cell(&mut self.buffer, cell, b',');
        }
        self.buffer.push(b'\n');
        if self.buffer.len() >= FLUSH_AT { self.flush() } else { Ok(()) }
    }

    fn bytes(&self) -> u64 {
        self.flushed + self.buffer.len() as u64
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&self.buffer)?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Appends a cell, quoted when it contains the delimiter, a quotation mark or a line break.
pub(crate) fn push_cell(buffer: &mut Vec<u8>, cell: &str, delimiter: u8) {
    if !cell.bytes().any(|byte| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r')) {
        buffer.extend_from_slice(cell.as_bytes());
        return;
    }
    buffer.push(b'"');
    for (index, part) in cell.split('"').enumerate() {
        if index > 0 {
            buffer.extend_from_slice(b"\"\"");
        }
        buffer.extend_from_slice(part.as_bytes());
    }
    buffer.push(b'"');
}

/// One record about to be written.
pub(crate) struct Turn<'r> {
    /// The file's own source of choices.
    pub(crate) random: &'r mut Random,
    /// Which record this is, counted from 0.
    pub(crate) index: u64,
    /// Whether it must contain a mistake.
    pub(crate) bad: bool,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Valid,
    Rejected,
}

/// Writes a header and as many records as `spec` asks for, each made by `write`.
pub(crate) fn write_rows<W: Write, const N: usize>(
    out: &mut W,
    spec: &Spec,
    header: [&str; N],
    mut write: impl FnMut(Turn<'_>, &mut Sheet<'_, W>) -> io::Result<Written>,
) -> io::Result<Expected> {
    let mut random = Random::new(spec.seed);
    let mut sheet = Sheet::new(out);
    let mut expected = Expected::default();
    sheet.record(header)?;
    while match spec.rows {
        Rows::Count(count) => expected.records < count,
        Rows::Bytes(bytes) => sheet.bytes() < bytes,
    } {
        let bad = random.share(spec.bad_share);
        let turn = Turn { random: &mut random, index: expected.records, bad };
        match write(turn, &mut sheet)? {
            Written::Valid => expected.valid += 1,
            Written::Rejected => expected.rejected += 1,
        }
        expected.records += 1;
    }
    sheet.flush()?;
    sheet.out.flush()?;
    Ok(expected)
}
