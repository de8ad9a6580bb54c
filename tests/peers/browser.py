"""Chromium for tests: runs scripts of tests/gui, whose packages it fetches once."""
import base64
import hashlib
import json
import os
import shutil
import subprocess

from agent import openssl
from peer import WORK, npm_packages

GUI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gui")


def key_hash(certificate):
    """What --ignore-certificate-errors-spki-list takes: trust in one key, of a PEM file."""
    spki = openssl("pkey", "-pubin", "-outform", "DER", data=openssl("x509", "-in", certificate, "-noout", "-pubkey"))
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


def browse(script, root, made, timeout=400):
    """Runs the script with a JSON file of `made`; its exit status and what it printed."""
    fault = npm_packages(GUI)
    if fault:
        return 1, "not ok " + fault
    file = os.path.join(WORK, "made.json")
    with open(file, "w") as f:
        json.dump({"work": WORK, "spki": key_hash(root), "chromium": shutil.which("chromium"), **made}, f)
    done = subprocess.run(["node", os.path.join(GUI, script), file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
                          encoding="utf-8", errors="replace")
    return done.returncode, done.stdout
