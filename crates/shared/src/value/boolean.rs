//! The words of a `boolean`.

/// The words that stand for true and those that stand for false. No word is among both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BooleanWords {
    /// Those for true.
    pub true_values: Vec<String>,
    /// Those for false.
    pub false_values: Vec<String>,
}

impl Default for BooleanWords {
    /// The words of the standard.
    fn default() -> Self {
        let words = |words: [&str; 4]| words.map(str::to_owned).to_vec();
        Self {
            true_values: words(["true", "True", "TRUE", "1"]),
            false_values: words(["false", "False", "FALSE", "0"]),
        }
    }
}

impl BooleanWords {
    /// Reads a boolean; `None` when the text is none of the words.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<bool> {
        let is_one_of = |words: &[String]| words.iter().any(|word| word == text);
        if is_one_of(&self.true_values) {
            return Some(true);
        }
        is_one_of(&self.false_values).then_some(false)
    }

    /// All words, those for true first.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.true_values.iter().chain(&self.false_values).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_words_are_those_that_are_read_by_default() {
        let words = BooleanWords::default();
        for text in words.all().chain(["yes", "tRUE", "", "2"]) {
            assert_eq!(words.parse(text), super::super::parse_boolean(text.as_bytes()), "{text:?}");
        }
    }
}
