/* Mail as server.conf says: to whom, by which server, trusted how. See digest.h. */
#include "applets/clm-server/digest.h"

#include "base/file.h"
#include "base/os.h"
#include "net/http.h"

#include <string.h>

enum { PASSWORD_MAX = 1024 };

static const char default_url[] = "smtp://localhost";

bool mail_is_set(const struct settings *s) {
    return s->mail_to && s->mail_to[0];
}

/* ---- the keys ---- */

static enum err read_recipients(struct arena *a, const char *text, struct mail_way *out,
                                struct fault *f) {
    struct cur c = cur_open(bytes_text(text));
    while (c.rest.n > 0) {
        struct bytes word = bytes_trim(cur_until(&c, ','));
        if (word.n == 0)
            continue;
        if (out->to_n == NET_SMTP_TO_MAX)
            return fault_set(f, ERR_USAGE, "mail_to", "at most %d addresses", NET_SMTP_TO_MAX);
        const char *address = arena_cstr(a, word);
        if (!address)
            return fault_set(f, ERR_MEMORY, "mail_to", "%s", text);
        if (!net_smtp_is_address(word))
            return fault_set(f, ERR_USAGE, "mail_to", "'%s' is no address like ops@example.com",
                             address);
        out->to[out->to_n++] = address;
    }
    return out->to_n > 0 ? ERR_OK : fault_set(f, ERR_USAGE, "mail_to", "no address");
}

/* An address as RFC 5321, 4.1.3 has it: "[192.0.2.1]", "[IPv6:2001:db8::1]". */
static const char *domain_of(struct arena *a, const char *name) {
    struct ip ip;
    struct buf out;
    buf_init(&out, 512);
    if (!ip_read(bytes_text(name), &ip))
        buf_text(&out, name);
    else
        buf_printf(&out, "[%s%s]", ip.size == 16 ? "IPv6:" : "", name);
    const char *domain = arena_cstr(a, buf_bytes(&out));
    buf_clear(&out);
    return domain;
}

static enum err read_sender(struct arena *a, const struct settings *s, struct mail_way *out,
                            struct fault *f) {
    struct buf text;
    out->domain = domain_of(a, s->names[0]);
    out->from = s->mail_from;
    if (!out->from && out->domain) {
        buf_init(&text, 512);
        buf_printf(&text, "clm@%s", out->domain);
        out->from = arena_cstr(a, buf_bytes(&text));
        buf_clear(&text);
    }
    if (!out->from)
        return fault_set(f, ERR_MEMORY, "mail_from", "%s", s->names[0]);
    if (!net_smtp_is_address(bytes_text(out->from)))
        return fault_set(f, ERR_USAGE, "mail_from", "'%s' is no address like clm@example.com",
                         out->from);
    return ERR_OK;
}

/* On this host nobody listens in, and its mail server's certificate is seldom one that
 * could be checked: there STARTTLS is for those who ask for it. */
static bool is_plain(const struct settings *s, struct bytes host) {
    if (s->smtp_tls)
        return strcmp(s->smtp_tls, "none") == 0;
    return net_smtp_is_loopback(host) && !s->smtp_ca;
}

static enum err read_server(const struct settings *s, struct mail_way *out, struct fault *f) {
    struct bytes host;
    uint16_t port;
    bool tls;
    const char *url = s->smtp_url ? s->smtp_url : default_url;
    if (!net_smtp_url_read(bytes_text(url), &tls, &host, &port))
        return fault_set(f, ERR_USAGE, "smtp_url", "'%s' is not smtp://HOST[:PORT] or smtps://",
                         url);
    if (s->smtp_tls && strcmp(s->smtp_tls, "none") != 0 && strcmp(s->smtp_tls, "required") != 0)
        return fault_set(f, ERR_USAGE, "smtp_tls", "required or none, not '%s'", s->smtp_tls);
    if (!s->smtp_user != !s->smtp_password_file)
        return fault_set(f, ERR_USAGE, s->smtp_user ? "smtp_password_file" : "smtp_user",
                         "smtp_user and smtp_password_file go together");
    bool plain = !tls && is_plain(s, host);
    if (plain && s->smtp_user && !net_smtp_is_loopback(host))
        return fault_set(f, ERR_USAGE, "smtp_tls", "none: a password is not sent to %s without TLS",
                         url);
    out->server = (struct net_smtp_server){.url = url, .plain = plain, .user = s->smtp_user};
    out->server.hello = out->domain;
    out->password_file = s->smtp_password_file;
    out->ca = s->smtp_ca;
    return ERR_OK;
}

enum err mail_way_read(struct arena *a, const struct settings *s, struct mail_way *out,
                       struct fault *f) {
    *out = (struct mail_way){0};
    if (!mail_is_set(s))
        return fault_set(f, ERR_USAGE, "mail_to", "is not set in %s", s->file);
    enum err code = read_recipients(a, s->mail_to, out, f);
    if (code == ERR_OK)
        code = read_sender(a, s, out, f);
    return code == ERR_OK ? read_server(s, out, f) : code;
}

/* ---- sending ---- */

static enum err read_roots(struct arena *a, const char *ca, struct x509_trust *out,
                           struct fault *f) {
    enum err code = net_roots_read(a, ca, out, f);
    if (code == ERR_NOT_FOUND && !ca)
        code = fault_set(f, code, "smtp_ca", "this system has no roots: name a file of them");
    return code;
}

static enum err send_written(const struct env *env, const struct mail_way *way,
                             struct bytes message, uint64_t timeout_ms, struct buf *password,
                             struct arena *roots, struct fault *f) {
    struct net_smtp_server server = way->server;
    struct x509_trust trust = {0};
    enum err code = ERR_OK;
    if (way->password_file)
        code = settings_secret("smtp_password_file", way->password_file, password, f);
    if (code == ERR_OK && !server.plain)
        code = read_roots(roots, way->ca, &trust, f);
    if (code != ERR_OK)
        return code;
    struct net_smtp_mail mail = {way->from, way->to, way->to_n, message};
    server.anchors = &trust;
    server.password = way->password_file ? buf_cstr(password) : NULL;
    server.timeout_ms = timeout_ms;
    return net_smtp_send(env, &server, &mail, f);
}

enum err mail_send(const struct env *env, const struct mail_way *way, const struct notify_mail *m,
                   uint64_t timeout_ms, struct fault *f) {
    struct arena roots;
    struct buf message, password;
    struct notify_mail whole = *m;
    whole.from = way->from;
    whole.to = way->to;
    whole.to_n = way->to_n;
    arena_init(&roots, NET_ROOTS_MAX);
    buf_init(&message, NET_SMTP_MESSAGE_MAX);
    crypto_buf_init(&password, PASSWORD_MAX);
    enum err code = notify_mail_write(&message, &whole, f);
    if (code == ERR_OK)
        code = send_written(env, way, buf_bytes(&message), timeout_ms, &password, &roots, f);
    buf_clear(&password);
    buf_clear(&message);
    arena_clear(&roots);
    return code;
}
