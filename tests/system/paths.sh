#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What leaves no buffer behind, through the whole of weir: pages of a file that sendfile sends are
# examined, UDP and UNIX sockets are in the account, QUIC and a splice are named with their bytes, and
# a connection that is still open at the end is accounted for like any other.
. "$(dirname "$0")/../lib/lib.sh"
need_root

HTTP_PORT=$(free_port) QUIC_PORT=$(free_port)
mkfifo "$WORK/go"
cat >"$WORK/paths.py" <<'END'
import os, socket, sys
http, quic, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
open(folder + "/go").read()
body = b'{"email":"ana.ruiz@harborline-logistics.com"}'
head = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
request, answer = b"POST /orders HTTP/1.1\r\nHost: h\r\n" + head + body, b"HTTP/1.1 200 OK\r\n" + head + body

def take(s, n):
    got = b""
    while len(got) < n:
        got += s.recv(n - len(got))
    return got

def pair():
    l = socket.create_server(("127.0.0.1", http))
    c = socket.create_connection(("127.0.0.1", http))
    s, _ = l.accept()
    l.close()
    return c, s

# 7 answers by sendfile
c, s = pair()
f = os.open(folder + "/answer", os.O_RDWR | os.O_CREAT)
os.write(f, answer)
for i in range(7):
    c.sendall(request)
    take(s, len(request))
    assert os.sendfile(s.fileno(), f, 0, len(answer)) == len(answer)
    assert take(c, len(answer)) == answer
c.close(); s.close()
# 3 exchanges over a UNIX socket
l = socket.socket(socket.AF_UNIX)
l.bind(folder + "/socket"); l.listen(1)
c = socket.socket(socket.AF_UNIX); c.connect(folder + "/socket")
s, _ = l.accept()
for i in range(3):
    c.sendall(request); take(s, len(request))
    s.sendall(answer); take(c, len(answer))
c.close(); s.close()
# 11 packets of QUIC
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", quic))
c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.connect(("127.0.0.1", quic))
for i in range(11):
    c.send(b"\xc3\0\0\0\1" + bytes(1195)); s.recv(2000)
c.close(); s.close()
# and one that stays open, whose last bytes leave by a splice
c, s = pair()
c.sendall(request); take(s, len(request))
s.sendall(answer); take(c, len(answer))
s.sendall(bytes(997))
import ctypes
r, w = os.pipe()
libc = ctypes.CDLL(None)
assert libc.splice(c.fileno(), None, w, None, 997, 0) == 997
assert len(os.read(r, 2000)) == 997
print(len(request) + len(answer), flush=True)
sys.stdin.read()
END
mkfifo "$WORK/end"
"$PYTHON" "$WORK/paths.py" "$HTTP_PORT" "$QUIC_PORT" "$WORK" <"$WORK/end" >"$WORK/paths.log" 2>&1 &
PID=$!
started+=("$PID")
exec 9>"$WORK/end"
start_weir --policy "$LIB/card.yaml" --pid "$PID"
echo go >"$WORK/go"
wait_for 10 grep -q '^[0-9]' "$WORK/paths.log" || bail "the paths were not taken: $(tail -n 3 "$WORK/paths.log")"
both=$(cat "$WORK/paths.log")
settle	# the process goes on: its sockets are open
exec 9>&-
read_weir flows flows --sum
read_weir coverage coverage

is "$(rows "$WORK/flows.json" sum exchanges port="$HTTP_PORT" role=server)" 8 "the server side of TCP: 7 exchanges by sendfile and 1 on the open connection"
is "$(rows "$WORK/flows.json" findings email sent port="$HTTP_PORT" role=server)" 8 "an address in each answer, those that sendfile sent too"
is "$(rows "$WORK/flows.json" findings email received port="$HTTP_PORT" role=client)" 8 "and as the client got them"
is "$(rows "$WORK/flows.json" sum exchanges port=0 peer_zone=host)" 6 "both ends of the UNIX socket"
is "$(rows "$WORK/flows.json" sum bytes.moved port="$QUIC_PORT")" 26400 "11 packets of 1200 bytes, sent and received, by UDP"
is "$(rows "$WORK/flows.json" sum bytes.opaque port="$QUIC_PORT")" 26400 "all of them opaque"
reason() { rows "$WORK/coverage.json" sum "reasons.$1" type=coverage exe~python; }
is "$(reason quic)" 26400 "under the name quic"
opaque=$((26400 + 997))
grep -q 'hooks=socket' "$WORK/weir.err" && opaque=$((opaque + 997))	# the bytes in the pipe are looked at
is "$(rows "$WORK/coverage.json" sum bytes.moved exe~python)" $(((7 + 3 + 1) * 2 * both + 26400 + 2 * 997)) "every byte of every socket is in the account"
is "$(rows "$WORK/coverage.json" unexplained exe~python)" 0 "none is unexplained"
grep -q 'hooks=sys_exit' "$WORK/weir.err" || is "$(rows "$WORK/coverage.json" sum bytes.opaque exe~python)" $opaque "what is no HTTP is opaque: QUIC, and 997 bytes behind the last answer"
at_least "$(reason unknown_protocol)" 997 "which have a name as well"
