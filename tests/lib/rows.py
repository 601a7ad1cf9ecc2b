#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""rows.py - questions about the JSON lines that weir prints, for the shell tests.

  rows.py FILE count WHERE...            how many objects
  rows.py FILE sum PATH[,PATH...] WHERE...   sum of a number, of each
  rows.py FILE distinct PATH WHERE...    how many different values
  rows.py FILE values PATH WHERE...      the values, sorted, one a line
  rows.py FILE findings CLASS DIR WHERE...   sum of findings of a class, sent or received
  rows.py FILE classes WHERE...          "class:direction ..." of all flows that match
  rows.py FILE unexplained WHERE...      bytes without an explanation, sent and received each by itself
  rows.py FILE pairs WHERE...            exchanges, where both rows of a pair count once
  rows.py FILE cells COVERAGE WHERE...   of all flows that match, with tabs between: exchanges, bytes moved,
                                         bytes examined, binding, and from the other file why not all were

PATH is a.b.c or a.0.b; WHERE is PATH=value, PATH!=value or PATH~text (contains). FILE may also
hold one report object; then PATH in brackets chooses its list: rows.py FILE[flows] count.
"""
import json
import re
import sys


def load(name):
    match = re.fullmatch(r"(.*)\[(\w+)\]", name)
    with open(match.group(1) if match else name, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    return rows[0][match.group(2)] if match else rows


def at(row, path):
    for step in path.split("."):
        if isinstance(row, list):
            row = row[int(step)] if int(step) < len(row) else None
        elif isinstance(row, dict):
            row = row.get(step)
        else:
            return None
    return row


def text(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def holds(row, where):
    path, op, want = re.fullmatch(r"([\w.]+)(!=|=|~)(.*)", where).groups()
    have = text(at(row, path))
    if op == "~":
        return want in have
    return (have == want) == (op == "=")


def findings(rows, name, direction):
    return sum(c["findings"] for r in rows for c in r["classes"]
               if c["class"] == name and c["data"] == direction)


def pairs(rows):
    """A local pair is two rows, one of each end: the larger end counts."""
    alone, ends = 0, {}
    for row in rows:
        if row["pair"] is None:
            alone += row["exchanges"]
        else:
            end = ends.setdefault(row["pair"], {})
            end[row["role"]] = end.get(row["role"], 0) + row["exchanges"]
    return alone + sum(max(end.values()) for end in ends.values())


def cells(rows, coverage):
    """One line of a table."""
    exes = {r["exe"] for r in rows}
    why = {c["reason"] for c in coverage if c.get("exe") in exes and c["reason"]}
    told = {r["binding"] for r in rows if r["exchanges"]} or {r["binding"] for r in rows if r["tls"]["state"] == "present"}
    full = not sum(r["bytes"]["opaque"] + r["bytes"]["lost"] for r in rows)
    return (sum(r["exchanges"] for r in rows), sum(r["bytes"]["moved"] for r in rows), sum(r["bytes"]["examined"] for r in rows),
            " ".join(sorted(told)) or "none", "-" if full else " ".join(sorted(why)) or "-")


def unexplained(rows):
    """Of each direction: what the one misses must not hide behind what the other has too much."""
    return sum(abs(sum(r[way]["unexplained"] for r in rows)) for way in ("sent", "received"))


def main(argv):
    verb, args = argv[2], argv[3:]
    fixed = {"count": 0, "sum": 1, "distinct": 1, "values": 1, "findings": 2, "classes": 0, "pairs": 0, "unexplained": 0, "cells": 1}[verb]
    rows = [r for r in load(argv[1]) if all(holds(r, w) for w in args[fixed:])]
    if verb == "count":
        print(len(rows))
    elif verb == "sum":
        print(*(sum(at(r, path) or 0 for r in rows) for path in args[0].split(",")))
    elif verb == "distinct":
        print(len({text(at(r, args[0])) for r in rows}))
    elif verb == "values":
        print("\n".join(sorted({text(at(r, args[0])) for r in rows})))
    elif verb == "findings":
        print(findings(rows, args[0], args[1]))
    elif verb == "cells":
        print(*cells(rows, load(args[0])), sep="\t")
    elif verb == "unexplained":
        print(unexplained(rows))
    elif verb == "pairs":
        print(pairs(rows))
    else:
        print(" ".join(sorted({c["class"] + ":" + c["data"] for r in rows for c in r["classes"]})))


main(sys.argv)
