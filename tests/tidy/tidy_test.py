#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that each rule of tidy.py finds what it is for, and lets pass what is right."""

import pathlib
import tempfile
import unittest

import tidy

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
# Nobody's source: it has no licence.
BAD = "int x;\n"
HEADER = SPDX + """#ifndef TALLYWIRE_LEDGER_X_H_
#define TALLYWIRE_LEDGER_X_H_

// A thing.

#include <string>

#endif  // TALLYWIRE_LEDGER_X_H_
"""


class TreeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def put(self, path, text):
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_text(text, encoding="utf-8")

    def rules(self, path=None):
        return {rule for where, _, rule, _ in tidy.check(self.root) if path in (None, where)}

    def put_source(self, path, body):
        """A source that is fine but for its body."""
        self.put(path, SPDX + body + "\n")
        cmake = self.root / "CMakeLists.txt"
        names = cmake.read_text(encoding="utf-8") if cmake.exists() else "# " + SPDX[3:]
        self.put("CMakeLists.txt", names + path.rsplit("/", 1)[-1] + "\n")

    def test_a_clean_tree_has_no_findings(self):
        self.put("ledger/x.h", HEADER)
        self.put_source("ledger/x.cc", '#include "ledger/x.h"')
        self.put_source("ledger/x_test.cc", '#include <gtest/gtest.h>')
        self.put("README.md", "See https://example.org/" + "x" * 120 + "\n")
        self.assertEqual(tidy.check(self.root), [])

    def test_the_folders_of_builds_are_not_looked_at(self):
        self.put("build/x.cc", BAD)
        self.put("build-clang/x.cc", BAD)
        self.put("tests/buf/node_modules/x.cc", BAD)
        self.assertEqual(tidy.check(self.root), [])
        self.put("tools/build/x.cc", BAD)
        self.assertNotEqual(tidy.check(self.root), [])

    def test_line_length(self):
        self.put_source("ledger/x.cc", "// " + "é" * 97)
        self.assertEqual(self.rules(), set())
        self.put_source("ledger/x.cc", "// " + "e" * 98)
        self.assertEqual(self.rules(), {"line-length"})

    def test_white_space(self):
        for body in ("int x; ", "\tint x;", "int x;\r"):
            with self.subTest(body=body):
                self.put_source("ledger/x.cc", body)
                self.assertEqual(self.rules("ledger/x.cc"), {"white-space"})
        self.put("ledger/x.cc", SPDX + "int x;")
        self.assertEqual(self.rules("ledger/x.cc"), {"white-space"})

    def test_file_length(self):
        self.put_source("ledger/x.cc", "\n".join(["int x;"] * 699))
        self.assertEqual(self.rules(), set())
        self.put_source("ledger/x.cc", "\n".join(["int x;"] * 700))
        self.assertEqual(self.rules(), {"file-length"})
        self.put_source("ledger/x.cc", "")
        self.put("ledger/x.h", HEADER.replace("#include <string>", "int x;\n" * 242 + "int x;"))
        self.assertEqual(self.rules(), {"file-length"})

    def test_licence(self):
        for path in ("ledger/x.cc", "proto/x.proto", "tools/x.py", "deploy/x.yaml"):
            with self.subTest(path=path):
                self.put_source(path, "")
                self.assertEqual(self.rules(path), set())
                self.put(path, "\n")
                self.assertEqual(self.rules(path), {"licence"})
        self.put("tools/x", "#!/bin/sh\n")
        self.assertEqual(self.rules("tools/x"), {"licence"})

    def test_include_guard(self):
        self.put("ledger/y.h", HEADER)
        self.assertEqual(self.rules(), {"include-guard"})
        self.put("ledger/y.h", HEADER.replace("#ifndef", "#if").replace("_X_H_", "_Y_H_"))
        self.assertIn("include-guard", self.rules())
        self.put("ledger/y.h", HEADER.replace("_X_H_", "_Y_H_"))
        self.assertEqual(self.rules(), set())

    def test_header_comment(self):
        self.put("ledger/x.h", HEADER.replace("// A thing.\n", ""))
        self.assertEqual(self.rules(), {"header-comment"})

    def test_registered(self):
        self.put("ledger/x_test.cc", SPDX)
        self.assertEqual(self.rules(), {"test-not-registered"})
        self.put("ledger/CMakeLists.txt", "# " + SPDX[3:] + "# x_test.cc\ntw_test(xx_test.cc)\n")
        self.assertEqual(self.rules("ledger/x_test.cc"), {"test-not-registered"})
        self.put("ledger/CMakeLists.txt", "# " + SPDX[3:] + "tw_test(x SRCS x_test.cc)\n")
        self.assertEqual(self.rules(), set())
        self.put("ledger/x.cc", SPDX)
        self.assertEqual(self.rules(), {"source-not-built"})
        self.put("tests/x_test.py", "# " + SPDX[3:])
        self.assertEqual(self.rules("tests/x_test.py"), {"test-not-registered"})

    def test_links(self):
        self.put("ledger/x.h", HEADER)
        good = ("# A heading: one\n[a](ledger/x.h) [b](#a-heading-one) [c](https://example.org)\n"
                "`ledger/x.h` `ledger/` `ledger/*.h` `tools` `build/x`\n")
        self.put("README.md", good)
        self.put("ledger/A.md", "[up](../README.md) [beside](x.h)\n")
        self.assertEqual(self.rules(), set())
        for bad in ("[a](ledger/y.h)", "[b](#another)", "`ledger/y.h`", "`tools/check --all`"):
            with self.subTest(bad=bad):
                self.put("README.md", good + bad + "\n")
                self.assertEqual(self.rules(), {"dead-link"})

    def test_not_utf8(self):
        (self.root / "ledger").mkdir()
        (self.root / "ledger/x.cc").write_bytes(SPDX.encode() + b"// \xff\n")
        self.assertEqual(self.rules(), {"not-utf8"})

    def test_includes(self):
        # (file, include, may it)
        cases = [
            ("ledger/x.cc", "<rocksdb/db.h>", True),
            ("ledger/x.cc", '"tallywire/v1/event.pb.h"', True),
            ("ledger/x.cc", "<boost/beast.hpp>", False),
            ("ledger/x.cc", '"projector/projector.h"', False),
            ("ledger/x.cc", '"publishers/publisher.h"', False),
            ("ledger/x.cc", '"tools/main.h"', False),
            ("ledger/x.cc", "<gtest/gtest.h>", False),
            ("ledger/x_test.cc", "<gtest/gtest.h>", True),
            ("ledger/x.h", "<rocksdb/db.h>", False),
            ("ledger/x.h", "<librdkafka/rdkafka.h>", False),
            ("ledger/x.h", '"tallywire/v1/event.pb.h"', False),
            ("ledger/x.h", "<google/protobuf/message.h>", False),
            ("ledger/x.h", '"absl/status/status.h"', True),
            ("projector/fold/x.cc", '"ledger/event.h"', True),
            ("projector/fold/x.cc", '"ledger/log.h"', False),
            ("projector/fold/x.cc", '"ledger/codec.h"', False),
            ("projector/fold/x.cc", '"projector/store/rows.h"', False),
            ("projector/fold/x.cc", '"projector/fold/y.h"', True),
            ("projector/fold/x.cc", '"tallywire/v1/event.pb.h"', False),
            ("projector/fold/x.cc", "<thread>", False),
            ("projector/fold/x.cc", "<chrono>", False),
            ("projector/fold/x.cc", "<random>", False),
            ("projector/fold/x.cc", '"absl/time/clock.h"', False),
            ("projector/fold/x_test.cc", "<random>", True),
            ("projector/run/x.cc", '"projector/fold/y.h"', True),
            ("projector/run/x.cc", "<rocksdb/db.h>", False),
            ("projector/run/x.cc", '"publishers/publisher.h"', False),
            ("projector/projector.h", '"tallywire/v1/event.pb.h"', False),
            ("publishers/x.cc", '"ledger/log.h"', True),
            ("publishers/x.cc", '"projector/projector.h"', False),
            ("publishers/x_test.cc", '"projector/projector.h"', False),
            ("publishers/x.cc", "<rocksdb/db.h>", False),
            ("publishers/publisher.h", '"tallywire/v1/listing.pb.h"', False),
            ("tools/x.cc", '"projector/projector.h"', True),
            ("tools/x.cc", "<boost/beast.hpp>", True),
            ("tools/x.cc", "<rocksdb/db.h>", False),
            ("tests/x.cc", '"publishers/publisher.h"', True),
            ("tools/x.cc", "<nobody/knows.h>", False),
            ("tools/x.cc", '"near.h"', False),
        ]
        for path, include, may in cases:
            with self.subTest(path=path, include=include):
                rules = self.include_rules(path, f"#include {include}")
                self.assertEqual(not rules, may, rules)
                self.assertEqual(self.include_rules(path, f"// #include {include}"), set())

    def include_rules(self, path, line):
        with tempfile.TemporaryDirectory() as folder:
            full = pathlib.Path(folder) / path
            full.parent.mkdir(parents=True)
            full.write_text(line + "\n", encoding="utf-8")
            return {rule for _, _, rule, _ in tidy.check(folder) if rule.startswith("include")
                    and rule != "include-guard"}

    def test_what_a_header_reaches_counts(self):
        self.put("ledger/x.h", HEADER.replace("<string>", '"ledger/y.h"'))
        self.put("ledger/y.h", HEADER.replace("_X_H_", "_Y_H_").replace("<string>", "<thread>"))
        self.put_source("projector/fold/x.cc", '#include "ledger/x.h"')
        self.assertEqual(self.rules(), {"include-reach"})
        self.put("ledger/y.h", HEADER.replace("_X_H_", "_Y_H_"))
        self.assertEqual(self.rules(), set())


