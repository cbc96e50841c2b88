//! `gristmill contract`.

use crate::arguments::ContractCommand;
use crate::console::{Console, visible};
use crate::contracts;
use crate::failure::{Exit, Failure};

/// Checks contracts, or prints their schema.
pub(crate) fn contract(command: &ContractCommand, console: &mut Console<'_>) -> Result<Exit, Failure> {
    match command {
        ContractCommand::Schema => {
            let text = serde_json::to_string_pretty(&shared::contract::schema()).map_err(|error| {
                Failure::program(format!("the schema cannot be written as JSON: {error}"))
            })?;
            console.print(&format!("{text}\n"))?;
            Ok(Exit::Good)
        }
        ContractCommand::Lint { contracts } => {
            let mut exit = Exit::Good;
            for path in contracts {
                match contracts::read(path) {
                    Ok(contract) => {
                        let fields = contract.fields.len();
                        let line = format!("{}: OK ({}, {fields} fields)\n", path.display(), contract.name);
                        console.print(&visible(&line))?;
                    }
                    Err(failure) => {
                        console.print(&format!("{}\n", visible(&failure.message)))?;
                        exit = exit.max(failure.exit);
                    }
                }
            }
            Ok(exit)
        }
    }
}
