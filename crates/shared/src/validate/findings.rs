//! What was found wrong with one record, in words. One instance serves a whole file.

use std::fmt::Write as _;

use crate::rows::{Field, Oversized, Record, is_control};
use crate::violation::Code;

/// The longest value that a finding quotes, in characters.
const MAX_VALUE_CHARACTERS: usize = 200;

/// What was found wrong with one record.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    items: Vec<Item>,
    /// Columns, values and reasons, one behind the other.
    text: String,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    code: Code,
    has_column: bool,
    start: usize,
    column_end: usize,
    value_end: usize,
    end: usize,
}

/// One thing that is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding<'a> {
    /// What kind of thing.
    pub code: Code,
    /// The column; absent for what concerns the whole record.
    pub column: Option<&'a str>,
    /// The offending value, shortened, with control characters made visible.
    pub value: &'a str,
    /// What is wrong and what would be accepted, in plain words.
    pub reason: &'a str,
}

impl Findings {
    /// Forgets everything.
    #[inline]
    pub fn clear(&mut self) {
        self.items.clear();
        self.text.clear();
    }

    /// Whether nothing was found.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many things were found.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether the record was found to be blank.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.items.first().is_some_and(|item| item.code == Code::BlankRow)
    }

    /// Whether something of this code was found for the column.
    #[must_use]
    pub fn has(&self, column: &str, code: Code) -> bool {
        self.iter().any(|finding| finding.code == code && finding.column == Some(column))
    }

    /// Everything that was found, in the order in which it was.
    pub fn iter(&self) -> impl Iterator<Item = Finding<'_>> {
        self.items.iter().map(|item| {
            let part = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default();
            Finding {
                code: item.code,
                column: item.has_column.then(|| part(item.start, item.column_end)),
                value: part(item.column_end, item.value_end),
                reason: part(item.value_end, item.end),
            }
        })
    }

    /// Adds a finding. The reason begins with the column's name.
    pub fn add(&mut self, column: Option<&str>, code: Code, value: &[u8], reason: impl FnOnce(&mut String)) {
        let start = self.text.len();
        self.text.push_str(column.unwrap_or_default());
        let column_end = self.text.len();
        push_visible(&mut self.text, value);
        let value_end = self.text.len();
        if let Some(column) = column {
            self.text.push_str(column);
            self.text.push_str(": ");
        }
        reason(&mut self.text);
        let end = self.text.len();
        self.items.push(Item { code, has_column: column.is_some(), start, column_end, value_end, end });
    }

    /// Adds what is wrong with the bytes of a cell.
    pub(super) fn cell_form(&mut self, column: Option<&str>, field: &Field<'_>, max_bytes: usize) {
        let raw = field.raw();
        if raw.len() > max_bytes {
            self.add(column, Code::FieldTooLarge, raw, |text| {
                let _ = write!(text, "the cell has {} bytes; at most {max_bytes} are accepted", raw.len());
            });
        }
        if simdutf8::basic::from_utf8(raw).is_err() {
            self.add(column, Code::EncodingError, raw, |text| {
                text.push_str(
                    "some bytes of the cell are no text in the file's encoding; save the file with the encoding UTF-8",
                );
            });
        }
        if let Some(control) = raw.iter().find(|byte| is_control(**byte)) {
            self.add(column, Code::ControlCharacter, raw, |text| {
                let _ = write!(text, "the cell holds the control character U+{control:04X}; remove it");
            });
        }
        if field.has_stray_quote() {
            self.add(column, Code::MalformedQuote, raw, |text| {
                text.push_str(
                    "the cell begins with a quotation mark and does not end with it; put quotation marks around the \
                     whole cell and write those inside twice, such as \"a \"\"good\"\" phone\"",
                );
            });
        }
    }

    /// Adds what is wrong with the bytes of a record when no cell of its own shows it.
    pub(super) fn record_form(&mut self, record: &Record<'_>) {
        for (found, code, reason) in [
            (
                record.faults.not_utf8,
                Code::EncodingError,
                "some bytes of the row are no text in the file's encoding; save the file with the encoding UTF-8",
            ),
            (
                record.faults.control_character,
                Code::ControlCharacter,
                "the row holds a control character; remove it",
            ),
            (
                record.faults.malformed_quote,
                Code::MalformedQuote,
                "a quotation mark in the row is closed before more text; write one inside a quoted cell twice",
            ),
        ] {
            if found {
                self.add(None, code, record.raw, |text| text.push_str(reason));
            }
        }
    }

    /// Adds that a record is over the limit.
    pub(super) fn oversized(&mut self, oversized: &Oversized) {
        self.add(None, Code::FieldTooLarge, b"", |text| {
            let _ = write!(text, "the row has {} bytes, which is above the limit; ", oversized.bytes);
            text.push_str("only its start is kept here (sha256 of the whole: ");
            for byte in oversized.sha256 {
                let _ = write!(text, "{byte:02x}");
            }
            text.push(')');
        });
    }
}

/// Writes how many cells a record has and should have.
pub(super) fn width(text: &mut String, found: usize, expected: usize) {
    let cells = if found == 1 { "cell" } else { "cells" };
    // Writing to a String cannot fail.
    let _ = write!(text, "the row has {found} {cells}, the header has {expected}");
}

/// Writes a value so that a person can see it: shortened, control characters as escapes, foreign bytes in base64.
pub(crate) fn push_visible(out: &mut String, value: &[u8]) {
    use base64::Engine as _;
    let Ok(text) = std::str::from_utf8(value) else {
        let start = value.get(..MAX_VALUE_CHARACTERS).unwrap_or(value);
        out.push_str("base64:");
        out.push_str(&base64::engine::general_purpose::STANDARD.encode(start));
        return;
    };
    for (index, character) in text.chars().enumerate() {
        if index == MAX_VALUE_CHARACTERS {
            out.push('…');
            return;
        }
        if character.is_control() || is_invisible(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
}

/// Characters that change how their neighbours look without being seen: bidi controls and zero-width characters.
#[must_use]
pub fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
