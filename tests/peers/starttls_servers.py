"""Real servers that speak before TLS, each started on loopback with a configuration, state
and log of the test's own. Every function returns (protocol, port, version); where a daemon
drops root by itself its folder is opened to it. They need root, as Postfix's master does."""
import glob
import os
import pwd
import re
import shutil

from peer import WORK, free_port, path, run, start, wait_port
from postfix import Postfix

logs = {}


def home(name, owner=None):
    folder = path(name)
    os.makedirs(folder, exist_ok=True)
    os.chmod(WORK, 0o711)
    if owner:
        account = pwd.getpwnam(owner)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def write(name, text, mode=0o644):
    with open(name, "w") as f:
        f.write(text)
    os.chmod(name, mode)
    return name


def own(name, source, owner):
    """A copy of a key that only `owner` may read, as daemons demand."""
    account = pwd.getpwnam(owner)
    shutil.copy(source, name)
    os.chmod(name, 0o600)
    os.chown(name, account.pw_uid, account.pw_gid)
    return name


def version(*command):
    done = run(*command)
    found = re.search(r"\d+\.\d+[\w.+-]*", done.stdout + done.stderr)
    return found.group(0) if found else "?"


def daemon(name, *command, **options):
    """Starts it; what it says is its log where it has no other."""
    logs.setdefault(name, path(name + ".log"))
    out = open(path(name + ".said"), "wb")
    return start(*command, stdout=out, stderr=out, **options)


def said(name):
    text = ""
    for one in (path(name + ".said"), logs.get(name, "")):
        if os.path.exists(one):
            with open(one, errors="replace") as f:
                text += f.read()
    return text


def postfix(certificate, key):
    peer, at_once = Postfix(["ops"], certificate=certificate, key=key), free_port()
    with open(os.path.join(peer.home, "master.cf"), "a") as out:
        out.write("127.0.0.1:%d inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n" % at_once)
    peer.start()
    logs["postfix"] = os.path.join(peer.home, "log")
    number = version("postconf", "-d", "-h", "mail_version")
    return peer, [("smtp", peer.port, number), ("tls", at_once, number)]


def dovecot(certificate, key):
    folder = home("dovecot")
    ports = {name: free_port() for name in ("imap", "pop3", "lmtp", "sieve", "tls")}
    logs["dovecot"] = os.path.join(folder, "log")
    listen = "".join("""
service %s {
  inet_listener %s {
    address = 127.0.0.1
    port = %d
  }
%s}""" % (service, listener, ports[name], "" if name == "lmtp" else "  chroot =\n")
        for name, service, listener in (("imap", "imap-login", "imap"), ("pop3", "pop3-login", "pop3"),
                                        ("lmtp", "lmtp", "lmtp"), ("sieve", "managesieve-login", "sieve")))
    off = """
service pop3-login {
  inet_listener pop3s {
    port = 0
  }
}
service imap-login {
  inet_listener imaps {
    address = 127.0.0.1
    port = %d
  }
}""" % ports["tls"]
    conf = write(os.path.join(folder, "dovecot.conf"), """
base_dir = %s/run
state_dir = %s/state
log_path = %s
protocols = imap pop3 lmtp sieve
ssl = yes
ssl_cert = <%s
ssl_key = <%s
mail_location = maildir:%s/mail
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=dovecot gid=dovecot home=%s
}
%s%s
""" % (folder, folder, logs["dovecot"], certificate, key, folder, folder, listen, off))
    daemon("dovecot", "dovecot", "-F", "-c", conf)
    return [(name, port, version("dovecot", "--version")) for name, port in ports.items()]


def vsftpd(certificate, key):
    port, folder = free_port(), home("vsftpd")
    empty = os.path.join(folder, "empty")
    os.makedirs(empty)
    conf = write(path("vsftpd.conf"), """listen=YES
listen_address=127.0.0.1
listen_port=%d
background=NO
ssl_enable=YES
rsa_cert_file=%s
rsa_private_key_file=%s
secure_chroot_dir=%s
xferlog_enable=YES
vsftpd_log_file=%s
seccomp_sandbox=NO
""" % (port, certificate, key, empty, path("vsftpd.log")))
    daemon("vsftpd", "vsftpd", conf)
    return [("ftp", port, version("dpkg-query", "-W", "vsftpd"))]


def slapd(certificate, key):
    port, folder = free_port(), home("slapd")
    conf = write(os.path.join(folder, "slapd.conf"), """include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %s/pid
TLSCertificateFile %s
TLSCertificateKeyFile %s
database mdb
suffix "dc=example,dc=test"
directory %s
""" % (folder, certificate, key, folder))
    daemon("slapd", "slapd", "-h", "ldap://127.0.0.1:%d" % port, "-f", conf, "-d", "stats")
    return [("ldap", port, version("slapd", "-VV"))]


def postgres(certificate, key):
    port, folder = free_port(), home("postgres", "postgres")
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    data = os.path.join(folder, "data")
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    run(*as_postgres, os.path.join(programs, "initdb"), "-D", data, "-A", "trust", "--no-sync", "--no-instructions", cwd="/")
    own(os.path.join(folder, "key"), key, "postgres")
    own(os.path.join(folder, "certificate"), certificate, "postgres")
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "ssl": "on", "fsync": "off",
                "ssl_cert_file": os.path.join(folder, "certificate"), "ssl_key_file": os.path.join(folder, "key")}
    words = [w for name, value in settings.items() for w in ("-c", "%s=%s" % (name, value))]
    daemon("postgres", *as_postgres, os.path.join(programs, "postgres"), "-D", data, *words, cwd="/")
    return [("postgres", port, version(os.path.join(programs, "postgres"), "--version"))]


