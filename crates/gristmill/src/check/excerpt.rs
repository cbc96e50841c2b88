//! A record as far as a line shows it, with the offending part marked.

use std::ops::Range;

use shared::validate::is_invisible;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Stands for what was cut away.
const CUT: char = '…';
/// The share of a line that the marked part may take, in tenths, so that something is seen of what is around it.
const MARKED_TENTHS: usize = 7;

/// A part of a record, on one line, and where in it the marked part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The text, with control characters and bytes that are no text as escapes.
    pub(super) text: String,
    /// The marked part: how many columns it is from the left, and how many it takes. At least one is taken.
    pub(super) mark: Option<(usize, usize)>,
}

impl Excerpt {
    /// As much of a record as fits into so many columns; around the marked bytes where there are any.
    pub(super) fn of(raw: &[u8], marked: Option<&Range<usize>>, columns: usize) -> Self {
        let Some(Range { start, end }) = marked else {
            return Self { text: beginning(raw, columns), mark: None };
        };
        let part = |range: Range<usize>| raw.get(range).unwrap_or_default();
        let middle = beginning(part(*start..*end), columns * MARKED_TENTHS / 10);
        // An empty cell is marked where it would stand.
        let taken = middle.width().max(1);
        let left = columns.saturating_sub(taken);
        let behind = part(*end..raw.len());
        let wanted = beginning(behind, left).width();
        let before = ending(part(0..*start), left - wanted.min(left / 2));
        let behind = beginning(behind, left.saturating_sub(before.width()));
        let mark = Some((before.width(), taken));
        Self { text: format!("{before}{middle}{behind}"), mark }
    }
}

/// The first bytes as text that takes at most so many columns.
fn beginning(bytes: &[u8], columns: usize) -> String {
    let mut text = String::new();
    let mut taken = 0;
    // Where the text is cut if more comes: one column is kept for the sign that stands for the rest.
    let mut cut = 0;
    for piece in pieces(bytes) {
        taken += piece.width();
        if taken > columns {
            text.truncate(cut);
            text.push(CUT);
            return text;
        }
        text.push_str(&piece);
        if taken < columns {
            cut = text.len();
        }
    }
    text
}

/// The last bytes as text that takes at most so many columns.
fn ending(bytes: &[u8], columns: usize) -> String {
    // No character has more than four bytes; what is further to the left would not be shown.
    let from = bytes.len().saturating_sub(columns * 4 + 4);
    let mut from_character = bytes.get(from..).unwrap_or_default();
    if from > 0 {
        let rest = from_character.iter().take(3).take_while(|byte| matches!(byte, 0x80..=0xbf)).count();
        from_character = from_character.get(rest..).unwrap_or_default();
    }
    let all: Vec<String> = pieces(from_character).collect();
    let mut left = columns;
    let mut first = all.len();
    for piece in all.iter().rev() {
        match left.checked_sub(piece.width()) {
            Some(rest) => left = rest,
            None => break,
        }
        first -= 1;
    }
    if first == 0 && from == 0 {
        return all.concat();
    }
    // One column is needed for the sign that stands for the rest.
    while left == 0
        && let Some(piece) = all.get(first)
    {
        left += piece.width();
        first += 1;
    }
    if columns == 0 {
        return String::new();
    }
    let kept = all.get(first..).unwrap_or_default().concat();
    format!("{CUT}{kept}")
}

/// Bytes as a terminal may show them, one character or one escape at a time.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = String> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let invalid = chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}"));
        chunk.valid().chars().map(shown).chain(invalid)
    })
}

