#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 97 requests by curl to nginx over plain HTTP: exactly 97 exchanges on both sides, the
# exact findings, no byte unexplained, one violation; requests without a class make none.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx
start_nginx
start_weir --policy "$LIB/card.yaml"

# 30 clients of their own, 43 over one connection, 24 GET without anything to find.
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 73
url=http://localhost:$HTTP_PORT
for i in $(seq 0 29); do
	curl -s -H 'Content-Type: application/json' --data-binary "@$WORK/bodies/$i.json" -o "$WORK/answer" \
		"$url/api/orders" || not_ok "curl $i: exit status $?"
done
for i in $(seq 30 72); do
	[ "$i" = 30 ] || echo next
	printf 'url = "%s/api/orders"\nheader = "Content-Type: application/json"\ndata-binary = "@%s"\nsilent\noutput = "%s"\n' \
		"$url" "$WORK/bodies/$i.json" "$WORK/answer"
done >"$WORK/curl.conf"
curl -K "$WORK/curl.conf" || not_ok "curl with a kept-alive connection: exit status $?"
curl -s "$url/plain/[1-24]" >"$WORK/answer" || not_ok "curl with 24 GET: exit status $?"
wait_for 5 logged_at_least "$HTTP_PORT" 97
is "$(requests_logged "$HTTP_PORT")" 97 "nginx itself logged 97 requests"

settle
read_weir flows flows --sum
read_weir violations violations list
is_exactly "$HTTP_PORT" 97 "97 requests over HTTP are 97 exchanges"
is "$(rows "$WORK/flows.json" values tls.state port="$HTTP_PORT")" absent "every flow of the port is known to be without TLS"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server route=/api/orders)" 73 "73 of them on the API's route"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server 'route=/plain/{id}')" 24 \
	"24 on one route whose numbers became {id}"
has_findings "$HTTP_PORT" client pan sent 73
has_findings "$HTTP_PORT" client email sent 73
has_findings "$HTTP_PORT" client email received 73
has_findings "$HTTP_PORT" server pan received 73
has_findings "$HTTP_PORT" server email received 73
has_findings "$HTTP_PORT" server email sent 73
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=client 'route=/plain/{id}')" 24 "the client made 24 of them too"
is "$(rows "$WORK/flows.json" count port="$HTTP_PORT" 'route=/plain/{id}' classes.0.class!=null)" 0 "nothing is found where nothing was planted"
is "$(rows "$WORK/violations.json" distinct id port="$HTTP_PORT")" 1 "the pair makes one violation"
is "$(rows "$WORK/violations.json" values exchanges port="$HTTP_PORT")" 73 "which counts the exchanges that broke the rule"
for side in client server; do
	is "$(rows "$WORK/flows.json" unexplained port="$HTTP_PORT" role=$side)" 0 "no byte of the $side is unexplained"
	is "$(rows "$WORK/flows.json" sum bytes.lost port="$HTTP_PORT" role=$side)" 0 "no byte of the $side is lost"
	is "$(rows "$WORK/flows.json" sum bytes.opaque port="$HTTP_PORT" role=$side)" 0 "no byte of the $side is opaque"
done
is "$(rows "$WORK/flows.json" sum bytes.moved port="$HTTP_PORT" role=client)" \
	"$(rows "$WORK/flows.json" sum bytes.moved port="$HTTP_PORT" role=server)" "what the one side moved the other side moved"
