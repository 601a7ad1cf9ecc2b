#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Flows, violations, coverage and the report are four views of one log: they agree with each
# other, with nginx's access log, and with themselves while weir still runs.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx sqlite3
start_nginx
start_weir --policy "$LIB/card.yaml" --json "$WORK/events.jsonl"
"$PYTHON" "$LIB/client.py" session "https://localhost:$HTTPS_PORT/api/orders" 0 31 || not_ok "client.py: exit status $?"
"$PYTHON" "$LIB/client.py" urllib "http://localhost:$HTTP_PORT/api/orders" 0 13 || not_ok "client.py: exit status $?"
curl -s "http://localhost:$HTTP_PORT/plain/[1-7]" >"$WORK/answer"
wait_for 5 logged_at_least "$HTTPS_PORT" 31
wait_for 5 logged_at_least "$HTTP_PORT" 20

# While it runs: what is not sealed yet is there too, and marked.
told() {
	LIMIT=20 run "$WEIR" flows --sum --state "$STATE" -o json
	cp "$OUT" "$WORK/live.json"
	[ "$(rows "$WORK/live.json" sum exchanges port="$HTTPS_PORT" role=server)" = 31 ]
}
wait_for 15 told && ok "a running weir tells of the exchanges of the running interval" ||
	not_ok "a running weir tells of the exchanges of the running interval: $(rows "$WORK/live.json" sum exchanges port="$HTTPS_PORT" role=server) of 31"

settle
matches "$WORK/weir.out" '^stopped: [0-9]+ exchanges' "stopping prints the totals"
read_weir flows flows --sum
read_weir each flows
read_weir violations violations list
read_weir coverage coverage
run "$WEIR" report --format json --state "$STATE"
exits 0 "the report is made"
cp "$OUT" "$WORK/report.json"
LIMIT=30 run "$WEIR" report --format html --state "$STATE"
cp "$OUT" "$WORK/report.html"

# With the access log.
is_exactly "$HTTPS_PORT" "$(requests_logged "$HTTPS_PORT")" "HTTPS agrees with the access log"
is_exactly "$HTTP_PORT" "$(requests_logged "$HTTP_PORT")" "HTTP agrees with the access log"

# Sum and intervals.
is "$(rows "$WORK/each.json" sum exchanges)" "$(rows "$WORK/flows.json" sum exchanges)" "the intervals add up to the sum: exchanges"
is "$(rows "$WORK/each.json" sum bytes.moved)" "$(rows "$WORK/flows.json" sum bytes.moved)" "the intervals add up to the sum: bytes"
is "$(rows "$WORK/each.json" count sealed=false)" 0 "after the end every interval is sealed"
for class in pan email; do
	for data in sent received; do
		is "$(rows "$WORK/each.json" findings $class $data)" "$(rows "$WORK/flows.json" findings $class $data)" \
			"the intervals add up to the sum: $class $data"
	done
done

# Report.
totals() { "$PYTHON" -c 'import json, sys; print(json.load(open(sys.argv[1]))["totals"][sys.argv[2]])' "$WORK/report.json" "$1"; }
is "$(totals exchanges)" "$(rows "$WORK/flows.json" pairs)" "the report's exchanges are those of the flows, a pair counted once"
is "$(totals violations)" "$(rows "$WORK/violations.json" distinct id)" "the report's violations are those of the list"
is "$(totals intervals_unbalanced)" 0 "the books of every interval balance"
is "$(rows "$WORK/report.json[flows]" sum exchanges)" "$(rows "$WORK/flows.json" sum exchanges)" "the report's flow rows are the flows"
is "$(rows "$WORK/report.json[violations]" distinct id)" "$(rows "$WORK/violations.json" distinct id)" "the report's violation rows are the violations"
is "$(rows "$WORK/report.json[coverage]" sum bytes.moved)" "$(rows "$WORK/coverage.json" sum bytes.moved)" "the report's coverage is the coverage"
matches "$WORK/report.json" '"verify":"weir ledger verify' "the report says how to verify it"
matches "$WORK/report.html" 'TEST-CARD-001' "the page names the rule"
first() { grep -nab "$1" "$WORK/report.html" | head -1 | cut -d: -f2; }
if [ "$(first '>Coverage<')" -lt "$(first '>Violations<')" ] 2>/dev/null; then
	ok "coverage stands before findings"
else
	not_ok "coverage stands before findings: at $(first '>Coverage<') and $(first '>Violations<')"
fi

# Violations against flows.
for port in "$HTTPS_PORT" "$HTTP_PORT"; do
	is "$(rows "$WORK/violations.json" sum exchanges port="$port")" "$(rows "$WORK/flows.json" findings pan sent port="$port" role=client)" \
		"the violation of port $port counts what the flows found"
done
# The sink wrote what the log holds.
is "$(grep -c '"type":"violation"' "$WORK/events.jsonl")" \
	"$(sqlite3 "$STATE/index.sqlite" "SELECT count(*) FROM leaf WHERE type='violation'")" "the JSON Lines file has each violation leaf"

# Coverage against flows: what a workload moved.
server_moved=$(rows "$WORK/flows.json" sum bytes.moved exe~nginx)
is "$(rows "$WORK/coverage.json" sum bytes.moved exe~nginx)" "$server_moved" "coverage and flows know the same bytes of nginx"
is "$(rows "$WORK/coverage.json" values state exe~nginx 'bytes.moved!=0')" visible "nginx was visible"
is "$(rows "$WORK/coverage.json" unexplained exe~nginx)" 0 "and none of its bytes is unexplained"
run "$WEIR" ledger verify --state "$STATE"
exits 0 "and the log under all of this verifies"

# A second reader, the same answer; a rebuilt index too.
cp "$WORK/flows.json" "$WORK/first.json"
read_weir flows flows --sum
cmp -s "$WORK/first.json" "$WORK/flows.json" && ok "asked twice, the answer is the same" || not_ok "asked twice, the answer is the same"
