#!/usr/bin/env python3
"""Tries the operator's commands: the built `gristmill` (feature cloud) against queues, a bucket and a table on the emulator.

    cargo build --locked --package gristmill --features cloud
    python3 scripts/try_operator.py            all scenes, in about a minute
    python3 scripts/try_operator.py redrive    one of them: redrive, backfill, replay, status, errors

Each scene prints what was typed and what came back, and ends with a sentence on what was counted. The stages do not run here:
what they make of the messages is tried in crates/operator and on the local cloud.
"""

import argparse
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import checkout

checkout.enter("moto")

import boto3  # noqa: E402

import emulator  # noqa: E402

STACK = "gristmill-dev"
STAGES = {"processor": "process", "analyzer": "analyze", "notifier": "notify"}
LETTERS = 300
OBJECTS = 1000
RATE = 100
# One that any machine could exceed.
SLOW = 20


class Surprise(Exception):
    """Something is not as it must be."""


def expect(holds, what):
    if not holds:
        raise Surprise(what)


def program():
    """The built command."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or checkout.ROOT / "target")
    found = os.environ.get("GRISTMILL") or target / "debug" / "gristmill"
    if not pathlib.Path(found).is_file():
        sys.exit(f"{found} is missing: cargo build --locked --package gristmill --features cloud")
    return str(found)


class Stack:
    """Bucket, table and queues, named as infrastructure/locals.tf names them, and nothing else."""

    def __init__(self, aws):
        self.environment = {**os.environ, **aws.environment, "GRISTMILL_STACK": STACK, "GRISTMILL_S3_PATH_STYLE": "true"}
        self.environment.pop("GRISTMILL_BUCKET", None)
        keys = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator", "region_name": emulator.REGION}
        self.s3, self.sqs, self.table = (boto3.client(name, endpoint_url=aws.url, **keys) for name in ("s3", "sqs", "dynamodb"))
        self.bucket = f"{STACK}-{emulator.ACCOUNT}-{emulator.REGION}"
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": emulator.REGION})
        self.s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        self.table.create_table(
            TableName=f"{STACK}-analyses",
            KeySchema=[{"AttributeName": "run_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "run_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.queues = {}
        for stage, work in STAGES.items():
            name = f"{STACK}-{work}"
            dead = self.sqs.create_queue(QueueName=f"{name}-dead-letters")["QueueUrl"]
            alive = self.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
            self.queues[stage] = (alive, dead)

    def depth(self, url):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        return sum(int(n) for n in self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())

    def drain(self, url):
        """Takes everything out of a queue: each message's body and when it was sent."""
        messages = []
        while True:
            found = self.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600, MessageSystemAttributeNames=["SentTimestamp"]
            ).get("Messages", [])
            if not found:
                return messages
            messages += [(m["Body"], int(m["Attributes"]["SentTimestamp"]) / 1000) for m in found]
            self.sqs.delete_message_batch(
                QueueUrl=url, Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(found)]
            )

    def send(self, url, bodies):
        for first in range(0, len(bodies), 10):
            batch = bodies[first : first + 10]
            self.sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": b} for n, b in enumerate(batch)])

    def put(self, key, body=b"sku,price\nA,5\n"):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)


