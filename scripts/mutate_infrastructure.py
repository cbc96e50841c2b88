#!/usr/bin/env python3
"""Takes one guarantee at a time out of the Terraform, and asks the checks whether they notice.

    python3 scripts/mutate_infrastructure.py                      all of them; writes docs/INFRASTRUCTURE-TESTS.md
    python3 scripts/mutate_infrastructure.py --only versions tls  those whose name holds one of the words; writes nothing
    python3 scripts/mutate_infrastructure.py --list

Each change is made in a copy, and the checks look at it, the quickest first, until one goes red: a plan and the rules of
plan_rules.py over it, `terraform test` of the module, checkov, `terraform test` of the root. A change that none
notices is a guarantee that nothing holds. Before, all checks must be green on the unchanged copy. By hand: it takes about
half an hour. Exit codes: 0 all noticed; 1 one survived; 2 wrong use.
"""

import argparse
import collections
import pathlib
import re
import shutil
import sys
import tempfile
import time

import emulator
import lint_terraform
import plan_rules
import planning

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "INFRASTRUCTURE-TESTS.md"
STAGE = "infrastructure/modules/stage"


class Stale(Exception):
    """A change that does not fit the files any more."""


def once(text, part):
    if text.count(part) < 1:
        raise Stale(f"not found: {part}")
    return text.index(part)


def change(old, new):
    """Replaces the first place of a text."""

    def made(text):
        once(text, old)
        return text.replace(old, new, 1)

    return made


def end_of_block(text, start):
    """Where the line ends on which everything that is opened from `start` on is closed again."""
    depth, at = 0, start
    while at < len(text):
        depth += text[at] in "{[("
        depth -= text[at] in "}])"
        if text[at] == "\n" and depth <= 0:
            return at + 1
        at += 1
    return at


def cut(first):
    """Takes out an attribute or a block, by the text on its first line."""

    def made(text):
        start = text.rfind("\n", 0, once(text, first)) + 1
        return text[:start] + text[end_of_block(text, start) :]

    return made


def cut_around(inside):
    """Takes out the innermost pair of braces around a text, such as a statement by its Sid."""

    def made(text):
        depth, at = 0, once(text, inside)
        while at and depth >= 0:
            at -= 1
            depth += text[at] == "}"
            depth -= text[at] == "{"
        start = text.rfind("\n", 0, at) + 1
        return text[:start] + text[end_of_block(text, start) :]

    return made


def within(first, made_inside):
    """Makes a change inside of one block, by the text on its first line."""

    def made(text):
        start = text.rfind("\n", 0, once(text, first)) + 1
        end = end_of_block(text, start)
        return text[:start] + made_inside(text[start:end]) + text[end:]

    return made


def append(more):
    return lambda text: text + more


