//! Everything that exists in a run: time, chance, the services, and what is due when.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use jiff::Timestamp;
use shared::events::PipelineEvent;
use shared::identity::RunId;
use shared::ports::{FeedbackKind, Mail, MailFeedback, SourceObject};

use crate::faults::{Counts, FaultKind, Operation, Plan};
use crate::mechanisms::Mechanisms;
use crate::naive;
use crate::services::bus::{self, Stage};
use crate::services::queue::{Queue, Received};
use crate::services::s3::{Bucket, Write};
use crate::services::ses::{Fate, Ses};
use crate::services::table::Table;
use crate::workload::Upload;

/// The bucket of every run.
pub const BUCKET: &str = "gristmill-111122223333";
/// When every run begins: 2026-11-21T00:00:00Z, in microseconds since 1970.
pub const BEGINNING: i64 = 1_795_219_200_000_000;
/// A second, in microseconds.
pub const SECOND: i64 = 1_000_000;
/// A minute, in microseconds.
pub const MINUTE: i64 = 60 * SECOND;

/// A world that tasks share. One thread polls them, one at a time, so nobody ever waits for the lock.
pub type Shared = Arc<Mutex<World>>;

/// Takes the world.
pub fn lock(shared: &Shared) -> MutexGuard<'_, World> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An effect that lands later.
pub(crate) type Effect = Box<dyn FnOnce(&mut World) + Send>;

/// What is due.
pub(crate) enum Due {
    /// A task goes on.
    Wake(u64),
    /// A function's time is up.
    Kill(u64),
    /// A message comes back.
    Show { stage: Stage, id: u64, receipt: u64 },
    /// A rule brings an event to its target.
    Deliver { stage: Stage, body: Arc<str> },
    /// A request that was given up lands, or the world changes.
    Effect(Effect),
    /// A function that was called directly is called.
    Invoke { stage: Stage, body: Arc<str>, attempt: u32 },
}

struct Entry {
    at: i64,
    number: u64,
    due: Due,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// A call as it was made, for schedules that go through all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its number in the run.
    pub number: u64,
    /// What was called.
    pub operation: Operation,
    /// Its number among its like.
    pub nth: u64,
    /// Which attempt of the adapter it was.
    pub attempt: u32,
    /// What went wrong.
    pub fault: Option<FaultKind>,
}

/// An invocation that is about to begin.
pub(crate) struct Start {
    pub(crate) stage: Stage,
    pub(crate) work: Work,
}

/// What an invocation works on.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// A message of its queue.
    Message(Received),
    /// An event that came without a queue.
    Direct { body: Arc<str>, attempt: u32 },
}

/// What a function may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take, in microseconds.
    pub timeout: i64,
    /// How often a message is handed out.
    pub max_receives: u32,
    /// How many of its invocations run at the same time.
    pub concurrency: u32,
}

/// What the functions may do, as `infrastructure/stages.tf` has it.
#[must_use]
pub fn limits(stage: Stage) -> Limits {
    match stage {
        Stage::Process => Limits { timeout: 600 * SECOND, max_receives: 6, concurrency: 10 },
        Stage::Analyze => Limits { timeout: 600 * SECOND, max_receives: 6, concurrency: 5 },
        Stage::Notify => Limits { timeout: 60 * SECOND, max_receives: 8, concurrency: 5 },
    }
}

/// A queue and its function.
#[derive(Debug)]
pub struct Lane {
    /// The queue.
    pub queue: Queue,
    /// How many invocations are at work.
    pub active: u32,
}

