#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over the files of a build folder and remembers which were clean.

    tools/clang_tidy.py [--jobs N] [--quick] BUILD [PREFIX...]

PREFIX: only sources whose path in the tree begins so, tests aside. --quick: only the checks that
find real bugs most often; a third of the time. A file is looked at again when it, a header
of this tree that it includes, its compile command, .clang-tidy or clang-tidy itself has changed.
Exit code 1 if there is a finding.
"""

import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
QUICK = ",".join([
    "-*",
    "clang-diagnostic-*",
    "bugprone-dangling-handle",
    "bugprone-unused-raii",
    "bugprone-use-after-move",
    "google-explicit-constructor",
    "modernize-use-override",
    "performance-for-range-copy",
    "performance-move-const-arg",
    "performance-unnecessary-copy-initialization",
    "performance-unnecessary-value-param",
    "readability-function-size",
])
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


class Reach:
    """Files of the tree that a source includes, directly or not."""

    def __init__(self):
        self._text = {}

    def _read(self, path):
        if path not in self._text:
            try:
                text = path.read_text(encoding="utf-8")
            except OSError:
                text = ""
            self._text[path] = (text, INCLUDE.findall(text))
        return self._text[path]

    def content(self, source):
        seen, todo = set(), [source]
        while todo:
            path = todo.pop()
            if path in seen:
                continue
            seen.add(path)
            for name in self._read(path)[1]:
                # A generated .pb.h changes with its .proto.
                proto = ROOT / "proto" / re.sub(r"\.pb\.h$", ".proto", name)
                for candidate in (ROOT / name, path.parent / name, proto):
                    if candidate.is_file():
                        todo.append(candidate)
                        break
        for path in sorted(seen):
            yield str(path.relative_to(ROOT)), self._read(path)[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("prefix", nargs="*")
    args = parser.parse_args()
    build = pathlib.Path(args.build).resolve()
    commands = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    stamps = build / "clang-tidy-clean"
    stamps.mkdir(exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True).stdout
    mode = ["--checks=" + QUICK] if args.quick else []
    base = version + repr(mode).encode() + (ROOT / ".clang-tidy").read_bytes()
    reach = Reach()

    work, clean = [], 0
    for entry in sorted(commands, key=lambda entry: entry["file"]):
        path = pathlib.Path(entry["file"])
        if ROOT not in path.parents or build in path.parents:
            continue
        name = str(path.relative_to(ROOT))
        wanted = any(name.startswith(prefix) for prefix in args.prefix)
        if args.prefix and (not wanted or name.endswith("_test.cc")):
            continue
        key = hashlib.sha256(base)
        key.update(re.sub(re.escape(str(ROOT)), "", entry.get("command", "")).encode())
        for part in reach.content(path):
            key.update(repr(part).encode())
        stamp = stamps / key.hexdigest()
        if stamp.exists():
            clean += 1
        else:
            work.append((name, stamp))

    def run(item):
        name, stamp = item
        began = time.monotonic()
        result = subprocess.run(["clang-tidy", "-p", str(build), "--quiet", *mode, name], cwd=ROOT,
                                capture_output=True, text=True, errors="replace", check=False)
        if result.returncode == 0:
            stamp.touch()
        return name, result, time.monotonic() - began

    failed = []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for name, result, seconds in pool.map(run, work):
            print(f"{seconds:6.1f} s  {name}", flush=True)
            if result.returncode != 0:
                failed.append(name)
                print(result.stdout, result.stderr, sep="", flush=True)
    print(f"clang-tidy: {clean + len(work)} files, {clean} unchanged since they were clean, "
          f"{len(failed)} with findings")
    for name in failed:
        print(f"  {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
