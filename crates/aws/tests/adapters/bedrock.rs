use aws::bedrock::BedrockModel;
use serde_json::{Value, json};
use shared::ports::{Fault, FaultKind, Model, ModelAnswer, ModelRequest, StopReason};

use crate::wire::{Reply, Wire, at_once};

fn request() -> ModelRequest {
    ModelRequest {
        system: "You narrate facts.".into(),
        prompt: "f1: 717 rows".into(),
        tool_name: "report".into(),
        tool_description: "Carries the report.".into(),
        tool_schema: json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Report",
            "additionalProperties": false,
            "type": "object",
            "properties": { "summary": { "type": "string", "maxLength": 1200, "description": "In short." } },
            "required": ["summary"],
        }),
        max_output_tokens: 4000,
    }
}

fn answer(stop: &str, content: &Value) -> Reply {
    let body = json!({
        "output": { "message": { "role": "assistant", "content": content } },
        "stopReason": stop,
        "usage": { "inputTokens": 1200, "outputTokens": 300, "totalTokens": 1500 },
        "metrics": { "latencyMs": 900 },
    });
    Reply::new(200, body.to_string())
}

fn used(name: &str) -> Value {
    json!([
        { "text": "<thinking>hm</thinking>" },
        { "toolUse": { "toolUseId": "t1", "name": name, "input": { "summary": "717 rows", "n": [1, -2, 0.5, null, true] } } },
    ])
}

async fn ask(wire: &Wire, model: &str) -> Result<ModelAnswer, Fault> {
    let config = aws_sdk_bedrockruntime::Config::builder()
        .with_test_defaults_v2()
        .retry_config(at_once(3))
        .http_client(wire.clone())
        .build();
    BedrockModel::new(aws_sdk_bedrockruntime::Client::from_conf(config), model).ask(&request()).await
}

#[tokio::test]
async fn the_model_must_use_the_one_tool_and_decodes_greedily() {
    let wire = Wire::replying([answer("tool_use", &used("report"))]);
    let answer = ask(&wire, "amazon.nova-lite-v1:0").await.unwrap();
    let sent = wire.only();
    assert!(sent.uri.contains("/model/amazon.nova-lite-v1%3A0/converse"), "{}", sent.uri);
    let asked = sent.json();
    assert_eq!(asked["system"][0]["text"], "You narrate facts.");
    assert_eq!(asked["messages"][0]["content"][0]["text"], "f1: 717 rows");
    assert_eq!(asked["inferenceConfig"], json!({ "maxTokens": 4000, "temperature": 0.0 }));
    assert_eq!(asked["additionalModelRequestFields"], json!({ "inferenceConfig": { "topK": 1 } }));
    assert_eq!(asked["toolConfig"]["toolChoice"], json!({ "tool": { "name": "report" } }));
    assert_eq!(asked["toolConfig"]["tools"].as_array().unwrap().len(), 1);
    assert_eq!(
        asked["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"],
        json!({
            "type": "object",
            "properties": { "summary": { "type": "string", "maxLength": 1200, "description": "In short." } },
            "required": ["summary"],
        }),
        "Nova takes no other keyword at the top"
    );
    assert_eq!(answer.stop, StopReason::ToolUse);
    assert_eq!(answer.tool_input, Some(json!({ "summary": "717 rows", "n": [1, -2, 0.5, null, true] })));
    assert_eq!((answer.input_tokens, answer.output_tokens), (1200, 300));
    assert_eq!(answer.model_id, "amazon.nova-lite-v1:0");
}

#[tokio::test]
async fn other_models_get_no_fields_that_are_novas_own() {
    let wire = Wire::replying([answer("tool_use", &used("report"))]);
    ask(&wire, "anthropic.claude-3-haiku-20240307-v1:0").await.unwrap();
    assert!(wire.only().json().get("additionalModelRequestFields").is_none());
}

#[tokio::test]
async fn every_reason_to_stop_is_told_apart() {
    for (stop, expected) in [
        ("tool_use", StopReason::ToolUse),
        ("max_tokens", StopReason::MaxTokens),
        ("end_turn", StopReason::EndTurn),
        ("stop_sequence", StopReason::EndTurn),
        ("guardrail_intervened", StopReason::Filtered),
        ("content_filtered", StopReason::Filtered),
        ("malformed_tool_use", StopReason::Malformed),
        ("malformed_model_output", StopReason::Malformed),
        ("model_context_window_exceeded", StopReason::Other("model_context_window_exceeded".into())),
        ("bored", StopReason::Other("bored".into())),
    ] {
        let wire = Wire::replying([answer(stop, &json!([{ "text": "no" }]))]);
        let answer = ask(&wire, "amazon.nova-lite-v1:0").await.unwrap();
        assert_eq!((answer.stop, answer.tool_input), (expected, None));
    }
}

#[tokio::test]
async fn a_tool_that_nobody_offered_carries_no_answer() {
    let wire = Wire::replying([answer("tool_use", &used("delete_everything"))]);
    assert_eq!(ask(&wire, "amazon.nova-lite-v1:0").await.unwrap().tool_input, None);
}

#[tokio::test]
async fn a_fault_is_told_by_its_code() {
    for (status, code, expected, calls) in [
        (429, "ThrottlingException", FaultKind::Throttled, 3),
        (503, "ServiceUnavailableException", FaultKind::Unavailable, 3),
        (403, "AccessDeniedException", FaultKind::Denied, 1),
        (400, "ValidationException", FaultKind::Invalid, 1),
        (404, "ResourceNotFoundException", FaultKind::NotFound, 1),
    ] {
        let wire = Wire::answering(move |_| Reply::json_error(status, code));
        let fault = ask(&wire, "amazon.nova-lite-v1:0").await.unwrap_err();
        assert_eq!((fault.kind, fault.code.as_str()), (expected, code));
        assert_eq!(wire.sent().len(), calls, "{code}");
    }
}
