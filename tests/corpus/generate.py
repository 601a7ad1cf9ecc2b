#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Labelled lines of API-shaped traffic from a seed: generate.py PART LINES SEED OUT [keys|objects], PART tune or held.
With keys the fields that hold a class have names that say nothing, with objects no object is a person: what the
recall loses is what that evidence is worth.
OUT.txt has one document a line, OUT.labels one object {line, class, start, end} for each value that is there, in bytes.
Key phrases, texts and shapes of documents are split between the parts by name: none is in both where a class has two."""
import hashlib
import json
import random
import sys
import urllib.parse

import classes
import words


def part_of(name):
    return "held" if hashlib.sha1(name.encode()).digest()[0] & 1 else "tune"


def share(items, part, name=str):
    mine = [i for i in items if part_of(name(i)) == part]
    return mine or list(items)


def words_of(phrase):
    return phrase.replace("-", " ").split()


STYLES = [
    lambda w: "_".join(w), lambda w: w[0] + "".join(x.capitalize() for x in w[1:]), lambda w: "-".join(w),
    lambda w: "".join(x.capitalize() for x in w), lambda w: "_".join(w).upper(), lambda w: " ".join(x.capitalize() for x in w),
    lambda w: ".".join(w), lambda w: "".join(w),
]
OPAQUE = ["f%d", "c%d", "x_%d", "attr%d", "field_%d", "p%d", "col%d", "k%d"]


class Leaf:
    """A value of parts (text, class or None)."""

    def __init__(self, parts, bare=False):
        self.parts = parts
        self.bare = bare


class Out:
    def __init__(self):
        self.data = b""
        self.labels = []

    def put(self, text, cls=None):
        raw = text.encode()
        if cls:
            self.labels.append((cls, len(self.data), len(self.data) + len(raw)))
        self.data += raw


def escaped(text, ascii_only):
    return json.dumps(text, ensure_ascii=ascii_only)[1:-1]


def put_json(out, node, r, ascii_only):
    """A tree of dict items [(key, node)], lists and leaves; the text between is that of some serializer."""
    comma, colon = (", ", ": ") if out.spaced else (",", ":")
    if isinstance(node, Leaf):
        if node.bare:
            for text, cls in node.parts:
                out.put(text, cls)
            return
        out.put('"')
        for text, cls in node.parts:
            out.put(escaped(text, ascii_only), cls)
        out.put('"')
    elif isinstance(node, dict):
        out.put("{")
        for i, (key, value) in enumerate(node.items()):
            out.put((comma if i else "") + json.dumps(key, ensure_ascii=ascii_only) + colon)
            put_json(out, value, r, ascii_only)
        out.put("}")
    else:
        out.put("[")
        for i, value in enumerate(node):
            if i:
                out.put(comma)
            put_json(out, value, r, ascii_only)
        out.put("]")


class Maker:
    def __init__(self, part, seed, blind=""):
        self.blind = blind
        self.r = random.Random("%s/%d" % (part, seed))
        self.part = part
        self.negative = share(classes.NEGATIVE, part, lambda n: n[0])
        self.phrases = {c: share(p[2], part) for c, p in classes.POSITIVE.items()}
        self.alone = share(classes.TEXT_ALONE, part)
        self.keyed = share(classes.TEXT_KEYED, part)
        self.none = share(classes.TEXT_NONE, part)
        self.persons = share(classes.PERSON_OBJECTS, part)
        self.things = share(classes.THING_OBJECTS, part)
        self.opaque = share(OPAQUE, part)
        self.names = list(classes.POSITIVE)
        self.columns = share(classes.COLUMNS, part, lambda c: c[0])
        self.turn = 0

    def next_class(self):
        """Each class in turn, so that the rarest has as many cases as the commonest."""
        if self.turn % len(self.names) == 0:
            self.r.shuffle(self.names)
        self.turn += 1
        return self.names[self.turn % len(self.names)]

    def positive(self, style):
        """A key and a leaf of the next class; an opaque key where the value stands on its own."""
        r, cls = self.r, self.next_class()
        alone, keyed, _ = classes.POSITIVE[cls]
        if (alone and r.random() < 0.25) or self.blind == "keys":
            alone = alone or keyed
            return (r.choice(self.opaque) % r.randrange(100)), Leaf([(alone(r), cls)])
        key = style(words_of(r.choice(self.phrases[cls])))
        value = keyed(r)
        bare = value.isdigit() and value[0] != "0" and len(value) < 19 and r.random() < 0.3
        return key, Leaf([(value, cls)], bare)

    def nothing(self, style):
        r = self.r
        phrase, make = r.choice(self.negative)
        value = make(r)
        bare = value in ("true", "false") or (value.isdigit() and (value[0] != "0" or value == "0") and r.random() < 0.7)
        return style(words_of(phrase)), Leaf([(value, None)], bare)

    def fields(self, style, positives, negatives):
        items = [self.positive(style) for _ in range(positives)] + [self.nothing(style) for _ in range(negatives)]
        self.r.shuffle(items)
        return dict(items)

    def text(self, positive):
        """Parts of one sentence."""
        r = self.r
        if not positive:
            template, cls, value, phrase = r.choice(self.none), None, "", ""
        else:
            cls = self.next_class()
            while cls in words.TEXTLESS:
                cls = self.next_class()
            alone, keyed, _ = classes.POSITIVE[cls]
            phrase = "value" if self.blind == "keys" else " ".join(words_of(r.choice(self.phrases[cls])))
            if alone and r.random() < 0.5:
                template, value = r.choice(self.alone), alone(r)
            else:
                template, value = r.choice(self.keyed), keyed(r)
        parts, rest = [], template.replace("\\n", "\n")
        while rest:
            at = min((rest.find(m) for m in ("{K}", "{V}", "{N}") if m in rest), default=-1)
            if at < 0:
                parts.append((rest, None))
                break
            parts.append((rest[:at], None))
            mark = rest[at:at + 3]
            parts.append((phrase, None) if mark == "{K}" else (value, cls) if mark == "{V}" else (self.nothing_text(), None))
            rest = rest[at + 3:]
        return parts

    def nothing_text(self):
        return self.r.choice(self.negative)[1](self.r)

    # ---- documents: each puts one line, positive or not

    def json(self, out, positive):
        r, style = self.r, self.r.choice(STYLES[:7] if self.part == "held" else STYLES[:6])
        out.spaced = r.random() < 0.4
        n = r.randint(1, 3) if positive else 0
        thing = self.fields(style, 0, r.randint(3, 8))
        if r.random() < 0.2:
            thing[style(["note"])] = Leaf(self.text(positive and r.random() < 0.5))
        person = self.fields(style, n, r.randint(1, 4))
        shape = r.randrange(4)
        tname = style(words_of(r.choice(self.things)))
        pname = style(words_of(r.choice(self.things if self.blind else self.persons)))
        if shape == 0:
            tree = {**thing, pname: person}
        elif shape == 1:
            tree = {tname: thing, "data": {pname: [person, self.fields(style, n, 2)]}}
        elif shape == 2:
            tree = [{**person, **thing}]
        else:
            tree = {"result": {tname: {pname: person, "items": [thing]}}, "ok": Leaf([("true", None)], True)}
        put_json(out, tree, r, r.random() < 0.3)

    def nested(self, out, positive):
        """JSON in a string of JSON: labels are bytes of the outer text."""
        style = self.r.choice(STYLES[:6])
        inner = Out()
        inner.spaced = False
        put_json(inner, self.fields(style, 2 if positive else 0, 6), self.r, True)
        out.put('{"%s":"' % self.r.choice(["body", "payload", "message"]))
        last = 0
        for cls, start, end in sorted(inner.labels, key=lambda x: x[1]):
            out.put(escaped(inner.data[last:start].decode(), True))
            out.put(escaped(inner.data[start:end].decode(), True), cls)
            last = end
        out.put(escaped(inner.data[last:].decode(), True) + '"}')

    def plain(self, positive, style, count):
        """Fields whose value has neither line end nor escape, for texts of name and value."""
        items = []
        for i in range(count):
            while True:
                key, leaf = self.positive(style) if positive and i < 2 else self.nothing(style)
                if "\n" not in leaf.parts[0][0]:
                    break
            items.append((key, leaf.parts[0]))
        self.r.shuffle(items)
        return items

    def form(self, out, positive):
        for i, (key, (text, cls)) in enumerate(self.plain(positive, self.r.choice(STYLES[:4]), 7)):
            out.put(("&" if i else "") + key + "=")
            out.put(urllib.parse.quote(text, safe="" if self.r.random() < 0.5 else "@:-/"), cls)

    def logfmt(self, out, positive):
        out.put("ts=2026-03-04T05:06:07Z level=%s " % self.r.choice(["info", "warn", "debug"]))
        for i, (key, (text, cls)) in enumerate(self.plain(positive, self.r.choice(STYLES[:3]), 6)):
            quoted = " " in text or self.r.random() < 0.3
            out.put((" " if i else "") + key + "=" + ('"' if quoted else ""))
            out.put(text, cls)
            out.put('"' if quoted else "")

    def sql(self, out, positive):
        items = self.plain(positive, STYLES[0], 5)
        out.put("UPDATE %s SET " % self.r.choice(["accounts", "orders", "t_17"]))
        for i, (key, (text, cls)) in enumerate(items):
            out.put((", " if i else "") + key + " = '")
            out.put(text.replace("'", "''"), cls)
            out.put("'")
        out.put(" WHERE id = %s" % self.nothing_text().split(" ")[0])

    def prose(self, out, positive):
        lines = [positive] + [False] * self.r.randint(1, 5)
        self.r.shuffle(lines)
        for i, p in enumerate(lines):
            out.put(" " if i else "")
            for text, cls in self.text(p):
                out.put(text.replace("\n", " "), None if cls == "private_key" and "\n" not in text and not p else cls)
            out.put(".")

    def chat(self, out, positive):
        """A prompt to a model, or its answer, as its API carries it."""
        out.spaced = True
        put_json(out, {"model": Leaf([("m-4-%d" % self.r.randrange(9), None)]), "messages": [
            {"role": Leaf([("system", None)]), "content": Leaf(self.text(False))},
            {"role": Leaf([("user", None)]), "content": Leaf(self.text(positive))}],
            "temperature": Leaf([("0.%d" % self.r.randrange(1, 9), None)], True)}, self.r, self.r.random() < 0.5)

    def rows(self, out, positive):
        """A list of records: what one value of a column leaves open, all of them together tell."""
        r, style = self.r, self.r.choice(STYLES[:6])
        out.spaced = r.random() < 0.4
        columns = [(style(words_of(p)), make, None) for p, make in r.sample(self.negative, r.randint(2, 4))]
        columns += [(r.choice(self.opaque) % r.randrange(100, 200), make, None) for make in r.sample(classes.COLUMNS_NONE, 2)]
        if positive:
            cls, make = r.choice(self.columns)
            columns.append((r.choice(self.opaque) % r.randrange(200, 300), make, cls))
        if r.random() < 0.5:
            person = positive	# who has such a number is a person
            columns.append((style(["name"]), classes.ROW_NAMES if person else classes.ROW_TITLES, "person_name" if person else None))
            if person and r.random() < 0.6:
                columns.append((style(words_of(r.choice(self.phrases["email"]))), classes.POSITIVE["email"][1], "email"))
        r.shuffle(columns)
        made = dict((key, (make, cls)) for key, make, cls in columns)
        tree = [{key: Leaf([(make(r), cls)]) for key, (make, cls) in made.items()} for _ in range(r.randint(20, 32))]
        put_json(out, {style(words_of(r.choice(self.things))) + "s": tree}, r, r.random() < 0.3)

    def beside(self, out, positive):
        """Words that may be a person's or a place's or a thing's: what stands beside them tells."""
        r, style = self.r, self.r.choice(STYLES[:6])
        out.spaced = r.random() < 0.4
        tree = self.fields(style, 0, r.randint(1, 4))
        for phrase, person, thing, cls in r.sample(classes.AMBIGUOUS, r.randint(1, 3)):
            tree[style(words_of(phrase))] = Leaf([((person if positive else thing)(r), cls if positive else None)])
        if positive:
            cls = r.choice(["email", "phone", "iban", "us_ssn"])
            tree[style(words_of(r.choice(self.phrases[cls])))] = Leaf([(classes.POSITIVE[cls][1](r), cls)])
        items = list(tree.items())
        r.shuffle(items)
        put_json(out, {style(words_of(r.choice(self.things))): dict(items)}, r, r.random() < 0.3)

    KINDS = [("rows", 1), ("beside", 6), ("json", 40), ("nested", 6), ("form", 10), ("logfmt", 10), ("sql", 8), ("prose", 14), ("chat", 12)]

    def line(self):
        kinds, weights = zip(*self.KINDS)
        out = Out()
        getattr(self, self.r.choices(kinds, weights)[0])(out, self.r.random() < 0.6)
        assert b"\n" not in out.data
        return out


def main():
    part, count, seed, name = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    maker = Maker(part, seed, sys.argv[5] if len(sys.argv) > 5 else "")
    with open(name + ".txt", "wb") as text, open(name + ".labels", "w") as labels:
        for line in range(count):
            out = maker.line()
            text.write(out.data + b"\n")
            for cls, start, end in out.labels:
                labels.write(json.dumps({"line": line, "class": cls, "start": start, "end": end}) + "\n")


if __name__ == "__main__":
    main()
