//! A bucket in memory in which something else happens right before a call.

use shared::identity::ETag;
use shared::memory::MemoryObjects;
use shared::ports::{Fault, Fetched, Location, Metadata, ObjectInfo, Objects, SourceObject};

/// The bucket, and whoever is told of a call before it is made: the port's method and the key.
pub(crate) struct Meddled<F> {
    pub(crate) objects: MemoryObjects,
    pub(crate) meddling: F,
}

impl<F: Fn(&'static str, &str) + Send + Sync> Objects for Meddled<F> {
    type Body = <MemoryObjects as Objects>::Body;
    type Upload = <MemoryObjects as Objects>::Upload;

    async fn open(&self, source: &SourceObject) -> Result<(ObjectInfo, Self::Body), Fault> {
        (self.meddling)("open", &source.key);
        self.objects.open(source).await
    }

    async fn open_output(&self, at: &Location) -> Result<(ObjectInfo, Self::Body), Fault> {
        self.objects.open_output(at).await
    }

    async fn fetch(&self, at: &Location, known: Option<&ETag>) -> Result<Fetched, Fault> {
        self.objects.fetch(at, known).await
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Fault> {
        self.objects.list(bucket, prefix).await
    }

    async fn create(&self, at: &Location, metadata: Metadata) -> Result<Self::Upload, Fault> {
        (self.meddling)("create", &at.key);
        self.objects.create(at, metadata).await
    }
}
