//! The model's answer, read as hostile input: nothing unknown, nothing too long, no markup.

use serde::Deserialize;
use shared::record::{Anomaly, Insight, Level, Recommendation};

use super::super::text::is_hidden;

/// The most characters of one item.
pub(super) const MAX_TEXT_CHARS: usize = 400;
/// The most characters of the summary.
const MAX_SUMMARY_CHARS: usize = 1_200;
/// The most items of a list.
const MAX_ITEMS: usize = 12;
/// The most facts that one item cites.
const MAX_CITED: usize = 20;
/// What an insight may be about.
pub(super) const INSIGHT_TYPES: [&str; 5] = ["top_group", "segment_performance", "measure", "trend", "other"];
/// What an anomaly may be about.
pub(super) const ANOMALY_TYPES: [&str; 5] = ["flag", "outlier", "trend", "concentration", "other"];
/// What a recommendation may be about.
pub(super) const CATEGORIES: [&str; 5] = ["segment", "product", "timing", "data_quality", "other"];

/// An answer in the form asked for.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) insights: Vec<Item>,
    pub(super) anomalies: Vec<Item>,
    pub(super) recommendations: Vec<Item>,
    pub(super) summary: Claim,
}

/// A text and the facts that it says it rests on.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) text: String,
    pub(super) facts: Vec<String>,
}

/// An item of any of the three lists.
#[derive(Debug)]
pub(super) struct Item {
    kind: String,
    level: Level,
    pub(super) claim: Claim,
}

/// Why an answer is not of the form asked for.
#[derive(Debug, thiserror::Error)]
pub(super) enum AnswerError {
    #[error("the answer does not have the tool's shape")]
    Shape(#[from] serde_json::Error),
    #[error("the answer has too many items")]
    TooManyItems,
    #[error("an item is about something that is not on the list")]
    UnknownType,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAnswer {
    insights: Vec<WireInsight>,
    anomalies: Vec<WireAnomaly>,
    recommendations: Vec<WireRecommendation>,
    summary: String,
    summary_facts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireInsight {
    #[serde(rename = "type")]
    kind: String,
    description: String,
    confidence: Level,
    facts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAnomaly {
    #[serde(rename = "type")]
    kind: String,
    description: String,
    severity: Level,
    facts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRecommendation {
    category: String,
    action: String,
    priority: Level,
    facts: Vec<String>,
}

impl Answer {
    /// Reads an answer. Texts are checked one by one later; here the whole must have its shape.
    pub(super) fn parse(input: serde_json::Value) -> Result<Self, AnswerError> {
        let wire: WireAnswer = serde_json::from_value(input)?;
        let item = |kind: String, allowed: &[&str], level, text, facts| {
            let known = allowed.contains(&kind.as_str());
            if known {
                Ok(Item { kind, level, claim: Claim { text, facts } })
            } else {
                Err(AnswerError::UnknownType)
            }
        };
        let insights = wire
            .insights
            .into_iter()
            .map(|i| item(i.kind, &INSIGHT_TYPES, i.confidence, i.description, i.facts));
        let anomalies = wire
            .anomalies
            .into_iter()
            .map(|a| item(a.kind, &ANOMALY_TYPES, a.severity, a.description, a.facts));
        let recommendations = wire
            .recommendations
            .into_iter()
            .map(|r| item(r.category, &CATEGORIES, r.priority, r.action, r.facts));
        let answer = Self {
            insights: insights.collect::<Result<_, _>>()?,
            anomalies: anomalies.collect::<Result<_, _>>()?,
            recommendations: recommendations.collect::<Result<_, _>>()?,
            summary: Claim { text: wire.summary, facts: wire.summary_facts },
        };
        let lists = [&answer.insights, &answer.anomalies, &answer.recommendations];
        if lists.iter().any(|list| list.len() > MAX_ITEMS) {
            Err(AnswerError::TooManyItems)
        } else {
            Ok(answer)
        }
    }
}

impl From<Item> for Insight {
    fn from(item: Item) -> Self {
        Self {
            kind: item.kind,
            description: item.claim.text,
            confidence: item.level,
            facts: item.claim.facts,
        }
    }
}

impl From<Item> for Anomaly {
    fn from(item: Item) -> Self {
        Self { kind: item.kind, description: item.claim.text, severity: item.level, facts: item.claim.facts }
    }
}

impl From<Item> for Recommendation {
    fn from(item: Item) -> Self {
        Self { category: item.kind, action: item.claim.text, priority: item.level, facts: item.claim.facts }
    }
}

/// Whether a text and its citations are of a form that may stand in a report.
pub(super) fn is_presentable(text: &str, cited: usize) -> bool {
    let length = text.chars().count();
    // A summary is checked like an item but may be longer.
    (1..=MAX_SUMMARY_CHARS).contains(&length)
        && (1..=MAX_CITED).contains(&cited)
        && !text.chars().any(|c| {
            is_hidden(c)
                || matches!(
                    c,
                    '<' | '>' | '@' | '`' | '[' | ']' | '{' | '}' | '|' | '\\' | '_' | '*' | '#' | '~'
                )
        })
        && !holds_address(text)
}

/// Whether a mail program might make a link of some part.
fn holds_address(text: &str) -> bool {
    let lower = text.to_lowercase();
    if ["://", "http", "www.", "mailto:", "javascript:", "data:", "tel:"]
        .iter()
        .any(|mark| lower.contains(mark))
    {
        return true;
    }
    // "example.com", but not "842.77" and not the end of a sentence.
    let letters: Vec<char> = lower.chars().collect();
    letters.windows(3).any(|three| {
        matches!(three, [before, '.' | '/' | ':', after] if before.is_alphanumeric() && after.is_alphabetic())
    })
}
