#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Much more than weir may use CPU for: it keeps to --max-cpu by looking at fewer connections. Every byte of
# the others is counted skipped (budget), and of what is seen the counts are those of its messages.
# Alone: what others make weir do is in its budget.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
need sqlite3
books() { sqlite3 "$STATE/index.sqlite" "SELECT coalesce(sum(json_extract(doc,'\$.books.$1')),0) FROM leaf WHERE type='heartbeat'"; }
told() { "$PYTHON" -SI -c 'import json, sys; t = json.load(open(sys.argv[1])); print(*(t[r][w] for r in ("client", "server") for w in ("sent", "received")), t["port"])' "$WORK/flood.json"; }

REQUEST=1024 ANSWER=67 N=60013
start_weir --policy "$LIB/card.yaml" --ring 64 --max-cpu 5 --exe flood
"$HELPERS/../bench/flood" --connections 61 --requests $N --size $REQUEST >"$WORK/flood.json" || bail "flood: exit status $?"
settle
read_weir flows flows --sum
read_weir coverage coverage
read -r client_sent client_received server_sent server_received port <<<"$(told)"
is "$client_sent $server_received" "$((N * REQUEST)) $((N * REQUEST))" "flood made $N requests"
for role in client server; do
	read -r exchanges examined skipped lost unexplained moved <<<"$(rows "$WORK/flows.json" sum \
		exchanges,bytes.examined,bytes.skipped,bytes.lost,bytes.unexplained,bytes.moved port="$port" role=$role)"
	emails=$(rows "$WORK/flows.json" findings email "$([ $role = client ] && echo sent || echo received)" port="$port" role=$role)
	is "$moved" "$((client_sent + client_received))" "$role: every byte has moved"
	is "$((examined + skipped + lost)) $unexplained" "$moved 0" "$role: examined, skipped and lost are all of it"
	at_least "$skipped" $((N * REQUEST / 10)) "$role: much was skipped"
	at_least "$emails" 61 "$role: and not all"
	# Whole messages only: requests, which have an address each, and answers.
	is $(((examined - emails * REQUEST) % ANSWER)) 0 "$role: no message was seen in part"
	answers=$(((examined - emails * REQUEST) / ANSWER))
	at_least "$exchanges" "$((emails > answers ? emails : answers))" "$role: each message belongs to an exchange"
	at_least $((emails + answers)) "$exchanges" "$role: and no exchange is without one"
	if [ "$(books over_budget) $(books ring_full)" = "0 0" ]; then
		is "$exchanges $emails" "$emails $answers" "$role: exchanges that are seen are seen whole"
	fi
done
# To the byte. Where the kernel skipped runs of a program (another ran on that CPU), what such a run would have
# counted is not in the books, and stands in the same gap as what was left out beside it; and where the ring was
# full, all that is missing there is named for that.
named=$(rows "$WORK/coverage.json" sum reasons.budget pid!=null) left_out=$(($(books bytes_left_out) + $(books bytes_over_budget)))
if [ "$(books skipped_runs) $(books ring_full)" = "0 0" ]; then
	is "$named" "$left_out" "coverage names the budget for as many bytes as the books say were left out for it"
else
	at_least "$named" $((N * REQUEST / 10)) "coverage names the budget for many bytes ($left_out were left out, $(books skipped_runs) runs skipped, $(books ring_full) records lost)"
fi
matches "$WORK/weir.err" 'max_cpu=5%' "weir says that it sees less"
