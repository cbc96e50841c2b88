//! How a command ends.

use std::error::Error;
use std::process::ExitCode;

use shared::contract::BrokenContract;
use shared::ports::{Fault, FaultKind};
use shared::stage::StageError;

/// How a command ended. Of several files, the worst counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All good.
    Good,
    /// A file was rejected or held, or a checked row failed.
    Rejected,
    /// The command line or a contract is wrong.
    Usage,
    /// The program failed.
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Good => Self::SUCCESS,
            Exit::Rejected => Self::from(1),
            Exit::Usage => Self::from(2),
            Exit::Failed => Self::from(3),
        }
    }
}

/// Why a command could not do its work: what, where, and how to put it right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit that it means.
    pub exit: Exit,
    /// In plain words, one line for each thing that is wrong.
    pub message: String,
}

impl Failure {
    /// The user can put it right.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// The program failed.
    pub(crate) fn program(message: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, message: message.into() }
    }

    /// A contract is broken.
    pub(crate) fn contract(file: &str, broken: &BrokenContract) -> Self {
        let lines = broken.problems.iter().map(|problem| format!("{file}: {problem}"));
        Self::usage(lines.collect::<Vec<_>>().join("\n"))
    }

    /// A stage failed at a file.
    pub(crate) fn stage(file: &str, error: &StageError) -> Self {
        let remedy = match error {
            StageError::Port(fault) => remedy(fault),
            StageError::Busy { .. } => Some("another gristmill is at it, or was stopped; try again then"),
            StageError::LeaseLost => Some("another gristmill has taken it over"),
            // Only the Lambda's handler says so; a local outbox refuses nothing.
            StageError::Unmailed { .. } => None,
            StageError::Broken { .. } => Some("remove the output directory, or name another with --out"),
        };
        let remedy = remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
        Self::program(format!("{file}: {}{remedy}", chain(error)))
    }

    /// A call failed at a file.
    pub(crate) fn fault(file: &str, fault: &Fault) -> Self {
        let remedy = remedy(fault).map(|remedy| format!("; {remedy}")).unwrap_or_default();
        Self::program(format!("{file}: {}{remedy}", cause(fault)))
    }
}

/// What to do about a fault.
fn remedy(fault: &Fault) -> Option<&'static str> {
    match fault.kind {
        FaultKind::Denied => Some("check its permissions, or name another directory with --out"),
        FaultKind::Changed => Some("the file was changed while it was being read; run it again"),
        FaultKind::Differs => Some("it was changed since it was written; remove it, or name another --out"),
        _ => None,
    }
}

/// What failed underneath, or else the fault itself.
fn cause(fault: &Fault) -> String {
    fault.source.as_ref().map_or_else(|| fault.to_string(), ToString::to_string)
}

/// An error with its causes. A fault's own words are for logs: its cause names the file.
fn chain(error: &StageError) -> String {
    if let StageError::Port(fault) = error {
        return cause(fault);
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
