#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""unread_peer.py - both ends of protocols that nobody knows: a length, a type and a text over TCP,
and single datagrams.

  unread_peer.py serve TCP_PORT UDP_PORT OTHER_UDP_PORT
  unread_peer.py ask TCP_PORT COUNT           each request is answered
  unread_peer.py tell UDP_PORT OTHER COUNT    a datagram to each from one socket that is not connected, each answered
  unread_peer.py noise TCP_PORT BYTES         bytes that are no text, then an address; one answer
"""
import random
import socket
import socketserver
import struct
import sys
import threading


def take(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            return None
        data += part
    return data


def message(kind, text):
    return struct.pack(">IB", len(text), kind) + text


class Tcp(socketserver.BaseRequestHandler):
    def handle(self):
        while head := take(self.request, 5):
            size, kind = struct.unpack(">IB", head)
            take(self.request, size)
            self.request.sendall(message(kind | 128, b'{"card":{"number":"4242424242424242"}}'))


class Udp(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(b"\x02ok", self.client_address)


if sys.argv[1] == "serve":
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    tcp = socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[2])), Tcp)
    threading.Thread(target=tcp.serve_forever, daemon=True).start()
    udp = [socketserver.UDPServer(("127.0.0.1", int(port)), Udp) for port in sys.argv[3:5]]
    threading.Thread(target=udp[1].serve_forever, daemon=True).start()
    udp[0].serve_forever()
elif sys.argv[1] == "tell":
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(20)
        for i in range(int(sys.argv[4])):
            for port in sys.argv[2:4]:
                s.sendto(b"orders.paid:%d|c|#contact=buyer%d@harborline-logistics.com" % (i, i), ("127.0.0.1", int(port)))
                s.recvfrom(64)
else:
    with socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=20) as s:
        if sys.argv[1] == "noise":
            text = random.Random(7).randbytes(int(sys.argv[3])) + b"buyer0@harborline-logistics.com"
            s.sendall(message(9, text))
            take(s, struct.unpack(">IB", take(s, 5))[0])
        for i in range(int(sys.argv[3]) if sys.argv[1] == "ask" else 0):
            s.sendall(message(1, b'{"order":%d,"contact":{"email":"buyer%d@harborline-logistics.com"}}' % (i, i)))
            take(s, struct.unpack(">IB", take(s, 5))[0])
