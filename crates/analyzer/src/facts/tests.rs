use proptest::prelude::*;
use serde_json::json;
use shared::facts::FactKind;

use super::testing::{contract, parse, phones, survey, told, usual};
use super::*;

const SALES: &[&str] = &[
    "2024-01-01,Y28,119,Ann",
    "2024-01-15,Y28,499.99,Ben",
    "2024-02-29,P4 Pro,500,Ann",
    "2024-02-01,P4 Pro,1000,Cid",
    "2024-03-31,\"Find, N2\",1000.01,Ann",
    "2024-03-02,Y28,2799,Ann",
];

#[test]
fn a_measure_is_added_up_exactly() {
    let findings = survey(&contract(usual()), &phones(SALES));
    let one = |kind| told(&findings, kind);
    assert_eq!(one(FactKind::RowCount), [": 6 of 6"]);
    assert_eq!(one(FactKind::Sum), ["price: 5918 of 6"]);
    assert_eq!(one(FactKind::Mean), ["price: 986.333333 of 6"]);
    assert_eq!(one(FactKind::Median), ["price: 750 of 6"]);
    assert_eq!(one(FactKind::Min), ["price: 119 of 6"]);
    assert_eq!(one(FactKind::Max), ["price: 2799 of 6"]);
    // Percentiles of six values would only repeat the extremes.
    assert_eq!(one(FactKind::Quantile), [""; 0]);
}

#[test]
fn facts_have_units_and_ids_in_order() {
    let findings = survey(&contract(usual()), &phones(SALES));
    let ids: Vec<_> = findings.facts.iter().map(|f| f.id.clone()).collect();
    assert_eq!(ids, (1..=findings.facts.len()).map(|n| format!("f{n}")).collect::<Vec<_>>());
    let unit = |kind| findings.facts.iter().find(|f| f.kind == kind).unwrap().unit.clone();
    assert_eq!(unit(FactKind::RowCount).as_deref(), Some("rows"));
    assert_eq!(unit(FactKind::GroupSum).as_deref(), Some("USD"));
}

#[test]
fn groups_are_ranked_and_ties_share_a_place() {
    let findings = survey(&contract(usual()), &phones(&[SALES, &["2024-03-01,Find X,1,Cid"]].concat()));
    let models: Vec<_> =
        told(&findings, FactKind::GroupCount).into_iter().filter(|t| t.starts_with("model")).collect();
    assert_eq!(
        models[..4],
        [
            "model=Y28: 3 of 7 #1",
            "model=P4 Pro: 2 of 7 #2",
            "model=Find X: 1 of 7 #3",
            "model=Find, N2: 1 of 7 #3"
        ]
    );
    assert!(findings.dimensions[0].complete);
}

#[test]
fn groups_have_sums_and_means_of_their_own() {
    let findings = survey(&contract(usual()), &phones(SALES));
    let of_models =
        |kind| told(&findings, kind).into_iter().filter(|t| t.contains("model")).collect::<Vec<_>>();
    assert_eq!(
        of_models(FactKind::GroupSum),
        [
            "price model=Y28: 3417.99 of 3 #1",
            "price model=P4 Pro: 1500 of 2 #2",
            "price model=Find, N2: 1000.01 of 1 #3"
        ]
    );
    assert_eq!(
        of_models(FactKind::GroupMean),
        [
            "price model=Y28: 1139.33 of 3 #1",
            "price model=Find, N2: 1000.01 of 1 #2",
            "price model=P4 Pro: 750 of 2 #3"
        ]
    );
}

