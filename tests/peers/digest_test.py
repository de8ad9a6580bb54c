#!/usr/bin/env python3
"""clm-server digest: a made inventory with each kind of row; the mail as a real Postfix
delivers it, read by Python's email package; mail servers that refuse, hang, lie or
speak only TLS 1.3."""
import base64
import datetime
import json
import os
import re
import socket
import ssl
import stat
import threading
import time

import agent as peer_agent
from agent import Agent, batch_id, certificate_line, observation_line, openssl
from peer import applet, check, check_equal, finish, fingerprint, free_port, path, run, start, stop, wait_port
from postfix import Postfix

SERVER = applet("clm-server")
DATA = path("server")
CONF = os.path.join(DATA, "server.conf")
STATE = os.path.join(DATA, "digest")
PORT = free_port()
DAY = 86400
NOW = int(time.time())


def digest(*options, timeout=120):
    return run(SERVER, "digest", "--data", DATA, *options, timeout=timeout)


def configure(**keys):
    """server.conf as init has written it, and these keys."""
    with open(CONF, "w") as out:
        out.write(BARE + "".join("%s = %s\n" % pair for pair in keys.items()))


# ---- certificates that end when we like -----------------------------------------

with open(path("ca.cnf"), "w") as config:
    config.write("[ca]\ndefault_ca = made\n[made]\ndatabase = %s\nnew_certs_dir = %s\nrand_serial = yes\nunique_subject = no\n"
                 "policy = any\ncopy_extensions = copy\ndefault_md = sha256\n[any]\ncommonName = supplied\n" % (path("index"), path()))
