#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills `tallywire serve` with SIGKILL at random moments of an import, and looks at what is left.

Usage: kill_serve_test.py TALLYWIRE DUMP_TOPIC [--rounds N] [--rows N] [--seed N]

An undisturbed import comes first. Then the same input goes into another folder while serve is
killed and started again; beside the import a client of its own appends events and remembers which
were acknowledged. At the end: the content digest is the undisturbed one, every key of
stock.availability and stock.listing-updates ends with the same values (versions aside, which are
offsets), no (key, version) was ever seen with two bodies, every acknowledged event is in the log.
Input is the real retail file where it is at hand, the slice that lies in tools/demo otherwise.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SIDE_EVENTS = 400


def find_input():
    shared = os.environ.get("TALLYWIRE_SHARED", os.path.join(SOURCE, "..", "shared"))
    whole = os.path.join(shared, "data", "uci-online-retail", "online_retail.csv.zst")
    if os.path.exists(whole):
        return whole
    folder = os.path.join(SOURCE, "tools", "demo")
    slices = [f for f in sorted(os.listdir(folder)) if ".csv" in f]
    print("the whole retail file is not here: using", slices[0])
    return os.path.join(folder, slices[0])


class Serve:
    """One `tallywire serve` on a folder; killed and started again on the same one."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.process = None
        self.address = None

    def start(self):
        log = open(os.path.join(self.folder, "serve.log"), "ab")
        self.process = subprocess.Popen(
            [self.binary, "--log", "embedded:" + self.folder, "--listen", "127.0.0.1:0", "serve"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.time() + 60
        while time.time() < deadline:
            if self.process.poll() is not None:
                sys.exit("serve ended by itself: " + open(log.name).read()[-2000:])
            try:
                with open(os.path.join(self.folder, "serve.json")) as f:
                    found = json.load(f)
                if int(found["pid"]) == self.process.pid:
                    self.address = found["address"]
                    with urllib.request.urlopen(self.url("/v1/health"), timeout=5):
                        return
            except (OSError, ValueError, KeyError):
                pass
            time.sleep(0.02)
        sys.exit("serve does not answer")

    def url(self, path):
        return "http://" + self.address + path

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=120) != 0:
            sys.exit("serve did not stop in good order")


class SideClient(threading.Thread):
    """Appends events one by one until each is acknowledged, whatever happens to the server."""

    def __init__(self, serve, gap):
        super().__init__(daemon=True)
        self.serve = serve
        self.gap = gap
        self.acknowledged = {}

    def run(self):
        for i in range(SIDE_EVENTS):
            event = {"event_id": f"side-{i}", "source": "side", "sku": f"SIDE-{i % 7}",
                     "occurred_at": "2020-01-01T00:00:00Z",
                     "received": {"location": "SIDE", "quantity": str(1 + i % 5)}}
            body = json.dumps({"events": [event]}).encode()
            while True:
                try:
                    request = urllib.request.Request(
                        self.serve.url("/v1/events"), data=body,
                        headers={"Content-Type": "application/json"})
                    with urllib.request.urlopen(request, timeout=10) as answer:
                        result = json.load(answer)["results"][0]
                    self.acknowledged[event["event_id"]] = (
                        int(result["partition"]), int(result["offset"]))
                    break
                except (OSError, ValueError, KeyError, urllib.error.URLError):
                    time.sleep(0.05)
            time.sleep(self.gap)


def command(binary, folder, *args):
    return [binary, "--log", "embedded:" + folder, *args]


def run(binary, folder, *args):
    done = subprocess.run(command(binary, folder, *args), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{args}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def import_args(path):
    return ["import", "--map", os.path.join(SOURCE, "tools", "maps", "online-retail.yaml"), path]


def put_listings(binary, folder):
    for i, sku in enumerate(["22197", "84077", "85099B", "23843", "SIDE-1"]):
        run(binary, folder, "listing", "put", "shop", f"L{i}", sku, "--percent", "70")
        run(binary, folder, "listing", "put", "market", f"M{i}", sku, "--max", "5", "--buffer", "1")


def dump(dump_topic, folder, topic):
    done = subprocess.run([dump_topic, os.path.join(folder, "log"), topic], capture_output=True,
                          text=True)
    if done.returncode != 0:
        sys.exit(f"dump of {topic}: {done.stderr}")
    return [line.split("\t") for line in done.stdout.splitlines()]


class Bodies:
    """Every (topic, key, version) that was ever seen, and the one body it may have."""

    def __init__(self):
        self.seen = {}

    def add(self, dump_topic, folder):
        for topic in ("stock.availability", "stock.listing-updates", "stock.alerts"):
            for _, _, key, version, body in dump(dump_topic, folder, topic):
                first = self.seen.setdefault((topic, key, version), body)
                if first != body:
                    sys.exit(f"{topic}: key {bytes.fromhex(key)} has two bodies for {version}")


def last_values(binary, folder):
    """What stock and listings show, without what depends on offsets."""
    rows = []
    for line in run(binary, folder, "-o", "jsonl", "stock").splitlines():
        row = json.loads(line)
        for field in ("version", "log_time", "partition"):
            row.pop(field)
        row["cause"].pop("occurred_at", None)
        rows.append(json.dumps(row, sort_keys=True))
    updates = {}
    for line in run(binary, folder, "-o", "jsonl", "updates", "tail", "--no-follow").splitlines():
        update = json.loads(line)
        updates[(update["channel"], update["listing_id"])] = (
            update["sku"], update["state"], update.get("quantity"))
    return rows, updates


def disturbed(args, folder, path, rng, quiet_seconds):
    bodies = Bodies()
    serve = Serve(args.tallywire, folder)
    serve.start()
    put_listings(args.tallywire, folder)
    side = SideClient(serve, quiet_seconds / SIDE_EVENTS)
    side.start()
    importing = None
    for kill in range(args.rounds):
        if importing is None or importing.poll() is not None:
            importing = subprocess.Popen(command(args.tallywire, folder, *import_args(path)),
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.02, max(0.3, quiet_seconds / 4)))
        serve.kill()
        if kill % 4 == 0:
            bodies.add(args.dump_topic, folder)
        serve.start()
    if importing.poll() is None:
        importing.kill()
    importing.wait()
    run(args.tallywire, folder, *import_args(path))
    side.join(timeout=300)
    if side.is_alive():
        sys.exit("the side client never got its last acknowledgement")
    serve.stop()
    bodies.add(args.dump_topic, folder)
    return side.acknowledged


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tallywire")
    parser.add_argument("dump_topic")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    args = parser.parse_args()
    rng = random.Random(args.seed)
    print("seed", args.seed)
    path = find_input()
    work = tempfile.mkdtemp(prefix="tallywire-kill-")
    try:
        quiet = os.path.join(work, "quiet")
        killed = os.path.join(work, "killed")
        os.makedirs(quiet)
        os.makedirs(killed)

        started = time.time()
        serve = Serve(args.tallywire, quiet)
        serve.start()
        put_listings(args.tallywire, quiet)
        side = SideClient(serve, 0)
        side.start()
        run(args.tallywire, quiet, *import_args(path))
        side.join()
        serve.stop()
        quiet_seconds = time.time() - started
        print(f"undisturbed: {quiet_seconds:.1f} s")

        acknowledged = disturbed(args, killed, path, rng, quiet_seconds)
        if len(acknowledged) != SIDE_EVENTS:
            sys.exit("not every side event was acknowledged")

        digests = [json.loads(run(args.tallywire, f, "-o", "json", "digest"))["content"]
                   for f in (quiet, killed)]
        if digests[0] != digests[1]:
            sys.exit(f"content digests differ: {digests}")
        here = {(int(p), int(o)): mark for p, o, _, mark, _ in
                dump(args.dump_topic, killed, "stock.events")}
        for event_id, place in acknowledged.items():
            if here.get(place) != event_id:
                sys.exit(f"{event_id} was acknowledged at {place}, where {here.get(place)} is")
        quiet_rows, quiet_updates = last_values(args.tallywire, quiet)
        killed_rows, killed_updates = last_values(args.tallywire, killed)
        if quiet_rows != killed_rows:
            pairs = [p for p in zip(quiet_rows, killed_rows) if p[0] != p[1]]
            sys.exit(f"{len(pairs)} of {len(quiet_rows)} rows differ: {pairs[:1]}")
        if quiet_updates != killed_updates:
            sys.exit(f"listing updates differ: {quiet_updates} {killed_updates}")
        if len(quiet_updates) != 10:
            sys.exit(f"10 listings have {len(quiet_updates)} updates")
        run(args.tallywire, killed, "verify")
        print(f"{args.rounds} times killed: digest {digests[0]} both times, {len(killed_rows)} rows"
              f" and {len(killed_updates)} listings end alike, {len(acknowledged)} acknowledged "
              "events are there")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
