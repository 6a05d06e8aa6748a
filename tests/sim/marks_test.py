#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""marks_test.py ROOT [FILE…]: every TW_MARK of the sources is in tests/sim/marks.txt with the test
that must reach it, every line there names a mark that exists, and it is reached.

Marks with `sim` must be among those that tallywire-sim wrote to the FILEs; any other names a test
file, which has to look for MarkCount("its name") itself.
"""

import pathlib
import re
import sys

FOLDERS = ("ledger", "projector", "publishers")


def in_sources(root):
    """Mark -> where it stands."""
    marks = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.cc")):
            for name in re.findall(r'TW_MARK\("([^"]+)"\)', path.read_text()):
                marks.setdefault(name, []).append(path.relative_to(root))
    return marks


def listed(path):
    """Mark -> test."""
    tests = {}
    for line in path.read_text().splitlines():
        line = line.split("#")[0].split()
        if line:
            name, test = line
            tests[name] = test
    return tests


def main():
    root = pathlib.Path(sys.argv[1])
    reached = set()
    for name in sys.argv[2:]:
        reached |= {line.split()[0] for line in pathlib.Path(name).read_text().splitlines()}
    sources = in_sources(root)
    tests = listed(root / "tests/sim/marks.txt")
    findings = []
    for name, where in sorted(sources.items()):
        if len(where) > 1:
            findings.append(f"{name} stands in {len(where)} places: {', '.join(map(str, where))}")
        if name not in tests:
            findings.append(f"{name} ({where[0]}) is not in tests/sim/marks.txt")
    for name, test in sorted(tests.items()):
        if name not in sources:
            findings.append(f"{name} is in tests/sim/marks.txt, but no TW_MARK has it")
        elif test == "sim":
            if name not in reached:
                findings.append(f"{name} was not reached by any seed that the tests run")
        elif f'MarkCount("{name}")' not in (root / test).read_text():
            findings.append(f'{name}: {test} does not look for MarkCount("{name}")')
    for finding in findings:
        print(finding)
    print(f"{len(tests)} marks, {len(findings)} findings")
    return 1 if findings else 0


sys.exit(main())
