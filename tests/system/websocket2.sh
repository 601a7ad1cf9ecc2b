#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# WebSocket in streams of HTTP/2 between real programs: Hypercorn in clear, and HAProxy over TLS, which goes on to a
# server over HTTP/1; plain, deflated with and without context takeover, in fragments, several streams of a connection
# at once, and in a connection older than weir. Each message is an exchange on every side, and each address is found once.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need haproxy openssl
"$PYTHON" -c 'import h2, hypercorn, websockets, wsproto' || bail "no hypercorn in Debian's Python: scripts/bootstrap test installs it"
make_cert
for port in clear late proxy behind; do declare "$port=$(free_port)"; done
cat "$CERT" "$KEY" >"$WORK/both.pem"
cat >"$WORK/haproxy.cfg" <<END
defaults
	mode http
	timeout connect 30s
	timeout client 60s
	timeout server 60s
	timeout tunnel 60s
frontend front
	bind 127.0.0.1:$proxy ssl crt $WORK/both.pem alpn h2
	default_backend back
backend back
	server one 127.0.0.1:$behind
END
for port in clear late; do start "$WORK/$port.log" "$PYTHON" -B "$LIB/websocket2_peer.py" server "${!port}"; done
start "$WORK/behind.log" "$PYTHON" -B "$LIB/websocket_peer.py" server "$behind" keeps
start "$WORK/haproxy.log" haproxy -db -f "$WORK/haproxy.cfg"
for port in clear late proxy behind; do wait_for 20 listens "${!port}" || bail "no server on the $port port: $(cat "$WORK"/*.log)"; done
start "$WORK/early.log" "$PYTHON" -B "$LIB/websocket2_peer.py" client "$late" tcp plain 3 13 "$WORK/opened" "$WORK/gate"
early=$PID
wait_for 30 test -e "$WORK/opened" || bail "the connection older than weir has no answer: $(cat "$WORK/early.log")"
start_weir --policy "$LIB/card.yaml"

: >"$WORK/gate"
for row in "clear tcp plain 1 61" "clear tcp keeps 3 17" "clear tcp forgets 2 19" "proxy tls keeps 3 23" "proxy tls plain 1 31"; do
	read -r port how packing streams messages <<<"$row"
	LIMIT=60 run "$PYTHON" -B "$LIB/websocket2_peer.py" client "${!port}" "$how" "$packing" "$streams" "$messages"
	exits 0 "$streams times $messages messages, $packing, over $how"
done
wait_for 30 gone "$early" || not_ok "the older connection's client ends"
is "$(grep -c ^message "$WORK/clear.log")" $((61 + 51 + 38)) "the server itself counted so many messages"
is "$(grep -c ^message "$WORK/behind.log")" $((69 + 31)) "and the one behind the proxy"
is "$(grep -c ^message "$WORK/late.log")" 39 "and the one of the older connection"

settle
read_weir flows flows --sum
told() { # PORT ROLE MESSAGES STREAMS ROUTE SENTENCE; each message is answered, and each stream is closed
	is "$(rows "$WORK/flows.json" sum exchanges port="$1" role="$2" protocol=websocket route="$5")" $((2 * $3 + $4)) "$6: messages of the $2"
	is "$(rows "$WORK/flows.json" findings email "$([ "$2" = server ] && echo received || echo sent)" port="$1" role="$2" protocol=websocket)" "$3" \
		"$6: an address a message for the $2"
	is "$(rows "$WORK/flows.json" classes port="$1" role="$2" protocol=websocket)" "email:$([ "$2" = server ] && echo received || echo sent)" \
		"$6: the $2 has this class and no other"
}
for role in client server; do
	told "$clear" $role $((61 + 51 + 38)) 6 '/desk/{id}' "150 messages in clear"
	told "$proxy" $role $((69 + 31)) 4 '/desk/{id}' "100 messages over TLS"
	told "$behind" $role $((69 + 31)) 4 '/desk/{id}' "the same over HTTP/1"
	# The first message of each stream was before weir.
	told "$late" $role 36 3 null "36 messages in streams older than weir"
	is "$(rows "$WORK/flows.json" sum exchanges port="$clear" role=$role protocol=http2)" 6 "six requests of HTTP/2 asked for it ($role)"
	is "$(rows "$WORK/flows.json" sum exchanges port="$proxy" role=$role protocol=http2)" 4 "four over TLS ($role)"
	is "$(rows "$WORK/flows.json" sum exchanges port="$behind" role=$role protocol=http1)" 4 "four of HTTP/1 behind ($role)"
	for port in clear late proxy behind; do
		is "$(rows "$WORK/flows.json" unexplained port="${!port}" role=$role)" 0 "$port: no byte of the $role is unexplained"
		for fate in lost opaque skipped; do
			is "$(rows "$WORK/flows.json" sum bytes.$fate port="${!port}" role=$role)" 0 "$port: no byte of the $role is $fate"
		done
	done
done
