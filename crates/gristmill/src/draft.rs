//! `gristmill infer`.

mod pretty;

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::Path;

use shared::infer::{Draft, MAX_BYTES};
use shared::intake::{ArchiveLimits, Gunzip, Taken, is_gzip};
use shared::violation::Verdict;

use crate::arguments::InferArguments;
use crate::console::{Console, count, counted};
use crate::contracts::exist;
use crate::failure::{Exit, Failure};

/// The start of a file, unpacked where it is a gzip archive.
struct Sample {
    bytes: Vec<u8>,
    /// Whether that is all of the file.
    whole: bool,
}

/// Drafts a contract from a sample of a file.
pub(crate) fn infer(arguments: &InferArguments, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let file = &arguments.file;
    exist(std::slice::from_ref(file))?;
    let shown = file.display().to_string();
    let refused = |verdict: Verdict| {
        let Verdict { code, reason } = verdict;
        Failure { exit: Exit::Rejected, message: format!("{shown}: {reason} [{code}]") }
    };
    let sample = Sample::of(file)
        .map_err(|error| Failure::program(format!("{shown}: the file cannot be read: {error}")))?
        .map_err(refused)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let draft = shared::infer::draft(&sample.bytes, sample.whole, &name).map_err(refused)?;
    for guess in &draft.guesses {
        console.say(&guess.to_string());
    }
    console.say(&basis(&draft, sample.whole));
    let text = pretty::text(&draft.descriptor);
    match &arguments.out {
        None => console.print(&text)?,
        Some(out) => {
            save(out, &text)?;
            console.say(&format!("next: gristmill check {shown} --contract {}", out.display()));
        }
    }
    Ok(Exit::Good)
}

/// What the draft was made from, and how much of that it accepts.
fn basis(draft: &Draft, whole: bool) -> String {
    let Draft { rows, accepted, broken, .. } = draft;
    let mut text = format!("drafted from {}{}", if whole { "" } else { "the first " }, counted(*rows, "row"));
    if *broken > 0 {
        let left = if *broken == 1 { "is" } else { "are" };
        text.push_str(&format!("; {} of broken form {left} left out", counted(*broken, "row")));
    }
    if *rows > 0 {
        // Rounded down: 100 % means all of them.
        let share = accepted * 1000 / rows;
        let percent = format!("{}.{} %", share / 10, share % 10);
        text.push_str(&format!("; the draft accepts {} of them ({percent})", count(*accepted)));
    }
    text.push_str("; read it before you rely on it");
    text
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

impl Sample {
    /// Reads the start of a file.
    fn of(path: &Path) -> io::Result<Result<Self, Verdict>> {
        let mut file = File::open(path)?;
        let mut bytes = Vec::new();
        // One byte more than is wanted shows that there is more.
        (&mut file).take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if is_gzip(&bytes) {
            return Self::unpacked(bytes, &mut file);
        }
        let whole = bytes.len() as u64 <= MAX_BYTES;
        bytes.truncate(most());
        Ok(Ok(Self { bytes, whole }))
    }

    fn unpacked(start: Vec<u8>, file: &mut File) -> io::Result<Result<Self, Verdict>> {
        let mut gunzip = Gunzip::new(start, ArchiveLimits::STANDARD);
        let (mut bytes, mut end) = (vec![0; most()], 0);
        loop {
            let space = bytes.get_mut(end..).unwrap_or_default();
            if space.is_empty() {
                return Ok(Ok(Self { bytes, whole: false }));
            }
            match gunzip.read(space) {
                Err(verdict) => return Ok(Err(verdict)),
                Ok(Taken::Bytes(count)) => end += count,
                Ok(Taken::NeedInput) => {
                    let count = fill(file, gunzip.space())?;
                    gunzip.filled(count);
                }
                Ok(Taken::End) => {
                    bytes.truncate(end);
                    return Ok(Ok(Self { bytes, whole: true }));
                }
            }
        }
    }
}

/// How much of a file is looked at.
fn most() -> usize {
    usize::try_from(MAX_BYTES).unwrap_or(usize::MAX)
}

fn fill(file: &mut impl Read, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(space) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
