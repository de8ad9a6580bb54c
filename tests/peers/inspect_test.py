#!/usr/bin/env python3
"""ers inspect against `openssl x509`: serial number, dates, names, alternative names, key and
fingerprint of certificates of all kinds, and of the roots that the system ships."""
import glob
import ipaddress
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from peer import check, check_equal, finish, applet, path, run

CONFIG = """
[req]
distinguished_name = dn
prompt = no
string_mask = %(mask)s
utf8 = yes
[dn]
%(dn)s
[none]
[all]
subjectAltName = DNS:a.example.test, DNS:*.example.test, IP:192.0.2.1, IP:2001:db8::1, IP:::ffff:192.0.2.1, email:a@example.test, URI:https://example.test/?a=b, dirName:dir, otherName:1.3.6.1.4.1.311.20.2.3;UTF8:u, RID:1.2.3
basicConstraints = critical, CA:FALSE
keyUsage = digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[dir]
CN = in a directory
"""
PLAIN = "C = DE\nO = Example\nCN = plain.example.test"
NAMES = {
    "utf8": ("utf8only", "L = München\nO = 日本\nCN = ü.example.test"),
    "bmp": ("MASK:0x800", "O = Größe\nCN = bmp.example.test"),
    "t61": ("MASK:0x4", "O = Größe\nCN = t61.example.test"),
    "special": ("utf8only", 'O = "A, B+C <D>; \\"E\\" \\\\ F"\nOU = \\#hash\nCN = " blank "'),
    "multi": ("utf8only", "O = Example\nOU = one\n+CN = two\n+UID = three"),
    "dc": ("utf8only", "0.DC = test\n1.DC = example\nCN = dc\nemailAddress = a@example.test\nserialNumber = 7\nGN = Given\nSN = Sur"),
    "empty-value": ("utf8only", "O = Example\n0.1.3.6.1.4.1.99999.7 = unknown type\nCN = x"),
}
KEYS = {
    "rsa1024": ["RSA", "rsa_keygen_bits:1024"],
    "rsa2048": ["RSA", "rsa_keygen_bits:2048"],
    "rsa8192": ["RSA", "rsa_keygen_bits:8192", "rsa_keygen_primes:4"],
    "rsa-pss": ["RSA-PSS", "rsa_keygen_bits:2048"],
    "P-256": ["EC", "ec_paramgen_curve:P-256"],
    "P-384": ["EC", "ec_paramgen_curve:P-384"],
    "P-521": ["EC", "ec_paramgen_curve:P-521"],
    "P-224": ["EC", "ec_paramgen_curve:P-224"],
    "secp256k1": ["EC", "ec_paramgen_curve:secp256k1"],
    "brainpoolP256r1": ["EC", "ec_paramgen_curve:brainpoolP256r1"],
    "brainpoolP384r1": ["EC", "ec_paramgen_curve:brainpoolP384r1"],
    "brainpoolP512t1": ["EC", "ec_paramgen_curve:brainpoolP512t1"],
    "Ed25519": ["ED25519"],
    "Ed448": ["ED448"],
}
DATES = ["19500101000000Z", "19700101000000Z", "20000229235959Z", "20491231235959Z", "20500101000000Z", "21000228120000Z",
         "99991231235959Z"]
CURVES = {"prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp224r1": "P-224"}
SIGNATURES = {"rsassaPss": "RSASSA-PSS", "ED25519": "Ed25519", "ED448": "Ed448"}


def openssl(*arguments):
    done = run("openssl", *arguments)
    if done.returncode != 0:
        raise RuntimeError("openssl %s: %s" % (" ".join(map(str, arguments)), done.stderr))
    return done.stdout


def make_key(name):
    file = path(name + ".key")
    algorithm, *options = KEYS[name]
    openssl("genpkey", "-algorithm", algorithm, *[x for o in options for x in ("-pkeyopt", o)], "-out", file)
    return file


