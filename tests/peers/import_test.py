#!/usr/bin/env python3
"""clm-server import: the samples of tests/data/import through a running server and on the store
alone; what is known adds nothing, what is wrong is named and stops nothing else."""
import csv
import io
import json

from agent import Person, init
from peer import *

SERVER, ERS, EXPORT = applet("clm-server"), applet("ers"), applet("clm-export")
DATA, PORT = path("server"), free_port()
SAMPLES = os.path.abspath("tests/data/import")


def imported(*files):
    done = run(SERVER, "import", *files, "--data", DATA, "--json")
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def sample(name):
    return os.path.join(SAMPLES, name)


def counts(added, known, refused, failed=0):
    return {"added": added, "known": known, "not_imported": refused, "files_failed": failed}


def rows(kind):
    return list(csv.DictReader(io.StringIO(run(EXPORT, "--data", DATA, "--rows", kind, "--format", "csv").stdout)))


admin = init(SERVER, DATA, PORT)
check_equal("a bundle, on the store", imported(sample("bundle.pem")), (0, counts(2, 0, 0), ""))
entries = json.loads(run(SERVER, "check", "--data", DATA, "--json").stdout)["entries"]
check_equal("again: nothing new", imported(sample("bundle.pem")), (0, counts(0, 2, 0), ""))
check_equal("and nothing written", json.loads(run(SERVER, "check", "--data", DATA, "--json").stdout)["entries"], entries)

server = start(SERVER, "run", "--data", DATA, stderr=open(path("server.log"), "w"))
check("the server listens", wait_port(PORT), open(path("server.log")).read())
status, answer, said = imported(sample("tlsx.ndjson"))
check("tlsx: the chain is new, the host that did not answer is named", (status, answer) == (1, counts(1, 1, 1))
      and "tlsx.ndjson: line 2: certificate: missing" in said, (status, answer, said))
status, answer, said = imported(sample("certutil.csv"))
check("certutil: the row without a certificate is named", (status, answer) == (1, counts(0, 2, 1))
      and "certutil.csv: line 26: row: no cell" in said, (status, answer, said))
check_equal("base64 in a cell", imported(sample("base64.csv"))[:2], (1, counts(0, 1, 1)))
check_equal("what inspect writes", imported(sample("inspect.ndjson")), (0, counts(0, 2, 0), ""))

status, answer, said = imported(sample("keyfactor.json"))
check("Keyfactor's JSON: the one without bytes is named", (status, answer) == (1, counts(0, 2, 1))
      and "keyfactor.json: line 68: certificate: missing" in said, (status, answer, said))
check_equal("Venafi's: a chain in base64", imported(sample("venafi.json")), (0, counts(0, 2, 0), ""))

certificate, key = make_certificate("own", ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"))
os.rename(certificate, path("any.name"))
with open(path("nothing"), "w") as f:
    f.write("nothing of that kind\n")
status, answer, said = imported(path("absent"), path("nothing"), path("any.name"))
check("one file that cannot be read stops no other", (status, answer) == (1, counts(1, 0, 0, 2))
      and "absent" in said and "neither PEM nor JSON nor CSV" in said, (status, answer, said))
with open(path("both.ndjson"), "w") as f:
    f.write(run(ERS, "inspect", "--json", "--pem", sample("bundle.pem"), path("any.name")).stdout)
check_equal("inspect's output now", imported(path("both.ndjson")), (0, counts(0, 3, 0), ""))

many = []
for i in range(40):
    many.append(open(path("any.name")).read())
with open(path("many.pem"), "w") as f:
    f.write("".join(many) * 100)
check_equal("4,000 of one, in pieces", imported(path("many.pem")), (0, counts(0, 4000, 0), ""))

person = Person("https://localhost:%d" % PORT, os.path.join(DATA, "root.pem"))
status = person.call("POST", "/session/link", {"link": admin["link"].split("#")[1], "password": "a long password"})
check_equal("an administrator logs in", status[0], 200)
status = person.call("POST", "/imports", {"file": "x", "pem": open(key).read()})
check("a key is refused", status[0] == 400, status)
status = person.call("POST", "/imports", {"file": "", "pem": ""})
check("a name is wanted", status[0] == 400, status)
check_equal("nobody else may", Person(person.url, os.path.join(DATA, "root.pem")).call("POST", "/imports", {"file": "x", "pem": ""})[0], 401)
stop(server)

names = sorted(row["name"] for row in rows("certificates"))
check_equal("all are known", names, ["ca.example.com", "mail.example.com", "own", "web.example.com"])
acts = [row for row in rows("audit") if row["verb"] == "import"]
check_equal("each that brought something is in the audit trail",
            [(row["actor"], row["object"], row["detail"]) for row in acts],
            [("local", "file:bundle.pem", "2 new certificates, 0 known before"),
             ("local", "file:tlsx.ndjson", "1 new certificates, 1 known before"),
             ("local", "file:any.name", "1 new certificates, 0 known before")])
done = run(SERVER, "import", "--data", DATA)
check("a file is wanted", done.returncode == 2, done.stderr)
finish()
