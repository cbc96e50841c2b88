#!/usr/bin/env python3
"""Computes what Gristmill costs on AWS, from docs/prices.json, and keeps the tables of docs/COST.md.

    python3 scripts/cost.py                 prints the tables
    python3 scripts/cost.py --write         writes them into docs/COST.md, between its markers
    python3 scripts/cost.py --check         compares them with docs/COST.md

Every quantity is one of three kinds, and says which: measured by the project, counted in its code or its Terraform, or
assumed. Where a figure is uncertain the dearer one is taken, and no free tier is taken off.

Exit codes: 0 done, or equal; 1 docs/COST.md is not what the prices give; 2 wrong use.
"""

import argparse
import decimal
import json
import math
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRICES = ROOT / "docs" / "prices.json"
PAGE = ROOT / "docs" / "COST.md"

SIZES = [1_000, 100_000, 1_000_000, 10_000_000]
FILES_A_MONTH = [30, 3_000]

MB = 1_000_000
GB = 1_000_000_000
MIB = 1024 * 1024
SECONDS_A_MONTH = 365 * 24 * 60 * 60 / 12

# --- Measured: docs/BENCHMARKS.md says how, on two shared x86-64 cores ---------------------------------------------

# The benchmark's file: 11 columns, 5 % of the rows broken (`samples bench smartphone_sales 16MB`: 100,876 rows), and the
# sizes of what `gristmill split` makes of it, in bytes for each byte of the file.
BYTES_A_ROW = 16_000_013 / 100_876
PROCESSED = 23_933_646 / 16_000_013
REJECTED = 1_281_708 / 16_000_013
ERRORS = 593_367 / 16_000_013
# The processor between S3 and S3 over HTTPS, in CPU seconds: `cargo bench -p bench --bench s3_path -- 1GB --tls`, beside
# other work on the machine.
PROCESSOR_CPU_SECONDS_A_GB = 3.6
# `gristmill run` less `gristmill split` on 100 MB: 0.75 - 0.29 s.
ANALYZER_CPU_SECONDS_A_GB = 4.6
# The stored record of that file, as compact JSON: 34.2 kB, whatever the number of rows.
RECORD_BYTES = 34_198
# The request to the model for that record: facts 9.7 kB, instructions, form and questions 3.5 kB; at 3 characters a token.
INPUT_TOKENS = 4_500

# --- Counted in the code and in infrastructure/ --------------------------------------------------------------------

# infrastructure/variables.tf, `stages`.
MEMORY_MB = {"processor": 512, "analyzer": 512, "notifier": 256}
# crates/aws/src/s3/part.rs: the size of a part by its number.
PARTS = [(256, 5 * MIB), (1_024, 8 * MIB), (10_000, 12 * MIB)]
# File, contract, "is there a manifest" and "is there a note of this file" by the processor; manifest and processed file by the
# analyzer; manifest by the notifier, and the note that it finds in its place if it comes twice.
GETS = 4 + 2 + 2
# That there is no manifest and no note yet: S3 says so only to who may list, so the processor looks the keys up
# (docs/decisions/0024).
LISTS = 2
# In the ledger: which run the file became, by the processor, and that its mail is settled, by the notifier.
NOTES = 2
# One event of the processor and one of the analyzer, each below 8 KB.
EVENTS, EVENT_BYTES = 2, 4_000
# One message a stage, and SES's word on a mail, sent and delivered, which the notifier writes down.
MESSAGES = {"processor": 1, "analyzer": 1, "notifier": 1 + 2}
# Sent, received, deleted.
REQUESTS_A_MESSAGE = 3
# infrastructure/modules/stage/alarms.tf and alerts.tf: five alarms a stage with a metric each, "undelivered" with one for
# each of nine rules, "files in but no report out" with five, "files overlooked" and "mail trouble" with one each.
ALARM_METRICS = 3 * 5 + 9 + 5 + 2
# infrastructure/stages.tf: the rule `sweep`.
SWEEPS_A_MONTH = SECONDS_A_MONTH / (15 * 60)
# How far a sweep looks back. It lists the versions of the inputs, and the ledger of each day that it looks at: one page each,
# as long as there are no more than 1,000 of each.
SWEPT_DAYS = 14
SWEEP_LISTS = 1 + SWEPT_DAYS + 1
# With all extras of the retention: 365 days in the bucket and in the table.
RETENTION_MONTHS = 12

# --- Assumed -------------------------------------------------------------------------------------------------------

