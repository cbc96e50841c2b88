//! The scheduler: one thread, virtual time, one event after the other.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use processor::ContractCache;

use crate::functions::{Finished, Invocation, Stages, invoke};
use crate::naive;
use crate::ports::Ports;
use crate::services::bus::Stage;
use crate::world::{Due, Ending, Shared, Start, Work, World, limits, lock};

struct Task {
    future: Pin<Box<dyn Future<Output = Finished> + Send>>,
    stage: Stage,
    work: Work,
}

/// A world with the invocations that are at work in it.
pub struct Executor {
    /// The world.
    pub shared: Shared,
    stages: Arc<Stages>,
    tasks: HashMap<u64, Task>,
    started: u64,
    /// What warm sandboxes remember of the contracts.
    caches: Vec<ContractCache>,
}

impl Executor {
    /// A scheduler of these stages in this world.
    #[must_use]
    pub fn new(world: World, stages: Stages) -> Self {
        Self {
            shared: Arc::new(Mutex::new(world)),
            stages: Arc::new(stages),
            tasks: HashMap::new(),
            started: 0,
            caches: Vec::new(),
        }
    }

    /// Does everything that is due until then. Afterwards it is then, or nothing is due any more.
    pub fn run_until(&mut self, until: i64) {
        self.start_all();
        while self.step(until) {}
    }

    /// Lets time pass.
    pub fn advance_to(&mut self, time: i64) {
        self.run_until(time);
        let mut world = lock(&self.shared);
        world.now = world.now.max(time);
    }

    /// Whether nothing is due any more.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        lock(&self.shared).is_quiet(|task| self.tasks.contains_key(&task))
    }

    fn step(&mut self, until: i64) -> bool {
        let due = lock(&self.shared).next_due(until, |task| self.tasks.contains_key(&task));
        match due {
            None => return false,
            Some(Due::Wake(task)) => self.poll(task),
            Some(Due::Kill(task)) => self.end(task, Ending::Failed("the function's time was up".to_owned())),
            Some(Due::Show { stage, id, receipt }) => {
                let mut world = lock(&self.shared);
                world.lane_mut(stage).queue.show(id, receipt);
                world.dispatch(stage);
            }
            Some(Due::Deliver { stage, body }) => lock(&self.shared).send(stage, body),
            Some(Due::Effect(effect)) => effect(&mut lock(&self.shared)),
            Some(Due::Invoke { stage, body, attempt }) => {
                let work = Work::Direct { body, attempt };
                lock(&self.shared).starts.push(Start { stage, work });
            }
        }
        self.start_all();
        true
    }

    fn start_all(&mut self) {
        loop {
            let starts = std::mem::take(&mut lock(&self.shared).starts);
            if starts.is_empty() {
                return;
            }
            for start in starts {
                self.start(start);
            }
        }
    }

    fn start(&mut self, Start { stage, work }: Start) {
        self.started += 1;
        let task = self.started;
        let (body, message) = match &work {
            Work::Message(received) => (Arc::clone(&received.body), received.id),
            Work::Direct { body, .. } => (Arc::clone(body), 0),
        };
        let timeout = limits(stage).timeout;
        let (skew, deadline) = {
            let mut world = lock(&self.shared);
            world.invocations += 1;
            if world.ends {
                world.after(timeout, Due::Kill(task));
            }
            let half = world.skew / 2;
            let skew = if half == 0 { 0 } else { world.span(-half, half) };
            (skew, crate::world::timestamp(world.now + timeout))
        };
        let invocation = Invocation {
            ports: Ports::new(Arc::clone(&self.shared), skew),
            stage,
            body,
            owner: format!("request-{task}/message-{message}"),
            deadline,
            cache: if stage == Stage::Process { self.caches.pop() } else { None },
        };
        let future: Pin<Box<dyn Future<Output = Finished> + Send>> = match &work {
            Work::Message(_) => Box::pin(invoke(invocation, Arc::clone(&self.stages))),
            Work::Direct { .. } => Box::pin(naive::invoke(invocation.ports, stage, invocation.body)),
        };
        self.tasks.insert(task, Task { future, stage, work });
        self.poll(task);
    }

    fn poll(&mut self, number: u64) {
        let Some(task) = self.tasks.get_mut(&number) else { return };
        {
            let mut world = lock(&self.shared);
            world.current = number;
            world.doomed = false;
        }
        let polled = task.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(finished) => {
                self.caches.extend(finished.cache);
                self.end(number, finished.ending);
            }
            Poll::Pending if lock(&self.shared).doomed => {
                self.end(number, Ending::Failed("the invocation crashed".to_owned()));
            }
            Poll::Pending => {}
        }
    }

    fn end(&mut self, number: u64, ending: Ending) {
        if let Some(Task { stage, work, .. }) = self.tasks.remove(&number) {
            lock(&self.shared).ended(stage, &work, ending);
        }
    }
}
