#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""small_tls_peer.py - a client and a server of an API with the small TLS libraries.

  small_tls_peer.py LIBRARY server PORT CERT KEY     on 127.0.0.1; posted bodies come back; writes "POST 200" a request
  small_tls_peer.py LIBRARY client PORT BODIES FROM TO EVERY
        posts BODIES/FROM.json to TO - 1 to /api/orders, a new connection every EVERY of them;
        every third request in pieces, every fifth answer read in small ones; writes "sent N"
LIBRARY: mbedtls or wolfssl. Through ctypes, so that no headers are needed. Certificates are not
checked. Exit status 1 with a sentence when anything is not as it should be.
"""
import ctypes
import glob
import os
import socket
import sys
import threading


def library(name):
    found = sorted(glob.glob(f"/usr/lib/*/{name}.so.*"), key=len)
    if not found:
        fail(f"no {name} on this host")
    return ctypes.CDLL(found[0])


def fail(text):
    print("small_tls_peer.py:", text, flush=True)
    os._exit(1)


class MbedTls:
    """Its structures are the caller's, who does not know how long they are: shorter than this."""
    ROOM = 1 << 18  # HAVEGE has a large pool
    SERVER, CLIENT, STREAM, PRESET_DEFAULT, VERIFY_NONE = 1, 0, 0, 0, 0

    def __init__(self, cert=None, key=None):
        self.crypto, self.x509, self.tls = library("libmbedcrypto"), library("libmbedx509"), library("libmbedtls")
        self.entropy, self.rng, self.conf, self.chain, self.key = (self.room() for _ in range(5))
        self.crypto.mbedtls_entropy_init(self.entropy)
        self.crypto.mbedtls_ctr_drbg_init(self.rng)
        self.must(self.crypto.mbedtls_ctr_drbg_seed(self.rng, self.crypto.mbedtls_entropy_func, self.entropy, None, 0), "seed")
        self.tls.mbedtls_ssl_config_init(self.conf)
        self.must(self.tls.mbedtls_ssl_config_defaults(self.conf, self.SERVER if cert else self.CLIENT, self.STREAM,
                                                       self.PRESET_DEFAULT), "configuration")
        self.tls.mbedtls_ssl_conf_rng(self.conf, self.crypto.mbedtls_ctr_drbg_random, self.rng)
        self.tls.mbedtls_ssl_conf_authmode(self.conf, self.VERIFY_NONE)
        if cert:
            self.x509.mbedtls_x509_crt_init(self.chain)
            self.must(self.x509.mbedtls_x509_crt_parse_file(self.chain, cert.encode()), "certificate")
            self.crypto.mbedtls_pk_init(self.key)
            # The last two are of 3.x.
            self.must(self.crypto.mbedtls_pk_parse_keyfile(self.key, key.encode(), None, self.crypto.mbedtls_ctr_drbg_random,
                                                           self.rng), "key")
            self.must(self.tls.mbedtls_ssl_conf_own_cert(self.conf, self.chain, self.key), "own certificate")

    @classmethod
    def room(cls):
        return ctypes.create_string_buffer(cls.ROOM)

    @staticmethod
    def must(code, what):
        if code < 0:
            fail(f"Mbed TLS: {what}: -{-code:#x}")
        return code

    def open(self, sock):
        ssl, fd = self.room(), ctypes.c_int(sock.fileno())
        self.tls.mbedtls_ssl_init(ssl)
        self.must(self.tls.mbedtls_ssl_setup(ssl, self.conf), "setup")
        self.tls.mbedtls_ssl_set_bio(ssl, ctypes.byref(fd), self.tls.mbedtls_net_send, self.tls.mbedtls_net_recv, None)
        self.must(self.tls.mbedtls_ssl_handshake(ssl), "handshake")
        return ssl, fd

    def read(self, session, buf, n):
        return self.tls.mbedtls_ssl_read(session[0], buf, ctypes.c_size_t(n))

    def write(self, session, data):
        return self.must(self.tls.mbedtls_ssl_write(session[0], data, ctypes.c_size_t(len(data))), "write")

    def close(self, session):
        self.tls.mbedtls_ssl_close_notify(session[0])
        self.tls.mbedtls_ssl_free(session[0])


