#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real Redis with redis-cli: inline and pipelined commands, hashes, transactions, RESP3, a password,
# channels; over TCP and TLS. As many exchanges as the server counts commands, on both sides, and the
# classes once for each value.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need redis-server redis-cli openssl
make_cert

port=$(free_port) tls=$(free_port)
mkdir "$WORK/redis"
start "$WORK/redis.log" redis-server --port "$port" --tls-port "$tls" --bind 127.0.0.1 --tls-cert-file "$CERT" --tls-key-file "$KEY" \
	--tls-ca-cert-file "$CERT" --tls-auth-clients no --dir "$WORK/redis" --save '' --requirepass harbour-Master-71
wait_for 20 listens "$port" || bail "no server on port $port: $(tail -n 2 "$WORK/redis.log")"
wait_for 20 listens "$tls" || bail "no server on port $tls: $(tail -n 2 "$WORK/redis.log")"
start_weir --policy "$LIB/card.yaml" --exe '/usr/bin/redis-*'

cli() { REDISCLI_AUTH=harbour-Master-71 redis-cli --no-auth-warning "$@"; }
# What the server itself has counted: not yet this question, and the log-in before it.
counted() { cli -p "$port" INFO stats | sed -n 's/^total_commands_processed:\([0-9]*\).*/\1/p'; }
before=$(counted)
seq 41 | sed 's/.*/SET user:&:email person&@harborline-logistics.com/' | cli -p "$port" >"$WORK/out"
seq 41 | sed 's/.*/GET user:&:email/' | cli -p "$port" >>"$WORK/out"
seq 23 | sed 's/.*/HSET account:& card 4111111111111111 owner person&@harborline-logistics.com/' | cli -p "$port" >>"$WORK/out"
seq 23 | sed 's/.*/HGETALL account:&/' | cli -3 -p "$port" >>"$WORK/out"
printf 'MULTI\nHMGET account:1 card owner\nGET user:2:email\nEXEC\n' | cli -p "$port" >>"$WORK/out"
{
	printf '*2\r\n$4\r\nAUTH\r\n$17\r\nharbour-Master-71\r\n'
	for i in $(seq 97); do
		printf '*3\r\n$5\r\nRPUSH\r\n$4\r\nlist\r\n$24\r\nq%03d@harborline-log.info\r\n' "$i"
	done
} | cli -p "$port" --pipe >>"$WORK/out"
seq 97 | sed 's/.*/SET order:&:card 4111111111111111/' | cli --tls --insecure -p "$tls" >>"$WORK/out"
redis-cli -p "$port" GET user:1:email >>"$WORK/out"	# is refused
after=$(counted)
is "$(grep -c '^OK$' "$WORK/out")" $((41 + 97 + 1)) "redis-cli had its answers"
# A message: the one who listens is there when the server says so.
REDISCLI_AUTH=harbour-Master-71 redis-cli --no-auth-warning -p "$port" SUBSCRIBE news >"$WORK/news" &
listener=$!
has_listener() { [ "$(cli -p "$port" PUBSUB NUMSUB news | tail -n 1)" = 1 ]; }
wait_for 20 has_listener || not_ok "nobody listens"
cli -p "$port" PUBLISH news 'write to harbour.office@harborline-logistics.com' >>"$WORK/out"
wait_for 20 grep -q harbour.office "$WORK/news" || not_ok "no message came"
kill "$listener"

settle
read_weir flows flows --sum
read_weir violations violations list
for side in client server; do
	for route in 'user:{id}:email' 'account:{id}' 'list' 'order:{id}:card'; do
		case $route in user*) nr=$((2 * 41 + 1 + 1)) ;; account*) nr=$((2 * 23 + 1)) ;; *) nr=97 ;; esac
		is "$(rows "$WORK/flows.json" sum exchanges protocol=redis role=$side route="$route")" "$nr" "$nr commands for $route, $side"
	done
	is "$(rows "$WORK/flows.json" sum exchanges port="$tls" route='order:{id}:card' tls.state=present role=$side)" 97 "97 over TLS, $side"
	is "$(rows "$WORK/flows.json" unexplained protocol=redis role=$side)" 0 "no byte of the $side is unexplained"
	for fate in lost opaque skipped; do
		is "$(rows "$WORK/flows.json" sum bytes.$fate protocol=redis role=$side)" 0 "no byte of the $side is $fate"
	done
done
found() { # CLASS COUNT, client's DIRECTION, server's, ROUTE
	is "$(rows "$WORK/flows.json" findings "$1" "$3" role=client protocol=redis route="$5")" "$2" "client $3 $1 in exactly $2 fields ($5)"
	is "$(rows "$WORK/flows.json" findings "$1" "$4" role=server protocol=redis route="$5")" "$2" "server $4 $1 in exactly $2 fields ($5)"
}
found email 41 sent received 'user:{id}:email'
found email 41 received sent 'user:{id}:email'
found pan 23 sent received 'account:{id}'
found pan 23 received sent 'account:{id}'
found email 97 sent received list
found pan 97 sent received 'order:{id}:card'
found email 1 sent received news	# who publishes
found email 1 received sent news	# and who listens
at_least "$(rows "$WORK/violations.json" count path='hset.account:{id}.card')" 1 "a card number has the name of its field"
at_least "$((after - before))" $((2 * 41 + 2 * 23 + 4 + 97 + 97)) "the server itself counted commands"
