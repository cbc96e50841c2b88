//! Rejects that people can fix: the cells that the errors file lists are corrected in the rejected file, the file
//! is dropped again as it is, added columns and all, and nothing is rejected any more.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers stop at the first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};

use futures_lite::future::block_on;
use processor::{Arrival, Outcome, Processor, Settings};
use samples::{Dataset, Spec};
use shared::manifest::{Manifest, Output, Status};
use shared::memory::{ManualClock, MemoryEvents, MemoryObjects};
use shared::rows::{Layout, Limits, Reader, Step};

type Cells = Vec<Vec<u8>>;

/// How a table is written.
#[derive(Debug, Clone, Copy)]
struct Style {
    layout: Layout,
    line_end: &'static str,
}

/// Commas, quotes and LF.
fn commas() -> Style {
    Style { layout: Layout::default(), line_end: "\n" }
}

impl Style {
    fn read(self, bytes: &[u8]) -> Vec<Cells> {
        let mut reader = Reader::with_block(self.layout, Limits::STANDARD, bytes.len());
        reader.space()[..bytes.len()].copy_from_slice(bytes);
        reader.filled(bytes.len());
        reader.filled(0);
        let mut records = Vec::new();
        loop {
            match reader.next_record() {
                Step::Record(record) => {
                    records.push(record.fields().map(|field| field.text().into_owned()).collect());
                }
                Step::End => return records,
                other => panic!("{other:?}"),
            }
        }
    }

    fn write(self, records: &[Cells]) -> Vec<u8> {
        let Layout { delimiter, quote, .. } = self.layout;
        let mut bytes = Vec::new();
        for cells in records {
            for (index, cell) in cells.iter().enumerate() {
                if index > 0 {
                    bytes.push(delimiter);
                }
                if !cell.iter().any(|byte| [delimiter, quote, b'\n', b'\r'].contains(byte)) {
                    bytes.extend_from_slice(cell);
                    continue;
                }
                bytes.push(quote);
                for byte in cell {
                    if *byte == quote {
                        bytes.push(quote);
                    }
                    bytes.push(*byte);
                }
                bytes.push(quote);
            }
            bytes.extend_from_slice(self.line_end.as_bytes());
        }
        bytes
    }
}

/// What a run wrote.
struct Ran {
    manifest: Manifest,
    processed: Vec<u8>,
    rejected: Vec<u8>,
    errors: Vec<u8>,
}

