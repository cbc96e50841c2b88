use proptest::prelude::*;

use super::*;
use crate::rows::{Layout, Reader, Step};
use crate::violation::FileCode;

const EVERYTHING: &str = r#"{
    "name": "everything",
    "schema": {
        "missingValues": ["", "N/A"],
        "fields": [
            {"name": "id", "type": "string", "constraints": {"required": true, "unique": true}},
            {"name": "name", "type": "string", "constraints": {"minLength": 2, "maxLength": 5}},
            {"name": "code", "type": "string", "constraints": {"pattern": "[A-Z]{2}\\d+"}},
            {"name": "region", "type": "string", "constraints": {"required": true, "enum": ["Africa", "Asia", "Oceania", "EU"]}},
            {"name": "count", "type": "integer", "constraints": {"minimum": 1, "maximum": 32}},
            {"name": "price", "type": "number", "constraints": {"exclusiveMinimum": 0, "maximum": 10000}},
            {"name": "rate", "type": "number", "constraints": {"minimum": 0.5, "exclusiveMaximum": 99.95}},
            {"name": "sold", "type": "boolean"},
            {"name": "day", "type": "date", "constraints": {"minimum": "2024-01-01"}},
            {"name": "any_day", "type": "date"},
            {"name": "at", "type": "time"},
            {"name": "stamp", "type": "datetime"},
            {"name": "year", "type": "year"},
            {"name": "late_year", "type": "year", "constraints": {"minimum": 2000}},
            {"name": "note", "type": "any"},
            {"name": "low", "type": "number"},
            {"name": "high", "type": "number"}
        ]
    },
    "checks": [{"type": "row-constraint", "formula": "low <= high"}]
}"#;

fn labels(contract: &Contract) -> Vec<String> {
    contract.fields.iter().map(|field| field.name.clone()).collect()
}

fn plan(text: &str) -> Plan {
    let contract = Contract::parse(text.as_bytes()).unwrap();
    Plan::new(&contract, &labels(&contract), &Limits::STANDARD).unwrap()
}

/// Judges the lines of a file without a header; each as `column code: reason`.
fn judge(plan: &Plan, keys: &mut Keys, text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = Reader::with_block(Layout::default(), Limits::STANDARD, text.len() + 8);
    // A header, so that rows are counted from 1.
    let bytes = [b"h\n", text].concat();
    reader.space()[..bytes.len()].copy_from_slice(&bytes);
    reader.filled(bytes.len());
    reader.filled(0);
    let mut findings = Findings::default();
    let mut all = Vec::new();
    loop {
        match reader.next_record() {
            Step::Record(record) if record.number == 0 => {}
            Step::Record(record) => {
                let quick = plan.accepts(&record);
                let good = plan.judge(&record, keys, &mut findings).unwrap();
                assert!(!quick || good || !plan.keys.is_empty(), "accepted at first sight, but {findings:?}");
                let words = |finding: Finding<'_>| {
                    format!("{} {}: {}", finding.column.unwrap_or("-"), finding.code, finding.reason)
                };
                all.push(findings.iter().map(words).collect());
            }
            Step::End => return all,
            other => panic!("{other:?}"),
        }
    }
}

const GOOD: [&str; 17] = [
    "a1",
    "Anna",
    "AB12",
    "Asia",
    "7",
    "899.99",
    "0.5",
    "true",
    "2024-05-20",
    "1999-12-31",
    "13:05:00",
    "2024-05-20T13:05:00Z",
    "2024",
    "2001",
    "whatever",
    "1",
    "2",
];

fn with(cells: &[(usize, &str)]) -> Vec<u8> {
    let mut row = GOOD;
    for (index, cell) in cells {
        row[*index] = cell;
    }
    row.join(",").into_bytes()
}

#[test]
fn a_good_row_is_accepted_at_first_sight() {
    let plan = plan(EVERYTHING);
    assert_eq!(judge(&plan, &mut Keys::default(), &with(&[])), [Vec::<String>::new()]);
}

