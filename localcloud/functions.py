"""The Lambda side of the local cloud: real binaries as functions, fed by their real queues.

What a function is comes from the stack, asked as AWS is asked: its settings, timeout, memory and role (GetFunction), its
package (the address that GetFunction names), its event source mapping (ListEventSourceMappings). From there on this is
what Lambda does: it starts execution environments, each with a Runtime API of its own and credentials of the function's
role, polls the queue, hands each batch to an environment, ends what takes too long, deletes what succeeded, and leaves
the rest to the queue's visibility timeout.

(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html,
 https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html,
 https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html)
"""

import base64
import concurrent.futures
import contextlib
import ctypes
import dataclasses
import hashlib
import http.server
import io
import json
import os
import pathlib
import platform
import secrets
import shutil
import signal
import subprocess
import threading
import time
import traceback
import urllib.request
import uuid
import zipfile

import first_poll

RUNTIME = "/2018-06-01/runtime/"
# Lambda gives a function this long to start before the first event, and tries once more within the function's timeout.
# (https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib)
INIT_SECONDS = 10
# Without a ScalingConfig a queue may start this many.
DEFAULT_CONCURRENCY = 1000
# And no more than this on one machine.
MOST_AT_ONCE = 64
# How long a poller waits after an empty answer: briefly after some work, longer when nothing comes.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 0.25
# The largest answer that the Runtime API takes.
MOST_ANSWER_BYTES = 6 * 1024 * 1024


@dataclasses.dataclass
class Function:
    """A function as the stack has it, with its event source mapping."""

    stage: str
    name: str
    arn: str
    role: str
    version: str
    memory_mb: int
    timeout: int
    variables: dict
    logging: dict
    architecture: str
    code: str
    code_sha256: str
    mapping: dict
    queue_url: str

    @classmethod
    def read(cls, stage, name, cloud):
        """Asks for a function, its mapping and its queue."""
        service = cloud.client("lambda")
        told = service.get_function(FunctionName=name)
        kept = told["Configuration"]
        mappings = service.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
        if len(mappings) != 1:
            raise RuntimeError(f"{name} has {len(mappings)} event source mappings, not one")
        queue = mappings[0]["EventSourceArn"].split(":")[-1]
        return cls(
            stage=stage,
            name=name,
            arn=kept["FunctionArn"],
            role=kept["Role"],
            version=kept["Version"],
            memory_mb=kept["MemorySize"],
            timeout=kept["Timeout"],
            variables=kept.get("Environment", {}).get("Variables", {}),
            logging=kept.get("LoggingConfig", {}),
            architecture=kept["Architectures"][0],
            code=told.get("Code", {}).get("Location", ""),
            code_sha256=kept["CodeSha256"],
            mapping=mappings[0],
            queue_url=cloud.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"],
        )

    @property
    def batch_size(self):
        return self.mapping["BatchSize"]

    @property
    def window(self):
        return self.mapping.get("MaximumBatchingWindowInSeconds") or 0

    @property
    def partial(self):
        return "ReportBatchItemFailures" in (self.mapping.get("FunctionResponseTypes") or [])

    @property
    def concurrency(self):
        return (self.mapping.get("ScalingConfig") or {}).get("MaximumConcurrency") or DEFAULT_CONCURRENCY

    def package(self):
        """The package that was uploaded, checked by its checksum."""
        with urllib.request.urlopen(self.code, timeout=30) as answer:
            packed = answer.read()
        found = base64.b64encode(hashlib.sha256(packed).digest()).decode()
        if found != self.code_sha256:
            raise RuntimeError(f"{self.name}: the package has the checksum {found}, not {self.code_sha256}")
        return packed


class RuntimeApi(http.server.ThreadingHTTPServer):
    """The Runtime API of one execution environment, on loopback."""

    daemon_threads = True

    def __init__(self, environment):
        super().__init__(("127.0.0.1", 0), RuntimeCalls)
        self.environment = environment
        self.address = "{}:{}".format(*self.server_address[:2])
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()

    def handle_error(self, *_):
        """A function that is ended leaves its connection open; nobody is there to be told."""


