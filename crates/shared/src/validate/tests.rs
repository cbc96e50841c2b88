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
                let has_keys = !plan.keys.is_empty() || !plan.references.is_empty();
                assert!(!quick || good || has_keys, "accepted at first sight, but {findings:?}");
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
        (0, "", "id constraint-error: id: the cell is empty, and a value is required"),
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
            r#"any_day type-error: any_day: "2024-02-30" is not a date that exists; write one such as 2024-05-20"#,
        ),
        (12, "24", r#"year type-error: year: "24" is not a year; write four digits, such as 2024"#),
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
    assert_eq!(told, [0, 0, 1, 1, 1, 0, 1, 1]);
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
fn a_primary_key_needs_a_value_in_each_of_its_columns() {
    let plan = plan(
        r#"{"name": "k", "schema": {"primaryKey": ["a", "b"], "missingValues": ["", "-"], "fields": [
            {"name": "a", "type": "integer"}, {"name": "b", "type": "string"}, {"name": "c"}]}}"#,
    );
    let found = judge(&plan, &mut Keys::default(), b"1,x,\n1,-,\n1,-,\n-,-,z\nseven,x,\nseven,x,\n1,x,\n");
    let missing =
        r#"a, b primary-key: a, b: the primary key has no value in b; each of its columns needs one"#;
    assert_eq!(found[0], [""; 0]);
    assert_eq!(found[1], [missing]);
    // It is no key, so the same again is told the same and not that it stands already in row 2.
    assert_eq!(found[2], [missing]);
    assert_eq!(found[3], ["a, b primary-key: a, b: the primary key has no value"]);
    // What "seven" would have been is not guessed at.
    for row in [4, 5] {
        assert_eq!(found[row].len(), 1, "{:?}", found[row]);
        assert!(found[row][0].starts_with("a type-error: a: \"seven\""), "{:?}", found[row]);
    }
    assert_eq!(
        found[6],
        [r#"a, b primary-key: a, b: "1, x" stands already in row 1; each value may occur once"#]
    );
}

#[test]
fn unique_keys_of_several_columns_leave_out_what_has_no_value() {
    let plan = plan(
        r#"{"name": "k", "schema": {"uniqueKeys": [["a"], ["a", "b"], "c"], "fields": [
            {"name": "a"}, {"name": "b", "type": "number"}, {"name": "c"}]}}"#,
    );
    let found = judge(&plan, &mut Keys::default(), b"1,5,p\n2,5,p\n,5,q\n,5,r\n2,,\n3,5.0,\n1,5.0,s\n");
    let codes: Vec<Vec<&str>> =
        found.iter().map(|row| row.iter().filter_map(|text| text.split(':').next()).collect()).collect();
    let none: Vec<&str> = Vec::new();
    assert_eq!(
        codes,
        [
            none.clone(),
            vec!["c unique-error"],
            none.clone(),
            none.clone(),
            vec!["a unique-error"],
            none,
            vec!["a unique-error", "a, b unique-error"],
        ]
    );
    assert_eq!(
        found[6][1],
        r#"a, b unique-error: a, b: "1, 5.0" stands already in row 1; each value may occur once"#
    );
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

const TRIPS: &str = r#"{
    "name": "trips",
    "schema": {
        "fields": [{"name": "country"}, {"name": "city", "type": "string"}, {"name": "line", "type": "integer"}],
        "foreignKeys": [
            {"fields": ["country", "city"], "reference": {"resource": "cities", "fields": ["country", "city"]}},
            {"fields": "line", "reference": {"resource": "lines", "fields": "number"}},
            {"fields": "country", "reference": {"resource": "cities", "fields": "country"}}
        ]
    }
}"#;

