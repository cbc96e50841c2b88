//! Moves dead letters back into the queues that they came from.
//!
//! Each letter is received, its body sent unchanged, and only then is it deleted. Whoever is killed in between leaves a
//! letter that is shown again after [`HIDE`] and then sent once more, which the stages take for what it is.
//!
//! The command ends by itself: what it moved and what comes back dead while it is at work is left to the next one.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use shared::identity::{ContentHash, ETag};
use shared::ports::{Clock, Depth, Fault, Letter, Queues};

use crate::Operator;
use crate::names::{Names, Stage};
use crate::watch::{Watch, between, pause};

/// How long a letter is hidden from others while it is being moved.
pub const HIDE: Duration = Duration::from_secs(30);
/// No letter is begun when it has been hidden for longer: it might be shown to others while it is moved.
const BEGIN_WITHIN: Duration = Duration::from_secs(15);
/// After so many answers with nothing new a queue is left, though it says that it has letters to show.
const EMPTY_ANSWERS: u32 = 3;
/// How long it is between two looks for letters that somebody else has hidden.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// A redrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// The stack.
    pub names: Names,
    /// Whose dead letters.
    pub stages: Vec<Stage>,
    /// How many letters are moved at most, over all queues.
    pub max: Option<u64>,
    /// Whether letters are moved, too, that no stage understands.
    pub all: bool,
    /// Whether letters are only shown.
    pub dry_run: bool,
}

/// What a letter is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// The kind of event: `Object Created`, `Processing Complete`, …
    pub kind: String,
    /// The run, where it has one already.
    pub run_id: Option<String>,
    /// The file, where it is about one.
    pub key: Option<String>,
}

/// What becomes of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Its body was sent, and it was deleted.
    Moved,
    /// It would be moved: this is a dry run.
    Shown,
    /// No stage understands it; it stays.
    NotUnderstood,
    /// It was moved by this very command and is dead again; it stays.
    CameBack,
}

/// What a redrive did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A letter was dealt with.
    Letter {
        /// Whose it is.
        stage: Stage,
        /// The letter.
        letter: Letter,
        /// What it is about, if a stage understands it.
        content: Result<Content, String>,
        /// What became of it.
        fate: Fate,
    },
    /// Letters are hidden by another command, or by one that was killed; they are waited for.
    Waiting {
        /// Whose they are.
        stage: Stage,
        /// How many there seem to be.
        hidden: u64,
    },
}

/// What became of the letters of one queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Letters that were moved, or in a dry run would have been.
    pub moved: u64,
    /// Letters that no stage understands and that stay.
    pub not_understood: u64,
    /// Letters that came back and stay.
    pub came_back: u64,
    /// Letters that the queue says it has and does not show: somebody else has received them.
    pub hidden: u64,
}

impl Moved {
    /// Letters that are left, as far as this command has seen.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.not_understood + self.came_back + self.hidden
    }
}

/// What a redrive came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redriven {
    /// By stage.
    pub stages: BTreeMap<Stage, Moved>,
    /// Whether it was ended before it was through.
    pub is_cut_off: bool,
    /// Whether it ended because it had moved as many letters as it was to.
    pub is_at_max: bool,
}

impl Redriven {
    /// All queues together.
    #[must_use]
    pub fn total(&self) -> Moved {
        self.stages.values().fold(Moved::default(), |sum, one| Moved {
            moved: sum.moved + one.moved,
            not_understood: sum.not_understood + one.not_understood,
            came_back: sum.came_back + one.came_back,
            hidden: sum.hidden + one.hidden,
        })
    }
}

/// What a queue's letters have in common.
struct Round<'a, R, W> {
    redrive: &'a Redrive,
    stage: Stage,
    from: String,
    to: String,
    read: &'a R,
    watch: &'a mut W,
    done: &'a mut Redriven,
    begun: Timestamp,
    /// Bodies that were sent, by their hashes.
    sent: HashSet<ETag>,
    /// Letters that were moved, by their ids: one that is shown again was not deleted.
    moved: HashSet<String>,
    /// Letters that stay, with the receipts by which they are shown again in the end, and when those were given.
    kept: BTreeMap<String, (String, Timestamp)>,
}

/// What comes after a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The next one.
    GoOn,
    /// Nothing more: it is ended, or at its maximum.
    End,
}

impl<O, A, Q: Queues, C: Clock> Operator<O, A, Q, C> {
    /// Moves dead letters back. `read` says what a body is about, or why no stage understands it. What was done by
    /// the time it failed stands in `done`.
    ///
    /// # Errors
    /// A call that failed. No letter is deleted whose body was not sent.
    pub async fn redrive(
        &self,
        redrive: &Redrive,
        read: &impl Fn(&str) -> Result<Content, String>,
        watch: &mut impl Watch<Step>,
        done: &mut Redriven,
    ) -> Result<(), Fault> {
        for stage in redrive.stages.iter().copied() {
            done.stages.insert(stage, Moved::default());
            let mut round = Round {
                redrive,
                stage,
                from: redrive.names.dead_letters(stage),
                to: redrive.names.queue(stage),
                read,
                watch: &mut *watch,
                done: &mut *done,
                begun: self.clock.now(),
                sent: HashSet::new(),
                moved: HashSet::new(),
                kept: BTreeMap::new(),
            };
            let next = self.round(&mut round).await;
            // Also after a fault: what stays is shown at once, and not when its time is over. A release that fails is
            // made up for by that time.
            for (receipt, received) in std::mem::take(&mut round.kept).into_values() {
                if between(received, self.clock.now()) < HIDE {
                    let _shown_later = self.queues.release(&round.from, &receipt).await;
                }
            }
            if next? == Next::End {
                break;
            }
        }
        Ok(())
    }

