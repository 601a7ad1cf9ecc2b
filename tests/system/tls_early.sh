#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Early data of TLS 1.3 with OpenSSL: 97 requests that a client sends before the handshake is over,
# to nginx, which answers them then, and 23 to openssl's own server. Each is examined once, on
# either side, under the connection that it came over.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx openssl
start_nginx
sed -i -e 's/ssl_certificate_key .*/&\n\t\tssl_early_data on;\n\t\tssl_session_timeout 1h;/' -e 's/\$request_method \$status/& $ssl_early_data/' "$WORK/nginx/nginx.conf"
stop "$NGINX_PID"
start "$WORK/nginx.log" nginx -e "$WORK/nginx/error.log" -p "$WORK/nginx" -c "$WORK/nginx/nginx.conf"
wait_for 10 listens "$HTTPS_PORT" || bail "nginx does not listen: $(tail -n 2 "$WORK/nginx.log")"
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
for i in $(seq 0 96); do
	printf 'POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: close\r\n\r\n' \
		"$(stat -c %s "$WORK/bodies/$i.json")" >"$WORK/bodies/$i.request"
	cat "$WORK/bodies/$i.json" >>"$WORK/bodies/$i.request"
done
tool=$(free_port)
mkfifo "$WORK/stdin"
openssl s_server -early_data -no_anti_replay -accept "127.0.0.1:$tool" -cert "$CERT" -key "$KEY" <>"$WORK/stdin" >"$WORK/tool.log" 2>&1 &
started+=("$!")
wait_for 10 listens "$tool" || bail "the server does not listen: $(tail -n 2 "$WORK/tool.log")"
# A session to come back with.
for port in "$HTTPS_PORT" "$tool"; do
	printf 'GET /plain/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
		timeout 10 openssl s_client -quiet -no_ign_eof -connect "127.0.0.1:$port" -sess_out "$WORK/session.$port" >"$WORK/client.log" 2>&1
	openssl sess_id -in "$WORK/session.$port" -noout -text | grep -q 'Max Early Data: [1-9]' ||
		bail "the server on port $port gave no session with early data"
done
: >"$ACCESS_LOG"
start_weir --policy "$LIB/card.yaml"

early() { # PORT REQUEST; what comes back in $WORK/answer
	timeout 10 openssl s_client -quiet -connect "127.0.0.1:$1" -sess_in "$WORK/session.$1" -early_data "$2" </dev/null \
		>"$WORK/answer" 2>"$WORK/client.log"
	cat "$WORK/answer" >>"$WORK/answers"
}
for i in $(seq 0 96); do early "$HTTPS_PORT" "$WORK/bodies/$i.request"; done
is "$(grep -ac '^HTTP/1.1 200' "$WORK/answers")" 97 "the client had 97 answers"
wait_for 5 logged_at_least "$HTTPS_PORT" 97
is "$(grep -c "^$HTTPS_PORT POST 200 1$" "$ACCESS_LOG")" 97 "nginx itself logged 97 requests in early data"

settle
read_weir flows flows --sum
read_weir coverage coverage
is_exactly "$HTTPS_PORT" 97 "97 requests in early data"
has_findings "$HTTPS_PORT" client pan sent 97
has_findings "$HTTPS_PORT" client email received 97
has_findings "$HTTPS_PORT" server pan received 97
has_findings "$HTTPS_PORT" server email sent 97
is "$(rows "$WORK/flows.json" values binding port="$HTTPS_PORT" exchanges!=0)" exact "each session is bound to its socket exactly"
for side in client server; do
	for what in unexplained lost opaque; do
		is "$(rows "$WORK/flows.json" sum bytes.$what port="$HTTPS_PORT" role=$side)" 0 "no byte of the $side is $what"
	done
	tls_row "OpenSSL 3, early data" "$([ $side = client ] && echo openssl s_client || echo nginx)" $side "$HTTPS_PORT" 97
done
