#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clean.py WEIR MB [SEED]: `weir classify --lines` over the stream of negatives.py. Ends with 1 where a class of tier 1 that is a
number is found, or more than two secrets in 100 MB (samples, which documentation has, do not count)."""
import collections
import json
import os
import subprocess
import sys


def main():
    weir, megabytes, seed = os.path.abspath(sys.argv[1]), float(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "1"
    table = {c["class"]: c for c in map(json.loads, subprocess.check_output([weir, "classify", "--list", "-o", "json"]).splitlines())}
    make = subprocess.Popen([sys.executable, "-B", os.path.join(os.path.dirname(os.path.abspath(__file__)), "negatives.py"), str(megabytes), seed], stdout=subprocess.PIPE)
    scan = subprocess.Popen([weir, "classify", "--lines", "--stats"], stdin=make.stdout, stdout=subprocess.PIPE)
    make.stdout.close()
    found, stats = collections.Counter(), None
    for line in scan.stdout:
        hit = json.loads(line)
        if hit.get("type") == "stats":
            stats = hit
        elif not hit.get("sample"):
            found[hit["class"]] += 1
    if scan.wait() or make.wait() or not stats or stats["bytes"] < megabytes * 1e6:
        print("clean.py: weir or the generator failed")
        return 1
    numbers = sum(n for c, n in found.items() if table[c]["tier"] == 1 and table[c]["group"] not in ("secret",))
    secrets = sum(n for c, n in found.items() if table[c]["group"] == "secret")
    print("%.0f MB without anything: %d numbers of tier 1 (0 allowed), %d secrets (2 in 100 MB allowed); all: %s" % (
        stats["bytes"] / 1e6, numbers, secrets, ", ".join("%s %d" % x for x in sorted(found.items())) or "nothing"))
    return 1 if numbers or secrets > 2 * max(1.0, megabytes / 100) else 0


if __name__ == "__main__":
    sys.exit(main())
