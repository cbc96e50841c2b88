//! As much of Bedrock's Converse as the model's adapter asks for, on loopback: moto has none.
//!
//! What it answers has the shape of the Bedrock API reference
//! (`docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html`); errors are told as its JSON services do.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use shared::ports::{ModelAnswer, StopReason};

use crate::cases::model::TOOL;
use crate::rooms::Reply;

/// A server that answers every request with the reply that was set last.
#[derive(Debug)]
pub(crate) struct Converse {
    reply: Arc<Mutex<Reply>>,
    /// Its address.
    pub(crate) url: String,
}

impl Converse {
    /// Starts it. It ends with the process.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let url = format!("http://{}", listener.local_addr()?);
        let reply = Arc::new(Mutex::new(Reply::Failure(500, "NothingSet")));
        let shared = Arc::clone(&reply);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A connection that breaks is the client's to tell of.
                let _ = answer(&stream, &shared);
            }
        });
        Ok(Self { reply, url })
    }

    pub(crate) fn set(&self, reply: Reply) {
        *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = reply;
    }
}

/// Reads one request and answers it.
fn answer(stream: &TcpStream, reply: &Mutex<Reply>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    io::copy(&mut reader.by_ref().take(length), &mut io::sink())?;
    let (status, headers, body) = told(&reply.lock().unwrap_or_else(PoisonError::into_inner));
    let body = body.to_string();
    let head =
        format!("HTTP/1.1 {status} Told\r\nContent-Type: application/json\r\n{headers}Connection: close\r\n");
    write!(&mut &*stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn told(reply: &Reply) -> (u16, String, Value) {
    match reply {
        Reply::Answer(answer) => (200, String::new(), converse(answer)),
        Reply::Failure(status, code) => {
            (*status, format!("x-amzn-ErrorType: {code}\r\n"), json!({"message": "told to"}))
        }
    }
}

fn converse(answer: &ModelAnswer) -> Value {
    let content = match &answer.tool_input {
        Some(input) => {
            json!([{"text": "So."}, {"toolUse": {"toolUseId": "t-1", "name": TOOL, "input": input}}])
        }
        None => json!([{"text": "No."}]),
    };
    json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason(&answer.stop),
        "usage": {
            "inputTokens": answer.input_tokens,
            "outputTokens": answer.output_tokens,
            "totalTokens": answer.input_tokens + answer.output_tokens,
        },
        "metrics": {"latencyMs": 900},
    })
}

fn stop_reason(stop: &StopReason) -> &str {
    match stop {
        StopReason::ToolUse => "tool_use",
        StopReason::MaxTokens => "max_tokens",
        StopReason::EndTurn => "end_turn",
        StopReason::Filtered => "guardrail_intervened",
        StopReason::Malformed => "malformed_tool_use",
        StopReason::Other(other) => other,
    }
}