# What is taken away, in which file, and how.
MUTATIONS = [
    # Events and queues.
    ("a target's dead-letter queue", f"{STAGE}/rules.tf", cut("dead_letter_config {")),
    ("a target's retry policy", f"{STAGE}/rules.tf", cut("retry_policy {")),
    ("a queue's redrive policy", f"{STAGE}/queue.tf", cut("redrive_policy = jsonencode")),
    ("three deliveries at least", "infrastructure/stages.tf", change("max_receive_count = 6", "max_receive_count = 2")),
    (
        "dead letters are kept longer",
        f"{STAGE}/queue.tf",
        change("message_retention_seconds         = 14 *", "message_retention_seconds         = 4 *"),
    ),
    (
        "who may use a dead-letter queue",
        f"{STAGE}/queue.tf",
        change('redrivePermission = "byQueue"', 'redrivePermission = "allowAll"'),
    ),
    ("six times the timeout", f"{STAGE}/queue.tf", change("= 6 * var.sizes", "= 5 * var.sizes")),
    ("failures by message", f"{STAGE}/function.tf", cut("function_response_types")),
    (
        "maximum concurrency",
        f"{STAGE}/function.tf",
        change(
            "maximum_concurrency = var.sizes.maximum_concurrency",
            "maximum_concurrency = var.sizes.maximum_concurrency + 1",
        ),
    ),
    (
        "a queue takes from its own rules",
        f"{STAGE}/queue.tf",
        cut('Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arns } }'),
    ),
    (
        "a queue takes from each of its rules",
        f"{STAGE}/locals.tf",
        change("for rule in values(var.rules) :", "for rule in slice(values(var.rules), 0, 1) :"),
    ),
    (
        "only files below input/ begin a run",
        "infrastructure/stages.tf",
        change('[{ prefix = "input/" }]', '[{ prefix = "" }]'),
    ),
    ("the bucket tells EventBridge", "infrastructure/bucket.tf", change("eventbridge = true", "eventbridge = false")),
    ("the bus's policy", "infrastructure/bus.tf", cut('resource "aws_cloudwatch_event_bus_policy" "this"')),
    (
        "who may publish",
        "infrastructure/bus.tf",
        change("local.arns.roles.analyzer]", "local.arns.roles.analyzer, local.arns.roles.notifier]"),
    ),
    (
        "functions are fed by queues only",
        "infrastructure/stages.tf",
        append(
            '\nresource "aws_lambda_permission" "direct" {\n  statement_id  = "direct"\n  action        = "lambda:InvokeFunction"\n  function_name = module.processor.function_name\n  principal     = "s3.amazonaws.com"\n  source_account = local.account\n}\n'
        ),
    ),
    ("the sweep", "infrastructure/stages.tf", cut("    sweep = {")),
    (
        "the sweep comes often enough",
        "infrastructure/stages.tf",
        change('schedule    = "rate(15 minutes)"', 'schedule    = "rate(1 day)"'),
    ),
    (
        "the sweep is told what it is",
        "infrastructure/stages.tf",
        change('detail-type = "Sweep Due"', 'detail-type = "Sweep"'),
    ),
    (
        "the sweep is told its bucket",
        "infrastructure/stages.tf",
        change("detail      = { schema = 1, bucket = local.names.bucket }", "detail      = { schema = 1 }"),
    ),
    (
        "a schedule is on the default bus",
        "infrastructure/stages.tf",
        within("    sweep = {", change('bus         = "default"', "bus         = aws_cloudwatch_event_bus.this.name")),
    ),
    ("a schedule sends something", f"{STAGE}/rules.tf", cut("  input = each.value.input")),
    ("a schedule is a schedule", f"{STAGE}/rules.tf", cut("  schedule_expression = each.value.schedule")),
    ("a sweep goes on where it was cut", "infrastructure/stages.tf", cut("    sweep_continued = {")),
    (
        "overlooked files are heard of",
        "infrastructure/stages.tf",
        change('detail-type = ["File Overlooked"]', 'detail-type = ["File Lost"]'),
    ),
    (
        "overlooked files are counted by themselves",
        "infrastructure/stages.tf",
        change('detail-type = ["File Overlooked"]', 'detail-type = ["File Overlooked", "Sweep Due"]'),
    ),
    (
        "SES's word reaches the notifier",
        "infrastructure/stages.tf",
        change('"Email Sent", "Email Delivered", "Email Delivery Delayed"', '"Email Delivered", "Email Delivery Delayed"'),
    ),
    (
        "SES's word on the stack's own mails alone",
        "infrastructure/stages.tf",
        within("    mail_feedback = {", cut("detail      = local.mails_of_ours")),
    ),
    # Functions.
    (
        "a function waits for its log group",
        f"{STAGE}/function.tf",
        change("depends_on = [aws_cloudwatch_log_group.this, ", "depends_on = ["),
    ),
    ("a function waits for its permissions", f"{STAGE}/function.tf", change(", aws_iam_role_policy.key]", "]")),
    ("a log's retention", f"{STAGE}/function.tf", cut("retention_in_days = var.log_retention_days")),
    ("a log's key", f"{STAGE}/function.tf", cut("kms_key_id        = var.key_arn")),
    (
        "a log's name",
        f"{STAGE}/locals.tf",
        change('"/aws/lambda/${var.function_name}"', '"/lambda/${var.function_name}"'),
    ),
    ("an environment variable", "infrastructure/stages.tf", cut("GRISTMILL_RETENTION_DAYS = tostring")),
    (
        "an environment variable that nothing reads",
        "infrastructure/stages.tf",
        change(
            "      GRISTMILL_TABLE          = local.names.table\n",
            '      GRISTMILL_TABLE          = local.names.table\n      GRISTMILL_DEBUG          = "1"\n',
        ),
    ),
    # Alarms.
    ("an alarm for errors", f"{STAGE}/alarms.tf", cut("    errors = {")),
    ("an alarm for throttles", f"{STAGE}/alarms.tf", cut("    throttles = {")),
    ("an alarm for the duration, in milliseconds", f"{STAGE}/alarms.tf", change("800 * var.sizes", "0.8 * var.sizes")),
    ("an alarm for a message's age", f"{STAGE}/alarms.tf", cut("    age = {")),
    ("an alarm for dead letters", f"{STAGE}/alarms.tf", cut("    dead-letters = {")),
    (
        "an alarm for events that are lost",
        f"{STAGE}/alarms.tf",
        change('"InvocationsFailedToBeSentToDlq"', '"Invocations"'),
    ),
    (
        "files in, but no report out",
        "infrastructure/alerts.tf",
        cut('resource "aws_cloudwatch_metric_alarm" "no_report"'),
    ),
    (
        "SES's word is no report",
        "infrastructure/alerts.tf",
        cut("feedback    = { namespace"),
    ),
    ("an alarm for overlooked files", "infrastructure/alerts.tf", cut("    files-overlooked = {")),
    ("an alarm for mails that do not arrive", "infrastructure/alerts.tf", cut("    mail-trouble = {")),
    (
        "an alarm looks at the bus of its rule",
        "infrastructure/alerts.tf",
        change("{ EventBusName = local.names.bus, RuleName = local.names.rules.file_overlooked }", "{ RuleName = local.names.rules.file_overlooked }"),
    ),
    (
        "an alarm tells somebody",
        f"{STAGE}/alarms.tf",
        change("alarm_actions      = [var.alerts_topic_arn]", "alarm_actions      = []"),
    ),
    ("the topic lets alarms in", "infrastructure/alerts.tf", cut_around('Sid       = "OwnAlarmsTell"')),
    # Permissions.
    (
        "a detail type's condition",
        "infrastructure/stages.tf",
        cut('"events:detail-type" = ["Processing Complete", "File Rejected", "File Overlooked", "Sweep Due"]'),
    ),
    (
        "the sender's condition",
        "infrastructure/stages.tf",
        change('StringEquals = { "ses:FromAddress" = [var.sender] }', ""),
    ),
    ("a listing's condition", "infrastructure/stages.tf", cut('conditions = { StringLike = { "s3:prefix"')),
    (
        "a listing of versions' condition",
        "infrastructure/stages.tf",
        cut('conditions = { StringLike = { "s3:prefix" = ["input/", "input/*"] } }'),
    ),
    (
        "versions of inputs alone",
        "infrastructure/stages.tf",
        change('"s3:prefix" = ["input/", "input/*"]', '"s3:prefix" = ["input/", "input/*", "contracts/*"]'),
    ),
    ("the notifier notes settled mails", "infrastructure/stages.tf", cut_around('sid       = "NoteSettledMails"')),
    (
        "the notifier writes no outputs",
        "infrastructure/stages.tf",
        change(
            'actions   = ["s3:GetObject"]\n      resources = ["${local.arns.bucket}/manifests/*"]\n    },\n    {\n      # That',
            'actions   = ["s3:GetObject", "s3:PutObject"]\n      resources = ["${local.arns.bucket}/manifests/*"]\n    },\n    {\n      # That',
        ),
    ),
    (
        "a key's condition",
        f"{STAGE}/iam.tf",
        change(
            '"kms:ViaService" = ["sqs.${var.place.region}.amazonaws.com"]', '"aws:RequestedRegion" = [var.place.region]'
        ),
    ),
    (
        "a permission more",
        "infrastructure/stages.tf",
        change(
            '["s3:PutObject", "s3:AbortMultipartUpload"]',
            '["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"]',
        ),
    ),
    (
        "a permission more on the table",
        "infrastructure/stages.tf",
        change(
            '["dynamodb:GetItem", "dynamodb:UpdateItem"]',
            '["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Scan"]',
        ),
    ),
    ("an action by its name", f"{STAGE}/iam.tf", change('"logs:CreateLogStream", "logs:PutLogEvents"', '"logs:*"')),
    ("a resource by its name", f"{STAGE}/iam.tf", change("resources  = [local.queue_arn]", 'resources  = ["*"]')),
    (
        "a statement of its own",
        f"{STAGE}/iam.tf",
        change('sid        = "ConsumeOwnQueue"', 'sid        = "WriteOwnLog"'),
    ),
    (
        "no managed policy",
        f"{STAGE}/iam.tf",
        append(
            '\nresource "aws_iam_role_policy_attachment" "more" {\n  role       = aws_iam_role.this.name\n  policy_arn = "arn:${var.place.partition}:iam::aws:policy/AmazonS3FullAccess"\n}\n'
        ),
    ),
    (
        "who takes a role",
        f"{STAGE}/iam.tf",
        change('Principal = { Service = "lambda.amazonaws.com" }', 'Principal = { AWS = "*" }'),
    ),
    ("a role's boundary", f"{STAGE}/iam.tf", cut("permissions_boundary = var.permissions_boundary_arn")),
    # Storage, transport and keys.
    ("TLS: the bucket's policy", "infrastructure/bucket.tf", cut_around('Sid       = "TlsOnly"')),
    ("TLS: a queue's policy", f"{STAGE}/queue.tf", cut("merge(local.tls_only, { Resource = local.queue_arn })")),
    (
        "TLS: a dead-letter queue's policy",
        f"{STAGE}/queue.tf",
        cut("merge(local.tls_only, { Resource = local.dead_arn })"),
    ),
    ("TLS: the topic's policy", "infrastructure/alerts.tf", cut_around('Sid       = "TlsOnly"')),
    ("TLS: mail", "infrastructure/mail.tf", change('"REQUIRE"', '"OPTIONAL"')),
    ("outputs are written once", "infrastructure/bucket.tf", cut_around('Sid       = "OutputsAndLedgerAreWrittenOnce"')),
    (
        "notes are written once",
        "infrastructure/bucket.tf",
        change("for prefix in concat(local.output_prefixes, [local.ledger_prefix]) : ", "for prefix in local.output_prefixes : "),
    ),
    (
        "notes are the processor's and the notifier's",
        "infrastructure/bucket.tf",
        cut_around('Sid       = "OnlyProcessorAndNotifierWriteTheLedger"'),
    ),
    (
        "no note by the analyzer",
        "infrastructure/bucket.tf",
        change(
            "concat([local.arns.roles.processor, local.arns.roles.notifier], var.output_administrators)",
            "concat([local.arns.roles.processor, local.arns.roles.notifier, local.arns.roles.analyzer], var.output_administrators)",
        ),
    ),
    (
        "the notifier may note",
        "infrastructure/bucket.tf",
        change("concat([local.arns.roles.processor, local.arns.roles.notifier], ", "concat([local.arns.roles.processor], "),
    ),
    (
        "no output by the notifier",
        "infrastructure/bucket.tf",
        change("concat([local.arns.roles.processor], ", "concat([local.arns.roles.processor, local.arns.roles.notifier], "),
    ),
    (
        "notes are kept for as long as the sweep looks back",
        "infrastructure/bucket.tf",
        change("days = var.retention_days", 'days = rule.value == "ledger/" ? 14 : var.retention_days'),
    ),
    (
        "notes expire",
        "infrastructure/bucket.tf",
        change('concat(["input/"], local.output_prefixes, [local.ledger_prefix])', 'concat(["input/"], local.output_prefixes)'),
    ),
    ("the condition of writing once", "infrastructure/bucket.tf", cut('Null = { "s3:if-none-match" = "true" }')),
    (
        "outputs are the processor's",
        "infrastructure/bucket.tf",
        cut_around('Sid       = "OnlyTheProcessorWritesOutputs"'),
    ),
    ("versions", "infrastructure/bucket.tf", change('status = "Enabled"\n  }\n}', 'status = "Suspended"\n  }\n}')),
    (
        "no public access",
        "infrastructure/bucket.tf",
        change("restrict_public_buckets = true", "restrict_public_buckets = false"),
    ),
    (
        "contracts do not expire",
        "infrastructure/bucket.tf",
        within('id     = "keep-contracts"', lambda line: line + "\n    expiration {\n      days = 365\n    }\n"),
    ),
    ("earlier versions expire", "infrastructure/bucket.tf", cut("noncurrent_version_expiration {")),
    (
        "uploads that were cut off go",
        "infrastructure/bucket.tf",
        change("days_after_initiation = 7", "days_after_initiation = 0"),
    ),
    (
        "restoring the table",
        "infrastructure/table.tf",
        within("point_in_time_recovery {", change("enabled = true", "enabled = false")),
    ),
    (
        "the table's protection from deletion",
        "infrastructure/table.tf",
        change("deletion_protection_enabled = var.deletion_protection", "deletion_protection_enabled = false"),
    ),
    ("the table forgets", "infrastructure/table.tf", change('attribute_name = "ttl"', 'attribute_name = "expires"')),
    ("the table's key", "infrastructure/table.tf", cut("server_side_encryption {")),
    (
        "an index",
        "infrastructure/table.tf",
        change('name            = "by-correlation-id"', 'name            = "by-correlation"'),
    ),
    ("the key lets events in", "infrastructure/kms.tf", cut_around('Sid       = "EventsReachEncryptedQueues"')),
    (
        "the key lets alarms in",
        "infrastructure/kms.tf",
        change('["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]', '["budgets.amazonaws.com"]'),
    ),
    (
        "the key is this account's",
        "infrastructure/kms.tf",
        change('          StringEquals = { "aws:SourceAccount" = local.account }\n', ""),
    ),
    (
        "the key rotates",
        "infrastructure/kms.tf",
        change("enable_key_rotation     = true", "enable_key_rotation     = false"),
    ),
    ("the topic's key", "infrastructure/alerts.tf", cut("kms_master_key_id = aws_kms_key.this.arn")),
    (
        "SES tells of bounces",
        "infrastructure/mail.tf",
        change('"BOUNCE", "COMPLAINT", "REJECT"', '"COMPLAINT", "REJECT"'),
    ),
    (
        "an unsettled mail is treated in one of two ways",
        "infrastructure/variables.tf",
        change('contains(["resend", "park"], var.unsettled_mail)', "length(var.unsettled_mail) > 0"),
    ),
    (
        "the notifier is told how to treat an unsettled mail",
        "infrastructure/stages.tf",
        cut("GRISTMILL_UNSETTLED_MAIL "),
    ),
    # The whole.
    (
        "another's bucket is left alone",
        "infrastructure/bucket.tf",
        within(
            'resource "aws_s3_bucket_policy" "this"',
            change(
                "count = local.own_bucket ? 1 : 0\n\n  bucket = aws_s3_bucket.this[0].id",
                "count = 1\n\n  bucket = local.names.bucket",
            ),
        ),
    ),
    (
        "no account in the files",
        "infrastructure/locals.tf",
        change("account   = data.aws_caller_identity.current.account_id", 'account   = "111122223333"'),
    ),
    # The pipeline.
    ("builds are not privileged", "codepipeline/steps.tf", change("privileged_mode = false", "privileged_mode = true")),
    (
        "roles are made with the boundary",
        "codepipeline/role_apply.tf",
        cut('Condition = { StringEquals = { "iam:PermissionsBoundary" = local.arns.boundary } }'),
    ),
    (
        "roles are given to Lambda only",
        "codepipeline/role_apply.tf",
        cut('Condition = { StringEquals = { "iam:PassedToService" = "lambda.amazonaws.com" } }'),
    ),
    ("the boundary covers the ledger", "codepipeline/boundary.tf", change('["processed", "rejected", "manifests", "ledger"]', '["processed", "rejected", "manifests"]')),
    (
        "the boundary bounds the sweep",
        "codepipeline/boundary.tf",
        cut('Condition = { StringLike = { "s3:prefix" = ["input/", "input/*"] } }'),
    ),
    (
        "a build's permissions have names",
        "codepipeline/roles.tf",
        change('Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]', 'Action   = ["logs:*"]'),
    ),
    (
        "states have versions",
        "codepipeline/buckets.tf",
        change('status = "Enabled"\n  }\n}', 'status = "Suspended"\n  }\n}'),
    ),
    ("TLS: states and artifacts", "codepipeline/buckets.tf", cut_around('Sid       = "TlsOnly"')),
    (
        "only the plan's role reads",
        "codepipeline/roles.tf",
        change("plan  = concat(local.read_the_state,", "plan  = concat(local.change_the_stack, local.read_the_state,"),
    ),
]


