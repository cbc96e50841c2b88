//! A scripted connector.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use shared::backoff::Backoff;

/// A request as it went out.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) uri: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Sent {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What an AWS JSON service was asked, and with what.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// What comes back.
pub(crate) enum Reply {
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: SdkBody },
    Broken(fn() -> ConnectorError),
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self::Answer { status, headers: Vec::new(), body: SdkBody::from(body.into()) }
    }

    /// An S3 error.
    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::new(status, format!("<Error><Code>{code}</Code><Message>m</Message></Error>"))
    }

    /// An error of a JSON service.
    pub(crate) fn json_error(status: u16, code: &str) -> Self {
        Self::new(status, format!(r#"{{"__type":"{code}","message":"m"}}"#)).with("x-amzn-errortype", code)
    }

    fn response(self) -> Result<HttpResponse, ConnectorError> {
        match self {
            Self::Broken(error) => Err(error()),
            Self::Answer { status, headers, body } => {
                let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), body);
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                Ok(response)
            }
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }

    /// The same, with a body that breaks off after these bytes.
    pub(crate) fn breaking_after(mut self, bytes: &'static [u8]) -> Self {
        if let Self::Answer { body, .. } = &mut self {
            *body = SdkBody::from_body_1_x(Breaking(Some(Bytes::from_static(bytes))));
        }
        self
    }
}

struct Breaking(Option<Bytes>);

impl http_body::Body for Breaking {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(match self.0.take() {
            Some(bytes) => Ok(Frame::data(bytes)),
            None => Err(std::io::ErrorKind::ConnectionReset.into()),
        }))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

type Script = Box<dyn FnMut(&Sent) -> Reply + Send>;

/// The connector: what was sent, and who answers.
#[derive(Clone)]
pub(crate) struct Wire {
    state: Arc<Mutex<(Vec<Sent>, Script)>>,
    in_flight: Arc<AtomicUsize>,
    most_in_flight: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// Answers with a function of the request.
    pub(crate) fn answering(script: impl FnMut(&Sent) -> Reply + Send + 'static) -> Self {
        let state = Arc::new(Mutex::new((Vec::new(), Box::new(script) as Script)));
        Self { state, in_flight: Arc::default(), most_in_flight: Arc::default() }
    }

    /// Answers with these, in this order, and with nothing more.
    pub(crate) fn replying(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        Self::answering(move |sent| replies.pop_front().unwrap_or_else(|| panic!("not expected: {sent:?}")))
    }

    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.state.lock().unwrap().0.clone()
    }

    /// How many requests waited for their answers at once.
    pub(crate) fn most_in_flight(&self) -> usize {
        self.most_in_flight.load(Ordering::SeqCst)
    }

    /// The only request.
    pub(crate) fn only(&self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:#?}");
        sent.remove(0)
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sent = Sent {
            method: request.method().to_owned(),
            uri: request.uri().to_owned(),
            headers: request.headers().iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            body: request.body().bytes().map(<[u8]>::to_vec).unwrap_or_default(),
        };
        let reply = {
            let mut state = self.state.lock().unwrap();
            let reply = (state.1)(&sent);
            state.0.push(sent);
            reply
        };
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(now, Ordering::SeqCst);
        let in_flight = Arc::clone(&self.in_flight);
        HttpConnectorFuture::new(async move {
            // Others may start meanwhile.
            tokio::task::yield_now().await;
            in_flight.fetch_sub(1, Ordering::SeqCst);
            reply.response()
        })
    }
}

impl HttpClient for Wire {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The SDK's own retries, without their waits.
pub(crate) fn at_once(attempts: u32) -> RetryConfig {
    RetryConfig::standard().with_max_attempts(attempts).with_initial_backoff(Duration::from_nanos(1))
}

/// Our own retries, without their waits.
pub(crate) const QUICK: Backoff =
    Backoff { base: Duration::from_nanos(1), cap: Duration::from_nanos(1), attempts: 5 };
