#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A role that crashes while it holds payload leaves no dump of it: with this host's own
# kernel.core_pattern, which is not ours to change (tests/lib/core_guest.sh tries both kinds where
# it may be). The control crashes without a sandbox, in the same folder as the same user.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_helper rogue
RUN_IN=$WORK/cores
mkdir -m 777 "$RUN_IN"
chmod 777 "$RUN_IN"
cores() { find "$RUN_IN" "$STATE" -type f -name '*core*' 2>/dev/null; }
word=$(tr -d - </proc/sys/kernel/random/uuid)

case $(cat /proc/sys/kernel/core_pattern) in
'' | \|* | /*) skip "a control that dumps core: this host's core_pattern puts it where this test does not look" ;;
*)
	is "$(cd "$RUN_IN" && "$HELPERS/rogue" crash none "$word")" core "a process in no sandbox dumps core here"
	is "$(cores | wc -l)" 1 "in its folder"
	is "$(grep -lac "$(rev <<<"$word")" $(cores) | wc -l)" 1 "with what it held"
	find "$RUN_IN" -type f -delete
	;;
esac
for role in reader analyst keeper recorder elfscan filescan; do
	is "$(cd "$RUN_IN" && "$HELPERS/rogue" crash $role "$word")" "no core" "the $role in its sandbox dumps none"
done
is "$(cores)" '' "and no file is left"

# The live ones, with requests under way.
start_nginx
start_weir --policy "$LIB/card.yaml"
flags_of() { # PID MAPPING: how many mappings of that name, and how many may not be dumped
	awk -v name="$2" '$1 ~ /^[0-9a-f]+-[0-9a-f]+$/ { is = index($0, name) } is && $1 == "VmFlags:" { n++; dd += / dd( |$)/ } END { print n + 0, dd + 0 }' "/proc/$1/smaps"
}
is "$(flags_of "$(role_pid analyst)" weir-queue)" "1 1" "the analyst's queue is left out of dumps"
is "$(flags_of "$(role_pid reader)" weir-queue)" "1 1" "so is the reader's"
is "$(flags_of "$(role_pid reader)" bpf-map)" "2 2" "and its ring"
replaced() { local now; now=$(role_pid "$1"); [ -n "$now" ] && [ "$now" != "$2" ] && grep -q '^Seccomp:.*2' "/proc/$now/status"; }
start "$WORK/client.log" "$PYTHON" "$LIB/client.py" session "http://localhost:$HTTP_PORT/api/orders" 0 499
client=$PID
for role in analyst reader keeper; do
	for sig in SEGV ABRT; do
		pid=$(role_pid $role)
		is "$(stat -c %u "/proc/$pid/mem") $(grep -c '^Max core file size  *0  *0 ' "/proc/$pid/limits")" "0 1" "the $role may not be dumped, by neither rule"
		kill -$sig "$pid"
		wait_for 20 replaced $role "$pid" && ok "a $role that crashes by SIG$sig is replaced" || not_ok "a $role that crashes by SIG$sig is replaced"
	done
done
stop "$client"
settle
is "$(cores)" '' "none of them left a dump"
is "$(grep -cE 'killed by signal (6|11) ' "$WORK/weir.err")" 6 "though each of six crashes was one"
