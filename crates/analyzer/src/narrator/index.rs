//! Looking up facts by what they are about.

use std::collections::BTreeMap;

use shared::facts::{Fact, FactKind};

/// The facts of one report.
#[derive(Clone, Copy)]
pub(super) struct Index<'a>(pub(super) &'a [Fact]);

impl<'a> Index<'a> {
    /// The facts of a kind, in their order.
    pub(super) fn of(self, kind: FactKind) -> impl Iterator<Item = &'a Fact> {
        self.0.iter().filter(move |fact| fact.kind == kind)
    }

    /// The one fact of a kind over a whole measure.
    pub(super) fn measure(self, kind: FactKind, measure: &str) -> Option<&'a Fact> {
        self.of(kind).find(|fact| fact.measure.as_deref() == Some(measure))
    }

    /// The facts of a kind whose subject has exactly these names.
    pub(super) fn about(self, kind: FactKind, names: &[&str]) -> Vec<&'a Fact> {
        let fits = |subject: &BTreeMap<String, String>| {
            subject.len() == names.len() && names.iter().all(|name| subject.contains_key(*name))
        };
        self.of(kind).filter(|fact| fits(&fact.subject)).collect()
    }
}

/// What a fact says of a name in its subject.
pub(super) fn named<'a>(fact: &'a Fact, name: &str) -> &'a str {
    fact.subject.get(name).map_or("", String::as_str)
}

/// Ranked facts by place: those of the first place, those of the next one taken, ….
pub(super) fn places<'a>(mut facts: Vec<&'a Fact>) -> Vec<Vec<&'a Fact>> {
    facts.sort_by_key(|fact| fact.rank);
    let mut places: Vec<Vec<&'a Fact>> = Vec::new();
    for fact in facts {
        match places.last_mut() {
            Some(place) if place.first().is_some_and(|first| first.rank == fact.rank) => place.push(fact),
            _ => places.push(vec![fact]),
        }
    }
    places
}
