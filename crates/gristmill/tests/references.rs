//! Reference files beside contracts, and files that are held: the built program, on files in temporary directories.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const TRIPS: &str = r#"{
    "name": "trips",
    "schema": {
        "fields": [{"name": "trip", "type": "integer"}, {"name": "country", "type": "string"}],
        "primaryKey": "trip",
        "foreignKeys": [{"fields": "country", "reference": {"resource": "countries", "fields": "name"}}]
    },
    "gristmill": {"routing": {"min_rows": 2}}
}"#;

/// A directory with a file, a contract in `contracts/`, and what lies beside it.
fn place(file: &str, countries: Option<&str>) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("contracts")).unwrap();
    fs::write(place.path().join("trips.csv"), file).unwrap();
    fs::write(place.path().join("contracts/trips.json"), TRIPS).unwrap();
    if let Some(countries) = countries {
        fs::write(place.path().join("contracts/countries.csv"), countries).unwrap();
    }
    place
}

fn gristmill(place: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gristmill")).args(arguments).current_dir(place).output().unwrap()
}

/// The exit code, what was printed, and what was said.
fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

const GOOD: &str = "name\nNorway\nItaly\n";

#[test]
fn the_reference_file_is_found_beside_the_contract_however_that_is_named() {
    let place = place("trip,country\n1,Norway\n2,Itly\n", Some(GOOD));
    for choice in [&[][..], &["--contracts", "contracts"], &["--contract", "contracts/trips.json"]] {
        let arguments = [&["check", "trips.csv", "--json"], choice].concat();
        let output = gristmill(place.path(), &arguments);
        assert_eq!(output.status.code(), Some(1), "{choice:?}: {:?}", said(&output));
        let checked = json(&output);
        assert_eq!(checked["dataset"], "trips", "{choice:?}");
        assert_eq!(checked["violations"][0]["code"], "foreign-key");
        assert_eq!(
            checked["violations"][0]["reason"],
            "country: \"Itly\" is none of the 2 values of name in countries.csv; did you mean \"Italy\"?"
        );
    }
    let linted = said(&gristmill(place.path(), &["contract", "lint", "contracts/trips.json"]));
    assert_eq!((linted.0, linted.1.as_str()), (0, "contracts/trips.json: OK (trips, 2 fields)\n"));
}

#[test]
fn a_reference_file_that_cannot_be_used_is_told_by_lint_and_by_every_command() {
    let place = place("trip,country\n1,Norway\n2,Italy\n", None);
    let what = "/schema/foreignKeys/0/reference/resource: there is no file countries.csv beside the contract";
    let (exit, out, _) = said(&gristmill(place.path(), &["contract", "lint", "contracts/trips.json"]));
    assert_eq!(exit, 2);
    assert!(out.starts_with("contracts/trips.json: ") && out.contains(what), "{out}");
    // A contract that is named on the command line is the user's own; one that the header chose is a verdict.
    let (exit, _, said_so) =
        said(&gristmill(place.path(), &["check", "trips.csv", "--contract", "contracts/trips.json"]));
    assert_eq!(exit, 2);
    assert!(said_so.contains(what), "{said_so}");
    let (exit, out, _) = said(&gristmill(place.path(), &["check", "trips.csv"]));
    assert_eq!(exit, 1);
    let unwrapped = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unwrapped.contains(what) && out.contains("contract-error: "), "{out}");
    for (countries, what) in [
        ("country\nNorway\n", "there is no column \"name\""),
        ("name\nNorway,Oslo\n", "has 2 cells in line 2 and 1 in its header"),
    ] {
        fs::write(place.path().join("contracts/countries.csv"), countries).unwrap();
        let (exit, out, _) = said(&gristmill(place.path(), &["contract", "lint", "contracts/trips.json"]));
        assert_eq!(exit, 2);
        assert!(out.contains(what), "{out}");
    }
}

#[test]
fn another_reference_file_makes_another_run() {
    let place = place("trip,country\n1,Norway\n2,Peru\n", Some(GOOD));
    let run = || json(&gristmill(place.path(), &["split", "trips.csv", "--json"]));
    let first = run();
    assert_eq!((&first["rows"]["rejected"], &first["duplicate"]), (&Value::from(1), &Value::from(false)));
    assert_eq!(run()["duplicate"], true);
    fs::write(place.path().join("contracts/countries.csv"), format!("{GOOD}Peru\n")).unwrap();
    let second = run();
    assert_eq!((&second["rows"]["rejected"], &second["duplicate"]), (&Value::from(0), &Value::from(false)));
    assert_ne!(first["run_id"], second["run_id"]);
}

#[test]
fn a_file_with_too_few_rows_is_held_and_its_owner_is_told() {
    let place = place("trip,country\n1,Norway\n", Some(GOOD));
    let output = gristmill(place.path(), &["run", "trips.csv", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let ran = json(&output);
    assert_eq!((&ran["status"], &ran["code"]), (&Value::from("held"), &Value::from("too-few-rows")));
    assert!(ran["paths"]["analysis"].is_null());
    assert!(
        ran["reason"]
            .as_str()
            .unwrap()
            .starts_with("the file has 1 row; the contract holds a file back below 2")
    );
    let mail = fs::read_to_string(place.path().join(ran["paths"]["text"].as_str().unwrap())).unwrap();
    assert!(mail.contains("The file is held: it has only 1 row."), "{mail}");
    assert!(mail.contains("(Code: too-few-rows.)"), "{mail}");
    let (exit, out, _) = said(&gristmill(place.path(), &["check", "trips.csv"]));
    assert_eq!(exit, 1);
    assert!(out.contains("held  trips.csv (trips)") && out.contains("too-few-rows: "), "{out}");
}
