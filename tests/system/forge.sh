#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an analyst in an attacker's hands can tell the keeper: root takes the live analyst's own
# descriptors and tells all of it. What the schema forbids is refused and counted, to the message;
# what is well-formed and untrue is bounded; the books say that they do not balance.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need sqlite3
need_helper forge
start_nginx
forge() { "$HELPERS/forge" "$(role_pid analyst)" "$@" 2>>"$WORK/forge.err"; }
heartbeats() { sqlite3 "$STATE/index.sqlite" "SELECT $1 FROM leaf WHERE type='heartbeat'"; }
books() { heartbeats "coalesce(sum(json_extract(doc,'\$.books.$1')),0)"; }
leaves_with() { grep -ac "$1" "$STATE/ledger/leaves"; }
# What is counted in two intervals would have to be added up: not over the end of a minute.
early() { [ $((10#$(date +%S))) -lt 45 ]; }
start_early() { wait_for 20 early; start_weir --policy "$LIB/card.yaml"; }
verified() { # SENTENCE
	run "$WEIR" ledger verify --state "$STATE"
	exits 0 "the ledger verifies $1"
}

# What is not of the schema, or not an analyst's to tell. Its own page says that so many were sent, as an
# attacker would have it say: the books balance, and show every one of them.
start_early
keeper=$(role_pid keeper)
bad=$(forge bad)
at_least "$bad" 900 "every kind of bad message is tried"
far=$(forge epochs)
is "$far" 11 "and intervals that are not near"
forge claim $((bad + far)) >/dev/null
"$PYTHON" "$LIB/client.py" session "http://localhost:$HTTP_PORT/api/orders" 0 7 || not_ok "client.py: exit status $?"
wait_for 10 logged_at_least "$HTTP_PORT" 7 || not_ok "nginx answered"
is "$(role_pid keeper)" "$keeper" "the keeper lives"
settle
is "$(books rejected)" $((bad + far)) "each of them is counted rejected, once"
is "$(heartbeats "group_concat(DISTINCT json_extract(doc,'\$.balanced'))")" 1 "with what was claimed the books balance"
is "$(leaves_with forge)" 0 "no leaf knows of them"
read_weir flows flows --sum
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server)" 7 "what is true is kept meanwhile, exactly"
verified "after that"

# Its page says more than there was.
start_early
forge claim 7 >/dev/null
forge analysed 5 >/dev/null
settle
is "$(books keeper_lost)" 7 "facts that never came are a loss in the books"
is "$(heartbeats "count(*)") $(heartbeats "sum(json_extract(doc,'\$.balanced'))")" "2 1" "records that never were make the interval unbalanced, and it says so"
verified "and names them"
matches "$OUT" "1 declared unbalanced" "so does the verifier"

# Well-formed and untrue: nobody can tell. It is bounded, by rows and by rules, and does not stop the keeper.
start_early
keeper=$(role_pid keeper) before=$(stat -c %s "$STATE/ledger/leaves")
is "$(forge true 20011)" 20011 "a flood of untrue facts is taken"
is "$(role_pid keeper)" "$keeper" "the keeper lives through it"
settle
is "$(books stored | awk '{ print ($1 > 20011) }')" 1 "all are counted"
routes=$(sqlite3 "$STATE/index.sqlite" "SELECT count(*) FROM leaf WHERE type='flow' AND doc LIKE '%/invented/%'")
at_least 1001 "$routes" "20011 routes of one workload are no more than 1001 rows"
at_least "$routes" 1 "they are there, as told"
at_least 1048576 $(($(stat -c %s "$STATE/ledger/leaves") - before)) "and no more than a MiB of ledger"
is "$(heartbeats "min(json_extract(doc,'\$.balanced'))")" 0 "what came from elsewhere than the analyst leaves the books unbalanced"
verified "still"

# A monitor that is dying holds nothing any more and is not gone yet: its roles must not wait for that at full speed.
start_early
keeper=$(role_pid keeper) monitor=$WEIR_PID
ended() { [[ $(ps -o state= -p "$keeper") == Z* ]]; }
kill -STOP "$monitor"
"$HELPERS/forge" "$keeper" hangup >/dev/null || not_ok "forge hangup"
wait_for 10 ended && ok "the keeper ends when the monitor has hung up" || not_ok "the keeper ends when the monitor has hung up"
kill -KILL "$monitor"
wait "$monitor" 2>/dev/null
WEIR_PID=
verified "as it was left"
note <"$WORK/forge.err"
