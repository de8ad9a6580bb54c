#!/usr/bin/env python3
"""ers discover, as typed: the examples word for word, rules of adding and
changing, bad words that write nothing, the file that people edit, the list."""
import json
import os
import shlex

from peer import *

NINE = "443,465,636,853,989,990,992,993,995"
counter = 0


def fresh():
    """A configuration folder of its own."""
    global counter
    counter += 1
    return path("config-%d" % counter)


def ers(config, line, **options):
    """Types `line` after `ers`."""
    return run(applet("ers"), *shlex.split(line), "--config", config, **options)


def content(config):
    try:
        with open(os.path.join(config, "targets"), encoding="utf-8", newline="") as f:
            return f.read()
    except FileNotFoundError:
        return None


def write(config, text):
    os.makedirs(config, exist_ok=True)
    with open(os.path.join(config, "targets"), "w", encoding="utf-8", newline="") as f:
        f.write(text)


def says(name, config, line, expected, file=None, **options):
    """Exit 0, these lines on stderr before the last one, nothing on stdout."""
    done = ers(config, line, **options)
    lines = done.stderr.splitlines()
    check_equal("%s: exit" % name, (done.returncode, done.stdout), (0, ""))
    check_equal("%s: said" % name, lines[:-1], expected)
    if file is not None:
        check_equal("%s: file" % name, content(config), file)
    return lines[-1] if lines else ""


def refuses(name, line, words, before=None, status=2):
    """Exit 2, the words are named, nothing is written."""
    config = fresh()
    if before is not None:
        write(config, before)
    done = ers(config, line)
    check_equal("%s: exit" % name, done.returncode, status)
    check("%s: named" % name, all(w in done.stderr for w in words), done.stderr)
    check_equal("%s: nothing written" % name, content(config), before)
    return done


# The four examples of the mission, word for word.
c = fresh()
last = says("servers and ports", c, 'discover --servers "mail.example.com,web.example.com" --ports "8443,9443"',
            ["added    mail.example.com  8443,9443  2 endpoints", "added    web.example.com  8443,9443  2 endpoints"],
            "mail.example.com 8443,9443\nweb.example.com 8443,9443\n")
check_equal("servers and ports: saved", last,
            "saved    %s/targets (2 targets)    next: ers scan --config %s" % (c, c))

says("ports alone", c, 'discover --ports "8000-9000,9443"',
     ["changed  default ports  %s -> 8000-9000,9443  for 0 targets" % NINE],
     "default ports 8000-9000,9443\nmail.example.com 8443,9443\nweb.example.com 8443,9443\n")

c = fresh()
last = says("range", c, "discover --ips 198.51.100.0/24",
            ["added    198.51.100.0/24  %s  256 addresses x 9 ports = 2304 endpoints" % NINE], "198.51.100.0/24\n")
check("range: one target", "(1 target)    next: ers scan" in last, last)
says("range, ports of its own", c, 'discover --ips 198.51.100.0/24 --ports "8000-9000"',
     ["changed  198.51.100.0/24  %s -> 8000-9000" % NINE], "198.51.100.0/24 8000-9000\n")
c = fresh()
says("range with ports", c, 'discover --ips 198.51.100.0/24 --ports "8000-9000"',
     ["added    198.51.100.0/24  8000-9000  256 addresses x 1001 ports = 256,256 endpoints"],
     "198.51.100.0/24 8000-9000\n")

# Consecutive calls: servers are added, ports are replaced, the default list moves those that follow it.
c = fresh()
says("first", c, "discover --servers mail.example.com", ["added    mail.example.com  %s  9 endpoints" % NINE])
says("second adds", c, "discover --servers web.example.com",
     ["added    web.example.com  %s  9 endpoints" % NINE], "mail.example.com\nweb.example.com\n")
says("known, ports replaced", c, "discover --servers mail.example.com --ports 8443,9443",
     ["changed  mail.example.com  %s -> 8443,9443" % NINE], "mail.example.com 8443,9443\nweb.example.com\n")
last = says("known without ports: left alone", c, "discover --servers Mail.Example.com.",
            ["unchanged  mail.example.com  8443,9443"], "mail.example.com 8443,9443\nweb.example.com\n")
