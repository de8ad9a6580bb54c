#!/usr/bin/env python3
"""The files of the Linux packages before they are packed: units and cron lines for the
commands that there are and no other, versions, and state that root makes for services.
The packages themselves: make test-dist."""
import os
import re
import stat

from peer import *

CLM = applet("clm")
ROOT = path("root")
UNITS = os.path.join(ROOT, "usr/lib/systemd/system")


def has_command(words):
    return run(CLM, *words.split()[:2], "--help").returncode == 0


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as f:
        return f.read()


def value(text, key):
    found = re.findall(r"^%s=(.*)$" % re.escape(key), text, re.M)
    return found[-1] if found else None


# ---- the tree ------------------------------------------------------------------

with open(path("licences"), "w") as f:
    f.write(run(CLM, "licenses").stdout)
made = run("sh", "dist/root.sh", ROOT, CLM, path("licences"))
check("root.sh", made.returncode == 0 and not made.stderr, made.stderr)
for name in ("ers", "clm-server", "clm-export"):
    check_equal("link of %s" % name, os.readlink(os.path.join(ROOT, "usr/bin", name)), "clm")
commands = re.findall(r"^C\t\S+\t(?!-\t)", run(CLM, "completion", "bash").stdout, re.M)
check_equal("a page for each command, and clm's", len(os.listdir(os.path.join(ROOT, "usr/share/man/man1"))), len(commands) + 1)
loose = []
for folder, folders, files in os.walk(ROOT):
    for name in files:
        file = os.path.join(folder, name)
        if os.path.islink(file) or name == "clm" and folder.endswith("/bin"):
            continue
        text = open(file, "rb").read()
        if re.search(rb"@[A-Z]+@", text) or os.getcwd().encode() in text or stat.S_IMODE(os.stat(file).st_mode) != 0o644:
            loose.append(file)
check("no placeholder, no path of this machine, all 0644", not loose, loose)

# ---- units ---------------------------------------------------------------------

rows = [[c.strip() for c in line.rstrip("\n").split("|")] for line in open("dist/jobs") if line[0] != "#"]
check("jobs: twelve columns, each unit once", all(len(r) == 12 for r in rows) and len({r[0] for r in rows}) == len(rows))
shipped = [r for r in rows if has_command(r[1])]
# When and as whom: renew as root, which alone may write where certificates lie.
check_equal("jobs: all five, when, and as whom", [(r[0], r[2], r[6], r[9]) for r in shipped], [
    ("ers-scan", "clm-agent", "*-*-* 02:00:00", "23 2 * * *"), ("ers-sync", "clm-agent", "*-*-* *:00/10:00", "*/10 * * * *"),
    ("ers-renew", "root", "*-*-* *:00:00", "41 * * * *"), ("clm-digest", "clm-server", "*-*-* 07:30:00", "30 7 * * *"),
    ("clm-backup", "clm-server", "*-*-* 03:15:00", "37 3 * * *")])
check_equal("units: those whose command is there", sorted(os.listdir(UNITS)),
            sorted(["clm-server.service"] + [r[0] + end for r in shipped for end in (".service", ".timer")]))
preset = read("usr/lib/systemd/system-preset/80-clm.preset").splitlines()
check_equal("preset: timers yes, server no", preset,
            ["disable clm-server.service"] + ["enable %s.timer" % r[0] for r in shipped])
for row in shipped:
    unit, timer = read(UNITS, row[0] + ".service"), read(UNITS, row[0] + ".timer")
    check_equal("%s: what it runs" % row[0], value(unit, "ExecStart"), "/usr/bin/" + row[1])
    check_equal("%s: only where there is work" % row[0], value(unit, "ConditionPathExists"), row[4])
    check_equal("%s: state" % row[0], (value(unit, "User"), value(unit, "Environment"), value(unit, "StateDirectory"),
                                       value(unit, "StateDirectoryMode")),
                (row[2], "HOME=" + row[3], row[3][len("/var/lib/"):], "0700"))
    check("%s: when, at a random moment, caught up" % row[0], value(timer, "OnCalendar") == row[6]
          and re.fullmatch(r"\d+[hm]", value(timer, "RandomizedDelaySec") or "") and value(timer, "Persistent") == "yes", timer)
server = read(UNITS, "clm-server.service")
check_equal("clm-server: notifies", (value(server, "Type"), value(server, "User"), value(server, "ExecStart")),
            ("notify", "clm-server", "/usr/bin/clm-server run"))

