//! What became more and what became less over time.

use shared::contract::Period;
use shared::facts::{Fact, FactKind};
use shared::record::{Insight, Level};

use super::super::Material;
use super::super::index::{Index, named};
use super::super::wording::{bare, list, share};
use super::{insight, sureness};
use crate::facts::TimeFound;

/// The fewest periods that have a strongest and a weakest one.
const MIN_PERIODS: usize = 3;
/// The most names that share a place in a sentence.
const MAX_NAMES: usize = 3;

/// Sentences about the trend: the strongest and the weakest period, and the latest change.
///
/// A first or last period that the records do not fill is never called the weakest and never compared.
pub(super) fn insights(material: &Material<'_>, facts: Index<'_>) -> Vec<Insight> {
    let (Some(time), Some((_, length))) = (&material.findings.time, material.contract.analysis.time) else {
        return Vec::new();
    };
    let counts = facts.about(FactKind::TrendCount, &[&time.name]);
    let trend = Trend { time, noun: noun(length), counts, material };
    trend.extremes().into_iter().chain(trend.change()).collect()
}

fn noun(length: Period) -> &'static str {
    match length {
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
        Period::Quarter => "quarter",
        Period::Year => "year",
    }
}

struct Trend<'a> {
    time: &'a TimeFound,
    noun: &'static str,
    counts: Vec<&'a Fact>,
    material: &'a Material<'a>,
}

impl<'a> Trend<'a> {
    fn label(&self, fact: &'a Fact) -> &'a str {
        named(fact, &self.time.name)
    }

    fn is_whole(&self, fact: &Fact) -> bool {
        let label = named(fact, &self.time.name);
        (self.time.first_whole || label != self.time.ends.0)
            && (self.time.last_whole || label != self.time.ends.1)
    }

    fn extremes(&self) -> Option<Insight> {
        if self.counts.len() < MIN_PERIODS {
            return None;
        }
        let strongest: Vec<&Fact> = self.counts.iter().copied().filter(|f| f.rank == Some(1)).collect();
        let top = *strongest.first()?;
        let whole: Vec<&Fact> = self.counts.iter().copied().filter(|f| self.is_whole(f)).collect();
        let lowest = whole.iter().map(|f| f.value).min();
        let weakest: Vec<&Fact> = whole.iter().copied().filter(|f| Some(f.value) == lowest).collect();
        // A shared place in a long trend may be shared with periods that are not in the record.
        let names = |facts: &[&Fact]| {
            (facts.len() <= MAX_NAMES).then(|| {
                list(&facts.iter().map(|f| named(f, &self.time.name).to_owned()).collect::<Vec<_>>())
            })
        };
        let mut cited = strongest.clone();
        let mut text = match (names(&strongest)?, strongest.len()) {
            (one, 1) => format!("{one} is the {} with the most rows: {}.", self.noun, share(top)),
            (several, _) => {
                format!("{several} are the {}s with the most rows: {} each.", self.noun, share(top))
            }
        };
        if let (Some(low), Some(names)) = (weakest.first().filter(|f| f.value < top.value), names(&weakest)) {
            let among = if self.time.gaps {
                format!("whole {}s that have any", self.noun)
            } else {
                format!("whole {}s", self.noun)
            };
            let (has, each) = if weakest.len() == 1 { ("has", "") } else { ("have", " each") };
            text.push_str(&format!(" Of the {among}, {names} {has} the fewest: {}{each}.", bare(low)));
            cited.extend(weakest);
        }
        let confidence =
            if self.is_whole(top) { sureness(top.of) } else { Level::Medium.min(sureness(top.of)) };
        Some(insight("trend", text, confidence, self.material, &cited))
    }

    /// The latest two whole periods, if they follow one another.
    fn change(&self) -> Option<Insight> {
        let whole: Vec<&Fact> = self.counts.iter().copied().filter(|f| self.is_whole(f)).collect();
        let [.., before, latest] = whole.as_slice() else { return None };
        let (from, to) = (self.label(before), self.label(latest));
        let moved = match latest.value.cmp(&before.value) {
            std::cmp::Ordering::Greater => "rose",
            std::cmp::Ordering::Less => "fell",
            std::cmp::Ordering::Equal => {
                let text = format!("{to} has as many rows as {from}: {}.", bare(latest));
                return Some(insight("trend", text, Level::Low, self.material, &[before, latest]));
            }
        };
        let mut text = format!(
            "From {from} to {to}, the latest whole {}s, the number of rows {moved} from {} to {}.",
            self.noun,
            bare(before),
            bare(latest)
        );
        let mut cited = vec![*before, *latest];
        if let Some(last) = self.counts.last().filter(|_| !self.time.last_whole) {
            let name = self.label(last);
            text.push_str(&format!(" {name} is left out: its rows do not reach its last day."));
            cited.push(last);
        }
        let (larger, smaller) = if latest.value > before.value { (latest, before) } else { (before, latest) };
        let confidence = if super::is_clear(larger, smaller) { sureness(latest.of) } else { Level::Low };
        if confidence == Level::Low {
            text.push_str(" The difference may be chance.");
        }
        Some(insight("trend", text, confidence, self.material, &cited))
    }
}
