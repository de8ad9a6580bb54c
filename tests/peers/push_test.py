#!/usr/bin/env python3
"""ers login, scan, push, status and logout against a server of Python's, which checks
signatures with the openssl command and can be told to misbehave. The real server is
in e2e_test.py; here is what it never does: hang up, answer late, refuse, forget."""
import base64
import gzip
import hashlib
import json
import os
import re
import time

import fake_server
from agent import openssl
from peer import *

ERS = applet("ers")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


# ---- a server -----------------------------------------------------------------------

root = make_certificate("root", EC, subject="/CN=test root")
with open(path("leaf.ext"), "w") as f:
    f.write("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
openssl("req", "-new", *EC, "-nodes", "-keyout", path("leaf.key"), "-out", path("leaf.csr"), "-subj", "/CN=server")
openssl("x509", "-req", "-in", path("leaf.csr"), "-CA", root[0], "-CAkey", root[1], "-CAcreateserial", "-out", path("leaf.pem"),
        "-days", "9", "-extfile", path("leaf.ext"))
with open(path("chain.pem"), "w") as f:
    f.write(open(path("leaf.pem")).read() + open(root[0]).read())


def der_of(raw):
    """r||s as the SEQUENCE of two INTEGERs that openssl wants."""
    out = b""
    for part in (raw[:32], raw[32:]):
        number = part.lstrip(b"\0") or b"\0"
        number = (b"\0" if number[0] & 0x80 else b"") + number
        out += b"\x02" + bytes([len(number)]) + number
    return b"\x30" + bytes([len(out)]) + out


class Fake:
    """What the server knows, and how it is to behave."""

    def __init__(self):
        self.key, self.nonces, self.certificates, self.batches = None, set(), {}, {}
        self.observations, self.log, self.asked = [], [], []
        self.numbers = False  # True: tells the faces' numbers, as if it knew confirmations
        self.behave = lambda handler, target, body: None  # True: answered
        self.bad, self.enrolled = [], None


fake = Fake()


def verify(handler, body, spki):
    """The signature, the digest, the nonce and the time of a request."""
    header = handler.headers
    given = header["Signature-Input"]
    match = re.fullmatch(r'sig=\(([^)]*)\);created=(\d+);nonce="([^"]+)";keyid="([0-9a-f]{64})";alg="ecdsa-p256-sha256";tag="clm"',
                         given or "")
    if not match:
        return "Signature-Input: %r" % given
    covered, created, nonce, keyid = match.groups()
    method, _, query = handler.path.partition("?")
    values = {"@method": handler.command, "@path": method, "@query": "?" + query,
              "content-digest": header["Content-Digest"], "content-encoding": header["Content-Encoding"]}
    wanted = ["@method", "@path", "@query"] + [n for n in ("content-digest", "content-encoding") if values[n] is not None]
    if covered != " ".join('"%s"' % n for n in wanted):
        return "covered: " + covered
    if body and header["Content-Digest"] != "sha-256=:%s:" % base64.b64encode(hashlib.sha256(body).digest()).decode():
        return "digest"
    if abs(int(created) - time.time()) > 300 or nonce in fake.nonces or len(base64.b64decode(nonce)) < 16:
        return "created or nonce"
    fake.nonces.add(nonce)
    if keyid != hashlib.sha256(spki).hexdigest():
        return "keyid"
    base = "".join('"%s": %s\n' % (n, values[n]) for n in wanted) + '"@signature-params": ' + given[len("sig="):]
    with open(path("spki.der"), "wb") as f:
        f.write(spki)
    with open(path("signature"), "wb") as f:
        f.write(der_of(base64.b64decode(re.fullmatch(r"sig=:(.*):", header["Signature"]).group(1))))
    done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", path("spki.der"), "-keyform", "DER", "-signature",
                           path("signature")], input=base.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return None if done.returncode == 0 else "signature: " + done.stderr.decode()