# By the beginning of a changed file's name, the file of tests that looks at it most.
TESTS = {
    "codepipeline/role": "permissions.tftest.hcl",
    "codepipeline/boundary": "boundary.tftest.hcl",
    "codepipeline/buckets": "storage.tftest.hcl",
    "infrastructure/stages": "permissions.tftest.hcl",
    "infrastructure/bucket": "existing_bucket.tftest.hcl",
    "infrastructure/alerts": "alerts.tftest.hcl",
    "infrastructure/variables": "validations.tftest.hcl",
}


class Bench:
    """A copy of the roots, in which one change after the other is looked at."""

    def __init__(self, folder, root, aws):
        self.root = root
        self.copy = planning.Copy(folder, root, aws.environment)
        self.copy.init()
        self.stage = None
        if root == "infrastructure":
            self.stage = planning.Copy.__new__(planning.Copy)
            self.stage.folder, self.stage.environment = self.copy.folder, self.copy.environment
            self.stage.root = self.copy.folder / STAGE
            self.stage.init()

    def restore(self):
        for name in planning.COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, self.copy.folder / name, ignore=planning.LEFT_OUT, dirs_exist_ok=True)

    def checks(self, path):
        """What goes red, the quickest check first: each check's kind, and what it says where it is red."""
        yield "rules", self.rules
        if path.startswith(STAGE):
            yield "terraform test (stage)", lambda: self.tests(self.stage)
        # The file of tests that is about this one, where its name tells; all of them come last.
        for start, file in TESTS.items():
            if path.startswith(start):
                yield f"terraform test ({self.root})", lambda file=file: self.tests(self.copy, f"-filter=tests/{file}")
        yield "checkov", self.checkov
        yield f"terraform test ({self.root})", lambda: self.tests(self.copy)

    def rules(self):
        values = planning.values(self.root, "prod")
        try:
            self.copy.terraform("plan", "-no-color", "-refresh=false", *values, "-out=mutant.tfplan", limit=120)
        except planning.Failed as failed:
            # A variable's validation, or Terraform itself.
            return f"no plan: {first_error(str(failed))}"
        wrong, _ = plan_rules.broken(self.copy.shown("mutant.tfplan"), self.root, self.copy.root)
        return f"rule {wrong[0]}" if wrong else None

    def checkov(self):
        _, failed, skipped = lint_terraform.judged(self.root, self.copy.folder)
        return next(iter(lint_terraform.breaches(failed, skipped)), None)

    def tests(self, copy, *which):
        code, output, _ = copy.terraform("test", "-no-color", *which, limit=600, ok=(0, 1))
        if not code:
            return None
        failed = re.search(r'(?s)\n\s*run "([^"]+)"\.\.\. fail', output)
        return f"{failed[1]}: {first_error(output)}" if failed else first_error(output)


