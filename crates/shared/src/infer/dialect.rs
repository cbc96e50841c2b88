//! Finding out how a file is laid out when nobody says it.
//!
//! Every layout that can be meant is tried on the start of the file, and the one that makes the most regular table of it
//! is taken: rows of one width, with cells that look like values and not like pieces of a row. The measure is that of
//! van den Burg, Nazábal and Sutton, "Wrangling messy CSV files by detecting row and type patterns" (Data Mining and
//! Knowledge Discovery 33, 2019), in short: pattern score times type score.

use std::collections::BTreeMap;

use crate::contract::{HeaderRows, folded};
use crate::rows::{Layout, Limits, NO_QUOTE, Reader, Record, Step};

/// Delimiters that are tried; of equals the first is taken.
const DELIMITERS: [u8; 5] = [b',', b';', b'\t', b'|', b' '];
/// How many records are looked at.
const MAX_RECORDS: usize = 200;
/// The last record that may hold the header.
const MAX_HEADER: usize = 20;
/// A table of one column is regular by itself: how little that counts (epsilon of the paper).
const ONE_COLUMN: f64 = 0.001;

/// How a file seems to be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The layout.
    pub layout: Layout,
    /// Where its header stands.
    pub header: HeaderRows,
    /// Its column names; `column_1` and so on where it has no header.
    pub labels: Vec<String>,
}

/// A record as far as it matters here.
struct Row {
    /// Its place among records, empty lines and comments, from 1.
    number: u64,
    cells: Vec<String>,
}

/// What one layout makes of the file.
struct Attempt {
    layout: Layout,
    rows: Vec<Row>,
    width: usize,
    score: f64,
}

/// Finds out how a file is laid out from its start, which is in UTF-8; `finished` says that it is all of the file.
#[must_use]
pub fn detect(start: &[u8], finished: bool, limits: Limits) -> Detected {
    let mut best: Option<Attempt> = None;
    for layout in candidates(start) {
        let attempt = attempt(start, finished, layout, limits);
        if best.as_ref().is_none_or(|best| attempt.score > best.score) {
            best = Some(attempt);
        }
    }
    let Some(best) = best else {
        return Detected { layout: Layout::default(), header: HeaderRows::First, labels: Vec::new() };
    };
    let (header, labels) = header(&best);
    Detected { layout: best.layout, header, labels }
}

/// The layouts that can be meant, the usual one first.
fn candidates(start: &[u8]) -> Vec<Layout> {
    let has = |pair: &[u8]| memchr::memmem::find(start, pair).is_some();
    let mut layouts = Vec::new();
    for delimiter in DELIMITERS {
        if memchr::memchr(delimiter, start).is_none() && delimiter != b',' {
            continue;
        }
        let spaced = delimiter != b' ' && has(&[delimiter, b' ']);
        for quote in [b'"', b'\'', NO_QUOTE] {
            let opens = [[delimiter, quote], [b'\n', quote], [b' ', quote]];
            if quote == b'\'' && !opens.iter().any(|pair| has(pair)) {
                continue;
            }
            for escape in [None, Some(b'\\')] {
                if escape.is_some() && (quote == NO_QUOTE || !has(&[b'\\', quote])) {
                    continue;
                }
                for skip_initial_space in [false, true] {
                    if skip_initial_space && !spaced {
                        continue;
                    }
                    layouts.push(Layout {
                        delimiter,
                        quote,
                        escape,
                        skip_initial_space,
                        ..Layout::default()
                    });
                }
            }
        }
    }
    layouts
}

fn attempt(start: &[u8], finished: bool, layout: Layout, limits: Limits) -> Attempt {
    let mut reader = Reader::with_block(layout, limits, start.len());
    if let Some(space) = reader.space().get_mut(..start.len()) {
        space.copy_from_slice(start);
    }
    reader.filled(start.len());
    if finished {
        reader.filled(0);
    }
    let mut rows = Vec::new();
    let (mut broken, mut spaced) = (0_usize, Spaced::default());
    while rows.len() < MAX_RECORDS {
        let cells = match reader.next_record() {
            // A table is not that wide: the delimiter is no delimiter, or a cell without end goes on.
            Step::Record(record) if record.oversized.is_some() || record.width > limits.columns => {
                broken += 1;
                continue;
            }
            Step::Record(record) => {
                broken += usize::from(record.faults.malformed_quote);
                spaced.look_at(&record);
                cells(&record)
            }
            Step::Unterminated { .. } => {
                broken += 1;
                break;
            }
            Step::NeedInput | Step::End => break,
        };
        rows.push(Row { number: reader.next_row() - 1, cells });
    }
    let width = modal_width(&rows);
    let mut score = pattern_score(&rows) * type_score(&rows, layout) * share(rows.len(), rows.len() + broken);
    if layout.skip_initial_space && !spaced.is_usual() {
        score = 0.0;
    }
    Attempt { layout, rows, width, score }
}

