#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One program of every TLS library at the same time, all of them running to the end of weir:
# `weir coverage` names each, as visible and how it was bound to its sockets, or as blind and
# why, with every byte. rustls and Chromium are there where scripts/bootstrap tls has been.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx openssl curl gnutls-serv selfserv certutil pk12util go node java gtlsserver gtlsclient
start_nginx
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 7
run openssl pkcs12 -export -name test -in "$CERT" -inkey "$KEY" -passout pass:password -out "$WORK/test.p12"
mkdir "$WORK/db"
run certutil -N -d "sql:$WORK/db" --empty-password
run pk12util -i "$WORK/test.p12" -d "sql:$WORK/db" -K '' -W password
env GO111MODULE=off GOFLAGS= GOTOOLCHAIN=local GOCACHE="$ROOT/build/go" CGO_ENABLED=0 go build -o "$WORK/go_peer" -ldflags '-s -w' \
	"$LIB/api.go" 2>"$WORK/build.log" || bail "go build: $(tail -n 2 "$WORK/build.log")"

# NAME COMMAND..., in which PORT stands for a free port.
declare -A pid port
serve() {
	local name=$1
	port[$name]=$(free_port)
	shift
	start "$WORK/$name.log" "${@//PORT/${port[$name]}}"
	pid[$name]=$PID
}
serve gnutls gnutls-serv --http --quiet --port PORT --x509certfile "$CERT" --x509keyfile "$KEY"
serve nss selfserv -n test -p PORT -d "sql:$WORK/db" -V tls1.2:
serve go "$WORK/go_peer" serve 127.0.0.1:PORT "$CERT" "$KEY"
serve node node "$LIB/node_peer.js" server PORT "$CERT" "$KEY"
serve asyncio "$PYTHON" "$LIB/asyncio_peer.py" asyncio server PORT "$CERT" "$KEY"
serve mbedtls "$PYTHON" "$LIB/small_tls_peer.py" mbedtls server PORT "$CERT" "$KEY"
serve wolfssl "$PYTHON" "$LIB/small_tls_peer.py" wolfssl server PORT "$CERT" "$KEY"
serve java java -Xmx64m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Djava.io.tmpdir="$WORK" "$LIB/jsse_peer.java" server PORT "$WORK/test.p12"
rustls=
if [ -x "$ROOT/build/rustls_peer/target/release/rustls_peer" ]; then
	rustls=rustls
	openssl x509 -in "$CERT" -outform DER -out "$WORK/cert.der"
	openssl pkcs8 -topk8 -nocrypt -in "$KEY" -outform DER -out "$WORK/key.der"
	serve rustls "$ROOT/build/rustls_peer/target/release/rustls_peer" server PORT "$WORK/cert.der" "$WORK/key.der"
else
	skip "rustls: tests/system/tls_rustls.sh builds the program where scripts/bootstrap tls has been"
fi
TCP="gnutls nss go node asyncio mbedtls wolfssl java $rustls"
for name in $TCP; do
	wait_for 30 listens "${port[$name]}" || bail "$name does not listen: $(tail -n 1 "$WORK/$name.log")"
done
serve quic gtlsserver --quiet -d "$PAGES" 127.0.0.1 PORT "$KEY" "$CERT"
bound() { ss -Hlun "sport = :${port[quic]}" | grep -q .; }
wait_for 10 bound || bail "the QUIC server has no port: $(tail -n 1 "$WORK/quic.log")"
echo "nothing of interest" >"$PAGES/index.html"
start_weir --policy "$LIB/card.yaml"

ask() { # PORT; 7 requests, over a connection each
	local i
	for i in $(seq 0 6); do
		curl -sk --http1.1 -m 20 -H 'Content-Type: application/json' --data-binary "@$WORK/bodies/$i.json" -o "$WORK/answer" \
			"https://localhost:$1/api/orders" || not_ok "curl $i to port $1: exit status $?"
	done
}
for name in $TCP; do
	case $name in
	nss | gnutls) # they answer GET only
		for i in $(seq 0 6); do
			curl -sk --http1.1 -m 20 -o "$WORK/answer" "https://localhost:${port[$name]}/?card=4539981111112222" ||
				not_ok "curl $i to $name: exit status $?"
		done ;;
	*) ask "${port[$name]}" ;;
	esac
