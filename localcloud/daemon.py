"""The life of a local cloud in the background: one process in a session of its own, a file that says where it is, and a
small control server on loopback that `drop`, `look` and `down` talk to.

Whether one runs is told by a lock on a file, which the system lets go when the process ends, however it ends.
"""

import contextlib
import fcntl
import http.server
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
# In the environment of all that a local cloud starts but the functions, which are known by their program.
MARK = "GRISTMILL_LOCAL_CLOUD"
# What a run leaves for people to read, and the next one takes away.
KEPT = ("logs", "mails")
MADE = (*KEPT, "code", "environments", "terraform")


class Base:
    """The folder of the local cloud of this checkout."""

    def __init__(self, folder=None):
        target = os.environ.get("CARGO_TARGET_DIR") or ROOT / "target"
        self.folder = pathlib.Path(folder or pathlib.Path(target) / "localcloud").resolve()
        self.state_file = self.folder / "state.json"
        self.progress_file = self.folder / "logs" / "progress.log"
        self.exports_file = self.folder / "environment.sh"

    def state(self):
        with contextlib.suppress(OSError, ValueError):
            return json.loads(self.state_file.read_text())
        return {}

    def tell(self, **news):
        """Writes down how it stands, whole or not at all. Nobody else may read it: it has the token."""
        part = self.state_file.with_suffix(".part")
        part.touch(0o600)
        part.write_text(json.dumps({**self.state(), **news}, indent=1))
        part.replace(self.state_file)

    @contextlib.contextmanager
    def lock(self):
        """Holds the lock, or gives False where another process holds it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def is_up(self):
        with self.lock() as free:
            return not free

    def clear(self, but=()):
        for name in set(MADE) - set(but):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        # Addresses of what is there no more.
        self.exports_file.unlink(missing_ok=True)


# Processes -------------------------------------------------------------------------------------------------------------


def left(mark, folder):
    """The processes of a local cloud, by its mark or by their program: never by a number that was written down, which may
    be another process's by now."""
    wanted, code = f"{MARK}={mark}".encode(), str(pathlib.Path(folder) / "code").encode()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if entry.stat().st_uid != os.getuid():
                continue
            words = (entry / "cmdline").read_bytes().split(b"\0")
            started = any(word.startswith(code + b"/") and word.endswith(b"/bootstrap") for word in words)
            if started or (mark and wanted in (entry / "environ").read_bytes().split(b"\0")):
                yield int(entry.name)


def clean(mark, folder, but=()):
    """Ends what is left of a local cloud; says how many processes that were."""
    ended = set()
    # Twice: one may have started another meanwhile.
    for _ in range(2):
        for process in left(mark, folder):
            if process not in but:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    ended.add(process)
        time.sleep(0.1)
    return len(ended)


