//! A run from its beginning to its end: files and faults, then quiet, then dead letters, then everything once more.

use std::sync::Arc;

use crate::executor::Executor;
use crate::faults::Plan;
use crate::functions;
use crate::invariants::{self, Violation};
use crate::mechanisms::Mechanisms;
use crate::report::Figures;
use crate::services::bus::{self, Stage};
use crate::workload;
use crate::world::{BEGINNING, BUCKET, MINUTE, SECOND, World, lock};

pub use functions::Stages;

/// How far the clocks of two invocations differ at most while faults happen, in microseconds.
const SKEW: i64 = 2 * SECOND;
/// How long faults go on at most, in microseconds.
const FAULTY: i64 = 12 * 60 * MINUTE;
/// How long everything may take at most, in microseconds.
const PATIENCE: i64 = 10 * 24 * 60 * MINUTE;
/// How often the sweep comes, in microseconds.
const SWEEP: i64 = 15 * MINUTE;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where all chance comes from.
    pub seed: u64,
    /// How many files are dropped.
    pub files: usize,
    /// Which faults happen.
    pub plan: Plan,
    /// What is switched on.
    pub mechanisms: Mechanisms,
    /// What the stages are told.
    pub stages: Stages,
    /// Whether files are also deleted while they are worked on.
    pub withdrawals: bool,
    /// Whether the calls are recorded.
    pub record: bool,
}

impl Options {
    /// A run of so many files with mixed faults around a rate.
    #[must_use]
    pub fn random(seed: u64, files: usize, rate: f64) -> Self {
        Self {
            seed,
            files,
            plan: Plan::at_rate(rate),
            mechanisms: Mechanisms::default(),
            stages: Stages::varied(seed),
            withdrawals: false,
            record: false,
        }
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Its figures.
    pub figures: Figures,
    /// What should not be.
    pub violations: Vec<Violation>,
    /// Uploads that were not finished before the dead letters were moved back, with what was missing.
    pub waiting: Vec<String>,
    /// The world as it was left.
    pub world: World,
}

/// Runs.
#[must_use]
pub fn run(options: &Options) -> Outcome {
    let mut world = World::new(options.seed, options.plan.clone(), options.mechanisms.clone());
    world.recorded = options.record.then(Vec::new);
    if matches!(options.plan, Plan::Random(_)) {
        world.skew = SKEW;
    }
    let executor = Executor::new(world, options.stages.clone());
    let length = {
        let mut world = lock(&executor.shared);
        workload::furnish(&mut world);
        workload::plan(&mut world, options.seed, options.files, options.withdrawals)
    };
    finish(executor, options, BEGINNING + length)
}

/// Takes a world whose workload is planned to its end. `until` is when the last file is dropped.
#[must_use]
pub fn finish(mut executor: Executor, options: &Options, until: i64) -> Outcome {
    let mut sweep = BEGINNING + SWEEP;
    // Faults, until everything is quiet or has had its time.
    loop {
        executor.run_until(sweep);
        let now = lock(&executor.shared).now;
        if sweep > until && (executor.is_quiet() || now > until + FAULTY) {
            break;
        }
        sweep_at(&mut executor, &mut sweep);
    }
    let faulty_calls = stop_faults(&executor);
    // No more faults: the sweep finds what is left.
    while sweep < until + PATIENCE {
        if executor.is_quiet() && invariants::is_settled(&lock(&executor.shared)) {
            break;
        }
        sweep_at(&mut executor, &mut sweep);
        executor.run_until(sweep);
    }
    let mut violations = Vec::new();
    let dead = dead_letters(&executor);
    let waiting = invariants::waiting(&lock(&executor.shared));
    violations.extend(invariants::before_redrive(&lock(&executor.shared)));
    let virtual_time = lock(&executor.shared).now - BEGINNING;
    redrive(&mut executor);
    violations.extend(invariants::after_redrive(&lock(&executor.shared), options));
    let dead_after = dead_letters(&executor);
    violations.extend(replay(&mut executor));
    let world = unwrap(executor);
    let mut figures = Figures::of(&world, &violations);
    figures.calls = faulty_calls;
    figures.dead_letters = dead;
    figures.waiting = waiting.len() as u64;
    figures.dead_letters_after = dead_after;
    figures.virtual_seconds = virtual_time / SECOND;
    Outcome { figures, violations, waiting, world }
}

fn sweep_at(executor: &mut Executor, sweep: &mut i64) {
    executor.advance_to(*sweep);
    *sweep += SWEEP;
    let mut world = lock(&executor.shared);
    if world.mechanisms.sweep && !world.direct {
        let body: Arc<str> = bus::sweep_due(BUCKET).into();
        world.route(Stage::Process, &body);
    }
}

fn stop_faults(executor: &Executor) -> u64 {
    let mut world = lock(&executor.shared);
    world.plan = Plan::none();
    world.skew = 0;
    world.calls()
}

fn dead_letters(executor: &Executor) -> u64 {
    let world = lock(&executor.shared);
    Stage::ALL.iter().map(|stage| world.lane(*stage).queue.dead().len() as u64).sum()
}

/// Moves every dead letter back, once, and lets the queues drain.
fn redrive(executor: &mut Executor) {
    for stage in Stage::ALL {
        let mut world = lock(&executor.shared);
        world.lane_mut(stage).queue.redrive();
        world.dispatch(stage);
    }
    drain(executor);
}

fn drain(executor: &mut Executor) {
    let limit = lock(&executor.shared).now + PATIENCE;
    executor.run_until(limit);
}

/// Delivers every message that ever reached a queue once more: nothing may change.
fn replay(executor: &mut Executor) -> Vec<Violation> {
    let before = invariants::Snapshot::of(&lock(&executor.shared));
    let log = std::mem::take(&mut lock(&executor.shared).log);
    for (stage, body) in log {
        lock(&executor.shared).send(stage, body);
    }
    drain(executor);
    let world = lock(&executor.shared);
    let mut violations = before.compare(&invariants::Snapshot::of(&world));
    violations.extend(invariants::drained(&world));
    violations
}

fn unwrap(executor: Executor) -> World {
    let shared = Arc::clone(&executor.shared);
    drop(executor);
    match Arc::try_unwrap(shared) {
        Ok(mutex) => mutex.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner),
        // Nobody else has the world once the scheduler is gone.
        Err(shared) => {
            std::mem::replace(&mut *lock(&shared), World::new(0, Plan::none(), Mechanisms::default()))
        }
    }
}
