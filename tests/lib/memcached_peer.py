#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""memcached_peer.py - clients of memcached: two libraries, one for each of its protocols, and meta commands by hand.

  memcached_peer.py text PORT KEYS tcp|tls     with pymemcache: documents and cards stored and got, many at once,
                                               what misses, counters, what nobody answers
  memcached_peer.py meta PORT KEYS             pipelined, quiet and not
  memcached_peer.py datagrams PORT KEYS        over UDP, many asked at once; of a long value two datagrams come
  memcached_peer.py binary PORT KEYS           with pylibmc and libmemcached, logged in by SASL; values packed by zlib
  memcached_peer.py refused PORT               with a wrong password
  memcached_peer.py stats PORT text|binary NAME...     what the server has counted
"""
import socket
import ssl
import struct
import sys

import pylibmc
from pymemcache.client.base import Client

PROFILE = b'{"id":%d,"email":"buyer%d@harborline-logistics.com","card":{"number":"4532 0151 1283 0366"}}'
PASSWORD = "harbour-Right-29"


def profile(n):
    return PROFILE % (n, n)


def packed(n):
    return profile(n)[:-1] + b',"note":"%s"}' % (b"as before, " * 40)


def text(port, keys, tls):
    how = ssl._create_unverified_context() if tls else None
    c = Client(("localhost", port), default_noreply=False, tls_context=how, connect_timeout=30, timeout=30)
    for n in range(keys):
        assert c.set(f"user:{n}:profile", profile(n))
    for n in range(keys):
        assert c.get(f"user:{n}:profile") == profile(n)
    for n in range(7):
        got = c.get_many([f"user:{n + k}:profile" for k in range(5)])
        assert len(got) == 5
    for n in range(13):
        c.set(f"log:{n}", b"from buyer%d@harborline-logistics.com" % n, noreply=True)
    assert c.add("visits", 40) and not c.add("visits", 1)
    for n in range(11):
        assert c.incr("visits", 1) == 41 + n
    value, unique = c.gets("user:1:profile")
    assert c.cas("user:1:profile", value, unique) and not c.cas("user:1:profile", value, unique)
    for n in range(3):
        assert c.delete(f"user:{n}:profile") and c.get(f"user:{n}:profile") is None
    assert c.touch("user:5:profile", 90) and c.version()
    c.quit()


def meta(port, keys):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        answers = s.makefile("rb")
        s.sendall(b"".join(b"ms basket:%d %d T90\r\n%s\r\n" % (n, len(profile(n)), profile(n)) for n in range(keys)))
        for _ in range(keys):
            assert answers.readline() == b"HD\r\n"
        # Of twice as many half are not there, which nothing says.
        s.sendall(b"".join(b"mg basket:%d v k q\r\n" % n for n in range(2 * keys)) + b"mn\r\n")
        for n in range(keys):
            size = len(profile(n))
            assert answers.readline() == b"VA %d kbasket:%d\r\n" % (size, n)
            assert answers.read(size + 2) == profile(n) + b"\r\n"
        assert answers.readline() == b"MN\r\n"


def datagrams(port, keys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", port))
        s.settimeout(30)

        def ask(ids, command):
            for n in ids:
                s.send(struct.pack(">4H", n, 0, 1, 0) + command(n))

        def answers(ids, end):
            parts = {n: b"" for n in ids}
            while not all(p.endswith(end) for p in parts.values()):
                got = s.recv(65536)
                number, place, of, _ = struct.unpack(">4H", got[:8])
                assert place < of and number in parts
                parts[number] += got[8:]
            return parts

        for at in range(0, keys, 16):
            some = range(at, min(at + 16, keys))
            ask(some, lambda n: b"set user:%d:profile 0 0 %d\r\n%s\r\n" % (n, len(profile(n)), profile(n)))
            answers(some, b"STORED\r\n")
            ask(some, lambda n: b"get user:%d:profile\r\n" % n)
            for n, got in answers(some, b"END\r\n").items():
                assert profile(n) in got
        long = b"".join(b"sold to buyer%d@harborline-logistics.com; " % n for n in range(40))
        for half in (b"set sold 0 0 %d\r\n%s\r\n", b"append sold 0 0 %d\r\n%s\r\n"):
            ask([0], lambda n: half % (len(long) // 2, long[:len(long) // 2]))
            answers([0], b"STORED\r\n")
        ask([7], lambda n: b"get sold\r\n")
        assert len(answers([7], b"END\r\n")[7]) > 1400


def binary_client(port, password=PASSWORD):
    return pylibmc.Client([f"127.0.0.1:{port}"], binary=True, username="till", password=password)


def binary(port, keys):
    c = binary_client(port)
    for n in range(keys):
        assert c.set(f"user:{n}:profile", profile(n))
    for n in range(keys):
        assert c.get(f"user:{n}:profile") == profile(n)
    # Quiet gets, of which some miss, and a NOOP.
    assert len(c.get_multi([f"user:{n}:profile" for n in range(keys + 5)])) == keys
    for n in range(keys):
        assert c.set(f"order:{n}", packed(n), min_compress_len=200)
    for n in range(keys):
        assert c.get(f"order:{n}") == packed(n)
    assert c.set("visits", 40) and c.incr("visits", 2) == 42 and c.delete("visits") and not c.delete("visits")
    c.disconnect_all()


def refused(port):
    try:
        binary_client(port, "harbour-Wrong-71").get("user:1:profile")
    except pylibmc.Error as e:
        return "AUTHENTICATION FAILURE" in str(e)
    return False


def binary_stats(port):
    """By hand: libmemcached knows some names alone."""
    def ask(code, key=b"", value=b""):
        s.sendall(struct.pack(">BBHxxxxIIQ", 0x80, code, len(key), len(key) + len(value), 0, 0) + key + value)

    def answer():
        code, key, extras, status, size = struct.unpack(">xBHBxHI12x", answers.read(24))
        body = answers.read(size)
        assert status == 0, body
        return body[extras:extras + key].decode(), body[extras + key:].decode()

    with socket.create_connection(("127.0.0.1", port), timeout=30) as s:
        answers = s.makefile("rb")
        ask(0x21, b"PLAIN", b"\0till\0" + PASSWORD.encode())
        answer()
        ask(0x10)
        return dict(iter(answer, ("", "")))


def stats(port, how, names):
    if how == "text":
        have = {k.decode(): v for k, v in Client(("127.0.0.1", port), timeout=30).stats().items()}
    else:
        have = binary_stats(port)
    return " ".join(f"{n}={have[n]}" for n in names)


what, port = sys.argv[1], int(sys.argv[2])
if what == "text":
    text(port, int(sys.argv[3]), sys.argv[4] == "tls")
elif what == "meta":
    meta(port, int(sys.argv[3]))
elif what == "datagrams":
    datagrams(port, int(sys.argv[3]))
elif what == "binary":
    binary(port, int(sys.argv[3]))
elif what == "refused":
    print("refused" if refused(port) else "let in")
else:
    print(stats(port, sys.argv[3], sys.argv[4:]))
