//! Objects on the bucket: reads that are pinned to one version and go on where a body broke off, uploads that never
//! overwrite.

use std::sync::Arc;

use shared::backoff::{Backoff, retry};
use shared::checksum::Checksum;
use shared::identity::ETag;
use shared::ports::{
    Body, Clock as _, Fault, FaultKind, Fetched, Inventory, ListingPlace, Location, MAX_SMALL_OBJECT_BYTES,
    Metadata, ObjectInfo, Objects, SmallObject, SourceObject, Upload, VersionPage, Written,
};

use crate::faults::Operation;
use crate::ports::Ports;
use crate::services::s3::{Version, Write};
use crate::world::lock;

/// A conditional write that met another writer, and a body that broke off.
const POLICY: Backoff = Backoff { attempts: 5, ..Backoff::STANDARD };

/// Exactly one state of one object.
#[derive(Debug, Clone)]
struct Pin {
    key: Arc<str>,
    etag: Option<ETag>,
    version: Option<Arc<str>>,
}

/// An object being read.
#[derive(Debug)]
pub struct SimBody {
    ports: Ports,
    pin: Pin,
    bytes: Arc<[u8]>,
    received: usize,
    /// Where this connection breaks.
    breaks_at: usize,
    fruitless: u32,
}

impl Ports {
    async fn get(&self, pin: &Pin) -> Result<Version, Fault> {
        let pin = pin.clone();
        self.call(Operation::GetObject, move |world| {
            world.bucket.get(&pin.key, pin.version.as_deref(), pin.etag.as_ref())
        })
        .await
    }

    /// Opens a body, and pins it to what came.
    async fn read(&self, pin: Pin) -> Result<(ObjectInfo, SimBody), Fault> {
        let found = self.get(&pin).await?;
        Ok((found.info(), self.body(pin, found)))
    }

    /// The body of what was found, pinned to it from here on.
    fn body(&self, pin: Pin, found: Version) -> SimBody {
        let mut body = SimBody {
            ports: self.clone(),
            pin: Pin { etag: Some(found.etag), ..pin },
            bytes: found.bytes,
            received: 0,
            breaks_at: usize::MAX,
            fruitless: 0,
        };
        body.connect();
        body
    }

    fn place(at: &Location) -> Pin {
        Pin { key: at.key.as_str().into(), etag: None, version: None }
    }
}

impl SimBody {
    /// Draws whether this connection breaks, and where.
    fn connect(&mut self) {
        let mut world = lock(&self.ports.shared);
        self.breaks_at = usize::MAX;
        if world.strike(Operation::ReadBody, self.fruitless + 1).is_some() && self.received < self.bytes.len()
        {
            self.breaks_at = world.chance.usize(self.received..self.bytes.len());
        }
    }

    /// Opens the object again where the last connection broke.
    async fn resume(&mut self) -> Result<(), Fault> {
        self.fruitless += 1;
        let Some(wait) = POLICY.delay(self.fruitless, self.ports.draw()) else {
            return Err(Fault::new("GetObject", FaultKind::Unavailable, "BodyBroke"));
        };
        self.ports.sleep(wait).await;
        self.bytes = self.ports.get(&self.pin).await?.bytes;
        self.connect();
        Ok(())
    }
}

impl Body for SimBody {
    async fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        while self.received == self.breaks_at {
            self.resume().await?;
        }
        let end = self.breaks_at.min(self.bytes.len());
        let rest = self.bytes.get(self.received..end).unwrap_or_default();
        let length = rest.len().min(into.len());
        if let (Some(target), Some(source)) = (into.get_mut(..length), rest.get(..length)) {
            target.copy_from_slice(source);
        }
        if length > 0 {
            self.fruitless = 0;
        }
        self.received += length;
        Ok(length)
    }
}

impl Objects for Ports {
    type Body = SimBody;
    type Upload = SimUpload;

    async fn open(&self, source: &SourceObject) -> Result<(ObjectInfo, SimBody), Fault> {
        let pin = if lock(&self.shared).mechanisms.pinned_reads {
            Pin {
                key: source.key.as_str().into(),
                etag: Some(source.etag.clone()),
                version: source.version_id.as_deref().map(Arc::from),
            }
        } else {
            Self::place(&source.location())
        };
        self.read(pin).await
    }

    async fn open_output(&self, at: &Location) -> Result<(ObjectInfo, SimBody), Fault> {
        self.read(Self::place(at)).await
    }

