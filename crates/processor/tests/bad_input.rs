//! What bad input gets, line by line: one test for each line of the table in `docs/BAD-INPUT.md`.
//!
//! Each file goes through the whole processor on ports in memory. What a line says about mail and model is tested
//! where mail and model are; the table names those tests too, and `the_table_names_every_test` keeps it true.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers stop at the first surprise"
)]

use std::fmt::Write as _;
use std::path::Path;

use futures_lite::future::block_on;
use processor::{Arrival, Outcome, Processor, Settings};
use shared::manifest::{Manifest, Output, Status};
use shared::memory::{ManualClock, MemoryEvents, MemoryObjects};
use shared::ports::SourceObject;
use shared::rows::{Layout, Limits, Reader, Step};
use shared::violation::FileCode;

const CONTRACTS: [(&str, &str); 2] = [
    ("smartphone_sales", include_str!("../../../contracts/smartphone_sales.json")),
    ("customer_orders", include_str!("../../../contracts/customer_orders.json")),
];

/// Two columns, both as they come.
const PLAIN: &str = r#"{"name": "plain", "schema": {"fields": [{"name": "id"}, {"name": "note"}]}}"#;

/// A file that was processed.
struct Done {
    manifest: Manifest,
    /// The records of the outputs as cells, the header first.
    processed: Vec<Vec<String>>,
    rejected: Vec<Vec<String>>,
    errors: Vec<Vec<String>>,
    /// The outputs as they were written.
    raw_processed: Vec<u8>,
    raw_rejected: Vec<u8>,
}

impl Done {
    #[track_caller]
    fn split(self, valid: u64, rejected: u64) -> Self {
        let Manifest { status, code, reason, rows, .. } = &self.manifest;
        assert_eq!(*status, Status::Completed, "{code:?}: {reason:?}");
        assert_eq!((rows.valid, rows.rejected), (valid, rejected), "{:?}", self.errors);
        assert_eq!(rows.total, valid + rejected);
        // In each output as many records as the manifest says, and no row in both.
        let rows_of = |records: &[Vec<String>], name: &str| -> Vec<u64> {
            let Some(header) = records.first() else { return Vec::new() };
            let from_end = header.len() - header.iter().position(|label| label == name).unwrap();
            records.iter().skip(1).map(|cells| cells[cells.len() - from_end].parse().unwrap()).collect()
        };
        let mut all = rows_of(&self.processed, "source_row");
        all.extend(rows_of(&self.rejected, "source_row"));
        all.sort_unstable();
        assert_eq!(all, (1..=valid + rejected).collect::<Vec<_>>());
        self
    }

    /// The one verdict, and nothing of the file in any output.
    #[track_caller]
    fn refused(self, code: FileCode) -> String {
        assert_eq!((self.manifest.status, self.manifest.code), (Status::Rejected, Some(code)));
        assert_eq!(self.manifest.outputs, shared::manifest::Outputs::default());
        self.manifest.reason.unwrap()
    }

    /// Row, line, column and code of every violation.
    fn violations(&self) -> Vec<(u64, u64, &str, &str)> {
        let number = |text: &String| text.parse().unwrap();
        self.errors
            .iter()
            .skip(1)
            .map(|cells| (number(&cells[0]), number(&cells[1]), cells[2].as_str(), cells[3].as_str()))
            .collect()
    }

    /// The codes of the violations of a row.
    fn codes(&self, row: u64) -> Vec<&str> {
        self.violations().into_iter().filter(|found| found.0 == row).map(|found| found.3).collect()
    }

    fn rejected_rows(&self) -> Vec<u64> {
        let mut rows: Vec<u64> = self.violations().into_iter().map(|found| found.0).collect();
        rows.dedup();
        rows
    }

    /// The valid values of a column.
    fn values(&self, column: &str) -> Vec<&str> {
        let at = self.processed[0].iter().position(|label| label == column).unwrap();
        self.processed.iter().skip(1).map(|cells| cells[at].as_str()).collect()
    }
}

struct World {
    objects: MemoryObjects,
    processor: Processor<MemoryObjects, MemoryEvents, ManualClock>,
}

