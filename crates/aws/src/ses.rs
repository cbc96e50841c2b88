//! The mailer on SES, version 2 of its interface.

use std::error::Error;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::error::SdkError;
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message, MessageTag};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;
use shared::ports::{Fault, FaultKind, Mail, Mailer, SendFault};

use crate::fault::fault;

const OPERATION: &str = "SendEmail";

/// Sends with SES.
///
/// The client must not repeat calls ([`crate::clients::ses`]).
#[derive(Debug, Clone)]
pub struct SesMailer {
    client: Client,
    configuration_set: Option<String>,
}

impl SesMailer {
    /// Sends under a configuration set, whose events tell what became of a mail.
    #[must_use]
    pub fn new(client: Client, configuration_set: Option<String>) -> Self {
        Self { client, configuration_set }
    }
}

impl Mailer for SesMailer {
    async fn send(&self, mail: &Mail) -> Result<String, SendFault> {
        let invalid = |error: BuildError| {
            SendFault::Refused(Fault::new(OPERATION, FaultKind::Invalid, "Unbuildable").caused_by(error))
        };
        let answer = self
            .client
            .send_email()
            .from_email_address(&mail.from)
            .destination(Destination::builder().set_to_addresses(Some(mail.to.clone())).build())
            .content(content(mail).map_err(invalid)?)
            .set_configuration_set_name(self.configuration_set.clone())
            // The tags come back with SES's own events, so that an unknown outcome can be settled.
            .email_tags(tag("run_id", mail.run_id.as_str()).map_err(invalid)?)
            .email_tags(tag("send_id", &mail.send_id).map_err(invalid)?)
            .send()
            .await
            .map_err(classify)?;
        Ok(answer.message_id().unwrap_or_default().to_owned())
    }
}

fn content(mail: &Mail) -> Result<EmailContent, BuildError> {
    let body = Body::builder().text(utf8(&mail.text)?).html(utf8(&mail.html)?).build();
    let message = Message::builder().subject(utf8(&mail.subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}

fn utf8(text: &str) -> Result<Content, BuildError> {
    Content::builder().data(text).charset("UTF-8").build()
}

fn tag(name: &str, value: &str) -> Result<MessageTag, BuildError> {
    MessageTag::builder().name(name).value(value).build()
}

/// What is known of a mail after a failed call.
fn classify(error: SdkError<SendEmailError, HttpResponse>) -> SendFault {
    let wrap: fn(Fault) -> SendFault = match &error {
        SdkError::ConstructionFailure(_) => SendFault::Refused,
        SdkError::DispatchFailure(failure)
            if failure.as_connector_error().is_some_and(|error| never_connected(error)) =>
        {
            SendFault::NotSent
        }
        SdkError::ServiceError(service) => {
            refusal(service.err().code().unwrap_or_default(), service.raw().status().as_u16())
        }
        // The request was on the wire, or may have been.
        _ => SendFault::Unknown,
    };
    wrap(fault(OPERATION, error))
}

/// What an answer of SES says of the mail. Every 4xx says that it did not go out; which of them can pass is told
/// by the code. Missing permissions and expired credentials are mended by people, without a word to the sender
/// of the file: the queue keeps the delivery until then.
fn refusal(code: &str, status: u16) -> fn(Fault) -> SendFault {
    match (code, status) {
        // A success whose body cannot be read is counted as a service error too.
        (_, ..=399 | 408 | 500..) => SendFault::Unknown,
        (
            "MessageRejected"
            | "MailFromDomainNotVerifiedException"
            | "NotFoundException"
            | "BadRequestException"
            | "AccountSuspendedException"
            | "SendingPausedException",
            _,
        ) => SendFault::Refused,
        ("TooManyRequestsException" | "LimitExceededException" | "ThrottlingException" | "Throttling", _)
        | (_, 401 | 403 | 429) => SendFault::NotSent,
        _ => SendFault::Refused,
    }
}

fn never_connected(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return error.is_connect();
        }
        cause = error.source();
    }
    false
}
