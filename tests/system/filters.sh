#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --exe watches the programs that match and nothing else; what is left out is counted.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx
start_nginx
start_weir --policy "$LIB/card.yaml" --exe nginx --exe never-started-*
for i in $(seq 5); do curl -s -o "$WORK/answer" "http://localhost:$HTTP_PORT/api/$i" || not_ok "curl $i"; done
settle
read_weir flows flows --sum
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server)" 5 "nginx, which was running before, is watched"
is "$(rows "$WORK/flows.json" count port="$HTTP_PORT" role=client)" 0 "curl is not"
run "$WEIR" report --format json --state "$STATE"
matches "$OUT" '"filters":"exe nginx exe never-started-\*"' "the report says what was looked at"

# A program that ends before weir can have heard of it: the monitor is held meanwhile. Prime counts.
SPEAKS=speaks-$$
mkdir "$WORK/bin" "$WORK/bin-other"
for copy in "bin/$SPEAKS" "bin-other/$SPEAKS" "bin/not-$SPEAKS"; do cp "$(command -v curl)" "$WORK/$copy"; done
say() { # COUNT PROGRAM ROUTE
	local i
	for i in $(seq "$1"); do
		"$WORK/$2" -s -o "$WORK/answer" "http://127.0.0.1:$HTTP_PORT/api/$3/$i" || not_ok "$2 $i"
	done
}
short_lived() { # GLOB EXCHANGES SENTENCE [GLOB]
	STATE=$WORK/state-$nr_passed
	start_weir --policy "$LIB/card.yaml" --exe "$1" ${4:+--exe "$4"}
	kill -STOP "$WEIR_PID"
	say 7 "bin/$SPEAKS" here
	say 5 "bin-other/$SPEAKS" elsewhere
	say 3 "bin/not-$SPEAKS" other
	kill -CONT "$WEIR_PID"
	settle
	read_weir flows flows --sum
	is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=client)" "$2" "--exe $3"
	is "$(rows "$WORK/flows.json" sum bytes.lost port="$HTTP_PORT")" 0 "and nothing of it is lost"
}
short_lived "$SPEAKS" 12 "by name: also who is gone at once, wherever the program lies"
short_lived "$WORK/bin/$SPEAKS" 7 "by path: only who has it"
short_lived "$WORK/b*-o*/*" 5 "by a glob for the path"
short_lived "s?eaks-*" 12 "by a glob for the name"
short_lived "$WORK/bin-other/*" 8 "given twice: whoever one of them means" "not-speaks-*"
for option in --exe --unit --container --pid; do
	set -- $(for i in $(seq 17); do echo "$option $$"; done)
	LIMIT=10 run "$WEIR" run "$@" --policy "$LIB/card.yaml" --state "$WORK/never"
	exits 2 "$option 17 times is refused"
	matches "$ERR" "$option can be given 16 times" "and why"
done

# --unit: whoever is in the cgroup, also a process that starts in it later.
V2=/sys/fs/cgroup/unified
[ -d $V2 ] || V2=/sys/fs/cgroup
UNIT=weir-test-$$.service
if mkdir "$V2/$UNIT" 2>/dev/null && [ -w "$V2/$UNIT/cgroup.procs" ]; then
	start_weir --policy "$LIB/card.yaml" --unit "$UNIT"
	for i in 1 2 3; do
		bash -c 'echo $$ >"$1/cgroup.procs" && exec curl -s -o "$2" "$3"' - "$V2/$UNIT" "$WORK/answer" "http://localhost:$HTTP_PORT/api/in/$i" ||
			not_ok "curl in the unit"
		curl -s -o "$WORK/answer" "http://localhost:$HTTP_PORT/api/out/$i" || not_ok "curl outside of it"
	done
	# One that is gone before weir can look into /proc: the monitor is held meanwhile.
	kill -STOP "$WEIR_PID"
	bash -c 'echo $$ >"$1/cgroup.procs" && exec curl -s -o "$2" "$3"' - "$V2/$UNIT" "$WORK/answer" "http://localhost:$HTTP_PORT/api/in/4" ||
		not_ok "curl in the unit"
	kill -CONT "$WEIR_PID"
	settle
	read_weir flows flows --sum
	is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" workload="$UNIT")" 4 "processes that started in the unit are watched from the start, also those that ended at once"
	is "$(rows "$WORK/flows.json" count route~out)" 0 "what is outside is not"
	rmdir "$V2/$UNIT"
else
	skip "--unit: no cgroup v2 can be made here"
fi

# What a watched process forks is watched from its first call, before the monitor can have heard of it.
cat >"$WORK/parent.py" <<'P'
import os, sys, urllib.request
sys.stdin.readline()
for i in range(5):
    if os.fork() == 0:
        urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/api/forked/{i}").read()
        os._exit(0)
    os.wait()
P
mkfifo "$WORK/go"
$PYTHON "$WORK/parent.py" "$HTTP_PORT" <"$WORK/go" &
PARENT=$!
started+=("$PARENT")
exec 7>"$WORK/go"
start_weir --policy "$LIB/card.yaml" --pid "$PARENT"
kill -STOP "$WEIR_PID"
echo >&7
wait "$PARENT" || not_ok "the parent of five ends with 0"
kill -CONT "$WEIR_PID"
settle
read_weir flows flows --sum
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=client route~forked)" 5 "--pid: what the process forks is watched from its first call"
is "$(rows "$WORK/flows.json" sum bytes.lost port="$HTTP_PORT" route~forked)" 0 "and nothing of it is lost"
