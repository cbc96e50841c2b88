"""What moto lacks and the functions talk to: Bedrock's Converse, and what SES says of its mails.

They are kept apart from the emulator on purpose: everything here is made up by this project, where the emulator is a
widely used one. The functions are pointed at them by AWS_ENDPOINT_URL_BEDROCK_RUNTIME and AWS_ENDPOINT_URL_SESV2.
"""

import contextlib
import decimal
import email.message
import email.policy
import email.utils
import heapq
import http.client
import http.server
import itertools
import json
import re
import secrets
import threading
import time
import traceback
import urllib.parse

import due

# What SES calls a kind of event on a bus, in its detail, where the detail tells of it, and in an event destination.
# (https://docs.aws.amazon.com/ses/latest/dg/monitoring-eventbridge.html,
#  https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html)
KINDS = {
    "Email Sent": ("Send", "send", "SEND"),
    "Email Delivered": ("Delivery", "delivery", "DELIVERY"),
    "Email Delivery Delayed": ("DeliveryDelay", "deliveryDelay", "DELIVERY_DELAY"),
    "Email Bounced": ("Bounce", "bounce", "BOUNCE"),
    "Email Complaint Received": ("Complaint", "complaint", "COMPLAINT"),
    "Email Rejected": ("Reject", "reject", "REJECT"),
    "Email Rendering Failed": ("Rendering Failure", "failure", "RENDERING_FAILURE"),
}


def delivered(_mail):
    """What SES says of a mail that arrives."""
    return [("Email Sent", 0), ("Email Delivered", 0)]


class Server(http.server.ThreadingHTTPServer):
    """A stub on loopback, on a free port."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Calls)
        self.answer = answer
        self.url = "http://{}:{}".format(*self.server_address[:2])

    def start(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """Clients that break off are a part of the game; what fails in here is answered, see `Calls`."""


class Calls(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        self.called()

    def do_GET(self):
        self.called()

    def called(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, headers, said = self.server.answer(self.command, self.path, dict(self.headers), body)
        except Exception as error:
            traceback.print_exc()
            status, headers, said = refusal(500, "InternalServerException", repr(error))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(said)
            self.wfile.flush()

    def log_message(self, *_):
        pass


def answer(status, said, **headers):
    headers = {"Content-Type": "application/json", "x-amzn-RequestId": secrets.token_hex(16), **headers}
    return status, headers, json.dumps(said).encode()


def refusal(status, code, message):
    return answer(status, {"message": message}, **{"x-amzn-ErrorType": code})


# Bedrock -------------------------------------------------------------------------------------------------------------

FACT = re.compile(r"^(f\d+) ([a-z_]+)(?: of (.+?))?((?: [^ =:]+=\"(?:[^\"\\]|\\.)*\")*): (-?[\d.]+)(.*?) of (\d+)(, rank \d+)?")
SUBJECT = re.compile(r" ([^ =:]+)=(\"(?:[^\"\\]|\\.)*\")")
# What may stand in a sentence without being taken for a link or markup.
PLAIN = re.compile(r"[\w .,'&()+-]+")
LINK = re.compile(r"\w[./:][^\W\d]")


def facts(prompt):
    """The facts that a prompt lists, as the analyzer writes them: `f12 group_count model="Q7": 60 rows of 917, rank 2`."""
    for line in prompt.splitlines():
        found = FACT.match(line)
        if found:
            identity, kind, measure, subject, value, unit, of, rank = found.groups()
            yield {
                "id": identity,
                "kind": kind,
                "measure": measure,
                "subject": [(name, json.loads(quoted)) for name, quoted in SUBJECT.findall(subject)],
                "value": value,
                "unit": unit.strip(),
                "of": of,
                "rank": int(rank.split()[-1]) if rank else None,
            }


def words(name):
    """A name as a word of a sentence: an underscore would be markup."""
    return name.replace("_", " ")


def shown(value):
    """A number as it stands in a sentence: thousands in groups, and no more than two places."""
    exact = decimal.Decimal(value)
    places = max(0, min(2, -exact.as_tuple().exponent))
    return f"{exact.quantize(decimal.Decimal(1).scaleb(-places), decimal.ROUND_HALF_UP):,}"


def sentence(fact):
    """A fact in words, or None where the stub has none for its kind."""
    value, of, unit = shown(fact["value"]), shown(fact["of"]), fact["unit"]
    if any(not PLAIN.fullmatch(text) or LINK.search(text) or "_" in text for _, text in fact["subject"]):
        return None
    if fact["kind"] == "group_count" and len(fact["subject"]) == 1:
        (field, name), *_ = fact["subject"]
        return "top_group", f"The {words(field)} {name} has {value} rows of {of}."
    if fact["kind"] == "segment_count" and len(fact["subject"]) == 1:
        return "segment_performance", f"The segment {fact['subject'][0][1]} has {value} rows of {of}."
    # A digit in a name would be taken for a number that no fact has.
    if fact["kind"] in ("sum", "mean", "median") and not fact["subject"] and not re.search(r"\d", fact["measure"]):
        word = {"sum": "total", "mean": "mean", "median": "median"}[fact["kind"]]
        return "measure", f"The {word} of {words(fact['measure'])} is {value} {unit}".rstrip() + "."
    return None


def report(prompt):
    """A report in the form that the tool asks for. Every sentence says what one fact says, and cites it."""
    found = list(facts(prompt))
    told = [(fact, said) for fact in found if fact["rank"] in (None, 1) and (said := sentence(fact))]
    counted = next((fact for fact in found if fact["kind"] == "row_count" and not fact["subject"]), None)
    summary = f"In all there are {shown(counted['value'])} rows." if counted else "The rows were counted."
    return {
        "insights": [
            {"type": kind, "description": text, "confidence": "high", "facts": [fact["id"]]}
            for fact, (kind, text) in told[:8]
        ],
        "anomalies": [],
        "recommendations": [
            {
                "category": "other",
                "action": "Review the largest groups first.",
                "priority": "low",
                "facts": [told[0][0]["id"]],
            }
        ]
        if told
        else [],
        "summary": summary,
        "summary_facts": [counted["id"]] if counted else [fact["id"] for fact in found[:1]],
    }


def converse(_method, path, _headers, body):
    """Bedrock's Converse: the forced tool is used, with sentences that say what the facts say.
    (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html)"""
    started = time.monotonic()
    if not re.fullmatch(r"/model/[^/]+/converse", urllib.parse.urlsplit(path).path):
        return refusal(404, "UnknownOperationException", f"the stub of Bedrock knows Converse alone, not {path}")
    asked = json.loads(body)
    tool = asked.get("toolConfig", {}).get("toolChoice", {}).get("tool", {}).get("name")
    if not tool:
        return refusal(400, "ValidationException", "the stub of Bedrock answers through a tool that is forced")
    prompt = "\n".join(block.get("text", "") for message in asked["messages"] for block in message["content"])
    used = {"toolUse": {"toolUseId": f"tooluse_{secrets.token_urlsafe(16)}", "name": tool, "input": report(prompt)}}
    # About four characters a token: the figures are for the look of a bill, not for one.
    tokens_in, tokens_out = len(body) // 4 + 1, len(json.dumps(used)) // 4 + 1
    return answer(
        200,
        {
            "output": {"message": {"role": "assistant", "content": [used]}},
            "stopReason": "tool_use",
            "usage": {"inputTokens": tokens_in, "outputTokens": tokens_out, "totalTokens": tokens_in + tokens_out},
            "metrics": {"latencyMs": int((time.monotonic() - started) * 1000)},
        },
    )


# SES -----------------------------------------------------------------------------------------------------------------


def iso(seconds):
    """A time as SES writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"


