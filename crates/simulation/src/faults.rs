//! What can go wrong, how often, and where: so that a fault is either drawn from a seed or planned at a call.

use std::fmt;

use fastrand::Rng;
use serde::Serialize;

/// What goes wrong at a call, or on the way of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The service asks for fewer calls; the call has no effect.
    Throttle,
    /// The service answers with an error before any effect.
    Unavailable,
    /// The call has its effect, and its answer never arrives.
    LostResponse,
    /// The caller gives up now; the call has its effect later.
    GhostWrite,
    /// The invocation is gone before the call.
    CrashBefore,
    /// The invocation is gone after the call had its effect.
    CrashAfter,
    /// The invocation stands still before it sends the request.
    StallUnsent,
    /// The invocation stands still with the request on the wire.
    StallSent,
    /// S3 says that another writer is at the key (409).
    Conflict,
    /// The body of an object breaks off in the middle.
    BrokenBody,
    /// The bus takes the call and refuses its entry (`FailedEntryCount`).
    RefusedEntry,
    /// S3 tells of an object twice.
    DuplicateNotification,
    /// S3 never tells of an object.
    LostNotification,
    /// S3 tells of an object minutes late.
    LateNotification,
    /// A rule delivers an event twice.
    DuplicateRule,
    /// A rule delivers an event minutes late, after events that came later.
    LateRule,
    /// A queue delivers a message although it is being worked on.
    DuplicateDelivery,
    /// A message that was worked on is not deleted.
    FailedDelete,
    /// The mail service's word on a mail is lost.
    LostFeedback,
    /// The mail service's word on a mail comes up to ten minutes late.
    LateFeedback,
    /// The mail service's word on a mail comes before the answer to the call.
    EarlyFeedback,
}

