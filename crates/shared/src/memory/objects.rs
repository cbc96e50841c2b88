use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use crate::checksum::Checksum;
use crate::identity::{ContentHash, ETag};
use crate::memory::{Script, lock, scripted};
use crate::ports::{
    Body, Fault, FaultKind, Fetched, Inventory, ListingPlace, Location, MAX_SMALL_OBJECT_BYTES, Metadata,
    ObjectInfo, Objects, SmallObject, SourceObject, StoredVersion, Upload, VersionPage, Written,
};

/// One version of an object.
#[derive(Debug, Clone)]
struct Version {
    id: String,
    info: ObjectInfo,
    bytes: Arc<[u8]>,
    checksum: Checksum,
    metadata: Metadata,
}

impl Version {
    fn listed(&self, bucket: &str, key: &str, is_latest: bool) -> StoredVersion {
        let source = SourceObject {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            etag: self.info.etag.clone(),
            version_id: Some(self.id.clone()),
            size: self.info.size,
        };
        StoredVersion { source, last_modified: self.info.last_modified, is_latest }
    }
}

#[derive(Debug)]
struct Store {
    /// By bucket and key; the last version is the current one.
    objects: BTreeMap<(String, String), Vec<Version>>,
    /// Objects on which a delete marker lies, by bucket and key.
    deleted: BTreeSet<(String, String)>,
    now: Timestamp,
    versions_made: u64,
    read_size: usize,
    page_size: usize,
}

impl Store {
    fn insert(&mut self, at: &Location, bytes: &[u8], metadata: Metadata) -> Version {
        let mut hash = ContentHash::default();
        hash.update(bytes);
        self.versions_made += 1;
        let version = Version {
            id: format!("v{}", self.versions_made),
            info: ObjectInfo { etag: hash.etag(), size: bytes.len() as u64, last_modified: self.now },
            bytes: bytes.into(),
            checksum: Checksum::of(bytes),
            metadata,
        };
        let key = (at.bucket.clone(), at.key.clone());
        self.deleted.remove(&key);
        self.objects.entry(key).or_default().push(version.clone());
        version
    }

    fn versions(&self, bucket: &str, key: &str) -> &[Version] {
        self.objects.get(&(bucket.to_owned(), key.to_owned())).map_or(&[], Vec::as_slice)
    }

    fn current(&self, bucket: &str, key: &str) -> Option<&Version> {
        let is_deleted = self.deleted.contains(&(bucket.to_owned(), key.to_owned()));
        self.versions(bucket, key).last().filter(|_| !is_deleted)
    }
}

/// Buckets that keep every version of every object.
#[derive(Debug, Clone)]
pub struct MemoryObjects {
    store: Arc<Mutex<Store>>,
    script: Script,
}

scripted!(MemoryObjects);

impl Default for MemoryObjects {
    fn default() -> Self {
        let store = Store {
            objects: BTreeMap::new(),
            deleted: BTreeSet::new(),
            now: Timestamp::UNIX_EPOCH,
            versions_made: 0,
            read_size: usize::MAX,
            page_size: 1000,
        };
        Self { store: Arc::new(Mutex::new(store)), script: Script::default() }
    }
}

impl MemoryObjects {
    /// Empty buckets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time that objects stored from now on carry as their last modification.
    pub fn set_now(&self, now: Timestamp) {
        lock(&self.store).now = now;
    }

    /// Sets how many bytes a body gives at most at one read, so that a test can cut the input anywhere.
    pub fn set_read_size(&self, bytes: usize) {
        lock(&self.store).read_size = bytes.max(1);
    }

    /// Sets how many versions one page of an inventory has at most.
    pub fn set_page_size(&self, versions: usize) {
        lock(&self.store).page_size = versions.max(1);
    }

    /// Stores an object, or a new version of it, and says how a delivery would announce it.
    pub fn put(&self, bucket: &str, key: &str, bytes: impl AsRef<[u8]>) -> SourceObject {
        let at = Location::new(bucket, key);
        let version = lock(&self.store).insert(&at, bytes.as_ref(), Metadata::new());
        SourceObject {
            bucket: at.bucket,
            key: at.key,
            etag: version.info.etag,
            version_id: Some(version.id),
            size: version.info.size,
        }
    }

    /// Removes an object with all its versions.
    pub fn remove(&self, bucket: &str, key: &str) {
        lock(&self.store).objects.remove(&(bucket.to_owned(), key.to_owned()));
    }

    /// Deletes an object as a bucket with versions does: a delete marker lies on top, the versions stay.
    pub fn delete(&self, bucket: &str, key: &str) {
        lock(&self.store).deleted.insert((bucket.to_owned(), key.to_owned()));
    }

