#!/usr/bin/env python3
"""ers inspect of files that openssl, NSS and keytool's forms make: every certificate in them has
the SHA-256 that `openssl x509 -fingerprint` gives, in every container and under every cipher."""
import hashlib
import hmac
import json
import os
import pty
import re
import subprocess
import time

from peer import BUILD, applet, check, check_equal, finish, path, run

LEGACY = ["-provider", "legacy", "-provider", "default"]
P12 = {
    "default": [],
    "legacy": ["-legacy"],
    "aes-128": ["-certpbe", "AES-128-CBC", "-keypbe", "AES-128-CBC", "-macalg", "sha384"],
    "aes-192": ["-certpbe", "AES-192-CBC", "-keypbe", "AES-192-CBC", "-macalg", "sha512"],
    "aes-256": ["-certpbe", "AES-256-CBC", "-macalg", "sha1"],
    "sha224": ["-macalg", "sha224"],
    "three-key-pbes2": ["-certpbe", "DES-EDE3-CBC"],
    "three-key": ["-certpbe", "PBE-SHA1-3DES"],
    "two-key": ["-certpbe", "PBE-SHA1-2DES"] + LEGACY,
    "rc2-40": ["-certpbe", "PBE-SHA1-RC2-40"] + LEGACY,
    "rc2-128": ["-certpbe", "PBE-SHA1-RC2-128"] + LEGACY,
    "clear": ["-certpbe", "NONE", "-keypbe", "NONE"],
    "many rounds": ["-iter", "100000"],
    "one round": ["-iter", "1", "-nomaciter"],
}


