//! The figures of a run.

use serde::Serialize;
use serde_json::{Value, json};

use crate::faults::{Counts, FaultKind};
use crate::invariants::{Rule, Violation};
use crate::services::bus::Stage;
use crate::world::World;

/// What a run did, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Files that were dropped.
    pub files: u64,
    /// Runs that they became.
    pub runs: u64,
    /// Calls of services while faults could happen.
    pub calls: u64,
    /// Invocations.
    pub invocations: u64,
    /// Invocations that failed.
    pub failures: u64,
    /// Faults.
    pub faults: u64,
    /// Faults by kind.
    #[serde(skip)]
    pub counts: Counts,
    /// Uploads that ended nowhere.
    pub lost: u64,
    /// Records that are there more than once.
    pub duplicate_rows: u64,
    /// Runs with outputs that are incomplete.
    pub partial: u64,
    /// Analyses beyond the first of a run.
    pub duplicate_analyses: u64,
    /// Mails beyond the first of a run.
    pub duplicate_mails: u64,
    /// Mails that the service took.
    pub mails: u64,
    /// Runs that wait for a person.
    pub parked: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Uploads that were not finished before the dead letters were moved back, each with a dead letter that shows it.
    pub waiting: u64,
    /// Dead letters that came back after they were moved back.
    pub dead_letters_after: u64,
    /// How long it took in the world, in seconds.
    pub virtual_seconds: i64,
    /// Violations of the invariants.
    pub violations: u64,
}

impl Figures {
    /// The figures of a world.
    #[must_use]
    pub fn of(world: &World, violations: &[Violation]) -> Self {
        let mails: u64 = world.ses.all().map(|(_, mails)| mails.len().saturating_sub(1) as u64).sum();
        let stores: u64 = world.table.stores.values().map(|count| u64::from(count.saturating_sub(1))).sum();
        let count = |rule| violations.iter().filter(|violation| violation.rule == rule).count() as u64;
        let amount = |rule| -> u64 {
            violations
                .iter()
                .filter(|violation| violation.rule == rule)
                .map(|violation| violation.count)
                .sum()
        };
        let parked = world.table.tasks.values();
        Self {
            files: world.uploads.len() as u64,
            runs: world.bucket.below("manifests/").count() as u64,
            calls: world.calls(),
            invocations: world.invocations,
            failures: world.failures,
            faults: world.counts.total(),
            counts: world.counts.clone(),
            lost: count(Rule::Lost),
            duplicate_rows: amount(Rule::DuplicateRows) + amount(Rule::TwoRuns),
            partial: count(Rule::Partial),
            duplicate_analyses: stores,
            duplicate_mails: mails,
            mails: world.ses.count(),
            parked: parked.filter(|item| item.state == shared::claims::TaskState::Parked).count() as u64,
            dead_letters: Stage::ALL.iter().map(|stage| world.lane(*stage).queue.dead().len() as u64).sum(),
            waiting: 0,
            dead_letters_after: 0,
            virtual_seconds: 0,
            violations: violations.len() as u64,
        }
    }

    /// Adds the figures of another run.
    pub fn extend(&mut self, other: &Self) {
        self.files += other.files;
        self.runs += other.runs;
        self.calls += other.calls;
        self.invocations += other.invocations;
        self.failures += other.failures;
        self.faults += other.faults;
        self.counts.extend(&other.counts);
        self.lost += other.lost;
        self.duplicate_rows += other.duplicate_rows;
        self.partial += other.partial;
        self.duplicate_analyses += other.duplicate_analyses;
        self.duplicate_mails += other.duplicate_mails;
        self.mails += other.mails;
        self.parked += other.parked;
        self.dead_letters += other.dead_letters;
        self.waiting += other.waiting;
        self.dead_letters_after += other.dead_letters_after;
        self.virtual_seconds = self.virtual_seconds.max(other.virtual_seconds);
        self.violations += other.violations;
    }
}

impl Figures {
    /// The figures as JSON, with the faults by kind.
    #[must_use]
    pub fn json(&self, seconds: f64) -> Value {
        let mut all = serde_json::to_value(self).unwrap_or_default();
        if let Some(all) = all.as_object_mut() {
            let kinds =
                FaultKind::ALL.iter().map(|kind| (kind.name().to_owned(), json!(self.counts.of(*kind))));
            all.insert("faults_by_kind".to_owned(), Value::Object(kinds.collect()));
            all.insert("wall_seconds".to_owned(), json!((seconds * 1000.0).round() / 1000.0));
        }
        all
    }
}

/// The figures as a table.
#[must_use]
pub fn table(figures: &Figures, seconds: f64) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        text.push_str(&format!("{name:<28}{value:>12}\n"));
    };
    for (name, value) in [
        ("files", figures.files),
        ("runs", figures.runs),
        ("invocations", figures.invocations),
        ("  of which failed", figures.failures),
        ("calls under faults", figures.calls),
        ("faults", figures.faults),
    ] {
        line(name, value.to_string());
    }
    for kind in FaultKind::ALL {
        line(&format!("  {}", kind.name()), figures.counts.of(kind).to_string());
    }
    for (name, value) in [
        ("silently lost", figures.lost),
        ("duplicate rows", figures.duplicate_rows),
        ("partial outputs", figures.partial),
        ("duplicate analyses", figures.duplicate_analyses),
        ("duplicate mails", figures.duplicate_mails),
        ("mails", figures.mails),
        ("parked", figures.parked),
        ("dead letters", figures.dead_letters),
        ("  uploads that wait for them", figures.waiting),
        ("  left after the redrive", figures.dead_letters_after),
        ("violations", figures.violations),
    ] {
        line(name, value.to_string());
    }
    line("virtual hours at most", format!("{:.1}", figures.virtual_seconds as f64 / 3600.0));
    line("seconds", format!("{seconds:.1}"));
    text
}
