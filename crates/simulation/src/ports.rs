//! A call of a service: numbered, slow, and hit by whatever fault is due.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;
use shared::ports::{Clock, Fault, FaultKind as PortFault};

use crate::faults::{FaultKind, Operation};
use crate::world::{Due, MINUTE, SECOND, Shared, World, lock, timestamp};

/// How often the SDK makes a call in all.
pub const SDK_ATTEMPTS: u32 = 3;

/// How long a request may be under way, in microseconds: AWS refuses one whose signature is older than five minutes
/// (IAM user guide, "Signing AWS API requests").
const ON_THE_WIRE: i64 = 5 * MINUTE;

/// What one invocation has of the world: every port, with a clock of its own.
#[derive(Debug, Clone)]
pub struct Ports {
    pub(crate) shared: Shared,
    /// By how much the invocation's clock is wrong, in microseconds.
    pub(crate) skew: i64,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("now", &self.now).finish_non_exhaustive()
    }
}

/// Waits in virtual time.
struct Sleep<'s> {
    shared: &'s Shared,
    delay: i64,
    until: Option<i64>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut world = lock(self.shared);
        match self.until {
            Some(until) if world.now >= until => Poll::Ready(()),
            Some(_) => Poll::Pending,
            None => {
                let task = world.current;
                world.after(self.delay, Due::Wake(task));
                let until = world.now.saturating_add(self.delay);
                drop(world);
                self.until = Some(until);
                Poll::Pending
            }
        }
    }
}

/// The end of an invocation that nobody reports.
struct Crash<'s>(&'s Shared);

impl Future for Crash<'_> {
    type Output = std::convert::Infallible;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        lock(self.0).doomed = true;
        Poll::Pending
    }
}

impl Ports {
    /// The ports of an invocation whose clock is wrong by so many microseconds.
    #[must_use]
    pub fn new(shared: Shared, skew: i64) -> Self {
        Self { shared, skew }
    }

    pub(crate) async fn pause(&self, micros: i64) {
        Sleep { shared: &self.shared, delay: micros.max(0), until: None }.await;
    }

    async fn pause_between(&self, from: i64, to: i64) {
        let span = lock(&self.shared).span(from, to);
        self.pause(span).await;
    }

    async fn crash<R>(&self) -> R {
        match Crash(&self.shared).await {}
    }

    /// One attempt at a call.
    pub(crate) async fn attempt<R, E>(
        &self,
        operation: Operation,
        attempt: u32,
        effect: E,
    ) -> Result<R, Fault>
    where
        E: FnOnce(&mut World) -> Result<R, Fault> + Send + 'static,
        R: Send,
    {
        let fault = lock(&self.shared).strike(operation, attempt);
        let failed = |kind, code| Err(Fault::new(operation.name(), kind, code));
        let (there, back) = latency(operation);
        self.pause_between(there / 10, there).await;
        match fault {
            Some(FaultKind::Throttle) => failed(PortFault::Throttled, "ThrottlingException"),
            Some(FaultKind::Unavailable) => failed(PortFault::Unavailable, "ServiceUnavailable"),
            Some(FaultKind::Conflict) => failed(PortFault::Contended, "ConditionalRequestConflict"),
            // Told apart by its code, since it is no error of the call.
            Some(FaultKind::RefusedEntry) => failed(PortFault::Internal, FaultKind::RefusedEntry.name()),
            Some(FaultKind::LostResponse) => {
                drop(effect(&mut lock(&self.shared)));
                self.pause_between(SECOND / 10, 5 * SECOND).await;
                failed(PortFault::TimedOut, "TimedOut")
            }
            Some(FaultKind::GhostWrite) => {
                self.land_later(SECOND / 2, MINUTE, effect);
                failed(PortFault::TimedOut, "TimedOut")
            }
            Some(FaultKind::CrashBefore) => self.crash().await,
            Some(FaultKind::CrashAfter) => {
                drop(effect(&mut lock(&self.shared)));
                self.crash().await
            }
            Some(FaultKind::StallUnsent) => {
                let stall = lock(&self.shared).stall();
                self.pause(stall).await;
                effect(&mut lock(&self.shared))
            }
            Some(FaultKind::StallSent) => {
                let stall = lock(&self.shared).stall();
                self.land_later(0, ON_THE_WIRE, effect);
                self.pause(stall).await;
                failed(PortFault::TimedOut, "TimedOut")
            }
            _ => {
                let answer = effect(&mut lock(&self.shared));
                self.pause_between(back / 10, back).await;
                answer
            }
        }
    }

    fn land_later<R, E>(&self, from: i64, to: i64, effect: E)
    where
        E: FnOnce(&mut World) -> Result<R, Fault> + Send + 'static,
    {
        let mut world = lock(&self.shared);
        let delay = world.span(from, to);
        world.after(delay, Due::Effect(Box::new(move |world| drop(effect(world)))));
    }

    /// A call that may be answered with 200 and yet have no effect, which the SDK does not look at.
    pub(crate) async fn call_or<E>(
        &self,
        operation: Operation,
        refusal: FaultKind,
        effect: E,
    ) -> Result<bool, Fault>
    where
        E: FnOnce(&mut World) -> Result<(), Fault> + Clone + Send + 'static,
    {
        let answer = self.call(operation, effect).await;
        match answer {
            Ok(()) => Ok(false),
            Err(fault) if fault.code == refusal.name() => Ok(true),
            Err(fault) => Err(fault),
        }
    }

    /// A call that is repeated as the SDK does it.
    pub(crate) async fn call<R, E>(&self, operation: Operation, effect: E) -> Result<R, Fault>
    where
        E: FnOnce(&mut World) -> Result<R, Fault> + Clone + Send + 'static,
        R: Send,
    {
        let mut attempt = 1;
        loop {
            match self.attempt(operation, attempt, effect.clone()).await {
                Err(fault) if attempt < SDK_ATTEMPTS && is_passing(fault.kind) => {}
                answer => return answer,
            }
            self.pause_between(0, SECOND << attempt).await;
            attempt += 1;
        }
    }
}

/// What the SDK repeats.
fn is_passing(kind: PortFault) -> bool {
    matches!(kind, PortFault::Throttled | PortFault::Unavailable | PortFault::TimedOut)
}

/// The longest way there and back, in microseconds.
fn latency(operation: Operation) -> (i64, i64) {
    match operation {
        Operation::SendEmail => (100_000, 200_000),
        Operation::Converse => (1_000_000, 10_000_000),
        Operation::PutObject | Operation::GetObject => (30_000, 30_000),
        _ => (10_000, 10_000),
    }
}

impl Clock for Ports {
    fn now(&self) -> Timestamp {
        timestamp(lock(&self.shared).now.saturating_add(self.skew))
    }

    async fn sleep(&self, duration: Duration) {
        self.pause(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)).await;
    }

    fn draw(&self) -> f64 {
        lock(&self.shared).chance.f64()
    }
}
