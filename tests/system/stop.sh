#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What ends just before weir does is told whole, though the reader falls behind just then, and has to be replaced:
# answers that end with their connection, in clear and over TLS.
. "$(dirname "$0")/../lib/lib.sh"
need_root
make_cert
plain=$(free_port) tls=$(free_port) N=31
cat >"$WORK/server.py" <<'END'
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[3], sys.argv[4])

def serve(port, wrap):
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    while True:
        try:
            with wrap(listener.accept()[0]) as conn:
                if b"\r\n\r\n" in conn.recv(4096):
                    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\ncontact: harbor.master@harborline-logistics.com")
        except OSError:
            pass	# somebody who only looked whether it listens

threading.Thread(target=serve, args=(int(sys.argv[1]), lambda conn: conn), daemon=True).start()
serve(int(sys.argv[2]), lambda conn: context.wrap_socket(conn, server_side=True))
END
cat >"$WORK/client.py" <<'END'
import socket, ssl, sys
context = ssl._create_unverified_context()
for port, wrap in ((int(sys.argv[1]), lambda conn: conn), (int(sys.argv[2]), context.wrap_socket)):
    for i in range(int(sys.argv[3])):
        with wrap(socket.create_connection(("127.0.0.1", port))) as conn:
            conn.sendall(b"GET /berths/%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % i)
            while conn.recv(4096):
                pass
END
start "$WORK/server.log" "$PYTHON" "$WORK/server.py" "$plain" "$tls" "$CERT" "$KEY"
for port in $plain $tls; do
	wait_for 10 listens "$port" || bail "the server does not listen: $(tail -n 1 "$WORK/server.log")"
done
for _ in 1 2 3; do	# what comes first then is not always the same
	start_weir --policy "$LIB/card.yaml"
	reader=$(role_pid reader)
	kill -STOP "$reader"
	"$PYTHON" "$WORK/client.py" "$plain" "$tls" $N >"$WORK/client.log" 2>&1 || not_ok "the client: $(tail -n 1 "$WORK/client.log")"
	kill -KILL "$reader"
	settle
done
read_weir flows flows --sum
for port in $plain $tls; do
	is_exactly "$port" $((3 * N)) "port $port"
	for role in client server; do
		to=received
		[ $role = client ] || to=sent
		has_findings "$port" $role email $to $((3 * N))
		is "$(rows "$WORK/flows.json" unexplained port="$port" role=$role)" 0 "no byte of the $role is unexplained"
	done
	is "$(rows "$WORK/flows.json" sum bytes.moved port="$port" role=client)" "$(rows "$WORK/flows.json" sum bytes.moved port="$port" role=server)" \
		"both ends moved the same"
done
