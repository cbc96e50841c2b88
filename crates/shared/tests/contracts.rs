//! The contracts of this repository, broken ones, and the JSON Schema of both.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helper functions of tests stop at the first surprise"
)]

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::contract::{BandEnd, BrokenContract, Contract, MeasureSource, Period, Provenance, schema};
use shared::identity::ContractDigest;
use shared::intake::Charset;
use shared::record::Level;
use shared::value::{FieldType, Format, Scalar};

/// The bytes of every contract in `contracts/`, by file name.
fn contracts() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts");
    let mut contracts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            contracts.push((name, std::fs::read(&path).unwrap()));
        }
    }
    contracts.sort();
    contracts
}

fn contract(name: &str) -> Contract {
    let contracts = contracts();
    let (_, bytes) = contracts.iter().find(|(known, _)| known == name).unwrap();
    Contract::parse(bytes).unwrap()
}

fn parse(descriptor: &Value) -> Result<Contract, BrokenContract> {
    Contract::parse(&serde_json::to_vec(descriptor).unwrap())
}

/// The pointers and messages of all problems.
fn problems(descriptor: &Value) -> Vec<(String, String)> {
    let broken = parse(descriptor).unwrap_err();
    broken.problems.into_iter().map(|problem| (problem.pointer, problem.message)).collect()
}

/// A small sound contract with something replaced in it.
fn small(pointer: &str, value: Value) -> Value {
    let mut descriptor = json!({
        "name": "orders",
        "schema": {"fields": [
            {"name": "id", "type": "string"},
            {"name": "price", "type": "number"},
            {"name": "day", "type": "date"},
            {"name": "review", "type": "string"}
        ]},
        "gristmill": {
            "derive": [{"name": "double", "formula": "price * 2"}],
            "analysis": {"measures": ["price", "double"]}
        }
    });
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match descriptor.pointer_mut(parent).unwrap() {
        Value::Array(items) => match items.get_mut(key.parse::<usize>().unwrap()) {
            Some(item) => *item = value,
            None => items.push(value),
        },
        Value::Object(map) => drop(map.insert(key.to_owned(), value)),
        _ => {}
    }
    descriptor
}

/// A foreign key of the field `id`.
fn reference(reference: &Value) -> Value {
    json!([{"fields": ["id"], "reference": reference}])
}

#[test]
fn every_contract_of_the_repository_is_sound_and_named_as_its_file() {
    let contracts = contracts();
    let names: Vec<&str> = contracts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["customer_orders", "health_metrics", "shipments", "smartphone_sales", "smoke_test"]);
    for (name, bytes) in &contracts {
        let contract = Contract::parse(bytes).unwrap_or_else(|broken| panic!("{name}: {broken:?}"));
        assert_eq!(contract.name, *name);
        assert_eq!(contract.digest, ContractDigest::of(bytes));
        assert_eq!(contract.encoding, Some(Charset::UTF_8));
        assert!(!contract.routing.results.is_empty() && !contract.routing.problems.is_empty(), "{name}");
        assert!(!contract.analysis.questions.is_empty(), "{name}");
    }
}

#[test]
fn the_smartphone_contract_says_what_is_meant() {
    let contract = contract("smartphone_sales");
    assert_eq!(contract.fields.len(), 11);
    // A buyer need not write a review; everything else must be there.
    let optional = contract.fields.iter().filter(|field| !field.constraints.required);
    assert_eq!(optional.map(|field| field.name.as_str()).collect::<Vec<_>>(), ["customer_review"]);
    assert!(contract.primary_key.is_empty());
    assert_eq!(contract.missing_values, ["", "N/A"]);
    assert_eq!(contract.provenance, Provenance::ALL);
    assert_eq!(contract.routing.max_rejected_ratio, None);
    let price = &contract.fields[contract.field_index("price").unwrap()];
    assert_eq!(price.kind, FieldType::Number);
    assert_eq!(price.constraints.exclusive_minimum, Some(Scalar::Number(0.into())));
    assert_eq!(price.constraints.maximum, Some(Scalar::Number(10_000.into())));
    let region = &contract.fields[contract.field_index("region").unwrap()];
    assert_eq!(region.constraints.enumeration.len(), 6);
    let segment = &contract.analysis.segments[0];
    let bands: Vec<_> = segment.bands.iter().map(|band| (band.label.as_str(), band.end)).collect();
    assert_eq!(
        bands,
        [
            ("budget", BandEnd::Below(500.into())),
            ("mid-range", BandEnd::UpTo(1000.into())),
            ("flagship", BandEnd::Open)
        ]
    );
    assert_eq!(contract.analysis.time, Some((1, Period::Month)));
    assert_eq!(contract.analysis.text, [7]);
}

