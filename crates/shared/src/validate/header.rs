//! Whether a header fits a contract.

use crate::contract::{Contract, FieldsMatchWord, folded, own_labels};
use crate::rows::Limits;
use crate::violation::{FileCode, Verdict};

/// How a header fits a contract.
#[derive(Debug)]
pub(super) struct Fit {
    /// For each field of the contract, its position in the file.
    pub(super) positions: Vec<Option<usize>>,
    /// The file's own column names.
    pub(super) own_labels: Vec<String>,
    pub(super) notes: Vec<String>,
}

pub(super) fn fit(contract: &Contract, labels: &[String], limits: &Limits) -> Result<Fit, Verdict> {
    let own = own_labels(labels);
    if own.len() > limits.columns {
        return Err(Verdict::new(
            FileCode::TooManyColumns,
            format!("the header has {} columns; at most {} are accepted", own.len(), limits.columns),
        ));
    }
    let names: Vec<String> = own.iter().map(|label| folded(label)).collect();
    let positions: Vec<Option<usize>> = contract
        .fields
        .iter()
        .map(|field| {
            let wanted = folded(&field.name);
            names.iter().position(|name| *name == wanted)
        })
        .collect();
    missing(contract, &positions, own)?;
    check_names(&names, own)?;
    if let Some(word) = contract.fields_match {
        further(contract, word, &positions, own)?;
        in_order(contract, word, &positions, own)?;
    }
    let notes = notes(contract, &positions, own, labels.len());
    Ok(Fit { positions, own_labels: own.to_vec(), notes })
}

/// Whether each column has a name of its own.
///
/// # Errors
/// The verdict over a file with a column without a name, or with two of the same name.
pub fn check_labels(labels: &[String]) -> Result<(), Verdict> {
    let own = own_labels(labels);
    let names: Vec<String> = own.iter().map(|label| folded(label)).collect();
    check_names(&names, own)
}

fn check_names(names: &[String], labels: &[String]) -> Result<(), Verdict> {
    blank(names)?;
    repeated(names, labels)
}

/// Refuses a header that lacks a column. Which ones must be there depends on `fieldsMatch`; without it, those that
/// are required or part of the primary key.
fn missing(contract: &Contract, positions: &[Option<usize>], labels: &[String]) -> Result<(), Verdict> {
    use FieldsMatchWord::{Equal, Exact, Partial, Subset};
    let is_key = |index: usize| contract.primary_key.contains(&index);
    let all = matches!(contract.fields_match, Some(Exact | Equal | Subset));
    let missing: Vec<&str> = contract
        .fields
        .iter()
        .zip(positions)
        .enumerate()
        .filter(|(index, (field, position))| {
            position.is_none() && (all || field.constraints.required || is_key(*index))
        })
        .map(|(_, (field, _))| field.name.as_str())
        .collect();
    let what = if !missing.is_empty() {
        let columns = if missing.len() == 1 { "column" } else { "columns" };
        let required = if all { "" } else { "required " };
        format!("the {required}{columns} {}", missing.join(", "))
    } else if contract.fields_match == Some(Partial) && positions.iter().all(Option::is_none) {
        "any column of the contract".to_owned()
    } else {
        return Ok(());
    };
    Err(Verdict::new(
        FileCode::MissingLabel,
        format!(
            "the first line has no name for {what}. {}. Put the column names in the first line of the file",
            expected_and_found(contract, labels),
        ),
    ))
}

