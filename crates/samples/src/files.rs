//! The files of `samples/`, each with the verdict that it must get.

mod cells;
mod encodings;
mod formats;
mod headers;
mod keys;
mod records;
mod table;

use table::Table;

use crate::{Dataset, Expected, Spec};

/// A file of `samples/`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The name of the file, which says what it shows.
    pub name: &'static str,
    /// The data set whose contract judges it.
    pub dataset: Dataset,
    /// What is in it.
    pub shows: &'static str,
    /// What should happen to it, in words.
    pub gets: &'static str,
    /// What should happen to it, for tests.
    pub outcome: Outcome,
    /// The file itself.
    pub bytes: Vec<u8>,
}

/// The verdict that a file must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is split into so many valid and rejected records.
    Split {
        /// Records in the processed file.
        valid: u64,
        /// Records in the rejected file.
        rejected: u64,
    },
    /// It is refused whole, with this code.
    Refused {
        /// The code of the verdict.
        code: &'static str,
    },
}

/// Every file of `samples/`, in the order in which its README lists them.
pub fn files() -> Vec<Sample> {
    let mut files = datasets();
    files.extend(headers::samples());
    files.extend(records::samples());
    files.extend(keys::samples());
    files.extend(cells::samples());
    files.extend(encodings::samples());
    files.extend(formats::samples());
    files
}

/// The larger files, and the one that a deploy drops.
fn datasets() -> Vec<Sample> {
    let made = |dataset: Dataset, name, records, shows, gets| {
        let mut bytes = Vec::new();
        // A Vec takes every write, so the counts are always there.
        let written = dataset.write(&mut bytes, &Spec { seed: 2026, ..Spec::records(records) });
        let Expected { valid, rejected, .. } = written.unwrap_or_default();
        Sample { name, dataset, shows, gets, outcome: Outcome::Split { valid, rejected }, bytes }
    };
    vec![
        made(
            Dataset::SmartphoneSales,
            "smartphone_sales.csv",
            1_000,
            "two years of sales in seven brands: reviews that differ by model, prices by storage, a season",
            "the whole pipeline: facts, a report, rejected rows with reasons; a few prices with a nought too many are \
             within the range and stay in",
        ),
        made(
            Dataset::HealthMetrics,
            "health_metrics.csv",
            500,
            "one working day of twelve people: a fever, high blood pressure, low oxygen, an athlete",
            "the readings of those four people are flagged; sensor faults are rejected",
        ),
        made(
            Dataset::CustomerOrders,
            "customer_orders.csv",
            200,
            "a web shop's year of orders, some of them wholesale",
            "order numbers used twice, prices with currency signs and the like are rejected",
        ),
        made(
            Dataset::SmokeTest,
            "smoke_test.csv",
            20,
            "what a deploy drops to see that a file becomes a report",
            "a report to the mailbox simulator of SES; the record of the run shows that it was sent",
        ),
    ]
}

/// A small file of smartphone sales.
fn sales_file(
    name: &'static str,
    shows: &'static str,
    gets: &'static str,
    outcome: Outcome,
    bytes: impl Into<Vec<u8>>,
) -> Sample {
    Sample { name, dataset: Dataset::SmartphoneSales, shows, gets, outcome, bytes: bytes.into() }
}

const fn split(valid: u64, rejected: u64) -> Outcome {
    Outcome::Split { valid, rejected }
}

const fn refused(code: &'static str) -> Outcome {
    Outcome::Refused { code }
}

/// So many sales without a mistake and without a quoted cell.
fn sales(count: u64) -> Table {
    Table::generated(Dataset::SmartphoneSales, count)
}
