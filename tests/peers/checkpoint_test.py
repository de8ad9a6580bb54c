#!/usr/bin/env python3
"""Signed heads of the log and proofs over it, as an auditor without clm checks them: the note's
signature by openssl, its parts as C2SP says, each proof by proof_check.py."""
import base64
import hashlib
import json
import os
import shutil

import agent as peer_agent
from agent import Agent, Person, batch_id, certificate_line, observation_line, openssl
from peer import applet, check, check_equal, finish, free_port, make_certificate, path, run, start, stop, wait_port
from proof_check import check as proved

SERVER, EXPORT = applet("clm-server"), applet("clm-export")
DATA = path("server")
PORT = free_port()
URL = "https://localhost:%d" % PORT
SECRET = "correct horse battery staple"


def serve():
    process = start(SERVER, "run", "--data", DATA, stderr=open(path("server.log"), "a"))
    if not wait_port(PORT):
        raise RuntimeError(open(path("server.log")).read()[-2000:])
    return process


def read_note(text, verifier_key):
    """(size, root) of a note whose signature holds, by openssl."""
    body, signatures = text.split("\n\n", 1)
    body += "\n"
    name, key_id, key = verifier_key.split("+", 2)
    public = base64.b64decode(key)[1:]
    said = hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
    mark, by, signature = signatures.rstrip("\n").split(" ")
    raw = base64.b64decode(signature)
    if mark != "\u2014" or by != name or raw[:4] != said or said.hex() != key_id or base64.b64decode(key)[0] != 1:
        raise ValueError("not by " + name)
    files = {"body": body.encode(), "sig": raw[4:], "pub": bytes.fromhex("302a300506032b6570032100") + public}
    for what, content in files.items():
        with open(path("note." + what), "wb") as f:
            f.write(content)
    openssl("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", path("note.pub"), "-rawin",
            "-in", path("note.body"), "-sigfile", path("note.sig"))
    origin, size, root = body.splitlines()
    if origin != name:
        raise ValueError("of another log")
    return int(size), base64.b64decode(root).hex()


def note_of(person):
    status, _, text = person.request("GET", "/api/v1/log/checkpoint")
    if status != 200:
        raise RuntimeError("%d %r" % (status, text))
    return text.decode() if isinstance(text, bytes) else text


def holds(proof, root):
    try:
        return proved(proof, bytes.fromhex(root)) is not None
    except (ValueError, KeyError, IndexError) as wrong:
        print("# %s" % wrong)
        return False


def export(*words):
    return run(EXPORT, "--data", DATA, *words)