/// Everything that exists in a run.
pub struct World {
    /// The time, in microseconds since 1970.
    pub now: i64,
    /// The bucket.
    pub bucket: Bucket,
    /// The table.
    pub table: Table,
    /// The mail service.
    pub ses: Ses,
    /// What is switched on.
    pub mechanisms: Mechanisms,
    /// Which faults happen.
    pub plan: Plan,
    /// Which faults happened.
    pub counts: Counts,
    /// The calls, where they are recorded.
    pub recorded: Option<Vec<Call>>,
    /// What the stages were observed to publish: for each upload, by its version, the runs it was announced as.
    pub announced: BTreeMap<String, BTreeSet<RunId>>,
    /// Messages that ever reached a queue, each once.
    pub log: Vec<(Stage, Arc<str>)>,
    /// The clocks of two invocations differ by this at most, in microseconds.
    pub skew: i64,
    /// How long the next stalls last, in microseconds; drawn when there are none.
    pub stalls: VecDeque<i64>,
    /// Whether a function is ended when its time is up. A scene may have a sandbox that is frozen instead, and thawed.
    pub ends: bool,
    /// The files that were dropped.
    pub uploads: Vec<Upload>,
    /// How many invocations there were.
    pub invocations: u64,
    /// How many of them failed, were ended or crashed.
    pub failures: u64,
    pub(crate) chance: Rng,
    pub(crate) current: u64,
    pub(crate) doomed: bool,
    pub(crate) starts: Vec<Start>,
    /// What the naive stages store.
    pub(crate) naive: naive::Store,
    /// Whether events go to the functions directly, without queues.
    pub(crate) direct: bool,
    logged: HashSet<(Stage, Arc<str>)>,
    lanes: [Lane; 3],
    heap: BinaryHeap<Reverse<Entry>>,
    entries: u64,
    calls: u64,
    nth: BTreeMap<Operation, u64>,
    luck: Rng,
    trace: u64,
}

impl World {
    /// An empty world.
    #[must_use]
    pub fn new(seed: u64, plan: Plan, mechanisms: Mechanisms) -> Self {
        let lane = |stage| Lane { queue: Queue::new(limits(stage).max_receives), active: 0 };
        Self {
            now: BEGINNING,
            bucket: Bucket::default(),
            table: Table::default(),
            ses: Ses::default(),
            mechanisms,
            plan,
            counts: Counts::default(),
            recorded: None,
            announced: BTreeMap::new(),
            log: Vec::new(),
            skew: 0,
            stalls: VecDeque::new(),
            ends: true,
            uploads: Vec::new(),
            invocations: 0,
            failures: 0,
            chance: Rng::with_seed(seed ^ 0x00c0_ffee),
            current: 0,
            doomed: false,
            starts: Vec::new(),
            naive: naive::Store::default(),
            direct: false,
            logged: HashSet::new(),
            lanes: Stage::ALL.map(lane),
            heap: BinaryHeap::new(),
            entries: 0,
            calls: 0,
            nth: BTreeMap::new(),
            luck: Rng::with_seed(seed ^ 0x0bad_1dea),
            trace: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// The time.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        timestamp(self.now)
    }

    /// The queue of a stage, with its function.
    #[must_use]
    pub fn lane(&self, stage: Stage) -> &Lane {
        let [process, analyze, notify] = &self.lanes;
        match stage {
            Stage::Process => process,
            Stage::Analyze => analyze,
            Stage::Notify => notify,
        }
    }

    /// The queue of a stage, with its function.
    pub fn lane_mut(&mut self, stage: Stage) -> &mut Lane {
        let [process, analyze, notify] = &mut self.lanes;
        match stage {
            Stage::Process => process,
            Stage::Analyze => analyze,
            Stage::Notify => notify,
        }
    }

    /// How many calls there were.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// A number that two runs share only if everything happened in the same order at the same times.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.trace
    }

    /// Numbers a call, and says what goes wrong at it.
    pub(crate) fn strike(&mut self, operation: Operation, attempt: u32) -> Option<FaultKind> {
        self.calls += 1;
        let nth = self.nth.entry(operation).or_default();
        *nth += 1;
        let nth = *nth;
        let fault = self.plan.strike(&mut self.luck, operation, self.calls, nth);
        if let Some(fault) = fault {
            self.counts.add(fault);
        }
        self.note([self.now.unsigned_abs(), operation as u64, fault.map_or(0, |fault| 1 + fault as u64)]);
        let number = self.calls;
        if let Some(recorded) = &mut self.recorded {
            recorded.push(Call { number, operation, nth, attempt, fault });
        }
        fault
    }

