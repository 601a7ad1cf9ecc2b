#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bytes that weir cannot read it shows while they flow: weir observe has a line for each process, peer,
# direction and reason, with as many bytes as somebody else counted on the way.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need wget nginx
library=$(ldd "$(command -v wget)" | awk '/libgnutls\.so/ { print $3 }')
[ -n "$library" ] || skip_all "this host's wget does not use GnuTLS"
# A copy without its table of sections, which nobody needs to run it: its functions are not found.
"$PYTHON" -c 'import sys
image = bytearray(open(sys.argv[1], "rb").read())
image[0x28:0x30] = bytes(8)
image[0x3c:0x40] = bytes(4)
open(sys.argv[2], "wb").write(image)' "$library" "$WORK/$(basename "$library")"
start_nginx
PROXY_PORT=$(free_port)
start "$WORK/proxy.log" "$PYTHON" -SI "$LIB/record_proxy.py" "$PROXY_PORT" "$HTTPS_PORT" "$WORK/counted"
wait_for 10 listens "$PROXY_PORT" || bail "the proxy does not listen: $(cat "$WORK/proxy.log")"
counted_is() { [ "$(cut -d' ' -f1 "$WORK/counted")" = "$1" ]; }
wait_for 10 counted_is 1	# the look above, which said nothing
start_weir --policy "$LIB/card.yaml"
start "$WORK/live.json" "$WEIR" observe -f --state "$STATE" -o json --verdict gap --workload wget
observer=$PID
for i in $(seq 7); do
	LD_LIBRARY_PATH=$WORK wget -q --no-check-certificate --secure-protocol=TLSv1_2 -O "$WORK/answer" --post-data='{"card":"4539981111112222"}' \
		"https://localhost:$PROXY_PORT/api/$i" || not_ok "wget $i: exit status $?"
done
wait_for 10 counted_is 8 || not_ok "the proxy counts 8 connections: $(cat "$WORK/counted")"
read -r _ bytes_sent data_sent bytes_received data_received <"$WORK/counted"
at_least "$data_sent" 1000 "wget sent data, in TLS"

# While it runs: what a line says grows with the minute's bytes.
total() { # FILE DIRECTION; of each minute the last that was said
	"$PYTHON" -SI -c 'import json, sys
last = {}
for line in open(sys.argv[1]):
    r = json.loads(line)
    if r["type"] == "gap" and r["reason"] == "unprobed_tls" and r["direction"] == sys.argv[3] and r["port"] == int(sys.argv[2]):
        last[r["start"][:16], r["tls"]["state"], r["protocol"], r["route"]] = r["bytes"]
print(sum(last.values()))' "$1" "$PROXY_PORT" "$2"
}
shown() { [ "$(total "$WORK/live.json" sent) $(total "$WORK/live.json" received)" = "$data_sent $data_received" ]; }
wait_for 30 shown
is "$(total "$WORK/live.json" sent) $(total "$WORK/live.json" received)" "$data_sent $data_received" "the observer sees what wget sent and received, while weir runs"
is "$(rows "$WORK/live.json" values type)" gap "it was asked for nothing else"
at_least "$(rows "$WORK/live.json" count sealed=false)" 1 "before the minute is over"
stop "$observer"
settle
read_weir gaps observe --verdict gap --workload wget
is "$(rows "$WORK/gaps.json" sum bytes reason=unprobed_tls direction=sent)" "$data_sent" "sealed: each byte of data that wget sent has the reason unprobed_tls"
is "$(rows "$WORK/gaps.json" sum bytes reason=unprobed_tls direction=received)" "$data_received" "and each that it received"
is "$(rows "$WORK/gaps.json" sum bytes)" $((data_sent + data_received)) "there is no other"
for word in type=gap workload=wget role=client peer=localhost peer_zone=loopback port="$PROXY_PORT" tls.state=present; do
	is "$(rows "$WORK/gaps.json" values "${word%=*}")" "${word#*=}" "every line says $word"
done
matches "$WORK/gaps.json" '"exe":"[^"]*/wget"' "and which program"
read_weir flows flows --sum
is "$(rows "$WORK/flows.json" sum sent.moved workload=wget port="$PROXY_PORT")" "$bytes_sent" "moved is what the proxy counted, sent"
is "$(rows "$WORK/flows.json" sum received.moved workload=wget port="$PROXY_PORT")" "$bytes_received" "and received"
run "$WEIR" observe --state "$STATE" --verdict gap --workload wget
matches "$OUT" " gap wget -> localhost:$PROXY_PORT .* bytes sent were not examined: unprobed_tls" "a line of text says the same"
