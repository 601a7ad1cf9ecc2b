#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pcap.py CASE FILE [ARGUMENT...] - writes the capture of a case that is known to the byte.

A case is a function below; each says in its sentence what must come out. `pcap.py list` names them.
Packets are made here by hand, so that they may be wrong in any way.
"""
import random
import socket
import ssl
import struct
import sys

CLIENT, SERVER = ("10.1.2.3", 40001), ("10.1.2.80", 8080)
CLIENT6, SERVER6 = ("2001:db8::3", 40001), ("2001:db8::80", 8080)
ETHERNET, NULL, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 1, 0, 101, 108, 113, 228, 229, 276
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MINUTE = 1_700_000_040          # a whole minute

REQUEST = (b"POST /api/orders/4711 HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n"
           b"Content-Length: 62\r\n\r\n" b'{"email":"jane.doe@corp-mail.org","card":"4111111111111111"}  ')
ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n"
          b'{"reply_to":"ana.ruiz@firm-corp.org"}')


def ip4(src, dst, proto, payload, ident=1, frag=0, options=b"", length=None):
    total = 20 + len(options) + len(payload) if length is None else length
    head = struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, total, ident, frag, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    return head + options + payload


def ip6(src, dst, proto, payload, extensions=()):
    """extensions: (type, body); the first header names the first of them."""
    body = payload
    following = proto
    for kind, ext in reversed(extensions):
        body = bytes([following]) + ext + body
        following = kind
    return struct.pack(">IHBB", 6 << 28, len(body), following, 64) + socket.inet_pton(socket.AF_INET6, src) + \
        socket.inet_pton(socket.AF_INET6, dst) + body


def tcp(sport, dport, seq, ack, flags, payload=b"", options=b""):
    return struct.pack(">HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, (20 + len(options)) // 4 << 4, flags,
                       65535, 0, 0) + options + payload


def udp(sport, dport, payload):
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def link(kind, packet, tags=()):
    six = packet[0] >> 4 == 6
    ether = struct.pack(">H", 0x86dd if six else 0x0800)
    for tpid, vlan in tags:
        ether = struct.pack(">HH", tpid, vlan) + ether
    # The first tag's type stands where the link's own header ends.
    if kind == ETHERNET:
        return b"\x02" * 6 + b"\x04" * 6 + ether + packet
    if kind == SLL:
        return struct.pack(">HHH8s", 0, 1, 6, b"\x02" * 6) + ether + packet
    if kind == SLL2:
        return ether + struct.pack(">HIHBB8s", 0, 1, 1, 0, 6, b"\x02" * 6) + packet
    if kind == NULL:
        return struct.pack("<I", 30 if six else 2) + packet
    if kind == LOOP:
        return struct.pack(">I", 24 if six else 2) + packet
    return packet


class Pcap:
    """A .pcap file, or .pcapng; microseconds, or nanoseconds; either byte order."""

    def __init__(self, name, kind=ETHERNET, ng=False, order="<", nano=False, snap=262144):
        self.kind, self.ng, self.order, self.nano, self.snap = kind, ng, order, nano, snap
        self.time = MINUTE * 10**9
        self.out = open(name, "wb")
        if ng:
            self.block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))
            self.block(1, struct.pack(order + "HHIHHB3x", kind, 0, snap, 9, 1, 9))
        else:
            self.out.write(struct.pack(order + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, snap, kind))

    def block(self, kind, body):
        body += bytes(-len(body) % 4)
        self.out.write(struct.pack(self.order + "II", kind, len(body) + 12) + body + struct.pack(self.order + "I", len(body) + 12))

    def add(self, packet, tags=(), after=1_000_000):
        self.time += after
        frame = link(self.kind, packet, tags)
        kept = frame[:self.snap]
        if self.ng:
            self.block(6, struct.pack(self.order + "IIIII", 0, self.time >> 32, self.time & 0xffffffff, len(kept), len(frame)) + kept)
        else:
            part = self.time % 10**9 if self.nano else self.time % 10**9 // 1000
            self.out.write(struct.pack(self.order + "IIII", self.time // 10**9, part, len(kept), len(frame)) + kept)

    def close(self):
        self.out.close()


class Tcp:
    """Two ends of a connection, each with its sequence number. Nothing is written until asked."""

    def __init__(self, pcap, client=CLIENT, server=SERVER, isn=(1000, 5000), tags=(), wrap=None):
        self.pcap, self.ends, self.tags = pcap, (client, server), tags
        self.seq = [isn[0], isn[1]]
        self.wrap = wrap

    def packet(self, who, flags, payload=b"", seq=None, ack=None, **more):
        src, dst = self.ends[who], self.ends[1 - who]
        seq = self.seq[who] if seq is None else seq
        ack = (self.seq[1 - who] if ack is None else ack) if flags & ACK else 0
        body = tcp(src[1], dst[1], seq, ack, flags, payload, **more)
        if self.wrap:
            return self.wrap(src[0], dst[0], 6, body)
        return ip6(src[0], dst[0], 6, body) if ":" in src[0] else ip4(src[0], dst[0], 6, body)

    def send(self, who, flags, payload=b"", **more):
        self.pcap.add(self.packet(who, flags, payload, **more), self.tags)

    def open(self):
        self.send(0, SYN)
        self.seq[0] += 1
        self.send(1, SYN | ACK)
        self.seq[1] += 1
        self.send(0, ACK)

    def data(self, who, payload, size=1460, acked=True):
        for at in range(0, len(payload), size):
            part = payload[at:at + size]
            self.send(who, ACK | PSH, part)
            self.seq[who] += len(part)
        if acked:
            self.send(1 - who, ACK)

    def shut(self):
        for who in (0, 1):
            self.send(who, FIN | ACK)
            self.seq[who] += 1
            self.send(1 - who, ACK)

    def whole(self, exchanges=1, size=1460, request=REQUEST, answer=ANSWER):
        self.open()
        for _ in range(exchanges):
            self.data(0, request, size)
            self.data(1, answer, size)
        self.shut()


CASES = {}


def case(f):
    CASES[f.__name__] = f
    return f


def links(name, kind, **more):
    p = Pcap(name, int(kind), **more)
    if int(kind) != IPV6:
        Tcp(p).whole(3)
    if int(kind) != IPV4:
        Tcp(p, CLIENT6, SERVER6).whole(2)
    p.close()


@case
def link_type(name, kind):
    "3 exchanges over IPv4 and 2 over IPv6 (one of these alone where the link is)"
    links(name, kind)


@case
def pcapng(name):
    "the same"
    links(name, ETHERNET, ng=True)


@case
def two_links(name):
    "of two interfaces, which are not of the same kind"
    p = Pcap(name, ETHERNET, ng=True)
    p.block(1, struct.pack("<HHIHHB3x", RAW, 0, p.snap, 9, 1, 9))
    Tcp(p).whole(3)
    p.close()


@case
def big_endian(name):
    "the same"
    links(name, ETHERNET, order=">")


@case
def big_endian_ng(name):
    "the same"
    links(name, ETHERNET, ng=True, order=">")


@case
def nanoseconds(name):
    "the same"
    links(name, ETHERNET, nano=True)


@case
def no_clock(name, second):
    "the same, by a clock that began at 1970 with it: its first packets are of second 0, or of another"
    p = Pcap(name)
    p.time = int(second) * 10**9 - 1_000_000
    Tcp(p).whole(3)
    Tcp(p, CLIENT6, SERVER6).whole(2)
    p.close()


@case
def vlan(name):
    "3 exchanges behind a tag, 2 behind two"
    p = Pcap(name)
    Tcp(p, tags=((0x8100, 7),)).whole(3)
    Tcp(p, CLIENT6, SERVER6, tags=((0x88a8, 7), (0x8100, 9))).whole(2)
    p.close()


@case
def vlan_cooked(name):
    "3 exchanges behind a tag, 2 behind two"
    p = Pcap(name, SLL)
    Tcp(p, tags=((0x8100, 7),)).whole(3)
    Tcp(p, CLIENT6, SERVER6, tags=((0x88a8, 7), (0x8100, 9))).whole(2)
    p.close()


@case
def extensions(name):
    "3 exchanges with options in the IPv4 header, 2 with four extension headers of IPv6"
    p = Pcap(name)
    Tcp(p, wrap=lambda s, d, proto, body: ip4(s, d, proto, body, options=b"\x01" * 8)).whole(3)
    ext = ((0, b"\x00" + bytes(6)), (60, b"\x01" + bytes(14)), (43, b"\x00" + bytes(6)), (51, b"\x04" + bytes(22)))
    Tcp(p, CLIENT6, SERVER6, wrap=lambda s, d, proto, body: ip6(s, d, proto, body, ext)).whole(2)
    p.close()


def pieces4(packet, size, ident):
    src, dst, body = packet[12:16], packet[16:20], packet[20:]
    for at in range(0, len(body), size):
        more = 0x2000 if at + size < len(body) else 0
        yield ip4(socket.inet_ntoa(src), socket.inet_ntoa(dst), packet[9], body[at:at + size], ident, more | at // 8)


def pieces6(packet, size, ident):
    src, dst = (socket.inet_ntop(socket.AF_INET6, packet[i:i + 16]) for i in (8, 24))
    body = packet[40:]
    for at in range(0, len(body), size):
        more = 1 if at + size < len(body) else 0
        yield ip6(src, dst, packet[6], body[at:at + size], ((44, struct.pack(">BHI", 0, at | more, ident)),))


def in_fragments(name, order, drop=None, conflict=False):
    p = Pcap(name)
    for cut, ends in ((pieces4, (CLIENT, SERVER)), (pieces6, (CLIENT6, SERVER6))):
        c = Tcp(p, *ends)
        c.open()
        for n in range(3):
            for who, text in ((0, REQUEST), (1, ANSWER)):
                parts = list(cut(c.packet(who, ACK | PSH, text), 48, 77 + 2 * n + who))
                if drop is not None and n == 1 and who == 0:
                    del parts[drop]
                if conflict and n == 1 and who == 0:
                    bad = parts[-2]
                    parts.insert(len(parts) - 1, bad[:-4] + b"XXXX")
                for part in order(parts):
                    p.add(part)
                c.seq[who] += len(text)
        c.shut()
    p.close()


@case
def fragments(name):
    "3 exchanges over each network, each message in fragments of 48 bytes"
    in_fragments(name, lambda parts: parts)


@case
def fragments_reversed(name):
    "the same, the last fragment first"
    in_fragments(name, lambda parts: parts[::-1])


@case
def fragments_missing(name):
    "of the second request a fragment is missing: 2 datagrams lost, one gap in each connection of the request's length"
    in_fragments(name, lambda parts: parts, drop=2)


@case
def fragments_conflict(name):
    "of the second request a fragment comes again with 4 other bytes"
    in_fragments(name, lambda parts: parts, conflict=True)


@case
def segments(name, size, how="ordered"):
    "5 exchanges in segments of so many bytes: ordered, reversed, or each twice"
    p = Pcap(name)
    c = Tcp(p)
    c.open()
    size = int(size)
    for _ in range(5):
        for who, text in ((0, REQUEST), (1, ANSWER)):
            base = c.seq[who]
            parts = [(at, text[at:at + size]) for at in range(0, len(text), size)]
            if how == "reversed":
                parts.reverse()
            if how == "twice":
                parts = [part for part in parts for _ in (0, 1)]
            if how == "shuffled":
                random.Random(size).shuffle(parts)
            for at, part in parts:
                c.send(who, ACK | PSH, part, seq=base + at)
            c.seq[who] += len(text)
    c.shut()
    p.close()


@case
def recovery(name, segments):
    "an answer of so many segments of 500 bytes, the second of which comes only when the receiver had all others, and an exchange"
    p = Pcap(name)
    c = Tcp(p)
    c.open()
    c.data(0, b"GET /all HTTP/1.1\r\nHost: shop.example\r\n\r\n")
    text = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (int(segments) * 500)
    text += b'["' + b"a" * (int(segments) * 500 - 29) + b'","jane.doe@corp-mail.org"]'
    base = c.seq[1]
    parts = [(at, text[at:at + 500]) for at in range(0, len(text), 500)]
    late = parts.pop(1)
    for at, part in parts:
        c.send(1, ACK | PSH, part, seq=base + at)
        if at:
            c.send(0, ACK, ack=base + late[0])
    c.send(1, ACK | PSH, late[1], seq=base + late[0])
    c.seq[1] += len(text)
    c.send(0, ACK)
    c.data(0, REQUEST)
    c.data(1, ANSWER)
    c.shut()
    p.close()


@case
def overlapping(name):
    "5 exchanges whose segments overlap by half, and agree"
    p = Pcap(name)
    c = Tcp(p)
    c.open()
    for _ in range(5):
        for who, text in ((0, REQUEST), (1, ANSWER)):
            for at in range(0, len(text), 20):
                c.send(who, ACK | PSH, text[at:at + 40], seq=c.seq[who] + at)
            c.seq[who] += len(text)
    c.shut()
    p.close()


@case
def conflict(name):
    "the body's address comes twice before it is acknowledged, first ada@first-mail.org, then bob@second-ml.org"
    p = Pcap(name)
    c = Tcp(p)
    c.open()
    first, last = b"ada@first-mail.org", b"bob@secnd-mail.org"
    body = b'{"email":"' + first + b'"}'
    head = b"POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    c.data(0, head, acked=False)
    c.send(0, ACK | PSH, body)
    c.send(0, ACK | PSH, body.replace(first, last))
    c.seq[0] += len(body)
    c.data(1, ANSWER)
    c.shut()
    p.close()


@case
def wrapped(name):
    "7 exchanges whose sequence numbers pass 2^32 in either direction"
    p = Pcap(name)
    Tcp(p, isn=(2**32 - 300, 2**32 - 100)).whole(7, size=100)
    p.close()


@case
def middle(name):
    "the capture begins behind the handshake: 4 exchanges, late"
    p = Pcap(name)
    c = Tcp(p)
    for _ in range(4):
        c.data(0, REQUEST)
        c.data(1, ANSWER)
    c.shut()
    p.close()


@case
def middle_of_message(name):
    "the capture begins in the last 20 bytes of a request: 3 whole exchanges follow the answer, late"
    p = Pcap(name)
    c = Tcp(p)
    c.data(0, REQUEST[-20:])
    c.data(1, ANSWER)
    for _ in range(3):
        c.data(0, REQUEST)
        c.data(1, ANSWER)
    c.shut()
    p.close()


@case
def missing(name, what="request"):
    "of 5 exchanges the third one's request or answer was not captured: so many bytes lost, in a gap"
    p = Pcap(name)
    c = Tcp(p)
    c.open()
    for n in range(5):
        for who, text, label in ((0, REQUEST, "request"), (1, ANSWER, "answer")):
            if n == 2 and label == what:
                c.seq[who] += len(text)
            else:
                c.send(who, ACK | PSH, text)
                c.seq[who] += len(text)
    c.send(0, ACK)
    c.shut()
    p.close()


@case
def tls_middle(name):
    "begins in the middle of a record of the server's; behind its 300 bytes three records of 100 bytes, and two of the client's"
    p = Pcap(name)
    c = Tcp(p)
    record = b"\x17\x03\x03\x00\x5f" + b"\xa5" * 95
    c.data(0, record * 2)
    c.data(1, b"\xa5" * 300 + record * 3, size=150)
    p.close()


@case
def missing_end(name):
    "the last answer was not captured, its acknowledgement was; the connection stays open"
    p = Pcap(name)
    c = Tcp(p)
    c.open()
    for n in range(3):
        c.data(0, REQUEST)
        if n == 2:
            c.seq[1] += len(ANSWER)
            c.send(0, ACK)
        else:
            c.data(1, ANSWER)
    p.close()


@case
def snapped(name, snap=120):
    "3 exchanges of which each packet was cut"
    p = Pcap(name, snap=int(snap))
    Tcp(p).whole(3)
    p.close()


@case
def reused(name):
    "2 exchanges, then 3 on a connection with the same ports"
    p = Pcap(name)
    Tcp(p).whole(2)
    Tcp(p, isn=(900000, 700000)).whole(3)
    p.close()


@case
def reset(name):
    "2 exchanges, a reset, and 3 on the same ports"
    p = Pcap(name)
    c = Tcp(p)
    c.open()
    for _ in range(2):
        c.data(0, REQUEST)
        c.data(1, ANSWER)
    c.send(0, RST, seq=c.seq[0])
    Tcp(p, isn=(900000, 700000)).whole(3)
    p.close()


@case
def minutes(name):
    "11 exchanges in each of 3 minutes"
    p = Pcap(name)
    c = Tcp(p)
    c.open()
    for minute in range(3):
        p.time = (MINUTE + 60 * minute + 5) * 10**9
        for _ in range(11):
            c.data(0, REQUEST)
            c.data(1, ANSWER)
    c.shut()
    p.close()


@case
def open_answer(name):
    "one exchange whose answer is open for 5 minutes: 7 events in each, with an address each"
    p = Pcap(name)
    c = Tcp(p)
    c.open()
    p.time = (MINUTE + 2) * 10**9
    c.data(0, b"GET /events HTTP/1.1\r\nHost: shop.example\r\nAccept: text/event-stream\r\n\r\n")
    c.data(1, b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for minute in range(5):
        p.time = (MINUTE + 60 * minute + 5) * 10**9
        for n in range(7):
            event = b'data: {"email":"person%d@corp-mail.org"}\n\n' % (100 * minute + n)
            c.data(1, b"%x\r\n%s\r\n" % (len(event), event))
    c.data(1, b"0\r\n\r\n")
    c.shut()
    p.close()


@case
def datagrams(name):
    "7 datagrams of 100 bytes to port 5353 of the server and 5 of 60 back"
    p = Pcap(name)
    for n in range(7):
        p.add(ip4(CLIENT[0], SERVER[0], 17, udp(CLIENT[1], 5353, b"\x55" * 100)))
        if n < 5:
            p.add(ip4(SERVER[0], CLIENT[0], 17, udp(5353, CLIENT[1], b"\x56" * 60)))
    p.close()


@case
def other(name):
    "1 packet of ARP, 1 of ICMP, 1 that is too short for its own header, and 2 exchanges"
    p = Pcap(name)
    p.add(ip4(CLIENT[0], SERVER[0], 1, b"\x08\x00" + bytes(30)))
    p.add(ip4(CLIENT[0], SERVER[0], 6, b"\x01\x02"))
    p.out.write(struct.pack("<IIII", MINUTE, 0, 42, 42) + b"\xff" * 6 + b"\x04" * 6 + b"\x08\x06" + bytes(28))
    Tcp(p).whole(2)
    p.close()


@case
def unknown_link(name):
    "a link type that is not known: refused"
    p = Pcap(name, 147)
    p.add(ip4(CLIENT[0], SERVER[0], 6, b""))
    p.close()


@case
def cut(name):
    "3 exchanges, and a file that ends in the middle of a packet"
    links(name, ETHERNET)
    with open(name, "r+b") as f:
        f.truncate(f.seek(0, 2) - 5)


@case
def many(name, requests=400):
    "so many connections, exchanges and methods as its own arithmetic says; for comparison with others"
    rnd = random.Random(11)
    p = Pcap(name, ng=True)
    methods = ("GET", "POST", "PUT", "DELETE", "PATCH")
    for n in range(int(requests) // 4):
        client = ("10.9.%d.%d" % (n // 250, n % 250 + 1), 20000 + n)
        c = Tcp(p, client, SERVER, isn=(rnd.randrange(2**32), rnd.randrange(2**32)))
        c.open()
        for _ in range(4):
            method, status = rnd.choice(methods), rnd.choice((200, 201, 400, 404, 500))
            body = b'{"n":%d}' % rnd.randrange(10**6)
            size = rnd.choice((13, 50, 1460))
            c.data(0, b"%s /v1/items/%d HTTP/1.1\r\nHost: b.example\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
                method.encode(), rnd.randrange(10**6), len(body), body), size)
            c.data(1, b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body), size)
        c.shut()
    p.close()


class Tls:
    """Both ends of a TLS connection in memory; each run of bytes that an end writes goes into a Tcp."""

    def __init__(self, tcp_pair, cert, key, keylog, version, ciphers=None):
        self.tcp, self.wire = tcp_pair, [ssl.MemoryBIO(), ssl.MemoryBIO()]   # what client, server are sent
        client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        client.keylog_filename = keylog
        server.load_cert_chain(cert, key)
        for context in (client, server):
            context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
            if ciphers:
                context.set_ciphers(ciphers)
        out = [ssl.MemoryBIO(), ssl.MemoryBIO()]
        self.out = out
        self.ends = [client.wrap_bio(self.wire[0], out[0], server_hostname="shop.example"), server.wrap_bio(self.wire[1], out[1], server_side=True)]

    def pass_on(self, who, drop=False):
        text = self.out[who].read()
        self.wire[1 - who].write(text)
        if not text:
            return False
        if drop:
            self.tcp.seq[who] += len(text)
        else:
            self.tcp.data(who, text, acked=False)
        return True

    def shake(self):
        done = [False, False]
        while not all(done):
            for who in (0, 1):
                try:
                    self.ends[who].do_handshake()
                    done[who] = True
                except ssl.SSLWantReadError:
                    pass
                self.pass_on(who)

    def say(self, who, text, drop=False):
        self.ends[who].write(text)
        self.pass_on(who, drop)
        got = b""
        while len(got) < len(text):
            got += self.ends[1 - who].read(65536)


@case
def tls(name, cert, key, keylog, version, ciphers=None, drop=None, early="", snap=None):
    """6 exchanges inside of TLS; drop: the number of the exchange whose request was not captured; early: what was
    said before the handshake; snap: each packet is cut to so many bytes"""
    p = Pcap(name, snap=int(snap or 262144))
    c = Tcp(p)
    c.open()
    for line in filter(None, early.split("|")):
        c.data(1 if line[0].isdigit() else 0, line.encode() + b"\r\n")
    t = Tls(c, cert, key, keylog, version, ciphers or None)
    t.shake()
    for n in range(6):
        t.say(0, REQUEST, drop=drop not in (None, "") and n == int(drop))
        t.say(1, ANSWER)
    c.send(0, ACK)
    c.shut()
    p.close()


def main():
    if len(sys.argv) == 2 and sys.argv[1] == "list":
        for name, f in CASES.items():
            print(f"{name}: {f.__doc__}")
        return
    if len(sys.argv) < 3 or sys.argv[1] not in CASES:
        sys.exit(__doc__)
    CASES[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
