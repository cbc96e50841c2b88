//! From what was counted to the list of facts.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use shared::contract::Measure;
use shared::facts::{Fact, FactKind, Value};
use shared::manifest::cut;

use super::groups::{Group, Groups};
use super::measure::MeasureTally;
use super::number::Tally;
use super::quantile::Quantile;
use super::segment::SegmentTally;
use super::trend::{PeriodTally, Trend};
use super::{Counting, DimensionFound, Findings, TimeFound, duplicates, origin};

/// How many groups of a dimension a record names.
const TOP_GROUPS: usize = 10;
/// How many more it names when they share the last place.
const TOP_TIES: usize = 10;
/// How many groups with the largest sums it names, if they are not among the most frequent.
const TOP_SUMS: usize = 3;
/// How many groups it names within a band.
const TOP_IN_BAND: usize = 5;
/// How many of the latest periods it names.
const LATEST_PERIODS: usize = 60;
/// The longest name of a group, in bytes; a longer one is cut.
const MAX_NAME_BYTES: usize = 120;
/// The room for facts in a record, in bytes of JSON: `DynamoDB` takes 400 KB an item, and repeats each key's name.
const MAX_FACT_BYTES: usize = 160 * 1024;
/// The fewest values that the outer percentiles are worth telling of.
const MIN_FOR_PERCENTILES: u64 = 20;
/// The unit of counts.
const ROWS: &str = "rows";

/// What goes first when there is no room for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Essential,
    PeriodCount,
    GroupFigure,
    PeriodFigure,
}

/// A list of facts in the making.
#[derive(Default)]
struct Sheet {
    facts: Vec<(Weight, Fact)>,
    notes: Vec<String>,
}

/// What there is to say about a file without valid records.
pub(super) fn empty() -> Findings {
    let mut sheet = Sheet::default();
    sheet.count(FactKind::RowCount, BTreeMap::new(), 0, 0);
    sheet.finish(0, Vec::new(), None)
}

/// Everything that was counted, as facts.
pub(super) fn write(mut counted: Counting<'_>) -> Findings {
    let rows = counted.rows;
    let mut sheet = Sheet::default();
    sheet.count(FactKind::RowCount, BTreeMap::new(), rows, rows);
    let measures: Vec<Measure> = counted.measures.iter().map(|m| m.measure.clone()).collect();
    for measure in std::mem::take(&mut counted.measures) {
        let name = origin(counted.contract, measure.measure.from).to_owned();
        sheet.measure(measure, &name);
    }
    for (field, nulls) in counted.contract.fields.iter().zip(&counted.nulls) {
        if *nulls > 0 {
            sheet.count(FactKind::NullCount, subject(&[("field", &field.name)]), *nulls, rows);
        }
    }
    let dimensions: Vec<_> =
        counted.dimensions.iter().filter_map(|d| sheet.dimension(d, &measures, rows)).collect();
    for segment in &counted.segments {
        sheet.segment(segment, &measures, rows);
    }
    if let Some(first) = counted.dimensions.first() {
        sheet.bands(first, &counted.segments);
    }
    let time = counted.trend.as_ref().and_then(|(_, trend)| sheet.trend(trend, &measures, rows));
    if counted.undated > 0 {
        sheet.notes.push(match counted.undated {
            1 => "1 row could not be dated and is not part of the trend.".to_owned(),
            many => format!("{many} rows could not be dated and are not part of the trend."),
        });
    }
    for flag in &counted.flags {
        sheet.count(FactKind::FlagCount, subject(&[("flag", &flag.flag.name)]), flag.count, rows);
    }
    match counted.duplicates.count() {
        Some(count) if rows > 0 => sheet.count(FactKind::DuplicateCount, BTreeMap::new(), count, rows),
        Some(_) => {}
        None => sheet.notes.push(format!(
            "Repeated records were not counted: the file has more than {} different ones.",
            duplicates::MAX_REMEMBERED
        )),
    }
    sheet.finish(rows, dimensions, time)
}

impl Sheet {
    fn add(&mut self, weight: Weight, fact: Fact) {
        self.facts.push((weight, fact));
    }

    fn count(&mut self, kind: FactKind, subject: BTreeMap<String, String>, count: u64, of: u64) {
        self.add(Weight::Essential, fact(kind, subject, Value::from(count), of).in_unit(Some(ROWS)));
    }