class Handler(fake_server.Handler):
    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.path.partition("?")[0]
        fake.log.append((self.command, self.path, self.headers, body))
        value = json.loads(body) if self.headers.get("Content-Type") == "application/json" else None
        spki = base64.b64decode(value["public_key"]) if target == "/api/v1/agents" else fake.key
        why = verify(self, body, spki) if spki else "no key"
        if why:
            fake.bad.append("%s %s: %s" % (self.command, self.path, why))
        if fake.behave(self, target, body):
            return
        if target == "/api/v1/agents":
            if value["token"] != TOKEN:
                return self.problem(401, "credentials", detail="the token is spent")
            fake.key, fake.enrolment = spki, value
            if fake.enrolled:
                return self.answer(201, fake.enrolled)
            self.answer(201, {"agent": "0123456789abcdef", "name": value["name"], "network": value.get("network", "default"),
                              "server_time": "2026-01-01T00:00:00Z"})
        elif target == "/api/v1/certificates/missing":
            fake.asked.append(value["sha256"])
            self.answer(200, {"missing": [s for s in value["sha256"] if s not in fake.certificates]})
        elif target == "/api/v1/agents/self":
            self.answer(200, {"agent": "0123456789abcdef", "name": "n", "network": "default", "state": "active",
                              "server_time": "2026-01-01T00:00:00Z", "last_push": None})
        else:
            self.take_batch(body)

    def take_batch(self, body):
        batch = re.fullmatch(r"/api/v1/observations\?batch=([0-9a-f]{32})", self.path).group(1)
        repeated = batch in fake.batches
        lines = [json.loads(line) for line in gzip.decompress(body).decode().splitlines()]
        new = [v for v in lines if v["type"] == "certificate"]
        if not repeated:
            fake.batches[batch] = lines
            for v in new:
                der = base64.b64decode("".join(v["pem"].splitlines()[1:-1]))
                if hashlib.sha256(der).hexdigest() == v["sha256"]:
                    fake.certificates[v["sha256"]] = der
            fake.observations += [v for v in lines if v["type"] == "observation"]
        answer = {"batch": batch, "certificates": len(new), "observations": 0 if repeated else len(lines) - len(new),
                  "repeated": repeated, "rejected": []}
        if fake.numbers:
            answer["faces"] = list(range(sum(v["type"] == "observation" for v in lines)))
        self.answer(200, answer)


def serve(port=0):
    return fake_server.FakeServer(Handler, path("chain.pem"), path("leaf.key"), port)


server = serve()
URL = "https://127.0.0.1:%d" % server.port
TOKEN = "clm1.c2VjcmV0X3RoaW5n.sha256-" + fingerprint(root[0])

# ---- login ---------------------------------------------------------------------------

config = path("config")
spool = os.path.join(config, "state", "spool")


def ers(*words, **options):
    return run(ERS, words[0], "--config", options.pop("config", config), *words[1:], **options)


def token_file(text, name="token"):
    with open(path(name), "w") as f:
        f.write(text)
    return path(name)


done = ers("status")
check("status before: exit 4, not enrolled", done.returncode == 4 and "not enrolled" in done.stdout, done.stdout)
check_equal("push before: exit 4", ers("push").returncode, 4)
check_equal("logout before: nothing to do", ers("logout").returncode, 0)
for name, token, words, status in (
        ("no token", None, (URL,), 4), ("no token of ours", "rubbish", (URL,), 2), ("no URL", TOKEN, (), 2),
        ("http is refused", TOKEN, ("http://127.0.0.1:1",), 2), ("a pin that is none", "clm1.x.sha256-zz", (URL,), 2),
        ("a spent token", TOKEN.replace("c2Vj", "AAAA"), (URL,), 4), ("another root", TOKEN[:-4] + "0000", (URL,), 1)):
    more = ["--token-file", token_file(token)] if token else []
    done = ers("login", *words, *more)
    check("login, %s: exit %d" % (name, status), done.returncode == status, "%d %s" % (done.returncode, done.stderr))
    check("login, %s: no secret is told" % name, not token or token.split(".")[1:2] == ["x"] or token == "rubbish"
          or token.split(".")[1] not in done.stderr + done.stdout, done.stderr)
check("another root: said so", "root" in done.stderr, done.stderr)
check("nothing was kept", not os.path.exists(os.path.join(config, "ers.conf"))
      and not os.path.exists(os.path.join(config, "state", "key.pem")))
