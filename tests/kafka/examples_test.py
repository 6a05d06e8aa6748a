#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tools/examples says: each language appends events that land where they belong, and reads
what came out; and what becomes of a producer with a default partitioner.

Usage: examples_test.py TALLYWIRE FOLDER [LANGUAGE…]     the examples are built into FOLDER

A language that is not installed is left out, with a line that says so; then, if nothing failed, the
exit code is 77. Without Java and Maven there is no broker, without Python's venv no second opinion
on what is in a topic, so without one of these nothing runs.
"""
import concurrent.futures
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORDS = os.path.join(SOURCE, "tests", "kafka", "examples_records.py")
LANGUAGES = ["python", "java", "go", "kcat"]
PARTITIONS = 6
TIMEOUT = 600
NOT_INSTALLED = 5
SKIPPED = 77
# The quick compiler: half of what a start costs goes into the other one.
os.environ.setdefault("KAFKA_HEAP_OPTS", "-Xmx512m -XX:TieredStopAtLevel=1")


class NotInstalled(Exception):
    """Something that is no part of Tallywire is not on this machine; the text says what."""


def run(*command, text="", code=0):
    done = subprocess.run(command, input=text, text=True, capture_output=True, timeout=TIMEOUT,
                          check=False)
    if done.returncode == NOT_INSTALLED and command[0].startswith(SOURCE):
        raise NotInstalled(done.stderr.strip().rsplit("\n", 1)[-1])
    if done.returncode != code:
        raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}, not {code}\n"
                             f"{done.stdout}{done.stderr}")
    return done.stdout


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


class Examples:
    """The languages that are installed here, built."""

    def __init__(self, folder, wanted):
        self.folder = folder
        self.left_out = {}
        with concurrent.futures.ThreadPoolExecutor() as pool:
            built = {language: pool.submit(self.build, language)
                     for language in dict.fromkeys(["python", *wanted])}
        for language, done in built.items():
            try:
                done.result()
            except NotInstalled as why:
                self.left_out[language] = str(why)
        if "python" in self.left_out:
            raise NotInstalled(self.left_out["python"])
        self.languages = [language for language in wanted if language not in self.left_out]

    def build(self, language):
        run(os.path.join(SOURCE, "tools", "examples", "build"), language, self.folder)

    def command(self, language, name):
        return os.path.join(self.folder, language, name)

    def append(self, language, servers, source, *arguments):
        return run(self.command(language, "append"), servers, source, *arguments)

    def read(self, language, servers):
        return lines(run(self.command(language, "read"), servers))

    def records(self, servers, what, *records):
        text = "".join(json.dumps(record) + "\n" for record in records)
        return lines(run(self.command("python", "python"), RECORDS, servers, what, text=text))


def key_of(seen):
    return (seen["channel"], seen["listing"]) if "listing" in seen else seen["sku"]


def newest(seen):
    """What a reader that prints all that is new has at the end."""
    return {key_of(one): one for one in seen}


def what_ends(records):
    """What a reader has to have at the end, from the last record of each key."""
    rows, wanted = {}, {}
    for record in records:
        value = record["value"]
        if record["topic"] == "stock.availability":
            rows.setdefault(value["sku"], {})[value.get("location", "")] = value
        else:
            listing = value["channel"], value["listing_id"]
            quantity = value.get("quantity")
            wanted[listing] = {
                "channel": listing[0], "listing": listing[1], "sku": value["sku"],
                "quantity": None if quantity is None else int(quantity),
                "rules_version": int(value.get("rules_version", 0)),
                "stock_version": int(value.get("stock_version", 0))}
    for sku, held in rows.items():
        total = held[""]
        wanted[sku] = {
            "sku": sku, "version": int(total.get("version", 0)),
            "on_hand": int(total.get("on_hand", 0)),
            "ats": None if total.get("unlimited") else int(total["ats"]),
            "locations": {location: int(row.get("on_hand", 0))
                          for location, row in held.items() if location}}
    return wanted


class Bus:
    """A broker with the ledger's topics, and the ledger's commands on it."""

    def __init__(self, work):
        self.work = work
        self.cluster = os.path.join(work, "kafka")
        self.servers = self.deploy("up", "--folder", self.cluster).strip()

    def deploy(self, name, *arguments):
        return run(os.path.join(SOURCE, "deploy", "kafka", name), *arguments)

    def down(self):
        self.deploy("down", "--folder", self.cluster, "--kill", "--wipe")

    def tallywire(self, *arguments, text=""):
        return run(BINARY, "--log", "kafka:" + self.servers, "--data",
                   os.path.join(self.work, "data"), *arguments, text=text)

    def lines(self, *arguments):
        return lines(self.tallywire("-o", "jsonl", *arguments))

    def add(self, *events):
        self.tallywire("append", "-", text="".join(
            json.dumps({"source": "test", **event}) + "\n" for event in events))

    def catch_up(self):
        self.tallywire("project", "--until-caught-up")
        self.tallywire("publish", "--until-caught-up")

    def digest(self):
        return self.tallywire("digest").split()[0]


def setUpModule():
    global BUS
    work = tempfile.mkdtemp(prefix="tallywire-examples-")
    unittest.addModuleCleanup(shutil.rmtree, work)
    BUS = Bus(work)
    unittest.addModuleCleanup(BUS.down)
    BUS.tallywire("--partitions", str(PARTITIONS), "topics", "apply", "--execute")
    BUS.add(*[{"event_id": name, "location_defined": {
        "location": name, "kind": kind, "sellable": True}}
        for name, kind in (("WAREHOUSE", "SITE_KIND_WAREHOUSE"), ("SHOP", "SITE_KIND_STORE"))])


class BusTest(unittest.TestCase):
    maxDiff = None

    def stock(self, source):
        """SKU → location → on hand, of one source's SKUs; of the TOTAL ("") what is to sell."""
        found = {}
        for one in BUS.lines("stock"):
            if one["sku"].startswith(source + "-"):
                number = one["on_hand" if one["location"] else "ats"]
                found.setdefault(one["sku"], {})[one["location"]] = int(number)
        return found

    def day(self, source):
        """What `stock` is after the day that each example appends."""
        return {f"{source}-{i:02}": {"SHOP": 18, "WAREHOUSE": 28 + i, "": 46 + i}
                for i in range(20)}

    def letters(self, source):
        return BUS.lines("deadletters", "list", "--source", source)

    def test_what_each_appends_is_counted_and_each_reads_what_there_is(self):
        BUS.add({"event_id": "1", "sku": "GIFT", "sku_defined": {
                     "title": "A card", "tracking": "TRACKING_NON_INVENTORY"}},
                 {"event_id": "2", "sku": "GIFT", "sold": {"location": "SHOP", "quantity": 2}})
        BUS.tallywire("listing", "put", "example", "card", "GIFT")
        for language in EXAMPLES.languages:
            source = "example-" + language
            self.assertEqual(EXAMPLES.append(language, BUS.servers, source), "appended 100\n")
            BUS.tallywire("listing", "put", "example", language, source + "-01")
        BUS.catch_up()
        stock = self.stock("example")
        for language in EXAMPLES.languages:
            source = "example-" + language
            with self.subTest(source):
                self.assertEqual({sku: rows for sku, rows in stock.items()
                                  if sku.startswith(source + "-")}, self.day(source))
        self.assertEqual([letter for letter in BUS.lines("deadletters", "list")
                          if letter["source"].startswith("example-")], [])

        # A second version of some rows, and one rule more.
        BUS.add(*[{"event_id": "3", "sku": f"example-{language}-01", "received": {
            "location": "WAREHOUSE", "quantity": 5}} for language in EXAMPLES.languages])
        BUS.tallywire("listing", "put", "example", EXAMPLES.languages[0],
                       f"example-{EXAMPLES.languages[0]}-01", "--percent", "50")
        BUS.catch_up()
        records = EXAMPLES.records(BUS.servers, "last")
        wanted = what_ends(records)
        self.assertEqual({wanted[("example", language)]["quantity"]
                          for language in EXAMPLES.languages[1:]} - {52}, set())
        self.assertEqual(wanted[("example", EXAMPLES.languages[0])]["quantity"], 26)
        self.assertEqual(wanted[("example", "card")]["quantity"], None)
        self.assertEqual(wanted["GIFT"]["ats"], None)
        for language in EXAMPLES.languages:
            self.assertEqual(wanted[f"example-{language}-01"]["locations"],
                             {"SHOP": 18, "WAREHOUSE": 34})
            with self.subTest("read by " + language):
                self.assertEqual(newest(EXAMPLES.read(language, BUS.servers)), wanted)

        # Once more: nothing counts twice, and nothing new comes out.
        before = BUS.digest()
        for language in EXAMPLES.languages:
            EXAMPLES.append(language, BUS.servers, "example-" + language)
        BUS.catch_up()
        self.assertEqual(BUS.digest(), before)
        self.assertEqual(EXAMPLES.records(BUS.servers, "last"), records)

    def test_a_default_partitioner_is_refused_told_and_its_letters_redriven(self):
        source = "default-partitioner"
        said = EXAMPLES.append("python", BUS.servers, source,
                               "--partitioner", "consistent_random")
        self.assertEqual(said, "appended 100\n")
        BUS.catch_up()
        self.assert_refused_and_told(source)
        chosen = ("--reason", "WRONG_PARTITION", "--source", source)
        before = BUS.digest()
        BUS.tallywire("deadletters", "redrive", *chosen)
        self.assertEqual(BUS.digest(), before)
        BUS.tallywire("deadletters", "redrive", *chosen, "--execute")
        BUS.catch_up()
        self.assertEqual(self.stock(source), self.day(source))
        self.assertTrue(all(letter["redriven_to"] for letter in self.letters(source)))
        # The source is mended and sends its day again.
        after = BUS.digest()
        letters = len(self.letters(source))
        EXAMPLES.append("python", BUS.servers, source)
        BUS.catch_up()
        self.assertEqual((BUS.digest(), len(self.letters(source))), (after, letters))
        BUS.tallywire("verify")

    def assert_refused_and_told(self, source):
        letters = self.letters(source)
        self.assertEqual({letter["reason"] for letter in letters},
                         {"REFUSED_REASON_WRONG_PARTITION"})
        landed = self.stock(source)
        self.assertEqual(len(letters) + 5 * len(landed), 100)
        self.assertGreater(len(letters), 50)
        day = self.day(source)
        self.assertEqual(landed, {sku: day[sku] for sku in landed})
        alerts = [alert for alert in BUS.lines("alerts", "tail", "--no-follow")
            if alert["id"]["kind"] == "ALERT_KIND_WRONG_PARTITION"]
        # One from each owner of a partition that refused some.
        self.assertEqual(sorted(alert["id"]["partition"] for alert in alerts),
                         sorted({letter["partition"] for letter in letters}))
        for alert in alerts:
            self.assertEqual(alert["source"], source)
            self.assertIn(source, alert["text"])
            self.assertIn("partitioner=murmur2_random", alert["text"])


