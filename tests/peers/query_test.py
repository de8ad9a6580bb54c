#!/usr/bin/env python3
"""Queries against a real server: what the API answers equals what Python makes of the
rows that it pushed. Then the same of clm-export, beside the server."""
import csv
import datetime
import hashlib
import io
import json
import os
import random
import re
import subprocess
import time
import urllib.parse

import agent as peer_agent
from agent import Agent, Person, batch_id, certificate_line, observation_line, openssl
from peer import applet, check, check_equal, finish, free_port, path, run, start, stop, wait_port

DATA = path("server")
PORT = free_port()
ROOT = os.path.join(DATA, "root.pem")
URL = "https://localhost:%d" % PORT
NOW = int(time.time())
DAY = 86400
random.seed(5)

# ---- certificates: an authority, leaves of three kinds of keys, self-signed ones ------

KEYS = {"EC P-256": ("EC", "ec_paramgen_curve:P-256"), "RSA 2048": ("RSA", "rsa_keygen_bits:2048"), "RSA 1024": ("RSA", "rsa_keygen_bits:1024")}
for kind, (algorithm, option) in KEYS.items():
    openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", path(kind.replace(" ", "") + ".key"))


def key_of(kind):
    return path(kind.replace(" ", "") + ".key")


openssl("req", "-x509", "-key", key_of("EC P-256"), "-subj", "/O=Example Trust/CN=Example Issuing CA", "-days", "3650", "-out", path("ca.pem"))
with open(path("ca.cnf"), "w") as f:
    f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\npolicy=p\ndefault_md=sha256\ncopy_extensions=copy\nunique_subject=no\n"
            "serial=%s\n[p]\ncommonName=supplied\norganizationName=optional\n" % (path("index.txt"), path(""), path("serial")))
open(path("index.txt"), "w").close()


def moment(s):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(s))


