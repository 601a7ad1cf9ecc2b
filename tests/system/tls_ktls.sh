#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nginx that leaves its TLS to the kernel, and sends a file without having it in memory
# (SSL_sendfile): 97 requests over TLS 1.3, where the kernel encrypts, 31 over TLS 1.2, where it
# decrypts too. The client does its own TLS, though it asks the kernel for it as all of OpenSSL
# does. Of what the server sent it is known how much was the file's and how much the records'.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx openssl
grep -qw tls /proc/sys/net/ipv4/tcp_available_ulp || skip_all "this kernel has no TLS of its own, or its module tls is not loaded"
start_nginx
old=$(free_port)
# Which version is spoken on which port is the client's choice.
sed -i -e 's/server_tokens off;/&\n\tsendfile on;\n\tssl_conf_command Options KTLS;\n\terror_page 405 =200 $uri;/' \
	-e "s/listen 127.0.0.1:$HTTP_PORT;/listen 127.0.0.1:$old ssl;/" -e 's/text\/html/application\/json/' "$WORK/nginx/nginx.conf"
stop "$NGINX_PID"
start "$WORK/nginx.log" nginx -e "$WORK/nginx/error.log" -p "$WORK/nginx" -c "$WORK/nginx/nginx.conf"
wait_for 10 listens "$HTTPS_PORT" && wait_for 10 listens "$old" || bail "nginx does not listen: $(tail -n 2 "$WORK/nginx.log")"
: >"$ACCESS_LOG"
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
size=20011	# more than a record holds
head="{\"contact\":{\"email\":\"$ANSWER_EMAIL\"},\"pad\":\"" tail='"}'
{ printf %s "$head"; head -c $((size - ${#head} - ${#tail})) /dev/zero | tr '\0' x; printf %s "$tail"; } >"$PAGES/orders"
chmod 644 "$PAGES/orders"
start_weir --policy "$LIB/card.yaml"

ask() { # PORT VERSION COUNT: a third of them on connections of their own, the rest on one
	local i
	for i in $(seq 0 $(($3 - 1))); do
		[ "$i" -le $(($3 / 3)) ] || echo next >>"$WORK/curl.conf"
		[ "$i" -gt $(($3 / 3)) ] || : >"$WORK/curl.conf"
		printf 'url = "https://localhost:%s/pages/orders"\nheader = "Content-Type: application/json"\ndata-binary = "@%s"\n' \
			"$1" "$WORK/bodies/$i.json" >>"$WORK/curl.conf"
		printf 'insecure\nhttp1.1\nsilent\nfail\noutput = "%s"\ntls-max = "%s"\n' "$WORK/answer" "$2" >>"$WORK/curl.conf"
		[ "$i" -ge $(($3 / 3)) ] || curl -K "$WORK/curl.conf" || not_ok "curl $i: exit status $?"
	done
	curl -K "$WORK/curl.conf" || not_ok "curl with a kept-alive connection: exit status $?"
	is "$(stat -c %s "$WORK/answer")" $size "over TLS $2 the client has all of the file"
}
ask "$HTTPS_PORT" 1.3 97
ask "$old" 1.2 31
wait_for 5 logged_at_least "$HTTPS_PORT" 97 && wait_for 5 logged_at_least "$old" 31
is "$(requests_logged "$HTTPS_PORT") $(requests_logged "$old")" "97 31" "nginx itself logged 97 and 31 requests"
kernel_count() { awk -v name="$1" '$1 == name { print $2 }' /proc/net/tls_stat; }
is "$(kernel_count TlsTxSw)" $((33 + 11)) "the kernel encrypted each of nginx's connections, and none of curl's"
at_least "$(kernel_count TlsRxSw)" 11 "and decrypted those of TLS 1.2"

settle
read_weir flows flows --sum
read_weir coverage coverage --processes
for port in "$HTTPS_PORT" "$old"; do
	[ "$port" = "$old" ] && n=31 || n=97
	is_exactly "$port" $n "$n requests to a server whose TLS is the kernel's"
	has_findings "$port" client pan sent $n
	has_findings "$port" client email sent $n
	has_findings "$port" client email received $n
	has_findings "$port" server pan received $n
	has_findings "$port" server email received $n
	is "$(rows "$WORK/flows.json" values binding port="$port" exchanges!=0)" exact "each TLS session is bound to its socket exactly"
	for side in client server; do
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "no byte of the $side is unexplained"
	done
	is "$(rows "$WORK/flows.json" sum bytes.lost port="$port" role=client)" 0 "no byte of the client is lost"
	is "$(rows "$WORK/flows.json" sum bytes.opaque port="$port" role=client)" 0 "nor opaque"
	is "$(rows "$WORK/flows.json" sum bytes.moved port="$port" role=client)" \
		"$(rows "$WORK/flows.json" sum bytes.moved port="$port" role=server)" "what the one side moved the other side moved"
done
for r in $(rows "$WORK/coverage.json" values reasons exe~nginx pid!=null); do echo "# nginx: $r"; done
is "$(rows "$WORK/coverage.json" sum reasons.sendfile exe~nginx pid!=null)" $(((97 + 31) * size)) "of the server the files' bytes are named sendfile"
