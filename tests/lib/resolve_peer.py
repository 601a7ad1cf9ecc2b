#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""resolve_peer.py - a client that asks a name server itself and then connects by address.

  resolve_peer.py serve ADDRESS PORT                      an HTTP server for it
  resolve_peer.py get DNS_PORT NAME PORT COUNT            asks 127.0.0.1:DNS_PORT, then COUNT requests
"""
import http.client
import http.server
import socket
import struct
import sys


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b'{"email":"ana.ruiz@harborline-logistics.com"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def ask(port, name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(20)
        s.connect(("127.0.0.1", port))
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        s.send(struct.pack(">HHHHHH", 0x4d2, 0x100, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, 1, 1))
        return socket.inet_ntoa(s.recv(512)[-4:])


if sys.argv[1] == "serve":
    http.server.ThreadingHTTPServer((sys.argv[2], int(sys.argv[3])), Answer).serve_forever()
else:
    address = ask(int(sys.argv[2]), sys.argv[3])
    conn = http.client.HTTPConnection(address, int(sys.argv[4]), timeout=20)
    for i in range(int(sys.argv[5])):
        conn.request("GET", f"/orders/{i}")
        assert conn.getresponse().read().startswith(b"{")
