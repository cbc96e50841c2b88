#!/usr/bin/env python3
"""Rules that a Terraform plan or state must keep, over what `terraform show -json` says of it.

    terraform show -json plan.tfplan | python3 scripts/plan_rules.py infrastructure
    python3 scripts/plan_rules.py --list

checkov sees one resource at a time; these see how they belong together: which queue a rule feeds, which function reads it,
which alarm watches both. Before the first apply a plan does not know everything. What is not known then is followed through
the plan's configuration, and what even that does not tell is counted as undecided: it must be told by the state, where
all is known. Nothing unknown passes. Exit codes: 0 all hold; 1 one does not; 2 wrong use.
"""

import argparse
import collections
import fnmatch
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROOTS = ["infrastructure", "codepipeline"]
# Of each root, the rules that are about it: name -> function.
RULES = {root: {} for root in ROOTS}


class Undecided(Exception):
    """Something that a rule asks for is not known yet."""


class Resource:
    """A resource of a plan or a state."""

    def __init__(self, world, resource, module, unknown):
        self.world, self.module = world, module
        self.address, self.type, self.name = resource["address"], resource["type"], resource["name"]
        self.values, self.unknown = resource.get("values") or {}, unknown
        configured = world.configured.get((module, f"{self.type}.{self.name}"), {})
        self.expressions = configured.get("expressions", {})
        self.depends_on = configured.get("depends_on", [])

    def __repr__(self):
        return self.address

    def told(self, path):
        """A value, or None where there is none. A block that stands once is written like an attribute: `ttl.enabled`."""
        value, unknown, expression = self.values, self.unknown, self.expressions
        for name in path.split("."):
            value, unknown, expression = (one(part, name) for part in (value, unknown, expression))
            if unknown is True and value is None:
                # An attribute that nobody set is unknown too, where AWS has a default for it.
                if expression:
                    raise Undecided(f"{self.address}: {path} is not known yet")
                return None
        return value

    def known(self, path):
        try:
            return self.told(path)
        except Undecided:
            return None

    def policy(self, path="policy"):
        return statements(self.told(path))

    def points_at(self, path, *types):
        """The resources of some types that an attribute names: by value, or by what its expression refers to."""
        try:
            value = self.told(path)
        except Undecided:
            value = None
        if value is not None:
            return [other for kind in types for other in self.world.of(kind) if other.is_called(value)]
        found = [other for other in self.world.referred(self.module, self.expression(path)) if other.type in types]
        if not found and goes_through_a_value(self.expression(path)):
            raise Undecided(f"{self.address}: {path} is not known yet")
        return found

    def expression(self, path):
        found = self.expressions
        for name in path.split("."):
            found = one(found, name)
        return found

    def is_called(self, text):
        """Whether a text, such as a policy or an ARN, is this resource's ARN, name or address, or holds its ARN."""
        names = {
            self.known(attribute) for attribute in ("arn", "id", "name", "url", "function_name", "key_id", "bucket")
        } - {None}
        return text in names or str(text).rsplit(":", 1)[-1] in names or str(text).rsplit("/", 1)[-1] in names

    def follows(self, other):
        """Whether this resource is made after another one of its module."""
        address = f"{other.type}.{other.name}"
        return other.module == self.module and address in self.depends_on


def goes_through_a_value(expression):
    """Whether an expression refers to values that a plan's configuration does not spell out."""
    references = (expression or {}).get("references", []) if isinstance(expression, dict) else []
    return any(reference.split(".")[0] in ("each", "local") for reference in references)


def one(part, name):
    """An attribute of a value, or of the one block that is there."""
    if isinstance(part, list) and len(part) == 1:
        part = part[0]
    return part.get(name) if isinstance(part, dict) else (True if part is True else None)


def listed(value):
    return [] if value is None else value if isinstance(value, list) else [value]


def statements(policy):
    return listed(json.loads(policy)["Statement"]) if policy else []


def without_keys(address):
    out, depth = "", 0
    for character in address:
        depth += character == "["
        if depth == 0:
            out += character
        depth -= character == "]"
    return out


def modules_of(module):
    yield module
    for child in module.get("child_modules", []):
        yield from modules_of(child)


def resources_of(values):
    """The resources of planned or stored values, with those of all modules."""
    return [r for m in modules_of(values.get("root_module", {})) for r in m.get("resources", [])]


class World:
    """All that a document says, by kind."""

    def __init__(self, document, folder=None):
        self.document, self.folder = document, folder
        self.undecided = []
        self.variables = {name: value.get("value") for name, value in (document.get("variables") or {}).items()}
        self.configured, self.arguments = {}, {}
        self._read_configuration("", document.get("configuration", {}).get("root_module", {}))
        unknown = {c["address"]: c["change"].get("after_unknown") or {} for c in document.get("resource_changes", [])}
        self.resources = []
        self.is_state = "planned_values" not in document
        for module in modules_of(
            document.get("planned_values" if not self.is_state else "values", {}).get("root_module", {})
        ):
            prefix = without_keys(module.get("address", ""))
            for resource in module.get("resources", []):
                if resource["mode"] == "managed":
                    self.resources.append(Resource(self, resource, prefix, unknown.get(resource["address"], {})))

    def _read_configuration(self, prefix, module):
        for resource in module.get("resources", []):
            if resource["mode"] == "managed":
                self.configured[prefix, f"{resource['type']}.{resource['name']}"] = resource
        for name, call in module.get("module_calls", {}).items():
            inner = f"{prefix}.module.{name}" if prefix else f"module.{name}"
            self.arguments[inner] = prefix, call.get("expressions", {})
            self._read_configuration(inner, call.get("module", {}))

    def of(self, *types):
        return [resource for resource in self.resources if resource.type in types]

    def referred(self, module, expression):
        """The resources that an expression refers to, followed through the variables of modules."""
        found = []
        for reference in (expression or {}).get("references", []) if isinstance(expression, dict) else []:
            parts = without_keys(reference).split(".")
            if parts[0] == "var" and module in self.arguments:
                outer, arguments = self.arguments[module]
                found += self.referred(outer, arguments.get(parts[1]))
            elif len(parts) >= 2:
                address = ".".join(parts[:2])
                found += [r for r in self.resources if r.module == module and f"{r.type}.{r.name}" == address]
        return list(dict.fromkeys(found))

    # What the stack consists of.

    def queues(self):
        return [queue for queue in self.of("aws_sqs_queue") if not is_dead_letter(queue)]

    def dead_letter_queues(self):
        return [queue for queue in self.of("aws_sqs_queue") if is_dead_letter(queue)]

    def readers(self, queue):
        """The functions that read a queue."""
        return [
            function
            for mapping in self.of("aws_lambda_event_source_mapping")
            if queue in mapping.points_at("event_source_arn", "aws_sqs_queue")
            for function in mapping.points_at("function_name", "aws_lambda_function")
        ]

    def alarms(self, metric, **dimensions):
        return [
            alarm
            for alarm in self.of("aws_cloudwatch_metric_alarm")
            if alarm.told("metric_name") == metric and alarm.told("dimensions") == dimensions
        ]

    def policies(self, kind, attribute, queue):
        """The statements of the resource policies that are attached to a resource."""
        attached = [policy for policy in self.of(kind) if queue in policy.points_at(attribute, queue.type)]
        return [statement for policy in attached for statement in policy.policy()]

    def identity_policies(self):
        """Each policy that a role gets, and its statements. One that is not known yet is noted, and the others are told."""
        for policy in self.of("aws_iam_role_policy", "aws_iam_policy", "aws_iam_user_policy", "aws_iam_group_policy"):
            try:
                yield policy, policy.policy()
            except Undecided as what:
                self.undecided.append(str(what))
        for role in self.of("aws_iam_role"):
            for inline in listed(role.told("inline_policy")):
                if inline.get("policy"):
                    yield role, statements(inline["policy"])


