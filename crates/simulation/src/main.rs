//! Runs simulations and prints their figures.

use std::io::Write as _;

use clap::Parser;
use simulation::run::{Options, run};

/// Runs the pipeline on in-memory services, with faults at every call.
#[derive(Debug, Parser)]
struct Arguments {
    /// Files in all
    #[arg(long, default_value_t = 1000)]
    files: usize,
    /// The seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The rate of faults
    #[arg(long, default_value_t = 0.01)]
    rate: f64,
}

fn main() {
    let arguments = Arguments::parse();
    let outcome = run(&Options::random(arguments.seed, arguments.files, arguments.rate));
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{:#?}", outcome.figures);
    for violation in outcome.violations.iter().take(20) {
        let _ = writeln!(out, "{violation}");
    }
}
