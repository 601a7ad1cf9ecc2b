#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""amqp_peer.py - pika against a broker with AMQP.

  amqp_peer.py PORT confirmed|plain COUNT    so many messages, which are confirmed or not, to a queue of that name
  amqp_peer.py PORT consume COUNT            reads so many of what was confirmed, and acknowledges each
  amqp_peer.py PORT get COUNT                fetches so many of the others, one by one
  amqp_peer.py PORT refused                  logs in with a wrong password, until it is refused
  amqp_peer.py PORT returned                 publishes what has no way, until it comes back

A PORT of tls:PORT is over TLS; certificates are not checked. What it prints last is the number of messages that the broker has taken, or given.
"""
import json
import ssl
import sys
import time

import pika


def connect(port, password="guest"):
    tls = pika.SSLOptions(ssl._create_unverified_context(), "localhost") if port.startswith("tls:") else None
    port = int(port.removeprefix("tls:"))
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, heartbeat=0, ssl_options=tls, connection_attempts=1, socket_timeout=20,
                                                             blocked_connection_timeout=20, credentials=pika.PlainCredentials("guest", password)))


def body(i, size=0):
    return json.dumps({"customer": {"email": f"person{i}@harborline-logistics.com"}, "card": {"number": "4111111111111111"}, "note": "x " * size})


def publish(channel, kind, count):
    channel.queue_declare(kind)
    if kind == "confirmed":
        channel.confirm_delivery()
    for i in range(count):
        size = 100_000 if i == 0 and kind == "confirmed" else 40    # more than one frame
        properties = pika.BasicProperties("application/json", headers={"desk": {"reply-to": f"desk{i}@harborline-logistics.com"}})
        channel.basic_publish("", kind, body(i, size), properties, mandatory=kind == "confirmed")
    until = time.monotonic() + 30    # what is not confirmed may be on its way into the queue
    while (there := channel.queue_declare(kind, passive=True).method.message_count) < count and time.monotonic() < until:
        time.sleep(0.02)
    return there


def consume(channel, count):
    channel.basic_qos(prefetch_count=7)
    got = 0
    for method, _, _ in channel.consume("confirmed", inactivity_timeout=20):
        if method is None:
            break
        channel.basic_ack(method.delivery_tag)
        got += 1
        if got == count:
            break
    channel.cancel()
    return got


def main():
    port, what, count = sys.argv[1], sys.argv[2], int((sys.argv[3:] or [0])[0])
    if what == "refused":
        try:
            connect(port, "harbour-Wrong-71")
        except pika.exceptions.ProbableAuthenticationError:
            print(1)
        return
    connection = connect(port)
    channel = connection.channel()
    if what == "consume":
        done = consume(channel, count)
    elif what == "get":
        done = sum(channel.basic_get("plain", auto_ack=True)[0] is not None for _ in range(count))
    elif what == "returned":
        channel.confirm_delivery()
        try:
            channel.basic_publish("", "nobody", body(0), mandatory=True)
            done = 0
        except pika.exceptions.UnroutableError as error:
            done = len(error.messages)
    else:
        done = publish(channel, what, count)
    connection.close()
    print(done)


main()
