#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A year of a real retailer, once through Kafka and once embedded: the same content.

Usage: retail_kafka_test.py TALLYWIRE DUMP_LOG [--partitions N]

Imported on a broker of its own with 8 partitions and folded by `project --until-caught-up`, beside
the embedded import with 4: the content digests are equal, the topics end with the same values, and
`verify` finds nothing on either. Prints events a second. Skips where the file is not at hand
(../shared, or TALLYWIRE_SHARED), or Java or Maven is not.
"""
import os
import re
import sys
import time

from kafka_world import (RETAIL_MAP, SKIPPED, SOURCE, Ledger, Picture, check, embedded,
                         fail, run_test, say)


def retail_file():
    shared = os.environ.get("TALLYWIRE_SHARED", os.path.join(SOURCE, "..", "shared"))
    path = os.path.join(shared, "data", "uci-online-retail", "online_retail.csv.zst")
    if not os.path.exists(path):
        print("skipped: data/uci-online-retail/online_retail.csv.zst is not in TALLYWIRE_SHARED")
        sys.exit(SKIPPED)
    return path


def timed(what, ledger, *arguments, count=None):
    """Runs a command over so many events; an import says how many itself."""
    began = time.monotonic()
    out = ledger.run(*arguments)
    seconds = time.monotonic() - began
    if count is None:
        count = int(re.search(r"([\d,]+) events appended", out).group(1).replace(",", ""))
    say(f"{what}: {count:,} events in {seconds:.1f} s, {count / seconds:,.0f}/s")
    return count


def run(args, work):
    path = retail_file()
    cluster = work.cluster()
    kafka = Ledger(work, "kafka:" + cluster.brokers, work.path("projector"))
    kafka.topics(args.partitions)
    count = timed("kafka, import", kafka, "import", "--map", RETAIL_MAP, path)
    timed("kafka, project", kafka, "project", "--until-caught-up", count=count)
    digest = kafka.digest()

    other = embedded(work, "embedded")
    timed("embedded, import", other, "import", "--map", RETAIL_MAP, path)
    timed("embedded, fold", other, "digest", count=count)
    check("content digest on Kafka", digest, other.digest())
    for ledger in (kafka, other):
        if "0 findings" not in ledger.run("verify"):
            fail(f"verify of {ledger.log} is not clean")
    Picture(kafka).compare(Picture(other))
    say(f"digest {digest} and the last values of every key are the same; verify is clean on both")


if __name__ == "__main__":
    run_test(__doc__, run, [("--partitions", {"type": int, "default": 8})])
