#!/usr/bin/env python3
"""The GUI in Chromium: a server of its own with certificates of all sorts, then tests/gui/gui_test.mjs."""
import json
import os
import sys
import time

import agent as peer_agent
from agent import Agent, Server, batch_id, certificate_line, observation_line, openssl
from browser import browse
from peer import BUILD, WORK, applet, check, finish, free_port, path, run, start, stop, wait_port

PORT = free_port()
DATA = path("server")
MANY = 140  # more than one page
HOSTILE = "pay\u202emoc.live\u0007<img src=x onerror=window.hacked=1>"


def make(name, days, subject=None):
    """A self-signed certificate, as PEM. Ended ones by a start in the past."""
    arguments = ["req", "-x509", "-utf8", "-key", path("key.pem"), "-subj", subject or "/CN=" + name, "-days", str(abs(days))]
    if not subject:
        arguments += ["-addext", "subjectAltName=DNS:%s,DNS:www.%s" % (name, name)]
    if days > 0:
        return openssl(*arguments).decode()
    openssl("req", "-new", "-key", path("key.pem"), "-subj", "/CN=" + name, "-out", path("old.csr"))
    open(path("index.txt"), "w").close()
    with open(path("ca.cnf"), "w") as f:
        f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\npolicy=p\ndefault_md=sha256\nrand_serial=yes\n[p]\n"
                "commonName=supplied\n" % (path("index.txt"), WORK))
    form = "%Y%m%d%H%M%SZ"
    openssl("ca", "-batch", "-config", path("ca.cnf"), "-selfsign", "-keyfile", path("key.pem"), "-in", path("old.csr"), "-notext",
            "-startdate", time.strftime(form, time.gmtime(time.time() - 90 * 86400)),
            "-enddate", time.strftime(form, time.gmtime(time.time() + days * 86400)), "-out", path("old.pem"))
    return open(path("old.pem")).read()


def push_all(agent, certificates):
    """certificates: (host, pem). One endpoint each, and one that refuses."""
    lines = [certificate_line(pem) for _, pem in certificates]
    prints = [line["sha256"] for line in lines]
    lines += [observation_line([sha256], host=host, ip="192.0.2.%d" % (i % 250 + 1)) for i, ((host, _), sha256) in
              enumerate(zip(certificates, prints))]
    lines.append(observation_line([], host="closed.gui.example", outcome="refused"))
    lines.append(observation_line([prints[0]], host=None, ip=None, port=None, kind="file", path="/etc/ssl/good\u202e.pem", protocol=None,
                                  sni=None, tls=None, target="/etc/ssl", detail="a private key that everybody may read (mode 0644)", file={
                                      "container": "pem", "owner": "root", "owner_id": 0, "group": None, "group_id": 110, "mode": "0644",
                                      "modified": "2026-01-01T00:00:00Z", "size": 1675, "private_keys": 1}))
    status, answer = agent.push(batch_id(), lines)
    if status != 200 or answer.get("rejected"):
        raise RuntimeError("push: %s %r" % (status, answer))
    return prints


def field(pem, *options):
    return openssl("x509", "-noout", *options, data=pem.encode()).decode().strip().split("=", 1)[1]


made = peer_agent.init(applet("clm-server"), DATA, PORT)
server = start(applet("clm-server"), "run", "--data", DATA, stderr=open(path("server.log"), "w"))
if not wait_port(PORT):
    raise RuntimeError(open(path("server.log")).read())
root = os.path.join(DATA, "root.pem")
url = "https://localhost:%d" % PORT
token = json.loads(run(applet("clm-server"), "token", "create", "--data", DATA, "--json").stdout)["token"]
scanner = Agent(url, root, "scan.gui.example")
status, answer = scanner.enrol(token)
if status != 201:
    raise RuntimeError("enrol: %s %r" % (status, answer))

openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path("key.pem"))
good = make("good.gui.example", 90)
hostile = make("", 30, "/CN=" + HOSTILE)
certificates = [("good.gui.example", good), ("hostile.gui.example", hostile), ("expired.gui.example", make("expired.gui.example", -3)),
                ("soon.gui.example", make("soon.gui.example", 6))]
certificates += [("host-%03d.gui.example" % i, make("host-%03d.gui.example" % i, 100 + i)) for i in range(MANY)]
prints = push_all(scanner, certificates)

def request(name, subject):
    """A request of the agent that waits for a decision."""
    with open(path("csr.cnf"), "w", encoding="utf-8") as f:
        f.write("[req]\ndistinguished_name=d\nprompt=no\nutf8=yes\nreq_extensions=x\n[d]\n%s\nCN=%s\n[x]\nsubjectAltName=DNS:%s,DNS:www.%s,IP:192.0.2.80\n"
                % (subject, name, name, name))
    csr = openssl("req", "-new", "-key", path("key.pem"), "-config", path("csr.cnf"), "-utf8").decode()
    status, answer = scanner.call("POST", "/requests", {"id": os.urandom(16).hex(), "csr": csr})
    if status != 201:
        raise RuntimeError("request: %s %r" % (status, answer))
    return answer["id"]


requests = {"approve": request("wanted.gui.example", "O=" + HOSTILE.replace("\u0007", "")), "refuse": request("unwanted.gui.example", "O=Example")}

pictures = os.path.join(BUILD, "gui")
os.makedirs(pictures, exist_ok=True)
status, said = browse("gui_test.mjs", root, {
    "url": url, "link": made["link"].split("#")[1], "password": "correct horse battery staple", "pictures": pictures,
    "good": {"sha256": prints[0], "name": "good.gui.example", "pem": good, "fields": {
        "Subject": "CN=good.gui.example", "Issuer": "CN=good.gui.example", "SHA-256": prints[0],
        "DNS names": "good.gui.example, www.good.gui.example", "Key": "EC P-256", "Self-signed": "yes",
        "Serial number": field(good, "-serial").lower()}},
    "total": len(prints), "hostile": {"sha256": prints[1]}, "requests": requests, "agent": answer["agent"],
})
sys.stdout.write(said)
if status != 0 and "not ok " not in said:
    check("tests/gui/gui_test.mjs runs to its end", False, "exit %d" % status)
check("the server ends with 0", stop(server) == 0, open(path("server.log")).read()[-1000:])
if status != 0:
    print(open(path("server.log")).read()[-2000:])
    sys.exit(1)
finish()
