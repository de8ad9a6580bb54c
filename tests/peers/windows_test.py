#!/usr/bin/env python3
"""The exe under Wine: how it is called and installed, its folders and who may read
them, and the thread through the whole house: server, agent, endpoint, export."""
import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

from agent import Person
from peer import *

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from wine import Wine

WINDOWS = Wine(BUILD)
LINUX = os.path.join(os.path.dirname(BUILD), "linux-x86_64")
PROGRAM_DATA = WINDOWS.drive("ProgramData", "clm")


def windows_path(name):
    """Drive Z is this system's root."""
    return "Z:" + os.path.abspath(name).replace("/", "\\")


def exe(name, *words, **options):
    program = name if os.path.isabs(name) else applet(name + ".exe")
    return run("wine", windows_path(program), *words, env=WINDOWS.environment, **options)


def raw(*command):
    """(exit status, standard output, standard error) as bytes: run() makes one kind of line ends of all."""
    done = subprocess.run(command, env=WINDOWS.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    return done.returncode, done.stdout, done.stderr


def exe_start(name, *words, **options):
    return start("wine", windows_path(applet(name + ".exe")), *words, env=WINDOWS.environment, **options)


def is_closed_to_others(name):
    """Wine keeps of an ACL what modes can say: without an entry for everybody, others have no bits."""
    return os.stat(name).st_mode & 0o007 == 0


# ---- how it is called ----------------------------------------------------------

listing = exe("clm")
check("alone: lists the applets", listing.returncode == 0 and "  clm-export " in listing.stdout, listing.stdout)
check("without carriage returns", b"\r" not in raw("wine", applet("clm.exe"))[1], listing.stdout)
for name in ("ers", "clm-server", "clm-export"):
    by_name = exe(name, "--version")
    check("%s.exe by name" % name, by_name.returncode == 0 and by_name.stdout.startswith(name), by_name.stdout)
check_equal("by first word", exe("clm", "ers", "--version").stdout, exe("ers", "--version").stdout)
shutil.copy(applet("clm.exe"), path("ERS.EXE"))
check("called as ERS.EXE", exe(path("ERS.EXE"), "--version").stdout.startswith("ers "))

shutil.copy(applet("clm.exe"), path("CLM.EXE"))
for binary, extension in ((applet("clm.exe"), ".exe"), (path("CLM.EXE"), ".EXE")):
    done = exe(binary, "install", windows_path(path("bin")))
    names = [name + extension for name in ("clm-export", "clm-server", "ers")]
    check_equal("install makes copies *%s" % extension, (done.returncode, done.stderr, sorted(os.listdir(path("bin")))), (0, "", names))
    shutil.copytree(path("bin"), path("bin" + extension))
    shutil.rmtree(path("bin"))
same = open(path("bin.exe", "ers.exe"), "rb").read() == open(applet("clm.exe"), "rb").read()
check("a copy is the whole binary, and runs", same and exe(path("bin.exe", "ers.exe"), "--version").stdout.startswith("ers "))
again = exe("clm", "install", windows_path(path("bin.exe")))
check_equal("install again", (again.returncode, again.stderr), (0, ""))

# ---- folders -------------------------------------------------------------------

check("nothing was made yet", not os.path.exists(PROGRAM_DATA))
done = exe("ers", "discover", "--servers", "127.0.0.1", "--ports", "9")
check_equal("discover: exit 0", done.returncode, 0)
check("the targets lie in %ProgramData%", os.path.exists(os.path.join(PROGRAM_DATA, "config", "targets")), done.stderr)
check("and are named so", "C:\\ProgramData\\clm\\config\\targets" in done.stderr, done.stderr)
check("the folder is closed to others", is_closed_to_others(PROGRAM_DATA))

AGENT = path("Büro 東京")
done = exe("ers", "discover", "--config", windows_path(AGENT), "--servers", "tür.example.test", "--ports", "8443")
check_equal("a folder beyond ASCII: exit 0", done.returncode, 0)
check("a folder that is not secret is open to others", not is_closed_to_others(AGENT))
check("its file is there", os.path.exists(os.path.join(AGENT, "targets")), os.listdir(WORK))
check("and named in UTF-8", windows_path(AGENT) + "\\targets" in done.stderr, done.stderr)
check("names become A-labels", "xn--tr-xka.example.test" in open(os.path.join(AGENT, "targets"), encoding="utf-8").read())
done = exe("ers", "discover", "--config", windows_path(AGENT), "--remove", "--servers", "tür.example.test")
check("and are found again", done.returncode == 0 and "removed  xn--tr-xka.example.test" in done.stderr, done.stderr)

# ---- certificates --------------------------------------------------------------

certificate, key = make_certificate("büro.example.test", days=9, extra=("-utf8",))
done = exe("ers", "inspect", "--json", windows_path(certificate))
lines = [json.loads(line) for line in done.stdout.splitlines()]
check_equal("inspect: the fingerprint is openssl's", [x["sha256"] for x in lines if x["type"] == "certificate"], [fingerprint(certificate)])
piped = exe("ers", "inspect", "--json", "-", input=open(certificate).read().replace("\n", "\r\n"))
check_equal("inspect: the same from standard input", json.loads(piped.stdout.splitlines()[0])["sha256"], fingerprint(certificate))
missing = exe("ers", "inspect", windows_path(path("fehlt ü")))
check("inspect: what is missing is named", missing.returncode == 1 and "fehlt ü" in missing.stderr, missing.stderr)

# ---- files and stores ------------------------------------------------------------


def keep_in_store(where, der):
    """As CryptoAPI writes it: properties 3 (SHA-1) and 32 (the certificate), each number, 1, length, bytes."""
    sha1 = hashlib.sha1(der).digest()
    blob = struct.pack("<III", 3, 1, len(sha1)) + sha1 + struct.pack("<III", 32, 1, len(der)) + der
    return run("wine", "reg", "add", where + "\\Software\\Microsoft\\SystemCertificates\\MY\\Certificates\\" + sha1.hex().upper(),
               "/v", "Blob", "/t", "REG_BINARY", "/d", blob.hex(), "/f", env=WINDOWS.environment).returncode


stored = [make_certificate(name, ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))[0] for name in ("machine", "user")]
ders = [subprocess.run(["openssl", "x509", "-in", name, "-outform", "DER"], stdout=subprocess.PIPE).stdout for name in stored]
check_equal("certificates are put into the stores", [keep_in_store("HKLM", ders[0]), keep_in_store("HKCU", ders[1])], [0, 0])
os.makedirs(path("Zertifikate ü", "tief"))
shutil.copy(certificate, path("Zertifikate ü", "tief", "東京.pem"))
FILES = windows_path(path("files"))
done = exe("ers", "discover", "--config", FILES, "--paths",
           "cert:my,cert:ROOT,Cert:\\CurrentUser\\My,cert:nonesuch," + windows_path(path("Zertifikate ü")))
