#!/usr/bin/env python3
"""ers scan over N endpoints, three in ten of which misbehave: the others' results are those of a scan
without the bad ones, and neither descriptors nor memory grow with time. N is HOSTILE_N (2,000; `make soak`: 10,000).

The servers are this program's too, in a process of its own: bytes of TLS 1.2 up to ServerHelloDone
at each loopback address, one of 50 certificates by address, and twenty ways to go wrong."""
import asyncio
import json
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from tls12 import DONE, EXCHANGE, chain, message, record, records, server_hello

N = int(os.environ.get("HOSTILE_N", "2000"))
CERTIFICATES = 50
TIMEOUT_S = 2


def answer(*ders):
    return records(server_hello() + chain(*ders) + EXCHANGE + DONE, 16384)


def address_of(i):
    return "127.%d.%d.%d" % (20 + i // 62500, i // 250 % 250, 1 + i % 250)


def number_of(address):
    a, b, c = (int(x) for x in address.split(".")[1:])
    return (a - 20) * 62500 + b * 250 + c - 1


# ---- the servers ----


def reset(transport):
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def trickle(transport, data, pause):
    for i in range(len(data)):
        if transport.is_closing():
            return
        transport.write(data[i:i + 1])
        await asyncio.sleep(pause)
    transport.close()


async def endless(transport, chunk):
    for _ in range(20000):
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() < 1 << 20:
            transport.write(chunk)
        await asyncio.sleep(0.001)
    transport.close()


def spawn(coroutine):
    asyncio.get_running_loop().create_task(coroutine)


WAYS = [
    lambda t, a: None,                                              # silence
    lambda t, a: t.write(a[:5]),                                    # ... after a record's head
    lambda t, a: t.write(a[:60]),                                   # ... after the ServerHello
    lambda t, a: t.write(a[:len(a) // 2]),                          # ... within the certificate
    lambda t, a: reset(t),
    lambda t, a: (t.write(a[:60]), t.close()),
    lambda t, a: (t.write(a[:len(a) // 2]), t.close()),
    lambda t, a: t.close(),
    lambda t, a: spawn(trickle(t, a, 0.05)),                        # so slowly that the time runs out
    lambda t, a: spawn(endless(t, bytes(range(256)) * 64)),         # no TLS, without end
    lambda t, a: spawn(endless(t, record(b"\0" * 16000, 23))),      # records of data, without end
    lambda t, a: spawn(endless(t, record(message(4, b"\0" * 12000)))),  # handshake messages, without end
    lambda t, a: t.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    lambda t, a: t.write(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"),
    lambda t, a: t.write(record(b"\0" * 65535)),                    # a record longer than any may be
    lambda t, a: t.write(record(message(11, b"\xff\xff\xff" + b"\0" * 100))),  # lengths that lie
    lambda t, a: t.write(b"\x15\x03\x03\x00\x02\x01\x00" * 5000),   # warnings, five thousand
    lambda t, a: t.write(record(b"") * 5000),                       # records of nothing
    lambda t, a: t.write(answer(b"\x30\x82\x10\x00" + b"\xff" * 4096)),  # a certificate that is none
    lambda t, a: t.write(bytes(random.Random(len(a)).randrange(256) for _ in range(3000))),
]


def is_hostile(i):
    return i % 10 in (2, 5, 9)


class Server(asyncio.Protocol):
    answers = []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        i = number_of(self.transport.get_extra_info("sockname")[0])
        good = self.answers[i % CERTIFICATES]
        if self.hostile and is_hostile(i):
            WAYS[i // 10 % len(WAYS)](self.transport, good)
        else:
            self.transport.write(good)

    hostile = True


def farm(folder):
    Server.answers = [answer(open(os.path.join(folder, "%d.der" % i), "rb").read()) for i in range(CERTIFICATES)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)

    async def serve():
        server = await asyncio.get_running_loop().create_server(Server, "0.0.0.0", 0, backlog=4096)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_task(asyncio.sleep(600))

    asyncio.run(serve())


# ---- the scans ----


def scan(ers, port, numbers, folder):
    """(results by address, samples of (descriptors, KB)) of one scan."""
    targets = os.path.join(folder, "targets.txt")
    with open(targets, "w", encoding="utf-8") as f:
        f.writelines("%s:%d\n" % (address_of(i), port) for i in numbers)
    out = os.path.join(folder, "out.json")
    with open(out, "wb") as f:
        process = subprocess.Popen([ers, "scan", "--config", folder, "@" + targets, "--json", "--rate", "max", "--parallel", "500",
                                    "--timeout", "%ds" % TIMEOUT_S], stdout=f, stderr=subprocess.PIPE)
        samples = []
        while process.poll() is None:
            try:
                with open("/proc/%d/status" % process.pid, encoding="utf-8") as status:
                    kb = next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))
                samples.append((len(os.listdir("/proc/%d/fd" % process.pid)), kb))
            except (OSError, StopIteration):
                pass
            time.sleep(0.05)
    errors = process.stderr.read().decode()
    results, summary = {}, None
    for line in open(out, encoding="utf-8"):
        item = json.loads(line)
        if item["type"] == "observation":
            results[item["ip"]] = (item["outcome"], tuple(item["chain"]), (item["tls"] or {}).get("cipher_suite"))
        elif item["type"] == "summary":
            summary = item
    return results, samples, summary, process.returncode, errors


def main():
    from peer import applet, check, check_equal, finish, path, BUILD
    ers, folder = applet("ers"), path("farm")
    os.makedirs(folder)
    for i in range(CERTIFICATES):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        os.path.join(folder, "k"), "-outform", "DER", "-out", os.path.join(folder, "%d.der" % i),
                        "-subj", "/CN=node %d" % i], check=True, stderr=subprocess.DEVNULL)
    servers = subprocess.Popen([sys.executable, os.path.abspath(__file__), "farm", folder], stdout=subprocess.PIPE)
    try:
        port = int(servers.stdout.readline())
        honest = [i for i in range(N) if not is_hostile(i)]
        alone, _, summary, status, errors = scan(ers, port, honest, folder)
        check_equal("the honest ones alone", (status, len(alone), {r[0] for r in alone.values()}), (0, len(honest), {"ok"}))
        mixed, samples, summary, status, errors = scan(ers, port, range(N), folder)
        check("among hostile ones, the scan ends well", status == 0 and not errors, "%d %s" % (status, errors[:300]))
        check_equal("each endpoint has its line", len(mixed), N)
        states = summary["endpoints"]["states"]
        check("the account sums", sum(states.values()) == summary["endpoints"]["total"] == N, str(summary))
        different = [a for a in alone if mixed.get(a) != alone[a]]
        check("the neighbours' results are the same", not different,
              "%d differ: %s" % (len(different), [(a, alone[a], mixed.get(a)) for a in different[:3]]))
        outcomes = {}
        for i in range(N):
            if is_hostile(i):
                outcomes.setdefault(i // 10 % len(WAYS), set()).add(mixed[address_of(i)][0])
        check("each way to go wrong is told alike everywhere", all(len(o) <= 2 for o in outcomes.values()), str(outcomes))
        check("none of them is taken for good", not any("ok" in outcomes[w] for w in range(len(WAYS)) if w in outcomes), str(outcomes))
        half = len(samples) // 2
        first, second = samples[2:half], samples[half:]
        if len(first) > 5:
            check("descriptors do not grow", max(s[0] for s in second) <= max(s[0] for s in first) + 20,
                  "%d, then %d" % (max(s[0] for s in first), max(s[0] for s in second)))
            check("nor does memory", "address" in BUILD or max(s[1] for s in second) <= max(s[1] for s in first) + 2048,
                  "%d KB, then %d KB" % (max(s[1] for s in first), max(s[1] for s in second)))
            print("# %d endpoints in %.1f s, at most %d descriptors and %d KB" % (
                N, summary["duration_ms"] / 1000, max(s[0] for s in samples), max(s[1] for s in samples)))
    finally:
        servers.send_signal(signal.SIGKILL)
        servers.wait()
    finish()


if sys.argv[1:2] == ["farm"]:
    farm(sys.argv[2])
else:
    main()
