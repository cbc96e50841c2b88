use shared::checksum::Checksum;
use shared::identity::ETag;
use shared::keys::CONTRACTS_PREFIX;
use shared::ports::{
    Fault, FaultKind, Fetched, Location, Metadata, ObjectInfo, Objects, SourceObject, Upload, Written,
};

use super::{FileBody, FileObjects};

/// A bucket that is read as it is and takes every write without keeping it. What is checked here is judged exactly
/// as it would be in a run.
#[derive(Debug)]
pub struct DryObjects(pub FileObjects);

impl Objects for DryObjects {
    type Body = FileBody;
    type Upload = DryUpload;

    async fn open(&self, source: &SourceObject) -> Result<(ObjectInfo, FileBody), Fault> {
        self.0.open(source).await
    }

    async fn open_output(&self, _: &Location) -> Result<(ObjectInfo, FileBody), Fault> {
        Err(Fault::new("GetObject", FaultKind::NotFound, "NothingIsKept"))
    }

    /// Contracts are there, and earlier runs are not: a file is checked anew each time.
    async fn fetch(&self, at: &Location, known: Option<&ETag>) -> Result<Fetched, Fault> {
        if at.key.starts_with(CONTRACTS_PREFIX) { self.0.fetch(at, known).await } else { Ok(Fetched::Absent) }
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Fault> {
        self.0.list(bucket, prefix).await
    }

    async fn create(&self, _: &Location, _: Metadata) -> Result<DryUpload, Fault> {
        Ok(DryUpload)
    }
}

/// A write that goes nowhere.
#[derive(Debug)]
pub struct DryUpload;

impl Upload for DryUpload {
    async fn write(&mut self, _: &[u8]) -> Result<(), Fault> {
        Ok(())
    }

    async fn finish(self, _: &Checksum, _: Metadata) -> Result<Written, Fault> {
        Ok(Written::Created)
    }

    async fn abort(self) -> Result<(), Fault> {
        Ok(())
    }
}