# A function's network, whatever its memory: 0.6 Gbit/s (github.com/sjakthol/aws-network-benchmark).
NETWORK_BYTES_A_SECOND = 75 * MB
# How much slower a processor of Lambda is than the one of the measurements.
SLOWER = 2.5
# Memory that comes with one processor (docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
MB_A_PROCESSOR = 1_769
START_SECONDS = 0.05
CALL_SECONDS = 0.05
# What the model takes for its answer, and what it writes.
MODEL_SECONDS = 10
OUTPUT_TOKENS = 1_500
# What is known of a mail, an item of its own: about 1 kB, taken to be a little more.
MAIL_BYTES = 1_100
# JSON lines of Lambda's and of the function's own.
LOG_BYTES_AN_INVOCATION = 2_500
# A data key for each message (sent, received), for the table and for each cold function: files come too seldom for what
# SQS and DynamoDB keep of them (an hour, five minutes).
KMS_REQUESTS = 2 * sum(MESSAGES.values()) + 2 + 3
# Lambda asks an empty queue with five pollers at a time, each for 20 s.
POLLS_A_MONTH = 3 * 5 * SECONDS_A_MONTH / 20
# One run of the pipeline. Actions are rounded up to minutes.
BUILD_MINUTES = 35
OTHER_BUILD_MINUTES = 3 * 4
SOURCE_MINUTES = 1


def requests_of(size):
    """PUT requests that an output of that many bytes takes: one, or begin, parts and complete."""
    if size <= PARTS[0][1]:
        return 1
    parts, left, first = 0, size, 0
    for last, part in PARTS:
        here = min(last - first, math.ceil(left / part))
        parts, left, first = parts + here, left - here * part, last
        if left <= 0:
            return parts + 2
    raise ValueError("an output of more than 10,000 parts")


def seconds(stage, cpu_seconds, moved, calls, waited=0.0):
    """The time of one invocation, as if nothing happened at the same time as something else."""
    share = MEMORY_MB[stage] / MB_A_PROCESSOR
    return START_SECONDS + cpu_seconds * SLOWER / share + moved / NETWORK_BYTES_A_SECOND + calls * CALL_SECONDS + waited


def times(rows, model=True):
    size = rows * BYTES_A_ROW
    outputs = size * (PROCESSED + REJECTED + ERRORS)
    processor = seconds("processor", size / GB * PROCESSOR_CPU_SECONDS_A_GB, size + outputs, calls=11)
    analyzer = seconds(
        "analyzer", size / GB * ANALYZER_CPU_SECONDS_A_GB, size * PROCESSED, calls=6, waited=MODEL_SECONDS if model else 0
    )
    return {"processor": processor, "analyzer": analyzer, "notifier": seconds("notifier", 0.02, 0, calls=9)}


def run(rows, architecture="arm64", model="nova_lite"):
    """What one file of that many rows uses: for each component, prices and how often each is paid."""
    size = rows * BYTES_A_ROW
    took = times(rows, model is not None)
    gb_seconds = sum(MEMORY_MB[stage] / 1024 * took[stage] for stage in took)
    # SES's word, written down.
    gb_seconds += (MESSAGES["notifier"] - 1) * MEMORY_MB["notifier"] / 1024 * (START_SECONDS + CALL_SECONDS)
    invocations = sum(MESSAGES.values())
    # The manifest and the notes besides.
    puts = sum(requests_of(size * share) for share in (PROCESSED, REJECTED, ERRORS)) + 1 + NOTES
    units, of_mail = math.ceil(RECORD_BYTES / 1024), math.ceil(MAIL_BYTES / 1024)
    return {
        "Lambda": [(f"lambda_gb_second_{architecture}", gb_seconds), ("lambda_request", invocations)],
        # The upload of the file is the first of them.
        "S3 requests": [("s3_put", puts + LISTS + (1 if size <= 8 * MIB else math.ceil(size / (8 * MIB)) + 2)), ("s3_get", GETS)],
        "events": [("eventbridge_custom_event", EVENTS), ("eventbridge_archive_gb", EVENTS * EVENT_BYTES / GB)],
        "queues": [("sqs_request", REQUESTS_A_MESSAGE * invocations)],
        # The analyzer claims an item that is small, stores the record and two entries of indexes. The notifier claims, begins
        # and ends on an item of its own, and so does each word of SES; it reads the record, and marks it and one entry as sent.
        "table": [
            ("dynamodb_write_unit", 1 + units + 2 + (3 + MESSAGES["notifier"] - 1) * of_mail + (units + 1) + 1),
            ("dynamodb_read_unit", math.ceil(RECORD_BYTES / 4096)),
        ],
        "logs": [("cloudwatch_logs_gb", invocations * LOG_BYTES_AN_INVOCATION / GB)],
        "KMS requests": [("kms_request", KMS_REQUESTS)],
        "mail": [("ses_mail", 1)],
        "model": [(f"bedrock_{model}_input_token", INPUT_TOKENS), (f"bedrock_{model}_output_token", OUTPUT_TOKENS)]
        if model
        else [],
    }


