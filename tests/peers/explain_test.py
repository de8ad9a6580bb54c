#!/usr/bin/env python3
"""ers explain: the steps that were taken, what was found, which rules fire and the command
for each, against openssl and peers that say no."""
import json
import os
import re
import socket
import threading

from peer import *

ERS = applet("ers")
CONFIG = path("config")
os.makedirs(CONFIG)


def explain(*words, **options):
    return run(ERS, "explain", "--config", CONFIG, *words, **options)


def serve(certificate, *options):
    port = free_port()
    start("openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", certificate[0], "-key", certificate[1], "-quiet",
          *options)
    check("openssl is up", wait_port(port))
    return port


def answering(data):
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                client.sendall(data)
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def rules(done):
    return re.findall(r"^  ([a-z-]+): ", done.stdout.split("\nrules\n")[1], re.M)


weak = make_certificate("weak", ("-newkey", "rsa:1024"), subject="/CN=other.test\x1b[31m", days=5)
good = make_certificate("good", subject="/CN=localhost", extra=("-addext", "subjectAltName=DNS:localhost"))
port = serve(weak, "-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1")
done = explain("localhost:%d" % port)
check_equal("exit 0", (done.returncode, done.stderr), (0, ""))
for step in ("look-up of localhost: 127.0.0.1", "connect to port %d" % port, "connected after", "ClientHello: up to TLSv1.3, for localhost",
             "ClientHello: up to TLSv1.1", "X25519MLKEM768 and no other group", "ClientHello: up to TLSv1.3, no name",
             "ECDSA keys alone", "alert 40, handshake_failure", "TLSv1.3, TLS_AES_"):
    check("step: " + step.replace(str(port), "N"), step in done.stdout.split("\nfound\n")[0], done.stdout)
check("the leaf's SHA-256", fingerprint(weak[0]) in done.stdout.split("\nfound\n")[1], done.stdout)
check_equal("rules", rules(done), ["expiring", "weak-key", "wrong-name", "self-signed", "old-version"])
check("the command", "ers request --dns localhost --out DIR" in done.stdout, done.stdout)
check("foreign bytes are escaped", "\x1b" not in done.stdout)

sound = explain("localhost:%d" % serve(good))
check_equal("a sound one: its own issuer, nothing else", rules(sound), ["self-signed"])
rows = [("refused", free_port(), "nothing-there"), ("an alert", answering(bytes.fromhex("15030300020228")), "refused-hello"),
        ("HTTP", answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "other-protocol"),
        ("SSLv3", answering(bytes.fromhex("160300002a0200002603 00".replace(" ", "") + "00" * 32 + "00000a00")), "unsupported")]
for name, at, rule in rows:
    check_equal("%s: %s" % (name, rule), rules(explain("127.0.0.1:%d" % at)), [rule])
missing = explain("no-such-host.invalid", "--timeout", "1s")
check("a name that leads nowhere", rules(missing) == ["no-address"] and "getent ahosts no-such-host.invalid" in missing.stdout,
      missing.stdout)
lines = [json.loads(line) for line in explain("localhost:%d" % port, "--json").stdout.splitlines()]
check("--json: steps and rules, one object a line", {line["type"] for line in lines} == {"step", "rule"}
      and lines[-1]["rule"] == "old-version" and lines[0]["address"] is None, str(lines))
with open(os.path.join(CONFIG, "targets"), "w") as f:
    f.write("localhost %d\nexclude 127.0.0.1 1\n" % port)
check("a configured target: its port", "connect to port %d" % port in explain("localhost").stdout)
check_equal("exclusions hold", rules(explain("127.0.0.1:1")), ["excluded"])
check_equal("... and say so", explain("localhost:1").stdout.count("connect to port"), 0)
for words in ([], ["a", "b"], ["127.0.0.0/24"], ["localhost", "--protocol", "smpt"], ["localhost", "--connect", "name"]):
    check_equal("usage: %s" % " ".join(words), explain(*words).returncode, 2)
check_equal("nothing is remembered", sorted(os.listdir(CONFIG)), ["targets"])
finish()
