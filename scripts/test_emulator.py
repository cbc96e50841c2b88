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
import time
import unittest
import urllib.error
import urllib.request

import checkout
import emulator

HERE = pathlib.Path(__file__).resolve().parent
START = "import emulator, sys, time\nwith emulator.running(limit_seconds=int(sys.argv[1])) as aws:\n    print(aws.url, flush=True)\n    time.sleep(60)"


def answers(url):
    try:
        urllib.request.urlopen(f"{url}/moto-api/", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


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
    @classmethod
    def setUpClass(cls):
        cls.context = emulator.running()
        aws = cls.context.__enter__()
        cls.addClassCleanup(cls.context.__exit__, None, None, None)
        for name, value in aws.environment.items():
            os.environ[name] = value

    def client(self, service, **named):
        return boto3.client(service, **named)

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


if __name__ == "__main__":
    # moto's own Python has the SDK.
    checkout.enter("moto")
    import boto3
    import botocore.config
    import botocore.exceptions

    unittest.main()
