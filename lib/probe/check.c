/* Two questions more to a server that has shown its certificate: whether it still takes
 * old versions, and whether it has a hybrid group. A connection each, for nothing else:
 * with either beside the usual hello the answer would say little. See inner.h.
 *
 * What a server does not answer clearly (silence, reset, other alerts) stays unknown.
 *
 * A server that agrees to nothing we offer is asked for the hybrid group alone: it may take no
 * other, and we do not have it.
 */
#include "probe/inner.h"

static const char none[] = "none";

enum {
    HANDSHAKE_FAILURE = 40,
    ILLEGAL_PARAMETER = 47,
    PROTOCOL_VERSION = 70,
    INSUFFICIENT_SECURITY = 71
};

/* Alerts of a server that understood the hello and has nothing of what it offers. */
static bool is_refusal(int alert) {
    return alert == HANDSHAKE_FAILURE || alert == ILLEGAL_PARAMETER || alert == PROTOCOL_VERSION ||
           alert == INSUFFICIENT_SECURITY;
}

void check_clear(struct check *c) {
    tls_harvest_close(c->harvest);
    talk_reset(&c->talk);
    c->harvest = NULL;
}

/* What the harvest that brought the chain says already. */
static bool is_known(struct check *c) {
    if (!c->harvest)
        return false;
    uint16_t version = tls_harvest_result(c->harvest)->version;
    if (c->step == CHECK_OLD && version < TLS_1_2)
        c->old_version = tls_version_name(version);
    if (c->step == CHECK_HYBRID && version < TLS_1_3)
        c->hybrid_group = none;
    return c->step == CHECK_OLD ? c->old_version != NULL : c->hybrid_group != NULL;
}

bool check_is_open(const struct check *c) {
    return c->step != CHECK_NONE && c->step != CHECK_DONE;
}

bool check_next(struct check *c) {
    while (c->step < CHECK_DONE) {
        c->step++;
        if (c->step < CHECK_DONE && !is_known(c))
            return true;
    }
    return false;
}

void check_ask(const struct check *c, struct tls_ask *ask) {
    if (c->step == CHECK_OLD)
        ask->version_max = TLS_1_1;
    if (c->step == CHECK_HYBRID) {
        ask->shape = TLS_SHAPE_FULL;
        ask->group = TLS_GROUP_HYBRID;
    }
}

void check_take(struct check *c, const struct tls_result *result) {
    const char *answer =
        result->outcome == TLS_OUTCOME_TLS_ALERT && is_refusal(result->alert) ? none : NULL;
    if (c->step == CHECK_OLD && result->version != 0 && result->version < TLS_1_2)
        answer = tls_version_name(result->version);
    if (c->step == CHECK_HYBRID && result->group == TLS_GROUP_HYBRID)
        answer = tls_group_name(result->group);
    if (c->step == CHECK_OLD)
        c->old_version = answer;
    else
        c->hybrid_group = answer;
}

bool check_may_lack_group(const struct finding *f) {
    return f->outcome == MODEL_TLS_ALERT && f->alert == HANDSHAKE_FAILURE;
}

void check_judge(const struct check *c, struct finding *f) {
    if (f->outcome == MODEL_OK || !c->hybrid_group || c->hybrid_group == none)
        return;
    f->outcome = MODEL_UNSUPPORTED;
    f->alert = -1;
    f->detail = "it takes X25519MLKEM768 and no other group, and that we lack";
}

bool check_shows_another(const struct check *c, const struct tls_result *result) {
    const struct tls_result *base = tls_harvest_result(c->harvest);
    return c->step == CHECK_OLD && result->outcome == TLS_OUTCOME_OK && base->chain_n > 0 &&
           !bytes_equal(result->chain[0], base->chain[0]);
}
