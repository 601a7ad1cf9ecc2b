#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each role runs with exactly the rights of its row, as the kernel tells it; one that dies
# is replaced, the gap is written, and the watched programs do not notice.
. "$(dirname "$0")/../lib/lib.sh"
need_root
start_nginx
start_weir --policy "$LIB/card.yaml"

need_helper rogue

status() { awk -v key="$2:" '$1 == key { $1 = ""; print substr($0, 2) }' "/proc/$1/status"; }
limit() { sed -n "s/^$2  *\([^ ]*\)  *\([^ ]*\) .*/\1 \2/p" "/proc/$1/limits"; }
fds() { # PID: "NUMBER=WHAT" of each descriptor, sorted
	local fd
	for fd in "/proc/$1/fd/"*; do echo "${fd##*/}=$(readlink "$fd")"; done | sed -E "s|=$STATE|=STATE|; s|=$WORK/weir.err|=log|;
		s|=$WORK/weir.out|=out|; s|=$WORK/|=WORK/|; s/ \(deleted\)$//; s|=/memfd:|=|; s/anon_inode:\[?([a-z_-]+)\]?/\1/; s|=/dev/null|=null|;
		s/(socket|pipe):\[[0-9]+\]/\1/" | sort -V | xargs
}
kinds() { fds "$1" | xargs -n 1 | sed 's/^[0-9]*=//' | sort -u | xargs; }
capabilities() { # names of a set of bits
	"$PYTHON" - "$1" <<'END'
import sys
names = {2: "DAC_READ_SEARCH", 5: "KILL", 6: "SETGID", 7: "SETUID", 8: "SETPCAP", 19: "SYS_PTRACE", 21: "SYS_ADMIN", 38: "PERFMON", 39: "BPF", 40: "CHECKPOINT_RESTORE"}
bits = int(sys.argv[1], 16)
print(" ".join(sorted(names.get(b, str(b)) for b in range(64) if bits >> b & 1)))
END
}

# The table, as design.md 5 has it: who may have what. A descriptor that is not here is a hole.
MIB=1048576 end='0=null 1=null 2=log 3=socket 4=weir-stats'
declare -A uid=([reader]=64911 [analyst]=64912 [keeper]=64913 [elfscan]=64914 [recorder]=64915 [filescan]=64916)
# Beyond what it has mapped: analyst and keeper their share of --memory-max and what stands behind it.
declare -A space=([reader]=$((4 * MIB)) [analyst]=$((128 * MIB)) [keeper]=$((128 * MIB)) [elfscan]=$((64 * MIB)) [recorder]=$((16 * MIB)) [filescan]=$((16 * MIB)))
declare -A nice=([reader]=-5 [analyst]=10 [keeper]=0 [elfscan]=0 [recorder]=0 [filescan]=0)
declare -A files=([reader]=16 [analyst]=16 [keeper]=64 [elfscan]=16 [recorder]=16 [filescan]=32)
declare -A size=([reader]=0 [analyst]=0 [keeper]=unlimited [elfscan]=0 [recorder]=unlimited [filescan]=0)
declare -A holds=(
	[reader]="$end 5=bpf-map 6=weir-queue 7=eventfd"
	[analyst]="$end 6=weir-queue 7=eventfd 8=socket 9=weir-marks"
	[keeper]="0=null 1=out 2=log 3=socket 4=weir-stats 5=STATE 6=null 7=null 8=socket 9=STATE/ledger 10=STATE/ledger/leaves 11=STATE/ledger/checkpoints 12=STATE/index.sqlite"
	[elfscan]="0=null 1=null 2=log 3=WORK/scanned 4=pipe"
	[filescan]="0=null 1=null 2=log 4=pipe"
	[recorder]="$end 6=weir-queue 7=eventfd 8=WORK/recording"
)
[ ! -S /run/systemd/journal/socket ] || holds[keeper]=${holds[keeper]/6=null/6=socket}

