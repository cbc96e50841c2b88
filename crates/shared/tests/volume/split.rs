//! The whole pass over a file, without I/O: every record ends in one of two outputs.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use shared::contract::{Contract, Provenance};
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
    ]
    .iter()
    .map(|text| Contract::parse(text.as_bytes()).unwrap())
    .collect()
});

/// What came out of a pass.
#[derive(Debug, PartialEq)]
struct Outputs {
    layout: Layout,
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
            let (records, open) = rows::simple(bytes, outputs.layout, whole.limits);
            assert_eq!(open, None, "the quote is not closed");
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
    let reader = shared::rows::Reader::with_block(Layout::default(), control.limits, control.block);
    let mut opening = Opening::with_reader(reader, control.limits);
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
    let layout = found.layout;
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
            Progress::Done => break,
        }
    }
    let rows = split.tally().rows();
    assert_eq!(rows.total, rows.valid + rows.rejected);
    assert_eq!((rows.valid, rows.rejected), (split.processed.records(), split.rejected.records()));
    let [processed, rejected, errors] = outputs;
    Ok(Outputs { layout, own_width, derived: derived.len(), processed, rejected, errors })
}

/// Both outputs, merged by row number and without the columns that were added, are the records of the input.
fn assert_rebuilt(outputs: &Outputs, records: &[Seen]) {
    let mut found = BTreeSet::new();
    let parts = [
        (&outputs.processed, outputs.derived + 4, outputs.derived + 1, Some(outputs.own_width)),
        (&outputs.rejected, 3, 0, None),
    ];
    for (bytes, added, row_at, width) in parts {
        let (written, open) = rows::simple(bytes, outputs.layout, Limits::STANDARD);
        assert_eq!(open, None, "an output ends inside a quote");
        for record in written.iter().skip(1) {
            let own = record.width() - added;
            assert!(width.is_none_or(|width| width == own), "a processed record has {own} cells");
            let row: u64 = String::from_utf8(record.cell(own + row_at).to_vec()).unwrap().parse().unwrap();
            assert!(found.insert(row), "row {row} twice");
            let original = &records[usize::try_from(row).unwrap()];
            // What is left of an oversized record is one quoted cell.
            let kept = if original.is_oversized() { record.cell(0) } else { record.prefix(own) };
            assert_eq!(kept, original.raw, "row {row}");
        }
    }
    assert_eq!(found.len() + 1, records.len());
}
