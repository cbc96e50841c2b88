//! A whole pipeline over memory: the stages themselves, with queues between them as `infrastructure/` has them.

pub(crate) mod mortal;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use analyzer::Analyzer;
use aws::trigger::{Trigger, parse};
use futures_lite::future::block_on;
use jiff::{SignedDuration, Timestamp};
use notifier::Notifier;
use operator::Operator;
use operator::names::{Names, Stage};
use operator::redrive::Content;
use processor::{Arrival, Processor};
use shared::events::PipelineEvent;
use shared::memory::{
    ManualClock, MemoryAnalyses, MemoryEvents, MemoryMailer, MemoryModel, MemoryObjects, MemoryQueues,
};
use shared::ports::{Clock as _, Queues, SourceObject};
use shared::stage::{Delivery, StageError};

pub(crate) const BUCKET: &str = "b";
/// How often a message is received before it is a dead letter.
pub(crate) const RECEIVES: u32 = 2;
/// How long a message is hidden from the other invocations of a stage.
const HIDE: Duration = Duration::from_secs(3600);
const CONTRACT: &str = r#"{"name":"parts","schema":{"fields":[{"name":"sku","type":"string"},{"name":"price","type":"number"}]}}"#;

/// A pipeline.
pub(crate) struct Mill {
    pub(crate) objects: MemoryObjects,
    pub(crate) analyses: MemoryAnalyses,
    pub(crate) queues: MemoryQueues,
    pub(crate) mailer: MemoryMailer,
    pub(crate) clock: ManualClock,
    pub(crate) names: Names,
    events: MemoryEvents,
    processor: Processor<MemoryObjects, MemoryEvents, ManualClock>,
    analyzer: Analyzer<MemoryObjects, MemoryAnalyses, MemoryModel, MemoryEvents, ManualClock>,
    notifier: Notifier<MemoryObjects, MemoryAnalyses, MemoryMailer, ManualClock>,
    invocations: AtomicU64,
}