    /// Works off one dead-letter queue.
    async fn round<R, W>(&self, round: &mut Round<'_, R, W>) -> Result<Next, Fault>
    where
        R: Fn(&str) -> Result<Content, String>,
        W: Watch<Step>,
    {
        let mut empty = 0;
        let mut waited = Duration::ZERO;
        loop {
            if round.watch.is_over() {
                round.done.is_cut_off = true;
                return Ok(Next::End);
            }
            let letters = self.queues.receive(&round.from, HIDE).await?;
            let received = self.clock.now();
            let mut is_new = false;
            let mut letters = letters.into_iter();
            while let Some(letter) = letters.next() {
                if between(received, self.clock.now()) > BEGIN_WITHIN {
                    // The rest of them is received again.
                    break;
                }
                is_new |= !round.kept.contains_key(&letter.id);
                if self.letter(round, letter, received).await? == Next::End {
                    round.keep(letters, received);
                    return Ok(Next::End);
                }
            }
            if is_new {
                (empty, waited) = (0, Duration::ZERO);
                continue;
            }
            empty += 1;
            let Depth { visible, hidden, .. } = self.queues.depth(&round.from).await?;
            // What this command keeps counts as hidden or, when its time is over, as visible.
            let others = (visible + hidden).saturating_sub(round.kept.len() as u64);
            if others > 0 && visible > 0 && empty < EMPTY_ANSWERS {
                continue;
            }
            if others == 0 || waited > HIDE {
                round.count(|moved| moved.hidden = others);
                return Ok(Next::GoOn);
            }
            let hidden = others;
            if waited.is_zero() {
                round.watch.see(&Step::Waiting { stage: round.stage, hidden });
            }
            pause(&self.clock, LOOK_AGAIN, round.watch).await;
            waited += LOOK_AGAIN;
        }
    }

    /// Deals with one letter.
    async fn letter<R, W>(
        &self,
        round: &mut Round<'_, R, W>,
        letter: Letter,
        received: Timestamp,
    ) -> Result<Next, Fault>
    where
        R: Fn(&str) -> Result<Content, String>,
        W: Watch<Step>,
    {
        if round.moved.contains(&letter.id) {
            // Its body was sent, and it is still there: the deletion was lost.
            self.queues.delete(&round.from, &letter.receipt).await?;
            return Ok(Next::GoOn);
        }
        if let Some(kept) = round.kept.get_mut(&letter.id) {
            *kept = (letter.receipt, received);
            return Ok(Next::GoOn);
        }
        if round.watch.is_over() {
            round.done.is_cut_off = true;
            round.keep([letter], received);
            return Ok(Next::End);
        }
        let content = (round.read)(&letter.body);
        let fate = round.fate(&letter, content.is_ok());
        if matches!(fate, Fate::Moved | Fate::Shown) && round.is_at_max() {
            round.done.is_at_max = true;
            round.keep([letter], received);
            return Ok(Next::End);
        }
        if fate == Fate::Moved {
            self.queues.send(&round.to, &letter.body).await?;
            round.sent.insert(hash(&letter.body));
            round.moved.insert(letter.id.clone());
            self.queues.delete(&round.from, &letter.receipt).await?;
        } else {
            round.kept.insert(letter.id.clone(), (letter.receipt.clone(), received));
        }
        round.count(|moved| match fate {
            Fate::Moved | Fate::Shown => moved.moved += 1,
            Fate::NotUnderstood => moved.not_understood += 1,
            Fate::CameBack => moved.came_back += 1,
        });
        round.watch.see(&Step::Letter { stage: round.stage, letter, content, fate });
        Ok(Next::GoOn)
    }
}

impl<R, W> Round<'_, R, W> {
    fn fate(&self, letter: &Letter, is_understood: bool) -> Fate {
        if !is_understood && !self.redrive.all {
            Fate::NotUnderstood
        } else if self.redrive.dry_run {
            Fate::Shown
        } else if letter.sent_at > self.begun && self.sent.contains(&hash(&letter.body)) {
            // Two letters of one body may both be old: an event is delivered at least once.
            Fate::CameBack
        } else {
            Fate::Moved
        }
    }

    fn is_at_max(&self) -> bool {
        self.redrive.max.is_some_and(|max| self.done.total().moved >= max)
    }

    fn count(&mut self, count: impl FnOnce(&mut Moved)) {
        count(self.done.stages.entry(self.stage).or_default());
    }

    /// These stay, and are shown again in the end.
    fn keep(&mut self, letters: impl IntoIterator<Item = Letter>, received: Timestamp) {
        self.kept.extend(letters.into_iter().map(|letter| (letter.id, (letter.receipt, received))));
    }
}

fn hash(body: &str) -> ETag {
    let mut hash = ContentHash::default();
    hash.update(body.as_bytes());
    hash.etag()
}
