#!/usr/bin/env python3
"""clm-server from outside: init, log-in, enrolment, signed pushes, lists, restart.
Requests are signed here by the openssl command (agent.py)."""
import base64
import json
import os
import signal
import socket
import stat
import time

import agent as peer_agent
from agent import Agent, Person, Server, batch_id, certificate_line, observation_line, openssl
from peer import applet, check, check_equal, finish, free_port, make_certificate, path, run, start, stop, wait_port

SERVER = applet("clm-server")
DATA = path("server")
PORT = free_port()
ROOT = os.path.join(DATA, "root.pem")


def serve(*more, notify=None, port=PORT):
    environment = dict(os.environ)
    if notify:
        environment["NOTIFY_SOCKET"] = notify
    process = start(SERVER, "run", "--data", DATA, *more, env=environment, stderr=open(path("server.log"), "a"))
    if not wait_port(port):
        raise RuntimeError("the server does not listen: " + open(path("server.log")).read())
    return process


def is_problem(name, answer, status, code):
    """An error of the right kind, told as RFC 9457 wants it."""
    got_status, headers, problem = answer
    kind = headers.get("Content-Type", "")
    check(name, got_status == status and kind == "application/problem+json" and problem.get("code") == code
          and problem.get("status") == status, "%s %s %r" % (got_status, kind, problem))


def refused(name, answer, status, code=None):
    got_status, problem = answer
    check(name, got_status == status and isinstance(problem, dict) and code in (None, problem.get("code")),
          "%s %r" % (got_status, problem))


# ---- init --------------------------------------------------------------------

done = run(SERVER, "init", "--name", "not a name", "--data", path("nowhere"))
check_equal("init: a bad name is usage", done.returncode, 2)
check("init: and is named", "not a name" in done.stderr, done.stderr)
check("init: nothing was made", not os.path.exists(path("nowhere")))
for word in ("8443", ":99999", "localhost:8443", "::1:8443", "[127.0.0.1]:8443", "[::1:8443", ":8443,x"):
    done = run(SERVER, "init", "--name", "localhost", "--listen", word, "--data", path("nowhere"))
    check("init: no address to listen on: " + word, done.returncode == 2 and not os.path.exists(path("nowhere")), done.stderr)
check_equal("init: the name is needed", run(SERVER, "init", "--data", path("nowhere")).returncode, 2)

made = peer_agent.init(SERVER, DATA, PORT)
for name in ("users", "tokens", "root.key", "server.pem"):
    mode = stat.S_IMODE(os.stat(os.path.join(DATA, name)).st_mode)
    check_equal("init: %s is 0600" % name, mode, 0o600)
check_equal("init: the folder is 0700", stat.S_IMODE(os.stat(DATA).st_mode), 0o700)
run(SERVER, "init", "--name", "localhost", "--data", path("a", "b", "server"))
check_equal("init: folders above the store are 0755",
            [stat.S_IMODE(os.stat(path(*parts)).st_mode) for parts in (("a",), ("a", "b"), ("a", "b", "server"))],
            [0o755, 0o755, 0o700])
verified = run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "localhost", "-CAfile", ROOT,
               os.path.join(DATA, "server.pem"))
check("init: openssl takes the chain", verified.returncode == 0, verified.stdout + verified.stderr)
text = openssl("x509", "-in", os.path.join(DATA, "server.pem"), "-noout", "-ext", "subjectAltName").decode()
check("init: names and addresses are in it", "DNS:localhost" in text and "IP Address:127.0.0.1" in text, text)
root_sha256 = openssl("x509", "-in", ROOT, "-noout", "-fingerprint", "-sha256").decode().split("=")[1].strip()
check_equal("init: the root's fingerprint is told", made["root_sha256"], root_sha256.replace(":", "").lower())

again = run(SERVER, "init", "--name", "localhost", "--data", DATA)
check("init: never overwrites", again.returncode == 1 and "clm-server run" in again.stderr, again.stderr)
os.rename(os.path.join(DATA, "server.conf"), path("server.conf"))
again = run(SERVER, "init", "--name", "localhost", "--data", DATA)
check("init: nor a store without its settings", again.returncode == 1 and "--data" in again.stderr, again.stderr)
none = run(SERVER, "run", "--data", DATA)
check("run: without settings says init", none.returncode == 1 and "init" in none.stderr, none.stderr)
os.rename(path("server.conf"), os.path.join(DATA, "server.conf"))