done = ers("login", URL + "/", "--token-file", "-", "--name", "probe-1", "--network", "dc1", input=TOKEN + "\n")
check("login with a token on standard input", done.returncode == 0 and "enrolled  probe-1 at 127.0.0.1" in done.stdout,
      done.stdout + done.stderr)
conf = open(os.path.join(config, "ers.conf")).read()
check("ers.conf", "server = %s\n" % URL in conf and "agent = 0123456789abcdef\n" in conf and "network = dc1\n" in conf
      and "pin = sha256-" in conf and "c2VjcmV0" not in conf, conf)
key = os.path.join(config, "state", "key.pem")
check_equal("the key is 0600", os.stat(key).st_mode & 0o777, 0o600)
check("it is the one that was enrolled", openssl("pkey", "-in", key, "-pubout", "-outform", "DER") == fake.key)
check("enrolment says what it is", fake.enrolment["name"] == "probe-1" and fake.enrolment["network"] == "dc1"
      and fake.enrolment["system"] and fake.enrolment["version"], str(fake.enrolment))
other = path("other")
done = ers("login", "localhost:%d" % server.port, "--ca", root[0], config=other, env=dict(os.environ, CLM_TOKEN=TOKEN))
check("login with --ca, CLM_TOKEN and a bare name", done.returncode == 0 and "https://localhost" in
      open(os.path.join(other, "ers.conf")).read(), done.stderr)
fake.enrolled = {"agent": "0123456789abcdef", "name": "n\nca = /tmp/any.pem", "network": "default\r\npin = system"}
done = ers("login", URL, "--token-file", token_file(TOKEN), config=path("sly"))
conf = open(os.path.join(path("sly"), "ers.conf")).read()
check("login: no answer becomes a setting of its own", "any.pem" not in conf and "system" not in conf, conf)
fake.enrolled = None
os.remove(os.path.join(other, "server-roots.pem"))
check("the roots are kept beside the configuration", ers("status", config=other).returncode == 1)
check_equal("log in again: renewed", ers("login", URL, "--token-file", token_file(TOKEN), "--name", "probe-1").returncode, 0)
done = ers("status", "--json")
status = json.loads(done.stdout)
check("status --json", done.returncode == 0 and status["enrolled"] and status["answer"]["state"] == "active"
      and status["spool"]["batches"] == 0, done.stdout)

# ---- scan and push -------------------------------------------------------------------

seen = make_certificate("seen", EC, subject="/CN=seen.test")
port = free_port()
start("openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", seen[0], "-key", seen[1], "-quiet")
check("a target is up", wait_port(port))


def targets(text):
    with open(os.path.join(config, "targets"), "w") as f:
        f.write(text)


def spooled():
    return sorted(n for n in os.listdir(spool) if len(n) == 32) if os.path.isdir(spool) else []


targets("127.0.0.1 %d,1\n" % port)
done = ers("scan", "--all")
check("scan pushes", done.returncode == 0 and "pushed to 127.0.0.1" in done.stdout, done.stdout + done.stderr)
check_equal("the certificate arrived", list(fake.certificates), [fingerprint(seen[0])])
outcomes = sorted((o["port"], o["outcome"]) for o in fake.observations)
check_equal("observations arrived", outcomes, [(1, "refused"), (port, "ok")])
batch = list(fake.batches.values())[0]
check("in order: certificates, observations, summary", [v["type"] for v in batch]
      == ["certificate", "observation", "observation", "summary"] and batch[-1]["complete"] is True, str(batch)[:200])
check_equal("the spool is empty", spooled(), [])
check_equal("no news: no word, though it was pushed", (ers("scan").stdout, len(fake.batches)), ("", 2))
check("a known certificate is not sent again", all(v["type"] != "certificate" for v in list(fake.batches.values())[1]))
ers("scan", "127.0.0.1:%d" % port)
check_equal("a look is not pushed", len(fake.batches), 2)
ers("scan", "127.0.0.1:%d" % port, "--push")
check_equal("a look with --push is", len(fake.batches), 3)
check("a look says nothing about what is gone", list(fake.batches.values())[2][-1]["complete"] is False)
check_equal("every request was signed as it must be", fake.bad, [])
check("GET has no body and no digest", all(h["Content-Digest"] is None for m, _, h, _ in fake.log if m == "GET"))

