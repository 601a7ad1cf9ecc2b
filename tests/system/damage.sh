#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does the account hold when records are missing? Real programs over TLS and in the clear are recorded, and what was
# recorded is replayed as it would be with a ring that was full now and then, and with weir begun in the middle: every byte
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

start "$WORK/record.log" "$WEIR" record "$WORK/all.weir" --yes
RECORDER=$PID
wait_for 20 grep -q '^ready' "$WORK/record.log" || bail "weir record is not ready: $(tail -n 3 "$WORK/record.log")"
for how in new kept many; do
	node "$LIB/node_peer.js" client "https://localhost:$api/api/orders" "$WORK/bodies" 0 31 $how || not_ok "node client $how: exit status $?"
	node "$LIB/node_peer.js" client "https://localhost:$HTTPS_PORT/api/orders" "$WORK/bodies" 31 54 $how || not_ok "node client $how: exit status $?"
done
"$PYTHON" "$LIB/asyncio_peer.py" asyncio client "https://localhost:$loop/api/orders" 0 61 7 || not_ok "asyncio client: exit status $?"
curl -sk -o /dev/null "https://localhost:$HTTPS_PORT/api/[1-53]" || not_ok "curl: exit status $?"
curl -s -o /dev/null "http://localhost:$HTTP_PORT/api/[1-53]" || not_ok "curl: exit status $?"
for i in $(seq 23); do curl -sk --tls-max 1.2 -o /dev/null "https://localhost:$HTTPS_PORT/api/$i" || not_ok "curl $i: exit status $?"; done
kill -INT "$RECORDER"
wait "$RECORDER"

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
damaged lose 0.02
damaged lose 0.2
damaged late
