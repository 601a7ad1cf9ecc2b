#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real traffic of nginx, captured by tcpdump on the loopback interface, is replayed: exact exchanges
# and classes over HTTP, and over HTTPS once there is a key log, by each kind of cipher; what tshark
# says of the same file is the same.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need tcpdump tshark curl nginx openssl
start_nginx
sed -i 's/server_name localhost;/&\n\t\tssl_protocols TLSv1.2 TLSv1.3;/' "$WORK/nginx/nginx.conf"
kill -HUP "$NGINX_PID"
wait_for 20 curl -sk --tlsv1.3 "https://localhost:$HTTPS_PORT/plain/0" -o "$WORK/answer" || bail "nginx does not speak TLS 1.3"
KEYLOG=$WORK/keys.log CAPTURE=$WORK/real.pcap MARK=$(free_port)
export SSLKEYLOGFILE=$KEYLOG
start "$WORK/tcpdump.log" tcpdump -i lo -U --immediate-mode -s 0 -B 32768 -Z root -w "$CAPTURE" \
	"tcp port $HTTP_PORT or tcp port $HTTPS_PORT or udp port $MARK"
TCPDUMP_PID=$PID
wait_for 20 grep -q 'listening on' "$WORK/tcpdump.log" || bail "tcpdump does not listen: $(tail -n 2 "$WORK/tcpdump.log")"

"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 53
posts() { # URL FROM TO CURL-OPTION...
	local url=$1 from=$2 to=$3 i
	shift 3
	for i in $(seq "$from" "$to"); do
		[ "$i" = "$from" ] || echo next
		printf 'url = "%s"\nheader = "Content-Type: application/json"\ndata-binary = "@%s"\nsilent\noutput = "%s"\n' \
			"$url/api/orders" "$WORK/bodies/$i.json" "$WORK/answer"
		printf '%s\n' "$@"
	done >"$WORK/curl.conf"
	curl -K "$WORK/curl.conf" || not_ok "curl $url $*: exit status $?"
}
http=http://localhost:$HTTP_PORT https=https://localhost:$HTTPS_PORT
posts "$http" 0 52			# 53 over HTTP, over one connection
curl -s "$http/plain/[1-11]" >"$WORK/answer" || not_ok "curl with 11 GET"
head -c 3000000 /dev/zero | tr '\0' z >"$PAGES/large.txt"
curl -s "$http/pages/large.txt" -o "$WORK/answer" || not_ok "curl of a large file"
# 7 over HTTPS by each cipher: 10 ciphers.
n=0
for suite in TLS_AES_256_GCM_SHA384 TLS_AES_128_GCM_SHA256 TLS_CHACHA20_POLY1305_SHA256; do
	posts "$https" 0 6 insecure tlsv1.3 "tls13-ciphers = \"$suite\""
	n=$((n + 7))
done
for suite in AES128-GCM-SHA256 AES256-GCM-SHA384 CHACHA20-POLY1305 AES128-SHA AES256-SHA AES128-SHA256 AES256-SHA384; do
	posts "$https" 0 6 insecure tlsv1.2 'tls-max = "1.2"' "ciphers = \"ECDHE-ECDSA-$suite\""
	n=$((n + 7))
done
curl -sk "$https/pages/large.txt" -o "$WORK/answer" || not_ok "curl of a large file over TLS"
# Keys that change in the middle of a connection: s_client changes its own, and asks nginx to.
mkfifo "$WORK/in"
exec 7<>"$WORK/in"
openssl s_client -connect "localhost:$HTTPS_PORT" -tls1_3 -keylogfile "$WORK/more.log" <&7 7>&- >"$WORK/s_client.log" 2>&1 &
S_CLIENT_PID=$!
answered() { [ "$(grep -c 'nothing of interest' "$WORK/s_client.log")" -ge "$1" ]; }
for i in 1 2 3 4 5; do
	printf 'GET /plain/%d HTTP/1.1\r\nHost: localhost\r\n\r\n' "$i" >&7
	wait_for 10 answered "$i" || bail "s_client got no answer $i"
	printf 'K\n' >&7
	wait_for 10 eval "[ \$(grep -c KEYUPDATE '$WORK/s_client.log') -ge $i ]" || bail "s_client changed no key"
