//! An object being written: one request where it is small, parts where it is not, and never over another.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
};
use bytes::Bytes;
use shared::backoff::retry;
use shared::checksum::{Checksum, Running};
use shared::identity::ETag;
use shared::ports::{Body as _, Clock, Fault, FaultKind, Location, Metadata, Upload, Written};
use tokio::task::JoinSet;

use crate::fault::fault;
use crate::s3::Bucket;
use crate::s3::body::{Pin, S3Body};
use crate::s3::part::{PartSizes, Pool};

const PUT: &str = "PutObject";
const CREATE: &str = "CreateMultipartUpload";
const PART: &str = "UploadPart";
const COMPLETE: &str = "CompleteMultipartUpload";
const ABORT: &str = "AbortMultipartUpload";
const HEAD: &str = "HeadObject";

/// The condition of every write: no object stands at the key.
const NOTHING_THERE: &str = "*";

/// Eight bytes in base64. The emulator moto answers with four after a multipart upload, which say nothing.
const CHECKSUM_LENGTH: usize = 12;

/// An object being written.
///
/// Bytes wait in one buffer. When it is full and more come, it goes out as a part; an object that fits is one
/// `PutObject`. Bodies are not signed: that would hash each byte once more, and TLS and S3's own CRC-64/NVME,
/// which travels in a signed header, protect them already.
#[derive(Debug)]
pub struct S3Upload<C> {
    bucket: Arc<Bucket<C>>,
    at: Location,
    metadata: Metadata,
    filling: Vec<u8>,
    part_size: usize,
    pool: Pool,
    written: u64,
    multipart: Option<Multipart>,
    failed: bool,
}

/// The parts that have gone out.
#[derive(Debug)]
struct Multipart {
    upload_id: String,
    last_part: i32,
    in_flight: JoinSet<Result<CompletedPart, Fault>>,
    done: Vec<CompletedPart>,
}

