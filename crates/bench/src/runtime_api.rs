//! The side of Lambda that a function polls: the Runtime API, and as much of the Extensions API as a runtime uses
//! to be told of its end.
//!
//! Paths and headers are those of the AWS Lambda developer guide, "Using the Lambda runtime API for custom
//! runtimes".

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::http::{Content, Incoming, Request, Response, Service, serve};

const INVOCATION: &str = "/2018-06-01/runtime/invocation/";
/// What an invocation may take, as the function is told.
const TIME: Duration = Duration::from_secs(15 * 60);

/// What a function said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It asked for an event.
    Polled(Instant),
    /// It answered an event.
    Answered {
        /// The event's id.
        id: String,
        /// Its answer.
        body: String,
    },
    /// It reported that an event failed.
    Failed {
        /// The event's id.
        id: String,
        /// Its report.
        body: String,
    },
    /// It reported that it cannot start.
    CannotStart {
        /// Its report.
        body: String,
    },
}

/// A Runtime API on loopback. It hands out the events that it was given, then lets the function wait.
#[derive(Debug)]
pub struct RuntimeApi {
    address: SocketAddr,
    events: Arc<Mutex<VecDeque<String>>>,
    said: Receiver<Said>,
}

struct Api {
    events: Arc<Mutex<VecDeque<String>>>,
    said: Sender<Said>,
}

impl RuntimeApi {
    /// Begins to serve.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start() -> io::Result<Self> {
        let events = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, said) = channel();
        let api = Api { events: Arc::clone(&events), said: sender };
        Ok(Self { address: serve(Arc::new(api), None)?, events, said })
    }

    /// The value of `AWS_LAMBDA_RUNTIME_API`.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Puts an event in line. It must be there before the function asks: a waiting function is never woken.
    pub fn offer(&self, event: impl Into<String>) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push_back(event.into());
    }

    /// The next thing that the function says.
    ///
    /// # Errors
    /// When it says nothing for that long.
    pub fn next(&self, patience: Duration) -> io::Result<Said> {
        self.said.recv_timeout(patience).map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, format!("the function said nothing for {patience:?}"))
        })
    }
}

impl Api {
    fn next_event(&self) -> Response {
        // The listener has gone when its benchmark stopped; then nobody minds what is said.
        let _ = self.said.send(Said::Polled(Instant::now()));
        let Some(event) = self.events.lock().unwrap_or_else(PoisonError::into_inner).pop_front() else {
            return Response { status: 200, headers: Vec::new(), content: Content::Silence };
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Response::new(200, event)
            .with("content-type", "application/json")
            .with("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            .with("lambda-runtime-deadline-ms", (now + TIME).as_millis().to_string())
            .with(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:eu-central-1:111122223333:function:gristmill",
            )
            .with("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
    }
}

impl Service for Api {
    fn answer(&self, request: &Request, body: &mut Incoming<'_>) -> io::Result<Response> {
        let path = request.path.as_str();
        match path {
            "/2018-06-01/runtime/invocation/next" => return Ok(self.next_event()),
            "/2020-01-01/extension/event/next" => {
                return Ok(Response { status: 200, headers: Vec::new(), content: Content::Silence });
            }
            "/2020-01-01/extension/register" => {
                let id = "f1d2c3b4-0000-4000-8000-000000000001";
                return Ok(Response::new(200, "{}").with("lambda-extension-identifier", id));
            }
            _ => {}
        }
        let mut text = String::new();
        body.read_to_string(&mut text)?;
        let of = |end: &str| path.strip_prefix(INVOCATION).and_then(|rest| rest.strip_suffix(end));
        let said = if let Some(id) = of("/response") {
            Said::Answered { id: id.to_owned(), body: text }
        } else if let Some(id) = of("/error") {
            Said::Failed { id: id.to_owned(), body: text }
        } else if path == "/2018-06-01/runtime/init/error" {
            Said::CannotStart { body: text }
        } else {
            return Ok(Response::new(404, ""));
        };
        let _ = self.said.send(said);
        Ok(Response::new(202, r#"{"status":"OK"}"#))
    }
}