done
printf 'Q\n' >&7
wait_for 10 gone "$S_CLIENT_PID" || kill "$S_CLIENT_PID"
exec 7>&-
cat "$WORK/more.log" >>"$KEYLOG"

# The capture is whole when the last datagram is in it.
marked() { printf x >"/dev/udp/127.0.0.1/$MARK"; tcpdump -r "$CAPTURE" -n "udp port $MARK" 2>/dev/null | grep -q .; }
wait_for 20 marked || not_ok "tcpdump wrote all"
stop "$TCPDUMP_PID"
matches "$WORK/tcpdump.log" '^0 packets dropped by kernel' "tcpdump lost nothing"

replay() {
	LIMIT=120 run "$WEIR" replay "$CAPTURE" --policy "$LIB/card.yaml" -o json --messages "$@"
	exits 0 "the capture is replayed $*"
	grep '"type":"flow"' "$OUT" >"$WORK/flows.json"
	grep '"type":"message"' "$OUT" >"$WORK/messages.json"
	grep '"type":"violation"' "$OUT" >"$WORK/violations.json"
	grep '"type":"capture"' "$OUT" >"$WORK/capture.json"
}
of() { rows "$WORK/flows.json" "${@:2}" port="$1"; }

replay
is "$(of "$HTTP_PORT" sum exchanges)" 65 "65 requests over HTTP are 65 exchanges"
is "$(of "$HTTP_PORT" findings pan received) $(of "$HTTP_PORT" findings email received) $(of "$HTTP_PORT" findings email sent)" "53 53 53" "with the classes that were planted"
is "$(of "$HTTP_PORT" unexplained) $(of "$HTTP_PORT" sum bytes.lost) $(of "$HTTP_PORT" sum bytes.opaque)" "0 0 0" "and no byte unexplained, lost or opaque"
is "$(of "$HTTPS_PORT" sum exchanges)" 0 "without keys there is nothing in TLS"
is "$(of "$HTTPS_PORT" sum bytes.examined)" 0 "it is opaque"
at_least "$(of "$HTTPS_PORT" sum bytes.opaque)" 3000000 "and counted so"
is "$(of "$HTTPS_PORT" unexplained)" 0 "and none unexplained"
is "$(rows "$WORK/capture.json" sum tls_decrypted)" 0 "nothing was decrypted"

replay --keylog "$KEYLOG"
is "$(of "$HTTP_PORT" sum exchanges)" 65 "with keys: HTTP is the same"
is "$(of "$HTTPS_PORT" sum exchanges)" $((n + 6)) "with keys: $((n + 6)) requests over HTTPS are as many exchanges"
is "$(rows "$WORK/messages.json" count tls=present binding=exact)" $((n + 6)) "each bound to its connection exactly"
is "$(of "$HTTPS_PORT" findings pan received) $(of "$HTTPS_PORT" findings email received) $(of "$HTTPS_PORT" findings email sent)" "$n $n $n" "with the classes that were planted"
is "$(of "$HTTPS_PORT" unexplained) $(of "$HTTPS_PORT" sum bytes.lost) $(of "$HTTPS_PORT" sum bytes.opaque)" "0 0 0" "and no byte unexplained, lost or opaque"
is "$(of "$HTTPS_PORT" values tls.version route=/plain/{id}) $(of "$HTTPS_PORT" values tls.version route=/api/orders)" "1.3 1.2" "versions are told of the handshakes, a flow's last one"
is "$(rows "$WORK/capture.json" sum tls) $(rows "$WORK/capture.json" sum tls_decrypted) $(rows "$WORK/capture.json" sum tls_failed_records)" "12 12 0" "12 connections, all decrypted, and each record opened"
read -r examined skipped <<<"$(of "$HTTPS_PORT" sum sent.examined,sent.skipped)"
at_least "$examined" 1000000 "the large file too"
at_least $((examined + skipped)) 3000000 "and its rest, which is not looked at, is named"
is "$(rows "$WORK/violations.json" distinct id) $(rows "$WORK/violations.json" count exchanges=53) $(rows "$WORK/violations.json" count exchanges=$n)" "2 1 1" \
	"the rule is broken by each port, by each card"

