#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mixed.py - real programs talk, restart and die, weir's roles too, and every byte must have a name.

  mixed.py WEIR [--seconds 600] [--seed N] [--only PROGRAM]... [--keep] [--calm]

Four phases, each a quarter of the time: *plain* (weir is left alone: no exchange is missed), *roles* (the default ring; analyst and reader are killed), *again* (weir was
stopped and is started at once, all connections are older than it), *ring* (a state of its own, the smallest ring, and
a reader that is held again and again, so that the ring is full). In all of them servers are restarted and killed, and
clients are killed. Prints a table of programs per phase, and what must hold as lib.sh does: ok, FAIL, skip. --calm
leaves the killing out. Loopback only; at a rate that two processors carry beside other work.
"""
import argparse
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIB = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(LIB))
PYTHON = "/usr/bin/python3"
BYTES = ("moved", "examined", "opaque", "skipped", "lost", "framing", "unexplained")
passed = failed = skipped = 0


def say(*words):
    print(*words, flush=True)


def hold(right, sentence):
    global passed, failed
    passed, failed = passed + bool(right), failed + (not right)
    say(f"{'ok' if right else 'FAIL'} {sentence}")


def skip(sentence):
    global skipped
    skipped += 1
    say(f"skip {sentence}")


def within(seconds, condition, what):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise SystemExit(f"mixed: after {seconds} s still not: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Scope:
    """What was started here, as a unit of its own where cgroups can be made: others use this host too."""

    def __init__(self):
        top = "/sys/fs/cgroup/unified" if os.path.isdir("/sys/fs/cgroup/unified") else "/sys/fs/cgroup"
        self.name = f"weir-mixed-{os.getpid()}.service"
        self.folder = f"{top}/{self.name}"
        try:
            os.mkdir(self.folder)
            self.procs = f"{self.folder}/cgroup.procs"
            self.filter = ["--unit", self.name] if os.access(self.procs, os.W_OK) else []
        except OSError:
            self.filter = []
        self.running = []

    def start(self, log, command, user=None):
        def enter():
            if self.filter:
                with open(self.procs, "w") as procs:
                    procs.write(str(os.getpid()))
            if user:
                os.setgroups([])
                os.setgid(user[1])
                os.setuid(user[0])
                os.chdir("/")

        with open(log, "ab") as out:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=enter, cwd=os.path.dirname(log))
        self.running.append(child)
        return child

    def reap(self):
        self.running = [c for c in self.running if c.poll() is None]

    def end(self):
        for c in self.running:
            if c.poll() is None:
                c.terminate()
        for c in self.running:
            try:
                c.wait(8)
            except subprocess.TimeoutExpired:
                c.kill()
                c.wait()
        if self.filter:
            try:
                within(5, lambda: not open(self.procs).read(), "all processes of the soak gone")
                os.rmdir(self.folder)
            except (OSError, SystemExit):
                pass


class Server:
    def __init__(self, name, ports, command, user=None, stop=signal.SIGTERM):
        self.name, self.ports, self.command, self.user, self.stop_with = name, ports, command, user, stop
        self.child = None

    def start(self, world):
        self.child = world.scope.start(f"{world.work}/{self.name}.log", self.command, self.user)
        return self

    def ready(self):
        within(15, lambda: all(listens(p) for p in self.ports) or self.child.poll() is not None, f"{self.name} listens")
        if self.child.poll() is not None:
            raise SystemExit(f"mixed: {self.name} ended with {self.child.returncode}")

    def stop(self, how=None):
        self.child.send_signal(how or self.stop_with)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class World:
    """Programs, where they are, and what clients say they did."""

    def __init__(self, work, opt, chance):
        self.work, self.opt, self.chance = work, opt, chance
        self.scope = Scope()
        self.servers, self.loops = {}, []
        self.cert, self.key = f"{work}/cert.pem", f"{work}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-keyout", self.key, "-out", self.cert], check=True, capture_output=True)
        self.port = {}
        for make in (self.nginx, self.node, self.go, self.python, self.asyncio, self.postgres, self.redis):
            if not opt.only or make.__name__ in opt.only:
                make()
        for s in self.servers.values():
            s.start(self)
        for s in self.servers.values():
            s.ready()

    def add(self, name, ports, command, **more):
        self.servers[name] = Server(name, ports, command, **more)

    def loop(self, name, every, command, port=None, per_run=0):
        """A client that runs to its end, again and again."""
        self.loops.append({"name": name, "every": every, "command": command, "port": port, "per_run": per_run, "child": None, "due": 0.0})

    def url(self, name, scheme="https"):
        return f"{scheme}://localhost:{self.port[name]}/api/orders"

    def nginx(self):
        self.port["http"], self.port["nginx"] = free_port(), free_port()
        folder = f"{self.work}/nginx"
        os.makedirs(f"{folder}/tmp")
        temps = "".join(f"{k}_temp_path {folder}/tmp/{k};\n" for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(f"{folder}/nginx.conf", "w") as conf:
            conf.write(f"""daemon off; worker_processes 2; user nobody nogroup; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 256; }}
