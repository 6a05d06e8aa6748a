#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Dead letters, from refused to redriven: by command and by HTTP, with a server and without, and
with the server killed while it redrives.

Usage: redrive_test.py TALLYWIRE APPEND_RECORD
"""
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

BINARY = os.path.abspath(sys.argv.pop(1))
APPEND_RECORD = os.path.abspath(sys.argv.pop(1))
ROUNDS = 4
MANY = 1500


def received(event_id, sku, quantity, source="pos-17"):
    return {"event_id": event_id, "source": source, "sku": sku,
            "received": {"location": "WH1", "quantity": quantity}}


class RedriveTest(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory(prefix="tallywire-redrive-")
        self.folder = os.path.join(self.work.name, "data")
        os.makedirs(self.folder)
        self.log = open(os.path.join(self.work.name, "serve.log"), "ab")
        self.serve = None
        self.command("append", "-", text=json.dumps(received("first", "ROOT", 1)))

    def tearDown(self):
        if self.serve is not None:
            self.kill()
        self.log.close()
        self.work.cleanup()

    def start(self):
        self.serve = subprocess.Popen(
            [BINARY, "--log", "embedded:" + self.folder, "--listen", "127.0.0.1:0", "serve"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.base = self.serve.stdout.readline().strip()

    def end(self, how):
        self.serve.send_signal(how)
        self.serve.wait(timeout=60)
        self.serve.stdout.close()
        self.serve = None

    def kill(self):
        self.end(signal.SIGKILL)

    def command(self, *args, text="", code=0):
        done = subprocess.run([BINARY, "--log", "embedded:" + self.folder, *args], input=text,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def redrive(self, *args, code=0):
        return self.command("deadletters", "redrive", *args, code=code)

    def letters(self, *args):
        lines = self.command("-o", "jsonl", "deadletters", "list", *args).splitlines()
        return [json.loads(line) for line in lines]

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def put(self, *records):
        """(partition, key, event or hex) past the form rules; no process may have the folder."""
        lines = ["\t".join([partition, key, v if isinstance(v, str) else json.dumps(v)])
                 for partition, key, v in records]
        done = subprocess.run([APPEND_RECORD, os.path.join(self.folder, "log")],
                              input="\n".join(lines) + "\n", capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.split()

    def on_hand(self, sku):
        rows = self.command("-o", "jsonl", "stock", sku).splitlines()
        return int(json.loads(rows[-1])["on_hand"])

    def digest(self):
        return self.command("digest").split()[0]

    def poison(self):
        return self.put(
            ("wrong", "RED-TEE", received("1", "RED-TEE", 10)),
            ("wrong", "BLUE-MUG", received("2", "BLUE-MUG", 4)),
            ("home", "RED-TEE", received("3", "RED-TEE", 0, source="shop")),
            ("home", "another", received("4", "GREEN-HAT", 6)),
            ("0", "noise", "xffff00"))

    def test_from_refused_to_redriven_without_a_server(self):
        places = self.poison()
        self.assertEqual(len(self.letters()), 5)
        self.assertEqual([x["event_id"] for x in self.letters("--reason", "wrong_key")], ["4"])
        self.assertEqual([x["event_id"] for x in self.letters("--source", "shop")], ["3"])
        self.assertEqual(self.letters("--until", "2020-01-01T00:00:00Z"), [])
        self.assertEqual(len(self.letters("--since", "2020-01-01T00:00:00Z")), 5)

        before = self.digest()
        shown = self.redrive("--reason", "WRONG_PARTITION")
        self.assertIn("append under RED-TEE to partition", shown)
        self.assertIn("to append        2", shown)
        self.assertIn("deadletters redrive --reason WRONG_PARTITION --execute", shown)
        self.assertEqual(self.digest(), before)
        self.command("stock", "RED-TEE", code=4)

        done = self.redrive("--reason", "WRONG_PARTITION", "--execute")
        self.assertIn("appended         2", done)
        self.assertEqual((self.on_hand("RED-TEE"), self.on_hand("BLUE-MUG")), (10, 4))
        again = self.redrive("--reason", "WRONG_PARTITION", "--execute")
        self.assertNotIn("appended  ", again)
        self.assertIn("redriven before  2", again)
        self.assertEqual(self.on_hand("RED-TEE"), 10)

        # By name, and with what cannot be mended among the rest.
        self.assertIn("appended under GREEN-HAT", self.redrive(places[3], "--execute"))
        rest = self.redrive("--all", "--execute", code=3)
        self.assertIn("cannot be mended 2", rest)
        self.assertIn("BAD_QUANTITY: received.quantity", rest)
        self.assertEqual([x["redriven_to"] != "" for x in sorted(
            self.letters(), key=lambda x: x["event_id"])], [False, True, True, False, True])

        # In other words.
        mended = os.path.join(self.work.name, "mended.jsonl")
        with open(mended, "w") as file:
            file.write(json.dumps(received("3", "RED-TEE", 5, source="shop")) + "\n\n")
            file.write(json.dumps({"letter": places[4], "event": received("5", "RED-TEE", 2)}))
        self.assertIn("replaced by line 3", self.redrive("--all", "--replace", mended))
        self.redrive("--all", "--replace", mended, "--execute")
        self.assertEqual(self.on_hand("RED-TEE"), 17)
        with open(mended, "a") as file:
            file.write("\n" + json.dumps(received("nobody", "RED-TEE", 5)))
        self.assertIn("line 4: no chosen letter is event nobody",
                      self.redrive("--all", "--replace", mended, "--execute", code=2))
        self.command("verify")

    def test_what_is_asked_badly_is_told(self):
        self.assertIn("say which", self.redrive(code=2))
        self.assertIn("WRONG_PARTITION", self.redrive("--reason", "RAIN", code=2))
        self.assertIn("UNDECODABLE", self.command("deadletters", "list", "--reason", "x", code=2))
        self.assertIn("RFC 3339", self.redrive("--since", "today", code=2))
        self.redrive("--all", "--as-is", "--by-key", code=2)
        self.redrive("9/9", code=4)
        self.redrive("nine", code=2)
        self.redrive("--all", "--replace", "/nowhere.jsonl", code=4)
        self.assertIn("no dead letter is such", self.redrive("--all"))

    def test_what_the_state_refused_goes_in_as_it_is_once_there_is_room(self):
        most = 2 ** 53
        full = {"event_id": "full", "source": "pos-17", "sku": "A",
                "adjusted": {"location": "WH1", "delta": most, "reason": "test"}}
        self.put(("home", "A", full), ("home", "A", received("b", "A", 7)))
        again = self.redrive("--reason", "OVERFLOW", "--as-is", "--execute", code=3)
        self.assertIn("was refused again: OVERFLOW", again)
        sale = {"event_id": "s", "source": "pos-17", "sku": "A",
                "sold": {"location": "WH1", "quantity": 100}}
        self.command("append", "-", text=json.dumps(sale))
        self.redrive("--reason", "OVERFLOW", "--as-is", "--execute")
        self.assertEqual(self.on_hand("A"), most - 93)
        self.assertIn("redriven before  2", self.redrive("--reason", "OVERFLOW", "--as-is"))

    def test_over_http_and_by_a_command_that_asks_a_server(self):
        places = self.poison()
        self.start()
        deadline = time.time() + 30
        while time.time() < deadline:
            status, listed = self.ask("GET", "/v1/deadletters?reason=WRONG_PARTITION&source=pos-17")
            if len(listed["dead_letters"]) == 2:
                break
            time.sleep(0.05)
        status, shown = self.ask("POST", "/v1/deadletters/redrive", {"letters": [places[0]]})
        self.assertEqual((status, shown["to_append"], shown["appended"]), (200, "1", "0"))
        self.command("stock", "RED-TEE", code=4)
        status, done = self.ask("POST", "/v1/deadletters/redrive",
                                {"letters": [places[0]], "execute": True})
        self.assertEqual((status, done["appended"]), (200, "1"))
        result = done["results"][0]
        self.assertEqual(result["outcome"], "REDRIVE_OUTCOME_APPENDED")
        status, stock = self.ask("GET", "/v1/stock/RED-TEE?min_version="
                                 f"{result['partition']}:{result['offset']}")
        self.assertEqual(stock["rows"][-1]["on_hand"], "10")
        status, letter = self.ask("GET", "/v1/deadletters/" + places[0])
        self.assertEqual(letter["redriven_to"], f"{result['partition']}/{result['offset']}")

        self.assertIn("redriven before  1", self.redrive("--source", "pos-17", "--execute"))
        self.assertEqual(self.on_hand("GREEN-HAT"), 6)
        for body, wanted in [({}, 400), ({"letters": ["x"]}, 400), ({"letters": ["0/999"]}, 404),
                             ({"all": True, "mode": "REPLACE"}, 400)]:
            status, problem = self.ask("POST", "/v1/deadletters/redrive", body)
            self.assertEqual(status, wanted, problem)
        status, problem = self.ask("GET", "/v1/deadletters?reason=RAIN")
        self.assertEqual((status, problem["field"]), (400, "reason"))
        self.end(signal.SIGTERM)
        self.assertIn("redriven before  3", self.redrive("--source", "pos-17", "--execute"))

    def test_a_server_that_is_killed_while_it_redrives_loses_and_doubles_nothing(self):
        chance = random.Random(20260301)
        killed = 0
        marked = []
        for round in range(ROUNDS):
            mine = range(round * MANY, (round + 1) * MANY)
            self.put(*[("wrong", f"S{i % 50}", received(f"e{i}", f"S{i % 50}", 1)) for i in mine])
            letters = self.letters()
            self.assertEqual(len(letters), mine.stop)
            marked.append(sum(x["redriven_to"] != "" for x in letters))
            self.start()
            waiting = threading.Timer(chance.uniform(0.0, 0.3), self.serve.kill)
            request = {"all": True, "execute": True, "page_token": ""}
            waiting.start()
            try:
                while True:
                    status, answer = self.ask("POST", "/v1/deadletters/redrive", request)
                    request["page_token"] = answer["next_page_token"]
                    if not request["page_token"]:
                        break
            except (OSError, http.client.HTTPException):
                killed += 1
            waiting.join()
            self.kill()
        print(f"killed {killed} times while it redrove; marked until then: {marked}")
        self.redrive("--all", "--execute")
        letters = self.letters()
        self.assertEqual({x["event_id"] for x in letters}, {f"e{i}" for i in range(ROUNDS * MANY)})
        self.assertTrue(all(x["redriven_to"] for x in letters))
        rows = [json.loads(x) for x in self.command("-o", "jsonl", "stock").splitlines()]
        self.assertEqual({x["sku"]: int(x["on_hand"]) for x in rows
                          if x["level"] == "LEVEL_TOTAL" and x["sku"] != "ROOT"},
                         {f"S{i}": ROUNDS * MANY // 50 for i in range(50)})
        again = self.redrive("--all", "--execute")
        self.assertNotIn("appended  ", again)
        self.command("verify")


if __name__ == "__main__":
    unittest.main()
