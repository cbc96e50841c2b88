//! Judges what was observed of real functions by the simulation's invariants ([`simulation::observed`]).

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde_json::{Value, json};
use simulation::invariants::{self, Snapshot, Violation};
use simulation::observed::{Observation, Unreadable};
use simulation::report::Figures;

/// Says which rules an observation breaks, as JSON. Ends with 1 when it breaks any, and with 3 when it cannot be judged.
#[derive(Debug, Parser)]
#[command(name = "judge", version)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Before the dead letters are moved back: nothing is lost out of sight
    Before {
        /// The observation
        folder: PathBuf,
    },
    /// When everything has been given its chance
    After {
        /// The observation
        folder: PathBuf,
    },
    /// After everything was delivered once more: nothing has changed
    Replay {
        /// The observation before
        folder: PathBuf,
        /// The observation afterwards
        afterwards: PathBuf,
    },
}

fn main() -> ExitCode {
    match judge(&Arguments::parse().what) {
        Ok((told, good)) => {
            let _ = writeln!(std::io::stdout(), "{told}");
            if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "judge: {error}");
            ExitCode::from(3)
        }
    }
}

/// What there is to tell, and whether all is well.
fn judge(what: &What) -> Result<(Value, bool), Unreadable> {
    let (world, violations) = match what {
        What::Before { folder } => {
            let (_, world) = Observation::read(folder)?;
            let violations = invariants::before_redrive(&world);
            (world, violations)
        }
        What::After { folder } => {
            let (observation, world) = Observation::read(folder)?;
            let violations = invariants::after_redrive(&world, &observation.options());
            (world, violations)
        }
        What::Replay { folder, afterwards } => {
            let ((_, before), (_, world)) = (Observation::read(folder)?, Observation::read(afterwards)?);
            let mut violations = Snapshot::of(&before).compare(&Snapshot::of(&world));
            violations.extend(invariants::drained(&world));
            (world, violations)
        }
    };
    let figures = Figures::of(&world, &violations);
    let told = json!({
        "violations": violations.iter().map(told).collect::<Vec<_>>(),
        "waiting": invariants::waiting(&world),
        "figures": {
            "files": figures.files,
            "runs": figures.runs,
            "mails": figures.mails,
            "second_mails": figures.duplicate_mails,
            "duplicate_analyses": figures.duplicate_analyses,
            "parked": figures.parked,
            "dead_letters": figures.dead_letters,
        },
    });
    Ok((told, violations.is_empty()))
}

fn told(violation: &Violation) -> Value {
    json!({"rule": format!("{:?}", violation.rule), "what": violation.what, "count": violation.count})
}
