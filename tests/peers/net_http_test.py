#!/usr/bin/env python3
"""lib/net's HTTP client against Python's ssl: whom it trusts, whom it refuses, and
that the refusal says which of name, address, root or date was wrong."""
import http.server
import os
import socket
import ssl
import threading
import time

from peer import *

GET = os.path.join(BUILD, "tests/peers/http_get")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def openssl(*arguments):
    done = run("openssl", *arguments)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)


def make_root(name):
    return make_certificate(name, EC, subject="/CN=%s root" % name)


def make_leaf(name, root, names, days="30", usage="serverAuth", key=EC, chained=True):
    """(chain.pem, key.pem) of a leaf below root; the root is sent along unless not chained."""
    key_file, request, leaf = path(name + ".key"), path(name + ".csr"), path(name + ".leaf")
    with open(path(name + ".ext"), "w") as f:
        f.write("subjectAltName=%s\nextendedKeyUsage=%s\n" % (names, usage))
    openssl("req", "-new", *key, "-nodes", "-keyout", key_file, "-out", request, "-subj", "/CN=" + name)
    dates = ["-days", days] if isinstance(days, str) else ["-days", "-1"]
    openssl("x509", "-req", "-in", request, "-CA", root[0], "-CAkey", root[1], "-CAcreateserial", "-out", leaf, *dates,
            "-extfile", path(name + ".ext"))
    chain = path(name + ".chain")
    with open(chain, "w") as out:
        out.write(open(leaf).read() + (open(root[0]).read() if chained else ""))
    return chain, key_file


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        Handler.seen.append((self.client_address[1], self.path, self.headers))
        if self.path == "/missing":
            self.answer(404, b"none", Content_Type="Application/Problem+JSON; charset=utf-8", Retry_After="17")
        elif self.path == "/moved":
            self.answer(302, b"", Location="https://127.0.0.1:1/", Content_Type="text/plain")
        elif self.path == "/large":
            self.answer(200, b"x" * (2 << 20), Content_Type="text/plain")
        elif self.path == "/slow":
            time.sleep(6)
        else:
            self.answer(200, b"hello", Content_Type="text/plain")

    def do_POST(self):
        self.answer(200, self.rfile.read(int(self.headers["Content-Length"])), Content_Type="text/plain")

    def log_message(self, *_):
        pass


class Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # refused handshakes are what is tested


class Server:
    def __init__(self, identity, address="127.0.0.1", adapt=None, ipv6=False):
        kind = type("V6", (Quiet,), {"address_family": socket.AF_INET6}) if ipv6 else Quiet
        self.server = kind((address, 0), Handler)
        self.port = self.server.server_address[1]
        if identity:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*identity)
            if adapt:
                adapt(context)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def get(self, host, target, *trust_and_body):
        return run(GET, "https://%s:%d" % (host, self.port), target, *trust_and_body, timeout=30)


def lines(done):
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def refused(name, done, code, *words):
    first, _, text = done.stdout.partition("\n")
    return check(name, done.returncode == 1 and first == "error " + code and all(w in text for w in words), done.stdout)


root, other = make_root("good"), make_root("other")
pin = ("pin", fingerprint(root[0]))
good = make_leaf("good-leaf", root, "DNS:localhost,IP:127.0.0.1,IP:::1")

# ---- trusted ----------------------------------------------------------------

server = Server(good)
for name, trust in (("pinned root", pin), ("file of roots", ("ca", root[0]))):
    for host in ("127.0.0.1", "localhost"):
        done = server.get(host, "/", *trust)
        check("%s, %s: taken" % (name, host), lines(done).get("status") == "200" and lines(done).get("body") == "hello",
              done.stdout + done.stderr)
ports = [p for p, target, _ in Handler.seen[-2:] if target == "/"]
check_equal("the connection is used again", len(set(ports)), 1)
headers = Handler.seen[-1][2]
check("headers are sent", headers.get("X-Test") == "yes" and headers.get("User-Agent", "").startswith("clm/"), str(headers))
if socket.has_ipv6:
    try:
        v6 = Server(good, "::1", ipv6=True)
        check("[::1]: taken", lines(v6.get("[::1]", "/", *pin)).get("status") == "200")
    except OSError:
        print("# no IPv6 loopback here")
rsa = Server(make_leaf("rsa-leaf", root, "IP:127.0.0.1", key=("-newkey", "rsa:2048")))
check("an RSA leaf: taken", lines(rsa.get("127.0.0.1", "/", *pin)).get("status") == "200")
alone = make_certificate("alone", EC, subject="/CN=alone", extra=("-addext", "subjectAltName=IP:127.0.0.1"))
check("a self-signed leaf that is pinned itself: taken",
      lines(Server(alone).get("127.0.0.1", "/", "pin", fingerprint(alone[0]))).get("status") == "200")

