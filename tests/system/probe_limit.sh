#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# More libraries than there is room for probes: what is not probed is named, in the log and in
# the coverage of who uses it, and all else goes on.
# Alone: what others use, and leave again, takes room too.
. "$(dirname "$0")/../lib/lib.sh"
need_root
start_nginx
library=$(ldconfig -p | awk '/libssl\.so\.3 .*x86-64/ { print $NF; exit }')
[ -e "$library" ] || bail "no libssl.so.3 on this host"
mkfifo "$WORK/in"
start "$WORK/said" sh -c 'exec "$@" <"$0"' "$WORK/in" "$PYTHON" "$LIB/loader.py" "$HTTP_PORT" "$HTTPS_PORT"
loader=$PID
exec {in}>"$WORK/in"
told=0
said() { [ "$(wc -l <"$WORK/said")" -ge "$told" ]; }
tell() {
	told=$((told + 1))
	echo "$1" >&"$in"
	wait_for 10 said || bail "the program does as it is told ($1): $(tail -n 2 "$WORK/said")"
}
# Few descriptors are room for few probes: 512 are kept for all else, each probe takes two.
REAL_WEIR=$WEIR
printf '#!/bin/sh\n[ "$1" != run ] || ulimit -n 800\nexec "%s" "$@"\n' "$REAL_WEIR" >"$WORK/weir"
chmod 755 "$WORK/weir"
WEIR=$WORK/weir
start_weir --policy "$LIB/card.yaml"
tell hello
full() { grep -q 'as many probes as fit are attached' "$WORK/weir.err"; }
for i in $(seq 60); do
	mkdir "$WORK/$i" && cp "$library" "$WORK/$i/libssl.so.3"
	# Each is another process's, so that the one that asks has the last of them alone.
	start "$WORK/held.log" env LD_PRELOAD="$WORK/$i/libssl.so.3" sleep 300
	wait_for 15 grep -qE "(probed file=libssl.* inode=$(stat -c %i "$WORK/$i/libssl.so.3")\$|as many probes as fit)" "$WORK/weir.err" || not_ok "copy $i is looked at"
	full && break
done
full && ok "that there is no room is said" || not_ok "that there is no room is said"
matches "$WORK/weir.err" 'its traffic stays opaque file=.* why="as many probes as fit .*LimitNOFILE=" so_far=1$' "with the file and what to do"
at_least "$i" 2 "only after some were probed"
at_least 144 "$(find "/proc/$WEIR_PID/fd" -lname '*perf_event*' | wc -l)" "no more are attached than fit"
mkdir "$WORK/last" && cp "$library" "$WORK/last/libssl.so.3"
tell "load $WORK/last/libssl.so.3"
tell "ask 7 /api/unseen"
curl -s "http://localhost:$HTTP_PORT/api/seen" >"$WORK/answer" || not_ok "curl: exit status $?"
is_named() {
	read_weir coverage coverage
	[ "$(rows "$WORK/coverage.json" values reason pid="$loader" library~libssl | xargs)" = probe_limit ]
}
wait_for 20 is_named && ok "who uses one that is not probed has that in its coverage" ||
	not_ok "who uses one that is not probed has that in its coverage: $(grep "$loader" "$WORK/coverage.json")"
is "$(rows "$WORK/coverage.json" count pid="$loader" state=visible)" 0 "and is not called visible"
settle
read_weir flows flows --sum
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=client route=/api/unseen)" 0 "its requests are not seen at its end"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=server route=/api/unseen)" 7 "they are at the other"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server route=/api/seen)" 1 "and all else is"
