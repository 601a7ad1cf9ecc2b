#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Roles and monitor are killed and stopped at random points under real load: nothing is
# counted twice, all that is missing is stated, every interval balances, the watched notice
# nothing. SEED=N repeats a run as far as time allows; scripts/soak does many more.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
start_nginx
seed=${SEED:-$RANDOM$RANDOM}

tally() { # what a script of tests/lib printed
	local word sentence
	while read -r word sentence; do
		case $word in
		ok) ok "$sentence" ;;
		FAIL) not_ok "$sentence" ;;
		*) echo "$word $sentence" ;;
		esac
	done
}

"$PYTHON" "$LIB/ends.py" --weir "$WEIR" --state "$WORK/ends" --points 11 --seed "$seed" >"$WORK/ends.log" 2>&1
status=$?
tally <"$WORK/ends.log"
is $status 0 "the monitor's deaths leave nothing behind"

"$PYTHON" "$LIB/deaths.py" --weir "$WEIR" --state "$STATE" --http "$HTTP_PORT" --https "$HTTPS_PORT" --rounds "${ROUNDS:-36}" \
	--runs 3 --stall 12 --together --recovery 10 --policy "$LIB/card.yaml" --seed "$seed" >"$WORK/deaths.log" 2>&1
status=$?
tally <"$WORK/deaths.log"
is $status 0 "the roles' deaths leave nothing uncounted"
sent=$(awk '/nginx answered all of/ { for (i = 1; i < NF; i++) if ($i == "of") n += $(i + 1) } END { print n + 0 }' "$WORK/deaths.log")
is "$(grep -cv ' 200$' "$ACCESS_LOG")" 0 "nginx answered nothing but 200"
is "$(wc -l <"$ACCESS_LOG")" "$sent" "and as often as it was asked"
