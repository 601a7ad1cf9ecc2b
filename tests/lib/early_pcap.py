#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""early_pcap.py FILE CERT KEY KEYLOG - writes the capture of a connection between openssl's own client and server, of
TLS 1.3, whose request goes with the hello as early data: 1 exchange, as pcap.py has them."""
import os
import selectors
import socket
import subprocess
import sys
import tempfile

import pcap

PATIENCE = 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def read_to(pipe, end):
    """What comes until the end is there."""
    got = b""
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        while end not in got:
            part = os.read(pipe.fileno(), 65536) if ready.select(PATIENCE) else b""
            if not part:
                sys.exit(f"early_pcap.py: {end!r} did not come, but {got[-200:]!r}")
            got += part


class Relay:
    """Passes one connection on to the server, and keeps what each end said, in turn."""

    def __init__(self, to):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.to, self.said, self.ends, self.ready = to, [], None, selectors.DefaultSelector()
        self.ready.register(self.listener, selectors.EVENT_READ)

    def pump(self, pipe, end):
        """Until this end comes out of this pipe."""
        got = b""
        self.ready.register(pipe, selectors.EVENT_READ)
        while end not in got:
            events = self.ready.select(PATIENCE)
            if not events:
                sys.exit(f"early_pcap.py: {end!r} did not come, but {got[-200:]!r}")
            for event, _ in events:
                if event.fileobj is pipe:
                    part = os.read(pipe.fileno(), 65536)
                    if not part:
                        sys.exit(f"early_pcap.py: {end!r} did not come, but {got[-200:]!r}")
                    got += part
                elif event.fileobj is self.listener:
                    self.ends = [self.listener.accept()[0], socket.create_connection(("127.0.0.1", self.to))]
                    for one in self.ends:
                        self.ready.register(one, selectors.EVENT_READ)
                else:
                    who = self.ends.index(event.fileobj)
                    part = event.fileobj.recv(65536)
                    if part:
                        self.said.append((who, part))
                        self.ends[1 - who].sendall(part)
                    else:
                        self.ready.unregister(event.fileobj)
        self.ready.unregister(pipe)


def main():
    name, cert, key, keylog = sys.argv[1:]
    port, pipes = free_port(), {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    ended = []
    with tempfile.TemporaryDirectory() as folder:
        session, request = os.path.join(folder, "session"), os.path.join(folder, "request")
        with open(request, "wb") as f:
            f.write(pcap.REQUEST)
        server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_3", "-early_data", "-cert", cert,
                                   "-key", key, "-keylogfile", keylog], **pipes)
        ended.append(server)
        try:
            read_to(server.stdout, b"ACCEPT\n")
            first = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-sess_out", session], **pipes)
            ended.append(first)
            server.stdin.write(b"behind the tickets\n")
            server.stdin.flush()
            read_to(first.stdout, b"behind the tickets\n")
            first.stdin.close()
            first.wait(PATIENCE)
            relay = Relay(port)
            client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{relay.listener.getsockname()[1]}", "-sess_in", session,
                                       "-early_data", request], **pipes)
            ended.append(client)
            relay.pump(server.stdout, pcap.REQUEST[-20:])
            server.stdin.write(pcap.ANSWER)
            server.stdin.flush()
            relay.pump(client.stdout, pcap.ANSWER[-20:])
        finally:
            for one in ended:
                one.kill()
                one.wait()
    p = pcap.Pcap(name)
    c = pcap.Tcp(p)
    c.open()
    for who, part in relay.said:
        c.data(who, part)
    c.shut()
    p.close()


main()
