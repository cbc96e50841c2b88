//! Reference files: small CSV files beside the contracts, whose values a foreign key refers to.
//!
//! RFC 4180, UTF-8, with a header. They are read whole, and only what a contract refers to is kept.

mod near;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use self::near::NearMisses;
use super::suggestion::suggestion;
use super::{BrokenContract, Contract, Field, ForeignKey, Problem, folded};
use crate::identity::hex;
use crate::rows::{Layout, Limits, Reader, Record, Step};
use crate::validate::push_canonical;
use crate::value::FieldType;

/// The largest reference file, in bytes.
pub const MAX_REFERENCE_BYTES: usize = 1024 * 1024;
/// The most records of a reference file.
pub const MAX_REFERENCE_ROWS: usize = 50_000;

/// What lies beside a contract under the name of a reference file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceFile {
    /// Nothing.
    Absent,
    /// An object that is too large to be read whole.
    TooLarge,
    /// These bytes.
    Found(Arc<[u8]>),
}

/// A reference file that a contract was applied with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedReference {
    /// Its name, with its ending.
    pub name: String,
    /// The SHA-256 of its bytes, in hexadecimal digits; absent when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// The name of the file of a resource.
#[must_use]
pub fn reference_file(resource: &str) -> String {
    format!("{resource}.csv")
}

/// The values that a foreign key may have.
#[derive(Debug)]
pub struct ReferenceValues {
    /// The bytes by which equal values are equal.
    keys: HashSet<Box<[u8]>>,
    near: Option<NearMisses>,
}

impl ReferenceValues {
    /// How many different values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none. A contract that refers to such a file is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether these are the bytes of one of the values.
    pub(crate) fn contain(&self, key: &[u8]) -> bool {
        self.keys.contains(key)
    }

    /// The value that was probably meant.
    pub(crate) fn nearest(&self, shown: &str) -> Option<&str> {
        self.near.as_ref()?.find(shown)
    }
}

