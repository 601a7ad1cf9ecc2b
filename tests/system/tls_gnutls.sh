#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# GnuTLS: 97 requests to nginx by wget, gnutls-cli and a program that sends and receives in
# every way the library has (corked, tail calls, sends that would block and are made again with
# no buffer), and 97 to servers with GnuTLS, one of which forks in the middle of a session.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need wget nginx gnutls-cli gnutls-serv curl
ldd "$(command -v wget)" | grep -q libgnutls || bail "this host's wget does not use GnuTLS"
start_nginx
card_of() { "$PYTHON" -c "import sys; sys.path.insert(0, '$LIB'); import plant; print(plant.card($1))"; }
peer=$(free_port)
start "$WORK/peer.log" "$PYTHON" "$LIB/gnutls_peer.py" server "$peer" "$CERT" "$KEY"
api=$(free_port)	# TLS 1.3: nginx here may speak 1.2
start "$WORK/api.log" "$PYTHON" "$LIB/api_server.py" "$api" "$CERT" "$KEY"
forks=$(free_port)
start "$WORK/forks.log" "$PYTHON" "$LIB/gnutls_peer.py" server "$forks" "$CERT" "$KEY" fork
# The same program with a library whose code is not the known one: probed at what it exports.
mkdir "$WORK/lib"
run "$PYTHON" "$LIB/gnutls_peer.py" other "$WORK/lib/libgnutls.so.30"
[ "$STATUS" = 0 ] || bail "no other libgnutls: $(cat "$OUT" "$ERR")"
other=$(free_port)
start "$WORK/other.log" env LD_LIBRARY_PATH="$WORK/lib" "$PYTHON" "$LIB/gnutls_peer.py" server "$other" "$CERT" "$KEY"
tool=$(free_port)
start "$WORK/serv.log" gnutls-serv --http --quiet --port "$tool" --x509certfile "$CERT" --x509keyfile "$KEY"
for port in "$peer" "$api" "$forks" "$other" "$tool"; do wait_for 10 listens "$port" || bail "no server on port $port"; done
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
start_weir --policy "$LIB/card.yaml"

# ---- clients ----

for i in $(seq 0 12); do
	wget -q --no-check-certificate -O "$WORK/answer" --header='Content-Type: application/json' \
		--post-file="$WORK/bodies/$i.json" "https://localhost:$HTTPS_PORT/api/orders" || not_ok "wget $i: exit status $?"
done
# One connection; what it says to the end is that it may close.
for i in $(seq 13 23); do
	printf 'POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: %s\r\n\r\n' \
		"$(stat -c %s "$WORK/bodies/$i.json")" "$([ "$i" = 23 ] && echo close || echo keep-alive)"
	cat "$WORK/bodies/$i.json"
done >"$WORK/requests"
timeout 20 gnutls-cli --insecure --no-ca-verification -p "$HTTPS_PORT" localhost <"$WORK/requests" >"$WORK/cli.log" 2>&1
is "$(grep -c 'HTTP/1.1 200' "$WORK/cli.log")" 11 "gnutls-cli had 11 answers"
run "$PYTHON" "$LIB/gnutls_peer.py" client "$HTTPS_PORT" "$WORK/bodies" send 24 31 send2 31 38 cork 38 49 \
	file 49 59 again-same 59 64 again-null 64 75 again-part 75 80 nonblocking 80 83 seq 83 88 packet 88 93 tiny 93 97
is "$(cat "$OUT")" "sent 73" "a program with GnuTLS had 73 answers"
run "$PYTHON" "$LIB/gnutls_peer.py" client "$api" "$WORK/bodies" cork 0 5 range 5 10 send2 10 13 file 13 18 again-null 18 23 \
	again-part 23 28 nonblocking 28 31 seq 31 34 packet 34 37 tiny 37 41
