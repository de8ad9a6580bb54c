#!/usr/bin/env python3
"""clm-server compact: observations that nobody needs go, beside a running server and without one;
what was proved before stays proved, and everything that is asked has the answer that it had."""
import csv
import io
import json
import shutil
import threading
import time

from agent import Agent, Person, batch_id, certificate_line, init, observation_line
from peer import *
from proof_check import check as proved

SERVER, EXPORT = applet("clm-server"), applet("clm-export")
DATA, PORT = path("server"), free_port()
URL = "https://localhost:%d" % PORT
HOSTS, PASSES = 400, 25
KINDS = ("certificates", "endpoints", "services", "agents", "audit")


def serve(data=DATA):
    process = start(SERVER, "run", "--data", data, stderr=open(path("server.log"), "a"))
    check("the server listens", wait_port(PORT), open(path("server.log")).read())
    return process


def compact(*more, data=DATA):
    done = run(SERVER, "compact", "--data", data, "--json", *more)
    return json.loads(done.stdout) if done.returncode == 0 else done


def export(*words, data=DATA):
    return run(EXPORT, "--data", data, *words)


def rows(kind, data=DATA):
    done = export("--rows", kind, "--format", "csv", data=data)
    check("%s are exported" % kind, done.returncode == 0 and done.stderr == "", done.stderr)
    table = list(csv.DictReader(io.StringIO(done.stdout)))
    return [row for row in table if "busy" not in str(row) and "log.compact" not in str(row)
            and not row.get("verb", "").startswith(("backup", "restore"))]


def state(data=DATA):
    return {kind: rows(kind, data) for kind in KINDS}


def size():
    log = os.path.join(DATA, "log")
    return sum(os.path.getsize(os.path.join(log, name)) for name in os.listdir(log))


