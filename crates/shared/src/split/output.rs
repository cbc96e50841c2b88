//! What the three outputs look like, byte for byte.

use crate::checksum::Running;
use crate::contract::{Provenance, REJECTION_COLUMNS};
use crate::rows::{Layout, NO_QUOTE, Record};
use crate::validate::{Finding, Findings, Plan};

use super::{Chosen, SINK_BYTES};

/// Where processed records come from, as their added columns say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The key of the file.
    pub source_file: String,
    /// When it was stored, in RFC 3339.
    pub received_at: String,
    /// The run.
    pub run_id: String,
    /// Which of these to add.
    pub columns: Vec<Provenance>,
}

/// An output that is being written: the bytes that wait to be taken, and what has been written in all.
#[derive(Debug)]
pub struct Sink {
    header: Vec<u8>,
    waiting: Vec<u8>,
    checksum: Running,
    bytes: u64,
    records: u64,
}

impl Sink {
    pub(super) fn new(header: Vec<u8>) -> Self {
        Self { header, waiting: Vec::new(), checksum: Running::default(), bytes: 0, records: 0 }
    }

    /// Whether it should be emptied.
    #[must_use]
    #[inline]
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= SINK_BYTES
    }

    /// The bytes that wait to be taken.
    #[must_use]
    pub fn waiting(&self) -> &[u8] {
        &self.waiting
    }

    /// Says that the waiting bytes were taken.
    pub fn taken(&mut self) {
        self.checksum.update(&self.waiting);
        self.bytes += self.waiting.len() as u64;
        self.waiting.clear();
    }

    /// The checksum of everything that was taken.
    #[must_use]
    pub fn checksum(&self) -> crate::checksum::Checksum {
        self.checksum.finish()
    }

    /// How many bytes were taken.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many records were written, the header not counted.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Begins a record; the first one puts the header before it.
    #[inline]
    fn begin(&mut self) -> &mut Vec<u8> {
        if self.records == 0 {
            self.waiting.reserve(SINK_BYTES + SINK_BYTES / 4);
            self.waiting.extend_from_slice(&self.header);
        }
        self.records += 1;
        &mut self.waiting
    }
}

/// Writes records into sinks.
#[derive(Debug)]
pub(super) struct Writer {
    layout: Layout,
    own_width: usize,
    width: usize,
    /// Whether records can be passed on as they stand: plain RFC 4180 with the usual quote.
    verbatim: bool,
    derived: usize,
    /// What stands before and behind the row number of a processed record.
    before_row: Vec<u8>,
    row: bool,
    behind_row: Vec<u8>,
    processed_header: Vec<u8>,
    rejected_header: Vec<u8>,
}

impl Writer {
    pub(super) fn new(chosen: &Chosen, origin: &Origin, derived: &[String]) -> Self {
        let (plan, layout) = (&chosen.plan, chosen.layout());
        let mut processed_header = Vec::new();
        push_record(&mut processed_header, plan.labels(), layout.delimiter);
        let added =
            derived.iter().map(String::as_str).chain(origin.columns.iter().map(|column| column.as_str()));
        for name in added {
            push_cell(&mut processed_header, unused(name, plan.labels()).as_bytes(), layout.delimiter);
        }
        processed_header.push(b'\n');
        let (mut before_row, mut behind_row) = (Vec::new(), Vec::new());
        let mut row = false;
        for column in &origin.columns {
            let side = if row { &mut behind_row } else { &mut before_row };
            match column {
                Provenance::SourceRow => {
                    before_row.push(layout.delimiter);
                    row = true;
                }
                Provenance::SourceFile => push_cell(side, origin.source_file.as_bytes(), layout.delimiter),
                Provenance::ReceivedAt => push_cell(side, origin.received_at.as_bytes(), layout.delimiter),
                Provenance::RunId => push_cell(side, origin.run_id.as_bytes(), layout.delimiter),
            }
        }
        behind_row.push(b'\n');
        Self {
            layout,
            own_width: plan.own_width(),
            width: plan.width(),
            verbatim: layout
                == Layout { delimiter: layout.delimiter, comment: layout.comment, ..Layout::default() },
            derived: derived.len(),
            before_row,
            row,
            behind_row,
            processed_header,
            rejected_header: rejected_header(chosen),
        }
    }