/// Refuses columns that are not the contract's, where it allows no others.
fn further(
    contract: &Contract,
    word: FieldsMatchWord,
    positions: &[Option<usize>],
    labels: &[String],
) -> Result<(), Verdict> {
    let is_known = |place: usize| positions.contains(&Some(place));
    let further: Vec<String> = labels
        .iter()
        .enumerate()
        .filter(|(place, _)| !is_known(*place))
        .map(|(_, label)| label.clone())
        .collect();
    if further.is_empty() || matches!(word, FieldsMatchWord::Subset | FieldsMatchWord::Partial) {
        return Ok(());
    }
    let (columns, them) = if further.len() == 1 { ("a column", "it") } else { ("columns", "them") };
    Err(Verdict::new(
        FileCode::ExtraLabel,
        format!(
            "the first line names {columns} that the contract does not allow: {}. {}. Remove {them}, or change \
             fieldsMatch in the contract",
            found(&further),
            expected_and_found(contract, labels),
        ),
    ))
}

/// Refuses columns in another order, where the contract fixes it.
fn in_order(
    contract: &Contract,
    word: FieldsMatchWord,
    positions: &[Option<usize>],
    labels: &[String],
) -> Result<(), Verdict> {
    let misplaced = positions.iter().enumerate().find(|(index, position)| **position != Some(*index));
    let (FieldsMatchWord::Exact, Some((index, _))) = (word, misplaced) else { return Ok(()) };
    let wanted = contract.fields.get(index).map(|field| field.name.as_str()).unwrap_or_default();
    let there = labels.get(index).cloned().unwrap_or_default();
    Err(Verdict::new(
        FileCode::IncorrectLabel,
        format!(
            "column {} is {}, where the contract has {wanted}. {}. Put the columns in the contract's order, or change \
             fieldsMatch in the contract",
            index + 1,
            found(&[there]),
            expected_and_found(contract, labels),
        ),
    ))
}

fn expected_and_found(contract: &Contract, labels: &[String]) -> String {
    let expected: Vec<&str> = contract.fields.iter().map(|field| field.name.as_str()).collect();
    format!("Expected were: {}. Found: {}", expected.join(", "), found(labels))
}

/// The labels that were found, as far as a person would read them.
fn found(labels: &[String]) -> String {
    let mut text = String::new();
    for (index, label) in labels.iter().enumerate().take(30) {
        if index > 0 {
            text.push_str(", ");
        }
        super::findings::push_visible(&mut text, label.as_bytes());
    }
    if labels.len() > 30 {
        text.push_str(", …");
    }
    text
}

fn blank(names: &[String]) -> Result<(), Verdict> {
    match names.iter().position(String::is_empty) {
        None => Ok(()),
        Some(at) => Err(Verdict::new(
            FileCode::BlankLabel,
            format!("column {} has no name in the first line; give it one, or remove the column", at + 1),
        )),
    }
}

fn repeated(names: &[String], labels: &[String]) -> Result<(), Verdict> {
    for (later, name) in names.iter().enumerate() {
        if let Some(earlier) = names.iter().take(later).position(|other| other == name) {
            let label = labels.get(later).map(String::as_str).unwrap_or_default();
            return Err(Verdict::new(
                FileCode::DuplicateLabel,
                format!(
                    "columns {} and {} are both named \"{label}\"; rename or remove one of them",
                    earlier + 1,
                    later + 1
                ),
            ));
        }
    }
    Ok(())
}

fn notes(contract: &Contract, positions: &[Option<usize>], own: &[String], width: usize) -> Vec<String> {
    let mut notes = Vec::new();
    let absent: Vec<&str> = contract
        .fields
        .iter()
        .zip(positions)
        .filter(|(_, position)| position.is_none())
        .map(|(field, _)| field.name.as_str())
        .collect();
    if !absent.is_empty() {
        notes.push(format!("optional columns that are not in the file: {}", absent.join(", ")));
    }
    let present = positions.iter().flatten().count();
    if own.len() > present {
        let extra = own.len() - present;
        notes.push(match extra {
            1 => "1 column of the file is not in the contract and was carried through".to_owned(),
            _ => format!("{extra} columns of the file are not in the contract and were carried through"),
        });
    }
    if width > own.len() {
        notes.push("a rejected file that came back: its last three columns were ignored".to_owned());
    }
    notes
}
