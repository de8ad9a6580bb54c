#!/usr/bin/env python3
"""ers scan run by Debian's cron, whose mails a script takes in place of sendmail: only news come by
mail. Each turn is a cron of its own with an @reboot line, in a mount namespace where its folders,
/run and sendmail are the test's."""
import email
import json
import os
import re
import subprocess
import time

import agent as peer_agent
from dns import private_network
from peer import *

private_network()
ERS, SERVER = applet("ers"), applet("clm-server")
MAILS, CONFIG, TAB, CRON_D = path("mails"), path("config"), path("crontab"), path("cron.d")
DONE = path("done")
for folder in (MAILS, CONFIG, CRON_D):
    os.makedirs(folder)
with open(path("sendmail"), "w", encoding="utf-8") as f:
    f.write("#!/bin/sh\ncat >%s/$$.new\nmv %s/$$.new %s/$$.mail\n" % (MAILS, MAILS, MAILS))
os.chmod(path("sendmail"), 0o755)
for kind, source, target in (("tmpfs", "none", "/run"), ("tmpfs", "none", "/var/spool/cron")):
    subprocess.run(["mount", "-t", kind, source, target], check=True)
os.makedirs("/var/spool/cron/crontabs", mode=0o1730)
open(TAB, "w").close()
for own, target in ((CRON_D, "/etc/cron.d"), (TAB, "/etc/crontab"), (path("sendmail"), "/usr/sbin/sendmail")):
    subprocess.run(["mount", "--bind", own, target], check=True)


def cron(*words):
    """What cron mailed after one run of the line: the texts."""
    for name in os.listdir(MAILS):
        os.remove(os.path.join(MAILS, name))
    for name in (DONE, "/run/crond.reboot"):
        if os.path.exists(name):
            os.remove(name)
    with open(os.path.join(CRON_D, "clm"), "w", encoding="utf-8") as f:
        f.write("SHELL=/bin/sh\nMAILTO=admin\n@reboot root %s scan --config %s --rate max --timeout 3s %s; touch %s\n" % (
            ERS, CONFIG, " ".join(words), DONE))
    os.chmod(os.path.join(CRON_D, "clm"), 0o644)
    process = start("cron", "-f")
    end = time.time() + 20
    while time.time() < end and not os.path.exists(DONE):
        time.sleep(0.02)
    check("cron ran it", os.path.exists(DONE))
    time.sleep(0.5)  # the mail is sent once the command has ended
    stop(process)
    mails = [email.message_from_file(open(os.path.join(MAILS, name), encoding="utf-8")) for name in sorted(os.listdir(MAILS))]
    check("a mail is to the administrator", all(mail["To"] == "admin" for mail in mails), str([m.items() for m in mails]))
    return [mail.get_payload() for mail in mails]


EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
first, second = (make_certificate(name, EC, subject="/CN=%s.test" % name) for name in ("first", "second"))
port = free_port()


def serve(files):
    process = start("openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", files[0], "-key", files[1], "-quiet")
    check("a server is up", wait_port(port))
    return process


with open(os.path.join(CONFIG, "targets"), "w", encoding="utf-8") as f:
    f.write("127.0.0.1 %d,1-20\n" % port)
server = serve(first)
mails = cron()
check("what is new comes by mail", len(mails) == 1 and "first.test" in mails[0] and "new" in mails[0], str(mails))
check_equal("the same again: no mail", cron(), [])
check_equal("and again", cron(), [])
stop(server)
server = serve(second)
mails = cron()
check("what changed does", len(mails) == 1 and "second.test" in mails[0] and "changed" in mails[0], str(mails))
check_equal("once", cron(), [])
stop(server)
mails = cron()
check("what is gone does", len(mails) == 1 and "gone" in mails[0], str(mails))
check_equal("once, too", cron(), [])
server = serve(second)
check("what is back does", "back" in "".join(cron()), "")

# ---- a server that cannot be reached ----

data, own = path("server"), free_port()
peer_agent.init(SERVER, data, own)
clm = start(SERVER, "run", "--data", data)
check("clm-server is up", wait_port(own))
with open(path("token"), "w", encoding="utf-8") as f:
    f.write(json.loads(run(SERVER, "token", "create", "--data", data, "--json").stdout)["token"])
done = run(ERS, "login", "https://localhost:%d" % own, "--config", CONFIG, "--token-file", path("token"), "--name", "cron")
check("enrolled", done.returncode == 0, done.stderr)
check_equal("delivered: no mail", cron(), [])
stop(clm)
check_equal("not delivered for a moment: no mail", cron(), [])
spool = next(where for where, _, _ in os.walk(CONFIG) if where.endswith("spool"))
note = os.path.join(os.path.dirname(spool), "delivery")
text = open(note, encoding="utf-8").read()
with open(note, "w", encoding="utf-8") as f:
    f.write(re.sub(r"failing = \d+", "failing = %d" % (time.time() - 4 * 86400), text))
mails = cron()
check("for more than three days: one line", len(mails) == 1 and len(mails[0].strip().splitlines()) == 1 and
      "not delivered" in mails[0] and str(own) in mails[0], str(mails))
check_equal("once a day", cron(), [])
clm = start(SERVER, "run", "--data", data)
check("clm-server is back", wait_port(own))
check_equal("delivered again: no mail", cron(), [])
check_equal("the spool is empty", [name for name in os.listdir(spool) if len(name) == 32], [])
finish()
