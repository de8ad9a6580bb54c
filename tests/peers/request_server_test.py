#!/usr/bin/env python3
"""Requests for certificates at the server: asked for by an agent of its own (agent.py),
CSRs by openssl, and what is issued checked by openssl verify. Bad CSRs are refused by their
rule; a restart, and kill -9 at the worst moment, lose nothing; revocation and its list;
owner and tags that survive a renewal; targets and rescans that an agent fetches."""
import http.client
import json
import os
import re
import signal
import stat
import time

import agent as peer_agent
from agent import Agent, Person, Server, batch_id, certificate_line, observation_line, openssl
from peer import applet, check, check_equal, finish, free_port, make_certificate, path, run, start, stop, wait_port

SERVER = applet("clm-server")
DATA = path("server")
PORT = free_port()
ROOT = os.path.join(DATA, "root.pem")
PROFILES = os.path.join(DATA, "profiles.conf")
SECRET = "correct horse battery staple"
URL = "https://localhost:%d" % PORT


def serve():
    process = start(SERVER, "run", "--data", DATA, stderr=open(path("server.log"), "a"))
    if not wait_port(PORT):
        raise RuntimeError("the server does not listen: " + open(path("server.log")).read()[-2000:])
    return process


def log_text():
    return open(path("server.log"), encoding="utf-8").read()


_keys = {}


def key_file(kind):
    """One key of each kind for all tests: making them is the slow part."""
    if kind not in _keys:
        _keys[kind] = path(kind + ".key")
        what = {"ec": ("EC", "ec_paramgen_curve:P-256"), "rsa": ("RSA", "rsa_keygen_bits:2048"),
                "p521": ("EC", "ec_paramgen_curve:P-521")}[kind]
        openssl("genpkey", "-algorithm", what[0], "-pkeyopt", what[1], "-out", _keys[kind])
    return _keys[kind]


def make_csr(names, subject=None, kind="ec", extra=""):
    """PEM of a request; names as "DNS:a,IP:b"."""
    with open(path("csr.cnf"), "w", encoding="utf-8") as f:
        f.write("[req]\ndistinguished_name=dn\nprompt=no\nreq_extensions=x\n[dn]\n%s\n[x]\n" % (subject if subject is not None else "CN=" + names.split(",")[0].split(":")[1]))
        f.write("%s%s\n" % ("subjectAltName=" + names + "\n" if names else "", extra))
        if not names and not extra:
            f.write("keyUsage=digitalSignature\n")
    return openssl("req", "-new", "-key", key_file(kind), "-config", path("csr.cnf"), "-utf8").decode()


def new_id():
    return os.urandom(16).hex()


def ask(who, csr, request=None, **more):
    value = {"id": request or new_id(), "csr": csr}
    value.update(more)
    return who.call("POST", "/requests", value)


def save(name, text):
    with open(path(name), "w", encoding="utf-8") as f:
        f.write(text)
    return path(name)


def verifies(name, request, *more):
    leaf, chain = save("leaf.pem", request["certificate"]), save("chain.pem", request["chain"])
    done = run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ROOT, "-untrusted", chain, *more, leaf)
    return check(name, done.returncode == 0, done.stdout + done.stderr)


def refused(name, answer, status, code, word=None):
    got, problem = answer
    text = json.dumps(problem) if isinstance(problem, dict) else str(problem)
    check(name, got == status and isinstance(problem, dict) and problem.get("code") == code and (word is None or word in text),
          "%s %s" % (got, text))


# ---- init --------------------------------------------------------------------

made = peer_agent.init(SERVER, DATA, PORT)
issuing = os.path.join(DATA, "issuing.pem")
check_equal("init: the issuing key is 0600", stat.S_IMODE(os.stat(issuing).st_mode), 0o600)
check_equal("init: the profiles are there to be read", stat.S_IMODE(os.stat(PROFILES).st_mode), 0o644)
default_profiles = open(PROFILES, encoding="utf-8").read()
check("init: they ask a person", "approval = one" in default_profiles)
done = run("openssl", "verify", "-x509_strict", "-CAfile", ROOT, issuing)
check("init: openssl takes the issuing certificate", done.returncode == 0, done.stderr)

