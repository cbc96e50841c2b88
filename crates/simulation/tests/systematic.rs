//! Every single fault at every call of a file's way.

use simulation::mechanisms::Mechanisms;
use simulation::systematic::{Subject, singles};

fn all_hold(subject: Subject, at_least: u64) {
    let tally = singles(subject, &Mechanisms::default());
    assert!(tally.bad.is_empty(), "{} of {}: {:#?}", tally.bad.len(), tally.schedules, tally.bad);
    assert!(tally.schedules >= at_least, "{}", tally.schedules);
    assert_eq!(tally.figures.faults, tally.schedules, "each schedule has its fault");
}

#[test]
fn a_file_that_is_split_survives_every_single_fault() {
    all_hold(Subject::SPLIT, 250);
}

#[test]
fn a_file_that_is_refused_survives_every_single_fault() {
    all_hold(Subject::REFUSED, 100);
}

#[test]
fn a_mail_that_is_thrown_away_survives_every_single_fault() {
    all_hold(Subject::THROWN_AWAY, 250);
}