#[test]
fn the_health_contract_keeps_persons_out_and_marks_readings() {
    let contract = contract("health_metrics");
    let personal: Vec<_> = contract.fields.iter().filter(|field| field.personal).map(|f| &f.name).collect();
    assert_eq!(personal, ["user_id"]);
    assert_eq!(contract.row_constraints[0].columns(), ["diastolic_bp", "systolic_bp"]);
    assert_eq!(contract.analysis.flags.len(), 4);
    assert_eq!(contract.analysis.flags[1].severity, Level::High);
    assert_eq!(contract.analysis.measures[3].unit.as_deref(), Some("°C"));
    assert!(contract.analysis.dimensions.is_empty());
}

#[test]
fn the_order_contract_derives_the_total_and_measures_it() {
    let contract = contract("customer_orders");
    assert_eq!(contract.primary_key, [0]);
    assert_eq!(contract.derive[0].formula.text(), "quantity * unit_price");
    assert_eq!(contract.analysis.measures[0].from, MeasureSource::Derived(0));
    assert_eq!(contract.analysis.measures[1].from, MeasureSource::Field(5));
    let email = contract.fields[2].constraints.pattern.as_ref().unwrap();
    assert!(email.regex.is_match(b"john.smith@email.com"));
    assert!(!email.regex.is_match(b"x, john.smith@email.com"));
}