def is_dead_letter(queue):
    return queue.values.get("name", "").endswith("-dead-letters")


def rule(*roots):
    """A rule of some roots: a generator of what is wrong. Its first line says what is right."""

    def put(function):
        name = function.__name__.replace("_", "-")
        for root in roots or ROOTS:
            RULES[root][name] = function
        return function

    return put


def broken(document, root, folder=None):
    """What is wrong with a plan or a state, and what a plan cannot tell yet."""
    world = World(document, folder or ROOT / root)
    wrong, undecided = [], []
    for name, function in RULES[root].items():
        world.undecided = []
        try:
            wrong += [f"{name}: {message}" for message in function(world)]
        except Undecided as what:
            world.undecided.append(str(what))
        (wrong if world.is_state else undecided).extend(f"{name}: {what}" for what in world.undecided)
    return wrong, undecided


INFRASTRUCTURE = "infrastructure"

# -- Events and queues -------------------------------------------------------------------------------------------------


@rule(INFRASTRUCTURE)
def targets_retry_and_keep_what_fails(world):
    """Every EventBridge target has a retry policy and a dead-letter queue."""
    for target in world.of("aws_cloudwatch_event_target"):
        if not (
            target.told("retry_policy.maximum_retry_attempts")
            and target.told("retry_policy.maximum_event_age_in_seconds")
        ):
            yield f"{target} has no retry_policy with attempts and an age: say how long EventBridge tries"
        if not any(is_dead_letter(queue) for queue in target.points_at("dead_letter_config.arn", "aws_sqs_queue")):
            yield f"{target} has no dead_letter_config that names a dead-letter queue: an event that cannot be handed over is lost"


@rule(INFRASTRUCTURE)
def queues_have_redrive(world):
    """Every queue gives up into a dead-letter queue, after three deliveries or more."""
    for queue in world.queues():
        if not any(is_dead_letter(other) for other in redrive_targets(world, queue)):
            yield f"{queue} has no redrive_policy to a dead-letter queue: a message that always fails comes back until it expires"
            continue
        if json.loads(queue.told("redrive_policy"))["maxReceiveCount"] < 3:
            yield f"{queue} gives up after fewer than 3 deliveries, and SQS may count one that reached nobody: raise maxReceiveCount"


def redrive_targets(world, queue):
    policy = queue.known("redrive_policy")
    if policy:
        wanted = json.loads(policy).get("deadLetterTargetArn", "")
        return [other for other in world.of("aws_sqs_queue") if other.is_called(wanted)]
    return [
        other
        for other in world.referred(queue.module, queue.expression("redrive_policy"))
        if other.type == "aws_sqs_queue"
    ]


@rule(INFRASTRUCTURE)
def dead_letters_are_kept_longer(world):
    """A dead-letter queue keeps messages longer than the queue that they come from, since the clock runs on."""
    for queue in world.queues():
        for dead in redrive_targets(world, queue):
            if dead.told("message_retention_seconds") <= queue.told("message_retention_seconds"):
                yield f"{dead} keeps messages no longer than {queue}: raise message_retention_seconds, or it loses them at once"


@rule(INFRASTRUCTURE)
def dead_letter_queues_take_from_their_own_queue(world):
    """A dead-letter queue names the queue that may use it."""
    for queue in world.queues():
        for dead in redrive_targets(world, queue):
            allowed = [
                source
                for policy in world.of("aws_sqs_queue_redrive_allow_policy")
                if dead in policy.points_at("queue_url", "aws_sqs_queue")
                for source in allowed_sources(policy)
            ]
            if not (len(allowed) == 1 and queue.is_called(allowed[0])):
                yield f"{dead} lets other queues than {queue} use it ({allowed or 'any'}): give it a redrive_allow_policy by queue"


def allowed_sources(policy):
    policy = json.loads(policy.told("redrive_allow_policy"))
    return policy.get("sourceQueueArns", []) if policy.get("redrivePermission") == "byQueue" else ["*"]


@rule(INFRASTRUCTURE)
def messages_stay_hidden_long_enough(world):
    """A queue hides a message for six times the timeout of the function that reads it."""
    # (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html)
    for queue in world.queues():
        readers = world.readers(queue)
        if not readers:
            yield f"{queue} is read by no function: give it an event source mapping"
        for function in readers:
            if queue.told("visibility_timeout_seconds") < 6 * function.told("timeout"):
                yield f"{queue} hides a message for less than six times the timeout of {function}: raise visibility_timeout_seconds"


@rule(INFRASTRUCTURE)
def batches_fail_by_message(world):
    """Every event source mapping reports failures message by message."""
    for mapping in world.of("aws_lambda_event_source_mapping"):
        if listed(mapping.told("function_response_types")) != ["ReportBatchItemFailures"]:
            yield f"{mapping} repeats a whole batch for one failure: set function_response_types to ReportBatchItemFailures"


@rule(INFRASTRUCTURE)
def concurrency_is_bounded(world):
    """Every event source mapping has a maximum concurrency, which the function's reserved concurrency covers."""
    for mapping in world.of("aws_lambda_event_source_mapping"):
        most = mapping.told("scaling_config.maximum_concurrency")
        if not most:
            yield f"{mapping} has no scaling_config.maximum_concurrency: a burst would take the account's whole concurrency"
            continue
        for function in mapping.points_at("function_name", "aws_lambda_function"):
            reserved = function.told("reserved_concurrent_executions")
            if reserved != -1 and reserved < most:
                yield f"{mapping} starts up to {most} of {function}, which has {reserved} reserved: throttled deliveries count as failed"


