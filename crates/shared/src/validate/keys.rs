//! Keys that may occur only once: `unique` fields, unique keys and the primary key.
//!
//! A key is remembered as a fingerprint of 128 bits, so that memory does not depend on its length. A table holds the
//! fingerprints of a file with up to [`KeyLimits::table`] keys. For a file with more, one pass finds out which keys
//! *may* occur again (see [`filter`]), and a second pass needs a table of those only: a key that is not in it occurs
//! once. Both ways find the same.

mod filter;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};

use twox_hash::XxHash3_128;

use self::filter::Filter;
use super::findings::Findings;
use super::part::{self, Part, Reading};
use super::quick::Missing;
use crate::contract::Contract;
use crate::rows::Record;
use crate::violation::{Code, FileCode, Verdict};

/// How many keys of a file are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLimits {
    /// How many keys a table holds, over all keys of the contract: the keys of a file that is read once, or those
    /// that may occur again in a file that is read twice.
    pub table: usize,
    /// The size of the filter that tells which keys may occur again, in bytes.
    pub filter_bytes: usize,
}

impl KeyLimits {
    /// What the functions have room for. The table is as full as the hash table gets before it grows beyond 50 MiB
    /// (2^21 places of 25 bytes, seven eighths of them taken); it takes 75 MiB while it grows to that size.
    pub const STANDARD: Self = Self { table: 1_835_008, filter_bytes: 64 * 1024 * 1024 };
}

/// Why a key could not be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overflow {
    /// The keys of the file are more than the table holds. From now on only those are looked for that may occur
    /// again: the rest of the file has to be [surveyed](super::Plan::survey), and then to be judged from its start.
    #[error("the file has more than {limit} keys")]
    Table {
        /// The limit.
        limit: usize,
    },
    /// The keys that may occur again are more than the table holds.
    #[error("more than {limit} keys of the file occur again, or cannot be told from others")]
    Suspects {
        /// The limit.
        limit: usize,
    },
}

impl Overflow {
    /// The verdict over a file whose keys cannot be told apart.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        Verdict::new(
            FileCode::TooManyKeys,
            format!(
                "{self}, which is what can be told apart. If the columns of the key are the right ones, split the \
                 file and send the parts"
            ),
        )
    }
}

/// Fingerprints are hashes already: they are used as they are.
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

/// Fingerprints, each with the record that had it first.
type Table = HashMap<[u8; 16], u64, BuildHasherDefault<AsIs>>;

/// Marks a key that has occurred again already. No file has so many records.
const AGAIN: u64 = 1 << 63;
/// Stands for the first record of a key that may occur again and has not been met yet. Records are counted from 1.
const NOT_MET: u64 = 0;

/// The keys that a file has had so far.
#[derive(Debug, Clone)]
pub struct Keys {
    state: State,
    limits: KeyLimits,
    /// The bytes of the key that is looked at.
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
enum State {
    /// Every key so far.
    All(Table),
    /// Looking for keys that may occur again.
    Survey { filter: Filter, suspects: Table },
    /// The keys that may occur again; any other occurs once.
    Suspects(Table),
}

impl Default for Keys {
    fn default() -> Self {
        Self::with_limits(KeyLimits::STANDARD)
    }
}

impl Keys {
    /// No keys yet, and room for so many.
    #[must_use]
    pub fn with_limits(limits: KeyLimits) -> Self {
        Self { state: State::All(Table::default()), limits, bytes: Vec::new() }
    }

    /// Remembers a key; says which record had it first, if one had.
    fn first(&mut self, key: u128, row: u64) -> Result<Option<u64>, Overflow> {
        let (bytes, limit) = (key.to_le_bytes(), self.limits.table);
        match &mut self.state {
            State::All(seen) if seen.len() < limit => Ok(match seen.entry(bytes) {
                Entry::Occupied(mut first) => {
                    *first.get_mut() |= AGAIN;
                    Some(*first.get() & !AGAIN)
                }
                Entry::Vacant(place) => {
                    place.insert(row);
                    None
                }
            }),
            State::All(seen) => match seen.get_mut(&bytes) {
                Some(first) => {
                    *first |= AGAIN;
                    Ok(Some(*first & !AGAIN))
                }
                None => {
                    self.begin_survey();
                    Err(Overflow::Table { limit })
                }
            },
            State::Survey { .. } => self.survey(key).map(|()| None),
            State::Suspects(seen) => Ok(seen.get_mut(&bytes).and_then(|first| {
                let met = *first != NOT_MET;
                if !met {
                    *first = row;
                }
                met.then_some(*first)
            })),
        }
    }

    /// Goes over from remembering all keys to looking for those that may occur again.
    fn begin_survey(&mut self) {
        let mut filter = Filter::new(self.limits.filter_bytes);
        let mut suspects = Table::default();
        if let State::All(seen) = &self.state {
            for (key, first) in seen {
                // One that is taken for another here costs a place in the table and nothing else.
                let taken = filter.insert(u128::from_le_bytes(*key));
                if taken || first & AGAIN != 0 {
                    suspects.insert(*key, NOT_MET);
                }
            }
        }
        self.state = State::Survey { filter, suspects };
    }

