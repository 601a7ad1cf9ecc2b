#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files of container runtimes in an attacker's hands: each is read by a filescan of its own, which
# follows no link that its owner could not follow, opens nothing that waits or acts, and ends. The
# container's id stands for it then, weir goes on, and others have their names meanwhile.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx unshare curl
start_nginx

FAKE=$WORK/host DOCKER=$WORK/host/lib/docker/containers
ANA=64801 DEAF=64802 ANAS=$WORK/host/home/ana/.local/share/docker DEAFS=$WORK/host/home/deaf/.local/share/docker
mkdir -p "$DOCKER" "$ANAS/containers" "$DEAFS"
{
	cat /etc/passwd
	echo "ana:x:$ANA:$ANA::$FAKE/home/ana:/bin/sh"
	echo "deaf:x:$DEAF:$DEAF::$FAKE/home/deaf:/bin/sh"
} >"$FAKE/passwd"
chmod 711 "$WORK" "$FAKE" "$FAKE/home"
start "$WORK/deaf.log" "$PYTHON" "$LIB/deaf_mount.py" "$DEAFS" $DEAF
mounted_deaf() { grep -q '^mounted' "$WORK/deaf.log"; }
wait_for 5 mounted_deaf || bail "no file system that does not answer: $(tail -n 1 "$WORK/deaf.log")"
mounted+=("$DEAFS")
REAL_WEIR=$WEIR
cat >"$WORK/weir" <<END
#!/bin/sh
[ "\$1" = run ] || exec "$REAL_WEIR" "\$@"
exec unshare -m sh -c 'mount -t overlay overlay -o lowerdir=$FAKE/lib:/var/lib /var/lib && mount --bind $DOCKER /var/lib/docker/containers &&
	mount --bind $FAKE/passwd /etc/passwd && exec "$REAL_WEIR" "\$@"' weir "\$@"
END
chmod 755 "$WORK/weir"
WEIR=$WORK/weir

CGROUPS=/sys/fs/cgroup
[ -e $CGROUPS/cgroup.procs ] || CGROUPS=/sys/fs/cgroup/unified
[ -e $CGROUPS/cgroup.procs ] || skip_all "this host has no cgroup v2"
SLICE=weirfiles$$
remove_cgroups() { find "$CGROUPS/$SLICE" -depth -type d -exec rmdir {} \; 2>/dev/null; }
trap 'remove_cgroups; finish' EXIT
hex64() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }

# The system's containers, by what is wrong with the file of each.
declare -A id user
place() { # WHAT; its file is to be at $FILE
	id[$1]=$(hex64)
	FILE=$DOCKER/${id[$1]}/config.v2.json
	mkdir "$DOCKER/${id[$1]}"
}
place good && echo '{"Name":"/good-1"}' >"$FILE"
place huge && { printf '{"Name":"/huge","Args":"' && head -c 5M /dev/zero | tr '\0' n && echo '"}'; } >"$FILE"
place sparse && truncate -s 64G "$FILE"
place deep && { printf '{"Name":"/deep","Args":' && head -c 1M /dev/zero | tr '\0' '['; } >"$FILE"
place torn && printf '{"Name":"/torn"' >"$FILE"
place pipe && mkfifo "$FILE"
place zero && mknod "$FILE" c 1 5
place tty && mknod "$FILE" c 5 0
place folder && mkdir "$FILE"
place shadow && ln -s /etc/shadow "$FILE"
place proc && ln -s /proc/self/environ "$FILE"
place named && printf '{"Name":"/ana.ruiz@firm.example"}' >"$FILE"

# A user's: links lead only to what the user may read.
echo '{"Name":"/stolen"}' >"$FAKE/secret.json"
echo '{"Name":"/anas-own"}' >"$FAKE/own.json"
chmod 600 "$FAKE/secret.json" "$FAKE/own.json"
chown $ANA "$FAKE/own.json"
place_of_ana() { # WHAT TARGET
	id[$1]=$(hex64) user[$1]=$ANA
	mkdir "$ANAS/containers/${id[$1]}"
	ln -s "$2" "$ANAS/containers/${id[$1]}/config.v2.json"
}
place_of_ana stolen "$FAKE/secret.json"
place_of_ana own "$FAKE/own.json"
chown -hR $ANA "$FAKE/home/ana"
id[deaf]=$(hex64) user[deaf]=$DEAF

ask() { # WHAT COUNT
	local folder=$CGROUPS/$SLICE/docker-${id[$1]}.scope i urls=()
	[ -z "${user[$1]-}" ] || folder=$CGROUPS/$SLICE/user.slice/user@${user[$1]}.service/docker-${id[$1]}.scope
	mkdir -p "$folder"
	for i in $(seq "$2"); do urls+=(-o /dev/null "http://127.0.0.1:$HTTP_PORT/api/${1%%[0-9]*}"); done
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$folder" curl -s "${urls[@]}" || not_ok "curl of $1: exit status $?"
}
start_weir --policy "$LIB/card.yaml"
scans() { weir_children | grep -c ' filescan$'; }
scans_are() { [ "$(scans)" = "$1" ]; }
ask deaf 3
wait_for 3 scans_are 1 && ok "a filescan waits for a file system that does not answer" || not_ok "a filescan waits for a file system that does not answer"
waits=$(role_pid filescan)
bad='huge sparse deep torn pipe zero tty folder shadow proc stolen'
for what in good own named $bad; do ask "$what" 2; done
wait_for 12 scans_are 0 && ok "it is ended in time" || not_ok "it is ended in time: $(weir_children)"
wait_for 3 gone "$waits" && ok "and gone" || not_ok "and gone: $waits"
is "$(grep -c 'cannot look for the name' "$WORK/weir.err")" 1 "one container could not be looked at"
matches "$WORK/weir.err" "cannot look for the name of container=${id[deaf]:0:12}: the scan .* gave up after its time" "that one, and it is said"

# Many at once: each is asked for, and weir keeps no descriptor of them.
many=()
for i in $(seq 23); do
	place "many$i" && echo "{\"Name\":\"/many-$i\"}" >"$FILE"
	ask "many$i" 1 &
	many+=($!)
done
wait "${many[@]}"
wait_for 12 scans_are 0 || not_ok "all are ended: $(weir_children)"
is "$(find "/proc/$WEIR_PID/fd" -lname / | wc -l)" 0 "no folder stays open"
is "$(weir_children | awk '$2 !~ /scan$/ { print $2 }' | sort | xargs)" "analyst keeper reader" "no role died or stays"
settle
read_weir flows flows --sum
read_weir coverage coverage
workload_of() { rows "$WORK/flows.json" values workload port="$HTTP_PORT" role=client route="/api/$1" exchanges!=0 | xargs; }
for what in deaf $bad; do is "$(workload_of "$what")" "${id[$what]:0:12}" "the id stands for a container whose file is: $what"; done
is "$(workload_of good)" good-1 "a container has its name while another's is waited for"
is "$(workload_of own)" anas-own "a user's link leads to what is the user's"
is "$(workload_of named)" '{email}' "a name that is data is none"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=client route=/api/deaf)" 3 "what does not answer is no less watched"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=client)" 54 "nor is any other"
is "$(rows "$WORK/coverage.json" distinct workload workload~many- pid!=null)" 23 "23 containers at once have 23 names"