class Ses(due.Due):
    """SES in front of moto's: mails are handed on to it, kept as files, and talked of on the default bus."""

    # A word of SES is often due at once.
    pause = 0.02
    failed = "an event of SES could not be sent"

    def __init__(self, cloud, feedback):
        super().__init__(cloud)
        self.feedback = feedback or delivered
        self.folder = cloud.folder / "mails"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mails = []
        # (when by the cloud's clock, a number that no other has, detail type, mail)
        self.events, self.numbers = [], itertools.count()
        self.destinations = {}

    def next_due(self):
        """When SES says its next word, by the cloud's clock; None when it has nothing to say."""
        with self.guard:
            return self.events[0][0] if self.events else None

    def __call__(self, method, path, headers, body):
        target = urllib.parse.urlsplit(self.cloud.emulator.url)
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        kept = {name: value for name, value in headers.items() if name.lower() not in ("host", "connection")}
        try:
            connection.request(method, path, body, kept)
            answered = connection.getresponse()
            said = answered.read()
        finally:
            connection.close()
        if method == "POST" and path.startswith("/v2/email/outbound-emails") and answered.status == 200:
            self.accepted(json.loads(body), json.loads(said)["MessageId"], headers)
        left_out = ("content-length", "connection", "transfer-encoding", "date", "server")
        told = {name: value for name, value in answered.getheaders() if name.lower() not in left_out}
        return answered.status, told, said

    def accepted(self, asked, message_id, headers):
        """Keeps a mail, and decides what will be said of it."""
        tags = {tag["Name"]: tag["Value"] for tag in asked.get("EmailTags", [])}
        simple = asked["Content"]["Simple"]
        mail = {
            "run_id": tags.get("run_id"),
            "send_id": tags.get("send_id"),
            "message_id": message_id,
            "at": self.cloud.clock(),
            "from": asked["FromEmailAddress"],
            "to": asked["Destination"].get("ToAddresses", []),
            "subject": simple["Subject"]["Data"],
            "text": simple["Body"].get("Text", {}).get("Data", ""),
            "html": simple["Body"].get("Html", {}).get("Data", ""),
            "configuration_set": asked.get("ConfigurationSetName"),
            "tags": tags,
        }
        caller = re.search(r"Credential=([^/]+)/", headers.get("Authorization", headers.get("authorization", "")))
        mail["caller"] = caller[1] if caller else ""
        with self.guard:
            mail["files"] = self.keep(mail, len(self.mails) + 1)
            self.mails.append(mail)
            for kind, delay in self.feedback(mail):
                heapq.heappush(self.events, (mail["at"] + delay, next(self.numbers), kind, mail))

    def keep(self, mail, number):
        """Writes a mail as a page, as text, and as it would travel."""
        whole = email.message.EmailMessage(policy=email.policy.SMTP)
        whole["From"], whole["To"], whole["Subject"] = mail["from"], ", ".join(mail["to"]), mail["subject"]
        whole["Date"] = email.utils.formatdate(mail["at"])
        whole["Message-ID"] = f"<{mail['message_id']}@{self.cloud.region}.amazonses.com>"
        whole.set_content(mail["text"])
        whole.add_alternative(mail["html"], subtype="html")
        stem = self.folder / f"{number:04}-{(mail['run_id'] or mail['message_id'])[:12]}"
        files = {"eml": bytes(whole), "html": mail["html"].encode(), "txt": mail["text"].encode()}
        for ending, content in files.items():
            stem.with_suffix(f".{ending}").write_bytes(content)
        return {ending: str(stem.with_suffix(f".{ending}")) for ending in files}

    def send_what_is_due(self):
        while True:
            with self.guard:
                if not self.events or self.events[0][0] > self.cloud.clock():
                    return
                at, number, kind, mail = self.events[0]
            # Gone only when it is sent: whoever asks what is due sees it until then. One that is due earlier may have come
            # meanwhile.
            self.say(kind, mail)
            with self.guard:
                self.events.remove((at, number, kind, mail))
                heapq.heapify(self.events)

    def say(self, kind, mail):
        """Puts an event of SES on the default bus, if the mail's configuration set has it told there."""
        if KINDS[kind][2] not in self.told(mail["configuration_set"]):
            return
        now = self.cloud.clock()
        place = f"arn:aws:ses:{self.cloud.region}:{self.cloud.account}"
        resources = [f"{place}:configuration-set/{mail['configuration_set']}"]
        told = detail(kind, mail, now, self.cloud.account)
        self.cloud.emulator.announce("aws.ses", kind, told, resources, time=iso(now))

    def told(self, name):
        """The kinds of events that a configuration set has put on the default bus."""
        if name and name not in self.destinations:
            ses = self.cloud.client("sesv2")
            listed = ses.get_configuration_set_event_destinations(ConfigurationSetName=name)["EventDestinations"]
            on_a_bus = [one for one in listed if one.get("Enabled") and one.get("EventBridgeDestination")]
            self.destinations[name] = {kind for one in on_a_bus for kind in one["MatchingEventTypes"]}
        return self.destinations.get(name, set())