# ---- cron ----------------------------------------------------------------------

stubs, marks = path("stubs"), path("marks")
os.makedirs(stubs)
os.makedirs(marks)
for name in ("ers", "clm-server"):
    with open(os.path.join(stubs, name), "w") as f:
        f.write('#!/bin/sh\necho "%s $*" >%s/ran\n' % (name, marks))
    os.chmod(os.path.join(stubs, name), 0o755)
lines = [l for l in read("etc/cron.d/clm").splitlines() if re.match(r"[\d*]", l)]
check_equal("cron: a line each", len(lines), len(shipped))
for row, line in zip(shipped, lines):
    fields = line.split(None, 6)
    check_equal("cron %s: when and who" % row[0], fields[:6], row[9].split() + [row[2]])
    for systemd, binary, work in ((0, 1, 1), (1, 1, 1), (0, 0, 1), (0, 1, 0)):
        command = fields[6]
        for place, there in (("/run/systemd/system", systemd), ("/usr/bin/clm", binary), (row[4], work)):
            command = command.replace(" %s ]" % place, " %s ]" % (CLM if there and place.endswith("clm") else
                                                                  stubs if there else path("absent")))
        done = run("/bin/sh", "-c", command, env={"PATH": stubs + ":/usr/bin:/bin"})
        ran = os.path.exists(os.path.join(marks, "ran"))
        if ran:
            said = open(os.path.join(marks, "ran")).read().strip()
            os.remove(os.path.join(marks, "ran"))
            check_equal("cron %s: what it runs" % row[0], said, (row[1] + " " + row[10]).strip())
        check("cron %s: systemd %d, binary %d, work %d" % (row[0], systemd, binary, work),
              ran == (not systemd and binary and work) and not done.stdout and not done.stderr and done.returncode == 0,
              (ran, done.stdout, done.stderr))
check("cron: the name is one that cron reads", re.fullmatch(r"[a-z-]+", os.listdir(os.path.join(ROOT, "etc/cron.d"))[0]))

# ---- versions ------------------------------------------------------------------

REPOSITORY = path("repository")
os.makedirs(os.path.join(REPOSITORY, "dist"))
SCRIPT = open("dist/version.sh").read()


def git(*words):
    environment = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@example.com",
                       GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@example.com")
    done = run("git", *words, cwd=REPOSITORY, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr)


def version():
    return run("sh", "-c", SCRIPT, cwd=REPOSITORY, env=dict(os.environ, GIT_CEILING_DIRECTORIES=WORK)).stdout.strip()


def write_version(text):
    with open(os.path.join(REPOSITORY, "VERSION"), "w") as f:
        f.write(text + "\n")


write_version("1.2.0")
versions = [version()]
check_equal("version: without git", versions[0], "1.2.0")
git("init", "-q")
git("add", ".")
git("commit", "-q", "-m", "one")
versions.append(version())
check("version: before the release", re.fullmatch(r"1\.2\.0~1\.g[0-9a-f]{7}", versions[-1]), versions)
git("commit", "-q", "--allow-empty", "-m", "two")
versions.append(version())
write_version("1.2.0\n")
check("version: with changes", re.fullmatch(r"1\.2\.0~2\.g[0-9a-f]{7}\.dirty", version()), version())
write_version("1.2.0")
git("tag", "v1.2.0")
versions.append(version())
check_equal("version: the release", versions[-1], "1.2.0")
git("commit", "-q", "--allow-empty", "-m", "three")
versions.append(version())
check("version: behind the release", re.fullmatch(r"1\.2\.0\+1\.g[0-9a-f]{7}", versions[-1]), versions)
for older, newer in zip(versions[1:], versions[2:]):
    check_equal("version: dpkg sorts %s before %s" % (older, newer), run("dpkg", "--compare-versions", older, "lt", newer).returncode, 0)

# ---- state that root makes for a service ---------------------------------------

state = path("state")
os.makedirs(state, mode=0o700)
owner = 65534 if os.geteuid() == 0 else os.geteuid()
os.chown(state, owner, -1)
init = run(applet("clm-server"), "init", "--name", "localhost", "--data", state)
check_equal("init into a service's folder", init.returncode, 0)
foreign = [os.path.join(d, n) for d, ds, fs in os.walk(state) for n in ds + fs if os.stat(os.path.join(d, n)).st_uid != owner]
check("init: all of it is the service's", len(os.listdir(state)) > 4 and not foreign, foreign)
finish()
