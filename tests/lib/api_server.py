#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""api_server.py - a JSON API in Python: what is posted to /echo/... comes back as the
answer's body, with its content type; anything else is answered {"ok": true}.

  api_server.py PORT [CERT KEY]      on 127.0.0.1; HTTPS when a certificate is named
  api_server.py any:PORT             one IPv6 socket for all addresses of both kinds

Takes any request line, Host and header that a hostile client may send, keeps connections
alive, and writes "METHOD status" a request to its output, never a path or a body.
"""
import http.server
import socket
import ssl
import sys


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        kind = self.headers.get("Content-Type") or "application/octet-stream"
        if not body or not self.path.startswith("/echo/"):
            body, kind = b'{"ok": true}', "application/json"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        print(self.command, 200, flush=True)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address, handler, tls):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, handler)
        self.tls = tls

    def server_bind(self):
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    # In the thread of the connection, so that a slow handshake holds nobody up.
    def finish_request(self, request, client_address):
        if self.tls:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, *_):
        print("error", flush=True)


def main(argv):
    tls = None
    if len(argv) > 3:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(argv[2], argv[3])
    where = "::" if argv[1].startswith("any:") else "127.0.0.1"
    Server((where, int(argv[1].rpartition(":")[2])), Api, tls).serve_forever()


main(sys.argv)
