#!/usr/bin/env python3
"""A disk that fills under the server: writes are refused with 507, nothing that was
acknowledged is lost, reading goes on, and once there is room again so does writing, with no
restart. An agent keeps what it found and delivers it then."""
import json
import os
import random
import subprocess

from agent import Agent, Person, batch_id, certificate_line, init, observation_line
from dns import private_network
from peer import *

private_network()
ERS, SERVER = applet("ers"), applet("clm-server")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
DATA, CONFIG, PORT = path("server"), path("agent"), free_port()
ROOT, FILLER = os.path.join(DATA, "root.pem"), os.path.join(DATA, "filler")
SECRET = "correct horse battery staple"
os.makedirs(DATA)
os.makedirs(CONFIG)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "none", DATA], check=True)


def fill():
    """To the last byte, with pages of the file system that are begun already."""
    with open(FILLER, "ab", buffering=0) as f:
        for size in (65536, 4096, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass


def noise(n):
    """Text that no deflate makes much smaller: each push wants room of its own."""
    return "".join(random.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(n))


made = init(SERVER, DATA, PORT)
server = start(SERVER, "run", "--data", DATA, stderr=open(path("server.log"), "w"))
check("the server is up", wait_port(PORT))
url = "https://localhost:%d" % PORT
admin = Person(url, ROOT)
admin.call("POST", "/session/link", {"link": made["link"].split("#")[1], "password": SECRET})
token = admin.call("POST", "/tokens", {"uses": 2})[1]["token"]
pusher = Agent(url, ROOT, "pusher.example.com")
check_equal("an agent is enrolled", pusher.enrol(token)[0], 201)
with open(path("token"), "w", encoding="utf-8") as f:
    f.write(token)
done = run(ERS, "login", url, "--config", CONFIG, "--token-file", path("token"), "--name", "real")
check_equal("and ers", done.returncode, 0)
certificate, _ = make_certificate("seen.example.com", EC)
with open(certificate, encoding="utf-8") as f:
    line = certificate_line(f.read())
check_equal("a push before", pusher.push(batch_id(), [line, observation_line([line["sha256"]])])[0], 200)


def push(host):
    lines = [observation_line([line["sha256"]], host=host, port=port, detail=noise(100)) for port in range(1, 31)]
    target, body, headers = pusher.prepare(batch_id(), lines)
    return pusher.request("POST", target, body, headers)


# ---- full ----

fill()
answered, acknowledged = None, []
for i in range(20):
    answered = push("full%d.example.com" % i)
    if answered[0] != 200:
        break
    acknowledged.append("full%d.example.com" % i)
status, headers, problem = answered
check("full: a push is refused with 507", status == 507 and headers.get("Content-Type") == "application/problem+json"
      and problem.get("code") == "full" and problem.get("status") == 507, "%s %r" % (status, problem))
check_equal("and again", push("again.example.com")[0], 507)
check_equal("full: people's writes too", admin.call("POST", "/tokens", {"uses": 1})[0], 507)
status, answer = admin.call("GET", "/certificates?limit=10")
check("full: reading goes on", status == 200 and line["sha256"] in [row["sha256"] for row in answer["items"]], "%s %r" % (status, answer))
check_equal("full: the server is healthy enough to say so", admin.call("GET", "/health")[0], 200)
with open(os.path.join(CONFIG, "targets"), "w", encoding="utf-8") as f:
    f.write(os.path.dirname(certificate) + "/found\n")
os.makedirs(path("found"))
found, _ = make_certificate("found.example.com", EC)
os.rename(found, path("found", "found.pem"))
done = run(ERS, "scan", "--config", CONFIG)
spool = next(where for where, _, _ in os.walk(CONFIG) if where.endswith("spool"))
waiting = [name for name in os.listdir(spool) if len(name) == 32]
check("full: ers keeps what it found", len(waiting) == 1, "%s %s %s" % (done.returncode, done.stderr, os.listdir(spool)))

# ---- room again ----

os.remove(FILLER)
check_equal("room: the next push is taken", push("room.example.com")[0], 200)
acknowledged.append("room.example.com")
done = run(ERS, "push", "--config", CONFIG)
check("room: ers delivers", done.returncode == 0 and not [name for name in os.listdir(spool) if len(name) == 32], done.stderr)
status, answer = admin.call("GET", "/certificates/" + fingerprint(path("found", "found.pem")))
check_equal("room: it is there", status, 200)
check("it was the same server all the time", server.poll() is None)
check_equal("it ends well", stop(server), 0)
sound = run(SERVER, "check", "--data", DATA)
check("the store is sound", sound.returncode == 0, sound.stdout + sound.stderr)
server = start(SERVER, "run", "--data", DATA)
check("it starts again", wait_port(PORT))
admin.call("POST", "/session", {"user": "admin", "password": SECRET})
hosts = [row["host"] for row in admin.call("GET", "/endpoints?limit=500")[1]["items"]]
check_equal("all that was acknowledged is there", [host for host in acknowledged if host not in hosts], [])
check_equal("and nothing that was refused", [host for host in hosts if host in ("again.example.com",)], [])
stop(server)
finish()
