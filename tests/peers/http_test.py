#!/usr/bin/env python3
"""web/http over TLS and TCP: curl, openssl s_client, Python's ssl, slow and rude clients."""
import concurrent.futures
import gzip
import re
import select
import signal
import socket
import ssl
import threading
import time

from peer import *

PEER = os.path.join(BUILD, "tests/peers/http_peer")


def make_identity(name, new_key):
    """A root, a server certificate below it; (root.pem, key.der, "server.der,root.der")."""
    root, root_key = make_certificate(name + "-root", new_key, "/CN=%s root" % name)
    leaf_key, request, leaf = path(name + ".key"), path(name + ".csr"), path(name + ".pem")
    with open(path(name + ".ext"), "w") as f:
        f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for command in (["req", "-new", *new_key, "-nodes", "-keyout", leaf_key, "-out", request, "-subj", "/CN=localhost"],
                    ["x509", "-req", "-in", request, "-CA", root, "-CAkey", root_key, "-CAcreateserial", "-out", leaf,
                     "-days", "30", "-extfile", path(name + ".ext")],
                    ["x509", "-in", leaf, "-outform", "DER", "-out", path(name + ".der")],
                    ["x509", "-in", root, "-outform", "DER", "-out", path(name + "-root.der")],
                    ["pkcs8", "-topk8", "-nocrypt", "-in", leaf_key, "-outform", "DER", "-out", path(name + "-key.der")]):
        done = run("openssl", *command)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
    return root, path(name + "-key.der"), "%s,%s" % (path(name + ".der"), path(name + "-root.der"))


def serve(identity, *limits):
    process = start(PEER, identity[1], identity[2], *limits, stdout=subprocess.PIPE, stderr=None)
    return process, int(process.stdout.readline())


def context_for(identity):
    context = ssl.create_default_context(cafile=identity[0])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def connect(port, identity, timeout=20):
    raw = socket.create_connection(("127.0.0.1", port), timeout)
    return context_for(identity).wrap_socket(raw, server_hostname="localhost")


def read_answer(stream):
    """(status, headers, body) of one response from a file."""
    line = stream.readline()
    if not line:
        return None
    headers = {}
    while True:
        field = stream.readline().strip()
        if not field:
            break
        name, _, value = field.partition(b":")
        headers[name.decode().lower()] = value.strip().decode()
    return int(line.split()[1]), headers, stream.read(int(headers.get("content-length", 0)))


def ask(port, identity, request):
    with connect(port, identity) as s:
        s.sendall(request)
        return read_answer(s.makefile("rb"))


