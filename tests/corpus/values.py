# SPDX-License-Identifier: Apache-2.0
"""Values of each data class, invented at random with right check digits, and values that only look
like one. Written from the published rules of each number and not from weir's own code, so that the two
check each other."""
import base64
import binascii
import datetime
import hashlib
import string

ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase
HEX = "0123456789abcdef"
B64URL = ALNUM + "-_"


def digits(r, n, first="0123456789"):
    return r.choice(first) + "".join(r.choice("0123456789") for _ in range(n - 1))


def pick(r, alphabet, n):
    return "".join(r.choice(alphabet) for _ in range(n))


def token(r, alphabet, n):
    """Like pick, but never with a run that a reader would take for a placeholder."""
    while True:
        t = pick(r, alphabet, n)
        if len(set(t)) > min(n, len(set(alphabet))) // 3:
            return t


def wsum(text, weights):
    return sum(int(c) * w for c, w in zip(text, weights))


def luhn_digit(body):
    total = 0
    for i, c in enumerate(reversed(body)):
        d = int(c)
        if i % 2 == 0:
            d *= 2
            if d > 9:
                d -= 9
        total += d
    return str(-total % 10)


def luhn(body):
    return body + luhn_digit(body)


def until(make):
    """Draws until a check digit exists."""
    while True:
        value = make()
        if value:
            return value


def birthday(r, first=1935, last=2007):
    return datetime.date(first, 1, 1) + datetime.timedelta(days=r.randrange((last - first) * 365))


