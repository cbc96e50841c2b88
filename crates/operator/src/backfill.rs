//! Announces the files that the ledger does not know, one after the other, under a rate.
//!
//! For files that lay in the bucket before the stack did, and for those that are older than the sweep looks. What has
//! an entry in the ledger by now is passed over, so a backfill that was cut off is simply started again; `behind`
//! spares it the keys that it had come past.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use shared::keys::INPUT_PREFIX;
use shared::ledger::{self, Ledger, Place};
use shared::ports::{Clock, Depth, Fault, Inventory, Objects, Queues, StoredVersion};

use crate::files::{File, Files};
use crate::pace::{Bounds, Pace, Waits};
use crate::watch::{Watch, between};
use crate::{Operator, announcement};

/// What the ledger was found not to know is looked up once more when that is longer ago.
const FRESH: Duration = Duration::from_secs(60);

/// A backfill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// Where the files lie.
    pub bucket: String,
    /// The processor's queue.
    pub queue: String,
    /// What the keys begin with.
    pub prefix: String,
    /// The key that an earlier backfill came to; only what lies behind it is looked at.
    pub behind: Option<String>,
    /// How fast.
    pub bounds: Bounds,
    /// How many files are announced at most.
    pub max: Option<u64>,
    /// The command's name for itself, in each message.
    pub id: String,
    /// Whether files are only counted.
    pub dry_run: bool,
}

/// What a backfill did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A file was announced, or in a dry run would have been.
    Announced(StoredVersion),
    /// The ledger knows the file; it is passed over.
    Known(StoredVersion),
    /// The file was deleted; it is passed over.
    Deleted(StoredVersion),
    /// The queue is too deep; nothing is sent until it is not.
    Waiting(Depth),
}

impl Waits for Step {
    fn waiting(depth: Depth) -> Self {
        Self::Waiting(depth)
    }
}

/// What a backfill came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backfilled {
    /// Files that were announced.
    pub announced: u64,
    /// Files that the ledger knows.
    pub known: u64,
    /// Files that are deleted.
    pub deleted: u64,
    /// The last key that is dealt with: where the next one goes on.
    pub last: Option<String>,
    /// Whether it was ended before it was through.
    pub is_cut_off: bool,
    /// Whether it ended because it had announced as many files as it was to.
    pub is_at_max: bool,
}

impl Backfilled {
    fn note(&mut self, step: &Step) {
        let (count, version) = match step {
            Step::Announced(version) => (&mut self.announced, version),
            Step::Known(version) => (&mut self.known, version),
            Step::Deleted(version) => (&mut self.deleted, version),
            Step::Waiting(_) => return,
        };
        *count += 1;
        self.last = Some(version.source.key.clone());
    }
}

/// Why a backfill ended early.
#[derive(Debug, thiserror::Error)]
pub enum NotBackfilled {
    /// The pipeline takes no such key.
    #[error("{prefix}: the pipeline takes files below {INPUT_PREFIX} only")]
    OutsideInput {
        /// What the keys were to begin with.
        prefix: String,
    },
    /// A call failed.
    #[error(transparent)]
    Port(#[from] Fault),
}

impl<O: Inventory + Objects, A, Q: Queues, C: Clock> Operator<O, A, Q, C> {
    /// Announces what the ledger does not know. What was done by the time it failed stands in `done`.
    ///
    /// # Errors
    /// [`NotBackfilled`]; a message that was sent stays sent.
    pub async fn backfill(
        &self,
        backfill: &Backfill,
        watch: &mut impl Watch<Step>,
        done: &mut Backfilled,
    ) -> Result<(), NotBackfilled> {
        let Backfill { bucket, prefix, behind, .. } = backfill;
        if !prefix.starts_with(INPUT_PREFIX) {
            return Err(NotBackfilled::OutsideInput { prefix: prefix.clone() });
        }
        done.last.clone_from(behind);
        let mut pace = Pace::new(backfill.bounds, &backfill.queue);
        let mut days = Days::default();
        let mut files = Files::below(&self.objects, bucket, prefix, behind.as_deref());
        while let Some(file) = files.next().await? {
            if watch.is_over() {
                done.is_cut_off = true;
                break;
            }
            let step = match file {
                File::Deleted(version) => Step::Deleted(version),
                File::Current(version) => {
                    let known = days.know(&self.objects, &self.clock, bucket, &version).await?;
                    match known {
                        Known::Yes => Step::Known(version),
                        Known::NotBy(_) if backfill.max.is_some_and(|max| done.announced >= max) => {
                            done.is_at_max = true;
                            break;
                        }
                        Known::NotBy(_) if backfill.dry_run => Step::Announced(version),
                        Known::NotBy(listed) => {
                            if !pace.turn(&self.queues, &self.clock, watch).await? {
                                done.is_cut_off = true;
                                break;
                            }
                            self.fill(backfill, version, listed).await?
                        }
                    }
                }
            };
            done.note(&step);
            watch.see(&step);
        }
        Ok(())
    }

    /// Announces one file that the ledger's listing did not have.
    async fn fill(
        &self,
        backfill: &Backfill,
        version: StoredVersion,
        listed: Timestamp,
    ) -> Result<Step, Fault> {
        // The listing may be hours old by now.
        if between(listed, self.clock.now()) >= FRESH {
            let place = Place::of(&version.source, version.last_modified, None);
            if ledger::look_up(&self.objects, &backfill.bucket, &place).await?.is_some() {
                return Ok(Step::Known(version));
            }
        }
        let body = announcement::body(&version.source, &backfill.id, None);
        self.queues.send(&backfill.queue, &body).await?;
        Ok(Step::Announced(version))
    }
}

/// What the ledger's listing says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It has it.
    Yes,
    /// It did not have it then.
    NotBy(Timestamp),
}

/// The ledger of each day on which a file was stored, listed when it is first asked for.
#[derive(Debug, Default)]
struct Days(BTreeMap<Date, (Timestamp, Ledger)>);

impl Days {
    async fn know<O: Objects, C: Clock>(
        &mut self,
        objects: &O,
        clock: &C,
        bucket: &str,
        version: &StoredVersion,
    ) -> Result<Known, Fault> {
        let day = ledger::day_of(version.last_modified);
        let (begun, ledger) = match self.0.entry(day) {
            Entry::Occupied(listed) => listed.into_mut(),
            Entry::Vacant(new) => {
                let begun = clock.now();
                let keys = objects.list(bucket, &ledger::prefix_of(day)).await?;
                let mut listed = Ledger::default();
                listed.extend(keys.iter().map(String::as_str));
                new.insert((begun, listed))
            }
        };
        let place = Place::of(&version.source, version.last_modified, None);
        Ok(if ledger.progress(&place).is_some() { Known::Yes } else { Known::NotBy(*begun) })
    }
}
