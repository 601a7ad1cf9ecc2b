#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traffic without personal data or secrets, a stream of lines from a seed: negatives.py MB [SEED]. API JSON, source code
and logs, full of what looks like a number of somebody or like a key: ids of all lengths, times, digests, public keys,
coordinates, versions, checksums, placeholders. Nothing of it is kept in the tree."""
import base64
import random
import string
import sys

B64 = string.ascii_letters + string.digits + "+/"
B62 = string.ascii_letters + string.digits
WORDS = ("order item stock batch queue worker index cache region bucket shard node pod image layer commit branch merge build deploy release version "
         "metric sample window bound limit offset cursor page token scope grant policy rule match route proxy gateway tenant report export import "
         "summary detail header footer invoice parcel vendor label widget panel chart series event topic partition replica leader follower lease "
         "retry backoff timeout latency budget error warning notice debug trace span parent child sibling").split()
# What programs call the things that they number. Sixteen digits at random with no such word may as well be a card's.
THINGS = ["order", "batch", "item", "message", "document", "shipment", "offset", "partition", "job", "request", "row", "record", "event", "build", "block"]
KEYS = ["id", "orderId", "order_id", "orderNumber", "order_number", "itemId", "externalId", "external_id", "ref", "reference", "transactionId", "invoiceNo", "trackingNumber",
        "tracking_number", "sku", "ean", "gtin", "isbn", "serial", "serialNumber", "batchId", "jobId", "shipmentId", "parentId", "rowId", "seq", "offset",
        "sequenceNumber", "messageId", "tweet_id", "id_str", "resourceVersion", "correlationId", "requestId", "traceId", "documentNumber", "caseId", "ticketId"]


class Draw:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.bits = self.r.getrandbits
        self.below = self.r.randrange
        self.one = self.r.choice

    def digits(self, n):
        return str(self.below(10 ** (n - 1), 10 ** n))

    def number(self):
        return self.digits(self.one((4, 5, 6, 7, 8, 9, 9, 10, 10, 11, 12, 13, 14, 15, 16, 16, 17, 18, 19)))

    def small(self):
        """As a count or in source code: not as long as a card's, but when it is a multiple of bytes or of ns."""
        return self.digits(self.one((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 18, 19, 20)))

    def hex(self, n):
        return "%0*x" % (n, self.bits(4 * n))

    def uuid(self):
        h = self.hex(32)
        return "%s-%s-4%s-a%s-%s" % (h[:8], h[8:12], h[12:15], h[15:18], h[18:30])

    def b64(self, n):
        return base64.b64encode(self.bits(8 * n).to_bytes(n, "big")).decode()

    def b62(self, n):
        return "".join(self.r.choices(B62, k=n))

    def words(self, n):
        return " ".join(self.r.choices(WORDS, k=n))

    def time(self):
        return "20%02d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (self.below(18, 31), self.below(1, 13), self.below(1, 29), self.below(24), self.below(60), self.below(60), self.below(1000))

    def epoch(self):
        t = self.below(1500000000, 1950000000)
        return self.one((t, t * 1000 + self.below(1000), t * 10 ** 6 + self.below(10 ** 6), t * 10 ** 9 + self.below(10 ** 9)))

    def version(self):
        return "%d.%d.%d" % (self.below(30), self.below(60), self.below(400))

    def coordinate(self, places):
        return "%.*f" % (places, self.r.uniform(-180, 180))


# ---- API JSON

def api_orders(d):
    return '{"orders":[' + ",".join(
        '{"%s":%s,"%s":"%s","total":"%d.%02d","currency":"EUR","createdAt":"%s","updated":%d,"etag":"%s","lines":[{"sku":"%s-%s","quantity":%d,"ean":"%s"}],"uuid":"%s"}'
        % (d.one(KEYS), d.number(), d.one(KEYS), d.number(), d.below(5000), d.below(100), d.time(), d.epoch(), d.hex(32), d.b62(3).upper(), d.digits(6), d.below(9),
           d.digits(13), d.uuid()) for _ in range(8)) + '],"page":%d,"next":"%s"}' % (d.below(900), d.b64(21))


def api_posts(d):
    return '{"statuses":[' + ",".join(
        '{"id":%s,"id_str":"%s","text":"%s #%s https://t.example.net/%s","retweet_count":%d,"in_reply_to_status_id":%s,"source":"web","lang":"en","media":[{"id":%s,"w":%d,"h":%d}]}'
        % (n, n, d.words(12), d.one(WORDS), d.b62(10), d.below(9999), d.digits(18), d.digits(18), d.below(4000), d.below(4000)) for n in (d.digits(18) for _ in range(6))) + "]}"