/// How many cells behind a delimiter begin with a space: in most, it is the way in which the file is written; in few,
/// it is somebody's sentence.
#[derive(Default)]
struct Spaced {
    all: usize,
    spaced: usize,
}

impl Spaced {
    fn look_at(&mut self, record: &Record<'_>) {
        for field in record.fields().skip(1).filter(|field| !field.raw().is_empty()) {
            self.all += 1;
            self.spaced += usize::from(field.raw().starts_with(b" "));
        }
    }

    fn is_usual(&self) -> bool {
        self.spaced * 2 > self.all
    }
}

fn cells(record: &Record<'_>) -> Vec<String> {
    record.fields().map(|field| String::from_utf8_lossy(&field.text()).into_owned()).collect()
}

/// The most frequent width; of equals the larger one.
fn modal_width(rows: &[Row]) -> usize {
    let mut widths = BTreeMap::<usize, usize>::new();
    for row in rows {
        *widths.entry(row.cells.len()).or_default() += 1;
    }
    widths.into_iter().max_by_key(|(_, count)| *count).map_or(1, |(width, _)| width)
}

/// How regular the rows are: few widths, and wide rows. 1 at the most.
fn pattern_score(rows: &[Row]) -> f64 {
    let mut widths = BTreeMap::<usize, usize>::new();
    for row in rows {
        *widths.entry(row.cells.len()).or_default() += 1;
    }
    let parts = widths.iter().map(|(width, count)| {
        let separated = if *width == 1 { ONE_COLUMN } else { share(width - 1, *width) };
        share(*count, rows.len()) * separated
    });
    parts.sum::<f64>() / share(widths.len().max(1), 1).sqrt()
}

/// How many cells look like values.
fn type_score(rows: &[Row], layout: Layout) -> f64 {
    let (mut all, mut good) = (0_usize, 0.0);
    for cell in rows.iter().flat_map(|row| &row.cells) {
        all += 1;
        good += worth(cell, layout);
    }
    if all == 0 { 0.0 } else { good / share(all, 1) }
}

/// How much a cell looks like a value, from 0 to 1.
fn worth(cell: &str, layout: Layout) -> f64 {
    if cell.is_empty() || is_figure(cell) {
        return 1.0;
    }
    let torn = |quote: char| {
        let ends = usize::from(cell.starts_with(quote)) + usize::from(cell.ends_with(quote));
        ends > 0 && (layout.quote == NO_QUOTE || char::from(layout.quote) != quote || ends == 1)
    };
    // A quote at an end, or a backslash before one: the quoting was not understood.
    if torn('"')
        || cell.contains("\\\"")
        || (cell.len() > 1 && cell.starts_with('\'') && cell.ends_with('\''))
    {
        return 0.1;
    }
    let inside = |delimiter: &&u8| **delimiter != b' ' && cell.as_bytes().contains(delimiter);
    // Other delimiters stand in prose too, but not without a space behind them.
    let unread = DELIMITERS.iter().filter(inside).any(|delimiter| {
        let at =
            |pair: &[u8]| pair.first() == Some(delimiter) && pair.get(1).is_some_and(|next| *next != b' ');
        cell.as_bytes().windows(2).any(at)
    });
    let spaced = cell.starts_with(' ') || cell.ends_with(' ');
    match (unread, spaced) {
        (true, _) => 0.4,
        (false, true) => 0.8,
        (false, false) => 0.95,
    }
}

/// Whether a text is a number, a date, a time or an amount: digits with what stands between and around them.
fn is_figure(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 40
        && text.contains(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || " .:/+-%$€£¥()TZ".contains(c) || (c == ',' && text.len() < 20))
}

/// Where the header stands, and the names in it.
fn header(attempt: &Attempt) -> (HeaderRows, Vec<String>) {
    let rows = &attempt.rows;
    let numbered = || (1..=attempt.width).map(|number| format!("column_{number}")).collect::<Vec<_>>();
    let found = rows.iter().take(MAX_HEADER).position(|row| is_header(row, attempt.width));
    match found {
        Some(0) => (HeaderRows::First, names(rows.first())),
        Some(at) if rows.iter().take(at).all(|row| is_preamble(row, attempt.width)) => {
            (HeaderRows::At(rows.get(at).map(|row| row.number).into_iter().collect()), names(rows.get(at)))
        }
        _ if rows.len() > 1 && is_data(rows) => (HeaderRows::Absent, numbered()),
        _ => (HeaderRows::First, names(rows.first())),
    }
}

fn names(row: Option<&Row>) -> Vec<String> {
    row.map(|row| row.cells.clone()).unwrap_or_default()
}