check("unchanged: kept", last.startswith("kept     "), last)
says("default list moves its followers", c, "discover --ports 8000-9000,9443",
     ["changed  default ports  %s -> 8000-9000,9443  for 1 target" % NINE],
     "default ports 8000-9000,9443\nmail.example.com 8443,9443\nweb.example.com\n")
says("a new one follows it too", c, "discover db.example.com",
     ["added    db.example.com  8000-9000,9443  1002 endpoints"])
says("explicit ports bring no defaults", c, "discover db2.example.com:5432", ["added    db2.example.com  5432  1 endpoint"])
says("back to the nine", c, "discover --ports default",
     ["changed  default ports  8000-9000,9443 -> %s  for 2 targets" % NINE],
     "mail.example.com 8443,9443\nweb.example.com\ndb.example.com\ndb2.example.com 5432\n")
says("its own although equal", c, "discover db.example.com --ports default",
     ["changed  db.example.com  %s (default list) -> %s (its own)" % (NINE, NINE)])

# Lists.
c = fresh()
write(c, "")
names = path("names")
with open(names, "w", encoding="utf-8") as f:
    f.write("# ours\na.example, b.example   # two\n[2001:DB8::1]:8443\n")
says("list from a file, twice the same key", c, 'discover --servers "@%s, a.example:443" --servers A.example.' % names,
     ["added    a.example  443  1 endpoint", "added    b.example  %s  9 endpoints" % NINE,
      "added    2001:db8::1  8443  1 endpoint"])
says("--servers-file", c, "discover --servers-file %s --ports 1" % names,
     ["changed  a.example  443 -> 1", "changed  b.example  %s -> 1" % NINE, "changed  2001:db8::1  8443 -> 1,8443"])
says("from stdin", c, "discover --servers @-", ["added    in.example  %s  9 endpoints" % NINE], input="in.example\n")
says("URL", c, "discover --servers https://Web.example:8443/login?x=1",
     ["note     only web.example:8443 of the URL is kept", "added    web.example  8443  1 endpoint"])
says("addresses", c, 'discover --ips "198.51.100.7, 10.0.0.1-10.0.0.20 ,2001:db8::/126" --ports 443',
     ["added    198.51.100.7  443  1 endpoint", "added    10.0.0.1-10.0.0.20  443  20 addresses x 1 port = 20 endpoints",
      "added    2001:db8::/126  443  4 addresses x 1 port = 4 endpoints"])
says("named sets", c, "discover db.example --ports database,443",
     ["added    db.example  443,1433,2379,3306,5432,6380,27017  7 endpoints"])
says("IDNA", c, "discover b\u00fccher.example --ports 443", ["added    xn--bcher-kva.example  443  1 endpoint"])
says("paths", c, 'discover --paths "/etc/ssl//certs/, /srv/my certs"', ["added    /etc/ssl/certs", "added    /srv/my certs"])
check("paths: quoted in the file", content(c).endswith('/etc/ssl/certs\n"/srv/my certs"\n'), content(c))
says("protocol and SNI", c, "discover mx.example:2525 --protocol smtp --sni MX.example",
     ["added    mx.example  2525 smtp  1 endpoint"])
says("protocol taken back", c, "discover mx.example --protocol auto --sni ''",
     ["changed  mx.example  protocol smtp -> auto, sni mx.example -> auto"])
says("large, on purpose", c, "discover --ips 10.0.0.0/8 --ports 443 --yes-large",
     ["added    10.0.0.0/8  443  16,777,216 addresses x 1 port = 16,777,216 endpoints"])

# Exclusions win, and only ever grow.
c = fresh()
says("exclude", c, "discover --ips 198.51.100.0/24 --ports 443,8443 --exclude 198.51.100.7,198.51.100.9:443",
     ["added    exclude 198.51.100.7", "added    exclude 198.51.100.9  443",
      "added    198.51.100.0/24  443,8443  256 addresses x 2 ports - 3 excluded = 509 endpoints"])
