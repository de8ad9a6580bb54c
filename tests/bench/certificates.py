"""Certificates in quantity, for what reads and stores them: two real ones by openssl,
in whose copies everything that differs between certificates is replaced: names, serial
numbers, ends, keys, signatures. They parse, they compress as badly as real ones, and
their signatures are wrong."""
import os
import random
import subprocess

NAME = b"h00000000"
SERIAL = bytes.fromhex("5eed000000000000")
CONFIG = """[req]
distinguished_name = name
[name]
[leaf]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectAltName = DNS:%s
"""
KEYS = {"rsa": ("rsa:2048",), "ec": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")}
PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b
ECDSA_SHA256 = bytes.fromhex("06082a8648ce3d040302")
POINTS = 1000  # further apart than zlib can look back


def openssl(*words):
    subprocess.run(("openssl",) + words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Authority:
    """One kind of key: an authority, and a key that all of its leaves have."""

    def __init__(self, folder, kind):
        self.folder, self.kind = folder, kind
        self.certificate, self.key, self.leaf_key = (os.path.join(folder, kind + end) for end in (".ca", ".ca-key", ".key"))
        openssl("req", "-x509", "-newkey", *KEYS[kind], "-nodes", "-keyout", self.key, "-out", self.certificate, "-days", "3650",
                "-subj", "/C=DE/O=Bench/CN=Bench Issuing CA " + kind)
        openssl("req", "-newkey", *KEYS[kind], "-nodes", "-keyout", self.leaf_key, "-out", os.devnull, "-subj", "/CN=key")

    def issue(self, host, serial, form="PEM"):
        """The path of a new certificate for host and www.host."""
        path = os.path.join(self.folder, "%s-%s.%s" % (self.kind, host, form.lower()))
        config = path + ".cnf"
        with open(config, "w") as f:
            f.write(CONFIG % (host + ",DNS:www." + host))
        openssl("req", "-x509", "-CA", self.certificate, "-CAkey", self.key, "-key", self.leaf_key, "-config", config,
                "-extensions", "leaf", "-subj", "/C=DE/O=Bench/CN=" + host, "-set_serial", "0x" + serial.hex(), "-days", "90",
                "-out", path, "-outform", form)
        return path


def points(draw):
    """Points of P-256, uncompressed without the 4 before them."""
    made = []
    while len(made) < POINTS:
        x = draw.getrandbits(255)
        square = (x**3 - 3 * x + B) % PRIME
        y = pow(square, (PRIME + 1) // 4, PRIME)
        if y * y % PRIME == square:
            made.append(x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    return made


def places(der, kind):
    """Where what differs stands: (offset, length, what)."""
    def behind(mark):
        return der.index(mark) + len(mark)

    found, at = [], der.find(NAME)
    while at >= 0:
        found.append((at + 1, len(NAME) - 1, "number"))
        at = der.find(NAME, at + 1)
    found.append((der.index(SERIAL) + 4, 4, "random"))
    begin = behind(b"\x17\x0d")
    found.append((der.index(b"\x17\x0d", begin) + 2, 10, "end"))
    found.append((behind(b"\x55\x1d\x0e\x04\x16\x04\x14"), 20, "random"))
    if kind == "rsa":
        found.append((behind(b"\x02\x82\x01\x01\x00") + 1, 254, "random"))
        found.append((len(der) - 256, 256, "random"))
    else:
        found.append((behind(b"\x03\x42\x00\x04"), 64, "point"))
        r = der.rindex(ECDSA_SHA256) + len(ECDSA_SHA256) + 5  # heads of BIT STRING and SEQUENCE
        s = r + 2 + der[r + 1]
        found += [(at + 4, der[at + 1] - 2, "random") for at in (r, s)]
    return found


def write(folder, path, count):
    """Writes `count` of them: 4 bytes of length, DER, and so on."""
    draw = random.Random(count)
    pool = points(draw)
    templates = []
    for kind in KEYS:
        with open(Authority(folder, kind).issue(NAME.decode() + ".bench.test", SERIAL, "DER"), "rb") as f:
            der = f.read()
        templates.append((der, places(der, kind)))
    with open(path, "wb") as out:
        for i in range(count):
            der, spots = templates[i % len(templates)]
            made = bytearray(der)
            for at, n, what in spots:
                if what == "random":
                    made[at:at + n] = draw.randbytes(n)
                elif what == "number":
                    made[at:at + n] = b"%08x" % i
                elif what == "point":
                    made[at:at + n] = pool[draw.randrange(POINTS)]
                else:
                    made[at:at + n] = b"%02d%02d%02d%02d%02d" % (draw.randrange(25, 35), draw.randrange(1, 13),
                                                             draw.randrange(1, 29), draw.randrange(24), draw.randrange(60))
            out.write(len(made).to_bytes(4, "big") + made)