def main():
    made = peer_agent.init(SERVER, DATA, PORT)
    server = serve()
    person = Person(URL, os.path.join(DATA, "root.pem"))
    person.call("POST", "/session/link", {"link": made["link"].split("#")[1], "password": SECRET})
    token = person.call("POST", "/tokens", {"uses": 1})[1]["token"]
    agent = Agent(URL, os.path.join(DATA, "root.pem"), "auditee")
    check_equal("enrolled", agent.enrol(token)[0], 201)

    status, head = person.call("GET", "/log")
    key = head["verifier_key"]
    check_equal("the log tells its head", status, 200)
    check("its name is the server's and its own", head["name"].startswith("localhost/log/"), head["name"])
    check_equal("the key lies beside the store", open(os.path.join(DATA, "log.pub")).read(), key + "\n")
    check_equal("nobody else reads the secret one", os.stat(os.path.join(DATA, "log.key")).st_mode & 0o777, 0o600)
    own = openssl("pkey", "-in", os.path.join(DATA, "log.key"), "-pubout", "-outform", "DER")
    check_equal("openssl reads it, and it is that key", own[-32:], base64.b64decode(key.split("+", 2)[2])[1:])

    first = note_of(person)
    size, root = read_note(first, key)
    check_equal("the note has the head's size", size, head["entries"])
    check_equal("and its root", root, head["root"])
    check_equal("signed alike again", note_of(person), first)
    with open(path("first.txt"), "w", encoding="utf-8") as f:
        f.write(first)

    lines = [certificate_line(open(make_certificate("c%d.example" % i)[0]).read()) for i in range(3)]
    pushes = 0
    for line in lines:
        pushes += agent.push(batch_id(), [line, observation_line([line["sha256"]])])[0] == 200
    check_equal("three certificates more", pushes, 3)

    second = note_of(person)
    size2, root2 = read_note(second, key)
    check("the log has grown", size2 > size, "%d, %d" % (size, size2))
    for at in range(1, size2 + 1):
        status, proof = person.call("GET", "/log/consistency?from=%d" % at)
        if status != 200 or not holds(proof, root2) or (at == size and proof["old_root"] != root):
            check("it grew from %d" % at, False, "%d %r" % (status, proof))
            break
    else:
        check("it only grew, from each size on", True)
    for line in lines:
        status, proof = person.call("GET", "/certificates/%s/proof" % line["sha256"])
        check("a certificate is in it", status == 200 and holds(proof, root2), "%d %r" % (status, proof))
    status, proof = person.call("GET", "/certificates/%s/proof?size=%d" % (lines[0]["sha256"], proof["entry"]))
    check("and in an earlier tree that has it already", status == 200 and proof["tree_size"] < size2, repr(proof))
    for what, target, want in [
            ("before it was stored", "/certificates/%s/proof?size=%d" % (lines[2]["sha256"], size), 404),
            ("of one that is not stored", "/certificates/%s/proof" % ("00" * 32), 404),
            ("of a size that is not there", "/log/consistency?from=1&size=%d" % (size2 + 1), 404),
            ("from nothing", "/log/consistency?from=0", 400),
            ("from a word", "/log/consistency?from=x", 400),
            ("from later than now", "/log/consistency?from=%d" % (size2 + 1), 400)]:
        check_equal("no proof " + what, person.call("GET", target)[0], want)
    stranger = Person(URL, os.path.join(DATA, "root.pem"))
    check_equal("strangers get the signed head", stranger.request("GET", "/api/v1/log/checkpoint")[0], 200)
    check_equal("and no proof", stranger.request("GET", "/api/v1/log/consistency?from=1")[0], 401)

    done = run(SERVER, "checkpoint", "--data", DATA, "--out", path("command.txt"))
    check("the command writes it through the server", done.returncode == 0 and
          open(path("command.txt"), encoding="utf-8").read() == second, done.stderr)
    done = export("--verify", "--checkpoint", path("first.txt"))
    check("the store begins with what the first one has", done.returncode == 0 and "begins with" in done.stdout,
          done.stdout + done.stderr)
    done = export("--prove", lines[0]["sha256"], "--checkpoint", path("command.txt"))
    check("offline, a proof in the checkpoint's tree", done.returncode == 0 and holds(json.loads(done.stdout), root2),
          done.stderr)
    done = export("--prove", lines[0]["sha256"], "--checkpoint", path("first.txt"))
    check("none where it is older than the certificate", done.returncode != 0 and not done.stdout, done.stdout)

    stop(server)
    done = run(SERVER, "checkpoint", "--data", DATA)
    check_equal("the same head without a server", read_note(done.stdout, key)[1], root2)
    server = serve()
    person.call("POST", "/session", {"user": made["admin"], "password": SECRET})
    check_equal("the key stays", person.call("GET", "/log")[1]["verifier_key"], key)
    stop(server)

    # A store that somebody began anew, with the same key: sound in itself, and not what was told.
    shutil.move(os.path.join(DATA, "log"), path("old-log"))
    shutil.rmtree(os.path.join(DATA, "index"), ignore_errors=True)
    for _ in range(size + 2):
        run(SERVER, "token", "create", "--data", DATA)
    done = export("--verify")
    check("another log is sound by itself", done.returncode == 0, done.stderr)
    done = export("--verify", "--checkpoint", path("first.txt"))
    check("the checkpoint shows that it is another", done.returncode == 5 and "not those" in done.stderr,
          "%d %s" % (done.returncode, done.stderr))
    shutil.rmtree(os.path.join(DATA, "log"))
    shutil.move(path("old-log"), os.path.join(DATA, "log"))
    with open(path("forged.txt"), "w", encoding="utf-8") as f:
        f.write(first.replace("\n%d\n" % size, "\n%d\n" % (size - 1)))
    done = export("--verify", "--checkpoint", path("forged.txt"))
    check("a forged one is refused", done.returncode != 0 and "signature" in done.stderr, done.stderr)
    other = run(SERVER, "checkpoint", "--data", path("none"))
    check("no store, no head", other.returncode != 0 and not other.stdout, other.stdout)
    finish()


main()
