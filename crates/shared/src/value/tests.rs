use super::*;

fn number(text: &str) -> Option<String> {
    parse_number(text).map(|n| n.normalize().to_string())
}

#[test]
fn numbers_as_table_schema_has_them() {
    for (text, expected) in [
        ("899", "899"),
        ("-5", "-5"),
        ("+5", "5"),
        ("899.", "899"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("12e-1", "1.2"),
        ("0e9999", "0"),
        ("1e-400", "0"),
        ("  7.25 ", "7.25"),
        ("00012", "12"),
        ("123456789012345678901234567", "123456789012345678901234567"),
        ("1e27", "1000000000000000000000000000"),
        ("0.1234567890123456789012345678901", "0.1234567890123456789012345679"),
    ] {
        assert_eq!(number(text).as_deref(), Some(expected), "{text:?}");
    }
}

#[test]
fn what_is_no_number() {
    for text in [
        "",
        " ",
        "nan",
        "NaN",
        "inf",
        "-INF",
        "Infinity",
        "1_000",
        "1e400",
        "1e30",
        "0x10",
        "１２",
        "$899",
        "1,299",
        "1.2.3",
        "--5",
        "+-5",
        "5-",
        "e5",
        ".",
        "+",
        "1e",
        "1e+",
        "1e99999",
        "12 34",
        "\t5",
        "5\u{a0}",
        "1e99999999999999999999999",
    ] {
        assert_eq!(number(text), None, "{text:?}");
    }
}

#[test]
fn integers_have_no_point_and_no_exponent() {
    assert_eq!(parse_integer(" +12 "), Some(Decimal::from(12)));
    for text in ["12.", "12.0", "1e3", "", "-", "1 2"] {
        assert_eq!(parse_integer(text), None, "{text:?}");
    }
}

#[test]
fn short_numbers_compare_as_decimals_do() {
    let texts = [
        "0",
        "-0",
        "1",
        "1.0",
        "10",
        "9.99",
        "-3.5",
        "999999999999999999",
        "-999999999999999999",
        "0.0000000000000001",
    ];
    for a in texts {
        for b in texts {
            let short = Short::parse(a.as_bytes()).unwrap().cmp(&Short::parse(b.as_bytes()).unwrap());
            let exact = parse_number(a).unwrap().cmp(&parse_number(b).unwrap());
            assert_eq!(short, exact, "{a} against {b}");
        }
    }
}

#[test]
fn dates_that_exist_in_the_default_form() {
    assert_eq!(parse_date(b"2024-02-29"), Some(jiff::civil::date(2024, 2, 29)));
    for text in [
        "2024-02-30",
        "2023-02-29",
        "2024-5-2",
        "20/05/2024",
        "0000-01-01",
        "2024-13-01",
        "2024-05-20 ",
        "20240520",
    ] {
        assert_eq!(parse_date(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn datetimes_become_utc() {
    let expected = jiff::civil::date(2025, 9, 18).at(8, 6, 23, 359_844_000);
    for text in
        ["2025-09-18T08:06:23.359844Z", "2025-09-18 08:06:23.359844", "2025-09-18T10:06:23.359844+02:00"]
    {
        assert_eq!(parse_datetime(text.as_bytes()), Some(expected), "{text:?}");
    }
    for text in [
        "2025-09-18",
        "2025-09-18T08:06",
        "2025-09-18T25:00:00Z",
        "2025-09-18T08:06:23.Z",
        "2025-09-18T08:06:23+2:00",
        "é025-09-18T08",
    ] {
        assert_eq!(parse_datetime(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn times_years_and_booleans() {
    assert_eq!(parse_time(b"13:05:00"), Some(jiff::civil::time(13, 5, 0, 0)));
    assert_eq!(parse_time(b"13:05"), None);
    assert_eq!(parse_time(b"24:00:00"), None);
    assert_eq!(parse_year(b"2024"), Some(2024));
    assert_eq!(parse_year(b"0000"), None);
    assert_eq!(parse_year(b"twen"), None);
    assert_eq!(parse_boolean(b"TRUE"), Some(true));
    assert_eq!(parse_boolean(b"yes"), None);
}

#[test]
fn a_pattern_replaces_the_default_form() {
    let format = Format::Pattern("%d/%m/%Y".into());
    let expected = Scalar::Date(jiff::civil::date(2024, 5, 20));
    assert_eq!(parse(FieldType::Date, &format, "20/05/2024"), Some(expected));
    for text in ["2024-05-20", "20/05/24", " 20/05/2024", "20/05/2024 ", "0/05/2024"] {
        assert_eq!(parse(FieldType::Date, &format, text), None, "{text:?}");
    }
    let unpadded = parse(FieldType::Date, &format, "2/5/2024");
    assert_eq!(unpadded, Some(Scalar::Date(jiff::civil::date(2024, 5, 2))));
    let short = Format::Pattern("%d.%m.%y".into());
    assert_eq!(parse(FieldType::Date, &short, "1.1.1"), None);
    let zoned = Format::Pattern("%Y-%m-%d %H:%M %z".into());
    let utc = Scalar::Datetime(jiff::civil::date(2024, 5, 20).at(11, 5, 0, 0));
    assert_eq!(parse(FieldType::Datetime, &zoned, "2024-05-20 13:05 +0200"), Some(utc));
}

#[test]
fn every_part_of_a_pattern_is_read_as_python_writes_it() {
    let reads = |kind, pattern: &str, text: &str| {
        parse(kind, &Format::Pattern(pattern.into()), text).map(|value| value.to_string())
    };
    for (pattern, text, expected) in [
        ("%Y-%m-%d %H:%M:%S.%f", "2024-05-20 13:05:07.500000", "2024-05-20T13:05:07.5"),
        ("%Y-%m-%d %H:%M:%S.%f", "2024-5-20 13:5:7.050", "2024-05-20T13:05:07.05"),
        ("%S.%f %H:%M %d.%m.%Y", "07.000000 13:05 20.05.2024", "2024-05-20T13:05:07"),
        ("%a, %d %b %Y %H:%M:%S %z", "Mon, 20 May 2024 13:05:07 +0200", "2024-05-20T11:05:07"),
        ("%A %d %B %Y %I:%M %p", "monday 20 may 2024 01:05 pm", "2024-05-20T13:05:00"),
        ("%j/%Y %H:%M", "141/2024 13:05", "2024-05-20T13:05:00"),
        ("%G-W%V-%u %H:%M", "2024-W21-1 13:05", "2024-05-20T13:05:00"),
        ("%d/%m/%y %H:%M", "20/5/24 9:05", "2024-05-20T09:05:00"),
        ("%y-%m-%d %H:%M", "05-5-20 9:05", "2005-05-20T09:05:00"),
    ] {
        assert_eq!(reads(FieldType::Datetime, pattern, text).as_deref(), Some(expected), "{pattern}: {text}");
    }
    for (pattern, text) in [
        ("%d.%m.%y", "1.1.1"),
        ("%D", "1/1/1"),
        ("%y%m%d", "2451"),
        ("%F", "24-05-20"),
        ("%d.%m.%Y", "20.05.24"),
        ("%A %d %m %Y", "Tuesday 20 05 2024"),
        ("%Y-%m-%d.%f", "2024-05-20."),
        // A date does not know hours; the pattern may have them nevertheless.
        ("%Y-%m-%d %H", "2024-05-20 25"),
    ] {
        assert_eq!(reads(FieldType::Date, pattern, text), None, "{pattern}: {text}");
    }
    assert_eq!(reads(FieldType::Date, "%Y-%m-%d %H", "2024-05-20 13").as_deref(), Some("2024-05-20"));
    assert_eq!(reads(FieldType::Date, "%d.%m.%y", "20.5.04").as_deref(), Some("2004-05-20"));
    assert_eq!(reads(FieldType::Time, "%I:%M %p", "1:05 PM").as_deref(), Some("13:05:00"));
}
