"""EventBridge and the events of S3 as AWS sends them: what moto 5.2.5 does otherwise. Imported by emulator_server.py.

What an AWS service itself says comes by `announce`, on the account's default bus. A client that wants to be AWS (the local
cloud's stub for SES) posts to SERVICE_EVENTS, since PutEvents refuses the sources of AWS as AWS does:

    POST /_services/events   {"source": "aws.ses", "detail-type": "Email Sent", "resources": [...], "detail": {...}}

with `time` (ISO 8601), `region` and `account` if they shall be others than now and the emulator's. No bucket can have that
name, so it hides none. `Emulator.announce` in emulator.py does it.
"""

import contextlib
import datetime
import itertools
import json
import os
import time
import uuid

from moto.core.utils import unix_time
from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule, events_backends
from moto.events.utils import EventTemplateParser
from moto.s3 import notifications
from moto.s3.models import S3Backend
from moto.sqs.models import sqs_backends

from emulator_patch import REQUEST_ID, replaces, request

SERVICE_EVENTS = "/_services/events"

# The limit of the user guide. AWS has announced a larger one for some buses (1 MB, January 2026); what fits here fits there.
MAX_ENTRIES_BYTES = 256 * 1024


# EventBridge: a rule that is disabled gets nothing, and so does one that has a schedule and no pattern; moto sends both of
# them whatever comes. Targets do not wait for each other: one that fails has its event in its dead-letter queue, and neither
# the other targets nor the caller hear of it; moto fails the call.
# (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html,
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html)
@replaces(Rule, "send_to_targets")
def to_targets_of_rules_that_are_on(original, rule, event, transform_input=True):
    if rule.state == "DISABLED" or not rule.event_pattern.get_pattern() or not rule.event_pattern.matches_event(event):
        return
    for target in list(rule.targets):
        if target["Arn"].split(":")[2] == "sqs":
            send_to_queue(rule, target, event)
        else:
            alone(original, rule, target, event, transform_input)


def alone(original, rule, target, event, transform_input):
    """Hands an event to a target of another kind, as moto does it."""
    targets, rule.targets = rule.targets, [target]
    try:
        original(rule, event, transform_input)
    finally:
        rule.targets = targets


def send_to_queue(rule, target, event):
    """Hands an event to a queue, or to the target's dead-letter queue when there is no such queue."""
    body = json.dumps(as_the_target_wants_it(target, event), separators=(",", ":"), ensure_ascii=False)
    group = target.get("SqsParameters", {}).get("MessageGroupId")
    try:
        queue_of(target["Arn"])(message_body=body, group_id=group)
    except Exception as error:
        letter = target.get("DeadLetterConfig", {}).get("Arn")
        if letter:
            told = {
                "RULE_ARN": rule.arn,
                "TARGET_ARN": target["Arn"],
                "ERROR_CODE": "NO_PERMISSIONS",
                "ERROR_MESSAGE": str(error) or type(error).__name__,
                "EXHAUSTED_RETRY_CONDITION": "None",
                "RETRY_ATTEMPTS": "0",
            }
            attributes = {name: {"DataType": "String", "StringValue": value} for name, value in told.items()}
            # A dead-letter queue that is not there loses the event, as on AWS.
            with contextlib.suppress(Exception):
                queue_of(letter)(message_body=body, message_attributes=attributes)


def queue_of(arn):
    """What sends to a queue of this ARN."""
    _, _, _, region, account, name = arn.split(":")
    backend = sqs_backends[account][region]
    return lambda **message: backend.send_message(name, **message)


