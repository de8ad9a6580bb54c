"""An agent of its own for the tests: Python's HTTP client, and signatures made by
the openssl command, so that the server's are checked by another implementation."""
import base64
import gzip
import hashlib
import http.client
import json
import os
import re
import ssl
import subprocess
import time

from peer import path, run


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *arguments], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError("openssl %s: %s" % (arguments[0], done.stderr.decode()))
    return done.stdout


def raw_signature(der):
    """r||s of 64 bytes out of the DER that openssl writes (SEQUENCE of two INTEGERs)."""
    def integer(at):
        length = der[at + 1]
        return int.from_bytes(der[at + 2:at + 2 + length], "big"), at + 2 + length
    r, at = integer(2)
    s, _ = integer(at)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Server:
    """Where it is, and how it is trusted."""

    def __init__(self, url, root):
        self.url = url
        self.host, self.port = re.match(r"https://([^:/]+):(\d+)$", url).groups()
        self.context = ssl.create_default_context(cafile=root)

    def request(self, method, target, body=None, headers=None, timeout=30):
        """(status, headers, body as JSON where it is some)."""
        connection = http.client.HTTPSConnection(self.host, int(self.port), context=self.context, timeout=timeout)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            response = connection.getresponse()
            content = response.read()
            kind = response.headers.get("Content-Type", "")
            return response.status, response.headers, json.loads(content) if "json" in kind else content
        finally:
            connection.close()


class Person(Server):
    """Somebody with a browser: a cookie, and the header that scripts of other sites cannot set."""
    cookie = None

    def call(self, method, target, value=None, **more):
        headers = {"clm-request": "1"}
        headers.update(more)
        if self.cookie:
            headers["Cookie"] = self.cookie
        body = None
        if value is not None:
            body = json.dumps(value)
            headers["Content-Type"] = "application/json"
        status, answer_headers, answer = self.request(method, "/api/v1" + target, body, headers)
        if "Set-Cookie" in answer_headers:
            self.cookie = answer_headers["Set-Cookie"].split(";")[0]
        return status, answer


class Agent(Server):
    def __init__(self, url, root, name, key=None):
        super().__init__(url, root)
        self.name = name
        self.key = key or path(name + ".key")
        if not os.path.exists(self.key):
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
        self.spki = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")
        self.keyid = hashlib.sha256(self.spki).hexdigest()

    def signed(self, method, target, body=None, headers=None, created=None, nonce=None, covered=None):
        """The headers of a signed request (RFC 9421, RFC 9530)."""
        headers = dict(headers or {})
        at, mark, query = target.partition("?")
        values = {"@method": method, "@path": at, "@query": mark + query if mark else "?"}
        if body is not None:
            headers["Content-Digest"] = "sha-256=:%s:" % base64.b64encode(hashlib.sha256(body).digest()).decode()
            values["content-digest"] = headers["Content-Digest"]
        if "Content-Encoding" in headers:
            values["content-encoding"] = headers["Content-Encoding"]
        names = covered or list(values)
        nonce = nonce or base64.b64encode(os.urandom(16)).decode()
        created = int(time.time()) if created is None else created
        params = '(%s);created=%d;nonce="%s";keyid="%s";alg="ecdsa-p256-sha256";tag="clm"' % (
            " ".join('"%s"' % name for name in names), created, nonce, self.keyid)
        base = "".join('"%s": %s\n' % (name, values[name]) for name in names) + '"@signature-params": ' + params
        der = openssl("dgst", "-sha256", "-sign", self.key, data=base.encode())
        headers["Signature-Input"] = "sig=" + params
        headers["Signature"] = "sig=:%s:" % base64.b64encode(raw_signature(der)).decode()
        return headers

    def call(self, method, target, value=None, **more):
        body, headers = None, {}
        if value is not None:
            body, headers = json.dumps(value).encode(), {"Content-Type": "application/json"}
        target = "/api/v1" + target
        status, _, answer = self.request(method, target, body, self.signed(method, target, body, headers, **more))
        return status, answer

    def enrol(self, token, network=None, name=None):
        value = {"token": token, "name": name or self.name, "public_key": base64.b64encode(self.spki).decode(),
                 "system": "test", "version": "0"}
        if network:
            value["network"] = network
        return self.call("POST", "/agents", value)

    def prepare(self, batch, lines, packed=True, **more):
        """Target, body and headers of a push, to be sent once or again."""
        body = "".join(json.dumps(line) + "\n" if not isinstance(line, str) else line + "\n" for line in lines).encode()
        headers = {"Content-Type": "application/x-ndjson"}
        if packed:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        target = "/api/v1/observations?batch=" + batch
        return target, body, self.signed("POST", target, body, headers, **more)

    def push(self, batch, lines, **more):
        target, body, headers = self.prepare(batch, lines, **more)
        status, _, answer = self.request("POST", target, body, headers)
        return status, answer


def certificate_line(pem):
    der = openssl("x509", "-outform", "DER", data=pem.encode())
    return {"type": "certificate", "sha256": hashlib.sha256(der).hexdigest(), "pem": pem}


def observation_line(chain, host="web.example.com", ip="192.0.2.7", port=443, outcome="ok", time_text=None, **more):
    line = {"type": "observation", "scan": "s1", "target": host or ip, "kind": "tls", "host": host, "ip": ip, "port": port,
            "path": None, "protocol": "tls", "sni": host, "asked": "any",
            "time": time_text or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "outcome": outcome,
            "stage": "done" if chain else "connect", "alert": None, "detail": None, "duration_ms": 12,
            "tls": {"version": "TLSv1.3", "cipher_suite": "TLS_AES_128_GCM_SHA256", "group": "x25519", "alpn": None}
            if chain else None, "chain": chain}
    line.update(more)
    return line


def batch_id():
    return os.urandom(16).hex()


def init(applet, data, port, name="localhost,127.0.0.1"):
    """A store with its administrator's link: the answer of `init --json`."""
    done = run(applet, "init", "--name", name, "--listen", "127.0.0.1:%d" % port, "--data", data, "--json")
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)