def make(name, key, mask="utf8only", dn=PLAIN, extensions="all", start=None, end=None, serial=None, extra=()):
    """A certificate through `openssl ca`, which takes any dates; self-signed."""
    config, request, out = path(name + ".cnf"), path(name + ".csr"), path(name + ".pem")
    folder = path(name + ".ca")
    os.makedirs(folder)
    with open(config, "w", encoding="utf-8") as f:
        f.write(CONFIG % {"mask": mask, "dn": dn})
        f.write("[ca_default]\ndatabase = %s/index\nnew_certs_dir = %s\nserial = %s/serial\npolicy = policy\n"
                "default_md = sha256\nunique_subject = no\npreserve = yes\n[policy]\n" % (folder, folder, folder))
        f.write("\n".join("%s = optional" % a for a in ("C", "ST", "L", "O", "OU", "CN", "UID", "DC", "emailAddress",
                                                          "serialNumber", "GN", "SN")))
    open(folder + "/index", "w").close()
    with open(folder + "/serial", "w") as f:
        f.write((serial or "01AB") + "\n")
    openssl("req", "-new", "-config", config, "-key", key, "-out", request)
    openssl("ca", "-batch", "-config", config, "-name", "ca_default", "-selfsign", "-keyfile", key, "-in", request, "-out", out, "-notext",
            "-startdate", start or "20260101000000Z", "-enddate", end or "20270101000000Z", "-extensions", extensions, *extra)
    return out


def make_all():
    made = {}
    with ThreadPoolExecutor(2) as pool:
        keys = dict(zip(KEYS, pool.map(make_key, KEYS)))
    for name in KEYS:
        made["key " + name] = make("key-" + name, keys[name])
    for name, (mask, dn) in NAMES.items():
        made["name " + name] = make("name-" + name, keys["P-256"], mask, dn, extra=("-multivalue-rdn",))
    for i, date in enumerate(DATES):
        made["date " + date] = make("date-%d" % i, keys["P-256"], start=DATES[0] if i else "19490101000000Z", end=date)
    made["v1"] = make("v1", keys["P-256"], extensions="none")
    made["ca"] = make("ca", keys["P-256"], extensions="ca")
    for digest in ("sha1", "sha224", "sha384", "sha512"):
        made["digest " + digest] = make("digest-" + digest, keys["rsa2048"], extra=("-md", digest))
    made["pss"] = make("pss", keys["rsa2048"], extra=("-sigopt", "rsa_padding_mode:pss"))
    for serial in ("-1", "-128", "0", "127", "128", "0x00ffffffffffffffffffffffffffffffffffffffff"):
        out = path("serial%s.pem" % serial)
        openssl("req", "-x509", "-new", "-key", keys["P-256"], "-subj", "/CN=serial", "-set_serial", serial, "-out", out)
        made["serial " + serial] = out
    return made


def text_of(file):
    """What openssl says of a certificate, as the fields of ours."""
    out = openssl("x509", "-in", file, "-text", "-certopt", "no_sigdump", "-nameopt", "RFC2253,-esc_msb,utf8", "-serial", "-startdate",
                  "-enddate", "-fingerprint", "-sha256", "-subject", "-issuer")
    pem = out.index("-----BEGIN")
    got = {"text": out[:pem], "pem": out[pem:]}
    for line in out[:pem].splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith(" "):
            got[key] = value
    return got


