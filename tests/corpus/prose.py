#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""prose.py WEIR OUT [SEED] [--least] [--misses N]: what people write, with the six classes that stand in prose, scored. Its sentences are
its own: none is in the corpus that the classifier is tuned by. Each number is written in one of the ways of WAYS; a table for each.
Every way is counted against the goals, but for those that README.md does not promise (HARD)."""
import base64
import html
import json
import os
import random
import sys
import urllib.parse

import score
import values as v

GOAL = {"email": (0.98, 0.97), "iban": (0.98, 0.97), "pan": (0.98, 0.97), "us_ssn": (0.98, 0.97), "ip": (0.98, 0.97), "phone": (0.9, 0.75)}

# What names the value says the words before it; {V} is the value, {N} a number that is none of these, {P} a person's name.
SAID = {
    "email": ["You can reach {P} at {V} until Friday.", "Please copy {V} on the thread", "{P} <{V}> wrote:", "Forwarded by {V} on Tuesday.", "Write to {V}, not to me.",
              "Schreiben Sie bitte an {V}.", "Mon adresse: {V} (bureau)", "Mi correo es {V}; gracias.", "Contactez-nous ({V}) avant lundi", "proszę pisać na {V}",
              "If {V} bounces, try the other one.", "Kind regards,\n{P}\n{V}\nRoom {N}", "mailto:{V}?subject=Rota", "Stuur het naar {V} s.v.p."],
    "iban": ["Transfer it to {V} by the end of the month.", "Our account is {V}, reference {N}.", "Bitte überweisen Sie auf {V}.", "Le virement part sur {V} demain.",
             "The refund went to {V} and not to the old one", "IBAN {V} - BIC see below", "Ingresad la cuota en {V}, concepto {N}.", "Payable to {P}, {V}.", "przelew na {V}"],
    "pan": ["I paid with {V} but was charged twice.", "My card {V} expired, can I use another?", "charge {V} again please", "Die Karte {V} wurde abgelehnt.",
            "La carte {V} ne marche plus.", "It says {V} is not accepted??", "old card: {V}, new card follows", "Mi tarjeta {V} fue clonada ayer", "{P} read me {V} over the phone."],
    "us_ssn": ["My social is {V}.", "{P}, {V}, born in Ohio", "SSN {V} does not match the form", "we need {V} on the W-4", "The applicant ({V}) was refused.",
               "Please verify {V} against the payroll of {N}", "taxpayer {V} filed late"],
    "ip": ["Blocked {V} after forty attempts.", "The request came from {V}, not from the office.", "login from {V} at noon", "Zugriff von {V} wurde verweigert.",
           "connexion depuis {V} refusée", "Can you whitelist {V}?", "host {V} does not answer", "traceroute ends at {V}", "User {P} signed in from IP {V}."],
    "phone": ["Call me back on {V} after five.", "My number is {V}.", "Tel. {V}, ask for {P}", "Sie erreichen mich unter {V}.", "Appelez le {V} avant midi",
              "llámame al {V}", "text {V} when you are there", "{P}, mobile {V}", "Phone: {V} (office)", "WhatsApp {V} works best", "mijn nummer is {V}", "proszę dzwonić: {V}"],
}
NOTHING = [
    "Order {N} left the depot at 14:05 with 3 parcels.", "The build of 2026-03-14 took 1182 s and failed in step 7.", "See RFC 2616, section 14.9, and ISO 8601-1:2019.",
    "Version 10.4.2.1 fixes what 10.4.1.9 broke.", "@maria can you look at this? @team too", "The invoice of {N} is 1,204.50 EUR, payable in 30 days.",
    "Our office is open 8:00-17:30, room 4.12.", "Meeting ID 812 4455 1029, no passcode", "Die Sendung 00340434161094021501 ist unterwegs.", "ISBN 978-3-16-148410-0, second edition",
    "Le dossier n° 2026-118-443 est clos.", "Part 555-12-901-A is out of stock", "between 1914-1918 and 1939-1945", "ticket #48213991 was merged into #48213442",
    "lat 52.520008, lon 13.404954", "sha256 of the image: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "uuid 3f2b8c1e-77aa-4d1c-9a10-5be0c2f4ad91 was reused",
    "The score was 3-2 (1-1), 45,312 watched.", "Call it at 555 rpm, 1200 W.", "pi is 3.14159265358979", "el pedido {N} llega mañana", "npm install left-pad@1.3.0 && git@ would not do",
    "Section 4111.11 of the code; see 11-1111.", "epoch 1767225600 is new year's day", "temperature 21.5 C, 1013 hPa, 40-60 % rh", "Flight LH 2034, gate B12, seat 23A",
    "MAC of the printer is on the label; serial CN-0R1T33-70163", "wymiary 120x80x75 cm, waga 12,5 kg", "Reference RF18 5390 0754 7034", "chapter 12, pages 301-344",
]
DIGITS = str.maketrans("0123456789", "０１２３４５６７８９")


def dashed_ssn(r):
    return v.us_ssn(r)


MAKE = {"email": v.email, "iban": v.iban, "pan": v.pan, "us_ssn": dashed_ssn, "ip": v.ip, "phone": v.phone}


def number(r):
    return r.choice([v.row_id, v.luhn_id, v.tracking, v.sku, v.small])(r)


def folded(r, text):
    """Where a mail program breaks a line: after a separator, or in the middle of a long number with a soft break."""
    at = [i for i, c in enumerate(text) if c in " -"]
    if not at:
        return text
    i = r.choice(at)
    return text[:i] + ("\n" if text[i] == " " else text[i] + "\n") + text[i + 1:]


def separated(r, text):
    """Blanks that typesetters use, dots and dashes between the groups."""
    return text.replace(" ", r.choice(["\u00a0", "\u202f", "\u2009"])).replace("-", r.choice(["\u2011", "\u2013"])) if any(c in text for c in " -") else text


def entities(r, text):
    return "".join("&#%d;" % ord(c) if c in "@.-+:" and r.random() < 0.8 else html.escape(c) for c in text)


# name, what it makes of a value, which classes it makes sense for, what it makes of the whole text
WAYS = {
    "as written": (lambda r, t: t, set(GOAL), None),
    "blanks of typesetters": (separated, {"iban", "pan", "phone", "us_ssn"}, None),
    "full-width digits": (lambda r, t: t.translate(DIGITS), {"pan", "us_ssn", "phone"}, None),
    "folded lines": (folded, {"iban", "pan", "phone"}, None),
    "percent-coded": (lambda r, t: urllib.parse.quote(t, safe=""), set(GOAL), None),
    "HTML entities": (entities, set(GOAL), None),
    "base64": (lambda r, t: t, set(GOAL), lambda text: base64.b64encode(text.encode()).decode()),
}


def fill(r, template, cls, value):
    """The text and the label of value in it, in bytes."""
    before, _, after = template.partition("{V}")
    names = lambda t: t.replace("{N}", number(r)).replace("{P}", r.choice(v.GIVEN) + " " + r.choice(v.FAMILY))
    before, after = names(before), names(after)
    return before + value + after, (len(before.encode()), len((before + value).encode())) if cls else None


def documents(way, r, count):
    change, allowed, whole = WAYS[way]
    for i in range(count):
        sentences, labels, at = [], [], 0
        kinds = [r.choice(sorted(allowed))] + [None] * r.randint(1, 4)
        r.shuffle(kinds)
        for cls in kinds:
            template = r.choice(SAID[cls]) if cls else r.choice(NOTHING)
            text, span = fill(r, template, cls, change(r, MAKE[cls](r)) if cls else "")
            if span:
                labels.append((cls, at + span[0], at + span[1]))
            sentences.append(text)
            at += len(text.encode()) + 1
        text = " ".join(sentences)
        if whole:
            text = '{"body":"' + whole(text) + '"}'
            labels = [(cls, 9, len(text) - 2) for cls, _, _ in labels]
        yield text, labels


def write(name, way, seed, count):
    r = random.Random("prose/%s/%d" % (way, seed))
    with open(name + ".txt", "wb") as out, open(name + ".labels", "w", encoding="utf-8") as labels:
        for line, (text, marks) in enumerate(documents(way, r, count)):
            # A line is a document: one with line ends is a string of JSON, as an API carries it.
            head = b""
            if "\n" in text:
                head, raw = b'{"t":"', text.encode()
                shift = lambda i: len(head) + i + raw[:i].count(b"\n") + raw[:i].count(b'"') + raw[:i].count(b"\\")
                marks = [(cls, shift(a), shift(b)) for cls, a, b in marks]
                text = '{"t":"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"}'
            out.write(text.encode() + b"\n")
            for cls, start, end in marks:
                labels.write(json.dumps({"line": line, "class": cls, "start": start, "end": end}) + "\n")


def main():
    weir, out = os.path.abspath(sys.argv[1]), sys.argv[2]
    seed = int(sys.argv[3]) if len(sys.argv) > 3 and sys.argv[3].isdigit() else 1
    misses = int(sys.argv[sys.argv.index("--misses") + 1]) if "--misses" in sys.argv else 0
    bad = 0
    print("%-22s %s" % ("PRECISION / RECALL", "".join("%16s" % c for c in GOAL)))
    for way in WAYS:
        write(out, way, seed, 4000)
        labels = score.read(out + ".labels")
        s = score.Score(labels, score.run(weir, out + ".txt"))
        cells = []
        for cls, goal in GOAL.items():
            count, p, rc, _ = s.of([cls])
            cells.append("%7.3f / %6.3f" % (p, rc) if count or s.wrong[cls] else "-")
            bad += count and (p < goal[0] or rc < goal[1])
        others = sum(n for c, n in s.wrong.items() if c not in GOAL)
        print("%-22s %s   %d of other classes" % (way, "".join("%16s" % c for c in cells), others))
        with open(out + ".txt", "rb") as f:
            score.show(f.read().split(b"\n")[:-1], s.false, "FALSE", misses)
        with open(out + ".txt", "rb") as f:
            score.show(f.read().split(b"\n")[:-1], s.lost, "MISSED", misses)
    return 1 if bad and "--least" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
