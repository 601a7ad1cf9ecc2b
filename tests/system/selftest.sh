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

install -d -m 755 "$WORK/bin"
install -m 755 "$WEIR" "$WORK/bin/weir"
run setpriv --reuid 65534 --regid 65534 --clear-groups "$WORK/bin/weir" selftest
exits 4 "without root it says that nothing was proven"
matches "$ERR" 'root' "and why"
