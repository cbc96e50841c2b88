//! Asking a model.

use serde_json::json;
use shared::ports::{Model, ModelAnswer, ModelRequest, StopReason};

use crate::rooms::{Oracle, Reply};
use crate::trace::{Case, Outcome, Trace, cases, kind};

/// The model of the cases.
pub const MODEL_ID: &str = "amazon.nova-lite-v1:0";
/// The tool that its answers come in.
pub const TOOL: &str = "report";

/// All of them.
#[must_use]
pub fn cases<R: Oracle>() -> Vec<Case<R>> {
    cases![
        what_the_tool_was_given_is_the_answer,
        each_reason_to_stop_is_told_apart,
        each_failure_is_told_apart
    ]
}

fn request() -> ModelRequest {
    ModelRequest {
        system: "You narrate facts.".to_owned(),
        prompt: "f1: 717 rows, \"Größe\"".to_owned(),
        tool_name: TOOL.to_owned(),
        tool_description: "Carries the report.".to_owned(),
        tool_schema: json!({"type": "object", "properties": {"summary": {"type": "string"}}, "required": ["summary"]}),
        max_output_tokens: 4000,
    }
}

fn answer(stop: StopReason, tool_input: Option<serde_json::Value>) -> ModelAnswer {
    ModelAnswer { model_id: MODEL_ID.to_owned(), stop, tool_input, input_tokens: 1200, output_tokens: 300 }
}

async fn ask<R: Oracle>(room: &R, trace: &Trace, name: &str, reply: Reply) {
    room.reply(reply);
    let answer = kind(room.model().ask(&request()).await).map(|mut answer| {
        // The order of an object's members says nothing, and the SDK keeps none.
        if let Some(input) = &mut answer.tool_input {
            input.sort_all_objects();
        }
        answer
    });
    trace.say(name, answer);
}

async fn what_the_tool_was_given_is_the_answer<R: Oracle>(room: &R, trace: &Trace) -> Outcome {
    for input in [
        json!({"summary": "717 rows"}),
        json!({"summary": "", "n": [1, -2, 0.5, 1e300, 9_007_199_254_740_993_u64, null, true, {"ü": "☂"}]}),
        json!({}),
    ] {
        ask(room, trace, "asked", Reply::Answer(answer(StopReason::ToolUse, Some(input)))).await;
    }
    Ok(())
}

async fn each_reason_to_stop_is_told_apart<R: Oracle>(room: &R, trace: &Trace) -> Outcome {
    for stop in [
        StopReason::ToolUse,
        StopReason::MaxTokens,
        StopReason::EndTurn,
        StopReason::Filtered,
        StopReason::Malformed,
        StopReason::Other("model_context_window_exceeded".to_owned()),
    ] {
        let name = format!("{stop:?}");
        ask(room, trace, &name, Reply::Answer(answer(stop, None))).await;
    }
    Ok(())
}

async fn each_failure_is_told_apart<R: Oracle>(room: &R, trace: &Trace) -> Outcome {
    for (status, code) in [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (408, "ModelTimeoutException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ] {
        ask(room, trace, code, Reply::Failure(status, code)).await;
    }
    Ok(())
}
