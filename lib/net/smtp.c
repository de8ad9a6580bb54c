/* The mail client. See smtp.h.
 *
 * The dialogue itself is libcurl's. We listen to its lines, so that a refusal can be
 * told with the command that was refused and the server's words. Of AUTH only the word
 * is kept, never what follows it.
 */
#include "net/smtp.h"

#include "base/ip.h"
#include "base/text.h"
#include "net/easy.h"

#include <inttypes.h>
#include <string.h>

enum { TIMEOUT_MAX_MS = 60 * 60 * 1000, SAID_MAX = 100, HEARD_MAX = 160, LOCAL_MAX = 64 };

struct smtp {
    struct easy easy; /* first: its listener finds the rest */
    const struct net_smtp_server *server;
    struct bytes host, rest;   /* of the URL; of the message */
    char said[SAID_MAX + 1];   /* the last command, "" before the first */
    char heard[HEARD_MAX + 1]; /* the last line of an answer */
    bool is_over;              /* QUIT was sent: what comes now changes nothing */
};

/* ---- addresses and URLs ---- */

bool net_smtp_url_read(struct bytes url, bool *tls, struct bytes *host, uint16_t *port) {
    uint16_t starttls = 25, at_once = 465;
    *tls = easy_url_read(url, "smtps", host, &at_once);
    if (!*tls && !easy_url_read(url, "smtp", host, &starttls))
        return false;
    *port = *tls ? at_once : starttls;
    return true;
}

bool net_smtp_is_loopback(struct bytes host) {
    struct ip ip;
    struct ip_range v4, v6;
    if (bytes_is_nocase(host, "localhost"))
        return true;
    return ip_read(host, &ip) && ip_range_read(bytes_text("127.0.0.0/8"), &v4) &&
           ip_range_read(bytes_text("::1"), &v6) &&
           (ip_range_has(&v4, &ip) || ip_range_has(&v6, &ip));
}

/* Words of `extra` and letters and digits, one dot between them. */
static bool is_dot_atom(struct bytes text, const char *extra) {
    bool in_word = false;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        bool is_dot = c == '.';
        if (is_dot ? !in_word : !ascii_is_alnum(c) && (c == 0 || !strchr(extra, c)))
            return false;
        in_word = !is_dot;
    }
    return in_word;
}

static bool is_domain(struct bytes text) {
    struct ip ip;
    static const char v6[] = "[IPv6:";
    if (text.n < 2 || text.p[0] != '[')
        return is_dot_atom(text, "-");
    if (text.p[text.n - 1] != ']')
        return false;
    size_t from = bytes_starts(text, v6) ? strlen(v6) : 1;
    return ip_read(bytes_part(text, from, text.n - from - 1), &ip) && (ip.size == 16) == (from > 1);
}

bool net_smtp_is_address(struct bytes text) {
    size_t at = bytes_find(text, bytes_text("@"));
    if (at == SIZE_MAX || at > LOCAL_MAX || text.n > NET_SMTP_ADDRESS_MAX)
        return false;
    return is_dot_atom(bytes_part(text, 0, at), "!#$%&'*+-/=?^_`{|}~") &&
           is_domain(bytes_part(text, at + 1, SIZE_MAX));
}

/* ---- the dialogue ---- */

static void keep(char *out, size_t max, struct bytes line) {
    struct buf safe;
    buf_init(&safe, 4096);
    text_escape(&safe, bytes_part(bytes_trim(line), 0, max));
    struct bytes text = bytes_part(buf_bytes(&safe), 0, max);
    memcpy(out, text.p ? (const void *)text.p : "", text.n);
    out[text.n] = '\0';
    buf_clear(&safe);
}

static bool is_command(struct bytes line, const char *verb) {
    size_t n = strlen(verb);
    return bytes_starts(line, verb) && line.n > n && (line.p[n] == ' ' || line.p[n] == '\r');
}

static void on_line(struct easy *e, bool sent, struct bytes line) {
    static const char *const verbs[] = {"EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"};
    struct smtp *s = (struct smtp *)e;
    s->is_over |= sent && is_command(line, "QUIT");
    if (s->is_over)
        return;
    if (!sent) {
        keep(s->heard, HEARD_MAX, line);
        return;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (is_command(line, verbs[i])) {
            bool is_envelope = line.p[0] == 'M' || line.p[0] == 'R';
            keep(s->said, SAID_MAX, is_envelope ? line : bytes_text(verbs[i]));
        }
    }
}

static size_t on_read(char *out, size_t size, size_t n, void *s_pointer) {
    struct smtp *s = s_pointer;
    struct bytes piece = bytes_part(s->rest, 0, size * n);
    memcpy(out, piece.p, piece.n);
    s->rest = bytes_part(s->rest, piece.n, SIZE_MAX);
    return piece.n;
}

static enum err tell_refusal(const struct smtp *s, enum err code, struct fault *f) {
    const char *host = s->easy.host;
    if (!s->heard[0])
        return fault_set(f, code, "mail server", "%s refused the connection", host);
    return fault_set(f, code, "mail server", "%s refused %s: %s", host, s->said[0] ? s->said : "us",
                     s->heard);
}