def storage(rows, files_a_month):
    """What a year of such files uses in a month, once the first are deleted as fast as new ones come."""
    size = rows * BYTES_A_ROW
    stored = size * (1 + PROCESSED + REJECTED + ERRORS) / GB * files_a_month
    records = RECORD_BYTES / GB * files_a_month * RETENTION_MONTHS
    # Below 128 KB an object is neither watched nor moved.
    objects = sum(size * share >= 128 * 1024 for share in (1, PROCESSED, REJECTED, ERRORS)) * files_a_month
    # 30 days in Standard; in Intelligent-Tiering 30 days as Standard, 60 as Infrequent Access, the rest as Archive Instant.
    standard, infrequent, archive = (2, 2, RETENTION_MONTHS - 4) if objects else (RETENTION_MONTHS, 0, 0)
    return [
        ("s3_gb_month_standard", stored * standard),
        ("s3_gb_month_infrequent", stored * infrequent),
        ("s3_gb_month_archive_instant", stored * archive),
        # Of all objects of a file: what is too small to be watched is moved by the lifecycle rule all the same, below 128 KB
        # not at all.
        ("s3_transition", objects),
        ("s3_object_month_monitored", objects * (RETENTION_MONTHS - 1)),
        ("dynamodb_gb_month", records),
        ("dynamodb_pitr_gb_month", records),
    ]


# What is paid for being there.
IDLE_STACK = {
    "the key": [("kms_key_month", 1)],
    f"alarms, which look at {ALARM_METRICS} metrics": [("cloudwatch_alarm_metric_month", ALARM_METRICS)],
    "the dashboard": [("cloudwatch_dashboard_month", 1)],
    "Lambda asking three empty queues": [("sqs_request", POLLS_A_MONTH)],
    "the sweep, each quarter of an hour": [
        ("s3_put", SWEEPS_A_MONTH * SWEEP_LISTS),
        (
            "lambda_gb_second_arm64",
            SWEEPS_A_MONTH * MEMORY_MB["processor"] / 1024 * seconds("processor", 0.02, 0, calls=SWEEP_LISTS),
        ),
        ("lambda_request", SWEEPS_A_MONTH),
        ("sqs_request", SWEEPS_A_MONTH * REQUESTS_A_MESSAGE),
        # A data key is asked for when a message is sent, and when it is received.
        ("kms_request", SWEEPS_A_MONTH * 2),
        # As if it were an event of ours; AWS's page names no price for a scheduled rule.
        ("eventbridge_custom_event", SWEEPS_A_MONTH),
        ("cloudwatch_logs_gb", SWEEPS_A_MONTH * LOG_BYTES_AN_INVOCATION / GB),
    ],
}
IDLE_PIPELINE = {"the key": [("kms_key_month", 1)], "an alarm": [("cloudwatch_alarm_metric_month", 1)]}
PIPELINE_RUN = {
    "CodePipeline": [("codepipeline_v2_minute", SOURCE_MINUTES + BUILD_MINUTES + OTHER_BUILD_MINUTES)],
    "CodeBuild": [
        ("codebuild_arm_large_minute", BUILD_MINUTES),
        ("codebuild_arm_small_minute", OTHER_BUILD_MINUTES),
    ],
}


def cost(prices, uses):
    """US dollars, exactly as the prices are, for quantities as exact as they are."""
    return sum(
        (decimal.Decimal(prices[name]["usd"]) * decimal.Decimal(repr(float(quantity))) for name, quantity in uses),
        decimal.Decimal(0),
    )


def dollars(value):
    """Two digits that count, and at least cents: $0.00042, $1.23, $1,234.57."""
    if value == 0:
        return "0"
    places = 2 if value >= decimal.Decimal("0.1") else 1 - value.adjusted()
    return f"${value:,.{places}f}"


