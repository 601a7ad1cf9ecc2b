#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""loader.py - a program that loads OpenSSL when it is told to, from where it is told. It has no
other: Python's http.client would bring one.

  loader.py HTTP_PORT HTTPS_PORT    for each line of standard input one line of output:
    hello               -> "hello": one request without TLS, so that it is known to use the network
    load PATH           -> "loaded": the library at PATH, with dlopen
    memfd PATH          -> "loaded": the same from a copy without a name in any folder
    ask COUNT ROUTE     -> "asked": so many requests over TLS with it, over one connection
    quit                ends
    become PROGRAM ARG...   ends here: the process is another program from now on
    embody PROGRAM ARG...   the same from a copy without a name in any folder
"""
import ctypes
import os
import socket
import sys

HTTP_PORT, HTTPS_PORT = int(sys.argv[1]), int(sys.argv[2])


def expect(what, good):
    if not good:
        sys.exit(f"loader.py: {what} failed")


def hello():
    with socket.create_connection(("127.0.0.1", HTTP_PORT), 20) as sock:
        sock.sendall(b"GET /plain/hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        got = b""
        while piece := sock.recv(4096):
            got += piece
    expect("a request without TLS", got.startswith(b"HTTP/1.1 200"))


class Library:
    def __init__(self, path):
        self.tls = ctypes.CDLL(path)
        for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
            getattr(self.tls, name).restype = ctypes.c_void_p
        for name in ("SSL_CTX_new", "SSL_new", "SSL_free", "SSL_connect"):
            getattr(self.tls, name).argtypes = [ctypes.c_void_p]
        self.tls.SSL_set_fd.argtypes = [ctypes.c_void_p, ctypes.c_int]
        for name in ("SSL_read", "SSL_write"):
            getattr(self.tls, name).argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
        self.context = self.tls.SSL_CTX_new(self.tls.TLS_client_method())
        expect("SSL_CTX_new", self.context)

    def ask(self, count, route):
        with socket.create_connection(("127.0.0.1", HTTPS_PORT), 20) as sock:
            sock.settimeout(None)
            ssl = self.tls.SSL_new(self.context)
            expect("SSL_connect", self.tls.SSL_set_fd(ssl, sock.fileno()) == 1 and self.tls.SSL_connect(ssl) == 1)
            for _ in range(count):
                self.exchange(ssl, f"GET {route} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            self.tls.SSL_free(ssl)

    def exchange(self, ssl, request):
        expect("SSL_write", self.tls.SSL_write(ssl, request, len(request)) == len(request))
        room, got = ctypes.create_string_buffer(4096), b""
        while b"}}" not in got:
            n = self.tls.SSL_read(ssl, room, len(room))
            expect("SSL_read", n > 0)
            got += room.raw[:n]
        expect("the answer", got.startswith(b"HTTP/1.1 200"))


def memfd(path):
    fd = os.memfd_create("vendored")
    with open(path, "rb") as source:
        os.write(fd, source.read())
    return f"/proc/self/fd/{fd}"


def main():
    library = None
    for line in sys.stdin:
        verb, *args = line.split()
        if verb == "hello":
            hello()
        elif verb in ("load", "memfd"):
            library = Library(memfd(args[0]) if verb == "memfd" else args[0])
        elif verb == "ask":
            library.ask(int(args[0]), args[1])
        elif verb == "quit":
            break
        elif verb == "become":
            os.execv(args[0], args)
        elif verb == "embody":
            os.execv(memfd(args[0]), args)
        print({"hello": "hello", "ask": "asked"}.get(verb, "loaded"), flush=True)


main()
