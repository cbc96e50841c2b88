"""Not called by itself: how a script copies the Terraform roots aside and runs Terraform on them, against the emulator."""

import contextlib
import glob
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What the roots and their tests read, from where they stand.
COPIED = ["infrastructure", "codepipeline", "contracts", "scripts", "buildspec.yml"]
LEFT_OUT = shutil.ignore_patterns(".terraform", "*.tfstate*", "*.tfplan")


def values(root, environment):
    """What a root is told: an environment's file, and what it leaves to its defaults and matters to a rule."""
    told = [f"-var-file=environments/{environment}.tfvars"]
    if root == "infrastructure":
        # So every environment variable has a value.
        told.append("-var=limits={max_file_bytes=5368709120,max_unpacked_bytes=53687091200,max_unpacked_ratio=1000}")
    return told


FUNCTIONS = ["processor", "analyzer", "notifier"]
# The state stays in the copy.
LOCAL_STATE = """
terraform {
  backend "local" {}
}
"""
# A bucket's name stays in the path: it is no host's name on this machine.
PROVIDER = """
provider "aws" {
  s3_use_path_style           = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_credentials_validation = true
}
"""


class Failed(Exception):
    """A command that failed or took too long; says which, and the end of what it said."""


def plugins():
    """The folder of a local mirror of providers, if this machine has one."""
    named = os.environ.get("GRISTMILL_TERRAFORM_PLUGINS")
    if named:
        return named
    for depth in range(1, 5):
        for path in glob.glob("/" + "*/" * (depth - 1) + "registry.terraform.io"):
            if os.path.isdir(path):
                return os.path.dirname(path)
    return None


def said(process, heard=None):
    """All that a process says, to its end; `heard` is called with each line of its output."""
    lines, errors = [], []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
    reader.start()
    for line in process.stdout:
        lines.append(line)
        if heard:
            heard(line)
    process.wait()
    reader.join()
    process.stdout.close()
    process.stderr.close()
    return "".join(lines), "".join(errors)


class Copy:
    """A copy of the roots. Where the built packages would lie there are small ones, unless a folder of packages is named, which
    Terraform is told as `packages_dir`."""

    def __init__(self, folder, root="infrastructure", environment=None, source=ROOT, packages=None):
        self.folder = pathlib.Path(folder)
        self.root = self.folder / root
        self.environment = {
            **os.environ,
            **(environment or {}),
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }
        for name in COPIED:
            if (source / name).is_dir():
                shutil.copytree(source / name, self.folder / name, ignore=LEFT_OUT, dirs_exist_ok=True)
            elif (source / name).exists():
                shutil.copy(source / name, self.folder / name)
        for function in FUNCTIONS if packages is None else []:
            package = self.folder / "target" / "lambda" / function / "bootstrap.zip"
            package.parent.mkdir(parents=True)
            with zipfile.ZipFile(package, "w") as archive:
                archive.writestr("bootstrap", f"#!/bin/sh\necho {function}\n")
        (self.root / "emulator_override.tf").write_text(LOCAL_STATE + PROVIDER)

    def unguard(self):
        """Lets everything be destroyed."""
        for file in self.root.rglob("*.tf"):
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace("prevent_destroy = true", "prevent_destroy = false"), encoding="utf-8")

    def terraform(self, *arguments, limit, ok=(0,), heard=None):
        """Runs Terraform in the root, for so many seconds at most. Gives its exit code, its output and its seconds. `heard` is
        called with each line of the output as it comes."""
        started = time.monotonic()
        process = subprocess.Popen(
            ["terraform", *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A group of its own, so that its providers can be ended with it.
            start_new_session=True,
        )
        too_long = threading.Event()

        def end():
            too_long.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        late = threading.Timer(limit, end)
        late.start()
        try:
            output, errors = said(process, heard)
        except BaseException:
            end()
            raise
        finally:
            late.cancel()
        if too_long.is_set():
            raise Failed(
                f"terraform {' '.join(arguments)} did not end within {limit} s:\n{(output + errors)[-3000:]}"
            )
        if process.returncode not in ok:
            raise Failed(
                f"terraform {' '.join(arguments)} ended with {process.returncode}:\n{(output + errors)[-6000:]}"
            )
        # What went wrong stands in the errors; what did not may be JSON, and stays by itself.
        return process.returncode, output if process.returncode == 0 else output + errors, time.monotonic() - started

    def init(self, limit=120):
        local = plugins()
        return self.terraform("init", "-no-color", *([f"-plugin-dir={local}"] if local else []), limit=limit)

    def shown(self, *what, limit=60):
        """`terraform show` of a plan or, without a name, of the state."""
        _, output, _ = self.terraform("show", "-json", *what, limit=limit)
        return json.loads(output)
