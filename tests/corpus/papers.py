# SPDX-License-Identifier: Apache-2.0
"""What cards, passports, firms, wallets and devices carry beside the plain numbers, by the published rules of each."""
import ids
import values as v
import words
from values import UPPER, digits, luhn, pick, until, wsum

ROWS = []


def row(name, alone, keyed, *phrases):
    ROWS.append((name, alone, keyed, phrases))


def field(name, make, *phrases):
    words.TEXTLESS.add(name)
    row(name, None, make, *phrases)


# ---- the stripe of a card, ISO 7813

def track(r):
    number = until(lambda: (lambda n: n if n.isdigit() and len(n) == 16 else None)(v.pan(r)))
    rest = "%02d%02d%s%s%s" % (r.randint(26, 32), r.randint(1, 12), r.choice("125679"), r.choice("02"), r.choice("0123456"))
    if r.random() < 0.5:
        return "%%B%s^%s/%s^%s%s?" % (number, r.choice(["RUIZ", "KELLER", "O'BRIEN", "DE VRIES"]), r.choice(["ANA", "JONAS M", "C"]), rest, digits(r, 14))
    return r.choice([";%s=%s%s?", "%s=%s%s", ";%s=%s%s?", "%sD%s%s"]) % (number, rest, digits(r, 8))


row("card_track", track, None, "track data", "track2", "magstripe", "swipe data")


# ---- machine-readable zones, ICAO 9303

def mrz(r):
    state, family, given = r.choice(["D<<", "FRA", "ESP", "NLD", "POL", "USA", "GBR"]), r.choice(["RUIZ", "KELLER", "NOWAK"]), r.choice(["ANA", "JONAS<PETER", "IDA"])
    number = pick(r, "CFGHJKLMNPRTVWXYZ0123456789", 9)
    born, until_, sex = ids.ymd(r, "%y%m%d"), "%02d%02d%02d" % (r.randint(27, 35), r.randint(1, 12), r.randint(1, 28)), r.choice("MF<")
    name = family + "<<" + given
    number, born, until_ = (x + v.icao(x) for x in (number, born, until_))
    if r.random() < 0.5:
        extra = r.choice(["", digits(r, 9)]).ljust(14, "<")
        second = number + state + born + sex + until_ + extra + v.icao(extra)
        second += v.icao(number + born + until_ + extra + v.icao(extra))
        return ("P<" + state + name).ljust(44, "<") + r.choice(["\n", ""]) + second
    first = (r.choice(["I<", "ID" if state == "D<<" else "I<"]) + state + number).ljust(30, "<")
    second = born + sex + until_ + state + "<" * 11
    second += v.icao(first[5:] + born + until_ + "<" * 11)
    return "\n".join([first, second, name.ljust(30, "<")])


row("passport_mrz", mrz, None, "mrz", "mrz data", "machine readable zone", "raw mrz")


# ---- value added tax

def vat_de(r):
    return "DE" + v.mod11_10(digits(r, 8, "123456789"))


def vat_at(r):
    body = digits(r, 7)
    total = sum(sum(divmod(int(c) * (2 if i % 2 else 1), 10)) for i, c in enumerate(body))
    return "ATU" + body + str((96 - total) % 10)


def vat_fr(r):
    siren = luhn(digits(r, 8, "345789"))
    return "FR%02d%s" % ((12 + 3 * (int(siren) % 97)) % 97, siren)


def vat_nl(r):
    return "NL" + until(lambda: (lambda b: (lambda c: None if c == 10 else b + str(c))(wsum(b, range(9, 1, -1)) % 11))(digits(r, 8))) + "B%02d" % r.randint(1, 20)


def vat_be(r):
    body = r.choice("01") + digits(r, 7)
    return "BE%s%02d" % (body, 97 - int(body) % 97)


def vat_pl(r):
    return "PL" + until(lambda: ids.weighted(digits(r, 9, "123456789"), (6, 5, 7, 2, 3, 4, 5, 6, 7), 11, lambda s: s))


def vat_se(r):
    return "SE" + luhn("55" + digits(r, 7)) + "01"