impl World {
    fn new() -> Self {
        let objects = MemoryObjects::new();
        let now = "2024-05-20T12:00:00Z".parse().unwrap();
        objects.set_now(now);
        for (name, text) in CONTRACTS {
            objects.put("b", &format!("contracts/{name}.json"), text);
        }
        objects.put("b", "contracts/plain.json", PLAIN);
        let processor =
            Processor::new(objects.clone(), MemoryEvents::new(), ManualClock::at(now), Settings::default());
        Self { objects, processor }
    }

    fn with_contract(self, name: &str, text: &str) -> Self {
        self.objects.put("b", &format!("contracts/{name}.json"), text);
        self
    }

    fn process(&self, source: SourceObject) -> Outcome {
        block_on(self.processor.process(&Arrival { source, nonce: None })).unwrap()
    }

    #[track_caller]
    fn drop_file(&self, key: &str, bytes: impl AsRef<[u8]>) -> Done {
        let Outcome::Finished { manifest, .. } = self.process(self.objects.put("b", key, bytes)) else {
            panic!("the file was not processed")
        };
        let delimiter = manifest.read_as.as_ref().map_or(b',', |read_as| read_as.delimiter as u8);
        let raw = |output: &Option<Output>| {
            output.as_ref().map(|output| self.objects.get("b", &output.key).unwrap()).unwrap_or_default()
        };
        let outputs = &manifest.outputs;
        let (processed, rejected) = (raw(&outputs.processed), raw(&outputs.rejected));
        Done {
            processed: cells(&processed, delimiter),
            rejected: cells(&rejected, delimiter),
            errors: cells(&raw(&outputs.errors), b','),
            raw_processed: processed,
            raw_rejected: rejected,
            manifest: *manifest,
        }
    }
}

/// Drops a file of a data set.
#[track_caller]
fn dropped(dataset: &str, bytes: impl AsRef<[u8]>) -> Done {
    World::new().drop_file(&format!("input/{dataset}/file.csv"), bytes)
}

/// Drops a file of two columns that may hold anything.
#[track_caller]
fn plain(bytes: impl AsRef<[u8]>) -> Done {
    dropped("plain", bytes)
}

/// Drops a file under a contract of its own.
#[track_caller]
fn under(contract: &str, bytes: impl AsRef<[u8]>) -> Done {
    World::new().with_contract("own", contract).drop_file("input/own/file.csv", bytes)
}

/// Drops a sample.
#[track_caller]
fn sample(name: &str) -> Done {
    let sample = samples::files().into_iter().find(|sample| sample.name == name).expect(name);
    dropped(sample.dataset.name(), sample.bytes)
}

fn sample_bytes(name: &str) -> Vec<u8> {
    samples::files().into_iter().find(|sample| sample.name == name).expect(name).bytes
}