def detail(kind, mail, now, account):
    """What SES tells in an event of a mail, as in events/ses_email_delivered.json."""
    event_type, field, _ = KINDS[kind]
    address = re.search(r"<(.+)>", mail["from"])
    address = address[1] if address else mail["from"]
    domain = address.rsplit("@", 1)[-1]
    headers = [("From", mail["from"]), ("To", ", ".join(mail["to"])), ("Subject", mail["subject"])]
    people = [{"emailAddress": to} for to in mail["to"]]
    told = {
        "send": {},
        "delivery": {
            "timestamp": iso(now),
            "processingTimeMillis": int((now - mail["at"]) * 1000),
            "recipients": mail["to"],
            "smtpResponse": "250 2.6.0 Message received",
            "remoteMtaIp": "192.0.2.3",
            "reportingMTA": "local-cloud.smtp-out.amazonses.com",
        },
        "deliveryDelay": {"timestamp": iso(now), "delayType": "MailboxFull", "delayedRecipients": people},
        "bounce": {
            "timestamp": iso(now),
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": people,
            "feedbackId": f"0107-{secrets.token_hex(8)}",
            "reportingMTA": "dsn; local-cloud.smtp-out.amazonses.com",
        },
        "complaint": {
            "timestamp": iso(now),
            "complainedRecipients": people,
            "feedbackId": f"0107-{secrets.token_hex(8)}",
            "complaintFeedbackType": "abuse",
        },
        "reject": {"reason": "Bad content"},
        "failure": {"errorMessage": "Attribute 'name' is not present in the rendering data.", "templateName": "none"},
    }[field]
    return {
        "eventType": event_type,
        "mail": {
            "timestamp": iso(mail["at"]),
            "source": mail["from"],
            "sendingAccountId": account,
            "messageId": mail["message_id"],
            "destination": mail["to"],
            "headersTruncated": False,
            "headers": [{"name": name, "value": value} for name, value in headers],
            "commonHeaders": {
                "from": [mail["from"]],
                "to": mail["to"],
                "messageId": mail["message_id"],
                "subject": mail["subject"],
            },
            "tags": {
                "ses:operation": ["SendEmail"],
                "ses:configuration-set": [mail["configuration_set"]],
                "ses:source-ip": ["192.0.2.1"],
                "ses:from-domain": [domain],
                "ses:caller-identity": [mail["caller"]],
                **{name: [value] for name, value in mail["tags"].items()},
            },
        },
        field: told,
    }
