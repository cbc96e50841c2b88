//! What the standard has no word for: the key `gristmill`, and `checks` with their formulas.

use rust_decimal::Decimal;

use super::node::{Node, Object, Problems, quoted};
use super::suggestion::suggestion;
use super::table::{Column, Table};
use super::{Analysis, Derived, Provenance, Routing, analysis};
use crate::contract::REJECTION_COLUMNS;
use crate::formula::{Formula, Kind};

/// The keys of `gristmill`.
pub(super) const KEYS: [&str; 5] = ["routing", "derive", "provenance", "personal", "analysis"];
/// The keys of `gristmill.routing`.
pub(super) const ROUTING_KEYS: [&str; 5] =
    ["results", "problems", "max_rejected_ratio", "min_rows", "min_filled"];
/// The keys of an entry of `gristmill.derive`.
pub(super) const DERIVE_KEYS: [&str; 2] = ["name", "formula"];

/// The most checks, derived columns, measures and so on.
const MAX_ENTRIES: usize = 64;
/// The most addresses for one mail: SES takes 50 recipients per message
/// (`https://docs.aws.amazon.com/ses/latest/dg/quotas.html`).
const MAX_ADDRESSES: usize = 50;
/// The longest address (RFC 5321, section 4.5.3.1.3, less the angle brackets).
const MAX_ADDRESS_BYTES: usize = 254;

/// What `gristmill` says.
#[derive(Default)]
pub(super) struct Extension {
    pub(super) routing: Routing,
    pub(super) derive: Vec<Derived>,
    pub(super) provenance: Vec<Provenance>,
    pub(super) analysis: Analysis,
}

/// Reads `gristmill`, and marks the personal fields of the table.
pub(super) fn read(root: &Object<'_>, table: &mut Table, problems: &Problems) -> Extension {
    let mut extension = Extension { provenance: Provenance::ALL.to_vec(), ..Extension::default() };
    let object = root.get("gristmill").and_then(|node| {
        node.object(
            "Gristmill's part: write an object with routing, derive, provenance, personal or analysis",
        )
    });
    if let Some(object) = object {
        object.only(&KEYS, &[]);
        if let Some(node) = object.get("provenance") {
            extension.provenance = provenance(&node);
        }
        if let Some(node) = object.get("routing") {
            extension.routing = routing(&node, table).unwrap_or_default();
        }
        if let Some(node) = object.get("derive") {
            extension.derive = derive(&node, table);
        }
        if let Some(node) = object.get("personal") {
            mark_personal(&node, table);
        }
        if let Some(node) = object.get("analysis") {
            extension.analysis = analysis::read(&node, table, &extension.derive).unwrap_or_default();
        }
    }
    check_field_names(table, &extension.provenance, problems);
    extension
}

/// Refuses fields that could not be told from the columns that Gristmill adds.
fn check_field_names(table: &Table, provenance: &[Provenance], problems: &Problems) {
    for (index, name) in table.names().enumerate() {
        let pointer = format!("/schema/fields/{index}/name");
        if REJECTION_COLUMNS.contains(&name) {
            let message =
                format!("{} is a column that Gristmill adds to rejected records: rename it", quoted(name));
            problems.add(&pointer, message);
        } else if provenance.iter().any(|column| column.as_str() == name) {
            problems.add(
                &pointer,
                format!(
                    "{} is a column that Gristmill adds to processed records: rename it, or list only the other \
                     columns under gristmill.provenance",
                    quoted(name)
                ),
            );
        }
    }
}

fn provenance(node: &Node<'_>) -> Vec<Provenance> {
    let names = Provenance::ALL.map(Provenance::as_str);
    let expected = format!("a list of columns of origin: write some of {}, or []", names.join(", "));
    let mut chosen = Vec::new();
    for item in node.items(&expected, MAX_ENTRIES) {
        let Some(name) = item.text("the name of a column of origin") else { continue };
        match Provenance::ALL.into_iter().find(|column| column.as_str() == name) {
            Some(column) if chosen.contains(&column) => {
                item.refuse("this column is listed twice: list it once")
            }
            Some(column) => chosen.push(column),
            None => item.refuse(suggestion("column of origin", name, names.into_iter())),
        }
    }
    Provenance::ALL.into_iter().filter(|column| chosen.contains(column)).collect()
}

fn routing(node: &Node<'_>, table: &Table) -> Option<Routing> {
    let object = node.object(
        "routing: write an object with results, problems, max_rejected_ratio, min_rows or min_filled",
    )?;
    object.only(&ROUTING_KEYS, &[]);
    let addresses = |key: &str| object.get(key).map(|node| addresses(&node)).unwrap_or_default();
    let min_rows = object.get("min_rows").and_then(|node| {
        let count = node.value.as_u64();
        if count.is_none() {
            node.is_not("a number of rows: write a whole number of 0 or more, such as 100, without quotes");
        }
        count
    });
    Some(Routing {
        results: addresses("results"),
        problems: addresses("problems"),
        max_rejected_ratio: object.get("max_rejected_ratio").and_then(|node| share(&node)),
        min_rows,
        min_filled: object.get("min_filled").map(|node| min_filled(&node, table)).unwrap_or_default(),
    })
}

fn min_filled(node: &Node<'_>, table: &Table) -> Vec<(usize, Decimal)> {
    let Some(object) = node.object("shares by column: write an object such as {\"customer_review\": 0.8}")
    else {
        return Vec::new();
    };
    let mut shares = Vec::new();
    for name in object.keys() {
        let Some(node) = object.get(name) else { continue };
        match table.index(name) {
            Some(index) => shares.extend(share(&node).map(|share| (index, share))),
            // Without any readable field the schema is to blame, and has been blamed.
            None if table.fields.is_empty() => {}
            None => node.refuse(suggestion("field", name, table.names())),
        }
    }
    shares
}