/// The records of a CSV as cells. What is no UTF-8 is shown with replacement characters.
fn cells(bytes: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    let layout = Layout { delimiter, ..Layout::default() };
    let mut reader = Reader::with_block(layout, Limits::STANDARD, bytes.len());
    reader.space()[..bytes.len()].copy_from_slice(bytes);
    reader.filled(bytes.len());
    reader.filled(0);
    let mut records = Vec::new();
    while let Step::Record(record) = reader.next_record() {
        records
            .push(record.fields().map(|field| String::from_utf8_lossy(&field.text()).into_owned()).collect());
    }
    records
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

// Encodings

#[test]
fn a_utf8_byte_order_mark_is_stripped_even_twice() {
    for name in ["bom.csv", "bom_twice.csv"] {
        let done = sample(name).split(5, 0);
        assert_eq!(done.processed[0][0], "order_id");
        assert!(!contains(&done.raw_processed, b"\xef\xbb\xbf"));
    }
}

#[test]
fn utf16_with_a_byte_order_mark_is_transcoded() {
    let text: String = {
        let bytes = sample_bytes("utf16le.csv");
        let units = bytes.chunks_exact(2).skip(1).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        char::decode_utf16(units).map(Result::unwrap).collect()
    };
    let expected = dropped("smartphone_sales", &text).split(5, 0);
    for name in ["utf16le.csv", "utf16be.csv"] {
        let done = sample(name).split(5, 0);
        assert_eq!(done.values("customer_review"), expected.values("customer_review"));
        assert_eq!(done.values("order_id"), expected.values("order_id"));
    }
    // A rejected record is transcoded too, and a character that takes two units survives.
    let bytes: Vec<u8> =
        "\u{feff}id,note\n1,\u{1f600}\n2\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let done = plain(bytes).split(1, 1);
    assert_eq!(done.values("note"), ["\u{1f600}"]);
    assert_eq!(done.rejected[1][..2], ["2", "2"]);
}

#[test]
fn utf16_without_a_mark_and_utf32_are_refused_by_name() {
    let reason = sample("utf16_without_bom.csv").refused(FileCode::EncodingError);
    assert!(reason.contains("UTF-16 (little endian)"), "{reason}");
    let wide =
        |order: fn(u16) -> [u8; 2]| -> Vec<u8> { "id,note\n1,x\n".encode_utf16().flat_map(order).collect() };
    let reason = plain(wide(u16::to_be_bytes)).refused(FileCode::EncodingError);
    assert!(reason.contains("UTF-16 (big endian)"), "{reason}");
    let utf32 = |order: fn(u32) -> [u8; 4]| -> Vec<u8> {
        "\u{feff}id,note\n1,x\n".chars().flat_map(|letter| order(u32::from(letter))).collect()
    };
    for bytes in [utf32(u32::to_le_bytes), utf32(u32::to_be_bytes)] {
        let reason = plain(bytes).refused(FileCode::EncodingError);
        assert!(reason.contains("UTF-32") && reason.contains("UTF-8"), "{reason}");
    }
}

#[test]
fn an_encoding_named_in_the_contract_is_transcoded() {
    let contract = |encoding: &str| {
        format!(
            r#"{{"name": "own", "encoding": "{encoding}",
                "schema": {{"fields": [{{"name": "id"}}, {{"name": "note"}}]}}}}"#
        )
    };
    let done = under(&contract("windows-1252"), b"id,note\n1,Caf\xe9 \x80 5\n").split(1, 0);
    assert_eq!(done.values("note"), ["Café € 5"]);
    // Shift JIS for "table"; 0x5C stands in its second byte, where no backslash is meant.
    let done = under(&contract("shift_jis"), b"id,note\n1,\x95\x5c\n2,\xfd\xfe\n3,ok\n").split(2, 1);
    assert_eq!(done.values("note"), ["表", "ok"]);
    assert_eq!(done.violations(), [(2, 3, "note", "encoding-error")]);
}

#[test]
fn a_byte_that_is_not_utf8_rejects_its_row_and_survives() {
    let done = sample("not_utf8.csv").split(4, 1);
    assert_eq!(done.violations(), [(3, 4, "customer_review", "encoding-error")]);
    assert!(contains(&done.raw_rejected, b"Caf\xe9 owner"), "verbatim in the rejected file");
    // "Caf\xe9 owner and happy" in base64.
    assert_eq!(done.errors[1][4], "base64:Q2Fm6SBvd25lciBhbmQgaGFwcHk=");
}

#[test]
fn a_control_character_rejects_its_row() {
    let done = sample("control_character.csv").split(3, 3);
    assert_eq!(done.rejected_rows(), [2, 4, 5]);
    for row in [2, 4, 5] {
        assert_eq!(done.codes(row), ["control-character"]);
    }
    assert!(contains(&done.raw_rejected, b"Good\0phone"), "verbatim in the rejected file");
    assert_eq!(done.errors[1][4], "Good\\u{0}phone", "visible in the errors file");
    assert_eq!(done.values("customer_review")[0], "Good\tvalue", "a tab is a character like any other");
}

#[test]
fn emoji_and_invisible_controls_stay_in_the_data() {
    let done = sample("emoji_and_rtl.csv").split(6, 0);
    let reviews = done.values("customer_review").join("\n");
    for kept in ["\u{1f60d}", "\u{200d}", "\u{202e}", "\u{200b}", "\u{feff}", "e\u{301}"] {
        assert!(reviews.contains(kept), "{kept:?}");
    }
    // In the errors file a person must see them.
    let done = plain("id,note\n1,a\u{202e}b,c\n").split(0, 1);
    assert!(contains(&done.raw_rejected, "a\u{202e}b".as_bytes()));
    let done = under(
        r#"{"name": "own", "schema": {"fields": [{"name": "n", "type": "integer"}]}}"#,
        "n\n1\u{200b}2\n",
    )
    .split(0, 1);
    assert_eq!(done.errors[1][4], "1\\u{200b}2");
}

