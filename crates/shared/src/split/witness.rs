//! Somebody who looks on while a file is split.

use std::fmt::Debug;

use crate::rows::Record;
use crate::validate::{Findings, Plan};

/// Is shown every rejected record while it is at hand: the outputs say what is wrong with it, but not where in the
/// record that stands. Nothing of what is written depends on a witness.
pub trait Witness: Debug + Send + Sync {
    /// Looks at a rejected record, at all that is wrong with it, and at the contract as compiled for the file.
    fn rejected(&self, record: &Record<'_>, findings: &Findings, plan: &Plan);

    /// Forgets what it has seen: the file is split once more, from its start.
    fn restarted(&self);
}
