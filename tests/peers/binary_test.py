#!/usr/bin/env python3
"""The binary itself: static, dispatched by name and by first word, links."""
import os
import re

from peer import *

binary = applet("clm")
shipped = "linux-x86_64" in BUILD

if shipped:
    program = run("readelf", "-lW", binary).stdout
    dynamic = run("readelf", "-dW", binary).stdout
    check("no INTERP segment", "Program Headers" in program and "INTERP" not in program, program)
    check("no NEEDED entry", "NEEDED" not in dynamic, dynamic)
    check("stripped", ".symtab" not in run("readelf", "-SW", binary).stdout)
    check("no executable stack", re.search(r"GNU_STACK.*RW ", program), program)
    check("no path of the build machine",
          os.getcwd().encode() not in open(binary, "rb").read())

listing = run(binary)
check_equal("alone: exit 0", listing.returncode, 0)
for name in ("ers", "clm-server", "clm-export"):
    check("alone: lists %s" % name, re.search(r"^  %s " % name, listing.stdout, re.M), listing.stdout)
    by_word = run(binary, name, "--version")
    by_link = run(applet(name), "--version")
    check("%s by first word" % name, by_word.returncode == 0 and by_word.stdout.startswith(name), by_word.stdout)
    check_equal("%s by name" % name, by_link.stdout, by_word.stdout)

unknown = run(binary, "nonesuch")
check("unknown applet: exit 2, named", unknown.returncode == 2 and "nonesuch" in unknown.stderr, unknown.stderr)

for name in ("ERS.EXE", "ers.exe"):
    os.symlink(binary, path(name))
    check("called as %s" % name, run(path(name), "--version").stdout.startswith("ers "))

installed = run(binary, "install", path("bin"))
check_equal("install makes the links", (installed.returncode, sorted(os.listdir(path("bin")))),
            (0, ["clm-export", "clm-server", "ers"]))
check("an installed link works", run(path("bin", "ers"), "--version").stdout.startswith("ers "))
check_equal("install again", run(binary, "install", path("bin")).returncode, 0)
check_equal("install without a folder", run(binary, "install").returncode, 2)
finish()
