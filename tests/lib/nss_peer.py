#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""nss_peer.py - a client that uses every way NSPR has to write and read, over descriptors with
the TLS of NSS and over others of the same kind without.

  nss_peer.py PORT BODIES HOW FROM TO [HOW FROM TO]...
        for each HOW a connection of its own to 127.0.0.1, over which BODIES/FROM.json to
        TO.json are posted to /api/orders; HOW is one of the names of WAYS below.
Through ctypes, so that no headers are needed. Says "sent N"; exit 1 with a sentence when
anything is not as it should be.
"""
import ctypes
import select
import sys

NSPR = ctypes.CDLL("libnspr4.so")
NSS = ctypes.CDLL("libnss3.so")
SSL = ctypes.CDLL("libssl3.so")
NSPR.PR_OpenTCPSocket.restype = SSL.SSL_ImportFD.restype = ctypes.c_void_p
LOOPBACK, AF_INET = 2, 2
SSL_SECURITY, SSL_HANDSHAKE_AS_CLIENT = 1, 5
NONBLOCKING, SEND_BUFFER = 0, 5
PEEK, WOULD_BLOCK, FOREVER = 2, -5998, 0xffffffff
AUTH = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
accept_any = AUTH(lambda arg, fd, check, is_server: 0)


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_int)]


class Option(ctypes.Structure):
    _fields_ = [("option", ctypes.c_int), ("pad", ctypes.c_int), ("value", ctypes.c_int), ("rest", ctypes.c_char * 256)]


def fail(text):
    sys.exit(f"nss_peer.py: {text}: error {NSPR.PR_GetError()}")


def must(code, what):
    if code < 0:
        fail(what)
    return code


class Peer:
    """tls: "yes", "no" for a bare NSPR socket, "off" for one that NSS has and leaves clear."""

    def __init__(self, port, tls):
        self.blocks, self.kept = 0, b""
        address = ctypes.create_string_buffer(128)
        must(NSPR.PR_InitializeNetAddr(LOOPBACK, ctypes.c_uint16(port), address), "PR_InitializeNetAddr")
        self.fd = ctypes.c_void_p(NSPR.PR_OpenTCPSocket(AF_INET))
        if tls != "no":
            self.fd = ctypes.c_void_p(SSL.SSL_ImportFD(None, self.fd))
            must(SSL.SSL_OptionSet(self.fd, SSL_SECURITY, int(tls == "yes")), "SSL_SECURITY")
        if tls == "yes":
            must(SSL.SSL_OptionSet(self.fd, SSL_HANDSHAKE_AS_CLIENT, 1), "SSL_HANDSHAKE_AS_CLIENT")
            must(SSL.SSL_AuthCertificateHook(self.fd, accept_any, None), "SSL_AuthCertificateHook")
            must(SSL.SSL_SetURL(self.fd, b"localhost"), "SSL_SetURL")
        must(NSPR.PR_Connect(self.fd, address, FOREVER), "PR_Connect")

    def option(self, which, value):
        must(NSPR.PR_SetSocketOption(self.fd, ctypes.byref(Option(which, 0, value))), "PR_SetSocketOption")

    def write(self, data):
        if must(NSPR.PR_Write(self.fd, data, len(data)), "PR_Write") != len(data):
            fail("PR_Write takes less")

    def send(self, data):
        if must(NSPR.PR_Send(self.fd, data, len(data), 0, FOREVER), "PR_Send") != len(data):
            fail("PR_Send takes less")

    def writev(self, data):
        parts = [data[at:at + 37] for at in range(0, len(data), 37)]
        for at in range(0, len(parts), 16):     # more than 16 it does not take
            some = parts[at:at + 16]
            vectors = (Vector * len(some))(*[Vector(p, len(p)) for p in some])
            if must(NSPR.PR_Writev(self.fd, vectors, len(some), FOREVER), "PR_Writev") != sum(map(len, some)):
                fail("PR_Writev takes less")

    def nonblocking(self, data):
        """A small buffer, and a request that does not fit in it."""
        self.option(SEND_BUFFER, 4096)
        self.option(NONBLOCKING, 1)
        data = data.replace(b'"order"', b'"filler":"' + b"x" * 300000 + b'","order"')
        head, body = data.split(b"\r\n\r\n", 1)
        data = head.replace(b"Content-Length: ", b"Old-Length: ") + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        at = 0
        while at < len(data):
            n = NSPR.PR_Write(self.fd, data[at:], len(data) - at)
            if n < len(data) - at:
                self.blocks += 1
                self.ready(select.POLLOUT, n)
            at += max(n, 0)
        self.option(NONBLOCKING, 0)

    def ready(self, events, code):
        if code < 0 and NSPR.PR_GetError() != WOULD_BLOCK:
            fail("a call that would block")
        poll = select.poll()
        poll.register(NSPR.PR_FileDesc2NativeHandle(self.fd), events)
        poll.poll(10000)

    def read(self, size=65536):
        into = ctypes.create_string_buffer(size)
        n = must(NSPR.PR_Read(self.fd, into, size), "PR_Read")
        return into.raw[:n]

    def read_tiny(self):
        return self.read(7)

    def recv(self):
        into = ctypes.create_string_buffer(65536)
        n = must(NSPR.PR_Recv(self.fd, into, 65536, 0, FOREVER), "PR_Recv")
        return into.raw[:n]

    def peek(self):
        into = ctypes.create_string_buffer(65536)
        n = must(NSPR.PR_Recv(self.fd, into, 65536, PEEK, FOREVER), "PR_Recv with a peek")
        got = self.recv()
        if got[:n] != into.raw[:n]:
            fail("a peek shows other bytes")
        return got

    def answer(self, read):
        while b"\r\n\r\n" not in self.kept:
            got = read(self)
            if not got:
                fail("closed before the answer")
            self.kept += got
        head, rest = self.kept.split(b"\r\n\r\n", 1)
        length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        while len(rest) < sum(length):
            rest += read(self)
        self.kept = rest[sum(length):]
        return head


# How the request goes out, how the answer comes in, over what.
WAYS = {
    "write": (Peer.write, Peer.read, "yes"),
    "send": (Peer.send, Peer.recv, "yes"),
    "writev": (Peer.writev, Peer.read, "yes"),
    "peek": (Peer.send, Peer.peek, "yes"),
    "tiny": (Peer.write, Peer.read_tiny, "yes"),
    "nonblocking": (Peer.nonblocking, Peer.read, "yes"),
    "bare": (Peer.write, Peer.read, "no"),
    "clear": (Peer.writev, Peer.recv, "off"),
}


def main(argv):
    port, bodies, runs, sent = int(argv[1]), argv[2], argv[3:], 0
    must(NSS.NSS_NoDB_Init(None), "NSS_NoDB_Init")
    NSS.NSS_SetDomesticPolicy() if hasattr(NSS, "NSS_SetDomesticPolicy") else SSL.NSS_SetDomesticPolicy()
    for how, first, last in zip(runs[0::3], map(int, runs[1::3]), map(int, runs[2::3])):
        send, read, tls = WAYS[how]
        peer = Peer(port, tls)
        for i in range(first, last):
            with open(f"{bodies}/{i}.json", "rb") as f:
                body = f.read()
            send(peer, b"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            if b" 200 " not in peer.answer(read).split(b"\r\n")[0]:
                fail(f"{how}: no answer 200")
            sent += 1
        if how == "nonblocking" and not peer.blocks:
            fail("nothing ever blocked")
        must(NSPR.PR_Close(peer.fd), "PR_Close")
    print("sent", sent)


main(sys.argv)
