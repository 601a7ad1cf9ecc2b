#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the clear part of a TLS handshake tells is in the flows, exact to the word, at both
# ends: nginx with TLS 1.2 and 1.3 and with client certificates, PostgreSQL, every STARTTLS
# that openssl s_client knows of ours, a CONNECT proxy; and plaintext does not become TLS by
# looking like it.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx openssl

for cert in server client; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 40 -subj "/O=Harborline $cert/CN=$cert.harborline.example" \
		-keyout "$WORK/$cert.key" -out "$WORK/$cert.pem" >"$WORK/openssl.log" 2>&1 || bail "openssl cannot make a certificate"
done
expiry() { date -u -d "$(openssl x509 -noout -enddate -in "$WORK/$1.pem" | cut -d= -f2)" +%Y-%m-%dT%H:%M:%S.000Z; }
P12=$(free_port)
P13=$(free_port)
PMUTUAL=$(free_port)
mkdir -p "$WORK/nginx/tmp"
cat >"$WORK/nginx/nginx.conf" <<END
user nobody nogroup;
daemon off;
worker_processes 1;
pid $WORK/nginx/pid;
error_log $WORK/nginx.log warn;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $WORK/nginx/tmp; proxy_temp_path $WORK/nginx/tmp; fastcgi_temp_path $WORK/nginx/tmp;
	uwsgi_temp_path $WORK/nginx/tmp; scgi_temp_path $WORK/nginx/tmp;
	ssl_certificate $WORK/server.pem;
	ssl_certificate_key $WORK/server.key;
	location_placeholder
}
END
server() { echo "server { listen 127.0.0.1:$1 ssl; ssl_protocols $2; $3 location / { default_type text/plain; return 200 'nothing of interest'; } }"; }
sed -i "/location_placeholder/d; \$d" "$WORK/nginx/nginx.conf"
{
	server "$P12" TLSv1.2 ''
	server "$P13" TLSv1.3 ''
	server "$PMUTUAL" TLSv1.2 'ssl_verify_client optional_no_ca;'
	echo "}"
} >>"$WORK/nginx/nginx.conf"
start "$WORK/nginx.out" nginx -e "$WORK/nginx.log" -p "$WORK/nginx" -c "$WORK/nginx/nginx.conf"
wait_for 10 listens "$PMUTUAL" || bail "nginx does not listen: $(tail -n 2 "$WORK/nginx.log" "$WORK/nginx.out")"

# The client's fingerprint, computed by others from the same client.
fingerprint() { # CURL OPTIONS...
	local port
	port=$(free_port)
	start "$WORK/ja4.out" "$PYTHON" "$LIB/ja4.py" "$port"
	wait_for 10 grep -q listens "$WORK/ja4.out" || bail "ja4.py does not listen: $(cat "$WORK/ja4.out")"
	curl -sk "$@" --max-time 10 --resolve "api.harborline.example:$port:127.0.0.1" "https://api.harborline.example:$port/" >"$WORK/answer" 2>&1
	tail -n 1 "$WORK/ja4.out"
}
c12=(--http1.1 --tls-max 1.2 --ciphers ECDHE-ECDSA-AES128-GCM-SHA256)
c13=(--http1.1 --tlsv1.3 --tls13-ciphers TLS_CHACHA20_POLY1305_SHA256)
JA12=$(fingerprint "${c12[@]}")
JA13=$(fingerprint "${c13[@]}")

