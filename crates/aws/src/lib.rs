//! Adapters of the ports that more than one stage needs, and the Lambda edge: the one place that names SDK types.
//!
//! A stage knows what it needs from the world ([`shared::ports`]); this crate knows how AWS gives it. Every
//! service sits behind a feature of its own, so that a Lambda compiles the services that it talks to and no
//! others. What an adapter leaves to others: decisions. It builds requests, reads answers and says by code what
//! went wrong.

#[cfg(feature = "bedrock")]
pub mod bedrock;
#[cfg(feature = "sdk")]
pub mod clients;
pub mod clock;
pub mod config;
#[cfg(feature = "dynamodb")]
pub mod dynamodb;
#[cfg(feature = "lambda")]
pub mod edge;
#[cfg(feature = "eventbridge")]
pub mod eventbridge;
#[cfg(feature = "sdk")]
mod fault;
mod form;
#[cfg(feature = "lambda")]
pub mod logging;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "ses")]
pub mod ses;
#[cfg(feature = "sqs")]
pub mod sqs;
pub mod trigger;