fn shown(character: char) -> String {
    // A character without a width of its own is drawn over the one before it, so it belongs to it.
    let hidden = character.is_control() || is_invisible(character) || character.width().is_none();
    if hidden { character.escape_default().to_string() } else { character.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line below the text that marks the part.
    fn carets(excerpt: &Excerpt) -> String {
        let (left, taken) = excerpt.mark.unwrap();
        format!("{}{}", " ".repeat(left), "^".repeat(taken))
    }

    fn excerpt(raw: &str, part: &str, columns: usize) -> (String, String) {
        let start = raw.find(part).unwrap();
        let excerpt = Excerpt::of(raw.as_bytes(), Some(&(start..start + part.len())), columns);
        let carets = carets(&excerpt);
        assert!(excerpt.text.width() <= columns, "{excerpt:?}");
        (excerpt.text, carets)
    }

    #[test]
    fn a_short_record_is_shown_whole() {
        assert_eq!(excerpt("A1,x,5", "x", 80), ("A1,x,5".to_owned(), "   ^".to_owned()));
        assert_eq!(excerpt("A1,12,5", "A1", 80).1, "^^");
        assert_eq!(excerpt("A1,12,567", "567", 80).1, "      ^^^");
    }

    #[test]
    fn a_long_record_is_cut_around_the_part() {
        let raw = format!("{},wrong,{}", "a".repeat(200), "b".repeat(200));
        let (text, carets) = excerpt(&raw, "wrong", 41);
        assert!(text.starts_with("…a") && text.ends_with("b…"), "{text}");
        assert_eq!(text.width(), 41);
        let at = carets.find('^').unwrap();
        assert_eq!(text.chars().skip(at).take(5).collect::<String>(), "wrong");
    }

    #[test]
    fn what_is_on_one_side_makes_room_for_the_other() {
        let (text, _) = excerpt(&format!("{},x", "a".repeat(200)), "x", 40);
        assert_eq!((text.width(), text.ends_with("a,x")), (40, true), "{text}");
        let (text, _) = excerpt(&format!("x,{}", "a".repeat(200)), "x", 40);
        assert_eq!((text.width(), text.starts_with("x,a")), (40, true), "{text}");
    }

    #[test]
    fn a_long_part_is_cut_at_its_end() {
        let raw = format!("{},{},c", "a".repeat(30), "b".repeat(500));
        let (text, carets) = excerpt(&raw, &"b".repeat(500), 40);
        assert!(text.contains("b…,c") && text.contains("a,b"), "{text}");
        assert_eq!(carets.matches('^').count(), 28);
    }

    #[test]
    fn carets_stand_below_characters_that_are_wide_or_none() {
        assert_eq!(excerpt("名前,x", "x", 80).1, "     ^");
        assert_eq!(excerpt("x,名前", "名前", 80).1, "  ^^^^");
        // The accent is a character of its own that takes no column.
        assert_eq!(excerpt("cafe\u{301},x", "x", 80).1, "     ^");
        assert_eq!(excerpt("📱,x", "x", 80).1, "   ^");
    }

    #[test]
    fn control_characters_and_foreign_bytes_are_seen() {
        let excerpt = Excerpt::of(b"a\n\x07b,caf\xe9,\xe2\x80\xae", Some(&(5..9)), 80);
        assert_eq!(excerpt.text, "a\\n\\u{7}b,caf\\xE9,\\u{202e}");
        assert_eq!(carets(&excerpt), "          ^^^^^^^");
    }

    #[test]
    fn an_empty_part_is_marked_where_it_would_stand() {
        let excerpt = Excerpt::of(b"a,,b", Some(&(2..2)), 80);
        assert_eq!((excerpt.text.as_str(), excerpt.mark), ("a,,b", Some((2, 1))));
        let excerpt = Excerpt::of(b"a,", Some(&(2..2)), 80);
        assert_eq!((excerpt.text.as_str(), excerpt.mark), ("a,", Some((2, 1))));
    }

    #[test]
    fn a_record_without_a_part_is_shown_from_its_beginning() {
        assert_eq!(Excerpt::of(b"abc", None, 80), Excerpt { text: "abc".to_owned(), mark: None });
        assert_eq!(Excerpt::of(&[b'a'; 500], None, 10).text, "aaaaaaaaa…");
    }

    #[test]
    fn no_width_and_no_place_break_it() {
        let raw = "a\u{301},名前,\u{7}📱\u{200d}📱,".repeat(30);
        let raw = raw.as_bytes();
        for columns in 10..60 {
            for start in (0..raw.len()).step_by(7) {
                let excerpt = Excerpt::of(raw, Some(&(start..(start + 9).min(raw.len()))), columns);
                assert!(excerpt.text.width() <= columns, "{columns}: {excerpt:?}");
            }
        }
    }
}
