#!/usr/bin/env python3
"""Runs every fuzz target for FUZZ_SECONDS; without it (in `make test`) for 2 s, those that read
what strangers serve for 20 s. As many at once as there are processors. The corpus below
tests/fuzz/corpus/NAME is read only; what is found grows in build/fuzz/NAME."""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

SECONDS = os.environ.get("FUZZ_SECONDS")
LONGER = {"x509_cert_fuzz", "x509_pem_fuzz", "x509_pkcs7_fuzz", "x509_pkcs12_fuzz", "x509_jks_fuzz", "x509_name_fuzz"}
PROGRAMS = "build/check-x86_64-fuzzer-no-link-address-undefined/tests/fuzz"


def fuzz(program):
    """The line that tells of it, and whether it is well."""
    name = os.path.basename(program)
    seconds = SECONDS or ("20" if name in LONGER else "2")
    grown = os.path.join("build/fuzz", name)
    os.makedirs(grown, exist_ok=True)
    corpus = os.path.join("tests/fuzz/corpus", name)
    command = [program, "-max_total_time=" + seconds, "-timeout=5", "-rss_limit_mb=2048", "-print_final_stats=1",
               "-artifact_prefix=%s/" % grown, grown] + ([corpus] if os.path.isdir(corpus) else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = done.stdout.decode("utf-8", "replace")
    runs = re.search(r"stat::number_of_executed_units:\s+(\d+)", output)
    if done.returncode == 0 and runs and int(runs.group(1)) > 0:
        return "ok %s: %s executions in %s s" % (name, runs.group(1), seconds), True
    return "not ok %s: exit %d\n%s" % (name, done.returncode, output[-4000:]), False


programs = sorted(glob.glob(PROGRAMS + "/*_fuzz"), key=lambda p: os.path.basename(p) not in LONGER)
good = True
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for line, is_good in pool.map(fuzz, programs):
        print(line, flush=True)
        good = good and is_good
sys.exit(0 if good and programs else 1)