def first_error(output):
    """The first error that Terraform tells, in one line."""
    lines = [line.strip(" │╷╵") for line in output.splitlines()]
    at = next((i for i, line in enumerate(lines) if line.startswith("Error:")), 0)
    said = [line for line in lines[at + 1 :] if line and not line.startswith(("on ", "with ", "├", "│"))][:6]
    prose = [line for line in said if not re.match(r"^(\d+:|[a-z_.\[\]\"0-9]+ is|condition)", line)]
    return " ".join([lines[at].removeprefix("Error: "), *prose[:2]])[:240]


def looked_at(bench, name, path, made):
    """The kind of check that notices a change, and what it says; None where nothing does."""
    bench.restore()
    file = bench.copy.folder / path
    before = file.read_text(encoding="utf-8")
    after = made(before)
    if after == before:
        raise Stale(f"{name} changes nothing in {path}")
    file.write_text(after, encoding="utf-8")
    for kind, check in bench.checks(path):
        if said := check():
            return kind, said
    return None


def page(rows, sound):
    kinds = collections.Counter(kind for *_, kind, _ in rows if kind)
    counts = ", ".join(f"{count} by {kind}" for kind, count in kinds.most_common())
    lines = [
        "# What the checks of the infrastructure notice",
        "",
        "Written by `python3 scripts/mutate_infrastructure.py`, which takes one guarantee at a time out of a copy of the",
        "Terraform files and runs the checks, the quickest first, until one goes red. The rules are those that",
        "`python3 scripts/plan_rules.py --list` shows.",
        "",
        f"{kinds.total()} of {len(rows)} changes are noticed: {counts}. On the unchanged files all checks are green:",
        "",
        *(f"- `{root}/`: {', '.join(found)}" for root, found in sound.items()),
        "",
        "| taken away or changed | file | goes red first | says |",
        "|---|---|---|---|",
    ]
    for name, path, kind, said in rows:
        said = (said or "").replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")
        lines.append(f"| {name} | `{path.removeprefix('infrastructure/')}` | {kind or '**nothing**'} | {said} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="WORD", help="changes whose name holds one of the words")
    parser.add_argument("--list", action="store_true", help="the changes")
    parser.add_argument("--no-baseline", action="store_true", help="do not look at the unchanged copy first")
    parser.add_argument(
        "--resume",
        type=pathlib.Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="what earlier runs on the same files printed: what they noticed is taken from there",
    )
    parser.add_argument(
        "--part", default="1/1", metavar="N/M", help="one of M parts, to run several side by side; writes nothing"
    )
    options = parser.parse_args()
    chosen = [m for m in MUTATIONS if not options.only or any(word in m[0] for word in options.only)]
    if options.list:
        print("\n".join(f"{name} ({path})" for name, path, _ in chosen))
        return
    # By name what noticed a change and what it said; by root the checks that are green on the unchanged files.
    noticed, sound = {}, {}
    for file in options.resume:
        for line in file.read_text(encoding="utf-8").splitlines():
            if found := re.match(r"(\w+), unchanged: (.+) is green", line):
                sound.setdefault(found[1], []).append(found[2])
            elif found := re.match(r"(.+): ((?:rules|checkov|terraform test).*?), \d+ s: (.+)", line):
                noticed[found[1]] = found[2], found[3]
    left = [m for m in chosen if m[0] not in noticed]
    part, parts = (int(word) for word in options.part.split("/"))
    left = left[part - 1 :: parts]
    for root in dict.fromkeys(path.split("/")[0] for _, path, _ in (left if options.no_baseline else chosen)):
        todo = [m for m in left if m[1].split("/")[0] == root]
        if root in sound and not todo:
            continue
        with tempfile.TemporaryDirectory() as folder, emulator.running(limit_seconds=7200) as aws:
            bench = Bench(folder, root, aws)
            if not options.no_baseline and root not in sound:
                for kind, check in bench.checks(STAGE if root == "infrastructure" else root):
                    started = time.monotonic()
                    if said := check():
                        sys.exit(f"{root}, unchanged: {kind}: {said}")
                    print(f"{root}, unchanged: {kind} is green, {time.monotonic() - started:.0f} s", flush=True)
                    sound.setdefault(root, []).append(kind)
            for name, path, made in todo:
                started = time.monotonic()
                found = looked_at(bench, name, path, made)
                if found:
                    noticed[name] = found
                kind, said = found or ("NOT NOTICED", "")
                print(f"{name}: {kind}, {time.monotonic() - started:.0f} s: {said}", flush=True)
    looked = chosen if parts == 1 else left
    survived = [name for name, *_ in looked if name not in noticed]
    print(f"{len(looked) - len(survived)} of {len(looked)} changes are noticed")
    if not options.only and not options.no_baseline and parts == 1:
        rows = [(name, path, *noticed.get(name, (None, None))) for name, path, _ in chosen]
        PAGE.write_text(page(rows, sound), encoding="utf-8")
    sys.exit(1 if survived else 0)


if __name__ == "__main__":
    main()
