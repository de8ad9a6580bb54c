#!/usr/bin/env python3
"""What `ers scan` without a terminal says from scan to scan: new, changed, gone, back,
moved, several behind one address; and that it is silent otherwise. The names that are
scanned lead where the test's name server says."""
import itertools
import json
import os
import re
import socket
import threading

from dns import Dns, private_network
from peer import *

private_network()
ERS = applet("ers")
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
MADE = {name: make_certificate(name, EC, subject="/CN=%s.test" % name) for name in ("a", "b", "c")}
PRINTS = {name: fingerprint(files[0]) for name, files in MADE.items()}
BACKENDS = {}
for name, files in MADE.items():
    BACKENDS[name] = free_port()
    start("openssl", "s_server", "-accept", "127.0.0.1:%d" % BACKENDS[name], "-cert", files[0], "-key", files[1], "-quiet")
    check("%s is up" % name, wait_port(BACKENDS[name]))
PORT = 8443
dns = Dns({"web.test": {"A": ["127.1.0.1"]}})


class Front:
    """Listens at all addresses; `shows` names the backends, taken in turn; none: it resets."""

    def __init__(self):
        self.show("a")
        self.socket = socket.create_server(("0.0.0.0", PORT), backlog=64)
        threading.Thread(target=self.serve, daemon=True).start()

    def show(self, names):
        self.names, self.turn = names, itertools.cycle(names)

    def serve(self):
        while True:
            client, _ = self.socket.accept()
            if not self.names:
                client.close()
                continue
            threading.Thread(target=relay, args=(client, BACKENDS[next(self.turn)]), daemon=True).start()


front = Front()
count = itertools.count()


def fresh(targets):
    folder = path("config-%d" % next(count))
    os.makedirs(folder)
    with open(os.path.join(folder, "targets"), "w") as f:
        f.write(targets)
    return folder


def scan(config, *words):
    done = run(ERS, "scan", "--config", config, "--rate", "max", *words)
    return done.stdout + done.stderr


def labels(text):
    return [line.split()[1] for line in text.splitlines()[1:-1]]


# ---- one address, one certificate at a time -------------------------------------------

one = fresh("127.1.0.1 %d\n" % PORT)
check_equal("new", labels(scan(one)), ["new"])
check_equal("the same: silence", scan(one), "")
front.show("b")
changed = scan(one)
check("changed", labels(changed) == ["changed"] and "1 changed" in changed and "b.test" in changed, changed)
check_equal("... once", scan(one), "")
front.show("")
gone = scan(one)
check("gone", labels(gone) == ["gone"] and "1 gone" in gone, gone)
check_equal("... once", scan(one), "")
front.show("b")
back = scan(one)
check("back", labels(back) == ["back"] and "1 back" in back, back)
check_equal("... once", scan(one), "")
front.show("")
scan(one)
front.show("c")
check_equal("another one after it was gone: back too", labels(scan(one)), ["back"])

# ---- a load balancer that shows one at a time ------------------------------------------

balanced = fresh("127.1.0.2 %d\n" % PORT)
front.show("a")
check_equal("a balancer's first node", labels(scan(balanced)), ["new"])
front.show("b")
check_equal("its second node looks like a change", labels(scan(balanced)), ["changed"])
front.show("a")
several = scan(balanced)
check("the first again: there are two, told", "2 certificates behind this address" in several and several.count("\n") == 3, several)
for name in "bab":
    front.show(name)
    check_equal("alternation is no news: %s" % name, scan(balanced), "")
front.show("c")
check_equal("a third one is", labels(scan(balanced)), ["changed"])
for i in range(5):
    check_equal("silence, %d" % i, scan(balanced), "")
front.show("a")
check_equal("one that was not seen for five scans is forgotten", labels(scan(balanced)), ["changed"])
check_equal("... and silence", scan(balanced), "")

# ---- all nodes in one scan --------------------------------------------------------------

front.show("ab")
named = fresh("web.test %d\n" % PORT)
first = scan(named)
check("two nodes in one scan: both new, told together", labels(first) == ["new", "new"]
      and "2 certificates behind this address" in first, first)
front.show("ba")
check_equal("the other way round: silence", scan(named), "")
front.show("ab")
check_equal("and again", scan(named), "")

# ---- a name that moves --------------------------------------------------------------------

front.show("a")
moving = fresh("web.test %d\n" % PORT)
check_equal("a name", labels(scan(moving)), ["new"])
dns.zone["web.test"]["A"] = ["127.1.0.1", "127.1.0.7"]
check_equal("one address more with the same certificate: silence", scan(moving), "")
dns.zone["web.test"]["A"] = ["127.1.0.7"]
check_equal("one less: silence", scan(moving), "")
dns.zone["web.test"]["A"] = ["127.1.0.9"]
moved = scan(moving)
check("all others: moved", labels(moved) == ["moved"] and "now at 127.1.0.9" in moved and "1 moved" in moved, moved)
check_equal("... once", scan(moving), "")
dns.zone["web.test"]["A"] = ["127.1.0.7"]
check_equal("to one of late: silence", scan(moving), "")
front.show("b")
dns.zone["web.test"]["A"] = ["127.1.0.30"]
check_equal("moved with another certificate: changed", labels(scan(moving)), ["changed"])
dns.zone["web.test"]["A"] = ["127.1.0.30"]
front.show("")
check_equal("a name without one: gone", labels(scan(moving)), ["gone"])

# ---- what says nothing ----------------------------------------------------------------------

front.show("a")
quiet = fresh("web.test %d\n" % PORT)
scan(quiet)
front.show("")
check("--faces quick is less than a pass: nothing is gone", "gone" not in scan(quiet, "--faces", "quick"))
summary = json.loads(scan(quiet, "--faces", "quick", "--json").splitlines()[-1])
check_equal("... and says so", summary["complete"], False)
early = run(ERS, "scan", "--config", quiet, "--rate", "1", "--deadline", "200ms")
check("a deadline that comes first: nothing is gone", "gone" not in early.stdout, early.stdout)
check_equal("the whole pass: gone", labels(scan(quiet)), ["gone"])
finish()