/// Drops a file under a contract.
fn process(contract: &str, name: &str, bytes: &[u8]) -> Ran {
    let objects = MemoryObjects::new();
    objects.put("b", "contracts/own.json", contract);
    let clock = ManualClock::at("2024-05-20T12:00:00Z".parse().unwrap());
    let processor = Processor::new(objects.clone(), MemoryEvents::new(), clock, Settings::default());
    let source = objects.put("b", &format!("input/own/{name}"), bytes);
    let outcome = block_on(processor.process(&Arrival { source, nonce: None })).unwrap();
    let Outcome::Finished { manifest, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(manifest.status, Status::Completed, "{:?}", manifest.reason);
    let bytes = |output: &Option<Output>| {
        output.as_ref().map(|output| objects.get("b", &output.key).unwrap()).unwrap_or_default()
    };
    let (processed, rejected, errors) = (
        bytes(&manifest.outputs.processed),
        bytes(&manifest.outputs.rejected),
        bytes(&manifest.outputs.errors),
    );
    Ran { manifest: *manifest, processed, rejected, errors }
}

fn text(cell: &[u8]) -> &str {
    std::str::from_utf8(cell).unwrap()
}

/// Corrects in the rejected file what the errors file lists, from the table that is right.
///
/// A violation that names no column is about the form of the whole record: cells missing or too many, or a quote
/// in the wrong place. Its own cells are replaced then, and only its own.
fn corrected(style: Style, ran: &Ran, clean: &[Cells]) -> Vec<u8> {
    let mut rejected = style.read(&ran.rejected);
    let header = rejected[0].clone();
    let own = header.len() - 3;
    assert_eq!(
        header[own..].iter().map(|cell| text(cell)).collect::<Vec<_>>(),
        ["source_row", "rejection_codes", "rejection_reasons"]
    );
    let mut listed: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for violation in commas().read(&ran.errors).iter().skip(1) {
        let columns = listed.entry(text(&violation[0]).parse().unwrap()).or_default();
        columns.insert(text(&violation[2]).to_owned());
    }
    for record in rejected.iter_mut().skip(1) {
        let row: usize = text(&record[record.len() - 3]).parse().unwrap();
        let columns = listed.remove(&row).unwrap();
        let added = record.split_off(record.len() - 3);
        if columns.contains("") {
            record.clone_from(&clean[row]);
        }
        // A cell that is missing is listed too.
        record.resize(own, Vec::new());
        for column in columns.iter().filter(|column| !column.is_empty()) {
            // A key of several columns is listed as such.
            for name in column.split(", ") {
                let at = header.iter().position(|label| text(label) == name).unwrap();
                assert!(
                    columns.contains("") || record[at] != clean[row][at],
                    "row {row}, {name}: listed, and not wrong"
                );
                record[at].clone_from(&clean[row][at]);
            }
        }
        record.extend(added);
    }
    assert!(listed.is_empty(), "listed as wrong, and not in the rejected file: {listed:?}");
    style.write(&rejected)
}

/// The file's own cells of the processed records, in order.
fn accepted(style: Style, ran: &Ran, width: usize) -> Vec<Cells> {
    // Whatever quote the file has, processed has the usual one.
    let style = Style { layout: Layout { quote: b'"', ..style.layout }, ..style };
    style.read(&ran.processed).into_iter().skip(1).map(|cells| cells[..width].to_vec()).collect()
}

fn assert_mends(contract: &str, style: Style, clean: &[Cells], bad: &[u8], least: u64) {
    let first = process(contract, "orders.csv", bad);
    assert!(first.manifest.rows.rejected >= least, "{:?}", first.manifest.rows);
    assert_eq!(first.manifest.rows.total as usize, clean.len() - 1);
    let again = process(contract, "orders-fixed.csv", &corrected(style, &first, clean));
    assert_eq!(again.manifest.rows.rejected, 0, "{}", String::from_utf8_lossy(&again.errors));
    assert_eq!(again.manifest.rows.valid, first.manifest.rows.rejected);
    let mut all = accepted(style, &first, clean[0].len());
    all.extend(accepted(style, &again, clean[0].len()));
    all.sort();
    let mut expected = clean[1..].to_vec();
    expected.sort();
    assert_eq!(all, expected, "the clean table, in two parts");
}

const ORDERS: &str = include_str!("../../../contracts/customer_orders.json");

/// A table without a mistake.
fn orders(count: u64) -> Vec<Cells> {
    let mut bytes = Vec::new();
    let spec = Spec { bad_share: 0.0, ..Spec::records(count) };
    Dataset::CustomerOrders.write(&mut bytes, &spec).unwrap();
    commas().read(&bytes)
}

/// The contract of the orders under another name and with this dialect.
fn contract(dialect: &str) -> String {
    let text = ORDERS.replacen("\"customer_orders\"", "\"own\"", 1);
    text.replacen("\"schema\"", &format!("\"dialect\": {dialect}, \"schema\""), 1)
}

/// The table with a mistake of every kind that a cell can have, each in a row of its own and many in one.
fn damaged(clean: &[Cells]) -> Vec<Cells> {
    let mut bad = clean.to_vec();
    let at = |name: &str| clean[0].iter().position(|label| text(label) == name).unwrap();
    let long = "x".repeat(64 * 1024 + 1);
    let mistakes: [(&str, &[u8]); 20] = [
        ("quantity", b"0"),
        ("quantity", b"two"),
        ("quantity", b"1.5"),
        ("quantity", b"99999999999999999999999999999999"),
        ("quantity", b"N/A"),
        ("unit_price", b"$5"),
        ("unit_price", b"1,299"),
        ("unit_price", b"-1"),
        ("unit_price", b"=1+1"),
        ("order_date", b"2024-02-30"),
        ("order_date", b"20/05/2024"),
        ("order_date", b"line\nbreak"),
        ("email", b"nobody"),
        ("email", b"two words@example.com"),
        ("customer_name", b"   "),
        ("customer_name", b"Caf\xe9"),
        ("product_name", b"Bell\x07"),
        ("product_name", b"\"quoted\", and \x00"),
        ("customer_location", long.as_bytes()),
        ("order_id", b""),
    ];
    for (index, (column, value)) in mistakes.iter().enumerate() {
        // Not the first row, whose key is repeated below.
        bad[index * 3 + 2][at(column)] = value.to_vec();
    }
    // Every cell of a row, and a key that stands twice.
    let last = bad.len() - 1;
    for (column, value) in [
        ("quantity", &b"x"[..]),
        ("unit_price", b"y"),
        ("order_date", b"z"),
        ("email", b"@"),
        ("customer_name", b""),
    ] {
        bad[last][at(column)] = value.to_vec();
    }
    bad[last - 1][at("order_id")] = clean[1][at("order_id")].clone();
    bad
}

#[test]
fn the_listed_cells_corrected_make_every_record_valid() {
    let clean = orders(100);
    assert_mends(&contract("{}"), commas(), &clean, &commas().write(&damaged(&clean)), 22);
}

#[test]
fn so_they_do_in_another_dialect() {
    let clean = orders(100);
    let style = Style { layout: Layout { delimiter: b';', ..commas().layout }, line_end: "\r\n" };
    assert_mends(&contract("{}"), style, &clean, &style.write(&damaged(&clean)), 22);
}

#[test]
fn so_they_do_with_another_quote() {
    let clean = orders(100);
    let style = Style { layout: Layout { quote: b'\'', ..commas().layout }, line_end: "\n" };
    assert_mends(&contract(r#"{"quoteChar": "'"}"#), style, &clean, &style.write(&damaged(&clean)), 22);
}

#[test]
fn records_of_the_wrong_form_are_mended_too() {
    let clean = orders(40);
    let mut lines: Vec<Vec<u8>> =
        clean.iter().map(|record| commas().write(std::slice::from_ref(record))).collect();
    let replaced = |line: &mut Vec<u8>, with: &[u8]| *line = with.to_vec();
    let mut extra = clean[3].clone();
    extra.push(b"and more".to_vec());
    lines[3] = commas().write(&[extra]);
    lines[6] = commas().write(&[clean[6][..4].to_vec()]);
    replaced(&mut lines[9], b"     \n");
    replaced(&mut lines[12], b"\"A12\"x,\"a\"b\"\n");
    let mut glued = b"\"N\xffme\"!,".to_vec();
    glued.extend_from_slice(&lines[15]);
    lines[15] = glued;
    assert_mends(&contract("{}"), commas(), &clean, &lines.concat(), 5);
}