    /// The bytes of an object's current version.
    #[must_use]
    pub fn get(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        lock(&self.store).current(bucket, key).map(|v| v.bytes.to_vec())
    }

    /// The metadata of an object's current version.
    #[must_use]
    pub fn metadata(&self, bucket: &str, key: &str) -> Option<Metadata> {
        lock(&self.store).current(bucket, key).map(|v| v.metadata.clone())
    }

    /// How many versions an object has.
    #[must_use]
    pub fn version_count(&self, bucket: &str, key: &str) -> usize {
        lock(&self.store).versions(bucket, key).len()
    }

    /// Every key of every bucket, in order of bucket and key.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        lock(&self.store).objects.keys().map(|(_, key)| key.clone()).collect()
    }

    fn read(
        &self,
        operation: &'static str,
        at: &Location,
        version_id: Option<&str>,
    ) -> Result<(ObjectInfo, MemoryBody), Fault> {
        self.script.before(operation)?;
        let store = lock(&self.store);
        let version = match version_id {
            Some(id) => store.versions(&at.bucket, &at.key).iter().find(|version| version.id == id),
            None => store.current(&at.bucket, &at.key),
        };
        let version = version.ok_or_else(|| Fault::new(operation, FaultKind::NotFound, "NoSuchKey"))?;
        let body = MemoryBody {
            bytes: Arc::clone(&version.bytes),
            position: 0,
            read_size: store.read_size,
            script: self.script.clone(),
        };
        Ok((version.info.clone(), body))
    }
}

impl Objects for MemoryObjects {
    type Body = MemoryBody;
    type Upload = MemoryUpload;

    async fn open(&self, source: &SourceObject) -> Result<(ObjectInfo, MemoryBody), Fault> {
        let (info, body) = self.read("open", &source.location(), source.version_id.as_deref())?;
        if info.etag != source.etag {
            return Err(Fault::new("open", FaultKind::Changed, "PreconditionFailed"));
        }
        Ok((info, body))
    }

    async fn open_output(&self, at: &Location) -> Result<(ObjectInfo, MemoryBody), Fault> {
        self.read("open_output", at, None)
    }

    async fn fetch(&self, at: &Location, known: Option<&ETag>) -> Result<Fetched, Fault> {
        self.script.before("fetch")?;
        let store = lock(&self.store);
        let Some(version) = store.current(&at.bucket, &at.key) else { return Ok(Fetched::Absent) };
        if known == Some(&version.info.etag) {
            return Ok(Fetched::Unchanged);
        }
        if version.info.size > MAX_SMALL_OBJECT_BYTES {
            return Err(Fault::new("fetch", FaultKind::Invalid, "TooLarge"));
        }
        Ok(Fetched::Found(SmallObject { info: version.info.clone(), bytes: version.bytes.to_vec() }))
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Fault> {
        self.script.before("list")?;
        let store = lock(&self.store);
        let there = store.objects.keys().filter(|place| !store.deleted.contains(*place));
        let keys = there.filter(|(b, key)| b == bucket && key.starts_with(prefix));
        Ok(keys.map(|(_, key)| key.clone()).collect())
    }

    async fn create(&self, at: &Location, metadata: Metadata) -> Result<MemoryUpload, Fault> {
        self.script.before("create")?;
        Ok(MemoryUpload {
            store: Arc::clone(&self.store),
            script: self.script.clone(),
            at: at.clone(),
            metadata,
            bytes: Vec::new(),
        })
    }
}

impl Inventory for MemoryObjects {
    async fn versions(
        &self,
        bucket: &str,
        prefix: &str,
        from: Option<&ListingPlace>,
    ) -> Result<VersionPage, Fault> {
        self.script.before("versions")?;
        let store = lock(&self.store);
        let below = store.objects.iter().filter(|((b, key), _)| b == bucket && key.starts_with(prefix));
        // Newest first, as S3 lists the versions of a key.
        let all = below.flat_map(|((bucket, key), versions)| {
            let latest = store.current(bucket, key).map(|latest| latest.id.clone());
            versions.iter().rev().map(move |version| {
                let is_latest = latest.as_ref() == Some(&version.id);
                version.listed(bucket, key, is_latest)
            })
        });
        let mut rest: Vec<StoredVersion> = match from {
            None => all.collect(),
            Some(place) => {
                let is_place = |version: &StoredVersion| version.source.version_id == place.version_id;
                // Only the keys behind, if the version has gone since.
                let mut from: Vec<_> = all.filter(|version| version.source.key >= place.key).collect();
                let at = from.iter().position(|v| v.source.key == place.key && is_place(v));
                let behind = from.iter().position(|v| v.source.key > place.key).unwrap_or(from.len());
                from.split_off(at.map_or(behind, |at| at + 1))
            }
        };
        let more = rest.len() > store.page_size;
        rest.truncate(store.page_size);
        let last = rest.last().filter(|_| more).map(|version| ListingPlace {
            key: version.source.key.clone(),
            version_id: version.source.version_id.clone(),
        });
        Ok(VersionPage { versions: rest, next: last })
    }
}

/// An object being read.
#[derive(Debug)]
pub struct MemoryBody {
    bytes: Arc<[u8]>,
    position: usize,
    read_size: usize,
    script: Script,
}

impl Body for MemoryBody {
    async fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        self.script.before("read")?;
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let count = rest.len().min(into.len()).min(self.read_size);
        if let (Some(from), Some(to)) = (rest.get(..count), into.get_mut(..count)) {
            to.copy_from_slice(from);
        }
        self.position += count;
        Ok(count)
    }
}