def api_commits(d):
    return "[" + ",".join(
        '{"sha":"%s","node_id":"%s","commit":{"message":"%s (#%d)","tree":{"sha":"%s"},"comment_count":%d,"verification":{"verified":false,"reason":"unsigned"}},"parents":[{"sha":"%s"}]}'
        % (d.hex(40), d.b64(30), d.words(6), d.below(99999), d.hex(40), d.below(9), d.hex(40)) for _ in range(6)) + "]"


def api_metrics(d):
    return '{"metric":"%s.%s","interval":60,"points":[%s],"counts":[%s],"p99":%s}' % (
        d.one(WORDS), d.one(WORDS), ",".join("[%d,%s]" % (d.epoch(), d.coordinate(d.below(1, 15))) for _ in range(20)), ",".join(d.small() for _ in range(30)), d.coordinate(6))


def api_geo(d):
    return '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"osm_id":%s,"zoom":%d},"geometry":{"type":"LineString","coordinates":[%s]}}]}' % (
        d.digits(10), d.below(20), ",".join("[%s,%s]" % (d.coordinate(15), d.coordinate(14)) for _ in range(25)))


def api_lock(d):
    return '{"packages":{' + ",".join(
        '"node_modules/%s-%s":{"version":"%s","resolved":"https://registry.example.org/%s/-/%s-%s.tgz","integrity":"sha512-%s","engines":{"node":">=%d"}}'
        % (d.one(WORDS), d.one(WORDS), d.version(), d.one(WORDS), d.one(WORDS), d.version(), d.b64(64), d.below(10, 22)) for _ in range(6)) + "}}"


def api_pod(d):
    return ('{"kind":"Pod","metadata":{"name":"%s-%s-%s","uid":"%s","resourceVersion":"%s","generation":%d,"labels":{"pod-template-hash":"%s"}},"status":{"podIP":"10.%d.%d.%d",'
            '"containerStatuses":[{"containerID":"containerd://%s","imageID":"registry.example.org/%s@sha256:%s","restartCount":%d}],"startTime":"%s"}}'
            % (d.one(WORDS), d.hex(9), d.b62(5).lower(), d.uuid(), d.digits(9), d.below(9), d.hex(9), d.below(256), d.below(256), d.below(256), d.hex(64), d.one(WORDS), d.hex(64),
               d.below(40), d.time()))


def api_opaque(d):
    return "{" + ",".join('"%s%d":"%s"' % (d.one(("f", "c", "attr", "col", "x_")), i, d.one(
        (d.digits(d.below(4, 12)), d.uuid(), d.hex(d.one((16, 24, 32, 40, 64))), d.words(3), d.version(), d.time(), d.b64(d.below(8, 40)), str(d.epoch()), "%s-%s" % (d.b62(4).upper(), d.digits(6)),
         d.coordinate(7), "%d/%d" % (d.below(99), d.below(99))))) for i in range(18)) + "}"


def api_settings(d):
    return ('{"passwordPolicy":{"minLength":%d,"expiresInDays":%d},"tokenTtl":%d,"apiKeyRotation":"%dd","secretName":"%s-%s","secretRef":"projects/%s/secrets/%s/versions/%d","authType":"oauth2",'
            '"publicKey":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI%s","keyFingerprint":"SHA256:%s","sessionTimeout":%d,"csrf":true,"password":"********","apiKey":"<redacted>","clientId":"%s.apps.example.org",'
            '"tokenEndpoint":"https://login.example.org/oauth2/%s/token","keyId":"%s","pageToken":"%s","continuationToken":"%s","idempotencyKey":"%s"}'
            % (d.below(8, 20), d.below(30, 400), d.below(100, 90000), d.below(90), d.one(WORDS), d.one(WORDS), d.digits(12), d.one(WORDS), d.below(30), d.b64(30)[:42], d.b64(32)[:43], d.below(9999),
               d.digits(12), d.uuid(), d.hex(16), d.b64(30), d.b64(30), d.uuid()))


# ---- source code

def code_tables(d):
    return "static const uint64_t table_%s[] = { %s };" % (d.hex(4), ", ".join(d.one(("0x%s" % d.hex(16), "0x%sull" % d.hex(8), d.small(), "%su" % d.digits(9), "-%s" % d.digits(10))) for _ in range(30)))