    /// Remembers a key when it may have been there before.
    fn survey(&mut self, key: u128) -> Result<(), Overflow> {
        let State::Survey { filter, suspects } = &mut self.state else { return Ok(()) };
        if !filter.insert(key) {
            return Ok(());
        }
        let bytes = key.to_le_bytes();
        // One more than the limit would make the table grow to twice its size.
        if suspects.len() < self.limits.table {
            suspects.insert(bytes, NOT_MET);
        } else if !suspects.contains_key(&bytes) {
            return Err(Overflow::Suspects { limit: self.limits.table });
        }
        Ok(())
    }

    /// After a survey: what a pass from the start of the file needs.
    #[must_use]
    pub fn surveyed(self) -> Self {
        let state = match self.state {
            State::Survey { suspects, .. } => State::Suspects(suspects),
            other => other,
        };
        Self { state, ..self }
    }
}

/// One key of a contract.
#[derive(Debug, Clone)]
pub(super) struct KeyCheck {
    parts: Vec<Part>,
    /// The names of its fields.
    name: String,
    primary: bool,
}

pub(super) fn checks(contract: &Contract, positions: &[Option<usize>], missing: &Missing) -> Vec<KeyCheck> {
    let check = |fields: &[usize], primary: bool| KeyCheck {
        parts: Part::of(contract, fields, positions, missing),
        name: contract.names(fields),
        primary,
    };
    let fields = contract.fields.iter().enumerate();
    let unique =
        fields.filter(|(_, field)| field.constraints.unique).map(|(index, _)| check(&[index], false));
    let unique_keys = contract.unique_keys.iter().map(|fields| check(fields, false));
    let primary = (!contract.primary_key.is_empty()).then(|| check(&contract.primary_key, true));
    unique.chain(unique_keys).chain(primary).collect()
}

/// Judges the keys of a record and remembers them.
pub(super) fn judge(
    checks: &[KeyCheck],
    record: &Record<'_>,
    keys: &mut Keys,
    findings: &mut Findings,
) -> Result<(), Overflow> {
    for (index, check) in checks.iter().enumerate() {
        match check.read(record, &mut keys.bytes) {
            Reading::Value => {
                if let Some(first) = keys.first(fingerprint(index, &keys.bytes), record.number)? {
                    check.explain_again(record, first, findings);
                }
            }
            // As UNIQUE in SQL has it: what has no value is like nothing else. A primary key must have one.
            Reading::Missing if check.primary => check.explain_missing(record, findings),
            // What a broken value would have been is not guessed at.
            Reading::Missing | Reading::Unreadable => {}
        }
    }
    Ok(())
}

/// Remembers those keys of a record that may occur again.
pub(super) fn survey(checks: &[KeyCheck], record: &Record<'_>, keys: &mut Keys) -> Result<(), Overflow> {
    for (index, check) in checks.iter().enumerate() {
        if check.read(record, &mut keys.bytes) == Reading::Value {
            keys.survey(fingerprint(index, &keys.bytes))?;
        }
    }
    Ok(())
}

/// The fingerprint of a key's bytes; equal bytes of another key have another one.
fn fingerprint(key: usize, bytes: &[u8]) -> u128 {
    XxHash3_128::oneshot_with_seed(key as u64, bytes)
}

impl KeyCheck {
    fn read(&self, record: &Record<'_>, bytes: &mut Vec<u8>) -> Reading {
        part::read_all(&self.parts, record, bytes)
    }

    fn explain_again(&self, record: &Record<'_>, first: u64, findings: &mut Findings) {
        let code = if self.primary { Code::PrimaryKey } else { Code::UniqueError };
        let value = part::shown(&self.parts, record);
        findings.add(Some(&self.name), code, &value, |text| {
            text.push('"');
            super::findings::push_visible(text, &value);
            let _ = write!(text, "\" stands already in row {first}; each value may occur once");
        });
    }

    fn explain_missing(&self, record: &Record<'_>, findings: &mut Findings) {
        let without: Vec<&str> = self
            .parts
            .iter()
            .filter(|part| part.read(record, &mut Vec::new()) == Reading::Missing)
            .map(|part| part.name.as_str())
            .collect();
        if without.len() == self.parts.len() {
            let reason = |text: &mut String| text.push_str("the primary key has no value");
            findings.add(Some(&self.name), Code::PrimaryKey, b"", reason);
            return;
        }
        let value = part::shown(&self.parts, record);
        findings.add(Some(&self.name), Code::PrimaryKey, &value, |text| {
            let without = without.join(" and ");
            let _ = write!(text, "the primary key has no value in {without}; each of its columns needs one");
        });
    }
}
