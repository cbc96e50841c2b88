#!/usr/bin/env python3
"""Tests of the local cloud's life: that one is told from none, that what broke off is cleaned away and nothing else is, that
what is missing is said. Needs neither the emulator nor Terraform nor the functions' packages.

    python3 localcloud/test_daemon.py
"""

import ast
import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import types
import unittest
import unittest.mock
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "scripts")]

import cloud  # noqa: E402
import daemon  # noqa: E402
import stack  # noqa: E402
import telling  # noqa: E402

HOLD = f"""
import sys, time
sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent / 'scripts')!r}]
import daemon
base = daemon.Base(sys.argv[1])
with base.lock() as mine:
    print(mine, flush=True)
    time.sleep(60)
"""


def packed(folder, name, machine=62, program=None):
    """A package whose program has the beginning of one for a machine."""
    header = b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") if program is None else program
    path = pathlib.Path(folder) / name / "bootstrap.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bootstrap", header)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp()).resolve()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.base = daemon.Base(self.folder / "localcloud")
        self.base.folder.mkdir()

    def spawn(self, *command, **how):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **how)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        # For a moment a process that has begun has neither words nor an environment to be known by.
        words = pathlib.Path(f"/proc/{process.pid}/cmdline")
        while process.poll() is None and not words.read_bytes():
            time.sleep(0.01)
        return process

    def command(self, *arguments, path=None, seconds=30):
        """The command line, with a folder of its own."""
        environment = {**os.environ, "CARGO_TARGET_DIR": str(self.folder)}
        if path is not None:
            environment["PATH"] = path
        return subprocess.run(
            [sys.executable, str(HERE), *arguments], env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )


class Life(Case):
    def test_one_is_told_from_none_by_a_lock_that_ends_with_its_process(self):
        self.assertFalse(self.base.is_up())
        process = self.spawn(sys.executable, "-c", HOLD, str(self.base.folder))
        self.assertEqual(process.stdout.readline(), "True\n")
        self.assertTrue(self.base.is_up())
        second = self.spawn(sys.executable, "-c", HOLD, str(self.base.folder))
        self.assertEqual(second.stdout.readline(), "False\n")
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertFalse(self.base.is_up())

    def test_what_is_left_is_known_by_its_mark_and_nothing_else_is_ended(self):
        marked = self.spawn("sleep", "60", env={**os.environ, daemon.MARK: "ours"})
        others = [
            self.spawn("sleep", "60", env={**os.environ, daemon.MARK: "theirs"}),
            self.spawn("sleep", "60", env={**os.environ, "OTHER": f"{daemon.MARK}=ours"}),
            self.spawn("sleep", "60"),
        ]
        # A number that was written down is not what decides: it may be another process's by now.
        self.base.tell(pid=others[2].pid, mark="ours")
        self.assertEqual(list(daemon.left("ours", self.base.folder)), [marked.pid])
        self.assertEqual(daemon.clean("ours", self.base.folder), 1)
        self.assertEqual(marked.wait(5), -signal.SIGKILL)
        self.assertEqual([other.poll() for other in others], [None] * 3)

    def test_a_function_is_known_by_its_program(self):
        program = self.base.folder / "code" / "processor" / "bootstrap"
        program.parent.mkdir(parents=True)
        shutil.copy(shutil.which("sleep"), program)
        function = self.spawn(str(program), "60", env={})
        self.assertEqual(list(daemon.left(None, self.base.folder)), [function.pid])
        self.assertEqual(list(daemon.left("ours", self.folder / "elsewhere")), [])

    def test_a_keeper_ends_what_is_left_when_its_cloud_is_gone(self):
        marked = self.spawn("sleep", "60", env={**os.environ, daemon.MARK: "ours"})
        keeper = self.spawn(sys.executable, str(HERE), "keep", "ours", str(self.base.folder), stdin=subprocess.PIPE)
        with self.assertRaises(subprocess.TimeoutExpired):
            keeper.wait(1)
        self.assertEqual(marked.poll(), None)
        keeper.stdin.close()
        self.assertEqual(keeper.wait(10), 0)
        self.assertEqual(marked.wait(5), -signal.SIGKILL)

    def test_a_keeper_leaves_the_cloud_itself_alone(self):
        script = (
            "import subprocess, sys\n"
            "keeper = subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=subprocess.PIPE)\n"
            "keeper.stdin.close()\n"
            "print(keeper.wait(), flush=True)\n"
        )
        command = [sys.executable, "-c", script, str(HERE), "keep", "ours", str(self.base.folder)]
        done = self.spawn(*command, env={**os.environ, daemon.MARK: "ours"})
        self.assertEqual((done.stdout.read(), done.wait(10)), ("0\n", 0))

    def test_state_is_for_its_owner_alone(self):
        self.base.tell(phase="ready", token="secret")
        self.base.tell(phase="down")
        self.assertEqual(self.base.state(), {"phase": "down", "token": "secret"})
        self.assertEqual(self.base.state_file.stat().st_mode & 0o777, 0o600)

    def test_what_cannot_be_read_is_no_state(self):
        self.base.state_file.write_text("{")
        self.assertEqual(self.base.state(), {})


