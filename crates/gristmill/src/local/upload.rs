use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use shared::checksum::{Checksum, Running};
use shared::ports::{Fault, FaultKind, Metadata, Upload, Written};

use super::{BLOCK_BYTES, fault, partial};

const OPERATION: &str = "PutObject";

/// A file being written: under a name of its own until it is whole.
///
/// Nothing of it stays behind when it is given up or forgotten; only a process that is killed leaves a
/// `.partial` file, which nobody reads.
#[derive(Debug)]
pub struct FileUpload {
    /// Absent once the file has its name or is given up.
    partial: Option<PathBuf>,
    target: PathBuf,
    file: File,
    running: Running,
}

impl FileUpload {
    /// Starts to write the file that is to stand at `target`.
    pub(super) fn create(target: PathBuf) -> Result<Self, Fault> {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|error| fault(OPERATION, parent, &error))?;
        }
        let partial = partial(&target);
        let file = File::create(&partial).map_err(|error| fault(OPERATION, &partial, &error))?;
        Ok(Self { partial: Some(partial), target, file, running: Running::default() })
    }

    /// Gives the file its name unless one stands there. A hard link never replaces anything, not even a file
    /// that another process has made a moment ago; a rename would.
    fn place(&self, partial: &Path) -> io::Result<()> {
        match fs::hard_link(partial, &self.target) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // Some file systems know no hard links. There, only two processes at the same run at the same
            // moment could miss each other, and those write the same bytes.
            Err(_) if !self.target.try_exists()? => fs::rename(partial, &self.target),
            Err(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Ok(()) => Ok(()),
        }
    }
}

impl Upload for FileUpload {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.running.update(bytes);
        self.file.write_all(bytes).map_err(|error| fault(OPERATION, &self.target, &error))
    }

    async fn finish(self, checksum: &Checksum, _: Metadata) -> Result<Written, Fault> {
        // As S3 does: what the caller means to have written is compared before it is there.
        if self.running.finish() != *checksum {
            return Err(Fault::new(OPERATION, FaultKind::Invalid, "BadDigest"));
        }
        let failed = |error: io::Error| fault(OPERATION, &self.target, &error);
        let Some(partial) = &self.partial else {
            return Err(Fault::new(OPERATION, FaultKind::Internal, "NothingToFinish"));
        };
        // Dropping the upload removes the name that the file was written under.
        match self.place(partial) {
            Ok(()) => Ok(Written::Created),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if checksum_of(&self.target).map_err(failed)? == *checksum {
                    Ok(Written::AlreadyThere)
                } else {
                    let cause = format!("{} exists with other content", self.target.display());
                    Err(Fault::new(OPERATION, FaultKind::Differs, "PreconditionFailed").caused_by(cause))
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn abort(mut self) -> Result<(), Fault> {
        match self.partial.take() {
            None => Ok(()),
            Some(partial) => {
                fs::remove_file(&partial).map_err(|error| fault("AbortUpload", &partial, &error))
            }
        }
    }
}

impl Drop for FileUpload {
    fn drop(&mut self) {
        if let Some(partial) = self.partial.take() {
            // It may be gone already: renamed, or never linked. Nobody reads it in any case.
            let _ = fs::remove_file(partial);
        }
    }
}

fn checksum_of(path: &Path) -> io::Result<Checksum> {
    let mut file = File::open(path)?;
    let mut running = Running::default();
    let mut buffer = vec![0; BLOCK_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(running.finish()),
            Ok(count) => running.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
