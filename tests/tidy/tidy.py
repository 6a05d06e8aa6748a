#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of this repository, as a test.

    tidy.py ROOT

Prints `file:line: rule: what is wrong` for each finding; exit code 1 if there is one. Who may
include whom is in includes.txt, what may not be called in banned.txt; both stand beside this file.
tidy_test.py shows that each rule can fail.
"""

import fnmatch
import os
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent

MAX_COLUMNS = 100
# Aim for 200 and 500.
MAX_LINES = {".h": 250, ".cc": 700}
SKIPPED_FOLDERS = {".git", ".cache", "node_modules", "__pycache__", "tallywire-data"}
# What is checked line by line, by name or shebang; data files are not.
TEXT = ("*.h", "*.cc", "*.proto", "*.py", "*.sh", "*.cmake", "*CMakeLists.txt", "*.yaml", "*.yml",
        "*.md", "*.txt", "*.json", "*.clang-tidy", "*.clang-format")
CODE = ("*.h", "*.cc", "*.proto", "*.py", "*.sh", "*.cmake", "*CMakeLists.txt", "*.yaml", "*.yml")

COMMENT = r"//[^\n]*|/\*.*?\*/"
LITERAL = (r'R"(?P<tag>[^()\\\s"]{0,16})\(.*?\)(?P=tag)"' r'|"(?:\\.|[^"\\\n])*"'
           r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'")
TOKEN = re.compile(f"(?P<comment>{COMMENT})|(?P<literal>{LITERAL})", re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:<([^>]+)>|"([^"]+)")')
URL = re.compile(r"https?://\S+")
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED = re.compile(r"`((?:\.ci|deploy|ledger|projector|proto|publishers|tests|tools)/[\w./*-]*)")


def fits(path, patterns):
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def blank(text, literals):
    """The text with comments, and literals if asked, as blanks; lines stay where they are."""
    def replace(match):
        if match.group("literal") is not None and not literals:
            return match.group()
        return re.sub(r"[^\n]", " ", match.group())
    return TOKEN.sub(replace, text)


class File:
    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        self.suffix = pathlib.PurePosixPath(path).suffix
        self.is_script = text.startswith("#!")
        self.is_code = fits(path, CODE) or self.is_script
        c_like = self.suffix in (".h", ".cc", ".proto")
        self.blanked = blank(text, literals=True).split("\n") if c_like else self.lines
        self.includes = []
        if self.suffix in (".h", ".cc"):
            for number, line in enumerate(blank(text, literals=False).split("\n"), 1):
                match = INCLUDE.match(line)
                if match:
                    self.includes.append((number, match.group(1) or match.group(2)))


class Tree:
    """The files below a folder, by their path from there."""

    def __init__(self, root):
        self.files = {}
        self.broken = []
        self.names = []
        root = pathlib.Path(root)
        for folder, folders, names in os.walk(root):
            at_top = pathlib.Path(folder) == root
            folders[:] = sorted(
                name for name in folders if name not in SKIPPED_FOLDERS
                and not (at_top and (name == "build" or name.startswith("build-"))))
            for name in sorted(names):
                full = pathlib.Path(folder) / name
                path = full.relative_to(root).as_posix()
                self.names.append(path)
                self._add(path, full)

    def _add(self, path, full):
        if full.is_symlink() or not full.is_file():
            return
        known = fits(path, TEXT)
        if not known:
            with open(full, "rb") as stream:
                known = stream.read(2) == b"#!"
        if not known:
            return
        try:
            self.files[path] = File(path, full.read_bytes().decode("utf-8"))
        except UnicodeDecodeError:
            self.broken.append(path)

    def has(self, path):
        """Whether there is such a file or folder; `*` stands for any."""
        return any(fnmatch.fnmatchcase(name, path) or fnmatch.fnmatchcase(name, path + "/*")
                   for name in self.names)

    def cmake_of(self, path):
        """The text of all CMakeLists.txt from the file's folder up."""
        folder = pathlib.PurePosixPath(path).parent
        texts = []
        for parent in [folder, *folder.parents]:
            name = (parent / "CMakeLists.txt").as_posix()
            if name in self.files:
                texts.append(re.sub(r"#[^\n]*", "", self.files[name].text))
        return "\n".join(texts)


