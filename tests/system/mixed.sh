#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The mixed soak in short: real programs that are restarted and killed, and no byte without a name.
# scripts/soak --mixed is the whole of it.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
need nginx node go psql pgbench redis-server redis-cli openssl
"$PYTHON" "$LIB/mixed.py" "$WEIR" --seconds "${SECONDS_OF_SOAK:-8}" --seed "${SEED:-7}" --phase plain >"$WORK/mixed.txt" 2>&1 ||
	grep -q ' failed, ' "$WORK/mixed.txt" || bail "mixed.py: $(tail -n 2 "$WORK/mixed.txt")"
grep -v " passed, " "$WORK/mixed.txt"
nr_failed=$((nr_failed + $(grep -c '^FAIL ' "$WORK/mixed.txt")))
nr_passed=$((nr_passed + $(grep -c '^ok ' "$WORK/mixed.txt")))