def keep(mark, folder):
    """Waits for the end of its input, which ends with the local cloud, however that ends; then ends what it left behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # It ends by itself, or has ended.
    cloud = os.getppid()
    sys.stdin.buffer.read()
    clean(mark, folder, but=[cloud])


# The background process ------------------------------------------------------------------------------------------------


class Ended(SystemExit):
    """Somebody asked for the end."""


def serve(base, packages, hours):
    """Runs a local cloud until it is asked to end, or its time is over."""
    import cloud

    with base.lock() as mine:
        if not mine:
            sys.exit("another local cloud is being started")
        mark = os.environ[MARK]
        keeper = subprocess.Popen(
            [sys.executable, str(ROOT / "localcloud"), "keep", mark, str(base.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(Ended("asked to end")))
        base.tell(phase="starting", pid=os.getpid(), mark=mark, since=time.time(), ends=time.time() + hours * 3600)
        why = "its time was over"
        try:
            with (
                base.progress_file.open("a", buffering=1) as progress,
                cloud.Cloud(
                    packages,
                    base.folder,
                    # Longer than it may last, so that it ends in order.
                    limit_seconds=int(hours * 3600) + 120,
                    progress=lambda line: progress.write(line + "\n"),
                ) as running,
            ):
                ready(base, running)
                why = wait(running, base.state()["ends"])
        except Ended:
            why = "it was asked to"
        except BaseException as error:
            traceback.print_exc()
            why = f"it failed: {error}"
            base.tell(phase="failed", why=why)
            raise
        finally:
            # A second wish to end may not break the end off.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            keeper.stdin.close()
            keeper.wait()
            if base.state()["phase"] != "failed":
                base.tell(phase="down", why=why, ended=time.time())


def exports(running):
    """What a shell needs to talk to a local cloud."""
    stack = running.outputs["functions"]["processor"].removesuffix("-processor")
    told = {
        **running.emulator.environment,
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "GRISTMILL_STACK": stack,
        "GRISTMILL_S3_PATH_STYLE": "true",
    }
    return {name: told[name] for name in sorted(told)}


def ready(base, running):
    """Opens the control server, and writes down where everything is."""
    token = secrets.token_hex(16)
    server = Control(running, token)
    told = exports(running)
    lines = [f"export {name}='{value}'" for name, value in told.items()]
    base.exports_file.write_text("\n".join(["unset AWS_PROFILE AWS_SESSION_TOKEN", *lines, ""]))
    base.tell(
        phase="ready",
        ready=time.time(),
        control=server.url,
        token=token,
        url=running.emulator.url,
        outputs=running.outputs,
        exports=told,
        architecture=running.architecture,
        packages=str(running.packages),
    )


def wait(running, ends):
    """Until its time is over, or the emulator is gone: then there is nothing left to run."""
    silent = 0
    while time.time() < ends:
        time.sleep(1)
        try:
            urllib.request.urlopen(f"{running.emulator.url}/moto-api/", timeout=10).close()
            silent = 0
        except urllib.error.HTTPError:
            silent = 0
        except OSError as error:
            silent += 1
            if silent == 5:
                raise RuntimeError(f"the emulator does not answer: {error}") from error
    return "its time was over"


class Control(http.server.ThreadingHTTPServer):
    """What the other commands ask of the background process."""

    daemon_threads = True

    def __init__(self, running, token):
        super().__init__(("127.0.0.1", 0), Asked)
        self.running, self.token = running, token
        self.url = "http://{}:{}".format(*self.server_address[:2])
        # One file a time: the times of two at once would tell of neither.
        self.dropping = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()

    def answer(self, what, asked):
        import desk

        if what == "/drop":
            with self.dropping:
                return desk.drop(self.running, asked["path"], asked.get("dataset"), seconds=asked["seconds"])
        if what == "/look":
            return desk.look(self.running, asked.get("what"), asked.get("lines", 3))
        if what == "/down":
            threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGTERM]).start()
            return {}
        raise KeyError(what)


class Asked(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        if not secrets.compare_digest(self.headers.get("Token", ""), self.server.token):
            return self.tell(403, {"error": "the token is not the one in state.json"})
        import desk

        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        try:
            return self.tell(200, self.server.answer(self.path, asked))
        except desk.NotFinished as error:
            return self.tell(409, {"error": str(error)})
        except Exception as error:
            traceback.print_exc()
            return self.tell(500, {"error": repr(error)})

    def tell(self, status, said):
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Refused(Exception):
    """What the background process says when it could not do what it was asked."""


def ask(base, path, asked=None, wait=60):
    """Asks the background process for something, and waits so many seconds for the answer."""
    state = base.state()
    request = urllib.request.Request(
        state["control"] + path, json.dumps(asked or {}).encode(), {"Token": state["token"]}, method="POST"
    )
    # No proxy of the user's environment stands before this machine itself.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=wait) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(json.load(error)["error"]) from None


def start(base, python, packages, hours):
    """Starts the background process."""
    base.clear()
    (base.folder / "logs").mkdir(parents=True)
    base.state_file.unlink(missing_ok=True)
    base.progress_file.touch()
    command = [str(python), str(ROOT / "localcloud"), "serve", "--folder", str(base.folder)]
    command += ["--packages", str(packages), "--hours", str(hours)]
    with (base.folder / "logs" / "local-cloud.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, MARK: secrets.token_hex(16), "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
