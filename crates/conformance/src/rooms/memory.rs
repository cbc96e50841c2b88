use std::collections::BTreeMap;
use std::time::Duration;

use futures_lite::future::block_on;
use jiff::Timestamp;
use shared::events::PipelineEvent;
use shared::identity::RunId;
use shared::memory::{
    ManualClock, MemoryAnalyses, MemoryEvents, MemoryMailer, MemoryModel, MemoryObjects, MemoryQueues,
};
use shared::ports::{Fault, FaultKind, FeedbackKind, Mail, Metadata, SendFault, SourceObject};

use crate::rooms::{Bucket, Bus, Counter, Desk, Oracle, Post, Reply, Runs, Shelf};
use crate::trace::{Outcome, Trial, Trouble};

const BUCKET: &str = "memory";

/// The adapters in memory.
#[derive(Debug)]
pub struct MemoryRoom {
    objects: MemoryObjects,
    events: MemoryEvents,
    analyses: MemoryAnalyses,
    mailer: MemoryMailer,
    model: MemoryModel,
    queues: MemoryQueues,
    clock: ManualClock,
}

impl Default for MemoryRoom {
    fn default() -> Self {
        let clock = ManualClock::default();
        Self {
            objects: MemoryObjects::new(),
            events: MemoryEvents::new(),
            analyses: MemoryAnalyses::new(),
            mailer: MemoryMailer::new(),
            model: MemoryModel::new(),
            queues: MemoryQueues::new(clock.clone()),
            clock,
        }
    }
}

impl Runs for MemoryRoom {
    fn run(&self, trial: Trial<'_>) -> Outcome {
        block_on(trial)
    }
}

impl Bucket for MemoryRoom {
    type Objects = MemoryObjects;

    fn objects(&self) -> MemoryObjects {
        self.objects.clone()
    }

    fn bucket(&self) -> &str {
        BUCKET
    }

    async fn drop_object(&self, key: &str, bytes: &[u8]) -> Result<SourceObject, Trouble> {
        Ok(self.objects.put(BUCKET, key, bytes))
    }

    async fn delete(&self, key: &str) -> Outcome {
        self.objects.delete(BUCKET, key);
        Ok(())
    }

    async fn remove(&self, source: &SourceObject) -> Outcome {
        self.objects.remove(BUCKET, &source.key);
        Ok(())
    }

    async fn metadata(&self, key: &str) -> Result<Metadata, Trouble> {
        self.objects.metadata(BUCKET, key).ok_or_else(|| format!("there is no {key}").into())
    }
}

impl Shelf for MemoryRoom {
    type Inventory = MemoryObjects;

    fn inventory(&self) -> MemoryObjects {
        self.objects.clone()
    }
}

impl Bus for MemoryRoom {
    type Events = MemoryEvents;

    fn events(&self) -> MemoryEvents {
        self.events.clone()
    }

    async fn published(&self, _at_least: usize) -> Result<Vec<PipelineEvent>, Trouble> {
        Ok(self.events.drain())
    }
}

impl Desk for MemoryRoom {
    type Analyses = MemoryAnalyses;

    fn analyses(&self) -> &MemoryAnalyses {
        &self.analyses
    }

    async fn heard(&self, run: &RunId) -> Result<BTreeMap<FeedbackKind, Timestamp>, Trouble> {
        Ok(self.analyses.heard(run))
    }
}

impl Post for MemoryRoom {
    type Mailer = MemoryMailer;

    fn mailer(&self) -> MemoryMailer {
        self.mailer.clone()
    }

    fn refusable(&self, mail: Mail) -> Mail {
        self.mailer.fail_next(SendFault::Refused(Fault::new("send", FaultKind::Invalid, "MessageRejected")));
        mail
    }

    async fn mails(&self, run: &RunId) -> Result<usize, Trouble> {
        Ok(self.mailer.mails().iter().filter(|mail| mail.run_id == *run).count())
    }
}

impl Oracle for MemoryRoom {
    type Model = MemoryModel;

    fn model(&self) -> MemoryModel {
        self.model.clone()
    }

    fn reply(&self, reply: Reply) {
        match reply {
            Reply::Answer(answer) => self.model.answer(answer),
            Reply::Failure(status, _) => self.model.fail_next("ask", kind_of(status)),
        }
    }
}

/// What a status of HTTP means to a caller.
fn kind_of(status: u16) -> FaultKind {
    match status {
        403 => FaultKind::Denied,
        404 => FaultKind::NotFound,
        408 => FaultKind::TimedOut,
        429 => FaultKind::Throttled,
        500.. => FaultKind::Unavailable,
        _ => FaultKind::Invalid,
    }
}

impl Counter for MemoryRoom {
    type Queues = MemoryQueues;

    fn queues(&self) -> &MemoryQueues {
        &self.queues
    }

    async fn make(&self, case: &str) -> Result<(String, String), Trouble> {
        let names = (case.to_owned(), format!("{case}-dead"));
        self.queues.create_with_dead_letters(&names.0, &names.1, 2);
        Ok(names)
    }

    async fn wait(&self, time: Duration) {
        self.clock.advance(time);
    }
}
