//! The ports on local files, laid out like the bucket.
//!
//! The file to be read plays the object under `input/`; the contracts directory (or one contract) plays
//! `contracts/`; everything else lies below the output directory. Object metadata has no place in a file system
//! and is dropped: the manifest holds all of it.

mod analyses;
mod clock;
mod dry;
mod events;
mod input;
mod model;
mod objects;
mod outbox;
mod upload;

pub use analyses::FileAnalyses;
pub use clock::SystemClock;
pub use dry::{DryObjects, DryUpload};
pub use events::LocalEvents;
pub use input::{FileBody, InputFile};
pub use model::NoModel;
pub use objects::{ContractFiles, FileObjects};
pub use outbox::{Outbox, OutboxFiles};
pub use upload::FileUpload;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use shared::ports::{Fault, FaultKind};

/// The name of the bucket that the local directories stand for.
pub const BUCKET: &str = "local";

/// How much is read at a time where nobody else decides, in bytes.
const BLOCK_BYTES: usize = 256 * 1024;

/// A failed file operation as a fault, with the path in its cause.
fn fault(operation: &'static str, path: &Path, error: &io::Error) -> Fault {
    let kind = match error.kind() {
        // To the stages, what is not found is an object that is to be read, never the place for a new one.
        io::ErrorKind::NotFound if operation == "GetObject" => FaultKind::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => FaultKind::Denied,
        _ => FaultKind::Internal,
    };
    let cause = io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    Fault::new(operation, kind, format!("{:?}", error.kind())).caused_by(cause)
}

/// Puts a file in place whole: readers see the old one or the new one.
fn replace(operation: &'static str, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let failed = |error: io::Error| fault(operation, path, &error);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| fault(operation, parent, &error))?;
    }
    let partial = partial(path);
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    written.map_err(|error| {
        // The write has failed already; what is left of it matters less than why.
        let _ = fs::remove_file(&partial);
        failed(error)
    })
}

/// Where a file is written before it gets its name. Neither two processes nor two uploads of one ever share one.
fn partial(path: &Path) -> std::path::PathBuf {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{}.partial", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}
