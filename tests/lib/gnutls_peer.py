#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""gnutls_peer.py - a client and a server that use every way GnuTLS has to send and receive.

  gnutls_peer.py client PORT BODIES HOW FROM TO [HOW FROM TO]...
        for each HOW a connection of its own, over which BODIES/FROM.json to TO.json are
        posted to /api/orders; HOW is one of the names of WAYS below. Sessions are freed and
        their memory is used again; every second connection outlives its session.
  gnutls_peer.py server PORT CERT KEY [fork]
        on 127.0.0.1; posted bodies come back. With fork, one connection after the other, of
        which the process that shook hands answers one request and a child of it the rest.
  gnutls_peer.py other FILE
        copies the library with two functions changed that are not called then, by whose code
        it is known where to probe.
Through ctypes, so that no headers are needed. Says "sent N" or "METHOD"; exit 1 with a
sentence when anything is not as it should be.
"""
import ctypes
import ctypes.util
import os
import select
import socket
import sys
import tempfile
import threading

TLS = ctypes.CDLL("libgnutls.so.30", use_errno=True)
LIBC = ctypes.CDLL(None, use_errno=True)
AGAIN, INTERRUPTED, PREMATURE = -28, -52, -110
SERVER, CLIENT, WAIT, CRD_CERTIFICATE, X509_PEM = 1, 2, 1, 1, 1
EAGAIN = 11
for name in ("send", "send2", "send_range", "send_file", "recv", "recv_seq", "recv_packet"):
    getattr(TLS, "gnutls_record_" + name).restype = ctypes.c_ssize_t
PUSH = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


class Datum(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_uint)]


class Range(ctypes.Structure):
    _fields_ = [("low", ctypes.c_size_t), ("high", ctypes.c_size_t)]


def fail(text):
    print("gnutls_peer.py:", text, flush=True)
    os._exit(1)


def must(code, what):
    if code < 0:
        TLS.gnutls_strerror.restype = ctypes.c_char_p
        fail(f"{what}: {TLS.gnutls_strerror(int(code)).decode()}")
    return code


def credentials(cert=None, key=None):
    made = ctypes.c_void_p()
    must(TLS.gnutls_certificate_allocate_credentials(ctypes.byref(made)), "credentials")
    if cert:
        must(TLS.gnutls_certificate_set_x509_key_file(made, cert.encode(), key.encode(), X509_PEM), "certificate")
    return made


class Session:
    def __init__(self, sock, end, made):
        self.sock, self.tls, self.blocks = sock, ctypes.c_void_p(), 0
        must(TLS.gnutls_init(ctypes.byref(self.tls), end), "init")
        must(TLS.gnutls_set_default_priority(self.tls), "priority")
        must(TLS.gnutls_credentials_set(self.tls, CRD_CERTIFICATE, made), "credentials_set")
        TLS.gnutls_transport_set_int2(self.tls, sock.fileno(), sock.fileno())
        while (code := TLS.gnutls_handshake(self.tls)) in (AGAIN, INTERRUPTED):
            pass
        must(code, "handshake")
        self.kept = b""

    def free(self):
        TLS.gnutls_deinit(self.tls)

    # ---- to send ----

    def whole(self, data, call):
        """Some calls take one record's worth."""
        while data:
            n = must(call(data), "send")
            data = data[n:]

    def send(self, data):
        self.whole(data, lambda d: TLS.gnutls_record_send(self.tls, d, ctypes.c_size_t(len(d))))

    def send2(self, data):
        self.whole(data, lambda d: TLS.gnutls_record_send2(self.tls, d, ctypes.c_size_t(len(d)), ctypes.c_size_t(0), 0))

    def send_range(self, data):
        limits = Range(len(data), len(data))
        must(TLS.gnutls_record_send_range(self.tls, data, ctypes.c_size_t(len(data)), ctypes.byref(limits)), "send_range")

    def cork(self, data):
        TLS.gnutls_record_cork(self.tls)
        for at in range(0, len(data), 61):
            self.send(data[at:at + 61])
        must(TLS.gnutls_record_uncork(self.tls, WAIT), "uncork")

    def file(self, data):
        with tempfile.TemporaryFile() as f:
            f.write(data)
            f.seek(0)
            start = ctypes.c_long(0)
            must(TLS.gnutls_record_send_file(self.tls, f.fileno(), ctypes.byref(start), ctypes.c_size_t(len(data))), "send_file")

    def blocking_push(self, takes):
        """A transport that takes so many bytes and then would block, each time it is called anew."""
        state = {"left": 0}

        def push(_, data, size):
            if state["left"] <= 0:
                state["left"] = takes or size
                if not takes:
                    state["left"] = 1 << 30
                TLS.gnutls_transport_set_errno(self.tls, EAGAIN)
                return -1
            n = min(size, state["left"])
            state["left"] -= n
            return LIBC.send(self.sock.fileno(), ctypes.c_void_p(data), ctypes.c_size_t(n), 0)

        self.push = PUSH(push)
        TLS.gnutls_transport_set_push_function(self.tls, self.push)
        return state

    def again(self, data, same, takes):
        """Would block; then the call is made again with the same buffer, or with none after the
        buffer was wiped: the library keeps its bytes."""
        state = self.blocking_push(takes)
        while data:
            n = min(len(data), 16384)
            buffer = ctypes.create_string_buffer(data[:n], n)
            state["left"] = 0
            code = TLS.gnutls_record_send(self.tls, buffer, ctypes.c_size_t(n))
            if code != AGAIN:
                fail(f"the send does not block: {code}")
            if not same:
                ctypes.memset(buffer, 0x2e, n)
            while code == AGAIN:
                self.blocks += 1
                code = TLS.gnutls_record_send(self.tls, buffer, ctypes.c_size_t(n)) if same else \
                    TLS.gnutls_record_send(self.tls, None, ctypes.c_size_t(0))
            data = data[must(code, "send again"):]

    def nonblocking(self, data):
        """A real socket with a small buffer."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.sock.setblocking(False)
        data = data.replace(b'"order"', b'"filler":"' + b"x" * 300000 + b'","order"')
        head, body = data.split(b"\r\n\r\n", 1)
        data = head.replace(b"Content-Length: ", b"Old-Length: ") + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        at = 0
        while at < len(data):
            code = TLS.gnutls_record_send(self.tls, data[at:], ctypes.c_size_t(len(data) - at))
            if code in (AGAIN, INTERRUPTED):
                self.blocks += 1
                select.select([], [self.sock], [], 10)
                continue
            at += must(code, "send")

    # ---- to receive ----

    def wait(self, call):
        while (code := call()) in (AGAIN, INTERRUPTED):
            select.select([self.sock], [], [], 10)
        return 0 if code == PREMATURE else must(code, "recv")   # not every client says goodbye

    def recv(self, size=65536):
        into = ctypes.create_string_buffer(size)
        n = self.wait(lambda: TLS.gnutls_record_recv(self.tls, into, ctypes.c_size_t(size)))
        return into.raw[:n]

    def recv_tiny(self):
        return self.recv(7)

    def recv_seq(self):
        into, number = ctypes.create_string_buffer(65536), ctypes.create_string_buffer(8)
        n = self.wait(lambda: TLS.gnutls_record_recv_seq(self.tls, into, ctypes.c_size_t(65536), number))
        return into.raw[:n]

    def recv_packet(self):
        packet, datum = ctypes.c_void_p(), Datum()
        n = self.wait(lambda: TLS.gnutls_record_recv_packet(self.tls, ctypes.byref(packet)))
        if not n:
            return b""
        TLS.gnutls_packet_get(packet, ctypes.byref(datum), None)
        data = ctypes.string_at(datum.data, datum.size)
        TLS.gnutls_packet_deinit(packet)
        return data

    def message(self, recv=None):
        """One HTTP message with its body; None: the other end has closed."""
        recv = recv or self.recv
        while b"\r\n\r\n" not in self.kept:
            got = recv()
            if not got:
                return None
            self.kept += got
        head, rest = self.kept.split(b"\r\n\r\n", 1)
        length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        while len(rest) < sum(length):
            got = recv()
            if not got:
                fail("closed within a message")
            rest += got
        self.kept = rest[sum(length):]
        return head, rest[:sum(length)]


# How the request goes out, how the answer comes in.
WAYS = {
    "send": (Session.send, Session.recv),
    "send2": (Session.send2, Session.recv),
    "range": (Session.send_range, Session.recv),
    "cork": (Session.cork, Session.recv),
    "file": (Session.file, Session.recv),
    "again-same": (lambda s, d: s.again(d, True, 0), Session.recv),
    "again-null": (lambda s, d: s.again(d, False, 0), Session.recv),
    "again-part": (lambda s, d: s.again(d, False, 100), Session.recv),
    "nonblocking": (Session.nonblocking, Session.recv),
    "seq": (Session.send, Session.recv_seq),
    "packet": (Session.send, Session.recv_packet),
    "tiny": (Session.send, Session.recv_tiny),
}


def client(port, bodies, runs):
    made, sent, outlived = credentials(), 0, []
    for number, (how, first, last) in enumerate(runs):
        sock = socket.create_connection(("127.0.0.1", port), timeout=None)
        session = Session(sock, CLIENT, made)
        send, recv = WAYS[how]
        for i in range(first, last):
            with open(f"{bodies}/{i}.json", "rb") as f:
                body = f.read()
            send(session, b"POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                          b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            answer = session.message(lambda: recv(session))
            if not answer or b" 200 " not in answer[0].split(b"\r\n")[0]:
                fail(f"{how}: no answer 200")
            sent += 1
        if how.startswith(("again", "nonblocking")) and not session.blocks:
            fail(f"{how}: nothing ever blocked")
        session.free()
        if number % 2:
            outlived.append(sock)
        else:
            sock.close()
    print("sent", sent, flush=True)


def answer(session):
    got = session.message()
    if got is None:
        return False
    send = session.cork if got[1].count(b"1") % 2 else session.send
    send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(got[1]), got[1]))
    print(got[0].split(b" ")[0].decode(), flush=True)
    return True


def serve(sock, made, forks):
    session = Session(sock, SERVER, made)
    child = 0
    if answer(session):
        child = os.fork() if forks else 0
        while not child and answer(session):
            pass
    if child:
        os.waitpid(child, 0)
    session.free()
    sock.close()
    if forks and not child:
        os._exit(0)


def server(port, cert, key, forks):
    made, listener = credentials(cert, key), socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(16)
    while True:
        sock = listener.accept()[0]
        if not sock.recv(1, socket.MSG_PEEK):     # a look whether anybody listens sends nothing
            sock.close()
        elif forks:
            serve(sock, made, True)
        else:
            threading.Thread(target=serve, args=(sock, made, False), daemon=True).start()


def other(to):
    with open("/proc/self/maps", encoding="ascii") as lines:
        maps = [line.split() for line in lines if "libgnutls.so" in line]
    with open(maps[0][-1], "rb") as f:
        image = bytearray(f.read())
    for function, size in (("gnutls_record_recv_seq", 64), ("gnutls_record_send_range", 1024)):
        address = ctypes.cast(getattr(TLS, function), ctypes.c_void_p).value
        for span, _, offset in (m[:3] for m in maps):
            first, last = (int(x, 16) for x in span.split("-"))
            if first <= address < last:
                at = address - first + int(offset, 16)
        changed = image[at:at + size].replace(b"\xbe\x17\0\0\0", b"\xbe\x16\0\0\0")    # mov $23,%esi
        if changed == image[at:at + size]:
            fail(f"{function} has no call to be changed")
        image[at:at + size] = changed
    with open(to, "wb") as f:
        f.write(image)


def main(argv):
    if argv[1] == "other":
        other(argv[2])
    elif argv[1] == "client":
        runs = argv[4:]
        client(int(argv[2]), argv[3], [(runs[i], int(runs[i + 1]), int(runs[i + 2])) for i in range(0, len(runs), 3)])
    else:
        server(int(argv[2]), argv[3], argv[4], argv[5:] == ["fork"])


main(sys.argv)
