#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills `project`, `publish`, `append` and `import` with SIGKILL at random moments, on a broker.

Usage: kill_kafka_test.py TALLYWIRE DUMP_LOG [--rounds N] [--retail] [--seed N]

Each is killed N times while events flow, in random order, and started again. Beside it a client
appends over HTTP to the projector that is being killed, and remembers what was acknowledged, and
where. Afterwards: the content digest is that of an undisturbed embedded run of the same events;
each key of stock.availability and stock.listing-updates ends with the same values, the alerts are
the same, each refused record is a dead letter; no (key, version) was ever written with two bodies;
what was acknowledged is there; `verify` finds nothing. With --retail the whole year of
../shared is imported, else the week that lies in tools/demo.
"""
import os
import random
import subprocess
import time

from kafka_world import (DEFINITIONS, RETAIL_MAP, RETAIL_WEEK, SOURCE, Events, Flow, Ledger,
                         Picture, Service, Side, check, fail, lines_of, put_listings,
                         quiet_run, run_test, say)

PARTITIONS = 8
LISTED = ["K-0", "K-1", "K-2", "K-3", "22197", "84077", "85099B", "SIDE-1"]


class Import:
    """An import, started again until it ends well."""

    def __init__(self, ledger, path):
        self.ledger = ledger
        self.path = path
        self.process = None
        self.start()

    def start(self):
        self.process = self.ledger.work.popen(
            self.ledger.command("import", "--map", RETAIL_MAP, self.path),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self):
        running = self.process.poll() is None
        self.process.kill()
        self.process.wait()
        self.start()
        return running

    def finish(self):
        if self.process.wait() != 0:
            self.ledger.run("import", "--map", RETAIL_MAP, self.path)


class Killer:
    """Who is killed, how often it was really alive then."""

    def __init__(self, rng, services, flow, imports):
        self.rng = rng
        self.services = services
        self.flow = flow
        self.imports = imports
        self.killed = {"project": 0, "publish": 0, "append": 0, "import": 0}

    def service(self, role):
        service = self.services[role]
        service.kill()
        self.killed[role] += 1
        service.start(wait=False)

    def client(self):
        """What appends just now: an import or an append."""
        one = self.imports if self.rng.random() < 0.25 else self.flow
        for _ in range(1000):
            if one.kill():
                self.killed["import" if one is self.imports else "append"] += 1
                return
            time.sleep(0.005)
        fail("nothing appends that could be killed")

    def run(self, rounds):
        roles = ["project", "publish", "client"] * rounds
        self.rng.shuffle(roles)
        for role in roles:
            time.sleep(self.rng.uniform(0.05, 0.8))
            self.flow.alive()
            if role == "client":
                self.client()
            else:
                self.service(role)


def retail(args):
    if not args.retail:
        return RETAIL_WEEK
    shared = os.environ.get("TALLYWIRE_SHARED", os.path.join(SOURCE, "..", "shared"))
    return os.path.join(shared, "data", "uci-online-retail", "online_retail.csv.zst")


def disturbed(args, ledger, path):
    """Runs all that is killed, to its end; the events that were appended, and the side client."""
    project = Service(ledger, "project", "--own", f"0-{PARTITIONS - 1}")
    publish = Service(ledger, "publish")
    project.start()
    publish.start()
    flow = Flow(ledger, Events(args.seed), rate=4000)
    side = Side(project)
    flow.start()
    side.start()
    imports = Import(ledger, path)
    killer = Killer(random.Random(args.seed), {"project": project, "publish": publish}, flow,
                    imports)
    killer.run(args.rounds)
    say(f"killed while running: {killer.killed}")
    imports.finish()
    flow.stop()
    side.stop()
    project.wait_ready()
    publish.wait_ready()
    project.wait_caught_up()
    project.stop()
    publish.stop()
    return flow, side


def run(args, work):
    path = retail(args)
    cluster = work.cluster()
    kafka = Ledger(work, "kafka:" + cluster.brokers, work.path("data"))
    kafka.topics(PARTITIONS)
    kafka.run("append", "-", text=lines_of(DEFINITIONS))
    kafka.run("project", "--until-caught-up")
    put_listings(kafka, LISTED)
    flow, side = disturbed(args, kafka, path)
    kafka.run("project", "--until-caught-up")
    kafka.run("publish", "--until-caught-up")
    events = flow.events + side.events
    say(f"{len(events):,} events appended, {flow.again} chunks more than once, and an import")

    quiet = quiet_run(work, events, LISTED, [path])
    digest = kafka.digest()
    check("content digest", digest, quiet.digest())
    picture = Picture(kafka)
    picture.check_appended(events, side.acknowledged)
    picture.check_letters(flow.source.refused)
    picture.compare(Picture(quiet))
    kafka.run("verify")
    say(f"digest {digest} both times, {len(picture.last):,} keys end alike, "
        f"{len(side.acknowledged)} events lie where they were acknowledged, "
        f"{len(picture.letters)} dead letters")


if __name__ == "__main__":
    run_test(__doc__, run, [("--rounds", {"type": int, "default": 20}),
                            ("--retail", {"action": "store_true"})])
