#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Go's crypto/tls, in programs without symbols, linked statically and not: a server and a
# client, many requests at once, bodies of many records; the TLS connection used directly, with
# buffers on stacks that grow; curl against it; a server that waits in a Read since before weir
# came. Exact on both sides, and nobody crashes.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need go curl openssl
make_cert

# Without the module proxy: the standard library is all that it uses. Results of the compiler
# are kept beside ours, for the next time.
build() { # NAME
	env GO111MODULE=off GOFLAGS= GOTOOLCHAIN=local GOCACHE="$ROOT/build/go" go build -o "$WORK/$1" -ldflags '-s -w' \
		"$LIB/api.go" 2>"$WORK/build.log" || bail "go build: $(tail -n 2 "$WORK/build.log")"
}
CGO_ENABLED=0 build static
CGO_ENABLED=1 build dynamic
export GOMAXPROCS=4	# more threads than processors: goroutines move

serve() { # NAME PROGRAM COMMAND; port in $PORT
	PORT=$(free_port)
	start "$WORK/$1.log" "$WORK/$2" "$3" "127.0.0.1:$PORT" "$CERT" "$KEY"
	wait_for 10 listens "$PORT" || bail "the Go server does not listen: $(tail -n 1 "$WORK/$1.log")"
}
serve many static serve
MANY=$PORT MANY_PID=$PID
serve raw dynamic serve-raw
RAW=$PORT RAW_PID=$PID
serve curled static serve
CURLED=$PORT CURLED_PID=$PID
serve held static serve
HELD=$PORT HELD_PID=$PID
mkfifo "$WORK/orders"
start "$WORK/client.held" "$PYTHON" "$LIB/client.py" held "https://localhost:$HELD/api/orders" "$WORK/orders"
wait_for 10 grep -q connected "$WORK/client.held" || bail "the old client does not connect: $(tail -n 1 "$WORK/client.held")"
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
start_weir --policy "$LIB/card.yaml"

LIMIT=30 run "$WORK/static" call "https://127.0.0.1:$MANY/api/orders" "$WORK/bodies" 0 97 8
exits 0 "97 requests of a Go client, eight at once, a fifth of them large, are answered"
LIMIT=30 run "$WORK/dynamic" call-raw "https://127.0.0.1:$RAW/api/orders" "$WORK/bodies" 0 31
exits 0 "31 requests over connections with buffers on the stack are answered"
for i in $(seq 0 52); do
	[ "$i" = 0 ] || echo next
	printf 'url = "https://127.0.0.1:%s/api/orders"\nheader = "Content-Type: application/json"\ndata-binary = "@%s"\n' \
		"$CURLED" "$WORK/bodies/$i.json"
	printf 'insecure\nhttp1.1\nsilent\nfail\noutput = "%s"\n' "$WORK/answer"
	[ $((i % 4)) != 0 ] || echo 'header = "Connection: close"'
done >"$WORK/curl.conf"
echo 1 14 >"$WORK/orders"
wait_for 20 grep -q sent "$WORK/client.held" || not_ok "13 requests over the old connection are answered"
curl -K "$WORK/curl.conf" || not_ok "curl: exit status $?"
for pid in $MANY_PID $RAW_PID $CURLED_PID $HELD_PID; do
	kill -TERM "$pid"
	wait_for 10 gone "$pid"
	wait "$pid"
	is $? 0 "a watched Go server ends as it does unwatched"
done
cat "$WORK"/many.log "$WORK"/raw.log "$WORK"/curled.log "$WORK"/held.log >"$WORK/servers.log"
lacks "$WORK/servers.log" 'panic|fatal|runtime|signal' "none of them complained of anything"

settle
read_weir flows flows --sum
for row in "$MANY 97" "$RAW 31" "$CURLED 53"; do
	read -r port n <<<"$row"
	is_exactly "$port" "$n" "$n requests are $n exchanges"
	has_findings "$port" client pan sent "$n"
	has_findings "$port" client email sent "$n"
	has_findings "$port" client email received "$n"
	has_findings "$port" server pan received "$n"
	has_findings "$port" server email received "$n"
	has_findings "$port" server email sent "$n"
	is "$(rows "$WORK/flows.json" values tls.state port="$port")" present "every flow is known to be TLS"
	is "$(rows "$WORK/flows.json" values binding port="$port" exchanges!=0)" exact "each session is bound to its socket exactly"
	is "$(rows "$WORK/flows.json" values protocol port="$port" exchanges!=0)" http1 "every flow is HTTP/1"
	is "$(rows "$WORK/flows.json" unexplained port="$port")" 0 "no byte is unexplained"
	for what in lost opaque; do
		is "$(rows "$WORK/flows.json" sum "bytes.$what" port="$port")" 0 "no byte is $what"
	done
done
is_exactly "$HELD" 13 "the connection that is older than weir is seen from its next byte"
has_findings "$HELD" server pan received 13
has_findings "$HELD" server email sent 13
is "$(rows "$WORK/flows.json" unexplained port="$HELD" role=server)" 0 "no byte of it is unexplained"
read -r examined skipped <<<"$(rows "$WORK/flows.json" sum bytes.examined,bytes.skipped port="$MANY" role=server)"
at_least $((examined + skipped)) 4000000 "the large bodies are in the account"
read_weir coverage coverage
for program in static dynamic; do
	is "$(rows "$WORK/coverage.json" values state exe~"/$program" pid!=null)" visible "coverage says that the $program program is visible"
done
tls_row "Go crypto/tls" "static, stripped" server "$MANY" 97
tls_row "Go crypto/tls" "static, stripped" client "$MANY" 97
tls_row "Go crypto/tls" "dynamic, stripped" server "$RAW" 31
