//! Has a room of its own, because those who look after a running pipeline need ports that no stage may have, such as its
//! queues, and because what they do is tried over memory before anybody lets it loose on an account.
//!
//! | command | does |
//! | --- | --- |
//! | [`replay`] | announces files again, as runs that they are or, forced, as new ones |
//! | [`redrive`] | moves dead letters back into the queues that they came from |
//! | [`backfill`] | announces the files that the ledger does not know, under a rate |
//! | [`status`] | says how far files and runs are |
//!
//! No AWS, no clock, no environment and no runtime: ports and times come in as arguments. None of the commands writes to
//! the bucket or to the table. All that they do is to put messages into queues, and the stages take any message
//! twice; so a command may be killed anywhere and started again.

pub mod announcement;
pub mod backfill;
mod files;
pub mod names;
pub mod pace;
pub mod redrive;
pub mod replay;
pub mod status;
mod watch;

pub use watch::Watch;

/// The ports that the commands work on.
#[derive(Debug, Clone)]
pub struct Operator<O, A, Q, C> {
    /// The bucket.
    pub objects: O,
    /// The table of analyses.
    pub analyses: A,
    /// The queues.
    pub queues: Q,
    /// Time.
    pub clock: C,
}
