//! The pass that only looks at keys.

use crate::rows::Step;
use crate::validate::{Keys, Plan};
use crate::violation::Verdict;

use super::Progress;
use super::input::Input;

/// The pass over the rest of a file with more keys than are remembered at once: it finds those that may occur again.
#[derive(Debug)]
pub struct Survey {
    input: Input,
    plan: Plan,
    keys: Keys,
}

impl Survey {
    pub(super) fn new(input: Input, plan: Plan, keys: Keys) -> Self {
        Self { input, plan, keys }
    }

    /// Where the next input goes. Never empty.
    pub fn space(&mut self) -> &mut [u8] {
        self.input.space()
    }

    /// Says how many bytes of [`space`](Self::space) were filled; 0 is the end of the file.
    pub fn filled(&mut self, bytes: usize) {
        self.input.filled(bytes);
    }

    /// Looks at records until input is needed, or until the file is over.
    ///
    /// # Errors
    /// The one verdict over a file whose records cannot be trusted: a quote that is never closed, or more keys
    /// that occur again than can be told apart.
    pub fn advance(&mut self) -> Result<Progress, Verdict> {
        loop {
            match self.input.next_record() {
                Step::Record(record) => {
                    self.plan.survey(&record, &mut self.keys).map_err(crate::validate::Overflow::verdict)?
                }
                Step::NeedInput => {
                    if !self.input.pump() {
                        return Ok(Progress::NeedInput);
                    }
                }
                Step::End => return Ok(Progress::Done),
                Step::Unterminated { line } => return Err(super::unterminated(line)),
            }
        }
    }

    /// The keys to split the file with, from its start.
    #[must_use]
    pub fn finish(self) -> Keys {
        self.keys.surveyed()
    }
}
