//! The messages between the stages: ids, keys and counts, never rows or prose.
//!
//! `EventBridge` stops at 256 KB an entry; these stay below 8 KB whatever the file.

use serde::{Deserialize, Serialize};

use crate::identity::RunId;
use crate::ports::{ListingPlace, SourceObject};
use crate::record::NarratorKind;

/// The version of every detail's shape.
pub const SCHEMA_VERSION: u32 = 1;
/// The source of the processor's events.
pub const PROCESSOR_SOURCE: &str = "gristmill.processor";
/// The source of the analyzer's events.
pub const ANALYZER_SOURCE: &str = "gristmill.analyzer";

/// How many records a file has and how they fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// All data records.
    pub total: u64,
    /// Records that follow the contract.
    pub valid: u64,
    /// Records that do not.
    pub rejected: u64,
}

/// A file was split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessingComplete {
    /// [`SCHEMA_VERSION`].
    pub schema: u32,
    /// The run.
    pub run_id: RunId,
    /// Follows the run through all stages and logs.
    pub correlation_id: String,
    /// The dataset.
    pub dataset: String,
    /// The file.
    pub source: SourceObject,
    /// Its records.
    pub rows: Rows,
    /// Where the valid records are; absent when there are none.
    pub processed_key: Option<String>,
    /// Where the rejected records are; absent when there are none.
    pub rejected_key: Option<String>,
    /// Where the violations are listed; absent when there are none.
    pub errors_key: Option<String>,
    /// Where the manifest is.
    pub manifest_key: String,
}

/// A file got one verdict as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRejected {
    /// [`SCHEMA_VERSION`].
    pub schema: u32,
    /// The run.
    pub run_id: RunId,
    /// Follows the run through all stages and logs.
    pub correlation_id: String,
    /// The dataset.
    pub dataset: String,
    /// The file.
    pub source: SourceObject,
    /// The verdict's code.
    pub code: String,
    /// The verdict in plain words, with what to do. At most [`MAX_REASON_BYTES`].
    pub reason: String,
    /// Where the manifest is.
    pub manifest_key: String,
}

/// A file was analysed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisComplete {
    /// [`SCHEMA_VERSION`].
    pub schema: u32,
    /// The run.
    pub run_id: RunId,
    /// Follows the run through all stages and logs.
    pub correlation_id: String,
    /// The dataset.
    pub dataset: String,
    /// The file.
    pub source: SourceObject,
    /// Where the manifest is.
    pub manifest_key: String,
    /// The record's id.
    pub analysis_id: String,
    /// Who wrote the words.
    pub narrator: NarratorKind,
    /// How many insights the record has.
    pub insights: usize,
    /// How many anomalies.
    pub anomalies: usize,
    /// How many of them are of high severity.
    pub high_severity: usize,
}

/// An upload that nobody told the processor of: its own event was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOverlooked {
    /// [`SCHEMA_VERSION`].
    pub schema: u32,
    /// The file.
    pub source: SourceObject,
}

/// It is time to look for what got lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepDue {
    /// [`SCHEMA_VERSION`].
    pub schema: u32,
    /// The bucket to look through.
    pub bucket: String,
    /// Where an earlier part of this sweep stopped; absent at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ListingPlace>,
}

/// The longest reason in an event, in bytes; the manifest has the whole.
pub const MAX_REASON_BYTES: usize = 2_000;

/// Any event of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipelineEvent {
    /// A file was split.
    ProcessingComplete(ProcessingComplete),
    /// A file got one verdict as a whole.
    FileRejected(FileRejected),
    /// A file was analysed.
    AnalysisComplete(AnalysisComplete),
    /// An upload was never processed.
    FileOverlooked(FileOverlooked),
    /// It is time to look for what got lost.
    SweepDue(SweepDue),
}