def moment(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def next_second():
    """A moment with everything so far before it, and the second before that."""
    at = int(time.time()) + 1
    time.sleep(at - time.time() + 0.01)
    return moment(at), moment(at - 1)


def one_pass(agent, number, certificates):
    """Each host as it was; one in ten flaps between two certificates; some come and go."""
    lines = list(certificates) if number == 0 else []
    for i in range(HOSTS):
        at = number % 2 if i % 10 == 0 else 0
        gone = i % 10 == 1 and number > PASSES // 2
        lines.append(observation_line([] if gone else [certificates[at]["sha256"]], "h%d.example.com" % i,
                                      "192.0.2.%d" % (i % 250), outcome="refused" if gone else "ok",
                                      detail=os.urandom(20).hex() if i % 10 == 0 else None))
    account = {"ok": HOSTS}
    lines.append({"type": "summary", "scan": "s1", "time": moment(time.time()), "duration_ms": 1, "targets": 1,
                  "certificates": 2, "faces": {"tried": HOSTS, "outcomes": account},
                  "endpoints": {"total": HOSTS, "states": account}, "complete": True})
    return agent.push(batch_id(), lines)


def person():
    p = Person(URL, os.path.join(DATA, "root.pem"))
    if not os.path.exists(path("known")):
        p.call("POST", "/session/link", {"link": made["link"].split("#")[1], "password": "a long password"})
        open(path("known"), "w").close()
    p.call("POST", "/session", {"user": made["admin"], "password": "a long password"})
    return p


made = init(SERVER, DATA, PORT)
server = serve()
admin = person()
secret = admin.call("POST", "/tokens", {"uses": 9})[1]["token"]
agent, busy = Agent(URL, os.path.join(DATA, "root.pem"), "steady"), Agent(URL, os.path.join(DATA, "root.pem"), "busy")
check_equal("an agent enrols", agent.enrol(secret)[0], 201)
check_equal("and another, of another network", busy.enrol(secret, network="busy")[0], 201)
certificates = [certificate_line(open(make_certificate("c%d.example" % i)[0]).read()) for i in range(2)]
other = certificate_line(open(make_certificate("busy.example")[0]).read())


def push_busy():
    return busy.push(batch_id(), [other, observation_line([other["sha256"]], "busy.example.com", "198.51.100.7")])[0]


answers = [one_pass(agent, number, certificates) for number in range(PASSES // 2)]
MIDDLE = next_second()[1]
answers += [one_pass(agent, number, certificates) for number in range(PASSES // 2, PASSES)]
check("all passes are stored", all(a[0] == 200 and not a[1]["rejected"] for a in answers), answers[:2])
check_equal("so is the other one's", push_busy(), 200)
BEFORE, JUST_BEFORE = next_second()
check_equal("one pass more", one_pass(agent, PASSES, certificates)[0], 200)

# ---- what there is before -------------------------------------------------------------------------

was = state()
done = run(SERVER, "checkpoint", "--data", DATA, "--out", path("first.txt"))
check_equal("a checkpoint", done.returncode, 0)
head = admin.call("GET", "/log")[1]
proofs = {line["sha256"]: admin.call("GET", "/certificates/%s/proof" % line["sha256"])[1] for line in certificates}
backup = run(SERVER, "backup", path("backup"), "--data", DATA, "--json")
check_equal("a backup", backup.returncode, 0)
was_size = size()
observations = len(export("--rows", "observations", "--format", "csv").stdout.splitlines()) - 1
check_equal("all observations are told", observations, HOSTS * (PASSES + 1) + 1)
shutil.copytree(DATA, path("copy"), ignore=lambda folder, names: [n for n in names if n == "control.sock"])

# ---- not without being asked ------------------------------------------------------------------------

done = run(SERVER, "compact", "--data", DATA)
check("without retention everything is kept", done.returncode == 0 and "everything is kept" in done.stderr, done.stderr)
for words in (("--before", "2999-01-01"), ("--before", "soon"), ("more",)):
    check_equal("%s is refused" % (words,), run(SERVER, "compact", "--data", DATA, *words).returncode, 2)
stranger = Person(URL, os.path.join(DATA, "root.pem"))
check_equal("not by strangers", stranger.call("POST", "/compactions", {"before": BEFORE})[0], 401)
check_equal("they do not hear of it either", stranger.call("GET", "/compactions")[0], 401)
check_equal("a time is wanted", admin.call("POST", "/compactions", {"before": "yesterday"})[0], 400)
check_equal("none was, yet", admin.call("GET", "/compactions")[1]["step"], "none")
dry = compact("--before", BEFORE, "--dry-run")
check("it tells what would go", isinstance(dry, dict) and dry["confirmations"] > PASSES // 2 and dry["scans"] > PASSES // 2
      and dry["dry_run"] and dry["bytes"] == 0, getattr(dry, "stderr", dry))
check_equal("and nothing goes", (size(), json.loads(run(SERVER, "check", "--data", DATA, "--json").stdout)["dropped"]),
            (was_size, 0))

# ---- beside the running server, while agents push --------------------------------------------------------

pushing, pushed = True, []


def push_on():
    while pushing:
        pushed.append(push_busy())


thread = threading.Thread(target=push_on)
thread.start()
done = compact("--before", BEFORE)
pushing = False
thread.join()
check("it is done", isinstance(done, dict) and done["step"] == "done", getattr(done, "stderr", done))
check("what was foretold went", (done["scans"], done["confirmations"]) == (dry["scans"], dry["confirmations"]), done)
check("pushes went on", len(pushed) > 0 and set(pushed) == {200}, pushed)
check("the file is smaller", 0 < done["bytes"] < done["bytes_before"] * 2 / 3, done)
check("and so is the folder", size() < was_size * 4 / 5, "%d, %d" % (size(), was_size))
went = done["scans"] + done["confirmations"]
account = json.loads(run(SERVER, "check", "--data", DATA, "--json").stdout)
check("check: sound, and says how many are gone", account["harms"] == 0 and account["code"] == "ok" and
      account["dropped"] == went, account)
now = state()
for kind in KINDS:
    check("%s are those of before" % kind, now[kind] == was[kind], [x for x in now[kind] if x not in was[kind]][:2])
audit = export("--rows", "audit", "--format", "csv").stdout
check("the audit trail has it", any("log.compact" in line and "local" in line and str(done["confirmations"]) in line
                                    for line in audit.splitlines()), audit[-300:])

# ---- what was proved stays proved ------------------------------------------------------------------------

done = export("--verify", "--checkpoint", path("first.txt"))
check("the checkpoint of before is of its begin", done.returncode == 0 and "begins with" in done.stdout and
      "%d of them dropped" % went in done.stdout, done.stdout + done.stderr)
status, proof = admin.call("GET", "/log/consistency?from=%d" % head["entries"])
later = admin.call("GET", "/log")[1]
check("it only grew", status == 200 and proof["old_root"] == head["root"] and proved(proof) is not None, proof)
for line in certificates:
    status, proof = admin.call("GET", "/certificates/%s/proof?size=%d" % (line["sha256"], proofs[line["sha256"]]["tree_size"]))
    check("a certificate is proved as before", status == 200 and proof == proofs[line["sha256"]], proof)
    done = export("--prove", line["sha256"], "--checkpoint", path("first.txt"))
    check("offline too", done.returncode == 0 and proved(json.loads(done.stdout), bytes.fromhex(head["root"])) is not None,
          done.stderr)

# ---- the past says that it is not whole -------------------------------------------------------------------

early = moment(time.time() - 3600 * 24)
done = export("--rows", "endpoints", "--as-of", early)
check("before the first entry nothing is missing", done.returncode == 0, done.stderr)
for kind in ("certificates", "endpoints"):
    first = export("--rows", kind, "--as-of", MIDDLE)
    check("%s of then are refused, with the day" % kind, first.returncode == 1 and first.stdout == "" and BEFORE in first.stderr,
          first.stdout[:200] + first.stderr)
    there, here = (export("--rows", kind, "--as-of", JUST_BEFORE, data=d) for d in (path("copy"), DATA))
    check("%s of the moment itself are told" % kind, here.returncode == 0 and here.stdout == there.stdout and here.stdout,
          here.stderr)
done = export("--rows", "observations", "--format", "csv")
left = [line for line in done.stdout.splitlines()[1:] if "busy" not in line]
check("the list of observations says that some are gone", "%d entries" % went in done.stderr and BEFORE in done.stderr, done.stderr)
whole = set(export("--rows", "observations", "--format", "csv", data=path("copy")).stdout.splitlines())
check("and those that are left are true", 0 < len(left) < observations / 2 and set(left) <= whole,
      [line for line in left if line not in whole][:2])

# ---- a backup behind it --------------------------------------------------------------------------------------

done = run(SERVER, "backup", path("backup"), "--data", DATA, "--json")
check("the backup takes the changed file", done.returncode == 0 and json.loads(done.stdout)["copied_files"] >= 2,
      done.stdout + done.stderr)
done = run(SERVER, "restore", path("backup"), "--data", path("restored"), "--without-secrets")
check_equal("it is restored", done.returncode, 0)
for kind in KINDS[:3]:
    check("%s are there again" % kind, rows(kind, path("restored")) == was[kind])

# ---- without a server; again; and a retention -----------------------------------------------------------------

stop(server)
done = run(SERVER, "compact", "--data", DATA, "--before", BEFORE)
check("the same again finds nothing", done.returncode == 0 and "of 0 entries of confirmations" in done.stdout, done.stdout + done.stderr)
server = serve()
admin = person()
check_equal("another pass", one_pass(agent, PASSES + 1, certificates)[0], 200)
check_equal("and another", one_pass(agent, PASSES + 2, certificates)[0], 200)
later = next_second()[0]
stop(server)
was = state()
done = compact("--before", later)
check("without a server it goes too", isinstance(done, dict) and done["step"] == "done" and done["confirmations"] > 0 and
      done["dropped_before"] == went, getattr(done, "stderr", done))
now = state()
check("and all is as before", now == was)
with open(os.path.join(DATA, "server.conf"), "a") as f:
    f.write("retention = 90d\n")
done = compact()
check("nothing is older than the retention", isinstance(done, dict) and done["scans"] + done["confirmations"] == 0 and
      done["before"][:4].isdigit(), getattr(done, "stderr", done))
for word in ("1h", "soon"):
    with open(os.path.join(path("copy"), "server.conf"), "a") as f:
        f.write("retention = %s\n" % word)
    done = run(SERVER, "compact", "--data", path("copy"))
    check("retention %s is refused" % word, done.returncode == 2 and "retention" in done.stderr, done.stderr)
    with open(os.path.join(path("copy"), "server.conf")) as f:
        kept = f.read().rsplit("retention", 1)[0]
    with open(os.path.join(path("copy"), "server.conf"), "w") as f:
        f.write(kept)

# ---- a server that dies in the midst ------------------------------------------------------------------------------

shutil.rmtree(DATA)
for delay in (0, 0.01, 0.02, 0.04, 0.08, 0.2):
    shutil.copytree(path("copy"), DATA)
    server = serve()
    admin = person()
    check_equal("it begins", admin.call("POST", "/compactions", {"before": BEFORE})[0], 202)
    time.sleep(delay)
    server.kill()
    server.wait()
    check("sound", run(SERVER, "check", "--data", DATA).returncode == 0)
    server = serve()
    stop(server)
    check("and as before", {k: rows(k) for k in KINDS[:3]} == {k: rows(k, path("copy")) for k in KINDS[:3]})
    shutil.rmtree(DATA)

finish()
