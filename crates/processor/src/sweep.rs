//! The sweep: looks for uploads that nobody told the processor of, and for runs that got stuck.
//!
//! Notifications and queue messages are delivered at least once, unless a rule is switched off, a message spends its
//! last delivery on a fault, or a dead-letter queue is emptied by hand. The bucket itself forgets nothing: what lies
//! in `input/` is compared with the ledger ([`shared::ledger`]), and what is missing there is announced again.
//!
//! Announcing again is always safe, and it is done at doubling ages only, so that a file that cannot be finished
//! does not flood the queues.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use shared::events::{FileOverlooked, PipelineEvent, SCHEMA_VERSION, SweepDue};
use shared::ledger::{self, Ledger, Noted, Place, Progress};
use shared::ports::{Clock, Events, Inventory, ListingPlace, Location, Objects, StoredVersion};
use shared::stage::{Delivery, StageError};

use crate::pipeline::Processor;

/// How old an upload is when it is missed first: S3 may take minutes to tell of it, and a large file takes
/// minutes to be processed.
pub const OVERLOOKED_AFTER: SignedDuration = SignedDuration::from_mins(15);
/// How old an upload is when a run that is not settled is announced again first: an unsettled mail alone waits a
/// quarter of an hour.
pub const STUCK_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// How far back the sweep looks: as long as a dead-letter queue keeps what it has.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(14 * 24);
/// How often the sweep comes; the rule of `infrastructure/` says the same.
pub const INTERVAL: SignedDuration = SignedDuration::from_mins(15);
/// What two sweeps may be further apart than that without anything being passed over.
const SLACK: SignedDuration = SignedDuration::from_mins(1);
/// How many pages of the listing one invocation looks through, a thousand versions each.
const PAGES: usize = 50;
/// What is left of an invocation when it hands over to the next.
const RESERVE: SignedDuration = SignedDuration::from_secs(30);

/// What a sweep found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Versions that were looked at.
    pub versions: u64,
    /// Uploads that were announced because nothing was known of them.
    pub overlooked: u64,
    /// Entries that were announced again because their mail is not settled.
    pub stuck: u64,
    /// Whether another invocation goes on where this one stopped.
    pub goes_on: bool,
}

/// The sweep in one invocation.
struct Sweep<'a> {
    bucket: &'a str,
    now: Timestamp,
    deadline: Timestamp,
    ledger: Ledger,
    swept: Swept,
}

impl<O: Objects + Inventory, E: Events, C: Clock> Processor<O, E, C> {
    /// Looks for what got lost, and announces it again: first the runs that the ledger has and that are not settled,
    /// then the uploads that it does not have. What does not fit into one invocation is left to the next.
    ///
    /// # Errors
    /// A call that failed. What was announced by then is announced once more by the next delivery.
    pub async fn sweep(&self, due: &SweepDue, delivery: &Delivery) -> Result<Swept, StageError> {
        let now = self.clock.now();
        let mut sweep = Sweep {
            bucket: &due.bucket,
            now,
            deadline: delivery.deadline,
            ledger: self.ledger(&due.bucket, now).await?,
            swept: Swept::default(),
        };
        let from = due.from.as_ref();
        let in_ledger = from.filter(|place| place.key.starts_with(ledger::LEDGER_PREFIX));
        let mut rest = None;
        if from.is_none() || in_ledger.is_some() {
            rest = self.announce_stuck(&mut sweep, in_ledger).await?;
        }
        if rest.is_none() {
            rest = self.announce_overlooked(&mut sweep, from.filter(|_| in_ledger.is_none())).await?;
        }
        if rest.is_some() {
            let rest = SweepDue { schema: SCHEMA_VERSION, bucket: due.bucket.clone(), from: rest };
            self.events.publish(&PipelineEvent::SweepDue(rest)).await?;
            sweep.swept.goes_on = true;
        }
        Ok(sweep.swept)
    }

    /// The ledger of every day of the window.
    async fn ledger(&self, bucket: &str, now: Timestamp) -> Result<Ledger, StageError> {
        let mut ledger = Ledger::default();
        for day in days(now) {
            let keys = self.objects.list(bucket, &day).await?;
            ledger.extend(keys.iter().map(String::as_str));
        }
        Ok(ledger)
    }

    /// Announces the runs whose mail is not settled: what the processor would say of them now.
    async fn announce_stuck(
        &self,
        sweep: &mut Sweep<'_>,
        from: Option<&ListingPlace>,
    ) -> Result<Option<ListingPlace>, StageError> {
        let done = from.map_or("", |place| place.key.as_str());
        let open: Vec<Place> = sweep.ledger.open().cloned().collect();
        for (key, place) in open.iter().map(|place| (place.entry_key(), place)) {
            if key.as_str() <= done {
                continue;
            }
            self.announce_open(sweep, place, &key).await?;
            // Asked behind each entry, so that every part of a sweep gets on.
            if self.is_late(sweep.deadline) {
                return Ok(Some(ListingPlace { key, version_id: None }));
            }
        }
        Ok(None)
    }

