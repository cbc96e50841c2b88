//! `gristmill status`.

use jiff::Timestamp;
use operator::names::Stage;
use operator::status::{Look, Mail, NoStatus, Progress, Recent, StageQueues};
use serde_json::{Value, json};
use shared::manifest::Status;
use shared::ports::{Clock as _, Depth};
use shared::record::NarratorKind;

use crate::arguments::StatusArguments;
use crate::cloud::{Screen, Stack, time, wait_for};
use crate::console::{Colour, Console, count, visible};
use crate::failure::{Exit, Failure};

/// Says how far files and runs are.
pub(crate) fn status(arguments: &StatusArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    wait_for(carry_out(arguments, console))
}

/// What there is to say.
struct Said {
    looks: Vec<Look>,
    recent: Option<Recent>,
    queues: Vec<(Stage, StageQueues)>,
}

async fn carry_out(arguments: &StatusArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let stack = Stack::connect(&arguments.stack, true).await?;
    let said = said(arguments, &stack).await?;
    let now = stack.operator.clock.now();
    let mut screen = Screen::new(console, arguments.stack.json, &stack);
    if screen.json {
        in_json(&mut screen, &said, now);
    } else {
        in_words(&mut screen, &said, &stack, now);
    }
    screen.finish()?;
    let is_in_trouble = said.looks.iter().any(|look| look.trouble(now).is_some());
    let is_dead = said.queues.iter().any(|(_, queues)| queues.dead_letters.total() > 0);
    Ok(if is_in_trouble || is_dead { Exit::Rejected } else { Exit::Good })
}

async fn said(arguments: &StatusArguments, stack: &Stack) -> Result<Said, Failure> {
    let Stack { operator, names, bucket, place, .. } = stack;
    let refused = |refused: NoStatus| match refused {
        NoStatus::Port(fault) => place.failure(&fault),
        other => Failure::usage(format!("{other}\n{}", remedy(&other))),
    };
    let mut said = Said { looks: Vec::new(), recent: None, queues: Vec::new() };
    match arguments.what.as_deref() {
        Some(run) if is_run(run) => {
            said.looks.push(operator.status_of_run(bucket, run).await.map_err(refused)?);
        }
        Some(key) => said.looks = operator.status_of_file(bucket, key).await.map_err(refused)?,
        None => {
            let last = usize::try_from(arguments.last).unwrap_or(usize::MAX);
            let recent = operator.status_of_last(bucket, last, arguments.days).await;
            let mut recent = recent.map_err(|fault| place.failure(&fault))?;
            said.looks = std::mem::take(&mut recent.looks);
            said.recent = Some(recent);
        }
    }
    if arguments.queues || arguments.what.is_none() {
        said.queues = operator.depths(names).await.map_err(|fault| place.failure(&fault))?;
    }
    Ok(said)
}

/// Whether it is a run's id, or how one begins. No key is: it begins with `input/`.
fn is_run(what: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (6..=32).contains(&what.len()) && what.bytes().all(is_digit)
}

fn remedy(refused: &NoStatus) -> &'static str {
    match refused {
        NoStatus::OutsideInput { .. } => {
            "name a key such as input/orders/may.csv, or a run by at least 6 of its 32 hexadecimal digits"
        }
        NoStatus::NoSuchFile { .. } => "check the key; without one, the newest runs are listed",
        NoStatus::NoSuchRun { .. } => {
            "a run is known by its id once it is split; before that, ask by the file's key"
        }
        NoStatus::Ambiguous { .. } => "name more of its digits",
        NoStatus::Port(_) => "",
    }
}

