#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""smtp_peer.py - mails by smtplib to a server of aiosmtpd.

  smtp_peer.py serve PORT CERT KEY              a server; prints how many mails it took when it is ended
  smtp_peer.py send PORT PLAIN TLS              so many mails in clear, and after STARTTLS with a log-in
"""
import asyncio
import email.message
import signal
import smtplib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Taken:
    mails = 0

    async def handle_DATA(self, server, session, envelope):
        self.mails += 1
        return "250 taken"


async def serve(port, cert, key):
    taken = Taken()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(
        lambda: SMTP(taken, hostname="mx.harborline-logistics.com", tls_context=tls,
                     authenticator=lambda *_: AuthResult(success=True)), "127.0.0.1", port)
    async with server:
        await stop.wait()
    print(taken.mails, flush=True)


def mail(n):
    m = email.message.EmailMessage()
    m["From"] = "Billing <billing@harborline-logistics.com>"
    m["To"] = f"Ana Ruiz <ana.ruiz{n}@kestrel-freight.net>"
    m["Subject"] = "Your booking"
    m.set_content("Dear customer,\n\nthe card 4532 0151 1283 0366 was charged.\n")
    m.add_alternative("<p>the card <b>4532 0151 1283 0366</b> was charged</p>", subtype="html", cte="base64")
    return m


def send(port, plain, secure):
    for count, tls in ((plain, False), (secure, True)):
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as s:
            if tls:
                s.starttls(context=ssl._create_unverified_context())
                s.login("ana", "Tr0ub4dor-9kQz")
            for n in range(count):
                s.send_message(mail(n))


if sys.argv[1] == "serve":
    asyncio.run(serve(int(sys.argv[2]), *sys.argv[3:5]))
else:
    send(*map(int, sys.argv[2:5]))
