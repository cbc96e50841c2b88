use serde_json::{Value, json};
use shared::contract::Contract;

use super::super::testing::{manifest, sales};
use super::*;
use crate::facts::Findings;
use crate::facts::testing::{contract, parse, phones, survey, usual};

/// The whole report, a line an item.
fn report(contract: &Contract, findings: &Findings, manifest: &Manifest) -> String {
    let narrative = narrate(&Material { contract, manifest, findings });
    let mut lines = vec![narrative.summary];
    let insights = narrative.insights.iter();
    lines.extend(
        insights.map(|i| format!("{} ({}): {} {:?}", i.kind, i.confidence.as_str(), i.description, i.facts)),
    );
    let anomalies = narrative.anomalies.iter();
    lines.extend(
        anomalies.map(|a| format!("! {} ({}): {} {:?}", a.kind, a.severity.as_str(), a.description, a.facts)),
    );
    let recommendations = narrative.recommendations.iter();
    lines.extend(
        recommendations
            .map(|r| format!("> {} ({}): {} {:?}", r.category, r.priority.as_str(), r.action, r.facts)),
    );
    lines.join("\n")
}

fn of(analysis: Value, csv: &str) -> String {
    let contract = contract(analysis);
    let findings = survey(&contract, csv);
    report(&contract, &findings, &manifest(&contract, findings.rows, 0))
}