impl<C: Clock + 'static> S3Upload<C> {
    pub(super) fn new(bucket: Arc<Bucket<C>>, at: Location, metadata: Metadata) -> Self {
        let part_size = bucket.policy.parts.size(1).unwrap_or(1);
        let pool = Pool::default();
        let filling = pool.take(part_size);
        Self { bucket, at, metadata, filling, part_size, pool, written: 0, multipart: None, failed: false }
    }

    fn content_type(&self) -> &'static str {
        if self.at.key.ends_with(".csv") { "text/csv" } else { "application/json" }
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.filling.len() >= self.part_size {
                self.send_part().await?;
            }
            let room = self.part_size.saturating_sub(self.filling.len()).min(rest.len());
            let (now, later) = rest.split_at(room);
            self.filling.extend_from_slice(now);
            rest = later;
        }
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Sends what waits as the next part, and makes room for the one after it.
    async fn send_part(&mut self) -> Result<(), Fault> {
        let mut multipart = match self.multipart.take() {
            Some(multipart) => multipart,
            None => self.start().await?,
        };
        let most = PartSizes::in_flight(self.part_size);
        let made_room = multipart.wait_for_fewer_than(most).await;
        let multipart = self.multipart.insert(multipart);
        made_room?;

        multipart.last_part += 1;
        let number = multipart.last_part;
        let next_size = self.bucket.policy.parts.size(number + 1);
        let filled = std::mem::take(&mut self.filling);
        let body = self.pool.lend(filled);
        let part = PartUpload {
            bucket: Arc::clone(&self.bucket),
            at: self.at.clone(),
            upload_id: multipart.upload_id.clone(),
            number,
            body,
        };
        multipart.in_flight.spawn(part.send());
        self.part_size = next_size.ok_or_else(|| Fault::new(PART, FaultKind::Invalid, "TooManyParts"))?;
        self.filling = self.pool.take(self.part_size);
        Ok(())
    }

    async fn start(&self) -> Result<Multipart, Fault> {
        let answer = self
            .bucket
            .client
            .create_multipart_upload()
            .bucket(&self.at.bucket)
            .key(&self.at.key)
            .content_type(self.content_type())
            .set_metadata(Some(self.metadata.clone().into_iter().collect()))
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject)
            .send()
            .await
            .map_err(|error| fault(CREATE, error))?;
        let upload_id =
            answer.upload_id.ok_or_else(|| Fault::new(CREATE, FaultKind::Internal, "NoUploadId"))?;
        Ok(Multipart { upload_id, last_part: 0, in_flight: JoinSet::new(), done: Vec::new() })
    }

    /// The whole object in one request. A 409 means that another writer is at the key; S3 asks for a repetition.
    async fn put(&mut self, checksum: &Checksum, late: Metadata) -> Result<Written, Fault> {
        self.metadata.extend(late);
        let body = self.pool.lend(std::mem::take(&mut self.filling));
        let bucket = &self.bucket;
        // The outer result is what our policy repeats; the SDK has repeated the rest already.
        retry(bucket.policy.backoff, &bucket.clock, || async {
            let sent = bucket
                .client
                .put_object()
                .bucket(&self.at.bucket)
                .key(&self.at.key)
                .content_type(self.content_type())
                .set_metadata(Some(self.metadata.clone().into_iter().collect()))
                .if_none_match(NOTHING_THERE)
                .checksum_crc64_nvme(checksum.as_str())
                .body(ByteStream::from(body.clone()))
                .customize()
                .disable_payload_signing()
                .send()
                .await;
            match sent.map_err(|error| fault(PUT, error)) {
                Ok(_) => Ok(Ok(Written::Created)),
                Err(fault) if fault.kind == FaultKind::Contended => Err(fault),
                Err(fault) => Ok(Err(fault)),
            }
        })
        .await?
    }

    async fn complete(&mut self, checksum: &Checksum) -> Result<Written, Fault> {
        if !self.filling.is_empty() {
            self.send_part().await?;
        }
        let Some(multipart) = self.multipart.as_mut() else {
            return Err(Fault::new(COMPLETE, FaultKind::Internal, "NoUpload"));
        };
        multipart.wait_for_fewer_than(1).await?;
        let parts = multipart.in_order();
        self.bucket
            .client
            .complete_multipart_upload()
            .bucket(&self.at.bucket)
            .key(&self.at.key)
            .upload_id(&multipart.upload_id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .if_none_match(NOTHING_THERE)
            .checksum_crc64_nvme(checksum.as_str())
            .checksum_type(ChecksumType::FullObject)
            .mpu_object_size(i64::try_from(self.written).unwrap_or(i64::MAX))
            .customize()
            .config_override(aws_sdk_s3::config::Builder::new().timeout_config(patient()))
            .send()
            .await
            .map_err(|error| fault(COMPLETE, error))?;
        self.multipart = None;
        Ok(Written::Created)
    }

    /// After a refusal because an object stands at the key: whether it is this very object.
    async fn compare(&self, checksum: &Checksum, refusal: Fault) -> Result<Written, Fault> {
        let sent = self
            .bucket
            .client
            .head_object()
            .bucket(&self.at.bucket)
            .key(&self.at.key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        let there = match sent {
            Ok(there) => there,
            // Gone in the meantime, or never there: the write may be tried again as a whole.
            Err(SdkError::ServiceError(error)) if error.err().is_not_found() => {
                return Err(Fault { kind: FaultKind::Contended, ..refusal });
            }
            Err(error) => return Err(fault(HEAD, error)),
        };
        let stored = match there.checksum_crc64_nvme().filter(|stored| stored.len() == CHECKSUM_LENGTH) {
            Some(stored) => Checksum::from_s3(stored),
            None => self.read_back(&there).await?,
        };
        if stored == *checksum {
            Ok(Written::AlreadyThere)
        } else {
            Err(Fault { kind: FaultKind::Differs, ..refusal })
        }
    }

    /// The checksum of a stored object of which the store keeps none, as emulators do.
    async fn read_back(&self, there: &HeadObjectOutput) -> Result<Checksum, Fault> {
        let etag = there.e_tag().map(ETag::parse);
        let etag = etag.ok_or_else(|| Fault::new(HEAD, FaultKind::Internal, "NoETag"))?;
        let size = u64::try_from(there.content_length().unwrap_or_default()).unwrap_or_default();
        let pin = Pin::at(&self.at, etag, None);
        let answer = pin.get(&self.bucket.client, None).await?;
        let mut body = S3Body::new(Arc::clone(&self.bucket), pin, size, answer.body);
        let mut buffer = vec![0; 64 * 1024];
        let mut running = Running::default();
        loop {
            match body.read(&mut buffer).await? {
                0 => return Ok(running.finish()),
                read => running.update(buffer.get(..read).unwrap_or_default()),
            }
        }
    }

    /// Removes the parts that have gone out.
    async fn remove_parts(&mut self) -> Result<(), Fault> {
        let Some(mut multipart) = self.multipart.take() else { return Ok(()) };
        multipart.in_flight.shutdown().await;
        let request = self.bucket.client.abort_multipart_upload().bucket(&self.at.bucket).key(&self.at.key);
        match request.upload_id(multipart.upload_id).send().await.map_err(|error| fault(ABORT, error)) {
            Err(fault) if fault.kind != FaultKind::NotFound => Err(fault),
            _ => Ok(()),
        }
    }

    /// After an error that is reported already: what cannot be removed expires by the bucket's lifecycle rule.
    async fn clean_up(&mut self) {
        if let Err(fault) = self.remove_parts().await {
            tracing::warn!(code = fault.code, "the parts of a failed upload could not be removed");
        }
    }
}

impl<C: Clock + 'static> Upload for S3Upload<C> {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let taken = self.take(bytes).await;
        if taken.is_err() {
            self.failed = true;
            self.clean_up().await;
        }
        taken
    }

    async fn finish(mut self, checksum: &Checksum, late: Metadata) -> Result<Written, Fault> {
        if self.failed {
            return Err(Fault::new(PUT, FaultKind::Internal, "UploadFailedBefore"));
        }
        let whole = self.multipart.is_none();
        let stored = if whole { self.put(checksum, late).await } else { self.complete(checksum).await };
        let written = match stored {
            // Without this upload nothing is completed twice: it was ours, and only the answer got lost.
            Err(refusal) if refusal.kind == FaultKind::Changed || refusal.code == "NoSuchUpload" => {
                self.compare(checksum, refusal).await
            }
            stored => stored,
        };
        self.clean_up().await;
        written
    }

    async fn abort(mut self) -> Result<(), Fault> {
        self.remove_parts().await
    }
}

