#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""asyncio_peer.py - an API over TLS in asyncio, whose TLS is fed from memory: no socket call
happens inside a call of the library.

  asyncio_peer.py LOOP server PORT CERT KEY        what is posted comes back; writes "METHOD status" a request
  asyncio_peer.py LOOP client URL FROM TO WIDTH    posts as client.py does, over WIDTH connections at once
  asyncio_peer.py LOOP burst URL FROM TO           the same over one connection, a record each, all but one in one socket call
LOOP: asyncio or uvloop. Exit status 1 if an answer was not the body.
"""
import asyncio
import json
import socket
import ssl
import sys
import urllib.parse

import plant


def body_of(i):
    return json.dumps({"order": i + 1, "customer": {"email": plant.email(i)},
                       "card": {"number": plant.card(i)}}).encode()


async def message(reader):
    """The head's first line and the body; None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    lines = head.decode("latin-1").split("\r\n")
    length = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
    return lines[0], await reader.readexactly(length)


async def serve(reader, writer):
    while True:
        request = await message(reader)
        if not request:
            break
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(request[1])}\r\n\r\n"
        writer.write(head.encode() + request[1])
        await writer.drain()
        print(request[0].split()[0], 200, flush=True)
    writer.close()


async def server(port, cert, key):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    async with await asyncio.start_server(serve, "127.0.0.1", int(port), ssl=tls) as s:
        await s.serve_forever()


def context():
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    return tls


def request_of(url, i):
    body = body_of(i)
    return (f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


async def burst(url, first, last):
    parts = urllib.parse.urlsplit(url)
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(into, out, server_hostname=parts.hostname)
    sock = socket.create_connection((parts.hostname, parts.port))

    def until(done):
        while True:
            try:
                return done()
            except ssl.SSLWantReadError:
                sock.sendall(out.read())
                into.write(sock.recv(1 << 18))

    until(tls.do_handshake)
    text = b""
    for numbers in range(int(first), int(first) + 1), range(int(first) + 1, int(last)):
        for i in numbers:
            tls.write(request_of(parts, i))
        sock.sendall(out.read())
        while text.count(b"harborline") < numbers.stop - int(first):
            text += until(lambda: tls.read(1 << 16))
    if text.count(b"HTTP/1.1 200 ") != int(last) - int(first):
        sys.exit("asyncio_peer.py: not all were answered")
    sock.close()


async def session(url, numbers):
    tls = context()
    reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=tls)
    for i in numbers:
        writer.write(request_of(url, i))
        await writer.drain()
        answer = await message(reader)
        if not answer or " 200 " not in answer[0]:
            sys.exit(f"asyncio_peer.py: {answer and answer[0]}")
    writer.close()


async def client(url, first, last, width):
    parts = urllib.parse.urlsplit(url)
    numbers = range(int(first), int(last))
    await asyncio.gather(*(session(parts, numbers[k::int(width)]) for k in range(int(width))))


def main(argv):
    if argv[1] == "uvloop":
        import uvloop
        uvloop.install()
    asyncio.run({"server": server, "client": client, "burst": burst}[argv[2]](*argv[3:]))


main(sys.argv)
