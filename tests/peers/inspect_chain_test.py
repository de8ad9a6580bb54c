#!/usr/bin/env python3
"""ers inspect HOST:PORT: how the chain that openssl serves hangs together, judged like
`openssl verify` where that has an opinion."""
import json
import os

from dns import private_network
from peer import *

private_network(hosts="127.0.0.1 localhost leaf.test\n")
ERS = applet("ers")
WAYS = [  # what is served; ordered, complete, trusted; roles
    ("leaf issuing", True, True, True, ["path", "path"]),
    ("leaf issuing root", True, True, True, ["path", "path", "root"]),
    ("leaf root issuing", True, True, True, ["path", "root", "path"]),
    ("leaf", True, False, False, ["path"]),
    ("leaf issuing issuing", True, True, True, ["path", "path", "twice"]),
    ("leaf other issuing", True, True, True, ["path", "unrelated", "path"]),
    ("leaf issuing crossed", True, True, True, ["path", "path", "cross"]),
    ("deep low issuing", True, True, True, ["path", "path", "path"]),
    ("deep issuing low", False, True, True, ["path", "path", "path"]),
    ("deep issuing", True, False, False, ["path", "unrelated"]),
]


def certificate(name, issuer, *extensions, key=None):
    """A certificate for a new key, or for that of another name."""
    files = ["-key", path(key + ".key")] if key else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                                                      path(name + ".key")]
    subject = "/CN=" + (key or name)
    signer = ["-CA", path(issuer + ".pem"), "-CAkey", path(issuer + ".key")] if issuer else []
    words = [word for extension in extensions for word in ("-addext", extension)]
    done = run("openssl", "req", "-x509", *files, "-subj", subject, "-days", "30", "-out", path(name + ".pem"), *signer, *words)
    if done.returncode:
        check("made " + name, False, done.stderr)


CA = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")
certificate("root", None, *CA)
certificate("other", None, *CA)
certificate("issuing", "root", *CA)
certificate("crossed", "other", *CA, key="issuing")
certificate("low", "issuing", *CA)
certificate("deep", "low", "subjectAltName=DNS:deep", "basicConstraints=CA:FALSE")
certificate("leaf", "issuing", "subjectAltName=DNS:leaf", "basicConstraints=CA:FALSE")


def look(port, *words, json_too=True):
    return run(ERS, "inspect", *(["--json"] if json_too else []), *words, "127.0.0.1:%d" % port)


def serve(names):
    port = free_port()
    with open(path("chain.pem"), "w") as out:
        out.write("".join(open(path(name + ".pem")).read() for name in names[1:]))
    # -build_chain is off: openssl sends what the file holds, in its order
    start("openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", path(names[0] + ".pem"), "-key", path(names[0] + ".key"),
          "-quiet", *(["-cert_chain", path("chain.pem")] if names[1:] else []))
    wait_port(port)
    return port


WAY = {"leaf": ["leaf", "issuing"], "deep": ["deep", "low", "issuing"]}
for served, ordered, complete, trusted, roles in WAYS:
    names = served.split()
    port = serve(names)
    rows = [json.loads(line) for line in look(port, "--trust", path("root.pem")).stdout.splitlines()]
    chains = [row for row in rows if row["type"] == "chain"]
    check_equal("%s: one chain" % served, len(chains), 1)
    found = chains[0] if chains else {}
    check_equal("%s: facts" % served, [found.get(k) for k in ("ordered", "complete", "trusted", "checked", "in_time")],
                [ordered, complete, trusted, True, True])
    check_equal("%s: roles" % served, found.get("roles"), roles)
    way = [fingerprint(path(name + ".pem")) for name in (WAY[names[0]] if complete else names[:1])]
    check_equal("%s: the way" % served, found.get("path", [])[:len(way)], way)
    untrusted = ["-untrusted", path("chain.pem")] if names[1:] else []
    verify = run("openssl", "verify", "-CAfile", path("root.pem"), *untrusted, path(names[0] + ".pem"))
    check_equal("%s: openssl verify agrees" % served, verify.returncode == 0, trusted)

port = serve(["leaf", "issuing", "root"])
text = look(port, "--trust", path("root.pem"), json_too=False)
check("for people", "  chain       complete, in order, within its dates, trusted by the file's roots\n              3 root: a root" in text.stdout, text.stdout)
for word, trusted in (("none", None), (path("other.pem"), False)):
    rows = [json.loads(line) for line in look(port, "--trust", word).stdout.splitlines()]
    check_equal("--trust " + os.path.basename(word), [row["trusted"] for row in rows if row["type"] == "chain"], [trusted])
text = look(port, json_too=False)
check("this system does not trust it", "not trusted by this system" in text.stdout or "trust not looked at" in text.stdout, text.stdout)
done = look(port, "--trust", path("missing.pem"))
check("a file that is not there is named", done.returncode == 1 and "missing.pem" in done.stderr and done.stdout == "", done.stderr)
done = run(ERS, "inspect", "--json", "--trust", path("root.pem"), "leaf.test:%d" % port)
rows = [json.loads(line) for line in done.stdout.splitlines()]
check_equal("by name: one look, and no face that the server refuses is an error", (done.returncode, done.stderr), (0, ""))
check_equal("by name: one observation, one chain", [sum(row["type"] == t for row in rows) for t in ("observation", "chain", "error")], [1, 1, 0])
finish()