@rule(INFRASTRUCTURE)
def rules_feed_queues(world):
    """Every rule feeds a queue, and that queue and its dead-letter queue take messages from their own rules and nobody else."""
    targets = world.of("aws_cloudwatch_event_target")
    feeds = collections.defaultdict(set)
    for one_rule in world.of("aws_cloudwatch_event_rule"):
        bus = one_rule.told("event_bus_name")
        own = [t for t in targets if t.told("rule") == one_rule.told("name") and t.told("event_bus_name") == bus]
        if not own:
            yield f"{one_rule} feeds nothing: give it a target"
        if one_rule.told("state") == "DISABLED" or one_rule.told("is_enabled") is False:
            yield f"{one_rule} is off"
        arn = f":rule/{'' if bus == 'default' else bus + '/'}{one_rule.told('name')}"
        for target in own:
            queues = target.points_at("arn", "aws_sqs_queue")
            if not queues:
                yield f"{target} is no queue of this stack: EventBridge's other targets may drop an event and show no backlog"
            for queue in queues + target.points_at("dead_letter_config.arn", "aws_sqs_queue"):
                feeds[queue].add(arn)
    for queue in world.of("aws_sqs_queue"):
        allowed = set()
        for statement in world.policies("aws_sqs_queue_policy", "queue_url", queue):
            if statement["Effect"] != "Allow":
                continue
            condition = statement.get("Condition", {}).get("ArnEquals", {})
            if (
                statement.get("Principal") != {"Service": "events.amazonaws.com"}
                or statement["Action"] != "sqs:SendMessage"
            ):
                yield f"{queue} lets others than EventBridge in, or do more than send: {statement['Sid']}"
            if not condition.get("aws:SourceArn"):
                yield f"{queue} lets any rule of any account send: name the rules in {statement['Sid']} by aws:SourceArn"
            allowed |= {":" + arn.split(":", 5)[-1] for arn in listed(condition.get("aws:SourceArn"))}
        for arn in sorted(feeds[queue] - allowed):
            yield f"{queue} does not let {arn[1:]} send, which feeds it: name it in the queue's policy"
        for arn in sorted(allowed - feeds[queue]):
            yield f"{queue} lets {arn[1:]} send, which does not feed it: take it out of the queue's policy"


@rule(INFRASTRUCTURE)
def no_rule_sees_what_the_stack_writes(world):
    """A rule that hears of objects hears of those below input/ in one bucket: an output that began a run would have no end."""
    for one_rule in world.of("aws_cloudwatch_event_rule"):
        if one_rule.told("schedule_expression"):
            continue
        pattern = pattern_of(one_rule)
        if "aws.s3" not in pattern.get("source", ["aws.s3"]):
            continue
        detail = pattern.get("detail", {})
        if (
            detail.get("object", {}).get("key") != [{"prefix": "input/"}]
            or len(detail.get("bucket", {}).get("name", [])) != 1
        ):
            yield f"{one_rule} hears of more than what is dropped below input/ in one bucket: name both in its event_pattern"


def pattern_of(one_rule):
    return json.loads(one_rule.told("event_pattern") or "{}")


def targets_of(world, one_rule):
    return [
        target
        for target in world.of("aws_cloudwatch_event_target")
        if target.told("rule") == one_rule.told("name") and target.told("event_bus_name") == one_rule.told("event_bus_name")
    ]


@rule(INFRASTRUCTURE)
def schedules_send_events_from_the_default_bus(world):
    """A scheduled rule is on the default bus, the only one with a clock, and sends what has the form of an event."""
    # (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html)
    for one_rule in world.of("aws_cloudwatch_event_rule"):
        scheduled = one_rule.told("schedule_expression")
        if scheduled and one_rule.told("event_bus_name") != "default":
            yield f"{one_rule} has a schedule on the bus {one_rule.told('event_bus_name')}: only the default bus has a clock"
        for target in targets_of(world, one_rule):
            sent = target.told("input")
            if scheduled and not {"source", "detail-type", "detail"} <= json.loads(sent or "{}").keys():
                yield f"{target} sends no event: give it an input with source, detail-type and detail"
            if not scheduled and (sent or target.told("input_path") or target.told("input_transformer")):
                yield f"{target} changes the event: its queue takes it as it is"


@rule(INFRASTRUCTURE)
def the_sweep_comes_every_quarter_hour(world):
    """Every 15 minutes the processor is told to look for files and runs that nobody finished, in the bucket where files arrive."""
    buckets = {
        name
        for one_rule in world.of("aws_cloudwatch_event_rule")
        if pattern_of(one_rule).get("detail-type") == ["Object Created"]
        for name in pattern_of(one_rule).get("detail", {}).get("bucket", {}).get("name", [])
    }
    swept = set()
    for one_rule in world.of("aws_cloudwatch_event_rule"):
        if one_rule.told("schedule_expression") != "rate(15 minutes)":
            continue
        for target in targets_of(world, one_rule):
            sent = json.loads(target.told("input") or "{}")
            readers = [
                function.told("function_name")
                for queue in target.points_at("arn", "aws_sqs_queue")
                for function in world.readers(queue)
            ]
            # Who reads it tells by this what it is (crates/aws/src/trigger).
            if (sent.get("source"), sent.get("detail-type")) == ("gristmill.schedule", "Sweep Due") and any(
                name.endswith("-processor") for name in readers
            ):
                swept.add(sent["detail"].get("bucket"))
    if not buckets or buckets - swept:
        yield f"no rule tells the processor every 15 minutes to sweep {', '.join(sorted(buckets)) or 'a bucket'}: a lost event stays lost"


@rule(INFRASTRUCTURE)
def what_is_published_is_heard(world):
    """Whatever a role may publish, a rule of that bus takes to a queue; and no rule of ours waits for what nobody publishes."""
    published = set()
    for _, found in world.identity_policies():
        for statement in found:
            if "events:PutEvents" in listed(statement.get("Action")):
                equal = statement.get("Condition", {}).get("StringEquals", {})
                published |= {
                    (arn.rsplit("/", 1)[-1], source, kind)
                    for arn in listed(statement["Resource"])
                    for source in listed(equal.get("events:source"))
                    for kind in listed(equal.get("events:detail-type"))
                }
    buses = {bus.told("name") for bus in world.of("aws_cloudwatch_event_bus")}
    heard = {
        (one_rule.told("event_bus_name"), source, kind)
        for one_rule in world.of("aws_cloudwatch_event_rule")
        if one_rule.told("event_bus_name") in buses
        for source in pattern_of(one_rule).get("source", [])
        for kind in pattern_of(one_rule).get("detail-type", [])
    }
    for bus, source, kind in sorted(published - heard):
        yield f"nobody hears of '{kind}' of {source} on the bus {bus}: give it a rule"
    # What cannot be decided yet was noted with the policies.
    for bus, source, kind in sorted(heard - published) if not world.undecided else []:
        yield f"a rule of the bus {bus} waits for '{kind}' of {source}, which nobody may publish"


