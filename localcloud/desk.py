"""What is done with a local cloud that runs: a file is dropped and followed, and all there is to see is shown.

Both go by what AWS's own services say (S3, the table, the queues) and by what Lambda knows of its invocations. Times are
seconds since the drop.
"""

import datetime
import json
import pathlib
import time

# How a run ends, in the processor's word, when no report follows.
WITHOUT_A_MAIL = ("superseded", "source-gone", "ignored")
POLL_SECONDS = 0.05


class NotFinished(Exception):
    """A file of which nothing more came in the time allowed; says how far it was."""


def key_of(cloud, name, dataset):
    """Where a file is put: below the dataset that is named, or the one whose contract has the name of the file's stem."""
    stem = name.split(".")[0]
    if not dataset:
        listed = cloud.client("s3").list_objects_v2(Bucket=cloud.outputs["bucket"], Prefix=f"contracts/{stem}.json")
        if any(found["Key"] == f"contracts/{stem}.json" for found in listed.get("Contents", [])):
            dataset = stem
    return f"input/{dataset}/{name}" if dataset else f"input/{name}"


def drop(cloud, path, dataset=None, name=None, seconds=120):
    """Puts a file into the bucket, and waits until its mail is out and all is written down."""
    path = pathlib.Path(path)
    key = key_of(cloud, name or path.name, dataset)
    bucket, mark = cloud.outputs["bucket"], len(cloud.functions.invocations)
    follower = Follower(cloud, bucket, key, mark, time.monotonic() + seconds)
    with path.open("rb") as body:
        put = cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    follower.version, follower.put = put["VersionId"], cloud.clock()
    return {"file": str(path), **follower.follow()}


class Follower:
    """Follows one upload through the pipeline."""

    def __init__(self, cloud, bucket, key, mark, until):
        self.cloud, self.bucket, self.key, self.mark, self.until = cloud, bucket, key, mark, until
        # The entry of this upload is none of those that are there already, however many those are.
        self.entries = {entry: None for entry in ledger(cloud) if entry.endswith(".json")}
        self.dropped = cloud.clock()
        self.version = self.run_id = None

    def wait(self, what, found, pause=POLL_SECONDS):
        """Waits for something to be true, and gives it."""
        while not (value := found()):
            if time.monotonic() > self.until:
                raise NotFinished(f"{self.key}: waited in vain for {what}; see the logs and the dead-letter queues")
            time.sleep(pause)
        return value

    def invocations(self, function):
        return [one for one in self.cloud.functions.invocations[self.mark :] if one["function"] == function]

    def arrival(self):
        """The invocation that took the upload up, and what it said of it."""
        for done in self.invocations("processor"):
            of_it = any((one.get("key"), one.get("version_id")) == (self.key, self.version) for one in done["about"])
            if of_it and not done["failed_messages"]:
                for line in self.cloud.functions.said(done["request_id"], "processor"):
                    if line.get("message") == "message answered":
                        return done, line
        return None

    def of_run(self, function, detail_types):
        """The invocation in which a function did its work on the run. It is told of when it ends, shortly after its work."""

        def found():
            for done in self.invocations(function):
                told = [one for one in done["about"] if one.get("run_id") == self.run_id]
                if any(one.get("detail_type") in detail_types for one in told) and not done["failed_messages"]:
                    return done
            return None

        return self.wait(f"the {function} to end", found)

    def mail(self):
        return next((mail for mail in self.cloud.mails if mail["run_id"] == self.run_id), None)

    def settled(self):
        """The ledger's word that nothing is left to do for this upload."""
        keys = ledger(self.cloud)
        for key in sorted(keys):
            settled = key.removesuffix(".json") + ".settled"
            if key.endswith(".json") and settled in keys and self.source(key) == (self.key, self.version):
                return settled
        return None

    def source(self, entry):
        """The upload that an entry of the ledger is about; None for one that was there before."""
        if entry not in self.entries:
            source = json.loads(fetched(self.cloud, entry))["source"]
            self.entries[entry] = (source["key"], source.get("version_id"))
        return self.entries[entry]

    def follow(self):
        processor, line = self.wait("the processor to answer", self.arrival)
        outcome = line["outcome"]
        if outcome in WITHOUT_A_MAIL:
            return {**self.story(outcome), "stages": self.times([("processor", processor)])}
        self.run_id = line["correlation_id"]
        stages = [("processor", processor)]
        duplicate = outcome == "duplicate"
        if not duplicate:
            self.wait("its mail", self.mail)
        # Each look is a listing, which keeps the emulator from others meanwhile.
        self.wait("the ledger to say that its mail is settled", self.settled, pause=0.2)
        manifest = manifest_of(self.cloud, self.run_id)
        if not duplicate:
            if manifest["status"] == "completed":
                stages.append(("analyzer", self.of_run("analyzer", ["Processing Complete"])))
            stages.append(("notifier", self.of_run("notifier", ["Analysis Complete", "File Rejected"])))
        mail, record = self.mail(), record_of(self.cloud, self.run_id)
        return {
            **self.story(outcome),
            "duplicate": duplicate,
            "run_id": self.run_id,
            "dataset": manifest["dataset"],
            "status": manifest["status"],
            "code": manifest.get("code"),
            "reason": manifest.get("reason"),
            "rows": manifest["rows"],
            "outputs": outputs_of(manifest),
            "manifest": f"manifests/{self.run_id}.json",
            "ledger": self.settled(),
            "mail": mail and {name: mail[name] for name in ("subject", "to", "files", "message_id", "send_id")},
            "record": record and {name: record.get(name) for name in ("analysis_id", "narrator", "notification_sent")},
            "stages": self.times(stages, None if duplicate else mail, None if duplicate else record),
        }

    def story(self, outcome):
        return {"key": self.key, "version_id": self.version, "outcome": outcome, "seconds": self.since(self.cloud.clock())}

    def since(self, at):
        return round(at - self.dropped, 3)

    def times(self, stages, mail=None, record=None):
        """What happened when."""
        told = [{"at": self.since(self.put), "what": "S3 has the file"}]
        for name, done in stages:
            told.append({"at": self.since(done["sent"][0]), "what": f"event in the queue of the {name}"})
            cold = f", after a cold start of {done['init_ms']:.0f} ms" if done["init_ms"] is not None else ""
            told.append({"at": self.since(done["started"]), "what": f"{name} begins"})
            took = f"{done['seconds'] * 1000:.0f} ms"
            ends = done["started"] + done["seconds"]
            told.append({"at": self.since(ends), "what": f"{name} ends", "took": took + cold})
        if mail:
            told.append({"at": self.since(mail["at"]), "what": "SES has the mail"})
        if record and record.get("notification_timestamp"):
            # In nanoseconds, of which Python reads as many digits as make microseconds.
            marked = datetime.datetime.fromisoformat(record["notification_timestamp"][:26].rstrip("Z") + "+00:00")
            told.append({"at": self.since(marked.timestamp()), "what": "marked as sent, says the record"})
        return sorted(told, key=lambda one: one["at"])