says("exclude grows", c, "discover --exclude 198.51.100.9", ["changed  exclude 198.51.100.9"],
     "exclude 198.51.100.7\nexclude 198.51.100.9\n198.51.100.0/24 443,8443\n")
says("exclude never narrows", c, "discover --exclude 198.51.100.7:25", ["unchanged  exclude 198.51.100.7"])
says("exclusion removed", c, "discover --remove --exclude 198.51.100.7", ["removed  exclude 198.51.100.7"],
     "exclude 198.51.100.9\n198.51.100.0/24 443,8443\n")

# Bad words: exit 2, named, nothing written, whatever good ones stand beside them.
refuses("port 70000", "discover --servers good.example --ports 443,70000", ["--ports", '"70000"'])
refuses("port range", "discover --servers good.example --ports 9000-8000", ['"9000-8000"'])
refuses("empty ports", 'discover --servers good.example --ports ""', ["--ports", "empty"])
refuses("bad name", "discover --servers good.example,foo!bar", ["--servers", '"foo!bar"'], before="old.example\n")
refuses("bad address", "discover --ips 198.51.100.0/33", ["--ips", '"198.51.100.0/33"'])
refuses("name in --ips", "discover --ips mail.example.com", ['"mail.example.com"', "--servers"])
refuses("range in --servers", "discover --servers 198.51.100.0/24", ['"198.51.100.0/24"', "--ips"])
refuses("path in --servers", "discover --servers /etc/ssl", ['"/etc/ssl"', "--paths"])
refuses("too large", "discover --ips 10.0.0.0/8", ["10.0.0.0/8", "16,777,216", "--yes-large"])
refuses("far too large", "discover --ips 2001:db8::/32 --yes-large", ["2001:db8::/32", "2^40"])
refuses("protocol", "discover a.example --protocol smpt", ['"smpt"', "did you mean smtp"])
refuses("sni", "discover a.example --sni foo!", ["--sni", "foo!"])
refuses("missing list", "discover --servers @%s" % path("none"), [path("none")])
refuses("password is not repeated", "discover --servers https://u:geheim@bad!/", ['"bad!"'])
check("password is not repeated: not at all",
      "geheim" not in ers(fresh(), "discover --servers https://u:geheim@bad!/").stderr)
refuses("nothing to do", "discover", ["--servers"])
refuses("protocol for nobody", "discover --protocol smtp", ["--protocol"])
refuses("ports of a path", "discover --paths /etc/ssl --ports 443", ["--ports"])
refuses("remove what is not there", "discover --remove gone.example", ['"gone.example"'], before="old.example\n")
refuses("remove all or nothing", "discover --remove old.example,gone.example", ['"gone.example"'], before="old.example\n")
refuses("remove a port", "discover --remove old.example:443", ["old.example"], before="old.example 443\n")
refuses("remove nothing", "discover --remove", ["--remove"])
refuses("list and more", "discover --list --servers a.example", ["--list"])
refuses("unknown option", "discover --server a.example", ["--server", "did you mean"])

# The file is the user's: comments and order stay, a bad line is named.
c = fresh()
write(c, "# office\r\n\r\nmail.example.com 443   # owner: post\r\n  web.example.com\r\n")
says("comments stay", c, "discover mail.example.com new.example --ports 8443",
     ["changed  mail.example.com  443 -> 8443", "added    new.example  8443  1 endpoint"],
     "# office\r\n\r\nmail.example.com 8443  # owner: post\n  web.example.com\r\nnew.example 8443\n")
says("remove", c, "discover --remove web.example.com", ["removed  web.example.com  %s" % NINE],
     "# office\r\n\r\nmail.example.com 8443  # owner: post\nnew.example 8443\n")
for name, text, words in (("bad line", "a.example\nb.example 99999\n", ["line 2", '"99999"']),
                          ("same key twice", "a.example\n# x\nA.example.\n", ["line 3", '"a.example"']),
                          ("large without a word", "10.0.0.0/8\n", ["line 1", "yes-large"])):
    done = refuses(name, "discover c.example", words, before=text, status=1)
    check("%s: file named" % name, "/targets" in done.stderr, done.stderr)

