#!/usr/bin/env python3
"""lib/tls against real servers: openssl s_server, gnutls-serv, nginx, and
listeners that speak no TLS. What counts is the leaf's SHA-256 as openssl
computes it from the file that the server was given."""
import base64
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from peer import (BUILD, applet, check, check_equal, fingerprint, finish, free_port, make_certificate, path, run, start, stop,
                  wait_port)

PROBE = os.path.join(BUILD, "tests/peers/tls_probe")

KEYS = {
    "rsa": ("-newkey", "rsa:2048"),
    "p256": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "p384": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "pss": ("-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"),
    "ed25519": ("-newkey", "ed25519"),
    "ed448": ("-newkey", "ed448"),
}
CERTIFICATES = {name: make_certificate(name, key) for name, key in KEYS.items()}
FINGERPRINTS = {name: fingerprint(files[0]) for name, files in CERTIFICATES.items()}


def scanned_facts(port):
    """The TLS facts of the one observation of `ers scan --json`."""
    done = run(applet("ers"), "scan", "--json", "--config", path("nobody"), "127.0.0.1:%d" % port)
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    found = [row for row in seen if row["type"] == "observation"]
    return found[0]["tls"] or {} if len(found) == 1 else {}


def scanned_leaf(port, address):
    """The first fingerprint of the chain that `ers scan --json` reports."""
    done = run(applet("ers"), "scan", "--json", "--config", path("nobody"), "%s:%d" % (address, port))
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    chains = [row["chain"] for row in seen if row["type"] == "observation"]
    return chains[0][0] if len(chains) == 1 and chains[0] else done.stdout + done.stderr


def probe(port, *options, address="127.0.0.1"):
    """What tls_probe found, by key; the certificates under "certs". Where nothing
    special is asked for, what the agent finds there is under "scanned"."""
    done = run(PROBE, *options, address, port, timeout=30)
    found = {"certs": [], "error": done.stderr}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        if key == "cert":
            found["certs"].append(value)
        else:
            found[key] = value
    if not options and found.get("outcome") == "ok":
        found["scanned"] = scanned_leaf(port, address)
    return found


def expect(name, found, certificate, **facts):
    """The chain's first certificate, outcome ok, stage done, and these facts."""
    wanted = dict({"outcome": "ok", "stage": "done"}, **facts)
    wrong = {k: (found.get(k), v) for k, v in wanted.items() if found.get(k) != v}
    if found["certs"][:1] != [FINGERPRINTS.get(certificate, certificate)]:
        wrong["leaf"] = found["certs"]
    if "scanned" in found:
        check_equal(name + ": ers scan --json", found["scanned"], FINGERPRINTS.get(certificate, certificate))
    return check(name, not wrong, "got, wanted: %r; found %r" % (wrong, found))


class Openssl:
    """openssl s_server with a certificate, for a with block."""

    def __init__(self, certificate, *options):
        files = CERTIFICATES.get(certificate, certificate)
        self.port = free_port()
        self.log = path("s_server.log")
        self.process = start("openssl", "s_server", "-accept", "127.0.0.1:%d" % self.port, "-cert", files[0], "-key",
                             files[1], "-quiet", *options, stderr=open(self.log, "w"), stdout=subprocess.DEVNULL)

    def __enter__(self):
        if not wait_port(self.port):
            raise RuntimeError(open(self.log).read())
        return self

    def __exit__(self, *_):
        stop(self.process)


def versions_and_keys():
    old = ("-cipher", "ALL:@SECLEVEL=0")
    rows = [("TLSv1.0", "-tls1", old, ("rsa", "p256")), ("TLSv1.1", "-tls1_1", old, ("rsa", "p256")),
            ("TLSv1.2", "-tls1_2", (), ("rsa", "p256", "p384", "pss")),
            ("TLSv1.3", "-tls1_3", (), ("rsa", "p256", "p384", "pss", "ed25519", "ed448"))]
    for version, option, more, names in rows:
        for name in names:
            with Openssl(name, option, *more) as server:
                expect("%s with %s" % (version, name), probe(server.port), name, version=version, request="0")
                expect("%s with %s, byte by byte" % (version, name), probe(server.port, "-c", 1), name, version=version)


