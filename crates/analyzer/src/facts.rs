//! Facts: every number of a report, computed in one pass over every valid record.
//!
//! A [`Survey`] is given the bytes of a processed file, cut anywhere, and ends in [`Findings`]. Its memory does not
//! grow with the file: what is told apart (groups, periods, distinct values, records seen) has a limit each, and
//! what goes beyond its limit is left out and noted, never guessed.
//!
//! Outer spaces of a cell do not count: ` Apple` and `Apple` are one group, and a cell of spaces is missing.

mod columns;
mod duplicates;
mod flags;
mod groups;
mod measure;
mod number;
mod quantile;
mod segment;
mod sheet;
mod table;
mod trend;

use shared::contract::{Contract, MeasureSource};
use shared::facts::Fact;

use columns::{Columns, Source};
use duplicates::Duplicates;
use flags::FlagCount;
use groups::{Groups, MAX_GROUP_BYTES};
use measure::MeasureTally;
use number::Number;
use segment::SegmentTally;
pub use table::TableError;
use table::{Row, Table};
use trend::Trend;

/// What a survey found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// How many records there are.
    pub rows: u64,
    /// The facts, with their ids.
    pub facts: Vec<Fact>,
    /// What is known of each dimension besides its facts.
    pub dimensions: Vec<DimensionFound>,
    /// What is known of the time field besides its facts; absent when there is no trend.
    pub time: Option<TimeFound>,
    /// What was left out and why, one sentence each.
    pub notes: Vec<String>,
}

/// What is known of a dimension besides its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DimensionFound {
    /// Its name.
    pub name: String,
    /// Whether the facts name every group; otherwise the last place may be shared with groups not named.
    pub complete: bool,
}

/// What is known of the time field besides its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeFound {
    /// Its name.
    pub name: String,
    /// The first and the last period of all.
    pub ends: (String, String),
    /// Whether the records reach back to the first day of the first period.
    pub first_whole: bool,
    /// Whether the records reach up to the last day of the last period.
    pub last_whole: bool,
    /// Whether a period in between has no record at all.
    pub gaps: bool,
    /// The facts' periods in order; the middle of a long trend is not among them.
    pub periods: Vec<String>,
}

/// One pass over the records of a processed file.
pub struct Survey<'a> {
    contract: &'a Contract,
    table: Table,
    state: Option<Counting<'a>>,
}

impl<'a> Survey<'a> {
    /// A survey of what the contract asks for, over a file with this delimiter.
    #[must_use]
    pub fn new(contract: &'a Contract, delimiter: u8) -> Self {
        Self { contract, table: Table::new(delimiter), state: None }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`TableError`] when they are not a file that the processor writes.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), TableError> {
        // To the CSV reader an empty chunk is the end.
        if chunk.is_empty() { Ok(()) } else { self.feed(chunk) }
    }

    fn feed(&mut self, chunk: &[u8]) -> Result<(), TableError> {
        let (contract, state) = (self.contract, &mut self.state);
        self.table.push(chunk, |row| match state {
            Some(counting) => counting.add(row),
            None => {
                *state = Some(Counting::new(contract, Columns::find(contract, row)?));
                Ok(())
            }
        })
    }

    /// Ends the pass.
    ///
    /// # Errors
    /// [`TableError`] when the last record is broken or there was not even a header.
    pub fn finish(mut self) -> Result<Findings, TableError> {
        self.feed(&[])?;
        self.state.map(Counting::finish).ok_or(TableError::NoHeader)
    }
}

impl Findings {
    /// What there is to say about a file without valid records.
    #[must_use]
    pub fn nothing() -> Self {
        sheet::empty()
    }
}

/// A pass after its header.
struct Counting<'a> {
    contract: &'a Contract,
    columns: Columns,
    rows: u64,
    measures: Vec<MeasureTally>,
    segments: Vec<SegmentTally>,
    dimensions: Vec<Groups>,
    /// Where each dimension is.
    groupings: Vec<Source>,
    group_budget: usize,
    trend: Option<(Source, Trend)>,
    undated: u64,
    flags: Vec<FlagCount>,
    nulls: Vec<u64>,
    duplicates: Duplicates,
    /// The measures of the record at hand.
    values: Vec<Option<Number>>,
    /// The bands that the record at hand falls in, counted through over all segments.
    bands: Vec<usize>,
}

