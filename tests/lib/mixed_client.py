#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mixed_client.py - an HTTP client with all the habits that clients have, good and bad.

  mixed_client.py LOG SEED RATE URL...     until SIGTERM: to a URL by chance, about RATE requests a second

Connections that stay, that are for one request, that are reset with an answer unread, that are shut
down after the request, that stop in the middle of a request, or of an answer. Every request that is
begun has a line in LOG, "PORT begun" before it and "PORT whole" when all of its answer was read: what
lies between nobody knows, and so a client that is killed tells the truth as well.
"""
import json
import os
import random
import signal
import socket
import ssl
import struct
import sys
import time
import urllib.parse

import plant

TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE


class Client:
    def __init__(self, log, seed, rate, urls):
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.chance = random.Random(seed)
        self.number = int(seed) * 1000003
        self.rate = float(rate)
        self.urls = [urllib.parse.urlsplit(u) for u in urls]
        self.ended = False

    def note(self, url, what):
        os.write(self.log, f"{url.port} {what}\n".encode())

    def connect(self, url):
        sock = socket.create_connection(("127.0.0.1", url.port), timeout=20)
        return TLS.wrap_socket(sock, server_hostname="localhost") if url.scheme == "https" else sock

    def request(self, url, close):
        self.number += 1
        order = {"order": self.number, "customer": {"email": plant.email(self.number)}, "note": "x" * self.chance.choice((0, 7, 900, 40009))}
        body = json.dumps(order).encode()
        return (f"POST {url.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                + ("Connection: close\r\n" if close else "") + "\r\n").encode() + body

    def answer(self, sock):
        have = b""
        while b"\r\n\r\n" not in have:
            got = sock.recv(65536)
            if not got:
                return False
            have += got
        head, have = have.split(b"\r\n\r\n", 1)
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        left = length - len(have)
        while left > 0:
            got = sock.recv(min(left, self.chance.choice((100, 65536))))
            if not got:
                return False
            left -= len(got)
        return head.split()[1] == b"200"

    def exchange(self, sock, url, close=False):
        self.note(url, "begun")
        sock.sendall(self.request(url, close))
        if self.answer(sock):
            self.note(url, "whole")
        time.sleep(1 / self.rate)

    def kept(self, url):
        sock = self.connect(url)
        for _ in range(self.chance.choice((2, 5, 11, 23))):
            if self.ended:
                break
            self.exchange(sock, url)
        sock.close()

    def new(self, url):
        sock = self.connect(url)
        self.exchange(sock, url, True)
        sock.close()

    def reset(self, url):
        sock = self.connect(url)
        self.exchange(sock, url)
        self.note(url, "begun")
        sock.sendall(self.request(url, False))
        if self.chance.random() < 0.5:
            sock.recv(10)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    def half(self, url):
        sock = self.connect(url)
        self.note(url, "begun")
        sock.sendall(self.request(url, True))
        socket.socket.shutdown(sock, socket.SHUT_WR)
        if self.answer(sock):
            self.note(url, "whole")
        sock.close()

    def cut(self, url):
        sock = self.connect(url)
        self.exchange(sock, url)
        self.note(url, "begun")
        request = self.request(url, False)
        sock.sendall(request[:self.chance.randrange(1, len(request))])
        sock.close()

    def idle(self, url):
        sock = self.connect(url)
        time.sleep(1 / self.rate)
        sock.close()

    def run(self):
        habits = [self.kept, self.new, self.reset, self.half, self.cut, self.idle]
        while not self.ended:
            url = self.chance.choice(self.urls)
            try:
                self.chance.choices(habits, (4, 4, 1, 1, 1, 1))[0](url)
            except (OSError, StopIteration, ValueError):
                time.sleep(1 / self.rate)  # a server that is being restarted
            time.sleep(1 / self.rate)


def main(argv):
    client = Client(argv[1], argv[2], argv[3], argv[4:])
    signal.signal(signal.SIGTERM, lambda *_: setattr(client, "ended", True))
    client.run()


main(sys.argv)
