//! What a legal contract is, and what it says.
//!
//! A contract is a Frictionless Tabular Data Resource descriptor (Data Package v2) with one key of ours,
//! `gristmill`. [`Contract::parse`] reads one, or refuses it with every problem at once.

mod analysis;
mod constraints;
pub mod descriptor;
mod dialect;
mod document;
mod extension;
mod form;
mod node;
mod reference;
mod suggestion;
mod table;

use std::fmt;
use std::sync::Arc;

use regex::bytes::Regex;
use serde_json::Value;

use crate::formula::Formula;
use crate::identity::ContractDigest;
use crate::intake::Charset;
use crate::record::Level;
use crate::rows::Layout;
use crate::value::{FieldType, Format, Scalar};

/// The columns that Gristmill adds to a rejected file. No field may be called so.
pub const REJECTION_COLUMNS: [&str; 3] = ["source_row", "rejection_codes", "rejection_reasons"];

/// A column's name as names are compared: without regard to case and to spaces around.
#[must_use]
pub fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A file's own column names: without those that Gristmill added, when it is a rejected file that comes back.
#[must_use]
pub fn own_labels(labels: &[String]) -> &[String] {
    let Some(cut) = labels.len().checked_sub(REJECTION_COLUMNS.len()) else { return labels };
    match labels.split_at_checked(cut) {
        Some((own, added)) if !own.is_empty() && added == REJECTION_COLUMNS => own,
        _ => labels,
    }
}

pub use descriptor::{FieldsMatchWord, schema};
pub use reference::{
    AppliedReference, MAX_REFERENCE_BYTES, MAX_REFERENCE_ROWS, ReferenceFile, ReferenceValues, reference_file,
};

/// The longest contract, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;
/// The most fields of a contract.
pub const MAX_FIELDS: usize = 256;
/// The longest name of a dataset, in bytes. It becomes the name of a folder.
pub const MAX_NAME_BYTES: usize = 80;

/// A contract that was found sound, ready to be applied.
#[derive(Debug, Clone)]
pub struct Contract {
    /// The dataset's name.
    pub name: String,
    /// What people call it; the name where the contract gives no title.
    pub title: String,
    /// The digest of the contract's bytes.
    pub digest: ContractDigest,
    /// The descriptor as it was read.
    pub descriptor: Value,
    /// The encoding that the contract fixes; absent when it fixes none, which means UTF-8. A byte order mark in the
    /// file goes before it.
    pub encoding: Option<Charset>,
    /// How the file is laid out.
    pub dialect: Dialect,
    /// The fields, in the contract's order.
    pub fields: Vec<Field>,
    /// Texts that stand for "no value"; `""` unless the contract says otherwise.
    pub missing_values: Vec<String>,
    /// How the fields must match the columns; absent when the contract does not say.
    pub fields_match: Option<FieldsMatchWord>,
    /// Indexes into `fields`; empty when there is no primary key.
    pub primary_key: Vec<usize>,
    /// Fields whose values together may occur once: indexes into `fields`.
    pub unique_keys: Vec<Vec<usize>>,
    /// Fields whose values must stand in a reference file.
    pub foreign_keys: Vec<ForeignKey>,
    /// The reference files that were read, in the order of their names.
    pub references: Vec<AppliedReference>,
    /// Formulas that every record must satisfy.
    pub row_constraints: Vec<Formula>,
    /// Columns to add to processed records.
    pub derive: Vec<Derived>,
    /// Which columns of origin processed records get.
    pub provenance: Vec<Provenance>,
    /// Who gets which mail.
    pub routing: Routing,
    /// What to compute.
    pub analysis: Analysis,
}

/// How a file is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// The delimiter that the contract fixes; absent when it fixes none.
    pub delimiter: Option<u8>,
    /// The quote character; [`NO_QUOTE`](crate::rows::NO_QUOTE) where cells are never quoted.
    pub quote: u8,
    /// Whether a quote inside a quoted cell is written twice.
    pub double_quote: bool,
    /// The character that takes its meaning from the one behind it.
    pub escape: Option<u8>,
    /// Whether spaces after a delimiter are dropped before the field begins.
    pub skip_initial_space: bool,
    /// The character that makes a line a comment.
    pub comment: Option<u8>,
    /// A text that stands for "no value", beside the schema's missing values.
    pub null_sequence: Option<String>,
    /// Where the header stands.
    pub heading: Heading,
}

