#!/usr/bin/env python3
"""ers request, renew and sync against a server of Python's that issues by the openssl
command and can be told to misbehave: what the real one (request_test.py) never does.
And: killed at each system call that changes a file, the folder has the old set or the
new one, whole."""
import base64
import json
import os
import re
import stat
import subprocess
import time

import fake_server
from agent import openssl
from peer import *

ERS = applet("ers")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
NAMES = ["cert.pem", "chain.pem", "fullchain.pem", "key.pem"]


# ---- an authority and a server --------------------------------------------------------

root = make_certificate("root", EC, subject="/CN=test root")
other_root = make_certificate("other", EC, subject="/CN=other root")
openssl("req", "-new", *EC, "-nodes", "-keyout", path("tls.key"), "-out", path("tls.csr"), "-subj", "/CN=server")
with open(path("tls.ext"), "w") as f:
    f.write("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
openssl("x509", "-req", "-in", path("tls.csr"), "-CA", root[0], "-CAkey", root[1], "-CAcreateserial", "-out", path("tls.pem"),
        "-days", "9", "-extfile", path("tls.ext"))
with open(path("tls-chain.pem"), "w") as f:
    f.write(open(path("tls.pem")).read() + open(root[0]).read())


class Fake:
    """What it knows; `behave` may answer a call itself, and then returns True."""

    def __init__(self):
        self.requests, self.outcomes, self.log, self.work, self.done = {}, [], [], {}, []
        self.approves, self.days, self.spoil = True, 9, None
        self.behave = lambda handler, target, value: False

    def issue(self, request):
        csr = path("asked.csr")
        with open(csr, "w") as f:
            f.write(request["csr"])
        openssl("req", "-in", csr, "-verify", "-noout")
        if self.spoil == "key":
            openssl("req", "-new", *EC, "-nodes", "-keyout", path("no.key"), "-out", csr, "-subj", "/CN=x")
        done = openssl("x509", "-req", "-in", csr, "-CA", root[0], "-CAkey", root[1], "-CAcreateserial", "-days",
                       "-1" if self.spoil == "ended" else str(self.days), "-copy_extensions", "copy")
        request["certificate"] = "junk" if self.spoil == "junk" else done.decode()
        request["chain"] = open(other_root[0] if self.spoil == "chain" else root[0]).read()
        request["state"] = "issued"


fake = Fake()


class Handler(fake_server.Handler):
    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.path.partition("?")[0].removeprefix("/api/v1")
        value = json.loads(body) if self.headers.get("Content-Type") == "application/json" else None
        fake.log.append((self.command, target, value))
        if fake.behave(self, target, value):
            return
        outcome = re.fullmatch(r"/requests/([0-9a-f]{32})/outcome", target)
        if target == "/requests":
            request = fake.requests.setdefault(value["id"], dict(value, state="pending"))
            if request["csr"] != value["csr"]:
                return self.problem(409, "conflict", detail="another csr")
            if request["state"] == "pending" and fake.approves:
                fake.issue(request)
            self.answer(200, request)
        elif outcome:
            fake.outcomes.append((outcome.group(1), value))
            self.answer(200, {})
        elif target == "/agents/self/work":
            self.answer(200, dict({"targets": None, "rescan": None, "requests": []}, **fake.work))
        elif target == "/agents/self/work/done":
            fake.done.append(value["rescan"])
            self.answer(200, {})
        elif target == "/certificates/missing":
            self.answer(200, {"missing": value["sha256"]})
        else:
            self.answer(200, {"batch": "0" * 32, "certificates": 0, "observations": 0, "repeated": False, "rejected": []})


def serve(port=0):
    return fake_server.FakeServer(Handler, path("tls-chain.pem"), path("tls.key"), port)


server = serve()
PORT = server.port
CONFIG = path("agent")
os.makedirs(os.path.join(CONFIG, "state"))
with open(os.path.join(CONFIG, "state", "key.pem"), "wb") as f:
    f.write(openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
with open(os.path.join(CONFIG, "ers.conf"), "w") as f:
    f.write("server = https://127.0.0.1:%d\nagent = 0123456789abcdef\npin = sha256-%s\n" % (PORT, fingerprint(root[0])))
STATE = os.path.join(CONFIG, "requests")


def ers(*words, **options):
    return run(ERS, words[0], "--config", CONFIG, *words[1:], **options)


def entries():
    return {os.path.basename(e["out"]): e for e in map(json.loads, open(STATE))} if os.path.exists(STATE) else {}


def change(name, **members):
    all_entries = entries()
    all_entries[name].update(members)
    with open(STATE, "w") as f:
        f.writelines(json.dumps(e) + "\n" for e in all_entries.values())


def read(folder, name):
    return open(os.path.join(folder, name)).read()


def is_pair(folder):
    public = run("openssl", "x509", "-in", os.path.join(folder, "cert.pem"), "-noout", "-pubkey").stdout
    return bool(public) and public == run("openssl", "pkey", "-in", os.path.join(folder, "key.pem"), "-pubout").stdout \
        and read(folder, "fullchain.pem") == read(folder, "cert.pem") + read(folder, "chain.pem")


def asked():
    return len(fake.requests)


# ---- what is asked, and how it lies there ------------------------------------------------

out = path("first")
reload = "echo reloaded >> %s" % path("reloads")
request = ("request", "--dns", "WWW.example.test, *.example.test", "--ip", "192.0.2.1,2001:db8::1", "--out", out, "--mode", "0640",
           "--reload", reload)
done = ers(*request, preexec_fn=lambda: os.umask(0o077))
check("issued at once", done.returncode == 0 and "installed" in done.stdout, done.stdout + done.stderr)
check("certificate and key belong together", is_pair(out))
text = run("openssl", "x509", "-in", os.path.join(out, "cert.pem"), "-noout", "-text").stdout
check("all names are in it", all(n in text for n in ("DNS:www.example.test", "DNS:*.example.test", "IP Address:192.0.2.1",
                                                      "IP Address:2001:DB8:0:0:0:0:0:1", "CN = www.example.test")), text)
modes = {n: stat.S_IMODE(os.stat(os.path.join(out, n)).st_mode) for n in NAMES}
check_equal("modes, whatever the umask", modes, dict.fromkeys(NAMES, 0o644) | {"key.pem": 0o640})
check("folders can be read by the service", all(stat.S_IMODE(os.stat(p).st_mode) & 0o055 == 0o055
      for p in (os.path.join(out, ".versions"), os.path.join(out, ".current"))))
check_equal("reload ran once", read(WORK, "reloads"), "reloaded\n")
check_equal("the outcome is told", fake.outcomes[-1][1], {"installed": True, "reload_exit": 0, "detail": ""})
check_equal("the file of requests is 0600", stat.S_IMODE(os.stat(STATE).st_mode), 0o600)
done = ers(*request)
check("again: unchanged, nothing is asked", done.returncode == 0 and "unchanged" in done.stdout and asked() == 1, done.stdout)
done = ers("request", "--dns", "a.test", "--out", path("comb"), "--format", "combined", "--json")
check("combined: the key's file has all", json.loads(done.stdout)["state"] == "installed" and
      read(path("comb"), "key.pem").count("BEGIN") == 3 and is_pair(path("comb")), done.stdout + done.stderr)
for kind in ("rsa-2048", "rsa-3072", "rsa-4096"):
    done = ers("request", "--dns", "a.test", "--out", path(kind), "--key-type", kind)
    check("key type " + kind, done.returncode == 0 and is_pair(path(kind)) and "(%s bit)" % kind[4:] in run(
        "openssl", "x509", "-in", path(kind, "cert.pem"), "-noout", "-text").stdout, done.stderr)
before = asked()
done = ers("request", "--dns", "a.test", "--out", path("no"), "--format", "jks")
check("another format is refused", done.returncode == 2 and "pkcs12" in done.stderr, done.stderr)
done = ers("request", "--dns", "a.test", "--out", path("no"), "--password-file", path("secret"))
check("a password is for PKCS#12", done.returncode == 2 and "--format pkcs12" in done.stderr, done.stderr)
done = ers("request", "--dns", "a.test", "--out", path("no"), "--format", "pkcs12", "--password-file", path("absent"))
check("a password's file must be there", done.returncode == 1 and asked() == before, done.stderr)


def opens(folder, password_file):
    """What openssl finds in cert.p12: key, certificate and chain are those of the other files."""
    done = run("openssl", "pkcs12", "-in", os.path.join(folder, "cert.p12"), "-passin", "file:" + password_file, "-nodes")
    certificates = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", done.stdout, re.S)
    key = run("openssl", "pkey", input=done.stdout).stdout
    return done.returncode == 0 and "".join(certificates) == read(folder, "fullchain.pem") and is_pair(folder) and \
        key == run("openssl", "pkey", "-in", os.path.join(folder, "key.pem")).stdout and "friendlyName: a.test" in done.stdout


done = ers("request", "--dns", "a.test,b.test", "--out", path("p12"), "--format", "pkcs12", "--mode", "0640")
made = path("p12", "cert.p12.password")
check("pkcs12: openssl reads it with the password beside it", done.returncode == 0 and opens(path("p12"), made), done.stderr)
password = read(path("p12"), "cert.p12.password")
check("which is long and random", re.fullmatch(r"[A-Za-z0-9_-]{32}\n", password), password)
check_equal("modes of both", [stat.S_IMODE(os.stat(path("p12", n)).st_mode) for n in ("cert.p12", "cert.p12.password")], [0o640, 0o640])
done = run(ERS, "inspect", "--json", "--password-file", made, path("p12", "cert.p12"))
lines = [json.loads(line) for line in done.stdout.splitlines()]
check_equal("ers inspect reads it", (done.returncode, [x.get("alias") for x in lines[:-1]], lines[-1]["private_keys"]), (0, ["a.test", None], 1))
info = run("openssl", "pkcs12", "-in", path("p12", "cert.p12"), "-passin", "file:" + made, "-info", "-noout").stderr
check("with today's ciphers alone", info.count("PBES2, PBKDF2, AES-256-CBC") == 2 and "MAC: sha256" in info, info)
os.mkdir(path("nss"))
run("certutil", "-N", "-d", path("nss"), "--empty-password")
done = run("pk12util", "-i", path("p12", "cert.p12"), "-w", made, "-d", path("nss"), "-K", "")
check("NSS imports it", done.returncode == 0 and "a.test" in run("certutil", "-L", "-d", path("nss")).stdout, done.stderr)
was = read(path("p12"), "cert.pem")
done = ers("renew", "--force", "b.test")
check("renewed: another certificate, the same password", done.returncode == 0 and opens(path("p12"), made) and read(path("p12"), "cert.pem") != was
      and read(path("p12"), "cert.p12.password") == password, done.stderr)
with open(path("secret"), "wb") as f:
    f.write("pässwörd\r\nnot this\n".encode())
done = ers("request", "--dns", "a.test", "--out", path("p12b"), "--format", "pkcs12", "--password-file", path("secret"))
with open(path("secret.plain"), "wb") as f:
    f.write("pässwörd\n".encode())
check("pkcs12: with a given password", done.returncode == 0 and opens(path("p12b"), path("secret.plain")) and
      not os.path.exists(path("p12b", "cert.p12.password")), done.stderr)
with open(path("secret.plain"), "wb") as f:
    f.write(b"wrong\n")
check("and with no other", not opens(path("p12b"), path("secret.plain")))
check("the password is nowhere in the file of requests", "sswör" not in open(STATE, encoding="utf-8").read() and password.strip() not in open(STATE).read())
ers("request", "--dns", "a.test", "--out", path("p12c"))
before = asked()
done = ers("request", "--dns", "a.test", "--out", path("p12c"), "--format", "pkcs12")
check("a format that is new for a folder is fetched at once", done.returncode == 0 and asked() == before + 1 and
      opens(path("p12c"), path("p12c", "cert.p12.password")), done.stderr)
before = asked()
if os.geteuid() == 0:
    done = ers("request", "--dns", "a.test", "--out", path("own"), "--owner", "nobody:daemon", "--mode", "0440")
    info = os.stat(path("own", "key.pem"))
    check("owner", done.returncode == 0 and (info.st_uid, info.st_gid, stat.S_IMODE(info.st_mode)) == (65534, 1, 0o440), str(info))
    before += 1
done = ers("request", "--dns", "a.test", "--out", path("no"), "--owner", "nobody-of-that-name")
check("an unknown owner: nothing is asked", done.returncode == 2 and asked() == before, done.stderr)
os.makedirs(path("linked"))
os.symlink("/etc/hostname", path("linked", "key.pem"))
done = ers("request", "--dns", "a.test", "--out", path("linked"))
check("links of others: refused, nothing is asked", done.returncode == 1 and asked() == before and
      os.readlink(path("linked", "key.pem")) == "/etc/hostname", done.stderr)

# ---- files that lay there before ------------------------------------------------------------

old = path("old")
os.makedirs(old)
mine = make_certificate("mine", EC)
for name, source in (("cert.pem", mine[0]), ("fullchain.pem", mine[0]), ("key.pem", mine[1])):
    with open(os.path.join(old, name), "w") as f:
        f.write(open(source).read())
was = read(old, "key.pem")
done = ers("request", "--dns", "b.test", "--out", old, "--reload", "exit 3")
check("taken over, and put back when the reload fails", done.returncode == 1 and read(old, "key.pem") == was
      and not os.path.exists(os.path.join(old, "chain.pem")), done.stderr)
change("old", reload="true")
done = ers("renew")
check("then installed; the old ones are kept", done.returncode == 0 and is_pair(old) and read(old, "key.pem") != was
      and read(old, ".versions/before-1/key.pem") == was, done.stderr)

# ---- answers that are not used ------------------------------------------------------------------

bad = path("bad")
for spoil, says in (("key", "another key"), ("chain", "another's"), ("ended", "has ended"), ("junk", "no certificate")):
    fake.spoil = spoil
    done = ers("request", "--dns", "c%s.test" % spoil, "--out", bad)
    check("%s: not installed" % spoil, done.returncode == 1 and says in done.stderr and not os.path.exists(os.path.join(bad, "cert.pem")),
          done.stderr)
    check("%s: told" % spoil, fake.outcomes[-1][1]["installed"] is False and says in fake.outcomes[-1][1]["detail"], fake.outcomes[-1])
fake.spoil = None
before = asked()
check_equal("sync does not try those again", (ers("sync").returncode, asked()), (0, before))


def forbids(handler, target, value):
    if target == "/requests":
        handler.problem(403, "permission", detail="names: d.test is not allowed by web")
        return True


fake.behave = forbids
done = ers("request", "--dns", "d.test", "--out", bad)
check("outside of the profile: exit 1, the rule is told", done.returncode == 1 and "names: d.test is not allowed by web" in done.stderr,
      done.stderr)
check("and the entry says so, its key is gone", entries()["bad"]["state"] == "refused" and
      not os.path.exists(os.path.join(bad, ".versions", entries()["bad"]["id"])))
fake.behave = lambda *_: False
fake.requests.clear()
done = ers("request", "--dns", "d.test", "--out", bad)
check("asked again by hand: a new one", done.returncode == 0 and is_pair(bad) and asked() == 1, done.stderr)
fake.behave = lambda handler, target, value: handler.answer(200, dict(value, state="revoked")) or True if target == "/requests" else False
done = ers("request", "--dns", "rev.test", "--out", path("rev"))
check("revoked meanwhile: not installed", done.returncode == 1 and not os.path.exists(path("rev", "cert.pem")), done.stderr)
fake.behave = lambda *_: False

# ---- the server goes away in the middle ---------------------------------------------------------------

fake.requests.clear()


def hangs_up(handler, target, value):
    if target == "/requests":
        fake.requests.setdefault(value["id"], dict(value, state="pending"))
    handler.close_connection = True
    handler.connection.close()
    return True


fake.behave = hangs_up
late = path("late")
done = ers("request", "--dns", "late.test", "--out", late)
check("away behind the question: exit 1", done.returncode == 1 and entries()["late"]["state"] == "pending", done.stderr)
fake.behave = lambda *_: False
done = ers("request", "--dns", "late.test", "--out", late)
check("the next call goes on with the same request", done.returncode == 0 and asked() == 1 and is_pair(late), done.stderr)
first = read(late, "cert.pem")
fake.behave = lambda handler, target, value: "outcome" in target and hangs_up(handler, target, value)
done = ers("renew", "--force", "late.test")
check("away behind the installation: it is done", done.returncode == 0 and read(late, "cert.pem") != first and is_pair(late), done.stderr)
check("and the outcome is kept", "outcome" in entries()["late"])
fake.behave = lambda *_: False
count = len(fake.outcomes)
check_equal("sync tells it", (ers("sync").stdout, len(fake.outcomes), "outcome" in entries()["late"]), ("", count + 1, False))
check_equal("once", (ers("sync").returncode, len(fake.outcomes)), (0, count + 1))

# ---- reloads that fail, hang, leave something running ------------------------------------------------------

whole = read(late, "fullchain.pem")
change("late", reload="echo $(readlink %s/.current) >> %s; cat %s/key.pem >/dev/null; echo no such unit; exit 5"
       % (late, path("order"), late))
done = ers("renew", "--force", "late.test")
check("a reload that fails: told, the old files are back", done.returncode == 1 and "no such unit" in done.stderr
      and read(late, "fullchain.pem") == whole and is_pair(late), done.stderr)
check_equal("the server knows", [fake.outcomes[-1][1][k] for k in ("installed", "reload_exit")], [False, 5])
order = read(WORK, "order").split()
check("it ran with the new files, then with the old ones", len(order) == 2 and order[0] != order[1]
      and order[1] == os.readlink(os.path.join(late, ".current")), order)
before = asked()
change("late", reload="sleep 30 & echo begun")
begin = time.monotonic()
done = ers("renew")
check("the same request, and what it leaves running is not waited for", done.returncode == 0 and asked() == before
      and time.monotonic() - begin < 15 and read(late, "fullchain.pem") != whole, done.stderr)
check_equal("no private key lies about", sorted(os.listdir(os.path.join(late, ".versions"))),
            [os.path.basename(os.readlink(os.path.join(late, ".current")))])

# ---- due or not, two at once --------------------------------------------------------------------------------

before = asked()
check_equal("nothing due: exit 0, silent", (ers("renew").returncode, ers("renew").stdout, asked()), (0, "", before))
check_equal("--when-left that is none: exit 2", ers("renew", "--when-left", "soon").returncode, 2)
check_equal("--force of nothing: exit 1", ers("renew", "--force", "nobody.test").returncode, 1)
done = ers("renew", "--when-left", "20d", "--dry-run")
check("--dry-run asks for nothing", done.returncode == 0 and late in done.stdout and asked() == before, done.stdout)
# a renewal that is refused is told again as the end comes near
change("late", state="refused", reason="not any more", not_before=int(time.time()) - 900000, not_after=int(time.time()) + 90000)
done = ers("renew")
check("a refusal is told when time runs out: exit 1", done.returncode == 1 and "not any more" in done.stderr and asked() == before, done.stderr)
done = ers("renew", "--force", "late.test")
check("--force asks again", done.returncode == 0 and asked() == before + 1, done.stderr)
change("late", reload="touch %s; sleep 3" % path("slow"))
slow = start(ERS, "renew", "--config", CONFIG, "--force", "late.test")
for _ in range(100):
    if os.path.exists(path("slow")):
        break
    time.sleep(0.05)
done = ers("renew", "--force", "late.test")
check("two at once: the second exits 11", done.returncode == 11, "%d %s" % (done.returncode, done.stderr))
check_equal("and the first ends well", slow.wait(20), 0)

# ---- the old one is still served --------------------------------------------------------------------------------

port = free_port()
change("late", reload="true")
for name in ("cert.pem", "key.pem"):
    with open(path("served-" + name), "w") as f:
        f.write(read(late, name))
start("openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", path("served-cert.pem"), "-key", path("served-key.pem"), "-quiet")
check("a service is up", wait_port(port))
ers("discover", "--ips", "127.0.0.0/30", "--ports", str(port))
ers("scan")
pushed = sum(t == "/observations" for _, t, _ in fake.log)
done = ers("renew", "--force", "late.test")
check("the old one is still served: said, exit 1", done.returncode == 1 and "127.0.0.1:%d" % port in done.stderr and "still served" in done.stderr
      and is_pair(late), done.stderr)
check("what was seen is pushed", sum(t == "/observations" for _, t, _ in fake.log) > pushed)

# ---- rescans, within our own targets --------------------------------------------------------------------------------

pushed = sum(t == "/observations" for _, t, _ in fake.log)
fake.work = {"rescan": {"id": "ab" * 16, "targets": ["127.0.0.1:%d" % port, "192.0.2.7:443", "@/etc/passwd", "127.0.0.1:1"]}}
done = ers("sync")
check("only what is ours is looked at", done.returncode == 0 and "3 of the places" in done.stderr and fake.done == ["ab" * 16]
      and sum(t == "/observations" for _, t, _ in fake.log) == pushed + 1, done.stdout + done.stderr)
conf = os.path.join(CONFIG, "ers.conf")
plain = open(conf).read()
fake.work["targets"] = "192.0.2.9 8443\n"
for word, status, done in (("never", 1, ["ab" * 16]), ("none", 0, ["ab" * 16]), ("scan", 0, ["ab" * 16, "cd" * 16])):
    fake.work["rescan"]["id"] = "cd" * 16
    with open(conf, "w") as f:
        f.write(plain + "remote = %s\n" % word)
    ended = ers("sync")
    check_equal("remote = %s" % word, (ended.returncode, fake.done, os.path.exists(os.path.join(CONFIG, "state", "targets.server"))),
                (status, done, False))
    check("... what is wrong is named" if status else "... and nothing said", ("remote" in ended.stderr) == bool(status), ended.stderr)
with open(conf, "w") as f:
    f.write(plain + "remote = none\n")
fake.work = {}

# ---- killed at each step ------------------------------------------------------------------------------------------------

CALLS = "rename,symlink,link,unlink,mkdir,rmdir,fsync,fchmod,open,execve"


def kill_at(n, *words):
    """Killed at the nth call of those that change files. False: it came to its end."""
    done = run("strace", "-f", "-o", path("trace"), "-e", "trace=" + CALLS, "-e", "inject=%s:signal=SIGKILL:when=%d" % (CALLS, n),
               ERS, words[0], "--config", CONFIG, *words[1:], env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    return done.returncode not in (0, 1)


def sweep(what, folder, words, has_old):
    """Whole at each step; the call behind it ends it; never a second request for one."""
    n = steps = mixed = lost = more = 0
    while n < 400:
        n += 1 if n < 60 else 3
        count, old = asked(), read(folder, "fullchain.pem") if has_old else None
        if not kill_at(n, *words):
            break
        steps += 1
        there = [name for name in NAMES if os.path.exists(os.path.join(folder, name))]
        if there != (NAMES if has_old else []) and not (there == NAMES and is_pair(folder)):
            mixed += 1
        elif there and not is_pair(folder):
            mixed += 1
        lost += ers("renew").returncode != 0
        more += asked() > count + 1
        if not has_old:
            shutil.rmtree(folder, ignore_errors=True)
            if os.path.exists(STATE):
                os.remove(STATE)
    check("%s: killed at %d steps" % (what, steps), steps > 15, steps)
    check_equal("%s: always the old or the new set" % what, mixed, 0)
    check_equal("%s: the next run ends it" % what, lost, 0)
    check_equal("%s: never a second request" % what, more, 0)


fake.requests.clear()
os.remove(STATE)
os.remove(os.path.join(CONFIG, "targets"))
killed = path("killed")
sweep("first installation", killed, ("request", "--dns", "k.test", "--out", killed, "--reload", "true"), False)
check_equal("installed", ers("request", "--dns", "k.test", "--out", killed, "--reload", "true").returncode, 0)
sweep("renewal", killed, ("renew", "--force", "k.test"), True)

# files that are taken over: at each step each pair fits
steps = mixed = 0
for n in range(1, 200):
    shutil.rmtree(killed)
    if os.path.exists(STATE):
        os.remove(STATE)
    os.makedirs(killed)
    for name, source in (("cert.pem", mine[0]), ("key.pem", mine[1]), ("fullchain.pem", mine[0]), ("chain.pem", "/dev/null")):
        with open(os.path.join(killed, name), "w") as f:
            f.write(open(source).read())
    if not kill_at(n, "request", "--dns", "k.test", "--out", killed):
        break
    steps += 1
    mixed += not is_pair(killed)
check("taking over: killed at %d steps" % steps, steps > 20, steps)
check_equal("taking over: always a whole set", mixed, 0)
server.shutdown()
finish()