@rule(INFRASTRUCTURE)
def the_bus_takes_from_the_stages_alone(world):
    """Every bus of ours has a policy that denies PutEvents to all but the roles that publish, and an archive."""
    publishers = set()
    for policy, found in world.identity_policies():
        for statement in found:
            if "events:PutEvents" in listed(statement.get("Action")):
                publishers |= {
                    role.told("name")
                    for role in world.of("aws_iam_role")
                    if role in policy.points_at("role", "aws_iam_role")
                }
    for bus in world.of("aws_cloudwatch_event_bus"):
        denied = [
            statement
            for policy in world.of("aws_cloudwatch_event_bus_policy")
            if policy.told("event_bus_name") == bus.told("name")
            for statement in policy.policy()
            if statement["Effect"] == "Deny" and statement["Action"] == "events:PutEvents" and is_everyone(statement)
        ]
        named = {
            arn.rsplit("/", 1)[-1]
            for statement in denied
            for arn in listed(statement.get("Condition", {}).get("ArnNotEquals", {}).get("aws:PrincipalArn"))
        }
        if not denied:
            yield f"{bus} has no policy that denies PutEvents to others: a forged event would be taken for a stage's word"
        elif named != publishers:
            yield f"{bus} takes events from {sorted(named)}, and those that publish are {sorted(publishers)}"
        if not any(
            bus in archive.points_at("event_source_arn", "aws_cloudwatch_event_bus")
            for archive in world.of("aws_cloudwatch_event_archive")
        ):
            yield f"{bus} has no archive: what went astray could not be replayed"


def is_everyone(statement):
    return statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})


@rule()
def nobody_invokes_a_function_directly(world):
    """No function can be invoked from outside its role, and has no address on the internet."""
    for resource in world.of(
        "aws_lambda_permission", "aws_lambda_function_url", "aws_lambda_function_event_invoke_config"
    ):
        yield f"{resource} lets something invoke a function: the stack feeds functions by their queues only"


# -- Functions ---------------------------------------------------------------------------------------------------------


@rule(INFRASTRUCTURE)
def log_groups_come_first(world):
    """Every function has a log group of its exact name, with retention and key, made before it."""
    for function in world.of("aws_lambda_function"):
        name = f"/aws/lambda/{function.told('function_name')}"
        groups = [group for group in world.of("aws_cloudwatch_log_group") if group.told("name") == name]
        if not groups:
            yield f"{function} has no log group {name}: Lambda would make one that keeps everything, unencrypted"
        for group in groups:
            if not group.told("retention_in_days"):
                yield f"{group} keeps logs for ever: set retention_in_days"
            if not group.points_at("kms_key_id", "aws_kms_key"):
                yield f"{group} is not encrypted with the stack's key: set kms_key_id"
            if not function.follows(group):
                yield f"{function} does not wait for {group}: name the group in its depends_on, or Lambda may make it first"
            if function.told("logging_config.log_group") != name:
                yield f"{function} logs to {function.told('logging_config.log_group')}, not to {name}"


@rule(INFRASTRUCTURE)
def functions_wait_for_their_permissions(world):
    """Every function is made after the policies of its role."""
    for function in world.of("aws_lambda_function"):
        for role in function.points_at("role", "aws_iam_role"):
            for policy in world.of("aws_iam_role_policy"):
                if role in policy.points_at("role", "aws_iam_role") and not function.follows(policy):
                    yield f"{function} does not wait for {policy}: its first invocation could be refused"


# Left out where it has no value; the function knows its default, or nobody to mail.
OPTIONAL_SETTINGS = {
    "GRISTMILL_MAX_FILE_BYTES",
    "GRISTMILL_MAX_UNPACKED_BYTES",
    "GRISTMILL_MAX_UNPACKED_RATIO",
    "GRISTMILL_RECIPIENTS",
}


@rule(INFRASTRUCTURE)
def functions_are_told_what_they_read(world):
    """Every function gets the environment variables of environment.json, which its code is compared with, and no others."""
    listing = json.loads((world.folder / "environment.json").read_text(encoding="utf-8"))
    found = {}
    for function in world.of("aws_lambda_function"):
        stage = function.told("function_name").rsplit("-", 1)[-1]
        found[stage] = function
        variables = function.told("environment.variables") or {}
        if stage not in listing:
            yield f"{function} is not in environment.json"
            continue
        wanted, optional = set(listing[stage]), OPTIONAL_SETTINGS
        if (world.variables.get("limits") or {}).get("max_file_bytes") is not None:
            optional = {"GRISTMILL_RECIPIENTS"} if not world.variables.get("recipients") else set()
        missing, extra = wanted - optional - variables.keys(), variables.keys() - wanted
        if missing:
            yield f"{function} is not told {', '.join(sorted(missing))}, which environment.json lists"
        if extra:
            yield f"{function} is told {', '.join(sorted(extra))}, which nothing reads"
        for name, value in variables.items():
            if not value:
                yield f"{function} is told an empty {name}"
    for stage in sorted(listing.keys() - found.keys()):
        yield f"environment.json lists {stage}, and there is no such function"


# -- Alarms ------------------------------------------------------------------------------------------------------------


@rule(INFRASTRUCTURE)
def functions_have_alarms(world):
    """Every function has alarms on errors, on throttles, and on a duration near its timeout."""
    for function in world.of("aws_lambda_function"):
        dimensions = {"FunctionName": function.told("function_name")}
        for metric in ("Errors", "Throttles"):
            if not any(fires_above(alarm, 0) for alarm in world.alarms(metric, **dimensions)):
                yield f"{function} has no alarm for {metric} above 0"
        timeout = 1000 * function.told("timeout")
        near = [
            a
            for a in world.alarms("Duration", **dimensions)
            if timeout / 2 <= a.told("threshold") < timeout and above(a)
        ]
        if not near:
            yield f"{function} has no alarm for a Duration between half of its timeout and all of it ({timeout} ms)"


@rule(INFRASTRUCTURE)
def queues_have_alarms(world):
    """Every queue has an alarm on the age of its oldest message, every dead-letter queue one on any message."""
    for queue in world.queues():
        alarms = world.alarms("ApproximateAgeOfOldestMessage", QueueName=queue.told("name"))
        if not any(above(a) and a.told("threshold") < queue.told("message_retention_seconds") for a in alarms):
            yield f"{queue} has no alarm for ApproximateAgeOfOldestMessage below what it keeps"
    for queue in world.dead_letter_queues():
        alarms = world.alarms("ApproximateNumberOfMessagesVisible", QueueName=queue.told("name"))
        if not any(fires_above(alarm, 0) for alarm in alarms):
            yield f"{queue} has no alarm for ApproximateNumberOfMessagesVisible above 0: work that was given up would not be seen"


def above(alarm):
    return (
        alarm.told("comparison_operator") in ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold")
        and alarm.told("actions_enabled") is not False
    )


def fires_above(alarm, number):
    bound = {"GreaterThanThreshold": number, "GreaterThanOrEqualToThreshold": number + 1}
    return (
        above(alarm)
        and alarm.told("threshold") == bound[alarm.told("comparison_operator")]
        and alarm.told("statistic") in ("Sum", "Maximum")
    )


