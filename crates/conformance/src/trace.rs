//! What an adapter answered in one case, word for word.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::Debug;
use std::pin::Pin;

use shared::ports::{Fault, FaultKind};

/// Why a case could not be tried at all: the room it takes place in failed, and not the port.
pub type Trouble = Box<dyn Error + Send + Sync>;

/// How a case ended.
pub type Outcome = Result<(), Trouble>;

/// A case at work.
pub type Trial<'r> = Pin<Box<dyn Future<Output = Outcome> + 'r>>;

/// The answers of one adapter in one case, in order.
///
/// An answer is written down so that two adapters write the same where they do the same: of a fault its kind, of a tag
/// or a time only whether it is the one that was expected.
#[derive(Debug, Default)]
pub struct Trace(RefCell<Vec<String>>);

impl Trace {
    /// Writes an answer down.
    pub fn say(&self, asked: impl AsRef<str>, answer: impl Debug) {
        self.0.borrow_mut().push(format!("{}: {answer:?}", asked.as_ref()));
    }

    /// All answers.
    #[must_use]
    pub fn into_answers(self) -> Vec<String> {
        self.0.into_inner()
    }
}

/// An answer, or what kind of fault came instead.
///
/// # Errors
/// The kind of the fault.
pub fn kind<T>(answer: Result<T, Fault>) -> Result<T, FaultKind> {
    answer.map_err(|fault| fault.kind)
}

/// A case: a name, and what happens in it in a room of this type.
pub struct Case<R> {
    /// The name.
    pub name: &'static str,
    /// What happens.
    pub run: for<'r> fn(&'r R, &'r Trace) -> Trial<'r>,
}

/// A list of cases, each a function of a room and a trace.
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        vec![$(crate::trace::Case { name: stringify!($name), run: |room, trace| Box::pin($name(room, trace)) }),+]
    };
}
pub(crate) use cases;
