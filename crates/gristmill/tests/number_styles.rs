//! A whole run over a file whose numbers have decimal commas, groups and currency signs: what is split by one set of
//! rules must be added up by the same.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

const SALES: &str = "\
datum;filiale;umsatz;stück;bar;dauer
2024-05-01;Köln;1.299,50;1.000;ja;PT30M
2024-05-02;Köln;€ 0,10;5 Stk.;nein;PT1H
2024-05-03;Bonn;-0,2;7;ja;
2024-06-01;Bonn;k.A.;-;ja;PT5M
2024-06-02;Bonn;1299.50;1;ja;PT5M
2024-06-03;Bonn;10,00;1;vielleicht;PT5M
2024-06-04;Bonn;2.000.000,00 €;1.5;ja;PT5M
2024-06-05;Köln;1.000.000.000.000.000,01;12;nein;PT5M
";

fn contract() -> Value {
    json!({
        "name": "umsatz",
        "dialect": {"delimiter": ";"},
        "schema": {
            "fields": [
                {"name": "datum", "type": "date"},
                {"name": "filiale", "type": "string", "categories": ["Köln", "Bonn"]},
                {"name": "umsatz", "type": "number", "decimalChar": ",", "groupChar": ".", "bareNumber": false,
                 "missingValues": ["k.A."]},
                {"name": "stück", "type": "integer", "groupChar": ".", "bareNumber": false},
                {"name": "bar", "type": "boolean", "trueValues": ["ja"], "falseValues": ["nein"]},
                {"name": "dauer", "type": "duration", "constraints": {"maximum": "PT2H"}},
            ],
            "missingValues": ["", "-"],
        },
        "checks": [{"type": "row-constraint", "formula": "umsatz != 2000000"}],
        "gristmill": {
            "derive": [{"name": "je_stück", "formula": "umsatz / stück"}],
            "provenance": [],
            "analysis": {
                "measures": [{"field": "umsatz", "unit": "EUR"}, "stück", "je_stück"],
                "dimensions": ["filiale"],
                "flags": [{"name": "cash", "formula": "bar"}, {"name": "large", "formula": "umsatz > 1299"}],
                "time": {"field": "datum", "period": "month"},
            },
        },
    })
}

/// What the run found: each fact as text, by its kind and what it is about.
fn facts(place: &Path) -> BTreeMap<String, String> {
    let analysis = fs::read_dir(place.join("out/analyses")).unwrap().next().unwrap().unwrap().path();
    let record: Value = serde_json::from_str(&fs::read_to_string(analysis).unwrap()).unwrap();
    let facts = record.pointer("/record/facts").or_else(|| record.pointer("/facts")).unwrap();
    let tell = |fact: &Value| {
        let text = |key: &str| fact.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let subject = fact.get("subject").map(Value::to_string).unwrap_or_default();
        let key =
            format!("{} {} {}", text("kind"), text("measure"), if subject == "{}" { "" } else { &subject });
        (key.trim_end().to_owned(), fact.get("value").unwrap().to_string().replace('"', ""))
    };
    facts.as_array().unwrap().iter().map(tell).collect()
}

#[test]
fn numbers_in_another_style_are_split_and_added_up_exactly() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("sales.csv"), SALES).unwrap();
    fs::write(place.path().join("umsatz.json"), contract().to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_gristmill"))
        .args(["run", "sales.csv", "--contract", "umsatz.json", "--json"])
        .current_dir(place.path())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    let result: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| unreachable!("{shown}"));
    assert_eq!(result["rows"], json!({"total": 8, "valid": 5, "rejected": 3}), "{result}");

    let errors = fs::read_to_string(place.path().join(result["paths"]["errors"].as_str().unwrap())).unwrap();
    for expected in ["1299.50", "vielleicht", "1.5", "umsatz != 2000000"] {
        assert!(errors.contains(expected), "{expected}: {errors}");
    }
    let processed =
        fs::read_to_string(place.path().join(result["paths"]["processed"].as_str().unwrap())).unwrap();
    // Cells stay as they were; what is computed has the default style.
    assert!(processed.contains("2024-05-01;Köln;1.299,50;1.000;ja;PT30M;1.2995\n"), "{processed}");
    assert!(processed.contains("2024-06-01;Bonn;k.A.;-;ja;PT5M;\n"), "{processed}");

    let facts = facts(place.path());
    for (about, value) in [
        ("sum umsatz", "1000000000001299.41"),
        ("min umsatz", "-0.2"),
        ("max umsatz", "1000000000000000.01"),
        ("sum stück", "1024"),
        ("max stück", "1000"),
        ("min je_stück", "-0.0285714285714285714285714286"),
        ("group_sum umsatz {\"filiale\":\"Köln\"}", "1000000000001299.61"),
        ("group_sum umsatz {\"filiale\":\"Bonn\"}", "-0.2"),
        ("null_count  {\"field\":\"umsatz\"}", "1"),
        ("null_count  {\"field\":\"stück\"}", "1"),
        ("null_count  {\"field\":\"dauer\"}", "1"),
        ("flag_count  {\"flag\":\"cash\"}", "3"),
        ("flag_count  {\"flag\":\"large\"}", "2"),
        ("trend_sum umsatz {\"datum\":\"2024-05\"}", "1299.4"),
    ] {
        assert_eq!(facts.get(about).map(String::as_str), Some(value), "{about}: {facts:#?}");
    }
}
