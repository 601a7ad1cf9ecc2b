#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""store_peer.py - an object store and a search engine in one server, with real clients of both
(boto3, elasticsearch).

  store_peer.py server PORT [CERT KEY]        writes a line a request: "METHOD status"
  store_peer.py objects URL OPS...            OPS: put:N get:N list:N delete:N presigned:N virtual:N, all by boto3,
                                              summed:N (a checksum behind the body; in pieces where URL is https),
                                              signed:N (in pieces, each with its signature, as other clients send them)
  store_peer.py search URL OPS...             OPS: index:N get:N search:N bulk:N msearch:N; of the last two each has 3 parts
The server refuses pieces whose signatures are wrong. Clients print how many answers were right.
"""
import hashlib
import hmac
import http.client
import json
import re
import socket
import ssl
import sys
import urllib.parse
import urllib.request
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import plant

ACCESS, SECRET, REGION, BUCKET = "weirtest", "weirtest-secret", "eu-west-1", "backups"
PARTS = 3
objects, documents = {}, {}


def document(i):
    return {"contact": plant.email(i), "card": {"number": plant.card(i)}}


def signing_key(day):
    key = b"AWS4" + SECRET.encode()
    for part in (day, REGION, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def piece_signature(when, before, piece):
    scope = f"{when[:8]}/{REGION}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256-PAYLOAD", when, scope, before, hashlib.sha256(b"").hexdigest(), hashlib.sha256(piece).hexdigest()))
    return hmac.new(signing_key(when[:8]), text.encode(), hashlib.sha256).hexdigest()


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/json", **more):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Elastic-Product", "Elasticsearch")
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        sys.stdout.write(f"{self.command} {status}\n")
        sys.stdout.flush()

    def raw(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def body(self):
        """What was put; None where a piece is not what was signed."""
        raw, how = self.raw(), self.headers.get("x-amz-content-sha256", "")
        if not how.startswith("STREAMING-"):
            return raw
        before = re.search("Signature=([0-9a-f]+)", self.headers["Authorization"]).group(1)
        out, size = b"", 1
        while size:
            line, raw = raw.split(b"\r\n", 1)
            size, _, said = line.decode().partition(";chunk-signature=")
            size = int(size, 16)
            if how.startswith("STREAMING-AWS4"):
                before = piece_signature(self.headers["x-amz-date"], before, raw[:size])
                if before != said:
                    return None
            out += raw[:size]
            raw = raw[size + 2:] if size else raw
        return out if len(out) == int(self.headers["x-amz-decoded-content-length"]) else None

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        parts = urllib.parse.unquote(url.path).strip("/").split("/")
        if url.path == "/":
            self.answer(200, b'{"version":{"number":"7.17.6","build_flavor":"default"},"tagline":"You Know, for Search"}')
        elif len(parts) == 1:
            keys = "".join(f"<Contents><Key>{k}</Key><ETag>&quot;{hashlib.md5(objects[k]).hexdigest()}&quot;</ETag>"
                           f"<Size>{len(objects[k])}</Size></Contents>" for k in sorted(objects) if k.startswith("listed/"))
            self.answer(200, f'<?xml version="1.0"?><ListBucketResult><Name>{BUCKET}</Name><KeyCount>1</KeyCount>'
                        f"<IsTruncated>false</IsTruncated>{keys}</ListBucketResult>".encode(), "application/xml", x_amz_id_2="weir")
        elif parts[1] == "_doc":
            self.answer(200, json.dumps({"_index": parts[0], "_id": parts[2], "found": True, "_source": documents[parts[2]]}).encode())
        else:
            self.answer(200, objects["/".join(parts[1:])], "binary/octet-stream", x_amz_id_2="weir")

    def do_PUT(self):
        url = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).strip("/")
        body = self.body()
        if body is None:
            self.answer(400)
        elif "/_doc/" in url:
            documents[url.rpartition("/")[2]] = json.loads(body)
            self.answer(201, b'{"result":"created"}')
        else:
            virtual = not self.headers["Host"].startswith("127.0.0.1")
            objects[url if virtual else url.partition("/")[2]] = body
            self.answer(200, x_amz_id_2="weir", ETag=f'"{hashlib.md5(body).hexdigest()}"')

    def do_POST(self):
        url, body = urllib.parse.urlsplit(self.path), self.body()
        lines = body.decode().splitlines()
        if "delete" in url.query:
            keys = re.findall("<Key>(.*?)</Key>", body.decode())
            for key in keys:
                objects.pop(key, None)
            self.answer(200, b"<DeleteResult>%s</DeleteResult>" % b"".join(b"<Deleted><Key>%s</Key></Deleted>" % k.encode() for k in keys),
                        "application/xml", x_amz_id_2="weir")
        elif url.path.endswith("/_bulk"):
            items = [{"index": {"_id": str(i), "status": 201}} for i in range(len(lines) // 2)]
            self.answer(200, json.dumps({"errors": False, "items": items}).encode())
        elif url.path.endswith("/_msearch"):
            hits = {"hits": {"total": {"value": 0}, "hits": []}, "status": 200}
            self.answer(200, json.dumps({"responses": [hits] * (len(lines) // 2)}).encode())
        else:
            self.answer(200, json.dumps({"hits": {"hits": [{"_id": "0", "_source": document(0)}]}}).encode())


def serve(port, cert=None, key=None):
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Server)
    if cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


def put_signed(url, i):
    """As Java's and Go's clients put what they do not want to read twice."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    class Auth(S3SigV4Auth):
        def payload(self, request):
            return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"

    body = json.dumps(document(i)).encode()
    pieces = [body[at:at + 16] for at in range(0, len(body), 16)] + [b""]
    length = sum(len(f"{len(p):x};chunk-signature=\r\n\r\n") + 64 + len(p) for p in pieces)
    request = AWSRequest("PUT", f"{url}/{BUCKET}/signed/{i}.json", data=b"", headers={
        "Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(body)), "Content-Type": "application/json",
        "Content-Length": str(length), "X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"})
    Auth(Credentials(ACCESS, SECRET), "s3", REGION).add_auth(request)
    before, out = re.search("Signature=([0-9a-f]+)", request.headers["Authorization"]).group(1), b""
    for piece in pieces:
        before = piece_signature(request.headers["X-Amz-Date"], before, piece)
        out += f"{len(piece):x};chunk-signature={before}\r\n".encode() + piece + b"\r\n"
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc)
    connection.request("PUT", urllib.parse.urlsplit(request.url).path, out, dict(request.headers))
    status = connection.getresponse().status
    connection.close()
    return status == 200


