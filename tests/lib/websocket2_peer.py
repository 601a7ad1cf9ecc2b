#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""websocket2_peer.py - WebSocket in streams of HTTP/2 (RFC 8441): a server, Hypercorn, and a client of h2 and wsproto.

  websocket2_peer.py server PORT                without TLS; writes a line for each message it received
  websocket2_peer.py client PORT tcp|tls PACKING STREAMS MESSAGES [OPENED GATE]
                                                so many streams of one connection, each with so many messages, which
                                                are answered; after the first of each makes the file OPENED and waits
                                                for the file GATE

Messages and PACKING are websocket_peer.py's. Exit status 1 if an answer was not the one expected. Certificates are
not checked."""
import asyncio
import json
import os
import socket
import ssl
import sys
import time

import h2.config
import h2.connection
import h2.events
import h2.settings
import wsproto.events
from wsproto.connection import Connection, ConnectionType
from wsproto.extensions import PerMessageDeflate

from websocket_peer import message


async def app(scope, receive, send):
    assert scope["type"] in ("websocket", "lifespan"), scope["type"]
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.receive":
            number = json.loads(event.get("text") or event["bytes"])["number"]
            print("message", number, flush=True)
            await send({"type": "websocket.send", "text": json.dumps({"accepted": number, "note": "nothing of interest in this answer"})})
        elif event["type"].startswith("lifespan."):
            await send({"type": event["type"] + ".complete"})
            if event["type"] == "lifespan.shutdown":
                return
        else:
            return


def serve(port):
    from hypercorn.asyncio import serve as run
    from hypercorn.config import Config
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    asyncio.run(run(app, config))


class Client:
    def __init__(self, port, tls):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        if tls:
            how = ssl._create_unverified_context()
            how.set_alpn_protocols(["h2"])
            self.socket = how.wrap_socket(self.socket, server_hostname="localhost")
            assert self.socket.selected_alpn_protocol() == "h2"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.answers, self.open, self.packed = {}, {}, {}
        while not self.h2.remote_settings.enable_connect_protocol:
            self.more()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def more(self):
        self.flush()
        got = self.socket.recv(65536)
        assert got, "the server has closed"
        for event in self.h2.receive_data(got):
            if isinstance(event, h2.events.ResponseReceived):
                self.opened(event.stream_id, dict(event.headers))
            elif isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                self.said(event.stream_id, event.data)
            elif isinstance(event, h2.events.ConnectionTerminated) or (isinstance(event, h2.events.StreamReset) and not self.closed(event.stream_id)):
                sys.exit(f"ended by the server: {event}")
        self.flush()

    def closed(self, stream):
        return stream in self.open and self.open[stream].state.name == "CLOSED"

    def ask(self, path, packing):
        stream = self.h2.get_next_available_stream_id()
        deflate = PerMessageDeflate(client_no_context_takeover=packing == "forgets", server_no_context_takeover=packing == "forgets")
        headers = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", path), (":authority", "localhost"),
                   ("sec-websocket-version", "13")]
        if packing != "plain":
            headers.append(("sec-websocket-extensions", f"permessage-deflate; {deflate.offer()}".rstrip("; ")))
            self.packed[stream] = deflate
        self.h2.send_headers(stream, headers)
        self.answers[stream] = []
        while stream not in self.open:
            self.more()
        return stream

    def opened(self, stream, headers):
        assert headers[":status"] == "200", headers
        agreed = headers.get("sec-websocket-extensions")
        assert bool(agreed) == (stream in self.packed), headers
        if agreed:
            self.packed[stream].finalize(agreed)
        self.open[stream] = Connection(ConnectionType.CLIENT, [self.packed[stream]] if agreed else [])

    def said(self, stream, data):
        if not data:	# the end of the stream
            return
        self.open[stream].receive_data(data)
        for event in self.open[stream].events():
            if isinstance(event, wsproto.events.TextMessage):
                self.answers[stream].append(event.data)
                assert event.message_finished

    def put(self, stream, event):
        data = self.open[stream].send(event)
        while data:
            room = min(self.h2.local_flow_control_window(stream), 16384)
            if not room:
                self.more()
                continue
            self.h2.send_data(stream, data[:room])
            data = data[room:]
        self.flush()

    def say(self, stream, number):
        what = message(number)
        parts = what if isinstance(what, list) else [what]
        for i, part in enumerate(parts):
            kind = wsproto.events.BytesMessage if isinstance(part, bytes) else wsproto.events.TextMessage
            self.put(stream, kind(data=part, message_finished=i == len(parts) - 1))

    def hear(self, stream, number):
        while not self.answers[stream]:
            self.more()
        assert json.loads(self.answers[stream].pop(0))["accepted"] == number


def ask(port, tls, packing, streams, messages, opened=None, gate=None):
    c = Client(port, tls)
    ids = [c.ask(f"/desk/{17 + n}", packing) for n in range(streams)]
    for number in range(messages):
        for stream in ids:	# all at once
            c.say(stream, number)
        for stream in ids:
            c.hear(stream, number)
        if opened and not number:
            with open(opened, "w", encoding="ascii"):
                pass
            while not os.path.exists(gate):
                time.sleep(0.02)
    for stream in ids:
        c.put(stream, wsproto.events.CloseConnection(code=1000))
    while not all(map(c.closed, ids)):
        c.more()


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(int(sys.argv[2]))
    else:
        ask(int(sys.argv[2]), sys.argv[3] == "tls", sys.argv[4], int(sys.argv[5]), int(sys.argv[6]), *sys.argv[7:])
