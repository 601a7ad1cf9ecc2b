#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OpenSSL 1.1.1, as Debian 11 has it: its own server (through a filter BIO) and its own client,
# 97 requests, and a client with this host's OpenSSL 3. The two packages come from Debian's
# archive once, are checked by hash and unpacked below build/, never installed.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need openssl curl dpkg-deb
need_helper bio_peer
old=$ROOT/build/openssl-1.1.1w
fetch() { # FILE SHA256
	curl -sSf --max-time 20 -o "$WORK/$1" "http://deb.debian.org/debian/pool/main/o/openssl/$1" 2>"$WORK/fetch.log" ||
		skip_all "Debian's archive does not give $1: $(tail -n 1 "$WORK/fetch.log")"
	[ "$(sha256sum <"$WORK/$1" | cut -d' ' -f1)" = "$2" ] || bail "$1 is not the file that it should be"
	dpkg-deb -x "$WORK/$1" "$WORK/old" || bail "$1 does not unpack"
}
if [ ! -x "$old/usr/bin/openssl" ]; then
	fetch libssl1.1_1.1.1w-0+deb11u1_amd64.deb aadf8b4b197335645b230c2839b4517aa444fd2e8f434e5438c48a18857988f7
	fetch openssl_1.1.1w-0+deb11u1_amd64.deb 04873d74cbe86bad3a9901f6e57f1150040eba9891b443c5c975a72a97238e35
	mkdir -p "$ROOT/build"
	mv -T "$WORK/old" "$old" 2>/dev/null || [ -x "$old/usr/bin/openssl" ] || bail "cannot keep what was unpacked in $old"
fi
old_openssl() { LD_LIBRARY_PATH=$old/usr/lib/x86_64-linux-gnu exec "$old/usr/bin/openssl" "$@"; }
case $(old_openssl version) in *1.1.1*) ;; *) bail "$old is not OpenSSL 1.1.1: remove it" ;; esac

make_cert
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
{ sed -n 's/.*"number": *"\([0-9]*\)".*/\1/p' "$WORK"/bodies/*.json; echo; } >"$WORK/cards"
is "$(grep -c . "$WORK/cards")" 97 "there are 97 cards"
mkdir "$WORK/www"
printf '{"accepted":true,"contact":{"email":"%s"}}' "$ANSWER_EMAIL" >"$WORK/www/orders"
port=$(free_port)
(cd "$WORK/www" && old_openssl s_server -quiet -WWW -accept "127.0.0.1:$port" -cert "$CERT" -key "$KEY") >"$WORK/server.log" 2>&1 </dev/null &
started+=("$!")
wait_for 10 listens "$port" || bail "the server does not listen: $(tail -n 2 "$WORK/server.log")"
start_weir --policy "$LIB/card.yaml"

run "$HELPERS/bio_peer" bio "localhost:$port" orders "$WORK/cards" 0 60
is "$(cat "$OUT")" 60 "a client with OpenSSL 3 had 60 answers"
sed -n '61,97p' "$WORK/cards" | while read -r card; do
	printf 'GET /orders HTTP/1.0\r\nHost: localhost\r\nX-Card: %s\r\n\r\n' "$card" |
		(old_openssl s_client -quiet -ign_eof -connect "localhost:$port") 2>/dev/null
done >"$WORK/answers"
is "$(grep -ac '200 ok' "$WORK/answers")" 37 "a client with OpenSSL 1.1.1 had 37 answers"

settle
read_weir flows flows --sum
read_weir coverage coverage
is_exactly "$port" 97 "97 requests to OpenSSL 1.1.1"
has_findings "$port" client pan sent 97
has_findings "$port" server pan received 97
has_findings "$port" client email received 97
has_findings "$port" server email sent 97
is "$(rows "$WORK/flows.json" values binding port="$port" exchanges!=0)" exact "each session is bound to its socket exactly"
for side in client server; do
	is "$(rows "$WORK/flows.json" unexplained port="$port" role=$side)" 0 "no byte of the $side is unexplained"
	is "$(rows "$WORK/flows.json" sum bytes.lost port="$port" role=$side)" 0 "no byte of the $side is lost"
	is "$(rows "$WORK/flows.json" sum bytes.opaque port="$port" role=$side)" 0 "no byte of the $side is opaque"
done
tls_row "OpenSSL 1.1.1" "openssl s_server" server "$port" 97
