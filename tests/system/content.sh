#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 37 requests by curl to nginx whose bodies are forms with files, SOAP, CSV, GraphQL, MessagePack and
# webhooks: each address in them is found exactly once on either side, and none in a file that is not opened.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx
start_nginx
start_weir --policy "$LIB/card.yaml"

url=http://localhost:$HTTP_PORT/plain
post() { # ROUTE CURL-ARGUMENTS...
	curl -s -o "$WORK/answer" "${@:2}" "$url/$1" || not_ok "curl to /plain/$1: exit status $?"
}
printf '%%PDF-1.7\nhidden@unread.org\n' >"$WORK/cv.pdf"
for i in $(seq 13); do
	printf '{"contact":{"email":"json%d@corp.org"}}' "$i" >"$WORK/profile.json"
	post parts -F "mail=part$i@corp.org" -F "profile=@$WORK/profile.json;type=application/json" -F "cv=@$WORK/cv.pdf;type=application/pdf"
done
for i in $(seq 7); do
	post soap -H 'Content-Type: application/soap+xml; charset=utf-8' --data-binary \
		"<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"urn:s\"><s:Body><u:mail xmlns:u=\"urn:u\">soap$i@corp.org</u:mail></s:Body></s:Envelope>"
done
for i in $(seq 5); do
	post table -H 'Content-Type: text/csv' --data-binary "$(printf 'id,mail\r\n1,first%d@corp.org\r\n2,"second%d@corp.org"\r\n3,third%d@corp.org\r\n' "$i" "$i" "$i")"
done
for i in $(seq 3); do
	post graph -H 'Content-Type: application/json' --data-binary \
		"{\"query\":\"mutation M(\$m: String) { add(mail: \\\"literal$i@corp.org\\\", other: \$m) { id } }\",\"variables\":{\"m\":\"variable$i@corp.org\"}}"
	printf '\x81\xa4mail\xaepack%d@corp.org' "$i" >"$WORK/body"
	post pack -H 'Content-Type: application/msgpack' --data-binary "@$WORK/body"
done
for i in $(seq 6); do
	post hook --data-urlencode "payload={\"user\":{\"mail\":\"hook$i@corp.org\"}}"
done
wait_for 5 logged_at_least "$HTTP_PORT" 37
is "$(requests_logged "$HTTP_PORT")" 37 "nginx itself logged 37 requests"

settle
read_weir flows flows --sum
is_exactly "$HTTP_PORT" 37 "37 requests are 37 exchanges"
found() { # ROUTE COUNT WHAT
	is "$(rows "$WORK/flows.json" findings email received port="$HTTP_PORT" role=server route="/plain/$1")" "$2" "the server received $3"
	is "$(rows "$WORK/flows.json" findings email sent port="$HTTP_PORT" role=client route="/plain/$1")" "$2" "the client sent $3"
}
found parts 26 "an address in a part and one in the JSON of another, 13 times; none of the file"
found soap 7 "an address in each SOAP call"
found table 15 "three addresses in each table"
found graph 6 "an address in each query and one in its variables"
found pack 3 "an address in each MessagePack body"
found hook 6 "an address in each webhook's JSON"
for side in client server; do
	is "$(rows "$WORK/flows.json" unexplained port="$HTTP_PORT" role=$side)" 0 "no byte of the $side is unexplained"
done