fn in_json(screen: &mut Screen<'_, '_>, said: &Said, now: Timestamp) {
    for look in &said.looks {
        screen.show(|| of_look(look, now), |_| String::new());
    }
    for (stage, StageQueues { queue, dead_letters }) in &said.queues {
        let json = || json!({ "stage": stage.as_str(), "queue": queue, "dead_letters": dead_letters });
        screen.show(json, |_| String::new());
    }
    if let Some(Recent { days, entries, open, .. }) = &said.recent {
        let json = || json!({ "summary": "status", "days": days, "entries": entries, "open": open });
        screen.show(json, |_| String::new());
    }
}

fn of_look(look: &Look, now: Timestamp) -> Value {
    let mut value = serde_json::to_value(look).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        let trouble = look.trouble(now);
        fields.insert("age_seconds".to_owned(), json!(look.age(now).as_secs()));
        fields.insert("waits_for".to_owned(), json!(look.waits_for()));
        fields.insert("trouble".to_owned(), json!(trouble));
        fields.insert("advice".to_owned(), json!(trouble.map(|trouble| look.advice(trouble))));
    }
    value
}

fn in_words(screen: &mut Screen<'_, '_>, said: &Said, stack: &Stack, now: Timestamp) {
    let mut text = String::new();
    match &said.recent {
        Some(recent) => text.push_str(&listing(screen.console, &said.looks, recent, now)),
        None => {
            for look in &said.looks {
                text.push_str(&details(screen.console, look, now));
            }
        }
    }
    if !said.queues.is_empty() {
        text.push('\n');
        text.push_str(&depths(screen.console, &said.queues, stack));
    }
    screen.show(Value::default, |_| text);
}

/// A look over several lines.
fn details(console: &Console<'_>, look: &Look, now: Timestamp) -> String {
    let mut text = format!("{}  {}\n", stage(console, look, now), visible(&look.source.key));
    let mut entry = |name: &str, value: String| text.push_str(&format!("  {name:<9}  {value}\n"));
    if let Some(version_id) = &look.source.version_id {
        entry("version", visible(version_id));
    }
    if let Some(stored) = look.stored {
        entry("stored", format!("{}, {} ago", time::to_the_second(stored), ago(stored, now)));
    }
    if let Some(run_id) = &look.run_id {
        let kind = match (look.is_replay, look.is_duplicate) {
            (true, _) => ", a forced replay",
            (false, true) => ", that of an earlier upload of the same bytes",
            (false, false) => "",
        };
        entry("run", format!("{run_id}, begun {} ago{kind}", ago(look.since, now)));
    }
    if let Some(outcome) = &look.outcome {
        entry("outcome", format!("{} ({})", rows(look), visible(&outcome.dataset)));
    }
    if let Some(narrator) = look.narrator {
        entry("words", narrator.as_str().to_owned());
    }
    if look.mail != Mail::None {
        entry("mail", mail(&look.mail));
    }
    if let Some(waits_for) = look.waits_for() {
        entry("waits for", waits_for);
    }
    if let Some(trouble) = look.trouble(now) {
        entry("next", look.advice(trouble));
    }
    text
}

/// One line a look, the newest first.
fn listing(console: &Console<'_>, looks: &[Look], recent: &Recent, now: Timestamp) -> String {
    let Recent { days, entries, open, .. } = recent;
    let days = if *days == 1 { "day".to_owned() } else { format!("{days} days") };
    let mut text = format!(
        "{} of {} runs of files that were stored in the last {days}; {} not finished\n",
        count(looks.len() as u64),
        count(*entries),
        count(*open)
    );
    let width = looks.iter().map(|look| rows(look).len()).max().unwrap_or_default().max("outcome".len());
    if !looks.is_empty() {
        let heading = format!("{:<width$}", "outcome");
        text.push_str(&format!("\n age  stage       {heading}  words     mail       run           file\n"));
    }
    for look in looks {
        let run = look.run_id.as_ref().map(|run| run.short()).unwrap_or_default();
        let mark = if look.is_replay { " (replay)" } else { "" };
        text.push_str(&format!(
            "{:>4}  {}  {:<width$}  {:<8}  {:<9}  {run:<12}  {}{mark}\n",
            time::age(look.age(now)),
            padded(&stage(console, look, now), look.progress.as_str().len(), 10),
            rows(look),
            look.narrator.map_or("", NarratorKind::as_str),
            mail_word(&look.mail),
            visible(&look.source.key),
        ));
    }
    for look in looks {
        if let Some(trouble) = look.trouble(now) {
            let key = visible(&look.source.key);
            text.push_str(&format!(
                "\n{}  {key}: {}\n",
                console.paint(Colour::Red, "stuck"),
                look.advice(trouble)
            ));
        }
    }
    text
}

