#!/usr/bin/env python3
"""Chaos over HTTP: the real functions on the local cloud, while their calls fail, they are killed, and messages come twice.

    python3 localcloud chaos                                            200 files, 2,000 faults, 50 kills
    python3 localcloud chaos --files 30 --faults 300 --kills 10

The files are those of the simulation (crates/simulation), and so are the rules by which the end is judged. What happens:

1. Files are dropped, overwritten, repeated and deleted, and contracts change, while calls go wrong (proxy.py), callers are
   killed, queue messages come twice, notifications and SES's words get lost or come late. At the end of it nobody may use
   the table for hours, so that the messages of the last files become dead letters.
2. Faults end. The queues drain, and the sweep has its turn. Judged: nothing is lost out of sight.
3. The dead letters are moved back. Judged: everything is finished, once.
4. Every message that there ever was is delivered once more. Judged: nothing has changed.

Time is moved on whenever nothing is left to do at this moment (clock.py). It ends with 1 when a rule is broken, and when
fewer things went wrong than were asked for.
"""

import argparse
import collections
import contextlib
import json
import math
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "scripts")]

import checkout  # noqa: E402
import clock as clocks  # noqa: E402
import planning  # noqa: E402
import proxy  # noqa: E402
import stack  # noqa: E402

STAGES = ("processor", "analyzer", "notifier")
# About so many calls a file makes without a fault, and so many kinds of calls there are.
CALLS_A_FILE = 55
KINDS_OF_CALLS = 28
# More would be no cloud any more, and SES is asked once only.
MOST_FAULTS = 0.3
# How much more is planned than was asked for: chance may be kind.
MARGIN = 1.25
# How often a message comes twice, a notification is lost, SES's word is lost, late, or later than the mail's grace.
TWICE, UNTOLD, UNHEARD, LATE, TOO_LATE = 0.06, 0.04, 0.04, 0.12, 0.01
MINUTE, HOUR = 60, 3600
# Files come faster than in the simulation, which drops two a second: there is a backlog at once.
PACE = 0.4
# How much later it is at least when nothing is left to do: what comes back within this comes back together.
STEP = 300
# How long the sweep, which comes every quarter of an hour, has its turn.
SWEEPS = 1.1 * HOUR
PATIENCE = 24 * HOUR
# The longest that a command may take that is started here.
COMMAND_SECONDS = 300


class Failed(Exception):
    """Something that this cannot go on from; says what."""


def parser():
    made = argparse.ArgumentParser(
        prog="localcloud chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--packages", type=pathlib.Path, help="folder with <function>/bootstrap.zip, instead of those that are built")
    made.add_argument("--files", type=int, default=200, help="files that are dropped (%(default)s)")
    made.add_argument("--faults", type=int, default=2000, help="faults of HTTP calls, at least (%(default)s)")
    made.add_argument("--kills", type=int, default=50, help="SIGKILLs, at least (%(default)s)")
    made.add_argument("--seed", type=int, default=1, help="where all chance comes from (%(default)s)")
    made.add_argument("--limit-seconds", type=int, default=1800, help="it gives up after so long (%(default)s)")
    made.add_argument("--folder", type=pathlib.Path, help="where logs and observations stay; otherwise they are removed")
    made.add_argument("--json", action="store_true", help="the report as JSON")
    made.add_argument(
        "--broken",
        choices=sorted(BROKEN),
        help="takes a mechanism away, to see the rules that break: " + "; ".join(f"{k}: {v}" for k, v in BROKEN.items()),
    )
    return made


BROKEN = {
    "acknowledge-first": "a message is deleted before the work, and no sweep comes",
    "overwriting": "If-None-Match is taken out of every request, and the bucket has no policy",
}


# What is done to the bucket ------------------------------------------------------------------------------------------