def issue(name, kind, end, serial, names=None, self_signed=False, digest="sha256", begin=NOW - 400 * DAY):
    subject = "/O=Example/CN=" + name
    openssl("req", "-new", "-key", key_of(kind), "-subj", subject, "-out", path("csr"),
            "-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names or [name]))
    with open(path("serial"), "w") as f:
        f.write("%02X" % serial if len("%X" % serial) % 2 == 0 else "0%X" % serial)
    signer = ["-selfsign", "-keyfile", key_of(kind)] if self_signed else ["-keyfile", key_of("EC P-256"), "-cert", path("ca.pem")]
    openssl("ca", "-batch", "-notext", "-config", path("ca.cnf"), "-md", digest, "-in", path("csr"), "-out", path("out.pem"),
            "-startdate", moment(begin), "-enddate", moment(end), *signer)
    return open(path("out.pem")).read()


CA = open(path("ca.pem")).read()
rows = []  # what Python knows of each certificate


def add(pem, **known):
    der = openssl("x509", "-outform", "DER", data=pem.encode())
    spki = openssl("pkey", "-pubin", "-outform", "DER", data=openssl("x509", "-noout", "-pubkey", data=pem.encode()))
    known.update(pem=pem, der=der, sha256=hashlib.sha256(der).hexdigest(), spki=hashlib.sha256(spki).hexdigest(), places=[])
    rows.append(known)
    return known


ca = add(CA, name="Example Issuing CA", names=[], issuer="CN=Example Issuing CA,O=Example Trust", key="EC P-256", end=None, begin=NOW, serial=None,
         self_signed=True, ca=True, sig="ecdsa-with-SHA256")
ca["serial"] = int(openssl("x509", "-noout", "-serial", data=CA.encode()).decode().split("=")[1], 16)
ended = openssl("x509", "-noout", "-enddate", "-dateopt", "iso_8601", data=CA.encode()).decode().split("=")[1].strip()
ca["end"] = int(datetime.datetime.fromisoformat(ended.replace("Z", "+00:00")).timestamp())
kinds = list(KEYS)
for i in range(36):
    name = "%s-%02d.%s.example.com" % (("web", "mail", "ldap")[i % 3], i, ("north", "south")[i % 2])
    kind, self_signed = kinds[i % 3 if i % 7 else 2], i % 5 == 0
    end = NOW + (i * 9 - 60) * DAY + 3600
    digest = "sha1" if i % 11 == 3 else "sha256"
    names = [name, "*.wild%d.example.com" % i] if i % 4 == 0 else [name]
    serial = 0x00a1b2c3d4 + i * 0x10000001 if i % 2 else 0x71b2c3d4 + i
    pem = issue(name, kind, end, serial, names, self_signed, digest)
    signing = kind if self_signed else "EC P-256"
    add(pem, name=name, names=names, issuer="O=Example,CN=%s" % name if self_signed else ca["issuer"], key=kind, end=end, begin=NOW - 400 * DAY,
        serial=serial, self_signed=self_signed, ca=False,
        sig=("ecdsa-with-%s" % digest.upper() if signing.startswith("EC") else "%sWithRSAEncryption" % digest))

# ---- a server, two agents, places -----------------------------------------------------

made = peer_agent.init(applet("clm-server"), DATA, PORT)
server = start(applet("clm-server"), "run", "--data", DATA, stderr=open(path("server.log"), "w"))
if not wait_port(PORT):
    raise RuntimeError(open(path("server.log")).read())
token = json.loads(run(applet("clm-server"), "token", "create", "--data", DATA, "--json", "--uses", "2").stdout)["token"]
agents = []
for name, network in (("dc1.example.com", "default"), ("dc2.example.com", "south")):
    one = Agent(URL, ROOT, name)
    status, answer = one.enrol(token, network=network)
    check_equal("enrol " + name, status, 201)
    one.id = answer["agent"]
    one.network = network
    agents.append(one)
enrolled_at = int(time.time())
time.sleep(1.1)  # so that a moment lies between the agents and what they saw
PROTOCOLS = ("tls", "smtp", "ldap")
for which, one in enumerate(agents):
    lines, seen = [certificate_line(r["pem"]) for r in rows], []
    for i, r in enumerate(rows):
        if r is ca or i % 2 != which and i % 6:
            continue
        place = {"host": "h%d.%s" % (i, r["name"]), "ip": "10.%d.0.%d" % (which, i), "port": (443, 993, 8443)[i % 3], "protocol": PROTOCOLS[i % 3],
                 "agent": one.name, "id": one.id, "network": one.network, "tls": ("TLSv1.0", "TLSv1.2", "TLSv1.3")[i % 3]}
        chain = [r["sha256"]] if r["self_signed"] else [r["sha256"], ca["sha256"]]
        lines.append(observation_line(chain, host=place["host"], ip=place["ip"], port=place["port"], protocol=place["protocol"],
                                      tls={"version": place["tls"], "cipher_suite": "x", "group": None, "alpn": None}))
        r["places"].append(place)
        if len(chain) > 1:
            ca["places"].append(place)
    lines.append(observation_line([], host="closed.example.com", ip="10.9.0.%d" % which, outcome="refused"))
    status, answer = one.push(batch_id(), lines)
    check("push of " + one.name, status == 200 and not answer["rejected"], answer)
admin = Person(URL, ROOT)
admin.call("POST", "/session/link", {"link": made["link"].split("#")[1], "password": "correct horse battery staple"})
status, answer = admin.call("GET", "/certificates?limit=1000")
check_equal("all certificates are there", sorted(r["sha256"] for r in answer["items"]), sorted(r["sha256"] for r in rows))
by_sha256 = {r["sha256"]: r for r in answer["items"]}
owned = next(r for r in rows if r["name"].startswith("mail-01"))
admin.call("POST", "/services/" + by_sha256[owned["sha256"]]["service"], {"owner": "Team Mail", "tags": ["prod", "dmz"], "notes": ""})
owned["owner"], owned["tags"] = "Team Mail", ["prod", "dmz"]


def at_place(r, **wanted):
    return any(all(p[k] == v if not callable(v) else v(p[k]) for k, v in wanted.items()) for p in r["places"])


def has(r, text):
    return any(text in t.lower() for t in [r["name"], "CN=%s,O=Example" % r["name"], r["issuer"]] + r["names"])


leaf = rows[3]
iso = lambda s: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(s))
day_of = lambda s: time.strftime("%Y-%m-%d", time.gmtime(s))
QUERIES = [
    ("", lambda r: True),
    ("north", lambda r: has(r, "north")),
    ("NORTH web", lambda r: has(r, "north") and has(r, "web")),
    ("web or ldap", lambda r: has(r, "web") or has(r, "ldap")),
    ("not north", lambda r: not has(r, "north")),
    ("\"trust\"", lambda r: has(r, "trust")),
    ("issuer:\"example issuing\"", lambda r: "Issuing" in r["issuer"]),
    ("issuer=\"" + ca["issuer"] + "\"", lambda r: r["issuer"] == ca["issuer"]),
    ("san:*.north.example.com", lambda r: any(n.endswith(".north.example.com") for n in r["names"])),
    ("san:\"*.wild\"", lambda r: any("*.wild" in n for n in r["names"])),
    ("subject:O=Example", lambda r: True),
    ("serial:%x" % leaf["serial"], lambda r: r is leaf),
    ("serial:\"00:%s\"" % re.sub("(..)(?=.)", r"\1:", "%010X" % leaf["serial"]), lambda r: r is leaf),
    ("serial:71b2*", lambda r: ("%x" % r["serial"]).startswith("71b2")),
    ("sha256:" + leaf["sha256"].upper(), lambda r: r is leaf),
    (re.sub("(..)(?=.)", r"\1:", leaf["sha256"]), lambda r: r is leaf),
    ("spki:" + leaf["spki"], lambda r: r["spki"] == leaf["spki"]),
    ("key:rsa", lambda r: r["key"].startswith("RSA")),
    ("key:rsa<2048", lambda r: r["key"] == "RSA 1024"),
    ("key:ec-p256 not is:ca", lambda r: r["key"] == "EC P-256" and not r["ca"]),
    ("sig:sha1", lambda r: "sha1" in r["sig"].lower()),
    ("version:3", lambda r: True),
    ("expires<30d", lambda r: r["end"] < NOW + 30 * DAY),
    ("expires>=now expires<=" + iso(rows[12]["end"]), lambda r: NOW <= r["end"] <= rows[12]["end"]),
    ("expires:" + day_of(rows[20]["end"]), lambda r: day_of(r["end"]) == day_of(rows[20]["end"])),
    ("is:expired or expires>250d", lambda r: r["end"] < NOW or r["end"] > NOW + 250 * DAY),
    ("issued<-1d", lambda r: r["begin"] < NOW - DAY),
    ("is:self-signed not is:ca", lambda r: r["self_signed"] and not r["ca"]),
    ("is:served", lambda r: bool(r["places"])),
    ("is:gone", lambda r: False),
    ("agent:dc1*", lambda r: at_place(r, agent="dc1.example.com")),
    ("agent:" + agents[1].id, lambda r: at_place(r, id=agents[1].id)),
    ("agent:dc1.example.com port:993", lambda r: at_place(r, agent="dc1.example.com", port=993)),
    ("is:served network:south ip:10.1.0.0/28", lambda r: at_place(r, network="south", ip=lambda a: a.startswith("10.1.0.") and int(a[7:]) < 16)),
    ("not agent:dc1.example.com", lambda r: not at_place(r, agent="dc1.example.com")),
    ("(port:443 or port:8443) protocol:tls", lambda r: at_place(r, port=lambda p: p in (443, 8443), protocol="tls")),
    ("tls<1.2 is:served", lambda r: at_place(r, tls="TLSv1.0")),
    ("host:h1*.web*", lambda r: at_place(r, host=lambda h: re.match(r"h1.*\.web", h) is not None)),
    ("chain:\"issuing ca\"", lambda r: r is ca or not r["self_signed"]),
    ("chain:" + ca["sha256"] + " not is:ca", lambda r: r is not ca and not r["self_signed"] and bool(r["places"])),
    ("owner:\"team mail\"", lambda r: r.get("owner") == "Team Mail"),
    ("tag:dmz owner:team*", lambda r: "dmz" in r.get("tags", [])),
    ("owner:none tag:none", lambda r: "owner" not in r),
    ("outcome:ok seen>-1d", lambda r: bool(r["places"])),
]


