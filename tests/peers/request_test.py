#!/usr/bin/env python3
"""ers request, renew and sync against our server, nginx and openssl: a certificate is
asked for, approved, served, renewed; a reload that fails leaves the old one in place."""
import fcntl
import json
import os
import re
import signal
import stat
import subprocess
import time

from agent import Person, init
from browser import browse
from peer import *

SERVER, ERS = applet("clm-server"), applet("ers")
DATA, PORT, TLS = path("server"), free_port(), free_port()
URL, ROOT, OUT = "https://localhost:%d" % PORT, path("server", "root.pem"), path("tls")


def serve():
    process = start(SERVER, "run", "--data", DATA, stderr=open(path("server.log"), "a"))
    check("the server listens", wait_port(PORT), open(path("server.log")).read())
    return process


def ers(*words, **options):
    return run(ERS, words[0], "--config", path("agent"), *words[1:], **options)


def read(name, folder=OUT):
    return open(os.path.join(folder, name)).read()


def serial(certificate):
    return run("openssl", "x509", "-in", certificate, "-noout", "-serial").stdout.strip()


def served(port):
    done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-servername", "web.example.test"],
                          input=b"", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    with open(path("seen.pem"), "wb") as f:
        f.write(done.stdout)
    return serial(path("seen.pem"))


def is_pair(folder=OUT):
    """Certificate and key belong together, by openssl."""
    public = run("openssl", "x509", "-in", os.path.join(folder, "cert.pem"), "-noout", "-pubkey").stdout
    return public and public == run("openssl", "pkey", "-in", os.path.join(folder, "key.pem"), "-pubout").stdout


init(SERVER, DATA, PORT)
server = serve()
token = run(SERVER, "token", "create", "--data", DATA, "--quiet").stdout
check_equal("enrolled", run(ERS, "login", URL, "--config", path("agent"), "--name", "web1", "--token-file", "-", input=token).returncode, 0)
person = Person(URL, ROOT)
link = json.loads(run(SERVER, "user", "link", "admin", "--data", DATA, "--json").stdout)["link"]
check_equal("log in", person.call("POST", "/session/link", {"link": link.split("#")[1], "password": "correct horse battery"})[0], 200)

# ---- what is refused before anything is asked ---------------------------------

check_equal("nothing due: exit 0", ers("renew").returncode, 0)
open(path("file"), "w").close()
done = ers("request", "--dns", "web.example.test", "--out", path("file", "sub"))
check("--out that cannot be written: exit 1", done.returncode == 1 and "file" in done.stderr, done.stderr)
check_equal("and nothing was requested", person.call("GET", "/requests")[1]["total"], 0)
for words, says in ((("--dns", "not a name", "--out", OUT), "not a name"), (("--dns", "10.0.0.1", "--out", OUT), "--ip takes"),
                    (("--ip", "x", "--out", OUT), "'x'"), (("--dns", "a.example",), "--out"), (("--out", OUT), "--dns"),
                    (("--dns", "a.example", "--out", OUT, "--mode", "0644"), "0644"),
                    (("--dns", "a.example", "--out", OUT, "--key-type", "dsa"), "dsa")):
    done = ers("request", *words)
    check("usage: %s" % " ".join(words[:2]), done.returncode == 2 and says in done.stderr, "%d %s" % (done.returncode, done.stderr))

# ---- asked for, approved, installed -------------------------------------------

