//! The workload as a script: what [`workload::plan`] does to the simulated bucket, written down for whoever does the same to
//! a real one.

use std::io;
use std::path::Path;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::faults::Plan;
use crate::mechanisms::Mechanisms;
use crate::workload::{self, Kind};
use crate::world::{BEGINNING, Due, World};

/// Something that is done to the bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// When, in seconds from the beginning on.
    pub at: f64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum What {
    /// A contract is put in place.
    Contract {
        /// Its key.
        key: String,
        /// Its bytes.
        #[serde(skip)]
        bytes: Vec<u8>,
    },
    /// A file is dropped.
    Drop {
        /// The number of the upload.
        upload: usize,
        /// Its key.
        key: String,
        /// What it is like.
        kind: Kind,
        /// Its bytes.
        #[serde(skip)]
        bytes: Vec<u8>,
    },
    /// An upload is deleted for good, with its version.
    Delete {
        /// The number of the upload.
        upload: usize,
    },
}

/// Samples that the rules about records cannot judge: they hold the lines of an output against those of the file.
pub const BEYOND: [&str; 13] = [
    // Another encoding, or an archive.
    "gzip.csv",
    "utf16be.csv",
    "utf16le.csv",
    // Another delimiter than the comma that the rules look for.
    "pipes.csv",
    "semicolons.csv",
    "tabs.csv",
    // Records of several lines, lines that are no record, lines that end otherwise.
    "blank_lines.csv",
    "html_in_cells.csv",
    "mixed_line_endings.csv",
    "quoted_newlines.csv",
    "smartphone_sales.csv",
    // A table of one column, whose records hold no comma.
    "json.csv",
    "web_page.csv",
];

/// A file of `samples/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its name.
    pub name: String,
    /// The dataset that it is dropped for, if a contract has its name.
    pub dataset: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Sample {
    /// The samples that can be judged, by name. `root` is the repository.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn all(root: &Path) -> io::Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(root.join("samples"))? {
            let path = entry?.path();
            let named =
                |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
            let (Some(name), Some(stem)) = (named(path.file_name()), named(path.file_stem())) else {
                continue;
            };
            if !name.ends_with(".csv") || BEYOND.contains(&name.as_str()) {
                continue;
            }
            let dataset = root.join(format!("contracts/{stem}.json")).exists().then_some(stem);
            all.push(Self { name, dataset, bytes: std::fs::read(&path)? });
        }
        all.sort_unstable_by(|one, next| one.name.cmp(&next.name));
        Ok(all)
    }

    /// Where it is dropped.
    #[must_use]
    pub fn key(&self, number: usize) -> String {
        let Self { name, dataset, .. } = self;
        match dataset {
            Some(dataset) => format!("input/{dataset}/{number}-{name}"),
            None => format!("input/{number}-{name}"),
        }
    }
}

/// The same with samples among the files, at times of their own: a quarter of the files are such.
#[must_use]
pub fn with_samples(seed: u64, files: usize, samples: &[Sample]) -> Vec<Act> {
    let count = if samples.is_empty() { 0 } else { files / 4 };
    let mut acts = script(seed, files - count);
    let until = acts.iter().map(|act| act.at).fold(0.0, f64::max).min((files / 2) as f64 + 60.0);
    let mut rng = Rng::with_seed(seed ^ 0x05a3_d1e5);
    let mut order: Vec<&Sample> = samples.iter().collect();
    rng.shuffle(&mut order);
    let drawn = order.into_iter().cycle().take(count);
    for (number, sample) in (files - count..).zip(drawn) {
        let (key, bytes) = (sample.key(number), sample.bytes.clone());
        let what = What::Drop { upload: number, key, kind: Kind::Any, bytes };
        acts.push(Act { at: rng.f64() * until, what });
    }
    acts.sort_by(|one, next| one.at.total_cmp(&next.at));
    acts
}

/// What happens to the bucket in a run of so many files, in order.
#[must_use]
pub fn script(seed: u64, files: usize) -> Vec<Act> {
    let mut world = World::new(seed, Plan::none(), Mechanisms::default());
    let mut seen = Seen::default();
    let mut acts = Vec::new();
    workload::furnish(&mut world);
    seen.look(&world, &mut acts);
    workload::plan(&mut world, seed, files, false);
    while let Some(due) = world.next_due(i64::MAX, |_| false) {
        // Nobody works here: what is delivered to the queues stays where it is.
        if let Due::Effect(effect) = due {
            effect(&mut world);
            seen.look(&world, &mut acts);
        }
    }
    acts
}

/// What was there when somebody last looked.
#[derive(Default)]
struct Seen {
    contracts: u64,
    deleted: Vec<bool>,
}

