#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sight_peer.py - sends what nobody would look at, and waits in the midst of it until weir has said so.

  sight_peer.py http MONITOR URL BLOB         94 posts with card and e-mail to URL, and 3 downloads of
                                              BLOB between them, over one connection
  sight_peer.py blob MONITOR MESSAGES SIZE    both ends of a protocol that nobody knows: MESSAGES times
                                              SIZE bytes one way and 7 the other; prints the port

MONITOR is weir's process id: whether a verdict holds is read from its map in the kernel. How fast or
slow weir is makes no difference then.
"""
import ctypes
import http.client
import json
import os
import random
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

import plant

SYS_BPF, LOOKUP, NEXT_KEY, FD_BY_ID = 321, 1, 4, 14
LIBC = ctypes.CDLL(None, use_errno=True)
BEGINNING = 256 << 10   # enough of a body, or of a protocol, to be judged
DEADLINE = 60


def bpf(command, attr):
    buf = ctypes.create_string_buffer(attr, max(len(attr), 64))
    return LIBC.syscall(SYS_BPF, command, buf, len(buf))


class Verdicts:
    """The map of what is unwanted: connection -> positions."""

    def __init__(self, pid):
        want = {"map_type": "1", "key_size": "8", "value_size": "32", "max_entries": "16384"}
        for name in os.listdir(f"/proc/{pid}/fdinfo"):
            try:
                with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as f:
                    info = dict(line.split(":", 1) for line in f.read().splitlines() if ":" in line)
            except FileNotFoundError:       # closed since the folder was read: weir reads files of other processes
                continue
            info = {k.strip(): v.strip() for k, v in info.items()}
            if all(info.get(k) == v for k, v in want.items()):
                self.fd = bpf(FD_BY_ID, struct.pack("=III", int(info["map_id"]), 0, 0))
                if self.fd < 0:
                    sys.exit("sight_peer.py: cannot open weir's map")
                return
        sys.exit("sight_peer.py: weir has no map of what is unwanted")

    def read(self):
        key, value, seen = ctypes.c_uint64(0), ctypes.create_string_buffer(32), {}
        after = 0
        while not bpf(NEXT_KEY, struct.pack("=IIQQQ", self.fd, 0, after, ctypes.addressof(key), 0)):
            if not bpf(LOOKUP, struct.pack("=IIQQQ", self.fd, 0, ctypes.addressof(key), ctypes.addressof(value), 0)):
                seen[key.value] = value.raw[:16]
            last = ctypes.c_uint64(key.value)
            after = ctypes.addressof(last)
        return seen

    def wait(self, before):
        """Until both ends have a verdict that they did not have before."""
        until = time.monotonic() + DEADLINE
        while sum(before.get(k) != v for k, v in self.read().items()) < 2:
            if time.monotonic() > until:
                sys.exit("sight_peer.py: no verdict came")
            time.sleep(0.01)


def take(read, n):
    while n:
        got = len(read(min(n, 65536)))
        if not got:
            sys.exit("sight_peer.py: cut short")
        n -= got


def connect(parts):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)     # the server must wait, too
    sock.connect((parts.hostname, parts.port))
    conn = http.client.HTTPConnection(parts.netloc)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        sock = context.wrap_socket(sock)
    conn.sock = sock
    return conn


def ask(conn, method, path, body=None):
    conn.request(method, path, body=body, headers={"Content-Type": "application/json"} if body else {})
    answer = conn.getresponse()
    if answer.status != 200:
        sys.exit(f"sight_peer.py: {path}: status {answer.status}")
    return answer


def by_http(verdicts, url, blob):
    parts = urllib.parse.urlsplit(url)
    conn = connect(parts)
    for i in range(94):
        body = json.dumps({"order": i, "customer": {"email": plant.email(i)}, "card": {"number": plant.card(i)}})
        ask(conn, "POST", parts.path, body.encode()).read()
        # In the midst of them: what comes behind a body that was skipped must be found again.
        if i % 31 == 5:
            before = verdicts.read()
            answer = ask(conn, "GET", blob)
            take(answer.read, BEGINNING)
            verdicts.wait(before)
            take(answer.read, int(answer.headers["Content-Length"]) - BEGINNING)
            answer.read()
    conn.close()


def serve(listener, messages, size):
    sock, _ = listener.accept()
    with sock:
        for _ in range(messages):
            take(sock.recv, size)
            sock.sendall(b"\x01\x02\x03\x04\x05\x06\x07")


def by_blob(verdicts, messages, size):
    message = b"\xfe" + random.Random(7).randbytes(size - 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        print(port, flush=True)
        server = threading.Thread(target=serve, args=(listener, messages, size))
        server.start()
        before = verdicts.read()
        with socket.create_connection(("127.0.0.1", port)) as sock:
            for i in range(messages):
                if i * size >= BEGINNING > (i - 1) * size:
                    verdicts.wait(before)
                sock.sendall(message)
                take(sock.recv, 7)
        server.join()


def main(argv):
    verdicts = Verdicts(int(argv[2]))
    if argv[1] == "http":
        by_http(verdicts, argv[3], argv[4])
    else:
        by_blob(verdicts, int(argv[3]), int(argv[4]))


main(sys.argv)