conf = path("nginx.conf")
os.makedirs(path("logs"))
with open(conf, "w") as f:
    f.write("pid %s; error_log %s; events {} http { access_log off; %s server { listen 127.0.0.1:%d ssl; "
            "ssl_certificate %s/fullchain.pem; ssl_certificate_key %s/key.pem; return 204; } }\n"
            % (path("nginx.pid"), path("logs", "error.log"),
               " ".join("%s_temp_path %s;" % (k, path("t")) for k in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")), TLS, OUT, OUT))
reload = "test ! -e %s || nginx -p %s -c %s -s reload 2>/dev/null" % (path("nginx.pid"), WORK, conf)
request = ("request", "--dns", "web.example.test,www.example.test", "--out", OUT, "--reload", reload)
profiles = person.call("GET", "/profiles")[1]["items"]
needs_approval = any(p.get("approval") == "one" for p in profiles[:1])
done = ers(*request)
check_equal("request: exit 0", (done.returncode, done.stderr), (0, ""))
listed = person.call("GET", "/requests")[1]["items"]
check_equal("one request at the server", len(listed), 1)
if listed[0]["state"] == "pending":
    check("it waits", "waiting" in done.stdout, done.stdout)
    check_equal("the same call again", ers(*request).returncode, 0)
    check_equal("continues the same request", person.call("GET", "/requests")[1]["total"], 1)
    check("no file yet", not os.path.exists(os.path.join(OUT, "cert.pem")))
    waited = ers(*request, "--wait", "1s")
    check_equal("--wait runs out: exit 7", waited.returncode, 7)
    status, said = browse("approve.mjs", ROOT, {"url": URL, "user": "admin", "password": "correct horse battery"}, 120)
    check("approved in Chromium", status == 0, said)
    done = ers("sync")
    check("sync fetches it", done.returncode == 0 and "installed" in done.stdout, done.stdout + done.stderr)
check_equal("four files", sorted(f for f in os.listdir(OUT) if not f.startswith(".")),
            ["cert.pem", "chain.pem", "fullchain.pem", "key.pem"])
check_equal("key.pem is 0600", stat.S_IMODE(os.stat(os.path.join(OUT, "key.pem")).st_mode), 0o600)
check("certificate and key belong together", is_pair())
check_equal("fullchain is certificate and chain", read("fullchain.pem"), read("cert.pem") + read("chain.pem"))
verified = run("openssl", "verify", "-x509_strict", "-CAfile", ROOT, "-untrusted", os.path.join(OUT, "chain.pem"),
               "-verify_hostname", "www.example.test", os.path.join(OUT, "cert.pem"))
check("openssl verify accepts the chain", verified.returncode == 0, verified.stdout + verified.stderr)
check_equal("the key is nowhere else", [p for p, _, names in os.walk(WORK) for n in names if n == "key.pem" and "server" not in p
             and open(os.path.join(p, n)).read() == read("key.pem") and not os.path.islink(os.path.join(p, n))],
            [os.path.realpath(os.path.dirname(os.path.realpath(os.path.join(OUT, "key.pem"))))])

nginx = start("nginx", "-p", WORK, "-c", conf, "-g", "daemon off;")
check("nginx starts with it", wait_port(TLS), read("error.log", path("logs")))
first = serial(os.path.join(OUT, "cert.pem"))
check_equal("nginx serves it", served(TLS), first)

# ---- owner and tags, seen, renewed --------------------------------------------

sha256 = fingerprint(os.path.join(OUT, "cert.pem"))
status, detail = person.call("GET", "/certificates/" + sha256)
check_equal("issued, not yet served", (status, detail.get("issued_not_served")), (200, True))
service = detail["service"]["id"]
check_equal("owner and tags are set", person.call("POST", "/services/" + service, {"owner": "web team", "tags": ["prod"], "notes": ""})[0], 200)
ers("discover", "--servers", "127.0.0.1", "--ports", str(TLS))
check_equal("scan", ers("scan").returncode, 0)
check_equal("served now", person.call("GET", "/certificates/" + sha256)[1].get("issued_not_served"), False)

check_equal("renew: nothing due", (ers("renew").returncode, person.call("GET", "/requests")[1]["total"]), (0, 1))
check("renew --dry-run --all says what is due", OUT in ers("renew", "--dry-run", "--all").stdout)


def approve_all():
    for row in person.call("GET", "/requests?state=pending")[1]["items"]:
        person.call("POST", "/requests/%s/approve" % row["id"], {})


done = ers("renew", "--force", "web.example.test")
check_equal("renew --force", (done.returncode, done.stderr), (0, ""))
approve_all()
check_equal("and fetch", ers("renew").returncode, 0)
time.sleep(0.7)
second = serial(os.path.join(OUT, "cert.pem"))
check("another certificate, its key with it", second != first and is_pair())
check_equal("nginx serves the new one", served(TLS), second)
check_equal("scan", ers("scan").returncode, 0)
detail = person.call("GET", "/certificates/" + fingerprint(os.path.join(OUT, "cert.pem")))[1]
check_equal("the service goes on", detail["service"]["id"], service)
check_equal("owner and tags survived", (detail["service"]["owner"], detail["service"]["tags"]), ("web team", ["prod"]))

# ---- a reload that fails -------------------------------------------------------

state = path("agent", "requests")
before = read("fullchain.pem")
with open(state) as f:
    kept = f.read()
with open(state, "w") as f:
    f.write(re.sub(r'"reload":"(?:[^"\\]|\\.)*"', '"reload":"echo no such unit >&2; exit 3"', kept))
ers("renew", "--force", "web.example.test")
approve_all()
done = ers("renew")
check("a reload that fails: exit 1, told", done.returncode == 1 and "exit 3" in done.stderr and "no such unit" in done.stderr, done.stderr)
check_equal("the old files are back", read("fullchain.pem"), before)
check("certificate and key belong together", is_pair())
bad = [row["id"] for row in person.call("GET", "/requests")[1]["items"] if row["outcome"] and not row["outcome"]["installed"]]
outcomes = [person.call("GET", "/requests/" + id)[1]["outcome"] for id in bad]
check("the server was told", len(outcomes) == 1 and outcomes[0]["reload_exit"] == 3 and "no such unit" in outcomes[0]["detail"], outcomes)
with open(state) as f:
    mended = re.sub(r'"reload":"(?:[^"\\]|\\.)*"', lambda _: '"reload":' + json.dumps(reload), f.read())
with open(state, "w") as f:
    f.write(mended)
check_equal("mended: the next call installs the same request", ers("renew").returncode, 0)
check("a third certificate, its key with it", serial(os.path.join(OUT, "cert.pem")) not in (first, second) and is_pair())
check_equal("unchanged: the same call again asks for nothing", (ers(*request).stdout.split()[0], ers("renew").stdout), ("unchanged", ""))

# ---- two at once, refused, server away ----------------------------------------

holder = open(path("agent", "requests.lock"), "w")
fcntl.flock(holder, fcntl.LOCK_EX)
check_equal("a second renewal at once: exit 11", ers("renew").returncode, 11)
holder.close()

done = ers("request", "--dns", "refused.example.test", "--out", path("other"))
pending = person.call("GET", "/requests?state=pending")[1]["items"]
if pending:
    check_equal("refuse with a reason", person.call("POST", "/requests/%s/refuse" % pending[0]["id"], {"reason": "not ours"})[0], 200)
    done = ers("request", "--dns", "refused.example.test", "--out", path("other"))
    check("refused: exit 1 with the reason", done.returncode == 1 and "not ours" in done.stderr, done.stderr)

total = person.call("GET", "/requests")[1]["total"]
stop(server)
done = ers("request", "--dns", "late.example.test", "--out", path("late"))
check("server away: exit 1", done.returncode == 1, done.stdout + done.stderr)
server = serve()
check_equal("the next call goes on", ers("request", "--dns", "late.example.test", "--out", path("late")).returncode, 0)
person.cookie = None
person.call("POST", "/session", {"user": "admin", "password": "correct horse battery"})
check_equal("with one request, not two", person.call("GET", "/requests")[1]["total"], total + 1)

# ---- kill -9 at any moment -------------------------------------------------------

approve_all()
ers("renew")
whole = 0
for i in range(12):
    process = start(ERS, "renew", "--config", path("agent"), "--force", "late.example.test")
    time.sleep(0.004 * i)
    process.kill()
    process.wait()
    approve_all()
    whole += bool(is_pair(path("late")))
check_equal("killed twelve times: always a whole set", whole, 12)
check_equal("and the next call ends it", ers("renew").returncode, 0)
check("a whole set", is_pair(path("late")))

# ---- a rescan that was asked for -------------------------------------------------

agent_id = person.call("GET", "/agents")[1]["items"][0]["id"]
check("rescan asked for", person.call("POST", "/agents/%s/rescan" % agent_id, {"targets": []})[0] in (200, 201, 202))
check_equal("sync: exit 0", ers("sync").returncode, 0)
targets = path("agent", "targets")
mine = open(targets).read()
check_equal("targets set at the server", person.call("POST", "/agents/%s/targets" % agent_id, {"text": "198.51.100.7 8443\n127.0.0.1 1\n"})[0], 200)
check_equal("sync: without remote = all they are left there", (ers("sync").returncode, os.path.exists(path("agent", "state", "targets.server"))),
            (0, False))
with open(path("agent", "ers.conf"), "a") as f:
    f.write("remote = all\n")
check_equal("sync with remote = all", ers("sync").returncode, 0)
rows = [json.loads(line) for line in ers("discover", "--list", "--json").stdout.splitlines()]
check_equal("listed beside the own ones, which come first", [(row["key"], row["source"], row["ports"]) for row in rows],
            [("127.0.0.1", "local", str(TLS)), ("198.51.100.7", "server", "8443")])
check_equal("the person's file is untouched", open(targets).read(), mine)
check("the scan would look at both", "2 endpoints" in ers("scan", "--dry-run").stdout + ers("scan", "--dry-run").stderr)
check_equal("set to nothing at the server", person.call("POST", "/agents/%s/targets" % agent_id, {"text": ""})[0], 200)
check_equal("sync forgets them", (ers("sync").returncode, os.path.exists(path("agent", "state", "targets.server"))), (0, False))
done = ers("sync")
check_equal("nothing to do: silent", (done.returncode, done.stdout, done.stderr), (0, "", ""))
stop(nginx)
stop(server)
finish()