class RuntimeCalls(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One write an answer.
    wbufsize = -1

    def do_GET(self):
        if self.path != RUNTIME + "invocation/next":
            return self.answer(404, {"errorMessage": f"there is no {self.path}", "errorType": "UnknownPath"})
        invocation = self.server.environment.hand_out()
        if invocation is None:
            # The environment is over; Lambda would not answer either.
            self.close_connection = True
            return None
        return self.answer(200, invocation.payload, invocation.headers)

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = self.chunks()
        else:
            body = self.rfile.read(length)
        environment = self.server.environment
        if self.path == RUNTIME + "init/error":
            environment.cannot_start(body)
            return self.answer(202, {"status": "OK"})
        parts = self.path.removeprefix(RUNTIME + "invocation/").split("/")
        if not self.path.startswith(RUNTIME + "invocation/") or len(parts) != 2 or parts[1] not in ("response", "error"):
            return self.answer(404, {"errorMessage": f"there is no {self.path}", "errorType": "UnknownPath"})
        if len(body) > MOST_ANSWER_BYTES:
            return self.answer(413, {"errorMessage": "the answer is too large", "errorType": "RequestEntityTooLarge"})
        if not environment.answered(parts[0], parts[1], body):
            return self.answer(400, {"errorMessage": "no such invocation is at work", "errorType": "InvalidRequestID"})
        return self.answer(202, {"status": "OK"})

    def chunks(self):
        """A body of chunks: a runtime may answer as a stream."""
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def answer(self, status, body, headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers or ():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)
            self.wfile.flush()

    def log_message(self, *_):
        pass


@dataclasses.dataclass
class Invocation:
    """One event on its way through a function."""

    request_id: str
    payload: bytes
    headers: list


class Environment:
    """An execution environment: one process, its Runtime API, its credentials. It takes one invocation at a time."""

    def __init__(self, function, keys, settings):
        self.function = function
        self.access_key_id = keys["AccessKeyId"]
        self.changed = threading.Condition()
        self.polled = None  # when it first asked for an event
        self.waiting = None  # an invocation that it has not fetched yet
        self.at_work = None  # the one that it has fetched
        self.said = None  # (response | error, body)
        self.init_error = None
        self.exit = None
        self.doomed = False
        self.peak_kb = None
        self.init_told = False
        self.api = RuntimeApi(self)
        self.folder = settings.scratch / f"{function.stage}-{self.access_key_id}"
        self.folder.mkdir(parents=True)
        variables = settings.variables(function, keys, self.api.address)
        self.started = time.monotonic()
        with settings.log(function).open("ab") as log:
            self.process = settings.launch(
                settings.command(function), cwd=self.folder, env=variables, stdout=log, stderr=subprocess.STDOUT
            )
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        """Waits for the end of the process."""
        status = self.process.wait()
        with self.changed:
            self.exit = status
            self.doomed = True
            self.changed.notify_all()
        self.api.shutdown()
        self.api.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # What the function asks of its Runtime API.

    def hand_out(self):
        with self.changed:
            if self.polled is None:
                self.polled = time.monotonic()
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.waiting or self.exit is not None)
            self.at_work, self.waiting = self.waiting, None
            return self.at_work

    def answered(self, request_id, kind, body):
        with self.changed:
            if self.at_work is None or self.at_work.request_id != request_id:
                return False
            self.said, self.at_work = (kind, body), None
            self.changed.notify_all()
            return True

    def cannot_start(self, body):
        with self.changed:
            self.init_error = body
            self.changed.notify_all()

    # What Lambda does with it.

    @property
    def init_ms(self):
        return None if self.polled is None else (self.polled - self.started) * 1000

    def init(self, seconds):
        """Waits until the function asks for its first event. Says what went wrong, if something did."""
        with self.changed:
            self.changed.wait_for(lambda: self.polled or self.init_error or self.exit is not None, seconds)
            if self.polled and self.exit is None:
                return None
            if self.init_error:
                return error_type(self.init_error)
            return "Runtime.ExitError" if self.exit is not None else "Sandbox.Timedout"

    def invoke(self, invocation, seconds):
        """Gives the function an event. Returns what it said, or None and what became of it."""
        with self.changed:
            self.said, self.waiting = None, invocation
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.said or self.exit is not None, seconds)
            # An answer that was taken counts, even when the process ended right after it.
            said, ended = self.said, self.exit is not None
            self.waiting = self.at_work = None
        self.look()
        if said:
            return said, None
        return None, "Runtime.ExitError" if ended else "Sandbox.Timedout"

    def look(self):
        """The most memory that the process has had: Linux tells it while the process lives."""
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    self.peak_kb = max(self.peak_kb or 0, int(line.split()[1]))
        return self.peak_kb

    def kill(self):
        with self.changed:
            self.doomed = True
            if self.exit is None:
                self.look()
                with contextlib.suppress(ProcessLookupError):
                    self.process.kill()

    def wait(self, seconds=10):
        with self.changed:
            return self.changed.wait_for(lambda: self.exit is not None, seconds)


def error_type(body):
    """The type in an error report of a runtime."""
    with contextlib.suppress(ValueError, AttributeError):
        return json.loads(body).get("errorType") or "Unknown"
    return "Unknown"


