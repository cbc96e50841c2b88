//! The numbers of a report, taken from the record's facts.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use shared::facts::{Fact, FactKind};

use super::plain::{number, plain};

const MAX_MEASURES: usize = 8;
const MAX_BARS: usize = 5;
const MAX_PERIODS: usize = 12;
const MAX_CHECKS: usize = 12;
const MAX_NAME: usize = 60;

/// A measure's row of the table of key figures; a figure that was not computed is a dash.
#[derive(Debug, Default)]
pub(super) struct Measure {
    pub(super) name: String,
    /// Absent where a sum means nothing.
    pub(super) total: Option<String>,
    pub(super) mean: String,
    pub(super) median: String,
    pub(super) range: String,
}

/// Counts as bars.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) bars: Vec<Bar>,
}

/// One bar.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: String,
    /// From 1 to 100, of the longest bar.
    pub(super) percent: u32,
}

/// What changed over time.
#[derive(Debug)]
pub(super) struct Trend {
    pub(super) title: String,
    /// The name of the sum, where the table has one.
    pub(super) sum_of: Option<String>,
    pub(super) periods: Vec<Period>,
}

/// A period of a trend.
#[derive(Debug)]
pub(super) struct Period {
    pub(super) name: String,
    pub(super) rows: String,
    pub(super) sum: String,
}

/// A name and its number.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
}

/// Everything that is shown as numbers.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) measures: Vec<Measure>,
    pub(super) charts: Vec<Chart>,
    pub(super) trend: Option<Trend>,
    pub(super) moods: Vec<Pair>,
    pub(super) checks: Vec<Pair>,
}

impl Figures {
    pub(super) fn of(facts: &[Fact], max_charts: usize) -> Self {
        let mut charts = charts(facts, FactKind::SegmentCount);
        let mut groups = charts_by_rank(facts);
        groups.append(&mut charts);
        groups.truncate(max_charts);
        Self {
            measures: measures(facts),
            charts: groups,
            trend: trend(facts),
            moods: moods(facts),
            checks: checks(facts),
        }
    }
}

/// The name of the one group that has more rows than any other of its dimension, if the facts name one.
pub(super) fn leader(facts: &[Fact]) -> Option<String> {
    let mut first = facts.iter().filter(|f| f.kind == FactKind::GroupCount && f.rank == Some(1));
    let leader = first.next()?;
    let dimension: Vec<_> = leader.subject.keys().collect();
    let tied = first.any(|other| other.subject.keys().eq(dimension.iter().copied()));
    let has_rival = facts.iter().any(|f| {
        f.kind == FactKind::GroupCount && f.rank != Some(1) && f.subject.keys().eq(dimension.iter().copied())
    });
    (!tied && has_rival && dimension.len() == 1).then(|| leader.subject.values().next().cloned())?
}

fn of_kind(facts: &[Fact], kind: FactKind) -> impl Iterator<Item = &Fact> {
    facts.iter().filter(move |fact| fact.kind == kind)
}

fn shown(fact: &Fact) -> String {
    let about = if fact.approximate { "about " } else { "" };
    format!("{about}{}", number(fact.value.0))
}

fn measures(facts: &[Fact]) -> Vec<Measure> {
    let mut names: Vec<&str> = Vec::new();
    for fact in of_kind(facts, FactKind::Sum).chain(of_kind(facts, FactKind::Mean)) {
        if let Some(name) = fact.measure.as_deref()
            && fact.subject.is_empty()
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names.into_iter().take(MAX_MEASURES).map(|name| measure(facts, name)).collect()
}

fn measure(facts: &[Fact], name: &str) -> Measure {
    let find =
        |kind| of_kind(facts, kind).find(|f| f.measure.as_deref() == Some(name) && f.subject.is_empty());
    let value = |kind| find(kind).map_or_else(|| "–".to_owned(), shown);
    let unit = find(FactKind::Sum).or_else(|| find(FactKind::Mean)).and_then(|f| f.unit.as_deref());
    let total = shared::contract::adds_up(unit).then(|| value(FactKind::Sum));
    let unit = unit.map_or_else(String::new, |unit| format!(" ({unit})"));
    Measure {
        name: plain(&format!("{name}{unit}"), MAX_NAME),
        total,
        mean: value(FactKind::Mean),
        median: value(FactKind::Median),
        range: format!("{} to {}", value(FactKind::Min), value(FactKind::Max)),
    }
}

/// What a subject names, and its value: `region` and `Africa`, `date` and `2024-05`.
fn named(fact: &Fact) -> (String, String) {
    (joined(fact.subject.keys()), joined(fact.subject.values()))
}

fn joined<'a>(parts: impl Iterator<Item = &'a String>) -> String {
    parts.map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn charts_by_rank(facts: &[Fact]) -> Vec<Chart> {
    let mut ranked: Vec<&Fact> = of_kind(facts, FactKind::GroupCount).collect();
    ranked.sort_by_key(|fact| fact.rank.unwrap_or(u64::MAX));
    let mut charts = grouped(ranked.into_iter());
    // In the order in which the contract names the dimensions, which is that of the facts.
    let place = |title: &str| of_kind(facts, FactKind::GroupCount).position(|fact| named(fact).0 == title);
    charts.sort_by_key(|(dimension, _)| place(dimension));
    charts.into_iter().map(|(dimension, facts)| chart(&dimension, &facts)).collect()
}

fn charts(facts: &[Fact], kind: FactKind) -> Vec<Chart> {
    grouped(of_kind(facts, kind)).into_iter().map(|(name, facts)| chart(&name, &facts)).collect()
}

fn grouped<'a>(facts: impl Iterator<Item = &'a Fact>) -> Vec<(String, Vec<&'a Fact>)> {
    let mut groups: Vec<(String, Vec<&Fact>)> = Vec::new();
    for fact in facts {
        let name = named(fact).0;
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, members)) => members.push(fact),
            None => groups.push((name, vec![fact])),
        }
    }
    groups
}

