//! The numbers of a sentence, and whether a fact has them.

use std::sync::LazyLock;

use regex::Regex;
use rust_decimal::{Decimal, RoundingStrategy};
use shared::facts::Fact;

/// Words that are numbers.
const NUMBER_WORDS: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
];
/// Words that are quantities too, but which no fact can prove.
const VAGUE_WORDS: [&str; 42] = [
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "hundreds",
    "thousand",
    "thousands",
    "million",
    "millions",
    "billion",
    "billions",
    "dozen",
    "dozens",
    "half",
    "halves",
    "third",
    "thirds",
    "quarter",
    "quarters",
    "twice",
    "thrice",
    "double",
    "doubled",
    "doubles",
    "triple",
    "tripled",
    "fold",
    "twofold",
    "majority",
    "quadruple",
];
/// Words before a number that may be how many rows a fact was computed over.
const OF_WORDS: [&str; 8] = ["of", "over", "across", "all", "among", "from", "these", "the"];
/// Words before a number that may be a rank.
const PLACE_WORDS: [&str; 4] = ["rank", "place", "number", "position"];

/// A word that may be a number: digits with separators, letters that touch them, a sign and a percent mark.
static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?P<sign>[-−–+])?(?P<word>[\p{L}\p{N}]+(?:[.,'’][\p{L}\p{N}]+)*)(?P<percent>\s?%|\s+per\s?cent)?",
    )
    .ok()
});
/// A number as it is written in English.
static DIGITS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?$").ok());

/// A number as a sentence shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    value: Decimal,
    is_percent: bool,
    /// The word before it.
    after: String,
}

/// Every number of a text; `None` when something in it is a quantity that cannot be checked.
pub(super) fn all(text: &str) -> Option<Vec<Shown>> {
    let mut numbers = Vec::new();
    let mut after = String::new();
    let mut end_of_last = 0;
    for found in WORD.as_ref()?.captures_iter(text) {
        let word = found.name("word")?;
        let lower = word.as_str().to_lowercase();
        let is_percent = found.name("percent").is_some();
        // A hyphen between two words is no sign: "mid-2024".
        let negative = found.name("sign").is_some_and(|sign| {
            matches!(sign.as_str(), "-" | "−") && (sign.start() == 0 || sign.start() > end_of_last)
        });
        if VAGUE_WORDS.contains(&lower.as_str()) {
            return None;
        }
        let value = match NUMBER_WORDS.iter().position(|word| *word == lower) {
            Some(number) => Some(Decimal::from(number)),
            None if lower.chars().any(char::is_numeric) => Some(read(&lower)?),
            None => None,
        };
        if let Some(value) = value {
            let value = if negative { -value } else { value };
            numbers.push(Shown { value, is_percent, after: std::mem::take(&mut after) });
        }
        after = lower;
        end_of_last = word.end();
    }
    Some(numbers)
}

/// Reads digits; what has letters in it, or separators in other places, is no number that can be checked.
fn read(word: &str) -> Option<Decimal> {
    DIGITS.as_ref()?.is_match(word).then(|| word.replace(',', "").parse().ok())?
}

impl Shown {
    /// Whether a cited fact has this number.
    pub(super) fn is_in(&self, fact: &Fact) -> bool {
        if self.is_percent {
            let share = fact
                .value
                .0
                .checked_mul(Decimal::ONE_HUNDRED)
                .and_then(|value| value.checked_div(Decimal::from(fact.of)));
            let is_share =
                fact.unit.as_deref() == Some("rows") && share.is_some_and(|share| self.is_rounded(share));
            return is_share || (fact.unit.as_deref() == Some("%") && self.is_rounded(fact.value.0));
        }
        let is_of = self.value == Decimal::from(fact.of) && OF_WORDS.contains(&self.after.as_str());
        let is_rank = fact.rank.is_some_and(|rank| self.value == Decimal::from(rank))
            && PLACE_WORDS.contains(&self.after.as_str());
        is_of || is_rank || self.is_rounded(fact.value.0)
    }

    /// Whether this is the value, rounded to the places shown.
    fn is_rounded(&self, value: Decimal) -> bool {
        let rounded =
            value.round_dp_with_strategy(self.value.scale(), RoundingStrategy::MidpointAwayFromZero);
        rounded == self.value
    }
}
