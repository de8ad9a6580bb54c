#!/usr/bin/env python3
"""Files as a source: a tree made by openssl is configured, scanned, pushed to a real server and
exported; openssl's own values are what is expected. What vanishes is gone, what cannot be
read is not, and no key ever leaves its file."""
import csv
import io
import json
import os
import shutil
import stat

import agent as peer_agent
from peer import *

ERS, SERVER, EXPORT = applet("ers"), applet("clm-server"), applet("clm-export")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
PORT = free_port()
DATA, CONF, TREE = path("data"), path("agent"), path("tree")


def write(name, content, mode=0o644):
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "wb") as f:
        f.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(name, mode)


def read(name):
    with open(name, "rb") as f:
        return f.read()


def tree(*parts):
    return os.path.join(TREE, *parts)


def certificate(name, **more):
    pem, key = make_certificate(name, EC, **more)
    return read(pem), read(key), fingerprint(pem)


def ers(*words, config=None, **more):
    return run(ERS, words[0], "--config", config or CONF, *words[1:], **more)


def scan(*words, **more):
    """Observations of files by path, certificates by fingerprint, the summary."""
    done = ers("scan", "--json", *words, **more)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    seen = {o["path"]: o for o in lines if o["type"] == "observation"}
    summary = lines[-1] if lines and lines[-1]["type"] == "summary" else {}
    check("a scan: each path is told once, and the counts sum",
          len(seen) == sum(o["type"] == "observation" for o in lines) == summary["endpoints"]["total"]
          == sum(summary["endpoints"]["states"].values()) == summary["faces"]["tried"], done.stdout + done.stderr)
    return seen, {c["sha256"]: c for c in lines if c["type"] == "certificate"}, summary


def states():
    """Path -> state, of the table for people."""
    return {line.split()[0]: line.split()[1] for line in ers("scan", "--all").stdout.splitlines()[1:] if line.startswith("/")}


def export(rows):
    done = run(EXPORT, "--data", DATA, "--format", "csv", "--rows", rows)
    check("clm-export: " + rows, done.returncode == 0, done.stderr)
    return list(csv.DictReader(io.StringIO(done.stdout)))


# ---- the tree ----------------------------------------------------------------------

web, inter, old, new, both, far = (certificate(n, days=d) for n, d in (
    ("web.example.com", 90), ("ca.example.com", 900), ("old.example.com", 9), ("new.example.com", 99), ("both.example.com", 90),
    ("far.example.com", 90)))
DER = run("openssl", "x509", "-in", path("web.example.com.pem"), "-outform", "DER", "-out", path("web.der"))
write(tree("web.pem"), web[0])
write(tree("a", "named.txt"), read(path("web.der")))  # by content, whatever its name
write(tree("a", "bundle.crt"), web[0] + b"text between\n" + inter[0])
write(tree("a", "renewed.pem"), old[0])
write(tree("a", "vanishes.pem"), far[0])
write(tree("b", "both"), both[1] + both[0], 0o644)  # the key first, and everybody may read it
write(tree("b", "closed.pem"), both[0] + both[1], 0o600)
write(tree("b", "open.key"), web[1], 0o644)
write(tree("b", "shut.key"), web[1], 0o640)
write(tree("b", "broken.pem"), "-----BEGIN CERTIFICATE-----\nnot base64 !\n-----END CERTIFICATE-----\n")
for kind, password in (("locked", "secret"), ("empty", "")):
    run("openssl", "pkcs12", "-export", "-in", path("both.example.com.pem"), "-inkey", path("both.example.com.key"), "-out",
        tree("b", kind + ".p12"), "-passout", "pass:" + password)
    os.chmod(tree("b", kind + ".p12"), 0o600)
run("openssl", "crl2pkcs7", "-nocrl", "-certfile", path("ca.example.com.pem"), "-outform", "DER", "-out", tree("b", "chain.p7b"))
write(tree("b", "source.c"), 'const char *text = "-----BEGIN CERTIFICATE-----";\n')
write(tree("b", "notes.pem"), "no certificate, in spite of the name\n")
write(tree("b", "empty.crt"), "")
write(tree("b", "sequence.der"), bytes([0x30, 0x82, 0x01, 0x00]) + bytes(256))
write(tree("b", "huge.bin"), b"\1" * (11 << 20))
write(tree("b", "huge.pem"), web[0] + b"\n" * (11 << 20))
write(tree("b", "z\u00fcrich \u2603.pem"), web[0])
write(os.path.join(os.fsencode(TREE), b"b", b"\xff.pem").decode("utf-8", "surrogateescape"), web[0])
write(tree("b", "odd\u202e\n.pem"), web[0])
write(tree("excluded", "x.pem"), web[0])
os.symlink("../web.pem", tree("a", "link.pem"))
os.symlink("bundle.crt", tree("a", "a94d09e5.0"))
os.symlink("..", tree("a", "loop"))
os.symlink("nowhere", tree("a", "dangling"))
os.mkfifo(tree("a", "fifo"))