#[test]
fn a_contract_that_travelled_in_a_manifest_is_the_same_contract() {
    for (name, bytes) in contracts() {
        let contract = Contract::parse(&bytes).unwrap();
        let carried: Value =
            serde_json::from_slice(&serde_json::to_vec(&contract.descriptor).unwrap()).unwrap();
        let again = Contract::from_descriptor(carried, contract.digest.clone()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{contract:?}"), "{name}");
    }
}

#[test]
fn what_a_contract_leaves_out_has_its_default() {
    let contract = parse(&json!({"name": "a", "schema": {"fields": [{"name": "x"}]}})).unwrap();
    assert_eq!(contract.title, "a");
    assert_eq!(contract.fields[0].kind, FieldType::Any);
    assert_eq!(contract.fields[0].format, Format::Default);
    assert_eq!(contract.missing_values, [""]);
    assert_eq!(contract.provenance, Provenance::ALL);
    assert_eq!(contract.dialect, shared::contract::Dialect::default());
    assert_eq!(contract.encoding, None);
}

/// A contract with 25 mistakes.
fn broken() -> Value {
    json!({
        "name": "Customer Orders",
        "encoding": "klingon",
        "dialect": {"delimiter": ";;", "quotechar": "'"},
        "schema": {
            "fields": [
                {"name": "id", "type": "text"},
                {"name": "price", "type": "number", "constraints": {"minimum": "abc", "minmum": 1}},
                {"name": "amount", "type": "integer", "constraints": {"minimum": 10, "maximum": 5}},
                {"name": "id", "type": "date", "format": "%d/%m"},
                {"name": "code", "type": "string", "constraints": {"pattern": "[A-Z", "minLength": -1}}
            ],
            "primaryKey": "order_id",
            "foreignKeys": [{"fields": "amont", "reference": {"resource": "../prices"}}]
        },
        "checks": [
            {"type": "row-constraint", "formula": "price > amont"},
            {"type": "table-dimensions"},
            {"type": "row-constraint", "formula": "price >"}
        ],
        "gristmill": {
            "routing": {"results": ["nobody"], "max_rejected_ratio": 20},
            "derive": [{"name": "price", "formula": "amount * 2"}],
            "analysis": {
                "measures": ["code"],
                "segments": [{"name": "s", "measure": "amount", "bands": [{"label": "a"}, {"label": "b"}]}],
                "time": {"field": "amount", "period": "decade"}
            }
        }
    })
}

#[test]
fn a_broken_contract_is_told_everything_at_once_in_the_order_of_the_document() {
    let found = problems(&broken());
    assert_eq!(found.len(), 27);
    let told: Vec<String> = found.iter().map(|(pointer, message)| format!("{pointer}: {message}")).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    /name: "Customer Orders" is not a dataset's name: write lower-case letters, digits, and . _ - inside, such as "customer_orders"
    /encoding: "klingon" is no encoding that can be read: write one of the names of the Encoding Standard, such as "utf-8", "utf-16le", "windows-1252", "iso-8859-2", "shift_jis" or "gb18030"
    /dialect/delimiter: ";;" is not one printable ASCII character or a tab: write one such as ";"
    /dialect/quotechar: there is no key "quotechar"; did you mean "quoteChar"?
    /schema/fields/0/type: "text" is not a type: write string, integer, number, boolean, date, time, datetime, year, yearmonth, duration or any
    /schema/fields/1/constraints/minimum: "abc" is not a number: write a number such as 10 or 2.5
    /schema/fields/1/constraints/minmum: there is no key "minmum"; did you mean "minimum"?
    /schema/fields/2/constraints/maximum: no value is allowed by minimum 10 and maximum 5: write a maximum above the minimum
    /schema/fields/3/name: the field "id" stands at /schema/fields/0 already: field names must differ
    /schema/fields/3/format: "%d/%m" is no pattern for a date: it does not give year, month and day; write "default" or one such as "%d/%m/%Y"
    /schema/fields/4/constraints/pattern: "[A-Z" is not a regular expression: unclosed character class; write one such as "[A-Z]{3}[0-9]+"
    /schema/fields/4/constraints/minLength: -1 is not a length: write a whole number of 0 or more, such as 3, without quotes
    /schema/primaryKey: there is no field "order_id"; known here: "id", "price", "amount", "id", "code"
    /schema/foreignKeys/0/fields: there is no field "amont"; did you mean "amount"?
    /schema/foreignKeys/0/reference/resource: "../prices" is not the name of a reference file in the contract's own folder: write lower-case letters, digits, and . _ - inside, such as "countries"
    /schema/foreignKeys/0/reference/fields: fields is missing: write the names of the columns in the reference file, in the same order
    /checks/0/formula: there is no field "amont"; did you mean "amount"?
    /checks/1/type: "table-dimensions" is not a check that is supported: write "row-constraint", the only one so far
    /checks/2/formula: expected a column, a number, a text in quotes or `(`, found the end of the formula at character 8
    /gristmill/routing/results/0: "nobody" is not an e-mail address: write one such as "owner@example.com"
    /gristmill/routing/max_rejected_ratio: 20 is not a share: write a number from 0 to 1, such as 0.2
    /gristmill/derive/0/name: "price" is a field of the file already: choose another name
    /gristmill/analysis/measures/0: "code" holds no numbers: name a field of type integer or number
    /gristmill/analysis/segments/0/measure: there is no measure "amount"; a segment cuts one that is listed under measures
    /gristmill/analysis/segments/0/bands/0: only the last band may be without an end: write below or up_to, such as "below": 500
    /gristmill/analysis/time/field: this field tells no day: name a field of type date or datetime
    /gristmill/analysis/time/period: "decade" is not a period: write day, week, month, quarter or year
    "#);
}

/// One thing is wrong, at or below this place, and the message says what would be accepted.
fn assert_message(pointer: &str, value: Value, expected: &str) {
    let found = problems(&small(pointer, value.clone()));
    let [(at, message)] = found.as_slice() else { panic!("{pointer} = {value}: {found:#?}") };
    assert!(at.starts_with(pointer), "{at} is not at {pointer}");
    assert!(message.contains(expected), "{pointer} = {value}: {message}");
}

#[test]
fn every_message_about_the_file_says_what_would_be_accepted() {
    for (pointer, value, expected) in [
        ("/name", json!(""), "write lower-case letters"),
        ("/name", json!("a".repeat(81)), "at most 80"),
        ("/name", json!("../x"), "write lower-case letters"),
        ("/type", json!("json"), "write \"table\""),
        ("/encoding", json!("latin 1"), "such as \"utf-8\""),
        ("/encoding", json!(8), "write \"utf-8\""),
        ("/checkss", json!([]), "did you mean \"checks\"?"),
        ("/missingValues", json!([]), "inside schema"),
        ("/dialect", json!([]), "write an object"),
        ("/dialect", json!({"header": false, "headerRows": [2]}), "remove one of the two"),
        ("/dialect", json!({"headerRows": []}), "{\"header\": false}"),
        ("/dialect", json!({"headerRows": [3, 2]}), "write 4"),
        ("/dialect", json!({"headerRows": [0]}), "write 1"),
        ("/dialect", json!({"commentRows": [1, 5]}), "between rows of data"),
        ("/dialect", json!({"headerRows": [2], "commentRows": [2]}), "list it once"),
        ("/dialect", json!({"doubleQuote": "no"}), "true or false"),
        ("/dialect", json!({"escapeChar": "\\\\"}), "one printable ASCII character"),
        ("/dialect", json!({"commentChar": "\"", "quoteChar": "\""}), "another role"),
        ("/dialect", json!({"delimiter": "#", "commentChar": "#"}), "comment character too"),
        ("/dialect", json!({"caseSensitiveHeader": true}), "without regard to case"),
        ("/dialect", json!({"delimiter": "é"}), "one printable ASCII character"),
        ("/dialect", json!({"delimiter": "\""}), "choose another one"),
        ("/dialect", json!({"lineTerminator": "\u{85}"}), "write \"\\n\""),
        ("/dialect", json!({"skipInitialSpace": "yes"}), "true or false"),
    ] {
        assert_message(pointer, value, expected);
    }
}

#[test]
fn every_message_about_a_field_says_what_would_be_accepted() {
    for (pointer, value, expected) in [
        ("/schema", json!(null), "write an object"),
        ("/schema/fields", json!([]), "at least one"),
        ("/schema/fields/0", json!("id"), "write an object"),
        ("/schema/fields/0", json!({"name": " "}), "as it stands in the header"),
        ("/schema/fields/0", json!({"name": "run_id"}), "gristmill.provenance"),
        ("/schema/fields/0", json!({"name": "source_row"}), "rename it"),
        ("/schema/fields/0/type", json!("text"), "write string, integer, number, boolean, date"),
        ("/schema/fields/0/type", json!("geopoint"), "two columns of type number"),
        ("/schema/fields/0/format", json!("phone"), "constraints.pattern"),
        ("/schema/fields/2/format", json!("any"), "%d/%m/%Y"),
        ("/schema/fields/2/format", json!("%Q"), "%d/%m/%Y"),
        ("/schema/fields/0/personal", json!(true), "gristmill.personal"),
        ("/schema/fields/0/constraints", json!({"minimum": 1}), "minLength"),
        ("/schema/fields/1/constraints", json!({"maxLength": 1}), "for fields of type string"),
        ("/schema/fields/1/constraints", json!({"max_length": 1}), "did you mean \"maxLength\"?"),
        ("/schema/fields/1/constraints", json!({"required": "yes"}), "true or false"),
        ("/schema/fields/1/constraints", json!({"enum": []}), "at least one"),
        ("/schema/fields/1/constraints", json!({"enum": [1, 1.0]}), "listed twice"),
        ("/schema/fields/0/constraints", json!({"enum": [1]}), "in quotes"),
        ("/schema/fields/1/constraints", json!({"minimum": 0.123_456_789_012_345_67}), "in quotes"),
        ("/schema/fields/1/constraints", json!({"exclusiveMinimum": 1, "maximum": "1.0"}), "above the"),
        ("/schema/fields/2/constraints", json!({"minimum": "20/05/2024"}), "\"2024-05-20\""),
        ("/schema/fields/2/constraints", json!({"minimum": 2024}), "\"2024-05-20\""),
        ("/schema/fields/0/constraints", json!({"minLength": 2, "maxLength": 1}), "above the minLength"),
        ("/schema/fields/0/constraints", json!({"pattern": "a)|(b"}), "not a regular expression"),
        ("/schema/fields/0/constraints", json!({"pattern": "(?=a)b"}), "look-around"),
    ] {
        assert_message(pointer, value, expected);
    }
}

#[test]
fn every_message_about_keys_and_checks_says_what_would_be_accepted() {
    for (pointer, value, expected) in [
        ("/schema/missingValues", json!("N/A"), "write [\"\", \"N/A\"]"),
        ("/schema/missingValues", json!([{"label": "x"}]), "\"value\""),
        ("/schema/primaryKey", json!(["id", "id"]), "list it once"),
        ("/schema/fieldsMatch", json!("some"), "subset"),
        ("/checks", json!({}), "row-constraint"),
        ("/checks", json!([{"type": "row-constraint"}]), "formula is missing"),
        ("/checks", json!([{"type": "row-constraint", "formula": "price > '5'"}]), "numbers do not"),
        ("/checks", json!([{"type": "row-constraint", "formula": "day > 2024"}]), "numbers do not"),
        ("/checks", json!([{"type": "row-constraint", "formula": "price * 2"}]), "no condition"),
        ("/checks", json!([{"type": "row-constraint", "formula": "price and id == 'x'"}]), "join conditions"),
        ("/gristmill/derive/0/formula", json!("price * id"), "cannot be computed with"),
    ] {
        assert_message(pointer, value, expected);
    }
}

#[test]
fn every_message_about_unique_and_foreign_keys_says_what_would_be_accepted() {
    for (pointer, value, expected) in [
        ("/schema/uniqueKeys", json!("id"), "[[\"order_id\", \"line\"]]"),
        ("/schema/uniqueKeys", json!([["id", "id"]]), "list it once"),
        ("/schema/uniqueKeys", json!([["id"], ["id"]]), "list it once"),
        ("/schema/uniqueKeys", json!([[]]), "at least one"),
        ("/schema/uniqueKeys", json!([["price", "amount"]]), "known here"),
        ("/schema/foreignKeys", json!({}), "write [{\"fields\": [\"country\"]"),
        (
            "/schema/foreignKeys",
            json!([{"reference": {"resource": "a", "fields": "b"}}]),
            "fields is missing",
        ),
        ("/schema/foreignKeys", json!([{"fields": "id"}]), "reference is missing"),
        (
            "/schema/foreignKeys",
            json!([{"fields": [], "reference": {"resource": "a", "fields": []}}]),
            "at least one",
        ),
        ("/schema/foreignKeys", reference(&json!({"fields": "b"})), "to the file itself is not supported"),
        (
            "/schema/foreignKeys",
            reference(&json!({"resource": "", "fields": "b"})),
            "to the file itself is not supported",
        ),
        (
            "/schema/foreignKeys",
            reference(&json!({"resource": "orders", "fields": "b"})),
            "to the file itself",
        ),
        (
            "/schema/foreignKeys",
            reference(&json!({"resource": "a.csv", "fields": "b"})),
            "without its ending: \"a\"",
        ),
        (
            "/schema/foreignKeys",
            reference(&json!({"resource": "a", "fields": ["b", "c"]})),
            "1 field and refers to 2 columns",
        ),
    ] {
        assert_message(pointer, value, expected);
    }
    for name in ["../a", "..", "/etc/a", "a/b", "a\\b", ".a", "A", "a b"] {
        let value = reference(&json!({"resource": name, "fields": "b"}));
        assert_message("/schema/foreignKeys", value, "the contract's own folder");
    }
}

#[test]
fn every_message_about_our_own_part_says_what_would_be_accepted() {
    for (pointer, value, expected) in [
        ("/gristmill/rooting", json!({}), "did you mean \"routing\"?"),
        ("/gristmill/routing", json!({"results": ["a b@example.com"]}), "owner@example.com"),
        ("/gristmill/routing", json!({"results": ["a@b@example.com"]}), "owner@example.com"),
        ("/gristmill/routing", json!({"results": ["a@example.com\r\nBcc: x"]}), "owner@example.com"),
        ("/gristmill/routing", json!({"max_rejected_ratio": "0.1"}), "from 0 to 1"),
        ("/gristmill/provenance", json!(["source"]), "\"source_file\""),
        ("/gristmill/personal", json!(["mail"]), "there is no field \"mail\""),
        ("/gristmill/derive/1", json!({"name": "run_id", "formula": "price"}), "choose another name"),
        ("/gristmill/derive/1", json!({"name": "double", "formula": "price"}), "choose another name"),
        ("/gristmill/derive/1", json!({"name": "x", "formula": "double"}), "there is no field \"double\""),
        ("/gristmill/derive/0/formula", json!("price *"), "at character 8"),
        ("/gristmill/analysis/measures", json!(["day"]), "type integer or number"),
        ("/gristmill/analysis/measures", json!(["price", {"field": "price"}]), "list it once"),
        ("/gristmill/analysis/text", json!(["price"]), "type string"),
        ("/gristmill/analysis/time", json!({"field": "id"}), "date or datetime"),
        ("/gristmill/analysis/questions", json!(["a\nb"]), "on one line"),
        (
            "/gristmill/analysis/flags",
            json!([{"name": "f", "formula": "price > 1", "severity": "bad"}]),
            "low, medium or high",
        ),
        (
            "/gristmill/analysis/segments",
            json!([{"name": "s", "measure": "price", "bands": [
                {"label": "a", "up_to": 5}, {"label": "b", "below": 5}, {"label": "c"}]}]),
            "from the lowest to the highest",
        ),
        (
            "/gristmill/analysis/segments",
            json!([{"name": "s", "measure": "price", "bands": [{"label": "a", "below": 5}]}]),
            "takes what is left",
        ),
    ] {
        assert_message(pointer, value, expected);
    }
}

#[test]
fn a_derived_column_without_numbers_is_no_measure() {
    let found = problems(&small("/gristmill/derive/0/formula", json!("price > 2")));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].0, "/gristmill/analysis/measures/1");
}

