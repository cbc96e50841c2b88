//! The schema: fields, missing values, keys.

use super::descriptor::FieldsMatchWord;
use super::node::{Node, Object, quoted};
use super::suggestion::suggestion;
use super::{Constraints, Field, ForeignKey, MAX_FIELDS, MAX_NAME_BYTES, constraints, form, is_plain_name};
use crate::formula::Kind;
use crate::value::FieldType;

/// The keys of a schema.
pub(super) const KEYS: [&str; 10] = [
    "$schema",
    "name",
    "title",
    "description",
    "fields",
    "fieldsMatch",
    "missingValues",
    "primaryKey",
    "uniqueKeys",
    "foreignKeys",
];
/// The keys of an entry of `foreignKeys`.
pub(super) const FOREIGN_KEYS: [&str; 2] = ["fields", "reference"];
/// The keys of its `reference`.
pub(super) const REFERENCE_KEYS: [&str; 2] = ["resource", "fields"];

/// The most unique keys.
const MAX_UNIQUE_KEYS: usize = 64;
/// The most foreign keys. Each may have a reference file of its own, which is kept in memory.
const MAX_FOREIGN_KEYS: usize = 16;

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
    pub(super) fields_match: Option<FieldsMatchWord>,
    pub(super) primary_key: Vec<usize>,
    pub(super) unique_keys: Vec<Vec<usize>>,
    pub(super) foreign_keys: Vec<ForeignKey>,
}

impl Table {
    pub(super) fn read(root: &Object<'_>) -> Self {
        let mut table = Self { missing_values: vec![String::new()], ..Self::default() };
        let expected = "a schema: write an object with the list \"fields\"";
        let Some(schema) = root.required("schema", expected).and_then(|node| node.object(expected)) else {
            return table;
        };
        schema.only(&KEYS, &[]);
        table.read_fields(&schema);
        if let Some(node) = schema.get("missingValues") {
            table.missing_values = missing_values(&node);
        }
        if let Some(node) = schema.get("primaryKey") {
            table.primary_key = table.key(&node);
        }
        if let Some(node) = schema.get("uniqueKeys") {
            table.unique_keys = table.read_unique_keys(&node);
        }
        if let Some(node) = schema.get("foreignKeys") {
            let expected = "a list of foreign keys: write [{\"fields\": [\"country\"], \"reference\": {\"resource\": \"countries\", \"fields\": [\"code\"]}}]";
            let items = node.items(expected, MAX_FOREIGN_KEYS);
            table.foreign_keys = items.iter().filter_map(|item| table.foreign_key(item, root)).collect();
        }
        if let Some(node) = schema.get("fieldsMatch") {
            table.fields_match = fields_match(&node);
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

    fn read_unique_keys(&self, node: &Node<'_>) -> Vec<Vec<usize>> {
        let expected = "a list of keys: write [[\"order_id\", \"line\"]]";
        let mut keys: Vec<Vec<usize>> = Vec::new();
        for item in node.items(expected, MAX_UNIQUE_KEYS) {
            let key = self.key(&item);
            if item.value.as_array().is_some_and(Vec::is_empty) {
                item.refuse("a key of no fields: name at least one");
            } else if keys.contains(&key) && !key.is_empty() {
                item.refuse("this key is listed twice: list it once");
            } else {
                keys.push(key);
            }
        }
        keys
    }

    fn foreign_key(&self, node: &Node<'_>, root: &Object<'_>) -> Option<ForeignKey> {
        let example = "a foreign key: write {\"fields\": [\"country\"], \"reference\": {\"resource\": \"countries\", \"fields\": [\"code\"]}}";
        let object = node.object(example)?;
        object.only(&FOREIGN_KEYS, &[]);
        let fields = object.required("fields", "the names of the fields that refer to another file");
        let reference =
            object.required("reference", "what they refer to: {\"resource\": …, \"fields\": […]}");
        let fields = fields.map(|node| self.key(&node));
        let reference =
            reference?.object("a reference: write {\"resource\": \"countries\", \"fields\": [\"code\"]}")?;
        reference.only(&REFERENCE_KEYS, &[]);
        let resource = resource(&reference, root);
        let columns = reference
            .required("fields", "the names of the columns in the reference file, in the same order")?;
        let names = columns_of(&columns);
        let fields = fields?;
        if fields.is_empty() {
            // An empty list or an unknown name, which has been blamed.
            if object.get("fields").is_some_and(|node| node.value.as_array().is_some_and(Vec::is_empty)) {
                node.refuse("a foreign key of no fields: name at least one");
            }
            return None;
        }
        if names.len() != fields.len() {
            columns.refuse(format!(
                "the foreign key has {} and refers to {}: name one column for each field",
                counted(fields.len(), "field"),
                counted(names.len(), "column")
            ));
            return None;
        }
        Some(ForeignKey { fields, resource: resource?, columns: names, values: None })
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

fn fields_match(node: &Node<'_>) -> Option<FieldsMatchWord> {
    let name = match node.value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => node.value,
    };
    let word = match name.as_str() {
        Some("exact") => Some(FieldsMatchWord::Exact),
        Some("equal") => Some(FieldsMatchWord::Equal),
        Some("subset") => Some(FieldsMatchWord::Subset),
        Some("superset") => Some(FieldsMatchWord::Superset),
        Some("partial") => Some(FieldsMatchWord::Partial),
        _ => None,
    };
    if word.is_none() {
        node.is_not(
            "a way to match fields: write exact, equal, subset, superset or partial, or leave it out",
        );
    }
    word
}

/// The name of a reference file.
fn resource(reference: &Object<'_>, root: &Object<'_>) -> Option<String> {
    let advice = "keep the list in a file beside the contract, such as countries.csv, and write its name without \
                  the ending: \"countries\"";
    let own = root.get("name").and_then(|node| node.value.as_str());
    let Some(node) = reference.get("resource") else {
        let expected = format!(
            "the name of the reference file. A reference to the file itself is not supported: {advice}"
        );
        reference.required("resource", &expected);
        return None;
    };
    let name = node.text("the name of a reference file: write one such as \"countries\"")?;
    if name.is_empty() || Some(name) == own {
        node.refuse(format!("a reference to the file itself is not supported: {advice}"));
    } else if let Some(bare) = name.strip_suffix(".csv") {
        node.refuse(format!("write the name without its ending: {}", quoted(bare)));
    } else if name.len() > MAX_NAME_BYTES || !is_plain_name(name) {
        node.is_not(
            "the name of a reference file in the contract's own folder: write lower-case letters, digits, and . _ - \
             inside, such as \"countries\"",
        );
    } else {
        return Some(name.to_owned());
    }
    None
}

/// The names of a reference file's columns.
fn columns_of(node: &Node<'_>) -> Vec<String> {
    let expected = "the name of a column, or a list of names";
    let name = |node: &Node<'_>| node.label("the name of a column", 1024).map(str::to_owned);
    if node.value.is_string() {
        return name(node).into_iter().collect();
    }
    node.items(expected, MAX_FIELDS).iter().filter_map(name).collect()
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