def ledger(cloud):
    """The keys of the ledger."""
    pages = cloud.client("s3").get_paginator("list_objects_v2").paginate(Bucket=cloud.outputs["bucket"], Prefix="ledger/")
    return {found["Key"] for page in pages for found in page.get("Contents", [])}


def manifest_of(cloud, run_id):
    return json.loads(fetched(cloud, f"manifests/{run_id}.json"))


def outputs_of(manifest):
    return {name: {key: told[key] for key in ("key", "records", "bytes")} for name, told in manifest["outputs"].items()}


def plain(value):
    """A value of DynamoDB as JSON has it."""
    (kind, inner), *_ = value.items()
    if kind == "M":
        return {name: plain(one) for name, one in inner.items()}
    if kind == "L":
        return [plain(one) for one in inner]
    if kind == "N":
        return float(inner) if "." in inner or "e" in inner.lower() else int(inner)
    return None if kind == "NULL" else inner


def record_of(cloud, run_id):
    item = cloud.client("dynamodb").get_item(
        TableName=cloud.outputs["table"], Key={"run_id": {"S": run_id}}, ConsistentRead=True
    )
    return {name: plain(value) for name, value in item["Item"].items()} if "Item" in item else None


def records(cloud):
    """All records of analyses; the table has an item for each mail as well."""
    pages = cloud.client("dynamodb").get_paginator("scan").paginate(TableName=cloud.outputs["table"])
    items = [{name: plain(value) for name, value in item.items()} for page in pages for item in page["Items"]]
    return [item for item in items if "analysis_id" in item]


def queues(cloud):
    """Every queue with its depth, and its dead letters."""
    found = []
    for stage, url in cloud.outputs["queues"].items():
        for kind, address in (("queue", url), ("dead letters", cloud.outputs["dead_letter_queues"][stage])):
            told = cloud.client("sqs").get_queue_attributes(QueueUrl=address, AttributeNames=["All"])["Attributes"]
            found.append(
                {
                    "queue": address.rsplit("/", 1)[-1],
                    "kind": kind,
                    "waiting": int(told["ApproximateNumberOfMessages"]),
                    "at_work": int(told["ApproximateNumberOfMessagesNotVisible"]),
                }
            )
    return found


