#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The reader is stopped while 53 connections come and go, so that most end without a record of theirs in
# the ring: each byte of all of them is in the account of both ends, as lost where it is not examined.
# Alone: what others say would take the ring's room.
. "$(dirname "$0")/../lib/lib.sh"
need_root
port=$(free_port)
start "$WORK/serve.log" "$PYTHON" "$LIB/unheard_peer.py" serve "$port"
wait_for 20 listens "$port" || bail "no server: $(tail -n 2 "$WORK/serve.log")"
start_weir --policy "$LIB/card.yaml" --ring 1
# The wait for the server was a connection too, before weir.
reader=$(role_pid reader)
[ -n "$reader" ] || bail "no reader"
kill -STOP "$reader"
run "$PYTHON" "$LIB/unheard_peer.py" send "$port" 53 200003
kill -CONT "$reader"
exits 0 "53 connections, 200,003 bytes each"

settle
read_weir flows flows --sum
read_weir coverage coverage
for role in client server; do
	is "$(rows "$WORK/flows.json" sum bytes.moved port="$port" role=$role)" $((53 * 200003)) "every byte that moved is in the account of the $role"
	is "$(rows "$WORK/flows.json" unexplained port="$port" role=$role)" 0 "none is unexplained ($role)"
done
at_least "$(rows "$WORK/flows.json" sum bytes.lost port="$port" role=client)" $((40 * 200003)) "most were lost"
at_least "$(rows "$WORK/coverage.json" sum reasons.ring_full pid!=null)" $((80 * 200003)) "because the ring was full"
