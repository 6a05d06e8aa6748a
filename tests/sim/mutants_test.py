#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mutants_test.py ROOT WORK [NAME…]: can the simulator find a bug?

Copies the sources of ROOT into WORK, and for each patch in tests/sim/mutants (or those named)
applies it there, builds tallywire-sim and runs seeds until one fails. A mutant that lives through
all of them is a finding, and so is a patch that does not apply or build: mend it when the code
that it changes has moved on.
"""

import filecmp
import os
import pathlib
import shutil
import subprocess
import sys
import time

MOST_SEEDS = 2000
BUILD_SECONDS = 3600
RUN_SECONDS = 1200
# What tallywire-sim is made of.
PARTS = ("CMakeLists.txt", "CMakePresets.json", "proto", "ledger", "projector", "publishers",
         "tests", "tools", "deploy")


def copy_changed(source, target):
    """What is the same keeps its time, so that a second run builds it no more; what is not gets a
    new one: a mutant's object may be younger than the file that is put back."""
    if not os.path.exists(target) or not filecmp.cmp(source, target, shallow=False):
        shutil.copyfile(source, target)
        shutil.copymode(source, target)
    return target


def copy(root, source):
    for part in PARTS:
        if (root / part).is_dir():
            shutil.copytree(root / part, source / part, dirs_exist_ok=True,
                            copy_function=copy_changed,
                            ignore=shutil.ignore_patterns("build", "__pycache__", ".git"))
        elif (root / part).exists():
            source.mkdir(parents=True, exist_ok=True)
            copy_changed(root / part, source / part)


def run(command, seconds, **kwargs):
    return subprocess.run(command, timeout=seconds, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          **kwargs)


class Mutants:
    def __init__(self, root, work):
        self.root = root
        self.source = work / "source"
        self.build = work / "build"
        self.environment = dict(os.environ, CCACHE_BASEDIR=str(self.source), CCACHE_NOHASHDIR="1")

    def make(self):
        """Builds what is there; its output if that fails."""
        built = run(["cmake", "--build", str(self.build), "--target", "tallywire-sim",
                     "--parallel", os.environ.get("TW_JOBS", "2")],
                    BUILD_SECONDS, env=self.environment)
        return None if built.returncode == 0 else built.stdout[-3000:]

    def prepare(self):
        copy(self.root, self.source)
        configured = run(["cmake", "-S", str(self.source), "-B", str(self.build), "-G", "Ninja",
                          "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                          "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O2 -g1",
                          "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O2 -g1"], 300, env=self.environment)
        if configured.returncode != 0:
            return configured.stdout[-3000:]
        return self.make()

    def patch(self, patch, *options):
        return run(["patch", "-p1", "--no-backup-if-mismatch", "-i", str(patch), *options], 60,
                   cwd=self.source)

    def hunt(self):
        """The first line about the seed that found it; None: it lives."""
        try:
            ran = run([str(self.build / "tests/sim/tallywire-sim"), "--seeds", str(MOST_SEEDS)],
                      RUN_SECONDS)
        except subprocess.TimeoutExpired:
            return "it does not come to an end"
        if ran.returncode == 0:
            return None
        lines = ran.stdout.splitlines()
        return " | ".join(line.strip()[:160] for line in lines[:2]) or f"exit {ran.returncode}"

    def judge(self, patch):
        """A finding, or None."""
        applied = self.patch(patch)
        if applied.returncode != 0:
            self.patch(patch, "--reverse", "--force")
            copy(self.root, self.source)
            return f"does not apply:\n{applied.stdout}"
        try:
            error = self.make()
            if error:
                return f"does not build:\n{error}"
            began = time.monotonic()
            found = self.hunt()
            seconds = time.monotonic() - began
            print(f"{patch.stem}: {found or 'LIVES'} ({seconds:.0f} s)", flush=True)
            return None if found else f"lives through {MOST_SEEDS} seeds"
        finally:
            self.patch(patch, "--reverse")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    work = pathlib.Path(sys.argv[2]).resolve()
    patches = sorted((root / "tests/sim/mutants").glob("*.patch"))
    if len(sys.argv) > 3:
        patches = [patch for patch in patches if patch.stem in sys.argv[3:]]
    if not shutil.which("patch"):
        print("skipped: no patch(1), so no mutant is made")
        return 77
    mutants = Mutants(root, work)
    error = mutants.prepare()
    if error:
        print(error)
        return 1
    alive = mutants.hunt()
    if alive:
        print(f"the sources fail without any mutation: {alive}")
        return 1
    findings = [f"{patch.stem} {finding}" for patch in patches
                if (finding := mutants.judge(patch))]
    for finding in findings:
        print(finding)
    print(f"{len(patches)} mutants, {len(patches) - len(findings)} caught")
    return 1 if findings else 0


sys.exit(main())
