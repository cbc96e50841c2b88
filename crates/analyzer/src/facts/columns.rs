//! Where the contract's fields are in a processed file, and how their cells are read.

use std::sync::Arc;

use shared::contract::{Contract, Field, MeasureSource, folded};
use shared::formula::Operand;
use shared::value::{FieldType, Format, Scalar};

use super::number::Number;
use super::table::{Row, TableError};

/// The places of a contract's columns in one file.
#[derive(Debug)]
pub(crate) struct Columns {
    /// For each field of the contract, how it is read.
    fields: Vec<Source>,
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
            fields: sources(contract, place),
            first_derived,
            own: first_derived + contract.derive.len(),
            width,
        })
    }

    /// How a field is read.
    pub(crate) fn field(&self, field: usize) -> Source {
        self.fields.get(field).cloned().unwrap_or_else(|| Source::computed(None))
    }

    /// How each field of the contract is read.
    pub(crate) fn fields(&self) -> &[Source] {
        &self.fields
    }

    /// The column of a derived value.
    pub(crate) fn derived(&self, derived: usize) -> Option<usize> {
        let column = self.first_derived + derived;
        (column < self.own).then_some(column)
    }

    /// How a measure is read.
    pub(crate) fn measure(&self, source: MeasureSource) -> Source {
        match source {
            MeasureSource::Field(field) => self.field(field),
            MeasureSource::Derived(derived) => Source::computed(self.derived(derived)),
        }
    }

    /// How a formula's column is read, by its name.
    pub(crate) fn named(&self, contract: &Contract, name: &str) -> Source {
        let name = folded(name);
        if let Some(index) = contract.fields.iter().position(|f| folded(&f.name) == name) {
            return self.field(index);
        }
        let derived = contract.derive.iter().position(|d| folded(&d.name) == name);
        Source::computed(derived.and_then(|index| self.derived(index)))
    }
}

/// How the fields of a contract are read. Those without missing values of their own share the contract's.
fn sources(contract: &Contract, place: impl Fn(&Field) -> Option<usize>) -> Vec<Source> {
    let shared = Arc::new(Missing::new(&contract.missing_values));
    let source = |field: &Field| Source {
        column: place(field),
        kind: Kind::of(field.kind),
        of: field.kind,
        format: field.format.clone(),
        missing: match &field.missing_values {
            Some(texts) => Arc::new(Missing::new(texts)),
            None => Arc::clone(&shared),
        },
    };
    contract.fields.iter().map(source).collect()
}

/// Where one column is, and how its cells are read.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The column; absent when the file does not have it.
    pub(crate) column: Option<usize>,
    kind: Kind,
    /// The type of the field.
    of: FieldType,
    /// How its values are written.
    format: Format,
    missing: Arc<Missing>,
}

impl Source {
    /// A column that Gristmill computed: an empty cell has no value, and numbers are in the default style.
    fn computed(column: Option<usize>) -> Self {
        let missing = Arc::new(Missing::new(&[String::new()]));
        Self { column, kind: Kind::Computed, of: FieldType::Any, format: Format::Default, missing }
    }

    /// The cell without outer spaces; `None` when it stands for "no value", or when there is no such column.
    #[inline]
    pub(crate) fn value<'a>(&self, row: Row<'a>) -> Option<&'a [u8]> {
        self.missing.value(row.cell(self.column?))
    }

    /// The cell as a number. `Err` is a cell that has a value, but not a number.
    #[inline]
    pub(crate) fn number(&self, row: Row<'_>) -> Result<Option<Number>, NotANumber> {
        match self.value(row) {
            Some(bare) => self.read(bare).map(Some).ok_or(NotANumber),
            None => Ok(None),
        }
    }

    #[inline]
    fn read(&self, bare: &[u8]) -> Option<Number> {
        if matches!(self.format, Format::Default) {
            return Number::read(bare);
        }
        match shared::value::parse(self.of, &self.format, std::str::from_utf8(bare).ok()?)? {
            Scalar::Number(number) => Some(Number::from(number)),
            _ => None,
        }
    }

    /// The cell as a formula sees it; `None` when it has no value.
    pub(crate) fn operand<'a>(&self, row: Row<'a>) -> Option<Operand<'a>> {
        let bare = self.value(row)?;
        let raw = row.cell(self.column?);
        match self.kind {
            Kind::Number => self.read(bare).map(|n| Operand::Number(n.decimal())),
            Kind::Boolean => {
                match shared::value::parse(self.of, &self.format, std::str::from_utf8(raw).ok()?)? {
                    Scalar::Boolean(value) => Some(Operand::Boolean(value)),
                    _ => None,
                }
            }
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

/// How the cells of a column are read for a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
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
            FieldType::String
            | FieldType::Date
            | FieldType::Time
            | FieldType::Datetime
            | FieldType::Yearmonth
            | FieldType::Duration
            | FieldType::Any => Self::Text,
        }
    }
}

/// The texts that stand for "no value".
#[derive(Debug)]
struct Missing {
    empty: bool,
    texts: Vec<Vec<u8>>,
}

impl Missing {
    fn new(texts: &[String]) -> Self {
        Self {
            empty: texts.iter().any(String::is_empty),
            texts: texts.iter().filter(|t| !t.is_empty()).map(|t| t.clone().into_bytes()).collect(),
        }
    }

    /// The cell without outer spaces; `None` when it stands for "no value".
    #[inline]
    fn value<'a>(&self, cell: &'a [u8]) -> Option<&'a [u8]> {
        let bare = cell.trim_ascii();
        if bare.is_empty() {
            // A cell of spaces says nothing, whatever the contract calls missing.
            return (!self.empty && cell.is_empty()).then_some(bare);
        }
        (!self.texts.iter().any(|t| t == bare || t == cell)).then_some(bare)
    }
}

/// A cell of a measure that holds no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotANumber;
