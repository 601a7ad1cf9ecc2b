#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Mbed TLS and wolfSSL, Debian's own: 97 requests by a client of each to nginx, and 97 by another
# client to a server of each; sessions in memory that is used again, requests in pieces, answers
# read in small ones. The socket is used inside their calls, so that sessions are bound exactly.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx openssl
for name in libmbedtls libwolfssl; do
	ls /usr/lib/*/$name.so.* >/dev/null 2>&1 || bail "no $name on this host: scripts/bootstrap test installs it"
done
start_nginx
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
dd if=/dev/zero bs=1 count=40000 2>/dev/null | tr '\0' ' ' >>"$WORK/bodies/96.json"	# several records
PEER=$LIB/small_tls_peer.py
declare -A port
for library in mbedtls wolfssl; do
	port[$library]=$(free_port)
	start "$WORK/$library.log" "$PYTHON" "$PEER" $library server "${port[$library]}" "$CERT" "$KEY"
	wait_for 10 listens "${port[$library]}" || bail "the $library server does not listen: $(tail -n 1 "$WORK/$library.log")"
done
start_weir --policy "$LIB/card.yaml"

for library in mbedtls wolfssl; do
	: >"$ACCESS_LOG"
	run "$PYTHON" "$PEER" $library client "$HTTPS_PORT" "$WORK/bodies" 0 60 7
	is "$(cat "$OUT")" "sent 60" "$library: a client had 60 answers of nginx"
	wait_for 5 logged_at_least "$HTTPS_PORT" 60
	is "$(requests_logged "$HTTPS_PORT")" 60 "$library: nginx itself logged 60"
	run "$PYTHON" "$PEER" $library client "${port[$library]}" "$WORK/bodies" 60 97 11
	is "$(cat "$OUT")" "sent 37" "$library: it had 37 of the server with the same library"
	"$PYTHON" "$LIB/client.py" session "https://localhost:${port[$library]}/api/orders" 0 60 || not_ok "client.py $library: exit status $?"
	is "$(grep -c POST "$WORK/$library.log")" 97 "$library: the server itself logged 97"
done

settle
read_weir flows flows --sum
read_weir coverage coverage
is_exactly "$HTTPS_PORT" 120 "60 requests by each of them to nginx"
has_findings "$HTTPS_PORT" client pan sent 120
has_findings "$HTTPS_PORT" client email received 120
has_findings "$HTTPS_PORT" server pan received 120
for library in mbedtls wolfssl; do
	is_exactly "${port[$library]}" 97 "$library: 97 requests to a server"
	for class in pan email; do
		has_findings "${port[$library]}" server $class received 97
		has_findings "${port[$library]}" server $class sent 97
		has_findings "${port[$library]}" client $class sent 97
		has_findings "${port[$library]}" client $class received 97
	done
done
for p in "$HTTPS_PORT" "${port[@]}"; do
	is "$(rows "$WORK/flows.json" values binding port="$p" exchanges!=0)" exact "port $p: each session is bound to its socket exactly"
	for what in opaque lost unexplained; do
		is "$(rows "$WORK/flows.json" sum bytes.$what port="$p")" 0 "port $p: no byte is $what"
	done
done
for name in libmbedtls libwolfssl; do
	is "$(rows "$WORK/coverage.json" values state workload~small_tls_peer library~$name)" visible "who has $name is visible"
done
is "$(rows "$WORK/flows.json" sum exchanges workload~small_tls_peer role!=client role!=server)" 0 "nothing was told without its socket"
tls_row "Mbed TLS" ctypes server "${port[mbedtls]}" 97
tls_row "wolfSSL" ctypes server "${port[wolfssl]}" 97
tls_row "Mbed TLS, wolfSSL" ctypes client "$HTTPS_PORT" 120
