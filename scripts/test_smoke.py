#!/usr/bin/env python3
"""Tries scripts/deploy/smoke.sh against the emulator: a report that comes, ones that do not, and requests that are refused.

    python3 scripts/test_smoke.py

The AWS command line is that of the checks of the guide (check_docs.py). Nothing leaves this machine.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import check_docs
import checkout
import emulator

ROOT = checkout.ROOT
BUCKET = "gristmill-dev-111122223333-eu-central-1"
TABLE = "gristmill-dev-analyses"
PREFIX = "input/smoke_test/"


def command_line():
    """The folder of an `aws` command: of the one that the checks of the guide use, as requirements/awscli.txt says."""
    return str(pathlib.Path(shutil.which(check_docs.Aws.install())).resolve().parent)


class Smoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.running = emulator.running(limit_seconds=600)
        cls.environment = {**os.environ, **cls.running.__enter__().environment, "AWS_PAGER": ""}
        cls.environment["PATH"] = command_line() + os.pathsep + cls.environment["PATH"]
        # The emulator knows buckets by the path of an address.
        cls.settings = tempfile.NamedTemporaryFile("w", suffix=".config")
        cls.settings.write("[default]\ns3 =\n    addressing_style = path\n")
        cls.settings.flush()
        cls.environment["AWS_CONFIG_FILE"] = cls.settings.name
        cls.aws("s3api", "create-bucket", "--bucket", BUCKET, "--create-bucket-configuration", "LocationConstraint=eu-central-1")
        cls.aws(
            "dynamodb", "create-table", "--table-name", TABLE, "--billing-mode", "PAY_PER_REQUEST",
            "--attribute-definitions", *[f"AttributeName={name},AttributeType=S" for name in ("run_id", "dataset", "analysis_timestamp")],
            "--key-schema", "AttributeName=run_id,KeyType=HASH",
            "--global-secondary-indexes", json.dumps([{
                "IndexName": "by-dataset",
                "KeySchema": [{"AttributeName": "dataset", "KeyType": "HASH"}, {"AttributeName": "analysis_timestamp", "KeyType": "RANGE"}],
                # As infrastructure/table.tf has it: what the index does not show, the script cannot read.
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["source_file", "rows", "narrator", "notification_sent", "notification_timestamp"]},
            }]),
        )  # fmt: skip

    @classmethod
    def tearDownClass(cls):
        cls.settings.close()
        cls.running.__exit__(None, None, None)

    @classmethod
    def aws(cls, *arguments):
        done = subprocess.run(["aws", *arguments, "--output", "json"], env=cls.environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"aws {' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def record(self, key, sent, run="r1"):
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + ".123456789Z"
        self.aws("dynamodb", "put-item", "--table-name", TABLE, "--item", json.dumps({
            "run_id": {"S": run}, "dataset": {"S": "smoke_test"}, "analysis_timestamp": {"S": now}, "source_file": {"S": key},
            "narrator": {"S": "built-in"}, "notification_sent": {"BOOL": sent},
        }))  # fmt: skip

    def keys(self):
        found = self.aws("s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix", PREFIX)
        return {entry["Key"] for entry in found.get("Contents", [])}

    def start(self, seconds=4, **settings):
        environment = {
            **self.environment, "GRISTMILL_BUCKET": BUCKET, "GRISTMILL_TABLE": TABLE, "GRISTMILL_REGION": "eu-central-1",
            "GRISTMILL_SMOKE_SECONDS": str(seconds), "GRISTMILL_SMOKE_PAUSE": "1", **settings,
        }  # fmt: skip
        return subprocess.Popen(
            ["bash", "scripts/deploy/smoke.sh"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ended(self, process):
        out, errors = process.communicate(timeout=90)
        return process.returncode, out, errors

    def dropped(self, before):
        """The key that the script dropped since."""
        for _ in range(60):
            if new := self.keys() - before:
                (key,) = new
                return key
            time.sleep(0.5)
        self.fail("nothing was dropped")

    def test_a_report_that_comes(self):
        before = self.keys()
        process = self.start(seconds=60)
        key = self.dropped(before)
        self.assertRegex(key, r"^input/smoke_test/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\.csv$")
        self.record(key, sent=False, run="comes")
        time.sleep(4)
        self.assertIsNone(process.poll(), "it did not wait for the mail")
        self.record(key, sent=True, run="comes")
        code, out, errors = self.ended(process)
        self.assertEqual((code, errors), (0, ""))
        self.assertIn("the report is out", out)
        self.assertIn("run comes", out)
        self.assertIn("words by built-in", out)
        with tempfile.TemporaryDirectory() as folder:
            self.aws("s3api", "get-object", "--bucket", BUCKET, "--key", key, f"{folder}/got")
            self.assertEqual(pathlib.Path(folder, "got").read_bytes(), (ROOT / "samples/smoke_test.csv").read_bytes())

    def test_each_drop_is_a_run_of_its_own(self):
        before = self.keys()
        for process in [self.start(seconds=0), self.start(seconds=0)]:
            self.ended(process)
        self.assertEqual(len(self.keys() - before), 2)

    def test_no_record(self):
        # The report of another drop is none of this one.
        self.record(f"{PREFIX}another.csv", sent=True, run="another")
        code, _, errors = self.ended(self.start())
        self.assertEqual(code, 1)
        self.assertIn("no report of input/smoke_test/", errors)
        self.assertIn("There is no record of it", errors)
        self.assertIn("process-dead-letters", errors)

    def test_a_record_without_a_mail(self):
        before = self.keys()
        process = self.start(seconds=12)
        watcher = threading.Thread(target=lambda: self.record(self.dropped(before), sent=False, run="unsent"))
        watcher.start()
        code, _, errors = self.ended(process)
        watcher.join()
        self.assertEqual(code, 1)
        self.assertIn("run unsent", errors)
        self.assertIn("its mail is not out", errors)
        self.assertIn("notify-dead-letters", errors)

    def test_a_drop_that_is_refused(self):
        code, _, errors = self.ended(self.start(GRISTMILL_BUCKET="gristmill-nowhere"))
        self.assertEqual(code, 1)
        self.assertIn("the file could not be dropped", errors)
        self.assertNotIn("no report", errors)

    def test_a_look_that_is_refused(self):
        code, _, errors = self.ended(self.start(GRISTMILL_TABLE="gristmill-nowhere"))
        self.assertEqual(code, 1)
        self.assertIn("the table could not be asked", errors)

    def test_what_must_be_told(self):
        for missing in ("GRISTMILL_BUCKET", "GRISTMILL_TABLE"):
            code, _, errors = self.ended(self.start(**{missing: ""}))
            self.assertNotEqual(code, 0)
            self.assertIn(missing, errors)


if __name__ == "__main__":
    unittest.main(verbosity=2)