fn chart(name: &str, facts: &[&Fact]) -> Chart {
    let longest = facts.iter().map(|fact| fact.value.0).max().unwrap_or_default();
    let bars = facts.iter().take(MAX_BARS).map(|fact| Bar {
        label: plain(&named(fact).1, MAX_NAME),
        value: shown(fact),
        percent: percent(fact.value.0, longest),
    });
    Chart { title: format!("Rows by {}", plain(name, MAX_NAME)), bars: bars.collect() }
}

fn percent(value: Decimal, longest: Decimal) -> u32 {
    let share = (value * Decimal::ONE_HUNDRED).checked_div(longest).unwrap_or_default();
    share.round().to_u32().unwrap_or_default().clamp(1, 100)
}

fn trend(facts: &[Fact]) -> Option<Trend> {
    let period = |fact: &Fact| named(fact).1;
    let field = of_kind(facts, FactKind::TrendCount).next().map(|fact| named(fact).0)?;
    let measure = of_kind(facts, FactKind::TrendSum)
        .filter(|fact| shared::contract::adds_up(fact.unit.as_deref()))
        .find_map(|fact| fact.measure.as_deref());
    let sums: BTreeMap<String, String> = of_kind(facts, FactKind::TrendSum)
        .filter(|fact| fact.measure.as_deref() == measure)
        .map(|fact| (period(fact), shown(fact)))
        .collect();
    let counts: BTreeMap<String, String> =
        of_kind(facts, FactKind::TrendCount).map(|fact| (period(fact), shown(fact))).collect();
    let left_out = counts.len().saturating_sub(MAX_PERIODS);
    let latest = if left_out > 0 { format!(", the latest {MAX_PERIODS} periods") } else { String::new() };
    let periods = counts.into_iter().skip(left_out).map(|(name, rows)| Period {
        sum: sums.get(&name).cloned().unwrap_or_else(|| "–".to_owned()),
        name: plain(&name, MAX_NAME),
        rows,
    });
    Some(Trend {
        title: format!("Rows over time, by {}{latest}", plain(&field, MAX_NAME)),
        sum_of: measure.map(|name| plain(name, MAX_NAME)),
        periods: periods.collect(),
    })
}

fn moods(facts: &[Fact]) -> Vec<Pair> {
    let pair = |fact: &Fact| {
        let of = fact.measure.as_deref().unwrap_or("text");
        let group = named(fact).1;
        let name = if group.is_empty() { of.to_owned() } else { format!("{of}, {group}") };
        Pair { name: plain(&name, MAX_NAME), value: number(fact.value.0.round_dp(2)) }
    };
    of_kind(facts, FactKind::SentimentMean).take(MAX_BARS + 1).map(pair).collect()
}

fn checks(facts: &[Fact]) -> Vec<Pair> {
    let checked = [FactKind::FlagCount, FactKind::NullCount, FactKind::DuplicateCount];
    let pair = |fact: &Fact| {
        let about = named(fact).1;
        let name = match fact.kind {
            FactKind::NullCount => format!("{about} is missing"),
            FactKind::DuplicateCount => "Rows that repeat an earlier one".to_owned(),
            _ => about,
        };
        Pair { name: plain(&name, MAX_NAME), value: format!("{} of {}", shown(fact), number(fact.of.into())) }
    };
    let found = facts.iter().filter(|fact| checked.contains(&fact.kind) && !fact.value.0.is_zero());
    found.take(MAX_CHECKS).map(pair).collect()
}
