//! A run to tell about.

use std::collections::BTreeMap;

use shared::checksum::Checksum;
use shared::contract::Contract;
use shared::events::{Rows, SCHEMA_VERSION};
use shared::facts::{Fact, FactKind, Value};
use shared::identity::{ContractDigest, ETag, RunId};
use shared::keys::OutputKeys;
use shared::manifest::{AppliedContract, Manifest, Output, Outputs, ReadAs, Status, ViolationCount};
use shared::ports::SourceObject;
use shared::record::{AnalysisRecord, Anomaly, Insight, Level, ModelUse, NarratorKind, Recommendation};
use shared::violation::{Code, FileCode};

pub(crate) const KEY: &str = "input/smartphone_sales/smartphone_sales.csv";

pub(crate) fn run_id() -> RunId {
    let contract = ContractDigest::of(b"{}");
    RunId::of("bucket", KEY, &ETag::parse("e"), &contract, None)
}

pub(crate) fn descriptor(results: &[&str], problems: &[&str]) -> serde_json::Value {
    serde_json::json!({
        "name": "smartphone_sales",
        "title": "Smartphone sales",
        "schema": { "fields": [{ "name": "model", "type": "string" }, { "name": "price", "type": "number" }] },
        "gristmill": { "routing": { "results": results, "problems": problems } }
    })
}

pub(crate) fn contract() -> Contract {
    let bytes = serde_json::to_vec(&descriptor(&["sales@example.com"], &["data@example.com"])).unwrap();
    Contract::parse(&bytes).unwrap()
}

/// 1,002 rows, 717 accepted.
pub(crate) fn manifest() -> Manifest {
    let run_id = run_id();
    let keys = OutputKeys::of("smartphone_sales", KEY, &run_id);
    let output = |key, records| Some(Output { key, bytes: 1000, records, checksum: Checksum::of(b"") });
    Manifest {
        schema: SCHEMA_VERSION,
        dataset: "smartphone_sales".into(),
        source: SourceObject {
            bucket: "bucket".into(),
            key: KEY.into(),
            etag: ETag::parse("e"),
            version_id: None,
            size: 158_558,
        },
        received_at: "2025-05-20T08:00:00Z".into(),
        status: Status::Completed,
        code: None,
        reason: None,
        rows: Rows { total: 1002, valid: 717, rejected: 285 },
        codes: BTreeMap::new(),
        violations: vec![
            violation(
                Code::ConstraintError,
                Some("customer_review"),
                201,
                4,
                "customer_review is required but empty",
            ),
            violation(Code::TypeError, Some("price"), 84, 17, "\"n/a\" is not a number"),
        ],
        outputs: Outputs {
            processed: output(keys.processed, 717),
            rejected: output(keys.rejected, 285),
            errors: output(keys.errors, 285),
        },
        read_as: Some(ReadAs {
            delimiter: ';',
            quote: None,
            escape: None,
            skip_initial_space: false,
            encoding: "utf-8".into(),
            columns: vec!["model".into(), "price".into()],
            notes: vec!["the delimiter is a semicolon".into()],
        }),
        contract: AppliedContract {
            digest: ContractDigest::of(b"{}"),
            inferred: false,
            references: Vec::new(),
            descriptor: descriptor(&["sales@example.com"], &["data@example.com"]),
        },
        run_id,
    }
}

pub(crate) fn violation(
    code: Code,
    column: Option<&str>,
    count: u64,
    first_row: u64,
    reason: &str,
) -> ViolationCount {
    ViolationCount { code, column: column.map(str::to_owned), count, first_row, first_reason: reason.into() }
}

/// A file that could not be read.
pub(crate) fn refused() -> Manifest {
    Manifest {
        status: Status::Rejected,
        code: Some(FileCode::UnterminatedQuote),
        reason: Some("A quote that is opened in line 812 is never closed.".into()),
        rows: Rows::default(),
        violations: Vec::new(),
        outputs: Outputs::default(),
        read_as: None,
        ..manifest()
    }
}

/// A file with too many rejected rows.
pub(crate) fn held() -> Manifest {
    Manifest {
        status: Status::Held,
        code: Some(FileCode::TooManyRejected),
        reason: Some("28.4% of the rows were rejected; the contract allows 20%.".into()),
        ..manifest()
    }
}

