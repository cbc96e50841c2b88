//! Which contracts there are for a command.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use shared::contract::{Contract, MAX_REFERENCE_BYTES, ReferenceFile};
use shared::keys::INPUT_PREFIX;
use shared::manifest::{Manifest, Status};

use crate::arguments::ContractChoice;
use crate::console::Console;
use crate::failure::{Exit, Failure};
use crate::local::ContractFiles;

/// Where contracts are looked for when the command line says nothing.
const DEFAULT_DIRECTORY: &str = "contracts";

/// The contracts of a command.
#[derive(Debug, Clone)]
pub(crate) struct Contracts {
    pub(crate) files: ContractFiles,
}

impl Contracts {
    /// Finds the contracts that the command line asks for.
    pub(crate) fn find(choice: &ContractChoice) -> Result<Self, Failure> {
        if let Some(path) = &choice.contract {
            let dataset = read(path)?.name;
            return Ok(Self { files: ContractFiles::Single { dataset, path: path.clone() } });
        }
        let default = PathBuf::from(DEFAULT_DIRECTORY);
        let files = match &choice.contracts {
            Some(directory) if !directory.is_dir() => {
                let shown = directory.display();
                return Err(Failure::usage(format!("{shown}: there is no such directory of contracts")));
            }
            Some(directory) => ContractFiles::Directory(directory.clone()),
            None if default.is_dir() => ContractFiles::Directory(default),
            None => ContractFiles::None,
        };
        Ok(Self { files })
    }

    /// The key under which a file is processed. With one contract, its folder, so that this contract and no other
    /// judges the file.
    pub(crate) fn key_of(&self, file: &Path) -> String {
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
        match &self.files {
            ContractFiles::Single { dataset, .. } => format!("{INPUT_PREFIX}{dataset}/{name}"),
            ContractFiles::None | ContractFiles::Directory(_) => format!("{INPUT_PREFIX}{name}"),
        }
    }

    /// Says of a file that no contract fits that it was profiled, and what can be done.
    pub(crate) fn remark(&self, file: &str, manifest: &Manifest, console: &mut Console<'_>) {
        // A file that was refused has a reason of its own.
        if !manifest.contract.inferred || manifest.status == Status::Rejected {
            return;
        }
        for problem in self.broken() {
            console.say(&format!("warning: a contract was passed over: {problem}"));
        }
        let why = match &self.files {
            ContractFiles::Directory(directory) => {
                format!("no contract in {} fits the header", directory.display())
            }
            ContractFiles::None | ContractFiles::Single { .. } => "there are no contracts".to_owned(),
        };
        console.say(&format!(
            "note: {file}: {why}, so only broken rows are rejected. Draft a contract: gristmill infer {file} --out \
             {DEFAULT_DIRECTORY}/NAME.json. To see why one does not fit, name it with --contract"
        ));
    }

    /// What is wrong with contracts that were passed over because they cannot be used.
    fn broken(&self) -> Vec<String> {
        let ContractFiles::Directory(directory) = &self.files else { return Vec::new() };
        let names = self.files.names().unwrap_or_default();
        let failures = names.iter().filter_map(|name| read(&directory.join(name)).err());
        failures.flat_map(|failure| failure.message.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

/// Reads a contract.
pub(crate) fn read(path: &Path) -> Result<Contract, Failure> {
    let shown = path.display();
    let bytes = fs::read(path)
        .map_err(|error| Failure::usage(format!("{shown}: the contract cannot be read: {error}")))?;
    let broken = |broken| Failure::contract(&shown.to_string(), &broken);
    let contract = Contract::parse(&bytes).map_err(broken)?;
    let mut references = BTreeMap::new();
    for name in contract.reference_files() {
        let file = reference(&path.with_file_name(&name))?;
        references.insert(name, file);
    }
    contract.with_references(&references).map_err(|(_, problems)| broken(problems))
}

/// Reads a reference file, as far as it may reach.
fn reference(path: &Path) -> Result<ReferenceFile, Failure> {
    let read = fs::File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(MAX_REFERENCE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    match read {
        Ok(bytes) if bytes.len() > MAX_REFERENCE_BYTES => Ok(ReferenceFile::TooLarge),
        Ok(bytes) => Ok(ReferenceFile::Found(bytes.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(ReferenceFile::Absent),
        Err(error) => {
            let shown = path.display();
            Err(Failure::usage(format!("{shown}: the reference file cannot be read: {error}")))
        }
    }
}

/// Does one thing to each file, once all are known to be there. What goes wrong with one is said, and the others are
/// none the worse for it.
pub(crate) fn for_each_file(
    files: &[PathBuf],
    choice: &ContractChoice,
    console: &mut Console<'_>,
    mut one: impl FnMut(&Path, &Contracts, &mut Console<'_>) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    exist(files)?;
    let contracts = Contracts::find(choice)?;
    let mut worst = Exit::Good;
    for file in files {
        let exit = one(file, &contracts, console).unwrap_or_else(|failure| console.fail(&failure));
        worst = worst.max(exit);
    }
    Ok(worst)
}

/// Makes sure that every file is there before any work is done.
pub(crate) fn exist(files: &[PathBuf]) -> Result<(), Failure> {
    let wrong = files.iter().filter_map(|file| {
        let shown = file.display();
        match fs::metadata(file) {
            Err(error) => Some(format!("{shown}: the file cannot be read: {error}")),
            Ok(metadata) if metadata.is_dir() => {
                Some(format!("{shown}: this is a directory; name the CSV files in it"))
            }
            Ok(metadata) if !metadata.is_file() => {
                Some(format!("{shown}: this is no regular file; save the data to one first"))
            }
            Ok(_) => {
                fs::File::open(file).err().map(|error| format!("{shown}: the file cannot be read: {error}"))
            }
        }
    });
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(Failure::usage(wrong.join("\n"))) }
}