    fn measure(&mut self, counted: MeasureTally, name: &str) {
        let MeasureTally { measure, tally, unreadable, .. } = &counted;
        if counted.source.column.is_none() {
            self.notes
                .push(format!("The file has no column {name}, so nothing is said about {}.", measure.name));
        }
        if *unreadable > 0 {
            self.notes.push(match unreadable {
                1 => format!("1 cell of {} holds no number and is not part of its figures.", measure.name),
                many => format!(
                    "{many} cells of {} hold no number and are not part of its figures.",
                    measure.name
                ),
            });
        }
        if tally.count == 0 {
            return;
        }
        if tally.sum().is_none() {
            self.notes.push(format!("The sum of {} has too many digits to be told exactly.", measure.name));
        }
        let (measure, of) = (measure.clone(), tally.count);
        let exact = [
            (FactKind::Sum, tally.sum()),
            (FactKind::Mean, tally.mean()),
            (FactKind::Min, counted.min()),
            (FactKind::Max, counted.max()),
        ];
        let ranked = counted.distribution.finish();
        let mut quantiles = vec![(FactKind::Median, "", ranked.median())];
        if of >= MIN_FOR_PERCENTILES {
            quantiles.push((FactKind::Quantile, "p05", ranked.percentile(5)));
            quantiles.push((FactKind::Quantile, "p95", ranked.percentile(95)));
        }
        for (kind, value) in exact {
            if let Some(value) = value {
                self.add(
                    Weight::Essential,
                    fact(kind, BTreeMap::new(), value.into(), of).of_measure(&measure),
                );
            }
        }
        for (kind, name, quantile) in quantiles {
            let Some(Quantile { value, error }) = quantile else { continue };
            let about = if name.is_empty() { BTreeMap::new() } else { subject(&[("quantile", name)]) };
            let mut fact = fact(kind, about, value.into(), of).of_measure(&measure);
            fact.approximate = error.is_some();
            fact.error = error.map(Value::from);
            self.add(Weight::Essential, fact);
        }
    }

    fn dimension(&mut self, counted: &Groups, measures: &[Measure], rows: u64) -> Option<DimensionFound> {
        if counted.abandoned {
            self.notes.push(format!(
                "The values of {} were not counted: there are more different ones than can be told apart.",
                counted.name
            ));
            return None;
        }
        let ranked = counted.ranked();
        let counts: Vec<u64> = ranked.iter().map(|g| g.count).collect();
        let kept = kept_of(&counts, TOP_GROUPS, TOP_TIES);
        let top = ranked.get(..kept).unwrap_or(&ranked);
        for group in top {
            let place = place_of(&counts, group.count);
            let count = fact(FactKind::GroupCount, about(&counted.name, group), group.count.into(), rows);
            self.add(Weight::Essential, count.in_unit(Some(ROWS)).ranked(place));
        }
        for (index, measure) in measures.iter().enumerate() {
            self.group_figures(&counted.name, (&ranked, top), index, measure);
        }
        Some(DimensionFound { name: counted.name.clone(), complete: kept == ranked.len() })
    }

    /// Sums and means of one measure: of the most frequent groups, and sums of those that have the largest.
    fn group_figures(
        &mut self,
        name: &str,
        (all, top): (&[Group<'_>], &[Group<'_>]),
        index: usize,
        measure: &Measure,
    ) {
        let tally = |group: &Group<'_>| group.tallies.get(index).copied().unwrap_or_default();
        let ranked = |figure: fn(&Tally) -> Option<Decimal>| {
            let mut figures: Vec<_> = all.iter().filter_map(|g| Some((figure(&tally(g))?, *g))).collect();
            figures.retain(|(_, group)| tally(group).count > 0);
            figures.sort_by(|(a, left), (b, right)| b.cmp(a).then_with(|| left.name.cmp(right.name)));
            figures
        };
        for (kind, figure, extra) in [
            (FactKind::GroupSum, Tally::sum as fn(&Tally) -> Option<Decimal>, TOP_SUMS),
            (FactKind::GroupMean, Tally::mean, 0),
        ] {
            let figures = ranked(figure);
            let values: Vec<Decimal> = figures.iter().map(|(value, _)| *value).collect();
            for (index, (value, group)) in figures.iter().enumerate() {
                if index >= extra && !top.iter().any(|g| g.name == group.name) {
                    continue;
                }
                let fact = fact(kind, about(name, group), (*value).into(), tally(group).count);
                self.add(Weight::GroupFigure, fact.of_measure(measure).ranked(place_of(&values, *value)));
            }
        }
    }

