//! A file whose keys do not fit the table is surveyed and read again: what comes out is, byte for byte, what one
//! pass with a table for all keys gives.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers stop at the first surprise"
)]

use std::cell::Cell;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use shared::contract::{Contract, Provenance};
use shared::manifest::ViolationCount;
use shared::rows::Limits;
use shared::split::{Chosen, Opening, Origin, Progress, Split};
use shared::validate::{KeyLimits, Keys};

const CONTRACT: &str = r#"{
    "name": "any",
    "schema": {
        "fields": [
            {"name": "a", "type": "integer"},
            {"name": "b", "type": "string", "constraints": {"unique": true}},
            {"name": "c", "type": "number"}
        ],
        "primaryKey": ["a", "c"],
        "uniqueKeys": [["c", "b"]]
    }
}"#;

/// Everything that a split makes of a file.
#[derive(Debug, PartialEq)]
struct Made {
    outputs: [Vec<u8>; 3],
    violations: Vec<ViolationCount>,
}

struct File<'a> {
    rest: &'a [u8],
    cut: usize,
}

impl File<'_> {
    fn fill(&mut self, space: &mut [u8]) -> usize {
        let length = self.rest.len().min(space.len()).min(self.cut);
        space[..length].copy_from_slice(&self.rest[..length]);
        self.rest = &self.rest[length..];
        length
    }
}

fn open<'a>(bytes: &'a [u8], contract: &Contract, cut: usize) -> (File<'a>, Chosen) {
    let mut file = File { rest: bytes, cut };
    let mut opening = Opening::with_block(Limits::STANDARD, 128);
    while !opening.is_ready() {
        let filled = file.fill(opening.space());
        opening.filled(filled);
    }
    let found = opening.find(&[contract]).unwrap();
    (file, opening.take(found))
}

/// One pass; or the keys that the next one needs.
fn pass(bytes: &[u8], keys: Keys, cut: usize) -> Result<Result<Made, Keys>, String> {
    let contract = Contract::parse(CONTRACT.as_bytes()).unwrap();
    let (mut file, chosen) = open(bytes, &contract, cut);
    let origin = Origin {
        source_file: "input/x.csv".into(),
        received_at: "2024-05-20T00:00:00Z".into(),
        run_id: "0123".into(),
        columns: Provenance::ALL.to_vec(),
    };
    let mut split = Split::new(chosen, &origin, &[]).with_keys(keys);
    let mut outputs: [Vec<u8>; 3] = Default::default();
    loop {
        match split.advance().map_err(|verdict| verdict.code.to_string())? {
            Progress::NeedInput => {
                let filled = file.fill(split.space());
                split.filled(filled);
            }
            Progress::Survey => break,
            progress => {
                for (sink, output) in [&mut split.processed, &mut split.rejected, &mut split.errors]
                    .into_iter()
                    .zip(&mut outputs)
                {
                    output.extend_from_slice(sink.waiting());
                    sink.taken();
                }
                if progress == Progress::Done {
                    return Ok(Ok(Made { outputs, violations: split.tally().violations() }));
                }
            }
        }
    }
    let mut survey = split.into_survey();
    while survey.advance().map_err(|verdict| verdict.code.to_string())? != Progress::Done {
        let filled = file.fill(survey.space());
        survey.filled(filled);
    }
    Ok(Err(survey.finish()))
}

/// As many passes as it takes, and whether it took two.
fn split(bytes: &[u8], limits: KeyLimits, cut: usize) -> Result<(Made, bool), String> {
    match pass(bytes, Keys::with_limits(limits), cut)? {
        Ok(made) => Ok((made, false)),
        Err(keys) => match pass(bytes, keys, cut)? {
            Ok(made) => Ok((made, true)),
            Err(_) => panic!("a second survey"),
        },
    }
}

fn in_one_pass(bytes: &[u8]) -> Made {
    split(bytes, KeyLimits::STANDARD, usize::MAX).unwrap().0
}

/// Cells that are often equal, sometimes missing, and sometimes not of their type.
fn rows() -> impl Strategy<Value = String> {
    let row = (0_u32..60, 0_u32..200, 0_u32..40, 0_u32..30).prop_map(|(a, b, c, kind)| match kind {
        0 => format!("{a},,{c}"),
        1 => format!(",b{b},{c}.0"),
        2 => format!("x{a},b{b},"),
        3 => format!("+{a},\"b{b}\",{c}.00"),
        4 => format!("{a},b{b}"),
        5 => "  ".to_owned(),
        6 => format!("{a},\"b{b}\"x,{c}"),
        _ => format!("{a},b{b},{c}"),
    });
    prop::collection::vec(row, 0..150).prop_map(|rows| format!("a,b,c\n{}", rows.join("\n")))
}

