#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 42 messages of the Forward protocol in its four modes, in clear and over TLS, between two ends that follow
# the specification, and 17 of a client that others made: each is an exchange on both sides by its tag, and each
# record's fields are found.
. "$(dirname "$0")/../lib/lib.sh"
need_root
make_cert
port=$(free_port) tls=$(free_port)
start "$WORK/server.log" "$PYTHON" "$LIB/fluent_peer.py" serve "$port" "$tls" "$CERT" "$KEY"
server=$PID
wait_for 30 listens "$port" && wait_for 30 listens "$tls" || bail "no server: $(tail -n 2 "$WORK/server.log")"
start_weir --policy "$LIB/card.yaml"
"$PYTHON" "$LIB/fluent_peer.py" send "$port" "$tls" 2>"$WORK/client.log" || not_ok "the client: $(tail -n 1 "$WORK/client.log")"
"$PYTHON" "$LIB/fluent_peer.py" log "$port" 2>"$WORK/client.log" || not_ok "python3-fluent-logger: $(tail -n 1 "$WORK/client.log")"
kill "$server"
wait_for 30 gone "$server"
is "$(tail -n 1 "$WORK/server.log")" "59 143" "the server itself had 59 messages with 143 records"
settle
read_weir flows flows --sum
for side in client server; do
	dir=$([ $side = client ] && echo sent || echo received)
	for row in "$port:app.orders:11" "$port:app.lists:7" "$port:app.packed:11" "$port:web.access:17" "$tls:app.orders:5" "$tls:app.lists:3" "$tls:app.packed:5"; do
		IFS=: read -r at route n <<<"$row"
		is "$(rows "$WORK/flows.json" sum exchanges protocol=fluent port="$at" role=$side route="$route")" "$n" "$n messages to $route, $side"
	done
	for class in email pan; do
		has_findings "$port" $side $class $dir 104
		has_findings "$tls" $side $class $dir 39
	done
	for at in "$port" "$tls"; do
		is "$(rows "$WORK/flows.json" sum exchanges port="$at" role=$side)" "$([ "$at" = "$port" ] && echo 46 || echo 13)" "and no other exchange, $side"
		is "$(rows "$WORK/flows.json" unexplained port="$at" role=$side)" 0 "no byte of the $side is unexplained"
		is "$(rows "$WORK/flows.json" sum bytes.opaque port="$at" role=$side)" 0 "no byte of the $side is opaque"
	done
done