class Script:
    """The simulation's workload, done to a real bucket."""

    def __init__(self, cloud, clock, folder, seed):
        self.cloud = cloud
        self.clock = clock
        self.folder = folder
        self.acts = collections.deque(json.loads((folder / "workload.json").read_text()))
        self.chance = random.Random(f"{seed} notifications")
        self.began = clock()
        self.uploads = {}
        self.untold = 0
        self.bucket = cloud.outputs["bucket"]
        # The last so many files are held back.
        self.held_back = 0

    def drops_left(self):
        return sum(act["do"] == "drop" for act in self.acts)

    def is_held(self):
        """Whether only files are left that are held back."""
        return self.drops_left() <= self.held_back

    def next_due(self):
        if not self.acts or (self.held_back and self.is_held()):
            return None
        return self.began + PACE * self.acts[0]["at"]

    def act(self):
        """Does what is due."""
        while (due := self.next_due()) is not None and due <= self.clock():
            act = self.acts.popleft()
            getattr(self, act["do"])(act)

    def contract(self, act):
        body = (self.folder / act["file"]).read_bytes()
        self.cloud.client("s3").put_object(Bucket=self.bucket, Key=act["key"], Body=body)

    def drop(self, act):
        s3 = self.cloud.client("s3")
        body = (self.folder / act["file"]).read_bytes()
        with self.silence() if self.chance.random() < UNTOLD else contextlib.nullcontext():
            put = s3.put_object(Bucket=self.bucket, Key=act["key"], Body=body)
        named = {"Bucket": self.bucket, "Key": act["key"], "VersionId": put["VersionId"]}
        self.uploads[act["upload"]] = {
            "key": act["key"],
            "version_id": put["VersionId"],
            "etag": put["ETag"],
            "stored": s3.head_object(**named)["LastModified"].timestamp(),
            "file": str(self.folder / act["file"]),
            "kind": act["kind"],
            "deleted": False,
        }

    @contextlib.contextmanager
    def silence(self):
        """S3 tells nobody of what is stored meanwhile: a notification that is lost."""
        s3 = self.cloud.client("s3")
        kept = s3.get_bucket_notification_configuration(Bucket=self.bucket)
        kept.pop("ResponseMetadata")
        s3.put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration={})
        try:
            yield
        finally:
            s3.put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=kept)
        self.untold += 1

    def delete(self, act):
        upload = self.uploads[act["upload"]]
        upload["deleted"] = True
        named = {"Bucket": self.bucket, "Key": upload["key"], "VersionId": upload["version_id"]}
        self.cloud.client("s3").delete_object(**named)


# What happens to messages --------------------------------------------------------------------------------------------


class Taps:
    """Sees each message that a poller takes from its queue, and puts some into it again."""

    def __init__(self, cloud, clock, seed):
        self.cloud = cloud
        self.clock = clock
        self.chance = random.Random(f"{seed} messages")
        self.guard = threading.Lock()
        self.seen = {}
        self.back = {}
        self.twice = 0
        self.noted = 0
        self.calm = self.acknowledge_first = False
        self.visibility = {}
        for name, stage in cloud.functions.stages.items():
            told = cloud.client("sqs").get_queue_attributes(QueueUrl=stage.function.queue_url, AttributeNames=["All"])
            self.visibility[name] = int(told["Attributes"]["VisibilityTimeout"])
            stage.take = self.between(name, stage, stage.take)

    def between(self, name, stage, take):
        def taken():
            messages = take()
            for message in messages:
                self.see(name, stage, message)
                if self.acknowledge_first:
                    receipt = message["ReceiptHandle"]
                    self.cloud.client("sqs").delete_message(QueueUrl=stage.function.queue_url, ReceiptHandle=receipt)
            return messages

        return taken

    def see(self, name, stage, message):
        with self.guard:
            self.seen[name, message["Body"]] = None
            self.back[message["MessageId"]] = self.clock() + self.visibility[name]
            again = not self.calm and self.chance.random() < TWICE
            delay = self.chance.choice((0, 1, 30, 600))
            self.twice += again
        if again:
            self.cloud.client("sqs").send_message(
                QueueUrl=stage.function.queue_url, MessageBody=message["Body"], DelaySeconds=delay
            )

    def next_due(self):
        """When the next message may come back."""
        with self.guard:
            done = self.cloud.functions.invocations[self.noted :]
            self.noted += len(done)
            for one in done:
                for message_id in set(one["message_ids"]) - set(one["failed_messages"]):
                    self.back.pop(message_id, None)
            now = self.clock()
            self.back = {message_id: at for message_id, at in self.back.items() if at > now}
            return min(self.back.values(), default=None)