# The same file, told by others.
tshark -r "$CAPTURE" -o tcp.reassemble_out_of_order:TRUE -o "tls.keylog_file:$KEYLOG" -d "tcp.port==$HTTP_PORT,http" -d "tcp.port==$HTTPS_PORT,tls" \
	-Y http -T json -e http.request.method -e http.response.code >"$WORK/tshark.json" 2>"$WORK/tshark.err" || not_ok "tshark: $(tail -1 "$WORK/tshark.err")"
tally() {
	"$PYTHON" - "$WORK/tshark.json" "$WORK/messages.json" <<'END'
import collections, json, sys
layers = [p["_source"]["layers"] for p in json.load(open(sys.argv[1]))]
theirs = [collections.Counter(v for l in layers for v in l.get(k, [])) for k in ("http.request.method", "http.response.code")]
messages = [json.loads(line) for line in open(sys.argv[2])]
ours = [collections.Counter(m["method"] for m in messages), collections.Counter(str(m["status"]) for m in messages)]
print("same" if ours == theirs else f"ours {ours}, tshark's {theirs}", sum(theirs[0].values()))
END
}
is "$(tally)" "same $((65 + n + 6))" "tshark sees the same requests and answers, by method and status"

# Packets are missing: any, and those of the large file, in the middle of records.
mv "$CAPTURE" "$WORK/whole.pcap"
without() { # NUMBERS of packets
	# shellcheck disable=SC2086  # words
	editcap "$WORK/whole.pcap" "$CAPTURE" $1 >"$WORK/editcap.log" 2>&1 || not_ok "editcap: $(tail -n 1 "$WORK/editcap.log")"
	replay --keylog "$KEYLOG"
	is "$(rows "$WORK/flows.json" unexplained)" 0 "$2: no byte is unexplained"
	at_least "$(rows "$WORK/flows.json" sum bytes.lost)" 1000 "$2: what is missing is lost"
}
nr=$(tshark -r "$WORK/whole.pcap" -T fields -e frame.number 2>"$WORK/tshark.err" | tail -n 1)
without "$(seq 13 13 "$nr" | tr '\n' ' ')" "each 13th packet missing"
without "$(tshark -r "$WORK/whole.pcap" -Y 'frame.len > 20000' -T fields -e frame.number 2>"$WORK/tshark.err" | awk 'NR % 5 == 2' | tr '\n' ' ')" \
	"each 5th large packet missing"
is "$(of "$HTTPS_PORT" findings pan received)" "$n" "each 5th large packet missing: all cards are found"
at_least "$(of "$HTTPS_PORT" sum sent.examined)" 1000000 "each 5th large packet missing: decryption goes on behind a gap"
mv "$WORK/whole.pcap" "$CAPTURE"

# The client's side, and a key log of somebody else.
replay --keylog "$KEYLOG" --side client
is "$(of "$HTTPS_PORT" findings pan sent) $(of "$HTTPS_PORT" unexplained)" "$n 0" "as the client saw it: the cards were sent"
sed -E 's/[0-9a-f]{8}$/00000000/' "$KEYLOG" >"$WORK/wrong.log"
replay --keylog "$WORK/wrong.log"
is "$(of "$HTTPS_PORT" sum exchanges) $(of "$HTTPS_PORT" unexplained)" "0 0" "wrong keys open nothing, and all is accounted for"
at_least "$(rows "$WORK/capture.json" sum tls_failed_records)" 100 "which is counted"
