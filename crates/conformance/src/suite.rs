//! All cases on all adapters, and what came of it.

use std::collections::BTreeMap;
use std::fmt;

use crate::absent::{self, Absence};
use crate::cases::{analyses, events, inventory, mailer, mails, model, objects, queues, uploads};
use crate::rooms::cloud::CloudRoom;
use crate::rooms::{Bucket, Bus, Desk, LocalRoom, MemoryRoom, Post, Runs, SimulatedRoom};
use crate::trace::{Case, Trace, Trouble};

/// A set of adapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Adapter {
    /// `shared::memory`.
    Memory,
    /// `gristmill::local`.
    Local,
    /// `simulation::adapters`, on its services.
    Simulation,
    /// `aws`, on the emulator or on AWS.
    Aws,
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Local => "local",
            Self::Simulation => "simulation",
            Self::Aws => "aws",
        })
    }
}

/// A part of the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Reading objects.
    Objects,
    /// Writing objects.
    Uploads,
    /// Versions.
    Inventory,
    /// The bus.
    Events,
    /// Claims and records.
    Analyses,
    /// How a mail is written down.
    Mails,
    /// Handing mails over.
    Mailer,
    /// Asking a model.
    Model,
    /// Queues.
    Queues,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Objects,
        Self::Uploads,
        Self::Inventory,
        Self::Events,
        Self::Analyses,
        Self::Mails,
        Self::Mailer,
        Self::Model,
        Self::Queues,
    ];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// What became of a case on an adapter.
#[derive(Debug)]
pub enum Ran {
    /// It was tried. These are the answers.
    Answers(Vec<String>),
    /// The adapter has no notion of it.
    Absent(&'static str),
    /// It could not be tried.
    Trouble(Trouble),
}

/// What came of the suite: by part and case, what became of it on each adapter.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The cases in their order.
    pub cases: BTreeMap<(Part, usize, &'static str), BTreeMap<Adapter, Ran>>,
    only: Option<String>,
}

/// Two adapters that answer otherwise.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// The case, as `part/name`.
    pub case: String,
    /// Whose answer is another than that of the first.
    pub adapters: (Adapter, Adapter),
    /// What each answered.
    pub answers: (String, String),
}

impl Ledger {
    /// A ledger of the cases whose name, as `part/name`, has this text in it.
    #[must_use]
    pub fn new(only: Option<String>) -> Self {
        Self { only, ..Self::default() }
    }

    /// Tries cases in a room.
    fn try_all<R: Runs>(&mut self, adapter: Adapter, part: Part, room: &R, cases: Vec<Case<R>>) {
        for (number, case) in cases.into_iter().enumerate() {
            let wanted =
                self.only.as_ref().is_none_or(|only| format!("{part}/{}", case.name).contains(only.as_str()));
            if !wanted {
                continue;
            }
            let ran = match absent::reason(adapter, part, case.name) {
                Some(reason) => Ran::Absent(reason),
                None => ran(room, &case),
            };
            self.cases.entry((part, number, case.name)).or_default().insert(adapter, ran);
        }
    }

    /// The adapters in memory.
    pub fn memory(&mut self) {
        let room = MemoryRoom::default();
        self.of_buckets(Adapter::Memory, &room);
        self.try_all(Adapter::Memory, Part::Inventory, &room, inventory::cases());
        self.of_stages(Adapter::Memory, &room);
        self.try_all(Adapter::Memory, Part::Model, &room, model::cases());
        self.try_all(Adapter::Memory, Part::Queues, &room, queues::cases());
    }

    /// The adapters on local files.
    ///
    /// # Errors
    /// When there can be no folder for them.
    pub fn local(&mut self) -> Result<(), Trouble> {
        let room = LocalRoom::new()?;
        self.of_buckets(Adapter::Local, &room);
        self.of_stages(Adapter::Local, &room);
        Ok(())
    }

    /// The adapters on the simulation's services.
    pub fn simulation(&mut self) {
        let room = SimulatedRoom::new(1);
        self.of_buckets(Adapter::Simulation, &room);
        self.try_all(Adapter::Simulation, Part::Inventory, &room, inventory::cases());
        self.of_stages(Adapter::Simulation, &room);
    }

