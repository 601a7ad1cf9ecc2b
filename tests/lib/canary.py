#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""canary.py - plants values everywhere a request can carry one, and looks for them.

  canary.py needles                      every form of every value, one a line
  canary.py send PORT TLS_PORT [COUNT]   one request a needle and some hostile ones, to
                                         api_server.py (or the first COUNT of them);
                                         prints how many were answered
  canary.py search PATH...               looks for each needle, in upper and lower case,
                                         in every file below; prints "FILE: form of NAME",
                                         never the needle; exit 1 if one was found

A needle is one of twelve values as it is, URL-encoded, JSON-escaped, in base64 and in hex.
"""
import base64
import json
import os
import socket
import ssl
import sys

import plant

SEED = "canary"


def values():
    return {
        "email": plant.email(SEED),
        "card": plant.card(SEED),
        "iban": plant.iban(SEED),
        "ssn": plant.ssn(SEED),
        "phone": plant.phone(SEED),
        "jwt": plant.jwt(SEED),
        "aws_key": plant.aws_key(SEED),
        "private_key": plant.private_key(SEED),
        "basic": plant.basic(SEED),
        "password": plant.password(SEED),
        "quoted_email": '"Zoë" <' + plant.email(SEED + "2") + ">",
        "card_dashed": "-".join(plant.card(SEED + "2")[i:i + 4] for i in range(0, 16, 4)),
    }


def url_form(value):
    return "".join(f"%{b:02X}" for b in value.encode())


def json_form(value):
    return "".join(f"\\u{ord(c):04x}" for c in value)


FORMS = {
    "plain": lambda v: v,
    "url": url_form,
    "json": json_form,
    "base64": lambda v: base64.b64encode(v.encode()).decode(),
    "hex": lambda v: v.encode().hex(),
}


def needles():
    for name, value in values().items():
        for form, make in FORMS.items():
            yield name, form, make(value)


def header(text):
    """What can stand in a header: no line ends; the rest as hostile as it is."""
    return text.replace("\n", " ").replace("\r", " ").encode("utf-8")


def target(text):
    """What can stand in a request line: no spaces, no line ends."""
    return "".join(c if 0x20 < ord(c) < 0x7f else url_form(c) for c in text).encode()


# Names beside values that are findings, so that the names reach paths.
def json_body(needle):
    # The JSON-escaped form is planted as text of the document, unescaped by its reader.
    raw = needle if needle.startswith("\\u") else json.dumps(needle)[1:-1]
    return ('{"%s": "%s", "nested": {"%s": {"email": "%s"}, "list": [{"%s": "%s"}]}, "password": "%s", "note": "see %s now"}'
            % (raw, plant.card("beside"), raw, plant.email("beside"), raw, plant.iban("beside"), raw, raw)
            ).encode("utf-8"), b"application/json"


def form_body(needle):
    name = url_form(needle)
    return f"{name}={plant.card('beside')}&password={name}&email={name}".encode(), b"application/x-www-form-urlencoded"


def multipart_body(needle):
    mark = b"----weirCanary"
    part = header(needle).replace(b'"', b"%22")
    return (b"--" + mark + b'\r\nContent-Disposition: form-data; name="' + part + b'"; filename="' + part + b'.txt"\r\n'
            b"Content-Type: text/plain\r\n\r\n" + needle.encode() + b" " + plant.card("beside").encode() + b"\r\n--" + mark + b"--\r\n",
            b"multipart/form-data; boundary=" + mark)


def text_body(needle):
    return f"{needle} then {plant.card('beside')}".encode(), b"text/plain"


BODIES = (json_body, form_body, multipart_body, text_body)


def request(needle, i):
    body, kind = BODIES[i % len(BODIES)](needle)
    path = target(needle).replace(b"?", b"%3F").replace(b"#", b"%23").replace(b"/", b"%2F")
    return b"\r\n".join((
        b"POST /echo/" + path + b"/orders?" + target(needle).replace(b"&", b"%26") + b"=" + plant.card("beside").encode() +
        b"&email=" + target(needle).replace(b"&", b"%26") + b" HTTP/1.1",
        b"Host: " + (header(needle) if i % 2 else b"localhost"),
        b"Cookie: session=" + header(needle).replace(b";", b"%3B"),
        b"X-" + target(needle).replace(b":", b"-")[:60] + b": " + plant.email("beside").encode(),
        b"X-Customer-Email: " + header(needle),
        b"Authorization: Basic " + plant.basic(SEED).encode() if i % 3 else b"Authorization: Bearer " + plant.jwt(SEED).encode(),
        b"User-Agent: " + header(needle),
        b"Referer: https://localhost/" + path,
        b"Content-Type: " + kind,
        b"Content-Length: " + str(len(body)).encode(), b"", b"")) + body


# Names that would do harm where they are shown: a terminal, a spreadsheet, a browser.
HOSTILE = (
    "\x1b[31mred\x1b[0m", "\x1b]0;owned\x07", "\x9b31m", "=cmd|' /C calc'!A0", "+cmd|calc", "@SUM(cmd)", "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>", "'; DROP TABLE leaf; --", "line\nbreak\r\nX: y", "\u202egnp.exe", "a" * 5000,
)


def hostile_request(text, i):
    key = json.dumps(text)
    body = f'{{{key}: "{plant.card("beside")}", {key}: {{"email": "{plant.email("beside")}"}}}}'.encode("utf-8")
    raw = text.replace("\r", "").replace("\n", "").replace(" ", "+").encode("utf-8", "replace")
    return b"\r\n".join((
        b"POST /echo/" + raw[:300] + b"/x?" + raw[:300] + b"=" + plant.card("beside").encode() + b" HTTP/1.1",
        b"Host: " + (raw[:200] if i % 2 else b"localhost"),
        b"Content-Type: application/json", b"Content-Length: " + str(len(body)).encode(), b"", b"")) + body


def connect(port, tls):
    conn = socket.create_connection(("127.0.0.1", port), timeout=20)
    if not tls:
        return conn
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(conn, server_hostname="localhost")


def exchange(conn, data):
    """True when the whole answer came."""
    conn.sendall(data)
    got = b""
    while b"\r\n\r\n" not in got:
        more = conn.recv(65536)
        if not more:
            return False
        got += more
    head, _, rest = got.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
    while len(rest) < length:
        more = conn.recv(65536)
        if not more:
            return False
        rest += more
    return head.startswith(b"HTTP/1.1 ")


def send(port, tls_port, count=None):
    answered = 0
    wanted = [request(n, i) for i, (_, _, n) in enumerate(needles())]
    wanted += [hostile_request(t, i) for i, t in enumerate(HOSTILE)]
    wanted = wanted[:count]
    for i, data in enumerate(wanted):
        with connect(tls_port if i % 2 else port, i % 2 == 1) as conn:
            answered += exchange(conn, data)
    print(answered, "of", len(wanted))


def files(paths):
    for path in paths:
        if os.path.isfile(path):
            yield path
        for folder, _, names in os.walk(path):
            for name in names:
                yield os.path.join(folder, name)


def forms_on_disk():
    """What to look for: each needle, its escapes undone, and its base64 without the padding."""
    for name, form, needle in needles():
        looked = {needle, needle.replace("\n", "\\n"), needle.replace("\n", " "), needle.rstrip("=")}
        if form == "base64":
            looked.add(needle.rstrip("=").replace("+", "-").replace("/", "_"))
        for text in looked:
            yield name, form, text.encode("utf-8").lower()
    # One line of a key or half of a name is enough to be a leak.
    yield "private_key", "one line", plant.private_key(SEED).split("\n")[2].lower().encode()
    for seed in (SEED, SEED + "2"):
        yield "email", "local part", plant.email(seed).split("@")[0].encode()
    yield "card_dashed", "digits", plant.card(SEED + "2").encode()
    yield "jwt", "payload", plant.jwt(SEED).split(".")[1].lower().encode()
    yield "jwt", "signature", plant.jwt(SEED).split(".")[2].lower().encode()
    # What stood beside the needles is payload too.
    yield "beside", "card", plant.card("beside").encode()
    yield "beside", "email", plant.email("beside").encode()
    yield "beside", "iban", plant.iban("beside").lower().encode()


def search(paths):
    looked, found = list(forms_on_disk()), 0
    for name in files(paths):
        try:
            with open(name, "rb") as f:
                content = f.read().lower()
        except OSError:
            continue
        for value, form, text in looked:
            if text in content:
                print(f"{name}: {form} of {value}")
                found += 1
    return 1 if found else 0


def main(argv):
    if argv[1] == "needles":
        for _, _, needle in needles():
            print(needle)
    elif argv[1] == "send":
        send(*map(int, argv[2:5]))
    elif argv[1] == "search":
        sys.exit(search(argv[2:]))
    else:
        sys.exit(__doc__)


main(sys.argv)
