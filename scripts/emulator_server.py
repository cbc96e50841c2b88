#!/usr/bin/env python3
"""moto as a server, with what it lacks for Gristmill's stack. Started by emulator.py, with moto's own Python.

Each function below that `replaces` or `adds` something supplies what moto 5.2.5 leaves out or does otherwise than AWS, with
the page of AWS that says what is right; S3, EventBridge, SQS and DynamoDB have modules of their own beside this one.
docs/EMULATOR.md lists all of it, and scripts/check_emulator.py holds the list to the code. A thing that moto learns by itself
can be taken out.
"""

import argparse
import datetime
import fnmatch
import json
import os
import re
import sys
import threading
import traceback
import urllib.parse
import uuid

from moto.awslambda.models import LambdaFunction
from moto.budgets.exceptions import NotFoundException
from moto.budgets.responses import BudgetsResponse
from moto.codebuild import responses as codebuild
from moto.codepipeline.responses import CodePipelineResponse
from moto.core.config import default_user_config
from moto.iam.access_control import PermissionResult
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import FakeBucket
from moto.ses.models import ConfigurationSet, ses_backends
from moto.sesv2 import urls as sesv2_urls
from moto.sesv2.models import SESV2Backend
from moto.sesv2.responses import SESV2Response
from moto.sts.models import sts_backends
from werkzeug.serving import make_server

import emulator_dynamodb  # noqa: F401 (it changes moto)
import emulator_s3  # noqa: F401
import emulator_sqs  # noqa: F401
from emulator_events import SERVICE_EVENTS, said_by_a_service
from emulator_lambda import PACKAGES, package
from emulator_patch import REQUEST_ID, adds, replaces, request, turn


# S3: the conditions of a bucket's policy; moto denies whatever a statement with a condition is about. The emulator speaks
# HTTP and stands for HTTPS, so a request counts as secure.
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html,
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html)
def about_the_request():
    """The values of the keys that conditions may ask for; a key without a value is absent."""
    key = re.search(r"Credential=([^/]+)/", request.get("HTTP_AUTHORIZATION", ""))
    account = os.environ["MOTO_ACCOUNT_ID"]
    role = key and sts_backends[account]["aws"].get_assumed_role_from_access_key(key[1])
    query = urllib.parse.parse_qs(request.get("QUERY_STRING", ""), keep_blank_values=True)
    part = "uploads" in query or "partNumber" in query
    values = {
        "aws:SecureTransport": "true",
        "aws:PrincipalArn": role.role_arn if role else f"arn:aws:iam::{account}:root",
        "s3:ObjectCreationOperation": "false" if part else "true",
        "s3:if-none-match": request.get("HTTP_IF_NONE_MATCH"),
        "s3:prefix": query.get("prefix", [None])[0],
    }
    return {name.lower(): value for name, value in values.items() if value is not None}


def listed(value):
    return value if isinstance(value, list) else [value]


def like(value, patterns):
    return any(fnmatch.fnmatchcase(value, pattern.replace("[", "[[]")) for pattern in patterns)


OPERATORS = {
    "Null": lambda value, wanted: (value is None) == (wanted[0] == "true"),
    "Bool": lambda value, wanted: value is not None and value in wanted,
    "StringEquals": lambda value, wanted: value is not None and value in wanted,
    "StringNotEquals": lambda value, wanted: value is None or value not in wanted,
    "StringLike": lambda value, wanted: value is not None and like(value, wanted),
    "StringNotLike": lambda value, wanted: value is None or not like(value, wanted),
    "ArnLike": lambda value, wanted: value is not None and like(value, wanted),
    "ArnNotLike": lambda value, wanted: value is None or not like(value, wanted),
}
OPERATORS["ArnEquals"], OPERATORS["ArnNotEquals"] = OPERATORS["ArnLike"], OPERATORS["ArnNotLike"]


