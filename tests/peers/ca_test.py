#!/usr/bin/env python3
"""Requests, certificates and revocation lists of our own making, judged by openssl; and
openssl's requests, good and bad, judged by us."""
import ipaddress
import os
import random
import re
import stat

from peer import BUILD, check, check_equal, finish, path, run

DRIVER = os.path.join(BUILD, "tests/peers/ca_driver")
CA = path("ca")
ROOT, ISSUER, CRL = (os.path.join(CA, name) for name in ("root.pem", "issuer.pem", "crl.pem"))
PROFILES = path("profiles")
ALL_KEYS = "ec-p256, ec-p384, ec-p521, rsa-2048, rsa-3072, rsa-4096, ed25519"


def driver(*words):
    return run(DRIVER, *words, timeout=300)


def issue(profile, *requests):
    """What the driver told of each request: {path: (code, text, differences)}."""
    told, at = {}, None
    for line in driver("issue", CA, PROFILES, profile, *requests).stdout.splitlines():
        if line.startswith("  "):
            told[at][2].append(line.strip())
        else:
            code, at, text = (line.split(" ", 2) + [""])[:3]
            told[at] = (code, text, [])
    return told


def openssl(*words, **options):
    return run("openssl", *words, **options)


# ---- what openssl says of a request or certificate --------------------------

def names_of(text):
    """The alternative names as a set of (kind, value), addresses in one form."""
    found = re.search(r"X509v3 Subject Alternative Name: *(critical)?\n +(.*)\n", text)
    names = set()
    for part in found.group(2).split(", ") if found else []:
        kind, _, value = part.partition(":")
        if kind == "IP Address":
            value = str(ipaddress.ip_address(value))
        names.add((kind, value))
    return names


def extension(text, title):
    found = re.search(r"%s: *(critical)?\n +(.*)\n" % re.escape(title), text)
    return (found.group(1) == "critical", found.group(2)) if found else None


def subject_of(text):
    return re.search(r"Subject: ?(.*)\n", text).group(1).strip()


def as_text(kind, file):
    return openssl(kind, "-in", file, "-noout", "-text", "-nameopt", "RFC2253,-esc_msb,utf8").stdout


def public_key(kind, file):
    return openssl(kind, "-in", file, "-noout", "-pubkey").stdout


def verify(certificate, crl=CRL, *options):
    return openssl("verify", "-x509_strict", "-crl_check", "-CAfile", ROOT, "-untrusted", ISSUER, "-CRLfile", crl,
                   *options, certificate)


USAGES = {"serverAuth": "TLS Web Server Authentication", "clientAuth": "TLS Web Client Authentication"}

# ---- the authority ----------------------------------------------------------

os.makedirs(CA)
done = driver("make", CA)
if not check_equal("the authority is made", (done.returncode, done.stderr), (0, "")):
    finish()
with open(PROFILES, "w") as f:
    f.write("[all]\ndns = any\nip = any\nwildcards = yes\nkey = %s\nlifetime = 90d\nusage = serverAuth, clientAuth\n"
            "subject = any\napproval = none\n" % ALL_KEYS)
    f.write("[lab]\ndns = .lab.example.test, www.example.test\nip = 10.0.0.0/8\nkey = %s\nlifetime = 30d\n" % ALL_KEYS)
check_equal("its file is for its owner alone", stat.S_IMODE(os.stat(os.path.join(CA, "issuing.pem")).st_mode), 0o600)
text = as_text("x509", ISSUER)
check("its certificate says what it should", all(x in text for x in (
    "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign", "Issuer: CN=clm root of the test",
    "Subject: CN=clm issuing of the test")), text)
check("openssl accepts it below the root", openssl("verify", "-x509_strict", "-CAfile", ROOT, ISSUER).returncode == 0)
check("openssl finds its key sound", "is valid" in openssl(
    "pkey", "-in", os.path.join(CA, "issuing.pem"), "-check", "-noout").stdout)
check_equal("an empty list is written", driver("crl", CA, CRL, 1).returncode, 0)

