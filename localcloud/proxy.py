"""A proxy that stands between the functions and one address that they call, and makes calls go wrong.

    plan = proxy.Plan(seed=1, rate=0.1)
    with proxy.Proxy("aws", upstream_url, plan, log=proxy.Log(file)) as aws:
        ...                         # aws.url instead of upstream_url

What goes wrong, and whether anything does, follows from the seed, the name of the operation and its how-manieth call this
is: in two runs with the same seed the seventh PutEvents meets the same fault. A call is named by what it does
(`PutObject manifests`, `UpdateItem claim notify`), and known by the access key of whoever signed it.

| fault | the upstream | the caller |
|---|---|---|
| `throttle`, `error` | hears nothing | gets what the service says then, in its own shape |
| `conflict` | hears nothing | a conditional write to S3: 409 ConditionalRequestConflict |
| `refused-entry` | hears nothing | PutEvents: 200, and FailedEntryCount is 1 |
| `reset-before` | hears nothing | its connection is reset |
| `reset-after` | does it | its connection is reset: the answer is lost |
| `truncated` | does it | the answer's body breaks off half-way |
| `stall-unsent`, `stall-sent` | hears nothing; does it | no answer, until it gives up |
| `twice` | does it twice | gets the second answer, or the first |
| `late` | does it seconds later | its connection is reset at once: the request is a ghost |

A call that nothing happens to passes byte for byte, there and back.
"""

import collections
import contextlib
import json
import random
import re
import select
import socket
import socketserver
import struct
import threading
import time
import urllib.parse
import uuid

# No answer of the emulator takes so long.
UPSTREAM_SECONDS = 120
# The longest attempt of a caller is Bedrock's (crates/aws/src/clients.rs): a stall lasts until the caller gives up, and no
# longer than this.
STALL_SECONDS = 75
# How much later a ghost lands.
GHOST_SECONDS = (0.3, 4.0)
# The largest head of a message, in bytes.
MAX_HEAD = 64 * 1024

# How often each fault is, among the faults. A stall lasts until the caller's attempt is over: 5 s at DynamoDB and
# EventBridge, 10 s at SES, 30 s at S3, 60 s at Bedrock. So they are rarer there.
COMMON = {"throttle": 18, "error": 18, "reset-before": 14, "reset-after": 18, "truncated": 10, "late": 9}
WEIGHTS = {
    "s3": {**COMMON, "twice": 10, "conflict": 12, "stall-unsent": 0.3, "stall-sent": 0.3},
    "dynamodb": {**COMMON, "twice": 10, "stall-unsent": 1.5, "stall-sent": 1.5},
    "events": {**COMMON, "twice": 10, "refused-entry": 15, "stall-unsent": 1.5, "stall-sent": 1.5},
    "bedrock": {**COMMON, "twice": 10, "stall-unsent": 0.2, "stall-sent": 0.2},
    # No `twice`: SES has no token that would make the second request the same as the first, and TLS lets nothing on the
    # way repeat a request. A repeated send is a second mail by definition, whoever sends.
    "ses": {**COMMON, "stall-unsent": 1, "stall-sent": 1},
}
KINDS = sorted({kind for weights in WEIGHTS.values() for kind in weights})

