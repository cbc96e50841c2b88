//! Random runs: everything holds, and a seed is a run.

use simulation::faults::FaultKind;
use simulation::run::{Options, run};

#[test]
fn three_hundred_files_with_faults_at_every_call() {
    for seed in 1..=3 {
        let outcome = run(&Options::random(seed, 100, 0.02));
        assert!(outcome.violations.is_empty(), "seed {seed}: {:#?}", outcome.violations);
        assert!(outcome.figures.faults > 100, "{:?}", outcome.figures);
        assert!(outcome.figures.files >= 100);
    }
}

#[test]
fn without_faults_nothing_fails() {
    let outcome = run(&Options::random(4, 100, 0.0));
    assert_eq!(outcome.violations, []);
    let figures = outcome.figures;
    assert_eq!((figures.faults, figures.failures, figures.dead_letters), (0, 0, 0), "{figures:?}");
    assert!(figures.mails > 50, "{figures:?}");
}

#[test]
fn every_kind_of_fault_happens() {
    let outcome = run(&Options::random(5, 120, 0.08));
    let never: Vec<FaultKind> = FaultKind::ALL
        .into_iter()
        .filter(|kind| outcome.figures.counts.of(*kind) == 0 && *kind != FaultKind::LostFeedback)
        .collect();
    assert_eq!(never, []);
    assert_eq!(outcome.violations, []);
}

#[test]
fn a_seed_is_a_run() {
    let trace = |seed| {
        let outcome = run(&Options::random(seed, 60, 0.05));
        (outcome.world.trace(), outcome.figures)
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7).0, trace(8).0);
}

#[test]
fn the_naive_stages_lose_and_repeat() {
    let naive = |rate| simulation::naive::run(&Options::random(6, 1000, rate));
    let calm = naive(0.0);
    assert_eq!(
        (calm.lost, calm.duplicate_rows, calm.partial, calm.duplicate_analyses, calm.duplicate_mails),
        (0, 0, 0, 0, 0),
        "without faults they work"
    );
    let faulty = naive(0.02);
    for count in [faulty.lost, faulty.duplicate_rows, faulty.duplicate_analyses, faulty.duplicate_mails] {
        assert!(count > 10, "{faulty:?}");
    }
    assert!(faulty.partial > 0, "{faulty:?}");
}
