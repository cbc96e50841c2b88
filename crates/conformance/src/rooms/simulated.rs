use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use shared::events::PipelineEvent;
use shared::identity::RunId;
use shared::ports::{FeedbackKind, Mail, Metadata, SourceObject};
use simulation::alone::Alone;
use simulation::ports::Ports;
use simulation::services::bus::{self, Trigger};
use simulation::world::BUCKET;

use crate::rooms::{Bucket, Bus, Desk, Post, Runs, Shelf};
use crate::trace::{Outcome, Trial, Trouble};

/// The adapters on the simulation's services, in virtual time and without faults.
#[derive(Debug)]
pub struct SimulatedRoom {
    alone: Alone,
    ports: Ports,
}

impl SimulatedRoom {
    /// A world of this seed. It decides how long each call takes, and no answer.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let alone = Alone::new(seed);
        let ports = alone.ports();
        Self { alone, ports }
    }
}

impl Runs for SimulatedRoom {
    fn run(&self, trial: Trial<'_>) -> Outcome {
        self.alone.run(trial).unwrap_or_else(|| Err("it waits for what never comes".into()))
    }
}

impl Bucket for SimulatedRoom {
    type Objects = Ports;

    fn objects(&self) -> Ports {
        self.ports.clone()
    }

    fn bucket(&self) -> &str {
        BUCKET
    }

    async fn drop_object(&self, key: &str, bytes: &[u8]) -> Result<SourceObject, Trouble> {
        let dropped = self.alone.world(|world| world.upload(key, Arc::from(bytes)));
        dropped.ok_or_else(|| "it was not stored".into())
    }

    async fn delete(&self, _key: &str) -> Outcome {
        Err("the simulation has no delete markers".into())
    }

    async fn remove(&self, source: &SourceObject) -> Outcome {
        let version = source.version_id.as_deref().unwrap_or_default();
        self.alone.world(|world| world.bucket.delete(&source.key, version));
        Ok(())
    }

    async fn metadata(&self, _key: &str) -> Result<Metadata, Trouble> {
        Err("the simulation keeps no metadata".into())
    }
}

impl Shelf for SimulatedRoom {
    type Inventory = Ports;

    fn inventory(&self) -> Ports {
        self.ports.clone()
    }
}

impl Bus for SimulatedRoom {
    type Events = Ports;

    fn events(&self) -> Ports {
        self.ports.clone()
    }

    async fn published(&self, _at_least: usize) -> Result<Vec<PipelineEvent>, Trouble> {
        let bodies = self.alone.delivered();
        let triggers = bodies.iter().map(|(_, body)| bus::parse(body));
        let events = triggers.filter_map(|trigger| match trigger {
            Ok(Trigger::Pipeline(event)) => Some(Ok(event)),
            // The files that other cases have dropped.
            Ok(Trigger::Arrival(_) | Trigger::Feedback(_)) => None,
            Err(error) => Some(Err(error.into())),
        });
        events.collect()
    }
}

impl Desk for SimulatedRoom {
    type Analyses = Ports;

    fn analyses(&self) -> &Ports {
        &self.ports
    }

    async fn heard(&self, run: &RunId) -> Result<BTreeMap<FeedbackKind, Timestamp>, Trouble> {
        Ok(self.alone.world(|world| world.table.heard_of(run)))
    }
}

impl Post for SimulatedRoom {
    type Mailer = Ports;

    fn mailer(&self) -> Ports {
        self.ports.clone()
    }

    fn refusable(&self, mail: Mail) -> Mail {
        Mail { to: vec!["refused@example.com".to_owned()], ..mail }
    }

    async fn mails(&self, run: &RunId) -> Result<usize, Trouble> {
        Ok(self.alone.world(|world| world.ses.of(run).len()))
    }
}
