//! `gristmill infer`.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use shared::contract::Contract;
use shared::infer::{Draft, MAX_BYTES, MAX_ROWS, Survey};
use shared::rows::{Layout, Limits, Reader, Step};
use shared::split::Opening;
use shared::validate::check_labels;
use shared::violation::Verdict;

use crate::arguments::InferArguments;
use crate::console::{Console, counted};
use crate::contracts::exist;
use crate::failure::{Exit, Failure};

/// Drafts a contract from a sample of a file.
pub(crate) fn infer(arguments: &InferArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let file = &arguments.file;
    exist(std::slice::from_ref(file))?;
    let shown = file.display().to_string();
    let failed = |error: &io::Error| Failure::program(format!("{shown}: the file cannot be read: {error}"));
    let survey = match opening(file).map_err(|error| failed(&error))? {
        Ok((layout, labels)) => survey(file, layout, &labels).map_err(|error| failed(&error))?,
        Err(verdict) => {
            let Verdict { code, reason } = verdict;
            return Err(Failure { exit: Exit::Rejected, message: format!("{shown}: {reason} [{code}]") });
        }
    };
    let draft = survey.draft(&file.file_name().unwrap_or_default().to_string_lossy());
    let text = written(&shown, &draft)?;
    for guess in &draft.guesses {
        console.say(guess);
    }
    console.say(&format!("drafted from {}; read it before you rely on it", counted(survey.rows(), "row")));
    match &arguments.out {
        None => console.print(&text)?,
        Some(out) => {
            save(out, &text)?;
            console.say(&format!("next: gristmill check {shown} --contract {}", out.display()));
        }
    }
    Ok(Exit::Good)
}

/// The draft as a file, which is a sound contract.
fn written(file: &str, draft: &Draft) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(&draft.descriptor).map_err(|error| {
        Failure::program(format!("{file}: the contract cannot be written as JSON: {error}"))
    })?;
    text.push('\n');
    // What a header can hold and a contract cannot: more columns, names that are too long.
    Contract::parse(text.as_bytes()).map_err(|broken| {
        let problems: Vec<String> =
            broken.problems.iter().map(|problem| format!("{file}: {problem}")).collect();
        Failure { exit: Exit::Rejected, message: problems.join("\n") }
    })?;
    Ok(text)
}

/// Never replaces a file: it may have been corrected by hand.
fn save(out: &Path, text: &str) -> Result<(), Failure> {
    let shown = out.display();
    if let Some(parent) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)
            .map_err(|error| Failure::program(format!("{}: {error}", parent.display())))?;
    }
    let written = File::create_new(out).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{shown}: the file exists; name another one or remove it"))
        }
        _ => Failure::program(format!("{shown}: the contract cannot be written: {error}")),
    })
}

/// The layout and the header of a file.
fn opening(file: &Path) -> io::Result<Result<(Layout, Vec<String>), Verdict>> {
    let mut file = File::open(file)?;
    let mut opening = Opening::new(Limits::STANDARD);
    while !opening.is_ready() {
        let count = fill(&mut file, opening.space())?;
        opening.filled(count);
    }
    Ok(opening.regular().and_then(|(layout, labels)| check_labels(&labels).map(|()| (layout, labels))))
}

/// Looks at the first records of a file.
fn survey(file: &Path, layout: Layout, labels: &[String]) -> io::Result<Survey> {
    let mut file = File::open(file)?.take(MAX_BYTES);
    let mut reader = Reader::new(layout, Limits::STANDARD);
    let mut survey = Survey::new(labels);
    loop {
        match reader.next_record() {
            Step::Record(record) if record.number == 0 => {}
            Step::Record(record) => {
                survey.add(&record);
                if survey.rows() == MAX_ROWS {
                    return Ok(survey);
                }
            }
            Step::NeedInput => {
                let count = fill(&mut file, reader.space())?;
                if count == 0 && file.limit() == 0 {
                    // The last record is cut; it is not looked at.
                    return Ok(survey);
                }
                reader.filled(count);
            }
            Step::End | Step::Unterminated { .. } => return Ok(survey),
        }
    }
}

fn fill(file: &mut impl io::Read, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(space) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
