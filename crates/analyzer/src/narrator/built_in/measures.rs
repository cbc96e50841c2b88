//! Sum, mean, median and range of each measure.

use shared::contract::Measure;
use shared::facts::{Fact, FactKind};
use shared::record::Insight;

use super::super::Material;
use super::super::index::Index;
use super::super::wording::{figure, rows, sentence, words};
use super::{insight, sureness};

/// A sentence for each measure.
pub(super) fn insights(material: &Material<'_>, facts: Index<'_>) -> Vec<Insight> {
    let measures = &material.contract.analysis.measures;
    measures.iter().filter_map(|measure| figures(material, facts, measure)).collect()
}

/// Whether sums of the measure mean something.
pub(super) fn adds_up(measure: &Measure) -> bool {
    shared::contract::adds_up(measure.unit.as_deref())
}

/// The first measure whose sums mean something.
pub(super) fn additive<'a>(material: &Material<'a>) -> Option<&'a Measure> {
    material.contract.analysis.measures.iter().find(|measure| adds_up(measure))
}

fn figures(material: &Material<'_>, facts: Index<'_>, measure: &Measure) -> Option<Insight> {
    let of = |kind| facts.measure(kind, &measure.name);
    let (min, max) = (of(FactKind::Min)?, of(FactKind::Max)?);
    let what = sentence(&words(&measure.name));
    if min.value == max.value {
        let text = format!("{what}: {} in every row that has a value ({}).", figure(min), rows(min.of));
        return Some(insight("measure", text, sureness(min.of), material, &[min, max]));
    }
    // A colon instead of a verb: the name of a measure may be a singular or a plural.
    let (mut cited, mut clauses) = (Vec::<&Fact>::new(), Vec::new());
    if let Some(sum) = of(FactKind::Sum).filter(|_| adds_up(measure)) {
        clauses.push(format!("{} in all over {}", figure(sum), rows(sum.of)));
        cited.push(sum);
    }
    if let Some(mean) = of(FactKind::Mean) {
        let over = if cited.is_empty() { format!(" over {}", rows(mean.of)) } else { String::new() };
        clauses.push(format!("{} on average{over}", figure(mean)));
        cited.push(mean);
    }
    if let Some(median) = of(FactKind::Median) {
        clauses.push(format!("with a median of {}", figure(median)));
        cited.push(median);
    }
    clauses.push(format!("from {} to {}", figure(min), figure(max)));
    cited.extend([min, max]);
    let text = format!("{what}: {}.", clauses.join(", "));
    Some(insight("measure", text, sureness(min.of), material, &cited))
}

/// The first measure in one sentence.
pub(super) fn headline(material: &Material<'_>, facts: Index<'_>) -> Option<String> {
    let measure = material.contract.analysis.measures.first()?;
    let what = sentence(&words(&measure.name));
    let mean = facts.measure(FactKind::Mean, &measure.name)?;
    match facts.measure(FactKind::Sum, &measure.name).filter(|_| adds_up(measure)) {
        Some(sum) if sum.of == 1 => Some(format!("{what}: {}.", figure(sum))),
        Some(sum) => Some(format!("{what}: {} in all, {} on average.", figure(sum), figure(mean))),
        None => Some(format!("{what}: {} on average.", figure(mean))),
    }
}
