#!/usr/bin/env python3
"""What users get, as they get it: the packages of build/dist installed and removed in a
small Debian of the test's own and under Wine, judged by lintian, rpmlint and systemd."""
import glob
import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import time
import zipfile

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), part) for part in ("../peers", "..")]
from peer import *
from wine import Wine

DIST = os.path.abspath("build/dist")
CACHE = os.path.abspath("build/dist-test")
VERSION = run("sh", "dist/version.sh").stdout.strip()
TARBALL = os.path.join(DIST, "clm-%s-linux-x86_64.tar.gz" % VERSION)
DEB = os.path.join(DIST, "clm_%s_amd64.deb" % VERSION)
RPM = os.path.join(DIST, "clm-%s-1.x86_64.rpm" % VERSION)
ZIP = os.path.join(DIST, "clm-%s-windows-x86_64.zip" % VERSION)
SETUP = os.path.join(DIST, "clm-%s-windows-x86_64-setup.exe" % VERSION)
ALL = (TARBALL, DEB, RPM, ZIP, SETUP)
APPLETS = ("ers", "clm-server", "clm-export")
EXPOSURE_MAX = 20  # of 100, as systemd-analyze counts
binary = open(applet("clm"), "rb").read()


def digest(file):
    with open(file, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


# ---- the same bytes again --------------------------------------------------------

check_equal("all is there", sorted(os.listdir(DIST)), sorted([os.path.basename(f) for f in ALL] + ["SHA256SUMS"]))
check_equal("the sums are right", run("sha256sum", "--check", "--quiet", "SHA256SUMS", cwd=DIST).returncode, 0)
before = {f: digest(f) for f in ALL}
time.sleep(2)  # zip counts in steps of two seconds
again = subprocess.run(["sh", "-c", "umask 077; exec sh dist/make.sh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       env=dict(os.environ, TZ="Pacific/Kiritimati", LC_ALL="C.UTF-8", HOME=WORK))
check("made again", again.returncode == 0, again.stdout)
for file in ALL:
    check_equal("the same bytes: %s" % os.path.basename(file), digest(file), before[file])

# ---- tarball -----------------------------------------------------------------------

tar = tarfile.open(TARBALL)
members = {m.name.partition("/")[2]: m for m in tar.getmembers()}
check("tarball: one folder", len({m.name.partition("/")[0] for m in tar.getmembers()}) == 1)
check("tarball: root's, of one time", all((m.uid, m.gid) == (0, 0) for m in members.values()) and len({m.mtime for m in members.values()}) == 1)
check_equal("tarball: the binary", tar.extractfile(members["bin/clm"]).read(), binary)
check_equal("tarball: links", [members["bin/" + a].linkname for a in APPLETS], ["clm"] * 3)
for name in ("share/doc/clm/README.md", "share/doc/clm/LICENSE", "share/doc/clm/LICENSES.txt", "share/man/man1/ers-scan.1",
             "share/bash-completion/completions/ers", "share/zsh/site-functions/_clm"):
    check("tarball: %s" % name, name in members)

# ---- a small Debian ------------------------------------------------------------------

ROOT = path("debian")


def fresh_root():
    """Unpacked from build/dist-test, where it is kept; debootstrap makes it once."""
    kept = os.path.join(CACHE, "debian.tar")
    if not os.path.exists(kept):
        os.makedirs(CACHE, exist_ok=True)
        # lib/deps has derived it from this machine's configuration, or was given it.
        lists = [f for f in os.listdir("build/deps/apt") if f == "debian.sources" or f.startswith("given.")]
        mirror = re.search(r"^URIs: (\S+)\nSuites: (\w+)$", "".join(open(os.path.join("build/deps/apt", f)).read() for f in lists), re.M)
        if not check("a mirror for debootstrap, among the sources of the packages", mirror, lists):
            finish()
        uri, suite = mirror.groups()
        made = run("debootstrap", "--variant=minbase", "--include=systemd,init-system-helpers,cron", suite, path("base"), uri, timeout=500)
        if not check("debootstrap", made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]):
            finish()
        run("tar", "-C", path("base"), "-cf", kept + ".new", ".", timeout=200)
        os.rename(kept + ".new", kept)
        shutil.rmtree(path("base"))
    shutil.rmtree(ROOT, ignore_errors=True)
    os.makedirs(ROOT)
    run("tar", "-C", ROOT, "-xpf", kept, timeout=200)


def inside(*command, **options):
    return run("unshare", "--mount", "--pid", "--fork", "--mount-proc=" + os.path.join(ROOT, "proc"), "chroot", ROOT, *command,
               env=dict(os.environ, SYSTEMD_COLORS="0"), **options)


def owner(name):
    return inside("stat", "-c", "%U %G %a", name).stdout.strip()


def used_by_both(kind):
    """What an administrator does first; then what the services do."""
    agent = inside("ers", "discover", "127.0.0.1:1")
    server = inside("clm-server", "init", "--name", "localhost", "--listen", "127.0.0.1:8443")
    check("%s: set up by root" % kind, agent.returncode == 0 and server.returncode == 0, agent.stderr + server.stderr)
    check_equal("%s: keys are the service's" % kind, owner("/var/lib/clm/server/root.key"), "clm-server clm-server 600")
    scan = inside("setpriv", "--reuid=clm-agent", "--regid=clm-agent", "--clear-groups", "env", "HOME=/var/lib/clm/agent", "ers", "scan")
    check("%s: the agent's user scans" % kind, scan.returncode == 0 and os.path.exists(ROOT + "/var/lib/clm/agent/last-scan"), scan.stderr)
    serve = inside("timeout", "2", "setpriv", "--reuid=clm-server", "--regid=clm-server", "--clear-groups", "env", "HOME=/var/lib/clm/server",
                   "clm-server", "run")
    check("%s: the server's user serves" % kind, "https://localhost:8443" in serve.stdout, serve.stderr)


def is_installed(kind):
    for applet_name in ("clm",) + APPLETS:
        check("%s: %s runs" % (kind, applet_name), inside(applet_name, "--version").stdout.startswith(applet_name))
    for who in ("agent", "server"):
        check_equal("%s: the folder of the %s" % (kind, who), owner("/var/lib/clm/" + who), "clm-%s clm-%s 700" % (who, who))
        entry = inside("getent", "passwd", "clm-" + who).stdout.strip().split(":")
        check("%s: the user of the %s" % (kind, who), entry[5:] in (["/var/lib/clm/" + who, "/usr/sbin/nologin"], ["/var/lib/clm/" + who, "/sbin/nologin"]), entry)
    check_equal("%s: configuration for all to read" % kind, owner("/etc/clm"), "root root 755")


def is_removed(kind):
    check("%s removed: no command" % kind, not any(os.path.lexists(ROOT + "/usr/bin/" + a) for a in ("clm",) + APPLETS))
    kept = [f for f in ("/etc/clm/targets", "/etc/clm/server.conf", "/var/lib/clm/server/root.key", "/var/lib/clm/agent/last-scan")
            if os.path.exists(ROOT + f)]
    check_equal("%s removed: state and configuration are kept" % kind, len(kept), 4)
    check_equal("%s removed: the users too" % kind, owner("/var/lib/clm/server/root.key"), "clm-server clm-server 600")


def units_are_good():
    units = sorted(glob.glob(ROOT + "/usr/lib/systemd/system/clm-*") + glob.glob(ROOT + "/usr/lib/systemd/system/ers-*"))
    names = [os.path.basename(u) for u in units]
    check("units: there are some", len(names) >= 3, names)
    verified = inside("systemd-analyze", "verify", "--man=no", *["/usr/lib/systemd/system/" + n for n in names])
    said = [l for l in verified.stderr.splitlines() if "root privileges" not in l]
    check("units: systemd-analyze verify is silent", verified.returncode == 0 and not said, said)
    sealed = [n for n in names if n.endswith(".service") and "NoNewPrivileges=yes" in open(ROOT + "/usr/lib/systemd/system/" + n).read()]
    for name in sealed:
        judged = inside("systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=%d" % EXPOSURE_MAX, "/usr/lib/systemd/system/" + name)
        score = re.findall(r"exposure level for \S+: (\S+)", judged.stdout)
        check("units: %s is exposed %s of 10" % (name, score), judged.returncode == 0, judged.stdout[-300:])


def coming_units_are_good():
    """The rows of dist/jobs that wait for their command, as if it were there."""
    with open(path("stub"), "w") as f:
        f.write('#!/bin/sh\ncase $* in *--help) exit 0 ;; esac\nexec %s "$@"\n' % applet("clm"))
    os.chmod(path("stub"), 0o755)
    made = run("sh", "dist/root.sh", path("all"), path("stub"), "LICENSE")
    units = sorted(os.listdir(path("all", "usr/lib/systemd/system")))
    rows = len([l for l in open("dist/jobs") if l[0] != "#"])
    check("units to come: all rows of jobs", made.returncode == 0 and len(units) == 2 * rows + 1, made.stderr + str(units))
    os.makedirs(ROOT + "/tmp/units")
    for name in units:
        shutil.copy(path("all", "usr/lib/systemd/system", name), ROOT + "/tmp/units/")
    verified = inside("systemd-analyze", "verify", "--man=no", *["/tmp/units/" + n for n in units])
    said = [l for l in verified.stderr.splitlines() if "root privileges" not in l]
    check("units to come: systemd-analyze verify is silent", verified.returncode == 0 and not said, said)


def calls_are_allowed():
    """Each system call of a server at work, and of a scan, passes the units' filter."""
    listed = inside("systemd-analyze", "syscall-filter", "--no-pager").stdout
    groups = {name: body.split() for name, body in re.findall(r"^(@[\w-]+)\n(?:    #.*\n)?((?:    .*\n)+)", listed, re.M)}

    def expand(name):
        return {c for word in groups.get(name, []) for c in (expand(word) if word[0] == "@" else {word})}

    allowed = (expand("@system-service") - expand("@privileged") - expand("@resources")) | {"prlimit64", "setpriority"} | expand("@default")
    check("filter: systemd has told its groups", {"read", "accept4", "epoll_pwait"} <= allowed, sorted(groups))
    data, port = path("server"), free_port()
    run(applet("clm-server"), "init", "--name", "localhost", "--listen", "127.0.0.1:%d" % port, "--data", data)
    run(applet("ers"), "discover", "localhost:%d" % port, "--config", path("agent"))
    start("strace", "-f", "-o", path("trace"), applet("clm-server"), "run", "--data", data)
    wait_port(port)
    with open(path("token"), "w") as f:
        f.write(run(applet("clm-server"), "token", "create", "--data", data).stdout)
    tokens = re.findall(r"clm1\.\S+", open(path("token")).read())
    enrolled = run("strace", "-f", "-o", path("trace-login"), applet("ers"), "login", "https://localhost:%d" % port, "--config", path("agent"),
                   env=dict(os.environ, CLM_TOKEN=(tokens or [""])[0]))
    check_equal("filter: an agent enrols", enrolled.returncode, 0)
    scan = run("strace", "-f", "-o", path("trace-scan"), applet("ers"), "scan", "--config", path("agent"))
    check("filter: and scans", scan.returncode == 0, scan.stderr)
    calls = set()
    for name in ("trace", "trace-login", "trace-scan"):
        calls |= set(re.findall(r"^\d+ +(?:<\.\.\. )?(\w+)\(", open(path(name)).read(), re.M))
    check("filter: many calls were seen", len(calls) > 30, sorted(calls))
    check("filter: each is allowed", calls <= allowed, sorted(calls - allowed))
    families = set(re.findall(r"socket\((AF_\w+)", open(path("trace")).read() + open(path("trace-scan")).read()))
    check("filter: families of sockets", families <= {"AF_INET", "AF_INET6", "AF_UNIX"}, families)


def control(package, field):
    return run("dpkg-deb", "--field", package, field).stdout.strip()


def read(*parts):
    return open(ROOT + os.path.join("/", *parts)).read()


if check_equal("the packages are installed by root", os.geteuid(), 0):
    fresh_root()

    # ---- .deb
    judged = run("lintian", DEB)
    said = [l for l in judged.stdout.splitlines() + judged.stderr.splitlines() if "root privileges" not in l]
    check("deb: lintian is silent", not said, said)
    check_equal("deb: version", control(DEB, "Version"), VERSION)
    shutil.copy(DEB, ROOT + "/tmp/clm.deb")
    done = inside("dpkg", "-i", "/tmp/clm.deb")
    check("deb: installed", done.returncode == 0, done.stderr)
    check_equal("deb: all files as packed", inside("dpkg", "--verify", "clm").stdout, "")
    is_installed("deb")
    wanted = os.listdir(ROOT + "/etc/systemd/system/timers.target.wants")
    check("deb: the scan's timer is on", "ers-scan.timer" in wanted, wanted)
    check("deb: the server is not", not glob.glob(ROOT + "/etc/systemd/system/multi-user.target.wants/clm-server*"))
    used_by_both("deb")
    units_are_good()
    coming_units_are_good()
    calls_are_allowed()
    with open(ROOT + "/etc/cron.d/clm", "a") as f:
        f.write("# mine\n")
    check_equal("deb: installed over itself", inside("dpkg", "-i", "/tmp/clm.deb").returncode, 0)
    check("deb: the changed cron file is kept", read("etc/cron.d/clm").endswith("# mine\n"))
    check_equal("deb: removed", inside("dpkg", "-r", "clm").returncode, 0)
    is_removed("deb")
    check_equal("deb: purged", inside("dpkg", "-P", "clm").returncode, 0)
    is_removed("deb, purged")
    check("deb, purged: no unit, no cron line", not glob.glob(ROOT + "/etc/systemd/system/*/ers-scan*") and not os.path.exists(ROOT + "/etc/cron.d/clm"))

    # ---- .rpm: the same Debian, where nothing tells rpm of its dependencies
    fresh_root()
    judged = run("rpmlint", "-c", "dist/rpm/rpmlint.toml", RPM)
    check("rpm: rpmlint is silent", " 0 errors, 0 warnings" in judged.stdout, judged.stdout)
    check_equal("rpm: version", run("rpm", "-qp", "--qf", "%{VERSION}", RPM).stdout, VERSION)
    check_equal("rpm: installed", run("rpm", "--root", ROOT, "-i", "--nodeps", RPM).returncode, 0)
    is_installed("rpm")
    used_by_both("rpm")
    check_equal("rpm: removed", run("rpm", "--root", ROOT, "-e", "--nodeps", "clm").returncode, 0)
    is_removed("rpm")

# ---- Windows ---------------------------------------------------------------------------

exe = open("build/windows-x86_64/clm.exe", "rb").read()
with zipfile.ZipFile(ZIP) as z:
    names = {n.partition("/")[2]: n for n in z.namelist()}
    check_equal("zip: the programs", sorted(n for n in names if n.endswith(".exe")), sorted(a + ".exe" for a in ("clm",) + APPLETS))
    check("zip: each is the binary", all(z.read(names[a + ".exe"]) == exe for a in APPLETS))
    check("zip: texts", {"README.md", "LICENSE.txt", "LICENSES.txt"} <= set(names) and b"mingw" in z.read(names["LICENSES.txt"]))
head = open(SETUP, "rb").read(4096)
check_equal("installer: for amd64", head[head.index(b"PE\0\0") + 4:][:2], b"\x64\x86")

windows = Wine(CACHE)
FOLDER = windows.drive("Program Files", "clm")
ENVIRONMENT = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"


def registry(*words):
    return subprocess.run(("wine", "reg") + words, env=windows.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.decode("utf-8", "replace")


def search_path():
    return re.search(r"Path\s+REG_\w+\s+(.*?)\r?\n", registry("query", ENVIRONMENT, "/v", "Path")).group(1)


def uninstall():
    """It copies itself and goes on from there."""
    windows.command("wine", os.path.join(FOLDER, "uninstall.exe"), "/S")
    end = time.monotonic() + 60
    while os.path.exists(FOLDER) and time.monotonic() < end:
        time.sleep(0.2)
    windows.command("wineserver", "--wait")


kept = windows.drive("ProgramData", "clm", "kept")
os.makedirs(os.path.dirname(kept), exist_ok=True)
open(kept, "w").close()
old_path = search_path()
for turn in ("first", "again"):
    check_equal("installer: %s" % turn, windows.command("wine", SETUP, "/S"), 0)
    check_equal("installer %s: PATH" % turn, search_path(), old_path + r";C:\Program Files\clm")
check("installer: each is the binary", all(open(os.path.join(FOLDER, a + ".exe"), "rb").read() == exe for a in ("clm",) + APPLETS))
listed = registry("query", r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall\clm")
check("installer: among the programs", VERSION in listed and "uninstall.exe" in listed, listed)
called = subprocess.run(["wine", "cmd", "/c", "ers --version"], env=windows.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout
check("installer: ers is found", called.startswith(b"ers (clm) "), called)
uninstall()
check("uninstalled: no folder", not os.path.exists(FOLDER))
check_equal("uninstalled: PATH as it was", search_path(), old_path)
check("uninstalled: state is kept", os.path.exists(kept))
check("uninstalled: not among the programs", "DisplayName" not in registry("query", r"HKLM\Software\Microsoft\Windows\CurrentVersion\Uninstall\clm"))

long_path = ";".join(r"C:\some\folder\of\others\%04d" % i for i in range(60))
registry("add", ENVIRONMENT, "/v", "Path", "/t", "REG_EXPAND_SZ", "/d", long_path, "/f")
check_equal("installer: beside a long PATH", windows.command("wine", SETUP, "/S"), 0)
check_equal("installer: a long PATH is not cut", search_path(), long_path)
uninstall()
check_equal("uninstalled: nor then", search_path(), long_path)
finish()