def functions(cloud):
    """What became of each function's invocations."""
    found = []
    for stage, at_work in cloud.functions.stages.items():
        done = [one for one in cloud.functions.invocations if one["function"] == stage]
        peaks = [one["max_memory_kb"] for one in done if one["max_memory_kb"]]
        took = sorted(one["seconds"] * 1000 for one in done)
        starts = sorted(one["init_ms"] for one in done if one["init_ms"] is not None)
        found.append(
            {
                "function": at_work.function.name,
                "stage": stage,
                "architecture": at_work.function.architecture,
                "invocations": len(done),
                "errors": sum(one["outcome"] != "ok" for one in done),
                "cold_starts": len(starts),
                "environments": sum(one.exit is None for one in at_work.environments),
                "memory_mb": at_work.function.memory_mb,
                "max_memory_mb": round(max(peaks) / 1024, 1) if peaks else None,
                "median_ms": round(took[len(took) // 2], 1) if took else None,
                "median_init_ms": round(starts[len(starts) // 2], 1) if starts else None,
                "log": str(cloud.functions.log(at_work.function)),
            }
        )
    return found


def errors(cloud):
    """The lines of level ERROR in the functions' logs."""
    found = []
    for at_work in cloud.functions.stages.values():
        log = cloud.functions.log(at_work.function)
        for line in log.read_text("utf-8", "replace").splitlines() if log.exists() else []:
            if '"level":"ERROR"' in line or "Task timed out" in line or "Runtime.ExitError" in line:
                found.append(f"{at_work.function.stage}: {line}")
    return found


def tail(path, lines):
    path = pathlib.Path(path)
    return path.read_text("utf-8", "replace").splitlines()[-lines:] if path.exists() else []


def look(cloud, what=None, lines=3):
    """All there is to see, or what there is about a key or a run."""
    mails = [
        {name: mail[name] for name in ("run_id", "subject", "to", "at", "files", "message_id")} for mail in cloud.mails
    ]
    names = ("run_id", "dataset", "source_file", "rows", "narrator", "notification_sent", "analysis_timestamp")
    kept = [{name: record.get(name) for name in names} for record in records(cloud)]
    told = {
        "bucket": cloud.outputs["bucket"],
        "mails": mails,
        "records": sorted(kept, key=lambda record: record["analysis_timestamp"] or ""),
        "queues": queues(cloud),
        "functions": functions(cloud),
        "errors": errors(cloud),
        "folder": str(cloud.folder),
    }
    for function in told["functions"]:
        function["last_lines"] = tail(function["log"], lines)
    return about(cloud, what, told) if what else told


def about(cloud, what, told):
    """The part of it that is about a key, or about a run by its number or the beginning of it."""
    entries = uploads(cloud)
    named = [e for e in entries if e["key"] == what or e["key"].endswith(f"/{what}") or e["run_id"].startswith(what)]
    runs = {entry["run_id"] for entry in named}
    lines = []
    for stage, at_work in cloud.functions.stages.items():
        for line in tail(cloud.functions.log(at_work.function), 100_000):
            if any(run in line for run in runs) or (f'"{what}"' in line):
                lines.append(f"{stage}: {line}")
    return {
        "asked": what,
        "uploads": [entry for entry in entries if entry["run_id"] in runs],
        "manifests": [summary(manifest_of(cloud, run)) for run in sorted(runs)],
        "mails": [mail for mail in told["mails"] if mail["run_id"] in runs],
        "records": [record for record in told["records"] if record["run_id"] in runs],
        "lines": lines,
        "folder": told["folder"],
    }


def summary(manifest):
    names = ("run_id", "dataset", "status", "code", "reason", "rows")
    return {name: manifest[name] for name in names if name in manifest} | {"outputs": outputs_of(manifest)}


def uploads(cloud):
    """The ledger: each upload, the run that it became, and whether its mail is settled."""
    keys, found = ledger(cloud), []
    for key in sorted(keys):
        if key.endswith(".json"):
            entry = json.loads(fetched(cloud, key))
            source = entry["source"]
            found.append(
                {
                    "key": source["key"],
                    "version_id": source.get("version_id"),
                    "run_id": entry["run_id"],
                    "settled": key.removesuffix(".json") + ".settled" in keys,
                    "entry": key,
                }
            )
    return found


def fetched(cloud, key):
    """The bytes of an object."""
    return cloud.client("s3").get_object(Bucket=cloud.outputs["bucket"], Key=key)["Body"].read()
