//! `gristmill run`.

use std::path::Path;
use std::time::Instant;

use crate::arguments::RunArguments;
use crate::console::Console;
use crate::contracts::{Contracts, for_each_file};
use crate::failure::{Exit, Failure};
use crate::local::OutboxFiles;
use crate::result::{FileResult, line};
use crate::stages::{self, Ran};
use crate::{opener, split, summary};

/// Runs all three stages over every file.
pub(crate) fn run(arguments: &RunArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    for_each_file(&arguments.files, &arguments.choice, console, |file, contracts, console| {
        one(file, arguments, contracts, console)
    })
}

fn one(
    file: &Path,
    arguments: &RunArguments,
    contracts: &Contracts,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let begun = Instant::now();
    let shown = file.display().to_string();
    let objects = split::objects(file, &arguments.out, contracts, console)?;
    let ran = stages::run(&objects, &shown);
    objects.progress.clear();
    let ran = ran?;
    let result = FileResult::of_run(&shown, &arguments.out, &ran, begun.elapsed());
    split::remark(&result, console);
    contracts.remark(&shown, &ran.processed.manifest, console);
    let report = OutboxFiles::of(&stages::outbox(&arguments.out), &ran.processed.manifest.run_id).html;
    let opened = arguments.open && opener::open(&report);
    if arguments.json {
        console.print(&line(&result)?)?;
    } else {
        console.print(&text(console, &result, &ran, opened))?;
    }
    if arguments.open && !opened {
        console.say(&format!("nothing on this machine opens reports; yours is {}", report.display()));
    }
    Ok(result.exit())
}

fn text(console: &Console<'_>, result: &FileResult, ran: &Ran, opened: bool) -> String {
    let mut text = summary::head(console, result);
    text.push_str(&summary::rows(&ran.processed.manifest));
    text.push_str(&summary::outputs(result));
    if let Some(record) = &ran.record {
        text.push_str(&summary::headlines(record));
    }
    if let (Some(html), false) = (&result.paths.html, opened) {
        text.push_str(&summary::next(&opener::hint(Path::new(html))));
    }
    text
}
