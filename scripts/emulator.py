#!/usr/bin/env python3
"""A local stand-in for AWS: moto, behind one address on this machine, with what it lacks supplied (emulator_server.py).

    python3 scripts/emulator.py                               prints the address and waits
    python3 scripts/emulator.py -- aws s3 mb s3://somewhere   runs a command against it, and ends with the command's code

    import emulator
    with emulator.running() as aws:
        subprocess.run([...], env={**os.environ, **aws.environment})

It listens on 127.0.0.1, on a port that is free, and keeps everything in memory. It ends with the process that started it,
however that ends, and after a time limit. moto is installed as requirements/moto.txt says (scripts/deploy/tools.sh).
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import urllib.request

import checkout

SERVER = pathlib.Path(__file__).resolve().parent / "emulator_server.py"
# Nobody's account: the number that AWS's own examples use.
ACCOUNT = "111122223333"
REGION = "eu-central-1"
START_SECONDS = 60
# What the server is told: whose account it is, where, and that a page of a listing has a thousand entries, as on AWS.
SETTINGS = {
    "MOTO_ACCOUNT_ID": ACCOUNT,
    "EMULATOR_REGION": REGION,
    "MOTO_S3_DEFAULT_MAX_KEYS": "1000",
    "PYTHONDONTWRITEBYTECODE": "1",
}


class Emulator:
    """An emulator that runs: its address, and what a client of it needs in its environment."""

    def __init__(self, url):
        self.url = url
        self.environment = {
            # Terraform's provider, the SDKs and the AWS CLI all ask these.
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "emulator",
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Neither the settings nor the keys of whoever runs this.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def announce(self, source, detail_type, detail, resources=(), time=None):
        """Puts an event of an AWS service on the default bus: PutEvents refuses sources such as `aws.ses`. `time` is ISO 8601,
        by default now. Gives the event's id. (emulator_events.py)"""
        event = {"source": source, "detail-type": detail_type, "detail": detail, "resources": list(resources)}
        if time is not None:
            event["time"] = time
        asked = urllib.request.Request(f"{self.url}/_services/events", json.dumps(event).encode(), method="POST")
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)["EventId"]


@contextlib.contextmanager
def running(limit_seconds=900, log=None, environment=None):
    """Starts an emulator, and ends it with the block. What it says goes to `log`, a file, or nowhere. `environment` is added to
    its own."""
    python = checkout.installed("moto") / "bin" / "python"
    process = subprocess.Popen(
        [str(python), str(SERVER), "--limit-seconds", str(limit_seconds)],
        # The server ends when the other end of its input does: with this process, even when that is killed.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log or subprocess.DEVNULL,
        env={**os.environ, **SETTINGS, **(environment or {})},
    )
    late = threading.Timer(START_SECONDS, process.kill)
    late.start()
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the emulator did not start within {START_SECONDS} s, or failed ({process.poll()})")
        late.cancel()
        yield Emulator(json.loads(line)["url"])
    finally:
        late.cancel()
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit-seconds", type=int, default=900, help="the emulator ends after so long (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="show each request")
    parser.add_argument("command", nargs="*", help="what to run against it")
    options = parser.parse_args()
    with running(options.limit_seconds, sys.stderr if options.verbose else None) as aws:
        if options.command:
            sys.exit(subprocess.run(options.command, env={**os.environ, **aws.environment}).returncode)
        print("\n".join(f"export {name}={value}" for name, value in aws.environment.items()), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait(options.limit_seconds)


if __name__ == "__main__":
    main()
