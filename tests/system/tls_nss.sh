#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# NSS: 97 requests to nginx over TLS by tstclnt and by a program that writes and reads in every
# way NSPR has, beside requests of the same program over descriptors without TLS, and requests
# to selfserv, a server with NSS.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx curl openssl tstclnt selfserv certutil pk12util
start_nginx
card_of() { "$PYTHON" -c "import sys; sys.path.insert(0, '$LIB'); import plant; print(plant.card($1))"; }
# selfserv takes its certificate from a database.
mkdir "$WORK/db"
run certutil -N -d "sql:$WORK/db" --empty-password
run openssl pkcs12 -export -name test -in "$CERT" -inkey "$KEY" -passout pass: -out "$WORK/test.p12"
run pk12util -i "$WORK/test.p12" -d "sql:$WORK/db" -K '' -W ''
[ "$STATUS" = 0 ] || bail "no database with a certificate: $(tail -n 1 "$ERR")"
tool=$(free_port)
start "$WORK/selfserv.log" selfserv -n test -p "$tool" -d "sql:$WORK/db" -V tls1.2:
wait_for 10 listens "$tool" || bail "selfserv does not listen: $(tail -n 1 "$WORK/selfserv.log")"
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
start_weir --policy "$LIB/card.yaml"

for i in $(seq 0 22); do
	printf 'POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: %s\r\n\r\n' \
		"$(stat -c %s "$WORK/bodies/$i.json")" "$([ "$i" = 22 ] && echo close || echo keep-alive)"
	cat "$WORK/bodies/$i.json"
done >"$WORK/requests"
timeout 20 tstclnt -D -o -h 127.0.0.1 -p "$HTTPS_PORT" <"$WORK/requests" >"$WORK/cli.log" 2>&1
is "$(grep -ac 'HTTP/1.1 200' "$WORK/cli.log")" 23 "tstclnt had 23 answers"
run "$PYTHON" "$LIB/nss_peer.py" "$HTTPS_PORT" "$WORK/bodies" write 23 42 send 42 53 writev 53 66 peek 66 77 tiny 77 90 nonblocking 90 97
is "$(cat "$OUT")" "sent 74" "a program with NSS had 74 answers over TLS"
run "$PYTHON" "$LIB/nss_peer.py" "$HTTP_PORT" "$WORK/bodies" bare 0 13 clear 13 30
is "$(cat "$OUT")" "sent 30" "and 30 without TLS"
for i in $(seq 0 16); do # it answers GET only, with the request
	curl -sk -m 10 -o "$WORK/answer" "https://localhost:$tool/?card=$(card_of "$i")" || not_ok "curl $i: exit status $?"
done
wait_for 5 logged_at_least "$HTTPS_PORT" 97
is "$(requests_logged "$HTTPS_PORT")" 97 "nginx itself logged 97 requests over TLS"
is "$(requests_logged "$HTTP_PORT")" 30 "and 30 without"

settle
read_weir flows flows --sum
read_weir coverage coverage
is_exactly "$HTTPS_PORT" 97 "97 requests by NSS"
has_findings "$HTTPS_PORT" client pan sent 97
has_findings "$HTTPS_PORT" client email sent 97
has_findings "$HTTPS_PORT" client email received 97
has_findings "$HTTPS_PORT" server pan received 97
is_exactly "$HTTP_PORT" 30 "30 requests by NSPR without TLS"
has_findings "$HTTP_PORT" client pan sent 30
is "$(rows "$WORK/flows.json" values tls.state port="$HTTP_PORT" exchanges!=0)" absent "which are known to have none"
is_exactly "$tool" 17 "17 requests to selfserv"
has_findings "$tool" client pan sent 17
has_findings "$tool" server pan received 17
has_findings "$tool" server pan sent 17

for port in "$HTTPS_PORT" "$tool"; do
	is "$(rows "$WORK/flows.json" values binding port="$port" exchanges!=0)" exact "port $port: each session is bound to its socket exactly"
done
for port in "$HTTPS_PORT" "$HTTP_PORT" "$tool"; do
	for side in client server; do
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "port $port: no byte of the $side is unexplained"
		is "$(rows "$WORK/flows.json" sum bytes.lost port="$port" role=$side)" 0 "port $port: no byte of the $side is lost"
		is "$(rows "$WORK/flows.json" sum bytes.opaque port="$port" role=$side exchanges!=0)" 0 "port $port: no byte of the $side is opaque"
	done
done
is "$(rows "$WORK/coverage.json" values state workload=tstclnt)" visible "tstclnt is visible"
is "$(rows "$WORK/flows.json" sum exchanges workload~nss_peer role!=client role!=server)" 0 "nothing was told without its socket"
tls_row NSS "tstclnt, ctypes" client "$HTTPS_PORT" 97
tls_row NSS selfserv server "$tool" 17
