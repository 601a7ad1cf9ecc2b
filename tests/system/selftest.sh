#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir selftest proves detection end to end, also beside a running weir, and leaves nothing.
# Alone: it counts what selftests have left behind in /tmp.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
left() { find /tmp -maxdepth 1 -name 'weir-selftest-*' | wc -l; }
before=$(left)
LIMIT=60 run "$WEIR" selftest
exits 0 "weir selftest succeeds"
matches "$OUT" '^plain exchange: detected$' "the plain exchange was detected"
matches "$OUT" '^TLS exchange: detected$' "the TLS exchange was detected"
matches "$OUT" '^ledger: verifies$' "its ledger verifies"
is "$(left)" "$before" "it leaves no folder behind"

start_weir --policy "$LIB/card.yaml"
LIMIT=60 run "$WEIR" selftest
exits 0 "it succeeds beside a running weir"
settle
read_weir flows flows --sum
is "$(rows "$WORK/flows.json" count route~selftest)" 0 "selftest traffic is in no flow"
read_weir violations violations list
is "$(rows "$WORK/violations.json" count route~selftest)" 0 "and makes no violation"

# Its own exchange does not come about the first time: that alone says nothing of the hooks.
not_ready
(cd "$WORK" && exec "$WEIR" run --state "$WORK/again" --policy "$LIB/card.yaml" ${WEIR_OPTIONS-}) >"$WORK/weir.out" 2>"$WORK/weir.err" </dev/null &
WEIR_PID=$!
stimulus_held() { held=$(role_pid stimulus) && [ -n "$held" ] && kill -STOP "$held"; }
stimulus_begun() { [ "$(find "/proc/$WEIR_PID/fd" -lname "$(readlink "/proc/$held/fd/3")" | wc -l)" = 0 ]; }
wait_for 20 stimulus_held && wait_for 20 stimulus_begun || not_ok "weir makes an exchange of its own"
kill -KILL "$held"
wait_for 25 ready_or_gone
matches "$WORK/weir.out" '^ready$' "a selftest that is killed is made again, and weir gets ready"
matches "$WORK/weir.err" "the selftest's own exchange failed" "which is told"
stop_weir
is "$WEIR_STATUS" 0 "and it stops with exit status 0"

install -d -m 755 "$WORK/bin"
install -m 755 "$WEIR" "$WORK/bin/weir"
run setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/bin/weir" selftest
exits 4 "without root it says that nothing was proven"
matches "$ERR" 'root' "and why"