check("discover --paths takes stores", done.returncode == 0 and "added    cert:MY\n" in done.stderr
      and "added    cert:CurrentUser\\MY\n" in done.stderr, done.stderr)
done = exe("ers", "scan", "--config", FILES, "--json")
seen = {o["path"]: o for o in map(json.loads, done.stdout.splitlines()) if o["type"] == "observation"}
check_equal("the computer's store", [seen["cert:MY"][k] for k in ("kind", "outcome", "chain")], ["store", "ok", [fingerprint(stored[0])]])
check_equal("the user's store shows both", set(seen["cert:CurrentUser\\MY"]["chain"]), {fingerprint(name) for name in stored})
check("the roots that Wine takes from this system", seen["cert:ROOT"]["outcome"] == "ok" and len(seen["cert:ROOT"]["chain"]) > 50, str(seen["cert:ROOT"]))
check_equal("a store that is not there", seen["cert:NONESUCH"]["outcome"], "no_certificate")
done = exe("ers", "inspect", "--json", "cert:MY", windows_path(path("Zertifikate ü")))
lines = [json.loads(line) for line in done.stdout.splitlines()]
check_equal("inspect shows a store and a folder", [x["sha256"] for x in lines if x["type"] == "certificate"],
            [fingerprint(stored[0]), fingerprint(certificate)])
