//! The adapters at the wire: the requests that they send, and what they make of the answers.
//!
//! A scripted connector stands where the network would be, so that real requests are built and real answers
//! parsed, retries of the SDK included.
#![expect(clippy::unwrap_used, reason = "a test that cannot build its input has failed")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot find what it looks for has failed")]
#![expect(clippy::panic, reason = "a request that no test expects is a failure")]

mod bedrock;
mod dynamodb;
mod eventbridge;
mod s3;
mod ses;
mod sqs;
mod wire;
