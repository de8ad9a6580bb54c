/* What is said before the ClientHello: the table of protocols and its driver. See
 * dialogue.h; what each protocol says is in the files beside this one.
 *
 * A dialogue collects bytes until its row calls them a whole unit, hands the unit to the
 * row, and forgets it. The bytes are taken one by one, so that every cut of the stream
 * comes to the same; a dialogue has some hundred of them.
 */
#include "base/text.h"
#include "probe/dialogue_inner.h"

#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 2 * DIALOGUE_TOTAL_MAX, SHOWN_MIN = 2 };

/* ---- listening only ---- */

static enum dialogue_unit unit_byte(const struct dialogue *d) {
    (void)d;
    return UNIT_WHOLE;
}

static void listen_take(struct dialogue *d, struct bytes unit) {
    enum { TLS_HEADER = 5 }; /* so much lib/tls needs to say what else it is */
    bool is_certain;
    (void)unit;
    (void)dialogue_shown(dialogue_heard(d), &is_certain);
    if (is_certain && d->heard >= TLS_HEADER)
        dialogue_bad(d, "", (struct bytes){0});
}

/* ---- the table ---- */

/* clang-format off */
static const struct dialogue_row rows[MODEL_PROTOCOL_COUNT] = {
    [MODEL_PROTOCOL_NONE] = {unit_byte,              NULL,                    listen_take,            NULL,               NULL,         false},
    [MODEL_SMTP]          = {dialogue_unit_line,     NULL,                    dialogue_smtp_take,     "QUIT\r\n",         NULL,         false},
    [MODEL_LMTP]          = {dialogue_unit_line,     NULL,                    dialogue_smtp_take,     "QUIT\r\n",         NULL,         false},
    [MODEL_IMAP]          = {dialogue_unit_line,     NULL,                    dialogue_imap_take,     "a2 LOGOUT\r\n",    NULL,         false},
    [MODEL_POP3]          = {dialogue_unit_line,     NULL,                    dialogue_pop3_take,     "QUIT\r\n",         NULL,         false},
    [MODEL_SIEVE]         = {dialogue_unit_line,     NULL,                    dialogue_sieve_take,    "LOGOUT\r\n",       NULL,         false},
    [MODEL_FTP]           = {dialogue_unit_line,     NULL,                    dialogue_ftp_take,      "QUIT\r\n",         NULL,         false},
    [MODEL_LDAP]          = {dialogue_unit_ldap,     dialogue_ldap_begin,     dialogue_ldap_take,     NULL,               NULL,         false},
    [MODEL_XMPP]          = {dialogue_unit_tag,      dialogue_xmpp_begin,     dialogue_xmpp_take,     "</stream:stream>", NULL,         false},
    [MODEL_XMPP_SERVER]   = {dialogue_unit_tag,      dialogue_xmpp_begin,     dialogue_xmpp_take,     "</stream:stream>", NULL,         false},
    [MODEL_NNTP]          = {dialogue_unit_line,     NULL,                    dialogue_nntp_take,     "QUIT\r\n",         NULL,         false},
    [MODEL_IRC]           = {dialogue_unit_line,     dialogue_irc_begin,      dialogue_irc_take,      "QUIT\r\n",         NULL,         false},
    [MODEL_POSTGRES]      = {dialogue_unit_postgres, dialogue_postgres_begin, dialogue_postgres_take, NULL,               "postgresql", false},
    [MODEL_MYSQL]         = {dialogue_unit_mysql,    NULL,                    dialogue_mysql_take,    NULL,               NULL,         false},
    [MODEL_TELNET]        = {dialogue_unit_telnet,   dialogue_telnet_begin,   dialogue_telnet_take,   NULL,               NULL,         false},
    [MODEL_MSSQL]         = {dialogue_unit_tds,      dialogue_tds_begin,      dialogue_tds_take,      NULL,               "tds/8.0",    true },
    [MODEL_RDP]           = {dialogue_unit_rdp,      dialogue_rdp_begin,      dialogue_rdp_take,      NULL,               NULL,         false},
    [MODEL_HTTP_UPGRADE]  = {dialogue_unit_line,     dialogue_http_begin,     dialogue_http_take,     NULL,               NULL,         false},
};
/* clang-format on */

bool dialogue_begins(enum model_protocol p) {
    return rows[p].begin != NULL;
}

const char *dialogue_direct_alpn(enum model_protocol p) {
    return rows[p].direct_alpn;
}

/* ---- for the rows ---- */

void dialogue_say(struct dialogue *d, const char *text) {
    buf_text(&d->out, text);
}

void dialogue_go(struct dialogue *d, unsigned step, const char *text) {
    d->step = step;
    dialogue_say(d, text);
}

static void put_detail(struct dialogue *d, const char *what, struct bytes reply) {
    reply = bytes_trim(bytes_part(reply, 0, DIALOGUE_REPLY_SHOWN));
    buf_reset(&d->detail);
    buf_printf(&d->detail, "%s%s", what, what[0] && reply.n > 0 ? ": " : "");
    text_escape(&d->detail, reply);
    (void)buf_cstr(&d->detail);
}