/// A number from 0 to 1.
fn share(node: &Node<'_>) -> Option<Decimal> {
    let expected = "a share: write a number from 0 to 1, such as 0.2";
    let share = node.decimal(expected)?;
    let in_range = (Decimal::ZERO..=Decimal::ONE).contains(&share);
    if !in_range {
        node.is_not(expected);
    }
    in_range.then_some(share)
}

fn addresses(node: &Node<'_>) -> Vec<String> {
    let expected = "a list of e-mail addresses: write [\"owner@example.com\"]";
    let mut addresses: Vec<String> = Vec::new();
    for item in node.items(expected, MAX_ADDRESSES) {
        let expected = "an e-mail address: write one such as \"owner@example.com\"";
        match item.text(expected) {
            Some(address) if !is_address(address) => item.is_not(expected),
            Some(address) if addresses.iter().any(|known| known == address) => {
                item.refuse("this address is listed twice: list it once");
            }
            Some(address) => addresses.push(address.to_owned()),
            None => {}
        }
    }
    addresses
}

/// Whether a text may be an address. Only sending to it can tell more.
fn is_address(text: &str) -> bool {
    let strange = |c: char| c.is_control() || c.is_whitespace() || ",;:<>()[]\"\\".contains(c);
    let halves = text.split_once('@');
    text.len() <= MAX_ADDRESS_BYTES
        && !text.contains(strange)
        && halves.is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !domain.starts_with('.')
        })
}

fn mark_personal(node: &Node<'_>, table: &mut Table) {
    let items = node.items("a list of field names: write [\"email\"]", super::MAX_FIELDS);
    for index in table.distinct_fields(&items) {
        if let Some(field) = table.fields.get_mut(index) {
            field.personal = true;
        }
    }
}

fn derive(node: &Node<'_>, table: &Table) -> Vec<Derived> {
    let mut derived: Vec<Derived> = Vec::new();
    let example = "write [{\"name\": \"total\", \"formula\": \"quantity * unit_price\"}]";
    for item in node.items(&format!("a list of columns to add: {example}"), MAX_ENTRIES) {
        let Some(object) = item.object(&format!("a column to add: {example}")) else { continue };
        object.only(&DERIVE_KEYS, &[]);
        let name = object.required("name", "the new column's name").and_then(|node| {
            let name = node.label("the new column's name", 120)?;
            let free = is_free(&node, name, table, &derived);
            free.then(|| name.to_owned())
        });
        let formula = formula(&object, &table.columns());
        // A column whose formula is broken is still a column that measures and flags may name.
        if let Some(name) = name {
            derived.push(Derived { name, formula: formula.unwrap_or_default() });
        }
    }
    derived
}

fn is_free(node: &Node<'_>, name: &str, table: &Table, derived: &[Derived]) -> bool {
    let taken = if table.index(name).is_some() {
        "a field of the file"
    } else if derived.iter().any(|known| known.name == name) {
        "another derived column"
    } else if Provenance::ALL.into_iter().any(|column| column.as_str() == name) {
        "a column of origin"
    } else if REJECTION_COLUMNS.contains(&name) {
        "a column of the rejected file"
    } else {
        return true;
    };
    node.refuse(format!("{} is {taken} already: choose another name", quoted(name)));
    false
}

/// Reads the formula of an object; its columns must be among the known ones.
fn formula(object: &Object<'_>, known: &[Column<'_>]) -> Option<Formula> {
    read_formula(object, known).map(|(formula, _)| formula)
}

/// Reads a formula that must tell true from false.
pub(super) fn condition(object: &Object<'_>, known: &[Column<'_>]) -> Option<Formula> {
    let (formula, kind) = read_formula(object, known)?;
    if kind.is_some_and(|kind| kind != Kind::Boolean)
        && let Some(node) = object.get("formula")
    {
        node.refuse("the formula is no condition: compare something, as in \"quantity > 0\"");
    }
    Some(formula)
}

fn read_formula(object: &Object<'_>, known: &[Column<'_>]) -> Option<(Formula, Option<Kind>)> {
    let example = "a formula: write one such as \"quantity * unit_price\"";
    let node = object.required("formula", example)?;
    let formula = match Formula::parse(node.text(example)?) {
        Ok(formula) => formula,
        Err(error) => {
            node.refuse(error.to_string());
            return None;
        }
    };
    let names = || known.iter().map(|(name, _)| *name);
    for column in formula.columns() {
        // Without any readable field the schema is to blame, and has been blamed.
        if !known.is_empty() && !names().any(|name| name == column) {
            node.refuse(suggestion("field", column, names()));
        }
    }
    let kind_of = |column: &str| known.iter().find(|(name, _)| *name == column).and_then(|(_, kind)| *kind);
    match formula.kind(kind_of) {
        Ok(kind) => Some((formula, kind)),
        Err(why) => {
            node.refuse(why);
            None
        }
    }
}

/// Reads `checks`.
pub(super) fn checks(root: &Object<'_>, table: &Table) -> Vec<Formula> {
    let example = "write [{\"type\": \"row-constraint\", \"formula\": \"low <= high\"}]";
    let Some(node) = root.get("checks") else { return Vec::new() };
    let one = |item: Node<'_>| {
        let object = item.object(&format!("a check: {example}"))?;
        let kind = object.required("type", "\"row-constraint\"")?;
        if kind.value.as_str() != Some("row-constraint") {
            kind.is_not("a check that is supported: write \"row-constraint\", the only one so far");
            return None;
        }
        condition(&object, &table.columns())
    };
    node.items(&format!("a list of checks: {example}"), MAX_ENTRIES).into_iter().filter_map(one).collect()
}
