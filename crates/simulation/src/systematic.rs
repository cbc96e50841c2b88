//! Every fault at every call of a run, and every pair of the three worst: what chance rarely reaches.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::faults::{FaultKind, Operation, Place, Plan, Planned};
use crate::invariants::Violation;
use crate::mechanisms::Mechanisms;
use crate::report::Figures;
use crate::run::Outcome;
use crate::scene::Scene;
use crate::workload::Kind;
use crate::world::Call;

/// The faults that are paired: the effect is there, or comes later, and nobody is told.
pub const PAIRED: [FaultKind; 3] = [FaultKind::CrashAfter, FaultKind::LostResponse, FaultKind::GhostWrite];

/// The file whose way is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// Its dataset.
    pub dataset: &'static str,
    /// What it is like.
    pub kind: Kind,
}

impl Subject {
    /// A file that is split, analysed and mailed: the longest way.
    pub const SPLIT: Self = Self { dataset: "orders", kind: Kind::SomeBad };
    /// A file that is refused, and mailed.
    pub const REFUSED: Self = Self { dataset: "orders", kind: Kind::Refused };
    /// A file whose mail the service takes and throws away.
    pub const THROWN_AWAY: Self = Self { dataset: "viruses", kind: Kind::Clean };
}

/// What a set of schedules came to.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How many there were.
    pub schedules: u64,
    /// How many calls a run without a fault has.
    pub calls: u64,
    /// All their figures together.
    pub figures: Figures,
    /// Schedules after which something was wrong.
    pub bad: Vec<Bad>,
}

/// A schedule after which something was wrong.
#[derive(Debug, Clone)]
pub struct Bad {
    /// Its faults, each at its call.
    pub schedule: Vec<Planned>,
    /// What was wrong.
    pub violations: Vec<Violation>,
}

impl Tally {
    fn add(&mut self, schedule: &[Planned], mut outcome: Outcome) {
        self.schedules += 1;
        self.figures.extend(&outcome.figures);
        outcome.violations.extend(absorbed(schedule, &outcome.figures));
        if !outcome.violations.is_empty() {
            self.bad.push(Bad { schedule: schedule.to_vec(), violations: outcome.violations });
        }
    }
}

/// A lone fault that an adapter makes good by itself costs no delivery, and no lone fault makes a dead letter or a
/// second mail.
fn absorbed(schedule: &[Planned], figures: &Figures) -> Option<Violation> {
    let made_good = |planned: &Planned| {
        matches!(
            planned.fault,
            FaultKind::Throttle
                | FaultKind::Unavailable
                | FaultKind::LostResponse
                | FaultKind::GhostWrite
                | FaultKind::Conflict
                | FaultKind::BrokenBody
                | FaultKind::RefusedEntry
        ) && !matches!(planned.at, Place::Nth(Operation::SendEmail, _))
    };
    let [only] = schedule else { return None };
    if made_good(only) && figures.failures > 0 {
        return Some(Violation::absorbed(format!("{} invocations failed", figures.failures)));
    }
    (figures.dead_letters > 0 || figures.duplicate_mails > 0)
        .then(|| Violation::absorbed("a lone fault made a dead letter or a second mail".to_owned()))
}

fn play(subject: Subject, schedule: &[Planned], mechanisms: &Mechanisms) -> Outcome {
    let plan = Plan::Scripted(schedule.to_vec());
    Scene::with(plan, mechanisms.clone()).recorded().file(subject.dataset, subject.kind).play()
}

/// The calls of a run that a fault could hit: not those of its redrive and its replay.
fn calls(outcome: &Outcome) -> Vec<Call> {
    let recorded = outcome.world.recorded.iter().flatten();
    recorded.copied().filter(|call| call.number <= outcome.figures.calls).collect()
}

fn at(call: &Call, fault: FaultKind) -> Planned {
    Planned { at: Place::Nth(call.operation, call.nth), fault }
}

/// Every single fault at every call.
#[must_use]
pub fn singles(subject: Subject, mechanisms: &Mechanisms) -> Tally {
    let whole = calls(&play(subject, &[], mechanisms));
    let mut tally = Tally { calls: whole.len() as u64, ..Tally::default() };
    for call in &whole {
        for fault in call.operation.kinds() {
            let schedule = [at(call, *fault)];
            tally.add(&schedule, play(subject, &schedule, mechanisms));
        }
    }
    tally
}

/// Every pair of the paired faults, the second at every call that comes after the first in the run that the first one
/// makes; on so many threads.
#[must_use]
pub fn pairs(subject: Subject, mechanisms: &Mechanisms, jobs: usize) -> Tally {
    let whole = calls(&play(subject, &[], mechanisms));
    let firsts: Vec<Planned> = whole.iter().flat_map(paired_at).collect();
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally { calls: whole.len() as u64, ..Tally::default() });
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some(first) = firsts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let part = seconds(subject, mechanisms, *first);
                    let mut all = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    all.schedules += part.schedules;
                    all.figures.extend(&part.figures);
                    all.bad.extend(part.bad);
                }
            });
        }
    });
    tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn paired_at(call: &Call) -> impl Iterator<Item = Planned> {
    let call = *call;
    PAIRED
        .into_iter()
        .filter(move |fault| fault.applies_to(call.operation))
        .map(move |fault| at(&call, fault))
}

fn seconds(subject: Subject, mechanisms: &Mechanisms, first: Planned) -> Tally {
    let mut tally = Tally::default();
    let after: Vec<Call> = calls(&play(subject, &[first], mechanisms))
        .into_iter()
        .skip_while(|call| call.fault.is_none())
        .skip(1)
        .collect();
    for second in after.iter().flat_map(paired_at) {
        let schedule = [first, second];
        tally.add(&schedule, play(subject, &schedule, mechanisms));
    }
    tally
}