def vat_dk(r):
    return "DK" + until(lambda: (lambda n: n if wsum(n, (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0 else None)(digits(r, 8, "1234")))


def vat_fi(r):
    return "FI" + until(lambda: (lambda n: n if wsum(n, (7, 9, 10, 5, 8, 4, 2, 1)) % 11 == 0 else None)(digits(r, 8)))


def vat_it(r):
    return "IT" + luhn(digits(r, 10))


def vat_gb(r):
    body = digits(r, 7, "123456789")
    return "GB%s%02d" % (body, 97 - (wsum(body, range(8, 1, -1)) + r.choice([0, 55])) % 97)


def vat_lu(r):
    body = digits(r, 6, "12")
    return "LU%s%02d" % (body, int(body) % 89)


def vat(r):
    n = r.choice([vat_de, vat_at, vat_fr, vat_nl, vat_be, vat_pl, vat_se, vat_dk, vat_fi, vat_it, vat_gb, vat_lu])(r)
    return n[:2] + " " + n[2:] if n[:2] in ("DE", "DK", "IT", "GB") and r.random() < 0.2 else n


row("eu_vat", None, vat, "vat", "vat id", "vat number", "vat no", "vatin", "ust-idnr", "umsatzsteuer id", "tva intracommunautaire", "numero iva", "btw nummer", "nip ue")


# ---- wallets

PLAIN = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def plain_address(r):
    raw = bytes([r.choice([0, 5])]) + bytes(r.randrange(256) for _ in range(20))
    raw += v.sha256(v.sha256(raw))[:4]
    n, out = int.from_bytes(raw, "big"), ""
    while n:
        n, d = divmod(n, 58)
        out = PLAIN[d] + out
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + out


def bech_sum(values):
    total = 1
    for value in values:
        top = total >> 25
        total = (total & 0x1ffffff) << 5 ^ value
        for i, g in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)):
            total ^= g if top >> i & 1 else 0
    return total


def bech_address(r):
    version = r.choice([0, 1])
    data = [version] + [r.randrange(32) for _ in range(31 if version == 0 else 51)] + [16]
    head = [3, 3, 0, 2, 3]	# "bc"
    rest = bech_sum(head + data + [0] * 6) ^ (1 if version == 0 else 0x2bc830a3)
    data += [rest >> 5 * (5 - i) & 31 for i in range(6)]
    return "bc1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[d] for d in data)


def keccak256(data):
    """Of at most 135 bytes."""
    mask = (1 << 64) - 1

    def rol(x, n):
        n %= 64
        return (x << n | x >> (64 - n)) & mask
    block = bytearray(data) + b"\x01" + bytes(135 - len(data))
    block[135] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for i in range(17):
        lanes[i % 5][i // 5] = int.from_bytes(block[8 * i:8 * i + 8], "little")
    lfsr = 1
    for _ in range(24):
        c = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
        d = [c[(x + 4) % 5] ^ rol(c[(x + 1) % 5], 1) for x in range(5)]
        lanes = [[lanes[x][y] ^ d[x] for y in range(5)] for x in range(5)]
        x, y, current = 1, 0, lanes[1][0]
        for t in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            current, lanes[x][y] = lanes[x][y], rol(current, (t + 1) * (t + 2) // 2)
        for y in range(5):
            plane = [lanes[x][y] for x in range(5)]
            for x in range(5):
                lanes[x][y] = plane[x] ^ (~plane[(x + 1) % 5] & mask & plane[(x + 2) % 5])
        for j in range(7):
            if lfsr & 1:
                lanes[0][0] ^= 1 << ((1 << j) - 1)
            lfsr = (lfsr << 1 ^ (0x171 if lfsr & 0x80 else 0)) & 0xff
    return b"".join(lanes[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def hex_address(r):
    body = pick(r, v.HEX, 40)
    digest = keccak256(body.encode()).hex()
    return "0x" + "".join(c.upper() if int(d, 16) > 7 else c for c, d in zip(body, digest))


row("crypto_address", lambda r: r.choice([plain_address, bech_address, hex_address])(r),
    lambda r: r.choice([plain_address, bech_address, hex_address, lambda r: hex_address(r).lower()])(r),
    "wallet", "wallet address", "btc address", "eth address", "deposit address", "payout address")

# ---- devices, licences, loans, programs that break

field("advertising_id", lambda r: r.choice([v.uuid(r), v.uuid(r).upper()]), "idfa", "gaid", "advertising id", "google ad id", "aaid")
field("device_fingerprint", lambda r: v.token(r, v.HEX, r.choice([32, 64])), "device fingerprint", "browser fingerprint", "canvas fingerprint")
field("us_driver_license", lambda r: r.choice([lambda: pick(r, UPPER, 1) + digits(r, 7), lambda: digits(r, 8), lambda: pick(r, UPPER, 1) + digits(r, 12),
      lambda: pick(r, UPPER, 1) + "-".join(["", digits(r, 3), digits(r, 4), digits(r, 4)])[1:], lambda: digits(r, 9)])(),
      "drivers license", "driver license number", "dl number", "drivers license no", "driving license")
field("loan_number", lambda r: r.choice(["LN-%s", "%s", "ML%s"]) % digits(r, 9), "loan number", "loan account", "mortgage number", "kreditnummer")
row("stack_trace", None, lambda r: r.choice(["Traceback (most recent call last)", "SQLSTATE[", "java.lang.NullPointerException", "You have an error in your SQL syntax"]),
    "stack trace", "exception", "error", "traceback")
words.TEXTLESS.add("stack_trace")
