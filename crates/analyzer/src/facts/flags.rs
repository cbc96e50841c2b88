//! Named formulas that mark a record.

use shared::contract::{Contract, Flag};
use shared::formula::{Cells, Operand};

use super::columns::{Columns, Source};
use super::table::Row;

/// A flag and the records that it marked.
pub(crate) struct FlagCount {
    pub(crate) flag: Flag,
    sources: Vec<Source>,
    /// Records for which the formula holds.
    pub(crate) count: u64,
}

impl FlagCount {
    /// The flags of a contract, ready for one file.
    pub(crate) fn of(contract: &Contract, columns: &Columns) -> Vec<Self> {
        let count = |flag: &Flag| Self {
            sources: flag.formula.columns().iter().map(|name| columns.named(contract, name)).collect(),
            flag: flag.clone(),
            count: 0,
        };
        contract.analysis.flags.iter().map(count).collect()
    }

    /// Takes a record.
    pub(crate) fn add(&mut self, row: Row<'_>) {
        let cells = RowCells { row, sources: &self.sources };
        if self.flag.formula.evaluate(&cells) == Operand::Boolean(true) {
            self.count += 1;
        }
    }
}

struct RowCells<'a> {
    row: Row<'a>,
    sources: &'a [Source],
}

impl Cells for RowCells<'_> {
    fn cell(&self, column: usize) -> Operand<'_> {
        self.sources.get(column).and_then(|source| source.operand(self.row)).unwrap_or(Operand::Null)
    }
}
