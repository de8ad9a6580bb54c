#!/usr/bin/env python3
"""Observations that say nothing new, from the agent to the server: what stands for them is made here anew,
in Python, from the words of model/confirmation.h."""
import base64
import hashlib
import json
import os
import re
import time

import agent as peer_agent
from agent import Agent, Person, batch_id, certificate_line, observation_line
from peer import applet, check, check_equal, fingerprint, finish, free_port, make_certificate, path, run, start, stop, wait_port

SERVER, ERS = applet("clm-server"), applet("ers")
DATA, PORT = path("server"), free_port()
URL, ROOT = "https://127.0.0.1:%d" % PORT, os.path.join(DATA, "root.pem")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
NOW = int(time.time())


def clock(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def varint(n):
    out = b""
    while n >= 0x80:
        out, n = out + bytes([n & 0x7f | 0x80]), n >> 7
    return out + bytes([n])


def said(line):
    """The observation's JSON in its one form, with nothing of when and how long."""
    tls = line["tls"] and {name: line["tls"].get(name) for name in ("version", "cipher_suite", "group", "alpn")}
    if tls:
        tls.update(ocsp_stapled=False, scts=0, client_certificate=False, client_ca_names=[], old_version=None, hybrid_group=None)
    form = {"type": "observation", "scan": ""}
    form.update((name, line[name]) for name in ("target", "kind", "host", "ip", "port", "path", "protocol", "sni", "asked"))
    form.update(time="1970-01-01T00:00:00Z", outcome=line["outcome"], stage=line["stage"], alert=None, detail=line["detail"],
                duration_ms=0, connect_ms=None, bytes=0, tls=tls, chain=line["chain"])
    return hashlib.sha256(json.dumps(form, separators=(",", ":")).encode()).digest()[:16]


def confirmation(items, **more):
    """items: (number of the face, its time, the observation that said the same), by number."""
    begin = min(seen for _, seen, _ in items)
    faces, last = b"", -1
    for number, _, _ in items:
        faces, last = faces + varint(number - last - 1), number
    faces += b"".join(varint(seen - begin) for _, seen, _ in items)
    line = {"type": "confirmation", "scan": "s2", "time": clock(begin), "count": len(items),
            "faces": base64.b64encode(faces).decode(),
            "said": hashlib.sha256(b"".join(said(one) for _, _, one in items)).hexdigest()}
    line.update(more)
    return line


peer_agent.init(SERVER, DATA, PORT)
log = open(path("server.log"), "a")
server = start(SERVER, "run", "--data", DATA, stderr=log)
check("the server is up", wait_port(PORT))


def token():
    return json.loads(run(SERVER, "token", "create", "--data", DATA, "--json").stdout)["token"]


def pushes():
    """What the server's log says of each push."""
    log.flush()
    found = re.findall(r"event=push .* certificates=(\d+) observations=(\d+) confirmed=(\d+) rejected=(\d+)", open(path("server.log")).read())
    return [tuple(int(n) for n in one) for one in found]


def rows(kind):
    done = run(applet("clm-export"), "--data", DATA, "--rows", kind, "--format", "ndjson")
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- the line, made by hand ----------------------------------------------------------

leaf = make_certificate("leaf", EC, subject="/CN=leaf.test")
sha256 = fingerprint(leaf[0])
one = Agent(URL, ROOT, "one")
check_equal("enrolled", one.enrol(token())[0], 201)
whole = [observation_line([sha256], host="a%d.example.com" % i, ip="192.0.2.%d" % i, time_text=clock(NOW - 3600)) for i in range(3)]
whole.append(observation_line([], host="b.example.com", ip="192.0.2.9", outcome="refused", time_text=clock(NOW - 3600)))
whole[0]["duration_ms"], whole[1]["bytes"] = 77, 4096
status, answer = one.push(batch_id(), [certificate_line(open(leaf[0]).read())] + whole)
check("whole ones get the numbers of their faces", status == 200 and sorted(answer["faces"]) == [0, 1, 2, 3]
      and answer["confirmed"] == 0, str(answer))
by_face = sorted(zip(answer["faces"], whole), key=lambda pair: pair[0])
items = [(number, NOW - 60 + i, line) for i, (number, line) in enumerate(by_face)]
status, answer = one.push(batch_id(), [confirmation(items)])
check("confirmed: all four", status == 200 and answer["confirmed"] == answer["observations"] == 4 and answer["rejected"] == []
      and answer["faces"] == [], str(answer))
last = {row["host"]: row["last_seen"] for row in rows("endpoints")}
check_equal("each was seen at its time", last, {line["host"]: clock(seen) for _, seen, line in items})

status, answer = one.push(batch_id(), [confirmation(items[:1] + items[2:])])
check("confirmed: some", status == 200 and answer["confirmed"] == 3, str(answer))
other = dict(by_face[1][1], stage="hello")
for name, line in (("something else was said", confirmation([(items[1][0], NOW, other)])),
                   ("another face", confirmation([(items[1][0], NOW, by_face[2][1])])),
                   ("no such face", confirmation([(4, NOW, by_face[1][1])])),
                   ("a face far away", confirmation([(2 ** 32 - 1, NOW, by_face[1][1])]))):
    new = observation_line([], host="new.example.com", ip="192.0.2.77", outcome="refused")
    status, answer = one.push(batch_id(), [new, confirmation(items), line])
    check("%s: 409" % name, status == 409 and answer["code"] == "conflict", "%s %s" % (status, answer))
check("and nothing of those batches is stored", len(rows("endpoints")) == 4)

for name, more in (("no items", {"count": 0}), ("fewer than said", {"count": 5}), ("more than said", {"count": 3}),
                   ("no base64", {"faces": "!!!!"}), ("a varint too long", {"count": 1, "faces": base64.b64encode(b"\x80\x80\x80\x80\x80\x01\x00").decode()}),
                   ("past the last number", {"count": 2, "faces": base64.b64encode(varint(2 ** 32 - 1) + b"\0\0\0").decode()}),
                   ("not the shortest form", {"count": 1, "faces": base64.b64encode(b"\x80\x00\x00").decode()}),
                   ("said too short", {"said": "00"}), ("no time", {"time": "yesterday"}), ("too many", {"count": 65537})):
    status, answer = one.push(batch_id(), [confirmation(items, **more)])
    check("refused alone: %s" % name, status == 200 and [r["code"] for r in answer["rejected"]] == ["format"], "%s %s" % (status, answer))

# ---- the agent's own -----------------------------------------------------------------

config = path("config")
pushed = os.path.join(config, "state", "pushed")


def ers(*words, **more):
    return run(ERS, words[0], "--config", config, *words[1:], **more)


def scan():
    before = len(pushes())
    done = ers("scan")
    check("a scan", done.returncode == 0, done.stderr)
    sums = [sum(column) for column in zip(*pushes()[before:])]
    return sums


def serve_tls(name):
    made_now = make_certificate(name, EC, subject="/CN=%s.test" % name)
    process = start("openssl", "s_server", "-accept", "127.0.0.1:%d" % TLS, "-cert", made_now[0], "-key", made_now[1], "-quiet")
    check("a target is up", wait_port(TLS))
    return process


TLS = free_port()
target = serve_tls("first")
check_equal("login", ers("login", URL, "--token-file", "-", input=token() + "\n").returncode, 0)
with open(os.path.join(config, "targets"), "w") as f:
    f.write("127.0.0.1 %d,1\n" % TLS)
# certificates, observations, confirmed, rejected
check_equal("at first all is whole", scan(), [1, 2, 0, 0])
check("it is kept", open(pushed).read().startswith("clm pushed 1\n") and open(pushed).read().count("\n") == 3)
check_equal("then it is confirmed", scan(), [0, 2, 2, 0])
check_equal("and again", scan(), [0, 2, 2, 0])
stop(target)
target = serve_tls("second")
check_equal("a new certificate is whole, the other face confirmed", scan(), [1, 2, 1, 0])
check_equal("then both", scan(), [0, 2, 2, 0])
served = [row for row in rows("endpoints") if row["port"] == TLS]
check("the endpoint has the new one", len(served) == 1 and served[0]["sha256"] == fingerprint(path("second.pem")), str(served))

text = open(pushed).read().split("\n")
with open(pushed, "w") as f:
    f.write("\n".join(line.rsplit(" ", 1)[0] + " %d" % (70 + i) if i in (1, 2) else line for i, line in enumerate(text)))
check_equal("what the server does not have is sent whole", scan(), [0, 2, 0, 0])
check_equal("and known from then on", scan(), [0, 2, 2, 0])
for name, bad in (("damaged", b"clm pushed 1\nzz\n"), ("empty", b""), ("of another version", b"clm pushed 2\n"), ("lost", None)):
    if bad is None:
        os.remove(pushed)
    else:
        open(pushed, "wb").write(bad)
    check_equal("the file is %s: whole" % name, scan(), [0, 2, 0, 0])
with open(os.path.join(config, "targets"), "w") as f:
    f.write("127.0.0.1 1\n")
check_equal("of a target that is gone nothing is sent", scan(), [0, 1, 1, 0])
check("nor kept", open(pushed).read().count("\n") == 2)
stop(server)
server = start(SERVER, "run", "--data", DATA, stderr=log)
check("the server is up again", wait_port(PORT))
check_equal("the numbers hold over a restart", scan(), [0, 1, 1, 0])
finish()
