#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""deaths.py - kills weir's roles at random points under real load, then holds the evidence
against what was done. Used by tests/system/death.sh and by the soak.

  deaths.py --weir W --state DIR --http PORT --https PORT [--rounds 200] [--runs 4]
            [--stall 30] [--together] [--recovery 2] [--seed N] [--policy FILE]

Needs root and an nginx that answers /api/... on both ports. Each round kills reader, analyst
or keeper, in the last run the keeper lives; each run is one weir; at the end of every other one a role is killed while it seals. In the
first run each role, and the monitor, is stopped for --stall seconds (--together: overlapping).
Reads the leaves of the ledger itself and does every sum again. Prints "ok ..." and "FAIL ...".
"""
import argparse
import collections
import http.client
import json
import os
import random
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

import evidence
from evidence import check, read, wait_for

ROLES = ("reader", "analyst", "keeper")
CONNECTIONS = 2     # at once, of each of the two protocols
PER_CONNECTION = 31
CALM = 37           # requests after the deaths of a run, over each protocol


# Load: requests are counted when they are answered, and each must be.

TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE
BODY = json.dumps({"order": 17, "customer": {"email": "ada.lovelace@analytical-engines.com"}})


class Load:
    def __init__(self, port, tls):
        self.port, self.tls, self.answered, self.troubles = port, tls, 0, []
        self.moved = [0, 0]     # in the clear, as the kernel counts: sent, received
        self.lock = threading.Lock()

    def connect(self):
        if self.tls:
            return http.client.HTTPSConnection("localhost", self.port, context=TLS, timeout=60)
        return http.client.HTTPConnection("localhost", self.port, timeout=60)

    def send(self, conn, path):
        conn.request("POST", path, body=BODY, headers={"Content-Type": "application/json"})
        answer = conn.getresponse()
        answer.read()
        with self.lock:
            self.answered += 1
            if answer.status != 200:
                self.troubles.append(answer.status)

    def connection(self, path, count, pause=0.0):
        conn = self.connect()
        for _ in range(count):
            self.send(conn, path)
            time.sleep(pause)
        if not self.tls:
            # Of struct tcp_info: bytes_received, bytes_sent, bytes_retrans. nginx answers before it has a body: not bytes_acked.
            info = conn.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
            (received,), (sent, again) = struct.unpack_from("<Q", info, 128), struct.unpack_from("<QQ", info, 200)
            with self.lock:
                self.moved[0] += sent - again
                self.moved[1] += received
        conn.close()

    def until(self, stop, path, pause):
        try:
            while not stop.is_set():
                self.connection(path, PER_CONNECTION, pause)
        except (OSError, http.client.HTTPException) as error:
            self.troubles.append(repr(error))


# weir and its roles.

class Weir:
    def __init__(self, options, log):
        self.log = log
        # No budget for CPU: deaths are told from what it leaves out.
        command = [options.weir, "run", "--state", options.state, "--quiet", "--max-cpu", "1000"]
        if options.policy:
            command += ["--policy", options.policy]
        self.process = evidence.start(command, log)
        self.pid = self.process.pid

    def ready(self):
        return wait_for(40, lambda: re.search("^ready", read(self.log + ".out"), re.M) or self.process.poll() is not None) \
            and self.process.poll() is None

    def children(self):
        found = {}
        for pid in read(f"/proc/{self.pid}/task/{self.pid}/children").split():
            words = read(f"/proc/{pid}/cmdline").split("\0")
            if len(words) > 1 and words[1].startswith("role:"):
                found[words[1][5:]] = int(pid)
        return found

    def role(self, name):
        pid = self.children().get(name)
        return pid if pid and re.search(r"^Seccomp:\s2$", read(f"/proc/{pid}/status"), re.M) else None

    def replaced(self, name, old):
        return lambda: self.role(name) not in (None, old)

    def zombies(self):
        stats = [read(f"/proc/{pid}/stat") for pid in read(f"/proc/{self.pid}/task/{self.pid}/children").split()]
        return sum(") Z " in stat for stat in stats)

    def descriptors(self):
        """What roles could leave behind. Not what comes with the programs of the host, which others start:
        files that wait for their scan, the census of /proc, probes in what was found. None while something is scanned: else
        there is the one pipe of the elfscan that waits for a file."""
        found = collections.Counter()
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                name = re.sub(r"\d+", "N", os.readlink(f"/proc/{self.pid}/fd/{fd}"))
            except FileNotFoundError:
                continue
            if not re.match(r"/(usr|bin|lib|sbin|opt|snap|home|root|var|proc$|tmp)|anon_inode:(\[perf_event\]|bpf_link)", name):
                found[name] += 1
        return found if found["pipe:[N]"] == 1 else None

    def settled(self):
        """Looks that are the same for longer than a scan takes."""
        looks = [self.descriptors()]
        for _ in range(4):
            time.sleep(0.1)
            looks.append(self.descriptors())
        return looks[0] if all(look == looks[0] for look in looks) else None

    def stop(self, before_it_ends):
        self.process.send_signal(signal.SIGTERM)
        before_it_ends()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "none in 60 s"


class Run:
    """One weir from start to stop, with its deaths."""

    def __init__(self, options, number, rng, loads):
        self.options, self.rng, self.loads = options, rng, loads
        self.killed = collections.Counter()
        self.late = collections.Counter()   # perhaps too late to be a death
        self.stalled = collections.Counter()
        self.slowest, self.checkpoints, self.tides = 0.0, [], 0
        self.tide = f"/api/tide/{'o' * number}"
        self.kill_at_end = number % 2 == 0
        self.mortal = ROLES[:2] if number == options.runs else ROLES
        self.name = f"run {number}"
        self.log = os.path.join(os.path.dirname(os.path.abspath(options.state)), f"weir-{number}")

    def seen(self):
        """One more request, and whether one of them is told of."""
        self.loads[0].connection(self.tide, 1)
        self.tides += 1
        shown = subprocess.run([self.options.weir, "flows", "--state", self.options.state, "-o", "json"], capture_output=True, text=True)
        return any(self.tide == json.loads(line)["route"] for line in shown.stdout.splitlines())

    def note_checkpoint(self):
        self.checkpoints.append(evidence.checkpoint(self.options.state))

    def recover(self, role, pid):
        began = time.monotonic()
        if not wait_for(30, self.weir.replaced(role, pid)):
            check(False, f"{self.name}: the {role} is replaced", "not within 30 s")
        self.slowest = max(self.slowest, time.monotonic() - began)

    def kill(self):
        role = self.todo.pop()
        pid = self.weir.role(role)
        if not pid:
            check(False, f"{self.name}: a {role} runs", "there is none")
            return
        time.sleep(self.rng.random() * 0.4)     # a random point is what is tested, not waited for
        os.kill(pid, signal.SIGKILL)
        self.killed[role] += 1
        self.recover(role, pid)
        self.note_checkpoint()

    def stall(self, role):
        pid = self.weir.role(role)
        time.sleep(self.rng.random())
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self.options.stall)
        if not wait_for(5, lambda: self.weir.role(role) != pid):
            check(False, f"{self.name}: a {role} that is stuck is replaced", f"it is still {pid}")
            os.kill(pid, signal.SIGCONT)
        self.stalled[role] += 1
        began = time.monotonic()
        if not wait_for(30, lambda: self.weir.role(role)):
            check(False, f"{self.name}: the {role} is replaced", "not within 30 s")
        self.slowest = max(self.slowest, time.monotonic() - began)

    def stall_monitor(self):
        os.kill(self.weir.pid, signal.SIGSTOP)
        time.sleep(self.options.stall)
        os.kill(self.weir.pid, signal.SIGCONT)
        self.stalled["monitor"] += 1

    def stalls(self):
        threads = [threading.Thread(target=self.stall, args=(role,)) for role in ROLES]
        for thread in threads:
            thread.start()
            if not self.options.together:
                thread.join()
        for thread in threads:
            thread.join()
        self.stall_monitor()

    def at_the_end(self):
        role = self.rng.choice(ROLES)
        pid = self.weir.children().get(role)
        time.sleep(self.rng.random() * 0.3)
        if pid and self.weir.children().get(role) == pid:
            os.kill(pid, signal.SIGKILL)
            self.late[role] += 1

    def go(self, rounds, stall):
        self.weir = Weir(self.options, self.log)
        if not self.weir.ready():
            check(False, f"{self.name}: weir becomes ready", read(self.log + ".err")[-500:])
            return False
        self.todo = [self.mortal[i % len(self.mortal)] for i in range(rounds)]
        self.rng.shuffle(self.todo)
        # The first run as fast as it goes; then slowly enough that no ring is full and the bounds are tight.
        stop, pause = threading.Event(), 0.0 if stall else 0.01
        clients = [threading.Thread(target=load.until, args=(stop, "/api/load", pause)) for load in self.loads for _ in range(CONNECTIONS)]
        for client in clients:
            client.start()
        looks = []
        wait_for(20, lambda: looks.append(self.weir.settled()) or looks[-1])
        before = looks[-1]
        for _ in range(rounds):
            self.kill()
        if stall:
            self.stalls()
        stop.set()
        for client in clients:
            client.join()
        # On a busy host the ring may be full still, for a while.
        check(wait_for(60, self.seen), f"{self.name}: what is sent after the deaths is seen again", self.tides)
        # All roles live and nothing is in flight: from here on every exchange must be counted.
        for load in self.loads:
            load.connection("/api/calm", CALM)
        check(wait_for(5, lambda: self.weir.zombies() == 0), f"{self.name}: no zombie is left", self.weir.zombies())
        check(before and wait_for(20, lambda: self.weir.descriptors() == before), f"{self.name}: the monitor holds the descriptors it held before",
              f"before {before}, now {self.weir.descriptors()}")
        self.note_checkpoint()
        status = self.weir.stop(self.at_the_end if self.kill_at_end else lambda: None)
        check(status == 0, f"{self.name}: weir stops with exit status 0", f"{status}: {read(self.log + '.err')[-700:]}")
        self.note_checkpoint()
        check(self.slowest <= self.options.recovery, f"{self.name}: every role was back within {self.options.recovery} s",
              f"{self.slowest:.2f} s")
        print(f"# {self.name}: killed {dict(self.killed)}, at the end {dict(self.late)}, stalled {dict(self.stalled)},"
              f" slowest recovery {self.slowest:.2f} s")
        return True


# The evidence.

def judge_gaps(run, rows):
    numbered = [row for row in rows if row["type"] == "gap" and "number" in row]
    gaps = collections.Counter(row["role"] for row in numbered)
    for role in ROLES + ("monitor",):
        least = run.killed[role] + run.stalled[role]
        check(least <= gaps[role] <= least + run.late[role], f"{run.name}: each of {least} deaths of the {role} is one gap",
              f"{gaps[role]} gaps, {run.late[role]} perhaps too late")
    numbers = [row["number"] for row in numbered]
    check(numbers == list(range(1, len(numbers) + 1)), f"{run.name}: no gap is missing or told twice", numbers)
    check(all(row["from"] <= row["to"] for row in numbered), f"{run.name}: no gap ends before it begins", "")


def exchanges(rows, port, role, route):
    return sum(row["exchanges"] for row in rows if row["type"] == "flow" and row["port"] == port and row["role"] == role
               and row["route"] == route)


def judge_exchanges(run, rows, sent, books):
    """sent: answered requests of this run, by (port, route)."""
    lost = 2 * sum(books[key] for key in ("ring_full", "queue_full", "crash_lost", "no_state", "undecodable"))
    # One that is under way at a death, and the next on that connection, which is joined in its middle.
    deaths = run.killed["analyst"] + run.stalled["analyst"] + run.late["analyst"]
    bound = lost + books["keeper_lost"] + 2 * CONNECTIONS * deaths
    for (port, route), requests in sorted(sent.items()):
        for role in ("server", "client"):
            counted = exchanges(rows, port, role, route)
            if route == "/api/calm" and not run.late:
                check(counted == requests, f"{run.name}: port {port}, {role}: the {requests} exchanges after the deaths are counted exactly",
                      counted)
            check(requests - bound <= counted <= requests, f"{run.name}: port {port}, {role}: of {requests} exchanges of {route}"
                  f" {counted} are counted, none twice, and no more are missing than stated", f"stated {bound}")


def judge_bytes(run, rows, port, moved, told):
    """What died with an analyst moved too, and is lost: how far a connection came is told again to the next one.
    told: no fact died with its keeper, or on the way to it."""
    for role, ways in (("client", ("sent", "received")), ("server", ("received", "sent"))):
        flows = [row for row in rows if row["type"] == "flow" and row["port"] == port and row["role"] == role]
        for way, bytes_ in zip(ways, moved):
            have = sum(row[way]["moved"] for row in flows)
            check(have == bytes_ if told else have <= bytes_, f"{run.name}: port {port}, {role}: {'all' if told else 'no more than'}"
                  f" {bytes_} bytes {way} moved", have)
    for row_port in sorted({row["port"] for row in rows if row["type"] == "flow"}):
        for way in ("sent", "received"):
            left = sum(row[way]["unexplained"] for row in rows if row["type"] == "flow" and row["port"] == row_port)
            check(left == 0, f"{run.name}: port {row_port}: no byte {way} is unexplained", left)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--http", type=int, required=True)
    parser.add_argument("--https", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--stall", type=float, default=30)
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--recovery", type=float, default=2)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--policy")
    return parser.parse_args()


def main():
    options = arguments()
    rng = random.Random(options.seed)
    print(f"# seed {options.seed}")
    loads = [Load(options.http, False), Load(options.https, True)]
    runs, sent, moved = [], [], []
    for number in range(options.runs):
        rounds = options.rounds // options.runs + (number < options.rounds % options.runs)
        run = Run(options, number + 1, rng, loads)
        before = [load.answered for load in loads]
        had = list(loads[0].moved)
        if not run.go(rounds, number == 0 and options.stall):
            return 1
        runs.append(run)
        moved.append([now - then for now, then in zip(loads[0].moved, had)])
        sent.append({})
        for load, had in zip(loads, before):
            sent[-1][load.port, "/api/load"] = load.answered - had - CALM
            sent[-1][load.port, "/api/calm"] = CALM
        sent[-1][options.http, "/api/load"] -= run.tides
        sent[-1][options.http, run.tide] = run.tides
    for load in loads:
        check(not load.troubles, f"port {load.port}: nginx answered all of {load.answered} requests", load.troubles[:3])
    raw = evidence.leaves(options.state)
    rows = [json.loads(leaf) for leaf in raw]
    check(len(set(raw)) == len(raw), f"no leaf of {len(raw)} is there twice", len(raw) - len(set(raw)))
    starts = evidence.by_start(rows)
    check(len(starts) == len(runs), "each start is in the evidence", len(starts))
    for run, mine, requests, bytes_ in zip(runs, starts, sent, moved):
        books = evidence.judge_books(run.name, mine)
        judge_gaps(run, mine)
        judge_exchanges(run, mine, requests, books)
        judge_bytes(run, mine, options.http, bytes_, books["keeper_lost"] == 0)
        print(f"# {run.name}: " + " ".join(f"{key}={books[key]}" for key in ("produced", "ring_full", "queue_full", "crash_lost",
              "analysed", "findings", "stored", "rejected", "keeper_lost")))
    evidence.judge_starts(rows)
    evidence.verify(options, [checkpoint for run in runs for checkpoint in dict.fromkeys(run.checkpoints)])
    return evidence.status()


sys.exit(main())
