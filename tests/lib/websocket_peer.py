#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""websocket_peer.py - a server and a client of WebSocket, by Debian's python3-websockets.

  websocket_peer.py server PORT PACKING         writes a line for each message it received
  websocket_peer.py client URL PACKING FROM TO [OPENED GATE]
                                                sends messages FROM to TO - 1, each answered; after the
                                                first makes the file OPENED and waits for the file GATE

A message is JSON with one e-mail address; each third is sent in four fragments, each fifth as binary. Its
answer has none. PACKING: plain, keeps (permessage-deflate with context takeover), forgets (without).
Exit status 1 if an answer was not the one expected. Certificates are not checked."""
import asyncio
import json
import os
import ssl
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory


def options(factory, packing):
    made = {"compression": None, "ping_interval": None}
    if packing != "plain":
        made["extensions"] = [factory(server_no_context_takeover=packing == "forgets", client_no_context_takeover=packing == "forgets")]
    return made


async def serve(port, packing):
    async def answer(peer, path=None):
        async for message in peer:
            number = json.loads(message)["number"]
            print("message", number, flush=True)
            await peer.send(json.dumps({"accepted": number, "note": "nothing of interest in this answer"}))

    async with websockets.serve(answer, "127.0.0.1", port, **options(ServerPerMessageDeflateFactory, packing)):
        await asyncio.get_running_loop().create_future()


def message(number):
    text = json.dumps({"number": number, "contact": {"email": f"person{number}@harborline-logistics.com"}, "note": "as in each message"})
    if number % 3 == 0:
        step = len(text) // 4 + 1
        return [text[i:i + step] for i in range(0, len(text), step)]
    return text.encode() if number % 5 == 0 else text


async def ask(url, packing, first, end, opened=None, gate=None):
    secure = {}
    if url.startswith("wss:"):
        secure["ssl"] = ssl.create_default_context()
        secure["ssl"].check_hostname = False
        secure["ssl"].verify_mode = ssl.CERT_NONE
    async with websockets.connect(url, **options(ClientPerMessageDeflateFactory, packing), **secure) as peer:
        for number in range(first, end):
            await peer.send(message(number))
            accepted = json.loads(await peer.recv())["accepted"]
            if accepted != number:
                sys.exit(f"message {number} was answered as {accepted}")
            if opened and number == first:
                with open(opened, "w", encoding="ascii"):
                    pass
                while not os.path.exists(gate):
                    await asyncio.sleep(0.02)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        asyncio.run(serve(int(sys.argv[2]), sys.argv[3]))
    else:
        asyncio.run(ask(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), *sys.argv[6:]))