def failures(body, message_ids):
    """The messages that a batch's answer says failed, as the event source mapping reads it. An answer that cannot be
    read, or names what was not in the batch, is a failure of all.
    (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting)"""
    try:
        told = json.loads(body) if body.strip() else None
        listed = (told or {}).get("batchItemFailures") or []
        failed = {item["itemIdentifier"] for item in listed}
    except (ValueError, AttributeError, KeyError, TypeError):
        return set(message_ids)
    return failed if failed <= set(message_ids) else set(message_ids)


def event(messages, function):
    """Messages as Lambda hands them over.
    (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event)"""
    arn = function.mapping["EventSourceArn"]
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {
                    name: {
                        "stringValue": value.get("StringValue"),
                        "binaryValue": value.get("BinaryValue"),
                        "stringListValues": [],
                        "binaryListValues": [],
                        "dataType": value["DataType"],
                    }
                    for name, value in message.get("MessageAttributes", {}).items()
                },
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
                "awsRegion": arn.split(":")[3],
            }
            for message in messages
        ]
    }


def about(message):
    """What a message is about, for whoever looks on: nothing depends on it."""
    try:
        body = json.loads(message["Body"])
        detail, known = body.get("detail") or {}, {"detail_type": body.get("detail-type")}
        stored = detail.get("object") or {}
        source = detail.get("source") if isinstance(detail.get("source"), dict) else {}
        tags = (detail.get("mail") or {}).get("tags") or {}
        known["run_id"] = detail.get("run_id") or (tags.get("run_id") or [None])[0]
        known["key"] = stored.get("key") or source.get("key")
        known["version_id"] = stored.get("version-id") or source.get("version_id")
    except (ValueError, AttributeError):
        return {}
    return {name: value for name, value in known.items() if value}


