//! A few good records, to be changed cell by cell.

use crate::sheet::push_cell;
use crate::{Dataset, Spec};

/// A header and records.
#[derive(Debug, Clone)]
pub(super) struct Table {
    header: Vec<String>,
    records: Vec<Vec<String>>,
}

impl Table {
    /// So many generated records without a mistake and without a quoted cell.
    pub(super) fn generated(dataset: Dataset, count: u64) -> Self {
        let mut bytes = Vec::new();
        let spec = Spec { seed: 7, bad_share: 0.0, quoted_share: 0.0, ..Spec::records(count) };
        // A Vec takes every write.
        let _ = dataset.write(&mut bytes, &spec);
        let text = String::from_utf8_lossy(&bytes);
        // No cell is quoted, so commas and line feeds are all there is to it.
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        Self { header: lines.next().unwrap_or_default(), records: lines.collect() }
    }

    /// Sets one cell; records count from 1. A cell that does not exist is left alone.
    pub(super) fn cell(mut self, record: usize, column: &str, value: &str) -> Self {
        let at = self.header.iter().position(|name| name == column);
        let cells = record.checked_sub(1).and_then(|index| self.records.get_mut(index));
        if let Some(cell) = cells.zip(at).and_then(|(cells, at)| cells.get_mut(at)) {
            value.clone_into(cell);
        }
        self
    }

    /// Sets a column from the first record on, one value after the other.
    pub(super) fn column(self, column: &str, values: &[&str]) -> Self {
        values.iter().zip(1..).fold(self, |table, (value, record)| table.cell(record, column, value))
    }

    /// Changes the header's names.
    pub(super) fn header(mut self, change: impl FnOnce(&mut Vec<String>)) -> Self {
        change(&mut self.header);
        self
    }

    /// Renames a column.
    pub(super) fn rename(self, column: &str, name: &str) -> Self {
        self.header(|names| {
            for label in names.iter_mut().filter(|label| *label == column) {
                name.clone_into(label);
            }
        })
    }

    /// Changes the list of cells of one record; records count from 1.
    pub(super) fn record(mut self, record: usize, change: impl FnOnce(&mut Vec<String>)) -> Self {
        if let Some(cells) = record.checked_sub(1).and_then(|index| self.records.get_mut(index)) {
            change(cells);
        }
        self
    }

    /// Changes the list of cells of the header and of every record alike.
    pub(super) fn every_line(mut self, change: impl Fn(&mut Vec<String>)) -> Self {
        change(&mut self.header);
        self.records.iter_mut().for_each(change);
        self
    }

    /// Inserts a record before the one with this number.
    pub(super) fn insert(mut self, before: usize, cells: Vec<String>) -> Self {
        let at = before.saturating_sub(1).min(self.records.len());
        self.records.insert(at, cells);
        self
    }

    /// The header's names.
    pub(super) fn names(&self) -> Vec<String> {
        self.header.clone()
    }

    /// As CSV with commas and LF.
    pub(super) fn text(&self) -> String {
        self.text_with(b',', &["\n"])
    }

    /// As CSV with this delimiter and these line ends in turn.
    pub(super) fn text_with(&self, delimiter: u8, line_ends: &[&str]) -> String {
        let mut bytes = Vec::new();
        let lines = std::iter::once(&self.header).chain(&self.records);
        for (cells, line_end) in lines.zip(line_ends.iter().cycle()) {
            for (index, cell) in cells.iter().enumerate() {
                if index > 0 {
                    bytes.push(delimiter);
                }
                push_cell(&mut bytes, cell, delimiter);
            }
            bytes.extend_from_slice(line_end.as_bytes());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}