#[test]
fn what_the_standard_allows_and_gristmill_does_not_need_is_tolerated() {
    for (pointer, value) in [
        ("/licenses", json!([{"name": "CC0-1.0"}])),
        ("/profile", json!("tabular-data-resource")),
        ("/x-owner", json!("me")),
        ("/encoding", json!("UTF8")),
        ("/encoding", json!("latin1")),
        ("/encoding", json!("utf-8-sig")),
        ("/encoding", json!("shift_jis")),
        ("/dialect", json!({"header": false, "escapeChar": "\\", "doubleQuote": false, "quoteChar": ""})),
        (
            "/dialect",
            json!({"headerRows": [2, 3], "headerJoin": "-", "commentRows": [1, 4], "commentChar": "#"}),
        ),
        ("/dialect", json!({"delimiter": ", ", "nullSequence": "NULL", "lineTerminator": "\r"})),
        ("/dialect", json!({"delimiter": "\t", "quoteChar": "'", "header": true, "lineTerminator": "\r\n"})),
        ("/schema/fieldsMatch", json!(["subset"])),
        ("/schema/primaryKey", json!(["id", "day"])),
        ("/schema/uniqueKeys", json!([["id"], ["id", "day"], "price"])),
        ("/schema/foreignKeys", json!([])),
        ("/schema/foreignKeys", reference(&json!({"resource": "countries", "fields": "code"}))),
        (
            "/schema/foreignKeys",
            json!([{"fields": ["id", "day"], "reference": {"resource": "a..b-2_c", "fields": ["x", "y"]}}]),
        ),
        ("/schema/missingValues", json!(["", {"value": "-", "label": "unknown"}])),
        ("/schema/fields/2/format", json!("%d/%m/%Y")),
        ("/schema/fields/1/constraints", json!({"minimum": "0.1", "maximum": 1e3, "enum": [1, "2.50"]})),
        (
            "/checks",
            json!([{"type": "row-constraint", "formula": "price is None or price > 0", "name": "x"}]),
        ),
        ("/gristmill/provenance", json!([])),
        ("/gristmill/analysis/flags", json!([{"name": "f", "formula": "double > 1"}])),
    ] {
        let descriptor = small(pointer, value.clone());
        assert!(parse(&descriptor).is_ok(), "{pointer} = {value}: {:#?}", problems(&descriptor));
    }
}

