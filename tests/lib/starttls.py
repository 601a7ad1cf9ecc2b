#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""starttls.py - a server that speaks a little of a protocol in the clear, then TLS, for real
clients: openssl s_client -starttls PROTOCOL.

  starttls.py PROTOCOL PORT CERT KEY     on 127.0.0.1; writes "handshake done" when the client
                                         said something inside of TLS, then closes and writes "end"
"""
import socket
import ssl
import sys

LDAP_OK = bytes.fromhex("300c02010178070a010004000400")
MYSQL_GREETING = (b"\x0a8.0.36\0" + b"\x07\0\0\0" + b"abcdefgh\0" + b"\xff\xff" + b"\x21" + b"\x02\0" + b"\xff\xc7" + b"\x15"
                  + b"\0" * 10 + b"ijklmnopqrst\0" + b"caching_sha2_password\0")
MYSQL_GREETING = len(MYSQL_GREETING).to_bytes(3, "little") + b"\0" + MYSQL_GREETING
STREAM = (b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' "
          b"from='localhost' version='1.0'><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>")
# What is sent first, then pairs: what the client says contains, what is answered. The last
# answer comes before the handshake.
TALKS = {
    "smtp": (b"220 mail ESMTP\r\n", [(b"EHLO", b"250-mail\r\n250 STARTTLS\r\n"), (b"STARTTLS", b"220 go ahead\r\n")]),
    "imap": (b"* OK ready\r\n", [(b"CAPABILITY", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK done\r\n"), (b"STARTTLS", b". OK begin\r\n")]),
    "pop3": (b"+OK ready\r\n", [(b"STLS", b"+OK begin\r\n")]),
    "ftp": (b"220 ready\r\n", [(b"AUTH TLS", b"234 begin\r\n")]),
    "ldap": (b"", [(b"1.3.6.1.4.1.1466.20037", LDAP_OK)]),
    "xmpp": (b"", [(b"<stream:stream", STREAM), (b"<starttls", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")]),
    "postgres": (b"", [(b"\x04\xd2\x16\x2f", b"S")]),
    "mysql": (MYSQL_GREETING, [(b"\x20\0\0\x01", b"")]),
}


def talk(conn, protocol):
    greeting, steps = TALKS[protocol]
    if greeting:
        conn.sendall(greeting)
    for expected, answer in steps:
        heard = b""
        while expected not in heard:
            more = conn.recv(36 if protocol == "mysql" else 4096)  # its client does not wait for an answer
            if not more:
                sys.exit(f"starttls.py: {protocol}: the client ended before {expected!r}, it said {heard!r}")
            heard += more
        if answer:
            conn.sendall(answer)


def main(protocol, port, cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    listener = socket.create_server(("127.0.0.1", int(port)))
    print("listens", flush=True)
    while True:
        conn, _ = listener.accept()
        conn.settimeout(30)
        talk(conn, protocol)
        with context.wrap_socket(conn, server_side=True) as tls:
            tls.recv(4096)
            print("handshake done", flush=True)
        print("end", flush=True)


main(*sys.argv[1:])