impl<'a> Counting<'a> {
    fn new(contract: &'a Contract, columns: Columns) -> Self {
        let analysis = &contract.analysis;
        let measures: Vec<_> =
            analysis.measures.iter().map(|m| MeasureTally::new(m.clone(), columns.measure(m.from))).collect();
        let segments = SegmentTally::of(analysis);
        let band_count = segments.iter().map(|s| s.bands.len()).sum();
        let dimensions = analysis.dimensions.iter().enumerate().filter_map(|(place, &field)| {
            let bands = if place == 0 { band_count } else { 0 };
            let name = contract.fields.get(field)?.name.clone();
            Some(Groups::new(name, columns.field(field).column, measures.len(), bands))
        });
        let trend = analysis.time.and_then(|(field, length)| {
            let source = columns.field(field);
            source.column?;
            Some((source, Trend::new(contract.fields.get(field)?.clone(), length, measures.len())))
        });
        Self {
            contract,
            rows: 0,
            segments,
            dimensions: dimensions.collect(),
            groupings: analysis.dimensions.iter().map(|&field| columns.field(field)).collect(),
            group_budget: MAX_GROUP_BYTES,
            trend,
            undated: 0,
            flags: FlagCount::of(contract, &columns),
            nulls: vec![0; contract.fields.len()],
            duplicates: Duplicates::default(),
            values: vec![None; measures.len()],
            bands: Vec::new(),
            measures,
            columns,
        }
    }

    fn add(&mut self, row: Row<'_>) -> Result<(), TableError> {
        self.rows += 1;
        if row.len() != self.columns.width {
            return Err(TableError::Ragged {
                record: self.rows,
                found: row.len(),
                expected: self.columns.width,
            });
        }
        self.add_values(row);
        self.add_groups(row);
        if let Some((source, trend)) = &mut self.trend
            && let Some(cell) = source.value(row)
            && !trend.add(cell, &self.values)
        {
            self.undated += 1;
        }
        for flag in &mut self.flags {
            flag.add(row);
        }
        for (source, nulls) in self.columns.fields().iter().zip(&mut self.nulls) {
            *nulls += u64::from(source.value(row).is_none());
        }
        // A primary key leaves no room for a record that repeats another.
        if self.contract.primary_key.is_empty() {
            self.duplicates.add(row, self.columns.own);
        }
        Ok(())
    }

    fn add_values(&mut self, row: Row<'_>) {
        for (measure, value) in self.measures.iter_mut().zip(&mut self.values) {
            *value = None;
            match measure.source.number(row) {
                Ok(Some(number)) => {
                    measure.add(number);
                    *value = Some(number);
                }
                Ok(None) => {}
                Err(columns::NotANumber) => measure.unreadable += 1,
            }
        }
        self.bands.clear();
        let mut first = 0;
        for segment in &mut self.segments {
            if let Some(value) = self.values.get(segment.measure).copied().flatten()
                && let Some(band) = segment.add(value)
            {
                self.bands.push(first + band);
            }
            first += segment.bands.len();
        }
    }

    fn add_groups(&mut self, row: Row<'_>) {
        for (dimension, source) in self.dimensions.iter_mut().zip(&self.groupings) {
            if dimension.column().is_some()
                && let Some(name) = source.value(row)
            {
                dimension.add(name, &self.values, &self.bands, &mut self.group_budget);
            }
        }
    }

    fn finish(self) -> Findings {
        sheet::write(self)
    }
}

/// The field or derived column behind a measure, in words for a note.
fn origin(contract: &Contract, source: MeasureSource) -> &str {
    match source {
        MeasureSource::Field(field) => contract.fields.get(field).map_or("", |f| f.name.as_str()),
        MeasureSource::Derived(derived) => contract.derive.get(derived).map_or("", |d| d.name.as_str()),
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
