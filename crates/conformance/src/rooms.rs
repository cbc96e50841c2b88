//! Where a case takes place: a port, and what somebody outside of the stages does to the service behind it.
//!
//! A room is made for each adapter. What happens outside (a file is dropped, an object is deleted, time passes) is done
//! by other means than the port: by the SDK's client on AWS, by the file system, or by the in-memory service itself.

pub mod cloud;
mod converse;
mod local;
mod memory;
mod simulated;

pub use local::LocalRoom;
pub use memory::MemoryRoom;
pub use simulated::SimulatedRoom;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use shared::events::PipelineEvent;
use shared::identity::RunId;
use shared::ports::{
    Analyses, Events, Fault, FeedbackKind, Inventory, Mail, Mailer, Metadata, Model, ModelAnswer, Objects,
    Queues, SourceObject,
};

use crate::trace::{Outcome, Trial, Trouble};

/// Runs what a case does to its end.
pub trait Runs {
    /// Runs it.
    ///
    /// # Errors
    /// What kept the case from being tried.
    fn run(&self, trial: Trial<'_>) -> Outcome;
}

/// A bucket from outside.
pub trait Bucket: Runs {
    /// The port.
    type Objects: Objects;

    /// The port, for outputs and small objects.
    fn objects(&self) -> Self::Objects;

    /// The port, as whoever was told of this object has it.
    fn objects_for(&self, _source: &SourceObject) -> Self::Objects {
        self.objects()
    }

    /// The bucket's name.
    fn bucket(&self) -> &str;

    /// Drops an object, over whatever stands there, and says how a delivery would announce it.
    ///
    /// # Errors
    /// What kept it from being done.
    fn drop_object(&self, key: &str, bytes: &[u8]) -> impl Future<Output = Result<SourceObject, Trouble>>;

    /// Deletes an object as people do: where the bucket keeps versions, they stay.
    ///
    /// # Errors
    /// What kept it from being done.
    fn delete(&self, key: &str) -> impl Future<Output = Outcome>;

    /// Removes the only version of an object for good.
    ///
    /// # Errors
    /// What kept it from being done.
    fn remove(&self, source: &SourceObject) -> impl Future<Output = Outcome>;

    /// The metadata of an object.
    ///
    /// # Errors
    /// What kept it from being read.
    fn metadata(&self, key: &str) -> impl Future<Output = Result<Metadata, Trouble>>;
}

/// A bucket whose versions can be listed.
pub trait Shelf: Bucket {
    /// The port.
    type Inventory: Inventory;

    /// The port.
    fn inventory(&self) -> Self::Inventory;
}

/// A bus, and a listener at it.
pub trait Bus: Runs {
    /// The port.
    type Events: Events;

    /// The port.
    fn events(&self) -> Self::Events;

    /// What came out of the bus since the last call, so many at least, in no order.
    ///
    /// # Errors
    /// What kept it from being read.
    fn published(&self, at_least: usize) -> impl Future<Output = Result<Vec<PipelineEvent>, Trouble>>;
}

/// A store of analyses.
pub trait Desk: Runs {
    /// The port.
    type Analyses: Analyses;

    /// The port.
    fn analyses(&self) -> &Self::Analyses;

    /// What the mail service has said of the mail of a run, each with the first time it said so.
    ///
    /// # Errors
    /// What kept it from being read.
    fn heard(&self, run: &RunId) -> impl Future<Output = Result<BTreeMap<FeedbackKind, Timestamp>, Trouble>>;
}

/// A mail service.
pub trait Post: Runs {
    /// The port.
    type Mailer: Mailer;

    /// The port.
    fn mailer(&self) -> Self::Mailer;

    /// Makes it a mail that this service will not take.
    fn refusable(&self, mail: Mail) -> Mail;

    /// How many mails went out for a run.
    ///
    /// # Errors
    /// What kept it from being counted.
    fn mails(&self, run: &RunId) -> impl Future<Output = Result<usize, Trouble>>;
}

/// What a model does next.
#[derive(Debug, Clone)]
pub enum Reply {
    /// It answers.
    Answer(ModelAnswer),
    /// The service fails, at each attempt: HTTP status and code.
    Failure(u16, &'static str),
}

/// A model that is told what to say.
pub trait Oracle: Runs {
    /// The port.
    type Model: Model;

    /// The port.
    fn model(&self) -> Self::Model;

    /// What the next call is answered.
    fn reply(&self, reply: Reply);
}

/// Queues, with time.
pub trait Counter: Runs {
    /// The port.
    type Queues: Queues;

    /// The port.
    fn queues(&self) -> &Self::Queues;

    /// Makes an empty queue whose messages are dead letters after two receives, and its dead-letter queue, and names both.
    ///
    /// # Errors
    /// What kept it from being done.
    fn make(&self, case: &str) -> impl Future<Output = Result<(String, String), Trouble>>;

    /// Lets time pass.
    fn wait(&self, time: Duration) -> impl Future<Output = ()>;
}

/// What kept a case from being tried.
#[must_use]
pub fn trouble(fault: Fault) -> Trouble {
    Box::new(fault)
}