is "$(cat "$OUT")" "sent 41" "and 41 over TLS 1.3"
wait_for 5 logged_at_least "$HTTPS_PORT" 97
is "$(requests_logged "$HTTPS_PORT")" 97 "nginx itself logged 97 requests"

# ---- servers ----

client() { "$PYTHON" "$LIB/client.py" "$@" || not_ok "client.py $1 $2: exit status $?"; }
client session "https://localhost:$peer/api/orders" 0 31
client urllib "https://localhost:$peer/api/orders" 31 48
run env LD_LIBRARY_PATH="$WORK/lib" "$PYTHON" "$LIB/gnutls_peer.py" client "$other" "$WORK/bodies" send 0 3 cork 3 11 again-null 11 16 \
	again-part 16 19 nonblocking 19 21 packet 21 26 tiny 26 29
is "$(cat "$OUT")" "sent 29" "the same program had 29 answers with another library"
client session "https://localhost:$forks/api/orders" 48 79
for i in $(seq 79 96); do
	curl -sk -m 10 -o "$WORK/answer" "https://localhost:$tool/?card=$(card_of "$i")" || not_ok "curl $i: exit status $?"
done
is "$(grep -c POST "$WORK/peer.log")" 48 "a server with GnuTLS had 48 requests"
is "$(grep -c POST "$WORK/other.log")" 29 "the one with another library had 29"
is "$(grep -c POST "$WORK/forks.log")" 31 "one that forks had 31"

settle
read_weir flows flows --sum
read_weir coverage coverage
is_exactly "$HTTPS_PORT" 97 "97 requests by GnuTLS"
has_findings "$HTTPS_PORT" client pan sent 97
has_findings "$HTTPS_PORT" client email sent 97
has_findings "$HTTPS_PORT" client email received 97
has_findings "$HTTPS_PORT" server pan received 97
is_exactly "$api" 41 "41 requests by GnuTLS over TLS 1.3"
has_findings "$api" client pan sent 41
has_findings "$api" server pan received 41
is_exactly "$peer" 48 "48 requests to a server with GnuTLS"
is_exactly "$other" 29 "29 requests between two ends with another library"
is_exactly "$forks" 31 "31 requests to one that forks in a session"
for port in "$peer" "$other" "$forks"; do
	case $port in "$peer") n=48 ;; "$other") n=29 ;; *) n=31 ;; esac
	for class in pan email; do
		has_findings "$port" server $class received $n
		has_findings "$port" server $class sent $n
		has_findings "$port" client $class received $n
	done
done
is_exactly "$tool" 18 "18 requests to gnutls-serv"
has_findings "$tool" client pan sent 18
has_findings "$tool" server pan received 18

for port in "$HTTPS_PORT" "$api" "$peer" "$other" "$forks" "$tool"; do
	is "$(rows "$WORK/flows.json" values binding port="$port" exchanges!=0)" exact "port $port: each session is bound to its socket exactly"
	for side in client server; do
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "port $port: no byte of the $side is unexplained"
		is "$(rows "$WORK/flows.json" sum bytes.lost port="$port" role=$side)" 0 "port $port: no byte of the $side is lost"
		is "$(rows "$WORK/flows.json" sum bytes.opaque port="$port" role=$side exchanges!=0)" 0 "port $port: no byte of the $side is opaque"
	done
done
library=$(basename "$(readlink -f "$(ldd "$(command -v wget)" | awk '/libgnutls\.so/ { print $3 }')")")
is "$(rows "$WORK/coverage.json" values state workload=wget library="$library")" visible "wget is visible"
is "$(rows "$WORK/flows.json" sum exchanges workload~gnutls_peer role!=client role!=server)" 0 "nothing was told without its socket"
tls_row GnuTLS "wget, gnutls-cli, ctypes" client "$HTTPS_PORT" 97
tls_row GnuTLS ctypes server "$peer" 48
tls_row GnuTLS gnutls-serv server "$tool" 18
tls_row "GnuTLS, code not known" ctypes server "$other" 29