# ---- profiles with mistakes ---------------------------------------------------

for text, word in (("[server]\ndns = any\nlifetime = 5 parsecs\n", "line 3"), ("[server]\ndns = any\ncolour = red\n", "line 3"),
                   ("dns = any\n", "line 1"), ("[server]\nlifetime = 90d\n", "line 1")):
    save("profiles.bad", text)
    os.replace(path("profiles.bad"), PROFILES)
    done = run(SERVER, "run", "--data", DATA)
    check("profiles: %r is told by file and line" % text, done.returncode == 1 and "profiles.conf" in done.stderr and word in done.stderr,
          "%d %s" % (done.returncode, done.stderr))
with open(PROFILES, "w", encoding="utf-8") as f:
    f.write("[server]\ndns = .req.example, any.example\nip = 192.0.2.0/24\nkey = ec-p256, rsa-2048\nlifetime = 30d\nusage = serverAuth\napproval = one\n"
            "[auto]\ndns = *.auto.example\nwildcards = yes\nlifetime = 1d\napproval = none\n")

server = serve()
admin = Person(URL, ROOT)
admin.call("POST", "/session/link", {"link": made["link"].split("#")[1], "password": SECRET})
_, viewer_link = admin.call("POST", "/users", {"name": "vera", "role": "viewer"})
viewer = Person(URL, ROOT)
viewer.call("POST", "/session/link", {"link": viewer_link["link"].split("#")[1], "password": SECRET})
status, token = admin.call("POST", "/tokens", {"uses": 2})
web, other = Agent(URL, ROOT, "web.req.example"), Agent(URL, ROOT, "other.req.example")
for one in (web, other):
    status, answer = one.enrol(token["token"])
    check_equal("enrol %s" % one.name, status, 201)
    one.id = answer["agent"]

# ---- asked for, approved, issued ---------------------------------------------

first = new_id()
csr = make_csr("DNS:web.req.example,DNS:www.req.example,IP:192.0.2.7", subject="O=Somebody\nCN=web.req.example", kind="rsa")
status, request = ask(web, csr, first, profile="server")
check_equal("request: 201", status, 201)
check("request: what it says", request["state"] == "pending" and request["profile"] == "server" and request["agent"]["id"] == web.id
      and request["names"] == {"dns": ["web.req.example", "www.req.example"], "ip": ["192.0.2.7"]}
      and request["key"]["algorithm"] == "RSA" and request["key"]["bits"] == 2048 and request["certificate_sha256"] is None
      and request["decided"] is None and request["outcome"] is None and "certificate" not in request, request)
check("request: what differs from the profile is told", [(d["rule"], d["effect"]) for d in request["differences"]] == [("subject", "left_out")]
      and "Somebody" in request["differences"][0]["asked"] and request["differences"][0]["allowed"] == "names", request["differences"])
status, same = ask(web, csr, first, profile="server")
check("request: the same again is the same, 200", status == 200 and same == request, "%s %r" % (status, same))
refused("request: another CSR under its id", ask(web, make_csr("DNS:web.req.example"), first), 409, "conflict")
refused("request: another agent under its id", ask(other, csr, first), 409, "conflict")
status, listed = viewer.call("GET", "/requests?state=pending")
check("request: a viewer sees it in the queue", status == 200 and listed["total"] == 1 and listed["items"][0]["id"] == first
      and listed["items"][0]["differences"] == request["differences"], listed)
