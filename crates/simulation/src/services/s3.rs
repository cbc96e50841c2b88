//! A bucket as S3 keeps it: versions, conditional writes, pinned reads, checksums, listings in pages.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use shared::checksum::Checksum;
use shared::identity::{ContentHash, ETag};
use shared::ports::{Fault, FaultKind, ListingPlace, ObjectInfo, SourceObject, StoredVersion, VersionPage};

/// How many keys or versions a page of a listing has.
pub const PAGE: usize = 1000;

/// One version of an object.
#[derive(Debug, Clone)]
pub struct Version {
    /// The number that its id is made of.
    pub number: u64,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// Its tag.
    pub etag: ETag,
    /// Its checksum.
    pub checksum: Checksum,
    /// When it was stored, to the second: S3 says no more.
    pub modified: Timestamp,
}

impl Version {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> String {
        format!("v{}", self.number)
    }

    /// What is known of it without its bytes.
    #[must_use]
    pub fn info(&self) -> ObjectInfo {
        ObjectInfo { etag: self.etag.clone(), size: self.bytes.len() as u64, last_modified: self.modified }
    }

    /// How a delivery announces it.
    #[must_use]
    pub fn source(&self, bucket: &str, key: &str) -> SourceObject {
        SourceObject {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            etag: self.etag.clone(),
            version_id: Some(self.id()),
            size: self.bytes.len() as u64,
        }
    }
}

/// A bucket that keeps every version of every object.
#[derive(Debug, Default)]
pub struct Bucket {
    objects: BTreeMap<Arc<str>, Vec<Version>>,
    made: u64,
}

/// The bytes of a write, with what S3 is told of them.
#[derive(Debug, Clone)]
pub struct Write {
    /// The key.
    pub key: Arc<str>,
    /// The bytes.
    pub bytes: Arc<[u8]>,
    /// The checksum that the sender computed.
    pub checksum: Checksum,
    /// Whether it is refused when an object stands at the key (`If-None-Match: *`).
    pub if_none_match: bool,
}

impl Bucket {
    /// Stores an object, or a new version of it.
    ///
    /// # Errors
    /// 412 when the condition does not hold, and 400 when the checksum is not that of the bytes.
    pub fn put(&mut self, write: &Write, now: Timestamp) -> Result<&Version, Fault> {
        const PUT: &str = "PutObject";
        if write.if_none_match && self.current(&write.key).is_some() {
            return Err(Fault::new(PUT, FaultKind::Changed, "PreconditionFailed"));
        }
        if Checksum::of(&write.bytes) != write.checksum {
            return Err(Fault::new(PUT, FaultKind::Invalid, "BadDigest"));
        }
        let mut hash = ContentHash::default();
        hash.update(&write.bytes);
        self.made += 1;
        let version = Version {
            number: self.made,
            bytes: Arc::clone(&write.bytes),
            etag: hash.etag(),
            checksum: write.checksum.clone(),
            modified: Timestamp::from_second(now.as_second()).unwrap_or(now),
        };
        let versions = self.objects.entry(Arc::clone(&write.key)).or_default();
        versions.push(version);
        versions.last().ok_or_else(|| Fault::new(PUT, FaultKind::Internal, "NotStored"))
    }

    /// A version by its id, or the current one; only while its tag matches.
    ///
    /// # Errors
    /// 404 when there is no such version, 412 when its tag is another one.
    pub fn get(&self, key: &str, version: Option<&str>, if_match: Option<&ETag>) -> Result<Version, Fault> {
        const GET: &str = "GetObject";
        let versions = self.versions_of(key);
        let found = match version {
            Some(id) => versions.iter().find(|version| version.id() == id),
            None => versions.last(),
        };
        let found = found.ok_or_else(|| {
            let code = if version.is_some() { "NoSuchVersion" } else { "NoSuchKey" };
            Fault::new(GET, FaultKind::NotFound, code)
        })?;
        if if_match.is_some_and(|tag| *tag != found.etag) {
            return Err(Fault::new(GET, FaultKind::Changed, "PreconditionFailed"));
        }
        Ok(found.clone())
    }

    /// Takes a version in that was stored elsewhere.
    pub(crate) fn keep(&mut self, key: &str, version: Version) {
        self.objects.entry(key.into()).or_default().push(version);
    }

    /// Removes a version for good.
    pub fn delete(&mut self, key: &str, version: &str) {
        if let Some(versions) = self.objects.get_mut(key) {
            versions.retain(|kept| kept.id() != version);
            if versions.is_empty() {
                self.objects.remove(key);
            }
        }
    }

    /// The current version.
    #[must_use]
    pub fn current(&self, key: &str) -> Option<&Version> {
        self.versions_of(key).last()
    }

    /// All versions of an object, oldest first.
    #[must_use]
    pub fn versions_of(&self, key: &str) -> &[Version] {
        self.objects.get(key).map_or(&[], Vec::as_slice)
    }

    /// Every object below a prefix with its versions, in order of the keys.
    pub fn below<'b>(&'b self, prefix: &'b str) -> impl Iterator<Item = (&'b str, &'b [Version])> {
        let from: (Bound<&str>, Bound<&str>) = (Bound::Included(prefix), Bound::Unbounded);
        let below = self.objects.range::<str, _>(from);
        below
            .take_while(move |(key, _)| key.starts_with(prefix))
            .map(|(key, versions)| (&**key, versions.as_slice()))
    }

    /// A page of keys below a prefix, after a key.
    #[must_use]
    pub fn list(&self, prefix: &str, after: Option<&str>) -> (Vec<String>, bool) {
        let from = match after {
            Some(after) => Bound::Excluded(after),
            None => Bound::Included(prefix),
        };
        let mut rest = self
            .objects
            .range::<str, _>((from, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, _)| key.as_ref().to_owned());
        let page: Vec<String> = rest.by_ref().take(PAGE).collect();
        (page, rest.next().is_some())
    }

    /// A page of versions below a prefix, newest first for each key.
    #[must_use]
    pub fn list_versions(&self, bucket: &str, prefix: &str, from: Option<&ListingPlace>) -> VersionPage {
        let start = from.map_or(prefix, |place| place.key.as_str());
        let objects = self
            .objects
            .range::<str, _>((Bound::Included(start), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix));
        let is_past = |key: &str, version: &Version| match from {
            Some(place) if place.key == key => {
                // Newest first: what is older than the place comes after it.
                place.version_id.as_deref().and_then(number_of).is_some_and(|last| version.number < last)
            }
            _ => true,
        };
        let mut versions = Vec::new();
        let mut next = None;
        'all: for (key, stored) in objects {
            for version in stored.iter().rev().filter(|version| is_past(key, version)) {
                if versions.len() == PAGE {
                    next = versions.last().map(|last: &StoredVersion| ListingPlace {
                        key: last.source.key.clone(),
                        version_id: last.source.version_id.clone(),
                    });
                    break 'all;
                }
                versions.push(StoredVersion {
                    source: version.source(bucket, key),
                    last_modified: version.modified,
                    is_latest: stored.last().is_some_and(|last| last.number == version.number),
                });
            }
        }
        VersionPage { versions, next }
    }
}

fn number_of(id: &str) -> Option<u64> {
    id.strip_prefix('v')?.parse().ok()
}
