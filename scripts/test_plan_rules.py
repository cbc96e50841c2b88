#!/usr/bin/env python3
"""Tests of plan_rules.py: a small stack that keeps every rule, and for each rule a change that it must notice.

python3 scripts/test_plan_rules.py
"""

import copy
import json
import pathlib
import tempfile
import unittest

import plan_rules

ACCOUNT = "111122223333"
AT = f"eu-central-1:{ACCOUNT}"
QUEUE, DEAD = f"arn:aws:sqs:{AT}:s-process", f"arn:aws:sqs:{AT}:s-process-dead-letters"
TOPIC, KEY = f"arn:aws:sns:{AT}:s-alerts", f"arn:aws:kms:{AT}:key/1"
RULES = f"arn:aws:events:{AT}:rule"
RULE = f"{RULES}/s-arrivals"
ROLE, FUNCTION = f"arn:aws:iam::{ACCOUNT}:role/s-notifier", f"arn:aws:lambda:{AT}:function:s-notifier"
BUCKET = f"s-{ACCOUNT}"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(sid, effect, action, resource, principal=None, **condition):
    made = {"Sid": sid, "Effect": effect, "Action": action, "Resource": resource}
    return {
        **made,
        **({"Principal": principal} if principal else {}),
        **({"Condition": condition} if condition else {}),
    }


def tls(action, resource):
    return statement("TlsOnly", "Deny", action, resource, "*", Bool={"aws:SecureTransport": "false"})


def from_rules(resource, *names):
    return statement(
        "OwnRules",
        "Allow",
        "sqs:SendMessage",
        resource,
        {"Service": "events.amazonaws.com"},
        ArnEquals={"aws:SourceArn": [f"{RULES}/{name}" for name in names]},
    )


def alarm(metric, threshold, statistic="Sum", **dimensions):
    return {
        "metric_name": metric,
        "threshold": threshold,
        "statistic": statistic,
        "dimensions": dimensions,
        "comparison_operator": "GreaterThanThreshold",
        "actions_enabled": True,
        "alarm_actions": [TOPIC],
        "metric_query": [],
    }


def metric(name, **dimensions):
    return {"metric": [{"metric_name": name, "dimensions": dimensions}], "expression": None, "return_data": None}


def combined(*queries):
    return {
        **alarm(None, 0),
        "dimensions": None,
        "metric_query": [{"expression": "x", "return_data": True, "metric": []}, *queries],
    }


def lifecycle(prefix, **more):
    empty = {
        "expiration": [],
        "transition": [],
        "noncurrent_version_expiration": [],
        "abort_incomplete_multipart_upload": [],
    }
    return {
        "id": prefix or "all",
        "status": "Enabled",
        "prefix": "",
        "filter": [{"prefix": prefix, "and": []}],
        **empty,
        **more,
    }


def for_a_time(prefix):
    return lifecycle(
        prefix,
        expiration=[{"days": 365, "date": None}],
        transition=[{"days": 30, "storage_class": "INTELLIGENT_TIERING"}],
        noncurrent_version_expiration=[{"noncurrent_days": 30}],
    )


def allowed(service, *actions):
    return statement(
        service.split(".")[0],
        "Allow",
        list(actions),
        "*",
        {"Service": service},
        StringEquals={"aws:SourceAccount": ACCOUNT},
    )


OUTPUTS = [f"arn:aws:s3:::{BUCKET}/{name}/*" for name in plan_rules.OUTPUTS]
LEDGER = [f"arn:aws:s3:::{BUCKET}/ledger/*"]
WRITES = ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
ONCE = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
PATTERN = {
    "source": ["aws.s3"],
    "detail-type": ["Object Created"],
    "detail": {"bucket": {"name": [BUCKET]}, "object": {"key": [{"prefix": "input/"}]}},
}
SWEEP = {"source": "gristmill.schedule", "detail-type": "Sweep Due", "detail": {"schema": 1, "bucket": BUCKET}}
OURS = {"mail": {"tags": {"ses:configuration-set": ["s"]}}}
WENT_WELL = ["Email Sent", "Email Delivered", "Email Delivery Delayed"]
WENT_WRONG = plan_rules.TROUBLE["a mail that did not arrive"]
# Which rules feed the notifier's queue, and which the processor's.
TO_NOTIFIER, TO_PROCESSOR = ("s-arrivals", "s-mail", "s-mail-trouble"), ("s-sweep", "s/s-overlooked")


def listening(name, bus="default", **pattern):
    return {
        "name": name,
        "event_bus_name": bus,
        "state": "ENABLED",
        "event_pattern": json.dumps({key.replace("_", "-"): value for key, value in pattern.items()}),
    }


def target(name, bus="default", queue=QUEUE, dead=DEAD, **more):
    return {
        "rule": name,
        "event_bus_name": bus,
        "arn": queue,
        "dead_letter_config": [{"arn": dead}],
        "retry_policy": [{"maximum_retry_attempts": 185, "maximum_event_age_in_seconds": 86400}],
        **more,
    }