// Lines

#[test]
fn any_line_ending_is_accepted_with_right_rows_and_lines() {
    for name in ["crlf.csv", "mixed_line_endings.csv", "no_final_newline.csv"] {
        sample(name).split(6, 0);
    }
    for end in ["\n", "\r\n", "\r"] {
        let text = ["id,note", "1,\"a\nb\"", "2", "", "3,c", "4"].join(end);
        let done = plain(text).split(2, 2);
        let lines: Vec<(u64, u64)> = done.violations().iter().map(|found| (found.0, found.1)).collect();
        assert_eq!(lines, [(2, 4), (4, 7)], "{end:?}");
    }
    let done = plain("id,note\r\n1,a\n2\r3,b\r\n4").split(2, 2);
    let lines: Vec<(u64, u64)> = done.violations().iter().map(|found| (found.0, found.1)).collect();
    assert_eq!(lines, [(2, 3), (4, 5)]);
    assert_eq!(done.values("note"), ["a", "b"], "no CR is left in the last cell");
}

#[test]
fn empty_lines_are_no_records() {
    sample("blank_lines.csv").split(6, 0);
    let done = plain("\n\nid,note\n\n1,a\n\r\n\r\r2\n\n").split(1, 1);
    assert_eq!((done.violations()[0].0, done.violations()[0].1), (2, 9));
}

#[test]
fn a_line_of_spaces_is_one_rejected_record() {
    let done = sample("spaces_only_line.csv").split(6, 1);
    assert_eq!(done.codes(3), ["blank-row"]);
    assert!(contains(&done.raw_rejected, b"\n     ,3,"), "verbatim in the rejected file");
}

#[test]
fn a_required_text_of_spaces_is_missing() {
    let done = under(
        r#"{"name": "own", "schema": {"fields": [
            {"name": "id"}, {"name": "name", "type": "string", "constraints": {"required": true}}]}}"#,
        "id,name\n1,   \n2,Ann\n3,\"  \"\n",
    )
    .split(1, 2);
    assert_eq!(done.violations(), [(1, 2, "name", "constraint-error"), (3, 4, "name", "constraint-error")]);
}

#[test]
fn nothing_only_newlines_or_only_a_mark_is_an_empty_file() {
    for name in ["empty.csv", "only_newlines.csv", "bom_only.csv"] {
        let reason = sample(name).refused(FileCode::EmptyFile);
        assert!(reason.contains("nothing in the file"), "{reason}");
    }
    // Also where no contract is meant for it.
    World::new().drop_file("input/x.csv", "").refused(FileCode::EmptyFile);
}

#[test]
fn a_header_alone_completes_without_rows() {
    let done = sample("header_only.csv").split(0, 0);
    assert_eq!(done.manifest.code, Some(FileCode::NoRows));
    assert_eq!(done.manifest.outputs, shared::manifest::Outputs::default());
}

// Quotes

#[test]
fn quoted_delimiters_newlines_and_doubled_quotes_are_read_as_rfc_4180() {
    let done = sample("quoted_newlines.csv").split(5, 0);
    let reviews = done.values("customer_review");
    assert_eq!(reviews[2], "Pros: fast, light.\nCons: the \"free\" case.\r\n\r\nStill good.");
    assert_eq!(reviews[4], "\"Best\" buy");
}

#[test]
fn a_quote_that_is_never_closed_refuses_the_file_with_its_line() {
    for (name, line) in [("unterminated_quote.csv", 4), ("unterminated_last_cell.csv", 6)] {
        let reason = sample(name).refused(FileCode::UnterminatedQuote);
        assert!(reason.contains(&format!("line {line} ")), "{reason}");
    }
    let reason = plain("id,note\n1,\"a\nb\"\n2,x\n\"3,y\n4,z\n").refused(FileCode::UnterminatedQuote);
    assert!(reason.contains("line 5 "), "{reason}");
}