def openssl(*arguments, **options):
    done = subprocess.run(["openssl"] + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if done.returncode:
        raise SystemExit("openssl %s: %s" % (" ".join(arguments), done.stderr.decode()))
    return done.stdout


def make(name, subject, ca=None):
    key, cert = path(name + ".key"), path(name + ".pem")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    if ca is None:
        openssl("req", "-x509", "-new", "-key", key, "-subj", subject, "-days", "30", "-out", cert)
    else:
        request = path(name + ".csr")
        openssl("req", "-new", "-key", key, "-subj", subject, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", ca + ".pem", "-CAkey", ca + ".key", "-set_serial", "7", "-days", "30", "-out", cert)
    return path(name)


def fingerprint(cert):
    return openssl("x509", "-in", cert, "-noout", "-fingerprint", "-sha256").decode().split("=")[1].strip().replace(":", "").lower()


def secret(text):
    file = path("secret")
    with open(file, "wb") as f:
        f.write(text)
    return file


def inspect(*arguments):
    done = run(applet("ers"), "inspect", "--json", *arguments)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def prints_of(lines):
    return [x["sha256"] for x in lines if x["type"] == "certificate"]


def check_file(name, file, container, expected, *options, aliases=None, keys=None):
    done, lines = inspect(file, *options)
    check_equal(name, (done.returncode, prints_of(lines)), (0, expected))
    certificates = [x for x in lines if x["type"] == "certificate"]
    check_equal(name + ": container", {x["container"] for x in certificates}, {container})
    if aliases is not None:
        check_equal(name + ": names", [x["alias"] for x in certificates], aliases)
    if keys is not None:
        check_equal(name + ": keys", lines[-1]["private_keys"], keys)


def pkcs7(leaf, root, prints):
    for form, container in (("DER", "pkcs7"), ("PEM", "pkcs7")):
        file = path("two.p7b." + form)
        openssl("crl2pkcs7", "-nocrl", "-certfile", leaf + ".pem", "-certfile", root + ".pem", "-outform", form, "-out", file)
        check_file("PKCS#7 " + form, file, container, prints, keys=0)
    for form, options in (("DER", []), ("DER", ["-stream"]), ("PEM", ["-stream"])):
        file = path("signed")
        openssl("cms", "-sign", "-binary", "-nodetach", "-signer", leaf + ".pem", "-inkey", leaf + ".key", "-certfile", root + ".pem",
                "-outform", form, "-out", file, *options, input=os.urandom(20000))
        check_file("CMS %s %s" % (form, " ".join(options)), file, "pkcs7", prints)
    roots = "/etc/ssl/certs/ca-certificates.crt"
    if os.path.exists(roots):
        texts = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?", open(roots).read(), re.S)
        file = path("roots.p7b")
        openssl("crl2pkcs7", "-nocrl", "-certfile", roots, "-outform", "DER", "-out", file)
        ders = [subprocess.run(["openssl", "base64", "-d"], input="".join(t.splitlines(True)[1:-1]).encode(), stdout=subprocess.PIPE).stdout
                for t in texts[:10]]
        done, lines = inspect(file)
        found = prints_of(lines)
        check_equal("all roots of this system in one PKCS#7", (done.returncode, len(found)), (0, len(texts)))
        check("the first of them to the byte", all(hashlib.sha256(d).hexdigest() in found for d in ders))


def export(name, leaf, root, password, *options):
    file = path(name + ".p12")
    openssl("pkcs12", "-export", "-in", leaf + ".pem", "-inkey", leaf + ".key", "-certfile", root + ".pem", "-name", "leaf é",
            "-caname", "root", "-passout", "file:" + secret(password + b"\n"), "-out", file, *options)
    return file


def pkcs12(leaf, root, prints):
    for name, options in P12.items():
        file = export("p12", leaf, root, b"se cret", *options)
        right = secret(b"se cret\r\nnot this\n")
        check_file("PKCS#12 " + name, file, "pkcs12", prints, "--password-file", right, aliases=["leaf é", "root"], keys=1)
        done, lines = inspect(file, "--password-file", secret(b"wrong"))
        codes = [x["code"] for x in lines if x["type"] == "error"]
        there = prints if name == "clear" else []
        check_equal("%s: a wrong password is that" % name, (done.returncode, codes, prints_of(lines)), (1, ["password"], there))
    for name, options in (("today's", []), ("the old ciphers", ["-legacy"])):
        file = export("empty", leaf, root, b"", *options)
        check_file("the empty password, " + name, file, "pkcs12", prints)
    # OpenSSL hands the octets of the file on as they are, and they are UTF-8.
    file = export("utf8", leaf, root, "pässwörd €".encode(), "-certpbe", "PBE-SHA1-3DES")
    check_file("a password beyond ASCII", file, "pkcs12", prints, "--password-file", secret("pässwörd €".encode()))
    file = export("rc4", leaf, root, b"x", "-certpbe", "PBE-SHA1-RC4-128", *LEGACY)
    done, lines = inspect(file, "--password-file", secret(b"x"))
    check("what is not decrypted is named", done.returncode == 1 and "RC4" in done.stdout, done.stdout)
    done = run(applet("ers"), "inspect", export("people", leaf, root, b"x"))
    check("for people", done.returncode == 1 and "it needs a password" in done.stderr and "credentials" not in done.stderr, done.stderr)
    keys = open(leaf + ".key").read().split("-----")[2].split()
    for file in (path("people.p12"), path("p12.p12")):
        done = run(applet("ers"), "inspect", "-v", "--pem", "--password-file", secret(b"x"), file)
        check("no key in what is said", not any(k in done.stdout + done.stderr for k in keys))


def der(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    head = bytes([n]) if n < 0x80 else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + head + body


def take(data):
    """Tag, content and rest of the first value (definite lengths)."""
    n, at = data[1], 2
    if n >= 0x80:
        at += n & 0x7f
        n = int.from_bytes(data[2:at], "big")
    return data[0], data[at:at + n], data[at + n:]


def oid(hexadecimal):
    return der(6, bytes.fromhex(hexadecimal))


def pbmac1(leaf, root, prints):
    """openssl 3.0 does not write RFC 9579 yet: its own MAC is taken off and one put in its place."""
    file = export("pbmac1", leaf, root, b"right")
    _, pfx, _ = take(open(file, "rb").read())
    _, version, rest = take(pfx)
    _, info, _ = take(rest)
    safe = take(take(take(info)[2])[1])[1]
    salt, rounds = os.urandom(16), 1000
    for bits, prf in ((256, "2a864886f70d0209"), (512, "2a864886f70d020b")):
        name = "sha%d" % bits
        key = hashlib.pbkdf2_hmac(name, b"right", salt, rounds, bits // 8)
        algorithm = der(0x30, oid(prf), b"\x05\x00")
        kdf = der(0x30, oid("2a864886f70d01050c"), der(0x30, der(4, salt), der(2, rounds.to_bytes(2, "big")), der(2, bytes([bits // 8])), algorithm))
        mac = der(0x30, oid("2a864886f70d01050e"), der(0x30, kdf, algorithm))
        digest = hmac.new(key, safe, name).digest()
        data = der(0x30, der(0x30, mac, der(4, digest)), der(4, b"NOT USED"), der(2, b"\x01"))
        whole = der(0x30, der(2, version), der(0x30, info), data)
        with open(file, "wb") as f:
            f.write(whole)
        check_file("PBMAC1 with SHA-%d" % bits, file, "pkcs12", prints, "--password-file", secret(b"right"))
        with open(file, "wb") as f:
            f.write(whole.replace(digest, bytes(len(digest))))
        done, lines = inspect(file, "--password-file", secret(b"right"))
        codes = [x["code"] for x in lines if x["type"] == "error"]
        check_equal("a MAC that does not fit is damage, and loses nothing", (codes, prints_of(lines)), (["format"], prints))


def kdf(password, salt, use, rounds, n):
    """RFC 7292, appendix B, with SHA-1."""
    def filled(b):
        return (b * 64)[:(len(b) + 63) // 64 * 64] if b else b""
    units, out = bytearray(filled(salt) + filled(password)), b""
    while len(out) < n:
        a = hashlib.sha1(bytes([use]) * 64 + units).digest()
        for _ in range(rounds - 1):
            a = hashlib.sha1(a).digest()
        out += a
        b = int.from_bytes((a * 4)[:64], "big") + 1
        for at in range(0, len(units), 64):
            units[at:at + 64] = ((int.from_bytes(units[at:at + 64], "big") + b) % 2 ** 512).to_bytes(64, "big")
    return out[:n]


def empty_passwords(leaf, root, prints):
    """No password at all and the empty one are two; files in use have either."""
    bags = b""
    for cert in (leaf, root):
        one = openssl("x509", "-in", cert + ".pem", "-outform", "DER")
        bags += der(0x30, oid("2a864886f70d010c0a0103"), der(0xa0, der(0x30, oid("2a864886f70d01091601"), der(0xa0, der(4, one)))))
    contents, salt, file = der(0x30, bags), os.urandom(8), path("none.p12")
    for name, password in (("the empty password", b"\0\0"), ("no password", b"")):
        cipher = openssl("enc", "-des-ede3-cbc", "-K", kdf(password, salt, 1, 3, 24).hex(), "-iv", kdf(password, salt, 2, 3, 8).hex(), input=contents)
        algorithm = der(0x30, oid("2a864886f70d010c0103"), der(0x30, der(4, salt), der(2, b"\x03")))
        inner = der(0x30, oid("2a864886f70d010701"), algorithm, der(0x80, cipher))
        safe = der(0x30, der(0x30, oid("2a864886f70d010706"), der(0xa0, der(0x30, der(2, b"\0"), inner))))
        digest = hmac.new(kdf(password, salt, 3, 5, 20), safe, "sha1").digest()
        mac = der(0x30, der(0x30, der(0x30, oid("2b0e03021a"), b"\x05\x00"), der(4, digest)), der(4, salt), der(2, b"\x05"))
        info = der(0x30, oid("2a864886f70d010701"), der(0xa0, der(4, safe)))
        for with_mac in (mac, b""):
            with open(file, "wb") as f:
                f.write(der(0x30, der(2, b"\x03"), info, with_mac))
            check_file("%s, %s a MAC" % (name, "with" if with_mac else "without"), file, "pkcs12", prints)
            check_file("%s, from an empty file" % name, file, "pkcs12", prints, "--password-file", secret(b""))


def nss(leaf, root, prints):
    """Certificates and keys through NSS's database; it writes BER and has rounds of its own."""
    folder, empty, file = path("nss"), secret(b""), path("nss.p12")
    os.mkdir(folder)
    pem = path("import.p12")
    openssl("pkcs12", "-export", "-in", leaf + ".pem", "-inkey", leaf + ".key", "-certfile", root + ".pem", "-name", "nss leaf",
            "-passout", "pass:right", "-out", pem)
    for command in (["certutil", "-N", "-d", folder, "-f", empty], ["pk12util", "-i", pem, "-d", folder, "-k", empty, "-W", "right"]):
        done = run(*command)
        check(" ".join(command[:2]), done.returncode == 0, done.stderr)
    for cipher in ("AES-256-CBC", "AES-128-CBC", "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC", "PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC"):
        if os.path.exists(file):
            os.remove(file)
        done = run("pk12util", "-o", file, "-n", "nss leaf", "-d", folder, "-k", empty, "-W", "right", "-C", cipher)
        if check("pk12util -C " + cipher, done.returncode == 0, done.stderr + done.stdout):
            done, lines = inspect(file, "--password-file", secret(b"right"))
            check_equal("NSS, " + cipher, (done.returncode, sorted(prints_of(lines)), lines[-1]["private_keys"]), (0, sorted(prints), 1))


def ask(file, *answers):
    """ers inspect on a terminal of its own."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(applet("ers"), ["ers", "inspect", "--json", file])
    seen, left, end = b"", list(answers), time.time() + 20
    while time.time() < end:
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
        if seen.count(b"Password of ") > len(answers) - len(left) and left:
            time.sleep(0.05)
            os.write(fd, left.pop(0) + b"\n")
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    return os.waitstatus_to_exitcode(status), seen.decode("utf-8", "replace")


def terminal(leaf, root, prints):
    file = export("asked", leaf, root, b"se cret")
    status, seen = ask(file, b"not it", b"se cret")
    check("asked on a terminal, again after a wrong one", status == 0 and all(p in seen for p in prints) and seen.count("Password of ") == 2, seen)
    check("without echo", "se cret" not in seen, seen)
    status, seen = ask(file, b"")
    check("an empty answer gives up", status == 1 and seen.count("Password of ") == 1 and "does not open it" not in seen, seen)


def java():
    """By keytool, once (tests/data/containers)."""
    folder = "tests/data/containers/"
    leaf, root = (hashlib.sha256(open(folder + n, "rb").read()).hexdigest() for n in ("leaf.der", "ca.der"))
    right = secret(b"rightly\n")
    check_file("keytool's PKCS#12", folder + "java.p12", "pkcs12", [leaf, root, root], "--password-file", right, keys=1)
    check_file("keytool's PKCS#12 of before 2021", folder + "java-old.p12", "pkcs12", [leaf, root, root], "--password-file", right, keys=1)
    for options in ([], ["--password-file", right]):
        check_file("JKS" + " with its password" * bool(options), folder + "java.jks", "jks", [root, leaf, root], *options,
                   aliases=["root name", "leaf name", "leaf name"], keys=1)
    done, lines = inspect(folder + "java.jks", "--password-file", secret(b"wrong"))
    check_equal("JKS with a wrong password", (done.returncode, len(prints_of(lines)), lines[-1]["errors"]), (1, 3, 1))


def values_in(content):
    """The values that stand in a content, whole."""
    found, at = [], 0
    while at < len(content):
        octets = content[at + 1] & 0x7F if content[at + 1] & 0x80 else 0
        n = int.from_bytes(content[at + 2:at + 2 + octets], "big") if octets else content[at + 1]
        end = at + 2 + octets + n
        found.append((content[at:end], content[end - n:end]))
        at = end
    return found


def one_large(root):
    """One certificate with an extension of 10 MB, as DER and as PEM: little more memory than its bytes, read once.
    (0.02 s and 0.05 s on a quiet machine; here is room for one that is not.)"""
    signed, *rest = values_in(values_in(openssl("x509", "-in", root + ".pem", "-outform", "DER"))[0][1])
    *fields, last = values_in(signed[1])
    extensions = values_in(last[1])[0][1] + der(0x30, oid("2b06010401868d1f01"), der(0x04, os.urandom(10_000_000)))
    large_der = der(0x30, der(0x30, *(f[0] for f in fields), der(0xa3, der(0x30, extensions))), *(r[0] for r in rest))
    file = path("large")
    with open(file + ".der", "wb") as f:
        f.write(large_der)
    subprocess.run(["openssl", "x509", "-inform", "DER", "-in", file + ".der", "-out", file + ".pem"], check=True)
    bounded = [] if "address" in BUILD else ["sh", "-c", 'ulimit -v 65536; exec "$@"', "sh"]
    for end in (".der", ".pem"):
        start = time.time()
        done = run(*bounded, applet("ers"), "inspect", "--json", file + end)
        seconds = time.time() - start
        first = json.loads(done.stdout.splitlines()[0] if done.stdout else "{}")
        check_equal("a certificate of 10 MB in 64 MB" + end, (done.returncode, first.get("sha256")), (0, hashlib.sha256(large_der).hexdigest()))
        check_equal("its extension" + end, first["extensions"][-1]["size_bytes"], 10_000_000)
        check("in little time" + end, seconds < 1, "%.2f s" % seconds)


def large(leaf, root):
    """10 MB of certificates (no signature of which is checked), and 10 MB of nothing but openings."""
    one = openssl("x509", "-in", leaf + ".pem", "-outform", "DER")
    many = path("many.p7b")
    n = 10_000_000 // len(one)
    with open(many, "wb") as f:
        f.write(der(0x30, oid("2a864886f70d010702"), der(0xa0, der(0x30, b"\x02\x01\x01", der(0x31), der(0x30, oid("2a864886f70d010701")),
                                                                   der(0xa0, one * n), der(0x31)))))
    one_large(root)
    start = time.time()
    done = subprocess.run([applet("ers"), "inspect", "--quiet", many], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    check("10 MB of certificates", done.returncode == 0 and time.time() - start < 60, "%d, %.1f s" % (done.returncode, time.time() - start))
    for name, octets in (("BER", b"\x30\x80" * 5_000_000), ("PEM", b"-----BEGIN " * 900_000), ("JKS", b"\xfe\xed\xfe\xed\x00\x00\x00\x02" + b"\xff" * 9_999_992)):
        with open(many, "wb") as f:
            f.write(octets)
        start = time.time()
        done = run(applet("ers"), "inspect", many)
        check("10 MB of nothing: " + name, done.returncode == 1 and time.time() - start < 10, "%d, %.1f s" % (done.returncode, time.time() - start))


root = make("root", "/CN=container root")
leaf = make("leaf", "/CN=container leaf", root)
prints = [fingerprint(leaf + ".pem"), fingerprint(root + ".pem")]
pkcs7(leaf, root, prints)
pkcs12(leaf, root, prints)
pbmac1(leaf, root, prints)
empty_passwords(leaf, root, prints)
nss(leaf, root, prints)
terminal(leaf, root, prints)
java()
large(leaf, root)
finish()
