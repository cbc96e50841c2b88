//! Counts and codes, in memory that depends on the contract alone.

use std::collections::BTreeMap;

use crate::contract::folded;
use crate::events::Rows;
use crate::manifest::{ViolationCount, cut};
use crate::validate::Finding;
use crate::violation::Code;

/// How many kinds of violation (column and code) are counted apart. People fix the most frequent ones first.
pub(crate) const MAX_KINDS: usize = 1_000;
/// The longest first reason that is kept, in bytes.
const MAX_REASON_BYTES: usize = 300;

/// The counts of a file.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    rows: Rows,
    codes: BTreeMap<Code, u64>,
    kinds: BTreeMap<(Code, Option<usize>), Kind>,
    /// The file's column names, folded; behind them those of keys of several columns, as they come.
    labels: Vec<String>,
}

#[derive(Debug, Clone)]
struct Kind {
    count: u64,
    first_row: u64,
    first_reason: String,
    column: Option<String>,
}

impl Tally {
    pub(super) fn new(labels: &[String]) -> Self {
        Self { labels: labels.iter().map(|label| folded(label)).collect(), ..Self::default() }
    }

    #[inline]
    pub(super) fn valid(&mut self) {
        self.rows.total += 1;
        self.rows.valid += 1;
    }

    pub(super) fn rejected(&mut self) {
        self.rows.total += 1;
        self.rows.rejected += 1;
    }

    pub(super) fn violation(&mut self, finding: &Finding<'_>, row: u64) {
        *self.codes.entry(finding.code).or_default() += 1;
        // What is no label of the file is a key of several columns. A contract has few of them.
        let place = finding.column.map(|column| {
            let column = folded(column);
            self.labels.iter().position(|label| *label == column).unwrap_or_else(|| {
                self.labels.push(column);
                self.labels.len() - 1
            })
        });
        let full = self.kinds.len() >= MAX_KINDS;
        match self.kinds.entry((finding.code, place)) {
            std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().count += 1,
            std::collections::btree_map::Entry::Vacant(_) if full => {}
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Kind {
                    count: 1,
                    first_row: row,
                    first_reason: cut(finding.reason, MAX_REASON_BYTES).to_owned(),
                    column: finding.column.map(str::to_owned),
                });
            }
        }
    }

    /// How the records fared.
    #[must_use]
    pub fn rows(&self) -> Rows {
        self.rows
    }

    /// Violations by code.
    #[must_use]
    pub fn codes(&self) -> BTreeMap<String, u64> {
        self.codes.iter().map(|(code, count)| (code.to_string(), *count)).collect()
    }

    /// Violations by column and code, most frequent first.
    #[must_use]
    pub fn violations(&self) -> Vec<ViolationCount> {
        let mut list: Vec<ViolationCount> = self
            .kinds
            .iter()
            .map(|((code, _), kind)| ViolationCount {
                code: *code,
                column: kind.column.clone(),
                count: kind.count,
                first_row: kind.first_row,
                first_reason: kind.first_reason.clone(),
            })
            .collect();
        // The sort is stable: equal counts stay in the order of code and column.
        list.sort_by_key(|kind| std::cmp::Reverse(kind.count));
        list
    }
}
