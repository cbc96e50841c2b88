//! Types, formats and options of fields: what a contract may say of them, what a cell may be, and in which words it
//! is refused.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test helpers stop at the first surprise"
)]

use serde_json::{Value, json};
use shared::contract::Contract;
use shared::rows::{Layout, Limits, Reader, Step};
use shared::validate::{Findings, Keys, Plan};

/// A contract with one field `f`, and what it is besides its name.
fn contract(field: &Value) -> Value {
    let mut field = field.clone();
    field.as_object_mut().unwrap().insert("name".to_owned(), json!("f"));
    json!({"name": "t", "schema": {"fields": [{"name": "n", "type": "integer"}, field]}})
}

fn parse(contract: &Value) -> Contract {
    Contract::parse(contract.to_string().as_bytes()).unwrap_or_else(|broken| panic!("{contract}: {broken:?}"))
}

/// What is said of each cell of the field: nothing when it is fine.
fn judge(contract: &Contract, cells: &[&str]) -> Vec<String> {
    let labels = ["n".to_owned(), "f".to_owned()];
    let plan = Plan::new(contract, &labels, &Limits::STANDARD).unwrap();
    let (mut keys, mut findings) = (Keys::default(), Findings::default());
    let mut told = Vec::new();
    for cell in cells {
        let mut reader = Reader::new(Layout::default(), Limits::STANDARD);
        let record = format!("1,\"{}\"\n", cell.replace('"', "\"\""));
        let space = reader.space();
        space.get_mut(..record.len()).unwrap().copy_from_slice(record.as_bytes());
        reader.filled(record.len());
        // A second call with nothing says that the file ends here.
        reader.space();
        reader.filled(0);
        let Step::Record(record) = reader.next_record() else { panic!("{cell:?} is one record") };
        plan.judge(&record, &mut keys, &mut findings).unwrap();
        let reasons: Vec<String> =
            findings.iter().map(|finding| format!("{}: {}", finding.code.as_str(), finding.reason)).collect();
        told.push(reasons.join("; "));
    }
    told
}

/// What is said of one cell.
fn reason(field: &Value, cell: &str) -> String {
    judge(&parse(&contract(field)), &[cell]).concat()
}

/// These cells are fine, and those are no value of the type.
fn check(field: Value, good: &[&str], bad: &[&str]) {
    let contract = parse(&contract(&field));
    for (cell, told) in good.iter().zip(judge(&contract, good)) {
        assert_eq!(told, "", "{field}: {cell:?}");
    }
    for (cell, told) in bad.iter().zip(judge(&contract, bad)) {
        assert!(told.starts_with("type-error"), "{field}: {cell:?}: {told:?}");
    }
}

