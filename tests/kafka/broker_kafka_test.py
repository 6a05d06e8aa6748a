#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Brokers that die and come back, and a log that somebody has done harm to.

Usage: broker_kafka_test.py TALLYWIRE DUMP_LOG [--all] [--only NAME] [--seed N]

away        the only broker is killed -9 while events flow, is away for 20 s (a minute with --all),
            and comes back
leaders     three nodes; the leader of a partition is killed -9 every 20 s, and comes back
deleted     stock.events is deleted and made again: empty, and with other events in it
truncated   its beginning is deleted, below what is folded and beyond it
raised      it gets more partitions
retention   it may forget

After the first two: nothing that was acknowledged is lost, nothing counts twice, and all processes
have gone on by themselves. In the others `project` and `serve`, as they run and when they start
again, stop with a sentence that has the exact range and says what to do: `project
--until-caught-up`
fails with it, `status` shows it and ends with 1.
"""
import random
import re
import time

from kafka_world import (DEFINITIONS, Events, Flow, Ledger, Picture, Service, Side, check, fail,
                         lines_of, put_listings, quiet_run, run_test, say, wait_for)

PARTITIONS = 4
LISTED = ["K-0", "K-1", "K-2", "SIDE-1"]


def begun(work, cluster, name):
    """A new ledger with its topics."""
    ledger = Ledger(work, "kafka:" + cluster.brokers, work.path(name))
    ledger.topics(PARTITIONS)
    ledger.run("append", "-", text=lines_of(DEFINITIONS))
    ledger.run("project", "--until-caught-up")
    return ledger


class Load:
    """Services and clients that run while brokers come and go."""

    def __init__(self, args, work, ledger):
        self.work = work
        self.ledger = ledger
        put_listings(ledger, LISTED)
        self.project = Service(ledger, "project", "--own", f"0-{PARTITIONS - 1}")
        self.publish = Service(ledger, "publish")
        self.flow = Flow(ledger, Events(args.seed), rate=2000)
        self.side = Side(self.project)
        self.project.start()
        self.publish.start()
        self.flow.start()
        self.side.start()

    def failing_told(self):
        """Without a broker: the projector says so, soon, and still answers what it knows."""
        began = time.monotonic()

        def failing():
            health = self.project.health()
            return health and health["state"] == "failing" and health["problem"]
        problem = wait_for("the projector says that it cannot go on", failing, 60)
        say(f"told {time.monotonic() - began:.1f} s after the kill: {problem}")
        began = time.monotonic()
        rows = self.project.ask("stock/K-0")["rows"]
        say(f"stock is told all the same, after {time.monotonic() - began:.1f} s")
        if not rows:
            fail("no stock is told without a broker")

    def goes_on(self, before):
        """By itself, from these counts on."""
        def moved():
            self.flow.alive()
            return (len(self.flow.events) > before[0] and len(self.side.acknowledged) > before[1])
        wait_for("events are appended again", moved, 120)
        self.project.wait_caught_up(120)

    def counts(self):
        return len(self.flow.events), len(self.side.acknowledged)

    def finish(self):
        self.flow.stop()
        self.side.stop()
        for service in (self.project, self.publish):
            if service.process.poll() is not None:
                fail(f"{service.role} has ended:\n{service.log_text()[-2000:]}")
        self.project.wait_caught_up()
        self.project.stop()
        self.publish.stop()
        self.ledger.run("project", "--until-caught-up")
        self.ledger.run("publish", "--until-caught-up")
        events = self.flow.events + self.side.events
        quiet = quiet_run(self.work, events, LISTED)
        digest = self.ledger.digest()
        check("content digest", digest, quiet.digest())
        picture = Picture(self.ledger)
        picture.check_appended(events, self.side.acknowledged)
        picture.check_letters(self.flow.source.refused)
        picture.compare(Picture(quiet))
        self.ledger.run("verify")
        doubled = len(picture.events) - len({mark for _, _, _, mark, _, _ in picture.events})
        say(f"{len(events):,} events, {self.flow.again} chunks appended again, {doubled} records "
            f"in the log twice, which count once: digest {digest}")


def away(args, work):
    cluster = work.cluster("away")
    load = Load(args, work.below("away"), begun(work, cluster, "away-data"))
    time.sleep(4)
    before = load.counts()
    if not all(before):
        fail(f"nothing was appended yet: {before}")
    cluster.kill(1)
    killed = time.monotonic()
    load.failing_told()
    time.sleep(max(0, killed + (60 if args.all else 20) - time.monotonic()))
    cluster.start(1)
    back = time.monotonic()
    load.goes_on(load.counts())
    say(f"goes on {time.monotonic() - back:.1f} s after the broker came back")
    time.sleep(2)
    load.finish()
    cluster.wipe()


def leaders(args, work):
    cluster = work.cluster("leaders", nodes=3)
    load = Load(args, work.below("leaders"), begun(work, cluster, "leaders-data"))
    rng = random.Random(f"{args.seed} leaders")
    time.sleep(2)
    for _ in range(6 if args.all else 2):
        partition = rng.randrange(PARTITIONS)
        node = cluster.leader("stock.events", partition)
        cluster.kill(node)
        killed = time.monotonic()
        # Two copies are left, and are enough.
        load.goes_on(load.counts())
        say(f"without node {node}, which led partition {partition}, it went on after "
            f"{time.monotonic() - killed:.1f} s")
        time.sleep(max(0, killed + 10 - time.monotonic()))
        cluster.start(node)
        time.sleep(max(0, killed + 20 - time.monotonic()))
    load.finish()
    cluster.wipe()


class Harm:
    """A ledger at rest, with `project` and `serve` running on it, to which harm is done."""

    def __init__(self, args, work, cluster, name):
        self.work = work
        self.cluster = cluster
        self.name = name
        self.ledger = begun(work, cluster, name)
        self.events = Events(args.seed).take(2000)
        self.ledger.run("append", "-", text=lines_of(self.events))
        self.project = Service(self.ledger, "project", "--own", f"0-{PARTITIONS - 1}")
        self.serve = Service(self.ledger.with_data(name + "-serve"), "serve")
        for service in (self.project, self.serve):
            service.start()
            service.wait_caught_up()
        self.ends = [int(p["next_offset"]) for p in self.project.health()["partitions"]]

    def expect(self, text, *patterns, who):
        for pattern in patterns:
            if not re.search(pattern, text):
                fail(f"{self.name}: {who} does not say {pattern!r} but:\n{text[-1500:]}")

    def told_while_running(self, *patterns):
        for service in (self.project, self.serve):
            def stopped(service=service):
                health = service.health()
                return health and health["state"] == "failing" and health["problem"]
            problem = wait_for(f"{self.name}: {service.role} stops", stopped, 30)
            self.expect(problem, *patterns, who=service.role)
            done = service.ledger.try_run("status")
            self.expect(done.stdout + done.stderr, *patterns, who="status")
            check(f"{self.name}: exit code of status", done.returncode, 1)
        say(f"{self.name}: {problem}")
        for service in (self.project, self.serve):
            service.kill()

    def told_at_start(self, *patterns, fresh=None):
        """By both, on the folders that they had; with `fresh`, patterns, on new ones too."""
        todo = [(self.project.ledger, patterns), (self.serve.ledger, patterns)]
        if fresh:
            todo.append((self.ledger.with_data(self.name + "-fresh"), fresh))
        for ledger, wanted in todo:
            done = ledger.try_run("project", "--until-caught-up")
            if done.returncode == 0:
                fail(f"{self.name}: project --until-caught-up ends well\n{done.stderr}")
            self.expect(done.stderr, *wanted, who="project --until-caught-up")
        done = self.serve.ledger.try_run("--listen", "127.0.0.1:0", "serve")
        if done.returncode == 0:
            fail(f"{self.name}: serve ends well\n{done.stderr}")
        self.expect(done.stderr, *patterns, who="serve")
        say(f"{self.name}, at start: {done.stderr.strip().splitlines()[-1]}")

    def alter(self, setting):
        self.cluster.tool("configs", "--alter", "--entity-type", "topics", "--entity-name",
                          "stock.events", "--add-config", setting)

    def truncate(self, offsets):
        path = self.work.path(self.name + ".json")
        parts = ",".join(f'{{"topic":"stock.events","partition":{p},"offset":{offset}}}'
                         for p, offset in offsets.items())
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'{{"partitions":[{parts}],"version":1}}')
        self.cluster.tool("delete-records", "--offset-json-file", path)

    def make_events_anew(self):
        self.cluster.tool("topics", "--delete", "--topic", "stock.events")
        wait_for("stock.events is deleted", lambda: "stock.events\n" not in self.cluster.tool(
            "topics", "--list"), 30)
        self.ledger.topics(PARTITIONS)


RESTORE = r"[Rr]estore"


def deleted(args, work, cluster):
    harm = Harm(args, work, cluster, "deleted")
    harm.make_events_anew()
    harm.told_while_running("stock.events", RESTORE)
    end = harm.ends[0]
    harm.told_at_start(rf"stock\.events \d ends at offset 0, but is folded up to \d+: records 0 to "
                       r"\d+ are lost", RESTORE)
    # With more in it than was folded: as if it were the old one.
    harm.ledger.run("append", "-", text=lines_of(Events(args.seed + 1).take(6000)))
    harm.told_at_start(r"record \d/\d+ of stock\.events is another one than the one that was "
                       r"folded",
                       RESTORE)
    check("what was folded is not forgotten", harm.ends[0], end)


def truncated(args, work, cluster):
    harm = Harm(args, work, cluster, "truncated")
    cut = harm.ends[1] // 2
    harm.truncate({1: cut})
    harm.told_while_running(rf"stock\.events 1 begins at offset {cut}: records 0 to {cut - 1} are "
                            "gone", RESTORE)
    gone = rf"stock\.events 1 begins at offset {cut}: records 0 to {cut - 1} are gone"
    harm.told_at_start(gone, RESTORE, fresh=[gone, RESTORE])
    # Beyond what is folded.
    harm.ledger.run("append", "-", text=lines_of(Events(args.seed + 1, prefix="M").take(2000)))
    more = harm.ends[1] + 50
    harm.truncate({1: more})
    gone = rf"stock\.events 1 begins at offset {more}: records 0 to {more - 1} are gone"
    harm.told_at_start(gone, RESTORE)


def raised(args, work, cluster):
    harm = Harm(args, work, cluster, "raised")
    cluster.tool("topics", "--alter", "--topic", "stock.events", "--partitions", "6")
    harm.told_while_running("stock.events has 6 partitions now and had 4", "copy")
    harm.told_at_start("6", "4", "partitions", "copy", fresh=["6", "4", "partitions", "copy"])
    done = harm.ledger.try_run("append", "-", text=lines_of(harm.events[:10]))
    if done.returncode == 0:
        fail("raised: events are appended to partitions where nobody looks for them")


def retention(args, work, cluster):
    harm = Harm(args, work, cluster, "retention")
    harm.alter("retention.ms=3600000")
    harm.told_while_running(r"stock\.events may drop records now that are older than 3600 s",
                            "topics apply --execute")
    said = ["stock.events", r"retention\.ms", "3600000", "-1"]
    harm.told_at_start(*said, "topics apply", fresh=said)
    harm.alter("retention.ms=-1,retention.bytes=1000000")
    harm.told_at_start("stock.events", r"retention\.bytes", "1000000")
    harm.ledger.run("topics", "apply", "--execute")
    harm.ledger.run("project", "--until-caught-up")


ALONE = {case.__name__: case for case in (away, leaders)}
HARM = {case.__name__: case for case in (deleted, truncated, raised, retention)}


def run(args, work):
    for name, case in ALONE.items():
        # Three nodes take their time.
        if args.only == name or (args.only is None and (args.all or name == "away")):
            case(args, work)
    chosen = [case for name, case in HARM.items() if args.only in (None, name)]
    if not chosen:
        return
    cluster = work.cluster("harm")
    for case in chosen:
        if case is not chosen[0]:
            cluster.empty()
        case(args, work, cluster)


if __name__ == "__main__":
    run_test(__doc__, run, [("--all", {"action": "store_true"}),
                            ("--only", {"choices": sorted({**ALONE, **HARM})})], limit=1200)
