/* XMPP, client to server and server to server (RFC 6120, 4 and 5). See dialogue.h.
 *
 * No XML parser: the stream is cut into tags with what stands before them, and a tag is
 * known by its local name. That is enough to follow a server that behaves, and whatever
 * else comes leads to no certificate:
 *
 *   stream opened --</features>, starttls among them--> starttls asked for --proceed--> done
 */
#include "probe/dialogue_inner.h"

#include <string.h>

/* A tag ends with the first > outside of quotes. */
enum dialogue_unit dialogue_unit_tag(const struct dialogue *d) {
    struct bytes in = buf_bytes(&d->in);
    size_t open = bytes_find(in, bytes_text("<"));
    uint8_t quote = 0, last = in.p[in.n - 1];
    if (open == SIZE_MAX)
        return last == ' ' || last == '\r' || last == '\n' || last == '\t' ? UNIT_SKIP
               : d->units == 0                                             ? UNIT_BAD
                                                                           : UNIT_PART;
    if (last != '>')
        return UNIT_PART;
    for (size_t i = open; i < in.n; i++) {
        uint8_t c = in.p[i];
        if (quote == 0 && (c == '"' || c == '\''))
            quote = c;
        else if (c == quote)
            quote = 0;
    }
    return quote == 0 ? UNIT_WHOLE : UNIT_PART;
}

/* Names and addresses have none of what XML gives a meaning to. */
void dialogue_xmpp_begin(struct dialogue *d) {
    dialogue_say(d, "<?xml version='1.0'?><stream:stream xmlns='jabber:");
    dialogue_say(d, d->protocol == MODEL_XMPP ? "client" : "server");
    dialogue_say(d, "' xmlns:stream='http://etherx.jabber.org/streams' to='");
    buf_put(&d->out, d->host);
    dialogue_say(d, "' version='1.0'>");
}

struct tag {
    struct bytes name;     /* without prefix */
    bool is_end, is_empty; /* </name>, <name/> */
};

static struct tag tag_of(struct bytes unit) {
    struct cur c = cur_open(unit);
    struct tag t;
    (void)cur_until(&c, '<');
    struct bytes inside = bytes_part(c.rest, 0, c.rest.n - 1); /* without the > */
    t.is_end = bytes_starts(inside, "/");
    t.is_empty = inside.n > 0 && inside.p[inside.n - 1] == '/';
    size_t from = t.is_end ? 1 : 0, n = 0;
    struct bytes rest = bytes_part(inside, from, SIZE_MAX);
    while (n < rest.n && rest.p[n] != '/' && (rest.p[n] > ' '))
        n++;
    t.name = bytes_part(rest, 0, n);
    size_t colon = bytes_find(t.name, bytes_text(":"));
    if (colon != SIZE_MAX)
        t.name = bytes_part(t.name, colon + 1, SIZE_MAX);
    return t;
}

static void take_feature(struct dialogue *d, const struct tag *t) {
    bool is_end = t->is_end || t->is_empty;
    if (bytes_is(t->name, "starttls") && !t->is_end)
        d->noted = true;
    if (!bytes_is(t->name, "features") || !is_end)
        return;
    if (d->noted)
        dialogue_go(d, 1, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    else
        dialogue_refused(d, "starttls is not among its features", (struct bytes){0});
}

void dialogue_xmpp_take(struct dialogue *d, struct bytes unit) {
    enum { FEATURES, STARTTLS, ERROR };
    struct tag t = tag_of(unit);
    bool is_end = t.is_end || t.is_empty;
    if (d->step == ERROR) { /* the first element in it is the reason */
        dialogue_refused(d, "stream error", t.name);
    } else if (bytes_is(t.name, "error") && !is_end) {
        d->step = ERROR;
    } else if (bytes_is(t.name, "stream") && t.is_end) {
        dialogue_refused(d, "the stream was closed", (struct bytes){0});
    } else if (bytes_starts(t.name, "?") || bytes_is(t.name, "stream")) {
        /* the server's own beginning */
    } else if (d->units == 1) {
        dialogue_bad(d, "not an XMPP stream", unit);
    } else if (d->step == FEATURES) {
        take_feature(d, &t);
    } else if (bytes_is(t.name, "proceed") && is_end) {
        dialogue_done(d);
    } else if (bytes_is(t.name, "failure")) {
        dialogue_refused(d, "starttls failed", (struct bytes){0});
    }
}