# EventBridge: a target without an input of its own gets the event as it is, with `account`, `version` and all others; moto
# fills a template that has no `account`, and fills in what looks like a placeholder inside the event as well, such as a key
# with `<id>` in it.
# (https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html)
def as_the_target_wants_it(target, event):
    if "Input" in target:
        return json.loads(target["Input"])
    if target.get("InputTransformer"):
        transformer = target["InputTransformer"]
        return EventTemplateParser.parse(transformer.get("InputTemplate"), transformer.get("InputPathsMap", {}), event)
    names = ("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
    told = {name: event[name] for name in names}
    told["time"] = as_text(event["time"])
    if event.get("replay-name"):
        told["replay-name"] = event["replay-name"]
    return told


def as_text(moment):
    """A time as EventBridge writes it: in whole seconds, UTC."""
    if isinstance(moment, str):
        return moment
    return datetime.datetime.fromtimestamp(float(moment), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


# EventBridge: PutEvents refuses a request whose entries are more than 256 KB together, an entry whose source is that of an
# AWS service, and a detail that is no JSON object; moto takes them. A request has one to ten entries.
# (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html,
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html,
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html)
@replaces(EventsBackend, "put_events")
def put_events_within_limits(original, backend, events):
    if not events:
        raise ValidationException(
            "1 validation error detected: Value at 'entries' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )
    if sum(map(entry_size, events)) > MAX_ENTRIES_BYTES:
        raise ValidationException("Total size of the entries in the request is over the limit.")
    if len(events) > 10:
        return original(backend, events)
    return [refused(event) or original(backend, [event])[0] for event in events]


def entry_size(event):
    """The size of an entry as AWS counts it."""
    texts = [event.get("Source"), event.get("DetailType"), event.get("Detail"), *(event.get("Resources") or [])]
    return sum(len(text.encode()) for text in texts if text) + (14 if event.get("Time") else 0)


def refused(event):
    """What AWS says of an entry that moto would take, or nothing."""
    if (event.get("Source") or "").startswith("aws."):
        return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
    try:
        is_object = not event.get("Detail") or isinstance(json.loads(event["Detail"]), dict)
    except ValueError:
        is_object = True  # moto refuses it by itself.
    return None if is_object else {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}


def announce(source, detail_type, detail, resources=(), moment=None, region=None, account=None):
    """Puts an event of an AWS service on the default bus, and gives its id."""
    account, region = account or os.environ["MOTO_ACCOUNT_ID"], region or os.environ["EMULATOR_REGION"]
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": unix_time() if moment is None else moment,
        "region": region,
        "resources": list(resources),
        "detail": detail,
        "ingestion-time": unix_time(),
    }
    for rule in list(events_backends[account][region].event_buses["default"].rules.values()):
        rule.send_to_targets(event)
    return event["id"]


def said_by_a_service(body):
    """Answers a post to SERVICE_EVENTS: a status and what it says."""
    asked = json.loads(body)
    moment = asked.get("time")
    if moment is not None:
        moment = datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
    about = {"moment": moment, "region": asked.get("region"), "account": asked.get("account")}
    event_id = announce(asked["source"], asked["detail-type"], asked["detail"], asked.get("resources") or (), **about)
    return 200, {"EventId": event_id}


# S3: what it tells EventBridge of an object that came into being or went. To the default bus only and once for each; moto
# tells every bus, tells of an upload in parts twice, spells the tag `eTag`, and has the same id, sequencer and request for all.
# `version-id` is there where the bucket has versions. The key stands as it is.
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html, https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html)
REASONS = {
    notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT: "PutObject",
    notifications.S3NotificationEvent.OBJECT_CREATED_POST_EVENT: "POST Object",
    notifications.S3NotificationEvent.OBJECT_CREATED_COPY_EVENT: "CopyObject",
    notifications.S3NotificationEvent.OBJECT_CREATED_COMPLETE_MULTIPART_UPLOAD_EVENT: "CompleteMultipartUpload",
}
sequence = itertools.count(1)
# How many uploads are being put together: their object is told of as that, and not as one that was put.
putting_together = []


@replaces(notifications, "_send_event_bridge_message")
def tell_of_a_new_object(_, account_id, bucket, event_name, key):
    # Of what goes, `tell_of_what_went` tells; of tags and lists nobody here wants to know.
    if event_name in REASONS:
        about = {"key": key.name, "size": key.size, "etag": key.etag.strip('"')}
        tell(account_id, bucket, "Object Created", about, key.version_id, {"reason": REASONS[event_name]})


def tell(account_id, bucket, detail_type, about, version_id, ending):
    if bucket.versioning_status:
        about["version-id"] = version_id
    about["sequencer"] = sequencer()
    detail = {
        "version": "0",
        "event-version": "1.0",
        "bucket": {"name": bucket.name},
        "object": about,
        "request-id": request.get(REQUEST_ID, ""),
        "requester": account_id,
        "source-ip-address": request.get("REMOTE_ADDR", "127.0.0.1"),
        **ending,
    }
    announce("aws.s3", detail_type, detail, [bucket.arn], region=bucket.region_name, account=account_id)


def sequencer():
    """A hexadecimal number that grows with each event."""
    return f"00{int(time.time()):08X}{next(sequence) % 0x100000000:08X}"


@replaces(notifications, "send_event")
def once_for_each_upload(original, account_id, event_name, bucket, key):
    if putting_together and event_name == notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT:
        return
    original(account_id, event_name, bucket, key)


@replaces(S3Backend, "complete_multipart_upload")
def complete_and_tell_once(original, backend, *args, **named):
    putting_together.append(True)
    try:
        return original(backend, *args, **named)
    finally:
        putting_together.pop()


# S3: "Object Deleted", for a delete marker as well as for what is gone for good; moto tells of the last version only.
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html)
MD5_OF_NOTHING = "d41d8cd98f00b204e9800998ecf8427e"


@replaces(S3Backend, "delete_object")
def tell_of_what_went(original, backend, bucket_name, key_name, version_id=None, bypass=False):
    bucket = backend.get_bucket(bucket_name)
    there = [key for key in bucket.keys.getlist(key_name, []) if version_id in (None, key.version_id)]
    deleted, answer = original(backend, bucket_name, key_name, version_id=version_id, bypass=bypass)
    tells = bucket.notification_configuration and bucket.notification_configuration.event_bridge is not None
    if deleted and there and tells:
        marked = version_id is None and bucket.is_versioned
        gone = there[-1]
        about = {"key": key_name, "etag": MD5_OF_NOTHING if marked else getattr(gone, "etag", MD5_OF_NOTHING).strip('"')}
        version = answer.get("version-id") if marked else gone.version_id
        ending = {"reason": "DeleteObject", "deletion-type": "Delete Marker Created" if marked else "Permanently Deleted"}
        tell(backend.account_id, bucket, "Object Deleted", about, version, ending)
    return deleted, answer