impl Contract {
    /// The names of the reference files that the contract refers to, each once, in order.
    #[must_use]
    pub fn reference_files(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.foreign_keys.iter().map(|key| reference_file(&key.resource)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The contract with its reference files, by name. Their bytes become part of its digest, so that another list
    /// of values makes another run; also where they cannot be used.
    ///
    /// # Errors
    /// The contract as far as it can be told who is responsible for it, and every problem with the files at once,
    /// each with the JSON pointer of the foreign key.
    pub fn with_references(
        mut self,
        files: &BTreeMap<String, ReferenceFile>,
    ) -> Result<Self, (Box<Self>, BrokenContract)> {
        let applied = |name: String| {
            let sha256 = match files.get(&name) {
                Some(ReferenceFile::Found(bytes)) => Some(hex(&Sha256::digest(bytes))),
                _ => None,
            };
            AppliedReference { name, sha256 }
        };
        self.references = self.reference_files().into_iter().map(applied).collect();
        let parts = self.references.iter().map(|file| {
            let unread = match files.get(&file.name) {
                Some(ReferenceFile::TooLarge) => "too large",
                _ => "absent",
            };
            (file.name.as_str(), file.sha256.as_deref().unwrap_or(unread))
        });
        self.digest = self.digest.with_references(parts);
        let mut problems = Vec::new();
        let mut values = Vec::new();
        for (index, key) in self.foreign_keys.iter().enumerate() {
            let file = files.get(&reference_file(&key.resource)).unwrap_or(&ReferenceFile::Absent);
            match read(&self, key, file) {
                Ok(read) => values.push(Some(Arc::new(read))),
                Err((part, message)) => {
                    problems.push(Problem {
                        pointer: format!("/schema/foreignKeys/{index}/reference/{part}"),
                        message,
                    });
                    values.push(None);
                }
            }
        }
        for (key, values) in self.foreign_keys.iter_mut().zip(values) {
            key.values = values;
        }
        if problems.is_empty() { Ok(self) } else { Err((Box::new(self), BrokenContract { problems })) }
    }
}

/// What is wrong with a reference file: the part of the reference that shows it, and the words.
type Wrong = (&'static str, String);

/// Reads the columns of a foreign key.
fn read(contract: &Contract, key: &ForeignKey, file: &ReferenceFile) -> Result<ReferenceValues, Wrong> {
    let name = reference_file(&key.resource);
    let wrong = |message: String| ("resource", message);
    let too_large = |size: String| {
        wrong(format!(
            "{name} has {size} bytes: at most {MAX_REFERENCE_BYTES} are allowed in a reference file"
        ))
    };
    let bytes = match file {
        ReferenceFile::Found(bytes) if bytes.len() > MAX_REFERENCE_BYTES => {
            return Err(too_large(bytes.len().to_string()));
        }
        ReferenceFile::Found(bytes) => bytes,
        ReferenceFile::TooLarge => return Err(too_large("too many".to_owned())),
        ReferenceFile::Absent => {
            return Err(wrong(format!(
                "there is no file {name} beside the contract: put it there, as CSV in UTF-8, with {} in its header",
                key.columns.join(", ")
            )));
        }
    };
    Values::new(contract, key, &name).read(bytes)
}

/// The values of a reference file while it is read.
struct Values<'a> {
    name: &'a str,
    key: &'a ForeignKey,
    /// The fields, each with what stands for "no value" in it.
    fields: Vec<(&'a Field, &'a [String])>,
    /// Where the columns stand in the file.
    positions: Vec<usize>,
    keys: HashSet<Box<[u8]>>,
    /// Each value as it is written, once; empty where values are no texts.
    shown: Vec<String>,
    are_texts: bool,
}

impl<'a> Values<'a> {
    fn new(contract: &'a Contract, key: &'a ForeignKey, name: &'a str) -> Self {
        let fields = key.fields.iter().filter_map(|index| contract.fields.get(*index));
        let fields: Vec<_> = fields.map(|field| (field, contract.missing_values_of(field))).collect();
        Self {
            name,
            key,
            are_texts: fields
                .iter()
                .all(|(field, _)| matches!(field.kind, FieldType::String | FieldType::Any)),
            fields,
            positions: Vec::new(),
            keys: HashSet::new(),
            shown: Vec::new(),
        }
    }

    fn read(mut self, bytes: &[u8]) -> Result<ReferenceValues, Wrong> {
        let mut reader = Reader::with_block(Layout::default(), Limits::STANDARD, bytes.len());
        reader.space().get_mut(..bytes.len()).unwrap_or_default().copy_from_slice(bytes);
        reader.filled(bytes.len());
        reader.filled(0);
        let mut width = 0;
        let mut key = Vec::new();
        loop {
            match reader.next_record() {
                Step::Record(record) if record.number == 0 => {
                    self.check_form(&record, record.width)?;
                    width = record.width;
                    self.positions = self.find_columns(&record)?;
                }
                Step::Record(record) => {
                    self.check_form(&record, width)?;
                    if record.number > MAX_REFERENCE_ROWS as u64 {
                        return Err(self.wrong(format_args!(
                            "has more than {MAX_REFERENCE_ROWS} rows, which is the most that a reference file may have"
                        )));
                    }
                    self.take(&record, &mut key)?;
                }
                Step::NeedInput | Step::End => break,
                Step::Unterminated { line } => {
                    return Err(self.wrong(format_args!("opens a quote on line {line} and never closes it")));
                }
            }
        }
        if self.keys.is_empty() {
            return Err(self.wrong(format_args!("has no values in {}", self.key.columns.join(", "))));
        }
        let near = self.are_texts.then(|| NearMisses::new(self.shown));
        Ok(ReferenceValues { keys: self.keys, near })
    }

    fn wrong(&self, what: std::fmt::Arguments<'_>) -> Wrong {
        ("resource", format!("{} {what}", self.name))
    }

    /// Refuses a record that cannot be read with certainty.
    fn check_form(&self, record: &Record<'_>, width: usize) -> Result<(), Wrong> {
        let line = record.line;
        if record.faults.not_utf8 {
            return Err(self.wrong(format_args!("is not UTF-8 in line {line}: save it as UTF-8")));
        }
        if !record.faults.none() || record.oversized.is_some() {
            return Err(self.wrong(format_args!("cannot be read in line {line}: write it as CSV (RFC 4180)")));
        }
        if record.width != width {
            let found = record.width;
            return Err(self.wrong(format_args!(
                "has {found} cells in line {line} and {width} in its header: separate cells by commas, and put those \
                 that hold a comma in quotes"
            )));
        }
        Ok(())
    }

    /// Where the columns of the key stand.
    fn find_columns(&self, header: &Record<'_>) -> Result<Vec<usize>, Wrong> {
        let texts = header.fields().map(|field| String::from_utf8_lossy(&field.text()).into_owned());
        let labels: Vec<String> = texts.collect();
        let find = |column: &String| {
            let mut places = labels.iter().enumerate().filter(|(_, label)| folded(label) == folded(column));
            match (places.next(), places.next()) {
                (Some((place, _)), None) => Ok(place),
                (Some(_), Some(_)) => Err((
                    "fields",
                    format!("{} has two columns named {column:?}: rename one of them", self.name),
                )),
                (None, _) => {
                    let unknown = suggestion("column", column, labels.iter().map(String::as_str));
                    Err(("fields", format!("in {}, {unknown}", self.name)))
                }
            }
        };
        self.key.columns.iter().map(find).collect()
    }

    /// Takes the values of a record; those without a value in one of the columns are passed over.
    fn take(&mut self, record: &Record<'_>, key: &mut Vec<u8>) -> Result<(), Wrong> {
        key.clear();
        let mut shown = String::new();
        for ((field, missing), position) in self.fields.iter().zip(&self.positions) {
            let Some(text) = record.field(*position).map(|cell| cell.text()) else { return Ok(()) };
            if missing.iter().any(|missing| missing.as_bytes() == &*text) {
                return Ok(());
            }
            let text_shown = String::from_utf8_lossy(&text);
            if push_canonical(field.kind, &field.format, &text, key).is_none() {
                return Err(self.wrong(format_args!(
                    "has {text_shown:?} in line {}, which is not of the type {} that the field {} has",
                    record.line,
                    field.kind.as_str(),
                    field.name
                )));
            }
            if !shown.is_empty() {
                shown.push_str(", ");
            }
            shown.push_str(&text_shown);
        }
        if self.keys.insert(key.as_slice().into()) && self.are_texts {
            self.shown.push(shown);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