class BanTest(unittest.TestCase):
    BANS = tidy.read_bans((tidy.HERE / "banned.txt").read_text(encoding="utf-8"))

    def test_each_ban_finds_its_bad_lines_and_no_good_ones(self):
        self.assertGreater(len(self.BANS), 20)
        for ban in self.BANS:
            with self.subTest(ban=ban.name):
                self.assertTrue(ban.bad, "has no bad line")
                self.assertTrue(ban.use, "does not say what to use instead")
                for line in ban.bad:
                    self.assertTrue(ban.finds(line), line)
                for line in ban.good:
                    self.assertFalse(ban.finds(line), line)

    def test_each_ban_looks_at_some_file(self):
        paths = ["ledger/x.h", "ledger/x.cc", "projector/fold/x.h", "proto/x.proto", "README.md",
                 "tools/x.cc", "ledger/CMakeLists.txt"]
        for ban in self.BANS:
            with self.subTest(ban=ban.name):
                seen = [p for p in paths if tidy.fits(p, ban.files) and not
                        tidy.fits(p, ban.exempt)]
                self.assertTrue(seen)
                found = list(ban.check(tidy.File(seen[0], "\n" + ban.bad[0] + "\n")))
                self.assertEqual([line for line, _, _ in found], [2])

    def test_names_are_used_once(self):
        names = [ban.name for ban in self.BANS]
        self.assertEqual(len(names), len(set(names)))

    def test_exempt_files_are_left_alone(self):
        clock = next(ban for ban in self.BANS if ban.name == "clock")
        line = clock.bad[0] + "\n"
        self.assertTrue(list(clock.check(tidy.File("projector/run/x.cc", line))))
        self.assertFalse(list(clock.check(tidy.File("tools/x.cc", line))))


class BlankTest(unittest.TestCase):
    def blanked(self, text):
        return tidy.blank(text, literals=True)

    def test_comments_and_literals_do_not_count(self):
        self.assertEqual(self.blanked("a // b"), "a     ")
        self.assertEqual(self.blanked("a /* b\nc */ d"), "a     \n     d")
        self.assertEqual(self.blanked('f("a // \\" b"); // c').strip(), "f(           );")
        self.assertEqual(self.blanked('R"x(a " b)x" c').strip(), "c")
        self.assertEqual(self.blanked("'\"' a '\\''").strip(), "a")

    def test_a_digit_separator_begins_no_literal(self):
        self.assertEqual(self.blanked("10'000 + f(10'000)"), "10'000 + f(10'000)")


if __name__ == "__main__":
    unittest.main()