#[test]
fn what_comes_out_does_not_depend_on_how_many_keys_are_remembered() {
    let [surveyed, refused] = [Cell::new(0), Cell::new(0)];
    let config = ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() };
    // One block of 512 bits takes most keys for others; 64 blocks take few.
    let filters = prop::sample::select(&[0, 64, 128, 512, 4096][..]);
    TestRunner::new(config)
        .run(&(rows(), 1_usize..200, filters, 1_usize..300), |(rows, table, filter_bytes, cut)| {
            let expected = in_one_pass(rows.as_bytes());
            match split(rows.as_bytes(), KeyLimits { table, filter_bytes }, cut) {
                Ok((made, twice)) => {
                    surveyed.set(surveyed.get() + usize::from(twice));
                    prop_assert!(made == expected, "with {} keys and {} bytes", table, filter_bytes);
                }
                Err(code) => {
                    refused.set(refused.get() + 1);
                    prop_assert_eq!(code, "too-many-keys");
                    prop_assert!(rows.lines().count() * 3 > table);
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(
        surveyed.get() > 200 && refused.get() > 100,
        "{} twice, {} refused",
        surveyed.get(),
        refused.get()
    );
}

#[test]
fn many_keys_need_little_memory_as_long_as_few_occur_again() {
    let mut file = "a,b,c\n".to_owned();
    for row in 0..20_000_u32 {
        // Every thousandth row is the one before again.
        let number = if row % 1000 == 999 { row - 1 } else { row };
        let _ = writeln!(file, "{number},b{number},1");
    }
    let limits = KeyLimits { table: 300, filter_bytes: 128 * 1024 };
    let (made, twice) = split(file.as_bytes(), limits, usize::MAX).unwrap();
    assert!(twice);
    assert_eq!(made, in_one_pass(file.as_bytes()));
    assert_eq!(made.violations.iter().map(|kind| kind.count).sum::<u64>(), 3 * 20);
    // A filter that takes everything for everything else is of no use.
    let useless = KeyLimits { table: 300, filter_bytes: 0 };
    assert_eq!(split(file.as_bytes(), useless, usize::MAX), Err("too-many-keys".to_owned()));
}

#[test]
fn a_key_that_occurs_again_before_the_table_is_full_and_never_afterwards_is_found_again() {
    let mut file = "a,b,c\n1,b1,1\n1,b2,1\n3,b1,1\n".to_owned();
    for row in 4..100_u32 {
        let _ = writeln!(file, "{row},b{row},1");
    }
    let limits = KeyLimits { table: 20, filter_bytes: 64 * 1024 };
    let (made, twice) = split(file.as_bytes(), limits, usize::MAX).unwrap();
    assert!(twice);
    assert_eq!(made, in_one_pass(file.as_bytes()));
    assert_eq!(made.violations.len(), 3, "one for each of the three keys");
}

#[test]
fn a_file_with_more_repeated_keys_than_fit_is_refused() {
    let mut file = "a,b,c\n".to_owned();
    for row in 0..1_000_u32 {
        let _ = writeln!(file, "{},b{row},1", row % 500);
    }
    let limits = |table| KeyLimits { table, filter_bytes: 64 * 1024 };
    assert_eq!(split(file.as_bytes(), limits(400), usize::MAX), Err("too-many-keys".to_owned()));
    assert_eq!(
        split(file.as_bytes(), limits(510), usize::MAX).unwrap(),
        (in_one_pass(file.as_bytes()), true)
    );
}

#[test]
fn a_quote_that_is_never_closed_is_the_verdict_also_when_only_the_survey_meets_it() {
    let file =
        format!("a,b,c\n{}9,\"b,3\n", (0..9).map(|row| format!("{row},b{row},1\n")).collect::<String>());
    let expected = split(file.as_bytes(), KeyLimits::STANDARD, usize::MAX).unwrap_err();
    assert_eq!(expected, "unterminated-quote");
    let small = KeyLimits { table: 5, filter_bytes: 4096 };
    assert_eq!(split(file.as_bytes(), small, usize::MAX).unwrap_err(), expected);
}