class Words:
    """What SES says of the mails, and what of it is lost or late."""

    def __init__(self, seed):
        self.seed = seed
        self.lost = self.late = self.too_late = 0
        self.calm = False

    def __call__(self, mail):
        chance = random.Random(f"{self.seed} {mail['run_id']} {mail['send_id']}")
        to = " ".join(mail["to"])
        second = "Email Bounced" if "bounce@" in to else "Email Rejected" if "virus@" in to else "Email Delivered"
        words, happens = [], 0.0
        for kind in ("Email Sent", second):
            happens += chance.uniform(0, 8)
            draw = 1.0 if self.calm else chance.random()
            if draw < UNHEARD:
                self.lost += 1
            elif draw < UNHEARD + TOO_LATE:
                self.too_late += 1
                words.append((kind, happens + chance.uniform(16 * MINUTE, HOUR)))
            elif draw < UNHEARD + TOO_LATE + LATE:
                self.late += 1
                words.append((kind, happens + chance.uniform(0, 10 * MINUTE)))
            else:
                # Now and then before the answer to the call.
                words.append((kind, 0 if draw > 0.9 else happens))
        return words


def refuse(call):
    """SES takes no mail for whom it knows to be bad."""
    if call.operation == "SendEmail" and b'"refused@' in call.asked.body:
        return proxy.said(call, 400, "MessageRejected", "Email address is not verified.")
    return None


# The run -------------------------------------------------------------------------------------------------------------


class Run:
    """One run from its beginning to its end."""

    def __init__(self, options, cloud, clock, plan, log, proxies, words, work):
        self.options = options
        self.cloud = cloud
        self.clock = clock
        self.plan = plan
        self.log = log
        self.proxies = proxies
        self.words = words
        self.work = work
        self.script = Script(cloud, clock, work / "workload", options.seed)
        self.taps = Taps(cloud, clock, options.seed)
        self.observer = Observer(self)
        if options.broken == "acknowledge-first":
            self.taps.acknowledge_first = True
            cloud.schedule.rules.clear()
        elif options.broken == "overwriting":
            cloud.client("s3").delete_bucket_policy(Bucket=cloud.outputs["bucket"])
        self.began = time.monotonic()
        self.phases = {}
        self.verdicts = {}

    def left(self):
        return self.options.limit_seconds - (time.monotonic() - self.began)

    def say(self, line):
        virtual = self.clock.moved() / HOUR
        print(f"{time.monotonic() - self.began:6.0f} s, {virtual:5.1f} h on: {line}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def phase(self, name):
        started = time.monotonic()
        yield
        self.phases[name] = round(time.monotonic() - started, 1)
        faults, kills = sum(self.log.faults.values()), sum(self.log.kills.values())
        self.say(f"{name}: {self.phases[name]} s; {faults} faults and {kills} kills so far")

    # Time.

    def depth(self, kinds=("", "NotVisible", "Delayed")):
        """How many messages the queues hold."""
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        queues = self.cloud.client("sqs")
        total = 0
        for url in self.cloud.outputs["queues"].values():
            told = queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            total += sum(int(told[name]) for name in names)
        return total

    def is_idle(self):
        """Whether nothing is left to do at this moment."""
        due = self.cloud.next_due()
        return (
            not self.cloud.functions.busy()
            and not any(one.ghosts for one in self.proxies.values())
            and (due is None or due > self.clock())
            and self.depth([""]) == 0
            # A poller may have taken a message meanwhile.
            and not self.cloud.functions.busy()
        )

    def rest(self):
        """Waits until nothing is left to do at this moment."""
        while True:
            if self.left() < 0:
                raise Failed(f"not finished within {self.options.limit_seconds} s")
            self.script.act()
            if self.is_idle():
                return
            time.sleep(0.05)

    def move_on(self):
        """Makes it the time of the next thing that happens."""
        dues = (self.script.next_due(), self.cloud.next_due(), self.taps.next_due())
        next_due = min((due for due in dues if due is not None), default=self.clock())
        # What is dropped keeps its pace; what waits in queues is let come in company.
        least = 0 if next_due == self.script.next_due() else STEP
        self.clock.move_on(max(next_due - self.clock(), least) + 0.1)

    def until(self, done, patience=PATIENCE):
        """Lets time pass until something is so, or patience ends."""
        until = self.clock() + patience
        while True:
            self.rest()
            if done() or self.clock() > until:
                return
            self.move_on()

    # The parts.

    def enough(self):
        return sum(self.log.faults.values()) >= self.options.faults and sum(self.log.kills.values()) >= self.options.kills

    def is_quiet(self):
        """Whether nothing is under way, the last words of SES included."""
        return self.depth() == 0 and self.cloud.ses.next_due() is None

    def is_through(self):
        """Whether nothing is under way, and nothing is still to be dropped."""
        return not self.script.acts and self.is_quiet()

    def go(self):
        with self.phase("faults"):
            few = self.script.held_back = max(2, self.options.files // 10)
            self.until(lambda: self.script.is_held() and self.depth() <= few)
            self.script.held_back = 0
            self.deny()
            self.until(lambda: not self.script.acts and (self.enough() or self.is_through()))
        self.plan.stop()
        self.taps.calm = self.words.calm = True
        with self.phase("drain"):
            self.until(self.is_through)
            enough = self.clock() + SWEEPS
            self.until(lambda: self.clock() > enough and self.is_through())
        self.verdicts["before"] = self.judge("before")
        self.dead_before = self.dead_letters()
        with self.phase("redrive"):
            self.redrive()
            self.until(self.is_through)
        self.verdicts["after"] = self.judge("after")
        self.dead_after = self.dead_letters()
        with self.phase("replay"):
            self.replay()
            self.until(self.is_through)
        self.verdicts["replay"] = self.judge("replay", "after")

    def deny(self):
        """Nobody may use the table until messages of the last files are dead letters: a mistake in a role's policy."""
        self.plan.denied = "dynamodb"
        began, before = self.clock(), self.dead_letters()
        self.until(lambda: self.is_through() or not self.script.acts and self.dead_letters() > before)
        self.plan.denied = None
        hours = (self.clock() - began) / HOUR
        self.say(f"nobody could use the table for {hours:.1f} h; {self.dead_letters()} dead letters")

    def dead_letters(self):
        queues, total = self.cloud.client("sqs"), 0
        for url in self.cloud.outputs["dead_letter_queues"].values():
            told = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            total += int(told["ApproximateNumberOfMessages"]) + int(told["ApproximateNumberOfMessagesNotVisible"])
        return total

    def redrive(self):
        """Moves every dead letter back, by the operator's own command."""
        environment = {
            **os.environ,
            **self.cloud.emulator.environment,
            **self.clock.environment,
            "GRISTMILL_S3_PATH_STYLE": "true",
        }
        stack = self.cloud.outputs["table"].removesuffix("-analyses")
        command = [program("gristmill"), "redrive", "--stack", stack, "--json"]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS
        )
        (self.work / "redrive.jsonl").write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            raise Failed(f"gristmill redrive ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")

    def replay(self):
        """Sends every message that was ever taken from a queue once more."""
        queues = self.cloud.client("sqs")
        for stage, body in list(self.taps.seen):
            queues.send_message(QueueUrl=self.cloud.outputs["queues"][stage], MessageBody=body)
        self.replayed = len(self.taps.seen)

    def judge(self, what, before=None):
        """Observes, and has the observation judged."""
        folder = self.observer.observe(what)
        folders = [self.observer.folder / before, folder] if before else [folder]
        command = [program("judge"), what, *folders]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMMAND_SECONDS)
        if done.returncode not in (0, 1):
            raise Failed(f"judge {what} ended with {done.returncode}: {done.stderr}")
        told = json.loads(done.stdout)
        self.say(f"judged {what}: {len(told['violations'])} violations, {len(told['waiting'])} uploads not finished")
        return told


