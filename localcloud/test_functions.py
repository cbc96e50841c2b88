#!/usr/bin/env python3
"""Tests of the Lambda side: a program that is no function of Gristmill, but speaks to the Runtime API as one, is run as Lambda
would, with a queue in memory. Needs neither the emulator nor Terraform nor the functions' packages.

    python3 localcloud/test_functions.py
"""

import base64
import hashlib
import io
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scripts")]

import functions  # noqa: E402

EVENTS = HERE.parent / "events"
# What a message tells it to do stands in the message.
PROGRAM = """
import json, os, sys, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
def post(path, said):
    urllib.request.urlopen(urllib.request.Request(api + path, json.dumps(said).encode(), method="POST")).read()
if os.environ.get("START") == "refuse":
    post("init/error", {"errorType": "No.Settings", "errorMessage": "nothing is set"})
    sys.exit(1)
if os.environ.get("START") == "fall":
    sys.exit(3)
while True:
    with urllib.request.urlopen(api + "invocation/next") as answer:
        event, headers = json.load(answer), dict(answer.headers)
    request = headers["Lambda-Runtime-Aws-Request-Id"]
    bodies = [record["body"] for record in event["Records"]]
    print(json.dumps({"message": "took", "request": request, "bodies": bodies}), flush=True)
    path = f"invocation/{request}/"
    if "fail" in bodies:
        post(path + "error", {"errorType": "Its.Own", "errorMessage": "as it was told"})
    elif "fall" in bodies:
        os.abort()
    elif "hang" in bodies:
        time.sleep(60)
    elif "tell" in bodies:
        told = {"environment": dict(os.environ), "headers": headers, "cwd": os.getcwd(), "there": os.listdir()}
        print(json.dumps({"message": "told", "request": request, **told}), flush=True)
        post(path + "response", None)
    elif "nonsense" in bodies:
        post(path + "response", {"batchItemFailures": [{"itemIdentifier": "nobody"}]})
    else:
        time.sleep(0.3 if "slow" in bodies else 0)
        failed = [{"itemIdentifier": r["messageId"]} for r in event["Records"] if r["body"] == "later"]
        post(path + "response", {"batchItemFailures": failed})
"""


class Queue:
    """A queue in memory: what is received is hidden, and stays so until it is deleted."""

    def __init__(self):
        self.waiting, self.hidden, self.deleted = [], {}, []
        self.numbers = itertools.count()
        self.guard = threading.Lock()

    def put(self, *bodies):
        with self.guard:
            self.waiting += [(f"m{next(self.numbers)}", body) for body in bodies]

    def get_queue_url(self, QueueName):
        return {"QueueUrl": f"http://127.0.0.1/{QueueName}"}

    def receive_message(self, MaxNumberOfMessages, WaitTimeSeconds, **_):
        assert WaitTimeSeconds == 0, "a long poll would keep the emulator from everybody else"
        with self.guard:
            taken, self.waiting = self.waiting[:MaxNumberOfMessages], self.waiting[MaxNumberOfMessages:]
            self.hidden |= dict(taken)
        sent = {"SentTimestamp": "1795294956047", "ApproximateReceiveCount": "1"}
        messages = [
            {"MessageId": one, "ReceiptHandle": one, "Body": body, "MD5OfBody": "0", "Attributes": sent} for one, body in taken
        ]
        return {"Messages": messages} if messages else {}

    def delete_message(self, QueueUrl, ReceiptHandle):
        with self.guard:
            self.deleted.append(self.hidden.pop(ReceiptHandle))


class Sts:
    def __init__(self):
        self.numbers, self.roles = itertools.count(), []

    def assume_role(self, RoleArn, RoleSessionName):
        self.roles.append(RoleArn)
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        number = next(self.numbers)
        return {"Credentials": {name: f"{name}{number}" for name in names}}


class Lambda:
    """The stack's word on a function whose package is the program above."""

    def __init__(self, folder, timeout=5, concurrency=2, batch_size=1, variables=None):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, PROGRAM)
        self.code = folder / "package.zip"
        self.code.write_bytes(packed.getvalue())
        self.digest = base64.b64encode(hashlib.sha256(packed.getvalue()).digest()).decode()
        self.timeout, self.concurrency, self.batch_size = timeout, concurrency, batch_size
        self.variables = variables or {}

    def get_function(self, FunctionName):
        kept = {
            "FunctionArn": f"arn:aws:lambda:eu-central-1:111122223333:function:{FunctionName}",
            "Role": f"arn:aws:iam::111122223333:role/{FunctionName}",
            "Version": "$LATEST",
            "MemorySize": 512,
            "Timeout": self.timeout,
            "Architectures": ["x86_64"],
            "CodeSha256": self.digest,
            "Environment": {"Variables": self.variables},
            "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/aws/lambda/f", "ApplicationLogLevel": "WARN"},
        }
        return {"Configuration": kept, "Code": {"Location": self.code.as_uri()}}

    def list_event_source_mappings(self, FunctionName):
        mapping = {
            "EventSourceArn": "arn:aws:sqs:eu-central-1:111122223333:s-process",
            "BatchSize": self.batch_size,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": self.concurrency},
        }
        return {"EventSourceMappings": [mapping]}


