//! Numbers written in another way than the default one: decimal commas, grouped digits, units around them.

use rust_decimal::Decimal;

use super::{SHORT_DIGITS, Short, parse_integer, parse_number};

/// How the numbers of a field are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberStyle {
    /// What stands between the whole part and the fraction.
    pub decimal: char,
    /// What may stand between groups of digits of the whole part; absent when nothing may.
    pub group: Option<char>,
    /// Whether nothing but the number may stand in a cell. Otherwise other text may stand before and behind it.
    pub bare: bool,
}

impl Default for NumberStyle {
    /// The style of the standard: a decimal point, no groups, nothing else.
    fn default() -> Self {
        Self { decimal: '.', group: None, bare: true }
    }
}

/// A number in front of a text, and what follows it.
struct Numeral<'t> {
    whole: &'t str,
    /// Absent without a decimal character.
    fraction: Option<&'t str>,
    exponent: &'t str,
    trailing: &'t str,
}

impl NumberStyle {
    /// Reads a number. What is no number in the default style is none in any other, but for this style's characters.
    ///
    /// Groups are of three digits, or the last of three and those before it of two (`12,34,567`), and only in the
    /// whole part: in this style's groups, `1,5` is no number rather than fifteen.
    #[must_use]
    pub fn parse_number(&self, text: &str) -> Option<Decimal> {
        parse_number(&self.plain(text, true)?)
    }

    /// Reads a whole number.
    #[must_use]
    pub fn parse_integer(&self, text: &str) -> Option<Decimal> {
        parse_integer(&self.plain(text, false)?)
    }

    /// A decimal in this style, without groups.
    #[must_use]
    pub fn write(&self, number: Decimal) -> String {
        number.normalize().to_string().replace('.', self.decimal.encode_utf8(&mut [0; 4]))
    }

    /// The number in the default style: its sign, digits, a point, digits, an exponent.
    fn plain(&self, text: &str, may_have_fraction: bool) -> Option<String> {
        let text = text.trim_matches(' ');
        let start = self.start(text, may_have_fraction)?;
        let (leading, rest) = text.split_at_checked(start)?;
        let sign = if self.bare { bare_sign(leading)? } else { sign_before(leading)? };
        let numeral = self.numeral(rest, may_have_fraction)?;
        let ends_with_point = numeral.fraction == Some("") && numeral.exponent.is_empty();
        let trailing_is_fine = match self.bare {
            true => numeral.trailing.is_empty(),
            false => is_unit_behind(numeral.trailing, ends_with_point),
        };
        if !trailing_is_fine {
            return None;
        }
        let mut plain = String::with_capacity(text.len());
        plain.push_str(sign);
        self.push_whole(numeral.whole, &mut plain)?;
        if let Some(fraction) = numeral.fraction.filter(|_| may_have_fraction) {
            plain.push('.');
            plain.push_str(fraction);
        }
        plain.push_str(numeral.exponent);
        Some(plain)
    }

    /// Where the number begins: at its first digit, or at a decimal character in front of it.
    fn start(&self, text: &str, may_have_fraction: bool) -> Option<usize> {
        let digit = text.find(|character: char| character.is_ascii_digit())?;
        let before = text.get(..digit)?;
        match before.strip_suffix(self.decimal) {
            // The point of `Fr.5` belongs to the abbreviation, that of `$.50` to the number.
            Some(unit) if may_have_fraction && !unit.ends_with(char::is_alphabetic) => Some(unit.len()),
            _ => Some(digit),
        }
    }

