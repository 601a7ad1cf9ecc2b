#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Node.js, with OpenSSL inside the program and fed from memory: 97 requests between a server and
# clients of it, over new, kept and many connections, and others with TLS 1.2, to nginx, from
# curl. Each exchange is told once a side, under the connection that it went over, also where it is
# begun in a callback of the library, beside those of other connections.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need node curl
start_nginx
node() { command node "$LIB/node_peer.js" "$@"; }
api=$(free_port) old=$(free_port)
start "$WORK/api.log" env node "$LIB/node_peer.js" server "$api" "$CERT" "$KEY"
start "$WORK/old.log" env node "$LIB/node_peer.js" server "$old" "$CERT" "$KEY" TLSv1.2
called=$(free_port) called_old=$(free_port) plain=$(free_port)
start "$WORK/called.log" env node "$LIB/node_peer.js" server "$called" "$CERT" "$KEY"
start "$WORK/called_old.log" env node "$LIB/node_peer.js" server "$called_old" "$CERT" "$KEY" TLSv1.2
start "$WORK/plain.log" "$PYTHON" "$LIB/api_server.py" "$plain"
for port in "$api" "$old" "$called" "$called_old" "$plain"; do wait_for 10 listens "$port" || bail "no server on port $port"; done
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
start_weir --policy "$LIB/card.yaml"

client() { node client "$@" || not_ok "node client $*: exit status $?"; }
client "https://localhost:$api/api/orders" "$WORK/bodies" 0 29 new
client "https://localhost:$api/api/orders" "$WORK/bodies" 29 60 kept
client "https://localhost:$api/api/orders" "$WORK/bodies" 60 97 many
client "https://localhost:$old/api/orders" "$WORK/bodies" 0 7 new
client "https://localhost:$old/api/orders" "$WORK/bodies" 7 18 kept
for i in $(seq 18 22); do
	curl -sk --http1.1 -H 'Content-Type: application/json' --data-binary "@$WORK/bodies/$i.json" -o "$WORK/answer" \
		"https://localhost:$old/api/orders" || not_ok "curl $i: exit status $?"
done
client "https://localhost:$HTTPS_PORT/api/orders" "$WORK/bodies" 0 13 new
node callback "https://localhost:$called/api/orders" "http://localhost:$plain" "$WORK/bodies" 0 11 ||
	not_ok "node callback: exit status $?"
node callback "https://localhost:$called_old/api/orders" "http://localhost:$plain" "$WORK/bodies" 11 24 TLSv1.2 ||
	not_ok "node callback, TLS 1.2: exit status $?"
is "$(grep -c POST "$WORK/api.log")" 97 "the server itself logged 97 requests"
is "$(grep -c POST "$WORK/old.log")" 23 "the one with TLS 1.2 logged 23"

settle
read_weir flows flows --sum
read_weir coverage coverage
is_exactly "$api" 97 "97 requests between Node.js and Node.js"
is_exactly "$old" 23 "23 requests over TLS 1.2"
is_exactly "$HTTPS_PORT" 13 "13 requests to nginx"
is_exactly "$called" 22 "11 requests in callbacks, and 11 over another connection"
is_exactly "$called_old" 26 "13 with TLS 1.2, and 13 over another connection"
is_exactly "$plain" 24 "and over a plain one, in the same callbacks"
for class in pan email; do
	for port in "$api:97" "$old:23" "$called:22" "$called_old:26"; do
		has_findings "${port%:*}" server $class received "${port#*:}"
		has_findings "${port%:*}" server $class sent "${port#*:}"
		has_findings "${port%:*}" client $class sent "${port#*:}"
		has_findings "${port%:*}" client $class received "${port#*:}"
	done
	has_findings "$HTTPS_PORT" client $class sent 13
	has_findings "$HTTPS_PORT" server $class received 13
	has_findings "$plain" client $class sent 24
done
binding() { # PORT ROLE EXE BINDING
	is "$(rows "$WORK/flows.json" values binding port="$1" role="$2" exe~"$3" exchanges!=0)" "$4" "port $1: the sessions of the $2 $3 are bound: $4"
}
binding "$api" server node strong
binding "$api" client node strong
binding "$old" server node strong
binding "$old" client node strong
binding "$old" client curl exact
binding "$HTTPS_PORT" client node strong
binding "$plain" client node none
binding "$HTTPS_PORT" server nginx exact
for port in "$api" "$old" "$called" "$called_old" "$plain" "$HTTPS_PORT"; do
	for side in client server; do
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "port $port: no byte of the $side is unexplained"
		is "$(rows "$WORK/flows.json" sum bytes.lost port="$port" role=$side)" 0 "port $port: no byte of the $side is lost"
		is "$(rows "$WORK/flows.json" sum bytes.opaque port="$port" role=$side)" 0 "port $port: no byte of the $side is opaque"
	done
done
is "$(rows "$WORK/flows.json" sum exchanges binding=none exe~node tls.state!=absent)" 0 "no exchange of Node.js was told without its connection"
is "$(rows "$WORK/flows.json" sum bytes.moved port=0 exe~node)" 0 "and no byte"
is "$(rows "$WORK/coverage.json" values state exe~node 'pid!=null' bytes.moved!=0)" visible "Node.js is visible"
tls_row "OpenSSL 3 inside, from memory" Node.js server "$api" 97
tls_row "OpenSSL 3 inside, from memory" Node.js client "$api" 97
tls_row "OpenSSL 3 inside, TLS 1.2" Node.js server "$old" 23
