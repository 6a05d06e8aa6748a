#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Projectors that share 24 partitions, and come, go, stall and return, on a real broker.

Usage: owners_kafka_test.py TALLYWIRE DUMP_LOG [--all] [--only NAME] [--seed N]

fixed     6 processes, 4 partitions each, one killed -9 each second
group     6 processes in a consumer group, one killed every 15 s
stalled   one of 3 in a group is stopped for longer than its session, its partitions go to others,
          and then it goes on as if nothing had been
returned  a fixed owner is stopped, another takes its partitions, the first wakes, writes what it
          had in hand, and is killed before it has caught up
frozen    the same of a publisher

In each, events flow all the while. Afterwards: the digests of the owners sum up to that of a quiet
embedded run; each key ends with the newest version ever written for it, and with the values
of the quiet run; no (key, version) has two bodies. In `fixed` and `group` 30 % of the events
at least were folded between the first kill and the last. By default each lasts some seconds;
with --all as long as it takes for a minute of kills, and then the topics are compacted and read
once more.
"""
import random
import signal
import time

from kafka_world import (DEFINITIONS, Events, Flow, Ledger, Picture, Service, check, fail, lines_of,
                         put_listings, quiet_run, run_test, say, wait_for)

PARTITIONS = 24
LISTED = [f"K-{i}" for i in range(10)]
SESSION = ["-X", "session.timeout.ms=6000", "-X", "heartbeat.interval.ms=1000"]
OUTPUTS = ("stock.availability", "stock.listing-updates")


class World:
    """A ledger of 24 partitions in a cluster, events that flow into it, and its owners."""

    def __init__(self, args, cluster, work, name, listings=()):
        self.args = args
        self.work = work
        self.name = name
        self.listings = listings
        self.rng = random.Random(f"{args.seed} {name}")
        self.cluster = cluster
        self.ledger = Ledger(work, "kafka:" + self.cluster.brokers, work.path(name + "-first"))
        self.ledger.topics(PARTITIONS)
        self.ledger.run("append", "-", text=lines_of(DEFINITIONS))
        self.ledger.run("project", "--until-caught-up")
        if listings:
            put_listings(self.ledger, listings)
        self.flow = Flow(self.ledger, Events(args.seed, skus=1000), rate=3000)

    def projector(self, number, *arguments, options=()):
        data = self.ledger.with_data(f"{self.name}-{number}", options)
        return Service(data, "project", *arguments)

    def folded(self):
        """Records below the marks of stock.progress: folded, put out, and on disk."""
        marks = {}
        for _, _, key, mark, _, _ in self.ledger.dump("stock.progress"):
            marks[key] = int(mark.split(":")[0])
        return sum(marks.values())

    def end(self):
        return sum(1 for _ in self.ledger.dump("stock.events"))

    def caught_up(self, services):
        """Until these own all partitions, and have folded all there is."""
        def look():
            owned = {}
            for service in services:
                health = service.health()
                if health is None or health["state"] != "ok":
                    if health and "has stopped" in health["problem"]:
                        fail(health["problem"])
                    return False
                for partition in health["partitions"]:
                    owned[partition["partition"]] = partition
            return len(owned) == PARTITIONS
        wait_for("the owners have caught up", look, 120, every=0.2)

    def check(self, owners):
        """Everything at rest is as a quiet run has it."""
        quiet = quiet_run(self.work.below(self.name), self.flow.events, self.listings)
        wanted = quiet.digest()
        if owners:
            parts = [service.ask("digest") for service in owners]
            check(f"{self.name}: the owners' SKUs", sum(int(part["skus"]) for part in parts),
                  int(quiet.json("digest")["skus"]))
            total = sum(int(part["content"], 16) for part in parts) % 2 ** 128
            check(f"{self.name}: sum of the owners' digests", f"{total:032x}", wanted)
            for service in owners:
                service.stop()
        check(f"{self.name}: content digest", self.ledger.digest(), wanted)
        if self.listings:
            self.ledger.run("publish", "--until-caught-up")
        picture = Picture(self.ledger)
        picture.check_appended(self.flow.events)
        picture.check_letters(self.flow.source.refused)
        picture.compare(Picture(quiet))
        if self.args.all:
            self.compact()
            Picture(self.ledger, whole=False).compare(Picture(quiet))
        say(f"{self.name}: {len(self.flow.events):,} events, digest {wanted}, "
            f"{len(picture.last):,} keys end with the newest; {picture.backwards} old rows were "
            "written after newer ones")

    def compact(self):
        """Makes the broker drop all that compaction may drop."""
        for topic in OUTPUTS:
            self.cluster.tool("configs", "--alter", "--entity-type", "topics", "--entity-name",
                              topic, "--add-config",
                              "segment.ms=100,min.cleanable.dirty.ratio=0.001,"
                              "max.compaction.lag.ms=100,delete.retention.ms=100")
        before = len(self.ledger.dump(OUTPUTS[0]))
        # A segment is closed by a record that comes after its time.
        time.sleep(1)
        data = self.ledger.with_data(f"{self.name}-compact")
        extra = Events(self.args.seed, skus=1000, prefix="AFTER").take(2000)
        data.run("append", "-", text=lines_of(extra))
        data.run("project", "--until-caught-up")
        wait_for("the topic is compacted", lambda: len(self.ledger.dump(OUTPUTS[0])) < before, 90,
                 every=2)


def kills(world, services, seconds, every):
    """One after the other killed and started again; how much was folded meanwhile."""
    world.flow.start()
    world.caught_up(services)
    first = world.folded()
    began = time.monotonic()
    count = 0
    while time.monotonic() - began < seconds:
        world.flow.alive()
        service = world.rng.choice(services)
        service.kill()
        count += 1
        service.start(wait=False)
        time.sleep(max(0.0, began + count * every - time.monotonic()))
    last = world.folded()
    world.flow.stop()
    for service in services:
        service.wait_ready()
    world.caught_up(services)
    share = (last - first) / world.end()
    say(f"{world.name}: {count} kills; {share:.0%} of the records folded between the first and the "
        "last")
    if share < 0.3:
        fail(f"{world.name}: only {share:.0%} were folded between the first kill and the last")


def fixed(args, cluster, work):
    world = World(args, cluster, work, "fixed")
    services = [world.projector(n, "--own", f"{4 * n}-{4 * n + 3}") for n in range(6)]
    for service in services:
        service.start(wait=False)
    for service in services:
        service.wait_ready()
    kills(world, services, 60 if args.all else 12, 1)
    world.check(services)


def group(args, cluster, work):
    world = World(args, cluster, work, "group")
    services = [world.projector(n, options=SESSION) for n in range(6)]
    for service in services:
        service.start(wait=False)
    for service in services:
        service.wait_ready()
    kills(world, services, 60 if args.all else 15, 15 if args.all else 10)
    world.check(services)


def stalled(args, cluster, work):
    world = World(args, cluster, work, "stalled")
    services = [world.projector(n, options=SESSION) for n in range(3)]
    for service in services:
        service.start()
    world.flow.start()
    world.caught_up(services)
    time.sleep(2)
    one = world.rng.choice(services)
    others = [service for service in services if service is not one]
    had = len(one.ask("health")["partitions"])
    one.signal(signal.SIGSTOP)
    say(f"stalled: the owner of {had} partitions is stopped")
    stopped = time.monotonic()

    def taken():
        healths = [service.health() for service in others]
        return all(healths) and sum(len(h["partitions"]) for h in healths) == PARTITIONS
    wait_for("the others take its partitions", taken, 60, every=0.2)
    say("stalled: the others own all")
    time.sleep(max(0, stopped + (60 if args.all else 9) - time.monotonic()))
    one.signal(signal.SIGCONT)
    time.sleep(4)
    world.flow.stop()
    world.caught_up(services)
    world.check(services)


def returned(args, cluster, work):
    """The first owner's late rows are the last that are written, unless the second answers them."""
    world = World(args, cluster, work, "returned")
    first = world.projector(1, "--own", f"0-{PARTITIONS - 1}")
    second = world.projector(2, "--own", f"0-{PARTITIONS - 1}")
    world.flow.start()
    takes_turns(world, first, second)
    second.wait_caught_up()
    # An idle partition's end is looked at every three seconds.
    time.sleep(8)
    second.stop()
    # Before anybody else owns it, and looks.
    Picture(world.ledger)
    world.check([])


