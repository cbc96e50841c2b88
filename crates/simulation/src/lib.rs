#![doc = include_str!("../README.md")]

pub mod adapters;
pub mod alone;
#[cfg(test)]
mod directed;
pub mod executor;
pub mod faults;
mod functions;
pub mod invariants;
pub mod mechanisms;
pub mod naive;
pub mod observed;
pub mod ports;
pub mod report;
pub mod run;
pub mod scene;
pub mod script;
pub mod services;
pub mod systematic;
pub mod workload;
pub mod world;
