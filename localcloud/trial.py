"""The local cloud once, from up to down, with everything checked: `python3 localcloud try`.

Three files are dropped: a good one, one that is refused, and the good one again. What came of them is held against the file
itself, its contract and what samples/README.md says of it, and not only against what the cloud says.
"""

import contextlib
import csv
import email
import email.policy
import io
import json
import pathlib
import re
import shutil
import sys
import tempfile
import time
import traceback

import cloud as clouds
import daemon
import desk
import stack
import telling

SAMPLES = clouds.ROOT / "samples"
GOOD, REFUSED = "smartphone_sales.csv", "missing_column.csv"
DATASET = "smartphone_sales"


class Checks:
    """What was found right, and what was not."""

    def __init__(self):
        self.held, self.broken = 0, []

    def same(self, what, found, wanted):
        if found == wanted:
            self.held += 1
        else:
            self.broken.append(f"{what}: {found!r}, not {wanted!r}")

    def true(self, what, found):
        self.same(what, bool(found), True)


def expected(name):
    """What samples/README.md says of a sample: its valid and rejected records, or the code of its refusal."""
    for line in (SAMPLES / "README.md").read_text(encoding="utf-8").splitlines():
        if re.match(rf"\| `{re.escape(name)}`", line):
            *_, valid, rejected = [cell.strip() for cell in line.strip("| ").split("|")]
            if valid.isdigit():
                return {"valid": int(valid), "rejected": int(rejected)}
            code = re.findall(r"\| `([a-z-]+)` \|", line)
            return {"code": code[-1]}
    raise LookupError(f"samples/README.md says nothing of {name}")


def table(text):
    """A file's header and records, each as the list of its cells: a rejected one may have too many, or too few."""
    header, *records = csv.reader(io.StringIO(text, newline=""))
    return header, records


def check_rows(checks, cloud, told):
    """Every record of the file is in one of the two outputs, once, as it was."""
    columns, dropped = table((SAMPLES / GOOD).read_text(encoding="utf-8"))
    wanted = expected(GOOD)
    checks.same("rows of the file", told["rows"], {"total": len(dropped), **wanted})
    seen = []
    for name, counted in (("processed", "valid"), ("rejected", "rejected")):
        output = told["outputs"][name]
        header, found = table(desk.fetched(cloud, output["key"]).decode())
        checks.same(f"columns of {name}", header[: len(columns)], columns)
        checks.same(f"records of {name}", len(found), wanted[counted])
        checks.same(f"records of {name} in the manifest", output["records"], len(found))
        added = len(header) - len(columns)
        numbers = [int(row[header.index("source_row") - len(header)]) for row in found]
        changed = [number for number, row in zip(numbers, found) if row[:-added] != dropped[number - 1]]
        checks.same(f"records of {name} that are not what was dropped", changed, [])
        seen += numbers
        if name == "rejected":
            checks.same("the last column of the rejected", header[-1], "rejection_reasons")
            checks.true("a reason for each rejected row", all(row[-1] for row in found))
    checks.same("each row in one output, once", sorted(seen), list(range(1, len(dropped) + 1)))


def check_manifest(checks, cloud, told):
    """The outputs are those that the manifest names: their sizes, checksums and numbers of records."""
    manifest = desk.manifest_of(cloud, told["run_id"])
    checks.same("outputs in the manifest", sorted(manifest["outputs"]), ["errors", "processed", "rejected"])
    for name, output in manifest["outputs"].items():
        named = {"Bucket": cloud.outputs["bucket"], "Key": output["key"]}
        head = cloud.client("s3").head_object(**named, ChecksumMode="ENABLED")
        body = desk.fetched(cloud, output["key"])
        checks.same(f"bytes of {name}", (len(body), head["ContentLength"]), (output["bytes"], output["bytes"]))
        checks.same(f"checksum of {name}", head.get("ChecksumCRC64NVME"), output["checksum"])
        checks.same(f"records of {name}", len(table(body.decode())[1]), output["records"])
    counted = sum(one["count"] for one in manifest["violations"])
    checks.same("violations by kind", counted, manifest["outputs"]["errors"]["records"])
    checks.same("the upload in the manifest", manifest["source"]["version_id"], told["version_id"])


