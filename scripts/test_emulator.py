#!/usr/bin/env python3
"""Tests of the emulator: that it ends when it should, and that it keeps what moto alone does not.

    python3 scripts/test_emulator.py

What a whole apply needs of it is tried by terraform_apply.py.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

import checkout
import emulator

HERE = pathlib.Path(__file__).resolve().parent
START = "import emulator, sys, time\nwith emulator.running(limit_seconds=int(sys.argv[1])) as aws:\n    print(aws.url, flush=True)\n    time.sleep(60)"

# An archive without files.
EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


def answers(url):
    try:
        urllib.request.urlopen(f"{url}/moto-api/", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def shape(event):
    """The names in an event, and what kind of value each has."""
    if isinstance(event, dict):
        return {name: shape(value) for name, value in event.items()}
    return [shape(value) for value in event] if isinstance(event, list) else type(event).__name__


def silent_within(url, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not answers(url):
            return True
        time.sleep(0.1)
    return False


class Life(unittest.TestCase):
    def started(self, limit):
        process = subprocess.Popen(
            [sys.executable, "-c", START, str(limit)], cwd=HERE, stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        url = process.stdout.readline().strip()
        self.assertTrue(answers(url), url)
        return process, url

    def test_it_ends_with_whoever_started_it(self):
        process, url = self.started(600)
        os.kill(process.pid, signal.SIGKILL)
        self.assertTrue(silent_within(url, 10))

    def test_it_ends_after_its_time(self):
        _, url = self.started(3)
        self.assertTrue(silent_within(url, 20))

    def test_it_ends_with_the_block(self):
        with emulator.running() as aws:
            self.assertTrue(answers(aws.url))
        self.assertFalse(answers(aws.url))


class Services(unittest.TestCase):
    """An emulator for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.context = emulator.running()
        cls.aws = aws = cls.context.__enter__()
        cls.addClassCleanup(cls.context.__exit__, None, None, None)
        for name, value in aws.environment.items():
            os.environ[name] = value

    def client(self, service, **named):
        return boto3.client(service, **named)


class Stack(Services):
    def as_role(self, name):
        arn = f"arn:aws:iam::{emulator.ACCOUNT}:role/{name}"
        keys = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return self.client(
            "s3",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=botocore.config.Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def refused(self, call, **named):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**named)
        return caught.exception.response["ResponseMetadata"]["HTTPStatusCode"]

    def test_a_buckets_conditions_are_kept(self):
        owner, processor, other = self.as_role("owner"), self.as_role("s-processor"), self.as_role("s-analyzer")
        location = {"LocationConstraint": emulator.REGION}
        owner.create_bucket(Bucket="outputs", CreateBucketConfiguration=location)
        outputs, everyone = "arn:aws:s3:::outputs/processed/*", {"Effect": "Deny", "Principal": "*"}
        once = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
        mine = {"ArnNotEquals": {"aws:PrincipalArn": [f"arn:aws:iam::{emulator.ACCOUNT}:role/s-processor"]}}
        tls = {"Bool": {"aws:SecureTransport": "false"}}
        policy = [
            {**everyone, "Sid": "Tls", "Action": "s3:*", "Resource": "arn:aws:s3:::outputs/*", "Condition": tls},
            {**everyone, "Sid": "Once", "Action": "s3:PutObject", "Resource": outputs, "Condition": once},
            {
                **everyone,
                "Sid": "Mine",
                "Action": ["s3:PutObject", "s3:DeleteObject"],
                "Resource": outputs,
                "Condition": mine,
            },
        ]
        owner.put_bucket_policy(Bucket="outputs", Policy=json.dumps({"Version": "2012-10-17", "Statement": policy}))
        new = {"Bucket": "outputs", "Key": "processed/a", "Body": b"1"}
        other.put_object(**{**new, "Key": "input/a"})
        self.assertEqual(self.refused(other.put_object, **new, IfNoneMatch="*"), 403)
        self.assertEqual(self.refused(processor.put_object, **new), 403)
        processor.put_object(**new, IfNoneMatch="*")
        self.assertEqual(self.refused(processor.put_object, **new, IfNoneMatch="*"), 412)
        self.assertEqual(self.refused(other.delete_object, Bucket="outputs", Key="processed/a"), 403)
        self.assertEqual(processor.get_object(Bucket="outputs", Key="processed/a")["Body"].read(), b"1")
        # Parts of an upload carry no condition; what puts them together does.
        upload = processor.create_multipart_upload(Bucket="outputs", Key="processed/b")["UploadId"]
        of_it = {"Bucket": "outputs", "Key": "processed/b", "UploadId": upload}
        part = processor.upload_part(**of_it, PartNumber=1, Body=b"2")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
        self.assertEqual(self.refused(processor.complete_multipart_upload, **of_it, MultipartUpload=parts), 403)
        processor.complete_multipart_upload(**of_it, MultipartUpload=parts, IfNoneMatch="*")

    def test_a_queues_attributes_stay(self):
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        policy = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}],
            }
        )
        allowed = json.dumps({"redrivePermission": "denyAll"})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedriveAllowPolicy": allowed})
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        self.assertEqual((json.loads(found["Policy"]), found["RedriveAllowPolicy"]), (json.loads(policy), allowed))
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedriveAllowPolicy": ""})
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        self.assertEqual(found.get("RedriveAllowPolicy"), None)
        self.assertEqual(json.loads(found["Policy"]), json.loads(policy))

    def test_what_it_lacks_is_told_at_once(self):
        started = time.monotonic()
        self.assertEqual(self.refused(self.client("codeconnections").list_repository_links), 400)
        self.assertLess(time.monotonic() - started, 10)


