#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kafka_peer.py - librdkafka on both ends: its brokers for tests, and its clients.

  kafka_peer.py broker                        prints its port, serves until it is ended
  kafka_peer.py gate PORT                     a broker that knows the log-in and no more
  kafka_peer.py produce PORT TOPIC COUNT [KEY=VALUE...]    so many records, each in a request of its own
  kafka_peer.py consume PORT TOPIC COUNT      reads so many
  kafka_peer.py login PORT USER PASSWORD      until it is let in

What it prints last is the number of records of which the other end said that it has them.
"""
import json
import signal
import socket
import struct
import sys
import time

import confluent_kafka as kafka


def broker():
    cluster = kafka.Producer({"test.mock.num.brokers": 1, "log_level": 2})
    ports = [b.port for b in cluster.list_topics(timeout=20).brokers.values()]
    print(ports[0], flush=True)
    signal.sigwait([signal.SIGTERM])


def client(port, more):
    return {"bootstrap.servers": f"127.0.0.1:{port}", "broker.address.family": "v4", "log_level": 2, **more}


def produce(port, topic, count, more):
    producer = kafka.Producer(client(port, {"linger.ms": 0, "batch.num.messages": 1, **more}))
    done = []
    for i in range(count):
        value = {"customer": {"email": f"person{i}@harborline-logistics.com"}, "card": {"number": "4111111111111111"}, "note": "x" * 200}
        producer.produce(topic, json.dumps(value), key=f"k{i}", partition=0, headers={"reply-to": f"desk{i}@harborline-logistics.com"},
                         on_delivery=lambda error, message: done.append(error))
        producer.flush(30)
    if more.get("acks") == "0":    # nobody says that they came; the connection stays until they have
        consumer, until = kafka.Consumer(client(port, {"group.id": "tests"})), time.monotonic() + 30
        while consumer.get_watermark_offsets(kafka.TopicPartition(topic, 0), timeout=10)[1] < count and time.monotonic() < until:
            time.sleep(0.05)
        consumer.close()
    print(done.count(None))


def consume(port, topic, count):
    consumer = kafka.Consumer(client(port, {"group.id": "tests", "auto.offset.reset": "earliest", "enable.auto.commit": False}))
    consumer.assign([kafka.TopicPartition(topic, 0, 0)])
    got, until = 0, time.monotonic() + 30
    while got < count and time.monotonic() < until:
        message = consumer.poll(1)
        got += message is not None and message.error() is None
    consumer.close()
    print(got)


def take(conn, count):
    data = b""
    while len(data) < count:
        piece = conn.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def gate(port):
    """Versions, the handshake and the log-in; who is in gets no answers (hung up on, it would come again)."""
    answers = {18: b"\0\0\5" + b"".join(struct.pack(">hhhb", key, 0, top, 0) for key, top in ((3, 1), (17, 1), (18, 3), (36, 0))) + b"\0\0\0\0\0",
               17: struct.pack(">hih5s", 0, 1, 5, b"PLAIN"), 36: struct.pack(">hhi", 0, -1, 0)}
    server = socket.create_server(("127.0.0.1", port))
    while True:
        conn, _ = server.accept()
        try:
            while True:
                request = take(conn, struct.unpack(">i", take(conn, 4))[0])
                key, _, number = struct.unpack(">hhi", request[:8])
                if key in answers:
                    conn.sendall(struct.pack(">ii", 4 + len(answers[key]), number) + answers[key])
        except EOFError:
            pass
        conn.close()


def login(port, user, password):
    logs = []

    class Watch:
        def log(self, level, line, *args):
            logs.append(line % args if args else line)

    producer = kafka.Producer(client(port, {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": user,
                                            "sasl.password": password, "reconnect.backoff.ms": 10000, "log_level": 7,
                                            "debug": "security,broker"}), logger=Watch())
    until = time.monotonic() + 30
    while time.monotonic() < until and not any("-> UP" in line for line in logs):
        producer.poll(0.1)
    print(int(time.monotonic() < until))


what, args = sys.argv[1], sys.argv[2:]
if what == "broker":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    broker()
elif what == "gate":
    gate(int(args[0]))
elif what == "produce":
    produce(int(args[0]), args[1], int(args[2]), dict(a.split("=") for a in args[3:]))
elif what == "consume":
    consume(int(args[0]), args[1], int(args[2]))
else:
    login(int(args[0]), *args[1:])