class Functions:
    """All functions of the stack."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.folder = cloud.folder
        self.scratch = self.folder / "environments"
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.invocations = []
        self.stopping = threading.Event()
        # Processes end with the thread that started them, by their own wish (see `bound`): it lives as long as this does.
        self.launcher = concurrent.futures.ThreadPoolExecutor(1, "launcher")
        self.stages = {
            stage: Stage(self, Function.read(stage, name, cloud)) for stage, name in cloud.outputs["functions"].items()
        }

    def start(self):
        for stage in self.stages.values():
            stage.start()

    def stop(self):
        self.stopping.set()
        for stage in self.stages.values():
            stage.stop()
        self.launcher.shutdown()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def busy(self):
        """How many invocations are at work. A message that was taken from its queue counts at once."""
        return sum(stage.busy() for stage in self.stages.values())

    def kill(self, access_key_id):
        """Ends the environment that signs with this key, at once. False when there is none."""
        for stage in self.stages.values():
            if stage.kill(access_key_id):
                return True
        return False

    def environments(self):
        """The environments there are, by stage."""
        return {name: list(stage.environments) for name, stage in self.stages.items()}

    def said(self, request_id, stage):
        """What a function said in an invocation: its lines, as objects."""
        found = []
        for line in self.log(self.stages[stage].function).read_text("utf-8", "replace").splitlines():
            if request_id in line and line.startswith("{"):
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line))
        return found

    # What an environment needs to be started.

    def log(self, function):
        return self.logs / f"{function.stage}.log"

    def command(self, function):
        return self.stages[function.stage].command

    def variables(self, function, keys, address):
        """The environment of a process: Lambda's variables, the function's own, and the addresses of the services, which
        on AWS the SDK knows by itself.
        (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime)"""
        region = self.cloud.region
        lambdas = {
            "_HANDLER": "bootstrap",
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
            "AWS_DEFAULT_REGION": region,
            "AWS_REGION": region,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": function.logging.get("LogGroup", f"/aws/lambda/{function.name}"),
            "AWS_LAMBDA_LOG_STREAM_NAME": f"local/[{function.version}]{secrets.token_hex(16)}",
            "AWS_LAMBDA_RUNTIME_API": address,
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LAMBDA_TASK_ROOT": str(self.stages[function.stage].folder),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "TZ": ":UTC",
        }
        if function.logging.get("LogFormat") == "JSON":
            lambdas["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
            lambdas["AWS_LAMBDA_LOG_LEVEL"] = function.logging.get("ApplicationLogLevel", "INFO")
        addresses = {
            "AWS_ENDPOINT_URL": self.cloud.addresses["aws"],
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.cloud.addresses["bedrock"],
            "AWS_ENDPOINT_URL_SESV2": self.cloud.addresses["ses"],
            # moto answers with a checksum that is none (crates/aws/src/clients.rs).
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }
        return {**lambdas, **function.variables, **addresses, **self.cloud.environment}

    def launch(self, command, **how):
        return self.launcher.submit(launch, command, how).result()


LIBRARY = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def launch(command, how):
    """Starts a process that ends with this thread, however that ends."""
    parent = os.getpid()

    def bound():
        LIBRARY.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # It may have ended before the wish was made.
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=bound, start_new_session=True, **how)


class Stage:
    """A function at work: its poller and its environments."""

    def __init__(self, functions, function):
        self.functions = functions
        self.function = function
        self.cloud = functions.cloud
        self.folder, self.command = self.unpack()
        most = min(function.concurrency, MOST_AT_ONCE)
        self.slots = threading.Semaphore(most)
        self.pool = concurrent.futures.ThreadPoolExecutor(most, function.stage)
        self.guard = threading.Lock()
        # Held while a batch is taken from the queue and counted: nobody sees it in neither place.
        self.taking = threading.Lock()
        self.working = 0
        self.environments, self.free = [], []

    def unpack(self):
        """The function's program in a folder, and the words to start it with."""
        folder = self.functions.folder / "code" / self.function.stage
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        program = folder / "bootstrap"
        with zipfile.ZipFile(io.BytesIO(self.function.package())) as opened:
            program.write_bytes(opened.read("bootstrap"))
            # Lambda gives the file the mode that the archive says.
            program.chmod(opened.getinfo("bootstrap").external_attr >> 16 & 0o777)
        with program.open("rb") as opened:
            return folder, [*runner(opened.read(20)), str(program)]

    def start(self):
        self.poller = threading.Thread(target=self.poll, name=f"poll {self.function.stage}", daemon=True)
        self.poller.start()

    def stop(self):
        if getattr(self, "poller", None):
            self.poller.join(10)
        self.pool.shutdown(wait=False)
        # One that is being started now is there a moment later.
        end = time.monotonic() + 10
        while True:
            for environment in list(self.environments):
                environment.kill()
            if not self.busy() or time.monotonic() > end:
                break
            time.sleep(0.02)
        for environment in list(self.environments):
            environment.wait()

    def busy(self):
        with self.taking:
            return self.working

    def kill(self, access_key_id):
        with self.guard:
            found = [one for one in self.environments if one.access_key_id == access_key_id and one.exit is None]
        for environment in found:
            environment.kill()
        return bool(found)

    # The event source mapping.

    def poll(self):
        pause = SHORTEST_PAUSE
        while not self.functions.stopping.is_set():
            if not self.slots.acquire(timeout=0.2):
                continue
            messages = []
            try:
                messages = self.take()
            except Exception as error:
                if not self.functions.stopping.is_set():
                    self.cloud.note(f"{self.function.stage}: the queue could not be polled: {error!r}")
            if not messages:
                self.slots.release()
                self.functions.stopping.wait(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE)
                continue
            pause = SHORTEST_PAUSE
            self.pool.submit(self.work, messages)

    def take(self):
        """A batch from the queue: as many messages as it may have, or as came within its window."""
        messages, until = [], None
        while True:
            with self.taking:
                try:
                    found = self.receive(self.function.batch_size - len(messages))
                except Exception:
                    if messages:
                        # What was taken before is done; the next poll says what is wrong.
                        return messages
                    raise
                if found and not messages:
                    self.working += 1
            messages += found
            until = until or time.monotonic() + self.function.window
            if len(messages) >= self.function.batch_size or time.monotonic() >= until:
                return messages
            time.sleep(SHORTEST_PAUSE)

    def receive(self, count):
        answer = self.cloud.client("sqs").receive_message(
            QueueUrl=self.function.queue_url,
            MaxNumberOfMessages=min(10, count),
            WaitTimeSeconds=0,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return answer.get("Messages", [])

    def work(self, messages):
        """Has a batch done, and tells the queue."""
        try:
            request_id = str(uuid.uuid4())
            message_ids = [message["MessageId"] for message in messages]
            done = {
                "function": self.function.stage,
                "request_id": request_id,
                "message_ids": message_ids,
                "about": [about(message) for message in messages],
                "sent": [int(message["Attributes"].get("SentTimestamp", 0)) / 1000 for message in messages],
                "received": [int(message["Attributes"].get("ApproximateReceiveCount", 0)) for message in messages],
            }
            body = self.invoke(request_id, messages, done)
            failed = set(message_ids) if body is None else set()
            if body is not None and self.function.partial:
                failed = failures(body, message_ids)
            done["failed_messages"] = sorted(failed)
            # Before the messages go: who sees an empty queue finds the invocation that emptied it.
            self.functions.invocations.append(done)
            for message in messages:
                if message["MessageId"] not in failed:
                    self.cloud.client("sqs").delete_message(
                        QueueUrl=self.function.queue_url, ReceiptHandle=message["ReceiptHandle"]
                    )
        except Exception:
            self.cloud.note(f"{self.function.stage}: an invocation could not be finished:\n{traceback.format_exc()}")
        finally:
            with self.taking:
                self.working -= 1
            self.slots.release()

    # Invocations.

    def environment(self):
        """A free environment, or a new one; and whether it is new."""
        with self.guard:
            self.environments = [one for one in self.environments if one.exit is None]
            self.free = [one for one in self.free if not one.doomed]
            if self.free:
                return self.free.pop(), False
        name = f"{self.function.name}-{secrets.token_hex(4)}"
        keys = self.cloud.client("sts").assume_role(RoleArn=self.function.role, RoleSessionName=name)["Credentials"]
        made = Environment(self.function, keys, self.functions)
        with self.guard:
            self.environments.append(made)
        return made, True

    def invoke(self, request_id, messages, done):
        """Runs one invocation; returns the function's answer, or None when it failed."""
        environment, cold = self.environment()
        wrong = environment.init(max(INIT_SECONDS, self.function.timeout)) if cold else None
        started = time.monotonic()
        done["started"] = self.cloud.clock()
        deadline = done["started"] + self.function.timeout
        trace = f"Root=1-{int(done['started']):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"
        headers = [
            ("Lambda-Runtime-Aws-Request-Id", request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int(deadline * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", self.function.arn),
            ("Lambda-Runtime-Trace-Id", trace),
        ]
        self.write(f"START RequestId: {request_id} Version: {self.function.version}")
        said, body = None, None
        if wrong is None:
            payload = json.dumps(event(messages, self.function)).encode()
            said, wrong = environment.invoke(Invocation(request_id, payload, headers), self.function.timeout)
        if said:
            kind, body = said
            wrong = error_type(body) if kind == "error" else None
        seconds = time.monotonic() - started
        if not said:
            self.give_up(environment, request_id, wrong)
        done |= {
            "seconds": seconds,
            "outcome": wrong or "ok",
            "max_memory_kb": environment.peak_kb,
            "init_ms": environment.init_ms if cold else None,
            "access_key_id": environment.access_key_id,
        }
        if said and not environment.doomed:
            with self.guard:
                self.free.append(environment)
        self.report(done)
        return body if wrong is None else None

    def give_up(self, environment, request_id, wrong):
        """Ends an environment that did not answer, and says why, in Lambda's words."""
        environment.kill()
        environment.wait()
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.cloud.clock())) + "Z"
        if wrong == "Sandbox.Timedout":
            self.write(f"{now} {request_id} Task timed out after {self.function.timeout:.2f} seconds")
        else:
            status = environment.exit
            how = f"signal: {signal.Signals(-status).name}" if status and status < 0 else f"exit status {status}"
            self.write(f"{now} {request_id} RequestId: {request_id} Error: Runtime exited with error: {how}\n{wrong}")

    def report(self, done):
        ms = done["seconds"] * 1000
        memory = f"{(done['max_memory_kb'] or 0) / 1024:.0f} MB"
        init = f"\tInit Duration: {done['init_ms']:.2f} ms" if done["init_ms"] is not None else ""
        self.write(
            f"END RequestId: {done['request_id']}\n"
            f"REPORT RequestId: {done['request_id']}\tDuration: {ms:.2f} ms\tBilled Duration: {int(ms) + 1} ms\t"
            f"Memory Size: {self.function.memory_mb} MB\tMax Memory Used: {memory}{init}"
        )

    def write(self, line):
        with self.functions.log(self.function).open("ab") as log:
            log.write(f"{line}\n".encode())


def runner(header):
    """The words to start a program with, by the beginning of its file: none where it is at home."""
    machine = int.from_bytes(header[18:20], "little")
    if header[:4] != b"\x7fELF" or machine not in first_poll.MACHINES:
        raise RuntimeError("the package's bootstrap is no program for Linux on x86-64 or arm64")
    name, emulated = first_poll.MACHINES[machine]
    if name == platform.machine():
        return []
    found = shutil.which(emulated[0])
    if not found or not os.path.isdir(emulated[2]):
        raise RuntimeError(
            f"the packages are for {name}: {emulated[0]} and its C library in {emulated[2]} are needed to start them "
            "(apt-get install qemu-user libc6-arm64-cross)"
        )
    return [found, *emulated[1:]]
