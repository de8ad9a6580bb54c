#!/usr/bin/env python3
"""Certificates and keys that we write, judged by openssl and by ers inspect."""
import json
import os
import re

from peer import BUILD, applet, check, check_equal, finish, path, run


def verify(folder, *options):
    done = run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", folder + "/root.pem", *options,
               folder + "/server.pem")
    return done.returncode == 0


for kind in ("ec", "rsa"):
    folder = path(kind)
    os.makedirs(folder)
    done = run(os.path.join(BUILD, "tests/peers/x509_write"), folder, kind)
    if not check_equal("%s: written" % kind, (done.returncode, done.stderr), (0, "")):
        continue
    check("%s: openssl accepts the chain, strictly" % kind, verify(folder))
    for host in ("clm.example.com", "x.alias.example.com"):
        check("%s: for %s" % (kind, host), verify(folder, "-verify_hostname", host))
    for ip in ("127.0.0.1", "::1"):
        check("%s: for %s" % (kind, ip), verify(folder, "-verify_ip", ip))
    check("%s: for no other name" % kind, not verify(folder, "-verify_hostname", "other.example.com"))
    for name in ("root", "server"):
        done = run("openssl", "pkey", "-in", "%s/%s.key" % (folder, name), "-check", "-noout")
        check("%s: openssl finds the %s key sound" % (kind, name), done.returncode == 0 and "is valid" in done.stdout + done.stderr,
              done.stdout + done.stderr)
        of_key = run("openssl", "pkey", "-in", "%s/%s.key" % (folder, name), "-pubout").stdout
        of_certificate = run("openssl", "x509", "-in", "%s/%s.pem" % (folder, name), "-pubkey", "-noout").stdout
        check_equal("%s: the %s key belongs to its certificate" % (kind, name), of_key, of_certificate)
    text = run("openssl", "x509", "-in", folder + "/root.pem", "-noout", "-text", "-nameopt", "RFC2253,-esc_msb,utf8").stdout
    check("%s: the root says what it should" % kind, all(x in text for x in (
        "CN=clm root,O=Größe\\, Inc.,C=DE", "Not After : Jan  1 00:00:00 2050 GMT", "CA:TRUE, pathlen:0",
        "Certificate Sign, CRL Sign")), text)
    serials = [int(run("openssl", "x509", "-in", "%s/%s.pem" % (folder, n), "-noout", "-serial").stdout.split("=")[1], 16)
               for n in ("root", "server")]
    check("%s: serial numbers are large and differ" % kind, serials[0] != serials[1] and all(2 ** 96 < s < 2 ** 128 for s in serials))
    done = run(applet("ers"), "inspect", "--json", folder + "/server.pem", folder + "/root.pem")
    ours = [json.loads(line) for line in done.stdout.splitlines()]
    check_equal("%s: ers inspect finds nothing odd" % kind, [x.get("deviations") for x in ours[:2]], [[], []])
    check_equal("%s: self-signed" % kind, [x.get("self_signed") for x in ours[:2]], [False, True])
    check("%s: the key ids lead from one to the other" % kind, ours[0]["authority_key_id"] == ours[1]["subject_key_id"] and
          re.fullmatch("[0-9a-f]{40}", ours[0]["subject_key_id"]))
finish()
