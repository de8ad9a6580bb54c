#!/usr/bin/env python3
"""What clm prints from its tables: licences, manual pages, completion. Pages are
judged by mandoc and groff, completion by the shells themselves, with real keys."""
import os
import pty
import re
import select
import time

from peer import *

CLM = applet("clm")
APPLETS = ("ers", "clm-server", "clm-export")


def help_of(*words):
    return run(CLM, *words, "--help").stdout


def commands_of(name):
    """From --help: none where the applet has but one."""
    block = re.search(r"^Commands\n((?:  .*\n)+)", help_of(name), re.M)
    return re.findall(r"^  (\S+)", block.group(1), re.M) if block else []


# ---- licences ------------------------------------------------------------------

licences = run(CLM, "licenses")
check("licenses: exit 0, nothing on stderr", licences.returncode == 0 and not licences.stderr, licences.stderr)
check("licenses: ours is first", licences.stdout.startswith(open("LICENSE").read()))
packages = ["bearssl", "zlib", "curl", "libuv1", "c-ares", "libsodium", "jsmn", "picohttpparser"]
for name in packages + (["musl"] if "linux-" in BUILD else []):
    text = re.search(r"^%s( \S+)?\n=+\n((?:.*\n)+?)(?=\S+( \S+)?\n={40}\n|\Z)" % re.escape(name), licences.stdout, re.M)
    check("licenses: a text for %s" % name, text and len(text.group(2)) > 400 and re.search("copyright", text.group(2), re.I))

# ---- manual pages --------------------------------------------------------------

pages = path("man")
check_equal("man --into", run(CLM, "man", "--into", pages).returncode, 0)
expected = ["clm", "clm-install", "clm-man", "clm-completion", "clm-licenses"]
for name in APPLETS:
    expected += [name] + ["%s-%s" % (name, c) for c in commands_of(name)]
check_equal("man: one page a command", sorted(os.listdir(pages)), sorted(p + ".1" for p in expected))
check("man: ers has its commands", len(commands_of("ers")) >= 7, commands_of("ers"))
for name in expected:
    file = os.path.join(pages, name + ".1")
    # A date would differ from build to build: there is none.
    lint = [l for l in run("mandoc", "-T", "lint", "-W", "warning", file).stdout.splitlines() if "missing date" not in l]
    check("man %s: mandoc is silent" % name, not lint, lint)
    groff = run("groff", "-man", "-ww", "-T", "utf8", file)
    check("man %s: groff is silent" % name, groff.returncode == 0 and not groff.stderr, groff.stderr)
for name in APPLETS:
    for command in commands_of(name) or [None]:
        words = [name] + ([command] if command else [])
        text = re.sub(r".\x08", "", run("mandoc", os.path.join(pages, "-".join(words) + ".1")).stdout)
        wanted = re.findall(r"^  +(?:-\w, )?(--[\w-]+)", help_of(*words), re.M)
        missing = [o for o in wanted if not re.search(r"^ +(-\w, )?%s( |$)" % o, text, re.M)]
        check("man %s: each option" % " ".join(words), len(wanted) >= 7 and not missing, missing)
        check_equal("man %s: printed as written" % " ".join(words), run(CLM, "man", *words).stdout,
                    open(os.path.join(pages, "-".join(words) + ".1")).read())
page = run("mandoc", os.path.join(pages, "ers.1")).stdout
check("man ers: files and their keys", all(w in re.sub(r".\x08", "", page) for w in
                                           ("/etc/clm/ers.conf", "network = LABEL", "EXIT STATUS", "ers-scan(1)")), page)
for words in (("nonesuch",), ("ers", "nonesuch"), ("ers", "scan", "more"), ("ers", "--into", pages)):
    bad = run(CLM, "man", *words)
    check("man %s: exit 2" % " ".join(words), bad.returncode == 2 and not bad.stdout, bad.stdout + bad.stderr)

# ---- completion ----------------------------------------------------------------

os.makedirs(path("place", "folder"))
open(path("place", "file.pem"), "w").close()
scripts = {}
for shell in ("bash", "zsh", "fish", "powershell"):
    printed = run(CLM, "completion", shell)
    check("completion %s: printed" % shell, printed.returncode == 0 and "fail-on" in printed.stdout
          and "@ROWS@" not in printed.stdout, printed.stderr)
    scripts[shell] = path("clm." + shell)
    with open(scripts[shell], "w") as f:
        f.write(printed.stdout)
for words in ((), ("tcsh",), ("bash", "zsh")):
    check_equal("completion %s: exit 2" % " ".join(words), run(CLM, "completion", *words).returncode, 2)