class Commands(Case):
    def test_an_earlier_one_that_broke_off_is_noticed_and_cleaned_away(self):
        marked = self.spawn("sleep", "60", env={**os.environ, daemon.MARK: "ours"})
        self.base.tell(phase="ready", mark="ours", pid=marked.pid)
        done = self.command("look")
        self.assertEqual(done.returncode, 1)
        self.assertIn("an earlier local cloud had broken off; 1 process was left of it", done.stderr)
        self.assertIn("no local cloud is up: python3 localcloud up", done.stderr)
        self.assertEqual(marked.wait(5), -signal.SIGKILL)
        self.assertEqual(self.base.state()["phase"], "down")
        self.assertNotIn("earlier", self.command("look").stderr)

    def test_down_of_nothing_is_no_failure_and_purge_takes_all(self):
        done = self.command("down")
        self.assertEqual((done.returncode, done.stderr), (0, "no local cloud was up\n"))
        (self.base.folder / "logs").mkdir()
        self.assertIn(str(self.base.folder / "logs"), self.command("down").stdout)
        self.assertTrue((self.base.folder / "logs").exists())
        self.assertEqual(self.command("down", "--purge").returncode, 0)
        self.assertFalse(self.base.folder.exists())

    def test_down_ends_one_that_does_not_answer(self):
        process = self.spawn(sys.executable, "-c", HOLD, str(self.base.folder), env={**os.environ, daemon.MARK: "ours"})
        process.stdout.readline()
        self.base.tell(phase="starting", mark="ours", pid=process.pid)
        done = self.command("down", seconds=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(process.wait(5), -signal.SIGTERM)
        self.assertFalse(self.base.is_up())

    def test_without_terraform_it_is_said_how_to_get_it(self):
        done = self.command("up", "--packages", str(self.folder), path="/nowhere")
        self.assertEqual(done.returncode, 2)
        self.assertIn("Terraform 1.10 or later: bash scripts/deploy/tools.sh terraform", done.stderr)

    def test_packages_that_cannot_be_used_are_named(self):
        # Something that answers to the name is enough here: it is not run.
        tool = self.folder / "bin" / "terraform"
        tool.parent.mkdir()
        tool.write_text("#!/bin/sh\nexit 1\n")
        tool.chmod(0o755)
        path = f"{tool.parent}:{os.environ['PATH']}"
        done = self.command("up", "--packages", str(self.folder / "none"), path=path)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"there is no package {self.folder}/none/processor/bootstrap.zip", done.stderr)

    def test_an_older_python_is_told_before_anything_else(self):
        text = (HERE / "__main__.py").read_text(encoding="utf-8")
        # One that knows no newer words gets as far as the question.
        tree = ast.parse(text, feature_version=(3, 6))
        _, first, asked, *_ = tree.body
        self.assertEqual((ast.unparse(first), ast.unparse(asked.test)), ("import sys", "sys.version_info < (3, 11)"))

    def test_drop_and_look_ask_who_runs(self):
        asked = []

        class Running:
            pass

        server = daemon.Control(Running(), "token")
        server.answer = lambda what, given: asked.append((what, given)) or {"said": 1}
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.base.tell(control=server.url, token="token")
        self.assertEqual(daemon.ask(self.base, "/look", {"what": "x"}), {"said": 1})
        self.assertEqual(asked, [("/look", {"what": "x"})])
        self.base.tell(token="another")
        with self.assertRaisesRegex(daemon.Refused, "token"):
            daemon.ask(self.base, "/down")
        self.assertEqual(len(asked), 1)


