//! The small expression language of `row-constraint`, `derive` and `flags`.
//!
//! It is written as Python is, which is what Frictionless uses for `row-constraint`
//! (`https://framework.frictionlessdata.io/docs/checks/row.html`), so that other tools read the same formulas:
//! numbers, texts in quotes, `True`, `False`, `None`, column names (in backticks where they are no plain names),
//! `+ - * / %`, `< <= > >= == !=` also in chains, `in`, `is None`, `and`, `or`, `not` and parentheses.
//!
//! It differs from Python where data needs it: numbers are decimals and not binary fractions, and a missing
//! value makes the result unknown, as in SQL, instead of an error.

mod kind;
mod lexer;
mod parser;
mod tree;

use rust_decimal::Decimal;

pub use kind::Kind;
use tree::Node;

/// The longest formula, in bytes.
pub const MAX_BYTES: usize = 1024;
/// How deep parentheses and operators may be nested in each other.
pub const MAX_NESTING: usize = 64;

/// A formula that was found sound.
#[derive(Debug, Clone)]
pub struct Formula {
    text: String,
    columns: Vec<String>,
    root: Node,
}

/// The value of a cell, or of a whole formula.
#[derive(Debug, Clone, Copy, PartialEq)]
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

impl Default for Formula {
    /// The formula `None`, which never has a value.
    fn default() -> Self {
        Self { text: "None".to_owned(), columns: Vec::new(), root: Node::Null }
    }
}

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        let (root, columns) = parser::parse(text)?;
        Ok(Self { text: text.to_owned(), columns, root })
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

    /// What its values are, where that can be known from what its columns hold.
    ///
    /// # Errors
    /// Why it can never have a value, and what would be accepted.
    pub fn kind(&self, column: impl Fn(&str) -> Option<Kind>) -> Result<Option<Kind>, String> {
        kind::of(&self.root, &|index| self.columns.get(index).and_then(|name| column(name)))
    }

    /// Its value for one record. An operation on a missing value has no value; so has one that cannot be
    /// carried out (a division by zero, a number compared with a text).
    #[must_use]
    pub fn evaluate<'a>(&'a self, cells: &'a impl Cells) -> Operand<'a> {
        self.root.evaluate(cells)
    }
}

#[cfg(test)]
mod tests;
