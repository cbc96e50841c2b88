//! The decoder of queue messages and of the pipeline's own events.
#![no_main]

#[path = "../../crates/aws/tests/volume/event.rs"]
mod event;

libfuzzer_sys::fuzz_target!(|input: &[u8]| event::check(input));
