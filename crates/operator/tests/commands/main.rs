//! The commands on a whole pipeline over memory: nothing is lost, and nobody gets a second mail who did not ask for one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::panic, reason = "a stage that gets another stage's message is a mistake of the test")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot find what it looks for has failed")]

mod backfill;
mod mill;
mod redrive;
mod replay;
mod status;