# The words of the services for what passes: status, code, message.
# (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html,
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/CommonErrors.html,
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html,
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html)
WORDS = {
    ("s3", "throttle"): [(503, "SlowDown", "Please reduce your request rate.")],
    ("s3", "error"): [
        (500, "InternalError", "We encountered an internal error. Please try again."),
        (503, "ServiceUnavailable", "Service is unable to handle request."),
    ],
    ("s3", "conflict"): [
        (409, "ConditionalRequestConflict", "A conflicting operation occurred during the request to this resource.")
    ],
    ("dynamodb", "throttle"): [
        (400, "ProvisionedThroughputExceededException", "The level of configured provisioned throughput was exceeded."),
        (400, "ThrottlingException", "Rate of requests exceeds the allowed throughput."),
    ],
    ("dynamodb", "denied"): [(400, "AccessDeniedException", "User is not authorized to perform this operation.")],
    ("dynamodb", "error"): [(500, "InternalServerError", "The server encountered an internal error.")],
    ("events", "throttle"): [(400, "ThrottlingException", "Rate exceeded")],
    ("events", "error"): [(500, "InternalException", "This exception occurs due to unexpected causes.")],
    ("ses", "throttle"): [(429, "TooManyRequestsException", "Too many requests have been made to the operation.")],
    ("ses", "error"): [(500, "InternalServiceErrorException", "The request could not be processed.")],
    ("bedrock", "throttle"): [(429, "ThrottlingException", "Too many requests, please wait before trying again.")],
    ("bedrock", "error"): [
        (500, "InternalServerException", "An internal server error occurred."),
        (503, "ServiceUnavailableException", "The service isn't currently available."),
    ],
}
PHRASES = {200: "OK", 400: "Bad Request", 409: "Conflict", 429: "Too Many Requests", 500: "Internal Server Error"}
DYNAMODB = "com.amazonaws.dynamodb.v20120810#"


class Message:
    """A request or an answer, with the bytes that it came in."""

    def __init__(self, head, body):
        self.head = head
        self.body = body
        lines = head.decode("latin-1").split("\r\n")
        self.start = lines[0]
        named = (line.partition(":") for line in lines[1:] if line)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in named}

    @property
    def bytes(self):
        return self.head + self.body

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    def without(self, header):
        """The same without a header."""
        pattern = re.compile(rb"\r\n" + re.escape(header).encode() + rb":[^\r]*", re.IGNORECASE)
        return Message(pattern.sub(b"", self.head), self.body)

    def json(self):
        try:
            return json.loads(self.body or b"null")
        except ValueError:
            return None