check_equal("summary: counts it", admin.call("GET", "/summary")[1]["requests_pending"], 1)
status, work = web.call("GET", "/agents/self/work")
check("work: the agent's own requests", status == 200 and work == {"targets": None, "rescan": None, "requests": [{"id": first, "state": "pending"}]}, work)
check_equal("request: the agent sees its own", web.call("GET", "/requests/" + first)[1]["state"], "pending")
refused("request: and not others'", other.call("GET", "/requests/" + first), 404, "not_found")
refused("request: nor the queue", web.call("GET", "/requests"), 401, "credentials")
refused("approve: not a viewer", viewer.call("POST", "/requests/%s/approve" % first), 403, "permission")
refused("approve: not an agent", web.call("POST", "/requests/%s/approve" % first, {}), 403, "permission")
refused("approve: not a stranger", Person(URL, ROOT).call("POST", "/requests/%s/approve" % first), 401, "credentials")
refused("approve: an unknown id", admin.call("POST", "/requests/%s/approve" % new_id()), 404, "not_found")
refused("outcome: before it was issued", web.call("POST", "/requests/%s/outcome" % first, {"installed": True}), 409, "conflict")

server_stopped = stop(server)
check_equal("restart in the middle: ends with 0", server_stopped, 0)
server = serve()
admin.call("POST", "/session", {"user": "admin", "password": SECRET})
viewer.call("POST", "/session", {"user": "vera", "password": SECRET})
status, same = ask(web, csr, first, profile="server")
check("restart in the middle: the same request goes on", status == 200 and same == request, same)

status, issued = admin.call("POST", "/requests/%s/approve" % first)
check("approve: issued", status == 200 and issued["state"] == "issued" and issued["decided_by"] == "user:admin", issued)
status, got = web.call("GET", "/requests/" + first)
check("approve: the agent gets certificate and chain", status == 200 and got["state"] == "issued" and got["certificate"].startswith("-----BEGIN CERT")
      and got["chain"].count("BEGIN CERTIFICATE") == 1, got)
verifies("issued: openssl verify", got, "-verify_hostname", "www.req.example")
verifies("issued: by its address too", got, "-verify_ip", "192.0.2.7")
text = openssl("x509", "-noout", "-text", data=got["certificate"].encode()).decode()
check("issued: only the common name of the subject", re.search(r"Subject: CN = web\.req\.example\n", text) is not None, text[:600])
check("issued: usages, no CA, where its list is", "TLS Web Server Authentication" in text and "CA:FALSE" in text and URL + "/api/v1/ca/crl" in text, text)
key_of = lambda pem, kind: openssl(kind, "-noout", "-pubkey", data=pem.encode())
check_equal("issued: for the key of the request", key_of(got["certificate"], "x509"), key_of(csr, "req"))
serial = openssl("x509", "-noout", "-serial", data=got["certificate"].encode()).decode().strip().split("=")[1]
check("issued: a random serial of 128 bits", 28 <= len(serial) <= 34, serial)
refused("approve: twice", admin.call("POST", "/requests/%s/approve" % first), 409, "conflict", "issued")
refused("refuse: too late", admin.call("POST", "/requests/%s/refuse" % first, {"reason": "late"}), 409, "conflict")
status, card = viewer.call("GET", "/certificates/" + got["certificate_sha256"])
check("certificate: issued, not yet served", status == 200 and card["issued_not_served"] is True and card["request"] == {"id": first, "state": "issued"}
      and card["revoked"] is None and card["service"]["owner"] == "" and card["sightings"] == [], card)
status, rows = viewer.call("GET", "/certificates?q=web.req.example")
check("certificates: the same in the list", any(r["issued_not_served"] and r["sha256"] == got["certificate_sha256"] for r in rows["items"]), rows)
check_equal("work: issued is told", web.call("GET", "/agents/self/work")[1]["requests"], [{"id": first, "state": "issued"}])

# ---- the outcome ---------------------------------------------------------------

long_text = "x" * 4097
refused("outcome: too long", web.call("POST", "/requests/%s/outcome" % first, {"installed": True, "detail": long_text}), 400, "usage", "detail")
refused("outcome: of another type", web.call("POST", "/requests/%s/outcome" % first, {"installed": "yes"}), 400, "usage", "installed")
refused("outcome: another agent's", other.call("POST", "/requests/%s/outcome" % first, {"installed": True}), 404, "not_found")
status, told = web.call("POST", "/requests/%s/outcome" % first, {"installed": True, "reload_exit": -1, "detail": "nginx: \u2718\n"})
check("outcome: kept", status == 200 and told["outcome"]["installed"] is True and told["outcome"]["reload_exit"] == -1
      and told["outcome"]["detail"] == "nginx: \u2718\n", told)
