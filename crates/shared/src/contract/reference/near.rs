//! "Did you mean …?" for values: fast enough to be asked for every record of a file that is wrong throughout.
//!
//! Two texts are alike when they differ only in case, spaces, hyphens and underscores, or in one letter that was
//! left out, put in, replaced or swapped with its neighbour. Every text without one of its letters is listed, so a
//! question costs a look for the text and one for each of its letters, however many values there are (the deletion
//! neighbourhood of Mor and Fraenkel, 1982).

use std::collections::HashMap;

use twox_hash::XxHash3_128;

/// Texts of fewer letters are too much alike: every code of two letters is one letter from many others.
const MIN_LETTERS: usize = 4;
/// Texts of more letters are compared by case and spaces only.
const MAX_LETTERS: usize = 64;
/// The most texts without one of their letters that are listed, 16 bytes each; beyond, values are compared by case
/// and spaces only.
const MAX_LISTED: usize = 200_000;

/// Values, so that one that is like another can be found.
#[derive(Debug)]
pub(super) struct NearMisses {
    values: Vec<String>,
    /// By the plain form, the first value that has it.
    plain: HashMap<String, u32>,
    /// Hashes of plain forms without one letter, in order, each with its value.
    without_one: Vec<(u64, u32)>,
}

impl NearMisses {
    pub(super) fn new(values: Vec<String>) -> Self {
        let mut near = Self { values, plain: HashMap::new(), without_one: Vec::new() };
        for (value, index) in near.values.iter().zip(0..) {
            let plain = plain(value);
            if near.without_one.len() <= MAX_LISTED && may_be_misspelt(&plain) {
                near.without_one.push((hash(&plain), index));
                each_without_one(&plain, |hash| near.without_one.push((hash, index)));
            }
            near.plain.entry(plain.into_iter().collect()).or_insert(index);
        }
        if near.without_one.len() > MAX_LISTED {
            near.without_one = Vec::new();
        }
        near.without_one.sort_unstable();
        near
    }

    /// The value that is like this text, if one is: the first of those that are.
    pub(super) fn find(&self, text: &str) -> Option<&str> {
        let plain = plain(text);
        let found = self.plain.get(&plain.iter().collect::<String>()).copied().or_else(|| {
            if self.without_one.is_empty() || !may_be_misspelt(&plain) {
                return None;
            }
            let mut found = self.listed(hash(&plain), &plain);
            each_without_one(&plain, |hash| {
                found = [found, self.listed(hash, &plain)].into_iter().flatten().min();
            });
            found
        })?;
        self.values.get(usize::try_from(found).ok()?).map(String::as_str)
    }

    /// The first value that is listed under this hash and is really near.
    fn listed(&self, hash: u64, text: &[char]) -> Option<u32> {
        let start = self.without_one.partition_point(|(other, _)| *other < hash);
        let same = self.without_one.iter().skip(start).take_while(|(other, _)| *other == hash);
        same.map(|(_, index)| *index).find(|index| {
            let value = usize::try_from(*index).ok().and_then(|index| self.values.get(index));
            value.is_some_and(|value| is_near(&plain(value), text))
        })
    }
}

/// A text without what people mix up: case, spaces, hyphens and underscores.
fn plain(text: &str) -> Vec<char> {
    text.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// Whether a text is a word, in which a wrong letter shows. A number that differs in a digit is another number.
fn may_be_misspelt(plain: &[char]) -> bool {
    (MIN_LETTERS..=MAX_LETTERS).contains(&plain.len()) && !plain.iter().any(char::is_ascii_digit)
}

fn hash(text: &[char]) -> u64 {
    let whole = XxHash3_128::oneshot(text.iter().collect::<String>().as_bytes());
    (whole >> 64) as u64
}

/// Gives the hash of the text without each of its letters in turn.
fn each_without_one(text: &[char], mut take: impl FnMut(u64)) {
    let mut rest = Vec::with_capacity(text.len());
    for skipped in 0..text.len() {
        rest.clear();
        rest.extend(text.iter().enumerate().filter(|(at, _)| *at != skipped).map(|(_, letter)| *letter));
        take(hash(&rest));
    }
}

/// Whether two texts differ in one letter, or in two neighbours that are swapped.
fn is_near(a: &[char], b: &[char]) -> bool {
    let same_start = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (a.get(same_start..).unwrap_or_default(), b.get(same_start..).unwrap_or_default());
    let same_end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let middle = |text: &[char]| text.get(..text.len() - same_end).unwrap_or_default().to_vec();
    match (middle(a).as_slice(), middle(b).as_slice()) {
        ([] | [_], [] | [_]) => true,
        ([first, second], [third, fourth]) => first == fourth && second == third,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(values: &[&str]) -> NearMisses {
        NearMisses::new(values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let near =
            near(&["Germany", "Greece", "New Zealand", "DE", "Cote d'Ivoire", "SKU-1001", "FR, Paris"]);
        for (text, meant) in [
            ("germany", Some("Germany")),
            ("Germny", Some("Germany")),
            ("Gernany", Some("Germany")),
            ("Germanyy", Some("Germany")),
            ("Gemrany", Some("Germany")),
            ("new-zealand", Some("New Zealand")),
            ("NewZealnd", Some("New Zealand")),
            ("FR, Pari", Some("FR, Paris")),
            ("Gemrny", None),
            ("Spain", None),
            ("DX", None),
            ("de", Some("DE")),
            ("SKU-1002", None),
            ("sku_1001", Some("SKU-1001")),
            ("", None),
        ] {
            assert_eq!(near.find(text), meant, "{text}");
        }
        assert_eq!(near.find(&"a".repeat(100_000)), None);
    }

    #[test]
    fn of_several_the_first_one_is_meant() {
        assert_eq!(near(&["marble", "marbla"]).find("marbl"), Some("marble"));
        assert_eq!(near(&["marbla", "marble"]).find("marbl"), Some("marbla"));
    }

    #[test]
    fn a_long_list_is_compared_by_case_only() {
        let values: Vec<String> = (0..40_000_u32)
            .map(|number| {
                number.to_string().bytes().map(|digit| char::from(digit + 50)).collect::<String>() + "word"
            })
            .collect();
        let first = values[12_345].clone();
        let near = NearMisses::new(values);
        assert_eq!(near.find(&first.to_uppercase()), Some(first.as_str()));
        assert_eq!(near.find(&first.replace('w', "v")), None);
    }
}