class IncludeRules:
    def __init__(self, text):
        self.classes = []
        self.may = []
        self.never = []
        for number, line in enumerate(text.split("\n"), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if words[0] == "class":
                self.classes.append((words[1], words[2:]))
                continue
            left, colon, right = line.partition(" : ")
            if words[0] not in ("may", "never") or not colon:
                raise ValueError(f"includes.txt:{number}: not understood: {line}")
            getattr(self, words[0]).append((left.split()[1:], right.split()))

    def class_of(self, include):
        for name, patterns in self.classes:
            if fits(include, patterns):
                return name
        return "std" if re.fullmatch(r"[a-z0-9_]+", include) else None

    def check(self, tree, file):
        allowed = next((right for left, right in self.may if fits(file.path, left)), None)
        for number, include in file.includes:
            kind = self.class_of(include)
            if kind is None:
                yield number, "include", f"{include} is of no class in tests/tidy/includes.txt"
            elif allowed is not None and kind not in allowed:
                yield number, "include", f"{include} ({kind}) may not be included here"
        if fits(file.path, ["*_test.cc", "*_bench.cc"]):
            forbidden = [(left, right) for left, right in self.never if left == ["publishers/*"]]
        else:
            forbidden = self.never
        for left, right in forbidden:
            if fits(file.path, left):
                yield from self._reach(tree, file, right)

    def _reach(self, tree, file, patterns):
        for number, first in file.includes:
            seen, todo = {first}, [(first, [first])]
            while todo:
                include, way = todo.pop()
                if fits(include, patterns):
                    yield number, "include-reach", f"reaches {include} by {' > '.join(way)}"
                    break
                for _, further in tree.files[include].includes if include in tree.files else []:
                    if further not in seen:
                        seen.add(further)
                        todo.append((further, way + [further]))


class Ban:
    def __init__(self, name):
        self.name = name
        self.regex = None
        self.raw = False
        self.files = ["*.h", "*.cc"]
        self.exempt = []
        self.use = ""
        self.bad = []
        self.good = []

    def finds(self, line):
        text = line if self.raw else blank(line, literals=True)
        return self.regex.search(text) is not None

    def check(self, file):
        if not fits(file.path, self.files) or fits(file.path, self.exempt):
            return
        for number, line in enumerate(file.lines if self.raw else file.blanked, 1):
            match = self.regex.search(line)
            if match:
                yield number, self.name, f"`{match.group().strip()}`: {self.use}"


def read_bans(text):
    bans = []
    for number, line in enumerate(text.split("\n"), 1):
        word, _, rest = line.partition(" ")
        if not line.strip() or word == "#":
            continue
        if word == "ban":
            bans.append(Ban(rest))
        elif word in ("match", "raw"):
            bans[-1].regex, bans[-1].raw = re.compile(rest), word == "raw"
        elif word == "in":
            bans[-1].files = rest.split()
        elif word == "not":
            bans[-1].exempt = rest.split()
        elif word == "use":
            bans[-1].use = "use " + rest
        elif word in ("bad", "good"):
            # `<>` keeps a bad line from being found in this very file.
            getattr(bans[-1], word).append(rest.replace("<>", ""))
        else:
            raise ValueError(f"banned.txt:{number}: not understood: {line}")
    return bans


def check_lines(file):
    if file.is_code and file.path.rsplit("/", 1)[-1] not in ("package-lock.json",):
        for number, line in enumerate(file.lines, 1):
            if len(URL.sub("", line)) > MAX_COLUMNS:
                yield number, "line-length", f"{len(line)} columns, the limit is {MAX_COLUMNS}"
            if line != line.rstrip():
                yield number, "white-space", "the line ends with white space"
            if "\t" in line:
                yield number, "white-space", "a tab"
    if file.text and not file.text.endswith("\n"):
        yield len(file.lines), "white-space", "the last line does not end"


def check_length(file):
    limit = MAX_LINES.get(file.suffix)
    count = len(file.lines) - 1
    if limit is not None and count > limit:
        yield count, "file-length", f"{count} lines, the limit is {limit}: divide it by ideas"


def check_licence(file):
    wanted = file.is_code and "SPDX-License-Identifier: Apache-2.0"
    if wanted and not any(wanted in line for line in file.lines[:3]):
        yield 1, "licence", f"`{wanted}` is missing in the first three lines"


def check_header(file):
    if file.suffix != ".h":
        return
    guard = "TALLYWIRE_" + re.sub(r"[^A-Za-z0-9]", "_", file.path).upper() + "_"
    code = [(n, line) for n, line in enumerate(file.blanked, 1) if line.strip()]
    if len(code) < 2 or code[0][1].split() != ["#ifndef", guard] or \
            code[1][1].split() != ["#define", guard]:
        yield 1, "include-guard", f"a header begins with `#ifndef {guard}` and `#define {guard}`"
        return
    until = code[2][0] if len(code) > 2 else len(file.lines)
    said = [line for line in file.lines[:until - 1]
            if line.startswith("//") and "SPDX-License-Identifier" not in line]
    if not said:
        yield 1, "header-comment", "a header begins with what it is, before its first include"


def anchors(file):
    """What `#…` in a link may name: the headings, as they are spelled in an address."""
    return {re.sub(r"[^\w -]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
            for line in file.lines if re.match(r"#+ ", line)}


def check_links(tree, file):
    if file.suffix != ".md":
        return
    folder = pathlib.PurePosixPath(file.path).parent
    for number, line in enumerate(file.lines, 1):
        for target in LINK.findall(line):
            path, _, anchor = target.partition("#")
            if "://" in target:
                continue
            if path and not tree.has(os.path.normpath(folder / path)):
                yield number, "dead-link", f"{path} is not there"
            elif not path and anchor not in anchors(file):
                yield number, "dead-link", f"no heading here is called {anchor}"
        for path in NAMED.findall(line):
            if not tree.has(path.rstrip("/.")):
                yield number, "dead-link", f"{path} is not there"


def check_registered(tree, file):
    name = file.path.rsplit("/", 1)[-1]
    is_test = name.endswith("_test.cc") or name.endswith("_test.py")
    if file.suffix != ".cc" and not is_test:
        return
    if not re.search(r"(?<![\w.-])" + re.escape(name) + r"(?![\w.])", tree.cmake_of(file.path)):
        rule = "test-not-registered" if is_test else "source-not-built"
        yield 1, rule, f"no CMakeLists.txt above it names {name}"


def check(root):
    """All findings, as (path, line, rule, text), in order."""
    tree = Tree(root)
    includes = IncludeRules((HERE / "includes.txt").read_text(encoding="utf-8"))
    bans = read_bans((HERE / "banned.txt").read_text(encoding="utf-8"))
    found = [(path, 1, "not-utf8", "is not UTF-8") for path in tree.broken]
    for file in tree.files.values():
        results = [check_lines(file), check_length(file), check_licence(file), check_header(file),
                   check_registered(tree, file), check_links(tree, file),
                   includes.check(tree, file)]
        results += [ban.check(file) for ban in bans]
        for result in results:
            found += [(file.path, *finding) for finding in result]
    return sorted(set(found))


def main():
    if len(sys.argv) != 2:
        print("usage: tidy.py ROOT", file=sys.stderr)
        return 2
    found = check(sys.argv[1])
    for path, line, rule, text in found:
        print(f"{path}:{line}: {rule}: {text}")
    print(f"tidy: {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
