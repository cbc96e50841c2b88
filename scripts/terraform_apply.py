#!/usr/bin/env python3
"""Applies a Terraform root for real, to the emulator, and takes it down again.

    python3 scripts/terraform_apply.py                              both roots, side by side: dev is applied, prod planned
    python3 scripts/terraform_apply.py infrastructure               one of them
    python3 scripts/terraform_apply.py infrastructure --plan-only --environment prod

init, plan, the rules of plan_rules.py over it, apply, the rules over the state, where everything is known, a
second plan that must find nothing to do, writes to the stack's bucket that its policy must allow or refuse, and destroy, of a bucket
that is not empty. Nothing is written outside a temporary folder, and no call leaves this machine. Exit codes: 0 all held; 1 something did not; 2 wrong use.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

import checkout
import emulator
import plan_rules
import planning

HERE = pathlib.Path(__file__).resolve().parent


def differences(before, after, path=""):
    """Where two values differ, as paths."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from differences(before.get(key), after.get(key), f"{path}.{key}" if path else key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after)):
            yield from differences(*pair, f"{path}.{index}")
    elif before != after:
        yield path, before, after


def unsteady(plan):
    """What a plan would change."""
    for change in plan.get("resource_changes", []):
        actions = change["change"]["actions"]
        if actions in (["no-op"], ["read"]):
            continue
        if actions != ["update"]:
            yield f"{change['address']}: {'/'.join(actions)}"
            continue
        for path, before, after in differences(change["change"]["before"], change["change"]["after"]):
            yield f"{change['address']}.{path}: {json.dumps(before)} -> {json.dumps(after)}"


def counted(values):
    """The resources of a plan or a state, by type."""
    return collections.Counter(r["type"] for r in plan_rules.resources_of(values) if r["mode"] == "managed")


def rules(what, document, options):
    wrong, undecided = plan_rules.broken(document, options.root)
    for line in wrong:
        print(f"  BROKEN {line}")
    if wrong:
        raise planning.Failed(f"{len(wrong)} breaches of rules in {what}")
    later = f"; {len(undecided)} things are not known before the apply" if undecided else ""
    print(f"rules: {len(plan_rules.RULES[options.root])} hold for {what}{later}", flush=True)


def writes(copy, state):
    """Who may write what into the bucket, tried."""
    outputs = {name: output["value"] for name, output in state["values"]["outputs"].items()}
    told = {"bucket": outputs["bucket"], "account": emulator.ACCOUNT, "roles": outputs["functions"]}
    python = checkout.installed("moto") / "bin" / "python"
    done = subprocess.run(
        [str(python), str(HERE / "tried_writes.py"), json.dumps(told)],
        env=copy.environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode:
        raise planning.Failed(f"the bucket's policy answers otherwise than it should:\n{done.stderr}")
    print(f"writes: {done.stdout.strip()}", flush=True)


def run(copy, options):
    def step(name, *arguments, limit, ok=(0,)):
        code, output, seconds = copy.terraform(*arguments, "-no-color", limit=limit, ok=ok)
        last = [line for line in output.splitlines() if line.strip()]
        summary = next(
            (
                line
                for line in reversed(last)
                if line.startswith(("Plan:", "Apply complete", "Destroy complete", "No changes"))
            ),
            "",
        )
        print(f"{name}: {seconds:.1f} s {summary}".rstrip(), flush=True)
        return code, output

    _, _, seconds = copy.init()
    print(f"init: {seconds:.1f} s", flush=True)
    for other in options.also:
        if other != options.environment and not options.plan_only:
            step(f"plan of {other}", "plan", *planning.values(options.root, other), "-out=other.tfplan", limit=120)
            rules(f"the plan of {other}", copy.shown("other.tfplan"), options)
    files = planning.values(options.root, options.environment)
    step(f"plan of {options.environment}", "plan", *files, "-out=first.tfplan", limit=120)
    plan = copy.shown("first.tfplan")
    counts = counted(plan["planned_values"])
    print(f"  {sum(counts.values())} resources of {len(counts)} types", flush=True)
    rules("the plan", plan, options)
    if options.plan_only:
        return
    step("apply", "apply", "first.tfplan", limit=options.apply_seconds)
    state = copy.shown()
    applied = counted(state["values"])
    print(f"  {sum(applied.values())} resources of {len(applied)} types in the state")
    if applied != counts:
        raise planning.Failed(f"planned and not applied: {counts - applied}")
    # The state has no configuration; what depends on what is the plan's to tell.
    rules("the state", {**state, "configuration": plan["configuration"], "variables": plan["variables"]}, options)
    code, _ = step("plan again", "plan", *files, "-out=second.tfplan", "-detailed-exitcode", limit=120, ok=(0, 2))
    if code == 2:
        for line in unsteady(copy.shown("second.tfplan")):
            print(f"  DIFFERENT {line}")
        raise planning.Failed("a second plan finds something to change, although nothing was changed")
    if options.root == "infrastructure":
        writes(copy, state)
    copy.unguard()
    step("destroy", "destroy", *files, "-auto-approve", limit=options.apply_seconds)
    left = copy.shown().get("values")
    if left and sum(counted(left).values()):
        raise planning.Failed(f"left after destroy: {counted(left)}")
    print("  0 resources left in the state")


def side_by_side(roots):
    """Each root in a process and an emulator of its own: most of the time of an apply is spent waiting."""
    checkout.installed("moto")
    flags = [argument for argument in sys.argv[1:] if argument not in roots]
    running = {
        root: subprocess.Popen(
            [sys.executable, __file__, root, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for root in roots
    }
    worst = 0
    for root, process in running.items():
        said, _ = process.communicate()
        print(f"-- {root}\n{said}", end="", flush=True)
        worst = max(worst, process.returncode)
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("roots", nargs="*", metavar="root", help=f"which roots ({', '.join(plan_rules.ROOTS)})")
    parser.add_argument("--environment", default="dev", help="which file of its environments/ (%(default)s)")
    parser.add_argument(
        "--also", nargs="*", default=["prod"], help="environments that are planned, and not applied (%(default)s)"
    )
    parser.add_argument("--plan-only", action="store_true", help="init, plan and its rules")
    parser.add_argument(
        "--apply-seconds", type=int, default=300, help="time limit of apply, and of destroy (%(default)s)"
    )
    parser.add_argument("--log", type=argparse.FileType("w"), metavar="FILE", help="what the emulator says goes there")
    options = parser.parse_args()
    for root in options.roots:
        if root not in plan_rules.ROOTS:
            parser.error(f"there is no root {root}; there are: {', '.join(plan_rules.ROOTS)}")
    if len(options.roots) != 1:
        sys.exit(side_by_side(options.roots or plan_rules.ROOTS))
    options.root = options.roots[0]
    with tempfile.TemporaryDirectory() as folder, emulator.running(log=options.log) as aws:
        copy = planning.Copy(folder, options.root, aws.environment)
        try:
            run(copy, options)
        except planning.Failed as failed:
            print(failed, file=sys.stderr)
            sys.exit(1)


if __name__ == "__main__":
    main()