    /// The adapters on AWS, in a room that was made for it.
    pub fn aws(&mut self, room: &CloudRoom) {
        self.of_buckets(Adapter::Aws, room);
        self.try_all(Adapter::Aws, Part::Inventory, room, inventory::cases());
        self.of_stages(Adapter::Aws, room);
        self.try_all(Adapter::Aws, Part::Model, room, model::cases());
        self.try_all(Adapter::Aws, Part::Queues, room, queues::cases());
    }

    fn of_buckets<R: Bucket>(&mut self, adapter: Adapter, room: &R) {
        self.try_all(adapter, Part::Objects, room, objects::cases());
        self.try_all(adapter, Part::Uploads, room, uploads::cases());
    }

    fn of_stages<R: Bus + Desk + Post>(&mut self, adapter: Adapter, room: &R) {
        self.try_all(adapter, Part::Events, room, events::cases());
        self.try_all(adapter, Part::Analyses, room, analyses::cases());
        self.try_all(adapter, Part::Mails, room, mails::cases());
        self.try_all(adapter, Part::Mailer, room, mailer::cases());
    }

    /// Fills in the parts that an adapter has no port for.
    pub fn close(&mut self, adapters: &[Adapter]) {
        for ((part, _, name), on) in &mut self.cases {
            for adapter in adapters {
                on.entry(*adapter).or_insert_with(|| match absent::reason(*adapter, *part, name) {
                    Some(reason) => Ran::Absent(reason),
                    None => Ran::Trouble("nobody tried it, and nobody says why".into()),
                });
            }
        }
    }

    /// How many answers were compared with those of another adapter, and which of them were others.
    #[must_use]
    pub fn compare(&self) -> (usize, Vec<Difference>) {
        let (mut compared, mut differences) = (0, Vec::new());
        for ((part, _, name), on) in &self.cases {
            let mut tried = on.iter().filter_map(|(adapter, ran)| match ran {
                Ran::Answers(answers) => Some((*adapter, answers)),
                _ => None,
            });
            let Some((first, expected)) = tried.next() else { continue };
            for (adapter, answers) in tried {
                compared += expected.len().max(answers.len());
                for number in 0..expected.len().max(answers.len()) {
                    let of = |answers: &Vec<String>| {
                        answers.get(number).cloned().unwrap_or_else(|| "(nothing)".to_owned())
                    };
                    if of(expected) != of(answers) {
                        let case = format!("{part}/{name}");
                        let answers = (of(expected), of(answers));
                        differences.push(Difference { case, adapters: (first, adapter), answers });
                    }
                }
            }
        }
        (compared, differences)
    }

    /// The cases that could not be tried, each with the adapter and why.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let all = self.cases.iter().flat_map(|((part, _, name), on)| {
            on.iter().filter_map(move |(adapter, ran)| match ran {
                Ran::Trouble(trouble) => Some(format!("{part}/{name} on {adapter}: {trouble}")),
                _ => None,
            })
        });
        all.collect()
    }

    /// How many cases there are, how many were tried in all on the adapters, and how many had no place there.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let all = || self.cases.values().flat_map(BTreeMap::values);
        let tried = all().filter(|ran| matches!(ran, Ran::Answers(_))).count();
        let absent = all().filter(|ran| matches!(ran, Ran::Absent(_))).count();
        (self.cases.len(), tried, absent)
    }

    /// The entries of the table of what is absent that no case stands for any more.
    #[must_use]
    pub fn idle_absences(&self) -> Vec<&'static Absence> {
        let used = |absence: &Absence| {
            self.cases.keys().any(|(part, _, name)| {
                absence.part == *part && (absence.cases.is_empty() || absence.cases.contains(name))
            })
        };
        absent::ALL.iter().filter(|absence| !used(absence)).collect()
    }
}

/// Tries a case.
fn ran<R: Runs>(room: &R, case: &Case<R>) -> Ran {
    let trace = Trace::default();
    let outcome = room.run((case.run)(room, &trace));
    match outcome {
        Ok(()) => Ran::Answers(trace.into_answers()),
        Err(trouble) => Ran::Trouble(trouble),
    }
}
