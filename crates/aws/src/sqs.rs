//! Queues on SQS, for those who operate the pipeline.
//!
//! A queue is named, and its address asked for once. A receive waits a second: an answer without a wait comes from some
//! of SQS's servers only, and may be empty while others have messages (Amazon SQS developer guide, "Amazon SQS short and
//! long polling").

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::delete_message::DeleteMessageError;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as Attribute, QueueAttributeName as Count};
use jiff::Timestamp;
use shared::ports::{Depth, Fault, FaultKind, Letter, MAX_LETTERS, Queues};

use crate::fault::fault;

const ADDRESS: &str = "GetQueueUrl";
const SEND: &str = "SendMessage";
const RECEIVE: &str = "ReceiveMessage";
const DELETE: &str = "DeleteMessage";
const RELEASE: &str = "ChangeMessageVisibility";
const DEPTH: &str = "GetQueueAttributes";
const WAIT_SECONDS: i32 = 1;
/// The longest that SQS hides a message.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// The queues of one account in one region.
#[derive(Debug, Clone)]
pub struct SqsQueues {
    client: Client,
    addresses: Arc<Mutex<HashMap<String, String>>>,
}

impl SqsQueues {
    /// The queues that this client reaches.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, addresses: Arc::default() }
    }

    /// The address (URL) of a queue. It ends with the account's number and the queue's name.
    ///
    /// # Errors
    /// Whatever the service refuses; [`FaultKind::NotFound`] when there is no such queue.
    pub async fn address(&self, queue: &str) -> Result<String, Fault> {
        let known = self.addresses.lock().unwrap_or_else(PoisonError::into_inner).get(queue).cloned();
        if let Some(address) = known {
            return Ok(address);
        }
        let answer = self.client.get_queue_url().queue_name(queue).send().await;
        let answer = answer.map_err(|error| fault(ADDRESS, error))?;
        let address = answer.queue_url.ok_or_else(|| incomplete(ADDRESS, "QueueUrl"))?;
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.insert(queue.to_owned(), address.clone());
        Ok(address)
    }
}

impl Queues for SqsQueues {
    async fn send(&self, queue: &str, body: &str) -> Result<(), Fault> {
        let address = self.address(queue).await?;
        let answer = self.client.send_message().queue_url(address).message_body(body).send().await;
        // The id is what says that SQS has the message.
        answer
            .map_err(|error| fault(SEND, error))?
            .message_id
            .map(drop)
            .ok_or_else(|| incomplete(SEND, "MessageId"))
    }

    async fn receive(&self, queue: &str, hide_for: Duration) -> Result<Vec<Letter>, Fault> {
        let address = self.address(queue).await?;
        let request = self.client.receive_message().queue_url(address);
        let answer = request
            .max_number_of_messages(i32::try_from(MAX_LETTERS).unwrap_or(1))
            .visibility_timeout(i32::try_from(hide_for.min(LONGEST).as_secs()).unwrap_or(i32::MAX))
            .wait_time_seconds(WAIT_SECONDS)
            .message_system_attribute_names(Attribute::SentTimestamp)
            .message_system_attribute_names(Attribute::ApproximateReceiveCount)
            .send()
            .await
            .map_err(|error| fault(RECEIVE, error))?;
        answer.messages.unwrap_or_default().into_iter().map(letter).collect()
    }

    async fn delete(&self, queue: &str, receipt: &str) -> Result<(), Fault> {
        let address = self.address(queue).await?;
        match self.client.delete_message().queue_url(address).receipt_handle(receipt).send().await {
            Ok(_) => Ok(()),
            // A message that is gone already has nothing to be deleted.
            Err(error)
                if matches!(
                    error.as_service_error(),
                    Some(DeleteMessageError::ReceiptHandleIsInvalid(_))
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(fault(DELETE, error)),
        }
    }

    async fn release(&self, queue: &str, receipt: &str) -> Result<(), Fault> {
        let address = self.address(queue).await?;
        let request = self.client.change_message_visibility().queue_url(address).receipt_handle(receipt);
        request.visibility_timeout(0).send().await.map(drop).map_err(|error| fault(RELEASE, error))
    }

    async fn depth(&self, queue: &str) -> Result<Depth, Fault> {
        let address = self.address(queue).await?;
        let request = self.client.get_queue_attributes().queue_url(address);
        let answer = request
            .attribute_names(Count::ApproximateNumberOfMessages)
            .attribute_names(Count::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(Count::ApproximateNumberOfMessagesDelayed)
            .send()
            .await
            .map_err(|error| fault(DEPTH, error))?;
        let counts = answer.attributes.unwrap_or_default();
        let count = |name: Count| {
            let count = counts.get(&name).and_then(|count| count.parse().ok());
            count.ok_or_else(|| incomplete(DEPTH, name.as_str()))
        };
        Ok(Depth {
            visible: count(Count::ApproximateNumberOfMessages)?,
            hidden: count(Count::ApproximateNumberOfMessagesNotVisible)?,
            delayed: count(Count::ApproximateNumberOfMessagesDelayed)?,
        })
    }
}

fn letter(message: Message) -> Result<Letter, Fault> {
    let attributes = message.attributes.unwrap_or_default();
    let number = |name: Attribute| attributes.get(&name).and_then(|number| number.parse::<i64>().ok());
    let sent_at =
        number(Attribute::SentTimestamp).and_then(|millis| Timestamp::from_millisecond(millis).ok());
    let receives = number(Attribute::ApproximateReceiveCount).and_then(|count| u32::try_from(count).ok());
    Ok(Letter {
        id: message.message_id.ok_or_else(|| incomplete(RECEIVE, "MessageId"))?,
        receipt: message.receipt_handle.ok_or_else(|| incomplete(RECEIVE, "ReceiptHandle"))?,
        body: message.body.unwrap_or_default(),
        sent_at: sent_at.ok_or_else(|| incomplete(RECEIVE, "SentTimestamp"))?,
        receives: receives.ok_or_else(|| incomplete(RECEIVE, "ApproximateReceiveCount"))?,
    })
}

fn incomplete(operation: &'static str, what: &str) -> Fault {
    Fault::new(operation, FaultKind::Internal, format!("No{what}"))
}
