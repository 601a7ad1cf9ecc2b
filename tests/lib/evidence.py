#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""evidence.py - reads a ledger's leaves from the disk, without weir, and does its sums again.
Of the tests that kill weir; a module."""
import collections
import ctypes
import json
import signal
import subprocess
import sys
import time

IDENTITIES = (
    ("produced", ("submitted", "ring_full", "unreadable", "too_big", "no_state")),
    ("submitted", ("read",)),
    ("read", ("analysed", "queue_full", "crash_lost", "undecodable", "over_budget")),
    ("findings", ("stored", "rejected", "keeper_lost")),
)
failed = 0
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def check(good, sentence, detail=""):
    global failed
    if good:
        print("ok", sentence)
    else:
        failed += 1
        print(f"FAIL {sentence}: {detail}")
    sys.stdout.flush()


def wait_for(seconds, condition):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def start(command, log):
    """In the background, its output in LOG.out and LOG.err; it ends when we do, however that is."""
    with open(log + ".out", "wb") as out, open(log + ".err", "wb") as err:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))


def status():
    return 1 if failed else 0


def leaves(state):
    with open(state + "/ledger/leaves", "rb") as f:
        data = f.read()
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 2], "big")
        found.append(data[at + 2:at + 2 + size])
        at += 2 + size
    return found


def rows(state):
    return [json.loads(leaf) for leaf in leaves(state)]


def checkpoint(state):
    """"SIZE:ROOT" that is signed now, or None."""
    lines = read(state + "/ledger/checkpoint").split("\n")
    return f"{lines[1]}:{lines[2]}" if len(lines) > 3 else None


def by_start(all_rows):
    starts = []
    for row in all_rows:
        if row["type"] == "start":
            starts.append([])
        if starts:
            starts[-1].append(row)
    return starts


def judge_books(name, mine):
    """Of the rows of one start. Returns the sums of all its intervals."""
    beats = [row for row in mine if row["type"] == "heartbeat"]
    epochs = [beat["epoch"] for beat in beats]
    check(epochs == list(range(1, len(epochs) + 1)), f"{name}: each interval is sealed once, in order", epochs)
    bad = []
    for beat in beats:
        for whole, parts in IDENTITIES:
            have = sum(beat["books"][part] for part in parts)
            if beat["books"][whole] != have:
                bad.append(f"epoch {beat['epoch']}: {whole} {beat['books'][whole]} != {'+'.join(parts)} {have}")
    check(not bad, f"{name}: the books of each of {len(beats)} intervals balance", "; ".join(bad))
    check(all(a["end"] == b["start"] for a, b in zip(beats, beats[1:])), f"{name}: the intervals follow on one another",
          [(beat["start"], beat["end"]) for beat in beats])
    return collections.Counter({key: sum(beat["books"][key] for beat in beats) for key in beats[0]["books"]} if beats else {})


def judge_starts(all_rows):
    """The gap before a start says how the one before ended."""
    bad = []
    for i, row in enumerate(all_rows):
        if row["type"] != "start" or i < 2:
            continue
        gap, last = all_rows[i - 1], all_rows[i - 2]
        want = "weir was not running" if last["type"] == "stop" else "without a stop"
        if gap["type"] != "gap" or gap["role"] != "monitor" or want not in gap["reason"]:
            bad.append((i, last["type"], gap))
    check(not bad, "each start but the first begins with the gap before it, and its reason", bad[:3])


def verify(options, checkpoints):
    bad = []
    for checkpoint in checkpoints:
        done = subprocess.run([options.weir, "ledger", "verify", "--state", options.state, "--at-least", checkpoint],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            bad.append(f"{checkpoint}: {done.stdout[-200:]} {done.stderr[-200:]}")
    check(not bad, f"the ledger verifies with at least each of {len(checkpoints)} checkpoints that were seen", bad[:3])
    sizes = [int(checkpoint.split(":")[0]) for checkpoint in checkpoints]
    check(sizes == sorted(sizes), "and it never became shorter", sizes)