def ask(q, kind="certificates", **more):
    """All rows by pages of seven, so that paging is tried too."""
    found, cursor = [], None
    while True:
        parameters = dict(more, q=q, limit="7", **({"cursor": cursor} if cursor else {}))
        status, answer = admin.call("GET", "/%s?%s" % (kind, urllib.parse.urlencode(parameters)))
        if status != 200:
            return status, answer
        found += answer["items"]
        cursor = answer["next"]
        if not cursor:
            return found, answer["total"]


EXPORT = applet("clm-export")


def export(*options):
    done = run(EXPORT, "--data", DATA, *options)
    return done.returncode, done.stdout, done.stderr


for q, holds in QUERIES:
    expected = sorted(r["sha256"] for r in rows if holds(r))
    found, total = ask(q)
    got = sorted(r["sha256"] for r in found) if isinstance(found, list) else (found, total)
    check("query %s: %d" % (q, len(expected)), got == expected and total == len(expected),
          "%d instead of %d, total %s: %r" % (len(got), len(expected), total, [r["name"] for r in rows if (r["sha256"] in got) != holds(r)][:5]))
    status, out, errors = export("--where", q, "--columns", "sha256,not_after")
    lines = out.split()[1:]
    check("export %s" % q, status == 0 and sorted(line[:64] for line in lines) == expected and lines == sorted(lines, key=lambda v: v[65:]), errors)