/// A message that is no event of the pipeline.
#[derive(Debug, thiserror::Error)]
pub enum NotAnEvent {
    /// The detail type is none of ours.
    #[error("the detail type {found:?} is none of the pipeline's")]
    UnknownDetailType {
        /// What was found.
        found: String,
    },
    /// The detail does not have the shape that its type asks for.
    #[error("the detail of {detail_type:?} is not of schema {SCHEMA_VERSION}")]
    BadDetail {
        /// The detail type.
        detail_type: &'static str,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// The detail is of a schema that this version does not read.
    #[error("the detail has schema {found}; this version reads {SCHEMA_VERSION}")]
    UnknownSchema {
        /// What was found.
        found: u32,
    },
}

impl PipelineEvent {
    /// The detail type of [`ProcessingComplete`].
    pub const PROCESSING_COMPLETE: &'static str = "Processing Complete";
    /// The detail type of [`FileRejected`].
    pub const FILE_REJECTED: &'static str = "File Rejected";
    /// The detail type of [`AnalysisComplete`].
    pub const ANALYSIS_COMPLETE: &'static str = "Analysis Complete";
    /// The detail type of [`FileOverlooked`].
    pub const FILE_OVERLOOKED: &'static str = "File Overlooked";
    /// The detail type of [`SweepDue`].
    pub const SWEEP_DUE: &'static str = "Sweep Due";

    /// The event's source.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match self {
            Self::ProcessingComplete(_)
            | Self::FileRejected(_)
            | Self::FileOverlooked(_)
            | Self::SweepDue(_) => PROCESSOR_SOURCE,
            Self::AnalysisComplete(_) => ANALYZER_SOURCE,
        }
    }

    /// The event's detail type.
    #[must_use]
    pub fn detail_type(&self) -> &'static str {
        match self {
            Self::ProcessingComplete(_) => Self::PROCESSING_COMPLETE,
            Self::FileRejected(_) => Self::FILE_REJECTED,
            Self::AnalysisComplete(_) => Self::ANALYSIS_COMPLETE,
            Self::FileOverlooked(_) => Self::FILE_OVERLOOKED,
            Self::SweepDue(_) => Self::SWEEP_DUE,
        }
    }

    /// The run that the event is about, where it is about one.
    #[must_use]
    pub fn run_id(&self) -> Option<&RunId> {
        match self {
            Self::ProcessingComplete(event) => Some(&event.run_id),
            Self::FileRejected(event) => Some(&event.run_id),
            Self::AnalysisComplete(event) => Some(&event.run_id),
            Self::FileOverlooked(_) | Self::SweepDue(_) => None,
        }
    }

    /// The bucket that the event is about, and the key of the file in it, where it is about one.
    #[must_use]
    pub fn about(&self) -> (&str, Option<&str>) {
        let source = match self {
            Self::ProcessingComplete(event) => &event.source,
            Self::FileRejected(event) => &event.source,
            Self::AnalysisComplete(event) => &event.source,
            Self::FileOverlooked(event) => &event.source,
            Self::SweepDue(event) => return (&event.bucket, None),
        };
        (&source.bucket, Some(&source.key))
    }

    /// The detail as JSON.
    ///
    /// # Errors
    /// None in practice: every part of an event can be written as JSON.
    pub fn detail(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::ProcessingComplete(event) => serde_json::to_string(event),
            Self::FileRejected(event) => serde_json::to_string(event),
            Self::AnalysisComplete(event) => serde_json::to_string(event),
            Self::FileOverlooked(event) => serde_json::to_string(event),
            Self::SweepDue(event) => serde_json::to_string(event),
        }
    }

    /// Reads an event.
    ///
    /// # Errors
    /// [`NotAnEvent`] says what does not fit.
    pub fn parse(detail_type: &str, detail: serde_json::Value) -> Result<Self, NotAnEvent> {
        match detail_type {
            Self::PROCESSING_COMPLETE => {
                read(Self::PROCESSING_COMPLETE, detail).map(Self::ProcessingComplete)
            }
            Self::FILE_REJECTED => read(Self::FILE_REJECTED, detail).map(Self::FileRejected),
            Self::ANALYSIS_COMPLETE => read(Self::ANALYSIS_COMPLETE, detail).map(Self::AnalysisComplete),
            Self::FILE_OVERLOOKED => read(Self::FILE_OVERLOOKED, detail).map(Self::FileOverlooked),
            Self::SWEEP_DUE => read(Self::SWEEP_DUE, detail).map(Self::SweepDue),
            other => Err(NotAnEvent::UnknownDetailType { found: other.to_owned() }),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(
    detail_type: &'static str,
    detail: serde_json::Value,
) -> Result<T, NotAnEvent> {
    if let Some(found) = detail.get("schema").and_then(serde_json::Value::as_u64)
        && found != u64::from(SCHEMA_VERSION)
    {
        return Err(NotAnEvent::UnknownSchema { found: u32::try_from(found).unwrap_or(u32::MAX) });
    }
    serde_json::from_value(detail).map_err(|source| NotAnEvent::BadDetail { detail_type, source })
}
