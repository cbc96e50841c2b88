use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use crate::memory::{ManualClock, Script, lock, scripted};
use crate::ports::{Clock as _, Depth, Fault, FaultKind, Letter, MAX_LETTERS, Queues};

/// The largest body that a queue takes, in bytes (Amazon SQS API reference, `SendMessage`).
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Whether SQS takes a body: not empty, not too long, and of characters that XML has.
fn fits(body: &str) -> bool {
    let is_allowed = |character: char| match character {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        other => other >= ' ',
    };
    (1..=MAX_BODY_BYTES).contains(&body.len()) && body.chars().all(is_allowed)
}

#[derive(Debug, Clone)]
struct Message {
    number: u64,
    body: String,
    sent_at: Timestamp,
    receives: u32,
    /// Until then it is not to be seen.
    hidden_until: Option<Timestamp>,
    /// The answer to its last receive; earlier ones have lapsed.
    receipt: Option<String>,
}

impl Message {
    fn is_visible(&self, now: Timestamp) -> bool {
        self.hidden_until.is_none_or(|until| until <= now)
    }
}

#[derive(Debug, Clone, Default)]
struct Queue {
    messages: Vec<Message>,
    /// Where a message goes that was received so often without being deleted.
    dead_letters: Option<(String, u32)>,
}

#[derive(Debug, Default)]
struct State {
    queues: BTreeMap<String, Queue>,
    messages: u64,
    receipts: u64,
}

impl State {
    fn queue(&mut self, operation: &'static str, name: &str) -> Result<&mut Queue, Fault> {
        let missing = || Fault::new(operation, FaultKind::NotFound, "QueueDoesNotExist");
        self.queues.get_mut(name).ok_or_else(missing)
    }

    /// Moves what has spent its receives, as SQS does when it would hand it out once more.
    fn bury(&mut self, name: &str, now: Timestamp) {
        let Some(queue) = self.queues.get_mut(name) else { return };
        let Some((grave, most)) = queue.dead_letters.clone() else { return };
        let spent = |message: &Message| message.receives >= most && message.is_visible(now);
        let (dead, alive): (Vec<_>, Vec<_>) = queue.messages.drain(..).partition(spent);
        queue.messages = alive;
        let dead = dead.into_iter().map(|message| Message { hidden_until: None, receipt: None, ..message });
        self.queues.entry(grave).or_default().messages.extend(dead);
    }
}

/// Queues that hide what was received and show it again, on a clock that a test moves.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueues {
    state: Arc<Mutex<State>>,
    clock: ManualClock,
    script: Script,
}

scripted!(MemoryQueues);

impl MemoryQueues {
    /// No queues yet, by this clock.
    #[must_use]
    pub fn new(clock: ManualClock) -> Self {
        Self { clock, ..Self::default() }
    }

    /// Makes a queue.
    pub fn create(&self, name: &str) {
        lock(&self.state).queues.entry(name.to_owned()).or_default();
    }

    /// Makes a queue and its dead-letter queue, which gets what was received so often without being deleted.
    pub fn create_with_dead_letters(&self, name: &str, dead_letters: &str, max_receives: u32) {
        self.create(name);
        self.create(dead_letters);
        if let Some(queue) = lock(&self.state).queues.get_mut(name) {
            queue.dead_letters = Some((dead_letters.to_owned(), max_receives));
        }
    }

    /// The bodies of all messages of a queue, in the order in which they came, whether they are to be seen or not.
    #[must_use]
    pub fn bodies(&self, name: &str) -> Vec<String> {
        let state = lock(&self.state);
        let messages = state.queues.get(name).map(|queue| queue.messages.as_slice()).unwrap_or_default();
        messages.iter().map(|message| message.body.clone()).collect()
    }
}

impl Queues for MemoryQueues {
    async fn send(&self, queue: &str, body: &str) -> Result<(), Fault> {
        self.script.before("send")?;
        if !fits(body) {
            return Err(Fault::new("send", FaultKind::Invalid, "InvalidMessageContents"));
        }
        {
            let mut state = lock(&self.state);
            state.messages += 1;
            let number = state.messages;
            let message = Message {
                number,
                body: body.to_owned(),
                sent_at: self.clock.now(),
                receives: 0,
                hidden_until: None,
                receipt: None,
            };
            state.queue("send", queue)?.messages.push(message);
        }
        self.script.after("send")
    }

    async fn receive(&self, queue: &str, hide_for: Duration) -> Result<Vec<Letter>, Fault> {
        self.script.before("receive")?;
        let letters = {
            let mut state = lock(&self.state);
            let now = self.clock.now();
            state.queue("receive", queue)?;
            state.bury(queue, now);
            let mut receipts = state.receipts;
            let found = state.queue("receive", queue)?;
            let visible = found.messages.iter_mut().filter(|message| message.is_visible(now));
            let mut letters = Vec::new();
            for message in visible.take(MAX_LETTERS) {
                receipts += 1;
                let receipt = format!("r{receipts}");
                message.receives += 1;
                message.hidden_until = now.checked_add(hide_for).ok();
                message.receipt = Some(receipt.clone());
                letters.push(Letter {
                    id: format!("m{}", message.number),
                    receipt,
                    body: message.body.clone(),
                    sent_at: message.sent_at,
                    receives: message.receives,
                });
            }
            state.receipts = receipts;
            letters
        };
        self.script.after("receive")?;
        Ok(letters)
    }