@rule(INFRASTRUCTURE)
def every_alarm_tells_the_topic(world):
    """Every alarm tells the stack's topic, and the topic lets alarms in."""
    topics = world.of("aws_sns_topic")
    for alarm in world.of("aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm"):
        told = listed(alarm.told("alarm_actions"))
        if not any(topic.is_called(arn) for topic in topics for arn in told):
            yield f"{alarm} tells nobody: put the topic into alarm_actions"
    for topic in topics:
        services = {
            service
            for statement in world.policies("aws_sns_topic_policy", "arn", topic)
            if statement["Effect"] == "Allow" and "sns:Publish" in listed(statement.get("Action"))
            for service in listed(statement["Principal"].get("Service"))
        }
        for service in ("cloudwatch.amazonaws.com",) + (
            ("budgets.amazonaws.com",) if world.of("aws_budgets_budget") else ()
        ):
            if service not in services:
                yield f"{topic} does not let {service} publish: what it would tell is lost"


@rule(INFRASTRUCTURE)
def files_in_and_no_report_out_is_seen(world):
    """An alarm compares what was dropped with what the last stage finished; SES's word, which reaches it too, does not count."""
    arrivals = {
        one_rule.told("name")
        for one_rule in world.of("aws_cloudwatch_event_rule")
        if pattern_of(one_rule).get("detail-type") == ["Object Created"]
    }
    words = {r.told("name") for r in world.of("aws_cloudwatch_event_rule") if "aws.ses" in pattern_of(r).get("source", [])}
    for alarm in world.of("aws_cloudwatch_metric_alarm"):
        metrics = [metric for query in listed(alarm.told("metric_query")) for metric in listed(query.get("metric"))]
        seen = {(m["metric_name"], *sorted((m.get("dimensions") or {}).values())) for m in metrics}
        if any(("TriggeredRules", name) in seen for name in arrivals) and any(
            ("Invocations", function.told("function_name")) in seen
            for function in world.of("aws_lambda_function")
            if function.told("function_name").endswith("-notifier")
        ):
            if above(alarm) and any(
                query.get("return_data") and query.get("expression") for query in alarm.told("metric_query")
            ):
                for name in sorted(words):
                    if ("TriggeredRules", name) not in seen:
                        yield f"{alarm} takes what {name} hears for a report: subtract its TriggeredRules"
                return
    yield "no alarm compares TriggeredRules of the rule that sees files with Invocations of the notifier: a silent loss stays silent"


# Kinds of events that somebody must look at.
TROUBLE = {
    "a file that was overlooked": ["File Overlooked"],
    "a mail that did not arrive": ["Email Bounced", "Email Complaint Received", "Email Rejected", "Email Rendering Failed"],
}


@rule(INFRASTRUCTURE)
def trouble_that_is_heard_of_is_seen(world):
    """A file that was overlooked and a mail that did not arrive raise an alarm, which counts nothing else."""
    for what, kinds in TROUBLE.items():
        rules_of = [r for r in world.of("aws_cloudwatch_event_rule") if set(pattern_of(r).get("detail-type", [])) & set(kinds)]
        if not rules_of:
            yield f"no rule hears of {what}"
        for one_rule in rules_of:
            if more := sorted(set(pattern_of(one_rule)["detail-type"]) - set(kinds)):
                yield f"{one_rule} hears of {what} and of {', '.join(more)}: its count would be of both"
            bus = one_rule.told("event_bus_name")
            dimensions = {"RuleName": one_rule.told("name")} | ({} if bus == "default" else {"EventBusName": bus})
            if not any(fires_above(alarm, 0) for alarm in world.alarms("TriggeredRules", **dimensions)):
                yield f"{one_rule} has no alarm for TriggeredRules above 0: {what} would not be seen"


@rule(INFRASTRUCTURE)
def events_that_are_lost_are_seen(world):
    """Every rule is watched for events that reached neither queue nor dead-letter queue."""
    watched = {
        (metric.get("dimensions") or {}).get("RuleName")
        for alarm in world.of("aws_cloudwatch_metric_alarm")
        for query in listed(alarm.told("metric_query"))
        for metric in listed(query.get("metric"))
        if metric["metric_name"] == "InvocationsFailedToBeSentToDlq"
    }
    for one_rule in world.of("aws_cloudwatch_event_rule"):
        if one_rule.told("name") not in watched:
            yield f"{one_rule} has no alarm for InvocationsFailedToBeSentToDlq"


# -- Permissions -------------------------------------------------------------------------------------------------------

ATTACHMENTS = (
    "aws_iam_role_policy_attachment",
    "aws_iam_policy_attachment",
    "aws_iam_user_policy_attachment",
    "aws_iam_group_policy_attachment",
    "aws_iam_role_policy_attachments_exclusive",
)


@rule(INFRASTRUCTURE)
def no_managed_policy_is_attached(world):
    """No role gets a managed policy: each says by itself what it may do."""
    for attachment in world.of(*ATTACHMENTS):
        yield f"{attachment} attaches {attachment.known('policy_arn') or 'a managed policy'}: write out what the role needs"
    for role in world.of("aws_iam_role"):
        if role.known("managed_policy_arns"):
            yield f"{role} has managed policies: {role.known('managed_policy_arns')}"


@rule("codepipeline")
def no_managed_policy_of_aws_is_attached(world):
    """No role gets one of AWS's own policies, which grant what AWS likes."""
    for attachment in world.of(*ATTACHMENTS):
        if ":iam::aws:" in str(attachment.known("policy_arn")):
            yield f"{attachment} attaches {attachment.told('policy_arn')}: write out what the role needs"
    for role in world.of("aws_iam_role"):
        if role.known("managed_policy_arns"):
            yield f"{role} has managed policies: {role.known('managed_policy_arns')}"


SERVICES = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_"
# Statements that may speak of any resource, or of any of a kind without a condition: Sid -> why, with the page of AWS.
UNNAMED = {
    "infrastructure": {},
    "codepipeline": {
        "ListWhatHasNoResource": f"AWS knows no resource for these: {SERVICES}amazoncloudwatchlogs.html and others, beside the statement",
        "CreateMappings": f"a mapping has no ARN before it is made: {SERVICES}awslambda.html",
        "ReadMappingsTags": f"which function a mapping belongs to is no part of this request: {SERVICES}awslambda.html",
        "ChangeTheBussPolicy": f"AWS knows no resource for a bus's policy: {SERVICES}amazoneventbridge.html",
        "EndSubscriptions": f"AWS knows no resource for a subscription: {SERVICES}amazonsns.html",
        "MakeTheKey": f"a key has no ARN before it is made: {SERVICES}awskeymanagementservice.html",
        "AskModels": "the boundary leaves the model to the stack, whose own policy names it",
    },
}


