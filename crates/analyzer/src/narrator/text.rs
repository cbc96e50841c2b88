//! Characters that have no place in a sentence.

/// Whether a character is invisible or turns the direction of what follows.
///
/// Unicode's `Cc`, the bidirectional controls (UAX #9) and the zero-width characters; also the separators of lines
/// and paragraphs, the soft hyphen, the object replacement character and the tag characters.
pub(super) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffc}' | '\u{e0000}'..='\u{e007f}')
}

/// A text from the data as it may stand in a sentence: hidden characters gone, runs of spaces made one.
pub(super) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        let word: String = word.chars().filter(|c| !is_hidden(*c)).collect();
        if word.is_empty() {
            continue;
        }
        if !cleaned.is_empty() {
            cleaned.push(' ');
        }
        cleaned.push_str(&word);
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_taken_out() {
        assert_eq!(clean("a\u{202e}b\r\nBcc:\u{200b} x"), "ab Bcc: x");
        assert_eq!(clean("Zoë  日本 😀"), "Zoë 日本 😀");
        assert_eq!(clean("\u{feff} "), "");
    }
}
