/* Protocols that speak in lines: SMTP, LMTP, IMAP, POP3, ManageSieve, FTP, NNTP, IRC and
 * the upgrade of HTTP. See dialogue.h. In all of them step 0 waits for the greeting (IRC,
 * HTTP: for the answer to what we said first), and the last step for the answer to
 * STARTTLS. Lines end in LF, with or without a CR.
 */
#include "base/text.h"
#include "probe/dialogue_inner.h"

#include <string.h>

enum dialogue_unit dialogue_unit_line(const struct dialogue *d) {
    return d->in.p[d->in.n - 1] == '\n' ? UNIT_WHOLE : UNIT_PART;
}

static bool starts_nocase(struct bytes line, const char *word) {
    return bytes_is_nocase(bytes_part(line, 0, strlen(word)), word);
}

/* ---- replies with a number: SMTP, LMTP, FTP, NNTP ---- */

struct reply {
    unsigned code; /* 0: no such reply */
    bool is_last;  /* of its lines */
    struct bytes text;
};

/* "250-more to come", "250 the last", "250" (RFC 5321, 4.2; RFC 959, 4.2; RFC 3977, 3.2). */
static struct reply reply_of(struct bytes line) {
    struct reply r = {.is_last = true};
    uint64_t code = 0;
    line = bytes_trim(line);
    struct bytes rest = bytes_part(line, 3, SIZE_MAX);
    bool is_reply = line.n >= 3 && number_read(bytes_part(line, 0, 3), 999, &code) &&
                    (rest.n == 0 || rest.p[0] == ' ' || rest.p[0] == '-');
    if (!is_reply)
        return r;
    r.code = (unsigned)code;
    r.is_last = rest.n == 0 || rest.p[0] == ' ';
    r.text = bytes_part(rest, 1, SIZE_MAX);
    return r;
}

/* True for the last line of a reply. Anything else than a reply ends the dialogue. */
static bool take_reply(struct dialogue *d, struct bytes line, struct reply *r) {
    *r = reply_of(line);
    if (r->code == 0)
        dialogue_bad(d, "not a reply with a number", line);
    return r->code != 0 && r->is_last;
}

static void say_hello(struct dialogue *d, unsigned step) {
    dialogue_go(d, step, d->protocol == MODEL_LMTP ? "LHLO " : "EHLO ");
    buf_put(&d->out, d->self);
    dialogue_say(d, "\r\n");
}

/* RFC 3207, RFC 2033. A server of LMTP has to refuse EHLO (RFC 2033, 4.1): one that does is
 * asked as LMTP before it counts as refusing. */
void dialogue_smtp_take(struct dialogue *d, struct bytes line) {
    enum { GREETING, HELLO, STARTTLS, LHLO_AGAIN };
    struct reply r;
    bool is_last = take_reply(d, line, &r);
    bool is_hello = d->step == HELLO || d->step == LHLO_AGAIN;
    bool is_unknown = r.code == 500 || r.code == 502;
    if (is_hello && r.code == 250 && bytes_is_nocase(bytes_trim(r.text), "STARTTLS"))
        d->noted = true;
    if (!is_last)
        return;
    if (d->step == GREETING && r.code == 220) {
        say_hello(d, HELLO);
    } else if (d->step == HELLO && d->protocol == MODEL_SMTP && is_unknown) {
        d->protocol = MODEL_LMTP;
        say_hello(d, LHLO_AGAIN);
    } else if (is_hello && r.code == 250 && d->noted) {
        dialogue_go(d, STARTTLS, "STARTTLS\r\n");
    } else if (is_hello && r.code == 250) {
        dialogue_refused(d, "STARTTLS is not among what it offers", (struct bytes){0});
    } else if (d->step == STARTTLS && r.code == 220) {
        dialogue_done(d);
    } else {
        static const char *const what[] = {"greeting", "EHLO", "STARTTLS", "EHLO, then LHLO"};
        bool is_lhlo = d->step == HELLO && d->protocol == MODEL_LMTP;
        dialogue_refused(d, is_lhlo ? "LHLO" : what[d->step], line);
    }
}

/* RFC 4217. Between the first line of a reply and its last, which has the same number,
 * anything may stand. A greeting of 120 is a word to wait for the one that counts. */
void dialogue_ftp_take(struct dialogue *d, struct bytes line) {
    enum { GREETING, AUTH };
    struct reply r = reply_of(line);
    if (d->code != 0 && (r.code != d->code || !r.is_last))
        return;
    bool is_last = take_reply(d, line, &r);
    d->code = is_last ? 0 : r.code;
    if (!is_last || (d->step == GREETING && r.code == 120))
        return;
    if (d->step == GREETING && r.code == 220)
        dialogue_go(d, AUTH, "AUTH TLS\r\n");
    else if (d->step == AUTH && r.code == 234)
        dialogue_done(d);
    else
        dialogue_refused(d, d->step == GREETING ? "greeting" : "AUTH TLS", line);
}

/* RFC 4642. The greetings tell whether posting is allowed. */
void dialogue_nntp_take(struct dialogue *d, struct bytes line) {
    enum { GREETING, STARTTLS };
    struct reply r;
    if (!take_reply(d, line, &r))
        return;
    if (d->step == GREETING && (r.code == 200 || r.code == 201))
        dialogue_go(d, STARTTLS, "STARTTLS\r\n");
    else if (d->step == STARTTLS && r.code == 382)
        dialogue_done(d);
    else
        dialogue_refused(d, d->step == GREETING ? "greeting" : "STARTTLS", line);
}

