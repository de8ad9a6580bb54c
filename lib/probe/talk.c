/* How a face uses a dialogue: begun with the connection, found by a greeting, given up
 * for TLS at once. See inner.h; the face moves the bytes.
 */
#include "probe/inner.h"

#include <string.h>

bool talk_is_before_tls(const struct talk *t) {
    return t->dialogue && !t->is_tls;
}

/* An address in brackets (RFC 5321, 4.1.3): true of every host, and no name of ours is
 * shown to those whom we look at. */
static void write_self(struct buf *out, const struct ip *self) {
    char text[IP_TEXT_MAX] = "127.0.0.1";
    if (self->size > 0)
        ip_write(self, text);
    buf_printf(out, "[%s%s]", self->size == 16 ? "IPv6:" : "", text);
}

bool talk_begin(struct talk *t, struct bytes host, const struct ip *self) {
    struct buf name;
    if (!model_protocol_row(t->protocol)->has_dialogue || t->is_direct)
        return true;
    buf_init(&name, 128);
    write_self(&name, self);
    struct dialogue_ask ask = {.protocol = t->protocol, .host = host, .self = buf_bytes(&name)};
    t->dialogue = dialogue_open(&ask);
    buf_clear(&name);
    return t->dialogue != NULL;
}

bool talk_listen(struct talk *t) {
    struct dialogue_ask ask = {.protocol = MODEL_PROTOCOL_NONE};
    t->dialogue = dialogue_open(&ask);
    t->is_listening = true;
    t->is_tls = false;
    return t->dialogue != NULL;
}

bool talk_is_strange(struct bytes data) {
    enum { RECORD_FIRST = 0x14, RECORD_LAST = 0x17 };
    return data.n > 0 && (data.p[0] < RECORD_FIRST || data.p[0] > RECORD_LAST);
}

struct talk talk_again(const struct talk *t) {
    return (struct talk){.protocol = t->protocol,
                         .expected = t->expected,
                         .is_direct = t->is_direct,
                         .is_guess = t->is_guess,
                         .is_found = t->is_found};
}

void talk_reset(struct talk *t) {
    dialogue_close(t->dialogue);
    *t = talk_again(t);
}

/* TLS at once, where nobody talks to the dialogue: under the protocol's name where it has
 * one for that, else as TLS and nothing else. */
static bool guess(struct talk *t, bool may_find) {
    bool has_alpn = dialogue_direct_alpn(t->protocol) != NULL;
    if (t->is_direct || t->is_found || (!has_alpn && (!may_find || !dialogue_begins(t->protocol))))
        return false;
    t->is_direct = has_alpn;
    t->is_guess = true;
    t->expected = t->protocol;
    t->protocol = has_alpn ? t->protocol : MODEL_TLS;
    return true;
}

static bool find(struct talk *t, enum model_protocol shown, bool may_find) {
    if (shown == MODEL_TLS && dialogue_direct_alpn(t->protocol) && !t->is_direct) {
        t->is_direct = true;
        return true;
    }
    if (!may_find || t->is_found || shown == MODEL_PROTOCOL_NONE || shown == t->protocol)
        return false;
    t->protocol = shown;
    t->is_found = true;
    return true;
}

bool talk_retry(struct talk *t, enum model_outcome outcome, bool may_find) {
    bool is_end = outcome == MODEL_CLOSED || outcome == MODEL_RESET, is_certain;
    if (!talk_is_before_tls(t) || (outcome != MODEL_NOT_TLS && !is_end))
        return false;
    struct bytes heard = dialogue_heard(t->dialogue);
    return heard.n == 0 ? guess(t, may_find)
                        : find(t, dialogue_shown(heard, &is_certain), may_find);
}

void talk_unguess(struct talk *t) {
    t->protocol = t->expected;
    t->is_guess = t->is_direct = false;
}
