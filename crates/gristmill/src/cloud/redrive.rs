//! `gristmill redrive`.

use std::error::Error as _;

use aws::trigger::{self, Arrival, Trigger};
use operator::Watch;
use operator::names::Stage;
use operator::redrive::{Content, Fate, Moved, Redrive, Redriven, Step};
use serde_json::json;
use shared::events::PipelineEvent;
use shared::ports::{Clock as _, Letter};

use crate::arguments::{RedriveArguments, StageName};
use crate::cloud::{Screen, Stack, time, wait_for};
use crate::console::{Colour, Console, count, counted, visible};
use crate::failure::{Exit, Failure};

/// Moves dead letters back into their queues.
pub(crate) fn redrive(arguments: &RedriveArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    wait_for(carry_out(arguments, console))
}

async fn carry_out(arguments: &RedriveArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let stack = Stack::connect(&arguments.stack, false).await?;
    let redrive = Redrive {
        names: stack.names.clone(),
        stages: stages(&arguments.stage),
        max: arguments.max,
        all: arguments.all,
        dry_run: arguments.dry_run,
    };
    let mut screen = Screen::new(console, arguments.stack.json, &stack);
    let mut done = Redriven::default();
    let mut shown = Shown { screen: &mut screen, stack: &stack };
    let ended = stack.operator.redrive(&redrive, &content, &mut shown, &mut done).await;
    if ended.is_ok() || done.total() != Moved::default() {
        summary(&mut screen, &redrive, &done, ended.is_ok());
    }
    screen.finish()?;
    ended.map_err(|fault| stack.place.failure(&fault))?;
    let is_left = done.is_cut_off || done.total().left() > 0;
    Ok(if is_left { Exit::Rejected } else { Exit::Good })
}

fn stages(named: &[StageName]) -> Vec<Stage> {
    let is_wanted = |stage: &Stage| {
        let name = match stage {
            Stage::Processor => StageName::Processor,
            Stage::Analyzer => StageName::Analyzer,
            Stage::Notifier => StageName::Notifier,
        };
        named.is_empty() || named.contains(&name)
    };
    Stage::ALL.into_iter().filter(is_wanted).collect()
}

/// What a body is about, by the very code that reads it in the functions.
fn content(body: &str) -> Result<Content, String> {
    let message = trigger::parse(body).map_err(|error| match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    })?;
    Ok(match message.trigger {
        Trigger::Arrivals(arrivals) => of_arrivals(&arrivals),
        Trigger::Pipeline(event) => of_event(&event),
        Trigger::Feedback(feedback) => Content {
            kind: format!("mail {}", feedback.kind.as_str()),
            run_id: Some(feedback.run_id.to_string()),
            key: None,
        },
        Trigger::Unrelated { kind } => Content { kind, ..Content::default() },
    })
}

fn of_arrivals(arrivals: &[Arrival]) -> Content {
    let key = arrivals.first().map(|arrival| arrival.source.key.clone());
    let kind = if arrivals.iter().any(|arrival| arrival.nonce.is_some()) {
        "Object Created, forced"
    } else {
        "Object Created"
    };
    Content { kind: kind.to_owned(), run_id: None, key }
}

fn of_event(event: &PipelineEvent) -> Content {
    let run_id = match event {
        PipelineEvent::ProcessingComplete(event) => Some(event.run_id.to_string()),
        PipelineEvent::FileRejected(event) => Some(event.run_id.to_string()),
        PipelineEvent::AnalysisComplete(event) => Some(event.run_id.to_string()),
        PipelineEvent::FileOverlooked(_) | PipelineEvent::SweepDue(_) => None,
    };
    Content { kind: event.detail_type().to_owned(), run_id, key: event.about().1.map(str::to_owned) }
}

/// Shows each letter.
struct Shown<'s, 'a, 'c> {
    screen: &'s mut Screen<'a, 'c>,
    stack: &'s Stack,
}