#[test]
fn text_after_a_closing_quote_and_backslash_escapes_reject_their_row() {
    for name in ["text_after_quote.csv", "backslash_escapes.csv"] {
        let done = sample(name).split(4, 1);
        assert!(done.codes(3).contains(&"malformed-quote"), "{:?}", done.violations());
    }
    let done = plain("id,note\n1,\"x\"y\n2,z\n").split(1, 1);
    assert_eq!(done.codes(1), ["malformed-quote"]);
    assert!(contains(&done.raw_rejected, b"1,\"x\"y,1,"), "verbatim in the rejected file");
}

#[test]
fn a_quote_inside_an_unquoted_field_is_kept() {
    let done = sample("quote_inside_field.csv").split(5, 0);
    assert!(done.values("customer_review").contains(&"A 6.7\" screen in a 6\" case"));
}

// Records and headers

#[test]
fn too_few_and_too_many_cells_reject_their_row() {
    let done = sample("ragged_rows.csv").split(3, 5);
    let code = |row| *done.codes(row).first().unwrap();
    assert_eq!([2, 3, 5].map(code), ["missing-cell"; 3]);
    assert_eq!([6, 8].map(code), ["extra-cell"; 2]);
}

#[test]
fn another_delimiter_is_detected_and_noted() {
    for (name, delimiter, words) in [
        ("semicolons.csv", ';', "semicolons"),
        ("tabs.csv", '\t', "tabs"),
        ("pipes.csv", '|', "vertical bars"),
    ] {
        let done = sample(name).split(5, 0);
        assert_eq!(done.values("customer_review")[1], "Good, but not for this price.");
        let read_as = done.manifest.read_as.unwrap();
        assert_eq!(read_as.delimiter, delimiter);
        assert!(read_as.notes.iter().any(|note| note.contains(words)), "{:?}", read_as.notes);
    }
    // A delimiter that the contract fixes is not looked for.
    let contract = r#"{"name": "own", "dialect": {"delimiter": ","}, "schema": {"fields": [
        {"name": "a", "constraints": {"required": true}}, {"name": "b", "constraints": {"required": true}}]}}"#;
    under(contract, "a;b\n1;2\n").refused(FileCode::MissingLabel);
}

#[test]
fn a_file_without_the_required_columns_is_refused_with_what_was_expected_and_found() {
    for (name, found) in [
        ("missing_column.csv", "order_id, date, model"),
        ("no_header.csv", "ORD"),
        ("preamble.csv", "Sales report"),
        ("web_page.csv", "<!DOCTYPE html>"),
        ("json.csv", "["),
    ] {
        let reason = sample(name).refused(FileCode::MissingLabel);
        let (expected, rest) =
            reason.split_once("Expected were: ").unwrap().1.split_once(". Found: ").unwrap();
        assert!(expected.starts_with("order_id, date, model, brand"), "{reason}");
        assert!(rest.starts_with(found), "{name}: {reason}");
    }
    let reason = sample("missing_column.csv").refused(FileCode::MissingLabel);
    assert!(reason.contains("the required column price"), "{reason}");
}

#[test]
fn an_odd_header_that_still_fits_is_accepted() {
    sample("missing_optional_column.csv").split(5, 0);
    let reversed = sample("columns_in_another_order.csv").split(6, 0);
    assert_eq!(reversed.processed[0][0], "color", "the file's own order is kept");
    assert!(reversed.values("order_id").iter().all(|id| id.starts_with("ORD")));
    sample("column_names_in_another_style.csv").split(5, 0);
    let done = sample("extra_column.csv").split(5, 0);
    assert_eq!(done.values("salesperson"), ["Kim"; 5], "carried through");
}

#[test]
fn a_repeated_or_empty_column_name_refuses_the_file() {
    let reason = sample("duplicate_column.csv").refused(FileCode::DuplicateLabel);
    assert!(reason.contains("\"price\""), "{reason}");
    let reason = sample("blank_column_name.csv").refused(FileCode::BlankLabel);
    assert!(reason.contains("column 4 "), "{reason}");
}

#[test]
fn the_header_again_in_mid_file_is_one_rejected_record() {
    let done = sample("repeated_header.csv").split(6, 1);
    assert_eq!(done.rejected_rows(), [4]);
    assert_eq!(done.rejected[1][..3], ["order_id", "date", "model"]);
}

