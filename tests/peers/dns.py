"""A name server that says what a test wants: A, AAAA and PTR out of a dictionary, over
UDP (truncated past 512 bytes, or what the asker allows) and TCP, every query kept. With
private_network() a test runs where only its own name servers are asked."""
import os
import socket
import struct
import subprocess
import sys
import threading

TYPES = {"A": 1, "PTR": 12, "AAAA": 28}


def private_network(hosts="127.0.0.1 localhost\n", resolv="nameserver 127.0.0.1\n"):
    """The script starts anew in a network and file system of its own, where port 53 is
    free and hosts and resolv.conf are these."""
    if os.environ.get("CLM_PRIVATE") != "yes":
        os.environ["CLM_PRIVATE"] = "yes"
        user = [] if os.geteuid() == 0 else ["-r"]
        os.execvp("unshare", ["unshare", *user, "-m", "-n", sys.executable] + sys.argv)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    set_file("hosts", hosts)
    set_file("resolv.conf", resolv)


def set_file(name, text):
    """/etc/NAME of this test alone."""
    from peer import path
    own = path("etc-" + name)
    mounted = os.path.exists(own)
    with open(own, "w") as f:
        f.write(text)
    if not mounted:
        subprocess.run(["mount", "--bind", own, "/etc/" + name], check=True)


def reverse(address):
    """The name under which an IPv4 address has its PTR."""
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def read_name(message, at):
    labels = []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode().lower())
        at += 1 + message[at]
    return ".".join(labels), at + 1


class Dns:
    """zone: {"name": {"A": [...], "AAAA": [...], "PTR": [...]}}; asked: (name, type, "udp" or "tcp")."""

    def __init__(self, zone, address="127.0.0.1", silent=False):
        self.zone, self.silent, self.asked = zone, silent, []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((address, 53))
        self.tcp = socket.create_server((address, 53))
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def names_asked(self):
        return [name for name, _, _ in self.asked]

    def record(self, kind, value):
        data = (socket.inet_aton(value) if kind == "A" else socket.inet_pton(socket.AF_INET6, value) if kind == "AAAA"
                else encode(value))
        return b"\xc0\x0c" + struct.pack(">HHIH", TYPES[kind], 1, 60, len(data)) + data

    def answer(self, query, transport):
        name, at = read_name(query, 12)
        number = struct.unpack(">H", query[at:at + 2])[0]
        kind = {v: k for k, v in TYPES.items()}.get(number)
        self.asked.append((name, kind, transport))
        known = self.zone.get(name)
        records = [self.record(kind, value) for value in (known or {}).get(kind, [])]
        code = 0 if known is not None else 3
        question = query[12:at + 4]
        head = query[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(records), 0, 0)
        whole = head + question + b"".join(records)
        if transport == "udp" and len(whole) > 512:
            return query[:2] + struct.pack(">HHHHH", 0x8780, 1, 0, 0, 0) + question
        return whole

    def serve_udp(self):
        while True:
            query, peer = self.udp.recvfrom(4096)
            answer = self.answer(query, "udp")
            if not self.silent:
                self.udp.sendto(answer, peer)

    def serve_tcp(self):
        while True:
            client, _ = self.tcp.accept()
            threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        with client:
            while True:
                head = client.recv(2, socket.MSG_WAITALL)
                if len(head) < 2:
                    return
                query = client.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
                answer = self.answer(query, "tcp")
                client.sendall(struct.pack(">H", len(answer)) + answer)
