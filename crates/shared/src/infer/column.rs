//! One column of a survey.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::candidate::Candidate;
use crate::manifest::cut;
use crate::value::{FieldType, Scalar};

/// Texts that often stand for "no value", and whether they do so wherever they are. Of the others one cannot be
/// sure in a column of words: `NA` is also Namibia, and `None` an answer.
pub(super) const MISSING: [(&str, bool); 18] = [
    ("", true),
    ("N/A", true),
    ("n/a", true),
    ("#N/A", true),
    ("null", true),
    ("NULL", true),
    ("Null", true),
    ("NaN", true),
    ("nan", false),
    ("NA", false),
    ("na", false),
    ("None", false),
    ("none", false),
    ("-", false),
    ("--", false),
    ("?", false),
    (".", false),
    (" ", false),
];

/// How many distinct values are counted apart; with more, a column is no dimension.
pub(super) const MAX_DISTINCT: usize = 200;
/// The longest value that is counted apart, in bytes.
const MAX_DISTINCT_BYTES: usize = 200;
/// After so many values, what fits less than half of them is no longer tried.
const TRIAL: u64 = 256;
/// The longest example, in bytes.
const MAX_EXAMPLE_BYTES: usize = 40;

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
    /// The first value that each candidate does not fit, shortened, and its row.
    pub(super) misfits: Vec<Option<(String, u64)>>,
    /// Whole numbers that are rather names: `007`, `+44…`.
    pub(super) codes: u64,
    /// Values that are nothing but spaces.
    pub(super) blank: u64,
    pub(super) negative: u64,
    /// The smallest and the largest number.
    pub(super) numbers: Option<(Decimal, Decimal)>,
    pub(super) characters: u64,
    pub(super) words: u64,
    /// Distinct values with their counts; absent once there are too many or too long ones.
    pub(super) distinct: Option<HashMap<String, u64>>,
    /// A hash of every value, where the column may be a key.
    hashes: Option<HashSet<u64>>,
    /// How often a value came again.
    pub(super) repeated: u64,
    /// The first and the last day, where values are days.
    pub(super) days: Option<(Date, Date)>,
}

impl Column {
    pub(super) fn new(label: &str, candidates: usize, may_be_key: bool) -> Self {
        Self {
            label: label.trim().to_owned(),
            values: 0,
            missing: [0; MISSING.len()],
            fits: vec![0; candidates],
            misfits: vec![None; candidates],
            codes: 0,
            blank: 0,
            negative: 0,
            numbers: None,
            characters: 0,
            words: 0,
            distinct: Some(HashMap::new()),
            hashes: may_be_key.then(HashSet::new),
            repeated: 0,
            days: None,
        }
    }

    pub(super) fn add(&mut self, text: &str, row: u64, candidates: &[Candidate]) {
        self.count_distinct(text);
        let token = MISSING.iter().position(|(token, _)| *token == text);
        if let Some(count) = token.and_then(|index| self.missing.get_mut(index)) {
            *count += 1;
            return;
        }
        self.values += 1;
        self.blank += u64::from(text.trim().is_empty());
        self.characters += text.chars().count() as u64;
        self.words += text.split_whitespace().count() as u64;
        // A number may be read in several ways; the first of them counts.
        let mut is_number = false;
        for (index, candidate) in candidates.iter().enumerate() {
            let (Some(fits), Some(misfit)) = (self.fits.get_mut(index), self.misfits.get_mut(index)) else {
                continue;
            };
            if self.values > TRIAL && *fits * 2 < self.values {
                continue;
            }
            match candidate.read(text) {
                None if misfit.is_none() => {
                    *misfit = Some((cut(text, MAX_EXAMPLE_BYTES).to_owned(), row));
                }
                None => {}
                Some(value) => {
                    *fits += 1;
                    if !(is_number && candidate.kind == FieldType::Number) {
                        self.note(candidate.kind, &value, text);
                    }
                    is_number |= candidate.kind == FieldType::Number;
                }
            }
        }
    }

    /// Notes what a value tells beyond its type.
    fn note(&mut self, kind: FieldType, value: &Scalar, text: &str) {
        match (kind, value) {
            (FieldType::Integer, _) if is_code(text) => self.codes += 1,
            (FieldType::Number, Scalar::Number(number)) => {
                self.negative += u64::from(number.is_sign_negative() && !number.is_zero());
                let (least, most) = self.numbers.unwrap_or((*number, *number));
                self.numbers = Some((least.min(*number), most.max(*number)));
            }
            (_, Scalar::Date(day)) => widen(&mut self.days, *day),
            (_, Scalar::Datetime(time)) => widen(&mut self.days, time.date()),
            _ => {}
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
            self.repeated += u64::from(!hashes.insert(hash));
        }
    }

    /// Whether it may be a key and no value came twice.
    pub(super) fn is_unique(&self) -> bool {
        self.hashes.is_some() && self.repeated == 0
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
