//! `gristmill backfill`.

use operator::Watch;
use operator::backfill::{Backfill, Backfilled, NotBackfilled, Step};
use operator::names::Stage;
use serde_json::json;
use shared::ports::Clock as _;

use crate::arguments::BackfillArguments;
use crate::cloud::{Screen, Stack, bounds, replay, time, wait_for};
use crate::console::{Colour, Console, count, counted};
use crate::failure::{Exit, Failure};

/// How many files are looked at between two lines that say where it is.
const PROGRESS_EVERY: u64 = 100;

/// Announces the files that the ledger does not know.
pub(crate) fn backfill(arguments: &BackfillArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    wait_for(carry_out(arguments, console))
}

async fn carry_out(arguments: &BackfillArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let bounds = bounds(&arguments.pace)?;
    let stack = Stack::connect(&arguments.stack, true).await?;
    let backfill = Backfill {
        bucket: stack.bucket.clone(),
        queue: stack.names.queue(Stage::Processor),
        prefix: arguments.prefix.clone(),
        behind: arguments.from.clone(),
        bounds,
        max: arguments.max,
        id: format!("backfill-{}", time::as_word(stack.operator.clock.now())),
        dry_run: arguments.dry_run,
    };
    let mut screen = Screen::new(console, arguments.stack.json, &stack);
    let mut done = Backfilled::default();
    let mut shown = Shown { screen: &mut screen, dry_run: arguments.dry_run, seen: 0, announced: 0 };
    let ended = stack.operator.backfill(&backfill, &mut shown, &mut done).await;
    if ended.is_ok() || done.announced + done.known + done.deleted > 0 {
        summary(&mut screen, &backfill, &done, ended.is_ok());
    }
    screen.finish()?;
    match ended {
        Ok(()) => Ok(if done.is_cut_off { Exit::Rejected } else { Exit::Good }),
        Err(NotBackfilled::Port(fault)) => Err(stack.place.failure(&fault)),
        Err(refused) => Err(Failure::usage(format!("{refused}\nname a prefix such as input/orders/"))),
    }
}

/// Shows what was announced, and where it is.
struct Shown<'s, 'a, 'c> {
    screen: &'s mut Screen<'a, 'c>,
    dry_run: bool,
    seen: u64,
    announced: u64,
}

impl Watch<Step> for Shown<'_, '_, '_> {
    fn see(&mut self, step: &Step) {
        let version = match step {
            Step::Waiting(depth) => {
                let deep = counted(depth.total(), "message");
                return self.screen.console.say(&format!("waiting: the processor's queue has {deep}"));
            }
            Step::Announced(version) => {
                self.announced += 1;
                if !self.dry_run {
                    let json = || {
                        json!({
                            "file": version.source.key,
                            "version_id": version.source.version_id,
                            "size": version.source.size,
                            "stored": version.last_modified,
                            "action": "announced",
                        })
                    };
                    let words =
                        |console: &Console<'_>| replay::told(console, version, "announced", Colour::Green);
                    self.screen.show(json, words);
                }
                version
            }
            Step::Known(version) | Step::Deleted(version) => version,
        };
        self.seen += 1;
        if self.seen.is_multiple_of(PROGRESS_EVERY) {
            let (seen, announced) = (counted(self.seen, "file"), count(self.announced));
            let key = &version.source.key;
            self.screen.console.say(&format!("{seen} looked at, {announced} unknown; at --from {key:?}"));
        }
    }

    fn is_over(&self) -> bool {
        self.screen.is_over()
    }
}

fn summary(screen: &mut Screen<'_, '_>, backfill: &Backfill, done: &Backfilled, is_through: bool) {
    let Backfilled { announced, known, deleted, last, is_cut_off, is_at_max } = done;
    let is_complete = is_through && !is_cut_off && !is_at_max;
    let json = || {
        json!({
            "summary": "backfill",
            "announced": if backfill.dry_run { 0 } else { *announced },
            "unknown": announced,
            "known": known,
            "deleted": deleted,
            "last": last,
            "complete": is_complete,
        })
    };
    screen.show(json, |_| {
        let would = if backfill.dry_run { " would be" } else { "" };
        let mut text = format!("{}{would} announced; {} known", counted(*announced, "file"), count(*known));
        if *deleted > 0 {
            text.push_str(&format!(", {} deleted", count(*deleted)));
        }
        if !is_complete {
            let why = if *is_at_max { "that is --max" } else { "it was ended early" };
            let from =
                last.as_ref().map(|last| format!(", or sooner with --from {last:?}")).unwrap_or_default();
            text.push_str(&format!("; {why}: start it again{from}"));
        }
        text.push('\n');
        text
    });
}
