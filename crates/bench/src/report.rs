//! What a benchmark prints: medians, sizes, and gates that were kept or missed.

use std::time::Duration;

/// A megabyte of memory or of files, as everything here counts them.
const MEGABYTE: f64 = 1e6;

/// The middle of the values; of an even number, the upper of the two in the middle. `None` of none.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// Bytes as megabytes.
#[must_use]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}

/// A duration as milliseconds.
#[must_use]
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The gates of a benchmark.
#[derive(Debug, Default)]
pub struct Gates {
    missed: u32,
}

impl Gates {
    /// Compares a figure with the most that it may be; the line says how it went.
    #[must_use]
    pub fn at_most(&mut self, what: &str, found: f64, limit: f64) -> String {
        // Written so that a figure that is not a number misses.
        let good = found <= limit;
        self.missed += u32::from(!good);
        format!("{what:<52} {found:>8.2}   at most {limit}: {}", if good { "good" } else { "MISSED" })
    }

    /// Checks what is true or not; the line says how it went.
    #[must_use]
    pub fn holds(&mut self, what: &str, good: bool) -> String {
        self.missed += u32::from(!good);
        format!("{what:<72} {}", if good { "good" } else { "MISSED" })
    }

    /// The exit code of the benchmark: 1 when a gate was missed.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        i32::from(self.missed > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_depend_on_the_order() {
        assert_eq!(median(&[5.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_missed_gate_fails_the_benchmark() {
        let mut gates = Gates::default();
        assert!(gates.at_most("ratio", 4.5, 4.5).ends_with("good"));
        assert!(gates.holds("there", true).ends_with("good"));
        assert_eq!(gates.exit_code(), 0);
        assert!(gates.at_most("ratio", 4.6, 4.5).ends_with("MISSED"));
        assert!(gates.at_most("ratio", f64::NAN, 4.5).ends_with("MISSED"));
        assert_eq!(gates.exit_code(), 1);
    }
}
