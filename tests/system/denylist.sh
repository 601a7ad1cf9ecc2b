#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An input that kills the analyst does so twice, no more; what others send is seen all the
# while. In a weir that was built to die of one (make FAULTS=1): the shipped one has no such.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl
is "$(grep -c kill-the-analyst "$WEIR")" 0 "the shipped program knows no input that kills it"
make -s FAULTS=1 build/faults/weir >"$WORK/make.log" 2>&1 || bail "make FAULTS=1: $(tail -n 3 "$WORK/make.log")"
[ "$(id -u)" != 0 ] || chown -hR --reference=. build
WEIR=$ROOT/build/faults/weir
start_nginx
start_weir --policy "$LIB/card.yaml"

deaths() { grep -c 'a role died.*name=analyst' "$WORK/weir.err"; }
alive() { local pid; pid=$(role_pid analyst); [ -n "$pid" ] && [ "$(awk '$1 == "Seccomp:" { print $2 }' "/proc/$pid/status")" = 2 ]; }
died() { [ "$(deaths)" -ge "$1" ] && alive; }
sent() { [ "$(grep -c '^sent$' "$WORK/held.log")" -ge "$1" ]; }

# A connection of another that is older than all the deaths, and new ones between them.
mkfifo "$WORK/orders"
start "$WORK/held.log" "$PYTHON" -u "$LIB/client.py" held "http://localhost:$HTTP_PORT/api/old" "$WORK/orders"
exec 9>"$WORK/orders"
wait_for 10 grep -q '^connected$' "$WORK/held.log" || bail "the client does not connect: $(cat "$WORK/held.log")"
for i in 1 2 3 4 5; do
	curl -sf -d '{"note":"kill-the-analyst"}' "http://localhost:$HTTP_PORT/api/poison" >"$WORK/answer" || not_ok "nginx answers the poison: curl says $?"
	# One of the two ends is seen first and kills, then the other kills the next analyst.
	wait_for 20 died 2 || bail "the input kills the analyst twice: $(deaths) deaths after it was sent $i times"
	"$PYTHON" "$LIB/client.py" session "http://localhost:$HTTP_PORT/api/orders" $((i * 11)) $((i * 11 + 11)) || not_ok "client.py: exit status $?"
	echo "$((i * 7)) $((i * 7 + 7))" >&9
	wait_for 10 sent "$i" || bail "the old connection goes on"
done
exec 9>&-
is "$(deaths)" 2 "sent five times, it killed the analyst twice"
settle
is "$(deaths)" 2 "and nothing else did"
read_weir flows flows --sum
for role in client server; do
	is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=$role route=/api/orders)" 55 "all exchanges of new connections are seen, $role"
	is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=$role route=/api/old)" 36 "and all of the old connection, $role"
done
run "$WEIR" report --format json --state "$STATE"
is "$(rows "$OUT[gaps]" count role=analyst reason~signal)" 2 "each death is a gap"
is "$(rows "$OUT[gaps]" count role=analyst reason~denylisted)" 1 "the evidence says that an input is denylisted"
"$PYTHON" - "$STATE" >"$WORK/books" <<'END'
import sys
sys.path.insert(0, "tests/lib")
import evidence
(mine,) = evidence.by_start(evidence.rows(sys.argv[1]))
books = evidence.judge_books("denylist", mine)
evidence.check(books["crash_lost"] == 2, "the two records in hand are crash_lost", books["crash_lost"])
evidence.check(books["undecodable"] == 8, "the eight others of five sendings, seen at both ends, are undecodable", books["undecodable"])
END
while read -r word sentence; do case $word in ok) ok "$sentence" ;; FAIL) not_ok "$sentence" ;; esac; done <"$WORK/books"
run "$WEIR" ledger verify --state "$STATE"
exits 0 "the ledger verifies"