def failing_for(seconds):
    """The note of deliveries says so."""
    file = os.path.join(os.path.dirname(spool), "delivery")
    text = open(file).read()
    with open(file, "w") as f:
        f.write(re.sub(r"failing = \d+", "failing = %d" % (time.time() - seconds), text))


# ---- a server that is away, and comes back ----------------------------------------------

server.stop()
done = ers("scan")
check("away: exit 3, quiet for three days", done.returncode == 3 and done.stdout == "" and done.stderr == "",
      "%d %s %s" % (done.returncode, done.stdout, done.stderr))
check_equal("kept", len(spooled()), 1)
first = spooled()[0]
done = ers("scan")
check("the same faces again: only the newest is kept", done.returncode == 3 and len(spooled()) == 1 and first not in spooled()
      and done.stderr == "", str(spooled()) + done.stderr)
targets("127.0.0.1 %d,1,2\n" % port)
failing_for(4 * 86400)
targets("127.0.0.1 2\n")
done = ers("scan")
check("undelivered for three days: one line", done.returncode == 3 and done.stderr.count("\n") == 1
      and "not delivered to " + URL in done.stderr, done.stderr)
check_equal("... once a day", ers("scan").stderr.count("not delivered"), 0)
done = ers("status")
check("status tells", done.returncode == 1 and re.search(r"spool +2 batches, .* since ", done.stdout)
      and "last error" in done.stdout, done.stdout)
check_equal("push: exit 3", ers("push").returncode, 3)
kept = spooled()
server = serve(server.port)
done = ers("push")
check("back: all of it goes", done.returncode == 0 and "pushed " in done.stdout and spooled() == []
      and all(b in fake.batches for b in kept), done.stdout + done.stderr)
check_equal("and then nothing", ers("push").stdout, "nothing to push\n")

# ---- answers that are lost, late or no ------------------------------------------------------


def drop_answer(handler, target, body):
    """Takes the batch, and the connection ends before the answer."""
    if target.endswith("/observations"):
        handler.answer = lambda *_: handler.connection.close()
        handler.take_batch(body)
        handler.close_connection = True
        return True


fake.behave = drop_answer
check_equal("the answer is lost: exit 3", ers("scan").returncode, 3)
lost = spooled()
check("it was stored, and is kept all the same", len(lost) == 1 and lost[0] in fake.batches)
count = len(fake.observations)
fake.behave = lambda *_: None
done = ers("push", "--json")
check("again under its id, signed anew: stored once", json.loads(done.stdout)["repeated"] == 1 and spooled() == []
      and len(fake.observations) == count and fake.bad == [], done.stdout)


def refuse_line(handler, target, body):
    if target.endswith("/observations"):
        handler.answer(200, {"batch": "x", "certificates": 0, "observations": 0, "repeated": False,
                             "rejected": [{"line": 1, "code": "format", "detail": "not to my taste"}]})
        return True


fake.behave = refuse_line
done = ers("scan")
refused = os.path.join(spool, "refused")
check("a refused line is put aside", done.returncode == 0 and "refused 1 lines" in done.stderr and spooled() == [], done.stderr)
aside = json.loads(open(os.path.join(refused, os.listdir(refused)[0])).read())
check("with its reason and text", aside["detail"] == "not to my taste" and json.loads(aside["line"])["type"] == "observation",
      str(aside))


def always(status, code, **more):
    def behave(handler, target, body):
        if target.endswith("/observations"):
            handler.problem(status, code, **more)
            return True
    return behave


for name, behave, exit_status, kept_n, words in (
        ("malformed as a whole: put aside", always(400, "format", detail="no"), 0, 0, ""),
        ("401: exit 4, kept", always(401, "credentials", detail="the agent is disabled"), 4, 1, "disabled"),
        ("a wrong clock: exit 1, says by how much", always(401, "clock", server_time="2020-01-01T00:00:00Z"), 1, 1, "ahead"),
        ("503: exit 3, kept", always(503, "busy"), 3, 1, ""),
        ("429: exit 3, kept", always(429, "busy"), 3, 1, "")):
    fake.behave = behave
    done = ers("scan")
    check(name, done.returncode == exit_status and len(spooled()) == kept_n and words in done.stderr,
          "%d %s %s" % (done.returncode, spooled(), done.stderr))
    fake.behave = lambda *_: None
    ers("push")
