#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# MQTT between Mosquitto's broker and its clients: 53 messages of 3.1.1 that are answered and 31 of MQTT 5
# that are not, published and delivered. Each is an exchange on either side, each address is found once.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need mosquitto mosquitto_pub mosquitto_sub
port=$(free_port)
cat >"$WORK/mosquitto.conf" <<END
listener $port 127.0.0.1
allow_anonymous true
persistence false
log_dest stderr
log_type all
END
start "$WORK/broker.log" mosquitto -c "$WORK/mosquitto.conf"
wait_for 20 listens "$port" || bail "mosquitto does not listen: $(tail -n 2 "$WORK/broker.log")"
start_weir --policy "$LIB/card.yaml"

start "$WORK/orders.log" mosquitto_sub -h 127.0.0.1 -p "$port" -t 'orders/#' -q 1 -C 53
orders=$PID
start "$WORK/meters.log" mosquitto_sub -h 127.0.0.1 -p "$port" -V mqttv5 -t 'meters/#' -C 31
meters=$PID
subscribed() { [ "$(grep -c 'Received SUBSCRIBE' "$WORK/broker.log")" = 2 ]; }
wait_for 20 subscribed || bail "nobody subscribed: $(tail -n 3 "$WORK/broker.log")"
for i in $(seq 53); do printf '{"order":%d,"contact":{"email":"buyer%d@harborline-logistics.com"}}\n' "$i" "$i"; done |
	mosquitto_pub -h 127.0.0.1 -p "$port" -t orders/4711 -q 1 -l || not_ok "mosquitto_pub: exit status $?"
for i in $(seq 31); do printf '{"reading":%d,"owner":"owner%d@harborline-logistics.com"}\n' "$i" "$i"; done |
	mosquitto_pub -h 127.0.0.1 -p "$port" -V mqttv5 -t meters/4712 -l || not_ok "mosquitto_pub with MQTT 5: exit status $?"
wait_for 30 gone "$orders" || not_ok "53 messages are delivered"
wait_for 30 gone "$meters" || not_ok "31 messages are delivered"
is "$(grep -c 'Received PUBLISH' "$WORK/broker.log") $(grep -c 'Sending PUBLISH' "$WORK/broker.log")" "84 84" "the broker itself received and sent 84 messages"

settle
read_weir flows flows --sum
is "$(rows "$WORK/flows.json" values protocol port="$port" exchanges!=0)" mqtt "every exchange is MQTT"
for row in "orders/{id}:53" "meters/{id}:31"; do
	route=${row%:*} n=${row#*:}
	for role in client server; do
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$role route="$route")" $((2 * n)) "$n messages to $route are published and delivered ($role)"
		for way in sent received; do
			is "$(rows "$WORK/flows.json" findings email $way port="$port" role=$role route="$route")" "$n" "an address in each, $way by the $role"
		done
	done
done
# A client connects, or connects and subscribes.
for role in client server; do
	is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=$role)" $((2 * 84 + 4 + 2)) "all exchanges of the $role"
	is "$(rows "$WORK/flows.json" unexplained port="$port" role=$role)" 0 "no byte of the $role is unexplained"
done
is "$(rows "$WORK/flows.json" sum bytes.opaque port="$port")" 0 "no byte is opaque"