#[test]
fn string_formats() {
    check(
        json!({"type": "string", "format": "email"}),
        &["name@example.org", "", "zoë@exämple.de"],
        &["a@", "a@b", "a b@c.de", "Jane <jane@example.org>", " ", "name@example.org "],
    );
    check(
        json!({"type": "string", "format": "uri"}),
        &["https://example.org/a?b#c", "urn:isbn:0451450523", ""],
        &["example.org", "https://example.org/a b", "https://exämple.de"],
    );
    check(
        json!({"type": "string", "format": "uuid"}),
        &["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"],
        &["f81d4fae7dec11d0a76500a0c91e6bf6", "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "no"],
    );
    check(json!({"type": "string", "format": "binary"}), &["SGVsbG8=", ""], &["SGVsbG8", "Hello!"]);
}

#[test]
fn numbers_with_decimal_commas_groups_and_units() {
    check(
        json!({"type": "number", "decimalChar": ",", "groupChar": "."}),
        &["1.299,50", "1299,5", "-1.000.000", " 7,25 ", "1e3", ""],
        &["1299.50", "1.5", "1.29,50", "1.299,50 €", "1,299.50", "nan"],
    );
    check(json!({"type": "number", "groupChar": ","}), &["1,299.50", "12,34,567", "0.5"], &["1,5", "1,2345"]);
    check(json!({"type": "number", "decimalChar": ","}), &["1299,50"], &["1.299,50", "1299.50"]);
    check(
        json!({"type": "number", "bareNumber": false}),
        &["$899", "95%", "EUR 95", "-€5", "€ -5", "1e3 kg", "12"],
        &["(5)", "5-", "12 to 15", "€", "1,299 €"],
    );
    check(
        json!({"type": "integer", "groupChar": " ", "bareNumber": false}),
        &["1 299", "1299 pcs", "-5", "12"],
        &["12.5", "1 29", "12 13", "1e3"],
    );
    check(json!({"type": "integer", "groupChar": "."}), &["1.299", "-1.299.000"], &["1.29", "12.0"]);
    check(json!({"type": "number", "bareNumber": true}), &["899"], &["$899", "1,299"]);
}

#[test]
fn booleans_with_other_words() {
    let field = json!({"type": "boolean", "trueValues": ["yes", "Y"], "falseValues": ["no", "N"]});
    check(field, &["yes", "Y", "no", "N", ""], &["true", "1", "YES", "y ", "0"]);
    let half = json!({"type": "boolean", "trueValues": ["x"]});
    check(half, &["x", "false", "False", "FALSE", "0"], &["true", "1", "X"]);
    check(json!({"type": "boolean"}), &["true", "True", "TRUE", "1", "false", "0"], &["yes", "tRUE", " 1"]);
}

#[test]
fn months_and_durations() {
    check(
        json!({"type": "yearmonth"}),
        &["2024-05", "0001-12", ""],
        &["2024-5", "2024-13", "2024-00", "0000-01", "2024", "2024-05-20", "202405", "-2024-05", "2024-05Z"],
    );
    check(
        json!({"type": "duration"}),
        &["P1Y2M3DT4H5M6.7S", "PT30M", "-P1D", "P0D", ""],
        &["P1W", "30 min", "PT", "P1.5D", "1:30:00", "p1d"],
    );
}

#[test]
fn a_reason_says_what_would_be_accepted() {
    for (field, cell, expected) in [
        (
            json!({"type": "string", "format": "email"}),
            "a@",
            "type-error: f: \"a@\" is not an e-mail address; write one such as name@example.org",
        ),
        (
            json!({"type": "number", "decimalChar": ",", "groupChar": "."}),
            "1299.50",
            "type-error: f: \"1299.50\" is not a number; write digits such as 1.299,50, with \".\" between groups of \
             three or not at all, without currency signs or other text",
        ),
        (
            json!({"type": "number", "bareNumber": false}),
            "(5)",
            "type-error: f: \"(5)\" is not a number; write digits such as 1299.50; other text may stand before and \
             behind it, such as a currency or a percent sign",
        ),
        (
            json!({"type": "integer", "groupChar": "'"}),
            "1'29",
            "type-error: f: \"1'29\" is not a whole number; write digits such as 1'299, with \"'\" between groups of \
             three or not at all, without currency signs or other text",
        ),
        (
            json!({"type": "boolean", "trueValues": ["yes", "Y"]}),
            "true",
            "type-error: f: \"true\" is neither true nor false; write yes, Y, or false, False, FALSE, 0",
        ),
        (
            json!({"type": "yearmonth"}),
            "2024-5",
            "type-error: f: \"2024-5\" is not a month; write YYYY-MM, such as 2024-05",
        ),
    ] {
        assert_eq!(reason(&field, cell), expected, "{field}");
    }
}

#[test]
fn a_broken_constraint_is_told_in_the_style_of_the_field() {
    for (field, cell, expected) in [
        (
            json!({"type": "number", "decimalChar": ",", "constraints": {"maximum": "10000,50"}}),
            "15000",
            "constraint-error: f: \"15000\" is above the maximum 10000,5",
        ),
        (
            json!({"type": "yearmonth", "constraints": {"minimum": "2024-01"}}),
            "2023-12",
            "constraint-error: f: \"2023-12\" is below the minimum 2024-01",
        ),
        (
            json!({"type": "duration", "constraints": {"maximum": "PT24H"}}),
            "P1DT1S",
            "constraint-error: f: \"P1DT1S\" is above the maximum P1D",
        ),
        (
            json!({"type": "duration", "constraints": {"maximum": "P1M"}}),
            "P30D",
            "constraint-error: f: \"P30D\" cannot be compared with the maximum P1M, because months differ in length; \
             write it in the same units",
        ),
        (
            json!({"type": "integer", "categories": [{"value": 1, "label": "mild"}, {"value": 2}]}),
            "3",
            "constraint-error: f: \"3\" is none of: 1 (mild), 2",
        ),
    ] {
        assert_eq!(reason(&field, cell), expected, "{field}");
    }
}

#[test]
fn constraints_compare_values_and_not_their_texts() {
    let german = json!({"type": "number", "decimalChar": ",", "groupChar": ".",
        "constraints": {"minimum": 0.5, "exclusiveMaximum": "1.000,00", "enum": ["999,90", 0.5]}});
    let german = parse(&contract(&german));
    assert_eq!(judge(&german, &["999,9", "0,50", "5e-1"]), ["", "", ""]);
    assert_eq!(
        judge(&german, &["0,4", "1.000"]),
        [
            "constraint-error: f: \"0,4\" is below the minimum 0,5; constraint-error: f: \"0,4\" is none of: 999,90, 0,5",
            "constraint-error: f: \"1.000\" must be below 1000; constraint-error: f: \"1.000\" is none of: 999,90, 0,5"
        ]
    );
    let duration = parse(&contract(&json!({"type": "duration", "constraints": {"enum": ["P1Y", "PT36H"]}})));
    assert_eq!(judge(&duration, &["P12M", "P1DT12H"]), ["", ""]);
    let id = json!({"type": "string", "format": "uuid",
        "constraints": {"enum": ["F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"]}});
    assert_eq!(reason(&id, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"), "");
    let words = json!({"type": "boolean", "trueValues": ["yes"], "constraints": {"enum": [true]}});
    assert_eq!(reason(&words, "yes"), "");
    assert_eq!(reason(&words, "0"), "constraint-error: f: \"0\" is none of: true");
}

#[test]
fn a_value_is_unique_however_it_is_written() {
    for (field, first, second) in [
        (json!({"type": "number", "decimalChar": ",", "groupChar": "."}), "1.299,50", "1299,5"),
        (json!({"type": "integer", "bareNumber": false}), "5 pcs", "+5"),
        (json!({"type": "boolean", "trueValues": ["yes", "Y"]}), "yes", "Y"),
        (json!({"type": "duration"}), "PT24H", "P1D"),
        (json!({"type": "yearmonth"}), "2024-05", "2024-05"),
        (
            json!({"type": "string", "format": "uuid"}),
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        ),
    ] {
        let mut unique = field.clone();
        unique.as_object_mut().unwrap().insert("constraints".to_owned(), json!({"unique": true}));
        let contract = parse(&contract(&unique));
        let [one, two] = <[String; 2]>::try_from(judge(&contract, &[first, second])).unwrap();
        assert_eq!(one, "", "{field}");
        assert!(two.starts_with("unique-error"), "{field}: {two:?}");
    }
    let addresses = json!({"type": "string", "format": "email", "constraints": {"unique": true}});
    assert_eq!(judge(&parse(&contract(&addresses)), &["a@b.cd", "A@b.cd"]), ["", ""]);
}

#[test]
fn a_field_may_have_missing_values_of_its_own() {
    let mut descriptor = contract(
        &json!({"type": "integer", "missingValues": ["-1", {"value": "x"}], "constraints": {"required": true}}),
    );
    descriptor["schema"]["missingValues"] = json!(["", "N/A"]);
    let contract = parse(&descriptor);
    let told = judge(&contract, &["5", "-1", "x", "N/A", ""]);
    assert_eq!(told.first().unwrap(), "");
    for missing in told.get(1..3).unwrap() {
        assert!(missing.contains("a value is required"), "{missing}");
    }
    for text in told.get(3..).unwrap() {
        assert!(text.starts_with("type-error"), "{text}");
    }
    descriptor["schema"]["fields"][1]["constraints"] = json!({});
    assert_eq!(judge(&parse(&descriptor), &["-1", "x", "7"]), ["", "", ""]);
    descriptor["dialect"] = json!({"nullSequence": "NULL"});
    assert_eq!(judge(&parse(&descriptor), &["-1", "NULL", "7"]), ["", "", ""]);
    // The other field keeps those of the schema.
    let formula = json!([{"type": "row-constraint", "formula": "f is None or f > 0"}]);
    descriptor["checks"] = formula;
    assert_eq!(judge(&parse(&descriptor), &["-1", "x", "7"]), ["", "", ""]);
    assert!(judge(&parse(&descriptor), &["-7"]).concat().starts_with("row-constraint"));
}

#[test]
fn formulas_read_values_in_the_style_of_their_field() {
    let mut descriptor =
        contract(&json!({"type": "number", "decimalChar": ",", "groupChar": ".", "bareNumber": false}));
    descriptor["checks"] = json!([{"type": "row-constraint", "formula": "f * 2 == 2599"}]);
    assert_eq!(judge(&parse(&descriptor), &["1.299,50 €", "€1299,5"]), ["", ""]);
    assert!(judge(&parse(&descriptor), &["1.299,51"]).concat().contains("f is 1.299,51"));
    // In the default style 1.299 would be another number.
    descriptor["checks"] = json!([{"type": "row-constraint", "formula": "f == 1299"}]);
    assert_eq!(judge(&parse(&descriptor), &["1.299"]), [""]);
    let mut words = contract(&json!({"type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]}));
    words["checks"] = json!([{"type": "row-constraint", "formula": "f"}]);
    let told = judge(&parse(&words), &["yes", "no"]);
    assert_eq!(told.first().unwrap(), "");
    assert!(told.get(1).unwrap().starts_with("row-constraint"), "{told:?}");
}

/// One thing is wrong with the field, and the message says what would be accepted.
fn refuses(field: Value, expected: &str) {
    let contract = contract(&field).to_string();
    let problems = Contract::parse(contract.as_bytes()).expect_err(&contract).problems;
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let [only] = told.as_slice() else { panic!("{field}: {told:#?}") };
    assert!(only.starts_with("/schema/fields/1"), "{only}");
    assert!(only.contains(expected), "{only}");
}

#[test]
fn a_field_that_makes_no_sense_is_refused() {
    refuses(json!({"type": "string", "format": "emai"}), "did you mean \"email\"?");
    refuses(json!({"type": "number", "format": "email"}), "write \"default\"");
    refuses(json!({"type": "yearmonth", "format": "%Y/%m"}), "write \"default\"");
    refuses(json!({"type": "date", "format": "any"}), "is 01/02/2024 in January?");
    refuses(json!({"type": "date", "format": "fmt:%d/%m/%Y"}), "write \"%d/%m/%Y\" alone");
    refuses(json!({"type": "string", "decimalChar": ","}), "change the type, or remove decimalChar");
    refuses(json!({"type": "integer", "decimalChar": ","}), "of type number");
    refuses(json!({"type": "string", "groupChar": ","}), "of type number or integer");
    refuses(json!({"type": "date", "bareNumber": false}), "of type number or integer");
    refuses(json!({"type": "string", "trueValues": ["yes"]}), "of type boolean");
    refuses(json!({"type": "number", "decimalChar": ",,"}), "one character");
    refuses(json!({"type": "number", "decimalChar": "5"}), "stands for something else");
    refuses(json!({"type": "number", "groupChar": "e"}), "stands for something else");
    refuses(json!({"type": "number", "groupChar": "-"}), "stands for something else");
    refuses(json!({"type": "number", "groupChar": "."}), "write decimalChar \",\" beside it");
    refuses(json!({"type": "number", "decimalChar": ",", "groupChar": ","}), "two different characters");
    refuses(json!({"type": "number", "bareNumber": "no"}), "true or false");
    refuses(json!({"type": "boolean", "trueValues": []}), "at least one");
    refuses(json!({"type": "boolean", "trueValues": [1]}), "in quotes");
    refuses(json!({"type": "boolean", "trueValues": ["0"]}), "stands for false already");
    refuses(json!({"type": "boolean", "falseValues": ["1"]}), "stands for true already");
    refuses(json!({"type": "boolean", "trueValues": ["x"], "falseValues": ["x"]}), "stands for true already");
    refuses(json!({"type": "number", "categories": [1]}), "of type string or integer");
    refuses(json!({"type": "string", "categories": []}), "at least one");
    refuses(json!({"type": "string", "categories": ["a", {"value": "a"}]}), "listed twice");
    refuses(json!({"type": "string", "categories": [{"label": "a"}]}), "value is missing");
    refuses(
        json!({"type": "string", "categories": [{"value": "a", "lable": "b"}]}),
        "known here: \"value\", \"label\"",
    );
    refuses(json!({"type": "string", "categories": ["a"], "constraints": {"enum": ["b"]}}), "none of these");
    refuses(json!({"type": "string", "categories": ["a"], "categoriesOrdered": 1}), "true or false");
    refuses(json!({"type": "integer", "missingValues": "x"}), "a list of texts");
    refuses(json!({"type": "string", "itemType": "string"}), "for lists in cells");
    refuses(json!({"type": "string", "format": "email", "constraints": {"enum": ["x"]}}), "name@example.org");
    refuses(json!({"type": "number", "decimalChar": ",", "constraints": {"minimum": "2.5"}}), "not a number");
    refuses(json!({"type": "duration", "constraints": {"minimum": "1 day"}}), "P1DT12H");
    refuses(
        json!({"type": "duration", "constraints": {"minimum": "P1Y", "maximum": "P11M"}}),
        "above the minimum",
    );
    refuses(json!({"type": "yearmonth", "constraints": {"minimum": "2024"}}), "2024-05");
    for kind in ["object", "array", "list", "geopoint", "geojson"] {
        refuses(json!({"type": kind}), "is not supported: ");
    }
}

/// Whatever stands in a field, it is read or refused with a place and a message.
#[test]
fn any_option_of_any_field_is_read_or_refused() {
    let kinds = [
        "string",
        "integer",
        "number",
        "boolean",
        "date",
        "time",
        "datetime",
        "year",
        "yearmonth",
        "duration",
        "any",
        "object",
        "array",
        "list",
        "geopoint",
        "geojson",
        "x",
    ];
    let keys = [
        "format",
        "decimalChar",
        "groupChar",
        "bareNumber",
        "trueValues",
        "falseValues",
        "categories",
        "categoriesOrdered",
        "missingValues",
        "constraints",
        "delimiter",
        "itemType",
    ];
    let values = odd_values();
    for kind in kinds {
        for key in keys {
            for value in &values {
                let descriptor = contract(&json!({"type": kind, key: value})).to_string();
                if let Err(broken) = Contract::parse(descriptor.as_bytes()) {
                    assert!(!broken.problems.is_empty(), "{descriptor}");
                    for problem in broken.problems {
                        assert!(problem.pointer.starts_with("/schema/fields/1/"), "{descriptor}: {problem}");
                        assert!(!problem.message.is_empty(), "{descriptor}");
                    }
                }
            }
        }
    }
}

/// What may stand where something else belongs.
fn odd_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1.5),
        json!(""),
        json!("default"),
        json!("any"),
        json!("email"),
        json!(","),
        json!("\u{202f}"),
        json!("%Y-%m"),
        json!("%"),
        json!("fmt:"),
        json!([]),
        json!([""]),
        json!(["1", "x"]),
        json!([1, {"value": 2, "label": "two"}]),
        json!([{"value": {}}]),
        json!({}),
        json!({"enum": [1, "x", true]}),
        json!({"minimum": "P1M", "maximum": "P30D"}),
        json!({"minimum": 1, "exclusiveMaximum": "2024-05"}),
    ]
}

/// The texts in backticks of a cell of a table in Markdown.
fn in_backticks(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_reference_shows_what_is_accepted_and_what_is_refused() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONTRACTS.md")).unwrap();
    let marker = "<!-- tested by crates/shared/tests/field_types.rs -->";
    let (_, table) = page.split_once(marker).unwrap();
    let rows: Vec<&str> =
        table.trim_start().lines().take_while(|line| line.starts_with('|')).skip(2).collect();
    assert!(rows.len() > 20, "{rows:#?}");
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        let [_, field, accepted, refused, _] = cells.as_slice() else { panic!("{row}") };
        let field: Value = serde_json::from_str(in_backticks(field).concat().as_str()).unwrap();
        check(field, &in_backticks(accepted), &in_backticks(refused));
    }
}

#[test]
fn the_schema_knows_the_options_of_fields() {
    let validator = jsonschema::validator_for(&shared::contract::schema()).unwrap();
    for field in [
        json!({"type": "number", "decimalChar": ",", "groupChar": ".", "bareNumber": false}),
        json!({"type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]}),
        json!({"type": "yearmonth", "constraints": {"minimum": "2024-05"}}),
        json!({"type": "duration", "missingValues": ["-", {"value": "?", "label": "unknown"}]}),
        json!({"type": "integer", "categories": [1, {"value": 2, "label": "two"}], "categoriesOrdered": true}),
        json!({"type": "string", "format": "email", "categories": ["a@b.cd"]}),
    ] {
        let contract = contract(&field);
        parse(&contract);
        assert!(validator.is_valid(&contract), "{contract}: {:?}", validator.validate(&contract).err());
    }
    for field in [
        json!({"type": "number", "decimalChar": ",,"}),
        json!({"type": "number", "bareNumber": "no"}),
        json!({"type": "boolean", "trueValues": []}),
        json!({"type": "integer", "categories": [true]}),
        json!({"type": "geopoint"}),
    ] {
        let contract = contract(&field);
        assert!(!validator.is_valid(&contract), "{contract}");
        assert!(Contract::parse(contract.to_string().as_bytes()).is_err(), "{contract}");
    }
}