pub(crate) fn record() -> AnalysisRecord {
    AnalysisRecord {
        analysis_id: run_id(),
        correlation_id: run_id().to_string(),
        dataset: "smartphone_sales".into(),
        source_file: KEY.into(),
        processed_file: manifest().outputs.processed.map(|output| output.key),
        records_analyzed: 717,
        analysis_timestamp: "2025-05-20T08:00:05Z".into(),
        insights: vec![Insight {
            kind: "top_group".into(),
            description: "iPhone 15 is the most frequent model with 10 of 717 rows.".into(),
            confidence: Level::High,
            facts: vec!["f6".into()],
        }],
        anomalies: vec![
            anomaly(Level::Low, "2 rows repeat an earlier one."),
            anomaly(Level::Medium, "One price, 2,799, lies far above the others."),
        ],
        recommendations: vec![Recommendation {
            category: "data_quality".into(),
            action: "Ask for reviews to be filled in: 201 rows were rejected for an empty one.".into(),
            priority: Level::Medium,
            facts: Vec::new(),
        }],
        summary: "717 rows were analysed. Prices add up to 604,263 USD; the mid-range sells most.".into(),
        notification_sent: false,
        notification_timestamp: None,
        ttl: 0,
        facts: facts(),
        narrator: NarratorKind::BuiltIn,
        narrator_reason: Some("the model is switched off".into()),
        model: None,
        rows: manifest().rows,
    }
}

pub(crate) fn anomaly(severity: Level, description: &str) -> Anomaly {
    Anomaly { kind: "outlier".into(), description: description.into(), severity, facts: Vec::new() }
}

pub(crate) fn model_use() -> ModelUse {
    ModelUse {
        id: "amazon.nova-lite-v1:0".into(),
        input_tokens: 3_120,
        output_tokens: 642,
        cost_usd: Some("0.000341".into()),
        sentences_withheld: 2,
    }
}

pub(crate) fn fact(
    kind: FactKind,
    measure: Option<&str>,
    subject: &[(&str, &str)],
    value: &str,
    rank: Option<u64>,
) -> Fact {
    Fact {
        id: "f".into(),
        kind,
        measure: measure.map(str::to_owned),
        subject: subject.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        value: Value(value.parse().unwrap()),
        unit: measure.map(|_| "USD".to_owned()),
        of: 717,
        rank,
        approximate: kind == FactKind::Median,
        error: None,
    }
}

fn facts() -> Vec<Fact> {
    use FactKind::{
        DuplicateCount, FlagCount, GroupCount, Max, Mean, Median, Min, NullCount, SegmentCount,
        SentimentMean, Sum, TrendCount, TrendSum,
    };
    let price = Some("price");
    let mut facts = vec![
        fact(Sum, price, &[], "604263", None),
        fact(Mean, price, &[], "842.766667", None),
        fact(Median, price, &[], "799", None),
        fact(Min, price, &[], "119", None),
        fact(Max, price, &[], "2799", None),
    ];
    let groups: [(&str, &[(&str, &str)]); 2] = [
        (
            "model",
            &[("iPhone 15", "10"), ("P4 Pro", "9"), ("iPhone 15 Pro Max", "6"), ("iPhone 16 Pro", "6")],
        ),
        ("region", &[("Africa", "129"), ("Europe", "122"), ("South America", "118")]),
    ];
    for (dimension, values) in groups {
        for (index, (value, count)) in values.iter().enumerate() {
            facts.push(fact(GroupCount, None, &[(dimension, value)], count, Some(index as u64 + 1)));
        }
    }
    for (band, count) in [("budget", "222"), ("mid-range", "286"), ("flagship", "209")] {
        facts.push(fact(SegmentCount, None, &[("price_segment", band)], count, None));
    }
    for (month, count, sum) in [("2024-12", "61", "51230"), ("2025-01", "72", "60100.5")] {
        facts.push(fact(TrendCount, None, &[("date", month)], count, None));
        facts.push(fact(TrendSum, price, &[("date", month)], sum, None));
    }
    facts.push(fact(SentimentMean, Some("customer_review"), &[("brand", "Apple")], "0.4127", None));
    facts.push(fact(FlagCount, None, &[("flag", "price above 2,000")], "3", None));
    facts.push(fact(NullCount, None, &[("field", "color")], "0", None));
    facts.push(fact(DuplicateCount, None, &[], "2", None));
    facts
}
