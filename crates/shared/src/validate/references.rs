//! Foreign keys: values that must stand in a reference file.

use std::fmt::Write as _;
use std::sync::Arc;

use super::findings::{Findings, push_visible};
use super::part::{self, Part, Reading};
use super::quick::Missing;
use crate::contract::{Contract, ReferenceValues, reference_file};
use crate::rows::Record;
use crate::violation::{Code, FileCode, Verdict};

/// One foreign key of a contract.
#[derive(Debug, Clone)]
pub(super) struct ReferenceCheck {
    parts: Vec<Part>,
    /// The names of its fields.
    name: String,
    /// The names of the columns that it refers to.
    columns: String,
    file: String,
    values: Arc<ReferenceValues>,
}

pub(super) fn checks(
    contract: &Contract,
    positions: &[Option<usize>],
    missing: &Missing,
) -> Result<Vec<ReferenceCheck>, Verdict> {
    let check = |key: &crate::contract::ForeignKey| {
        let file = reference_file(&key.resource);
        let Some(values) = key.values.clone() else {
            // Passing every value would be worse than refusing the file.
            return Err(Verdict::new(
                FileCode::ContractError,
                format!("the contract refers to {file}, which was not read with it"),
            ));
        };
        Ok(ReferenceCheck {
            parts: Part::of(contract, &key.fields, positions, missing),
            name: contract.names(&key.fields),
            columns: key.columns.join(", "),
            file,
            values,
        })
    };
    contract.foreign_keys.iter().map(check).collect()
}

/// Judges the foreign keys of a record. A key with a part that has no value refers to nothing (MATCH SIMPLE in SQL).
pub(super) fn judge(
    checks: &[ReferenceCheck],
    record: &Record<'_>,
    bytes: &mut Vec<u8>,
    findings: &mut Findings,
) {
    for check in checks {
        let reading = part::read_all(&check.parts, record, bytes);
        if reading == Reading::Value && !check.values.contain(bytes) {
            check.explain(record, findings);
        }
    }
}

impl ReferenceCheck {
    fn explain(&self, record: &Record<'_>, findings: &mut Findings) {
        let value = part::shown(&self.parts, record);
        // What undecodable bytes would have been is not guessed at.
        let Ok(shown) = std::str::from_utf8(&value) else { return };
        let (count, what) = match (self.values.len(), self.parts.len()) {
            (1, 1) => (1, "value"),
            (1, _) => (1, "combination"),
            (count, 1) => (count, "values"),
            (count, _) => (count, "combinations"),
        };
        findings.add(Some(&self.name), Code::ForeignKey, &value, |text| {
            text.push('"');
            push_visible(text, &value);
            // Writing to a String cannot fail.
            let _ = write!(text, "\" is none of the {count} {what} of {} in {}", self.columns, self.file);
            if let Some(meant) = self.values.nearest(shown) {
                text.push_str("; did you mean \"");
                push_visible(text, meant.as_bytes());
                text.push_str("\"?");
            }
        });
    }
}
