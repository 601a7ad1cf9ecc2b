#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Processes and connections that are older than weir are seen from the next byte: requests
# over connections, and TLS sessions, that were open before, counted exactly.
. "$(dirname "$0")/../lib/lib.sh"
need_root
start_nginx

# Both clients connect and have one exchange that nobody watches.
hold() { # NAME URL
	mkfifo "$WORK/$1.orders"
	start "$WORK/$1.held" "$PYTHON" "$LIB/client.py" held "$2" "$WORK/$1.orders"
	wait_for 10 grep -q connected "$WORK/$1.held" || bail "the old $1 client does not connect: $(tail -n 1 "$WORK/$1.held")"
}
hold http "http://localhost:$HTTP_PORT/api/orders"
hold https "https://localhost:$HTTPS_PORT/api/orders"
start_weir --policy "$LIB/card.yaml"

exec 4>"$WORK/http.orders" 5>"$WORK/https.orders"
echo 1 30 >&4
echo 1 30 >&5
sent() { grep -q sent "$WORK/$1.held"; }
wait_for 20 sent http || not_ok "29 requests over the old HTTP connection were answered"
wait_for 20 sent https || not_ok "29 requests over the old HTTPS connection were answered"

# New ones beside them, from new processes to the old server.
"$PYTHON" "$LIB/client.py" urllib "https://localhost:$HTTPS_PORT/api/orders" 30 41 || not_ok "client.py: exit status $?"
"$PYTHON" "$LIB/client.py" urllib "http://localhost:$HTTP_PORT/api/orders" 30 41 || not_ok "client.py: exit status $?"
exec 4>&- 5>&-

settle
read_weir flows flows --sum
read_weir coverage coverage
is_exactly "$HTTP_PORT" 40 "29 requests over an old connection and 11 over new ones"
is_exactly "$HTTPS_PORT" 40 "29 requests over an old TLS session and 11 over new ones"
for port in "$HTTP_PORT" "$HTTPS_PORT"; do
	has_findings "$port" client pan sent 40
	has_findings "$port" server pan received 40
	is "$(rows "$WORK/flows.json" sum bytes.unexplained port="$port")" 0 "no byte of port $port is unexplained"
done
is "$(rows "$WORK/flows.json" values tls.state port="$HTTPS_PORT" exchanges!=0)" present "the old session is known to be TLS"
is "$(rows "$WORK/flows.json" values role port="$HTTPS_PORT" exchanges!=0 | xargs)" "client server" "who opened the old connection is known"
is "$(rows "$WORK/coverage.json" count exe~nginx 'pid!=null' 'bytes.moved!=0' state=blind)" 0 "the old server is not blind"
