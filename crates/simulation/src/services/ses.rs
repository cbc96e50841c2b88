//! A mail service as SES is: it takes mails, without any token that would make a second call the same as the first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use shared::identity::RunId;
use shared::ports::Mail;

/// A mail that the service took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The attempt.
    pub send_id: String,
    /// The service's id.
    pub message_id: String,
    /// When.
    pub at: Timestamp,
}

/// Whom a mail goes to, by the part of the address that says how it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is delivered.
    Delivered,
    /// The recipient's server refuses it.
    Bounced,
    /// The service takes it, finds a virus, and throws it away.
    ThrownAway,
    /// The service does not take it.
    Refused,
}

impl Fate {
    /// The fate of a mail.
    #[must_use]
    pub fn of(mail: &Mail) -> Self {
        let is_for = |name: &str| mail.to.iter().any(|address| address.starts_with(name));
        if is_for("refused@") {
            Self::Refused
        } else if is_for("virus@") {
            Self::ThrownAway
        } else if is_for("bounce@") {
            Self::Bounced
        } else {
            Self::Delivered
        }
    }
}

/// The mail service.
#[derive(Debug, Default)]
pub struct Ses {
    accepted: BTreeMap<RunId, Vec<Accepted>>,
    made: u64,
}

impl Ses {
    /// Takes a mail.
    pub fn accept(&mut self, mail: &Mail, at: Timestamp) -> String {
        self.made += 1;
        let message_id = format!("mail-{}", self.made);
        let accepted = Accepted { send_id: mail.send_id.clone(), message_id: message_id.clone(), at };
        self.accepted.entry(mail.run_id.clone()).or_default().push(accepted);
        message_id
    }

    /// Takes a mail in that was accepted elsewhere.
    pub(crate) fn keep(&mut self, run_id: RunId, accepted: Accepted) {
        self.made += 1;
        self.accepted.entry(run_id).or_default().push(accepted);
    }

    /// The mails of a run.
    #[must_use]
    pub fn of(&self, run_id: &RunId) -> &[Accepted] {
        self.accepted.get(run_id).map_or(&[], Vec::as_slice)
    }

    /// Every run with its mails.
    pub fn all(&self) -> impl Iterator<Item = (&RunId, &[Accepted])> {
        self.accepted.iter().map(|(run, mails)| (run, mails.as_slice()))
    }

    /// How many mails were taken.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.made
    }
}
