#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""plant.py - invented values that look like real ones, the same ones every time.

As a program:
  plant.py bodies DIR N     N JSON bodies DIR/0.json..., each with one card number and one
                            e-mail address, all different
As a module: card(i), email(i), iban(i), ssn(i), phone(i), jwt(i), aws_key(i), password(i),
private_key(i); none is a published sample, none belongs to anybody.
"""
import base64
import hashlib
import json
import os
import sys


def digits(seed, n):
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big")
    return str(number % 10 ** n).zfill(n)


def letters(seed, n, alphabet):
    raw = b"".join(hashlib.sha256(f"{seed}/{i}".encode()).digest() for i in range(n // 32 + 1))
    return "".join(alphabet[b % len(alphabet)] for b in raw[:n])


UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = UPPER.lower()
NUMBER = "0123456789"


def luhn(body):
    total = 0
    for place, c in enumerate(reversed(body)):
        d = int(c) * (2 if place % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return body + str(-total % 10)


def card(i):
    return luhn("453998" + digits(f"card {i}", 9))


def email(i):
    return f"{letters(f'first {i}', 6, LOWER)}.{letters(f'last {i}', 8, LOWER)}@harborline-logistics.com"


def iban(i):
    bban = "37040044" + digits(f"iban {i}", 10)
    check = 98 - int(bban + "131400") % 97
    return f"DE{check:02d}{bban}"


def ssn(i):
    d = digits(f"ssn {i}", 9)
    return f"{500 + int(d[:3]) % 160}-{10 + int(d[3:5]) % 89}-{1000 + int(d[5:]) % 8999}"


def phone(i):
    return "+4930" + str(20000000 + int(digits(f"phone {i}", 7)))


def b64url(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwt(i):
    head = b64url(b'{"alg":"HS256","typ":"JWT"}')
    body = b64url(json.dumps({"sub": digits(f"sub {i}", 12), "name": letters(f"name {i}", 9, LOWER)}).encode())
    return f"{head}.{body}.{b64url(hashlib.sha256(f'jwt {i}'.encode()).digest())}"


def aws_key(i):
    return "AKIA" + letters(f"aws {i}", 16, UPPER + "234567")


def password(i):
    return letters(f"password {i}", 14, UPPER + LOWER + NUMBER) + "!9zQ"


def private_key(i):
    body = "\n".join(letters(f"key {i} {n}", 64, UPPER + LOWER + NUMBER) for n in range(4))
    return f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----"


def basic(i):
    return base64.b64encode(f"svc{digits(f'user {i}', 6)}:{password(i)}".encode()).decode()


def bodies(folder, n):
    os.makedirs(folder, exist_ok=True)
    for i in range(n):
        body = {"order": i + 1, "customer": {"email": email(i)}, "card": {"number": card(i)}}
        with open(os.path.join(folder, f"{i}.json"), "w", encoding="ascii") as out:
            json.dump(body, out)


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] != "bodies":
        sys.exit(__doc__)
    bodies(sys.argv[2], int(sys.argv[3]))
