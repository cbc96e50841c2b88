//! The ledger: which run an upload became, and whether its mail is settled.
//!
//! Two small objects an upload, each written once:
//!
//! | key | written by | says |
//! | --- | --- | --- |
//! | `ledger/<day>/<source>.json` | the processor, after the outputs and before the manifest | this upload is that run |
//! | `ledger/<day>/<source>.settled` | the notifier, before it acknowledges | the mail of that run is settled |
//!
//! `<day>` is the UTC day on which the upload was stored and `<source>` its identity, so both follow from the upload
//! alone. An upload without an entry was never processed, whatever its contract says by now; an entry that is
//! not settled for long is a run that got stuck. That is what the sweep looks for.
//!
//! The entry comes before the manifest, so that no finished run is without one, also when its upload is deleted the
//! next moment. An entry whose run has no manifest after [`VOID_AFTER`] was made by an invocation that died: it binds
//! nobody any more.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::events::SCHEMA_VERSION;
use crate::identity::{RunId, SourceId};
use crate::manifest::Manifest;
use crate::ports::{Fault, FaultKind, Fetched, Location, Metadata, Objects, SourceObject, Written, put};

/// Where the ledger lies.
pub const LEDGER_PREFIX: &str = "ledger/";
/// How long an entry binds others before its run has a manifest.
///
/// Longer than an invocation may take (15 minutes is Lambda's most) and its last request may be under way (5 minutes,
/// by the age of its signature).
pub const VOID_AFTER: SignedDuration = SignedDuration::from_mins(20);
const ENTRY: &str = ".json";
const SETTLED: &str = ".settled";

/// Where an upload stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    stem: String,
}

impl Place {
    /// The place of an upload that was stored then. A forced replay has a place of its own.
    #[must_use]
    pub fn of(source: &SourceObject, stored: Timestamp, replay: Option<&RunId>) -> Self {
        let (day, id) = (prefix_of(day_of(stored)), SourceId::of(source));
        let stem = match replay {
            None => format!("{day}{id}"),
            Some(run) => format!("{day}{id}.{}", run.short()),
        };
        Self { stem }
    }

    /// The place of the upload that a run was made of; `None` for a run over a local file, whose time is not known.
    #[must_use]
    pub fn of_run(manifest: &Manifest) -> Option<Self> {
        let stored: Timestamp = manifest.received_at.parse().ok()?;
        let SourceObject { bucket, key, etag, .. } = &manifest.source;
        let usual = RunId::of(bucket, key, etag, &manifest.contract.digest, None);
        let replay = (usual != manifest.run_id).then_some(&manifest.run_id);
        Some(Self::of(&manifest.source, stored, replay))
    }

    /// What the keys of this place begin with, and those of each forced replay of the same upload.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.stem
    }

    /// The key of the entry.
    #[must_use]
    pub fn entry_key(&self) -> String {
        format!("{}{ENTRY}", self.stem)
    }

    /// The key of the mark that the mail is settled.
    #[must_use]
    pub fn settled_key(&self) -> String {
        format!("{}{SETTLED}", self.stem)
    }
}

/// The UTC day of a time.
#[must_use]
pub fn day_of(time: Timestamp) -> Date {
    Offset::UTC.to_datetime(time).date()
}

/// What the keys of a day's part of the ledger begin with.
#[must_use]
pub fn prefix_of(day: Date) -> String {
    format!("{LEDGER_PREFIX}{day}/")
}

/// What the ledger says of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// [`SCHEMA_VERSION`].
    pub schema: u32,
    /// The run.
    pub run_id: RunId,
    /// The upload.
    pub source: SourceObject,
}

/// An entry, as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// What it says.
    pub entry: Entry,
    /// When it was written.
    pub since: Timestamp,
}

/// Whose an upload is after [`bind`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// It is the run that was named.
    Ours,
    /// Another delivery had named another run.
    Other(Noted),
}

