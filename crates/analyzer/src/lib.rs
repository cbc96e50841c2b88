#![doc = include_str!("../README.md")]

pub mod facts;
#[cfg(feature = "lambda")]
pub mod handler;
pub mod narrator;
mod pipeline;
mod settings;

pub use pipeline::{Analyzer, Outcome};
pub use settings::Settings;
