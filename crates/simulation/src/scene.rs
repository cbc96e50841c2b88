//! A scene: a few files and exactly the faults that are planned, for schedules that leave nothing to chance.

use crate::executor::Executor;
use crate::faults::Plan;
use crate::mechanisms::Mechanisms;
use crate::run::{Options, Outcome, Stages, finish};
use crate::workload;
use crate::world::{BEGINNING, Due, MINUTE, SECOND, World};

/// What happens in a scene, at a time after its beginning.
pub(crate) type Act = Box<dyn FnOnce(&mut World) + Send>;

/// A scene that is being set.
pub struct Scene {
    options: Options,
    world: World,
}

impl Scene {
    /// An empty scene: contracts, and these faults.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self::with(plan, Mechanisms::default())
    }

    /// The same without some mechanisms.
    #[must_use]
    pub fn with(plan: Plan, mechanisms: Mechanisms) -> Self {
        Self::seeded(1, plan, mechanisms)
    }

    /// The same with other waits and delays.
    #[must_use]
    pub fn seeded(seed: u64, plan: Plan, mechanisms: Mechanisms) -> Self {
        let stages = Stages::deployed();
        let mut world = World::new(seed, plan.clone(), mechanisms.clone());
        workload::furnish(&mut world);
        let options = Options { seed, files: 0, plan, mechanisms, stages, withdrawals: false, record: false };
        Self { options, world }
    }

    /// Records every call.
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.world.recorded = Some(Vec::new());
        self
    }

    /// Tells the stages something else.
    #[must_use]
    pub fn told(mut self, tell: impl FnOnce(&mut Stages)) -> Self {
        tell(&mut self.options.stages);
        self
    }

    /// A file of this kind is dropped one second after the beginning.
    #[must_use]
    pub fn file(self, dataset: &'static str, kind: workload::Kind) -> Self {
        self.at(SECOND, move |world| drop_one(world, dataset, kind, 1))
    }

    /// Something happens at a time after the beginning, in microseconds.
    #[must_use]
    pub(crate) fn at(mut self, micros: i64, act: impl FnOnce(&mut World) + Send + 'static) -> Self {
        let act: Act = Box::new(act);
        self.world.after(micros, Due::Effect(act));
        self
    }

    /// Plays the scene to its end.
    #[must_use]
    pub fn play(self) -> Outcome {
        let executor = Executor::new(self.world, self.options.stages.clone());
        finish(executor, &self.options, BEGINNING + MINUTE)
    }
}

/// Drops `input/<dataset>/file.csv` with records that this number makes different from others.
pub(crate) fn drop_one(world: &mut World, dataset: &str, kind: workload::Kind, stamp: u64) {
    let mut rng = fastrand::Rng::with_seed(stamp);
    let bytes = workload::file(&mut rng, dataset, kind, stamp);
    workload::drop_file(world, &format!("input/{dataset}/file.csv"), bytes, kind);
}