impl Default for Dialect {
    fn default() -> Self {
        let Layout { quote, double_quote, .. } = Layout::default();
        Self {
            delimiter: None,
            quote,
            double_quote,
            escape: None,
            skip_initial_space: false,
            comment: None,
            null_sequence: None,
            heading: Heading::default(),
        }
    }
}

impl Dialect {
    /// The layout of a file with this delimiter.
    #[must_use]
    pub fn layout(&self, delimiter: u8) -> Layout {
        Layout {
            delimiter,
            quote: self.quote,
            double_quote: self.double_quote,
            escape: self.escape,
            skip_initial_space: self.skip_initial_space,
            comment: self.comment,
        }
    }
}

/// Where the header of a file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The rows that make up the header.
    pub rows: HeaderRows,
    /// What stands between the parts of a name that is spread over several rows.
    pub join: String,
    /// Rows above the first row of data that are passed over, counted as [`HeaderRows::At`] has them.
    pub comment_rows: Vec<u64>,
}

/// The rows that make up a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderRows {
    /// The first record, whatever empty lines and comments stand above it.
    First,
    /// These rows, in order, counted from 1; empty lines and comments count too. What stands above is passed over.
    At(Vec<u64>),
    /// None: the columns are the contract's fields in their order.
    Absent,
}

impl HeaderRows {
    /// The last of them; 0 where the file has no header.
    #[must_use]
    pub fn last(&self) -> u64 {
        match self {
            Self::First => 1,
            Self::At(rows) => rows.last().copied().unwrap_or_default(),
            Self::Absent => 0,
        }
    }
}

impl Default for Heading {
    fn default() -> Self {
        Self { rows: HeaderRows::First, join: " ".to_owned(), comment_rows: Vec::new() }
    }
}

/// A field of a contract.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// Its name, as it stands in a header.
    pub name: String,
    /// Its type.
    pub kind: FieldType,
    /// How its values are written.
    pub format: Format,
    /// What its values must satisfy.
    pub constraints: Constraints,
    /// Texts that stand for "no value" in this field; absent when those of the contract do.
    pub missing_values: Option<Vec<String>>,
    /// Whether its values are about persons and stay out of model prompts and logs.
    pub personal: bool,
}

/// Fields whose values must stand in a reference file.
#[derive(Debug, Clone)]
pub struct ForeignKey {
    /// The fields: indexes into the contract's fields.
    pub fields: Vec<usize>,
    /// The reference file's name, without its ending.
    pub resource: String,
    /// The columns of the reference file, one for each field.
    pub columns: Vec<String>,
    /// What stands in them; absent until [`Contract::with_references`].
    pub values: Option<Arc<ReferenceValues>>,
}

/// What a field's values must satisfy.
#[derive(Debug, Clone, Default)]
pub struct Constraints {
    /// A value must be there.
    pub required: bool,
    /// No value twice.
    pub unique: bool,
    /// Smallest value allowed.
    pub minimum: Option<Scalar>,
    /// Largest value allowed.
    pub maximum: Option<Scalar>,
    /// Values must be above this.
    pub exclusive_minimum: Option<Scalar>,
    /// Values must be below this.
    pub exclusive_maximum: Option<Scalar>,
    /// Fewest characters.
    pub min_length: Option<usize>,
    /// Most characters.
    pub max_length: Option<usize>,
    /// The values allowed: as a message names them, and what they mean.
    pub enumeration: Vec<(String, Scalar)>,
    /// What a value must look like, anchored at both ends.
    pub pattern: Option<Pattern>,
}

/// A regular expression with its source, before it was anchored.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As the contract has it.
    pub source: String,
    /// Anchored and compiled.
    pub regex: Regex,
}

/// A column computed from others.
#[derive(Debug, Clone)]
pub struct Derived {
    /// Its name.
    pub name: String,
    /// How it is computed.
    pub formula: Formula,
}

/// A column of origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// `source_file`: the file's key.
    SourceFile,
    /// `source_row`: the record's number, counted from 1.
    SourceRow,
    /// `received_at`: when the file was stored.
    ReceivedAt,
    /// `run_id`: the run.
    RunId,
}

impl Provenance {
    /// All of them, in the order in which they are added.
    pub const ALL: [Self; 4] = [Self::SourceFile, Self::SourceRow, Self::ReceivedAt, Self::RunId];

