#!/usr/bin/env python3
"""ers scan before TLS: real servers of every protocol that Debian has one for, scripted ones
for the rest and for misbehaviour. Each leaf is compared with openssl x509 and with what
openssl s_client -starttls is shown. It needs root, as Postfix's master and ports below 1024 do."""
import json
import re
import socket
import ssl
import struct
import threading

import starttls_servers as servers
from peer import *

ERS = applet("ers")
CERTIFICATE, KEY = make_certificate("host.test", subject="/CN=host.test", extra=("-addext", "subjectAltName=DNS:host.test"))
PRINT = fingerprint(CERTIFICATE)
os.chmod(KEY, 0o644)  # a test's key: the daemons run as users of their own
ALERT = bytes.fromhex("15030300020228")


def look(*words, config="none", **options):
    """What a look at words says: observations by port, and how many there were."""
    done = run(ERS, "scan", "--config", path(config), "--json", "--rate", "max", *words, **options)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    found = [row for row in rows if row["type"] == "observation"]
    summary = [row for row in rows if row["type"] == "summary"]
    if not summary or summary[0]["faces"]["tried"] != len(found):
        check("the accounts sum", False, done.stdout + done.stderr)
    return found


def one(*words, **options):
    found = look(*words, **options)
    return found[0] if len(found) == 1 else {"outcome": "%d observations" % len(found), "chain": [], "detail": "", "stage": ""}


def is_found(o, protocol):
    return (o["outcome"], o["protocol"], o["chain"][:1]) == ("ok", protocol, [PRINT])


# ---- real servers ---------------------------------------------------------------

mail, rows = servers.postfix(CERTIFICATE, KEY)
real = [("postfix", row) for row in rows]
for name in ("dovecot", "vsftpd", "slapd", "postgres", "mariadb", "prosody", "inspircd", "xrdp", "cups"):
    real += [(name, row) for row in getattr(servers, name)(CERTIFICATE, KEY)]
down = servers.all_up([row for _, row in real])
check("all servers are up", not down, "%s %s" % (down, "".join(servers.said(name) for name, row in real if row in down)))
OPENSSL = {"smtp", "lmtp", "imap", "pop3", "sieve", "ftp", "ldap", "xmpp", "xmpp-server", "irc", "postgres", "mysql"}
GREETING = {"smtp", "imap", "pop3", "sieve", "ftp", "mysql"}  # those that speak first


def shown_to_openssl(protocol, port):
    """SHA-256 of the leaf that openssl s_client is shown."""
    names = ["-xmpphost", "host.test"] if protocol.startswith("xmpp") else []
    done = run("openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-starttls", protocol, *names)
    pem = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", done.stdout, re.S)
    if not pem:
        return done.stderr
    with open(path("shown.pem"), "w") as out:
        out.write(pem.group(0))
    return fingerprint(path("shown.pem"))


for name, (protocol, port, number) in real:
    words = [] if protocol == "http-upgrade" else ["--sni", "host.test"]
    o = one("127.0.0.1:%d" % port, "--protocol", protocol, *words)
    check("%s: %s %s" % (protocol, name, number), is_found(o, protocol) and o["stage"] == "done", str(o))
    if protocol in OPENSSL:
        check_equal("%s: openssl s_client sees the same" % protocol, shown_to_openssl(protocol, port), PRINT)

found = look(*["127.0.0.1:%d" % port for _, (protocol, port, _) in real if protocol in GREETING])
check_equal("by the greeting", sorted((o["protocol"], o["outcome"], o["detail"]) for o in found),
            sorted((protocol, "ok", "the protocol was found by what the server shows; naming it saves a connection") for protocol in GREETING))
ports = {protocol: port for _, (protocol, port, _) in real}
for protocol, is_once in (("mysql", True), ("postgres", False)):
    found = [o for o in look("localhost:%d" % ports[protocol], "--protocol", protocol) if o["ip"] == "127.0.0.1"]
    check("%s by name: %s" % (protocol, "one handshake, since it counts them" if is_once else "all faces"),
          (len(found) == 1) == is_once and all(is_found(o, protocol) or not is_once for o in found)
          and (found[0]["tls"]["old_version"] is None) == is_once, str(found))
