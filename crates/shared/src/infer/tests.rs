use serde_json::{Value, json};

use super::{Confidence, Draft};

fn draft(csv: &str) -> Draft {
    draft_of(csv.as_bytes())
}

fn draft_of(csv: &[u8]) -> Draft {
    super::draft(csv, true, "Sales, May 2024.csv").unwrap()
}

/// What is said of a column.
fn guess(draft: &Draft, column: &str) -> String {
    draft.guesses.iter().find(|guess| guess.subject == column).unwrap().to_string()
}

fn column(values: &[&str]) -> Value {
    field("x", values)
}

fn field(name: &str, values: &[&str]) -> Value {
    let csv = format!("{name},other\n{}", values.iter().map(|v| format!("{v},1\n")).collect::<String>());
    draft(&csv).descriptor["schema"]["fields"][0].clone()
}

#[test]
fn a_column_gets_the_type_that_all_its_values_have() {
    for (values, kind) in [
        (&["1", "2", "300"][..], "integer"),
        (&["1", "2.5", "-3"], "number"),
        (&["true", "False"], "boolean"),
        (&["1", "0", "1"], "integer"),
        (&["2024-05-20", "2024-05-21"], "date"),
        (&["2024-05-20T10:00:00Z", "2024-05-21T10:00:00.5Z"], "datetime"),
        (&["10:00:00", "23:59:59"], "time"),
        (&["red", "1"], "string"),
        (&["", ""], "string"),
        (&["007", "123"], "string"),
        (&["+441234", "+441235"], "string"),
        (&["2024", "1999"], "integer"),
        (&["$5 a", "$6"], "string"),
        (&["2024-05", "2024-06"], "yearmonth"),
        (&["yes", "no"], "boolean"),
        (&["yes", "yes"], "string"),
    ] {
        assert_eq!(column(values)["type"], kind, "{values:?}");
    }
    assert_eq!(field("release_year", &["2024", "1999"])["type"], "year");
}

#[test]
fn dates_in_another_form_get_their_format_and_ambiguous_ones_stay_text() {
    let german = column(&["20.05.2024", "01.02.2024"]);
    assert_eq!((&german["type"], &german["format"]), (&json!("date"), &json!("%d.%m.%Y")));
    assert_eq!(column(&["20/05/2024", "01/02/2024"])["format"], "%d/%m/%Y");
    assert_eq!(column(&["05/20/2024", "01/02/2024"])["format"], "%m/%d/%Y");
    let ambiguous = draft("day,n\n01/02/2024,1\n03/04/2024,2\n");
    assert_eq!(ambiguous.descriptor["schema"]["fields"][0]["type"], "string");
    let words = guess(&ambiguous, "day");
    assert!(
        words.contains("written as %d/%m/%Y or written as %m/%d/%Y") && words.starts_with("unsure"),
        "{words}"
    );
}

#[test]
fn only_what_is_always_there_is_required_and_only_zero_is_a_bound() {
    assert_eq!(column(&["5", "7"])["constraints"], json!({"required": true, "minimum": 0}));
    assert_eq!(column(&["-5", "7"])["constraints"], json!({"required": true}));
    assert_eq!(column(&["", "7"])["constraints"], json!({"minimum": 0}));
    assert_eq!(column(&["", "a"])["constraints"], Value::Null);
}

#[test]
fn doubtful_texts_stand_for_nothing_only_beside_numbers_and_dates() {
    let missing = |csv: &str| draft(csv).descriptor["schema"]["missingValues"].clone();
    assert_eq!(missing("n,country\n1,NA\n2,DE\n"), json!([""]));
    assert_eq!(missing("n,country\nNA,FR\n2,DE\n"), json!(["", "NA"]));
    assert_eq!(missing("n,country\n-,FR\n2,N/A\n"), json!(["", "N/A", "-"]));
}

#[test]
fn an_enumeration_needs_few_values_none_of_them_rare() {
    let csv = |rows: usize, rare: &str| {
        let row = |n: usize| format!("{},{n}\n", if n == 7 { rare } else { ["red", "blue"][n % 2] });
        format!("colour,n\n{}", (0..rows).map(row).collect::<String>())
    };
    let values = |csv: String| draft(&csv).descriptor["schema"]["fields"][0]["constraints"]["enum"].clone();
    assert_eq!(values(csv(100, "blue")), json!(["blue", "red"]));
    assert_eq!(values(csv(100, "mauve")), Value::Null);
    assert_eq!(values(csv(40, "blue")), Value::Null);
}

