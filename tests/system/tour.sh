#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tour of the README as a newcomer takes it: scripts/run with the shipped policies, one
# curl with a card number to a local HTTPS server, a violation within a second.
# Alone: it is told of the whole host, and another test's card numbers are as true.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
need curl nginx
start_nginx

scripts/run --state "$STATE" >"$WORK/weir.out" 2>"$WORK/weir.err" </dev/null &
WEIR_PID=$!
wait_for 120 ready_or_gone
grep -q '^ready' "$WORK/weir.out" || bail "scripts/run did not become ready: $(tail -n 3 "$WORK/weir.err")"
matches "$WORK/weir.out" "$STATE" "it says where the state is"
matches "$WORK/weir.out" 'policies' "and which policies it judges by"

"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 1
curl -sk -H 'Content-Type: application/json' --data-binary "@$WORK/bodies/0.json" -o "$WORK/answer" "https://localhost:$HTTPS_PORT/api/orders" ||
	bail "curl: exit status $?"
began=$(date +%s%N)
wait_for 5 grep -q 'DEMO-LOOPBACK-001' "$WORK/weir.out"
took=$((($(date +%s%N) - began) / 1000000))
if [ $took -le 1000 ]; then ok "the violation is shown within a second"; else not_ok "the violation is shown within a second: after $took ms"; fi
line=$WORK/line
grep -a 'DEMO-LOOPBACK-001' "$WORK/weir.out" >"$line"
is "$(wc -l <"$line")" 1 "once"
matches "$line" 'curl' "it names the workload"
matches "$line" 'localhost|nginx|127\.0\.0\.1' "and the peer"
matches "$line" 'pan' "and the class"
matches "$line" '453998\*+[0-9]{4}' "and a mask"
matches "$line" 'C1\.1' "and the criteria"

settle
matches "$WORK/weir.out" '^stopped: [1-9][0-9]* exchanges, [1-9][0-9]* findings, [1-9][0-9]* violations' "stopping prints the totals"
for words in "flows --sum" "flows" "violations list" "coverage" "observe" "ledger verify" "report"; do
	# shellcheck disable=SC2086
	run "$WEIR" $words --state "$STATE"
	exits 0 "weir $words answers"
done
