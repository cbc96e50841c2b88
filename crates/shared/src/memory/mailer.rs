use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::memory::lock;
use crate::ports::{Fault, FaultKind, Mail, Mailer, SendFault};

/// What the next send does instead of succeeding.
#[derive(Debug)]
enum Ending {
    /// The mail does not go out.
    Fault(SendFault),
    /// The mail goes out, and the answer is lost.
    LostAnswer,
}

/// A mail service that keeps what it was handed.
#[derive(Debug, Clone, Default)]
pub struct MemoryMailer {
    mails: Arc<Mutex<Vec<Mail>>>,
    attempts: Arc<Mutex<u64>>,
    script: Arc<Mutex<VecDeque<Ending>>>,
}

impl MemoryMailer {
    /// A mail service that has sent nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every mail that went out, in order.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.mails).clone()
    }

    /// How often it was called, with or without success.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        *lock(&self.attempts)
    }

    /// Makes the next call fail; its mail does not go out.
    pub fn fail_next(&self, fault: SendFault) {
        lock(&self.script).push_back(Ending::Fault(fault));
    }

    /// Makes the next call end as [`SendFault::Unknown`] although its mail goes out.
    pub fn lose_next_answer(&self) {
        lock(&self.script).push_back(Ending::LostAnswer);
    }
}

impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<String, SendFault> {
        *lock(&self.attempts) += 1;
        let ending = lock(&self.script).pop_front();
        if let Some(Ending::Fault(fault)) = ending {
            return Err(fault);
        }
        let number = {
            let mut mails = lock(&self.mails);
            mails.push(mail.clone());
            mails.len()
        };
        match ending {
            Some(_) => Err(SendFault::Unknown(Fault::new("send", FaultKind::TimedOut, "LostAnswer"))),
            None => Ok(format!("memory-{number}")),
        }
    }
}
