//! Reading the column names, wherever the contract says that they stand.

use super::input::Input;
use crate::contract::{HeaderRows, Heading, own_labels};
use crate::rows::{Record, Step};
use crate::violation::{FileCode, Verdict};

/// The head of a file.
#[derive(Debug)]
pub(super) struct Head {
    /// The column names.
    pub(super) labels: Vec<String>,
    /// How many records stand above the first one of data.
    pub(super) records: u64,
}

/// Reads the head from the start of a file.
///
/// `names` are the columns of a file that has no header. A rejected file that comes back has its names in the first
/// row, whatever the contract says of files as they are first sent.
///
/// # Errors
/// The verdict over a file without a usable header.
pub(super) fn read(input: &mut Input, heading: &Heading, names: &[String]) -> Result<Head, Verdict> {
    let mut head = Head { labels: Vec::new(), records: 0 };
    let last = heading.rows.last();
    loop {
        let labels = match next(input, heading)? {
            Next::End if head.records == 0 => return Err(empty()),
            Next::End => return Err(too_short(last)),
            Next::Labels(labels) => labels,
        };
        if head.records == 0
            && let Ok(labels) = &labels
            && own_labels(labels).len() < labels.len()
        {
            return Ok(Head { labels: labels.clone(), records: 1 });
        }
        let row = input.reader().next_row() - 1;
        match &heading.rows {
            HeaderRows::Absent => {
                return Ok(below(input, heading, Head { labels: names.to_vec(), records: 0 }, true));
            }
            HeaderRows::First => {
                return Ok(below(input, heading, Head { labels: labels?, records: 1 }, false));
            }
            HeaderRows::At(rows) if rows.contains(&row) => join(&mut head.labels, labels?, &heading.join),
            HeaderRows::At(_) if row > last => return Err(blank_row(last)),
            HeaderRows::At(_) => {}
        }
        head.records += 1;
        if row == last {
            return Ok(below(input, heading, head, false));
        }
    }
}

/// Passes the rows below the header that hold no data. One record of them may have been read already.
fn below(input: &mut Input, heading: &Heading, mut head: Head, read: bool) -> Head {
    let mut is_read = read;
    loop {
        if !is_read && !matches!(next(input, heading), Ok(Next::Labels(_))) {
            return head;
        }
        is_read = false;
        if !heading.comment_rows.contains(&(input.reader().next_row() - 1)) {
            return head;
        }
        head.records += 1;
    }
}

enum Next {
    /// The cells of a record, or why it is no header.
    Labels(Result<Vec<String>, Verdict>),
    End,
}

/// The next record of what was read.
fn next(input: &mut Input, heading: &Heading) -> Result<Next, Verdict> {
    let limits = input.reader().limits();
    loop {
        match input.next_record() {
            Step::Record(record) => return Ok(Next::Labels(labels_of(&record, limits.columns))),
            Step::End => return Ok(Next::End),
            Step::Unterminated { line } => return Err(super::unterminated(line)),
            Step::NeedInput => {}
        }
        if !input.pump() {
            let what = match &heading.rows {
                HeaderRows::At(_) => format!("the {} rows down to the header are", heading.rows.last()),
                HeaderRows::First | HeaderRows::Absent => "the first line is".to_owned(),
            };
            return Err(Verdict::new(
                FileCode::FieldTooLarge,
                format!("{what} longer than {} bytes; is it a CSV?", limits.header_bytes),
            ));
        }
    }
}

/// The verdict over a header with more columns than are accepted.
pub(super) fn too_many(found: usize, most: usize) -> Verdict {
    Verdict::new(
        FileCode::TooManyColumns,
        format!("the header has {found} columns; at most {most} are accepted"),
    )
}

fn labels_of(record: &Record<'_>, columns: usize) -> Result<Vec<String>, Verdict> {
    if record.oversized.is_some() {
        return Err(Verdict::new(FileCode::FieldTooLarge, "the header is too long; is it a CSV?"));
    }
    if record.faults.control_character {
        return Err(Verdict::new(
            FileCode::UnsupportedFormat,
            "the header holds control characters, so this is no CSV; export the table as CSV",
        ));
    }
    let utf8 = |text: std::borrow::Cow<'_, [u8]>| {
        String::from_utf8(text.into_owned()).map_err(|_| {
            Verdict::new(
                FileCode::EncodingError,
                "the header is not in the encoding that was expected, UTF-8 unless the contract names another one. \
                 Save the file as UTF-8 and send it again, or have the contract name the file's encoding",
            )
        })
    };
    let labels: Vec<String> = record.fields().map(|field| utf8(field.text())).collect::<Result<_, _>>()?;
    // Of a record that is wider still, the last cells are counted and not kept.
    if labels.len() < record.width { Err(too_many(record.width, columns)) } else { Ok(labels) }
}

/// Adds the parts of a further row to the names.
fn join(labels: &mut Vec<String>, parts: Vec<String>, between: &str) {
    for (index, part) in parts.into_iter().enumerate() {
        match labels.get_mut(index) {
            None => labels.push(part),
            Some(label) if label.is_empty() => *label = part,
            Some(_) if part.is_empty() => {}
            Some(label) => {
                label.push_str(between);
                label.push_str(&part);
            }
        }
    }
}

fn empty() -> Verdict {
    Verdict::new(
        FileCode::EmptyFile,
        "there is nothing in the file; send one with the column names in its first line",
    )
}

fn too_short(row: u64) -> Verdict {
    Verdict::new(
        FileCode::FormatError,
        format!("the contract says that the column names stand in row {row}, and the file has fewer rows"),
    )
}

fn blank_row(row: u64) -> Verdict {
    Verdict::new(
        FileCode::FormatError,
        format!("the contract says that the column names stand in row {row}, and this row is empty"),
    )
}
