//! The bands of each segment, in the order of their frequency.

use shared::contract::{Band, BandEnd, Segment};
use shared::facts::{Fact, FactKind};
use shared::record::Insight;

use super::super::Material;
use super::super::index::{Index, named, places};
use super::super::text::clean;
use super::super::wording::{bare, bound, figure, list, sentence, share, words};
use super::measures::adds_up;
use super::{insight, sureness, sureness_of_lead};

/// A sentence for each segment.
pub(super) fn insights(material: &Material<'_>, facts: Index<'_>) -> Vec<Insight> {
    let segments = &material.contract.analysis.segments;
    let counts = segments.iter().filter_map(|segment| frequency(material, facts, segment));
    counts.chain(segments.iter().filter_map(|segment| largest_sum(material, facts, segment))).collect()
}

/// Which band brings the most of a measure that is worth adding up.
fn largest_sum(material: &Material<'_>, facts: Index<'_>, segment: &Segment) -> Option<Insight> {
    let measure = material.contract.analysis.measures.get(segment.measure).filter(|m| adds_up(m))?;
    let total = facts.measure(FactKind::Sum, &measure.name)?;
    let mut sums = facts.about(FactKind::SegmentSum, &[&segment.name]);
    sums.sort_by_key(|fact| std::cmp::Reverse(fact.value));
    let [first, rest @ ..] = sums.as_slice() else { return None };
    let next = rest.first().filter(|next| next.value < first.value)?;
    let text = format!(
        "By sum of {}, the first {} is {}: {} of {}. {} is next with {}.",
        words(&measure.name),
        words(&segment.name),
        clean(named(first, &segment.name)),
        figure(first),
        figure(total),
        sentence(&clean(named(next, &segment.name))),
        figure(next)
    );
    Some(insight("segment_performance", text, sureness(first.of), material, &[first, next, total]))
}

fn frequency(material: &Material<'_>, facts: Index<'_>, segment: &Segment) -> Option<Insight> {
    let name = segment.name.as_str();
    let counts = facts.about(FactKind::SegmentCount, &[name]);
    let (empty, filled): (Vec<&Fact>, Vec<&Fact>) = counts.iter().partition(|fact| fact.value.0.is_zero());
    let ranked = places(filled);
    let (first, rest) = ranked.split_first()?;
    let leader = first.first()?;
    let mut text = format!("By {}, {}", words(name), clause_of_first(first, name));
    for (place, separator) in rest.iter().zip([";", ", then"].into_iter().chain(std::iter::repeat(","))) {
        text.push_str(&format!("{separator} {}", clause(place, name, separator == ";")));
    }
    text.push('.');
    if !empty.is_empty() {
        text.push_str(&format!(" No row falls in {}.", labels(&empty, name).join(" or ")));
    }
    let next = first.get(1).or_else(|| rest.first()?.first());
    let confidence = sureness_of_lead(leader.of, leader, next.copied());
    Some(insight("segment_performance", text, confidence, material, &counts))
}

fn labels(facts: &[&Fact], name: &str) -> Vec<String> {
    facts.iter().map(|fact| clean(named(fact, name))).collect()
}

fn clause_of_first(place: &[&Fact], name: &str) -> String {
    match place {
        [only] => format!("{} has the most rows: {}", clean(named(only, name)), share(only)),
        several => {
            let each = several.first().map(|fact| share(fact)).unwrap_or_default();
            format!("{} have the most rows: {each} each", list(&labels(several, name)))
        }
    }
}

/// `b follows with 2` right after the first place, `c with 1` later.
fn clause(place: &[&Fact], name: &str, is_second: bool) -> String {
    let number = place.first().map(|fact| bare(fact)).unwrap_or_default();
    let (follows, each) = if place.len() == 1 { (" follows", "") } else { (" follow", " each") };
    let verb = if is_second { follows } else { "" };
    format!("{}{verb} with {number}{each}", list(&labels(place, name)))
}

/// The first segment in one sentence.
pub(super) fn headline(material: &Material<'_>, facts: Index<'_>) -> Option<String> {
    let segment = material.contract.analysis.segments.first()?;
    let ranked = places(facts.about(FactKind::SegmentCount, &[&segment.name]));
    let first = ranked.first()?;
    let leader = first.first().filter(|fact| !fact.value.0.is_zero())?;
    let (labels, name) = (list(&labels(first, &segment.name)), words(&segment.name));
    Some(if first.len() == 1 {
        format!("The most frequent {name} is {labels}: {}.", share(leader))
    } else {
        format!("The first place for {name} is shared by {labels}: {} each.", share(leader))
    })
}

/// What values a band takes, in words: `below 500 USD`, `from 500 up to 1,000 USD`.
pub(super) fn bounds(segment: &Segment, label: &str, unit: Option<&str>) -> Option<String> {
    let place = segment.bands.iter().position(|band| band.label == label)?;
    let before = place.checked_sub(1).and_then(|index| segment.bands.get(index)).map(|band: &Band| band.end);
    let unit = unit.map(|unit| format!(" {}", clean(unit))).unwrap_or_default();
    let low = match before {
        Some(BandEnd::Below(low)) => Some(format!("from {}", bound(low))),
        Some(BandEnd::UpTo(low)) => Some(format!("above {}", bound(low))),
        Some(BandEnd::Open) | None => None,
    };
    let high = match segment.bands.get(place)?.end {
        BandEnd::Below(high) => Some(format!("below {}", bound(high))),
        BandEnd::UpTo(high) => Some(format!("up to {}", bound(high))),
        BandEnd::Open => None,
    };
    match (low, high) {
        (None, None) => None,
        (Some(only), None) | (None, Some(only)) => Some(format!("{only}{unit}")),
        // "from 500 up to 1,000", "from 500 to below 1,000".
        (Some(low), Some(high)) if high.starts_with("up") => Some(format!("{low} {high}{unit}")),
        (Some(low), Some(high)) => Some(format!("{low} to {high}{unit}")),
    }
}
