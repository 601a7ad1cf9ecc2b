#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mongo_peer.py - PyMongo, and a server that holds its documents in memory.

  mongo_peer.py serve PORT                        prints what it was asked when it is ended
  mongo_peer.py use PORT COLLECTION [CODEC]       inserts, finds, counts on no answer
  mongo_peer.py login PORT USER PASSWORD          is let in, and asks once
"""
import collections
import signal
import socket
import struct
import sys
import threading
import zlib

import bson
import pymongo

asked = collections.Counter()
store = collections.defaultdict(list)
codecs = {0: (bytes, bytes), 2: (zlib.compress, zlib.decompress)}
try:
    import snappy
    codecs[1] = (snappy.compress, snappy.decompress)
except ImportError:
    pass


def sections(body):
    """The command, with the documents of other sections in it."""
    command, extra, at = None, {}, 4
    while at < len(body):
        size = struct.unpack_from("<i", body, at + 1)[0]
        if body[at] == 0:
            command = bson.decode(body[at + 1:at + 1 + size])
        else:
            name, docs = body[at + 5:at + 1 + size].split(b"\0", 1)
            extra[name.decode()] = bson.decode_all(docs)
        at += 1 + size
    return {**command, **extra}


def answer(command):
    name = next(iter(command))
    asked[name] += 1
    if name.lower() in ("hello", "ismaster"):
        return {"ismaster": True, "maxWireVersion": 9, "minWireVersion": 0, "maxBsonObjectSize": 1 << 24, "maxMessageSizeBytes": 48000000,
                "maxWriteBatchSize": 1000, "compression": [c for c in command.get("compression", []) if c in ("zlib", "snappy")], "ok": 1.0}
    if name == "saslStart":
        return {"conversationId": 1, "done": True, "payload": b"", "ok": 1.0}
    collection = command.get("collection", command[name])
    rows = store[collection]
    if name == "insert":
        rows.extend(command["documents"])
        return {"n": len(command["documents"]), "ok": 1.0}
    if name == "find":
        found = [r for r in rows if all(r.get(k) == v for k, v in command["filter"].items())]
        batch = command.get("batchSize", len(found))
        more = len(found) > batch and not command.get("singleBatch")
        return {"cursor": {"firstBatch": found[:batch], "id": 4111111111111111 if more else 0, "ns": f"shop.{collection}"}, "ok": 1.0}
    if name == "getMore":
        return {"cursor": {"nextBatch": rows[command["batchSize"]:], "id": 0, "ns": f"shop.{collection}"}, "ok": 1.0}
    return {"ok": 0.0, "code": 59, "errmsg": "no such command"} if name == "nothing" else {"ok": 1.0}


def talk(conn):
    def take(count):
        data = b""
        while len(data) < count:
            data += conn.recv(count - len(data)) or sys.exit()
        return data

    while True:
        size, number, _, operation = struct.unpack("<iiii", take(16))
        body, codec = take(size - 16), None
        if operation == 2012:
            operation, _, codec = struct.unpack_from("<iiB", body)
            body = codecs[codec][1](body[9:])
        if operation == 2004:
            command = bson.decode(body[body.index(b"\0", 4) + 9:])
            reply, kind = struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(answer(command)), 1
        else:
            reply, kind = b"\0\0\0\0\0" + bson.encode(answer(sections(body))), 2013
            if body[0] & 2:
                continue
        if codec is not None:
            reply, kind = struct.pack("<iiB", kind, len(reply), codec) + codecs[codec][0](reply), 2012
        conn.sendall(struct.pack("<iiii", 16 + len(reply), 0, number, kind) + reply)


def serve(port):
    server = socket.create_server(("127.0.0.1", port))

    def accept():
        while True:
            threading.Thread(target=talk, args=server.accept()[:1], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    signal.sigwait([signal.SIGTERM])
    for name, count in sorted(asked.items()):
        print(name, count)


def person(i):
    return {"_id": i, "email": f"person{i}@harborline-logistics.com", "card": {"number": "4111111111111111"}}


def use(port, name, codec):
    client = pymongo.MongoClient("127.0.0.1", port, directConnection=True, **({"compressors": codec} if codec else {}))
    rows = client.shop[name]
    for i in range(31):
        rows.insert_one(person(i))
    for i in range(7):
        rows.insert_many([person(100 + 13 * i + k) for k in range(13)])
    for i in range(41):
        assert rows.find_one({"email": f"person{i % 31}@harborline-logistics.com"})["_id"] == i % 31
    for i in range(3):
        assert len(list(rows.find({}, batch_size=20))) == 31 + 7 * 13
    quiet = client.shop.get_collection(name + "-unanswered", write_concern=pymongo.WriteConcern(w=0))
    for i in range(17):
        quiet.insert_one(person(i))
    try:
        client.shop.command("nothing", name)
        print("the server knows nothing")
    except pymongo.errors.OperationFailure:
        pass
    client.close()


def login(port, user, password):
    client = pymongo.MongoClient("127.0.0.1", port, username=user, password=password, authMechanism="PLAIN", authSource="$external",
                                 directConnection=True)
    client.shop.command("ping")
    client.close()


what, args = sys.argv[1], sys.argv[2:]
if what == "serve":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    serve(int(args[0]))
elif what == "use":
    use(int(args[0]), args[1], args[2] if len(args) > 2 else None)
else:
    login(int(args[0]), *args[1:])