// Limits

#[test]
fn a_field_over_the_limit_and_a_line_that_never_ends_reject_their_row() {
    let long = "x".repeat(64 * 1024);
    let done = plain(format!("id,note\n1,{long}\n2,{long}y\n3,z\n")).split(2, 1);
    assert_eq!(done.violations(), [(2, 3, "note", "field-too-large")]);
    assert!(done.errors[1][4].len() < 1024, "shortened in the errors file");
    // A record over its limit is passed over: its start is kept, with the hash of the whole.
    let endless = format!("2,{}", "y".repeat(3 * 1024 * 1024));
    let done = plain(format!("id,note\n1,a\n{endless}\n3,b\n")).split(2, 1);
    assert_eq!(done.codes(2), ["field-too-large"]);
    let reason = &done.errors[1][5];
    assert!(reason.contains("3145730 bytes"), "{reason}");
    let hash = &reason.split_once("sha256 of the whole: ").unwrap().1[..64];
    assert!(hash.bytes().all(|digit| digit.is_ascii_hexdigit()), "{reason}");
    assert!(done.raw_rejected.len() < 4096 && contains(&done.raw_rejected, b"yyyy"));
    // Also when the file ends in it.
    let done = plain(format!("id,note\n1,a\n{endless}")).split(1, 1);
    assert_eq!(done.codes(2), ["field-too-large"]);
}

// Values

#[test]
fn odd_notations_of_numbers_are_type_errors_and_standard_ones_are_fine() {
    let done = sample("numbers.csv").split(6, 10);
    assert_eq!(done.rejected_rows(), (1..=10).collect::<Vec<_>>());
    for row in 1..=10 {
        assert!(done.codes(row).contains(&"type-error"), "row {row}: {:?}", done.codes(row));
    }
    assert_eq!(done.values("price"), [" 899 ", "+5", "899.", "1e3", "0.01", "10000"]);
}

#[test]
fn impossible_and_foreign_dates_are_type_errors() {
    let done = sample("dates.csv").split(3, 8);
    assert_eq!(done.values("date"), ["2024-02-29", "2024-12-31", "2025-01-01"]);
    for row in done.rejected_rows() {
        assert_eq!(done.codes(row), ["type-error"]);
    }
}

#[test]
fn a_missing_value_is_fine_when_optional_and_not_when_required() {
    let done = under(
        r#"{"name": "own", "schema": {"missingValues": ["", "N/A", "-"], "fields": [
            {"name": "id", "type": "integer", "constraints": {"required": true}},
            {"name": "n", "type": "number"}]}}"#,
        "id,n\n1,N/A\n2,-\n3,\nN/A,5\n-,6\n,7\n",
    )
    .split(3, 3);
    assert_eq!(done.rejected_rows(), [4, 5, 6]);
    for row in [4, 5, 6] {
        assert_eq!(done.codes(row), ["constraint-error"]);
    }
}

#[test]
fn every_rule_that_is_broken_is_reported() {
    let done = sample("several_mistakes.csv").split(4, 1);
    let columns: Vec<&str> = done.violations().iter().map(|found| found.2).collect();
    assert_eq!(columns, ["date", "price", "region", "ram"]);
    // Several rules of one value.
    let done = under(
        r#"{"name": "own", "schema": {"fields": [
            {"name": "t", "type": "string", "constraints": {"maxLength": 3, "pattern": "[a-z]+", "enum": ["ab"]}}]}}"#,
        "t\nABCDE\nab\n",
    )
    .split(1, 1);
    assert_eq!(done.codes(1), ["constraint-error"; 3]);
    assert_eq!(done.rejected[1][2].split("; ").count(), 3);
}

#[test]
fn a_duplicate_primary_key_rejects_the_later_row_and_names_the_first() {
    let done = sample("duplicate_keys.csv").split(5, 3);
    assert_eq!(done.rejected_rows(), [4, 6, 7]);
    for (line, first) in [(1, 2), (2, 3), (3, 3)] {
        assert_eq!(done.errors[line][3], "primary-key");
        assert!(done.errors[line][5].contains(&format!("row {first}")), "{}", done.errors[line][5]);
    }
}

