//! From the first byte to the header: what kind of file it is, and which contract and delimiter fit.

use super::heading::{self, Head};
use super::input::{self, Input};
use super::sniff;
use crate::contract::{Contract, Heading, own_labels};
use crate::infer::{self, Detected};
use crate::intake::Charset;
use crate::rows::{BLOCK_BYTES, Layout, Limits, Reader, Record, Step};
use crate::validate::Plan;
use crate::violation::{FileCode, Verdict};

/// Delimiters that are tried, in this order, when the contract fixes none.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A file of which only the beginning was read.
#[derive(Debug)]
pub struct Opening {
    start: Vec<u8>,
    end: usize,
    finished: bool,
    limits: Limits,
    block_bytes: usize,
    refused: Option<Verdict>,
}

/// A contract that fits a header.
#[derive(Debug)]
pub struct Match {
    /// Which of the contracts.
    pub contract: usize,
    /// How the file is laid out.
    pub layout: Layout,
    /// The encoding that the file is in.
    pub charset: Charset,
    /// The contract compiled for the header.
    pub plan: Plan,
    /// How many records stand above the first one of data.
    records: u64,
    /// Whether the contract would have the outputs, which are UTF-8, read in another encoding.
    marked: bool,
}

/// A file whose header was read.
#[derive(Debug)]
pub struct Chosen {
    /// The contract compiled for the header.
    pub plan: Plan,
    /// The encoding that the file is in.
    pub charset: Charset,
    /// What was noticed and tolerated.
    pub notes: Vec<String>,
    pub(super) input: Input,
    pub(super) marked: bool,
}

