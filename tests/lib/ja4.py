#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ja4.py - the JA4 fingerprint of a TLS client, computed apart from weir: what its value
must be.

  ja4.py PORT       takes one connection on 127.0.0.1, prints "listens", then the client's
                    fingerprint, and closes
"""
import hashlib
import socket
import struct
import sys


def grease(value):
    return value & 0x0F0F == 0x0A0A and value >> 8 == value & 0xFF


def numbers(data):
    return [v for (v,) in struct.iter_unpack("!H", data) if not grease(v)]


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def ja4(hello):
    version, at = struct.unpack_from("!H", hello, 0)[0], 2 + 32
    at += 1 + hello[at]
    size = struct.unpack_from("!H", hello, at)[0]
    ciphers = numbers(hello[at + 2:at + 2 + size])
    at += 2 + size
    at += 1 + hello[at]
    end = at + 2 + struct.unpack_from("!H", hello, at)[0]
    at += 2
    extensions = {}
    while at < end:
        kind, size = struct.unpack_from("!HH", hello, at)
        if not grease(kind):
            extensions[kind] = hello[at + 4:at + 4 + size]
        at += 4 + size
    if 43 in extensions:
        version = max(numbers(extensions[43][1:]))
    alpn = extensions[16][3:3 + extensions[16][2]].decode() if 16 in extensions else "00"
    hashed = ",".join(f"{e:04x}" for e in sorted(extensions) if e not in (0, 16))
    algorithms = ",".join(f"{a:04x}" for a in numbers(extensions[13][2:])) if 13 in extensions else ""
    name = "d" if 0 in extensions else "i"
    names = {0x0301: "10", 0x0302: "11", 0x0303: "12", 0x0304: "13"}
    return (f"t{names[version]}{name}{len(ciphers):02}{len(extensions):02}{alpn[0]}{alpn[-1]}"
            f"_{digest(','.join(f'{c:04x}' for c in sorted(ciphers)))}_{digest(hashed + '_' * bool(algorithms) + algorithms)}")


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listens", flush=True)
conn, _ = listener.accept()
bytes_ = b""
while len(bytes_) < 9 or len(bytes_) < 5 + struct.unpack_from("!H", bytes_, 3)[0]:
    bytes_ += conn.recv(65536)
print(ja4(bytes_[9:]), flush=True)
