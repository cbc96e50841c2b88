//! Objects on S3: reads that are pinned to one version, uploads that never overwrite.

mod body;
mod listing;
mod part;
mod upload;

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use shared::backoff::Backoff;
use shared::identity::ETag;
use shared::ports::{
    Body, Clock, Fault, FaultKind, Fetched, Location, MAX_SMALL_OBJECT_BYTES, Metadata, ObjectInfo, Objects,
    SmallObject, SourceObject,
};

pub use crate::s3::body::S3Body;
pub use crate::s3::part::PartSizes;
pub use crate::s3::upload::S3Upload;

use crate::clock::SystemClock;
use crate::fault::fault;
use crate::s3::body::Pin;

const GET: &str = "GetObject";

/// How calls behave that the SDK does not repeat by itself, and how uploads are cut.
#[derive(Debug, Clone)]
pub struct Policy {
    /// A conditional write that met another writer (409), and a body that broke off.
    pub backoff: Backoff,
    /// The sizes of the parts of an upload.
    pub parts: PartSizes,
}

impl Default for Policy {
    fn default() -> Self {
        Self { backoff: Backoff { attempts: 5, ..Backoff::STANDARD }, parts: PartSizes::default() }
    }
}

/// What reads and uploads have in common.
#[derive(Debug)]
struct Bucket<C> {
    client: Client,
    clock: C,
    policy: Policy,
}

/// Objects on S3.
#[derive(Debug)]
pub struct S3Objects<C = SystemClock>(Arc<Bucket<C>>);

impl<C> Clone for S3Objects<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl S3Objects {
    /// Objects behind this client ([`crate::clients::s3`]).
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::with_clock(client, SystemClock, Policy::default())
    }
}

impl<C: Clock> S3Objects<C> {
    /// The same with another clock and another policy.
    #[must_use]
    pub fn with_clock(client: Client, clock: C, policy: Policy) -> Self {
        Self(Arc::new(Bucket { client, clock, policy }))
    }
}

impl<C: Clock + 'static> Objects for S3Objects<C> {
    type Body = S3Body<C>;
    type Upload = S3Upload<C>;

    async fn open(&self, source: &SourceObject) -> Result<(ObjectInfo, S3Body<C>), Fault> {
        let pin = Pin::of(source);
        let answer = pin.get(&self.0.client, None).await?;
        let info = info(&answer)?;
        let body = S3Body::new(Arc::clone(&self.0), pin, info.size, answer.body);
        Ok((info, body))
    }

    async fn open_output(&self, at: &Location) -> Result<(ObjectInfo, S3Body<C>), Fault> {
        let sent = self.0.client.get_object().bucket(&at.bucket).key(&at.key).send().await;
        self.begin(at, sent.map_err(|error| fault(GET, error))?)
    }

    async fn fetch(&self, at: &Location, known: Option<&ETag>) -> Result<Fetched, Fault> {
        let request = self.0.client.get_object().bucket(&at.bucket).key(&at.key);
        let answer = match request.set_if_none_match(known.map(quoted)).send().await {
            Ok(answer) => answer,
            Err(error) if status_of(&error) == Some(304) => return Ok(Fetched::Unchanged),
            // Only a missing key is an absent object: a missing bucket, and a forbidden object above all, are mistakes
            // in the set-up that must not pass for "there is no contract".
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(Fetched::Absent),
            Err(error) if error.code() == Some("AccessDenied") => {
                let refusal = fault(GET, error);
                return if self.is_absent(at).await { Ok(Fetched::Absent) } else { Err(refusal) };
            }
            Err(error) => return Err(fault(GET, error)),
        };
        let (info, mut body) = self.begin(at, answer)?;
        if info.size > MAX_SMALL_OBJECT_BYTES {
            return Err(Fault::new(GET, FaultKind::Invalid, "ObjectTooLarge"));
        }
        let bytes = whole(&mut body, info.size).await?;
        Ok(Fetched::Found(SmallObject { info, bytes }))
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Fault> {
        listing::keys(&self.0.client, bucket, prefix).await
    }

    async fn create(&self, at: &Location, metadata: Metadata) -> Result<S3Upload<C>, Fault> {
        Ok(S3Upload::new(Arc::clone(&self.0), at.clone(), metadata))
    }
}

impl<C: Clock + 'static> S3Objects<C> {
    /// Whether there is certainly no such object.
    ///
    /// S3 answers 403 for a missing key too, unless the caller may list the whole bucket (Amazon S3 API reference,
    /// `GetObject`, "Permissions"). A function may list some prefixes and no more, so it looks there.
    async fn is_absent(&self, at: &Location) -> bool {
        self.list(&at.bucket, &at.key).await.is_ok_and(|keys| !keys.contains(&at.key))
    }
}

impl<C: Clock> S3Objects<C> {
    /// The body of an answer to an unpinned request. From here on it is pinned by the tag that came with it.
    fn begin(&self, at: &Location, answer: GetObjectOutput) -> Result<(ObjectInfo, S3Body<C>), Fault> {
        let info = info(&answer)?;
        let pin = Pin::at(at, info.etag.clone(), None);
        let body = S3Body::new(Arc::clone(&self.0), pin, info.size, answer.body);
        Ok((info, body))
    }
}

/// A tag as HTTP wants it.
fn quoted(tag: &ETag) -> String {
    format!("\"{tag}\"")
}

fn status_of(error: &SdkError<GetObjectError, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

fn info(answer: &GetObjectOutput) -> Result<ObjectInfo, Fault> {
    let incomplete = |what: &str| Fault::new(GET, FaultKind::Internal, format!("No{what}"));
    let size = answer.content_length().and_then(|length| u64::try_from(length).ok());
    let stored = answer.last_modified().copied().and_then(listing::timestamp);
    Ok(ObjectInfo {
        etag: answer.e_tag().map(ETag::parse).ok_or_else(|| incomplete("ETag"))?,
        size: size.ok_or_else(|| incomplete("ContentLength"))?,
        last_modified: stored.ok_or_else(|| incomplete("LastModified"))?,
    })
}

async fn whole<C: Clock + 'static>(body: &mut S3Body<C>, size: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match body.read(rest).await? {
            0 => break,
            read => filled += read,
        }
    }
    // The end, seen once more: the SDK compares S3's checksum there.
    body.read(&mut [0]).await?;
    bytes.truncate(filled);
    Ok(bytes)
}
