#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What APIs put on top of HTTP: boto3 with an object store, in clear and over TLS, with bodies in
# signed pieces; elasticsearch's client with a search engine. Each call is an exchange, told once a
# side, by a route that names no object and no document.
. "$(dirname "$0")/../lib/lib.sh"
need_root
"$PYTHON" -c 'import boto3, elasticsearch' 2>/dev/null || bail "no boto3 or elasticsearch for $PYTHON: scripts/bootstrap test installs them"
make_cert
clear=$(free_port) secure=$(free_port) search=$(free_port)
start "$WORK/clear.log" "$PYTHON" "$LIB/store_peer.py" server "$clear"
start "$WORK/secure.log" "$PYTHON" "$LIB/store_peer.py" server "$secure" "$CERT" "$KEY"
start "$WORK/search.log" "$PYTHON" "$LIB/store_peer.py" server "$search"
for port in "$clear" "$secure" "$search"; do wait_for 30 listens "$port" || bail "no server on port $port"; done
start_weir --policy "$LIB/card.yaml"

peer() { "$PYTHON" "$LIB/store_peer.py" "$@" 2>"$WORK/peer.log"; }
is "$(peer objects "http://127.0.0.1:$clear" put:17 get:13 virtual:7 list:5 delete:3 presigned:11 signed:5)" 61 "the store in clear answered 61 calls"
is "$(peer objects "https://127.0.0.1:$secure" put:5 summed:13 get:3)" 21 "the store over TLS answered 21 calls"
is "$(peer search "http://127.0.0.1:$search" index:7 get:5 search:11 bulk:3 msearch:3)" 29 "the search engine answered 29 calls"
logged() { grep -cE "^$2 $3\$" "$WORK/$1.log"; }
is "$(logged clear '(GET|PUT|POST)' 200)" 61 "the store itself logged 61 requests"
is "$(logged secure '(GET|PUT)' 200)" 21 "over TLS it logged 21"
is "$(logged search '(GET|PUT|POST)' '20[01]')" 30 "the search engine itself logged 30, one of them about itself"

settle
read_weir flows flows --sum
of_route() { # PORT ROUTE EXCHANGES CARDS-TO-SERVER CARDS-FROM-IT
	local where=(port="$1" route="$2")
	for role in client server; do
		is "$(rows "$WORK/flows.json" sum exchanges role=$role "${where[@]}")" "$3" "$2: exchanges of the $role"
	done
	is "$(rows "$WORK/flows.json" findings pan received role=server "${where[@]}")" "$4" "$2: card numbers that the server received"
	is "$(rows "$WORK/flows.json" findings pan received role=client "${where[@]}")" "$5" "$2: card numbers that the client received"
}
routes() { rows "$WORK/flows.json" values route port="$1" role=client exchanges!=0 | sort -u | tr '\n' ' '; }
is "$(routes "$clear")" "/backups /backups/{key} /{key} " "the store's routes in clear"
is "$(routes "$secure")" "/backups/{key} " "and over TLS"
is "$(routes "$search")" "/ /_bulk /_msearch /customers/_doc/{id} /customers/_search " "the search engine's routes"
of_route "$clear" "/backups/{key}" 46 22 24
of_route "$clear" /backups 8 0 0
of_route "$clear" "/{key}" 7 7 0
of_route "$secure" "/backups/{key}" 21 18 3
of_route "$search" "/customers/_doc/{id}" 12 7 5
of_route "$search" /customers/_search 11 0 11
of_route "$search" /_bulk 3 9 0
of_route "$search" /_msearch 3 0 0
# Addresses: in documents, in what users say of objects, in keys of lists and deletions, in paths.
email() { rows "$WORK/flows.json" findings email "$1" role=server port="$2" route="$3"; }
is "$(email received "$clear" "/backups/{key}")" 39 "addresses in 22 objects and what is said of 17"
is "$(email sent "$clear" /backups)" 14 "addresses in the names of 5 objects in lists, of 9 in deletions"
is "$(email received "$clear" /backups)" 9 "addresses in the names of 9 objects to be deleted"
is "$(email received "$search" /_msearch)" 9 "addresses in 9 searches"
is "$(rows "$WORK/flows.json" classes role=client port="$clear")" "email:received email:sent pan:received pan:sent" "signatures are no class"
for port in "$clear" "$secure" "$search"; do
	for side in client server; do
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "no byte of the $side is unexplained"
	done
	is "$(rows "$WORK/flows.json" sum bytes.lost port="$port")" 0 "no byte is lost"
done