    /// The column's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SourceFile => "source_file",
            Self::SourceRow => "source_row",
            Self::ReceivedAt => "received_at",
            Self::RunId => "run_id",
        }
    }
}

/// Who gets which mail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Routing {
    /// Addresses for reports.
    pub results: Vec<String>,
    /// Addresses for files that were refused or held.
    pub problems: Vec<String>,
    /// The share of rejected records, from 0 to 1, above which a file is held; absent when none is.
    pub max_rejected_ratio: Option<rust_decimal::Decimal>,
    /// The number of records below which a file is held; absent when none is.
    pub min_rows: Option<u64>,
    /// Fields that must have a value in at least this share of the valid records, from 0 to 1; a file is held
    /// otherwise. Indexes into the contract's fields.
    pub min_filled: Vec<(usize, rust_decimal::Decimal)>,
}

/// What to compute.
#[derive(Debug, Clone, Default)]
pub struct Analysis {
    /// Numbers worth adding up.
    pub measures: Vec<Measure>,
    /// Fields worth grouping by: indexes into the contract's fields.
    pub dimensions: Vec<usize>,
    /// Measures cut into labelled bands.
    pub segments: Vec<Segment>,
    /// The field that tells when, and the length of a period.
    pub time: Option<(usize, Period)>,
    /// Free text: indexes into the contract's fields.
    pub text: Vec<usize>,
    /// Named formulas that mark a record.
    pub flags: Vec<Flag>,
    /// What readers want to know, in plain words.
    pub questions: Vec<String>,
}

/// A number worth adding up: a field of the file or a derived column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// The name of the field or of the derived column.
    pub name: String,
    /// Where its values come from.
    pub from: MeasureSource,
    /// Its unit, such as `USD`.
    pub unit: Option<String>,
}

/// Whether sums in this unit mean something: of money and of counts they do, of temperatures and speeds they do not.
///
/// A measure without a unit is taken for a count of something.
#[must_use]
pub fn adds_up(unit: Option<&str>) -> bool {
    unit.is_none_or(|unit| {
        let is_currency = unit.len() == 3 && unit.bytes().all(|byte| byte.is_ascii_uppercase());
        is_currency || ["$", "€", "£", "¥", "items", "pieces", "units", "orders", "steps"].contains(&unit)
    })
}

/// Where a measure's values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MeasureSource {
    /// The field with this index.
    Field(usize),
    /// The derived column with this index.
    Derived(usize),
}

/// A measure cut into labelled bands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its name, such as `price_segment`.
    pub name: String,
    /// The measure: an index into the measures.
    pub measure: usize,
    /// The bands from the lowest to the highest; each takes what those before it left.
    pub bands: Vec<Band>,
}

/// One band of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    /// Its label, such as `mid-range`.
    pub label: String,
    /// Where it ends.
    pub end: BandEnd,
}

/// Where a band ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandEnd {
    /// Below this value (`"below": 500`).
    Below(rust_decimal::Decimal),
    /// At this value, which still belongs to it (`"up_to": 1000`).
    UpTo(rust_decimal::Decimal),
    /// Nowhere: the last band.
    Open,
}

/// The length of a period of a trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
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
#[derive(Debug, Clone)]
pub struct Flag {
    /// Its name in plain words.
    pub name: String,
    /// When it applies.
    pub formula: Formula,
    /// How bad it is.
    pub severity: Level,
}

/// One thing that is wrong with a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a JSON pointer (RFC 6901): `/schema/fields/3/constraints/minimum`.
    pub pointer: String,
    /// What is wrong and what would be accepted.
    pub message: String,
}

/// Everything that is wrong with a contract.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the contract has {} problem(s)", problems.len())]
pub struct BrokenContract {
    /// All of it, in the order of the document.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.message)
    }
}

impl Contract {
    /// How many of a header's names are names of its fields.
    #[must_use]
    pub fn knows(&self, labels: &[String]) -> usize {
        let is_field = |label: &&String| self.fields.iter().any(|field| folded(&field.name) == folded(label));
        labels.iter().filter(is_field).count()
    }

    /// Reads a contract.
    ///
    /// # Errors
    /// Every problem at once, each with its JSON pointer and what would be accepted.
    pub fn parse(bytes: &[u8]) -> Result<Self, BrokenContract> {
        Self::from_descriptor(document::read(bytes)?, ContractDigest::of(bytes))
    }