fake.behave = always(401, "credentials", detail="no")
check("push says why", ers("scan", "--no-push").returncode == 0 and "status 401" in ers("push").stderr)
fake.behave = lambda handler, target, body: handler.answer(200, b"<html>welcome</html>", "text/html") or True
done = ers("push")
check("another kind of server: exit 3, kept", done.returncode == 3 and len(spooled()) == 1, done.stderr)
for status in (400, 413):
    fake.behave = lambda handler, target, body: handler.answer(status, b"<html>no</html>", "text/html") or True
    done = ers("push")
    check("a proxy's %d: exit 3, kept" % status, done.returncode == 3 and len(spooled()) == 1, done.stderr)
fake.behave = lambda handler, target, body: target.endswith("/missing") and (handler.answer(200, b"<html>", "text/html") or True)
with open(os.path.join(spool, "0" * 32), "wb") as f:
    f.write(gzip.compress(b'{"type":"certificate","sha256":"%s","pem":""}\n' % (b"0" * 64)))
done = ers("push")
check("nor is a batch lost to what answers the question so", done.returncode == 3 and len(spooled()) == 2, done.stderr)
os.remove(os.path.join(spool, "0" * 32))
fake.behave = lambda *_: None
with open(os.path.join(spool, "0" * 32), "wb") as f:
    f.write(b"no gzip")
done = ers("push")
check("a damaged batch does not block the others", done.returncode == 0 and spooled() == [], done.stderr + str(spooled()))
open(os.path.join(spool, "stray"), "w").close()
check_equal("other files in the spool are left alone", (ers("push").returncode, os.path.exists(os.path.join(spool, "stray"))),
            (0, True))

# ---- a server that knew confirmations, and was put back ----------------------------------

fake.numbers = True
ers("scan")
fake.numbers = False
before = len(fake.batches)
done = ers("scan")
sent = list(fake.batches.values())[before:]
check("a server that passes over the confirmation gets all whole, in another batch", done.returncode == 0 and [
    [v["type"] for v in lines] for lines in sent] == [["confirmation", "summary"], ["observation", "summary"]] and spooled() == [],
      str(sent) + done.stderr)
check_equal("and no more confirmations", (ers("scan").returncode, [v["type"] for v in list(fake.batches.values())[-1]]),
            (0, ["observation", "summary"]))

# ---- large ------------------------------------------------------------------------------

targets("127.5.0.0/20 1\n127.0.0.1 %d\n" % port)
before = len(fake.batches)
done = ers("scan", "--rate", "max", timeout=120)
sent = list(fake.batches.values())[before:]
check("4,097 endpoints in some batches", done.returncode == 0 and len(sent) > 1
      and sum(v["type"] == "observation" for b in sent for v in b) == 4097, "%d %s" % (len(sent), done.stderr))
check_equal("one summary, in the last", [sum(v["type"] == "summary" for v in b) for b in sent], [0] * (len(sent) - 1) + [1])

slow = start(ERS, "scan", "--config", config, "--rate", "50", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
before = len(fake.batches)
time.sleep(1.5)
check_equal("interrupted: 130", stop(slow, signal.SIGINT), 130)
check("what was found was pushed", len(fake.batches) == before + 1
      and list(fake.batches.values())[-1][-1]["complete"] is False, str(len(fake.batches) - before))

# ---- logout -----------------------------------------------------------------------------

done = ers("logout")
conf = open(os.path.join(config, "ers.conf")).read()
check("logout forgets key and server", done.returncode == 0 and not os.path.exists(key) and "server" not in conf
      and "agent =" not in conf and os.path.exists(os.path.join(config, "targets")), conf)
targets("127.0.0.1 %d\n" % port)
done = ers("scan", "--all")
check("scans go on without a server", done.returncode == 0 and "no server to push to" in done.stdout, done.stdout + done.stderr)
check_equal("and spool nothing", spooled(), [])
check_equal("every request was signed as it must be, to the end", fake.bad, [])
finish()
