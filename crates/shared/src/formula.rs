//! The small expression language of `row-constraint`, `derive` and `flags`.

use rust_decimal::Decimal;

/// A formula that was found sound.
#[derive(Debug, Clone)]
pub struct Formula {
    text: String,
    columns: Vec<String>,
}

/// The value of a cell, or of a whole formula.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand<'a> {
    /// No value.
    Null,
    /// A number.
    Number(Decimal),
    /// A boolean.
    Boolean(bool),
    /// A text, a date, a time: compared as it is written.
    Text(&'a str),
}

/// What a formula reads its cells from.
pub trait Cells {
    /// The value of the column with this index into [`Formula::columns`].
    fn cell(&self, column: usize) -> Operand<'_>;
}

/// What is wrong with a formula.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at character {position}")]
pub struct FormulaError {
    /// Where, counted in characters from 1.
    pub position: usize,
    /// What is wrong and what would be accepted.
    pub message: String,
}

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        Ok(Self { text: text.to_owned(), columns: Vec::new() })
    }

    /// The formula as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The columns that it reads, each once, in the order of their first mention.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Its value for one record. An operation on a missing value has no value; so has one that cannot be
    /// carried out (a division by zero, a number compared with a text).
    #[must_use]
    pub fn evaluate<'a>(&'a self, _cells: &'a impl Cells) -> Operand<'a> {
        Operand::Null
    }
}