def moment(text):
    """openssl's "Jan  1 00:00:00 2026 GMT"."""
    return datetime.strptime(" ".join(text.split()), "%b %d %H:%M:%S %Y GMT").replace(tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def serial_of(hex_text):
    octets = bytes.fromhex(hex_text)
    return int.from_bytes(octets, "big", signed=True)


def alt_names_of(text):
    found = re.search(r"X509v3 Subject Alternative Name:[^\n]*\n\s+([^\n]*)", text)
    names = {"dns": [], "ip": [], "email": [], "uri": []}
    kinds = {"DNS": "dns", "IP Address": "ip", "email": "email", "URI": "uri"}
    for part in found.group(1).split(", ") if found else []:
        kind, _, value = part.partition(":")
        if kind in kinds:
            names[kinds[kind]].append(value)
    return names


def names_compared(ours):
    """Ours without the lists that openssl writes otherwise; addresses as numbers."""
    return {k: [ipaddress.ip_address(x) for x in v] if k == "ip" else v for k, v in ours.items() if k in ("dns", "ip", "email", "uri")}


def hex_values_lower(name):
    return re.sub(r"#[0-9A-Fa-f]+|\\[0-9A-Fa-f]{2}", lambda m: m.group(0).lower(), name)


def key_of(text):
    algorithm = re.search(r"Public Key Algorithm: (\S+)", text).group(1)
    bits = re.search(r"Public-Key: \((\d+) bit", text)
    curve = re.search(r"ASN1 OID: (\S+)", text)
    if algorithm == "id-ecPublicKey":
        return {"algorithm": "EC", "bits": int(bits.group(1)), "curve": CURVES.get(curve.group(1), curve.group(1))}
    names = {"rsaEncryption": "RSA", "rsassaPss": "RSASSA-PSS"}
    if algorithm in names:
        return {"algorithm": names[algorithm], "bits": int(bits.group(1))}
    return {"ED25519": {"algorithm": "Ed25519", "bits": 256}, "ED448": {"algorithm": "Ed448", "bits": 456}}[algorithm]


def differences(ours, file):
    theirs = text_of(file)
    text = theirs["text"]
    signature = re.search(r"Signature Algorithm: (\S+)", text).group(1)
    serial = int(theirs["serial"], 16)
    fingerprint = next(v for k, v in theirs.items() if k.lower().startswith("sha256"))
    alt = {k: [ipaddress.ip_address(x) for x in v] if k == "ip" else v for k, v in alt_names_of(text).items()}
    pairs = [
        ("serial", serial_of(ours["serial_number"]), serial),
        ("not_before", ours["not_before"], moment(theirs["notBefore"])),
        ("not_after", ours["not_after"], moment(theirs["notAfter"])),
        ("sha256", ours["sha256"], fingerprint.replace(":", "").lower()),
        ("subject", hex_values_lower(ours["subject"]), hex_values_lower(theirs["subject"])),
        ("issuer", hex_values_lower(ours["issuer"]), hex_values_lower(theirs["issuer"])),
        ("alternative names", names_compared(ours["subject_alt_names"]), alt),
        ("key", ours["key"], key_of(text)),
        ("signature", ours["signature_algorithm"], SIGNATURES.get(signature, signature)),
        ("CA", ours["is_ca"], "CA:TRUE" in text),
        ("key id", ours["subject_key_id"], next(iter(m.replace(":", "").lower() for m in re.findall(
            r"Subject Key Identifier:[^\n]*\n\s+([0-9A-F:]+)", text)), None)),
        ("PEM", ours["pem"], theirs["pem"]),
    ]
    return ["%s: %r, openssl says %r" % p for p in pairs if p[1] != p[2]]


def inspect(*files, **options):
    done = run(applet("ers"), "inspect", "--json", "--pem", *files, **options)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def compare(made):
    done, lines = inspect(*made.values())
    certificates = [x for x in lines if x["type"] == "certificate"]
    check_equal("all that openssl made are read", (done.returncode, len(certificates)), (0, len(made)))
    for (name, file), ours in zip(made.items(), certificates):
        found = differences(ours, file)
        check("as openssl reads it: " + name, not found, "; ".join(found))
    self_signed = {name: c["self_signed"] for (name, _), c in zip(made.items(), certificates)}
    beyond = {"key rsa8192", "key P-224", "key secp256k1", "key Ed448"} | {"key " + k for k in KEYS if k.startswith("brainpool")}
    wrong = {n: s for n, s in self_signed.items() if s is not (None if n in beyond else True)}
    check("self-signed where we can tell, null where not", not wrong, repr(wrong))


def compare_system_roots():
    files = sorted(glob.glob("/usr/share/ca-certificates/**/*.crt", recursive=True))
    if not check("roots of the system are there", files, "install ca-certificates"):
        return
    done, lines = inspect(*files)
    certificates = [x for x in lines if x["type"] == "certificate"]
    check_equal("all roots of the system are read", (done.returncode, len(certificates)), (0, len(files)))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda pair: differences(*pair), zip(certificates, files)))
    bad = ["%s: %s" % (os.path.basename(f), "; ".join(d)) for f, d in zip(files, found) if d]
    check("roots of the system as openssl reads them (%d)" % len(files), not bad, " | ".join(bad[:5]))


