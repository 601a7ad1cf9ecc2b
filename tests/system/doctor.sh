#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# weir doctor on this host: as root its hooks are tried and every check gives an answer; without
# root what could not be looked at is unknown, never ok; a program with a TLS library that has no
# probe is named; faults that weir run refuses are BLOCKING here, and weir run refuses them.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
rule=$LIB/card.yaml
doctor() { run "$WEIR" doctor --policy "$rule" "$@"; cp "$OUT" "$WORK/checks.json"; }
state_of() { rows "$WORK/checks.json" values state name="$1"; }
found_of() { rows "$WORK/checks.json" values found name="$1"; }

others=$(ls -d /tmp/weir-selftest-* 2>/dev/null)	# what a trial that was killed has left
doctor --state "$STATE" -o json
case $STATUS in 0 | 3) ok "a host on which weir runs is not blocked" ;; *) not_ok "a host on which weir runs is not blocked: exit status $STATUS" ;; esac
is "$(rows "$WORK/checks.json" values type)" check "each line is a check"
is "$(wc -l <"$WORK/checks.json")" "$(grep -c '^CHECK(' "$ROOT/userspace/cli/doctor/list.def")" "one a row"
is "$(grep -c '"state":"UNKNOWN"' "$WORK/checks.json")" 0 "root's doctor leaves nothing unknown"
shows="shows weir's own exchange"
best=$shows layer=$shows
case $(uname -r) in 6.[012].*) best='dead: this kernel lacks it' ;; esac	# sock_send_length is of 6.3
grep -qaw kprobe_dispatcher /sys/kernel/btf/vmlinux || layer='dead: this kernel lacks it'
is "$(state_of hooks)" OK "the hooks were tried"
found_of hooks >"$WORK/hooks"
matches "$WORK/hooks" "tracepoint: $best; socket: $layer; sys_exit: $shows" "each set by its own exchange"
first=tracepoint
! grep -qaw class_srcu_fast_notrace_t /sys/kernel/btf/vmlinux || first=socket	# programs at tracepoints can be preempted
[ "$first$best" != "tracepoint$shows" ] && { [ "$layer" = "$shows" ] && first=socket || first=sys_exit; }
matches "$WORK/hooks" "; weir run uses $first \\(" "and which of them weir run uses, with the reason"
start_weir --policy "$rule"
is "$(sed -n 's/.*watching hooks=\([a-z_]*\) .*/\1/p' "$WORK/weir.err")" "$first" "which it does"
stop_weir
rm -rf "$STATE"
is "$(state_of uprobes)" OK "and uprobes, by the exchange over TLS"
[ "$PROBES_IN" != bpf_link ] || [ "$(uname -m)" != x86_64 ] ||
	matches "$WORK/checks.json" 'a probe costs here [1-9][0-9]* ns on an instruction that the kernel emulates, [1-9][0-9]* ns' "with what a probe costs here"
is "$(grep -c '"fix":null' "$WORK/checks.json")" "$(grep -c '"state":"OK"' "$WORK/checks.json")" "whatever is not ok says how to mend it"
is "$(ls -d "$STATE" 2>/dev/null)" '' "no state folder was made"
is "$(ls -d /tmp/weir-selftest-* 2>/dev/null)" "$others" "nothing is left of the trial"

# A program with a TCP socket and a TLS library that is not probed: its name tells.
cp "$(ldconfig -p | awk '/libz\.so\.1 .*x86-64/ { print $NF; exit }')" "$WORK/libjvm.so" || bail "this host has no libz"
port=$(free_port)
start "$WORK/listener.log" env LD_PRELOAD="$WORK/libjvm.so" "$PYTHON" -c "import socket, time
s = socket.socket(); s.bind(('127.0.0.1', $port)); s.listen(1); time.sleep(300)"
wait_for 5 listens "$port" || bail "no listener"
doctor --state "$STATE" -o json
exits 3 "a blind program degrades"
found_of blind_processes >"$WORK/blind"
matches "$WORK/blind" "\(pid $PID\): Java" "and is named with its reason"
stop "$PID"

# Without root.
mkdir -m 755 "$WORK/bin"
install -m 755 "$WEIR" "$WORK/bin/weir"
install -m 644 "$rule" "$WORK/bin/card.yaml"
nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
run $nobody "$WORK/bin/weir" doctor --policy "$WORK/bin/card.yaml" --state "$STATE" -o json
cp "$OUT" "$WORK/checks.json"
case $STATUS in 0 | 3) ok "it answers without root" ;; *) not_ok "it answers without root: exit status $STATUS" ;; esac
for c in hooks uprobes capabilities blind_processes; do
	is "$(state_of $c)" UNKNOWN "without root $c is unknown"
done
is "$(state_of btf)" OK "the kernel's BTF is read without root"
run $nobody "$WORK/bin/weir" doctor --policy "$WORK/bin/card.yaml" --state "$STATE"
matches "$OUT" '^\[UNKNOWN\] +hooks ' "a terminal gets a table"
matches "$OUT" ' [1-9][0-9]* unknown; as root more' "which counts what was not looked at"

# Faults: BLOCKING here, refused there.
refused() { # SENTENCE REGEX PROGRAM RUN-ARGS...
	local what=$1 regex=$2
	shift 2
	run "$@" --duration 1s
	exits 2 "weir run refuses $what"
	matches "$ERR" "$regex" "and says which place it is"
	matches "$ERR" 'weir doctor' "and points at weir doctor"
	is "$(rows "$WORK/checks.json" values state name="$check")" BLOCKING "weir doctor calls $what blocking"
}
check=guarded_files
chmod 666 "$WORK/bin/card.yaml"
run "$WEIR" doctor --policy "$WORK/bin/card.yaml" --state "$STATE" -o json
exits 2 "a policy that others may write blocks"
cp "$OUT" "$WORK/checks.json"
refused "such a policy" 'card.yaml can be written by others \(mode 0666\)' "$WEIR" run --state "$STATE" --policy "$WORK/bin/card.yaml"
chmod 644 "$WORK/bin/card.yaml"

chmod 777 "$WORK/bin"
run "$WORK/bin/weir" doctor --policy "$rule" --state "$STATE" -o json
cp "$OUT" "$WORK/checks.json"
refused "a program in a folder that others may write" 'bin can be written by others \(mode 0777\)' "$WORK/bin/weir" run --state "$STATE" --policy "$rule"
chmod 755 "$WORK/bin"

check=state_folder
mkdir -m 777 "$WORK/open"
mkdir -m 700 "$WORK/open/state"
doctor --state "$WORK/open/state" -o json
exits 2 "a state folder in one that others may write blocks"
refused "such a state folder" 'open can be written by others \(mode 0777\)' "$WEIR" run --state "$WORK/open/state" --policy "$rule"

run "$WEIR" doctor -o yaml
exits 2 "an unknown format is refused"
