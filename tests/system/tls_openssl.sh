#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OpenSSL in real programs, 97 requests each: Apache, HAProxy, Python's asyncio and uvloop (which
# feed it from memory), Ruby, openssl's own server and a client that go through a filter BIO,
# one that looks with SSL_peek; PostgreSQL and psql; and Redis, whose bytes must balance at least.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl apache2 haproxy ruby openssl redis-server redis-cli psql setpriv
need_helper bio_peer
"$PYTHON" -c 'import uvloop' 2>/dev/null || bail "no uvloop for $PYTHON: scripts/bootstrap test installs it"
start_nginx
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
{ sed -n 's/.*"number": *"\([0-9]*\)".*/\1/p' "$WORK"/bodies/*.json; echo; } >"$WORK/cards"
mkdir -p "$WORK/www/api"
printf '{"accepted":true,"contact":{"email":"%s"}}' "$ANSWER_EMAIL" >"$WORK/www/api/orders"
chmod -R a+rX "$WORK/www"
cat "$CERT" "$KEY" >"$WORK/both.pem"

apache=$(free_port)
modules=/usr/lib/apache2/modules
cat >"$WORK/apache.conf" <<END
ServerName localhost
ServerRoot $WORK
PidFile $WORK/apache.pid
Listen 127.0.0.1:$apache
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule ssl_module $modules/mod_ssl.so
User nobody
Group nogroup
ErrorLog $WORK/apache.log
LogFormat "%m %>s" lean
CustomLog $WORK/apache-access.log lean
KeepAliveTimeout 60
MaxKeepAliveRequests 0
DocumentRoot $WORK/www
SSLEngine on
SSLCertificateFile $CERT
SSLCertificateKeyFile $KEY
END
start "$WORK/apache.out" apache2 -d "$WORK" -f "$WORK/apache.conf" -DFOREGROUND

haproxy=$(free_port)
cat >"$WORK/haproxy.conf" <<END
defaults
	mode http
	timeout connect 10s
	timeout client 60s
	timeout server 60s
listen all
	bind 127.0.0.1:$haproxy ssl crt $WORK/both.pem
	server nginx 127.0.0.1:$HTTP_PORT
END
start "$WORK/haproxy.log" haproxy -db -f "$WORK/haproxy.conf"

asyncio=$(free_port) uvloop=$(free_port) tool=$(free_port) redis=$(free_port) postgres=$(free_port)
start "$WORK/asyncio.log" "$PYTHON" "$LIB/asyncio_peer.py" asyncio server "$asyncio" "$CERT" "$KEY"
start "$WORK/uvloop.log" "$PYTHON" "$LIB/asyncio_peer.py" uvloop server "$uvloop" "$CERT" "$KEY"
(cd "$WORK/www" && exec openssl s_server -quiet -WWW -accept "127.0.0.1:$tool" -cert "$CERT" -key "$KEY") >"$WORK/tool.log" 2>&1 </dev/null &
started+=("$!")
mkdir "$WORK/redis"
start "$WORK/redis.log" redis-server --port 0 --tls-port "$redis" --bind 127.0.0.1 --tls-cert-file "$CERT" --tls-key-file "$KEY" \
	--tls-ca-cert-file "$CERT" --tls-auth-clients no --dir "$WORK/redis" --save ''
install -d -o postgres "$WORK/pg"
install -o postgres -m 600 "$KEY" "$WORK/pg.key"
bin=$(dirname "$(readlink -f "$(ls -d /usr/lib/postgresql/*/bin/postgres | tail -n 1)")")
as_postgres() { (cd / && exec setpriv --reuid=postgres --regid=postgres --clear-groups "$@"); }
as_postgres "$bin/initdb" -D "$WORK/pg/data" -A trust --no-sync -E UTF8 --no-locale >"$WORK/initdb.log" 2>&1 ||
	bail "no PostgreSQL: $(tail -n 1 "$WORK/initdb.log")"
start "$WORK/postgres.log" as_postgres "$bin/postgres" -D "$WORK/pg/data" -p "$postgres" -c listen_addresses=127.0.0.1 \
	-c unix_socket_directories= -c fsync=off -c ssl=on -c ssl_cert_file="$CERT" -c ssl_key_file="$WORK/pg.key"
for port in "$apache" "$haproxy" "$asyncio" "$uvloop" "$tool" "$redis" "$postgres"; do
	wait_for 10 listens "$port" || bail "no server on port $port: $(tail -qn 2 "$WORK"/*.log)"
done
many=$(free_port)
start "$WORK/many.log" "$PYTHON" "$LIB/asyncio_peer.py" asyncio server "$many" "$CERT" "$KEY"
wait_for 10 listens "$many" || bail "no server on port $many: $(tail -n 2 "$WORK/many.log")"
start_weir --policy "$LIB/card.yaml"

# First, so that the servers have ended these connections when all is over.
seq 97 | sed "s/.*/SET order:& $ANSWER_EMAIL/" >"$WORK/redis.in"
redis-cli --tls --insecure -p "$redis" <"$WORK/redis.in" >"$WORK/redis.out" 2>&1
is "$(grep -c OK "$WORK/redis.out")" 97 "redis-cli had 97 answers"
seq 97 | sed "s/.*/SELECT '$ANSWER_EMAIL', &;/" >"$WORK/psql.in"
psql -qAtX -f "$WORK/psql.in" "host=127.0.0.1 port=$postgres user=postgres sslmode=require" >"$WORK/psql.out" 2>&1
is "$(grep -c "^$ANSWER_EMAIL" "$WORK/psql.out")" 97 "psql had 97 answers"
python() { "$PYTHON" "$LIB/$1" "${@:2}" || not_ok "$*: exit status $?"; }
for port in "$apache" "$haproxy"; do
	python client.py session "https://localhost:$port/api/orders" 0 84
	python client.py urllib "https://localhost:$port/api/orders" 84 97