check_equal("work: nothing more to do", web.call("GET", "/agents/self/work")[1]["requests"], [])

# ---- served; owner and tags survive -------------------------------------------

old_pem = open(make_certificate("old.req.example", key=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
                                extra=("-addext", "subjectAltName=DNS:old.req.example"))[0]).read()
line = certificate_line(old_pem)
status, _ = web.push(batch_id(), [line, observation_line([line["sha256"]], host="old.req.example", time_text="2026-01-01T00:00:00Z")])
check_equal("push: what is served now", status, 200)
status, card = admin.call("GET", "/certificates/" + line["sha256"])
service = card["service"]["id"]
refused("service: not by a viewer", viewer.call("POST", "/services/" + service, {"owner": "x"}), 403, "permission")
refused("service: an unknown one", admin.call("POST", "/services/" + new_id(), {"owner": "x"}), 404, "not_found")
refused("service: an unknown member", admin.call("POST", "/services/" + service, {"colour": "red"}), 400, "usage", "colour")
refused("service: tags that are none", admin.call("POST", "/services/" + service, {"tags": ["a,b"]}), 400, "usage", "tags")
refused("service: an owner of two lines", admin.call("POST", "/services/" + service, {"owner": "a\nb"}), 400, "usage", "owner")
status, said = admin.call("POST", "/services/" + service, {"owner": "Team W\u00e9b", "tags": ["prod", " dmz "], "notes": "ask Kim\nfirst"})
check("service: set", status == 200 and said["owner"] == "Team W\u00e9b" and said["tags"] == ["prod", "dmz"] and said["notes"] == "ask Kim\nfirst"
      and said["certificates"] == 1, said)
status, said = admin.call("POST", "/services/" + service, {"notes": "ask Jo"})
check("service: what is not said stays", said["owner"] == "Team W\u00e9b" and said["tags"] == ["prod", "dmz"] and said["notes"] == "ask Jo", said)

second = new_id()
ask(web, make_csr("DNS:old.req.example"), second)
admin.call("POST", "/requests/%s/approve" % second)
replacement = web.call("GET", "/requests/" + second)[1]
line = certificate_line(replacement["certificate"])
status, _ = web.push(batch_id(), [line, observation_line([line["sha256"]], host="old.req.example")])
status, card = viewer.call("GET", "/certificates/" + replacement["certificate_sha256"])
check("service: a new certificate on the same face continues it", card["service"] == {"id": service, "owner": "Team W\u00e9b", "tags": ["prod", "dmz"],
      "notes": "ask Jo"} and card["issued_not_served"] is False, card["service"])
check("request: served", viewer.call("GET", "/requests/" + second)[1]["served"] is True)
third = new_id()
ask(web, make_csr("DNS:old.req.example", kind="rsa"), third)
renewed = admin.call("POST", "/requests/%s/approve" % third)[1]
card = viewer.call("GET", "/certificates/" + renewed["certificate_sha256"])[1]
check("service: so does one with the same names, before it is served", card["service"]["id"] == service and card["service"]["owner"] == "Team W\u00e9b"
      and card["issued_not_served"] is True, card["service"])
fourth = new_id()
ask(web, make_csr("DNS:new.req.example"), fourth, replaces=renewed["certificate_sha256"])
moved = admin.call("POST", "/requests/%s/approve" % fourth)[1]
card = viewer.call("GET", "/certificates/" + moved["certificate_sha256"])[1]
check("service: and one that says what it replaces", card["service"]["id"] == service, card["service"])
fifth = new_id()
ask(other, make_csr("DNS:strange.req.example"), fifth, replaces=renewed["certificate_sha256"])
strange = admin.call("POST", "/requests/%s/approve" % fifth)[1]
card = viewer.call("GET", "/certificates/" + strange["certificate_sha256"])[1]
check("service: but not one of an agent that has nothing to do with it", card["service"]["id"] != service and strange["replaces"] is None, card["service"])
owners = {r["owner"] for r in viewer.call("GET", "/certificates?q=old.req.example")[1]["items"]}
check_equal("certificates: the list has the owner", owners, {"Team W\u00e9b"})

