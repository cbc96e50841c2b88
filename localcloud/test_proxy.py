#!/usr/bin/env python3
"""The tests of proxy.py: python3 localcloud/test_proxy.py"""

import contextlib
import io
import json
import random
import socket
import socketserver
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
import proxy

SIGNED = "AWS4-HMAC-SHA256 Credential={key}/20261121/eu-central-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
CONTENT_LENGTH = b"HTTP/1.1 200 OK\r\nX-Odd:  two blanks\r\nx-odd: again\r\ncontent-LENGTH: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 206 Partial\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: t\r\n\r\n"
UNTIL_THE_END = b"HTTP/1.0 404 NOT FOUND\r\nConnection: close\r\n\r\nhello"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: x\r\n\r\n"


class Upstream(socketserver.ThreadingTCPServer):
    """Keeps the bytes of each request, and answers with what it is told."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer=CONTENT_LENGTH):
        self.answer = answer
        self.requests = []
        super().__init__(("127.0.0.1", 0), None)
        self.url = "http://127.0.0.1:{}".format(self.server_address[1])

    def finish_request(self, request, _):
        with request.makefile("rb") as stream:
            head = proxy.read_head(stream)
            asked = proxy.Message(head, b"")
            asked.body = proxy.read_body(stream, asked, until_end=False)
        self.requests.append(asked.bytes)
        request.sendall(self.answer)


class Always(proxy.Plan):
    """Does the same to every call."""

    def __init__(self, kind=None, point=None):
        super().__init__(seed=1)
        self.what = kind, point

    def draw(self, call):
        nth, _, _, _ = super().draw(call)
        return nth, *self.what, random.Random(1)


def request(service="s3", method="GET", path="/bucket/input/a.csv", body=b"", key="KEY", **headers):
    named = {"host": "x", "authorization": SIGNED.format(key=key, service=service), "content-length": len(body)}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in named.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def put_events(key="KEY"):
    return request("events", "POST", "/", b'{"Entries": []}', key, x_amz_target="AWSEvents.PutEvents")


def update_item(expression=None):
    body = json.dumps(expression or {}).encode()
    return request("dynamodb", "POST", "/", body, x_amz_target="DynamoDB_20120810.UpdateItem")


class Answered:
    """What came back over a connection until its end: the bytes, and whether it was reset."""

    def __init__(self, url, sent, wait=5):
        host, port = url.removeprefix("http://").split(":")
        self.bytes, self.was_reset = b"", False
        with socket.create_connection((host, int(port)), timeout=wait) as connection:
            connection.sendall(sent)
            # Nothing more will be asked; what is to come still comes.
            try:
                while part := connection.recv(65536):
                    self.bytes += part
                    if self.is_whole():
                        return
            except ConnectionResetError:
                self.was_reset = True
            except TimeoutError:
                pass

    def is_whole(self):
        head, found, body = self.bytes.partition(b"\r\n\r\n")
        answer = proxy.Message(head + found, body)
        return found and len(body) == int(answer.headers.get("content-length", -1))


class Proxies(unittest.TestCase):
    def setUp(self):
        self.up = self.enterContext(contextlib.closing(Serving(Upstream())))
        self.lines = io.StringIO()

    def proxy(self, plan=None, **named):
        log = proxy.Log(self.lines)
        return self.enterContext(proxy.Proxy("aws", self.up.server.url, plan or proxy.Plan(1), log, **named))

    def told(self):
        return [json.loads(line) for line in self.lines.getvalue().splitlines()]

    def ask(self, through, sent, **named):
        return Answered(through.url, sent, **named)

    def struck(self, kind, sent=None, **named):
        through = self.proxy(Always(kind))
        return through, self.ask(through, sent or request(), **named)


class Serving:
    def __init__(self, server):
        self.server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Untouched(Proxies):
    def test_an_answer_passes_byte_for_byte(self):
        for answer in (CONTENT_LENGTH, CHUNKED, UNTIL_THE_END):
            self.up.server.answer = answer
            self.assertEqual(self.ask(self.proxy(), request(), wait=1).bytes, answer)

    def test_a_head_has_no_body_whatever_its_length_says(self):
        self.up.server.answer = HEAD
        self.assertEqual(self.ask(self.proxy(), request(method="HEAD"), wait=1).bytes, HEAD)

    def test_a_request_passes_byte_for_byte(self):
        chunked = request(method="PUT", transfer_encoding="chunked").replace(b"content-length: 0\r\n", b"")
        sent = [request(body=b"\x00\xff" * 100, x_Odd=" b  c"), chunked + b"3\r\nabc\r\n0\r\n\r\n"]
        for one in sent:
            self.ask(self.proxy(), one)
        self.assertEqual(self.up.server.requests, sent)

    def test_whoever_waits_to_be_asked_for_the_body_is_asked(self):
        answered = self.ask(self.proxy(), request(body=b"abc", expect="100-continue"), wait=1)
        self.assertEqual(answered.bytes, b"HTTP/1.1 100 Continue\r\n\r\n" + CONTENT_LENGTH)
        self.assertEqual(self.up.server.requests, [request(body=b"abc")])

    def test_several_requests_use_one_connection(self):
        through = self.proxy()
        host, port = through.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            for _ in range(3):
                connection.sendall(request())
                self.assertEqual(connection.recv(65536), CONTENT_LENGTH)
        self.assertEqual(len(self.up.server.requests), 3)

    def test_a_header_can_be_taken_out_on_purpose(self):
        self.ask(self.proxy(strip=["if-none-match"]), request(method="PUT", If_None_Match="*", x_amz_y="z"))
        self.assertEqual(self.up.server.requests, [request(method="PUT", x_amz_y="z")])


class Faults(Proxies):
    def assert_counted(self, through, kind, call="GetObject input"):
        self.assertEqual(dict(through.log.faults), {(kind, call): 1})

    def test_what_a_service_says_has_its_shape(self):
        ses = request("ses", "POST", "/v2/email/outbound-emails", b"{}")
        model = request("bedrock", "POST", "/model/amazon.nova-lite-v1%3A0/converse", b"{}")
        table = update_item()
        expected = [
            ("throttle", request(), 503, b"<Code>SlowDown</Code>"),
            ("error", request(), (500, 503), b"<Code>"),
            ("conflict", request(method="PUT", if_none_match="*"), 409, b"<Code>ConditionalRequestConflict</Code>"),
            ("throttle", table, 400, b'{"__type": "com.amazonaws.dynamodb.v20120810#'),
            ("error", table, 500, b"#InternalServerError"),
            ("throttle", put_events(), 400, b'{"__type": "ThrottlingException"'),
            ("error", put_events(), 500, b'{"__type": "InternalException"'),
            ("throttle", ses, 429, b"x-amzn-errortype: TooManyRequestsException"),
            ("error", ses, 500, b"x-amzn-errortype: InternalServiceErrorException"),
            ("throttle", model, 429, b"x-amzn-errortype: ThrottlingException"),
            ("error", model, (500, 503), b"x-amzn-errortype: "),
        ]
        for kind, sent, status, words in expected:
            with self.subTest(kind=kind, sent=sent[:40]):
                _, answered = self.struck(kind, sent)
                self.assertTrue(answered.is_whole())
                found = proxy.Message(answered.bytes, b"").status
                self.assertIn(found, status if isinstance(status, tuple) else (status,))
                self.assertIn(words, answered.bytes)
        self.assertEqual(self.up.server.requests, [], "the service heard of none")

    def test_an_error_of_a_head_has_no_body(self):
        _, answered = self.struck("throttle", request(method="HEAD"))
        self.assertTrue(answered.bytes.endswith(b"content-length: 0\r\n\r\n"))

    def test_an_entry_is_refused_with_200(self):
        _, answered = self.struck("refused-entry", put_events())
        self.assertTrue(answered.bytes.startswith(b"HTTP/1.1 200 OK"))
        self.assertIn(b'"FailedEntryCount": 1', answered.bytes)
        self.assertEqual(self.up.server.requests, [])

    def test_a_connection_is_reset_before_and_after_the_upstream_hears_of_it(self):
        for kind, heard in (("reset-before", 0), ("reset-after", 1)):
            self.up.server.requests.clear()
            through, answered = self.struck(kind)
            self.assertEqual((answered.bytes, answered.was_reset), (b"", True), kind)
            self.assertEqual(len(self.up.server.requests), heard, kind)
            self.assert_counted(through, kind)

    def test_a_body_breaks_off(self):
        _, answered = self.struck("truncated")
        self.assertEqual(answered.bytes, CONTENT_LENGTH[:-3])
        self.assertEqual(len(self.up.server.requests), 1)

    def test_a_stall_lasts_until_the_caller_gives_up(self):
        for kind, heard in (("stall-unsent", 0), ("stall-sent", 1)):
            self.up.server.requests.clear()
            started = time.monotonic()
            _, answered = self.struck(kind, wait=0.5)
            self.assertGreaterEqual(time.monotonic() - started, 0.4, kind)
            self.assertEqual(answered.bytes, b"", kind)
            self.assertEqual(len(self.up.server.requests), heard, kind)

    def test_a_request_is_forwarded_twice(self):
        _, answered = self.struck("twice")
        self.assertEqual(answered.bytes, CONTENT_LENGTH)
        self.assertEqual(len(self.up.server.requests), 2)
        self.assertEqual([line["event"] for line in self.told()], ["fault", "forwarded", "forwarded"])

    def test_a_ghost_lands_later(self):
        through, answered = self.struck("late")
        self.assertTrue(answered.was_reset)
        self.assertEqual((through.ghosts, self.up.server.requests), (1, []))
        until = time.monotonic() + 2 * proxy.GHOST_SECONDS[1]
        while through.ghosts and time.monotonic() < until:
            time.sleep(0.02)
        self.assertEqual((through.ghosts, len(self.up.server.requests)), (0, 1))

    def test_a_send_is_never_forwarded_twice_and_only_what_has_a_body_breaks_off(self):
        ses = proxy.Call(proxy.Message(request("ses", "POST", "/v2/email/outbound-emails"), b""))
        put = proxy.Call(proxy.Message(request(method="PUT"), b""))
        self.assertNotIn("twice", ses.kinds())
        self.assertFalse({"truncated", "conflict", "refused-entry"} & set(put.kinds()))
        unknown = proxy.Call(proxy.Message(request("sts", "POST", "/"), b""))
        self.assertEqual(unknown.kinds(), {})


class Kills(Proxies):
    def test_a_caller_is_killed_by_its_key_before_and_after_its_call(self):
        for point, heard in (("before forward", 0), ("after answer", 1)):
            self.up.server.requests.clear()
            keys = []
            through = self.proxy(Always(point=point), kill=lambda key, keys=keys: keys.append(key) or True)
            self.assertEqual(self.ask(through, put_events(key="AKIA7")).bytes, b"")
            self.assertEqual((keys, len(self.up.server.requests)), (["AKIA7"], heard))
            self.assertEqual(dict(through.log.kills), {(point, "PutEvents"): 1})

    def test_who_is_gone_already_is_not_counted(self):
        through = self.proxy(Always(point="after answer"))
        self.assertEqual(self.ask(through, request()).bytes, CONTENT_LENGTH)
        self.assertEqual(dict(through.log.kills), {})


class Plans(unittest.TestCase):
    def drawn(self, seed, calls=400, **named):
        plan = proxy.Plan(seed, **named)
        call = proxy.Call(proxy.Message(put_events(), b"{}"))
        return [plan.draw(call)[:3] for _ in range(calls)]

    def test_the_same_seed_strikes_the_same_calls(self):
        self.assertEqual(self.drawn(7, rate=0.2, kills=1), self.drawn(7, rate=0.2, kills=1))
        self.assertNotEqual(self.drawn(7, rate=0.2, kills=1), self.drawn(8, rate=0.2, kills=1))

    def test_another_operation_does_not_change_what_happens_to_this_one(self):
        plan, alone = proxy.Plan(7, rate=0.2), self.drawn(7, rate=0.2)
        events, other = (proxy.Call(proxy.Message(sent, b"{}")) for sent in (put_events(), request()))
        mixed = []
        for _ in range(400):
            plan.draw(other)
            mixed.append(plan.draw(events)[:3])
        self.assertEqual(mixed, alone)

    def test_as_much_goes_wrong_as_was_asked_for(self):
        faults = [kind for _, kind, _ in self.drawn(1, calls=4000, rate=0.2) if kind]
        self.assertAlmostEqual(len(faults) / 4000, 0.2, delta=0.03)
        self.assertEqual(set(faults), set(proxy.WEIGHTS["events"]))
        self.assertEqual({(kind, point) for _, kind, point in self.drawn(1)}, {(None, None)})

    def test_kills_come_early_and_at_both_points(self):
        kills = [nth for seed in range(50) for nth, _, point in self.drawn(seed, kills=1) if point]
        points = {point for seed in range(50) for _, _, point in self.drawn(seed, kills=1) if point}
        self.assertEqual(points, {"before forward", "after answer"})
        self.assertGreater(sum(nth <= 20 for nth in kills), len(kills) / 3)

    def test_nothing_goes_wrong_once_it_is_stopped(self):
        plan = proxy.Plan(1, rate=1.0, kills=100)
        plan.stop()
        self.assertEqual(plan.draw(proxy.Call(proxy.Message(put_events(), b"{}")))[:3], (1, None, None))


class Names(unittest.TestCase):
    def named(self, sent):
        head, _, body = sent.partition(b"\r\n\r\n")
        return proxy.Call(proxy.Message(head + b"\r\n\r\n", body)).name

    def test_calls_of_s3_are_named_by_what_they_do_and_where(self):
        for method, path, name in [
            ("GET", "/bucket/input/a%2Fb.csv?versionId=7", "GetObject input"),
            ("HEAD", "/bucket/manifests/x.json", "HeadObject manifests"),
            ("PUT", "/bucket/processed/orders/x.csv", "PutObject processed"),
            ("GET", "/bucket?list-type=2&prefix=ledger%2F2026", "ListObjectsV2 ledger"),
            ("GET", "/bucket/?versions&prefix=input%2F", "ListObjectVersions input"),
            ("POST", "/bucket/processed/x?uploads", "CreateMultipartUpload processed"),
            ("PUT", "/bucket/processed/x?partNumber=1&uploadId=u", "UploadPart processed"),
            ("POST", "/bucket/processed/x?uploadId=u", "CompleteMultipartUpload processed"),
            ("DELETE", "/bucket/processed/x?uploadId=u", "AbortMultipartUpload processed"),
        ]:
            self.assertEqual(self.named(request(method=method, path=path)), name)

    def test_updates_of_the_table_are_named_by_their_step(self):
        def step(*values, names=(), state=None):
            values = {f":{name}": {"S": "x"} for name in values} | ({":state": {"S": state}} if state else {})
            return {"ExpressionAttributeValues": values, "ExpressionAttributeNames": dict.fromkeys(names, "x")}

        for asked, name in [
            (step("claimed", "owner", "lease", names=["#notify_state"]), "claim notify"),
            (step("claimed", "owner", "lease", names=["#analyze_state"]), "claim analyze"),
            (step("held_by", state="FINISHED"), "store"),
            (step("held_by", state="SENDING"), "begin-send"),
            (step("held_by", state="SENT"), "end-send"),
            (step("held_by", state="CLAIMED"), "end-send"),
            (step("parked_send"), "park"),
            (step("heard_at", "parked", "sending"), "settle"),
            (step("heard_at"), "note"),
            (step("sent", "order"), "mark"),
        ]:
            self.assertEqual(self.named(update_item(asked)), f"UpdateItem {name}")

    def test_other_services_are_told_by_target_and_signature(self):
        self.assertEqual(self.named(put_events()), "PutEvents")
        self.assertEqual(self.named(request("ses", "POST", "/v2/email/outbound-emails")), "SendEmail")
        self.assertEqual(self.named(request("bedrock", "POST", "/model/m/converse")), "Converse")


if __name__ == "__main__":
    unittest.main()
