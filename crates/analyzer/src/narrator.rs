//! Words for the facts.
//!
//! The [built-in narrator](built_in) writes them from the facts alone. The [model narrator](model) asks a language
//! model and keeps what stands a check against the facts; with nothing worth keeping, the built-in one steps in and
//! the record says why.
//!
//! What is about the quality of the data (rejected rows, flags, missing values, what was left out) is never left to
//! a model: the built-in narrator's sentences about it are part of every report.

pub mod built_in;
mod index;
pub mod model;
#[cfg(test)]
pub(crate) mod testing;
mod text;
mod wording;

use shared::contract::Contract;
use shared::manifest::Manifest;
use shared::ports::Model;
use shared::record::{ModelUse, Narrative, NarratorKind};

use crate::facts::Findings;

/// What a narrator writes about.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// The contract that judged the run.
    pub contract: &'a Contract,
    /// The run.
    pub manifest: &'a Manifest,
    /// What was found in its valid records.
    pub findings: &'a Findings,
}

/// The words, and where they come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Narration {
    /// The words.
    pub narrative: Narrative,
    /// Who wrote them.
    pub narrator: NarratorKind,
    /// Why it was not the model, or not the model alone.
    pub reason: Option<String>,
    /// The model's part; also there when its words were not used, since they were paid for.
    pub model: Option<ModelUse>,
}

impl Narration {
    /// The built-in narrator's words, and why they are its.
    #[must_use]
    pub fn built_in(material: &Material<'_>, reason: impl Into<String>, model: Option<ModelUse>) -> Self {
        Self {
            narrative: built_in::narrate(material),
            narrator: NarratorKind::BuiltIn,
            reason: Some(reason.into()),
            model,
        }
    }
}

/// Writes the report: with the model where there is one and something to tell, else without. It never fails,
/// because a report without a model's words is still a report.
pub async fn narrate<M: Model>(
    material: &Material<'_>,
    model: Option<&M>,
    max_output_tokens: u32,
) -> Narration {
    if material.findings.rows == 0 {
        return Narration::built_in(material, "there are no valid rows to write about", None);
    }
    match model {
        Some(model) => model::narrate(material, model, max_output_tokens).await,
        None => Narration::built_in(material, "no model is configured", None),
    }
}
