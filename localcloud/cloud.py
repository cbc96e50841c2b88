"""The whole of Gristmill's cloud on this machine: the emulator with the project's own Terraform applied to it, the functions'
real binaries, and stubs of what the emulator lacks.

    with Cloud(packages, folder) as cloud:
        cloud.client("s3").put_object(Bucket=cloud.outputs["bucket"], Key="input/orders.csv", Body=…)
        …
        cloud.mails

It runs by moto's Python (`checkout.enter("moto")`). All of it is in this process but the emulator and the functions, which
end with it, however it ends.
"""

import contextlib
import os
import pathlib
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import emulator as emulators  # noqa: E402
import functions  # noqa: E402
import schedule  # noqa: E402
import stack  # noqa: E402
import stubs  # noqa: E402

HOURS = 4


def nobodys():
    """Takes the settings of whoever started this out of the environment: no call may go to an account of theirs."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "TF_VAR_", "TF_CLI_ARGS")) or name in ("TF_WORKSPACE", "TF_DATA_DIR", "TF_LOG"):
            del os.environ[name]
    # A proxy on the way to the outside is no way to this machine itself.
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost"]))


class Cloud:
    """A cloud that runs as long as the block.

    packages     folder with <function>/bootstrap.zip
    folder       where logs, mails and the copy of the Terraform go; it need not be there
    clock        seconds since 1970: deadlines, schedules, the stubs' timestamps
    environment  added to the environment of the emulator and of the functions
    front        called with ("aws" | "bedrock" | "ses", url), gives the url that functions are told
    feedback     called with a mail, gives [(detail type, seconds of delay), …]: what SES says of it
    progress     called with a line about what is going on
    """

    region = emulators.REGION
    account = emulators.ACCOUNT

    def __init__(
        self,
        packages,
        folder,
        *,
        clock=None,
        environment=None,
        front=None,
        feedback=None,
        limit_seconds=HOURS * 3600,
        progress=None,
    ):
        self.packages = pathlib.Path(packages).resolve()
        self.folder = pathlib.Path(folder).resolve()
        self.clock = clock or time.time
        self.environment = dict(environment or {})
        self.front = front or (lambda name, url: url)
        self.feedback = feedback
        self.limit_seconds = limit_seconds
        self.progress = progress or (lambda line: print(line, file=sys.stderr, flush=True))
        self.clients, self.guard = {}, threading.Lock()

    def __enter__(self):
        self.architecture = stack.architecture(self.packages)
        with contextlib.ExitStack() as opened:
            self.open(opened)
            self.opened = opened.pop_all()
        return self

    def __exit__(self, *raised):
        return self.opened.__exit__(*raised)

    def open(self, opened):
        nobodys()
        logs = self.folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        log = opened.enter_context((logs / "emulator.log").open("ab"))
        self.emulator = opened.enter_context(emulators.running(int(self.limit_seconds), log, self.environment))
        # So a client that somebody makes without an address finds the emulator too, and nothing else.
        os.environ.update(self.emulator.environment)
        self.progress(f"emulator: {self.emulator.url}")
        with (logs / "terraform.log").open("a", encoding="utf-8") as said:
            self.outputs = stack.apply(
                self.folder / "terraform", self.packages, self.emulator.environment, self.progress, said
            )
        bedrock = stubs.Server(stubs.converse)
        self.ses = stubs.Ses(self, self.feedback)
        ses = stubs.Server(self.ses)
        for part in (bedrock, ses, self.ses):
            part.start()
            opened.callback(part.stop)
        upstream = {"aws": self.emulator.url, "bedrock": bedrock.url, "ses": ses.url}
        self.addresses = {name: self.front(name, url) for name, url in upstream.items()}
        self.functions = functions.Functions(self)
        self.functions.start()
        opened.callback(self.functions.stop)
        self.schedule = schedule.Schedule(self)
        self.schedule.start()
        opened.callback(self.schedule.stop)

    @property
    def mails(self):
        """The mails that SES accepted, in their order."""
        return self.ses.mails

    def client(self, service):
        """A client of the emulator, with the owner's rights, past any front."""
        import boto3
        import botocore.config

        with self.guard:
            if service not in self.clients:
                style = {"addressing_style": "path"} if service == "s3" else None
                settings = botocore.config.Config(
                    s3=style,
                    max_pool_connections=50,
                    connect_timeout=10,
                    read_timeout=60,
                    response_checksum_validation="when_required",
                )
                self.clients[service] = boto3.client(service, config=settings, endpoint_url=self.emulator.url)
            return self.clients[service]

    def next_due(self):
        """When something happens by itself next (a schedule, a word of SES), by the cloud's clock; None if never."""
        return min((at for at in (self.schedule.next_due(), self.ses.next_due()) if at is not None), default=None)

    def note(self, line):
        """Writes down what went wrong within the local cloud itself."""
        with (self.folder / "logs" / "local-cloud.log").open("a") as log:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(self.clock()))} {line}\n")