class Cloud:
    region = "eu-central-1"
    outputs = {"functions": {"processor": "s-processor"}}
    addresses = {"aws": "http://a", "bedrock": "http://b", "ses": "http://s"}

    def __init__(self, folder, **settings):
        self.folder, self.clock, self.environment, self.notes = folder, time.time, {"ADDED": "yes"}, []
        self.clients = {"sqs": Queue(), "sts": Sts(), "lambda": Lambda(folder, **settings)}

    def client(self, name):
        return self.clients[name]

    def note(self, line):
        self.notes.append(line)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # The program is Python, and not for this machine alone.
        before, functions.runner = functions.runner, lambda header: [sys.executable, "-I"]
        self.addCleanup(setattr, functions, "runner", before)

    def started(self, **settings):
        self.cloud = Cloud(self.folder, **settings)
        self.queue = self.cloud.client("sqs")
        self.functions = functions.Functions(self.cloud)
        self.functions.start()
        self.addCleanup(self.functions.stop)
        return self.functions

    def until(self, found, seconds=10):
        end = time.monotonic() + seconds
        while not found():
            self.assertLess(time.monotonic(), end, f"waited in vain; {self.cloud.notes}")
            time.sleep(0.01)

    def done(self, count=1):
        self.until(lambda: len(self.functions.invocations) >= count and not self.functions.busy())
        return self.functions.invocations

    def log(self):
        log = self.folder / "logs" / "processor.log"
        return log.read_text() if log.exists() else ""