#[test]
fn a_unique_id_becomes_the_primary_key() {
    let csv = |name: &str, rows: usize, same: usize| {
        format!("{name},n\n{}", (0..rows).map(|n| format!("A{},1\n", n.max(same))).collect::<String>())
    };
    let key = |csv: String| draft(&csv).descriptor["schema"]["primaryKey"].clone();
    for name in ["id", "order_id", "Order ID", "orderId"] {
        assert_eq!(key(csv(name, 20, 0)), json!([name]), "{name}");
    }
    assert_eq!(key(csv("paid", 20, 0)), Value::Null);
    assert_eq!(key(csv("order_id", 19, 0)), Value::Null);
    assert_eq!(key(csv("order_id", 20, 1)), Value::Null);
}

#[test]
fn a_type_is_not_guessed_at_the_price_of_many_rows() {
    let csv = |bad: usize| {
        let row = |n: usize| if n < bad { "free,1\n".to_owned() } else { format!("{n},1\n") };
        format!("price,n\n{}", (0..1000).map(row).collect::<String>())
    };
    let few = draft(&csv(10));
    assert_eq!(few.descriptor["schema"]["fields"][0]["type"], "number");
    assert_eq!((few.rows, few.accepted), (1000, 990));
    let words = guess(&few, "price");
    assert!(words.contains("10 of 1,000 cells are not of this type, such as \"free\" in row 1"), "{words}");
    let many = draft(&csv(11));
    assert_eq!(many.descriptor["schema"]["fields"][0]["type"], "string");
    assert_eq!((many.rows, many.accepted), (1000, 1000));
    let words = guess(&many, "price");
    assert!(words.contains("989 of 1,000 values are of type integer and 11 are not"), "{words}");
}

#[test]
fn what_rejects_too_many_rows_together_is_taken_back() {
    let row = |n: usize| format!("{},{}\n", if n < 8 { "x" } else { "1" }, if n > 991 { "y" } else { "2" });
    let draft = draft(&format!("a,b\n{}", (0..1000).map(row).collect::<String>()));
    assert_eq!((draft.rows, draft.accepted), (1000, 992));
    let types: Vec<&Value> =
        draft.descriptor["schema"]["fields"].as_array().unwrap().iter().map(|f| &f["type"]).collect();
    assert!(types.contains(&&json!("string")) && types.contains(&&json!("integer")), "{types:?}");
}

#[test]
fn every_generated_data_set_gets_a_draft_that_accepts_its_sample() {
    for dataset in samples::Dataset::ALL {
        let mut csv = Vec::new();
        dataset.write(&mut csv, &samples::Spec::records(2_000)).unwrap();
        let draft = draft_of(&csv);
        let (rows, accepted) = (draft.rows, draft.accepted);
        assert!(rows > 1_900 && accepted * 100 >= rows * 99, "{}: {accepted} of {rows}", dataset.name());
        assert_eq!(draft.descriptor["name"], "sales-may-2024");
    }
}

#[test]
fn every_sample_gets_a_draft_that_accepts_it_or_a_verdict() {
    for sample in samples::files() {
        match super::draft(&sample.bytes, true, sample.name) {
            Ok(draft) => {
                let (rows, accepted) = (draft.rows, draft.accepted);
                assert!(accepted * 100 >= rows * 99, "{}: {accepted} of {rows}", sample.name);
            }
            Err(verdict) => assert!(!verdict.reason.is_empty(), "{}", sample.name),
        }
    }
}

#[test]
fn a_layout_that_is_not_the_usual_one_stands_in_the_draft() {
    let draft = draft("a;b\n1;'x;y'\n2;'z'\n3;'u;v'\n");
    assert_eq!(draft.descriptor["dialect"], json!({"delimiter": ";", "quoteChar": "'"}));
    assert!(guess(&draft, "dialect").contains("semicolons"));
    assert_eq!((draft.rows, draft.accepted), (3, 3));
    assert_eq!(super::draft(b"a,b\n1,2\n", true, "x").unwrap().descriptor["dialect"], Value::Null);
}

#[test]
fn a_sample_that_is_cut_off_leaves_its_last_record_out() {
    let whole = "a,b\n1,2\n3,4\n";
    for cut in 8..whole.len() {
        let draft = super::draft(&whole.as_bytes()[..cut], false, "x").unwrap();
        assert_eq!((draft.rows, draft.broken), (1, 0), "cut at {cut}");
    }
}