#[test]
fn groups_are_cut_but_ranked_over_all() {
    // 12 models with 3, then 2, then ten times 1 row: the cut goes through the ties, which are kept.
    let mut lines = vec!["2024-01-01,top,1,A"; 3];
    lines.extend(["2024-01-01,second,1,A"; 2]);
    let singles: Vec<String> = (0..25).map(|n| format!("2024-01-01,m{n:02},9{n:02},A")).collect();
    lines.extend(singles.iter().map(String::as_str));
    let findings = survey(&contract(usual()), &phones(&lines));
    let models: Vec<_> = told(&findings, FactKind::GroupCount)
        .into_iter()
        .filter(|t| t.starts_with("model") && !t.contains("price_segment"))
        .collect();
    assert_eq!(models.len(), 20);
    assert_eq!(models[2], "model=m00: 1 of 30 #3");
    assert!(!findings.dimensions[0].complete);
    // The largest sums are named though their groups are rare.
    let sums = told(&findings, FactKind::GroupSum);
    assert_eq!(sums[0], "price model=m24: 924 of 1 #1");
    assert!(sums.contains(&"price model=top: 3 of 3 #26".to_owned()), "{sums:?}");
}

#[test]
fn bands_take_their_edges_as_the_contract_says() {
    let findings = survey(&contract(usual()), &phones(SALES));
    assert_eq!(
        told(&findings, FactKind::SegmentCount),
        [
            "price_segment=budget: 2 of 6 #1",
            "price_segment=mid-range: 2 of 6 #1",
            "price_segment=flagship: 2 of 6 #1"
        ]
    );
    assert_eq!(
        told(&findings, FactKind::SegmentSum),
        [
            "price price_segment=budget: 618.99 of 2",
            "price price_segment=mid-range: 1500 of 2",
            "price price_segment=flagship: 3799.01 of 2"
        ]
    );
}

#[test]
fn an_empty_band_is_told_of() {
    let findings = survey(&contract(usual()), &phones(&SALES[..2]));
    let counts = told(&findings, FactKind::SegmentCount);
    assert_eq!(counts[2], "price_segment=flagship: 0 of 2 #2");
    assert_eq!(told(&findings, FactKind::SegmentMean).len(), 1);
}

#[test]
fn the_first_dimension_is_counted_within_each_band() {
    let findings = survey(&contract(usual()), &phones(SALES));
    let within: Vec<_> =
        told(&findings, FactKind::GroupCount).into_iter().filter(|t| t.contains("price_segment")).collect();
    assert_eq!(
        within,
        [
            "model=Y28 price_segment=budget: 2 of 2 #1",
            "model=P4 Pro price_segment=mid-range: 2 of 2 #1",
            "model=Find, N2 price_segment=flagship: 1 of 2 #1",
            "model=Y28 price_segment=flagship: 1 of 2 #1"
        ]
    );
}

#[test]
fn missing_values_are_counted_and_left_out() {
    let findings =
        survey(&contract(usual()), &phones(&["2024-01-01,N/A,,A", ",Y28, 5 ,A", "2024-01-01,  ,7,"]));
    assert_eq!(
        told(&findings, FactKind::NullCount),
        ["field=date: 1 of 3", "field=model: 2 of 3", "field=price: 1 of 3", "field=buyer: 1 of 3"]
    );
    assert_eq!(told(&findings, FactKind::Sum), ["price: 12 of 2"]);
    assert_eq!(told(&findings, FactKind::GroupCount)[0], "model=Y28: 1 of 3 #1");
    assert_eq!(told(&findings, FactKind::TrendCount), ["date=2024-01: 2 of 3 #1"]);
}

#[test]
fn fields_are_found_whatever_their_order_and_case() {
    let findings = survey(&contract(usual()), "PRICE, Model ,extra\n3,a,x\n4,a,y\n");
    assert_eq!(told(&findings, FactKind::Sum), ["price: 7 of 2"]);
    assert_eq!(told(&findings, FactKind::GroupCount)[0], "model=a: 2 of 2 #1");
    // A column that the file does not have is missing in every row.
    assert_eq!(told(&findings, FactKind::NullCount), ["field=date: 2 of 2", "field=buyer: 2 of 2"]);
}

