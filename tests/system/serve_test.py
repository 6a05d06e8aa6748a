#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One `tallywire serve` asked as its users ask it: commands in a second shell, and plain HTTP.

Usage: serve_test.py TALLYWIRE
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

BINARY = os.path.abspath(sys.argv.pop(1))


def event(event_id, sku, **body):
    return {"event_id": event_id, "source": "test", "sku": sku, **body}


class ServeTest(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory(prefix="tallywire-serve-")
        self.folder = os.path.join(self.work.name, "data")
        os.makedirs(self.folder)
        self.log = open(os.path.join(self.work.name, "serve.log"), "wb")
        self.serve = subprocess.Popen(
            [BINARY, "--log", "embedded:" + self.folder, "--listen", "127.0.0.1:0", "serve"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.base = self.serve.stdout.readline().strip()

    def tearDown(self):
        if self.serve.poll() is None:
            self.serve.kill()
        self.serve.wait()
        self.serve.stdout.close()
        self.log.close()
        self.work.cleanup()

    def ask(self, method, path, body=None, headers=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, method=method,
                                         headers={"Content-Type": "application/json",
                                                  **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def command(self, *args, text="", code=0):
        done = subprocess.run([BINARY, "--log", "embedded:" + self.folder, *args], input=text,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def stock_events(self):
        return [{"event_id": "d", "source": "test",
                 "location_defined": {"location": "WH1", "kind": "WAREHOUSE"}},
                event("r", "RED/TEE", received={"location": "WH1", "quantity": 10}),
                event("bad", "RED/TEE", sold={"location": "WH1", "quantity": 0}),
                event("s", "RED/TEE", sold={"location": "WH1", "quantity": 3})]

    def test_who_writes_and_then_reads_sees_the_write(self):
        status, answer = self.ask("POST", "/v1/events", {"events": self.stock_events()})
        self.assertEqual(status, 200)
        self.assertEqual((answer["appended"], answer["refused"]), ("3", "1"))
        self.assertEqual(answer["results"][2]["refused"], "REFUSED_REASON_BAD_QUANTITY")
        last = answer["results"][3]
        status, stock = self.ask(
            "GET", f"/v1/stock/RED%2FTEE?min_version={last['partition']}:{last['offset']}")
        self.assertEqual(status, 200)
        self.assertEqual(stock["rows"][-1]["level"], "LEVEL_TOTAL")
        self.assertEqual(stock["rows"][-1]["on_hand"], "7")
        status, explained = self.ask("GET", "/v1/explain/RED%2FTEE")
        self.assertTrue(explained["consistent"])
        self.assertEqual([e["event_id"] for e in explained["entries"]], ["r", "s"])

    def test_problems_name_what_is_wrong(self):
        for method, path, body, wanted in [
                ("GET", "/v1/stock/NOBODY", None, 404), ("GET", "/v1/nothing", None, 404),
                ("DELETE", "/v1/stock/A", None, 405), ("GET", "/v1/stock?limit=x", None, 400),
                ("POST", "/v1/events", {"events": [{"no_such_field": 1}]}, 400),
                ("PUT", "/v1/listings/shop/L", {"sku": "A", "percent": 101}, 400)]:
            status, problem = self.ask(method, path, body)
            self.assertEqual(status, wanted, (method, path, problem))
            self.assertEqual(int(problem["status"]), wanted)
            self.assertTrue(problem["detail"], path)

    def test_listings_follow_the_stock_and_a_stream_tells(self):
        self.ask("POST", "/v1/events", {"events": self.stock_events()})
        status, put = self.ask("PUT", "/v1/listings/shop/L-1", {"sku": "RED/TEE", "percent": 50})
        self.assertEqual((status, put["listing_id"]), (200, "L-1"))
        stream = urllib.request.urlopen(urllib.request.Request(
            self.base + "/v1/updates", headers={"Accept": "text/event-stream"}), timeout=20)
        quantities = []
        sold = False
        deadline = time.time() + 20
        with stream:
            while time.time() < deadline and quantities[-1:] != ["2"]:
                line = stream.readline().decode()
                if line.startswith("data:"):
                    quantities.append(json.loads(line[5:])["quantity"])
                if quantities[-1:] == ["3"] and not sold:
                    sold = True
                    self.ask("POST", "/v1/events", {"events": [
                        event("s2", "RED/TEE", sold={"location": "WH1", "quantity": 2})]})
        self.assertEqual(quantities[-2:], ["3", "2"])

    def test_commands_ask_the_server_and_go_on_without_it(self):
        lines = "\n".join(json.dumps(e) for e in self.stock_events())
        self.assertIn("BAD_QUANTITY", self.command("append", "-", text=lines, code=3))
        self.assertEqual(self.command("append", "-", text="\n").split()[:2], ["appended", "0"])
        deadline = time.time() + 20
        while '"on_hand":"7"' not in self.command("-o", "jsonl", "stock") and \
                time.time() < deadline:
            time.sleep(0.05)
        served = self.command("-o", "jsonl", "stock", "RED/TEE")
        self.assertIn('"on_hand":"7"', served)
        self.command("verify")
        self.serve.send_signal(signal.SIGTERM)
        self.assertEqual(self.serve.wait(timeout=60), 0)
        self.assertEqual(self.command("-o", "jsonl", "stock", "RED/TEE"), served)
        self.command("stock", "NOBODY", code=4)


if __name__ == "__main__":
    unittest.main()