# PostgreSQL by its own user, with a database that lives as long as the test.
PG=''
for bin in /usr/lib/postgresql/*/bin; do PG=$bin; done
PPG=$(free_port)
if [ -x "$PG/initdb" ] && command -v psql >/dev/null; then
	mkdir "$WORK/pg"
	cp "$WORK/server.pem" "$WORK/pg.pem"
	cp "$WORK/server.key" "$WORK/pg.key"
	chown nobody "$WORK/pg" "$WORK/pg.pem" "$WORK/pg.key"
	chmod 600 "$WORK/pg.key"
	as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups env -u LC_ALL "$@"; }
	as_nobody "$PG/initdb" -D "$WORK/pg/data" -U tester -A trust --no-sync >"$WORK/initdb.log" 2>&1 || bail "initdb: $(tail -n 2 "$WORK/initdb.log")"
	start "$WORK/postgres.log" setpriv --reuid=nobody --regid=nogroup --clear-groups "$PG/postgres" -D "$WORK/pg/data" -p "$PPG" -h 127.0.0.1 \
		-k "$WORK/pg" -c ssl=on -c "ssl_cert_file=$WORK/pg.pem" -c "ssl_key_file=$WORK/pg.key" -c fsync=off
	wait_for 20 "$PG/pg_isready" -q -h 127.0.0.1 -p "$PPG" || bail "postgres does not answer: $(tail -n 2 "$WORK/postgres.log")"
else
	PG=''
fi

PROTOCOLS='smtp imap pop3 ftp ldap xmpp postgres mysql'
declare -A port_of
for protocol in $PROTOCOLS; do
	port_of[$protocol]=$(free_port)
	start "$WORK/$protocol.out" "$PYTHON" "$LIB/starttls.py" "$protocol" "${port_of[$protocol]}" "$WORK/server.pem" "$WORK/server.key"
	wait_for 10 grep -q listens "$WORK/$protocol.out" || bail "the $protocol server does not listen: $(cat "$WORK/$protocol.out")"
done
PROXY=$(free_port)
start "$WORK/proxy.out" "$PYTHON" "$LIB/connect_proxy.py" "$PROXY"
wait_for 10 grep -q listens "$WORK/proxy.out" || bail "the proxy does not listen"
PLAIN=$(free_port)
start "$WORK/plain.out" "$PYTHON" "$LIB/api_server.py" "$PLAIN"
wait_for 10 listens "$PLAIN" || bail "the plain server does not listen"
start_weir --policy "$LIB/card.yaml"

fetch() { # PORT TIMES CURL OPTIONS...
	local port=$1 i
	for i in $(seq "$2"); do
		curl -sk "${@:3}" --max-time 20 --resolve "api.harborline.example:$port:127.0.0.1" -o "$WORK/answer" \
			"https://api.harborline.example:$port/a" || not_ok "curl to port $port: exit status $?"
	done
}
fetch "$P12" 7 "${c12[@]}"
fetch "$P13" 11 "${c13[@]}"
fetch "$PMUTUAL" 5 "${c12[@]}" --cert "$WORK/client.pem" --key "$WORK/client.key"
fetch "$P13" 3 "${c13[@]}" --proxytunnel --proxy "http://127.0.0.1:$PROXY"
[ -z "$PG" ] || psql "host=127.0.0.1 port=$PPG user=tester dbname=postgres sslmode=require" -Atqc 'select 6 * 7' >"$WORK/psql.out" 2>&1
for protocol in $PROTOCOLS; do
	printf 'QUIT\r\n' | timeout 20 openssl s_client -quiet -tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384 -servername api.harborline.example \
		-starttls "$protocol" -connect "127.0.0.1:${port_of[$protocol]}" >"$WORK/s_client.log" 2>&1
	wait_for 10 grep -q end "$WORK/$protocol.out" || not_ok "a real client and $protocol: $(tail -n 1 "$WORK/s_client.log" "$WORK/$protocol.out")"
done
# A body that begins as a TLS record does, in a call of its own; and by one who first asks for
# TLS, which nobody agrees to.
"$PYTHON" - "$PLAIN" <<'END' || not_ok "the client of the plain server: exit status $?"
import socket, sys
body = b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4" + b"x" * 200
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    for i in range(13):
        heard = b""
        ask = (b"", b"STARTTLS\r\n", b"CONNECT localhost:1 HTTP/1.1\r\n")[i % 3]
        s.sendall(b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(ask + body))
        if ask:
            s.sendall(ask)
        s.sendall(body)
        while b'{"ok": true}' not in heard:
            more = s.recv(4096)
            assert more, heard
            heard += more
        assert heard.startswith(b"HTTP/1.1 200"), heard
END

settle
read_weir flows flows --sum
fact() { # PORT ROLE FACT VALUE SENTENCE
	is "$(rows "$WORK/flows.json" values "tls.$3" port="$1" role="$2" tls.state=present | xargs)" "$4" "$5"
}
is_exactly "$P12" 7 "7 requests over TLS 1.2"
is_exactly "$PMUTUAL" 5 "5 requests over TLS 1.2 with a client certificate"
is "$(rows "$WORK/flows.json" sum exchanges port="$P13" role=server)" 14 "11 requests over TLS 1.3 and 3 through the proxy: exchanges of the server"
is "$(rows "$WORK/flows.json" sum exchanges port="$P13" role=client)" 11 "exchanges of the client that asked the server itself"
is "$(rows "$WORK/flows.json" sum exchanges port="$PROXY" role=client tls.state=present)" 3 "3 requests inside of CONNECT: exchanges of the client"

for role in client server; do
	fact "$P12" $role version 1.2 "the $role's flow has the version that was chosen, 1.2"
	fact "$P13" $role version 1.3 "the $role's flow has the version of supported_versions, 1.3"
	fact "$P12" $role cipher TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 "the $role's flow has the cipher suite of TLS 1.2"
	fact "$P13" $role cipher TLS_CHACHA20_POLY1305_SHA256 "the $role's flow has the cipher suite of TLS 1.3"
	fact "$P12" $role sni api.harborline.example "the $role's flow has the name that was asked for"
	fact "$P12" $role alpn http/1.1 "the $role's flow has the protocol that was chosen"
	fact "$P13" $role alpn null "the $role's flow does not guess what TLS 1.3 hides"
	fact "$P13" $role alpn_offered http/1.1 "the $role's flow has the protocols that were offered"
	fact "$P12" $role ja4 "$JA12" "the $role's flow has the client's fingerprint, as others compute it"
	fact "$P13" $role ja4 "$JA13" "the $role's flow has the client's fingerprint with TLS 1.3, as others compute it"
	fact "$P12" $role mutual false "the $role's flow knows that no client certificate was shown"
	fact "$PMUTUAL" $role mutual true "the $role's flow knows that a client certificate was shown"
	fact "$P13" $role mutual null "the $role's flow does not claim to know of certificates that TLS 1.3 hides"
	fact "$P12" $role upgraded_from null "the $role's flow was TLS from the start"
done
fact "$P12" client peer_subject 'CN=server.harborline.example,O=Harborline_server' "the client's flow has the subject of the server's certificate"
fact "$P12" client peer_expires "$(expiry server)" "and when it expires"
fact "$P12" server peer_subject null "the server's flow has no certificate of a client that showed none"
fact "$PMUTUAL" server peer_subject 'CN=client.harborline.example,O=Harborline_client' "the server's flow has the subject of the client's certificate"
fact "$PMUTUAL" server peer_expires "$(expiry client)" "and when it expires"
fact "$PMUTUAL" client peer_subject 'CN=server.harborline.example,O=Harborline_server' "the client's flow of mutual TLS has the server's certificate"
fact "$PROXY" client upgraded_from http-connect "what is TLS inside of CONNECT is known to be that"
fact "$PROXY" server upgraded_from http-connect "at the proxy too"
fact "$PROXY" client ja4 "$JA13" "with the client's fingerprint"
fact "$PROXY" server sni api.harborline.example "and the name that was asked for"

if [ -n "$PG" ]; then
	is "$(cat "$WORK/psql.out")" 42 "psql over TLS has its answer"
	for role in client server; do
		fact "$PPG" $role upgraded_from postgres "PostgreSQL's SSLRequest is seen at the $role"
		fact "$PPG" $role version 1.3 "and what TLS came of it"
	done
else
	skip "no PostgreSQL on this host"
fi
for protocol in $PROTOCOLS; do
	is "$(grep -c "handshake done" "$WORK/$protocol.out")" 1 "the $protocol server itself made one handshake"
	for role in client server; do
		fact "${port_of[$protocol]}" $role upgraded_from "$protocol" "TLS after $protocol in the clear is seen at the $role"
	done
	fact "${port_of[$protocol]}" client cipher TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 "with the cipher suite ($protocol)"
	fact "${port_of[$protocol]}" client peer_subject 'CN=server.harborline.example,O=Harborline_server' "and the server's certificate ($protocol)"
	is "$(rows "$WORK/flows.json" unexplained port="${port_of[$protocol]}")" 0 "no byte is unexplained ($protocol)"
done

is_exactly "$PLAIN" 13 "13 requests whose bodies look like TLS"
is "$(rows "$WORK/flows.json" values tls.state port="$PLAIN")" absent "plaintext that looks like TLS and never asked for it stays plaintext"
is "$(rows "$WORK/flows.json" sum bytes.opaque port="$PLAIN")" 0 "and every byte of it is examined"
