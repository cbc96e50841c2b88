//! What the engine costs, as ratios of CPU time within one run.
//!
//! `cargo bench -p shared --bench split [-- SIZE]` with `SIZE` one of `10MB`, `100MB` (the default) and `1GB`. It
//! exits with 1 when a ratio misses its gate. The files are generated into a folder in memory where there is one.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise and prints"
)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use cpu_time::ProcessTime;
use shared::checksum::Running;
use shared::contract::{Contract, Provenance};
use shared::rows::{Layout, Limits, Reader, Record, Step};
use shared::split::{Opening, Origin, Progress, Sink, Split};
use shared::validate::{Findings, Keys, Plan};
use shared::value::{Short, is_date};

const RUNS: usize = 5;
const CONTRACT: &[u8] = include_bytes!("../../../contracts/smartphone_sales.json");

/// The share of the csv crate's parse-only throughput that the job keeps while its outputs are put together and
/// discarded. With the outputs written, most of the time is the system's, giving out pages.
const LEAST_SHARE_OF_PARSE_ONLY: f64 = 0.6;
/// The most CPU, in copies of the file.
const MOST_COPIES: f64 = 4.5;
/// The most CPU, in runs with checks written in Rust by hand.
const MOST_HARD_CODED: f64 = 1.25;

fn main() {
    let size =
        std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_else(|| "100MB".to_owned());
    let bytes = match size.as_str() {
        "10MB" => 10_000_000,
        "100MB" => 100_000_000,
        "1GB" => 1_000_000_000,
        other => {
            println!("{other} is not a size; use 10MB, 100MB or 1GB");
            std::process::exit(2);
        }
    };
    let folder = tempfile::Builder::new().prefix("gristmill-bench").tempdir_in(memory()).unwrap();
    let input = folder.path().join("sales.csv");
    let expected =
        samples::smartphone_sales(&mut File::create(&input).unwrap(), &samples::Spec::benchmark(bytes))
            .unwrap();
    let megabytes = input.metadata().unwrap().len() as f64 / 1e6;

    let jobs: [(&str, &dyn Fn() -> u64); 7] = [
        ("csv crate, parse only", &|| parse_only(&input)),
        ("rows only", &|| rows_only(&input)),
        ("hard-coded checks, nothing written", &|| hard_coded(&input, None)),
        ("contract, nothing written", &|| split(&input, None)),
        ("hard-coded checks, both outputs", &|| hard_coded(&input, Some(folder.path()))),
        ("contract, both outputs", &|| split(&input, Some(folder.path()))),
        ("copy of the file", &|| copy(&input, &folder.path().join("copy.csv"))),
    ];
    // One round after another, so that a change of the machine's speed meets every job alike.
    let mut times = vec![Vec::new(); jobs.len()];
    for round in 0..=RUNS {
        for (index, (name, job)) in jobs.iter().enumerate() {
            let before = ProcessTime::now();
            let records = job();
            let took = before.elapsed().as_secs_f64();
            assert!(records == 0 || records == expected.records, "{name}: {records} records");
            if round > 0 {
                times.get_mut(index).unwrap().push(took);
            }
        }
    }
    println!("{size}: {} records, {} valid; median of {RUNS}, CPU time", expected.records, expected.valid);
    let median: Vec<f64> = times.iter_mut().map(|list| middle(list)).collect();
    for ((name, _), seconds) in jobs.iter().zip(&median) {
        println!("{name:<36} {seconds:>8.3} s {:>7.0} MB per CPU-second", megabytes / seconds);
    }
    let [parse, _, hard_null, null, hard, whole, copied] = median.try_into().unwrap();
    let mut good = true;
    good &= gate("outputs discarded, against parse-only", parse / null, LEAST_SHARE_OF_PARSE_ONLY, false);
    println!("{:<36} {:>8.2}   (not gated)", "both outputs, against parse-only", parse / whole);
    good &= gate("CPU against a copy", whole / copied, MOST_COPIES, true);
    good &= gate("contract against hard-coded, null", null / hard_null, MOST_HARD_CODED, true);
    good &= gate("contract against hard-coded, files", whole / hard, MOST_HARD_CODED, true);
    // Leaving the process would leave the folder behind.
    drop(folder);
    std::process::exit(i32::from(!good));
}

