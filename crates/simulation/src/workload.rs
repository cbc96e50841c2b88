//! What people do to the bucket: files of every kind, overwritten, repeated and deleted, and contracts that change.

use std::fmt::Write as _;
use std::sync::Arc;

use fastrand::Rng;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::ports::SourceObject;

use crate::world::{Due, MINUTE, SECOND, World};

/// What a file is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Every record follows its contract.
    Clean,
    /// Some do not.
    SomeBad,
    /// None does.
    AllBad,
    /// The file as a whole cannot be read.
    Refused,
    /// A gate of its contract holds it.
    Held,
    /// It has no bytes.
    Empty,
    /// Nothing is known of what becomes of it.
    Any,
}

/// A file that was dropped.
#[derive(Debug, Clone)]
pub struct Upload {
    /// What S3 calls it.
    pub source: SourceObject,
    /// When S3 says that it was stored.
    pub stored: Timestamp,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// What it is like.
    pub kind: Kind,
    /// Whether it was deleted for good.
    pub deleted: bool,
}

/// The datasets that have contracts. The name says what becomes of their mails.
pub const DATASETS: [&str; 6] = ["orders", "readings", "bounces", "viruses", "refusals", "nobody"];

/// A contract of a dataset; each edition has other bytes and judges the same.
#[must_use]
pub fn contract(dataset: &str, edition: u32) -> Vec<u8> {
    let address = match dataset {
        "bounces" => "bounce@example.com",
        "viruses" => "virus@example.com",
        "refusals" => "refused@example.com",
        _ => "results@example.com",
    };
    let to = if dataset == "nobody" { json!([]) } else { json!([address]) };
    let mut gristmill = json!({"routing": {"results": to, "problems": to}});
    if dataset == "readings"
        && let Some(routing) = gristmill.get_mut("routing").and_then(|routing| routing.as_object_mut())
    {
        routing.insert("max_rejected_ratio".to_owned(), json!(0.5));
    }
    let [first, second, third] = columns(dataset);
    let contract = json!({
        "name": dataset,
        "title": format!("{dataset}, edition {edition}"),
        "schema": {"fields": [
            {"name": first, "type": "string", "constraints": {"required": true}},
            {"name": second, "type": "number"},
            {"name": third, "type": "date"},
        ]},
        "gristmill": gristmill,
    });
    contract.to_string().into_bytes()
}

fn columns(dataset: &str) -> [String; 3] {
    ["name", "amount", "day"].map(|column| format!("{dataset}_{column}"))
}

/// A file of a dataset. `stamp` makes its records different from those of any other.
#[must_use]
pub fn file(rng: &mut Rng, dataset: &str, kind: Kind, stamp: u64) -> Arc<[u8]> {
    let mut text = String::new();
    if kind == Kind::Empty {
        return text.into_bytes().into();
    }
    let [first, second, third] = columns(dataset);
    let _ = writeln!(text, "{first},{second},{third}");
    let rows = rng.u32(3..=30);
    for row in 1..=rows {
        let (amount, day) = (rng.u32(1..10_000), rng.u32(1..=28));
        let bad = match kind {
            Kind::SomeBad => rng.u32(..4) == 0 || row == 1,
            Kind::Held => row * 3 > rows,
            Kind::AllBad => true,
            _ => false,
        };
        let _ = match (bad, rng.u32(..3)) {
            (false, _) => writeln!(text, "f{stamp}r{row},{amount},2026-11-{day:02}"),
            (true, 0) => writeln!(text, "f{stamp}r{row},many,2026-11-{day:02}"),
            (true, 1) => writeln!(text, "f{stamp}r{row},{amount}"),
            (true, _) => writeln!(text, "f{stamp}r{row},{amount},2026-11-{day:02},more"),
        };
    }
    if kind == Kind::Refused {
        let _ = writeln!(text, "\"f{stamp}r0,1,2026-11-01");
    }
    text.into_bytes().into()
}

/// Puts the contracts into the bucket.
pub fn furnish(world: &mut World) {
    for dataset in DATASETS {
        world.upload(&shared::keys::contract_key(dataset), contract(dataset, 1).into());
    }
}

/// Drops a file now.
pub fn drop_file(world: &mut World, key: &str, bytes: Arc<[u8]>, kind: Kind) -> Option<usize> {
    let source = world.upload(key, Arc::clone(&bytes))?;
    let stored = world.bucket.current(key)?.modified;
    world.uploads.push(Upload { source, stored, bytes, kind, deleted: false });
    world.uploads.len().checked_sub(1)
}

/// Deletes an upload for good, with its version.
pub fn delete_upload(world: &mut World, index: usize) {
    if let Some(upload) = world.uploads.get_mut(index) {
        upload.deleted = true;
        let version = upload.source.version_id.clone().unwrap_or_default();
        world.bucket.delete(&upload.source.key, &version);
    }
}

