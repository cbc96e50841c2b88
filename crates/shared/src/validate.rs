//! One record against one contract, all violations at once.
//!
//! A [`Plan`] is a contract compiled for one header. A good record is accepted on its bytes, without an
//! allocation; only a record that is not accepted at once is looked at again, to say everything that is wrong.

mod cell;
mod findings;
mod header;
mod keys;
mod part;
mod quick;
mod references;
mod relation;

pub(crate) use findings::push_visible;
pub use findings::{Finding, Findings, is_invisible};
pub use header::check_labels;
pub use keys::{KeyLimits, Keys, Overflow};
pub(crate) use part::push_canonical;

use cell::Column;
use keys::KeyCheck;
use quick::{Check, Missing};
use references::ReferenceCheck;
use relation::Relation;

use crate::contract::Contract;
use crate::rows::{Limits, Record};
use crate::violation::{Code, Verdict};

/// A contract compiled for one header.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The file's own column names, without those that Gristmill had added to a rejected file.
    labels: Vec<String>,
    /// How many cells a record has, the ignored ones included.
    width: usize,
    /// The checks at first sight, by position.
    checks: Vec<Check>,
    /// The checks in full, of the columns that the contract speaks of.
    columns: Vec<Column>,
    missing: Missing,
    relations: Vec<Relation>,
    keys: Vec<KeyCheck>,
    references: Vec<ReferenceCheck>,
    /// The columns that must be filled for the file to pass its gates: where they stand, and what says nothing there.
    gates: Vec<(Option<usize>, Missing)>,
    derived: Vec<Relation>,
    field_bytes: usize,
    notes: Vec<String>,
}

impl Plan {
    /// Compiles a contract for a header.
    ///
    /// # Errors
    /// The one verdict over a file with this header: a column without a name, the same column twice, too many
    /// columns, or columns that do not match the contract's fields.
    pub fn new(contract: &Contract, labels: &[String], limits: &Limits) -> Result<Self, Verdict> {
        let fit = header::fit(contract, labels, limits)?;
        let missing = Missing::new(&contract.missing_values);
        let columns: Vec<Column> = fit
            .positions
            .iter()
            .zip(&contract.fields)
            .filter_map(|(position, field)| Some(Column::new((*position)?, field, &missing)))
            .collect();
        let mut checks = vec![Check::NONE; fit.own_labels.len()];
        for (position, field) in fit.positions.iter().zip(&contract.fields) {
            if let Some(position) = *position
                && let Some(check) = checks.get_mut(position)
            {
                *check = Check::new(position, field, &missing);
            }
        }
        let gate = |(index, _): &(usize, rust_decimal::Decimal)| {
            let none = contract.fields.get(*index).map(|field| Missing::of(field, &missing));
            (fit.positions.get(*index).copied().flatten(), none.unwrap_or_default())
        };
        let bind =
            |formula: &crate::formula::Formula| Relation::new(formula, contract, &fit.positions, &missing);
        Ok(Self {
            width: labels.len(),
            relations: contract.row_constraints.iter().map(bind).collect(),
            derived: contract.derive.iter().map(|derived| bind(&derived.formula)).collect(),
            keys: keys::checks(contract, &fit.positions, &missing),
            references: references::checks(contract, &fit.positions, &missing)?,
            gates: contract.routing.min_filled.iter().map(gate).collect(),
            checks,
            columns,
            missing,
            labels: fit.own_labels,
            field_bytes: limits.field_bytes,
            notes: fit.notes,
        })
    }

    /// The file's own column names, in its order.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// What was noticed about the header and tolerated.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How many of a record's cells are the file's own.
    #[must_use]
    pub fn own_width(&self) -> usize {
        self.labels.len()
    }

    /// How many cells a record has in all.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The value of a derived column for a record that was accepted; nothing where it has none.
    pub fn derive(&self, index: usize, record: &Record<'_>, out: &mut Vec<u8>) {
        if let Some(relation) = self.derived.get(index) {
            relation.write_value(record, out);
        }
    }

    /// Judges a record: whether it follows the contract. What is wrong with it is added to `findings`.
    ///
    /// # Errors
    /// [`Overflow`] when the keys of the file are more than can be remembered.
    #[inline]
    pub fn judge(
        &self,
        record: &Record<'_>,
        keys: &mut Keys,
        findings: &mut Findings,
    ) -> Result<bool, Overflow> {
        findings.clear();
        if !self.accepts(record) {
            self.explain(record, findings);
        }
        let has_keys = !self.keys.is_empty() || !self.references.is_empty();
        if has_keys && record.oversized.is_none() && !findings.is_blank() {
            references::judge(&self.references, record, &mut keys.bytes, findings);
            keys::judge(&self.keys, record, keys, findings)?;
        }
        Ok(findings.is_empty())
    }