def gristmill(stack, *arguments, code=0, show=12, environment=None):
    """Runs the command to its end and shows what it says."""
    print(f"$ gristmill {' '.join(arguments)}")
    command = [program(), *arguments]
    done = subprocess.run(command, env=environment or stack.environment, capture_output=True, text=True, timeout=60, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    print("\n".join(lines if len(lines) <= show else [*lines[: show - 4], f"… {len(lines) - show + 1} more lines …", *lines[-3:]]))
    expect(done.returncode == code, f"it ended with {done.returncode}, not with {code}")
    return done


def killed(stack, *arguments, after):
    """Runs the command and kills it (SIGKILL) when it has printed so many lines."""
    print(f"$ gristmill {' '.join(arguments)}")
    command = [program(), *arguments]
    with subprocess.Popen(command, env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        lines = [process.stdout.readline() for _ in range(after)]
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
    print(f"{lines[0].rstrip()}\n… {len(lines) - 2} more lines …\n{lines[-1].rstrip()}\nKilled")
    expect(process.returncode == -signal.SIGKILL, f"it had ended by itself ({process.returncode})")
    return lines


def interrupted(stack, *arguments, after):
    """Runs the command and presses Ctrl-C (SIGINT) when it has printed so many lines."""
    print(f"$ gristmill {' '.join(arguments)}")
    command = [program(), *arguments]
    with subprocess.Popen(command, env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        lines = [process.stdout.readline() for _ in range(after)]
        process.send_signal(signal.SIGINT)
        lines += process.stdout.readlines()
    print(f"{lines[0].rstrip()}\n… {len(lines) - 2} more lines …\n{lines[-1].rstrip()}")
    expect(process.returncode == 1, f"it ended with {process.returncode}")
    return lines


def announcement(number):
    """An event for the processor, of which there is no second."""
    detail = {"bucket": {"name": "b"}, "object": {"key": f"input/orders/{number}.csv", "size": 1, "etag": f"{number:032x}"}}
    return json.dumps({"version": "0", "id": f"e{number}", "detail-type": "Object Created", "source": "aws.s3", "detail": detail})


def fixture(name, number):
    """An event of the pipeline, made different from all others by its id."""
    event = json.loads((checkout.ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
    return json.dumps({**event, "id": f"e{number}"})


def scene_redrive(stack):
    """300 dead letters of three stages; a redrive is killed half-way and started again."""
    bodies = {
        "processor": [announcement(n) for n in range(200)],
        "analyzer": [fixture("processing_complete", n) for n in range(60)],
        "notifier": [fixture("analysis_complete", n) for n in range(40)],
    }
    for stage, (_, dead) in stack.queues.items():
        stack.send(dead, bodies[stage])
    expect(sum(map(len, bodies.values())) == LETTERS, "the letters")
    gristmill(stack, "redrive", "--dry-run", "--max", "20", show=8)
    left = [stack.depth(dead) for _, dead in stack.queues.values()]
    expect(left == [200, 60, 40], f"a dry run moved letters: {left}")
    killed(stack, "redrive", after=LETTERS // 2)
    left = [stack.depth(dead) for _, dead in stack.queues.values()]
    print(f"(dead letters now: {left})")
    gristmill(stack, "redrive", show=9)
    counts = {}
    for stage, (alive, dead) in stack.queues.items():
        expect(stack.depth(dead) == 0, f"{stage}: dead letters are left")
        found = collections.Counter(body for body, _ in stack.drain(alive))
        expect(set(found) == set(bodies[stage]), f"{stage}: {len(found)} of {len(bodies[stage])} letters arrived")
        counts[stage] = sum(found.values())
    twice = sum(counts.values()) - LETTERS
    expect(twice <= 1, f"{twice} letters were sent twice; one at most was under way")
    print(f"each of {LETTERS} letters is in its queue, unchanged; {twice} twice; no dead letter is left")

    alive, dead = stack.queues["analyzer"]
    stack.send(dead, ["hello", fixture("processing_complete", 0)])
    gristmill(stack, "redrive", "--stage", "analyzer", code=1)
    expect((stack.depth(alive), stack.depth(dead)) == (1, 1), "the letter that nobody understands was not left")
    gristmill(stack, "redrive", "--all")
    expect((stack.depth(alive), stack.depth(dead)) == (2, 0), "it was not moved with --all")
    stack.drain(alive)


def busiest(times, seconds=1.0):
    """The most messages within so many seconds."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def scene_backfill(stack):
    """1,000 objects that nobody was told of; a backfill is killed half-way and started again."""
    alive = stack.queues["processor"][0]
    keys = [f"input/orders/{n:04}.csv" for n in range(OBJECTS)]
    for key in keys:
        stack.put(key)
    gristmill(stack, "backfill", "--prefix", "input/orders/", "--dry-run", show=4)
    expect(stack.depth(alive) == 0, "a dry run announced files")
    gristmill(stack, "backfill", "--prefix", "input/orders/", "--rate", str(SLOW), "--max", str(3 * SLOW), show=5)
    slow = stack.drain(alive)
    pace = ["--rate", str(RATE), "--max-depth", "2000"]
    last = f"input/orders/{3 * SLOW - 1:04}.csv"
    shown = killed(stack, "backfill", "--prefix", "input/orders/", *pace, "--from", last, after=OBJECTS // 2)
    last = shown[-1].split()[1]
    first = stack.drain(alive)
    print(f"({len(first)} messages in the queue; the last line shows {last})")
    gristmill(stack, "backfill", "--prefix", "input/orders/", *pace, "--from", last, show=8)
    second = stack.drain(alive)
    announced = collections.Counter(json.loads(body)["detail"]["object"]["key"] for body, _ in slow + first + second)
    expect(set(announced) == set(keys), f"{len(announced)} of {OBJECTS} files were announced")
    twice = sum(announced.values()) - OBJECTS
    expect(twice <= 1, f"{twice} files were announced twice; one at most was under way")
    rates = []
    for messages, rate in ((slow, SLOW), (first, RATE), (second, RATE)):
        times = sorted(at for _, at in messages)
        rates.append((len(times) - 1) / (times[-1] - times[0]))
        # The emulator's times are those of its answers: a message may seem a little later than the one before it.
        expect(busiest(times) <= rate * 1.05 + 1, f"{busiest(times)} messages within a second, though {rate} is the most")
    told = "{:.1f} of {}, {:.1f} of {} and {:.1f} of {}".format(*(f for pair in zip(rates, (SLOW, RATE, RATE)) for f in pair))
    print(f"each of {OBJECTS} files was announced, {twice} twice; messages a second: {told} allowed")
    clear(stack, "input/orders/")


def clear(stack, prefix):
    """Removes objects with all their versions."""
    for page in stack.s3.get_paginator("list_object_versions").paginate(Bucket=stack.bucket, Prefix=prefix):
        gone = [{"Key": v["Key"], "VersionId": v["VersionId"]} for v in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        if gone:
            stack.s3.delete_objects(Bucket=stack.bucket, Delete={"Objects": gone})


def scene_replay(stack):
    """A file, a prefix, since a time; with and without --force."""
    alive = stack.queues["processor"][0]
    old = stack.put("input/sales/may.csv", b"sku,price\nA,5\n")["VersionId"]
    stack.put("input/sales/may.csv", b"sku,price\nA,6\n")
    stack.put("input/sales/odd name + \u00e4.csv")
    stack.put("input/sales/gone.csv")
    stack.s3.delete_object(Bucket=stack.bucket, Key="input/sales/gone.csv")
    stack.put("input/other/june.csv")

    def sent():
        return [json.loads(body)["detail"] for body, _ in stack.drain(alive)]

    gristmill(stack, "replay", "input/sales/may.csv")
    (detail,) = sent()
    tag = hashlib.md5(b"sku,price\nA,6\n", usedforsecurity=False).hexdigest()
    expect(detail["object"]["etag"] == tag and "nonce" not in detail, f"not the latest version: {detail}")
    gristmill(stack, "replay", "input/sales/may.csv", "--version-id", old)
    expect(sent()[0]["object"]["version-id"] == old, "not the version that was named")
    gristmill(stack, "replay", "--prefix", "input/sales/", "--dry-run")
    expect(sent() == [], "a dry run announced files")
    gristmill(stack, "replay", "--prefix", "input/sales/")
    expect([d["object"]["key"] for d in sent()] == ["input/sales/may.csv", "input/sales/odd name + \u00e4.csv"], "the prefix")
    time.sleep(1.1)
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    stack.put("input/other/july.csv")
    gristmill(stack, "replay", "--since", since)
    expect([d["object"]["key"] for d in sent()] == ["input/other/july.csv"], "since a time")
    gristmill(stack, "replay", "--since", "1h", "--prefix", "input/other/")
    expect(len(sent()) == 2, "since an hour ago")
    for _ in range(2):
        gristmill(stack, "replay", "input/sales/may.csv", "--force", "--nonce", "audit")
    expect([d["nonce"] for d in sent()] == ["audit", "audit"], "the nonce")
    gristmill(stack, "replay", "input/sales/may.csv", "--force")
    expect(sent()[0]["nonce"].startswith("replay-20"), "the nonce of the time")
    gristmill(stack, "replay", "processed/sales/may.csv", code=2)
    gristmill(stack, "replay", "input/sales/none.csv", code=2)
    gristmill(stack, "replay", "input/sales/gone.csv")
    expect(sent() == [], "something was announced that is not there")
    for number in range(10):
        stack.put(f"input/many/{number}.csv")
    lines = interrupted(stack, "replay", "--prefix", "input/many/", "--force", "--nonce", "many", after=4)
    announced = len(sent())
    expect(announced == len(lines) - 1 < 10 and "--nonce many" in lines[-1], f"Ctrl-C: {announced} were announced")
    print("the latest version, a named one, those below a prefix and since a time were announced, and nothing else")
    clear(stack, "input/")


def scene_status(stack):
    """A file that nobody has processed, the last runs and the queues."""
    alive, dead = stack.queues["notifier"]
    stack.put("input/sales/may.csv")
    gristmill(stack, "status", "input/sales/may.csv")
    gristmill(stack, "status")
    stack.send(dead, [fixture("analysis_complete", 1)])
    stack.send(alive, [fixture("analysis_complete", n) for n in range(3)])
    gristmill(stack, "status", code=1)
    told = [json.loads(line) for line in gristmill(stack, "status", "--json", code=1).stdout.splitlines()]
    queues = {line["stage"]: (line["queue"]["visible"], line["dead_letters"]["visible"]) for line in told if "stage" in line}
    expect(queues == {"processor": (0, 0), "analyzer": (0, 0), "notifier": (3, 1)}, f"the queues: {queues}")
    print("the queues are told as they are")
    stack.drain(alive)
    stack.drain(dead)
    clear(stack, "input/")


def scene_errors(stack):
    """What goes wrong is told with what to do."""
    env = stack.environment
    without_keys = {name: value for name, value in env.items() if not name.startswith("AWS_ACCESS") and not name.startswith("AWS_SECRET")}
    for words, arguments, environment, code in [
        ("which stack?", ["status"], {**env, "GRISTMILL_STACK": ""}, 2),
        ("which region?", ["status"], {n: v for n, v in env.items() if "REGION" not in n}, 2),
        ("there are no AWS credentials", ["status"], without_keys, 2),
        ("there is no queue of the stack", ["status", "--stack", "gristmill-prod"], env, 2),
        ("there is no queue of the stack", ["status"], {**env, "AWS_REGION": "eu-west-1"}, 2),
        ("there is no bucket", ["status", "--bucket", "elsewhere"], env, 2),
        ("nothing answers at", ["redrive"], {**env, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 3),
    ]:
        told = gristmill(stack, *arguments, code=code, environment=environment).stderr
        expect(words in told, f"it does not say {words!r}")
    print("each says what to do")


SCENES = {
    "redrive": scene_redrive,
    "backfill": scene_backfill,
    "replay": scene_replay,
    "status": scene_status,
    "errors": scene_errors,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(SCENES)}; all, if none is named")
    options = parser.parse_args()
    if unknown := set(options.scenes) - set(SCENES):
        parser.error(f"there is no scene {', '.join(sorted(unknown))}")
    program()
    begun = time.monotonic()
    with contextlib.ExitStack() as ends:
        stack = Stack(ends.enter_context(emulator.running(limit_seconds=300)))
        for name in options.scenes or SCENES:
            started = time.monotonic()
            print(f"\n== {name}: {SCENES[name].__doc__}")
            try:
                SCENES[name](stack)
            except Surprise as surprise:
                sys.exit(f"{name}: {surprise}")
            print(f"== {name}: {time.monotonic() - started:.0f} s")
    print(f"\nall good, {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
