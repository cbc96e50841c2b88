//! Announces files again.
//!
//! A file that is announced again is the run that it was: what is finished stays as it is, and what got stuck goes on.
//! A nonce makes it a run of its own, with a mail of its own; the same nonce again is the same run, so that a
//! replay that was cut off is started again with its nonce.

use jiff::Timestamp;
use shared::keys::INPUT_PREFIX;
use shared::ports::{Clock, Depth, Fault, Inventory, Queues, SourceObject, StoredVersion};

use crate::files::{File, Files};
use crate::pace::{Bounds, Pace, Waits};
use crate::watch::Watch;
use crate::{Operator, announcement};

/// What is to be announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// One file, as it is now or as it was.
    File {
        /// Its key.
        key: String,
        /// The version, where it is not the latest.
        version_id: Option<String>,
    },
    /// Every file below a prefix, as it is now.
    Below {
        /// The prefix.
        prefix: String,
        /// Only what was stored since then.
        since: Option<Timestamp>,
    },
}

/// A replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Where the files lie.
    pub bucket: String,
    /// The processor's queue.
    pub queue: String,
    /// What is to be announced.
    pub wanted: Wanted,
    /// Makes each file a run of its own.
    pub nonce: Option<String>,
    /// How fast.
    pub bounds: Bounds,
    /// The command's name for itself, in each message.
    pub id: String,
    /// Whether files are only listed.
    pub dry_run: bool,
}

/// What a replay did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A file was announced, or in a dry run would have been.
    Announced(StoredVersion),
    /// A file was deleted since, and is left out.
    Deleted(StoredVersion),
    /// The queue is too deep; nothing is sent until it is not.
    Waiting(Depth),
}

impl Waits for Step {
    fn waiting(depth: Depth) -> Self {
        Self::Waiting(depth)
    }
}

/// What a replay came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Files that were announced.
    pub announced: u64,
    /// Files that are deleted and were left out.
    pub deleted: u64,
    /// Whether it was ended before it was through.
    pub is_cut_off: bool,
}

/// Why nothing was announced, or nothing more.
#[derive(Debug, thiserror::Error)]
pub enum NotReplayed {
    /// The pipeline takes no such key.
    #[error("{key}: the pipeline takes files below {INPUT_PREFIX} only")]
    OutsideInput {
        /// The key.
        key: String,
    },
    /// There is no such file.
    #[error("{key}: there is no such file")]
    NoSuchFile {
        /// The key.
        key: String,
    },
    /// There is no such version of the file.
    #[error("{key}: it has no version {version_id}")]
    NoSuchVersion {
        /// The key.
        key: String,
        /// The version.
        version_id: String,
    },
    /// A call failed.
    #[error(transparent)]
    Port(#[from] Fault),
}

impl<O: Inventory, A, Q: Queues, C: Clock> Operator<O, A, Q, C> {
    /// Announces files again. What was done by the time it failed stands in `done`.
    ///
    /// # Errors
    /// [`NotReplayed`]; a message that was sent stays sent.
    pub async fn replay(
        &self,
        replay: &Replay,
        watch: &mut impl Watch<Step>,
        done: &mut Replayed,
    ) -> Result<(), NotReplayed> {
        let (Wanted::File { key: named, .. } | Wanted::Below { prefix: named, .. }) = &replay.wanted;
        if !named.starts_with(INPUT_PREFIX) {
            return Err(NotReplayed::OutsideInput { key: named.clone() });
        }
        let mut going = Going { replay, pace: Pace::new(replay.bounds, &replay.queue), done };
        match &replay.wanted {
            Wanted::File { key, version_id } => {
                match self.find(&replay.bucket, key, version_id.as_deref()).await? {
                    File::Current(version) => {
                        self.announce(&mut going, version, watch).await?;
                    }
                    File::Deleted(version) => going.leave_out(version, watch),
                }
            }
            Wanted::Below { prefix, since } => {
                let mut files = Files::below(&self.objects, &replay.bucket, prefix, None);
                while let Some(file) = files.next().await? {
                    let (File::Current(version) | File::Deleted(version)) = &file;
                    if since.is_some_and(|since| version.last_modified < since) {
                        continue;
                    }
                    match file {
                        File::Deleted(version) => going.leave_out(version, watch),
                        File::Current(version) => {
                            if !self.announce(&mut going, version, watch).await? {
                                break;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Announces one file, and says whether to go on.
    async fn announce(
        &self,
        going: &mut Going<'_>,
        version: StoredVersion,
        watch: &mut impl Watch<Step>,
    ) -> Result<bool, Fault> {
        let Replay { queue, id, nonce, dry_run, .. } = going.replay;
        if !dry_run {
            if !going.pace.turn(&self.queues, &self.clock, watch).await? {
                going.done.is_cut_off = true;
                return Ok(false);
            }
            let body = announcement::body(&version.source, id, nonce.as_deref());
            self.queues.send(queue, &body).await?;
        }
        going.done.announced += 1;
        watch.see(&Step::Announced(version));
        Ok(true)
    }

    /// The version of a file that is named, or its latest.
    async fn find(&self, bucket: &str, key: &str, version_id: Option<&str>) -> Result<File, NotReplayed> {
        let mut from = None;
        let mut is_known = false;
        // A key comes before all that begin with it, so this ends with the page on which its versions end.
        loop {
            let page = self.objects.versions(bucket, key, from.as_ref()).await?;
            let mut is_past = false;
            for version in page.versions {
                let SourceObject { key: found, version_id: id, .. } = &version.source;
                if found != key {
                    is_past = true;
                    break;
                }
                is_known = true;
                match version_id {
                    Some(wanted) if id.as_deref() != Some(wanted) => {}
                    // Whoever names a version gets it, deleted or not.
                    Some(_) => return Ok(File::Current(version)),
                    None if version.is_latest => return Ok(File::Current(version)),
                    None => return Ok(File::Deleted(version)),
                }
            }
            from = page.next;
            if is_past || from.is_none() {
                break;
            }
        }
        let key = key.to_owned();
        Err(match version_id.filter(|_| is_known) {
            Some(version_id) => NotReplayed::NoSuchVersion { key, version_id: version_id.to_owned() },
            None => NotReplayed::NoSuchFile { key },
        })
    }
}

/// A replay that is under way.
struct Going<'r> {
    replay: &'r Replay,
    pace: Pace<'r>,
    done: &'r mut Replayed,
}

impl Going<'_> {
    fn leave_out(&mut self, version: StoredVersion, watch: &mut impl Watch<Step>) {
        self.done.deleted += 1;
        watch.see(&Step::Deleted(version));
    }
}
