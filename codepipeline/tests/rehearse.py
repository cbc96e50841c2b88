#!/usr/bin/env python3
"""Rehearses the pipeline on the emulator: what README.md says is typed, and what the steps run.

    python3 codepipeline/tests/rehearse.py             compares the calls of Terraform with calls.json
    python3 codepipeline/tests/rehearse.py --record    writes them there

The first apply with a local state, the move of the state into the bucket that it made, a destroy that is refused; then
plan.sh and apply.sh on the stack with an empty and with a full state, and what they must refuse; then the teardown. What
Terraform asks AWS for while it plans and applies the stack is written down as IAM's actions. permissions.tftest.hcl holds
them against the roles. Exit codes: 0 all held; 1 something did not.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import checkout  # noqa: E402
import emulator  # noqa: E402
import planning  # noqa: E402

CALLS = HERE / "calls.json"
# The same for the backend, which has settings of its own.
BACKEND = " ".join(f"-backend-config={name}=true" for name in ("use_path_style", "skip_credentials_validation", "skip_region_validation", "skip_requesting_account_id"))

WITHOUT_MARKERS = """
import sys, boto3, botocore.config
s3 = boto3.client("s3", config=botocore.config.Config(s3={"addressing_style": "path"}))
for marker in s3.list_object_versions(Bucket=sys.argv[1]).get("DeleteMarkers", []):
    s3.delete_object(Bucket=sys.argv[1], Key=marker["Key"], VersionId=marker["VersionId"])
"""

# IAM's prefix of a service, by the SDK's name of it.
PREFIXES = {
    "Budgets": "budgets", "CloudWatch": "cloudwatch", "CloudWatch Logs": "logs", "DynamoDB": "dynamodb", "EventBridge": "events",
    "IAM": "iam", "KMS": "kms", "Lambda": "lambda", "S3": "s3", "SESv2": "ses", "SNS": "sns", "SQS": "sqs",
}  # fmt: skip
# Operations that IAM calls otherwise, or asks more than one permission for.
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html,
#  https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbudgetservice.html)
ACTIONS = {
    "s3:HeadBucket": ["s3:ListBucket"],
    "s3:HeadObject": ["s3:GetObject"],
    "s3:GetBucketAccelerateConfiguration": ["s3:GetAccelerateConfiguration"],
    "s3:GetBucketEncryption": ["s3:GetEncryptionConfiguration"],
    "s3:GetBucketLifecycleConfiguration": ["s3:GetLifecycleConfiguration"],
    "s3:GetBucketNotificationConfiguration": ["s3:GetBucketNotification"],
    "s3:GetBucketReplication": ["s3:GetReplicationConfiguration"],
    "s3:GetObjectLockConfiguration": ["s3:GetBucketObjectLockConfiguration"],
    "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
    "s3:GetBucketCors": ["s3:GetBucketCORS"],
    "s3:PutBucketEncryption": ["s3:PutEncryptionConfiguration"],
    "s3:PutBucketLifecycleConfiguration": ["s3:PutLifecycleConfiguration"],
    "s3:PutBucketNotificationConfiguration": ["s3:PutBucketNotification"],
    "s3:PutPublicAccessBlock": ["s3:PutBucketPublicAccessBlock"],
    "budgets:DescribeBudget": ["budgets:ViewBudget"],
    "budgets:DescribeNotificationsForBudget": ["budgets:ViewBudget"],
    "budgets:DescribeSubscribersForNotification": ["budgets:ViewBudget"],
    "budgets:CreateBudget": ["budgets:ModifyBudget", "budgets:TagResource"],
    "budgets:UpdateBudget": ["budgets:ModifyBudget"],
    "budgets:CreateNotification": ["budgets:ModifyBudget"],
    # What is tagged as it is made.
    "kms:CreateKey": ["kms:CreateKey", "kms:PutKeyPolicy", "kms:TagResource"],
    "sqs:CreateQueue": ["sqs:CreateQueue", "sqs:TagQueue"],
    "sns:CreateTopic": ["sns:CreateTopic", "sns:TagResource"],
    "iam:CreateRole": ["iam:CreateRole", "iam:TagRole"],
    "lambda:CreateFunction": ["lambda:CreateFunction", "lambda:TagResource", "iam:PassRole"],
    "lambda:CreateEventSourceMapping": ["lambda:CreateEventSourceMapping", "lambda:TagResource"],
    "dynamodb:CreateTable": ["dynamodb:CreateTable", "dynamodb:TagResource"],
    "events:CreateEventBus": ["events:CreateEventBus", "events:TagResource"],
    "events:PutRule": ["events:PutRule", "events:TagResource"],
    "logs:CreateLogGroup": ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:TagResource"],
    "cloudwatch:PutMetricAlarm": ["cloudwatch:PutMetricAlarm", "cloudwatch:TagResource"],
    "ses:CreateConfigurationSet": ["ses:CreateConfigurationSet", "ses:TagResource"],
    "ses:CreateEmailIdentity": ["ses:CreateEmailIdentity", "ses:TagResource"],
}


class Wrong(Exception):
    """What did not hold."""


def actions(log):
    """The permissions that a log of Terraform's AWS provider shows to have been needed."""
    found = set()
    for line in log.read_text(errors="replace").splitlines():
        method = re.search(r"rpc\.method=(\w+)", line)
        service = re.search(r'rpc\.service=(?:"([^"]+)"|(\S+))', line)
        if not method or not service:
            continue
        service = service[1] or service[2]
        if service == "STS":
            # Who am I: asks for no permission.
            continue
        if service not in PREFIXES:
            raise Wrong(f"nobody has said what IAM calls {service}")
        action = f"{PREFIXES[service]}:{method[1]}"
        if action == "iam:GetUser":
            # How the provider looks for the account's number when it is told not to check its credentials, as planning.PROVIDER does.
            continue
        found.update(ACTIONS.get(action, [action]))
    return found


