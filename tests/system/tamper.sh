#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who changes the evidence, and what notices: one case a row, as far as one host can see it.
#
#   attack                                   noticed by                          tested in
#   a leaf edited, inserted, moved, doubled  the root that was signed            unit/test_ledger, system/ledger
#   a bit anywhere: leaves, notes, tiles     the same, or the signature          unit/test_ledger, system/ledger
#   the tail cut off                         more was signed than is there       unit/test_ledger, system/ledger
#   tail and checkpoint cut together         --at-least; tiles, `checkpoints`    unit/test_ledger_tails, system/ledger
#   an older state folder put back           --at-least                          here (1), unit/test_ledger_tails
#   … but for the index                      weir itself, when it starts         here (2), unit/test_back
#   all deleted, a new log, the same state   --key, --at-least; its index        here (3)
#   a new log under another name             --key; gaps of the old one          here (4)
#   weir killed, and started again           its gap leaf                        here (5), system/faults
#   weir killed, and that is all             gaps: silent                        here (5), unit/test_gaps
#   intervals left out by who has the key    gaps: missing                       unit/test_gaps
#   the sensor blinded, heartbeats go on     missed selftests                    unit/test_back, unit/test_gaps
#   the key stolen, the past changed         --at-least                          here (6)
#   the key stolen, the future forged        the true log's next checkpoint      here (7)
#   two histories for two readers            either one's checkpoint             here (7)
#   a log of right signatures and wrong sums the verifier adds up itself         unit/test_verify
#   the clock set                            clock leaves, boottime_ns           unit/test_back, lib/clock_guest
#   the copy changed before it is handed on  --key, --at-least                   here (8), system/ledger
#   NOT noticed, and verify says so: what came after the last checkpoint that was kept elsewhere (1, 7);
#   a whole state folder put back, when weir starts on it (1); what was false when it was written.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
PLAY=${BUILD:-$ROOT/build/release}/tests/lib/keeper_play
[ -x "$PLAY" ] || bail "no $PLAY: run make tests"
# The real keeper, without the rest of weir: it is as if an hour passed in a blink.
live() { LIMIT=60 run "$PLAY" "$1" "$LIB/card.yaml"; }
verify() { LIMIT=30 run "$WEIR" ledger verify --state "$@"; }
ask() { "$WEIR" ledger verify --state "$1" -o json | "$PYTHON" -c 'import json, sys; r = json.load(sys.stdin); print(eval(sys.argv[1], {"r": r}))' "$2"; }
pin_of() { ask "$1" '"%d:%s" % (r["size"], r["root"])'; }
key_of() { ask "$1" 'r["key"]'; }
put() { rm -rf "$2"; cp -a "$1" "$2"; }	# FROM TO
refused() { exits 4 "$1"; matches "$ERR" "$2" "and says what: $1"; }

A=$WORK/a
live "$A"
exits 0 "a log begins"
put "$A" "$WORK/monday"
live "$A"
exits 0 "and goes on"
KEY=$(key_of "$A") PIN=$(pin_of "$A") MONDAY=$(pin_of "$WORK/monday")
verify "$A" --key "$KEY" --at-least "$MONDAY"
exits 0 "(0) the checkpoint of monday holds on tuesday"

# 1
put "$WORK/monday" "$WORK/t"
verify "$WORK/t" --key "$KEY" --at-least "$PIN"
refused "(1) monday's state put back on tuesday is refused" 'fewer|lost|cut|holds|only|not reach|missing|less'
verify "$WORK/t" --key "$KEY"
exits 0 "(1) without tuesday's checkpoint nobody can see it,"
matches "$OUT" 'cut off the end with the checkpoint rolled back' "(1) and that is said"
live "$WORK/t"
exits 0 "(1) weir itself goes on over it, for it cannot know,"
verify "$WORK/t" --key "$KEY" --at-least "$PIN"
refused "(1) and what it then signs is another history" '.'

# 2
put "$A" "$WORK/t"
put "$WORK/monday/ledger" "$WORK/t/ledger"
live "$WORK/t"
refused "(2) a ledger put back under its newer index is refused" 'older than its index \(136 leaves, the index has 272\)|older than its index'
verify "$WORK/t" --at-least "$MONDAY"
exits 0 "(2) and nothing was signed over it"

