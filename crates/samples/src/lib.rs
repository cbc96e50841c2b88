//! Test data of our own: believable files with known mistakes, written by a generator whose seed is fixed.
//!
//! Four generators stream a data set of any size, deterministically: [`smartphone_sales`], [`health_metrics`],
//! [`customer_orders`], [`shipments`] and [`smoke_test`]. Each returns how many records it wrote and how many of them a contract must reject.
//! [`files`] lists the small files of `samples/`, each named by what it shows and paired with the verdict that
//! it must get, so that tests can walk over them. Brands, models, people and readings are invented.
//!
//! Everything is integer arithmetic over [a generator of our own](Random), so the bytes are the same on every
//! platform and with every version of every dependency.

mod calendar;
mod customer_orders;
mod files;
mod health_metrics;
mod random;
mod readme;
mod sheet;
mod shipments;
mod smartphone_sales;
mod smoke_test;

use std::io::{self, Write};

pub use customer_orders::customer_orders;
pub use files::{Outcome, Sample, files};
pub use health_metrics::health_metrics;
pub use random::Random;
pub use readme::readme;
pub use shipments::shipments;
pub use smartphone_sales::smartphone_sales;
pub use smoke_test::smoke_test;

/// What to generate.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// The seed: equal specs give equal bytes.
    pub seed: u64,
    /// How much to write.
    pub rows: Rows,
    /// The share of records with a mistake in them, 0 to 1.
    pub bad_share: f64,
    /// The share of sales whose review needs quoting (a comma, a line break or a quotation mark), 0 to 1.
    pub quoted_share: f64,
    /// Whether some sales carry a review of unusual length.
    pub long_text: LongText,
}

impl Spec {
    /// A benchmark file of at least `bytes` bytes: 5 % of the records broken, 6.5 % of the reviews quoted.
    pub fn benchmark(bytes: u64) -> Self {
        Self { rows: Rows::Bytes(bytes), bad_share: 0.05, ..Self::records(0) }
    }

    /// A file of `count` records, 8 % of them broken, 6.5 % of the reviews quoted.
    pub fn records(count: u64) -> Self {
        Self {
            seed: 1,
            rows: Rows::Count(count),
            bad_share: 0.08,
            quoted_share: 0.065,
            long_text: LongText::None,
        }
    }
}

/// How much to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// This many records.
    Count(u64),
    /// Whole records until the file, header included, has at least this many bytes.
    Bytes(u64),
}

/// Reviews of unusual length, to try limits with; only sales have reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongText {
    /// No such review.
    None,
    /// The hundredth record has a review of 1 MiB: over the limit for a field, so it counts as rejected.
    OneRecord,
    /// Every thousandth record has a review of 64 KiB less one byte, which is still within the limit.
    JustWithinLimit,
}

/// What a contract must find in a generated file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// Records in the file, the header not counted.
    pub records: u64,
    /// Records without a mistake.
    pub valid: u64,
    /// Records with at least one mistake.
    pub rejected: u64,
}

/// The data sets that can be generated; each has a contract of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dataset {
    /// Sales of smartphones with customers' reviews.
    SmartphoneSales,
    /// Readings of wearable health monitors.
    HealthMetrics,
    /// Orders of a small web shop.
    CustomerOrders,
    /// Shipments of a forwarder. Its contract has a reference file.
    Shipments,
    /// What a deploy drops to see that a file becomes a report.
    SmokeTest,
}

impl Dataset {
    /// Every data set.
    pub const ALL: [Self; 5] =
        [Self::SmartphoneSales, Self::HealthMetrics, Self::CustomerOrders, Self::Shipments, Self::SmokeTest];

    /// The name, as in `input/<name>/` and `contracts/<name>.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SmartphoneSales => "smartphone_sales",
            Self::HealthMetrics => "health_metrics",
            Self::CustomerOrders => "customer_orders",
            Self::Shipments => "shipments",
            Self::SmokeTest => "smoke_test",
        }
    }

    /// The data set with this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dataset| dataset.name() == name)
    }

    /// Writes this data set as CSV.
    ///
    /// # Errors
    ///
    /// Fails when `out` does.
    pub fn write(self, out: &mut impl Write, spec: &Spec) -> io::Result<Expected> {
        match self {
            Self::SmartphoneSales => smartphone_sales(out, spec),
            Self::HealthMetrics => health_metrics(out, spec),
            Self::CustomerOrders => customer_orders(out, spec),
            Self::Shipments => shipments(out, spec),
            Self::SmokeTest => smoke_test(out, spec),
        }
    }
}
