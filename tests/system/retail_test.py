#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A year of a real retailer through `tallywire import`, and another program's opinion of it.

Usage: retail_test.py TALLYWIRE [--interrupts N] [--seed N]

The file is read here by Python's csv module, and every SKU's balance computed from it; the ledger
has to show the same. Then: the sums that are known of the file; a second import changes nothing; an
import that was broken off at random moments, politely and not, and started again, comes to the same
digest; derived opening counts, although they come last, leave nothing below zero; `verify` finds
nothing. Skips where the file is not at hand (../shared, or TALLYWIRE_SHARED).
"""
import argparse
import collections
import csv
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAP = os.path.join(SOURCE, "tools", "maps", "online-retail.yaml")
SKIPPED = 77

# Rows and the sum of the column Quantity by what a row is, as published beside the file.
KNOWN = {
    "sold": (527_725, 5_576_996),
    "returned": (8_704, -272_030),
    "down": (1_324, -206_898),
    "up": (1_161, 68_024),
}
KNOWN_LEFT_OUT = 2_995
KNOWN_NET = 5_166_092
KNOWN_NET_OF = {"22197": 56_450, "84077": 53_847, "85099B": 47_363, "23005": -14_418}


class Expected:
    """What the file says, by this program's own reading."""

    def __init__(self, path):
        self.rows = collections.Counter()
        self.units = collections.Counter()
        self.left_out = 0
        self.net = collections.Counter()
        self.balance = collections.Counter()
        self.lowest = collections.Counter()
        with subprocess.Popen(["zstd", "-dc", path], stdout=subprocess.PIPE) as unpack:
            for row in csv.DictReader(io.TextIOWrapper(unpack.stdout, "utf-8", newline="")):
                self.add(row)
        if unpack.returncode != 0:
            sys.exit(f"{path} cannot be unpacked")

    def add(self, row):
        sku = row["StockCode"]
        quantity = int(row["Quantity"])
        if not re.match(r"[0-9]{5}", sku):
            self.left_out += 1
            return
        if quantity > 0:
            kind = "sold" if float(row["UnitPrice"]) > 0 else "up"
        else:
            kind = "returned" if row["InvoiceNo"].startswith("C") else "down"
        self.rows[kind] += 1
        self.units[kind] += quantity
        self.net[sku] += quantity
        # A sale has a plus in the file and takes units away; a correction's sign is what it means.
        self.balance[sku] += -quantity if kind in ("sold", "returned") else quantity
        self.lowest[sku] = min(self.lowest[sku], self.balance[sku])


def check(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got!r}, but it should be {wanted!r}")


class Ledger:
    def __init__(self, binary, folder):
        self.start_of_command = [binary, "--log", "embedded:" + folder, "--partitions", "4"]

    def popen(self, *args):
        return subprocess.Popen([*self.start_of_command, *args], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *args):
        process = self.popen(*args)
        out, err = process.communicate()
        if process.returncode != 0:
            sys.exit(f"{args}: exit {process.returncode}\n{out[-2000:]}\n{err[-2000:]}")
        return out

    def lines(self, *args):
        return [json.loads(line) for line in self.run("-o", "jsonl", *args).splitlines()]

    def imports(self, path, *more):
        return self.run("import", "--map", MAP, path, *more)

    def digest(self):
        answer = json.loads(self.run("-o", "json", "digest"))
        check("at rest", answer["at_rest"], True)
        return answer["content"]

    def totals(self):
        """SKU → AVAILABLE of its TOTAL row; its only site has to show the same."""
        totals, sites = {}, {}
        for row in self.lines("stock"):
            if row["level"] == "LEVEL_TOTAL":
                totals[row["sku"]] = int(row["available"])
            else:
                check(f"the only place of {row['sku']}", row["location"], "WH1")
                sites[row["sku"]] = int(row["available"])
            check(f"on hand of {row['sku']}", row["on_hand"], row["available"])
        check("sites and totals", sites, totals)
        return totals


