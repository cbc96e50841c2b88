use aws::s3::{PartSizes, Policy, S3Objects};
use aws_sdk_s3::Client;
use shared::checksum::Checksum;
use shared::identity::ETag;
use shared::memory::ManualClock;
use shared::ports::{
    Body, Fault, FaultKind, Fetched, Location, Metadata, Objects, SourceObject, Upload, Written,
};

use crate::wire::{QUICK, Reply, Sent, Wire, at_once};

mod list;
mod read;
mod write;

fn objects(wire: &Wire) -> S3Objects<ManualClock> {
    let config = aws_sdk_s3::Config::builder()
        .with_test_defaults_v2()
        .retry_config(at_once(4))
        .http_client(wire.clone())
        .build();
    let policy = Policy { backoff: QUICK, parts: PartSizes::constant(8) };
    S3Objects::with_clock(Client::from_conf(config), ManualClock::default(), policy)
}