TRUST = [
    {"Sid": "Lambda", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
]


# What a stage consists of.
OF_A_STAGE = ("aws_sqs_queue", "aws_lambda", "aws_cloudwatch_log_group", "aws_iam_role")
ALARMS_OF_A_STAGE = {f"aws_cloudwatch_metric_alarm.{name}" for name in ("errors", "throttles", "duration", "age", "dead")}


def as_the_processors(text):
    """The notifier's names, as the processor has them."""
    for old, new in (("s-process", "s-again"), ("s-notifier", "s-processor"), ("https://q", "https://q2"), ("https://d", "https://d2")):
        text = text.replace(old, new)
    return text


def stack():
    """A stack of two stages that keeps all rules: type.name -> values."""
    first = notifier_and_the_rest()
    second = {
        f"{address}2": json.loads(as_the_processors(json.dumps(values)))
        for address, values in first.items()
        if address.startswith(OF_A_STAGE) or address in ALARMS_OF_A_STAGE
    }
    for kind, arn in (("q", QUEUE), ("d", DEAD)):
        arn = as_the_processors(arn)
        second[f"aws_sqs_queue_policy.{kind}2"]["policy"] = policy(tls("sqs:*", arn), from_rules(arn, *TO_PROCESSOR))
    return {**first, **second}


def notifier_and_the_rest():
    return {
        "aws_kms_key.k": {
            "arn": KEY,
            "id": "1",
            "enable_key_rotation": True,
            "deletion_window_in_days": 30,
            "policy": policy(
                allowed("events.amazonaws.com", "kms:Decrypt", "kms:GenerateDataKey"),
                allowed("cloudwatch.amazonaws.com", "kms:Decrypt", "kms:GenerateDataKey*"),
                allowed("budgets.amazonaws.com", "kms:Decrypt", "kms:GenerateDataKey*"),
                allowed("logs.eu-central-1.amazonaws.com", "kms:Decrypt*", "kms:Encrypt*", "kms:GenerateDataKey*"),
            ),
        },
        "aws_sqs_queue.q": {
            "arn": QUEUE,
            "id": "https://q",
            "name": "s-process",
            "visibility_timeout_seconds": 360,
            "message_retention_seconds": 345600,
            "kms_master_key_id": KEY,
            "redrive_policy": json.dumps({"deadLetterTargetArn": DEAD, "maxReceiveCount": 6}),
        },
        "aws_sqs_queue.d": {
            "arn": DEAD,
            "id": "https://d",
            "name": "s-process-dead-letters",
            "visibility_timeout_seconds": 30,
            "message_retention_seconds": 1209600,
            "kms_master_key_id": KEY,
        },
        "aws_sqs_queue_redrive_allow_policy.d": {
            "queue_url": "https://d",
            "redrive_allow_policy": json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [QUEUE]}),
        },
        "aws_sqs_queue_policy.q": {"queue_url": "https://q", "policy": policy(tls("sqs:*", QUEUE), from_rules(QUEUE, *TO_NOTIFIER))},
        "aws_sqs_queue_policy.d": {"queue_url": "https://d", "policy": policy(tls("sqs:*", DEAD), from_rules(DEAD, *TO_NOTIFIER))},
        "aws_cloudwatch_event_rule.arrivals": {
            "name": "s-arrivals",
            "event_bus_name": "default",
            "state": "ENABLED",
            "event_pattern": json.dumps(PATTERN),
        },
        "aws_cloudwatch_event_target.t": target("s-arrivals"),
        "aws_cloudwatch_event_rule.mail": listening("s-mail", source=["aws.ses"], detail_type=WENT_WELL, detail=OURS),
        "aws_cloudwatch_event_target.mail": target("s-mail"),
        "aws_cloudwatch_event_rule.trouble": listening("s-mail-trouble", source=["aws.ses"], detail_type=WENT_WRONG, detail=OURS),
        "aws_cloudwatch_event_target.trouble": target("s-mail-trouble"),
        "aws_cloudwatch_event_rule.overlooked": listening("s-overlooked", "s", source=["s"], detail_type=["File Overlooked"]),
        "aws_cloudwatch_event_target.overlooked": target("s-overlooked", "s", as_the_processors(QUEUE), as_the_processors(DEAD)),
        "aws_cloudwatch_event_rule.sweep": {
            "name": "s-sweep",
            "event_bus_name": "default",
            "state": "ENABLED",
            "schedule_expression": "rate(15 minutes)",
        },
        "aws_cloudwatch_event_target.sweep": target(
            "s-sweep", "default", as_the_processors(QUEUE), as_the_processors(DEAD), input=json.dumps(SWEEP)
        ),
        "aws_cloudwatch_event_bus.b": {"arn": f"arn:aws:events:{AT}:event-bus/s", "name": "s"},
        "aws_cloudwatch_event_bus_policy.b": {
            "event_bus_name": "s",
            "policy": policy(
                statement(
                    "Only",
                    "Deny",
                    "events:PutEvents",
                    f"arn:aws:events:{AT}:event-bus/s",
                    "*",
                    ArnNotEquals={"aws:PrincipalArn": [ROLE, as_the_processors(ROLE)]},
                )
            ),
        },
        "aws_cloudwatch_event_archive.b": {"event_source_arn": f"arn:aws:events:{AT}:event-bus/s"},
        "aws_lambda_function.f": {
            "arn": FUNCTION,
            "id": "s-notifier",
            "function_name": "s-notifier",
            "timeout": 60,
            "reserved_concurrent_executions": -1,
            "role": ROLE,
            "kms_key_arn": KEY,
            "logging_config": [{"log_group": "/aws/lambda/s-notifier"}],
            "environment": [{"variables": {"GRISTMILL_TABLE": "s-analyses"}}],
        },
        "aws_lambda_event_source_mapping.m": {
            "event_source_arn": QUEUE,
            "function_name": FUNCTION,
            "function_response_types": ["ReportBatchItemFailures"],
            "scaling_config": [{"maximum_concurrency": 2}],
        },
        "aws_cloudwatch_log_group.l": {
            "arn": f"arn:aws:logs:{AT}:log-group:/aws/lambda/s-notifier",
            "name": "/aws/lambda/s-notifier",
            "retention_in_days": 365,
            "kms_key_id": KEY,
        },
        "aws_iam_role.r": {
            "arn": ROLE,
            "id": "s-notifier",
            "name": "s-notifier",
            "assume_role_policy": json.dumps({"Statement": TRUST}),
        },
        "aws_iam_role_policy.p": {
            "id": "s-notifier:p",
            "name": "p",
            "role": "s-notifier",
            "policy": policy(
                statement(
                    "Publish",
                    "Allow",
                    ["events:PutEvents"],
                    [f"arn:aws:events:{AT}:event-bus/s"],
                    StringEquals={"events:source": ["s"], "events:detail-type": ["File Overlooked"]},
                ),
                statement(
                    "Send",
                    "Allow",
                    ["ses:SendEmail"],
                    [f"arn:aws:ses:{AT}:identity/example.com"],
                    StringEquals={"ses:FromAddress": ["a@example.com"]},
                ),
                statement(
                    "UseKey",
                    "Allow",
                    ["kms:Decrypt"],
                    [KEY],
                    StringEquals={"kms:ViaService": ["sqs.eu-central-1.amazonaws.com"]},
                ),
            ),
        },
        "aws_sns_topic.t": {"arn": TOPIC, "id": TOPIC, "name": "s-alerts", "kms_master_key_id": KEY},
        "aws_sns_topic_policy.t": {
            "arn": TOPIC,
            "policy": policy(
                tls("sns:Publish", TOPIC),
                statement("Alarms", "Allow", "sns:Publish", TOPIC, {"Service": "cloudwatch.amazonaws.com"}),
                statement("Budget", "Allow", "sns:Publish", TOPIC, {"Service": "budgets.amazonaws.com"}),
            ),
        },
        "aws_cloudwatch_metric_alarm.errors": alarm("Errors", 0, FunctionName="s-notifier"),
        "aws_cloudwatch_metric_alarm.throttles": alarm("Throttles", 0, FunctionName="s-notifier"),
        "aws_cloudwatch_metric_alarm.duration": alarm("Duration", 48000, "Maximum", FunctionName="s-notifier"),
        "aws_cloudwatch_metric_alarm.age": alarm(
            "ApproximateAgeOfOldestMessage", 360, "Maximum", QueueName="s-process"
        ),
        "aws_cloudwatch_metric_alarm.dead": alarm(
            "ApproximateNumberOfMessagesVisible", 0, "Maximum", QueueName="s-process-dead-letters"
        ),
        "aws_cloudwatch_metric_alarm.lost": combined(
            *(metric("TriggeredRules", RuleName=name) for name in TO_NOTIFIER), metric("Invocations", FunctionName="s-notifier")
        ),
        "aws_cloudwatch_metric_alarm.undelivered": combined(
            *(
                metric("InvocationsFailedToBeSentToDlq", RuleName=name)
                for name in ("s-arrivals", "s-mail", "s-mail-trouble", "s-overlooked", "s-sweep")
            )
        ),
        "aws_cloudwatch_metric_alarm.overlooked": alarm("TriggeredRules", 0, EventBusName="s", RuleName="s-overlooked"),
        "aws_cloudwatch_metric_alarm.trouble": alarm("TriggeredRules", 0, RuleName="s-mail-trouble"),
        "aws_s3_bucket.b": {"arn": f"arn:aws:s3:::{BUCKET}", "id": BUCKET, "bucket": BUCKET},
        "aws_s3_bucket_policy.b": {
            "bucket": BUCKET,
            "policy": policy(
                tls("s3:*", [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]),
                statement("Once", "Deny", "s3:PutObject", OUTPUTS + LEDGER, "*", **ONCE),
                statement(
                    "Notes",
                    "Deny",
                    WRITES,
                    LEDGER,
                    "*",
                    ArnNotEquals={"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:role/s-{name}" for name in ("processor", "notifier")]},
                ),
                statement(
                    "Own",
                    "Deny",
                    WRITES,
                    OUTPUTS,
                    "*",
                    ArnNotEquals={"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:role/s-processor"]},
                ),
            ),
        },
        "aws_s3_bucket_public_access_block.b": {
            "bucket": BUCKET,
            "block_public_acls": True,
            "block_public_policy": True,
            "ignore_public_acls": True,
            "restrict_public_buckets": True,
        },
        "aws_s3_bucket_versioning.b": {"bucket": BUCKET, "versioning_configuration": [{"status": "Enabled"}]},
        "aws_s3_bucket_server_side_encryption_configuration.b": {"bucket": BUCKET},
        "aws_s3_bucket_ownership_controls.b": {"bucket": BUCKET, "rule": [{"object_ownership": "BucketOwnerEnforced"}]},
        "aws_s3_bucket_notification.b": {"bucket": BUCKET, "eventbridge": True},
        "aws_s3_bucket_lifecycle_configuration.b": {
            "bucket": BUCKET,
            "rule": [
                *(for_a_time(prefix) for prefix in ("input/", "processed/", "rejected/", "manifests/", "ledger/")),
                lifecycle("contracts/", noncurrent_version_expiration=[{"noncurrent_days": 365}]),
                lifecycle("", abort_incomplete_multipart_upload=[{"days_after_initiation": 7}]),
            ],
        },
        "aws_dynamodb_table.t": {
            "name": "s-analyses",
            "billing_mode": "PAY_PER_REQUEST",
            "deletion_protection_enabled": True,
            "point_in_time_recovery": [{"enabled": True}],
            "ttl": [{"enabled": True, "attribute_name": "ttl"}],
            "server_side_encryption": [{"enabled": True, "kms_key_arn": KEY}],
            "global_secondary_index": [
                {"name": "by-dataset", "hash_key": "dataset", "range_key": "analysis_timestamp"},
                {"name": "by-correlation-id", "hash_key": "correlation_id", "range_key": "analysis_timestamp"},
            ],
        },
        "aws_sesv2_configuration_set.s": {
            "configuration_set_name": "s",
            "delivery_options": [{"tls_policy": "REQUIRE"}],
        },
        "aws_sesv2_configuration_set_event_destination.s": {
            "configuration_set_name": "s",
            "event_destination": [
                {
                    "enabled": True,
                    "event_bridge_destination": [{"event_bus_arn": f"arn:aws:events:{AT}:event-bus/default"}],
                    "matching_event_types": [
                        "SEND",
                        "DELIVERY",
                        "DELIVERY_DELAY",
                        "BOUNCE",
                        "COMPLAINT",
                        "REJECT",
                        "RENDERING_FAILURE",
                    ],
                }
            ],
        },
        "aws_budgets_budget.b": {"notification": [{"threshold": 80}]},
    }


