#!/usr/bin/env python3
"""ers scan --faces full: every certificate that an address has, by name, without one, by
kind of key and behind a load balancer, against nginx and openssl; what else a server is
asked; how names are looked up. Each leaf is compared with openssl's own SHA-256."""
import itertools
import os
import select
import socket
import threading
import time

from dns import Dns, private_network, reverse, set_file
from peer import *

private_network(hosts="127.0.0.1 localhost\n127.3.0.1 inhosts.test\n")
ERS = applet("ers")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


def san(*names):
    return ("-addext", "subjectAltName=" + ",".join("DNS:" + name for name in names))


MADE = {
    "default": make_certificate("default", subject="/CN=default.test", extra=san("default.test")),
    "web-rsa": make_certificate("web-rsa", subject="/CN=web.test",
                                extra=san("web.test", "learned.test", "*.wild.test", "secret.test", "web.test")),
    "web-ec": make_certificate("web-ec", EC, subject="/CN=web.test", extra=san("web.test")),
    "learned": make_certificate("learned", EC, subject="/CN=learned.test", extra=san("learned.test", "deeper.test")),
    "deeper": make_certificate("deeper", EC, subject="/CN=deeper.test", extra=san("deeper.test")),
    "pointer": make_certificate("pointer", EC, subject="/CN=pointer.test", extra=san("pointer.test")),
    "secret": make_certificate("secret", EC, subject="/CN=secret.test", extra=san("secret.test")),
    "node": make_certificate("node", subject="/CN=web.test", extra=san("web.test")),
    "crowded": make_certificate("crowded", subject="/CN=crowded.test",
                                extra=san(*["n%02d.test" % i for i in range(60)])),
}
PRINTS = {name: fingerprint(files[0]) for name, files in MADE.items()}
NAMES = {v: k for k, v in PRINTS.items()}
PORT = 8443
ZONE = {
    "web.test": {"A": ["127.1.0.1"], "AAAA": ["::1"]},
    "crowded.test": {"A": ["127.1.0.2"]},
    "balanced.test": {"A": ["127.1.0.3"]},
    reverse("127.1.0.1"): {"PTR": ["Pointer.test"]},
    "many.test": {"A": ["127.2.0.%d" % i for i in range(1, 101)]},
    "short.example.test": {"A": ["127.1.0.1"]},
    "dotted.short.example.test": {"A": ["127.1.0.1"]},
}
dns = Dns(ZONE)


def fresh(targets=None):
    folder = path("config-%d" % next(fresh.count))
    os.makedirs(folder)
    if targets is not None:
        with open(os.path.join(folder, "targets"), "w") as f:
            f.write(targets)
    return folder


fresh.count = itertools.count()


def look(*words, config=None, **options):
    done = run(ERS, "scan", "--config", config or fresh(), "--json", "--rate", "max", *words, **options)
    found = by_type(done.stdout)
    found["said"] = done.stderr
    return found


def sums(found):
    faces, endpoints = found["summary"][0]["faces"], found["summary"][0]["endpoints"]
    return (sum(faces["outcomes"].values()) == faces["tried"] == len(found["observation"])
            and sum(endpoints["states"].values()) == endpoints["total"])


def leaves(found):
    return sorted(NAMES.get(o["chain"][0], o["chain"][0]) for o in found["observation"] if o["chain"])


def by_face(found):
    return {(o["ip"], o["sni"], o["asked"]): NAMES.get(o["chain"][0]) if o["chain"] else o["outcome"]
            for o in found["observation"]}


# ---- nginx: two kinds of key, names, IPv6 ------------------------------------------

servers = [("default.test", "default_server", ["default"]), ("web.test", "", ["web-rsa", "web-ec"]),
           ("learned.test", "", ["learned"]), ("deeper.test", "", ["deeper"]), ("pointer.test", "", ["pointer"]),
           ("secret.test", "", ["secret"])]
conf = ["daemon off; master_process off; pid %s; error_log %s;" % (path("nginx.pid"), path("nginx.log")),
        "events {} http { access_log off;"]
for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
    conf.append("%s_temp_path %s;" % (kind, path("nginx-" + kind)))
