//! What hostile cells do to the report and the mail of the built program: nothing.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A run of the built program over a file of smartphone sales.
struct Ran {
    html: String,
    text: String,
    eml: String,
    analysis: Value,
    _place: TempDir,
}

fn run(bytes: &[u8]) -> Ran {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("sales.csv"), bytes).unwrap();
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/smartphone_sales.json");
    let output = Command::new(env!("CARGO_BIN_EXE_gristmill"))
        .args(["run", "sales.csv", "--json", "--contract"])
        .arg(contract)
        .current_dir(place.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let read =
        |name: &str| fs::read_to_string(place.path().join(answer["paths"][name].as_str().unwrap())).unwrap();
    Ran {
        html: read("html"),
        text: read("text"),
        eml: read("eml"),
        analysis: serde_json::from_str(&read("analysis")).unwrap(),
        _place: place,
    }
}

fn sample(name: &str) -> Vec<u8> {
    samples::files().into_iter().find(|sample| sample.name == name).unwrap().bytes
}

/// The headers of a mail, without what is folded.
fn headers(eml: &str) -> Vec<(&str, &str)> {
    let head = eml.split("\r\n\r\n").next().unwrap();
    head.split("\r\n").filter_map(|line| line.split_once(": ")).collect()
}

fn header<'e>(eml: &'e str, name: &str) -> Vec<&'e str> {
    headers(eml)
        .into_iter()
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|found| found.1)
        .collect()
}

#[test]
fn a_mail_about_hostile_cells_is_inert() {
    let ran = run(&sample("html_in_cells.csv"));
    assert!(ran.html.contains("&#60;b&#62;Aurora"), "the model is shown, escaped");
    for bad in
        ["<script>alert", "<img src=x", "<b>Aurora", "<svg", "<h1>You have won", "https://example.com/login"]
    {
        assert!(!ran.html.contains(bad), "{bad}");
    }
    for mail in [&ran.eml, &run(&sample("formula_cells.csv")).eml] {
        assert_eq!(header(mail, "Subject").len(), 1);
        assert!(header(mail, "Bcc").is_empty() && header(mail, "Cc").is_empty());
        assert!(!header(mail, "Subject")[0].contains("Invoice"));
        assert!(header(mail, "To")[0].ends_with("@example.com"), "{:?}", header(mail, "To"));
        assert!(!header(mail, "To")[0].contains("everyone"));
    }
    // A link out of a cell is no link in the report.
    let formulas = run(&sample("formula_cells.csv"));
    assert!(!formulas.html.contains("href=\"https://example.com/?"));
    // No line of the text could be pasted into a sheet as a formula.
    assert!(formulas.text.lines().all(|line| !line.starts_with(['=', '+', '@', '\t'])));
}

#[test]
fn instructions_in_reviews_change_nothing_but_the_reviews() {
    let hostile = sample("prompt_injection.csv");
    let mut reader = csv::Reader::from_reader(&hostile[..]);
    let header = reader.headers().unwrap().clone();
    let review = header.iter().position(|name| name == "customer_review").unwrap();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        writer
            .write_record(record.iter().enumerate().map(|(at, cell)| if at == review { "Ok." } else { cell }))
            .unwrap();
    }
    let harmless = run(&writer.into_inner().unwrap());
    let hostile = run(&hostile);
    // Every fact but those about the reviews themselves, with their ids left out, since those count.
    let facts = |ran: &Ran| -> Vec<Value> {
        let all = ran.analysis["facts"].as_array().unwrap().clone();
        let own = |fact: &Value| fact["kind"] != "sentiment_mean" && fact["measure"] != "customer_review";
        let without_id = |mut fact: Value| {
            fact.as_object_mut().unwrap().remove("id");
            fact
        };
        all.into_iter().filter(own).map(without_id).collect()
    };
    assert!(facts(&hostile).len() > 20);
    assert_eq!(facts(&hostile), facts(&harmless));
    for name in ["To", "From", "Subject"] {
        assert_eq!(headers_of(&hostile, name), headers_of(&harmless, name));
    }
    let severities = |ran: &Ran| -> Vec<Value> {
        ran.analysis["anomalies"].as_array().unwrap().iter().map(|one| one["severity"].clone()).collect()
    };
    assert_eq!(severities(&hostile), severities(&harmless));
    for bad in ["voucher", "rival@example.com", "1,000,000", "DONE", "previous instructions", "administrator"]
    {
        for part in [&hostile.html, &hostile.text, &hostile.eml] {
            assert!(!part.contains(bad), "{bad}");
        }
    }
}

fn headers_of(ran: &Ran, name: &str) -> Vec<String> {
    header(&ran.eml, name).into_iter().map(str::to_owned).collect()
}
