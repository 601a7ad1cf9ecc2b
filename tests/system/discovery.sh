#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TLS libraries wherever they come from: loaded late, under another name, in another mount
# namespace or root, without a name, upgraded or deleted while they run. Each is probed once, by
# the file that it is, for as long as somebody has it. Exact counts by route.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl unshare chroot
start_nginx
library=$(ldconfig -p | awk '/libssl\.so\.3 .*x86-64/ { print $NF; exit }')
[ -e "$library" ] || bail "no libssl.so.3 on this host"
mkdir "$WORK/lib" "$WORK/old" "$WORK/vendor" "$WORK/away" "$WORK/root"
cp "$library" "$WORK/old/libssl.so.3"
cp "$library" "$WORK/lib/libssl.so.3"
cp "$library" "$WORK/vendor/engine.bin"

# Programs that load a library when they are told to.
loader() { # NAME COMMAND...
	local name=$1
	shift
	mkfifo "$WORK/$name.in"
	start "$WORK/$name.said" sh -c 'in=$1; shift; exec "$@" <"$in"' - "$WORK/$name.in" "$@"
	eval "${name}_pid=$PID"
	exec {fd}>"$WORK/$name.in"
	eval "${name}_fd=$fd said_$name=0"
}
said() { [ "$(wc -l <"$WORK/$1.said")" -ge "$2" ]; }
tell() { # NAME LINE; waits for the answer
	local fd=$1_fd said=said_$1
	eval "$said=$((${!said} + 1))"
	echo "$2" >&"${!fd}"
	wait_for 10 said "$1" "${!said}" || bail "the program \"$1\" does as it is told ($2): $(tail -n 2 "$WORK/$1.said")"
}
quit() { # NAME
	local fd=$1_fd pid=$1_pid
	echo quit >&"${!fd}"
	wait_for 5 gone "${!pid}" || not_ok "the program \"$1\" ends"
}
new_loader() { loader "$1" "$PYTHON" "$LIB/loader.py" "$HTTP_PORT" "$HTTPS_PORT"; }
# weir says so of each file, by its inode.
probed() { grep -qE "probed file=.* inode=$1$" "$WORK/weir.err"; }
detached() { grep -qE "detached from file=.* inode=$1:" "$WORK/weir.err"; }
inode() { stat -Lc %i "$1"; }
is_probed() { # INODE SENTENCE
	wait_for 10 probed "$1" && ok "$2 is probed" || not_ok "$2 is probed: nothing said of inode $1"
}

# Before weir: a library whose file is gone already, and a program that waits.
new_loader older
tell older "load $WORK/old/libssl.so.3"
old=$(inode "$WORK/old/libssl.so.3")
rm "$WORK/old/libssl.so.3"
new_loader late
tell late hello
start_weir --policy "$LIB/card.yaml"
is_probed "$old" "a library that was deleted under a running program"
tell older "ask 17 /api/older"

# Loaded late.
before=$(uprobes)
first=$(inode "$WORK/lib/libssl.so.3")
probed "$first" && not_ok "a library that nobody has is not probed"
tell late "load $WORK/lib/libssl.so.3"
is_probed "$first" "a library that is loaded late"
tell late "ask 13 /api/late"
is "$(($(uprobes) - before))" "$OPENSSL_PROBES" "with three calls, at entry and return, and where sessions end"

# Under another name, by a program that uses the network.
new_loader vendor
tell vendor hello
tell vendor "load $WORK/vendor/engine.bin"
is_probed "$(inode "$WORK/vendor/engine.bin")" "a library under another name"
tell vendor "ask 11 /api/vendor"

# Short-lived programs with a library that is known.
by_curl() { # COUNT ROUTE COMMAND...
	local i n=$1 route=$2
	shift 2
	for i in $(seq "$n"); do
		"$@" curl -sk --http1.1 -o "$WORK/answer" "https://127.0.0.1:$HTTPS_PORT$route" || not_ok "curl for $route: exit status $?"
	done
}
by_curl 7 /api/short env LD_LIBRARY_PATH="$WORK/lib"

# An upgrade: the new file is known before its first use; the old one goes on.
cp "$library" "$WORK/lib/new"
second=$(inode "$WORK/lib/new")
mv "$WORK/lib/new" "$WORK/lib/libssl.so.3"
upgraded=$(date +%s%N)
is_probed "$second" "a new version"
at_least 2000 $((($(date +%s%N) - upgraded) / 1000000)) "within two seconds, before anybody loads it"
by_curl 5 /api/upgraded env LD_LIBRARY_PATH="$WORK/lib"
tell late "ask 3 /api/late"

