//! Formulas over one record: row constraints and derived columns.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt::Write as _;
use std::io::Write as _;

use super::findings::{Findings, push_visible};
use super::quick::Missing;
use crate::contract::Contract;
use crate::formula::{Cells, Formula, Operand};
use crate::rows::Record;
use crate::value::{self, FieldType, Format, Scalar, Short};
use crate::violation::Code;

/// A formula bound to the columns of a file.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    formula: Formula,
    inputs: Vec<Input>,
}

#[derive(Debug, Clone)]
struct Input {
    position: Option<usize>,
    kind: FieldType,
    format: Format,
    missing: Missing,
}

/// The cells of one record that a formula reads; text is kept here while the formula looks at it.
struct Bound<'r, 'a> {
    relation: &'r Relation,
    record: &'r Record<'a>,
    texts: Vec<OnceCell<Cow<'a, [u8]>>>,
}

impl Relation {
    pub(super) fn new(
        formula: &Formula,
        contract: &Contract,
        positions: &[Option<usize>],
        missing: &Missing,
    ) -> Self {
        let input = |name: &String| {
            let index = contract.fields.iter().position(|field| field.name == *name);
            let field = index.and_then(|index| contract.fields.get(index));
            Input {
                position: index.and_then(|index| positions.get(index).copied().flatten()),
                kind: field.map_or(FieldType::Any, |field| field.kind),
                format: field.map_or(Format::Default, |field| field.format.clone()),
                missing: field.map_or_else(|| missing.clone(), |field| Missing::of(field, missing)),
            }
        };
        let inputs = formula.columns().iter().map(input).collect();
        Self { formula: formula.clone(), inputs }
    }

    /// Whether the record does not contradict the formula. As with a CHECK in SQL, a missing value contradicts
    /// nothing.
    #[inline]
    pub(super) fn holds(&self, record: &Record<'_>) -> bool {
        let bound = self.bind(record);
        self.formula.evaluate(&bound) != Operand::Boolean(false)
    }

    fn bind<'r, 'a>(&'r self, record: &'r Record<'a>) -> Bound<'r, 'a> {
        let texts = self.inputs.iter().filter(|input| input.is_text()).map(|_| OnceCell::new()).collect();
        Bound { relation: self, record, texts }
    }

    pub(super) fn explain(&self, record: &Record<'_>, findings: &mut Findings) {
        if self.holds(record) {
            return;
        }
        findings.add(None, Code::RowConstraint, b"", |text| {
            let _ = write!(text, "the row does not satisfy {}", self.formula.text());
            let mut before = " (";
            for (name, input) in self.formula.columns().iter().zip(&self.inputs) {
                if let Some(cell) = input.position.and_then(|position| record.field(position)) {
                    let _ = write!(text, "{before}{name} is ");
                    push_visible(text, &cell.text());
                    before = ", ";
                }
            }
            if before == ", " {
                text.push(')');
            }
        });
    }

    /// Writes the formula's value for the record; nothing when it has none.
    pub(super) fn write_value(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let bound = self.bind(record);
        // Writing to a Vec cannot fail.
        let _ = match self.formula.evaluate(&bound) {
            Operand::Null => Ok(()),
            Operand::Number(number) => write!(out, "{}", number.normalize()),
            Operand::Boolean(flag) => write!(out, "{flag}"),
            Operand::Text(text) => out.write_all(text.as_bytes()),
        };
    }
}

impl Input {
    fn is_text(&self) -> bool {
        !matches!(self.kind, FieldType::Integer | FieldType::Number | FieldType::Year | FieldType::Boolean)
    }
}

impl Cells for Bound<'_, '_> {
    fn cell(&self, column: usize) -> Operand<'_> {
        self.read(column).unwrap_or(Operand::Null)
    }
}

impl Bound<'_, '_> {
    fn read(&self, column: usize) -> Option<Operand<'_>> {
        let input = self.relation.inputs.get(column)?;
        let cell = self.record.field(input.position?)?;
        if input.is_text() {
            let slot = self.relation.inputs.iter().take(column).filter(|other| other.is_text()).count();
            let text = self.texts.get(slot)?.get_or_init(|| cell.text());
            if input.missing.contains(text) {
                return None;
            }
            return std::str::from_utf8(text).ok().map(Operand::Text);
        }
        let text = cell.text();
        if input.missing.contains(&text) {
            return None;
        }
        let is_plain_number = input.format == Format::Default && input.kind != FieldType::Boolean;
        if is_plain_number && let Some(short) = Short::parse(&text) {
            return Some(Operand::Number(short.decimal()));
        }
        match value::parse(input.kind, &input.format, std::str::from_utf8(&text).ok()?)? {
            Scalar::Number(number) => Some(Operand::Number(number)),
            Scalar::Boolean(flag) => Some(Operand::Boolean(flag)),
            _ => None,
        }
    }
}
