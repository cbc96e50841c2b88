//! What must hold for any bytes: the cuts of the input change nothing, the csv crate reads the same cells, and
//! every record is in exactly one output.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers stop at the first surprise"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use shared::contract::{Contract, Provenance};
use shared::rows::{Layout, Limits, NO_QUOTE, Reader, Step};
use shared::split::{Opening, Origin, Progress, Sink, Split};

/// A record as a test compares it.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    raw: Vec<u8>,
    cells: Vec<Vec<u8>>,
    width: usize,
    line: u64,
    number: u64,
    faults: String,
    oversized: Option<(u64, [u8; 32])>,
}

/// Everything a reader says of some bytes, fed in pieces of these sizes.
fn read(bytes: &[u8], block: usize, cuts: &[usize], limits: Limits) -> (Vec<Seen>, Option<u64>) {
    read_as(Layout::default(), bytes, (block, cuts), limits)
}

fn read_as(
    layout: Layout,
    bytes: &[u8],
    (block, cuts): (usize, &[usize]),
    limits: Limits,
) -> (Vec<Seen>, Option<u64>) {
    let mut reader = Reader::with_block(layout, limits, block);
    let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
    let mut seen = Vec::new();
    loop {
        match reader.next_record() {
            Step::Record(record) => seen.push(Seen {
                raw: record.raw.to_vec(),
                cells: record.fields().map(|field| field.text().into_owned()).collect(),
                width: record.width,
                line: record.line,
                number: record.number,
                faults: format!("{:?}", record.faults),
                oversized: record.oversized.map(|oversized| (oversized.bytes, oversized.sha256)),
            }),
            Step::NeedInput => {
                let space = reader.space();
                let cut = cuts.next().map_or(usize::MAX, |cut| (*cut).max(1));
                let length = rest.len().min(space.len()).min(cut);
                space[..length].copy_from_slice(&rest[..length]);
                rest = &rest[length..];
                reader.filled(length);
            }
            Step::End => return (seen, None),
            Step::Unterminated { line } => return (seen, Some(line)),
        }
    }
}

/// Bytes that are mostly what matters to a CSV reader.
fn hostile(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => Just(b','),
        3 => Just(b'"'),
        3 => Just(b'\n'),
        1 => Just(b'\r'),
        1 => Just(b' '),
        6 => prop::sample::select(&b"abc015.-;\t"[..]),
        1 => prop::sample::select(&[0x00, 0x07, 0x7f, 0x80, 0xbf, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xef, 0xbb, 0xff][..]),
    ];
    prop::collection::vec(byte, 0..longest)
}

