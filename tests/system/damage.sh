#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does the account hold when records are missing? Real programs over TLS and in the clear are recorded, and what was
# recorded is replayed as it would be with a ring that was full now and then, with weir begun in the middle, and with all that
# was moved at the end missing. Connections are among it that were open when the recording began, and when it ended. Every byte
# of every flow has a name, none is told twice or taken back, and no more is examined or framing than where nothing is missing.
# (A direction of TLS in which something is missing balances by what it admits, see stream/tls_record.c: there the last is the test.)
# Other moments and other losses: SEEDS=100.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need_weir
need node curl
start_nginx
api=$(free_port) loop=$(free_port)
start "$WORK/api.log" node "$LIB/node_peer.js" server "$api" "$CERT" "$KEY"
start "$WORK/loop.log" "$PYTHON" "$LIB/asyncio_peer.py" asyncio server "$loop" "$CERT" "$KEY"
for port in "$api" "$loop"; do wait_for 10 listens "$port" || bail "no server on port $port"; done
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97

# One in the clear and one over TLS that are older than the recording, two more of which only the ends are.
hold() { # NAME URL
	mkfifo "$WORK/$1.orders"
	start "$WORK/$1.held" "$PYTHON" "$LIB/client.py" held "$2" "$WORK/$1.orders"
	wait_for 30 grep -q connected "$WORK/$1.held" || bail "the $1 client does not connect: $(tail -n 1 "$WORK/$1.held")"
}
hold http "http://localhost:$HTTP_PORT/api/held"
hold https "https://localhost:$HTTPS_PORT/api/held"
exec 4>"$WORK/http.orders" 5>"$WORK/https.orders"

start "$WORK/record.log" "$WEIR" record "$WORK/all.weir" --yes
RECORDER=$PID
wait_for 20 grep -q '^ready' "$WORK/record.log" || bail "weir record is not ready: $(tail -n 3 "$WORK/record.log")"
hold newer "http://localhost:$HTTP_PORT/api/newer"
hold newers "https://localhost:$HTTPS_PORT/api/newer"
exec 6>"$WORK/newer.orders" 7>"$WORK/newers.orders"
sent_so_often() { [ "$(grep -c sent "$WORK/$1.held")" = "$2" ]; }
held() { # FROM TO NTH: over all four
	local fd name
	for fd in 4 5 6 7; do echo "$1 $2" >&$fd; done
	for name in http https newer newers; do
		wait_for 30 sent_so_often "$name" "$3" || not_ok "the $name client has sent $1 to $2"
	done
}
held 1 8 1
for how in new kept many; do
	node "$LIB/node_peer.js" client "https://localhost:$api/api/orders" "$WORK/bodies" 0 31 $how || not_ok "node client $how: exit status $?"
	node "$LIB/node_peer.js" client "https://localhost:$HTTPS_PORT/api/orders" "$WORK/bodies" 31 54 $how || not_ok "node client $how: exit status $?"
done
"$PYTHON" "$LIB/asyncio_peer.py" asyncio client "https://localhost:$loop/api/orders" 0 61 7 || not_ok "asyncio client: exit status $?"
curl -sk -o /dev/null "https://localhost:$HTTPS_PORT/api/[1-53]" || not_ok "curl: exit status $?"
curl -s -o /dev/null "http://localhost:$HTTP_PORT/api/[1-53]" || not_ok "curl: exit status $?"
for i in $(seq 23); do curl -sk --tls-max 1.2 -o /dev/null "https://localhost:$HTTPS_PORT/api/$i" || not_ok "curl $i: exit status $?"; done
held 8 19 2
# Connections begin and end while the recording ends.
before=$(requests_logged "$HTTP_PORT")
start "$WORK/busy.log" "$PYTHON" -c 'import socket, sys
while True:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as conn:
        conn.sendall(b"GET /api/busy HTTP/1.0\r\n\r\n")
        while conn.recv(4096):
            pass' "$HTTP_PORT"
BUSY=$PID
wait_for 20 logged_at_least "$HTTP_PORT" $((before + 53)) || not_ok "somebody is busy"
kill -INT "$RECORDER"
wait "$RECORDER"
stop "$BUSY"
# Of the one that is under way just then both ends may have left it to the kernel to close it.
"$PYTHON" "$LIB/damage.py" --ends "$WORK/all.weir" >"$WORK/ends"
at_least 2 "$(wc -l <"$WORK/ends")" "of each connection is told how far it came: $(tail -n 3 "$WORK/ends" | xargs)"
exec 4>&- 5>&- 6>&- 7>&-

replayed() { # NAME FILE [WHOLE]
	LIMIT=60 run "$WEIR" replay "$2" --policy "$LIB/card.yaml" -o json
	[ "$STATUS" = 0 ] || not_ok "$1 is replayed: exit status $STATUS: $(tail -n 2 "$ERR")"
	"$PYTHON" "$LIB/damage.py" --check "$OUT" ${3:+"$3"} >"$WORK/bad"
	if [ -s "$WORK/bad" ]; then not_ok "$1: $(wc -l <"$WORK/bad") accounts do not hold:"; head -3 "$WORK/bad" | note; else ok "$1: each account holds"; fi
}
damaged() { # HOW SHARE
	local seed
	for seed in $(seq "${SEEDS:-7}"); do
		"$PYTHON" "$LIB/damage.py" "$WORK/all.weir" "$WORK/damaged.weir" "$seed" "$@" || not_ok "damage.py $seed $*: exit status $?"
		replayed "$*, seed $seed" "$WORK/damaged.weir" "$WORK/whole.json"
	done
}
replayed "all that was recorded" "$WORK/all.weir"
cp "$OUT" "$WORK/whole.json"
is "$(rows "$WORK/whole.json" sum exchanges type=flow port="$HTTP_PORT" role=client route=/api/held)" 18 "18 requests over a connection that was there before and after"
is "$(rows "$WORK/whole.json" sum exchanges type=flow port="$HTTPS_PORT" role=client route=/api/held)" 18 "and over TLS"
is "$(rows "$WORK/whole.json" sum exchanges type=flow port="$HTTP_PORT" role=client route=/api/newer)" 19 "19 over one that was there only after"
is "$(rows "$WORK/whole.json" sum exchanges type=flow port="$HTTPS_PORT" role=client route=/api/newer)" 19 "and over TLS"
damaged lose 0.02
damaged lose 0.2
damaged late
for seed in $(seq "${SEEDS:-7}"); do
	"$PYTHON" "$LIB/damage.py" "$WORK/all.weir" "$WORK/who.weir" "$seed" who || not_ok "damage.py $seed who: exit status $?"
	LIMIT=60 run "$WEIR" replay "$WORK/who.weir" --policy "$LIB/card.yaml" -o json
	exits 3 "nonsense for whose a connection was, seed $seed, ends the replay there"
	matches "$ERR" 'what came before it is shown' "and it says so"
done
# Port 0: plaintext whose socket is not known.
for seed in $(seq "${SEEDS:-3}"); do
	for how in known tail; do
		"$PYTHON" "$LIB/damage.py" "$WORK/all.weir" "$WORK/$how.weir" "$seed" $how || not_ok "damage.py $seed $how: exit status $?"
		replayed "$how, seed $seed" "$WORK/$how.weir"
		rows "$OUT" sum bytes.moved type=flow port!=0 >"$WORK/$how.moved"
	done
	is "$(cat "$WORK/tail.moved")" "$(cat "$WORK/known.moved")" "seed $seed: what moved after the last record is told"
done