impl Watch<Step> for Shown<'_, '_, '_> {
    fn see(&mut self, step: &Step) {
        let (stage, letter, content, fate) = match step {
            Step::Letter { stage, letter, content, fate } => (*stage, letter, content, *fate),
            Step::Waiting { stage, hidden } => {
                let queue = self.stack.names.dead_letters(*stage);
                let letters = counted(*hidden, "letter");
                return self.screen.console.say(&format!(
                    "waiting: {letters} of {queue} received by another command, or by one that was killed"
                ));
            }
        };
        let age = self.stack.operator.clock.now().duration_since(letter.sent_at);
        let known = content.as_ref().ok();
        let json = || {
            json!({
                "stage": stage.as_str(),
                "message_id": letter.id,
                "kind": known.map(|content| &content.kind),
                "run_id": known.and_then(|content| content.run_id.as_ref()),
                "key": known.and_then(|content| content.key.as_ref()),
                "reason": content.as_ref().err(),
                "sent": letter.sent_at,
                "age_seconds": age.as_secs(),
                "receives": letter.receives,
                "action": action(fate).0.replace(' ', "-"),
            })
        };
        self.screen.show(json, |console| told(console, letter, content, fate, &time::age(age)));
    }

    fn is_over(&self) -> bool {
        self.screen.is_over()
    }
}

fn action(fate: Fate) -> (&'static str, Colour) {
    match fate {
        Fate::Moved => ("moved", Colour::Green),
        Fate::Shown => ("dead", Colour::Cyan),
        Fate::NotUnderstood => ("left", Colour::Yellow),
        Fate::CameBack => ("came back", Colour::Red),
    }
}

/// A line on a letter.
fn told(
    console: &Console<'_>,
    letter: &Letter,
    content: &Result<Content, String>,
    fate: Fate,
    age: &str,
) -> String {
    let (word, colour) = action(fate);
    let mut text = console.paint(colour, word);
    let times = counted(letter.receives.into(), "time");
    match content {
        Ok(Content { kind, run_id, key }) => {
            text.push_str(&format!("  {}", visible(kind)));
            if let Some(key) = key {
                text.push_str(&format!("  {}", visible(key)));
            }
            if let Some(run_id) = run_id {
                text.push_str(&format!("  run {run_id}"));
            }
        }
        Err(reason) => {
            let begin: String = letter.body.chars().take(60).collect();
            text.push_str(&format!("  {}: {:?}", visible(reason), begin));
        }
    }
    text.push_str(&format!("  ({age} old, received {times})\n"));
    text
}

fn summary(screen: &mut Screen<'_, '_>, redrive: &Redrive, done: &Redriven, is_through: bool) {
    let is_complete = is_through && !done.is_cut_off && !done.is_at_max;
    for (stage, moved) in &done.stages {
        let Moved { moved: letters, not_understood, came_back, hidden } = *moved;
        let queue = redrive.names.queue(*stage);
        let json = || {
            json!({
                "summary": "redrive",
                "stage": stage.as_str(),
                "queue": queue,
                "moved": if redrive.dry_run { 0 } else { letters },
                "letters": letters,
                "not_understood": not_understood,
                "came_back": came_back,
                "hidden": hidden,
                "complete": is_complete,
            })
        };
        screen.show(json, |_| {
            let done = if redrive.dry_run { "to be moved" } else { "moved" };
            let mut text = format!("{queue}: {} {done}", counted(letters, "dead letter"));
            for (number, what) in [
                (not_understood, "that no stage understands left (--all moves them)"),
                (came_back, "dead again, left for another redrive"),
                (hidden, "still hidden by another command"),
            ] {
                if number > 0 {
                    text.push_str(&format!("; {} {what}", count(number)));
                }
            }
            text.push('\n');
            text
        });
    }
    if !is_complete && !screen.json {
        let why = if done.is_at_max { "that is --max" } else { "it was ended early" };
        screen.console.say(&format!("{why}: start it again for the rest"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> String {
        let path = format!("{}/../../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_letter_says_what_it_is_about() {
        for (name, kind, has_run, has_key) in [
            ("s3_object_created", "Object Created", false, true),
            ("s3_notification", "Object Created", false, true),
            ("processing_complete", "Processing Complete", true, true),
            ("file_rejected", "File Rejected", true, true),
            ("analysis_complete", "Analysis Complete", true, true),
            ("file_overlooked", "File Overlooked", false, true),
            ("sweep_due", "Sweep Due", false, false),
            ("ses_email_bounced", "mail bounced", true, false),
            ("s3_object_deleted", "Object Deleted", false, false),
        ] {
            let content = content(&event(name)).unwrap();
            let found = (content.kind.as_str(), content.run_id.is_some(), content.key.is_some());
            assert_eq!(found, (kind, has_run, has_key), "{name}");
        }
        assert!(content("hello").unwrap_err().contains("not JSON"));
        assert!(content("{}").unwrap_err().contains("neither an event"));
    }
}