#[test]
fn limits_keep_every_digit() {
    let descriptor =
        small("/schema/fields/1/constraints", json!({"minimum": "0.1234567890123456789", "maximum": 0.3}));
    let constraints = parse(&descriptor).unwrap().fields[1].constraints.clone();
    assert_eq!(constraints.minimum, Some(Scalar::Number("0.1234567890123456789".parse().unwrap())));
    assert_eq!(constraints.maximum, Some(Scalar::Number("0.3".parse().unwrap())));
}

#[test]
fn a_missing_part_is_reported_where_it_would_stand() {
    assert_eq!(
        problems(&json!({})).iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(),
        ["/name", "/schema"]
    );
    let found = problems(&json!({"name": "a", "schema": {"fields": [{"type": "string"}]}}));
    assert_eq!(found[0].0, "/schema/fields/0/name");
}

#[test]
fn bytes_that_are_no_contract_are_refused_as_a_whole() {
    let too_long = vec![b' '; 256 * 1024 + 1];
    for (bytes, expected) in [
        (&b""[..], "not JSON"),
        (b"{\"name\": \"a\",}", "not JSON"),
        (b"[]", "is not a contract"),
        (b"\xff", "not UTF-8 from byte 1 on"),
        (&too_long, "at most 262144"),
        (&[b'['; 200_000], "not JSON"),
    ] {
        let broken = Contract::parse(bytes).unwrap_err();
        assert_eq!(broken.problems.len(), 1);
        assert_eq!(broken.problems[0].pointer, "");
        assert!(broken.problems[0].message.contains(expected), "{:?}", broken.problems);
    }
}

