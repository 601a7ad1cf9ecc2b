#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""client.py - Python as a client of an API, with the two usual libraries.

  client.py urllib URL FROM TO       one connection a request, body with card and e-mail
  client.py session URL FROM TO      the same over one kept-alive connection (http.client)
  client.py held URL FIFO            connects, says "connected", then for each line
                                     "FROM TO" of the FIFO sends these requests over that one
                                     old connection and says "sent"; ends with the FIFO
Certificates are not checked: the test's server signs its own. Exit 1 if an answer was
not 200.
"""
import http.client
import json
import ssl
import sys
import urllib.parse
import urllib.request

import plant

TLS = ssl.create_default_context()
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE
HEADERS = {"Content-Type": "application/json"}


def body(i):
    return json.dumps({"order": i + 1, "customer": {"email": plant.email(i)},
                       "card": {"number": plant.card(i)}}).encode()


def expect_ok(status):
    if status != 200:
        sys.exit(f"client.py: status {status}")


def by_urllib(url, first, last):
    for i in range(first, last):
        request = urllib.request.Request(url, data=body(i), headers=HEADERS)
        with urllib.request.urlopen(request, context=TLS, timeout=20) as answer:
            answer.read()
            expect_ok(answer.status)


class Session:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.path = parts.path
        if parts.scheme == "https":
            self.conn = http.client.HTTPSConnection(parts.netloc, context=TLS, timeout=60)
        else:
            self.conn = http.client.HTTPConnection(parts.netloc, timeout=60)
        self.conn.connect()

    def send(self, first, last):
        for i in range(first, last):
            self.conn.request("POST", self.path, body=body(i), headers=HEADERS)
            answer = self.conn.getresponse()
            answer.read()
            expect_ok(answer.status)
        return self


def held(url, fifo):
    session = Session(url).send(0, 1)   # the handshake and one exchange that nobody watches
    print("connected", flush=True)
    with open(fifo, encoding="ascii") as orders:
        for line in orders:
            session.send(*map(int, line.split()))
            print("sent", flush=True)


def main(argv):
    if argv[1] == "held":
        held(argv[2], argv[3])
    elif argv[1] == "session":
        Session(argv[2]).send(int(argv[3]), int(argv[4]))
    else:
        by_urllib(argv[2], int(argv[3]), int(argv[4]))


main(sys.argv)
