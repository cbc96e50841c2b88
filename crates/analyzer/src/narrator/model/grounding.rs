//! Whether a sentence says only what its cited facts say.
//!
//! The check is deliberately narrow: it refuses some true sentences, and is meant to let no false one pass on a
//! number or a name.
//!
//! - Every number must be the value of a cited fact, rounded to the places shown; its `of`, where the words say "of"
//!   or the like; its rank, where they speak of a place; or, with a percent sign, the share of the value in `of`.
//!   Number words up to twelve are numbers; larger ones and vague ones ("half", "dozens") are refused.
//! - Every group name of the facts that stands in the sentence must be in the subject of a cited fact. A sentence
//!   that names both a band of a segment and a group must cite a fact that has both.
//! - A capitalised word that is neither a name of a cited fact nor a word of the contract is refused, and so is a
//!   sentence that begins with a word that is not on a list: it may be an invented name.

mod numbers;
mod vocabulary;

use std::collections::BTreeSet;

use shared::facts::{Fact, FactKind};

use super::super::Material;
use super::super::text::clean;
use super::answer::is_presentable;
use vocabulary::Vocabulary;

/// Why a sentence is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Withheld {
    /// It is too long, cites nothing, or holds markup, a link or hidden characters.
    Unpresentable,
    /// It cites a fact that there is not.
    UnknownFact,
    /// It has a number that no cited fact has.
    Number,
    /// It names something that no cited fact names.
    Name,
    /// It names a band and a group that no cited fact brings together.
    OutsideSegment,
}

/// What sentences are checked against.
pub(super) struct Grounding<'a> {
    facts: &'a [&'a Fact],
    /// Every name in the facts, folded, the longest first.
    names: Vec<String>,
    /// The names of bands, folded.
    bands: BTreeSet<String>,
    vocabulary: Vocabulary,
}

/// A sentence with its names taken out.
struct Stripped {
    rest: String,
    mentioned: BTreeSet<String>,
}

impl<'a> Grounding<'a> {
    /// What the facts shown to the model, and the contract, allow.
    pub(super) fn new(material: &Material<'a>, shown: &'a [&'a Fact]) -> Self {
        // Names that the model was not shown are known too: it may not guess them.
        let all = material.findings.facts.iter().filter(|fact| fact.kind != FactKind::NullCount);
        let mut names: Vec<String> =
            all.flat_map(|fact| fact.subject.values()).map(|name| folded(name)).collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        names.dedup();
        let bands =
            material.contract.analysis.segments.iter().flat_map(|s| &s.bands).map(|b| folded(&b.label));
        Self { facts: shown, names, bands: bands.collect(), vocabulary: Vocabulary::of(material.contract) }
    }

    /// Checks a text against the facts that it cites.
    pub(super) fn check(&self, text: &str, cited: &[String]) -> Result<(), Withheld> {
        if !is_presentable(text, cited.len()) {
            return Err(Withheld::Unpresentable);
        }
        let find =
            |id: &String| self.facts.iter().copied().find(|fact| fact.id == *id).ok_or(Withheld::UnknownFact);
        let cited: Vec<&Fact> = cited.iter().map(find).collect::<Result<_, _>>()?;
        let subjects: BTreeSet<String> =
            cited.iter().flat_map(|f| f.subject.values()).map(|name| folded(name)).collect();
        let stripped = self.strip(text, &subjects);
        if !stripped.mentioned.is_subset(&subjects) {
            return Err(Withheld::Name);
        }
        self.check_segments(&stripped.mentioned, &cited)?;
        for shown in numbers::all(&stripped.rest).ok_or(Withheld::Number)? {
            if !cited.iter().any(|fact| shown.is_in(fact)) {
                return Err(Withheld::Number);
            }
        }
        if self.vocabulary.knows_all(&stripped.rest) { Ok(()) } else { Err(Withheld::Name) }
    }

    /// A band and a group in one sentence must be together in a cited fact.
    fn check_segments(&self, mentioned: &BTreeSet<String>, cited: &[&Fact]) -> Result<(), Withheld> {
        let (bands, groups): (Vec<&String>, Vec<&String>) =
            mentioned.iter().partition(|name| self.bands.contains(*name));
        let together = |band: &str, group: &str| {
            cited.iter().any(|fact| {
                let has = |name: &str| fact.subject.values().any(|value| folded(value) == name);
                has(band) && has(group)
            })
        };
        if bands.is_empty() || groups.iter().all(|group| bands.iter().any(|band| together(band, group))) {
            Ok(())
        } else {
            Err(Withheld::OutsideSegment)
        }
    }

    /// Takes the names out of a text, the longest first, so that "iPhone 15 Pro" is not taken for "iPhone 15".
    ///
    /// A name that is a mere number ("2024", "8") is left in unless a cited fact has it: it may be a count.
    fn strip(&self, text: &str, cited: &BTreeSet<String>) -> Stripped {
        // Folding may change a text's length, so the text itself is folded but for the check of capitals below.
        let mut rest = text.to_owned();
        let mut mentioned = BTreeSet::new();
        for name in &self.names {
            if name.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-'))
                && !cited.contains(name)
            {
                continue;
            }
            while let Some((start, end)) = find_word(&rest, name) {
                // A mark that ends no sentence and is no word.
                rest.replace_range(start..end, NAME_MARK);
                mentioned.insert(name.clone());
            }
        }
        Stripped { rest, mentioned }
    }
}

/// What stands where a name was taken out; no text that is checked and no name has it.
const NAME_MARK: &str = "\u{fffc}";

/// A name without regard to case and spaces.
fn folded(name: &str) -> String {
    clean(name).to_lowercase()
}

/// Where a folded name stands in a text as a word of its own.
fn find_word(text: &str, name: &str) -> Option<(usize, usize)> {
    let starts = text.char_indices().map(|(index, _)| index);
    let mut before: Option<char> = None;
    for start in starts {
        let rest = text.get(start..)?;
        let at_edge = before.is_none_or(|c| !c.is_alphanumeric());
        before = rest.chars().next();
        if !at_edge {
            continue;
        }
        if let Some(length) = matched_length(rest, name) {
            let after = rest.get(length..)?.chars().next();
            if after.is_none_or(|c| !c.is_alphanumeric()) {
                return Some((start, start + length));
            }
        }
    }
    None
}

/// How many bytes of the text's start are the folded name, without regard to case.
fn matched_length(text: &str, folded_name: &str) -> Option<usize> {
    let mut wanted = folded_name.chars();
    let mut length = 0;
    for character in text.chars() {
        let mut lower = character.to_lowercase();
        let Some(first) = wanted.next() else { return Some(length) };
        if lower.next() != Some(first) || lower.any(|more| wanted.next() != Some(more)) {
            return None;
        }
        length += character.len_utf8();
    }
    wanted.next().is_none().then_some(length)
}

#[cfg(test)]
mod tests;