# Dry run, lock, folder that cannot be made.
c = fresh()
last = says("dry run", c, "discover a.example --dry-run", ["added    a.example  %s  9 endpoints" % NINE])
check("dry run: nothing written", content(c) is None and "nothing was written" in last, last)
if os.name == "posix":
    import fcntl
    write(c, "")
    with open(os.path.join(c, "targets.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = ers(c, "discover a.example")
        check_equal("locked: exit 11", (done.returncode, content(c)), (11, ""))
    check_equal("lock released: exit 0", ers(c, "discover a.example").returncode, 0)
with open(path("file"), "w"):
    pass
done = ers(path("file", "x"), "discover a.example")
check("folder cannot be made: exit 1, named", done.returncode == 1 and path("file") in done.stderr, done.stderr)

# Listing, for people and for machines.
c = fresh()
done = ers(c, "discover --list")
check("list of nothing", done.returncode == 0 and "no targets in " + c in done.stderr, done.stderr)
ers(c, "discover --ips 198.51.100.0/24 --ports 8000-9000 --exclude 198.51.100.7")
ers(c, "discover mail.example.com")
os.makedirs(os.path.join(c, "state"))
with open(os.path.join(c, "state", "passes"), "w", encoding="utf-8") as f:
    f.write("2026-01-02T03:04:05Z 198.51.100.0/24\n")
done = ers(c, "discover --list")
check_equal("list", (done.returncode, done.stderr, done.stdout.splitlines()), (0, "", [
    "TARGET            SOURCE  PORTS      ENDPOINTS  LAST SCAN",
    "198.51.100.0/24   local   8000-9000    255,255  2026-01-02T03:04:05Z",
    "mail.example.com  local   default            9  -",
    "",
    "2 targets, 255,264 endpoints",
    "default ports  " + NINE,
    "excluded       198.51.100.7"]))
rows = [json.loads(line) for line in ers(c, "discover --list --json").stdout.splitlines()]
check_equal("list --json", [(r["type"], r["key"], r["source"], r["ports"], r["ports_are_own"], r["endpoints"], r["last_scan"])
                            for r in rows],
            [("target", "198.51.100.0/24", "local", "8000-9000", True, 255255, "2026-01-02T03:04:05Z"),
             ("target", "mail.example.com", "local", NINE, False, 9, None)])
done = ers(c, "discover --json web.example mail.example.com --ports 443")
rows = [json.loads(line) for line in done.stdout.splitlines()]
check_equal("--json", ([(r["type"], r.get("action"), r.get("key")) for r in rows], done.stderr),
            ([("change", "added", "web.example"), ("change", "changed", "mail.example.com"), ("saved", None, None)], ""))
check("--json: what and where", rows[1]["ports_before"] == NINE and rows[2]["written"] and
      rows[2]["file"] == os.path.join(c, "targets"), rows)
done = ers(c, "discover -q quiet.example")
check_equal("-q", (done.returncode, done.stdout, done.stderr), (0, "", ""))

# Many, and one at a time.
c = fresh()
many = path("many")
with open(many, "w", encoding="utf-8") as f:
    f.writelines("h%d.example\n" % i for i in range(20000))
done = ers(c, "discover --servers @%s --ports 443" % many)
check("20,000 servers", done.returncode == 0 and "20000 added" in done.stderr and len(done.stderr.splitlines()) < 50 and
      content(c).count("\n") == 20000, done.stderr[-300:])
c = fresh()
writers = [start(applet("ers"), "discover", "p%d.example" % i, "--config", c) for i in range(8)]
statuses = [w.wait(30) for w in writers]
check("side by side: done, or locked out", set(statuses) <= {0, 11} and 0 in statuses, statuses)
check_equal("side by side: none lost", sorted(content(c).split()),
            sorted("p%d.example" % i for i, status in enumerate(statuses) if status == 0))

help_text = run(applet("ers"), "discover", "--help").stdout
check("help shows the examples first", help_text.index("Examples") < help_text.index("Usage") and
      '--servers "mail.example.com,web.example.com" --ports "8443,9443"' in help_text, help_text)

finish()