open(path("index"), "w").close()
os.makedirs(path(), exist_ok=True)
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
openssl("req", "-x509", *KEY, "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "3000", "-subj", "/CN=Test CA")


def moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y%m%d%H%M%SZ")


def certificate(name, left_s, subject=None, dns=None):
    """(PEM, SHA-256) of one that ends so many seconds from now, for itself or for `dns`."""
    dns = name if dns is None else dns
    extra = ("-addext", "subjectAltName=DNS:" + dns) if dns else ()
    openssl("req", "-new", "-utf8", "-key", path("ca.key"), "-out", path("one.csr"), "-subj", subject or "/CN=" + name, *extra)
    out = path(name + "-%d.pem" % left_s)
    openssl("ca", "-batch", "-notext", "-utf8", "-config", path("ca.cnf"), "-cert", path("ca.pem"), "-keyfile", path("ca.key"),
            "-startdate", moment(NOW - 500 * DAY), "-enddate", moment(NOW + left_s), "-in", path("one.csr"), "-out", out)
    return open(out).read(), fingerprint(out)


HALF = DAY // 2  # so that the days left do not change while the test runs
expired_old = certificate("old.example.com", -12 * DAY - HALF)
expired_now = certificate("now.example.com", -HALF)
soon = certificate("soon.example.com", 2 * DAY + HALF)
umlaut = certificate("umlaut", 6 * DAY + HALF, subject="/CN=B\u00fccher & S\u00f6hne\u202e=?x?=", dns="")
local = certificate("local.example.com", 5 * DAY + HALF)
later = certificate("later.example.com", 20 * DAY + HALF)
far = certificate("far.example.com", 60 * DAY + HALF)
gone = certificate("gone.example.com", -5 * DAY - HALF)
unseen = certificate("unseen.example.com", 3 * DAY + HALF)
renewed_old = certificate("renewed.example.com", 3 * DAY + HALF)
renewed_new = certificate("renewed.example.com", 90 * DAY + HALF)
left_old = certificate("left.example.com", 4 * DAY + HALF)
left_new = certificate("left.example.com", 91 * DAY + HALF)
off = certificate("off.example.com", 1 * DAY + HALF)
owned = certificate("owned.example.com", 25 * DAY + HALF)
forgotten = certificate("forgotten.example.com", -31 * DAY - HALF)


def seen(one, host, port=443, **more):
    return observation_line([one[1]], host=host, port=port, **more)


def file_seen(one, where):
    return observation_line([one[1]], host=None, ip=None, port=None, kind="file", path=where, protocol=None, sni=None, tls=None,
                            asked="any", target=where)


def summary(faces):
    account = {"ok": faces}
    return {"type": "summary", "scan": "s1", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "duration_ms": 1,
            "targets": 1, "certificates": 1, "faces": {"tried": faces, "outcomes": account},
            "endpoints": {"total": faces, "states": account}, "complete": True}


# ---- the made inventory -----------------------------------------------------------

made = peer_agent.init(SERVER, DATA, PORT)
BARE = open(CONF).read()
QUIET = os.path.join(os.environ.get("CLM_BUILD", "build/linux-x86_64"), "tests/peers/quiet_agent")
for arguments in (("lost.dc1", 50), ("retired", 50, "disabled"), ("fresh", 1)):
    done = run(QUIET, DATA, *arguments)
    check("inventory: agent " + arguments[0], done.returncode == 0, done.stderr)

check_equal("init: the mail keys stand in server.conf, as comments",
            [k for k in ("mail_to", "mail_from", "smtp_url", "smtp_tls", "smtp_user", "smtp_password_file", "smtp_ca")
             if "# %s =" % k not in BARE], [])
done = digest()
check("no mail_to: told, nothing sent, no failure", done.returncode == 0 and "mail_to" in done.stderr and not done.stdout, done.stderr)
done = digest("--quiet")
check_equal("no mail_to, --quiet: silence", (done.returncode, done.stdout + done.stderr), (0, ""))
done = digest("--send")
check("no mail_to, --send: usage", done.returncode == 2 and "mail_to" in done.stderr, done.stderr)

server = start(SERVER, "run", "--data", DATA, stderr=open(path("server.log"), "a"))
check("the server runs", wait_port(PORT), open(path("server.log")).read())
url = "https://localhost:%d" % PORT


def enrol(name, network=None):
    token = json.loads(run(SERVER, "token", "create", "--data", DATA, "--json",
                           *(("--network", network) if network else ())).stdout)["token"]
    one = Agent(url, os.path.join(DATA, "root.pem"), name)
    status, answer = one.enrol(token, network=network)
    check("enrol: " + name, status == 201, answer)
    one.id = answer.get("agent")
    return one


def push(one, certificates, observations):
    lines = [certificate_line(pem) for pem, _ in certificates] + observations + [summary(len(observations))]
    status, answer = one.push(batch_id(), lines)
    check("push: %s, %d observations" % (one.name, len(observations)), status == 200 and not answer["rejected"], answer)


web1, other, disabled = enrol("web1"), enrol("other", "dc1"), enrol("disabled")
still = [seen(expired_old, "old.example.com"), seen(expired_old, "old.example.com", 8443), seen(expired_now, "now.example.com"),
         seen(soon, "soon.example.com"), seen(umlaut, None, ip="192.0.2.9", sni=None), seen(later, "later.example.com"), seen(far, "far.example.com"),
         seen(left_old, "left1.example.com"), seen(left_new, "left2.example.com"),
         seen(local, None, 9443, ip="127.0.0.1", sni=None), file_seen(local, "/etc/ssl/local.pem")]
# Gone was seen once, and is missing in the three complete passes after that.
push(web1, [expired_old, expired_now, soon, umlaut, local, later, far, gone, renewed_old, left_old, left_new],
     still + [seen(gone, "gone.example.com"), seen(renewed_old, "renewed.example.com")])
for _ in range(3):
    push(web1, [renewed_new], still + [seen(renewed_new, "renewed.example.com")])
push(other, [], [seen(later, None, ip="10.0.0.5", sni=None)])
push(disabled, [off, unseen, owned, forgotten], [seen(off, "off.example.com")])
admin = peer_agent.Person(url, os.path.join(DATA, "root.pem"))
status, _ = admin.call("POST", "/session/link", {"link": made["link"].split("#")[1], "password": "correct horse battery"})
status, answer = admin.call("POST", "/agents/%s/disable" % disabled.id)
check_equal("disabled: what only it saw is served no more", status, 200)
for one in owned, forgotten:
    status, answer = admin.call("GET", "/certificates/" + one[1])
    status, answer = admin.call("POST", "/services/" + answer["service"]["id"], {"owner": "Payroll"})
    check("owner: set", status == 200, answer)


def link(one):
    return "%s/certificates/%s" % (url, one[1])


# days, name, places, owner, link: most urgent first within each part.
EXPECTED = {
    "Expired": [(-12, "old.example.com", ["old.example.com:443", "old.example.com:8443"], "-", link(expired_old)),
                (0, "now.example.com", ["now.example.com:443"], "-", link(expired_now))],
    "End within 7 d": [(2, "soon.example.com", ["soon.example.com:443"], "-", link(soon)),
                       (4, "left.example.com", ["left1.example.com:443", "note: renewed, but the old certificate is still shown here"],
                        "-", link(left_old)),
                       (5, "local.example.com", ["127.0.0.1:9443 on agent web1", "/etc/ssl/local.pem on agent web1"], "-", link(local)),
                       (6, "B\u00fccher & S\u00f6hne\\u{202e}=?x?=", ["192.0.2.9:443"], "-", link(umlaut))],
    "End within 30 d": [(20, "later.example.com", ["later.example.com:443", "10.0.0.5:443 in network dc1"], "-", link(later)),
                        (25, "owned.example.com", ["- (managed, served nowhere)"], "Payroll", link(owned))],
}
SUBJECT = "clm: 2 expired, 4 end within 7 d, 1 agent quiet"
FIRST = "localhost: 2 expired, 4 end within 7 d, 2 end within 30 d, 1 agent quiet"


def parts(body):
    """The rows of a body by the title of their part, and the quiet agents."""
    rows, agents, title, row = {}, [], None, None
    for line in body.split("\n"):
        head, field = re.match(r" *(-?\d+) d  (.*)$", line), re.match(r"        (ended|ends|at|note|owner|link|heard|and)? +(.*)$", line)
        if head:
            row = [int(head.group(1)), head.group(2), [], None, None]
            rows.setdefault(title, []).append(row)
        elif title == "Quiet agents" and line.startswith("        "):
            if not field:
                agents.append(line.strip())
        elif field:
            if field.group(1) in (None, "at"):
                row[2].append(field.group(2))
            elif field.group(1) == "note":
                row[2].append("note: " + field.group(2))
            elif field.group(1) in ("owner", "link"):
                row[3 if field.group(1) == "owner" else 4] = field.group(2)
        elif line:
            title = line
    return {name: [tuple(r) for r in part] for name, part in rows.items()}, agents


def check_body(name, body):
    rows, agents = parts(body)
    check_equal(name + ": the first line counts", body.split("\n")[0], FIRST)
    check_equal(name + ": parts in order", list(rows), list(EXPECTED))
    for title, want in EXPECTED.items():
        check_equal("%s: %s" % (name, title), rows.get(title), want)
    check_equal(name + ": quiet agents", agents, ["lost.dc1"])
    for one, what in ((far, "far"), (gone, "gone"), (unseen, "unseen"), (off, "a disabled agent's"), (forgotten, "owned but long ended"), (renewed_old, "renewed"),
                      (renewed_new, "its successor")):
        check("%s: nothing of what is %s" % (name, what), one[1] not in body)


# ---- the API, --print ---------------------------------------------------------------

status, answer = admin.call("GET", "/digest")
check("api: counts", status == 200 and answer["counts"] == {"expired": 2, "soon": 4, "later": 2} and answer["quiet"] == 1,
      answer)
for bad in ("0", "x", "-1", "99999999"):
    check_equal("api: within_hours=" + bad, admin.call("GET", "/digest?within_hours=" + bad)[0], 400)
check_equal("api: not for the public", peer_agent.Person(url, os.path.join(DATA, "root.pem")).call("GET", "/digest")[0], 401)

done = digest("--print")
printed = done.stdout
check("--print: exit 0, no noise", done.returncode == 0 and done.stderr == "", done.stderr)
check_equal("--print: the subject", printed.split("\n")[0], "Subject: " + SUBJECT)
check_body("--print", printed.split("\n\n", 1)[1])
done = digest("--print", "--within", "3d")
check_equal("--within 3d", done.stdout.split("\n")[0], "Subject: clm: 2 expired, 1 ends within 3 d, 1 agent quiet")
done = digest("--print", "--within", "90d")
check("--within 90d: the far one too", "far.example.com:443" in done.stdout and "End within 90 d" in done.stdout, done.stdout)
done = digest("--print", "--json")
check_equal("--print --json: the rows", json.loads(done.stdout)["counts"]["soon"], 4)
check_equal("--print and --send: usage", digest("--print", "--send").returncode, 2)
check_equal("--within 0: usage", digest("--print", "--within", "0").returncode, 2)
check("--print: no trace", not os.path.exists(STATE))

# ---- bad settings ---------------------------------------------------------------------

for keys, word in (({"mail_to": "ops"}, "mail_to"), ({"mail_to": "Ops <ops@example.test>"}, "mail_to"),
                   ({"mail_to": "ops@example.test", "mail_from": "a b@c"}, "mail_from"),
                   ({"mail_to": "ops@example.test", "smtp_url": "http://x"}, "smtp_url"),
                   ({"mail_to": "ops@example.test", "smtp_tls": "maybe"}, "smtp_tls"),
                   ({"mail_to": "ops@example.test", "smtp_user": "u"}, "smtp_password_file"),
                   ({"mail_to": "ops@example.test", "smtp_url": "smtp://192.0.2.1", "smtp_tls": "none", "smtp_user": "u",
                     "smtp_password_file": "/x"}, "password")):
    configure(**keys)
    done = digest("--send")
    check("settings: %r is refused and named" % keys, done.returncode in (1, 2) and word in done.stderr, done.stderr)
check("settings: nothing is kept for them", not os.path.exists(STATE))

# ---- a real Postfix ---------------------------------------------------------------------

openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", path("mx.key"), "-out", path("mx.pem"), "-days", "30",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
postfix = Postfix(["ops", "second"], certificate=path("mx.pem"), key=path("mx.key"))
postfix.start()
PLAIN = {"mail_to": "ops@example.test, second@example.test", "mail_from": "clm@clm.example.test",
         "smtp_url": "smtp://127.0.0.1:%d" % postfix.port}


def check_mail(name, mail, body=True):
    check_equal(name + ": the subject", mail["Subject"], SUBJECT)
    check_equal(name + ": from, to", (mail["From"], mail["To"]), ("clm@clm.example.test", "ops@example.test, second@example.test"))
    kind = (mail.get_content_type(), mail.get_content_charset(), mail["Auto-Submitted"], mail["MIME-Version"])
    check_equal(name + ": its kind", kind, ("text/plain", "utf-8", "auto-generated", "1.0"))
    check(name + ": no defect", not mail.defects and not any(h.defects for h in mail.values()), mail.defects)
    made_at = mail["Date"].datetime
    check(name + ": the date", abs((datetime.datetime.now(datetime.timezone.utc) - made_at).total_seconds()) < 300, str(made_at))
    check(name + ": a message id", re.fullmatch(r"<[0-9a-f]{32}@localhost>", mail["Message-ID"] or ""), mail["Message-ID"])
    check(name + ": short lines", all(len(line) <= 80 for line in mail.as_bytes().decode("ascii").split("\n")))
    if body:
        check_body(name, mail.get_content())


configure(**PLAIN)
done = digest()
check_equal("postfix: sent in silence", (done.returncode, done.stdout + done.stderr), (0, ""))
mails = postfix.mails("ops")
check("postfix: one mail", len(mails) == 1, postfix.text("log"))
if mails:
    check_mail("postfix", mails[0])
    check_equal("postfix: as printed", mails[0].get_content().rstrip("\n"), printed.split("\n\n", 1)[1].rstrip("\n"))
check_equal("postfix: to the second one too", len(postfix.mails("second")), 1)
check_equal("state: one file, 0600", stat.S_IMODE(os.stat(STATE).st_mode), 0o600)
check("state: nothing is kept", "\nkept" not in open(STATE).read(), open(STATE).read())

done = digest()
check_equal("the same day, unchanged: nothing", (done.returncode, done.stdout + done.stderr), (0, ""))
done = digest("--send", "--json")
check_equal("--send repeats it", (done.returncode, json.loads(done.stdout).get("subject")), (0, SUBJECT))
mails = postfix.mails("ops", 2)
check_equal("--send: another mail, another id", len({m["Message-ID"] for m in mails}), 2)
with open(STATE) as state:
    yesterday = re.sub(r"sent \S+", "sent 2020-01-01", state.read())
with open(STATE, "w") as state:
    state.write(yesterday)
check_equal("another day: sent again", (digest().returncode, len(postfix.mails("ops", 3))), (0, 3))
with open(STATE, "w") as state:
    state.write("nonsense")
done = digest()
check("a damaged state is told, and the mail goes out", done.returncode == 0 and "digest_state" in done.stderr
      and len(postfix.mails("ops", 4)) == 4, done.stderr)

configure(**dict(PLAIN, smtp_url="smtp://localhost:%d" % postfix.port, smtp_ca=path("mx.pem")))
done = digest("--send")
check("STARTTLS: with a root of its own", done.returncode == 0 and len(postfix.mails("ops", 5)) == 5, done.stderr)
check("STARTTLS: Received says so", "ESMTPS" in str(postfix.mails("ops", 5)[-1]["Received"]), postfix.mails("ops", 5)[-1]["Received"])
configure(**dict(PLAIN, smtp_ca=path("mx.pem")))
check_equal("STARTTLS: by an address", digest("--send").returncode, 0)
configure(**dict(PLAIN, smtp_ca=path("ca.pem")))
done = digest("--send")
check("STARTTLS: another root is refused", done.returncode == 1 and "trusted" in done.stderr and "it is kept" in done.stderr, done.stderr)
configure(**dict(PLAIN, smtp_tls="required"))
done = digest("--send")
check("STARTTLS: the system's roots do not know it", done.returncode == 1 and "it is kept" in done.stderr, done.stderr)
configure(**dict(PLAIN, mail_to="ops@example.test, nobody@example.test"))
done = digest("--send")
check("a recipient that is refused is named, with the server's words", done.returncode == 1
      and "RCPT TO:<nobody@example.test>" in done.stderr and "550" in done.stderr, done.stderr)
count = len(postfix.mails("ops"))

# ---- kept and sent later -------------------------------------------------------------------

configure(**dict(PLAIN, smtp_url="smtp://127.0.0.1:%d" % free_port()))
done = digest()
check("nobody listens: told, kept", done.returncode == 1 and "mail server" in done.stderr and "it is kept" in done.stderr, done.stderr)
kept = open(STATE).read()
check("kept: in the one file", "\nkept 20" in kept and "\nsubject " + SUBJECT in kept and "soon.example.com" in kept, kept)
configure(**PLAIN)
done = digest()
mails = postfix.mails("ops", count + 1)
check("kept: sent with the next run, in one mail", done.returncode == 0 and len(mails) == count + 1, done.stderr)
if len(mails) > count:
    check_mail("kept", mails[-1], body=False)
    lines = mails[-1].get_content().split("\n", 1)
    check("kept: it says that one is missing", lines[0].startswith("The digest of 20"), lines[0])
    check_body("kept", lines[1])
check("kept: no longer", "\nkept" not in open(STATE).read())
check_equal("kept: and then silence", (digest().returncode, len(postfix.mails("ops", count + 1))), (0, count + 1))
count += 1

# ---- servers that refuse, hang, lie ---------------------------------------------------------


class Script(threading.Thread):
    """A mail server by the book, but for what `how` says."""

    def __init__(self, how, context=None, at_once=False):
        super().__init__(daemon=True)
        self.how, self.context, self.at_once = how, context, at_once
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heard, self.mail = [], b""
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                self.talk(connection)
            except (OSError, ValueError):
                pass
            connection.close()

    def end(self):
        self.listener.close()

    def talk(self, connection):
        connection.settimeout(20)
        if self.at_once:
            connection = self.context.wrap_socket(connection, server_side=True)
        if self.how.get("greeting") == "hang":
            connection.recv(1)
        stream = connection.makefile("rb")

        def say(text):
            connection.sendall(text.encode() + b"\r\n")
        say(self.how.get("greeting", "220 mx.example.test ESMTP"))
        while True:
            line = stream.readline().decode().rstrip("\r\n")
            if not line:
                return
            self.heard.append(line)
            verb = line.split(" ")[0].split(":")[0].upper()
            answer = self.how.get(verb)
            if answer == "hang":
                stream.readline()
                return
            if answer == "close":
                return
            if answer == "flood":
                while True:
                    say("250-" + "x" * 500)
            if answer:
                say(answer)
            elif verb == "EHLO":
                offers = ["mx.example.test"] + (["STARTTLS"] if self.context and not self.at_once else []) + self.how.get("offers", [])
                for i, offer in enumerate(offers):
                    say("250%s%s" % ("-" if i + 1 < len(offers) else " ", offer))
            elif verb == "STARTTLS":
                say("220 go ahead")
                connection = self.context.wrap_socket(connection, server_side=True)
                stream = connection.makefile("rb")
            elif verb == "DATA":
                say("354 go on")
                lines = []
                while True:
                    line = stream.readline()
                    if line in (b".\r\n", b""):
                        break
                    lines.append(line[1:] if line.startswith(b".") else line)
                self.mail = b"".join(lines)
                answer = self.how.get("end", "250 taken")
                if answer == "hang":
                    stream.readline()
                    return
                say(answer)
            elif verb == "AUTH":
                say("334 ")
                self.heard.append(stream.readline().decode().rstrip("\r\n"))
                say("235 welcome")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")


def attempt(name, how, words, status=1, seconds=8, **more):
    """One clear error within the time, and the digest is kept."""
    script = Script(how)
    configure(**dict(PLAIN, smtp_url="smtp://127.0.0.1:%d" % script.port, **more))
    begin = time.monotonic()
    done = digest("--send", "--timeout", "2s")
    took = time.monotonic() - begin
    script.end()
    lines = done.stderr.strip().split("\n")
    check(name + ": told", done.returncode == status and len(lines) == 2 and all(word in lines[0] for word in words),
          "%d %s" % (done.returncode, done.stderr))
    check(name + ": kept", "kept" in lines[-1] and "\nkept " in open(STATE).read(), done.stderr)
    check(name + ": in time", took < seconds, "%.1f s" % took)
    return script, done


attempt("greeting 554", {"greeting": "554 no service for you"}, ("mail server", "554 no service for you"))
attempt("greeting never", {"greeting": "hang"}, ("mail server", "did not answer"))
attempt("greeting of another protocol", {"greeting": "SSH-2.0-OpenSSH_9.2"}, ("mail server",))
attempt("EHLO never answered", {"EHLO": "hang"}, ("did not answer EHLO",))
attempt("EHLO: closed", {"EHLO": "close"}, ("mail server",))
attempt("EHLO without end", {"EHLO": "flood"}, ("mail server",), seconds=10)
attempt("MAIL refused", {"MAIL": "451 4.3.0 later"}, ("MAIL FROM:<clm@clm.example.test>", "451 4.3.0 later"))
attempt("RCPT refused", {"RCPT": "550 5.1.1 unknown\x1b[31m"}, ("RCPT TO:<ops@example.test>", "550 5.1.1 unknown\\x1b[31m"))
attempt("DATA refused", {"DATA": "554 5.7.1 spam"}, ("DATA", "554 5.7.1 spam"))
attempt("the mail refused at its end", {"end": "552 5.3.4 too large"}, ("552 5.3.4 too large",))
attempt("the end never answered", {"end": "hang"}, ("did not answer DATA",))
script, done = attempt("STARTTLS not offered", {}, ("offers no STARTTLS",), smtp_tls="required")
check("STARTTLS not offered: no mail in clear", not any(line.startswith("MAIL") for line in script.heard), script.heard)
attempt("STARTTLS refused", {"offers": ["STARTTLS"], "STARTTLS": "454 4.7.0 not now"}, ("STARTTLS", "454"), smtp_tls="required")

script = Script({"QUIT": "hang"})
configure(**dict(PLAIN, smtp_url="smtp://127.0.0.1:%d" % script.port))
begin = time.monotonic()
done = digest("--send", "--timeout", "2s")
check("QUIT never answered: taken is taken", done.returncode == 0 and time.monotonic() - begin < 8 and SUBJECT.encode() in script.mail,
      done.stderr)
check("EHLO: a name of our own", "EHLO localhost" in script.heard, script.heard)
script.end()

# ---- log-in ------------------------------------------------------------------------------------

SECRET = "pa55 w\u00f6rd"
with open(path("password"), "w", encoding="utf-8") as out:
    out.write(SECRET + "\n")
os.chmod(path("password"), 0o600)
old_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
old_tls.maximum_version = ssl.TLSVersion.TLSv1_2
old_tls.load_cert_chain(path("mx.pem"), path("mx.key"))
LOGIN = {"smtp_user": "clm", "smtp_password_file": path("password")}
OFFER = {"offers": ["AUTH PLAIN"]}


def secret_free(name, done):
    seen_text = done.stdout + done.stderr + open(STATE, encoding="utf-8").read()
    hidden = base64.b64encode(("\0clm\0" + SECRET).encode()).decode()
    check(name + ": the password is nowhere", SECRET not in seen_text and hidden not in seen_text)


for name, at_once in (("smtps", True), ("STARTTLS", False)):
    script = Script(OFFER, context=old_tls, at_once=at_once)
    configure(**dict(PLAIN, smtp_url="%s://localhost:%d" % ("smtps" if at_once else "smtp", script.port), smtp_ca=path("mx.pem"), **LOGIN))
    done = digest("--send", "-v", "--timeout", "10s")
    said = [line for line in script.heard if line.startswith("AUTH")]
    want = base64.b64encode(("\0clm\0" + SECRET).encode()).decode()
    got = " ".join(script.heard)
    check("log-in by %s: sent" % name, done.returncode == 0 and SUBJECT.encode() in script.mail, done.stderr)
    check("log-in by %s: the credentials" % name, said and want in got, script.heard)
    secret_free("log-in by " + name, done)
    script.end()

script = Script(dict(OFFER, AUTH="535 5.7.8 wrong"), context=old_tls, at_once=True)
configure(**dict(PLAIN, smtp_url="smtps://localhost:%d" % script.port, smtp_ca=path("mx.pem"), **LOGIN))
done = digest("--send", "-v", "--timeout", "10s")
check("log-in refused: told", done.returncode == 4 and "refused AUTH: 535 5.7.8 wrong" in done.stderr, "%d %s" % (done.returncode, done.stderr))
secret_free("log-in refused", done)
script.end()
os.chmod(path("password"), 0o640)
done = digest("--send")
check("a password that others can read is not used", done.returncode == 1 and "chmod 600" in done.stderr, done.stderr)
os.chmod(path("password"), 0o600)
configure(**dict(PLAIN, smtp_user="clm", smtp_password_file=path("none")))
done = digest("--send")
check("a password file that is not there is named", done.returncode == 1 and path("none") in done.stderr, done.stderr)

# ---- TLS 1.3 alone ---------------------------------------------------------------------------------

new_port = free_port()
new = start("openssl", "s_server", "-accept", "127.0.0.1:%d" % new_port, "-cert", path("mx.pem"), "-key", path("mx.key"), "-tls1_3", "-quiet")
wait_port(new_port)
configure(**dict(PLAIN, smtp_url="smtps://localhost:%d" % new_port, smtp_ca=path("mx.pem")))
done = digest("--send", "--timeout", "5s")
check("TLS 1.3 alone: one clear error", done.returncode == 1 and "no TLS 1.2" in done.stderr and "TLS 1.3" in done.stderr, done.stderr)
check("TLS 1.3 alone: kept", "it is kept" in done.stderr, done.stderr)
stop(new)
new_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
new_tls.minimum_version = ssl.TLSVersion.TLSv1_3
new_tls.load_cert_chain(path("mx.pem"), path("mx.key"))
script = Script({}, context=new_tls)
configure(**dict(PLAIN, smtp_url="smtp://localhost:%d" % script.port, smtp_ca=path("mx.pem")))
done = digest("--send", "--timeout", "5s")
check("TLS 1.3 alone behind STARTTLS", done.returncode == 1 and "no TLS 1.2" in done.stderr, done.stderr)
script.end()

# ---- without a server, and with nothing to say --------------------------------------------------------

configure(**PLAIN)
lock = start("flock", "-o", os.path.join(DATA, "digest.lock"), "sleep", "60")
time.sleep(0.3)
check_equal("two at once: the second one says so", digest("--send").returncode, 11)
stop(lock)
stop(server)
os.remove(STATE)
count = len(postfix.mails("ops"))
done = digest()
mails = postfix.mails("ops", count + 1)
check("no server runs: the store is opened", done.returncode == 0 and len(mails) == count + 1, done.stderr)
if len(mails) > count:
    check_mail("no server runs", mails[-1])

DATA = path("calm")
CONF, STATE = os.path.join(DATA, "server.conf"), os.path.join(DATA, "digest")
peer_agent.init(SERVER, DATA, PORT)
BARE = open(CONF).read()
configure(**PLAIN)
count = len(postfix.mails("ops"))
for options in ((), ("--send",), ("--print",)):
    done = digest(*options)
    check_equal("nothing to say%s: silence, exit 0" % "".join(" " + o for o in options), (done.returncode, done.stdout + done.stderr), (0, ""))
with open(STATE, "w") as state:
    state.write("clm digest 1\nkept 2026-11-24T07:30:00Z %s\nsubject clm: 1 expired\n\nold news\n" % ("ab" * 16))
done = digest()
mails = postfix.mails("ops", count + 1)
check("nothing to say, but one is kept: it goes out as it was", done.returncode == 0 and len(mails) == count + 1, done.stderr)
if len(mails) > count:
    check_equal("kept: with its own date, id and text", (mails[-1]["Date"].datetime.isoformat(), mails[-1]["Message-ID"], mails[-1]["Subject"],
                mails[-1].get_content()), ("2026-11-24T07:30:00+00:00", "<%s@localhost>" % ("ab" * 16), "clm: 1 expired", "old news\n"))
check_equal("nothing to say: no other mail", (digest().returncode, len(postfix.mails("ops", count + 1))), (0, count + 1))

# ---- more than one would read ------------------------------------------------------------------------

server = start(SERVER, "run", "--data", DATA, stderr=open(path("server.log"), "a"))
wait_port(PORT)
many, MANY = [], 60
for i in range(MANY):
    openssl("req", "-x509", "-key", path("ca.key"), "-out", path("many.pem"), "-days", "6", "-subj", "/CN=m%02d.example.com" % i)
    many.append((open(path("many.pem")).read(), fingerprint(path("many.pem"))))
web2 = enrol("web2")
push(web2, many, [seen(one, "m%02d.example.com" % i) for i, one in enumerate(many)]
     + [seen(many[0], "m00.example.com", port) for port in range(1000, 1020)])
lines = digest("--print").stdout.split("\n")
check_equal("many: all are counted", lines[0], "Subject: clm: %d end within 7 d" % MANY)
check_equal("many: 50 are listed", len([line for line in lines if re.match(r" *5 d  m", line)]), 50)
check("many: the rest is told", "        and 10 more: " + url in lines, lines[-5:])
check("many: so are endpoints", "               and 11 more" in lines, lines[:20])
stop(server)
postfix.stop()
finish()
