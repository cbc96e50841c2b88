//! The generated files that benchmarks read.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use samples::{Expected, Spec, smartphone_sales};

/// The contract of the generated files.
pub const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/smartphone_sales.json");

/// Writes sales of smartphones, and says what a contract must find in them.
///
/// # Errors
/// When the file cannot be written.
pub fn generate(at: &Path, spec: &Spec) -> io::Result<Expected> {
    let mut out = BufWriter::with_capacity(256 * 1024, File::create(at)?);
    let expected = smartphone_sales(&mut out, spec)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(expected)
}

/// A folder in memory where the system has one, so that no disk is measured; else that of temporary files.
#[must_use]
pub fn memory() -> PathBuf {
    let shared_memory = Path::new("/dev/shm");
    if shared_memory.is_dir() { shared_memory.to_owned() } else { std::env::temp_dir() }
}

/// Reads `10MB`, `1GB` and the like; decimal units, as everywhere in these benchmarks.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let unit_at = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(unit_at)?;
    let factor: u64 = match unit {
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_decimal_units() {
        assert_eq!(parse_size("10MB"), Some(10_000_000));
        assert_eq!(parse_size("1GB"), Some(1_000_000_000));
        assert_eq!(parse_size("--bench"), None);
        assert_eq!(parse_size("10"), None);
    }
}
