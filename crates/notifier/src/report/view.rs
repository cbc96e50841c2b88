//! What both templates show. Everything in it is plain, clean text.

use shared::contract::Contract;
use shared::keys::file_name;
use shared::manifest::{Manifest, Status};
use shared::record::{AnalysisRecord, Level, NarratorKind};
use shared::violation::FileCode;

use super::figures::Figures;
use super::plain::{count, plain, rows, size, spoken, were};
use super::rejections::{self, Place, Rejection};
use super::{Caps, Report, advice, subject};

/// How a run went, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Mixed,
    Bad,
}

/// A number worth a large font.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) value: String,
    pub(super) label: &'static str,
}

/// A sentence of the analysis.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) tag: String,
    pub(super) text: String,
    pub(super) is_high: bool,
}

/// The sentences of one section.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) shown: Vec<Finding>,
    pub(super) left_out: usize,
}

/// A mail.
#[derive(Debug)]
pub(super) struct View {
    pub(super) subject: String,
    pub(super) title: String,
    pub(super) file: String,
    pub(super) tone: Tone,
    pub(super) verdict: String,
    /// What the verdict means and what to do, a paragraph each.
    pub(super) remarks: Vec<String>,
    pub(super) tiles: Vec<Tile>,
    pub(super) summary: String,
    pub(super) figures: Figures,
    pub(super) insights: Findings,
    pub(super) anomalies: Findings,
    pub(super) recommendations: Findings,
    pub(super) rejections: Vec<Rejection>,
    pub(super) rejections_left_out: usize,
    pub(super) places: Vec<Place>,
    pub(super) basis: Vec<String>,
}

impl View {
    pub(super) fn of(report: &Report<'_>, caps: Caps) -> Self {
        let manifest = report.manifest;
        let title = plain(report.contract.map_or(manifest.dataset.as_str(), |c| c.title.as_str()), 80);
        let (tone, verdict) = verdict(manifest);
        let record = report.record;
        Self {
            subject: subject::of(manifest, record, &title),
            title,
            file: plain(file_name(&manifest.source.key), 120),
            tone,
            verdict,
            remarks: remarks(manifest, caps),
            tiles: tiles(manifest),
            summary: record.map(|r| plain(&r.summary, caps.characters * 2)).unwrap_or_default(),
            figures: record.map(|r| Figures::of(&r.facts, caps.charts)).unwrap_or_default(),
            insights: record.map(|r| insights(r, caps)).unwrap_or_default(),
            anomalies: record.map(|r| anomalies(r, caps)).unwrap_or_default(),
            recommendations: record.map(|r| recommendations(r, caps)).unwrap_or_default(),
            rejections: rejections::reasons(manifest, caps),
            rejections_left_out: rejections::left_out(manifest),
            places: rejections::places(manifest, report.output_base),
            basis: basis(manifest, record, report.contract),
        }
    }
}

fn verdict(manifest: &Manifest) -> (Tone, String) {
    let (total, valid, rejected) = (manifest.rows.total, manifest.rows.valid, manifest.rows.rejected);
    match manifest.status {
        Status::Rejected => (Tone::Bad, "The file was refused.".to_owned()),
        Status::Held => (Tone::Bad, format!("The file is held: {}.", held(manifest))),
        Status::Completed if total == 0 => (Tone::Mixed, "The file has no rows.".to_owned()),
        Status::Completed if valid == 0 && total == 1 => (Tone::Bad, "The one row was rejected.".to_owned()),
        Status::Completed if valid == 0 => (Tone::Bad, format!("All {} rejected.", rows(total))),
        Status::Completed if rejected == 0 && total == 1 => {
            (Tone::Good, "The one row was accepted.".to_owned())
        }
        Status::Completed if rejected == 0 => (Tone::Good, format!("All {} accepted.", rows(total))),
        Status::Completed => (
            Tone::Mixed,
            format!("{} of {} accepted, {} rejected.", count(valid), rows(total), count(rejected)),
        ),
    }
}

/// Why a file is held, in a few words.
pub(super) fn held(manifest: &Manifest) -> String {
    let total = rows(manifest.rows.total);
    match manifest.code {
        Some(FileCode::TooFewRows) => format!("it has only {total}"),
        Some(FileCode::TooFewValues) => format!("values are missing in its {total}"),
        _ => format!("{} of {total} rejected", count(manifest.rows.rejected)),
    }
}

fn remarks(manifest: &Manifest, caps: Caps) -> Vec<String> {
    let consequence = match manifest.status {
        Status::Rejected => "Nothing of it was processed or analysed.",
        Status::Held => "It was split, but it is not analysed.",
        Status::Completed if manifest.rows.total == 0 => "There was nothing to check or to analyse.",
        Status::Completed if manifest.rows.valid == 0 => "Nothing was left to analyse.",
        Status::Completed => return Vec::new(),
    };
    let reason =
        manifest.reason.as_deref().map(|reason| plain(reason, caps.characters * 3)).filter(|r| !r.is_empty());
    let advice = match manifest.code {
        Some(code) => Some(format!("What to do: {} (Code: {code}.)", advice::fix_file(code))),
        None if manifest.rows.rejected > 0 => {
            Some("What to do: correct the rows in the rejected file and drop it again.".to_owned())
        }
        None => None,
    };
    [reason, Some(consequence.to_owned()), advice].into_iter().flatten().collect()
}