    fn segment(&mut self, counted: &SegmentTally, measures: &[Measure], rows: u64) {
        let mut counts: Vec<u64> = counted.bands.iter().map(|(_, tally)| tally.count).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let measure = measures.get(counted.measure);
        for (band, tally) in &counted.bands {
            let about = subject(&[(&counted.name, &band.label)]);
            let count = fact(FactKind::SegmentCount, about.clone(), tally.count.into(), rows);
            self.add(Weight::Essential, count.in_unit(Some(ROWS)).ranked(place_of(&counts, tally.count)));
            let Some(measure) = measure.filter(|_| tally.count > 0) else { continue };
            for (kind, value) in [(FactKind::SegmentSum, tally.sum()), (FactKind::SegmentMean, tally.mean())]
            {
                if let Some(value) = value {
                    self.add(
                        Weight::Essential,
                        fact(kind, about.clone(), value.into(), tally.count).of_measure(measure),
                    );
                }
            }
        }
    }

    /// The most frequent groups of one dimension within each band.
    fn bands(&mut self, dimension: &Groups, segments: &[SegmentTally]) {
        let ranked = dimension.ranked();
        let mut place = 0;
        for segment in segments {
            for (band, tally) in &segment.bands {
                if segment.name != dimension.name {
                    let inside = ranked.iter().map(|g| (g.bands.get(place).copied().unwrap_or(0), *g));
                    self.band(&dimension.name, inside.collect(), (&segment.name, &band.label), tally.count);
                }
                place += 1;
            }
        }
    }