/// How many kinds there are.
pub const KINDS: usize = FaultKind::ALL.len();

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::Throttle,
        Self::Unavailable,
        Self::LostResponse,
        Self::GhostWrite,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::StallUnsent,
        Self::StallSent,
        Self::Conflict,
        Self::BrokenBody,
        Self::RefusedEntry,
        Self::DuplicateNotification,
        Self::LostNotification,
        Self::LateNotification,
        Self::DuplicateRule,
        Self::LateRule,
        Self::DuplicateDelivery,
        Self::FailedDelete,
        Self::LostFeedback,
        Self::LateFeedback,
        Self::EarlyFeedback,
    ];

    /// The kind as one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Unavailable => "unavailable",
            Self::LostResponse => "lost-response",
            Self::GhostWrite => "ghost-write",
            Self::CrashBefore => "crash-before",
            Self::CrashAfter => "crash-after",
            Self::StallUnsent => "stall-unsent",
            Self::StallSent => "stall-sent",
            Self::Conflict => "conflict",
            Self::BrokenBody => "broken-body",
            Self::RefusedEntry => "refused-entry",
            Self::DuplicateNotification => "duplicate-notification",
            Self::LostNotification => "lost-notification",
            Self::LateNotification => "late-notification",
            Self::DuplicateRule => "duplicate-rule",
            Self::LateRule => "late-rule",
            Self::DuplicateDelivery => "duplicate-delivery",
            Self::FailedDelete => "failed-delete",
            Self::LostFeedback => "lost-feedback",
            Self::LateFeedback => "late-feedback",
            Self::EarlyFeedback => "early-feedback",
        }
    }

    /// Whether it can happen at an operation.
    #[must_use]
    pub fn applies_to(self, operation: Operation) -> bool {
        operation.kinds().contains(&self)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A call of a service, or a step of the transport: whatever a fault can hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Operation {
    /// An object is asked for.
    GetObject,
    /// The body of an object is read.
    ReadBody,
    /// An object is written.
    PutObject,
    /// An object's checksum is asked for.
    HeadObject,
    /// Keys are listed.
    ListObjects,
    /// Versions are listed.
    ListVersions,
    /// A task is claimed.
    Claim,
    /// An analysis is stored.
    Store,
    /// The intent to send is written.
    BeginSend,
    /// The end of a send is written.
    EndSend,
    /// A send is given up.
    Park,
    /// The mail service's word is written.
    Hear,
    /// The record is marked.
    Mark,
    /// An item is read.
    GetItem,
    /// An item is written without a condition (by the naive stages).
    PutItem,
    /// An event is published.
    PutEvents,
    /// A mail is sent.
    SendEmail,
    /// The model is asked.
    Converse,
    /// S3 tells the default bus of an object.
    Notification,
    /// A rule takes an event to its target.
    RuleDelivery,
    /// A queue hands out a message.
    ReceiveMessage,
    /// A message that was worked on is deleted.
    DeleteMessage,
    /// The mail service tells what became of a mail.
    Feedback,
}

const CALL: [FaultKind; 8] = [
    FaultKind::Throttle,
    FaultKind::Unavailable,
    FaultKind::LostResponse,
    FaultKind::GhostWrite,
    FaultKind::CrashBefore,
    FaultKind::CrashAfter,
    FaultKind::StallUnsent,
    FaultKind::StallSent,
];

const fn with(kind: FaultKind) -> [FaultKind; 9] {
    let [a, b, c, d, e, f, g, h] = CALL;
    [a, b, c, d, e, f, g, h, kind]
}

const CONDITIONAL_PUT: [FaultKind; 9] = with(FaultKind::Conflict);
const PUBLISH: [FaultKind; 9] = with(FaultKind::RefusedEntry);

impl Operation {
    /// The faults that can happen here.
    #[must_use]
    pub fn kinds(self) -> &'static [FaultKind] {
        match self {
            Self::PutObject => &CONDITIONAL_PUT,
            Self::PutEvents => &PUBLISH,
            Self::ReadBody => &[FaultKind::BrokenBody],
            Self::Notification => {
                &[FaultKind::DuplicateNotification, FaultKind::LostNotification, FaultKind::LateNotification]
            }
            Self::RuleDelivery => &[FaultKind::DuplicateRule, FaultKind::LateRule],
            Self::ReceiveMessage => &[FaultKind::DuplicateDelivery],
            Self::DeleteMessage => &[FaultKind::FailedDelete],
            Self::Feedback => &[FaultKind::LostFeedback, FaultKind::LateFeedback, FaultKind::EarlyFeedback],
            Self::GetObject
            | Self::HeadObject
            | Self::ListObjects
            | Self::ListVersions
            | Self::Claim
            | Self::Store
            | Self::BeginSend
            | Self::EndSend
            | Self::Park
            | Self::Hear
            | Self::Mark
            | Self::GetItem
            | Self::PutItem
            | Self::SendEmail
            | Self::Converse => &CALL,
        }
    }

    /// The operation as its service names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GetObject => "GetObject",
            Self::ReadBody => "GetObject body",
            Self::PutObject => "PutObject",
            Self::HeadObject => "HeadObject",
            Self::ListObjects => "ListObjectsV2",
            Self::ListVersions => "ListObjectVersions",
            Self::Claim => "UpdateItem claim",
            Self::Store => "UpdateItem store",
            Self::BeginSend => "UpdateItem begin_send",
            Self::EndSend => "UpdateItem end_send",
            Self::Park => "UpdateItem park",
            Self::Hear => "UpdateItem hear",
            Self::Mark => "UpdateItem mark",
            Self::GetItem => "GetItem",
            Self::PutItem => "PutItem",
            Self::PutEvents => "PutEvents",
            Self::SendEmail => "SendEmail",
            Self::Converse => "Converse",
            Self::Notification => "notification",
            Self::RuleDelivery => "rule delivery",
            Self::ReceiveMessage => "ReceiveMessage",
            Self::DeleteMessage => "DeleteMessage",
            Self::Feedback => "feedback",
        }
    }
}

/// How often each kind happens where it can happen.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates([f64; KINDS]);

impl Rates {
    /// Nothing goes wrong.
    pub const NONE: Self = Self([0.0; KINDS]);

