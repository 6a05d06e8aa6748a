# SPDX-License-Identifier: Apache-2.0
"""What the tests with a real broker share: clusters of their own, services as processes, events of
a seed, and what topics end with.

A test is a function of the parsed arguments and a Work; run_test() makes the folder, and takes away
whatever runs in it, brokers too, however the test ends. What is wrong is a Failure: its first line
is the command that runs the same test again.
"""
import argparse
import collections
import copy
import json
import os
import random
import re
import shlex
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
RETAIL_MAP = os.path.join(SOURCE, "tools", "maps", "online-retail.yaml")
RETAIL_WEEK = os.path.join(SOURCE, "tools", "demo", "retail-week.csv.zst")
SKIPPED = 77
NO_JAVA = 5  # how deploy/kafka/up says that it cannot
# Half of what a broker's start costs goes into the other compiler.
os.environ.setdefault("KAFKA_HEAP_OPTS", "-Xmx512m -XX:TieredStopAtLevel=1")


class Failure(Exception):
    """What the test finds wrong."""


def fail(text):
    raise Failure(text)


def check(what, got, wanted):
    if got != wanted:
        fail(f"{what}: {got!r}, but it should be {wanted!r}")


def wait_for(what, condition, seconds=60, every=0.05):
    """What `condition` returns, once it is true."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            fail(f"{what}: not within {seconds} s")
        time.sleep(every)


def say(text):
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)


STARTED = time.monotonic()


class Work:
    """The folder of a test, with all that was started in it."""

    def __init__(self, args):
        self.args = args
        self.folder = os.path.realpath(tempfile.mkdtemp(prefix="tallywire-kafka-"))
        self.clusters = []
        self.processes = []

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def below(self, name):
        """A part of the folder, for what would have the same name twice."""
        part = copy.copy(self)
        part.folder = self.path(name + "-part")
        os.makedirs(part.folder)
        return part

    def cluster(self, name="cluster", nodes=1):
        cluster = Cluster(self.path(name), nodes)
        self.clusters.append(cluster)
        cluster.up()
        return cluster

    def popen(self, command, **options):
        process = subprocess.Popen(command, **options)
        self.processes.append(process)
        return process

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        for cluster in self.clusters:
            cluster.wipe()
        shutil.rmtree(self.folder, ignore_errors=True)


class Cluster:
    """Brokers by deploy/kafka, in a folder of their own."""

    def __init__(self, folder, nodes):
        self.folder = folder
        self.nodes = nodes
        self.brokers = None

    def _run(self, name, *arguments):
        command = [os.path.join(SOURCE, "deploy", "kafka", name), "--folder", self.folder]
        return subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)

    def _done(self, name, *arguments):
        done = self._run(name, *arguments)
        if name == "up" and done.returncode == NO_JAVA:
            print("skipped:", done.stderr.strip().splitlines()[-1])
            sys.exit(SKIPPED)
        if done.returncode != 0:
            fail(f"deploy/kafka/{name} {arguments}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def up(self):
        self.brokers = self._done("up", "--nodes", str(self.nodes)).strip()

    def start(self, node):
        self._done("up", "--node", str(node))

    def kill(self, node):
        """As kill -9."""
        self._done("down", "--node", str(node), "--kill")

    def tool(self, *arguments):
        return self._done("tool", *arguments)

    def leader(self, topic, partition):
        text = self.tool("topics", "--describe", "--topic", topic)
        found = re.search(rf"Partition: {partition}\s+Leader: (\d+)", text)
        if not found:
            fail(f"no leader of {topic}/{partition} in\n{text}")
        return int(found.group(1))

    def empty(self):
        """Deletes a ledger's topics, so that another can begin."""
        self.tool("topics", "--delete", "--topic", r"stock\..*")
        wait_for("the topics are deleted",
                 lambda: "stock." not in self.tool("topics", "--list"), 30, every=0.2)

    def wipe(self):
        self._run("down", "--kill", "--wipe")


def embedded(work, name, partitions=4):
    folder = work.path(name)
    return Ledger(work, "embedded:" + folder, folder, ["--partitions", str(partitions)])


