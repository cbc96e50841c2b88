//! The built program, on files in temporary directories.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use samples::Outcome;
use serde_json::Value;
use tempfile::TempDir;

/// The `contracts/` and `samples/` of this repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn contract(name: &str) -> String {
    repository().join(format!("contracts/{name}.json")).display().to_string()
}

/// A working directory with the contracts and one input.
fn place(name: &str, bytes: &[u8]) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join(name), bytes).unwrap();
    fs::create_dir(place.path().join("contracts")).unwrap();
    for entry in fs::read_dir(repository().join("contracts")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), place.path().join("contracts").join(entry.file_name())).unwrap();
    }
    place
}

fn sample(name: &str) -> samples::Sample {
    samples::files().into_iter().find(|sample| sample.name == name).unwrap()
}

fn sales() -> TempDir {
    place("sales.csv", &sample("smartphone_sales.csv").bytes)
}

fn gristmill(place: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_gristmill")).args(arguments).current_dir(place).output().unwrap()
}

fn exit(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The objects of an NDJSON output.
fn objects(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn json(output: &Output) -> Value {
    let mut all = objects(output);
    assert_eq!(all.len(), 1, "{}{}", stdout(output), stderr(output));
    all.remove(0)
}

/// Every file below a directory, as paths relative to it, in order.
fn files(directory: &Path) -> Vec<String> {
    fn walk(base: &Path, directory: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(base, &path, found);
            } else {
                found.push(path.strip_prefix(base).unwrap().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    if directory.exists() {
        walk(directory, directory, &mut found);
    }
    found.sort();
    found
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The data records of a CSV.
fn records(path: &Path) -> u64 {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).unwrap();
    reader.byte_records().map(Result::unwrap).count() as u64
}

#[test]
fn every_sample_gets_its_verdict() {
    for sample in samples::files() {
        let place = place(sample.name, &sample.bytes);
        let contract = format!("contracts/{}.json", sample.dataset.name());
        let output = gristmill(place.path(), &["run", sample.name, "--contract", &contract, "--json"]);
        let result = json(&output);
        let name = sample.name;
        match sample.outcome {
            Outcome::Split { valid, rejected } => {
                assert_ne!(result["status"], "rejected", "{name}: {result}");
                assert_eq!(result["rows"]["valid"], valid, "{name}: {result}");
                assert_eq!(result["rows"]["rejected"], rejected, "{name}: {result}");
                assert_eq!(result["rows"]["total"], valid + rejected, "{name}");
                let held = result["status"] == "held";
                assert_eq!(exit(&output), i32::from(held), "{name}");
                assert_eq!(result["paths"]["analysis"].is_null(), held, "{name}");
            }
            Outcome::Refused { code } => {
                assert_eq!(result["status"], "rejected", "{name}: {result}");
                assert_eq!(result["code"], code, "{name}: {result}");
                assert!(result["reason"].as_str().is_some_and(|reason| reason.len() > 20), "{name}");
                assert_eq!(exit(&output), 1, "{name}");
                let out = files(&place.path().join("out"));
                let run_id = result["run_id"].as_str().unwrap();
                assert!(
                    out.iter().all(|path| path.contains(run_id) && !path.starts_with("processed")),
                    "{name}: {out:?}"
                );
            }
        }
        for key in ["manifest", "html", "text", "eml"] {
            let path = result["paths"][key].as_str().unwrap();
            assert!(place.path().join(path).is_file(), "{name}: {path}");
        }
        let left = files(&place.path().join("out"));
        assert!(!left.iter().any(|path| path.ends_with(".partial")), "{name}: {left:?}");
    }
}

#[test]
fn processed_and_rejected_add_up_to_the_file() {
    let place = sales();
    let result = json(&gristmill(place.path(), &["split", "sales.csv", "--json"]));
    let count = |key: &str| records(&place.path().join(result["paths"][key].as_str().unwrap()));
    let Outcome::Split { valid, rejected } = sample("smartphone_sales.csv").outcome else { unreachable!() };
    assert_eq!((count("processed"), count("rejected")), (valid, rejected));
    assert!(count("errors") >= rejected);
    assert_eq!(records(&place.path().join("sales.csv")), valid + rejected);
}

#[test]
fn the_json_of_a_run_has_the_agreed_shape() {
    let place = sales();
    let output = gristmill(place.path(), &["run", "sales.csv", "--json"]);
    let result = json(&output);
    assert_eq!(
        keys(&result),
        [
            "file",
            "status",
            "run_id",
            "dataset",
            "rows",
            "code",
            "reason",
            "paths",
            "narrator",
            "seconds",
            "duplicate"
        ]
    );
    assert_eq!(keys(&result["rows"]), ["total", "valid", "rejected"]);
    assert_eq!(
        keys(&result["paths"]),
        ["processed", "rejected", "errors", "manifest", "analysis", "html", "text", "eml"]
    );
    assert_eq!(result["file"], "sales.csv");
    assert_eq!(result["status"], "completed");
    assert_eq!(result["dataset"], "smartphone_sales");
    assert_eq!(result["narrator"], "built-in");
    assert_eq!(result["duplicate"], false);
    assert!(result["code"].is_null() && result["reason"].is_null());
    assert!(result["seconds"].as_f64().unwrap() > 0.0);
    for (key, path) in result["paths"].as_object().unwrap() {
        let path = path.as_str().unwrap();
        assert!(path.starts_with("out/") && place.path().join(path).is_file(), "{key}: {path}");
    }
    assert_eq!(stderr(&output), "");
}

#[test]
fn the_stored_analysis_is_the_record_and_says_that_it_was_sent() {
    let place = sales();
    let result = json(&gristmill(place.path(), &["run", "sales.csv", "--json"]));
    let bytes = fs::read(place.path().join(result["paths"]["analysis"].as_str().unwrap())).unwrap();
    let stored: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(stored["analysis_id"], result["run_id"]);
    assert_eq!(stored["records_analyzed"], result["rows"]["valid"]);
    assert_eq!(stored["notification_sent"], true);
    assert_eq!(stored["tasks"]["notify"]["state"], "done");
    let eml = fs::read_to_string(place.path().join(result["paths"]["eml"].as_str().unwrap())).unwrap();
    assert!(eml.contains("To: sales-reports@example.com\r\n"), "{}", &eml[..400]);
    assert!(eml.contains(&format!("Message-ID: <{}@", result["run_id"].as_str().unwrap())));
}

#[test]
fn a_second_run_finds_the_first_and_sends_nothing() {
    let place = sales();
    let first = json(&gristmill(place.path(), &["run", "sales.csv", "--json"]));
    let before = files(&place.path().join("out"));
    let eml = place.path().join(first["paths"]["eml"].as_str().unwrap());
    let (written, content) = (fs::metadata(&eml).unwrap().modified().unwrap(), fs::read(&eml).unwrap());
    let output = gristmill(place.path(), &["run", "sales.csv", "--json"]);
    let second = json(&output);
    assert_eq!(exit(&output), 0);
    assert_eq!(second["duplicate"], true);
    for key in ["run_id", "status", "rows", "paths", "narrator"] {
        assert_eq!(first[key], second[key], "{key}");
    }
    assert_eq!(files(&place.path().join("out")), before);
    assert_eq!(
        (fs::metadata(&eml).unwrap().modified().unwrap(), fs::read(&eml).unwrap()),
        (written, content)
    );
    let words = stdout(&gristmill(place.path(), &["run", "sales.csv"]));
    assert!(words.contains("processed before"), "{words}");
}

#[test]
fn a_refused_file_is_recognised_again_too() {
    let sample = sample("unterminated_quote.csv");
    let place = place(sample.name, &sample.bytes);
    let arguments = ["run", sample.name, "--contract", "contracts/smartphone_sales.json", "--json"];
    assert_eq!(json(&gristmill(place.path(), &arguments))["duplicate"], false);
    let second = gristmill(place.path(), &arguments);
    assert_eq!((json(&second)["duplicate"].clone(), exit(&second)), (Value::Bool(true), 1));
}

#[test]
fn a_run_that_was_only_split_is_finished_by_run() {
    let place = sales();
    let split = json(&gristmill(place.path(), &["split", "sales.csv", "--json"]));
    assert!(split["paths"]["analysis"].is_null() && split["paths"]["html"].is_null());
    assert!(!place.path().join("out/outbox").exists());
    let run = json(&gristmill(place.path(), &["run", "sales.csv", "--json"]));
    assert_eq!((&run["run_id"], &run["duplicate"]), (&split["run_id"], &Value::Bool(false)));
    assert!(place.path().join(run["paths"]["html"].as_str().unwrap()).is_file());
}

#[test]
fn outputs_that_were_removed_are_missed() {
    let place = sales();
    let first = json(&gristmill(place.path(), &["run", "sales.csv", "--json"]));
    let processed = first["paths"]["processed"].as_str().unwrap();
    fs::remove_file(place.path().join(processed)).unwrap();
    let words = stderr(&gristmill(place.path(), &["run", "sales.csv"]));
    assert!(words.contains(processed) && words.contains("manifests/"), "{words}");
}

#[test]
fn a_changed_output_is_never_overwritten() {
    let place = sales();
    let first = json(&gristmill(place.path(), &["split", "sales.csv", "--json"]));
    let path = |key: &str| place.path().join(first["paths"][key].as_str().unwrap());
    fs::remove_file(path("manifest")).unwrap();
    fs::write(path("processed"), "mine\n").unwrap();
    let output = gristmill(place.path(), &["split", "sales.csv", "--json"]);
    assert_eq!(exit(&output), 3);
    assert!(stderr(&output).contains("other content"), "{}", stderr(&output));
    assert_eq!(fs::read(path("processed")).unwrap(), b"mine\n");
    assert!(!files(&place.path().join("out")).iter().any(|path| path.ends_with(".partial")));
}

#[test]
fn the_summary_tells_people_what_became_of_the_file() {
    let place = sales();
    let output = gristmill(place.path(), &["run", "sales.csv"]);
    let words = stdout(&output);
    let Outcome::Split { valid, rejected } = sample("smartphone_sales.csv").outcome else { unreachable!() };
    for expected in [
        "completed  sales.csv (smartphone_sales)\n".to_owned(),
        format!("{valid} valid, {rejected} rejected"),
        "out/processed/smartphone_sales/sales-".to_owned(),
        "out/outbox/".to_owned(),
        "next: ".to_owned(),
    ] {
        assert!(words.contains(&expected), "{expected:?} is not in\n{words}");
    }
    assert!(!words.contains('\u{1b}'), "no colour without a terminal");
    assert_eq!(exit(&output), 0);
}

#[test]
fn several_files_give_one_line_each_and_the_worst_exit() {
    let place = sales();
    fs::write(place.path().join("empty.csv"), "").unwrap();
    let contract = "contracts/smartphone_sales.json";
    let arguments = ["run", "empty.csv", "sales.csv", "--contract", contract, "--json"];
    let output = gristmill(place.path(), &arguments);
    let results = objects(&output);
    assert_eq!((&results[0]["file"], &results[0]["code"]), (&"empty.csv".into(), &"empty-file".into()));
    assert_eq!((&results[1]["file"], &results[1]["status"]), (&"sales.csv".into(), &"completed".into()));
    assert_eq!((results.len(), exit(&output)), (2, 1));
}

#[test]
fn a_wrong_command_line_is_exit_2_and_does_nothing() {
    let place = sales();
    for (arguments, expected) in [
        (&["run"][..], "FILE"),
        (&["run", "no.csv"], "no.csv"),
        (&["run", "sales.csv", "no.csv"], "no.csv"),
        (&["run", "contracts"], "directory"),
        (&["run", "sales.csv", "--contract", "no.json"], "no.json"),
        (&["run", "sales.csv", "--contracts", "no"], "no"),
        (&["run", "sales.csv", "--contracts", "contracts", "--contract", "x"], "--contract"),
        (&["check", "sales.csv", "--limit", "many"], "many"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let output = gristmill(place.path(), arguments);
        assert_eq!(exit(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(!place.path().join("out").exists(), "{arguments:?}");
    }
}

#[test]
fn an_output_directory_that_cannot_be_made_is_exit_3() {
    let place = sales();
    fs::write(place.path().join("file"), "").unwrap();
    let output = gristmill(place.path(), &["run", "sales.csv", "--out", "file"]);
    assert_eq!(exit(&output), 3);
    assert!(stderr(&output).starts_with("error: sales.csv: file"), "{}", stderr(&output));
}

#[test]
fn a_file_that_no_contract_fits_is_profiled_and_the_user_is_told() {
    let place = place("x.csv", b"colour,size\nred,1\nblue\n");
    let output = gristmill(place.path(), &["run", "x.csv", "--json"]);
    let result = json(&output);
    assert_eq!((&result["status"], &result["dataset"]), (&"completed".into(), &"unmatched".into()));
    assert_eq!((&result["rows"]["valid"], &result["rows"]["rejected"]), (&1.into(), &1.into()));
    let words = stderr(&output);
    assert!(
        words.contains("no contract in contracts fits") && words.contains("gristmill infer x.csv"),
        "{words}"
    );
    fs::remove_dir_all(place.path().join("contracts")).unwrap();
    let output = gristmill(place.path(), &["run", "x.csv", "--out", "other", "--json"]);
    assert!(stderr(&output).contains("there are no contracts"), "{}", stderr(&output));
    assert_eq!(exit(&output), 0);
}

#[test]
fn a_broken_contract_in_the_directory_is_named_when_none_fits() {
    let place = place("x.csv", b"colour,size\nred,1\n");
    fs::write(place.path().join("contracts/x.json"), "{\"name\": \"x\"}").unwrap();
    let words = stderr(&gristmill(place.path(), &["run", "x.csv"]));
    assert!(words.contains("contracts/x.json: "), "{words}");
}

#[test]
fn an_empty_file_without_a_contract_is_refused_and_reported() {
    let place = place("empty.csv", b"");
    let output = gristmill(place.path(), &["run", "empty.csv", "--json"]);
    let result = json(&output);
    assert_eq!((&result["code"], exit(&output)), (&"empty-file".into(), 1));
    assert!(place.path().join(result["paths"]["html"].as_str().unwrap()).is_file());
}

#[test]
fn a_check_finds_what_a_run_rejects_and_writes_nothing() {
    let place = sales();
    let before = files(place.path());
    let output = gristmill(place.path(), &["check", "sales.csv", "--json", "--limit", "3"]);
    let checked = json(&output);
    assert_eq!(files(place.path()), before);
    assert_eq!(exit(&output), 1);
    assert_eq!(
        keys(&checked),
        [
            "file",
            "status",
            "dataset",
            "rows",
            "code",
            "reason",
            "codes",
            "kinds",
            "violations",
            "truncated",
            "notes"
        ]
    );
    let run = json(&gristmill(place.path(), &["split", "sales.csv", "--json"]));
    assert_eq!(checked["rows"], run["rows"]);
    let violations = checked["violations"].as_array().unwrap();
    assert_eq!(checked["truncated"], true);
    assert_eq!(keys(&violations[0]), ["row", "line", "cell", "column", "code", "value", "reason"]);
    let kinds = checked["kinds"].as_array().unwrap();
    assert_eq!(keys(&kinds[0]), ["code", "column", "count", "first_row"]);
    let listed: u64 = kinds.iter().map(|kind| kind["count"].as_u64().unwrap().min(3)).sum();
    assert_eq!(violations.len() as u64, listed);
    let errors = place.path().join(run["paths"]["errors"].as_str().unwrap());
    let first = csv::Reader::from_path(errors).unwrap().into_records().next().unwrap().unwrap();
    assert_eq!(violations[0]["row"].to_string(), first[0]);
    assert_eq!(violations[0]["code"], first[3]);
}

/// A directory with `x.csv` and a contract for it, `x.json`: the whole number `a` and the text `b`.
fn small(bytes: &[u8]) -> TempDir {
    let place = place("x.csv", bytes);
    let contract =
        r#"{"name": "x", "schema": {"fields": [{"name": "a", "type": "integer"}, {"name": "b"}]}}"#;
    fs::write(place.path().join("x.json"), contract).unwrap();
    place
}

const CHECK_X: [&str; 4] = ["check", "x.csv", "--contract", "x.json"];

#[test]
fn a_check_shows_each_violation_in_its_place() {
    let place = small("a,b\n1,2\nx,\"y\nz\"\n4\n\"名前\",5\nw,6\nv,7\n".as_bytes());
    let output = gristmill(place.path(), &CHECK_X);
    let expected = "\
type-error in a (4 times)
  x.csv:3:1 (row 2): \"x\" is not a whole number; write digits only, such as 12
      x,\"y\\nz\"
      ^
  x.csv:6:1 (row 4): \"名前\" is not a whole number; write digits only, such as 12
      \"名前\",5
      ^^^^^^
  x.csv:7:1 (row 5): \"w\" is not a whole number; write digits only, such as 12
      w,6
      ^
  … and 1 more

missing-cell (1 row)
  x.csv:5:2 (row 3): there is no cell for b: the row has 1 cell, the header has 2
      4
       ^

  count  code          column
      4  type-error    a
      1  missing-cell  b

not good  x.csv (x): 6 rows, 1 valid, 5 rejected, 5 violations
";
    assert_eq!(stdout(&output), expected);
    assert_eq!((exit(&output), stderr(&output).as_str()), (1, ""));
}

#[test]
fn the_limit_of_a_check_is_that_of_each_kind() {
    let place = small(b"a,b\nx,1\ny,2\nz\n");
    let words = stdout(&gristmill(place.path(), &[&CHECK_X[..], &["--limit", "1"]].concat()));
    assert!(words.contains("(row 1)") && !words.contains("(row 2)"), "{words}");
    assert!(words.contains("  … and 2 more\n") && words.contains("missing-cell (1 row)"), "{words}");
    let words = stdout(&gristmill(place.path(), &[&CHECK_X[..], &["--limit", "0"]].concat()));
    assert!(words.starts_with("  count  code"), "{words}");
    let all = json(&gristmill(place.path(), &[&CHECK_X[..], &["--limit", "9", "--json"]].concat()));
    let rows: Vec<u64> =
        all["violations"].as_array().unwrap().iter().map(|v| v["row"].as_u64().unwrap()).collect();
    assert_eq!((rows, &all["truncated"]), (vec![1, 2, 3, 3], &Value::Bool(false)));
}

#[test]
fn a_check_shows_what_a_file_cannot_do_to_the_terminal() {
    let place = small(b"a,b\n\x1b[2J,1\n1,\xff\n");
    let output = gristmill(place.path(), &CHECK_X);
    assert!(!output.stdout.contains(&0x1b) && !output.stdout.contains(&0xff));
    let words = stdout(&output);
    assert!(words.contains("\\u{1b}[2J,1\n      ^^^^^^\n"), "{words}");
    assert!(words.contains("1,\\xFF\n        ^^^^\n"), "{words}");
}

#[test]
fn a_file_that_is_refused_whole_is_shown_with_its_code_and_what_to_do() {
    let place = small(b"a,b\n1,\"2\n");
    let output = gristmill(place.path(), &CHECK_X);
    let words = stdout(&output);
    assert!(words.starts_with("refused  x.csv (x)\n  unterminated-quote: "), "{words}");
    assert!(words.contains("line 2") && words.contains("Close the quote"), "{words}");
    assert!(words.lines().all(|line| line.chars().count() <= 100), "{words}");
    assert_eq!(exit(&output), 1);
}

#[test]
fn what_a_check_noticed_and_tolerated_is_told() {
    let place = small(b"a;b\n1;2\n");
    let output = gristmill(place.path(), &CHECK_X);
    assert!(stdout(&output).starts_with("good  x.csv (x): 1 row, 1 valid, 0 rejected\n  note: "));
    assert!(stdout(&output).contains("semicolons"), "{}", stdout(&output));
    let checked = json(&gristmill(place.path(), &[&CHECK_X[..], &["--json"]].concat()));
    assert_eq!(checked["notes"].as_array().unwrap().len(), 1);
    assert_eq!(exit(&output), 0);
}

#[test]
fn a_held_file_says_why() {
    let place = small(b"a,b\nx,1\n2,2\n");
    let contract = r#"{"name": "x", "schema": {"fields": [{"name": "a", "type": "integer"}, {"name": "b"}]},
        "gristmill": {"routing": {"max_rejected_ratio": 0.1}}}"#;
    fs::write(place.path().join("x.json"), contract).unwrap();
    let output = gristmill(place.path(), &CHECK_X);
    let words = stdout(&output);
    assert!(words.contains("type-error in a") && words.contains("held  x.csv (x): 2 rows"), "{words}");
    assert!(words.contains("\n  too-many-rejected: 1 of 2 rows"), "{words}");
    assert_eq!(exit(&output), 1);
}

#[test]
fn a_wide_file_with_everything_wrong_is_summed_up() {
    let names: Vec<String> = (0..60).map(|n| format!("c{n}")).collect();
    let fields: Vec<String> =
        names.iter().map(|n| format!(r#"{{"name": "{n}", "type": "integer"}}"#)).collect();
    let csv = format!("{}\n{}\n", names.join(","), vec!["x"; 60].join(","));
    let place = small(csv.as_bytes());
    let contract = format!(r#"{{"name": "x", "schema": {{"fields": [{}]}}}}"#, fields.join(","));
    fs::write(place.path().join("x.json"), contract).unwrap();
    let words = stdout(&gristmill(place.path(), &CHECK_X));
    assert_eq!(words.matches("type-error in ").count(), 20);
    assert!(
        words.contains("\n… and 40 more kinds\n") && words.contains("… and 10 more kinds; --json lists all")
    );
    assert!(words.ends_with("1 row, 0 valid, 1 rejected, 60 violations\n"), "{words}");
}

#[test]
fn standard_input_is_checked_like_a_file() {
    let place = small(b"");
    for (bytes, expected) in [(&b"a,b\n1,2\n"[..], 0), (b"a,b\nx,2\n", 1), (b"", 1)] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gristmill"))
            .args(["check", "-", "--contract", "x.json", "--json"])
            .current_dir(place.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(exit(&output), expected, "{}", stdout(&output));
        assert_eq!(json(&output)["file"], "-");
    }
}

#[test]
fn a_good_file_checks_out() {
    let place = place("x.csv", b"a,b\n1,2\n");
    let contract = r#"{"name": "x", "schema": {"fields": [{"name": "a"}, {"name": "b"}]}}"#;
    fs::write(place.path().join("x.json"), contract).unwrap();
    let output = gristmill(place.path(), &["check", "x.csv", "--contract", "x.json"]);
    assert_eq!(stdout(&output), "good  x.csv (x): 1 row, 1 valid, 0 rejected\n");
    assert_eq!((exit(&output), stderr(&output).as_str()), (0, ""));
}

#[test]
fn every_sample_is_checked_as_it_is_split() {
    for sample in samples::files() {
        let place = place(sample.name, &sample.bytes);
        let contract = contract(sample.dataset.name());
        let output = gristmill(place.path(), &["check", sample.name, "--contract", &contract, "--json"]);
        let (checked, name) = (json(&output), sample.name);
        match sample.outcome {
            Outcome::Split { valid, rejected } => {
                assert_eq!(checked["rows"]["valid"], valid, "{name}");
                assert_eq!(checked["rows"]["rejected"], rejected, "{name}");
                let kinds = checked["kinds"].as_array().unwrap();
                let counts: Vec<u64> = kinds.iter().map(|kind| kind["count"].as_u64().unwrap()).collect();
                let codes = checked["codes"].as_object().unwrap();
                let all: u64 = codes.values().map(|count| count.as_u64().unwrap()).sum();
                assert_eq!(counts.iter().sum::<u64>(), all, "{name}");
                assert!(all >= rejected, "{name}");
                let listed = checked["violations"].as_array().unwrap().len() as u64;
                assert_eq!(listed, counts.iter().map(|count| *count.min(&3)).sum::<u64>(), "{name}");
                assert_eq!(exit(&output) == 0, rejected == 0 && checked["status"] == "completed", "{name}");
            }
            Outcome::Refused { code } => {
                assert_eq!((&checked["code"], exit(&output)), (&code.into(), 1), "{name}");
                assert_eq!(checked["violations"], Value::Array(Vec::new()), "{name}");
            }
        }
        assert!(!place.path().join("out").exists(), "{name}");
    }
}

#[test]
fn a_drafted_contract_accepts_the_file_it_was_drafted_from() {
    let place = place("good.csv", b"order_id,day,price\nA1,2024-05-20,9.99\nA2,2024-05-21,5\n");
    let output = gristmill(place.path(), &["infer", "good.csv"]);
    let descriptor: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(descriptor["name"], "good");
    assert_eq!(descriptor["schema"]["fields"][2]["type"], "number");
    let words = stderr(&output);
    assert!(words.contains("likely  day: date, always there, the time, by day\n"), "{words}");
    assert!(words.contains("drafted from 2 rows; the draft accepts 2 of them (100.0 %)"), "{words}");
    // What belongs together stands on one line.
    assert!(
        stdout(&output).contains("\n      { \"name\": \"day\", \"type\": \"date\", "),
        "{}",
        stdout(&output)
    );
    let lint = gristmill(place.path(), &["contract", "lint", "good.json"]);
    assert_eq!(exit(&lint), 2, "there is none yet");
    let saved = gristmill(place.path(), &["infer", "good.csv", "--out", "new/good.json"]);
    assert_eq!((exit(&saved), stdout(&saved).as_str()), (0, ""));
    assert_eq!(fs::read(place.path().join("new/good.json")).unwrap(), output.stdout);
    let check = gristmill(place.path(), &["check", "good.csv", "--contract", "new/good.json"]);
    assert_eq!(exit(&check), 0, "{}", stdout(&check));
    let again = gristmill(place.path(), &["infer", "good.csv", "--out", "new/good.json"]);
    assert_eq!(exit(&again), 2);
    assert!(stderr(&again).contains("exists"), "{}", stderr(&again));
}

#[test]
fn a_draft_says_what_a_person_should_look_at() {
    let rows: String =
        (0..500).map(|n| format!("{n},{}\n", if n == 7 { "1,5 EUR" } else { "2.50" })).collect();
    let place =
        place("x.csv", format!("id;price\n{}", rows.replace(',', ";").replace("1;5", "1,5")).as_bytes());
    let output = gristmill(place.path(), &["infer", "x.csv", "--out", "x.json"]);
    let words = stderr(&output);
    for expected in [
        "likely  dialect: cells are separated by semicolons\n",
        "sure    id: integer, always there, 0 or more, the primary key\n",
        "likely  price: number, always there, 0 or more, a measure. Check: 1 of 500 cells is not of this type, such as \
         \"1,5 EUR\" in row 8; such rows will be rejected\n",
        "drafted from 500 rows; the draft accepts 499 of them (99.8 %)",
        "next: gristmill check x.csv --contract x.json\n",
    ] {
        assert!(words.contains(expected), "{expected:?} is not in\n{words}");
    }
    let checked = json(&gristmill(place.path(), &["check", "x.csv", "--contract", "x.json", "--json"]));
    assert_eq!((&checked["rows"]["valid"], &checked["rows"]["rejected"]), (&499.into(), &1.into()));
    let lint = gristmill(place.path(), &["contract", "lint", "x.json"]);
    assert_eq!(exit(&lint), 0, "{}", stdout(&lint));
}

#[test]
fn a_draft_of_every_sample_accepts_it_or_there_is_a_verdict() {
    for sample in samples::files() {
        let place = place(sample.name, &sample.bytes);
        let name = sample.name;
        let output = gristmill(place.path(), &["infer", name, "--out", "draft.json"]);
        if exit(&output) == 1 {
            assert!(stderr(&output).trim_end().ends_with(']'), "{name}: {}", stderr(&output));
            continue;
        }
        assert_eq!(exit(&output), 0, "{name}: {}", stderr(&output));
        let check = ["check", name, "--contract", "draft.json", "--json", "--limit", "100000"];
        let checked = json(&gristmill(place.path(), &check));
        // A row that is broken in form is rejected whatever the contract.
        let form = [
            "missing-cell",
            "extra-cell",
            "blank-row",
            "encoding-error",
            "malformed-quote",
            "control-character",
        ];
        let rows = |of_form: bool| -> BTreeSet<u64> {
            let all = checked["violations"].as_array().unwrap().iter();
            let these = all.filter(|one| form.contains(&one["code"].as_str().unwrap()) == of_form);
            these.map(|one| one["row"].as_u64().unwrap()).collect()
        };
        let (broken, total) = (rows(true), checked["rows"]["total"].as_u64().unwrap());
        let rejected = rows(false).difference(&broken).count() as u64;
        assert!(rejected * 100 <= total, "{name}: {rejected} of {total}");
    }
}

#[test]
fn what_is_no_csv_gets_no_contract() {
    let sample = sample("zip.csv");
    let place = place(sample.name, &sample.bytes);
    let output = gristmill(place.path(), &["infer", sample.name, "--out", "zip.json"]);
    assert_eq!(exit(&output), 1);
    assert!(stderr(&output).contains("[unsupported-format]"), "{}", stderr(&output));
    assert!(!place.path().join("zip.json").exists());
}

#[test]
fn contracts_are_linted_with_pointers() {
    let place = sales();
    let broken = r#"{"name": "x", "schema": {"fields": [{"name": "a", "type": "integre"}]}}"#;
    fs::write(place.path().join("broken.json"), broken).unwrap();
    let good = gristmill(place.path(), &["contract", "lint", "contracts/smartphone_sales.json"]);
    assert_eq!((exit(&good), stdout(&good).starts_with("contracts/smartphone_sales.json: OK")), (0, true));
    let both =
        gristmill(place.path(), &["contract", "lint", "broken.json", "contracts/smartphone_sales.json"]);
    assert_eq!(exit(&both), 2);
    let words = stdout(&both);
    assert!(words.starts_with("broken.json: /schema/fields/0/type: "), "{words}");
    assert!(words.contains(": OK"), "{words}");
    let run = gristmill(place.path(), &["run", "sales.csv", "--contract", "broken.json"]);
    assert_eq!(exit(&run), 2);
    assert!(stderr(&run).contains("/schema/fields/0/type"), "{}", stderr(&run));
    assert!(!place.path().join("out").exists());
}

#[test]
fn the_schema_of_contracts_is_json() {
    let place = sales();
    let output = gristmill(place.path(), &["contract", "schema"]);
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["$schema"].as_str().unwrap().contains("json-schema.org"));
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let place = sales();
    let help = stdout(&gristmill(place.path(), &["--help"]));
    for word in ["run", "split", "check", "infer", "contract", "Exit codes:", "Example:"] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
    for command in
        [&["run"][..], &["split"], &["check"], &["infer"], &["contract", "lint"], &["contract", "schema"]]
    {
        let output = gristmill(place.path(), &[command, &["--help"]].concat());
        assert_eq!(exit(&output), 0, "{command:?}");
        assert!(stdout(&output).contains("Example:"), "{command:?}");
    }
    let version = stdout(&gristmill(place.path(), &["--version"]));
    assert_eq!(version, format!("gristmill {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn no_color_silences_every_escape() {
    let place = sales();
    let output = Command::new(env!("CARGO_BIN_EXE_gristmill"))
        .args(["-vv", "run", "sales.csv"])
        .env("NO_COLOR", "1")
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
}

#[test]
fn a_report_that_nothing_opens_is_named() {
    let place = sales();
    let output = Command::new(env!("CARGO_BIN_EXE_gristmill"))
        .args(["run", "sales.csv", "--open"])
        .env("PATH", place.path())
        .current_dir(place.path())
        .output()
        .unwrap();
    assert_eq!(exit(&output), 0);
    assert!(stderr(&output).contains("out/outbox/"), "{}", stderr(&output));
}

/// The usual build knows no AWS: the commands are there, and say what they need.
#[cfg(not(feature = "cloud"))]
#[test]
fn the_commands_for_a_stack_say_how_to_build_them() {
    let place = tempfile::tempdir().unwrap();
    for arguments in
        [["replay", "input/x.csv"].as_slice(), &["redrive"], &["status"], &["backfill", "--prefix", "input/"]]
    {
        let output = gristmill(place.path(), arguments);
        let told = stderr(&output);
        assert_eq!((exit(&output), stdout(&output)), (2, String::new()), "{told}");
        let build = format!("cargo run --release --features cloud -- {}", arguments[0]);
        assert!(told.contains(&build), "{told}");
    }
}

/// What is wrong with the command line is told before anything is asked of AWS.
#[cfg(feature = "cloud")]
#[test]
fn the_commands_for_a_stack_refuse_what_is_no_command() {
    let place = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        (["status"].as_slice(), "which stack?"),
        (&["replay", "input/x.csv", "--stack", ""], "which stack?"),
        (&["replay"], "required arguments"),
        (&["replay", "input/x.csv", "--prefix", "input/"], "cannot be used with"),
        (&["replay", "input/x.csv", "--nonce", "n"], "--force"),
        (&["replay", "--prefix", "input/", "--version-id", "v"], "cannot be used with"),
        (&["replay", "input/orders/", "--stack", "s"], "gristmill replay --prefix input/orders/"),
        (&["replay", "--since", "yesterday", "--stack", "s"], "2h or 3d"),
        (&["backfill", "--rate", "0", "--stack", "s"], "above 0"),
        (&["backfill", "--max-depth", "0", "--stack", "s"], "1 and more"),
        (&["redrive", "--stage", "miller"], "processor"),
        (&["status", "--last", "0"], "1..=1000"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_gristmill"))
            .args(arguments)
            .current_dir(place.path())
            .env_clear()
            .output()
            .unwrap();
        let told = stderr(&output);
        assert_eq!((exit(&output), stdout(&output)), (2, String::new()), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
}