@rule()
def permissions_name_actions_and_resources(world):
    """Every statement of a role allows named actions on named resources, or says by a page of AWS why it cannot."""
    unnamed = UNNAMED[world.folder.name]
    for policy, found in world.identity_policies():
        for statement in found:
            what = f"{policy}, {statement.get('Sid', 'a statement without a Sid')}"
            if "NotAction" in statement or "NotResource" in statement:
                yield f"{what}: name what is allowed, not what is not"
            if statement["Effect"] != "Allow":
                continue
            for action in listed(statement.get("Action")):
                if "*" in action:
                    yield f"{what}: {action} is a wildcard: name the actions one by one"
            for resource in listed(statement.get("Resource")):
                if statement.get("Sid") in unnamed:
                    continue
                if is_anything(resource):
                    yield f"{what}: {resource} is any resource: name it, or list the statement in UNNAMED with the page of AWS"
                elif is_any_of_a_kind(resource) and not statement.get("Condition"):
                    yield f"{what}: {resource} is any of a kind: name it, or say by a condition which"


def is_anything(resource):
    parts = resource.split(":", 5)
    return len(parts) < 6 or "*" in parts[2] or parts[5].startswith("*")


def is_any_of_a_kind(resource):
    return re.fullmatch(r"[a-z-]+[:/]\*", resource.split(":", 5)[5]) is not None


@rule()
def statements_have_a_sid(world):
    """Every statement of every policy has a Sid that is unique in it."""
    for resource in world.resources:
        for attribute in ("policy", "assume_role_policy"):
            if resource.type in ("aws_sqs_queue", "aws_sns_topic", "aws_s3_bucket", "aws_cloudwatch_event_bus"):
                # Computed, and told by the resource that holds the policy.
                continue
            try:
                policy = resource.told(attribute)
            except Undecided as what:
                world.undecided.append(str(what))
                continue
            if not isinstance(policy, str) or not policy.startswith("{"):
                continue
            sids = [statement.get("Sid") for statement in statements(policy)]
            if None in sids or "" in sids:
                yield f"{resource}: a statement has no Sid that says what it is for"
            for sid in {sid for sid in sids if sids.count(sid) > 1}:
                yield f"{resource}: two statements are called {sid}"


# What each action must be limited by: a pattern of actions, the keys of its condition.
LIMITED = {
    "events:PutEvents": {"events:source", "events:detail-type"},
    "ses:Send*": {"ses:FromAddress"},
    "s3:ListBucket*": {"s3:prefix"},
}


@rule(INFRASTRUCTURE)
def permissions_are_limited_by_conditions(world):
    """Who publishes does so as itself, who mails does so as one address, who lists does so below a prefix."""
    for policy, found in world.identity_policies():
        for statement in found:
            keys = {
                key
                for names in statement.get("Condition", {}).values()
                for key, wanted in names.items()
                if wanted and "*" not in listed(wanted)
            }
            for action in listed(statement.get("Action")):
                for pattern, wanted in LIMITED.items():
                    if fnmatch.fnmatchcase(action, pattern) and not wanted <= keys:
                        yield f"{policy}, {statement['Sid']}: {action} needs a condition on {', '.join(sorted(wanted - keys))}"


@rule(INFRASTRUCTURE)
def keys_are_used_through_a_service(world):
    """Whoever may use a key may do so through one service, or for one function."""
    for policy, found in world.identity_policies():
        for statement in found:
            if any(action.startswith("kms:") for action in listed(statement.get("Action"))):
                keys = {key for names in statement.get("Condition", {}).values() for key in names}
                if not any(key == "kms:ViaService" or key.startswith("kms:EncryptionContext:") for key in keys):
                    yield f"{policy}, {statement['Sid']}: a key may be used for anything: add kms:ViaService or an encryption context"


@rule(INFRASTRUCTURE)
def roles_are_for_functions(world):
    """Every role is assumed by Lambda alone, and every function has one of its own."""
    for role in world.of("aws_iam_role"):
        for statement in role.policy("assume_role_policy"):
            if statement["Principal"] != {"Service": "lambda.amazonaws.com"}:
                yield f"{role} can be assumed by {statement['Principal']}"
        users = [
            function
            for function in world.of("aws_lambda_function")
            if role in function.points_at("role", "aws_iam_role")
        ]
        if len(users) != 1:
            yield f"{role} is the role of {len(users)} functions: one each"


# -- Transport, storage and keys ---------------------------------------------------------------------------------------

# Kind, the kind of its policy, the attribute that names it, an action that the denial must cover.
OVER_TLS = [
    ("aws_s3_bucket", "aws_s3_bucket_policy", "bucket", "s3:GetObject"),
    ("aws_sqs_queue", "aws_sqs_queue_policy", "queue_url", "sqs:SendMessage"),
    ("aws_sns_topic", "aws_sns_topic_policy", "arn", "sns:Publish"),
]


@rule()
def nothing_goes_over_plain_http(world):
    """Every bucket, queue and topic denies requests that do not come over TLS."""
    for kind, policy_kind, attribute, action in OVER_TLS:
        for resource in world.of(kind):
            if not any(
                denies_plain_http(statement, action, resource)
                for statement in world.policies(policy_kind, attribute, resource)
            ):
                yield f"{resource} takes plain HTTP: deny what has aws:SecureTransport false, for everyone, on the whole of it"


def denies_plain_http(statement, action, resource):
    covered = listed(statement.get("Resource"))
    name = resource.told("bucket") or resource.told("name")
    wanted = [name, f"{name}/*"] if resource.type == "aws_s3_bucket" else [name]
    return (
        statement["Effect"] == "Deny"
        and is_everyone(statement)
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        and any(fnmatch.fnmatchcase(action, pattern) for pattern in listed(statement.get("Action")))
        and all(any(arn.endswith(f":{end}") for arn in covered) for end in wanted)
    )


OUTPUTS = ("processed", "rejected", "manifests")
# Who writes below each prefix, beside those that a person names in `output_administrators`.
WRITERS = {**{name: ["processor"] for name in OUTPUTS}, "ledger": ["processor", "notifier"]}
# How far the sweep looks back.
SWEPT_DAYS = 14


@rule(INFRASTRUCTURE)
def outputs_and_ledger_are_written_once_and_by_their_own(world):
    """The bucket denies replacing an output or a note, and writing or deleting one to all but the processor; notes are the notifier's, too."""
    for bucket in world.of("aws_s3_bucket"):
        denied = [
            s
            for s in world.policies("aws_s3_bucket_policy", "bucket", bucket)
            if s["Effect"] == "Deny" and is_everyone(s)
        ]
        name = bucket.told("bucket")
        for prefix, writers in WRITERS.items():
            about = [s for s in denied if any(arn.endswith(f":::{name}/{prefix}/*") for arn in listed(s["Resource"]))]
            # (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html)
            once = {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}
            if not any(s.get("Condition") == once and "s3:PutObject" in listed(s["Action"]) for s in about):
                yield f"{bucket}: what is under {prefix}/ can be replaced: deny s3:PutObject without If-None-Match"
            for action in ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
                if not any(only(writers, s, world) and action in listed(s["Action"]) for s in about):
                    yield f"{bucket}: others than {' and '.join(writers)} have {action} under {prefix}/"
            for s in about:
                if missing := [writer for writer in writers if spared(s, world) and writer not in spared(s, world)]:
                    yield f"{bucket}, {s['Sid']}: the {' and the '.join(missing)} may not write under {prefix}/"