fn depths(console: &Console<'_>, queues: &[(Stage, StageQueues)], stack: &Stack) -> String {
    let name = |stage: Stage| stack.names.queue(stage);
    let width = queues.iter().map(|(stage, _)| name(*stage).len()).max().unwrap_or_default();
    let mut text = format!("{:<width$}  waiting  hidden  delayed  dead letters\n", "queue");
    let mut dead = 0;
    for (stage, StageQueues { queue: Depth { visible, hidden, delayed }, dead_letters }) in queues {
        dead += dead_letters.total();
        text.push_str(&format!(
            "{:<width$}  {:>7}  {:>6}  {:>7}  {:>12}\n",
            name(*stage),
            count(*visible),
            count(*hidden),
            count(*delayed),
            count(dead_letters.total())
        ));
    }
    if dead > 0 {
        let word = console.paint(Colour::Red, "dead letters");
        text.push_str(&format!(
            "\n{word}: gristmill redrive --dry-run shows them; gristmill redrive moves them back\n"
        ));
    }
    text
}

/// The stage in a colour that says how it fares.
fn stage(console: &Console<'_>, look: &Look, now: Timestamp) -> String {
    let colour = match (look.trouble(now), look.progress) {
        (Some(_), _) => Colour::Red,
        (None, Progress::Finished) => Colour::Green,
        (None, _) => Colour::Cyan,
    };
    console.paint(colour, look.progress.as_str())
}

/// A painted word, followed by as many blanks as make it so wide.
fn padded(painted: &str, length: usize, width: usize) -> String {
    format!("{painted}{}", " ".repeat(width.saturating_sub(length)))
}

fn rows(look: &Look) -> String {
    let Some(outcome) = &look.outcome else { return String::new() };
    let rows = outcome.rows;
    match (outcome.status, &outcome.code) {
        (Status::Completed, _) => {
            format!("completed, {} of {} rows", count(rows.valid), count(rows.total))
        }
        (status, Some(code)) => format!("{}, {code}", status.as_str()),
        (status, None) => status.as_str().to_owned(),
    }
}

fn mail_word(mail: &Mail) -> &'static str {
    match mail {
        Mail::None => "",
        Mail::Claimed => "begun",
        Mail::Unsettled { .. } => "unsettled",
        Mail::Sent { .. } => "sent",
        Mail::Refused { .. } => "refused",
        Mail::Parked { .. } => "parked",
    }
}

fn mail(mail: &Mail) -> String {
    let at =
        |at: &Option<Timestamp>| at.map(|at| format!(" at {}", time::to_the_second(at))).unwrap_or_default();
    match mail {
        Mail::None | Mail::Claimed => mail_word(mail).to_owned(),
        Mail::Unsettled { since } => format!("nobody knows yet how a send ended that began{}", at(since)),
        Mail::Sent { at: sent } => format!("sent{}", at(sent)),
        Mail::Refused { code, at: refused } => {
            let code = code.as_ref().map(|code| format!(" ({})", visible(code))).unwrap_or_default();
            format!("refused{code}{}", at(refused))
        }
        Mail::Parked { since } => format!("parked{}: nobody knows whether it is out", at(since)),
    }
}

fn ago(then: Timestamp, now: Timestamp) -> String {
    time::age(now.duration_since(then))
}