for name, more, certificates in servers:
    conf.append("server { listen 127.1.0.1:%d ssl %s; listen [::1]:%d ssl %s; server_name %s; ssl_protocols TLSv1.2 TLSv1.3;"
                % (PORT, more, PORT, more, name))
    conf += ["ssl_certificate %s; ssl_certificate_key %s;" % MADE[c] for c in certificates]
    conf.append("return 204; }")
conf.append("server { listen 127.1.0.2:%d ssl; ssl_certificate %s; ssl_certificate_key %s; return 204; } }"
            % (PORT, *MADE["crowded"]))
with open(path("nginx.conf"), "w") as f:
    f.write("\n".join(conf))
start("nginx", "-e", path("nginx.log"), "-p", WORK, "-c", path("nginx.conf"))
check("nginx is up", wait_port(PORT, "127.1.0.1"), open(path("nginx.log")).read())

found = look("web.test:%d" % PORT, "--connect", "127.1.0.1", "--faces", "full")
faces = by_face(found)
wanted = {("127.1.0.1", "web.test", "any"), ("127.1.0.1", None, "any"), ("127.1.0.1", "learned.test", "any"),
          ("127.1.0.1", "deeper.test", "any"), ("127.1.0.1", "pointer.test", "any")}
check("faces: name, none, learned names, the address's own name", wanted <= set(faces), str(sorted(map(str, faces))))
check_equal("full: every certificate of the address", sorted(set(leaves(found))),
            sorted(["default", "web-rsa", "web-ec", "learned", "deeper", "pointer", "secret"]))
check("RSA and ECDSA by name", {"web-rsa", "web-ec"} <= {v for (_, sni, _), v in faces.items() if sni == "web.test"}, str(faces))
check("no ML-DSA there: an alert, and counted", faces.get(("127.1.0.1", "web.test", "ml-dsa")) == "tls_alert", str(faces))
check_equal("each face once", len(faces), len(found["observation"]))
check("wildcards are not asked for", not any(sni and "*" in sni for _, sni, _ in faces), str(faces))
check("both accounts sum", sums(found) and found["summary"][0]["endpoints"]["states"] == {"ok": 1}, str(found["summary"]))
base = [o for o in found["observation"] if o["sni"] == "web.test" and o["asked"] == "any"][0]
check_equal("TLS 1.1 refused, no hybrid group", (base["tls"]["old_version"], base["tls"]["hybrid_group"]), ("none", "none"))
check("only the first face is asked so", all(o["tls"]["old_version"] is None for o in found["observation"]
                                             if o is not base and o["tls"]), str(found["observation"]))

quick = look("web.test:%d" % PORT, "--faces", "quick", "--connect", "127.1.0.1")
check_equal("quick: one face", len(quick["observation"]), 1)
check_equal("... with nothing else asked", quick["observation"][0]["tls"]["old_version"], None)
check_equal("ranges are quick by themselves", len(look("127.1.0.1-127.1.0.2", "--ports", PORT)["observation"]), 2)
named = look("web.test:%d" % PORT)
check_equal("a name is full by itself, at each of its addresses",
            {ip: sorted({v for (a, _, _), v in by_face(named).items() if a == ip} & set(PRINTS))
             for ip in ("127.1.0.1", "::1")},
            {"127.1.0.1": sorted(["default", "web-rsa", "web-ec", "learned", "deeper", "pointer", "secret"]),
             "::1": sorted(["default", "web-rsa", "web-ec", "learned", "deeper", "secret"])})
check("a name's accounts sum", sums(named), str(named["summary"]))
full = look("127.1.0.1:%d" % PORT, "--faces", "full")
check("full for an address: what its certificate names, and its own name",
      {"default", "pointer"} <= set(leaves(full)) and all(o["sni"] != "127.1.0.1" for o in full["observation"]), str(by_face(full)))
one_name = look("127.1.0.1:%d" % PORT, "--faces", "full", "--sni", "learned.test")
check_equal("--sni: that name alone", {o["sni"] for o in one_name["observation"]}, {"learned.test"})
careful = look("web.test:%d" % PORT, "--connect", "127.1.0.1", config=fresh("exclude secret.test\n"))
check("an excluded name is not asked for", "secret.test" not in {o["sni"] for o in careful["observation"]}
      and "secret" not in leaves(careful) and "learned" in leaves(careful), str(by_face(careful)))