class Invocations(Case):
    def test_what_succeeded_is_deleted(self):
        self.started()
        self.queue.put("ok")
        (done,) = self.done()
        self.assertEqual((done["outcome"], self.queue.deleted, self.queue.hidden), ("ok", ["ok"], {}))
        self.assertEqual(done["message_ids"], ["m0"])
        self.assertGreater(done["max_memory_kb"], 1000)
        self.assertGreater(done["init_ms"], 1)
        said = self.log()
        start = f"START RequestId: {done['request_id']} Version: $LATEST"
        for word in (start, "END RequestId", "Memory Size: 512 MB", "Init Duration"):
            self.assertIn(word, said)

    def test_an_environment_is_used_again(self):
        self.started()
        for count in (1, 2, 3):
            self.queue.put("ok")
            self.done(count)
        self.assertEqual([one["init_ms"] is None for one in self.functions.invocations], [False, True, True])
        self.assertEqual(len(self.cloud.client("sts").roles), 1)

    def test_no_more_at_once_than_the_mapping_says(self):
        self.started(concurrency=2)
        self.queue.put(*["slow"] * 6)
        most = 0
        while len(self.queue.deleted) < 6:
            most = max(most, self.functions.busy())
            time.sleep(0.005)
        self.assertEqual(most, 2)
        self.assertEqual(len(self.cloud.client("sts").roles), 2)

    def test_an_error_leaves_the_message_to_the_queue_and_the_environment_alive(self):
        self.started(concurrency=1)
        self.queue.put("fail")
        (done,) = self.done()
        self.assertEqual((done["outcome"], self.queue.deleted, len(self.queue.hidden)), ("Its.Own", [], 1))
        self.queue.put("ok")
        self.done(2)
        self.assertEqual(len(self.cloud.client("sts").roles), 1)

    def test_of_a_batch_only_what_failed_stays(self):
        self.started(batch_size=3, concurrency=1)
        self.queue.put("ok", "later", "ok")
        done = self.done()
        self.until(lambda: len(self.queue.deleted) == 2)
        self.assertEqual(done[0]["outcome"], "ok")
        self.assertEqual((self.queue.deleted, list(self.queue.hidden.values())), (["ok", "ok"], ["later"]))

    def test_an_answer_about_others_is_a_failure_of_all(self):
        self.started()
        self.queue.put("nonsense")
        self.done()
        self.assertEqual((self.queue.deleted, len(self.queue.hidden)), ([], 1))

    def test_what_takes_too_long_is_ended(self):
        self.started(timeout=1)
        self.queue.put("hang")
        (done,) = self.done()
        self.assertEqual((done["outcome"], self.queue.deleted), ("Sandbox.Timedout", []))
        self.assertTrue(0.9 < done["seconds"] < 3, done)
        self.assertIn("Task timed out after 1.00 seconds", self.log())
        self.assertEqual(self.living(), 0)

    def test_a_crash_is_an_exit_error(self):
        self.started()
        self.queue.put("fall")
        (done,) = self.done()
        self.assertEqual((done["outcome"], self.queue.deleted), ("Runtime.ExitError", []))
        self.assertIn("signal: SIGABRT\nRuntime.ExitError", self.log())
        self.queue.put("ok")
        self.done(2)
        self.assertEqual(self.functions.invocations[1]["outcome"], "ok")

    def cannot_start(self, how):
        self.started(variables={"START": how})
        self.queue.put("ok")
        (done,) = self.done()
        self.assertEqual((self.queue.deleted, len(self.queue.hidden)), ([], 1))
        return done["outcome"]

    def test_a_function_that_says_that_it_cannot_start_fails_its_invocation(self):
        self.assertEqual(self.cannot_start("refuse"), "No.Settings")

    def test_a_function_that_falls_while_it_starts_fails_its_invocation(self):
        self.assertEqual(self.cannot_start("fall"), "Runtime.ExitError")

    def test_one_is_killed_by_its_key(self):
        self.started(concurrency=2)
        self.queue.put("hang", "hang")
        self.until(lambda: len(self.cloud.client("sts").roles) == 2 and self.log().count('"took"') == 2)
        self.assertFalse(self.functions.kill("nobody's"))
        self.assertTrue(self.functions.kill("AccessKeyId0"))
        self.until(lambda: self.functions.invocations)
        (done,) = self.functions.invocations
        self.assertEqual((done["outcome"], done["access_key_id"]), ("Runtime.ExitError", "AccessKeyId0"))
        self.assertIn("signal: SIGKILL", self.log())
        self.assertEqual((self.functions.busy(), self.living()), (1, 1))
        self.assertFalse(self.functions.kill("AccessKeyId0"))

    def test_one_that_is_killed_at_rest_is_not_used_again(self):
        self.started()
        self.queue.put("ok")
        self.done()
        self.assertTrue(self.functions.kill("AccessKeyId0"))
        self.queue.put("ok")
        self.done(2)
        self.assertEqual([one["outcome"] for one in self.functions.invocations], ["ok", "ok"])

    def test_it_ends_at_once_in_the_middle_of_its_work(self):
        self.started(timeout=60)
        self.queue.put("hang", "hang")
        self.until(lambda: self.functions.busy() == 2)
        started = time.monotonic()
        self.functions.stop()
        self.assertLess(time.monotonic() - started, 5)
        self.assertEqual((self.living(), self.functions.busy(), self.queue.deleted), (0, 0, []))

    def test_it_ends_with_its_environments(self):
        self.started()
        self.queue.put("ok")
        self.done()
        self.assertEqual(self.living(), 1)
        self.functions.stop()
        self.assertEqual(self.living(), 0)

    def living(self):
        found = 0
        for stage in self.functions.stages.values():
            for environment in stage.environments:
                found += environment.process.poll() is None and os.path.exists(f"/proc/{environment.process.pid}/exe")
        return found


