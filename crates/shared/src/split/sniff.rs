//! Telling by its first bytes that a file is no CSV.

use crate::violation::{FileCode, Verdict};

/// The first bytes of formats that are sent by mistake, and what they are.
const MAGIC: [(&[u8], &str, &str); 10] = [
    (b"\x1f\x8b", "a gzip archive", "unpack it and send the CSV inside"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook (.xlsx)", "unpack it, or save the sheet as CSV"),
    (b"PK\x05\x06", "an empty ZIP archive", "send the CSV itself"),
    (b"PAR1", "a Parquet file", "export it as CSV"),
    (b"%PDF", "a PDF document", "export the table as CSV"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it and send the CSV inside"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", "save the sheet as CSV"),
    (b"BZh", "a bzip2 archive", "unpack it and send the CSV inside"),
    (b"\xfd7zXZ", "an xz archive", "unpack it and send the CSV inside"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
];

/// Byte order marks of encodings that are not read; the longer ones first.
const MARKS: [(&[u8], &str); 4] = [
    (b"\xff\xfe\0\0", "UTF-32 (little endian)"),
    (b"\0\0\xfe\xff", "UTF-32 (big endian)"),
    (b"\xff\xfe", "UTF-16 (little endian)"),
    (b"\xfe\xff", "UTF-16 (big endian)"),
];

/// Refuses what is no text in UTF-8 at first sight.
///
/// # Errors
/// The verdict, with what the file looks like and what to do.
pub(super) fn check(start: &[u8]) -> Result<(), Verdict> {
    for (mark, encoding) in MARKS {
        if start.starts_with(mark) {
            return Err(foreign(encoding));
        }
    }
    for (magic, what, remedy) in MAGIC {
        if start.starts_with(magic) {
            return Err(Verdict::new(
                FileCode::UnsupportedFormat,
                format!("the file looks like {what}, not like a CSV; {remedy}"),
            ));
        }
    }
    wide_text(start)
}

/// Two-byte text without a byte order mark: every other byte of its Latin letters is zero.
fn wide_text(start: &[u8]) -> Result<(), Verdict> {
    let sample = start.get(..64.min(start.len() & !1)).unwrap_or_default();
    if sample.len() < 4 {
        return Ok(());
    }
    let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let half = sample.len() / 2;
    if zeros(1) * 4 > half * 3 && zeros(0) == 0 {
        return Err(foreign("UTF-16 (little endian) without a byte order mark"));
    }
    if zeros(0) * 4 > half * 3 && zeros(1) == 0 {
        return Err(foreign("UTF-16 (big endian) without a byte order mark"));
    }
    Ok(())
}

fn foreign(encoding: &str) -> Verdict {
    Verdict::new(
        FileCode::EncodingError,
        format!("the file is in {encoding}; save it as UTF-8 and send it again"),
    )
}
