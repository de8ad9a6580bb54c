#!/usr/bin/env python3
"""ers inspect --json against libcrypto over certificates that nobody here wrote: the roots of the
system, the vectors of python3-cryptography, and every folder that is named on the command line
(`make corpus` names the unpacked sources of some twenty packages).

For each certificate that OpenSSL reads: version, serial number, dates, names, alternative names,
key, signature algorithm and fingerprints are equal, or the difference stands in EXPECTED with its reason."""
import base64
import hashlib
import ipaddress
import json
import os
import re
import sys
import time

from peer import applet, check, check_equal, finish, path, run

SYSTEM = ["/usr/share/ca-certificates", "/usr/lib/python3/dist-packages/cryptography_vectors"]
PEER = os.path.abspath("build/host/peers/corpus_openssl")
FILE_MAX = 4 << 20
CHUNK = 500
# Where we differ on purpose: a rule by field, or the SHA-256 of one certificate (its beginning) and a
# field. Each with its reason; anything that is not here fails.
RULES = [
    ("bits", lambda ours, theirs: ours["key"] == {"algorithm": "X25519", "bits": 256} and theirs["bits"] == 253,
     "a key of X25519 (RFC 7748) has 256 bits; OpenSSL counts those of the group's order"),
    ("bits", lambda ours, theirs: ours["key"].get("curve", "").startswith("sect"),
     "a binary curve is named after the size of its field (SEC 2), OpenSSL counts the bits of its order"),
    ("alt", lambda ours, theirs: theirs["alt"] is None and "general_name" in ours["deviations"],
     "OpenSSL drops all alternative names for one of a rare kind that is malformed; we flag that one and show the others"),
    ("sha256", lambda ours, theirs: not theirs["canonical"],
     "OpenSSL hashes what it would write itself where that is no DER, we hash the bytes that were served"),
    ("sha1", lambda ours, theirs: not theirs["canonical"], "the same, SHA-1"),
    ("spki_sha256", lambda ours, theirs: not theirs["spki_canonical"], "the same, of the key"),
    ("subject", lambda ours, theirs: not theirs["canonical"] and "=#03" in ours["subject"],
     "OpenSSL clears the unused bits of a bit string in a name, we show the bytes"),
    ("bits", lambda ours, theirs: "key_unreadable" in ours["deviations"],
     "bytes follow behind an RSA key, which OpenSSL passes over; we say that it cannot be read"),
]
EXPECTED = set()
# Certificates that OpenSSL reads and we refuse.
REFUSED = {
    "d34dc084f37b",  # boringssl, kConstructedBitString: a signature in pieces (BER), of which OpenSSL makes a wrong value
    "8ed71789378e",  # boringssl, kConstructedOctetString: an extension in pieces (BER)
}
CURVES = {"prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp224r1": "P-224", "prime192v1": "P-192"}
KINDS = {1: "email", 2: "dns", 6: "uri", 7: "ip", 4: "directory", 0: "other_name", 3: "x400_address", 5: "edi_party_name",
         8: "registered_id"}


def oids(kind):
    """(name, dotted) as the unit test of the table has them; what is not there is dotted."""
    with open("tests/unit/base_oid_test.c", encoding="utf-8") as f:
        return [(name, dotted) for dotted, name in re.findall(r'\{%s,\s*"([0-9.]+)",\s*"([^"]+)"\}' % kind, f.read())]


ATTRIBUTES, ALGORITHM_NAMES = dict(oids("OID_ATTRIBUTE")), oids("OID_ALGORITHM")
KNOWN_ALGORITHMS = {dotted for _, dotted in ALGORITHM_NAMES}

# ---- what there is ----

PEM = re.compile(rb"-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----(.*?)-----END \1-----", re.S)


def take_der(data, at=0):
    """The value that begins at `at`: its end; 0 where none does."""
    if len(data) < at + 4 or data[at + 1] not in (0x81, 0x82, 0x83):
        return 0
    octets = data[at + 1] & 0x7F
    end = at + 2 + octets + int.from_bytes(data[at + 2:at + 2 + octets], "big")
    return end if end <= len(data) else 0


def der_of_pem(body):
    """Also of a text within a program: each line in quotes, its end written as \\n."""
    lines = re.sub(rb"\\[nrt]", b"\n", body).splitlines()
    quoted = [re.search(rb"[\"']([A-Za-z0-9+/=]*)[\"']?", line) for line in lines]
    if any(quoted):
        lines = [q.group(1) if q else line for q, line in zip(quoted, lines)]
    text = b"".join(line for line in lines if b":" not in line)
    try:
        der = base64.b64decode(text)
    except ValueError:
        return None
    return der[:take_der(der)] or None


