#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Python as a client (urllib, http.client; its ssl module is another way into libssl) and as
# a server: 97 requests, exact on both sides.
. "$(dirname "$0")/../lib/lib.sh"
need_root
start_nginx
api=$(free_port)
start "$WORK/api.log" "$PYTHON" "$LIB/api_server.py" "$api" "$CERT" "$KEY"
wait_for 10 listens "$api" || bail "the Python server does not listen"
start_weir --policy "$LIB/card.yaml"

client() { "$PYTHON" "$LIB/client.py" "$@" || not_ok "client.py $1 $2: exit status $?"; }
client urllib "https://localhost:$HTTPS_PORT/api/orders" 0 19
client session "https://localhost:$HTTPS_PORT/api/orders" 19 48
client urllib "http://localhost:$HTTP_PORT/api/orders" 0 12
client session "http://localhost:$HTTP_PORT/api/orders" 12 26
client session "https://localhost:$api/echo/orders" 0 23
wait_for 5 logged_at_least "$HTTPS_PORT" 48
is "$(requests_logged "$HTTPS_PORT")" 48 "nginx logged 48 requests over HTTPS"
is "$(requests_logged "$HTTP_PORT")" 26 "nginx logged 26 requests over HTTP"
is "$(grep -c POST "$WORK/api.log")" 23 "the Python server logged 23 requests"

settle
read_weir flows flows --sum
read_weir violations violations list
is_exactly "$HTTPS_PORT" 48 "48 requests by Python over HTTPS"
is_exactly "$HTTP_PORT" 26 "26 requests by Python over HTTP"
is_exactly "$api" 23 "23 requests to a Python server over HTTPS"
has_findings "$HTTPS_PORT" client pan sent 48
has_findings "$HTTPS_PORT" server pan received 48
has_findings "$HTTP_PORT" client pan sent 26
has_findings "$HTTP_PORT" server pan received 26
# The body comes back: each value is found in both directions.
has_findings "$api" client pan sent 23
has_findings "$api" client pan received 23
has_findings "$api" server pan received 23
has_findings "$api" server pan sent 23
has_findings "$api" server email sent 23
is "$(rows "$WORK/flows.json" values tls.state port="$api")" present "Python's own TLS is seen as TLS"
is "$(rows "$WORK/flows.json" count port="$api" role=server exe~python)" 1 "the server is known by its executable"
for port in "$HTTPS_PORT" "$HTTP_PORT"; do
	is "$(rows "$WORK/violations.json" distinct id port="$port")" 1 "one violation for the pair on port $port"
done