impl Mill {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::at("2026-05-20T12:00:00Z".parse().unwrap());
        let (objects, events, analyses) = (MemoryObjects::new(), MemoryEvents::new(), MemoryAnalyses::new());
        let (queues, mailer) = (MemoryQueues::new(clock.clone()), MemoryMailer::new());
        let names = Names::of("mill-dev");
        for stage in Stage::ALL {
            queues.create_with_dead_letters(&names.queue(stage), &names.dead_letters(stage), RECEIVES);
        }
        let settings = processor::Settings { ledger: true, ..processor::Settings::default() };
        let processor = Processor::new(objects.clone(), events.clone(), clock.clone(), settings);
        let analyzer = Analyzer {
            objects: objects.clone(),
            analyses: analyses.clone(),
            model: None,
            events: events.clone(),
            clock: clock.clone(),
            settings: analyzer::Settings::default(),
        };
        let settings = notifier::Settings {
            from: "mill@example.com".into(),
            default_recipients: vec!["ops@example.com".into()],
            ledger: true,
            ..notifier::Settings::default()
        };
        let notifier = Notifier {
            objects: objects.clone(),
            analyses: analyses.clone(),
            mailer: mailer.clone(),
            clock: clock.clone(),
            settings,
        };
        objects.put(BUCKET, "contracts/parts.json", CONTRACT);
        let invocations = AtomicU64::new(0);
        let mill = Self {
            objects,
            analyses,
            queues,
            mailer,
            clock,
            names,
            events,
            processor,
            analyzer,
            notifier,
            invocations,
        };
        mill.wait(Duration::ZERO);
        mill
    }

    /// Lets time go by.
    pub(crate) fn wait(&self, duration: Duration) {
        self.clock.advance(duration);
        self.objects.set_now(self.clock.now());
    }

    /// An upload of which nobody is told.
    pub(crate) fn upload(&self, key: &str) -> SourceObject {
        self.objects.put(BUCKET, key, format!("sku,price\n{},5\nB,x\n", key.replace('/', "-")))
    }

    /// S3 tells of an upload.
    pub(crate) fn announce(&self, source: &SourceObject) {
        let body = operator::announcement::body(source, "s3", None);
        block_on(self.queues.send(&self.names.queue(Stage::Processor), &body)).unwrap();
    }

    /// An upload that S3 tells of.
    pub(crate) fn drop_file(&self, key: &str) -> SourceObject {
        let source = self.upload(key);
        self.announce(&source);
        source
    }

    /// The stages work until nothing is to be seen in their queues.
    pub(crate) fn work(&self) {
        while Stage::ALL.into_iter().any(|stage| self.work_at(stage)) {}
    }

    /// One stage takes what its queue shows, once; says whether there was anything.
    pub(crate) fn work_at(&self, stage: Stage) -> bool {
        let queue = self.names.queue(stage);
        let letters = block_on(self.queues.receive(&queue, HIDE)).unwrap();
        for letter in &letters {
            let done = parse(&letter.body).is_ok_and(|message| self.take(stage, message.trigger).is_ok());
            self.route();
            if done {
                block_on(self.queues.delete(&queue, &letter.receipt)).unwrap();
            }
        }
        !letters.is_empty()
    }

    /// Messages that a stage could not work off come back, until they are dead letters.
    pub(crate) fn work_until_dead(&self) {
        for _ in 0..=RECEIVES {
            self.work();
            self.wait(HIDE);
        }
    }

    fn take(&self, stage: Stage, trigger: Trigger) -> Result<(), StageError> {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed);
        let deadline = self.clock.now() + SignedDuration::from_secs(60);
        let delivery = Delivery { owner: format!("i{number}"), deadline };
        match (stage, trigger) {
            (Stage::Processor, Trigger::Arrivals(arrivals)) => arrivals.into_iter().try_for_each(|arrival| {
                let arrival = Arrival { source: arrival.source, nonce: arrival.nonce };
                block_on(self.processor.process(&arrival)).map(drop)
            }),
            (Stage::Analyzer, Trigger::Pipeline(event)) => match *event {
                PipelineEvent::ProcessingComplete(event) => {
                    block_on(self.analyzer.analyze(&event, &delivery)).map(drop)
                }
                other => panic!("the analyzer gets no {other:?}"),
            },
            (Stage::Notifier, Trigger::Pipeline(event)) => {
                block_on(self.notifier.notify(&event, &delivery)).map(drop)
            }
            (stage, other) => panic!("the {stage} gets no {other:?}"),
        }
    }

    /// The rules of the bus.
    fn route(&self) {
        for event in self.events.drain() {
            let stage = match &event {
                PipelineEvent::ProcessingComplete(_) => Stage::Analyzer,
                PipelineEvent::FileRejected(_) | PipelineEvent::AnalysisComplete(_) => Stage::Notifier,
                PipelineEvent::FileOverlooked(_) | PipelineEvent::SweepDue(_) => Stage::Processor,
            };
            let detail: serde_json::Value = serde_json::from_str(&event.detail().unwrap()).unwrap();
            let body = serde_json::json!({
                "detail-type": event.detail_type(), "source": event.source(), "detail": detail,
            });
            block_on(self.queues.send(&self.names.queue(stage), &body.to_string())).unwrap();
        }
    }

    /// How many mails went out, by the run.
    pub(crate) fn mails(&self) -> BTreeMap<String, usize> {
        let mut mails = BTreeMap::new();
        for mail in self.mailer.mails() {
            *mails.entry(mail.run_id.to_string()).or_default() += 1;
        }
        mails
    }

    /// How many messages lie in the queues, and how many dead letters.
    pub(crate) fn depths(&self) -> (u64, u64) {
        Stage::ALL.into_iter().fold((0, 0), |(alive, dead), stage| {
            let total = |queue: String| block_on(self.queues.depth(&queue)).unwrap().total();
            (alive + total(self.names.queue(stage)), dead + total(self.names.dead_letters(stage)))
        })
    }

    /// The operator at this pipeline.
    pub(crate) fn operator(&self) -> Operator<MemoryObjects, MemoryAnalyses, MemoryQueues, ManualClock> {
        Operator {
            objects: self.objects.clone(),
            analyses: self.analyses.clone(),
            queues: self.queues.clone(),
            clock: self.clock.clone(),
        }
    }
}

/// What a body is about; enough for a redrive.
pub(crate) fn read(body: &str) -> Result<Content, String> {
    match parse(body) {
        Ok(_) => Ok(Content { kind: "event".into(), ..Content::default() }),
        Err(error) => Err(error.to_string()),
    }
}

/// Somebody who writes down what was done, and perhaps ends it.
#[derive(Debug)]
pub(crate) struct Seen<S> {
    pub(crate) steps: Vec<S>,
    pub(crate) end_after: usize,
}

impl<S> Default for Seen<S> {
    fn default() -> Self {
        Self { steps: Vec::new(), end_after: usize::MAX }
    }
}

impl<S: Clone> operator::Watch<S> for Seen<S> {
    fn see(&mut self, step: &S) {
        self.steps.push(step.clone());
    }

    fn is_over(&self) -> bool {
        self.steps.len() >= self.end_after
    }
}

/// A time of these tests.
pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}