#[test]
fn a_file_without_a_valid_row_completes() {
    let done = sample("all_rejected.csv").split(0, 6);
    assert!(done.manifest.outputs.processed.is_none());
    assert!(done.manifest.outputs.rejected.is_some() && done.manifest.outputs.errors.is_some());
}

// Formats

#[test]
fn gzip_is_decompressed_as_a_stream_within_limits() {
    let done = sample("gzip.csv").split(5, 0);
    assert_eq!(done.values("order_id").len(), 5);
    // Two members one behind the other are one file, whatever the name.
    let done = plain([gzip(b"id,note\n1,a\n"), gzip(b"2,b\n3\n")].concat()).split(2, 1);
    assert_eq!(done.values("note"), ["a", "b"]);
    // A stream that ends early is refused whole.
    let whole = gzip(&b"id,note\n1,a\n".repeat(1000));
    assert_eq!(plain(&whole[..whole.len() - 9]).manifest.status, Status::Rejected);
    // 64 MiB in 64 KB, far over 200 to 1: as rows, and as one line without end.
    let rows = gzip(&[&b"id,note\n"[..], &b"1,a\n".repeat(16 * 1024 * 1024)].concat());
    let reason = plain(rows).refused(FileCode::FileTooLarge);
    assert!(reason.contains("200"), "{reason}");
    plain(gzip(&vec![0; 64 * 1024 * 1024])).refused(FileCode::FieldTooLarge);
}

fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn other_formats_are_refused_by_name() {
    for (name, what) in [("zip.csv", "ZIP archive or an Excel workbook"), ("pdf.csv", "PDF document")] {
        let reason = sample(name).refused(FileCode::UnsupportedFormat);
        assert!(reason.contains(what) && reason.contains("CSV"), "{reason}");
    }
    sample("random_bytes.csv").refused(FileCode::UnsupportedFormat);
    for (magic, what) in [
        (&b"PAR1\x15\x04"[..], "Parquet"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "Zstandard"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "Excel"),
        (b"SQLite format 3\0", "SQLite"),
    ] {
        let reason = plain([magic, &[0; 64][..]].concat()).refused(FileCode::UnsupportedFormat);
        assert!(reason.contains(what), "{reason}");
    }
}

// Hostile cells

#[test]
fn formula_cells_are_untouched_in_the_data_and_harmless_in_the_errors_file() {
    let done = sample("formula_cells.csv").split(6, 0);
    assert_eq!(done.values("customer_review")[1], "+1 from me");
    assert_eq!(done.values("customer_review")[4], "\t=1+1");
    assert_eq!(done.values("model")[1], "=1+1");
    // The errors file and the reasons are for people: an apostrophe goes before what would run.
    let done = under(
        r#"{"name": "own", "schema": {"fields": [{"name": "n", "type": "integer"}, {"name": "=x", "type": "integer"}]}}"#,
        "n,=x\n=1+1,1\n@SUM(A1),1\n-5x,1\n1,=2+2\n",
    )
    .split(0, 4);
    let values: Vec<&str> = done.errors.iter().skip(1).map(|cells| cells[4].as_str()).collect();
    assert_eq!(values, ["'=1+1", "'@SUM(A1)", "'-5x", "'=2+2"]);
    assert_eq!(done.rejected[1][0], "=1+1", "verbatim in the rejected file");
    for cells in done.errors.iter().chain(&done.rejected).skip(1) {
        let reason = cells.last().unwrap();
        assert!(!reason.starts_with(['=', '+', '-', '@', '\t', '\r']), "{reason}");
    }
}

#[test]
fn markup_in_cells_and_keys_is_data_and_cannot_leave_its_place() {
    let done = sample("html_in_cells.csv").split(6, 0);
    assert!(done.values("customer_review")[2].starts_with("Fine\r\nBcc: everyone@example.com"));
    let key = "input/plain/<script>alert(1)</script>\r\nBcc: x@example.com.csv";
    let world = World::new();
    let done = world.drop_file(key, "id,note\n1,a\n").split(1, 0);
    assert_eq!(done.manifest.source.key, key);
    assert_eq!(done.values("source_file"), [key]);
    let output = done.manifest.outputs.processed.unwrap().key;
    assert!(output.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte)), "{output}");
    let metadata = world.objects.metadata("b", &output).unwrap();
    assert!(metadata["source-key"].bytes().all(|byte| byte.is_ascii_graphic()), "{metadata:?}");
}

