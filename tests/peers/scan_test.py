#!/usr/bin/env python3
"""ers scan against nginx, openssl s_server and peers that misbehave: what is found,
what each way to fail is called, that nothing takes longer or more memory than allowed,
and what is said of it to people, to programs and to the next scan."""
import os
import pty
import re
import select
import signal
import socket
import ssl
import struct
import threading
import time

from peer import *

ERS = applet("ers")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
config_count = 0


def fresh(targets=None):
    """A configuration folder of its own; --config keeps the state there too."""
    global config_count
    config_count += 1
    folder = path("config-%d" % config_count)
    os.makedirs(folder)
    if targets is not None:
        write(os.path.join(folder, "targets"), targets)
    return folder


def write(name, text):
    with open(name, "w") as f:
        f.write(text)


def scan(config, *words, **options):
    return run(ERS, "scan", "--config", config, *words, **options)


def look(*words, **options):
    """What a look at words says, as NDJSON."""
    done = scan(fresh(), "--json", "--rate", "max", *words, **options)
    found = by_type(done.stdout)
    found["exit"] = done.returncode
    found["said"] = done.stderr
    return found


def sums(found):
    """Both accounts of the summary."""
    summary = found["summary"][0]
    faces, endpoints = summary["faces"], summary["endpoints"]
    return (sum(faces["outcomes"].values()) == faces["tried"] == len(found["observation"])
            and sum(endpoints["states"].values()) == endpoints["total"])


# ---- nginx: 200 endpoints, two certificates, SNI ------------------------------

CERTIFICATES = {"rsa": make_certificate("rsa", subject="/CN=rsa.test"),
                "ec": make_certificate("ec", EC, subject="/CN=ec.test", extra=("-addext", "subjectAltName=DNS:ec.test"))}
