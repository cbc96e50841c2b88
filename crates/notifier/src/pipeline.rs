//! The order of steps, and what a failure at each means.

use jiff::{SignedDuration, Timestamp};
use shared::backoff::{Backoff, retry};
use shared::contract::Contract;
use shared::events::PipelineEvent;
use shared::identity::RunId;
use shared::ledger::{self, Place};
use shared::manifest::{AppliedContract, Manifest, Status};
use shared::ports::{
    Analyses, Claim, Claimed, Clock, Commit, Fetched, Heard, Lease, Location, Mail, MailFeedback, Mailer,
    Objects, SendFault, SendOutcome, Task,
};
use shared::record::AnalysisRecord;
use shared::stage::{Delivery, StageError};

use crate::recipients;
use crate::report::Report;
use crate::settings::{Settings, Unsettled};

/// How long an unsettled send is left alone before the mail is sent again: the mail service's own word on it
/// usually comes within minutes.
pub const UNSETTLED_GRACE: SignedDuration = SignedDuration::from_mins(15);

/// What a claim outlives its invocation by, for clocks that disagree.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(2);

/// The code under which a run without recipients is settled.
const NO_RECIPIENTS: &str = "NoRecipients";

/// The last stage: one mail for each finished run.
#[derive(Debug, Clone)]
pub struct Notifier<O, A, X, C> {
    /// Where manifests lie.
    pub objects: O,
    /// Where analyses and claims lie.
    pub analyses: A,
    /// What sends mails.
    pub mailer: X,
    /// Time.
    pub clock: C,
    /// What was set.
    pub settings: Settings,
}

/// How a delivery ended. Each is a finished state, to be acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The mail service took the mail.
    Sent {
        /// Its id for the mail.
        message_id: String,
    },
    /// An earlier delivery had settled this run; nothing was sent.
    AlreadySent,
    /// The mail service will not take the mail; somebody has to look at it.
    Refused {
        /// The mail service's code.
        code: String,
    },
    /// Neither the contract nor the settings name anybody.
    NoRecipients,
    /// Nobody can tell whether the mail went out, and the settings say that it is not sent again.
    Parked,
}

impl<O: Objects, A: Analyses, X: Mailer, C: Clock> Notifier<O, A, X, C> {
    /// Sends the mail that an event asks for, unless it was sent before.
    ///
    /// # Errors
    /// [`StageError::Busy`] while another invocation is at it or the end of an earlier send is not known;
    /// [`StageError::Port`] when a call failed, the mail was certainly not sent, or nobody can tell whether it
    /// was; [`StageError::Broken`] when the manifest or the analysis is missing or cannot be read.
    pub async fn notify(&self, event: &PipelineEvent, delivery: &Delivery) -> Result<Outcome, StageError> {
        let order = Order::of(event)?;
        let manifest = self.manifest(&order).await?;
        let outcome = match self.analyses.claim(&self.claim(order.run_id, delivery)).await? {
            Claimed::Granted(lease) => self.deliver(&manifest, &lease, delivery).await?,
            Claimed::Finished => Outcome::AlreadySent,
            Claimed::Busy { until } => return Err(StageError::Busy { until }),
            Claimed::Unsettled { send_id, since } => self.wait(order.run_id, &send_id, since).await?,
        };
        self.close(&manifest).await?;
        Ok(outcome)
    }

    /// Takes in what the mail service says of a mail.
    ///
    /// # Errors
    /// [`StageError::Port`] when a call failed.
    pub async fn hear(&self, feedback: &MailFeedback) -> Result<Heard, StageError> {
        let heard = self.analyses.hear(feedback).await?;
        // Also when the send was settled before: what was not marked then is marked now.
        if heard != Heard::NoSuchRun {
            self.analyses.mark(&feedback.run_id).await?;
        }
        Ok(heard)
    }

    /// Sends the mail of a run whose task is ours.
    async fn deliver(
        &self,
        manifest: &Manifest,
        lease: &Lease,
        delivery: &Delivery,
    ) -> Result<Outcome, StageError> {
        let mail = self.mail(manifest, lease).await?;
        // From here on a crash leaves the run as "sending": it is sent again only after the grace.
        stored(self.analyses.begin_send(lease, &mail.send_id, self.clock.now()).await?)?;
        if mail.to.is_empty() {
            self.settle(lease, &refused(NO_RECIPIENTS, self.clock.now())).await?;
            return Ok(Outcome::NoRecipients);
        }
        // An owner that was held up for so long may have been taken over: its successor sends.
        if self.clock.now() >= delivery.deadline {
            return Err(StageError::LeaseLost);
        }
        match self.mailer.send(&mail).await {
            Ok(message_id) => {
                let sent = SendOutcome::Sent { message_id: message_id.clone(), at: self.clock.now() };
                self.settle(lease, &sent).await?;
                Ok(Outcome::Sent { message_id })
            }
            Err(SendFault::NotSent(fault)) => {
                self.settle(lease, &SendOutcome::NotSent).await?;
                Err(fault.into())
            }
            Err(SendFault::Refused(fault)) => {
                self.settle(lease, &refused(&fault.code, self.clock.now())).await?;
                Ok(Outcome::Refused { code: fault.code })
            }
            // Nothing is written down: the run stays as "sending" until the mail service's word comes, or the grace
            // is over.
            Err(SendFault::Unknown(fault)) => Err(fault.into()),
        }
    }

