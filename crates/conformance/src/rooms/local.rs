use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures_lite::future::block_on;
use gristmill::local::{
    BUCKET, ContractFiles, FileAnalyses, FileObjects, InputFile, LocalEvents, Outbox, OutboxFiles,
    SystemClock,
};
use gristmill::progress::Progress;
use jiff::Timestamp;
use shared::events::PipelineEvent;
use shared::identity::{ETag, RunId};
use shared::keys::{CONTRACTS_PREFIX, INPUT_PREFIX};
use shared::ports::{Events, Fault, FeedbackKind, Mail, Metadata, SourceObject};
use tempfile::TempDir;

use crate::rooms::{Bucket, Bus, Desk, Post, Runs, trouble};
use crate::trace::{Outcome, Trial, Trouble};

/// The adapters on local files, in a folder of their own.
#[derive(Debug)]
pub struct LocalRoom {
    folder: TempDir,
    /// A run is told of one file. The objects as each run has them, by what it was told.
    runs: Mutex<Vec<(SourceObject, FileObjects)>>,
    /// The objects of a run whose file nobody asks for.
    objects: FileObjects,
    events: SharedEvents,
    analyses: FileAnalyses,
}

/// A bus that several may hold.
#[derive(Debug, Clone, Default)]
pub struct SharedEvents(Arc<LocalEvents>);

impl Events for SharedEvents {
    async fn publish(&self, event: &PipelineEvent) -> Result<(), Fault> {
        (&*self.0).publish(event).await
    }
}

impl LocalRoom {
    /// A new folder.
    ///
    /// # Errors
    /// Whatever the file system refuses.
    pub fn new() -> Result<Self, Trouble> {
        let folder = TempDir::with_prefix("gristmill-conformance-")?;
        for name in ["contracts", "in", "out"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let other = folder.path().join("in").join("other.csv");
        fs::write(&other, b"")?;
        let input =
            InputFile::hashed(&other, "input/other.csv".to_owned(), &Progress::hidden()).map_err(trouble)?;
        let objects = FileObjects {
            input,
            contracts: ContractFiles::Directory(folder.path().join("contracts")),
            out: folder.path().join("out"),
            progress: Progress::hidden(),
        };
        let analyses = FileAnalyses::new(folder.path().join("out").join("analyses"));
        Ok(Self { folder, runs: Mutex::default(), objects, events: SharedEvents::default(), analyses })
    }

    /// Where the file lies that stands for an object.
    fn path_of(&self, key: &str) -> PathBuf {
        if let Some(name) = key.strip_prefix(CONTRACTS_PREFIX) {
            return self.folder.path().join("contracts").join(name);
        }
        if key.starts_with(INPUT_PREFIX) {
            // A run's file lies anywhere; its key is made of its name.
            let name: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
            let ending = name.get(name.len().saturating_sub(120)..).unwrap_or(&name);
            return self.folder.path().join("in").join(ending);
        }
        self.folder.path().join("out").join(key)
    }
}

impl Runs for LocalRoom {
    fn run(&self, trial: Trial<'_>) -> Outcome {
        block_on(trial)
    }
}

impl Bucket for LocalRoom {
    type Objects = FileObjects;

    fn objects(&self) -> FileObjects {
        self.objects.clone()
    }

    fn objects_for(&self, source: &SourceObject) -> FileObjects {
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        // One who was told of another tag was told of the same file.
        let same = |(told, _): &&(SourceObject, FileObjects)| told.key == source.key;
        let exact = runs.iter().rev().find(|(told, _)| told == source);
        exact
            .or_else(|| runs.iter().rev().find(same))
            .map_or_else(|| self.objects(), |(_, objects)| objects.clone())
    }

    fn bucket(&self) -> &str {
        BUCKET
    }

    async fn drop_object(&self, key: &str, bytes: &[u8]) -> Result<SourceObject, Trouble> {
        let path = self.path_of(key);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, bytes)?;
        if !key.starts_with(INPUT_PREFIX) {
            let size = bytes.len() as u64;
            let (bucket, key) = (BUCKET.to_owned(), key.to_owned());
            return Ok(SourceObject { bucket, key, etag: ETag::parse(""), version_id: None, size });
        }
        let input = InputFile::hashed(&path, key.to_owned(), &Progress::hidden()).map_err(trouble)?;
        let source = input.source().clone();
        let objects = FileObjects { input, ..self.objects() };
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).push((source.clone(), objects));
        Ok(source)
    }

    async fn delete(&self, key: &str) -> Outcome {
        Ok(fs::remove_file(self.path_of(key))?)
    }

    async fn remove(&self, source: &SourceObject) -> Outcome {
        self.delete(&source.key).await
    }

    async fn metadata(&self, _key: &str) -> Result<Metadata, Trouble> {
        Err("files have no metadata".into())
    }
}

impl Bus for LocalRoom {
    type Events = SharedEvents;

    fn events(&self) -> SharedEvents {
        self.events.clone()
    }

    async fn published(&self, _at_least: usize) -> Result<Vec<PipelineEvent>, Trouble> {
        Ok(self.events.0.take())
    }
}

impl Desk for LocalRoom {
    type Analyses = FileAnalyses;

    fn analyses(&self) -> &FileAnalyses {
        &self.analyses
    }

    async fn heard(&self, _run: &RunId) -> Result<BTreeMap<FeedbackKind, Timestamp>, Trouble> {
        Err("nothing is ever heard of a mail that is a file".into())
    }
}

impl Post for LocalRoom {
    type Mailer = Outbox<SystemClock>;

    fn mailer(&self) -> Outbox<SystemClock> {
        Outbox { directory: self.folder.path().join("outbox"), clock: SystemClock }
    }

    fn refusable(&self, mail: Mail) -> Mail {
        Mail { to: vec!["nobody".to_owned()], ..mail }
    }

    async fn mails(&self, run: &RunId) -> Result<usize, Trouble> {
        Ok(usize::from(OutboxFiles::of(&self.mailer().directory, run).eml.try_exists()?))
    }
}