fn gate(what: &str, ratio: f64, limit: f64, at_most: bool) -> bool {
    let good = if at_most { ratio <= limit } else { ratio >= limit };
    let sign = if at_most { "at most" } else { "at least" };
    println!("{what:<36} {ratio:>8.2}   {sign} {limit}: {}", if good { "good" } else { "MISSED" });
    good
}

fn middle(list: &mut [f64]) -> f64 {
    list.sort_by(f64::total_cmp);
    *list.get(list.len() / 2).unwrap()
}

fn memory() -> PathBuf {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { shm.to_owned() } else { std::env::temp_dir() }
}

fn parse_only(input: &Path) -> u64 {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).buffer_capacity(256 * 1024).from_path(input).unwrap();
    let mut record = csv::ByteRecord::new();
    let mut count = 0;
    while reader.read_byte_record(&mut record).unwrap() {
        count += 1;
    }
    count
}

fn rows_only(input: &Path) -> u64 {
    let mut count = 0;
    each_record(input, |_| count += 1);
    count - 1
}

fn each_record(input: &Path, mut with: impl FnMut(&Record<'_>)) {
    let mut file = File::open(input).unwrap();
    let mut reader = Reader::new(Layout::default(), Limits::STANDARD);
    loop {
        match reader.next_record() {
            Step::Record(record) => with(&record),
            Step::NeedInput => {
                let filled = file.read(reader.space()).unwrap();
                reader.filled(filled);
            }
            Step::End => return,
            Step::Unterminated { line } => unreachable!("line {line}"),
        }
    }
}

/// The rules of the contract, written in Rust by hand.
fn follows_the_rules(record: &Record<'_>) -> bool {
    let cell = |index| record.field(index).map(|field| field.text()).unwrap_or_default();
    let there = |index| {
        let text = cell(index);
        !text.is_empty() && &*text != b"N/A" && !text.iter().all(u8::is_ascii_whitespace)
    };
    let number = |index, low: i64, high: i64| {
        let text = cell(index);
        !text.contains(&b'.')
            && Short::parse(&text)
                .is_some_and(|n| n >= Short::of(low.into()).unwrap() && n <= Short::of(high.into()).unwrap())
    };
    let price = |text: &[u8]| {
        Short::parse(text)
            .is_some_and(|n| n > Short::of(0.into()).unwrap() && n <= Short::of(10_000.into()).unwrap())
    };
    let continent = |text: &[u8]| {
        matches!(text, b"Africa" | b"Asia" | b"Europe" | b"North America" | b"South America" | b"Oceania")
    };
    record.width == 11
        && record.faults.none()
        && there(0)
        && is_date(&cell(1))
        && there(2)
        && there(3)
        && cell(4).len() == 4
        && cell(4).iter().all(u8::is_ascii_digit)
        && price(&cell(5))
        && continent(&cell(6))
        && number(8, 1, 32)
        && number(9, 1, i64::from(i32::MAX))
        && there(10)
}

/// The same job with the rules in Rust: good records are judged by hand, bad ones explained as the engine does it,
/// and all three outputs are put together, and written where there is a folder.
fn hard_coded(input: &Path, folder: Option<&Path>) -> u64 {
    let contract = Contract::parse(CONTRACT).unwrap();
    let labels: Vec<String> = contract.fields.iter().map(|field| field.name.clone()).collect();
    let plan = Plan::new(&contract, &labels, &Limits::STANDARD).unwrap();
    let (mut keys, mut findings) = (Keys::default(), Findings::default());
    let mut outputs = ["processed.csv", "rejected.csv", "errors.csv"]
        .map(|name| folder.map(|folder| File::create(folder.join(name)).unwrap()));
    let mut buffers = [(); 3].map(|()| (Vec::with_capacity(400_000), Running::default()));
    let mut count = 0_u64;
    each_record(input, |record| {
        let [(good, _), (bad, _), (errors, _)] = &mut buffers;
        if follows_the_rules(record) {
            good.extend_from_slice(record.raw);
            good.extend_from_slice(b",input/sales.csv,");
            good.extend_from_slice(itoa::Buffer::new().format(count).as_bytes());
            good.extend_from_slice(b",2024-05-20T00:00:00Z,0123456789abcdef0123456789abcdef\n");
        } else {
            plan.judge(record, &mut keys, &mut findings).unwrap();
            bad.extend_from_slice(record.raw);
            write!(bad, ",{count},").unwrap();
            for finding in findings.iter() {
                write!(bad, "{}; {}; ", finding.code, finding.reason).unwrap();
                let column = finding.column.unwrap_or_default();
                writeln!(
                    errors,
                    "{count},{},{column},{},\"{}\",\"{}\"",
                    record.line, finding.code, finding.value, finding.reason
                )
                .unwrap();
            }
            bad.push(b'\n');
        }
        for ((buffer, checksum), output) in buffers.iter_mut().zip(&mut outputs) {
            if buffer.len() > 256 * 1024 {
                put(buffer, checksum, output);
            }
        }
        count += 1;
    });
    for ((buffer, checksum), output) in buffers.iter_mut().zip(&mut outputs) {
        put(buffer, checksum, output);
    }
    count - 1
}

fn put(buffer: &mut Vec<u8>, checksum: &mut Running, output: &mut Option<File>) {
    checksum.update(buffer);
    if let Some(output) = output {
        output.write_all(buffer).unwrap();
    }
    buffer.clear();
}

fn split(input: &Path, folder: Option<&Path>) -> u64 {
    let contract = Contract::parse(CONTRACT).unwrap();
    let mut file = File::open(input).unwrap();
    let mut opening = Opening::new(Limits::STANDARD);
    while !opening.is_ready() {
        let filled = file.read(opening.space()).unwrap();
        opening.filled(filled);
    }
    let found = opening.find(&[&contract]).unwrap();
    let origin = Origin {
        source_file: "input/sales.csv".into(),
        received_at: "2024-05-20T00:00:00Z".into(),
        run_id: "0123456789abcdef0123456789abcdef".into(),
        columns: Provenance::ALL.to_vec(),
    };
    let mut split = Split::new(opening.take(found), &origin, &[]);
    let mut outputs = ["processed.csv", "rejected.csv", "errors.csv"]
        .map(|name| folder.map(|folder| File::create(folder.join(name)).unwrap()));
    let drain = |split: &mut Split, outputs: &mut [Option<File>; 3]| {
        let [processed, rejected, errors] = outputs;
        empty(&mut split.processed, processed);
        empty(&mut split.rejected, rejected);
        empty(&mut split.errors, errors);
    };
    loop {
        match split.advance().unwrap() {
            Progress::NeedInput => {
                let filled = file.read(split.space()).unwrap();
                split.filled(filled);
            }
            Progress::Drain => drain(&mut split, &mut outputs),
            Progress::Survey => unreachable!("the contract has no keys"),
            Progress::Done => {
                drain(&mut split, &mut outputs);
                return split.tally().rows().total;
            }
        }
    }
}

fn empty(sink: &mut Sink, output: &mut Option<File>) {
    if let Some(output) = output {
        output.write_all(sink.waiting()).unwrap();
    }
    sink.taken();
}

/// A plain copy, block by block, as `cp` does where it cannot share blocks.
fn copy(input: &Path, output: &Path) -> u64 {
    let (mut from, mut to) = (File::open(input).unwrap(), File::create(output).unwrap());
    let mut block = vec![0; 256 * 1024];
    loop {
        let read = from.read(&mut block).unwrap();
        if read == 0 {
            return 0;
        }
        to.write_all(block.get(..read).unwrap()).unwrap();
    }
}