class Ledger:
    """The binary, on a log: `kafka:…` or `embedded:…`, with a folder for its own state."""

    def __init__(self, work, log, data=None, options=()):
        self.work = work
        self.log = log
        self.data = data  # with an embedded log the log's folder
        self.options = list(options)

    def with_data(self, name, options=None):
        return Ledger(self.work, self.log, self.work.path(name),
                      self.options if options is None else options)

    def command(self, *arguments):
        data = ["--data", self.data] if self.log.startswith("kafka:") else []
        return [self.work.args.tallywire, "--log", self.log, *data, *self.options, *arguments]

    def try_run(self, *arguments, text=None):
        return subprocess.run(self.command(*arguments), input=text, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL if text is None else None, check=False)

    def run(self, *arguments, text=None, codes=(0,)):
        done = self.try_run(*arguments, text=text)
        if done.returncode not in codes:
            fail(f"tallywire {' '.join(arguments)}: exit {done.returncode}\n"
                 f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.run("-o", "json", *arguments))

    def digest(self):
        answer = self.json("digest")
        check("at rest", answer["at_rest"], True)
        return answer["content"]

    def topics(self, partitions):
        self.run("topics", "apply", "--partitions", str(partitions), "--execute")

    def dump(self, topic, key=None):
        """Records of a topic: (partition, offset, key, mark, hash of the value, of what it says
        without offsets). With a key: as text, for a message."""
        place = os.path.join(self.data, "log") if self.log.startswith("embedded:") else self.log
        command = [self.work.args.dump_log, place, topic, *([key] if key else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            fail(f"dump of {topic}: {done.stderr}")
        if key:
            return done.stdout
        records = []
        for line in done.stdout.splitlines():
            partition, offset, *rest = line.split("\t")
            records.append((int(partition), int(offset), *rest))
        return records


class Service:
    """`project`, `publish` or `serve` as a process; killed and started again on the same folder."""

    def __init__(self, ledger, role, *arguments):
        self.ledger = ledger
        self.arguments = [role, *arguments]
        self.role = role
        self.process = None
        self.address = None
        # Where it says that it answers; a publisher has a folder inside.
        self.folder = os.path.join(ledger.data, "publish") if role == "publish" else ledger.data

    @property
    def log_file(self):
        return f"{self.ledger.data}.{self.role}.log"

    def log_text(self):
        with open(self.log_file, encoding="utf-8") as log:
            return log.read()

    def start(self, wait=True):
        os.makedirs(self.folder, exist_ok=True)
        with open(self.log_file, "ab") as log:
            self.process = self.ledger.work.popen(
                self.ledger.command("--listen", "127.0.0.1:0", *self.arguments),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        self.address = None
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds=60):
        def ready():
            if self.process.poll() is not None:
                fail(f"{self.role} ended by itself with {self.process.returncode}:\n"
                     f"{self.log_text()[-2000:]}")
            return self.find_address()
        wait_for(f"{self.role} is ready", ready, seconds, every=0.02)

    def find_address(self):
        try:
            with open(os.path.join(self.folder, "serve.json"), encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            return None
        if int(found["pid"]) != self.process.pid:
            return None
        self.address = found["address"]
        return self.address

    def ask(self, path, body=None, timeout=20, method=None):
        address = self.address or self.find_address()
        if address is None:
            raise OSError("it does not answer yet")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{address}/v1/{path}", data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)

    def health(self):
        """None if it does not answer just now."""
        try:
            return self.ask("health")
        except (OSError, ValueError):
            return None

    def wait_caught_up(self, seconds=120):
        def caught_up():
            health = self.health()
            # What passes is tried again.
            if health and "has stopped" in health["problem"]:
                fail(f"{self.role}: {health['problem']}")
            return health and health["state"] == "ok"
        wait_for(f"{self.role} has caught up", caught_up, seconds)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            fail(f"{self.role} does not stop:\n{self.log_text()[-2000:]}")
        if code != 0:
            fail(f"{self.role} stopped with {code}:\n{self.log_text()[-2000:]}")


LOCATIONS = ["WH1", "WH2", "STORE", "WH1/A", "WH1/B", "WH2/C"]
DEFINITIONS = [
    # As the import's map has it, so that its own one changes nothing.
    {"event_id": "d1", "source": "test", "location_defined": {"location": "WH1",
                                                              "kind": "WAREHOUSE"}},
    {"event_id": "d2", "source": "test", "location_defined": {"location": "WH2",
                                                              "kind": "WAREHOUSE"}},
    {"event_id": "d3", "source": "test", "location_defined": {"location": "STORE",
                                                              "kind": "STORE"}},
]


def lines_of(events):
    return "".join(json.dumps(event) + "\n" for event in events)


class Events:
    """Events without an end, the same ones for a seed. Every occurred_at is given, and past; order
    of a SKU's events is theirs. Some are applied by no ledger: they end as dead letters."""

    POOLS = ["AVAILABLE", "HELD", "DAMAGED"]

    def __init__(self, seed, skus=500, prefix="K"):
        self.rng = random.Random(f"events {seed}")
        self.skus = [f"{prefix}-{i}" for i in range(skus)]
        self.prefix = prefix
        self.made = 0
        self.refused = set()

    def take(self, count):
        return [self.next() for _ in range(count)]

    def next(self):
        rng = self.rng
        number = self.made
        self.made += 1
        # A few are asked for much more often than the others.
        sku = self.skus[int(len(self.skus) * rng.random() ** 3)]
        event = {"event_id": f"{self.prefix.lower()}{number}", "source": f"till-{number % 5}",
                 "sku": sku, "occurred_at": self.time(number)}
        if number % 400 == 399:
            # More than an account may hold.
            event["sku"] = f"{self.prefix}-HUGE"
            event["received"] = {"location": "WH1", "quantity": str(2 ** 53)}
            if number > 400:
                self.refused.add(event["event_id"])
            return event
        event.update(self.body(number))
        return event

    def time(self, number):
        late = 3_600 * self.rng.randrange(48) if self.rng.random() < 0.05 else 0
        seconds = 1_600_000_000 + number - late
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))

    def body(self, number):
        rng = self.rng
        place = rng.choice(LOCATIONS)
        quantity = str(1 + rng.randrange(20))
        dice = rng.random()
        if number % 97 == 0:
            return {"sku_defined": {"title": f"thing {number}",
                                    "safety_stock": str(rng.randrange(5))}}
        if dice < 0.45:
            return {"sold": {"location": place, "quantity": quantity, "channel": "web"}}
        if dice < 0.70:
            return {"received": {"location": place, "quantity": quantity,
                                 "pool": rng.choice(self.POOLS)}}
        if dice < 0.78:
            return {"returned": {"location": place, "quantity": quantity}}
        if dice < 0.86:
            return {"adjusted": {"location": place, "delta": str(rng.choice([-3, -1, 2, 7])),
                                 "reason": "found"}}
        if dice < 0.92:
            source, target = rng.sample(LOCATIONS, 2)
            return {"transferred": {"from": source, "to": target, "quantity": quantity}}
        if dice < 0.96:
            source, target = rng.sample(self.POOLS, 2)
            return {"moved": {"location": place, "from_pool": source, "to_pool": target,
                              "quantity": quantity}}
        return {"counted": {"location": place, "quantity": str(rng.randrange(50))}}


class Flow(threading.Thread):
    """Appends events, a chunk a process, each again until it has ended well; at a rate, and
    without an end until stop(). What it has used lies in `events`, all of it acknowledged."""

    def __init__(self, ledger, events, rate, chunk=1000, retries=1000):
        super().__init__(daemon=True)
        self.ledger = ledger
        self.source = events
        self.rate = rate
        self.chunk = chunk
        self.retries = retries
        self.events = []
        self.again = 0
        self.problem = None
        self.process = None
        self.stopping = False
        self.last_said = ""

    def run(self):
        try:
            while not self.stopping:
                events = self.source.take(self.chunk)
                for _ in range(self.retries):
                    if self.append(events):
                        break
                    self.again += 1
                else:
                    fail(f"a chunk was not appended: {self.last_said}")
                self.events += events
        except Exception as problem:  # pylint: disable=broad-except
            self.problem = problem

    def append(self, events):
        process = self.ledger.work.popen(
            self.ledger.command("append", "-", "--batch", "100"), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.process = process
        step = max(1, int(self.rate / 50))
        try:
            for i in range(0, len(events), step):
                process.stdin.write(lines_of(events[i:i + step]))
                process.stdin.flush()
                if not self.stopping:
                    time.sleep(step / self.rate)
            process.stdin.close()
        except OSError:
            pass  # it was killed
        process.stdin = None
        self.last_said = process.communicate()[1]
        self.ledger.work.processes.remove(process)
        return process.returncode == 0

    def kill(self):
        """Whether there was one to kill."""
        process = self.process
        if process is None or process.poll() is not None:
            return False
        process.kill()
        return True

    def alive(self):
        if self.problem:
            raise self.problem

    def stop(self):
        self.stopping = True
        self.join(timeout=300)
        if self.is_alive():
            fail(f"appending does not end: {self.last_said}")
        self.alive()


class Side(threading.Thread):
    """Appends events over HTTP, one by one, each until it is acknowledged, and remembers where."""

    def __init__(self, service, gap=0.05):
        super().__init__(daemon=True)
        self.service = service
        self.gap = gap
        self.events = []
        self.acknowledged = {}
        self.stopping = False
        self.last_problem = None

    def run(self):
        while not self.stopping:
            number = len(self.events)
            event = {"event_id": f"side{number}", "source": "side", "sku": f"SIDE-{number % 7}",
                     "occurred_at": "2020-01-01T00:00:00Z",
                     "received": {"location": "WH2", "quantity": str(1 + number % 5)}}
            self.events.append(event)
            while not self.send(event):
                time.sleep(0.03)
            time.sleep(self.gap)

    def send(self, event):
        try:
            result = self.service.ask("events", {"events": [event]}, timeout=90)["results"][0]
            self.acknowledged[event["event_id"]] = (int(result["partition"]),
                                                    int(result["offset"]))
            return True
        except (OSError, ValueError, KeyError, urllib.error.URLError) as problem:
            self.last_problem = problem
            self.service.address = None
            return False

    def stop(self):
        self.stopping = True
        self.join(timeout=120)
        if self.is_alive():
            fail(f"the side client never got its acknowledgement: {self.last_problem}")


def put_listings(ledger, skus):
    kafka = ledger.log.startswith("kafka:")
    service = Service(ledger, "publish" if kafka else "serve")
    service.start()
    for i, sku in enumerate(skus):
        service.ask(f"listings/shop/L{i}", {"sku": sku, "percent": 70}, method="PUT")
        service.ask(f"listings/market/M{i}", {"sku": sku, "max": "50", "buffer": "1"},
                    method="PUT")
    service.stop()


class Picture:
    """What the topics of a ledger hold at the end, and whether it hangs together."""

    COMPARED = ("stock.availability", "stock.listing-updates")

    def __init__(self, ledger, whole=True):
        """`whole`: nothing was compacted away yet."""
        self.ledger = ledger
        self.last = {}
        self.backwards = 0
        for topic in self.COMPARED:
            self.read(topic, whole)
        self.alerts = self.read_alerts()
        self.events = ledger.dump("stock.events")
        self.letters = {mark for _, _, _, mark, _, _ in ledger.dump("stock.events-dlt")}

    def read(self, topic, whole):
        bodies, marks, next_offset = {}, {}, collections.Counter()
        for partition, offset, key, mark, body, values in self.ledger.dump(topic):
            if whole and offset != next_offset[partition]:
                fail(f"{topic} {partition}: {offset} follows {next_offset[partition] - 1}: "
                     "compacted, so that not all of it can be looked at")
            next_offset[partition] = offset + 1
            first = bodies.setdefault((key, mark), body)
            if first != body:
                fail(f"{topic}: key {bytes.fromhex(key)} has two bodies for {mark}:\n"
                     f"{self.told(topic, key, mark)}")
            version = [int(part) for part in mark.split(":")]
            if version < marks.get(key, version):
                self.backwards += 1
            marks[key] = max(version, marks.get(key, version))
            self.last[topic, key] = (values, version)
        for (_, key), (_, version) in [p for p in self.last.items() if p[0][0] == topic]:
            if version != marks[key]:
                fail(f"{topic}: key {bytes.fromhex(key)} ends with {version}, an old row, not "
                     f"{marks[key]}")

    def told(self, topic, key, mark=None):
        lines = self.ledger.dump(topic, key).splitlines()
        return "\n".join(lines[-3:] if mark is None else
                         [line for line in lines if line.split("\t")[3] == mark])

    def read_alerts(self):
        """How often each was raised, with its doubles taken for one."""
        by_id = {}
        for _, _, key, mark, body, values in self.ledger.dump("stock.alerts"):
            first = by_id.setdefault(mark, (body, values, key))
            if first[0] != body:
                fail(f"alert {mark} has two bodies:\n{self.told('stock.alerts', key, mark)}")
        self.alert_like = {values: (key, mark) for mark, (_, values, key) in by_id.items()}
        return collections.Counter(values for _, values, _ in by_id.values())

    def check_letters(self, refused):
        """Each sight of an event that is refused, and nothing else, is a dead letter."""
        wanted = {f"{partition}/{offset}" for partition, offset, _, mark, _, _ in self.events
                  if mark in refused}
        if self.letters != wanted:
            fail(f"{len(self.letters)} dead letters, not {len(wanted)}: "
                 f"{sorted(self.letters ^ wanted)[:5]}")

    def check_appended(self, events, acknowledged=None):
        """Nothing that was acknowledged is lost."""
        there = collections.Counter(mark for _, _, _, mark, _, _ in self.events)
        lost = [event["event_id"] for event in events if event["event_id"] not in there]
        if lost:
            fail(f"{len(lost)} of {len(events)} acknowledged events are lost: {lost[:5]}")
        places = {(partition, offset): mark for partition, offset, _, mark, _, _ in self.events}
        for event_id, place in (acknowledged or {}).items():
            if places.get(place) != event_id:
                fail(f"{event_id} was acknowledged at {place}, where {places.get(place)} is")

    def compare(self, quiet):
        """Both logs end with the same values for each key, and raised the same alerts."""
        if self.last.keys() != quiet.last.keys():
            odd = sorted(self.last.keys() ^ quiet.last.keys())
            fail(f"{len(odd)} keys are in one log only: {odd[:3]}")
        differing = [key for key in self.last if self.last[key][0] != quiet.last[key][0]]
        if differing:
            topic, key = differing[0]
            fail(f"{len(differing)} of {len(self.last)} keys end with other values, such as "
                 f"{bytes.fromhex(key)} of {topic}:\n{self.told(topic, key)}\nquiet:\n"
                 f"{quiet.told(topic, key)}")
        if self.alerts != quiet.alerts:
            told = [picture.told("stock.alerts", *picture.alert_like[values])
                    for picture, other in ((self, quiet), (quiet, self))
                    for values in list(picture.alerts - other.alerts)[:2]]
            more, less = self.alerts - quiet.alerts, quiet.alerts - self.alerts
            fail(f"alerts differ: {sum(more.values())} that a quiet run has not, "
                 f"{sum(less.values())} are missing:\n" + "\n".join(told))


def quiet_run(work, events, listings=(), imports=()):
    """The same events, undisturbed, in an embedded log."""
    ledger = embedded(work, "quiet")
    ledger.run("append", "-", text=lines_of(DEFINITIONS))
    ledger.digest()
    if listings:
        put_listings(ledger, listings)
    for path in imports:
        ledger.run("import", "--map", RETAIL_MAP, path)
    ledger.run("append", "-", text=lines_of(events))
    return ledger


def run_test(about, run, arguments=(), limit=600):
    """Parses the command line and runs the test; ends the process with 0, 1 or 77."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("tallywire")
    parser.add_argument("dump_log")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--keep", action="store_true", help="leave the folder, not the processes")
    for name, options in arguments:
        parser.add_argument(name, **options)
    args = parser.parse_args()
    args.tallywire = os.path.abspath(args.tallywire)
    args.dump_log = os.path.abspath(args.dump_log)
    again = [sys.executable, "-B", os.path.abspath(sys.argv[0]), *sys.argv[1:]]
    if "--seed" not in sys.argv:
        again += ["--seed", str(args.seed)]
    print("seed", args.seed, flush=True)

    def too_long(number, _):
        fail(f"ended by signal {number}; the test may take {limit} s")
    signal.signal(signal.SIGALRM, too_long)
    signal.signal(signal.SIGTERM, too_long)
    signal.alarm(limit)
    work = Work(args)
    try:
        run(args, work)
    except Failure as failure:
        print(f"run it again: {shlex.join(again)}\n{failure}", flush=True)
        sys.exit(1)
    finally:
        signal.alarm(0)
        if args.keep:
            print("left:", shutil.copytree(work.folder, work.folder + "-kept",
                                           ignore_dangling_symlinks=True))
        work.end()