    /// Reads a contract whose bytes were read before, such as the one that a manifest carries: written again,
    /// they would have another digest.
    ///
    /// # Errors
    /// Every problem at once, each with its JSON pointer and what would be accepted.
    pub fn from_descriptor(descriptor: Value, digest: ContractDigest) -> Result<Self, BrokenContract> {
        let problems = node::Problems::default();
        let contract = read(&descriptor, &problems, digest);
        let problems = problems.in_order_of(&descriptor);
        match contract {
            Some(contract) if problems.is_empty() => Ok(Self { descriptor, ..contract }),
            _ => Err(BrokenContract { problems }),
        }
    }

    /// The texts that stand for "no value" in a field.
    #[must_use]
    pub fn missing_values_of<'a>(&'a self, field: &'a Field) -> &'a [String] {
        field.missing_values.as_deref().unwrap_or(&self.missing_values)
    }

    /// The names of these fields, as one text.
    #[must_use]
    pub fn names(&self, fields: &[usize]) -> String {
        let names =
            fields.iter().filter_map(|index| self.fields.get(*index)).map(|field| field.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    }

    /// The index of the field with this name.
    #[must_use]
    pub fn field_index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}

/// Whether a name can be that of a file in the contract's own folder, and of nothing else.
fn is_plain_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.starts_with(is_plain) && name.chars().all(|c| is_plain(c) || "._-".contains(c))
}

/// Reads all that can be read. What comes back is a contract only where no problem was found.
fn read(descriptor: &Value, problems: &node::Problems, digest: ContractDigest) -> Option<Contract> {
    let root = node::Node::root(descriptor, problems)
        .object("a contract: write a JSON object with name and schema")?;
    check_keys(&root, problems);
    let name = dataset_name(&root).unwrap_or_default();
    let mut table = table::Table::read(&root);
    let dialect = dialect::read(&root);
    if let Some(text) = dialect.null_sequence.as_ref().filter(|text| !table.missing_values.contains(text)) {
        table.missing_values.push(text.clone());
    }
    let row_constraints = extension::checks(&root, &table);
    let extension = extension::read(&root, &mut table, problems);
    let title = root.get("title").and_then(|node| node.label("a title", 200));
    Some(Contract {
        title: title.map_or_else(|| name.clone(), str::to_owned),
        name,
        digest,
        descriptor: Value::Null,
        encoding: dialect::encoding(&root),
        dialect,
        fields: table.fields,
        missing_values: table.missing_values,
        fields_match: table.fields_match,
        primary_key: table.primary_key,
        unique_keys: table.unique_keys,
        foreign_keys: table.foreign_keys,
        references: Vec::new(),
        row_constraints,
        derive: extension.derive,
        provenance: extension.provenance,
        routing: extension.routing,
        analysis: extension.analysis,
    })
}

/// Refuses a top-level key that is one of ours but for a slip, and another type of resource. The standard allows
/// any other key.
fn check_keys(root: &node::Object<'_>, problems: &node::Problems) {
    const OURS: [&str; 6] = ["dialect", "encoding", "schema", "checks", "gristmill", "missingValues"];
    for key in root.keys() {
        let pointer = node::member("", key);
        if key == "missingValues" {
            problems.add(&pointer, "missingValues stands in the wrong place: write it inside schema");
        } else if let Some(meant) = suggestion::nearest(key, OURS.into_iter())
            && root.get(meant).is_none()
        {
            problems.add(&pointer, format!("there is no key {key:?}; did you mean {meant:?}?"));
        }
    }
    if let Some(node) = root.get("type")
        && node.value.as_str() != Some("table")
    {
        node.is_not("the type of a tabular resource: write \"table\" or leave it out");
    }
}

fn dataset_name(root: &node::Object<'_>) -> Option<String> {
    let expected =
        "a dataset's name: write lower-case letters, digits, and . _ - inside, such as \"customer_orders\"";
    let node = root.required("name", expected)?;
    let name = node.text(expected)?;
    if name.len() > MAX_NAME_BYTES {
        node.refuse(format!("the name is too long: at most {MAX_NAME_BYTES} characters are allowed"));
    } else if !is_plain_name(name) {
        node.is_not(expected);
    } else {
        return Some(name.to_owned());
    }
    None
}
