//! Stand-ins for the services around the binaries, and the whole-process benchmarks that use them.
//!
//! The binaries are what is deployed, so they are what is measured: from outside, as processes, with everything
//! that they talk to on loopback. [`s3`] is an S3 that remembers every request and forgets every large body;
//! [`runtime_api`] is the side of Lambda that a function polls. Both are small enough to be seen through, and
//! both answer only what the binaries ask. Nothing else depends on this crate.

pub mod files;
pub mod http;
pub mod program;
pub mod report;
pub mod runtime_api;
pub mod s3;
