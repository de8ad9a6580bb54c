#!/usr/bin/env python3
"""ers scan among servers that misbehave within TLS: chains of every shape, cuts at every
place, silence and reset at each stage, a SYN that gets lost. What is sent is made here,
byte by byte; what must come out is the chain's SHA-256 as openssl has it, and an outcome."""
import hashlib
import os
import socket
import struct
import subprocess
import threading
import time

from dns import private_network
from peer import *
from tls12 import DONE, EXCHANGE, REQUEST, chain, message, record, records, server_hello

private_network()
ERS = applet("ers")
HOST = "127.0.0.1"
config = path("config")
os.makedirs(config)


def look(*words, **options):
    done = run(ERS, "scan", "--config", config, "--json", "--rate", "max", "--per-host", "max", *words, **options)
    found = by_type(done.stdout)
    found["exit"] = done.returncode
    return found


def der_of(files):
    return subprocess.run(["openssl", "x509", "-in", files[0], "-outform", "DER"], stdout=subprocess.PIPE, check=True).stdout


def sha(der):
    return hashlib.sha256(der).hexdigest()


EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
LEAF, ISSUER, OTHER = (der_of(make_certificate(name, EC)) for name in ("leaf", "issuer", "other"))
check_equal("the leaf as openssl has it", sha(LEAF), fingerprint(path("leaf.pem")))

# ---- TLS 1.2, as bytes -----------------------------------------------------------------

HELLO = server_hello()
WHOLE = HELLO + chain(LEAF, ISSUER) + EXCHANGE + DONE


