#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# 97 questions by dig to dnsmasq, over UDP and TCP: as many exchanges on both sides, with the type
# and what came of it; then a client that asks itself and connects by address goes by the name.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need dig dnsmasq
dns=$(free_port) http=$(free_port)
name=orders.harborline-logistics.com
start "$WORK/dnsmasq.log" dnsmasq --keep-in-foreground --conf-file=/dev/null --port="$dns" --listen-address=127.0.0.1 --bind-interfaces \
	--no-resolv --no-hosts --pid-file= --log-queries --log-facility=- --user=root --cache-size=0 --local=/harborline-logistics.com/ \
	--address=/$name/127.0.0.41 --txt-record=note.harborline-logistics.com,"write to ana.ruiz@harborline-logistics.com"
start "$WORK/http.log" "$PYTHON" "$LIB/resolve_peer.py" serve 127.0.0.41 "$http"
wait_for 20 listens "$dns" || bail "no dnsmasq: $(tail -n 2 "$WORK/dnsmasq.log")"
wait_for 20 bash -c "exec 3<>/dev/tcp/127.0.0.41/$http" || bail "no HTTP server: $(tail -n 1 "$WORK/http.log")"
start_weir --policy "$LIB/card.yaml"

{ yes "$name A" | head -n 31; yes 'note.harborline-logistics.com TXT' | head -n 19; yes 'nobody.harborline-logistics.com AAAA' | head -n 11; } >"$WORK/udp"
{ yes "$name A" | head -n 23; yes 'note.harborline-logistics.com TXT' | head -n 13; } >"$WORK/tcp"
LIMIT=60 run dig -p "$dns" @127.0.0.1 +tries=1 +time=20 +short +nocookie -f "$WORK/udp"
exits 0 "dig over UDP"
is "$(grep -c 127.0.0.41 "$OUT")" 31 "it had 31 addresses"
LIMIT=60 run dig -p "$dns" @127.0.0.1 +tcp +tries=1 +time=20 +short +nocookie -f "$WORK/tcp"
exits 0 "dig over TCP"
"$PYTHON" "$LIB/resolve_peer.py" get "$dns" "$name" "$http" 13 2>"$WORK/client.log" || not_ok "the client: $(tail -n 1 "$WORK/client.log")"
is "$(grep -c ' query\[' "$WORK/dnsmasq.log")" 98 "dnsmasq itself logged 97 questions by dig and one by the client"

settle
read_weir flows flows --sum
# A client's flow has the server's port, a server's too.
for side in client server; do
	is "$(rows "$WORK/flows.json" sum exchanges protocol=dns port="$dns" role=$side)" 98 "each question is an exchange of the $side"
	is "$(rows "$WORK/flows.json" sum exchanges protocol=dns port="$dns" role=$side route=note.harborline-logistics.com)" 32 "by name, $side"
	is "$(rows "$WORK/flows.json" unexplained port="$dns" role=$side)" 0 "no byte of the $side is unexplained"
	for fate in lost opaque; do
		is "$(rows "$WORK/flows.json" sum bytes.$fate port="$dns" role=$side)" 0 "no byte of the $side is $fate"
	done
done
has_findings "$dns" client email received 32
has_findings "$dns" server email sent 32
is "$(rows "$WORK/flows.json" values peer port="$http" role=client)" "$name" "who connects by address goes by the name that it asked for"
is "$(rows "$WORK/flows.json" sum exchanges port="$http" role=client peer=$name)" 13 "13 requests to that peer"