class Surroundings(Case):
    def told(self):
        os.environ["SECRET_OF_THE_USER"] = "yes"
        self.addCleanup(os.environ.pop, "SECRET_OF_THE_USER")
        self.started(variables={"GRISTMILL_TABLE": "t"})
        before = time.time()
        self.queue.put("tell")
        (done,) = self.done()
        lines = self.functions.said(done["request_id"], "processor")
        (told,) = [line for line in lines if line["message"] == "told"]
        return told, done, before

    def test_a_function_has_what_lambda_gives_and_nothing_of_the_users(self):
        told, _, _ = self.told()
        found = told["environment"]
        self.assertEqual(
            set(found) - {"LC_CTYPE"},
            {
                "_HANDLER", "ADDED", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL_SESV2", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
                "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_LEVEL", "AWS_LAMBDA_LOG_STREAM_NAME",
                "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_RESPONSE_CHECKSUM_VALIDATION", "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN", "GRISTMILL_TABLE", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "LANG", "PATH", "TZ",
            },
        )  # fmt: skip
        wanted = {"AWS_LAMBDA_FUNCTION_NAME": "s-processor", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "TZ": ":UTC"}
        wanted |= {"AWS_ACCESS_KEY_ID": "AccessKeyId0", "AWS_LAMBDA_LOG_LEVEL": "WARN", "AWS_ENDPOINT_URL_SESV2": "http://s"}
        self.assertEqual({name: found[name] for name in wanted}, wanted)
        self.assertEqual(told["there"], [])
        self.assertEqual(self.cloud.client("sts").roles, ["arn:aws:iam::111122223333:role/s-processor"])

    def test_an_invocation_has_lambdas_headers(self):
        told, done, before = self.told()
        headers = told["headers"]
        self.assertEqual(headers["Lambda-Runtime-Aws-Request-Id"], done["request_id"])
        deadline = int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000
        self.assertTrue(before + 5 <= deadline <= time.time() + 5)
        arn = "arn:aws:lambda:eu-central-1:111122223333:function:s-processor"
        self.assertEqual(headers["Lambda-Runtime-Invoked-Function-Arn"], arn)
        self.assertRegex(headers["Lambda-Runtime-Trace-Id"], r"^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$")

    def test_the_runtime_api_refuses_what_it_does_not_know(self):
        self.started()
        self.queue.put("ok")
        self.done()
        address = self.functions.stages["processor"].environments[0].api.address
        for path, status in (("runtime/invocation/nobody/response", 400), ("runtime/elsewhere", 404), ("x", 404)):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"http://{address}/2018-06-01/{path}", b"{}", timeout=5)
            self.assertEqual(caught.exception.code, status, path)
            caught.exception.close()

    def test_functions_end_when_who_runs_them_is_killed(self):
        script = (
            f"import sys; sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent / 'scripts')!r}]\n"
            "import concurrent.futures, functions, time\n"
            "pool = concurrent.futures.ThreadPoolExecutor(1)\n"
            "print(pool.submit(functions.launch, ['sleep', '60'], {}).result().pid, flush=True)\n"
            "time.sleep(60)\n"
        )
        parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        self.addCleanup(parent.stdout.close)
        child = int(parent.stdout.readline())
        self.assertIn("sleep", pathlib.Path(f"/proc/{child}/cmdline").read_text())
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        end = time.monotonic() + 5
        # One that ended has no command line any more, whether or not somebody has asked for its end.
        while pathlib.Path(f"/proc/{child}").exists() and pathlib.Path(f"/proc/{child}/cmdline").read_text():
            self.assertLess(time.monotonic(), end, "the child lives on")
            time.sleep(0.02)


class Words(unittest.TestCase):
    def test_an_event_has_the_shape_of_aws(self):
        wanted = json.loads((EVENTS / "sqs_object_created.json").read_text())["Records"][0]
        message = {
            "MessageId": wanted["messageId"],
            "ReceiptHandle": wanted["receiptHandle"],
            "Body": wanted["body"],
            "MD5OfBody": wanted["md5OfBody"],
            "Attributes": wanted["attributes"],
        }
        function = functions.Function(*[None] * 12, {"EventSourceArn": wanted["eventSourceARN"]}, None)
        self.assertEqual(functions.event([message], function), {"Records": [wanted]})

    def test_what_a_message_is_about(self):
        for name, wanted in (
            ("s3_object_created", {"detail_type": "Object Created", "key": "input/smartphone_sales/May 2026 + June.csv"}),
            ("ses_email_delivered", {"detail_type": "Email Delivered", "run_id": "4f8a1c2b3d4e5f60718293a4b5c6d7e8"}),
            ("processing_complete", {"detail_type": "Processing Complete"}),
        ):
            found = functions.about({"Body": (EVENTS / f"{name}.json").read_text()})
            self.assertEqual({key: found.get(key) for key in wanted}, wanted, name)
        self.assertEqual(functions.about({"Body": "no JSON"}), {})
        self.assertEqual(functions.about({"Body": "[1]"}), {})

    def test_which_messages_failed(self):
        ids = ["a", "b"]
        for body, wanted in (
            (b"", set()),
            (b"null", set()),
            (b"{}", set()),
            (b'{"batchItemFailures": null}', set()),
            (b'{"batchItemFailures": [{"itemIdentifier": "b"}]}', {"b"}),
            (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', {"a", "b"}),
            (b'{"batchItemFailures": [{"itemIdentifier": null}]}', {"a", "b"}),
            (b'{"batchItemFailures": [{"id": "a"}]}', {"a", "b"}),
            (b'{"batchItemFailures": [{"itemIdentifier": "c"}]}', {"a", "b"}),
            (b"[1]", {"a", "b"}),
            (b"no JSON", {"a", "b"}),
        ):
            self.assertEqual(functions.failures(body, ids), wanted, body)

    def test_a_program_for_another_machine_needs_qemu(self):
        header = b"\x7fELF" + bytes(14)
        here = {"x86_64": 62, "aarch64": 183}[functions.platform.machine()]
        self.assertEqual(functions.runner(header + here.to_bytes(2, "little")), [])
        with self.assertRaisesRegex(RuntimeError, "no program for Linux"):
            functions.runner(header + (243).to_bytes(2, "little"))
        before, functions.shutil.which = functions.shutil.which, lambda _: None
        try:
            with self.assertRaisesRegex(RuntimeError, "apt-get install qemu-user"):
                functions.runner(header + (245 - here).to_bytes(2, "little"))
        finally:
            functions.shutil.which = before


if __name__ == "__main__":
    unittest.main()
