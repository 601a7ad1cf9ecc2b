#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A real RabbitMQ with pika: 47 messages that are confirmed, 53 that are not, delivered and fetched, one that
# comes back, a log-in that is refused. Each is an exchange on either side, and each class is found once. Over TLS the
# client tells all of 43 more; the broker's own TLS is Erlang's, into which nobody sees, and it is named so.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need epmd openssl
broker=/usr/lib/rabbitmq/bin/rabbitmq-server
[ -x "$broker" ] || bail "no RabbitMQ at $broker: scripts/bootstrap test installs it"
"$PYTHON" -c 'import pika' 2>/dev/null || bail "no pika for $PYTHON: scripts/bootstrap test installs it"

make_cert
port=$(free_port) tls=$(free_port) dist=$(free_port) names=$(free_port)
mkdir "$WORK/rabbit"
: >"$WORK/rabbit/env.conf"
echo '[].' >"$WORK/rabbit/plugins"
printf 'listeners.ssl.default = 127.0.0.1:%s\nssl_options.certfile = %s\nssl_options.keyfile = %s\n' "$tls" "$CERT" "$KEY" >"$WORK/rabbit/rabbit.conf"
of_broker() { # what tells it that all of its own is here
	HOME=$WORK/rabbit ERL_EPMD_PORT=$names ERL_EPMD_ADDRESS=127.0.0.1 RABBITMQ_NODENAME=weir@localhost RABBITMQ_NODE_PORT=$port \
		RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_DIST_PORT=$dist RABBITMQ_MNESIA_BASE=$WORK/rabbit/mnesia RABBITMQ_LOGS=- \
		RABBITMQ_LOG_BASE=$WORK/rabbit RABBITMQ_ENABLED_PLUGINS_FILE=$WORK/rabbit/plugins RABBITMQ_CONFIG_FILE=$WORK/rabbit/rabbit.conf \
		RABBITMQ_ADVANCED_CONFIG_FILE=$WORK/rabbit/none.config RABBITMQ_GENERATED_CONFIG_DIR=$WORK/rabbit \
		RABBITMQ_CONF_ENV_FILE=$WORK/rabbit/env.conf RABBITMQ_FEATURE_FLAGS_FILE=$WORK/rabbit/flags \
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-start_epmd false" "$@"
}
of_broker start "$WORK/names.log" epmd -port "$names"
wait_for 20 listens "$names" || bail "epmd does not listen: $(tail -n 2 "$WORK/names.log")"
of_broker start "$WORK/broker.log" "$broker"
start_weir --policy "$LIB/card.yaml"
wait_for 60 grep -q 'Server startup complete' "$WORK/broker.log" || bail "no broker: $(tail -n 3 "$WORK/broker.log")"

says() { # COUNT SENTENCE COMMAND...
	run "$PYTHON" "$LIB/amqp_peer.py" "$to" "${@:3}"
	is "$(tail -n 1 "$OUT")" "$1" "$2"
}
to=$port
says 47 "the broker itself has 47 messages" confirmed 47
says 53 "the broker itself has 53 messages" plain 53
says 47 "47 were delivered" consume 47
says 53 "53 were fetched" get 53
says 1 "one came back" returned
says 1 "the broker itself refused one" refused
to=tls:$tls
says 43 "the broker itself has 43 messages over TLS" confirmed 43
says 43 "43 were delivered over TLS" consume 43
is "$(grep -c 'authenticated and granted access' "$WORK/broker.log") $(grep -c 'PLAIN login refused' "$WORK/broker.log")" "7 1" "the broker itself has let in 7"

settle
read_weir flows flows --sum
read_weir violations violations list
exchanges() { # COUNT SENTENCE WHERE...
	for side in client server; do
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$side "${@:3}")" "$1" "$2, $side"
	done
}
exchanges $((47 * 2)) "47 published and 47 delivered" route=/confirmed
exchanges $((53 * 2)) "53 published and 53 fetched" route=/plain
exchanges 2 "one published, and returned" route=/nobody
for side in client server; do
	is "$(rows "$WORK/flows.json" values protocol port="$port" role=$side exchanges!=0)" amqp "it is all AMQP, $side"
	is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "no byte of the $side is unexplained"
	for fate in lost opaque skipped; do
		is "$(rows "$WORK/flows.json" sum bytes.$fate port="$port" role=$side)" 0 "no byte of the $side is $fate"
	done
done
found() { # CLASS COUNT, client's DIRECTION, server's DIRECTION, WHERE...
	is "$(rows "$WORK/flows.json" findings "$1" "$3" role=client port="$port" "${@:5}")" "$2" "client $3 $1 in exactly $2 fields (${*:5})"
	is "$(rows "$WORK/flows.json" findings "$1" "$4" role=server port="$port" "${@:5}")" "$2" "server $4 $1 in exactly $2 fields (${*:5})"
}
for row in confirmed:47 plain:53; do
	route=${row%:*} n=${row#*:}
	found pan "$n" sent received "route=/$route"
	found pan "$n" received sent "route=/$route"
	found email $((2 * n)) sent received "route=/$route"
	found email $((2 * n)) received sent "route=/$route"
done
is "$(rows "$WORK/flows.json" sum exchanges port="$tls" role=client route=/confirmed)" 86 "43 published and 43 delivered over TLS, client"
is "$(rows "$WORK/flows.json" values protocol port="$tls" role=client exchanges!=0)" amqp "it is all AMQP over TLS"
for way in sent received; do
	is "$(rows "$WORK/flows.json" findings pan $way port="$tls" role=client)" 43 "client $way pan in exactly 43 fields over TLS"
	is "$(rows "$WORK/flows.json" findings email $way port="$tls" role=client)" 86 "client $way email in exactly 86 fields over TLS"
done
is "$(rows "$WORK/flows.json" unexplained port="$tls")" 0 "no byte is unexplained over TLS, on either side"
is "$(rows "$WORK/flows.json" sum bytes.examined port="$tls" role=server)" 0 "into the broker's TLS nobody sees"
read_weir coverage coverage
is "$(rows "$WORK/coverage.json" values state exe~beam bytes.examined!=0)" partial "the broker was visible in part"
is "$(rows "$WORK/coverage.json" values reason exe~beam bytes.examined!=0)" unprobed_tls "and coverage says why"
is "$(rows "$WORK/violations.json" values path port="$port" | sort -u)" '$.card.number' "a card number has its path"
lacks "$WORK/violations.json" 'harbour-Wrong' "no password is kept"
lacks "$WORK/flows.json" 'harbour-Wrong' "no password is kept in flows"