#[test]
fn a_report_says_what_the_facts_say() {
    let contract = contract(usual());
    let findings = survey(&contract, &sales());
    insta::assert_snapshot!(report(&contract, &findings, &manifest(&contract, findings.rows, 2)), @r#"
    Phone sales: 44 of 46 rows follow the contract and were analysed; 2 were rejected. Price: 31,868 USD in all, about 724.27 USD on average. Y28 is the most frequent model: 24 of 44 rows (54.5%). The most frequent price segment is budget: 24 of 44 rows (54.5%). 10 of 44 rows (22.7%) are flagged: dear.
    top_group (medium): Y28 is the most frequent model: 24 of 44 rows (54.5%). Find X and P4 Pro follow with 10 each. ["f9", "f10", "f11", "f1"]
    top_group (medium): Ann is the only buyer: 44 of 44 rows (100%). ["f18", "f1"]
    top_group_sum (low): Find X has the largest sum of price of any model: 21,000 USD of 31,868 USD. P4 Pro comes second with 8,000 USD. ["f12", "f2", "f13", "f1"]
    segment_performance (medium): By price segment, budget has the most rows: 24 of 44 rows (54.5%); mid-range and flagship follow with 10 each. ["f21", "f24", "f27", "f1"]
    segment_performance (low): By sum of price, the first price segment is flagship: 21,000 USD of 31,868 USD. Mid-range is next with 8,000 USD. ["f28", "f25", "f2", "f1"]
    measure (medium): Price: 31,868 USD in all over 44 rows, about 724.27 USD on average, with a median of 119.5 USD, from 119.5 USD to 2,100 USD. ["f2", "f3", "f6", "f4", "f5", "f1"]
    trend (medium): 2024-02 is the month with the most rows: 16 of 44 rows (36.4%). Of the whole months, 2024-03 has the fewest: 10. ["f35", "f37", "f1"]
    trend (low): From 2024-02 to 2024-03, the latest whole months, the number of rows fell from 16 to 10. 2024-04 is left out: its rows do not reach its last day. The difference may be chance. ["f35", "f37", "f39", "f1"]
    ! flag (high): 10 of 44 rows (22.7%) are flagged: dear. ["f41"]
    ! data_quality (low): 2 of 46 rows were rejected. The most frequent reasons: type-error in price (twice), missing-cell (once) and constraint-error in model (once). []
    > price_segment (low): For budget (below 500 USD), put Y28 first: it is the only model there, with 24 of 24 rows. The numbers are small: take it as a hint. ["f30"]
    > price_segment (low): For mid-range (from 500 up to 1,000 USD), put P4 Pro first: it is the only model there, with 10 of 10 rows. The numbers are small: take it as a hint. ["f31"]
    > price_segment (low): For flagship (above 1,000 USD), put Find X first: it is the only model there, with 10 of 10 rows. The numbers are small: take it as a hint. ["f32"]
    > data_quality (low): Correct the rejected rows in the rejected file and drop that file again. Most is to do in price (2 problems) and model (1 problem). []
    "#);
}

#[test]
fn a_single_row_is_told_in_the_singular() {
    insta::assert_snapshot!(of(usual(), &phones(&["2024-01-01,Y28,119,Ann"])), @r#"
    Phone sales: the only row follows the contract and was analysed. Price: 119 USD. The most frequent price segment is budget: 1 of 1 row.
    segment_performance (low): By price segment, budget has the most rows: 1 of 1 row. No row falls in mid-range or flagship. ["f13", "f16", "f17", "f1"]
    measure (low): Price: 119 USD in every row that has a value (1 row). ["f4", "f5", "f1"]
    "#);
}

#[test]
fn a_place_that_may_be_shared_is_not_given_to_one() {
    let lines: Vec<String> = (0..80).map(|n| format!("2024-01-01,m{:02},1,b", n % 40)).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    insta::assert_snapshot!(of(json!({"dimensions": ["model"]}), &phones(&lines)), @r#"
    Phone sales: all 80 rows follow the contract and were analysed. m00, m01, m02 and others share the first place for model: 2 of 80 rows (2.5%) each.
    top_group (low): m00, m01, m02 and others share the first place for model: 2 of 80 rows (2.5%) each. The numbers are small and close to each other: the order may be chance. ["f2", "f3", "f4", "f1"]
    ! duplicates (medium): 40 of 80 rows repeat an earlier row in every column. ["f22"]
    "#);
}

#[test]
fn no_group_is_the_most_frequent_when_none_repeats() {
    insta::assert_snapshot!(
        of(json!({"dimensions": ["model"]}), &phones(&["2024-01-01,a,1,b", "2024-01-01,b,1,b"])), @r#"
    Phone sales: both rows follow the contract and were analysed.
    top_group (low): No model occurs in more than one row. ["f2", "f1"]
    "#
    );
}

#[test]
fn temperatures_are_not_added_up() {
    let contract = parse(json!({
        "name": "health", "title": "Health metrics",
        "schema": {"fields": [{"name": "temp_c", "type": "number"}]},
        "gristmill": {"provenance": [], "analysis": {
            "measures": [{"field": "temp_c", "unit": "°C"}],
            "flags": [
                {"name": "fever", "formula": "temp_c > 38.0", "severity": "medium"},
                {"name": "high fever", "formula": "temp_c > 40.0", "severity": "high"},
            ],
        }},
    }));
    let findings = survey(&contract, "temp_c\n36.5\n37.25\n40.1\n");
    insta::assert_snapshot!(report(&contract, &findings, &manifest(&contract, 3, 0)), @r#"
    Health metrics: all 3 rows follow the contract and were analysed. Temp c: 37.95 °C on average. 1 of 3 rows is flagged: high fever.
    measure (low): Temp c: 37.95 °C on average over 3 rows, with a median of 37.25 °C, from 36.5 °C to 40.1 °C. ["f3", "f6", "f4", "f5", "f1"]
    ! flag (high): 1 of 3 rows is flagged: high fever. ["f8"]
    ! flag (medium): 1 of 3 rows is flagged: fever. ["f7"]
    "#);
}

#[test]
fn nothing_is_said_of_rows_that_are_not_there() {
    let contract = contract(usual());
    let findings = Findings::nothing();
    insta::assert_snapshot!(report(&contract, &findings, &manifest(&contract, 0, 20)), @r#"
    Phone sales: all 20 rows were rejected, so there is nothing to analyse. The most frequent reason is type-error in price (20 times).
    ! data_quality (high): 20 of 20 rows were rejected. The most frequent reasons: type-error in price (20 times), missing-cell (once) and constraint-error in model (once). []
    > data_quality (high): Correct the rejected rows in the rejected file and drop that file again. Most is to do in price (20 problems) and model (1 problem). []
    "#);
    insta::assert_snapshot!(report(&contract, &findings, &manifest(&contract, 0, 0)), @"Phone sales: the file has a header and no rows, so there is nothing to analyse.");
}

#[test]
fn a_profiled_file_is_not_said_to_follow_a_contract() {
    let contract = contract(usual());
    let findings = survey(&contract, &sales());
    let mut manifest = manifest(&contract, findings.rows, 1);
    manifest.contract.inferred = true;
    insta::assert_snapshot!(headline(&Material { contract: &contract, manifest: &manifest, findings: &findings }), @"Phone sales: no contract fits this file, so 44 rows were analysed without its rules; 1 was rejected.");
}

#[test]
fn a_name_from_the_data_cannot_hide_characters_in_a_sentence() {
    let text = of(json!({"dimensions": ["model"]}), &phones(&["2024-01-01,Y\u{202e}28\u{200b},1,b"; 2]));
    assert!(text.contains("Y28 is the only model"), "{text}");
}

#[test]
fn what_was_left_out_is_part_of_the_report() {
    let contract = contract(usual());
    let findings = survey(&contract, "model\na\na\n");
    let text = report(&contract, &findings, &manifest(&contract, 2, 0));
    assert!(text.contains("coverage (high): The file has no column price"), "{text}");
}

#[test]
fn a_recommendation_for_a_segment_stays_within_its_bounds() {
    let contract = contract(usual());
    let findings = survey(&contract, &sales());
    let manifest = manifest(&contract, findings.rows, 0);
    let material = Material { contract: &contract, manifest: &manifest, findings: &findings };
    let advised = narrate(&material).recommendations;
    let within = |label: &str| advised.iter().find(|r| r.action.contains(label)).unwrap();
    assert!(
        within("below 500 USD").action.contains("Y28") && !within("below 500 USD").action.contains("Find X")
    );
    for recommendation in advised.iter().filter(|r| r.category == "price_segment") {
        for id in &recommendation.facts {
            let fact = findings.facts.iter().find(|f| f.id == *id).unwrap();
            assert!(
                fact.subject.contains_key("price_segment") && fact.subject.contains_key("model"),
                "{fact:?}"
            );
        }
    }
}

#[test]
fn every_citation_is_a_fact_of_the_report() {
    let contract = contract(usual());
    let findings = survey(&contract, &sales());
    let manifest = manifest(&contract, findings.rows, 3);
    let narrative = narrate(&Material { contract: &contract, manifest: &manifest, findings: &findings });
    let cited = narrative.insights.iter().flat_map(|i| &i.facts);
    let cited = cited.chain(narrative.anomalies.iter().flat_map(|a| &a.facts));
    for id in cited.chain(narrative.recommendations.iter().flat_map(|r| &r.facts)) {
        assert!(findings.facts.iter().any(|f| f.id == *id), "{id}");
    }
    assert!(narrative.insights.iter().all(|i| !i.facts.is_empty()));
}

#[test]
fn a_lead_is_clear_when_chance_would_rarely_make_it() {
    let fact = |count: u64| Fact {
        value: count.into(),
        ..survey(&contract(json!({})), "model\na\n").facts[0].clone()
    };
    assert_eq!(sureness_of_lead(717, &fact(10), Some(&fact(9))), Level::Low);
    assert_eq!(sureness_of_lead(717, &fact(129), Some(&fact(123))), Level::Medium);
    assert_eq!(sureness_of_lead(717, &fact(286), Some(&fact(222))), Level::High);
    assert_eq!(sureness_of_lead(29, &fact(28), Some(&fact(1))), Level::Low);
}