class Wire(Services):
    """Each against the page of AWS that the supplying function names."""

    def setUp(self):
        # Names of its own for each test: they share the emulator.
        self.name = self.id().rsplit(".", 1)[-1].removeprefix("test_").replace("_", "-")[:50]
        self.s3, self.sqs, self.events = (self.once(service) for service in ("s3", "sqs", "events"))

    def once(self, service):
        """A client that repeats nothing."""
        config = botocore.config.Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
        return self.client(service, config=config)

    def refusal(self, call, **named):
        """The code that a call is refused with."""
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**named)
        return caught.exception.response["Error"]["Code"].removeprefix("AWS.SimpleQueueService.")

    def bucket(self, name=None, versions=True, tells=True):
        name = name or self.name
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": emulator.REGION})
        if versions:
            self.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        if tells:
            told = {"EventBridgeConfiguration": {}}
            self.s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=told)
        return name

    def queue(self, name=None, **attributes):
        """A queue's address and ARN."""
        url = self.sqs.create_queue(QueueName=name or self.name, Attributes=attributes)["QueueUrl"]
        asked = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, asked["Attributes"]["QueueArn"]

    def rule(self, arn, pattern=None, bus="default", name=None, **target):
        named = {"Name": name or f"{self.name}-{bus}", "EventBusName": bus}
        how = {"EventPattern": json.dumps(pattern)} if pattern else {"ScheduleExpression": "rate(15 minutes)"}
        self.events.put_rule(**named, **how)
        self.addCleanup(self.events.delete_rule, **named)
        self.events.put_targets(
            Rule=named["Name"], EventBusName=bus, Targets=[{"Id": "1", "Arn": arn, **target}]
        )
        self.addCleanup(self.events.remove_targets, Rule=named["Name"], EventBusName=bus, Ids=["1"])
        return named

    def messages(self, url, **named):
        named = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"], **named}
        return self.sqs.receive_message(QueueUrl=url, **named).get("Messages", [])

    def bodies(self, url):
        return [json.loads(message["Body"]) for message in self.messages(url)]

    def entry(self, **named):
        return {"Source": f"test.{self.name}", "DetailType": "Something", "Detail": '{"a": 1}', **named}

    def of_bucket(self, bucket):
        return {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}

    def in_parts(self, key, bodies=(b"a" * 5 * 1024 * 1024, b"b"), part_checksums=None, **named):
        of_it = {"Bucket": self.name, "Key": key}
        sums = {"ChecksumAlgorithm": "CRC64NVME"}
        upload = self.s3.create_multipart_upload(**of_it, **sums, ChecksumType="FULL_OBJECT")["UploadId"]
        parts = []
        for number, body in enumerate(bodies, 1):
            part = self.s3.upload_part(**of_it, **sums, UploadId=upload, PartNumber=number, Body=body)
            said = part_checksums or part["ChecksumCRC64NVME"]
            parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC64NVME": said})
        return self.s3.complete_multipart_upload(**of_it, UploadId=upload, MultipartUpload={"Parts": parts}, **named)

    # Events.

    def test_an_object_that_was_put_is_told_of_as_s3_does(self):
        bucket, (url, arn) = self.bucket(), self.queue()
        self.rule(arn, self.of_bucket(bucket))
        self.events.create_event_bus(Name=f"{self.name}-bus")
        self.rule(arn, self.of_bucket(bucket), bus=f"{self.name}-bus")
        key = 'input/May 2026 + June/100% <id> ü/"a".csv'
        put = self.s3.put_object(Bucket=bucket, Key=key, Body=b"abc")
        (event,) = self.bodies(url)
        fixture = json.loads((HERE.parent / "events/s3_object_created.json").read_text(encoding="utf-8"))
        self.assertEqual(shape(event), shape(fixture))
        about = event["detail"].pop("object")
        for name, form in {"id": r"[0-9a-f-]{36}", "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"}.items():
            self.assertRegex(event.pop(name), f"^{form}$")
        sequencer = about.pop("sequencer")
        self.assertRegex(sequencer, "^[0-9A-F]{18}$")
        answered = put["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
        self.assertEqual(
            about, {"key": key, "size": 3, "etag": put["ETag"].strip('"'), "version-id": put["VersionId"]}
        )
        self.assertEqual(
            event,
            {
                "version": "0",
                "detail-type": "Object Created",
                "source": "aws.s3",
                "account": emulator.ACCOUNT,
                "region": emulator.REGION,
                "resources": [f"arn:aws:s3:::{bucket}"],
                "detail": {
                    "version": "0",
                    "event-version": "1.0",
                    "bucket": {"name": bucket},
                    "request-id": answered,
                    "requester": emulator.ACCOUNT,
                    "source-ip-address": "127.0.0.1",
                    "reason": "PutObject",
                },
            },
        )
        self.s3.put_object(Bucket=bucket, Key=key, Body=b"abc")
        (later,) = self.bodies(url)
        self.assertGreater(int(later["detail"]["object"]["sequencer"], 16), int(sequencer, 16))

    def test_an_upload_in_parts_and_a_copy_are_told_of_once(self):
        bucket, (url, arn) = self.bucket(), self.queue()
        self.rule(arn, self.of_bucket(bucket))
        done = self.in_parts("parts")
        self.s3.copy_object(Bucket=bucket, Key="copied", CopySource={"Bucket": bucket, "Key": "parts"})
        found = {event["detail"]["object"]["key"]: event["detail"] for event in self.bodies(url)}
        self.assertEqual(
            {key: detail["reason"] for key, detail in found.items()},
            {"parts": "CompleteMultipartUpload", "copied": "CopyObject"},
        )
        self.assertEqual(found["parts"]["object"]["etag"], done["ETag"].strip('"'))
        self.assertEqual(found["parts"]["object"]["version-id"], done["VersionId"])

    def test_a_bucket_without_versions_tells_of_none_and_one_that_is_off_of_nothing(self):
        (url, arn), plain, silent = self.queue(), self.bucket("plain-one", versions=False), self.bucket("silent", tells=False)
        self.rule(arn, {"source": ["aws.s3"], "detail": {"bucket": {"name": [plain, silent]}}})
        for bucket in (plain, silent):
            self.s3.put_object(Bucket=bucket, Key="k", Body=b"")
        (event,) = self.bodies(url)
        self.assertEqual(event["detail"]["bucket"]["name"], plain)
        self.assertNotIn("version-id", event["detail"]["object"])

    def test_what_is_deleted_is_told_of(self):
        bucket, (url, arn) = self.bucket(), self.queue()
        self.rule(arn, {**self.of_bucket(bucket), "detail-type": ["Object Deleted"]})
        version = self.s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
        marker = self.s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
        self.s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
        events = self.bodies(url)
        fixture = json.loads((HERE.parent / "events/s3_object_deleted.json").read_text(encoding="utf-8"))
        self.assertEqual([shape(event) for event in events], [shape(fixture)] * 2)
        found = [event["detail"] for event in events]
        self.assertEqual(
            [(detail["deletion-type"], detail["object"]["version-id"], detail["reason"]) for detail in found],
            [("Delete Marker Created", marker, "DeleteObject"), ("Permanently Deleted", version, "DeleteObject")],
        )

    def test_an_event_comes_as_it_was_put(self):
        url, arn = self.queue()
        self.rule(arn, {"source": [f"test.{self.name}"]})
        detail = {"reason": "<id> and <time>", "n": 1.5}
        entry = self.entry(Detail=json.dumps(detail), Resources=["arn:aws:s3:::b/k"], Time=1800000000)
        put = self.events.put_events(Entries=[entry])["Entries"][0]
        self.assertEqual(
            self.bodies(url),
            [
                {
                    "version": "0",
                    "id": put["EventId"],
                    "detail-type": "Something",
                    "source": f"test.{self.name}",
                    "account": emulator.ACCOUNT,
                    "time": "2027-01-15T08:00:00Z",
                    "region": emulator.REGION,
                    "resources": ["arn:aws:s3:::b/k"],
                    "detail": detail,
                }
            ],
        )

    def test_a_rule_that_is_off_or_only_scheduled_gets_nothing(self):
        url, arn = self.queue()
        named = self.rule(arn, {"source": [f"test.{self.name}"]})
        self.rule(arn, name=f"{self.name}-scheduled", Input='{"a": 1}')
        self.events.disable_rule(**named)
        self.events.put_events(Entries=[self.entry()])
        self.assertEqual(self.bodies(url), [])
        self.events.enable_rule(**named)
        self.events.put_events(Entries=[self.entry()])
        self.assertEqual(len(self.bodies(url)), 1)

    def test_a_target_that_fails_keeps_nobody_else_from_the_event(self):
        (url, arn), (letters, letters_arn) = self.queue(), self.queue(f"{self.name}-letters")
        pattern = {"source": [f"test.{self.name}"]}
        self.rule(f"{arn}-gone", pattern, name=f"{self.name}-a", DeadLetterConfig={"Arn": letters_arn})
        self.rule(f"{arn}-gone", pattern, name=f"{self.name}-b")
        self.rule(arn, pattern, name=f"{self.name}-c")
        self.assertEqual(self.events.put_events(Entries=[self.entry()])["FailedEntryCount"], 0)
        self.assertEqual(len(self.bodies(url)), 1)
        (letter,) = self.messages(letters)
        self.assertEqual(json.loads(letter["Body"])["source"], f"test.{self.name}")
        self.assertEqual(letter["MessageAttributes"]["TARGET_ARN"]["StringValue"], f"{arn}-gone")

    def test_put_events_has_limits(self):
        url, arn = self.queue()
        self.rule(arn, {"source": [f"test.{self.name}", "aws.ses"]})
        most = 256 * 1024 - len(f"test.{self.name}Something" + '{"a":""}')
        large = self.entry(Detail='{"a":"%s"}' % ("x" * (most + 1)))
        self.assertEqual(self.refusal(self.events.put_events, Entries=[large]), "ValidationException")
        self.assertEqual(self.refusal(self.events.put_events, Entries=[self.entry()] * 11), "ValidationException")
        fits = self.entry(Detail='{"a":"%s"}' % ("x" * most))
        self.assertEqual(self.events.put_events(Entries=[fits])["FailedEntryCount"], 0)
        entries = [self.entry(Source="aws.ses"), self.entry(), self.entry(Detail="[1]"), self.entry(Detail="{")]
        answer = self.events.put_events(Entries=entries)
        self.assertEqual(answer["FailedEntryCount"], 3)
        self.assertEqual(
            [entry.get("ErrorCode") for entry in answer["Entries"]],
            ["NotAuthorizedForSourceException", None, "MalformedDetail", "MalformedDetail"],
        )
        self.assertEqual(len(self.bodies(url)), 2)

    def test_a_service_of_aws_can_be_spoken_for(self):
        url, arn = self.queue()
        self.rule(arn, {"source": ["aws.ses"]})
        event_id = self.aws.announce("aws.ses", "Email Sent", {"a": 1}, ["arn"], time="2026-06-01T08:00:12Z")
        (event,) = self.bodies(url)
        self.assertEqual((event["id"], event["source"], event["time"]), (event_id, "aws.ses", "2026-06-01T08:00:12Z"))
        self.assertEqual((event["account"], event["resources"]), (emulator.ACCOUNT, ["arn"]))

    # S3.

    def test_a_checksum_is_compared_kept_and_told(self):
        bucket = self.bucket()
        wrong = {"ChecksumCRC64NVME": "AAAAAAAAAAA="}, {"ChecksumSHA256": "A" * 43 + "="}, {"ChecksumCRC32": "AAAAAA=="}
        for checksum in wrong:
            put = {"Bucket": bucket, "Key": "k", "Body": b"123456789", **checksum}
            self.assertEqual(self.refusal(self.s3.put_object, **put), "BadDigest")
        self.assertEqual(self.refusal(self.s3.head_object, Bucket=bucket, Key="k"), "404")
        # The check value of CRC-64/NVME in the catalogue of CRCs: AE8B14860A799888.
        right = "rosUhgp5mIg="
        self.s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", ChecksumCRC64NVME=right)
        for ask in (self.s3.head_object, self.s3.get_object):
            told = ask(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
            self.assertEqual((told["ChecksumCRC64NVME"], told["ChecksumType"]), (right, "FULL_OBJECT"))

    def test_an_upload_in_parts_is_compared_before_it_exists(self):
        bucket = self.bucket()
        size, wrong = 5 * 1024 * 1024 + 1, "AAAAAAAAAAA="
        whole = {"ChecksumType": "FULL_OBJECT", "ChecksumCRC64NVME": "q73CYp7EDYg="}
        refused = {
            "BadDigest": {"ChecksumType": "FULL_OBJECT", "ChecksumCRC64NVME": wrong},
            "InvalidRequest": {**whole, "MpuObjectSize": size + 1},
            "InvalidPart": {**whole, "part_checksums": wrong},
        }
        for code, named in refused.items():
            self.assertEqual(self.refusal(self.in_parts, key="k", **named), code)
        self.assertEqual(self.refusal(self.s3.head_object, Bucket=bucket, Key="k"), "404")
        self.in_parts("k", **whole, MpuObjectSize=size)
        told = self.s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
        self.assertEqual((told["ChecksumCRC64NVME"], told["ChecksumType"]), (whole["ChecksumCRC64NVME"], "FULL_OBJECT"))
        part = {"Bucket": bucket, "Key": "k", "UploadId": "none", "PartNumber": 1, "Body": b""}
        self.assertEqual(self.refusal(self.s3.upload_part, **part), "NoSuchUpload")
        done = {"Bucket": bucket, "Key": "k", "UploadId": "none"}
        done["MultipartUpload"] = {"Parts": [{"PartNumber": 1, "ETag": "e"}]}
        self.assertEqual(self.refusal(self.s3.complete_multipart_upload, **done), "NoSuchUpload")

    def test_a_listing_of_versions_is_whole_page_by_page(self):
        bucket = self.bucket()
        keys = ["a", "a b+c%41", "ctl\x01", "ü"]
        for key in keys:
            for body in (b"1", b"2"):
                self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        self.s3.delete_object(Bucket=bucket, Key="a")
        whole, place = [], {}
        for _ in range(20):
            page = self.s3.list_object_versions(Bucket=bucket, MaxKeys=2, **place)
            self.assertLessEqual(len(page.get("Versions", []) + page.get("DeleteMarkers", [])), 2)
            whole += [(entry["Key"], entry["IsLatest"]) for entry in page.get("Versions", [])]
            if not page["IsTruncated"]:
                break
            place = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        self.assertEqual(whole, [("a", False)] * 2 + [(key, latest) for key in keys[1:] for latest in (True, False)])
        after = self.s3.list_object_versions(Bucket=bucket, KeyMarker="a")["Versions"]
        self.assertEqual([entry["Key"] for entry in after], [key for key in keys[1:] for _ in range(2)])

    def test_a_key_has_a_length(self):
        put = {"Bucket": self.bucket(), "Body": b""}
        self.s3.put_object(**put, Key="ü" * 512)
        self.assertEqual(self.refusal(self.s3.put_object, **put, Key="ü" * 512 + "x"), "KeyTooLongError")

    # Queues.

    def test_a_message_has_a_size_in_bytes_and_a_content(self):
        url, _ = self.queue()
        most = 1024 * 1024
        for body, code in {
            "x" * (most + 1): "InvalidParameterValue",
            "ü" * (most // 2) + "x": "InvalidParameterValue",
            "a\x01": "InvalidMessageContents",
        }.items():
            self.assertEqual(self.refusal(self.sqs.send_message, QueueUrl=url, MessageBody=body), code)
        attribute = {"a": {"DataType": "String", "StringValue": "v"}}
        with_attribute = {"QueueUrl": url, "MessageBody": "x" * (most - 7), "MessageAttributes": attribute}
        self.assertEqual(self.refusal(self.sqs.send_message, **with_attribute), "InvalidParameterValue")
        self.sqs.send_message(**{**with_attribute, "MessageBody": "x" * (most - 8)})
        batch = [{"Id": str(number), "MessageBody": "ü" * (most // 4 + 1)} for number in range(2)]
        self.assertEqual(self.refusal(self.sqs.send_message_batch, QueueUrl=url, Entries=batch), "BatchRequestTooLong")

    def test_only_the_last_receipt_deletes_and_a_message_counts_its_receives(self):
        url, _ = self.queue()
        self.sqs.send_message(QueueUrl=url, MessageBody="m")
        (first,) = self.messages(url, VisibilityTimeout=0)
        (second,) = self.messages(url, VisibilityTimeout=0)
        counts = [message["Attributes"]["ApproximateReceiveCount"] for message in (first, second)]
        self.assertEqual(counts, ["1", "2"])
        for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
            self.assertEqual(first["Attributes"][name], second["Attributes"][name])
            self.assertRegex(first["Attributes"][name], r"^\d{13}$")
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
        (third,) = self.messages(url)
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"])
        self.assertEqual(self.messages(url), [])

    def test_visibility_is_that_of_a_message_in_flight(self):
        url, _ = self.queue()
        self.sqs.send_message(QueueUrl=url, MessageBody="m")
        # Twelve hours from the receive, not from the sending.
        time.sleep(2)
        (message,) = self.messages(url)
        of_it = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
        self.sqs.change_message_visibility(**of_it, VisibilityTimeout=43199)
        self.sqs.change_message_visibility(**of_it, VisibilityTimeout=0)
        again = {**of_it, "VisibilityTimeout": 0}
        self.assertEqual(self.refusal(self.sqs.change_message_visibility, **again), "MessageNotInflight")
        self.assertEqual(len(self.messages(url)), 1)

    def test_a_message_is_a_dead_letter_after_its_last_receive(self):
        letters, letters_arn = self.queue(f"{self.name}-letters")
        redrive = json.dumps({"deadLetterTargetArn": letters_arn, "maxReceiveCount": 2})
        url, _ = self.queue(RedrivePolicy=redrive)
        self.sqs.send_message(QueueUrl=url, MessageBody="m")
        for _ in range(2):
            self.assertEqual(len(self.messages(url, VisibilityTimeout=0)), 1)
            self.assertEqual(self.messages(letters), [])
        self.assertEqual(self.messages(url, VisibilityTimeout=0), [])
        self.assertEqual([message["Body"] for message in self.messages(letters)], ["m"])

    def test_who_waits_for_a_message_keeps_nobody_waiting(self):
        url, _ = self.queue()
        send = threading.Timer(0.5, self.once("sqs").send_message, kwargs={"QueueUrl": url, "MessageBody": "m"})
        send.start()
        started = time.monotonic()
        self.assertEqual(len(self.messages(url, WaitTimeSeconds=10)), 1)
        self.assertLess(time.monotonic() - started, 5)
        send.join()

    def test_a_mapping_takes_no_message_by_itself(self):
        url, arn = self.queue()
        role = self.client("iam").create_role(RoleName=self.name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        functions = self.client("lambda")
        named = {"FunctionName": self.name, "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": role}
        functions.create_function(**named, Code={"ZipFile": EMPTY_ZIP})
        functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=self.name)
        self.sqs.send_message(QueueUrl=url, MessageBody="m")
        self.assertEqual([message["Body"] for message in self.messages(url)], ["m"])

    # Functions.

    def test_a_functions_package_and_mapping_are_found(self):
        functions = self.once("lambda")
        role = self.once("iam").create_role(RoleName=self.name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        made = functions.create_function(
            FunctionName=self.name, Runtime="provided.al2023", Handler="bootstrap", Role=role, Code={"ZipFile": EMPTY_ZIP}
        )  # fmt: skip
        place = functions.get_function(FunctionName=self.name)["Code"]["Location"]
        with urllib.request.urlopen(place, timeout=10) as answer:
            self.assertEqual(answer.read(), EMPTY_ZIP)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(place + "-not", timeout=10)
        self.assertEqual(caught.exception.code, 404)
        caught.exception.close()
        url = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        mapping = functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=made["FunctionArn"])["UUID"]
        for known in (self.name, made["FunctionArn"]):
            found = functions.list_event_source_mappings(FunctionName=known)["EventSourceMappings"]
            self.assertEqual([one["UUID"] for one in found], [mapping], known)
        self.assertEqual(functions.list_event_source_mappings(FunctionName="another")["EventSourceMappings"], [])

    def test_an_item_has_a_size(self):
        tables = self.once("dynamodb")
        tables.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        most = 400 * 1024 - len("k1v")
        for size in (most, most + 1):
            item = {"k": {"S": "1"}, "v": {"S": "x" * size}}
            if size == most:
                tables.put_item(TableName=self.name, Item=item)
            else:
                put = {"TableName": self.name, "Item": item}
                self.assertEqual(self.refusal(tables.put_item, **put), "ValidationException")
        update = {"TableName": self.name, "Key": {"k": {"S": "1"}}, "UpdateExpression": "SET v = :v"}
        tables.update_item(**update, ExpressionAttributeValues={":v": {"S": "y" * most}})
        update["ExpressionAttributeValues"] = {":v": {"S": "y" * (most + 1)}}
        self.assertEqual(self.refusal(tables.update_item, **update), "ValidationException")


if __name__ == "__main__":
    # moto's own Python has the SDK.
    checkout.enter("moto")
    import boto3
    import botocore.config
    import botocore.exceptions

    unittest.main()
