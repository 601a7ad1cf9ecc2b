#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""score.py WEIR CORPUS [--misses N] [--least] [--tiers] [--evidence LEVEL]: precision and recall of `weir classify --lines` on
CORPUS.txt against CORPUS.labels, per class and per tier. A finding is right when a label of its class overlaps it; a label is
found when such a finding exists. A finding that is not right counts against precision whatever stands there.
--tiers prints the tiers only; --least ends with 1 where a tier is below what the README promises."""
import collections
import json
import os
import subprocess
import sys

LEAST = {1: (0.995, 0.99), 2: (0.97, 0.97), 3: (0.90, 0.88)}


def read(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def run(weir, text, *options):
    out = subprocess.run([weir, "classify", "--lines", *options, text], check=True, stdout=subprocess.PIPE).stdout
    return [json.loads(line) for line in out.splitlines()]


def overlap(a, b):
    return a["start"] < b["end"] and b["start"] < a["end"]


class Score:
    def __init__(self, labels, found):
        self.right, self.wrong, self.missed = (collections.Counter() for _ in range(3))
        self.false, self.lost, self.exact = [], [], 0
        by_line = collections.defaultdict(list)
        for label in labels:
            by_line[label["line"]].append(dict(label, hit=False))
        for f in found:
            match = [lb for lb in by_line[f["line"]] if lb["class"] == f["class"] and overlap(lb, f)]
            for lb in match:
                lb["hit"] = True
            self.exact += any((lb["start"], lb["end"]) == (f["start"], f["end"]) for lb in match)
            if match:
                self.right[f["class"]] += 1
            else:
                self.wrong[f["class"]] += 1
                self.false.append(f)
        self.found = collections.Counter()
        for line in by_line.values():
            for lb in line:
                self.found[lb["class"]] += lb["hit"]
                self.missed[lb["class"]] += not lb["hit"]
                if not lb["hit"]:
                    self.lost.append(lb)
        self.negative = [f for f in found if not by_line[f["line"]]]

    def of(self, names):
        names = list(names)
        right, wrong = (sum(c[n] for n in names) for c in (self.right, self.wrong))
        found, missed = (sum(c[n] for n in names) for c in (self.found, self.missed))
        p = right / (right + wrong) if right + wrong else 1.0
        rc = found / (found + missed) if found + missed else 1.0
        return found + missed, p, rc, 2 * p * rc / (p + rc) if p + rc else 0.0


def show(lines, items, what, limit):
    for x in items[:limit]:
        line = lines[x["line"]]
        near = line[max(0, x["start"] - 60):x["end"] + 20].decode(errors="replace")
        print("%s %-18s %s\n      %s" % (what, x["class"], line[x["start"]:x["end"]].decode(errors="replace")[:70], near))


def main():
    weir, corpus = os.path.abspath(sys.argv[1]), sys.argv[2]
    misses = int(sys.argv[sys.argv.index("--misses") + 1]) if "--misses" in sys.argv else 0
    table = {c["class"]: c for c in (json.loads(x) for x in subprocess.run(
        [weir, "classify", "--list", "-o", "json"], check=True, stdout=subprocess.PIPE).stdout.splitlines())}
    labels = read(corpus + ".labels")
    with open(corpus + ".txt", "rb") as f:
        lines = f.read().split(b"\n")[:-1]
    labelled = {lb["line"] for lb in labels}
    megabytes = sum(len(x) + 1 for i, x in enumerate(lines) if i not in labelled) / 1e6
    level = sys.argv[sys.argv.index("--evidence") + 1] if "--evidence" in sys.argv else "all"
    score = Score(labels, run(weir, corpus + ".txt", "--evidence", level))
    negative = collections.Counter(f["class"] for f in score.negative)
    names = sorted(set(score.found) | set(score.wrong), key=lambda n: (table.get(n, {}).get("tier", 9), n))
    print("%-22s %4s %6s %9s %7s %6s %12s" % ("CLASS", "TIER", "LABELS", "PRECISION", "RECALL", "F1", "PER MB CLEAN"))
    for n in names if "--tiers" not in sys.argv else []:
        count, p, rc, f1 = score.of([n])
        print("%-22s %4s %6d %9.4f %7.4f %6.3f %12.2f" % (n, table.get(n, {}).get("tier", "-"), count, p, rc, f1, negative[n] / megabytes))
    bad = 0
    for tier in (1, 2, 3):
        mine = [n for n in names if table.get(n, {}).get("tier") == tier]
        count, p, rc, f1 = score.of(mine)
        print("%-22s %4d %6d %9.4f %7.4f %6.3f %12.2f" % ("all of the tier", tier, count, p, rc, f1, sum(negative[n] for n in mine) / megabytes))
        bad += p < LEAST[tier][0] or rc < LEAST[tier][1]
    print("%d lines, %.1f MB without a label; %d of %d right findings to the byte" % (
        len(lines), megabytes, score.exact, sum(score.right.values())))
    show(lines, score.false, "FALSE", misses)
    show(lines, score.lost, "MISSED", misses)
    return 1 if bad and "--least" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