# 3
put "$A" "$WORK/t"
rm -r "$WORK/t/ledger"
live "$WORK/t"
refused "(3) a ledger deleted beside its index is no reason for a new one" 'the ledger is gone, but its index is here'
is "$(ls "$WORK/t/ledger" 2>/dev/null)" '' "(3) and no key is made"
rm "$WORK/t/index.sqlite"*
live "$WORK/t"
exits 0 "(3) all of it deleted, weir begins anew;"
verify "$WORK/t" --key "$KEY"
refused "(3) the key from elsewhere is not the new log's" 'not signed by the key|of the log'
verify "$WORK/t" --at-least "$PIN"
refused "(3) nor is the checkpoint" '.'
differs "$(key_of "$WORK/t")" "$KEY" "(3) for the new log has a name and a key of its own"

# 4: the new one stands elsewhere, and the old one is left to itself, killed.
put "$A" "$WORK/t"
LIMIT=60 run "${PLAY%keeper_play}inject" kill 60 "$WORK/report" "$PLAY" "$WORK/t" "$LIB/card.yaml"
exits 137 "(4) a log is left without a stop"
live "$WORK/new"
verify "$WORK/new" --key "$KEY"
refused "(4) what goes on under a new name is not the old log" 'not signed by the key|of the log'
"$PYTHON" -c 'import json, sys; print(json.loads(open(sys.argv[1], "rb").read()[2:].split(b"}")[0] + b"}")["origin"])' "$WORK/new/ledger/leaves" >"$WORK/name"
differs "$(cat "$WORK/name")" "${KEY%%+*}" "(4) and says so in its first leaf"

# 5
pin=$(pin_of "$WORK/t")
live "$WORK/t"
run "$WEIR" ledger gaps --state "$WORK/t" --key "$KEY" --at-least "$pin"
exits 0 "(5) gaps are told of a log that verifies"
matches "$OUT" 'gap .*monitor: weir ended without a stop.*what it held of the open interval is lost' "(5) the next start tells of a kill"
run "$WEIR" ledger gaps --state "$A"
lacks "$OUT" 'without a stop|silent' "(5) and of none where there was none"

# 6 and 7: whoever has the key has weir's own pen.
put "$WORK/monday" "$WORK/forged"
live "$WORK/forged"
verify "$WORK/forged" --key "$KEY" --at-least "$MONDAY"
exits 0 "(7) with the key stolen on monday, a false tuesday verifies by monday's checkpoint,"
matches "$OUT" 'leaves after [0-9]+ that were cut off and replaced' "(7) and that this is possible is said;"
verify "$WORK/forged" --key "$KEY" --at-least "$PIN"
refused "(7) the true tuesday's checkpoint shows it" '.'
verify "$A" --key "$KEY" --at-least "$(pin_of "$WORK/forged")"
refused "(7) as the false one's does of the true" '.'
put "$A" "$WORK/t"
# The past changed: one leaf's text, and everything after signed again by the same key.
rm -r "$WORK/t/index.sqlite"* "$WORK/t/ledger/leaves" "$WORK/t/ledger/checkpoint" "$WORK/t/ledger/checkpoints" "$WORK/t/ledger/tile"
rm "$WORK/t/ledger/key.pub"
live "$WORK/t"
exits 0 "(6) with the key, a whole past can be made,"
verify "$WORK/t" --key "$KEY"
exits 0 "(6) which verifies by the key alone;"
verify "$WORK/t" --key "$KEY" --at-least "$MONDAY"
refused "(6) any checkpoint of the true one shows it" '.'

# 8
put "$A" "$WORK/t"
"$PYTHON" - "$WORK/t/ledger/leaves" <<'END'
import sys
data = open(sys.argv[1], "rb").read()
open(sys.argv[1], "wb").write(data.replace(b'"exchanges":1,', b'"exchanges":0,', 1))
END
verify "$WORK/t" --key "$KEY"
refused "(8) a copy in which one number was changed is refused" 'leaf|leaves'
run "$WEIR" ledger gaps --state "$WORK/t"
exits 4 "(8) and no gaps are told of it"
