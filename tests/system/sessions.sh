#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TLS sessions that end leave nothing in the kernel: not those that are freed, not those whose connection
# closes, not those that end with their process. Else the map fills, and who comes then is not seen.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_helper sessions
in_map() { "$PYTHON" -SI "$LIB/map_count.py" "$WEIR_PID" sessions; }
at_most() { [ "$(in_map)" -le "$1" ]; }
start_weir --policy "$LIB/card.yaml"
wait_for 30 at_most 0	# weir's own stimulus ends as well
before=$(in_map)
is "$before" 0 "the map of sessions is empty"

# Kept by a process that lives, as proof that they are seen and that the count tells.
mkfifo "$WORK/hold"
exec 7<>"$WORK/hold"
"$HELPERS/sessions" kept 503 <"$WORK/hold" >"$WORK/kept.log" 2>&1 7>&- &
kept=$!
started+=("$kept")
wait_for 60 grep -q made "$WORK/kept.log" || bail "sessions kept: $(cat "$WORK/kept.log")"
is "$(in_map)" 1006 "503 sessions that go on are in it, by both ends"

for way in memory socket; do
	LIMIT=120 run "$HELPERS/sessions" $way 5003
	exits 0 "5003 sessions $way end"
	wait_for 30 at_most 1006
	is "$(in_map)" 1006 "and of their 10006 ends none is left in it"
done

# Sessions whose connection outlives their program, and close when the next one has its own: these are not fewer by that.
mkfifo "$WORK/after"
exec 8<>"$WORK/after"
"$HELPERS/sessions" replaced 107 <"$WORK/after" >"$WORK/replaced.log" 2>&1 7>&- 8>&- &
replaced=$!
started+=("$replaced")
wait_for 60 grep -q made "$WORK/replaced.log" || bail "sessions replaced: $(cat "$WORK/replaced.log")"
wait_for 30 at_most 1220
is "$(in_map)" 1220 "a program that took the place of one with 107 sessions has its own 107, and no more"
exec 8>&-
wait "$replaced"
is $? 0 "the program that took its place ends"
wait_for 30 at_most 1006
is "$(in_map)" 1006 "and its sessions with it"
exec 7>&-
wait "$kept"
is $? 0 "the process that kept its own ends"
wait_for 30 at_most 0
is "$(in_map)" 0 "and they with it"
settle
read_weir flows flows --sum
is "$(rows "$WORK/flows.json" sum exchanges workload=sessions)" 0 "no exchange is made up from them"
is "$(rows "$WORK/flows.json" unexplained workload=sessions)" 0 "none of their bytes is unexplained"
