//! The workload as a script: what [`workload::plan`] does to the simulated bucket, written down for whoever does the same to
//! a real one.

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
    use crate::run::{Options, run};

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
