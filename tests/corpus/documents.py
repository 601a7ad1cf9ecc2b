#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""documents.py WEIR [--misses] [--least]: `weir classify` on each document of documents.txt, which were written by hand, against the
labels in them. A document ends at a line of "%%"; "<<class:value>>" is the value, with its class; the rest is nothing."""
import json
import os
import re
import subprocess
import sys
import tempfile

import score

MARK = re.compile(rb"<<([a-z0-9_]+):(.*?)>>", re.S)


def documents(name):
    with open(name, "rb") as f:
        for text in f.read().split(b"\n%%\n"):
            text = text.strip(b"\n")
            if not text:
                continue
            out, labels, last = b"", [], 0
            for m in MARK.finditer(text):
                out += text[last:m.start()]
                labels.append((m.group(1).decode(), len(out), len(out) + len(m.group(2))))
                out += m.group(2)
                last = m.end()
            yield out + text[last:], labels


def main():
    weir = os.path.abspath(sys.argv[1])
    docs = list(documents(os.path.join(os.path.dirname(os.path.abspath(__file__)), "documents.txt")))
    known = {json.loads(x)["class"] for x in subprocess.check_output([weir, "classify", "--list", "-o", "json"]).splitlines()}
    labels, found = [], []
    with tempfile.NamedTemporaryFile() as f:
        for i, (text, marks) in enumerate(docs):
            unknown = [c for c, _, _ in marks if c not in known]
            if unknown:
                sys.exit("documents.txt: document %d: no class is called %s" % (i + 1, unknown[0]))
            labels += [{"line": i, "class": c, "start": a, "end": b} for c, a, b in marks]
            f.seek(0)
            f.truncate()
            f.write(text)
            f.flush()
            out = subprocess.run([weir, "classify", f.name], check=True, stdout=subprocess.PIPE).stdout
            found += [dict(json.loads(x), line=i) for x in out.splitlines()]
    s = score.Score(labels, found)
    names = sorted(set(s.found) | set(s.wrong))
    count, p, rc, f1 = s.of(names)
    print("%d documents, %d labels of %d classes: precision %.4f, recall %.4f, F1 %.3f; %d of %d right findings to the byte" % (
        len(docs), count, len(set(lb["class"] for lb in labels)), p, rc, f1, s.exact, sum(s.right.values())))
    if "--misses" in sys.argv:
        texts = [t.replace(b"\n", b" ") for t, _ in docs]
        score.show(texts, s.false, "FALSE", 1000)
        score.show(texts, s.lost, "MISSED", 1000)
    return 1 if "--least" in sys.argv and (p < 0.98 or rc < 0.97) else 0


if __name__ == "__main__":
    sys.exit(main())