def check_versions(checks, cloud):
    """Outputs, manifests and the ledger are written once."""
    for prefix in ("processed/", "rejected/", "manifests/", "ledger/"):
        pages = cloud.client("s3").get_paginator("list_object_versions")
        listed = pages.paginate(Bucket=cloud.outputs["bucket"], Prefix=prefix)
        found = [one["Key"] for page in listed for one in page.get("Versions", [])]
        checks.true(f"something below {prefix}", found)
        checks.same(f"one version of each key below {prefix}", len(found), len(set(found)))


def check_good(checks, cloud, told):
    contract = json.loads((clouds.ROOT / "contracts" / f"{DATASET}.json").read_text(encoding="utf-8"))
    checks.same("outcome of the good file", (told["outcome"], told["status"]), ("completed", "completed"))
    check_rows(checks, cloud, told)
    check_manifest(checks, cloud, told)
    mails = [mail for mail in cloud.mails if mail["run_id"] == told["run_id"]]
    checks.same("mails of the good file", len(mails), 1)
    mail = mails[0]
    checks.same("recipients of the report", mail["to"], contract["gristmill"]["routing"]["results"])
    checks.true("the report's text has the count", f"{told['rows']['valid']:,} of {told['rows']['total']:,} rows" in mail["text"])
    kept = email.message_from_bytes(pathlib.Path(mail["files"]["eml"]).read_bytes(), policy=email.policy.default)
    parts = [part.get_content_type() for part in kept.walk()]
    checks.same("parts of the mail", parts, ["multipart/alternative", "text/plain", "text/html"])
    checks.same("subject of the mail that was kept", kept["Subject"], mail["subject"])
    record = desk.record_of(cloud, told["run_id"]) or {}
    checks.same("the record is marked as sent", record.get("notification_sent"), True)
    checks.same("rows in the record", record.get("rows"), told["rows"])
    # The stub's sentences rest on the facts, so the analyzer's check lets them all pass.
    checks.same("who wrote the words", (record.get("narrator"), record.get("narrator_reason")), ("bedrock", None))
    first = record.get("facts", [{}])[0]
    checks.same("the first fact", (first.get("kind"), int(first.get("value", -1))), ("row_count", told["rows"]["valid"]))
    checks.true("the ledger says that it is settled", told["ledger"])


def check_refused(checks, cloud, told):
    contract = json.loads((clouds.ROOT / "contracts" / f"{DATASET}.json").read_text(encoding="utf-8"))
    checks.same("outcome of the refused file", (told["outcome"], told["code"]), ("rejected", expected(REFUSED)["code"]))
    mails = [mail for mail in cloud.mails if mail["run_id"] == told["run_id"]]
    checks.same("mails of the refused file", len(mails), 1)
    checks.same("who is told of the refusal", mails[0]["to"], contract["gristmill"]["routing"]["problems"])
    checks.true("the refusal's reason is in the mail", told["reason"].split(";")[0][:40] in mails[0]["text"])
    checks.same("outputs of the refused file", told["outputs"], {})
    checks.same("record of the refused file", told["record"], None)
    checks.true("the ledger says that it is settled", told["ledger"])


def check_duplicate(checks, cloud, told, first):
    checks.same("outcome of the duplicate", (told["outcome"], told["run_id"]), ("duplicate", first["run_id"]))
    checks.true("a version of its own", told["version_id"] != first["version_id"])
    checks.true("an entry of its own in the ledger", told["ledger"] and told["ledger"] != first["ledger"])