# ---- while no server runs ----------------------------------------------------

offline = run(SERVER, "token", "create", "--data", DATA, "--json")
check_equal("token create: works without a server", offline.returncode, 0)
offline_token = json.loads(offline.stdout)["token"] if offline.returncode == 0 else ""
check("token create: carries the pin", offline_token.endswith(".sha256-" + made["root_sha256"]), offline_token)
check_equal("token: an unknown verb is usage", run(SERVER, "token", "make", "--data", DATA).returncode, 2)
check_equal("token: so is a bad pattern", run(SERVER, "token", "create", "--names", "a b", "--data", DATA).returncode, 2)

# ---- run ---------------------------------------------------------------------

notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(path("notify"))
notify.settimeout(10)
server = serve(notify=path("notify"))
check_equal("run: tells systemd", notify.recv(100), b"READY=1")
second = run(SERVER, "run", "--data", DATA, "--listen", "127.0.0.1:0")
check_equal("run: a second one finds the lock", second.returncode, 11)
check("run: and says so", "lock" in second.stderr, second.stderr)
mode = stat.S_IMODE(os.stat(os.path.join(DATA, "control.sock")).st_mode)
check_equal("run: the control socket is 0600", mode, 0o600)

peer_agent.init(SERVER, path("other"), PORT)
taken = run(SERVER, "run", "--data", path("other"))
check("run: a taken port is named", taken.returncode == 1 and str(PORT) in taken.stderr, taken.stderr)

url = "https://localhost:%d" % PORT
visitor = Server(url, ROOT)
status, _, health = visitor.request("GET", "/api/v1/health")
check("health is public", status == 200 and health == {"status": "ok"}, health)
status, _, openapi = visitor.request("GET", "/api/v1/openapi.json")
check("openapi: has the routes", status == 200 and openapi["openapi"].startswith("3.1")
      and "/api/v1/observations" in openapi["paths"] and "get" in openapi["paths"]["/api/v1/certificates/{sha256}"],
      list(openapi)[:5])
for where, methods in openapi["paths"].items():
    inside = {word[1:-1] for word in where.split("/") if word.startswith("{")}
    for method, operation in methods.items():
        said = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        if inside != said:
            check("openapi: path parameters of %s %s" % (method, where), False, "%r, %r" % (inside, said))
is_problem("an unknown path is 404", visitor.request("GET", "/api/v1/nothing"), 404, "not_found")
status, headers, _ = visitor.request("POST", "/api/v1/health", b"{}")
check("a wrong method is 405", status == 405 and "GET" in headers.get("Allow", ""), status)
for target in ("/summary", "/certificates", "/endpoints", "/agents", "/tokens", "/users", "/session", "/certificates/" + "0" * 64):
    is_problem("without a session: GET " + target, visitor.request("GET", "/api/v1" + target), 401, "credentials")

# ---- people ------------------------------------------------------------------

SECRET = "correct horse battery staple"
link = made["link"].split("#")[1]
admin = Person(url, ROOT)
refused("link: a short password", admin.call("POST", "/session/link", {"link": link, "password": "short"}), 400, "usage")
refused("link: a wrong one", admin.call("POST", "/session/link", {"link": link[:-1] + ("A" if link[-1] != "A" else "B"),
                                                                   "password": SECRET}), 401, "credentials")
status, answer = admin.call("POST", "/session/link", {"link": link, "password": SECRET})
check("link: sets a password and logs in", status == 200 and answer == {"user": "admin", "role": "admin"}, answer)
refused("link: once only", admin.call("POST", "/session/link", {"link": link, "password": SECRET}), 401)
check_equal("session: who am I", admin.call("GET", "/session"), (200, {"user": "admin", "role": "admin"}))
status, headers, _ = admin.request("POST", "/api/v1/session", json.dumps({"user": "admin", "password": SECRET}),
                                   {"Content-Type": "application/json", "clm-request": "1"})
