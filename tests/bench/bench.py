#!/usr/bin/env python3
"""Measures this build beside its peers, in one run on one machine, and prints one table.

    bench.py --build DIR --peers DIR [scan|x509|store|ingest|export...]

scan   `ers scan` of BENCH_N (1,000; fours) endpoints of nginx, beside a loop that only connects,
       asks and reads (scan_floor), and on some of them openssl s_client, sslscan and nmap
x509   certificates read a second, beside libcrypto
store  certificates stored and found again, beside SQLite: 10,000, 100,000 and BENCH_STORE_N
ingest CPU a certificate by stage; batches, one durable client and 64, beside SQLite and a loop that only syncs
export rates and memory of clm-export, beside SQLite, for the same counts as store

Ratios are what counts: rates belong to the machine and its load. Exit status 1 where
a certificate was missed or a peer failed."""
import argparse
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["LC_ALL"] = "C.UTF-8"
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "peers"))
import peer
import certificates

RUNS, IN_FLIGHT, CERTIFICATES, PEER_MAX = 3, 1000, 50, 200
PORTS = (("rsa", "TLSv1.2 TLSv1.3"), ("ec", "TLSv1.2 TLSv1.3"), ("rsa", "TLSv1.2"), ("ec", "TLSv1.3"))
failed = []


class Usage:
    """What a command took: seconds, CPU seconds and MB of its largest process. The MB are
    told by time(1): a child of this process would count the memory of its parent."""

    def __init__(self, command):
        peak = peer.path("peak")
        with tempfile.TemporaryFile() as out:
            start = time.monotonic()
            process = subprocess.Popen(["/usr/bin/time", "-q", "-f", "%M", "-o", peak] + [str(word) for word in command],
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)
            self.seconds = time.monotonic() - start
            self.status = process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu = used.ru_utime + used.ru_stime
            with open(peak) as f:
                self.mb = int(f.read()) / 1024
            out.seek(0)
            self.said = out.read().decode("utf-8", "replace")


def title(text, *columns):
    print("\n%-38s" % text + "".join("%13s" % c for c in columns), flush=True)


def row(name, *values):
    print("  %-36s" % name + "".join("%13s" % v for v in values), flush=True)


def times(a, b):
    ratio = a / b if b else 0
    return ("%.2fx" if ratio >= 0.1 else "%.4fx") % ratio if ratio else "-"


def number(n):
    return "{:,.0f}".format(n) if n >= 100 else "%.3g" % n


# ---- scan -------------------------------------------------------------------