void dialogue_done(struct dialogue *d) {
    d->want = DIALOGUE_DONE;
}

void dialogue_refused(struct dialogue *d, const char *what, struct bytes reply) {
    d->want = DIALOGUE_NOT_OFFERED;
    put_detail(d, what, reply);
    if (d->row->goodbye)
        dialogue_say(d, d->row->goodbye);
}

void dialogue_bad(struct dialogue *d, const char *what, struct bytes reply) {
    d->want = DIALOGUE_BAD;
    put_detail(d, what, reply);
}

/* ---- driver ---- */

struct dialogue *dialogue_open(const struct dialogue_ask *ask) {
    struct dialogue *d = calloc(1, sizeof *d + ask->host.n + ask->self.n);
    if (!d)
        return NULL;
    d->protocol = ask->protocol;
    d->row = &rows[ask->protocol];
    if (ask->host.n > 0)
        memcpy(d->text, ask->host.p, ask->host.n);
    if (ask->self.n > 0)
        memcpy(d->text + ask->host.n, ask->self.p, ask->self.n);
    d->host = bytes_of(d->text, ask->host.n);
    d->self = bytes_of(d->text + ask->host.n, ask->self.n);
    buf_init(&d->in, DIALOGUE_UNIT_MAX);
    buf_init(&d->out, OUT_MAX); /* no answer is longer than its question */
    buf_init(&d->detail, 1024);
    if (d->row->begin)
        d->row->begin(d);
    if (d->out.err) {
        dialogue_close(d);
        return NULL;
    }
    return d;
}

void dialogue_close(struct dialogue *d) {
    if (!d)
        return;
    buf_clear(&d->in);
    buf_clear(&d->out);
    buf_clear(&d->detail);
    free(d);
}

static void end_by_limit(struct dialogue *d, const char *what) {
    d->want = DIALOGUE_LIMIT;
    put_detail(d, what, (struct bytes){0});
}

static void take_unit(struct dialogue *d) {
    enum dialogue_unit kind = d->row->unit(d);
    if (kind == UNIT_PART && d->in.n < DIALOGUE_UNIT_MAX)
        return;
    if (kind == UNIT_PART)
        end_by_limit(d, "a line or message without end");
    else if (kind == UNIT_BAD && d->heard < SHOWN_MIN)
        return; /* one byte more, for dialogue_shown */
    else if (kind == UNIT_BAD)
        dialogue_bad(d, "no such protocol there", buf_bytes(&d->in));
    else if (kind == UNIT_WHOLE && ++d->units > DIALOGUE_UNITS_MAX)
        end_by_limit(d, "more lines or messages than we listen to");
    else if (kind == UNIT_WHOLE)
        d->row->take(d, buf_bytes(&d->in));
    buf_reset(&d->in);
}

static void take_byte(struct dialogue *d, uint8_t byte) {
    if (d->heard < DIALOGUE_HEARD_MAX)
        d->first[d->heard] = byte;
    d->heard++;
    buf_u8(&d->in, byte);
    if (d->in.err)
        d->want = DIALOGUE_LOCAL;
    else if (d->heard > DIALOGUE_TOTAL_MAX)
        end_by_limit(d, "a dialogue without end");
    else
        take_unit(d);
    if (d->out.err)
        d->want = DIALOGUE_LOCAL;
}

enum dialogue_want dialogue_feed(struct dialogue *d, struct bytes in) {
    struct cur c = cur_open(in);
    while (d->want == DIALOGUE_MORE && c.rest.n > 0) {
        take_byte(d, cur_u8(&c));
        /* The dialogue travels in clear: somebody on the way may have added them. */
        if (d->want == DIALOGUE_DONE && c.rest.n > 0)
            put_detail(d, "bytes in clear behind the last reply were dropped", (struct bytes){0});
    }
    return d->want;
}

struct bytes dialogue_output(const struct dialogue *d) {
    return buf_bytes(&d->out);
}

void dialogue_sent(struct dialogue *d) {
    buf_reset(&d->out);
}

enum model_protocol dialogue_protocol(const struct dialogue *d) {
    return d->protocol;
}

const char *dialogue_detail(const struct dialogue *d) {
    return d->detail.n > 0 ? (const char *)d->detail.p : "";
}

struct bytes dialogue_heard(const struct dialogue *d) {
    return bytes_of(d->first, d->heard < DIALOGUE_HEARD_MAX ? d->heard : DIALOGUE_HEARD_MAX);
}

/* ---- behind the dialogue ---- */

void dialogue_wrap(const struct dialogue *d, struct bytes plain, struct buf *out) {
    if (d->row->is_wrapped)
        dialogue_tds_wrap(plain, out);
    else
        buf_put(out, plain);
}

bool dialogue_unwrap(struct dialogue *d, struct bytes *in, struct bytes *plain) {
    if (d->row->is_wrapped)
        return dialogue_tds_unwrap(d, in, plain);
    *plain = *in;
    *in = (struct bytes){0};
    return true;
}
