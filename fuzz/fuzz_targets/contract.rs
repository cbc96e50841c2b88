//! The contract parser.
#![no_main]

#[path = "../../crates/shared/tests/volume/contract.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::check(input));
