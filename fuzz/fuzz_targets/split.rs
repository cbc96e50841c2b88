//! The whole pass over a file: both outputs, merged by row, are the records of the input.
#![no_main]

#[expect(dead_code, reason = "the target rows uses the rest")]
#[path = "../../crates/shared/tests/volume/control.rs"]
mod control;
#[expect(dead_code, reason = "the target rows uses the rest")]
#[path = "../../crates/shared/tests/volume/rows.rs"]
mod rows;
#[path = "../../crates/shared/tests/volume/split.rs"]
mod split;

libfuzzer_sys::fuzz_target!(|input: &[u8]| split::check(input));
