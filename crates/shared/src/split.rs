//! The pass over a file: every record into one of two outputs, with counts and codes, in flat memory.
//!
//! [`Opening`] reads as far as the header and finds the contract and the delimiter that fit it. [`Split`] then
//! takes the records. Both own no I/O: the caller fills [`Opening::space`] and [`Split::space`], and takes the
//! bytes out of the three [`Sink`]s whenever [`Split::advance`] asks for it.

mod heading;
mod input;
mod opening;
mod output;
mod sniff;
mod survey;
mod tally;
mod witness;

pub use opening::{Chosen, Match, Opening};
pub use output::{Origin, Sink};
pub use survey::Survey;
pub use tally::Tally;
pub use witness::Witness;

use std::sync::Arc;

use input::Input;
use output::{ErrorRow, Writer};

use crate::rows::{Layout, Record, Step};
use crate::validate::{Findings, Keys, Overflow, Plan};
use crate::violation::{FileCode, Verdict};

/// How many bytes a sink gathers before it asks to be emptied.
pub const SINK_BYTES: usize = 256 * 1024;

/// What a split needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More input: fill [`Split::space`] and tell [`Split::filled`].
    NeedInput,
    /// A sink is full: take the bytes of all three.
    Drain,
    /// The file has more keys than are remembered at once. Nothing that was written may be kept: the rest of the
    /// file is [surveyed](Split::into_survey), and then the file is split again from its start with the keys that
    /// the survey gives.
    Survey,
    /// The file is over. The sinks may still hold bytes.
    Done,
}

/// The pass over the records of a file.
#[derive(Debug)]
pub struct Split {
    input: Input,
    plan: Plan,
    writer: Writer,
    keys: Keys,
    findings: Findings,
    tally: Tally,
    witness: Option<Arc<dyn Witness>>,
    /// How many valid records have a value in each column that a gate of the contract is about.
    filled: Vec<u64>,
    /// The valid records.
    pub processed: Sink,
    /// The rejected records, verbatim.
    pub rejected: Sink,
    /// The violations, one a line.
    pub errors: Sink,
}

impl Split {
    /// Begins behind the header.
    #[must_use]
    pub fn new(chosen: Chosen, origin: &Origin, derived: &[String]) -> Self {
        let writer = Writer::new(&chosen, origin, derived);
        let tally = Tally::new(chosen.plan.labels());
        Self {
            processed: Sink::new(writer.processed_header()),
            rejected: Sink::new(writer.rejected_header()),
            errors: Sink::new(Writer::errors_header()),
            filled: vec![0; chosen.plan.gates()],
            input: chosen.input,
            plan: chosen.plan,
            writer,
            keys: Keys::default(),
            findings: Findings::default(),
            tally,
            witness: None,
        }
    }

    /// Tells keys apart by these: with limits of their own, or with what a survey found.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    /// Shows each rejected record to somebody.
    #[must_use]
    pub fn with_witness(mut self, witness: Option<Arc<dyn Witness>>) -> Self {
        self.witness = witness;
        self
    }

    /// Where the next input goes. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.input.space()
    }

    /// Says how many bytes of [`space`](Self::space) were filled; 0 is the end of the file.
    pub fn filled(&mut self, bytes: usize) {
        self.input.filled(bytes);
    }

    /// How the file is laid out.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.input.reader().layout()
    }

    /// The counts so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How many valid records so far have a value, for each entry of the contract's `min_filled`.
    #[must_use]
    pub fn filled_values(&self) -> &[u64] {
        &self.filled
    }

    /// The compiled contract.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes records until something is needed.
    ///
    /// # Errors
    /// The one verdict over a file whose records cannot be trusted: a quote that is never closed, or more keys
    /// that occur again than can be told apart. Nothing of such a file may be kept.
    pub fn advance(&mut self) -> Result<Progress, Verdict> {
        loop {
            if self.processed.is_full() || self.rejected.is_full() || self.errors.is_full() {
                return Ok(Progress::Drain);
            }
            let record = match self.input.next_record() {
                Step::Record(record) => record,
                Step::NeedInput => {
                    if self.input.pump() {
                        continue;
                    }
                    return Ok(Progress::NeedInput);
                }
                Step::End => return Ok(Progress::Done),
                Step::Unterminated { line } => return Err(unterminated(line)),
            };
            let good = match self.plan.judge(&record, &mut self.keys, &mut self.findings) {
                Ok(good) => good,
                Err(Overflow::Table { .. }) => {
                    // The record that was one too many is the first one to be surveyed.
                    let surveyed = self.plan.survey(&record, &mut self.keys);
                    return surveyed.map(|()| Progress::Survey).map_err(Overflow::verdict);
                }
                Err(overflow) => return Err(overflow.verdict()),
            };
            if good {
                self.tally.valid();
                self.plan.count_filled(&record, &mut self.filled);
                self.writer.processed(&record, &self.plan, &mut self.processed);
            } else {
                if let Some(witness) = &self.witness {
                    witness.rejected(&record, &self.findings, &self.plan);
                }
                reject(
                    &record,
                    &self.writer,
                    &self.findings,
                    &mut self.tally,
                    (&mut self.rejected, &mut self.errors),
                );
            }
        }
    }

    /// Goes on where the split stopped, to find out which keys may occur again.
    #[must_use]
    pub fn into_survey(self) -> Survey {
        Survey::new(self.input, self.plan, self.keys)
    }
}

/// Puts a record into rejected, and everything that is wrong with it into errors.
fn reject(
    record: &Record<'_>,
    writer: &Writer,
    findings: &Findings,
    tally: &mut Tally,
    (rejected, errors): (&mut Sink, &mut Sink),
) {
    tally.rejected();
    writer.rejected(record, findings, rejected);
    for finding in findings.iter() {
        tally.violation(&finding, record.number);
        ErrorRow { record, finding }.write(errors);
    }
}

fn unterminated(line: u64) -> Verdict {
    Verdict::new(
        FileCode::UnterminatedQuote,
        format!(
            "a quote is opened on line {line} and never closed, so nobody can tell where the rows after it begin. \
             Close the quote, or remove it, and send the file again"
        ),
    )
}

#[cfg(test)]
mod tests;
