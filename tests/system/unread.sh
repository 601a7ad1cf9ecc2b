#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Protocols that nobody knows: 97 requests of one over TCP, 31 datagrams of another to each of two. None is an exchange and
# every byte is opaque, and what is in them is found as often as it is there, on both sides, and judged.
. "$(dirname "$0")/../lib/lib.sh"
need_root
tcp=$(free_port) udp=$(free_port) other=$(free_port)
start "$WORK/serve.log" "$PYTHON" "$LIB/unread_peer.py" serve "$tcp" "$udp" "$other"
wait_for 20 listens "$tcp" || bail "no server: $(tail -n 2 "$WORK/serve.log")"
start_weir --policy "$LIB/card.yaml"

for what in "ask $tcp 97" "tell $udp $other 31" "noise $tcp 100003"; do
	# shellcheck disable=SC2086
	run "$PYTHON" "$LIB/unread_peer.py" $what
	exits 0 "$what"
done

settle
read_weir flows flows --sum
for side in client:sent:received server:received:sent; do
	IFS=: read -r role asked answered <<<"$side"
	has_findings "$tcp" "$role" email "$asked" 97
	has_findings "$tcp" "$role" pan "$answered" 98
	has_findings "$udp" "$role" email "$asked" 31
	has_findings "$other" "$role" email "$asked" 31
	for port in "$tcp" "$udp" "$other"; do
		is "$(rows "$WORK/flows.json" values peer_zone port="$port" role="$role")" loopback "where the other end of $port is, the $role knows"
		is "$(rows "$WORK/flows.json" sum exchanges port="$port" role="$role")" 0 "nobody counts exchanges at $port ($role)"
		is "$(rows "$WORK/flows.json" unexplained port="$port" role="$role")" 0 "no byte is unexplained at $port ($role)"
		is "$(rows "$WORK/flows.json" sum bytes.examined port="$port" role="$role")" 0 "none is called examined at $port ($role)"
	done
done
for n in bytes.moved unread.bytes; do
	is "$(rows "$WORK/flows.json" sum $n port="$udp" role=client)" "$(for i in $(seq 0 30); do printf 'orders.paid:%d|c|#contact=buyer%d@harborline-logistics.com\002ok' "$i" "$i"; done | wc -c)" "$n of datagrams"
done
is "$(rows "$WORK/flows.json" values unread.printable port="$udp" role=client | awk '{ print ($1 > 0.97 && $1 < 1) }')" 1 "which are text, but for the answers' first byte"
is "$(rows "$WORK/flows.json" values unread.entropy port="$tcp" role=client | awk '{ print ($1 > 7) }')" 1 "the noise is as good as random"
# 97 requests with a head of 5 bytes and 98 answers of 43.
is "$(rows "$WORK/flows.json" sum bytes.moved port="$tcp" role=client)" \
	$(("$(for i in $(seq 0 96); do printf '%s' "{\"order\":$i,\"contact\":{\"email\":\"buyer$i@harborline-logistics.com\"}}12345"; done | wc -c)" + 100039 + 98 * 43)) "every byte moved"
read_weir violations violations list
is "$(rows "$WORK/violations.json" values rule port="$tcp" role=client)" TEST-CARD-001 "the card numbers are a violation"