def code_sums(d):
    return "\n".join("example.org/%s/%s v%s h1:%s" % (d.one(WORDS), d.one(WORDS), d.version(), d.b64(32)) for _ in range(6)) + "\n" + "\n".join(
        'name = "%s"\nversion = "%s"\nchecksum = "%s"' % (d.one(WORDS), d.version(), d.hex(64)) for _ in range(4))


def code_python(d):
    w = lambda: d.one(WORDS)
    return ("def get_%s(self, password: str, token: Optional[str] = None, api_key=settings.API_KEY):\n    password = os.environ[\"%s_PASSWORD\"]\n    secret = config.get(\"%s\", \"secret\")\n"
            "    token = self._tokens.pop(%d)\n    if not check_password(password, user.password_hash):\n        raise ValueError(\"invalid password for %%s\" %% %s)\n    self.%s_key = hashlib.sha256(b\"%s\").hexdigest()\n"
            "    assert digest == \"%s\"\n    return {\"id\": %s, \"%s\": %s_%s}\n"
            % (w(), w().upper(), w(), d.below(99), w(), w(), w(), d.hex(64), d.number(), w(), w(), w()))


def code_script(d):
    return "!function(e,t){" + ";".join("var %s=t(%s),%s=e[%s]||function(n){return n.%s(%s)}" % (d.b62(1), d.digits(4), d.b62(2), d.digits(5), d.b62(2), d.small()) for _ in range(12)) + "}(this,function(e){});"


def code_style(d):
    return "".join(".%s-%s{color:#%s;background:url(data:image/png;base64,%s);margin:%dpx %d.%dem;z-index:%s}" % (
        d.one(WORDS), d.one(WORDS), d.hex(6), d.b64(90), d.below(40), d.below(9), d.below(99), d.digits(9)) for _ in range(4))


def code_sql(d):
    return "INSERT INTO %ss (id, parent_id, ref, checksum, created, amount) VALUES %s;" % (d.one(WORDS), ", ".join(
        "(%s, %s, '%s', '%s', '%s', %d.%02d)" % (d.small(), d.digits(18), d.b62(8).upper(), d.hex(40), d.time(), d.below(9999), d.below(100)) for _ in range(10)))


def code_env(d):
    w = lambda: d.one(WORDS).upper()
    return ("%s_PASSWORD=${%s_PASSWORD}\nAPI_KEY=your-api-key-here\nSECRET_KEY_BASE=<generate with rake secret>\n%s_TOKEN=$(cat /run/secrets/%s)\nDB_PASSWORD=changeme\nREDIS_URL=redis://localhost:6379/%d\n"
            "export %s_SECRET=\"{{ vault('%s') }}\"\nSTRIPE_KEY=sk_test_xxxxxxxxxxxxxxxxxxxxxxxx\nGITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nIMAGE=registry.example.org/%s@sha256:%s\n"
            % (w(), w(), w(), w(), d.below(16), w(), w().lower(), w().lower(), d.hex(64)))


def code_diff(d):
    return "diff --git a/%s.c b/%s.c\nindex %s..%s 100644\n@@ -%d,%d +%d,%d @@ static int %s_%s(void)\n" % (
        d.one(WORDS), d.one(WORDS), d.hex(12), d.hex(12), d.below(900), d.below(40), d.below(900), d.below(40), d.one(WORDS), d.one(WORDS)) + "\n".join(
        d.one(("+\treturn %s(%s, %s);" % (d.one(WORDS), d.one(WORDS), d.small()), "-\t#define %s_MAX %s" % (d.one(WORDS).upper(), d.small()), " \t/* %s */" % d.words(7))) for _ in range(8))


def code_certificate(d):
    body = d.b64(600)
    return "-----BEGIN CERTIFICATE-----\n" + "\n".join(body[i:i + 64] for i in range(0, len(body), 64)) + "\n-----END CERTIFICATE-----\nssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ" + d.b64(270)[:358] + "= deploy"


def code_yaml(d):
    return "\n".join("  - name: %s-%s\n    image: %s:%s\n    digest: sha256:%s\n    ports: [%d, %d]\n    env: {LOG_LEVEL: info, TOKEN_PATH: /var/run/secrets/%s, PASSWORD_FILE: /run/secrets/%s}\n    serial: %s" % (
        d.one(WORDS), d.one(WORDS), d.one(WORDS), d.version(), d.hex(64), d.below(65536), d.below(65536), d.one(WORDS), d.one(WORDS), d.number()) for _ in range(4))


# ---- logs

