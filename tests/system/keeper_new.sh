#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A keeper that takes the place of one that died knows what was told of connections that go on: who is at
# their other end, their TLS handshake, the name by which their peer was asked for.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx dnsmasq
start_nginx
DNS_PORT=$(free_port)
start "$WORK/dnsmasq.log" dnsmasq -k --no-resolv --no-hosts --conf-file=/dev/null --listen-address=127.0.0.1 --bind-interfaces \
	--port="$DNS_PORT" --pid-file= --local-ttl=600 --address=/shop.harborline-logistics.com/127.0.0.1
wait_for 20 listens "$DNS_PORT" || bail "no dnsmasq: $(tail -n 2 "$WORK/dnsmasq.log")"
cat >"$WORK/buyer.py" <<'END'
import http.client, os, socket, ssl, struct, sys
https, dns = int(sys.argv[1]), int(sys.argv[2])
name = "shop.harborline-logistics.com"
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    question = b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0\0\1\0\1"
    s.connect(("127.0.0.1", dns))
    s.settimeout(20)
    s.send(struct.pack(">6H", 4711, 0x100, 1, 0, 0, 0) + question)
    answer = s.recv(512)
    assert answer[-4:] == bytes([127, 0, 0, 1]), answer
conn = http.client.HTTPSConnection("127.0.0.1", https, context=ssl._create_unverified_context())
conn._http_vsn, conn._http_vsn_str = 10, "HTTP/1.0"	# which needs no Host: only the answer says whom it asked for
conn.connect()
conn.auto_open = 0	# it is one connection
for many in sys.stdin:	# a line is how many more
    for i in range(int(many)):
        conn.putrequest("POST", "/api/orders", skip_host=True)
        conn.putheader("Connection", "keep-alive")
        body = b'{"email":"buyer%d@harborline-logistics.com"}' % i
        conn.putheader("Content-Length", str(len(body)))
        conn.endheaders(body)
        answer = conn.getresponse()
        assert answer.status == 200, answer.status
        answer.read()
    print("done", many.strip(), flush=True)
END
start_weir --policy "$LIB/card.yaml"
mkfifo "$WORK/more"
exec 9<>"$WORK/more"
"$PYTHON" "$WORK/buyer.py" "$HTTPS_PORT" "$DNS_PORT" <"$WORK/more" >"$WORK/buyer.log" 2>&1 &
started+=("$!")
buy() { echo "$1" >&9; wait_for 20 grep -q "done $1" "$WORK/buyer.log" || not_ok "the client: $(tail -n 1 "$WORK/buyer.log")"; }
replaced() { local now; now=$(role_pid keeper); [ -n "$now" ] && [ "$now" != "$keeper" ]; }

buy 7
told() {
	LIMIT=20 run "$WEIR" flows --sum --state "$STATE" -o json
	cp "$OUT" "$WORK/live.json"
	[ "$(rows "$WORK/live.json" sum exchanges port="$HTTPS_PORT" role=server)" = 7 ]
}
wait_for 20 told || not_ok "the first keeper is told of 7 exchanges"
keeper=$(role_pid keeper)
kill -KILL "$keeper"
wait_for 20 replaced || not_ok "the keeper is replaced"
buy 13
settle
read_weir flows flows
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT")" 26 "the next keeper has the 13 exchanges after the first's death, of either side"
is "$(rows "$WORK/flows.json" values peer port="$HTTPS_PORT" role=client)" shop.harborline-logistics.com "the peer has the name by which it was asked for"
is "$(rows "$WORK/flows.json" values peer port="$HTTPS_PORT" role=server)" python3.11:buyer.py "the client is known to the server's side"
is "$(rows "$WORK/flows.json" distinct pair port="$HTTPS_PORT")" 1 "the two sides are one pair"
is "$(rows "$WORK/flows.json" values tls.version port="$HTTPS_PORT")" 1.2 "the handshake is known, on both sides"
is "$(rows "$WORK/flows.json" values tls.peer_subject port="$HTTPS_PORT" role=client)" CN=localhost "and the certificate"
