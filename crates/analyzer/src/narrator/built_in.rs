//! The narrator that needs no model: every sentence follows from facts, and says which.
//!
//! # How sure a sentence is
//!
//! The numbers are exact; what `confidence` rates is whether they would look alike in the next file:
//!
//! - **low**: fewer than 30 rows, or a first place with fewer than 30 rows and no clear lead;
//! - **high**: at least 300 rows and, where places are compared, a clear lead;
//! - **medium**: the rest.
//!
//! A lead is clear when the difference of the two counts is more than twice the square root of their sum: about two
//! standard errors, if rows came by chance.

mod anomalies;
mod groups;
mod measures;
mod recommendations;
mod segments;
mod trend;

use shared::facts::{Fact, FactKind};
use shared::manifest::Manifest;
use shared::record::{Insight, Level, Narrative};

use super::Material;
use super::index::Index;
use super::text::clean;
use super::wording::{count, ids, rows};

/// Fewer rows than this are few.
const FEW_ROWS: u64 = 30;
/// At least this many rows are many.
const MANY_ROWS: u64 = 300;

/// Writes the report from the facts.
#[must_use]
pub fn narrate(material: &Material<'_>) -> Narrative {
    let facts = Index(&material.findings.facts);
    let mut insights = Vec::new();
    if material.findings.rows > 0 {
        insights.extend(groups::insights(material, facts));
        insights.extend(segments::insights(material, facts));
        insights.extend(measures::insights(material, facts));
        insights.extend(trend::insights(material, facts));
    }
    insights.extend(coverage(material));
    let mut recommendations = recommendations::by_segment(material, facts);
    recommendations.extend(recommendations::data_quality(material));
    Narrative {
        insights,
        anomalies: anomalies::all(material, facts),
        recommendations,
        summary: summary(material, facts),
    }
}

/// What about the quality of the data is said in every report, whoever writes the rest.
#[must_use]
pub fn data_quality(material: &Material<'_>) -> Narrative {
    Narrative {
        insights: coverage(material),
        anomalies: anomalies::all(material, Index(&material.findings.facts)),
        recommendations: recommendations::data_quality(material),
        summary: String::new(),
    }
}

/// What was left out.
fn coverage(material: &Material<'_>) -> Vec<Insight> {
    let note = |note: &String| Insight {
        kind: "coverage".to_owned(),
        description: clean(note),
        confidence: Level::High,
        facts: Vec::new(),
    };
    material.findings.notes.iter().map(note).collect()
}

/// The first sentence of every summary: what became of the file's rows.
#[must_use]
pub fn headline(material: &Material<'_>) -> String {
    let Manifest { rows: all, contract, .. } = material.manifest;
    let title = clean(&material.contract.title);
    if all.total == 0 {
        return format!("{title}: the file has a header and no rows, so there is nothing to analyse.");
    }
    if all.valid == 0 {
        let them = match all.total {
            1 => "the only row was".to_owned(),
            2 => "both rows were".to_owned(),
            many => format!("all {} were", rows(many)),
        };
        return format!("{title}: {them} rejected, so there is nothing to analyse.");
    }
    let was = if all.valid == 1 { "was" } else { "were" };
    if contract.inferred {
        let rest = rejected_clause(all.rejected);
        return format!(
            "{title}: no contract fits this file, so {} {was} analysed without its rules{rest}.",
            rows(all.valid)
        );
    }
    match (all.rejected, all.valid) {
        (0, 1) => format!("{title}: the only row follows the contract and was analysed."),
        (0, 2) => format!("{title}: both rows follow the contract and were analysed."),
        (0, _) => format!("{title}: all {} follow the contract and were analysed.", rows(all.valid)),
        (rejected, valid) => {
            let follow = if valid == 1 { "follows" } else { "follow" };
            let rest = rejected_clause(rejected);
            format!(
                "{title}: {} of {} {follow} the contract and {was} analysed{rest}.",
                count(valid),
                rows(all.total)
            )
        }
    }
}

fn rejected_clause(rejected: u64) -> String {
    match rejected {
        0 => String::new(),
        1 => "; 1 was rejected".to_owned(),
        many => format!("; {} were rejected", count(many)),
    }
}

fn summary(material: &Material<'_>, facts: Index<'_>) -> String {
    let mut sentences = vec![headline(material)];
    if material.findings.rows == 0 {
        sentences.extend(anomalies::main_reason(material.manifest));
        return sentences.join(" ");
    }
    sentences.extend(measures::headline(material, facts));
    sentences.extend(groups::headline(material, facts));
    sentences.extend(segments::headline(material, facts));
    sentences.extend(anomalies::headline(material, facts));
    sentences.join(" ")
}

/// How sure a figure over so many rows is.
fn sureness(rows: u64) -> Level {
    match rows {
        0..FEW_ROWS => Level::Low,
        FEW_ROWS..MANY_ROWS => Level::Medium,
        _ => Level::High,
    }
}

/// How sure it is that the first place is ahead of the next.
fn sureness_of_lead(rows: u64, first: &Fact, next: Option<&Fact>) -> Level {
    let clear = next.is_none_or(|next| is_clear(first, next));
    match (sureness(rows), clear) {
        (Level::Low, _) => Level::Low,
        (level, true) => level,
        (_, false) if first.value.0 < FEW_ROWS.into() => Level::Low,
        (_, false) => Level::Medium,
    }
}

fn is_clear(first: &Fact, next: &Fact) -> bool {
    let (lead, sum) = (first.value.0 - next.value.0, first.value.0 + next.value.0);
    // lead > 2 sqrt(sum), without a root.
    lead.checked_mul(lead).is_some_and(|square| square > sum * rust_decimal::Decimal::from(4))
}

/// An insight that rests on these facts, and on the number of rows.
fn insight(
    kind: &str,
    description: String,
    confidence: Level,
    material: &Material<'_>,
    cited: &[&Fact],
) -> Insight {
    let all = Index(&material.findings.facts).of(FactKind::RowCount).take(1);
    let of_all = cited.iter().any(|fact| fact.of == material.findings.rows);
    let cited = cited.iter().copied().chain(all.filter(|_| of_all));
    Insight { kind: kind.to_owned(), description, confidence, facts: ids(cited) }
}

#[cfg(test)]
mod tests;
