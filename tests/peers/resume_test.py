#!/usr/bin/env python3
"""ers scan --resume: what an interrupted scan had looked at is not looked at again, whether a
signal, the deadline or kill -9 ended it; both halves together are a whole pass."""
import collections
import gzip
import json
import os
import resource
import signal
import socket
import ssl
import threading
import time

import agent as peer_agent
from peer import *

ERS, SERVER = applet("ers"), applet("clm-server")
PORT, DATA = free_port("0.0.0.0"), path("server")
files = make_certificate("node", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


class Nodes:
    """TLS at every loopback address, which counts who asks where."""

    def __init__(self):
        self.asked = collections.Counter()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*files)
        self.socket = socket.create_server(("0.0.0.0", PORT), backlog=1024)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            self.asked[client.getsockname()[0]] += 1
            threading.Thread(target=self.greet, args=(client,), daemon=True).start()

    def greet(self, client):
        try:
            with self.context.wrap_socket(client, server_side=True) as tls:
                tls.recv(1)
        except OSError:
            client.close()

    def take(self):
        seen, self.asked = self.asked, collections.Counter()
        return seen


nodes = Nodes()
RANGE, NODES = "127.7.0.0/25", 128


def config(name, text):
    folder = path(name)
    os.makedirs(folder)
    with open(os.path.join(folder, "targets"), "w", encoding="utf-8") as f:
        f.write(text)
    return folder


def scan(folder, *words):
    done = run(ERS, "scan", "--config", folder, "--json", *words)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return done, [line for line in lines if line["type"] == "observation"], lines[-1] if lines else {}


def interrupted(folder, *words, how=signal.SIGINT, seconds=1.5):
    out = path("half.json")
    with open(out, "wb") as f:
        process = start(ERS, "scan", "--config", folder, "--json", *words, stdout=f)
        time.sleep(seconds)
        status = stop(process, how)
    lines = []
    for line in open(out, encoding="utf-8"):
        if line.endswith("\n"):
            lines.append(json.loads(line))
    return status, {line["ip"] for line in lines if line["type"] == "observation" and line["outcome"] == "ok"}, lines


def done_file(folder):
    for where, _, names in os.walk(folder):
        if "scan-done" in names:
            return os.path.join(where, "scan-done")
    return None


def whole(name, folder, before, *words):
    """The other half: who was asked before is left alone."""
    nodes.take()
    done, observations, summary = scan(folder, "--resume", *words)
    asked = nodes.take()
    check_equal(name + ": who was looked at is left alone", sorted(set(asked) & before), [])
    check_equal(name + ": all others are asked", len(set(asked) | before), NODES)
    check_equal(name + ": once each", max(asked.values()), 1)
    check(name + ": the account sums, and says what was left out",
          summary["endpoints"]["total"] + summary["looked_at_before"] == NODES and
          sum(summary["endpoints"]["states"].values()) == summary["endpoints"]["total"] == len(observations), str(summary))
    check_equal(name + ": a whole pass", (done.returncode, summary["complete"]), (0, True))
    check(name + ": nothing is left to continue", done_file(folder) is None)


# ---- a signal ----

one = config("one", "%s %d\n" % (RANGE, PORT))
status, first, lines = interrupted(one, "--rate", "40")
check_equal("SIGINT", status, 130)
check("it had begun", 10 < len(first) < NODES - 10, str(len(first)))
check_equal("an interrupted scan is no pass", lines[-1]["complete"], False)
whole("after a signal", one, first)
quiet = run(ERS, "scan", "--config", one, "--rate", "max")
check_equal("what the first half found is known: no news", quiet.stdout + quiet.stderr, "")

nodes.take()
scan(one, "--resume", "--rate", "max")
check_equal("nothing was interrupted: all are asked", len(nodes.take()), NODES)