impl Seen {
    /// Writes down what is new.
    fn look(&mut self, world: &World, acts: &mut Vec<Act>) {
        let at = (world.now - BEGINNING) as f64 / 1e6;
        let mut contracts: Vec<_> = world
            .bucket
            .below("contracts/")
            .flat_map(|(key, versions)| versions.iter().map(move |version| (version.number, key, version)))
            .filter(|(number, ..)| *number > self.contracts)
            .collect();
        contracts.sort_unstable_by_key(|(number, ..)| *number);
        for (number, key, version) in contracts {
            self.contracts = number;
            acts.push(Act {
                at,
                what: What::Contract { key: key.to_owned(), bytes: version.bytes.to_vec() },
            });
        }
        for (number, upload) in world.uploads.iter().enumerate() {
            if number == self.deleted.len() {
                let (key, bytes) = (upload.source.key.clone(), upload.bytes.to_vec());
                acts.push(Act { at, what: What::Drop { upload: number, key, kind: upload.kind, bytes } });
                self.deleted.push(false);
            }
            if let Some(deleted) = self.deleted.get_mut(number)
                && upload.deleted != *deleted
            {
                *deleted = true;
                acts.push(Act { at, what: What::Delete { upload: number } });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::executor::Executor;
    use crate::functions::Stages;
    use crate::invariants::{Violation, after_redrive, before_redrive};
    use crate::run::{Options, run};
    use crate::world::{MINUTE, lock};

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    /// What is wrong with a run of one sample, without a fault.
    fn violations(sample: &Sample) -> Vec<Violation> {
        let world = World::new(1, Plan::none(), Mechanisms::default());
        let mut executor = Executor::new(world, Stages::deployed());
        {
            let mut world = lock(&executor.shared);
            for entry in std::fs::read_dir(root().join("contracts")).unwrap() {
                let path = entry.unwrap().path();
                let key = format!("contracts/{}", path.file_name().unwrap().to_str().unwrap());
                world.upload(&key, std::fs::read(&path).unwrap().into());
            }
            workload::drop_file(&mut world, &sample.key(1), sample.bytes.clone().into(), Kind::Any).unwrap();
        }
        executor.run_until(BEGINNING + 24 * 60 * MINUTE);
        let world = lock(&executor.shared);
        let mut violations = before_redrive(&world);
        violations.extend(after_redrive(&world, &Options::random(1, 1, 0.0)));
        violations
    }

    #[test]
    fn each_sample_can_be_judged_and_those_beyond_cannot() {
        let samples = Sample::all(&root()).unwrap();
        assert!(samples.len() > 40);
        for sample in &samples {
            assert_eq!(violations(sample), [], "{}", sample.name);
        }
        for name in BEYOND {
            let bytes = std::fs::read(root().join("samples").join(name)).unwrap();
            let dataset = (name == "smartphone_sales.csv").then(|| "smartphone_sales".to_owned());
            let sample = Sample { name: name.to_owned(), dataset, bytes };
            assert_ne!(violations(&sample), [], "{name} could be judged by now");
        }
    }

    #[test]
    fn a_quarter_of_the_files_are_samples() {
        let samples = Sample::all(&root()).unwrap();
        let acts = with_samples(3, 200, &samples);
        let mut uploads: Vec<usize> = acts
            .iter()
            .filter_map(|act| match act.what {
                What::Drop { upload, .. } => Some(upload),
                _ => None,
            })
            .collect();
        uploads.sort_unstable();
        assert_eq!(uploads, (0..200).collect::<Vec<_>>());
        assert!(acts.is_sorted_by(|one, next| one.at <= next.at));
        assert_eq!(acts, with_samples(3, 200, &samples), "by the seed alone");
    }

    #[test]
    fn the_script_is_what_a_run_of_the_simulation_does() {
        let mut options = Options::random(9, 120, 0.0);
        options.plan = Plan::none();
        let world = run(&options).world;
        let acts = script(9, 120);
        let dropped: Vec<_> = acts
            .iter()
            .filter_map(|act| match &act.what {
                What::Drop { upload, key, kind, bytes } => Some((*upload, key.clone(), *kind, bytes.clone())),
                _ => None,
            })
            .collect();
        let uploads = world.uploads.iter().enumerate();
        let expected: Vec<_> = uploads
            .map(|(number, upload)| (number, upload.source.key.clone(), upload.kind, upload.bytes.to_vec()))
            .collect();
        assert_eq!(dropped, expected);
        let deleted = |number: usize| acts.iter().any(|act| act.what == What::Delete { upload: number });
        assert!(world.uploads.iter().enumerate().all(|(number, upload)| upload.deleted == deleted(number)));
        assert!(world.uploads.iter().any(|upload| upload.deleted), "some are deleted");
        let contracts = acts.iter().filter(|act| matches!(act.what, What::Contract { .. })).count();
        let versions: usize = world.bucket.below("contracts/").map(|(_, versions)| versions.len()).sum();
        assert_eq!(contracts, versions);
        assert!(contracts > workload::DATASETS.len(), "contracts change");
        assert!(acts.is_sorted_by(|one, next| one.at <= next.at));
    }
}