# ---- endpoints, orders, mistakes --------------------------------------------------------

places = {(p["network"], p["host"], p["port"]): (r, p) for r in rows if r is not ca for p in r["places"]}
for q, holds in [("", None), ("port:993", lambda r, p: p["port"] == 993), ("agent:dc2* expires<30d", lambda r, p: p["agent"].startswith("dc2") and r["end"] < NOW + 30 * DAY),
                 ("key:rsa<2048 tls:1.2", lambda r, p: r["key"] == "RSA 1024" and p["tls"] == "TLSv1.2"), ("ip:10.1.0.0/16", lambda r, p: p["ip"].startswith("10.1.")),
                 ("outcome:refused", lambda r, p: False), ("h3", lambda r, p: "h3" in p["host"]), ("is:expired", lambda r, p: r["end"] < NOW)]:
    found, total = ask(q, "endpoints")
    got = sorted((e["network"], e["host"], e["port"]) for e in found if e["host"] != "closed.example.com")
    check("endpoints %s" % q, got == sorted(k for k, v in places.items() if holds is None or holds(*v)), "%d" % len(got))
check_equal("endpoints that refuse", len(ask("outcome:refused", "endpoints")[0]), 2)
check_equal("agents", [a["name"] for a in ask("network:south", "agents")[0]], ["dc2.example.com"])
for order in ("not_after", "display_name", "first_seen"):
    for way in ("asc", "desc"):
        found, _ = ask("expires>now expires<100d san:south", sort=order, order=way)
        keys = [r[order] for r in found]
        check("sorted by %s, %s" % (order, way), len(found) > 3 and keys == sorted(keys, reverse=way == "desc") and
              {r["sha256"] for r in found} == {r["sha256"] for r in rows if NOW < r["end"] < NOW + 100 * DAY and any("south" in n for n in r["names"])})
for q, column, word in [("isuer:x", 1, "issuer"), ("a (b", 3, "closing"), ("finding:weak", 1, "not kept"), ("is:served is:archived", 14, "archived"),
                        ("\u00e4 port:x", 8, "number"), ("x" * 2049, 1, "2048")]:
    status, answer = ask(q)
    check("a mistake: " + q[:30], status in (400, 413) and answer.get("column") == column and word in answer["detail"] and answer["field"] == "q", "%s %r" % (status, answer))
status, out, errors = export("--where", "a isuer:x")
check("a mistake, exported: exit 2, column", status == 2 and out == "" and "column 3" in errors, errors)

# ---- groups -----------------------------------------------------------------------------

status, weeks = admin.call("GET", "/certificates/groups?by=week&q=not+is:ca")
check("groups: weeks add up", status == 200 and sum(w["certificates"] for w in weeks["items"]) == len(rows) - 1 == weeks["total"] and len(weeks["items"]) == 54, weeks)
for week in [w for w in weeks["items"] if w["certificates"]][:6]:
    check("groups: the week's query finds as many", ask("not is:ca " + week["query"])[1] == week["certificates"], week)
check("groups: weeks begin on Mondays", all(datetime.date.fromisoformat(w["from"][:10]).weekday() == 0 for w in weeks["items"][2:]))
for by, count in (("issuer", lambda v: sum(r["issuer"] == v for r in rows)), ("key", lambda v: sum(r["key"] == v for r in rows)),
                  ("agent", lambda v: sum(at_place(r, agent=v) for r in rows))):
    status, groups = admin.call("GET", "/certificates/groups?by=" + by)
    good = status == 200 and all(g["certificates"] == count(g["value"]) for g in groups["items"]) and groups["kinds"] == len(groups["items"])
    check("groups: by " + by, good and [g["certificates"] for g in groups["items"]] == sorted((g["certificates"] for g in groups["items"]), reverse=True), groups)
    top = groups["items"][0]
    check("groups: the query of " + by, ask(top["query"])[1] == top["certificates"], top)
status, fields = admin.call("GET", "/query")
for field in fields["fields"]:
    if "certificates" in field["rows"]:
        check("example " + field["example"], isinstance(ask(field["example"])[0], list), ask(field["example"]))

