//! The whole pass over a file, without I/O: every record ends in one of two outputs.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use shared::contract::{Contract, HeaderRows, Provenance};
use shared::rows::{Layout, Limits};
use shared::split::{Match, Opening, Origin, Progress, Split};
use shared::violation::Verdict;

use super::control::Control;
use super::rows::{self, Seen};

/// The contracts that the input chooses from.
static CONTRACTS: LazyLock<Vec<Contract>> = LazyLock::new(|| {
    [
        r#"{"name": "any", "schema": {"fields": [
            {"name": "a", "type": "integer", "constraints": {"minimum": 0}},
            {"name": "b", "type": "string", "constraints": {"maxLength": 5}},
            {"name": "c", "type": "any"}]}}"#,
        r#"{"name": "any", "schema": {"fields": [
            {"name": "a", "type": "any", "constraints": {"unique": true}},
            {"name": "b", "type": "date", "constraints": {"required": true}},
            {"name": "c", "type": "number"}], "primaryKey": ["c"], "missingValues": ["", "N/A"]},
            "gristmill": {"derive": [{"name": "d", "formula": "c * 2"}]}}"#,
        r#"{"name": "any", "schema": {"fields": [{"name": "z"}]}}"#,
        r##"{"name": "any", "dialect": {"delimiter": ";", "quoteChar": "'", "escapeChar": "\\", "commentChar": "#",
            "skipInitialSpace": true, "header": false},
            "schema": {"fields": [{"name": "a", "type": "integer"}, {"name": "b"}]}}"##,
    ]
    .iter()
    .map(|text| Contract::parse(text.as_bytes()).unwrap())
    .collect()
});

/// What came out of a pass.
#[derive(Debug, PartialEq)]
struct Outputs {
    layout: Layout,
    /// Whether the input was read as it stands.
    is_utf8: bool,
    total: u64,
    own_width: usize,
    derived: usize,
    processed: Vec<u8>,
    rejected: Vec<u8>,
    errors: Vec<u8>,
}

/// Splits the input in the pieces that it chooses: nothing is lost, nothing is altered, the cuts change nothing.
pub(crate) fn check(input: &[u8]) {
    let Some((control, bytes)) = Control::of(input) else { return };
    let contract = &CONTRACTS[usize::from(input[3]) % CONTRACTS.len()];
    let cut = split(bytes, contract, &control);
    let whole = Control { block: bytes.len() + 64, cuts: [usize::MAX; 4], ..control };
    let whole_outputs = split(bytes, contract, &whole);
    match (cut, whole_outputs) {
        (Ok(cut), Ok(outputs)) => {
            assert_eq!(cut, outputs, "the cuts make a difference");
            let (mut records, open) = rows::simple(bytes, outputs.layout, whole.limits);
            assert!(open.is_none() || !outputs.is_utf8, "the quote is not closed");
            if contract.dialect.heading.rows != HeaderRows::Absent || is_dropped_again(&records) {
                records.drain(..1.min(records.len()));
            }
            assert_rebuilt(&outputs, &records);
        }
        (Err(cut), Err(whole)) => {
            assert_eq!(cut.code, whole.code, "the cuts make a difference");
            assert!(!whole.reason.is_empty());
        }
        (cut, whole) => panic!("the cuts make a difference: {cut:?} and {whole:?}"),
    }
}

