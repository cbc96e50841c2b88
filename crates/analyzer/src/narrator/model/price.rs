//! What a model's tokens cost.

use rust_decimal::Decimal;

/// US dollars for a million tokens, read and written, as decimals of three places: on demand, us-east-1.
///
/// Source: <https://aws.amazon.com/bedrock/pricing/>, as third parties quoted it in November 2026. A cost is for
/// orientation; the bill is AWS's.
const PRICES: [(&str, i64, i64); 3] = [
    ("amazon.nova-micro-v1:0", 35, 140),
    ("amazon.nova-lite-v1:0", 60, 240),
    ("amazon.nova-pro-v1:0", 800, 3_200),
];
/// The decimal places of a cost.
const PLACES: u32 = 9;

/// The cost in US dollars; absent for a model without a known price. A cross-region profile (`us.`, `eu.`, …) costs
/// what its model costs.
pub(super) fn cost_usd(model_id: &str, input_tokens: u64, output_tokens: u64) -> Option<String> {
    let is_model =
        |name: &str| model_id == name || model_id.split_once('.').is_some_and(|(_, rest)| rest == name);
    let (_, input, output) = PRICES.iter().find(|(name, ..)| is_model(name))?;
    let part = |tokens: u64, price: i64| Decimal::from(tokens).checked_mul(Decimal::new(price, PLACES));
    let cost = part(input_tokens, *input)?.checked_add(part(output_tokens, *output)?)?;
    Some(cost.normalize().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_exact() {
        // 3,000 at 0.06 and 1,000 at 0.24 dollars a million.
        assert_eq!(cost_usd("amazon.nova-lite-v1:0", 3_000, 1_000).as_deref(), Some("0.00042"));
        assert_eq!(cost_usd("eu.amazon.nova-micro-v1:0", 1, 0).as_deref(), Some("0.000000035"));
        assert_eq!(cost_usd("some.other-model", 1, 1), None);
    }
}
