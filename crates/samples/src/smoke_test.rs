//! What a deploy drops to see that a file becomes a report.

use std::io::{self, Write};

use crate::sheet::{Turn, Written, write_rows};
use crate::{Expected, Spec};

/// The columns, in the order of the file.
pub(crate) const HEADER: [&str; 2] = ["check", "expected"];

/// The largest number that the contract takes.
const MOST: u32 = 100;

/// Writes numbered checks as CSV, each with a number from 0 to 100; a broken record has a larger one.
///
/// # Errors
///
/// Fails when `out` does.
pub fn smoke_test(out: &mut impl Write, spec: &Spec) -> io::Result<Expected> {
    write_rows(out, spec, HEADER, |Turn { random, index, bad }, sheet| {
        let expected = if bad { MOST + 1 + random.below(MOST) } else { random.below(MOST + 1) };
        sheet.record([format!("check {index}").as_str(), expected.to_string().as_str()])?;
        Ok(if bad { Written::Rejected } else { Written::Valid })
    })
}
