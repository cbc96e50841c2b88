//! Chunks of bytes in, records out: the processed file as it streams by.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

/// The longest record that is taken, in bytes: twice what the processor lets through, since columns are added.
const MAX_RECORD_BYTES: usize = 2 * 1024 * 1024;
/// The most cells of a record: the processor's limit of columns, with room for those that are added.
const MAX_CELLS: usize = 1024;
/// The room for a record at the start; it grows only for longer ones.
const FIRST_RECORD_BYTES: usize = 16 * 1024;

/// What can be wrong with a processed file, though its bytes are those that were written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is no header.
    #[error("it has no header")]
    NoHeader,
    /// The header lacks the columns that the contract adds.
    #[error("its header has {found} columns, fewer than the contract adds")]
    HeaderTooShort {
        /// How many it has.
        found: usize,
    },
    /// A record is longer than any that the processor writes.
    #[error("record {record} is too long")]
    RecordTooLong {
        /// Which, counted from 1.
        record: u64,
    },
    /// A record has more or fewer cells than the header.
    #[error("record {record} has {found} cells where the header has {expected}")]
    Ragged {
        /// Which, counted from 1.
        record: u64,
        /// How many cells it has.
        found: usize,
        /// How many the header has.
        expected: usize,
    },
}

/// One record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Row<'a> {
    /// How many cells it has.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell, without its quotes; empty beyond the last.
    #[inline]
    pub(crate) fn cell(&self, index: usize) -> &'a [u8] {
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(self.bytes.len()),
            None => 0,
        };
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// The first `cells` cells as one run of bytes, and where each ends in it.
    #[inline]
    pub(crate) fn head(&self, cells: usize) -> (&'a [u8], &'a [usize]) {
        let ends = self.ends.get(..cells).unwrap_or(self.ends);
        let length = ends.last().copied().unwrap_or(0);
        (self.bytes.get(..length).unwrap_or_default(), ends)
    }
}

/// A reader that is given chunks, cut anywhere, and yields records.
pub(crate) struct Table {
    reader: Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    bytes_used: usize,
    ends_used: usize,
    records: u64,
}

impl Table {
    /// A reader for a file with this delimiter.
    pub(crate) fn new(delimiter: u8) -> Self {
        Self {
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            bytes: vec![0; FIRST_RECORD_BYTES],
            ends: vec![0; MAX_CELLS],
            bytes_used: 0,
            ends_used: 0,
            records: 0,
        }
    }

    /// Takes the next chunk; an empty one is the end. Each record that it completes goes to `take`.
    pub(crate) fn push(
        &mut self,
        mut chunk: &[u8],
        mut take: impl FnMut(Row<'_>) -> Result<(), TableError>,
    ) -> Result<(), TableError> {
        loop {
            let free_bytes = self.bytes.get_mut(self.bytes_used..).unwrap_or_default();
            let free_ends = self.ends.get_mut(self.ends_used..).unwrap_or_default();
            let (result, read, wrote, ended) = self.reader.read_record(chunk, free_bytes, free_ends);
            chunk = chunk.get(read..).unwrap_or_default();
            self.bytes_used += wrote;
            self.ends_used += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(()),
                ReadRecordResult::OutputFull => self.grow()?,
                ReadRecordResult::OutputEndsFull => {
                    return Err(TableError::RecordTooLong { record: self.records });
                }
                ReadRecordResult::Record => {
                    take(Row {
                        bytes: self.bytes.get(..self.bytes_used).unwrap_or_default(),
                        ends: self.ends.get(..self.ends_used).unwrap_or_default(),
                    })?;
                    self.records += 1;
                    (self.bytes_used, self.ends_used) = (0, 0);
                }
            }
        }
    }

    fn grow(&mut self) -> Result<(), TableError> {
        if self.bytes.len() >= MAX_RECORD_BYTES {
            return Err(TableError::RecordTooLong { record: self.records });
        }
        self.bytes.resize(self.bytes.len() * 2, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(chunks: &[&[u8]]) -> Vec<Vec<String>> {
        let mut table = Table::new(b',');
        let mut found = Vec::new();
        for chunk in chunks.iter().chain([&&b""[..]]) {
            table
                .push(chunk, |row| {
                    found.push(
                        (0..row.len()).map(|i| String::from_utf8_lossy(row.cell(i)).into_owned()).collect(),
                    );
                    Ok(())
                })
                .unwrap();
        }
        found
    }

    #[test]
    fn quoted_cells_span_lines_and_chunks() {
        let expected = [["a", "b"], ["1,\"2", "x\ny"]];
        assert_eq!(rows(&[b"a,b\n\"1,\"\"2\",\"x\ny\"\n"]), expected);
        assert_eq!(rows(&[b"a,", b"b\n\"1,\"", b"\"2\",\"x\n", b"y\""]), expected);
    }

    #[test]
    fn a_cell_beyond_the_last_is_empty() {
        let ends = [1, 2];
        let row = Row { bytes: b"ab", ends: &ends };
        assert_eq!(
            (row.cell(0), row.cell(1), row.cell(2), row.cell(9)),
            (&b"a"[..], &b"b"[..], &b""[..], &b""[..])
        );
        assert_eq!(row.head(1).0, b"a");
    }

    #[test]
    fn a_record_without_end_is_refused() {
        let mut table = Table::new(b',');
        let result = (0..64).try_for_each(|_| table.push(&[b'x'; 64 * 1024], |_| Ok(())));
        assert_eq!(result, Err(TableError::RecordTooLong { record: 0 }));
    }
}
