//! What to do about a code, in plain words.

use shared::violation::{Code, FileCode};

/// What is wrong with a record, as a heading over its column.
pub(super) fn what(code: Code) -> &'static str {
    match code {
        Code::TypeError => "value of the wrong type",
        Code::ConstraintError => "value missing or not allowed",
        Code::MissingCell => "too few cells",
        Code::ExtraCell => "too many cells",
        Code::BlankRow => "blank row",
        Code::UniqueError => "value that must be unique appears again",
        Code::PrimaryKey => "key missing or used before",
        Code::ForeignKey => "value that the reference list does not have",
        Code::RowConstraint => "values that do not fit together",
        Code::EncodingError => "unreadable characters",
        Code::MalformedQuote => "stray quote",
        Code::ControlCharacter => "control character",
        Code::FieldTooLarge => "value or row too long",
    }
}

/// How a rejected record is put right.
pub(super) fn fix(code: Code) -> &'static str {
    match code {
        Code::TypeError => "Write the value in the form that the contract asks for.",
        Code::ConstraintError => "Give a value that the contract allows; a required one cannot be empty.",
        Code::MissingCell => "Add the missing cells; look for a lost delimiter.",
        Code::ExtraCell => "Remove the extra cells; put values that contain the delimiter in quotes.",
        Code::BlankRow => "Delete the row, or fill it in.",
        Code::UniqueError => "Keep one of the rows, or give the others a value of their own.",
        Code::PrimaryKey => "Give the row a key of its own, or delete it if it repeats another row.",
        Code::ForeignKey => {
            "Write a value that the reference list has, or have it added to the list by the contract's owner."
        }
        Code::RowConstraint => "Correct the values that contradict each other.",
        Code::EncodingError => "Save the file as UTF-8, or name its encoding in the contract.",
        Code::MalformedQuote => "Put the whole value in quotes and double the quotes inside it.",
        Code::ControlCharacter => "Remove the invisible control character from the value.",
        Code::FieldTooLarge => "Shorten the value; look for a quote that is never closed.",
    }
}

/// How a refused or held file is put right.
pub(super) fn fix_file(code: FileCode) -> &'static str {
    match code {
        FileCode::SourceError => "Upload the file again.",
        FileCode::FormatError => {
            "Save the file in the layout that its contract describes, and drop it again."
        }
        FileCode::EncodingError => {
            "Save the file as UTF-8 (in Excel: \u{201c}CSV UTF-8\u{201d}), or name its encoding in the contract, and drop it again."
        }
        FileCode::DuplicateLabel => "Give each column a name of its own, and drop the file again.",
        FileCode::MissingLabel => {
            "Make the column names the first line of the file, add the missing columns, and drop the file again."
        }
        FileCode::BlankLabel => {
            "Give every column a name, or remove the empty column, and drop the file again."
        }
        FileCode::ExtraLabel => {
            "Remove the columns that the contract does not allow, and drop the file again."
        }
        FileCode::IncorrectLabel => "Put the columns in the contract's order, and drop the file again.",
        FileCode::UnterminatedQuote => {
            "Close the quote, or double it if it belongs to the text, and drop the file again."
        }
        FileCode::TooManyColumns => "Remove columns that are not needed, and drop the file again.",
        FileCode::FieldTooLarge => "Shorten the header, and drop the file again.",
        FileCode::FileTooLarge => "Split the file into smaller ones, and drop them one by one.",
        FileCode::EmptyFile => "Check the export that made the file, and drop it again.",
        FileCode::NoRows => "If rows were expected, check the export that made the file, and drop it again.",
        FileCode::UnsupportedFormat => "Save the table as CSV, and drop that.",
        FileCode::ContractError => {
            "Correct the contract; the file itself was not judged. Then drop the file again."
        }
        FileCode::TooManyRejected => {
            "Correct the rejected rows in the original file, or raise the limit in the contract, and drop the whole file again."
        }
        FileCode::TooFewRows => {
            "Send the whole file if it was cut short, or lower the limit in the contract, and drop the file again."
        }
        FileCode::TooFewValues => {
            "Fill in the column in the original file, or lower the limit in the contract, and drop the whole file again."
        }
        FileCode::TooManyKeys => "Split the file into smaller ones, and drop them one by one.",
    }
}
