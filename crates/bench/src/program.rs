//! Programs of this workspace: built as they are released, run, and measured from outside.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use wait4::{ResUse, Wait4 as _};

/// A program as it is shipped: the one in the folder that follows `--programs` among the arguments of this
/// process, or else one that is built now in the release profile. Says where it lies.
///
/// # Errors
/// When it cannot be built, or is not in that folder.
pub fn release(package: &str, features: &[&str]) -> io::Result<PathBuf> {
    match std::env::args_os().skip_while(|argument| argument != "--programs").nth(1) {
        Some(folder) => Path::new(&folder).join(package).canonicalize(),
        None => build(package, features),
    }
}

fn build(package: &str, features: &[&str]) -> io::Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .args(["build", "--release", "--message-format=json-render-diagnostics"])
        .args(["--package", package, "--bin", package])
        .stdout(Stdio::piped());
    if !features.is_empty() {
        cargo.args(["--features", &features.join(",")]);
    }
    let built = cargo.spawn()?.wait_with_output()?;
    let told = String::from_utf8_lossy(&built.stdout);
    let executable =
        told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|told| {
            let named = told.pointer("/target/name").and_then(Value::as_str) == Some(package);
            told.get("executable").and_then(Value::as_str).filter(|_| named).map(PathBuf::from)
        });
    executable
        .filter(|_| built.status.success())
        .ok_or_else(|| io::Error::other(format!("{package} could not be built")))
}

/// What a process used.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Time on processors, in the program and in the kernel for it.
    pub cpu: Duration,
    /// The most memory that it had at once, in bytes.
    ///
    /// Linux begins the count with what the process held before it became the program, and a spawned process
    /// shares that with its parent: the parent's peak is a floor. Benchmarks stay small for that reason.
    pub peak: u64,
    /// From its start to its end.
    pub wall: Duration,
}

impl Usage {
    fn of(used: &ResUse, since: Instant) -> Self {
        Self { cpu: used.rusage.utime + used.rusage.stime, peak: used.rusage.maxrss, wall: since.elapsed() }
    }
}

/// Runs a program to its end: what it used, and what it wrote to its standard output.
///
/// # Errors
/// When it cannot be run or does not succeed.
pub fn run(command: &mut Command) -> io::Result<(Usage, String)> {
    let since = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut told = String::new();
    if let Some(mut output) = child.stdout.take() {
        output.read_to_string(&mut told)?;
    }
    let used = child.wait4()?;
    if !used.status.success() {
        return Err(io::Error::other(format!("{:?}: {}; {told}", command.get_program(), used.status)));
    }
    Ok((Usage::of(&used, since), told))
}

/// Starts one of the functions, with the environment that Lambda gives and nothing else.
///
/// # Errors
/// When it cannot be started.
pub fn start(program: &Path, name: &str, variables: &[(&str, &str)]) -> io::Result<Running> {
    let since = Instant::now();
    let child = Command::new(program)
        .env_clear()
        .envs(LAMBDA)
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    Ok(Running { child, since })
}

/// The credentials are nobody's.
const LAMBDA: [(&str, &str); 8] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_DEFAULT_REGION", "eu-central-1"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_LOG_LEVEL", "INFO"),
];

/// A function that runs. It never ends by itself: it polls for the next event.
#[derive(Debug)]
pub struct Running {
    child: Child,
    since: Instant,
}

impl Running {
    /// When it was started.
    #[must_use]
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Ends it, and says what it has used.
    ///
    /// # Errors
    /// When it ended before, or cannot be ended.
    pub fn end(mut self) -> io::Result<Usage> {
        let own_peak = own_peak(self.child.id());
        if let Some(status) = self.child.try_wait()? {
            return Err(io::Error::other(format!("the function has ended by itself: {status}")));
        }
        self.child.kill()?;
        let used = Usage::of(&self.child.wait4()?, self.since);
        Ok(Usage { peak: own_peak.unwrap_or(used.peak), ..used })
    }
}

/// A function whose benchmark stopped early does not stay behind.
impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The peak since the process became the program, where the system tells (Linux: `VmHWM`).
fn own_peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_says_and_uses_is_told() {
        let (usage, told) = run(Command::new("sh").args(["-c", "echo said"])).unwrap();
        assert_eq!(told, "said\n");
        assert!(usage.peak > 100_000, "{usage:?}");
    }

    #[test]
    fn a_program_that_fails_is_an_error() {
        assert!(run(Command::new("sh").args(["-c", "exit 3"])).is_err());
    }

    #[test]
    fn a_function_that_ended_by_itself_is_an_error() {
        let program = Path::new("/bin/true");
        let mut running = start(program, "true", &[]).unwrap();
        running.child.wait().unwrap();
        assert!(running.end().is_err());
    }
}