class Farm:
    """nginx on 127.2.a.b, four ports an address: `expected` tells the fingerprint of each endpoint."""

    def __init__(self, count):
        authorities = {kind: certificates.Authority(peer.WORK, kind) for kind in certificates.KEYS}
        hosts = [(kind, i) for kind in authorities for i in range(min(CERTIFICATES, (count + 3) // 4))]
        paths = {(kind, i): authorities[kind].issue("h%d.bench.test" % i, certificates.SERIAL[:7] + bytes([i]))
                 for kind, i in hosts}
        prints = {key: peer.fingerprint(path) for key, path in paths.items()}
        self.addresses = ["127.2.%d.%d" % (i // 250, 1 + i % 250) for i in range((count + 3) // 4)]
        self.ports = [peer.free_port(self.addresses[0]) for _ in PORTS]
        self.expected = {}
        servers = {}
        for place, address in enumerate(self.addresses):
            for port, (kind, versions) in zip(self.ports, PORTS):
                if len(self.expected) == count:
                    break
                key = (kind, place % min(CERTIFICATES, len(self.addresses)))
                self.expected[address, port] = prints[key]
                servers.setdefault(key + (versions,), []).append("listen %s:%d ssl backlog=4096;" % (address, port))
        self.start(servers, paths, authorities, count)

    def start(self, servers, paths, authorities, count):
        conf = ["daemon off; master_process off; pid %s; error_log %s crit;" % (peer.path("nginx.pid"), peer.path("nginx.log")),
                "worker_rlimit_nofile %d;" % (count + 8000),
                "events { worker_connections %d; multi_accept on; }" % (count + 6000), "http { access_log off;"]
        conf += ["%s_temp_path %s;" % (kind, peer.path("nginx-" + kind))
                 for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
        conf.append("ssl_session_cache off; ssl_session_tickets off;")
        for (kind, i, versions), listen in servers.items():
            with open(paths[kind, i], "a") as chain, open(authorities[kind].certificate) as ca:
                if versions == PORTS[0][1]:
                    chain.write(ca.read())
            conf.append("server { %s ssl_protocols %s; ssl_certificate %s; ssl_certificate_key %s; return 204; }"
                        % (" ".join(listen), versions, paths[kind, i], authorities[kind].leaf_key))
        conf.append("}")
        with open(peer.path("nginx.conf"), "w") as f:
            f.write("\n".join(conf))
        self.nginx = peer.start("nginx", "-e", peer.path("nginx.log"), "-p", peer.WORK, "-c", peer.path("nginx.conf"))
        end = time.monotonic() + 30
        while not os.path.exists(peer.path("nginx.pid")):  # written once it listens everywhere
            if self.nginx.poll() is not None or time.monotonic() > end:
                sys.exit("bench: nginx did not start: " + open(peer.path("nginx.log")).read())
            time.sleep(0.05)

    def lists(self):
        """Files of endpoints for all, of as many as slow peers get, and the hosts of those."""
        words = ["%s:%d" % place for place in self.expected]
        few = words[:min(len(words), PEER_MAX) // 4 * 4]
        hosts = list(dict.fromkeys(word.split(":")[0] for word in few))
        names = peer.path("all"), peer.path("few"), peer.path("hosts")
        for name, lines in zip(names, (words, few, hosts)):
            with open(name, "w") as f:
                f.write("\n".join(lines) + "\n")
        return names + (len(few),)


def missed_by_ers(said, expected):
    left = dict(expected)
    for line in said.splitlines():
        o = json.loads(line)
        if o["type"] == "observation" and o["chain"] and left.get((o["ip"], o["port"])) == o["chain"][0]:
            del left[o["ip"], o["port"]]
    return len(left)


def scan_row(name, count, runs, missed, base=None):
    """Medians; `base` is the pair of rate and CPU of ers, whose ratios to this row are shown."""
    rate = count / statistics.median(u.seconds for u in runs)
    cpu = statistics.median(u.cpu for u in runs) * 1000 / count
    row(name, number(rate), "%.3f" % cpu, "%.1f" % max(u.mb for u in runs), missed,
        times(base[0], rate) if base else "", times(base[1], cpu) if base else "")
    return rate, cpu


def bench_scan(build, peers):
    count = max(4, int(os.environ.get("BENCH_N", "1000")) // 4 * 4)
    farm = Farm(count)
    everything, few, hosts, few_count = farm.lists()
    os.makedirs(peer.path("config"))
    ers = [os.path.join(build, "ers"), "scan", "--config", peer.path("config"), "--json", "--rate", "max", "--per-host",
           "max", "--parallel", IN_FLIGHT, "--faces", "quick"]
    floor = [os.path.join(peers, "scan_floor"), everything, IN_FLIGHT]
    runs = {"ers": [], "floor": [], "polite": []}
    for _ in range(RUNS):  # in turn: load that comes and goes meets all of them
        runs["ers"].append(Usage(ers + ["@" + everything]))
        runs["floor"].append(Usage(floor))
        runs["polite"].append(Usage(floor + ["polite"]))
    missed = max(missed_by_ers(u.said, farm.expected) for u in runs["ers"])
    if missed:
        failed.append("ers scan missed %d of %d certificates" % (missed, count))
    failed.extend("%s: exit %d" % (name, u.status) for name, all_of in runs.items() for u in all_of if u.status)

    title("scan, %s endpoints, median of %d" % (format(count, ","), RUNS), "endpoints/s", "CPU s/1,000", "peak MB", "missed",
          "ers: rate", "ers: CPU")
    base = scan_row("ers scan", count, runs["ers"], missed)
    scan_row("floor: ask, read, reset", count, runs["floor"], missed_by_floor(runs["floor"]), base)
    scan_row("floor: ask, read, end, wait", count, runs["polite"], missed_by_floor(runs["polite"]), base)
    ports = ",".join(map(str, farm.ports))
    for name, words, mark in (
            ("openssl s_client, 4 at once", "xargs -a %s -P 4 -n 1 openssl s_client -connect" % few, r"^subject=|\nsubject="),
            ("sslscan, 4 at once", "xargs -a %s -P 4 -n 1 sslscan --no-colour --show-certificate --no-ciphersuites --no-fallback "
             "--no-renegotiation --no-compression --no-heartbleed --no-groups" % few, r"Subject:"),
            ("nmap --script ssl-cert", "nmap -n -Pn -T5 --max-retries 1 -p %s --script ssl-cert -iL %s" % (ports, hosts),
             r"ssl-cert: Subject:")):
        used = Usage(shlex.split(words))
        scan_row("%s (%d)" % (name, few_count), few_count, [used], max(0, few_count - len(re.findall(mark, used.said))), base)
    peer.stop(farm.nginx)


def missed_by_floor(runs):
    return max(int(re.search(r"(\d+) did not", u.said)[1]) if "did not" in u.said else -1 for u in runs)


# ---- x509 -------------------------------------------------------------------

def bench_x509(build, peers):
    count, seconds = 5000, 0.7
    path = peer.path("x509")
    certificates.write(peer.WORK, path, count)
    programs = {"ours": os.path.join(build, "tests/bench/x509_read"), "libcrypto": os.path.join(peers, "peer_x509")}
    figures = {name: [] for name in programs}
    for _ in range(RUNS):
        for name, program in programs.items():
            used = Usage([program, path, seconds])
            if used.status != 0:
                failed.append("%s: exit %d" % (program, used.status))
                return
            figures[name].append([float(line) for line in used.said.split()])
    plain, hashed = ({name: statistics.median(f[i] for f in all_of) for name, all_of in figures.items()} for i in (0, 1))
    title("x509, certificates/s, median of %d" % RUNS, "lib/x509", "libcrypto", "ratio")
    for name, of in (("read", plain), ("read and hashed twice (SHA-256)", hashed)):
        row(name, number(of["ours"]), number(of["libcrypto"]), times(of["ours"], of["libcrypto"]))


# ---- store ------------------------------------------------------------------

STORE_LINES = (
    ("stored, certificates/s", r"stored .*, (\d+)/s", True), ("bytes a certificate", r"log ([\d.]+) bytes", False),
    ("page of 100 by end, ms", r"^page.* text '': .*, ([\d.]+) ms", False),
    ("page of a word in all, ms", r"^page.* text 'www': .*, ([\d.]+) ms", False),
    ("  SQLite with FTS5 trigrams", r"page of.* text 'www': .*, ([\d.]+) ms", False),
    ("page of a word in none, ms", r"^page.* text 'nothing like it': .*, ([\d.]+) ms", False),
    ("  SQLite with FTS5 trigrams", r"page of.* text 'nothing like it': .*, ([\d.]+) ms", False),
    ("row by fingerprint, ms", r"row by fingerprint: ([\d.]+) ms", False),
    ("rows by serial number, ms", r"rows by serial: ([\d.]+) ms", False),
    ("counted by week of the end, ms", r"counted by week: ([\d.]+) ms", False),
    ("counted by issuer, ms", r"counted by issuer: ([\d.]+) ms", False),
    ("DER by fingerprint, ms", r"DER by fingerprint: ([\d.]+) ms", False))


def folder_size(path):
    return sum(os.path.getsize(os.path.join(path, name)) for name in os.listdir(path))


def bench_store(build, peers):
    more = int(os.environ.get("BENCH_STORE_N", "0"))
    for count in (10000, 100000) + ((more,) if more > 100000 else ()):
        path, batch = peer.path("store-%d" % count), 1000
        certificates.write(peer.WORK, path, count)
        ours = Usage([os.path.join(build, "tests/peers/store_tool"), "bench", peer.path("log-%d" % count), path, batch])
        theirs = Usage([os.path.join(peers, "peer_sqlite"), peer.path("db-%d" % count), path, batch])
        reopen = [os.path.join(build, "tests/peers/store_tool"), "open", peer.path("log-%d" % count)]
        indexed = Usage(reopen)
        size = folder_size(peer.path("log-%d/index" % count))
        shutil.rmtree(peer.path("log-%d/index" % count))
        rebuilt = Usage(reopen)
        if any(used.status for used in (ours, theirs, indexed, rebuilt)):
            failed.append("store: exit %d, %d, %d and %d" % (ours.status, theirs.status, indexed.status, rebuilt.status))
            return
        ours.said += indexed.said
        raw = float(re.search(r"raw ([\d.]+) bytes", ours.said)[1])
        title("store, %s certificates of %.0f bytes" % (format(count, ","), raw), "ours", "SQLite", "better by")
        for name, pattern, more_is_better in STORE_LINES:  # of two lines that fit the last one: FTS5's
            a, b = (float(re.findall(pattern, used.said, re.M)[-1]) for used in (ours, theirs))
            row(name, number(a), number(b), times(a, b) if more_is_better else times(b, a))
        for name, pattern in (("start to first page, s", r"opened again: ([\d.]+) s"), ("private memory, MB", r"private memory: ([\d.]+) MB")):
            row(name, *("%.3g" % float(re.search(pattern, used.said)[1]) for used in (indexed, theirs) if re.search(pattern, used.said)))
            row("  without an index: rebuilt", "%.3g" % float(re.search(pattern, rebuilt.said)[1]))
        row("index, bytes a certificate", "%.0f" % (size / count))
        log, theirs_all = (float(re.search(STORE_LINES[1][1], used.said)[1]) for used in (ours, theirs))
        row("with the index", number(log + size / count), number(theirs_all), times(theirs_all, log + size / count))
        # Our queries run in a process of their own, those of SQLite in the one that stored.
        cpu, mb = ours.cpu + indexed.cpu, max(ours.mb, indexed.mb)
        row("CPU s in all", "%.2f" % cpu, "%.2f" % theirs.cpu, times(theirs.cpu, cpu))
        row("peak MB", "%.1f" % mb, "%.1f" % theirs.mb, times(theirs.mb, mb))
        os.remove(path)


# ---- ingest -----------------------------------------------------------------

STAGES = ("parse", "hash", "index", "deflate", "write")


def told(pattern, used):
    found = re.findall(pattern, used.said, re.M)
    return float(found[-1]) if found else 0.0


def bench_ingest(build, peers):
    """Stages by themselves, the whole path beside SQLite, and clients that wait for the disk."""
    count, path = 100000, peer.path("ingest")
    certificates.write(peer.WORK, path, count)
    tool = os.path.join(build, "tests/bench/ingest")
    os.makedirs(peer.path("clients"))
    stages = Usage([tool, "stages", path, count, peer.path("ingest.tmp")])
    ours = Usage([os.path.join(build, "tests/peers/store_tool"), "bench", peer.path("batched"), path, 1000, "bare"])
    theirs = Usage([os.path.join(peers, "peer_sqlite"), peer.path("batched.db"), path, 1000])
    durable = Usage([tool, "durable", peer.path("clients"), path])
    single = Usage([os.path.join(peers, "peer_sqlite"), peer.path("single.db"), path, 1, 1500])
    for name, used in (("stages", stages), ("store_tool", ours), ("peer_sqlite", theirs), ("durable", durable), ("single", single)):
        if used.status:
            failed.append("ingest: %s: exit %d" % (name, used.status))
            return
    title("ingest, CPU us a certificate", "ours")
    for name in STAGES:
        row(name, "%.2f" % told(name + r" ([\d.]+) us", stages))
    row("all stages", "%.2f" % sum(told(name + r" ([\d.]+) us", stages) for name in STAGES))
    a, b = (told(r"stored .*, (\d+)/s", used) for used in (ours, theirs))
    title("ingest, %s certificates" % format(count, ","), "ours", "SQLite", "better by")
    row("batches of 1,000, certificates/s", number(a), number(b), times(a, b))
    one, bare, many = (told(pattern + r" ([\d.]+)/s", durable) for pattern in ("^one client", "^bare loop", "^64 clients"))
    a = told(r"stored .*, (\d+)/s", single)
    row("one client, each durable, /s", number(one), number(a), times(one, a))
    row("  bare loop of write and sync, /s", number(bare), "", times(one, bare))
    row("64 clients, each durable, /s", number(many))
    row("  beside one", times(many, one))
    row("  CPU us a certificate", "%.1f" % told(r"CPU of 64 clients ([\d.]+)", durable))


# ---- export -----------------------------------------------------------------

def private_mb(command):
    """Seconds, and the most memory of its own (RssAnon) that the command had."""
    most, start = 0, time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            with open("/proc/%d/status" % process.pid) as f:
                most = max([most] + [int(line.split()[1]) for line in f if line.startswith("RssAnon")])
        except OSError:
            pass
        time.sleep(0.002)
    if process.returncode:
        failed.append("export: exit %d" % process.returncode)
    return time.monotonic() - start, most / 1024


def bench_export(build, peers):
    """All certificates as CSV (ours has 19 columns, SQLite's the six that it keeps), as PEM and as NDJSON."""
    more = int(os.environ.get("BENCH_STORE_N", "0"))
    for count in (10000, 100000) + ((more,) if more > 100000 else ()):
        path, store, db = peer.path("export-%d" % count), peer.path("exported-%d" % count), peer.path("exported-%d.db" % count)
        certificates.write(peer.WORK, path, count)
        filled = Usage([os.path.join(build, "tests/peers/store_tool"), "bench", store, path, 1000])
        theirs = Usage([os.path.join(peers, "peer_sqlite"), db, path, 1000])
        if filled.status or theirs.status:
            failed.append("export: exit %d and %d" % (filled.status, theirs.status))
            return
        os.remove(path)
        title("export, %s certificates" % format(count, ","), "rows/s", "private MB", "SQLite", "better by")
        export = [os.path.join(build, "clm-export"), "--data", store]
        for name, options, peer_says in (("CSV by the index", [], r"^CSV of all: .*, (\d+)/s"), ("CSV by the log", ["--as-of", "2100-01-01"], ""),
                                         ("PEM", ["--format", "pem"], r"^PEM of all: .*, (\d+)/s"), ("NDJSON", ["--format", "ndjson"], "")):
            runs = [private_mb(export + options) for _ in range(RUNS)]
            rate, their_rate = count / statistics.median(seconds for seconds, _ in runs), told(peer_says, theirs) if peer_says else 0
            row(name, number(rate), "%.1f" % max(mb for _, mb in runs), number(their_rate) if their_rate else "",
                times(rate, their_rate) if their_rate else "")
        shutil.rmtree(store)
        os.remove(db)


# ---- all --------------------------------------------------------------------

def load():
    return "%.2f" % os.getloadavg()[0]


def processor():
    with open("/proc/cpuinfo") as f:
        return re.search(r"model name\s*: (.*)", f.read())[1]


def main():
    parts = {"scan": bench_scan, "x509": bench_x509, "store": bench_store, "ingest": bench_ingest, "export": bench_export}
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="folder of the binary that is measured")
    parser.add_argument("--peers", required=True, help="folder of scan_floor, peer_x509 and peer_sqlite")
    parser.add_argument("parts", nargs="*", help=", ".join(parts))
    arguments = parser.parse_args()
    before, start = load(), time.monotonic()
    print("%s, %d of them; load %s before" % (processor(), os.cpu_count(), before))
    for name in arguments.parts or parts:
        parts[name](os.path.abspath(arguments.build), os.path.abspath(arguments.peers))
    print("\nload %s before, %s after; %.0f s" % (before, load(), time.monotonic() - start))
    for why in failed:
        print("bench: " + why, file=sys.stderr)
    sys.exit(1 if failed else 0)


main()