cookie = headers.get("Set-Cookie", "")
check("session: the cookie's attributes", status == 200 and cookie.startswith("__Host-clm=")
      and all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/")), cookie)
refused("csrf: without the header", admin.call("POST", "/tokens", {}, **{"clm-request": "0"}), 403, "permission")
refused("csrf: from elsewhere", admin.call("POST", "/tokens", {}, Origin="https://evil.example"), 403, "permission")
status, _ = admin.call("POST", "/tokens", {}, Origin=url)
check_equal("csrf: from here", status, 201)
status, problem = admin.call("POST", "/tokens", {"use": 1})
check("an unknown member is named", status == 400 and "use" in problem["detail"], problem)
status, problem = admin.call("POST", "/tokens", {"uses": "1"})
check("a member of another type is named", status == 400 and problem["field"] == "uses", problem)
is_problem("a body that is no JSON", admin.request("POST", "/api/v1/tokens", b"{", {"clm-request": "1", "Cookie": admin.cookie}),
           400, "format")
refused("a number out of bounds", admin.call("POST", "/tokens", {"valid_hours": 0}), 400, "usage")
refused("an unknown query parameter", admin.call("GET", "/certificates?foo=1"), 400, "usage")
refused("a bad cursor", admin.call("GET", "/certificates?cursor=zzz"), 400, "usage")
refused("a bad limit", admin.call("GET", "/certificates?limit=1001"), 400, "usage")

status, answer = admin.call("POST", "/users", {"name": "vera", "role": "viewer"})
check("users: a new one has a link", status == 201 and answer["link"].startswith(url + "/welcome#"), answer)
viewer = Person(url, ROOT)
status, answer = viewer.call("POST", "/session/link", {"link": answer["link"].split("#")[1], "password": SECRET})
check("users: the viewer logs in", status == 200 and answer["role"] == "viewer", answer)
check_equal("roles: a viewer reads", viewer.call("GET", "/certificates")[0], 200)
for method, target, value in (("GET", "/users", None), ("GET", "/tokens", None), ("POST", "/tokens", {}),
                              ("POST", "/users", {"name": "eve", "role": "admin"}), ("POST", "/users/admin/disable", {}),
                              ("POST", "/users/admin/password", {"password": SECRET})):
    refused("roles: a viewer may not %s %s" % (method, target), viewer.call(method, target, value), 403, "permission")
refused("users: the name is taken", admin.call("POST", "/users", {"name": "vera", "role": "viewer"}), 409, "exists")
refused("users: the last administrator stays", admin.call("POST", "/users/admin/disable", {}), 409, "conflict")

# ---- one's own password -------------------------------------------------------

NEW = "a newer password of pia"
pia, elsewhere = Person(url, ROOT), Person(url, ROOT)
_, answer = admin.call("POST", "/users", {"name": "pia", "role": "viewer"})
pia.call("POST", "/session/link", {"link": answer["link"].split("#")[1], "password": SECRET})
check_equal("password: logged in twice", elsewhere.call("POST", "/session", {"user": "pia", "password": SECRET})[0], 200)
refused("password: not without the one until now", pia.call("POST", "/users/pia/password", {"password": NEW}), 403, "permission")
refused("password: nor with a wrong one", pia.call("POST", "/users/pia/password", {"password": NEW, "current": NEW}), 403, "permission")
refused("password: too short", pia.call("POST", "/users/pia/password", {"password": "short", "current": SECRET}), 400, "usage")
stolen = pia.cookie
status, answer = pia.call("POST", "/users/pia/password", {"password": NEW, "current": SECRET})
check("password: changed, and this session goes on", status == 200 and pia.cookie != stolen and pia.call("GET", "/session")[0] == 200, answer)
check_equal("password: all other sessions have ended", elsewhere.call("GET", "/session")[0], 401)
check_equal("password: the old one is worth nothing", elsewhere.call("POST", "/session", {"user": "pia", "password": SECRET})[0], 401)
check_equal("password: the new one is", elsewhere.call("POST", "/session", {"user": "pia", "password": NEW})[0], 200)
tries = [pia.call("POST", "/users/pia/password", {"password": NEW, "current": "wrong wrong"})[0] for _ in range(6)]
check_equal("password: guessing it is slowed as at log-in", tries, [403] * 5 + [429])
refused("password: no way round by a link for oneself", admin.call("POST", "/users/admin/link", {}), 403, "permission")

guess = Person(url, ROOT)
results = [guess.call("POST", "/session", {"user": "vera", "password": "wrong wrong wrong"})[0] for _ in range(6)]
check_equal("log-in: guessing is slowed", results, [401] * 5 + [429])
other = Person("https://127.0.0.1:%d" % PORT, ROOT)
check_equal("log-in: others are not", other.call("POST", "/session", {"user": "admin", "password": SECRET})[0], 200)
check_equal("log-out", other.call("DELETE", "/session")[0], 204)
check_equal("log-out ends it", other.call("GET", "/session")[0], 401)

# ---- enrolment ---------------------------------------------------------------

web1 = Agent(url, ROOT, "web1.example.com")
status, answer = web1.enrol(offline_token)
check("enrol: with the token made offline", status == 201 and answer["name"] == "web1.example.com"
      and answer["network"] == "default" and len(answer["agent"]) == 32, answer)
web1_id = answer.get("agent")
status, answer = web1.enrol(offline_token)
check("enrol: the lost answer is told again", status == 201 and answer["agent"] == web1_id, answer)
web2 = Agent(url, ROOT, "web2.example.com")
nonces = os.path.getsize(os.path.join(DATA, "nonces"))
refused("enrol: the token is spent", web2.enrol(offline_token), 401, "credentials")
check_equal("enrol: strangers leave no nonce behind", os.path.getsize(os.path.join(DATA, "nonces")), nonces)

status, token = admin.call("POST", "/tokens", {"uses": 3, "valid_hours": 1, "names": "*.example.com", "network": "dc1"})
check("tokens: made", status == 201 and token["token"].startswith("clm1.") and token["uses"] == 3, token)
check("tokens: the command has it not in argv", "printf" in token["commands"]["linux"]
      and "--token-file -" in token["commands"]["linux"] and url in token["commands"]["powershell"], token["commands"])
refused("enrol: a name outside the pattern", Agent(url, ROOT, "web9.test").enrol(token["token"]), 403, "permission")
refused("enrol: another network", web2.enrol(token["token"], network="dc2"), 403, "permission")
refused("enrol: a name in use", web2.enrol(token["token"], name="web1.example.com"), 409, "exists")
thief = Agent(url, ROOT, "web2.example.com", key=path("thief.key"))
body = json.dumps({"token": token["token"], "name": web2.name, "system": "", "version": "",
                   "public_key": base64.b64encode(web2.spki).decode()}).encode()
answer = thief.request("POST", "/api/v1/agents", body, thief.signed("POST", "/api/v1/agents", body))
is_problem("enrol: signed with another key than it brings", answer, 401, "credentials")
answer = visitor.request("POST", "/api/v1/agents", body)
is_problem("enrol: not signed", answer, 401, "credentials")
status, answer = web2.enrol(token["token"])
check("enrol: the token's network counts", status == 201 and answer["network"] == "dc1", answer)
web3 = Agent(url, ROOT, "web3.example.com")
status, answer = web3.enrol(token["token"])
check_equal("enrol: one token for several", status, 201)
status, listed = admin.call("GET", "/tokens")
left = [t["uses"] for t in listed["items"] if t["id"] == token["id"]]
check_equal("tokens: one use is left", left, [1])
check_equal("tokens: revoked", admin.call("DELETE", "/tokens/" + token["id"])[0], 204)
refused("tokens: and gone", admin.call("DELETE", "/tokens/" + token["id"]), 404, "not_found")
refused("enrol: a revoked token", Agent(url, ROOT, "web4.example.com").enrol(token["token"]), 401, "credentials")
status, answer = web1.call("GET", "/agents/self")
check("self: who am I", status == 200 and answer["agent"] == web1_id and answer["state"] == "active"
      and answer["last_push"] is None, answer)

# ---- pushes ------------------------------------------------------------------

PEM = {}
for name, more in (("web.example.com", ("-addext", "subjectAltName=DNS:web.example.com,DNS:www.example.com,IP:192.0.2.7")),
                   ("old.example.com", ()), ("short.example.com", ())):
    certificate, _ = make_certificate(name, extra=more, days=5 if name.startswith("short") else 90,
                                      key=("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
    PEM[name] = open(certificate).read()
lines = [certificate_line(PEM[name]) for name in PEM]
sha256 = {name: line["sha256"] for name, line in zip(PEM, lines)}

status, answer = web1.call("POST", "/certificates/missing", {"sha256": list(sha256.values())})
check_equal("missing: all of them", (status, sorted(answer.get("missing", []))), (200, sorted(sha256.values())))
refused("missing: no fingerprint", web1.call("POST", "/certificates/missing", {"sha256": ["00"]}), 400, "usage")

first = batch_id()
target, body, headers = web1.prepare(first, lines[:2] + [observation_line([sha256["web.example.com"]]),
                                                        observation_line([], host="down.example.com", outcome="refused")])


def stored():
    return admin.call("GET", "/summary")[1]["certificates"]


unsigned = {k: v for k, v in headers.items() if not k.startswith("Signature")}
is_problem("push: unsigned", visitor.request("POST", target, body, unsigned), 401, "credentials")
is_problem("push: altered body", visitor.request("POST", target, body + b"\n", headers), 401, "credentials")
altered = dict(headers, **{"Content-Digest": web1.signed("POST", target, body + b"\n")["Content-Digest"]})
is_problem("push: altered body and digest", visitor.request("POST", target, body + b"\n", altered), 401, "credentials")
is_problem("push: altered query", visitor.request("POST", target[:-1] + "f" if target[-1] != "f" else target[:-1] + "e", body,
                                                  headers), 401, "credentials")
is_problem("push: without its digest", visitor.request("POST", target, body, {k: v for k, v in headers.items()
                                                                              if k != "Content-Digest"}), 401, "credentials")
_, _, loose = web1.prepare(first, lines, covered=["@method", "@path", "content-digest", "content-encoding"])
is_problem("push: the query not covered", visitor.request("POST", target, body, loose), 401, "credentials")
stranger = Agent(url, ROOT, "stranger.example.com")
refused("push: a key that nobody enrolled", stranger.push(first, lines), 401, "credentials")
wrong = web1.prepare(first, lines, created=int(time.time()) - 301)
status, headers_of_wrong, problem = visitor.request("POST", *wrong)
check("push: a wrong clock is told apart", status == 401 and problem["code"] == "clock" and "server_time" in problem, problem)
check_equal("push: nothing of all that is stored", stored(), 0)

status, _, answer = visitor.request("POST", target, body, headers)
check("push: taken", status == 200 and answer["certificates"] == 2 and answer["observations"] == 2
      and answer["repeated"] is False and answer["rejected"] == [] and answer["batch"] == first, answer)
is_problem("push: the same bytes again are a replay", visitor.request("POST", target, body, headers), 401, "credentials")
status, answer = web1.push(first, lines[:2])
check("push: the batch signed anew is repeated", status == 200 and answer["repeated"] is True, answer)
check_equal("push: stored once", stored(), 2)
status, answer = web1.call("POST", "/certificates/missing", {"sha256": list(sha256.values())})
check_equal("missing: only the third", answer.get("missing"), [sha256["short.example.com"]])

bad = dict(lines[2], sha256="0" * 64)
status, answer = web1.push(batch_id(), ["nonsense", bad, observation_line(["1" * 64], host="x.example.com"),
                                        {"type": "of the future"}, lines[2],
                                        observation_line([sha256["short.example.com"]], host="short.example.com")], packed=False)
check("push: bad lines are rejected singly", status == 200 and answer["certificates"] == 1 and answer["observations"] == 1
      and sorted(r["line"] for r in answer["rejected"]) == [1, 2, 3], answer)
refused("push: a batch without a name", web1.push("00", lines), 400, "usage")
target, body, headers = web1.prepare(batch_id(), lines)
target_headers = web1.signed("POST", target, b"no gzip", {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"})
is_problem("push: broken gzip", visitor.request("POST", target, b"no gzip", target_headers), 400, "format")

# ---- lists -------------------------------------------------------------------

status, page = viewer.call("GET", "/certificates?sort=not_after&limit=2")
names = [row["display_name"] for row in page["items"]]
check("certificates: soonest first, two of three", names[0] == "short.example.com" and page["total"] == 3 and page["next"],
      page)
status, rest = viewer.call("GET", "/certificates?sort=not_after&limit=2&cursor=" + page["next"])
check_equal("certificates: the third by cursor", sorted(names + [row["display_name"] for row in rest["items"]]), sorted(PEM))
check_equal("certificates: and no more", rest["next"], None)
row = page["items"][0]
check("certificates: the row", row["state"] == "expiring" and row["days_left"] in (4, 5) and row["places"] == 1
      and row["key"] == {"algorithm": "EC", "bits": 256, "curve": "P-256"} and row["self_signed"] is True
      and row["sha256"] == sha256["short.example.com"], row)
check_equal("certificates: by text", [r["display_name"] for r in viewer.call("GET", "/certificates?q=OLD.")[1]["items"]],
            ["old.example.com"])
served = viewer.call("GET", "/certificates?served=true")[1]
check_equal("certificates: served only", sorted(r["display_name"] for r in served["items"]),
            ["short.example.com", "web.example.com"])
status, detail = viewer.call("GET", "/certificates/" + sha256["web.example.com"])
serial = openssl("x509", "-noout", "-serial", data=PEM["web.example.com"].encode()).decode().strip().split("=")[1]
check("certificate: all of it", status == 200 and int(detail["serial_number"], 16) == int(serial, 16)
      and detail["subject_alt_names"]["dns"] == ["web.example.com", "www.example.com"]
      and detail["sightings"][0]["endpoint"]["host"] == "web.example.com" and detail["sightings"][0]["address"] == "192.0.2.7"
      and detail["sightings"][0]["agent"] == {"id": web1_id, "name": "web1.example.com"}
      and [c["sha256"] for c in detail["chain"]] == [sha256["web.example.com"]], detail)
status, headers, pem = viewer.request("GET", "/api/v1/certificates/%s/pem" % sha256["web.example.com"], None,
                                      {"Cookie": viewer.cookie})
check("certificate: PEM", status == 200 and pem.decode() == PEM["web.example.com"]
      and "attachment" in headers["Content-Disposition"], pem)
refused("certificate: none such", viewer.call("GET", "/certificates/" + "0" * 64), 404, "not_found")
refused("certificate: no fingerprint", viewer.call("GET", "/certificates/xyz"), 404, "not_found")
status, page = viewer.call("GET", "/endpoints")
outcomes = {row["host"]: row["outcome"] for row in page["items"]}
check_equal("endpoints: and their outcomes", outcomes, {"web.example.com": "ok", "down.example.com": "refused",
                                                        "short.example.com": "ok"})
endpoint = [row for row in page["items"] if row["host"] == "web.example.com"][0]
check("endpoints: the row", endpoint["certificate"]["sha256"] == sha256["web.example.com"]
      and endpoint["tls"]["version"] == "TLSv1.3" and endpoint["port"] == 443 and endpoint["network"] == "default", endpoint)
status, detail = viewer.call("GET", "/endpoints/" + endpoint["id"])
check("endpoint: faces and history", status == 200 and detail["faces"][0]["chain"] == [sha256["web.example.com"]]
      and detail["history"][0]["certificate"]["display_name"] == "web.example.com", detail)
status, page = viewer.call("GET", "/agents?sort=name")
check_equal("agents: by name", [row["name"] for row in page["items"]],
            ["web1.example.com", "web2.example.com", "web3.example.com"])
check("agents: the row", page["items"][0]["last_scan"]["endpoints"] == 3 and page["items"][1]["last_scan"] is None
      and page["items"][0]["system"] == "test", page["items"][:2])
status, summary = viewer.call("GET", "/summary")
check("summary", summary["certificates"] == 3 and summary["served"] == 2 and summary["expiring_30d"] == 1
      and summary["endpoints"] == 3 and summary["agents"] == 3 and summary["server"]["root_sha256"] == made["root_sha256"], summary)

# ---- places of their own -----------------------------------------------------

for someone, name in ((web1, "web.example.com"), (web2, "old.example.com")):
    for ip in ("127.0.0.1", "10.0.0.5"):
        someone.push(batch_id(), [observation_line([sha256[name]], host=None, ip=ip, port=8443, target=ip, sni=None)])
status, page = viewer.call("GET", "/endpoints?q=127.0.0.1")
check_equal("loopback belongs to each agent", sorted(row["certificate"]["display_name"] for row in page["items"]),
            ["old.example.com", "web.example.com"])
status, page = viewer.call("GET", "/endpoints?q=10.0.0.5")
check_equal("an address belongs to its network", sorted((row["network"], row["certificate"]["display_name"])
                                                        for row in page["items"]),
            [("dc1", "old.example.com"), ("default", "web.example.com")])

# ---- agents' states ----------------------------------------------------------



def begin_slowly(agent):
    """Sends a signed request but for the last byte of its body; the function returned sends that."""
    body = json.dumps({"sha256": []}).encode()
    target = "/api/v1/certificates/missing"
    headers = agent.signed("POST", target, body, {"Content-Type": "application/json", "Host": agent.host,
                                                  "Content-Length": str(len(body)), "Connection": "close"})
    head = "POST %s HTTP/1.1\r\n%s\r\n" % (target, "".join("%s: %s\r\n" % pair for pair in headers.items()))
    connection = agent.context.wrap_socket(socket.create_connection((agent.host, int(agent.port)), 10),
                                           server_hostname=agent.host)
    connection.sendall(head.encode() + body[:-1])

    def end():
        connection.sendall(body[-1:])
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        connection.close()
        return int(answer.split()[1])
    return end


slow = begin_slowly(web1)
check_equal("a slow body: taken", slow(), 200)
slow = begin_slowly(web1)
time.sleep(0.3)
refused("agents: a viewer may not disable", viewer.call("POST", "/agents/%s/disable" % web1_id, {}), 403, "permission")
check_equal("agents: disabled", admin.call("POST", "/agents/%s/disable" % web1_id, {})[1]["state"], "disabled")
refused("agents: and refused", web1.call("GET", "/agents/self"), 403, "permission")
check_equal("agents: and what was on its way", slow(), 403)
check_equal("agents: enabled", admin.call("POST", "/agents/%s/enable" % web1_id, {})[1]["state"], "active")
check_equal("agents: and taken again", web1.call("GET", "/agents/self")[0], 200)
check_equal("agents: renamed", admin.call("POST", "/agents/%s/rename" % web1_id, {"name": "web0"})[1]["name"], "web0")
status, token = admin.call("POST", "/tokens", {"for": "web0"})
new_web0 = Agent(url, ROOT, "web0")
status, answer = new_web0.enrol(token["token"])
check("agents: re-enrolled, the same agent", status == 201 and answer["agent"] == web1_id, answer)
refused("agents: the old key is no longer known", web1.call("GET", "/agents/self"), 401, "credentials")
check_equal("agents: the new one is", new_web0.call("GET", "/agents/self")[0], 200)
refused("tokens: for nobody", admin.call("POST", "/tokens", {"for": "nobody"}), 400, "usage")
web1 = new_web0

# ---- through the running server ----------------------------------------------

listed = run(SERVER, "user", "list", "--data", DATA)
check("user list", listed.returncode == 0 and "admin" in listed.stdout and "vera" in listed.stdout, listed.stderr)
added = run(SERVER, "user", "add", "alex", "--role", "admin", "--data", DATA)
check("user add: prints the link", added.returncode == 0 and url + "/welcome#" in added.stdout, added.stdout + added.stderr)
changed = run(SERVER, "user", "passwd", "alex", "--data", DATA, input="another good password\n")
check("user passwd: from a pipe", changed.returncode == 0, changed.stdout + changed.stderr)
alex = Person(url, ROOT)
check_equal("user passwd: it counts at once", alex.call("POST", "/session", {"user": "alex",
                                                                            "password": "another good password"})[0], 200)
check_equal("user disable", run(SERVER, "user", "disable", "alex", "--data", DATA).returncode, 0)
check_equal("user disable: ends the session", alex.call("GET", "/session")[0], 401)
created = run(SERVER, "token", "create", "--uses", "500", "--end", "7d", "--names", "*.dc1.example.com", "--network", "dc1",
              "--data", DATA)
check("token create", created.returncode == 0 and "clm1." in created.stdout and "ers login " + url in created.stdout,
      created.stdout + created.stderr)
token_id = [line.split()[1] for line in created.stdout.splitlines() if line.startswith("id")]
check("token list", token_id and token_id[0] in run(SERVER, "token", "list", "--data", DATA).stdout)
check_equal("token revoke", run(SERVER, "token", "revoke", token_id[0], "--data", DATA).returncode, 0)
gone = run(SERVER, "token", "revoke", token_id[0], "--data", DATA)
check("token revoke: none such", gone.returncode == 1 and "none of that id" in gone.stderr, gone.stderr)

# ---- restart -----------------------------------------------------------------

batch = batch_id()
replay = web1.prepare(batch, [lines[0]])
check_equal("before the restart", visitor.request("POST", *replay)[0], 200)
check_equal("run: SIGTERM ends it well", stop(server, signal.SIGTERM), 0)
server = serve()
is_problem("after a restart: a replay is still one", visitor.request("POST", *replay), 401, "credentials")
status, answer = web1.push(batch, [lines[0]])
check("after a restart: the batch is known", status == 200 and answer["repeated"] is True, answer)
check_equal("after a restart: sessions have ended", admin.call("GET", "/session")[0], 401)
check_equal("after a restart: log in again", admin.call("POST", "/session", {"user": "admin", "password": SECRET})[0], 200)
check_equal("after a restart: all is there", stored(), 3)
check_equal("after a restart: agents too", len(admin.call("GET", "/agents")[1]["items"]), 3)
sound = run(SERVER, "check", "--data", DATA)
check("check: beside the server", sound.returncode == 0 and "sound" in sound.stdout, sound.stdout + sound.stderr)
check_equal("run: SIGINT too", stop(server, signal.SIGINT), 0)

# ---- renewal and a certificate of one's own ----------------------------------

before = openssl("x509", "-in", os.path.join(DATA, "server.pem"), "-noout", "-serial")
conf = open(os.path.join(DATA, "server.conf")).read()
open(os.path.join(DATA, "server.conf"), "w").write(conf.replace("localhost,127.0.0.1", "localhost,127.0.0.1,clm.example.com"))
server = serve()
renewed = openssl("x509", "-in", os.path.join(DATA, "server.pem"), "-noout", "-ext", "subjectAltName").decode()
check("renewal: a name that was added", "DNS:clm.example.com" in renewed, renewed)
check_equal("renewal: agents trust it as before", web1.call("GET", "/agents/self")[0], 200)
stop(server)
open(os.path.join(DATA, "server.conf"), "a").write("colour = blue\n")
wrong = run(SERVER, "run", "--data", DATA)
check("server.conf: a bad key is named with its line", wrong.returncode == 1 and "colour" in wrong.stderr
      and "line" in wrong.stderr, wrong.stderr)

certificate, key = make_certificate("own.example.com")
_, other_key = make_certificate("other.example.com")
pair = run(SERVER, "init", "--name", "localhost", "--data", path("own"), "--cert", certificate, "--key", other_key)
check("init: a key that does not fit", pair.returncode == 1 and "key" in pair.stderr and not os.path.exists(path("own")),
      pair.stderr)
pair = run(SERVER, "init", "--name", "localhost", "--data", path("own"), "--cert", certificate, "--key", key)
check("init: a certificate of yours", pair.returncode == 0 and not os.path.exists(path("own", "root.key")), pair.stderr)
finish()
