//! The quick check and the full one must agree, for every type, option and constraint, on any text.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::contract::Contract;

/// Fields of every type and option, with and without constraints.
fn fields() -> Vec<Value> {
    let mut fields = vec![json!({"type": "any"}), json!({"type": "string"}), json!({"type": "year"})];
    for options in [
        json!({}),
        json!({"decimalChar": ","}),
        json!({"decimalChar": ",", "groupChar": "."}),
        json!({"groupChar": ","}),
        json!({"groupChar": "\u{202f}", "decimalChar": "·"}),
        json!({"bareNumber": false}),
        json!({"bareNumber": false, "decimalChar": ",", "groupChar": " "}),
    ] {
        for constraints in [
            json!({}),
            json!({"required": true}),
            json!({"minimum": 0, "maximum": 1299.5}),
            json!({"exclusiveMinimum": -1, "exclusiveMaximum": 1300, "enum": [5, 12, 1299.5]}),
            json!({"maximum": "1234567890123456789012"}),
        ] {
            fields.push(with(&options, "number", &constraints));
        }
    }
    for options in [
        json!({}),
        json!({"groupChar": "."}),
        json!({"groupChar": "'", "bareNumber": false}),
        json!({"categories": [5, {"value": 12, "label": "dozen"}]}),
        json!({"missingValues": ["-1", "N/A"]}),
    ] {
        for constraints in [
            json!({}),
            json!({"required": true, "minimum": -5, "exclusiveMaximum": 1300}),
            json!({"enum": [5, 12]}),
        ] {
            fields.push(with(&options, "integer", &constraints));
        }
    }
    fields.extend(others());
    fields
}

/// Those that are no numbers.
fn others() -> Vec<Value> {
    let mut fields = Vec::new();
    for options in [json!({}), json!({"trueValues": ["yes", "Y"], "falseValues": ["no", " "]})] {
        for constraints in [json!({}), json!({"required": true}), json!({"enum": [true]})] {
            fields.push(with(&options, "boolean", &constraints));
        }
    }
    for format in ["default", "email", "uri", "uuid", "binary"] {
        for constraints in [
            json!({}),
            json!({"required": true}),
            json!({"required": true, "pattern": "[a-z@. ]*"}),
            json!({"minLength": 2, "maxLength": 9}),
        ] {
            fields.push(with(&json!({"format": format}), "string", &constraints));
        }
    }
    fields.push(with(&json!({}), "string", &json!({"required": true, "enum": ["a", "  ", "a@b.cd"]})));
    fields.push(with(&json!({}), "string", &json!({"pattern": "a+", "enum": ["a", "b"]})));
    fields.push(with(&json!({"categories": ["a", "yes"]}), "string", &json!({})));
    fields.push(with(&json!({}), "any", &json!({"required": true})));
    fields.push(with(&json!({"missingValues": ["yes"]}), "any", &json!({"required": true})));
    for (kind, low, high, pattern) in [
        ("date", "2024-02-29", "2024-12-31", Some("%d/%m/%y")),
        ("time", "05:00:00", "13:05:00", Some("%H:%M")),
        ("datetime", "2024-02-29T13:05:00Z", "2024-12-31T13:05:00Z", Some("%d.%m.%Y %H:%M:%S.%f")),
        ("year", "1999", "2024", None),
        ("yearmonth", "2024-02", "2024-12", None),
        ("duration", "PT5M", "P1M", None),
    ] {
        fields.push(with(&json!({}), kind, &json!({})));
        fields.push(with(&json!({}), kind, &json!({"minimum": low, "exclusiveMaximum": high})));
        fields.push(with(&json!({}), kind, &json!({"required": true, "enum": [low, high]})));
        if let Some(pattern) = pattern {
            fields.push(with(&json!({"format": pattern}), kind, &json!({})));
        }
    }
    fields
}

fn with(options: &Value, kind: &str, constraints: &Value) -> Value {
    let mut field = options.clone();
    field["type"] = json!(kind);
    field["constraints"] = constraints.clone();
    field
}

/// A field with its quick and its full check.
type Both = (Value, Check, Column);

/// Each field's checks, under these missing values.
fn checks(missing: &[String]) -> Vec<Both> {
    let both = |mut field: Value| {
        field["name"] = json!("f");
        let descriptor = json!({"name": "t", "schema": {"fields": [field], "missingValues": missing}});
        let contract =
            Contract::parse(descriptor.to_string().as_bytes()).expect("the fields above are sound");
        let missing = Missing::new(&contract.missing_values);
        let field = &contract.fields[0];
        (descriptor, Check::new(0, field, &missing), Column::new(0, field, &missing))
    };
    fields().into_iter().map(both).collect()
}