holds_its_row() { [ "$(fds "$1")" = "${holds[$2]}" ]; }
role_is_as_its_row() { # PID ROLE
	local pid=$1 role=$2 id=${uid[$2]} set soft hard
	is "$(status "$pid" Uid | xargs) $(status "$pid" Gid | xargs)" "$id $id $id $id $id $id $id $id" "the $role is nobody else, in all eight ids"
	is "$(status "$pid" Groups | xargs)" '' "the $role is in no other group"
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do is "$(status "$pid" $set)" 0000000000000000 "the $role has no capability: $set"; done
	is "$(status "$pid" NoNewPrivs) $(status "$pid" Seccomp) $(status "$pid" Threads)" "1 2 1" "the $role can gain none, is filtered, and has one thread"
	is "$("$HELPERS/rogue" filter "$pid")" "$("$HELPERS/rogue" filter "$role")" "the filter that the kernel has for the $role is the one that was tried call by call"
	# SQLite has its journal open while the keeper writes to the index: for moments, at the first free number.
	wait_for 5 holds_its_row "$pid" "$role" && ok "the $role holds exactly the descriptors of its row" ||
		is "$(fds "$pid")" "${holds[$role]}" "the $role holds exactly the descriptors of its row"
	is "$(ps -o ni= -p "$pid" | xargs)" "${nice[$role]}" "the $role runs as early as its work wants it"
	is "$(limit "$pid" 'Max core file size')" "0 0" "the $role dumps no core"
	is "$(limit "$pid" 'Max processes')" "0 0" "the $role starts no process"
	is "$(limit "$pid" 'Max open files')" "${files[$role]} ${files[$role]}" "the $role opens no more files than its row says"
	is "$(limit "$pid" 'Max file size')" "${size[$role]} ${size[$role]}" "the $role makes no longer file"
	read -r soft hard < <(limit "$pid" 'Max address space')
	is "$soft" "$hard" "the $role cannot raise its limit of memory"
	at_least $((${space[$role]} + 1024 * $(status "$pid" VmSize | awk '{ print $1 }'))) "$soft" "the $role takes no more memory"
	is "$(stat -c %u "/proc/$pid/mem")" 0 "the $role cannot be looked into by its own user"
}

# A scan comes and goes with every new program and container of this host; so do the files that wait for one.
lasting() { weir_children | awk '$2 !~ /scan$/ { print $2 }' | sort | xargs; }
settled() { now=$(kinds "$WEIR_PID"); ! grep -qE '(^| )/[^p]' <<<"$now"; }
is "$(lasting)" "analyst keeper reader" "reader, analyst and keeper run beside the monitor"
for role in reader analyst keeper; do
	pid=$(role_pid $role)
	[ -n "$pid" ] || bail "no $role runs"
	role_is_as_its_row "$pid" $role
done

# Where one link holds many probes (Linux 6.6) SYS_ADMIN is not needed, but for what else it would be good for.
kept="BPF DAC_READ_SEARCH KILL PERFMON SETGID SETPCAP SETUID SYS_ADMIN SYS_PTRACE"
! grep -q ' bpf_uprobe_multi_link_attach$' /proc/kallsyms || kept="BPF CHECKPOINT_RESTORE DAC_READ_SEARCH KILL PERFMON SETGID SETPCAP SETUID SYS_PTRACE"
for set in CapPrm CapEff CapBnd; do
	is "$(capabilities "$(status "$WEIR_PID" $set)")" "$kept" "the monitor keeps the capabilities it still needs and no other: $set"
done
is "$(status "$WEIR_PID" CapInh)$(status "$WEIR_PID" CapAmb)" "$(printf '0%.0s' $(seq 32))" "and hands none on"
wait_for 20 settled
is "$(sed -E 's/(bpf-map|bpf-prog|bpf_link|btf|perf_event|pipe) ?//g; s|^/proc ||; s/ $//' <<<"$now")" \
	"STATE eventfd log null out signalfd socket weir-marks weir-queue weir-rules weir-standing weir-stats" "the monitor holds what it gives to the others, what is of BPF, and the list of processes"
is "$(stat -c %u "/proc/$WEIR_PID/mem")" 0 "and cannot be looked into"

