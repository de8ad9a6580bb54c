#!/usr/bin/env python3
"""What `make run ONCE=1` does, twice: the five endpoints as openssl reads their
certificates, the store reused, taken ports left alone."""
import csv
import glob
import io
import os
import socket

from peer import *

HOME = path("try")
ENVIRONMENT = dict(os.environ, CLM_TRY_HOME=HOME)


def try_once():
    return run("bash", "dist/try.sh", BUILD, "ONCE", env=ENVIRONMENT, timeout=120)


def exported(rows):
    done = run(applet("clm-export"), "--data", os.path.join(HOME, "server"), "--rows", rows)
    return list(csv.DictReader(io.StringIO(done.stdout, newline="")))


def openssl_facts(certificate):
    text = run("openssl", "x509", "-in", certificate, "-noout", "-serial", "-dates", "-dateopt", "iso_8601", "-subject",
               "-nameopt", "RFC2253").stdout
    found = dict(line.split("=", 1) for line in text.strip().split("\n"))
    return (int(found["serial"], 16), found["notBefore"].replace(" ", "T"), found["notAfter"].replace(" ", "T"), found["subject"])


first = try_once()
check_equal("the first run: exit 0", (first.returncode, first.stderr if first.returncode else ""), (0, ""))
for words in ("EXPIRED", "EXPIRING", "5 endpoints: 5 ok", "/welcome#", "https://localhost:"):
    check("it shows %s" % words, words in first.stdout, first.stdout)
served = [f for f in glob.glob(os.path.join(HOME, "endpoints", "*.pem")) if os.path.basename(f)[:-4] in
          ("good", "ending", "expired", "self-signed", "weak", "issuer")]
expected = {fingerprint(f): openssl_facts(f) for f in served}
rows = exported("certificates")
check_equal("six certificates (five leaves and their issuer) as openssl reads them",
            {row["sha256"]: (int(row["serial_number"], 16), row["not_before"], row["not_after"], row["subject"]) for row in rows},
            expected)
check_equal("five endpoints", len(exported("endpoints")), 5)

port = first.stdout.split("https://localhost:")[1].split()[0].split("/")[0]
taken = socket.create_server(("127.0.0.1", int(port)))
second = try_once()
taken.close()
check_equal("the second run: exit 0", (second.returncode, second.stderr if second.returncode else ""), (0, ""))
check("a taken port: it says so and moves on", "port %s is taken" % port in second.stderr, second.stderr)
check_equal("the store is reused: the same certificates", {row["sha256"] for row in exported("certificates")}, set(expected))
check("and the same agent", {row["agent"] for row in exported("endpoints")} == {"local"}, exported("endpoints"))
finish()
