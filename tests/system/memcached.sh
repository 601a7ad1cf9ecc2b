#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real memcached: in text with pymemcache, in clear and over TLS, meta commands and UDP by hand, in binary with libmemcached
# behind a log-in by SASL, whose values are packed. As many exchanges on either side as the server counts commands, and
# each class once for each value.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need memcached openssl saslpasswd2
make_cert
chmod 644 "$KEY"	# the server goes on as another user
printf 'mech_list: plain\nsasldb_path: %s/sasldb\n' "$WORK" >"$WORK/memcached.conf"
printf harbour-Right-29 | saslpasswd2 -p -f "$WORK/sasldb" -a memcached -c -u "$(hostname)" till
chmod 644 "$WORK/sasldb"
serve() { # NAME, OPTION...; its port in $PORT
	local name=$1
	shift
	PORT=$(free_port)
	start "$WORK/$name.log" env SASL_CONF_PATH="$WORK" memcached -u nobody -t 2 -l 127.0.0.1 -p "$PORT" "$@"
	wait_for 20 listens "$PORT" || bail "no memcached: $(tail -n 2 "$WORK/$name.log")"
}
serve text
text=$PORT
UDP=$(free_port)
serve datagrams -U "$UDP"
tcp=$PORT
serve tls -Z -o "ssl_chain_cert=$CERT,ssl_key=$KEY"
tls=$PORT
serve binary -S
binary=$PORT
start_weir --policy "$LIB/card.yaml"

peer() { LIMIT=60 run "$PYTHON" "$LIB/memcached_peer.py" "$@"; }
peer text "$text" 53 tcp
exits 0 "53 keys in text"
peer meta "$text" 31
exits 0 "31 keys by meta commands"
peer datagrams "$UDP" 37
exits 0 "37 keys over UDP"
peer stats "$tcp" text cmd_get get_misses cmd_set
is "$(cat "$OUT")" "cmd_get=38 get_misses=0 cmd_set=39" "the server counts so many over UDP"
peer text "$tls" 43 tls
exits 0 "43 keys in text over TLS"
peer binary "$binary" 47
exits 0 "47 keys in binary"
peer refused "$binary"
is "$(cat "$OUT")" refused "a log-in is refused"
# A get of five keys counts as five there; meta commands count as gets and sets.
peer stats "$text" text cmd_get get_misses cmd_set delete_hits incr_hits cmd_touch
is "$(cat "$OUT")" "cmd_get=$((53 + 35 + 1 + 3 + 62)) get_misses=$((3 + 31)) cmd_set=$((53 + 13 + 2 + 2 + 31)) delete_hits=3 incr_hits=11 cmd_touch=1" \
	"the server counts so many in text"
peer stats "$binary" binary cmd_get get_misses cmd_set delete_hits delete_misses incr_hits auth_cmds auth_errors
is "$(cat "$OUT")" "cmd_get=$((47 + 52 + 47)) get_misses=5 cmd_set=$((47 + 47 + 1)) delete_hits=1 delete_misses=1 incr_hits=1 auth_cmds=3 auth_errors=1" \
	"the server counts so many in binary"

settle
read_weir flows flows --sum
read_weir violations violations list
for side in client server; do
	to=$([ $side = client ] && echo sent || echo received) from=$([ $side = client ] && echo received || echo sent)
	for row in "text $text 53" "tls $tls 43"; do
		read -r how port keys <<<"$row"
		is "$(rows "$WORK/flows.json" values protocol port="$port" role=$side exchanges!=0)" memcached "every exchange is memcached's, $how $side"
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$side 'route=user:{id}:profile')" $((2 * keys + 7 + 3 + 6 + 1)) \
			"commands for profiles, $how $side"
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$side 'route=log:{id}')" 13 "13 lines that nobody answers, $how $side"
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$side route=visits)" 13 "a counter, $how $side"
	done
	# Twice 31 quiet ones, of which nothing says that half have missed.
	is "$(rows "$WORK/flows.json" sum exchanges port="$text" role=$side 'route=basket:{id}')" $((3 * 31)) "meta commands, $side"
	has_findings "$text" $side pan $to $((53 + 2 + 31))
	has_findings "$text" $side pan $from $((53 + 35 + 1 + 31))
	has_findings "$text" $side email $to $((53 + 2 + 31 + 13))
	has_findings "$tls" $side pan $to $((43 + 2))
	has_findings "$tls" $side pan $from $((43 + 35 + 1))
	is "$(rows "$WORK/flows.json" sum exchanges port="$binary" role=$side 'route=user:{id}:profile')" $((2 * 47 + 52)) "commands in binary, $side"
	is "$(rows "$WORK/flows.json" sum exchanges port="$binary" role=$side 'route=order:{id}')" $((2 * 47)) "packed ones, $side"
	is "$(rows "$WORK/flows.json" sum exchanges port="$binary" role=$side 'route=sasl/PLAIN')" 3 "log-ins, $side"
	has_findings "$binary" $side pan $to $((2 * 47))
	has_findings "$binary" $side pan $from $((3 * 47))
	is "$(rows "$WORK/flows.json" values protocol port="$UDP" role=$side exchanges!=0)" memcached "every exchange is memcached's, over UDP, $side"
	is "$(rows "$WORK/flows.json" sum exchanges port="$UDP" role=$side)" $((2 * 37 + 3)) "commands over UDP, $side"
	is "$(rows "$WORK/flows.json" sum exchanges port="$UDP" role=$side 'route=user:{id}:profile')" $((2 * 37)) "of them for profiles, $side"
	has_findings "$UDP" $side pan $to 37
	has_findings "$UDP" $side pan $from 37
	for port in "$text" "$tls" "$binary" "$UDP"; do
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "no byte is unexplained, $side"
		for fate in lost opaque skipped; do
			is "$(rows "$WORK/flows.json" sum bytes.$fate port="$port" role=$side)" 0 "no byte is $fate, $side"
		done
	done
done
matches "$WORK/violations.json" '"path":"set.order:\{id\}.card.number"' "a card is named by where it stood in a document that was packed"
lacks "$WORK/flows.json" 'harbour-' "no password is kept in flows"
lacks "$WORK/violations.json" 'harbour-' "no password is kept"
