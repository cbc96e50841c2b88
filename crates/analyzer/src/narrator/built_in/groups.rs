//! Which groups are the most frequent, and which bring the most.

use shared::facts::{Fact, FactKind};
use shared::record::{Insight, Level};

use super::super::Material;
use super::super::index::{Index, named, places};
use super::super::text::clean;
use super::super::wording::{bare, figure, list, share, words};
use super::{FEW_ROWS, insight, sureness, sureness_of_lead};
use crate::facts::DimensionFound;

/// The most names that share a place in a sentence.
const MAX_NAMES: usize = 3;
/// How many places after the first a sentence tells of.
const FOLLOWING_PLACES: usize = 2;

/// For how many dimensions a sentence tells who brings the largest sum.
const MAX_SUMS: usize = 3;

/// A sentence for each dimension, and one for what its groups bring.
pub(super) fn insights(material: &Material<'_>, facts: Index<'_>) -> Vec<Insight> {
    let dimensions = &material.findings.dimensions;
    let counts = dimensions.iter().filter_map(|dimension| frequency(material, facts, dimension));
    let sums = dimensions
        .iter()
        .take(MAX_SUMS)
        .filter_map(|dimension| largest_sum(material, facts, &dimension.name));
    counts.chain(sums).collect()
}

/// The first dimension's first place.
pub(super) fn headline(material: &Material<'_>, facts: Index<'_>) -> Option<String> {
    let dimension = material.findings.dimensions.first()?;
    let ranking = Ranking::of(facts, dimension)?;
    ranking.stands_out().then(|| ranking.first_place())
}

/// The groups of a dimension by place.
struct Ranking<'a> {
    name: &'a str,
    places: Vec<Vec<&'a Fact>>,
    complete: bool,
}

impl<'a> Ranking<'a> {
    fn of(facts: Index<'a>, dimension: &'a DimensionFound) -> Option<Self> {
        let places = places(facts.about(FactKind::GroupCount, &[&dimension.name]));
        (!places.is_empty()).then_some(Self { name: &dimension.name, places, complete: dimension.complete })
    }

    /// Who is at a place; `None` when others, who are not named, may be there too.
    fn certain(&self, place: usize) -> Option<&[&'a Fact]> {
        let is_last = place + 1 == self.places.len();
        self.places.get(place).filter(|_| self.complete || !is_last).map(Vec::as_slice)
    }

    fn leader(&self) -> Option<&'a Fact> {
        self.places.first()?.first().copied()
    }

    fn stands_out(&self) -> bool {
        self.leader().is_some_and(|leader| leader.value.0 > rust_decimal::Decimal::ONE)
    }

    fn names(&self, facts: &[&Fact]) -> Vec<String> {
        facts.iter().map(|fact| clean(named(fact, self.name))).collect()
    }

    fn first_place(&self) -> String {
        let dimension = words(self.name);
        let Some(leader) = self.leader() else { return String::new() };
        if let (1, true, Some([only])) = (self.places.len(), self.complete, self.certain(0)) {
            return format!("{} is the only {dimension}: {}.", clean(named(only, self.name)), share(only));
        }
        match self.certain(0) {
            Some([only]) => {
                let name = clean(named(only, self.name));
                // "512 is the most frequent storage" would begin with a number, "red is …" with a small letter.
                if name.starts_with(char::is_uppercase) || name.chars().skip(1).any(char::is_uppercase) {
                    format!("{name} is the most frequent {dimension}: {}.", share(only))
                } else {
                    format!("The most frequent {dimension} is {name}: {}.", share(only))
                }
            }
            Some(several) if several.len() <= MAX_NAMES => {
                format!(
                    "{} share the first place for {dimension}: {} each.",
                    list(&self.names(several)),
                    share(leader)
                )
            }
            _ => {
                let some = self.places.first().and_then(|place| place.get(..MAX_NAMES.min(place.len())));
                let names = self.names(some.unwrap_or_default()).join(", ");
                format!("{names} and others share the first place for {dimension}: {} each.", share(leader))
            }
        }
    }

    /// Who comes next, as far as it is certain and short enough to read.
    fn following(&self) -> (String, Vec<&'a Fact>) {
        let mut clauses: Vec<String> = Vec::new();
        let mut cited = Vec::new();
        for place in 1..=FOLLOWING_PLACES {
            let Some(facts) = self.certain(place).filter(|facts| facts.len() <= MAX_NAMES) else { break };
            let Some(first) = facts.first() else { break };
            let (names, number) = (list(&self.names(facts)), bare(first));
            let verb = match (place, facts.len()) {
                (1, 1) => "follows with",
                (1, _) => "follow with",
                (_, 1) => "has",
                _ => "have",
            };
            let each = if facts.len() == 1 { "" } else { " each" };
            clauses.push(format!("{names} {verb} {number}{each}"));
            cited.extend_from_slice(facts);
        }
        (clauses.join("; "), cited)
    }
}

fn frequency(material: &Material<'_>, facts: Index<'_>, dimension: &DimensionFound) -> Option<Insight> {
    let ranking = Ranking::of(facts, dimension)?;
    let leader = ranking.leader()?;
    if !ranking.stands_out() {
        // One row says nothing about repetition.
        return (material.findings.rows > 1).then(|| {
            let text = format!("No {} occurs in more than one row.", words(ranking.name));
            insight("top_group", text, sureness(leader.of), material, &[leader])
        });
    }
    let (following, mut cited) = ranking.following();
    let mut text = ranking.first_place();
    if !following.is_empty() {
        text = format!("{text} {following}.");
    }
    let next =
        ranking.places.first().and_then(|place| place.get(1)).or_else(|| ranking.places.get(1)?.first());
    let confidence = sureness_of_lead(leader.of, leader, next.copied());
    if leader.of < FEW_ROWS {
        text.push_str(" So few rows give a hint, not a finding.");
    } else if confidence == Level::Low {
        text.push_str(" The numbers are small and close to each other: the order may be chance.");
    }
    let mut all: Vec<&Fact> = ranking.places.first()?.iter().take(MAX_NAMES).copied().collect();
    all.append(&mut cited);
    Some(insight("top_group", text, confidence, material, &all))
}

/// Who brings the largest sum of the first measure that is worth adding up.
fn largest_sum(material: &Material<'_>, facts: Index<'_>, dimension: &str) -> Option<Insight> {
    let measure = super::measures::additive(material)?;
    let sums = facts.about(FactKind::GroupSum, &[dimension]);
    let of_measure: Vec<&Fact> =
        sums.into_iter().filter(|fact| fact.measure.as_deref() == Some(&measure.name)).collect();
    let first: Vec<&Fact> = of_measure.iter().copied().filter(|fact| fact.rank == Some(1)).collect();
    let [first] = first.as_slice() else { return None };
    let total = facts.measure(FactKind::Sum, &measure.name)?;
    let second = of_measure.iter().find(|fact| fact.rank == Some(2))?;
    let (what, name) = (words(&measure.name), clean(named(first, dimension)));
    let text = format!(
        "{name} has the largest sum of {what} of any {}: {} of {}. {} comes second with {}.",
        words(dimension),
        figure(first),
        figure(total),
        clean(named(second, dimension)),
        figure(second)
    );
    Some(insight("top_group_sum", text, sureness(first.of), material, &[first, total, second]))
}
