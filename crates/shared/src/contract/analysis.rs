//! What to compute.

use super::extension::condition;
use super::node::{Node, Object, quoted};
use super::suggestion::suggestion;
use super::table::{Column, Table};
use super::{Analysis, Band, BandEnd, Derived, Flag, Measure, MeasureSource, Period, Segment};
use crate::formula::Kind;
use crate::record::Level;
use crate::value::FieldType;

/// The keys of `gristmill.analysis`.
pub(super) const KEYS: [&str; 7] =
    ["measures", "dimensions", "segments", "time", "text", "flags", "questions"];
/// The keys of a measure.
pub(super) const MEASURE_KEYS: [&str; 2] = ["field", "unit"];
/// The keys of a segment.
pub(super) const SEGMENT_KEYS: [&str; 3] = ["name", "measure", "bands"];
/// The keys of a band.
pub(super) const BAND_KEYS: [&str; 3] = ["label", "below", "up_to"];
/// The keys of `time`.
pub(super) const TIME_KEYS: [&str; 2] = ["field", "period"];
/// The keys of a flag.
pub(super) const FLAG_KEYS: [&str; 3] = ["name", "formula", "severity"];

const MAX_ENTRIES: usize = 64;
const MAX_LABEL: usize = 120;
const MAX_QUESTION: usize = 500;

const PERIODS: [(&str, Period); 5] = [
    ("day", Period::Day),
    ("week", Period::Week),
    ("month", Period::Month),
    ("quarter", Period::Quarter),
    ("year", Period::Year),
];

const LEVELS: [Level; 3] = [Level::Low, Level::Medium, Level::High];

/// Reads `gristmill.analysis`.
pub(super) fn read(node: &Node<'_>, table: &Table, derived: &[Derived]) -> Option<Analysis> {
    let object = node.object("an analysis: write an object with measures, dimensions, time and so on")?;
    object.only(&KEYS, &[]);
    let measures = object.get("measures").map(|node| measures(&node, table, derived)).unwrap_or_default();
    let segments = object.get("segments").map(|node| segments(&node, &object, &measures)).unwrap_or_default();
    let fields = |key: &str, what: &str| {
        let items = object.get(key).map(|node| node.items(what, MAX_ENTRIES));
        items.map(|items| (table.distinct_fields(&items), items)).unwrap_or_default()
    };
    let (dimensions, _) = fields("dimensions", "a list of field names: write [\"region\"]");
    let (text, text_nodes) = fields("text", "a list of names of string fields: write [\"review\"]");
    for node in text_nodes {
        let index = node.value.as_str().and_then(|name| table.index(name));
        if index.is_some_and(|index| !table.is_any_of(index, &[FieldType::String])) {
            node.refuse("this field is no string, and free text is: name a field of type string");
        }
    }
    Some(Analysis {
        measures,
        dimensions,
        segments,
        time: object.get("time").and_then(|node| time(&node, table)),
        text,
        flags: object.get("flags").map(|node| flags(&node, table, derived)).unwrap_or_default(),
        questions: object.get("questions").map(|node| questions(&node)).unwrap_or_default(),
    })
}

fn measures(node: &Node<'_>, table: &Table, derived: &[Derived]) -> Vec<Measure> {
    let expected = "a list of measures: write [\"quantity\", {\"field\": \"price\", \"unit\": \"USD\"}]";
    let mut measures: Vec<Measure> = Vec::new();
    for item in node.items(expected, MAX_ENTRIES) {
        let Some((field, unit)) = measure(&item) else { continue };
        let Some(name) = field.text("the name of a field or of a derived column") else { continue };
        let Some(from) = measure_source(&field, name, table, derived) else { continue };
        if measures.iter().any(|known| known.name == name) {
            field.refuse(format!("the measure {} is listed twice: list it once", quoted(name)));
        } else {
            measures.push(Measure { name: name.to_owned(), from, unit });
        }
    }
    measures
}

fn measure<'a>(item: &Node<'a>) -> Option<(Node<'a>, Option<String>)> {
    if item.value.is_string() {
        return Some((item.clone(), None));
    }
    let expected = "a measure: write a field's name, or {\"field\": \"price\", \"unit\": \"USD\"}";
    let object = item.object(expected)?;
    object.only(&MEASURE_KEYS, &[]);
    let unit = object.get("unit").and_then(|node| node.label("a unit such as \"USD\"", 24));
    let field = object.required("field", "the name of a field of type integer or number")?;
    Some((field, unit.map(str::to_owned)))
}