#[test]
fn every_violation_says_what_is_wrong_and_what_would_be_accepted() {
    let plan = plan(EVERYTHING);
    for (column, cell, expected) in [
        (0, "", "id constraint-error: id: a value is required"),
        (0, "N/A", r#"id constraint-error: id: a value is required, but "N/A" stands for none"#),
        (0, "  ", r#"id constraint-error: id: a value is required, but "  " stands for none"#),
        (1, "A", r#"name constraint-error: name: "A" is shorter than 2 characters"#),
        (1, "äöüßéé", r#"name constraint-error: name: "äöüßéé" is longer than 5 characters"#),
        (2, "ab12", r#"code constraint-error: code: "ab12" does not match the pattern [A-Z]{2}\d+"#),
        (3, "Europa", r#"region constraint-error: region: "Europa" is none of: Africa, Asia, Oceania, EU"#),
        (4, "0", r#"count constraint-error: count: "0" is below the minimum 1"#),
        (4, "1.0", r#"count type-error: count: "1.0" is not a whole number; write digits only, such as 12"#),
        (5, "15000", r#"price constraint-error: price: "15000" is above the maximum 10000"#),
        (5, "0", r#"price constraint-error: price: "0" must be above 0"#),
        (6, "99.95", r#"rate constraint-error: rate: "99.95" must be below 99.95"#),
        (
            5,
            "  ",
            r#"price type-error: price: "  " is not a number; write digits with a point if need be, such as 1299.50, without currency signs or thousands separators"#,
        ),
        (7, "yes", r#"sold type-error: sold: "yes" is neither true nor false"#),
        (8, "2023-12-31", r#"day constraint-error: day: "2023-12-31" is below the minimum 2024-01-01"#),
        (
            9,
            "2024-02-30",
            r#"any_day type-error: any_day: "2024-02-30" is not a date that exists, written as YYYY-MM-DD, such as 2024-05-20"#,
        ),
        (12, "24", r#"year type-error: year: "24" is not a year of four digits, such as 2024"#),
        (15, "3", "- row-constraint: the row does not satisfy low <= high (low is 3, high is 2)"),
    ] {
        let found = judge(&plan, &mut Keys::default(), &with(&[(column, cell)]));
        assert_eq!(found, [vec![expected.to_owned()]], "{cell:?}");
    }
    let price = judge(&plan, &mut Keys::default(), &with(&[(5, "$899")])).concat();
    assert!(
        price[0].starts_with(r#"price type-error: price: "$899" is not a number; write digits"#),
        "{price:?}"
    );
}

#[test]
fn all_violations_of_a_row_are_told() {
    let plan = plan(EVERYTHING);
    let found =
        judge(&plan, &mut Keys::default(), &with(&[(0, ""), (3, "x"), (4, "99"), (15, "9")])).concat();
    let codes: Vec<&str> = found.iter().filter_map(|text| text.split(':').next()).collect();
    assert_eq!(
        codes,
        ["id constraint-error", "region constraint-error", "count constraint-error", "- row-constraint"]
    );
}

#[test]
fn optional_cells_may_be_missing() {
    let plan = plan(EVERYTHING);
    let row = b"a1,,,Asia,,,,,,,N/A,,,,,,\n";
    assert_eq!(judge(&plan, &mut Keys::default(), row), [Vec::<String>::new()]);
}

#[test]
fn a_missing_operand_contradicts_no_row_constraint() {
    let plan = plan(EVERYTHING);
    assert_eq!(judge(&plan, &mut Keys::default(), &with(&[(15, "9"), (16, "")])), [Vec::<String>::new()]);
}

#[test]
fn blank_and_ragged_rows() {
    let plan = plan(EVERYTHING);
    let commas = ",".repeat(16);
    for blank in [commas.as_str(), "   ", "\"\"", &format!("\"\"{commas}")] {
        let found = judge(&plan, &mut Keys::default(), blank.as_bytes());
        assert_eq!(
            found,
            [vec!["- blank-row: every cell of the row is empty; remove the row".to_owned()]],
            "{blank:?}"
        );
    }
    let short = judge(&plan, &mut Keys::default(), GOOD[..15].join(",").as_bytes()).concat();
    assert_eq!(
        short,
        [
            "low missing-cell: low: there is no cell for it: the row has 15 cells, the header has 17",
            "high missing-cell: high: there is no cell for it: the row has 15 cells, the header has 17"
        ]
    );
    let long = judge(&plan, &mut Keys::default(), &[with(&[]), b",x".to_vec()].concat()).concat();
    assert_eq!(
        long,
        ["- extra-cell: the row has 18 cells, the header has 17; is a comma or a quote missing or too many?"]
    );
}

#[test]
fn broken_bytes_are_told_by_column_and_the_rest_of_the_row_is_still_checked() {
    let plan = plan(EVERYTHING);
    let mut row = with(&[(1, "ab@d"), (2, "AB\u{7}1"), (14, "\"x\"y"), (4, "99")]);
    let at = row.iter().position(|byte| *byte == b'@').unwrap();
    row[at] = 0xe9;
    let found = judge(&plan, &mut Keys::default(), &row).concat();
    let codes: Vec<&str> = found.iter().filter_map(|text| text.split(':').next()).collect();
    assert_eq!(
        codes,
        [
            "name encoding-error",
            "code control-character",
            "note malformed-quote",
            "code constraint-error",
            "count constraint-error"
        ]
    );
}

#[test]
fn a_value_that_may_occur_once_is_refused_the_second_time_with_its_first_row() {
    let plan = plan(EVERYTHING);
    let rows = [with(&[]), with(&[(0, "b")]), with(&[]), with(&[(0, "\"b\"")])].join(&b'\n');
    let found = judge(&plan, &mut Keys::default(), &rows);
    assert!(found[0].is_empty() && found[1].is_empty());
    assert_eq!(found[2], [r#"id unique-error: id: "a1" stands already in row 1; each value may occur once"#]);
    assert_eq!(found[3], [r#"id unique-error: id: "b" stands already in row 2; each value may occur once"#]);
}

#[test]
fn keys_are_compared_as_values_and_a_composite_key_by_all_its_parts() {
    let plan = plan(
        r#"{"name": "k", "schema": {"primaryKey": ["a", "b"], "fields": [
            {"name": "a", "type": "integer"}, {"name": "b", "type": "string"}]}}"#,
    );
    let found = judge(&plan, &mut Keys::default(), b"1,x\n1,y\n+1,x\n,x\n11,\n1,1\n\"\",\"\"\n,N\n");
    let told: Vec<usize> = found.iter().map(Vec::len).collect();
    assert_eq!(told, [0, 0, 1, 0, 0, 0, 1, 0]);
    assert_eq!(
        found[2],
        [r#"a, b primary-key: a, b: "+1, x" stands already in row 1; each value may occur once"#]
    );
    assert!(found[6][0].contains("blank-row"));
}

#[test]
fn equal_values_that_are_written_differently_are_one_key() {
    for (kind, format, first, second) in [
        ("boolean", "default", "true", "1"),
        ("date", "%d/%m/%Y", "05/05/2024", "5/5/2024"),
        ("time", "default", "13:05:00", "13:05:00.0"),
        ("number", "default", "5", "5.0"),
    ] {
        let contract = format!(
            r#"{{"name": "k", "schema": {{"fields": [{{"name": "a", "type": "{kind}", "format": "{format}",
                "constraints": {{"unique": true}}}}]}}}}"#
        );
        let found = judge(&plan(&contract), &mut Keys::default(), format!("{first}\n{second}\n").as_bytes());
        assert_eq!((found[0].len(), found[1].len()), (0, 1), "{kind}: {found:?}");
    }
}

#[test]
fn more_keys_than_can_be_told_apart_are_a_verdict() {
    let plan = plan(EVERYTHING);
    let mut keys = Keys::with_limit(1);
    let bytes = [b"h\n".to_vec(), with(&[]), b"\n".to_vec(), with(&[(0, "b")])].concat();
    let mut reader = Reader::with_block(Layout::default(), Limits::STANDARD, bytes.len());
    reader.space()[..bytes.len()].copy_from_slice(&bytes);
    reader.filled(bytes.len());
    reader.filled(0);
    let mut answers = Vec::new();
    while let Step::Record(record) = reader.next_record() {
        if record.number > 0 {
            answers.push(plan.judge(&record, &mut keys, &mut Findings::default()));
        }
    }
    assert_eq!(answers, [Ok(true), Err(TooManyKeys { limit: 1 })]);
}

fn verdict(names: &[&str]) -> Result<Plan, FileCode> {
    let contract = Contract::parse(EVERYTHING.as_bytes()).unwrap();
    let labels: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Plan::new(&contract, &labels, &Limits::STANDARD).map_err(|verdict| verdict.code)
}

#[test]
fn a_header_fits_whatever_its_order_its_case_and_the_spaces_around() {
    let plan = verdict(&[" Region ", "ID", "extra", "PRICE"]).unwrap();
    assert_eq!(plan.own_width(), 4);
    assert_eq!(plan.notes().len(), 2, "{:?}", plan.notes());
    let found = judge(&plan, &mut Keys::default(), b"Asia,a1,x,5\nMars,a2,x,0\n");
    assert_eq!((found[0].len(), found[1].len()), (0, 2));
}

#[test]
fn a_header_that_cannot_be_trusted_is_a_verdict() {
    assert_eq!(verdict(&["id"]).unwrap_err(), FileCode::MissingLabel);
    assert_eq!(verdict(&["id", "region", ""]).unwrap_err(), FileCode::BlankLabel);
    assert_eq!(verdict(&["id", "region", "Id "]).unwrap_err(), FileCode::DuplicateLabel);
    let many: Vec<String> = (0..257).map(|index| format!("c{index}")).collect();
    assert_eq!(
        verdict(&many.iter().map(String::as_str).collect::<Vec<_>>()).unwrap_err(),
        FileCode::TooManyColumns
    );
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(
            &[
                "", " ", "N/A", "0", "1", "-1", "+7", "32", "33", "7.", "1e1", "1e400", "nan", "0.5", "99.95", "10000",
                "10000.01", "Asia", "asia", "EU", "Oceania", "true", "0000", "1999", "2000", "2024-01-01", "2023-12-31",
                "2024-02-30", "13:05:00", "2024-05-20T13:05:00+01:00", "AB12", "\"Asia\"", "\"a\"\"b\"", "\"x\"y", " 5 ",
                "999999999999999999999", "0.00000000000000000001", "é", "\"N/A\"",
            ][..],
        )
        .prop_map(str::to_owned),
        1 => "[0-9.+\\-eE ]{0,12}",
        1 => "[A-Za-zäß ]{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_at_first_sight_has_nothing_wrong_and_the_other_way_round(
        cells in prop::collection::vec((0_usize..17, cell()), 0..4)
    ) {
        let plan = plan(EVERYTHING);
        let cells: Vec<(usize, &str)> = cells.iter().map(|(index, cell)| (*index, cell.as_str())).collect();
        let row = [b"h\n".to_vec(), with(&cells)].concat();
        let mut reader = Reader::with_block(Layout::default(), Limits::STANDARD, row.len());
        reader.space()[..row.len()].copy_from_slice(&row);
        reader.filled(row.len());
        reader.filled(0);
        let _ = reader.next_record();
        let Step::Record(record) = reader.next_record() else { return Ok(()) };
        let mut findings = Findings::default();
        plan.explain(&record, &mut findings);
        if plan.accepts(&record) {
            prop_assert!(findings.is_empty(), "{findings:?}");
        }
    }
}
