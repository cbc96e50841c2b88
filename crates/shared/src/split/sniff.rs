//! Telling by its first bytes that a file is no CSV, or which encoding it is in.

use crate::intake::Charset;
use crate::violation::{FileCode, Verdict};

/// The first bytes of formats that are sent by mistake, and what they are.
const MAGIC: [(&[u8], &str, &str); 10] = [
    (b"\x1f\x8b", "a gzip archive inside a gzip archive", "pack the CSV once"),
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

/// Byte order marks of encodings that are not read.
const MARKS: [(&[u8], &str); 2] =
    [(b"\xff\xfe\0\0", "UTF-32 (little endian)"), (b"\0\0\xfe\xff", "UTF-32 (big endian)")];

/// How many bytes are looked at, at the most.
pub(super) const SEEN_BYTES: usize = 512;
/// Where the headers of a tar archive say that it is one (POSIX.1-1988), and what they say. The name before it is
/// filled up with zeros, which no CSV has.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// The encoding of a file that begins like this, where the contract names this one. A byte order mark goes before
/// the contract.
///
/// # Errors
/// The verdict over what is no text or is in an encoding that is not read, with what it looks like and what to do.
pub(super) fn charset(start: &[u8], named: Option<Charset>) -> Result<Charset, Verdict> {
    for (mark, encoding) in MARKS {
        if start.starts_with(mark) {
            return Err(foreign(encoding));
        }
    }
    if let Some(marked) = Charset::marked(start) {
        return Ok(marked);
    }
    for (magic, what, remedy) in MAGIC {
        if start.starts_with(magic) {
            return Err(looks_like(what, remedy));
        }
    }
    if start.get(TAR.0..).is_some_and(|rest| rest.starts_with(TAR.1))
        && start.iter().take(TAR.0).any(|byte| *byte == 0)
    {
        return Err(looks_like("a tar archive", "unpack it and send the CSV inside"));
    }
    match named {
        Some(charset) if !charset.is_utf8() => Ok(charset),
        Some(_) | None => wide_text(start).map(|()| Charset::UTF_8),
    }
}

fn looks_like(what: &str, remedy: &str) -> Verdict {
    Verdict::new(FileCode::UnsupportedFormat, format!("the file looks like {what}, not like a CSV; {remedy}"))
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
