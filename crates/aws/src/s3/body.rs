//! An object being read, over as many connections as it takes.

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf as _, Bytes};
use shared::identity::ETag;
use shared::ports::{Body, Clock, Fault, FaultKind, Location, SourceObject};

use crate::fault::fault;
use crate::s3::{Bucket, GET, quoted};

/// Exactly one state of one object.
#[derive(Debug, Clone)]
pub(super) struct Pin {
    at: Location,
    etag: ETag,
    version_id: Option<String>,
}

impl Pin {
    pub(super) fn of(source: &SourceObject) -> Self {
        Self::at(&source.location(), source.etag.clone(), source.version_id.clone())
    }

    /// `"null"` is what S3 calls the version of an object that was stored while the bucket kept no versions.
    /// Naming it would need a permission more and say no more than the tag does.
    pub(super) fn at(at: &Location, etag: ETag, version_id: Option<String>) -> Self {
        Self { at: at.clone(), etag, version_id: version_id.filter(|version| version != "null") }
    }

    /// Reads it from an offset, or whole.
    pub(super) async fn get(&self, client: &Client, from: Option<u64>) -> Result<GetObjectOutput, Fault> {
        client
            .get_object()
            .bucket(&self.at.bucket)
            .key(&self.at.key)
            .set_version_id(self.version_id.clone())
            .if_match(quoted(&self.etag))
            .set_range(from.map(|offset| format!("bytes={offset}-")))
            .send()
            .await
            .map_err(|error| fault(GET, error))
    }
}

/// An object being read.
///
/// A connection that breaks is replaced by one that goes on where it broke, of the same version and tag. The end
/// of the stream is the end of the object only if every byte has come.
#[derive(Debug)]
pub struct S3Body<C> {
    bucket: Arc<Bucket<C>>,
    pin: Pin,
    stream: ByteStream,
    chunk: Bytes,
    received: u64,
    size: u64,
    ended: bool,
    /// Connections in a row that brought nothing.
    fruitless: u32,
}

impl<C: Clock> S3Body<C> {
    pub(super) fn new(bucket: Arc<Bucket<C>>, pin: Pin, size: u64, stream: ByteStream) -> Self {
        Self { bucket, pin, stream, chunk: Bytes::new(), received: 0, size, ended: false, fruitless: 0 }
    }

    async fn next_chunk(&mut self) -> Result<(), Fault> {
        while self.chunk.is_empty() && !self.ended {
            match self.stream.next().await {
                Some(Ok(chunk)) => self.take(chunk)?,
                None if self.received == self.size => self.ended = true,
                None => self.resume(Fault::new(GET, FaultKind::Unavailable, "BodyTooShort")).await?,
                // Every byte has come, so it is S3's checksum that does not fit them.
                Some(Err(error)) if self.received == self.size => {
                    return Err(Fault::new(GET, FaultKind::Unavailable, "BodyChecksum").caused_by(error));
                }
                Some(Err(error)) => {
                    self.resume(Fault::new(GET, FaultKind::Unavailable, "BodyBroke").caused_by(error))
                        .await?;
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.received += chunk.len() as u64;
        if self.received > self.size {
            return Err(Fault::new(GET, FaultKind::Invalid, "BodyTooLong"));
        }
        if !chunk.is_empty() {
            self.fruitless = 0;
        }
        self.chunk = chunk;
        Ok(())
    }

    /// Opens the object again where the last connection broke.
    async fn resume(&mut self, broke: Fault) -> Result<(), Fault> {
        self.fruitless += 1;
        let clock = &self.bucket.clock;
        let Some(wait) = self.bucket.policy.backoff.delay(self.fruitless, clock.draw()) else {
            return Err(broke);
        };
        clock.sleep(wait).await;
        let answer = self.pin.get(&self.bucket.client, Some(self.received)).await?;
        let rest = self.size - self.received;
        if answer.content_length().and_then(|length| u64::try_from(length).ok()) != Some(rest) {
            return Err(Fault::new(GET, FaultKind::Invalid, "RangeIgnored"));
        }
        self.stream = answer.body;
        Ok(())
    }
}

impl<C: Clock + 'static> Body for S3Body<C> {
    async fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        self.next_chunk().await?;
        let length = into.len().min(self.chunk.len());
        if let Some(target) = into.get_mut(..length) {
            self.chunk.copy_to_slice(target);
        }
        Ok(length)
    }
}
