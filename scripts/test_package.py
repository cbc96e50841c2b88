#!/usr/bin/env python3
"""Tests of scripts/package.py that build nothing: what an archive is, and what is refused.

    python3 scripts/test_package.py
"""

import hashlib
import io
import os
import pathlib
import re
import tempfile
import unittest
import zipfile

import checkout
import package


def program(machine=183, needs=(b"GLIBC_2.17", b"GLIBC_2.30"), size=4096):
    """What the checks look at of a program for Linux."""
    rest = b"\0".join([*needs, os.urandom(size)])
    return b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + rest


class AnArchive(unittest.TestCase):
    def test_it_is_one_program_that_lambda_may_start(self):
        content = program()
        with zipfile.ZipFile(io.BytesIO(package.archive(content))) as opened:
            self.assertIsNone(opened.testzip())
            (entry,) = opened.infolist()
            self.assertEqual(opened.read(entry), content)
        self.assertEqual(entry.filename, "bootstrap")
        self.assertEqual(entry.date_time, package.TIME)
        self.assertEqual(oct(entry.external_attr >> 16), "0o100755")
        self.assertEqual(entry.create_system, 3)

    def test_it_is_a_function_of_the_program(self):
        content = program()
        self.assertEqual(package.archive(content), package.archive(bytes(content)))
        self.assertNotEqual(package.archive(content), package.archive(content + b"\0"))

    def test_its_bytes_are_these(self):
        # Another compressor, or another version of it, would give every package a new checksum: that is to be noticed.
        content = b" ".join(str(number * number % 99_991).encode() for number in range(50_000))
        found = hashlib.sha256(package.archive(content)).hexdigest()
        self.assertEqual(found, "658a083f6ce191818ad9a0521a0c889943fe5245db70992e93a9de52b89fe268")


class ARefusal(unittest.TestCase):
    def refused(self, words, check, *arguments):
        with self.assertRaisesRegex(package.Refused, words):
            check(*arguments)

    def test_a_good_program_tells_the_c_library_that_it_needs(self):
        self.assertEqual(package.check_program("processor", program(), "arm64"), "2.30")
        self.assertEqual(package.check_program("processor", program(machine=62), "x86_64"), "2.30")

    def test_a_program_for_another_machine(self):
        self.refused("not arm64", package.check_program, "processor", program(machine=62), "arm64")

    def test_what_is_no_program(self):
        self.refused("no program", package.check_program, "processor", b"#!/bin/sh\n", "arm64")

    def test_a_c_library_that_lambda_does_not_have(self):
        self.assertEqual(package.check_program("processor", program(needs=(b"GLIBC_2.34",)), "arm64"), "2.34")
        # 2.4 is older than 2.34, although it is the larger decimal.
        self.assertEqual(package.check_program("processor", program(needs=(b"GLIBC_2.4", b"GLIBC_2.17")), "arm64"), "2.17")
        needs_more = program(needs=(b"GLIBC_2.34", b"GLIBC_2.35"))
        self.refused("needs glibc 2.35; Lambda has 2.34", package.check_program, "processor", needs_more, "arm64")

    def test_a_path_of_the_machine(self):
        found = program(needs=(b"GLIBC_2.30", b"/builder/of/it/crates/shared/src/lib.rs", b"/source/crates/shared/src/lib.rs"))
        package.check_program("processor", found, "arm64", ["/somebody", "/builder/of/i", "/source"])
        self.refused("/builder/of/it/ in it", package.check_program, "processor", found, "arm64", ["/builder/of/it"])

    def test_a_package_that_is_one_byte_too_large(self):
        content = program()
        packed = package.archive(content)
        package.check_archive("processor", packed, content, len(packed))
        words = f"{len(packed):,} bytes, 1 more than the {len(packed) - 1:,} allowed"
        self.refused(words, package.check_archive, "processor", packed, content, len(packed) - 1)

    def test_an_archive_of_another_program(self):
        self.refused("back", package.check_archive, "processor", package.archive(program()), program(), package.LIMIT)

    def test_nothing_is_written_when_one_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            built = pathlib.Path(folder)
            for name in package.FUNCTIONS:
                (built / name).mkdir()
                (built / name / "bootstrap").write_bytes(program(machine=62 if name == "notifier" else 183))
            self.refused("^notifier: .*not arm64$", package.package, built, "arm64", package.LIMIT, [])


class TheEnvironment(unittest.TestCase):
    def test_flags_from_outside_are_not_looked_at(self):
        for name in "RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CFLAGS CFLAGS_aarch64_unknown_linux_gnu TARGET_CC CC".split():
            self.assertTrue(re.fullmatch(package.OUTSIDE, name), name)
        for name in "CARGO_PROFILE_RELEASE_LTO AWS_LC_SYS_NO_JITTER_ENTROPY CARGO_TARGET_X86_64_LINKER".split():
            self.assertTrue(re.fullmatch(package.OUTSIDE, name), name)

    def test_what_a_build_needs_from_outside_stays(self):
        for name in "PATH HOME CARGO_HOME RUSTUP_HOME SSL_CERT_FILE HTTPS_PROXY CARGO_NET_OFFLINE CARGO_TERM_COLOR".split():
            self.assertFalse(re.fullmatch(package.OUTSIDE, name), name)


if __name__ == "__main__":
    checkout.enter("package")
    unittest.main()
