#![doc = include_str!("../README.md")]

mod arguments;
mod check;
#[cfg(feature = "cloud")]
mod cloud;
#[cfg(not(feature = "cloud"))]
mod cloudless;
mod console;
mod contracts;
mod draft;
mod failure;
mod lint;
pub mod local;
mod opener;
pub mod progress;
mod result;
mod run;
mod split;
mod stages;
mod summary;

#[cfg(not(feature = "cloud"))]
use crate::cloudless as cloud;

pub use arguments::{Arguments, Command};
pub use console::Console;
pub use failure::{Exit, Failure};

/// Carries out a command. Results go to the console's output, everything else to its errors.
///
/// # Errors
/// [`Failure`] says what is wrong with the command line or a contract, or why the program failed.
pub fn carry_out(arguments: &Arguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Run(run) => run::run(run, console),
        Command::Split(split) => split::split(split, console),
        Command::Check(check) => check::check(check, console),
        Command::Infer(infer) => draft::infer(infer, console),
        Command::Contract(command) => lint::contract(command, console),
        Command::Replay(replay) => cloud::replay(replay, console),
        Command::Redrive(redrive) => cloud::redrive(redrive, console),
        Command::Status(status) => cloud::status(status, console),
        Command::Backfill(backfill) => cloud::backfill(backfill, console),
    }
}
