"""What the peer tests share: checks that are counted, a folder of their own,
processes that end with the test, free ports, certificates by openssl."""
import atexit
import collections
import hashlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("CLM_BUILD", os.path.abspath("build/linux-x86_64"))
WORK = tempfile.mkdtemp(prefix="clm-test-")
_failed = 0
_started = []


def check(name, condition, why=""):
    """One line per check; the runner counts them."""
    global _failed
    if condition:
        print("ok %s" % name, flush=True)
    else:
        _failed += 1
        print("not ok %s: %s" % (name, why), flush=True)
    return bool(condition)


def check_equal(name, got, expected):
    return check(name, got == expected, "got %r, expected %r" % (got, expected))


def finish():
    """Ends the test: exit status 1 where a check failed."""
    sys.exit(1 if _failed else 0)


def applet(name):
    return os.path.join(BUILD, name)


def run(*command, timeout=60, **options):
    """Runs to the end; .returncode, .stdout and .stderr (text)."""
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if options["stdin"] is None:
        del options["stdin"]
    return subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          encoding="utf-8", errors="replace", **options)


def start(*command, **options):
    """A process of this test, ended at its exit."""
    options.setdefault("stdout", subprocess.DEVNULL)
    options.setdefault("stderr", subprocess.DEVNULL)
    options.setdefault("stdin", subprocess.DEVNULL)
    process = subprocess.Popen([str(c) for c in command], **options)
    _started.append(process)
    return process


def stop(process, how=signal.SIGTERM, timeout=10):
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(10)


def free_port(address="127.0.0.1"):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def wait_port(port, address="127.0.0.1", seconds=10):
    """True as soon as something listens there."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection((address, port), 1).close()
            return True
        except OSError:
            time.sleep(0.02)
    return False


def by_type(text):
    """NDJSON by its lines' types; every line must be an object of its own."""
    found = collections.defaultdict(list)
    for line in text.splitlines():
        value = json.loads(line)
        found[value["type"]].append(value)
    return found


def relay(client, port, said=b""):
    """Between a connection and a port of 127.0.0.1, until one side has ended; `said` is what was read already."""
    try:
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            server.sendall(said)
            while True:
                for side in select.select([client, server], [], [], 5)[0] or [None]:
                    data = side.recv(65536) if side else b""
                    if not data:
                        return
                    (server if side is client else client).sendall(data)
    except OSError:
        pass


def path(*parts):
    return os.path.join(WORK, *parts)


def npm_packages(folder):
    """What the folder's lock file names, fetched once; the fault, or None."""
    if os.path.isdir(os.path.join(folder, "node_modules")):
        return None
    done = run("npm", "ci", "--ignore-scripts", cwd=folder, timeout=300)
    return None if done.returncode == 0 else "npm ci in %s: %s" % (folder, done.stderr)


def make_certificate(name, key=("-newkey", "rsa:2048"), subject=None, days=90, extra=()):
    """A self-signed certificate by openssl: paths of the certificate and its key."""
    certificate, key_file = path(name + ".pem"), path(name + ".key")
    done = run("openssl", "req", "-x509", *key, "-nodes", "-keyout", key_file, "-out", certificate, "-subj",
               subject or "/CN=" + name, "-days", days, *extra)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return certificate, key_file


def fingerprint(certificate):
    """Hex SHA-256 of the DER of a PEM file's first certificate, by openssl."""
    der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], stdout=subprocess.PIPE, check=True).stdout
    return hashlib.sha256(der).hexdigest()


@atexit.register
def _clean():
    # Asked first: killed at once, nginx would leave its workers behind.
    left = [process for process in _started if process.poll() is None]
    for process in left:
        process.terminate()
    for process in left:
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    shutil.rmtree(WORK, ignore_errors=True)
