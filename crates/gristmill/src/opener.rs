//! Opening the report.

use std::path::Path;
use std::process::{Command, Stdio};

/// The system's word for "open this with whatever opens it".
const OPENER: &[&str] = if cfg!(target_os = "macos") {
    &["open"]
} else if cfg!(windows) {
    &["cmd", "/C", "start", ""]
} else {
    &["xdg-open"]
};

/// The command that opens a file, for people to type.
pub(crate) fn hint(path: &Path) -> String {
    let command = if cfg!(windows) { "start" } else { OPENER.first().copied().unwrap_or("open") };
    format!("{command} {}", path.display())
}

/// Opens a file and says whether that could be begun. The program does not wait for it.
pub(crate) fn open(path: &Path) -> bool {
    let Some((program, arguments)) = OPENER.split_first() else { return false };
    let quiet = Stdio::null;
    let started = Command::new(program)
        .args(arguments)
        .arg(path)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .spawn();
    started.is_ok()
}
