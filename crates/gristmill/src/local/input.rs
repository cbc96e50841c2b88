use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::{Timestamp, TimestampRound, Unit};
use shared::identity::{ContentHash, ETag};
use shared::ports::{Body, Fault, FaultKind, ObjectInfo, SourceObject};

use super::{BLOCK_BYTES, BUCKET, fault};
use crate::progress::Progress;

/// What tells at little cost that a file was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    size: u64,
    modified: Option<SystemTime>,
}

impl Fingerprint {
    fn of(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), modified: metadata.modified().ok() }
    }

    /// The time of the last change in whole seconds, as S3 keeps it.
    fn last_modified(self) -> Timestamp {
        let time =
            self.modified.and_then(|time| Timestamp::try_from(time).ok()).unwrap_or(Timestamp::UNIX_EPOCH);
        let seconds = TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Floor);
        time.round(seconds).unwrap_or(time)
    }
}

/// The file to be processed, as the object that it stands for.
#[derive(Debug, Clone)]
pub struct InputFile {
    path: PathBuf,
    source: SourceObject,
    fingerprint: Fingerprint,
}

impl InputFile {
    /// Reads a file once for its content hash, which stands in for the entity tag.
    ///
    /// # Errors
    /// Whatever the file system refuses.
    pub fn hashed(path: &Path, key: String, progress: &Progress) -> Result<Self, Fault> {
        let (mut file, fingerprint) = opened(path)?;
        let mut hash = ContentHash::default();
        let mut buffer = vec![0; BLOCK_BYTES];
        loop {
            let count = read(&mut file, &mut buffer).map_err(|error| fault("GetObject", path, &error))?;
            if count == 0 {
                break;
            }
            hash.update(buffer.get(..count).unwrap_or_default());
            progress.advance(count);
        }
        Ok(Self::new(path, key, hash.etag(), fingerprint))
    }

    /// Takes a file by its size and its time only: enough where nothing is written.
    ///
    /// # Errors
    /// Whatever the file system refuses.
    pub fn unhashed(path: &Path, key: String) -> Result<Self, Fault> {
        let (_, fingerprint) = opened(path)?;
        let tag = format!("{}-{}", fingerprint.size, fingerprint.last_modified().as_second());
        Ok(Self::new(path, key, ETag::parse(&tag), fingerprint))
    }

    fn new(path: &Path, key: String, etag: ETag, fingerprint: Fingerprint) -> Self {
        let size = fingerprint.size;
        let source = SourceObject { bucket: BUCKET.to_owned(), key, etag, version_id: None, size };
        Self { path: path.to_owned(), source, fingerprint }
    }

    /// The object as a delivery would announce it.
    #[must_use]
    pub fn source(&self) -> &SourceObject {
        &self.source
    }

    /// Opens the file, if it still is what was announced.
    ///
    /// # Errors
    /// [`FaultKind::NotFound`] when it is gone, [`FaultKind::Changed`] when it was changed since.
    pub fn open(&self, source: &SourceObject, progress: &Progress) -> Result<(ObjectInfo, FileBody), Fault> {
        if source.key != self.source.key {
            return Err(Fault::new("GetObject", FaultKind::NotFound, "NoSuchKey"));
        }
        let (file, fingerprint) = opened(&self.path)?;
        if fingerprint != self.fingerprint || source.etag != self.source.etag {
            return Err(changed());
        }
        let (etag, size) = (self.source.etag.clone(), fingerprint.size);
        let info = ObjectInfo { etag, size, last_modified: fingerprint.last_modified() };
        let body =
            FileBody { file, path: self.path.clone(), pinned: Some(fingerprint), progress: progress.clone() };
        Ok((info, body))
    }
}

fn opened(path: &Path) -> Result<(File, Fingerprint), Fault> {
    let open = || {
        let file = File::open(path)?;
        let fingerprint = Fingerprint::of(&file.metadata()?);
        Ok((file, fingerprint))
    };
    open().map_err(|error: io::Error| fault("GetObject", path, &error))
}

fn changed() -> Fault {
    Fault::new("GetObject", FaultKind::Changed, "PreconditionFailed")
}

/// A read that a signal cut short is repeated.
fn read(file: &mut File, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A file being read.
#[derive(Debug)]
pub struct FileBody {
    file: File,
    path: PathBuf,
    /// What it must still be at its end. Outputs are not pinned: they are written once.
    pinned: Option<Fingerprint>,
    progress: Progress,
}

impl FileBody {
    /// Opens an output.
    pub(super) fn output(path: PathBuf, etag: ETag) -> Result<(ObjectInfo, Self), Fault> {
        let (file, fingerprint) = opened(&path)?;
        let info = ObjectInfo { etag, size: fingerprint.size, last_modified: fingerprint.last_modified() };
        Ok((info, Self { file, path, pinned: None, progress: Progress::hidden() }))
    }
}

impl Body for FileBody {
    async fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let failed = |error: io::Error| fault("GetObject", &self.path, &error);
        let count = read(&mut self.file, into).map_err(failed)?;
        self.progress.advance(count);
        if count == 0
            && !into.is_empty()
            && let Some(pinned) = self.pinned
            && Fingerprint::of(&self.file.metadata().map_err(failed)?) != pinned
        {
            return Err(changed());
        }
        Ok(count)
    }
}
