//! The `gristmill` command.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Parser as _;
use gristmill::{Arguments, Console, carry_out};
use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (stdout, stderr) = (io::stdout(), io::stderr());
    // https://no-color.org: set and not empty.
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    log_to_stderr(arguments.verbose, !no_colour && stderr.is_terminal());
    let mut console = Console {
        colour: !no_colour && stdout.is_terminal(),
        width: width(stdout.is_terminal()),
        progress: stderr.is_terminal(),
        out: &mut stdout.lock(),
        err: &mut stderr.lock(),
    };
    let ended = carry_out(&arguments, &mut console);
    ended.unwrap_or_else(|failure| console.fail(&failure)).into()
}

/// How wide results may be. What goes into a file is the same on every machine.
fn width(terminal: bool) -> usize {
    let size = if terminal { terminal_size::terminal_size() } else { None };
    size.map_or(100, |(terminal_size::Width(columns), _)| usize::from(columns).clamp(40, 200))
}

/// Logs are off unless they are asked for.
fn log_to_stderr(verbose: u8, colour: bool) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_ansi(colour).init();
}
