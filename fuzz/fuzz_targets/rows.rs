//! The record reader, cut anywhere and under any layout, against a simple parser.
#![no_main]

#[path = "../../crates/shared/tests/volume/control.rs"]
mod control;
#[expect(dead_code, reason = "the target split uses the rest")]
#[path = "../../crates/shared/tests/volume/rows.rs"]
mod rows;

libfuzzer_sys::fuzz_target!(|input: &[u8]| rows::check(input));
