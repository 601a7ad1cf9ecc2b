#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""faults.py WEIR BUILD WORK [--every] [--seed N] [--cases N]

Counts the calls of a keeper that plays a fixed piece (keeper_play), then for each fault
plays it again and again with the fault at one of them (inject): at every n-th with
--every, else at a seeded sample that holds each kind of call at least once on the old log. After each:
the ledger verifies against the last checkpoint that was printed before the fault, with
the key that it began with; the next start goes on from there, writes the gap, indexes
every leaf; what failed is said, with what to do. Prints ok and FAIL lines.
"""
import argparse
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys

FAULTS = ["eio", "sync", "enospc", "edquot", "erofs", "short", "torn", "kill"]
FEW = ["eio", "sync", "enospc", "short", "torn", "kill"]  # of the sample; a real disk is full and read-only in disk.sh
ERRORS = {"eio": "Input/output error", "sync": "Input/output error", "enospc": "No space left on device", "edquot": "Disk quota exceeded",
          "erofs": "Read-only file system"}
POLICY = """version: 1
rules:
  - id: PLAY-001
    title: a card number leaves
    forbid:
      data.class: pan
    severity: low
    criteria: [C1.1]
"""

ap = argparse.ArgumentParser()
ap.add_argument("weir")
ap.add_argument("build")
ap.add_argument("work")
ap.add_argument("--every", action="store_true")
ap.add_argument("--seed", type=int, default=1)
ap.add_argument("--cases", type=int, default=8, help="of one fault and base")
args = ap.parse_args()
PLAY, INJECT = (os.path.join(args.build, "tests/lib", n) for n in ("keeper_play", "inject"))
policy = os.path.join(args.work, "play.yaml")
with open(policy, "w", encoding="utf-8") as f:
    f.write(POLICY)
state = os.path.join(args.work, "faulted")
report = os.path.join(args.work, "report")
totals = {"cases": 0, "failed": 0, "harmless": 0, "refused": 0, "killed": 0}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def play(*prefix):
    return run(*prefix, PLAY, state, policy)


def verify(*more):
    return run(args.weir, "ledger", "verify", "--state", state, *more)


def fresh(base):
    shutil.rmtree(state, ignore_errors=True)
    if base:
        subprocess.run(["cp", "-a", base, state], check=True)


def calls_of(base, fault):
    """What inject counts for this fault: [(n, call)]."""
    fresh(base)
    # n beyond all: nothing happens, and the calls are listed by count with the same rule.
    r = play(INJECT, "count", "0", report)
    assert r.returncode == 0, r.stderr
    with open(report, encoding="ascii") as file:
        every = [line.split()[1] for line in file]
    reads = {"pread64", "newfstatat", "fstat", "lseek", "fcntl", "stat", "lstat", "access"}
    frees = {"ftruncate", "unlinkat", "unlink"}
    return {"eio": every, "erofs": [c for c in every if c not in reads], "kill": [c for c in every if c not in reads],
            "enospc": [c for c in every if c not in reads | frees], "edquot": [c for c in every if c not in reads | frees],
            "sync": [c for c in every if c in ("fsync", "fdatasync")],
            "short": [c for c in every if c == "pwrite64"], "torn": [c for c in every if c == "pwrite64"]}[fault]


def sample(calls, rng, base):
    if args.every:
        return range(1, len(calls) + 1)
    kinds = {}
    for n, call in enumerate(calls, 1):
        kinds.setdefault(call, []).append(n)
    picked = {rng.choice(places) for places in kinds.values()} if base else set()
    while len(picked) < min(args.cases if base else args.cases // 2, len(calls)):
        picked.add(rng.randint(1, len(calls)))
    return sorted(picked)


def leaves():
    data, out, at = open(os.path.join(state, "ledger/leaves"), "rb").read(), [], 0
    while at + 2 <= len(data):
        n = data[at] << 8 | data[at + 1]
        if n > len(data) - at - 2:
            break  # torn: it is no leaf, whatever it begins with
        out.append(data[at + 2:at + 2 + n].decode())
        at += 2 + n
    return out


def index_is_whole():
    db = sqlite3.connect(os.path.join(state, "index.sqlite"))
    rows = [r[0] for r in db.execute("SELECT doc FROM leaf ORDER BY leaf")]
    db.close()
    return rows == leaves()


def check(base, fault, r, call):
    """What is wrong, or None."""
    said = re.findall(r"checkpoint size=(\d+) root=(\S+)", r.stdout)
    pin = ["--at-least", "%s:%s" % said[-1]] if said else []
    key = open(os.path.join(base, "ledger/key"), encoding="ascii").read() if base else None
    vkey = ["--key", open(os.path.join(base, "ledger/key.pub"), encoding="ascii").read().strip()] if base else []
    if r.returncode not in (0, 3, 4, 137):
        return "it ended with status %d" % r.returncode
    if fault in ("kill", "torn") and r.returncode != 137:
        return "the kill did not kill: %d" % r.returncode
    # SQLite syncs only what it rolls back when it opens; the index is made anew then.
    if call in ("fsync", "fdatasync") and fault in ERRORS and r.returncode != 3 and "the index is made again" not in r.stderr:
        return "a failed sync was taken for success: %d" % r.returncode
    if r.returncode in (3, 4):
        if not re.search(ERRORS[fault] + "|the index cannot be made", r.stderr):
            return "it does not say what failed: %r" % r.stderr
        if not re.search(r"start again|look for|make room|mount|quota|put the|no new key", r.stderr):
            return "it does not say what to do: %r" % r.stderr
    if r.returncode == 0 and fault != "short" and re.search(r"cannot keep", r.stderr):
        return "it failed and ended with 0"
    totals[{0: "harmless", 137: "killed"}.get(r.returncode, "refused")] += 1
    if base or said:
        v = verify(*vkey, *pin)
        if v.returncode:
            return "after the fault it does not verify: " + v.stderr
    stopped = base and leaves()[-1].startswith('{"type":"stop"')
    before = len(leaves()) if base else 0
    again = play()
    if again.returncode:
        return "the next start fails: %d %r" % (again.returncode, again.stderr)
    v = verify(*vkey, *pin)
    if v.returncode:
        return "after the next start it does not verify: " + v.stderr
    if key and open(os.path.join(state, "ledger/key"), encoding="ascii").read() != key:
        return "a new key over an old log"
    now = leaves()
    if base:
        want = "weir was not running" if stopped else "weir ended without a stop"
        if not any('"type":"gap"' in leaf and want in leaf for leaf in now[before - 1:]):
            return "the next start does not write the gap (%s)" % want
    if not index_is_whole():
        return "the index is not whole after the next start"
    return None


def main():
    rng = random.Random(args.seed)
    fresh(None)
    assert play().returncode == 0
    old = os.path.join(args.work, "old")
    shutil.rmtree(old, ignore_errors=True)
    # The base is a log whose writer was killed within a write: recovery is part of the piece.
    play(INJECT, "torn", "40", report)
    subprocess.run(["cp", "-a", state, old], check=True)
    for base, name in ((old, "an old log"), (None, "a new log")):
        for fault in FAULTS if args.every else FEW:
            calls, bad, done, unmet = calls_of(base, fault), [], 0, 0
            for n in sample(calls, rng, base):
                fresh(base)
                r = play(INJECT, fault, str(n), report)
                hit = open(report, encoding="ascii").read().split()
                done += 1
                totals["cases"] += 1
                if not hit:  # fewer ticks went by than when they were counted
                    unmet += 1
                    continue
                why = check(base, fault, r, hit[1])
                if why:
                    bad.append("call %d (%s): %s" % (n, hit[1], why))
            if unmet > done / 4:
                bad.append("%d of %d calls were not there any more" % (unmet, done))
            totals["failed"] += len(bad)
            what = "%s at %d of %d calls on %s: the ledger verifies, the next start goes on" % (fault, done, len(calls), name)
            print(("FAIL " if bad else "ok ") + what)
            for line in bad[:10]:
                print("# " + line)
            sys.stdout.flush()
    print("# %(cases)d cases: %(harmless)d went on, %(refused)d failed closed, %(killed)d were killed; %(failed)d wrong" % totals)


main()
