#![doc = include_str!("../README.md")]

mod contracts;
mod gates;
#[cfg(feature = "lambda")]
pub mod handler;
mod pipeline;
mod transfer;

pub use contracts::{ContractCache, UNMATCHED};
pub use pipeline::{Arrival, MAX_FILE_BYTES, Outcome, Processor, Settings};
