//! What the three stages have in common: what a delivery brings, and how a stage can fail.

use jiff::Timestamp;

use crate::ports::{Disposition, Fault};

/// What a stage knows of the delivery that woke it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Who is at work: one invocation. Owner of the claims it makes.
    pub owner: String,
    /// When the invocation ends at the latest.
    pub deadline: Timestamp,
}

/// Why a stage did not finish. The delivery is not acknowledged and comes back.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A call at a port failed.
    #[error("a call failed")]
    Port(#[from] Fault),
    /// Another invocation is at the same task.
    #[error("another invocation is at this task until {until}")]
    Busy {
        /// When it is worth coming back.
        until: Timestamp,
    },
    /// The claim was lost to a later invocation, which finishes the task.
    #[error("the claim on this task was lost to a later invocation")]
    LeaseLost,
    /// The mail of a run did not go out, and it is not tried again. The run is settled: the next delivery finds it so.
    #[error("the mail of this run did not go out ({code}), and it is not tried again")]
    Unmailed {
        /// The mail service's code, or a word of ours.
        code: String,
    },
    /// An object that must be there is missing or not of the right form.
    #[error("{what} is missing or broken: {reason}")]
    Broken {
        /// Which object.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StageError {
    /// Whether another delivery can help.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Port(fault) => fault.disposition(),
            Self::Busy { .. } | Self::LeaseLost => Disposition::Retry,
            Self::Unmailed { .. } | Self::Broken { .. } => Disposition::Park,
        }
    }

    /// The stable name that alarms and dashboards key on.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Port(fault) => fault.error_type(),
            Self::Busy { .. } => "Stage.Busy",
            Self::LeaseLost => "Stage.LeaseLost",
            Self::Unmailed { .. } => "Stage.Unmailed",
            Self::Broken { .. } => "Stage.Broken",
        }
    }
}