def read_head(stream):
    """The lines up to the blank one with all their bytes; nothing at the end of the stream."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline(MAX_HEAD)
        if not line or len(head) > MAX_HEAD:
            return None
        if head or line != b"\r\n":
            head += line
    return head


def read_chunks(stream):
    """A chunked body with its framing."""
    body = b""
    while True:
        line = stream.readline(MAX_HEAD)
        body += line
        size = int(line.split(b";")[0] or b"0", 16)
        if size == 0:
            while (line := stream.readline(MAX_HEAD)) not in (b"\r\n", b""):
                body += line
            return body + line
        body += stream.read(size + 2)


def read_body(stream, message, until_end):
    if "chunked" in message.headers.get("transfer-encoding", "").lower():
        return read_chunks(stream)
    if "content-length" in message.headers:
        length = int(message.headers["content-length"])
        body = stream.read(length)
        if len(body) < length:
            raise ConnectionError("the body broke off")
        return body
    return stream.read() if until_end else b""


class Call:
    """What somebody asks for: which service, which operation, about what, and who asks."""

    def __init__(self, request):
        method, _, rest = request.start.partition(" ")
        self.method, target = method, rest.rpartition(" ")[0]
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        signed = re.search(r"Credential=([^/,]+)/\d+/[^/]+/([^/]+)/", request.headers.get("authorization", ""))
        self.caller, scope = signed.groups() if signed else (None, "")
        self.asked = request
        target = request.headers.get("x-amz-target", "")
        self.service = {"DynamoDB_20120810": "dynamodb", "AWSEvents": "events"}.get(target.partition(".")[0], scope)
        self.operation, self.about = self.named(target.partition(".")[2])
        self.name = f"{self.operation} {self.about}".strip()

    def named(self, target):
        if self.service == "dynamodb":
            return target, about_item(self.asked.json() or {}) if target == "UpdateItem" else ""
        if self.service == "s3":
            return s3_operation(self.method, self.path, self.query, self.asked.headers)
        if self.service == "ses" and self.path.endswith("/outbound-emails"):
            return "SendEmail", ""
        if self.service == "bedrock" and self.path.endswith("/converse"):
            return "Converse", ""
        return target or f"{self.method} {self.path}", ""

    def kinds(self):
        """The faults that can happen to it, with their weights."""
        weights = dict(WEIGHTS.get(self.service, {}))
        if "if-none-match" not in self.asked.headers:
            weights.pop("conflict", None)
        if self.operation != "PutEvents":
            weights.pop("refused-entry", None)
        if self.service == "s3" and self.operation not in ("GetObject", "ListObjectsV2", "ListObjectVersions"):
            # An answer without a body does not break off.
            weights.pop("truncated", None)
        return weights


def s3_operation(method, path, query, headers):
    """What S3 is asked for, and the first part of the key. The bucket stands in the path."""
    key = urllib.parse.unquote(path.lstrip("/").partition("/")[2])
    about = key.partition("/")[0] if "/" in key else query.get("prefix", "").partition("/")[0]
    if method == "GET":
        if "versions" in query:
            return "ListObjectVersions", about
        return ("GetObject", about) if key else ("ListObjectsV2", about)
    if method == "HEAD":
        return "HeadObject", about
    if method == "PUT":
        return ("UploadPart", about) if "partNumber" in query else ("PutObject", about)
    if method == "POST":
        return ("CreateMultipartUpload" if "uploads" in query else "CompleteMultipartUpload"), about
    return ("AbortMultipartUpload" if "uploadId" in query else "DeleteObject"), about


def about_item(asked):
    """Which step an UpdateItem is, by the names of its values (crates/aws/src/dynamodb)."""
    values = asked.get("ExpressionAttributeValues") or {}
    if ":lease" in values:
        return "claim notify" if "#notify_state" in (asked.get("ExpressionAttributeNames") or {}) else "claim analyze"
    if ":held_by" in values:
        state = (values.get(":state") or {}).get("S")
        return {"SENDING": "begin-send", "FINISHED": "store"}.get(state, "end-send")
    if ":parked_send" in values:
        return "park"
    if ":heard_at" in values:
        return "settle" if ":parked" in values else "note"
    return "mark" if ":order" in values else ""


class Plan:
    """What happens to which call. Everything follows from the seed."""

    def __init__(self, seed, rate=0.0, kills=0.0):
        self.seed = seed
        self.rate = rate
        # About so many kills of an operation by the time that it was called 20 times; fewer and fewer later, so that
        # operations that are rare have their share.
        self.kills = kills
        self.calls = collections.Counter()
        self.lock = threading.Lock()
        self.stopped = False
        # A service that nobody may use for the time being: all of its calls are refused.
        self.denied = None

    def stop(self):
        """From now on nothing goes wrong."""
        self.stopped = True

    def draw(self, call):
        """The number of the call among its like, what goes wrong, when its caller is killed, and chance for the rest."""
        with self.lock:
            self.calls[call.name] += 1
            nth = self.calls[call.name]
        chance = random.Random(f"{self.seed} {call.name} {nth}")
        kill, fault = chance.random() < self.kills / (nth + 2), chance.random() < self.rate
        point = chance.choice(("before forward", "after answer"))
        weights = call.kinds()
        kind = chance.choices(list(weights), list(weights.values()))[0] if weights else None
        if self.denied and self.denied == call.service:
            return nth, "denied", None, chance
        if self.stopped or not weights:
            return nth, None, None, chance
        return (nth, None, point, chance) if kill else (nth, kind if fault else None, None, chance)


class Log:
    """What passed, as lines of JSON, and how much of it. Several proxies may share one."""

    def __init__(self, file, clock=time.time):
        self.file = file
        self.clock = clock
        self.lock = threading.Lock()
        self.calls = collections.Counter()
        self.faults = collections.Counter()
        self.kills = collections.Counter()
        # Calls that were denied: they are told apart, since such a lot of them is no merit.
        self.denied = 0
        # Requests that the service sees in this order: writes to the table, events for the bus.
        self.effects = []

    def write(self, **line):
        with self.lock:
            self.file.write(json.dumps({"at": self.clock(), **line}) + "\n")
            self.file.flush()

    def called(self, call):
        with self.lock:
            self.calls[call.name] += 1

    def struck(self, call, nth, kind):
        with self.lock:
            if kind == "denied":
                self.denied += 1
            else:
                self.faults[kind, call.name] += 1
        self.write(event="fault", kind=kind, call=call.name, nth=nth, caller=call.caller)

    def killed(self, call, nth, point):
        with self.lock:
            self.kills[point, call.name] += 1
        self.write(event="kill", point=point, call=call.name, nth=nth, caller=call.caller)

    def forwarded(self, call, nth, answer):
        line = {"call": call.name, "nth": nth, "caller": call.caller, "status": answer.status}
        if call.service in ("dynamodb", "events") and call.operation in ("UpdateItem", "PutEvents"):
            effect = {**line, "at": self.clock(), "asked": call.asked.json(), "answered": answer.json()}
            with self.lock:
                self.effects.append(effect)
        self.write(event="forwarded", path=call.path, **line)


class Proxy:
    """Serves on a free port of this machine until the end of the block."""

    def __init__(self, name, upstream, plan, log, kill=None, instead=None, strip=()):
        """`kill(access_key) -> bool` ends a caller; `instead(call) -> Message | None` answers in the place of the upstream,
        and is no fault; the headers in `strip` are taken out of every request, to see what they are for."""
        self.name = name
        parts = urllib.parse.urlsplit(upstream)
        self.upstream = (parts.hostname, parts.port)
        self.plan = plan
        self.log = log
        self.kill = kill or (lambda key: False)
        self.instead = instead or (lambda call: None)
        self.strip = strip
        self.ghosts = 0
        self.ghosts_lock = threading.Lock()
        # The table's writes go one after the other, so that the log has them in the order in which they took effect.
        self.in_order = threading.Lock()
        self.server = Server(self)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def forward(self, call, nth):
        """One request to the upstream, and its answer."""
        if answer := self.instead(call):
            return answer
        request = call.asked
        for header in self.strip:
            request = request.without(header)
        # This machine is not asked to go on: the whole request is here.
        request = request.without("expect")
        ordered = self.in_order if call.service in ("dynamodb", "events") else contextlib.nullcontext()
        with ordered, socket.create_connection(self.upstream, timeout=UPSTREAM_SECONDS) as connection:
            connection.sendall(request.bytes)
            with connection.makefile("rb") as stream:
                answer = read_answer(stream, call.method)
            self.log.forwarded(call, nth, answer)
        return answer

    def haunt(self, call, nth, seconds):
        """Lets a request land later."""

        def land():
            try:
                self.forward(call, nth)
            except OSError as error:
                self.log.write(event="ghost failed", call=call.name, nth=nth, error=repr(error))
            finally:
                with self.ghosts_lock:
                    self.ghosts -= 1

        with self.ghosts_lock:
            self.ghosts += 1
        later = threading.Timer(seconds, land)
        later.daemon = True
        later.start()


def read_answer(stream, method):
    while True:
        head = read_head(stream)
        if head is None:
            raise ConnectionError("the upstream gave no answer")
        answer = Message(head, b"")
        if answer.status >= 200:
            break
    if method == "HEAD" or answer.status in (204, 304):
        return answer
    return Message(head, read_body(stream, answer, until_end=True))


def made(status, headers, body):
    """An answer of our own."""
    lines = [f"HTTP/1.1 {status} {PHRASES.get(status, 'Service Unavailable')}"]
    lines += [f"{name}: {value}" for name, value in {**headers, "content-length": len(body)}.items()]
    return Message(("\r\n".join(lines) + "\r\n\r\n").encode(), body)


def said(call, status, code, message):
    """An error in the shape of the service."""
    number = str(uuid.UUID(int=random.Random(f"{call.name} {code}").getrandbits(128)))
    if call.service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{number}</RequestId></Error>"
        body = b"" if call.method == "HEAD" else f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
        return made(status, {"content-type": "application/xml", "x-amz-request-id": number}, body)
    headers = {"x-amzn-requestid": number}
    if call.service in ("dynamodb", "events"):
        dynamodb = call.service == "dynamodb"
        headers["content-type"] = f"application/x-amz-json-1.{0 if dynamodb else 1}"
        kind = DYNAMODB + code if dynamodb else code
        return made(status, headers, json.dumps({"__type": kind, "message": message}).encode())
    headers |= {"content-type": "application/json", "x-amzn-errortype": code}
    return made(status, headers, json.dumps({"message": message}).encode())


def refused_entry(chance):
    """The bus takes the call and not its entry.
    (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html)"""
    code = chance.choice(("ThrottlingException", "InternalFailure"))
    entry = {"ErrorCode": code, "ErrorMessage": "The entry was refused."}
    body = json.dumps({"FailedEntryCount": 1, "Entries": [entry]}).encode()
    return made(200, {"content-type": "application/x-amz-json-1.1"}, body)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, proxy):
        self.proxy = proxy
        super().__init__(("127.0.0.1", 0), Connection)

    def shutdown_request(self, request):
        # No orderly end after a reset: closing is all there is.
        self.close_request(request)

    def handle_error(self, request, client_address):
        # A caller that is killed goes in the middle of anything.
        pass


class Connection(socketserver.StreamRequestHandler):
    """One connection of a caller: requests, one after the other."""

    disable_nagle_algorithm = True

    def handle(self):
        while (head := read_head(self.rfile)) is not None:
            request = Message(head, b"")
            if request.headers.get("expect", "").lower() == "100-continue":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.body = read_body(self.rfile, request, until_end=False)
            answer = self.answer(Call(request))
            if answer is None:
                return
            self.wfile.write(answer.bytes)
            if answer.headers.get("connection", "").lower() == "close" or answer.start.startswith("HTTP/1.0"):
                return

    def answer(self, call):
        """The answer to a call; nothing when there will be none and the connection is over."""
        proxy = self.server.proxy
        nth, kind, point, chance = proxy.plan.draw(call)
        proxy.log.called(call)
        if point == "before forward" and self.killed(call, nth, point):
            return None
        if kind is not None:
            proxy.log.struck(call, nth, kind)
            return self.struck(call, nth, kind, chance)
        answer = proxy.forward(call, nth)
        if point == "after answer" and self.killed(call, nth, point):
            return None
        return answer

    def killed(self, call, nth, point):
        proxy = self.server.proxy
        if not proxy.kill(call.caller):
            return False
        proxy.log.killed(call, nth, point)
        self.reset()
        return True

    def struck(self, call, nth, kind, chance):
        proxy = self.server.proxy
        if kind == "refused-entry":
            return refused_entry(chance)
        if (call.service, kind) in WORDS:
            return said(call, *chance.choice(WORDS[call.service, kind]))
        if kind == "twice":
            first, second = proxy.forward(call, nth), proxy.forward(call, nth)
            return chance.choice((first, second))
        if kind == "late":
            proxy.haunt(call, nth, chance.uniform(*GHOST_SECONDS))
        if kind in ("reset-after", "stall-sent", "truncated"):
            answer = proxy.forward(call, nth)
        if kind in ("stall-unsent", "stall-sent"):
            select.select([self.connection], [], [], STALL_SECONDS)
        elif kind == "truncated" and "content-length" in answer.headers:
            self.wfile.write(answer.head + answer.body[: len(answer.body) // 2])
            # An orderly end, and too early.
            self.connection.shutdown(socket.SHUT_WR)
            return None
        self.reset()
        return None

    def reset(self):
        """Ends the connection so that the other side is told of a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