#[test]
fn derived_columns_are_measures_and_origin_is_no_part_of_a_record() {
    let contract = parse(json!({
        "name": "orders",
        "schema": {"fields": [{"name": "quantity", "type": "integer"}, {"name": "unit_price", "type": "number"}]},
        "gristmill": {
            "derive": [{"name": "total", "formula": "quantity * unit_price"}],
            "provenance": ["source_row", "run_id"],
            "analysis": {
                "measures": ["total"],
                "flags": [{"name": "large", "formula": "total >= 10 and quantity > 1", "severity": "low"}],
            },
        },
    }));
    let csv = "quantity,unit_price,total,source_row,run_id\n2,5,10,1,r\n2,5,10,2,r\n1,11,11,3,r\n2,2,4,4,r\n";
    let findings = survey(&contract, csv);
    assert_eq!(told(&findings, FactKind::Sum), ["total: 35 of 4"]);
    assert_eq!(told(&findings, FactKind::FlagCount), ["flag=large: 2 of 4"]);
    assert_eq!(told(&findings, FactKind::DuplicateCount), [": 1 of 4"]);
}

#[test]
fn the_same_bytes_in_other_cells_are_another_record() {
    let findings = survey(&contract(json!({})), "date,model,price,buyer\n,ab,1,\n,a,1,b\n,a,1,b\n");
    assert_eq!(told(&findings, FactKind::DuplicateCount), [": 1 of 3"]);
}

#[test]
fn the_trend_has_counts_and_sums_by_period() {
    let findings = survey(&contract(usual()), &phones(SALES));
    assert_eq!(
        told(&findings, FactKind::TrendCount),
        ["date=2024-01: 2 of 6 #1", "date=2024-02: 2 of 6 #1", "date=2024-03: 2 of 6 #1"]
    );
    assert_eq!(told(&findings, FactKind::TrendSum)[2], "price date=2024-03: 3799.01 of 2");
    let time = findings.time.unwrap();
    assert!(time.first_whole && time.last_whole && !time.gaps);
}

#[test]
fn a_long_trend_keeps_its_end_and_its_extremes() {
    let contract = contract(json!({"time": {"field": "date", "period": "day"}}));
    let mut lines = Vec::new();
    for month in 1..=6 {
        for day in 1..=28 {
            let times = if (month, day) == (1, 9) { 5 } else { 2 };
            lines.extend(vec![format!("2024-{month:02}-{day:02},m,1,b"); times]);
        }
    }
    lines.push("2024-01-30,m,1,b".to_owned());
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let findings = survey(&contract, &phones(&lines));
    let trend = told(&findings, FactKind::TrendCount);
    assert_eq!(trend.len(), 62);
    assert!(trend[0].starts_with("date=2024-01-09: 5 "), "{}", trend[0]);
    assert!(trend[1].starts_with("date=2024-01-30: 1 "), "{}", trend[1]);
}

#[test]
fn a_dimension_with_too_many_values_is_left_out_with_a_note() {
    let contract = contract(json!({"dimensions": ["model"]}));
    let mut survey = Survey::new(&contract, b',');
    survey.push(b"model,price\n").unwrap();
    for n in 0..=groups::MAX_GROUPS {
        survey.push(format!("m{n},1\n").as_bytes()).unwrap();
    }
    let findings = survey.finish().unwrap();
    assert_eq!(told(&findings, FactKind::GroupCount), [""; 0]);
    assert!(findings.dimensions.is_empty());
    assert!(findings.notes[0].starts_with("The values of model were not counted"), "{:?}", findings.notes);
}

#[test]
fn a_cell_that_is_no_number_is_noted_and_not_guessed() {
    let findings = survey(&contract(usual()), &phones(&["2024-01-01,a,x,b", "2024-01-01,a,1e3,b"]));
    assert_eq!(told(&findings, FactKind::Sum), ["price: 1000 of 1"]);
    assert_eq!(findings.notes, ["1 cell of price holds no number and is not part of its figures."]);
}

#[test]
fn a_long_name_is_cut_between_two_characters() {
    let name = "é".repeat(200);
    let findings = survey(&contract(usual()), &phones(&[&format!("2024-01-01,{name},1,b")]));
    let shown = &findings.facts.iter().find(|f| f.kind == FactKind::GroupCount).unwrap().subject["model"];
    assert_eq!(shown, &format!("{}…", "é".repeat(60)));
}

