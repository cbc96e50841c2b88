//! The schema: fields, missing values, primary key.

use super::node::{Node, Object, quoted};
use super::suggestion::suggestion;
use super::{Constraints, Field, MAX_FIELDS, constraints, form};
use crate::formula::Kind;
use crate::value::FieldType;

/// The keys of a schema.
pub(super) const KEYS: [&str; 8] =
    ["$schema", "name", "title", "description", "fields", "fieldsMatch", "missingValues", "primaryKey"];

const UNSUPPORTED: [(&str, &str); 2] = [
    ("foreignKeys", "one file is judged by itself; remove this key"),
    ("uniqueKeys", "name one key under primaryKey, or set constraints.unique on single fields"),
];

/// The keys of a field.
pub(super) const FIELD_KEYS: [&str; 16] = [
    "name",
    "type",
    "format",
    "decimalChar",
    "groupChar",
    "bareNumber",
    "trueValues",
    "falseValues",
    "title",
    "description",
    "example",
    "constraints",
    "categories",
    "categoriesOrdered",
    "missingValues",
    "rdfType",
];

const FIELD_UNSUPPORTED: [(&str, &str); 3] = [
    ("delimiter", LISTS),
    ("itemType", LISTS),
    ("personal", "list the field's name under gristmill.personal"),
];

const LISTS: &str = "it is for lists in cells; make the field a string, and remove this key";

const TYPES: [FieldType; 11] = [
    FieldType::String,
    FieldType::Integer,
    FieldType::Number,
    FieldType::Boolean,
    FieldType::Date,
    FieldType::Time,
    FieldType::Datetime,
    FieldType::Year,
    FieldType::Yearmonth,
    FieldType::Duration,
    FieldType::Any,
];

/// The types of the standard that are not supported, and what to do instead.
const UNSUPPORTED_TYPES: [(&str, &str); 5] = [
    ("object", "a cell is not looked into; make the field a string"),
    ("array", "a cell is not looked into; make the field a string"),
    (
        "list",
        "a cell is not looked into; make the field a string with a constraints.pattern such as \"[^;]+(;[^;]+)*\"",
    ),
    (
        "geopoint",
        "make it two columns of type number, or a string with a constraints.pattern such as \"-?[0-9.]+, ?-?[0-9.]+\"",
    ),
    ("geojson", "a cell is not looked into; make the field a string"),
];

/// What a formula may name: a field or a derived column, and what its values are where that is known.
pub(super) type Column<'t> = (&'t str, Option<Kind>);

/// What the schema says. Whatever is broken has been reported and is left at its default.
#[derive(Default)]
pub(super) struct Table {
    pub(super) fields: Vec<Field>,
    /// The types of the fields, where they could be read.
    kinds: Vec<Option<FieldType>>,
    pub(super) missing_values: Vec<String>,
    pub(super) primary_key: Vec<usize>,
}

impl Table {
    pub(super) fn read(root: &Object<'_>) -> Self {
        let mut table = Self { missing_values: vec![String::new()], ..Self::default() };
        let expected = "a schema: write an object with the list \"fields\"";
        let Some(schema) = root.required("schema", expected).and_then(|node| node.object(expected)) else {
            return table;
        };
        schema.only(&KEYS, &UNSUPPORTED);
        table.read_fields(&schema);
        if let Some(node) = schema.get("missingValues") {
            table.missing_values = missing_values(&node);
        }
        if let Some(node) = schema.get("primaryKey") {
            table.primary_key = table.key(&node);
        }
        if let Some(node) = schema.get("fieldsMatch") {
            check_fields_match(&node);
        }
        table
    }

    fn read_fields(&mut self, schema: &Object<'_>) {
        let expected = "a list of fields: write [{\"name\": \"price\", \"type\": \"number\"}, …]";
        let Some(list) = schema.required("fields", expected) else { return };
        if list.value.as_array().is_some_and(Vec::is_empty) {
            list.refuse("there are no fields: write at least one, such as {\"name\": \"price\"}");
        }
        for node in list.items(expected, MAX_FIELDS) {
            let Some(object) = node.object("a field: write an object such as {\"name\": \"price\"}") else {
                continue;
            };
            let (field, kind) = field(&object);
            if let Some(first) = self.index(&field.name)
                && let Some(name) = object.get("name")
            {
                name.refuse(format!(
                    "the field {} stands at {}/{first} already: field names must differ",
                    quoted(&field.name),
                    list.pointer
                ));
            }
            self.fields.push(field);
            self.kinds.push(kind);
        }
    }

    fn key(&self, node: &Node<'_>) -> Vec<usize> {
        if node.value.is_string() {
            return self.field(node).into_iter().collect();
        }
        let expected = "a key: write the name of a field, or a list of names";
        self.distinct_fields(&node.items(expected, MAX_FIELDS))
    }

