#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each role runs with exactly the rights of its row, as the kernel tells it; one that dies
# is replaced, the gap is written, and the watched programs do not notice.
. "$(dirname "$0")/../lib/lib.sh"
need_root
start_nginx
start_weir --policy "$LIB/card.yaml"

status() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; }
fds() { # PID: what its descriptors are, without numbers
	local fd
	for fd in "/proc/$1/fd/"*; do readlink "$fd"; done
}
capabilities() { # names of what a process may do now
	"$PYTHON" - "$(status "$1" CapEff)" <<'END'
import sys
names = {2: "DAC_READ_SEARCH", 5: "KILL", 6: "SETGID", 7: "SETUID", 8: "SETPCAP", 19: "SYS_PTRACE", 21: "SYS_ADMIN", 38: "PERFMON", 39: "BPF"}
bits = int(sys.argv[1], 16)
print(" ".join(sorted(names.get(b, str(b)) for b in range(64) if bits >> b & 1)))
END
}

is "$(weir_children | awk '{ print $2 }' | sort | xargs)" "analyst keeper reader" "reader, analyst and keeper run beside the monitor"
uids=''
for role in reader analyst keeper; do
	pid=$(role_pid $role)
	[ -n "$pid" ] || bail "no $role runs"
	uid=$(status "$pid" Uid)
	uids="$uids $uid"
	at_least "$uid" 64910 "the $role has a user id of its own, not root"
	is "$(awk '$1 == "Uid:" && $2 == $3 && $3 == $4 && $4 == $5' "/proc/$pid/status" | wc -l)" 1 "the $role kept no way back to another id"
	is "$(awk '$1 == "Groups:" { print NF - 1 }' "/proc/$pid/status")" 0 "the $role is in no other group"
	is "$(status "$pid" CapEff)$(status "$pid" CapPrm)$(status "$pid" CapInh)$(status "$pid" CapAmb)" \
		"$(printf '0%.0s' $(seq 64))" "the $role has no capability"
	is "$(status "$pid" Seccomp)" 2 "the $role is under a seccomp filter"
	is "$(status "$pid" NoNewPrivs)" 1 "the $role can gain no privilege"
	is "$(awk '/^Max core file size/ { print $5 }' "/proc/$pid/limits")" 0 "the $role dumps no core"
	is "$(awk '/^Max processes/ { print $3 }' "/proc/$pid/limits")" 0 "the $role may start no process"
	is "$(stat -c %u "/proc/$pid/mem")" 0 "the $role cannot be looked into by its own user"
done
is "$(echo "$uids" | xargs -n 1 | sort -u | wc -l)" 3 "no two roles share a user id"

is "$(capabilities "$WEIR_PID")" "BPF DAC_READ_SEARCH KILL PERFMON SETGID SETPCAP SETUID SYS_ADMIN SYS_PTRACE" \
	"the monitor keeps the capabilities it still needs and no other"
is "$(awk '$1 == "CapBnd:" { print $2 }' "/proc/$WEIR_PID/status")" "$(status "$WEIR_PID" CapEff)" "and cannot get others"

reader=$(role_pid reader) analyst=$(role_pid analyst) keeper=$(role_pid keeper)
is "$(fds "$analyst" | grep -cE 'bpf|anon_inode:.*(perf|bpf)')" 0 "the analyst holds no ring and nothing of BPF"
is "$(fds "$keeper" | grep -cE 'bpf|perf')" 0 "the keeper holds nothing of BPF"
fds "$analyst" >"$WORK/analyst.fds"
is "$(grep '^/' "$WORK/analyst.fds" | grep -vE '^/dev/null$|^/memfd:' | grep -vxF "$(readlink "/proc/$WEIR_PID/fd/2")")" '' "the analyst holds no file but the log that it writes"
at_least "$(fds "$reader" | grep -c 'bpf')" 1 "the reader holds the ring"
is "$(fds "$reader" | grep -c "$WORK/state")" 0 "the reader holds nothing of the state folder"
at_least "$(fds "$keeper" | grep -c "$STATE")" 1 "the keeper holds the state folder"
is "$(fds "$keeper" | grep -cE 'memfd:.*queue')" 0 "the keeper does not hold the queue of payload"
is "$(stat -c '%a' "$STATE")" 700 "the state folder is closed to others"
is "$(stat -c '%a' "$STATE/ledger/key")" 600 "the key is closed to others"

# Nothing listens on TCP or UDP.
inodes=$(for p in "$WEIR_PID" $(weir_children | awk '{ print $1 }'); do fds "$p"; done | sed -n 's/^socket:\[\([0-9]*\)\]$/\1/p' | sort -u)
is "$(cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 | awk '{ print $10 }' | grep -cxF "${inodes:-none}")" 0 \
	"weir has no TCP or UDP socket"

# Death of each role while traffic flows.
"$PYTHON" "$LIB/client.py" session "http://localhost:$HTTP_PORT/api/orders" 0 5 || not_ok "client.py: exit status $?"
replaced() { local now; now=$(role_pid "$1"); [ -n "$now" ] && [ "$now" != "$2" ] && [ "$(status "$now" Seccomp)" = 2 ]; }
for role in analyst reader keeper; do
	pid=$(role_pid $role)
	kill -KILL "$pid"
	wait_for 15 replaced $role "$pid" && ok "a $role that died is replaced, in its sandbox" || not_ok "a $role that died is replaced, in its sandbox"
done
kill -0 "$WEIR_PID" 2>/dev/null && ok "the monitor goes on" || bail "the monitor goes on: it ended"
curl -s "http://localhost:$HTTP_PORT/api/orders" >"$WORK/answer" && ok "nginx did not notice" || not_ok "nginx did not notice: curl says $?"
# What comes after the deaths is seen again.
"$PYTHON" "$LIB/client.py" session "http://localhost:$HTTP_PORT/api/orders" 5 16 || not_ok "client.py: exit status $?"
settle
read_weir flows flows --sum
at_least "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server)" 11 "what came after the deaths was seen"
run "$WEIR" report --format json --state "$STATE"
before=$(rows "$OUT[gaps]" count)
at_least "$before" 3 "each death is a gap in the evidence"
run "$WEIR" ledger verify --state "$STATE"
exits 0 "and the ledger verifies"

# The monitor's death ends all, and the next start says so.
start_weir --policy "$LIB/card.yaml"
children=$(weir_children | awk '{ print $1 }')
kill -KILL "$WEIR_PID"
wait "$WEIR_PID" 2>/dev/null
WEIR_PID=''
all_gone() { local p; for p in $children; do gone "$p" || return 1; done; }
wait_for 10 all_gone && ok "when the monitor dies every role ends" || not_ok "when the monitor dies every role ends: $children"
curl -s "http://localhost:$HTTP_PORT/api/orders" >"$WORK/answer" && ok "nginx does not notice that either" || not_ok "nginx does not notice that either"
start_weir --policy "$LIB/card.yaml"
settle
run "$WEIR" report --format json --state "$STATE"
at_least "$(rows "$OUT[gaps]" count)" $((before + 1)) "the next start writes the gap"
run "$WEIR" ledger verify --state "$STATE"
exits 0 "and the ledger still verifies"
