#!/usr/bin/env python3
"""The thread through the whole house: a server, agents, five endpoints, the
inventory by API, and the export of a copied store; all compared with openssl."""
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time

from agent import Person, init
from peer import *

SERVER, ERS, EXPORT = applet("clm-server"), applet("ers"), applet("clm-export")
DATA, PORT = path("server"), free_port()
URL = "https://localhost:%d" % PORT


def serve():
    process = start(SERVER, "run", "--data", DATA, stderr=open(path("server.log"), "a"))
    check("the server listens", wait_port(PORT), open(path("server.log")).read())
    return process


def enrol(name, *more):
    token = json.loads(run(SERVER, "token", "create", "--data", DATA, "--json", *more).stdout)["token"]
    done = run(ERS, "login", URL, "--config", path(name), "--name", name, "--token-file", "-", input=token + "\n")
    check_equal("%s enrols" % name, (done.returncode, done.stderr if done.returncode else ""), (0, ""))


def agent(name, *words, **options):
    return run(ERS, words[0], "--config", path(name), *words[1:], **options)


def dated_certificate(name, first, last, subject, key=("rsa:2048",), digest="sha256"):
    """Signed by itself, with these dates: openssl ca can, openssl req cannot."""
    config = path("ca.cnf")
    with open(config, "w") as f:
        f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\nrand_serial=yes\nunique_subject=no\npolicy=p\n"
                "copy_extensions=copy\n[p]\ncommonName=supplied\n" % (path("index"), WORK))
    open(path("index"), "w").close()
    made = run("openssl", "req", "-new", "-newkey", *key, "-nodes", "-keyout", path(name + ".key"), "-out", path(name + ".csr"),
               "-subj", subject, "-addext", "subjectAltName=DNS:%s.example.test" % name)
    signed = run("openssl", "ca", "-batch", "-notext", "-selfsign", "-config", config, "-keyfile", path(name + ".key"), "-md", digest,
                 "-startdate", first, "-enddate", last, "-in", path(name + ".csr"), "-out", path(name + ".pem"))
    if made.returncode or signed.returncode:
        raise RuntimeError(made.stderr + signed.stderr)
    return path(name + ".pem"), path(name + ".key")


def when(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))


def openssl_facts(certificate):
    """What openssl reads: serial as an integer, dates and subject as text."""
    text = run("openssl", "x509", "-in", certificate, "-noout", "-serial", "-dates", "-subject", "-nameopt", "RFC2253",
               "-dateopt", "iso_8601").stdout
    found = dict(line.split("=", 1) for line in text.strip().split("\n"))
    iso = [found[k].replace(" ", "T") for k in ("notBefore", "notAfter")]
    return int(found["serial"], 16), iso[0], iso[1], found["subject"]


def facts_of(row):
    return int(row["serial_number"], 16), row["not_before"], row["not_after"], row["subject"]


def s_server(certificate, key, port, address="127.0.0.1"):
    process = start("openssl", "s_server", "-quiet", "-accept", "%s:%d" % (address, port), "-cert", certificate, "-key", key,
                    "-cipher", "DEFAULT:@SECLEVEL=0")
    check("an endpoint listens on %d" % port, wait_port(port, address))
    return process


# ---- five endpoints, one agent ------------------------------------------------

init(SERVER, DATA, PORT)
server = serve()
enrol("one")
certificates = [
    dated_certificate("good", when(-30), when(60), "/CN=good.example.test"),
    dated_certificate("ending", when(-80), when(6.1), "/CN=ending.example.test"),
    dated_certificate("expired", when(-90), when(-2), "/CN=expired.example.test"),
    make_certificate("self-signed", days=200),
    dated_certificate("weak", when(-10), when(100), "/CN=weak.example.test", ("rsa:1024",), "sha1"),
]
ports = [free_port() for _ in certificates]
endpoints = [s_server(*pair, port) for pair, port in zip(certificates, ports)]
expected = {fingerprint(certificate): openssl_facts(certificate) for certificate, _ in certificates}

done = agent("one", "discover", "--servers", "127.0.0.1", "--ports", ",".join(map(str, ports)))
check_equal("discover", done.returncode, 0)
done = agent("one", "scan", "--all")
check_equal("scan: exit 0", done.returncode, 0)
check("scan: the table shows each endpoint", all("127.0.0.1:%d" % port in done.stdout for port in ports), done.stdout)
check("scan: and the expired one", re.search(r"EXPIRED +\S+ +-\d+d  expired\.example\.test", done.stdout), done.stdout)
done = agent("one", "scan")
check_equal("a scan without news is silent", (done.returncode, done.stdout, done.stderr), (0, "", ""))

