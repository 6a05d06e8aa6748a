#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What deploy/kafka promises: a broker that comes up, keeps its data, and leaves nothing behind.

Usage: deploy_test.py [TEST…]      skips (77) where java or mvn is not installed
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TIMEOUT = 600
# The quick compiler: half of what a start costs goes into the other one.
os.environ.setdefault("KAFKA_HEAP_OPTS", "-Xmx512m -XX:TieredStopAtLevel=1")


def command(name, *arguments):
    return [os.path.join(SOURCE, "deploy", "kafka", name), *arguments]


def run(name, *arguments, **options):
    return subprocess.run(command(name, *arguments), stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=TIMEOUT, check=False, **options)


def processes_in(folder):
    """Ids of the processes that work below a folder; brokers do, in the folder of their node."""
    found = []
    for name in os.listdir("/proc"):
        try:
            place = os.readlink(f"/proc/{name}/cwd") if name.isdigit() else ""
        except OSError:
            continue
        if place == folder or place.startswith(folder + "/"):
            found.append(int(name))
    return found


class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.top = os.path.realpath(tempfile.mkdtemp(prefix="tallywire-kafka-test-"))
        # A space, as a user's folder may have.
        self.folder = os.path.join(self.top, "a cluster")

    def tearDown(self):
        run("down", "--folder", self.folder, "--kill")
        self.assertEqual(processes_in(self.top), [])
        shutil.rmtree(self.top)

    def up(self, *arguments, **options):
        return run("up", "--folder", self.folder, *arguments, **options)

    def started(self, *arguments):
        """The bootstrap servers of an `up` that must succeed."""
        done = self.up(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"\A127\.0\.0\.1:\d+(,127\.0\.0\.1:\d+)*\n\Z")
        return done.stdout.strip()

    def down(self, *arguments):
        done = run("down", "--folder", self.folder, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)

    def tool(self, *arguments):
        done = run("tool", "--folder", self.folder, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def pid(self, node):
        with open(os.path.join(self.folder, f"node-{node}", "pid"), encoding="ascii") as file:
            return int(file.read())

    def states(self):
        """State of each node, and status's exit code."""
        done = run("status", "--folder", self.folder)
        return [line.split()[3] for line in done.stdout.splitlines()], done.returncode


class OneNode(ClusterTest):
    def test_life(self):
        servers = self.started()
        pid = self.pid(1)
        self.assertEqual(processes_in(self.folder), [pid])
        self.assertEqual(self.states(), (["up"], 0))

        again = self.up()
        self.assertEqual(again.stdout.strip(), servers)
        self.assertIn("already up", again.stderr)
        self.assertEqual(processes_in(self.folder), [pid])

        self.tool("topics", "--create", "--topic", "kept", "--partitions", "3")
        self.down("--kill")
        self.assertEqual(processes_in(self.folder), [])
        self.assertEqual(self.states(), (["down"], 3))
        self.assertEqual(self.started(), servers)
        self.assertNotEqual(self.pid(1), pid)
        self.assertIn("PartitionCount: 3", self.tool("topics", "--describe", "--topic", "kept"))

        self.down()
        self.assertEqual(processes_in(self.folder), [])
        self.assertEqual(self.started(), servers)
        self.assertEqual(self.tool("topics", "--list").split(), ["kept"])
        refused = self.up("--nodes", "3")
        self.assertEqual(refused.returncode, 2, refused.stderr)

        self.down("--wipe")
        self.assertFalse(os.path.exists(self.folder))
        self.assertEqual(processes_in(self.top), [])

    def test_two_at_once(self):
        both = [subprocess.Popen(command("up", "--folder", self.folder), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                for _ in range(2)]
        said = [one.communicate(timeout=TIMEOUT) for one in both]
        self.assertEqual([one.returncode for one in both], [0, 0], said)
        self.assertEqual(said[0][0], said[1][0])
        self.assertEqual(len(processes_in(self.folder)), 1)

    def test_interrupted(self):
        starting = subprocess.Popen(command("up", "--folder", self.folder),
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        deadline = time.time() + TIMEOUT
        # A file that the broker, not the script, makes.
        while not os.path.exists(os.path.join(self.folder, "node-1", "data", ".lock")):
            self.assertLess(time.time(), deadline)
            self.assertIsNone(starting.poll())
            time.sleep(0.02)
        starting.send_signal(signal.SIGTERM)
        self.assertNotEqual(starting.wait(timeout=TIMEOUT), 0)
        self.assertEqual(processes_in(self.folder), [])

    def test_port_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = self.up("--port", str(port))
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn(f"port {port} of node 1 is taken", done.stderr)
            self.assertEqual(done.stdout, "")
            self.assertEqual(processes_in(self.folder), [])

    def test_broker_that_dies(self):
        self.started()
        self.down()
        properties = os.path.join(self.folder, "node-1", "server.properties")
        with open(properties, "a", encoding="ascii") as file:
            file.write("num.io.threads=none\n")
        done = self.up()
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("num.io.threads", done.stderr)
        self.assertIn("node 1 ended while it started", done.stderr)
        self.assertEqual(processes_in(self.folder), [])

    def test_broker_that_is_silent(self):
        self.started()
        os.kill(self.pid(1), signal.SIGSTOP)
        self.assertEqual(self.states(), (["silent"], 3))
        done = self.up("--wait", "2")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("node 1 did not answer within 2 s", done.stderr)
        # What it has not started it does not end.
        self.assertEqual(processes_in(self.folder), [self.pid(1)])
        os.kill(self.pid(1), signal.SIGCONT)
        self.started()


class ThreeNodes(ClusterTest):
    def test_life(self):
        servers = self.started("--nodes", "3")
        self.assertEqual(len(servers.split(",")), 3)
        self.assertEqual(self.states(), (["up"] * 3, 0))
        self.tool("topics", "--create", "--topic", "t")
        said = self.tool("topics", "--describe", "--topic", "t")
        self.assertIn("ReplicationFactor: 3", said)
        self.assertIn("min.insync.replicas=2", said)

        pids = [self.pid(node) for node in (1, 2, 3)]
        self.down("--node", "2", "--kill")
        self.assertEqual(self.states(), (["up", "down", "up"], 3))
        self.assertEqual(self.tool("topics", "--list").split(), ["t"])
        self.assertEqual(self.started("--node", "2"), servers)
        self.assertEqual(self.states(), (["up"] * 3, 0))
        self.assertEqual([self.pid(1), self.pid(3)], [pids[0], pids[2]])

        self.down("--node", "1")
        self.down("--node", "3")
        self.assertEqual(processes_in(self.folder), [self.pid(2)])
        self.assertEqual(self.started(), servers)
        self.assertEqual(self.states(), (["up"] * 3, 0))
        self.down()
        self.assertEqual(processes_in(self.folder), [])


class WithoutCluster(ClusterTest):
    def environment(self, **commands):
        """As here, with no jars fetched, and `commands` (name, script or None) in place of what
        is installed."""
        tools = os.path.join(self.top, "bin")
        os.mkdir(tools)
        for place in ("/bin", "/usr/bin"):
            for name in os.listdir(place):
                if name not in commands and not os.path.lexists(os.path.join(tools, name)):
                    os.symlink(os.path.join(place, name), os.path.join(tools, name))
        for name, script in commands.items():
            if script is not None:
                path = os.path.join(tools, name)
                with open(path, "w", encoding="ascii") as file:
                    file.write("#!/bin/sh\n" + script)
                os.chmod(path, 0o755)
        changed = {"PATH": tools, "XDG_CACHE_HOME": os.path.join(self.top, "cache")}
        kept = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"}
        return {**kept, **changed}

    def fails(self, code, text, **commands):
        done = self.up(env=self.environment(**commands))
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stdout, "")
        return done

    NEW_JAVA = "echo 'openjdk version \"17.0.1\" 2021-10-19' >&2\n"

    def test_no_java(self):
        self.fails(5, "no java here", java=None)

    def test_old_java(self):
        self.fails(5, "is version 11, Kafka needs 17",
                   java="echo 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")

    def test_no_maven(self):
        self.fails(5, "no mvn here", java=self.NEW_JAVA, mvn=None)

    def test_fetch_fails(self):
        done = self.fails(1, "the registry does not answer", java=self.NEW_JAVA,
                          mvn="mkdir lib; : >lib/kafka_2.13-4.3.1.jar\n"
                              "echo 'the registry does not answer'; exit 7\n")
        self.assertIn("could not be fetched (mvn ended with 7)", done.stderr)
        # Half a download is not there for the next one to find.
        self.assertEqual(os.listdir(os.path.join(self.top, "cache", "tallywire", "kafka")),
                         ["lock"])

    def test_fetch_is_not_whole(self):
        self.fails(1, "could not be fetched", java=self.NEW_JAVA, mvn="mkdir -p lib\n")

    def test_foreign_folder(self):
        os.mkdir(self.folder)
        mine = os.path.join(self.folder, "letter")
        with open(mine, "w", encoding="ascii") as file:
            file.write("dear")
        for name, arguments in (("up", []), ("down", ["--wipe"])):
            done = run(name, "--folder", self.folder, *arguments)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("not a cluster's", done.stderr)
        self.assertTrue(os.path.exists(mine))

    def test_usage(self):
        for wrong in (["--nodes", "2"], ["--port", "x"], ["--port", "70000"], ["--wait", "0"],
                      ["--folder"], ["now"]):
            self.assertEqual(self.up(*wrong).returncode, 2, wrong)
        self.assertEqual(run("tool", "--folder", self.folder, "nonsense").returncode, 2)
        self.assertEqual(run("tool", "--folder", self.folder, "topics", "--list").returncode, 4)
        self.assertEqual(run("status", "--folder", self.folder).returncode, 4)


if __name__ == "__main__":
    missing = [name for name in ("java", "mvn") if shutil.which(name) is None]
    if missing:
        print("skipped: not installed:", " ".join(missing))
        sys.exit(77)
    unittest.main(verbosity=2)
