//! Text and numbers as people read them.

use rust_decimal::{Decimal, RoundingStrategy};

/// One line without hidden characters, at most `max` characters long.
///
/// White space and control characters become single spaces. What has no shape of its own (zero-width and
/// bidirectional controls, fillers, tags) is removed, since it can make a text read differently from what it
/// is. An address in it is written so that no mail client makes it a link.
pub(super) fn plain(raw: &str, max: usize) -> String {
    let mut line = String::with_capacity(raw.len().min(max * 4));
    for character in raw.chars().filter(|c| !is_hidden(*c)) {
        if character.is_whitespace() || character.is_control() {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
        } else {
            line.push(character);
        }
    }
    cut(&without_links(line.trim_end()), max)
}

/// The start of a text, with an ellipsis where it was longer than `max` characters.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let start: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", start.trim_end())
}

/// Unicode's default-ignorable and bidirectional characters, but for the variation selectors of emoji.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn without_links(line: &str) -> String {
    if line.contains("://") || line.to_ascii_lowercase().contains("www.") {
        line.replace("://", "[:]//")
            .replace("www.", "www[.]")
            .replace("WWW.", "WWW[.]")
            .replace("Www.", "Www[.]")
    } else {
        line.to_owned()
    }
}

/// A number with thousands separators, rounded to two places, or to four below 1.
pub(super) fn number(value: Decimal) -> String {
    let places = if value.abs() < Decimal::ONE { 4 } else { 2 };
    let rounded = value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero).normalize();
    let text = rounded.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    match digits.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}.{fraction}", grouped(whole)),
        None => format!("{sign}{}", grouped(digits)),
    }
}

/// A count with thousands separators.
pub(super) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// `1 row`, `2 rows`, `1,002 rows`.
pub(super) fn rows(value: u64) -> String {
    if value == 1 { "1 row".to_owned() } else { format!("{} rows", count(value)) }
}

/// `was` or `were`, to go with [`rows`].
pub(super) fn were(value: u64) -> &'static str {
    if value == 1 { "was" } else { "were" }
}

/// A name of code as people write it: `top_group` is `top group`.
pub(super) fn spoken(name: &str) -> String {
    plain(name, 60).replace(['_', '-'], " ")
}

/// A size: `950 bytes`, `155 KB`, `1.2 GB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    }
    let mut value = Decimal::from(bytes) / Decimal::ONE_THOUSAND;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while value >= Decimal::ONE_THOUSAND
        && let Some(next) = units.next()
    {
        value /= Decimal::ONE_THOUSAND;
        unit = Some(next);
    }
    let places = u32::from(value < Decimal::TEN);
    format!("{} {}", value.round_dp(places).normalize(), unit.copied().unwrap_or_default())
}

fn grouped(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_control_characters_do_not_get_through() {
        for (raw, expected) in [
            ("plain", "plain"),
            ("  two\r\n\tlines \u{2028}x ", "two lines x"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("zero\u{200b}width\u{feff}", "zerowidth"),
            ("nul\0bell\u{7}", "nul bell"),
            ("tag\u{e0041}s", "tags"),
            ("Grüße 日本 👍🏽", "Grüße 日本 👍🏽"),
            ("see http://evil.example/x", "see http[:]//evil.example/x"),
            ("see www.evil.example", "see www[.]evil.example"),
        ] {
            assert_eq!(plain(raw, 100), expected, "{raw:?}");
        }
        assert_eq!(plain("abcdef", 4), "abc…");
        assert_eq!(plain("abcd", 4), "abcd");
    }

    #[test]
    fn numbers_have_separators_and_few_places() {
        for (value, expected) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("604263", "604,263"),
            ("-1234567.891", "-1,234,567.89"),
            ("842.770", "842.77"),
            ("0.12345", "0.1235"),
            ("2.005", "2.01"),
        ] {
            assert_eq!(number(value.parse().unwrap()), expected);
        }
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!((rows(1), rows(1002)), ("1 row".to_owned(), "1,002 rows".to_owned()));
    }

    #[test]
    fn sizes_have_a_unit() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1500, "1.5 KB"),
            (158_558, "159 KB"),
            (5_368_709_120, "5.4 GB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
