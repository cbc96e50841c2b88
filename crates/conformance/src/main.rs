//! Runs the suite and says what came of it.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use conformance::absent;
use conformance::rooms::cloud::{CloudRoom, Wish};
use conformance::suite::{Adapter, Ledger, Part, Ran};
use conformance::trace::Trouble;

/// The same cases over all adapters of the ports: memory, local files, the simulation's services, and AWS.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// AWS too, at `AWS_ENDPOINT_URL`, which must be on this machine
    #[arg(long)]
    aws: bool,
    /// AWS at another endpoint, or AWS itself: makes and removes a table, a bus and queues there, and writes to the bucket
    #[arg(long, requires = "aws", requires = "bucket")]
    really: bool,
    /// The bucket, which must keep versions; without it one is made
    #[arg(long, requires = "aws", value_name = "NAME")]
    bucket: Option<String>,
    /// Only the cases that have this in their name, which is part/case
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print each answer
    #[arg(long)]
    answers: bool,
}

/// Nothing differs.
const SAME: u8 = 0;
/// Something differs, or could not be tried.
const OTHERWISE: u8 = 1;
/// The suite could not be run.
const NOT_RUN: u8 = 2;

#[expect(clippy::disallowed_methods, reason = "a main is where the environment is read")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let endpoints = std::env::vars().filter(|(name, _)| name.starts_with("AWS_ENDPOINT_URL")).collect();
    let mut out = io::stdout().lock();
    let code = run(&arguments, endpoints, &mut out).unwrap_or_else(|trouble| {
        let mut told = format!("conformance: {trouble}");
        let mut cause = trouble.source();
        while let Some(error) = cause {
            told.push_str(": ");
            told.push_str(&error.to_string());
            cause = error.source();
        }
        // There is nobody left to tell when this fails.
        let _ = writeln!(io::stderr(), "{told}");
        NOT_RUN
    });
    ExitCode::from(code)
}

fn run(arguments: &Arguments, endpoints: Vec<(String, String)>, out: &mut impl Write) -> Result<u8, Trouble> {
    let mut ledger = Ledger::new(arguments.only.clone());
    let mut adapters = vec![Adapter::Memory, Adapter::Local, Adapter::Simulation];
    // First, so that an endpoint that is missing is told of at once.
    let room = if arguments.aws {
        adapters.push(Adapter::Aws);
        let wish = Wish { really: arguments.really, bucket: arguments.bucket.clone(), endpoints };
        Some(CloudRoom::new(&wish)?)
    } else {
        None
    };
    ledger.memory();
    ledger.local()?;
    ledger.simulation();
    if let Some(room) = room {
        ledger.aws(&room);
        room.tear_down()?;
    }
    ledger.close(&adapters);
    tell(&ledger, &adapters, arguments, out)
}

fn tell(
    ledger: &Ledger,
    adapters: &[Adapter],
    arguments: &Arguments,
    out: &mut impl Write,
) -> Result<u8, Trouble> {
    table(ledger, adapters, out)?;
    absences(adapters, out)?;
    if arguments.answers {
        answers(ledger, out)?;
    }
    let (compared, differences) = ledger.compare();
    let troubles = ledger.troubles();
    for difference in &differences {
        let ((first, other), (expected, found)) = (&difference.adapters, &difference.answers);
        writeln!(out, "\ndiffers: {}\n  {first}: {expected}\n  {other}: {found}", difference.case)?;
    }
    for trouble in &troubles {
        writeln!(out, "\nnot tried: {trouble}")?;
    }
    let (cases, tried, absent) = ledger.counts();
    writeln!(
        out,
        "\n{cases} cases × {} adapters: {tried} tried, {absent} have no place there; {compared} answers compared, {} \
         differences, {} not tried",
        adapters.len(),
        differences.len(),
        troubles.len(),
    )?;
    Ok(if differences.is_empty() && troubles.is_empty() && tried > 0 { SAME } else { OTHERWISE })
}

fn table(ledger: &Ledger, adapters: &[Adapter], out: &mut impl Write) -> io::Result<()> {
    write!(out, "{:10} {:>6}", "part", "cases")?;
    for adapter in adapters {
        write!(out, " {:>18}", adapter.to_string())?;
    }
    writeln!(out)?;
    for part in Part::ALL {
        let cases: Vec<_> =
            ledger.cases.iter().filter(|((of, _, _), _)| *of == part).map(|(_, on)| on).collect();
        write!(out, "{:10} {:>6}", part.to_string(), cases.len())?;
        for adapter in adapters {
            let ran = || cases.iter().filter_map(|on| on.get(adapter));
            let tried = ran().filter(|ran| matches!(ran, Ran::Answers(_))).count();
            let answers: usize =
                ran().map(|ran| if let Ran::Answers(all) = ran { all.len() } else { 0 }).sum();
            write!(out, " {:>18}", format!("{tried} ({answers} answers)"))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn absences(adapters: &[Adapter], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "\nhave no place:")?;
    for absence in absent::ALL.iter().filter(|absence| adapters.contains(&absence.adapter)) {
        let what = if absence.cases.is_empty() { "all of it".to_owned() } else { absence.cases.join(", ") };
        writeln!(out, "  {} {}: {what}: {}", absence.adapter, absence.part, absence.reason)?;
    }
    Ok(())
}

fn answers(ledger: &Ledger, out: &mut impl Write) -> io::Result<()> {
    for ((part, _, name), on) in &ledger.cases {
        writeln!(out, "\n{part}/{name}")?;
        let mut told = BTreeSet::new();
        for (adapter, ran) in on {
            if let Ran::Answers(answers) = ran
                && told.insert(answers)
            {
                writeln!(out, "  {adapter}")?;
                for answer in answers {
                    writeln!(out, "    {answer}")?;
                }
            }
        }
    }
    Ok(())
}
