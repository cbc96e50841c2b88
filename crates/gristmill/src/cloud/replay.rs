//! `gristmill replay`.

use jiff::Timestamp;
use operator::Watch;
use operator::replay::{NotReplayed, Replay, Replayed, Step, Wanted};
use serde_json::json;
use shared::keys::INPUT_PREFIX;
use shared::ports::{Clock as _, StoredVersion};

use crate::arguments::ReplayArguments;
use crate::cloud::{Screen, Stack, bounds, time, wait_for};
use crate::console::{Colour, Console, count, counted, visible};
use crate::failure::{Exit, Failure};

/// Announces files again.
pub(crate) fn replay(arguments: &ReplayArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    wait_for(carry_out(arguments, console))
}

async fn carry_out(arguments: &ReplayArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let bounds = bounds(&arguments.pace)?;
    let begun = aws::clock::SystemClock.now();
    let wanted = wanted(arguments, begun)?;
    let stack = Stack::connect(&arguments.stack, true).await?;
    let id = format!("replay-{}", time::as_word(begun));
    let nonce = arguments.force.then(|| arguments.nonce.clone().unwrap_or_else(|| id.clone()));
    let replay = Replay {
        bucket: stack.bucket.clone(),
        queue: stack.names.queue(operator::names::Stage::Processor),
        wanted,
        nonce,
        bounds,
        id,
        dry_run: arguments.dry_run,
    };
    if let Some(nonce) = &replay.nonce {
        // Before the first message: whoever is cut off needs it.
        console.say(&format!(
            "nonce {nonce}: the same again, with --force --nonce {nonce}, means the same runs"
        ));
    }
    let mut screen = Screen::new(console, arguments.stack.json, &stack);
    let mut done = Replayed::default();
    let mut shown = Shown { screen: &mut screen, replay: &replay };
    let ended = stack.operator.replay(&replay, &mut shown, &mut done).await;
    if ended.is_ok() || done != Replayed::default() {
        summary(&mut screen, &replay, done, ended.is_ok());
    }
    screen.finish()?;
    match ended {
        Ok(()) => Ok(if done.is_cut_off { Exit::Rejected } else { Exit::Good }),
        Err(NotReplayed::Port(fault)) => Err(stack.place.failure(&fault)),
        Err(refused) => Err(Failure::usage(format!("{refused}\n{}", remedy(&refused, &stack.bucket)))),
    }
}

fn wanted(arguments: &ReplayArguments, now: Timestamp) -> Result<Wanted, Failure> {
    if let Some(key) = &arguments.key {
        if key.ends_with('/') {
            return Err(Failure::usage(format!(
                "{key} is a folder and no file\nfor all files in it: gristmill replay --prefix {key}"
            )));
        }
        return Ok(Wanted::File { key: key.clone(), version_id: arguments.version_id.clone() });
    }
    let since = arguments.since.as_deref().map(|since| time::since(since, now)).transpose()?;
    let prefix = arguments.prefix.clone().unwrap_or_else(|| INPUT_PREFIX.to_owned());
    Ok(Wanted::Below { prefix, since })
}

fn remedy(refused: &NotReplayed, bucket: &str) -> String {
    match refused {
        NotReplayed::OutsideInput { key } => {
            let name = shared::keys::file_name(key);
            format!(
                "put the file there: aws s3 cp s3://{bucket}/{key} s3://{bucket}/{INPUT_PREFIX}<dataset>/{name}, \
                 which announces it by itself"
            )
        }
        NotReplayed::NoSuchFile { key } => {
            format!("see what there is: aws s3 ls s3://{bucket}/{}", folder(key))
        }
        NotReplayed::NoSuchVersion { key, .. } => {
            format!("see what there is: gristmill status {key}")
        }
        NotReplayed::Port(_) => String::new(),
    }
}

fn folder(key: &str) -> &str {
    key.rfind('/').and_then(|slash| key.get(..=slash)).unwrap_or_default()
}

/// Shows each step.
struct Shown<'s, 'a, 'c> {
    screen: &'s mut Screen<'a, 'c>,
    replay: &'s Replay,
}

impl Watch<Step> for Shown<'_, '_, '_> {
    fn see(&mut self, step: &Step) {
        let (version, word, colour) = match step {
            Step::Announced(version) if self.replay.dry_run => (version, "would be announced", Colour::Cyan),
            Step::Announced(version) => (version, "announced", Colour::Green),
            Step::Deleted(version) => (version, "left out, deleted", Colour::Yellow),
            Step::Waiting(depth) => {
                let deep = counted(depth.total(), "message");
                return self.screen.console.say(&format!("waiting: the processor's queue has {deep}"));
            }
        };
        let json = || {
            json!({
                "file": version.source.key,
                "version_id": version.source.version_id,
                "size": version.source.size,
                "stored": version.last_modified,
                "action": word.replace(", ", "-").replace(' ', "-"),
            })
        };
        self.screen.show(json, |console| told(console, version, word, colour));
    }

    fn is_over(&self) -> bool {
        self.screen.is_over()
    }
}

/// A line on a file.
pub(crate) fn told(console: &Console<'_>, version: &StoredVersion, word: &str, colour: Colour) -> String {
    let word = console.paint(colour, word);
    let size = counted(version.source.size, "byte");
    let stored = time::to_the_second(version.last_modified);
    format!("{word}  {}  ({size}, {stored})\n", visible(&version.source.key))
}

fn summary(screen: &mut Screen<'_, '_>, replay: &Replay, done: Replayed, is_through: bool) {
    let Replayed { announced, deleted, is_cut_off } = done;
    let is_complete = is_through && !is_cut_off;
    let json = || {
        json!({
            "summary": "replay",
            "announced": if replay.dry_run { 0 } else { announced },
            "files": announced,
            "deleted": deleted,
            "nonce": replay.nonce,
            "complete": is_complete,
        })
    };
    screen.show(json, |_| {
        let would = if replay.dry_run { " would be" } else { "" };
        let kind = match (&replay.nonce, announced) {
            (None, _) => "",
            (Some(_), 1) => " as a new run",
            (Some(_), _) => " as new runs",
        };
        let mut text = format!("{}{would} announced{kind}", counted(announced, "file"));
        if deleted > 0 {
            text.push_str(&format!("; {} deleted and left out", count(deleted)));
        }
        if !is_complete {
            let again = replay.nonce.as_ref();
            let again = again.map(|nonce| format!(" with --nonce {nonce}")).unwrap_or_default();
            text.push_str(&format!("; it was ended early: start it again{again}"));
        }
        text.push('\n');
        text
    });
}