# ---- refused by a person ---------------------------------------------------------

sixth = new_id()
ask(web, make_csr("DNS:no.req.example"), sixth)
refused("refuse: a reason is wanted", admin.call("POST", "/requests/%s/refuse" % sixth, {}), 400, "usage", "reason")
refused("refuse: not blanks", admin.call("POST", "/requests/%s/refuse" % sixth, {"reason": "  "}), 400, "usage", "reason")
status, answer = admin.call("POST", "/requests/%s/refuse" % sixth, {"reason": "use the wildcard"})
check("refuse: with its reason", status == 200 and answer["state"] == "refused" and answer["reason"] == "use the wildcard", answer)
check("refuse: the agent is told", web.call("GET", "/requests/" + sixth)[1]["reason"] == "use the wildcard")
refused("approve: what is refused stays so", admin.call("POST", "/requests/%s/approve" % sixth), 409, "conflict")

# ---- without a person --------------------------------------------------------------

status, auto = ask(web, make_csr("DNS:*.auto.example,DNS:a.auto.example", subject="CN=a.auto.example"))
check("a profile that asks nobody: chosen by what fits, issued at once", status == 201 and auto["state"] == "issued" and auto["profile"] == "auto"
      and auto["decided_by"] == "profile", auto)
verifies("a profile that asks nobody: openssl verify", auto, "-verify_hostname", "b.auto.example")
end = openssl("x509", "-noout", "-enddate", data=auto["certificate"].encode()).decode().strip().split("=")[1]
left = time.mktime(time.strptime(end, "%b %d %H:%M:%S %Y %Z")) - time.mktime(time.gmtime())
check("a profile that asks nobody: its lifetime", 20 * 3600 < left <= 86400, left)

# ---- bad requests ----------------------------------------------------------------------

good = make_csr("DNS:web.req.example")
body = good.split("-----")[2].strip().replace("\n", "")
flipped = body[:-8] + ("AAAA" if body[-8:-4] != "AAAA" else "BBBB") + body[-4:]
bad_signature = "-----BEGIN CERTIFICATE REQUEST-----\n" + "\n".join(flipped[i:i + 64] for i in range(0, len(flipped), 64)) + "\n-----END CERTIFICATE REQUEST-----\n"
before = admin.call("GET", "/summary")[1]["requests"]
cases = [
    ("a bad signature", bad_signature, "permission", "signature"),
    ("a foreign name", make_csr("DNS:web.req.example,DNS:www.bank.example", subject="CN=web.req.example"), "permission", "www.bank.example"),
    ("a name that only ends alike", make_csr("DNS:evilreq.example"), "permission", "dns"),
    ("a foreign address", make_csr("DNS:web.req.example,IP:198.51.100.1"), "permission", "198.51.100.1"),
    ("a wildcard", make_csr("DNS:*.req.example"), "permission", "wildcards"),
    ("an e-mail address", make_csr("DNS:web.req.example,email:a@req.example"), "permission", "names"),
    ("another common name", make_csr("DNS:web.req.example", subject="CN=www.bank.example"), "permission", "subject"),
    ("a key that is not allowed", make_csr("DNS:web.req.example", kind="p521"), "permission", "key"),
    ("another usage", make_csr("DNS:web.req.example", extra="extendedKeyUsage=codeSigning"), "permission", "usage"),
    ("an authority", make_csr("DNS:web.req.example", extra="basicConstraints=critical,CA:TRUE"), "permission", "ca"),
    ("an unknown critical extension", make_csr("DNS:web.req.example", extra="1.2.3.4.5=critical,ASN1:UTF8String:x"), "permission", "extension"),
]
for name, pem, code, word in cases:
    refused("refused: " + name, ask(web, pem, profile="server"), 403, code, word)
