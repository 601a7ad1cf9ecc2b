#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Across the end of an interval: requests on both sides of it are in one interval each, none
# twice; both intervals balance; each has its own selftest. Takes up to a minute, the wait for
# the next UTC minute.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx
start_nginx
start_weir --policy "$LIB/card.yaml" --exe nginx
sent=0
send() { curl -s -o "$WORK/answer" "http://localhost:$HTTP_PORT/api/$sent" || not_ok "curl $sent"; sent=$((sent + 1)); }
sealed() { send; grep -q '^checkpoint' "$WORK/weir.out"; }
wait_for 75 sealed && ok "an interval is sealed at the end of its minute" || not_ok "an interval is sealed at the end of its minute"
for _ in 1 2 3 4 5 6 7; do send; done
settle
read_weir flows flows
read_weir sum flows --sum
run "$WEIR" report --format json --state "$STATE"
cp "$OUT" "$WORK/report.json"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT")" "$sent" "every request is in exactly one interval"
is "$(rows "$WORK/sum.json" sum exchanges port="$HTTP_PORT")" "$sent" "and their sum is the same"
at_least "$(rows "$WORK/flows.json" distinct start port="$HTTP_PORT")" 2 "there are two intervals"
is "$("$PYTHON" -c 'import json,sys; print(json.load(open(sys.argv[1]))["totals"]["intervals_unbalanced"])' "$WORK/report.json")" 0 "the books of each balance"
is "$(grep -ac '"missed"' "$STATE/ledger/leaves")" 0 "no interval missed its selftest"
run "$WEIR" ledger verify --state "$STATE"
exits 0 "and the ledger verifies"