    fn band(
        &mut self,
        dimension: &str,
        mut inside: Vec<(u64, Group<'_>)>,
        (segment, label): (&str, &str),
        of: u64,
    ) {
        inside.retain(|(count, _)| *count > 0);
        inside.sort_by(|(a, left), (b, right)| b.cmp(a).then_with(|| left.name.cmp(right.name)));
        let counts: Vec<u64> = inside.iter().map(|(count, _)| *count).collect();
        for (count, group) in inside.iter().take(TOP_IN_BAND) {
            let mut about = about(dimension, group);
            about.insert(segment.to_owned(), label.to_owned());
            let fact = fact(FactKind::GroupCount, about, (*count).into(), of);
            self.add(Weight::Essential, fact.in_unit(Some(ROWS)).ranked(place_of(&counts, *count)));
        }
    }

    fn trend(&mut self, trend: &Trend, measures: &[Measure], rows: u64) -> Option<TimeFound> {
        let Some(found) = trend.periods() else {
            self.notes.push(format!("There are too many different periods in {} for a trend.", trend.name));
            return None;
        };
        let ends = (trend.label(found.periods.first()?.start), trend.label(found.periods.last()?.start));
        let mut counts: Vec<u64> = found.periods.iter().map(|p| p.count).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let kept: Vec<&PeriodTally> = kept_periods(&found.periods);
        for period in &kept {
            let about = subject(&[(&trend.name, &trend.label(period.start))]);
            let count = fact(FactKind::TrendCount, about.clone(), period.count.into(), rows);
            let count = count.in_unit(Some(ROWS)).ranked(place_of(&counts, period.count));
            self.add(Weight::PeriodCount, count);
            for (measure, tally) in measures.iter().zip(&period.tallies) {
                if let Some(sum) = tally.sum().filter(|_| tally.count > 0) {
                    let sum =
                        fact(FactKind::TrendSum, about.clone(), sum.into(), tally.count).of_measure(measure);
                    self.add(Weight::PeriodFigure, sum);
                }
            }
        }
        Some(TimeFound {
            name: trend.name.clone(),
            ends,
            first_whole: found.first_whole,
            last_whole: found.last_whole,
            gaps: found.gaps,
            periods: kept.iter().map(|p| trend.label(p.start)).collect(),
        })
    }

    /// Drops what there is no room for, whole kinds at a time, and gives the rest their ids.
    fn finish(
        mut self,
        rows: u64,
        mut dimensions: Vec<DimensionFound>,
        mut time: Option<TimeFound>,
    ) -> Findings {
        let size = |fact: &Fact| serde_json::to_string(fact).map_or(0, |json| json.len() + 8);
        for (weight, what) in [
            (Weight::PeriodFigure, "sums by period"),
            (Weight::GroupFigure, "sums and means by group"),
            (Weight::PeriodCount, "the trend"),
        ] {
            let total: usize = self.facts.iter().map(|(_, fact)| size(fact)).sum();
            if total > MAX_FACT_BYTES {
                self.facts.retain(|(w, _)| *w != weight);
                self.notes.push(format!("There is no room in the record for {what}."));
                time = time.filter(|_| weight != Weight::PeriodCount);
            }
        }
        let (mut room, wanted) = (MAX_FACT_BYTES, self.facts.len());
        self.facts.retain(|(_, fact)| match room.checked_sub(size(fact)) {
            Some(left) => {
                room = left;
                true
            }
            None => false,
        });
        if self.facts.len() < wanted {
            self.notes.push("There is no room in the record for all groups.".to_owned());
            dimensions.iter_mut().for_each(|dimension| dimension.complete = false);
        }
        let facts = self
            .facts
            .into_iter()
            .enumerate()
            .map(|(index, (_, fact))| Fact { id: format!("f{}", index + 1), ..fact });
        Findings { rows, facts: facts.collect(), dimensions, time, notes: self.notes }
    }
}

/// The latest periods, and the strongest and the weakest wherever they are.
fn kept_periods(periods: &[PeriodTally]) -> Vec<&PeriodTally> {
    let late = periods.len().saturating_sub(LATEST_PERIODS);
    let inner = periods.get(1..periods.len().saturating_sub(1)).unwrap_or_default();
    let strongest = periods.iter().max_by(|a, b| a.count.cmp(&b.count).then(b.start.cmp(&a.start)));
    let weakest = inner.iter().min_by_key(|p| (p.count, p.start));
    let remarkable = [strongest, weakest].map(|p| p.map(|p| p.start));
    periods
        .iter()
        .enumerate()
        .filter(|(index, period)| *index >= late || remarkable.contains(&Some(period.start)))
        .map(|(_, period)| period)
        .collect()
}

/// How many of the values, in falling order, are kept: `top`, and up to `ties` more that share the last place.
fn kept_of(values: &[u64], top: usize, ties: usize) -> usize {
    let last = top.checked_sub(1).and_then(|index| values.get(index));
    let tied = last.map_or(0, |last| values.iter().skip(top).take_while(|value| *value == last).count());
    values.len().min(top + tied.min(ties))
}

/// The place of a value among values in falling order; equals share a place.
fn place_of<T: Ord>(falling: &[T], value: T) -> u64 {
    let above = falling.partition_point(|other| *other > value);
    u64::try_from(above).unwrap_or(u64::MAX).saturating_add(1)
}

fn fact(kind: FactKind, subject: BTreeMap<String, String>, value: Value, of: u64) -> Fact {
    Fact {
        id: String::new(),
        kind,
        measure: None,
        subject,
        value,
        unit: None,
        of,
        rank: None,
        approximate: false,
        error: None,
    }
}

/// The parts of a fact that not every one has.
trait FactParts {
    fn in_unit(self, unit: Option<&str>) -> Self;
    fn of_measure(self, measure: &Measure) -> Self;
    fn ranked(self, place: u64) -> Self;
}

impl FactParts for Fact {
    fn in_unit(self, unit: Option<&str>) -> Self {
        Self { unit: unit.map(str::to_owned), ..self }
    }

    fn of_measure(self, measure: &Measure) -> Self {
        Self { measure: Some(measure.name.clone()), ..self }.in_unit(measure.unit.as_deref())
    }

    fn ranked(self, place: u64) -> Self {
        Self { rank: Some(place), ..self }
    }
}

fn subject(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn about(dimension: &str, group: &Group<'_>) -> BTreeMap<String, String> {
    let name = String::from_utf8_lossy(group.name);
    let short = cut(&name, MAX_NAME_BYTES);
    let shown = if short.len() < name.len() { format!("{short}…") } else { short.to_owned() };
    BTreeMap::from([(dimension.to_owned(), shown)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_a_place() {
        let counts = [9, 6, 6, 3];
        assert_eq!(counts.map(|c| place_of(&counts, c)), [1, 2, 2, 4]);
    }

    #[test]
    fn ties_at_the_cut_are_kept_up_to_a_limit() {
        assert_eq!(kept_of(&[5, 4, 4, 4, 1], 2, 10), 4);
        assert_eq!(kept_of(&[5, 4, 4, 4, 1], 2, 1), 3);
        assert_eq!(kept_of(&[5, 4], 10, 10), 2);
        assert_eq!(kept_of(&[], 10, 10), 0);
    }
}