def mariadb(certificate, key):
    port, folder = free_port(), home("mariadb")
    data = os.path.join(folder, "data")
    os.makedirs(data)
    logs["mariadb"] = os.path.join(folder, "log")
    daemon("mariadb", "mariadbd", "--no-defaults", "--user=root", "--datadir=" + data, "--socket=" + os.path.join(folder, "socket"),
           "--bind-address=127.0.0.1", "--port=%d" % port, "--pid-file=" + os.path.join(folder, "pid"), "--skip-grant-tables",
           "--skip-networking=0", "--ssl-cert=" + certificate, "--ssl-key=" + key, "--log-error=" + logs["mariadb"],
           "--innodb-buffer-pool-size=8M", "--innodb-log-file-size=4M", "--innodb-flush-log-at-trx-commit=0")
    return [("mysql", port, version("mariadbd", "--no-defaults", "--version").replace("-MariaDB", ""))]


def prosody(certificate, key):
    clients, servers, folder = free_port(), free_port(), home("prosody", "prosody")
    key = own(os.path.join(folder, "key"), key, "prosody")
    certificate = own(os.path.join(folder, "certificate"), certificate, "prosody")
    conf = write(os.path.join(folder, "prosody.cfg.lua"), """
pidfile = "%s/pid"
data_path = "%s"
interfaces = { "127.0.0.1" }
c2s_ports = { %d }
s2s_ports = { %d }
http_ports = { }
https_ports = { }
modules_enabled = { "tls", "saslauth", "dialback" }
modules_disabled = { "http" }
c2s_require_encryption = true
log = { { levels = { min = "info" }, to = "file", filename = "%s/log" } }
ssl = { certificate = "%s", key = "%s" }
VirtualHost "host.test"
    ssl = { certificate = "%s", key = "%s" }
""" % (folder, folder, clients, servers, folder, certificate, key, certificate, key))
    logs["prosody"] = os.path.join(folder, "log")
    daemon("prosody", "setpriv", "--reuid=prosody", "--regid=prosody", "--clear-groups", "prosody", "--config", conf, "-F", cwd="/")
    number = version("dpkg-query", "-W", "prosody")
    return [("xmpp", clients, number), ("xmpp-server", servers, number)]


def inspircd(certificate, key):
    port, folder = free_port(), home("inspircd")
    conf = write(os.path.join(folder, "inspircd.conf"), """
<server name="irc.test" description="test" network="Test">
<admin name="a" nick="a" email="a@example.test">
<bind address="127.0.0.1" port="%d" type="clients">
<connect allow="*" port="%d" resolvehostnames="no">
<path configdir="%s" datadir="%s" logdir="%s" moduledir="/usr/lib/inspircd/modules" runtimedir="%s">
<module name="ssl_gnutls">
<module name="starttls">
<sslprofile name="Clients" provider="gnutls" certfile="%s" keyfile="%s">
<starttls provider="Clients">
<pid file="%s/pid">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="%s/log">
""" % (port, port, folder, folder, folder, folder, certificate, key, folder, folder))
    logs["inspircd"] = os.path.join(folder, "log")
    daemon("inspircd", "inspircd", "--nofork", "--runasroot", "--config", conf)
    return [("irc", port, version("dpkg-query", "-W", "inspircd"))]


def xrdp(certificate, key):
    port, folder = free_port(), home("xrdp")
    conf = write(os.path.join(folder, "xrdp.ini"), """[Globals]
ini_version=1
fork=false
port=tcp://127.0.0.1:%d
security_layer=negotiate
certificate=%s
key_file=%s
ssl_protocols=TLSv1.2, TLSv1.3
[Logging]
LogFile=%s/log
LogLevel=INFO
EnableSyslog=false
[Channels]
[none]
name=none
lib=libvnc.so
""" % (port, certificate, key, folder))
    logs["xrdp"] = os.path.join(folder, "log")
    daemon("xrdp", "xrdp", "--nodaemon", "--config", conf)
    return [("rdp", port, version("dpkg-query", "-W", "xrdp"))]


def cups(certificate, key):
    port, folder = free_port(), home("cups")
    for name in ("ssl", "cache", "state", "spool", "tmp"):
        os.makedirs(os.path.join(folder, name))
    for source, ending in ((certificate, "crt"), (key, "key")):
        shutil.copy(source, os.path.join(folder, "ssl", "host.test." + ending))
    files = write(os.path.join(folder, "files.conf"), """SystemGroup root
ErrorLog %s/log
AccessLog %s/access
PageLog %s/page
CacheDir %s/cache
StateDir %s/state
RequestRoot %s/spool
TempDir %s/tmp
ServerRoot %s
ServerKeychain ssl
CreateSelfSignedCerts no
""" % ((folder,) * 8))
    conf = write(os.path.join(folder, "cupsd.conf"), """Listen 127.0.0.1:%d
ServerName host.test
ServerAlias *
DefaultEncryption IfRequested
Browsing No
<Location />
Order allow,deny
Allow localhost
</Location>
""" % port)
    logs["cups"] = os.path.join(folder, "log")
    daemon("cups", "cupsd", "-f", "-c", conf, "-s", files)
    return [("http-upgrade", port, version("dpkg-query", "-W", "cups-daemon"))]


def all_up(rows, seconds=20):
    """The ports that nothing listens at."""
    return [row for row in rows if not wait_port(row[1], seconds=seconds)]
