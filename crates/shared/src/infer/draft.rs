//! From what was seen to a contract.

use serde_json::{Map, Value, json};

use super::candidate::Candidate;
use super::column::{Column, MAX_DISTINCT, MISSING};
use super::dialect::Detected;
use super::guess::{self, Guess};
use super::relax::Relaxed;
use super::{Survey, TOLERATED, analysis, names};
use crate::contract::descriptor::DialectDescriptor;
use crate::contract::{HeaderRows, MAX_NAME_BYTES, Provenance, REJECTION_COLUMNS, folded};
use crate::rows::Layout;
use crate::value::FieldType;

/// The most values of an enumeration.
const MAX_ENUM: usize = 12;
/// The fewest records from which an enumeration is drawn.
const MIN_ENUM_ROWS: u64 = 50;
/// Every value of an enumeration makes up at least one record in so many.
const ENUM_SHARE: u64 = 50;
/// The fewest records from which a key is drawn.
const MIN_KEY_ROWS: u64 = 20;
/// The longest name of a field, in characters.
const MAX_LABEL: usize = 1024;
/// A value that a key repeats once in so many records may be a mistake.
const KEY_SHARE: u64 = 20;

/// What a column was taken for.
#[derive(Debug)]
pub(super) struct Drafted<'a> {
    pub(super) column: &'a Column,
    /// Absent for text.
    candidate: Option<&'a Candidate>,
    fits: u64,
    /// The first value that is not of the type, and its row.
    misfit: Option<&'a (String, u64)>,
    pub(super) missing: u64,
    pub(super) required: bool,
    pub(super) minimum: Option<i64>,
    pub(super) maximum: Option<i64>,
    pub(super) allowed: Option<Vec<&'a str>>,
    /// A rare value that stood in the way of an enumeration, with its count.
    pub(super) rare: Option<(&'a str, u64)>,
    /// The type that most values have, but not enough, and how many have it.
    pub(super) near: Option<(&'static str, u64)>,
    /// Two patterns of which no value tells which is meant.
    pub(super) mirrored: Option<(String, String)>,
    pub(super) is_code: bool,
    pub(super) taken_back: bool,
    pub(super) is_key_but_repeated: bool,
    pub(super) roles: Vec<Role>,
}

/// What a column is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    Key,
    Measure(Option<&'static str>),
    Dimension,
    Time(&'static str),
    Text,
    Personal,
}

impl Role {
    pub(super) fn words(&self) -> String {
        match self {
            Self::Key => "the primary key".to_owned(),
            Self::Measure(None) => "a measure".to_owned(),
            Self::Measure(Some(unit)) => format!("a measure in {unit}"),
            Self::Dimension => "a dimension".to_owned(),
            Self::Time(period) => format!("the time, by {period}"),
            Self::Text => "free text".to_owned(),
            Self::Personal => "about persons".to_owned(),
        }
    }
}

impl<'a> Drafted<'a> {
    fn text(column: &'a Column) -> Self {
        Self {
            column,
            candidate: None,
            fits: 0,
            misfit: None,
            missing: 0,
            required: false,
            minimum: None,
            maximum: None,
            allowed: None,
            rare: None,
            near: None,
            mirrored: None,
            is_code: false,
            taken_back: false,
            is_key_but_repeated: false,
            roles: Vec::new(),
        }
    }

    /// The column as text, because its type rejects too much.
    fn taken_back(self) -> Self {
        let near = self.candidate.map(|candidate| (candidate.name(), self.fits)).or(self.near);
        Self { near, misfit: self.misfit, taken_back: near.is_none(), ..Self::text(self.column) }
    }

    pub(super) fn kind(&self) -> FieldType {
        self.candidate.map_or(FieldType::String, |candidate| candidate.kind)
    }

    /// How its values are written, where that is not the default form of the type.
    pub(super) fn writing(&self) -> Option<String> {
        self.candidate.and_then(Candidate::writing)
    }

    /// Whether it is words, and not a text of a certain form.
    pub(super) fn is_words(&self) -> bool {
        self.column.values > 0 && self.candidate.is_none()
    }

    pub(super) fn is(&self, kinds: &[FieldType]) -> bool {
        self.column.values > 0 && kinds.contains(&self.kind())
    }

    pub(super) fn is_number(&self) -> bool {
        self.is(&[FieldType::Integer, FieldType::Number])
    }

    pub(super) fn misfits(&self) -> u64 {
        self.candidate.map_or(0, |_| self.column.values - self.fits)
    }

    /// `, such as "x" in row 5`, if there is one.
    pub(super) fn example(&self) -> String {
        let example = |(value, row): &(String, u64)| {
            format!(", such as {} in row {}", guess::quoted(value), crate::wording::count(*row))
        };
        self.misfit.map_or_else(String::new, example)
    }

    pub(super) fn has(&self, role: &Role) -> bool {
        self.roles.contains(role)
    }

    /// The distinct values in order, if they are few.
    pub(super) fn distinct(&self, missing: &[&str]) -> Option<Vec<(&'a str, u64)>> {
        let all = self.column.distinct.as_ref()?;
        let kept = all.iter().filter(|(value, _)| !missing.contains(&value.as_str()));
        let mut kept: Vec<(&str, u64)> = kept.map(|(value, count)| (value.as_str(), *count)).collect();
        kept.sort_unstable();
        (kept.len() <= MAX_DISTINCT).then_some(kept)
    }
}

/// A contract with the file's columns and no rules, to read the sample by.
pub(super) fn profile(detected: &Detected, labels: &[String]) -> Value {
    let own = labels.iter().filter(|label| !is_reserved(label));
    let fields: Vec<Value> = own.map(|label| json!({ "name": label.trim(), "type": "any" })).collect();
    let mut profile = json!({ "name": "sample", "schema": { "fields": fields } });
    put(&mut profile, "dialect", dialect(detected));
    put(&mut profile, "gristmill", extension(labels.iter().map(String::as_str), Map::new()));
    profile
}

pub(super) fn of(survey: &Survey, detected: &Detected, name: &str, relaxed: &Relaxed) -> (Value, Vec<Guess>) {
    let rows = survey.rows;
    let own = survey.columns.iter().filter(|column| !is_reserved(&column.label));
    let typed = own.map(|column| {
        let typed = typed(column, &survey.candidates);
        if relaxed.is_text(column) { typed.taken_back() } else { typed }
    });
    let mut drafted: Vec<Drafted<'_>> = typed.collect();
    let missing = missing_values(&drafted);
    for drafted in &mut drafted {
        constrain(drafted, rows, &missing, relaxed.is_free(drafted.column));
    }
    if !relaxed.has_no_key() {
        key(&mut drafted, rows);
    }
    let analysis = analysis::of(&mut drafted, rows);
    let fields: Vec<Value> = drafted.iter().map(field).collect();
    let mut schema = json!({ "fields": fields, "missingValues": missing });
    let keys: Vec<&str> =
        drafted.iter().filter(|d| d.has(&Role::Key)).map(|d| d.column.label.as_str()).collect();
    put(&mut schema, "primaryKey", (!keys.is_empty()).then(|| json!(keys)));
    let name = dataset_name(name);
    let mut descriptor = json!({
        "$schema": "https://datapackage.org/profiles/2.0/dataresource.json",
        "name": name,
        "type": "table",
        "title": title(&name),
    });
    put(&mut descriptor, "dialect", dialect(detected));
    put(&mut descriptor, "schema", Some(schema));
    let labels = survey.columns.iter().map(|column| column.label.as_str());
    put(&mut descriptor, "gristmill", extension(labels, analysis));
    let mut guesses: Vec<Guess> = guess::of_layout(detected).into_iter().collect();
    guesses.extend(guess::of_broken(survey));
    guesses.extend(guess::of_headers(survey.headers));
    guesses.extend(guess::of_missing(&missing));
    guesses.extend(drafted.iter().map(|drafted| guess::of_column(drafted, rows)));
    let left_out =
        survey.columns.iter().map(|column| column.label.as_str()).filter(|label| is_reserved(label));
    guesses.extend(left_out.map(guess::of_left_out));
    (descriptor, guesses)
}

fn put(object: &mut Value, key: &str, value: Option<Value>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(key.to_owned(), value);
    }
}

/// How the file is laid out, where that is not the usual way. The usual way is left open: another delimiter is found
/// from the header then.
fn dialect(detected: &Detected) -> Option<Value> {
    let usual = detected.layout == Layout::default() && detected.header == HeaderRows::First;
    if usual {
        return None;
    }
    serde_json::to_value(DialectDescriptor::of(&detected.layout, &detected.header)).ok()
}

/// Whether no field may be called so: it is the name of a column that Gristmill adds to a rejected file, or a contract
/// cannot write it. Such a column is carried through instead.
pub(super) fn is_reserved(label: &str) -> bool {
    REJECTION_COLUMNS.contains(&folded(label).as_str())
        || label.trim().contains(char::is_control)
        || label.chars().count() > MAX_LABEL
}

/// The key of our own. Columns of origin that the file brings itself are not added again.
fn extension<'l>(labels: impl Iterator<Item = &'l str>, analysis: Map<String, Value>) -> Option<Value> {
    let names: Vec<String> = labels.map(folded).collect();
    let mut extension = analysis;
    let free: Vec<&str> = Provenance::ALL
        .iter()
        .map(|column| column.as_str())
        .filter(|name| !names.iter().any(|other| other == name))
        .collect();
    if free.len() < Provenance::ALL.len() {
        extension.insert("provenance".to_owned(), json!(free));
    }
    (!extension.is_empty()).then_some(Value::Object(extension))
}

