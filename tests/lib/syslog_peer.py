#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""syslog_peer.py - messages by Python's logging, and by a client with TLS and counts.

  syslog_peer.py logging PLACE COUNT [IDENT]   PLACE: a port over UDP, or a UNIX socket; JSON as the text
  syslog_peer.py tls PORT COUNT                RFC 5424 over TLS, a count before each (RFC 5425)
"""
import json
import logging
import logging.handlers
import socket
import ssl
import sys


def by_logging(place, count, ident):
    handler = logging.handlers.SysLogHandler(("127.0.0.1", int(place)) if place.isdigit() else place,
                                             facility=logging.handlers.SysLogHandler.LOG_LOCAL1)
    handler.ident = ident
    log = logging.getLogger("weir")
    log.addHandler(handler)
    for n in range(count):
        log.error("%s", json.dumps({"order": n, "contact": {"email": f"buyer{n}@harborline-logistics.com"}}))
    handler.close()


def by_tls(port, count):
    with ssl._create_unverified_context().wrap_socket(socket.create_connection(("127.0.0.1", port))) as s:
        for n in range(count):
            m = (f'<174>1 2026-10-11T22:14:15.003Z app7 secure 7 ID47 [order@32473 card="4532 0151 1283 0366"] '
                 f"order {n} of buyer{n}@harborline-logistics.com").encode()
            s.sendall(b"%d %s" % (len(m), m))
        s.unwrap()


if sys.argv[1] == "logging":
    by_logging(sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else "")
else:
    by_tls(int(sys.argv[2]), int(sys.argv[3]))
