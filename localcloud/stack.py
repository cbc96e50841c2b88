"""How the project's own Terraform comes into the emulator, with real packages, and what it says of the stack then."""

import json
import os
import pathlib
import platform
import re
import zipfile

import checkout
import planning

# The names of machines: in the header of a program, to Terraform, to Python.
MACHINES = {62: "x86_64", 183: "arm64"}
APPLY_SECONDS = 600
PROGRESS = re.compile(r"^\S.*: Creation complete after")
PLANNED = re.compile(r"^Plan: (\d+) to add")


class Unusable(Exception):
    """Packages that cannot be used; says why, and what to do."""


def this_machine():
    return {"aarch64": "arm64"}.get(platform.machine(), platform.machine())


def architecture(packages):
    """The instruction set of the packages in a folder; Unusable when they are not all there, and alike."""
    found = {}
    for function in planning.FUNCTIONS:
        package = pathlib.Path(packages) / function / "bootstrap.zip"
        if not package.is_file():
            raise Unusable(f"there is no package {package}")
        try:
            with zipfile.ZipFile(package) as opened, opened.open("bootstrap") as program:
                header = program.read(20)
        except (zipfile.BadZipFile, KeyError) as error:
            raise Unusable(f"{package} is no package of a function: {error}") from error
        machine = int.from_bytes(header[18:20], "little")
        if header[:4] != b"\x7fELF" or machine not in MACHINES:
            raise Unusable(f"{package} holds no program for Linux on x86-64 or arm64")
        found[function] = MACHINES[machine]
    if len(set(found.values())) != 1:
        raise Unusable(f"the packages in {packages} are for different machines: {found}")
    return found.popitem()[1]


def values(packages):
    """What the stack is told: all that dev is, but for what a local cloud has of its own."""
    return [
        "-var-file=environments/dev.tfvars",
        "-var=environment=local",
        f"-var=architecture={architecture(packages)}",
        # The emulator is one host, and a bucket's name is no part of it.
        "-var=s3_path_style=true",
        f"-var=packages_dir={pathlib.Path(packages).resolve()}",
    ]


def cache():
    """Where Terraform keeps providers that it downloaded, for the next time: they are large, and the copy is made anew each time."""
    if planning.plugins() or os.environ.get("TF_PLUGIN_CACHE_DIR"):
        return {}
    kept = checkout.tools() / "terraform-providers"
    kept.mkdir(parents=True, exist_ok=True)
    return {"TF_PLUGIN_CACHE_DIR": str(kept)}


def apply(folder, packages, environment, progress, log):
    """Applies infrastructure/ in a copy below a folder. Returns its outputs, by name. What Terraform says goes to `log`."""
    environment = {**cache(), **environment}
    copy = planning.Copy(folder, environment=environment, packages=packages)
    if "TF_PLUGIN_CACHE_DIR" in environment and not os.listdir(environment["TF_PLUGIN_CACHE_DIR"]):
        progress("terraform init: downloads the provider for AWS, some 150 MB, this once")
    _, _, seconds = copy.init(limit=900)
    progress(f"terraform init: {seconds:.0f} s")
    made, planned, told = 0, "", -1

    def heard(line):
        nonlocal made, planned, told
        log.write(line)
        if found := PLANNED.match(line):
            planned = f" of {found[1]}"
        if PROGRESS.match(line):
            made += 1
            if made // 25 != told:
                told = made // 25
                progress(f"terraform apply: {made}{planned} resources")

    # Most of an apply is spent waiting for what is settled already: the provider is made for AWS.
    arguments = ["apply", "-auto-approve", "-no-color", "-parallelism=40", *values(packages)]
    _, _, seconds = copy.terraform(*arguments, limit=APPLY_SECONDS, heard=heard)
    progress(f"terraform apply: {made}{planned} resources, {seconds:.0f} s")
    _, output, _ = copy.terraform("output", "-json", "-no-color", limit=60)
    return {name: told["value"] for name, told in json.loads(output).items()}