fn split(bytes: &[u8], contract: &Contract, control: &Control) -> Result<Outputs, Verdict> {
    let mut opening = Opening::with_block(control.limits, control.block);
    let (mut rest, mut cuts) = (bytes, control.cuts.iter().cycle());
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
    let found: Match = opening.find(&[contract])?;
    let (layout, is_utf8) = (found.layout, found.charset.is_utf8());
    let origin = Origin {
        source_file: "input/x, y.csv".into(),
        received_at: "2024-05-20T00:00:00Z".into(),
        run_id: "0123".into(),
        columns: Provenance::ALL.to_vec(),
    };
    let derived: Vec<String> = contract.derive.iter().map(|derived| derived.name.clone()).collect();
    let mut split = Split::new(opening.take(found), &origin, &derived);
    let own_width = split.plan().own_width();
    let mut outputs = [Vec::new(), Vec::new(), Vec::new()];
    loop {
        let progress = split.advance()?;
        let sinks = [&mut split.processed, &mut split.rejected, &mut split.errors];
        for (sink, output) in sinks.into_iter().zip(&mut outputs) {
            output.extend_from_slice(sink.waiting());
            sink.taken();
        }
        match progress {
            Progress::NeedInput => {
                let length = feed(split.space());
                split.filled(length);
            }
            Progress::Drain => {}
            Progress::Survey => panic!("a file of a few hundred bytes has more keys than are remembered"),
            Progress::Done => break,
        }
    }
    let rows = split.tally().rows();
    assert_eq!(rows.total, rows.valid + rows.rejected);
    assert_eq!((rows.valid, rows.rejected), (split.processed.records(), split.rejected.records()));
    let [processed, rejected, errors] = outputs;
    Ok(Outputs {
        layout,
        is_utf8,
        total: rows.total,
        own_width,
        derived: derived.len(),
        processed,
        rejected,
        errors,
    })
}

/// Whether the first record is the header of a rejected file: such a file has one, whatever its contract says.
fn is_dropped_again(records: &[Seen]) -> bool {
    records.first().is_some_and(|first| {
        (0..first.width().min(256)).any(|index| first.cell(index).eq_ignore_ascii_case(b"source_row"))
    })
}

/// Both outputs, merged by row number and without the columns that were added, are the records of the input.
fn assert_rebuilt(outputs: &Outputs, records: &[Seen]) {
    let mut found = BTreeSet::new();
    let processed = Layout { delimiter: outputs.layout.delimiter, ..Layout::default() };
    let parts = [
        (&outputs.processed, processed, outputs.derived + 4, outputs.derived + 1, Some(outputs.own_width)),
        (&outputs.rejected, outputs.layout, 3, 0, None),
    ];
    for (bytes, layout, added, row_at, width) in parts {
        let (written, open) = rows::simple(bytes, layout, Limits::STANDARD);
        assert_eq!(open, None, "an output ends inside a quote");
        for record in written.iter().skip(1) {
            let own = record.width() - added;
            assert!(width.is_none_or(|width| width == own), "a processed record has {own} cells");
            let row: u64 = String::from_utf8(record.cell(own + row_at).to_vec()).unwrap().parse().unwrap();
            assert!(found.insert(row), "row {row} twice");
            if outputs.is_utf8 {
                let original = &records[usize::try_from(row).unwrap() - 1];
                assert_same(record, original, own, (layout == outputs.layout).then_some(layout));
            }
        }
    }
    assert_eq!(found, (1..=outputs.total).collect());
    assert!(!outputs.is_utf8 || outputs.total == records.len() as u64);
}

/// A record of an output is that of the input: byte for byte where both are laid out alike, else cell by cell.
fn assert_same(record: &Seen, original: &Seen, own: usize, verbatim: Option<Layout>) {
    if original.is_oversized() {
        // What is left of it is one quoted cell.
        assert_eq!(record.cell(0), original.raw);
    } else if let Some(layout) = verbatim {
        let mut raw = original.raw.clone();
        // An escape with nothing behind it, at the end of the file, must not escape the delimiter.
        if let Some(escape) = layout.escape
            && raw.iter().rev().take_while(|byte| **byte == escape).count() % 2 == 1
        {
            raw.push(escape);
        }
        assert_eq!(record.prefix(own), raw);
    } else {
        assert_eq!(own, original.width());
        for index in 0..own {
            assert_eq!(record.cell(index), original.cell(index));
        }
    }
}