#[test]
fn instructions_in_a_review_are_data() {
    let done = sample("prompt_injection.csv").split(7, 0);
    assert!(done.values("customer_review")[0].starts_with("Ignore all previous instructions"));
    // Nothing of a row travels in an event.
    let event = done.manifest.event().detail().unwrap();
    assert!(!event.contains("Ignore") && !event.contains("voucher"), "{event}");
}

// Keys

#[test]
fn odd_keys_are_processed() {
    let mut names: Vec<String> = [
        "with spaces.csv",
        "a+b.csv",
        "100%.csv",
        "100%25.csv",
        "it's \"quoted\".csv",
        "two\nlines.csv",
        "naïve 表 🦀.csv",
        "..",
        "...",
        "a//b.csv",
        "../../etc/passwd",
        "UPPER.CSV",
        "no extension",
        ".csv",
        "=1+1.csv",
        "a\u{202e}b.csv",
    ]
    .map(String::from)
    .to_vec();
    names.push("n".repeat(1000));
    let mut outputs = std::collections::BTreeSet::new();
    for name in &names {
        let key = format!("input/plain/{name}");
        let done = World::new().drop_file(&key, "id,note\n1,a\n2\n").split(1, 1);
        assert_eq!(done.manifest.source.key, key);
        assert_eq!(done.values("source_file"), [key.as_str()]);
        let output = done.manifest.outputs.processed.unwrap().key;
        assert!(output.starts_with("processed/plain/") && output.ends_with(".csv"), "{output}");
        assert!(!output.contains("..") || name.contains(".."), "{output}");
        assert_eq!(output.matches('/').count(), 2, "{output}");
        assert!(outputs.insert(output), "two files share an output");
    }
    assert_eq!(outputs.len(), names.len());
}

#[test]
fn a_replaced_or_deleted_object_is_never_half_read() {
    let world = World::new();
    let key = "input/plain/x.csv";
    let mut source = world.objects.put("b", key, "id,note\n1,a\n");
    source.version_id = None;
    world.objects.put("b", key, "id,note\n1,b\n2,c\n");
    assert_eq!(world.process(source.clone()), Outcome::Superseded);
    world.objects.remove("b", key);
    assert_eq!(world.process(source), Outcome::SourceGone);
    assert!(world.objects.keys().iter().all(|key| key.starts_with("contracts/")));
}

// The table

/// Lines of the table: as many as the policy has.
const LINES: usize = 37;

#[test]
fn the_table_names_every_test_and_every_test_that_it_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = std::fs::read_to_string(root.join("docs/BAD-INPUT.md")).unwrap();
    let lines: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert_eq!(lines.len(), LINES);
    let mut trouble = String::new();
    let mut named = Vec::new();
    for line in &lines {
        let tests = line.trim_end_matches(" |").rsplit_once(" | ").unwrap().1;
        let mut file = "crates/processor/tests/bad_input.rs";
        let mut own = 0;
        // Each is a test's name, behind the name of its file when that is another one than this.
        for part in tests.split('`').skip(1).step_by(2) {
            if part.contains('/') {
                file = part;
                continue;
            }
            let source = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            if !source.contains(&format!("fn {part}(")) {
                writeln!(trouble, "{file} has no test {part}").unwrap();
            }
            if file.ends_with("processor/tests/bad_input.rs") {
                own += 1;
                named.push(part);
            }
        }
        if own != 1 {
            writeln!(trouble, "not one test of this file: {line}").unwrap();
        }
    }
    let source = include_str!("bad_input.rs");
    let mut pieces = source.split("#[test]\n").skip(1);
    for test in pieces.by_ref() {
        let name = test.split("fn ").nth(1).unwrap().split('(').next().unwrap();
        if !named.contains(&name) && !name.starts_with("the_table_names") {
            writeln!(trouble, "the table does not name {name}").unwrap();
        }
    }
    assert!(trouble.is_empty(), "{trouble}");
}
