#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ends.py - kills the monitor at random points: while weir starts, while it watches, while it
seals. Each time all roles must end, no BPF program, map or link of it may stay in the kernel,
no probe, nothing pinned; the next start must work and write the gap.

  ends.py --weir W --state DIR [--points 11] [--seed N]
"""
import argparse
import ctypes
import os
import random
import re
import signal
import sys
import time

import evidence
from evidence import check, read, wait_for

GET_FD_BY_ID = {"prog_id": 13, "map_id": 14, "link_id": 30}
SYS_BPF = 321


def in_kernel(kind, number):
    attr = (ctypes.c_uint32 * 16)(number)
    fd = evidence.LIBC.syscall(SYS_BPF, GET_FD_BY_ID[kind], ctypes.byref(attr), 12)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def objects(pid):
    """Ids of the BPF objects that a process holds."""
    found = set()
    try:
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            found.update(re.findall(r"^(prog_id|map_id|link_id):\s*(\d+)$", read(f"/proc/{pid}/fdinfo/{fd}"), re.M))
    except OSError:
        pass
    return {(kind, int(number)) for kind, number in found}


def children(pid):
    return [int(child) for child in read(f"/proc/{pid}/task/{pid}/children").split()]


def alive(pid):
    return re.search(r"\) [^ZX] ", read(f"/proc/{pid}/stat")) is not None


def pinned():
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk("/sys/fs/bpf") for name in names)


def start(options):
    return evidence.start([options.weir, "run", "--state", options.state, "--quiet"], options.state)


def ready(options, weir):
    return lambda: re.search("^ready", read(options.state + ".out"), re.M) or weir.poll() is not None


def kill(weir, what):
    """Stopped first, so that nothing is attached between the look at it and its end."""
    os.kill(weir.pid, signal.SIGSTOP)
    wait_for(2, lambda: re.search(r"\) T ", read(f"/proc/{weir.pid}/stat")))
    roles, held = children(weir.pid), objects(weir.pid)
    for role in roles:
        held |= objects(role)
    weir.kill()
    weir.wait()
    check(wait_for(20, lambda: not any(map(alive, roles))), f"{what}: all of its {len(roles)} roles end",
          [(r, read(f"/proc/{r}/cmdline"), read(f"/proc/{r}/stat")[:60]) for r in roles if alive(r)])
    check(wait_for(5, lambda: not any(in_kernel(*one) for one in held)), f"{what}: none of its {len(held)} BPF objects stays",
          [one for one in held if in_kernel(*one)])
    return len(held)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weir", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--points", type=int, default=11)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f"# seed {options.seed}")
    events, pins = read("/sys/kernel/tracing/uprobe_events"), pinned()
    began, most = time.monotonic(), 0
    weir = start(options)
    check(wait_for(40, ready(options, weir)) and weir.poll() is None, "weir becomes ready", read(options.state + ".err")[-300:])
    took = time.monotonic() - began
    most = kill(weir, "killed when ready")
    for point in range(options.points - 1):
        weir = start(options)
        if point % 3 == 2:
            wait_for(40, ready(options, weir))
            weir.send_signal(signal.SIGTERM)
            delay, what = rng.random() * 0.3, "after it was asked to stop"
        else:
            delay, what = rng.random() * took * 1.2, "after it was started"
        time.sleep(delay)   # a random point is what is tested, not waited for
        if weir.poll() is None:
            most = max(most, kill(weir, f"killed {delay * 1000:.0f} ms {what}"))
        else:
            check(weir.returncode == 0, f"it had stopped already {delay * 1000:.0f} ms {what}", weir.returncode)
    check(most > 10, f"there was something to be detached: {most} BPF objects", most)
    check(read("/sys/kernel/tracing/uprobe_events") == events, "no uprobe is left in tracefs", "")
    check(pinned() == pins, "nothing is pinned", pinned())
    weir = start(options)
    check(wait_for(40, ready(options, weir)) and weir.poll() is None, "the next start works", read(options.state + ".err")[-300:])
    weir.send_signal(signal.SIGTERM)
    check(weir.wait(60) == 0, "and stops with exit status 0", read(options.state + ".err")[-300:])
    rows = evidence.rows(options.state)
    evidence.judge_starts(rows)
    for number, mine in enumerate(evidence.by_start(rows), 1):
        if any(row["type"] == "heartbeat" for row in mine):     # most were killed in their first interval
            evidence.judge_books(f"start {number}", mine)
    evidence.verify(options, [evidence.checkpoint(options.state)])
    return evidence.status()


sys.exit(main())
