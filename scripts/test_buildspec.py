#!/usr/bin/env python3
"""Tests of buildspec.yml and of scripts/buildspec.py, which runs it.

    python3 scripts/test_buildspec.py
"""

import copy
import os
import pathlib
import tempfile
import unittest

import buildspec
import checkout


def project():
    return buildspec.read(checkout.ROOT / "buildspec.yml")


class TheFile(unittest.TestCase):
    """What the project's own file says, and that a slip in it is told."""

    def refused(self, text, words):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "buildspec.yml"
            path.write_text(text, encoding="utf-8")
            with self.assertRaisesRegex(buildspec.Wrong, words):
                spec = buildspec.read(path)
                buildspec.check_scripts(spec)
                buildspec.check_artifacts(spec)

    def changed(self, old, new, words):
        text = (checkout.ROOT / "buildspec.yml").read_text(encoding="utf-8")
        self.assertIn(old, text)
        self.refused(text.replace(old, new), words)

    def test_every_command_calls_a_script_that_is_there(self):
        buildspec.check_scripts(project())

    def test_the_artifacts_are_what_the_packaging_makes(self):
        buildspec.check_artifacts(project())

    def test_tools_are_installed_then_the_checks_run_then_the_packages_are_built_and_tried(self):
        called = {name: phase["commands"][-1] for name, phase in project()["phases"].items()}
        self.assertEqual(
            called,
            {
                "install": "bash scripts/deploy/tools.sh",
                "pre_build": "bash .ci/run --but package cloud chaos",
                "build": "python3 scripts/package.py",
                "post_build": "bash .ci/run cloud chaos",
            },
        )

    def test_the_later_steps_call_scripts_too(self):
        self.assertGreaterEqual(len(buildspec.STEPS), 3)
        for path in buildspec.STEPS:
            with self.subTest(path.name):
                buildspec.check_scripts(buildspec.read(path))

    def test_a_variable_that_nobody_sets(self):
        self.changed("  shell: bash", "  shell: bash\n  exported-variables: [GRISTMILL_NOTHING]", "which no command sets")

    def test_what_a_call_may_hold(self):
        for good in (
            'GRISTMILL_PLAN="$CODEBUILD_SRC_DIR_plan" bash scripts/deploy/apply.sh',
            ". scripts/deploy/path.sh",
            "python3 scripts/package.py --twice",
        ):
            self.assertTrue(buildspec.COMMAND.fullmatch(good), good)
        for bad in (
            'GRISTMILL_PLAN="$(ls)" bash scripts/deploy/apply.sh',
            'bash scripts/deploy/apply.sh "$ANY"',
            "bash scripts/deploy/apply.sh > plan",
            "bash scripts/deploy/apply.sh & true",
        ):
            self.assertFalse(buildspec.COMMAND.fullmatch(bad), bad)
        self.assertTrue(buildspec.EXPORT.fullmatch('export GRISTMILL_PLAN_SUMMARY="$(cat target/plan/summary.txt)"'))
        self.assertFalse(buildspec.EXPORT.fullmatch('export GRISTMILL_PLAN_SUMMARY="$(cat a; rm a)"'))

    def test_a_script_that_is_gone(self):
        self.changed("scripts/package.py", "scripts/pack.py", "scripts/pack.py, which the project does not have")

    def test_logic_of_its_own(self):
        self.changed("- bash .ci/run --but package cloud chaos", "- bash .ci/run || true", "more than a call")
        self.changed("- bash .ci/run --but package cloud chaos", "- cargo test", "more than a call")
        self.changed("- bash .ci/run --but package cloud chaos", '- "bash .ci/run; bash .ci/run"', "more than a call")

    def test_a_package_that_nobody_collects(self):
        self.changed("    - target/lambda/notifier/bootstrap.zip\n", "", "notifier")

    def test_an_artifact_that_nobody_makes(self):
        self.changed("notifier/bootstrap.zip", "mailer/bootstrap.zip", "mailer")

    def test_a_shell_for_each_command(self):
        self.changed("version: 0.2", "version: 0.1", "not 0.2")

    def test_another_shell(self):
        self.changed("shell: bash", "shell: sh", "not bash")
        self.changed("  shell: bash\n", "", "not bash")

    def test_a_phase_that_codebuild_does_not_know(self):
        self.changed("  pre_build:", "  prebuild:", "prebuild")

    def test_a_key_that_cannot_be_tried_here(self):
        self.changed("  shell: bash", "  secrets-manager: {}\n  shell: bash", "secrets-manager")
        self.changed("  build:\n", "  build:\n    on-failure: CONTINUE\n", "on-failure")

    def test_a_variable_that_is_not_a_text(self):
        self.changed("ARCHITECTURE: arm64", "ARCHITECTURE: 64", "quote it")

    def test_a_variable_of_codebuild_itself(self):
        self.changed("GRISTMILL_ARCHITECTURE:", "CODEBUILD_SRC_DIR:", "no name that a build may set")

    def test_what_is_not_yaml(self):
        self.refused("version: [", "not YAML")
        self.refused("phases", "not a mapping")


