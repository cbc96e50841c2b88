#!/usr/bin/env python3
"""Tests cost.py: that the tables are those of the prices, and that its quantities are those of the code.

    python3 scripts/test_cost.py
"""

import decimal
import json
import pathlib
import re
import subprocess
import sys
import unittest

import cost
import plan_rules

ROOT = pathlib.Path(__file__).resolve().parent.parent


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


class Prices(unittest.TestCase):
    def setUp(self):
        self.document = json.loads(text("docs/prices.json"))
        self.prices = self.document["prices"]

    def test_each_price_is_a_number_with_a_unit_and_says_where_and_when_it_was_read(self):
        for name, price in self.prices.items():
            with self.subTest(name):
                self.assertEqual(
                    sorted(price), ["aws_page", "first_hand", "quoted", "read", "source", "unit", "usd", "what"]
                )
                self.assertGreater(decimal.Decimal(price["usd"]), 0)
                self.assertRegex(price["read"], r"^20\d\d-\d\d-\d\d$")
                self.assertRegex(price["aws_page"], r"^https://aws\.amazon\.com/[a-z0-9-]+/pricing/")
                if price["source"]:
                    self.assertRegex(price["source"], r"^https://")
                # First hand means that the figure stood on AWS's own page.
                self.assertEqual(price["first_hand"], (price["source"] or "").startswith("https://aws.amazon.com/"))

    def test_the_price_of_one_is_the_quoted_price(self):
        for name, price in self.prices.items():
            with self.subTest(name):
                found = re.match(r"\$([0-9.]+)(?: per ([0-9,]+)( M)?| a month| for each)", price["quoted"])
                self.assertIsNotNone(found, price["quoted"])
                count = decimal.Decimal((found[2] or "1").replace(",", "")) * (1_000_000 if found[3] else 1)
                self.assertEqual(decimal.Decimal(found[1]) / count, decimal.Decimal(price["usd"]))

    def test_every_price_is_used_or_is_another_architecture_s_or_model_s(self):
        used = set()
        for rows in cost.SIZES:
            for architecture in ("arm64", "x86_64"):
                for model in ("nova_lite", "nova_micro"):
                    for uses in cost.run(rows, architecture, model).values():
                        used.update(name for name, _ in uses)
            used.update(name for name, _ in cost.storage(rows, 30))
        for part in (cost.IDLE_STACK, cost.IDLE_PIPELINE, cost.PIPELINE_RUN):
            for uses in part.values():
                used.update(name for name, _ in uses)
        self.assertEqual(used, set(self.prices))

    def test_models_cost_what_the_analyzer_writes_into_a_record(self):
        # ("amazon.nova-lite-v1:0", 60, 240): thousandths of a dollar for a million tokens.
        source = text("crates/analyzer/src/narrator/model/price.rs").split("#[cfg(test)]")[0]
        listed = re.findall(r'\("amazon\.(nova-[a-z]+)-v1:0", ([0-9_]+), ([0-9_]+)\)', source)
        self.assertGreaterEqual(len(listed), 2)
        for model, read, written in listed:
            for kind, thousandths in (("input", read), ("output", written)):
                name = f"bedrock_{model.replace('-', '_')}_{kind}_token"
                if name in self.prices:
                    price = decimal.Decimal(self.prices[name]["usd"])
                    self.assertEqual(price, decimal.Decimal(thousandths) / 10**9, name)


