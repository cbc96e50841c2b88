//! A first draft of a contract, from a sample of a file.
//!
//! [`Survey`] looks at records one by one, in memory that does not depend on their number beyond one hash a cell,
//! and [`Survey::draft`] writes down what they have in common. The draft is deliberately loose: a rule that a
//! person would have to take back does more harm than one that is missing. It accepts at least 99 % of its own
//! sample, and says in words what it guessed.

mod column;
mod dialect;
mod draft;

use crate::contract::own_labels;
use crate::rows::Record;
use crate::value::{FieldType, Format};

use column::Column;

pub use dialect::{Detected, detect};
pub use draft::Draft;

/// The most records that a draft should look at: more would not change it, but take time.
pub const MAX_ROWS: u64 = 100_000;
/// The most bytes that a draft should look at.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// What a column may hold. The first of two that fit equally well is taken.
const CANDIDATES: [(FieldType, Option<&str>); 17] = [
    (FieldType::Year, None),
    (FieldType::Integer, None),
    (FieldType::Number, None),
    (FieldType::Boolean, None),
    (FieldType::Date, None),
    (FieldType::Datetime, None),
    (FieldType::Time, None),
    (FieldType::Date, Some("%d/%m/%Y")),
    (FieldType::Date, Some("%m/%d/%Y")),
    (FieldType::Date, Some("%d.%m.%Y")),
    (FieldType::Date, Some("%Y/%m/%d")),
    (FieldType::Date, Some("%d-%m-%Y")),
    (FieldType::Date, Some("%m-%d-%Y")),
    (FieldType::Date, Some("%d %b %Y")),
    (FieldType::Datetime, Some("%d/%m/%Y %H:%M:%S")),
    (FieldType::Datetime, Some("%m/%d/%Y %H:%M:%S")),
    (FieldType::Datetime, Some("%Y-%m-%d %H:%M")),
];

/// A candidate with its format ready for use.
#[derive(Debug, Clone)]
struct Candidate {
    kind: FieldType,
    pattern: Option<&'static str>,
    format: Format,
}

impl Candidate {
    fn all() -> Vec<Self> {
        let ready = |(kind, pattern): (FieldType, Option<&'static str>)| Self {
            kind,
            pattern,
            format: pattern.map_or(Format::Default, |text| Format::Pattern(text.to_owned())),
        };
        CANDIDATES.into_iter().map(ready).collect()
    }
}

/// What was seen of a file.
#[derive(Debug, Clone)]
pub struct Survey {
    candidates: Vec<Candidate>,
    columns: Vec<Column>,
    width: usize,
    rows: u64,
    passed_over: u64,
}

impl Survey {
    /// A survey of a file with these column names. The columns that Gristmill adds to a rejected file are left out.
    #[must_use]
    pub fn new(labels: &[String]) -> Self {
        let candidates = Candidate::all();
        let columns = own_labels(labels).iter().map(|label| Column::new(label, candidates.len())).collect();
        Self { candidates, columns, width: labels.len(), rows: 0, passed_over: 0 }
    }

    /// Takes a record. One whose form is broken says nothing about the others and is passed over.
    pub fn add(&mut self, record: &Record<'_>) {
        if record.width != self.width || !record.faults.none() || record.fields().all(|f| f.raw().is_empty())
        {
            self.passed_over += 1;
            return;
        }
        self.rows += 1;
        for (column, field) in self.columns.iter_mut().zip(record.fields()) {
            match std::str::from_utf8(&field.text()) {
                Ok(text) => column.add(text, &self.candidates),
                Err(_) => column.add("", &self.candidates),
            }
        }
    }

    /// How many records were taken, without those passed over.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many records were passed over because their form is broken.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// The contract that the records suggest. `name` becomes the dataset's name, reduced to what one may be.
    #[must_use]
    pub fn draft(&self, name: &str) -> Draft {
        draft::of(self, name)
    }
}

#[cfg(test)]
mod tests;
