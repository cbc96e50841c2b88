#![doc = include_str!("../README.md")]

mod contracts;
mod gates;
#[cfg(feature = "lambda")]
pub mod handler;
mod pipeline;
mod sweep;
mod transfer;

pub use contracts::{ContractCache, UNMATCHED};
pub use pipeline::{Arrival, MAX_FILE_BYTES, Outcome, Processor, Settings};
pub use sweep::{INTERVAL, OVERLOOKED_AFTER, STUCK_AFTER, Swept, WINDOW};
