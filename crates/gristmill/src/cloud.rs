//! The commands for those who look after a stack on AWS: the adapters, and how they are told on the command line.

mod backfill;
mod redrive;
mod replay;
mod status;
mod time;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws::clients;
use aws::clock::SystemClock;
use aws::dynamodb::TableAnalyses;
use aws::s3::S3Objects;
use aws::sqs::SqsQueues;
use operator::Operator;
use operator::names::{Names, Stage};
use operator::pace::Bounds;
use serde_json::Value;

use crate::arguments::{PaceArguments, StackArguments};
use crate::cloud::trouble::Place;
use crate::console::Console;
use crate::failure::Failure;
use crate::result::line;

pub(crate) use backfill::backfill;
pub(crate) use redrive::redrive;
pub(crate) use replay::replay;
pub(crate) use status::status;

/// The table's own retention is none of our business: we claim nothing.
const RETENTION_DAYS: u32 = 365;

/// A stack that is connected.
struct Stack {
    operator: Operator<S3Objects, TableAnalyses, SqsQueues, SystemClock>,
    names: Names,
    /// The bucket's name; empty where the command needs none.
    bucket: String,
    /// Where all of it is, for whoever is told what went wrong.
    place: Place,
    /// Whether somebody has asked for the end.
    stop: Arc<AtomicBool>,
}

impl Stack {
    /// Finds the stack. A command that needs no bucket says so.
    async fn connect(arguments: &StackArguments, needs_bucket: bool) -> Result<Self, Failure> {
        let stack = arguments.stack.as_deref().filter(|stack| !stack.is_empty()).ok_or_else(|| {
            Failure::usage("which stack? name it with --stack or GRISTMILL_STACK, such as gristmill-dev")
        })?;
        let path_style = path_style(arguments.s3_path_style.as_deref())?;
        let config = clients::sdk_config().await;
        let names = Names::of(stack);
        let mut place = Place { names: names.clone(), ..Place::default() };
        place.region = config.region().map(ToString::to_string).ok_or_else(trouble::no_region)?;
        place.endpoint = config.endpoint_url().map(str::to_owned);
        clients::credentials(&config).await.map_err(|fault| place.failure(&fault))?;

        let queues = SqsQueues::new(clients::sqs(&config));
        let bucket = match &arguments.bucket {
            Some(bucket) if !bucket.is_empty() => bucket.clone(),
            _ if !needs_bucket => String::new(),
            _ => {
                let address = queues.address(&names.queue(Stage::Processor)).await;
                let address = address.map_err(|fault| place.failure(&fault))?;
                names.bucket(account_in(&address)?, &place.region)
            }
        };
        place.bucket.clone_from(&bucket);
        let operator = Operator {
            objects: S3Objects::new(clients::s3(&config, path_style)),
            analyses: TableAnalyses::new(clients::dynamodb(&config), names.table(), RETENTION_DAYS),
            queues,
            clock: SystemClock,
        };
        Ok(Self { operator, names, bucket, place, stop: stop_by_signal() })
    }
}

/// The account in a queue's address, `https://…/<account>/<queue>`.
fn account_in(address: &str) -> Result<&str, Failure> {
    address.rsplit('/').nth(1).filter(|account| !account.is_empty()).ok_or_else(|| {
        Failure::program(format!(
            "the queue's address has no account in it: {address}; name the bucket with --bucket"
        ))
    })
}

/// Whether buckets stand in the path, as emulators want it; the functions have the same variable.
fn path_style(value: Option<&str>) -> Result<bool, Failure> {
    match value.map(str::trim) {
        None | Some("" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => {
            Err(Failure::usage(format!("GRISTMILL_S3_PATH_STYLE is {other:?}; false or true is accepted")))
        }
    }
}

/// Set when somebody presses Ctrl-C: the command ends between two messages. A second time ends it at once, which loses
/// nothing either.
fn stop_by_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if asked.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        }
    });
    stop
}

/// Carries out a command that waits for the network.
fn wait_for<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::program(format!("no runtime can be made: {error}")))?;
    runtime.block_on(command)
}

fn bounds(pace: &PaceArguments) -> Result<Bounds, Failure> {
    if pace.max_depth == 0 {
        return Err(Failure::usage("--max-depth 0 would wait for ever; 1 and more is accepted"));
    }
    Bounds::of(pace.rate, pace.max_depth)
        .ok_or_else(|| Failure::usage(format!("--rate {}: above 0 and up to 1000 is accepted", pace.rate)))
}

/// Where the steps of a command are shown.
struct Screen<'a, 'c> {
    console: &'a mut Console<'c>,
    json: bool,
    stop: Arc<AtomicBool>,
    /// What went wrong with the output.
    failed: Option<Failure>,
}

impl<'a, 'c> Screen<'a, 'c> {
    fn new(console: &'a mut Console<'c>, json: bool, stack: &Stack) -> Self {
        Self { console, json, stop: Arc::clone(&stack.stop), failed: None }
    }

    fn is_over(&self) -> bool {
        self.failed.is_some() || self.stop.load(Ordering::Relaxed)
    }

    /// Shows a result: in JSON or in words.
    fn show(&mut self, value: impl FnOnce() -> Value, words: impl FnOnce(&Console<'_>) -> String) {
        let shown = if self.json {
            line(&value()).and_then(|text| self.console.print(&text))
        } else {
            let text = words(self.console);
            self.console.print(&text)
        };
        self.failed = self.failed.take().or(shown.err());
    }

    /// Ends the showing.
    fn finish(self) -> Result<(), Failure> {
        self.failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_in_the_address_of_a_queue() {
        for address in
            ["https://sqs.eu-west-1.amazonaws.com/111122223333/q", "http://127.0.0.1:5000/111122223333/q"]
        {
            assert_eq!(account_in(address).unwrap(), "111122223333");
        }
        assert!(account_in("q").is_err());
    }

    #[test]
    fn the_path_style_is_a_word_as_for_the_functions() {
        assert!(!path_style(None).unwrap());
        assert!(!path_style(Some(" ")).unwrap());
        assert!(path_style(Some("true")).unwrap());
        assert!(path_style(Some("yes")).unwrap_err().message.contains("false or true is accepted"));
    }
}
