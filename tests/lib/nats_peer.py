#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""nats_peer.py - a client of NATS, as small as its protocol: the server's own counts say whether it is right.

  nats_peer.py talk PORT MESSAGES REQUESTS tcp|tls     published to a queue group with headers on every other
                                                       one, and asked and answered over inboxes
  nats_peer.py refused PORT tcp|tls                    with a wrong password
  nats_peer.py counts PORT                             of the monitoring: messages in, messages out
"""
import json
import socket
import ssl
import sys
import urllib.request

ORDER = b'{"order":%d,"card":{"number":"4532 0151 1283 0366"},"email":"buyer%d@harborline-logistics.com"}'
PERSON = b'{"name":"Ana Ruiz","email":"ana.ruiz%d@harborline-logistics.com"}'
HEAD = b"NATS/1.0\r\nContent-Type: application/json\r\nX-Origin: till\r\n\r\n"


class Client:
    def __init__(self, port, tls, password):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.got = b""
        info = json.loads(self.line().split(b" ", 1)[1])
        if tls:
            assert info["tls_required"]
            self.socket = ssl._create_unverified_context().wrap_socket(self.socket)
        who = {"verbose": False, "pedantic": True, "headers": True, "no_responders": True, "name": "till", "lang": "python", "user": "till",
               "pass": password}
        self.send(b"CONNECT " + json.dumps(who).encode() + b"\r\nPING\r\n")
        self.refused = self.line()
        if self.refused == b"PONG":
            self.refused = None

    def send(self, text):
        self.socket.sendall(text)

    def more(self):
        got = self.socket.recv(65536)
        if not got:
            raise EOFError("the server has closed")
        self.got += got

    def take(self, n):
        while len(self.got) < n:
            self.more()
        out, self.got = self.got[:n], self.got[n:]
        return out

    def line(self):
        while b"\r\n" not in self.got:
            self.more()
        line = self.take(self.got.index(b"\r\n") + 2)[:-2]
        if line == b"PING":
            self.send(b"PONG\r\n")
            return self.line()
        return line

    def message(self):
        """Of the next one the words of its line, and its payload."""
        words = self.line().split()
        assert words[0] in (b"MSG", b"HMSG"), words
        head = int(words[-2]) if words[0] == b"HMSG" else 0
        return words, self.take(int(words[-1]) + 2)[head:-2]

    def publish(self, subject, payload, answer=b"", head=b""):
        sizes = b"%d %d" % (len(head), len(head) + len(payload)) if head else b"%d" % len(payload)
        words = [b"HPUB" if head else b"PUB", subject, answer, sizes]
        self.send(b" ".join(w for w in words if w) + b"\r\n" + head + payload + b"\r\n")

    def settle(self):
        self.send(b"PING\r\n")
        assert self.line() == b"PONG"


def talk(port, messages, requests, tls):
    worker, till = (Client(port, tls, "harbour-Right-29") for _ in range(2))
    worker.send(b"SUB orders.*.paid workers 1\r\nSUB people.find 2\r\n")
    worker.settle()
    till.send(b"SUB _INBOX.t1ll.* 1\r\n")
    till.settle()
    for n in range(messages):
        till.publish(b"orders.%d.paid" % (4000 + n), ORDER % (n, n), head=HEAD if n % 2 else b"")
    for n in range(messages):
        words, payload = worker.message()
        assert words[1] == b"orders.%d.paid" % (4000 + n) and payload == ORDER % (n, n), words
    for n in range(requests):
        till.publish(b"people.find", b'{"id":%d}' % n, answer=b"_INBOX.t1ll.%d" % n)
        words, payload = worker.message()
        worker.publish(words[3], PERSON % json.loads(payload)["id"])
        assert till.message()[1] == PERSON % n
    worker.send(b"UNSUB 1\r\n")
    worker.settle()
    till.settle()


if sys.argv[1] == "talk":
    talk(*map(int, sys.argv[2:5]), sys.argv[5] == "tls")
elif sys.argv[1] == "refused":
    print(Client(int(sys.argv[2]), sys.argv[3] == "tls", "harbour-Wrong-71").refused.decode())
else:
    with urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}/varz", timeout=60) as answer:
        counts = json.load(answer)
    print(counts["in_msgs"], counts["out_msgs"])