peer_agent.init(SERVER, DATA, PORT)
server = start(SERVER, "run", "--data", DATA, stderr=open(path("server.log"), "a"))
check("the server runs", wait_port(PORT), open(path("server.log")).read())
token = json.loads(run(SERVER, "token", "create", "--data", DATA, "--json").stdout)["token"]
done = ers("login", "https://localhost:%d" % PORT, "--name", "files", "--token-file", "-", input=token + "\n")
check("login", done.returncode == 0, done.stderr)

# ---- configured ---------------------------------------------------------------------

done = ers("discover", "--paths", tree("a") + "," + tree("b"))
check("discover --paths: two at once", done.returncode == 0 and done.stderr.count("added") == 2, done.stderr)
done = ers("discover", "--paths", TREE, "--exclude", tree("excluded"))
check("discover --paths: a later call adds", done.returncode == 0 and "(3 targets)" in done.stderr, done.stderr)
done = ers("discover", "--paths", "cert:MY")
check("discover: no stores on this system", done.returncode == 2 and "cert:MY" in done.stderr, done.stderr)
check_equal("discover: a relative path is refused", ers("discover", "--paths", "certs").returncode, 2)
done = ers("discover", "--list")
check("discover --list shows them", all(tree(n) in done.stdout for n in ("a", "b")), done.stdout)

# ---- the first scan -----------------------------------------------------------------

seen, certificates, summary = scan()
check("the pass is complete", summary.get("complete") is True, str(summary))
expected = {
    tree("web.pem"): [web], tree("a", "named.txt"): [web], tree("a", "bundle.crt"): [web, inter], tree("a", "renewed.pem"): [old],
    tree("a", "vanishes.pem"): [far], tree("b", "both"): [both], tree("b", "closed.pem"): [both], tree("a", "link.pem"): [web],
    tree("b") + "/odd\\u{202e}\\x0a.pem": [web], tree("b", "empty.p12"): [both], tree("b", "chain.p7b"): [inter], tree("b", "z\u00fcrich \u2603.pem"): [web], tree("b") + "/\\xff.pem": [web],
}
for name, chain in sorted(expected.items()):
    o = seen.get(name, {})
    check("found: " + os.path.relpath(name, TREE).replace("\\", "|"), o.get("outcome") == "ok" and o["chain"] == [c[2] for c in chain], str(o))
check_equal("nothing else was found", {n for n in seen if seen[n]["outcome"] == "ok"}, set(expected))
check_equal("every certificate is told once", set(certificates), {c[2] for c in (web, inter, old, far, both)})

facts = seen[tree("b", "both")]["file"]
st = os.stat(tree("b", "both"))
check("owner, mode, time and size", (facts["owner_id"], facts["group_id"], facts["mode"], facts["size"])
      == (st.st_uid, st.st_gid, "0644", st.st_size) and facts["modified"][:10] == time.strftime("%Y-%m-%d", time.gmtime(st.st_mtime)), str(facts))
check_equal("the owner's name", facts["owner"], run("stat", "-c", "%U", tree("b", "both")).stdout.strip())
check_equal("the container", [seen[tree(*n.split("/"))]["file"]["container"] for n in ("a/named.txt", "a/bundle.crt", "b/empty.p12", "b/chain.p7b")],
            ["der", "pem", "pkcs12", "pkcs7"])
locked = seen.get(tree("b", "locked.p12"), {})
check("locked by a password: unsupported, and why", locked.get("outcome") == "unsupported" and "password" in locked["detail"]
      and locked["file"]["container"] == "pkcs12", str(locked))
check("a key beside it that everybody may read is said", facts["private_keys"] == 1 and "everybody may read" in seen[tree("b", "both")]["detail"],
      str(seen[tree("b", "both")]))
shut = seen[tree("b", "closed.pem")]
check("a key in a file of mode 0600 is counted only", shut["file"]["private_keys"] == 1 and shut["detail"] is None, str(shut))
lone = seen.get(tree("b", "open.key"), {})
check("an open key alone is told", lone.get("outcome") == "no_certificate" and "everybody may read" in lone["detail"], str(lone))
check("a PEM that is broken is told", seen.get(tree("b", "broken.pem"), {}).get("outcome") == "bad_certificate", str(seen.keys()))
check("too large for us, and one of ours", seen.get(tree("b", "huge.pem"), {}).get("outcome") == "limit", str(seen.keys()))
for name in ("shut.key", "source.c", "notes.pem", "empty.crt", "sequence.der", "huge.bin"):
    check("silent: " + name, tree("b", name) not in seen)