    /// Takes the number in front of a text apart.
    fn numeral<'t>(&self, text: &'t str, may_have_fraction: bool) -> Option<Numeral<'t>> {
        let is_whole = |character: char| character.is_ascii_digit() || Some(character) == self.group;
        let (whole, rest) = split_while(text, is_whole);
        // A group character behind the digits belongs to what follows: `5 EUR` with spaces between groups.
        let bare_whole = whole.trim_end_matches(|character: char| Some(character) == self.group);
        if bare_whole.len() < whole.len() {
            let trailing = text.get(bare_whole.len()..)?;
            return Some(Numeral { whole: bare_whole, fraction: None, exponent: "", trailing });
        }
        let (fraction, rest) = match rest.strip_prefix(self.decimal) {
            Some(rest) if may_have_fraction => {
                let (fraction, rest) = split_while(rest, |character| character.is_ascii_digit());
                (Some(fraction), rest)
            }
            _ => (None, rest),
        };
        let exponent = if may_have_fraction { exponent_length(rest) } else { 0 };
        let (exponent, trailing) = rest.split_at_checked(exponent)?;
        Some(Numeral { whole, fraction, exponent, trailing })
    }

    /// Writes the digits of a whole part without its groups, if these are where groups may be.
    fn push_whole(&self, whole: &str, out: &mut String) -> Option<()> {
        let Some(group) = self.group.filter(|group| whole.contains(*group)) else {
            out.push_str(whole);
            return Some(());
        };
        let groups: Vec<&str> = whole.split(group).collect();
        let [first, middle @ .., last] = groups.as_slice() else { return None };
        let size = middle.first().map_or(last.len(), |group| group.len());
        let even = (2..=3).contains(&size) && middle.iter().all(|group| group.len() == size);
        if last.len() != 3 || !even || !(1..=size).contains(&first.len()) {
            return None;
        }
        out.extend(groups);
        Some(())
    }

    /// Reads plain digits with an optional minus, this style's decimal character and groups of three, all in ASCII;
    /// anything else is left to the other readers.
    #[must_use]
    #[inline]
    pub fn parse_short(&self, text: &[u8], may_have_fraction: bool) -> Option<Short> {
        let (negative, unsigned) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        let ascii = |character: char| u8::try_from(character).ok().filter(u8::is_ascii);
        let (decimal, group) = (ascii(self.decimal), self.group.and_then(ascii));
        let (mut digits, mut count, mut in_group, mut places) = (0_i64, 0, 0_usize, None::<u32>);
        let mut grouped = false;
        for byte in unsigned {
            if byte.is_ascii_digit() {
                digits = digits.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                (count, in_group) = (count + 1, in_group + 1);
                places = places.map(|places| places + 1);
            } else if places.is_some() || in_group == 0 || (grouped && in_group != 3) {
                return None;
            } else if Some(*byte) == group && in_group <= 3 {
                (grouped, in_group) = (true, 0);
            } else if may_have_fraction && Some(*byte) == decimal {
                places = Some(0);
            } else {
                return None;
            }
        }
        let ends_well = places.is_some() || !grouped || in_group == 3;
        let fits = ends_well && (1..=SHORT_DIGITS).contains(&count);
        fits.then_some(Short { digits: if negative { -digits } else { digits }, places: places.unwrap_or(0) })
    }
}

