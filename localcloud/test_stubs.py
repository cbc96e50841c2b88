#!/usr/bin/env python3
"""Tests of the stubs and the schedule: that they say what AWS would, in its shape.

    python3 localcloud/test_stubs.py
"""

import json
import pathlib
import shutil
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scripts")]

import schedule  # noqa: E402
import stubs  # noqa: E402

EVENTS = HERE.parent / "events"
PROMPT = """Title: "Phones"
Facts:
f1 row_count: 917 rows of 917
f2 sum of price: 668252.96 USD of 917
f6 median of unit_price: -630 of 917
f3 mean of price: 728.738233 USD of 917
f4 mean of spo2: 96.892544 % of 917
f9 group_count model="Aurora 12": 78 rows of 917, rank 1
f10 group_count model="Q7": 60 rows of 917, rank 2
f11 group_count model="say \\"hi\\" = 5": 58 rows of 917, rank 1
f12 group_count model="see example.com": 57 rows of 917, rank 1
f61 group_mean of price brand="Sunda": 563.19 USD of 157, rank 5, approximate
f80 segment_count price_segment="mid-range": 391 rows of 917, rank 1
"""


def shape(value):
    """The names and types of a value."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value[:1]]
    return type(value).__name__


class Bedrock(unittest.TestCase):
    def test_facts_are_read_as_the_analyzer_writes_them(self):
        found = {fact["id"]: fact for fact in stubs.facts(PROMPT)}
        self.assertEqual(list(found), ["f1", "f2", "f6", "f3", "f4", "f9", "f10", "f11", "f12", "f61", "f80"])
        self.assertEqual(
            found["f9"],
            {
                "id": "f9", "kind": "group_count", "measure": None, "subject": [("model", "Aurora 12")],
                "value": "78", "unit": "rows", "of": "917", "rank": 1,
            },
        )  # fmt: skip
        self.assertEqual((found["f2"]["measure"], found["f2"]["value"], found["f2"]["unit"]), ("price", "668252.96", "USD"))
        self.assertEqual((found["f6"]["value"], found["f6"]["unit"]), ("-630", ""))
        self.assertEqual(found["f11"]["subject"], [("model", 'say "hi" = 5')])

    def test_each_sentence_says_what_the_fact_it_cites_says(self):
        told = stubs.report(PROMPT)
        said = {tuple(one["facts"]): one["description"] for one in told["insights"]}
        self.assertEqual(
            said,
            {
                ("f2",): "The total of price is 668,252.96 USD.",
                ("f6",): "The median of unit price is -630.",
                ("f3",): "The mean of price is 728.74 USD.",
                ("f9",): "The model Aurora 12 has 78 rows of 917.",
                ("f80",): "The segment mid-range has 391 rows of 917.",
            },
        )
        self.assertEqual((told["summary"], told["summary_facts"]), ("In all there are 917 rows.", ["f1"]))

    def converse(self, path="/model/eu.amazon.nova-lite-v1%3A0/converse", **changed):
        asked = {
            "messages": [{"role": "user", "content": [{"text": PROMPT}]}],
            "toolConfig": {"tools": [], "toolChoice": {"tool": {"name": "write_report"}}},
        }
        status, headers, said = stubs.converse("POST", path, {}, json.dumps(asked | changed).encode())
        return status, headers, json.loads(said)

    def test_the_tool_that_is_forced_is_used(self):
        status, _, said = self.converse()
        (block,) = said["output"]["message"]["content"]
        self.assertEqual((status, said["stopReason"], block["toolUse"]["name"]), (200, "tool_use", "write_report"))
        self.assertEqual(block["toolUse"]["input"], stubs.report(PROMPT))
        self.assertEqual(said["usage"]["totalTokens"], said["usage"]["inputTokens"] + said["usage"]["outputTokens"])

    def test_what_it_does_not_know_is_refused(self):
        status, headers, _ = self.converse(toolConfig={})
        self.assertEqual((status, headers["x-amzn-ErrorType"]), (400, "ValidationException"))
        self.assertEqual(self.converse(path="/model/m/invoke")[0], 404)


class Emulator:
    """What the stub of SES needs of the emulator: an address that takes mails, and a bus."""

    def __init__(self):
        self.status, self.seen, self.announced = 200, [], []
        self.server = stubs.Server(self.answer)
        self.server.start()
        self.url = self.server.url

    def answer(self, method, path, headers, body):
        self.seen.append((method, path, headers.get("Authorization"), body))
        return stubs.answer(self.status, {"MessageId": f"id-{len(self.seen)}"} if self.status == 200 else {"message": "no"})

    def announce(self, source, detail_type, detail, resources=(), time=None):
        self.announced.append((source, detail_type, detail, list(resources), time))


class Cloud:
    region, account = "eu-central-1", "111122223333"

    def __init__(self, folder):
        self.folder, self.now, self.notes = folder, 1780300800.25, []
        self.emulator = Emulator()
        self.kinds = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY", "RENDERING_FAILURE"]

    def clock(self):
        return self.now

    def note(self, line):
        self.notes.append(line)

    def client(self, service):
        assert service == "sesv2"
        return self

    def get_configuration_set_event_destinations(self, ConfigurationSetName):
        on_a_bus = {"Enabled": True, "MatchingEventTypes": self.kinds, "EventBridgeDestination": {"EventBusArn": "default"}}
        elsewhere = {"Enabled": True, "MatchingEventTypes": ["OPEN"]}
        return {"EventDestinations": [on_a_bus, elsewhere]}


class Ses(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.cloud = Cloud(self.folder)
        self.addCleanup(self.cloud.emulator.server.stop)

    def open(self, feedback=None):
        self.ses = stubs.Ses(self.cloud, feedback)
        self.server = stubs.Server(self.ses)
        self.server.start()
        self.addCleanup(self.server.stop)

    def send(self, **changed):
        asked = {
            "FromEmailAddress": "Gristmill <mill@example.com>",
            "Destination": {"ToAddresses": ["data@example.com"]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": "Größe: 5 rows"},
                    "Body": {"Text": {"Data": "five"}, "Html": {"Data": "<p>five</p>"}},
                }
            },
            "EmailTags": [{"Name": "run_id", "Value": "4f8a1c2b3d4e5f60"}, {"Name": "send_id", "Value": "4f8a-1"}],
            "ConfigurationSetName": "set",
        }
        request = urllib.request.Request(
            f"{self.server.url}/v2/email/outbound-emails",
            json.dumps(asked | changed).encode(),
            {"Authorization": "AWS4-HMAC-SHA256 Credential=ASIA1/20260601/eu-central-1/ses/aws4_request"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def test_a_mail_is_handed_on_and_kept(self):
        self.open()
        self.assertEqual(self.send(), {"MessageId": "id-1"})
        ((method, path, signed, _),) = self.cloud.emulator.seen
        self.assertEqual((method, path), ("POST", "/v2/email/outbound-emails"))
        self.assertIn("Credential=ASIA1", signed)
        (mail,) = self.ses.mails
        wanted = {
            "run_id": "4f8a1c2b3d4e5f60", "send_id": "4f8a-1", "message_id": "id-1", "at": self.cloud.now,
            "to": ["data@example.com"], "subject": "Größe: 5 rows", "text": "five", "html": "<p>five</p>", "caller": "ASIA1",
        }  # fmt: skip
        self.assertEqual({name: mail[name] for name in wanted}, wanted)
        self.assertEqual(pathlib.Path(mail["files"]["html"]).read_text(), "<p>five</p>")
        self.assertEqual(pathlib.Path(mail["files"]["txt"]).read_text(), "five")
        whole = pathlib.Path(mail["files"]["eml"]).read_bytes()
        parsed = stubs.email.message_from_bytes(whole, policy=stubs.email.policy.default)
        self.assertEqual((parsed["Subject"], parsed["To"]), ("Größe: 5 rows", "data@example.com"))

    def test_a_second_mail_of_a_run_is_kept_beside_the_first(self):
        self.open()
        self.send()
        self.send()
        self.assertEqual(len({mail["files"]["eml"] for mail in self.ses.mails}), 2)

    def test_a_refusal_is_passed_on_and_nothing_is_kept(self):
        self.open()
        self.cloud.emulator.status = 400
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.send()
        self.assertEqual(caught.exception.code, 400)
        caught.exception.close()
        self.assertEqual((self.ses.mails, self.ses.events), ([], []))

    def test_its_events_have_the_shape_of_ses(self):
        self.open()
        self.send()
        self.ses.send_what_is_due()
        (sent, delivered) = self.cloud.emulator.announced
        wanted = json.loads((EVENTS / "ses_email_delivered.json").read_text())
        self.assertEqual(delivered[:2], (wanted["source"], wanted["detail-type"]))
        self.assertEqual(delivered[3], ["arn:aws:ses:eu-central-1:111122223333:configuration-set/set"])
        self.assertEqual(delivered[4], "2026-06-01T08:00:00.250Z")
        mine, theirs = shape(delivered[2]), shape(wanted["detail"])
        # What SES tells of its own machines, and of an identity's policy, has no counterpart here.
        for name in ("ses:source-tls-version", "ses:outgoing-ip"):
            del theirs["mail"]["tags"][name]
        del theirs["mail"]["sourceArn"]
        self.assertEqual(mine, theirs)
        self.assertEqual(delivered[2]["mail"]["tags"]["run_id"], ["4f8a1c2b3d4e5f60"])
        self.assertEqual((sent[1], sent[2]["eventType"], sent[2]["send"]), ("Email Sent", "Send", {}))

    def test_a_bounce_has_it_as_well(self):
        self.open(lambda mail: [("Email Bounced", 0)])
        self.send()
        self.ses.send_what_is_due()
        mine, wanted = self.cloud.emulator.announced[0][2], json.loads((EVENTS / "ses_email_bounced.json").read_text())["detail"]
        self.assertEqual((mine["eventType"], mine["bounce"]["bounceType"]), (wanted["eventType"], "Permanent"))
        self.assertLessEqual(set(mine["bounce"]), set(wanted["bounce"]))

    def test_events_wait_for_their_time_by_the_clouds_clock(self):
        self.open(lambda mail: [("Email Delivered", 900), ("Email Sent", 5)])
        self.send()
        self.assertEqual(self.ses.next_due(), self.cloud.now + 5)
        self.ses.send_what_is_due()
        self.assertEqual(self.cloud.emulator.announced, [])
        self.cloud.now += 5
        self.ses.send_what_is_due()
        self.assertEqual([told[1] for told in self.cloud.emulator.announced], ["Email Sent"])
        self.cloud.now += 3600
        self.ses.send_what_is_due()
        self.assertEqual([told[1] for told in self.cloud.emulator.announced], ["Email Sent", "Email Delivered"])
        self.assertEqual(self.ses.next_due(), None)

    def test_ses_says_only_what_the_configuration_set_asks_for(self):
        self.cloud.kinds = ["DELIVERY"]
        self.open()
        self.send()
        self.send(ConfigurationSetName=None)
        self.ses.send_what_is_due()
        self.assertEqual([told[1] for told in self.cloud.emulator.announced], ["Email Delivered"])

    def test_an_event_that_could_not_be_sent_is_sent_again(self):
        self.open()
        self.send()
        self.cloud.emulator.announce, announce = None, self.cloud.emulator.announce
        with self.assertRaises(TypeError):
            self.ses.send_what_is_due()
        self.cloud.emulator.announce = announce
        self.ses.send_what_is_due()
        self.assertEqual([told[1] for told in self.cloud.emulator.announced], ["Email Sent", "Email Delivered"])


class Rules:
    """EventBridge and SQS, as far as a schedule asks them."""

    def __init__(self):
        self.now, self.notes, self.sent = 1000.0, [], []
        self.rules = [
            {"Name": "sweep", "ScheduleExpression": "rate(15 minutes)", "State": "ENABLED"},
            {"Name": "off", "ScheduleExpression": "rate(1 minute)", "State": "DISABLED"},
            {"Name": "arrivals", "EventPattern": "{}", "State": "ENABLED"},
        ]
        self.target = {"Arn": "arn:aws:sqs:eu-central-1:111122223333:s-process", "Input": '{"detail-type":"Sweep Due"}'}

    def clock(self):
        return self.now

    def client(self, _):
        return self

    def get_paginator(self, _):
        return self

    def paginate(self):
        return [{"Rules": self.rules[:1]}, {"Rules": self.rules[1:]}]

    def list_targets_by_rule(self, Rule):
        return {"Targets": [self.target]}

    def get_queue_url(self, QueueName):
        return {"QueueUrl": f"http://127.0.0.1/{QueueName}"}

    def send_message(self, QueueUrl, MessageBody):
        self.sent.append((QueueUrl, MessageBody))


class Schedules(unittest.TestCase):
    def test_rates(self):
        self.assertEqual([schedule.period(f"rate({rate})") for rate in ("15 minutes", "1 hour", "2 days")], [900, 3600, 172800])
        with self.assertRaises(NotImplementedError):
            schedule.period("cron(0 12 * * ? *)")

    def test_the_input_is_sent_when_it_is_due_and_once_after_a_jump(self):
        rules = Rules()
        made = schedule.Schedule(rules)
        self.assertEqual(made.next_due(), 1900)
        made.send_what_is_due()
        self.assertEqual(rules.sent, [])
        rules.now = 1900
        made.send_what_is_due()
        self.assertEqual(rules.sent, [("http://127.0.0.1/s-process", '{"detail-type":"Sweep Due"}')])
        rules.now = 1900 + 3600 + 5
        made.send_what_is_due()
        made.send_what_is_due()
        self.assertEqual((len(rules.sent), made.next_due()), (2, 1900 + 5 * 900))

    def test_what_it_cannot_do_is_said(self):
        rules = Rules()
        made = schedule.Schedule(rules)
        rules.target = {"Arn": "arn:aws:lambda:eu-central-1:111122223333:function:f", "Input": "{}"}
        with self.assertRaises(NotImplementedError):
            made.send("sweep")

    def test_it_runs_by_itself(self):
        rules = Rules()
        made = schedule.Schedule(rules)
        made.start()
        rules.now += 901
        end = time.monotonic() + 5
        while not rules.sent and time.monotonic() < end:
            threading.Event().wait(0.02)
        made.stop()
        self.assertEqual((len(rules.sent), rules.notes), (1, []))


if __name__ == "__main__":
    unittest.main()
