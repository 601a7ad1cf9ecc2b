#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who it was, and who the other end is: real containers of runc and Podman, cgroups as Docker
# and systemd make them, users; and pairs of local workloads, exact, through a proxy, between
# network namespaces and between an IPv4 and an IPv6 socket.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx unshare setpriv runc podman ip nft
start_nginx

# What the runtimes have written lies in a folder of the test's; weir, in mounts of its own,
# sees it in place. An overlay need not show what comes into its lower folders later, a bind mount does.
FAKE=$WORK/host
RUN_ROOT=$FAKE/run/containerd/io.containerd.runtime.v2.task/k8s.io
mkdir -p "$RUN_ROOT" "$FAKE/var/lib/docker/containers" "$FAKE/var/lib/containers"
REAL_WEIR=$WEIR
cat >"$WORK/weir" <<END
#!/bin/sh
[ "\$1" = run ] || exec "$REAL_WEIR" "\$@"
exec unshare -m sh -c 'mount -t overlay overlay -o lowerdir=$FAKE/run:/run /run && mount -t overlay overlay -o lowerdir=$FAKE/var/lib:/var/lib /var/lib &&
	mount --bind $FAKE/var/lib/containers /var/lib/containers && exec "$REAL_WEIR" "\$@"' weir "\$@"
END
chmod 755 "$WORK/weir"
WEIR=$WORK/weir