# ---- 200 requests and certificates of all key types --------------------------

KEYS = {"ec-p256": ("ec", 0), "rsa-2048": ("rsa", 2048), "rsa-3072": ("rsa", 3072), "rsa-4096": ("rsa", 4096)}
OPENSSL_KEYS = {"ec-p384": ("EC", "ec_paramgen_curve:P-384"), "ec-p521": ("EC", "ec_paramgen_curve:P-521"),
                "ed25519": ("ED25519", None)}
for name, (kind, bits) in KEYS.items():
    done = driver("key", kind, bits, path(name + ".key"))
    sound = openssl("pkey", "-in", path(name + ".key"), "-check", "-noout")
    check("a %s key of ours is sound" % name, done.returncode == 0 and "is valid" in sound.stdout, done.stderr + sound.stderr)
    check_equal("the %s key is for its owner alone" % name, stat.S_IMODE(os.stat(path(name + ".key")).st_mode), 0o600)
for name, (algorithm, option) in OPENSSL_KEYS.items():
    openssl("genpkey", "-quiet", "-algorithm", algorithm, *(("-pkeyopt", option) if option else ()), "-out", path(name + ".key"))

rng = random.Random(20260101)


def some_name():
    labels = ["".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(rng.randint(1, 12)))
              for _ in range(rng.randint(1, 4))]
    return ("*." if rng.random() < 0.2 else "") + ".".join(labels + ["example", "test"])


