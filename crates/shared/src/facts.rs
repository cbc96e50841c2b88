//! Facts: the numbers of a report, each with an id, each computed over every valid record.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// Valid records.
    RowCount,
    /// Sum of a measure.
    Sum,
    /// Arithmetic mean of a measure, rounded to six places.
    Mean,
    /// Median of a measure.
    Median,
    /// Another quantile of a measure.
    Quantile,
    /// Smallest value of a measure.
    Min,
    /// Largest value of a measure.
    Max,
    /// Records of a group.
    GroupCount,
    /// Sum of a measure over a group.
    GroupSum,
    /// Mean of a measure over a group.
    GroupMean,
    /// Records of a segment.
    SegmentCount,
    /// Sum of the measure over a segment.
    SegmentSum,
    /// Mean of the measure over a segment.
    SegmentMean,
    /// Records of a period.
    TrendCount,
    /// Sum of a measure over a period.
    TrendSum,
    /// Mean sentiment of a text, from -1 to 1.
    SentimentMean,
    /// Records for which a flag's formula holds.
    FlagCount,
    /// Records in which a field is missing.
    NullCount,
    /// Records that repeat an earlier one.
    DuplicateCount,
    /// One record far from the others.
    Outlier,
}

/// A number of a fact: exact, and written as a JSON number.
///
/// A value of more than 15 significant digits, which a reader that works in binary floats would alter, is
/// written as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub Decimal);

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self(Decimal::from(count))
    }
}

impl From<Decimal> for Value {
    fn from(number: Decimal) -> Self {
        Self(number.normalize())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let normal = self.0.normalize();
        let whole = normal.scale() == 0;
        if whole && let Ok(integer) = i64::try_from(normal) {
            return serializer.serialize_i64(integer);
        }
        if normal.mantissa().unsigned_abs() < 1_000_000_000_000_000
            && let Ok(float) = normal.to_string().parse::<f64>()
        {
            return serializer.serialize_f64(float);
        }
        serializer.serialize_str(&normal.to_string())
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let number = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Number(number) => {
                let text = number.to_string();
                text.parse()
                    .ok()
                    .or_else(|| Decimal::from_scientific(&text).ok())
                    .or_else(|| number.as_f64().and_then(Decimal::from_f64))
            }
            serde_json::Value::String(text) => text.parse().ok(),
            _ => None,
        };
        number
            .map(|n: Decimal| Self(n.normalize()))
            .ok_or_else(|| D::Error::custom("a fact's value is a number"))
    }
}

/// One number of the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// `f1`, `f2`, … in the order of computation.
    pub id: String,
    /// What it is about.
    pub kind: FactKind,
    /// The field that was measured, where one was.
    pub measure: Option<String>,
    /// The group, segment, period, flag or field that it is about: names and their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subject: BTreeMap<String, String>,
    /// The number.
    pub value: Value,
    /// Its unit: `rows`, or the unit that the contract gives its measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How many records it was computed over.
    pub of: u64,
    /// Its place among its kind, from 1; ties share a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank: Option<u64>,
    /// Whether it is an estimate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
    /// The relative error of an estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_has_the_published_shape() {
        let fact = Fact {
            id: "f12".into(),
            kind: FactKind::GroupCount,
            measure: None,
            subject: BTreeMap::from([("model".into(), "iPhone 15".into())]),
            value: Value::from(10),
            unit: Some("rows".into()),
            of: 717,
            rank: Some(1),
            approximate: false,
            error: None,
        };
        let json = serde_json::to_string(&fact).unwrap();
        assert_eq!(
            json,
            r#"{"id":"f12","kind":"group_count","measure":null,"subject":{"model":"iPhone 15"},"value":10,"unit":"rows","of":717,"rank":1}"#
        );
        assert_eq!(serde_json::from_str::<Fact>(&json).unwrap(), fact);
    }

    #[test]
    fn a_value_survives_json_exactly() {
        for text in
            ["0", "10", "-3", "842.77", "0.1", "604263.000001", "12345678901234567890.12345678", "1e-7"]
        {
            let number = text.parse().or_else(|_| Decimal::from_scientific(text)).unwrap();
            let json = serde_json::to_string(&Value(number)).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap().0, number.normalize(), "{json}");
        }
        assert_eq!(
            serde_json::to_string(&Value::from("842.770".parse::<Decimal>().unwrap())).unwrap(),
            "842.77"
        );
    }
}
