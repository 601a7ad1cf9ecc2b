#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What nobody would look at is not copied, and counted skipped to the byte: the rest of a body that
# no decoder takes, a protocol that nobody knows. Every exchange is still there. And a verdict that
# an attacker's analyst gives hides what it says, is counted, and dies with the analyst.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx sqlite3
need_helper forge
books() { sqlite3 "$STATE/index.sqlite" "SELECT coalesce(sum(json_extract(doc,'\$.books.$1')),0) FROM leaf WHERE type='heartbeat'"; }
balances() { # PORT; both ends: nothing lost, nothing unexplained, something skipped, and the same moved
	local role examined opaque skipped framing moved lost unexplained first=
	for role in client server; do
		read -r examined opaque skipped framing moved lost unexplained <<<"$(rows "$WORK/flows.json" sum \
			bytes.examined,bytes.opaque,bytes.skipped,bytes.framing,bytes.moved,bytes.lost,bytes.unexplained port="$1" role=$role)"
		is "$lost $unexplained" "0 0" "port $1, $role: no byte is lost or unexplained"
		at_least "$skipped" 1000000 "port $1, $role: bytes were skipped"
		is $((examined + opaque + skipped + framing)) "$moved" "port $1, $role: examined, opaque, skipped and framing are all that moved"
		is "$moved" "${first:=$moved}" "port $1: both ends moved the same"
	done
}

# 94 posts with a card and an address, 3 downloads of 8 MiB that are said to be pictures: 97 requests, HTTP and HTTPS.
# What this script starts from now on is watched and nothing else: a busy host would fill the ring.
start_weir --policy "$LIB/card.yaml" --ring 64 --pid $$
start_nginx
"$PYTHON" -c 'import random, sys; sys.stdout.buffer.write(random.Random(11).randbytes(8 << 20))' >"$PAGES/blob.jpg"
chmod 644 "$PAGES/blob.jpg"
for url in "http://127.0.0.1:$HTTP_PORT" "https://127.0.0.1:$HTTPS_PORT"; do
	"$PYTHON" "$LIB/sight_peer.py" http "$WEIR_PID" "$url/api/orders" /pages/blob.jpg || not_ok "sight_peer.py $url: exit status $?"
done
"$PYTHON" "$LIB/sight_peer.py" blob "$WEIR_PID" 211 65537 >"$WORK/blob" || not_ok "sight_peer.py blob: exit status $?"
port=$(head -n 1 "$WORK/blob")
is "$(requests_logged "$HTTP_PORT") $(requests_logged "$HTTPS_PORT")" "97 97" "nginx logged 97 requests a port"
settle
read_weir flows flows --sum
read_weir coverage coverage
for p in "$HTTP_PORT" "$HTTPS_PORT"; do
	is_exactly "$p" 97 "97 requests are 97 exchanges on port $p"
	has_findings "$p" client pan sent 94
	has_findings "$p" server pan received 94
	has_findings "$p" server email sent 94
	balances "$p"
done
balances "$port"
read -r moved examined opaque <<<"$(rows "$WORK/flows.json" sum bytes.moved,bytes.examined,bytes.opaque port="$port" role=client)"
is "$moved $examined" "$((211 * (65537 + 7))) 0" "of the unknown protocol all that was sent has moved, and none was examined"
at_least "$opaque" 65536 "the beginning is opaque"
unwanted=$(rows "$WORK/coverage.json" sum reasons.unwanted pid!=null)
at_least "$unwanted" 1000000 "coverage names what was skipped"
at_least "$(books unwanted)" 100 "the books count the calls"
at_least "$unwanted" "$(books bytes_unwanted)" "and their bytes, which all processes have"
at_least "$(books bytes_unwanted)" $((unwanted / 2)) "few were copied before the kernel knew"

# Forged: everything is hidden of the connections that are. What is new is seen; the hidden is counted.
stop "$NGINX_PID"
start_weir --policy "$LIB/card.yaml" --pid $$
start_nginx
mkfifo "$WORK/fifo"
start "$WORK/held.log" "$PYTHON" "$LIB/client.py" held "http://localhost:$HTTP_PORT/api/held" "$WORK/fifo"
held=$PID
exec 7>"$WORK/fifo"
wait_for 10 grep -q connected "$WORK/held.log" || bail "client.py holds a connection"
says_sent() { [ "$(grep -c sent "$WORK/held.log")" -ge "$1" ]; }
analyst=$(role_pid analyst)
is "$("$HELPERS/forge" "$analyst" verdicts 307)" $((61 * 9 + 307 + 1)) "a flood of verdicts is read by the monitor"
echo 1 6 >&7
wait_for 10 says_sent 1 || not_ok "the held connection goes on"
"$PYTHON" "$LIB/client.py" session "http://localhost:$HTTP_PORT/api/new" 0 7 || not_ok "client.py: exit status $?"
is "$(role_pid analyst)" "$analyst" "nobody died of it"
matches "$WORK/weir.err" 'a verdict of the analyst is not heeded' "what is malformed is told"
kill -KILL "$analyst"
replaced() { local now; now=$(role_pid analyst); [ -n "$now" ] && [ "$now" != "$analyst" ] && grep -q '^Seccomp:.*2' "/proc/$now/status"; }
wait_for 15 replaced || not_ok "the analyst is replaced"
echo 6 9 >&7
wait_for 10 says_sent 2 || not_ok "the held connection goes on"
exec 7>&-
wait_for 10 gone "$held"
settle
read_weir flows flows --sum
for role in client server; do
	is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=$role route=/api/new)" 7 "$role: a new connection is seen whole"
	is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=$role route=/api/held)" 4 \
		"$role: of the hidden one what was before, and what came when the analyst was another"
	read -r skipped unexplained <<<"$(rows "$WORK/flows.json" sum bytes.skipped,bytes.unexplained port="$HTTP_PORT" role=$role)"
	is "$unexplained" 0 "$role: no byte is unexplained"
	at_least "$skipped" 1000 "$role: what was hidden is counted skipped"
done
at_least "$(books bytes_unwanted)" 2000 "the books say how much was hidden"
run "$WEIR" ledger verify --state "$STATE"
exits 0 "the ledger verifies"
