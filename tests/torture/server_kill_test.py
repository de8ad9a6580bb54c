#!/usr/bin/env python3
"""kill -9 of the server in the middle of pushes: every acknowledged certificate is
there after the restart, and none twice. Every other kill comes while the server ends. Short in `make test`; the whole of it,
20 times in the middle of 100 pushes, with CLM_TORTURE=1."""
import os
import random
import re
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
import agent as peer_agent
from agent import Agent, Person, batch_id, certificate_line, observation_line
from peer import applet, check, check_equal, finish, free_port, make_certificate, path, run, start, stop, wait_port

WHOLE = bool(os.environ.get("CLM_TORTURE"))
KILLS, PUSHES_A_KILL, AGENTS = (20, 100, 4) if WHOLE else (4, 15, 4)
PUSHES = KILLS * PUSHES_A_KILL
SERVER = applet("clm-server")
DATA = path("server")
PORT = free_port()
ROOT = os.path.join(DATA, "root.pem")
SECRET = "correct horse battery staple"


def serve():
    process = start(SERVER, "run", "--data", DATA, stderr=open(path("server.log"), "a"))
    if not wait_port(PORT, seconds=30):
        raise RuntimeError("the server does not listen: " + open(path("server.log")).read()[-2000:])
    return process


def certificates(count):
    """Many certificates for the price of one key."""
    _, key = make_certificate("seed.example.com", key=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
    for i in range(count):
        name = path("c%d.pem" % i)
        done = run("openssl", "req", "-x509", "-key", key, "-out", name, "-subj", "/CN=host%d.example.com" % i, "-days", "30")
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        yield open(name).read()


class Pusher(threading.Thread):
    """One agent: it repeats a batch, signed anew, until that is acknowledged."""

    def __init__(self, agent, batches):
        super().__init__()
        self.agent, self.batches = agent, batches
        self.acknowledged, self.repeated, self.refused = [], 0, []

    def run(self):
        for batch, lines in self.batches:
            for _ in range(600):
                try:
                    status, answer = self.agent.push(batch, lines)
                except OSError:
                    time.sleep(0.02)
                    continue
                except Exception as cut:  # an answer cut in the middle
                    if "http" not in type(cut).__module__:
                        raise
                    continue
                if status == 200:
                    self.repeated += answer["repeated"]
                    self.acknowledged += [line["sha256"] for line in lines if line["type"] == "certificate"]
                    break
                if status not in (429, 503):
                    self.refused.append((status, answer))
                    break
            else:
                self.refused.append("gave up on batch " + batch)


made = peer_agent.init(SERVER, DATA, PORT)
url = "https://localhost:%d" % PORT
server = serve()
admin = Person(url, ROOT)
admin.call("POST", "/session/link", {"link": made["link"].split("#")[1], "password": SECRET})
token = admin.call("POST", "/tokens", {"uses": AGENTS})[1]["token"]

work = [[] for _ in range(AGENTS)]
for i, pem in enumerate(certificates(PUSHES)):
    line = certificate_line(pem)
    work[i % AGENTS].append((batch_id(), [line, observation_line([line["sha256"]], host="host%d.example.com" % i)]))
pushers = []
for i in range(AGENTS):
    someone = Agent(url, ROOT, "agent%d.example.com" % i)
    check_equal("agent %d is enrolled" % i, someone.enrol(token)[0], 201)
    pushers.append(Pusher(someone, work[i]))
expected = {line["sha256"] for batches in work for _, lines in batches for line in lines if line["type"] == "certificate"}

def acknowledged_now():
    return sum(len(p.acknowledged) for p in pushers)


for pusher in pushers:
    pusher.start()
kills = 0
for i in range(KILLS):
    at = i * PUSHES_A_KILL + random.randint(1, PUSHES_A_KILL - 2 * AGENTS)
    while acknowledged_now() < at and any(p.is_alive() for p in pushers):
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.02))
    kills += acknowledged_now() < PUSHES
    if i % 2:  # in the middle of its end, when it writes the index
        server.send_signal(signal.SIGTERM)
        time.sleep(random.uniform(0, 0.03))
    stop(server, signal.SIGKILL)
    server = serve()
for pusher in pushers:
    pusher.join(300)

check_equal("the server was killed in the middle, each time", kills, KILLS)
check_equal("every push was taken in the end", [p.refused for p in pushers if p.refused], [])
acknowledged = {sha256 for p in pushers for sha256 in p.acknowledged}
check_equal("all were acknowledged", len(expected - acknowledged), 0)
stop(server, signal.SIGKILL)
server = serve()
admin.call("POST", "/session", {"user": "admin", "password": SECRET})


def all_rows(path_of_list, key):
    """A member of each row of a list, by as many pages as it takes."""
    found, more = [], ""
    while more is not None:
        _, page = admin.call("GET", "%s?limit=%d%s" % (path_of_list, 97, "&cursor=" + more if more else ""))
        found += [row[key] for row in page["items"]]
        more = page["next"]
    return found


seen = all_rows("/certificates", "sha256")
check_equal("every acknowledged certificate is there", sorted(acknowledged - set(seen)), [])
check_equal("none is there twice", len(seen), len(set(seen)))
check_equal("and no other", set(seen) - expected, set())
hosts = all_rows("/endpoints", "host")
check_equal("each endpoint is there once", (len(hosts), set(hosts) ^ {"host%d.example.com" % i for i in range(PUSHES)}),
            (PUSHES, set()))
check_equal("the server ends well", stop(server), 0)
sound = run(SERVER, "check", "--data", DATA)
check("the store is sound", sound.returncode == 0, sound.stdout + sound.stderr)
entries = int(re.search(r"entries\s+(\d+)", sound.stdout).group(1)) if sound.returncode == 0 else 0
print("# %d kills, %d pushes, %d answered as repeated, %d entries" % (kills, PUSHES, sum(p.repeated for p in pushers), entries))
finish()