def frozen(args, cluster, work):
    """Of publishers: what the first had decided before it stood still is sent when it wakes."""
    world = World(args, cluster, work, "frozen", LISTED)
    projector = world.projector(1, "--own", f"0-{PARTITIONS - 1}")
    projector.start()
    first = Service(world.ledger.with_data("frozen-1"), "publish")
    second = Service(world.ledger.with_data("frozen-2"), "publish")
    world.flow.start()
    takes_turns(world, first, second)
    projector.wait_caught_up()
    time.sleep(2)
    second.stop()
    projector.stop()
    Picture(world.ledger)
    world.check([])


def takes_turns(world, first, second):
    """The first is stopped, the second works on, the first wakes and is killed amid it."""
    for _ in range(6 if world.args.all else 2):
        first.start()
        time.sleep(1.5)
        first.signal(signal.SIGSTOP)
        if second.process is None:
            second.start()
        time.sleep(2)
        first.signal(signal.SIGCONT)
        time.sleep(world.rng.uniform(0.05, 0.4))
        first.kill()
    world.flow.stop()


CASES = {case.__name__: case for case in (fixed, group, stalled, returned, frozen)}


def run(args, work):
    cluster = work.cluster()
    chosen = [case for name, case in CASES.items() if args.only in (None, name)]
    for case in chosen:
        if case is not chosen[0]:
            cluster.empty()
        case(args, cluster, work)


if __name__ == "__main__":
    run_test(__doc__, run, [("--all", {"action": "store_true"}),
                            ("--only", {"choices": sorted(CASES)})], limit=1200)
