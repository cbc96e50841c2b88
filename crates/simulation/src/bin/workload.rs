//! Writes the simulation's workload to a folder, for whoever does the same to a real bucket.
//!
//! `workload.json` is a list of what is done when ([`simulation::script::with_samples`]), each with the name of the file beside it that
//! holds the bytes, where it has some.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use clap::Parser;
use serde_json::json;
use simulation::script::{Sample, What, with_samples};

/// Writes what is done to the bucket in a run of the simulation.
#[derive(Debug, Parser)]
#[command(name = "workload", version)]
struct Arguments {
    /// Files in all
    #[arg(long, default_value_t = 200)]
    files: usize,
    /// Where all chance comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The repository, whose samples are dropped among them
    #[arg(long)]
    samples: Option<PathBuf>,
    /// Where it goes; the folder need not be there
    folder: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match write(&arguments, &arguments.folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = io::Write::write_fmt(
                &mut io::stderr(),
                format_args!("workload: {}: {error}\n", arguments.folder.display()),
            );
            ExitCode::FAILURE
        }
    }
}

fn write(arguments: &Arguments, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let samples = arguments.samples.as_deref().map(Sample::all).transpose()?.unwrap_or_default();
    let script = with_samples(arguments.seed, arguments.files, &samples);
    let mut acts = Vec::new();
    for (number, act) in script.into_iter().enumerate() {
        let mut told = serde_json::to_value(&act)?;
        if let What::Contract { bytes, .. } | What::Drop { bytes, .. } = &act.what {
            let name = format!("{number:05}");
            fs::write(folder.join(&name), bytes)?;
            if let Some(told) = told.as_object_mut() {
                told.insert("file".to_owned(), json!(name));
            }
        }
        acts.push(told);
    }
    fs::write(folder.join("workload.json"), serde_json::to_vec(&acts)?)
}