    async fn delete(&self, queue: &str, receipt: &str) -> Result<(), Fault> {
        self.script.before("delete")?;
        {
            let mut state = lock(&self.state);
            let found = state.queue("delete", queue)?;
            found.messages.retain(|message| message.receipt.as_deref() != Some(receipt));
        }
        self.script.after("delete")
    }

    async fn release(&self, queue: &str, receipt: &str) -> Result<(), Fault> {
        self.script.before("release")?;
        {
            let mut state = lock(&self.state);
            let found = state.queue("release", queue)?;
            let same = |message: &&mut Message| message.receipt.as_deref() == Some(receipt);
            if let Some(message) = found.messages.iter_mut().find(same) {
                message.hidden_until = None;
            }
        }
        self.script.after("release")
    }

    async fn depth(&self, queue: &str) -> Result<Depth, Fault> {
        self.script.before("depth")?;
        let mut state = lock(&self.state);
        let now = self.clock.now();
        let found = state.queue("depth", queue)?;
        let count = |visible: bool| {
            found.messages.iter().filter(|message| message.is_visible(now) == visible).count() as u64
        };
        Ok(Depth { visible: count(true), hidden: count(false), delayed: 0 })
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn queues() -> (MemoryQueues, ManualClock) {
        let clock = ManualClock::default();
        let queues = MemoryQueues::new(clock.clone());
        queues.create_with_dead_letters("q", "q-dead", 2);
        (queues, clock)
    }

    fn receive(queues: &MemoryQueues, queue: &str) -> Vec<Letter> {
        block_on(queues.receive(queue, HOUR)).unwrap()
    }

    fn depth(queues: &MemoryQueues, queue: &str) -> (u64, u64) {
        let depth = block_on(queues.depth(queue)).unwrap();
        (depth.visible, depth.hidden)
    }

    #[test]
    fn what_was_received_is_hidden_and_comes_back_unless_it_is_deleted() {
        let (queues, clock) = queues();
        for body in ["a", "b"] {
            block_on(queues.send("q", body)).unwrap();
        }
        let letters = receive(&queues, "q");
        assert_eq!(letters.iter().map(|l| l.body.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(receive(&queues, "q").is_empty());
        assert_eq!(depth(&queues, "q"), (0, 2));
        block_on(queues.delete("q", &letters[0].receipt)).unwrap();
        block_on(queues.delete("q", &letters[0].receipt)).unwrap();
        clock.advance(HOUR);
        assert_eq!(depth(&queues, "q"), (1, 0));
        let again = receive(&queues, "q");
        assert_eq!((again[0].id.as_str(), again[0].receives), (letters[1].id.as_str(), 2));
        // The receipt of the first time has lapsed.
        block_on(queues.delete("q", &letters[1].receipt)).unwrap();
        assert_eq!(queues.bodies("q"), ["b"]);
        block_on(queues.release("q", &again[0].receipt)).unwrap();
        assert_eq!(depth(&queues, "q"), (1, 0));
    }

    #[test]
    fn what_has_spent_its_receives_is_a_dead_letter_with_its_time() {
        let (queues, clock) = queues();
        block_on(queues.send("q", "a")).unwrap();
        let sent_at = clock.now();
        for _ in 0..2 {
            assert_eq!(receive(&queues, "q").len(), 1);
            clock.advance(HOUR);
        }
        assert!(receive(&queues, "q").is_empty());
        assert_eq!((depth(&queues, "q"), depth(&queues, "q-dead")), ((0, 0), (1, 0)));
        let dead = receive(&queues, "q-dead");
        assert_eq!((dead[0].sent_at, dead[0].receives), (sent_at, 3));
    }

    #[test]
    fn a_receive_brings_ten_at_most() {
        let (queues, _) = queues();
        for number in 0..12 {
            block_on(queues.send("q", &number.to_string())).unwrap();
        }
        assert_eq!((receive(&queues, "q").len(), receive(&queues, "q").len()), (MAX_LETTERS, 2));
    }

    #[test]
    fn there_is_no_queue_but_those_that_were_made() {
        let (queues, _) = queues();
        let kinds = [
            block_on(queues.send("none", "a")).unwrap_err().kind,
            block_on(queues.receive("none", HOUR)).unwrap_err().kind,
            block_on(queues.delete("none", "r")).unwrap_err().kind,
            block_on(queues.release("none", "r")).unwrap_err().kind,
            block_on(queues.depth("none")).unwrap_err().kind,
        ];
        assert_eq!(kinds, [FaultKind::NotFound; 5]);
    }

    #[test]
    fn a_body_is_one_that_sqs_takes() {
        let (queues, _) = queues();
        for (body, taken) in [
            ("x".repeat(MAX_BODY_BYTES), true),
            ("x".repeat(MAX_BODY_BYTES + 1), false),
            ("ü".repeat(MAX_BODY_BYTES / 2 + 1), false),
            (String::new(), false),
            ("a\u{1}".to_owned(), false),
            ("tab\tline\r\n☂".to_owned(), true),
        ] {
            let sent = block_on(queues.send("q", &body)).map_err(|fault| fault.kind);
            assert_eq!(sent, if taken { Ok(()) } else { Err(FaultKind::Invalid) }, "{} bytes", body.len());
        }
    }

    #[test]
    fn an_answer_can_be_lost() {
        let (queues, _) = queues();
        queues.lose_next_answer("send");
        assert_eq!(block_on(queues.send("q", "a")).unwrap_err().kind, FaultKind::TimedOut);
        queues.lose_next_answer("receive");
        assert_eq!(block_on(queues.receive("q", HOUR)).unwrap_err().kind, FaultKind::TimedOut);
        assert_eq!(depth(&queues, "q"), (0, 1));
    }
}
