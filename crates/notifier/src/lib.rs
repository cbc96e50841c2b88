#![doc = include_str!("../README.md")]

#[cfg(test)]
mod fixtures;
#[cfg(feature = "lambda")]
pub mod handler;
mod pipeline;
mod recipients;
pub mod report;
mod settings;

pub use pipeline::{Notifier, Outcome, UNSETTLED_GRACE};
pub use settings::{Settings, Unsettled};
