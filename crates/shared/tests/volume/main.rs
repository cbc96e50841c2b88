//! The properties that the fuzz targets check, at volume, on the ordinary compiler.
//!
//! Each property takes any bytes: the first few choose the layout, the limits and the cuts, the rest is the
//! input. `fuzz/` calls the same functions with bytes of its own choice. How many inputs are made here is set by
//! `GRISTMILL_CASES`, for each of the properties.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test stops at the first surprise; how much is tested is said from outside, and told"
)]

mod contract;
mod control;
mod rows;
mod split;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// How many inputs a property gets when nobody says so.
const CASES: u32 = 2_000;

fn run(strategy: impl Strategy<Value = Vec<u8>>, property: impl Fn(&[u8])) {
    let cases = std::env::var("GRISTMILL_CASES").ok().map_or(CASES, |cases| cases.parse().unwrap());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |input| {
        property(&input);
        Ok::<(), TestCaseError>(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    println!("{cases} inputs");
}

/// Bytes that choose, then bytes that are mostly what matters to a CSV reader.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    const BYTES: &[u8] =
        b",,,,\"\"\"\"\n\n\n\r\r ;;\t|''abc015.-abc015.-=\\\x00\x07\x7f\x80\xbf\xc3\xa9\xe2\x82\xac\xef\xbb\xbf\xff";
    let pick = (0..BYTES.len()).prop_map(|index| BYTES[index]);
    let any = prop::array::uniform8(any::<u8>());
    (any, prop::collection::vec(pick, 0..250)).prop_map(|(control, bytes)| [&control[..], &bytes].concat())
}

/// Bytes that choose, then records that are well formed but for a few.
fn tables() -> impl Strategy<Value = Vec<u8>> {
    const CELLS: [&str; 20] = [
        "1",
        "-2",
        "3.5",
        "",
        "abc",
        "\"a,b\"",
        "\"a\"\"b\"",
        "\"two\nlines\"",
        "\"x\"y",
        "5\" disc",
        "é",
        " 7 ",
        "2024-02-30",
        "=1+1",
        "\"\"",
        "true",
        "N/A",
        "'q'",
        "\u{202e}",
        "a;b",
    ];
    const ENDS: [&str; 4] = ["\n", "\r\n", "\r", "\n\n"];
    let cell = (0..CELLS.len()).prop_map(|index| CELLS[index]);
    let row = (prop::collection::vec(cell, 0..5), 0..ENDS.len());
    (prop::array::uniform8(any::<u8>()), prop::collection::vec(row, 0..20)).prop_map(|(control, rows)| {
        let mut bytes = control.to_vec();
        bytes.extend_from_slice(b"a,b,c\n");
        for (cells, end) in rows {
            bytes.extend_from_slice(cells.join(",").as_bytes());
            bytes.extend_from_slice(ENDS[end].as_bytes());
        }
        bytes
    })
}

/// A contract of the repository, damaged in a few places.
fn descriptors() -> impl Strategy<Value = Vec<u8>> {
    const TEXTS: [&str; 3] = [
        include_str!("../../../../contracts/customer_orders.json"),
        include_str!("../../../../contracts/health_metrics.json"),
        include_str!("../../../../contracts/smartphone_sales.json"),
    ];
    const PARTS: [&str; 34] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1e400",
        "99999999999999999999",
        "\"name\"",
        "\"type\"",
        "\"integer\"",
        "\"date\"",
        "\"format\"",
        "\"%d/%m/%Y\"",
        "\"constraints\"",
        "\"pattern\"",
        "\"(a+)+$\"",
        "\"enum\"",
        "\"primaryKey\"",
        "\"dialect\"",
        "\"delimiter\"",
        "\"\u{e9}\"",
        "\"formula\"",
        "\"a / 0 > (1\"",
        "\"missingValues\"",
        "\\u0000",
        "\"uniqueKeys\"",
        "[[[[[[",
    ];
    let edit = (any::<prop::sample::Index>(), 0_usize..12, 0..PARTS.len());
    (0..TEXTS.len(), prop::collection::vec(edit, 1..6)).prop_map(|(text, edits)| {
        let mut bytes = TEXTS[text].as_bytes().to_vec();
        for (at, removed, part) in edits {
            let at = at.index(bytes.len());
            let end = (at + removed).min(bytes.len());
            bytes.splice(at..end, PARTS[part].bytes());
        }
        bytes
    })
}

#[test]
fn the_reader_reads_as_a_simple_parser_does_however_the_input_is_cut() {
    run(prop_oneof![hostile(), tables()], rows::check);
}

#[test]
fn every_record_is_in_one_output_and_both_outputs_rebuild_the_input() {
    run(prop_oneof![hostile(), tables()], split::check);
}

#[test]
fn a_contract_is_sound_or_its_problems_are_told_with_pointers() {
    run(descriptors(), contract::check);
}

#[test]
fn inputs_that_once_failed_hold() {
    // A tab before a quote is text, also where spaces there are dropped.
    rows::check(b"\x30\0\0\0\0\0\0\0\t''a");
    // A stray quote whose next quote stood in the next record, and stands in another one in the rejected file.
    split::check(b"\0\0\0\x2c\0\0\0\0\",\"\n\"\n \" ");
    // An escape with nothing behind it, at the end of the file.
    split::check(b"\0\0\0\x2b\0\0\0\0\\");
    // The same as the last byte that is kept of an oversized record.
    let commas = b",".repeat(61);
    split::check(&[&b"\0\0\x0d\x13\0\0\0\0'"[..], &commas, b"'\\\n,"].concat());
}