hex64() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }
CGROUPS=/sys/fs/cgroup
[ -e $CGROUPS/cgroup.procs ] || CGROUPS=/sys/fs/cgroup/unified
[ -e $CGROUPS/cgroup.procs ] || skip_all "this host has no cgroup v2"
SLICE=weirtest$$
in_cgroup() { # NAME COMMAND...; of the test's slice
	local folder=$CGROUPS/$SLICE/$1
	shift
	mkdir -p "$folder"
	${LOG:+start "$LOG"} sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$folder" "$@"
}
remove_cgroups() { # below this name, in every hierarchy
	local h
	for h in /sys/fs/cgroup /sys/fs/cgroup/*; do
		[ ! -d "$h/$1" ] || [ -L "$h" ] || find "$h/$1" -depth -type d -exec rmdir {} \; 2>/dev/null
	done
}
trap 'remove_cgroups "$SLICE"; finish' EXIT
client() { echo "$PYTHON" "$LIB/client.py" urllib "$@"; }

# A real container as containerd makes one for Kubernetes: the bundle is where it would be.
K8S=$(hex64)
BUNDLE=$RUN_ROOT/$K8S
mkdir -p "$BUNDLE" "$WORK"/rootfs/{usr,etc,proc,tmp,dev,sys,run,var}
for link in bin sbin lib lib64; do ln -s usr/$link "$WORK/rootfs/$link"; done
mkdir -p "$WORK/rootfs$ROOT"
runc spec --bundle "$BUNDLE" || bail "runc spec"
"$PYTHON" - "$BUNDLE/config.json" "$WORK/rootfs" "$ROOT" "/$SLICE/pod0b1f/$K8S" $(client "http://localhost:$HTTP_PORT/api/orders" 0 7) <<'END'
import json, sys
path, rootfs, tree, cgroup, *command = sys.argv[1:]
spec = json.load(open(path))
spec["process"].update(terminal=False, args=command, rlimits=[], cwd="/")
spec["root"] = {"path": rootfs, "readonly": True}
spec["mounts"] = [{"destination": "/proc", "type": "proc", "source": "proc"}]
spec["mounts"] += [{"destination": d, "type": "none", "source": d, "options": ["rbind", "ro"]} for d in ("/usr", "/etc", tree)]
spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] not in ("network", "cgroup")]
spec["linux"]["cgroupsPath"] = cgroup
spec["annotations"] = {"io.kubernetes.cri.container-name": "api", "io.kubernetes.cri.container-type": "container",
                       "io.kubernetes.cri.sandbox-name": "api-7d9c6b5f4-x2x9k", "io.kubernetes.cri.sandbox-namespace": "payments"}
json.dump(spec, open(path, "w"))
END
DOCKER=$(hex64)
mkdir "$FAKE/var/lib/docker/containers/$DOCKER"
echo "{\"ID\":\"$DOCKER\",\"State\":{\"Running\":true},\"Config\":{\"Labels\":{}},\"Name\":\"/shop-front-1\"}" \
	>"$FAKE/var/lib/docker/containers/$DOCKER/config.v2.json"

# A proxy to a Python server, and a server for both kinds of addresses in the host's namespace.
API=$(free_port) PROXY=$(free_port) DUAL=$(free_port)
start "$WORK/api.log" "$PYTHON" "$LIB/api_server.py" "$API"
start "$WORK/dual.log" "$PYTHON" "$LIB/api_server.py" "any:$DUAL"
mkdir -p "$WORK/proxy/tmp"
cat >"$WORK/proxy/nginx.conf" <<END
user nobody nogroup;
daemon off;
worker_processes 1;
pid $WORK/proxy/pid;
error_log $WORK/proxy.log warn;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $WORK/proxy/tmp; proxy_temp_path $WORK/proxy/tmp; fastcgi_temp_path $WORK/proxy/tmp;
	uwsgi_temp_path $WORK/proxy/tmp; scgi_temp_path $WORK/proxy/tmp;
	server { listen 127.0.0.1:$PROXY; location / { proxy_pass http://127.0.0.1:$API; } }
}
END
start "$WORK/proxy.out" nginx -e "$WORK/proxy.log" -p "$WORK/proxy" -c "$WORK/proxy/nginx.conf"
for port in "$API" "$PROXY" "$DUAL"; do wait_for 10 listens "$port" || bail "nobody listens on port $port: $(cat "$WORK/proxy.log")"; done

# Two namespaces and a cable between them.
start "$WORK/left.log" unshare -n sleep 300
LEFT=$PID
start "$WORK/right.log" unshare -n sleep 300
RIGHT=$PID
apart() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
wait_for 10 apart "$LEFT" && wait_for 10 apart "$RIGHT" || bail "no network namespaces of our own"
left() { nsenter -n -t "$LEFT" "$@"; }
right() { nsenter -n -t "$RIGHT" "$@"; }
left ip link add wv0 type veth peer name wv1 && left ip link set wv1 netns "$RIGHT" || bail "no veth pair"
left ip addr add 10.77.0.1/24 dev wv0 && left ip link set wv0 up
right ip addr add 10.77.0.2/24 dev wv1 && right ip link set wv1 up
FAR=$(free_port)
start "$WORK/far.log" nsenter -n -t "$RIGHT" "$PYTHON" "$LIB/api_server.py" "any:$FAR"
far_listens() { left bash -c "exec 3<>/dev/tcp/10.77.0.2/$FAR"; }
wait_for 10 far_listens || bail "the far server does not listen"
# In the left one two addresses that nobody has: a port that is redirected, and a service that is elsewhere.
NEAR=$(free_port) REDIRECTED=$(free_port) BEHIND=$(free_port)
start "$WORK/near.log" nsenter -n -t "$LEFT" "$PYTHON" "$LIB/api_server.py" "$NEAR"
start "$WORK/behind.log" nsenter -n -t "$RIGHT" "$PYTHON" "$LIB/api_server.py" "any:$BEHIND"
left ip link set lo up && left ip route add 10.96.0.0/24 dev wv0 && left nft -f - <<END || bail "no network address translation here"
table ip weir {
	chain output {
		type nat hook output priority -100;
		ip daddr 127.0.0.1 tcp dport $REDIRECTED redirect to :$NEAR
		ip daddr 10.96.0.1 tcp dport 80 dnat to 10.77.0.2:$BEHIND
	}
}
END
near_listens() { left bash -c "exec 3<>/dev/tcp/127.0.0.1/$REDIRECTED"; }
behind_listens() { left bash -c "exec 3<>/dev/tcp/10.96.0.1/80"; }
wait_for 10 near_listens && wait_for 10 behind_listens || bail "the translated servers do not listen"
start_weir --policy "$LIB/card.yaml"

podman --root "$FAKE/var/lib/containers/storage" --runroot "$WORK/podman" --cgroup-manager cgroupfs --events-backend none run --rm --name ledger \
	--cgroup-parent "/$SLICE" --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 -v /usr:/usr:ro -v /etc:/etc:ro \
	-v "$ROOT:$ROOT:ro" --rootfs "$WORK/rootfs" $(client "http://localhost:$HTTP_PORT/api/orders" 0 5) >"$WORK/podman.log" 2>&1 ||
	not_ok "podman: $(tail -n 2 "$WORK/podman.log")"
# What runs in these containers is over, and the cgroup gone, before the monitor has a CPU.
kill -STOP "$WEIR_PID"
runc --root "$WORK/runc" run --bundle "$BUNDLE" "weirtest$$" >"$WORK/runc.log" 2>&1 || not_ok "runc: $(tail -n 2 "$WORK/runc.log")"
# shellcheck disable=SC2046  # words
in_cgroup "docker-$DOCKER.scope" $(client "http://localhost:$HTTP_PORT/api/orders" 0 3)
# A container that runs containers: the inner one's files are below the root of the outer, which goes on.
INNER=$(hex64)
# shellcheck disable=SC2016  # expanded inside
LOG=$WORK/outer.log in_cgroup "docker-$DOCKER.scope" unshare -m sh -c 'mount -t tmpfs none /run && dir=/run/containerd/io.containerd.runtime.v2.task/default/$1 &&
	mkdir -p "$dir" "$2" && echo "{\"annotations\":{\"nerdctl/name\":\"cache\"}}" >"$dir/config.json" && shift && procs=$1/cgroup.procs && shift &&
	sh -c "echo \$\$ >\"\$0\" && exec \"\$@\"" "$procs" "$@"; echo "exit status $?"; exec sleep 300' sh "$INNER" "$CGROUPS/$SLICE/docker-$DOCKER.scope/nerdctl-$INNER.scope" \
	$(client "http://localhost:$HTTP_PORT/api/orders" 0 4)
OUTER=$PID
wait_for 20 grep -q "exit status" "$WORK/outer.log" && grep -q "exit status 0" "$WORK/outer.log" ||
	not_ok "the client in a container in a container: $(cat "$WORK/outer.log")"
kill -CONT "$WEIR_PID"
in_cgroup orders.service $(client "http://localhost:$HTTP_PORT/api/orders" 0 2)
in_cgroup user.slice/session-9.scope setpriv --reuid=nobody --regid=nogroup --clear-groups $(client "http://localhost:$HTTP_PORT/api/orders" 0 11)
$(client "http://127.0.0.1:$PROXY/echo/orders" 0 13)
$(client "http://127.0.0.1:$DUAL/echo/orders" 0 17)
left $(client "http://10.77.0.2:$FAR/echo/orders" 0 19)
left $(client "http://127.0.0.1:$REDIRECTED/echo/orders" 0 23)
left $(client "http://10.96.0.1/echo/orders" 0 29)

settle
stop "$OUTER"
read_weir flows flows --sum
read_weir coverage coverage
has() { # WORKLOAD EXCHANGES SENTENCE
	is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=client workload="$1")" "$2" "$3"
}
who() { # WORKLOAD FIELD VALUE SENTENCE
	is "$(rows "$WORK/flows.json" values "$2" port="$HTTP_PORT" role=client workload="$1" exchanges!=0 | xargs)" "$3" "$4"
}
POD=payments/api-7d9c6b5f4-x2x9k
has "$POD" 7 "7 requests of a pod are its own"
who "$POD" container api "with the container's name"
who "$POD" container_id "${K8S:0:12}" "and id"
who "$POD" namespace payments "and the namespace"
who "$POD" runtime containerd "and the runtime"
has ledger 5 "5 requests of a Podman container are its own"
who ledger runtime podman "with the runtime"
has shop-front-1 3 "3 requests of a Docker container are its own"
who shop-front-1 container_id "${DOCKER:0:12}" "with its id"
has shop-front-1/cache 4 "4 requests of a container in that container are the inner one's"
who shop-front-1/cache container_id "${INNER:0:12}" "by its own id"
has orders.service 2 "2 requests of a system service are its own"
who orders.service user root "and root's"
PROGRAM=$(rows "$WORK/flows.json" values workload port="$HTTP_PORT" role=client container=null unit=session-9.scope exchanges!=0)
matches <(echo "$PROGRAM") '^python3[.0-9]*:client.py$' "the workload of a login session is the program"
has "$PROGRAM" 11 "11 requests of a login session are the program's"
who "$PROGRAM" user nobody "of the user who ran it"
who "$PROGRAM" uid "$(id -u nobody)" "by number too"
is "$(rows "$WORK/coverage.json" values user workload="$PROGRAM" 'pid!=null' uid="$(id -u nobody)" | xargs)" nobody "and so in its coverage"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server)" 32 "the server saw all 32"
is "$(rows "$WORK/flows.json" values peer port="$HTTP_PORT" role=server exchanges!=0 | xargs)" \
	"$(printf '%s\n' ledger orders.service "$POD" "$PROGRAM" shop-front-1 shop-front-1/cache | sort | xargs)" "and names each of them as its peer"

pair() { # PORT EXCHANGES SENTENCE
	is_exactly "$1" "$2" "$3"
	is "$(rows "$WORK/flows.json" distinct pair port="$1" exchanges!=0)" 1 "$3: both ends are one pair"
	is "$(rows "$WORK/flows.json" count port="$1" exchanges!=0 pair=null)" 0 "$3: no end stands alone"
	is "$(rows "$WORK/flows.json" pairs port="$1")" "$2" "$3: counted once"
}
pair "$PROXY" 13 "from a client to a proxy"
pair "$API" 13 "from the proxy to its server"
differs "$(rows "$WORK/flows.json" values pair port="$PROXY" exchanges!=0)" "$(rows "$WORK/flows.json" values pair port="$API" exchanges!=0)" \
	"before and behind a proxy are two pairs"
is "$(rows "$WORK/flows.json" values peer port="$API" role=server exchanges!=0)" nginx "the server's peer is the proxy"
pair "$DUAL" 17 "from an IPv4 socket to an IPv6 one"
pair "$FAR" 19 "between two network namespaces"
is "$(rows "$WORK/flows.json" values peer port="$FAR" role=server exchanges!=0)" "$PROGRAM" "the far server's peer is the program at the other end"
translated() { # CLIENT'S-PORT SERVER'S-PORT EXCHANGES SENTENCE
	local role port=$1
	for role in client server; do
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$role route=/echo/orders)" "$3" "$4: exchanges of the $role"
		port=$2
	done
	is "$(rows "$WORK/flows.json" values pair port="$1" role=client exchanges!=0)" "$(rows "$WORK/flows.json" values pair port="$2" role=server exchanges!=0)" \
		"$4: both ends are one pair"
	is "$(rows "$WORK/flows.json" values peer port="$2" role=server exchanges!=0)" "$PROGRAM" "$4: the server's peer is the program at the other end"
}
translated "$REDIRECTED" "$NEAR" 23 "through a redirected port"
translated 80 "$BEHIND" 29 "through a service's address"
