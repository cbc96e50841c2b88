//! One column of a survey.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use jiff::civil::Date;

use super::Candidate;
use crate::value::{self, FieldType, Scalar};

/// Texts that often stand for "no value", and whether they do so wherever they are. Of the others one cannot be
/// sure in a column of words: `NA` is also Namibia, and `None` an answer.
pub(super) const MISSING: [(&str, bool); 9] = [
    ("", true),
    ("N/A", true),
    ("n/a", true),
    ("null", true),
    ("NULL", true),
    ("NA", false),
    ("None", false),
    ("none", false),
    ("-", false),
];

/// How many distinct values are counted apart; with more, a column is no dimension.
pub(super) const MAX_DISTINCT: usize = 200;
/// The longest value that is counted apart, in bytes.
const MAX_DISTINCT_BYTES: usize = 200;
/// After so many values, what fits less than half of them is no longer tried.
const TRIAL: u64 = 256;

/// What was seen of a column.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) label: String,
    /// Values other than the texts in [`MISSING`].
    pub(super) values: u64,
    /// How often each text in [`MISSING`] was seen.
    pub(super) missing: [u64; MISSING.len()],
    /// How many values each candidate fits.
    pub(super) fits: Vec<u64>,
    /// Whole numbers that are rather names: `007`, `+44…`.
    pub(super) codes: u64,
    pub(super) negative: u64,
    pub(super) characters: u64,
    pub(super) words: u64,
    /// Distinct values with their counts; absent once there are too many or too long ones.
    pub(super) distinct: Option<HashMap<String, u64>>,
    /// A hash of every value; absent once one came twice.
    hashes: Option<HashSet<u64>>,
    /// The first and the last day, where values are days.
    pub(super) days: Option<(Date, Date)>,
}

impl Column {
    pub(super) fn new(label: &str, candidates: usize) -> Self {
        Self {
            label: label.to_owned(),
            values: 0,
            missing: [0; MISSING.len()],
            fits: vec![0; candidates],
            codes: 0,
            negative: 0,
            characters: 0,
            words: 0,
            distinct: Some(HashMap::new()),
            hashes: Some(HashSet::new()),
            days: None,
        }
    }

    pub(super) fn add(&mut self, text: &str, candidates: &[Candidate]) {
        self.count_distinct(text);
        let token = MISSING.iter().position(|(token, _)| *token == text);
        if let Some(count) = token.and_then(|index| self.missing.get_mut(index)) {
            *count += 1;
            return;
        }
        self.values += 1;
        self.characters += text.chars().count() as u64;
        self.words += text.split_whitespace().count() as u64;
        // Nearly everything that is no text begins or ends with a digit; the rest are true, false and months.
        for (candidate, fits) in candidates.iter().zip(&mut self.fits) {
            if self.values > TRIAL && *fits * 2 < self.values {
                continue;
            }
            let Some(value) = value::parse(candidate.kind, &candidate.format, text) else { continue };
            *fits += 1;
            match (candidate.kind, value) {
                (FieldType::Integer, _) if is_code(text) => self.codes += 1,
                (FieldType::Number, Scalar::Number(number)) if number.is_sign_negative() => {
                    self.negative += 1
                }
                (_, Scalar::Date(day)) => widen(&mut self.days, day),
                (_, Scalar::Datetime(time)) => widen(&mut self.days, time.date()),
                _ => {}
            }
        }
    }

    fn count_distinct(&mut self, text: &str) {
        if let Some(distinct) = &mut self.distinct {
            if let Some(count) = distinct.get_mut(text) {
                *count += 1;
            } else if distinct.len() <= MAX_DISTINCT + MISSING.len() && text.len() <= MAX_DISTINCT_BYTES {
                distinct.insert(text.to_owned(), 1);
            } else {
                self.distinct = None;
            }
        }
        if let Some(hashes) = &mut self.hashes {
            // Two values with one hash only make a column look less unique than it is: the safe side.
            let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(text);
            if !hashes.insert(hash) {
                self.hashes = None;
            }
        }
    }

    /// Whether no value came twice.
    pub(super) fn is_unique(&self) -> bool {
        self.hashes.is_some()
    }

    /// How many cells held no value, if these texts stand for none.
    pub(super) fn missing_among(&self, tokens: &[&str]) -> u64 {
        let counted = MISSING.iter().zip(&self.missing);
        counted.filter(|((token, _), _)| tokens.contains(token)).map(|(_, count)| count).sum()
    }
}

fn is_code(text: &str) -> bool {
    let text = text.trim_matches(' ');
    text.starts_with('+') || (text.len() > 1 && text.starts_with('0'))
}

fn widen(days: &mut Option<(Date, Date)>, day: Date) {
    *days = Some(days.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
}
