//! The narrator that asks a language model, and believes none of its numbers.
//!
//! The model is given facts, never rows, and must answer through a tool whose items cite facts. The answer is read
//! as hostile input (`answer`), and each sentence is checked against what it cites (`grounding`). A sentence
//! that fails is left out and counted; when more than three in ten fail, or the summary does, nothing of the answer
//! is used.

mod answer;
mod grounding;
mod price;
mod prompt;

use shared::facts::Fact;
use shared::ports::{Fault, Model, ModelAnswer, StopReason};
use shared::record::{Anomaly, Insight, ModelUse, Narrative, NarratorKind, Recommendation};

use super::built_in;
use super::{Material, Narration};
use answer::{Answer, Claim};
use grounding::Grounding;

/// Above this share of withheld sentences, in tenths, the answer is not used.
const MAX_WITHHELD_TENTHS: u64 = 3;

/// Writes the report with a model's words where they stand the check.
pub(super) async fn narrate<M: Model>(
    material: &Material<'_>,
    model: &M,
    max_output_tokens: u32,
) -> Narration {
    let shown = prompt::shown(material);
    let request = prompt::request(material, &shown, max_output_tokens);
    let answered = match model.ask(&request).await {
        Ok(answered) => answered,
        Err(fault) => return without_answer(material, &fault),
    };
    let mut used = usage(&answered);
    let narration = match read(answered) {
        Ok(answer) => checked(material, &shown, answer, &mut used),
        Err(reason) => Err(reason),
    };
    match narration {
        Ok((narrative, withheld)) => {
            let partial = withheld > 0;
            Narration {
                narrative,
                narrator: if partial { NarratorKind::Partial } else { NarratorKind::Bedrock },
                reason: partial.then(|| left_out(withheld)),
                model: Some(used),
            }
        }
        Err(reason) => {
            tracing::warn!(model.id = used.id, reason, "the model's answer was not used");
            Narration::built_in(material, reason, Some(used))
        }
    }
}

/// The model could not be asked. The adapter has tried again where that could help; the report does not wait.
fn without_answer(material: &Material<'_>, fault: &Fault) -> Narration {
    tracing::warn!(
        error.type = fault.error_type(),
        error.code = fault.code,
        error.source = fault.source.as_ref().map(tracing::field::display),
        "the model could not be asked"
    );
    Narration::built_in(material, format!("the model could not be asked ({})", fault.error_type()), None)
}

fn left_out(withheld: u64) -> String {
    if withheld == 1 {
        "1 sentence did not stand the check against the facts and was left out".to_owned()
    } else {
        format!("{withheld} sentences did not stand the check against the facts and were left out")
    }
}

fn usage(answered: &ModelAnswer) -> ModelUse {
    ModelUse {
        id: answered.model_id.clone(),
        input_tokens: answered.input_tokens,
        output_tokens: answered.output_tokens,
        cost_usd: price::cost_usd(&answered.model_id, answered.input_tokens, answered.output_tokens),
        sentences_withheld: 0,
    }
}

/// The answer, if the model gave one in the form asked for. The reasons are ours: no text of the model is in them.
fn read(answered: ModelAnswer) -> Result<Answer, &'static str> {
    match answered.stop {
        StopReason::ToolUse => {}
        StopReason::MaxTokens => return Err("the model's answer was cut off"),
        StopReason::EndTurn => return Err("the model did not answer through the tool"),
        StopReason::Filtered => return Err("a filter stopped the model's answer"),
        StopReason::Malformed => return Err("the model's answer was not well formed"),
        StopReason::Other(_) => return Err("the model stopped for a reason that is not known"),
    }
    let input = answered.tool_input.ok_or("the model did not answer through the tool")?;
    Answer::parse(input).map_err(|_| "the model's answer was not of the form asked for")
}

/// The sentences that stand the check, and how many do not; or why the answer is not used.
fn checked(
    material: &Material<'_>,
    shown: &[&Fact],
    answer: Answer,
    used: &mut ModelUse,
) -> Result<(Narrative, u64), &'static str> {
    let grounding = Grounding::new(material, shown);
    let grounded = |claim: &Claim| grounding.check(&claim.text, &claim.facts).is_ok();
    let stands = |claim: &Claim| claim.text.chars().count() <= answer::MAX_TEXT_CHARS && grounded(claim);
    let total = answer.insights.len() + answer.anomalies.len() + answer.recommendations.len();
    if total == 0 {
        return Err("the model had nothing to say");
    }
    let summary_stands = grounded(&answer.summary);
    let summary = answer.summary.text;
    let insights: Vec<Insight> =
        answer.insights.into_iter().filter(|i| stands(&i.claim)).map(Into::into).collect();
    let anomalies: Vec<Anomaly> =
        answer.anomalies.into_iter().filter(|a| stands(&a.claim)).map(Into::into).collect();
    let recommendations: Vec<Recommendation> =
        answer.recommendations.into_iter().filter(|r| stands(&r.claim)).map(Into::into).collect();
    let kept = insights.len() + anomalies.len() + recommendations.len();
    let withheld = count(total.saturating_sub(kept)) + u64::from(!summary_stands);
    used.sentences_withheld = withheld;
    if !summary_stands {
        return Err("the model's summary did not stand the check against the facts");
    }
    if withheld * 10 > count(total) * MAX_WITHHELD_TENTHS {
        return Err("too many of the model's sentences did not stand the check against the facts");
    }
    let own = Narrative { insights, anomalies, recommendations, summary };
    Ok((with_data_quality(material, own), withheld))
}

/// Adds what is never left to the model: every flag with the contract's severity, rejected rows, what is missing.
fn with_data_quality(material: &Material<'_>, model: Narrative) -> Narrative {
    let ours = built_in::data_quality(material);
    // What the model says of the same facts is the same anomaly again, at a severity of its own.
    let is_new = |anomaly: &Anomaly| {
        !anomaly
            .facts
            .iter()
            .all(|id| id == "f1" || ours.anomalies.iter().any(|known| known.facts.contains(id)))
    };
    let mut narrative = model;
    narrative.anomalies.retain(is_new);
    narrative.anomalies.splice(0..0, ours.anomalies);
    narrative.insights.extend(ours.insights);
    narrative.recommendations.extend(ours.recommendations);
    narrative.summary = format!("{} {}", built_in::headline(material), narrative.summary);
    narrative
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
