//! What was rejected and why, and where everything lies.

use shared::manifest::{Manifest, Output, Status};

use super::Caps;
use super::advice;
use super::plain::{count, plain};

const MAX_REJECTIONS: usize = 10;

/// One reason for rejection.
#[derive(Debug)]
pub(super) struct Rejection {
    pub(super) count: String,
    pub(super) what: String,
    pub(super) code: String,
    pub(super) first: String,
    pub(super) fix: &'static str,
}

/// Where an output lies.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) label: &'static str,
    pub(super) path: String,
    pub(super) records: String,
    /// Whether the path is an address that can be opened: the settings' base and a key.
    pub(super) is_link: bool,
}

/// The most frequent reasons.
pub(super) fn reasons(manifest: &Manifest, caps: Caps) -> Vec<Rejection> {
    let reason = |violation: &shared::manifest::ViolationCount| {
        let what = advice::what(violation.code);
        let column = violation.column.as_deref().map(|column| plain(column, 60));
        Rejection {
            count: count(violation.count),
            what: column.map_or_else(|| what.to_owned(), |column| format!("{column}: {what}")),
            code: violation.code.to_string(),
            first: format!(
                "First in row {}: {}",
                count(violation.first_row),
                plain(&violation.first_reason, caps.characters.min(300))
            ),
            fix: advice::fix(violation.code),
        }
    };
    manifest.violations.iter().take(MAX_REJECTIONS).map(reason).collect()
}

/// How many reasons there are beyond those shown.
pub(super) fn left_out(manifest: &Manifest) -> usize {
    manifest.violations.len().saturating_sub(MAX_REJECTIONS)
}

/// Where the outputs lie, what needs work first.
pub(super) fn places(manifest: &Manifest, base: Option<&str>) -> Vec<Place> {
    let outputs = &manifest.outputs;
    let of = |label, unit, output: &Option<Output>| {
        let output = output.as_ref()?;
        let records = if output.records == 1 {
            format!("1 {unit}")
        } else {
            format!("{} {unit}s", count(output.records))
        };
        // A base from the settings is taken as it is; a key is cleaned like anything else.
        let key = plain(&output.key, 300);
        // Keys are made of these characters; another one has no place in an address.
        let is_safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        let is_link =
            base.is_some_and(|base| base.starts_with("https://")) && output.key.chars().all(is_safe);
        let path = base.map_or_else(|| key.clone(), |base| format!("{}/{key}", base.trim_end_matches('/')));
        Some(Place { label, path, records, is_link })
    };
    // The accepted rows of a held file were not analysed, so its rejected rows alone are not to be dropped again.
    let rejected = match manifest.status {
        Status::Completed => "Rejected rows, to be corrected in place and dropped again",
        Status::Rejected | Status::Held => "Rejected rows",
    };
    let places = [
        of(rejected, "row", &outputs.rejected),
        of("Every violation, one line each", "violation", &outputs.errors),
        of("Accepted rows", "row", &outputs.processed),
    ];
    places.into_iter().flatten().collect()
}
