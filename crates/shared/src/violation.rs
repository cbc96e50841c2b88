//! The codes and the words of a violation.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with one record. Frictionless's error types where it has one, ours where it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// A cell is not of its field's type.
    TypeError,
    /// A cell breaks a constraint of its field.
    ConstraintError,
    /// The record has too few cells.
    MissingCell,
    /// The record has too many cells.
    ExtraCell,
    /// Every cell of the record is empty.
    BlankRow,
    /// A value of a `unique` field was seen before.
    UniqueError,
    /// A primary key was seen before, or is missing.
    PrimaryKey,
    /// A value is none of those of a reference file.
    ForeignKey,
    /// A `row-constraint` formula does not hold.
    RowConstraint,
    /// The bytes are not in the file's encoding.
    EncodingError,
    /// Text after a closing quote.
    MalformedQuote,
    /// A control character other than tab, CR and LF.
    ControlCharacter,
    /// A field or a record over its limit.
    FieldTooLarge,
}

impl Code {
    /// Every code, in the order of the enum.
    pub const ALL: [Self; 13] = [
        Self::TypeError,
        Self::ConstraintError,
        Self::MissingCell,
        Self::ExtraCell,
        Self::BlankRow,
        Self::UniqueError,
        Self::PrimaryKey,
        Self::ForeignKey,
        Self::RowConstraint,
        Self::EncodingError,
        Self::MalformedQuote,
        Self::ControlCharacter,
        Self::FieldTooLarge,
    ];

    /// The code as it stands in files, events and mails.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TypeError => "type-error",
            Self::ConstraintError => "constraint-error",
            Self::MissingCell => "missing-cell",
            Self::ExtraCell => "extra-cell",
            Self::BlankRow => "blank-row",
            Self::UniqueError => "unique-error",
            Self::PrimaryKey => "primary-key",
            Self::ForeignKey => "foreign-key",
            Self::RowConstraint => "row-constraint",
            Self::EncodingError => "encoding-error",
            Self::MalformedQuote => "malformed-quote",
            Self::ControlCharacter => "control-character",
            Self::FieldTooLarge => "field-too-large",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with a whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileCode {
    /// The object is gone or cannot be read.
    SourceError,
    /// The file is not laid out as its contract says.
    FormatError,
    /// The file is in an encoding that cannot be read.
    EncodingError,
    /// The same column twice.
    DuplicateLabel,
    /// A required column is missing.
    MissingLabel,
    /// A column without a name.
    BlankLabel,
    /// A column that the contract does not allow.
    ExtraLabel,
    /// A column that stands where another one should.
    IncorrectLabel,
    /// A quote that is opened and never closed.
    UnterminatedQuote,
    /// More columns than the limit.
    TooManyColumns,
    /// The header or a name in it is over the limit.
    FieldTooLarge,
    /// The file is over the limit.
    FileTooLarge,
    /// Nothing in it.
    EmptyFile,
    /// A header and nothing else. The one code of a run that completes.
    NoRows,
    /// Not a CSV at all.
    UnsupportedFormat,
    /// The contract for the file is broken.
    ContractError,
    /// More rejected records than the contract allows. The run is held, not rejected.
    TooManyRejected,
    /// Fewer records than the contract asks for. The run is held, not rejected.
    TooFewRows,
    /// A column has fewer values than the contract asks for. The run is held, not rejected.
    TooFewValues,
    /// More keys that occur again than can be told apart within the memory limit.
    TooManyKeys,
}

impl FileCode {
    /// The code as it stands in files, events and mails.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SourceError => "source-error",
            Self::FormatError => "format-error",
            Self::EncodingError => "encoding-error",
            Self::DuplicateLabel => "duplicate-label",
            Self::MissingLabel => "missing-label",
            Self::BlankLabel => "blank-label",
            Self::ExtraLabel => "extra-label",
            Self::IncorrectLabel => "incorrect-label",
            Self::UnterminatedQuote => "unterminated-quote",
            Self::TooManyColumns => "too-many-columns",
            Self::FieldTooLarge => "field-too-large",
            Self::FileTooLarge => "file-too-large",
            Self::EmptyFile => "empty-file",
            Self::NoRows => "no-rows",
            Self::UnsupportedFormat => "unsupported-format",
            Self::ContractError => "contract-error",
            Self::TooManyRejected => "too-many-rejected",
            Self::TooFewRows => "too-few-rows",
            Self::TooFewValues => "too-few-values",
            Self::TooManyKeys => "too-many-keys",
        }
    }
}

impl fmt::Display for FileCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The one verdict over a file whose records cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {reason}")]
pub struct Verdict {
    /// The code.
    pub code: FileCode,
    /// What was found, where, and what to do, in plain words.
    pub reason: String,
}

impl Verdict {
    /// A verdict.
    pub fn new(code: FileCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}
