#!/usr/bin/env python3
"""clm-export against Python's csv module and openssl: what was stored comes out
equal, hostile text stays within its cell, damage is told and the rest exported."""
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = os.environ.get("CLM_BUILD", "build/linux-x86_64")
TOOL = os.path.join(BUILD, "tests/peers/store_tool")
EXPORT = os.path.join(BUILD, "clm-export")
failed = 0


def check(name, good, why=""):
    global failed
    print("ok " + name if good else "not ok %s: %s" % (name, why))
    failed += not good


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **more)
    return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")


def export(store, *options):
    return run(EXPORT, "--data", store, *options)


# Subjects as openssl takes them; the names are for subjectAltName.
CERTIFICATES = [
    ("plain", "/CN=plain.example.com", "DNS:plain.example.com,DNS:www.example.com,IP:192.0.2.7", 365),
    ("comma", '/O=Smith, "Sons" & Co/CN=a,b', "DNS:comma.example.com", 10),
    ("formula", "/CN==cmd|' \\/C calc'!A0", "DNS:formula.example.com", 400),
    ("plus", "/CN=\\+1\\+1", "DNS:plus.example.com", 20),
    ("umlaut", "/CN=M\u00fcller \u4f8b", "DNS:xn--mller-kva.example", 30),
    ("control", "/CN=esc\x1b[31mred", "DNS:control.example.com", 50),
    ("many", "/CN=many", ",".join("DNS:n%d.example.com" % i for i in range(500)), 60),
    ("ca", "/CN=Test Root", None, 3650),
    ("unchecked", "/CN=unchecked.example.com", "DNS:unchecked.example.com", 70),
]
CURVES = {"unchecked": "brainpoolP256r1"}  # a signature that we cannot check


def make(folder):
    files = []
    for name, subject, names, days in CERTIFICATES:
        pem = os.path.join(folder, name + ".pem")
        command = ["openssl", "req", "-x509", "-utf8", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:" + CURVES.get(name, "P-256"), "-nodes",
                   "-keyout", os.path.join(folder, name + ".key"), "-out", pem, "-days", str(days), "-subj", subject]
        if names:
            command += ["-addext", "subjectAltName=" + names]
        status, _, errors = run(*command)
        if status != 0:
            sys.exit("openssl req: " + errors)
        der = os.path.join(folder, name + ".der")
        run("openssl", "x509", "-in", pem, "-outform", "DER", "-out", der)
        files.append(der)
    broken = os.path.join(folder, "broken.der")
    with open(broken, "wb") as f:
        f.write(b"\x30\x82\x01\x00garbage")
    return files + [broken]


def digests(files):
    return {hashlib.sha256(open(f, "rb").read()).hexdigest(): f for f in files}