done
ask "$HTTPS_PORT"
LIMIT=20 run gtlsclient --quiet --exit-on-all-streams-close 127.0.0.1 "${port[quic]}" "https://localhost:${port[quic]}/index.html"
exits 0 "a real client with QUIC had its answer"
if [ -x /usr/bin/chromium ]; then
	browser=(chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
		--disable-component-update --disable-sync --ignore-certificate-errors)
	# It is looked for when it starts; whoever starts it after that is seen from the first byte.
	timeout -k 5 60 "${browser[@]}" --user-data-dir="$WORK/profile1" --dump-dom about:blank >/dev/null 2>&1
	wait_for 30 grep -qE 'probed file=[^ ]*chromium' "$WORK/weir.err" || not_ok "BoringSSL was not found in Chromium"
	start "$WORK/chromium.log" "${browser[@]}" --user-data-dir="$WORK/profile2" --remote-debugging-port=0 "https://localhost:$HTTPS_PORT/pages/index.html"
	wait_for 30 grep -q "^$HTTPS_PORT GET 200" "$ACCESS_LOG" || not_ok "Chromium asked for no page"
else
	skip "Chromium: scripts/bootstrap tls installs it"
fi

# All of them go on; what is not closed is told of when weir looks at it for the last time.
settle
for name in $TCP quic; do kill -0 "${pid[$name]}" || not_ok "$name still runs"; done
read_weir coverage coverage
run "$WEIR" coverage --state "$STATE" --processes --workload curl --not
note <"$OUT"

of() { rows "$WORK/coverage.json" values "$2" "$1" pid!=null bytes.moved!=0; }
covered() { # WHERE NAME STATE REASON LIBRARY BINDING
	is "$(of "$1" state)/$(of "$1" reason)/$(of "$1" binding | xargs)" "$3/$4/$6" "$2 is $3"
	is "$(of "$1" library | grep -cE "^$5")" 1 "$2: the library is named: $5"
	is "$(rows "$WORK/coverage.json" unexplained "$1" pid!=null)" 0 "$2: no byte is unexplained"
}
covered exe~/nginx "nginx with OpenSSL" visible null 'libssl\.so' exact
covered pid="${pid[gnutls]}" "gnutls-serv with GnuTLS" visible null 'libgnutls\.so' exact
covered pid="${pid[nss]}" "selfserv with NSS" visible null 'libssl3\.so' exact
covered pid="${pid[go]}" "a stripped Go program" visible null '.*/go_peer' exact
covered pid="${pid[node]}" "Node.js" visible null '.*/node' strong
covered pid="${pid[asyncio]}" "Python asyncio, fed from memory" visible null 'libssl\.so' strong
covered pid="${pid[mbedtls]}" "a program with Mbed TLS" visible null 'libmbedtls\.so' exact
covered pid="${pid[wolfssl]}" "a program with wolfSSL" visible null 'libwolfssl\.so' exact
[ -z "$rustls" ] || covered pid="${pid[rustls]}" "a program with rustls" visible null '.*/rustls_peer' strong
covered pid="${pid[java]}" "Java" blind not_visible 'JSSE$' none
covered pid="${pid[quic]}" "a server with QUIC" blind quic '.*' null
for name in java quic; do
	is "$(rows "$WORK/coverage.json" sum bytes.examined pid="${pid[$name]}")" 0 "$name: nothing was examined"
	at_least "$(rows "$WORK/coverage.json" sum bytes.opaque pid="${pid[$name]}")" 1000 "$name: its bytes are opaque"
done
is "$(rows "$WORK/coverage.json" sum reasons.quic pid="${pid[quic]}")" "$(rows "$WORK/coverage.json" sum bytes.moved pid="${pid[quic]}")" \
	"quic: all that it moved is opaque under that name"
if [ -x /usr/bin/chromium ]; then
	is "$(rows "$WORK/coverage.json" values binding exe~chromium binding!=null bytes.examined!=0)" exact "Chromium with BoringSSL is visible, bound exactly"
fi
is "$(rows "$WORK/coverage.json" unexplained exe~/curl pid!=null)" 0 "no byte of who asked them is unexplained"
