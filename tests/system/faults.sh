#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The calls of the keeper fail, write short, or are its last: in a piece that is played to it,
# at a sample of places, and in real runs. FAULTS=every takes every single call (an hour).
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
BUILD=${BUILD:-$ROOT/build/release}
INJECT=$BUILD/tests/lib/inject
[ -x "$INJECT" ] && [ -x "$BUILD/tests/lib/keeper_play" ] || bail "no $INJECT: run make tests"
SEED=${SEED:-$(date +%s)}
echo "# SEED=$SEED"
if [ "${FAULTS:-}" = every ]; then every=--every; else every="--cases ${CASES:-4}"; fi
# shellcheck disable=SC2086  # words
"$PYTHON" "$LIB/faults.py" "$WEIR" "$BUILD" "$WORK" --seed "$SEED" $every >"$WORK/faults.txt" 2>&1 || bail "faults.py: $(tail -n 3 "$WORK/faults.txt")"
cat "$WORK/faults.txt"
nr_passed=$((nr_passed + $(grep -c '^ok ' "$WORK/faults.txt"))) nr_failed=$((nr_failed + $(grep -c '^FAIL ' "$WORK/faults.txt")))

# Real runs: monitor, probes and traffic; the keeper below it meets the fault.
real=$WEIR
need curl nginx
start_nginx
sent=0
under() { # FAULT N; weir run with it, and requests until it has struck
	rm -f "$WORK/struck"
	printf '#!/bin/sh\nexec "%s" %s %s "%s" "%s" "$@"\n' "$INJECT" "$1" "$2" "$WORK/struck" "$real" >"$WORK/weir-$1"
	chmod 755 "$WORK/weir-$1"
	WEIR=$WORK/weir-$1
	start_weir --policy "$LIB/card.yaml" --exe nginx
	WEIR=$real
	wait_for 20 struck || not_ok "the fault $1 strikes"
}
struck() {
	sent=$((sent + 1))	# a route of its own, and so a violation of its own, each time
	curl -s -o "$WORK/answer" -d '{"card":"4111111111111111"}' "http://localhost:$HTTP_PORT/api/$(tr 0-9 a-j <<<$sent)"
	[ -s "$WORK/struck" ]
}
has_gap() { leaf gap; [ -s "$WORK/leaf.txt" ]; }
leaf() { grep -aoE "\\{\"type\":\"$1\"[^}]*\\}" "$STATE/ledger/leaves" >"$WORK/leaf.txt"; }

# The first 165 changes below a new log are its start and the selftest.
STATE=$WORK/killed
under kill $((170 + SEED % 20))
wait_for 10 has_gap || not_ok "another keeper takes over"
stop_weir
is "$WEIR_STATUS" 0 "a killed keeper is replaced, and weir goes on"
matches "$WORK/weir.err" 'a role died and is started again name=keeper killed by signal 9' "and says so"
leaf gap
matches "$WORK/leaf.txt" 'killed by signal 9: what it held of the open interval is lost.*"role":"keeper"' "and writes what is lost"
run "$WEIR" ledger verify --state "$STATE"
exits 0 "its ledger verifies"
matches "$OUT" ' 0 declared unbalanced' "and the books balance, with what the keeper had held as lost"

STATE=$WORK/sync
under sync 27	# 25 syncs are the start and the selftest; then the leaf of a violation
wait_for 20 gone "$WEIR_PID"
stop_weir
is "$WEIR_STATUS" 3 "a sync that fails ends weir with exit status 3"
matches "$WORK/weir.err" "cannot keep evidence in $STATE and weir stops: cannot .* ledger/.*: Input/output error; look for the disk" \
	"and what failed, on what, and what to do is said"
lacks "$WORK/weir.err" 'a role died' "in order"
pin=$(sed -n 's/^checkpoint size=\([0-9]*\) root=\([^ ]*\) .*/\1:\2/p' "$WORK/weir.out" | tail -n 1)
run "$WEIR" ledger verify --state "$STATE" ${pin:+--at-least "$pin"}
exits 0 "its ledger verifies"
start_weir --policy "$LIB/card.yaml"
settle
leaf gap
matches "$WORK/leaf.txt" 'weir ended without a stop.*what it held of the open interval is lost' "and the next start writes the gap"
run "$WEIR" ledger verify --state "$STATE" ${pin:+--at-least "$pin"}
exits 0 "and goes on with the same log"

# The index is no evidence: while it cannot be written, weir goes on, and it is made whole.
STATE=$WORK/index
if mount_tmpfs "$STATE" 8m; then
	start_weir --policy "$LIB/card.yaml"
	stop_weir
	rows=$(sqlite3 "$STATE/index.sqlite" 'SELECT count(*) FROM leaf')
	sqlite3 "$STATE/index.sqlite" 'DELETE FROM leaf WHERE leaf=2'
	start_weir --policy "$LIB/card.yaml"
	settle
	is "$(sqlite3 "$STATE/index.sqlite" "SELECT count(*)=max(leaf)+1 AND count(*)>$rows FROM leaf")" 1 "a leaf that the index lacks is found and put in"
	head -c 4096 /dev/urandom | dd of="$STATE/index.sqlite" bs=4096 seek=1 conv=notrunc 2>/dev/null
	start_weir --policy "$LIB/card.yaml"
	settle
	is "$(sqlite3 "$STATE/index.sqlite" "PRAGMA integrity_check")" ok "a damaged index is made again"
	run "$WEIR" ledger verify --state "$STATE"
	exits 0 "and the ledger does not mind"
else
	skip "index: mounting a tmpfs is not allowed here"
fi
