#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A client whose TLS library tells nothing of its functions is not passed over in silence:
# its process is blind with a reason, its bytes are opaque, its peer has the name of the
# ClientHello; the other end, nginx with OpenSSL, shows the exchanges all the same. A balancer that
# passes TLS on as it comes has the library, and nothing to decrypt: its bytes are relayed.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need wget nginx haproxy curl
library=$(ldd "$(command -v wget)" | awk '/libgnutls\.so/ { print $3 }')
[ -n "$library" ] || skip_all "this host's wget does not use GnuTLS"
# A copy without its table of sections, which nobody needs to run it.
"$PYTHON" -c 'import sys
image = bytearray(open(sys.argv[1], "rb").read())
image[0x28:0x30] = bytes(8)
image[0x3c:0x40] = bytes(4)
open(sys.argv[2], "wb").write(image)' "$library" "$WORK/$(basename "$library")"
start_nginx
relay=$(free_port)
cat >"$WORK/relay.conf" <<END
defaults
	mode tcp
	timeout connect 10s
	timeout client 60s
	timeout server 60s
listen by-name
	bind 127.0.0.1:$relay
	tcp-request inspect-delay 5s
	tcp-request content accept if { req.ssl_hello_type 1 }
	server nginx 127.0.0.1:$HTTPS_PORT
END
start "$WORK/relay.log" haproxy -db -f "$WORK/relay.conf"
wait_for 10 listens "$relay" || bail "no haproxy on port $relay: $(tail -n 2 "$WORK/relay.log")"
start_weir --policy "$LIB/card.yaml"
for i in $(seq 7); do
	LD_LIBRARY_PATH=$WORK wget -q --no-check-certificate -O "$WORK/answer" --post-data='{"card":"4539981111112222"}' "https://localhost:$HTTPS_PORT/api/$i" ||
		not_ok "wget $i: exit status $?"
done
for i in $(seq 11); do
	curl -sSk -o /dev/null -H 'Content-Type: application/json' --data-binary '{"card":"4539981111112222"}' "https://localhost:$relay/api/$i" ||
		not_ok "curl $i: exit status $?"
done
settle
read_weir flows flows --sum
read_weir coverage coverage
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=server)" 18 "nginx's side shows 18 exchanges"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=client workload=wget)" 0 "wget's side shows none"
is "$(rows "$WORK/flows.json" values peer port="$HTTPS_PORT" role=client workload=wget)" localhost "but it is known whom it talked to, by the name in its ClientHello"
is "$(rows "$WORK/flows.json" values tls.state port="$HTTPS_PORT" role=client)" present "and that it was TLS"
at_least "$(rows "$WORK/flows.json" sum bytes.opaque port="$HTTPS_PORT" role=client)" 1000 "its bytes are opaque"
is "$(rows "$WORK/flows.json" unexplained port="$HTTPS_PORT" role=client)" 0 "none is unexplained"
is "$(rows "$WORK/coverage.json" values state workload=wget "library=$(basename "$library")" | tr '\n' ' ')" "blind " "every wget is blind"
is "$(rows "$WORK/coverage.json" values reason workload=wget "library=$(basename "$library")")" unprobed_tls "because its TLS library is not probed"
is "$(rows "$WORK/flows.json" sum exchanges port="$relay" role=client)" 11 "curl's side shows what it said through the balancer"
for side in server:$relay client:$HTTPS_PORT; do
	at_least "$(rows "$WORK/flows.json" sum bytes.opaque port="${side#*:}" role="${side%:*}" workload=haproxy)" 1000 "its bytes as a ${side%:*} are opaque"
	is "$(rows "$WORK/flows.json" unexplained port="${side#*:}" role="${side%:*}" workload=haproxy)" 0 "none is unexplained"
done
is "$(rows "$WORK/coverage.json" values state workload=haproxy bytes.moved!=0)" blind "the balancer is blind, and its library not dead"
is "$(rows "$WORK/coverage.json" values reason workload=haproxy bytes.moved!=0)" relayed "because it passes on the TLS of others"
