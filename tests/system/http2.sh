#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# HTTP/2 between real programs, many streams at once, over TLS and without: h2load with nghttpd,
# curl with nginx, Node.js with itself, curl with an Apache that it goes over to HTTP/2 with, and
# a connection that is older than weir. Each stream is an exchange, told once a side.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need h2load nghttpd node curl apache2 nginx
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
make_cert
for port in clear secure proxy back node late apache; do declare "$port=$(free_port)"; done

# A request is answered when all of it was read: by another server.
NGINX_SERVERS="server {
		listen 127.0.0.1:$proxy ssl http2;
		ssl_certificate $CERT;
		ssl_certificate_key $KEY;
		location / { proxy_pass http://127.0.0.1:$back; }
	}
	server {
		listen 127.0.0.1:$back;
		location / {
			default_type application/json;
			return 200 '{\"accepted\":true,\"contact\":{\"email\":\"$ANSWER_EMAIL\"}}';
		}
	}"
start_nginx
mkdir -p "$WORK/www/api"
printf '{"accepted":true,"contact":{"email":"%s"}}' "$ANSWER_EMAIL" >"$WORK/www/api/orders"
chmod -R a+rX "$WORK/www"
modules=/usr/lib/apache2/modules
cat >"$WORK/apache.conf" <<END
ServerName localhost
ServerRoot $WORK
PidFile $WORK/apache.pid
Listen 127.0.0.1:$apache
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule http2_module $modules/mod_http2.so
Protocols h2c http/1.1
H2Upgrade on
User nobody
Group nogroup
ErrorLog $WORK/apache.log
LogFormat "%H %m %>s" lean
CustomLog $WORK/apache-access.log lean
KeepAliveTimeout 60
DocumentRoot $WORK/www
END
start "$WORK/apache.out" apache2 -d "$WORK" -f "$WORK/apache.conf" -DFOREGROUND
start "$WORK/clear.log" nghttpd --address=127.0.0.1 --no-tls --echo-upload -d "$WORK/www" "$clear"
start "$WORK/secure.log" nghttpd --address=127.0.0.1 --echo-upload -d "$WORK/www" "$secure" "$KEY" "$CERT"
start "$WORK/node.log" node "$LIB/http2_peer.js" server "$node" "$CERT" "$KEY"
start "$WORK/late.log" node "$LIB/http2_peer.js" server "$late"
for port in clear secure node late apache; do wait_for 10 listens "${!port}" || bail "no $port server on port ${!port}"; done
node() { command node "$LIB/http2_peer.js" "$@"; }
start "$WORK/early.log" node client "http://127.0.0.1:$late/api/orders" "$WORK/bodies" 0 12 "$WORK/opened" "$WORK/gate"
early=$PID
wait_for 30 test -e "$WORK/opened" || bail "the connection older than weir has no answer: $(cat "$WORK/early.log")"
start_weir --policy "$LIB/card.yaml"

: >"$WORK/gate"
wait_for 30 gone "$early" || not_ok "the older connection's client ends"
load() { # URL REQUESTS CLIENTS STREAMS
	h2load -n "$2" -c "$3" -m "$4" -H 'content-type: application/json' -d "$WORK/bodies/0.json" "$1" >"$WORK/h2load.log" 2>&1
	matches "$WORK/h2load.log" "requests: $2 total, $2 started, $2 done, $2 succeeded" "h2load had $2 answers from $1"
}
load "http://127.0.0.1:$clear/api/orders" 97 3 10
load "https://127.0.0.1:$secure/api/orders" 97 5 7
node client "https://127.0.0.1:$node/api/orders" "$WORK/bodies" 0 97 || not_ok "node: exit status $?"
for i in $(seq 0 28); do
	[ "$i" = 0 ] || echo next
	printf 'url = "https://localhost:%s/api/orders"\nheader = "Content-Type: application/json"\ndata-binary = "@%s"\n' "$proxy" "$WORK/bodies/$i.json"
	printf 'insecure\nhttp2\nsilent\noutput = "%s"\n' "$WORK/answer"
done >"$WORK/curl.conf"
curl -K "$WORK/curl.conf" || not_ok "curl to nginx: exit status $?"
card=$(sed -n 's/.*"number": *"\([0-9]*\)".*/\1/p' "$WORK/bodies/0.json")
for i in $(seq 13); do
	curl -s --http2 -o "$WORK/answer" "http://127.0.0.1:$apache/api/orders?card=$card" || not_ok "curl $i to Apache: exit status $?"
done
upgraded() { [ "$(grep -c '^HTTP/2.0 GET 200' "$WORK/apache-access.log")" = 13 ]; }
wait_for 10 upgraded || not_ok "Apache itself logged 13 requests in HTTP/2: $(sort "$WORK/apache-access.log" | uniq -c)"
is "$(grep -c POST "$WORK/node.log")" 97 "Node.js itself logged 97 requests"

settle
read_weir flows flows --sum
echo_of() { # PORT REQUESTS SENTENCE: what is posted comes back
	is_exactly "$1" "$2" "$3"
	is "$(rows "$WORK/flows.json" values protocol port="$1" exchanges!=0)" http2 "$3: every exchange is HTTP/2"
	is "$(rows "$WORK/flows.json" values route port="$1" exchanges!=0)" /api/orders "$3: there is one route"
	for class in pan email; do
		for way in sent received; do
			is "$(rows "$WORK/flows.json" findings $class $way port="$1")" $((2 * $2)) "$3: $way $class in exactly $2 fields a side"
		done
	done
}
echo_of "$clear" 97 "97 requests in clear"
echo_of "$secure" 97 "97 requests over TLS"
echo_of "$node" 97 "97 requests between Node.js and Node.js"
echo_of "$late" 11 "11 requests over a connection older than weir"
is_exactly "$proxy" 29 "29 requests from curl to nginx"
is "$(rows "$WORK/flows.json" values protocol port="$proxy" exchanges!=0)" http2 "nginx was spoken to in HTTP/2"
is "$(classes_of "$proxy" client)" "email:received email:sent pan:sent" "curl's flow has these classes and no other"
has_findings "$proxy" server pan received 29
has_findings "$proxy" server email sent 29
is_exactly "$apache" 13 "13 requests that began in HTTP/1 and were answered in HTTP/2"
is "$(rows "$WORK/flows.json" values protocol port="$apache" exchanges!=0)" http2 "Apache answered in HTTP/2"
has_findings "$apache" server pan received 13
has_findings "$apache" server email sent 13
for port in clear secure node proxy apache; do
	for side in client server; do
		is "$(rows "$WORK/flows.json" unexplained port="${!port}" role=$side)" 0 "$port: no byte of the $side is unexplained"
	done
	is "$(rows "$WORK/flows.json" sum bytes.lost port="${!port}")" 0 "$port: no byte is lost"
	is "$(rows "$WORK/flows.json" sum bytes.opaque port="${!port}")" 0 "$port: no byte is opaque"
done