def shapes():
    with Openssl("rsa", "-cipher", "ALL:@SECLEVEL=0") as server:
        expect("plain shape", probe(server.port, "-s", "plain"), "rsa", version="TLSv1.2")
        expect("old shape", probe(server.port, "-s", "old"), "rsa", version="TLSv1.0")
        expect("at most 1.1", probe(server.port, "-V", "1.1"), "rsa", version="TLSv1.1")
        found = probe(server.port, "-n", "a-name-of-usual-length.example.com")
        check("full hello is short", int(found["hello_size"]) < 512, found["hello_size"])


def groups():
    for group, name in (("P-256", "secp256r1"), ("P-384", "secp384r1"), ("P-521", "secp521r1"), ("X25519", "x25519")):
        with Openssl("rsa", "-groups", group) as server:
            retried = "0" if group == "X25519" else "1"
            expect("group %s in 1.3" % group, probe(server.port), "rsa", version="TLSv1.3", group=name, retried=retried)
            expect("group %s in 1.3, byte by byte" % group, probe(server.port, "-c", 1), "rsa", group=name)
            expect("group %s in 1.2" % group, probe(server.port, "-V", "1.2"), "rsa", version="TLSv1.2", group=name)


def suites():
    for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        keylog = path("keylog-" + suite)
        for group in ("X25519", "P-256"):
            with Openssl("p256", "-tls1_3", "-ciphersuites", suite, "-groups", group, "-keylogfile", keylog) as server:
                check_equal("%s over %s: ers scan --json" % (suite, group), scanned_leaf(server.port, "127.0.0.1"),
                            FINGERPRINTS["p256"])
                found = probe(server.port, "-k")
                expect("%s over %s" % (suite, group), found, "p256", suite=suite)
                time.sleep(0.05)
            logged = {line.split()[0]: line.split()[2] for line in open(keylog) if line.strip() and line[0] != "#"}
            check_equal("%s over %s: secrets as the server logged them" % (suite, group),
                        (found.get("client_secret"), found.get("server_secret")),
                        (logged.get("CLIENT_HANDSHAKE_TRAFFIC_SECRET"), logged.get("SERVER_HANDSHAKE_TRAFFIC_SECRET")))
            os.unlink(keylog)
    rows = [("AES128-SHA", "rsa", "TLS_RSA_WITH_AES_128_CBC_SHA", {"group": "-"}),
            ("AES256-GCM-SHA384", "rsa", "TLS_RSA_WITH_AES_256_GCM_SHA384", {"group": "-"}),
            ("DHE-RSA-AES128-SHA", "rsa", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", {"dh_bits": "2048"}),
            ("DHE-RSA-AES256-GCM-SHA384", "rsa", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", {"dh_bits": "2048"}),
            ("ECDHE-RSA-AES256-SHA384", "rsa", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", {"group": "x25519"}),
            ("ECDHE-RSA-CHACHA20-POLY1305", "rsa", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", {}),
            ("ECDHE-ECDSA-AES128-CCM8", "p256", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", {}),
            ("ECDHE-ECDSA-AES128-GCM-SHA256", "p384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", {})]
    for cipher, certificate, name, facts in rows:
        with Openssl(certificate, "-tls1_2", "-cipher", cipher + ":@SECLEVEL=0") as server:
            expect("1.2 with %s" % cipher, probe(server.port), certificate, suite=name, **facts)


def faces():
    second = CERTIFICATES["p256"]
    for option in ("-tls1_2", "-tls1_3"):
        with Openssl("rsa", option, "-dcert", second[0], "-dkey", second[1]) as server:
            expect("%s, RSA asked" % option, probe(server.port, "-a", "rsa"), "rsa")
            expect("%s, ECDSA asked" % option, probe(server.port, "-a", "ecdsa"), "p256")
    with Openssl("rsa", "-tls1_3") as server:
        found = probe(server.port, "-a", "ml-dsa")
        check_equal("ML-DSA asked, none there", (found["outcome"], found["alert"]), ("tls_alert", "40"))


def names_and_protocols():
    second = CERTIFICATES["p256"]
    with Openssl("rsa", "-servername", "two.example", "-cert2", second[0], "-key2", second[1], "-alpn",
                 "h2,http/1.1") as server:
        expect("no name", probe(server.port), "rsa", alpn="")
        for version in ("1.2", "1.3"):
            expect("the second name, " + version, probe(server.port, "-n", "two.example", "-V", version), "p256")
            expect("another name and ALPN, " + version,
                   probe(server.port, "-n", "one.example", "-p", "h2", "-V", version), "rsa", alpn="h2")


def client_certificates():
    for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        with Openssl("rsa", option, "-Verify", 2, "-CAfile", CERTIFICATES["p256"][0]) as server:
            expect("client certificate demanded, " + version, probe(server.port), "rsa", version=version, request="1",
                   ca_names="1")
            facts = scanned_facts(server.port)
            check_equal("... and whose, " + version, (facts.get("client_certificate"), facts.get("client_ca_names")),
                        (True, ["CN=p256"]))


def long_chains():
    """A certificate of 60 KB, so that its message spans records."""
    names = ",".join("DNS:%s-%04d.example" % ("n" * 40, i) for i in range(1000))
    big = make_certificate("big", KEYS["p256"], extra=("-addext", "subjectAltName=" + names))
    for option in ("-tls1_2", "-tls1_3"):
        with Openssl(big, option, "-cert_chain", CERTIFICATES["rsa"][0]) as server:
            found = probe(server.port)
            expect("a chain of 60 KB, %s" % option, found, fingerprint(big[0]), chain_sent="2")
            check_equal("its issuer, %s" % option, found["certs"][1:], [FINGERPRINTS["rsa"]])


def stapling():
    """A made-up response is enough: it is carried, not read."""
    staple = path("staple.der")
    issuer_of = CERTIFICATES["rsa"]
    index = path("index.txt")
    open(index, "w").close()
    run("openssl", "ocsp", "-index", index, "-CA", issuer_of[0], "-rsigner", issuer_of[0], "-rkey", issuer_of[1],
        "-issuer", issuer_of[0], "-cert", issuer_of[0], "-respout", staple)
    size = str(os.path.getsize(staple)) if os.path.exists(staple) else "none"
    for option in ("-tls1_2", "-tls1_3"):
        with Openssl("rsa", option, "-status", "-status_file", staple) as server:
            expect("stapled OCSP, %s" % option, probe(server.port), "rsa", ocsp=size)
            check_equal("ers scan tells of it, %s" % option, scanned_facts(server.port).get("ocsp_stapled"), True)


def timestamps():
    """A made-up list of two in the extension 18, as openssl adds what it is told to."""
    scts = struct.pack(">H", 12) + 2 * (struct.pack(">H", 4) + b"sct!")
    info = path("serverinfo.pem")
    with open(info, "w") as f:  # version 2: the messages that it may stand in, number, length (SSL_CTX_use_serverinfo(3))
        body = struct.pack(">IHH", 0x1180, 18, len(scts)) + scts
        f.write("-----BEGIN SERVERINFOV2 FOR SCTS-----\n%s\n-----END SERVERINFOV2 FOR SCTS-----\n"
                % base64.b64encode(body).decode())
    for option in ("-tls1_2", "-tls1_3"):
        with Openssl("rsa", option, "-serverinfo", info) as server:
            facts = scanned_facts(server.port)
            check_equal("timestamps are counted, %s" % option, (facts.get("scts"), facts.get("ocsp_stapled")), (2, False))


def leaving():
    """The server's own account of how the probe and ers scan left: it read both alerts, in TLS 1.3 decrypted, after
    a retry too."""
    for options in (("-tls1_2",), ("-tls1_3",), ("-tls1_3", "-groups", "P-256")):
        messages = path("messages")
        with Openssl("rsa", *options, "-msg", "-msgfile", messages) as server:
            expect("left, %s" % (options,), probe(server.port), "rsa")
            time.sleep(0.1)
        received = [line.rsplit(", ", 1)[1].strip() for line in open(messages) if line.startswith("<<<") and "Alert" in line]
        check_equal("the server heard the goodbye, %s" % (options,), received, 2 * ["warning user_canceled",
                                                                               "warning close_notify"])


def gnutls():
    rows = [("NORMAL", "TLSv1.3"), ("NORMAL:-VERS-ALL:+VERS-TLS1.2", "TLSv1.2"),
            ("NORMAL:-GROUP-ALL:+GROUP-SECP384R1", "TLSv1.3"), ("NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305", "TLSv1.3"),
            ("LEGACY:-VERS-ALL:+VERS-TLS1.0", "TLSv1.0")]
    for priority, version in rows:
        for name in ("rsa", "p256"):
            files, port = CERTIFICATES[name], free_port()
            server = start("gnutls-serv", "--port", port, "--priority", priority, "--x509certfile", files[0],
                           "--x509keyfile", files[1], "--quiet", "--http")
            if check("gnutls-serv %s starts" % priority, wait_port(port), "it did not listen"):
                expect("gnutls-serv %s with %s" % (priority, name), probe(port), name, version=version)
            stop(server)


NGINX = """
daemon off; master_process off; pid %(work)s/nginx.pid; error_log %(work)s/nginx.log;
events {}
http {
  access_log off; client_body_temp_path %(work)s/b; proxy_temp_path %(work)s/p; fastcgi_temp_path %(work)s/f;
  uwsgi_temp_path %(work)s/u; scgi_temp_path %(work)s/s;
  server {
    listen 127.0.0.1:%(port)d ssl http2; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate %(rsa)s; ssl_certificate_key %(rsa_key)s;
    ssl_certificate %(p256)s; ssl_certificate_key %(p256_key)s;
  }
  server { listen 127.0.0.1:%(plain)d; }
}
"""


def nginx():
    values = {"work": path(), "port": free_port(), "plain": free_port()}
    for name in ("rsa", "p256"):
        values[name], values[name + "_key"] = CERTIFICATES[name]
    with open(path("nginx.conf"), "w") as conf:
        conf.write(NGINX % values)
    server = start("nginx", "-c", path("nginx.conf"), "-e", path("nginx.log"))
    if check("nginx starts", wait_port(values["port"]), "it did not listen"):
        expect("nginx, RSA asked", probe(values["port"], "-a", "rsa", "-p", "h2"), "rsa", version="TLSv1.3", alpn="h2")
        expect("nginx, ECDSA asked", probe(values["port"], "-a", "ecdsa"), "p256", version="TLSv1.3")
        expect("nginx, 1.2", probe(values["port"], "-V", "1.2", "-a", "ecdsa"), "p256", version="TLSv1.2")
        found = probe(values["port"], "-V", "1.1")
        check_equal("nginx, nothing in common", (found["outcome"], found["alert"]), ("tls_alert", "70"))
        found = probe(values["plain"])
        check_equal("nginx without TLS", (found["outcome"], found["detail"]), ("not_tls", "an HTTP answer"))
    stop(server)


def strangers():
    """One connection each: what it says at once, then it closes."""
    rows = [(b"SSH-2.0-OpenSSH_9.2\r\n", "not_tls", "an SSH banner"), (b"220 mail ESMTP\r\n", "not_tls",
             "an SMTP or FTP greeting"), (b"* OK IMAP ready\r\n", "not_tls", "an IMAP greeting"),
            (bytes(range(256)) * 64, "not_tls", "no TLS record"), (b"", "closed", "closed without an answer"),
            (b"\x16\x03\x03\x40\x00" + b"\x0b\xff\xff\xff" + b"x" * 16380, "tls_error", "an unexpected handshake message"),
            (b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" + b"x" * 16380, "limit", "more handshake data than allowed")]
    for says, outcome, detail in rows:
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            connection, _ = listener.accept()
            connection.sendall(says)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
            connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        found = probe(listener.getsockname()[1])
        check_equal("a server that says %r" % says[:12], (found.get("outcome"), found.get("detail")), (outcome, detail))
        thread.join(5)
        listener.close()


for part in (versions_and_keys, shapes, groups, suites, faces, names_and_protocols, client_certificates, long_chains,
             stapling, timestamps, leaving, gnutls, nginx, strangers):
    part()
finish()