    /// The fields that a list names, each once.
    pub(super) fn distinct_fields(&self, nodes: &[Node<'_>]) -> Vec<usize> {
        let mut indexes = Vec::new();
        for node in nodes {
            let Some(index) = self.field(node) else { continue };
            if indexes.contains(&index) {
                node.refuse("this field is listed twice: list it once");
            } else {
                indexes.push(index);
            }
        }
        indexes
    }

    /// The field that a value names.
    pub(super) fn field(&self, node: &Node<'_>) -> Option<usize> {
        let name = node.text("the name of a field: write one of the names under schema.fields")?;
        let index = self.index(name);
        // Without any readable field the schema is to blame, and has been blamed.
        if index.is_none() && !self.fields.is_empty() {
            node.refuse(suggestion("field", name, self.names()));
        }
        index
    }

    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.names().position(|known| known == name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// What formulas see: the names, and what their values are where the types could be read.
    pub(super) fn columns(&self) -> Vec<Column<'_>> {
        let kinds = self.kinds.iter().map(|kind| kind.map(operand_kind));
        self.names().zip(kinds).collect()
    }

    /// Whether the field may be of one of these types; a type that could not be read may be any.
    pub(super) fn is_any_of(&self, index: usize, kinds: &[FieldType]) -> bool {
        match self.kinds.get(index) {
            Some(Some(kind)) => kinds.contains(kind),
            _ => true,
        }
    }
}

/// What a formula sees of a cell of this type.
fn operand_kind(kind: FieldType) -> Kind {
    match kind {
        FieldType::Integer | FieldType::Number | FieldType::Year => Kind::Number,
        FieldType::Boolean => Kind::Boolean,
        FieldType::String
        | FieldType::Date
        | FieldType::Time
        | FieldType::Datetime
        | FieldType::Yearmonth
        | FieldType::Duration
        | FieldType::Any => Kind::Text,
    }
}

fn field(object: &Object<'_>) -> (Field, Option<FieldType>) {
    object.only(&FIELD_KEYS, &FIELD_UNSUPPORTED);
    let expected = "the column's name as it stands in the header";
    let name = object.required("name", expected).and_then(|node| node.label(expected, 1024));
    let kind = object.get("type").map_or(Some(FieldType::Any), |node| field_type(&node));
    let format = form::read(object, kind);
    let mut constraints = object.get("constraints").map_or_else(Constraints::default, |node| {
        let expected = "constraints: write an object such as {\"required\": true}";
        node.object(expected).map(|object| constraints::read(&object, kind, &format)).unwrap_or_default()
    });
    if let Some(node) = object.get("categories") {
        constraints::restrict(&mut constraints, &node, kind, &format);
    }
    // The order of categories is for other tools.
    object.flag("categoriesOrdered");
    let field = Field {
        name: name.unwrap_or_default().to_owned(),
        kind: kind.unwrap_or_default(),
        format,
        constraints,
        missing_values: object.get("missingValues").map(|node| missing_values(&node)),
        personal: false,
    };
    (field, kind)
}

fn field_type(node: &Node<'_>) -> Option<FieldType> {
    let expected = "a type: write string, integer, number, boolean, date, time, datetime, year, yearmonth, \
                    duration or any";
    let name = node.text(expected)?;
    let kind = TYPES.into_iter().find(|kind| kind.as_str() == name);
    if kind.is_none() {
        match UNSUPPORTED_TYPES.iter().find(|(unsupported, _)| *unsupported == name) {
            Some((_, advice)) => node.refuse(format!("the type {name} is not supported: {advice}")),
            None => node.is_not(expected),
        }
    }
    kind
}

fn missing_values(node: &Node<'_>) -> Vec<String> {
    let expected = "a list of texts: write [\"\", \"N/A\"]";
    let one = |node: Node<'_>| {
        if let Some(object) = node.value.as_object() {
            let value = object.get("value").and_then(serde_json::Value::as_str).map(str::to_owned);
            if value.is_none() {
                node.refuse("this missing value has no \"value\": write a text, or {\"value\": \"-\", \"label\": \"unknown\"}");
            }
            return value;
        }
        node.text("a text: write it in quotes, such as \"N/A\"").map(str::to_owned)
    };
    node.items(expected, 64).into_iter().filter_map(one).collect()
}

fn check_fields_match(node: &Node<'_>) {
    let name = match node.value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => node.value,
    };
    if !matches!(name.as_str(), Some("exact" | "equal" | "subset" | "superset" | "partial")) {
        node.is_not(
            "a way to match fields: write exact, equal, subset, superset or partial, or leave it out",
        );
    }
}
