//! The first violations of each kind, with their places in the file.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shared::contract::folded;
use shared::rows::Record;
use shared::split::Witness;
use shared::validate::{Finding, Findings, Plan};
use shared::violation::Code;

use super::excerpt::Excerpt;
use crate::progress::Progress;

/// Gathers the first violations of each kind. Its memory depends on how many are wanted and on the number of
/// columns, not on the file.
#[derive(Debug)]
pub(super) struct Listing {
    /// How many of a kind are kept.
    limit: u64,
    /// How wide an excerpt may be.
    columns: usize,
    progress: Progress,
    kinds: Mutex<Kinds>,
}

/// What was found so far, by code and column.
type Kinds = HashMap<Code, HashMap<String, Kind>>;

/// Violations of one code in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) code: Code,
    /// Absent for what concerns whole records.
    pub(super) column: Option<String>,
    /// How many there are.
    pub(super) count: u64,
    /// The record of the first one, from 1.
    pub(super) first_row: u64,
    /// The first ones.
    pub(super) violations: Vec<Violation>,
}

/// One violation and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// The record, from 1.
    pub(super) row: u64,
    /// The physical line on which the record begins, from 1.
    pub(super) line: u64,
    /// The place in the record, from 1, where the cell is or would be; absent where it is about no single cell.
    pub(super) cell: Option<usize>,
    /// The offending value, shortened.
    pub(super) value: String,
    /// What is wrong and what would be accepted.
    pub(super) reason: String,
    /// The physical line and the character in it, both from 1, where the offending part begins.
    pub(super) place: (u64, u64),
    /// The record around it.
    pub(super) excerpt: Excerpt,
}

impl Listing {
    pub(super) fn new(limit: u64, columns: usize, progress: Progress) -> Self {
        Self { limit, columns, progress, kinds: Mutex::default() }
    }

    /// Everything that was gathered, the most frequent kind first.
    pub(super) fn take(&self) -> Vec<Kind> {
        let kinds = std::mem::take(&mut *self.lock());
        let mut kinds: Vec<Kind> = kinds.into_values().flat_map(HashMap::into_values).collect();
        kinds.sort_unstable_by(|a, b| {
            let place = |kind: &Kind| kind.violations.first().and_then(|violation| violation.cell);
            let key = |kind: &Kind| (std::cmp::Reverse(kind.count), kind.first_row, place(kind), kind.code);
            key(a).cmp(&key(b)).then_with(|| a.column.cmp(&b.column))
        });
        kinds
    }

    fn lock(&self) -> MutexGuard<'_, Kinds> {
        // What is counted is whole at every moment.
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn violation(&self, record: &Record<'_>, finding: &Finding<'_>, plan: &Plan) -> Violation {
        let position = finding.column.and_then(|column| position(column, plan));
        let marked = marked(record, finding, position, plan);
        let start = marked.as_ref().map_or(0, |range| range.start);
        Violation {
            row: record.number,
            line: record.line,
            cell: position.map(|position| position + 1),
            value: finding.value.to_owned(),
            reason: finding.reason.to_owned(),
            place: place(record, start),
            excerpt: Excerpt::of(record.raw, marked.as_ref(), self.columns),
        }
    }
}

impl Witness for Listing {
    fn rejected(&self, record: &Record<'_>, findings: &Findings, plan: &Plan) {
        self.progress.rejected(record, findings, plan);
        let mut kinds = self.lock();
        for finding in findings.iter() {
            let column = finding.column.unwrap_or_default();
            let of_code = kinds.entry(finding.code).or_default();
            if !of_code.contains_key(column) {
                let kind = Kind {
                    code: finding.code,
                    column: finding.column.map(str::to_owned),
                    count: 0,
                    first_row: record.number,
                    violations: Vec::new(),
                };
                of_code.insert(column.to_owned(), kind);
            }
            let Some(kind) = of_code.get_mut(column) else { continue };
            kind.count += 1;
            if kind.count <= self.limit {
                kind.violations.push(self.violation(record, &finding, plan));
            }
        }
    }

    fn restarted(&self) {
        self.progress.restarted();
        self.lock().clear();
    }
}

/// Where a column stands in the file.
fn position(column: &str, plan: &Plan) -> Option<usize> {
    let wanted = folded(column);
    plan.labels().iter().position(|label| folded(label) == wanted)
}

/// The bytes of the record that the finding is about.
fn marked(
    record: &Record<'_>,
    finding: &Finding<'_>,
    position: Option<usize>,
    plan: &Plan,
) -> Option<Range<usize>> {
    let end = record.raw.len();
    match (finding.code, position) {
        (Code::MissingCell, _) => Some(end..end),
        (Code::ExtraCell, _) => Some(cell(record, plan.width())?.start..end),
        (Code::BlankRow, _) => Some(0..end),
        (Code::EncodingError, None) => Some(foreign(record.raw, 0)),
        (_, None) => None,
        (code, Some(position)) => {
            let cell = cell(record, position)?;
            let bytes = record.raw.get(cell.clone()).unwrap_or_default();
            Some(match code {
                Code::EncodingError => foreign(bytes, cell.start),
                Code::ControlCharacter => control(bytes, cell.start).unwrap_or(cell),
                _ => cell,
            })
        }
    }
}