    /// A mixture around one rate: `rate` for a crash, a throttle, an error and a lost answer each, half of it for a
    /// ghost write and a stall, twice for duplicates, a tenth for what is lost for good.
    #[must_use]
    pub fn at(rate: f64) -> Self {
        let mut rates = Self::NONE;
        for kind in FaultKind::ALL {
            let share = match kind {
                FaultKind::Throttle
                | FaultKind::Unavailable
                | FaultKind::LostResponse
                | FaultKind::Conflict
                | FaultKind::BrokenBody
                | FaultKind::RefusedEntry
                | FaultKind::LateNotification
                | FaultKind::LateRule
                | FaultKind::FailedDelete => 1.0,
                FaultKind::GhostWrite | FaultKind::CrashBefore | FaultKind::CrashAfter => 0.5,
                FaultKind::StallUnsent | FaultKind::StallSent => 0.25,
                FaultKind::DuplicateNotification
                | FaultKind::DuplicateRule
                | FaultKind::DuplicateDelivery
                | FaultKind::LateFeedback
                | FaultKind::EarlyFeedback => 2.0,
                FaultKind::LostNotification => 0.5,
                FaultKind::LostFeedback => 0.1,
            };
            rates.set(kind, rate * share);
        }
        rates
    }

    /// The rate of a kind.
    #[must_use]
    pub fn of(&self, kind: FaultKind) -> f64 {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }

    /// Sets the rate of a kind.
    pub fn set(&mut self, kind: FaultKind, rate: f64) {
        if let Some(slot) = self.0.get_mut(kind as usize) {
            *slot = rate;
        }
    }

    /// The same with another rate of a kind.
    #[must_use]
    pub fn with(mut self, kind: FaultKind, rate: f64) -> Self {
        self.set(kind, rate);
        self
    }
}

/// Where a planned fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// At the call with this number in the whole run, the first being 1.
    Call(u64),
    /// At the call of this operation with this number among its like, the first being 1.
    Nth(Operation, u64),
}

/// A fault at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Planned {
    /// Where.
    pub at: Place,
    /// What.
    pub fault: FaultKind,
}

/// Which faults happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Drawn from the seed.
    Random(Rates),
    /// These and no others.
    Scripted(Vec<Planned>),
}

impl Plan {
    /// Nothing goes wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::Scripted(Vec::new())
    }

    /// One fault at the call with this number.
    #[must_use]
    pub fn at_call(call: u64, fault: FaultKind) -> Self {
        Self::Scripted(vec![Planned { at: Place::Call(call), fault }])
    }

    /// Mixed faults around a rate.
    #[must_use]
    pub fn at_rate(rate: f64) -> Self {
        Self::Random(Rates::at(rate))
    }

    /// What happens at this call, the `nth` of its operation.
    pub(crate) fn strike(
        &self,
        rng: &mut Rng,
        operation: Operation,
        call: u64,
        nth: u64,
    ) -> Option<FaultKind> {
        match self {
            Self::Random(rates) => {
                let mut draw = rng.f64();
                operation.kinds().iter().copied().find(|kind| {
                    draw -= rates.of(*kind);
                    draw < 0.0
                })
            }
            Self::Scripted(planned) => {
                let here = planned.iter().find(|planned| match planned.at {
                    Place::Call(number) => number == call,
                    Place::Nth(what, number) => what == operation && number == nth,
                });
                here.map(|planned| planned.fault).filter(|fault| fault.applies_to(operation))
            }
        }
    }
}

/// How often each kind happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts([u64; KINDS]);

impl Counts {
    pub(crate) fn add(&mut self, kind: FaultKind) {
        if let Some(count) = self.0.get_mut(kind as usize) {
            *count += 1;
        }
    }

    /// How often a kind happened.
    #[must_use]
    pub fn of(&self, kind: FaultKind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or_default()
    }

    /// How often anything happened.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds what happened elsewhere.
    pub fn extend(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine += theirs;
        }
    }
}
