//! Analyses on the table: each step one conditional write, and a look at the old item when its condition fails.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use shared::claims::{Attempt, Step, TaskItem};
use shared::identity::RunId;
use shared::ports::{
    Analyses, Claim, Claimed, Commit, Fault, FaultKind, Heard, Lease, MailFeedback, SendOutcome, Task,
};
use shared::record::AnalysisRecord;

use crate::faults::Operation;
use crate::mechanisms::Mechanisms;
use crate::ports::Ports;
use crate::services::table::StepRules;
use crate::world::{World, lock};

/// How often a record is marked anew while its mail changes.
const MARKS: u32 = 3;

fn rules(mechanisms: &Mechanisms) -> StepRules {
    StepRules { fence: mechanisms.fence, intent: mechanisms.send_intent }
}

impl Ports {
    /// A step, with the look at the old item.
    async fn step(
        &self,
        operation: Operation,
        lease: &Lease,
        step: Step,
        record: Option<Arc<AnalysisRecord>>,
    ) -> Result<Commit, Fault> {
        let (asked, held) = (step.clone(), lease.clone());
        let write = move |world: &mut World| {
            let (rules, now) = (rules(&world.mechanisms), world.time());
            Ok(match &record {
                Some(record) => world.table.store(now, &held, record, rules),
                None => world.table.step(now, &held, &asked, rules),
            })
        };
        Ok(match self.call(operation, write).await? {
            Ok(()) => Commit::Stored,
            Err(Some(old)) if lock(&self.shared).mechanisms.own_retry_check && old.shows(lease, &step) => {
                Commit::Stored
            }
            Err(_) => Commit::Lost,
        })
    }
}

impl Analyses for Ports {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Fault> {
        let mut asked = claim.clone();
        let (lease, own_retry_check) = {
            let world = lock(&self.shared);
            if !world.mechanisms.feedback_wait && asked.resend_before.is_some() {
                let soon = asked.now.checked_add(SignedDuration::from_hours(1));
                asked.resend_before = Some(soon.unwrap_or(Timestamp::MAX));
            }
            (world.mechanisms.lease, world.mechanisms.own_retry_check)
        };
        let write = move |world: &mut World| {
            let now = world.time();
            Ok(world.table.claim(now, &asked, lease))
        };
        Ok(match self.call(Operation::Claim, write).await? {
            Ok(new) => Claimed::Granted(new.lease(&claim.run_id, claim.task)),
            Err(old) if own_retry_check => old.answer(claim),
            Err(mut old) => {
                // Nobody is taken for the one who asks.
                old.owner.push('~');
                old.answer(claim)
            }
        })
    }

    async fn store(&self, lease: &Lease, record: &AnalysisRecord) -> Result<Commit, Fault> {
        self.step(Operation::Store, lease, Step::Finish, Some(Arc::new(record.clone()))).await
    }

    async fn load(&self, run_id: &RunId) -> Result<Option<AnalysisRecord>, Fault> {
        let run_id = run_id.clone();
        let read = move |world: &mut World| Ok(world.table.record(&run_id).cloned());
        Ok(self.call(Operation::GetItem, read).await?.map(|record| AnalysisRecord::clone(&record)))
    }

    async fn task(&self, run_id: &RunId, task: Task) -> Result<Option<TaskItem>, Fault> {
        let asked = run_id.clone();
        self.call(Operation::GetItem, move |world| Ok(world.table.task(&asked, task).cloned())).await
    }

    async fn begin_send(&self, lease: &Lease, send_id: &str, at: Timestamp) -> Result<Commit, Fault> {
        if !lock(&self.shared).mechanisms.send_intent {
            return Ok(Commit::Stored);
        }
        let attempt = Attempt { send_id: send_id.to_owned(), since: at };
        self.step(Operation::BeginSend, lease, Step::BeginSend(attempt), None).await
    }

    async fn end_send(&self, lease: &Lease, outcome: &SendOutcome) -> Result<Commit, Fault> {
        self.step(Operation::EndSend, lease, Step::EndSend(outcome.clone()), None).await
    }

    async fn park(&self, run_id: &RunId, send_id: &str, at: Timestamp) -> Result<(), Fault> {
        let (run_id, send_id) = (run_id.clone(), send_id.to_owned());
        self.call(Operation::Park, move |world| {
            world.table.park(&run_id, &send_id, at);
            Ok(())
        })
        .await
    }

    async fn hear(&self, feedback: &MailFeedback) -> Result<Heard, Fault> {
        let word = feedback.clone();
        let settle = move |world: &mut World| {
            let now = world.time();
            Ok(world.table.settle(now, &word))
        };
        let Some(old) = (match self.call(Operation::Hear, settle).await? {
            Ok(()) => return Ok(Heard::Settled),
            Err(old) => old,
        }) else {
            return Ok(Heard::NoSuchRun);
        };
        let word = feedback.clone();
        self.call(Operation::Hear, move |world| {
            world.table.note(&word);
            Ok(())
        })
        .await?;
        Ok(if old.was_settled_by(feedback) { Heard::Settled } else { Heard::Known })
    }

    async fn mark(&self, run_id: &RunId) -> Result<(), Fault> {
        let Some(mut mail) = self.task(run_id, Task::Notify).await? else { return Ok(()) };
        for _ in 0..MARKS {
            let asked = run_id.clone();
            let told = move |world: &mut World| {
                let record = world.table.record(&asked);
                Ok(record.map(|record| {
                    let notification = (record.notification_sent, record.notification_timestamp.clone());
                    (notification, world.table.marked(&asked).unwrap_or_default())
                }))
            };
            let Some(told) = self.call(Operation::GetItem, told).await? else { return Ok(()) };
            if told == (mail.notification(), mail.order()) {
                return Ok(());
            }
            let (asked, said) = (run_id.clone(), mail.clone());
            self.call(Operation::Mark, move |world| {
                world.table.mark(&asked, &said);
                Ok(())
            })
            .await?;
            // The last to write looks again.
            match self.task(run_id, Task::Notify).await? {
                Some(now) if now.notification() != mail.notification() => mail = now,
                _ => return Ok(()),
            }
        }
        Err(Fault::new("UpdateItem", FaultKind::Contended, "MailKeepsChanging"))
    }
}