status, first, _ = interrupted(one, "--rate", "40")
nodes.take()
scan(one, "--rate", "max")
check_equal("without --resume: all are asked", len(nodes.take()), NODES)
check("and nothing is left to continue", done_file(one) is None)

# ---- twice, then the deadline ----

status, first, _ = interrupted(one, "--rate", "40", seconds=1)
status, second, _ = interrupted(one, "--resume", "--rate", "40", seconds=1)
check_equal("two halves share nothing", first & second, set())
whole("after two", one, first | second, "--rate", "max")
done, seen, summary = scan(one, "--rate", "40", "--deadline", "1s")
first = {o["ip"] for o in seen if o["outcome"] == "ok"}
check("the deadline", summary["complete"] is False and 10 < len(first) < NODES - 10, str(summary))
whole("after the deadline", one, first, "--rate", "max")

# ---- an end of the file that was not written, an old one, a foreign one ----

interrupted(one, "--rate", "40")
file = done_file(one)
text = open(file, encoding="utf-8").read()
first = {line.split(":")[0] for line in text.splitlines()[1:-1]}
with open(file, "w", encoding="utf-8") as f:
    f.write(text[:-9])  # a torn line
whole("a line without its end is none", one, first, "--rate", "max")
for what, head in (("older than a day", "clm scan-done 1 %d" % (time.time() - 90000)), ("of another version", "clm scan-done 2 1")):
    interrupted(one, "--rate", "40", seconds=1)
    file = done_file(one)
    text = open(file, encoding="utf-8").read()
    with open(file, "w", encoding="utf-8") as f:
        f.write(head + text[text.index("\n"):])
    nodes.take()
    scan(one, "--resume", "--rate", "max")
    check_equal("%s: all are asked" % what, len(nodes.take()), NODES)

for words in ((RANGE,), ("--ports", "443"), ("--faces", "quick")):
    done = run(ERS, "scan", "--config", one, "--resume", *words)
    check("--resume %s: refused" % words[0], done.returncode == 2 and "--resume" in done.stderr, done.stderr)

# ---- kill -9, with a server ----

port = free_port()
peer_agent.init(SERVER, DATA, port)
start(SERVER, "run", "--data", DATA)
check("the server is up", wait_port(port))
token = json.loads(run(SERVER, "token", "create", "--data", DATA, "--json").stdout)["token"]
with open(path("token"), "w", encoding="utf-8") as f:
    f.write(token)
many = config("many", "127.8.0.0/18 9\n")  # all of them refuse
done = run(ERS, "login", "https://localhost:%d" % port, "--config", many, "--token-file", path("token"), "--name", "resumer")
check("enrolled", done.returncode == 0, done.stderr)
process = start(ERS, "scan", "--config", many, "--json", "--no-push", "--rate", "4000")
end = time.time() + 20
while time.time() < end and not (done_file(many) and os.path.getsize(done_file(many)) > 100000):
    time.sleep(0.02)
stop(process, signal.SIGKILL)
lines = open(done_file(many), encoding="utf-8").read().split("\n")
first = {line.split(":")[0] for line in lines[1:-1]}
spooled = set()
for where, _, names in os.walk(many):
    if where.endswith("spool"):
        for name in names:
            for line in gzip.open(os.path.join(where, name), "rt"):
                observation = json.loads(line)
                if observation["type"] == "observation":
                    spooled.add(observation["ip"])
check("killed on the way", 1000 < len(first) < 16000, str(len(first)))
check_equal("what counts as done is safe in the spool", first - spooled, set())
done, seen, summary = scan(many, "--resume", "--rate", "max")
check_equal("the rest, and no more", (len(seen), summary["looked_at_before"], summary["complete"]),
            (16384 - len(first), len(first), True))
check("none twice", not first & {o["ip"] for o in seen})
export = run(applet("clm-export"), "--data", DATA, "--rows", "endpoints", "--columns", "host")
check_equal("the server has each of them", len(export.stdout.splitlines()) - 1, 16384)
finish()