#[test]
fn limits_and_units_come_from_names_where_the_values_agree() {
    let draft = draft("discount_pct,temp_c,rating,price_usd\n5,-3.5,4,9.99\n10,20,5,1\n");
    let field = |index: usize| draft.descriptor["schema"]["fields"][index]["constraints"].clone();
    assert_eq!(field(0), json!({"required": true, "minimum": 0, "maximum": 100}));
    assert_eq!(field(1), json!({"required": true}));
    assert_eq!(field(2), json!({"required": true, "minimum": 0, "maximum": 5}));
    assert_eq!(field(3), json!({"required": true, "minimum": 0}));
    assert_eq!(
        draft.descriptor["gristmill"]["analysis"]["measures"],
        json!([
            {"field": "discount_pct", "unit": "%"},
            {"field": "temp_c", "unit": "°C"},
            "rating",
            {"field": "price_usd", "unit": "USD"}
        ])
    );
}

#[test]
fn digits_are_days_only_where_the_name_says_so_and_months_by_name_are_no_riddle() {
    assert_eq!(field("order_date", &["20240520", "20240521"])["format"], "%Y%m%d");
    assert_eq!(field("order_no", &["20240520", "20240521"])["type"], "integer");
    assert_eq!(column(&["20 May 2024", "21 May 2024"])["type"], "date");
    assert_eq!(column(&["20/05/2024 10:30", "21/05/2024 11:00"])["format"], "%d/%m/%Y %H:%M");
}

#[test]
fn what_is_nearly_a_rule_is_said_and_not_written() {
    let row =
        |n: usize| format!("A{},{},{}\n", n.max(1), ["red", "blue"][n % 2], if n == 0 { -5 } else { 5 });
    let csv: String = (0..199).map(row).collect();
    let draft = draft(&format!("id,colour,price\n{csv}A9999,mauve,\n"));
    assert_eq!(draft.descriptor["schema"]["primaryKey"], Value::Null);
    assert!(guess(&draft, "id").contains("a primary key may not repeat"), "{}", guess(&draft, "id"));
    assert!(guess(&draft, "colour").contains("\"mauve\" (once) is rare"), "{}", guess(&draft, "colour"));
    assert!(guess(&draft, "price").contains("1 of 199 is below 0"), "{}", guess(&draft, "price"));
    assert!(guess(&draft, "price").contains("write \"required\""), "{}", guess(&draft, "price"));
    assert_eq!(draft.accepted, draft.rows);
}

#[test]
fn a_row_that_repeats_the_names_says_nothing_about_the_columns() {
    let rows: String = (0..199).map(|n| format!("{n},{}\n", ["red", "blue"][n % 2])).collect();
    let draft = draft(&format!("n,colour\n{rows}n,colour\n"));
    let fields = &draft.descriptor["schema"]["fields"];
    assert_eq!(
        (&fields[0]["type"], fields[1]["constraints"]["enum"].as_array().unwrap().len()),
        (&json!("integer"), 2)
    );
    assert!(guess(&draft, "rows").contains("row 200"), "{}", guess(&draft, "rows"));
    assert_eq!((draft.rows, draft.accepted), (200, 199));
}

#[test]
fn a_comma_in_a_sentence_does_not_drop_spaces() {
    let rows: String = (0..50).map(|n| format!("{n},good\n")).collect();
    let draft = draft(&format!("n,text\n{rows}51,slow, but good\n"));
    assert_eq!((&draft.descriptor["dialect"], draft.broken), (&Value::Null, 1));
    let spaced: String = (0..50).map(|n| format!("{n}, good\n")).collect();
    let draft = super::draft(format!("n, text\n{spaced}").as_bytes(), true, "x").unwrap();
    assert_eq!(draft.descriptor["dialect"]["skipInitialSpace"], true);
}

#[test]
fn a_file_that_was_read_in_the_wrong_way_says_so() {
    let draft = draft_of(b"a,b\n1,\xe9\n2,\xe8\n");
    assert_eq!((draft.rows, draft.broken), (0, 2));
    assert!(guess(&draft, "rows").contains("another encoding than UTF-8"), "{}", guess(&draft, "rows"));
    let draft = draft_of(b"a,b\n1\n2\n3,4\n");
    assert!(guess(&draft, "rows").contains("2 of 3 rows have a broken form"), "{}", guess(&draft, "rows"));
}

#[test]
fn a_column_whose_name_no_contract_can_write_is_left_out() {
    let draft = draft("a,\"b\nc\"\n1,2\n");
    assert_eq!(draft.descriptor["schema"]["fields"].as_array().unwrap().len(), 1);
    assert!(guess(&draft, "b\\nc").contains("left out"), "{:?}", draft.guesses);
    assert_eq!((draft.rows, draft.accepted), (1, 1));
}