def certificates_in(data):
    """What may be one: in PEM, alone as DER, or in a pair of cross certificates ([0] and [1] in a SEQUENCE)."""
    if b"-----BEGIN" in data:
        for found in PEM.finditer(data):
            yield der_of_pem(found.group(2))
    elif data[:1] == b"\x30" and take_der(data) == len(data):
        inner = 2 + (data[1] & 0x7F)
        if data[inner] not in (0xA0, 0xA1):
            yield data
        while inner < len(data) and data[inner] in (0xA0, 0xA1):
            end = take_der(data, inner)
            if end == 0:
                return
            yield data[inner + 2 + (data[inner + 1] & 0x7F):end]
            inner = end


def gather(folders):
    files, found = [], {}
    for folder in folders:
        for where, inner, names in os.walk(folder):
            inner.sort()
            for name in sorted(names):
                file = os.path.join(where, name)
                if not os.path.isfile(file) or not 0 < os.path.getsize(file) <= FILE_MAX:
                    continue
                with open(file, "rb") as f:
                    ders = [d for d in certificates_in(f.read()) if d]
                if ders:
                    files.append(file)
                for der in ders:
                    found.setdefault(hashlib.sha256(der).hexdigest(), (der, file))
    return files, found


# ---- what OpenSSL says, in the words of ours ----

def theirs_of(found):
    file = path("corpus")
    with open(file, "wb") as f:
        for der, _ in found.values():
            f.write(len(der).to_bytes(4, "big") + der)
    done = run(PEER, file, timeout=300)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    check_equal("libcrypto looked at all of them", (done.returncode, len(lines)), (0, len(found)))
    return dict(zip(found, lines))


def values(name):
    """[[(type, raw, text)] per RDN], the first first."""
    rdns = {}
    for part in name:
        rdns.setdefault(part["rdn"], []).append(part)
    return [rdns[k] for k in sorted(rdns)]


# ---- what we say ----