def row(sku, location, version, on_hand, **more):
    level = "LEVEL_SITE" if location else "LEVEL_TOTAL"
    return {"topic": "stock.availability", "partition": 2, "value": {
        "sku": sku, "location": location, "level": level, "version": version, "on_hand": on_hand,
        "ats": on_hand, "partition": 2, **more}}


def update(listing, rules, stock, **more):
    return {"topic": "stock.listing-updates", "partition": 1, "value": {
        "channel": "web", "listing_id": listing, "sku": "A", "rules_version": rules,
        "stock_version": stock, **more}}


def picture(sku, version, on_hand, **locations):
    return {"sku": sku, "version": version, "on_hand": on_hand, "ats": on_hand,
            "locations": locations}


def shown(listing, rules, stock, quantity):
    return {"channel": "web", "listing": listing, "sku": "A", "quantity": quantity,
            "rules_version": rules, "stock_version": stock}


class ReadersTest(unittest.TestCase):
    """What topics may hold while owners come and go, and what a reader makes of it. These records
    have no events; the projector, which would stop at them, is not run after it."""

    maxDiff = None

    EPOCH = 2 ** 44
    NAME = 'Tee "Größe 5\\6" 100%'

    PUT = [
        # An older owner that still writes, and a record that was sent twice.
        row("STALE", "L", 10, 4), row("STALE", "", 10, 4), row("STALE", "", 10, 4),
        row("STALE", "L", 7, 9), row("STALE", "", 7, 9),
        # A step of which the end is not there yet.
        row("HALF", "L", 10, 4), row("HALF", "M", 5, 1), row("HALF", "", 10, 5),
        row("HALF", "L", 12, 3), row("HALF", "", 10, 5),
        # What compaction leaves where an older owner wrote and the rightful one mended it.
        row("MENDED", "", 20, 6), row("MENDED", "L", 15, 8), row("MENDED", "", 15, 8),
        row("MENDED", "L", 20, 6), row("MENDED", "", 20, 6),
        # Beyond what a double holds.
        row("LATER", "L", 600 * EPOCH, 1), row("LATER", "", 600 * EPOCH, 1),
        row("LATER", "L", 600 * EPOCH + 1, 2), row("LATER", "", 600 * EPOCH + 1, 2),
        row("ENDLESS", "", 3, -2, unlimited=True, ats=0),
        row(NAME, "L/é 1", 3, 1), row(NAME, "", 3, 1),
        # Rules go before stock.
        update("rules", 5, 100, quantity=3), update("rules", 6, 90, quantity=7),
        update("rules", 5, 200, quantity=1), update("rules", 6, 90, quantity=7),
        # None is not 0.
        update("none", 5, 100, state="LISTING_STATE_NEEDS_CAP"), update("zero", 5, 100, quantity=0),
        update("new", 0, -1, quantity=0), update("new", 0, 0, quantity=2),
    ]
    SEEN = [
        picture("STALE", 10, 4, L=4), picture("HALF", 10, 5, L=4, M=1), picture("MENDED", 20, 6),
        picture("MENDED", 20, 6, L=6), picture("LATER", 600 * EPOCH, 1, L=1),
        picture("LATER", 600 * EPOCH + 1, 2, L=2), {**picture("ENDLESS", 3, -2), "ats": None},
        picture(NAME, 3, 1, **{"L/é 1": 1}),
        shown("rules", 5, 100, 3), shown("rules", 6, 90, 7), shown("none", 5, 100, None),
        shown("zero", 5, 100, 0), shown("new", 0, -1, 0), shown("new", 0, 0, 2),
    ]

    def follow(self, language):
        """A reader that goes on, and the lines that it prints."""
        reader = subprocess.Popen([EXAMPLES.command(language, "read"), BUS.servers, "--follow"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        seen = queue.Queue()
        thread = threading.Thread(target=lambda: [seen.put(line) for line in reader.stdout])
        thread.start()

        def end():
            reader.terminate()
            reader.wait(TIMEOUT)
            thread.join()
            reader.stdout.close()

        self.addCleanup(end)
        return seen

    def mine(self, seen):
        """What there is to see of PUT, stock first: the two topics come in no order."""
        mine = {key_of(one) for one in self.SEEN}
        return sorted((one for one in seen if key_of(one) in mine),
                      key=lambda one: "listing" in one)

    def test_only_newer_and_whole_pictures_are_seen(self):
        EXAMPLES.records(BUS.servers, "put", *self.PUT)
        following = {}
        for language in EXAMPLES.languages:
            seen = EXAMPLES.read(language, BUS.servers)
            with self.subTest(language):
                self.assertEqual(self.mine(seen), self.SEEN)
            if language != "kcat":
                following[language] = self.follow(language)
        for lines_of in following.values():
            for _ in seen:
                lines_of.get(timeout=60)
        EXAMPLES.records(BUS.servers, "put", row("STALE", "L", 8, 9), row("STALE", "L", 11, 2),
                         row("STALE", "", 11, 2))
        for language, lines_of in following.items():
            with self.subTest(language):
                self.assertEqual(json.loads(lines_of.get(timeout=60)),
                                 picture("STALE", 11, 2, L=2))


def skip(name, why):
    print(f"[  SKIPPED ] {name} ({why})")
    return SKIPPED


def main():
    global BINARY, EXAMPLES
    BINARY = os.path.abspath(sys.argv[1])
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            return skip("kafka_examples_test", f"no {tool} here, which Kafka needs")
    try:
        EXAMPLES = Examples(os.path.abspath(sys.argv[2]), sys.argv[3:] or LANGUAGES)
    except NotInstalled as why:
        return skip("kafka_examples_test", why)
    done = unittest.main(argv=sys.argv[:1], exit=False, verbosity=2).result
    if not done.wasSuccessful():
        return 1
    for language, why in EXAMPLES.left_out.items():
        skip("kafka_examples_test." + language, why)
    return SKIPPED if EXAMPLES.left_out else 0


if __name__ == "__main__":
    sys.exit(main())