#[test]
fn a_key_that_stands_twice_is_refused_where_it_stands() {
    let text = r#"{"name": "a", "schema": {"fields": [{"name": "a/b", "constraints": {"minimum": 1, "minimum": 2}}]}}"#;
    let broken = Contract::parse(text.as_bytes()).unwrap_err();
    assert_eq!(broken.problems[0].pointer, "/schema/fields/0/constraints/minimum");
    assert!(broken.problems[0].message.contains("twice"));
}

#[test]
fn a_contract_may_begin_with_a_byte_order_mark() {
    let mut bytes = b"\xef\xbb\xbf".to_vec();
    bytes.extend(serde_json::to_vec(&small("/title", json!("Orders"))).unwrap());
    assert_eq!(Contract::parse(&bytes).unwrap().title, "Orders");
}

#[test]
fn no_flood_of_mistakes_fills_the_memory() {
    let broken = parse(&small("/schema/missingValues", json!(vec![1; 64]))).unwrap_err();
    assert_eq!(broken.problems.len(), 64);
    let keys: serde_json::Map<String, Value> = (0..5000).map(|i| (format!("k{i}"), Value::Null)).collect();
    let broken = parse(&small("/dialect", Value::Object(keys))).unwrap_err();
    assert_eq!(broken.problems.len(), 500);
    let fields: Vec<Value> = (0..257).map(|i| json!({"name": format!("f{i}")})).collect();
    let found = problems(&json!({"name": "a", "schema": {"fields": fields}}));
    assert_eq!(found.len(), 1);
    assert!(found[0].1.contains("at most 256"));
}

