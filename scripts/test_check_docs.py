#!/usr/bin/env python3
"""Tests check_docs.py as a program: what is right passes, and each thing that is wrong is found, at its line.

    python3 scripts/test_check_docs.py
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "scripts" / "check_docs.py"

RIGHT = """\
# Right

See [the other](#the-other), [the license](LICENSE) `reserved_concurrency` and `environments/dev.tfvars`.

```sh
account=$(aws sts get-caller-identity --query Account --output text)
aws s3api put-bucket-versioning --bucket state-$account \\
  --versioning-configuration Status=Enabled   # both lines are one command
aws s3 cp samples/smartphone_sales.csv s3://state-${account}/input/ && aws s3 ls s3://state-$account --recursive
aws s3api delete-objects --bucket b --delete "$(aws s3api list-object-versions --bucket b --output json)"
aws lambda wait function-active --function-name f
terraform -chdir=infrastructure plan -var-file=environments/dev.tfvars -var name=mill -out=dev.tfplan
terraform -chdir=infrastructure apply dev.tfplan
bucket=$(terraform -chdir=infrastructure output -raw bucket)
cp contracts/shipments.json mine.json
cat mine.json
cp contracts/ports.csv contracts/mine/
rm contracts/mine/ports.csv
.ci/run fmt
python3 scripts/cost.py --check
```

```hcl
sender = "a@example.com"
```

## The other
"""

# What is wrong, and a part of what is said about it.
WRONG = [
    ("sh", "aws s3api create-bucket --buckett x", "does not understand it"),
    ("sh", "aws s3apii create-bucket --bucket x", "does not understand it"),
    ("sh", "aws s3api create-bukket --bucket x", "does not understand it"),
    ("sh", "aws s3api create-bucket --region eu-central-1", "--bucket"),
    ("sh", "aws s3api put-bucket-versioning --bucket x --versioning-configuration State=Enabled", "does not understand it"),
    ("sh", "aws dynamodb query --table-name t --max-items few", "does not understand it"),
    ("sh", "aws s3 ls s3://x --recursivee", "does not understand it"),
    ("sh", "aws sqs list-queues --query 'QueueUrls['", "does not understand it"),
    ("sh", "terraform -chdir=infrastructure plann", "plann"),
    ("sh", "terraform -chdir=infrastructures plan", "infrastructures"),
    ("sh", "terraform -chdir=infrastructure plan -vars-file=environments/dev.tfvars", "no flag -vars-file"),
    ("sh", "terraform -chdir=infrastructure plan -var-file=environments/test.tfvars", "environments/test.tfvars"),
    ("sh", "terraform -chdir=infrastructure plan -var nosuch=1", "no variable nosuch"),
    ("sh", "terraform -chdir=infrastructure output -raw buckets", "no output buckets"),
    ("sh", "terraform -chdir=infrastructure init -backend-config=lock=true", "no setting lock"),
    ("sh", "terraform -chdir=infrastructure apply other.tfplan", "no command before writes"),
    ("sh", "echo $(terraform -chdir=infrastructure output -raw buckets)", "no output buckets"),
    ("sh", "echo one && scripts/nosuch.sh", "no scripts/nosuch.sh"),
    ("sh", "python3 scripts/cost.py --chec", "no flag --chec"),
    ("sh", ".ci/run formats", "no step formats"),
    ("sh", "echo $nobody", "$nobody is not set"),
    ("sh", "cp nosuch.csv x.csv", "no nosuch.csv"),
    ("sh", "rm -rf target", "only what a command before"),
    ("sh", "chmod +x x", "not a command that is checked"),
    ("sh", "git push-force", "git push-force"),
    ("sh", "echo 'open", "cannot be read"),
    ("hcl", 'senders = "a"', "no root has a variable senders"),
    ("bash", "echo", "marked sh"),
]
PROSE = [
    ("[x](nosuch.md)", "leads to no file"),
    ("[x](LICENSE) [y](#nosuch)", "leads to no heading"),
    ("`reserved_concurency`", "is no name"),
    ("`environments/dev.tfvar` `environments/test.tfvars`", "no environments/test.tfvars"),
]


class CheckDocs(unittest.TestCase):
    def check(self, text):
        # In the repository, where its links lead to something.
        with tempfile.NamedTemporaryFile("w", suffix=".md", dir=ROOT, encoding="utf-8") as page:
            page.write(text)
            page.flush()
            name = pathlib.Path(page.name).name
            done = subprocess.run([sys.executable, PROGRAM, name], capture_output=True, text=True, cwd=ROOT, check=False)
            return done, [line.removeprefix(f"{name}:") for line in done.stdout.splitlines()[:-1]]

    def test_what_is_right_passes(self):
        done, found = self.check(RIGHT)
        self.assertEqual((done.returncode, found), (0, []), done.stderr)
        self.assertIn("18 commands in 1 pages, 0 findings", done.stdout)

    def test_each_thing_that_is_wrong_is_found_at_its_line(self):
        text, expected = "# Wrong\n", []
        for language, command, part in WRONG:
            text += f"\n```{language}\n{command}\n```\n"
            expected.append((text.count("\n") - 1, part))
        for line, part in PROSE:
            text += f"\n{line}\n"
            expected.append((text.count("\n"), part))
        done, found = self.check(text)
        self.assertEqual(done.returncode, 1)
        for line, part in expected:
            with self.subTest(line=line, part=part):
                said = [one for one in found if one.startswith(f"{line}:")]
                self.assertEqual(len(said), 1, said)
                self.assertIn(part, said[0])
        self.assertEqual(len(found), len(expected), found)

    def test_a_page_that_is_not_there_is_wrong_use(self):
        done = subprocess.run([sys.executable, PROGRAM, "nosuch.md"], capture_output=True, text=True, cwd=ROOT, check=False)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
