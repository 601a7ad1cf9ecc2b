#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""record_proxy.py - passes TCP connections on, and counts what TLS records carried: an account of its own.

  record_proxy.py PORT TO FILE   from 127.0.0.1:PORT to 127.0.0.1:TO; after each connection FILE holds, of all so
                                 far: connections, then for what the client sent and for what it received the
                                 bytes and, of these, the bodies of application data
"""
import os
import selectors
import socket
import sys

APPLICATION_DATA = 23


class Way:
    """One direction of one connection."""

    def __init__(self):
        self.bytes = self.data = 0
        self.rest = b""

    def add(self, part):
        self.bytes += len(part)
        self.rest += part
        while len(self.rest) >= 5:
            size = int.from_bytes(self.rest[3:5], "big")
            if len(self.rest) < 5 + size:
                break
            if self.rest[0] == APPLICATION_DATA:
                self.data += size
            self.rest = self.rest[5 + size:]


def serve(client, to):
    server = socket.create_connection(("127.0.0.1", to))
    ways = {client: (server, Way()), server: (client, Way())}
    with selectors.DefaultSelector() as ready:
        for end in ways:
            ready.register(end, selectors.EVENT_READ)
        while ready.get_map():
            for key, _ in ready.select():
                other, way = ways[key.fileobj]
                part = key.fileobj.recv(65536)
                if part:
                    way.add(part)
                    other.sendall(part)
                    continue
                ready.unregister(key.fileobj)
                try:
                    other.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
    client.close()
    server.close()
    return ways[client][1], ways[server][1]


port, to, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
listener = socket.create_server(("127.0.0.1", port))
sums = [0] * 5
while True:
    sent, received = serve(listener.accept()[0], to)
    for i, n in enumerate((1, sent.bytes, sent.data, received.bytes, received.data)):
        sums[i] += n
    with open(name + ".new", "w", encoding="ascii") as out:
        print(*sums, file=out)
    os.rename(name + ".new", name)