class Observer:
    """Writes down what there is, for the judge (crates/simulation, `observed`)."""

    def __init__(self, run):
        self.run = run
        self.cloud = run.cloud
        self.folder = run.work / "observed"
        self.known = {}

    def objects(self):
        s3, bucket = self.cloud.client("s3"), self.cloud.outputs["bucket"]
        found = []
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found += page.get("Versions", [])
        # S3 lists the newest first.
        for version in sorted(reversed(found), key=lambda version: version["Key"]):
            place = version["Key"], version["VersionId"]
            if place not in self.known:
                file = self.folder / "objects" / f"{len(self.known):06}"
                file.parent.mkdir(parents=True, exist_ok=True)
                got = s3.get_object(Bucket=bucket, Key=place[0], VersionId=place[1])
                file.write_bytes(got["Body"].read())
                self.known[place] = str(file)
            yield {
                "key": place[0],
                "version_id": place[1],
                "etag": version["ETag"],
                "modified": version["LastModified"].timestamp(),
                "file": self.known[place],
            }

    def items(self):
        pages = self.cloud.client("dynamodb").get_paginator("scan")
        listed = pages.paginate(TableName=self.cloud.outputs["table"], ConsistentRead=True)
        return [item for page in listed for item in page["Items"]]

    def queue(self, stage):
        queues = self.cloud.client("sqs")
        names = ["", "NotVisible", "Delayed"]
        names = [f"ApproximateNumberOfMessages{name}" for name in names]
        url = self.cloud.outputs["queues"][stage]
        told = queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        dead, letters = self.cloud.outputs["dead_letter_queues"][stage], []
        while got := queues.receive_message(QueueUrl=dead, MaxNumberOfMessages=10, VisibilityTimeout=900).get("Messages"):
            letters += got
        for letter in letters:
            queues.change_message_visibility(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"], VisibilityTimeout=0)
        return {
            "messages": sum(int(told[name]) for name in names),
            "at_work": self.cloud.functions.stages[stage].busy(),
            "dead": [letter["Body"] for letter in letters],
        }

    def observe(self, name):
        folder = self.folder / name
        folder.mkdir(parents=True)
        recipients = self.cloud.functions.stages["notifier"].function.variables.get("GRISTMILL_RECIPIENTS", "")
        mails = [{name: mail[name] for name in ("run_id", "send_id", "message_id", "at")} for mail in self.cloud.mails]
        calls = [{name: call[name] for name in ("at", "status", "asked", "answered")} for call in self.run.log.effects]
        seen = {
            "at": self.run.clock(),
            "bucket": self.cloud.outputs["bucket"],
            "default_recipients": [name for name in recipients.split(",") if name],
            "objects": list(self.objects()),
            "items": self.items(),
            "mails": mails,
            "queues": {stage: self.queue(stage) for stage in STAGES},
            "uploads": [upload for _, upload in sorted(self.run.script.uploads.items())],
            "calls": calls,
        }
        (folder / "observed.json").write_text(json.dumps(seen))
        return folder


# The report ----------------------------------------------------------------------------------------------------------


def report(run, wall_seconds):
    """What happened, in numbers."""
    log, invocations = run.log, run.cloud.functions.invocations
    violations = collections.Counter()
    for when, verdict in run.verdicts.items():
        for violation in verdict["violations"]:
            violations[f"{when}: {violation['rule']}"] += violation["count"]
    functions = {}
    for stage in STAGES:
        of = [one for one in invocations if one["function"] == stage]
        functions[stage] = {
            "invocations": len(of),
            "failed": sum(one["outcome"] != "ok" or bool(one["failed_messages"]) for one in of),
            "cold_starts": sum(one["init_ms"] is not None for one in of),
            "max_memory_mb": round(max((one["max_memory_kb"] or 0 for one in of), default=0) / 1024, 1),
        }
    kinds, points = collections.Counter(), collections.Counter()
    for (kind, _), count in log.faults.items():
        kinds[kind] += count
    for (point, name), count in log.kills.items():
        points[f"{point}, {name}"] += count
    figures = run.verdicts["after"]["figures"]
    return {
        "seed": run.options.seed,
        "files": len(run.script.uploads),
        "runs": figures["runs"],
        "mails": figures["mails"],
        "second_mails_nobody_could_prevent": figures["second_mails"],
        "calls": sum(log.calls.values()),
        "faults": sum(log.faults.values()),
        "faults_by_kind": dict(sorted(kinds.items())),
        "faults_by_call": dict(sorted(by_call(log.faults).items())),
        "calls_by_call": dict(sorted(log.calls.items())),
        "kills": sum(log.kills.values()),
        "kills_by_point": dict(sorted(points.items())),
        "calls_denied": log.denied,
        "messages_twice": run.taps.twice,
        "notifications_lost": run.script.untold,
        "words_lost": run.words.lost,
        "words_late": run.words.late,
        "words_later_than_the_grace": run.words.too_late,
        "functions": functions,
        "dead_letters": run.dead_before,
        "dead_letters_after_redrive": run.dead_after,
        "messages_replayed": run.replayed,
        "violations": sum(violations.values()),
        "violations_by_rule": dict(sorted(violations.items())),
        "first_violations": [
            f"{when}: {one['rule']}: {one['what'][:400]}"
            for when, verdict in run.verdicts.items()
            for one in verdict["violations"][:5]
        ],
        "seconds": run.phases,
        "wall_seconds": round(wall_seconds, 1),
        "virtual_hours": round(run.clock.moved() / HOUR, 1),
    }


def by_call(faults):
    counted = collections.Counter()
    for (_, name), count in faults.items():
        counted[name] += count
    return counted


def table(told):
    """The report for people."""
    lines = []

    def line(name, value, indent=0):
        lines.append(f"{'  ' * indent}{name:<{44 - 2 * indent}}{value:>10}")

    for name, value in told.items():
        name = name.replace("_", " ")
        if name == "first violations":
            lines += [f"  {one}" for one in value]
        elif isinstance(value, dict):
            lines.append(name)
            for key, inner in value.items():
                if isinstance(inner, dict):
                    inner = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in inner.items())
                    lines.append(f"  {key}: {inner}")
                else:
                    line(key, inner, 1)
        else:
            line(name, value)
    return "\n".join(lines)


