//! Goes through every single fault and every pair of faults, and prints how many there were and what they did.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use simulation::mechanisms::Mechanisms;
use simulation::systematic::{Subject, Tally, pairs, singles};

/// Runs the pipeline under every single fault, and under every pair of the three worst.
#[derive(Debug, Parser)]
#[command(name = "schedules", version)]
struct Arguments {
    /// Pairs at the same time
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Only the single faults
    #[arg(long)]
    singles: bool,
    /// Switches a mechanism off, to see what it is for
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(Mechanisms::NAMES))]
    off: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The command line has taken no other name.
    let Ok(mechanisms) = Mechanisms::without(arguments.off.iter().map(String::as_str)) else {
        return ExitCode::FAILURE;
    };
    let mut out = std::io::stdout().lock();
    let heading = [
        "file",
        "calls",
        "schedules",
        "faults",
        "lost",
        "dup. rows",
        "partial",
        "dup. analyses",
        "dup. mails",
        "dead",
        "wrong",
        "s",
    ];
    let _ = writeln!(out, "| {} |\n|{}", heading.join(" | "), "---|".repeat(heading.len()));
    let mut good = true;
    let subjects =
        [("split", Subject::SPLIT), ("refused", Subject::REFUSED), ("thrown away", Subject::THROWN_AWAY)];
    for (name, subject) in subjects {
        let begun = Instant::now();
        let tally = singles(subject, &mechanisms);
        good &= show(&mut out, &format!("{name}, single faults"), &tally, begun);
    }
    if !arguments.singles {
        for (name, subject) in subjects {
            let begun = Instant::now();
            let tally = pairs(subject, &mechanisms, arguments.jobs);
            good &= show(&mut out, &format!("{name}, pairs"), &tally, begun);
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a line, and the first schedules that went wrong.
fn show(out: &mut impl std::io::Write, name: &str, tally: &Tally, begun: Instant) -> bool {
    let figures = &tally.figures;
    let numbers = [
        tally.calls,
        tally.schedules,
        figures.faults,
        figures.lost,
        figures.duplicate_rows,
        figures.partial,
        figures.duplicate_analyses,
        figures.duplicate_mails,
        figures.dead_letters,
        tally.bad.len() as u64,
    ];
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    let _ = writeln!(out, "| {name} | {} | {:.1} |", numbers.join(" | "), begun.elapsed().as_secs_f64());
    for bad in tally.bad.iter().take(5) {
        let _ = writeln!(out, "  {:?}", bad.schedule);
        for violation in bad.violations.iter().take(5) {
            let _ = writeln!(out, "    {violation}");
        }
    }
    tally.bad.is_empty()
}
