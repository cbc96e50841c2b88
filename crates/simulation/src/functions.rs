//! An invocation: a message is read, its stage does the work, and only a success lets the message be deleted.

use std::sync::Arc;

use analyzer::Analyzer;
use jiff::Timestamp;
use notifier::Notifier;
use processor::{Arrival, ContractCache, Processor};
use shared::events::PipelineEvent;
use shared::stage::{Delivery, StageError};

use crate::ports::Ports;
use crate::services::bus::{Stage, Trigger, parse};
use crate::world::{Ending, lock};

/// What the stages were told.
#[derive(Debug, Clone)]
pub struct Stages {
    /// The processor's settings.
    pub processor: processor::Settings,
    /// The analyzer's settings.
    pub analyzer: analyzer::Settings,
    /// The notifier's settings.
    pub notifier: notifier::Settings,
    /// Whether the analyzer asks a model.
    pub model: bool,
}

impl Stages {
    /// The stages as they are deployed: with the ledger.
    #[must_use]
    pub fn deployed() -> Self {
        Self {
            processor: processor::Settings { ledger: true, ..processor::Settings::default() },
            analyzer: analyzer::Settings::default(),
            notifier: notifier::Settings {
                from: "reports@example.com".to_owned(),
                default_recipients: vec!["ops@example.com".to_owned()],
                output_base: None,
                ledger: true,
                ..notifier::Settings::default()
            },
            model: false,
        }
    }
}

impl Stages {
    /// The stages as they are deployed, with what may be set otherwise set by the seed: some worlds have a model, and in
    /// some nobody gets the mails that no contract routes.
    #[must_use]
    pub fn varied(seed: u64) -> Self {
        let mut stages = Self::deployed();
        stages.model = seed % 4 == 1;
        if seed % 4 == 2 {
            stages.notifier.default_recipients.clear();
        }
        stages
    }
}

/// What an invocation has.
pub(crate) struct Invocation {
    pub(crate) ports: Ports,
    pub(crate) stage: Stage,
    pub(crate) body: Arc<str>,
    pub(crate) owner: String,
    pub(crate) deadline: Timestamp,
    pub(crate) cache: Option<ContractCache>,
}

/// How an invocation ended, and what its sandbox remembers.
pub(crate) struct Finished {
    pub(crate) ending: Ending,
    pub(crate) cache: Option<ContractCache>,
}

pub(crate) async fn invoke(invocation: Invocation, stages: Arc<Stages>) -> Finished {
    let Invocation { ports, stage, body, owner, deadline, cache } = invocation;
    let trigger = match parse(&body) {
        Ok(trigger) => trigger,
        Err(problem) => return Finished { ending: Ending::Failed(problem), cache },
    };
    let delivery = Delivery { owner, deadline };
    let (result, cache) = match stage {
        Stage::Process => {
            let mut processor = Processor::new(ports.clone(), ports.clone(), ports.clone(), stages.processor);
            processor.contracts = cache.unwrap_or_default();
            let result = process(&processor, trigger, &delivery, &ports).await;
            (result, Some(processor.contracts))
        }
        Stage::Analyze => (analyze(ports, trigger, &delivery, &stages).await, None),
        Stage::Notify => (notify(ports, trigger, &delivery, &stages).await, None),
    };
    let ending = match result {
        Ok(()) => Ending::Done,
        Err(error) => Ending::Failed(told(&error)),
    };
    Finished { ending, cache }
}

async fn process(
    processor: &Processor<Ports, Ports, Ports>,
    trigger: Trigger,
    delivery: &Delivery,
    ports: &Ports,
) -> Result<(), StageError> {
    let source = match trigger {
        Trigger::Arrival(source) => source,
        Trigger::Pipeline(PipelineEvent::FileOverlooked(event)) => event.source,
        Trigger::Pipeline(PipelineEvent::SweepDue(due)) => {
            return processor.sweep(&due, delivery).await.map(drop);
        }
        Trigger::Pipeline(_) | Trigger::Feedback(_) => return Ok(()),
    };
    let nonce = (!lock(&ports.shared).mechanisms.deterministic_keys).then(|| delivery.owner.clone());
    processor.process(&Arrival { source, nonce }).await.map(drop)
}

async fn analyze(
    ports: Ports,
    trigger: Trigger,
    delivery: &Delivery,
    stages: &Stages,
) -> Result<(), StageError> {
    let Trigger::Pipeline(PipelineEvent::ProcessingComplete(event)) = trigger else { return Ok(()) };
    let analyzer = Analyzer {
        objects: ports.clone(),
        analyses: ports.clone(),
        model: stages.model.then(|| ports.clone()),
        events: ports.clone(),
        clock: ports,
        settings: stages.analyzer.clone(),
    };
    analyzer.analyze(&event, delivery).await.map(drop)
}

async fn notify(
    ports: Ports,
    trigger: Trigger,
    delivery: &Delivery,
    stages: &Stages,
) -> Result<(), StageError> {
    let notifier = Notifier {
        objects: ports.clone(),
        analyses: ports.clone(),
        mailer: ports.clone(),
        clock: ports,
        settings: stages.notifier.clone(),
    };
    match trigger {
        Trigger::Feedback(feedback) => notifier.hear(&feedback).await.map(drop),
        Trigger::Pipeline(event @ (PipelineEvent::FileRejected(_) | PipelineEvent::AnalysisComplete(_))) => {
            notifier.notify(&event, delivery).await.map(drop)
        }
        Trigger::Pipeline(_) | Trigger::Arrival(_) => Ok(()),
    }
}

fn told(error: &StageError) -> String {
    match error {
        StageError::Port(fault) => format!("{}: {fault}", error.error_type()),
        other => format!("{}: {other}", other.error_type()),
    }
}
