//! How quickly the functions start, and how large they are.
//!
//! `cargo bench -p bench --bench start`. From the start of the process to its first request at the Runtime API:
//! that is the part of a cold start that is ours. It exits with 1 when a gate is missed.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bench::program::{self, Usage};
use bench::report::{Gates, median, megabytes, milliseconds};
use bench::runtime_api::{RuntimeApi, Said};
use flate2::Compression;
use flate2::write::DeflateEncoder;

const ROUNDS: usize = 20;
/// The most time from the start to the first poll, in milliseconds.
const MOST_TIME: f64 = 15.0;
/// The largest zip file, in MB.
const MOST_ZIP: f64 = 6.0;
/// What a zip archive of one entry `bootstrap` adds: two headers with the name, and its end.
const ZIP_OVERHEAD: u64 = 30 + 46 + 22 + 2 * 9;
const FUNCTIONS: [&str; 3] = ["processor", "analyzer", "notifier"];
const VARIABLES: [(&str, &str); 4] = [
    ("GRISTMILL_EVENT_BUS", "gristmill"),
    ("GRISTMILL_TABLE", "gristmill-analyses"),
    ("GRISTMILL_SENDER", "reports@example.com"),
    ("GRISTMILL_RECIPIENTS", "people@example.com"),
];

struct Function {
    name: &'static str,
    path: PathBuf,
    started: Vec<f64>,
    cpu: Vec<f64>,
    peak: u64,
}

fn main() -> io::Result<()> {
    let mut functions = Vec::new();
    for name in FUNCTIONS {
        let path = program::release(name, &["lambda"])?;
        functions.push(Function { name, path, started: Vec::new(), cpu: Vec::new(), peak: 0 });
    }
    let api = RuntimeApi::start()?;
    // The first round warms the caches.
    for round in 0..=ROUNDS {
        for function in &mut functions {
            let (took, usage) = start(&api, function)?;
            if round > 0 {
                function.started.push(milliseconds(took));
                function.cpu.push(milliseconds(usage.cpu));
                function.peak = function.peak.max(usage.peak);
            }
        }
    }
    let mut gates = Gates::default();
    println!(
        "from the start of the process to its first poll, {ROUNDS} alternating rounds, {}",
        std::env::consts::ARCH
    );
    for Function { name, path, started, cpu, peak } in &functions {
        let least = started.iter().copied().fold(f64::INFINITY, f64::min);
        println!("\n{name}: least {least:.1} ms; {:.1} MB memory", megabytes(*peak));
        println!("{:<52} {:>8.2}", "CPU time until then, ms (median)", median(cpu).unwrap_or(f64::NAN));
        println!("{}", gates.at_most("start, ms (median)", median(started).unwrap_or(f64::NAN), MOST_TIME));
        println!("{:<52} {:>8.2}", "stripped binary, MB", megabytes(path.metadata()?.len()));
        println!("{}", gates.at_most("zip, MB (deflate, level 9)", megabytes(zipped(path)?), MOST_ZIP));
    }
    std::process::exit(gates.exit_code());
}

fn start(api: &RuntimeApi, function: &Function) -> io::Result<(Duration, Usage)> {
    let address = api.address();
    let mut variables = vec![("AWS_LAMBDA_RUNTIME_API", address.as_str())];
    variables.extend(VARIABLES);
    let running = program::start(&function.path, function.name, &variables)?;
    match api.next(Duration::from_secs(10))? {
        Said::Polled(at) => {
            let took = at.duration_since(running.since());
            Ok((took, running.end()?))
        }
        other => Err(io::Error::other(format!("{} said {other:?}", function.name))),
    }
}

fn zipped(path: &Path) -> io::Result<u64> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&std::fs::read(path)?)?;
    Ok(encoder.finish()?.len() as u64 + ZIP_OVERHEAD)
}