check("silent: links to nothing, FIFOs, index links, excluded folders", not any(
    n.startswith(tree("excluded")) or n in (tree("a", "fifo"), tree("a", "dangling"), tree("a", "a94d09e5.0")) for n in seen), str(seen.keys()))
check("targets within each other: each file under its own", seen[tree("a", "bundle.crt")]["target"] == tree("a")
      and seen[tree("web.pem")]["target"] == TREE)

# ---- at the server ------------------------------------------------------------------

rows = {row["path"]: row for row in export("endpoints")}
check_equal("the server knows them as files", {rows[n]["kind"] for n in expected}, {"file"})
check_equal("and their certificates are openssl's", {n: rows[n]["sha256"] for n in expected}, {n: c[0][2] for n, c in expected.items()})
served = {row["sha256"]: int(row["served"]) for row in export("certificates")}
check_equal("each is served where it lies", served, {web[2]: 7, inter[2]: 2, old[2]: 1, far[2]: 1, both[2]: 3})
row = next(row for row in export("observations") if row["path"] == tree("b", "both"))
check("observations have what is known of the file", (row["container"], row["owner_id"], row["mode"], row["private_keys"], row["path"])
      == ("pem", str(st.st_uid), "0644", "1", tree("b", "both")), str(row))

# ---- renewed, gone, not to be read --------------------------------------------------

again, _, _ = scan()
check_equal("again: the same, each once", {n: o["chain"] for n, o in again.items()}, {n: o["chain"] for n, o in seen.items()})
done = ers("scan")
check_equal("nothing changed: no news", (done.returncode, done.stdout), (0, ""))
check_equal("nothing changed: ok", {states()[n] for n in (tree("web.pem"), tree("a", "bundle.crt"))}, {"ok"})
write(tree("a", "renewed.pem"), new[0])
os.remove(tree("a", "vanishes.pem"))
done = ers("scan", "--deadline", "0s")
check("an interrupted pass says nothing is gone", "gone" not in done.stdout, done.stdout)
after = states()
check_equal("renewed: changed", after[tree("a", "renewed.pem")], "changed")
check_equal("removed: gone", after[tree("a", "vanishes.pem")], "gone")
check("gone is told once", tree("a", "vanishes.pem") not in states())
rows = {row["path"]: row for row in export("endpoints")}
check_equal("the server: what is there now", rows[tree("a", "renewed.pem")]["sha256"], new[2])
check_equal("the server: nothing there", rows[tree("a", "vanishes.pem")]["outcome"], "no_certificate")
ers("scan")
served = {row["sha256"]: int(row["served"]) for row in export("certificates")}
check_equal("after three passes neither is served", (served[old[2]], served[far[2]], served[new[2]]), (0, 0, 1))

# As somebody who may not read all: the agent's own configuration, another user.
plain = path("plain")
if os.geteuid() == 0:
    for folder in (WORK, TREE, tree("a"), tree("b")):
        os.chmod(folder, 0o755)
    os.makedirs(plain)
    write(os.path.join(plain, "targets"), '"%s"\nexclude "%s"\n' % (TREE, tree("excluded")))
    write(tree("c", "hidden.pem"), far[0])
    os.chmod(os.path.dirname(BUILD), 0o755)
    mine = path("ers")
    shutil.copy(os.path.realpath(applet("clm")), mine)
    shutil.chown(plain, "nobody")

    def as_nobody(*words):
        return run("setpriv", "--reuid=nobody", "--clear-groups", mine, "scan", "--config", plain, *words)

    def look():
        lines = [json.loads(line) for line in as_nobody("--json").stdout.splitlines()]
        return {o["path"]: o for o in lines if o["type"] == "observation"}

    first = look()
    closed = first.get(tree("b", "closed.pem"), {})
    check("a file that may not be read: local, with the reason", closed.get("outcome") == "local" and "ermission" in closed["detail"], str(closed))
    check_equal("what may be read is found", first[tree("c", "hidden.pem")]["outcome"], "ok")
    os.chmod(tree("c"), 0o700)
    shown = as_nobody("--all").stdout
    check("a folder that may not be read: what was in it is not gone", "gone" not in shown and tree("c", "hidden.pem") in shown, shown)
    os.chmod(tree("c"), 0o755)
    back = [line for line in as_nobody("--all").stdout.splitlines() if line.startswith(tree("c", "hidden.pem"))]
    check("to be read again: nothing new", len(back) == 1 and back[0].split()[1] == "ok", str(back))

# ---- ers inspect of folders and endpoints --------------------------------------------


