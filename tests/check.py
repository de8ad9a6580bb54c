#!/usr/bin/env python3
"""Rules that the compiler does not know: layers of includes, banned calls,
formatting, what must never stand in a file, and tests that nobody runs."""
import os
import re
import subprocess
import sys

BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|alloca)\s*\(")
LEFT_OPEN = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def sources():
    found = [path for path in os.listdir(".") if path.endswith((".c", ".h"))]
    for top in ("applets", "dist", "lib", "store", "tests", "web"):
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if name != "node_modules"]
            found += [os.path.join(folder, name) for name in names if name.endswith((".c", ".h"))]
    return sorted(found)


def read_layers():
    rooms, foreign = {}, {}
    for line in open("tests/layers.txt", encoding="utf-8"):
        line = line.split("#")[0].strip()
        if line:
            name, _, rest = line.partition(":")
            (foreign if name.startswith("<") else rooms)[name] = rest.split()
    return rooms, foreign


def room_of(path):
    parts = path.split("/")
    if parts[0] == "lib":
        return parts[1]
    if parts[0] == "applets":
        return "/".join(parts[:2]) if len(parts) > 2 else "applets"
    return parts[0].removesuffix(".c")


def check_includes(path, text, rooms, foreign):
    room = room_of(path)
    for bracket, name in re.findall(r'^\s*#\s*include\s+(["<])([^">]+)[">]', text, re.M):
        if bracket == '"' and "/" in name:
            target = room_of(name if name.startswith(("store/", "web/", "applets/")) else "lib/" + name)
            if target != room and target not in rooms.get(room, []):
                yield "%s (%s) includes %s: not allowed by tests/layers.txt" % (path, room, name)
        allowed = foreign.get("<%s>" % name)
        if allowed is not None and not any(path == a or (a.endswith("/") and path.startswith(a)) for a in allowed):
            yield "%s includes <%s>: only %s may" % (path, name, ", ".join(allowed))


def check_text(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if BANNED.search(line) and not line.lstrip().startswith(("*", "/*")):
            yield "%s:%d: banned call: %s" % (path, number, line.strip())
        if LEFT_OPEN.search(line):
            yield "%s:%d: left open: %s" % (path, number, line.strip())
    if re.search(r"^\s*#\s*if.*_WIN32", text, re.M) and not path.startswith("lib/base/os_"):
        yield "%s: a system difference belongs into lib/base/os_*.c" % path


def check_lists():
    """A test or fuzz target that the Makefile does not name is never run."""
    words = set(re.split(r"[\s/]+", open("Makefile", encoding="utf-8").read()))
    for folder, end in (("unit", "_test.c"), ("fuzz", "_fuzz.c"), ("peers", "_test.py"), ("torture", "_test.py")):
        for name in sorted(os.listdir("tests/" + folder)):
            if name.endswith(end) and name.removesuffix(".c") not in words:
                yield "tests/%s/%s: the Makefile does not name it" % (folder, name)


def check_format(paths):
    version = subprocess.run(["clang-format", "--version"], stdout=subprocess.PIPE).stdout.decode()
    if " 14." not in version:
        return ["clang-format 14 is needed, not: %s" % version.strip()]
    done = subprocess.run(["clang-format", "--dry-run", "--Werror"] + paths, stderr=subprocess.PIPE)
    wrong = sorted(set(re.findall(r"^([^:\n]+):\d+:\d+: error", done.stderr.decode(), re.M)))
    return ["%s: not formatted (clang-format -i)" % path for path in wrong]


def main():
    rooms, foreign = read_layers()
    problems = []
    paths = sources()
    for path in paths:
        text = open(path, encoding="utf-8").read()
        if not path.startswith("tests/"):
            problems += check_includes(path, text, rooms, foreign)
        problems += check_text(path, text)
    problems += check_lists()
    problems += check_format(paths)
    for problem in problems:
        print("not ok " + problem)
    if not problems:
        print("ok %d files: layers, banned calls, formatting" % len(paths))
    return 1 if problems else 0


sys.exit(main())