@replaces(FakeBucket, "get_permission")
def by_the_whole_statement(_, bucket, action, resource):
    # moto names the action after the method.
    action = {"s3:PostObject": "s3:PutObject"}.get(action, action)
    values, answer = about_the_request(), PermissionResult.NEUTRAL
    for statement in listed(json.loads(bucket.policy)["Statement"]) if bucket.policy else []:
        if statement["Principal"] not in ("*", {"AWS": "*"}):
            raise NotImplementedError(f"the emulator knows no principal but *: {statement['Principal']}")
        if (
            like(action, listed(statement["Action"]))
            and like(resource, listed(statement["Resource"]))
            and all(
                OPERATORS[operator](values.get(name.lower()), listed(wanted))
                for operator, names in statement.get("Condition", {}).items()
                for name, wanted in names.items()
            )
        ):
            if statement["Effect"] == "Deny":
                return PermissionResult.DENIED
            answer = PermissionResult.PERMITTED
    return answer


# Lambda: how a function logs; moto does not keep it.
# (https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html)
@replaces(LambdaFunction, "__init__")
def with_logging(original, function, *args, **named):
    original(function, *args, **named)
    spec = named.get("spec") or args[1]
    function.logging_config = spec.get("LoggingConfig") or {
        "LogFormat": "Text",
        "LogGroup": f"/aws/lambda/{function.function_name}",
    }


@replaces(LambdaFunction, "update_configuration")
def update_logging(original, function, updates):
    function.logging_config = updates.get("LoggingConfig") or function.logging_config
    return original(function, updates)


@replaces(LambdaFunction, "get_configuration")
def tell_logging(original, function, *args, **named):
    return {**original(function, *args, **named), "LoggingConfig": function.logging_config}


# SES: the tags of an identity are found under its ARN, which begins with identity/; moto's begins with email-identity/.
# (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html)
@replaces(SESV2Backend, "create_email_identity")
def with_tags_under_its_arn(original, backend, email_identity, tags, **named):
    identity = original(backend, email_identity, tags, **named)
    if tags:
        arn = f"arn:{backend.partition}:ses:{backend.region_name}:{backend.account_id}:identity/{email_identity}"
        backend.core_backend.tagger.tag_resource(arn, tags)
    return identity


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


for ending in ("", "/(?P<EventDestinationName>[^/]+)"):
    path = "{0}/v2/email/configuration-sets/(?P<ConfigurationSetName>[^/]+)/event-destinations" + ending + "$"
    sesv2_urls.url_paths[path] = SESV2Response.dispatch


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
    return tuple(
        str(details.get(name)) for name in ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")
    )


# CodeBuild: a project of a pipeline gets its source from there, and has no location of its own; moto asks for one.
# (https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html)
def only_outside_of_a_pipeline(original, part):
    if part.get("type") != "CODEPIPELINE":
        original(part)


for name in ("_validate_required_params_source", "_validate_required_params_artifacts"):
    replaces(codebuild, name)(only_outside_of_a_pipeline)


# CodeBuild: a project's key, and how many builds it runs at a time; moto keeps neither.
# (https://docs.aws.amazon.com/codebuild/latest/APIReference/API_Project.html)
@replaces(codebuild.CodeBuildResponse, "create_project")
def with_key_and_limit(original, response):
    answer = original(response)
    project = response.codebuild_backend.codebuild_projects[response._get_param("name")].project_metadata
    for name in ("encryptionKey", "concurrentBuildLimit"):
        if response._get_param(name) is not None:
            project[name] = response._get_param(name)
    return answer


# CodePipeline: a time is a number of seconds; moto gives a text.
# (https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineMetadata.html)
@replaces(CodePipelineResponse, "get_pipeline")
def with_times_as_numbers(original, response):
    answer = json.loads(original(response))
    for name in ("created", "updated"):
        answer["metadata"][name] = datetime.datetime.fromisoformat(answer["metadata"][name]).timestamp()
    return json.dumps(answer)


# CodeConnections: moto has none. A connection waits for a person who signs in to the repository's host.
# (https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_Connection.html)
CODE_CONNECTIONS = "CodeConnections_20231201."
connections = {}


