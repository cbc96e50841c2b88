//! What is not as it should be: flags, rejected rows, missing values, repeated rows.

use rust_decimal::Decimal;
use shared::facts::{Fact, FactKind};
use shared::manifest::{Manifest, ViolationCount};
use shared::record::{Anomaly, Level};

use super::super::Material;
use super::super::index::{Index, named};
use super::super::text::clean;
use super::super::wording::{bare, count, ids, list, rows, share, words};

/// How many columns a sentence about missing values names at most, each in its own anomaly.
const MAX_NULL_FIELDS: usize = 5;
/// How many kinds of violation a sentence names.
const MAX_VIOLATIONS: usize = 3;

/// All anomalies, the worst first.
pub(super) fn all(material: &Material<'_>, facts: Index<'_>) -> Vec<Anomaly> {
    let mut anomalies = flags(material, facts);
    anomalies.extend(rejected(material.manifest));
    if material.findings.rows > 0 {
        anomalies.extend(missing(facts));
        anomalies.extend(repeated(facts));
    }
    anomalies.sort_by_key(|anomaly| std::cmp::Reverse(anomaly.severity));
    anomalies
}

fn flags(material: &Material<'_>, facts: Index<'_>) -> Vec<Anomaly> {
    let flags = &material.contract.analysis.flags;
    let marked = facts.of(FactKind::FlagCount).filter(|fact| !fact.value.0.is_zero());
    let anomaly = |fact: &Fact| {
        let name = named(fact, "flag");
        Anomaly {
            kind: "flag".to_owned(),
            description: format!("{} {} flagged: {}.", share(fact), is_or_are(fact), clean(name)),
            severity: flags.iter().find(|flag| flag.name == name).map_or(Level::Medium, |flag| flag.severity),
            facts: ids([fact]),
        }
    };
    marked.map(anomaly).collect()
}

fn is_or_are(fact: &Fact) -> &'static str {
    if fact.value.0 == Decimal::ONE { "is" } else { "are" }
}

fn rejected(manifest: &Manifest) -> Option<Anomaly> {
    let all = manifest.rows;
    if all.rejected == 0 {
        return None;
    }
    let was = if all.rejected == 1 { "was" } else { "were" };
    let mut description = format!("{} of {} {was} rejected.", count(all.rejected), rows(all.total));
    let reasons: Vec<String> = manifest.violations.iter().take(MAX_VIOLATIONS).map(reason).collect();
    if !reasons.is_empty() {
        description.push_str(&format!(" The most frequent reasons: {}.", list(&reasons)));
    }
    Some(Anomaly {
        kind: "data_quality".to_owned(),
        description,
        severity: by_share(all.rejected, all.total),
        facts: Vec::new(),
    })
}

/// `type-error in price (120 times)`.
fn reason(violation: &ViolationCount) -> String {
    let times = match violation.count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{} times", count(many)),
    };
    match &violation.column {
        Some(column) => format!("{} in {} ({times})", violation.code, clean(column)),
        None => format!("{} ({times})", violation.code),
    }
}

/// The most frequent reason for rejection in one sentence.
pub(super) fn main_reason(manifest: &Manifest) -> Option<String> {
    let first = manifest.violations.first()?;
    Some(format!("The most frequent reason is {}.", reason(first)))
}

/// More than a fifth is bad, more than a twentieth is worth a look.
pub(super) fn by_share(part: u64, whole: u64) -> Level {
    if part.saturating_mul(5) > whole {
        Level::High
    } else if part.saturating_mul(20) > whole {
        Level::Medium
    } else {
        Level::Low
    }
}

fn missing(facts: Index<'_>) -> Vec<Anomaly> {
    let mut nulls: Vec<&Fact> = facts.of(FactKind::NullCount).collect();
    nulls.sort_by_key(|fact| std::cmp::Reverse(fact.value));
    let anomaly = |fact: &&Fact| Anomaly {
        kind: "missing_values".to_owned(),
        description: format!("{} is missing in {}.", words(named(fact, "field")), share(fact)),
        severity: Level::Medium.min(by_share(u64::try_from(fact.value.0).unwrap_or(0), fact.of)),
        facts: ids([*fact]),
    };
    nulls.iter().take(MAX_NULL_FIELDS).map(anomaly).collect()
}

fn repeated(facts: Index<'_>) -> Option<Anomaly> {
    let fact = facts.of(FactKind::DuplicateCount).find(|fact| !fact.value.0.is_zero())?;
    let repeat = if fact.value.0 == Decimal::ONE { "repeats" } else { "repeat" };
    Some(Anomaly {
        kind: "duplicates".to_owned(),
        description: format!("{} of {} {repeat} an earlier row in every column.", bare(fact), rows(fact.of)),
        severity: Level::Medium.min(by_share(u64::try_from(fact.value.0).unwrap_or(0), fact.of)),
        facts: ids([fact]),
    })
}

/// The worst flag in one sentence.
pub(super) fn headline(material: &Material<'_>, facts: Index<'_>) -> Option<String> {
    let mut flags = flags(material, facts);
    flags.sort_by_key(|anomaly| std::cmp::Reverse(anomaly.severity));
    flags.into_iter().next().filter(|flag| flag.severity > Level::Low).map(|flag| flag.description)
}
