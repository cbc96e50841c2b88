//! The commands for a stack, in a build that does not know AWS.

use crate::arguments::{BackfillArguments, RedriveArguments, ReplayArguments, StatusArguments};
use crate::console::Console;
use crate::failure::{Exit, Failure};

fn missing(command: &str) -> Failure {
    Failure::usage(format!(
        "{command} talks to AWS, and this gristmill was built without that\nbuild it so: cargo run --release \
         --features cloud -- {command}"
    ))
}

pub(crate) fn replay(_: &ReplayArguments, _: &mut Console<'_>) -> Result<Exit, Failure> {
    Err(missing("replay"))
}

pub(crate) fn redrive(_: &RedriveArguments, _: &mut Console<'_>) -> Result<Exit, Failure> {
    Err(missing("redrive"))
}

pub(crate) fn status(_: &StatusArguments, _: &mut Console<'_>) -> Result<Exit, Failure> {
    Err(missing("status"))
}

pub(crate) fn backfill(_: &BackfillArguments, _: &mut Console<'_>) -> Result<Exit, Failure> {
    Err(missing("backfill"))
}