/// Whether a row can be a header: names of its own in every cell, none of them a figure.
fn is_header(row: &Row, width: usize) -> bool {
    let names: Vec<String> = row.cells.iter().map(|cell| folded(cell)).collect();
    names.len() == width
        && names.iter().enumerate().all(|(at, name)| {
            !name.is_empty() && !is_figure(name) && !names.iter().take(at).any(|earlier| earlier == name)
        })
}

/// Whether a row is one of those that reports put above the table: few of its cells are filled.
fn is_preamble(row: &Row, width: usize) -> bool {
    let filled = row.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
    filled * 2 < width || row.cells.len() * 2 < width
}

/// Whether the first row is like the others: every column of figures has one in it, and of the same shape.
fn is_data(rows: &[Row]) -> bool {
    let Some((first, others)) = rows.split_first() else { return false };
    let columns = (0..first.cells.len()).filter_map(|column| {
        let below = others.iter().filter_map(move |row| row.cells.get(column)).filter(|cell| is_figure(cell));
        (below.clone().count() * 2 > others.len()).then_some((first.cells.get(column)?, below))
    });
    let mut figures = 0;
    for (cell, below) in columns {
        figures += 1;
        let (mut alike, mut all) = (0, 0);
        for other in below {
            all += 1;
            alike += usize::from(shape(other) == shape(cell));
        }
        if !is_figure(cell) || alike * 2 < all {
            return false;
        }
    }
    figures > 0
}

/// A figure without its digits, and whether it may be a year: a header may name years above other figures.
fn shape(figure: &str) -> (String, bool) {
    let mut shape: Vec<char> =
        figure.trim().chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape.dedup_by(|next, before| *next == '0' && *before == '0');
    let is_year = figure.trim().len() == 4 && (figure.starts_with("19") || figure.starts_with("20"));
    (shape.into_iter().collect(), is_year)
}

/// A share as a number; the counts are small.
#[expect(clippy::cast_precision_loss, reason = "at most a few hundred records of a few thousand cells")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Detected {
        detect(text.as_bytes(), true, Limits::STANDARD)
    }

    #[test]
    fn layouts_are_told_by_their_regularity() {
        let plain = Layout::default();
        let with = |delimiter| Layout { delimiter, ..plain };
        for (text, layout) in [
            ("a,b\n1,2\n3,4\n", plain),
            ("name;price\nA;1,5\nB;2,25\n", with(b';')),
            ("name;price\n1,5;1,5\n2,5;2,25\n", with(b';')),
            ("a\tb\nx y\t1\nz, w\t2\n", with(b'\t')),
            ("a|b|c\n1|2|3\n", with(b'|')),
            ("when who\n2024-05-20 Ann\n2024-05-21 Bob\n", with(b' ')),
            ("name,text\n'A','one, two'\n'B','three, \"four\"'\n", Layout { quote: b'\'', ..plain }),
            ("a,b\n1,\"x \\\"y\\\", z\"\n2,\"u\"\n", Layout { escape: Some(b'\\'), ..plain }),
            ("a, b\n1, \"x, y\"\n2, \"z, w\"\n", Layout { skip_initial_space: true, ..plain }),
            ("a,b\n\"x, y\",2\n\"z, \"\"w\"\"\",4\n", plain),
            ("name,note\nMen's shoes,it's\nO'Hara,'tis\n", plain),
            ("a\n1\n2\n", plain),
            ("name,note\nA,b c\nB,\"yes, no\"\nC, or not\n", plain),
            ("name;note\nA;b, c\nB;d, e\n", with(b';')),
        ] {
            assert_eq!(found(text).layout, layout, "{text}");
        }
    }

    #[test]
    fn headers_are_found_where_they_stand() {
        for (text, header, labels) in [
            ("a,b\n1,2\n", HeaderRows::First, ["a", "b"]),
            ("a,b\nx,y\n", HeaderRows::First, ["a", "b"]),
            ("Ann,33\nBob,44\nCy,55\n", HeaderRows::Absent, ["column_1", "column_2"]),
            ("a,1\n2,3\n4,5\n", HeaderRows::First, ["a", "1"]),
            ("1,b\n1,2\n3,x\n", HeaderRows::Absent, ["column_1", "column_2"]),
            ("country,2019\nFR,1\nDE,3\n", HeaderRows::First, ["country", "2019"]),
            ("2019,x\n2020,y\n2021,z\n", HeaderRows::Absent, ["column_1", "column_2"]),
        ] {
            let found = found(text);
            assert_eq!((found.header, found.labels), (header, labels.map(str::to_owned).to_vec()), "{text}");
        }
        let report = "Sales of May,,\n,,\n\nname,price,day\nA,1,2024-05-01\nB,2,2024-05-02\n";
        let found = found(report);
        assert_eq!(found.header, HeaderRows::At(vec![4]));
        assert_eq!(found.labels, ["name", "price", "day"]);
    }
}
