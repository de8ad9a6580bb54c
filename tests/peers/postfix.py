"""A real Postfix of the test's own: configuration, queue and mailboxes lie in the test's
folder, it listens on loopback only and delivers nowhere else. It needs root, as its
master does."""
import email
import email.policy
import os
import pwd
import time

from peer import WORK, check, free_port, path, run, start, stop, wait_port

DAEMONS = ("pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup", "qmgr unix n - n 300 1 qmgr",
           "tlsmgr unix - - n 1000? 1 tlsmgr", "rewrite unix - - n - - trivial-rewrite", "bounce unix - - n - 0 bounce",
           "defer unix - - n - 0 bounce", "trace unix - - n - 0 bounce", "proxymap unix - - n - - proxymap",
           "error unix - - n - - error", "retry unix - - n - - error", "discard unix - - n - - discard",
           "virtual unix - n n - - virtual", "anvil unix - - n - 1 anvil", "scache unix - - n - 1 scache",
           "postlog unix-dgram n - n - 1 postlogd")


class Postfix:
    """Takes mail for NAME@DOMAIN, for the names given; TLS where there is a certificate."""

    def __init__(self, names, domain="example.test", certificate=None, key=None, settings=()):
        self.domain, self.port = domain, free_port()
        self.home = path("postfix-%d" % self.port)
        self.boxes = os.path.join(self.home, "boxes")
        owner = pwd.getpwnam("postfix")
        for name in ("", "queue", "data", "boxes"):
            os.makedirs(os.path.join(self.home, name), exist_ok=True)
        for name in ("data", "boxes"):
            os.chown(os.path.join(self.home, name), owner.pw_uid, owner.pw_gid)
        os.chmod(WORK, 0o711)  # its processes are another user's
        boxes = " ".join("{ %s@%s = %s/ }" % (name, domain, name) for name in names)
        lines = ["compatibility_level = 3.6", "queue_directory = %s/queue" % self.home, "data_directory = %s/data" % self.home,
                 "daemon_directory = /usr/lib/postfix/sbin", "command_directory = /usr/sbin", "mail_owner = postfix",
                 "setgid_group = postdrop", "inet_interfaces = 127.0.0.1", "inet_protocols = ipv4", "myhostname = mx.%s" % domain,
                 "mydestination =", "mynetworks = 127.0.0.0/8", "alias_maps =", "default_transport = error:no other mail here",
                 "relay_transport = error:no other mail here", "virtual_transport = virtual",
                 "virtual_mailbox_domains = %s" % domain, "virtual_mailbox_base = %s" % self.boxes,
                 "virtual_mailbox_maps = inline:{ %s }" % boxes, "virtual_uid_maps = static:%d" % owner.pw_uid,
                 "virtual_gid_maps = static:%d" % owner.pw_gid, "virtual_minimum_uid = 1",
                 "maillog_file = %s/log" % self.home, "maillog_file_prefixes = %s" % self.home, *settings]
        if certificate:
            lines += ["smtpd_tls_security_level = may", "smtpd_tls_cert_file = " + certificate, "smtpd_tls_key_file = " + key]
        with open(os.path.join(self.home, "main.cf"), "w") as out:
            out.write("\n".join(lines) + "\n")
        with open(os.path.join(self.home, "master.cf"), "w") as out:
            out.write("127.0.0.1:%d inet n - n - - smtpd\n" % self.port + "\n".join(DAEMONS) + "\n")
        self.process = None

    def start(self):
        made = run("postfix", "-c", self.home, "check")
        self.process = start("postfix", "-c", self.home, "start-fg", stderr=open(os.path.join(self.home, "errors"), "a"))
        if made.returncode != 0 or not wait_port(self.port):
            raise RuntimeError("postfix does not start: %s%s%s" % (made.stderr, self.text("errors"), self.text("log")))

    def stop(self):
        run("postfix", "-c", self.home, "stop")
        stop(self.process)

    def text(self, name):
        try:
            with open(os.path.join(self.home, name), errors="replace") as log:
                return log.read()[-4000:]
        except OSError:
            return ""

    def mails(self, name, count=1, seconds=20):
        """What lies in the box, as soon as it is `count` mails or more: parsed, oldest first."""
        box = os.path.join(self.boxes, name, "new")
        end = time.monotonic() + seconds
        while (len(os.listdir(box)) if os.path.isdir(box) else 0) < count and time.monotonic() < end:
            time.sleep(0.05)
        found = sorted(os.listdir(box), key=lambda one: os.stat(os.path.join(box, one)).st_mtime_ns) if os.path.isdir(box) else []
        out = []
        for one in found:
            with open(os.path.join(box, one), "rb") as mail:
                out.append(email.message_from_binary_file(mail, policy=email.policy.default))
        return out