    /// How many columns are counted by [`count_filled`](Self::count_filled).
    #[must_use]
    pub fn gates(&self) -> usize {
        self.gates.len()
    }

    /// Counts the columns that a gate of the contract is about and that have a value in the record.
    #[inline]
    pub fn count_filled(&self, record: &Record<'_>, counts: &mut [u64]) {
        for ((position, missing), count) in self.gates.iter().zip(counts) {
            if let Some(cell) = position.and_then(|position| record.field(position))
                && !missing.contains(&cell.text())
            {
                *count += 1;
            }
        }
    }

    /// Remembers those keys of a record that may occur again, and judges nothing.
    ///
    /// # Errors
    /// [`Overflow::Suspects`] when these are more than can be remembered.
    pub fn survey(&self, record: &Record<'_>, keys: &mut Keys) -> Result<(), Overflow> {
        if record.oversized.is_some() { Ok(()) } else { keys::survey(&self.keys, record, keys) }
    }

    /// Whether a record is fine at first sight. `false` means that it has to be looked at again.
    #[inline]
    fn accepts(&self, record: &Record<'_>) -> bool {
        record.width == self.width
            && record.faults.none()
            && record.raw.len() <= self.field_bytes
            && !may_be_blank(record)
            && self
                .checks
                .iter()
                .zip(record.fields())
                .all(|(check, cell)| check.accepts(&cell.text(), &self.missing))
            && self.relations.iter().all(|relation| relation.holds(record))
    }

    /// Everything that is wrong with a record.
    fn explain(&self, record: &Record<'_>, findings: &mut Findings) {
        if let Some(oversized) = record.oversized {
            findings.oversized(oversized);
            return;
        }
        if is_blank(record, self.width) {
            findings.add(None, Code::BlankRow, b"", |text| {
                text.push_str("every cell of the row is empty; remove the row")
            });
            return;
        }
        if !record.faults.none() || record.raw.len() > self.field_bytes {
            self.explain_form(record, findings);
        }
        self.explain_width(record, findings);
        for column in &self.columns {
            column.explain(record, findings);
        }
        for relation in &self.relations {
            relation.explain(record, findings);
        }
    }

    /// What is wrong with the bytes of each cell, whatever the contract says of it.
    fn explain_form(&self, record: &Record<'_>, findings: &mut Findings) {
        let before = findings.len();
        for (position, field) in record.fields().enumerate().take(self.own_width()) {
            findings.cell_form(self.label(position), &field, self.field_bytes);
        }
        if findings.len() == before && !record.faults.none() {
            findings.record_form(record);
        }
    }

    fn explain_width(&self, record: &Record<'_>, findings: &mut Findings) {
        let (found, expected) = (record.width, self.width);
        if found > expected {
            findings.add(None, Code::ExtraCell, b"", |text| {
                findings::width(text, found, expected);
                text.push_str("; is a comma or a quote missing or too many?");
            });
        }
        for label in self.labels.get(found..).unwrap_or_default() {
            findings.add(Some(label), Code::MissingCell, b"", |text| {
                text.push_str("there is no cell for it: ");
                findings::width(text, found, expected);
            });
        }
    }

    fn label(&self, position: usize) -> Option<&str> {
        self.labels.get(position).map(String::as_str)
    }
}

/// Whether a record begins in a way that a blank one does.
#[inline]
fn may_be_blank(record: &Record<'_>) -> bool {
    match record.raw.first() {
        None | Some(b'"' | b' ') => is_blank(record, record.width),
        _ => record.field(0).is_some_and(|first| first.raw().is_empty()) && is_blank(record, record.width),
    }
}

/// Whether every cell is empty, or the whole record is one cell of spaces.
fn is_blank(record: &Record<'_>, width: usize) -> bool {
    if record.width == 1 && width != 1 {
        let says_nothing =
            |field: crate::rows::Field<'_>| field.text().iter().all(|byte| matches!(byte, b' ' | b'\t'));
        return record.fields().all(says_nothing);
    }
    record.fields().all(|field| field.text().is_empty())
}

#[cfg(test)]
mod tests;