    /// Takes something into the trace.
    pub(crate) fn note<const N: usize>(&mut self, values: [u64; N]) {
        for value in values {
            self.trace = (self.trace ^ value).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
    }

    /// How long an invocation stands still, in microseconds.
    pub(crate) fn stall(&mut self) -> i64 {
        self.stalls.pop_front().unwrap_or_else(|| self.span(10 * SECOND, 20 * MINUTE))
    }

    /// A time span between two bounds, in microseconds.
    pub(crate) fn span(&mut self, from: i64, to: i64) -> i64 {
        self.chance.i64(from..=to)
    }

    pub(crate) fn after(&mut self, delay: i64, due: Due) {
        self.entries += 1;
        let at = self.now.saturating_add(delay);
        self.heap.push(Reverse(Entry { at, number: self.entries, due }));
    }

    /// Takes out the next thing that is due until then. What nobody waits for any more is dropped.
    pub(crate) fn next_due(&mut self, until: i64, alive: impl Fn(u64) -> bool) -> Option<Due> {
        loop {
            let Reverse(first) = self.heap.peek()?;
            let lives = match &first.due {
                Due::Wake(task) | Due::Kill(task) => alive(*task),
                Due::Show { stage, id, receipt } => self.lane(*stage).queue.is_hidden(*id, *receipt),
                Due::Deliver { .. } | Due::Effect(_) | Due::Invoke { .. } => true,
            };
            if lives && first.at > until {
                return None;
            }
            let Reverse(entry) = self.heap.pop()?;
            if lives {
                self.now = entry.at.max(self.now);
                self.note([self.now.unsigned_abs(), entry.number]);
                return Some(entry.due);
            }
        }
    }

    /// Whether nothing is due any more.
    pub(crate) fn is_quiet(&mut self, alive: impl Fn(u64) -> bool) -> bool {
        while let Some(Reverse(first)) = self.heap.peek() {
            let lives = match &first.due {
                Due::Wake(task) | Due::Kill(task) => alive(*task),
                Due::Show { stage, id, receipt } => self.lane(*stage).queue.is_hidden(*id, *receipt),
                Due::Deliver { .. } | Due::Effect(_) | Due::Invoke { .. } => true,
            };
            if lives {
                return false;
            }
            self.heap.pop();
        }
        true
    }

    /// Puts a message into a queue.
    pub fn send(&mut self, stage: Stage, body: Arc<str>) {
        if self.logged.insert((stage, Arc::clone(&body))) {
            self.log.push((stage, Arc::clone(&body)));
        }
        self.lane_mut(stage).queue.send(body);
        self.dispatch(stage);
    }

    /// Hands out messages as long as the function may have more invocations.
    pub(crate) fn dispatch(&mut self, stage: Stage) {
        let Limits { timeout, concurrency, .. } = limits(stage);
        while self.lane(stage).active < concurrency {
            let mut rng = self.chance.clone();
            let received = self.lane_mut(stage).queue.receive(&mut rng);
            self.chance = rng;
            let Some(received) = received else { return };
            self.lane_mut(stage).active += 1;
            let (id, receipt) = (received.id, received.receipt);
            self.after(6 * timeout, Due::Show { stage, id, receipt });
            if self.strike(Operation::ReceiveMessage, 1).is_some() {
                let soon = self.span(0, 30 * SECOND);
                self.after(soon, Due::Show { stage, id, receipt });
            }
            if !self.mechanisms.acknowledge_last {
                self.lane_mut(stage).queue.delete(id);
            }
            self.starts.push(Start { stage, work: Work::Message(received) });
        }
    }

    /// An event reached a rule: it is delivered at least once.
    pub(crate) fn route(&mut self, stage: Stage, body: &Arc<str>) {
        let fault = self.strike(Operation::RuleDelivery, 1);
        let late = if fault == Some(FaultKind::LateRule) { 10 * MINUTE } else { 2 * SECOND };
        let copies = if fault == Some(FaultKind::DuplicateRule) { 2 } else { 1 };
        for _ in 0..copies {
            let delay = self.span(SECOND / 50, late);
            let body = Arc::clone(body);
            let due = if self.direct {
                Due::Invoke { stage, body, attempt: 1 }
            } else {
                Due::Deliver { stage, body }
            };
            self.after(delay, due);
        }
    }

    /// The pipeline's bus takes an event.
    pub(crate) fn publish(&mut self, event: &PipelineEvent, body: &Arc<str>) {
        self.announce(event);
        self.route(bus::target(event), body);
    }

    /// Remembers as which run an upload is announced.
    pub(crate) fn announce(&mut self, event: &PipelineEvent) {
        if let PipelineEvent::ProcessingComplete(_) | PipelineEvent::FileRejected(_) = event
            && let (Some(run_id), Some(version)) = (event.run_id(), version_of(event))
        {
            self.announced.entry(version.to_owned()).or_default().insert(run_id.clone());
        }
    }

    /// Somebody drops a file.
    pub fn upload(&mut self, key: &str, bytes: Arc<[u8]>) -> Option<SourceObject> {
        let now = self.time();
        let checksum = shared::checksum::Checksum::of(&bytes);
        let write = Write { key: key.into(), bytes, checksum, if_none_match: false };
        let stored = self.bucket.put(&write, now).ok()?;
        let source = stored.source(BUCKET, key);
        if key.starts_with(shared::keys::INPUT_PREFIX) {
            self.tell_of(&source);
        }
        Some(source)
    }

    /// S3 tells the default bus of an object.
    fn tell_of(&mut self, source: &SourceObject) {
        let fault = self.strike(Operation::Notification, 1);
        let (copies, late) = match fault {
            Some(FaultKind::LostNotification) => return,
            Some(FaultKind::DuplicateNotification) => (2, 5 * SECOND),
            Some(FaultKind::LateNotification) => (1, 10 * MINUTE),
            _ => (1, 5 * SECOND),
        };
        let body: Arc<str> = bus::object_created(source).into();
        for _ in 0..copies {
            let delay = self.span(SECOND / 10, late);
            let body = Arc::clone(&body);
            self.after(delay, Due::Effect(Box::new(move |world| world.route(Stage::Process, &body))));
        }
    }

    /// The mail service takes a mail, and will tell what becomes of it.
    pub(crate) fn accept(&mut self, mail: &Mail) -> String {
        let at = self.time();
        let message_id = self.ses.accept(mail, at);
        self.note([0x5e5]);
        let words = match Fate::of(mail) {
            Fate::Bounced => [FeedbackKind::Sent, FeedbackKind::Bounced],
            Fate::ThrownAway => [FeedbackKind::Sent, FeedbackKind::Rejected],
            Fate::Delivered | Fate::Refused => [FeedbackKind::Sent, FeedbackKind::Delivered],
        };
        if !self.mechanisms.ses_events || self.direct {
            return message_id;
        }
        let mut happens = 0;
        for kind in words {
            happens += self.span(SECOND / 5, 10 * SECOND);
            let fault = self.strike(Operation::Feedback, 1);
            let delay = match fault {
                Some(FaultKind::LostFeedback) => continue,
                Some(FaultKind::LateFeedback) => happens + self.span(0, 10 * MINUTE),
                Some(FaultKind::EarlyFeedback) => 0,
                _ => happens,
            };
            let code = match kind {
                FeedbackKind::Bounced => Some("Permanent/General".to_owned()),
                FeedbackKind::Rejected => Some("Bad content".to_owned()),
                _ => None,
            };
            let feedback = MailFeedback {
                run_id: mail.run_id.clone(),
                send_id: mail.send_id.clone(),
                message_id: message_id.clone(),
                kind,
                at: timestamp(self.now.saturating_add(happens)),
                code,
            };
            let body: Arc<str> = bus::mail_feedback(&feedback).into();
            let due: Effect = Box::new(move |world| world.route(Stage::Notify, &body));
            self.after(delay, Due::Effect(due));
        }
        message_id
    }

    /// An invocation has ended.
    pub(crate) fn ended(&mut self, stage: Stage, work: &Work, ending: Ending) {
        self.note([0xe4d, stage as u64, u64::from(matches!(ending, Ending::Done))]);
        match work {
            Work::Message(received) => {
                self.lane_mut(stage).active -= 1;
                match ending {
                    Ending::Done => {
                        if self.strike(Operation::DeleteMessage, 1).is_none() {
                            self.lane_mut(stage).queue.delete(received.id);
                        }
                    }
                    Ending::Failed(reason) => {
                        self.failures += 1;
                        self.lane_mut(stage).queue.failed(received.id, reason);
                    }
                }
                self.dispatch(stage);
            }
            Work::Direct { body, attempt } => {
                if let Ending::Failed(_) = ending {
                    self.failures += 1;
                    // Lambda tries an asynchronous event twice more, and then drops it.
                    if *attempt < 3 {
                        let (body, attempt) = (Arc::clone(body), attempt + 1);
                        let wait = i64::from(attempt - 1) * MINUTE;
                        self.after(wait, Due::Invoke { stage, body, attempt });
                    }
                }
            }
        }
    }
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The work is done.
    Done,
    /// It is not.
    Failed(String),
}

fn version_of(event: &PipelineEvent) -> Option<&str> {
    match event {
        PipelineEvent::ProcessingComplete(event) => event.source.version_id.as_deref(),
        PipelineEvent::FileRejected(event) => event.source.version_id.as_deref(),
        _ => None,
    }
}

/// A time as the stages know it.
#[must_use]
pub fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}
