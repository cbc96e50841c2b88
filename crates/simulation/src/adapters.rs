//! The ports on the services: what `crates/aws` does around S3, DynamoDB, EventBridge, SES and Bedrock, done around
//! the services of this crate.

mod analyses;
mod events;
mod mailer;
mod model;
mod objects;

pub use objects::{SimBody, SimUpload};