class Peer:
    """Reads a hello, then does what it is for; an answer is sent at once."""

    def __init__(self, act, address=HOST, backlog=64):
        self.act = act
        self.socket = socket.create_server((address, 0), backlog=backlog, family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        try:
            client.settimeout(20)
            head = client.recv(5, socket.MSG_WAITALL)
            client.recv(int.from_bytes(head[3:5], "big"), socket.MSG_WAITALL)
            if callable(self.act):
                self.act(client)
            else:
                client.sendall(self.act)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass
            client.close()
        except OSError:
            pass


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def then(data, end):
    """Sends it, and then is silent, resets or ends."""
    def act(client):
        client.sendall(data)
        if end == "silence":
            time.sleep(20)
        elif end == "reset":
            time.sleep(0.05)
            reset(client)
    return act


def drips(client):
    for i in range(len(DRIPPED)):
        client.sendall(DRIPPED[i:i + 1])
    time.sleep(2)


def endless(client):
    client.sendall(record(HELLO) + b"\x16\x03\x03\x40\x00\x0b\xff\xff\xf0\xff\xff\xed" + b"\0" * 16376)
    while True:
        client.sendall(record(b"\0" * 16384))


DRIPPED = record(WHOLE)
TWO = [LEAF, ISSUER]
BIG = [LEAF] + [b"\x30\x82\x40\x00" + bytes([i]) * 0x4000 for i in range(9)]
WARNING = record(b"\x01\x5a", 21)
cases = {
    # name: (what is sent, outcome, the chain as sent, what else)
    "one record": (record(WHOLE), "ok", TWO, "done"),
    "byte by byte": (drips, "ok", TWO, "done"),
    "records of one byte": (records(WHOLE, 1), "ok", TWO, "done"),
    "records of seven bytes": (records(WHOLE, 7), "ok", TWO, "done"),
    "each message in a record": (b"".join(record(m) for m in (HELLO, chain(*TWO), EXCHANGE, DONE)), "ok", TWO, "done"),
    "empty records between": (record(HELLO) + record(b"") * 3 + record(chain(*TWO)) + record(b"") + record(DONE), "ok", TWO, "done"),
    "a stream of empty records": (record(b"") * 500, "limit", [], None),
    "warning alerts between": (WARNING + record(HELLO) + WARNING + record(chain(*TWO)) + WARNING + record(DONE), "ok", TWO, "done"),
    "unknown extensions": (record(server_hello(extensions=b"\xfa\xfa\x00\x03abc\x33\x33\x00\x00") + chain(*TWO) + DONE), "ok", TWO, "done"),
    "a suite that was not offered": (record(server_hello(0x0001) + chain(*TWO) + DONE), "tls_error", [], None),
    "the request before the chain": (record(HELLO + REQUEST + chain(*TWO) + DONE), "ok", TWO, "done"),
    "a compressed certificate": (record(HELLO + message(25, b"\x00\x01\x00\x10\x00\x00\x00\x04abcd")), "tls_error", [], None),
    "a list longer than its message": (record(HELLO + message(11, b"\x00\xff\xff" + b"x" * 20)), "tls_error", [], None),
    "a certificate longer than its list": (record(HELLO + message(11, b"\x00\x00\x06\x00\x00\x09abc")), "tls_error", [], None),
    "an empty list": (record(HELLO + message(11, b"\x00\x00\x00") + DONE), "no_certificate", [], None),
    "done without a certificate": (record(HELLO + DONE), "no_certificate", [], None),
    "bytes behind the list": (record(HELLO + message(11, b"\x00\x00\x00xx")), "tls_error", [], None),
    "a record longer than allowed": (record(HELLO) + b"\x16\x03\x03\x48\x01" + b"x" * 0x4801, "tls_error", [], None),
    "100 certificates": (records(HELLO + chain(*([LEAF] + [ISSUER] * 99)) + DONE, 16000), "ok", [LEAF] + [ISSUER] * 99, "done"),
    "300 certificates": (records(HELLO + chain(*([LEAF] + [ISSUER] * 299)) + DONE, 16000), "ok", [LEAF] + [ISSUER] * 99, "done"),
    "148 KB": (records(HELLO + chain(*BIG) + DONE, 16384), "ok", BIG, "done"),
    "the same one twice": (record(HELLO + chain(LEAF, LEAF, ISSUER) + DONE), "ok", [LEAF, LEAF, ISSUER], "done"),
    "in another order": (record(HELLO + chain(LEAF, OTHER, ISSUER) + DONE), "ok", [LEAF, OTHER, ISSUER], "done"),
    "a leaf that is no certificate": (record(HELLO + chain(b"\x30\x03abc", ISSUER) + DONE), "bad_certificate", [b"\x30\x03abc", ISSUER], "done"),
    "an issuer that is none": (record(HELLO + chain(LEAF, b"rubbish") + DONE), "ok", [LEAF, b"rubbish"], "done"),
    "endless data": (endless, "limit", [], None),
    "silence at once": (then(b"", "silence"), "timeout", [], "hello"),
    "silence within a record": (then(record(WHOLE)[:20], "silence"), "timeout", [], "hello"),
    "silence behind the hello": (then(record(HELLO), "silence"), "timeout", [], "hello"),
    "silence within the chain": (then(record(HELLO + chain(*TWO))[:-9], "silence"), "timeout", [], "hello"),
    "silence behind the chain": (then(record(HELLO + chain(*TWO)), "silence"), "ok", TWO, "certificate"),
    "reset at once": (then(b"", "reset"), "reset", [], "hello"),
    "reset behind the hello": (then(record(HELLO), "reset"), "reset", [], "hello"),
    "reset behind the chain": (then(record(HELLO + chain(*TWO)), "reset"), "ok", TWO, "certificate"),
    "end behind the hello": (then(record(HELLO), "end"), "closed", [], "hello"),
    "end behind the chain": (then(record(HELLO + chain(*TWO)), "end"), "ok", TWO, "certificate"),
    "an alert behind the chain": (record(HELLO + chain(*TWO)) + record(b"\x02\x28", 21), "ok", TWO, "certificate"),
    "plain HTTP": (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not_tls", [], None),
    "SSH": (b"SSH-2.0-OpenSSH_9.2p1\r\n", "not_tls", [], None),
    "SSLv3": (b"\x16\x03\x00\x00\x2a\x02\x00\x00\x26\x03\x00" + b"r" * 32 + b"\0\x00\x0a\x00", "unsupported", [], None),
}
peers = {name: Peer(case[0]) for name, case in cases.items()}
began = time.monotonic()
found = look(*["%s:%d" % (HOST, p.port) for p in peers.values()], "--pem", "--timeout", "3s", timeout=120)
took = time.monotonic() - began
seen = {o["port"]: o for o in found["observation"]}
for name, (_, outcome, ders, stage) in cases.items():
    o = seen.get(peers[name].port, {})
    check("%s: %s" % (name, outcome), o.get("outcome") == outcome and o.get("chain") == [sha(d) for d in ders]
          and (stage is None or o.get("stage") == stage), str({k: o.get(k) for k in ("outcome", "stage", "detail", "chain")})[:400])
check("the cut of a chain is told", "more certificates" in seen[peers["300 certificates"].port]["detail"])
check("all within the time-out", took < 3 + 2, str(took))
summary = found["summary"][0]
check("accounts", sum(summary["faces"]["outcomes"].values()) == summary["faces"]["tried"] == len(cases), str(summary))
told = {c["sha256"]: c for c in found["certificate"]}
check("bytes that do not parse are kept", all(sha(d) in told and "BEGIN CERTIFICATE" in told[sha(d)]["pem"]
                                              for d in (b"\x30\x03abc", b"rubbish")), str(sorted(told)))
check("... and its neighbours are read", told[sha(ISSUER)]["subject"] == "CN=issuer", str(told[sha(ISSUER)]))
check_equal("all came to an end without a fault", found["exit"], 0)
big = "%s:%d" % (HOST, peers["148 KB"].port)
o = look(big, "--chain-max", "100")["observation"][0]
check_equal("--chain-max: a smaller cap", (o["outcome"], o["chain"]), ("limit", []))
v6 = Peer(record(WHOLE), "::1")
o = look("[::1]:%d" % v6.port)["observation"][0]
check_equal("IPv6", (o["ip"], o["outcome"], o["chain"][:1]), ("::1", "ok", [sha(LEAF)]))

# ---- cut at every place -------------------------------------------------------------------

SHORT = HELLO + chain(LEAF) + DONE
cuts = [Peer(records(SHORT[:n], 16384) + records(SHORT[n:], 16384)) for n in range(1, len(SHORT), 3)]
found = look(*["%s:%d" % (HOST, p.port) for p in cuts])
check_equal("records cut at %d places" % len(cuts), {(o["outcome"], o["chain"][0] if o["chain"] else None)
                                                     for o in found["observation"]}, {("ok", sha(LEAF))})

# ---- honest ones among them ---------------------------------------------------------------

honest = [Peer(record(HELLO + chain((LEAF, OTHER, ISSUER)[i % 3]) + DONE)) for i in range(70)]
words = ["%s:%d" % (HOST, p.port) for p in honest]


def facts(found):
    ports = {p.port for p in honest}
    return sorted((o["port"], o["outcome"], o["stage"], o["chain"]) for o in found["observation"] if o["port"] in ports)


alone = facts(look(*words))
hostile = [str(HOST) + ":%d" % peers[name].port for name, case in cases.items() if case[1] != "ok" or case[3] != "done"][:30]
among = facts(look(*words, *hostile, "--timeout", "2s"))
check("30 % hostile ones: the others as without them", alone == among and len(alone) == 70 and {a[1] for a in alone} == {"ok"})

# ---- a SYN that is lost ---------------------------------------------------------------------

full = socket.socket()
full.bind((HOST, 0))
full.listen(0)
port = full.getsockname()[1]
fillers = []
while True:  # until its queue is full and SYNs are dropped
    s = socket.socket()
    s.settimeout(0.3)
    try:
        s.connect((HOST, port))
        fillers.append(s)
    except OSError:
        s.close()
        break


def accept_later():
    time.sleep(0.15)
    clients = [full.accept()[0] for _ in fillers]  # kept: they are ours
    while True:
        client, _ = full.accept()
        head = client.recv(5, socket.MSG_WAITALL)
        client.recv(int.from_bytes(head[3:5], "big"), socket.MSG_WAITALL)
        client.sendall(record(WHOLE))
        clients.append(client)


threading.Thread(target=accept_later, daemon=True).start()
o = look("%s:%d" % (HOST, port), "--timeout", "900ms")["observation"][0]
check("a second SYN within the time-out finds what the first one did not", o["outcome"] == "ok" and 250 < o["duration_ms"] < 900, str(o))

# ---- few descriptors --------------------------------------------------------------------------

silent = Peer(then(b"", "silence"))
few = run("sh", "-c", "ulimit -n 80; exec \"$0\" \"$@\"", ERS, "scan", "--config", config, "--json", "--rate", "max", "--per-host",
          "max", "--parallel", "5000", "--timeout", "500ms", *["127.0.0.%d:%d" % (i + 1, silent.port) for i in range(100)])
outcomes = by_type(few.stdout)["summary"][0]["faces"]["outcomes"]
check_equal("RLIMIT_NOFILE of 80: fewer at once, none is lost to it", (few.returncode, outcomes.get("local")), (0, None))
check_equal("... and all are looked at", sum(outcomes.values()), 100)
finish()