/// Plans so many uploads and what happens around them, and says when the last of it happens.
///
/// Some are deleted before anybody can have read them; with `withdrawals`, also while they are worked on.
pub fn plan(world: &mut World, seed: u64, uploads: usize, withdrawals: bool) -> i64 {
    let mut rng = Rng::with_seed(seed ^ 0x000f_11e5);
    let length = i64::try_from(uploads).unwrap_or(1) * SECOND / 2 + MINUTE;
    let mut planned = 0;
    let mut stamp = seed.wrapping_mul(1_000_003) % 1_000_000_007;
    while planned < uploads {
        stamp += 1;
        let at = rng.i64(0..length);
        planned += story(world, &mut rng, (at, stamp), withdrawals).min(uploads - planned);
    }
    // Contracts change while files are on their way.
    for edition in 2..=(2 + u32::try_from(uploads / 100).unwrap_or(0)) {
        let at = rng.i64(0..length);
        let dataset = DATASETS.get(rng.usize(..DATASETS.len())).copied().unwrap_or("orders");
        let bytes: Arc<[u8]> = contract(dataset, edition).into();
        let key = shared::keys::contract_key(dataset);
        let change = move |world: &mut World| {
            world.upload(&key, bytes);
        };
        world.after(at, Due::Effect(Box::new(change)));
    }
    length
}

/// What is dropped under one key.
struct Story {
    dataset: &'static str,
    key: String,
    /// How the file is made, and what is known of what becomes of it.
    kind: Kind,
    known: Kind,
    stamp: u64,
}

impl Story {
    fn draw(rng: &mut Rng, stamp: u64) -> Self {
        let dataset = match rng.u32(..20) {
            0 => "bounces",
            1 => "viruses",
            2 => "refusals",
            3 => "nobody",
            4..=8 => "readings",
            _ => "orders",
        };
        let kind = match rng.u32(..20) {
            0 => Kind::AllBad,
            1 => Kind::Refused,
            2 => Kind::Empty,
            3..=8 => Kind::SomeBad,
            9 if dataset == "readings" => Kind::Held,
            _ => Kind::Clean,
        };
        let (key, kind, known) = match rng.u32(..20) {
            // Nobody says what a file without a contract should be like: an open quote in it is a character as any
            // other.
            1 if kind != Kind::Empty => {
                (format!("input/unheard-of/file-{stamp}.csv"), Kind::Clean, Kind::Any)
            }
            0 => (format!("input/loose-{stamp}.csv"), kind, kind),
            _ => (format!("input/{dataset}/file-{stamp}.csv"), kind, kind),
        };
        // In "readings" a file with too many bad records is held.
        let open = dataset == "readings" && matches!(kind, Kind::SomeBad | Kind::AllBad);
        Self { dataset, key, kind, known: if open { Kind::Any } else { known }, stamp }
    }

    fn bytes(&self, rng: &mut Rng) -> Arc<[u8]> {
        file(rng, self.dataset, self.kind, self.stamp)
    }

    /// What is dropped under the same key later: when, what, and what is known of it.
    fn sequel(&self, rng: &mut Rng, bytes: &Arc<[u8]>) -> Option<(i64, Arc<[u8]>, Kind)> {
        let other = |rng: &mut Rng, kind| file(rng, self.dataset, kind, self.stamp + 500_000_000);
        match rng.u32(..20) {
            // The same bytes again, soon and late.
            0 => Some((rng.i64(SECOND..30 * MINUTE), Arc::clone(bytes), self.known)),
            1 => Some((rng.i64(1..10 * SECOND), Arc::clone(bytes), self.known)),
            // Two versions within a second.
            2 => Some((rng.i64(1..SECOND), other(rng, Kind::Clean), Kind::Any)),
            // Overwritten between the event and the read.
            3 => Some((rng.i64(SECOND..5 * SECOND), other(rng, Kind::SomeBad), Kind::Any)),
            _ => None,
        }
    }
}

/// One file's story, and how many uploads it is.
fn story(world: &mut World, rng: &mut Rng, (at, stamp): (i64, u64), withdrawals: bool) -> usize {
    let story = Story::draw(rng, stamp);
    let bytes = story.bytes(rng);
    let sequel = story.sequel(rng, &bytes);
    let deleted = deletion(rng, withdrawals);
    let (key, known) = (story.key.clone(), story.known);
    let first = move |world: &mut World| {
        if let Some(index) = drop_file(world, &key, bytes, known)
            && let Some(delay) = deleted
        {
            world.after(delay, Due::Effect(Box::new(move |world| delete_upload(world, index))));
        }
    };
    world.after(at, Due::Effect(Box::new(first)));
    let Some((delay, bytes, kind)) = sequel else { return 1 };
    let second = move |world: &mut World| {
        drop_file(world, &story.key, bytes, kind);
    };
    world.after(at + delay, Due::Effect(Box::new(second)));
    2
}

/// How long after it was dropped a file is deleted, if it is.
fn deletion(rng: &mut Rng, withdrawals: bool) -> Option<i64> {
    match rng.u32(..60) {
        // Before S3 can have told anybody of it.
        0 => Some(rng.i64(1..SECOND / 10)),
        // While it is worked on, and at any time.
        1 if withdrawals => Some(rng.i64(SECOND..15 * SECOND)),
        2 if withdrawals => Some(rng.i64(SECOND..2 * 60 * MINUTE)),
        _ => None,
    }
}
