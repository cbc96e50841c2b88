//! A contract as it is written, and the JSON Schema of it.
//!
//! These types say what may stand where, so that editors complete contracts and a draft can be written from
//! code. [`super::Contract::parse`] does not use them: it reports every problem at once, which a typed reader
//! cannot.

mod gristmill;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::HeaderRows;
use crate::rows::{Layout, NO_QUOTE};
use crate::value::FieldType;

pub use gristmill::*;

/// The JSON Schema of contracts, draft 2020-12.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.root_schema_for::<Descriptor>().to_value();
    without_null(&mut schema);
    schema
}

/// Takes `null` out of what is optional: a key that has no value is left out of a contract.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    map.shift_remove("anyOf");
                    map.extend(only);
                }
            }
            // A default of null would be offered by editors and then refused.
            if map.get("default").is_some_and(Value::is_null) {
                map.shift_remove("default");
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// A Gristmill contract: a Tabular Data Resource (Data Package v2) with the key `gristmill`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Gristmill contract")]
pub struct Descriptor {
    /// The profile that the contract follows, for editors.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<String>,
    /// The dataset's name; it is the folder below `input/` and the name of the contract's file.
    #[schemars(length(min = 1, max = 80), regex(pattern = "^[a-z0-9][a-z0-9_.-]*$"))]
    pub name: String,
    /// Always `table`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ResourceType>,
    /// What people call the dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200))]
    pub title: Option<String>,
    /// What the dataset is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where a file of the dataset is, for other tools. Gristmill does not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<OneOrMore>,
    /// The encoding of the files, by a name of the Encoding Standard such as `windows-1252`; UTF-8 when left out. A
    /// byte order mark in a file goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// How the files are laid out; what is left out is found out from the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<DialectDescriptor>,
    /// The fields and what their values must satisfy.
    pub schema: TableSchema,
    /// What every record as a whole must satisfy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub checks: Vec<Check>,
    /// What the standard has no word for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gristmill: Option<Gristmill>,
}

/// The type of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResourceType {
    /// A table.
    Table,
}

/// One text or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

/// How a file is laid out (Table Dialect).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DialectDescriptor {
    /// The profile that the dialect follows.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<String>,
    /// The character between cells; left out, it is found out from the header. Spaces may stand behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[\t -~] *$"))]
    pub delimiter: Option<String>,
    /// The character around cells; `"` when left out, an empty text where cells are never quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[\t -~]?$"))]
    pub quote_char: Option<String>,
    /// Whether a quote inside a quoted cell is written twice; true when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub double_quote: Option<bool>,
    /// The character that takes the special meaning from the one behind it, such as a backslash; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[\t -~]?$"))]
    pub escape_char: Option<String>,
    /// A text that stands for "no value", beside the schema's `missingValues`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub null_sequence: Option<String>,
    /// Whether the file has a header; without one its columns are the fields in their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// The rows of the header, from 1, empty lines included; `[1]` when left out. Rows above it are passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100), inner(range(min = 1, max = 100)))]
    pub header_rows: Option<Vec<u64>>,
    /// What stands between the parts of a name that is spread over several rows; a space when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_join: Option<String>,
    /// The character that makes a line a comment where it is the first of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[\t -~]$"))]
    pub comment_char: Option<String>,
    /// Rows above the first row of data that are passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100), inner(range(min = 1, max = 100)))]
    pub comment_rows: Option<Vec<u64>>,
    /// Whether spaces after a delimiter are dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_initial_space: Option<bool>,
    /// The end of a line. A file may have any, whatever is written here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["\n", "\r\n", "\r"]))]
    pub line_terminator: Option<String>,
    /// Whether the case of names in the header counts; it never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("const" = false))]
    pub case_sensitive_header: Option<bool>,
}

impl DialectDescriptor {
    /// The dialect of a file that was found to be laid out like this. The delimiter is always named.
    #[must_use]
    pub fn of(layout: &Layout, header: &HeaderRows) -> Self {
        let usual = Layout::default();
        let text = |byte: u8| char::from(byte).to_string();
        let quote = if layout.quote == NO_QUOTE { String::new() } else { text(layout.quote) };
        Self {
            delimiter: Some(text(layout.delimiter)),
            quote_char: (layout.quote != usual.quote).then_some(quote),
            double_quote: (!layout.double_quote).then_some(false),
            escape_char: layout.escape.map(text),
            comment_char: layout.comment.map(text),
            skip_initial_space: layout.skip_initial_space.then_some(true),
            header: (*header == HeaderRows::Absent).then_some(false),
            header_rows: match header {
                HeaderRows::At(rows) => Some(rows.clone()),
                HeaderRows::First | HeaderRows::Absent => None,
            },
            ..Self::default()
        }
    }
}

/// The fields of a table (Table Schema).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableSchema {
    /// The profile that the schema follows.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<String>,
    /// The schema's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The schema's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The schema's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The fields. A file may have them in another order, and more columns.
    #[schemars(length(min = 1, max = 256))]
    pub fields: Vec<FieldDescriptor>,
    /// How fields are matched with columns. When left out, columns are found by name, optional ones may be missing
    /// and further ones are carried through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fields_match: Option<FieldsMatch>,
    /// Texts that stand for "no value"; `[""]` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub missing_values: Option<Vec<MissingValue>>,
    /// The field, or the fields together, whose value no two records share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<OneOrMore>,
    /// Keys of one or more fields: no two records share their values, where all of them have one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub unique_keys: Vec<OneOrMore>,
    /// Fields whose values must stand in a reference file beside the contract.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub foreign_keys: Vec<ForeignKeyDescriptor>,
}

