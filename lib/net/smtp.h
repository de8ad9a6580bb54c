/* One mail to one server by SMTP (RFC 5321), on libcurl and BearSSL.
 *
 *   smtps://host[:465]   TLS from the first byte (RFC 8314)
 *   smtp://host[:25]     STARTTLS (RFC 3207), which the server must offer; or `plain`
 *
 * TLS is 1.2: a server that speaks nothing else is answered with an error that says so.
 * Blocking, one connection a mail; any thread, one call at a time each. No proxy.
 */
#ifndef NET_SMTP_H
#define NET_SMTP_H

#include "base/env.h"
#include "x509/x509.h"

enum {
    NET_SMTP_TO_MAX = 32,
    NET_SMTP_ADDRESS_MAX = 254, /* RFC 5321, 4.5.3.1.3, without the angle brackets */
    NET_SMTP_MESSAGE_MAX = 4 << 20,
};

struct net_smtp_server {
    const char *url;
    bool plain;                       /* smtp:// alone: no TLS at all */
    const struct x509_trust *anchors; /* who its chain must end at; NULL where plain */
    const char *user, *password; /* NULL: no log-in. Never over a plain way that leaves this host */
    const char *hello;           /* what we call ourselves: a full name, or "[192.0.2.1]" */
    uint64_t timeout_ms;         /* for all of it, at most an hour. A server that has taken the
                                    mail and does not answer QUIT may take as long again */
};

struct net_smtp_mail {
    const char *from;      /* addresses as net_smtp_is_address takes them */
    const char *const *to; /* the mail goes to all of them or to none */
    size_t to_n;
    struct bytes message; /* RFC 5322, lines end in CRLF; dots are doubled here */
};

/* Borrows everything. ERR_OK: the server has taken it. ERR_USAGE: the URL, an address, a
 * log-in without TLS. ERR_TLS: it is not who it should be, offers no TLS, or none that
 * we know. ERR_CREDENTIALS. ERR_FAILED: refused, f->detail has the command and the
 * server's words. ERR_TIMEOUT, ERR_NETWORK, ERR_INTERRUPTED (env's stop flag). */
enum err net_smtp_send(const struct env *env, const struct net_smtp_server *server,
                       const struct net_smtp_mail *mail, struct fault *f) MUST_CHECK;

/* Takes the URL apart: host without brackets, *tls for smtps. False where it is none. */
bool net_smtp_url_read(struct bytes url, bool *tls, struct bytes *host, uint16_t *port);
/* localhost, 127.0.0.0/8, ::1: what is said does not leave this host. */
bool net_smtp_is_loopback(struct bytes host);
/* local@domain: a dot-atom of ASCII (RFC 5321, 4.1.2) before a name or an address in
 * brackets. No quoted local parts, no UTF-8 (RFC 6531), nothing that could end a line. */
bool net_smtp_is_address(struct bytes text);

#endif