class Keys:
    """A shell at a terminal."""

    def __init__(self, command, prepare):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(path("place"))
            os.environ.update(TERM="dumb", PS1="", HOME=path("place"), PATH=BUILD + ":" + os.environ["PATH"])
            os.execvp(command[0], command)
        self.count = 0
        self.send(prepare + "\n")
        self.line("")

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait(self, mark, seconds=20):
        seen, end = "", time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    seen += os.read(self.fd, 65536).decode("utf-8", "replace")
                except OSError:
                    break
                found = re.search(mark, seen)
                if found:
                    return found.group(1)
        return "nothing within %d s: %r" % (seconds, seen[-300:])

    def line(self, keys):
        """The line as it stands after these keys: it is echoed, not run."""
        self.count += 1
        self.send(keys)
        self.send("\x05>'\x01 echo \"line\"%d '<\n" % self.count)
        return self.wait(r"line%d <(.*?)>\r?\n" % self.count).rstrip()

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


LINES = [
    ("ers sca\t", "ers scan"),
    ("ers scan --fai\t", "ers scan --fail-on"),
    ("ers scan --config fold\t", "ers scan --config folder/"),
    ("ers scan --output fil\t", "ers scan --output file.pem"),
    ("ers scan --color alw\t", "ers scan --color always"),
    ("ers --quiet disc\t", "ers --quiet discover"),
    ("ers inspect fil\t", "ers inspect file.pem"),
    ("clm comp\t", "clm completion"),
    ("clm ers scan --per\t", "clm ers scan --per-host"),
    ("clm completion pow\t", "clm completion powershell"),
    ("clm man ers disc\t", "clm man ers discover"),
    ("clm-server tok\t", "clm-server token"),
    ("clm-server token rev\t", "clm-server token revoke"),
    ("clm-server user pas\t", "clm-server user passwd"),
    ("clm-export --exc\t", "clm-export --excel"),
    ("ers scan --nonesuc\t", "ers scan --nonesuc"),
]
bash = Keys(["bash", "--norc", "-i"], "source %s" % scripts["bash"])
for keys, expected in LINES + [("ers scan --color=nev\t", "ers scan --color=never")]:
    check_equal("bash: %s" % keys.rstrip(), bash.line(keys), expected)
bash.close()

# In bash, without a terminal: whole lists.
offers = """
source %s
for line in "ers " "ers scan -" "clm " "clm-server token " "clm-export -" "ers scan --timeout " "ers scan -- -"; do
    read -r -a COMP_WORDS <<<"$line"
    [[ $line != *' ' ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _clm
    echo "$line:${COMPREPLY[*]}"
done
""" % scripts["bash"]
lists = dict(line.split(":", 1) for line in run("bash", "-c", offers).stdout.splitlines())
check_equal("bash: all commands of ers", lists.get("ers ", "").split(), sorted(commands_of("ers")))
check_equal("bash: clm has applets and commands", lists.get("clm ", "").split(),
            sorted(APPLETS + ("completion", "install", "licenses", "man")))
for words in ("ers scan", "clm-export"):
    wanted = re.findall(r"^  +(?:(-\w), )?(--[\w-]+)", help_of(*words.split()), re.M)
    check_equal("bash: all options of %s" % words, sorted(lists.get(words + " -", "").split()),
                sorted(o for pair in wanted for o in pair if o))
check_equal("bash: nothing for a time", lists.get("ers scan --timeout "), "")

zsh = Keys(["zsh", "-f", "-i"], "PS1=; unsetopt beep zle_bracketed_paste 2>/dev/null; autoload -U compinit; compinit -u -d %s; source %s"
           % (path("zcompdump"), scripts["zsh"]))
for keys, expected in LINES:
    if keys.startswith("ers --quiet"):
        continue  # an option before the command: zsh's own machinery would take it for one
    # It takes the slash back when a blank follows.
    check_equal("zsh: %s" % keys.rstrip(), zsh.line(keys), expected.rstrip("/"))
zsh.close()

for keys, expected in LINES:
    typed = keys.rstrip("\t")
    if "nonesuc" in typed or typed.startswith("clm man ers"):
        continue
    asked = run("fish", "--no-config", "-c", "source %s; complete -C '%s'" % (scripts["fish"], typed), cwd=path("place"))
    offered = [l.split("\t")[0] for l in asked.stdout.splitlines()]
    check("fish: %s" % typed, expected.split()[-1] in offered, asked.stdout + asked.stderr)
finish()