# elfscan and filescan live for moments; their answer does not fit into a full pipe, so these stay until their own alarm.
cp "$(readlink -f /lib/*-linux-gnu/libssl.so.3)" "$WORK/scanned"
mkdir -p "$WORK/root/var/lib/docker/containers/0"
echo '{"Name":"/zero"}' >"$WORK/root/var/lib/docker/containers/0/config.v2.json"
mkfifo "$WORK/full"
scan_stays() { # ROLE INPUT ARG...
	local role=$1 scan
	"$PYTHON" - "$WEIR" "$WORK" "$@" <<'END' >/dev/null 2>"$WORK/weir.err.scan" &
import os
import sys
weir, work, role, given = sys.argv[1:5]
null = os.open("/dev/null", os.O_RDONLY)
scanned = os.open(given, os.O_RDONLY)
full = os.open(work + "/full", os.O_RDWR | os.O_NONBLOCK)
try:
    while os.write(full, bytes(4096)):
        pass
except BlockingIOError:
    os.set_blocking(full, True)
for number, fd in enumerate([os.dup(fd) for fd in (null, scanned, full)]):
    os.dup2(fd, 200 + number)
os.dup2(200, 0), os.dup2(201, 3), os.dup2(202, 4)
os.closerange(5, 1024)
os.execv(weir, ["weir", "role:" + role, *sys.argv[5:]])
END
	scan=$!
	wait_for 2 grep -q '^Seccomp:.*2' "/proc/$scan/status" || not_ok "an $role enters its sandbox"
	kill -STOP "$scan"	# its alarm waits with it, however slow this host is
	holds[$role]=${holds[$role]/4=pipe/4=WORK/full}
	holds[$role]=${holds[$role]/2=log/2=log.scan}
	role_is_as_its_row "$scan" "$role"
	kill -CONT "$scan"
	wait "$scan" 2>/dev/null
	is $? 142 "an $role that does not come to an end is ended by its alarm"
}
scan_stays elfscan "$WORK/scanned"
# The one that waits for its file has begun, and has nothing yet.
waiting() { role_pid elfscan; }
waits() { local now; now=$(waiting); [ -n "$now" ] && [ "$now" != "${1-}" ] && [ "$(status "$now" Seccomp)" = 2 ]; }
wait_for 5 waits && ok "an elfscan waits for the next file" || not_ok "an elfscan waits for the next file: $(weir_children)"
holds[elfscan]='0=null 1=null 2=log 3=socket 4=pipe'
role_is_as_its_row "$(waiting)" elfscan
pid=$(waiting)
kill -KILL "$pid"
wait_for 10 waits "$pid" && ok "one that died waiting is replaced" || not_ok "one that died waiting is replaced: $(weir_children)"
scan_stays filescan "$WORK/root" 0 -1 0

# A live role makes a call that is not its own: it dies of it. The keeper is told no by landlock.
replaced() { local now; now=$(role_pid "$1"); [ -n "$now" ] && [ "$now" != "$2" ] && [ "$(status "$now" Seccomp)" = 2 ]; }
dies_of() { # ROLE CALL ARG...
	local role=$1 pid
	shift
	pid=$(role_pid "$role")
	is "$("$HELPERS/rogue" inject "$pid" "$@")" "killed 31" "the live $role is killed by the call $1"
	wait_for 15 replaced "$role" "$pid" && ok "and replaced" || not_ok "and replaced"
}
if [ "$(uname -m)" = x86_64 ]; then
	pid=$(role_pid keeper)
	opened=$("$HELPERS/rogue" inject "$pid" openat -100 "$STATE/ledger/checkpoint" 0)
	at_least "$opened" 13 "the live keeper opens a file of its folder"
	is "$("$HELPERS/rogue" inject "$pid" close "$opened")" 0 "and closes it"
	for path in /etc/passwd /proc/self/status "/proc/$(role_pid analyst)/mem" /tmp; do
		is "$("$HELPERS/rogue" inject "$pid" openat -100 $path 0)" -13 "the live keeper may not open ${path//$(role_pid analyst)/ANALYST}"
	done
	is "$(role_pid keeper)" "$pid" "and lives"
	dies_of keeper socket 2 1 0
	dies_of analyst openat -100 /etc/passwd 0
	dies_of analyst mmap 0 4096 5 34 -1 0
	dies_of reader bpf 0 0 0
	dies_of reader mmap 0 4096 3 1 5 4096
	is "$(grep -c 'killed by signal 31' "$WORK/weir.err")" 5 "each is told"
fi

is "$(stat -c '%a' "$STATE")" 700 "the state folder is closed to others"
is "$(stat -c '%a' "$STATE/ledger/key")" 600 "the key is closed to others"

# Nothing listens on TCP or UDP.
inodes=$(for p in "$WEIR_PID" $(weir_children | awk '{ print $1 }'); do find "/proc/$p/fd" -printf '%l\n'; done | sed -n 's/^socket:\[\([0-9]*\)\]$/\1/p' | sort -u)
is "$(cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 | awk '{ print $10 }' | grep -cxF "${inodes:-none}")" 0 \
	"weir has no TCP or UDP socket"

# Death of each role while traffic flows.
"$PYTHON" "$LIB/client.py" session "http://localhost:$HTTP_PORT/api/orders" 0 5 || not_ok "client.py: exit status $?"
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
stop_weir

# The one role that keeps payload, in the place of analyst and keeper.
not_ready
(cd "$WORK" && exec "$WEIR" record --yes --pid $$ "$WORK/recording") >"$WORK/weir.out" 2>"$WORK/weir.err" </dev/null &
WEIR_PID=$!
wait_for 25 ready_or_gone
is "$(lasting)" "reader recorder" "a recording runs reader and recorder beside the monitor"
role_is_as_its_row "$(role_pid recorder)" recorder
is "$(stat -c '%a %u' "$WORK/recording")" "600 0" "the recording is closed to others"