def ours_of(found):
    ours, slowest = {}, 0.0
    folder = path("der")
    os.makedirs(folder)
    names = []
    for sha256, (der, _) in found.items():
        names.append(os.path.join(folder, sha256 + ".der"))
        with open(names[-1], "wb") as f:
            f.write(der)
    for i in range(0, len(names), CHUNK):
        start = time.monotonic()
        done = run(applet("ers"), "inspect", "--json", *names[i:i + CHUNK], timeout=120)
        slowest = max(slowest, (time.monotonic() - start) / len(names[i:i + CHUNK]))
        if not check("ers inspect ends well (%d)" % (i // CHUNK), done.returncode in (0, 1), "status %r, %s" % (done.returncode, done.stderr[:300])):
            continue
        for line in done.stdout.splitlines():
            item = json.loads(line)
            if item["type"] in ("certificate", "error"):
                ours[os.path.basename(item["input"])[:64]] = item
    check("each in less than 50 ms on the average of a run", slowest < 0.05, "%.3f s" % slowest)
    return ours


def split_name(text):
    """RFC 4514 apart: [[(type, value)] per RDN], the first first; value as bytes, or "#hex"."""
    rdns, at = [], 0
    while at < len(text):
        equals = text.index("=", at)
        kind, at, value = text[at:equals], equals + 1, bytearray()
        is_hex = text[at:at + 1] == "#"
        while at < len(text) and text[at] not in ",+":
            if text[at] != "\\":
                value += text[at].encode()
                at += 1
            elif re.match(r"[0-9a-f]{2}", text[at + 1:at + 3]):
                value.append(int(text[at + 1:at + 3], 16))
                at += 3
            else:
                value += text[at + 1].encode()
                at += 2
        pair = (ATTRIBUTES.get(kind, kind), value.decode() if is_hex else bytes(value))
        if rdns and rdns[-1][1]:
            rdns[-1][0].append(pair)
        else:
            rdns.append([[pair], False])
        rdns[-1][1] = text[at:at + 1] == "+"
        at += 1
    return [r[0] for r in rdns][::-1]


def same_value(ours, part):
    if isinstance(ours, str):
        return ours.endswith(part["raw"])
    return part["utf8"] is not None and ours == bytes.fromhex(part["utf8"])


def same_name(text, name):
    ours, theirs = split_name(text), values(name)
    return len(ours) == len(theirs) and all(
        len(a) == len(b) and all(x[0] == y["type"] and same_value(x[1], y) for x, y in zip(a, b)) for a, b in zip(ours, theirs))


def ip_text(octets):
    return str(ipaddress.ip_address(octets)) if len(octets) in (4, 16) else "#" + octets.hex()


def same_ip(a, b):
    return a == b or (":" in a and ":" in b and ipaddress.ip_address(a) == ipaddress.ip_address(b))


def same_general(kind, ours, theirs):
    value = theirs["value"]
    if kind == "directory":
        return same_name(ours, value)
    if kind == "registered_id":
        return ours == value
    if kind == "other_name":
        text = ours["value"]
        return ours["type"] == theirs["type"] and (text == "#" + value or value.endswith(text.encode().hex()))
    if kind == "ip":
        return same_ip(ours, ip_text(bytes.fromhex(value)))
    if value is None:
        return True  # the two that OpenSSL does not show; their number counts
    return ours == bytes.fromhex(value).decode("utf-8", "replace")


def same_alt_names(ours, theirs):
    got = {k: v for k, v in ours.items() if v}
    wanted = {}
    for name in theirs:
        wanted.setdefault(KINDS[name["kind"]], []).append(name)
    return got.keys() == wanted.keys() and all(
        len(got[k]) == len(wanted[k]) and all(same_general(k, a, b) for a, b in zip(got[k], wanted[k])) for k in got)


def same_algorithm(ours, dotted):
    return (ours, dotted) in ALGORITHM_NAMES if dotted in KNOWN_ALGORITHMS else ours == dotted


def serial_of(hex_text):
    return int.from_bytes(bytes.fromhex(hex_text), "big", signed=True)


def differences(ours, theirs):
    """Fields in which they differ, each with both sides."""
    def differ(field, a, b):
        if a != b:
            yield field, a, b
    yield from differ("version", ours["version"], theirs["version"])
    yield from differ("serial", serial_of(ours["serial_number"]), int(theirs["serial"], 16))
    for field in ("not_before", "not_after", "sha256", "sha1", "spki_sha256"):
        yield from differ(field, ours[field], theirs[field])
    for field in ("subject", "issuer"):
        if not same_name(ours[field], theirs[field]):
            yield field, ours[field], theirs[field]
    algorithm = ours["signature_algorithm"]
    if not same_algorithm(algorithm, theirs["signature"]):
        yield from differ("signature", algorithm, theirs["signature"])
    key = ours["key"]
    if not same_algorithm(key["algorithm"], theirs["key"]):
        yield from differ("key", key["algorithm"], theirs["key"])
    if theirs["bits"] is not None:
        yield from differ("bits", key.get("bits"), theirs["bits"])
        if "curve" in key and theirs.get("curve") is not None:
            yield from differ("curve", key["curve"], CURVES.get(theirs.get("curve"), theirs.get("curve")))
    if theirs["alt"] is None:
        yield from differ("alt", "extension_unreadable" in ours["deviations"], True)
    elif not same_alt_names(ours["subject_alt_names"], theirs["alt"]):
        yield "alt", ours["subject_alt_names"], theirs["alt"]


def compare(found, ours, theirs):
    seen, surplus, known, rules = 0, 0, set(), {}
    for sha256, (_, file) in found.items():
        mine, other = ours.get(sha256), theirs[sha256]
        if mine is None:
            check("one line for " + file, False, sha256)
        elif other is None:
            surplus += mine["type"] == "certificate"
        elif mine["type"] == "error":
            if sha256[:12] in REFUSED:
                known.add(sha256[:12])
            else:
                check("read: %s (%s)" % (file, sha256[:12]), False, mine["detail"])
        else:
            seen += 1
            for field, a, b in differences(mine, other):
                rule = next((why for f, applies, why in RULES if f == field and applies(mine, other)), None)
                if rule is not None:
                    rules[rule] = rules.get(rule, 0) + 1
                elif (sha256[:12], field) in EXPECTED:
                    known.add((sha256[:12], field))
                else:
                    check("%s of %s (%s)" % (field, file, sha256[:12]), False, "%r, openssl says %r" % (a, b))
    check("equal to OpenSSL (%d certificates, %d more that OpenSSL does not read, %d refused, %d differences that are known)" % (
        seen, surplus, len(known & REFUSED), len(known - REFUSED)), seen > 500)
    for why, n in rules.items():
        check("%d times: %s" % (n, why), True)


def whole_files(files):
    """As they lie there: no crash, no hang, whatever else is in them."""
    for i in range(0, len(files), CHUNK):
        for options in (["--json"], ["--color=never"]):
            done = run(applet("ers"), "inspect", *options, *files[i:i + CHUNK], timeout=120)
            plain = not re.search("[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]", done.stdout + done.stderr)
            check("files as they are, %s (%d)" % (options[0], i // CHUNK), done.returncode in (0, 1) and plain,
                  "status %r, plain text %r" % (done.returncode, plain))


folders = SYSTEM + sys.argv[1:]
for folder in folders:
    check("there is " + folder, os.path.isdir(folder), "install it: lib/deps/tools.sh test")
files, found = gather(folders)
ours, theirs = ours_of(found), theirs_of(found)
compare(found, ours, theirs)
whole_files(files)
finish()