# What comes first, which only a configuration tells.
DEPENDS = {
    f"aws_lambda_function.f{number}": [f"aws_cloudwatch_log_group.l{number}", f"aws_iam_role_policy.p{number}"]
    for number in ("", "2")
}


def document(resources, depends=None, unknown=None):
    """A state; with `unknown`, attributes that are not known yet by resource, a plan."""
    found = [
        {"address": a, "mode": "managed", "type": a.split(".")[0], "name": a.split(".")[1], "values": v}
        for a, v in resources.items()
    ]
    configured = [
        {
            "mode": "managed",
            "type": a.split(".")[0],
            "name": a.split(".")[1],
            "depends_on": (depends or {}).get(a, []),
            "expressions": (unknown or {}).get(a, {}),
        }
        for a in resources
    ]
    made = {"configuration": {"root_module": {"resources": configured}}, "variables": {}}
    if unknown is None:
        return {**made, "values": {"root_module": {"resources": found}}}
    for resource in found:
        hidden = unknown.get(resource["address"], {})
        resource["values"] = {name: value for name, value in resource["values"].items() if name not in hidden}
    changes = [
        {"address": a, "change": {"after_unknown": {name: True for name in names}}} for a, names in unknown.items()
    ]
    return {**made, "planned_values": {"root_module": {"resources": found}}, "resource_changes": changes}


