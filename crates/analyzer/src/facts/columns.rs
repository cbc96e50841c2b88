//! Where the contract's fields are in a processed file, and which of its cells are missing.

use shared::contract::{Contract, Field, MeasureSource, folded};
use shared::value::{FieldType, Scalar};

use super::number::Number;
use super::table::{Row, TableError};

/// The places of a contract's columns in one file.
#[derive(Debug)]
pub(crate) struct Columns {
    /// For each field of the contract, its column; absent when the file does not have it.
    fields: Vec<Option<usize>>,
    /// The column of the first derived value.
    first_derived: usize,
    /// How many columns there are before those of origin.
    pub(crate) own: usize,
    /// All columns.
    pub(crate) width: usize,
}

impl Columns {
    /// Finds the columns: the file's own by name (case and outer spaces aside, as the processor does), the added
    /// ones by their place behind them.
    pub(crate) fn find(contract: &Contract, header: Row<'_>) -> Result<Self, TableError> {
        let width = header.len();
        let added = contract.derive.len() + contract.provenance.len();
        let first_derived = width
            .checked_sub(added)
            .filter(|own| *own > 0)
            .ok_or(TableError::HeaderTooShort { found: width })?;
        let labels: Vec<String> =
            (0..first_derived).map(|i| folded(&String::from_utf8_lossy(header.cell(i)))).collect();
        let place = |field: &Field| labels.iter().position(|label| *label == folded(&field.name));
        Ok(Self {
            fields: contract.fields.iter().map(place).collect(),
            first_derived,
            own: first_derived + contract.derive.len(),
            width,
        })
    }

    /// The column of a field.
    pub(crate) fn field(&self, field: usize) -> Option<usize> {
        self.fields.get(field).copied().flatten()
    }

    /// The column of a derived value.
    pub(crate) fn derived(&self, derived: usize) -> Option<usize> {
        let column = self.first_derived + derived;
        (column < self.own).then_some(column)
    }

    /// The column that a measure is read from.
    pub(crate) fn measure(&self, source: MeasureSource) -> Option<usize> {
        match source {
            MeasureSource::Field(field) => self.field(field),
            MeasureSource::Derived(derived) => self.derived(derived),
        }
    }

    /// What a formula's column is, by its name.
    pub(crate) fn named(&self, contract: &Contract, name: &str) -> Source {
        let name = folded(name);
        if let Some(index) = contract.fields.iter().position(|f| folded(&f.name) == name) {
            let kind = contract.fields.get(index).map_or(FieldType::Any, |f| f.kind);
            return Source { column: self.field(index), kind: Kind::of(kind) };
        }
        let derived = contract.derive.iter().position(|d| folded(&d.name) == name);
        Source { column: derived.and_then(|index| self.derived(index)), kind: Kind::Computed }
    }
}

/// Where a formula reads one of its columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    /// The column; absent when the file does not have it.
    pub(crate) column: Option<usize>,
    /// How its cells are read.
    pub(crate) kind: Kind,
}

/// How the cells of a column are read for a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As a number.
    Number,
    /// As yes or no.
    Boolean,
    /// As it is written.
    Text,
    /// As the result of another formula: a number, yes or no, or a text.
    Computed,
}

impl Kind {
    fn of(kind: FieldType) -> Self {
        match kind {
            FieldType::Integer | FieldType::Number | FieldType::Year => Self::Number,
            FieldType::Boolean => Self::Boolean,
            FieldType::String | FieldType::Date | FieldType::Time | FieldType::Datetime | FieldType::Any => {
                Self::Text
            }
        }
    }

    /// A cell as a yes or no.
    pub(crate) fn boolean(cell: &str) -> Option<bool> {
        match shared::value::parse(FieldType::Boolean, &shared::value::Format::Default, cell)? {
            Scalar::Boolean(value) => Some(value),
            _ => None,
        }
    }
}

/// The texts that stand for "no value".
#[derive(Debug)]
pub(crate) struct Missing {
    empty: bool,
    texts: Vec<Vec<u8>>,
}

impl Missing {
    /// Those of a contract.
    pub(crate) fn of(contract: &Contract) -> Self {
        let texts = contract.missing_values.iter().filter(|t| !t.is_empty());
        Self {
            empty: contract.missing_values.iter().any(String::is_empty),
            texts: texts.map(|t| t.clone().into_bytes()).collect(),
        }
    }

    /// The cell without outer spaces; `None` when it stands for "no value".
    #[inline]
    pub(crate) fn value<'a>(&self, cell: &'a [u8]) -> Option<&'a [u8]> {
        let bare = cell.trim_ascii();
        if bare.is_empty() {
            // A cell of spaces says nothing, whatever the contract calls missing.
            return (!self.empty && cell.is_empty()).then_some(bare);
        }
        (!self.texts.iter().any(|t| t == bare || t == cell)).then_some(bare)
    }

    /// A cell as a number. `Err` is a cell that has a value, but not a number.
    #[inline]
    pub(crate) fn number(&self, cell: &[u8]) -> Result<Option<Number>, NotANumber> {
        match self.value(cell) {
            Some(bare) => Number::read(bare).map(Some).ok_or(NotANumber),
            None => Ok(None),
        }
    }
}

/// A cell of a measure that holds no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotANumber;
