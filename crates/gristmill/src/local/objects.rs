use std::fs;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use shared::identity::{ContentHash, ETag};
use shared::keys::CONTRACTS_PREFIX;
use shared::ports::{
    Fault, FaultKind, Fetched, Location, MAX_SMALL_OBJECT_BYTES, Metadata, ObjectInfo, Objects, SmallObject,
    SourceObject,
};

use super::input::{FileBody, InputFile};
use super::{FileUpload, fault};
use crate::progress::Progress;

/// What plays the part of `contracts/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContractFiles {
    /// There are none.
    None,
    /// All of a directory.
    Directory(PathBuf),
    /// One file, as the contract of this dataset.
    Single {
        /// The dataset.
        dataset: String,
        /// The file.
        path: PathBuf,
    },
}

impl ContractFiles {
    fn path_of(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::None => None,
            Self::Directory(directory) => Some(directory.join(name)),
            Self::Single { dataset, path } => match name.strip_suffix(".json") {
                Some(name) => (name == dataset).then(|| path.clone()),
                // A reference file lies beside the contract that refers to it.
                None => Some(path.with_file_name(name)),
            },
        }
    }

    /// The names of all contracts, in order, hidden files left out.
    ///
    /// # Errors
    /// Whatever the file system refuses.
    pub fn names(&self) -> Result<Vec<String>, Fault> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Single { dataset, .. } => Ok(vec![format!("{dataset}.json")]),
            Self::Directory(directory) => {
                let mut names =
                    names_in(directory).map_err(|error| fault("ListObjects", directory, &error))?;
                names.retain(|name| name.ends_with(".json") && !name.starts_with('.'));
                names.sort_unstable();
                Ok(names)
            }
        }
    }
}

fn names_in(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        // A name that is no text cannot be the name of a dataset.
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

/// The bucket on local files.
#[derive(Debug, Clone)]
pub struct FileObjects {
    /// The file to be processed.
    pub input: InputFile,
    /// The contracts.
    pub contracts: ContractFiles,
    /// Where outputs go.
    pub out: PathBuf,
    /// How far the reading of the input is.
    pub progress: Progress,
}

impl FileObjects {
    /// Where an object other than the input lies.
    fn path_of(&self, key: &str) -> Result<Option<PathBuf>, Fault> {
        if let Some(name) = key.strip_prefix(CONTRACTS_PREFIX) {
            return Ok(self.contracts.path_of(name).filter(|_| is_plain(name)));
        }
        if is_plain(key) { Ok(Some(self.out.join(key))) } else { Err(bad_key()) }
    }
}

/// Whether a key stays below the directory that it is joined to.
fn is_plain(key: &str) -> bool {
    let mut parts = Path::new(key).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn bad_key() -> Fault {
    Fault::new("PutObject", FaultKind::Invalid, "BadKey")
}

fn not_there() -> Fault {
    Fault::new("GetObject", FaultKind::NotFound, "NoSuchKey")
}

fn tag_of(bytes: &[u8]) -> ETag {
    let mut hash = ContentHash::default();
    hash.update(bytes);
    hash.etag()
}

impl Objects for FileObjects {
    type Body = FileBody;
    type Upload = FileUpload;

    async fn open(&self, source: &SourceObject) -> Result<(ObjectInfo, FileBody), Fault> {
        self.input.open(source, &self.progress)
    }

    async fn open_output(&self, at: &Location) -> Result<(ObjectInfo, FileBody), Fault> {
        let path = self.path_of(&at.key)?.ok_or_else(not_there)?;
        // Its bytes are about to be read and compared with the manifest: a tag made of them would read it twice.
        FileBody::output(path, ETag::parse(&at.key))
    }

    async fn fetch(&self, at: &Location, known: Option<&ETag>) -> Result<Fetched, Fault> {
        let Some(path) = self.path_of(&at.key)? else { return Ok(Fetched::Absent) };
        let failed = |error: io::Error| fault("GetObject", &path, &error);
        let file = match fs::File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Fetched::Absent),
            opened => opened.map_err(failed)?,
        };
        let modified = file.metadata().and_then(|metadata| metadata.modified()).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(MAX_SMALL_OBJECT_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        let size = bytes.len() as u64;
        if size > MAX_SMALL_OBJECT_BYTES {
            let cause = format!("{} has more than {MAX_SMALL_OBJECT_BYTES} bytes", path.display());
            return Err(Fault::new("GetObject", FaultKind::Invalid, "TooLarge").caused_by(cause));
        }
        let etag = tag_of(&bytes);
        if known == Some(&etag) {
            return Ok(Fetched::Unchanged);
        }
        let last_modified = jiff::Timestamp::try_from(modified).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Ok(Fetched::Found(SmallObject { info: ObjectInfo { etag, size, last_modified }, bytes }))
    }

    /// The stages list contracts and nothing else.
    async fn list(&self, _: &str, prefix: &str) -> Result<Vec<String>, Fault> {
        if prefix != CONTRACTS_PREFIX {
            return Err(Fault::new("ListObjects", FaultKind::Invalid, "OnlyContractsAreListed"));
        }
        Ok(self.contracts.names()?.into_iter().map(|name| format!("{CONTRACTS_PREFIX}{name}")).collect())
    }

    async fn create(&self, at: &Location, _: Metadata) -> Result<FileUpload, Fault> {
        if at.key.starts_with(CONTRACTS_PREFIX) {
            return Err(bad_key());
        }
        FileUpload::create(self.path_of(&at.key)?.ok_or_else(bad_key)?)
    }
}

#[cfg(test)]
mod tests;
