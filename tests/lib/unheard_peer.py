#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""unheard_peer.py - connections that say much and end.

  unheard_peer.py serve PORT              reads all and closes
  unheard_peer.py send PORT COUNT BYTES   COUNT connections, one after the other
"""
import socket
import sys

if sys.argv[1] == "serve":
    with socket.create_server(("127.0.0.1", int(sys.argv[2]))) as listener:
        while True:
            s, _ = listener.accept()
            while s.recv(65536):
                pass
            s.close()
else:
    for _ in range(int(sys.argv[3])):
        with socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=20) as s:
            s.sendall(b"\xff" * int(sys.argv[4]))
            s.shutdown(socket.SHUT_WR)
            assert s.recv(1) == b""
