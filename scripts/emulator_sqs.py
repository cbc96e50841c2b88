"""SQS as AWS answers: what moto 5.2.5 does otherwise. Imported by emulator_server.py."""

import json
import time

from moto.core.utils import unix_time_millis
from moto.sqs.exceptions import BatchRequestTooLong, InvalidParameterValue, MissingParameter, SQSException
from moto.sqs.models import MAXIMUM_MESSAGE_LENGTH, Message, Queue, SQSBackend

from emulator_patch import replaces, request, turn

# How often somebody who waits for a message looks whether one has come.
LOOK_SECONDS = 0.05
MOST_IN_FLIGHT_MILLISECONDS = 12 * 60 * 60 * 1000


# SQS: attributes that a call does not name keep their values; moto forgets the queue's policy at every such call.
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html)
@replaces(Queue, "_set_attributes")
def keep_what_is_not_named(original, queue, attributes, now=None):
    policy = attributes["Policy"] if "Policy" in attributes else getattr(queue, "policy", None)
    original(queue, attributes, now)
    queue.policy = policy
    queue.redrive_allow_policy = queue.redrive_allow_policy or None


# SQS: RedriveAllowPolicy is an attribute as RedrivePolicy is; moto takes it and never gives it back. Set to nothing, each of
# the two is taken away.
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html)
Queue.redrive_allow_policy = None
Queue.BASE_ATTRIBUTES.append("RedriveAllowPolicy")


# SQS: policies come back without blanks, as they were set; moto writes RedrivePolicy anew with blanks.
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html)
with_blanks = Queue.attributes


def without_blanks(queue):
    told = with_blanks.fget(queue)
    if told.get("RedrivePolicy"):
        told["RedrivePolicy"] = json.dumps(queue.redrive_policy, separators=(",", ":"))
    return told


Queue.attributes = property(without_blanks)


# SQS: a message's size is that of its body in bytes and of its attributes, and some characters may not stand in it; moto
# counts characters of the body and takes all of them.
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html,
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html)
@replaces(SQSBackend, "send_message")
def send_what_fits(original, backend, queue_name, message_body, message_attributes=None, **named):
    if not message_body:
        raise MissingParameter("MessageBody")
    if not all(map(is_allowed, message_body)):
        raise SQSException("InvalidMessageContents", "The message contains characters outside the allowed set.")
    most = backend.get_queue(queue_name).maximum_message_size
    if message_size(message_body, message_attributes) > most:
        raise InvalidParameterValue(f"One or more parameters are invalid. Reason: Message must be shorter than {most} bytes.")
    return original(backend, queue_name, message_body, message_attributes=message_attributes, **named)


def is_allowed(character):
    code = ord(character)
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def message_size(body, attributes):
    size = len(body.encode())
    for name, value in (attributes or {}).items():
        texts = (name, value["DataType"], value.get("StringValue") or value.get("BinaryValue") or "")
        size += sum(len(text if isinstance(text, bytes) else text.encode()) for text in texts)
    return size


@replaces(SQSBackend, "send_message_batch")
def send_a_batch_that_fits(original, backend, queue_name, entries):
    size = sum(message_size(entry["MessageBody"], entry.get("MessageAttributes")) for entry in entries.values())
    if size > MAXIMUM_MESSAGE_LENGTH:
        raise BatchRequestTooLong(size)
    return original(backend, queue_name, entries)


# SQS: the receipt handle of an earlier receive deletes nothing, and the call succeeds; moto deletes.
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html)
@replaces(Queue, "delete_message")
def delete_by_the_last_receipt_only(original, queue, receipt_handle):
    if any(receipt_handle in message._old_receipt_handles for message in queue._messages):
        return
    original(queue, receipt_handle)


# SQS: the visibility of a message that is not in flight cannot be changed (an earlier receipt handle stands for a flight that
# is over), and twelve hours count from when it was received; moto changes it, and counts from when it was sent.
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html)
@replaces(Message, "mark_received")
def with_the_time_of_receipt(original, message, visibility_timeout=None):
    original(message, visibility_timeout)
    message.received_at = unix_time_millis()


@replaces(SQSBackend, "change_message_visibility")
def only_while_it_is_in_flight(original, backend, queue_name, receipt_handle, visibility_timeout):
    for message in backend.get_queue(queue_name)._messages:
        if not message.had_receipt_handle(receipt_handle):
            continue
        if message.visible or message.receipt_handle != receipt_handle:
            raise SQSException("MessageNotInflight", "The specified message isn't in flight.")
        until = unix_time_millis() + int(visibility_timeout) * 1000
        if until - message.received_at > MOST_IN_FLIGHT_MILLISECONDS:
            raise InvalidParameterValue(
                f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout "
                "for the message is beyond the limit [43200 seconds]"
            )
        sent, message.sent_timestamp = message.sent_timestamp, int(message.received_at)
        try:
            return original(backend, queue_name, receipt_handle, visibility_timeout)
        finally:
            message.sent_timestamp = sent
    return original(backend, queue_name, receipt_handle, visibility_timeout)


# SQS: who waits for a message keeps nobody else waiting; in moto nothing could come meanwhile, since one request is answered
# at a time. Here the turn goes to the others while there is nothing.
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html)
@replaces(SQSBackend, "receive_message")
def wait_without_keeping_the_turn(original, backend, queue_name, count, wait_seconds_timeout, *args, **named):
    end = time.monotonic() + int(wait_seconds_timeout or 0)
    while True:
        found = original(backend, queue_name, count, 0, *args, **named)
        if found or time.monotonic() >= end:
            return found
        mine = dict(request)
        turn.release()
        try:
            time.sleep(LOOK_SECONDS)
        finally:
            turn.acquire()
            request.clear()
            request.update(mine)


# SQS: Lambda takes messages of its event source mappings; moto does so itself while a message is sent, runs nothing, and
# deletes it. Who runs the functions here polls the queues (localcloud/functions.py).
# (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html)
@replaces(Queue, "add_message")
def leave_it_to_the_pollers(original, queue, message):
    mappings, queue.lambda_event_source_mappings = queue.lambda_event_source_mappings, {}
    try:
        original(queue, message)
    finally:
        queue.lambda_event_source_mappings = mappings
