//! Numbers, lists and names as they stand in a sentence.

use rust_decimal::{Decimal, RoundingStrategy};
use shared::facts::Fact;

use super::text::clean;

/// The decimal places of a figure in a sentence.
const PLACES: u32 = 2;
/// The significant digits of a figure below one.
const SMALL_DIGITS: u32 = 2;

/// A number with thousands separators, and whether it was rounded for it.
fn rounded(value: Decimal) -> (String, bool) {
    let shown = if value.abs() >= Decimal::ONE || value.is_zero() {
        value.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointAwayFromZero)
    } else {
        value.round_sf_with_strategy(SMALL_DIGITS, RoundingStrategy::MidpointAwayFromZero).unwrap_or(value)
    };
    (grouped(&shown.normalize().to_string()), shown != value)
}

fn grouped(plain: &str) -> String {
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |digits| ("-", digits));
    let (whole, fraction) =
        digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// A number of a contract, such as the end of a band.
pub(super) fn bound(value: Decimal) -> String {
    grouped(&value.normalize().to_string())
}

/// A count.
pub(super) fn count(count: u64) -> String {
    grouped(&count.to_string())
}

/// A count of rows: `1 row`, `1,002 rows`.
pub(super) fn rows(number: u64) -> String {
    if number == 1 { "1 row".to_owned() } else { format!("{} rows", count(number)) }
}

/// The number of a fact without its unit.
pub(super) fn bare(fact: &Fact) -> String {
    rounded(fact.value.0).0
}

/// The number of a fact with its unit; `about` says that it was rounded or estimated.
pub(super) fn figure(fact: &Fact) -> String {
    let (number, was_rounded) = rounded(fact.value.0);
    let about = if was_rounded || fact.approximate { "about " } else { "" };
    match fact.unit.as_deref() {
        Some("%") => format!("{about}{number}%"),
        Some("rows") | None => format!("{about}{number}"),
        Some(unit) => format!("{about}{number} {}", clean(unit)),
    }
}

/// `10 of 717 rows (1.4%)`; without the share where it would say nothing.
pub(super) fn share(fact: &Fact) -> String {
    let of = rows(fact.of);
    match percent(fact) {
        Some(percent) => format!("{} of {of} ({percent})", bare(fact)),
        None => format!("{} of {of}", bare(fact)),
    }
}

/// The share of a count in what it was counted over: one decimal place, and only of enough rows.
fn percent(fact: &Fact) -> Option<String> {
    if fact.of < 10 {
        return None;
    }
    let share = fact.value.0.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(Decimal::from(fact.of))?;
    let shown = share.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    (!shown.is_zero()).then(|| format!("{}%", shown.normalize()))
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// A column's name in words: `price_segment` is `price segment`.
pub(super) fn words(name: &str) -> String {
    clean(&name.replace('_', " "))
}

/// A column's name in words, for more than one of it.
pub(super) fn plural(name: &str) -> String {
    let singular = words(name);
    let ends = |ending: &str| singular.ends_with(ending);
    if ends("s") || ends("x") || ends("ch") || ends("sh") {
        return format!("{singular}es");
    }
    match singular.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) && !stem.is_empty() => format!("{stem}ies"),
        _ => format!("{singular}s"),
    }
}

/// The text with its first letter as a capital.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The ids of facts, each once, in their order.
pub(super) fn ids<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for fact in facts {
        if !ids.contains(&fact.id) {
            ids.push(fact.id.clone());
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_rounded() {
        for (value, shown, was_rounded) in [
            ("604263", "604,263", false),
            ("-1234567.891", "-1,234,567.89", true),
            ("842.766", "842.77", true),
            ("0.00123", "0.0012", true),
            ("999.999", "1,000", true),
            ("100", "100", false),
            ("0", "0", false),
        ] {
            assert_eq!(rounded(value.parse().unwrap()), (shown.to_owned(), was_rounded), "{value}");
        }
    }

    #[test]
    fn plurals_follow_their_ending() {
        for (one, many) in [
            ("model", "models"),
            ("category", "categories"),
            ("status", "statuses"),
            ("day", "days"),
            ("box", "boxes"),
        ] {
            assert_eq!(plural(one), many);
        }
    }

    #[test]
    fn lists_end_in_and() {
        let parts: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(list(&parts), "a, b and c");
        assert_eq!(list(&parts[..2]), "a and b");
        assert_eq!(list(&parts[..1]), "a");
    }
}
