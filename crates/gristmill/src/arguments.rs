//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Takes CSV files apart into valid and rejected records, analyses the valid ones and writes the report.
///
/// Everything happens on this machine: no account, no network, no service.
#[derive(Debug, Parser)]
#[command(name = "gristmill", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    /// Logs what happens to standard error; twice for more
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  all good (for run and split also with rejected rows)
  1  a file was rejected or held; for check, also when a row failed
  2  the command line or a contract is wrong, or a file does not exist
  3  the program failed

Example:
  gristmill run samples/smartphone_sales.csv";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Splits, analyses and reports: all three stages
    #[command(
        after_help = "Example:\n  gristmill run samples/smartphone_sales.csv --open\n\nA file that was \
                            processed before is recognised by its content; nothing is written or sent again."
    )]
    Run(RunArguments),
    /// Splits into valid and rejected records, without analysis and mail
    #[command(
        after_help = "Example:\n  gristmill split orders.csv --contract contracts/customer_orders.json"
    )]
    Split(SplitArguments),
    /// Validates and writes nothing
    #[command(
        after_help = "Example:\n  gristmill check orders.csv --contract contracts/customer_orders.json\n  some-export | gristmill check - --json"
    )]
    Check(CheckArguments),
    /// Drafts a contract from a sample of a file
    #[command(after_help = "Example:\n  gristmill infer orders.csv --out contracts/orders.json")]
    Infer(InferArguments),
    /// Checks contracts, or prints their JSON Schema
    #[command(subcommand)]
    Contract(ContractCommand),
}

/// Which contract judges a file.
#[derive(Debug, Args)]
pub struct ContractChoice {
    /// The contract that judges every file, whatever its header
    #[arg(long, value_name = "CONTRACT", conflicts_with = "contracts")]
    pub contract: Option<PathBuf>,
    /// The directory of the contracts of which the header selects one [default: contracts, if there is one]
    #[arg(long, value_name = "DIR")]
    pub contracts: Option<PathBuf>,
}

/// The arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// The CSV files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The contract.
    #[command(flatten)]
    pub choice: ContractChoice,
    /// Where outputs go, laid out like the bucket
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Opens the report when it is done
    #[arg(long)]
    pub open: bool,
    /// Prints one JSON object per file, one per line
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `split`.
#[derive(Debug, Args)]
pub struct SplitArguments {
    /// The CSV files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The contract.
    #[command(flatten)]
    pub choice: ContractChoice,
    /// Where outputs go, laid out like the bucket
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub out: PathBuf,
    /// Prints one JSON object per file, one per line
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The CSV files; - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The contract.
    #[command(flatten)]
    pub choice: ContractChoice,
    /// Prints one JSON object per file, one per line
    #[arg(long)]
    pub json: bool,
    /// How many violations of each kind (code and column) are listed; all are counted
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub limit: u64,
}

/// The arguments of `infer`.
#[derive(Debug, Args)]
pub struct InferArguments {
    /// The CSV file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Where the contract goes, instead of to standard output; an existing file is not replaced
    #[arg(long, value_name = "CONTRACT")]
    pub out: Option<PathBuf>,
}

/// What to do with contracts.
#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// Lists everything that is wrong with contracts
    #[command(after_help = "Example:\n  gristmill contract lint contracts/*.json")]
    Lint {
        /// The contracts
        #[arg(required = true, value_name = "CONTRACT")]
        contracts: Vec<PathBuf>,
    },
    /// Prints the JSON Schema of contracts, for editors
    #[command(after_help = "Example:\n  gristmill contract schema > contract.schema.json")]
    Schema,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