PRINTS = {name: fingerprint(files[0]) for name, files in CERTIFICATES.items()}
ADDRESSES = ["127.9.%d.%d" % (i // 10, 1 + i % 10) for i in range(100)]
PORTS = {"rsa": free_port("127.9.0.1"), "ec": free_port("127.9.0.2")}


def start_nginx():
    conf = ["daemon off; master_process off; pid %s; error_log %s;" % (path("nginx.pid"), path("nginx.log")),
            "events { worker_connections 4096; }", "http { access_log off;"]
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        conf.append("%s_temp_path %s;" % (kind, path("nginx-" + kind)))
    for name, port in PORTS.items():
        listen = " ".join("listen %s:%d ssl;" % (address, port) for address in ADDRESSES)
        conf.append("server { %s ssl_certificate %s; ssl_certificate_key %s; return 204; }"
                    % (listen, *CERTIFICATES[name]))
        if name == "ec":
            conf.append("server { %s server_name rsa.test; ssl_certificate %s; ssl_certificate_key %s; return 204; }"
                        % (listen, *CERTIFICATES["rsa"]))
    conf.append("}")
    write(path("nginx.conf"), "\n".join(conf))
    start("nginx", "-e", path("nginx.log"), "-p", WORK, "-c", path("nginx.conf"))
    return all(wait_port(port, ADDRESSES[0]) for port in PORTS.values())


check("nginx is up", start_nginx(), open(path("nginx.log")).read() if os.path.exists(path("nginx.log")) else "")
words = ["%s:%d" % (address, port) for address in ADDRESSES for port in PORTS.values()]
found = look(*words)
seen = {(o["ip"], o["port"]): (o["outcome"], o["chain"][:1]) for o in found["observation"]}
expected = {(address, port): ("ok", [PRINTS[name]]) for address in ADDRESSES for name, port in PORTS.items()}
check("200 endpoints without a miss", seen == expected,
      str([(k, seen.get(k)) for k in expected if seen.get(k) != expected[k]][:3]))
check_equal("each certificate is told once", sorted(c["sha256"] for c in found["certificate"]), sorted(PRINTS.values()))
check("both accounts sum", sums(found), str(found["summary"]))
check_equal("exit 0", found["exit"], 0)
order = [o["ip"] for o in found["observation"]]
check("hosts alternate", sum(a == b for a, b in zip(order, order[1:])) < 20, str(order[:20]))
named = set(c["subject"] for c in found["certificate"])
check_equal("subjects", named, {"CN=rsa.test", "CN=ec.test"})

write(path("list"), "\n".join(words) + "\n# a comment\n")
check_equal("@FILE", len(look("@" + path("list"))["observation"]), 200)
check_equal("@- reads standard input", len(look("@-", input="\n".join(words[:7]))["observation"]), 7)
piece = look("127.9.0.1-127.9.0.9", "--ports", "%d" % PORTS["rsa"])
check_equal("a range and --ports", (len(piece["observation"]), piece["summary"][0]["endpoints"]["states"]), (9, {"ok": 9}))
by_name = look("localhost:%d" % PORTS["ec"], "--connect", ADDRESSES[3])["observation"][0]
check("--connect goes there under the name",
      (by_name["host"], by_name["ip"], by_name["sni"], by_name["chain"][:1])
      == ("localhost", ADDRESSES[3], "localhost", [PRINTS["ec"]]), str(by_name))
asked = look("%s:%d" % (ADDRESSES[0], PORTS["ec"]), "--sni", "RSA.test")["observation"][0]
check("--sni asks for another certificate", (asked["sni"], asked["chain"][:1]) == ("rsa.test", [PRINTS["rsa"]]), str(asked))
plain = look("%s:%d" % (ADDRESSES[0], PORTS["ec"]))["observation"][0]
check("addresses are never sent as SNI", plain["sni"] is None and plain["host"] is None, str(plain))
pem = look("%s:%d" % (ADDRESSES[0], PORTS["ec"]), "--pem")["certificate"][0]["pem"]
check("--pem", "".join(pem.split()) == "".join(open(CERTIFICATES["ec"][0]).read().split()), pem)
check("without --pem there is none", "pem" not in found["certificate"][0])

# ---- peers that misbehave ------------------------------------------------------


class Peer:
    """A listener whose every connection is handled by a function in a thread."""

    def __init__(self, handle, address="127.0.0.1"):
        self.handle, self.count, self.hellos = handle, 0, []
        self.socket = socket.create_server((address, 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            self.count += 1
            threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        try:
            self.handle(self, client)
        except OSError:
            pass

    def __str__(self):
        return "127.0.0.1:%d" % self.port


def hello(peer, client):
    client.settimeout(20)
    first = client.recv(5)
    first += client.recv(int.from_bytes(first[3:5], "big")) if len(first) == 5 else b""
    peer.hellos.append(first)
    return first


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def hang(peer, client):
    time.sleep(30)


def answer(data, close=True):
    def handle(peer, client):
        hello(peer, client)
        client.sendall(data)
        if close:
            client.close()
        else:
            time.sleep(30)
    return handle


def reset_behind_hello(peer, client):
    hello(peer, client)
    reset(client)


def close_behind_hello(peer, client):
    hello(peer, client)
    client.close()


def drip(peer, client):
    """A record of which a byte comes now and then, for ever."""
    hello(peer, client)
    client.sendall(bytes.fromhex("160303400002003ffc0303"))
    while True:
        client.sendall(b"\0")
        time.sleep(0.2)


def flood(peer, client):
    """A Certificate message of 2^24 - 1 bytes, as many as are taken."""
    hello(peer, client)
    server_hello = bytes.fromhex("0303" + "5e" * 32 + "00" + "c02f" + "00")
    message = b"\x02" + len(server_hello).to_bytes(3, "big") + server_hello + b"\x0b\xff\xff\xff\xff\xff\xfc"
    client.sendall(b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
    for _ in range(1100):
        client.sendall(b"\x16\x03\x03\x40\x00" + b"\0" * 16384)


def speaks_http(peer, client):
    client.recv(1000)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nplain HTTP to an HTTPS port\n")
    client.close()


alert = bytes.fromhex("15030300020228")
PEERS = {
    "hang": (Peer(hang), "timeout", "hello"),
    "reset behind the hello": (Peer(reset_behind_hello), "reset", "hello"),
    "end behind the hello": (Peer(close_behind_hello), "closed", "hello"),
    "garbage": (Peer(answer(bytes(range(40, 140)))), "not_tls", "hello"),
    "plain HTTP": (Peer(speaks_http), "not_tls", "hello"),
    "an alert": (Peer(answer(alert)), "tls_alert", "hello"),
    "a drip": (Peer(drip), "timeout", "hello"),
    "2^24 bytes of handshake": (Peer(flood), "limit", "hello"),
    "nothing there": (free_port(), "refused", "connect"),
}
began = time.monotonic()
words = [str(p[0]) if isinstance(p[0], Peer) else "127.0.0.1:%d" % p[0] for p in PEERS.values()]
found = look(*words, "--timeout", "1500ms", "--per-host", "max")
took = time.monotonic() - began
seen = {o["port"]: o for o in found["observation"]}
for name, (peer, outcome, stage) in PEERS.items():
    o = seen.get(peer.port if isinstance(peer, Peer) else peer, {})
    check("%s: %s" % (name, outcome), (o.get("outcome"), o.get("stage")) == (outcome, stage) and not o["chain"], str(o))
check_equal("the alert's number is kept", seen[PEERS["an alert"][0].port]["alert"], 40)
check("all within the time-out", took < 1.5 + 1.0 and all(o["duration_ms"] < 2000 for o in seen.values()), str(took))
check("both accounts sum", sums(found), str(found["summary"]))
check_equal("ways to fail are no error", found["exit"], 0)

# ---- a plainer hello ------------------------------------------------------------

modern = free_port()
start("openssl", "s_server", "-accept", "127.0.0.1:%d" % modern, "-cert", CERTIFICATES["rsa"][0], "-key",
      CERTIFICATES["rsa"][1], "-quiet", "-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1")
check("openssl is up", wait_port(modern))


def relay(client, first):
    with socket.create_connection(("127.0.0.1", modern)) as server:
        server.sendall(first)
        while True:
            for side in select.select([client, server], [], [], 5)[0] or [None]:
                data = side.recv(65536) if side else b""
                if not data:
                    return
                (server if side is client else client).sendall(data)


def picky(refuses, refuse):
    def handle(peer, client):
        first = hello(peer, client)
        if refuses(first):
            refuse(client)
        else:
            relay(client, first)
            client.close()
    return handle


def is_full(first):
    return b"\x00\x2b" in first[43:]


def has_extensions(first):
    return b"\x00\x0d" in first[43:]


for name, refuse in (("reset", reset), ("end", lambda c: c.close()), ("alert", lambda c: (c.sendall(alert), c.close()))):
    peer = Peer(picky(is_full, refuse))
    o = look(str(peer))["observation"]
    check("%s at a full hello: asked plainly" % name, len(o) == 1 and o[0]["outcome"] == "ok"
          and o[0]["chain"][:1] == [PRINTS["rsa"]] and "plain" in o[0]["detail"], str(o))
    check_equal("%s: two connections" % name, peer.count, 2)
peer = Peer(picky(has_extensions, reset))
found = look(str(peer))
check("one that breaks on extensions: asked without", found["observation"][0]["outcome"] == "ok"
      and peer.count == 3, str(found["observation"]))
check_equal("retries are not counted", found["summary"][0]["faces"], {"tried": 1, "outcomes": {"ok": 1}})
name_alert = Peer(answer(bytes.fromhex("15030300020270")))
o = look(str(name_alert))["observation"][0]
check("an unknown name is no reason to ask again", (o["outcome"], o["alert"], name_alert.count) == ("tls_alert", 112, 1), str(o))

# ---- limits and ends ------------------------------------------------------------

silent = Peer(hang)
began = time.monotonic()
found = look("127.0.0.0/27", "--ports", "%d,1-9" % silent.port, "--deadline", "700ms", "--rate", "100")
states = found["summary"][0]["endpoints"]["states"]
check("--deadline ends it in time", time.monotonic() - began < 3 and states.get("not_reached", 0) > 100, str(states))
check("what was not begun is counted, and has no line", sums(found), str(found["summary"]))

slow = start(ERS, "scan", "--config", fresh(), "--json", "--rate", "20", "127.9.0.0/21", "--ports", PORTS["ec"],
             stdout=open(path("interrupted"), "wb"))
time.sleep(1.5)
check_equal("SIGINT: exit 130", stop(slow, signal.SIGINT), 130)
found = by_type(open(path("interrupted")).read())
check("SIGINT: what was found is kept, the rest is told",
      len(found["observation"]) >= 10 and found["summary"][0]["endpoints"]["states"]["not_reached"] > 1000 and sums(found),
      str(found["summary"]))
slow = start(ERS, "scan", "--config", fresh(), "--rate", "20", "127.9.0.0/21")
time.sleep(0.5)
check_equal("SIGTERM: exit 143", stop(slow, signal.SIGTERM), 143)

crowd = Peer(hang)
one = start(ERS, "scan", "--config", fresh(), "--timeout", "3s", "--rate", "max", str(crowd))
time.sleep(0.8)
check_equal("one connection to one endpoint", crowd.count, 1)
stop(one, signal.SIGINT)

began = time.monotonic()
look("127.9.0.0/24", "--ports", "1", "--rate", "200")
check("--rate is kept", 0.9 < time.monotonic() - began < 4, str(time.monotonic() - began))

listeners = [Peer(hang) for _ in range(8)]
busy = start(ERS, "scan", "--config", fresh(), "--timeout", "4s", "--rate", "max", "--per-host", "3",
             *[str(p) for p in listeners])
time.sleep(1.0)
check_equal("--per-host is kept", sum(p.count for p in listeners), 3)
stop(busy, signal.SIGINT)
busy = start(ERS, "scan", "--config", fresh(), "--timeout", "4s", "--rate", "max", "--per-host", "max", "--parallel", "5",
             *[str(p) for p in listeners])
time.sleep(1.0)
check_equal("--parallel is kept", sum(p.count for p in listeners), 3 + 5)
stop(busy, signal.SIGINT)

# 1,000 hung connections and the flood, in bounded memory.
many = start(ERS, "scan", "--config", fresh(), "--json", "--rate", "max", "--per-host", "max", "--timeout", "3s",
             "127.8.0.0/22", "--ports", str(Peer(hang, "0.0.0.0").port), *[str(PEERS["2^24 bytes of handshake"][0])] * 3)
peak = 0
while many.poll() is None:
    try:
        peak = max(peak, int(re.search(r"VmHWM:\s+(\d+)", open("/proc/%d/status" % many.pid).read()).group(1)))
    except (OSError, AttributeError):
        pass
    time.sleep(0.05)
check("memory is bounded", 0 < peak < (24 if "linux-x86_64" in BUILD and "address" not in BUILD else 400) * 1024,
      "%d KB" % peak)

# ---- what people see -------------------------------------------------------------

done = scan(fresh(), "%s:%d" % (ADDRESSES[0], PORTS["ec"]), "127.0.0.1:1")
lines = done.stdout.splitlines()
check("a table", re.match(r"ENDPOINT +STATE +EXPIRES +SUBJECT$", lines[0])
      and re.match(r"127\.9\.0\.1:%d  ok +\d{4}-\d\d-\d\d +\d+d  ec\.test$" % PORTS["ec"], lines[1]), done.stdout)
check_equal("its last line", lines[-1], "2 endpoints: 1 ok, 1 refused")
check("no colour in a pipe", "\x1b" not in done.stdout and done.stderr == "", done.stdout + done.stderr)
check("--all shows refused ones too", "127.0.0.1:1 " in scan(fresh(), "127.0.0.1:1", "--all").stdout)
check_equal("-q: nothing", scan(fresh(), "127.0.0.1:1", "-q").stdout, "")
escape = scan(fresh(), "127.0.0.1:1", "--color", "always").stdout
check_equal("nothing to colour", "\x1b" in escape, False)

old = path("old.pem"), path("old.key")
for command in (["req", "-new", *EC, "-nodes", "-keyout", old[1], "-out", path("old.csr"), "-subj", "/CN=old.test"],
                ["x509", "-req", "-in", path("old.csr"), "-signkey", old[1], "-out", old[0], "-days", "-1"]):
    check_equal("openssl %s" % command[0], run("openssl", *command).returncode, 0)
soon = make_certificate("soon", EC, subject="/CN=soon.test\x1b[31m", days=10)
odd = {}
for name, files in (("old", old), ("soon", soon)):
    odd[name] = free_port()
    start("openssl", "s_server", "-accept", "127.0.0.1:%d" % odd[name], "-cert", files[0], "-key", files[1], "-quiet")
    check("%s is up" % name, wait_port(odd[name]))
both = ["127.0.0.1:%d" % odd["old"], "127.0.0.1:%d" % odd["soon"]]
done = scan(fresh(), *both)
check("EXPIRED and EXPIRING stand out", re.search(r" EXPIRED .* -\d+d  old\.test", done.stdout)
      and re.search(r" EXPIRING .* \d+d  soon\.test", done.stdout), done.stdout)
check("foreign bytes are escaped", "\x1b" not in done.stdout and "\\x1b" in done.stdout.lower(), done.stdout)
check("--color always", "\x1b[31mEXPIRED" in scan(fresh(), *both, "--color", "always").stdout)
check_equal("--fail-on expired: 6", scan(fresh(), *both, "--fail-on", "expired").returncode, 6)
check_equal("--fail-on expiring=5d: 0", scan(fresh(), both[1], "--fail-on", "expired,expiring=5d").returncode, 0)
check_equal("--fail-on expiring=20d: 6", scan(fresh(), both[1], "--fail-on", "expired,expiring=20d", "--json").returncode, 6)

# ---- the configured targets: news ---------------------------------------------------

target = "127.0.0.1 %d\n127.9.0.1-127.9.0.3 %d\n" % (odd["soon"], PORTS["ec"])
config = fresh(target)
first = scan(config)
check("all is new at first", first.stdout.count(" new ") == 3 and "EXPIRING" in first.stdout
      and first.stdout.splitlines()[-1].startswith("4 endpoints: 4 ok; 4 new, 1 expiring"), first.stdout)
second = scan(config)
check_equal("no news, no word", (second.returncode, second.stdout, second.stderr), (0, "", ""))
check("--all all the same", scan(config, "--all").stdout.count("\n") == 6)
check("--json streams all the same", len(by_type(scan(config, "--json").stdout)["observation"]) == 4)
check("a complete pass says so", by_type(scan(config, "--json").stdout)["summary"][0].get("complete") is True)
check("ers discover --list knows of it", re.search(r"127\.0\.0\.1 .*\d{4}-\d\d-\d\dT", run(ERS, "discover", "--list", "--config", config).stdout))
state = os.path.join(config, "state")
check_equal("the state is private", os.stat(state).st_mode & 0o777, 0o700)

last = os.path.join(state, "last-scan")
write(last, open(last).read().replace(PRINTS["ec"], "00" * 32, 1))
check("another certificate: changed", " changed " in scan(config).stdout)
write(os.path.join(config, "targets"), target.replace("%d\n127.9" % odd["soon"], "%d,1\n127.9" % odd["soon"]))
check_equal("refused ports are no news", scan(config).stdout, "")
write(os.path.join(config, "targets"), target)
write(last, open(last).read().replace("127.0.0.1:%d tls" % odd["soon"], "127.0.0.1:%d tls\n0 0 ok %s - any 127.9.0.1 - 127.9.0.1:1 tls"
                                      % (odd["soon"], PRINTS["ec"])))
write(os.path.join(config, "targets"), "127.0.0.1 %d\n127.9.0.1-127.9.0.3 %d,1\n" % (odd["soon"], PORTS["ec"]))
gone = scan(config)
check("what had a certificate and is refused: gone, once", re.search(r"127\.9\.0\.1:1 +gone .*refused", gone.stdout)
      and "1 gone" in gone.stdout and "gone" not in scan(config).stdout, gone.stdout)
write(last, "rubbish\n")
damaged = scan(config)
check("a damaged state: told, and all is new", "damaged" in damaged.stderr and damaged.stdout.count(" new ") == 3
      and damaged.returncode == 0, damaged.stderr + damaged.stdout)
partial = scan(config, "--ports", "1")
check("other ports than configured say nothing of gone", "gone" not in partial.stdout, partial.stdout)
check_equal("... and forget nothing", scan(config).stdout, "")
before = open(last).read()
scan(config, "127.0.0.1:1", "--json")
check_equal("a look leaves the state alone", open(last).read(), before)
refused_target = fresh("127.0.0.1 %d\n" % PEERS["an alert"][0].port)
failed = scan(refused_target)
check("a new failure is news", re.search(r" failed .*alert", failed.stdout), failed.stdout)
check_equal("the same failure again is not", scan(refused_target).stdout, "")

blocker = start(ERS, "scan", "--config", config, "--rate", "1", "--jitter", "20s")
lock = os.path.join(state, "scan.lock")
time.sleep(0.5)
busy = scan(config)
check("a second scan: exit 11", busy.returncode == 11 and "lock" in busy.stderr, "%d %s" % (busy.returncode, busy.stderr))
check_equal("a look needs no lock", scan(config, "127.0.0.1:1").returncode, 0)
check("--jitter can be interrupted", stop(blocker, signal.SIGINT) == 130)

excluded = fresh("127.9.0.1 %d\nexclude 127.9.0.2\nexclude 127.0.0.1\n" % PORTS["ec"])
done = scan(excluded, "127.9.0.0/30", "--ports", str(PORTS["ec"]), "--json")
check_equal("exclusions win over words", by_type(done.stdout)["summary"][0]["endpoints"]["total"], 3)
o = by_type(scan(excluded, "localhost:%d" % odd["soon"], "--json").stdout)["observation"]
check("... and over what a name leads to", any(x["outcome"] == "excluded" and x["ip"] == "127.0.0.1" for x in o), str(o))

# ---- not yet, and wrong words --------------------------------------------------------

missing = look("no-such-host.invalid:443", "--timeout", "1s")["observation"][0]
check("a name that does not exist: dns_error",
      (missing["outcome"], missing["stage"], missing["ip"]) == ("dns_error", "resolve", None), str(missing))

empty = fresh()
done = scan(empty)
check("no targets: exit 1, the file is named", done.returncode == 1 and os.path.join(empty, "targets") in done.stderr, done.stderr)
for words, named in ((["nonsense!"], "nonsense!"), (["127.0.0.1:99999"], "99999"), (["--ports", "0"], "--ports"),
                     (["--timeout", "soon"], "soon"), (["--fail-on", "weather"], "weather"), (["--faces", "half"], "half"),
                     (["--connect", "name"], "name"), (["--protocol", "smpt"], "smtp"), (["--nonesuch"], "nonesuch"),
                     (["--sni", "a b"], "--sni"), (["10.0.0.0/8"], "10.0.0.0/8")):
    done = scan(empty, *words) if not words[0].startswith("-") else scan(fresh("127.0.0.1 1\n"), *words)
    check("usage: %s" % " ".join(words), done.returncode == 2 and named in done.stderr and not done.stdout,
          "%d %s" % (done.returncode, done.stderr))
check_equal("--push without a server: 4", scan(empty, "127.0.0.1:1", "--push").returncode, 4)
check("nothing was written by looks", os.listdir(empty) == [], str(os.listdir(empty)))

dry = scan(fresh("127.9.0.0/24 443,8443\n"), "--dry-run")
check("--dry-run", dry.returncode == 0 and "512 endpoints" in dry.stdout and "nothing was connected" in dry.stdout, dry.stdout)

out = path("out.ndjson")
write(out, "old content\n" * 100)
done = scan(fresh(), "%s:%d" % (ADDRESSES[0], PORTS["ec"]), "--output", out)
kept = by_type(open(out).read())
check("--output keeps NDJSON with PEM beside the table", "BEGIN CERTIFICATE" in kept["certificate"][0]["pem"]
      and len(kept["summary"]) == 1 and "ec.test" in done.stdout, str(kept))
check("--output -", len(by_type(scan(fresh(), "127.0.0.1:1", "--output", "-").stdout)["observation"]) == 1)

# ---- a terminal ------------------------------------------------------------------------


def in_terminal(*words, **more):
    master, slave = pty.openpty()
    process = start(ERS, "scan", "--config", fresh(), *words, stdout=slave, stderr=slave,
                    env=dict(os.environ, TERM="xterm", **more))
    os.close(slave)
    text = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        text += data
    process.wait(20)
    os.close(master)
    return text.decode()


shown = in_terminal("127.9.0.0/24", "--ports", str(PORTS["ec"]), "--rate", "200")
check("estimate and progress on a terminal", "256 endpoints, at 200 a second at least" in shown
      and re.search(r"\r\d+ of 256 endpoints, \d+/s, \d+ certificates?", shown), shown[:400])
check("and then the table", "ENDPOINT" in shown and "256 endpoints: " in shown, shown[-400:])
check("colour on a terminal", "\x1b[31m" in in_terminal(both[0]))
check("NO_COLOR", "\x1b[31m" not in in_terminal(both[0], NO_COLOR="1"))
finish()
