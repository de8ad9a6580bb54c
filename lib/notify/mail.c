/* A mail as text. See mail.h. */
#include "notify/mail.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

enum {
    SUBJECT_MAX = 4096,
    WORD_MAX =
        39, /* bytes of an encoded word: 52 digits of base64, 12 around them, and "Subject: " */
    ADDRESS_MAX = 320,
};

void notify_date_put(struct buf *out, int64_t unix_s) {
    static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct civil t = clock_to_civil(unix_s);
    int64_t day = (unix_s - (((unix_s % 86400) + 86400) % 86400)) / 86400; /* 0: a Thursday */
    buf_printf(out, "%s, %02u %s %04lld %02u:%02u:%02u +0000", days[((day % 7) + 7) % 7], t.day,
               months[t.month - 1], (long long)t.year, t.hour, t.minute, t.second);
}

/* ---- RFC 2047 ---- */

static bool is_plain(struct bytes text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] > 0x7e)
            return false;
    return bytes_find(text, bytes_text("=?")) == SIZE_MAX;
}

/* As many whole characters as fit into one encoded word; at least one. */
static struct bytes take_word(struct cur *c) {
    struct bytes from = c->rest;
    size_t n = 0;
    while (c->rest.n > 0) {
        struct cur next = *c;
        utf8_take(&next);
        size_t end = from.n - next.rest.n;
        if (end > WORD_MAX && n > 0)
            break;
        *c = next;
        n = end;
    }
    return bytes_part(from, 0, n);
}

void notify_header_put(struct buf *out, const char *name, struct bytes text) {
    struct buf safe;
    buf_init(&safe, 4 * SUBJECT_MAX);
    text_escape(&safe, bytes_part(text, 0, SUBJECT_MAX));
    struct bytes line = buf_bytes(&safe);
    buf_printf(out, "%s:", name);
    if (is_plain(line) && line.n + strlen(name) + 2 <= NOTIFY_LINE_MAX) {
        buf_u8(out, ' ');
        buf_put(out, line);
    } else {
        struct cur c = cur_open(line);
        for (bool is_first = true; c.rest.n > 0; is_first = false) {
            buf_text(out, is_first ? " =?utf-8?B?" : "\r\n =?utf-8?B?");
            base64_put(out, take_word(&c));
            buf_text(out, "?=");
        }
    }
    buf_text(out, "\r\n");
    buf_clear(&safe);
}

/* ---- RFC 2045, 6.7 ---- */

static bool is_literal(struct bytes line, size_t i) {
    uint8_t c = line.p[i];
    if (c == ' ' || c == '\t')
        return i + 1 < line.n; /* at the end it would get lost */
    return c > ' ' && c < 0x7f && c != '=';
}

static void put_line(struct buf *out, struct bytes line) {
    size_t column = 0;
    for (size_t i = 0; i < line.n; i++) {
        bool literal = is_literal(line, i);
        size_t width = literal ? 1 : 3;
        if (column + width > NOTIFY_LINE_MAX - 1) { /* one is for the sign itself */
            buf_text(out, "=\r\n");
            column = 0;
        }
        if (literal)
            buf_u8(out, line.p[i]);
        else
            buf_printf(out, "=%02X", line.p[i]);
        column += width;
    }
    buf_text(out, "\r\n");
}

void notify_quoted_put(struct buf *out, struct bytes text) {
    struct cur c = cur_open(text);
    while (c.rest.n > 0)
        put_line(out, cur_until(&c, '\n'));
}

/* ---- the whole ---- */

static bool is_bare(const char *address) {
    size_t n = strlen(address);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)address[i];
        if (c <= ' ' || c > 0x7e || strchr("<>(),;:\\\"", c))
            return false;
    }
    return n > 2 && n <= ADDRESS_MAX && strchr(address, '@');
}

static enum err check(const struct notify_mail *m, struct fault *f) {
    if (!is_bare(m->from))
        return fault_set(f, ERR_USAGE, "From", "'%s' is no address", m->from);
    if (!is_bare(m->id))
        return fault_set(f, ERR_USAGE, "Message-ID", "'%s' is none", m->id);
    for (size_t i = 0; i < m->to_n; i++)
        if (!is_bare(m->to[i]))
            return fault_set(f, ERR_USAGE, "To", "'%s' is no address", m->to[i]);
    return m->to_n > 0 ? ERR_OK : fault_set(f, ERR_USAGE, "To", "nobody");
}

enum err notify_mail_write(struct buf *out, const struct notify_mail *m, struct fault *f) {
    enum err code = check(m, f);
    if (code != ERR_OK)
        return code;
    buf_text(out, "Date: ");
    notify_date_put(out, m->date_s);
    buf_printf(out, "\r\nFrom: %s\r\nTo: ", m->from);
    for (size_t i = 0; i < m->to_n; i++)
        buf_printf(out, "%s%s", i > 0 ? ",\r\n " : "", m->to[i]);
    buf_text(out, "\r\n");
    notify_header_put(out, "Subject", m->subject);
    buf_printf(out,
               "Message-ID: <%s>\r\n"
               "Auto-Submitted: auto-generated\r\n"
               "MIME-Version: 1.0\r\n"
               "Content-Type: text/plain; charset=utf-8\r\n"
               "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
               m->id);
    notify_quoted_put(out, m->body);
    return out->err == ERR_OK ? ERR_OK : fault_set(f, out->err, "mail", "%zu bytes", out->n);
}