class Quantities(unittest.TestCase):
    def test_requests_are_those_that_the_benchmark_saw(self):
        seen = re.findall(r"^\| ([0-9]+) (MB|GB) \|[^|]*\|[^|]*\| ([0-9]+) \|$", text("docs/BENCHMARKS.md"), re.MULTILINE)
        self.assertEqual(len(seen), 4, "the table of the S3 path")
        for count, unit, requests in seen:
            size = int(count) * (cost.MB if unit == "MB" else cost.GB)
            outputs = (cost.PROCESSED, cost.REJECTED, cost.ERRORS)
            # Outputs, entry of the ledger and manifest, four reads, one event.
            computed = sum(cost.requests_of(size * share) for share in outputs) + 2 + 4 + 1
            self.assertLessEqual(abs(computed - int(requests)), max(1, 0.01 * int(requests)), f"{count} {unit}: {computed}")

    def test_parts_are_those_of_the_adapter(self):
        steps = re.findall(r"Step \{ up_to: ([0-9_]+), bytes: ([0-9]+) \* MIB \}", text("crates/aws/src/s3/part.rs"))
        self.assertEqual([(int(last), int(size) * cost.MIB) for last, size in steps], cost.PARTS)

    def test_an_output_of_one_part_is_one_request(self):
        self.assertEqual(cost.requests_of(0), 1)
        self.assertEqual(cost.requests_of(5 * cost.MIB), 1)
        self.assertEqual(cost.requests_of(5 * cost.MIB + 1), 2 + 2)
        self.assertEqual(cost.requests_of(256 * 5 * cost.MIB), 256 + 2)
        self.assertEqual(cost.requests_of(256 * 5 * cost.MIB + 1), 257 + 2)

    def test_memory_is_that_of_the_stack(self):
        variables = text("infrastructure/variables.tf")
        block = variables[variables.index('variable "stages"') :]
        found = re.findall(r"(processor|analyzer|notifier) = optional\(object\(\{.*?memory_mb\s*= optional\(number, ([0-9]+)\)", block, re.DOTALL)
        self.assertEqual({stage: int(memory) for stage, memory in found}, cost.MEMORY_MB)

    def test_the_largest_file_fits_into_the_time_of_a_stage(self):
        variables = text("infrastructure/variables.tf")
        block = variables[variables.index('variable "stages"') :]
        found = re.findall(r"(processor|analyzer) = optional\(object\(\{.*?timeout_seconds\s*= optional\(number, ([0-9]+)\)", block, re.DOTALL)
        self.assertEqual([stage for stage, _ in found], ["processor", "analyzer"])
        limit = re.search(r"DEFAULT_MAX_FILE_BYTES: u64 = ([0-9 *]+);", text("crates/aws/src/config.rs"))[1]
        largest = 1
        for factor in limit.split("*"):
            largest *= int(factor)
        took = cost.times(largest / cost.BYTES_A_ROW)
        for stage, timeout in found:
            self.assertLess(took[stage], int(timeout), stage)
            # docs/COST.md: "6 of the 10 minutes".
            self.assertEqual((round(took[stage] / 60), int(timeout)), (6, 600), stage)

    def test_alarms_are_those_of_the_stack(self):
        stage = text("infrastructure/modules/stage/alarms.tf")
        own = len(re.findall(r"^      metric +=", stage, re.MULTILINE))
        rules = len(re.findall(r"^    [a-z_]+ = \{\n      name +=", text("infrastructure/stages.tf"), re.MULTILINE))
        names = text("infrastructure/locals.tf")
        block = names[names.index("    rules = {") :]
        self.assertEqual(rules, block[: block.index("    }")].count(" = ") - 1, "each rule that has a name is a stage's")
        alerts = text("infrastructure/alerts.tf")
        # The metrics that "files in but no report out" compares.
        report = len(re.findall(r"^ +[a-z]+ += \{ namespace = ", alerts, re.MULTILINE))
        # Those that count what one rule heard of.
        heard = len(re.findall(r"^      dimensions  = ", alerts, re.MULTILINE))
        self.assertEqual((own, rules, report, heard), (5, 9, 5, 2))
        self.assertEqual(cost.ALARM_METRICS, 3 * own + rules + report + heard)

    def test_the_sweep_is_that_of_the_stack(self):
        minutes = re.findall(r'schedule += "rate\(([0-9]+) minutes\)"', text("infrastructure/stages.tf"))
        self.assertEqual(minutes, ["15"])
        self.assertEqual(cost.SWEEPS_A_MONTH, cost.SECONDS_A_MONTH / (60 * int(minutes[0])))
        self.assertEqual(cost.SWEPT_DAYS, plan_rules.SWEPT_DAYS)

    def test_builds_run_on_the_machines_that_are_priced(self):
        variables = text("codepipeline/variables.tf")
        size = re.search(r'default = "BUILD_GENERAL1_([A-Z]+)"', variables[variables.index('variable "build_compute_type"') :])[1]
        priced = [name for name, _ in cost.PIPELINE_RUN["CodeBuild"]]
        self.assertEqual(priced[0], f"codebuild_arm_{size.lower()}_minute")
        self.assertIn('? var.build_compute_type : "BUILD_GENERAL1_SMALL"', text("codepipeline/steps.tf"))
        self.assertEqual(priced[1], "codebuild_arm_small_minute")

    def test_each_root_has_one_key(self):
        for root, idle in (("infrastructure", cost.IDLE_STACK), ("codepipeline", cost.IDLE_PIPELINE)):
            keys = sum(file.read_text(encoding="utf-8").count('resource "aws_kms_key"') for file in (ROOT / root).glob("*.tf"))
            self.assertEqual([("kms_key_month", keys)], idle["the key"], root)


class Page(unittest.TestCase):
    def test_the_tables_are_those_of_the_prices(self):
        done = subprocess.run([sys.executable, ROOT / "scripts/cost.py", "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_changed_price_changes_a_table(self):
        prices = json.loads(text("docs/prices.json"))["prices"]
        before = cost.tables(prices)
        for name in prices:
            with self.subTest(name):
                # Ten times as much shows in every table that holds it.
                changed = {**prices, name: {**prices[name], "usd": str(10 * decimal.Decimal(prices[name]["usd"]))}}
                after = cost.tables(changed)
                shown = any(before[key] != after[key] for key in ("run", "month", "idle"))
                self.assertEqual(shown, not name.endswith("x86_64"))

    def test_a_page_without_a_place_for_a_table_is_refused(self):
        with self.assertRaises(SystemExit):
            cost.filled("# Cost\n", {"run": "x"})


class Money(unittest.TestCase):
    def test_amounts_have_two_digits_that_count(self):
        for value, shown in (("0.00042", "$0.00042"), ("0.0000106", "$0.000011"), ("0.1", "$0.10"), ("1234.567", "$1,234.57"), ("0", "0")):
            self.assertEqual(cost.dollars(decimal.Decimal(value)), shown)


if __name__ == "__main__":
    unittest.main()
