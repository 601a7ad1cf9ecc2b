#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sets the clock of a machine that is nobody's under a running weir: an hour and ten years,
# on and back. Run there by scripts/kernel-test --only clock, and refused anywhere else.
[ "${WEIR_GUEST:-}" = 1 ] || { echo "skip clock_guest: the clock of a real host is not set; scripts/kernel-test --only clock"; exit 0; }
. "$(dirname "$0")/lib.sh"
need_root
need nginx curl

# lib.sh waits by the clock that is set here.
up() { cut -d' ' -f1 /proc/uptime | tr -d .; }
wait_for() { # SECONDS COMMAND...
	local until=$(($(up) + $1 * 100))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(up)" -lt "$until" ] || return 1
		sleep 0.05
	done
}
leaves() { grep -aoE "\\{\"type\":\"$1\"" "$STATE/ledger/leaves" | wc -l; }
has() { [ "$(leaves "$1")" -ge "$2" ]; }
step() { date -s "@$(($(date +%s) + $1))" >/dev/null || bail "the clock cannot be set here"; }

start_nginx
start_weir --policy "$LIB/card.yaml" --exe nginx
sent=0 n=0
for by in 3600 -3600 315360000 -315360000; do
	for _ in 1 2 3; do
		curl -s -o "$WORK/answer" "http://localhost:$HTTP_PORT/api/orders" && sent=$((sent + 1))
	done
	step $by
	n=$((n + 1))
	wait_for 30 has clock $n && ok "a step of $by s is a leaf" || not_ok "a step of $by s is a leaf"
	wait_for 60 has heartbeat $n && ok "and ends the interval" || not_ok "and ends the interval"
done
wait_for 10 logged_at_least "$HTTP_PORT" $sent
settle
read_weir flows flows
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server)" $sent "every request is in exactly one interval"
step -3600
start_weir --policy "$LIB/card.yaml" --exe nginx
settle
run "$WEIR" ledger verify --state "$STATE"
exits 0 "the ledger verifies"
matches "$OUT" ' 0 declared unbalanced' "and its books balance"
run "$WEIR" ledger gaps --state "$STATE" -o json
is "$(grep -c '"what":"clock"' "$OUT") $(grep -c '"what":"missing"' "$OUT")" '5 0' "weir ledger gaps tells of the steps, and of no missing interval"

"$PYTHON" - "$STATE/ledger/leaves" >"$WORK/told.txt" <<'END'
import datetime
import json
import sys

data, leaves, at = open(sys.argv[1], "rb").read(), [], 0
while at + 2 <= len(data):
    size = data[at] << 8 | data[at + 1]
    leaves.append(json.loads(data[at + 2:at + 2 + size]))
    at += 2 + size


def ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def check(good, what):
    print(("ok " if good else "FAIL ") + what)


steps = [leaf["step_ms"] for leaf in leaves if leaf["type"] == "clock"]
wanted = [3600000, -3600000, 315360000000, -315360000000, -3600000]
# date sets whole seconds: up to one less than was meant.
check(len(steps) == 5 and all(-1500 <= s - w <= 1500 for s, w in zip(steps, wanted)), "each step has its size: %s" % steps)
beats = [leaf for leaf in leaves if leaf["type"] == "heartbeat"]
check(all(ms(b["end"]) >= ms(b["start"]) for b in beats), "no interval ends before it began")
check(all(a["boottime_ns"] < b["boottime_ns"] for a, b in zip(beats, beats[1:])), "intervals are in the order of the boot clock")
total = sum(ms(b["end"]) - ms(b["start"]) for b in beats)
lived = (beats[-1]["boottime_ns"] - next(leaf["boottime_ns"] for leaf in leaves if leaf["type"] == "start")) / 1e6
check(total <= lived, "together they are no longer than weir ran: %d of %d ms" % (total, lived))
last, jumps = None, []
for leaf in leaves:
    if leaf["type"] == "start":
        last = None
    elif leaf["type"] == "heartbeat":
        if last is not None and ms(leaf["start"]) != last:
            jumps.append(ms(leaf["start"]) - last)
        last = ms(leaf["end"])
check(len(jumps) == 4 and all(-1500 <= j - s <= 1500 for j, s in zip(jumps, steps)),
      "one begins where the other ended, but for the steps: %s" % jumps)
check(all(ms(g["from"]) <= ms(g["to"]) for g in leaves if g["type"] == "gap"), "no gap ends before it began")
END
is "$(grep -c . "$WORK/told.txt")" 6 "the leaves can be read"
nr_passed=$((nr_passed + $(grep -c '^ok ' "$WORK/told.txt"))) nr_failed=$((nr_failed + $(grep -c '^FAIL ' "$WORK/told.txt")))
cat "$WORK/told.txt"
