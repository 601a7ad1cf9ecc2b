#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""contents.py DECODE_BODY - bodies of many shapes, made and read by others' libraries: the fields that
weir finds must be the values that they find, in their order."""
import csv
import email.message
import email.parser
import email.policy
import io
import random
import subprocess
import sys
import xml.parsers.expat

import bson
import cbor2
import msgpack

TEXTS = ["", "a", "a b", "it's", 'say "x"', "a,b", "a;b", "a\nb", "a & b < c > d", "ana@corp.org", "\u00e9\u20ac", "\U0001f600", "x" * 300,
         "4111 1111 1111 1111", "]]>", "--b", "=3D", "\\n", "a\tb"]
NAMES = ["id", "name", "mail", "phone number", "note", "\u00e9t\u00e9", "_x", "Zip-Code"]


def text(rng):
    return "".join(rng.choice(TEXTS) for _ in range(rng.randint(0, 3)))


# ---- trees of values: MessagePack, CBOR, BSON ----

def tree(rng, depth, numbers):
    kind = rng.randint(0, 8 if depth else 6)
    if kind == 0:
        return rng.choice(numbers)
    if kind == 1:
        return rng.choice([1.5, -0.25, 1e300, 0.0])
    if kind == 2:
        return rng.choice([True, False, None])
    if kind == 3:
        return bytes(rng.choice([[0, 1, 255], [128], [7] * 300]))
    if kind <= 6:
        return text(rng)
    if kind == 7:
        return [tree(rng, depth - 1, numbers) for _ in range(rng.randint(0, 20))]
    return document(rng, depth - 1, numbers)


def document(rng, depth, numbers):
    return {n: tree(rng, depth, numbers) for n in rng.sample(NAMES, rng.randint(0, len(NAMES)))}


def leaves(value, path="$", key="", found=None):
    """As weir tells them: elements of a list bear the list's name."""
    found = [] if found is None else found
    if isinstance(value, dict):
        for name, member in value.items():
            leaves(member, path + "." + name, name, found)
    elif isinstance(value, list):
        for member in value:
            leaves(member, path + "[]", key, found)
    elif value is None or isinstance(value, bool):
        found.append((path, key, 3 if value is None else 2, {None: b"null", True: b"true", False: b"false"}[value]))
    elif isinstance(value, (int, float)):
        found.append((path, key, 1, (str(value) if isinstance(value, int) else "%.15g" % value).encode()))
    else:
        found.append((path, key, 4 if isinstance(value, bytes) else 0, value if isinstance(value, bytes) else value.encode()))
    return found


# ---- tables ----

def table(rng, separator):
    columns = rng.sample(["id", "name", "mail", "phone number", "note"], rng.randint(2, 5))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), lineterminator=rng.choice(["\r\n", "\n"]))
    writer.writerow(columns)
    for _ in range(rng.randint(1, 9)):
        writer.writerow([text(rng) for _ in columns[1:]] + ["end"])
    read = csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=separator)
    names = next(read)
    found = []
    for row in read:
        found += [("csv[]." + names[i], names[i], 0, cell.encode()) for i, cell in enumerate(row) if cell]
    return out.getvalue().encode(), found


# ---- XML: expat says what stands in it ----

def element(rng, depth):
    def escape(s):
        known = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
        return "".join(known.get(c, c) if rng.random() < 0.95 else "&#%d;" % ord(c) for c in s if c >= " " or c == "\n")

    name = rng.choice(["a", "b:c", "item", "e-mail", "\u00e9"])
    attributes = "".join(' %s="%s"' % (n, escape(text(rng).replace("\n", " ")))
                         for n in rng.sample(["id", "x:kind", "z"], rng.randint(0, 3)))
    inside = ""
    for _ in range(rng.randint(0, 4)):
        inside += rng.choice([escape(text(rng)), "<!-- <a> -->", "<?p i?>", "<![CDATA[<x> &amp; ]]>", " ", "\n",
                              element(rng, depth - 1) if depth else ""])
    return "<%s%s>%s</%s>" % (name, attributes, inside, name) if inside or rng.random() < 0.5 else "<%s%s/>" % (name, attributes)


