#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# librdkafka's clients against the broker that it has for tests, over loopback sockets: each codec
# produced and fetched, without an answer, by kcat too; a log-in with SASL. As many exchanges as
# records were sent, each in a request of its own, and the classes under their paths on both sides.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need kcat
"$PYTHON" -c 'import confluent_kafka' 2>/dev/null || bail "no confluent_kafka for $PYTHON: scripts/bootstrap test installs it"

peer=$LIB/kafka_peer.py
start "$WORK/broker.log" "$PYTHON" "$peer" broker
wait_for 30 grep -q . "$WORK/broker.log"
port=$(head -n 1 "$WORK/broker.log") gate=$(free_port)
listens "$port" || bail "no broker: $(tail -n 2 "$WORK/broker.log")"
start "$WORK/gate.log" "$PYTHON" "$peer" gate "$gate"
wait_for 20 listens "$gate" || bail "no gate: $(tail -n 2 "$WORK/gate.log")"
start_weir --policy "$LIB/card.yaml"

says() { # COUNT SENTENCE COMMAND...
	run "$PYTHON" "$peer" "${@:3}"
	is "$(tail -n 1 "$OUT")" "$1" "$2"
}
says 97 "the broker itself has 97 records" produce "$port" plain 97
codecs='gzip snappy lz4 zstd'
for codec in $codecs; do
	says 31 "the broker itself has 31 records, $codec" produce "$port" "in-$codec" 31 compression.type="$codec"
	says 31 "31 were fetched, $codec" consume "$port" "in-$codec" 31
done
says 53 "53 were sent that nobody answers" produce "$port" unanswered 53 acks=0
seq 1 23 | sed 's/.*/agent&@harborline-logistics.com/' >"$WORK/lines"
run kcat -P -b "127.0.0.1:$port" -t lines -p 0 -X broker.address.family=v4 -l "$WORK/lines"
exits 0 "kcat sent 23 lines"
says 1 "the gate itself let the client in" login "$gate" ana harbour-Master-71

settle
read_weir flows flows --sum
read_weir violations violations list
for side in client server; do
	is "$(rows "$WORK/flows.json" sum exchanges port="$port" route=plain role=$side)" 97 "97 exchanges of a topic, $side"
	is "$(rows "$WORK/flows.json" sum exchanges port="$port" route=unanswered role=$side)" 53 "53 without an answer, $side"
	is "$(rows "$WORK/flows.json" count port="$port" role=$side protocol!=kafka)" 0 "it is all Kafka, $side"
	is "$(rows "$WORK/flows.json" sum exchanges port="$gate" route=PLAIN role=$side)" 1 "a handshake says the mechanism, $side"
	is "$(rows "$WORK/flows.json" unexplained protocol=kafka role=$side)" 0 "no byte of the $side is unexplained"
	for fate in lost opaque; do
		is "$(rows "$WORK/flows.json" sum bytes.$fate port="$port" role=$side)" 0 "no byte of the $side is $fate"
	done
done
found() { # CLASS COUNT, client's DIRECTION, server's DIRECTION, WHERE...
	is "$(rows "$WORK/flows.json" findings "$1" "$3" role=client "${@:5}")" "$2" "client $3 $1 in exactly $2 fields (${*:5})"
	is "$(rows "$WORK/flows.json" findings "$1" "$4" role=server "${@:5}")" "$2" "server $4 $1 in exactly $2 fields (${*:5})"
}
found pan 97 sent received route=plain
found email $((97 * 2)) sent received route=plain
for codec in $codecs; do
	found pan 31 sent received "route=in-$codec"
	found pan 31 received sent "route=in-$codec"
	found email 62 received sent "route=in-$codec"
done
found email 106 sent received route=unanswered
found email 23 sent received route=lines
found password 1 sent received "port=$gate"
is "$(rows "$WORK/violations.json" values path port="$port" | sort -u)" value.card.number "a card number has its path"
is "$(rows "$WORK/violations.json" distinct route port="$port")" 6 "each topic with card numbers is told of"
