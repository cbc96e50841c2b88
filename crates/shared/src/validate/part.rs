//! The cells that make up a key, and the bytes by which equal values are equal.

use super::quick::Missing;
use crate::contract::Contract;
use crate::rows::Record;
use crate::value::{self, FieldType, Format};

/// One column of a key.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) name: String,
    position: Option<usize>,
    kind: FieldType,
    format: Format,
    missing: Missing,
}

/// What was read of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Its bytes.
    Value,
    /// A part of it has no value.
    Missing,
    /// A part of it is not of its type.
    Unreadable,
}

impl Part {
    /// The parts of a key, bound to the columns of a file.
    pub(super) fn of(
        contract: &Contract,
        fields: &[usize],
        positions: &[Option<usize>],
        missing: &Missing,
    ) -> Vec<Self> {
        let part = |index: &usize| {
            let field = contract.fields.get(*index)?;
            let position = positions.get(*index).copied().flatten();
            Some(Self {
                name: field.name.clone(),
                position,
                kind: field.kind,
                format: field.format.clone(),
                missing: Missing::of(field, missing),
            })
        };
        fields.iter().filter_map(part).collect()
    }

    /// Adds the bytes of the cell's value.
    #[inline]
    pub(super) fn read(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Reading {
        let Some(cell) = self.position.and_then(|position| record.field(position)) else {
            return Reading::Missing;
        };
        let text = cell.text();
        if self.missing.contains(&text) {
            return Reading::Missing;
        }
        match push_canonical(self.kind, &self.format, &text, out) {
            Some(()) => Reading::Value,
            None => Reading::Unreadable,
        }
    }
}

/// Reads the parts of a key into `out`. A part without a value counts more than one that cannot be read.
#[inline]
pub(super) fn read_all(parts: &[Part], record: &Record<'_>, out: &mut Vec<u8>) -> Reading {
    out.clear();
    let mut reading = Reading::Value;
    for part in parts {
        match part.read(record, out) {
            Reading::Value => {}
            Reading::Missing => reading = Reading::Missing,
            Reading::Unreadable if reading == Reading::Value => reading = Reading::Unreadable,
            Reading::Unreadable => {}
        }
    }
    reading
}

/// The cells of a key as a person sees them.
pub(super) fn shown(parts: &[Part], record: &Record<'_>) -> Vec<u8> {
    let cells = parts.iter().filter_map(|part| record.field(part.position?));
    cells.map(|cell| cell.text().into_owned()).collect::<Vec<_>>().join(&b", "[..])
}

/// Adds the bytes by which two equal values are equal, with their length before them: `5`, `5.0` and `+5` are one
/// number. Nothing where the text is not of the type.
#[inline]
pub(crate) fn push_canonical(kind: FieldType, format: &Format, text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if matches!(kind, FieldType::String | FieldType::Any) && *format == Format::Default {
        return push(out, text);
    }
    let text = std::str::from_utf8(text).ok()?;
    push(out, &value::parse(kind, format, text)?.canonical())
}

#[inline]
fn push(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(bytes);
    Some(())
}
