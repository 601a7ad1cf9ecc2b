#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""capture_sums.py FILE - what `weir replay -o json --messages` printed of a capture, added up: a name and a
value a line, with a tab between. One process for all questions, since a test has hundreds."""
import collections
import json
import sys

SIDES = ("bytes", "received", "sent")


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    flows = [r for r in rows if r["type"] == "flow"]
    messages = [r for r in rows if r["type"] == "message"]
    got = collections.Counter({"exchanges": sum(f["exchanges"] for f in flows), "messages": len(messages),
                               "exact": sum(m["tls"] == "present" and m["binding"] == "exact" for m in messages),
                               "unexplained": sum(abs(f[d]["unexplained"]) for f in flows for d in SIDES)})
    for name in ("email", "pan"):
        for side in SIDES[1:]:
            got[f"{name}.{side}"] = sum(c["findings"] for f in flows for c in f["classes"] if c["class"] == name and c["data"] == side)
    for side in SIDES:
        for part in ("moved", "examined", "opaque", "lost", "framing"):
            got[f"{side}.{part}"] = sum(f[side][part] for f in flows)
    for row in rows:
        if row["type"] == "capture":
            got.update({k: v for k, v in row.items() if isinstance(v, int)})
    causes = collections.Counter()
    for row in rows:
        if row["type"] == "coverage" and "pid" not in row:
            causes.update(row.get("reasons") or {})
    words = {"causes": [f"{k} {v}" for k, v in sorted(causes.items())],
             "workloads": sorted({f["workload"] for f in flows}), "roles": sorted({f["role"] for f in flows}),
             "rows": [str(f["exchanges"]) for f in flows], "last": sorted(f["start"] for f in flows)[-1:],
             "mask": [m["fields"][0]["mask"] for m in messages if m["fields"]][:1]}
    for name, value in got.items():
        print(name, value, sep="\t")
    for name, value in words.items():
        print(name, " ".join(value), sep="\t")


main()