/// The type that nearly all values of a column have.
fn typed<'a>(column: &'a Column, candidates: &'a [Candidate]) -> Drafted<'a> {
    let text = Drafted::text(column);
    let mut best: Option<(usize, &Candidate, u64)> = None;
    let mut rival = None;
    for (index, (candidate, fits)) in candidates.iter().zip(&column.fits).enumerate() {
        if !candidate.is_plausible(column) {
            continue;
        }
        match best {
            Some((_, other, most)) if *fits == most && candidate.is_mirror_of(other) => {
                rival = Some(candidate)
            }
            // Digits that are days beat digits that are only digits.
            Some((_, _, most)) if *fits < most || (*fits == most && !candidate.is_compact_day()) => {}
            _ => (best, rival) = (Some((index, candidate, *fits)), None),
        }
    }
    let Some((index, candidate, fits)) = best.filter(|(_, _, fits)| *fits > 0) else { return text };
    let misfit = column.misfits.get(index).and_then(Option::as_ref);
    if (column.values - fits) * TOLERATED > column.values {
        let near = (fits * 2 >= column.values).then(|| (candidate.name(), fits));
        return Drafted { near, misfit, ..text };
    }
    if candidate.kind == FieldType::Integer && column.codes > 0 {
        return Drafted { is_code: true, ..text };
    }
    if let (Some(one), Some(other)) = (candidate.writing(), rival.and_then(Candidate::writing)) {
        return Drafted { mirrored: Some((one, other)), ..text };
    }
    // A sample without a fraction does not make an amount a whole number.
    let candidate = match candidate.kind {
        FieldType::Integer if names::is_amount(&column.label) => number(candidates).unwrap_or(candidate),
        _ => candidate,
    };
    Drafted { candidate: Some(candidate), fits, misfit, ..text }
}