    pub(super) fn processed_header(&self) -> Vec<u8> {
        self.processed_header.clone()
    }

    pub(super) fn rejected_header(&self) -> Vec<u8> {
        self.rejected_header.clone()
    }

    pub(super) fn errors_header() -> Vec<u8> {
        b"source_row,source_line,column,code,value,reason\n".to_vec()
    }

    /// Writes a valid record: its own cells as they stand, then what is added.
    #[inline]
    pub(super) fn processed(&self, record: &Record<'_>, plan: &Plan, sink: &mut Sink) {
        let out = sink.begin();
        // Twenty digits are the longest row number.
        out.reserve(record.raw.len() + self.before_row.len() + 20 + self.behind_row.len());
        if self.verbatim {
            out.extend_from_slice(self.own_cells(record));
        } else {
            push_fields(out, record, self.own_width, self.layout.delimiter);
        }
        let mut value = Vec::new();
        for index in 0..self.derived {
            value.clear();
            plan.derive(index, record, &mut value);
            push_cell(out, &value, self.layout.delimiter);
        }
        out.extend_from_slice(&self.before_row);
        if self.row {
            push_number(out, record.number);
        }
        out.extend_from_slice(&self.behind_row);
    }

    /// Writes a rejected record: its bytes as they stand, then what is wrong with it.
    pub(super) fn rejected(&self, record: &Record<'_>, findings: &Findings, sink: &mut Sink) {
        let out = sink.begin();
        let layout = &self.layout;
        if record.oversized.is_some() {
            // What is left of it may be cut inside quotes: it becomes one quoted cell.
            push_laid_out_quoted(out, record.raw, layout);
        } else if record.width == self.width {
            out.extend_from_slice(self.own_cells(record));
        } else {
            out.extend_from_slice(record.raw);
        }
        // At the end of a file an escape may have nothing behind it. The delimiter must not become its own.
        if let Some(escape) = layout.escape
            && record.oversized.is_none()
            && ends_in_escape(record.raw, escape)
        {
            out.push(escape);
        }
        out.push(layout.delimiter);
        push_number(out, record.number);
        let mut text = String::new();
        for finding in findings.iter() {
            join(&mut text, finding.code.as_str());
        }
        out.push(layout.delimiter);
        if record.faults.malformed_quote {
            // A quote that opens nothing is told by the text behind the next quote. In the file that may have stood in
            // another record; here it is this one.
            push_laid_out_quoted(out, text.as_bytes(), layout);
        } else {
            push_laid_out(out, text.as_bytes(), layout);
        }
        text.clear();
        for finding in findings.iter() {
            join(&mut text, finding.reason);
        }
        out.push(layout.delimiter);
        push_laid_out(out, harmless(&text).as_bytes(), layout);
        out.push(b'\n');
    }

    /// The record without the columns that are ignored.
    #[inline]
    fn own_cells<'a>(&self, record: &Record<'a>) -> &'a [u8] {
        if self.own_width == self.width {
            return record.raw;
        }
        record.prefix(self.own_width).unwrap_or(record.raw)
    }
}

/// Whether the last byte is an escape character that is not escaped itself.
fn ends_in_escape(raw: &[u8], escape: u8) -> bool {
    raw.iter().rev().take_while(|byte| **byte == escape).count() % 2 == 1
}

/// The header of a rejected file, in the layout of the file itself, so that both are read alike. A byte order mark goes
/// before it where the contract would have the file read in another encoding than UTF-8.
fn rejected_header(chosen: &Chosen) -> Vec<u8> {
    let layout = chosen.layout();
    let mut header = Vec::new();
    if chosen.marked {
        header.extend_from_slice(b"\xef\xbb\xbf");
    }
    let labels = chosen.plan.labels().iter().map(String::as_str);
    for (index, name) in labels.chain(REJECTION_COLUMNS).enumerate() {
        if index > 0 {
            header.push(layout.delimiter);
        }
        push_laid_out(&mut header, name.as_bytes(), &layout);
    }
    header.push(b'\n');
    header
}

/// One line of the errors file.
pub(super) struct ErrorRow<'a> {
    pub(super) record: &'a Record<'a>,
    pub(super) finding: Finding<'a>,
}