log_ports = {"%s, %s" % (name, protocol): (protocol, port) for name, (protocol, port, _) in real if name in ("postfix", "dovecot")}
o = one("127.0.0.1:%d" % ports["imap"], "--protocol", "tls")
check("... unless another was asked for", (o["outcome"], o["protocol"], o["detail"]) == ("not_tls", "tls", "an IMAP greeting"), str(o))
o = one("127.0.0.1:%d" % ports["smtp"], "--protocol", "lmtp")
check("a protocol that was asked for is kept", (o["outcome"], o["protocol"], o["stage"]) == ("not_offered", "lmtp", "dialogue")
      and o["detail"].startswith("LHLO: 50"), str(o))
o = one("127.0.0.1:%d" % ports["xmpp"], "--protocol", "xmpp", "--sni", "other.test")
check("a stream error is told", (o["outcome"], o["stage"], o["detail"]) == ("not_offered", "dialogue", "stream error: host-unknown"), str(o))

# ---- scripted servers -------------------------------------------------------------


def context(**more):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(CERTIFICATE, KEY)
    for name, value in more.items():
        getattr(made, name)(value)
    return made


class Peer:
    """A listener whose every connection is handled by a function in a thread."""

    def __init__(self, handle, address="127.0.0.1", port=0):
        self.handle, self.count, self.heard, self.is_patient = handle, 0, b"", False
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.create_server((address, port), family=family, backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            self.count += 1
            client.settimeout(20)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        try:
            self.handle(self, client)
        except OSError:
            pass
        finally:
            client.close()

    def expect(self, client, wanted):
        """What the client says; what it should say instead fails the check below."""
        got = b""
        while len(got) < len(wanted):
            more = client.recv(len(wanted) - len(got))
            if not more:
                break
            got += more
        self.heard += got
        if got != wanted:
            if not self.is_patient:
                check("a client says %r" % wanted, False, "said %r" % got)
            raise OSError
        return got

    def more(self, client):
        data = client.recv(65536)
        if not data:
            raise OSError
        return data

    def rest(self, client):
        while True:
            more = client.recv(65536)
            if not more:
                return
            self.heard += more

    def __str__(self):
        return "127.0.0.1:%d" % self.port


def tls(client, **more):
    context(**more).wrap_socket(client, server_side=True).close()


def says(*turns, then=tls):
    """Alternately what is said and what is then expected; TLS behind it."""
    def handle(peer, client):
        for i, turn in enumerate(turns):
            if i % 2 == 0:
                client.sendall(turn)
            else:
                peer.expect(client, turn)
        then(client)
    return handle


def reads_rest(peer, client):
    peer.rest(client)


def tds(client, payload_max=4088, kind=0x12):
    """TLS 1.2 in TDS packets, by the BIOs of Python's ssl."""
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    made = context()
    made.maximum_version = ssl.TLSVersion.TLSv1_2
    engine = made.wrap_bio(inward, outward, server_side=True)
    stream = client.makefile("rb")
    while True:
        try:
            engine.do_handshake()
            return
        except ssl.SSLWantReadError:
            pass
        finally:
            data = outward.read()
            while data:
                part, data = data[:payload_max], data[payload_max:]
                client.sendall(struct.pack(">BBHHBB", kind, 0 if data else 1, 8 + len(part), 0, 1, 0) + part)
        header = stream.read(8)
        if len(header) < 8 or header[0] != 0x12:
            return
        inward.write(stream.read(struct.unpack(">H", header[2:4])[0] - 8))


PRELOGIN = bytes.fromhex("1201002f0000010000001a000601002000010200210001030022000404002600" "01ff" "090000000000" "01" "00" "00000000" "00")
ENCRYPT = bytes.fromhex("0401002b0000010000001a00060100200001020021000103002200000400220001ff0f000000000001" "0000")
LDAP = b"0\x1d\x02\x01\x01w\x18\x80\x161.3.6.1.4.1.1466.20037"


def upgrade(peer, client):
    """RFC 2817, 3.2 and 3.3."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += peer.more(client)
    if head.startswith(b"OPTIONS * HTTP/1.1\r\nHost: 127.") and b"\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n" in head:
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: TLS/1.0, HTTP/1.1\r\nConnection: Upgrade\r\n\r\n")
        tls(client)


SCRIPTED = [
    ("nntp", says(b"201 news.example.test ready (no posting)\r\n", b"STARTTLS\r\n", b"382 Continue with TLS negotiation\r\n")),
    ("telnet", says(b"\xff\xfd\x2e", b"\xff\xfb\x2e\xff\xfa\x2e\x01\xff\xf0", b"\xff\xfa\x2e\x01\xff\xf0")),
    ("mssql", says(b"", PRELOGIN, ENCRYPT, then=tds)),
    ("mssql", says(b"", PRELOGIN, ENCRYPT, then=lambda client: tds(client, 100, 0x04))),
    ("rdp", says(b"", bytes.fromhex("030000130ee000000000000100080003000000"), bytes.fromhex("030000130ed00000123400021f080002000000"))),
    ("postgres", says(b"", bytes.fromhex("0000000804d2162f"), b"S")),
    ("ldap", says(b"", LDAP, bytes.fromhex("308400000010020101788400000007" "0a010004000400"))),
    ("http-upgrade", upgrade),
]
for i, (protocol, handle) in enumerate(SCRIPTED):
    peer = Peer(handle)
    o = one(str(peer), "--protocol", protocol)
    check("%s: scripted %d" % (protocol, i), is_found(o, protocol) and peer.count == 1, str(o))
peer = Peer(SCRIPTED[0][1])
peer.is_patient = True  # the first connection brings a TLS hello
check("nntp by the greeting", is_found(one(str(peer)), "nntp") and peer.count == 2, str(peer.count))


def tls_or_alert(client):
    if client.recv(1, socket.MSG_PEEK) == b"\x16":
        tls(client)
    else:
        client.sendall(ALERT)


try:
    peer = Peer(says(b"220 mx\r\n", b"EHLO [IPv6:::1]\r\n", b"250 STARTTLS\r\n", b"STARTTLS\r\n", b"220 go\r\n"), "::1")
    check("over IPv6", is_found(one("[::1]:%d" % peer.port, "--protocol", "smtp"), "smtp"))
except OSError as none:
    check("over IPv6", not os.path.exists("/proc/net/if_inet6") or " lo" not in open("/proc/net/if_inet6").read(), str(none))


def strict(alpn):
    """TLS at once for those who name the protocol; others are sent away without a word."""
    def handle(peer, client):
        if client.recv(1, socket.MSG_PEEK) != b"\x16":
            return
        made = context(set_alpn_protocols=[alpn])
        made.maximum_version = ssl.TLSVersion.TLSv1_3
        connection = made.wrap_socket(client, server_side=True)
        if connection.selected_alpn_protocol() != alpn:
            raise OSError
        connection.close()
    return handle


for protocol, alpn in (("mssql", "tds/8.0"), ("postgres", "postgresql")):
    peer = Peer(strict(alpn))
    o = one(str(peer), "--protocol", protocol)
    check("%s with TLS at once: ALPN %s" % (protocol, alpn), is_found(o, protocol) and o["tls"]["alpn"] == alpn and peer.count == 2, str(o))
peer = Peer(lambda peer, client: peer.rest(client) if not client.recv(2000) else None)
o = one(str(peer), "--protocol", "mssql")
check("nobody answers: that is told, after one guess", (o["outcome"], o["protocol"], o["stage"], peer.count) == ("closed", "mssql", "dialogue", 2), str(o))

# ---- by port, by target, by scheme -----------------------------------------------

ADDRESS = "127.77.11.1"


def forward(port):
    def handle(peer, client):
        with socket.create_connection(("127.0.0.1", port)) as server:
            threading.Thread(target=pump, args=(server, client), daemon=True).start()
            pump(client, server)
    return handle


def pump(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


plain = {protocol: Peer(handle).port for protocol, handle in SCRIPTED}
KNOWN = {21: "ftp", 24: "lmtp", 25: "smtp", 110: "pop3", 143: "imap", 389: "ldap", 587: "smtp", 631: "http-upgrade", 3306: "mysql",
         3389: "rdp", 4190: "sieve", 5432: "postgres", 6667: "irc", 119: "nntp", 1433: "mssql", 23: "telnet", 3268: "ldap", 2525: "smtp"}
for port, protocol in KNOWN.items():
    Peer(forward(plain[protocol] if protocol == "http-upgrade" else ports.get(protocol) or plain[protocol]), ADDRESS, port)
found = look(ADDRESS, "--ports", ",".join(str(port) for port in KNOWN))
check_equal("each port by itself", sorted((o["port"], o["protocol"], o["outcome"], o["chain"][:1]) for o in found),
            sorted((port, protocol, "ok", [PRINT]) for port, protocol in KNOWN.items()))
check("the named set has them", set(KNOWN) <= {o["port"] for o in look(ADDRESS, "--ports", "starttls")})
os.makedirs(path("targets"))
with open(path("targets", "targets"), "w") as out:
    out.write("127.0.0.1 %d protocol=pop3\nhost.test %d protocol=xmpp\n" % (ports["pop3"], ports["xmpp"]))
found = look("--connect", "127.0.0.1", "--faces", "quick", config="targets")
check_equal("by the target", sorted((o["protocol"], o["outcome"]) for o in found), [("pop3", "ok"), ("xmpp", "ok")])

o = one("imap://127.0.0.1:%d" % ports["imap"])
check("by the scheme", is_found(o, "imap") and o["detail"] is None, str(o))
done = run(ERS, "scan", "--config", path("none"), "imap://127.0.0.1:1", "pop3://127.0.0.1:2")
check("two protocols for one target: refused", done.returncode == 2 and "two protocols" in done.stderr, done.stderr)
done = run(ERS, "discover", "--config", path("schemes"), "--servers", "imap://mail.example.com:1143,smtp://mx.example.com")
check("ers discover keeps the scheme", open(path("schemes", "targets")).read().splitlines()[-2:]
      == ["mail.example.com 1143 protocol=imap", "mx.example.com 25"], done.stdout + done.stderr)

at_once = free_port()
start("openssl", "s_server", "-accept", "127.0.0.1:%d" % at_once, "-cert", CERTIFICATE, "-key", KEY, "-quiet")
wait_port(at_once)
for address, name, handle in (("127.77.11.2", "closes at our words", forward(at_once)),
                              ("127.77.11.4", "answers with an alert", lambda peer, client: tls_or_alert(client))):
    peer = Peer(handle, address, 389)
    o = one(address + ":389")
    check("TLS at once on the port of a dialogue: %s" % name, is_found(o, "tls") and "found" in o["detail"] and peer.count == 2, str(o))
    o = one(address + ":389", "--protocol", "ldap")
    check("... and asked for LDAP: none there", (o["stage"], o["protocol"], peer.count) == ("dialogue", "ldap", 3)
          and o["outcome"] in ("not_tls", "closed", "reset"), str(o))
peer = Peer(lambda peer, client: None, "127.77.11.3", 389)
o = one("127.77.11.3:389")
check("a guess that was wrong is not told", (o["protocol"], o["stage"], peer.count) == ("ldap", "dialogue", 2), str(o))

# ---- servers that decline, and how we leave -----------------------------------------

EHLO = b"EHLO [127.0.0.1]\r\n"
DECLINE = [
    ("smtp", says(b"220 mx\r\n", EHLO, b"250-mx\r\n250 SIZE\r\n", then=lambda c: None), b"QUIT\r\n", "STARTTLS is not among what it offers"),
    ("smtp", says(b"220 mx\r\n", EHLO, b"250 STARTTLS\r\n", b"STARTTLS\r\n", b"454 not\x1b[1m now\r\n", then=lambda c: None), b"QUIT\r\n",
     "STARTTLS: 454 not\\x1b[1m now"),
    ("imap", says(b"* OK hi\r\n", b"a1 STARTTLS\r\n", b"a1 NO never\r\n", then=lambda c: None), b"a2 LOGOUT\r\n", "STARTTLS: a1 NO never"),
    ("pop3", says(b"+OK hi\r\n", b"STLS\r\n", b"-ERR never\r\n", then=lambda c: None), b"QUIT\r\n", "STLS: -ERR never"),
    ("postgres", says(b"", bytes.fromhex("0000000804d2162f"), b"N", then=lambda c: None), b"", "SSLRequest: no"),
    ("ldap", says(b"", LDAP, bytes.fromhex("300e02010178090a013404000402") + b"no", then=lambda c: None), bytes.fromhex("30050201024200"),
     "StartTLS: result 52 unavailable: no"),
]
for protocol, handle, goodbye, detail in DECLINE:
    def then_listen(peer, client, handle=handle):
        handle(peer, client)
        peer.rest(client)
    peer = Peer(then_listen)
    o = one(str(peer), "--protocol", protocol)
    check("%s declines: %s" % (protocol, detail), (o["outcome"], o["stage"], o["detail"], o["chain"]) == ("not_offered", "dialogue", detail, []), str(o))
    time.sleep(0.05)
    check("... and we say goodbye", peer.heard.endswith(goodbye), repr(peer.heard))
done = run(ERS, "scan", "--config", path("none"), str(Peer(DECLINE[0][1])), "--protocol", "smtp")
check("people are told too", re.search(r" no TLS .* STARTTLS is not among what it offers", done.stdout)
      and done.stdout.endswith("1 endpoint: 1 TLS not offered\n"), done.stdout)
with open(path("targets", "targets"), "w") as out:
    out.write("127.0.0.1 %d protocol=smtp\n" % Peer(DECLINE[0][1]).port)
check_equal("... but not by cron: it is no news", run(ERS, "scan", "--no-push", "--config", path("targets")).stdout, "")
done = run(ERS, "scan", "--help").stdout
spoken = done[done.index("--protocol"):].split("--timeout")[0].split()
check("the help lists all", set(KNOWN.values()) | {"xmpp", "xmpp-server", "tls"} <= set(spoken), done)

# ---- misbehaviour ---------------------------------------------------------------------


def endless(piece):
    def handle(peer, client):
        while True:
            client.sendall(piece)
    return handle


def drip(handle_text):
    def handle(peer, client):
        with socket.create_connection(("127.0.0.1", handle_text)) as server:
            threading.Thread(target=pump, args=(client, server), daemon=True).start()
            while True:
                data = server.recv(1)
                if not data:
                    return
                client.sendall(data)
    return handle


def injects(peer, client):
    client.sendall(b"220 mx\r\n")
    peer.expect(client, EHLO)
    client.sendall(b"250 STARTTLS\r\n")
    peer.expect(client, b"STARTTLS\r\n")
    client.sendall(b"220 go\r\n250 injected\r\n" + ALERT)
    tls(client)


def waits(seconds, handle):
    def later(peer, client):
        time.sleep(seconds)
        handle(peer, client)
    return later


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


GO = (b"220 mx\r\n", EHLO, b"250 STARTTLS\r\n", b"STARTTLS\r\n", b"220 go\r\n")
LHLO = EHLO.replace(b"EHLO", b"LHLO")
LHLO_GO = (b"250 STARTTLS\r\n", b"STARTTLS\r\n", b"220 go\r\n")


def waits_for_lhlo(client):
    time.sleep(2.5)
    client.sendall(b"220 mx\r\n")
    for said in (b"250 STARTTLS\r\n", b"220 go\r\n"):
        client.recv(2000)
        client.sendall(said)
    tls(client)


CASES = [
    ("silence", "smtp", lambda peer, client: time.sleep(9), "timeout", "dialogue", "connected, but no greeting: a slow one, or TLS at once (--protocol tls)"),
    ("a greeting that does not end", "smtp", says(b"220-wait", then=lambda c: time.sleep(9)), "timeout", "dialogue", "the dialogue did not come to its end: a longer --timeout may help"),
    ("a greeting later than the time-out", "smtp", waits(2.5, says(*GO)), "ok", "done", None),
    ("a greeting that is begun, and ends late", "lmtp", says(b"220-wait\r\n", then=waits_for_lhlo), "ok", "done", None),
    ("LMTP in place of SMTP", "smtp", says(b"220 mx\r\n", EHLO, b"500 what?\r\n", LHLO, *LHLO_GO), "ok", "done", None),
    ("an end in the dialogue", "smtp", says(b"220-wait\r\n", then=lambda c: None), "closed", "dialogue", "closed during the dialogue"),
    ("a reset in the dialogue", "imap", says(b"* OK\r\n", b"a1 STARTTLS\r\n", then=reset), "reset", "dialogue", None),
    ("a line without end", "ftp", endless(b"220 x"), "limit", "dialogue", "a line or message without end"),
    ("lines without end", "smtp", endless(b"220-x\r\n"), "limit", "dialogue", "more lines or messages than we listen to"),
    ("another protocol", "smtp", says(b"SSH-2.0-OpenSSH_9.2\r\n", then=lambda c: None), "not_tls", "dialogue", "not a reply with a number: SSH-2.0-OpenSSH_9.2"),
    ("an alert behind the dialogue", "smtp", says(*GO, then=lambda c: (c.recv(2000), c.sendall(ALERT))), "tls_alert", "hello", "handshake_failure"),
    ("clear text behind the dialogue", "smtp", says(*GO, then=lambda c: (c.recv(2000), c.sendall(b"500 what?\r\n"))), "not_tls", "hello", "no TLS record"),
    ("silence behind the dialogue", "smtp", says(*GO, then=lambda c: time.sleep(5)), "timeout", "hello", "connected, but no answer that is complete"),
    ("an end behind the dialogue", "smtp", says(*GO, then=lambda c: c.recv(2000)), "closed", "hello", "closed without an answer"),
    ("bytes injected behind the last reply", "smtp", injects, "ok", "done", "bytes in clear behind the last reply were dropped"),
    ("one byte at a time", "imap", drip(ports["imap"]), "ok", "done", None),
    ("one byte at a time", "mysql", drip(ports["mysql"]), "ok", "done", None),
    ("one byte at a time", "mssql", drip(Peer(SCRIPTED[2][1]).port), "ok", "done", None),
    ("a late greeting", "pop3", waits(0.8, says(b"+OK\r\n", b"STLS\r\n", b"+OK\r\n")), "ok", "done", None),
    ("TLS not wrapped", "mssql", says(b"", PRELOGIN, ENCRYPT + ALERT * 2, then=lambda c: (c.recv(2000), c.sendall(ALERT * 2))), "tls_error", "hello",
     "TLS is not wrapped as agreed"),
]
began = time.monotonic()
peers = [Peer(handle) for _, _, handle, *_ in CASES]
os.makedirs(path("misbehaviour"))
with open(path("misbehaviour", "targets"), "w") as out:
    for i, (_, protocol, *_) in enumerate(CASES):  # an address each: a target has one protocol
        out.write("127.0.1.%d %d protocol=%s\n" % (1 + i, peers[i].port, protocol))
for i, peer in enumerate(peers):
    Peer(peer.handle, "127.0.1.%d" % (1 + i), peer.port)
found = {o["ip"]: o for o in look("--timeout", "2s", config="misbehaviour")}
took = time.monotonic() - began
for i, (name, protocol, _, outcome, stage, detail) in enumerate(CASES):
    o = found.get("127.0.1.%d" % (1 + i), {"outcome": None, "stage": None, "detail": None})
    check("%s, %s: %s" % (protocol, name, outcome), (o["outcome"], o["stage"]) == (outcome, stage)
          and (detail is None or o["detail"] == detail) and (outcome != "ok" or o["chain"][:1] == [PRINT]), str(o))
check_equal("... which is told", found["127.0.1.%d" % (1 + [c[0] for c in CASES].index("LMTP in place of SMTP"))]["protocol"], "lmtp")
check("all within the time-out, twice that for mail", took < 2 * 2 + 1.5, str(took))


# A greeting in clear in the smallest pieces, where TLS was expected.
peer = Peer(drip(ports["smtp"]))
check("a greeting byte by byte is a greeting", is_found(one(str(peer)), "smtp") and peer.count == 2, str(peer.count))
for name, piece in (("a greeting without end", b"220-wait"), ("ends in its greeting", b"220 m"), ("text", b"hello, world"), ("a word", b"22")):
    peer = Peer(lambda peer, client, piece=piece: (client.sendall(piece), reads_rest(peer, client) if piece != b"220 m" else None))
    o = one(str(peer), "--timeout", "700ms")
    check("%s: no TLS" % name, (o["outcome"], o["protocol"]) == (("timeout" if piece == b"22" else "not_tls"), "tls") and peer.count == 1, str(o))

# ---- what servers log ------------------------------------------------------------------

NGINX = free_port()
with open(path("nginx.conf"), "w") as out:  # log levels and formats are the defaults
    out.write("daemon off; pid %s; events {} http { access_log %s; %s server { listen 127.0.0.1:%d ssl; ssl_certificate %s; "
              "ssl_certificate_key %s; return 204; } }" % (path("nginx.pid"), path("access"), " ".join(
                  "%s_temp_path %s;" % (kind, path("nginx-" + kind)) for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")),
                  NGINX, CERTIFICATE, KEY))
start("nginx", "-e", path("nginx-errors"), "-p", WORK, "-c", path("nginx.conf"))
check("nginx is up", wait_port(NGINX))
log_ports["nginx, tls"] = ("tls", NGINX)
servers.logs["nginx"] = path("nginx-errors")


def as_in_readme(line):
    """Without time and numbers of processes, and with the README's addresses."""
    line = re.sub(r"^\w{3} \d\d \d\d:\d\d:\d\d (?:\S+ (?=postfix/))?", "", line)
    line = re.sub(r"^(\S+?)[\[(]\d+[\])]:", r"\1:", line)
    line = re.sub(r"TLS handshaking: Connection closed", "TLS handshaking: SSL connection closed during handshake", line)
    line = re.sub(r"\((?:no auth attempts in|disconnected before auth was ready, waited) \d+ secs\)", "(no auth attempts in 0 secs)", line)
    line = re.sub(r"rip=127.0.0.1, lip=127.0.0.1", "rip=192.0.2.7, lip=192.0.2.25", line)
    line = re.sub(r"localhost\[127.0.0.1\]", "agent.example.com[192.0.2.7]", line)
    return re.sub(r"session=<[^>]*>", "session=<...>", re.sub(r"from 127.0.0.1", "from 192.0.2.7", line))


readme = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "README.md")).read()
section = readme.split("What your servers will log", 1)[-1].split("\n## ", 1)[0]
quoted = [line.strip() for line in section.splitlines() if line.startswith("    ")]
used = set()
for name, (protocol, port) in log_ports.items():
    server = name.split(",")[0]
    before = len(servers.said(server))
    check("%s: found" % name, is_found(one("127.0.0.1:%d" % port, "--protocol", protocol), protocol))
    end = time.monotonic() + 5
    while server != "nginx" and "isconnect" not in servers.said(server)[before:] and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.3 if server == "nginx" else 0.05)
    lines = [as_in_readme(line) for line in servers.said(server)[before:].splitlines()]
    used.update(lines)
    check("%s: README has what it logs" % name, all(line in quoted for line in lines) and (lines or server == "nginx"), str(lines))
check("README has no other lines", set(quoted) <= used, str(set(quoted) - used))
check_equal("nginx: no request, so nothing in its access log", open(path("access")).read(), "")
mail.stop()
finish()
