#!/usr/bin/env python3
"""What other tools got wrong about servers and exit statuses: plain HTTP on the port, alert 80
without a name, a chain whose root has ended, one status for all ends."""
import json
import os
import socket
import struct
import threading

from peer import *

ERS = applet("ers")


def certificate(name, issuer=None, days=90, begin=None, extensions=()):
    """Made by openssl ca, which can date things into the past."""
    key, request, out = (path(name + end) for end in (".key", ".csr", ".pem"))
    run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
        "-subj", "/CN=" + name)
    with open(path("ca.cnf"), "w") as conf:
        conf.write("[ca]\ndefault_ca=made\n[made]\ndatabase=%s\nnew_certs_dir=%s\nrand_serial=yes\nunique_subject=no\npolicy=any\n"
                   "default_md=sha256\n[any]\ncommonName=supplied\n[ext]\n%s\n" % (path("index"), WORK, "\n".join(extensions)))
    open(path("index"), "w").close()
    signer = ["-cert", path(issuer + ".pem"), "-keyfile", path(issuer + ".key")] if issuer else ["-selfsign", "-keyfile", key]
    moment = lambda d: time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + d * 86400))
    done = run("openssl", "ca", "-batch", "-notext", "-config", path("ca.cnf"), "-extensions", "ext", "-startdate",
               moment(begin if begin is not None else -1), "-enddate", moment(days), "-in", request, "-out", out, *signer)
    if done.returncode:
        check("made " + name, False, done.stderr)
    return out


CA = ("basicConstraints=critical,CA:TRUE",)
certificate("root", days=-652, begin=-3000, extensions=CA)
certificate("issuing", "root", extensions=CA)
certificate("leaf", "issuing", extensions=("subjectAltName=DNS:localhost",))
certificate("good", extensions=("subjectAltName=DNS:localhost",))
certificate("soon", days=10)
certificate("ended", days=-3, begin=-30)
with open(path("broken"), "w") as broken:
    broken.write("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
with open(path("chain.pem"), "w") as out:
    out.write(open(path("issuing.pem")).read() + open(path("root.pem")).read())


def openssl(*more):
    port = free_port()
    start("openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", path("leaf.pem"), "-key", path("leaf.key"), "-quiet", *more)
    check("openssl is up", wait_port(port))
    return port


def serve(handle):
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=handle, args=(client,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def look(*words):
    done = run(ERS, "scan", "--json", "--faces", "quick", "--timeout", "5s", *words)
    return [row for row in map(json.loads, done.stdout.splitlines()) if row["type"] == "observation"]


# ---- a server of plain HTTP -------------------------------------------------------


def http(client):
    with client:
        client.recv(4096)
        client.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


found = look("127.0.0.1:%d" % serve(http))
check_equal("plain HTTP: one observation", [o["outcome"] for o in found], ["not_tls"])

# ---- alert 80 to a hello without a name -------------------------------------------

behind = openssl("-cert_chain", path("issuing.pem"))


def has_name(hello):
    """Is there a server_name in the ClientHello (RFC 8446, 4.1.2)?"""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + struct.unpack_from(">H", hello, at)[0]
    at += 1 + hello[at] + 2
    while at + 4 <= len(hello):
        kind, n = struct.unpack_from(">HH", hello, at)
        if kind == 0:
            return True
        at += 4 + n
    return False


def picky(client):
    with client:
        hello = client.recv(16384)
        if not has_name(hello):
            client.sendall(b"\x15\x03\x03\x00\x02\x02\x50")
            return
        with socket.create_connection(("127.0.0.1", behind)) as server:
            server.sendall(hello)

            def back():
                try:
                    while data := server.recv(16384):
                        client.sendall(data)
                except OSError:
                    pass
            threading.Thread(target=back, daemon=True).start()
            try:
                while data := client.recv(16384):
                    server.sendall(data)
            except OSError:
                pass


port = serve(picky)
found = look("127.0.0.1:%d" % port)
check_equal("without a name: the alert and its number", [(o["outcome"], o["alert"]) for o in found], [("tls_alert", 80)])
found = look("--sni", "localhost", "127.0.0.1:%d" % port)
check_equal("with it: ok, a chain of two", [(o["outcome"], o["chain"]) for o in found],
            [("ok", [fingerprint(path("leaf.pem")), fingerprint(path("issuing.pem"))])])

# ---- a root that has ended ---------------------------------------------------------

port = openssl("-cert_chain", path("chain.pem"))
done = run(ERS, "scan", "--fail-on", "expired,expiring", "--all", "--faces", "quick", "127.0.0.1:%d" % port)
check("ended root: the leaf is not reported", done.returncode == 0 and "EXPIRED" not in done.stdout and "-652" not in done.stdout,
      done.stdout)
done = run(ERS, "inspect", "--json", "--fail-on", "expired", "127.0.0.1:%d" % port)
rows = [json.loads(line) for line in done.stdout.splitlines()]
ends = {row["subject"]: row["not_after"] for row in rows if row["type"] == "certificate"}
known = run("openssl", "x509", "-in", path("root.pem"), "-noout", "-enddate", "-dateopt", "iso_8601").stdout.strip().split("=")[1]
check_equal("ended root: listed with its own date", ends.get("CN=root"), known.replace(" ", "T"))
check_equal("ended root: nor does it make the check fail", done.returncode, 0)

# ---- exit statuses -----------------------------------------------------------------

ON = ("--fail-on", "expired,expiring=30d")
for files, status in ((["good.pem"], 0), (["soon.pem"], 6), (["ended.pem"], 6), (["missing"], 1), (["broken"], 1),
                      (["good.pem", "missing"], 1), (["missing", "good.pem", "soon.pem", "broken"], 6)):
    done = run(ERS, "inspect", *ON, *map(path, files))
    check_equal("exit of %s" % " ".join(files), done.returncode, status)
check_equal("expired alone", [run(ERS, "inspect", "--fail-on", "expired", path(f)).returncode for f in ("soon.pem", "ended.pem")], [0, 6])
check_equal("expiring alone", [run(ERS, "inspect", "--fail-on", "expiring=9d", path(f)).returncode for f in ("soon.pem", "ended.pem")],
            [0, 0])
check_equal("a word that is none", run(ERS, "inspect", "--fail-on", "ended", path("good.pem")).returncode, 2)
check("it stands in the manual", "fail\\-on" in run(applet("clm"), "man", "ers", "inspect").stdout)
finish()