const SMALL: Limits = Limits { record_bytes: 60, field_bytes: 30, columns: 8, header_bytes: 64 };

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_000,
        // Half of all hostile bytes leave a quote open.
        max_global_rejects: 1_000_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn how_the_input_is_cut_changes_nothing(
        bytes in hostile(400),
        block in 8_usize..200,
        cuts in prop::collection::vec(1_usize..50, 1..8),
    ) {
        for limits in [Limits::STANDARD, SMALL] {
            let whole = read(&bytes, 4096, &[usize::MAX], limits);
            prop_assert_eq!(&whole, &read(&bytes, block, &cuts, limits));
        }
    }

    #[test]
    fn the_scan_by_blocks_and_the_scan_by_bytes_say_the_same(
        bytes in hostile(400),
        delimiter in prop::sample::select(&b",;\t "[..]),
        quote in prop::sample::select(&[b'"', b'5', NO_QUOTE][..]),
        skip_initial_space in any::<bool>(),
    ) {
        let layout = Layout { delimiter, quote, skip_initial_space, ..Layout::default() };
        // An escape character that does not occur.
        let slow = Layout { escape: Some(0x01), ..layout };
        for limits in [Limits::STANDARD, SMALL] {
            let fast = read_as(layout, &bytes, (64, &[64]), limits);
            prop_assert_eq!(fast, read_as(slow, &bytes, (64, &[64]), limits));
        }
    }

    #[test]
    fn how_the_input_is_cut_changes_nothing_with_escapes_and_comments(
        bytes in hostile(400),
        block in 8_usize..200,
        cuts in prop::collection::vec(1_usize..50, 1..8),
        double_quote in any::<bool>(),
    ) {
        let layout = Layout { escape: Some(b'a'), comment: Some(b'c'), double_quote, ..Layout::default() };
        for limits in [Limits::STANDARD, SMALL] {
            let whole = read_as(layout, &bytes, (4096, &[usize::MAX]), limits);
            prop_assert_eq!(whole, read_as(layout, &bytes, (block, &cuts), limits));
        }
    }

    #[test]
    fn what_is_written_with_escapes_is_read_back_also_by_the_csv_crate(
        records in prop::collection::vec(prop::collection::vec(hostile(12), 1..4), 1..6),
        cuts in prop::collection::vec(1_usize..50, 1..8),
    ) {
        let mut bytes = Vec::new();
        for record in &records {
            for (index, cell) in record.iter().enumerate() {
                bytes.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
                for byte in cell {
                    if matches!(byte, b'"' | b'\\' | b'a') {
                        bytes.push(b'\\');
                    }
                    bytes.push(*byte);
                }
                bytes.push(b'"');
            }
            bytes.extend_from_slice(b"\r\n");
        }
        let layout = Layout { escape: Some(b'\\'), double_quote: false, ..Layout::default() };
        let (ours, unterminated) = read_as(layout, &bytes, (64, &cuts), Limits::STANDARD);
        prop_assert_eq!(unterminated, None);
        let ours: Vec<Vec<Vec<u8>>> = ours.into_iter().map(|record| record.cells).collect();
        prop_assert_eq!(&ours, &records);
        let mut oracle = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .escape(Some(b'\\'))
            .double_quote(false)
            .from_reader(&bytes[..]);
        let theirs: Vec<Vec<Vec<u8>>> =
            oracle.byte_records().map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect()).collect();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn the_csv_crate_reads_the_same_cells(bytes in hostile(300)) {
        let (ours, unterminated) = read(&bytes, 64, &[64], Limits::STANDARD);
        // The csv crate strips one byte order mark and swallows the rest of a file behind an open quote.
        prop_assume!(unterminated.is_none() && !bytes.starts_with(b"\xef\xbb\xbf"));
        let mut oracle = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&bytes[..]);
        let theirs: Vec<Vec<Vec<u8>>> =
            oracle.byte_records().map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect()).collect();
        // It also reads on behind a quote that is closed before more text, where ours takes the quote for text.
        let sound = ours.iter().position(|record| record.faults.contains("malformed_quote: true"));
        let ours: Vec<Vec<Vec<u8>>> = ours.into_iter().map(|record| record.cells).collect();
        match sound {
            None => prop_assert_eq!(ours, theirs),
            Some(sound) => prop_assert_eq!(&ours[..sound], &theirs[..sound]),
        }
    }

    #[test]
    fn raw_records_and_line_ends_are_the_whole_input(bytes in hostile(300)) {
        let (records, unterminated) = read(&bytes, 64, &[64], Limits::STANDARD);
        prop_assume!(unterminated.is_none() && !bytes.starts_with(b"\xef\xbb\xbf"));
        let mut rest = &bytes[..];
        for record in &records {
            let skipped = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            rest = &rest[skipped..];
            prop_assert!(rest.starts_with(&record.raw));
            rest = &rest[record.raw.len()..];
        }
        prop_assert!(rest.iter().all(|byte| matches!(byte, b'\n' | b'\r')));
    }

    #[test]
    fn the_encoding_of_a_file_changes_nothing(
        rows in hostile(500),
        block in 8_usize..300,
        cuts in prop::collection::vec(1_usize..90, 1..8),
        big in any::<bool>(),
    ) {
        let text = format!("a,b,c\n{}", String::from_utf8_lossy(&rows));
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        let utf16: Vec<u8> =
            units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
        prop_assert_eq!(split(&utf16, block, &cuts), split(text.as_bytes(), 4096, &[usize::MAX]));
    }

    #[test]
    fn every_record_is_in_exactly_one_output_byte_for_byte(
        rows in hostile(500),
        block in 70_usize..300,
        cuts in prop::collection::vec(1_usize..90, 1..8),
    ) {
        let mut bytes = b"a,b,c\n".to_vec();
        bytes.extend_from_slice(&rows);
        let (records, unterminated) = read(&bytes, 4096, &[usize::MAX], Limits::STANDARD);
        match split(&bytes, block, &cuts) {
            Err(code) => {
                prop_assert_eq!(code.as_str(), "unterminated-quote");
                prop_assert!(unterminated.is_some());
            }
            Ok(outputs) => {
                prop_assert!(unterminated.is_none());
                let whole = split(&bytes, 4096, &[usize::MAX]).unwrap();
                prop_assert_eq!(&outputs, &whole);
                let expected: BTreeMap<u64, Vec<u8>> =
                    records.iter().skip(1).map(|record| (record.number, record.raw.clone())).collect();
                prop_assert_eq!(rebuild(&outputs), expected);
            }
        }
    }
}

const CONTRACT: &str = r#"{
    "name": "any",
    "schema": {
        "fields": [
            {"name": "a", "type": "integer", "constraints": {"minimum": 0}},
            {"name": "b", "type": "string", "constraints": {"maxLength": 5}},
            {"name": "c", "type": "any"}
        ]
    }
}"#;

type Outputs = [Vec<u8>; 3];

