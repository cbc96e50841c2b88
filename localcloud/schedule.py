"""The schedules of the local cloud. moto keeps scheduled rules and runs none: they are read from it, and what each target
is to be told is sent to it when it is due, by the cloud's clock.

(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html)
"""

import re

import due

SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


def period(expression):
    """The seconds of a rate expression; other schedules the stack has none of."""
    found = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if not found:
        raise NotImplementedError(f"the local cloud knows schedules such as rate(15 minutes), not {expression}")
    return int(found[1]) * SECONDS[found[2]]


class Schedule(due.Due):
    """The scheduled rules, and when each is due next."""

    failed = "a scheduled rule could not be run"

    def __init__(self, cloud):
        super().__init__(cloud)
        self.sent = 0
        self.rules = []
        for rule in self.read():
            every = period(rule["ScheduleExpression"])
            # A rate counts from the rule's creation on.
            self.rules.append({"name": rule["Name"], "every": every, "due": cloud.clock() + every})

    def read(self):
        pages = self.cloud.client("events").get_paginator("list_rules").paginate()
        rules = [rule for page in pages for rule in page["Rules"]]
        return [rule for rule in rules if rule.get("ScheduleExpression") and rule["State"] == "ENABLED"]

    def next_due(self):
        """When the next rule is due, by the cloud's clock; None without a rule."""
        with self.guard:
            return min((rule["due"] for rule in self.rules), default=None)

    def send_what_is_due(self):
        now = self.cloud.clock()
        with self.guard:
            for rule in self.rules:
                if rule["due"] > now:
                    continue
                self.send(rule["name"])
                # Once, however many were missed while the clock jumped: EventBridge keeps no backlog of a schedule.
                rule["due"] += rule["every"] * (int((now - rule["due"]) // rule["every"]) + 1)

    def send(self, rule):
        for target in self.cloud.client("events").list_targets_by_rule(Rule=rule)["Targets"]:
            service, name = target["Arn"].split(":")[2], target["Arn"].split(":")[-1]
            if service != "sqs" or "Input" not in target:
                raise NotImplementedError(f"the local cloud sends a constant input to a queue, not {target}")
            queues = self.cloud.client("sqs")
            queues.send_message(QueueUrl=queues.get_queue_url(QueueName=name)["QueueUrl"], MessageBody=target["Input"])
            self.sent += 1
