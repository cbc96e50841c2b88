"""Not called by itself: tries, on an applied stack, who may write what into its bucket. terraform_apply.py runs it with moto's
own Python, which has the SDK, against the emulator, which decides by the bucket's policy.

    tried_writes.py '{"bucket": …, "account": …, "roles": {"processor": …, "analyzer": …, "notifier": …}}'

Exit codes: 0 every answer was the expected one; 1 one was not.
"""

import json
import sys

import boto3
import botocore.config
import botocore.exceptions

ONCE, AGAIN = {"IfNoneMatch": "*"}, {}
DAY = "ledger/2026-11-21"
# Who, what, under which key, how, and the expected status.
CASES = [
    ("processor", "put", "manifests/a.json", ONCE, 200),
    ("processor", "put", "manifests/a.json", ONCE, 412),
    ("processor", "put", "manifests/a.json", AGAIN, 403),
    ("notifier", "put", "manifests/b.json", ONCE, 403),
    ("analyzer", "put", "processed/b.csv", ONCE, 403),
    ("processor", "put", f"{DAY}/a.json", ONCE, 200),
    ("processor", "put", f"{DAY}/a.json", ONCE, 412),
    ("processor", "put", f"{DAY}/a.json", AGAIN, 403),
    ("notifier", "put", f"{DAY}/a.settled", ONCE, 200),
    ("notifier", "put", f"{DAY}/a.settled", ONCE, 412),
    ("notifier", "put", f"{DAY}/a.settled", AGAIN, 403),
    ("notifier", "get", f"{DAY}/a.settled", {}, 200),
    ("analyzer", "put", f"{DAY}/b.json", ONCE, 403),
    ("somebody", "put", f"{DAY}/b.json", ONCE, 403),
    ("somebody", "delete", f"{DAY}/a.json", {}, 403),
    ("somebody", "put", "input/orders/a.csv", {}, 200),
    ("somebody", "put", "input/orders/a.csv", {}, 200),
]


def main():
    told = json.loads(sys.argv[1])
    style = botocore.config.Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})

    def as_role(who):
        # A role of the stack, or anybody else's.
        arn = f"arn:aws:iam::{told['account']}:role/{told['roles'].get(who, who)}"
        keys = boto3.client("sts").assume_role(RoleArn=arn, RoleSessionName="tried")["Credentials"]
        return boto3.client(
            "s3",
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            config=style,
        )

    clients = {who: as_role(who) for who, *_ in CASES}
    wrong = 0
    for who, what, key, how, expected in CASES:
        body = {"Body": b"1"} if what == "put" else {}
        try:
            answer = getattr(clients[who], f"{what}_object")(Bucket=told["bucket"], Key=key, **body, **how)
        except botocore.exceptions.ClientError as refused:
            answer = refused.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        if status != expected:
            wrong += 1
            print(f"{who}: {what} {key} {how}: {status}, not {expected}", file=sys.stderr)
    # What the sweep reads: each upload is a version.
    versions = clients["processor"].list_object_versions(Bucket=told["bucket"], Prefix="input/").get("Versions", [])
    if len(versions) != 2:
        wrong += 1
        print(f"{len(versions)} versions below input/, not 2", file=sys.stderr)
    print(f"{len(CASES) + 1} requests to the bucket, {wrong} answers other than expected")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