fn tiles(manifest: &Manifest) -> Vec<Tile> {
    let rows = manifest.rows;
    if rows.total == 0 {
        return Vec::new();
    }
    let tile = |value, label| Tile { value: count(value), label };
    vec![tile(rows.total, "in the file"), tile(rows.valid, "accepted"), tile(rows.rejected, "rejected")]
}

fn section(mut all: Vec<(Level, Finding)>, caps: Caps) -> Findings {
    all.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
    let left_out = all.len().saturating_sub(caps.findings);
    Findings { shown: all.into_iter().take(caps.findings).map(|(_, finding)| finding).collect(), left_out }
}

fn finding(level: Level, tag: String, text: &str, caps: Caps) -> (Level, Finding) {
    (level, Finding { tag, text: plain(text, caps.characters), is_high: level == Level::High })
}

fn insights(record: &AnalysisRecord, caps: Caps) -> Findings {
    // Kept in the narrator's order: it is the order of importance, and confidence is no measure of that.
    let all = record.insights.iter().map(|i| {
        let tag = format!("{}, {} confidence", spoken(&i.kind), i.confidence.as_str());
        let (_, insight) = finding(i.confidence, tag, &i.description, caps);
        (Level::Low, Finding { is_high: false, ..insight })
    });
    section(all.collect(), caps)
}

fn anomalies(record: &AnalysisRecord, caps: Caps) -> Findings {
    let all = record.anomalies.iter().map(|a| {
        let tag = format!("{} severity, {}", a.severity.as_str(), spoken(&a.kind));
        finding(a.severity, tag, &a.description, caps)
    });
    section(all.collect(), caps)
}

fn recommendations(record: &AnalysisRecord, caps: Caps) -> Findings {
    let all = record.recommendations.iter().map(|r| {
        let tag = format!("{} priority, {}", r.priority.as_str(), spoken(&r.category));
        finding(r.priority, tag, &r.action, caps)
    });
    section(all.collect(), caps)
}

fn basis(manifest: &Manifest, record: Option<&AnalysisRecord>, contract: Option<&Contract>) -> Vec<String> {
    let source = &manifest.source;
    let received = plain(&manifest.received_at, 40);
    let mut basis =
        vec![format!("File: {}, {}, received {received}.", plain(&source.key, 300), size(source.size))];
    if manifest.contract.inferred {
        basis.push(
            "No contract fits this file. It was profiled under one drafted from its header, so only broken rows were rejected."
                .to_owned(),
        );
    } else if let Some(contract) = contract {
        basis.push(format!("Contract: {}.", plain(&contract.name, 80)));
    }
    if let Some(record) = record {
        basis.push(analysed(manifest, record));
        basis.push(narrator(record));
        basis.push(cost(record));
    }
    for note in manifest.read_as.iter().flat_map(|read| &read.notes).take(5) {
        basis.push(format!("Noticed: {}", plain(note, 200)));
    }
    basis.push(format!("Run: {}.", manifest.run_id));
    basis
}

fn analysed(manifest: &Manifest, record: &AnalysisRecord) -> String {
    let (analysed, valid) = (record.records_analyzed, manifest.rows.valid);
    match (analysed, valid) {
        (0, _) => "Analysed: no rows.".to_owned(),
        _ if analysed == valid => format!("Analysed: every accepted row, {} in all.", count(analysed)),
        _ => format!("Analysed: {} of {} accepted.", count(analysed), rows(valid)),
    }
}

fn narrator(record: &AnalysisRecord) -> String {
    let withheld = record.model.as_ref().map_or(0, |model| model.sentences_withheld);
    let sentences =
        if withheld == 1 { "1 sentence".to_owned() } else { format!("{} sentences", count(withheld)) };
    let model = record.model.as_ref().map_or_else(|| "the model".to_owned(), |m| plain(&m.id, 80));
    let author = match record.narrator {
        NarratorKind::BuiltIn => "The words were written by Gristmill from the facts.".to_owned(),
        NarratorKind::Bedrock => {
            format!("The words were written by {model}; each sentence was checked against the facts.")
        }
        NarratorKind::Partial => format!(
            "The words were written by {model}; each sentence was checked against the facts, and {sentences} that did not stand the check {} left out.",
            were(withheld)
        ),
    };
    match record.narrator_reason.as_deref().map(|reason| plain(reason, 200)) {
        Some(reason) if !reason.is_empty() => format!("{author} Reason: {}.", reason.trim_end_matches('.')),
        _ => author,
    }
}

fn cost(record: &AnalysisRecord) -> String {
    let Some(model) = &record.model else { return "Model cost: none, no model was asked.".to_owned() };
    let tokens =
        format!("{} tokens read and {} written", count(model.input_tokens), count(model.output_tokens));
    match &model.cost_usd {
        Some(cost) => format!("Model cost: {} US dollars ({tokens}).", plain(cost, 20)),
        None => format!("Model cost: not known, the model has no price on record ({tokens})."),
    }
}