class ARun(unittest.TestCase):
    """The order of things, as CodeBuild has it."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def ran(self, phases, wanted=buildspec.PHASES):
        """Runs phases given as lists of commands, `finally` after a None; returns failed phases and what was noted."""
        spec = {"phases": {}}
        for name, commands in phases.items():
            if None in commands:
                at = commands.index(None)
                spec["phases"][name] = {"commands": commands[:at], "finally": commands[at + 1 :]}
            else:
                spec["phases"][name] = {"commands": commands}
        failed = buildspec.run(spec, wanted, self.folder, dict(os.environ, GIVEN="given"))
        noted = self.folder / "noted"
        return failed, noted.read_text(encoding="utf-8").split() if noted.exists() else []

    def test_all_phases_in_order_whatever_the_order_of_the_file(self):
        failed, noted = self.ran({name: [f"echo {name} >> noted"] for name in reversed(buildspec.PHASES)})
        self.assertEqual((failed, noted), ([], buildspec.PHASES))

    def test_one_shell_for_all(self):
        commands = {
            "install": ["export MADE=made", "mkdir inner", "cd inner"],
            "build": ['echo "$GIVEN $MADE ${PWD##*/}" >> ../noted'],
        }
        self.assertEqual(self.ran(commands), ([], ["given", "made", "inner"]))

    def test_only_the_wanted_phases(self):
        commands = {name: [f"echo {name} >> noted"] for name in buildspec.PHASES}
        self.assertEqual(self.ran(commands, ["build"]), ([], ["build"]))

    def test_a_failed_command_ends_its_phase_but_not_its_finally(self):
        commands = {"build": ["false", "echo never >> noted", None, "false", "echo after >> noted"]}
        self.assertEqual(self.ran(commands), (["build"], ["after"]))

    def test_any_status_but_zero_is_a_failure(self):
        self.assertEqual(self.ran({"build": ["(exit 3)"]})[0], ["build"])
        self.assertEqual(self.ran({"build": ["exit 0"]})[0], ["build"])

    def test_a_failed_finally_fails_the_phase(self):
        self.assertEqual(self.ran({"build": ["true", None, "false"]})[0], ["build"])

    def test_nothing_follows_a_failed_preparation(self):
        for name in ("install", "pre_build"):
            commands = {name: ["false"], "build": ["echo never >> noted"], "post_build": ["echo never >> noted"]}
            self.assertEqual(self.ran(commands), ([name], []))

    def test_post_build_follows_a_failed_build(self):
        commands = {"build": ["false"], "post_build": ["echo cleaned >> noted"]}
        self.assertEqual(self.ran(commands), (["build"], ["cleaned"]))

    def test_a_command_that_ends_the_shell_has_failed(self):
        failed, noted = self.ran({"build": ["exit 0", "echo never >> noted"], "post_build": ["echo never >> noted"]})
        self.assertEqual((failed, noted), (["build", "post_build"], []))

    def test_artifacts_are_collected_and_missing_ones_told(self):
        (self.folder / "made").mkdir()
        (self.folder / "made" / "one.zip").write_text("1", encoding="utf-8")
        spec = {"artifacts": {"files": ["made/*.zip", "made/two.zip"]}}
        to = self.folder / "artifacts"
        self.assertEqual(buildspec.collect(spec, self.folder, to), ["made/two.zip"])
        self.assertEqual((to / "made" / "one.zip").read_text(encoding="utf-8"), "1")

    def test_artifacts_below_a_base_directory(self):
        (self.folder / "base").mkdir()
        (self.folder / "base" / "one.zip").write_text("1", encoding="utf-8")
        spec = {"artifacts": {"files": ["one.zip"], "base-directory": "base"}}
        self.assertEqual(buildspec.collect(copy.deepcopy(spec), self.folder, self.folder / "to"), [])


if __name__ == "__main__":
    checkout.enter("pyyaml")
    unittest.main()
