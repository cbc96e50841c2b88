//! Which capitalised words and which first words of a sentence are known.

use std::collections::BTreeSet;

use shared::contract::Contract;

use super::NAME_MARK;

/// Words that may begin a sentence without being a name.
const OPENINGS: [&str; 96] = [
    "a",
    "about",
    "above",
    "across",
    "after",
    "again",
    "all",
    "also",
    "although",
    "among",
    "an",
    "and",
    "as",
    "at",
    "average",
    "based",
    "because",
    "before",
    "below",
    "between",
    "both",
    "but",
    "by",
    "check",
    "compare",
    "consider",
    "correct",
    "count",
    "counts",
    "despite",
    "during",
    "each",
    "every",
    "few",
    "fewer",
    "fix",
    "focus",
    "followed",
    "for",
    "from",
    "given",
    "groups",
    "high",
    "highest",
    "however",
    "if",
    "in",
    "investigate",
    "it",
    "its",
    "keep",
    "largest",
    "least",
    "look",
    "lowest",
    "mean",
    "median",
    "missing",
    "monitor",
    "more",
    "most",
    "next",
    "no",
    "none",
    "of",
    "on",
    "only",
    "other",
    "out",
    "over",
    "overall",
    "prioritise",
    "prioritize",
    "put",
    "records",
    "review",
    "rows",
    "several",
    "since",
    "some",
    "still",
    "that",
    "the",
    "there",
    "these",
    "they",
    "this",
    "to",
    "together",
    "total",
    "track",
    "watch",
    "when",
    "while",
    "with",
    "within",
];

/// The words of a contract: its title, its fields, its units, its bands, its flags.
pub(super) struct Vocabulary(BTreeSet<String>);

impl Vocabulary {
    /// The words of this contract.
    pub(super) fn of(contract: &Contract) -> Self {
        let analysis = &contract.analysis;
        let texts = [contract.title.as_str(), contract.name.as_str()]
            .into_iter()
            .chain(contract.fields.iter().map(|f| f.name.as_str()))
            .chain(contract.derive.iter().map(|d| d.name.as_str()))
            .chain(
                analysis.measures.iter().flat_map(|m| [Some(m.name.as_str()), m.unit.as_deref()]).flatten(),
            )
            .chain(analysis.segments.iter().flat_map(|s| {
                std::iter::once(s.name.as_str()).chain(s.bands.iter().map(|band| band.label.as_str()))
            }))
            .chain(analysis.flags.iter().map(|f| f.name.as_str()));
        Self(texts.flat_map(words).map(|(word, _)| word.to_lowercase()).collect())
    }

    /// Whether every word of a text that might be a name is a known one. Names of cited facts are no longer in it.
    pub(super) fn knows_all(&self, text: &str) -> bool {
        words(text).all(|(word, opens_a_sentence)| {
            let lower = word.to_lowercase();
            let known = self.0.contains(&lower);
            if opens_a_sentence {
                known || OPENINGS.contains(&lower.as_str()) || word.chars().all(char::is_numeric)
            } else {
                known || !word.chars().any(char::is_uppercase)
            }
        })
    }
}

/// The words of a text, each with whether it opens a sentence.
fn words(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut opens = true;
    text.split_inclusive(|c: char| !c.is_alphanumeric()).filter_map(move |piece| {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        let opened = opens;
        opens = (opens && word.is_empty() && !piece.contains(NAME_MARK))
            || piece.ends_with(['.', '!', '?', ':', ';']);
        (!word.is_empty()).then_some((word, opened))
    })
}