status, answer = ask(web, make_csr("DNS:web.req.example", extra="1.2.3.4.5=ASN1:UTF8String:x"), profile="server")
check("an unknown extension that is not critical is left out, and said", status == 201
      and ("extension", "left_out") in [(d["rule"], d["effect"]) for d in answer["differences"]], answer)
many = make_csr(",".join("DNS:h%d.req.example" % i for i in range(10000)), subject="CN=h0.req.example")
refused("refused: 10,000 names", ask(web, many, profile="server"), 413, "limit", "subjectAltName")
refused("refused: no profile of this name", ask(web, good, profile="nothing"), 403, "permission", "nothing")
refused("refused: no PEM", ask(web, "hello"), 400, "usage", "csr")
refused("refused: a certificate in its place", ask(web, old_pem), 400, "usage", "csr")
refused("refused: cut short", ask(web, "-----BEGIN CERTIFICATE REQUEST-----\n" + body[:80] + "\n-----END CERTIFICATE REQUEST-----\n"), 400, "format")
refused("refused: an id that is none", ask(web, good, "12"), 400, "usage", "id")
refused("refused: unsigned", Person(URL, ROOT).call("POST", "/requests", {"id": new_id(), "csr": good}), 401, "credentials")
check_equal("refused requests are kept nowhere", admin.call("GET", "/summary")[1]["requests"], before + 1)
check("and told in the log", log_text().count("event=request_refused") >= len(cases), log_text()[-500:])
waiting = [ask(other, make_csr("DNS:h%d.req.example" % i), profile="server") for i in range(101)]
check("an agent has 100 waiting at most", [s for s, _ in waiting[:100]] == [201] * 100 and waiting[100][0] == 429, [s for s, _ in waiting][-3:])
page = viewer.call("GET", "/requests?state=pending&agent=%s&limit=60" % other.id)[1]
rest = viewer.call("GET", "/requests?state=pending&agent=%s&limit=60&cursor=%s" % (other.id, page["next"]))[1]
check("requests: paged by a cursor", page["total"] == 100 and len(page["items"]) == 60 and len(rest["items"]) == 40 and rest["next"] is None
      and len({r["id"] for r in page["items"] + rest["items"]}) == 100, page["total"])

# ---- a profile that changes --------------------------------------------------------

narrow = waiting[0][1]["id"]
profiles = open(PROFILES, encoding="utf-8").read()
with open(PROFILES, "w", encoding="utf-8") as f:
    f.write(profiles.replace("dns = .req.example", "dns = .elsewhere.example"))
refused("approve: against the profile as it is now", admin.call("POST", "/requests/%s/approve" % narrow), 403, "permission", "dns")
check("and the difference is seen", ("dns", "refused") in [(d["rule"], d["effect"]) for d in viewer.call("GET", "/requests/" + narrow)[1]["differences"]])
with open(PROFILES, "w", encoding="utf-8") as f:
    f.write("[server\n")
refused("profiles: a mistake made later is told to people", viewer.call("GET", "/profiles"), 409, "conflict", "line 1")
status, _ = ask(web, good)
check("profiles: and stops requests", status == 500 and "line 1" in log_text(), status)
with open(PROFILES, "w", encoding="utf-8") as f:
    f.write(profiles)
status, shown = viewer.call("GET", "/profiles")
check("profiles: as people see them", status == 200 and [p["name"] for p in shown["items"]] == ["server", "auto"]
      and shown["items"][0]["key"] == "ec-p256, rsa-2048" and shown["items"][0]["lifetime_s"] == 30 * 86400 and shown["items"][1]["approval"] == "none", shown)

# ---- revocation ----------------------------------------------------------------------

visitor = Server(URL, ROOT)


def crl():
    status, headers, der = visitor.request("GET", "/api/v1/ca/crl")
    check("crl: public, of its type", status == 200 and headers["Content-Type"] == "application/pkix-crl", status)
    with open(path("crl.der"), "wb") as f:
        f.write(der)
    openssl("crl", "-inform", "DER", "-in", path("crl.der"), "-out", path("crl.pem"))
    shown = openssl("crl", "-in", path("crl.pem"), "-noout", "-text").decode()
    return der, shown, int(re.search(r"X509v3 CRL Number:\s*(\d+)", shown).group(1))