    async fn fetch(&self, at: &Location, known: Option<&ETag>) -> Result<Fetched, Fault> {
        let known = known.cloned();
        let pin = Self::place(at);
        let asked = Arc::clone(&pin.key);
        let answer = self
            .call(Operation::GetObject, move |world| {
                let found = world.bucket.get(&asked, None, None)?;
                Ok(Some(found).filter(|found| known.as_ref() != Some(&found.etag)))
            })
            .await;
        let found = match answer {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Fetched::Unchanged),
            Err(fault) if fault.code == "NoSuchKey" => return Ok(Fetched::Absent),
            Err(fault) => return Err(fault),
        };
        let info = found.info();
        if info.size > MAX_SMALL_OBJECT_BYTES {
            return Err(Fault::new("GetObject", FaultKind::Invalid, "ObjectTooLarge"));
        }
        let mut body = self.body(pin, found);
        let mut bytes = vec![0; body.bytes.len()];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match body.read(rest).await? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(Fetched::Found(SmallObject { info, bytes }))
    }

    async fn list(&self, _bucket: &str, prefix: &str) -> Result<Vec<String>, Fault> {
        let mut keys: Vec<String> = Vec::new();
        loop {
            let (prefix, after) = (prefix.to_owned(), keys.last().cloned());
            let page =
                move |world: &mut crate::world::World| Ok(world.bucket.list(&prefix, after.as_deref()));
            let (page, more) = self.call(Operation::ListObjects, page).await?;
            keys.extend(page);
            if !more {
                return Ok(keys);
            }
        }
    }

    async fn create(&self, at: &Location, _metadata: Metadata) -> Result<SimUpload, Fault> {
        Ok(SimUpload { ports: self.clone(), key: at.key.as_str().into(), bytes: Vec::new() })
    }
}

impl Inventory for Ports {
    async fn versions(
        &self,
        bucket: &str,
        prefix: &str,
        from: Option<&ListingPlace>,
    ) -> Result<VersionPage, Fault> {
        let (bucket, prefix, from) = (bucket.to_owned(), prefix.to_owned(), from.cloned());
        self.call(Operation::ListVersions, move |world| {
            Ok(world.bucket.list_versions(&bucket, &prefix, from.as_ref()))
        })
        .await
    }
}

/// An object being written. Files of a simulation fit into one request, so there are no parts.
#[derive(Debug)]
pub struct SimUpload {
    ports: Ports,
    key: Arc<str>,
    bytes: Vec<u8>,
}

impl SimUpload {
    /// After a refusal because an object stands at the key: whether it is this very object.
    async fn compare(&self, checksum: &Checksum, refusal: Fault) -> Result<Written, Fault> {
        if !lock(&self.ports.shared).mechanisms.checksum_comparison {
            return Ok(Written::AlreadyThere);
        }
        let key = Arc::clone(&self.key);
        let head = move |world: &mut crate::world::World| {
            world.bucket.get(&key, None, None).map(|version| version.checksum)
        };
        match self.ports.call(Operation::HeadObject, head).await {
            Ok(stored) if stored == *checksum => Ok(Written::AlreadyThere),
            Ok(_) => Err(Fault { kind: FaultKind::Differs, ..refusal }),
            Err(fault) if fault.kind == FaultKind::NotFound => {
                Err(Fault { kind: FaultKind::Contended, ..refusal })
            }
            Err(fault) => Err(fault),
        }
    }
}

impl Upload for SimUpload {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    async fn finish(mut self, checksum: &Checksum, _late: Metadata) -> Result<Written, Fault> {
        let if_none_match = lock(&self.ports.shared).mechanisms.if_none_match;
        let write = Write {
            key: Arc::clone(&self.key),
            bytes: std::mem::take(&mut self.bytes).into(),
            checksum: checksum.clone(),
            if_none_match,
        };
        // The outer result is what our policy repeats; the SDK has repeated the rest already.
        let stored = retry(POLICY, &self.ports, || async {
            let write = write.clone();
            let put = move |world: &mut crate::world::World| {
                let now = world.time();
                world.bucket.put(&write, now).map(drop)
            };
            match self.ports.call(Operation::PutObject, put).await {
                Ok(()) => Ok(Ok(Written::Created)),
                Err(fault) if fault.kind == FaultKind::Contended => Err(fault),
                Err(fault) => Ok(Err(fault)),
            }
        })
        .await?;
        match stored {
            Err(refusal) if refusal.kind == FaultKind::Changed => self.compare(checksum, refusal).await,
            stored => stored,
        }
    }

    async fn abort(self) -> Result<(), Fault> {
        Ok(())
    }
}
