use std::sync::{Arc, Mutex, PoisonError};

use shared::checksum::Checksum;
use shared::identity::ETag;
use shared::keys::CONTRACTS_PREFIX;
use shared::ports::{
    Fault, FaultKind, Fetched, Location, Metadata, ObjectInfo, Objects, SourceObject, Upload, Written,
};

use super::{FileBody, FileObjects};

/// A bucket that is read as it is and takes every write without keeping it, but for the beginning of the errors
/// file. What is checked here is judged exactly as it would be in a run.
#[derive(Debug)]
pub struct DryObjects {
    files: FileObjects,
    overheard: Arc<Mutex<Overheard>>,
}

/// The beginning of an errors file.
#[derive(Debug, Default)]
pub struct Overheard {
    bytes: Vec<u8>,
    /// How many more records are of interest, the header included.
    wanted: u64,
    in_quotes: bool,
}

impl Overheard {
    /// The bytes of the header and the first records, whole.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes bytes up to the end of the last record that is wanted.
    fn take(&mut self, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            if self.wanted == 0 {
                self.bytes.extend_from_slice(bytes.get(..index).unwrap_or_default());
                return;
            }
            match byte {
                b'"' => self.in_quotes = !self.in_quotes,
                b'\n' if !self.in_quotes => self.wanted -= 1,
                _ => {}
            }
        }
        self.bytes.extend_from_slice(bytes);
    }
}

impl DryObjects {
    /// A bucket of which the first so many violations are kept.
    #[must_use]
    pub fn new(files: FileObjects, violations: u64) -> Self {
        let overheard = Overheard { wanted: violations.saturating_add(1), ..Overheard::default() };
        Self { files, overheard: Arc::new(Mutex::new(overheard)) }
    }

    /// What was written to the errors file.
    #[must_use]
    pub fn overheard(&self) -> Overheard {
        std::mem::take(&mut *self.overheard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Objects for DryObjects {
    type Body = FileBody;
    type Upload = DryUpload;

    async fn open(&self, source: &SourceObject) -> Result<(ObjectInfo, FileBody), Fault> {
        self.files.open(source).await
    }

    async fn open_output(&self, _: &Location) -> Result<(ObjectInfo, FileBody), Fault> {
        Err(Fault::new("GetObject", FaultKind::NotFound, "NothingIsKept"))
    }

    /// Contracts are there, and earlier runs are not: a file is checked anew each time.
    async fn fetch(&self, at: &Location, known: Option<&ETag>) -> Result<Fetched, Fault> {
        if at.key.starts_with(CONTRACTS_PREFIX) {
            self.files.fetch(at, known).await
        } else {
            Ok(Fetched::Absent)
        }
    }

    async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Fault> {
        self.files.list(bucket, prefix).await
    }

    async fn create(&self, at: &Location, _: Metadata) -> Result<DryUpload, Fault> {
        Ok(DryUpload(at.key.ends_with(".errors.csv").then(|| Arc::clone(&self.overheard))))
    }
}

/// A write that goes nowhere, unless somebody listens.
#[derive(Debug)]
pub struct DryUpload(Option<Arc<Mutex<Overheard>>>);

impl Upload for DryUpload {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if let Some(overheard) = &self.0 {
            overheard.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
        }
        Ok(())
    }

    async fn finish(self, _: &Checksum, _: Metadata) -> Result<Written, Fault> {
        Ok(Written::Created)
    }

    async fn abort(self) -> Result<(), Fault> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_overheard_whole_wherever_the_bytes_are_cut() {
        let errors = b"h1,h2\n1,\"a\nb\"\n2,c\n3,d\n";
        for cut in 0..errors.len() {
            let mut overheard = Overheard { wanted: 3, ..Overheard::default() };
            overheard.take(&errors[..cut]);
            overheard.take(&errors[cut..]);
            assert_eq!(overheard.bytes(), b"h1,h2\n1,\"a\nb\"\n2,c\n", "cut at {cut}");
        }
    }
}