fn number(candidates: &[Candidate]) -> Option<&Candidate> {
    candidates.iter().find(|candidate| candidate.kind == FieldType::Number && candidate.is_usual())
}

/// The texts that stand for "no value": those that can mean nothing else, and those in columns of numbers or dates.
fn missing_values(drafted: &[Drafted<'_>]) -> Vec<&'static str> {
    let is_used = |index: usize, certain: bool| {
        drafted.iter().any(|drafted| {
            let count = drafted.column.missing.get(index).copied().unwrap_or(0);
            count > 0 && (certain || drafted.candidate.is_some())
        })
    };
    let entries = MISSING.iter().enumerate();
    let used = entries.filter(|(index, (text, certain))| text.is_empty() || is_used(*index, *certain));
    used.map(|(_, (text, _))| *text).collect()
}

/// Adds what all values of the column have in common.
fn constrain(drafted: &mut Drafted<'_>, rows: u64, missing: &[&str], free: bool) {
    drafted.missing = drafted.column.missing_among(missing);
    if free {
        drafted.taken_back = true;
        return;
    }
    // In a text, spaces count as nothing where a value is required.
    let spaces = drafted.column.missing_among(&[" "]) > 0 || drafted.column.blank > 0;
    drafted.required = rows > 0 && drafted.missing == 0 && !(drafted.kind() == FieldType::String && spaces);
    if drafted.is_number() {
        let limits = drafted
            .column
            .numbers
            .and_then(|(least, most)| names::limits(&drafted.column.label, least, most));
        drafted.maximum = limits.map(|(_, most)| most);
        let signed = drafted.column.negative > 0 || names::may_be_negative(&drafted.column.label);
        let not_negative = (!signed).then_some(0);
        drafted.minimum = limits.map(|(least, _)| least).or(not_negative);
    }
    enumerate(drafted, rows, missing);
}

/// The values of a column of words with few of them, none of them rare.
fn enumerate(drafted: &mut Drafted<'_>, rows: u64, missing: &[&str]) {
    let label = &drafted.column.label;
    let is_open = names::is_key(label) || names::is_personal(label);
    if !drafted.is_words() || is_open || rows < MIN_ENUM_ROWS {
        return;
    }
    let Some(distinct) = drafted.distinct(missing) else { return };
    let values: u64 = distinct.iter().map(|(_, count)| count).sum();
    let (rare, common): (Vec<_>, Vec<_>) =
        distinct.into_iter().partition(|(_, count)| count * ENUM_SHARE < values);
    if !(2..=MAX_ENUM).contains(&common.len()) {
        return;
    }
    let rest: u64 = rare.iter().map(|(_, count)| count).sum();
    if rare.is_empty() {
        drafted.allowed = Some(common.into_iter().map(|(value, _)| value).collect());
    } else if rest * 20 <= values {
        drafted.rare = rare.into_iter().max_by_key(|(_, count)| *count);
    }
}

/// The first column that looks like a key becomes the primary key.
fn key(drafted: &mut [Drafted<'_>], rows: u64) {
    if rows < MIN_KEY_ROWS {
        return;
    }
    let fits = |drafted: &&mut Drafted<'_>| {
        drafted.column.is_unique() && drafted.missing == 0 && drafted.misfits() == 0
    };
    if let Some(key) = drafted.iter_mut().find(fits) {
        key.roles.push(Role::Key);
        return;
    }
    let nearly = |drafted: &&mut Drafted<'_>| {
        let repeated = drafted.column.repeated;
        repeated > 0 && repeated * KEY_SHARE <= rows
    };
    if let Some(key) = drafted.iter_mut().find(nearly) {
        key.is_key_but_repeated = true;
    }
}

fn field(drafted: &Drafted<'_>) -> Value {
    let mut field = Map::new();
    field.insert("name".to_owned(), json!(drafted.column.label));
    field.insert("type".to_owned(), json!(drafted.kind().as_str()));
    if let Some(candidate) = drafted.candidate {
        candidate.write(&mut field);
    }
    let mut constraints = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            constraints.insert(key.to_owned(), value);
        }
    };
    put("required", drafted.required.then(|| json!(true)));
    put("minimum", drafted.minimum.map(|least| json!(least)));
    put("maximum", drafted.maximum.map(|most| json!(most)));
    put("enum", drafted.allowed.as_ref().map(|values| json!(values)));
    if !constraints.is_empty() {
        field.insert("constraints".to_owned(), Value::Object(constraints));
    }
    Value::Object(field)
}

/// A dataset's name: lower-case letters, digits, and `.`, `_` and `-` inside.
fn dataset_name(name: &str) -> String {
    let lower = crate::keys::stem(name).to_lowercase();
    let mut name = lower.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).to_owned();
    name.truncate(MAX_NAME_BYTES);
    if name.is_empty() { "dataset".to_owned() } else { name }
}

fn title(name: &str) -> String {
    let spaced = name.replace(['_', '-', '.'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
