//! Records by period of time.

use hashbrown::HashMap;
use jiff::ToSpan as _;
use jiff::civil::Date;
use shared::contract::{Field, Period};
use shared::value::{FieldType, Scalar};

use super::number::{Number, Tally};

/// The most periods that are told apart: some fifty years of days.
const MAX_PERIODS: usize = 20_000;

/// The periods of a file.
pub(crate) struct Trend {
    /// The time field's name.
    pub(crate) name: String,
    field: Field,
    length: Period,
    places: HashMap<Date, usize>,
    periods: Vec<PeriodTally>,
    /// The day that came last and its place: files are often in order.
    recent: Option<(Date, usize)>,
    first_day: Option<Date>,
    last_day: Option<Date>,
    measures: usize,
    /// Whether there were too many to tell apart: nothing is known then.
    pub(crate) abandoned: bool,
}

/// One period with what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct PeriodTally {
    /// Its first day.
    pub(crate) start: Date,
    /// Its records.
    pub(crate) count: u64,
    /// One tally a measure.
    pub(crate) tallies: Vec<Tally>,
}

/// The periods in order.
pub(crate) struct Periods {
    /// Each with at least one record.
    pub(crate) periods: Vec<PeriodTally>,
    /// Whether the records reach back to the first day of the first.
    pub(crate) first_whole: bool,
    /// Whether the records reach up to the last day of the last.
    pub(crate) last_whole: bool,
    /// Whether a period between the first and the last has no record.
    pub(crate) gaps: bool,
}

impl Trend {
    /// No records yet.
    pub(crate) fn new(field: Field, length: Period, measures: usize) -> Self {
        Self {
            name: field.name.clone(),
            field,
            length,
            places: HashMap::new(),
            periods: Vec::new(),
            recent: None,
            first_day: None,
            last_day: None,
            measures,
            abandoned: false,
        }
    }

    /// Takes a record; says whether its time could be read.
    #[inline]
    pub(crate) fn add(&mut self, cell: &[u8], values: &[Option<Number>]) -> bool {
        if self.abandoned {
            return true;
        }
        let Some(day) = self.day(cell) else { return false };
        let place = match self.recent {
            Some((recent, place)) if recent == day => place,
            _ => match self.place(day) {
                Some(place) => place,
                None => return true,
            },
        };
        self.recent = Some((day, place));
        if let Some(period) = self.periods.get_mut(place) {
            period.count += 1;
            for (tally, value) in period.tallies.iter_mut().zip(values) {
                if let Some(value) = value {
                    tally.add(*value);
                }
            }
        }
        true
    }

    #[inline]
    fn day(&self, cell: &[u8]) -> Option<Date> {
        let in_default_form = self.field.format == shared::value::Format::Default;
        if in_default_form
            && self.field.kind == FieldType::Date
            && let Some(day) = plain_day(cell)
        {
            return Some(day);
        }
        let text = std::str::from_utf8(cell).ok()?;
        match shared::value::parse(self.field.kind, &self.field.format, text)? {
            Scalar::Date(date) => Some(date),
            Scalar::Datetime(datetime) => Some(datetime.date()),
            Scalar::Number(year) => Date::new(i16::try_from(year).ok()?, 1, 1).ok(),
            Scalar::Yearmonth { year, month } => Date::new(year, i8::try_from(month).ok()?, 1).ok(),
            Scalar::Boolean(_) | Scalar::Time(_) | Scalar::Duration(_) | Scalar::Text(_) => None,
        }
    }

    fn place(&mut self, day: Date) -> Option<usize> {
        self.first_day = Some(self.first_day.map_or(day, |first| first.min(day)));
        self.last_day = Some(self.last_day.map_or(day, |last| last.max(day)));
        let start = start_of(self.length, day);
        if let Some(place) = self.places.get(&start) {
            return Some(*place);
        }
        if self.periods.len() == MAX_PERIODS {
            self.abandoned = true;
            return None;
        }
        let place = self.periods.len();
        self.places.insert(start, place);
        self.periods.push(PeriodTally { start, count: 0, tallies: vec![Tally::default(); self.measures] });
        Some(place)
    }