def code_connections(operation, asked, region):
    """Answers a call with a status and what it says."""
    arn = asked.get("ConnectionArn") or asked.get("ResourceArn")
    if operation == "CreateConnection":
        arn = f"arn:aws:codeconnections:{region}:{os.environ['MOTO_ACCOUNT_ID']}:connection/{uuid.uuid4()}"
        told = {
            "ConnectionName": asked["ConnectionName"],
            "ProviderType": asked.get("ProviderType"),
            "ConnectionArn": arn,
        }
        told |= {"OwnerAccountId": os.environ["MOTO_ACCOUNT_ID"], "ConnectionStatus": "PENDING"}
        connections[arn] = told, {tag["Key"]: tag["Value"] for tag in asked.get("Tags") or []}
        return 200, {"ConnectionArn": arn}
    if arn not in connections:
        return 400, {"__type": "ResourceNotFoundException", "Message": f"{arn} is not there"}
    told, tags = connections[arn]
    if operation == "GetConnection":
        return 200, {"Connection": told}
    if operation == "DeleteConnection":
        del connections[arn]
    elif operation == "ListTagsForResource":
        return 200, {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
    elif operation == "TagResource":
        tags.update({tag["Key"]: tag["Value"] for tag in asked["Tags"]})
    elif operation == "UntagResource":
        for key in asked["TagKeys"]:
            tags.pop(key, None)
    else:
        return 400, {"__type": "UnknownOperationException", "Message": operation}
    return 200, {}


# What SES took, in order, for whoever wants to count: AWS tells of it in events only, and moto's own page of all that it keeps
# cannot be written once a bucket holds some objects.
MAILS = "/_services/mails"


def mails():
    taken = ses_backends[os.environ["MOTO_ACCOUNT_ID"]][os.environ["EMULATOR_REGION"]].sent_messages
    return [{name: getattr(mail, name, None) for name in ("id", "source", "subject", "destinations")} for mail in taken]


def answered(start_response, status, said):
    body = json.dumps(said).encode()
    start_response(status, [("Content-Type", "application/x-amz-json-1.0"), ("Content-Length", str(len(body)))])
    return [body]


def body_of(environ):
    return environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))


# S3: each answer tells the id of the request, which is the one that the event names; moto tells another, under the name that
# other services have for it.
# (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html)
def with_request_id(environ, start_response):
    if environ.get("HTTP_AUTHORIZATION", "").split("/")[3:4] != ["s3"]:
        return start_response

    def start(status, headers, *rest):
        return start_response(status, [*headers, ("x-amz-request-id", environ[REQUEST_ID])], *rest)

    return start


def front(environ, start_response):
    """Takes the calls of services that moto lacks; hands the others on."""
    target, path = environ.get("HTTP_X_AMZ_TARGET", ""), environ.get("PATH_INFO", "")
    if path.startswith(PACKAGES):
        found = package(path)
        start_response("404 Not Found" if found is None else "200 OK", [("Content-Type", "application/zip")])
        return [found or b""]
    if environ.get("PATH_INFO") == MAILS:
        return answered(start_response, "200 OK", mails())
    if environ.get("PATH_INFO") == SERVICE_EVENTS:
        status, said = said_by_a_service(body_of(environ))
        return answered(start_response, "200 OK", said)
    if CODE_CONNECTIONS not in target:
        return None
    asked = json.loads(body_of(environ))
    region = environ.get("HTTP_AUTHORIZATION", "///").split("/")[2]
    status, said = code_connections(target.split(CODE_CONNECTIONS)[1], asked, region)
    return answered(start_response, "200 OK" if status == 200 else "400 Bad Request", said)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--limit-seconds", type=int, required=True)
    options = parser.parse_args()

    # A function is stored and not run: moto would want Docker for that.
    default_user_config["lambda"] = {"use_docker": False}

    application = DomainDispatcherApplication(create_backend_app)

    def serial(environ, start_response):
        # moto's models are not made for threads. Connections are: a client may open one that it never uses.
        with turn:
            environ[REQUEST_ID] = uuid.uuid4().hex[:16].upper()
            start_response = with_request_id(environ, start_response)
            request.clear()
            request.update(environ)
            try:
                return front(environ, start_response) or [b"".join(application(environ, start_response))]
            except Exception as error:
                # An error of the server would be tried again and again; this one is told at once.
                traceback.print_exc()
                return answered(start_response, "400 Bad Request", {"__type": "EmulatorFailed", "message": repr(error)})

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
