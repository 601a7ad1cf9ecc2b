#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --exe watches the programs that match and nothing else; what is left out is counted.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx
start_nginx
start_weir --policy "$LIB/card.yaml" --exe nginx
for i in $(seq 5); do curl -s -o "$WORK/answer" "http://localhost:$HTTP_PORT/api/$i" || not_ok "curl $i"; done
settle
read_weir flows flows --sum
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server)" 5 "nginx, which was running before, is watched"
is "$(rows "$WORK/flows.json" count role=client)" 0 "curl is not"
run "$WEIR" report --format json --state "$STATE"
matches "$OUT" '"filters":"exe nginx"' "the report says what was looked at"
