#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""grpc_peer.py - a server and a client of gRPC (grpcio), without generated code: a message is
made and read here, {1: e-mail address, 2: {1: card number}}.

  grpc_peer.py server PORT [CERT KEY]      writes a line a call: "METHOD messages"
  grpc_peer.py client PORT [CERT] -- CALLS...   CALLS: unary:N, gzip:N, up:N, down:N, both:N, refused:N;
                                           of the streams each has three messages
Prints how many calls had the right answers.
"""
import signal
import sys
from concurrent import futures

import grpc

import plant

MESSAGES = 3


def field(number, raw):
    assert len(raw) < 128
    return bytes((number << 3 | 2, len(raw))) + raw


def message(i):
    return field(1, plant.email(i).encode()) + field(2, field(1, plant.card(i).encode()))


def log(method, nr):
    print(method, nr, flush=True)


def unary(request, context):
    log("unary", 1)
    return request


def up(requests, context):
    last = list(requests)
    log("up", len(last))
    return last[-1]


def down(request, context):
    log("down", 1)
    for _ in range(MESSAGES):
        yield request


def both(requests, context):
    nr = 0
    for request in requests:
        nr += 1
        yield request
    log("both", nr)


def refused(request, context):
    log("refused", 1)
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "not today")


def serve(port, cert=None, key=None):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("weir.test.Orders", {
        "Place": grpc.unary_unary_rpc_method_handler(unary),
        "Upload": grpc.stream_unary_rpc_method_handler(up),
        "Watch": grpc.unary_stream_rpc_method_handler(down),
        "Talk": grpc.stream_stream_rpc_method_handler(both),
        "Refuse": grpc.unary_unary_rpc_method_handler(refused),
    }),))
    address = f"127.0.0.1:{port}"
    if cert:
        with open(cert, "rb") as c, open(key, "rb") as k:
            server.add_secure_port(address, grpc.ssl_server_credentials([(k.read(), c.read())]))
    else:
        server.add_insecure_port(address)
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.wait_for_termination()


def call(channel, kind, i):
    """One call; True if its answer is what was asked for."""
    prefix, want = "/weir.test.Orders/", message(i)
    some = [want] * MESSAGES
    if kind == "unary":
        return channel.unary_unary(prefix + "Place")(want, timeout=30) == want
    if kind == "gzip":
        return channel.unary_unary(prefix + "Place")(want, timeout=30, compression=grpc.Compression.Gzip) == want
    if kind == "up":
        return channel.stream_unary(prefix + "Upload")(iter(some), timeout=30) == want
    if kind == "down":
        return list(channel.unary_stream(prefix + "Watch")(want, timeout=30)) == some
    if kind == "both":
        return list(channel.stream_stream(prefix + "Talk")(iter(some), timeout=30)) == some
    try:
        channel.unary_unary(prefix + "Refuse")(want, timeout=30)
    except grpc.RpcError as e:
        return e.code() == grpc.StatusCode.PERMISSION_DENIED
    return False


def client(port, cert, calls):
    if cert:
        with open(cert, "rb") as c:
            channel = grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(c.read()))
    else:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    right = 0
    with channel:
        for spec in calls:
            kind, nr = spec.split(":")
            right += sum(call(channel, kind, i) for i in range(int(nr)))
    print(right)


if sys.argv[1] == "server":
    serve(*sys.argv[2:])
else:
    split = sys.argv.index("--")
    client(sys.argv[2], sys.argv[3] if split > 3 else None, sys.argv[split + 1:])
