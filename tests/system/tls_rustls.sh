#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rustls, linked into a program: 97 requests by it to nginx, and 97 by curl to it. Found by
# its symbols; the socket is used outside its calls, so that sessions are bound by the sizes of
# their records. Without symbols it is blind, and named.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need curl nginx openssl
CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc CRATES=/usr/share/cargo/registry
[ -x $CARGO ] && [ -x $RUSTC ] && ls -d $CRATES/rustls-0.20.* >/dev/null 2>&1 ||
	skip_all "no rustc, cargo and librust-rustls-dev of Debian on this host: scripts/bootstrap tls installs them"

# Kept between runs: half a minute is most of what this test takes.
BUILT=$ROOT/build/rustls_peer
mkdir -p "$BUILT/.cargo"
printf '[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "%s"\n' $CRATES >"$BUILT/.cargo/config.toml"
cat >"$BUILT/Cargo.toml" <<END
[package]
name = "rustls_peer"
version = "0.1.0"
edition = "2021"
[[bin]]
name = "rustls_peer"
path = "$LIB/rustls_peer.rs"
[dependencies]
rustls = { version = "0.20", features = ["dangerous_configuration"] }
[workspace]
END
(cd "$BUILT" && RUSTC=$RUSTC CARGO_HOME=$BUILT/home $CARGO build --offline --release --quiet) >"$WORK/cargo.log" 2>&1 ||
	bail "cargo does not build tests/lib/rustls_peer.rs: $(grep -m 1 error "$WORK/cargo.log")"
PEER=$BUILT/target/release/rustls_peer
strip -o "$WORK/stripped_peer" "$PEER"

start_nginx
openssl x509 -in "$CERT" -outform DER -out "$WORK/cert.der"
openssl pkcs8 -topk8 -nocrypt -in "$KEY" -outform DER -out "$WORK/key.der"
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
api=$(free_port)
start "$WORK/api.log" "$PEER" server "$api" "$WORK/cert.der" "$WORK/key.der"
blind=$(free_port)
start "$WORK/blind.log" "$WORK/stripped_peer" server "$blind" "$WORK/cert.der" "$WORK/key.der"
wait_for 10 listens "$api" && wait_for 10 listens "$blind" ||
	bail "the rustls servers do not listen: $(tail -n 1 "$WORK/api.log" "$WORK/blind.log")"
start_weir --policy "$LIB/card.yaml"

# 41 connections with a request each, and one with 56.
"$PEER" client "$HTTPS_PORT" "$WORK/bodies" 0 40 1 || not_ok "the rustls client with a connection a request: exit status $?"
"$PEER" client "$HTTPS_PORT" "$WORK/bodies" 41 96 56 || not_ok "the rustls client with a kept-alive connection: exit status $?"
for i in $(seq 0 40); do
	curl -sk --http1.1 -H 'Content-Type: application/json' --data-binary "@$WORK/bodies/$i.json" -o "$WORK/answer" \
		"https://localhost:$api/api/orders" || not_ok "curl $i: exit status $?"
done
for i in $(seq 41 96); do
	[ "$i" = 41 ] || echo next
	printf 'url = "https://localhost:%s/api/orders"\nheader = "Content-Type: application/json"\ndata-binary = "@%s"\n' "$api" "$WORK/bodies/$i.json"
	printf 'insecure\nhttp1.1\nsilent\noutput = "%s"\n' "$WORK/answer"
done >"$WORK/curl.conf"
curl -K "$WORK/curl.conf" || not_ok "curl with a kept-alive connection: exit status $?"
wait_for 5 logged_at_least "$HTTPS_PORT" 97
is "$(requests_logged "$HTTPS_PORT")" 97 "nginx itself logged 97 requests"
for i in $(seq 0 6); do
	curl -sk --http1.1 --data-binary "@$WORK/bodies/$i.json" -o "$WORK/answer" "https://localhost:$blind/api/orders" ||
		not_ok "curl $i to a server without symbols: exit status $?"
done

settle
read_weir flows flows --sum
read_weir coverage coverage
for port in "$HTTPS_PORT" "$api"; do
	name=$([ "$port" = "$api" ] && echo "to a rustls server" || echo "by a rustls client")
	is "$(rows "$WORK/flows.json" sum exchanges port="$port" role=client)" 97 "97 requests $name: exchanges of the client"
done
is "$(rows "$WORK/flows.json" sum exchanges port="$api" role=server)" 97 "97 requests to a rustls server: exchanges of the server"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=server)" 97 "97 requests by a rustls client: exchanges of nginx"
is "$(rows "$WORK/flows.json" sum exchanges port="$blind" role=client)" 7 "7 requests to a rustls server without symbols: exchanges of the client"
for class in pan email; do
	has_findings "$HTTPS_PORT" client $class sent 97
	has_findings "$api" server $class received 97
	has_findings "$api" server $class sent 97
	has_findings "$api" client $class received 97
done
has_findings "$HTTPS_PORT" client email received 97
for side in client server; do
	for port in "$HTTPS_PORT" "$api"; do
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "no byte of the $side on port $port is unexplained"
		is "$(rows "$WORK/flows.json" sum bytes.lost port="$port" role=$side)" 0 "none is lost"
	done
done
is "$(rows "$WORK/flows.json" values binding port="$api" role=server exchanges!=0)" strong "a rustls server's sessions are bound by the sizes of their records"
is "$(rows "$WORK/coverage.json" values state workload=stripped_peer moved!=0 | sort -u | tr '\n' ' ')" "blind " "a rustls program without symbols is blind"
is "$(rows "$WORK/coverage.json" values reason workload=stripped_peer)" unprobed_tls "because its TLS functions are not known"
matches "$WORK/coverage.json" '"workload":"stripped_peer".*"build_id":"[0-9a-f]{40}"' "and its build id is told, to be reported"
tls_row rustls rustls_peer client "$HTTPS_PORT" 97
tls_row rustls rustls_peer server "$api" 97
tls_row "rustls, stripped" rustls_peer server "$blind" 7