# Putting it together -------------------------------------------------------------------------------------------------


def program(name):
    """A program of this project, as `build` leaves it."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    return target / "debug" / name


def build():
    """Builds the programs that write the workload, judge the end, and move dead letters back."""
    if not shutil.which("cargo"):
        raise Failed("cargo is needed, to build what writes the files and what judges: https://rustup.rs")
    # As for the tests, so that what was built for them is built already.
    command = ["cargo", "build", "--locked", "--quiet", "--workspace", "--all-features"]
    bins = [word for name in ("workload", "judge", "gristmill") for word in ("--bin", name)]
    if subprocess.run([*command, *bins], cwd=ROOT, check=False).returncode != 0:
        raise Failed("what writes the files and what judges could not be built")


def usable(packages):
    """The packages to run: those that are named, or the project's, or those that `localcloud up` has built. Terraform is found
    where scripts/deploy/tools.sh puts it."""
    os.environ["PATH"] += os.pathsep + str(checkout.tools() / "bin")
    if not shutil.which("terraform"):
        raise Failed("Terraform is needed: bash scripts/deploy/tools.sh terraform")
    wrong = None
    built = (ROOT / "target" / "lambda", checkout.tools().parent / "localcloud" / "packages")
    for folder in [packages] if packages else built:
        try:
            stack.architecture(folder)
            return folder.resolve()
        except stack.Unusable as error:
            wrong = error
    raise Failed(f"{wrong}; python3 localcloud up builds packages, and --packages names others")


def planned(options):
    """How often calls go wrong and callers are killed, so that as much happens as was asked for."""
    rate = MARGIN * options.faults / (options.files * CALLS_A_FILE)
    kills = MARGIN * options.kills / (KINDS_OF_CALLS * math.log((options.files + 3) / 3))
    return proxy.Plan(options.seed, min(rate, MOST_FAULTS), kills)


def chaos(options, work):
    """Runs, and gives the report."""
    import cloud as clouds

    build()
    command = [program("workload"), "--files", str(options.files), "--seed", str(options.seed)]
    command += ["--samples", ROOT, work / "workload"]
    subprocess.run(command, check=True, timeout=60)
    plan, words, proxies = planned(options), Words(options.seed), {}
    print(f"{plan.rate:.1%} of calls go wrong", file=sys.stderr)
    with contextlib.ExitStack() as opened:
        clock = opened.enter_context(clocks.Clock(work))
        log = proxy.Log(opened.enter_context(open(work / "calls.jsonl", "w", encoding="utf-8")), clock)
        cloud = None

        def kill(key):
            return cloud.functions.kill(key)

        def front(name, url):
            strip = ("if-none-match",) if options.broken == "overwriting" else ()
            made = proxy.Proxy(name, url, plan, log, kill=kill, instead=refuse if name == "ses" else None, strip=strip)
            proxies[name] = opened.enter_context(made)
            return made.url

        cloud = clouds.Cloud(
            options.packages,
            work / "cloud",
            clock=clock,
            environment=clock.environment,
            front=front,
            feedback=words,
            limit_seconds=options.limit_seconds + 300,
        )
        opened.enter_context(cloud)
        run = Run(options, cloud, clock, plan, log, proxies, words, work)
        run.go()
        return report(run, time.monotonic() - run.began)


def main(arguments=None):
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser().parse_args(arguments)
    try:
        options.packages = usable(options.packages)
    except Failed as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    # Whoever called this: the rest is run by the Python that has what the emulator needs.
    sys.argv = [str(HERE / "chaos.py"), *arguments]
    checkout.enter("moto")
    with contextlib.ExitStack() as opened:
        if options.folder:
            options.folder.mkdir(parents=True, exist_ok=True)
        work = options.folder or pathlib.Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="gristmill-chaos-")))
        try:
            told = chaos(options, work.resolve())
        except (Failed, planning.Failed, clocks.NoCompiler) as error:
            print(f"chaos: {error}", file=sys.stderr)
            return 3
    print(json.dumps(told, indent=1) if options.json else table(told))
    short = [name for name in ("faults", "kills") if told[name] < getattr(options, name)]
    for name in short:
        print(f"chaos: {told[name]} {name}, and {getattr(options, name)} were asked for", file=sys.stderr)
    return 1 if short or told["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
