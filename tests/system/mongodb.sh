#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# PyMongo against a server that holds its documents in memory, over loopback sockets: commands with
# documents in sections of their own, cursors, writes that nobody answers, plain and compressed, a
# log-in. As many exchanges as the server counts commands, and the classes under their paths.
. "$(dirname "$0")/../lib/lib.sh"
need_root
"$PYTHON" -c 'import pymongo, snappy' 2>/dev/null || bail "no pymongo or snappy for $PYTHON: scripts/bootstrap test installs them"

peer=$LIB/mongo_peer.py port=$(free_port)
start "$WORK/server.log" "$PYTHON" "$peer" serve "$port"
server=$PID
wait_for 20 listens "$port" || bail "no server: $(tail -n 2 "$WORK/server.log")"
start_weir --policy "$LIB/card.yaml"

for name in plain zlib snappy; do
	codec=${name#plain}
	run "$PYTHON" "$peer" use "$port" "$name" ${codec:+"$codec"}
	exits 0 "PyMongo got what it asked for, $name"
done
run "$PYTHON" "$peer" login "$port" ana harbour-Master-71
exits 0 "PyMongo was let in"

settle
stop "$server"
read_weir flows flows --sum
read_weir violations violations list
counted() { awk -v name="$1" '$1 == name { print $2 }' "$WORK/server.log"; }
is "$(counted find)" $((3 * 44)) "the server itself counted what was found"
is "$(counted insert)" $((3 * 55)) "the server itself counted what was inserted"
sum() { rows "$WORK/flows.json" sum "$1" port="$port" "${@:2}"; }
found() { # CLASS COUNT, client's DIRECTION, server's DIRECTION, WHERE...
	is "$(rows "$WORK/flows.json" findings "$1" "$3" port="$port" role=client "${@:5}")" "$2" "client $3 $1 in exactly $2 fields (${*:5})"
	is "$(rows "$WORK/flows.json" findings "$1" "$4" port="$port" role=server "${@:5}")" "$2" "server $4 $1 in exactly $2 fields (${*:5})"
}
for side in client server; do
	for name in plain zlib snappy; do
		is "$(sum exchanges route="insert $name" role=$side)" 38 "38 exchanges insert, $name, $side"
		is "$(sum exchanges route="insert $name-unanswered" role=$side)" 17 "17 that nobody answers, $name, $side"
		is "$(sum exchanges route="find $name" role=$side)" 44 "44 exchanges find, $name, $side"
		is "$(sum exchanges route="getMore $name" role=$side)" 3 "3 exchanges of a cursor, $name, $side"
	done
	is "$(sum exchanges route=saslStart role=$side)" 1 "a log-in, $side"
	is "$(rows "$WORK/flows.json" count port="$port" role=$side protocol!=mongodb)" 0 "it is all MongoDB, $side"
	is "$(rows "$WORK/flows.json" unexplained protocol=mongodb role=$side)" 0 "no byte of the $side is unexplained"
	for fate in lost opaque; do
		is "$(sum bytes.$fate role=$side)" 0 "no byte of the $side is $fate"
	done
done
for name in plain zlib snappy; do
	found pan 122 sent received route="insert $name"
	found email 17 sent received route="insert $name-unanswered"
	found email 41 sent received route="find $name"
	found email $((41 + 3 * 20)) received sent route="find $name"
	found pan $((3 * 102)) received sent route="getMore $name"
done
found password 1 sent received route=saslStart
told_of() { # COUNT PATH
	is "$(rows "$WORK/violations.json" distinct route port="$port" path="\$.$2")" "$1" "card numbers have the path that they have there: $2"
}
told_of 6 'documents[].card.number'
told_of 3 'cursor.firstBatch[].card.number'
told_of 3 'cursor.nextBatch[].card.number'
