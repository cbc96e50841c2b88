//! Named formulas that mark a record.

use shared::contract::{Contract, Flag};
use shared::formula::{Cells, Operand};

use super::columns::{Columns, Kind, Missing, Source};
use super::number::Number;
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
    pub(crate) fn add(&mut self, row: Row<'_>, missing: &Missing) {
        let cells = RowCells { row, sources: &self.sources, missing };
        if self.flag.formula.evaluate(&cells) == Operand::Boolean(true) {
            self.count += 1;
        }
    }
}

struct RowCells<'a> {
    row: Row<'a>,
    sources: &'a [Source],
    missing: &'a Missing,
}

impl RowCells<'_> {
    fn operand(&self, column: usize) -> Option<Operand<'_>> {
        let source = self.sources.get(column)?;
        let raw = self.row.cell(source.column?);
        let bare = self.missing.value(raw)?;
        match source.kind {
            Kind::Number => Number::read(bare).map(|n| Operand::Number(n.decimal())),
            Kind::Boolean => Kind::boolean(std::str::from_utf8(bare).ok()?).map(Operand::Boolean),
            Kind::Text => std::str::from_utf8(raw).ok().map(Operand::Text),
            Kind::Computed => Some(match (Number::read(bare), bare) {
                (Some(number), _) => Operand::Number(number.decimal()),
                (None, b"true") => Operand::Boolean(true),
                (None, b"false") => Operand::Boolean(false),
                (None, _) => Operand::Text(std::str::from_utf8(raw).ok()?),
            }),
        }
    }
}

impl Cells for RowCells<'_> {
    fn cell(&self, column: usize) -> Operand<'_> {
        self.operand(column).unwrap_or(Operand::Null)
    }
}