def some_wish(i):
    dns = [some_name() for _ in range(rng.choice((0, 1, 1, 2, 3, 20)))]
    ips = [str(rng.choice((ipaddress.IPv4Address(rng.getrandbits(32)), ipaddress.IPv6Address(rng.getrandbits(128)))))
           for _ in range(rng.choice((0, 0, 1, 3)))]
    if not dns and not ips:
        dns = [some_name()]
    key = list(KEYS)[i % 4] if i % 3 else list(OPENSSL_KEYS)[i // 3 % 3]
    return {"key": key, "dns": dns, "ip": ips, "cn": rng.choice(("", dns[0] if dns else "", "Größe, \"x\" %d" % i)),
            "o": rng.choice(("", "Example, Inc.", "ДО+")), "usage": rng.choice(((), ("serverAuth",), ("serverAuth", "clientAuth")))}


def request_by_openssl(wish, file):
    config = "[req]\nprompt=no\nutf8=yes\nstring_mask=utf8only\ndistinguished_name=n\nreq_extensions=x\n[n]\n"
    config += "".join("%s = \"%s\"\n" % (k, v.replace('"', '\\"')) for k, v in (("O", wish["o"]), ("CN", wish["cn"])) if v)
    config += "[x]\nsubjectAltName=@s\n"
    if wish["usage"]:
        config += "extendedKeyUsage=%s\n" % ",".join(wish["usage"])
    config += "[s]\n" + "".join("DNS.%d=%s\n" % x for x in enumerate(wish["dns"])) + "".join(
        "IP.%d=%s\n" % x for x in enumerate(wish["ip"]))
    with open(file + ".cnf", "w") as f:
        f.write(config)
    subject = () if wish["o"] or wish["cn"] else ("-subj", "/")
    return openssl("req", "-new", "-utf8", "-config", file + ".cnf", "-key", path(wish["key"] + ".key"), "-out", file, *subject)


COUNT = 200
wishes, failed = {}, []
for i in range(COUNT):
    wish, file = some_wish(i), path("request-%03d" % i)
    if wish["key"] in KEYS:
        done = driver("request", path(wish["key"] + ".key"), file, wish["cn"], wish["o"], ",".join(wish["dns"]),
                      ",".join(wish["ip"]), "", "", ",".join(wish["usage"]))
    else:
        done = request_by_openssl(wish, file)
    if done.returncode != 0:
        failed.append(done.stderr)
    wishes[file] = wish
check_equal("%d requests are made" % COUNT, failed, [])
told = issue("all", *wishes)
check_equal("%d certificates are issued" % COUNT, [t for t in told.values() if t[0] != "ok"], [])
check_equal("nothing is left out of them", [t for t in told.values() if t[2]], [])


def expected_names(wish):
    return {("DNS", n) for n in wish["dns"]} | {("IP Address", str(ipaddress.ip_address(a))) for a in wish["ip"]}


def request_faults(file, wish):
    done = openssl("req", "-in", file, "-noout", "-verify")
    if done.returncode != 0 or "verify OK" not in done.stdout + done.stderr:
        yield "signature", done.stderr
    text = as_text("req", file)
    if names_of(text) != expected_names(wish):
        yield "names", text
    usage = extension(text, "X509v3 Extended Key Usage")
    if (usage[1] if usage else "") != ", ".join(USAGES[u] for u in wish["usage"]):
        yield "usage", text
    if "Version: 1 (0x0)" not in text:
        yield "version", text


def certificate_faults(file, wish):
    certificate = file + ".crt"
    done = verify(certificate)
    if done.returncode != 0:
        yield "chain", done.stderr
    text, asked = as_text("x509", certificate), as_text("req", file)
    if subject_of(text) != subject_of(asked):
        yield "subject", text
    if names_of(text) != expected_names(wish):
        yield "names", text
    if public_key("x509", certificate) != public_key("req", file):
        yield "public key", text
    is_rsa = wish["key"].startswith("rsa")
    usage = ", ".join(USAGES[u] for u in wish["usage"] or ("serverAuth", "clientAuth"))
    encipher = is_rsa and "Server" in usage
    for title, value in (("X509v3 Basic Constraints", (True, "CA:FALSE")),
                         ("X509v3 Key Usage", (True, "Digital Signature" + (", Key Encipherment" if encipher else ""))),
                         ("X509v3 Extended Key Usage", (False, usage)),
                         ("X509v3 CRL Distribution Points", (False, "Full Name:")),
                         ("Authority Information Access", (False, "CA Issuers - URI:http://clm.example.test/ca/issuer.cer"))):
        if extension(text, title) != value:
            yield title, text
    if "URI:http://clm.example.test/ca/crl" not in text:
        yield "list", text
    critical = extension(text, "X509v3 Subject Alternative Name")[0]
    if critical != (subject_of(text) == ""):
        yield "critical names", text
    if "Version: 3 (0x2)" not in text or "Signature Algorithm: ecdsa-with-SHA256" not in text:
        yield "form", text


faults = [(f, x) for f, w in wishes.items() for x in request_faults(f, w)]
check("openssl reads %d requests as asked, each signed by its key" % COUNT, not faults, faults[:1])
faults = [(f, x) for f, w in wishes.items() for x in certificate_faults(f, w)]
check("openssl reads %d certificates as asked, and accepts each strictly" % COUNT, not faults, faults[:1])
check_equal("all kinds of keys were among them", {w["key"] for w in wishes.values()}, set(KEYS) | set(OPENSSL_KEYS))
serials = [int(openssl("x509", "-in", f + ".crt", "-noout", "-serial").stdout.split("=")[1], 16) for f in wishes]
check("serial numbers are positive, of 128 bits, and differ",
      len(set(serials)) == COUNT and all(0 < s < 2 ** 128 for s in serials) and max(serials) > 2 ** 120)
first = next(f for f, w in wishes.items() if len(w["dns"]) > 1 and "*" not in w["dns"][1])
check("a name of it is accepted", verify(first + ".crt", CRL, "-verify_hostname", wishes[first]["dns"][1]).returncode == 0)
check("another is not", verify(first + ".crt", CRL, "-verify_hostname", "other.example.test").returncode != 0)
dates = openssl("x509", "-in", first + ".crt", "-noout", "-dates", "-dateopt", "iso_8601").stdout
check("it lives as long as the profile says", openssl("x509", "-in", first + ".crt", "-noout", "-checkend", 89 * 86400).returncode == 0
      and openssl("x509", "-in", first + ".crt", "-noout", "-checkend", 90 * 86400).returncode == 1, dates)

# ---- revocation --------------------------------------------------------------

revoked = list(wishes)[:3]
reasons = ("keyCompromise", "superseded", "unspecified")
done = driver("crl", CA, CRL, 4660, *[w for f, r in zip(revoked, reasons) for w in (r, f + ".crt")])
check_equal("three are revoked", done.stdout.splitlines(), ["ok %s.crt" % f for f in revoked])
done = openssl("crl", "-in", CRL, "-noout", "-CAfile", ISSUER)
check("openssl finds the list's signature good", "verify OK" in done.stderr + done.stdout, done.stderr)
text = openssl("crl", "-in", CRL, "-noout", "-text").stdout
check("the list says what it should", all(x in text for x in (
    "Version 2 (0x1)", "Issuer: CN = clm issuing of the test", "X509v3 CRL Number: \n                4660", "Key Compromise", "Superseded")), text)
listed = {int(s, 16) for s in re.findall(r"Serial Number: ([0-9A-F]+)", text)}
check_equal("it lists their serial numbers", listed, set(serials[:3]))
check_equal("only two have a reason", text.count("X509v3 CRL Reason Code"), 2)
done = verify(revoked[0] + ".crt")
check("a revoked one is refused", done.returncode != 0 and "certificate revoked" in done.stdout + done.stderr, done.stderr)
check("another is still accepted", verify(list(wishes)[3] + ".crt").returncode == 0)
done = driver("crl", CA, path("other.pem"), 5, "superseded", ROOT)
check("what another issued is not revoked", done.stdout.startswith("not_found "), done.stdout)

# ---- requests by openssl, good and bad --------------------------------------

EC = path("ec-p256.key")


def odd(name, lines, key=EC, subject="/CN=www.example.test", options=()):
    """A request with these lines of configuration as its extensions."""
    file = path("odd-" + name)
    with open(file + ".cnf", "w") as f:
        f.write("[req]\nprompt=no\ndistinguished_name=n\n%s[n]\nCN=x\n[x]\n%s\n" % ("req_extensions=x\n" if lines else "", lines))
    done = openssl("req", "-new", "-utf8", "-config", file + ".cnf", "-key", key, "-subj", subject, "-out", file, *options)
    if done.returncode != 0:
        check("%s: made by openssl" % name, False, done.stderr)
    return file


def make_key(name, *options):
    openssl("genpkey", "-quiet", "-out", path(name + ".key"), *options)
    return path(name + ".key")


def der_of(content, tag):
    """DER with this tag, for names that openssl's configuration cannot say."""
    n = len(content)
    head = bytes((n,)) if n < 128 else bytes((0x81, n)) if n < 256 else bytes((0x82, n >> 8, n & 255))
    return bytes((tag,)) + head + content


def names_der(*names):
    return "2.5.29.17=DER:" + der_of(b"".join(der_of(n, 0x82) for n in names), 0x30).hex(":")


SAN = "subjectAltName=DNS:www.example.test\n"
NOT_THERE = "is not among the names of the profile"
weak = make_key("rsa-1024", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
three = make_key("rsa-e3", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", "rsa_keygen_pubexp:3")
ed448 = make_key("ed448", "-algorithm", "ED448")
koblitz = make_key("koblitz", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1")
explicit = make_key("explicit", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit")
RSA = path("rsa-2048.key")
ROWS = (
    # name, request, code, what is told first, differences that are told too
    ("good", odd("good", SAN), "ok", "", ()),
    ("new header", odd("newhdr", SAN, options=("-newhdr",)), "ok", "", ()),
    ("DER", odd("der", SAN, options=("-outform", "DER")), "ok", "", ()),
    ("RSA-PSS signature", odd("pss", SAN, RSA, options=("-sigopt", "rsa_padding_mode:pss")), "ok", "", ()),
    ("SHA-512", odd("sha512", SAN, options=("-sha512",)), "ok", "", ()),
    ("SHA-1", odd("sha1", SAN, RSA, options=("-sha1",)), "ok", "", ()),
    ("MD5", odd("md5", SAN, RSA, options=("-md5",)), "permission", "signature: md5WithRSAEncryption", ()),
    ("common name only", odd("cn", ""), "ok", "", ("added names: www.example.test is the common name",)),
    ("foreign extensions", odd("foreign", SAN + "1.2.3.4=ASN1:UTF8String:x\ntlsfeature=status_request\nnsComment=hello\n"
                               "subjectKeyIdentifier=hash"), "ok", "",
     ("left_out extension: 1.2.3.4 is not given", "left_out extension: tlsFeature", "left_out extension: netscapeComment")),
    ("critical foreign extension", odd("critical", SAN + "1.2.3.4=critical,ASN1:NULL"), "permission",
     "extension: 1.2.3.4 is asked for as critical", ()),
    ("subject with more", odd("subject", SAN, subject="/C=DE/O=Bank/CN=www.example.test"), "ok", "",
     ("left_out subject: CN=www.example.test,O=Bank,C=DE",)),
    ("two common names", odd("twocn", SAN, subject="/CN=www.example.test/CN=evil.test"), "permission",
     "subject: more than one common name", ()),
    ("other common name", odd("othercn", SAN, subject="/CN=evil.test"), "permission", "subject: evil.test is the common name", ()),
    ("common name of weird letters", odd("weird", SAN, subject="/CN=\x1b[31m\u202e\U0001f600"), "permission",
     "subject: \\x1b[31m\\u{202e}\U0001f600 is the common name", ()),
    ("CA", odd("ca", SAN + "basicConstraints=critical,CA:TRUE"), "permission", "ca: a certificate for an authority", ()),
    ("CA's key usage", odd("caku", SAN + "keyUsage=keyCertSign,digitalSignature"), "permission", "ca: the key usage", ()),
    ("common key usages", odd("ku", SAN + "keyUsage=nonRepudiation,digitalSignature,keyEncipherment"), "ok", "",
     ("left_out key usage: nonRepudiation",)),
    ("code signing", odd("code", SAN + "extendedKeyUsage=codeSigning"), "permission", "usage: codeSigning", ()),
    ("foreign name", odd("evil", "subjectAltName=DNS:www.example.test,DNS:evil.test"), "permission", "dns: evil.test " + NOT_THERE, ()),
    ("name with more behind", odd("behind", "subjectAltName=DNS:www.example.test.evil.test", subject="/"), "permission", "dns: ", ()),
    ("wildcard", odd("wild", "subjectAltName=DNS:www.example.test,DNS:*.lab.example.test"), "permission", "wildcards: *.lab.example.test", ()),
    ("NUL in a name", odd("nul", names_der(b"www.example.test\0.evil.test"), subject="/"), "permission",
     "dns: www.example.test\\x00.evil.test is no DNS name", ()),
    ("control and bidirectional letters", odd("esc", names_der("\x1b[2J\u202e.lab.example.test".encode()), subject="/"), "permission",
     "dns: \\x1b[2J\\u{202e}.lab.example.test is no DNS name", ()),
    ("malformed UTF-8", odd("utf8", names_der(b"\xff\xfe.lab.example.test"), subject="/"), "permission",
     "dns: \\xff\\xfe.lab.example.test is no DNS name", ()),
    ("empty name", odd("empty", names_der(b""), subject="/"), "permission", "dns: is no DNS name", ()),
    ("name of 254 letters", odd("long", names_der((b"a" * 60 + b".") * 4 + b"aaaaaaaaaa"), subject="/"), "permission",
     "dns: " + ("a" * 60 + ".") * 3, ()),
    ("alternative names malformed", odd("malformed", "2.5.29.17=DER:30:05:82:09:61", subject="/"), "permission",
     "form: an extension that is asked for cannot be read", ()),
    ("addresses", odd("ip", "subjectAltName=IP:10.1.2.3", subject="/CN=10.1.2.3"), "ok", "", ()),
    ("foreign address", odd("ip2", "subjectAltName=IP:11.1.2.3,DNS:www.example.test"), "permission", "ip: 11.1.2.3", ()),
    ("e-mail, URI and others", odd("kinds", "subjectAltName=DNS:www.example.test,email:a@example.test,URI:https://x/,RID:1.2.3"),
     "permission", "names: a@example.test is an e-mail address", ("refused names: https://x/ is a URI", "refused names: a directory name")),
    ("RSA 1024", odd("rsa1024", SAN, weak), "permission", "key: RSA 1024 is not among the keys", ()),
    ("RSA exponent 3", odd("rsae3", SAN, three), "permission", "key: an RSA key with a public exponent below 65537", ()),
    ("Ed448", odd("ed448", SAN, ed448), "permission", "signature: Ed448", ("refused key: Ed448",)),
    ("secp256k1", odd("koblitz", SAN, koblitz), "permission", "signature: ", ("refused key: EC secp256k1",)),
    ("explicit curve", odd("explicit", SAN, explicit), "permission", "signature: ", ("refused key: EC 256 is not",)),
    ("1,000 names", odd("1000", "subjectAltName=" + ",".join("DNS:h%d.lab.example.test" % i for i in range(1000)), subject="/"), "ok", "", ()),
    ("10,000 names", odd("10000", "subjectAltName=" + ",".join("DNS:h%d.lab.example.test" % i for i in range(10000)), subject="/"),
     "limit", "subjectAltName: more than 1000", ()),
)
told = issue("lab", *[row[1] for row in ROWS])
for name, file, code, text, differences in ROWS:
    got = told.get(file, ("missing", "", []))
    check("openssl's request, %s: %s" % (name, code), got[0] == code and got[1].startswith(text) and
          all(any(line.startswith(d) for line in got[2]) for d in differences), got)
    if code == "ok":
        done = verify(file + ".crt")
        check("openssl's request, %s: its certificate is accepted" % name, done.returncode == 0, done.stderr)
check_equal("1,000 names are in the certificate", len(names_of(as_text("x509", path("odd-1000.crt")))), 1000)
check_equal("the subject is cut to the common name", subject_of(as_text("x509", path("odd-subject.crt"))), "CN=www.example.test")
text = as_text("x509", path("odd-foreign.crt"))
check("foreign extensions are not in the certificate", "1.2.3.4" not in text and "TLS Feature" not in text and "hello" not in text, text)

good = openssl("req", "-in", path("odd-good"), "-outform", "PEM").stdout
der_file = path("odd-der")
with open(der_file, "rb") as f:
    der = f.read()
bad_rows = (
    ("signature changed", der[:-1] + bytes((der[-1] ^ 1,)), "permission", "signature: the request is not signed by the key"),
    ("name changed", der.replace(b"www.example.test", b"wwx.example.test"), "permission", "signature: the request is not signed"),
    ("cut off", der[:-1], "format", "request: "),
    ("something behind", der + b"\0", "format", "request: something follows its end"),
    ("a certificate", open(ISSUER, "rb").read(), "format", ""),
    ("PEM cut off", good.encode()[:200], "format", ""),
    ("empty", b"", "format", "request: "),
    ("text", b"hello\n", "format", "request: "),
    ("zeros", bytes(1000), "format", "request: "),
    ("2 MiB", b"\x30\x83\x20\x00\x00" + bytes(2 << 20), "limit", "request: more than 1048576 bytes"),
)
for i, (name, content, code, text) in enumerate(bad_rows):
    with open(path("bad-%d" % i), "wb") as f:
        f.write(content)
told = issue("lab", *[path("bad-%d" % i) for i in range(len(bad_rows))])
for i, (name, content, code, text) in enumerate(bad_rows):
    got = told.get(path("bad-%d" % i), ("missing", "", []))
    check("bad request, %s: %s" % (name, code), got[0] == code and got[1].startswith(text), got)
    check("bad request, %s: nothing is issued" % name, not os.path.exists(path("bad-%d.crt" % i)))
finish()
