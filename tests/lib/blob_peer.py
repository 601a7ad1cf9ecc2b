#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""blob_peer.py - both ends of a protocol that nobody knows.

  blob_peer.py MESSAGES SIZE     over one connection, MESSAGES times SIZE bytes one way and 7 the
                                 other, at some 16 MB a second; prints the port, then "done"
"""
import random
import socket
import sys
import threading
import time

RATE = 16e6


def take(sock, n):
    while n:
        got = len(sock.recv(min(n, 65536)))
        if not got:
            sys.exit("blob_peer.py: cut short")
        n -= got


def serve(listener, messages, size):
    sock, _ = listener.accept()
    with sock:
        for _ in range(messages):
            take(sock, size)
            sock.sendall(b"\x01\x02\x03\x04\x05\x06\x07")


def main(argv):
    messages, size = int(argv[1]), int(argv[2])
    message = b"\xfe" + random.Random(7).randbytes(size - 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        print(port, flush=True)
        server = threading.Thread(target=serve, args=(listener, messages, size))
        server.start()
        with socket.create_connection(("127.0.0.1", port)) as sock:
            begun = time.monotonic()
            for i in range(messages):
                sock.sendall(message)
                take(sock, 7)
                time.sleep(max(0, begun + (i + 1) * size / RATE - time.monotonic()))
        server.join()
    print("done", flush=True)


main(sys.argv)
