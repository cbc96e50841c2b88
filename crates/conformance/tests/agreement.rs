//! The adapters that need no service answer the same.

use conformance::suite::{Adapter, Ledger};
use conformance::trace::Trouble;

const HERE: [Adapter; 3] = [Adapter::Memory, Adapter::Local, Adapter::Simulation];

fn ledger() -> Result<Ledger, Trouble> {
    let mut ledger = Ledger::new(None);
    ledger.memory();
    ledger.local()?;
    ledger.simulation();
    ledger.close(&HERE);
    Ok(ledger)
}

#[test]
fn memory_local_files_and_simulation_answer_the_same() {
    let ledger = ledger().unwrap();
    let (compared, differences) = ledger.compare();
    assert!(differences.is_empty(), "{differences:#?}");
    assert!(ledger.troubles().is_empty(), "{:#?}", ledger.troubles());
    let (cases, tried, absent) = ledger.counts();
    assert_eq!(tried + absent, cases * HERE.len());
    // Not fewer than there were: a suite that compares nothing finds nothing.
    assert!(cases >= 107 && tried >= 270 && compared >= 1_800, "{cases} {tried} {compared}");
}

#[test]
fn nothing_is_excused_that_is_not_asked() {
    let ledger = ledger().unwrap();
    assert!(ledger.idle_absences().is_empty(), "{:#?}", ledger.idle_absences());
}