/// Where a cell stands in its record, quotes included.
fn cell(record: &Record<'_>, position: usize) -> Option<Range<usize>> {
    let end = record.prefix(position + 1)?.len();
    Some(end - record.field(position)?.raw().len()..end)
}

/// The first bytes that are not UTF-8. `start` is where the bytes begin in the record.
fn foreign(bytes: &[u8], start: usize) -> Range<usize> {
    match std::str::from_utf8(bytes) {
        Ok(_) => start..start + bytes.len(),
        Err(error) => {
            let at = start + error.valid_up_to();
            let length = error.error_len().unwrap_or(bytes.len() - error.valid_up_to());
            at..at + length
        }
    }
}

/// The first control character. `start` is where the bytes begin in the record.
fn control(bytes: &[u8], start: usize) -> Option<Range<usize>> {
    let text = String::from_utf8_lossy(bytes);
    let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n');
    let (at, character) = text.char_indices().find(|(_, c)| is_control(*c))?;
    Some(start + at..start + at + character.len_utf8())
}

/// The physical line and the character in it at which these bytes of a record begin, both from 1.
fn place(record: &Record<'_>, start: usize) -> (u64, u64) {
    let before = record.raw.get(..start).unwrap_or_default();
    let mut line = record.line;
    let mut line_start = 0;
    for (at, byte) in before.iter().enumerate() {
        // CR LF is one line end, which its LF ends.
        let ends = *byte == b'\n' || (*byte == b'\r' && record.raw.get(at + 1) != Some(&b'\n'));
        if ends {
            line += 1;
            line_start = at + 1;
        }
    }
    let on_line = String::from_utf8_lossy(before.get(line_start..).unwrap_or_default());
    (line, on_line.chars().count() as u64 + 1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::contract::Contract;
    use shared::rows::Limits;
    use shared::split::{Opening, Origin, Progress as Asked, Split};

    use super::*;

    /// What is listed of a file under a contract with the integer `a` and the text `b`.
    fn listed(csv: &[u8], limit: u64) -> Vec<Kind> {
        let contract =
            br#"{"name": "x", "schema": {"fields": [{"name": "a", "type": "integer"}, {"name": "b"}]}}"#;
        let contract = Contract::parse(contract).unwrap();
        let mut opening = Opening::new(Limits::STANDARD);
        opening.space()[..csv.len()].copy_from_slice(csv);
        opening.filled(csv.len());
        opening.filled(0);
        let found = opening.find(&[&contract]).unwrap();
        let origin = Origin {
            source_file: String::new(),
            received_at: String::new(),
            run_id: String::new(),
            columns: Vec::new(),
        };
        let listing = Arc::new(Listing::new(limit, 60, Progress::hidden()));
        let mut split =
            Split::new(opening.take(found), &origin, &[]).with_witness(Some(Arc::clone(&listing) as _));
        assert_eq!(split.advance().unwrap(), Asked::Done);
        listing.take()
    }

    #[test]
    fn violations_are_gathered_by_code_and_column() {
        let kinds = listed(b"a,b\nx,1\n2,2\ny,3\nz\n", 2);
        let summary: Vec<_> =
            kinds.iter().map(|k| (k.code, k.column.as_deref(), k.count, k.first_row)).collect();
        assert_eq!(summary, [(Code::TypeError, Some("a"), 3, 1), (Code::MissingCell, Some("b"), 1, 4)]);
        let rows: Vec<u64> = kinds[0].violations.iter().map(|violation| violation.row).collect();
        assert_eq!(rows, [1, 3]);
    }

    #[test]
    fn a_violation_knows_its_line_and_its_character() {
        let kinds = listed("b,a\n\"é\r\ny\",x\n".as_bytes(), 1);
        let violation = &kinds[0].violations[0];
        assert_eq!((violation.row, violation.line, violation.cell), (1, 2, Some(2)));
        assert_eq!(violation.place, (3, 4));
        assert_eq!(violation.excerpt.text, "\"é\\r\\ny\",x");
        assert_eq!(violation.excerpt.mark, Some((9, 1)));
    }

    #[test]
    fn what_is_not_there_is_marked_behind_the_record_and_what_is_too_much_is_marked_whole() {
        let kinds = listed(b"a,b\n1\n1,2,3,4\n", 1);
        let of = |code| &kinds.iter().find(|kind| kind.code == code).unwrap().violations[0];
        assert_eq!((of(Code::MissingCell).excerpt.mark, of(Code::MissingCell).cell), (Some((1, 1)), Some(2)));
        assert_eq!(of(Code::ExtraCell).excerpt.mark, Some((4, 3)));
    }

    #[test]
    fn only_the_bytes_that_are_wrong_are_marked() {
        let kinds = listed(b"a,b\n1,caf\xe9 au lait\n1,a\x07b\n", 1);
        let of = |code| &kinds.iter().find(|kind| kind.code == code).unwrap().violations[0].excerpt;
        assert_eq!(of(Code::EncodingError).mark, Some((5, 4)));
        assert_eq!(of(Code::ControlCharacter).mark, Some((3, 5)));
    }

    #[test]
    fn a_limit_of_nothing_still_counts() {
        let kinds = listed(b"a,b\nx,1\ny,1\n", 0);
        assert_eq!((kinds[0].count, kinds[0].violations.len()), (2, 0));
    }
}