def compare_cases():
    cases = sorted(glob.glob("tests/data/cases/*.der"))
    done, lines = inspect(*cases, "tests/data/cases/key-first.pem")
    summary = lines[-1]
    check_equal("the odd cases are read", (done.returncode, summary["certificates"], summary["private_keys"]), (0, len(cases) + 1, 1))
    for command in (["inspect"], ["inspect", "--json"], ["inspect", "--color=never"]):
        done = run(applet("ers"), *command, *cases)
        check("no escape sequence in " + " ".join(command), "\x1b" not in done.stdout + done.stderr and done.returncode == 0)
    done = run(applet("ers"), "inspect", "tests/data/cases/key-first.pem")
    key = open("tests/data/cases/key-first.pem").read().split("-----")[2].split()
    check("a key beside a certificate is noted and not shown", done.returncode == 0 and "private key" in done.stderr and
          not any(line in done.stdout + done.stderr for line in key), done.stderr)
    plain = run(applet("ers"), "inspect", *cases)
    odd = run(applet("ers"), "inspect", *cases, env=dict(os.environ, TZ="Asia/Kolkata", LC_ALL="tr_TR.UTF-8"))
    check_equal("output does not depend on locale and time zone", odd.stdout, plain.stdout)


def bad_input(made):
    garbage, empty, cut, key = path("garbage"), path("empty"), path("cut.der"), path("key-P-256.key")
    with open(garbage, "wb") as f:
        f.write(os.urandom(1000))
    open(empty, "wb").close()
    der = subprocess.run(["openssl", "x509", "-in", made["ca"], "-outform", "DER"], stdout=subprocess.PIPE, check=True).stdout
    with open(cut, "wb") as f:
        f.write(der[:-1])
    key = path("P-256.key")
    done, lines = inspect(garbage, empty, cut, path("absent"), key, made["ca"])
    kinds = [x["type"] for x in lines]
    check_equal("what cannot be read is named, the rest is shown", (done.returncode, kinds), (1, ["error"] * 5 + ["certificate", "summary"]))
    codes = [x["code"] for x in lines if x["type"] == "error"]
    check_equal("each with its code", codes, ["format", "format", "format", "not_found", "not_found"])
    done = run(applet("ers"), "inspect", garbage, made["ca"])
    check("for people too", done.returncode == 1 and garbage in done.stderr and "plain.example.test" in done.stdout, done.stderr)
    check_equal("nothing to do is a usage error", run(applet("ers"), "inspect").returncode, 2)
    two = der + der
    with open(cut, "wb") as f:
        f.write(two)
    done, lines = inspect(cut)
    check_equal("two certificates in one DER file", (done.returncode, lines[-1]["certificates"]), (0, 2))
    bundle = "".join(open(made[n]).read() for n in ("ca", "v1", "pss")).replace("\n", "\r\n").rstrip()
    done = run(applet("ers"), "inspect", "--json", "-", input="\ufeff" + bundle)
    check_equal("a bundle on standard input", (done.returncode, json.loads(done.stdout.splitlines()[-1])["certificates"]), (0, 3))


made = make_all()
compare(made)
compare_system_roots()
compare_cases()
bad_input(made)
finish()
