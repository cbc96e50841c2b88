#!/usr/bin/env python3
"""The tests of the parts of chaos.py that need no cloud: python3 localcloud/test_chaos.py"""

import contextlib
import datetime
import io
import json
import pathlib
import sys
import tempfile
import types
import unittest

sys.dont_write_bytecode = True
import chaos
import proxy


class Service:
    """Keeps what it is asked, and answers with what it was given."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def __getattr__(self, name):
        def call(**named):
            self.asked.append((name, named))
            answer = self.answers.get(name, {})
            return answer(**named) if callable(answer) else answer

        return call

    def names(self):
        return [name for name, _ in self.asked]


class Now:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.time = 1000.0

    def __call__(self):
        return self.time

    def moved(self):
        return self.time - 1000.0

    def move_on(self, seconds):
        self.time += seconds


def cloud_with(**services):
    return types.SimpleNamespace(client=lambda name: services[name], outputs={"bucket": "bucket"})


class Scripts(unittest.TestCase):
    def script(self, acts, **answers):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "workload.json").write_text(json.dumps(acts))
        (folder / "1").write_bytes(b"bytes")
        stored = datetime.datetime(2026, 11, 21, tzinfo=datetime.timezone.utc)
        versions = iter("abcdefghij")
        self.s3 = Service(
            put_object=lambda **_: {"VersionId": next(versions), "ETag": '"tag"'},
            head_object={"LastModified": stored},
            get_bucket_notification_configuration=lambda **_: {"EventBridgeConfiguration": {}, "ResponseMetadata": {}},
            **answers,
        )
        self.now = Now()
        return chaos.Script(cloud_with(s3=self.s3), self.now, folder, 1)

    def test_what_is_due_is_done_in_its_order_and_nothing_else(self):
        script = self.script(
            [
                {"at": 0.0, "do": "contract", "key": "contracts/orders.json", "file": "1"},
                {"at": 2.0, "do": "drop", "upload": 0, "key": "input/a.csv", "kind": "clean", "file": "1"},
                {"at": 2.5, "do": "drop", "upload": 1, "key": "input/a.csv", "kind": "any", "file": "1"},
                {"at": 9.0, "do": "delete", "upload": 0},
            ]
        )
        script.act()
        self.assertEqual((self.s3.names(), script.next_due()), (["put_object"], 1000.0 + 2 * chaos.PACE))
        self.now.move_on(2.5 * chaos.PACE)
        script.act()
        self.assertEqual(script.drops_left(), 0)
        self.assertEqual([upload["version_id"] for upload in script.uploads.values()], ["b", "c"])
        self.now.move_on(7)
        script.act()
        wanted = {"Bucket": "bucket", "Key": "input/a.csv", "VersionId": "b"}
        self.assertEqual(self.s3.asked[-1], ("delete_object", wanted))
        self.assertEqual([upload["deleted"] for upload in script.uploads.values()], [True, False])
        self.assertIsNone(script.next_due())

    def test_the_last_files_are_held_back_until_they_are_let_go(self):
        drop = {"do": "drop", "key": "input/a.csv", "kind": "clean", "file": "1"}
        script = self.script([{"at": float(number), "upload": number, **drop} for number in range(5)])
        script.held_back = 2
        self.now.move_on(100)
        script.act()
        self.assertEqual((script.drops_left(), script.is_held(), script.next_due()), (2, True, None))
        script.held_back = 0
        self.assertFalse(script.is_held())
        script.act()
        self.assertEqual((len(script.uploads), script.drops_left(), script.is_held()), (5, 0, True))

    def test_a_notification_that_is_lost_is_lost_for_that_file_alone(self):
        acts = [
            {"at": 0.0, "do": "drop", "upload": number, "key": "input/a.csv", "kind": "clean", "file": "1"}
            for number in range(200)
        ]
        script = self.script(acts, )
        self.s3.answers["put_object"] = lambda **_: {"VersionId": "v", "ETag": '"tag"'}
        script.act()
        told = [name for name in self.s3.names() if name in ("put_object", "put_bucket_notification_configuration")]
        puts = [index for index, name in enumerate(told) if name == "put_bucket_notification_configuration"]
        self.assertEqual(len(puts), 2 * script.untold)
        self.assertTrue(0 < script.untold < 30)
        # Off, the file, on again.
        for off, on in zip(puts[::2], puts[1::2]):
            self.assertEqual(told[off + 1 : on], ["put_object"])
        settings = [
            named["NotificationConfiguration"]
            for name, named in self.s3.asked
            if name == "put_bucket_notification_configuration"
        ]
        self.assertEqual(settings[:2], [{}, {"EventBridgeConfiguration": {}}])


class TapsOnQueues(unittest.TestCase):
    def taps(self, bodies):
        self.sqs = Service(get_queue_attributes={"Attributes": {"VisibilityTimeout": "3600"}})
        messages = [{"MessageId": str(number), "Body": body, "ReceiptHandle": "r"} for number, body in enumerate(bodies)]
        stage = types.SimpleNamespace(
            function=types.SimpleNamespace(queue_url="url"), take=lambda: [messages.pop(0)] if messages else []
        )
        cloud = cloud_with(sqs=self.sqs)
        cloud.functions = types.SimpleNamespace(stages={"processor": stage}, invocations=[])
        self.now = Now()
        taps = chaos.Taps(cloud, self.now, 1)
        return cloud, stage, taps

    def test_every_body_is_remembered_once_and_some_come_twice(self):
        _, stage, taps = self.taps(["a", "b", "a"] + [f"m{number}" for number in range(300)])
        taken = 0
        while stage.take():
            taken += 1
        self.assertEqual(taken, 303)
        self.assertEqual(len(taps.seen), 302)
        again = [named["MessageBody"] for name, named in self.sqs.asked if name == "send_message"]
        self.assertEqual(len(again), taps.twice)
        self.assertTrue(5 < taps.twice < 50)

    def test_in_the_end_nothing_comes_twice(self):
        _, stage, taps = self.taps([f"m{number}" for number in range(300)])
        taps.calm = True
        while stage.take():
            pass
        self.assertEqual(taps.twice, 0)

    def test_what_failed_comes_back_when_its_visibility_is_over(self):
        cloud, stage, taps = self.taps(["a", "b"])
        stage.take(), stage.take()
        self.assertEqual(taps.next_due(), 4600.0)
        cloud.functions.invocations.append({"message_ids": ["0"], "failed_messages": []})
        self.assertEqual(taps.next_due(), 4600.0)
        cloud.functions.invocations.append({"message_ids": ["1"], "failed_messages": []})
        self.assertIsNone(taps.next_due())

    def test_acknowledged_first_a_message_is_gone_before_the_work(self):
        _, stage, taps = self.taps(["a"])
        taps.acknowledge_first = taps.calm = True
        stage.take()
        self.assertIn("delete_message", self.sqs.names())


class WordsOfSes(unittest.TestCase):
    def words(self, to, mails=2000, calm=False):
        words = chaos.Words(1)
        words.calm = calm
        told = [words({"run_id": str(number), "send_id": "1", "to": [to]}) for number in range(mails)]
        return words, told

    def test_what_is_said_follows_from_the_address(self):
        for to, last in [("a@x", "Email Delivered"), ("bounce@x", "Email Bounced"), ("virus@x", "Email Rejected")]:
            _, told = self.words(to, calm=True)
            self.assertEqual({tuple(kind for kind, _ in words) for words in told}, {("Email Sent", last)})

    def test_words_are_lost_and_late_as_often_as_planned(self):
        words, told = self.words("a@x")
        self.assertEqual(sum(len(one) for one in told), 4000 - words.lost)
        for count, share in [(words.lost, chaos.UNHEARD), (words.late, chaos.LATE), (words.too_late, chaos.TOO_LATE)]:
            self.assertAlmostEqual(count / 4000, share, delta=share / 2)
        delays = [delay for one in told for _, delay in one]
        late = sum(delay > 15 * 60 for delay in delays)
        self.assertEqual(late, words.too_late)

    def test_the_same_mail_has_the_same_words(self):
        self.assertEqual(self.words("a@x", 50)[1], self.words("a@x", 50)[1])

    def test_ses_takes_no_mail_for_whom_it_refuses(self):
        def call(to, path="/v2/email/outbound-emails"):
            body = json.dumps({"Destination": {"ToAddresses": [to]}}).encode()
            head = f"POST {path} HTTP/1.1\r\nauthorization: Credential=K/1/r/ses/aws4_request\r\n\r\n".encode()
            return proxy.Call(proxy.Message(head, body))

        self.assertIn(b"MessageRejected", chaos.refuse(call("refused@example.com")).bytes)
        self.assertIsNone(chaos.refuse(call("results@example.com")))


class Moving(unittest.TestCase):
    def run_with(self, script=None, cloud=None, taps=None):
        due = lambda at: types.SimpleNamespace(next_due=lambda: at)
        run = chaos.Run.__new__(chaos.Run)
        run.clock = Now()
        run.script, run.cloud, run.taps = due(script), due(cloud), due(taps)
        return run

    def test_it_becomes_the_time_of_the_next_thing(self):
        run = self.run_with(script=5000.0, cloud=9000.0, taps=4600.0)
        run.move_on()
        self.assertAlmostEqual(run.clock.time, 4600.1)

    def test_files_keep_their_pace(self):
        run = self.run_with(script=1000.5)
        run.move_on()
        self.assertAlmostEqual(run.clock.time, 1000.6)

    def test_what_comes_back_comes_in_company(self):
        run = self.run_with(cloud=1001.0)
        run.move_on()
        self.assertAlmostEqual(run.clock.time, 1000.1 + chaos.STEP)

    def test_where_nothing_is_due_time_passes_all_the_same(self):
        run = self.run_with()
        run.move_on()
        self.assertGreater(run.clock.time, 1000.0)


class Ends(unittest.TestCase):
    def ended(self, **told):
        told = {"faults": 10, "kills": 5, "violations": 0, **told}
        kept, chaos.chaos = chaos.chaos, lambda options, work: told
        entered, chaos.checkout.enter = chaos.checkout.enter, lambda tool: None
        self.addCleanup(setattr, chaos, "chaos", kept)
        self.addCleanup(setattr, chaos.checkout, "enter", entered)
        named, chaos.usable = chaos.usable, lambda packages: packages
        self.addCleanup(setattr, chaos, "usable", named)
        self.addCleanup(setattr, sys, "argv", sys.argv)
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as errors:
            code = chaos.main(["--faults", "10", "--kills", "5", "--json"])
        return code, json.loads(out.getvalue()), errors.getvalue()

    def test_it_is_good_when_no_rule_is_broken_and_enough_went_wrong(self):
        self.assertEqual(self.ended()[0], 0)

    def test_a_broken_rule_ends_it_with_1(self):
        self.assertEqual(self.ended(violations=1)[0], 1)

    def test_too_few_faults_or_kills_end_it_with_1_and_are_told(self):
        code, _, errors = self.ended(faults=9)
        self.assertEqual((code, errors), (1, "chaos: 9 faults, and 10 were asked for\n"))
        self.assertEqual(self.ended(kills=4)[0], 1)

    def test_packages_that_cannot_be_used_end_it_with_2_and_are_told(self):
        with contextlib.redirect_stderr(io.StringIO()) as errors:
            code = chaos.main(["--packages", self.enterContext(tempfile.TemporaryDirectory())])
        self.assertEqual(code, 2)
        self.assertRegex(errors.getvalue(), "there is no package .*; python3 localcloud up builds packages")

    def test_the_rate_follows_from_what_is_asked_for_and_has_a_bound(self):
        options = chaos.parser().parse_args([])
        plan = chaos.planned(options)
        self.assertGreater(plan.rate * options.files * chaos.CALLS_A_FILE, options.faults)
        options.faults = 1_000_000
        self.assertEqual(chaos.planned(options).rate, chaos.MOST_FAULTS)


if __name__ == "__main__":
    unittest.main()
