"""What several scripts share: clean copies of the project, and an environment of Python packages to run in.

Not called by itself.
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What is made, not written. An archive, as CodePipeline hands it over, has no git to ask.
MADE = {".git", ".terraform", "__pycache__", "out", "target"}


def files():
    """The files of the project, relative to its root: those that git tracks or would track."""
    inside = ["git", "-C", ROOT, "rev-parse", "--show-toplevel"]
    asked = subprocess.run(inside, capture_output=True, text=True, check=False) if shutil.which("git") else None
    if asked and asked.returncode == 0 and pathlib.Path(asked.stdout.strip()) == ROOT:
        command = ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        names = [name for name in listed.split("\0") if name]
    else:
        names = []
        for folder, folders, found in os.walk(ROOT):
            folders[:] = [name for name in folders if name not in MADE]
            names += [os.path.relpath(os.path.join(folder, name), ROOT) for name in found]
    return sorted(name for name in names if (ROOT / name).is_file())


def copy(to):
    """Copies the project to a folder, which is new afterwards."""
    shutil.rmtree(to, ignore_errors=True)
    for name in files():
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)


def tools():
    """The folder that scripts/deploy/tools.sh installs into."""
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve() / "tools"


def installed(tool):
    """The folder of a Python tool with all that it needs, as requirements/<tool>.txt says; scripts/deploy/tools.sh puts it there."""
    # tools.sh works in the project's root, wherever this is called.
    environment = {**os.environ, "CARGO_TARGET_DIR": str(tools().parent)} if os.environ.get("CARGO_TARGET_DIR") else None
    # All that it says goes where progress goes; standard output is the script's own.
    command = ["bash", ROOT / "scripts/deploy/tools.sh", tool]
    subprocess.run(command, check=True, stdout=sys.stderr, env=environment)
    return tools() / tool


def enter(tool):
    """Runs the rest of the script by the Python that has what requirements/<tool>.txt names."""
    if pathlib.Path(sys.prefix).resolve() == (tools() / tool).resolve():
        return
    python = installed(tool) / "bin" / "python"
    sys.stdout.flush()
    os.execv(python, [python, *sys.argv])
