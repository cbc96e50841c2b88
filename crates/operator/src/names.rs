//! What the parts of a stack are called. `infrastructure/locals.tf` says the same.

use std::fmt;

/// A stage with its two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Fed with files.
    Processor,
    /// Fed with processed files.
    Analyzer,
    /// Fed with finished runs, and with the mail service's words.
    Notifier,
}

impl Stage {
    /// All of them, in the order in which a file passes them.
    pub const ALL: [Self; 3] = [Self::Processor, Self::Analyzer, Self::Notifier];

    /// The stage as a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Processor => "processor",
            Self::Analyzer => "analyzer",
            Self::Notifier => "notifier",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The names of a stack's parts, which follow from its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    stack: String,
}

impl Names {
    /// The names of the stack that is called so: its name and its environment, as in `gristmill-dev`.
    #[must_use]
    pub fn of(stack: impl Into<String>) -> Self {
        Self { stack: stack.into() }
    }

    /// The stack's own name.
    #[must_use]
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// The queue that feeds a stage.
    #[must_use]
    pub fn queue(&self, stage: Stage) -> String {
        let work = match stage {
            Stage::Processor => "process",
            Stage::Analyzer => "analyze",
            Stage::Notifier => "notify",
        };
        format!("{}-{work}", self.stack)
    }

    /// Where a message of that queue ends which could not be worked off.
    #[must_use]
    pub fn dead_letters(&self, stage: Stage) -> String {
        format!("{}-dead-letters", self.queue(stage))
    }

    /// The table of analyses.
    #[must_use]
    pub fn table(&self) -> String {
        format!("{}-analyses", self.stack)
    }

    /// The bucket, unless the stack was given one that was there before.
    #[must_use]
    pub fn bucket(&self, account: &str, region: &str) -> String {
        format!("{}-{account}-{region}", self.stack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_infrastructure() {
        let names = Names::of("gristmill-dev");
        let locals = include_str!("../../../infrastructure/locals.tf");
        for stage in Stage::ALL {
            let name = names.queue(stage).replace("gristmill-dev", "${local.prefix}");
            assert!(locals.contains(&format!("{:<9} = \"{name}\"", stage.as_str())), "{name}");
        }
        let queues = include_str!("../../../infrastructure/modules/stage/locals.tf");
        let dead = names.dead_letters(Stage::Processor).replace("gristmill-dev-process", "${var.queue_name}");
        assert!(queues.contains(&format!("\"{dead}\"")), "{dead}");
        for (name, local) in [
            (names.table(), "${local.prefix}-analyses"),
            (names.bucket("A", "R"), "${local.prefix}-${local.account}-${var.region}"),
        ] {
            let shown = local.replace("${local.prefix}", "gristmill-dev");
            let shown = shown.replace("${local.account}", "A").replace("${var.region}", "R");
            assert_eq!(name, shown);
            assert!(locals.contains(local), "{local}");
        }
    }
}
