#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Under load: a ring that is too small, a flood, more connections than memory or the kernel's table has
# room for, processes that live for one exchange. Exact counts; what depends on speed is left to scripts/soak.
# Alone: it takes all of the machine.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
LIMIT=240
run "$ROOT/scripts/soak" --short
while read -r verdict sentence; do
	case $verdict in
	met) ok "$sentence" ;;
	MISSED) not_ok "$sentence" ;;
	esac
done <"$OUT"
[ $STATUS = 0 ] || not_ok "the short soak ends with 0, not $STATUS: $(tail -n 3 "$ERR")"
