//! The key `gristmill` as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::record::Level;

/// What the standard has no word for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gristmill {
    /// Who gets which mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<RoutingDescriptor>,
    /// Columns to add to processed records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub derive: Vec<DerivedDescriptor>,
    /// Which columns of origin processed records get; all four when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("uniqueItems" = true))]
    pub provenance: Option<Vec<ProvenanceColumn>>,
    /// Names of fields about persons: their values stay out of model prompts and logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), extend("uniqueItems" = true))]
    pub personal: Vec<String>,
    /// What to compute over the valid records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<AnalysisDescriptor>,
}

/// Who gets which mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoutingDescriptor {
    /// Addresses for reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("uniqueItems" = true))]
    pub results: Vec<String>,
    /// Addresses for files that were refused or held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("uniqueItems" = true))]
    pub problems: Vec<String>,
    /// The share of rejected records, from 0 to 1, above which a file is held; none is when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub max_rejected_ratio: Option<Number>,
    /// The number of records below which a file is held; none is when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_rows: Option<u64>,
    /// Fields that must have a value in at least this share of the valid records, from 0 to 1; otherwise the file
    /// is held.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("additionalProperties" = serde_json::json!({"type": "number", "minimum": 0, "maximum": 1})))]
    pub min_filled: BTreeMap<String, Number>,
}

/// A column to add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DerivedDescriptor {
    /// Its name.
    #[schemars(length(min = 1, max = 120))]
    pub name: String,
    /// How it is computed, such as `quantity * unit_price`.
    #[schemars(length(min = 1, max = 1024))]
    pub formula: String,
}

/// A column of origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProvenanceColumn {
    /// The file's key.
    SourceFile,
    /// The record's number, counted from 1.
    SourceRow,
    /// When the file was stored.
    ReceivedAt,
    /// The run.
    RunId,
}

/// What to compute over the valid records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnalysisDescriptor {
    /// Numbers worth adding up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub measures: Vec<MeasureDescriptor>,
    /// Names of fields worth grouping by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("uniqueItems" = true))]
    pub dimensions: Vec<String>,
    /// Measures cut into labelled bands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub segments: Vec<SegmentDescriptor>,
    /// The field that tells when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeDescriptor>,
    /// Names of fields with free text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("uniqueItems" = true))]
    pub text: Vec<String>,
    /// Named formulas that mark a record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub flags: Vec<FlagDescriptor>,
    /// What readers want to know, in plain words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub questions: Vec<String>,
}

/// A number worth adding up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MeasureDescriptor {
    /// The name of a numeric field or of a derived column.
    Name(String),
    /// The same with its unit.
    WithUnit(MeasureWithUnit),
}

/// A number worth adding up, and its unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasureWithUnit {
    /// The name of a numeric field or of a derived column.
    pub field: String,
    /// Its unit, such as `USD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 24))]
    pub unit: Option<String>,
}

/// A measure cut into labelled bands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentDescriptor {
    /// Its name, such as `price_segment`.
    #[schemars(length(min = 1, max = 120))]
    pub name: String,
    /// The measure: one that is listed under `measures`.
    pub measure: String,
    /// The bands from the lowest to the highest; the last one has no end.
    #[schemars(length(min = 1, max = 64))]
    pub bands: Vec<BandDescriptor>,
}

/// One band of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BandDescriptor {
    /// Its label, such as `mid-range`.
    #[schemars(length(min = 1, max = 120))]
    pub label: String,
    /// It ends below this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Number>,
    /// It ends with this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Number>,
}

/// The field that tells when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeDescriptor {
    /// The name of a field of type date or datetime.
    pub field: String,
    /// The length of a period; a month when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<PeriodWord>,
}

/// The length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PeriodWord {
    /// A day.
    Day,
    /// An ISO week.
    Week,
    /// A month.
    Month,
    /// A quarter.
    Quarter,
    /// A year.
    Year,
}

/// A named formula that marks a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlagDescriptor {
    /// Its name in plain words.
    #[schemars(length(min = 1, max = 120))]
    pub name: String,
    /// When it applies.
    #[schemars(length(min = 1, max = 1024))]
    pub formula: String,
    /// How bad it is; medium when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Level>,
}