done
for loop in asyncio uvloop; do
	python asyncio_peer.py "$loop" client "https://localhost:${!loop}/api/orders" 0 84 5
	python asyncio_peer.py "$loop" client "https://localhost:${!loop}/api/orders" 84 97 13
done
for first in 0 40; do python asyncio_peer.py asyncio burst "https://localhost:$many/api/orders" $first $((first * 2 + 41)); done
ruby "$LIB/post.rb" "https://localhost:$HTTPS_PORT/api/orders" "$WORK/bodies" 0 97 || not_ok "ruby: exit status $?"
client() { # SENTENCE ANSWERS COMMAND...
	run "${@:3}"
	is "$(cat "$OUT")" "$2" "$1 had $2 answers"
}
client "a program with a filter BIO" 61 "$HELPERS/bio_peer" bio "localhost:$tool" api/orders "$WORK/cards" 0 61
client "a program that peeks" 36 "$HELPERS/bio_peer" peek "localhost:$tool" api/orders "$WORK/cards" 61 97

for port in "$asyncio:asyncio" "$uvloop:uvloop"; do is "$(grep -c POST "$WORK/${port#*:}.log")" 97 "${port#*:} itself logged 97 requests"; done
is "$(grep -c POST "$WORK/apache-access.log")" 97 "Apache itself logged 97 requests"
is "$(requests_logged "$HTTPS_PORT")" 97 "nginx itself logged the 97 requests by Ruby"

settle
read_weir flows flows --sum
read_weir coverage coverage

# NAME PORT BINDING, and findings: class:data as the server has them
both_exactly() {
	local side
	is_exactly "$2" 97 "97 requests: $1"
	for side in client server; do
		is "$(rows "$WORK/flows.json" values binding port="$2" role=$side exchanges!=0)" "${!side}" "$1: sessions of the $side are bound: ${!side}"
	done
	is "$(rows "$WORK/flows.json" values tls.state port="$2" exchanges!=0)" present "$1: known to be TLS"
	has_findings "$2" client pan sent 97
	has_findings "$2" server pan received 97
	has_findings "$2" client email received 97
	has_findings "$2" server email sent 97
}
balanced() { # NAME PORT
	local side
	for side in client server; do
		at_least "$(rows "$WORK/flows.json" sum bytes.moved port="$2" role=$side tls.state=present)" 3000 "$1: bytes of the $side were seen"
		is "$(rows "$WORK/flows.json" unexplained port="$2" role=$side)" 0 "$1: no byte of the $side is unexplained"
		is "$(rows "$WORK/flows.json" sum bytes.lost port="$2" role=$side)" 0 "$1: no byte of the $side is lost"
	done
}
examined() { # NAME PORT; all of it
	balanced "$@"
	is "$(rows "$WORK/flows.json" sum bytes.opaque port="$2")" 0 "$1: no byte is opaque"
}
client=exact server=exact
both_exactly Apache "$apache"
both_exactly HAProxy "$haproxy"
both_exactly Ruby "$HTTPS_PORT"
both_exactly "a filter BIO" "$tool"
client=strong server=strong
both_exactly asyncio "$asyncio"
both_exactly uvloop "$uvloop"
is_exactly "$many" 122 "41 and 81 requests, of which 40 and 80 in one call of the socket"
for side in client server; do
	has_findings "$many" $side pan sent 122
	has_findings "$many" $side pan received 122
done
for port in "$apache" "$haproxy" "$HTTPS_PORT" "$tool" "$asyncio" "$uvloop" "$many" "$redis" "$postgres"; do examined "port $port" "$port"; done
is_exactly "$postgres" 97 "97 queries: PostgreSQL"
for side in client server; do
	is "$(rows "$WORK/flows.json" sum exchanges port="$redis" route='order:{id}' role=$side)" 97 "97 commands: Redis, $side"
	has_findings "$postgres" $side email received 97
	has_findings "$postgres" $side email sent 97
done
for port in "$redis" "$postgres"; do
	is "$(rows "$WORK/flows.json" values binding port="$port" tls.state=present)" exact "port $port: each session is bound to its socket exactly"
done
is "$(rows "$WORK/flows.json" sum bytes.moved port=0 workload~asyncio_peer)" 0 "no byte of asyncio or uvloop was told without its connection"
tls_row "OpenSSL 3" Apache server "$apache" 97
tls_row "OpenSSL 3" HAProxy server "$haproxy" 97
tls_row "OpenSSL 3" Python client "$haproxy" 97
tls_row "OpenSSL 3" nginx server "$HTTPS_PORT" 97
tls_row "OpenSSL 3" Ruby client "$HTTPS_PORT" 97
tls_row "OpenSSL 3, BIO_f_ssl" "openssl s_server" server "$tool" 97
tls_row "OpenSSL 3, from memory" asyncio server "$asyncio" 97
tls_row "OpenSSL 3, from memory" uvloop server "$uvloop" 97
tls_row "OpenSSL 3" Redis server "$redis" 97
tls_row "OpenSSL 3" PostgreSQL server "$postgres" 97