impl ErrorRow<'_> {
    pub(super) fn write(&self, sink: &mut Sink) {
        let out = sink.begin();
        push_number(out, self.record.number);
        out.push(b',');
        push_number(out, self.record.line);
        let finding = &self.finding;
        for cell in [
            finding.column.unwrap_or_default(),
            finding.code.as_str(),
            &harmless(finding.value),
            &harmless(finding.reason),
        ] {
            push_cell(out, cell.as_bytes(), b',');
        }
        out.push(b'\n');
    }
}

/// A text that a spreadsheet will not take for a formula: an apostrophe goes before `=`, `+`, `-` and `@` unless
/// the text is a plain number (OWASP, "CSV Injection").
fn harmless(text: &str) -> std::borrow::Cow<'_, str> {
    let suspicious = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if suspicious && crate::value::parse_number(text).is_none() {
        return format!("'{text}").into();
    }
    text.into()
}

fn join(text: &mut String, item: &str) {
    if !text.is_empty() {
        text.push_str("; ");
    }
    text.push_str(item);
}

/// A name for an added column that the file does not use itself.
fn unused(name: &str, labels: &[String]) -> String {
    let mut name = name.to_owned();
    while labels.iter().any(|label| label.trim().eq_ignore_ascii_case(&name)) {
        name.insert_str(0, "gristmill_");
    }
    name
}

#[inline]
fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes the first record of an output, without its line end.
fn push_record(out: &mut Vec<u8>, cells: &[String], delimiter: u8) {
    for (index, cell) in cells.iter().enumerate() {
        if index == 0 {
            push_quoted_if_needed(out, cell.as_bytes(), delimiter);
        } else {
            push_cell(out, cell.as_bytes(), delimiter);
        }
    }
}

fn push_fields(out: &mut Vec<u8>, record: &Record<'_>, count: usize, delimiter: u8) {
    for (index, field) in record.fields().take(count).enumerate() {
        if index > 0 {
            out.push(delimiter);
        }
        push_quoted_if_needed(out, &field.text(), delimiter);
    }
}

/// Writes a delimiter and a cell.
fn push_cell(out: &mut Vec<u8>, text: &[u8], delimiter: u8) {
    out.push(delimiter);
    push_quoted_if_needed(out, text, delimiter);
}

fn push_quoted_if_needed(out: &mut Vec<u8>, text: &[u8], delimiter: u8) {
    let plain = !text.iter().any(|byte| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r'));
    if plain {
        out.extend_from_slice(text);
    } else {
        push_quoted(out, text);
    }
}

/// Writes a cell of our own as the layout of the file has cells.
fn push_laid_out(out: &mut Vec<u8>, text: &[u8], layout: &Layout) {
    let special = |byte: &u8| {
        *byte == layout.delimiter
            || *byte == layout.quote
            || layout.escape == Some(*byte)
            || matches!(byte, b'"' | b'\n' | b'\r')
    };
    let spaced = layout.skip_initial_space && text.first() == Some(&b' ');
    if text.iter().any(special) || spaced {
        push_laid_out_quoted(out, text, layout);
    } else {
        out.extend_from_slice(text);
    }
}

fn push_laid_out_quoted(out: &mut Vec<u8>, text: &[u8], layout: &Layout) {
    let is_quoted = layout.quote != NO_QUOTE && (layout.double_quote || layout.escape.is_some());
    if is_quoted {
        out.push(layout.quote);
    }
    for byte in text {
        match (*byte, layout.escape) {
            (byte, Some(escape))
                if byte == escape
                    || byte == layout.quote
                    || (!is_quoted && (byte == layout.delimiter || matches!(byte, b'\n' | b'\r'))) =>
            {
                out.extend_from_slice(&[escape, byte]);
            }
            (byte, None) if is_quoted && byte == layout.quote => out.extend_from_slice(&[byte, byte]),
            // There is no way to write it: our own words can do without.
            (byte, None) if !is_quoted && (byte == layout.delimiter || matches!(byte, b'\n' | b'\r')) => {
                out.push(if layout.delimiter == b' ' { b'_' } else { b' ' });
            }
            (byte, _) => out.push(byte),
        }
    }
    if is_quoted {
        out.push(layout.quote);
    }
}

fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in text {
        if *byte == b'"' {
            out.push(b'"');
        }
        out.push(*byte);
    }
    out.push(b'"');
}