class Packages(Case):
    def test_the_machine_is_read_from_the_programs(self):
        for name in ("processor", "analyzer", "notifier"):
            packed(self.folder, name)
        self.assertEqual(stack.architecture(self.folder), "x86_64")
        for name in ("processor", "analyzer", "notifier"):
            packed(self.folder, name, 183)
        self.assertEqual(stack.architecture(self.folder), "arm64")
        self.assertIn("-var=architecture=arm64", stack.values(self.folder))

    def test_what_is_no_set_of_packages_is_refused(self):
        for name, machine, program, wanted in (
            ("analyzer", 183, None, "for different machines"),
            ("analyzer", 62, b"#!/bin/sh\n", "no program for Linux"),
            ("analyzer", 8, None, "no program for Linux"),
        ):
            for one in ("processor", "analyzer", "notifier"):
                packed(self.folder, one)
            packed(self.folder, name, machine, program)
            with self.assertRaisesRegex(stack.Unusable, wanted):
                stack.architecture(self.folder)
        (self.folder / "processor" / "bootstrap.zip").write_bytes(b"no archive")
        with self.assertRaisesRegex(stack.Unusable, "is no package"):
            stack.architecture(self.folder)


class Choice(Case):
    """Which packages `up` takes."""

    def setUp(self):
        super().setUp()
        spec = importlib.util.spec_from_file_location("localcloud_commands", HERE / "__main__.py")
        self.commands = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.commands)
        self.said = []
        self.commands.say = lambda line="": self.said.append(line)
        # A project whose only source is older than any package.
        self.commands.ROOT = self.folder / "project"
        source = self.commands.ROOT / "crates" / "lib.rs"
        source.parent.mkdir(parents=True)
        source.touch()
        os.utime(source, (1, 1))
        self.commands.checkout.files, files = lambda: ["crates/lib.rs"], self.commands.checkout.files
        self.addCleanup(setattr, self.commands.checkout, "files", files)
        self.source, self.own = source, self.base.folder / "packages"
        self.here = {"x86_64": 62, "arm64": 183}[stack.this_machine()]
        self.options = types.SimpleNamespace(packages=None, build=False)

    def put(self, folder, machine):
        for name in ("processor", "analyzer", "notifier"):
            packed(folder, name, machine)

    def test_all_that_is_missing_is_said_together(self):
        self.commands.terraform = lambda: None
        self.commands.platform = types.SimpleNamespace(system=lambda: "Darwin", platform=lambda: "macOS-15-arm64")
        with unittest.mock.patch.dict(sys.modules, {"ensurepip": None}):
            missing = self.commands.needs()
        self.assertEqual([line.split(" ")[0] for line in missing], ["Linux", "Python's", "Terraform"])
        self.assertIn("apt-get install python3-venv", missing[1])

    def test_the_projects_own_are_taken_if_they_are_for_this_machine(self):
        self.put(self.commands.ROOT / "target" / "lambda", self.here)
        self.put(self.own, self.here)
        self.assertEqual(self.commands.packages(self.base, self.options), self.commands.ROOT / "target" / "lambda")
        self.assertEqual(len(self.said), 1)

    def test_those_for_aws_are_left_alone_on_another_machine(self):
        self.put(self.commands.ROOT / "target" / "lambda", 245 - self.here)
        self.put(self.own, self.here)
        self.assertEqual(self.commands.packages(self.base, self.options), self.own)

    def test_a_source_that_was_changed_since_is_named(self):
        self.put(self.own, self.here)
        os.utime(self.source)
        os.utime(self.own / "analyzer" / "bootstrap.zip", (2, 2))
        self.commands.packages(self.base, self.options)
        self.assertIn("crates/lib.rs was changed after they were built; --build builds them anew", self.said[1])

    def test_without_packages_and_without_rust_it_is_said_how_to_get_it(self):
        self.commands.shutil.which, which = lambda _: None, self.commands.shutil.which
        self.addCleanup(setattr, self.commands.shutil, "which", which)
        with self.assertRaisesRegex(self.commands.Missing, "Rust, to build the functions: https://rustup.rs"):
            self.commands.packages(self.base, self.options)

    def test_without_packages_they_are_built_for_this_machine(self):
        calls = []

        def build(command, **_):
            calls.append(command)
            return types.SimpleNamespace(returncode=0)

        self.commands.shutil.which, which = lambda _: "cargo", self.commands.shutil.which
        self.addCleanup(setattr, self.commands.shutil, "which", which)
        self.commands.subprocess.run, run = build, self.commands.subprocess.run
        self.addCleanup(setattr, self.commands.subprocess, "run", run)
        self.assertEqual(self.commands.packages(self.base, self.options), self.own)
        ((_, script, *rest),) = calls
        self.assertTrue(script.endswith("package.py"))
        self.assertEqual(rest, ["--architecture", stack.this_machine(), "--out", str(self.own)])
        self.assertIn("minutes", self.said[0])


