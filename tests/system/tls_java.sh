#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Java's own TLS runs in code that nothing can be attached to. It is not passed over: 97 requests
# by a Java client to nginx and 97 by curl to a Java server are told by the other end, and the
# Java processes are blind, with the library JSSE and every byte they moved.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx curl openssl java
start_nginx
# Small, so that two of them do not take this machine's memory and time.
java=(java -Xmx64m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djava.io.tmpdir="$WORK" "$LIB/jsse_peer.java")
run openssl pkcs12 -export -name test -in "$CERT" -inkey "$KEY" -passout pass:password -out "$WORK/test.p12"
exits 0 "a store with a certificate for Java"
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
api=$(free_port)
start "$WORK/api.log" "${java[@]}" server "$api" "$WORK/test.p12"
wait_for 30 listens "$api" || bail "the Java server does not listen: $(tail -n 1 "$WORK/api.log")"
start_weir --policy "$LIB/card.yaml"

LIMIT=60 run "${java[@]}" client "https://localhost:$HTTPS_PORT/api/orders" "$WORK/bodies" 0 97
is "$(cat "$OUT")" "sent 97" "a Java client had 97 answers"
"$PYTHON" "$LIB/client.py" session "https://localhost:$api/api/orders" 0 97 || not_ok "client.py: exit status $?"
wait_for 5 logged_at_least "$HTTPS_PORT" 97
is "$(requests_logged "$HTTPS_PORT")" 97 "nginx itself logged 97 requests"
is "$(grep -c POST "$WORK/api.log")" 97 "the Java server itself logged 97"

settle
read_weir flows flows --sum
read_weir coverage coverage
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=server)" 97 "nginx's side shows 97 exchanges"
is "$(rows "$WORK/flows.json" sum exchanges port="$api" role=client)" 97 "the other client's side shows 97"
is "$(rows "$WORK/flows.json" sum exchanges exe~/java)" 0 "Java's sides show none"
# SIDE PORT LEAST: what Java moved there
hidden() {
	is "$(rows "$WORK/flows.json" values tls.state port="$2" role="$1")" present "the $1 on port $2: known to be TLS"
	at_least "$(rows "$WORK/flows.json" sum bytes.opaque port="$2" role="$1")" "$3" "the $1 on port $2: its bytes are opaque"
	for cause in examined lost skipped unexplained; do
		is "$(rows "$WORK/flows.json" sum bytes.$cause port="$2" role="$1")" 0 "the $1 on port $2: no byte is $cause"
	done
}
# What Java sends is padded, which the other end's account has to know.
is "$(rows "$WORK/flows.json" unexplained port="$HTTPS_PORT" role=server)" 0 "no byte of nginx is unexplained"
is "$(rows "$WORK/flows.json" unexplained port="$api" role=client)" 0 "no byte of the other client is unexplained"
hidden client "$HTTPS_PORT" $((97 * 200))
hidden server "$api" $((97 * 200))
is "$(rows "$WORK/coverage.json" values library exe~/java bytes.moved!=0)" JSSE "the library of every Java process is JSSE"
is "$(rows "$WORK/coverage.json" values state exe~/java bytes.moved!=0)" blind "they are blind"
is "$(rows "$WORK/coverage.json" values reason exe~/java bytes.moved!=0)" not_visible "because JSSE is not visible"
is "$(rows "$WORK/coverage.json" sum reasons.unprobed_tls exe~/java)" "$(rows "$WORK/coverage.json" sum bytes.opaque exe~/java)" \
	"and all their opaque bytes are TLS without a probe"
matches "$WORK/weir.err" 'JSSE is in file=libjvm.so' "weir says so when it finds it"
tls_row JSSE Java client "$HTTPS_PORT" 97
tls_row JSSE Java server "$api" 97