/// The longest beginning of which every character is of a kind, and the rest.
fn split_while(text: &str, is_of_a_kind: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|character| !is_of_a_kind(character)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// How long the exponent in front of a text is; 0 when there is none.
fn exponent_length(text: &str) -> usize {
    let Some(rest) = text.strip_prefix(['e', 'E']) else { return 0 };
    let unsigned = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let (digits, behind) = split_while(unsigned, |character| character.is_ascii_digit());
    if digits.is_empty() { 0 } else { text.len() - behind.len() }
}

/// The sign in front of a bare number: a plus, a minus or nothing.
fn bare_sign(leading: &str) -> Option<&str> {
    matches!(leading, "" | "+" | "-").then_some(leading)
}

/// The sign among the text in front of a number: at its beginning (`-€5`) or at its end (`€ -5`).
///
/// Nothing when the text has digits of another script, a sign elsewhere, or opens a parenthesis: `(5)` means minus
/// five to an accountant.
fn sign_before(leading: &str) -> Option<&str> {
    let unit = leading.trim_matches(' ');
    let (sign, unit) = match unit.split_at_checked(1) {
        Some((sign @ ("+" | "-"), rest)) => (sign, rest),
        _ => match unit.len().checked_sub(1).and_then(|end| unit.split_at_checked(end)) {
            Some((rest, sign @ ("+" | "-"))) => (sign, rest),
            _ => ("", unit),
        },
    };
    (is_unit(unit) && !unit.contains('(')).then_some(sign)
}

/// Whether a text may stand behind a number. A hyphen may where it stands for no cents (`5,-`); elsewhere it could
/// be a minus.
fn is_unit_behind(trailing: &str, ends_with_point: bool) -> bool {
    let unit = if ends_with_point { trailing.trim_start_matches('-') } else { trailing };
    is_unit(unit)
}

/// Whether a text may be dropped from beside a number: it has no digit of any script and no sign.
fn is_unit(text: &str) -> bool {
    !text.contains(|character: char| character.is_numeric() || matches!(character, '+' | '-' | '\u{2212}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: NumberStyle = NumberStyle { decimal: ',', group: Some('.'), bare: true };
    const COMMAS: NumberStyle = NumberStyle { decimal: '.', group: Some(','), bare: true };
    const SPACES: NumberStyle = NumberStyle { decimal: ',', group: Some('\u{202f}'), bare: true };
    const PRICES: NumberStyle = NumberStyle { decimal: '.', group: Some(','), bare: false };
    const GERMAN_PRICES: NumberStyle = NumberStyle { decimal: ',', group: Some('.'), bare: false };

    fn check(style: NumberStyle, good: &[(&str, &str)], bad: &[&str]) {
        for (text, expected) in good {
            let read = style.parse_number(text).map(|number| number.normalize().to_string());
            assert_eq!(read.as_deref(), Some(*expected), "{text:?} in {style:?}");
            if let Some(short) = style.parse_short(text.as_bytes(), true) {
                assert_eq!(short.decimal().normalize().to_string(), *expected, "{text:?} in {style:?}");
            }
        }
        for text in bad {
            assert_eq!(style.parse_number(text), None, "{text:?} in {style:?}");
            assert!(style.parse_short(text.as_bytes(), true).is_none(), "{text:?} in {style:?}");
        }
    }

    #[test]
    fn decimal_commas_and_groups() {
        check(
            GERMAN,
            &[
                ("1.299,50", "1299.5"),
                ("1299,50", "1299.5"),
                ("-1.234.567,8", "-1234567.8"),
                ("+12", "12"),
                (",5", "0.5"),
                ("5,", "5"),
                ("1e3", "1000"),
                ("1.000,5E-3", "1.0005"),
                (" 7,25 ", "7.25"),
                ("999.999.999.999.999.999.999,9", "999999999999999999999.9"),
            ],
            &[
                "1.5",
                "1299.50",
                "1.29,50",
                "1..299",
                ".299",
                "1.2999",
                "1234.567",
                "1,299.50",
                "1,2,3",
                "1.299.",
                "",
                ",",
                "-",
                "5 €",
                "1.299,5.0",
                "1,5e",
                "nan",
                "1'299",
                "12.34.56",
                "0,5.000",
            ],
        );
        check(
            COMMAS,
            &[
                ("1,299.50", "1299.5"),
                ("12,34,567", "1234567"),
                ("1,234,567", "1234567"),
                ("12,345", "12345"),
            ],
            &[
                "1,5",
                "1,2345",
                "1234,567",
                "12,34,56",
                "123,45,678",
                "1,23,4,567",
                ",123",
                "1,,234",
                "1.5,000",
            ],
        );
        check(SPACES, &[("1\u{202f}299,5", "1299.5"), ("12,5", "12.5")], &["1 299,5", "1\u{a0}299"]);
    }

    #[test]
    fn units_around_numbers() {
        check(
            PRICES,
            &[
                ("$1,299.50", "1299.5"),
                ("95%", "95"),
                ("EUR 95", "95"),
                ("95 EUR", "95"),
                ("5EUR", "5"),
                ("-€5", "-5"),
                ("€-5", "-5"),
                ("€ -5", "-5"),
                ("- € 5", "-5"),
                ("+5 pcs.", "5"),
                ("$.50", "0.5"),
                ("Fr.5", "5"),
                ("Rs.1,000", "1000"),
                ("5.-", "5"),
                ("5.– CHF", "5"),
                ("1e3 kg", "1000"),
                ("5 (net)", "5"),
                ("1,299", "1299"),
            ],
            &[
                "", "€", "($5)", "(5)", "5-", "5 -", "US-$ 5", "+-5", "5 x 3", "12.5.1", "1,29 €", "5m2",
                "2×5", "５ 5", "5 ²", "-5-", "−5", "5e3e3", "A", "-",
            ],
        );
        check(
            GERMAN_PRICES,
            &[("1.299,50 €", "1299.5"), ("5,-", "5"), ("5,-- €", "5")],
            &["1.29 €", "5-", "5,-3"],
        );
    }

    #[test]
    fn whole_numbers_have_no_fraction_in_any_style() {
        let german = GERMAN.parse_integer("1.299");
        assert_eq!(german, Some(Decimal::from(1299)));
        assert_eq!(PRICES.parse_integer("12 pcs"), Some(Decimal::from(12)));
        for text in ["1.299,5", "12,0", "1e3", "12,", "1.5"] {
            assert_eq!(GERMAN.parse_integer(text), None, "{text:?}");
            assert!(GERMAN.parse_short(text.as_bytes(), false).is_none(), "{text:?}");
        }
        for text in ["12.5 pcs", "1e3", "3/4"] {
            assert_eq!(PRICES.parse_integer(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_default_style_reads_what_is_read_by_default() {
        let style = NumberStyle::default();
        for text in
            ["1", "-1.50", "+.5", "899.", "1e3", "1E-400", " 7 ", "", ".", "1,5", "1_000", "5e", "- 5", "٣"]
        {
            assert_eq!(style.parse_number(text), parse_number(text), "{text:?}");
            assert_eq!(style.parse_integer(text), parse_integer(text), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_written_as_they_are_read() {
        let number = Decimal::new(129_950, 2);
        assert_eq!(GERMAN.write(number), "1299,5");
        assert_eq!(GERMAN.parse_number(&GERMAN.write(number)), Some(number));
    }
}