def test_csv(store, files):
    status, out, errors = export(store)
    check("csv exits 0 and says nothing", status == 0 and errors == "", errors)
    rows = list(csv.DictReader(io.StringIO(out.decode("utf-8"), newline="")))
    by_sha256 = {r["sha256"]: r for r in rows}
    check("csv has every certificate once", sorted(by_sha256) == sorted(digests(files)) and len(rows) == len(files))
    check("csv ends its rows with CRLF", out.endswith(b"\r\n") and out.count(b"\n") == out.count(b"\r\n") == len(files) + 1)
    check("csv has no control byte", not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", out))
    ends = [r["not_after"] for r in rows if r["not_after"]]
    check("csv is sorted by end", ends == sorted(ends))
    for digest, path in digests(files).items():
        row = by_sha256.get(digest, {})
        if path.endswith("broken.der"):
            check("csv broken", row.get("parsed") == "false" and row["not_after"] == row["self_signed"] == "", str(row))
            continue
        signed = "" if path.endswith("unchecked.der") else "true"
        check("csv self-signed " + os.path.basename(path), row.get("self_signed") == signed, str(row.get("self_signed")))
        command = ["openssl", "x509", "-inform", "DER", "-in", path, "-noout"]
        _, text, _ = run(*command, "-serial", "-enddate", "-startdate", "-dateopt", "iso_8601")
        known = dict(line.split("=", 1) for line in text.decode().splitlines())
        _, subject, _ = run(*command, "-subject", "-nameopt", "RFC2253,-esc_msb,utf8")
        subject = subject.decode("utf-8").split("=", 1)[1].strip("\n").lstrip()
        serial = int(row["serial_number"], 16) == int(known["serial"], 16)
        dates = [row["not_before"], row["not_after"]] == [known["notBefore"].replace(" ", "T"), known["notAfter"].replace(" ", "T")]
        name = os.path.basename(path)
        check("csv serial and dates of " + name, serial and dates, str(row))
        check("csv subject of " + name, row["subject"].replace("\\1b", "\\1B") == subject, "%s / %s" % (row["subject"], subject))
    many = [r for r in rows if r["name"] == "many"]
    check("csv lists all names", len(many) == 1 and len(many[0]["names"].split()) == 500)


def test_excel(store):
    status, out, _ = export(store, "--excel")
    text = out.decode("utf-8")
    rows = list(csv.reader(io.StringIO(text[1:], newline="")))
    dangerous = [c for r in rows for c in r if c[:1] in "=+-@\t\r" and c]
    check("excel has a byte order mark", status == 0 and out.startswith(b"\xef\xbb\xbf"))
    check("excel has no formula", not dangerous and any(c.startswith("'=cmd") for r in rows for c in r), str(dangerous))
    _, plain, _ = export(store)
    check("without excel nothing is changed", any(c.startswith("=cmd") for r in csv.reader(io.StringIO(plain.decode(), newline="")) for c in r))


def test_rows(store, files):
    _, out, _ = export(store, "--rows", "endpoints")
    rows = list(csv.DictReader(io.StringIO(out.decode("utf-8"), newline="")))
    check("endpoints", len(rows) == len(files) and all(r["outcome"] == "ok" and r["agent"] == "filler" for r in rows), str(rows[:1]))
    _, out, _ = export(store, "--rows", "observations")
    rows = list(csv.DictReader(io.StringIO(out.decode("utf-8"), newline="")))
    check("observations", len(rows) == len(files) and rows[0]["detail"].startswith('=1+1,"quoted"') and
          "\n" not in rows[0]["detail"] and {r["chain"] for r in rows} == set(digests(files)), str(rows[:1]))
    _, out, _ = export(store, "--format", "ndjson", "--rows", "observations")
    lines = [json.loads(line) for line in out.splitlines()]
    check("ndjson observations", len(lines) == len(files) and lines[0]["type"] == "observation" and
          {c for o in lines for c in o["chain"]} == set(digests(files)))
    _, out, _ = export(store, "--format", "ndjson")
    lines = [json.loads(line) for line in out.splitlines()]
    good = [o for o in lines if o["type"] == "certificate"]
    check("ndjson certificates", {o["sha256"] for o in good} | {o["input"] for o in lines if o["type"] == "error"} == set(digests(files)))


def pem_digests(folder, text):
    found = []
    for block in re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", text, re.S):
        _, der, _ = run("openssl", "x509", "-outform", "DER", input=block)
        found.append(hashlib.sha256(der).hexdigest())
    return found


def test_pem(store, folder, files):
    status, out, errors = export(store, "--format", "pem")
    good = {d for d, f in digests(files).items() if not f.endswith("broken.der")}
    found = pem_digests(folder, out)
    check("pem read by openssl", status == 0 and sorted(found) == sorted(good), errors)
    check("pem tells what it leaves out", "1 certificates that do not parse" in errors, errors)
    target = os.path.join(folder, "out.pem")
    with open(target, "wb") as f:
        f.write(b"x" * 100000)
    status, none, errors = export(store, "--format", "pem", "--out", target)
    check("--out has the same bytes", status == 0 and none == b"" and open(target, "rb").read() == out, errors)
    status, out, _ = export(store, "--format", "pem", "--chain")
    check("pem --chain", status == 0 and sorted(pem_digests(folder, out)) == sorted(good))


def test_same(store, folder):
    copy = os.path.join(folder, "copy")
    shutil.copytree(store, copy)
    segment = os.path.join(copy, "log", "00000001.seg")
    first = export(store)
    check("a copy gives the same bytes", export(copy)[1] == first[1])
    check("its log folder too", export(os.path.join(copy, "log"))[1] == first[1])
    check("its one segment too", export(segment)[1] == first[1])
    check("the index is used", "index_used" in export(copy, "-v")[2])
    check("not for what was", "index_used" not in export(copy, "-v", "--as-of", "2100-01-01")[2])
    bare = os.path.join(folder, "bare")
    shutil.copytree(store, bare)
    shutil.rmtree(os.path.join(bare, "index"))
    check("without it the log alone says it", "index_used" not in export(bare, "-v")[2])
    for options in [("--format", kind) for kind in ("csv", "pem", "ndjson", "html", "ics", "cbom")] + [
            ("--rows", kind) for kind in ("endpoints", "observations", "services", "requests", "agents", "coverage", "audit")] + [
            ("--header",), ("--excel",), ("--format", "pem", "--chain"), ("--format", "html", "--rows", "agents"),
            ("--where", "expires<60d example", "--columns", "name,owner,days_left"), ("--where", "not comma", "--format", "ndjson")]:
        outs = [export(path, *options) for path in (store, copy, copy, bare)]
        good = all(one == outs[0] for one in outs) and outs[0][0] == 0 and outs[0][1] != b""
        check("the same bytes by the index, twice, and by the log: " + " ".join(options), good, str([one[0] for one in outs]) + outs[0][2])
    shutil.rmtree(bare)
    head = export(copy, "--header")[1].decode().splitlines()[0]
    check("--header names the head", re.search(r"store of \d+ entries, head [0-9a-f]{64}", head) is not None, head)
    return copy, segment


def test_damage(copy, segment, files):
    whole = open(segment, "rb").read()
    everything = export(copy)[1]
    with open(segment, "wb") as f:
        f.write(whole + whole[200:300])
    status, out, errors = export(copy)
    check("foreign bytes at the end are damage", status == 5 and out == everything and "byte %d" % len(whole) in errors, "%d %s" % (status, errors))
    with open(segment, "wb") as f:
        f.write(whole[:-7])
    status, out, errors = export(copy)
    check("a torn end is a warning, exit 0", status == 0 and "warning" in errors and out.count(b"\r\n") == 1, "%d %s" % (status, errors))
    first = whole.index(b"CLMb")
    with open(segment, "wb") as f:
        f.write(whole[:first + 60] + bytes([whole[first + 60] ^ 1]) + whole[first + 61:])
    status, out, errors = export(copy)
    rows = out.count(b"\r\n") - 1
    places = export(copy, "--rows", "endpoints")[1]
    check("places are exported though the agent is lost", places.count(b"\r\n") == len(files) + 1 and b"lost " in places)
    check("damage: exit 5, named, the rest exported", status == 5 and "byte %d" % first in errors and rows == len(files), "%d %s %d" % (status, errors, rows))
    with open(segment, "wb") as f:
        f.write(whole)


def test_usage(store):
    for options, word in [(["--format", "xml"], "xml"), (["--rows", "nothing"], "nothing"), (["--format", "pem", "--rows", "endpoints"], "endpoints"),
                          (["--format", "pem", "--excel"], "--excel"), (["--chain"], "--chain"), (["--nosuch"], "--nosuch"), (["word"], "word")]:
        status, out, errors = export(store, *options)
        check("usage " + " ".join(options), status == 2 and out == b"" and word in errors, "%d %s" % (status, errors))
    status, _, errors = export(os.path.join(store, "absent"))
    check("no store there", status == 1 and "absent" in errors, errors)


def test_proofs(store, folder, files):
    """Checked by proof_check.py, which shares nothing with clm."""
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "proof_check.py")
    path = os.path.join(folder, "proof.json")
    status, out, errors = run(EXPORT, "--data", store, "--verify", "--json")
    told = json.loads(out)
    check("--verify", status == 0 and told["whole"] and told["code"] == "ok", errors)
    size, proved = told["entries"], 0
    for file in files:
        with open(file, "rb") as f:
            der = f.read()
        wanted = hashlib.sha256(der).hexdigest()
        status, _, errors = export(store, "--prove", ":".join(re.findall("..", wanted.upper())), "--out", path)
        done = run(sys.executable, script, path, told["root"])
        proved += status == 0 and done[0] == 0 and wanted.encode() in done[1]
    check("every certificate is proved", proved == len(files), "%d of %d: %s" % (proved, len(files), errors))
    with open(path) as f:
        proof = json.load(f)
    wrong = 0
    for change in ({"entry": proof["entry"] - 1}, {"root": "00" * 32}, {"hashes": proof["hashes"][1:]}, {"sha256": "00" * 32},
                   {"canonical": proof["canonical"][:-2] + "00"}, {"tree_size": proof["entry"]}):
        with open(path, "w") as f:
            json.dump({**proof, **change}, f)
        wrong += run(sys.executable, script, path, told["root"])[0] != 0
    check("a changed proof is none", wrong == 6, "%d of 6" % wrong)
    proved = 0
    for old in range(1, size + 1):
        status, _, errors = export(store, "--prove", str(old), "--out", path)
        proved += status == 0 and run(sys.executable, script, path, told["root"])[0] == 0
    check("every begin of the store is proved", proved == size, "%d of %d: %s" % (proved, size, errors))
    for what, words, expected in (("a size to come", [str(size + 1)], 1), ("another certificate", ["00" * 32], 1), ("a word", ["x"], 2)):
        check("no proof: " + what, export(store, "--prove", *words)[0] == expected)


def main():
    folder = tempfile.mkdtemp(prefix="clm-export-")
    try:
        files = make(folder)
        store = os.path.join(folder, "data")
        os.mkdir(store)
        status, _, errors = run(TOOL, "fill", store, *files)
        check("a store is filled", status == 0, errors)
        test_csv(store, files)
        test_excel(store)
        test_rows(store, files)
        test_pem(store, folder, files)
        test_proofs(store, folder, files)
        copy, segment = test_same(store, folder)
        test_damage(copy, segment, files)
        test_usage(store)
    finally:
        shutil.rmtree(folder)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