def log_access(d):
    return '10.%d.%d.%d - - [%02d/Mar/2026:%02d:%02d:%02d +0000] "GET /v1/%ss/%s?page=%d&cursor=%s HTTP/1.1" %d %s "-" "Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0" %s 0.%s' % (
        d.below(256), d.below(256), d.below(256), d.below(1, 29), d.below(24), d.below(60), d.below(60), d.one(WORDS), d.number(), d.below(99), d.b64(18), d.one((200, 201, 304, 404, 500)),
        d.digits(5), d.below(90, 140), d.below(90, 140), d.hex(32), d.digits(3))


def log_system(d):
    return "Mar %2d %02d:%02d:%02d host-%d %s[%d]: %s" % (d.below(1, 29), d.below(24), d.below(60), d.below(60), d.below(99), d.one(WORDS), d.below(99999), d.one((
        "Accepted publickey for deploy from 10.0.%d.%d port %d ssh2: RSA SHA256:%s" % (d.below(256), d.below(256), d.below(65536), d.b64(32)[:43]),
        "[%s.%s] usb 1-%d: new device number %d, idVendor=%s, idProduct=%s, SerialNumber: %s" % (d.digits(6), d.digits(6), d.below(9), d.below(99), d.hex(4), d.hex(4), d.number()),
        "BUG: unable to handle page fault for address: ffff%s RIP: 0010:%s+0x%s/0x%s" % (d.hex(12), d.one(WORDS), d.hex(3), d.hex(3)),
        "Failed password for invalid user %s from 192.0.2.%d port %d" % (d.one(WORDS), d.below(256), d.below(65536)),
        "session opened, lease %s until %s, %s" % (d.hex(16), d.epoch(), d.words(4)))))


def log_json(d):
    return '{"ts":%s,"level":"%s","msg":"%s, %s %s took %s ms","trace_id":"%s","span_id":"%s","request_id":"%s","bytes":%s,"%s":"%s","goid":%d,"attempt":%d,"host":"%s-%s"}' % (
        d.epoch(), d.one(("info", "warn", "debug")), d.words(4), d.one(THINGS), d.number(), d.digits(5), d.hex(32), d.hex(16), d.one((d.uuid(), d.b62(22), d.hex(24))), d.number(), d.one(KEYS), d.number(),
        d.below(99999), d.below(9), d.one(WORDS), d.hex(10))


def log_text(d):
    return d.one((
        "%s INFO  [%s-%d] c.e.%s.%s - processed %s %s in %s ms" % (d.time(), d.one(WORDS), d.below(99), d.one(WORDS), d.one(WORDS).capitalize(), d.one(THINGS), d.number(), d.digits(4)),
        "%s duration: %s ms  execute <unnamed>: SELECT * FROM %ss WHERE id = $1 -- %s" % (d.time(), d.coordinate(3).lstrip("-"), d.one(WORDS), d.hex(8)),
        "%s consumer lag partition=%d offset=%s end offset=%s group=%s" % (d.time(), d.below(99), d.number(), d.number(), d.uuid()),
        "%s: checksum mismatch, expected %s, got %s at block %s" % (d.epoch(), d.hex(64), d.hex(64), d.number()),
        "level=info ts=%s caller=%s.go:%d msg=\"%s\" %s=%s uid=%d gid=%d fp=%s" % (d.time(), d.one(WORDS), d.below(999), d.words(5), d.one(KEYS), d.number(), d.below(65536), d.below(65536), d.hex(16)),
        "shipment %s of order %s left %s, parcel %s, tracking number %s, weight %d.%d kg" % (d.number(), d.number(), d.one(WORDS), d.digits(14), d.digits(20), d.below(40), d.below(99)),
        "java.lang.IllegalStateException: %s, %s %s\\n\\tat org.example.%s.%s(%s.java:%d)" % (d.words(4), d.one(THINGS), d.number(), d.one(WORDS), d.one(WORDS), d.one(WORDS), d.below(900))))


def log_lines(d):
    return "\n".join(d.one((log_access, log_system, log_json, log_text))(d) for _ in range(6))


API = [api_orders, api_posts, api_commits, api_metrics, api_geo, api_lock, api_pod, api_opaque, api_settings]
CODE = [code_tables, code_sums, code_python, code_script, code_style, code_sql, code_env, code_diff, code_certificate, code_yaml]


def main():
    left, seed = int(float(sys.argv[1]) * 1e6), sys.argv[2] if len(sys.argv) > 2 else "1"
    d = Draw("negatives/" + seed)
    out = sys.stdout.buffer
    while left > 0:
        text = b"".join(d.one(kind)(d).encode() + b"\n" for kind in (API, API, CODE, [log_lines], [log_lines]))
        out.write(text)
        left -= len(text)


if __name__ == "__main__":
    main()
