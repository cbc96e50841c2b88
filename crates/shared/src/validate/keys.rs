//! Keys that may occur only once: `unique` fields and the primary key.
//!
//! A key is remembered as a hash of 128 bits, so that memory does not depend on its length. How many can be
//! remembered is limited ([`MAX_KEYS`]); a file with more gets a verdict instead of a guess.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};

use twox_hash::XxHash3_128;

use super::findings::Findings;
use super::quick::Missing;
use crate::contract::Contract;
use crate::rows::Record;
use crate::value::{self, FieldType, Format};
use crate::violation::Code;

/// How many keys of a file are remembered, over all its `unique` fields and the primary key.
///
/// An entry takes 32 bytes, up to 64 while the table grows: at most 256 MiB.
pub const MAX_KEYS: usize = 4_000_000;

/// The file has more keys than can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file has more than {limit} different keys, which is what can be told apart")]
pub struct TooManyKeys {
    /// The limit.
    pub limit: usize,
}

/// Keys are hashes already: they are used as they are.
#[derive(Debug, Default, Clone)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk));
    }
}

/// The keys that a file has had so far, each with the record that had it first.
#[derive(Debug, Clone)]
pub struct Keys {
    seen: HashMap<[u8; 16], u64, BuildHasherDefault<AsIs>>,
    limit: usize,
}

impl Default for Keys {
    fn default() -> Self {
        Self::with_limit(MAX_KEYS)
    }
}

impl Keys {
    /// No keys yet, and room for so many.
    #[must_use]
    pub fn with_limit(limit: usize) -> Self {
        Self { seen: HashMap::default(), limit }
    }

    /// Remembers a key; says which record had it first, if one had.
    fn first(&mut self, key: u128, row: u64) -> Result<Option<u64>, TooManyKeys> {
        let bytes = key.to_le_bytes();
        if let Some(first) = self.seen.get(&bytes) {
            return Ok(Some(*first));
        }
        if self.seen.len() >= self.limit {
            return Err(TooManyKeys { limit: self.limit });
        }
        self.seen.insert(bytes, row);
        Ok(None)
    }
}

/// One key of a contract.
#[derive(Debug, Clone)]
pub(super) struct KeyCheck {
    parts: Vec<Part>,
    name: String,
    primary: bool,
}

#[derive(Debug, Clone)]
struct Part {
    position: Option<usize>,
    kind: FieldType,
    format: Format,
    missing: Missing,
}

pub(super) fn checks(contract: &Contract, positions: &[Option<usize>], missing: &Missing) -> Vec<KeyCheck> {
    let part = |index: &usize| {
        let field = contract.fields.get(*index)?;
        let position = positions.get(*index).copied().flatten();
        let missing = Missing::of(field, missing);
        Some(Part { position, kind: field.kind, format: field.format.clone(), missing })
    };
    let unique = contract.fields.iter().enumerate().filter(|(_, field)| field.constraints.unique);
    let mut checks: Vec<KeyCheck> = unique
        .map(|(index, field)| KeyCheck {
            parts: part(&index).into_iter().collect(),
            name: field.name.clone(),
            primary: false,
        })
        .collect();
    if !contract.primary_key.is_empty() {
        let names: Vec<&str> = contract
            .primary_key
            .iter()
            .filter_map(|index| contract.fields.get(*index))
            .map(|field| field.name.as_str())
            .collect();
        checks.push(KeyCheck {
            parts: contract.primary_key.iter().filter_map(part).collect(),
            name: names.join(", "),
            primary: true,
        });
    }
    checks
}

/// Judges the keys of a record and remembers them.
pub(super) fn judge(
    checks: &[KeyCheck],
    record: &Record<'_>,
    keys: &mut Keys,
    findings: &mut Findings,
) -> Result<(), TooManyKeys> {
    for (index, check) in checks.iter().enumerate() {
        let Some(key) = check.key(record, index) else {
            if check.primary {
                let name = Some(check.name.as_str());
                findings
                    .add(name, Code::PrimaryKey, b"", |text| text.push_str("the primary key has no value"));
            }
            continue;
        };
        if let Some(first) = keys.first(key, record.number)? {
            let code = if check.primary { Code::PrimaryKey } else { Code::UniqueError };
            let value = check.shown(record);
            findings.add(Some(&check.name), code, &value, |text| {
                text.push('"');
                super::findings::push_visible(text, &value);
                let _ = write!(text, "\" stands already in row {first}; each value may occur once");
            });
        }
    }
    Ok(())
}

impl KeyCheck {
    /// The hash of the key; nothing when no part of it has a value.
    fn key(&self, record: &Record<'_>, index: usize) -> Option<u128> {
        let mut hash = XxHash3_128::with_seed(index as u64);
        let mut empty = true;
        for part in &self.parts {
            match part.canonical(record) {
                None => hash.write(&[0]),
                Some(bytes) => {
                    empty = false;
                    hash.write(&[1]);
                    hash.write(&(bytes.len() as u64).to_le_bytes());
                    hash.write(&bytes);
                }
            }
        }
        (!empty).then(|| hash.finish_128())
    }

    fn shown(&self, record: &Record<'_>) -> Vec<u8> {
        let cells = self.parts.iter().filter_map(|part| record.field(part.position?));
        cells.map(|cell| cell.text().into_owned()).collect::<Vec<_>>().join(&b", "[..])
    }
}

impl Part {
    /// The bytes by which two equal values are equal: `5`, `5.0` and `+5` are one number.
    fn canonical(&self, record: &Record<'_>) -> Option<Vec<u8>> {
        let text = record.field(self.position?)?.text();
        if self.missing.contains(&text) {
            return None;
        }
        if matches!(self.kind, FieldType::String | FieldType::Any) && self.format == Format::Default {
            return Some(text.into_owned());
        }
        let text = std::str::from_utf8(&text).ok()?;
        value::parse(self.kind, &self.format, text).map(|value| value.canonical())
    }
}
