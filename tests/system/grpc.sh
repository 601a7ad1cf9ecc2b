#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gRPC between Python's grpcio and itself, in clear and over TLS: single calls, streams either
# way and both, compressed messages, refusals. Each call is an exchange, told once a side, by
# its method, with what is in its messages: fields by number, and once a set of descriptors is
# there by name, as in the capture that is replayed.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need protoc tcpdump
"$PYTHON" -c 'import grpc' 2>/dev/null || bail "no grpc for $PYTHON: scripts/bootstrap test installs it"
make_cert
clear=$(free_port) secure=$(free_port)
start "$WORK/clear.log" "$PYTHON" "$LIB/grpc_peer.py" server "$clear"
start "$WORK/secure.log" "$PYTHON" "$LIB/grpc_peer.py" server "$secure" "$CERT" "$KEY"
for port in "$clear" "$secure"; do wait_for 30 listens "$port" || bail "no server on port $port"; done
mkdir "$WORK/rules"
cp "$LIB/card.yaml" "$WORK/rules"
protoc -I"$LIB" --descriptor_set_out="$WORK/orders" orders.proto || bail "protoc refuses orders.proto"
start "$WORK/tcpdump.log" tcpdump -i lo -U --immediate-mode -s 0 -B 32768 -Z root -w "$WORK/calls.pcap" "tcp port $clear"
tcpdump=$PID
wait_for 20 grep -q 'listening on' "$WORK/tcpdump.log" || bail "tcpdump does not listen: $(tail -n 2 "$WORK/tcpdump.log")"
start_weir --policy "$WORK/rules"

# Without the descriptors, with wrong ones, with the right ones.
is "$("$PYTHON" "$LIB/grpc_peer.py" client "$clear" -- refused:6)" 6 "6 calls that nobody describes were answered"
has_path() { "$WEIR" violations list --state "$STATE" -o json | grep -qF "\"path\":\"$1\""; }
wait_for 30 has_path '$.2.1' && ok "without descriptors a field goes by its number" || not_ok "without descriptors a field goes by its number"
head -c 100 "$WORK/orders" >"$WORK/rules/orders.protoset"
kill -HUP "$WEIR_PID"
wait_for 30 grep -q 'not reloaded' "$WORK/weir.err" && ok "a wrong set is not reloaded" || not_ok "a wrong set is not reloaded"
matches "$WORK/weir.err" 'rules/orders.protoset is no set of protobuf descriptors: byte 0: a field is longer' "its file, place and reason are told"
cp "$WORK/orders" "$WORK/rules/orders.protoset"
kill -HUP "$WEIR_PID"
wait_for 30 grep -q 'the policies are reloaded' "$WORK/weir.err" || bail "the descriptors are not in use"

calls=(unary:43 gzip:13 up:11 down:11 both:13)
is "$("$PYTHON" "$LIB/grpc_peer.py" client "$clear" -- "${calls[@]}")" 91 "in clear 91 calls were answered"
is "$("$PYTHON" "$LIB/grpc_peer.py" client "$secure" "$CERT" -- "${calls[@]}" refused:6)" 97 "over TLS 97 calls were answered"
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
# One violation for each method: those that came before the descriptors, and those after.
read_weir violations violations list
paths() { rows "$WORK/violations.json" values path port="$1" route="/weir.test.Orders/$2" | sort -u; }
for name in Place Upload Watch Talk; do is "$(paths "$clear" $name)" '$.card.number' "$name: the field by its name"; done
is "$(paths "$clear" Refuse)" '$.2.1' "Refuse: the field as it was found first"
is "$(paths "$secure" Refuse)" '$.card.number' "Refuse over TLS: the field by its name"

kill "$tcpdump" && wait_for 20 gone "$tcpdump" || not_ok "tcpdump ends"
LIMIT=30 run "$WEIR" replay "$WORK/calls.pcap" --messages -o json --policy "$WORK/rules"
exits 0 "the capture is replayed"
grep '"type":"message"' "$OUT" >"$WORK/messages.json"
is "$(rows "$WORK/messages.json" count protocol=grpc)" 97 "it has the same 97 calls"
for i in 0:email 1:card.number; do is "$(rows "$WORK/messages.json" values "fields.${i%:*}.path" | sort -u)" "\$.${i#*:}" "${i#*:} by its name"; done