def without(address):
    return lambda s: s.pop(address)


def setting(address, **values):
    return lambda s: s[address].update(values)


def restating(address, change, attribute="policy"):
    """Changes the statements of a policy."""

    def made(s):
        read = json.loads(s[address][attribute])
        read["Statement"] = change(read["Statement"])
        s[address][attribute] = json.dumps(read)

    return made


def dropping(sid):
    return lambda found: [one for one in found if one["Sid"] != sid]


def amending(sid, **values):
    return lambda found: [{**one, **values} if one["Sid"] == sid else one for one in found]


# For each rule at least one change that it, and perhaps another rule, must notice.
NOTICED = {
    "targets-retry-and-keep-what-fails": [
        setting("aws_cloudwatch_event_target.t", dead_letter_config=[]),
        setting("aws_cloudwatch_event_target.t", retry_policy=[]),
        setting("aws_cloudwatch_event_target.t", dead_letter_config=[{"arn": QUEUE}]),
    ],
    "queues-have-redrive": [
        setting("aws_sqs_queue.q", redrive_policy=None),
        setting("aws_sqs_queue.q", redrive_policy=json.dumps({"deadLetterTargetArn": DEAD, "maxReceiveCount": 2})),
    ],
    "dead-letters-are-kept-longer": [setting("aws_sqs_queue.d", message_retention_seconds=345600)],
    "dead-letter-queues-take-from-their-own-queue": [
        without("aws_sqs_queue_redrive_allow_policy.d"),
        setting("aws_sqs_queue_redrive_allow_policy.d", redrive_allow_policy='{"redrivePermission":"allowAll"}'),
    ],
    "messages-stay-hidden-long-enough": [
        setting("aws_sqs_queue.q", visibility_timeout_seconds=359),
        without("aws_lambda_event_source_mapping.m"),
    ],
    "batches-fail-by-message": [setting("aws_lambda_event_source_mapping.m", function_response_types=[])],
    "concurrency-is-bounded": [
        setting("aws_lambda_event_source_mapping.m", scaling_config=[]),
        setting("aws_lambda_function.f", reserved_concurrent_executions=1),
    ],
    "rules-feed-queues": [
        without("aws_cloudwatch_event_target.t"),
        setting("aws_cloudwatch_event_rule.arrivals", state="DISABLED"),
        setting("aws_cloudwatch_event_target.t", arn=FUNCTION),
        restating("aws_sqs_queue_policy.q", dropping("OwnRules")),
        restating("aws_sqs_queue_policy.d", dropping("OwnRules")),
        restating("aws_sqs_queue_policy.q", amending("OwnRules", Condition={})),
        restating("aws_sqs_queue_policy.q", amending("OwnRules", Principal="*")),
        restating(
            "aws_sqs_queue_policy.q",
            amending("OwnRules", Condition={"ArnEquals": {"aws:SourceArn": [RULE, RULE + "-other"]}}),
        ),
    ],
    "no-rule-sees-what-the-stack-writes": [
        setting(
            "aws_cloudwatch_event_rule.arrivals",
            event_pattern=json.dumps({**PATTERN, "detail": {**PATTERN["detail"], "object": {"key": [{"prefix": ""}]}}}),
        ),
        setting(
            "aws_cloudwatch_event_rule.arrivals",
            event_pattern=json.dumps({**PATTERN, "detail": {"object": PATTERN["detail"]["object"]}}),
        ),
        setting("aws_cloudwatch_event_rule.arrivals", event_pattern='{"detail-type":["Object Created"]}'),
    ],
    "schedules-send-events-from-the-default-bus": [
        setting("aws_cloudwatch_event_target.sweep", input=None),
        setting("aws_cloudwatch_event_target.sweep", input='{"detail":{}}'),
        setting("aws_cloudwatch_event_target.t", input="{}"),
        setting("aws_cloudwatch_event_target.t", input_path="$.detail"),
        lambda s: [s[f"aws_cloudwatch_event_{kind}.sweep"].update(event_bus_name="s") for kind in ("rule", "target")],
    ],
    "the-sweep-comes-every-quarter-hour": [
        lambda s: [s.pop(f"aws_cloudwatch_event_{kind}.sweep") for kind in ("rule", "target")],
        setting("aws_cloudwatch_event_rule.sweep", schedule_expression="rate(1 day)"),
        setting("aws_cloudwatch_event_target.sweep", arn=QUEUE),
        setting("aws_cloudwatch_event_target.sweep", input=json.dumps({**SWEEP, "detail-type": "Sweep"})),
        setting("aws_cloudwatch_event_target.sweep", input=json.dumps({**SWEEP, "source": "s"})),
        setting("aws_cloudwatch_event_target.sweep", input=json.dumps({**SWEEP, "detail": {"schema": 1, "bucket": "other"}})),
    ],
    "what-is-published-is-heard": [
        setting("aws_cloudwatch_event_rule.overlooked", event_pattern=json.dumps({"source": ["s"], "detail-type": ["Overlooked"]})),
        setting("aws_cloudwatch_event_rule.overlooked", event_pattern=json.dumps({"source": ["t"], "detail-type": ["File Overlooked"]})),
        lambda s: [s[f"aws_cloudwatch_event_{kind}.overlooked"].update(event_bus_name="default") for kind in ("rule", "target")],
        lambda s: [
            restating(
                f"aws_iam_role_policy.{name}",
                amending("Publish", Condition={"StringEquals": {"events:source": ["s"], "events:detail-type": ["Other"]}}),
            )(s)
            for name in ("p", "p2")
        ],
    ],
    "trouble-that-is-heard-of-is-seen": [
        without("aws_cloudwatch_metric_alarm.overlooked"),
        without("aws_cloudwatch_metric_alarm.trouble"),
        setting("aws_cloudwatch_metric_alarm.overlooked", dimensions={"RuleName": "s-overlooked"}),
        setting("aws_cloudwatch_metric_alarm.trouble", threshold=5),
        setting(
            "aws_cloudwatch_event_rule.overlooked",
            event_pattern=json.dumps({"source": ["s"], "detail-type": ["File Overlooked", "Sweep Due"]}),
        ),
        setting("aws_cloudwatch_event_rule.trouble", event_pattern=json.dumps({"source": ["aws.ses"], "detail-type": WENT_WELL})),
    ],
    "the-bus-takes-from-the-stages-alone": [
        without("aws_cloudwatch_event_bus_policy.b"),
        without("aws_cloudwatch_event_archive.b"),
        restating(
            "aws_cloudwatch_event_bus_policy.b",
            amending("Only", Condition={"ArnNotEquals": {"aws:PrincipalArn": [ROLE, ROLE + "2"]}}),
        ),
    ],
    "nobody-invokes-a-function-directly": [lambda s: s.update({"aws_lambda_permission.p": {}})],
    "log-groups-come-first": [
        without("aws_cloudwatch_log_group.l"),
        setting("aws_cloudwatch_log_group.l", retention_in_days=0),
        setting("aws_cloudwatch_log_group.l", kms_key_id=None),
        setting("aws_lambda_function.f", logging_config=[]),
        setting("aws_cloudwatch_log_group.l", name="/lambda/s-notifier"),
    ],
    "functions-are-told-what-they-read": [
        setting("aws_lambda_function.f", environment=[]),
        setting("aws_lambda_function.f", environment=[{"variables": {"GRISTMILL_TABLE": "t", "MORE": "1"}}]),
        setting("aws_lambda_function.f", environment=[{"variables": {"GRISTMILL_TABLE": ""}}]),
    ],
    "functions-have-alarms": [
        without("aws_cloudwatch_metric_alarm.errors"),
        without("aws_cloudwatch_metric_alarm.throttles"),
        without("aws_cloudwatch_metric_alarm.duration"),
        setting("aws_cloudwatch_metric_alarm.duration", threshold=48),
        setting("aws_cloudwatch_metric_alarm.duration", threshold=60000),
        setting("aws_cloudwatch_metric_alarm.errors", threshold=5),
        setting("aws_cloudwatch_metric_alarm.errors", actions_enabled=False),
    ],
    "queues-have-alarms": [
        without("aws_cloudwatch_metric_alarm.age"),
        without("aws_cloudwatch_metric_alarm.dead"),
        setting("aws_cloudwatch_metric_alarm.age", threshold=345600),
    ],
    "every-alarm-tells-the-topic": [
        setting("aws_cloudwatch_metric_alarm.age", alarm_actions=[]),
        setting("aws_cloudwatch_metric_alarm.lost", alarm_actions=[TOPIC + "-other"]),
        restating("aws_sns_topic_policy.t", dropping("Alarms")),
    ],
    "files-in-and-no-report-out-is-seen": [
        without("aws_cloudwatch_metric_alarm.lost"),
        lambda s: s["aws_cloudwatch_metric_alarm.lost"]["metric_query"].pop(2),
    ],
    "events-that-are-lost-are-seen": [without("aws_cloudwatch_metric_alarm.undelivered")],
    "no-managed-policy-is-attached": [
        lambda s: s.update(
            {"aws_iam_role_policy_attachment.a": {"policy_arn": "arn:aws:iam::aws:policy/AmazonS3FullAccess"}}
        ),
        setting("aws_iam_role.r", managed_policy_arns=["arn:aws:iam::aws:policy/AdministratorAccess"]),
    ],
    "permissions-name-actions-and-resources": [
        restating("aws_iam_role_policy.p", amending("Send", Action=["ses:Send*"])),
        restating("aws_iam_role_policy.p", amending("Send", Resource="*")),
        restating("aws_iam_role_policy.p", amending("Send", Resource=["arn:aws:s3:::*"])),
        restating(
            "aws_iam_role_policy.p",
            lambda found: [*found, statement("More", "Allow", "sqs:SendMessage", f"arn:aws:kms:{AT}:key/*")],
        ),
        restating(
            "aws_iam_role_policy.p",
            lambda found: [*found, {"Sid": "More", "Effect": "Allow", "NotAction": "iam:*", "Resource": KEY}],
        ),
        setting("aws_iam_role.r", inline_policy=[{"policy": policy(statement("More", "Allow", "s3:*", KEY))}]),
    ],
    "statements-have-a-sid": [
        restating("aws_iam_role_policy.p", amending("Send", Sid="Publish")),
        restating("aws_sqs_queue_policy.q", amending("OwnRules", Sid="")),
    ],
    "permissions-are-limited-by-conditions": [
        restating("aws_iam_role_policy.p", amending("Send", Condition={})),
        restating("aws_iam_role_policy.p", amending("Publish", Condition={"StringEquals": {"events:source": ["s"]}})),
        restating("aws_iam_role_policy.p", amending("Send", Condition={"StringLike": {"ses:FromAddress": ["*"]}})),
        restating(
            "aws_iam_role_policy.p",
            lambda found: [*found, statement("Versions", "Allow", ["s3:ListBucketVersions"], [f"arn:aws:s3:::{BUCKET}"])],
        ),
    ],
    "keys-are-used-through-a-service": [restating("aws_iam_role_policy.p", amending("UseKey", Condition={}))],
    "roles-are-for-functions": [
        restating("aws_iam_role.r", amending("Lambda", Principal={"AWS": "*"}), "assume_role_policy"),
        setting("aws_lambda_function.f", role=ROLE + "2"),
    ],
    "nothing-goes-over-plain-http": [
        restating(f"aws_{kind}_policy.{name}", dropping("TlsOnly"))
        for kind, name in (("s3_bucket", "b"), ("sqs_queue", "q"), ("sqs_queue", "d"), ("sns_topic", "t"))
    ]
    + [
        restating("aws_s3_bucket_policy.b", amending("TlsOnly", Resource=[f"arn:aws:s3:::{BUCKET}"])),
        restating("aws_sqs_queue_policy.q", amending("TlsOnly", Effect="Allow")),
    ],
    "outputs-and-ledger-are-written-once-and-by-their-own": [
        restating("aws_s3_bucket_policy.b", dropping("Once")),
        restating("aws_s3_bucket_policy.b", dropping("Own")),
        restating("aws_s3_bucket_policy.b", amending("Once", Condition={"Bool": ONCE["Bool"]})),
        restating("aws_s3_bucket_policy.b", amending("Once", Resource=OUTPUTS[:2] + LEDGER)),
        restating("aws_s3_bucket_policy.b", amending("Once", Resource=OUTPUTS)),
        restating("aws_s3_bucket_policy.b", dropping("Notes")),
        restating("aws_s3_bucket_policy.b", amending("Notes", Action=WRITES[:2])),
        restating("aws_s3_bucket_policy.b", amending("Own", Resource=OUTPUTS + LEDGER)),
        restating(
            "aws_s3_bucket_policy.b",
            amending(
                "Notes",
                Condition={"ArnNotEquals": {"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:role/s-{n}" for n in ("processor", "notifier", "analyzer")]}},
            ),
        ),
        restating("aws_s3_bucket_policy.b", amending("Own", Action=WRITES[:2])),
    ],
    "buckets-are-private-and-versioned": [
        without("aws_s3_bucket_public_access_block.b"),
        setting("aws_s3_bucket_public_access_block.b", block_public_acls=False),
        setting("aws_s3_bucket_versioning.b", versioning_configuration=[{"status": "Suspended"}]),
        without("aws_s3_bucket_server_side_encryption_configuration.b"),
        without("aws_s3_bucket_ownership_controls.b"),
    ],
    "the-bucket-tells-the-default-bus": [
        setting("aws_s3_bucket_notification.b", eventbridge=False),
        without("aws_s3_bucket_notification.b"),
    ],
    "what-is-old-goes-and-contracts-stay": [
        without("aws_s3_bucket_lifecycle_configuration.b"),
        lambda s: s["aws_s3_bucket_lifecycle_configuration.b"]["rule"].pop(),
        lambda s: s["aws_s3_bucket_lifecycle_configuration.b"]["rule"].pop(4),
        lambda s: s["aws_s3_bucket_lifecycle_configuration.b"]["rule"][4].update(expiration=[{"days": 14}]),
        lambda s: s["aws_s3_bucket_lifecycle_configuration.b"]["rule"][5].update(expiration=[{"days": 365}]),
        lambda s: s["aws_s3_bucket_lifecycle_configuration.b"]["rule"][6].update(expiration=[{"days": 365}]),
        lambda s: s["aws_s3_bucket_lifecycle_configuration.b"]["rule"][1].update(status="Disabled"),
        lambda s: s["aws_s3_bucket_lifecycle_configuration.b"]["rule"][0].update(noncurrent_version_expiration=[]),
    ],
    "the-table-survives-mistakes": [
        setting("aws_dynamodb_table.t", point_in_time_recovery=[{"enabled": False}]),
        setting("aws_dynamodb_table.t", ttl=[{"enabled": True, "attribute_name": "other"}]),
        setting("aws_dynamodb_table.t", deletion_protection_enabled=False),
        setting("aws_dynamodb_table.t", server_side_encryption=[]),
        setting("aws_dynamodb_table.t", global_secondary_index=[]),
        setting("aws_dynamodb_table.t", billing_mode="PROVISIONED"),
    ],
    "what-is-stored-has-the-stacks-key": [
        setting("aws_sqs_queue.d", kms_master_key_id="alias/aws/sqs"),
        setting("aws_sns_topic.t", kms_master_key_id=None),
        setting("aws_lambda_function.f", kms_key_arn=None),
    ],
    "keys-let-services-in": [
        restating("aws_kms_key.k", dropping(sid)) for sid in ("events", "cloudwatch", "budgets", "logs")
    ]
    + [
        restating("aws_kms_key.k", amending("events", Action=["kms:Decrypt"])),
        restating("aws_kms_key.k", amending("events", Condition={})),
    ],
    "keys-rotate": [setting("aws_kms_key.k", enable_key_rotation=False)],
    "mail-is-sent-over-tls-and-followed": [
        setting("aws_sesv2_configuration_set.s", delivery_options=[{"tls_policy": "OPTIONAL"}]),
        without("aws_sesv2_configuration_set_event_destination.s"),
        lambda s: s["aws_sesv2_configuration_set_event_destination.s"]["event_destination"][0][
            "matching_event_types"
        ].remove("BOUNCE"),
        lambda s: [s.pop(f"aws_cloudwatch_event_{kind}.mail") for kind in ("rule", "target")],
        setting("aws_cloudwatch_event_target.mail", arn=as_the_processors(QUEUE)),
        setting(
            "aws_cloudwatch_event_rule.mail",
            event_pattern=json.dumps({"source": ["aws.ses"], "detail-type": WENT_WELL[1:], "detail": OURS}),
        ),
        setting("aws_cloudwatch_event_rule.mail", event_pattern=json.dumps({"source": ["aws.ses"], "detail-type": WENT_WELL})),
    ],
    "the-budget-tells-somebody": [
        setting("aws_budgets_budget.b", notification=[]),
        setting("aws_budgets_budget.b", notification=[{"threshold": 200}]),
    ],
}
# These are about more than resources, and have tests of their own below.
OTHERWISE = {"functions-wait-for-their-permissions", "nothing-is-hard-coded"}


