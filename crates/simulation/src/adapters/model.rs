//! A model that answers, but never twice the same.

use serde_json::json;
use shared::ports::{Fault, Model, ModelAnswer, ModelRequest, StopReason};

use crate::faults::Operation;
use crate::ports::Ports;

impl Model for Ports {
    async fn ask(&self, _request: &ModelRequest) -> Result<ModelAnswer, Fault> {
        self.call(Operation::Converse, |world| {
            let tokens = world.chance.u64(100..1000);
            let works = world.chance.bool();
            Ok(ModelAnswer {
                model_id: "amazon.nova-lite-v1:0".to_owned(),
                stop: if works { StopReason::ToolUse } else { StopReason::EndTurn },
                tool_input: works.then(|| {
                    json!({
                        "insights": [], "anomalies": [], "recommendations": [],
                        "summary": "Every row of the file was read.", "summary_facts": [],
                    })
                }),
                input_tokens: 1000,
                output_tokens: tokens,
            })
        })
        .await
    }
}
