#!/usr/bin/env python3
"""Runs checkov over the Terraform roots, and looks at what was skipped.

    python3 scripts/lint_terraform.py                   every root
    python3 scripts/lint_terraform.py infrastructure    some of them

Modules are judged as their root calls them. Nothing may fail; nothing may be skipped but the ids of SKIPPED below, each
skip inline, beside its resource, and with its reason. Exit codes: 0 nothing failed; 1 something did; 2 wrong use.
"""

import argparse
import collections
import json
import shutil
import subprocess
import sys
import time

import checkout

ROOT = checkout.ROOT
ROOTS = ["infrastructure", "codepipeline"]
# All that may be skipped, over both roots together, and why.
SKIPPED = {
    "CKV_AWS_116": "a function's own dead-letter queue: its queue has one",
    "CKV_AWS_117": "functions outside a VPC: they call AWS services only",
    "CKV_AWS_144": "a bucket without a copy in another region",
    "CKV_AWS_145": "the data bucket under SSE-S3: an ETag is the same for the same bytes",
    "CKV_AWS_18": "access logs, where a variable names their bucket",
}
# The shortest reason that says anything.
REASON = 20
LIMIT_SECONDS = 300


def judged(root, source=ROOT):
    """What checkov says of a root: how many checks passed, which failed and which were skipped."""
    installed = checkout.installed("checkov") / "bin" / "checkov"
    # One of the right version that was there before is taken as it is.
    checkov = installed if installed.exists() else shutil.which("checkov")
    command = [checkov, "--directory", root, "--framework", "terraform", "--skip-download", "--compact"]
    # A file that only changes what stands in another one is no resource by itself.
    command += ["--skip-path", r"_override\.tf$", "--output", "json"]
    done = subprocess.run(
        [str(part) for part in command], cwd=source, capture_output=True, text=True, timeout=LIMIT_SECONDS
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(
            f"checkov ended with {done.returncode} and said: {(done.stdout + done.stderr)[-2000:]}"
        ) from None
    reports = [report for report in (found if isinstance(found, list) else [found]) if "results" in report]
    if not reports:
        raise RuntimeError(f"checkov found no Terraform in {root}")
    errors = [name for report in reports for name in report["results"].get("parsing_errors", [])]
    if errors:
        raise RuntimeError(f"checkov cannot read {', '.join(errors)}")
    results = [report["results"] for report in reports]
    return (
        sum(report["summary"]["passed"] for report in reports),
        [check for result in results for check in result["failed_checks"]],
        [check for result in results for check in result.get("skipped_checks", [])],
    )


def breaches(failed, skipped):
    """What is wrong with what checkov found."""
    for check in failed:
        yield f"{check['check_id']} {check['resource']} ({check['file_path']}): {check['check_name']}"
    for check in skipped:
        reason = (check["check_result"].get("suppress_comment") or "").strip()
        if check["check_id"] not in SKIPPED:
            yield f"{check['check_id']} {check['resource']} ({check['file_path']}) is skipped, and may not be"
        elif len(reason) < REASON:
            yield f"{check['check_id']} {check['resource']} ({check['file_path']}) is skipped without a reason"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("roots", nargs="*", metavar="root", help="which roots")
    options = parser.parse_args()
    bad, ids = 0, collections.Counter()
    for root in options.roots or ROOTS:
        if not list((ROOT / root).glob("*.tf")):
            parser.error(f"there is no Terraform in {root}/")
        started = time.monotonic()
        passed, failed, skipped = judged(root)
        for line in breaches(failed, skipped):
            print(f"  {line}")
            bad += 1
        ids.update(check["check_id"] for check in skipped)
        print(
            f"{root}: {passed} passed, {len(failed)} failed, {len(skipped)} skipped, {time.monotonic() - started:.0f} s",
            flush=True,
        )
    for name, count in sorted(ids.items()):
        print(f"  skipped {count} times: {name}, {SKIPPED.get(name, 'not allowed')}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