class Rules(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name) / "infrastructure"
        self.folder.mkdir()
        (self.folder / "environment.json").write_text(json.dumps({"notifier": ["GRISTMILL_TABLE"], "processor": ["GRISTMILL_TABLE"]}))

    def broken(self, resources, depends=None, unknown=None, root="infrastructure"):
        wrong, undecided = plan_rules.broken(
            document(resources, DEPENDS if depends is None else depends, unknown), root, self.folder
        )
        return {line.split(":")[0] for line in wrong}, {line.split(":")[0] for line in undecided}

    def test_a_sound_stack_keeps_every_rule(self):
        wrong, undecided = plan_rules.broken(document(stack(), DEPENDS), "infrastructure", self.folder)
        self.assertEqual((wrong, undecided), ([], []))

    def test_every_rule_notices_its_breach(self):
        for name, changes in NOTICED.items():
            for number, change in enumerate(changes):
                with self.subTest(rule=name, change=number):
                    resources = copy.deepcopy(stack())
                    change(resources)
                    self.assertIn(name, self.broken(resources)[0])

    def test_every_rule_has_a_breach_to_notice(self):
        self.assertEqual(NOTICED.keys() | OTHERWISE, plan_rules.RULES["infrastructure"].keys())

    def test_what_comes_first_is_told_by_the_configuration(self):
        self.assertEqual(
            self.broken(stack(), depends={**DEPENDS, "aws_lambda_function.f": ["aws_iam_role_policy.p"]})[0],
            {"log-groups-come-first"},
        )
        self.assertEqual(
            self.broken(stack(), depends={**DEPENDS, "aws_lambda_function.f": ["aws_cloudwatch_log_group.l"]})[0],
            {"functions-wait-for-their-permissions"},
        )

    def test_files_name_no_account_region_or_partition(self):
        def said(text):
            (self.folder / "x.tf").write_text(text)
            return self.broken(stack())[0]

        for text in (
            'a = "111122223333"',
            'a = "us-gov-west-1"',
            'a = "x.eu-central-1.y"',
            'a = "arn:aws:s3:::x"',
            'a = "arn:aws-cn:s3:::x"',
        ):
            self.assertEqual(said(text), {"nothing-is-hard-coded"}, text)
        for text in (
            "# eu-central-1",
            '  description = "such as eu-central-1"',
            'a = "arn:${local.partition}:s3:::x"',
            "a = 53687091200",
        ):
            self.assertEqual(said(text), set(), text)

    def test_nothing_unknown_passes(self):
        # Not known, and nothing says what it will be.
        through_a_local = {"references": ["local.policy"]}
        unknown = {"aws_iam_role_policy.p": {"policy": through_a_local}}
        wrong, undecided = self.broken(stack(), unknown=unknown)
        self.assertIn("permissions-name-actions-and-resources", undecided)
        self.assertIn("keys-are-used-through-a-service", undecided)
        # Whoever publishes is not known either; the bus's policy cannot be compared with it.
        self.assertIn("the-bus-takes-from-the-stages-alone", undecided)

    def test_what_is_unknown_is_followed_by_reference(self):
        right = {"aws_cloudwatch_event_target.t": {"arn": {"references": ["aws_sqs_queue.q.arn", "aws_sqs_queue.q"]}}}
        self.assertEqual(self.broken(stack(), unknown=right), (set(), set()))
        wrong = {
            "aws_cloudwatch_event_target.t": {
                "arn": {"references": ["aws_lambda_function.f.arn", "aws_lambda_function.f"]}
            }
        }
        self.assertIn("rules-feed-queues", self.broken(stack(), unknown=wrong)[0])

    def test_an_attribute_that_nobody_set_is_absent(self):
        resources = stack()
        plan = document(resources, DEPENDS, {"aws_sqs_queue.q": {"redrive_policy": {}}})
        wrong, _ = plan_rules.broken(plan, "infrastructure", self.folder)
        self.assertIn("queues-have-redrive", {line.split(":")[0] for line in wrong})

    def test_an_existing_bucket_is_its_owners(self):
        resources = {address: values for address, values in stack().items() if not address.startswith("aws_s3_bucket")}
        self.assertEqual(self.broken(resources), (set(), set()))

    def test_the_table_of_a_trial_may_go(self):
        resources = stack()
        resources["aws_dynamodb_table.t"]["deletion_protection_enabled"] = False
        trial = document(resources, DEPENDS)
        trial["variables"] = {"deletion_protection": {"value": False}}
        self.assertEqual(plan_rules.broken(trial, "infrastructure", self.folder), ([], []))


class Pipeline(unittest.TestCase):
    def broken(self, resources):
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) / "codepipeline"
            folder.mkdir()
            return {line.split(":")[0] for line in plan_rules.broken(document(resources), "codepipeline", folder)[0]}

    def test_builds_are_not_privileged(self):
        for privileged, wanted in ((True, {"builds-are-not-privileged"}), (False, set())):
            self.assertEqual(
                self.broken({"aws_codebuild_project.p": {"environment": [{"privileged_mode": privileged}]}}), wanted
            )

    def test_no_policy_of_aws_is_attached(self):
        self.assertEqual(
            self.broken(
                {"aws_iam_role_policy_attachment.a": {"policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}}
            ),
            {"no-managed-policy-of-aws-is-attached"},
        )

    def test_any_resource_needs_a_reason(self):
        def with_statement(sid):
            return {
                "aws_iam_role_policy.p": {
                    "policy": policy(statement(sid, "Allow", "lambda:CreateEventSourceMapping", "*"))
                }
            }

        self.assertEqual(self.broken(with_statement("CreateMappings")), set())
        self.assertEqual(self.broken(with_statement("CreateAnything")), {"permissions-name-actions-and-resources"})


if __name__ == "__main__":
    unittest.main()
