"""What moto's Lambda leaves out or does otherwise than AWS. A part of emulator_server.py, and not called by itself."""

import os

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda_simple.models import lambda_simple_backends

from emulator_patch import replaces

# Where the packages of functions are, of this emulator and of no other.
PACKAGES = "/_services/packages/"


# Lambda: GetFunction names an address at which the function's package can be fetched; moto keeps the package, and names one of
# AWS's, where there is nothing.
# (https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html)
@replaces(LambdaFunction, "get_code")
def with_the_packages_address(original, function):
    told = original(function)
    if function.package_type == "Zip":
        address = f"http://127.0.0.1:{os.environ['MOTO_PORT']}{PACKAGES}{function.region}/{function.function_name}"
        told["Code"] = {"RepositoryType": "S3", "Location": address}
    return told


def package(path):
    """The package at such an address, as it was uploaded; None where there is none."""
    region, _, name = path.removeprefix(PACKAGES).partition("/")
    functions = lambda_simple_backends[os.environ["MOTO_ACCOUNT_ID"]][region].list_functions()
    return next((function.code_bytes for function in functions if function.function_name == name), None)


# Lambda: the mappings of a function are found by its name and by its ARN, whichever of the two they were made with; moto finds
# them by that one alone.
# (https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html)
@replaces(LambdaBackend, "list_event_source_mappings")
def by_name_or_arn(original, backend, event_source_arn, function_name):
    found = original(backend, event_source_arn, None)
    if not function_name:
        return found
    wanted = function_name.split(":")[-1]
    return [mapping for mapping in found if mapping.function_arn.split(":")[-1] == wanted]
