//! What to do: what to put first in each segment, and what to correct.

use shared::contract::Segment;
use shared::facts::{Fact, FactKind};
use shared::record::{Level, Recommendation};

use super::super::Material;
use super::super::index::{Index, named};
use super::super::text::clean;
use super::super::wording::{bare, count, ids, list, plural, rows, words};
use super::segments::bounds;
use super::{FEW_ROWS, anomalies};

/// How many groups are put first in a segment.
const PUT_FIRST: usize = 2;
/// How many columns to correct a sentence names.
const MAX_COLUMNS: usize = 3;

/// For each band of each segment, the most frequent groups of the first dimension among its rows: so none can lie
/// outside its bounds.
pub(super) fn by_segment(material: &Material<'_>, facts: Index<'_>) -> Vec<Recommendation> {
    let analysis = &material.contract.analysis;
    let Some(dimension) = material.findings.dimensions.first().map(|d| d.name.as_str()) else {
        return Vec::new();
    };
    let is_first = analysis
        .dimensions
        .first()
        .and_then(|f| material.contract.fields.get(*f))
        .is_some_and(|f| f.name == dimension);
    if !is_first {
        return Vec::new();
    }
    let bands =
        analysis.segments.iter().flat_map(|segment| segment.bands.iter().map(move |band| (segment, band)));
    bands.filter_map(|(segment, band)| for_band(material, facts, (segment, &band.label), dimension)).collect()
}

fn for_band(
    material: &Material<'_>,
    facts: Index<'_>,
    (segment, label): (&Segment, &str),
    dimension: &str,
) -> Option<Recommendation> {
    let inside: Vec<&Fact> = facts
        .about(FactKind::GroupCount, &[&segment.name, dimension])
        .into_iter()
        .filter(|fact| named(fact, &segment.name) == label)
        .collect();
    let first = inside.first().filter(|fact| fact.value.0 > rust_decimal::Decimal::ONE)?;
    // A second place with one row is no reason to put anything first.
    let chosen: Vec<&Fact> =
        inside.iter().take(PUT_FIRST).copied().filter(|f| f.value.0 > rust_decimal::Decimal::ONE).collect();
    let names: Vec<String> = chosen.iter().map(|fact| clean(named(fact, dimension))).collect();
    let numbers: Vec<String> = chosen.iter().map(|fact| bare(fact)).collect();
    let cut_in_a_tie =
        inside.get(chosen.len()).is_some_and(|next| chosen.last().is_some_and(|l| l.value == next.value));
    let among = if cut_in_a_tie { "among the" } else { "the" };
    let (they, what) = match chosen.len() {
        1 if inside.len() == 1 => ("it is", format!("only {}", words(dimension))),
        1 if cut_in_a_tie => ("it is", format!("most frequent {}", plural(dimension))),
        1 => ("it is", format!("most frequent {}", words(dimension))),
        _ => ("they are", format!("most frequent {}", plural(dimension))),
    };
    let unit = material.contract.analysis.measures.get(segment.measure).and_then(|m| m.unit.as_deref());
    let within = bounds(segment, label, unit).map(|bounds| format!(" ({bounds})")).unwrap_or_default();
    let mut action = format!(
        "For {}{within}, put {} first: {they} {among} {what} there, with {} of {}.",
        clean(label),
        list(&names),
        list(&numbers),
        rows(first.of)
    );
    let few = first.value.0 < FEW_ROWS.into();
    if few {
        action.push_str(" The numbers are small: take it as a hint.");
    }
    let priority = if few { Level::Low } else { Level::Medium };
    Some(Recommendation {
        category: words(&segment.name).replace(' ', "_"),
        action,
        priority,
        facts: ids(chosen),
    })
}

/// What to do about rejected rows.
pub(super) fn data_quality(material: &Material<'_>) -> Vec<Recommendation> {
    let manifest = material.manifest;
    if manifest.rows.rejected == 0 {
        return Vec::new();
    }
    let mut columns: Vec<(String, u64)> = Vec::new();
    for violation in &manifest.violations {
        let Some(column) = &violation.column else { continue };
        match columns.iter_mut().find(|(name, _)| name == column) {
            Some((_, times)) => *times += violation.count,
            None => columns.push((column.clone(), violation.count)),
        }
    }
    columns.sort_by(|(a, left), (b, right)| right.cmp(left).then_with(|| a.cmp(b)));
    let named: Vec<String> =
        columns.iter().take(MAX_COLUMNS).map(|(name, times)| problems(name, *times)).collect();
    let them = if manifest.rows.rejected == 1 { "the rejected row" } else { "the rejected rows" };
    let mut action = format!("Correct {them} in the rejected file and drop that file again.");
    if !named.is_empty() {
        action.push_str(&format!(" Most is to do in {}.", list(&named)));
    }
    vec![Recommendation {
        category: "data_quality".to_owned(),
        action,
        priority: anomalies::by_share(manifest.rows.rejected, manifest.rows.total),
        facts: Vec::new(),
    }]
}

fn problems(column: &str, times: u64) -> String {
    let times = if times == 1 { "1 problem".to_owned() } else { format!("{} problems", count(times)) };
    format!("{} ({times})", clean(column))
}