def store_call(url, clients, op, i):
    client, virtual = clients
    body = json.dumps(document(i)).encode()
    if op == "put":
        return client.put_object(Bucket=BUCKET, Key=f"2026/{i}.json", Body=body, ContentType="application/json",
                                 Metadata={"owner": plant.email(i)})["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    if op == "summed":
        return client.put_object(Bucket=BUCKET, Key=f"summed/{i}.json", Body=body, ChecksumAlgorithm="SHA256")["ETag"] is not None
    if op == "virtual":
        return virtual.put_object(Bucket=BUCKET, Key=f"listed/{plant.email(0)}/1.json", Body=body)["ETag"] is not None
    if op == "signed":
        return put_signed(url, i)
    if op == "get":
        return client.get_object(Bucket=BUCKET, Key=f"2026/{i}.json")["Body"].read() == body
    if op == "presigned":
        link = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": f"2026/{i}.json"})
        with urllib.request.urlopen(link) as answer:
            return answer.read() == body
    if op == "list":
        return [o["Key"] for o in client.list_objects_v2(Bucket=BUCKET)["Contents"]] == [f"listed/{plant.email(0)}/1.json"]
    keys = [{"Key": f"gone/{plant.email(n)}/1.json"} for n in range(PARTS)]
    return len(client.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})["Deleted"]) == PARTS


def store_client(url, style):
    import boto3
    from botocore.config import Config
    style = Config(s3={"addressing_style": style}, signature_version="s3v4", retries={"max_attempts": 0})
    return boto3.client("s3", endpoint_url=url, aws_access_key_id=ACCESS, aws_secret_access_key=SECRET, region_name=REGION,
                        verify=False, config=style)


def store(url, ops):
    resolve = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *rest, **more: resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **more)
    port = urllib.parse.urlsplit(url).port
    clients = store_client(url, "path"), store_client(f"{urllib.parse.urlsplit(url).scheme}://s3.localhost:{port}", "virtual")
    return sum(store_call(url, clients, op, i) for op, n in ops for i in range(n))


def search_call(client, op, i):
    from elasticsearch import helpers
    if op == "index":
        return client.index(index="customers", id=plant.email(i), document=document(i))["result"] == "created"
    if op == "get":
        return client.get(index="customers", id=plant.email(i))["_source"] == document(i)
    if op == "search":
        return len(client.search(index="customers", query={"term": {"contact": plant.email(i)}})["hits"]["hits"]) == 1
    if op == "bulk":
        actions = ({"_index": "customers-2026.11.24", "_id": n, "_source": document(n)} for n in range(PARTS))
        return helpers.bulk(client, actions)[0] == PARTS
    lines = [part for n in range(PARTS) for part in ({"index": "customers"}, {"query": {"term": {"contact": plant.email(n)}}})]
    return len(client.msearch(body=lines)["responses"]) == PARTS


def search(url, ops):
    from elasticsearch import Elasticsearch
    client = Elasticsearch(url, verify_certs=False, max_retries=0)
    return sum(search_call(client, op, i) for op, n in ops for i in range(n))


warnings.simplefilter("ignore")
if sys.argv[1] == "server":
    serve(*sys.argv[2:])
else:
    todo = [(op, int(n)) for op, n in (a.split(":") for a in sys.argv[3:])]
    print((store if sys.argv[1] == "objects" else search)(sys.argv[2], todo))