deep = windows_path(path("Zertifikate ü", "tief", "東京.pem"))
check("a file beyond ASCII", seen.get(deep, {}).get("chain") == [fingerprint(certificate)], str(seen.keys()))
check("has an owner and no mode", seen[deep]["file"]["owner"] and seen[deep]["file"]["mode"] is None, str(seen[deep]))
os.remove(path("Zertifikate ü", "tief", "東京.pem"))
gone = [line for line in exe("ers", "scan", "--config", FILES, "--all").stdout.splitlines() if line.startswith(deep)]
check("and is gone when it is removed", len(gone) == 1 and " gone " in gone[0], str(gone))

endpoint_port = free_port()
start("openssl", "s_server", "-quiet", "-accept", "127.0.0.1:%d" % endpoint_port, "-cert", certificate, "-key", key)
check("an endpoint listens", wait_port(endpoint_port))

# ---- a console -----------------------------------------------------------------


def console(*words, answer=None):
    """What a terminal shows, up to the end of the program; `answer` is typed at "Token:", once
    Wine has taken the terminal over."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("wine", ["wine", *words], dict(WINDOWS.environment, TERM="xterm-256color"))
    shown, end = b"", time.monotonic() + 20
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                shown += os.read(terminal, 65536)
            except OSError:
                break  # the program has ended
        if answer and b"Token:" in shown and not termios.tcgetattr(terminal)[3] & termios.ECHO:
            os.write(terminal, answer)
            answer = None
    else:
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    return shown.decode("utf-8", "replace")


shown = console(applet("ers.exe"), "inspect", windows_path(certificate))
check("a console shows UTF-8", "CN=büro.example.test" in shown, repr(shown))
check("and colours", re.search(r"\x1b\[3\dm[^\x1b]*[89] days left\x1b\[0m", shown), repr(shown))
shown = console(applet("ers.exe"), "login", "https://127.0.0.1:1", "--config", windows_path(path("nobody")), answer=b"not-a-token\r")
check("a secret is asked for and not shown", "does not have the form" in shown and "not-a-token" not in shown, repr(shown))

# ---- the server ----------------------------------------------------------------

SERVER_DATA = os.path.join(PROGRAM_DATA, "server")
PORT = free_port()
URL = "https://localhost:%d" % PORT
SECRET = "correct horse battery staple"


def serve():
    process = exe_start("clm-server", "run", stderr=open(path("server.log"), "a"))
    check("the server listens", wait_port(PORT, seconds=30), open(path("server.log")).read())
    return process


done = exe("clm-server", "init", "--name", "localhost,127.0.0.1", "--listen", "127.0.0.1:%d" % PORT, "--json")
check_equal("init: exit 0", (done.returncode, done.stderr), (0, ""))
made = json.loads(done.stdout)
check_equal("init: the store lies in %ProgramData%", made["data"], "C:\\ProgramData\\clm\\server")
ROOT = os.path.join(SERVER_DATA, "root.pem")
secret_files = ["root.key", "server.pem", "users", "tokens"]
open_ones = [name for name in ["", *secret_files] if not is_closed_to_others(os.path.join(SERVER_DATA, name))]
check_equal("init: folder and secrets are closed to others", open_ones, [])

server = serve()
done = run("curl", "--silent", "--show-error", "--cacert", ROOT, URL + "/api/v1/health")
check_equal("curl is answered", (done.returncode, done.stdout), (0, '{"status":"ok"}'))
browser = run("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
              "--user-data-dir=" + path("profile"), "--ignore-certificate-errors", "--virtual-time-budget=10000", "--dump-dom", URL + "/",
              timeout=90)
check("a browser shows the log-in page", "<h1>Log in</h1>" in browser.stdout and 'name="password"' in browser.stdout,
      browser.stdout[-500:] + browser.stderr[-500:])
second = exe("clm-server", "run", "--listen", "127.0.0.1:0")
check_equal("a second server finds the lock", second.returncode, 11)
taken = socket.socket()
taken.bind(("127.0.0.1", 0))
taken.listen()
exe("clm-server", "init", "--name", "localhost", "--listen", "127.0.0.1:%d" % taken.getsockname()[1], "--data", windows_path(path("other")))
other = exe("clm-server", "run", "--data", windows_path(path("other")))
check("a taken port is named", other.returncode == 1 and str(taken.getsockname()[1]) in other.stderr, other.stderr)
taken.close()

token = exe("clm-server", "token", "create", "--json")
check_equal("token create goes through the pipe", (token.returncode, token.stderr), (0, ""))
spelled = exe("clm-server", "token", "list", "--data", "c:/programdata/CLM/server/", "--config", "C:\\ProgramData\\clm\\config")
check_equal("the pipe is the same for every spelling of the folder", (spelled.returncode, spelled.stderr), (0, ""))

# ---- the agent -----------------------------------------------------------------


def agent(*words, **options):
    return exe("ers", words[0], "--config", windows_path(AGENT), *words[1:], **options)


done = agent("login", URL, "--name", "one", "--token-file", "-", input=json.loads(token.stdout)["token"] + "\r\n")
check_equal("login: exit 0", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
keys = [os.path.join(folder, "key.pem") for folder, _, names in os.walk(AGENT) if "key.pem" in names]
check("the agent's key is closed to others", len(keys) == 1 and is_closed_to_others(keys[0]), keys)
agent("discover", "--servers", "127.0.0.1", "--ports", endpoint_port)
done = agent("scan", "--all")
check("scan: the table has the endpoint", done.returncode == 0 and "127.0.0.1:%d" % endpoint_port in done.stdout, done.stdout + done.stderr)


def inventory(output):
    """What a scan saw, without what differs from run to run."""
    rows = [json.loads(line) for line in output.splitlines()]
    return sorted(json.dumps({k: v for k, v in row.items() if k not in ("scan", "time", "duration_ms", "connect_ms")}, sort_keys=True)
                  for row in rows if row["type"] in ("certificate", "observation"))


look = ("scan", "--json", "127.0.0.1:%d" % endpoint_port, "127.0.0.1:%d" % free_port(), "--sni", "web.example.test")
theirs = run(os.path.join(LINUX, "ers"), *look, "--config", path("linux-agent"))
ours = exe("ers", *look, "--config", windows_path(path("exe-agent")))
check_equal("the same scan from Linux and from the exe: the same inventory", inventory(ours.stdout), inventory(theirs.stdout))
done = agent("scan")
check_equal("a scan without news is silent", (done.returncode, done.stdout, done.stderr), (0, "", ""))

person = Person(URL, ROOT)
status, _ = person.call("POST", "/session/link", {"link": made["link"].split("#")[1], "password": SECRET})
check_equal("the administrator logs in by the link", status, 200)
status, listed = person.call("GET", "/certificates")
check_equal("the certificate is there", (status, [row["sha256"] for row in listed["items"]]), (200, [fingerprint(certificate)]))
status, agents = person.call("GET", "/agents")
check_equal("and the agent, with its system", [(row["name"], "Windows" in row["system"]) for row in agents["items"]], [("one", True)])

# ---- a certificate ---------------------------------------------------------------

TLS = path("tls")


def request(*words):
    """As far as it goes, with the approval that it may need."""
    done = agent(*words)
    for row in person.call("GET", "/requests?state=pending")[1]["items"]:
        person.call("POST", "/requests/%s/approve" % row["id"], {})
        done = agent("renew")
    return done


def in_tls(name):
    return open(os.path.join(TLS, name)).read()


def is_pair():
    public = run("openssl", "x509", "-in", os.path.join(TLS, "cert.pem"), "-noout", "-pubkey").stdout
    return bool(public) and public == run("openssl", "pkey", "-in", os.path.join(TLS, "key.pem"), "-pubout").stdout


reload = 'echo "a b"> "%s"' % windows_path(path("re loaded"))
done = request("request", "--dns", "win.example.test", "--out", windows_path(TLS), "--reload", reload)
check("request: installed", done.returncode == 0 and is_pair(), done.stdout + done.stderr)
check("key.pem is closed to others", is_closed_to_others(os.path.join(TLS, "key.pem")))
check_equal("the reload command ran, its quotes as they stand", open(path("re loaded")).read().strip(), '"a b"')
before = in_tls("fullchain.pem")
requests = os.path.join(AGENT, "requests")
with open(requests) as f:
    entry = json.loads(f.read())
with open(requests, "w") as f:
    f.write(json.dumps(dict(entry, reload="echo no such service& exit 3")) + "\n")
done = request("renew", "--force", "win.example.test")
check("a reload that fails: told, the old files are back", done.returncode == 1 and "no such service" in done.stderr and in_tls("fullchain.pem") == before
      and is_pair(), done.stdout + done.stderr)
with open(requests) as f:
    entry = json.loads(f.read())
with open(requests, "w") as f:
    f.write(json.dumps(dict(entry, reload="")) + "\n")
done = agent("renew")
check("mended: the same request is installed", done.returncode == 0 and in_tls("fullchain.pem") != before and is_pair(), done.stdout + done.stderr)
after = in_tls("fullchain.pem")
with open(os.path.join(TLS, "cert.pem"), "w") as f:  # as if killed between two files
    f.write(before)
done = agent("renew")
check("what was left half done is ended", done.returncode == 0 and in_tls("fullchain.pem") == after and is_pair(), done.stdout + done.stderr)

# ---- ends ----------------------------------------------------------------------

silent = socket.socket()
silent.bind(("127.0.0.1", 0))
silent.listen()
process = exe_start("ers", "scan", "--config", windows_path(AGENT), "--json", "--timeout", "60s", "127.0.0.1:%d" % silent.getsockname()[1],
                    stdout=open(path("interrupted"), "w"))
accepted, _ = silent.accept()
process.send_signal(signal.SIGINT)
check_equal("Ctrl-C ends a scan: exit 130", process.wait(20), 130)
lines = [json.loads(line) for line in open(path("interrupted"))]
check_equal("which tells what it knows", [(x["type"], x.get("outcome")) for x in lines if x["type"] == "observation"], [("observation", "not_reached")])
accepted.close()

total = person.call("GET", "/certificates")[1]["total"]
stop(server, signal.SIGKILL)
server = serve()
check_equal("a killed server's lock is free, its data are there", person.call("GET", "/session")[0], 401)
status, _ = person.call("POST", "/session", {"user": "admin", "password": SECRET})
check_equal("and so are its users", (status, person.call("GET", "/certificates")[1]["total"]), (200, total))
beside = exe("clm-export", "--format", "csv")
check("export beside the server", beside.returncode == 0 and fingerprint(certificate) in beside.stdout, beside.stdout + beside.stderr)
shutil.copytree(os.path.join(SERVER_DATA, "log"), path("copy", "log"))
server.send_signal(signal.SIGINT)
check_equal("Ctrl-C ends the server in order", server.wait(20), 0)
check("and the log says so", "event=stopped" in open(path("server.log")).read(), open(path("server.log")).read())
done = exe("clm-server", "check")
check("the store is sound", done.returncode == 0 and "sound" in done.stdout, done.stdout + done.stderr)

for words in (["csv"], ["csv", "--rows", "endpoints"], ["pem"], ["ndjson"]):
    theirs = raw(os.path.join(LINUX, "clm-export"), "--data", path("copy"), "--format", *words)
    ours = raw("wine", applet("clm-export.exe"), "--data", windows_path(path("copy")), "--format", *words)
    check("export %s: the same bytes as on Linux" % " ".join(words), theirs[1] and ours == theirs, "%r, on Linux %r" % (ours, theirs))
finish()
