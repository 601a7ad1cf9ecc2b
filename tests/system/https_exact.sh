#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 97 requests by curl to nginx over HTTPS, each with a card number and an e-mail address:
# exactly 97 exchanges on both sides, the exact findings, one violation for the pair.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx
start_nginx
start_weir --policy "$LIB/card.yaml"

# 41 clients with a connection each, and one with 56 requests over one connection.
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
for i in $(seq 0 40); do
	curl -sk --http1.1 -H 'Content-Type: application/json' --data-binary "@$WORK/bodies/$i.json" -o "$WORK/answer" \
		"https://localhost:$HTTPS_PORT/api/orders" || not_ok "curl $i: exit status $?"
done
for i in $(seq 41 96); do
	[ "$i" = 41 ] || echo next
	printf 'url = "https://localhost:%s/api/orders"\nheader = "Content-Type: application/json"\ndata-binary = "@%s"\n' \
		"$HTTPS_PORT" "$WORK/bodies/$i.json"
	printf 'insecure\nhttp1.1\nsilent\noutput = "%s"\n' "$WORK/answer"
done >"$WORK/curl.conf"
curl -K "$WORK/curl.conf" || not_ok "curl with a kept-alive connection: exit status $?"
wait_for 5 logged_at_least "$HTTPS_PORT" 97
is "$(requests_logged "$HTTPS_PORT")" 97 "nginx itself logged 97 requests"

settle
read_weir flows flows --sum
read_weir violations violations list
is_exactly "$HTTPS_PORT" 97 "97 requests over HTTPS are 97 exchanges"
is "$(rows "$WORK/flows.json" values tls.state port="$HTTPS_PORT")" present "every flow of the port is known to be TLS"
# A handshake across the end of a minute is a row of its own, with bytes and without exchanges.
is "$(rows "$WORK/flows.json" values protocol port="$HTTPS_PORT" exchanges!=0)" http1 "every flow of the port is HTTP/1"
is "$(rows "$WORK/flows.json" values binding port="$HTTPS_PORT" exchanges!=0)" exact "each TLS session is bound to its socket exactly"
is "$(rows "$WORK/flows.json" values route port="$HTTPS_PORT" exchanges!=0)" /api/orders "there is one route"
is "$(rows "$WORK/flows.json" count port="$HTTPS_PORT" exchanges!=0)" 2 "one flow a side"
is "$(rows "$WORK/flows.json" distinct pair port="$HTTPS_PORT" exchanges!=0 pair!=null)" 1 "the two sides share one pair"

has_findings "$HTTPS_PORT" client pan sent 97
has_findings "$HTTPS_PORT" client email sent 97
has_findings "$HTTPS_PORT" client email received 97
has_findings "$HTTPS_PORT" server pan received 97
has_findings "$HTTPS_PORT" server email received 97
has_findings "$HTTPS_PORT" server email sent 97
is "$(classes_of "$HTTPS_PORT" client)" "email:received email:sent pan:sent" "the client's flow has these classes and no other"
is "$(classes_of "$HTTPS_PORT" server)" "email:received email:sent pan:received" "the server's flow has these classes and no other"

is "$(rows "$WORK/violations.json" distinct id port="$HTTPS_PORT")" 1 "the pair makes one violation"
is "$(rows "$WORK/violations.json" values rule port="$HTTPS_PORT")" TEST-CARD-001 "of the rule that was broken"
is "$(rows "$WORK/violations.json" values exchanges port="$HTTPS_PORT")" 97 "which counts each exchange of the pair once"
is "$(rows "$WORK/violations.json" values classes.0.class port="$HTTPS_PORT")" pan "and names the class"
is "$(rows "$WORK/violations.json" values path port="$HTTPS_PORT")" '$.card.number' "and the field"
matches "$WORK/violations.json" '"mask":"453998\*+[0-9]{4}"' "and shows first six and last four digits"

for side in client server; do
	is "$(rows "$WORK/flows.json" unexplained port="$HTTPS_PORT" role=$side)" 0 "no byte of the $side is unexplained"
	is "$(rows "$WORK/flows.json" sum bytes.lost port="$HTTPS_PORT" role=$side)" 0 "no byte of the $side is lost"
done
