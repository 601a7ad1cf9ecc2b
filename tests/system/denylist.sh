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
# An nginx of our own name, and nobody else is watched: then every figure is exact.
mkdir -m 755 "$WORK/bin"
cp "$(command -v nginx)" "$WORK/bin/" || bail "cannot copy nginx"
PATH=$WORK/bin:$PATH
start_nginx
start_weir --policy "$LIB/card.yaml" --exe "$WORK/bin/nginx"

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
	bytes=$(curl -sf -o /dev/null -w '%{size_request}' -d '{"note":"kill-the-analyst"}' "http://localhost:$HTTP_PORT/api/poison") ||
		not_ok "nginx answers the poison: curl says $?"
	wait_for 20 died $((i < 2 ? i : 2)) || bail "the input kills the analyst twice: $(deaths) deaths after it was sent $i times"
	"$PYTHON" "$LIB/client.py" session "http://localhost:$HTTP_PORT/api/orders" $((i * 11)) $((i * 11 + 11)) || not_ok "client.py: exit status $?"
	echo "$((i * 7)) $((i * 7 + 7))" >&9
	wait_for 10 sent "$i" || bail "the old connection goes on"
done
exec 9>&-
is "$(deaths)" 2 "sent five times, it killed the analyst twice"
settle
is "$(deaths)" 2 "and nothing else did"
read_weir flows flows --sum
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" route=/api/orders)" 55 "all exchanges of new connections are seen"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" route=/api/old)" 36 "and all of the old connection"
# Nothing that was told before a death is told again. Of the old connection at most the end of
# its last message is lost at each of the two: it was parsed, but only the next one would have said so.
lost=$(rows "$WORK/flows.json" sum bytes.lost port="$HTTP_PORT")
at_least "$lost" $((5 * bytes)) "the bytes of the five inputs are lost"
at_least $((5 * bytes + 2 * 400)) "$lost" "and at most one message of another connection at each death"
is "$(rows "$WORK/flows.json" unexplained port="$HTTP_PORT")" 0 "no byte is unexplained"
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
evidence.check(books["undecodable"] == 3, "the other three are undecodable", books["undecodable"])
END
while read -r word sentence; do case $word in ok) ok "$sentence" ;; FAIL) not_ok "$sentence" ;; esac; done <"$WORK/books"
run "$WEIR" ledger verify --state "$STATE"
exits 0 "the ledger verifies"