def xml_oracle(body):
    found, stack, pending = [], [], []
    parser = xml.parsers.expat.ParserCreate()
    parser.ordered_attributes = True

    def flush():
        value = "".join(pending).strip(" \t\r\n")
        if value:
            found.append((".".join(["xml"] + stack), stack[-1], 0, value.encode()))
        pending.clear()

    def start(name, attributes):
        flush()
        stack.append(name.split(":")[-1])
        for i in range(0, len(attributes), 2):
            local = attributes[i].split(":")[-1]
            found.append((".".join(["xml"] + stack + [local]), local, 0, attributes[i + 1].encode()))

    def end(name):
        flush()
        stack.pop()

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, pending.append
    parser.Parse(body, True)
    return found


# ---- parts ----

def parts(rng):
    out = b""
    for i in range(rng.randint(1, 5)):
        part = email.message.EmailMessage(policy=email.policy.SMTP.clone(cte_type="8bit"))
        part.set_content(text(rng).replace("\n", "\r\n") + ".", cte=rng.choice(["base64", "quoted-printable", "8bit"]))
        del part["MIME-Version"]
        part["Content-Disposition"] = 'form-data; name="%s"' % rng.choice(["a", "mail", "phone number"])
        out += b"--b0uNd\r\n" + part.as_bytes() + b"\r\n"
    out += b"--b0uNd--\r\n"
    read = email.parser.BytesParser(policy=email.policy.SMTP).parsebytes(b"Content-Type: multipart/form-data; boundary=b0uNd\r\n\r\n" + out)
    found = []
    for part in read.iter_parts():
        name = part.get_param("name", header="content-disposition")
        found.append(("multipart." + name, name, 0, part.get_payload(decode=True)))
    return out, found


def main():
    rng = random.Random(17)
    cases = []
    small = [0, 1, 127, 128, 255, 256, 65535, 65536, -1, -32, -33, -128, -129, -32768, -32769, 2**31, 2**32, 2**63 - 1, -2**63]
    for _ in range(211):
        value = document(rng, 3, small + [2**64 - 1])
        cases.append(("application/msgpack", msgpack.packb(value), leaves(value)))
        cases.append(("application/cbor", cbor2.dumps(value), leaves(value)))
        value = document(rng, 3, small)
        cases.append(("application/bson", bson.encode(value), leaves(value)))
        for kind, separator in (("text/csv", ","), ("text/csv", ";"), ("text/tab-separated-values", "\t")):
            cases.append((kind,) + table(rng, separator))
        body = element(rng, 4).encode()
        cases.append(("text/xml", body, xml_oracle(body)))
        cases.append(("multipart/form-data; boundary=b0uNd",) + parts(rng))
    given = b"".join(("%s %d\n" % (kind, len(body))).encode() + body for kind, body, _ in cases)
    told = subprocess.run([sys.argv[1]], input=given, stdout=subprocess.PIPE, check=True).stdout.decode()
    wrong, groups = 0, [[]]
    for line in told.split("\n"):
        if not line:
            groups.append([])
            continue
        path, key, kind, value = line.split(" ")[:4]
        groups[-1].append((bytes.fromhex(path).decode(), bytes.fromhex(key).decode(), int(kind), bytes.fromhex(value)))
    for (kind, body, expect), got in zip(cases, groups):
        if got != expect and wrong < 3:
            print("%s: %r\n  must be %r\n  and is  %r" % (kind, body, expect, got))
        wrong += got != expect
    print("%d bodies, %d fields, %d bodies otherwise than their libraries say" % (len(cases), sum(len(c[2]) for c in cases), wrong))
    return wrong or len(groups) < len(cases)


if __name__ == "__main__":
    sys.exit(main() != 0)
