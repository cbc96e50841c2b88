//! Taking back what rejects too much of the sample.

use std::collections::{BTreeMap, BTreeSet};

use super::column::Column;
use crate::contract::folded;
use crate::validate::Findings;
use crate::violation::Code;

/// What a draft makes of its own sample.
#[derive(Debug, Default)]
pub(super) struct Trial {
    pub(super) rows: u64,
    pub(super) accepted: u64,
    /// How often each code hit each column.
    hits: BTreeMap<(Code, String), u64>,
}

impl Trial {
    pub(super) fn add(&mut self, findings: &Findings) {
        self.rows += 1;
        self.accepted += u64::from(findings.is_empty());
        for finding in findings.iter() {
            *self.hits.entry((finding.code, folded(finding.column.unwrap_or_default()))).or_default() += 1;
        }
    }
}

/// What of a draft was taken back, by column.
#[derive(Debug, Default)]
pub(super) struct Relaxed {
    types: BTreeSet<String>,
    constraints: BTreeSet<String>,
    key: bool,
}

impl Relaxed {
    /// Takes back what rejects the most; `false` when nothing of it can be.
    pub(super) fn take_back(&mut self, trial: &Trial, columns: &[Column]) -> bool {
        let mut hits: Vec<_> = trial.hits.iter().collect();
        hits.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        hits.into_iter().any(|((code, column), _)| {
            let known = columns.iter().any(|other| folded(&other.label) == *column);
            match code {
                Code::PrimaryKey | Code::UniqueError => !std::mem::replace(&mut self.key, true),
                Code::ConstraintError => known && self.constraints.insert(column.clone()),
                _ => known && self.types.insert(column.clone()),
            }
        })
    }

    /// Whether the column is a text, whatever its values look like.
    pub(super) fn is_text(&self, column: &Column) -> bool {
        self.types.contains(&folded(&column.label))
    }

    /// Whether the column has no constraints.
    pub(super) fn is_free(&self, column: &Column) -> bool {
        self.constraints.contains(&folded(&column.label))
    }

    /// Whether there is no key.
    pub(super) fn has_no_key(&self) -> bool {
        self.key
    }
}