missing = lines(server.get("127.0.0.1", "/missing", *pin))
check("any status is an answer", missing.get("status") == "404" and missing.get("type") == "application/problem+json"
      and missing.get("retry") == "17", str(missing))
check_equal("a redirect is not followed", lines(server.get("127.0.0.1", "/moved", *pin)).get("status"), "302")
check_equal("a body is sent", lines(server.get("127.0.0.1", "/", *pin, "some text")).get("body"), "some text")

# ---- refused ----------------------------------------------------------------

refused("wrong root by pin", server.get("127.0.0.1", "/", "pin", fingerprint(other[0])), "tls", "root")
refused("wrong root by file", server.get("127.0.0.1", "/", "ca", other[0]), "tls", "root")
if os.path.exists("/etc/ssl/certs/ca-certificates.crt"):
    refused("not one of the system's roots", server.get("127.0.0.1", "/", "system", "-"), "tls", "root")
refused("the leaf's own hash is no root's", server.get("127.0.0.1", "/", "pin", "00" * 32), "tls", "root")

wrong_ip = Server(make_leaf("wrong-ip", root, "IP:127.0.0.2,DNS:localhost"))
refused("wrong address", wrong_ip.get("127.0.0.1", "/", *pin), "tls", "server address", "127.0.0.1")
check("the same by its name: taken", lines(wrong_ip.get("localhost", "/", *pin)).get("status") == "200")
name_only = Server(make_leaf("name-only", root, "DNS:127.0.0.1"))
refused("an address written as a DNS name is none", name_only.get("127.0.0.1", "/", *pin), "tls", "server address")
wrong_name = Server(make_leaf("wrong-name", root, "DNS:other.test,DNS:localhost.other.test"))
refused("wrong name", wrong_name.get("localhost", "/", *pin), "tls", "server name", "localhost")
common_name = Server(make_leaf("localhost", root, "DNS:other.test"))
refused("the common name does not count", common_name.get("localhost", "/", *pin), "tls", "server name")

expired = Server(make_leaf("expired", root, "IP:127.0.0.1", days=None))
refused("expired", expired.get("127.0.0.1", "/", *pin), "tls", "dates")
client = Server(make_leaf("client", root, "IP:127.0.0.1", usage="clientAuth"))
refused("not for servers", client.get("127.0.0.1", "/", *pin), "tls", "usage")
bare = Server(make_leaf("bare", root, "IP:127.0.0.1", chained=False))
refused("the pinned root is not sent", bare.get("127.0.0.1", "/", *pin), "tls", "root")
forger = make_certificate("forger", EC, subject="/CN=good root")
forged = make_leaf("forged", forger, "IP:127.0.0.1", chained=False)
with open(forged[0], "a") as f:
    f.write(open(root[0]).read())
refused("the root's name, another key", Server(forged).get("127.0.0.1", "/", *pin), "tls", "signature")

# ---- other ways to fail ------------------------------------------------------


def only_tls13(context):
    context.minimum_version = ssl.TLSVersion.TLSv1_3


refused("TLS 1.3 only: said so", Server(good, adapt=only_tls13).get("127.0.0.1", "/", *pin), "tls", "no TLS 1.2", "TLS 1.3")
refused("no TLS at all", Server(None).get("127.0.0.1", "/", *pin), "tls")
refused("nobody there", run(GET, "https://127.0.0.1:%d" % free_port(), "/", *pin), "network")
began = time.monotonic()
refused("silent in the middle", server.get("127.0.0.1", "/slow", *pin), "timeout")
check("within the time", time.monotonic() - began < 5)
hung = socket.socket()
hung.bind(("127.0.0.1", 0))
hung.listen(1)
began = time.monotonic()
refused("silent from the start", run(GET, "https://127.0.0.1:%d" % hung.getsockname()[1], "/", *pin), "timeout")
check("within the time, too", time.monotonic() - began < 5)
refused("a body past the limit", server.get("127.0.0.1", "/large", *pin), "limit")
for url in ("http://127.0.0.1", "https://", "https://a b", "https://user@127.0.0.1", "https://127.0.0.1/x", "https://h:0",
            "https://h:65536", "https://[::1", "file:///etc/passwd"):
    refused("no URL: " + url, run(GET, url, "/", *pin), "usage")
refused("a line end in the path", server.get("127.0.0.1", "/\r\nX: y", *pin), "usage")
finish()
