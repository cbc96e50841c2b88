//! From the first byte to the header: what kind of file it is, and which contract and delimiter fit.

use crate::contract::Contract;
use crate::rows::{Layout, Limits, Reader, Step};
use crate::validate::Plan;
use crate::violation::{FileCode, Verdict};

use super::sniff;

/// Delimiters that are tried, in this order, when the contract fixes none.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A file of which only the beginning was read.
#[derive(Debug)]
pub struct Opening {
    reader: Reader,
    limits: Limits,
}

/// A contract that fits a header.
#[derive(Debug)]
pub struct Match {
    /// Which of the contracts.
    pub contract: usize,
    /// How the file is laid out.
    pub layout: Layout,
    /// The contract compiled for the header.
    pub plan: Plan,
}

/// A file whose header was read.
#[derive(Debug)]
pub struct Chosen {
    /// The contract compiled for the header.
    pub plan: Plan,
    /// What was noticed and tolerated.
    pub notes: Vec<String>,
    pub(super) reader: Reader,
}

impl Opening {
    /// A file of which nothing was read.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::with_reader(Reader::new(Layout::default(), limits), limits)
    }

    /// A file that is read through this reader, for tests of where the input may be cut.
    #[must_use]
    pub fn with_reader(reader: Reader, limits: Limits) -> Self {
        Self { reader, limits }
    }

    /// Where the next input goes. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.reader.space()
    }

    /// Says how many bytes of [`space`](Self::space) were filled; 0 is the end of the file.
    pub fn filled(&mut self, bytes: usize) {
        self.reader.filled(bytes);
    }

    /// Whether enough was read to see the header, however the file is laid out.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.reader.is_finished() || self.reader.pending().len() > self.limits.header_bytes
    }

    /// The header as this layout reads it.
    ///
    /// # Errors
    /// The verdict over a file without a usable header.
    pub fn labels(&self, layout: Layout) -> Result<Vec<String>, Verdict> {
        let start = self.reader.pending();
        sniff::check(start)?;
        // One byte more than the limit shows that the header goes beyond it.
        let start = start.get(..self.limits.header_bytes + 1).unwrap_or(start);
        let whole = start.len() == self.reader.pending().len();
        let mut scratch = Reader::with_block(layout, self.limits, start.len());
        scratch.space().get_mut(..start.len()).unwrap_or_default().copy_from_slice(start);
        scratch.filled(start.len());
        if whole && self.reader.is_finished() {
            scratch.filled(0);
        }
        match scratch.next_record() {
            Step::Record(record) if record.oversized.is_none() => labels_of(&record),
            Step::End => Err(Verdict::new(
                FileCode::EmptyFile,
                "there is nothing in the file; send one with the column names in its first line",
            )),
            Step::Unterminated { line } => Err(super::unterminated(line)),
            Step::NeedInput | Step::Record(_) => Err(Verdict::new(
                FileCode::FieldTooLarge,
                format!("the first line is longer than {} bytes; is it a CSV?", self.limits.header_bytes),
            )),
        }
    }

    /// The layout under which the header has the most columns, and the header under it.
    ///
    /// # Errors
    /// The verdict over a file without a usable header.
    pub fn widest(&self) -> Result<(Layout, Vec<String>), Verdict> {
        let mut widest = (Layout::default(), self.labels(Layout::default())?);
        for delimiter in DELIMITERS {
            let layout = Layout { delimiter, ..Layout::default() };
            let labels = self.labels(layout)?;
            if labels.len() > widest.1.len() {
                widest = (layout, labels);
            }
        }
        Ok(widest)
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
            for layout in layouts(contract) {
                let labels = self.labels(layout);
                let width = labels.as_ref().map_or(0, Vec::len);
                let fit = labels.and_then(|labels| {
                    let plan = Plan::new(contract, &labels, &self.limits)?;
                    Ok((contract.knows(&labels), Match { contract: index, layout, plan }))
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
        self.reader.set_layout(found.layout);
        // The header was read once already: it is there.
        let _ = self.reader.next_record();
        Chosen { plan: found.plan, notes, reader: self.reader }
    }
}

impl Chosen {
    /// How the file is laid out.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.reader.layout()
    }
}

/// The layouts that a contract allows.
fn layouts(contract: &Contract) -> Vec<Layout> {
    let layout = |delimiter| Layout {
        delimiter,
        quote: contract.dialect.quote,
        skip_initial_space: contract.dialect.skip_initial_space,
    };
    match contract.dialect.delimiter {
        Some(delimiter) => vec![layout(delimiter)],
        None => DELIMITERS.iter().map(|delimiter| layout(*delimiter)).collect(),
    }
}

fn labels_of(record: &crate::rows::Record<'_>) -> Result<Vec<String>, Verdict> {
    if record.faults.control_character {
        return Err(Verdict::new(
            FileCode::UnsupportedFormat,
            "the first line holds control characters, so this is no CSV; export the table as CSV",
        ));
    }
    let utf8 = |text: std::borrow::Cow<'_, [u8]>| {
        String::from_utf8(text.into_owned()).map_err(|_| {
            Verdict::new(
                FileCode::EncodingError,
                "the first line is not UTF-8; save the file as UTF-8 and send it again",
            )
        })
    };
    record.fields().map(|field| utf8(field.text())).collect()
}

fn name_of(delimiter: u8) -> &'static str {
    match delimiter {
        b';' => "semicolons",
        b'\t' => "tabs",
        b'|' => "vertical bars",
        _ => "other characters",
    }
}
