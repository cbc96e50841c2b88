use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::memory::lock;
use crate::ports::{Fault, FaultKind, Model, ModelAnswer, ModelRequest};

type Reply = Box<dyn FnOnce(&ModelRequest) -> Result<ModelAnswer, Fault> + Send>;

/// A model that answers what it was told to, in order, and keeps what it was asked.
#[derive(Clone, Default)]
pub struct MemoryModel {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    requests: Arc<Mutex<Vec<ModelRequest>>>,
}

impl fmt::Debug for MemoryModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryModel").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl MemoryModel {
    /// A model without answers: whatever it is asked is [`FaultKind::Unavailable`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next answer.
    pub fn answer(&self, answer: ModelAnswer) {
        self.answer_with(move |_| Ok(answer));
    }

    /// The next answer, made from the request.
    pub fn answer_with(
        &self,
        reply: impl FnOnce(&ModelRequest) -> Result<ModelAnswer, Fault> + Send + 'static,
    ) {
        lock(&self.replies).push_back(Box::new(reply));
    }

    /// The next call fails. The operation is always `ask`.
    pub fn fail_next(&self, operation: &'static str, kind: FaultKind) {
        self.answer_with(move |_| Err(Fault::new(operation, kind, "Scripted")));
    }

    /// Everything it was asked, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<ModelRequest> {
        lock(&self.requests).clone()
    }
}

impl Model for MemoryModel {
    async fn ask(&self, request: &ModelRequest) -> Result<ModelAnswer, Fault> {
        lock(&self.requests).push(request.clone());
        let reply = lock(&self.replies).pop_front();
        match reply {
            Some(reply) => reply(request),
            None => Err(Fault::new("ask", FaultKind::Unavailable, "NothingScripted")),
        }
    }
}
