#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A library of whose functions the kernel refuses to probe one: the others are probed, that one is named,
# and what moves through it is opaque with that reason. All else goes on as ever.
. "$(dirname "$0")/../lib/lib.sh"
need_root
need wget nginx
library=$(ldd "$(command -v wget)" | awk '/libgnutls\.so/ { print $3 }')
[ -n "$library" ] || skip_all "this host's wget does not use GnuTLS"
mkdir "$WORK/lib"
copy=$WORK/lib/$(basename "$library")
# `sub $8,%rsp` becomes a push of the same size, with a prefix that means nothing to the processor, and to the
# kernel that it will not probe it. Its place is printed. The other one that calls what receives only returns,
# so that the exported functions are probed. Nobody calls it.
offset=$("$PYTHON" - "$library" "$copy" <<'EOF'
import subprocess, sys
image = bytearray(open(sys.argv[1], "rb").read())
names = subprocess.run(["nm", "-DS", "--defined-only", sys.argv[1]], capture_output=True, text=True, check=True).stdout
headers = int.from_bytes(image[32:40], "little")  # of ELF64: where the segments are told
def place_of(name):
    at, length = next([int(n, 16) for n in line.split()[:2]] for line in names.splitlines() if line.split()[-1].split("@")[0] == name)
    for i in range(int.from_bytes(image[56:58], "little")):
        p = image[headers + 56 * i:headers + 56 * (i + 1)]
        kind, offset, address, size = (int.from_bytes(p[a:a + n], "little") for a, n in ((0, 4), (8, 8), (16, 8), (32, 8)))
        if kind == 1 and address <= at < address + size:
            return at - address + offset, length
place, _ = place_of("gnutls_record_recv")
other, length = place_of("gnutls_record_recv_seq")
if image[place:place + 4] == b"\x48\x83\xec\x08":
    image[place:place + 4] = b"\x2e\x50\x66\x90"
    image[other:other + length] = b"\xc3" * length
    open(sys.argv[2], "wb").write(image)
    print(f"{place:#x}")
EOF
)
[ -n "$offset" ] || skip_all "the first instruction of this host's gnutls_record_recv is another"
ask() { LD_LIBRARY_PATH=$WORK/lib wget -q --no-check-certificate -O "$WORK/answer" --post-data="{\"email\":\"$1@firm.example\"}" "https://localhost:$HTTPS_PORT$2"; }
start_nginx
start_weir --policy "$LIB/card.yaml"
ask first /api/first || not_ok "wget: exit status $?"
inode=$(stat -c %i "$copy")
wait_for 20 grep -qE "probed file=.* inode=$inode\$" "$WORK/weir.err" && ok "the other functions are probed" || not_ok "the other functions are probed"
is "$(grep -cE "cannot probe library=.*$(basename "$library").* offset=0x[0-9a-f]+ error=.*what moves through that function only is not seen" "$WORK/weir.err")" 1 \
	"one is named"
matches "$WORK/weir.err" "cannot probe library=.* offset=$offset " "it is that one"
for i in $(seq 7); do
	ask "number$i" /api/refused || not_ok "wget $i: exit status $?"
done
settle
read_weir flows flows --sum
read_weir coverage coverage
mine="port=$HTTPS_PORT role=client route=/api/refused"
is "$(rows "$WORK/flows.json" sum exchanges $mine)" 7 "what is sent through the others is seen: 7 exchanges"
is "$(rows "$WORK/flows.json" findings email sent $mine)" 7 "with 7 addresses"
is "$(rows "$WORK/flows.json" findings email received $mine)" 0 "what is received through that one is not"
is "$(rows "$WORK/flows.json" unexplained "port=$HTTPS_PORT")" 0 "none of the bytes is unexplained"
is "$(rows "$WORK/coverage.json" count exe~wget state=partial reason=probe_refused "library=$(basename "$library")")" 7 \
	"the seven programs are seen in part, because a probe was refused"
is "$(rows "$WORK/flows.json" sum exchanges port="$HTTPS_PORT" role=server route=/api/refused)" 7 "the other end sees all"
