//! Small contracts and tables for tests.

use serde_json::{Value, json};
use shared::contract::Contract;
use shared::facts::{Fact, FactKind};

use super::{Findings, Survey};

/// A contract over phone sales, with this analysis and no columns of origin.
pub(crate) fn contract(analysis: Value) -> Contract {
    parse(json!({
        "name": "phones",
        "title": "Phone sales",
        "schema": {
            "fields": [
                {"name": "date", "type": "date"},
                {"name": "model", "type": "string"},
                {"name": "price", "type": "number"},
                {"name": "buyer", "type": "string"},
            ],
            "missingValues": ["", "N/A"],
        },
        "gristmill": {"provenance": [], "personal": ["buyer"], "analysis": analysis},
    }))
}

/// The analysis that most tests use.
pub(crate) fn usual() -> Value {
    json!({
        "measures": [{"field": "price", "unit": "USD"}],
        "dimensions": ["model", "buyer"],
        "segments": [{"name": "price_segment", "measure": "price", "bands": [
            {"label": "budget", "below": 500}, {"label": "mid-range", "up_to": 1000}, {"label": "flagship"},
        ]}],
        "time": {"field": "date", "period": "month"},
        "flags": [{"name": "dear", "formula": "price > 2000", "severity": "high"}],
        "questions": ["Which models are bought most often?"],
    })
}

pub(crate) fn parse(descriptor: Value) -> Contract {
    Contract::parse(descriptor.to_string().as_bytes())
        .unwrap_or_else(|broken| panic!("{:?}", broken.problems))
}

/// What a survey finds in a file.
pub(crate) fn survey(contract: &Contract, csv: &str) -> Findings {
    let mut survey = Survey::new(contract, b',');
    survey.push(csv.as_bytes()).unwrap();
    survey.finish().unwrap()
}

/// A file of phone sales: one line a sale, without header.
pub(crate) fn phones(lines: &[&str]) -> String {
    format!("date,model,price,buyer\n{}\n", lines.join("\n"))
}

/// The values of the facts of a kind, each with what it is about and its place.
pub(crate) fn told(findings: &Findings, kind: FactKind) -> Vec<String> {
    let tell = |fact: &Fact| {
        let mut parts: Vec<String> = fact.measure.iter().cloned().collect();
        parts.extend(fact.subject.iter().map(|(name, value)| format!("{name}={value}")));
        let rank = fact.rank.map(|rank| format!(" #{rank}")).unwrap_or_default();
        format!("{}: {} of {}{rank}", parts.join(" "), fact.value.0, fact.of)
    };
    findings.facts.iter().filter(|fact| fact.kind == kind).map(tell).collect()
}
