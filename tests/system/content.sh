#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 37 requests by curl to nginx whose bodies are forms with files, SOAP, CSV, GraphQL, MessagePack and
# webhooks: each address in them is found exactly once on either side, and none in a file that is not opened.
# 11 answers in br, 7 in zstd and 5 in gzip, by others' encoders, are read as what is in them; 3 that would
# make more than a hundred times their bytes are not inflated to the end, which the ledger says.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx node zstd gzip
coded=$(free_port)
NGINX_SERVERS="server {
		listen 127.0.0.1:$coded;
		default_type application/json;
		location = /br { alias $WORK/coded/br; add_header Content-Encoding br; }
		location = /zstd { alias $WORK/coded/zstd; add_header Content-Encoding zstd; }
		location = /gzip { alias $WORK/coded/gzip; add_header Content-Encoding gzip; }
		location = /bomb { alias $WORK/coded/bomb; add_header Content-Encoding gzip; }
	}"
mkdir -p "$WORK/coded"
{
	printf '{"people":['
	for i in $(seq 28); do printf '{"number":%d,"contact":{"email":"coded%d@corp.org"}},' "$i" "$i"; done
	printf '{"number":29,"contact":{"email":"coded29@corp.org"}}]}'
} >"$WORK/people.json"
node -e 'const z = require("zlib"), fs = require("fs");
fs.writeFileSync(process.argv[2], z.brotliCompressSync(fs.readFileSync(process.argv[1])));' "$WORK/people.json" "$WORK/coded/br" || bail "node packs no br"
zstd -q -19 "$WORK/people.json" -o "$WORK/coded/zstd" || bail "zstd packs nothing"
gzip -c "$WORK/people.json" >"$WORK/coded/gzip"
head -c 9000000 /dev/zero | gzip -9 >"$WORK/coded/bomb"
chmod -R a+rX "$WORK/coded"
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
for row in br:11 zstd:7 gzip:5; do
	for i in $(seq "${row#*:}"); do
		curl -s --compressed -o "$WORK/answer" "http://localhost:$coded/${row%:*}" || not_ok "curl to /${row%:*}/: exit status $?"
		cmp -s "$WORK/answer" "$WORK/people.json" || not_ok "curl itself reads the body in ${row%:*}"
	done
done
for i in $(seq 3); do curl -s -o "$WORK/answer" "http://localhost:$coded/bomb" || not_ok "curl to /bomb: exit status $?"; done
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
is_exactly "$coded" 26 "23 answers in three codings, and three bombs"
for row in br:11 zstd:7 gzip:5; do
	n=$((29 * ${row#*:}))
	is "$(rows "$WORK/flows.json" findings email sent port="$coded" role=server route="/${row%:*}")" $n "the server sent 29 addresses in each body in ${row%:*}"
	is "$(rows "$WORK/flows.json" findings email received port="$coded" role=client route="/${row%:*}")" $n "the client received as many"
done
for side in client server; do
	is "$(rows "$WORK/flows.json" unexplained port="$coded" role=$side)" 0 "no byte of the $side's in a coding is unexplained"
	is "$(rows "$WORK/flows.json" unexplained port="$HTTP_PORT" role=$side)" 0 "no byte of the $side is unexplained"
done
bombs() { "$WEIR" ledger gaps --state "$STATE" -o json | sed -n 's/.*inflate_ratio: \([0-9]*\) records.*/\1/p' | awk '{ n += $1 } END { print n + 0 }'; }
at_least "$(bombs)" 6 "what was left of three bombs is counted at either end"