/* ---- replies with a word ---- */

/* RFC 9051. Lines that begin with "* " belong to no command. */
void dialogue_imap_take(struct dialogue *d, struct bytes line) {
    enum { GREETING, STARTTLS };
    if (d->step == GREETING && starts_nocase(line, "* OK"))
        dialogue_go(d, STARTTLS, "a1 STARTTLS\r\n");
    else if (starts_nocase(line, "* BYE") || /* PREAUTH: logged in, too late for TLS */
             (d->step == GREETING && starts_nocase(line, "* PRE")))
        dialogue_refused(d, d->step == GREETING ? "greeting" : "STARTTLS", line);
    else if (d->step == STARTTLS && starts_nocase(line, "a1 OK"))
        dialogue_done(d);
    else if (d->step == STARTTLS && (starts_nocase(line, "a1 ") || starts_nocase(line, "* BAD")))
        dialogue_refused(d, "STARTTLS", line);
    else if (d->step == GREETING || !bytes_starts(line, "* "))
        dialogue_bad(d, "not an answer of IMAP", line);
}

/* RFC 2595. */
void dialogue_pop3_take(struct dialogue *d, struct bytes line) {
    enum { GREETING, STLS };
    if (starts_nocase(line, "-ERR"))
        dialogue_refused(d, d->step == GREETING ? "greeting" : "STLS", line);
    else if (!starts_nocase(line, "+OK"))
        dialogue_bad(d, "not an answer of POP3", line);
    else if (d->step == GREETING)
        dialogue_go(d, STLS, "STLS\r\n");
    else
        dialogue_done(d);
}

/* RFC 5804. The greeting is a list of capabilities, "STARTTLS" among them, until OK. */
void dialogue_sieve_take(struct dialogue *d, struct bytes line) {
    enum { GREETING, STARTTLS };
    bool is_ok = starts_nocase(line, "OK");
    if (starts_nocase(line, "NO") || starts_nocase(line, "BYE"))
        dialogue_refused(d, d->step == GREETING ? "greeting" : "STARTTLS", line);
    else if (is_ok && d->step == STARTTLS)
        dialogue_done(d);
    else if (is_ok && d->noted)
        dialogue_go(d, STARTTLS, "STARTTLS\r\n");
    else if (is_ok)
        dialogue_refused(d, "STARTTLS is not among what it offers", (struct bytes){0});
    else if (d->step == GREETING && starts_nocase(line, "\"STARTTLS\""))
        d->noted = true;
    else if (d->units == 1 && !bytes_starts(line, "\""))
        dialogue_bad(d, "not an answer of ManageSieve", line);
}

/* ---- IRC ---- */

void dialogue_irc_begin(struct dialogue *d) {
    dialogue_say(d, "STARTTLS\r\n");
}

/* [:prefix] command parameters (RFC 1459, 2.3). Numbers: IRCv3 tls; 421 unknown command,
 * 451 not registered, 691 failed. Notices and whatever else is said on the way are no answer. */
void dialogue_irc_take(struct dialogue *d, struct bytes line) {
    struct cur c = cur_open(bytes_trim(line));
    if (bytes_starts(c.rest, ":"))
        (void)cur_until(&c, ' ');
    struct bytes command = cur_until(&c, ' ');
    uint64_t number = 0;
    bool is_number = command.n == 3 && number_read(command, 999, &number);
    if (bytes_is_nocase(command, "PING")) {
        dialogue_say(d, "PONG ");
        buf_put(&d->out, c.rest);
        dialogue_say(d, "\r\n");
    } else if (number == 670) {
        dialogue_done(d);
    } else if ((is_number && number >= 400) || bytes_is_nocase(command, "ERROR")) {
        dialogue_refused(d, "STARTTLS", line);
    } else if (d->units == 1 && !is_number && !bytes_is_nocase(command, "NOTICE")) {
        dialogue_bad(d, "not an answer of IRC", line);
    }
}

/* ---- HTTP ---- */

/* RFC 2817, 3.2: the upgrade alone, without a request that would be answered in clear. */
void dialogue_http_begin(struct dialogue *d) {
    bool is_v6 = bytes_find(d->host, bytes_text(":")) != SIZE_MAX;
    dialogue_say(d, is_v6 ? "OPTIONS * HTTP/1.1\r\nHost: [" : "OPTIONS * HTTP/1.1\r\nHost: ");
    buf_put(&d->out, d->host);
    dialogue_say(d, is_v6 ? "]" : "");
    dialogue_say(d, "\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n");
}

void dialogue_http_take(struct dialogue *d, struct bytes line) {
    enum { STATUS, HEADERS };
    struct bytes text = bytes_trim(line);
    if (d->step == HEADERS) {
        if (text.n == 0)
            dialogue_done(d);
    } else if (!bytes_starts(text, "HTTP/1.")) {
        dialogue_bad(d, "not an answer of HTTP", line);
    } else if (bytes_is(bytes_part(text, 8, 4), " 101")) {
        dialogue_go(d, HEADERS, "");
    } else {
        dialogue_refused(d, "Upgrade: TLS/1.0", line);
    }
}
