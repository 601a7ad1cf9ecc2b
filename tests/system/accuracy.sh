#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How right it is, on what takes no time: 2 MB that hold nothing, and 201 documents that were written by hand. All counts are exact.
. "$(dirname "$0")/../lib/lib.sh"
need_weir
need python3
corpus=$(dirname "$0")/../corpus

run python3 -B "$corpus/clean.py" "$WEIR" 2 1
exits 0 "2 MB of API JSON, source code and logs are read"
matches "$OUT" '^2 MB without anything: 0 numbers of tier 1 .*, 0 secrets .*; all: ip 74$' "with no number of tier 1 and no secret, and 74 addresses of hosts"
run python3 -B "$corpus/documents.py" "$WEIR" --least
exits 0 "documents written by hand are read"
matches "$OUT" '^201 documents, 206 labels of 87 classes: precision 0.9951, recall 0.9903,' "with one finding too many and two too few"
finish