crowded = look("crowded.test:%d" % PORT)
outcomes = crowded["summary"][0]["faces"]["outcomes"]
left = [o for o in crowded["observation"] if o["outcome"] == "limit"]
check("at most 24 faces an address, and told", len(crowded["observation"]) < 26 and len(left) == 1
      and "more names" in left[0]["detail"] and sums(crowded), str(outcomes) + str(left))
check_equal("the endpoint is ok all the same", crowded["summary"][0]["endpoints"]["states"], {"ok": 1})

# ---- a load balancer ---------------------------------------------------------------

nodes = []
for name in ("web-rsa", "node"):
    nodes.append(free_port())
    start("openssl", "s_server", "-accept", "127.0.0.1:%d" % nodes[-1], "-cert", MADE[name][0], "-key", MADE[name][1],
          "-quiet", "-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1")
    check("%s is up" % name, wait_port(nodes[-1]))


class Balancer:
    def __init__(self, address, targets):
        self.turn = itertools.cycle(targets)
        self.count = 0
        self.socket = socket.create_server((address, PORT), backlog=64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            self.count += 1
            threading.Thread(target=relay, args=(client, next(self.turn)), daemon=True).start()


balancer = Balancer("127.1.0.3", nodes)
balanced = look("balanced.test:%d" % PORT)
check_equal("both nodes of a load balancer", sorted(set(leaves(balanced))), ["node", "web-rsa"])
check("a look that shows nothing new is neither told nor counted", sums(balanced), str(balanced["summary"]))
base = [o for o in balanced["observation"] if o["sni"] == "balanced.test" and o["asked"] == "any"][0]
check_equal("TLS 1.1 accepted", base["tls"]["old_version"], "TLSv1.1")
same = Balancer("127.1.0.4", nodes[:1])
alone = look("balanced.test:%d" % PORT, "--connect", "127.1.0.4")
check("one node alone: as many connections, one certificate", set(leaves(alone)) == {"web-rsa"}, str(by_face(alone)))

# ---- a hybrid group -----------------------------------------------------------------


def hello_of(client):
    head = client.recv(5, socket.MSG_WAITALL)
    return client.recv(int.from_bytes(head[3:5], "big"), socket.MSG_WAITALL) if len(head) == 5 else b""


def hybrid(first, client):
    """Says by a HelloRetryRequest that it wants X25519MLKEM768, to who offers nothing else."""
    random = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    extensions = b"\x00\x2b\x00\x02\x03\x04" + b"\x00\x33\x00\x02\x11\xec"
    session = first[39:39 + first[38]]
    body = (b"\x03\x03" + random + bytes([len(session)]) + session + b"\x13\x01\x00" + len(extensions).to_bytes(2, "big")
            + extensions)
    message = b"\x02" + len(body).to_bytes(3, "big") + body
    client.sendall(b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
    client.settimeout(2)
    hybrid.heard = client.recv(100)


def front(client):
    with client:
        first = hello_of(client)
        if b"\x00\x0a\x00\x04\x00\x02\x11\xec" in first:
            hybrid(first, client)
            return
        relay(client, nodes[0], b"\x16\x03\x01" + len(first).to_bytes(2, "big") + first)


def serve_by(listener, answer):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=answer, args=(client,), daemon=True).start()


threading.Thread(target=serve_by, args=(socket.create_server(("127.1.0.5", PORT)), front), daemon=True).start()
found = look("balanced.test:%d" % PORT, "--connect", "127.1.0.5")
base = [o for o in found["observation"] if o["sni"] == "balanced.test" and o["asked"] == "any"][0]
check_equal("a hybrid group is seen by its retry", base["tls"]["hybrid_group"], "X25519MLKEM768")
check_equal("... and left in peace", hybrid.heard, bytes.fromhex("1503030002015a" "15030300020100"))

# ---- another certificate for old clients ------------------------------------------------

old_node = free_port()
start("openssl", "s_server", "-accept", "127.0.0.1:%d" % old_node, "-cert", MADE["node"][0], "-key", MADE["node"][1],
      "-quiet", "-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1", "-max_protocol", "TLSv1.1")
check("a node for old clients", wait_port(old_node))


def by_age(client):
    with client:
        first = hello_of(client)
        relay(client, old_node if first[4:6] <= b"\x03\x02" else nodes[0],
              b"\x16\x03\x01" + len(first).to_bytes(2, "big") + first)


listener = socket.create_server(("127.1.0.6", PORT))
threading.Thread(target=serve_by, args=(listener, by_age), daemon=True).start()
for target, words in (("balanced.test", ("--connect", "127.1.0.6")), ("127.1.0.6", ("--faces", "full"))):
    found = look("%s:%d" % (target, PORT), *words)
    old = [o for o in found["observation"] if o["tls"] and o["tls"]["version"] == "TLSv1.1"]
    check_equal("%s: what old clients are shown is found, once" % target, [NAMES[o["chain"][0]] for o in old], ["node"])
    check("%s: said how, and counted" % target, old[0]["detail"] == "shown where at most TLS 1.1 is offered"
          and old[0]["asked"] == "any" and sums(found), str(old) + str(found["summary"]))

# ---- names ---------------------------------------------------------------------------

everywhere = start("openssl", "s_server", "-accept", "9443", "-cert", MADE["node"][0], "-key", MADE["node"][1], "-quiet")
check("a server at all addresses", wait_port(9443, "127.2.0.1"))
dns.asked.clear()
many = look("many.test:9443", "many.test:9444", "--faces", "quick")
check_equal("a name with 100 addresses", len({o["ip"] for o in many["observation"] if o["outcome"] == "ok"}), 100)
check("its answer was truncated, and asked for again over TCP",
      ("many.test", "A", "udp") in dns.asked and ("many.test", "A", "tcp") in dns.asked, str(dns.asked))
check_equal("asked once, for all its ports", dns.asked.count(("many.test", "A", "tcp")), 1)
check("100 addresses: accounts", sums(many) and many["summary"][0]["endpoints"]["total"] == 2, str(many["summary"]))

dns.asked.clear()
o = look("inhosts.test:9443", "--faces", "quick")["observation"][0]
check("the hosts file comes first", (o["ip"], o["outcome"]) == ("127.3.0.1", "ok") and "inhosts.test" not in dns.names_asked(),
      str(o) + str(dns.asked))

set_file("resolv.conf", "nameserver 127.0.0.1\nsearch nowhere.test example.test\n")
dns.asked.clear()
o = look("short:%d" % PORT, "--faces", "quick")["observation"][0]
check("the search list", o["ip"] == "127.1.0.1" and dns.names_asked()[0] == "short.nowhere.test", str(o) + str(dns.asked))
dns.asked.clear()
look("dotted.short:%d" % PORT, "--faces", "quick")
check_equal("a name with a dot is asked for as it is first", dns.names_asked()[0], "dotted.short")
set_file("resolv.conf", "nameserver 127.0.0.1\nsearch example.test\noptions ndots:3\n")
dns.asked.clear()
o = look("dotted.short:%d" % PORT, "--faces", "quick")["observation"][0]
check("ndots", o["ip"] == "127.1.0.1" and dns.names_asked()[0] == "dotted.short.example.test", str(o) + str(dns.asked))

other = Dns({"web.test": {"A": ["127.1.0.2"]}, "only.test": {"A": ["127.1.0.2"]}}, "127.0.0.2")
set_file("resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\n")
o = look("web.test:%d" % PORT, "--faces", "quick")["observation"]
check("two name servers that differ: the first counts", "127.1.0.1" in {x["ip"] for x in o} and not other.asked, str(other.asked))
set_file("resolv.conf", "nameserver 127.0.0.2\nnameserver 127.0.0.1\n")
o = look("web.test:%d" % PORT, "--faces", "quick")["observation"]
check_equal("... in their order", {x["ip"] for x in o}, {"127.1.0.2"})
o = look("many.test:9443", "--faces", "quick")["observation"]
check_equal("no such name, says the first: the second is not asked", {x["outcome"] for x in o}, {"dns_error"})
dns.silent = True
set_file("resolv.conf", "nameserver 127.0.0.1\nnameserver 127.0.0.2\n")
o = look("only.test:%d" % PORT, "--faces", "quick", "--timeout", "3s")["observation"]
check_equal("a silent name server: the next one is asked", {x["ip"] for x in o}, {"127.1.0.2"})
finish()
