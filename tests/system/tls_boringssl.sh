#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# BoringSSL, linked into a program of 300 MB and stripped: Debian's Chromium, headless, posts 97
# orders to nginx. Its SSL_read and SSL_write are found by what they put into error queues.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need nginx
[ -x /usr/bin/chromium ] || skip_all "no chromium on this host, which is 80 MB to fetch: scripts/bootstrap tls installs it"
start_nginx

browse() { # URL; prints the page as its scripts have left it
	timeout -k 5 $((60 * ${SLOW:-1})) chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --ignore-certificate-errors --user-data-dir="$(mktemp -d "$WORK/profile-XXXXXX")" \
		--dump-dom "$1" 2>>"$WORK/chromium.log"
}
"$PYTHON" "$LIB/plant.py" bodies "$WORK/bodies" 97
{	# One after the other, and all of them before the page counts as loaded.
	echo '<!DOCTYPE html><title>orders</title><link rel="icon" href="data:,"><body><script>let done = 0; for (const order of ['
	for i in $(seq 0 96); do
		cat "$WORK/bodies/$i.json"
		echo ,
	done
	echo ']) { const r = new XMLHttpRequest(); r.open("POST", "/api/orders", false);'
	echo 'r.setRequestHeader("Content-Type", "application/json"); r.send(JSON.stringify(order)); done += r.status == 200; }'
	echo 'document.body.innerText = "orders accepted: " + done;</script>'
} >"$PAGES/orders.html"

start_weir --policy "$LIB/card.yaml"
# It is looked for when the program starts; whoever runs it after that is seen from the first byte.
browse about:blank >"$WORK/blank.html" || not_ok "chromium shows an empty page: exit status $?"
wait_for 30 grep -qE 'probed file=[^ ]*chromium|is in file=[^ ]*chromium|look for TLS functions in file=[^ ]*chromium' "$WORK/weir.err"
matches "$WORK/weir.err" 'probed file=[^ ]*/chromium build_id=[0-9a-f]{40} sites=2' "reading and writing were found in the program of Chromium"
browse "https://localhost:$HTTPS_PORT/pages/orders.html" >"$WORK/orders.html"
matches "$WORK/orders.html" 'orders accepted: 97' "Chromium posted 97 orders"
is "$(grep -c "^$HTTPS_PORT POST 200" "$ACCESS_LOG")" 97 "nginx itself logged 97 posts"

settle
read_weir flows flows --sum
read_weir coverage coverage
for role in client server; do
	is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=$role route=/api/orders)" 97 "97 posts by Chromium: exchanges of the $role"
	is "$(rows "$WORK/flows.json" values binding port="$HTTPS_PORT" role=$role exchanges!=0 | sort -u)" exact "the $role's TLS sessions are bound to their sockets exactly"
	is "$(rows "$WORK/flows.json" unexplained port="$HTTPS_PORT" role=$role)" 0 "no byte of the $role is unexplained"
	is "$(rows "$WORK/flows.json" sum bytes.lost port="$HTTPS_PORT" role=$role)" 0 "none is lost"
done
for class in pan email; do
	is "$(rows "$WORK/flows.json" findings $class sent port="$HTTPS_PORT" role=client route=/api/orders)" 97 "sent $class in exactly 97 fields"
	is "$(rows "$WORK/flows.json" findings $class received port="$HTTPS_PORT" role=server route=/api/orders)" 97 "received $class in exactly 97 fields"
done
is "$(rows "$WORK/flows.json" findings email received port="$HTTPS_PORT" role=client route=/api/orders)" 97 "received email in exactly 97 fields"
is "$(rows "$WORK/coverage.json" sum bytes.opaque exe~chromium)" 0 "nothing of Chromium is blind, nor what it asks its name server"
is "$(rows "$WORK/coverage.json" values binding exe~chromium binding!=null bytes.examined!=0 | sort -u)" exact "and its TLS is visible"
tls_row "BoringSSL inside, stripped" Chromium client "$HTTPS_PORT" 97 route=/api/orders
