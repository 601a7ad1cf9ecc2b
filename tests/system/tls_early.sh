#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Early data of TLS 1.3 with OpenSSL: 31 requests that a client sends before the handshake is over,
# to nginx, which answers them then. Each is examined once, on either side, under the connection
# that it came over.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx openssl
start_nginx
sed -i -e 's/ssl_certificate_key .*/&\n\t\tssl_protocols TLSv1.3;\n\t\tssl_early_data on;\n\t\tssl_session_timeout 1h;/' -e 's/\$request_method \$status/& $ssl_early_data/' "$WORK/nginx/nginx.conf"
stop "$NGINX_PID"
start "$WORK/nginx.log" nginx -e "$WORK/nginx/error.log" -p "$WORK/nginx" -c "$WORK/nginx/nginx.conf"
wait_for 10 listens "$HTTPS_PORT" || bail "nginx does not listen: $(tail -n 2 "$WORK/nginx.log")"
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 31
for i in $(seq 0 30); do
	printf 'POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: close\r\n\r\n' \
		"$(stat -c %s "$WORK/bodies/$i.json")" >"$WORK/bodies/$i.request"
	cat "$WORK/bodies/$i.json" >>"$WORK/bodies/$i.request"
done
# A session to come back with.
printf 'GET /plain/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
	timeout 10 openssl s_client -quiet -connect "127.0.0.1:$HTTPS_PORT" -sess_out "$WORK/session" >"$WORK/client.log" 2>&1
openssl sess_id -in "$WORK/session" -noout -text | grep -q 'Max Early Data: [1-9]' || bail "nginx gave no session with early data"
: >"$ACCESS_LOG"
start_weir --policy "$LIB/card.yaml"

for i in $(seq 0 30); do
	timeout 10 openssl s_client -quiet -connect "127.0.0.1:$HTTPS_PORT" -sess_in "$WORK/session" -early_data "$WORK/bodies/$i.request" \
		</dev/null >>"$WORK/answers" 2>"$WORK/client.log"
done
is "$(grep -ao "HTTP/1.1 200" "$WORK/answers" | wc -l)" 31 "the client had 31 answers"
wait_for 5 logged_at_least "$HTTPS_PORT" 31
is "$(requests_logged "$HTTPS_PORT")" 31 "nginx itself logged 31 requests"
# Of those that it comes to when the rest of the handshake is there too, it does not say so.
at_least "$(grep -c "^$HTTPS_PORT POST 200 1$" "$ACCESS_LOG")" 1 "and that it answered before the handshake was over"

settle
read_weir flows flows --sum
read_weir coverage coverage
is_exactly "$HTTPS_PORT" 31 "31 requests in early data"
has_findings "$HTTPS_PORT" client pan sent 31
has_findings "$HTTPS_PORT" client email received 31
has_findings "$HTTPS_PORT" server pan received 31
has_findings "$HTTPS_PORT" server email sent 31
is "$(rows "$WORK/flows.json" values binding port="$HTTPS_PORT" exchanges!=0)" exact "each session is bound to its socket exactly"
is "$(rows "$WORK/flows.json" unexplained port="$HTTPS_PORT" role=client)" 0 "no byte of the client is unexplained"
is "$(rows "$WORK/flows.json" unexplained port="$HTTPS_PORT" role=server)" 0 "nor of the server"
for side in client server; do
	for what in lost opaque; do
		is "$(rows "$WORK/flows.json" sum bytes.$what port="$HTTPS_PORT" role=$side)" 0 "no byte of the $side is $what"
	done
	tls_row "OpenSSL 3, early data" "$([ $side = client ] && echo "openssl s_client" || echo nginx)" $side "$HTTPS_PORT" 31
done