class WolfSsl:
    PEM, VERIFY_NONE = 1, 0

    def __init__(self, cert=None, key=None):
        self.tls = library("libwolfssl")
        for name in ("wolfSSLv23_server_method", "wolfSSLv23_client_method", "wolfSSL_CTX_new", "wolfSSL_new"):
            getattr(self.tls, name).restype = ctypes.c_void_p
        self.tls.wolfSSL_Init()
        method = self.tls.wolfSSLv23_server_method() if cert else self.tls.wolfSSLv23_client_method()
        self.ctx = ctypes.c_void_p(self.tls.wolfSSL_CTX_new(ctypes.c_void_p(method)))
        self.tls.wolfSSL_CTX_set_verify(self.ctx, self.VERIFY_NONE, None)
        if cert and (self.tls.wolfSSL_CTX_use_certificate_file(self.ctx, cert.encode(), self.PEM) != 1 or
                     self.tls.wolfSSL_CTX_use_PrivateKey_file(self.ctx, key.encode(), self.PEM) != 1):
            fail("wolfSSL: certificate or key")
        self.shake = self.tls.wolfSSL_accept if cert else self.tls.wolfSSL_connect
        self.peeks = 0

    def open(self, sock):
        ssl = ctypes.c_void_p(self.tls.wolfSSL_new(self.ctx))
        self.tls.wolfSSL_set_fd(ssl, sock.fileno())
        if self.shake(ssl) != 1:
            fail(f"wolfSSL: handshake: {self.tls.wolfSSL_get_error(ssl, 0)}")
        return ssl

    def read(self, session, buf, n):
        self.peeks += 1
        if self.peeks % 4 == 0:
            self.tls.wolfSSL_peek(session, buf, n)
        return (self.tls.wolfSSL_recv(session, buf, n, 0) if self.peeks % 2 else self.tls.wolfSSL_read(session, buf, n))

    def write(self, session, data):
        n = self.tls.wolfSSL_write(session, data, len(data))
        if n <= 0:
            fail("wolfSSL: write")
        return n

    def close(self, session):
        self.tls.wolfSSL_shutdown(session)
        self.tls.wolfSSL_free(session)


def send(lib, session, data, piece):
    while data:
        data = data[lib.write(session, data[:piece]):]


def message(lib, session, kept, piece):
    """Head and body of one, and what came beyond it; None at the end."""
    buf = ctypes.create_string_buffer(piece)
    while True:
        head, end, rest = kept.partition(b"\r\n\r\n")
        if end:
            length = int(head.lower().split(b"content-length:")[1].split()[0])
            if len(rest) >= length:
                return head, rest[:length], rest[length:]
        n = lib.read(session, buf, piece)
        if n <= 0:
            return None
        kept += buf.raw[:n]


def serve(lib, sock):
    session, kept = lib.open(sock), b""
    while (got := message(lib, session, kept, 4096)):
        _, body, kept = got
        send(lib, session, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body, 65536)
        print("POST 200", flush=True)
    lib.close(session)
    sock.close()


def server(lib, port):
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        sock, _ = listener.accept()
        # Who only looks whether somebody listens sends nothing.
        if sock.recv(1, socket.MSG_PEEK):
            threading.Thread(target=serve, args=(lib, sock), daemon=True).start()
        else:
            sock.close()


def client(lib, port, bodies, first, last, every):
    session = sock = None
    for i in range(first, last):
        if (i - first) % every == 0:
            if session:
                lib.close(session)
                sock.close()
            sock = socket.create_connection(("127.0.0.1", port))
            session = lib.open(sock)
        with open(f"{bodies}/{i}.json", "rb") as file:
            body = file.read()
        head = b"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        send(lib, session, head + body, 97 if i % 3 == 0 else 65536)
        got = message(lib, session, b"", 13 if i % 5 == 0 else 8192)
        if not got or b" 200 " not in got[0].split(b"\r\n")[0]:
            fail(f"request {i} was not answered with 200")
    lib.close(session)
    sock.close()
    print("sent", last - first)


def main(argv):
    made = {"mbedtls": MbedTls, "wolfssl": WolfSsl}[argv[1]]
    if argv[2] == "server":
        server(made(argv[4], argv[5]), int(argv[3]))
    else:
        client(made(), int(argv[3]), argv[4], int(argv[5]), int(argv[6]), int(argv[7]))


main(sys.argv)
