use serde_json::json;

use super::super::super::testing::{manifest, sales};
use super::super::prompt;
use super::*;
use crate::facts::testing::{contract, survey, usual};
use shared::facts::Fact;

/// Checks a sentence against the facts that `cites` picks.
fn check(text: &str, cites: impl Fn(&Fact) -> bool) -> Result<(), Withheld> {
    let contract = contract(usual());
    let findings = survey(&contract, &sales());
    let manifest = manifest(&contract, findings.rows, 0);
    let material = Material { contract: &contract, manifest: &manifest, findings: &findings };
    let shown = prompt::shown(&material);
    let cited: Vec<String> =
        findings.facts.iter().filter(|f| cites(f)).map(|f| f.id.clone()).take(20).collect();
    Grounding::new(&material, &shown).check(text, &cited)
}

fn model(name: &'static str) -> impl Fn(&Fact) -> bool {
    move |fact| {
        fact.kind == FactKind::GroupCount
            && fact.subject.len() == 1
            && fact.subject.get("model").map(String::as_str) == Some(name)
    }
}

fn measure(fact: &Fact) -> bool {
    fact.measure.is_some() && fact.subject.is_empty()
}

#[test]
fn a_sentence_that_says_what_its_facts_say_stands() {
    for text in [
        "Y28 is the most frequent model: 24 of 44 rows.",
        "The model Y28 has 24 rows, 54.5% of all.",
        "The model Y28 is in 24 of the 44 rows, at rank 1.",
        "The most frequent model is y28.",
    ] {
        assert_eq!(check(text, model("Y28")), Ok(()), "{text}");
    }
    for text in [
        "The price adds up to 31,868 USD.",
        "The mean price is about 724.3 USD, over 44 rows.",
        "The price ranges from 119.5 to 2,100 USD.",
    ] {
        assert_eq!(check(text, measure), Ok(()), "{text}");
    }
}

#[test]
fn a_wrong_number_is_withheld() {
    for text in [
        "The model Y28 has 23 rows.",
        "The model Y28 has 51% of the rows.",
        "The model Y28 has twenty rows.",
        "The model Y28 has 2 times the rows.",
        "The model Y28 has 24k rows.",
        "The model Y28 has 2,4 rows.",
        "The model Y28 has -24 rows.",
        "The model Y28 makes up half of the rows.",
        "The model Y28 has three rows.",
        // Its rank and its total are numbers of the fact, but not these ones.
        "The model Y28 has 1 row.",
        "The model Y28 sold 44.",
        "The model Y28 has ²⁴ rows.",
        "The model Y28 has ２４ rows.",
    ] {
        assert_eq!(check(text, model("Y28")), Err(Withheld::Number), "{text}");
    }
}

#[test]
fn an_invented_name_is_withheld() {
    for text in [
        "Nokia is the most frequent model.",
        "The most frequent model is Lumia Ultra.",
        "The model P4 Pro is the most frequent.",
        "The most frequent model is find x.",
        "Y28 leads, ahead of Galaxy.",
    ] {
        assert_eq!(check(text, model("Y28")), Err(Withheld::Name), "{text}");
    }
}

#[test]
fn a_personal_value_is_withheld_even_if_guessed() {
    assert_eq!(check("The buyer of Y28 is Ann.", model("Y28")), Err(Withheld::Name));
    assert_eq!(check("The buyer is Ann.", |f| f.subject.contains_key("buyer")), Err(Withheld::UnknownFact));
}

#[test]
fn a_group_outside_its_segment_is_withheld() {
    let any = |f: &Fact| {
        f.kind == FactKind::GroupCount && !f.subject.contains_key("buyer") || f.kind == FactKind::SegmentCount
    };
    assert_eq!(check("For budget, put Y28 first.", any), Ok(()));
    assert_eq!(check("For flagship, put Y28 first.", any), Err(Withheld::OutsideSegment));
    assert_eq!(check("For mid-range, put Find X first.", any), Err(Withheld::OutsideSegment));
}

#[test]
fn markup_links_and_hidden_characters_are_withheld() {
    let long = "a".repeat(1_201);
    for text in [
        "The model is <b>Y28</b>.",
        "See www.example.org for the model.",
        "See example.com for the model.",
        "See http://x for the model.",
        "Write to a@b for the model.",
        "The [model](x) is Y28.",
        "The `model` is Y28.",
        "The model is\nY28.",
        "The model is \u{202e}Y28.",
        "The model is Y\u{200b}28.",
        "",
        &long,
    ] {
        assert_eq!(check(text, model("Y28")), Err(Withheld::Unpresentable), "{text}");
    }
    assert_eq!(check("The model leads.", |_| false), Err(Withheld::Unpresentable));
}

#[test]
fn a_longer_name_is_not_taken_for_a_shorter_one() {
    let contract = contract(json!({"dimensions": ["model"]}));
    let findings = survey(&contract, "model\niPhone 15\niPhone 15\niPhone 15 Pro Max\n");
    let manifest = manifest(&contract, 3, 0);
    let material = Material { contract: &contract, manifest: &manifest, findings: &findings };
    let shown = prompt::shown(&material);
    let grounding = Grounding::new(&material, &shown);
    let cited =
        findings.facts.iter().find(|f| f.subject.get("model").is_some_and(|m| m == "iPhone 15")).unwrap();
    let check = |text: &str| grounding.check(text, std::slice::from_ref(&cited.id));
    assert_eq!(check("The model iPhone 15 has 2 of 3 rows."), Ok(()));
    assert_eq!(check("The model iPhone 15 Pro Max has 2 of 3 rows."), Err(Withheld::Name));
    assert_eq!(check("The model iPhone 16 has 2 of 3 rows."), Err(Withheld::Number));
}

proptest::proptest! {
    #[test]
    fn no_text_upsets_the_check(text in "\\PC{0,80}", digits in "[0-9,.%-]{1,12}") {
        let _ = check(&text, measure);
        let _ = check(&format!("The model {digits} \u{fffc} {text}"), model("Y28"));
    }

    #[test]
    fn only_the_right_number_stands(number in 0_u32..2_000) {
        let stands = check(&format!("The model Y28 has {number} rows."), model("Y28")).is_ok();
        proptest::prop_assert_eq!(stands, number == 24);
    }
}

#[test]
fn the_built_in_narrator_would_stand_the_check_too() {
    let mut analysis = usual();
    analysis["dimensions"] = json!(["model"]);
    let contract = contract(analysis);
    let findings = survey(&contract, &sales());
    let manifest = manifest(&contract, findings.rows, 0);
    let material = Material { contract: &contract, manifest: &manifest, findings: &findings };
    let shown = prompt::shown(&material);
    let grounding = Grounding::new(&material, &shown);
    for insight in super::super::super::built_in::narrate(&material).insights {
        assert_eq!(grounding.check(&insight.description, &insight.facts), Ok(()), "{}", insight.description);
    }
}
