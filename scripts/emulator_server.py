#!/usr/bin/env python3
"""moto as a server, with what it lacks for Gristmill's stack. Started by emulator.py, with moto's own Python.

Each class below supplies one thing that moto 5.2.5 leaves out or does otherwise than AWS, with the page of AWS that says
what is right. A thing that moto learns by itself can be taken out here.
"""

import argparse
import json
import os
import sys
import threading

from moto.budgets.exceptions import NotFoundException
from moto.budgets.responses import BudgetsResponse
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response
from moto.ses.models import ConfigurationSet
from moto.sesv2.responses import SESV2Response
from moto.sqs.models import Queue
from werkzeug.serving import make_server


def replaces(owner, name):
    """Puts a function in the place of one of moto's, which it gets as its first argument."""

    def put(function):
        original = getattr(owner, name)
        setattr(owner, name, lambda *args, **named: function(original, *args, **named))
        return function

    return put


def adds(owner):
    """Gives a class of moto's a function that it lacks."""

    def put(function):
        if hasattr(owner, function.__name__):
            raise RuntimeError(f"moto has {owner.__name__}.{function.__name__} of its own now: take ours out")
        setattr(owner, function.__name__, function)
        return function

    return put


# SQS: attributes that a call does not name keep their values; moto forgets the queue's policy at every such call.
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html)
@replaces(Queue, "_set_attributes")
def keep_what_is_not_named(original, queue, attributes, now=None):
    policy = attributes["Policy"] if "Policy" in attributes else getattr(queue, "policy", None)
    original(queue, attributes, now)
    queue.policy = policy


# SQS: RedriveAllowPolicy is an attribute as RedrivePolicy is; moto takes it and never gives it back.
# (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html)
Queue.redrive_allow_policy = None
Queue.BASE_ATTRIBUTES.append("RedriveAllowPolicy")


# S3: how many earlier versions a lifecycle rule keeps whatever their age; moto does not keep the number.
# (https://docs.aws.amazon.com/AmazonS3/latest/API/API_NoncurrentVersionExpiration.html)
@replaces(FakeBucket, "set_lifecycle")
def with_newer_versions(original, bucket, rules):
    original(bucket, rules)
    for kept, rule in zip(bucket.rules, rules):
        kept.newer_noncurrent_versions = (rule.get("NoncurrentVersionExpiration") or {}).get("NewerNoncurrentVersions")


@replaces(S3Response, "serialized")
def tell_newer_versions(original, response, action_result):
    found = getattr(action_result, "result", None)
    if response.data.get("Action") == "GetBucketLifecycleConfiguration" and isinstance(found, dict) and "Rules" in found:
        rules = response.backend.get_bucket_lifecycle(response.bucket_name)
        for told, rule in zip(found["Rules"], rules):
            if rule.newer_noncurrent_versions:
                told["NoncurrentVersionExpiration"]["NewerNoncurrentVersions"] = rule.newer_noncurrent_versions
    return original(response, action_result)


# SES: GetConfigurationSet gives SendingOptions as they were set; moto puts them one level too deep.
# (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetConfigurationSet.html)
@replaces(ConfigurationSet, "to_dict_v2")
def with_flat_sending_options(original, configuration_set):
    told = original(configuration_set)
    enabled = told["SendingOptions"]["SendingEnabled"]
    if isinstance(enabled, dict):
        told["SendingOptions"] = enabled
    # What was not set is absent, and not an empty structure.
    return {name: value for name, value in told.items() if value not in ({}, None)}


# SES: the event destinations of a configuration set; moto's second version of the API has none.
# (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateConfigurationSetEventDestination.html)
def destinations(response):
    configuration_set = response.sesv2_backend.get_configuration_set(response._get_param("ConfigurationSetName"))
    return configuration_set.__dict__.setdefault("event_destinations_v2", {})


@adds(SESV2Response)
def create_configuration_set_event_destination(response):
    name = response._get_param("EventDestinationName")
    destinations(response)[name] = {"Name": name, **response._get_param("EventDestination")}
    return json.dumps({})


@adds(SESV2Response)
def update_configuration_set_event_destination(response):
    name = response._get_param("EventDestinationName")
    destinations(response)[name] = {"Name": name, **response._get_param("EventDestination")}
    return json.dumps({})


@adds(SESV2Response)
def get_configuration_set_event_destinations(response):
    return json.dumps({"EventDestinations": list(destinations(response).values())})


@adds(SESV2Response)
def delete_configuration_set_event_destination(response):
    destinations(response).pop(response._get_param("EventDestinationName"), None)
    return json.dumps({})


# Budgets: who is told by a notification; moto keeps it and does not give it back.
# (https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_DescribeSubscribersForNotification.html)
@adds(BudgetsResponse)
def describe_subscribers_for_notification(response):
    budget = response.backend.budgets[response._get_param("AccountId")].get(response._get_param("BudgetName"))
    if budget is None:
        raise NotFoundException("the budget doesn't exist.")
    asked = same_notification(response._get_param("Notification"))
    found = [n for n in budget.notifications if same_notification(n.details) == asked]
    return json.dumps({"Subscribers": [subscriber for n in found for subscriber in n.subscribers]})


# Budgets: the tags of a budget; moto has none. Budgets are no resources of a region, and nor are their ARNs.
# (https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_budgets_ListTagsForResource.html)
def budget_tags(response):
    name = response._get_param("ResourceARN").split(":budget/", 1)[-1]
    budget = response.backend.budgets[response.current_account].get(name)
    if budget is None:
        raise NotFoundException("the budget doesn't exist.")
    return budget.__dict__.setdefault("tags", {})


@replaces(BudgetsResponse, "create_budget")
def with_tags(original, response):
    answer = original(response)
    budget = response.backend.budgets[response._get_param("AccountId")][response._get_param("Budget")["BudgetName"]]
    budget.tags = {tag["Key"]: tag["Value"] for tag in response._get_param("ResourceTags") or []}
    return answer


@adds(BudgetsResponse)
def list_tags_for_resource(response):
    return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in budget_tags(response).items()]})


@adds(BudgetsResponse)
def tag_resource(response):
    budget_tags(response).update({tag["Key"]: tag["Value"] for tag in response._get_param("ResourceTags")})
    return json.dumps({})


@adds(BudgetsResponse)
def untag_resource(response):
    for key in response._get_param("ResourceTagKeys"):
        budget_tags(response).pop(key, None)
    return json.dumps({})


def same_notification(details):
    return tuple(str(details.get(name)) for name in ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--limit-seconds", type=int, required=True)
    options = parser.parse_args()

    # A function is stored and not run: moto would want Docker for that.
    default_user_config["lambda"] = {"use_docker": False}

    application, one_at_a_time = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def serial(environ, start_response):
        # moto's models are not made for threads. Connections are: a client may open one that it never uses.
        with one_at_a_time:
            return [b"".join(application(environ, start_response))]

    server = make_server("127.0.0.1", 0, serial, threaded=True, request_handler=MotoRequestHandler)
    os.environ["MOTO_PORT"] = str(server.port)

    def until_the_end_of_input():
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=until_the_end_of_input, daemon=True).start()
    limit = threading.Timer(options.limit_seconds, os._exit, [1])
    limit.daemon = True
    limit.start()
    print(json.dumps({"url": f"http://127.0.0.1:{server.port}"}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