#[test]
fn the_facts_of_a_wide_contract_fit_into_a_record() {
    let fields: Vec<_> = (0..40)
        .flat_map(|n| {
            [
                json!({"name": format!("d{n}"), "type": "string"}),
                json!({"name": format!("m{n}"), "type": "number"}),
            ]
        })
        .collect();
    let names = |prefix: &str| (0..40).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>();
    let contract = parse(json!({
        "name": "wide", "schema": {"fields": fields},
        "gristmill": {"provenance": [], "analysis": {"dimensions": names("d"), "measures": names("m")}},
    }));
    let header: Vec<String> = contract.fields.iter().map(|f| f.name.clone()).collect();
    let mut csv = header.join(",") + "\n";
    for row in 0..30 {
        let cells: Vec<String> = (0..40).map(|n| format!("{}{},{row}", "x".repeat(60), n + row)).collect();
        csv += &(cells.join(",") + "\n");
    }
    let findings = survey(&contract, &csv);
    assert!(serde_json::to_string(&findings.facts).unwrap().len() < 200_000);
    assert!(
        findings.notes.iter().any(|n| n == "There is no room in the record for sums and means by group.")
    );
    assert_eq!(told(&findings, FactKind::Sum).len(), 40);
}

#[test]
fn a_file_that_the_processor_would_not_write_is_refused() {
    let contract = contract(usual());
    let mut ragged = Survey::new(&contract, b',');
    assert_eq!(ragged.push(b"a,b\n1\n"), Err(TableError::Ragged { record: 1, found: 1, expected: 2 }));
    assert_eq!(Survey::new(&contract, b',').finish(), Err(TableError::NoHeader));
}

#[test]
fn other_delimiters_are_read() {
    let contract = contract(usual());
    let mut survey = Survey::new(&contract, b';');
    survey.push(b"model;price\n\"a;b\";3\n").unwrap();
    assert_eq!(told(&survey.finish().unwrap(), FactKind::GroupCount)[0], "model=a;b: 1 of 1 #1");
}

proptest! {
    #[test]
    fn cuts_change_nothing(
        rows in prop::collection::vec(("2024-0[1-9]-1[0-9]", "[ab]( \"\"[\n,])?", "-?[0-9]{1,5}(\\.[0-9]{1,2})?"), 0..30),
        cuts in prop::collection::vec(0_usize..400, 0..12),
    ) {
        let contract = contract(usual());
        let mut csv = String::from("date,model,price,buyer\n");
        for (date, model, price) in &rows {
            csv += &format!("{date},\"{model}\",{price},x\n");
        }
        let whole = survey(&contract, &csv);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (csv.len() + 1)).collect();
        cuts.extend([0, csv.len()]);
        cuts.sort_unstable();
        let mut survey = Survey::new(&contract, b',');
        for pair in cuts.windows(2) {
            survey.push(&csv.as_bytes()[pair[0]..pair[1]]).unwrap();
        }
        let cut = survey.finish().unwrap();
        prop_assert_eq!(cut.rows, u64::try_from(rows.len()).unwrap());
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn sums_and_counts_agree_with_a_slow_way(prices in prop::collection::vec(-1_000_000_i64..1_000_000, 1..60)) {
        let contract = contract(usual());
        let mut csv = String::from("model,price\n");
        for price in &prices {
            csv += &format!("m{},{}\n", price.rem_euclid(7), rust_decimal::Decimal::new(*price, 2));
        }
        let findings = survey(&contract, &csv);
        let sum = rust_decimal::Decimal::new(prices.iter().sum(), 2).normalize();
        let value = |kind| findings.facts.iter().find(|f| f.kind == kind).map(|f| f.value.0);
        prop_assert_eq!(value(FactKind::Sum), Some(sum));
        let mut sorted = prices.clone();
        sorted.sort_unstable();
        let middle = (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) * 5;
        prop_assert_eq!(value(FactKind::Median), Some(rust_decimal::Decimal::new(middle, 3).normalize()));
        let counted: rust_decimal::Decimal = findings
            .facts
            .iter()
            .filter(|f| f.kind == FactKind::GroupCount && f.subject.len() == 1 && f.subject.contains_key("model"))
            .map(|f| f.value.0)
            .sum();
        prop_assert_eq!(counted, rust_decimal::Decimal::from(prices.len()));
    }
}