# ---- clm-export: kinds of rows, formats -------------------------------------------------

def table(*options):
    status, out, errors = export(*options)
    if status != 0:
        return errors
    return list(csv.DictReader(io.StringIO(out)))


check_equal("rows: agents", [(a["name"], a["network"], a["state"]) for a in table("--rows", "agents")], [(a.name, a.network, "active") for a in agents])
check_equal("rows: services with an owner", [(s["owner"], s["tags"]) for s in table("--rows", "services", "--where", "tag:prod")], [("Team Mail", "prod dmz")])
check_equal("rows: services, one a line of certificates", sum(int(s["certificates"]) for s in table("--rows", "services")), len(rows))
check("rows: audit", any(a["verb"] == "service.edit" and a["actor"] == "user:admin" for a in table("--rows", "audit")), table("--rows", "audit"))
check_equal("rows: requests, none yet", table("--rows", "requests"), [])
coverage = table("--rows", "coverage")
check("rows: coverage sums", sum(int(c["endpoints"]) for c in coverage) == len(places) + 2 and sum(int(c["silent"]) for c in coverage) == 2 and
      {c["agent"] for c in coverage} == {a.name for a in agents}, coverage[:2])
check_equal("rows: observations by a query", sorted(o["host"] for o in table("--rows", "observations", "--where", "port:993 agent:dc1*")),
            sorted(p["host"] for r, p in places.values() if p["port"] == 993 and p["agent"].startswith("dc1")))