    /// Announces what an entry stands for, if it is time to: its run, or, where that has no manifest, its upload.
    async fn announce_open(&self, sweep: &mut Sweep<'_>, place: &Place, key: &str) -> Result<(), StageError> {
        let at = Location::new(sweep.bucket, key);
        // Entries are made and settled while we look; one that is gone has expired.
        let Some(Noted { entry, since }) = ledger::read(&self.objects, &at).await? else { return Ok(()) };
        if !is_due(sweep.now.duration_since(since), STUCK_AFTER) {
            return Ok(());
        }
        sweep.swept.stuck += 1;
        let Some(manifest) = self.manifest(sweep.bucket, &entry.run_id).await? else {
            let event = FileOverlooked { schema: SCHEMA_VERSION, source: entry.source };
            return Ok(self.events.publish(&PipelineEvent::FileOverlooked(event)).await?);
        };
        self.events.publish(&manifest.event()).await?;
        // No mail of the run would ever settle the entry of an upload that only repeated it.
        Ok(self.leave_to_first(place, &entry.source, &manifest).await?)
    }

    /// Announces the uploads that the ledger does not have.
    async fn announce_overlooked(
        &self,
        sweep: &mut Sweep<'_>,
        from: Option<&ListingPlace>,
    ) -> Result<Option<ListingPlace>, StageError> {
        let mut from = from.cloned();
        for _ in 0..PAGES {
            let page = self.objects.versions(sweep.bucket, shared::keys::INPUT_PREFIX, from.as_ref()).await?;
            for version in &page.versions {
                sweep.swept.versions += 1;
                if is_overlooked(version, &sweep.ledger, sweep.now) {
                    let event = FileOverlooked { schema: SCHEMA_VERSION, source: version.source.clone() };
                    self.events.publish(&PipelineEvent::FileOverlooked(event)).await?;
                    sweep.swept.overlooked += 1;
                }
            }
            from = page.next;
            if from.is_none() || self.is_late(sweep.deadline) {
                break;
            }
        }
        Ok(from)
    }

    fn is_late(&self, deadline: Timestamp) -> bool {
        deadline.duration_since(self.clock.now()) < RESERVE
    }
}

/// The prefixes of the days that the window touches.
fn days(now: Timestamp) -> BTreeSet<String> {
    let begin = now.checked_sub(WINDOW).unwrap_or(Timestamp::MIN);
    let (mut day, last) = (ledger::day_of(begin), ledger::day_of(now));
    let mut days = BTreeSet::new();
    while day <= last {
        days.insert(ledger::prefix_of(day));
        match day.tomorrow() {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    days
}

fn is_overlooked(version: &StoredVersion, ledger: &Ledger, now: Timestamp) -> bool {
    let age = now.duration_since(version.last_modified);
    if age > WINDOW || version.source.key.ends_with('/') {
        return false;
    }
    let place = Place::of(&version.source, version.last_modified, None);
    let known: Option<Progress> = ledger.progress(&place);
    known.is_none() && is_due(age, OVERLOOKED_AFTER)
}

/// Whether the sweep at this age is the first one after the age reached `first`, or twice, four times, … as much.
fn is_due(age: SignedDuration, first: SignedDuration) -> bool {
    let before = age - INTERVAL - SLACK;
    let mut threshold = first;
    while threshold <= age {
        if threshold > before {
            return true;
        }
        threshold = threshold.saturating_add(threshold);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: i64) -> SignedDuration {
        SignedDuration::from_mins(minutes)
    }

    /// With sweeps every quarter of an hour, however they lie, each threshold is met by one sweep or, at its edge, two.
    #[test]
    fn a_lasting_failure_is_announced_at_doubling_ages() {
        for offset in 0..15 {
            let ages = (0..1344).map(|sweep| minutes(offset + 15 * sweep));
            let due: Vec<SignedDuration> = ages.filter(|age| is_due(*age, OVERLOOKED_AFTER)).collect();
            assert!(due.len() <= 11 + 11, "{offset}: {due:?}");
            for power in 0..10 {
                let threshold = minutes(15 << power);
                let met = due.iter().filter(|age| **age >= threshold && **age < threshold + minutes(16));
                assert!((1..=2).contains(&met.count()), "{offset}: {threshold:?}");
            }
        }
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        assert!(!is_due(minutes(14), OVERLOOKED_AFTER));
        assert!(is_due(minutes(15), OVERLOOKED_AFTER));
        assert!(!is_due(minutes(-5), OVERLOOKED_AFTER), "a clock that is behind");
    }

    #[test]
    fn the_window_is_made_of_whole_days() {
        let days = days("2026-11-21T10:00:00Z".parse().unwrap());
        assert_eq!(days.len(), 15);
        assert_eq!(days.first().unwrap(), "ledger/2026-11-07/");
        assert_eq!(days.last().unwrap(), "ledger/2026-11-21/");
    }
}