status, headers, chain = visitor.request("GET", "/api/v1/ca/chain")
check("chain: public, issuer and root", status == 200 and chain.count(b"BEGIN CERTIFICATE") == 2, status)
with open(path("ca.pem"), "wb") as f:
    f.write(chain)
empty, shown, number = crl()
check("crl: empty at first", "No Revoked Certificates" in shown, shown)
done = run("openssl", "crl", "-in", path("crl.pem"), "-noout", "-CAfile", path("ca.pem"))
check("crl: openssl verifies it", "verify OK" in done.stderr + done.stdout, done.stderr)
check("crl: the same as long as it is good", crl()[0] == empty)
leaf, chain_file = save("leaf.pem", got["certificate"]), save("chain.pem", got["chain"])
with_crl = ("openssl", "verify", "-crl_check", "-CAfile", ROOT, "-untrusted", chain_file, "-CRLfile", path("crl.pem"), leaf)
done = run(*with_crl)
check("crl: what is not in it is good", done.returncode == 0, done.stderr)
where = "/certificates/%s/revoke" % got["certificate_sha256"]
refused("revoke: not a viewer", viewer.call("POST", where, {"reason": "superseded"}), 403, "permission")
refused("revoke: a reason is wanted", admin.call("POST", where, {}), 400, "usage", "reason")
refused("revoke: one of RFC 5280", admin.call("POST", where, {"reason": "because"}), 400, "usage", "reason")
refused("revoke: only what was issued here", admin.call("POST", "/certificates/%s/revoke" % certificate_line(old_pem)["sha256"], {"reason": "superseded"}),
        404, "not_found", "not issued")
status, answer = admin.call("POST", where, {"reason": "keyCompromise"})
check("revoke", status == 200 and answer["reason"] == "keyCompromise" and answer["revoked"], answer)
refused("revoke: twice", admin.call("POST", where, {"reason": "superseded"}), 409, "conflict")
_, shown, next_number = crl()
check("crl: has it, with its reason, under a greater number", next_number > number and "Key Compromise" in shown
      and serial.lstrip("0") in shown.replace(":", ""), shown)
done = run(*with_crl)
check("crl: openssl refuses it now", done.returncode != 0 and "revoked" in done.stderr + done.stdout, done.stdout + done.stderr)
check("revoked: told of request and certificate", viewer.call("GET", "/requests/" + first)[1]["state"] == "revoked"
      and viewer.call("GET", "/certificates/" + got["certificate_sha256"])[1]["revoked"]["reason"] == "keyCompromise")

# ---- work for agents -----------------------------------------------------------------

refused("targets: a line that cannot be read is named", admin.call("POST", "/agents/%s/targets" % web.id, {"text": "web.req.example\nbad host 99999\n"}),
        400, "usage", "line 2")
refused("targets: not by a viewer", viewer.call("POST", "/agents/%s/targets" % web.id, {"text": ""}), 403, "permission")
lines = "web.req.example 443,8443\n10.0.0.0/24\n"
status, answer = admin.call("POST", "/agents/%s/targets" % web.id, {"text": lines})
check("targets: set", status == 200 and answer["targets"] == {"revision": 1, "text": lines}, answer)
refused("rescan: a target that is none", admin.call("POST", "/agents/%s/rescan" % web.id, {"targets": ["a b"]}), 400, "usage", "targets")
status, answer = admin.call("POST", "/agents/%s/rescan" % web.id, {"targets": ["web.req.example:443"]})
rescan = answer["rescan"]["id"]
status, work = web.call("GET", "/agents/self/work")
check("work: fetched by the agent", work["targets"] == {"revision": 1, "text": lines} and work["rescan"] == {"id": rescan, "targets": ["web.req.example:443"]}, work)
check("work: not by another", other.call("GET", "/agents/self/work")[1]["targets"] is None)
refused("work: another rescan is not done", web.call("POST", "/agents/self/work/done", {"rescan": new_id()}), 404, "not_found")
status, work = web.call("POST", "/agents/self/work/done", {"rescan": rescan})
check("work: done", status == 200 and work["rescan"] is None, work)
check_equal("work: done twice", web.call("POST", "/agents/self/work/done", {"rescan": rescan})[0], 200)
card = viewer.call("GET", "/agents/" + web.id)[1]
check("agent: targets and rescan on its page", card["targets"]["revision"] == 1 and card["rescan"]["done"] is True, card)
admin.call("POST", "/agents/%s/targets" % web.id, {"text": ""})
check_equal("targets: a newer revision", web.call("GET", "/agents/self/work")[1]["targets"], {"revision": 2, "text": ""})