def spared(statement, world):
    """The stages that a denial leaves out, beside whom a person named."""
    named = listed(statement.get("Condition", {}).get("ArnNotEquals", {}).get("aws:PrincipalArn"))
    return [arn.rsplit("-", 1)[-1] for arn in named if arn not in listed(world.variables.get("output_administrators"))]


def only(writers, statement, world):
    return spared(statement, world) == writers and "*" not in json.dumps(statement["Condition"])


@rule()
def buckets_are_private_and_versioned(world):
    """Every bucket blocks public access, keeps versions, is encrypted and has no access control lists."""
    for bucket in world.of("aws_s3_bucket"):

        def attached(kind):
            return [r for r in world.of(kind) if bucket in r.points_at("bucket", "aws_s3_bucket")]

        blocks = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
        if not any(all(b.told(name) for name in blocks) for b in attached("aws_s3_bucket_public_access_block")):
            yield f"{bucket} does not block all four kinds of public access"
        if not any(
            v.told("versioning_configuration.status") == "Enabled" for v in attached("aws_s3_bucket_versioning")
        ):
            yield f"{bucket} keeps no versions: a run reads the version that its event names"
        if not attached("aws_s3_bucket_server_side_encryption_configuration"):
            yield f"{bucket} does not say how it is encrypted"
        if not any(
            o.told("rule.object_ownership") == "BucketOwnerEnforced"
            for o in attached("aws_s3_bucket_ownership_controls")
        ):
            yield f"{bucket} has access control lists: set object_ownership to BucketOwnerEnforced"


@rule(INFRASTRUCTURE)
def the_bucket_tells_the_default_bus(world):
    """The bucket's events go to EventBridge."""
    for bucket in world.of("aws_s3_bucket"):
        told = [n for n in world.of("aws_s3_bucket_notification") if bucket in n.points_at("bucket", "aws_s3_bucket")]
        if not any(n.told("eventbridge") for n in told):
            yield f"{bucket} does not tell EventBridge of its objects: nothing would ever run"


@rule(INFRASTRUCTURE)
def what_is_old_goes_and_contracts_stay(world):
    """The lifecycle removes old files, earlier versions and what was never finished; a contract in use it leaves alone."""
    for bucket in world.of("aws_s3_bucket"):
        rules_of = [
            one_rule
            for lifecycle in world.of("aws_s3_bucket_lifecycle_configuration")
            if bucket in lifecycle.points_at("bucket", "aws_s3_bucket")
            for one_rule in listed(lifecycle.told("rule"))
            if one_rule["status"] == "Enabled"
        ]

        def about(prefix):
            return [r for r in rules_of if prefix.startswith(prefix_of(r))]

        for prefix in ("input/",) + tuple(f"{name}/" for name in WRITERS):
            if not any(number(r, "expiration", "days") for r in about(prefix)):
                yield f"{bucket}: what is under {prefix} never expires"
            if not any(
                r.get("transition") and r["transition"][0]["storage_class"] == "INTELLIGENT_TIERING"
                for r in about(prefix)
            ):
                yield f"{bucket}: what is under {prefix} never moves to cheaper storage"
        for prefix in ("input/", "contracts/") + tuple(f"{name}/" for name in WRITERS):
            if not any(number(r, "noncurrent_version_expiration", "noncurrent_days") for r in about(prefix)):
                yield f"{bucket}: earlier versions under {prefix} never expire"
        # A note that goes before the sweep is done with the file makes it a file that was overlooked.
        for one_rule in about("ledger/x.json"):
            for found in listed(one_rule.get("expiration")):
                if found.get("date") or (found.get("days") or SWEPT_DAYS + 1) <= SWEPT_DAYS:
                    yield f"{bucket}: the lifecycle rule {one_rule['id']} forgets notes within the {SWEPT_DAYS} days that the sweep looks back"
        for one_rule in about("contracts/x.json"):
            if one_rule.get("expiration") and any(number(one_rule, "expiration", name) for name in ("days", "date")):
                yield f"{bucket}: the lifecycle rule {one_rule['id']} deletes contracts in use"
        if not any(
            prefix_of(r) == "" and number(r, "abort_incomplete_multipart_upload", "days_after_initiation")
            for r in rules_of
        ):
            yield f"{bucket}: uploads that were cut off are kept for ever"


def prefix_of(lifecycle_rule):
    for found in listed(lifecycle_rule.get("filter")):
        for inner in [found, *listed(found.get("and"))]:
            if inner.get("prefix"):
                return inner["prefix"]
    return lifecycle_rule.get("prefix") or ""


def number(lifecycle_rule, block, name):
    return any(found.get(name) for found in listed(lifecycle_rule.get(block)))


@rule(INFRASTRUCTURE)
def the_table_survives_mistakes(world):
    """Every table can be restored, is protected where that is asked for, forgets by `ttl`, and has the stack's key."""
    for table in world.of("aws_dynamodb_table"):
        if not table.told("point_in_time_recovery.enabled"):
            yield f"{table} cannot be restored to a point in time"
        if not (table.told("ttl.enabled") and table.told("ttl.attribute_name") == "ttl"):
            yield f"{table} does not forget by the attribute ttl, which the functions write"
        if world.variables.get("deletion_protection", True) and not table.told("deletion_protection_enabled"):
            yield f"{table} is not protected from deletion"
        if table.told("billing_mode") != "PAY_PER_REQUEST":
            yield f"{table} is not paid by request"
        if not (
            table.told("server_side_encryption.enabled")
            and table.points_at("server_side_encryption.kms_key_arn", "aws_kms_key")
        ):
            yield f"{table} is not encrypted with the stack's key"
        indexes = {i["name"]: (i["hash_key"], i["range_key"]) for i in listed(table.told("global_secondary_index"))}
        wanted = {
            "by-dataset": ("dataset", "analysis_timestamp"),
            "by-correlation-id": ("correlation_id", "analysis_timestamp"),
        }
        if indexes != wanted:
            yield f"{table} has the indexes {indexes}, not {wanted}"


ENCRYPTED = [
    ("aws_sqs_queue", "kms_master_key_id"),
    ("aws_sns_topic", "kms_master_key_id"),
    ("aws_lambda_function", "kms_key_arn"),
    ("aws_cloudwatch_log_group", "kms_key_id"),
]


@rule(INFRASTRUCTURE)
def what_is_stored_has_the_stacks_key(world):
    """Every queue, topic, function and log group is encrypted with a key of the stack."""
    for kind, attribute in ENCRYPTED:
        for resource in world.of(kind):
            if not resource.points_at(attribute, "aws_kms_key"):
                yield f"{resource} is not encrypted with the stack's key: set {attribute}"


