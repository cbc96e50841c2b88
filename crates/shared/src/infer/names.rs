//! What a column's name tells about its values.

use rust_decimal::Decimal;

/// The words of a name, in lower case: `orderId`, `Order ID` and `order_id` have the same ones.
pub(super) fn words(label: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in label.chars() {
        let hump = character.is_uppercase() && before.is_lowercase();
        if (hump || !character.is_alphanumeric()) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && (character.is_alphanumeric() || character == '%')
        {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words.retain(|word| !word.is_empty());
    words
}

fn has(label: &str, known: &[&str]) -> bool {
    words(label).iter().any(|word| known.contains(&word.as_str()))
}

fn ends_in(label: &str, known: &[&str]) -> bool {
    words(label).last().is_some_and(|word| known.contains(&word.as_str()))
}

/// Whether each row probably has a value of its own here.
pub(super) fn is_key(label: &str) -> bool {
    ends_in(label, &["id", "uuid", "guid", "key"])
}

/// Whether its numbers are names rather than amounts.
pub(super) fn is_name(label: &str) -> bool {
    const WORDS: [&str; 16] = [
        "code",
        "zip",
        "postcode",
        "postal",
        "plz",
        "phone",
        "number",
        "no",
        "nr",
        "index",
        "latitude",
        "longitude",
        "lat",
        "lon",
        "lng",
        "year",
    ];
    is_key(label) || has(label, &WORDS)
}

/// Whether its numbers may be below zero although none of a sample is.
pub(super) fn may_be_negative(label: &str) -> bool {
    const WORDS: [&str; 16] = [
        "temp",
        "temperature",
        "celsius",
        "fahrenheit",
        "balance",
        "change",
        "delta",
        "diff",
        "difference",
        "profit",
        "margin",
        "net",
        "return",
        "growth",
        "deviation",
        "offset",
    ];
    has(label, &WORDS)
}

/// Whether its numbers may have a fraction although none of a sample has: amounts of money, weights and the like.
pub(super) fn is_amount(label: &str) -> bool {
    const WORDS: [&str; 16] = [
        "price", "cost", "amount", "total", "subtotal", "revenue", "fee", "tax", "vat", "discount", "salary",
        "weight", "balance", "profit", "margin", "value",
    ];
    ends_in(label, &WORDS) || unit(label).is_some_and(|unit| !matches!(unit, "MB" | "GB" | "ms" | "bpm"))
}

/// Whether its digits are a day: `20240520`.
pub(super) fn is_day(label: &str) -> bool {
    has(label, &["date", "day"])
}

/// Whether four digits are a year.
pub(super) fn is_year(label: &str) -> bool {
    label.to_lowercase().contains("year")
}

/// Whether its values are about persons, so that no language model should see them.
pub(super) fn is_personal(label: &str) -> bool {
    const WORDS: [&str; 9] =
        ["email", "mail", "phone", "mobile", "surname", "birthday", "birthdate", "address", "ssn"];
    const PAIRS: [[&str; 2]; 9] = [
        ["first", "name"],
        ["last", "name"],
        ["full", "name"],
        ["customer", "name"],
        ["user", "name"],
        ["person", "name"],
        ["user", "id"],
        ["patient", "id"],
        ["date", "birth"],
    ];
    PAIRS.iter().any(|pair| pair.iter().all(|word| has(label, &[word]))) || has(label, &WORDS)
}

/// The unit that the name tells.
pub(super) fn unit(label: &str) -> Option<&'static str> {
    const UNITS: [(&[&str], &str); 24] = [
        (&["usd"], "USD"),
        (&["eur"], "EUR"),
        (&["gbp"], "GBP"),
        (&["chf"], "CHF"),
        (&["jpy"], "JPY"),
        (&["inr"], "INR"),
        (&["percent", "percentage", "pct", "%"], "%"),
        (&["celsius", "degc", "c"], "°C"),
        (&["fahrenheit", "degf", "f"], "°F"),
        (&["bpm"], "bpm"),
        (&["mmhg"], "mmHg"),
        (&["kg"], "kg"),
        (&["grams", "g"], "g"),
        (&["km"], "km"),
        (&["kmh"], "km/h"),
        (&["cm"], "cm"),
        (&["mm"], "mm"),
        (&["ms"], "ms"),
        (&["sec", "secs", "seconds"], "s"),
        (&["minutes", "mins"], "min"),
        (&["hours", "hrs"], "h"),
        (&["kwh"], "kWh"),
        (&["mb"], "MB"),
        (&["gb"], "GB"),
    ];
    UNITS.into_iter().find(|(words, _)| ends_in(label, words)).map(|(_, unit)| unit)
}

/// The limits that the name tells, if all values are within them.
pub(super) fn limits(label: &str, least: Decimal, most: Decimal) -> Option<(i64, i64)> {
    const LIMITS: [(&[&str], i64, i64); 10] = [
        (&["percent", "percentage", "pct", "%"], 0, 100),
        (&["ratio", "share", "fraction", "probability"], 0, 1),
        (&["latitude", "lat"], -90, 90),
        (&["longitude", "lon", "lng"], -180, 180),
        (&["month"], 1, 12),
        (&["hour"], 0, 23),
        (&["rating", "stars"], 0, 5),
        (&["rating", "stars", "score"], 0, 10),
        (&["rating", "score"], 0, 100),
        (&["age"], 0, 150),
    ];
    let within = |low: i64, high: i64| Decimal::from(low) <= least && most <= Decimal::from(high);
    let fits = |(words, low, high): &(&[&str], i64, i64)| ends_in(label, words) && within(*low, *high);
    LIMITS.into_iter().find(fits).map(|(_, low, high)| (low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_words_however_they_are_written() {
        for label in ["order_id", "Order ID", "orderId", " order-id ", "ORDER ID"] {
            assert_eq!(words(label), ["order", "id"], "{label}");
        }
        assert_eq!(words("Discount %"), ["discount", "%"]);
        assert!(words("  ").is_empty());
    }

    #[test]
    fn a_name_tells_keys_units_limits_and_persons() {
        assert!(is_key("orderId") && is_key("id") && !is_key("paid") && !is_key("id card"));
        assert_eq!((unit("price_usd"), unit("temp_c"), unit("price")), (Some("USD"), Some("°C"), None));
        let (zero, four, half) = (Decimal::ZERO, Decimal::from(4), Decimal::new(5, 1));
        assert_eq!(limits("discount_pct", zero, four), Some((0, 100)));
        assert_eq!(limits("discount_pct", zero, Decimal::from(400)), None);
        assert_eq!(limits("rating", zero, four), Some((0, 5)));
        assert_eq!(limits("share", zero, half), Some((0, 1)));
        assert_eq!(limits("price", zero, four), None);
        assert!(is_personal("Customer Name") && is_personal("email") && !is_personal("product_name"));
    }
}
