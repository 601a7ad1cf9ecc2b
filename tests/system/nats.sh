#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real NATS server, in clear and with TLS, which begins behind its greeting: messages to a queue group, half of
# them with headers, requests that are answered over inboxes, a log-in that is refused. Each is an exchange on
# either side, and each class is found once.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nats-server openssl
make_cert
serve() { # NAME, LINES of its configuration; ports in $PORT and $MONITOR
	PORT=$(free_port) MONITOR=$(free_port)
	cat >"$WORK/$1.conf" <<-END
		listen: 127.0.0.1:$PORT
		http: 127.0.0.1:$MONITOR
		authorization { user: till, password: harbour-Right-29 }
		$2
	END
	start "$WORK/$1.log" nats-server -c "$WORK/$1.conf"
	wait_for 30 listens "$PORT" || bail "no NATS server: $(tail -n 2 "$WORK/$1.log")"
}
serve tcp ""
tcp=$PORT tcp_monitor=$MONITOR
serve tls "tls { cert_file: \"$CERT\", key_file: \"$KEY\" }"
tls=$PORT tls_monitor=$MONITOR
start_weir --policy "$LIB/card.yaml"

LIMIT=30
for row in "tcp $tcp $tcp_monitor 53 31" "tls $tls $tls_monitor 43 29"; do
	read -r how port monitor messages requests <<<"$row"
	run "$PYTHON" "$LIB/nats_peer.py" talk "$port" "$messages" "$requests" "$how"
	exits 0 "$messages messages and $requests requests over $how"
	run "$PYTHON" "$LIB/nats_peer.py" refused "$port" "$how"
	is "$(cat "$OUT")" "-ERR 'Authorization Violation'" "a log-in over $how is refused"
	run "$PYTHON" "$LIB/nats_peer.py" counts "$monitor"
	is "$(cat "$OUT")" "$((messages + 2 * requests)) $((messages + 2 * requests))" "the server itself counts so many messages in and out over $how"
done

settle
read_weir flows flows --sum
read_weir violations violations list
for row in "tcp $tcp 53 31" "tls $tls 43 29"; do
	read -r how port messages requests <<<"$row"
	for side in client server; do
		to=$([ $side = client ] && echo sent || echo received) from=$([ $side = client ] && echo received || echo sent)
		is "$(rows "$WORK/flows.json" values protocol port="$port" role=$side exchanges!=0)" nats "every exchange is NATS, $how $side"
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$side "route=orders.{id}.paid")" $((2 * messages)) \
			"$messages messages are published and delivered, $how $side"
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$side route=people.find)" $((2 * requests + 1)) \
			"somebody subscribes to $requests requests that are asked and delivered, $how $side"
		# An answer that was taken for a message would have the inbox as its route.
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$side route~_INBOX)" 1 "an inbox is subscribed to, and no more, $how $side"
		# Three connections greet and log in, one in vain; three subscribe.
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$side)" $((2 * messages + 2 * requests + 3 + 3 + 3)) "all exchanges, $how $side"
		for way in $to $from; do
			has_findings "$port" $side pan "$way" "$messages"
			has_findings "$port" $side email "$way" $((messages + requests))
		done
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "no byte is unexplained, $how $side"
		for fate in lost opaque skipped; do
			is "$(rows "$WORK/flows.json" sum bytes.$fate port="$port" role=$side)" 0 "no byte is $fate, $how $side"
		done
	done
done
lacks "$WORK/flows.json" 'harbour-' "no password is kept in flows"
lacks "$WORK/violations.json" 'harbour-' "no password is kept"
