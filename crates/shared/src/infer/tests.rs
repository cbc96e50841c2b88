use serde_json::{Value, json};

use super::{Draft, Survey};
use crate::contract::Contract;
use crate::rows::{Layout, Limits, Reader, Step};
use crate::validate::{Findings, Keys, Plan};

/// Hands every record, the header first, to `each`.
fn each_record(csv: &[u8], mut each: impl FnMut(&crate::rows::Record<'_>)) {
    let mut reader = Reader::new(Layout::default(), Limits::STANDARD);
    let mut rest = csv;
    loop {
        match reader.next_record() {
            Step::Record(record) => each(&record),
            Step::NeedInput => {
                let space = reader.space();
                let count = rest.len().min(space.len());
                space[..count].copy_from_slice(&rest[..count]);
                rest = &rest[count..];
                reader.filled(count);
            }
            Step::End => return,
            Step::Unterminated { line } => panic!("line {line}"),
        }
    }
}

fn labels(csv: &[u8]) -> Vec<String> {
    let mut labels = Vec::new();
    each_record(csv, |record| {
        if record.number == 0 {
            labels = record.fields().map(|f| String::from_utf8(f.text().into_owned()).unwrap()).collect();
        }
    });
    labels
}

fn draft(csv: &str) -> Draft {
    draft_of(csv.as_bytes()).0
}

/// The draft, the records it was drawn from, and how many of those it accepts.
fn draft_of(csv: &[u8]) -> (Draft, u64, u64) {
    let labels = labels(csv);
    let mut survey = Survey::new(&labels);
    each_record(csv, |record| {
        if record.number > 0 {
            survey.add(record);
        }
    });
    let draft = survey.draft("Sales, May 2024.csv");
    let bytes = serde_json::to_vec(&draft.descriptor).unwrap();
    let contract = Contract::parse(&bytes).unwrap_or_else(|broken| panic!("{:?}", broken.problems));
    let plan = Plan::new(&contract, &labels, &Limits::STANDARD).unwrap();
    let (mut keys, mut findings, mut accepted) = (Keys::default(), Findings::default(), 0);
    each_record(csv, |record| {
        if record.number > 0 && plan.judge(record, &mut keys, &mut findings).unwrap() {
            accepted += 1;
        }
    });
    (draft, survey.rows(), accepted)
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
        (&["$5", "$6"], "string"),
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
    assert!(ambiguous.guesses[0].contains("nobody can tell"), "{:?}", ambiguous.guesses);
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
    let (few, rows, accepted) = draft_of(csv(10).as_bytes());
    assert_eq!(few.descriptor["schema"]["fields"][0]["type"], "integer");
    assert_eq!((rows, accepted), (1000, 990));
    let (many, rows, accepted) = draft_of(csv(11).as_bytes());
    assert_eq!(many.descriptor["schema"]["fields"][0]["type"], "string");
    assert_eq!((rows, accepted), (1000, 1000));
    assert!(many.guesses[0].contains("98.9 % are of type integer"), "{:?}", many.guesses);
}

#[test]
fn several_columns_share_the_tolerance() {
    let row = |n: usize| format!("{},{}\n", if n < 8 { "x" } else { "1" }, if n > 991 { "y" } else { "2" });
    let csv = format!("a,b\n{}", (0..1000).map(row).collect::<String>());
    let (_, rows, accepted) = draft_of(csv.as_bytes());
    assert!(accepted * 100 >= rows * 99, "{accepted} of {rows}");
}

#[test]
fn every_generated_data_set_gets_a_draft_that_accepts_its_sample() {
    for dataset in samples::Dataset::ALL {
        let mut csv = Vec::new();
        dataset.write(&mut csv, &samples::Spec::records(2_000)).unwrap();
        let (draft, rows, accepted) = draft_of(&csv);
        assert!(rows > 1_900 && accepted * 100 >= rows * 99, "{}: {accepted} of {rows}", dataset.name());
        assert_eq!(draft.descriptor["name"], "sales-may-2024");
    }
}

#[test]
fn an_analysis_is_drafted_from_what_the_columns_hold() {
    let mut csv = Vec::new();
    let spec = samples::Spec { bad_share: 0.0, ..samples::Spec::records(1_000) };
    samples::smartphone_sales(&mut csv, &spec).unwrap();
    let (draft, rows, accepted) = draft_of(&csv);
    assert_eq!(rows, accepted);
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
