//! A queue as SQS keeps it: hidden while it is worked on, back after the visibility timeout, moved to the dead-letter
//! queue after too many receives, in no order that can be relied on.

use std::collections::BTreeMap;
use std::sync::Arc;

use fastrand::Rng;

/// How far from the front a message may be taken.
const DISORDER: usize = 10;

/// A message that waits or is worked on.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its body.
    pub body: Arc<str>,
    /// How often it was handed out.
    pub receives: u32,
    /// The number of its last receive.
    pub receipt: u64,
}

/// A message that was handed out too often.
#[derive(Debug, Clone)]
pub struct Dead {
    /// Its body.
    pub body: Arc<str>,
    /// What its last worker said.
    pub reason: String,
}

/// A message that was handed out.
#[derive(Debug, Clone)]
pub struct Received {
    /// The message.
    pub id: u64,
    /// This receive.
    pub receipt: u64,
    /// The body.
    pub body: Arc<str>,
}

/// A queue with its dead-letter queue.
#[derive(Debug)]
pub struct Queue {
    messages: BTreeMap<u64, Message>,
    ready: Vec<u64>,
    dead: Vec<Dead>,
    reasons: BTreeMap<u64, String>,
    max_receives: u32,
    next: u64,
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(max_receives: u32) -> Self {
        Self {
            messages: BTreeMap::new(),
            ready: Vec::new(),
            dead: Vec::new(),
            reasons: BTreeMap::new(),
            max_receives,
            next: 0,
        }
    }

    /// Takes a message in.
    pub fn send(&mut self, body: Arc<str>) {
        self.next += 1;
        self.messages.insert(self.next, Message { body, receives: 0, receipt: 0 });
        self.ready.push(self.next);
    }

    /// Hands a message out and hides it. What was handed out too often goes to the dead-letter queue instead.
    pub fn receive(&mut self, rng: &mut Rng) -> Option<Received> {
        loop {
            if self.ready.is_empty() {
                return None;
            }
            let index = rng.usize(..self.ready.len().min(DISORDER));
            let id = self.ready.remove(index);
            let Some(message) = self.messages.get_mut(&id) else { continue };
            if message.receives >= self.max_receives {
                let reason = self.reasons.remove(&id).unwrap_or_default();
                self.dead.push(Dead { body: Arc::clone(&message.body), reason });
                self.messages.remove(&id);
                continue;
            }
            message.receives += 1;
            message.receipt += 1;
            return Some(Received { id, receipt: message.receipt, body: Arc::clone(&message.body) });
        }
    }

    /// Remembers why a message failed, for whoever looks at the dead letters.
    pub fn failed(&mut self, id: u64, reason: String) {
        if self.messages.contains_key(&id) {
            self.reasons.insert(id, reason);
        }
    }

    /// Whether a message is still hidden by this receive.
    #[must_use]
    pub fn is_hidden(&self, id: u64, receipt: u64) -> bool {
        self.messages.get(&id).is_some_and(|message| message.receipt == receipt) && !self.ready.contains(&id)
    }

    /// Shows a message again.
    pub fn show(&mut self, id: u64, receipt: u64) {
        if self.is_hidden(id, receipt) {
            self.ready.push(id);
        }
    }

    /// Deletes a message.
    pub fn delete(&mut self, id: u64) {
        self.reasons.remove(&id);
        if self.messages.remove(&id).is_some() {
            self.ready.retain(|ready| *ready != id);
        }
    }

    /// How many messages it has, hidden ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The dead letters.
    #[must_use]
    pub fn dead(&self) -> &[Dead] {
        &self.dead
    }

    /// Takes a dead letter in that was found elsewhere.
    pub(crate) fn bury(&mut self, letter: Dead) {
        self.dead.push(letter);
    }

    /// Moves the dead letters back, and says how many.
    pub fn redrive(&mut self) -> usize {
        let dead = std::mem::take(&mut self.dead);
        let count = dead.len();
        for letter in dead {
            self.send(letter.body);
        }
        count
    }
}
