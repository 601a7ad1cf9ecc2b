#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A client whose TLS library tells nothing of its functions is not passed over in silence:
# its process is blind with a reason, its bytes are opaque, its peer has the name of the
# ClientHello; the other end, nginx with OpenSSL, shows the exchanges all the same.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need wget nginx
library=$(ldd "$(command -v wget)" | awk '/libgnutls\.so/ { print $3 }')
[ -n "$library" ] || skip_all "this host's wget does not use GnuTLS"
# A copy without its table of sections, which nobody needs to run it.
"$PYTHON" -c 'import sys
image = bytearray(open(sys.argv[1], "rb").read())
image[0x28:0x30] = bytes(8)
image[0x3c:0x40] = bytes(4)
open(sys.argv[2], "wb").write(image)' "$library" "$WORK/$(basename "$library")"
start_nginx
start_weir --policy "$LIB/card.yaml"
for i in $(seq 7); do
	LD_LIBRARY_PATH=$WORK wget -q --no-check-certificate -O "$WORK/answer" --post-data='{"card":"4539981111112222"}' "https://localhost:$HTTPS_PORT/api/$i" ||
		not_ok "wget $i: exit status $?"
done
settle
read_weir flows flows --sum
read_weir coverage coverage
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=server)" 7 "nginx's side shows 7 exchanges"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=client)" 0 "wget's side shows none"
is "$(rows "$WORK/flows.json" values peer port="$HTTPS_PORT" role=client)" localhost "but it is known whom it talked to, by the name in its ClientHello"
is "$(rows "$WORK/flows.json" values tls.state port="$HTTPS_PORT" role=client)" present "and that it was TLS"
at_least "$(rows "$WORK/flows.json" sum bytes.opaque port="$HTTPS_PORT" role=client)" 1000 "its bytes are opaque"
is "$(rows "$WORK/flows.json" unexplained port="$HTTPS_PORT" role=client)" 0 "none is unexplained"
is "$(rows "$WORK/coverage.json" values state workload=wget "library=$(basename "$library")" | tr '\n' ' ')" "blind " "every wget is blind"
is "$(rows "$WORK/coverage.json" values reason workload=wget "library=$(basename "$library")")" unprobed_tls "because its TLS library is not probed"