@rule(INFRASTRUCTURE)
def keys_let_services_in(world):
    """A key that a queue, a topic or a log group uses lets in the service that writes there, for this account alone."""
    needs = [
        ("aws_sqs_queue", "kms_master_key_id", "events.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey"]),
        ("aws_sns_topic", "kms_master_key_id", "cloudwatch.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey"]),
        (
            "aws_cloudwatch_log_group",
            "kms_key_id",
            "logs.*.amazonaws.com",
            ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
        ),
    ]
    if world.of("aws_budgets_budget"):
        needs.append(
            ("aws_sns_topic", "kms_master_key_id", "budgets.amazonaws.com", ["kms:Decrypt", "kms:GenerateDataKey"])
        )
    keys = {
        (key, service): actions
        for kind, name, service, actions in needs
        for r in world.of(kind)
        for key in r.points_at(name, "aws_kms_key")
    }
    for (key, service), actions in keys.items():
        allowed = [
            s
            for s in key.policy()
            if s["Effect"] == "Allow"
            and any(fnmatch.fnmatchcase(name, service) for name in listed(s["Principal"].get("Service")))
        ]
        for action in actions:
            if not any(fnmatch.fnmatchcase(action, pattern) for s in allowed for pattern in listed(s["Action"])):
                yield f"{key} does not let {service} use {action}: what it sends would be lost without a word"
        for statement in allowed:
            condition = json.dumps(statement.get("Condition", {}))
            if not (
                "aws:SourceAccount" in condition
                or "aws:SourceArn" in condition
                or "kms:EncryptionContext:" in condition
            ):
                yield f"{key}, {statement['Sid']}: {service} may use it for any account: add aws:SourceAccount"


@rule()
def keys_rotate(world):
    """Every key is replaced by itself once a year, and can be called back for a week at least."""
    for key in world.of("aws_kms_key"):
        if not key.told("enable_key_rotation"):
            yield f"{key} does not rotate"
        if (key.told("deletion_window_in_days") or 30) < 7:
            yield f"{key} is gone too soon after its deletion"


# -- Mail and money ----------------------------------------------------------------------------------------------------


# SES's kinds of events, and what a rule must ask for: on a bus each has another name.
# (https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html)
WORDS_OF_SES = {
    "SEND": "Email Sent",
    "DELIVERY": "Email Delivered",
    "DELIVERY_DELAY": "Email Delivery Delayed",
    "BOUNCE": "Email Bounced",
    "COMPLAINT": "Email Complaint Received",
    "REJECT": "Email Rejected",
    "RENDERING_FAILURE": "Email Rendering Failed",
}


@rule(INFRASTRUCTURE)
def mail_is_sent_over_tls_and_followed(world):
    """The configuration set asks for TLS, SES tells what became of every mail, and rules take all of it to the notifier."""
    for configuration_set in world.of("aws_sesv2_configuration_set"):
        if configuration_set.told("delivery_options.tls_policy") != "REQUIRE":
            yield f"{configuration_set} sends mail in the clear where a server offers no TLS"
        name = configuration_set.told("configuration_set_name")
        kinds = {
            kind
            for destination in world.of("aws_sesv2_configuration_set_event_destination")
            if destination.told("configuration_set_name") == name
            and destination.told("event_destination.enabled")
            and destination.told("event_destination.event_bridge_destination.event_bus_arn")
            for kind in destination.told("event_destination.matching_event_types")
        }
        if not WORDS_OF_SES.keys() <= kinds:
            yield f"{configuration_set} does not tell EventBridge of {', '.join(sorted(WORDS_OF_SES.keys() - kinds))}"
        heard = {
            kind
            for one_rule in world.of("aws_cloudwatch_event_rule")
            if one_rule.told("event_bus_name") == "default"
            and pattern_of(one_rule).get("source") == ["aws.ses"]
            and pattern_of(one_rule).get("detail") == {"mail": {"tags": {"ses:configuration-set": [name]}}}
            and any(
                function.told("function_name").endswith("-notifier")
                for target in targets_of(world, one_rule)
                for queue in target.points_at("arn", "aws_sqs_queue")
                for function in world.readers(queue)
            )
            for kind in pattern_of(one_rule).get("detail-type", [])
        }
        for kind in sorted(set(WORDS_OF_SES.values()) - heard):
            yield f"no rule takes '{kind}' of {configuration_set} to the notifier"


@rule(INFRASTRUCTURE)
def the_budget_tells_somebody(world):
    """Every budget tells the topic before the money is spent."""
    for budget in world.of("aws_budgets_budget"):
        for notification in listed(budget.told("notification")):
            if notification["threshold"] > 100:
                yield f"{budget} tells when more is spent than it allows"
        if not listed(budget.told("notification")):
            yield f"{budget} tells nobody"


# -- The pipeline ------------------------------------------------------------------------------------------------------


@rule("codepipeline")
def builds_are_not_privileged(world):
    """No build may run Docker's daemon, which is to be root on its host."""
    for project in world.of("aws_codebuild_project"):
        if project.told("environment.privileged_mode"):
            yield f"{project} is privileged"


# -- The files ---------------------------------------------------------------------------------------------------------


@rule()
def nothing_is_hard_coded(world):
    """No Terraform file names an account, a region or a partition; what is only shown to a person may."""
    shown = re.compile(r"^\s*(description|error_message|alarm_description)\s*=")
    for path in sorted(world.folder.rglob("*.tf")):
        if ".terraform" in path.parts or path.name.endswith("_override.tf"):
            continue
        for number_of, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            code = re.split(r"(?:^|\s)(?:#|//)", line)[0]
            if shown.match(code):
                continue
            for what, pattern in HARD_CODED.items():
                if found := re.search(pattern, code):
                    yield f"{path.relative_to(world.folder)}:{number_of} names {what} ({found[0]}): take it from a variable or a data source"


HARD_CODED = {
    "an account": r"(?<![0-9])[0-9]{12}(?![0-9])",
    "a region": r"\b(?:us|eu|ap|sa|ca|me|af|il|mx|cn)-(?:gov-|iso[a-z]?-)?(?:north|south|east|west|central)[a-z]*-[0-9]\b",
    "a partition": r"\barn:aws[a-z-]*:",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", choices=ROOTS)
    parser.add_argument("--list", action="store_true", help="the rules")
    options = parser.parse_args()
    if options.list:
        for root in ROOTS:
            print(f"{root}: {len(RULES[root])} rules")
            for name, function in RULES[root].items():
                print(f"  {name}: {function.__doc__}")
        return
    if not options.root:
        parser.error("which root is it?")
    wrong, undecided = broken(json.load(sys.stdin), options.root)
    for line in wrong:
        print(f"BROKEN {line}")
    for line in undecided:
        print(f"undecided {line}")
    print(f"{len(RULES[options.root])} rules, {len(wrong)} breaches, {len(undecided)} undecided")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
