#!/usr/bin/env python3
"""Runs every fuzz target for FUZZ_SECONDS (2 in `make test`). The corpus below
tests/fuzz/corpus/NAME is read only; what is found grows in build/fuzz/NAME."""
import glob
import os
import re
import subprocess
import sys

SECONDS = os.environ.get("FUZZ_SECONDS", "2")
PROGRAMS = "build/check-x86_64-fuzzer-no-link-address-undefined/tests/fuzz"
failed = 0

for program in sorted(glob.glob(PROGRAMS + "/*_fuzz")):
    name = os.path.basename(program)
    grown = os.path.join("build/fuzz", name)
    os.makedirs(grown, exist_ok=True)
    corpus = os.path.join("tests/fuzz/corpus", name)
    command = [program, "-max_total_time=" + SECONDS, "-timeout=5", "-rss_limit_mb=2048", "-print_final_stats=1",
               "-artifact_prefix=%s/" % grown, grown] + ([corpus] if os.path.isdir(corpus) else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = done.stdout.decode("utf-8", "replace")
    runs = re.search(r"stat::number_of_executed_units:\s+(\d+)", output)
    if done.returncode == 0 and runs and int(runs.group(1)) > 0:
        print("ok %s: %s executions in %s s" % (name, runs.group(1), SECONDS))
    else:
        failed += 1
        print("not ok %s: exit %d\n%s" % (name, done.returncode, output[-4000:]))
sys.exit(1 if failed else 0)