    /// What a period is called.
    pub(crate) fn label(&self, start: Date) -> String {
        match self.length {
            Period::Day => start.to_string(),
            Period::Week => {
                let week = start.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Period::Month => format!("{:04}-{:02}", start.year(), start.month()),
            Period::Quarter => format!("{:04}-Q{}", start.year(), (start.month() - 1) / 3 + 1),
            Period::Year => format!("{:04}", start.year()),
        }
    }

    /// The periods in order; none when they were too many.
    pub(crate) fn periods(&self) -> Option<Periods> {
        if self.abandoned {
            return None;
        }
        let mut periods = self.periods.clone();
        periods.sort_unstable_by_key(|p| p.start);
        let gaps = periods.windows(2).any(|pair| match pair {
            [before, after] => next(self.length, before.start) != Some(after.start),
            _ => false,
        });
        let whole_year_dates = self.field.kind == FieldType::Year;
        let first_whole = whole_year_dates || self.first_day == periods.first().map(|p| p.start);
        let last_whole = whole_year_dates
            || (self.last_day.is_some()
                && self.last_day
                    == periods.last().and_then(|p| next(self.length, p.start)?.yesterday().ok()));
        Some(Periods { periods, first_whole, last_whole, gaps })
    }
}

/// The first day of the period that a day is in.
fn start_of(length: Period, day: Date) -> Date {
    match length {
        Period::Day => day,
        Period::Week => {
            let back = i64::from(day.weekday().to_monday_zero_offset());
            day.checked_sub(back.days()).unwrap_or(day)
        }
        Period::Month => day.first_of_month(),
        Period::Quarter => {
            let month = (day.month() - 1) / 3 * 3 + 1;
            Date::new(day.year(), month, 1).unwrap_or(day)
        }
        Period::Year => day.first_of_year(),
    }
}

/// The first day of the next period.
fn next(length: Period, start: Date) -> Option<Date> {
    let span = match length {
        Period::Day => 1.day(),
        Period::Week => 1.week(),
        Period::Month => 1.month(),
        Period::Quarter => 3.months(),
        Period::Year => 1.year(),
    };
    start.checked_add(span).ok()
}

/// Reads `2024-05-20` and nothing else.
#[inline]
fn plain_day(cell: &[u8]) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *cell else { return None };
    let digit = |byte: u8| byte.is_ascii_digit().then_some(i16::from(byte.wrapping_sub(b'0')));
    let year = digit(y1)? * 1000 + digit(y2)? * 100 + digit(y3)? * 10 + digit(y4)?;
    let month = digit(m1)? * 10 + digit(m2)?;
    let day = digit(d1)? * 10 + digit(d2)?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(length: Period, days: &[&str]) -> Trend {
        let field = Field { name: "date".into(), kind: FieldType::Date, ..Field::default() };
        let mut trend = Trend::new(field, length, 0);
        for day in days {
            assert!(trend.add(day.as_bytes(), &[]), "{day}");
        }
        trend
    }

    fn labels(length: Period, days: &[&str]) -> Vec<(String, u64)> {
        let trend = trend(length, days);
        trend.periods().unwrap().periods.iter().map(|p| (trend.label(p.start), p.count)).collect()
    }

    #[test]
    fn periods_are_named_and_in_order() {
        let days = ["2024-12-31", "2024-01-01", "2024-12-30", "2025-01-01"];
        let expect = |length, expected: &[(&str, u64)]| {
            let expected: Vec<_> = expected.iter().map(|(l, c)| ((*l).to_owned(), *c)).collect();
            assert_eq!(labels(length, &days), expected);
        };
        expect(Period::Month, &[("2024-01", 1), ("2024-12", 2), ("2025-01", 1)]);
        expect(Period::Quarter, &[("2024-Q1", 1), ("2024-Q4", 2), ("2025-Q1", 1)]);
        expect(Period::Year, &[("2024", 3), ("2025", 1)]);
        // The last days of 2024 are in the first ISO week of 2025.
        expect(Period::Week, &[("2024-W01", 1), ("2025-W01", 3)]);
    }

    #[test]
    fn a_period_is_whole_when_the_records_reach_its_edge() {
        let cut = trend(Period::Month, &["2024-01-02", "2024-02-10", "2024-03-30"]).periods().unwrap();
        assert!(!cut.first_whole && !cut.last_whole && !cut.gaps);
        let whole = trend(Period::Month, &["2024-01-01", "2024-03-31"]).periods().unwrap();
        assert!(whole.first_whole && whole.last_whole && whole.gaps);
    }
}