/// Fields whose values must stand in a reference file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForeignKeyDescriptor {
    /// The name of the field, or of the fields together.
    pub fields: OneOrMore,
    /// Where their values must stand.
    pub reference: ReferenceDescriptor,
}

/// Where the values of a foreign key must stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReferenceDescriptor {
    /// The name of a CSV file in the contract's folder, without its ending.
    #[schemars(length(min = 1, max = 80), regex(pattern = "^[a-z0-9][a-z0-9_.-]*$"))]
    pub resource: String,
    /// Its columns, one for each field.
    pub fields: OneOrMore,
}

/// How fields are matched with columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum FieldsMatch {
    /// As a word.
    Word(FieldsMatchWord),
    /// As a list of one word, which is how the standard's profile has it.
    List(#[schemars(length(min = 1, max = 1))] Vec<FieldsMatchWord>),
}

/// A way to match fields with columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldsMatchWord {
    /// The same fields in the same order.
    Exact,
    /// The same fields in any order.
    Equal,
    /// The file may have more columns.
    Subset,
    /// The file may have fewer columns.
    Superset,
    /// The file has at least one of the fields.
    Partial,
}

/// A text that stands for "no value".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MissingValue {
    /// The text.
    Text(String),
    /// The text and what it means.
    Labelled {
        /// The text.
        value: String,
        /// What it means.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
}

/// A field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldDescriptor {
    /// The column's name as it stands in the header.
    #[schemars(length(min = 1, max = 1024))]
    pub name: String,
    /// The type of its values; `any` when left out.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FieldType>,
    /// `default`; of a date or a time, a `strptime` pattern such as `%d/%m/%Y`; of a string, `email`, `uri`, `uuid`
    /// or `binary` (base64).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The character before the fraction of a number; `.` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1))]
    pub decimal_char: Option<String>,
    /// The character that may stand between groups of digits of a number or an integer; none when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1))]
    pub group_char: Option<String>,
    /// Whether nothing but the number may stand in a cell of a number or an integer; `true` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bare_number: Option<bool>,
    /// The words for true of a boolean; `["true", "True", "TRUE", "1"]` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub true_values: Option<Vec<String>>,
    /// The words for false of a boolean; `["false", "False", "FALSE", "0"]` when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub false_values: Option<Vec<String>>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// One of its values, for readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// What its values must satisfy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constraints: Option<ConstraintsDescriptor>,
    /// The values of a string or an integer that are allowed, each with a label if need be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub categories: Option<Vec<Category>>,
    /// Whether the categories have an order. Read by other tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories_ordered: Option<bool>,
    /// Texts that stand for "no value" in this field, instead of those of the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub missing_values: Option<Vec<MissingValue>>,
    /// What it is as a term of a vocabulary, for other tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rdf_type: Option<String>,
}

/// A value of a field with few of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Category {
    /// The value.
    Value(CategoryValue),
    /// The value and what people call it.
    Labelled {
        /// The value.
        value: CategoryValue,
        /// What people call it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
}

/// The value of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CategoryValue {
    /// Of an integer.
    Number(Number),
    /// Of a string, or of an integer as its cells are written.
    Text(String),
}

/// What the values of a field must satisfy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConstraintsDescriptor {
    /// A value must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// No value twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<bool>,
    /// The smallest value allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Bound>,
    /// The largest value allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Bound>,
    /// Values must be above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive_minimum: Option<Bound>,
    /// Values must be below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive_maximum: Option<Bound>,
    /// The fewest characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// The most characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// The values allowed.
    #[serde(rename = "enum", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 4096))]
    pub enumeration: Option<Vec<EnumValue>>,
    /// What a text must look like, from its first to its last character: a regular expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
}

/// A limit: a number, or a text for dates, times and numbers of more than 15 digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Bound {
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
}

/// A value that is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EnumValue {
    /// A boolean.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
}

/// What a record as a whole must satisfy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Always `row-constraint`, the only check so far.
    #[serde(rename = "type")]
    pub kind: CheckType,
    /// What must hold, such as `diastolic_bp <= systolic_bp`.
    #[schemars(length(min = 1, max = 1024))]
    pub formula: String,
}

/// The type of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckType {
    /// A formula that holds for every record.
    RowConstraint,
}

#[cfg(test)]
mod tests {
    use super::super::{analysis, constraints, dialect, extension, table};
    use super::*;

    #[test]
    fn the_schema_and_the_parser_know_the_same_keys() {
        let schema = schema();
        for (name, known) in [
            ("DialectDescriptor", dialect::KEYS.as_slice()),
            ("TableSchema", &table::KEYS),
            ("ForeignKeyDescriptor", &table::FOREIGN_KEYS),
            ("ReferenceDescriptor", &table::REFERENCE_KEYS),
            ("FieldDescriptor", &table::FIELD_KEYS),
            ("ConstraintsDescriptor", &constraints::KEYS),
            ("Gristmill", &extension::KEYS),
            ("RoutingDescriptor", &extension::ROUTING_KEYS),
            ("DerivedDescriptor", &extension::DERIVE_KEYS),
            ("AnalysisDescriptor", &analysis::KEYS),
            ("MeasureWithUnit", &analysis::MEASURE_KEYS),
            ("SegmentDescriptor", &analysis::SEGMENT_KEYS),
            ("BandDescriptor", &analysis::BAND_KEYS),
            ("TimeDescriptor", &analysis::TIME_KEYS),
            ("FlagDescriptor", &analysis::FLAG_KEYS),
        ] {
            let definition = &schema["$defs"][name];
            let mut described: Vec<&str> =
                definition["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            let mut known = known.to_vec();
            described.sort_unstable();
            known.sort_unstable();
            assert_eq!(described, known, "{name}");
            assert_eq!(definition["additionalProperties"], false, "{name}");
        }
    }
}