static enum err tell(const struct smtp *s, CURLcode code, struct fault *f) {
    const char *host = s->easy.host;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return fault_set(f, ERR_TIMEOUT, "mail server",
                         "%s did not answer%s%s within %" PRIu64 " s", host, s->said[0] ? " " : "",
                         s->said, s->server->timeout_ms / 1000);
    case CURLE_USE_SSL_FAILED:
        if (strcmp(s->said, "STARTTLS") == 0)
            return tell_refusal(s, ERR_TLS, f);
        return fault_set(f, ERR_TLS, "mail server", "%s offers no STARTTLS", host);
    case CURLE_LOGIN_DENIED:
        return tell_refusal(s, ERR_CREDENTIALS, f);
    case CURLE_SEND_ERROR:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_REMOTE_ACCESS_DENIED:
        return tell_refusal(s, ERR_FAILED, f);
    default:
        return easy_fault(&s->easy, code, "mail server", s->server->url, f);
    }
}

/* ---- sending ---- */

/* SCHEME://host:port/hello: curl takes the name for EHLO from the path. */
static void put_url(const struct smtp *s, bool tls, uint16_t port, struct buf *out) {
    bool is_v6 = strchr(s->easy.host, ':') != NULL;
    struct bytes hello = bytes_text(s->server->hello ? s->server->hello : "localhost");
    buf_printf(out, "%s://%s%s%s:%u/", tls ? "smtps" : "smtp", is_v6 ? "[" : "", s->easy.host,
               is_v6 ? "]" : "", port);
    for (size_t i = 0; i < hello.n; i++) {
        uint8_t c = hello.p[i];
        if (ascii_is_alnum(c) || c == '.' || c == '-')
            buf_u8(out, c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static struct curl_slist *recipients(const struct net_smtp_mail *mail) {
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < mail->to_n; i++) {
        struct curl_slist *more = curl_slist_append(list, mail->to[i]);
        if (!more) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = more;
    }
    return list;
}

static enum err check(const struct net_smtp_server *server, const struct net_smtp_mail *mail,
                      bool tls, struct bytes host, struct fault *f) {
    bool good = mail->to_n > 0 && mail->to_n <= NET_SMTP_TO_MAX;
    if (!net_smtp_is_address(bytes_text(mail->from)))
        return fault_set(f, ERR_USAGE, "sender", "'%s' is no address", mail->from);
    if (!good)
        return fault_set(f, ERR_USAGE, "recipients", "1 to %d", NET_SMTP_TO_MAX);
    for (size_t i = 0; i < mail->to_n; i++) {
        if (!net_smtp_is_address(bytes_text(mail->to[i])))
            return fault_set(f, ERR_USAGE, "recipient", "'%s' is no address", mail->to[i]);
    }
    if (mail->message.n == 0 || mail->message.n > NET_SMTP_MESSAGE_MAX)
        return fault_set(f, ERR_LIMIT, "mail", "%zu bytes", mail->message.n);
    if (!server->user != !server->password)
        return fault_set(f, ERR_USAGE, "mail server", "user and password go together");
    if (server->user && !tls && server->plain && !net_smtp_is_loopback(host))
        return fault_set(f, ERR_USAGE, "mail server",
                         "the password is not sent without TLS: STARTTLS or smtps://");
    return ERR_OK;
}

static void set_up(struct smtp *s, const struct net_smtp_mail *mail, bool tls, const char *url,
                   struct curl_slist *to) {
    CURL *c = s->easy.curl;
    const struct net_smtp_server *server = s->server;
    uint64_t ms = server->timeout_ms < TIMEOUT_MAX_MS ? server->timeout_ms : TIMEOUT_MAX_MS;
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_USE_SSL,
                     (long)(tls || !server->plain ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    curl_easy_setopt(c, CURLOPT_USERNAME, server->user);
    curl_easy_setopt(c, CURLOPT_PASSWORD, server->password);
    curl_easy_setopt(c, CURLOPT_MAIL_FROM, mail->from);
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)mail->message.n);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(c, CURLOPT_READDATA, s);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)ms);
    /* For the answer to QUIT, which the limit above does not cover; whole seconds. */
    curl_easy_setopt(c, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)((ms + 999) / 1000));
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L); /* QUIT at once, while we still listen */
}

enum err net_smtp_send(const struct env *env, const struct net_smtp_server *server,
                       const struct net_smtp_mail *mail, struct fault *f) {
    struct smtp s = {.server = server, .rest = mail->message};
    uint16_t port;
    bool tls;
    if (!net_smtp_url_read(bytes_text(server->url), &tls, &s.host, &port))
        return fault_set(f, ERR_USAGE, "mail server", "%s is not smtp://HOST[:PORT] or smtps://",
                         server->url);
    enum err err = check(server, mail, tls, s.host, f);
    if (!err)
        err = easy_open(&s.easy, env, s.host, server->anchors, tls ? "smtps" : "smtp", f);
    if (err)
        return err;
    struct buf url;
    buf_init(&url, 2048);
    put_url(&s, tls, port, &url);
    struct curl_slist *to = recipients(mail);
    if (url.err || !to) {
        err = fault_set(f, url.err ? url.err : ERR_MEMORY, "mail", "%s", server->url);
    } else {
        s.easy.line = on_line;
        set_up(&s, mail, tls, buf_cstr(&url), to);
        CURLcode code = easy_perform(&s.easy);
        err = code ? tell(&s, code, f) : ERR_OK;
    }
    easy_close(&s.easy);
    curl_slist_free_all(to);
    buf_clear(&url);
    return err;
}
