#!/usr/bin/env python3
"""kill -9 of a process that appends to a log with several threads, again and
again on the same log: every acknowledged entry is there afterwards, with its
number and its bytes, batches are whole, nothing is damaged."""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

BUILD = os.environ.get("CLM_BUILD", "build/linux-x86_64")
TOOL = os.path.join(BUILD, "tests/peers/store_tool")
ROUNDS = 25


def one_round(store, known, rng):
    """Returns why it failed, or None."""
    process = subprocess.Popen([TOOL, "write", store, "8"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(rng.uniform(0.02, 0.4))
    process.kill()
    out, errors = process.communicate(timeout=60)
    if errors:
        return errors.decode("utf-8", "replace")
    lines = out.decode().split("\n")[:-1]  # what follows the last line end was cut
    if lines and not lines[0].startswith("opened "):
        return lines[0]
    for line in lines[1:]:
        number, text = line.split(" ", 1)
        known[int(number)] = text
    done = subprocess.run([TOOL, "read", store], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    if done.returncode != 0:
        return done.stderr.decode("utf-8", "replace")
    seen = {}
    for line in done.stdout.decode().split("\n")[:-1]:
        number, text = line.split(" ", 1)
        if number == "harm":
            if "unfinished end" not in text:
                return text
        else:
            seen[int(number)] = text
    if sorted(seen) != list(range(len(seen))):
        return "numbers have gaps"
    lost = [n for n, text in known.items() if seen.get(n) != text]
    if lost:
        return "%d acknowledged entries lost or changed, the first is %d" % (len(lost), min(lost))
    return check_batches(seen)


def check_batches(seen):
    """Entries of one batch have the same text; batch i of a thread has 1 + i % 3."""
    count = {}
    for text in seen.values():
        batch = text.split(" ")[0]
        count[batch] = count.get(batch, 0) + 1
    for batch, n in count.items():
        size = 1 + int(batch.split("-")[1]) % 3
        if n % size:
            return "batch %s is there in part: %d of %d" % (batch, n, size)
    return None


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(1 << 30)
    rng = random.Random(seed)
    folder = tempfile.mkdtemp(prefix="clm-kill-")
    store = os.path.join(folder, "data")
    os.mkdir(store)
    known = {}
    why = None
    for turn in range(ROUNDS):
        why = one_round(store, known, rng)
        if why:
            why = "seed %d, round %d: %s" % (seed, turn, why)
            break
    segments = len([n for n in os.listdir(os.path.join(store, "log")) if n.endswith(".seg")])
    shutil.rmtree(folder)
    print("ok %d kills, %d acknowledged entries, %d segments" % (ROUNDS, len(known), segments) if not why
          else "not ok kills: " + why)
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main())
