#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""fluent_peer.py - both ends of the Forward protocol, version 1, as its specification has it: no server of it
is in Debian. python3-msgpack makes and reads the values. Debian's client, which has one of the modes, is one more.

  fluent_peer.py serve PORT TLSPORT CERT KEY   acknowledges chunks; "messages records" when it is ended
  fluent_peer.py send PORT TLSPORT             29 messages in clear and 13 over TLS, in all four modes
  fluent_peer.py log PORT                      17 messages in clear, by python3-fluent-logger
"""
import gzip
import signal
import socket
import ssl
import struct
import sys
import threading

import msgpack

counts = [0, 0]


def records_of(message):
    if isinstance(message[1], list):
        return len(message[1])
    if isinstance(message[1], bytes):
        plain = gzip.decompress(message[1]) if message[-1].get("compressed") == "gzip" else message[1]
        unpacker = msgpack.Unpacker(raw=False)
        unpacker.feed(plain)
        return sum(1 for _ in unpacker)
    return 1


def answer(conn):
    unpacker = msgpack.Unpacker(raw=False)
    while data := conn.recv(65536):
        unpacker.feed(data)
        for message in unpacker:
            counts[0] += 1
            counts[1] += records_of(message)
            if isinstance(message[-1], dict) and "chunk" in message[-1]:
                conn.sendall(msgpack.packb({"ack": message[-1]["chunk"]}))
    conn.close()


def accept(listener, context):
    while True:
        conn, _ = listener.accept()
        try:
            conn = context.wrap_socket(conn, server_side=True) if context else conn
            threading.Thread(target=answer, args=(conn,), daemon=True).start()
        except (OSError, ssl.SSLError):
            pass  # somebody looked whether this listens


def serve(port, tls_port, cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    for number, tls in ((port, None), (tls_port, context)):
        listener = socket.create_server(("127.0.0.1", number))
        threading.Thread(target=accept, args=(listener, tls), daemon=True).start()
    signal.sigwait({signal.SIGTERM})
    print(*counts, flush=True)


def record(n):
    return {"order": n, "contact": {"email": f"buyer{n}@harborline-logistics.com"}, "log": '{"card":"4532 0151 1283 0366"}'}


def entry(n):
    return [msgpack.ExtType(0, struct.pack(">II", 1760000000 + n, 7)), record(n)]


def say(conn, message, chunk):
    """A chunk has its answer before the next message."""
    conn.sendall(msgpack.packb(message))
    if chunk:
        unpacker = msgpack.Unpacker(raw=False)
        unpacker.feed(conn.recv(4096))
        assert unpacker.unpack() == {"ack": chunk}


def send(conn, messages, forwards, packed, compressed):
    for n in range(messages):
        say(conn, ["app.orders", *entry(n)], None)
    for n in range(forwards):
        say(conn, ["app.lists", [entry(i) for i in range(3)], {"chunk": f"f{n}"}], f"f{n}")
    entries = b"".join(msgpack.packb(entry(i)) for i in range(5))
    for n in range(packed):
        say(conn, ["app.packed", entries, {"chunk": f"p{n}", "size": 5}], f"p{n}")
    for n in range(compressed):
        say(conn, ["app.packed", gzip.compress(entries), {"chunk": f"z{n}", "compressed": "gzip"}], f"z{n}")


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:6])
elif sys.argv[1] == "log":
    import fluent.sender

    for i in range(17):  # half of them with a time of its own type, some on a connection of their own
        if i % 4 == 0:
            sender = fluent.sender.FluentSender("web", "127.0.0.1", int(sys.argv[2]), nanosecond_precision=i % 8 == 0)
        assert sender.emit("access", record(i)), sender.last_error
        if i % 4 == 3 or i == 16:
            sender.close()
else:
    with socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=60) as plain:
        send(plain, 11, 7, 6, 5)
    raw = socket.create_connection(("127.0.0.1", int(sys.argv[3])), timeout=60)
    with ssl._create_unverified_context().wrap_socket(raw) as secure:
        send(secure, 5, 3, 3, 2)
