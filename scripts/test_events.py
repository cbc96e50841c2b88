"""Tests of events/: each file has the fields that AWS documents, and none that it does not.

    python3 scripts/test_events.py

What the code makes of them is tried in crates/aws; that the emulator sends the same, in test_emulator.py.
"""

import hashlib
import json
import pathlib
import re
import unittest

EVENTS = pathlib.Path(__file__).resolve().parent.parent / "events"
# https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
ENVELOPE = ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"]
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
OF_S3 = {"version", "event-version", "bucket", "object", "request-id", "requester", "source-ip-address", "reason"}
OBJECT = {"key", "etag", "version-id", "sequencer"}
# https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
RECORD = {
    "messageId",
    "receiptHandle",
    "body",
    "attributes",
    "messageAttributes",
    "md5OfBody",
    "eventSource",
    "eventSourceARN",
    "awsRegion",
}
ATTRIBUTES = {"ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"}
# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-examples.html
MAIL = {
    "timestamp",
    "source",
    "sourceArn",
    "sendingAccountId",
    "messageId",
    "destination",
    "headersTruncated",
    "headers",
    "commonHeaders",
    "tags",
}
# A schedule sends its constant input, and moto another shape.
NOT_AS_AWS_WRAPS = {"sweep_due", "s3_object_created_moto"}


def read(name):
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def named(pattern):
    return [path.stem for path in sorted(EVENTS.glob(pattern))]


class Shapes(unittest.TestCase):
    def test_an_envelope_has_what_eventbridge_gives_it(self):
        wrapped = [name for name in named("*.json") if "detail-type" in read(name) and name not in NOT_AS_AWS_WRAPS]
        self.assertGreaterEqual(len(wrapped), 8)
        for name in wrapped:
            with self.subTest(name):
                event = read(name)
                self.assertEqual(list(event), ENVELOPE)
                self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
                self.assertRegex(event["id"], "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
                self.assertEqual((event["version"], len(event["account"])), ("0", 12))

    def test_s3_tells_of_an_object_as_it_documents(self):
        created, deleted = read("s3_object_created")["detail"], read("s3_object_deleted")["detail"]
        self.assertEqual(set(created), OF_S3)
        self.assertEqual(set(created["object"]), OBJECT | {"size"})
        self.assertEqual(set(deleted), OF_S3 | {"deletion-type"})
        self.assertEqual(set(deleted["object"]), OBJECT)
        for detail in (created, deleted):
            self.assertRegex(detail["object"]["sequencer"], "^[0-9A-F]+$")
            self.assertRegex(detail["object"]["etag"], "^[0-9a-f]{32}$")

    def test_ses_tells_of_a_mail_as_it_documents(self):
        for name, kind in {"ses_email_delivered": "delivery", "ses_email_bounced": "bounce"}.items():
            detail = read(name)["detail"]
            self.assertEqual(set(detail), {"eventType", "mail", kind})
            self.assertEqual(set(detail["mail"]), MAIL)
            self.assertTrue(all(isinstance(values, list) for values in detail["mail"]["tags"].values()))

    def test_a_batch_carries_the_event_itself(self):
        batches = named("sqs_*.json")
        self.assertGreaterEqual(len(batches), 8)
        for name in batches:
            with self.subTest(name):
                (record,) = read(name)["Records"]
                self.assertEqual(set(record), RECORD)
                self.assertEqual(set(record["attributes"]), ATTRIBUTES)
                self.assertEqual(record["md5OfBody"], hashlib.md5(record["body"].encode()).hexdigest())
                event = re.sub("^object_", "s3_object_", name.removeprefix("sqs_"))
                self.assertEqual(json.loads(record["body"]), read(event))


if __name__ == "__main__":
    unittest.main()
