//! The stored analysis of a run.

use serde::{Deserialize, Serialize};

use crate::events::Rows;
use crate::facts::Fact;
use crate::identity::RunId;

/// Who wrote the words of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NarratorKind {
    /// The model, and every sentence stood the check.
    Bedrock,
    /// The model, but some sentences did not stand the check and were left out.
    Partial,
    /// Gristmill itself, from the facts.
    BuiltIn,
}

impl NarratorKind {
    /// The kind as it stands in records and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock",
            Self::Partial => "partial",
            Self::BuiltIn => "built-in",
        }
    }
}

/// How much a sentence can be relied on, how bad something is, how soon to act.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
}

impl Level {
    /// The level as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Something that the data shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Insight {
    /// What it is about, such as `top_group` or `segment_performance`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The sentence.
    pub description: String,
    /// How much it can be relied on.
    pub confidence: Level,
    /// The facts that it rests on.
    #[serde(default)]
    pub facts: Vec<String>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// What it is about, such as `flag` or `outlier`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The sentence.
    pub description: String,
    /// How bad it is.
    pub severity: Level,
    /// The facts that it rests on.
    #[serde(default)]
    pub facts: Vec<String>,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// What it is about, such as `data_quality`.
    pub category: String,
    /// What to do.
    pub action: String,
    /// How soon.
    pub priority: Level,
    /// The facts that it rests on.
    #[serde(default)]
    pub facts: Vec<String>,
}

/// What the model's part of a run was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelUse {
    /// The model's id.
    pub id: String,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
    /// What they cost, in US dollars, as a decimal text; absent where the model has no known price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<String>,
    /// Sentences that did not stand the check.
    pub sentences_withheld: u64,
}

/// The words of a report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Narrative {
    /// What the data shows.
    pub insights: Vec<Insight>,
    /// What is not as it should be.
    pub anomalies: Vec<Anomaly>,
    /// What to do.
    pub recommendations: Vec<Recommendation>,
    /// All of it in a few sentences.
    pub summary: String,
}

/// The stored analysis of a run: the seed's format, with what makes it provable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnalysisRecord {
    /// The id of the analysis: the run id, so that a run has one and only one.
    pub analysis_id: RunId,
    /// Follows the run through all stages and logs.
    pub correlation_id: String,
    /// The dataset.
    pub dataset: String,
    /// The key of the file.
    pub source_file: String,
    /// The key of its valid records; absent when there are none.
    pub processed_file: Option<String>,
    /// How many records were analysed: every valid one.
    pub records_analyzed: u64,
    /// When, in RFC 3339.
    pub analysis_timestamp: String,
    /// What the data shows.
    pub insights: Vec<Insight>,
    /// What is not as it should be.
    pub anomalies: Vec<Anomaly>,
    /// What to do.
    pub recommendations: Vec<Recommendation>,
    /// All of it in a few sentences.
    pub summary: String,
    /// Whether the mail is out.
    pub notification_sent: bool,
    /// When it went out, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_timestamp: Option<String>,
    /// When the record may be deleted, in seconds since 1970.
    pub ttl: i64,
    /// Every number of the report.
    pub facts: Vec<Fact>,
    /// Who wrote the words.
    pub narrator: NarratorKind,
    /// Why it was not the model, or not the model alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub narrator_reason: Option<String>,
    /// The model's part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelUse>,
    /// The file's records.
    pub rows: Rows,
}