/// Splits a file that is fed in pieces of these sizes; or the code of its verdict.
fn split(bytes: &[u8], block: usize, cuts: &[usize]) -> Result<Outputs, String> {
    let contract = Contract::parse(CONTRACT.as_bytes()).unwrap();
    let mut opening = Opening::with_block(Limits::STANDARD, block);
    let (mut rest, mut cuts) = (bytes, cuts.iter().cycle());
    let mut feed = |space: &mut [u8]| {
        let length = rest.len().min(space.len()).min(*cuts.next().unwrap());
        space[..length].copy_from_slice(&rest[..length]);
        rest = &rest[length..];
        length
    };
    while !opening.is_ready() {
        let length = feed(opening.space());
        opening.filled(length);
    }
    let found = opening.find(&[&contract]).map_err(|verdict| verdict.code.to_string())?;
    let origin = Origin {
        source_file: "input/x, y.csv".into(),
        received_at: "2024-05-20T00:00:00Z".into(),
        run_id: "0123".into(),
        columns: Provenance::ALL.to_vec(),
    };
    let mut split = Split::new(opening.take(found), &origin, &[]);
    let mut outputs = Outputs::default();
    loop {
        let progress = split.advance().map_err(|verdict| verdict.code.to_string())?;
        let sinks: [&mut Sink; 3] = [&mut split.processed, &mut split.rejected, &mut split.errors];
        for (sink, output) in sinks.into_iter().zip(&mut outputs) {
            output.extend_from_slice(sink.waiting());
            sink.taken();
            assert_eq!(sink.bytes(), output.len() as u64);
        }
        match progress {
            Progress::NeedInput => {
                let length = feed(split.space());
                split.filled(length);
            }
            Progress::Drain => {}
            Progress::Survey => panic!("a survey without keys"),
            Progress::Done => {
                let rows = split.tally().rows();
                assert_eq!(rows.total, rows.valid + rows.rejected);
                assert_eq!(
                    (rows.valid, rows.rejected),
                    (split.processed.records(), split.rejected.records())
                );
                return Ok(outputs);
            }
        }
    }
}

/// The records of both outputs by row number, without the columns that were added.
fn rebuild([processed, rejected, _]: &Outputs) -> BTreeMap<u64, Vec<u8>> {
    let mut rows = BTreeMap::new();
    for (bytes, added, row_at) in [(processed, 4, 1), (rejected, 3, 0)] {
        let mut reader = Reader::with_block(Layout::default(), Limits::STANDARD, bytes.len());
        reader.space()[..bytes.len()].copy_from_slice(bytes);
        reader.filled(bytes.len());
        reader.filled(0);
        loop {
            let record = match reader.next_record() {
                Step::Record(record) => record,
                Step::End => break,
                other => panic!("{other:?}"),
            };
            if record.number == 0 {
                continue;
            }
            let own = record.width - added;
            let row = record.field(own + row_at).unwrap().text().into_owned();
            let row: u64 = String::from_utf8(row).unwrap().parse().unwrap();
            assert!(rows.insert(row, record.prefix(own).unwrap().to_vec()).is_none(), "row {row} twice");
        }
    }
    rows
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let bytes = b"h1,h2\r\n1,\"two\nlines\"\r\n\r\n3,c\r4,d\n\n5,e";
    let (records, _) = read(bytes, 4096, &[usize::MAX], Limits::STANDARD);
    let lines: Vec<(u64, u64)> = records.iter().map(|record| (record.number, record.line)).collect();
    assert_eq!(lines, [(0, 1), (1, 2), (2, 5), (3, 6), (4, 8)]);
}

#[test]
fn an_open_quote_is_told_with_its_line() {
    for bytes in [&b"a,b\n1,2\n3,\"x\n4,5\n"[..], b"a,b\n1,2\n3,\""] {
        for block in [8, 4096] {
            let (records, line) = read(bytes, block, &[3], Limits::STANDARD);
            assert_eq!((records.len(), line), (2, Some(3)));
        }
    }
    // Also when the record has long been over the limit.
    let mut endless = b"a,b\n1,2\n3,\"".to_vec();
    endless.extend(std::iter::repeat_n(b'x', 500));
    assert_eq!(read(&endless, 16, &[7], SMALL).1, Some(3));
}

#[test]
fn a_record_over_the_limit_is_told_with_its_hash_and_the_next_one_is_read() {
    use sha2::Digest as _;
    let long = [b"x,".to_vec(), vec![b'y'; 100]].concat();
    let bytes = [b"a,b\n", &long[..], b"\r\n1,2\n"].concat();
    let (records, _) = read(&bytes, 16, &[5], SMALL);
    assert_eq!(records.len(), 3);
    assert_eq!(records[1].oversized, Some((102, sha2::Sha256::digest(&long).into())));
    assert_eq!(records[1].raw, long);
    assert_eq!((records[2].line, records[2].cells.len()), (3, 2));
}

#[test]
fn byte_order_marks_are_stripped_even_two() {
    for marks in 0..=2 {
        let bytes = [b"\xef\xbb\xbf".repeat(marks), b"a,b\n1,2".to_vec()].concat();
        assert_eq!(read(&bytes, 8, &[1], Limits::STANDARD).0[0].cells[0], b"a");
    }
}