#[test]
fn the_json_schema_and_the_parser_agree() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for (name, bytes) in contracts() {
        let descriptor: Value = serde_json::from_slice(&bytes).unwrap();
        let errors: Vec<String> = validator.iter_errors(&descriptor).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    for (pointer, value, sound) in [
        ("/title", json!("Orders"), true),
        ("/x-owner", json!("me"), true),
        ("/dialect", json!({"delimiter": "\t", "lineTerminator": "\r\n"}), true),
        ("/schema/fields/1/constraints", json!({"minimum": "0.1", "maximum": 5, "enum": [1, "2"]}), true),
        ("/schema/primaryKey", json!(["id"]), true),
        ("/schema/missingValues", json!(["", {"value": "-", "label": "unknown"}]), true),
        ("/gristmill/analysis/measures", json!(["price", {"field": "double", "unit": "USD"}]), true),
        ("/name", json!("Orders"), false),
        ("/name", json!(null), false),
        ("/title", json!(null), false),
        ("/type", json!("json"), false),
        ("/dialect", json!({"delimiter": ";;"}), false),
        ("/dialect", json!({"header": false}), true),
        ("/dialect", json!({"headerRows": []}), false),
        ("/dialect", json!({"headerRows": [0]}), false),
        ("/dialect", json!({"escapeChar": "\\"}), true),
        ("/dialect", json!({"caseSensitiveHeader": true}), false),
        ("/schema/fields", json!([]), false),
        ("/schema/fields/0", json!({"type": "string"}), false),
        ("/schema/fields/0/type", json!("geopoint"), false),
        ("/schema/fields/0/constraints", json!({"minmum": 1}), false),
        ("/schema/fields/0/constraints", json!({"required": null}), false),
        ("/schema/fields/0/constraints", json!({"minLength": -1}), false),
        ("/schema/foreignKeys", reference(&json!({"resource": "countries", "fields": ["code"]})), true),
        ("/schema/foreignKeys", reference(&json!({"resource": "../countries", "fields": ["code"]})), false),
        ("/schema/foreignKeys", reference(&json!({"fields": ["code"]})), false),
        ("/schema/uniqueKeys", json!([["id"], "price"]), true),
        ("/schema/uniqueKeys", json!("id"), false),
        ("/gristmill/routing", json!({"min_rows": 10, "min_filled": {"price": 0.5}}), true),
        ("/gristmill/routing", json!({"min_rows": -1}), false),
        ("/gristmill/routing", json!({"min_filled": {"price": 2}}), false),
        ("/gristmill/routing", json!({"min_filled": ["price"]}), false),
        ("/checks", json!([{"type": "duplicate-row"}]), false),
        ("/gristmill/rooting", json!({}), false),
        ("/gristmill/routing", json!({"max_rejected_ratio": 2}), false),
        ("/gristmill/provenance", json!(["source"]), false),
        ("/gristmill/derive", json!([{"name": "x"}]), false),
        ("/gristmill/analysis/time", json!({"field": "day", "period": "decade"}), false),
    ] {
        let descriptor = small(pointer, value.clone());
        assert_eq!(validator.is_valid(&descriptor), sound, "the schema on {pointer} = {value}");
        assert_eq!(parse(&descriptor).is_ok(), sound, "the parser on {pointer} = {value}");
    }
}