fn measure_source(node: &Node<'_>, name: &str, table: &Table, derived: &[Derived]) -> Option<MeasureSource> {
    let no_numbers =
        || node.refuse(format!("{} holds no numbers: name a field of type integer or number", quoted(name)));
    if let Some(index) = derived.iter().position(|known| known.name == name) {
        let kind =
            columns(table, derived).into_iter().find(|(known, _)| *known == name).and_then(|(_, kind)| kind);
        if kind.is_some_and(|kind| kind != Kind::Number) {
            no_numbers();
        }
        return Some(MeasureSource::Derived(index));
    }
    let Some(index) = table.index(name) else {
        if !table.fields.is_empty() {
            let known = table.names().chain(derived.iter().map(|known| known.name.as_str()));
            node.refuse(suggestion("field or derived column", name, known));
        }
        return None;
    };
    if table.is_any_of(index, &[FieldType::Integer, FieldType::Number]) {
        return Some(MeasureSource::Field(index));
    }
    no_numbers();
    None
}

fn segments(node: &Node<'_>, analysis: &Object<'_>, measures: &[Measure]) -> Vec<Segment> {
    let example = "{\"name\": \"price_segment\", \"measure\": \"price\", \"bands\": […]}";
    let mut segments: Vec<Segment> = Vec::new();
    for item in node.items(&format!("a list of segments: write [{example}]"), MAX_ENTRIES) {
        let Some(object) = item.object(&format!("a segment: write {example}")) else { continue };
        object.only(&SEGMENT_KEYS, &[]);
        let name = label(&object, "name", "the segment's name, such as \"price_segment\"");
        if let Some((node, name)) = &name
            && segments.iter().any(|known| known.name == *name)
        {
            node.refuse(format!("there is a segment {} already: choose another name", quoted(name)));
        }
        let measure = object
            .required("measure", "the name of a measure")
            .and_then(|node| segment_measure(&node, analysis, measures));
        let bands = object.required("bands", BANDS).map(|node| bands(&node)).unwrap_or_default();
        if let (Some((_, name)), Some(measure)) = (name, measure) {
            segments.push(Segment { name, measure, bands });
        }
    }
    segments
}

fn segment_measure(node: &Node<'_>, analysis: &Object<'_>, measures: &[Measure]) -> Option<usize> {
    let name = node.text("the name of a measure: write one that is listed under measures")?;
    let index = measures.iter().position(|measure| measure.name == name);
    let listed = || {
        let list = analysis.get("measures")?.value.as_array()?;
        list.iter().find(|item| item.as_str().or(item.get("field").and_then(|f| f.as_str())) == Some(name))
    };
    // A measure that is listed but broken has been blamed where it is listed.
    if index.is_none() && listed().is_none() {
        let known = measures.iter().map(|measure| measure.name.as_str());
        node.refuse(format!(
            "{}; a segment cuts one that is listed under measures",
            suggestion("measure", name, known)
        ));
    }
    index
}

const BANDS: &str = "a list of bands from the lowest to the highest: write [{\"label\": \"budget\", \"below\": 500}, \
                     {\"label\": \"flagship\"}]";

fn bands(node: &Node<'_>) -> Vec<Band> {
    let items = node.items(BANDS, MAX_ENTRIES);
    if node.value.as_array().is_some_and(Vec::is_empty) {
        node.refuse(format!("there are no bands; a segment needs {BANDS}"));
    }
    let last = items.len().saturating_sub(1);
    let mut bands: Vec<Band> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some(band) = band(item, index == last, bands.last()) else { continue };
        if bands.iter().any(|known| known.label == band.label) {
            item.refuse(format!("there is a band {} already: choose another label", quoted(&band.label)));
        }
        bands.push(band);
    }
    bands
}