def quiet(cloud, seconds=20):
    """Waits until SES has said all, the queues are empty and nobody is at work."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        depth = sum(one["waiting"] + one["at_work"] for one in desk.queues(cloud) if one["kind"] == "queue")
        if not depth and not cloud.functions.busy() and cloud.ses.next_due() is None:
            return True
        time.sleep(0.1)
    return False


def sweep(checks, cloud):
    """What the schedule would do in a quarter of an hour, now: it finds nothing to do."""
    mark = len(cloud.functions.invocations)
    checks.same("scheduled rules", [rule["every"] for rule in cloud.schedule.rules], [900])
    for rule in cloud.schedule.rules:
        cloud.schedule.send(rule["name"])
    checks.true("quiet after the sweep", quiet(cloud))
    done = [one["request_id"] for one in cloud.functions.invocations[mark:]]
    lines = [line for request_id in done for line in cloud.functions.said(request_id, "processor")]
    swept = [line for line in lines if line.get("outcome") == "swept"]
    checks.same("sweeps", len(swept), 1)
    counted = [line for line in lines if line.get("message") == "swept"]
    found = [(line["versions"], line["overlooked"], line["stuck"]) for line in counted]
    checks.same("versions that the sweep saw, overlooked, stuck", found, [(3, 0, 0)])


def check_all(checks, cloud, told):
    checks.true("all is quiet in the end", quiet(cloud))
    sweep(checks, cloud)
    checks.same("mails in all", len(cloud.mails), 2)
    checks.same("mails that the emulator's SES has sent", cloud.client("ses").get_send_quota()["SentLast24Hours"], 2)
    heard = [about for done in cloud.functions.invocations for about in done["about"]]
    for kind in ("Email Sent", "Email Delivered"):
        of_it = [about for about in heard if about.get("detail_type") == kind]
        checks.same(f"mails of which the notifier heard {kind!r}", len(of_it), 2)
    told["queues"] = desk.queues(cloud)
    for one in told["queues"]:
        checks.same(f"messages in {one['queue']}", one["waiting"] + one["at_work"], 0)
    told["functions"] = desk.functions(cloud)
    for one in told["functions"]:
        checks.true(f"{one['function']} was invoked", one["invocations"])
        checks.same(f"errors of {one['function']}", one["errors"], 0)
        checks.true(f"{one['function']} stays within its memory", (one["max_memory_mb"] or 1e9) < one["memory_mb"])
    for line in desk.errors(cloud):
        checks.broken.append(f"an error in the log of {line}")
    troubles = desk.tail(cloud.folder / "logs" / "local-cloud.log", 20)
    checks.same("troubles of the local cloud itself", troubles, [])
    check_versions(checks, cloud)


def say(line):
    print(line, file=sys.stderr, flush=True)


def play(checks, packages, folder):
    """The whole of it; returns the figures."""
    started = time.monotonic()
    told = {"architecture": stack.architecture(packages), "packages": {}}
    for name in ("processor", "analyzer", "notifier"):
        told["packages"][name] = (pathlib.Path(packages) / name / "bootstrap.zip").stat().st_size
    with clouds.Cloud(packages, folder, progress=say) as cloud:
        told["up_seconds"] = round(time.monotonic() - started, 1)
        drops = {
            "good": (GOOD, None),
            "refused": (REFUSED, DATASET),
            "duplicate": (GOOD, None),
        }
        for what, (name, dataset) in drops.items():
            told[what] = desk.drop(cloud, SAMPLES / name, dataset)
            told[what]["file"] = f"samples/{name}"
            say(telling.dropped(told[what]))
        check_good(checks, cloud, told["good"])
        check_refused(checks, cloud, told["refused"])
        check_duplicate(checks, cloud, told["duplicate"], told["good"])
        check_all(checks, cloud, told)
        say(telling.functions(told["functions"]))
    checks.same("processes that are left", list(daemon.left(None, folder)), [])
    told["seconds"] = round(time.monotonic() - started, 1)
    return told


def run(packages, options):
    checks = Checks()
    with contextlib.ExitStack() as opened:
        folder = options.keep
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder = pathlib.Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="localcloud-")))
        told = {}
        try:
            told = play(checks, packages, folder)
        except Exception as error:
            traceback.print_exc()
            checks.broken.append(f"it broke off: {error!r}")
            # The emulator's own log says which request came, and not what went wrong.
            for log in sorted(set((folder / "logs").glob("*.log")) - {folder / "logs" / "emulator.log"}):
                say(f"-- the end of {log.name}")
                say("\n".join(desk.tail(log, 15)))
        told |= {"checks": checks.held + len(checks.broken), "broken": checks.broken}
        for line in checks.broken:
            say(f"NOT RIGHT: {line}")
        took, start = told.get("seconds", "?"), told.get("up_seconds", "?")
        say(f"{checks.held} of {told['checks']} checks held; {took} s, of which {start} s to start")
        if options.json:
            print(json.dumps(told, indent=1))
    return 1 if checks.broken else 0
