//! The manifest: the commit point of a run.
//!
//! It is written last and once. Readers reach a run's outputs only through it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::checksum::Checksum;
use crate::contract::AppliedReference;
use crate::events::{AnalysisComplete, FileRejected, MAX_REASON_BYTES, ProcessingComplete, Rows};
use crate::events::{PipelineEvent, SCHEMA_VERSION};
use crate::identity::{ContractDigest, RunId};
use crate::ports::SourceObject;
use crate::record::AnalysisRecord;
use crate::violation::{Code, FileCode};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every record is in processed or in rejected.
    Completed,
    /// The file as a whole was refused; nothing of it is in processed.
    Rejected,
    /// Split, but a gate of the contract holds it back from analysis.
    Held,
}

impl Status {
    /// The status as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Rejected => "rejected",
            Self::Held => "held",
        }
    }
}

/// One output object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its data records (for the errors file: violations).
    pub records: u64,
    /// Its CRC-64/NVME, in base64.
    pub checksum: Checksum,
}

/// The three outputs; one without records is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outputs {
    /// The valid records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processed: Option<Output>,
    /// The rejected records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Output>,
    /// The violations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Output>,
}

/// How often one code hit one column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViolationCount {
    /// The code.
    pub code: Code,
    /// The column; absent for what concerns the whole record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// How often.
    pub count: u64,
    /// The first record that it hit, counted from 1.
    pub first_row: u64,
    /// What was said of that record.
    pub first_reason: String,
}

/// The contract that judged the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppliedContract {
    /// Its digest, part of the run's identity.
    pub digest: ContractDigest,
    /// Whether it was drafted from the file's own header because none fits.
    pub inferred: bool,
    /// The reference files that it was applied with. Their bytes are part of the digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<AppliedReference>,
    /// The contract itself, so that later stages see the one that judged the run, whatever lies in the bucket.
    pub descriptor: serde_json::Value,
}

/// How the file was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadAs {
    /// The delimiter.
    pub delimiter: char,
    /// The quote character of the file and of its rejected file, where it is another one than `"`; an empty text where
    /// cells are never quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The escape character of the file and of its rejected file, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escape: Option<char>,
    /// Whether spaces behind a delimiter were dropped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_initial_space: bool,
    /// The encoding that the file was in; outputs are UTF-8.
    pub encoding: String,
    /// The file's own column names, in its order, without those that Gristmill had added to a rejected file.
    pub columns: Vec<String>,
    /// What was noticed and tolerated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The record of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA_VERSION`].
    pub schema: u32,
    /// The run.
    pub run_id: RunId,
    /// The dataset.
    pub dataset: String,
    /// The file.
    pub source: SourceObject,
    /// When the file was stored, in RFC 3339.
    pub received_at: String,
    /// How the run ended.
    pub status: Status,
    /// The verdict's code, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<FileCode>,
    /// The verdict in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The file's records.
    pub rows: Rows,
    /// Violations by code.
    pub codes: BTreeMap<String, u64>,
    /// Violations by column and code, most frequent first.
    pub violations: Vec<ViolationCount>,
    /// The outputs.
    pub outputs: Outputs,
    /// How the file was read; absent when it could not be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_as: Option<ReadAs>,
    /// The contract.
    pub contract: AppliedContract,
}

impl Manifest {
    /// The event that announces this run, the same each time it is asked for.
    #[must_use]
    pub fn event(&self) -> PipelineEvent {
        let correlation_id = self.run_id.to_string();
        let manifest_key = crate::keys::manifest_key(&self.run_id);
        let key_of = |output: &Option<Output>| output.as_ref().map(|o| o.key.clone());
        match self.status {
            Status::Completed => PipelineEvent::ProcessingComplete(ProcessingComplete {
                schema: SCHEMA_VERSION,
                run_id: self.run_id.clone(),
                correlation_id,
                dataset: self.dataset.clone(),
                source: self.source.clone(),
                rows: self.rows,
                processed_key: key_of(&self.outputs.processed),
                rejected_key: key_of(&self.outputs.rejected),
                errors_key: key_of(&self.outputs.errors),
                manifest_key,
            }),
            Status::Rejected | Status::Held => PipelineEvent::FileRejected(FileRejected {
                schema: SCHEMA_VERSION,
                run_id: self.run_id.clone(),
                correlation_id,
                dataset: self.dataset.clone(),
                source: self.source.clone(),
                code: self.code.map_or_else(|| self.status.as_str().to_owned(), |c| c.to_string()),
                reason: cut(self.reason.as_deref().unwrap_or_default(), MAX_REASON_BYTES).to_owned(),
                manifest_key,
            }),
        }
    }

    /// The event that announces this run's analysis, the same each time it is asked for.
    #[must_use]
    pub fn analysis_event(&self, record: &AnalysisRecord) -> PipelineEvent {
        use crate::record::Level;
        PipelineEvent::AnalysisComplete(AnalysisComplete {
            schema: SCHEMA_VERSION,
            run_id: self.run_id.clone(),
            correlation_id: self.run_id.to_string(),
            dataset: self.dataset.clone(),
            source: self.source.clone(),
            manifest_key: crate::keys::manifest_key(&self.run_id),
            analysis_id: record.analysis_id.to_string(),
            narrator: record.narrator,
            insights: record.insights.len(),
            anomalies: record.anomalies.len(),
            high_severity: record.anomalies.iter().filter(|a| a.severity == Level::High).count(),
        })
    }
}

/// The longest start of `text` that fits and ends between two characters.
#[must_use]
pub fn cut(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let mut end = max_bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}