# ---- kill -9 -----------------------------------------------------------------------------

def kill_within(request, ms):
    """The server dies so long after it was asked to approve; the answer is read by nobody."""
    connection = http.client.HTTPSConnection("localhost", PORT, context=admin.context, timeout=10)
    connection.connect()
    connection.putrequest("POST", "/api/v1/requests/%s/approve" % request)
    for name, value in (("clm-request", "1"), ("Cookie", admin.cookie), ("Content-Length", "0")):
        connection.putheader(name, value)
    connection.endheaders()
    time.sleep(ms / 1000)
    server.send_signal(signal.SIGKILL)
    server.wait()
    connection.close()


lost, found = 0, {}
for i in range(1, 25):
    request = waiting[i][1]["id"]
    kill_within(request, i * 0.25)
    server = serve()
    admin.call("POST", "/session", {"user": "admin", "password": SECRET})
    state = admin.call("GET", "/requests/" + request)[1]["state"]
    found[state] = found.get(state, 0) + 1
    status, after = other.call("GET", "/requests/" + request)
    if status == 200 and after["state"] == "pending":  # it died before the approval: nobody was told otherwise
        status, after = admin.call("POST", "/requests/%s/approve" % request)
    lost += not (status == 200 and after["state"] == "issued" and "certificate" in after)
check_equal("kill -9 around an approval: nothing is lost", lost, 0)
print("# found after the restart: %r" % found)
_, shown, last_number = crl()
check("kill -9: the list's number still grows", last_number > next_number and serial.lstrip("0") in shown.replace(":", ""), last_number)
serials = [r["serial_number"] for r in viewer.call("POST", "/session", {"user": "vera", "password": SECRET}) and
           viewer.call("GET", "/certificates?limit=1000&q=req.example")[1]["items"]]
check("serials: each once", len(serials) == len(set(serials)) and len(serials) > 10, serials)

# ---- the audit trail, and stores made earlier ---------------------------------------------

stop(server)
done = run(SERVER, "check", "--data", DATA)
check("check: the store is sound", done.returncode == 0, done.stdout + done.stderr)
os.remove(issuing)
os.remove(PROFILES)
server = serve()
viewer.call("POST", "/session", {"user": "vera", "password": SECRET})
check("run: without profiles.conf the default counts", "client" in [p["name"] for p in viewer.call("GET", "/profiles")[1]["items"]])
check("run: an authority is made for a store without one, and announced", os.path.exists(issuing) and "event=authority_made" in log_text())
stop(server)

given, given_key = make_certificate("given.req.example", extra=("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"))
GIVEN_PORT = free_port()
done = run(SERVER, "init", "--name", "localhost", "--cert", given, "--key", given_key, "--listen", "127.0.0.1:%d" % GIVEN_PORT, "--data", path("given"))
check("init: with a certificate of yours the authority has a root of its own", done.returncode == 0
      and run("openssl", "verify", "-CAfile", path("given", "ca-root.pem"), path("given", "issuing.pem")).returncode == 0, done.stderr)
check_equal("init: its key is 0600", stat.S_IMODE(os.stat(path("given", "ca-root.key")).st_mode), 0o600)
finish()
