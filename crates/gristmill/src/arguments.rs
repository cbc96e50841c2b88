//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Takes CSV files apart into valid and rejected records, analyses the valid ones and writes the report.
///
/// run, split, check, infer and contract work on this machine: no account, no network, no service. replay, redrive,
/// status and backfill are for those who look after a stack on AWS.
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
  1  a file was rejected or held; for check, also when a row failed; for status, something is stuck, dead or parked;
     for redrive, replay and backfill, something is left
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
    /// Announces files of a stack again
    #[command(
        after_help = "Examples:\n  gristmill replay input/orders/may.csv\n  gristmill replay --prefix \
                            input/orders/ --since 2h --dry-run\n  gristmill replay input/orders/may.csv --force\n\nA \
                            file that is finished stays as it is, and nobody gets a second mail; one that is stuck \
                            goes on. With --force each is a new run with a mail of its own."
    )]
    Replay(ReplayArguments),
    /// Moves dead letters of a stack back into their queues
    #[command(after_help = "Examples:\n  gristmill redrive --dry-run\n  gristmill redrive --stage \
                            analyzer\n\nA letter is deleted only when its body is in the queue again. A redrive \
                            that was ended, or killed, is simply started again.")]
    Redrive(RedriveArguments),
    /// Says how far files and runs of a stack are
    #[command(after_help = "Examples:\n  gristmill status\n  gristmill status \
                            input/orders/may.csv\n  gristmill status 4f8a1c2b3d4e")]
    Status(StatusArguments),
    /// Announces the files of a stack's bucket that it does not know yet, under a rate
    #[command(
        after_help = "Examples:\n  gristmill backfill --prefix input/orders/ --dry-run\n  gristmill backfill \
                            --prefix input/orders/ --rate 20\n\nA backfill that was ended, or killed, is simply \
                            started again; --from spares it the keys that it had come past."
    )]
    Backfill(BackfillArguments),
}

/// Which stack.
///
/// The region, the credentials and the endpoint are found as by any other tool for AWS: `AWS_REGION`, `AWS_PROFILE`,
/// `AWS_ENDPOINT_URL` and their like.
#[derive(Debug, Args)]
pub struct StackArguments {
    /// The stack: its name and its environment, such as gristmill-dev
    #[arg(long, value_name = "NAME", env = "GRISTMILL_STACK")]
    pub stack: Option<String>,
    /// The bucket, for a stack that was given one that was there before
    #[arg(long, value_name = "NAME", env = "GRISTMILL_BUCKET")]
    pub bucket: Option<String>,
    /// Whether the bucket stands in the path, as emulators want it: true or false
    #[arg(long, value_name = "BOOL", env = "GRISTMILL_S3_PATH_STYLE", hide = true)]
    pub s3_path_style: Option<String>,
    /// Prints one JSON object for each thing, one per line
    #[arg(long)]
    pub json: bool,
}

/// How fast files are announced.
#[derive(Debug, Args)]
pub struct PaceArguments {
    /// How many files are announced each second at most
    #[arg(long, value_name = "N", default_value_t = 5.0)]
    pub rate: f64,
    /// Waits while the processor's queue has more messages than this
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_depth: u64,
}

/// The arguments of `replay`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("files").required(true).multiple(true))]
pub struct ReplayArguments {
    /// The key of a file, such as input/orders/may.csv
    #[arg(value_name = "KEY", group = "files", conflicts_with_all = ["prefix", "since"])]
    pub key: Option<String>,
    /// All files whose keys begin so
    #[arg(long, value_name = "PREFIX", group = "files")]
    pub prefix: Option<String>,
    /// Only files that were stored since then: a time in UTC such as 2026-05-20T08:00, or a duration before now such as
    /// 2h or 3d
    #[arg(long, value_name = "TIME", group = "files")]
    pub since: Option<String>,
    /// This version of the file, and not its latest
    #[arg(long, value_name = "ID", conflicts_with_all = ["prefix", "since"])]
    pub version_id: Option<String>,
    /// Makes each file a run of its own, with a mail of its own
    #[arg(long)]
    pub force: bool,
    /// What makes the runs different from all others; the same name again means the same runs [default: made of the
    /// time]
    #[arg(long, value_name = "NAME", requires = "force")]
    pub nonce: Option<String>,
    /// Lists what would be announced, and announces nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArguments,
    /// The stack.
    #[command(flatten)]
    pub stack: StackArguments,
}

/// A stage of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StageName {
    /// Splits files
    Processor,
    /// Analyses what was split
    Analyzer,
    /// Sends mails
    Notifier,
}

/// The arguments of `redrive`.
#[derive(Debug, Args)]
pub struct RedriveArguments {
    /// The dead letters of this stage only; may be given more than once
    #[arg(long, value_name = "STAGE")]
    pub stage: Vec<StageName>,
    /// How many letters are moved at most
    #[arg(long, value_name = "N")]
    pub max: Option<u64>,
    /// Also moves letters that no stage understands
    #[arg(long)]
    pub all: bool,
    /// Shows the letters, and moves none
    #[arg(long)]
    pub dry_run: bool,
    /// The stack.
    #[command(flatten)]
    pub stack: StackArguments,
}

/// The arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// The key of a file, or the id of a run, or how it begins; without it, the newest runs and the queues
    #[arg(value_name = "KEY|RUN")]
    pub what: Option<String>,
    /// How many of the newest runs
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "what", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub last: u64,
    /// How many days of uploads are looked through for them
    #[arg(long, value_name = "N", default_value_t = 15, conflicts_with = "what", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Also shows the queues, which the newest runs come with anyway
    #[arg(long)]
    pub queues: bool,
    /// The stack.
    #[command(flatten)]
    pub stack: StackArguments,
}

/// The arguments of `backfill`.
#[derive(Debug, Args)]
pub struct BackfillArguments {
    /// What the keys begin with
    #[arg(long, value_name = "PREFIX", default_value = "input/")]
    pub prefix: String,
    /// Goes on behind this key
    #[arg(long, value_name = "KEY")]
    pub from: Option<String>,
    /// How many files are announced at most
    #[arg(long, value_name = "N")]
    pub max: Option<u64>,
    /// Counts what would be announced, and announces nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How fast.
    #[command(flatten)]
    pub pace: PaceArguments,
    /// The stack.
    #[command(flatten)]
    pub stack: StackArguments,
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