class Settings(unittest.TestCase):
    def test_nothing_of_the_users_settings_for_aws_and_terraform_is_left(self):
        users = {"AWS_PROFILE": "p", "AWS_ENDPOINT_URL_SQS": "http://x", "TF_VAR_name": "n", "TF_WORKSPACE": "w"}
        kept = {"PATH": "/bin", "GRISTMILL_TERRAFORM_PLUGINS": "/mirror", "HTTPS_PROXY": "http://proxy"}
        with unittest.mock.patch.dict(os.environ, {**users, **kept, "no_proxy": "inside"}, clear=True):
            cloud.nobodys()
            found = dict(os.environ)
        wanted = {**kept, "no_proxy": "inside,127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
        self.assertEqual(found, wanted)


class Words(unittest.TestCase):
    def test_a_refused_file_and_a_duplicate_say_so(self):
        told = {
            "outcome": "rejected", "file": "a.csv", "key": "input/a.csv", "code": "missing-label", "reason": "no price",
            "stages": [{"at": 0.5, "what": "processor ends", "took": "12 ms"}], "outputs": {},
        }  # fmt: skip
        self.assertIn("refused    missing-label: no price", telling.dropped(told))
        self.assertIn("   0.500 s processor ends (12 ms)", telling.dropped(told))
        told = {"outcome": "duplicate", "duplicate": True, "file": "a.csv", "key": "k", "run_id": "r", "stages": []}
        self.assertIn("nothing was done again, and no mail sent", telling.dropped(told))

    def test_a_table_stands_in_columns(self):
        shown = telling.table([("name", "count"), ("a", 5), ("long name", None), ("b", 1234)])
        self.assertEqual(shown.splitlines(), ["  name       count", "  a              5", "  long name", "  b           1234"])


if __name__ == "__main__":
    unittest.main()
