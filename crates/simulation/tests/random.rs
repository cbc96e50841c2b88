//! Random runs: everything holds, and a seed is a run.

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
fn a_seed_is_a_run() {
    let trace = |seed| {
        let outcome = run(&Options::random(seed, 60, 0.05));
        (outcome.world.trace(), outcome.figures)
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7).0, trace(8).0);
}