/// What values are made of.
#[rustfmt::skip]
const PIECES: &[&str] = &[
    "0", "1", "5", "12", "299", "2024", "05", "13", ".", ",", "'", " ", "\u{202f}", "·", "-", "+", "e",
    "E3", "€", "%", "EUR", "(", ")", "P", "T", "Y", "M", "D", "H", "S", "Z", ":", "/", "a", "b.cd", "@",
    "yes", "no", "true", "1.299,50", "2024-05", "2024-02-29", "13:05:00", "P1M", "PT5M", "a@b.cd",
    "https://", "QQ==", "N/A", "-1", "é", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "\u{2212}", "１", "\n",
];

/// What patterns are made of.
const PATTERN_PARTS: &[&str] = &[
    "%Y", "%y", "%m", "%d", "%b", "%j", "%H", "%I", "%p", "%M", "%S", ".%f", "%.f", "%z", "%D", "%F", "%T",
    "%%", "%", "%f", "%-d", "%9f", "-", "/", " ", ":", "é",
];

/// Texts that are mostly pieces of values.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(PIECES);
    prop_oneof![
        6 => prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat()),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    #[test]
    fn the_quick_check_accepts_what_the_full_one_accepts(texts in prop::collection::vec(text(), 20)) {
        thread_local! {
            static CHECKS: Vec<(Missing, Vec<Both>)> =
                [vec![String::new()], vec!["N/A".to_owned(), "1".to_owned()]]
                    .map(|texts| (Missing::new(&texts), checks(&texts)))
                    .into();
        }
        CHECKS.with(|all| {
            for (missing, checks) in all {
                for (field, check, column) in checks {
                    for text in &texts {
                        let (quick, full) = (check.accepts(text.as_bytes(), missing), column.is_fine(text.as_bytes()));
                        // Of numbers in the default style, the quick check leaves rare forms to the full one.
                        let leaves_some = matches!(check.quick, Quick::Whole(_) | Quick::Number(_));
                        prop_assert!(quick == full || (leaves_some && full), "{field}: {text:?}: {quick}, {full}");
                    }
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_quick_number_is_the_full_number(
        text in text(),
        decimal in any::<char>(),
        group in any::<Option<char>>(),
        usual in any::<bool>(),
        bare in any::<bool>(),
    ) {
        let style = match usual {
            true => NumberStyle { decimal: ',', group: Some('.'), bare },
            false => NumberStyle { decimal, group, bare },
        };
        let full = style.parse_number(&text);
        if usual && let Some(short) = style.parse_short(text.as_bytes(), true) {
            prop_assert_eq!(Some(short.decimal()), full);
        }
        let whole = style.parse_integer(&text);
        if usual && let Some(short) = style.parse_short(text.as_bytes(), false) {
            prop_assert_eq!(Some(short.decimal()), whole);
        }
        if let (true, Some(number)) = (usual, full) {
            prop_assert_eq!(style.parse_number(&style.write(number)), Some(number));
        }
    }

    #[test]
    fn any_pattern_reads_or_refuses_any_text(
        parts in prop::collection::vec(prop::sample::select(PATTERN_PARTS), 0..6),
        text in text(),
        // From 1970 to 2068, which two digits of a year can tell.
        moment in 0_i64..3_124_224_000,
    ) {
        for kind in [FieldType::Date, FieldType::Time, FieldType::Datetime] {
            let _ = value::parse(kind, &Format::Pattern(parts.concat()), &text);
        }
        // What a pattern writes, it reads, if it says all of it and its parts can be told apart; twelve hours cannot.
        prop_assume!(!parts.contains(&"%I"));
        let pattern = parts.join("|");
        let format = Format::Pattern(pattern.clone());
        let moment = jiff::Timestamp::from_second(moment).expect("a moment").to_zoned(jiff::tz::TimeZone::UTC);
        let broken_down = jiff::fmt::strtime::BrokenDownTime::from(&moment);
        if let Ok(written) = broken_down.to_string(&pattern)
            && jiff::fmt::strtime::BrokenDownTime::parse(&pattern, &written).is_ok_and(|read| read.to_date().is_ok())
        {
            let read = value::parse(FieldType::Date, &format, &written);
            prop_assert!(matches!(read, Some(Scalar::Date(_))), "{pattern:?}: {written:?}: {read:?}");
        }
    }

    #[test]
    fn durations_have_one_order_whichever_comes_first(one in text(), other in text()) {
        use crate::value::Duration;
        if let (Some(one), Some(other)) = (Duration::parse(one.as_bytes()), Duration::parse(other.as_bytes())) {
            prop_assert_eq!(one.partial_cmp(&other), other.partial_cmp(&one).map(std::cmp::Ordering::reverse));
            prop_assert_eq!(one == other, one.partial_cmp(&other) == Some(std::cmp::Ordering::Equal));
        }
    }
}