class Rehearsal:
    def __init__(self, folder, aws):
        self.folder = folder
        names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
        for name in filter(None, names.stdout.decode().split("\0")):
            if name.startswith(("infrastructure/", "codepipeline/", "contracts/", "scripts/deploy/")) and (ROOT / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        for root in ("infrastructure", "codepipeline"):
            (folder / root / "emulator_override.tf").write_text(planning.PROVIDER)
        self.build = folder / "build"
        for function in planning.FUNCTIONS:
            package = self.build / "target/lambda" / function / "bootstrap.zip"
            package.parent.mkdir(parents=True)
            with zipfile.ZipFile(package, "w") as archive:
                archive.writestr("bootstrap", f"#!/bin/sh\necho {function}\n")
        self.plugins = planning.plugins()
        self.environment = {
            **os.environ, **aws.environment, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull,
        }  # fmt: skip

    def run(self, *command, cwd=None, code=0, limit=400, **environment):
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=cwd or self.folder, env={**self.environment, **environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=limit,
        )  # fmt: skip
        if done.returncode != code:
            raise Wrong(f"{' '.join(command)} ended with {done.returncode}, not {code}:\n{done.stdout[-5000:]}")
        return done.stdout, time.monotonic() - started

    def terraform(self, *arguments, **more):
        return self.run("terraform", *arguments, "-no-color", cwd=self.folder / "codepipeline", **more)

    def init(self, *arguments):
        return self.terraform("init", "-lockfile=readonly", *([f"-plugin-dir={self.plugins}"] if self.plugins else []), *arguments)

    def by_hand(self, name):
        shutil.copy(self.folder / f"codepipeline/by-hand/{name}.tf.example", self.folder / f"codepipeline/{name}_override.tf")

    def first_apply(self):
        root, settings = self.folder / "codepipeline", "-var-file=environments/dev.tfvars"
        self.by_hand("local_state")
        self.init()
        out, seconds = self.terraform("apply", "-auto-approve", settings)
        print(f"first apply: {seconds:.0f} s, {summary(out)}", flush=True)
        backend, _ = self.run("terraform", "output", "-raw", "backend", cwd=root)
        (root / "environments/dev.s3.tfbackend").write_text(backend)
        self.outputs = json.loads(self.terraform("output", "-json")[0])
        (root / "local_state_override.tf").unlink()
        self.init("-migrate-state", "-force-copy", "-backend-config=environments/dev.s3.tfbackend", *BACKEND.split())
        out, seconds = self.terraform("plan", "-detailed-exitcode", settings)
        print(f"plan with the moved state: {seconds:.0f} s, {summary(out)}", flush=True)
        out, _ = self.terraform("destroy", "-auto-approve", settings, code=1)
        if "Instance cannot be destroyed" not in out:
            raise Wrong(f"the destroy failed for another reason:\n{out[-2000:]}")
        print("destroy: refused", flush=True)

    def deploy(self):
        bucket = re.search(r'bucket\s*=\s*"([^"]+)"', self.outputs["stack_backend"]["value"])[1]
        settings = {
            "GRISTMILL_ENVIRONMENT": "dev", "GRISTMILL_STATE_BUCKET": bucket, "GRISTMILL_REGION": emulator.REGION,
            "GRISTMILL_PERMISSIONS_BOUNDARY": self.outputs["boundary"]["value"], "GRISTMILL_PACKAGES": str(self.build),
            "GRISTMILL_TERRAFORM_PLUGINS": self.plugins or "", "TF_CLI_ARGS_init": BACKEND, "TF_CLI_ARGS": "-no-color",
        }  # fmt: skip
        logs = {name: self.folder / f"{name}.log" for name in ("plan", "apply")}

        def script(name, log=None, **more):
            recorded = {"TF_LOG_PROVIDER": "DEBUG", "TF_LOG_PATH": str(log)} if log else {}
            return self.run("bash", f"scripts/deploy/{name}.sh", **{**settings, **recorded, **more})

        out, _ = script("apply", code=1)
        if "plan first" not in out:
            raise Wrong(f"apply.sh without a plan says:\n{out}")
        print("apply.sh without a plan: refused", flush=True)
        out, seconds = script("plan", log=self.folder / "first-plan.log")
        print(f"plan.sh, nothing there: {seconds:.0f} s, {out.splitlines()[-1]}", flush=True)
        plan = self.folder / "handed-over"
        shutil.copytree(self.folder / "target/plan", plan)
        shutil.rmtree(self.folder / "target")
        other = self.folder / "other-build"
        shutil.copytree(self.build, other)
        with zipfile.ZipFile(other / "target/lambda/analyzer/bootstrap.zip", "w") as archive:
            archive.writestr("bootstrap", "#!/bin/sh\necho something else\n")
        out, _ = script("apply", code=1, GRISTMILL_PLAN=str(plan), GRISTMILL_PACKAGES=str(other))
        if "not those that the plan was made with" not in out:
            raise Wrong(f"apply.sh with other packages says:\n{out}")
        print("apply.sh with other packages: refused", flush=True)
        out, seconds = script("apply", log=logs["apply"], GRISTMILL_PLAN=str(plan))
        print(f"apply.sh: {seconds:.0f} s, {summary(out)}", flush=True)
        out, _ = script("apply", code=1, GRISTMILL_PLAN=str(plan))
        if "Saved plan is stale" not in out:
            raise Wrong(f"apply.sh with a plan that was applied before says:\n{out[-2000:]}")
        print("apply.sh with a stale plan: refused", flush=True)
        out, seconds = script("plan", log=logs["plan"])
        print(f"plan.sh, all there: {seconds:.0f} s, {out.splitlines()[-1]}", flush=True)
        with_boundary = json.loads(self.run("terraform", "show", "-json", cwd=self.folder / "infrastructure")[0])
        roles = [r for m in with_boundary["values"]["root_module"]["child_modules"] for r in m["resources"] if r["type"] == "aws_iam_role"]
        if not roles or any(role["values"]["permissions_boundary"] != settings["GRISTMILL_PERMISSIONS_BOUNDARY"] for role in roles):
            raise Wrong("a role of the stack is without the boundary")
        print(f"{len(roles)} roles of the stack, each with the boundary", flush=True)
        # What is read before anything is there, too.
        needed = {name: actions(log) for name, log in logs.items()}
        for name, found in needed.items():
            if not found:
                raise Wrong(f"{logs[name].name} shows no call")
        # A plan of nothing may ask for nothing.
        needed["plan"] |= actions(self.folder / "first-plan.log")
        return {name: sorted(found) for name, found in needed.items()}

    def teardown(self):
        self.by_hand("local_state")
        self.by_hand("teardown")
        self.init("-migrate-state", "-force-copy")
        settings = "-var-file=environments/dev.tfvars"
        self.terraform("apply", "-auto-approve", settings)
        # moto 5.2.5 fails where the last version of a key that is deleted is a delete marker, as a lock leaves it.
        bucket = re.search(r'bucket\s*=\s*"([^"]+)"', self.outputs["backend"]["value"])[1]
        self.run(str(checkout.installed("moto") / "bin" / "python"), "-c", WITHOUT_MARKERS, bucket)
        out, seconds = self.terraform("destroy", "-auto-approve", settings)
        print(f"teardown: {seconds:.0f} s, {summary(out)}", flush=True)


def summary(out):
    found = [line for line in out.splitlines() if line.startswith(("Plan:", "No changes", "Apply complete", "Destroy complete"))]
    return found[-1] if found else "no summary"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write calls.json")
    parser.add_argument("--log", type=argparse.FileType("w"), metavar="FILE", help="what the emulator says goes there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, emulator.running(log=options.log) as aws:
        rehearsal = Rehearsal(pathlib.Path(folder), aws)
        try:
            rehearsal.first_apply()
            calls = rehearsal.deploy()
            if options.record:
                CALLS.write_text(json.dumps(calls, indent=2) + "\n")
            known = json.loads(CALLS.read_text())
            for step, found in calls.items():
                if more := sorted(set(found) - set(known[step])):
                    raise Wrong(f"{step} asks for what calls.json does not have: {', '.join(more)}; --record writes it")
                print(f"{step}: {len(found)} permissions needed", flush=True)
            rehearsal.teardown()
        except (Wrong, subprocess.TimeoutExpired) as wrong:
            print(wrong, file=sys.stderr)
            sys.exit(1)


if __name__ == "__main__":
    main()
