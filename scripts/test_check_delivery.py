"""Tests of check_delivery.py: each kind of slip is found, and a sound page passes."""

import pathlib
import tempfile
import unittest

import check_delivery

RUST = """
#[test]
fn it_holds() {}

#[tokio::test(start_paused = true)]
async fn it_holds_later() {}

#[test]
#[ignore = "slow"]
fn it_is_never_run() {}

fn a_helper() {}
"""


class Page(unittest.TestCase):
    def problems(self, body):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs").mkdir()
            (root / "tests.rs").write_text(RUST, encoding="utf-8")
            text = f"# Page\n\nNot looked at.\n\n{check_delivery.BEGIN}\n{body}\n{check_delivery.END}\n\nNor this. Or this.\n"
            (root / "docs/DELIVERY.md").write_text(text, encoding="utf-8")
            return check_delivery.problems_of("docs/DELIVERY.md", root)[0]

    def test_a_sentence_above_its_tests_is_sound(self):
        body = "### A window\n\nIt holds,\nwhatever comes.\n- [`it_holds`](../tests.rs)\n- [`it_holds_later`](../tests.rs)\n"
        self.assertEqual(self.problems(body), [])

    def test_each_slip_is_found(self):
        for body, said in [
            ("It holds.\n", "no test is named"),
            ("It holds. It does.\n- [`it_holds`](../tests.rs)\n", "not one sentence"),
            ("It holds\n- [`it_holds`](../tests.rs)\n", "not one sentence"),
            ("It holds.\n- [`it_held`](../tests.rs)\n", "has no test it_held"),
            ("It holds.\n- [`it_is_never_run`](../tests.rs)\n", "has no test it_is_never_run"),
            ("It holds.\n- [`a_helper`](../tests.rs)\n", "has no test a_helper"),
            ("It holds.\n- [`it_holds`](../no.rs)\n", "there is no file"),
            ("It holds.\n- [it_holds]\n", "not of the form"),
            ("It holds.\n- [`it_holds`](../tests.rs)\nAnd more.\n", "goes on below"),
            ("", "no sentence"),
        ]:
            with self.subTest(body=body):
                self.assertTrue(any(said in problem for problem in self.problems(body)), self.problems(body))


if __name__ == "__main__":
    unittest.main()
