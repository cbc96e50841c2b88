#!/usr/bin/env python3
"""The tests of clock.py: python3 localcloud/test_clock.py"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
import clock

# Tells its times whenever it is asked, and how long its waits really took.
CHILD = """
import datetime, json, sys, threading, time

def waited(wait):
    started = time.monotonic()
    wait()
    return time.monotonic() - started

held = threading.Lock()
held.acquire()
for line in sys.stdin:
    told = {
        "time": time.time(),
        "now": datetime.datetime.now(datetime.timezone.utc).timestamp(),
        "monotonic": time.monotonic(),
        "sleep": waited(lambda: time.sleep(0.2)),
        "event": waited(lambda: threading.Event().wait(0.2)),
        "lock": waited(lambda: held.acquire(timeout=0.2)),
    }
    print(json.dumps(told), flush=True)
"""


class Clocks(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def child(self, moving):
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **moving.environment},
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.kill)

        def ask():
            process.stdin.write("\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        return process, ask

    def test_a_process_is_moved_on_while_it_runs_and_its_waits_stay_as_long_as_they_are(self):
        with clock.Clock(self.folder.name) as moving:
            _, ask = self.child(moving)
            before = ask()
            self.assertAlmostEqual(before["time"], time.time(), delta=2)
            moving.move_on(3600)
            moving.move_on(0.5)
            after = ask()
            for name in ("time", "now"):
                self.assertAlmostEqual(after[name], time.time() + 3600.5, delta=2, msg=name)
                self.assertAlmostEqual(after[name], moving(), delta=2, msg=name)
            self.assertLess(after["monotonic"] - before["monotonic"], 60)
            for name in ("sleep", "event", "lock"):
                self.assertAlmostEqual(after[name], 0.2, delta=0.15, msg=name)
            self.assertEqual(moving.moved(), 3600.5)

    def test_nothing_is_left_behind_by_a_process_that_is_killed(self):
        with clock.Clock(self.folder.name) as moving:
            process, ask = self.child(moving)
            ask()
            process.kill()
            process.wait()
        left = [path.name for path in pathlib.Path("/dev/shm").glob(f"*{process.pid}*")]
        self.assertEqual(left, [])
        self.assertEqual({path.name for path in pathlib.Path(self.folder.name).iterdir()}, {"clock.so", "clock.offset"})

    def test_time_does_not_go_back(self):
        with clock.Clock(self.folder.name) as moving, self.assertRaises(ValueError):
            moving.move_on(-1)

    def test_a_machine_without_a_compiler_is_told_so(self):
        path, os.environ["PATH"] = os.environ["PATH"], self.folder.name
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        with self.assertRaisesRegex(clock.NoCompiler, "a C compiler is needed"):
            clock.Clock(self.folder.name)


if __name__ == "__main__":
    unittest.main()