def inspect(*words, **more):
    done = run(ERS, "inspect", "--json", *words, **more)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    end = lines[-1]
    check("inspect: the counts sum", end["type"] == "summary" and end["certificates"] == sum(x["type"] == "certificate" for x in lines)
          and end["errors"] == sum(x["type"] == "error" for x in lines) and end["left_out"] == sum(x["type"] == "left_out" for x in lines)
          and end["files"] == end["files_without"] + len({x["input"] for x in lines if x["type"] == "certificate" and x["container"]}),
          str(end))
    return done.returncode, lines, end


os.remove(tree("b", "broken.pem"))
code, lines, end = inspect(tree("b"))
check_equal("inspect DIR: a file that is locked is an error", (code, [(x["input"], x["code"]) for x in lines if x["type"] == "error"]),
            (1, [(tree("b", "locked.p12"), "password")]))
os.remove(tree("b", "locked.p12"))
code, lines, end = inspect(TREE)
found = [(x["input"], x["sha256"], x["container"]) for x in lines if x["type"] == "certificate"]
shown = {name: [x[1] for x in found if x[0] == name] for name, _, _ in found}
check_equal("inspect DIR: a bundle in its order", shown[tree("a", "bundle.crt")], [web[2], inter[2]])
check("inspect DIR: folders in order, links to files under their names", [x[0] for x in found[:3]]
      == [tree("a", "bundle.crt")] * 2 + [tree("a", "link.pem")], str(found[:3]))
check("inspect DIR: the container is told", {c for name, _, c in found if name == tree("a", "named.txt")} == {"der"}, str(found))
left = {x["input"]: x["detail"] for x in lines if x["type"] == "left_out"}
check("inspect DIR: loops, FIFOs and what is too large are named", "already" in left[tree("a", "loop")] and "FIFO" in left[tree("a", "fifo")]
      and "nowhere" in left[tree("a", "dangling")] and "10 MB" in left[tree("b", "huge.pem")], str(left))
check_equal("inspect DIR: files without certificates are no errors", (code, end["errors"], end["inputs"], end["inputs_failed"]), (0, 0, 1, 0))
check_equal("inspect FILE: one that was named is", inspect(tree("b", "notes.pem"), tree("web.pem"))[0], 1)
code, lines, end = inspect(tree("b", "huge.pem"))
check_equal("inspect FILE: a large one is read where it is named", (code, end["certificates"]), (0, 1))
done = run(ERS, "inspect", TREE)
check("inspect DIR for people: keys that all may read, a line of counts", "everybody may read it (mode 0644)" in done.stderr
      and "files without" in done.stderr.splitlines()[-1] and tree("b", "shut.key") in done.stderr, done.stderr)
fed = run("sh", "-c", "cat '%s' | '%s' inspect --json /dev/stdin" % (tree("web.pem"), ERS))
check_equal("inspect of a pipe that is named", json.loads(fed.stdout.splitlines()[0])["sha256"], web[2])

served_port = free_port()
write(path("chain.pem"), web[0] + inter[0])
start("openssl", "s_server", "-quiet", "-accept", "127.0.0.1:%d" % served_port, "-cert", path("web.example.com.pem"), "-key",
      path("web.example.com.key"), "-cert_chain", path("chain.pem"))
check("an endpoint listens", wait_port(served_port))
code, lines, end = inspect("127.0.0.1:%d" % served_port, tree("web.pem"))
chain = [x["sha256"] for x in lines if x["type"] == "certificate"]
seen_now = [x for x in lines if x["type"] == "observation"]
check_equal("inspect HOST:PORT: the chain as it is served", (code, chain[:-1]), (0, seen_now[0]["chain"]))
check("the leaf first", chain[0] == chain[-1] == web[2] and len(chain) > 1, str(chain))
done = run(ERS, "inspect", "127.0.0.1:%d" % served_port)
check("for people too", done.returncode == 0 and "127.0.0.1:%d, certificate 1" % served_port in done.stdout
      and "TLSv1.3" in done.stderr, done.stdout + done.stderr)
code, lines, end = inspect("127.0.0.1:%d" % free_port(), "no-such-name.invalid:443", path("absent"), tree("web.pem"))
check_equal("what does not answer is an error, and the rest is shown", (code, [x["code"] for x in lines if x["type"] == "error"],
            end["certificates"], end["inputs_failed"]), (1, ["network", "not_found", "not_found"], 1, 3))

# ---- no key ever left its file ------------------------------------------------------

secret = both[1].splitlines()[1]
for folder, _, names in os.walk(WORK):
    if folder.startswith((DATA, CONF)):
        for name in names:
            check("no key in " + name, secret not in read(os.path.join(folder, name))) if stat.S_ISREG(
                os.stat(os.path.join(folder, name)).st_mode) else None
finish()