/// Reads the entry of an upload.
///
/// # Errors
/// Whatever the service refuses, and an entry that cannot be read.
pub async fn look_up<O: Objects>(objects: &O, bucket: &str, place: &Place) -> Result<Option<Noted>, Fault> {
    let at = Location::new(bucket, place.entry_key());
    read(objects, &at).await
}

/// Reads an entry by its key.
///
/// # Errors
/// Whatever the service refuses, and an entry that cannot be read.
pub async fn read<O: Objects>(objects: &O, at: &Location) -> Result<Option<Noted>, Fault> {
    let Fetched::Found(found) = objects.fetch(at, None).await? else { return Ok(None) };
    serde_json::from_slice(&found.bytes)
        .map(|entry| Some(Noted { entry, since: found.info.last_modified }))
        .map_err(|error| Fault::new("GetObject", FaultKind::Invalid, "UnreadableEntry").caused_by(error))
}

/// Writes down which run an upload is, unless another delivery was first, under another contract.
///
/// # Errors
/// Whatever the service refuses.
pub async fn bind<O: Objects>(
    objects: &O,
    place: &Place,
    source: &SourceObject,
    run_id: &RunId,
) -> Result<Bound, Fault> {
    let at = Location::new(&source.bucket, place.entry_key());
    let entry = Entry { schema: SCHEMA_VERSION, run_id: run_id.clone(), source: source.clone() };
    let bytes = serde_json::to_vec(&entry)
        .map_err(|error| Fault::new("PutObject", FaultKind::Internal, "NoJson").caused_by(error))?;
    match put(objects, &at, metadata(run_id), &bytes).await {
        Ok(Written::Created | Written::AlreadyThere) => Ok(Bound::Ours),
        Err(fault) if fault.kind == FaultKind::Differs => match read(objects, &at).await? {
            Some(noted) => Ok(Bound::Other(noted)),
            None => Err(fault),
        },
        Err(fault) => Err(fault),
    }
}

/// Writes down that nothing is left to do for an upload.
///
/// # Errors
/// Whatever the service refuses.
pub async fn settle<O: Objects>(objects: &O, bucket: &str, place: &Place) -> Result<(), Fault> {
    let at = Location::new(bucket, place.settled_key());
    // The same for every run of the upload: whichever comes first settles it.
    put(objects, &at, Metadata::new(), b"{\"schema\":1}").await.map(drop)
}

fn metadata(run_id: &RunId) -> Metadata {
    Metadata::from([("run-id".to_owned(), run_id.to_string())])
}

/// How far an upload is, by the keys of the ledger alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It became a run whose mail is not settled.
    Open,
    /// Nothing is left to do.
    Settled,
}

/// What a part of the ledger says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    places: BTreeMap<Place, Progress>,
}

impl Ledger {
    /// Takes in keys of the ledger, in any order.
    pub fn extend<'k>(&mut self, keys: impl IntoIterator<Item = &'k str>) {
        for key in keys {
            if let Some(stem) = key.strip_suffix(SETTLED) {
                self.places.insert(Place { stem: stem.to_owned() }, Progress::Settled);
            } else if let Some(stem) = key.strip_suffix(ENTRY) {
                self.places.entry(Place { stem: stem.to_owned() }).or_insert(Progress::Open);
            }
        }
    }

    /// Every place with how far it is, in order.
    pub fn places(&self) -> impl Iterator<Item = (&Place, Progress)> {
        self.places.iter().map(|(place, progress)| (place, *progress))
    }

    /// How far an upload is; `None` when the ledger does not know it.
    #[must_use]
    pub fn progress(&self, place: &Place) -> Option<Progress> {
        self.places.get(place).copied()
    }

    /// The uploads whose mail is not settled, in order.
    pub fn open(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().filter(|(_, progress)| **progress == Progress::Open).map(|(place, _)| place)
    }
}

#[cfg(test)]
#[cfg(feature = "memory")]
mod tests;