#[test]
fn values_in_another_writing_are_understood_where_it_is_clear() {
    for (values, keys) in [
        (&["1,5", "2,25"][..], json!({"decimalChar": ","})),
        (&["1,299", "12.5", "1,299,000"], json!({"groupChar": ","})),
        (&["1.299,50", "3,20"], json!({"decimalChar": ",", "groupChar": "."})),
        (&["$1,299", "$5.50"], json!({"groupChar": ",", "bareNumber": false})),
        (&["5 %", "12.5 %"], json!({"groupChar": ",", "bareNumber": false})),
        (&["ann@example.org", "bob@example.com"], json!({"format": "email"})),
        (&["https://example.org/a", "https://example.org/b"], json!({"format": "uri"})),
        (&["f81d4fae-7dec-11d0-a765-00a0c91e6bf6"], json!({"format": "uuid"})),
        (&["Y", "N", "Y"], json!({"trueValues": ["Y"], "falseValues": ["N"]})),
        (&["A12", "B13"], json!({})),
        (&["1,299", "2,500"], json!({})),
    ] {
        let csv: String = values.iter().map(|value| format!("\"{value}\";1\n")).collect();
        let draft = draft(&format!("x;n\n{csv}"));
        let field = &draft.descriptor["schema"]["fields"][0];
        for key in ["decimalChar", "groupChar", "bareNumber", "format", "trueValues", "falseValues"] {
            assert_eq!(field[key], keys[key], "{key} of {field}");
        }
        assert_eq!(draft.accepted, draft.rows, "{field}");
    }
}

#[test]
fn what_is_no_table_gets_a_verdict_and_no_draft() {
    for (bytes, code) in [
        (&b"\xef\xbb\xbf\n<!DOCTYPE HTML><html>"[..], "unsupported-format"),
        (b"<?xml version='1.0'?>", "unsupported-format"),
        (b"[\n  {\"a\": 1}\n]", "unsupported-format"),
        (b"{\"a\": 1}", "unsupported-format"),
        (b"\x01\x02\x03\x04", "unsupported-format"),
        (b"", "empty-file"),
        (b"a,a\n1,2\n", "duplicate-label"),
        (b"source_row\n1\n", "format-error"),
    ] {
        let verdict = super::draft(bytes, true, "x").unwrap_err();
        assert_eq!(verdict.code.as_str(), code, "{bytes:?}: {}", verdict.reason);
    }
    assert!(super::draft(b"[id],{name}\n1,2\n", true, "x").is_ok());
}

#[test]
fn confidence_grows_with_the_rows() {
    let of = |rows: usize| draft(&format!("a,b\n{}", "1,2\n".repeat(rows))).guesses[0].confidence;
    assert_eq!((of(5), of(200)), (Confidence::Likely, Confidence::Sure));
}

#[test]
fn names_of_columns_of_origin_do_not_break_the_draft() {
    let draft = draft("a,source_file,source_row\n1,x,2\n");
    assert_eq!(draft.descriptor["gristmill"]["provenance"], json!(["received_at", "run_id"]));
    assert_eq!(draft.descriptor["schema"]["fields"].as_array().unwrap().len(), 2);
    assert_eq!(draft.accepted, 1);
}

#[test]
fn an_analysis_is_drafted_from_what_the_columns_hold() {
    let mut csv = Vec::new();
    let spec = samples::Spec { bad_share: 0.0, ..samples::Spec::records(1_000) };
    samples::smartphone_sales(&mut csv, &spec).unwrap();
    let draft = draft_of(&csv);
    assert_eq!(draft.rows, draft.accepted);
    let analysis = &draft.descriptor["gristmill"]["analysis"];
    assert_eq!(analysis["measures"], json!(["price", "ram", "storage"]));
    assert_eq!(analysis["text"], json!(["customer_review"]));
    assert_eq!(analysis["time"], json!({"field": "date", "period": "month"}));
    assert!(analysis["dimensions"].as_array().unwrap().contains(&json!("region")), "{analysis}");
}

#[test]
fn the_columns_of_a_rejected_file_are_left_out() {
    let draft = draft("a,b,source_row,rejection_codes,rejection_reasons\n1,2,3,type-error,no\n");
    assert_eq!(draft.descriptor["schema"]["fields"].as_array().unwrap().len(), 2);
}

#[test]
fn nothing_at_all_still_gives_a_contract() {
    let draft = draft("a,b\n");
    assert_eq!(draft.descriptor["schema"]["fields"][0], json!({"name": "a", "type": "string"}));
}
