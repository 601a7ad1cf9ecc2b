#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""damage.py - a recording as it would be had records found the ring full, or had weir come later.

  damage.py IN OUT SEED lose SHARE    of the data records SHARE are missing, in bursts; the next one of its stream says why
  damage.py IN OUT SEED late          all before a moment are missing: the connections of then are older than weir, and
                                      of some TLS calls that were under way nothing is told
  damage.py IN OUT SEED known         only the connections that were known at a moment, with all of them
  damage.py IN OUT SEED tail          of these all data after that moment is missing: how far each came is told at its end
  damage.py IN OUT SEED who           one connection has no data, and its close says nonsense of whose it was
  damage.py --ends IN                 prints each connection of which nothing tells how far it came
  damage.py --check ACCOUNT [WHOLE]   of `weir replay -o json`: prints what does not balance, or is below 0, and what is
                                      more than in the replay of all: less was seen, so no more can be examined or framing
"""
import json
import random
import struct
import sys

# Of struct wire_data and struct wire_life, see bpf/wire.h.
TLS, HELLO, CONN = 2, 4, 18
WHO, POS, DIR, BEFORE, LATE, LAST = 16, 120, 152, 154, 0x0008, 0x0040
RING_FULL = 11
RECORD, ORDER = 1, 3  # enum recording_kind
CLOSE, REACH, PLAIN, WHOSE = 2, 5, 6, 56  # enum order_kind; struct order, who


def number(blob, at, size):
    return int.from_bytes(blob[at:at + size], "big"), at + size


def item(blob, at):
    """One MessagePack value of the kinds that recordings have."""
    tag = blob[at]
    if tag <= 0x7F:
        return tag, at + 1
    if 0xCC <= tag <= 0xCF:
        return number(blob, at + 1, 1 << tag - 0xCC)
    if 0xA0 <= tag <= 0xBF:
        size, at = tag & 31, at + 1
    elif tag == 0xD9:
        size, at = number(blob, at + 1, 1)
    elif 0xC4 <= tag <= 0xC6:
        size, at = number(blob, at + 1, 1 << tag - 0xC4)
    else:
        raise SystemExit(f"damage: no recording of this kind: {tag:#x} at {at}")
    return blob[at:at + size], at + size


def entries(blob):
    at = 1
    for _ in range(5):
        _, at = item(blob, at)
    yield None, blob[:at]
    while at < len(blob):
        kind, at = item(blob, at + 1)
        body, at = item(blob, at)
        yield kind, Record(body) if kind == RECORD else Order(body) if kind == ORDER else body


def pack(kind, body):
    if kind is None:
        return bytes(body)
    body = bytes(getattr(body, "bytes", body))
    size = len(body)
    head = b"\xc4" + size.to_bytes(1, "big") if size < 1 << 8 else b"\xc5" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xc6" + size.to_bytes(4, "big")
    return bytes([0x92, kind]) + head + body


class Record:
    def __init__(self, body):
        self.bytes = bytearray(body)
        self.kind, self.flags, size, self.time, self.conn = struct.unpack_from("<HHIQQ", body)
        self.data = self.kind < 16
        if self.data:
            self.pos, session, generation, _, call, skipped = struct.unpack_from("<QQIIII", body, POS)
            process = body[WHO + 24:WHO + 28]
            self.stream = (process, session, generation, body[DIR]) if self.kind == TLS else (self.conn, body[DIR])
            self.end = self.pos + (call if self.kind == 3 else size + skipped)

    def shift(self, base):
        struct.pack_into("<Q", self.bytes, POS, max(0, self.pos - base))

    def late(self):
        struct.pack_into("<H", self.bytes, 2, self.flags | LATE)


class Order:
    """struct order, see daemon/daemon.h."""
    def __init__(self, body):
        self.bytes = bytearray(body)
        self.kind, = struct.unpack_from("<H", body)
        self.conn, *self.numbers = struct.unpack_from("<5Q", body, 8)

    def shift(self, sent, received):
        less = (sent, received) * 2
        struct.pack_into("<4Q", self.bytes, 16, *(max(0, n - by) for n, by in zip(self.numbers, less)))


def lose(every, chance, share):
    missing, burst = set(), 0
    for kind, r in every:
        if kind == RECORD and r.data:
            if burst or chance.random() < share:
                burst = burst - 1 if burst else chance.choice((0, 0, 0, 1, 2, 5, 20))
                missing |= {r.stream} if r.kind != HELLO else set()
                continue
            if r.kind != HELLO and r.stream in missing:
                missing.remove(r.stream)
                r.bytes[BEFORE] = RING_FULL
        yield kind, r


def late(every, chance):
    times = [r.time for kind, r in every if kind == RECORD and r.data]
    begin = times[0] + int((times[-1] - times[0]) * chance.uniform(0.05, 0.9))
    base, old, missed, told = {}, set(), {}, set()
    for kind, r in every:
        if kind == RECORD and r.data and r.time < begin and r.kind != HELLO:
            base[r.stream] = max(base.get(r.stream, 0), r.end)
            old |= {r.conn} if r.kind != TLS else set()
    for kind, r in every:
        if kind == ORDER and r.conn in old:
            if r.kind == PLAIN:
                continue  # the session is as old
            if r.kind in (CLOSE, REACH):
                r.shift(base.get((r.conn, 1), 0), base.get((r.conn, 0), 0))
        elif kind == RECORD and r.kind == CONN and r.conn in old:
            r.late()
        elif kind == RECORD and r.data:
            if r.time < begin or (r.kind == HELLO and r.conn in old):
                continue
            before = base.get(r.stream, 0) if not r.conn or r.conn in old else 0
            if r.kind == TLS and before and r.stream not in told:
                if r.flags & LAST:
                    told.add(r.stream)
                if missed.setdefault(r.stream, chance.random() < 0.4):
                    base[r.stream] = r.end
                    continue
            if r.conn in old or (r.kind == TLS and before):
                r.late()
            r.shift(before)
        yield kind, r


def known(every, chance, tail):
    times = [r.time for kind, r in every if kind == RECORD and r.data]
    moment = times[0] + int((times[-1] - times[0]) * chance.uniform(0.3, 0.9))
    there = {r.conn for kind, r in every if kind == RECORD and r.data and r.kind != TLS and r.time < moment}
    for kind, r in every:
        if kind in (RECORD, ORDER) and r.conn and r.conn not in there:
            continue
        if tail and kind == RECORD and r.data and r.time >= moment:
            continue
        yield kind, r


def sums(path):
    rows = [json.loads(line) for line in open(path)]
    return {n: sum(r["bytes"][n] for r in rows if r["type"] == "flow") for n in ("moved", "examined", "framing")}


def check(path, whole=None):
    moved = 0
    for name in ("examined", "framing") if whole else ():
        got, most = sums(path)[name], sums(whole)[name]
        if got > most:
            print(f"{name} {got}, of {most} where nothing is missing")
    for line in open(path):
        row = json.loads(line)
        if row["type"] not in ("flow", "coverage"):
            continue
        moved += row["bytes"]["moved"] if row["type"] == "flow" else 0
        sides = {"": row["bytes"]} | {d: row[d] for d in ("sent", "received") if d in row}
        for side, sum_ in sides.items():
            if sum_["unexplained"] or any(n < 0 for n in sum_.values()):
                print(row["type"], row["workload"], row.get("role"), row.get("port"), row.get("binding"), side, sum_)
        if "reasons" in row and sum(row["reasons"].values()) != sum(row["bytes"][n] for n in ("opaque", "skipped", "lost")):
            print("coverage", row["workload"], row["reasons"], row["bytes"])
    if not moved:
        print("nothing moved")


def who(every, chance):
    one = chance.choice([r.conn for kind, r in every if kind == ORDER and r.kind == CLOSE])
    for kind, r in every:
        if kind == RECORD and r.data and r.conn == one:
            continue
        if kind == ORDER and r.kind == CLOSE and r.conn == one:
            r.bytes[WHOSE + 8:] = chance.randbytes(len(r.bytes) - WHOSE - 8)  # its number stays
        yield kind, r


def ends(path):
    last, told = {}, set()
    for kind, r in entries(open(path, "rb").read()):
        if kind == RECORD and r.data and r.conn:
            last[r.conn] = r.time
        elif kind == ORDER and r.kind in (CLOSE, REACH):
            told.add(r.conn)
    for conn in sorted(last.keys() - told):
        print(conn, "last spoke", (max(last.values()) - last[conn]) // 1000, "us before the end")


if sys.argv[1] == "--check":
    check(*sys.argv[2:])
elif sys.argv[1] == "--ends":
    ends(sys.argv[2])
else:
    source, out, seed, how = sys.argv[1:5]
    every = list(entries(open(source, "rb").read()))
    chance = random.Random(seed if how in ("known", "tail") else f"{how} {seed}")
    left = (who(every, chance) if how == "who" else lose(every, chance, float(sys.argv[5])) if how == "lose" else late(every, chance) if how == "late"
            else known(every, chance, how == "tail"))
    with open(out, "wb") as f:
        for kind, body in left:
            f.write(pack(kind, body))