impl Opening {
    /// A file of which nothing was read.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::with_block(limits, BLOCK_BYTES)
    }

    /// A file whose records are read through a buffer of another size, for tests of where a record may be cut.
    #[must_use]
    pub fn with_block(limits: Limits, block_bytes: usize) -> Self {
        Self { start: Vec::new(), end: 0, finished: false, limits, block_bytes, refused: None }
    }

    /// Where the next input goes. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        if self.end == self.start.len() {
            self.start.resize(self.end + BLOCK_BYTES, 0);
        }
        self.start.get_mut(self.end..).unwrap_or_default()
    }

    /// Says how many bytes of [`space`](Self::space) were filled; 0 is the end of the file.
    pub fn filled(&mut self, bytes: usize) {
        self.end = (self.end + bytes).min(self.start.len());
        self.finished |= bytes == 0;
    }

    /// Says that the file cannot be read any further: the verdict over it, whatever the contract.
    pub fn refuse(&mut self, verdict: Verdict) {
        self.refused = Some(verdict);
        self.finished = true;
    }

    /// Whether enough was read to see the header, however the file is laid out.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.finished || self.end >= self.window()
    }

    /// How much is looked at: more than a header may have. Every other byte of UTF-16 may be nothing.
    fn window(&self) -> usize {
        (2 * self.limits.header_bytes + 4).max(sniff::SEEN_BYTES)
    }

    fn read(&self) -> &[u8] {
        self.start.get(..self.end).unwrap_or_default()
    }

    /// The head of the file as it would be read this way.
    fn head(
        &self,
        layout: Layout,
        charset: Charset,
        dialect: (&Heading, &[String]),
    ) -> Result<Head, Verdict> {
        let start = self.read();
        let seen = start.get(..self.window()).unwrap_or(start);
        let finished = self.finished && seen.len() == start.len();
        let mut input = Input::over(layout, self.limits, charset, seen, finished);
        let head = heading::read(&mut input, dialect.0, dialect.1)?;
        let bytes: usize = head.labels.iter().map(|label| label.len() + 1).sum();
        if bytes > self.limits.header_bytes {
            return Err(Verdict::new(
                FileCode::FieldTooLarge,
                format!("the first line is longer than {} bytes; is it a CSV?", self.limits.header_bytes),
            ));
        }
        Ok(head)
    }

    /// The encoding of the file, where the contract names this one.
    ///
    /// # Errors
    /// The verdict over a file that is no text, or in an encoding that is not read.
    fn charset(&self, named: Option<Charset>) -> Result<Charset, Verdict> {
        match &self.refused {
            Some(verdict) => Err(verdict.clone()),
            None => sniff::charset(self.read(), named),
        }
    }

    /// The layout that makes the most regular table of the file, and its first record under it.
    ///
    /// # Errors
    /// The verdict over a file whose first record is no header.
    pub fn regular(&self) -> Result<(Layout, Vec<String>), Verdict> {
        let (found, charset) = self.detect()?;
        let head = self.head(found.layout, charset, (&Heading::default(), &[]))?;
        let columns = own_labels(&head.labels).len();
        if columns > self.limits.columns {
            return Err(heading::too_many(columns, self.limits.columns));
        }
        Ok((found.layout, head.labels))
    }

    /// How the file seems to be laid out, and the encoding that it is in.
    ///
    /// # Errors
    /// The verdict over a file that is no text, or in an encoding that is not read.
    pub fn detect(&self) -> Result<(Detected, Charset), Verdict> {
        let charset = self.charset(None)?;
        let start = self.read();
        let seen = start.get(..self.window()).unwrap_or(start);
        let finished = self.finished && seen.len() == start.len();
        let text = input::decoded(charset, seen, finished);
        Ok((infer::detect(&text, finished, self.limits), charset))
    }

    /// Finds the contract and the delimiter that fit the header.
    ///
    /// With one contract, its verdict counts. With several, the one that fits with the most columns is taken.
    ///
    /// # Errors
    /// The verdict, for the delimiter that shows the most columns, when no contract fits.
    pub fn find(&self, contracts: &[&Contract]) -> Result<Match, Verdict> {
        let mut best: Option<(usize, Match)> = None;
        let mut worst: Option<(usize, Verdict)> = None;
        for (index, contract) in contracts.iter().enumerate() {
            let names: Vec<String> = contract.fields.iter().map(|field| field.name.clone()).collect();
            for layout in layouts(contract) {
                let read = self.charset(contract.encoding).and_then(|charset| {
                    Ok((charset, self.head(layout, charset, (&contract.dialect.heading, &names))?))
                });
                let width = match &read {
                    Ok((_, head)) => head.labels.len(),
                    Err(verdict) if verdict.code == FileCode::TooManyColumns => usize::MAX,
                    Err(_) => 0,
                };
                let fit = read.and_then(|(charset, Head { labels, records })| {
                    let plan = Plan::new(contract, &labels, &self.limits)?;
                    let marked = contract.encoding.is_some_and(|named| !named.is_utf8());
                    let found = Match { contract: index, layout, charset, plan, records, marked };
                    Ok((contract.knows(&labels), found))
                });
                match fit {
                    Ok(fit) if best.as_ref().is_none_or(|(other, _)| fit.0 > *other) => best = Some(fit),
                    Err(verdict) if worst.as_ref().is_none_or(|(other, _)| width > *other) => {
                        worst = Some((width, verdict));
                    }
                    Ok(_) | Err(_) => {}
                }
            }
        }
        best.map(|(_, found)| found).ok_or_else(|| match worst {
            Some((_, verdict)) => verdict,
            None => Verdict::new(FileCode::FormatError, "there is no contract to read the file by"),
        })
    }

    /// Passes the header, as a match reads it.
    #[must_use]
    pub fn take(mut self, found: Match) -> Chosen {
        let mut notes = found.plan.notes().to_vec();
        if found.layout.delimiter != b',' {
            notes.push(format!(
                "the cells are separated by {}, not by commas",
                name_of(found.layout.delimiter)
            ));
        }
        if !found.charset.is_utf8() {
            notes.push(format!("the file is in {}; the outputs are in UTF-8", found.charset.name()));
        }
        self.start.truncate(self.end);
        let reader = Reader::with_block(found.layout, self.limits, self.block_bytes);
        let mut input = Input::new(reader, found.charset, self.start, self.finished);
        // They were read once already: they are there.
        input.pass(found.records);
        Chosen { plan: found.plan, charset: found.charset, notes, input, marked: found.marked }
    }
}

impl Chosen {
    /// Hands over the records of what was read so far, as a sample of the file. One that is cut at its end is left out.
    pub fn sample(mut self, mut look: impl FnMut(&Record<'_>, &Plan)) {
        loop {
            match self.input.next_record() {
                Step::Record(record) => look(&record, &self.plan),
                Step::NeedInput => {
                    if !self.input.pump() {
                        return;
                    }
                }
                Step::End | Step::Unterminated { .. } => return,
            }
        }
    }

    /// How the file is laid out.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.input.reader().layout()
    }
}

/// The layouts that a contract allows.
fn layouts(contract: &Contract) -> Vec<Layout> {
    match contract.dialect.delimiter {
        Some(delimiter) => vec![contract.dialect.layout(delimiter)],
        None => DELIMITERS.iter().map(|delimiter| contract.dialect.layout(*delimiter)).collect(),
    }
}

fn name_of(delimiter: u8) -> &'static str {
    match delimiter {
        b';' => "semicolons",
        b'\t' => "tabs",
        b'|' => "vertical bars",
        _ => "other characters",
    }
}
