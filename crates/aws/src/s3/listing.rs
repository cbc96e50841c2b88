//! What lies in a bucket: keys, and versions page by page.
//!
//! A key may hold characters that XML cannot (Amazon S3 API reference, `ListObjectVersions`, `EncodingType`), and one
//! such key would make a whole page unreadable. So S3 is asked to encode them, as a form does (`+` is a space).

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{EncodingType, ObjectVersion};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use shared::identity::ETag;
use shared::ports::{
    Clock, Fault, FaultKind, Inventory, ListingPlace, SourceObject, StoredVersion, VersionPage,
};

use crate::fault::fault;
use crate::form;
use crate::s3::S3Objects;

const LIST: &str = "ListObjectsV2";
const LIST_VERSIONS: &str = "ListObjectVersions";
/// The version of an object that was stored while the bucket kept no versions.
const NO_VERSION: &str = "null";

/// The keys below a prefix.
pub(super) async fn keys(client: &Client, bucket: &str, prefix: &str) -> Result<Vec<String>, Fault> {
    let request = client.list_objects_v2().bucket(bucket).prefix(prefix).encoding_type(EncodingType::Url);
    let mut pages = request.into_paginator().send();
    let mut keys = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| fault(LIST, error))?;
        let encoding = page.encoding_type;
        for key in page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key) {
            keys.push(decoded(LIST, key, encoding.as_ref())?);
        }
    }
    Ok(keys)
}

impl<C: Clock + 'static> Inventory for S3Objects<C> {
    async fn versions(
        &self,
        bucket: &str,
        prefix: &str,
        from: Option<&ListingPlace>,
    ) -> Result<VersionPage, Fault> {
        let request = self.0.client.list_object_versions().bucket(bucket).prefix(prefix);
        let answer = request
            .encoding_type(EncodingType::Url)
            .set_key_marker(from.map(|place| place.key.clone()))
            .set_version_id_marker(from.and_then(|place| place.version_id.clone()))
            .send()
            .await
            .map_err(|error| fault(LIST_VERSIONS, error))?;
        let next = next(&answer)?;
        let encoding = answer.encoding_type;
        // Delete markers come in a list of their own.
        let versions = answer.versions.unwrap_or_default().into_iter();
        let versions = versions.map(|version| stored(bucket, version, encoding.as_ref()));
        Ok(VersionPage { versions: versions.collect::<Result<_, _>>()?, next })
    }
}

fn next(answer: &ListObjectVersionsOutput) -> Result<Option<ListingPlace>, Fault> {
    if answer.is_truncated() != Some(true) {
        return Ok(None);
    }
    let key = answer.next_key_marker().ok_or_else(|| incomplete("NextKeyMarker"))?;
    let key = decoded(LIST_VERSIONS, key.to_owned(), answer.encoding_type())?;
    Ok(Some(ListingPlace { key, version_id: answer.next_version_id_marker().map(str::to_owned) }))
}

fn stored(
    bucket: &str,
    version: ObjectVersion,
    encoding: Option<&EncodingType>,
) -> Result<StoredVersion, Fault> {
    let key = version.key.ok_or_else(|| incomplete("Key"))?;
    let size = version.size.and_then(|size| u64::try_from(size).ok());
    Ok(StoredVersion {
        source: SourceObject {
            bucket: bucket.to_owned(),
            key: decoded(LIST_VERSIONS, key, encoding)?,
            etag: version.e_tag.as_deref().map(ETag::parse).ok_or_else(|| incomplete("ETag"))?,
            version_id: version.version_id.filter(|id| id != NO_VERSION),
            size: size.ok_or_else(|| incomplete("Size"))?,
        },
        last_modified: version.last_modified.and_then(timestamp).ok_or_else(|| incomplete("LastModified"))?,
        is_latest: version.is_latest.ok_or_else(|| incomplete("IsLatest"))?,
    })
}

/// The time as ours.
pub(super) fn timestamp(time: DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).unwrap_or_default()).ok()
}

/// The key as it is. An answer that does not say that its keys are encoded has them plain.
fn decoded(operation: &'static str, key: String, encoding: Option<&EncodingType>) -> Result<String, Fault> {
    if encoding != Some(&EncodingType::Url) {
        return Ok(key);
    }
    form::decoded(&key).ok_or_else(|| Fault::new(operation, FaultKind::Internal, "UnreadableKey"))
}

fn incomplete(what: &str) -> Fault {
    Fault::new(LIST_VERSIONS, FaultKind::Internal, format!("No{what}"))
}