impl Multipart {
    /// Waits until fewer than so many parts are in flight.
    async fn wait_for_fewer_than(&mut self, most: usize) -> Result<(), Fault> {
        while self.in_flight.len() >= most.max(1) {
            match self.in_flight.join_next().await {
                Some(Ok(part)) => self.done.push(part?),
                Some(Err(lost)) => {
                    return Err(Fault::new(PART, FaultKind::Internal, "TaskLost").caused_by(lost));
                }
                None => break,
            }
        }
        Ok(())
    }

    fn in_order(&mut self) -> Vec<CompletedPart> {
        let mut parts = std::mem::take(&mut self.done);
        parts.sort_by_key(|part| part.part_number());
        parts
    }
}

/// One part on its way.
struct PartUpload<C> {
    bucket: Arc<Bucket<C>>,
    at: Location,
    upload_id: String,
    number: i32,
    body: Bytes,
}

impl<C: Clock> PartUpload<C> {
    async fn send(self) -> Result<CompletedPart, Fault> {
        let checksum = Checksum::of(&self.body);
        let answer = self
            .bucket
            .client
            .upload_part()
            .bucket(self.at.bucket)
            .key(self.at.key)
            .upload_id(self.upload_id)
            .part_number(self.number)
            .checksum_crc64_nvme(checksum.as_str())
            .body(ByteStream::from(self.body))
            .customize()
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| fault(PART, error))?;
        Ok(CompletedPart::builder()
            .part_number(self.number)
            .set_e_tag(answer.e_tag)
            .checksum_crc64_nvme(checksum.as_str())
            .build())
    }
}

/// S3 takes its time to put thousands of parts together, and sends white space meanwhile (Amazon S3 API
/// reference, `CompleteMultipartUpload`: "several minutes").
fn patient() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(180))
        .operation_timeout(Duration::from_secs(240))
        .build()
}