# The same process as another program.
another() { # NAME VERB, becomes curl
	new_loader "$1"
	tell "$1" hello
	local fd=$1_fd pid=$1_pid url=https://127.0.0.1:$HTTPS_PORT/api/$1
	echo "$2 $(command -v curl) -sk --http1.1 -o $WORK/answer $url $url" >&"${!fd}"
	wait_for 10 gone "${!pid}" || not_ok "the program that becomes another ends"
}
another again become
another memory embody

# Where only the process itself has a name for it, or nobody.
loader away unshare -m sh -c 'mount -t tmpfs none "$1" && cp "$2" "$1/libssl.so.3" && shift 2 && exec "$@"' - \
	"$WORK/away" "$library" "$PYTHON" "$LIB/loader.py" "$HTTP_PORT" "$HTTPS_PORT"
tell away hello
is "$(ls "$WORK/away")" '' "the folder of another mount namespace is empty in ours"
tell away "load $WORK/away/libssl.so.3"
is_probed "$(inode "/proc/$away_pid/root$WORK/away/libssl.so.3")" "a library of another mount namespace"
tell away "ask 6 /api/away"
new_loader nameless
tell nameless hello
tell nameless "memfd $library"
is_probed "$(inode "/proc/$nameless_pid/map_files/$(awk '/x.*memfd:vendored/ { print $1; exit }' "/proc/$nameless_pid/maps")")" "a library without a name"
tell nameless "ask 4 /api/nameless"

# A root of its own, with copies of all that curl needs.
for file in $(command -v curl) $(ldd "$(command -v curl)" | grep -o '/[^ ]*'); do
	mkdir -p "$WORK/root/$(dirname "$file")" && cp -L "$file" "$WORK/root/$file"
done
mkdir "$WORK/root/dev" && : >"$WORK/root/dev/null"
root=$(inode "$WORK/root/$(ldd "$(command -v curl)" | awk '/libssl/ { print $3 }')")
in_root() { chroot "$WORK/root" "$(command -v curl)" -sk --http1.1 -o /answer "$1"; }
# A program of that root that is gone in a moment leaves nothing to open: one of them will last.
seen_in_root() { in_root "http://127.0.0.1:$HTTP_PORT/plain/root" && probed "$root"; }
wait_for 10 seen_in_root && ok "the library of another root is probed" || not_ok "the library of another root is probed"
in_root "https://127.0.0.1:$HTTPS_PORT/api/root" || not_ok "curl in a root of its own: exit status $?"

# The last one goes.
before=$(uprobes)
quit late
wait_for 10 detached "$first" && ok "a library that nobody has any more is detached" || not_ok "a library that nobody has any more is detached"
is "$((before - $(uprobes)))" "$OPENSSL_PROBES" "and its sites are free"
probed "$second" && ! detached "$second" && ok "one that stands where it may be loaded again stays" || not_ok "one that stands where it may be loaded again stays"
for name in older vendor away nameless; do quit $name; done

# Written over in place, as no package does it: the probes must not stay in the middle of something else.
again() { [ "$(grep -cE "probed file=.* inode=$second$" "$WORK/weir.err")" = 2 ]; }
cat "$library" >"$WORK/lib/libssl.so.3"
wait_for 10 again && ok "a library that is written over is looked at anew" || not_ok "a library that is written over is looked at anew"
matches "$WORK/weir.err" 'written over while it was probed.*libssl.so.3' "and that is said"
by_curl 2 /api/short env LD_LIBRARY_PATH="$WORK/lib"

wait_for 5 logged_at_least "$HTTPS_PORT" 73
is "$(requests_logged "$HTTPS_PORT")" 73 "nginx itself logged 73 requests over HTTPS"
settle
read_weir flows flows --sum
read_weir coverage coverage
for expected in older:17 late:16 vendor:11 short:9 upgraded:5 again:2 memory:2 away:6 nameless:4 root:1; do
	route=/api/${expected%:*} n=${expected#*:}
	for role in client server; do
		is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=$role route="$route")" "$n" "$n exchanges of the $role at $route"
	done
	is "$(rows "$WORK/flows.json" values binding port="$HTTPS_PORT" role=client route="$route")" exact "bound exactly at $route"
done
is "$(rows "$WORK/flows.json" count port="$HTTPS_PORT" role=client route=/api/again exe~curl)" 1 "the process that became another is known as that"
is "$(rows "$WORK/flows.json" values exe port="$HTTPS_PORT" role=client route=/api/memory)" /memfd:vendored "and one whose program is in no folder"
is "$(rows "$WORK/flows.json" unexplained port="$HTTPS_PORT")" 0 "no byte is unexplained"
is "$(rows "$WORK/coverage.json" count state=dead pid="$vendor_pid")" 0 "none of them is dead"
is "$(rows "$WORK/coverage.json" count library~engine.bin pid="$vendor_pid" 'build_id!=null' | sed 's/[1-9][0-9]*/some/')" some "a library under another name is named"