check("columns are named where one is unknown", export("--columns", "sha256,nose")[0] == 2 and "nose" in export("--columns", "nose")[2])
check("columns can be listed", "not_after" in export("--columns", "help")[1])
lines = [json.loads(line) for line in export("--rows", "endpoints", "--format", "ndjson", "--columns", "host,port,not_after")[1].splitlines()]
check("ndjson by columns", len(lines) == len(places) + 2 and set(lines[0]) == {"type", "host", "port", "not_after"} and lines[0]["type"] == "endpoint", lines[:1])
check("as of a day before: nothing", table("--as-of", "2020-01-01") == [] and len(table("--as-of", "today")) == len(rows))
at = ["--as-of", iso(enrolled_at)]
check_equal("as of a moment between: agents, and no certificates", [len(table(*at, "--rows", "agents")), len(table(*at)), len(table(*at, "--rows", "observations"))], [2, 0, 0])
check("as of: its head is another", export("--header", *at)[1].splitlines()[0] != export("--header")[1].splitlines()[0])
check("as of: times of a query are counted from there", len(table("--as-of", "today", "--where", "expires<30d")) == sum(r["end"] < NOW // DAY * DAY + DAY - 1 + 30 * DAY for r in rows))
check_equal("header", bool(re.match(r'"# clm-export \S+, certificates where is:served, as of \S+Z; store of \d+ entries, head [0-9a-f]{64}"', export("--header", "--where", "is:served")[1])), True)
for options in (["--format", "html"], ["--format", "ics"], ["--format", "cbom"], ["--rows", "coverage"], ["--header"]):
    check("twice the same bytes: " + " ".join(options), export(*options) == export(*options))

# HTML: one file, no markup of others.
status, page, errors = export("--format", "html", "--where", "is:served")
check("html: rows, head, nothing from outside", status == 0 and page.count("<tr>") == 1 + sum(bool(r["places"]) for r in rows) and "head " in page and
      not re.search(r"(src|href)=|<script|url\(", page), errors)


# ICS, read by the rules of RFC 5545: unfolding (3.1), properties, TEXT (3.3.11).
def read_calendar(data):
    assert all(len(line) <= 75 for line in data.split(b"\r\n")), "longer than 75 octets"
    assert data.endswith(b"\r\n") and b"\n" not in data.replace(b"\r\n", b""), "line ends"
    events, stack = [], []
    for line in data.decode().replace("\r\n ", "").split("\r\n")[:-1]:
        name, value = re.match(r"([A-Z0-9-]+)(?:;[^:]*)?:(.*)$", line).groups()
        if name == "BEGIN":
            stack.append(value)
            if value == "VEVENT":
                events.append({})
        elif name == "END":
            assert stack.pop() == value
        elif stack[-1] == "VEVENT":
            assert name not in events[-1], "twice"
            if name in ("SUMMARY", "DESCRIPTION"):
                value = re.sub(r"\\(.)", lambda m: "\n" if m.group(1) in "nN" else m.group(1), value)
            events[-1][name] = value
    assert stack == []
    return events


data = subprocess.run([EXPORT, "--data", DATA, "--format", "ics"], stdout=subprocess.PIPE, check=True).stdout
events = read_calendar(data)
check_equal("ics: every end, with a UID of its own", sorted((e["UID"], e["DTSTART"]) for e in events), sorted((r["sha256"] + "@clm", moment(r["end"])[:8] + "T" + moment(r["end"])[8:]) for r in rows))
check("ics: what RFC 5545 requires of an event", all({"UID", "DTSTAMP", "DTSTART", "SUMMARY"} <= set(e) and re.match(r"\d{8}T\d{6}Z$", e["DTSTAMP"]) for e in events))
check("ics: text comes back", any("Issuer: " + ca["issuer"] in e["DESCRIPTION"].split("\n") for e in events), events[:1])

# CBOM: the names of CycloneDX 1.6, and every reference leads somewhere.
FIELDS = {
    "certificateProperties": {"subjectName", "issuerName", "notValidBefore", "notValidAfter", "signatureAlgorithmRef", "subjectPublicKeyRef", "certificateFormat", "certificateExtension"},
    "relatedCryptoMaterialProperties": {"type", "id", "state", "algorithmRef", "creationDate", "activationDate", "updateDate", "expirationDate", "value", "size", "format", "securedBy"},
    "algorithmProperties": {"primitive", "parameterSetIdentifier", "curve", "executionEnvironment", "implementationPlatform", "certificationLevel", "mode", "padding",
                            "cryptoFunctions", "classicalSecurityLevel", "nistQuantumSecurityLevel"},
}
OF = {"certificate": "certificateProperties", "related-crypto-material": "relatedCryptoMaterialProperties", "algorithm": "algorithmProperties"}
bom = json.loads(export("--format", "cbom")[1])
check("cbom: frame", bom["bomFormat"] == "CycloneDX" and bom["specVersion"] == "1.6" and
      re.match(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", bom["serialNumber"]) is not None and bom["version"] == 1, bom["serialNumber"])
refs = [c["bom-ref"] for c in bom["components"]]
properties = [(c["cryptoProperties"]["assetType"], c["cryptoProperties"][OF[c["cryptoProperties"]["assetType"]]]) for c in bom["components"]]
check("cbom: references are unique and lead somewhere", len(set(refs)) == len(refs) and
      all(v in refs for _, p in properties for k, v in p.items() if k.endswith("Ref")))
check("cbom: only names of the specification", all(set(p) <= FIELDS[OF[asset]] for asset, p in properties) and
      all(c["type"] == "cryptographic-asset" and set(c["cryptoProperties"]) == {"assetType", OF[c["cryptoProperties"]["assetType"]]} for c in bom["components"]))
check_equal("cbom: certificates and keys", [sum(a == kind for a, _ in properties) for kind in ("certificate", "related-crypto-material")], [len(rows), len(KEYS)])
check("cbom: sizes and kinds", {p.get("size") for a, p in properties if a == "related-crypto-material"} == {256, 1024, 2048} and
      {p["primitive"] for a, p in properties if a == "algorithm"} == {"pke", "signature"})

# PEM: one file each, with chains.
folder = path("split")
status, out, errors = export("--format", "pem", "--split", folder, "--where", "agent:dc1*", "--chain")
expected = {r["sha256"] for r in rows if at_place(r, agent="dc1.example.com")}
firsts, counts = set(), set()
for name in os.listdir(folder):
    blocks = re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", open(os.path.join(folder, name)).read(), re.S)
    first = hashlib.sha256(openssl("x509", "-outform", "DER", data=blocks[0].encode())).hexdigest()
    firsts.add(first)
    counts.add(len(blocks))
    if not re.match(r"[a-z0-9._-]+-%s\.pem$" % first[:16], name):
        check("split: a name", False, name)
check("split: a file for each, its chain in it", status == 0 and out == "" and firsts == expected and counts == {1, 2}, errors)
for options, word in [(["--split", folder], "--split"), (["--columns", "sha256", "--format", "pem"], "--columns"), (["--format", "ics", "--rows", "agents"], "agents"),
                      (["--rows", "audit", "--where", "x"], "--where"), (["--as-of", "soon"], "--as-of")]:
    status, out, errors = export(*options)
    check("usage: " + " ".join(options[:2]), status == 2 and out == "" and word in errors, errors)

check("the server ends with 0", stop(server) == 0)
finish()
