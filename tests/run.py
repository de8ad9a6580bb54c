#!/usr/bin/env python3
"""Runs the tests that the Makefile names and counts them.

A program under build/ is a cmocka group: each of its tests counts; one for Windows
is run by Wine, in a prefix of its own. A script
under tests/ prints `ok NAME` or `not ok NAME: why` for each check. Whatever
fails is shown whole. The last line is `N passed, N failed`.
"""
import argparse
import os
import re
import subprocess
import sys
import time

from wine import Wine

LIMIT_S = 600


def count(path, output, status):
    if path.startswith("tests/"):
        passed = len(re.findall(r"^ok ", output, re.M))
        failed = len(re.findall(r"^not ok ", output, re.M))
    else:
        passed = len(re.findall(r"^\[ +OK \] ", output, re.M))
        failed = len(re.findall(r"^\[ +FAILED +\] (?!\d)", output.split("test(s), listed below")[0], re.M))
    if status != 0 and failed == 0:
        failed = 1  # crashed, or a leak found at its end
    if passed + failed == 0:
        failed = 1  # a test that tests nothing
    return passed, failed


def run(path, environment):
    runners = {".py": [sys.executable], ".sh": ["sh"], ".exe": ["wine"]}
    command = runners.get(os.path.splitext(path)[1], []) + [path]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              timeout=LIMIT_S, env=environment)
        return done.returncode, done.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as late:
        return 1, (late.stdout or b"").decode("utf-8", "replace") + "\nnot ok %s: ran longer than %d s\n" % (path, LIMIT_S)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, help="folder of the binary under test")
    parser.add_argument("tests", nargs="+")
    arguments = parser.parse_args()
    wine = Wine(arguments.build) if any(path.endswith(".exe") for path in arguments.tests) else None
    environment = dict(wine.environment if wine else os.environ, CLM_BUILD=os.path.abspath(arguments.build), LC_ALL="C.UTF-8")
    all_passed = all_failed = 0
    begin = time.monotonic()
    for path in arguments.tests:
        start = time.monotonic()
        status, output = run(path, environment)
        passed, failed = count(path, output, status)
        all_passed += passed
        all_failed += failed
        print("%-6s %-44s %4d passed %6.1f s" % ("ok" if not failed else "FAILED", path, passed, time.monotonic() - start),
              flush=True)
        if failed:
            print(output, flush=True)
    print("%.0f s" % (time.monotonic() - begin))
    print("%d passed, %d failed" % (all_passed, all_failed))
    return 1 if all_failed else 0


sys.exit(main())
