#!/usr/bin/env python3
"""Tests back_sync.py as a program, against a GitHub on loopback that remembers every request.

    python3 .github/scripts/test_back_sync.py
"""

import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest
import urllib.parse

PROGRAM = pathlib.Path(__file__).with_name("back_sync.py")
PULLS = "/repos/mill/grist/pulls"
COMPARE = "/repos/mill/grist/compare/dev...uat"
OPEN = {"html_url": "https://github.example/mill/grist/pull/7", "head": {"ref": "uat"}, "base": {"ref": "dev"}}
CREATED = {"html_url": "https://github.example/mill/grist/pull/8", "head": {"ref": "uat"}, "base": {"ref": "dev"}}


def compared(ahead_by, files):
    return 200, {"status": "ahead", "ahead_by": ahead_by, "behind_by": 0, "files": [{"filename": f"{n}"} for n in range(files)]}


@contextlib.contextmanager
def github(answers):
    """Serves `answers`: for a method and a path, a list of (status, body) that are given out one after the other."""
    requests = []
    answers = {place: list(given) for place, given in answers.items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.append(
                {
                    "call": f"{self.command} {path}",
                    "query": dict(urllib.parse.parse_qsl(query)),
                    "headers": dict(self.headers.items()),
                    "body": json.loads(body) if body else None,
                }
            )
            left = answers.get(f"{self.command} {path}")
            status, found = left.pop(0) if left else (500, {"message": "not expected by the test"})
            text = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            if status == 301:
                self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class BackSync(unittest.TestCase):
    def run_program(self, answers, **environment):
        with github(answers) as (address, requests):
            variables = {
                "PATH": os.environ["PATH"],
                "GITHUB_API_URL": address,
                "GITHUB_REPOSITORY": "mill/grist",
                "GITHUB_TOKEN": "a-token",
                **environment,
            }
            done = subprocess.run([sys.executable, PROGRAM], env=variables, capture_output=True, text=True, timeout=60, check=False)
        return done, requests

    def calls(self, requests):
        return [request["call"] for request in requests]

    def test_a_branch_that_is_ahead_gets_one_pull_request(self):
        done, requests = self.run_program(
            {f"GET {COMPARE}": [compared(3, 2)], f"GET {PULLS}": [(200, [])], f"POST {PULLS}": [(201, CREATED)]}
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("opened https://github.example/mill/grist/pull/8", done.stdout)
        self.assertEqual(self.calls(requests), [f"GET {COMPARE}", f"GET {PULLS}", f"POST {PULLS}"])
        self.assertEqual(requests[1]["query"], {"state": "open", "base": "dev", "head": "mill:uat"})
        self.assertEqual((requests[2]["body"]["head"], requests[2]["body"]["base"]), ("uat", "dev"))
        self.assertIn("3 commits", requests[2]["body"]["body"])
        for request in requests:
            self.assertEqual(request["headers"]["Authorization"], "Bearer a-token")

    def test_a_branch_that_is_not_ahead_is_left_alone_and_said_so(self):
        done, requests = self.run_program({f"GET {COMPARE}": [compared(0, 0)]})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("uat has no commit that dev lacks: nothing to do", done.stdout)
        self.assertEqual(self.calls(requests), [f"GET {COMPARE}"])

    def test_a_merge_commit_without_a_change_opens_nothing(self):
        done, requests = self.run_program({f"GET {COMPARE}": [compared(1, 0)]})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("1 commit that change no file: nothing to do", done.stdout)
        self.assertEqual(self.calls(requests), [f"GET {COMPARE}"])

    def test_an_open_pull_request_is_enough(self):
        done, requests = self.run_program({f"GET {COMPARE}": [compared(1, 1)], f"GET {PULLS}": [(200, [OPEN])]})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("is open already: https://github.example/mill/grist/pull/7", done.stdout)
        self.assertEqual(self.calls(requests), [f"GET {COMPARE}", f"GET {PULLS}"])

    def test_pull_requests_of_other_branches_do_not_count(self):
        others = [{**OPEN, "head": {"ref": "topic"}}, {**OPEN, "base": {"ref": "main"}}]
        done, requests = self.run_program(
            {f"GET {COMPARE}": [compared(1, 1)], f"GET {PULLS}": [(200, others)], f"POST {PULLS}": [(201, CREATED)]}
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(requests), 3)

    def test_one_that_was_opened_in_between_is_found(self):
        done, _ = self.run_program(
            {
                f"GET {COMPARE}": [compared(1, 1)],
                f"GET {PULLS}": [(200, []), (200, [OPEN])],
                f"POST {PULLS}": [(422, {"message": "Validation Failed"})],
            }
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("was just opened: https://github.example/mill/grist/pull/7", done.stdout)

    def test_a_refused_creation_fails(self):
        done, _ = self.run_program(
            {
                f"GET {COMPARE}": [compared(1, 1)],
                f"GET {PULLS}": [(200, []), (200, [])],
                f"POST {PULLS}": [(422, {"message": "Validation Failed"})],
            }
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("status 422", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_forbidden_creation_names_the_setting(self):
        done, _ = self.run_program(
            {
                f"GET {COMPARE}": [compared(1, 1)],
                f"GET {PULLS}": [(200, [])],
                f"POST {PULLS}": [(403, {"message": "GitHub Actions is not permitted to create or approve pull requests."})],
            }
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("Settings > Actions > General", done.stderr)

    def test_a_missing_branch_fails(self):
        done, requests = self.run_program({f"GET {COMPARE}": [(404, {"message": "Not Found"})]})
        self.assertEqual(done.returncode, 1)
        self.assertIn("comparing dev with uat: status 404", done.stderr)
        self.assertEqual(len(requests), 1)

    def test_an_error_of_each_call_fails_and_is_not_tried_again(self):
        good = {f"GET {COMPARE}": [compared(1, 1)], f"GET {PULLS}": [(200, [])], f"POST {PULLS}": [(201, CREATED)]}
        for position, place in enumerate(good):
            for status in (401, 500, 503):
                with self.subTest(place=place, status=status):
                    done, requests = self.run_program({**good, place: [(status, {"message": "no"})]})
                    self.assertEqual(done.returncode, 1)
                    self.assertIn(f"status {status}", done.stderr)
                    self.assertEqual(len(requests), position + 1)

    def test_an_answer_that_lacks_what_is_needed_fails(self):
        for answer in ((200, {"files": []}), (200, {"ahead_by": 0}), (200, []), (200, b"<html>"), (204, b"")):
            with self.subTest(answer=answer):
                done, requests = self.run_program({f"GET {COMPARE}": [answer]})
                self.assertEqual(done.returncode, 1)
                self.assertIn("comparing dev with uat", done.stderr)
                self.assertNotIn("Traceback", done.stderr)
                self.assertEqual(len(requests), 1)

    def test_a_redirect_is_not_followed(self):
        done, requests = self.run_program({f"GET {COMPARE}": [(301, {"message": "Moved Permanently"})]})
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.calls(requests), [f"GET {COMPARE}"])

    def test_an_answer_cannot_give_commands_to_the_log(self):
        done, _ = self.run_program({f"GET {COMPARE}": [(500, b"one\n::add-mask::two%0A::set-env::three")]})
        self.assertEqual(done.returncode, 1)
        self.assertEqual([line[:9] for line in done.stderr.splitlines()], ["::error::"])
        self.assertIn("two%250A", done.stderr)

    def test_no_answer_fails(self):
        done, _ = self.run_program({}, GITHUB_API_URL="http://127.0.0.1:9")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no answer", done.stderr)

    def test_other_branches_can_be_named(self):
        place = "/repos/mill/grist/compare/main...release%2F2"
        done, requests = self.run_program({f"GET {place}": [compared(0, 0)]}, BACK_SYNC_HEAD="release/2", BACK_SYNC_BASE="main")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.calls(requests), [f"GET {place}"])

    def test_a_missing_variable_is_wrong_use(self):
        for name in ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_API_URL"):
            with self.subTest(name=name):
                done, requests = self.run_program({}, **{name: ""})
                self.assertEqual(done.returncode, 2)
                self.assertEqual(requests, [])


if __name__ == "__main__":
    unittest.main()
