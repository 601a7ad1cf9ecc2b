#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# WebSocket between real programs: messages plain, deflated with and without context takeover, in
# fragments, through nginx with TLS on one side, and over a connection that is older than weir. Each
# message is an exchange, told once a side, and each address in it is found once.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx
"$PYTHON" -c 'import websockets' || bail "no websockets in Debian's Python: scripts/bootstrap test installs it"
make_cert
for port in plain keeps forgets late proxy; do declare "$port=$(free_port)"; done
NGINX_SERVERS="server {
		listen 127.0.0.1:$proxy ssl;
		ssl_certificate $CERT;
		ssl_certificate_key $KEY;
		location / {
			proxy_pass http://127.0.0.1:$keeps;
			proxy_http_version 1.1;
			proxy_set_header Upgrade \$http_upgrade;
			proxy_set_header Connection upgrade;
		}
	}"
start_nginx
peer() { "$PYTHON" -B "$LIB/websocket_peer.py" "$@"; }
for port in plain keeps forgets; do start "$WORK/$port.log" "$PYTHON" -B "$LIB/websocket_peer.py" server "${!port}" $port; done
start "$WORK/late.log" "$PYTHON" -B "$LIB/websocket_peer.py" server "$late" plain
for port in plain keeps forgets late; do wait_for 20 listens "${!port}" || bail "no $port server on port ${!port}: $(cat "$WORK/$port.log")"; done
start "$WORK/early.log" "$PYTHON" -B "$LIB/websocket_peer.py" client "ws://127.0.0.1:$late/desk/1" plain 0 14 "$WORK/opened" "$WORK/gate"
early=$PID
wait_for 30 test -e "$WORK/opened" || bail "the connection older than weir has no answer: $(cat "$WORK/early.log")"
start_weir --policy "$LIB/card.yaml"

: >"$WORK/gate"
for port in plain keeps forgets; do
	peer client "ws://127.0.0.1:${!port}/desk/17" $port 0 61 || not_ok "$port: exit status $?"
done
peer client "wss://127.0.0.1:$proxy/desk/19" keeps 61 98 || not_ok "through nginx: exit status $?"
wait_for 30 gone "$early" || not_ok "the older connection's client ends"
for row in plain:61 keeps:98 forgets:61 late:14; do
	is "$(grep -c ^message "$WORK/${row%:*}.log")" "${row#*:}" "the ${row%:*} server itself counted ${row#*:} messages"
done

settle
read_weir flows flows --sum
told() { # PORT ROLE MESSAGES ROUTE SENTENCE [CONNECTIONS]; each message is answered, and at the end of each connection is the closing
	is "$(rows "$WORK/flows.json" sum exchanges port="$1" role="$2" protocol=websocket route="$4")" $((2 * $3 + ${6:-1})) "$5: messages of the $2"
	is "$(rows "$WORK/flows.json" findings email "$([ "$2" = server ] && echo received || echo sent)" port="$1" role="$2" route="$4")" "$3" "$5: an address a message for the $2"
	is "$(rows "$WORK/flows.json" classes port="$1" role="$2" protocol=websocket)" "email:$([ "$2" = server ] && echo received || echo sent)" \
		"$5: the $2 has this class and no other"
}
for role in client server; do
	told "$plain" $role 61 '/desk/{id}' "61 plain messages"
	told "$forgets" $role 61 '/desk/{id}' "61 messages, each with a window of its own"
	told "$keeps" $role 98 '/desk/{id}' "98 messages in one window a connection" 2
	told "$proxy" $role 37 '/desk/{id}' "37 messages over TLS"
	told "$late" $role 13 null "13 messages over a connection older than weir"
	is "$(rows "$WORK/flows.json" sum exchanges port="$plain" role=$role protocol=http1)" 1 "one request of HTTP/1 asked for it ($role)"
done
for port in plain keeps forgets proxy late; do
	for side in client server; do
		is "$(rows "$WORK/flows.json" unexplained port="${!port}" role=$side)" 0 "$port: no byte of the $side is unexplained"
	done
	is "$(rows "$WORK/flows.json" sum bytes.lost port="${!port}")" 0 "$port: no byte is lost"
	is "$(rows "$WORK/flows.json" sum bytes.opaque port="${!port}")" 0 "$port: no byte is opaque"
done
