#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""connect_proxy.py - an HTTP proxy that knows CONNECT to this host alone.

  connect_proxy.py PORT      on 127.0.0.1
"""
import socket
import sys
import threading


def pump(source, sink):
    while chunk := source.recv(65536):
        sink.sendall(chunk)
    sink.shutdown(socket.SHUT_WR)


def serve(client):
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(4096)
    method, target, _ = head.split(b" ", 2)
    if method != b"CONNECT":
        client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
        return
    server = socket.create_connection(("127.0.0.1", int(target.rsplit(b":", 1)[1])))
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    there = threading.Thread(target=pump, args=(client, server))
    there.start()
    pump(server, client)
    there.join()
    client.close()
    server.close()


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listens", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
