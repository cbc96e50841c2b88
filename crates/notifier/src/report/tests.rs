use shared::events::Rows;
use shared::facts::FactKind;
use shared::record::{Insight, Level, NarratorKind};
use shared::violation::{Code, FileCode};

use super::*;
use crate::fixtures::{anomaly, contract, fact, held, manifest, model_use, record, refused, violation};

fn rendered(manifest: &Manifest, record: Option<&AnalysisRecord>) -> Rendered {
    let contract = contract();
    let report =
        Report { manifest, record, contract: Some(&contract), output_base: Some("s3://example-bucket/") };
    report.render().unwrap()
}

fn subject(manifest: &Manifest, record: Option<&AnalysisRecord>) -> String {
    rendered(manifest, record).subject
}

#[test]
fn a_report_in_text() {
    insta::assert_snapshot!(rendered(&manifest(), Some(&record())).text, @r#"
    Smartphone sales: smartphone_sales.csv

    717 of 1,002 rows accepted, 285 rejected.

    717 rows were analysed. Prices add up to 604,263 USD; the mid-range sells most.

    KEY FIGURES
    - price (USD): total 604,263, mean 842.77, median about 799, range 119 to 2,799

    WHAT THE DATA SHOWS
    - iPhone 15 is the most frequent model with 10 of 717 rows. (top group, high confidence)

    WHAT STANDS OUT
    - One price, 2,799, lies far above the others. (medium severity, outlier)
    - 2 rows repeat an earlier one. (low severity, outlier)

    WHAT TO DO
    - Ask for reviews to be filled in: 201 rows were rejected for an empty one. (medium priority, data quality)

    ROWS BY MODEL
    - iPhone 15: 10
    - P4 Pro: 9
    - iPhone 15 Pro Max: 6
    - iPhone 16 Pro: 6

    ROWS BY REGION
    - Africa: 129
    - Europe: 122
    - South America: 118

    ROWS BY PRICE_SEGMENT
    - budget: 222
    - mid-range: 286
    - flagship: 209

    ROWS OVER TIME, BY DATE
    - 2024-12: 61 rows, price 51,230
    - 2025-01: 72 rows, price 60,100.5

    SENTIMENT, FROM -1 TO 1
    - customer_review, Apple: 0.41

    ROWS WORTH A LOOK
    - price above 2,000: 3 of 717
    - Rows that repeat an earlier one: 2 of 717

    WHY ROWS WERE REJECTED (a row can break several rules)
    - 201 x customer_review: value missing or not allowed (constraint-error)
      First in row 4: customer_review is required but empty
      Give a value that the contract allows; a required one cannot be empty.
    - 84 x price: value of the wrong type (type-error)
      First in row 17: "n/a" is not a number
      Write the value in the form that the contract asks for.

    WHERE THE ROWS ARE
    - Rejected rows, to be corrected in place and dropped again (285 rows):
      s3://example-bucket/rejected/smartphone_sales/smartphone_sales-b271e8414aeb.csv
    - Every violation, one line each (285 violations):
      s3://example-bucket/rejected/smartphone_sales/smartphone_sales-b271e8414aeb.errors.csv
    - Accepted rows (717 rows):
      s3://example-bucket/processed/smartphone_sales/smartphone_sales-b271e8414aeb.csv

    WHAT THIS IS BASED ON
    - File: input/smartphone_sales/smartphone_sales.csv, 159 KB, received 2025-05-20T08:00:00Z.
    - Contract: smartphone_sales.
    - Analysed: every accepted row, 717 in all.
    - The words were written by Gristmill from the facts. Reason: the model is switched off.
    - Model cost: none, no model was asked.
    - Noticed: the delimiter is a semicolon
    - Run: b271e8414aeb1d9663a0c0e32aa53891.
    "#);
}

#[test]
fn a_refused_file_in_text() {
    insta::assert_snapshot!(rendered(&refused(), None).text, @r#"
    Smartphone sales: smartphone_sales.csv

    The file was refused.

    A quote that is opened in line 812 is never closed.

    Nothing of it was processed or analysed.

    What to do: Close the quote, or double it if it belongs to the text, and drop the file again. (Code: unterminated-quote.)

    WHAT THIS IS BASED ON
    - File: input/smartphone_sales/smartphone_sales.csv, 159 KB, received 2025-05-20T08:00:00Z.
    - Contract: smartphone_sales.
    - Run: b271e8414aeb1d9663a0c0e32aa53891.
    "#);
}

#[test]
fn a_held_file_in_text() {
    insta::assert_snapshot!(rendered(&held(), None).text, @r#"
    Smartphone sales: smartphone_sales.csv

    The file is held: 285 of 1,002 rows rejected.

    28.4% of the rows were rejected; the contract allows 20%.

    It was split, but it is not analysed.

    What to do: Correct the rejected rows in the original file, or raise the limit in the contract, and drop the whole file again. (Code: too-many-rejected.)

    WHY ROWS WERE REJECTED (a row can break several rules)
    - 201 x customer_review: value missing or not allowed (constraint-error)
      First in row 4: customer_review is required but empty
      Give a value that the contract allows; a required one cannot be empty.
    - 84 x price: value of the wrong type (type-error)
      First in row 17: "n/a" is not a number
      Write the value in the form that the contract asks for.

    WHERE THE ROWS ARE
    - Rejected rows (285 rows):
      s3://example-bucket/rejected/smartphone_sales/smartphone_sales-b271e8414aeb.csv
    - Every violation, one line each (285 violations):
      s3://example-bucket/rejected/smartphone_sales/smartphone_sales-b271e8414aeb.errors.csv
    - Accepted rows (717 rows):
      s3://example-bucket/processed/smartphone_sales/smartphone_sales-b271e8414aeb.csv

    WHAT THIS IS BASED ON
    - File: input/smartphone_sales/smartphone_sales.csv, 159 KB, received 2025-05-20T08:00:00Z.
    - Contract: smartphone_sales.
    - Noticed: the delimiter is a semicolon
    - Run: b271e8414aeb1d9663a0c0e32aa53891.
    "#);
}

#[test]
fn the_subject_carries_the_news() {
    let with_rows =
        |total, valid| Manifest { rows: Rows { total, valid, rejected: total - valid }, ..manifest() };
    let (record, mut serious) = (record(), record());
    serious.anomalies.push(anomaly(Level::High, "x"));
    for (manifest, record, expected) in [
        (manifest(), Some(&record), "Smartphone sales: 717 of 1,002 rows accepted, iPhone 15 leads"),
        (manifest(), Some(&serious), "Smartphone sales: 717 of 1,002 rows accepted, 1 serious finding"),
        (with_rows(1002, 1002), None, "Smartphone sales: all 1,002 rows accepted"),
        (with_rows(1, 1), None, "Smartphone sales: 1 of 1 row accepted"),
        (with_rows(3, 0), None, "Smartphone sales: all 3 rows rejected"),
        (with_rows(1, 0), None, "Smartphone sales: its one row was rejected"),
        (with_rows(0, 0), None, "Smartphone sales: the file has no rows"),
        (refused(), None, "Smartphone sales: smartphone_sales.csv was refused (unterminated-quote)"),
        (held(), None, "Smartphone sales: smartphone_sales.csv is held, 285 of 1,002 rows rejected"),
    ] {
        assert_eq!(subject(&manifest, record), expected);
    }
}

#[test]
fn nobody_leads_when_two_are_level() {
    let mut record = record();
    record.facts = vec![
        fact(FactKind::GroupCount, None, &[("model", "A")], "5", Some(1)),
        fact(FactKind::GroupCount, None, &[("model", "B")], "5", Some(1)),
        fact(FactKind::GroupCount, None, &[("model", "C")], "4", Some(3)),
    ];
    assert_eq!(subject(&manifest(), Some(&record)), "Smartphone sales: 717 of 1,002 rows accepted");
}

#[test]
fn a_subject_is_one_short_printable_line_whatever_the_names() {
    let mut contract = contract();
    contract.title = format!("Sales\r\nBcc: victim@example.com\u{202e}\0{}", "x".repeat(500));
    let mut manifest = refused();
    manifest.source.key = format!("input/a/\u{200b}x\r\nSubject: you won {}.csv", "y".repeat(500));
    let report = Report { manifest: &manifest, record: None, contract: Some(&contract), output_base: None };
    let subject = report.render().unwrap().subject;
    assert!(subject.chars().count() <= 120, "{subject}");
    assert!(!subject.chars().any(|c| c.is_control() || c == '\u{202e}' || c == '\u{200b}'), "{subject:?}");
    assert!(subject.starts_with("Sales Bcc: victim@example.com"), "{subject}");
}

const HOSTILE: &str = "</td><script>alert(1)</script><a href=\"http://evil.example\">\u{202e}click\u{200b}</a>\r\nBcc: a@evil.example & \"'";

/// Everything that the file, the contract or the model can say is hostile.
fn hostile() -> (Manifest, AnalysisRecord, Contract) {
    let mut contract = contract();
    contract.title = HOSTILE.into();
    contract.name = HOSTILE.into();
    let mut manifest = manifest();
    manifest.source.key = format!("input/{HOSTILE}.csv");
    manifest.reason = Some(HOSTILE.into());
    manifest.received_at = HOSTILE.into();
    manifest.violations = vec![violation(Code::TypeError, Some(HOSTILE), 1, 1, HOSTILE)];
    manifest.read_as.as_mut().unwrap().notes = vec![HOSTILE.into()];
    for output in [&mut manifest.outputs.processed, &mut manifest.outputs.rejected] {
        output.as_mut().unwrap().key = format!("processed/{HOSTILE}");
    }
    let mut record = record();
    record.summary = HOSTILE.into();
    record.insights[0].description = HOSTILE.into();
    record.insights[0].kind = HOSTILE.into();
    record.anomalies[0].description = HOSTILE.into();
    record.recommendations[0].action = HOSTILE.into();
    record.recommendations[0].category = HOSTILE.into();
    record.narrator_reason = Some(HOSTILE.into());
    record.model = Some(model_use());
    record.model.as_mut().unwrap().id = HOSTILE.into();
    for kind in [
        FactKind::Sum,
        FactKind::GroupCount,
        FactKind::SegmentCount,
        FactKind::TrendCount,
        FactKind::TrendSum,
        FactKind::SentimentMean,
        FactKind::FlagCount,
        FactKind::NullCount,
    ] {
        let subject: &[(&str, &str)] = if kind == FactKind::Sum { &[] } else { &[(HOSTILE, HOSTILE)] };
        record.facts.insert(0, fact(kind, Some(HOSTILE), subject, "7", Some(1)));
    }
    (manifest, record, contract)
}

#[test]
fn nothing_from_the_file_the_contract_or_the_model_is_markup() {
    let (manifest, record, contract) = hostile();
    for manifest in [manifest.clone(), Manifest { status: shared::manifest::Status::Held, ..manifest }] {
        let report = Report {
            manifest: &manifest,
            record: Some(&record),
            contract: Some(&contract),
            output_base: Some("https://files.example.com/"),
        };
        let Rendered { subject, text, html } = report.render().unwrap();
        assert!(html.matches("&#60;script&#62;").count() > 15, "it is shown, escaped");
        for bad in
            ["<script", "</script", "<a href=\"http:", "http://evil", "\u{202e}", "\u{200b}", "\nBcc:", "\r"]
        {
            assert!(!html.contains(bad), "{bad:?} in the HTML");
        }
        for bad in ["http://evil", "\u{202e}", "\u{200b}", "\nBcc:", "\r"] {
            assert!(!text.contains(bad), "{bad:?} in the text");
        }
        assert!(!subject.contains('\n') && !subject.contains("://"));
        // The one key without hostile characters is a link; the others are text.
        assert_eq!(html.matches("<a ").count(), 1);
        for link in html.split("<a ").skip(1) {
            let address = link.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
            assert!(address.starts_with("https://files.example.com/"), "{address}");
            assert!(!address.contains(['<', '>', ' ']), "{address}");
        }
        assert_balanced(&html);
    }
}

/// Every table element that is opened is closed in the right order.
fn assert_balanced(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let name = tag.split(['>', ' ']).next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "…<{}", &tag[..tag.len().min(60)]),
            None if matches!(name, "!DOCTYPE" | "meta" | "br") => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_page_needs_nothing_that_a_mail_client_takes_away() {
    for (manifest, record) in [(manifest(), Some(record())), (refused(), None), (held(), None)] {
        let html = rendered(&manifest, record.as_ref()).html;
        assert_balanced(&html);
        for absent in
            ["<img", "<script", "<link", "<iframe", "<form", "@import", "url(", "display:flex", "http"]
        {
            assert!(!html.contains(absent), "{absent}");
        }
        for present in
            ["<html lang=\"en\">", "name=\"color-scheme\"", "prefers-color-scheme:dark", "max-width:600px"]
        {
            assert!(html.contains(present), "{present}");
        }
    }
}

#[test]
fn a_page_with_fifty_long_findings_is_not_cut_by_the_mail_client() {
    let mut record = record();
    let insight = |text: &str| Insight {
        kind: "top_group".into(),
        description: text.repeat(600),
        confidence: Level::Medium,
        facts: Vec::new(),
    };
    record.insights = vec![insight("word "); 50];
    let html = rendered(&manifest(), Some(&record)).html;
    assert!(html.len() <= MAX_HTML_BYTES, "{}", html.len());
    assert!(html.matches("top group, medium confidence").count() >= 50, "all of them are there");
    // Characters that grow when they are escaped, in every section.
    let long = "<&\"".repeat(2_000);
    record.insights = vec![insight("<&>"); 500];
    record.anomalies = vec![anomaly(Level::High, &long); 500];
    record.summary.clone_from(&long);
    for index in 0..500 {
        let (name, group) = (format!("{index}{long}"), format!("{}{long}", index % 20));
        record.facts.push(fact(FactKind::Sum, Some(&name), &[], "1", None));
        record.facts.push(fact(FactKind::GroupCount, None, &[(&group, &name)], "1", Some(1)));
        record.facts.push(fact(FactKind::TrendCount, None, &[("date", &name)], "1", None));
        record.facts.push(fact(FactKind::FlagCount, None, &[("flag", &name)], "1", None));
    }
    let mut manifest = manifest();
    manifest.violations = vec![violation(Code::TypeError, Some(&long), 1, 1, &long); 500];
    manifest.reason = Some(long.clone());
    manifest.source.key.clone_from(&long);
    manifest.read_as.as_mut().unwrap().notes = vec![long.clone(); 500];
    manifest.outputs.processed.as_mut().unwrap().key = long;
    let html = rendered(&manifest, Some(&record)).html;
    assert!(html.len() <= MAX_HTML_BYTES, "{}", html.len());
    assert!(html.contains("490 more are in the errors file"));
    assert!(html.contains("more are in the stored analysis"));
}

#[test]
fn the_worst_comes_first() {
    let mut record = record();
    record.anomalies =
        vec![anomaly(Level::Low, "first"), anomaly(Level::High, "second"), anomaly(Level::Medium, "third")];
    let text = rendered(&manifest(), Some(&record)).text;
    let at = |word: &str| text.find(&format!("- {word} (")).unwrap();
    assert!(at("second") < at("third") && at("third") < at("first"));
}

#[test]
fn the_mail_says_who_wrote_it_and_what_it_cost() {
    let by = |narrator, model| {
        let record = AnalysisRecord { narrator, model, narrator_reason: None, ..record() };
        rendered(&manifest(), Some(&record)).text
    };
    let built_in = by(NarratorKind::BuiltIn, None);
    assert!(built_in.contains("- The words were written by Gristmill from the facts.\n- Model cost: none"));
    let partial = by(NarratorKind::Partial, Some(model_use()));
    assert!(partial.contains("2 sentences that did not stand the check were left out."), "{partial}");
    assert!(partial.contains("Model cost: 0.000341 US dollars (3,120 tokens read and 642 written)."));
    let bedrock = by(NarratorKind::Bedrock, Some(model_use()));
    assert!(bedrock.contains("The words were written by amazon.nova-lite-v1:0; each sentence was checked"));
}

#[test]
fn an_inferred_contract_is_named_as_such() {
    let mut manifest = manifest();
    manifest.contract.inferred = true;
    assert!(rendered(&manifest, Some(&record())).text.contains("No contract fits this file."));
}

#[test]
fn a_file_without_rows_or_without_valid_rows_says_what_to_do() {
    let mut record = record();
    record.records_analyzed = 0;
    record.facts = Vec::new();
    let mut none = manifest();
    none.rows = Rows::default();
    none.code = Some(FileCode::NoRows);
    none.violations = Vec::new();
    let text = rendered(&none, Some(&record)).text;
    assert!(text.contains("The file has no rows.") && text.contains("If rows were expected"), "{text}");
    let mut all = manifest();
    all.rows = Rows { total: 3, valid: 0, rejected: 3 };
    let text = rendered(&all, Some(&record)).text;
    assert!(text.contains("All 3 rows rejected.") && text.contains("Analysed: no rows."), "{text}");
    assert!(text.contains("correct the rows in the rejected file"));
}