#[test]
fn a_value_that_the_reference_file_does_not_have_is_told_with_what_was_probably_meant() {
    let found = |text: &str| crate::contract::ReferenceFile::Found(text.as_bytes().into());
    let files = std::collections::BTreeMap::from([
        ("cities.csv".to_owned(), found("country,city\nFrance,Paris\nFrance,Lyon\nSpain,Madrid\n")),
        ("lines.csv".to_owned(), found("number\n7\n")),
    ]);
    let contract = Contract::parse(TRIPS.as_bytes()).unwrap();
    let labels = labels(&contract);
    // Without its files it judges nothing.
    let verdict = Plan::new(&contract, &labels, &Limits::STANDARD).unwrap_err();
    assert_eq!(verdict.code, FileCode::ContractError);
    let contract = contract.with_references(&files).unwrap_or_else(|(_, broken)| panic!("{broken:?}"));
    let plan = Plan::new(&contract, &labels, &Limits::STANDARD).unwrap();
    let rows = "France,Paris,+7\nFrance,Madrid,7\nFrance,,\n,Rome,\nfrance,Paris,\nSpain,Madrd,8\nSpain,Madrid,x\nAtlantis,,\n";
    let found = judge(&plan, &mut Keys::default(), rows.as_bytes());
    let none: [&str; 0] = [];
    assert_eq!(found[0], none);
    assert_eq!(
        found[1],
        [
            r#"country, city foreign-key: country, city: "France, Madrid" is none of the 3 combinations of country, city in cities.csv"#
        ]
    );
    // A key with a part that has no value refers to nothing.
    assert_eq!(found[2], none);
    assert_eq!(found[3], none);
    assert_eq!(
        found[4],
        [
            r#"country, city foreign-key: country, city: "france, Paris" is none of the 3 combinations of country, city in cities.csv; did you mean "France, Paris"?"#,
            r#"country foreign-key: country: "france" is none of the 2 values of country in cities.csv; did you mean "France"?"#,
        ]
    );
    assert_eq!(
        found[5],
        [
            r#"country, city foreign-key: country, city: "Spain, Madrd" is none of the 3 combinations of country, city in cities.csv; did you mean "Spain, Madrid"?"#,
            r#"line foreign-key: line: "8" is none of the 1 value of number in lines.csv"#,
        ]
    );
    // What is no number is told once.
    assert_eq!(found[6].len(), 1);
    assert!(found[6][0].contains("type-error"));
    assert_eq!(
        found[7],
        [r#"country foreign-key: country: "Atlantis" is none of the 2 values of country in cities.csv"#]
    );
}

/// The code and the reason of a header's verdict under a way to match fields; the fields are a, b (required), c.
fn matched(word: &str, names: &[&str]) -> Option<(FileCode, String)> {
    let contract = format!(
        r#"{{"name": "m", "schema": {{"fieldsMatch": {word}, "fields": [
            {{"name": "a"}}, {{"name": "b", "constraints": {{"required": true}}}}, {{"name": "c"}}]}}}}"#
    );
    let contract = Contract::parse(contract.as_bytes()).unwrap();
    let labels: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let verdict = Plan::new(&contract, &labels, &Limits::STANDARD).err()?;
    Some((verdict.code, verdict.reason))
}

#[test]
fn fields_are_matched_as_the_contract_says() {
    use FileCode::{ExtraLabel, IncorrectLabel, MissingLabel};
    let headers: [&[&str]; 6] =
        [&["a", "b", "c"], &["b", "a", "c"], &["a", "b"], &["a", "b", "c", "d"], &["b", "x"], &["a", "c"]];
    for (word, expected) in [
        (
            r#""exact""#,
            [
                None,
                Some(IncorrectLabel),
                Some(MissingLabel),
                Some(ExtraLabel),
                Some(MissingLabel),
                Some(MissingLabel),
            ],
        ),
        (
            r#""equal""#,
            [None, None, Some(MissingLabel), Some(ExtraLabel), Some(MissingLabel), Some(MissingLabel)],
        ),
        (r#"["subset"]"#, [None, None, Some(MissingLabel), None, Some(MissingLabel), Some(MissingLabel)]),
        (r#""superset""#, [None, None, None, Some(ExtraLabel), Some(ExtraLabel), Some(MissingLabel)]),
        (r#""partial""#, [None, None, None, None, None, Some(MissingLabel)]),
    ] {
        for (header, expected) in headers.iter().zip(expected) {
            assert_eq!(matched(word, header).map(|(code, _)| code), expected, "{word} {header:?}");
        }
        // Names are compared as ever, and what Gristmill added to a rejected file does not count.
        let again = [" A", "B", "C ", "source_row", "rejection_codes", "rejection_reasons"];
        assert_eq!(matched(word, &again), None, "{word}");
    }
}

#[test]
fn a_header_that_does_not_match_is_told_what_was_expected_and_found() {
    for (word, header, reason) in [
        (
            r#""exact""#,
            &["a", "c", "b"][..],
            "column 2 is c, where the contract has b. Expected were: a, b, c. Found: a, c, b. Put the columns in the \
             contract's order, or change fieldsMatch in the contract",
        ),
        (
            r#""equal""#,
            &["a", "b", "c", "d", "e"],
            "the first line names columns that the contract does not allow: d, e. Expected were: a, b, c. Found: a, \
             b, c, d, e. Remove them, or change fieldsMatch in the contract",
        ),
        (
            r#""subset""#,
            &["a", "b"],
            "the first line has no name for the column c. Expected were: a, b, c. Found: a, b. Put the column names \
             in the first line of the file",
        ),
    ] {
        assert_eq!(matched(word, header).unwrap().1, reason, "{word}");
    }
    let contract =
        r#"{"name": "m", "schema": {"fieldsMatch": "partial", "fields": [{"name": "a"}, {"name": "b"}]}}"#;
    let contract = Contract::parse(contract.as_bytes()).unwrap();
    let verdict = Plan::new(&contract, &["x".to_owned()], &Limits::STANDARD).unwrap_err();
    assert_eq!(verdict.code, FileCode::MissingLabel);
    assert!(verdict.reason.contains("no name for any column of the contract"), "{}", verdict.reason);
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
