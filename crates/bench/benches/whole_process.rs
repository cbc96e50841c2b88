//! What the command costs as a process: CPU time against `cp` of the same file, and memory.
//!
//! `cargo bench -p bench --bench whole_process [-- SIZE…]` with sizes such as `10MB`, `100MB` (the default: these two)
//! and `1GB`. It exits with 1 when a gate is missed.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use bench::files::{CONTRACT, generate, memory, parse_size};
use bench::program::{self, Usage};
use bench::report::{Gates, median, megabytes};
use samples::{LongText, Spec};
use serde_json::Value;

const ROUNDS: usize = 5;
/// The most CPU time, in copies of the file.
const MOST_COPIES: f64 = 4.5;
/// The most memory, in MB.
const MOST_MEMORY: f64 = 16.0;
/// The most memory for the largest file, in that for the smallest.
const MOST_GROWTH: f64 = 1.1;
/// The size at which CPU time is compared with that of `cp`, and at which peculiar files are made.
const COMPARED: u64 = 100_000_000;

struct Bench {
    gristmill: PathBuf,
    folder: tempfile::TempDir,
    gates: Gates,
}

fn main() -> io::Result<()> {
    let mut sizes: Vec<u64> = std::env::args().skip(1).filter_map(|size| parse_size(&size)).collect();
    if sizes.is_empty() {
        sizes = vec![10_000_000, COMPARED];
    }
    sizes.sort_unstable();
    let mut bench = Bench {
        gristmill: program::release("gristmill", &[])?,
        folder: tempfile::Builder::new().prefix("gristmill-bench").tempdir_in(memory())?,
        gates: Gates::default(),
    };
    let (nothing, _) = program::run(&mut Command::new("true"))?;
    println!("medians of {ROUNDS} alternating rounds; CPU time of the whole process; MB are 1,000,000 bytes");
    println!(
        "peak memory of a process that does nothing, which is the least that can be seen: {:.1} MB",
        megabytes(nothing.peak)
    );

    let mut peaks = Vec::new();
    for size in sizes {
        peaks.push(bench.size(size)?);
    }
    if let (Some(least), Some(most), true) = (peaks.first(), peaks.last(), peaks.len() > 1) {
        println!(
            "{}",
            bench.gates.at_most("memory, largest file against smallest", most / least, MOST_GROWTH)
        );
    }
    let plain = Spec::benchmark(COMPARED);
    bench.peculiar("every row is bad", &Spec { bad_share: 1.0, ..plain.clone() })?;
    bench.peculiar("a line of 1 MiB", &Spec { long_text: LongText::OneRecord, ..plain.clone() })?;
    bench
        .peculiar("fields as long as they may be", &Spec { long_text: LongText::JustWithinLimit, ..plain })?;
    drop(bench.folder);
    std::process::exit(bench.gates.exit_code());
}

impl Bench {
    /// Splits and copies a file of that size in turn. Answers with the peak in MB.
    fn size(&mut self, bytes: u64) -> io::Result<f64> {
        let input = self.folder.path().join("sales.csv");
        let records = generate(&input, &Spec::benchmark(bytes))?.records;
        let size = megabytes(input.metadata()?.len());
        let (mut splits, mut copies) = (Vec::new(), Vec::new());
        // The first round warms the caches.
        for round in 0..=ROUNDS {
            let split = self.split(&input, records)?;
            let copied = self.copy(&input)?;
            if round > 0 {
                splits.push(split);
                copies.push(copied);
            }
        }
        let (split, copied) = (cpu(&splits), cpu(&copies));
        let walls: Vec<f64> = splits.iter().map(|usage| usage.wall.as_secs_f64()).collect();
        let peak = peak(&splits);
        println!("\n{size:.0} MB, {records} records");
        println!(
            "gristmill split {split:>8.3} s CPU, {:.3} s wall, {:.0} MB per CPU-second; cp {copied:.3} s CPU",
            median(&walls).unwrap_or(f64::NAN),
            size / split
        );
        if bytes == COMPARED {
            println!(
                "{}",
                self.gates.at_most("CPU time, in copies of the file", split / copied, MOST_COPIES)
            );
        } else {
            println!("{:<52} {:>8.2}", "CPU time, in copies of the file", split / copied);
        }
        println!("{}", self.gates.at_most("memory, MB", peak, MOST_MEMORY));
        fs::remove_file(input)?;
        Ok(peak)
    }

    /// Splits a file of another kind, once: only its memory counts.
    fn peculiar(&mut self, what: &str, spec: &Spec) -> io::Result<()> {
        let input = self.folder.path().join("sales.csv");
        let expected = generate(&input, spec)?;
        let usage = self.split(&input, expected.records)?;
        let cpu = usage.cpu.as_secs_f64();
        let size = megabytes(input.metadata()?.len());
        println!(
            "\n{what}: {size:.0} MB, {} of {} records bad; {cpu:.3} s CPU, {:.0} MB per CPU-second",
            expected.rejected,
            expected.records,
            size / cpu
        );
        println!("{}", self.gates.at_most("memory, MB", megabytes(usage.peak), MOST_MEMORY));
        fs::remove_file(input)
    }

    fn split(&self, input: &Path, records: u64) -> io::Result<Usage> {
        let out = self.folder.path().join("out");
        let mut command = Command::new(&self.gristmill);
        command.arg("split").arg(input).args(["--contract", CONTRACT, "--json", "--out"]).arg(&out);
        let (usage, told) = program::run(&mut command)?;
        let told: Value = serde_json::from_str(&told)?;
        let total = told.pointer("/rows/total").and_then(Value::as_u64);
        if total != Some(records) {
            return Err(io::Error::other(format!("{records} records were expected: {told}")));
        }
        fs::remove_dir_all(out)?;
        Ok(usage)
    }

    fn copy(&self, input: &Path) -> io::Result<Usage> {
        let copy = self.folder.path().join("copy.csv");
        let (usage, _) = program::run(Command::new("cp").arg(input).arg(&copy))?;
        fs::remove_file(copy)?;
        Ok(usage)
    }
}

fn cpu(usages: &[Usage]) -> f64 {
    let seconds: Vec<f64> = usages.iter().map(|usage| usage.cpu.as_secs_f64()).collect();
    median(&seconds).unwrap_or(f64::NAN)
}

fn peak(usages: &[Usage]) -> f64 {
    usages.iter().map(|usage| megabytes(usage.peak)).fold(0.0, f64::max)
}