http {{ access_log off; keepalive_timeout 60; client_max_body_size 8m; {temps}
server {{ listen 127.0.0.1:{self.port["http"]}; listen 127.0.0.1:{self.port["nginx"]} ssl; server_name localhost;
ssl_certificate {self.cert}; ssl_certificate_key {self.key};
location /api/ {{ default_type application/json; return 200 '{{"accepted":true,"contact":{{"email":"duty.officer@harborline-logistics.com"}}}}'; }}
}} }}""")
        os.chmod(self.work, 0o711)
        self.add("nginx", [self.port["http"], self.port["nginx"]], ["nginx", "-e", f"{folder}/error.log", "-p", folder, "-c", f"{folder}/nginx.conf"])

    def node(self):
        self.port["node"] = free_port()
        self.add("node", [self.port["node"]], ["node", f"{LIB}/node_peer.js", "server", str(self.port["node"]), self.cert, self.key])
        self.loop("node-new", 3, ["node", f"{LIB}/node_peer.js", "client", self.url("node"), f"{self.work}/bodies", "0", "7", "new"], "node", 7)
        self.loop("node-kept", 4, ["node", f"{LIB}/node_peer.js", "client", self.url("node"), f"{self.work}/bodies", "7", "20", "kept"], "node", 13)

    def go(self):
        self.port["go"] = free_port()
        built = f"{ROOT}/build/go/api"
        os.makedirs(os.path.dirname(built), exist_ok=True)
        subprocess.run(["go", "build", "-o", built, "-ldflags", "-s -w", f"{LIB}/api.go"], check=True, env={**os.environ, "GO111MODULE": "off", "GOFLAGS": "",
                       "GOTOOLCHAIN": "local", "GOCACHE": f"{ROOT}/build/go", "CGO_ENABLED": "0"})
        self.add("go", [self.port["go"]], [built, "serve", f"127.0.0.1:{self.port['go']}", self.cert, self.key])
        self.loop("go-many", 3, [built, "call", f"https://127.0.0.1:{self.port['go']}/api/orders", f"{self.work}/bodies", "20", "31", "3"], "go", 11)

    def python(self):
        self.port["python"] = free_port()
        self.add("python", [self.port["python"]], [PYTHON, f"{LIB}/api_server.py", str(self.port["python"]), self.cert, self.key])
        self.loop("urllib", 3, [PYTHON, f"{LIB}/client.py", "urllib", self.url("python"), "0", "5"], "python", 5)
        self.loop("session", 3, [PYTHON, f"{LIB}/client.py", "session", self.url("python"), "0", "7"], "python", 7)

    def asyncio(self):
        self.port["asyncio"] = free_port()
        self.add("asyncio", [self.port["asyncio"]], [PYTHON, f"{LIB}/asyncio_peer.py", "asyncio", "server", str(self.port["asyncio"]), self.cert, self.key])
        self.loop("asyncio", 3, [PYTHON, f"{LIB}/asyncio_peer.py", "asyncio", "client", self.url("asyncio"), "0", "13", "3"], "asyncio", 13)

    def postgres(self):
        import pwd
        who = pwd.getpwnam("postgres")
        binary = os.path.dirname(os.path.realpath(sorted(__import__("glob").glob("/usr/lib/postgresql/*/bin/postgres"))[-1]))
        user = (who.pw_uid, who.pw_gid)
        self.port["postgres"] = port = free_port()
        os.makedirs(f"{self.work}/pg")
        shutil.copy(self.key, f"{self.work}/pg/key")
        for path in (f"{self.work}/pg", f"{self.work}/pg/key"):
            os.chown(path, *user)
        os.chmod(f"{self.work}/pg/key", 0o600)
        first = self.scope.start(f"{self.work}/initdb.log", [f"{binary}/initdb", "-D", f"{self.work}/pg/data", "-A", "trust", "--no-sync", "-E", "UTF8", "--no-locale"], user)
        if first.wait(60):
            raise SystemExit(f"mixed: initdb failed: {open(f'{self.work}/initdb.log').read()[-300:]}")
        self.add("postgres", [port], [f"{binary}/postgres", "-D", f"{self.work}/pg/data", "-p", str(port), "-c", "listen_addresses=127.0.0.1",
                 "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "ssl=on", "-c", f"ssl_cert_file={self.cert}",
                 "-c", f"ssl_key_file={self.work}/pg/key"], user=user, stop=signal.SIGINT)
        with open(f"{self.work}/psql.in", "w") as out:
            out.writelines(f"SELECT 'duty.officer@harborline-logistics.com', {i}, repeat('x', {i % 7 * 400});\n" for i in range(31))
        with open(f"{self.work}/bench.in", "w") as out:
            out.write("SELECT 1, repeat('y', 900);\n")
        where = f"host=127.0.0.1 port={port} user=postgres sslmode=require"
        self.loop("psql", 3, ["psql", "-qAtX", "-f", f"{self.work}/psql.in", where])
        self.loop("pgbench", 6, ["pgbench", "-n", "-c", "3", "-R", "30", "-T", "4", "-f", f"{self.work}/bench.in", where])

    def redis(self):
        self.port["redis"] = port = free_port()
        os.makedirs(f"{self.work}/redis")
        self.add("redis", [port], ["redis-server", "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--tls-cert-file", self.cert, "--tls-key-file", self.key,
                 "--tls-ca-cert-file", self.cert, "--tls-auth-clients", "no", "--dir", f"{self.work}/redis", "--save", ""])
        self.loop("redis", 3, ["redis-cli", "--tls", "--insecure", "-p", str(port), "-r", "13", "-i", "0.05", "SET", "order", "duty.officer@harborline-logistics.com"])

    # ---- the clients ----

    def clients(self, phase):
        """One that behaves and one that will be killed, with all servers of HTTP; and the loops."""
        urls = [self.url("http", "http")] * 3 + [self.url("nginx")] * 2 if "http" in self.port else []
        urls += [self.url(n) for n in ("node", "go", "python", "asyncio") if n in self.port]
        self.phase, self.log, self.runs = phase, f"{self.work}/client.{phase}", []
        self.urls = urls
        self.steady = urls and [self.client(k) for k in range(2)]
        self.victim = urls and self.client(9)

    def client(self, number):
        seed = str(number * 100 + self.chance.randrange(100))
        return self.scope.start(f"{self.work}/mixed.log", [PYTHON, f"{LIB}/mixed_client.py", self.log, seed, "15", *self.urls])

    def turn(self):
        """Whatever is due."""
        now = time.monotonic()
        for c in self.loops:
            if c["child"] and c["child"].poll() is not None:
                if c["port"]:
                    self.runs.append((c["port"], c["per_run"], c["child"].returncode == 0))
                c["child"], c["due"] = None, now + c["every"] * self.chance.uniform(0.3, 1)
            if not c["child"] and now >= c["due"] and not self.stopping:
                c["child"] = self.scope.start(f"{self.work}/{c['name']}.out", c["command"])
        self.scope.reap()

    stopping, phase = False, ""

    def quiet(self):
        """Clients end what they are at."""
        self.stopping = True
        for c in (self.steady or []) + ([self.victim] if self.victim else []):
            if c.poll() is None:
                c.terminate()
                c.wait(25)
        until = time.monotonic() + 25
        while any(c["child"] for c in self.loops) and time.monotonic() < until:
            self.turn()
            time.sleep(0.05)
        self.stopping = False

    def told(self):
        """port -> (requests that were answered whole, and those that were begun)."""
        sums = {}
        lines = open(self.log).read().split("\n") if os.path.exists(self.log) else []
        for line in filter(None, lines):
            port, what = line.split()
            sums.setdefault(int(port), [0, 0])[what == "begun"] += 1
        for name, n, right in self.runs:
            mine = sums.setdefault(self.port[name], [0, 0])
            mine[0] += n if right else 0
            mine[1] += n
        return sums

    # ---- what happens to them ----

    def kill_client(self):
        if self.victim:
            self.victim.kill()
            self.victim.wait()
            self.victim = self.client(self.chance.randrange(10, 99))

    def kill_loop(self):
        running = [c for c in self.loops if c["child"] and c["child"].poll() is None]
        if running:
            self.chance.choice(running)["child"].kill()

    def restart(self):
        server = self.chance.choice(list(self.servers.values()))
        server.stop(signal.SIGKILL if self.chance.random() < 0.3 and server.name not in ("postgres", "nginx") else None)
        server.start(self).ready()


class Weir:
    def __init__(self, program, work, state, *extra):
        self.program, self.state = program, state
        self.out = open(f"{work}/weir.log", "ab")
        at = self.out.seek(0, 2)
        self.log = f"{work}/weir.log"
        self.process = subprocess.Popen([program, "run", "--state", state, "--policy", f"{LIB}/card.yaml", "--quiet", *extra], stdout=self.out, stderr=self.out, cwd=work)
        within(120, lambda: "ready\n" in open(self.log).read()[at:] or self.process.poll() is not None, "weir ready")
        if self.process.poll() is not None:
            raise SystemExit(f"mixed: weir did not start: {open(self.log).read()[at:]}")

    def role(self, name):
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            for pid in open(f"/proc/{self.process.pid}/task/{task}/children").read().split():
                try:
                    if f"role:{name}\0" in open(f"/proc/{pid}/cmdline").read():
                        return int(pid)
                except OSError:
                    pass
        return None

    def signal(self, name, what):
        pid = self.role(name)
        if pid:
            try:
                os.kill(pid, what)
            except ProcessLookupError:
                return None
        return pid

    def hold_reader(self, seconds):
        pid = self.signal("reader", signal.SIGSTOP)
        time.sleep(seconds)
        if pid:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(90)


def read(weir, state, *command):
    text = subprocess.run([weir, *command, "--state", state, "-o", "json"], capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def add(sums, key, row):
    mine = sums.setdefault(key, dict.fromkeys(BYTES, 0))
    for name in BYTES:
        mine[name] += row["bytes"][name]


def program(row):
    return (row["exe"] or row["workload"]).rsplit("/", 1)[-1]


def leaves(state, kind):
    decoder = json.JSONDecoder()
    text = open(f"{state}/ledger/leaves", "rb").read().decode("utf-8", "replace")
    return [decoder.raw_decode(text, at.start())[0] for at in re.finditer(rf'\{{"type":"{kind}"', text)]


def books_hold(phase, state):
    sums = {}
    beats = leaves(state, "heartbeat")
    for leaf in beats:
        for name, value in leaf["books"].items():
            sums[name] = sums.get(name, 0) + value
    b = sums
    hold(beats and all(leaf["balanced"] for leaf in beats), f"{phase}: the books of {len(beats)} intervals balance")
    hold(b["produced"] == b["submitted"] + b["ring_full"] + b["unreadable"] + b["too_big"] + b["no_state"] and b["submitted"] == b["read"]
         and b["read"] == b["analysed"] + b["queue_full"] + b["crash_lost"] + b["undecodable"] + b["over_budget"]
         and b["findings"] == b["stored"] + b["rejected"], f"{phase}: of {b['produced']} records {b['analysed']} were analysed, ring_full {b['ring_full']},"
         f" queue_full {b['queue_full']}, crash_lost {b['crash_lost']}, over_budget {b['over_budget']}")
    return b


def table(phase, sums):
    say(f"# {phase:6} {'program':24}" + "".join(f"{n:>12}" for n in BYTES))
    for key in sorted(sums):
        say(f"# {phase:6} {key[:24]:24}" + "".join(f"{sums[key][n]:12}" for n in BYTES))


def account(world, phase, weir, state, exact):
    """Everything that weir says of the phase, against itself and against what the clients know."""
    flows, coverage = read(weir, state, "flows"), read(weir, state, "coverage", "--processes")
    rows = [r for r in flows if r["type"] == "flow"]
    programs, ends = {}, {}
    for r in rows:
        add(programs, program(r), r)
        add(ends, f"{r['workload'].rsplit('/', 1)[-1]} {r['role']} {r['port']}", r)
    table(phase, programs)
    total = {n: sum(p[n] for p in programs.values()) for n in BYTES}
    hold(total["moved"] > 0 and total["unexplained"] == 0, f"{phase}: moved {total['moved']} = examined {total['examined']} + opaque {total['opaque']} + skipped {total['skipped']}"
         f" + lost {total['lost']} + framing {total['framing']} + unexplained {total['unexplained']}")
    bad = {k: v for k, v in ends.items() if v["unexplained"]}
    hold(not bad, f"{phase}: no byte of any end is unexplained{': ' + ', '.join(f'{k}: {v}' for k, v in bad.items()) if bad else ''}")
    bad = [r for r in rows if r["bytes"]["unexplained"]]
    hold(not bad, f"{phase}: nor of any flow in any interval ({len(rows)})" + "".join(f"\n#   {r['start']} {r['workload']} {r['role']} {r['peer']} {r['port']} {r['protocol']} {r['route']}"
         f" {r['tls']['state']} {r['binding']} {r['bytes']}" for r in bad[:12]))
    negative = [r for r in rows + coverage if any(r["bytes"][n] < 0 for n in BYTES)]
    hold(not negative, f"{phase}: nothing is less than 0" + "".join(f"\n#   {r['type']} {r.get('start')} {r['workload']} {r.get('pid', r.get('port'))} {r['bytes']} {r.get('reasons')}" for r in negative[:12]))
    bad = [c for c in coverage if c["bytes"]["unexplained"]]
    hold(not bad, f"{phase}: no byte of {sum('pid' in c for c in coverage)} processes is unexplained" + "".join(f"\n#   {c['workload']} {c.get('pid')} {c['bytes']}" for c in bad[:12]))
    bad = [c for c in coverage if sum(c["reasons"].values()) != c["bytes"]["opaque"] + c["bytes"]["skipped"] + c["bytes"]["lost"]]
    hold(not bad, f"{phase}: each byte that was not examined has a reason" + "".join(f"\n#   {c['workload']} {c.get('pid')} {c['bytes']} {c['reasons']}" for c in bad[:12]))
    reasons = {}
    for c in coverage:
        if "pid" not in c:
            for name, n in c["reasons"].items():
                reasons[name] = reasons.get(name, 0) + n
    say(f"# {phase}: not examined: {reasons}")
    for port, (whole, begun) in sorted(world.told().items()):
        name = next(n for n, p in world.port.items() if p == port)
        for role in ("server", "client"):
            mine = [r for r in rows if r["port"] == port and r["role"] == role]
            found, lost = sum(r["exchanges"] for r in mine), sum(r["bytes"]["lost"] + r["bytes"]["opaque"] for r in mine)
            hold(found <= begun and (found >= whole if exact else found >= whole or lost > 0 or phase == "again"), f"{phase}: {name}, {role}: {found} exchanges, {whole} answered and {begun} begun by clients, {lost} bytes lost or opaque")


def phase_run(world, weir, opt, seconds, roles, ring):
    until, chance = time.monotonic() + seconds, world.chance
    pace = min(5.0, max(1.0, seconds / 12))
    due = time.monotonic() + pace
    while time.monotonic() < until:
        world.turn()
        if time.monotonic() >= due and not opt.calm:
            what = chance.choice([world.kill_client, world.kill_loop, world.restart] + roles)
            say(f"# {what.__name__ if hasattr(what, '__name__') else what}") if opt.verbose else None
            what()
            due = time.monotonic() + pace * chance.uniform(0.5, 1.5)
        if ring and chance.random() < 0.03:
            weir.hold_reader(chance.uniform(0.1, 1.5))
        time.sleep(0.05)


def kill_role(weir, name):
    def act():
        pid = weir.signal(name, signal.SIGKILL)
        if pid:
            within(20, lambda: weir.role(name) not in (None, pid), f"another {name}")
    act.__name__ = f"kill {name}"
    return act


# Phase, more options of weir; what is done to weir in it, whether it goes on from the one before.
PHASES = (("plain", [], []), ("roles", [], ["analyst", "reader"]), ("again", [], ["analyst", "reader"]), ("ring", ["--ring", "1"], []))


def phase_end(world, phase, opt, state, exact):
    hold(subprocess.run([opt.weir, "ledger", "verify", "--state", state], capture_output=True).returncode == 0, f"{phase}: the ledger verifies")
    books = books_hold(phase, state)
    account(world, phase, opt.weir, state, exact)
    if phase == "ring" and not opt.calm:
        hold(books["ring_full"] > 0, f"ring: {books['ring_full']} records found the ring full")


def soak(work, opt):
    say(f"# seed {opt.seed}, {opt.seconds:.0f} s")
    subprocess.run([PYTHON, f"{LIB}/plant.py", "bodies", f"{work}/bodies", "97"], check=True)
    world = World(work, opt, random.Random(opt.seed))
    phases = [p for p in PHASES if not opt.phase or p[0] in opt.phase]
    weir = None
    try:
        if not world.scope.filter:
            skip("no cgroup v2 can be made here: all of this host is watched")
        for k, (phase, extra, roles) in enumerate(phases):
            state = f"{work}/state-{'roles' if phase == 'again' else phase}"
            if phase == "roles":
                world.clients(phase)  # some connections are to be older than weir
            weir = Weir(opt.weir, work, state, *world.scope.filter, *extra)
            if not world.phase or phase not in ("roles", "again"):
                world.clients(phase)
            phase_run(world, weir, opt, opt.seconds / len(phases), [kill_role(weir, r) for r in roles], phase == "ring" and not opt.calm)
            goes_on = k + 1 < len(phases) and phases[k + 1][0] == "again"
            if not goes_on:
                world.quiet()
                for s in world.servers.values():
                    s.stop()
            hold(weir.stop() == 0, f"{phase}: weir ended as asked")
            weir = None
            if not goes_on:
                phase_end(world, phase, opt, state, phase == "plain")
                for s in world.servers.values():
                    s.start(world)
                for s in world.servers.values():
                    s.ready()
    finally:
        if weir:
            weir.stop()
        world.scope.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weir")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", action="append")
    parser.add_argument("--phase", action="append")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--calm", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    opt = parser.parse_args()
    opt.weir = os.path.abspath(opt.weir)
    work = tempfile.mkdtemp(prefix="weir-mixed-")
    try:
        soak(work, opt)
    finally:
        if opt.keep:
            say(f"# kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