def get(target, *lines):
    return ("GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (target, "".join(l + "\r\n" for l in lines))).encode()


def curl(port, identity, target, *options):
    return run("curl", "-sS", "--cacert", identity[0], "--max-time", "20", *options, "https://localhost:%d%s" % (port, target))


def s_client(port, *options):
    return run("openssl", "s_client", "-connect", "127.0.0.1:%d" % port, *options, input="", timeout=20)


ec = make_identity("ec", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
rsa = make_identity("rsa", ("-newkey", "rsa:2048"))
p384 = make_identity("p384", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"))

# ---- TLS ----
for identity, name in ((ec, "EC P-256"), (rsa, "RSA 2048"), (p384, "EC P-384")):
    process, port = serve(identity)
    done = curl(port, identity, "/text")
    check("curl with a %s key" % name, done.stdout == "127.0.0.1", done.stderr)
    if identity is not ec:
        check_equal("SIGTERM ends it with 0 (%s)" % name, stop(process), 0)

process, ec_port = serve(ec)
rsa_process, rsa_port = serve(rsa)
done = s_client(ec_port, "-tls1_2", "-CAfile", ec[0], "-showcerts", "-alpn", "h2,http/1.1")
check("TLS 1.2 by openssl, chain verified", "Verify return code: 0 (ok)" in done.stdout, done.stdout + done.stderr)
check_equal("the root is in the chain", done.stdout.count("BEGIN CERTIFICATE"), 2)
check("ALPN http/1.1", "ALPN protocol: http/1.1" in done.stdout, done.stdout)
check("ECDHE", re.search(r"Server Temp Key: (X25519|ECDH)", done.stdout), done.stdout)
check("RFC 5746 is answered", "Secure Renegotiation IS supported" in done.stdout, done.stdout)
for version in ("-tls1_3", "-tls1_1", "-tls1"):
    done = s_client(ec_port, version, "-cipher", "ALL:@SECLEVEL=0")
    check("%s is refused" % version[1:], "Cipher is (NONE)" in done.stdout and done.returncode != 0, done.stdout)
check("h2 alone is refused", s_client(ec_port, "-tls1_2", "-alpn", "h2").returncode != 0)
for port, kind in ((ec_port, "ECDSA"), (rsa_port, "RSA")):
    for suite in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"):
        done = s_client(port, "-tls1_2", "-cipher", "ECDHE-%s-%s" % (kind, suite))
        check("ECDHE-%s-%s" % (kind, suite), "Cipher is ECDHE-%s-%s" % (kind, suite) in done.stdout, done.stderr)
for suite in ("AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA", "DHE-RSA-AES128-GCM-SHA256", "AES128-SHA"):
    done = s_client(rsa_port, "-tls1_2", "-cipher", suite + ":@SECLEVEL=0")
    check("%s is refused" % suite, "Cipher is (NONE)" in done.stdout, done.stdout)
done = s_client(ec_port, "-tls1_2", "-reconnect")
check("sessions are resumed", done.stdout.count("Reused, TLSv1.2") == 5, done.stdout)
done = curl(ec_port, rsa, "/text")
check("curl refuses another root", done.returncode == 60, done.stderr)
mixed = run(PEER, ec[1], rsa[2])
check("a key that is not the certificate's is refused", mixed.returncode == 1 and "does not belong" in mixed.stderr, mixed.stderr)

# ---- answers ----
status, headers, body = ask(ec_port, ec, get("/text"))
check_equal("status and body", (status, body), (200, b"127.0.0.1"))
for name in ("content-security-policy", "x-content-type-options", "referrer-policy", "strict-transport-security", "date"):
    check("header %s" % name, name in headers, headers)
for target, expected in (("/later", b"later"), ("/work", b"worked")):
    check_equal("%s" % target, ask(ec_port, ec, get(target))[2], expected)
for n in (0, 1, 16383, 16384, 16385, 1000000, 20000000):
    done = curl(ec_port, ec, "/size?n=%d" % n, "-o", path("out"), "-w", "%{http_code} %{size_download}")
    check_equal("a body of %d bytes" % n, done.stdout, "200 %d" % n)
done = curl(ec_port, ec, "/text", "-I")
check("HEAD has the length and no body", "Content-Length: 9" in done.stdout and "127.0.0.1" not in done.stdout, done.stdout)
done = curl(ec_port, ec, "/none", "-w", "%{http_code}")
check("404 as problem+json", done.stdout.endswith("404") and '"code":"not_found"' in done.stdout, done.stdout)
done = curl(ec_port, ec, "/echo", "-i")
check("405 names what is allowed", "Allow: POST, OPTIONS" in done.stdout, done.stdout)

plain = curl(ec_port, ec, "/asset").stdout
status, headers, body = ask(ec_port, ec, get("/asset", "Accept-Encoding: gzip"))
check_equal("gzip on the wire", (headers.get("content-encoding"), gzip.decompress(body).decode()), ("gzip", plain))
check("gzip is small", len(body) * 50 < len(plain), len(body))
check_equal("304 for a known ETag", ask(ec_port, ec, get("/asset", "If-None-Match: " + headers["etag"]))[0], 304)
check_equal("curl --compressed", curl(ec_port, ec, "/asset", "--compressed").stdout, plain)

# ---- bodies ----
with open(path("body"), "wb") as f:
    f.write(bytes(range(256)) * 390)
for options, name in (((), "Content-Length"), (("-H", "Transfer-Encoding: chunked"), "chunked"),
                      (("-H", "Expect: 100-continue"), "100-continue")):
    done = curl(ec_port, ec, "/echo", "--data-binary", "@" + path("body"), "-o", path("out"), "-v", *options)
    check("echo of a body: %s" % name, open(path("out"), "rb").read() == open(path("body"), "rb").read(), done.stderr)
    if name == "100-continue":
        check("100 Continue was sent", "< HTTP/1.1 100 Continue" in done.stderr, done.stderr)
with open(path("large"), "wb") as f:
    f.write(b"x" * 3000000)
for options, name in (((), "Content-Length"), (("-H", "Transfer-Encoding: chunked"), "chunked")):
    done = curl(ec_port, ec, "/echo", "--data-binary", "@" + path("large"), "-w", "%{http_code}", *options)
    check("413 reaches the client: %s" % name, done.stdout.endswith("413"), done.stdout + done.stderr)

# ---- keep-alive, pipelining ----
done = curl(ec_port, ec, "/text", "https://localhost:%d/later" % ec_port, "-v")
check("curl uses the connection again", "Re-using existing connection" in done.stderr, done.stderr)
with connect(ec_port, ec) as s:
    parts = [get("/text"), get("/later"), b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", get("/work"),
             get("/size?n=100000")] * 20
    s.sendall(b"".join(parts))
    stream = s.makefile("rb")
    bodies = [read_answer(stream)[2] for _ in parts]
check_equal("100 pipelined requests, answered in order", bodies,
            [b"127.0.0.1", b"later", b"hello", b"worked", b"x" * 100000] * 20)
with connect(ec_port, ec) as s:
    for byte in get("/text"):
        s.sendall(bytes([byte]))
    check_equal("a request in records of one byte", read_answer(s.makefile("rb"))[0], 200)
status, headers, body = ask(ec_port, ec, get("/text", "Connection: close"))
check_equal("Connection: close is granted", headers.get("connection"), "close")
done = curl(ec_port, ec, "/text", "--http1.0", "--no-alpn", "-i")
check("HTTP/1.0", "127.0.0.1" in done.stdout and "Connection: close" in done.stdout, done.stdout)
with connect(ec_port, ec) as s:
    s.sendall(b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n")
    stream = s.makefile("rb")
    check_equal("bare LF: 400, then closed", (read_answer(stream)[0], stream.read()), (400, b""))
with connect(ec_port, ec) as s:
    s.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get("/text"))
    stream = s.makefile("rb")
    check_equal("smuggling: 400, then closed", (read_answer(stream)[0], stream.read()), (400, b""))


def one(_):
    with connect(ec_port, ec) as s:
        stream = s.makefile("rb")
        for _ in range(5):
            s.sendall(get("/text"))
            if read_answer(stream)[2] != b"127.0.0.1":
                return False
        time.sleep(0.2)  # so that they are all open at once
    return True


begin = time.monotonic()
with concurrent.futures.ThreadPoolExecutor(200) as pool:
    check_equal("200 connections at once, 5 requests each", sum(pool.map(one, range(200))), 200)
took = time.monotonic() - begin
check("200 handshakes of one address: 50 a second after the first 50", took >= 2.9, "%.1f s" % took)

# ---- rudeness ----
for name, data in (("nothing", b""), ("HTTP in clear", get("/text")), ("noise", bytes(range(256)) * 64),
                   ("a huge record", b"\x16\x03\x01\xff\xff" + b"x" * 70000)):
    with socket.create_connection(("127.0.0.1", ec_port), 10) as s:
        try:
            s.sendall(data)
        except OSError:
            pass
check("the server still answers", curl(ec_port, ec, "/text").stdout == "127.0.0.1")
with connect(ec_port, ec) as s:  # reset in the middle of a large answer
    s.sendall(get("/size?n=20000000"))
    s.recv(1000)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
check("a reset harms nobody else", curl(ec_port, ec, "/text").stdout == "127.0.0.1")

slow_process, slow = serve(ec, "handshake_ms=600", "head_ms=800", "idle_ms=600", "transfer_ms=1000",
                           "connections_per_address=4")


def seconds_until_closed(s):
    start_time = time.monotonic()
    try:
        while s.recv(65536):
            pass
    except OSError:
        pass
    return time.monotonic() - start_time


with socket.create_connection(("127.0.0.1", slow), 10) as s:
    check("no handshake: closed in time", 0.4 < seconds_until_closed(s) < 3)
with connect(slow, ec) as s:
    check("idle: closed in time", 0.4 < seconds_until_closed(s) < 3)
with connect(slow, ec) as s:
    begin = time.monotonic()
    stream = s.makefile("rb")
    for byte in b"GET /text HTTP/1.1\r\nHost: localhost\r\nX: abcdefghijklmnopqrstuvwxyz":
        s.sendall(bytes([byte]))
        if select.select([s], [], [], 0.1)[0]:
            break
    check("slow head: 408 in time", read_answer(stream)[0] == 408 and time.monotonic() - begin < 4)
with connect(slow, ec) as s:
    begin = time.monotonic()
    stream = s.makefile("rb")
    s.sendall(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n\r\n" + b"x" * 80000)
    while not select.select([s], [], [], 0.2)[0] and time.monotonic() - begin < 8:
        s.sendall(b"x")
    check("slow body: 408 in time", read_answer(stream)[0] == 408 and 0.7 < time.monotonic() - begin < 5)
with connect(slow, ec) as s:
    begin = time.monotonic()
    s.sendall(get("/size?n=60000000"))
    s.recv(1)
    time.sleep(3)  # reads nothing
    received = 0
    try:
        while True:
            piece = s.recv(1 << 20)
            if not piece:
                break
            received += len(piece)
    except OSError:
        pass
    check("a client that does not read is cut off", received < 60000000, received)
held = [socket.create_connection(("127.0.0.1", slow), 10) for _ in range(4)]
time.sleep(0.1)
with socket.create_connection(("127.0.0.1", slow), 10) as s:
    check("one connection too many from an address is closed at once", seconds_until_closed(s) < 0.4)
for s in held:
    s.close()
time.sleep(0.3)
check("and the next is heard again", curl(slow, ec, "/text").stdout == "127.0.0.1")
check_equal("the slow server ends with 0", stop(slow_process), 0)

few_process, few = serve(ec, "connections=3")
idle = []
for _ in range(3):
    s = connect(few, ec)
    s.sendall(get("/text"))
    read_answer(s.makefile("rb"))
    idle.append(s)
check("an idle connection makes room for a new one", curl(few, ec, "/text").stdout == "127.0.0.1")
for s in idle:
    s.close()

# ---- stop ----
with connect(few, ec) as s, connect(few, ec) as quiet:
    s.sendall(get("/text")[:-2])
    time.sleep(0.3)
    few_process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    check("stop: an idle connection is ended", quiet.recv(10) == b"")
    s.sendall(b"\r\n")
    answer = read_answer(s.makefile("rb"))
    check("stop: a request under way is answered, then closed", answer and answer[0] == 200 and
          answer[1].get("connection") == "close", answer)
check_equal("stop: exit 0", few_process.wait(10), 0)
check_equal("stop: exit 0 (first server)", stop(process), 0)
check_equal("stop: exit 0 (RSA)", stop(rsa_process), 0)
finish()