fn band(item: &Node<'_>, is_last: bool, before: Option<&Band>) -> Option<Band> {
    let object = item.object("a band: write {\"label\": \"budget\", \"below\": 500}")?;
    object.only(&BAND_KEYS, &[]);
    let label = label(&object, "label", "the band's label, such as \"budget\"");
    let number = |node: Node<'_>| node.decimal("a number: write one such as 500, without quotes");
    let end = match (object.get("below"), object.get("up_to")) {
        (Some(_), Some(node)) => {
            node.refuse(
                "a band ends once: write below (the value itself is outside) or up_to (it is inside)",
            );
            return None;
        }
        (Some(node), None) => BandEnd::Below(number(node)?),
        (None, Some(node)) => BandEnd::UpTo(number(node)?),
        (None, None) => BandEnd::Open,
    };
    match (is_last, end) {
        (false, BandEnd::Open) => {
            item.refuse(
                "only the last band may be without an end: write below or up_to, such as \"below\": 500",
            );
        }
        (true, BandEnd::Below(_) | BandEnd::UpTo(_)) => {
            item.refuse("the last band takes what is left: write it without below and up_to");
        }
        _ => {}
    }
    if let (Some(here), Some(earlier)) = (rank(end), before.and_then(|band| rank(band.end)))
        && here <= earlier
    {
        item.refuse("this band ends before it begins: write the bands from the lowest to the highest");
    }
    label.map(|(_, label)| Band { label, end })
}

/// Where a band ends, so that ends can be ordered: `below 500` comes before `up_to 500`.
fn rank(end: BandEnd) -> Option<(rust_decimal::Decimal, bool)> {
    match end {
        BandEnd::Below(value) => Some((value, false)),
        BandEnd::UpTo(value) => Some((value, true)),
        BandEnd::Open => None,
    }
}

fn time(node: &Node<'_>, table: &Table) -> Option<(usize, Period)> {
    let object = node.object("a time: write {\"field\": \"date\", \"period\": \"month\"}")?;
    object.only(&TIME_KEYS, &[]);
    let period = object.get("period").map_or(Some(Period::Month), |node| {
        let expected = "a period: write day, week, month, quarter or year";
        let name = node.text(expected)?;
        let period = PERIODS.iter().find(|(known, _)| *known == name).map(|(_, period)| *period);
        if period.is_none() {
            node.is_not(expected);
        }
        period
    });
    let field = object.required("field", "the name of a field of type date or datetime")?;
    let index = table.field(&field)?;
    if !table.is_any_of(index, &[FieldType::Date, FieldType::Datetime]) {
        field.refuse("this field tells no day: name a field of type date or datetime");
    }
    Some((index, period?))
}

fn flags(node: &Node<'_>, table: &Table, derived: &[Derived]) -> Vec<Flag> {
    let example = "{\"name\": \"fever\", \"formula\": \"temp_c > 38\", \"severity\": \"high\"}";
    let known = columns(table, derived);
    let mut flags: Vec<Flag> = Vec::new();
    for item in node.items(&format!("a list of flags: write [{example}]"), MAX_ENTRIES) {
        let Some(object) = item.object(&format!("a flag: write {example}")) else { continue };
        object.only(&FLAG_KEYS, &[]);
        let name = label(&object, "name", "the flag's name in plain words, such as \"fever\"");
        if let Some((node, name)) = &name
            && flags.iter().any(|known| known.name == *name)
        {
            node.refuse(format!("there is a flag {} already: choose another name", quoted(name)));
        }
        let severity = object.get("severity").map_or(Some(Level::Medium), |node| severity(&node));
        let formula = condition(&object, &known);
        if let (Some((_, name)), Some(formula), Some(severity)) = (name, formula, severity) {
            flags.push(Flag { name, formula, severity });
        }
    }
    flags
}

/// The fields and the derived columns.
fn columns<'t>(table: &'t Table, derived: &'t [Derived]) -> Vec<Column<'t>> {
    let fields = table.columns();
    let kind_of = |name: &str| fields.iter().find(|(known, _)| *known == name).and_then(|(_, kind)| *kind);
    let derived =
        derived.iter().map(|column| (column.name.as_str(), column.formula.kind(kind_of).ok().flatten()));
    let derived: Vec<Column<'_>> = derived.collect();
    fields.iter().copied().chain(derived).collect()
}

fn severity(node: &Node<'_>) -> Option<Level> {
    let level = LEVELS.into_iter().find(|level| node.value.as_str() == Some(level.as_str()));
    if level.is_none() {
        node.is_not("a severity: write low, medium or high");
    }
    level
}

fn questions(node: &Node<'_>) -> Vec<String> {
    let items = node.items("a list of questions: write [\"Which region sells best?\"]", MAX_ENTRIES);
    let question = |item: &Node<'_>| item.label("a question in plain words", MAX_QUESTION).map(str::to_owned);
    items.iter().filter_map(question).collect()
}

fn label<'a>(object: &Object<'a>, key: &str, expected: &str) -> Option<(Node<'a>, String)> {
    let node = object.required(key, expected)?;
    let label = node.label(expected, MAX_LABEL)?.to_owned();
    Some((node, label))
}
