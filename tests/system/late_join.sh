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
# This one never says anything again.
hold idle "https://localhost:$HTTPS_PORT/api/orders"
idle=$PID
# And both ends in a network of their own.
far=$(free_port)
mkfifo "$WORK/far.orders"
start "$WORK/far.held" unshare -n bash -c 'ip link set lo up && { "$1" "$2/api_server.py" "$3" "$4" "$5" & } && echo $! >"$6.pid" &&
	until (exec 3<>"/dev/tcp/127.0.0.1/$3"); do sleep 0.1; done 2>/dev/null
	exec "$1" "$2/client.py" held "https://localhost:$3/echo/orders" "$6.orders"' - "$PYTHON" "$LIB" "$far" "$CERT" "$KEY" "$WORK/far"
wait_for 10 grep -q connected "$WORK/far.held" || bail "the old client in a network of its own does not connect: $(tail -n 1 "$WORK/far.held")"
started+=("$(cat "$WORK/far.pid")")
start_weir --policy "$LIB/card.yaml"

exec 4>"$WORK/http.orders" 5>"$WORK/https.orders" 6>"$WORK/idle.orders" 7>"$WORK/far.orders"
echo 1 8 >&7
echo 1 30 >&4
echo 1 30 >&5
sent() { grep -q sent "$WORK/$1.held"; }
wait_for 20 sent http || not_ok "29 requests over the old HTTP connection were answered"
wait_for 20 sent https || not_ok "29 requests over the old HTTPS connection were answered"

wait_for 20 sent far || not_ok "7 requests over the old connection in a network of its own were answered"

# New ones beside them, from new processes to the old server.
"$PYTHON" "$LIB/client.py" urllib "https://localhost:$HTTPS_PORT/api/orders" 30 41 || not_ok "client.py: exit status $?"
"$PYTHON" "$LIB/client.py" urllib "http://localhost:$HTTP_PORT/api/orders" 30 41 || not_ok "client.py: exit status $?"
exec 4>&- 5>&- 7>&-

settle
exec 6>&-
read_weir flows flows --sum
read_weir coverage coverage
is_exactly "$HTTP_PORT" 40 "29 requests over an old connection and 11 over new ones"
is_exactly "$HTTPS_PORT" 40 "29 requests over an old TLS session and 11 over new ones"
is_exactly "$far" 7 "7 requests over an old TLS session in a network of its own"
is "$(rows "$WORK/coverage.json" values state pid="$idle")" unproven "a process that was connected before and is silent since is known"
is "$(rows "$WORK/coverage.json" values reason pid="$idle")" no_traffic "and why nothing is known of it"
for port in "$HTTP_PORT" "$HTTPS_PORT"; do
	has_findings "$port" client pan sent 40
	has_findings "$port" server pan received 40
	is "$(rows "$WORK/flows.json" unexplained port="$port")" 0 "no byte of port $port is unexplained"
done
is "$(rows "$WORK/flows.json" values tls.state port="$HTTPS_PORT" exchanges!=0)" present "the old session is known to be TLS"
is "$(rows "$WORK/flows.json" values role port="$HTTPS_PORT" exchanges!=0 | xargs)" "client server" "who opened the old connection is known"
is "$(rows "$WORK/coverage.json" count exe~nginx 'pid!=null' 'bytes.moved!=0' state=blind)" 0 "the old server is not blind"
