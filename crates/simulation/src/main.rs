//! Runs simulations and prints their figures.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use clap::Parser;
use simulation::invariants::Violation;
use simulation::mechanisms::Mechanisms;
use simulation::report::{Figures, table};
use simulation::run::{Options, run};

/// Runs the pipeline on in-memory services, with faults at every call.
#[derive(Debug, Parser)]
#[command(name = "simulate", version)]
struct Arguments {
    /// Files in all
    #[arg(long, default_value_t = 10_000)]
    files: usize,
    /// The seed of the first world; each further one has the next number
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Worlds that share the files; a thousand files each, unless said otherwise
    #[arg(long)]
    worlds: Option<usize>,
    /// The rate of faults
    #[arg(long, default_value_t = 0.01)]
    rate: f64,
    /// Worlds at the same time
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Switches a mechanism off, to see what it is for
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(Mechanisms::NAMES))]
    off: Vec<String>,
    /// Has files deleted also while they are worked on
    #[arg(long)]
    withdrawals: bool,
    /// Runs the naive stages instead, for contrast
    #[arg(long)]
    naive: bool,
    /// Prints the figures as JSON
    #[arg(long)]
    json: bool,
}

/// What a world ended with.
struct World {
    seed: u64,
    violations: Vec<Violation>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    // The command line has taken no other name.
    let Ok(mechanisms) = Mechanisms::without(arguments.off.iter().map(String::as_str)) else {
        return ExitCode::FAILURE;
    };
    let (figures, bad) = all_worlds(&arguments, &mechanisms);
    let seconds = begun.elapsed().as_secs_f64();
    let mut out = std::io::stdout().lock();
    let printed = if arguments.json {
        serde_json::to_string(&figures.json(seconds)).unwrap_or_default()
    } else {
        table(&figures, seconds)
    };
    let _ = writeln!(out, "{}", printed.trim_end());
    for world in &bad {
        let _ = writeln!(out, "\nseed {}: {} violations", world.seed, world.violations.len());
        for violation in world.violations.iter().take(10) {
            let _ = writeln!(out, "  {violation}");
        }
        let _ = writeln!(out, "  again: {}", again(&arguments, world.seed));
    }
    // The promise leaves one window open for a second mail; it must stay as small as promised.
    let too_many = figures.duplicate_mails > figures.files.div_ceil(10_000);
    // Of the naive stages nothing is promised.
    if arguments.naive || bad.is_empty() && !too_many { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the worlds, so many at a time, and hands out those in which something is wrong.
fn all_worlds(arguments: &Arguments, mechanisms: &Mechanisms) -> (Figures, Vec<World>) {
    let (worlds, files) = shares(arguments);
    let next = AtomicUsize::new(0);
    let result = Mutex::new((Figures::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= worlds {
                        return;
                    }
                    let seed = arguments.seed.wrapping_add(number as u64);
                    let mut options = Options::random(seed, files, arguments.rate);
                    options.withdrawals = arguments.withdrawals;
                    options.mechanisms.clone_from(mechanisms);
                    if arguments.naive {
                        let figures = simulation::naive::run(&options);
                        lock(&result).0.extend(&figures);
                        continue;
                    }
                    let outcome = run(&options);
                    let mut result = lock(&result);
                    result.0.extend(&outcome.figures);
                    if !outcome.violations.is_empty() {
                        result.1.push(World { seed, violations: outcome.violations });
                    }
                }
            });
        }
    });
    let (figures, mut bad) = result.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    bad.sort_by_key(|world| world.seed);
    (figures, bad)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// How many worlds there are, and how many files each has.
fn shares(arguments: &Arguments) -> (usize, usize) {
    let worlds = arguments.worlds.unwrap_or_else(|| arguments.files.div_ceil(1000)).max(1);
    (worlds, arguments.files.div_ceil(worlds))
}

/// The command that repeats a world.
fn again(arguments: &Arguments, seed: u64) -> String {
    let (_, files) = shares(arguments);
    let off: String = arguments.off.iter().map(|name| format!(" --off {name}")).collect();
    let withdrawals = if arguments.withdrawals { " --withdrawals" } else { "" };
    let rate = arguments.rate;
    format!("simulate --seed {seed} --worlds 1 --files {files} --rate {rate}{withdrawals}{off}")
}