person = Person(URL, os.path.join(DATA, "root.pem"))
link = json.loads(run(SERVER, "user", "link", "admin", "--data", DATA, "--json").stdout)["link"]
status, _ = person.call("POST", "/session/link", {"link": link.split("#")[1], "password": "correct horse battery staple"})
check_equal("the administrator logs in by the link", status, 200)
status, listed = person.call("GET", "/certificates")
check_equal("five certificates are listed", (status, listed["total"]), (200, 5))
check_equal("with openssl's serials, dates and names", {row["sha256"]: facts_of(row) for row in listed["items"]}, expected)
for sha256 in expected:
    status, detail = person.call("GET", "/certificates/" + sha256)
    check("%s is seen at one place, served" % detail["display_name"],
          len(detail["sightings"]) == 1 and detail["sightings"][0]["served"], detail["sightings"])

# ---- the same place seen by others is another place ---------------------------

enrol("two")
shared = free_port()
other = make_certificate("other")
for name, pair in (("one", certificates[0]), ("two", other)):
    process = s_server(*pair, shared)
    agent(name, "discover", "--servers", "127.0.0.1", "--ports", str(shared))
    check_equal("%s scans 127.0.0.1:%d" % (name, shared), agent(name, "scan").returncode, 0)
    stop(process)


def places(port):
    status, answer = person.call("GET", "/endpoints?limit=1000")
    return sorted((row["network"], row["agent"]["name"], row["certificate"]["sha256"])
                  for row in answer["items"] if row["port"] == port)


check_equal("two agents, two endpoints on 127.0.0.1:%d" % shared, [row[1:] for row in places(shared)],
            [("one", fingerprint(certificates[0][0])), ("two", fingerprint(other[0]))])

# An RFC 1918 address of two sites: each scan runs in a network namespace of its own.
private = {"dc1": certificates[1], "dc2": other}
for network, pair in private.items():
    enrol("in-" + network, "--network", network)
    agent("in-" + network, "discover", "--ips", "10.77.0.5", "--ports", "8443")
    script = ("ip link set lo up && ip addr add 10.77.0.5/32 dev lo && "
              "{ openssl s_server -quiet -accept 10.77.0.5:8443 -cert %s -key %s >/dev/null 2>&1 </dev/null & } && "
              "s=$! && sleep 0.7 && %s scan --config %s --no-push --all; e=$?; kill $s; exit $e"
              % (*pair, ERS, path("in-" + network)))
    done = run("unshare", "--net", *(() if os.getuid() == 0 else ("--user", "--map-root-user")), "sh", "-c", script)
    check("%s scans its 10.77.0.5" % network, done.returncode in (0, 3) and "10.77.0.5:8443" in done.stdout, done.stdout + done.stderr)
    check_equal("%s pushes" % network, agent("in-" + network, "push").returncode, 0)
check_equal("two networks, two endpoints on 10.77.0.5", places(8443),
            [("dc1", "in-dc1", fingerprint(certificates[1][0])), ("dc2", "in-dc2", fingerprint(other[0]))])

# ---- what is not delivered waits ----------------------------------------------

stop(server)
later = make_certificate("later")
process = s_server(*later, shared)
done = agent("one", "scan")
check_equal("no server: exit 3, spooled", done.returncode, 3)
server = serve()
check_equal("the spool goes with the next push", agent("one", "push").returncode, 0)
check_equal("and is there", person.call("GET", "/certificates/" + fingerprint(later[0]))[0], 401)
person.cookie = None
status, _ = person.call("POST", "/session", {"user": "admin", "password": "correct horse battery staple"})
check_equal("sessions end with the server, the password stays", status, 200)
check_equal("the certificate is there", person.call("GET", "/certificates/" + fingerprint(later[0]))[0], 200)

# ---- export: beside the running server, and of a copy ------------------------

everything = dict(expected)
for pair in (other, later):
    everything[fingerprint(pair[0])] = openssl_facts(pair[0])
beside = run(EXPORT, "--data", DATA, "--format", "csv")
shutil.copytree(os.path.join(DATA, "log"), path("copy", "log"))
check_equal("the server ends in order", stop(server), 0)
copied = run(EXPORT, "--data", path("copy"), "--format", "csv")
check_equal("csv: exit 0", (beside.returncode, copied.returncode), (0, 0))
check_equal("csv: the same bytes beside the server and from a copy", beside.stdout, copied.stdout)
table = list(csv.DictReader(io.StringIO(copied.stdout, newline="")))
check_equal("csv: all certificates as openssl reads them",
            {row["sha256"]: facts_of(row) for row in table}, everything)
pem = run(EXPORT, "--data", path("copy"), "--format", "pem").stdout
blocks = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", pem, re.S)
seen = set()
for i, block in enumerate(blocks):
    with open(path("block.pem"), "w") as f:
        f.write(block + "\n")
    seen.add(fingerprint(path("block.pem")))
check_equal("pem: all certificates equal to what was served", (len(blocks), seen), (len(everything), set(everything)))
finish()
