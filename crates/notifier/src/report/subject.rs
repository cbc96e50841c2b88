//! The subject: the news in one line.

use shared::keys::file_name;
use shared::manifest::{Manifest, Status};
use shared::record::{AnalysisRecord, Level};

use super::figures;
use super::plain::{count, cut, plain, rows};
use super::view::held;

/// The longest subject, in characters.
const MAX_SUBJECT: usize = 120;

/// The subject of a mail about a run.
pub(super) fn of(manifest: &Manifest, record: Option<&AnalysisRecord>, title: &str) -> String {
    let title = cut(title, 50);
    let file = plain(file_name(&manifest.source.key), 40);
    let code = manifest.code.map_or("", |code| code.as_str());
    let (total, rejected) = (manifest.rows.total, manifest.rows.rejected);
    let subject = match manifest.status {
        Status::Rejected => format!("{title}: {file} was refused ({code})"),
        Status::Held => format!("{title}: {file} is held, {}", held(manifest)),
        Status::Completed if total == 0 => format!("{title}: the file has no rows"),
        Status::Completed if rejected == total && total == 1 => format!("{title}: its one row was rejected"),
        Status::Completed if rejected == total => format!("{title}: all {} rejected", rows(total)),
        Status::Completed => {
            let accepted = if rejected == 0 && total > 1 {
                format!("all {}", rows(total))
            } else {
                format!("{} of {}", count(manifest.rows.valid), rows(total))
            };
            format!("{title}: {accepted} accepted{}", record.map(news).unwrap_or_default())
        }
    };
    plain(&subject, MAX_SUBJECT)
}

/// What else is worth a look: serious findings, or else who leads.
fn news(record: &AnalysisRecord) -> String {
    match record.anomalies.iter().filter(|anomaly| anomaly.severity == Level::High).count() {
        0 => figures::leader(&record.facts)
            .filter(|name| is_plain_name(name))
            .map(|name| format!(", {} leads", name.trim()))
            .unwrap_or_default(),
        1 => ", 1 serious finding".to_owned(),
        many => format!(", {many} serious findings"),
    }
}

/// Whether a value of the file is fit for a subject: short, and nothing that could pass for an address, a header
/// or a message of its own.
fn is_plain_name(name: &str) -> bool {
    let fits = (1..=30).contains(&name.trim().chars().count());
    let harmless = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '+' | '&' | '\'' | '(' | ')');
    fits && name.chars().all(harmless)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_short_plain_name_gets_into_a_subject() {
        for name in ["iPhone 15", "Find N2 Flip", "Côte d'Ivoire", "東京", "A&B (new)"] {
            assert!(is_plain_name(name), "{name}");
        }
        for name in
            ["", " ", "evil.example", "x@y", "a\r\nBcc: x", "http://x", "a\u{202e}b", "<b>", &"x".repeat(31)]
        {
            assert!(!is_plain_name(name), "{name:?}");
        }
    }
}
