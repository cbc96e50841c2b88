"""Tests of check_emulator.py: each kind of slip is found, and a sound page passes."""

import pathlib
import tempfile
import unittest

import check_emulator

MODULE = '''
# https://docs.aws.amazon.com/a.html)
@replaces(Thing, "does")
def does_it_rightly(original, thing):
    helper()


def helper():
    pass
'''
TEST = "import unittest\n\n\nclass Page(unittest.TestCase):\n    def test_it(self):\n        pass\n"
CASE = "cases![\n    it_is_so,\n]\n\nasync fn it_is_so() {}\nasync fn it_is_not_listed() {}\n"
A = "https://docs.aws.amazon.com/a.html"
PROOF = "[`test_it`](../scripts/test_it.py)"
SOUND = f"| it | does ([page]({A})) | does not | supplied: `does_it_rightly`, `helper` | {PROOF} |"


class Page(unittest.TestCase):
    def problems(self, *rows):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {
                "scripts/emulator_thing.py": MODULE,
                "scripts/test_it.py": TEST,
                "crates/conformance/src/cases/a.rs": CASE,
                check_emulator.PAGE: "\n".join(["# Page", "", check_emulator.HEAD, "|---|---|---|---|---|", *rows, ""]),
            }.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            return check_emulator.problems_of(root)[0]

    def row(self, here="not modelled", test=PROOF, aws=f"does ([page]({A}))"):
        return f"| that | {aws} | does not | {here} | {test} |"

    def test_a_sound_page_passes(self):
        case = "[`it_is_so`](../crates/conformance/src/cases/a.rs)"
        script = "[`test_it.py`](../scripts/test_it.py)"
        rows = [self.row("tolerated by `scripts/test_it.py`", case), self.row("stubbed in `scripts/test_it.py`", script)]
        self.assertEqual(self.problems(SOUND, self.row(), *rows), [])

    def test_each_slip_is_found(self):
        for rows, said in [
            ([], "no table"),
            ([self.row()], "does_it_rightly changes moto and stands in no row"),
            ([SOUND.replace(A, A.replace("a.html", "b.html"))], "no row names"),
            ([SOUND.replace("`helper`", "`gone`")], "there is no function gone"),
            ([SOUND, self.row("left out")], "does not say what is done"),
            ([SOUND, self.row(aws="does")], "no page of AWS"),
            ([SOUND, self.row(test="")], "no test"),
            ([SOUND, self.row(test="[`test_other`](../scripts/test_it.py)")], "has no test test_other"),
            ([SOUND, self.row(test="[`test_it`](../scripts/gone.py)")], "there is no file"),
            ([SOUND, self.row("stubbed in `scripts/gone.py`")], "there is no file scripts/gone.py"),
            ([SOUND, self.row(test="[`it_is_not_listed`](../crates/conformance/src/cases/a.rs)")], "has no test it_is_not_listed"),
            ([SOUND, "| that | too | few |"], "not five cells"),
        ]:
            with self.subTest(said=said):
                self.assertTrue(any(said in problem for problem in self.problems(*rows)), self.problems(*rows))


if __name__ == "__main__":
    unittest.main()