def duration(value):
    return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def run_table(prices):
    runs = [run(rows) for rows in SIZES]
    lines = [[name, *(dollars(cost(prices, one[name])) for one in runs)] for name in runs[0]]
    totals = [sum((cost(prices, uses) for uses in one.values()), decimal.Decimal(0)) for one in runs]
    without = [sum((cost(prices, uses) for uses in run(rows, model=None).values()), decimal.Decimal(0)) for rows in SIZES]
    micro = [sum((cost(prices, uses) for uses in run(rows, model="nova_micro").values()), decimal.Decimal(0)) for rows in SIZES]
    lines.append(["**one file**", *(f"**{dollars(total)}**" for total in totals)])
    lines.append(["1,000 rows of it", *(dollars(total * 1000 / rows) for total, rows in zip(totals, SIZES))])
    lines.append(["one file, Nova Micro", *map(dollars, micro)])
    lines.append(["one file, model `off`", *map(dollars, without)])
    for stage in MEMORY_MB:
        lines.append([f"time of the {stage}", *(duration(times(rows)[stage]) for rows in SIZES)])
    return table(["rows of a file", *(f"{rows:,}" for rows in SIZES)], lines)


def month_table(prices):
    idle = sum((cost(prices, uses) for uses in IDLE_STACK.values()), decimal.Decimal(0))
    lines = []
    for files in FILES_A_MONTH:
        runs = [files * sum((cost(prices, uses) for uses in run(rows).values()), decimal.Decimal(0)) for rows in SIZES]
        kept = [cost(prices, storage(rows, files)) for rows in SIZES]
        lines.append([f"{files:,} files: runs", *map(dollars, runs)])
        lines.append([f"{files:,} files: what a year of them keeps", *map(dollars, kept)])
        lines.append([f"**{files:,} files, with the idle stack**", *(f"**{dollars(a + b + idle)}**" for a, b in zip(runs, kept))])
    return table(["rows of a file", *(f"{rows:,}" for rows in SIZES)], lines)


def idle_table(prices):
    lines = [[f"stack: {name}", dollars(cost(prices, uses))] for name, uses in IDLE_STACK.items()]
    lines.append(["**stack, a month**", f"**{dollars(sum(cost(prices, uses) for uses in IDLE_STACK.values()))}**"])
    lines += [[f"pipeline: {name}", dollars(cost(prices, uses))] for name, uses in IDLE_PIPELINE.items()]
    lines.append(["**pipeline, a month**", f"**{dollars(sum(cost(prices, uses) for uses in IDLE_PIPELINE.values()))}**"])
    lines += [[f"one run of the pipeline: {name}", dollars(cost(prices, uses))] for name, uses in PIPELINE_RUN.items()]
    lines.append(["**one run of the pipeline**", f"**{dollars(sum(cost(prices, uses) for uses in PIPELINE_RUN.values()))}**"])
    return table(["", "cost"], lines)


def price_table(prices):
    lines = ["| what | price | read at |", "|---|---|---|"]
    for price in prices.values():
        if price["first_hand"]:
            read = f"[AWS]({price['source']})"
        elif price["source"]:
            read = f"[a third party]({price['source']}); AWS: [page]({price['aws_page']})"
        else:
            read = f"no copy found; AWS: [page]({price['aws_page']})"
        lines.append(f"| {price['what']} | {price['quoted']} | {read} |")
    return "\n".join(lines)


def tables(prices):
    return {"run": run_table(prices), "month": month_table(prices), "idle": idle_table(prices), "prices": price_table(prices)}


def filled(text, found):
    """The page with its tables; each has its place between two markers."""
    for name, content in found.items():
        pattern = re.compile(rf"(<!-- cost: {name} -->\n)(?:(?!<!--).)*(<!-- cost: end -->)", re.DOTALL)
        text, times_replaced = pattern.subn(lambda match, content=content: f"{match[1]}{content}\n{match[2]}", text)
        if times_replaced != 1:
            sys.exit(f"docs/COST.md has {times_replaced} places for the table '{name}', not one")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--write", action="store_true")
    group.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    found = tables(json.loads(PRICES.read_text(encoding="utf-8"))["prices"])
    if not arguments.write and not arguments.check:
        print("\n\n".join(found.values()))
        return 0
    text = PAGE.read_text(encoding="utf-8")
    expected = filled(text, found)
    if arguments.write:
        PAGE.write_text(expected, encoding="utf-8")
    elif text != expected:
        print("docs/COST.md is not what docs/prices.json gives: python3 scripts/cost.py --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
