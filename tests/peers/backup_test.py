#!/usr/bin/env python3
"""clm-server backup and restore: beside a running server and without one, with secrets and
without, damaged, wrong and interrupted; and all agents go on where they were."""
import csv
import http.client
import io
import json
import shutil
import ssl

from agent import Agent, Person, batch_id, certificate_line, init, observation_line
from peer import *

SERVER, ERS, EXPORT = applet("clm-server"), applet("ers"), applet("clm-export")
DATA, BACKUP, PORT = path("server"), path("backup"), free_port()
URL = "https://localhost:%d" % PORT
PUSHES = 1000


def serve(data=DATA):
    process = start(SERVER, "run", "--data", data, stderr=open(path("server.log"), "a"))
    check("the server listens", wait_port(PORT), open(path("server.log")).read())
    return process


def backup(*more, folder=BACKUP, data=DATA):
    done = run(SERVER, "backup", folder, "--data", data, "--json", *more)
    return json.loads(done.stdout) if done.returncode == 0 else done


def restore(to, *more, folder=BACKUP):
    return run(SERVER, "restore", folder, "--data", to, *more)


def token(data=DATA, *more):
    return json.loads(run(SERVER, "token", "create", "--data", data, "--json", *more).stdout)["token"]


def rows(data, kind):
    """What an export says, without what a scan more changes: when it was seen, and how often."""
    done = run(EXPORT, "--data", data, "--rows", kind, "--format", "csv")
    check_equal("%s are exported" % kind, done.returncode, 0)
    table = list(csv.DictReader(io.StringIO(done.stdout)))
    moving = [c for c in table[0] if "seen" in c or "scan" in c or "time" in c or c == "passes"] if table else []
    return sorted(tuple((k, v) for k, v in row.items() if k not in moving) for row in table)


init(SERVER, DATA, PORT)
with open(path("passphrase"), "w") as f:
    f.write("correct horse battery staple\n")
os.chmod(path("passphrase"), 0o600)
SECRETS = ("--secrets", "--passphrase-file", path("passphrase"))

# ---- agents, some real, that scan endpoints of openssl --------------------------------