def check_known(expected):
    for kind, (rows, units) in KNOWN.items():
        check(kind, (expected.rows[kind], expected.units[kind]), (rows, units))
    check("rows left out", expected.left_out, KNOWN_LEFT_OUT)
    check("net of all", sum(expected.net.values()), KNOWN_NET)
    for sku, net in KNOWN_NET_OF.items():
        check(f"net of {sku}", expected.net[sku], net)


def check_summary(out, expected):
    """The table that `import` ends with counts what was left out, and every kind."""
    for count, what in ((expected.left_out, "left out"), (expected.rows["sold"], "sold"),
                        (expected.rows["returned"], "returned"),
                        (expected.rows["down"], "adjusted"), (expected.rows["up"], "adjusted")):
        if not re.search(rf"^\s*{count:,}\s.*\b{what}\b", out, re.MULTILINE):
            sys.exit(f"{count:,} rows {what} are not in\n{out}")
    events = sum(expected.rows.values()) + 1
    if f"{events:,} events appended" not in out:
        sys.exit(f"{events:,} events appended is not in\n{out}")


def check_net_by_explain(ledger):
    """The file's own net of some SKUs, from the journal, whose entries say what they are."""
    for sku, net in KNOWN_NET_OF.items():
        answer = json.loads(ledger.run("-o", "json", "explain", sku))
        check(f"explain {sku} adds up", answer["consistent"], True)
        found = 0
        for entry in answer["entries"]:
            delta = sum(int(change["delta"]) for change in entry["changes"])
            found += delta if entry["what"] == "adjusted" else -delta
        check(f"net of {sku} by its journal", found, net)


def interrupted(ledger, path, count, rng, seconds):
    """Imports that end at random moments: by ^C, which has to be told, or by SIGKILL."""
    told = 0
    for i in range(count):
        process = ledger.popen("import", "--map", MAP, path)
        time.sleep(rng.uniform(0.05, seconds))
        process.send_signal(signal.SIGINT if i % 2 == 0 else signal.SIGKILL)
        _, err = process.communicate()
        if process.returncode == 1:
            told += 1
            if not re.search(r"stopped (after row \d+|before )", err):
                sys.exit(f"an interrupted import says nothing of it:\n{err}")
    ledger.imports(path)
    print(f"broken off {count} times, {told} of them told where they stopped")


def run(args, path, work):
    expected = Expected(path)
    check_known(expected)

    ledger = Ledger(args.tallywire, os.path.join(work, "whole"))
    began = time.time()
    check_summary(ledger.imports(path), expected)
    seconds = time.time() - began
    print(f"imported {sum(expected.rows.values()):,} events in {seconds:.1f} s")
    check("balances", ledger.totals(), dict(expected.balance))
    check_net_by_explain(ledger)
    digest = ledger.digest()
    print(f"{len(expected.balance):,} SKUs as computed here, digest {digest}")

    ledger.imports(path)
    check("digest after the second import", ledger.digest(), digest)
    check("balances after the second import", ledger.totals(), dict(expected.balance))

    other = Ledger(args.tallywire, os.path.join(work, "interrupted"))
    interrupted(other, path, args.interrupts, rng=random.Random(args.seed), seconds=seconds)
    check("digest after interruptions", other.digest(), digest)
    other.run("verify")

    ledger.imports(path, "--opening-counts")
    opened = {sku: balance - expected.lowest[sku] for sku, balance in expected.balance.items()}
    check("balances with opening counts", ledger.totals(), opened)
    check("the lowest of them", min(opened.values()), 0)
    ledger.run("verify")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tallywire")
    parser.add_argument("--interrupts", type=int, default=6)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    args = parser.parse_args()
    shared = os.environ.get("TALLYWIRE_SHARED", os.path.join(SOURCE, "..", "shared"))
    path = os.path.join(shared, "data", "uci-online-retail", "online_retail.csv.zst")
    if not os.path.exists(path):
        print("skipped: data/uci-online-retail/online_retail.csv.zst is not in TALLYWIRE_SHARED")
        sys.exit(SKIPPED)
    print("seed", args.seed)
    work = tempfile.mkdtemp(prefix="tallywire-retail-")
    try:
        run(args, path, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