#[test]
fn the_json_schema_describes_every_key_for_editors() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let mut objects = vec![&schema];
    objects.extend(schema["$defs"].as_object().unwrap().values());
    for object in objects {
        for (key, property) in object["properties"].as_object().into_iter().flatten() {
            assert!(property["description"].is_string(), "{key} has no description: {property}");
        }
    }
    assert!(!schema.to_string().contains("\"null\""), "{schema:#}");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let broken = Contract::parse(&bytes).unwrap_err();
        prop_assert!(!broken.problems.is_empty());
    }

    #[test]
    fn any_damage_to_a_contract_is_read_or_refused_with_a_reason(
        which in 0_usize..3,
        place in any::<prop::sample::Index>(),
        damage in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = contracts().swap_remove(which).1;
        let at = place.index(bytes.len());
        let end = (at + damage.len().max(1)).min(bytes.len());
        bytes.splice(at..end, damage);
        if let Err(broken) = Contract::parse(&bytes) {
            prop_assert!(!broken.problems.is_empty());
        }
    }

    #[test]
    fn any_value_in_any_place_is_read_or_refused_where_it_stands(
        which in 0_usize..3,
        place in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            json!(null), json!(true), json!(-1), json!(1e300), json!(""), json!("\u{0}"), json!([]), json!([[]]),
            json!({}), json!({"": {"~/": 0}}), json!("%"), json!("("), json!(i64::MIN), json!(u64::MAX),
        ]),
    ) {
        let mut descriptor: Value = serde_json::from_slice(&contracts().swap_remove(which).1).unwrap();
        let mut pointers = Vec::new();
        collect(&descriptor, "", &mut pointers);
        let pointer = &pointers[place.index(pointers.len())];
        *descriptor.pointer_mut(pointer).unwrap() = value;
        if let Err(broken) = parse(&descriptor) {
            prop_assert!(!broken.problems.is_empty());
            for problem in broken.problems {
                let parent = problem.pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
                prop_assert!(descriptor.pointer(parent).is_some(), "{} leads nowhere", problem.pointer);
            }
        }
    }
}

fn collect(value: &Value, pointer: &str, pointers: &mut Vec<String>) {
    pointers.push(pointer.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{pointer}/{index}"), pointers);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                collect(item, &format!("{pointer}/{key}"), pointers);
            }
        }
        _ => {}
    }
}