    /// An earlier send was never settled. Within the grace its word may still come; after it a person has to look,
    /// where the settings do not have the mail sent again.
    async fn wait(&self, run_id: &RunId, send_id: &str, since: Timestamp) -> Result<Outcome, StageError> {
        let now = self.clock.now();
        // The next millisecond: "before" is strict.
        let until = since.checked_add(UNSETTLED_GRACE + SignedDuration::from_millis(1));
        let until = until.unwrap_or(Timestamp::MAX);
        if self.settings.unsettled == Unsettled::Resend || now < until {
            return Err(StageError::Busy { until });
        }
        self.analyses.park(run_id, send_id, now).await?;
        Ok(Outcome::Parked)
    }

    /// The mail of the run is settled: the record and the ledger say so. Repeated by each later delivery, so that
    /// what a crash left undone here is made good.
    async fn close(&self, manifest: &Manifest) -> Result<(), StageError> {
        self.analyses.mark(&manifest.run_id).await?;
        if self.settings.ledger
            && let Some(place) = Place::of_run(manifest)
        {
            ledger::settle(&self.objects, &manifest.source.bucket, &place).await?;
        }
        Ok(())
    }

    fn claim(&self, run_id: &RunId, delivery: &Delivery) -> Claim {
        let now = self.clock.now();
        let resend = self.settings.unsettled == Unsettled::Resend;
        Claim {
            run_id: run_id.clone(),
            task: Task::Notify,
            owner: delivery.owner.clone(),
            now,
            lease_until: delivery.deadline.checked_add(CLOCK_SLACK).unwrap_or(Timestamp::MAX),
            resend_before: resend.then(|| now.checked_sub(UNSETTLED_GRACE).unwrap_or(Timestamp::MIN)),
        }
    }

    async fn mail(&self, manifest: &Manifest, lease: &Lease) -> Result<Mail, StageError> {
        let contract = contract(manifest)?;
        let record = match manifest.status {
            Status::Completed => Some(self.record(&manifest.run_id).await?),
            Status::Rejected | Status::Held => None,
        };
        let report = Report {
            manifest,
            record: record.as_ref(),
            contract: contract.as_ref(),
            output_base: self.settings.output_base.as_deref(),
        };
        let rendered = report.render().map_err(|error| broken("the mail", error))?;
        let routing = contract.as_ref().map(|c| &c.routing);
        Ok(Mail {
            run_id: manifest.run_id.clone(),
            send_id: format!("{}-{}", manifest.run_id.short(), lease.fence),
            from: self.settings.from.clone(),
            to: recipients::of(manifest.status, routing, &self.settings),
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
        })
    }

    async fn manifest(&self, order: &Order<'_>) -> Result<Manifest, StageError> {
        let at = Location::new(order.bucket, order.manifest_key);
        let Fetched::Found(found) = self.objects.fetch(&at, None).await? else {
            return Err(broken("the manifest", "there is none"));
        };
        let manifest: Manifest =
            serde_json::from_slice(&found.bytes).map_err(|error| broken("the manifest", error))?;
        if manifest.run_id != *order.run_id {
            return Err(broken("the manifest", "it is another run's"));
        }
        if order.analysed != (manifest.status == Status::Completed) {
            return Err(broken("the manifest", "its status does not fit the event"));
        }
        Ok(manifest)
    }

    async fn record(&self, run_id: &RunId) -> Result<AnalysisRecord, StageError> {
        self.analyses.load(run_id).await?.ok_or_else(|| broken("the analysis", "there is none"))
    }

    /// Writes down how the send ended. It is tried again on top of what the adapter does by itself: a mail that
    /// is out but not written down is what leads to a second copy.
    async fn settle(&self, lease: &Lease, outcome: &SendOutcome) -> Result<(), StageError> {
        let end = || self.analyses.end_send(lease, outcome);
        stored(retry(Backoff::STANDARD, &self.clock, end).await?)
    }
}

/// What an event asks for.
struct Order<'a> {
    run_id: &'a RunId,
    bucket: &'a str,
    manifest_key: &'a str,
    analysed: bool,
}

impl<'a> Order<'a> {
    fn of(event: &'a PipelineEvent) -> Result<Self, StageError> {
        let (run_id, source, manifest_key, analysed) = match event {
            PipelineEvent::AnalysisComplete(e) => (&e.run_id, &e.source, &e.manifest_key, true),
            PipelineEvent::FileRejected(e) => (&e.run_id, &e.source, &e.manifest_key, false),
            PipelineEvent::ProcessingComplete(_)
            | PipelineEvent::FileOverlooked(_)
            | PipelineEvent::SweepDue(_) => {
                return Err(broken("the event", "it is another stage's to take, not the notifier's"));
            }
        };
        Ok(Self { run_id, bucket: &source.bucket, manifest_key, analysed })
    }
}

/// The contract that judged the run. A run has none that can be read when its contract is broken, or when the file
/// is of no use and no contract was meant for it.
fn contract(manifest: &Manifest) -> Result<Option<Contract>, StageError> {
    let AppliedContract { digest, descriptor, .. } = &manifest.contract;
    if descriptor.is_null() {
        return Ok(None);
    }
    match Contract::from_descriptor(descriptor.clone(), digest.clone()) {
        Ok(contract) => Ok(Some(contract)),
        Err(error) => Err(broken("the manifest's contract", error)),
    }
}

fn stored(commit: Commit) -> Result<(), StageError> {
    match commit {
        Commit::Stored => Ok(()),
        Commit::Lost => Err(StageError::LeaseLost),
    }
}

fn refused(code: &str, at: Timestamp) -> SendOutcome {
    SendOutcome::Refused { code: code.to_owned(), at }
}

fn broken(what: &str, reason: impl ToString) -> StageError {
    StageError::Broken { what: what.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests;