server = serve()
endpoints, servers = [], []
for i in range(3):
    certificate, key = make_certificate("endpoint%d" % i, ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
    port = free_port()
    servers.append(start("openssl", "s_server", "-accept", port, "-cert", certificate, "-key", key, "-quiet"))
    check("endpoint %d listens" % i, wait_port(port))
    endpoints.append("127.0.0.1:%d" % port)

REAL = ("east", "west", "north")
for name in REAL:
    done = run(ERS, "login", URL, "--config", path(name), "--name", name, "--token-file", "-", input=token() + "\n")
    check_equal("%s enrols" % name, done.returncode, 0)
    for at in endpoints:
        host, port = at.split(":")
        run(ERS, "discover", "--config", path(name), "--ips", host, "--ports", ",".join(e.split(":")[1] for e in endpoints))
    check_equal("%s scans" % name, run(ERS, "scan", "--config", path(name)).returncode, 0)

pusher = Agent(URL, os.path.join(DATA, "root.pem"), "pusher")
check_equal("an agent of the test enrols", pusher.enrol(token())[0], 201)
pem = certificate_line(open(path("endpoint0.pem")).read())
check_equal("it pushes", pusher.push(batch_id(), [pem, observation_line([pem["sha256"]])])[0], 200)

# ---- the backup, beside the running server ---------------------------------------------

first = backup(*SECRETS)
check("a backup is made", isinstance(first, dict) and first["secrets"] and first["copied_files"] == first["files"], first)
check_equal("its folder is private", [os.stat(p).st_mode & 0o777 for p in (BACKUP, os.path.join(BACKUP, "manifest.json"))], [0o700, 0o600])
again = backup(*SECRETS)
check("again: only the end of the log and the secrets", again["copied_files"] == 2, again)
plain = open(os.path.join(DATA, "root.key"), "rb").read().split(b"\n")[1]
check("no key lies there in clear", not any(plain in open(os.path.join(BACKUP, "files", f), "rb").read()
                                            for f in os.listdir(os.path.join(BACKUP, "files"))))
link = json.loads(run(SERVER, "user", "add", "alex", "--role", "admin", "--data", DATA, "--json").stdout)["link"]
alex = Person(URL, os.path.join(DATA, "root.pem"))
check_equal("a person logs in", alex.call("POST", "/session/link", {"link": link.split("#")[1], "password": "a long password"})[0], 200)
told = alex.call("GET", "/summary")[1]["backup"]
check("the summary tells of it", told["folder"] == BACKUP and told["secrets"] and not told["old"] and not told["configured"], told)
taken = backup(*SECRETS)

# ---- 1,000 pushes more, then the machine is gone -------------------------------------------

extra, key = make_certificate("late", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
late = certificate_line(open(extra).read())
pushed = 0
connection = http.client.HTTPSConnection("localhost", PORT, context=pusher.context, timeout=30)
for i in range(PUSHES):
    target, body, headers = pusher.prepare(batch_id(), [late, observation_line([late["sha256"]], host="h%d.example.com" % i)])
    connection.request("POST", target, body=body, headers=headers)
    response = connection.getresponse()
    response.read()
    pushed += response.status == 200
connection.close()
check_equal("%d pushes more" % PUSHES, pushed, PUSHES)
# One endpoint has another certificate now, which the backup does not know.
stop(servers[0])
certificate, key = make_certificate("renewed", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
start("openssl", "s_server", "-accept", endpoints[0].split(":")[1], "-cert", certificate, "-key", key, "-quiet")
wait_port(int(endpoints[0].split(":")[1]))
for name in REAL:
    check_equal("%s scans again" % name, run(ERS, "scan", "--config", path(name)).returncode, 0)
before = {kind: rows(DATA, kind) for kind in ("certificates", "endpoints", "agents")}
latecomer = Agent(URL, os.path.join(DATA, "root.pem"), "latecomer")
check_equal("one more enrols", latecomer.enrol(token())[0], 201)
stop(server)
shutil.rmtree(DATA)

# ---- what is refused ------------------------------------------------------------------------

NEW = path("elsewhere")
done = restore(NEW)
check("secrets want a passphrase", done.returncode == 2 and "--without-secrets" in done.stderr, done.stderr)
with open(path("wrong"), "w") as f:
    f.write("correct house\n")
os.chmod(path("wrong"), 0o600)
done = restore(NEW, "--passphrase-file", path("wrong"))
check("a wrong passphrase is refused", done.returncode != 0 and "passphrase" in done.stderr, done.stderr)
check("and nothing is left of that", not os.path.exists(NEW) or os.listdir(NEW) == [], NEW)

broken = path("broken")
shutil.copytree(BACKUP, broken)
manifest = json.load(open(os.path.join(broken, "manifest.json")))
for name in ("log/00000001.seg", "server.conf", "secrets.sealed"):
    row = [r for r in manifest["files"] if r["name"] == name][0]
    stored = os.path.join(broken, "files", row["sha256"])
    whole = open(stored, "rb").read()
    open(stored, "wb").write(whole[:20] + bytes([whole[20] ^ 1]) + whole[21:])
    done = restore(NEW, "--passphrase-file", path("passphrase"), folder=broken)
    check("damage is named: " + name, done.returncode == 5 and name in done.stderr, (done.returncode, done.stderr))
    open(stored, "wb").write(whole)
row = dict(manifest, entries=manifest["entries"] - 1)
row["files"] = [dict(r, entries=row["entries"]) if r["name"].startswith("log/") else r for r in row["files"]]
json.dump(row, open(os.path.join(broken, "manifest.json"), "w"))
done = restore(NEW, "--passphrase-file", path("passphrase"), folder=broken)
check("a manifest of another tree is refused", done.returncode == 5, done.stderr)
done = restore(NEW, folder=path("nothing"))
check("no backup is said", done.returncode == 1 and "no backup" in done.stderr, done.stderr)
os.makedirs(NEW, exist_ok=True)
open(os.path.join(NEW, "mine"), "w").close()
done = restore(NEW, "--passphrase-file", path("passphrase"))
check("a folder with something in it is refused", done.returncode == 1 and "not empty" in done.stderr, done.stderr)
os.remove(os.path.join(NEW, "mine"))
os.mkdir(os.path.join(NEW, "restoring"))
done = restore(NEW, "--passphrase-file", path("passphrase"))
check("an interrupted restore is named", done.returncode == 1 and "interrupted" in done.stderr, done.stderr)
os.rmdir(os.path.join(NEW, "restoring"))

# ---- elsewhere, with secrets: everybody goes on -----------------------------------------------

done = restore(NEW, "--passphrase-file", path("passphrase"))
check("it is restored", done.returncode == 0 and "agents      push as before" in done.stdout, done.stdout + done.stderr)
check_equal("the folder is private", os.stat(NEW).st_mode & 0o777, 0o700)
check_equal("the log is sound", run(SERVER, "check", "--data", NEW).returncode, 0)
audit = run(EXPORT, "--data", NEW, "--rows", "audit", "--format", "csv").stdout
check("an entry says from where it goes on", "restored from tree head %d %s" % (taken["entries"], taken["root"]) in audit, audit[-400:])
server = serve(NEW)
check_equal("the person's password holds", alex.call("POST", "/session", {"user": "alex", "password": "a long password"})[0], 200)
told = alex.call("GET", "/summary")[1]["backup"]
check("the last backup is known", told["folder"] == BACKUP and told["time"] == taken["time"], told)
for name in REAL:
    done = run(ERS, "scan", "--config", path(name))
    check("%s scans and pushes without enrolling" % name, done.returncode == 0, (done.returncode, done.stderr))
    check("%s has nothing left to send" % name, not [f for f in os.listdir(path(name, "spool")) if f != "refused"]
          if os.path.isdir(path(name, "spool")) else True)
status = pusher.push(batch_id(), [pem, late, observation_line([pem["sha256"]])] +
                     [observation_line([late["sha256"]], host="h%d.example.com" % i) for i in range(PUSHES)])
check("the other agent pushes without enrolling", status[0] == 200 and not status[1]["rejected"], status)
check_equal("the one that came after the backup is not known", latecomer.push(batch_id(), [])[0], 401)
stop(server)
for kind in before:
    check("%s are those of before" % kind, rows(NEW, kind) == before[kind], set(rows(NEW, kind)) ^ set(before[kind]))
done = backup(data=NEW)
check("the backup goes on in the same folder", isinstance(done, dict), done)
done = run(SERVER, "restore", path("folder"), "--data", NEW)
check("no restore over a server", done.returncode == 1, done.stderr)

# ---- without secrets: a new root, one administrator ---------------------------------------------

BARE = path("bare")
done = run(SERVER, "restore", BACKUP, "--data", BARE, "--json")
answer = json.loads(done.stdout) if done.returncode == 0 else {}
check("restored without secrets", done.returncode == 0 and answer["link"] and answer["root_sha256"], done.stderr)
server = serve(BARE)
old = Agent(URL, os.path.join(NEW, "root.pem"), "pusher")
try:
    old.push(batch_id(), [])
    check("agents do not trust the new root", False, "it pushed")
except ssl.SSLError:
    check("agents do not trust the new root", True)
admin = Person(URL, os.path.join(BARE, "root.pem"))
status = admin.call("POST", "/session/link", {"link": answer["link"].split("#")[1], "password": "another long one"})
check("the link makes the administrator", status[0] == 200 and status[1]["role"] == "admin", status)
check("users of before are gone", admin.call("POST", "/session", {"user": "alex", "password": "a long password"})[0] == 401)
done = run(ERS, "login", URL, "--config", path("east2"), "--name", "east", "--token-file", "-",
           input=token(BARE, "--for", "east") + "\n")
check("an agent enrols again and keeps its name", done.returncode == 0, done.stderr)
stop(server)
check("the inventory is there", rows(BARE, "certificates") == before["certificates"])

# ---- at night ----------------------------------------------------------------------------------------

done = run(SERVER, "backup", "--data", BARE)
check("no folder: said, and nothing done", done.returncode == 0 and "no folder" in done.stderr, done.stderr)
check_equal("quietly at night", run(SERVER, "backup", "--quiet", "--data", BARE).stderr, "")
with open(os.path.join(BARE, "server.conf"), "a") as f:
    f.write("backup = %s\nbackup_passphrase_file = %s\n" % (path("nightly"), path("passphrase")))
server = serve(BARE)
check_equal("logged in again", admin.call("POST", "/session", {"user": "admin", "password": "another long one"})[0], 200)
told = admin.call("GET", "/summary")[1]["backup"]
check("configured, and the last one is recent", told["configured"] and not told["old"], told)
done = run(SERVER, "backup", "--quiet", "--data", BARE)
check("it goes where server.conf says, with secrets", (done.returncode, done.stdout, done.stderr) == (0, "", "")
      and json.load(open(path("nightly", "manifest.json")))["secrets"] == "sealed", done.stderr)
note = json.load(open(os.path.join(BARE, "backup")))
note["time"] = "2026-01-01T00:00:00Z"
json.dump(note, open(os.path.join(BARE, "backup"), "w"))
check("one of long ago is old", admin.call("GET", "/summary")[1]["backup"]["old"])
os.remove(os.path.join(BARE, "backup"))
check("none at all, though configured, is old", admin.call("GET", "/summary")[1]["backup"]["old"])
os.chmod(path("passphrase"), 0o644)
done = run(SERVER, "backup", "--data", BARE)
check("a passphrase that others can read is refused", done.returncode == 1 and "chmod 600" in done.stderr, done.stderr)
stop(server)
finish()
