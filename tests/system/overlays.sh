#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Containers of one image: each has an overlay of its own, with a device of its own, but the
# library in it is one inode of the layer below. It is probed once, findings come once, and the
# probes stay for as long as any of them has it. One that was changed is another file.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl unshare chroot nsenter
start_nginx

IMAGE=$WORK/image
for file in "$(command -v curl)" "$(command -v sleep)" $(ldd "$(command -v curl)" "$(command -v sleep)" | grep -o '/[^ ]*[^ :]'); do
	mkdir -p "$IMAGE/$(dirname "$file")" && cp -L "$file" "$IMAGE/$file"
done
mkdir -p "$IMAGE/dev" "$WORK/nothing" && : >"$IMAGE/dev/null"
LIBRARY=$(ldd "$(command -v curl)" | awk '/libssl/ { print $3 }')
[ -e "$IMAGE/$LIBRARY" ] || bail "curl has no libssl here"
ALL=$(ldd "$(command -v curl)" | awk '/libssl|libgnutls/ { print $3 }' | xargs)

# A container that has mapped what curl will map, so that nothing else comes to be probed; its pid in NAME_pid.
container() { # NAME COMMAND, run in it before
	mkdir "$WORK/$1" "$WORK/$1.upper" "$WORK/$1.work"
	# shellcheck disable=SC2016  # expanded inside
	start "$WORK/$1.log" unshare -m sh -c 'mount -t overlay overlay -o lowerdir=$2,upperdir=$1.upper,workdir=$1.work $1 && cd $1 && eval "$4" &&
		LD_PRELOAD="$3" exec chroot . sleep 300' - "$WORK/$1" "$IMAGE" "$ALL" "$2"
	eval "$1_pid=$PID"
	wait_for 10 maps_it "$PID" || bail "a container with an overlay of its own: $(tail -n 2 "$WORK/$1.log")"
}
maps_it() { grep -q "libssl" "/proc/$1/maps" 2>/dev/null && [ "$(cat "/proc/$1/comm")" = sleep ]; }
inode_of() { stat -Lc %i "/proc/$1/root$LIBRARY"; }
device_of() { stat -Lc %d "/proc/$1/root$LIBRARY"; }
requests() { # NAME COUNT
	local pid=$1_pid i
	for i in $(seq "$2"); do
		nsenter -m -t "${!pid}" chroot "$WORK/$1" "$(command -v curl)" -sk --http1.1 -o /dev/null "https://127.0.0.1:$HTTPS_PORT/api/$1" ||
			not_ok "curl in $1: exit status $?"
	done
}
said() { [ "$(grep -cE "$1" "$WORK/weir.err")" = "$2" ]; }

start_weir --policy "$LIB/card.yaml"
before=$(uprobes) known=$(grep -cE "probed file=lib(ssl|gnutls)" "$WORK/weir.err")
container one true
inode=$(inode_of "$one_pid")
wait_for 10 said "probed file=libssl.* inode=$inode$" 1 && ok "the library of a container is probed" || not_ok "the library of a container is probed"
all_scanned() { [ "$(grep -cE "probed file=lib(ssl|gnutls)" "$WORK/weir.err")" -ge $((known + $(wc -w <<<"$ALL"))) ]; }
wait_for 10 all_scanned || not_ok "what else curl has is probed"
sites=$(($(uprobes) - before))
at_least "$sites" "$OPENSSL_PROBES" "with three calls, at entry and return, and where sessions end"
# Its inode says what it is: no scan is waited for, and the next one stands still.
waits() { waiting=$(role_pid elfscan); [ -n "$waiting" ]; }
wait_for 5 waits && kill -STOP "$waiting" || not_ok "an elfscan waits"
container two true
is "$(inode_of "$two_pid")" "$inode" "that of another of the same image is the same inode"
differs "$(device_of "$two_pid")" "$(device_of "$one_pid")" "on another device"
wait_for 10 said "probed already file=libssl.* inode=$inode:" 1 && ok "it is known to be probed, without a scan" || not_ok "it is known to be probed, without a scan"
kill -CONT "$waiting"
is "$(($(uprobes) - before))" "$sites" "and not once more"
# Changed in the container: what the kernel maps and probes is a file of that container.
container own "touch .$LIBRARY"
wait_for 10 said "probed file=libssl.* inode=($inode|$(inode_of "$own_pid"))$" 2 &&
	ok "one that was changed is another" || not_ok "one that was changed is another"
is "$(($(uprobes) - before))" $((sites + OPENSSL_PROBES)) "with probes of its own"

requests one 7
requests two 5
requests own 3
# The container that came first goes; the probes are still the other's.
stop "$one_pid"
stop "$own_pid"
own_left() { [ "$(($(uprobes) - before))" -le "$sites" ]; }
wait_for 20 own_left || not_ok "the probes of the changed one are detached"
is "$(($(uprobes) - before))" "$sites" "the probes stay while one container has the library"
requests two 11
stop "$two_pid"
none_left() { [ "$(uprobes)" = "$before" ]; }
wait_for 20 none_left && ok "and go with the last" || not_ok "and go with the last: $(($(uprobes) - before)) are left"
settle
read_weir flows flows --sum
for expected in one:7 two:16 own:3; do
	name=${expected%:*} n=${expected#*:}
	for role in client server; do
		is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=$role route="/api/$name")" "$n" "$n exchanges of the $role of $name"
	done
	is "$(rows "$WORK/flows.json" findings email received port="$HTTPS_PORT" role=client route="/api/$name")" "$n" "each finding of $name once"
done
is "$(rows "$WORK/flows.json" unexplained port="$HTTPS_PORT")" 0 "no byte is unexplained"