/// An object being written; it is nowhere to be seen before it is finished.
#[derive(Debug)]
pub struct MemoryUpload {
    store: Arc<Mutex<Store>>,
    script: Script,
    at: Location,
    metadata: Metadata,
    bytes: Vec<u8>,
}

impl Upload for MemoryUpload {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.script.before("write")?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn finish(mut self, checksum: &Checksum, late: Metadata) -> Result<Written, Fault> {
        self.script.before("finish")?;
        if Checksum::of(&self.bytes) != *checksum {
            return Err(Fault::new("finish", FaultKind::Invalid, "BadDigest"));
        }
        let written = {
            let mut store = lock(&self.store);
            match store.current(&self.at.bucket, &self.at.key) {
                Some(there) if there.checksum == *checksum => Written::AlreadyThere,
                Some(_) => return Err(Fault::new("finish", FaultKind::Differs, "PreconditionFailed")),
                None => {
                    self.metadata.extend(late);
                    store.insert(&self.at, &self.bytes, self.metadata);
                    Written::Created
                }
            }
        };
        self.script.after("finish")?;
        Ok(written)
    }

    async fn abort(self) -> Result<(), Fault> {
        self.script.before("abort")
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;

    use super::*;

    fn read_all(objects: &MemoryObjects, source: &SourceObject) -> Result<(Vec<u8>, usize), FaultKind> {
        block_on(async {
            let (_, mut body) = objects.open(source).await.map_err(|f| f.kind)?;
            let (mut all, mut reads, mut buffer) = (Vec::new(), 0, [0; 64]);
            loop {
                let count = body.read(&mut buffer).await.map_err(|f| f.kind)?;
                if count == 0 {
                    return Ok((all, reads));
                }
                all.extend_from_slice(&buffer[..count]);
                reads += 1;
            }
        })
    }

    fn write(objects: &MemoryObjects, key: &str, bytes: &[u8]) -> Result<Written, FaultKind> {
        block_on(async {
            let at = Location::new("b", key);
            let mut upload = objects.create(&at, Metadata::new()).await.map_err(|f| f.kind)?;
            upload.write(bytes).await.map_err(|f| f.kind)?;
            upload.finish(&Checksum::of(bytes), Metadata::new()).await.map_err(|f| f.kind)
        })
    }

    #[test]
    fn a_read_is_pinned_to_its_version_and_its_tag() {
        let objects = MemoryObjects::new();
        let first = objects.put("b", "k", "one");
        let second = objects.put("b", "k", "two");
        assert_eq!(read_all(&objects, &first).unwrap().0, b"one");
        assert_eq!(read_all(&objects, &second).unwrap().0, b"two");
        let unversioned = SourceObject { version_id: None, ..first.clone() };
        assert_eq!(read_all(&objects, &unversioned), Err(FaultKind::Changed));
        objects.remove("b", "k");
        assert_eq!(read_all(&objects, &first), Err(FaultKind::NotFound));
        assert_eq!(read_all(&objects, &unversioned), Err(FaultKind::NotFound));
    }

    #[test]
    fn a_delete_marker_hides_an_object_and_keeps_its_versions() {
        let objects = MemoryObjects::new();
        let first = objects.put("b", "input/a", "1");
        let second = objects.put("b", "input/a", "2");
        let latest = |objects: &MemoryObjects| {
            let page = block_on(objects.versions("b", "input/", None)).unwrap();
            page.versions.into_iter().map(|v| (v.source, v.is_latest)).collect::<Vec<_>>()
        };
        assert_eq!(latest(&objects), [(second.clone(), true), (first.clone(), false)]);
        objects.delete("b", "input/a");
        assert_eq!(latest(&objects), [(second.clone(), false), (first.clone(), false)]);
        assert_eq!(read_all(&objects, &second).unwrap().0, b"2");
        let unversioned = SourceObject { version_id: None, ..second.clone() };
        assert_eq!(read_all(&objects, &unversioned), Err(FaultKind::NotFound));
        assert_eq!(objects.get("b", "input/a"), None);
        assert!(block_on(objects.list("b", "input/")).unwrap().is_empty());
        let third = objects.put("b", "input/a", "3");
        assert_eq!(latest(&objects), [(third, true), (second, false), (first, false)]);
    }

    #[test]
    fn a_body_is_cut_where_the_test_wants() {
        let objects = MemoryObjects::new();
        let source = objects.put("b", "k", "abcdefg");
        objects.set_read_size(3);
        assert_eq!(read_all(&objects, &source).unwrap(), (b"abcdefg".to_vec(), 3));
    }

    #[test]
    fn an_object_is_written_once() {
        let objects = MemoryObjects::new();
        assert_eq!(write(&objects, "other", b"x"), Ok(Written::Created));
        assert_eq!(write(&objects, "other", b"x"), Ok(Written::AlreadyThere));
        assert_eq!(write(&objects, "other", b"y"), Err(FaultKind::Differs));
        assert_eq!(objects.get("b", "other").unwrap(), b"x");
        assert!(
            block_on(objects.open_output(&Location::new("b", "other"))).is_ok_and(|(info, _)| info.size == 1)
        );
        assert!(block_on(objects.open_output(&Location::new("b", "none"))).is_err());
        assert_eq!(objects.version_count("b", "other"), 1);
    }

    #[test]
    fn an_unfinished_upload_is_nowhere_to_be_seen() {
        let objects = MemoryObjects::new();
        block_on(async {
            let at = Location::new("b", "k");
            let mut upload = objects.create(&at, Metadata::new()).await.unwrap();
            upload.write(b"x").await.unwrap();
            assert!(objects.keys().is_empty());
            let wrong = Checksum::of(b"y");
            assert_eq!(upload.finish(&wrong, Metadata::new()).await.unwrap_err().kind, FaultKind::Invalid);
            objects.create(&at, Metadata::new()).await.unwrap().abort().await.unwrap();
        });
        assert!(objects.keys().is_empty());
    }

    #[test]
    fn a_lost_answer_leaves_the_object_and_the_next_attempt_finds_it() {
        let objects = MemoryObjects::new();
        objects.lose_next_answer("finish");
        assert_eq!(write(&objects, "k", b"x"), Err(FaultKind::TimedOut));
        assert_eq!(write(&objects, "k", b"x"), Ok(Written::AlreadyThere));
        objects.fail_next("finish", FaultKind::Contended);
        assert_eq!(write(&objects, "l", b"x"), Err(FaultKind::Contended));
        assert_eq!(objects.get("b", "l"), None);
    }

    #[test]
    fn a_small_object_is_fetched_unless_its_tag_is_known() {
        let objects = MemoryObjects::new();
        let source = objects.put("b", "contracts/x.json", "{}");
        let at = source.location();
        let fetch = |known: Option<&ETag>| block_on(objects.fetch(&at, known)).unwrap();
        assert!(matches!(fetch(None), Fetched::Found(found) if found.bytes == b"{}"));
        assert_eq!(fetch(Some(&source.etag)), Fetched::Unchanged);
        assert_eq!(block_on(objects.fetch(&Location::new("b", "no"), None)).unwrap(), Fetched::Absent);
        assert_eq!(block_on(objects.list("b", "contracts/")).unwrap(), ["contracts/x.json"]);
        assert!(block_on(objects.list("c", "")).unwrap().is_empty());
    }

    #[test]
    fn versions_are_listed_newest_first_and_page_by_page_even_when_one_goes_meanwhile() {
        let objects = MemoryObjects::new();
        objects.set_page_size(2);
        let first = objects.put("b", "input/a", "1");
        let second = objects.put("b", "input/a", "2");
        let other = objects.put("b", "input/b", "3");
        let last = objects.put("b", "input/c", "4");
        objects.put("b", "elsewhere", "5");
        let page = |from: Option<&ListingPlace>| {
            let page = block_on(objects.versions("b", "input/", from)).unwrap();
            (page.versions.into_iter().map(|v| v.source).collect::<Vec<_>>(), page.next)
        };
        let (sources, next) = page(None);
        assert_eq!(sources, [second, first]);
        assert_eq!(page(next.as_ref()), (vec![other, last.clone()], None));
        objects.set_page_size(3);
        let (_, next) = page(None);
        // The version that the place names goes; what lies behind it is still listed.
        objects.remove("b", "input/b");
        assert_eq!(page(next.as_ref()), (vec![last], None));
    }
}
