//! The model on Bedrock: one Converse call, one tool that the model must use.

use std::collections::HashMap;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::operation::converse::ConverseOutput;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, InferenceConfiguration, Message, SpecificToolChoice, StopReason as Stop,
    SystemContentBlock, Tool, ToolChoice, ToolConfiguration, ToolInputSchema, ToolSpecification,
};
use aws_smithy_types::error::operation::BuildError;
use aws_smithy_types::{Document, Number};
use serde_json::Value;
use shared::ports::{Fault, FaultKind, Model, ModelAnswer, ModelRequest, StopReason};

use crate::fault::fault;

const OPERATION: &str = "Converse";

/// A model on Bedrock.
#[derive(Debug, Clone)]
pub struct BedrockModel {
    client: Client,
    model_id: String,
}

impl BedrockModel {
    /// The model, or inference profile, of that id.
    #[must_use]
    pub fn new(client: Client, model_id: impl Into<String>) -> Self {
        Self { client, model_id: model_id.into() }
    }
}

impl Model for BedrockModel {
    async fn ask(&self, request: &ModelRequest) -> Result<ModelAnswer, Fault> {
        let invalid =
            |error: BuildError| Fault::new(OPERATION, FaultKind::Invalid, "Unbuildable").caused_by(error);
        let answer = self
            .client
            .converse()
            .model_id(&self.model_id)
            .system(SystemContentBlock::Text(request.system.clone()))
            .messages(question(request).map_err(invalid)?)
            .inference_config(coldest(request.max_output_tokens))
            .tool_config(only_tool(request).map_err(invalid)?)
            .set_additional_model_request_fields(self.greedy())
            .send()
            .await
            .map_err(|error| fault(OPERATION, error))?;
        Ok(self.read(request, &answer))
    }
}

impl BedrockModel {
    /// Nova's own switch for greedy decoding, which AWS recommends for tool use (Amazon Nova user guide, "Tool
    /// use"). Other models refuse fields that they do not know.
    fn greedy(&self) -> Option<Document> {
        self.model_id.contains("amazon.nova").then(|| {
            let top_k = HashMap::from([("topK".to_owned(), Document::Number(Number::PosInt(1)))]);
            Document::Object(HashMap::from([("inferenceConfig".to_owned(), Document::Object(top_k))]))
        })
    }

    fn read(&self, request: &ModelRequest, answer: &ConverseOutput) -> ModelAnswer {
        let tokens = |count: fn(&aws_sdk_bedrockruntime::types::TokenUsage) -> i32| {
            answer.usage().map_or(0, |usage| u64::try_from(count(usage)).unwrap_or(0))
        };
        ModelAnswer {
            model_id: self.model_id.clone(),
            stop: stop_reason(answer.stop_reason()),
            tool_input: tool_input(request, answer),
            input_tokens: tokens(|usage| usage.input_tokens()),
            output_tokens: tokens(|usage| usage.output_tokens()),
        }
    }
}

fn question(request: &ModelRequest) -> Result<Message, BuildError> {
    Message::builder()
        .role(ConversationRole::User)
        .content(ContentBlock::Text(request.prompt.clone()))
        .build()
}

fn coldest(max_output_tokens: u32) -> InferenceConfiguration {
    InferenceConfiguration::builder()
        .max_tokens(i32::try_from(max_output_tokens).unwrap_or(i32::MAX))
        .temperature(0.0)
        .build()
}

fn only_tool(request: &ModelRequest) -> Result<ToolConfiguration, BuildError> {
    let specification = ToolSpecification::builder()
        .name(&request.tool_name)
        .description(&request.tool_description)
        .input_schema(ToolInputSchema::Json(document(&top_level(&request.tool_schema))))
        .build()?;
    let choice = SpecificToolChoice::builder().name(&request.tool_name).build()?;
    ToolConfiguration::builder()
        .tools(Tool::ToolSpec(specification))
        .tool_choice(ToolChoice::Tool(choice))
        .build()
}

/// The schema without the keywords that Nova refuses at the top level (Amazon Nova user guide, "Defining a
/// tool": only `type`, `properties` and `required`). They say nothing that the parser of the answer does not
/// check again.
fn top_level(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut() {
        for keyword in ["$schema", "title", "description", "additionalProperties"] {
            object.remove(keyword);
        }
    }
    schema
}

fn tool_input(request: &ModelRequest, answer: &ConverseOutput) -> Option<Value> {
    let message = answer.output()?.as_message().ok()?;
    message.content().iter().find_map(|block| match block {
        ContentBlock::ToolUse(used) if used.name() == request.tool_name => Some(value(used.input())),
        _ => None,
    })
}

fn stop_reason(stop: &Stop) -> StopReason {
    match stop {
        Stop::ToolUse => StopReason::ToolUse,
        Stop::MaxTokens => StopReason::MaxTokens,
        Stop::EndTurn | Stop::StopSequence => StopReason::EndTurn,
        Stop::GuardrailIntervened | Stop::ContentFiltered => StopReason::Filtered,
        Stop::MalformedToolUse | Stop::MalformedModelOutput => StopReason::Malformed,
        other => StopReason::Other(other.as_str().to_owned()),
    }
}

fn document(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(flag) => Document::Bool(*flag),
        Value::String(text) => Document::String(text.clone()),
        Value::Array(items) => Document::Array(items.iter().map(document).collect()),
        Value::Object(fields) => {
            Document::Object(fields.iter().map(|(name, value)| (name.clone(), document(value))).collect())
        }
        Value::Number(number) => Document::Number(match (number.as_u64(), number.as_i64()) {
            (Some(positive), _) => Number::PosInt(positive),
            (None, Some(negative)) => Number::NegInt(negative),
            (None, None) => Number::Float(number.as_f64().unwrap_or_default()),
        }),
    }
}

fn value(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(flag) => Value::Bool(*flag),
        Document::String(text) => Value::String(text.clone()),
        Document::Array(items) => Value::Array(items.iter().map(value).collect()),
        Document::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), value(field))).collect())
        }
        Document::Number(Number::PosInt(number)) => (*number).into(),
        Document::Number(Number::NegInt(number)) => (*number).into(),
        Document::Number(Number::Float(number)) => (*number).into(),
    }
}