VERHOEFF_D = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
              [3, 4, 0, 1, 2, 8, 9, 5, 6, 7], [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
              [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3], [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
              [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]
VERHOEFF_P = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4], [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
              [8, 9, 1, 6, 0, 4, 3, 5, 2, 7], [9, 4, 5, 3, 1, 2, 6, 8, 7, 0], [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
              [2, 7, 9, 3, 8, 0, 6, 4, 1, 5], [7, 0, 4, 6, 9, 1, 3, 2, 5, 8]]


def verhoeff(body):
    for check in "0123456789":
        c = 0
        for i, d in enumerate(reversed(body + check)):
            c = VERHOEFF_D[c][VERHOEFF_P[i % 8][int(d)]]
        if c == 0:
            return body + check
    raise AssertionError


def mod11_10(body):
    """ISO 7064 MOD 11,10."""
    p = 10
    for c in body:
        p = (p + int(c)) % 10 or 10
        p = p * 2 % 11
    return body + str((11 - p) % 10)


def icao(text):
    values = {c: i for i, c in enumerate("0123456789" + UPPER)}
    values["<"] = 0
    return str(sum(values[c] * (7, 3, 1)[i % 3] for i, c in enumerate(text)) % 10)


def mod97_10(body):
    return "%02d" % (98 - int("".join(str(int(c, 36)) for c in body + "00")) % 97)


# ---- contact, device, online

SYLLABLES = ["ba", "ri", "mo", "ta", "len", "sor", "vek", "nu", "dal", "mir", "kos", "tev", "ola", "hun", "pri", "zan"]
GIVEN = ["Ana", "Jonas", "Mireille", "Karel", "Ingrid", "Tomasz", "Lucía", "Pieter", "Giulia", "Rui", "Nadia", "Oskar",
         "Hannah", "Emre", "Yuki", "Priya", "Daniel", "Marta", "Søren", "Chloé", "Ahmed", "Beatriz", "Wei", "Olena"]
FAMILY = ["Ruiz", "Keller", "Dubois", "Novák", "Larsen", "Kowalska", "Fernández", "de Vries", "Bianchi", "Carvalho",
          "Petrova", "Lind", "Weber", "Yılmaz", "Tanaka", "Sharma", "O'Brien", "Nowak", "Jensen", "Moreau", "Haddad",
          "Almeida", "Zhang", "Bondarenko"]


def word(r, n=None):
    return "".join(r.choice(SYLLABLES) for _ in range(n or r.randint(2, 3)))


def email(r):
    local = r.choice([word(r), word(r) + "." + word(r), word(r) + "_" + digits(r, 2), word(r) + "+" + word(r, 1),
                      r.choice(["o'", "d-"]) + word(r)])
    domain = word(r) + r.choice([".com", ".org", ".de", ".co.uk", ".fr", ".io", ".net", "-group.eu", ".com.br", ".pl"])
    if r.random() < 0.15:
        domain = "mail." + domain
    return local + "@" + domain


def nanp(r):
    area = r.choice("2346789") + r.choice("02345678") + r.choice("02345679")
    exchange = r.choice("2346789") + r.choice("02345678") + r.choice("02345679")
    return area, exchange, digits(r, 4)


def phone(r):
    a, e, n = nanp(r)
    return r.choice([
        "+1%s%s%s" % (a, e, n), "+1 %s %s %s" % (a, e, n), "+1-%s-%s-%s" % (a, e, n), "(%s) %s-%s" % (a, e, n),
        "%s-%s-%s" % (a, e, n), "+44 20 7%s %s" % (digits(r, 3), digits(r, 4)), "+4930%s" % digits(r, 8, "2345678"),
        "+49 89 %s" % digits(r, 7, "2345678"), "+33 6 %s %s %s %s" % tuple(digits(r, 2) for _ in range(4)),
        "+34 6%s" % digits(r, 8), "+351 91%s" % digits(r, 7), "+48 %s %s %s" % (digits(r, 3, "56"), digits(r, 3), digits(r, 3)),
        "+316%s" % digits(r, 8, "12345")])


def phone_national(r):
    a, e, n = nanp(r)
    return r.choice([a + e + n, "0%s %s" % (digits(r, 2, "3468"), digits(r, 7, "2345678")),
                     "06 %s %s %s %s" % tuple(digits(r, 2) for _ in range(4)), "07%s" % digits(r, 9, "45789"),
                     "%s %s %s" % (digits(r, 3, "56"), digits(r, 3), digits(r, 3))])


def ip(r):
    if r.random() < 0.25:
        return "2a0%s:%s" % (r.choice("123456"), ":".join("%x" % r.randrange(1, 65536) for _ in range(7)))
    return "%d.%d.%d.%d" % (r.choice([23, 51, 62, 78, 81, 93, 109, 151, 176, 185, 194, 212]), r.randrange(256),
                            r.randrange(256), r.randrange(1, 255))


def mac(r):
    parts = ["%02x" % r.choice([0x00, 0x3c, 0x5c, 0xa4, 0xb8, 0xd0])] + ["%02x" % r.randrange(256) for _ in range(5)]
    out = r.choice([":", "-"]).join(parts)
    return out.upper() if r.random() < 0.4 else out


def imei(r):
    return luhn("35" + digits(r, 12))


def imsi(r):
    return r.choice(["26201", "310260", "23415", "20801", "22201", "21407", "26001", "20404"]).ljust(6, "1") + digits(r, 9)


def iccid(r):
    return luhn("89" + r.choice(["49", "44", "33", "01", "48", "31"]) + digits(r, 14))


def vin(r):
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
    value = {c: int(d) for c, d in zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789")}
    value.update({d: int(d) for d in "0123456789"})
    weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2]
    body = [r.choice(["1", "W", "J", "S", "V", "Z", "5"]), r.choice(letters), r.choice(letters + "0123456789")]
    body += [r.choice(letters + "0123456789") for _ in range(8)] + list(digits(r, 6))
    check = sum(value[c] * w for c, w in zip(body, weights)) % 11
    body[8] = "X" if check == 10 else str(check)
    return "".join(body)


def uuid(r):
    h = pick(r, HEX, 32)
    return "%s-%s-4%s-%s%s-%s" % (h[:8], h[8:12], h[13:16], r.choice("89ab"), h[17:20], h[20:])


# ---- finance

def pan(r):
    kind = r.choice(["visa", "visa", "mc", "mc", "amex", "discover", "jcb", "diners", "mc2"])
    head, length = {"visa": (["4"], 16), "mc": (["51", "52", "53", "54", "55"], 16), "mc2": (["2301", "2544", "2690"], 16),
                    "amex": (["34", "37"], 15), "discover": (["6011", "65"], 16), "jcb": (["3530", "3565"], 16),
                    "diners": (["36", "38"], 14)}[kind]
    head = r.choice(head)
    while True:
        n = luhn(head + digits(r, length - len(head) - 1))
        if len(set(n)) > 4 and n[4:12] != "00000000":
            break
    style = r.random()
    if length == 16 and style < 0.3:
        sep = r.choice(" -")
        return sep.join(n[i:i + 4] for i in range(0, 16, 4))
    if length == 15 and style < 0.3:
        return "%s %s %s" % (n[:4], n[4:10], n[10:])
    return n


IBANS = {"DE": "18", "NL": "a4 10", "FR": None, "ES": "20", "BE": "12", "AT": "16", "PL": "24", "GB": "a4 14", "PT": "21",
         "CH": "17", "IE": "a4 14", "SE": "20", "DK": "14", "FI": "14", "NO": "11"}


def iban(r):
    country = r.choice([c for c in IBANS if IBANS[c]])
    bban = ""
    for part in IBANS[country].split():
        bban += pick(r, UPPER, int(part[1:])) if part[0] == "a" else digits(r, int(part))
    n = country + mod97_10(bban + country) + bban
    if r.random() < 0.35:
        return " ".join(n[i:i + 4] for i in range(0, len(n), 4))
    return n


# ---- secrets

def b64(data):
    return base64.b64encode(data).decode()


def jwt(r):
    def part(text):
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    head = r.choice(['{"alg":"HS256","typ":"JWT"}', '{"alg":"RS256","kid":"%s"}' % pick(r, HEX, 8), '{"typ":"JWT","alg":"ES256"}'])
    body = '{"sub":"%s","iat":%d,"role":"%s"}' % (digits(r, 8), r.randrange(1600000000, 1800000000), word(r))
    return part(head) + "." + part(body) + "." + token(r, B64URL, r.choice([43, 86, 342]))


def aws_access_key(r):
    return r.choice(["AKIA", "ASIA"]) + token(r, UPPER + "234567", 16)


def private_key(r):
    kind = r.choice(["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"])
    body = b64(bytes(r.randrange(256) for _ in range(r.choice([120, 240, 600]))))
    lines = [body[i:i + 64] for i in range(0, len(body), 64)]
    return "-----BEGIN %s-----\n%s\n-----END %s-----" % (kind, "\n".join(lines), kind)


def basic_auth(r):
    return "Basic " + b64(("%s:%s" % (word(r), token(r, ALNUM, r.randint(8, 14)))).encode())


def password(r):
    return r.choice([word(r).capitalize() + digits(r, 2) + r.choice("!$#?"), token(r, ALNUM + "!#%+", r.randint(9, 16)),
                     word(r) + digits(r, 4), word(r, 1) + "-" + word(r, 2) + "-" + word(r, 1) + digits(r, 1)])


def us_ssn(r):
    area = r.choice([i for i in (r.randrange(1, 666), r.randrange(667, 900)) if i])
    return "%03d-%02d-%04d" % (area, r.randrange(1, 100), r.randrange(1, 10000))


def us_ssn_bare(r):
    return us_ssn(r).replace("-", "")


# ---- values that only look like one

def luhn_id(r):
    """Passes Luhn, and is no card: no issuer begins so, or the length is none."""
    return luhn(r.choice(["7", "99", "88", "02", "77"]) + digits(r, r.choice([10, 12, 13, 13, 14])))


def snowflake(r):
    return str(r.randrange(10 ** 17, 18 * 10 ** 17))


def ulid(r):
    return "01" + pick(r, "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 24)


def timestamp(r):
    t = r.randrange(1500000000, 1900000000)
    return r.choice([str(t), str(t * 1000 + r.randrange(1000)), str(t * 10 ** 6 + r.randrange(10 ** 6)),
                     datetime.datetime.utcfromtimestamp(t).strftime("%Y-%m-%dT%H:%M:%SZ"),
                     datetime.datetime.utcfromtimestamp(t).strftime("%Y-%m-%d %H:%M:%S.%f"),
                     datetime.datetime.utcfromtimestamp(t).strftime("%d/%m/%Y")])


def version(r):
    return r.choice(["%d.%d.%d" % (r.randrange(30), r.randrange(40), r.randrange(100)),
                     "v%d.%d.%d-rc%d" % (r.randrange(5), r.randrange(20), r.randrange(20), r.randrange(9)),
                     "%d.%d.%d.%d" % (r.randrange(90, 130), 0, r.randrange(4000, 7000), r.randrange(60, 200))])


def digest(r):
    return pick(r, HEX, r.choice([32, 40, 64]))


def digest_b64(r):
    return "sha256-" + b64(bytes(r.randrange(256) for _ in range(32)))


def sku(r):
    return r.choice(["%s-%s-%s" % (pick(r, UPPER, 3), digits(r, 4), pick(r, UPPER, 2)), "%s%s" % (pick(r, UPPER, 2), digits(r, 8)),
                     digits(r, 5) + "-" + digits(r, 3), digits(r, 12)])


def row_id(r):
    return digits(r, r.randint(4, 12), "123456789")


def tracking(r):
    return r.choice(["1Z" + pick(r, UPPER + "0123456789", 16), digits(r, 12, "123456789"), digits(r, 20, "9"),
                     "RR" + digits(r, 9) + "DE"])


def price(r):
    return "%d.%02d" % (r.randrange(2000), r.randrange(100))


def coordinate(r):
    return "%.6f" % r.uniform(-89, 89)


def masked(r):
    return r.choice(["************" + digits(r, 4), "XXXX-XXXX-XXXX-" + digits(r, 4), "***-**-" + digits(r, 4), "****",
                     "[REDACTED]", word(r)[0] + "***@" + word(r)[0] + "***.com"])


def small(r):
    return str(r.randrange(2000))


def slug(r):
    return "-".join(word(r) for _ in range(r.randint(1, 4)))


def cursor(r):
    return b64(('{"o":%s}' % digits(r, 6)).encode()).rstrip("=")


def url(r):
    return "https://%s.com/%s/%s" % (word(r), slug(r), row_id(r))


def phone_like(r):
    """Ten digits that are an id."""
    return digits(r, 10, "2345678")


def ean(r):
    body = r.choice(["40", "50", "30", "87", "76"]) + digits(r, 10)
    return body + str(-sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(body)) % 10)


def crc32_base62(body, width=6):
    n = binascii.crc32(body.encode())
    out = ""
    while n:
        n, d = divmod(n, 62)
        out = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[d] + out
    return out.rjust(width, "0")


def sha256(data):
    return hashlib.sha256(data).digest()
