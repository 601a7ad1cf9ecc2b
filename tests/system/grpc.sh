#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gRPC between Python's grpcio and itself, in clear and over TLS: single calls, streams either
# way and both, compressed messages, refusals. Each call is an exchange, told once a side, by
# its method, with what is in its messages.
. "$(dirname "$0")/../lib/lib.sh"
need_root
"$PYTHON" -c 'import grpc' 2>/dev/null || bail "no grpc for $PYTHON: scripts/bootstrap test installs it"
make_cert
clear=$(free_port) secure=$(free_port)
start "$WORK/clear.log" "$PYTHON" "$LIB/grpc_peer.py" server "$clear"
start "$WORK/secure.log" "$PYTHON" "$LIB/grpc_peer.py" server "$secure" "$CERT" "$KEY"
for port in "$clear" "$secure"; do wait_for 30 listens "$port" || bail "no server on port $port"; done
start_weir --policy "$LIB/card.yaml"

calls=(unary:43 gzip:13 up:11 down:11 both:13 refused:6)
is "$("$PYTHON" "$LIB/grpc_peer.py" client "$clear" -- "${calls[@]}")" 97 "in clear 97 calls were answered"
is "$("$PYTHON" "$LIB/grpc_peer.py" client "$secure" "$CERT" -- "${calls[@]}")" 97 "over TLS 97 calls were answered"
for log in clear secure; do is "$(grep -cE '^[a-z]+ [13]$' "$WORK/$log.log")" 97 "the $log server itself logged 97 calls"; done

settle
read_weir flows flows --sum
of_route() { # PORT ROUTE CALLS FINDINGS-SENT-BY-CLIENT FINDINGS-RECEIVED
	local where=(port="$1" route="/weir.test.Orders/$2")
	is "$(rows "$WORK/flows.json" sum exchanges role=client "${where[@]}")" "$3" "$2: exchanges of the client"
	is "$(rows "$WORK/flows.json" sum exchanges role=server "${where[@]}")" "$3" "$2: exchanges of the server"
	is "$(rows "$WORK/flows.json" findings pan sent role=client "${where[@]}")" "$4" "$2: card numbers that the client sent"
	is "$(rows "$WORK/flows.json" findings pan received role=client "${where[@]}")" "$5" "$2: card numbers that it received"
	is "$(rows "$WORK/flows.json" findings email received role=server "${where[@]}")" "$4" "$2: addresses that the server received"
}
for name in clear secure; do
	port=${!name}
	is_exactly "$port" 97 "$name: 97 calls"
	is "$(rows "$WORK/flows.json" values protocol port="$port" exchanges!=0)" grpc "$name: every exchange is gRPC"
	of_route "$port" Place 56 56 56
	of_route "$port" Upload 11 33 11
	of_route "$port" Watch 11 11 33
	of_route "$port" Talk 13 39 39
	of_route "$port" Refuse 6 6 0
	for side in client server; do
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "$name: no byte of the $side is unexplained"
	done
	is "$(rows "$WORK/flows.json" sum bytes.lost port="$port")" 0 "$name: no byte is lost"
	is "$(rows "$WORK/flows.json" sum bytes.opaque port="$port")" 0 "$name: no byte is opaque"
done
