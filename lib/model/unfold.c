/* Counting a target's endpoints and walking them. See target.h.
 *
 * A range is cut into spans: runs of addresses that have the same ports left
 * once exclusions are taken off. A span ends where an exclusion begins or
 * ends, so both the count and the walk look at exclusions once a span, not once an address.
 */
#include "model/target.h"

#include <string.h>

static const struct model_ports *ports_of(const struct model_target *t,
                                          const struct model_ports *defaults) {
    return t->has_ports ? &t->ports : defaults;
}

static bool is_ranged(const struct model_target *t) {
    return t->kind == MODEL_TARGET_ADDRESS || t->kind == MODEL_TARGET_RANGE;
}

static void drop_excluded(uint8_t *left, const struct model_target *exclusion) {
    if (exclusion->has_ports)
        model_port_bits_drop(left, &exclusion->ports);
    else
        memset(left, 0, MODEL_PORT_BITS);
}

/* What the exclusion does to the span that begins at span->first. */
static void cut_span(struct ip_range *span, uint8_t *left, const struct model_target *exclusion) {
    const struct ip_range *x = &exclusion->range;
    if (ip_range_has(x, &span->first)) {
        drop_excluded(left, exclusion);
        if (ip_compare(&x->last, &span->last) < 0)
            span->last = x->last;
    } else if (ip_range_has(span, &x->first)) {
        span->last = x->first;
        ip_step_back(&span->last);
    }
}

/* The span that begins at `first`, and its ports. Names have one span without addresses. */
static void span_at(const struct model_target *t, const struct model_ports *ports,
                    const struct model_exclusions *x, struct ip first, struct ip_range *span,
                    uint8_t left[MODEL_PORT_BITS]) {
    *span = (struct ip_range){first, t->range.last};
    memset(left, 0, MODEL_PORT_BITS);
    model_port_bits_add(left, ports);
    for (size_t i = 0; x != NULL && i < x->n; i++) {
        const struct model_target *e = &x->items[i];
        if (is_ranged(t) && is_ranged(e))
            cut_span(span, left, e);
        else if (t->kind == MODEL_TARGET_NAME && e->kind == t->kind && bytes_equal(e->key, t->key))
            drop_excluded(left, e);
    }
}

/* Moves to the address behind the span; false at the end of the target. */
static bool span_next(const struct model_target *t, const struct ip_range *span, struct ip *first) {
    if (!is_ranged(t) || ip_equal(&span->last, &t->range.last))
        return false;
    *first = span->last;
    return ip_add(first, 1);
}

static bool multiply(uint64_t a, uint64_t b, uint64_t *out) {
    if (b != 0 && a > UINT64_MAX / b)
        return false;
    *out = a * b;
    return true;
}

static enum err count_spans(const struct model_target *t, const struct model_ports *ports,
                            const struct model_exclusions *x, uint64_t *endpoints) {
    uint8_t left[MODEL_PORT_BITS];
    struct ip_range span;
    struct ip first = t->range.first;
    *endpoints = 0;
    do {
        uint64_t addresses = 1, part;
        span_at(t, ports, x, first, &span, left);
        if (is_ranged(t) && !ip_range_count(&span, &addresses))
            return ERR_LIMIT;
        if (!multiply(addresses, model_port_bits_count(left), &part) ||
            part > UINT64_MAX - *endpoints)
            return ERR_LIMIT;
        *endpoints += part;
    } while (span_next(t, &span, &first));
    return ERR_OK;
}

enum err model_target_count(const struct model_target *t, const struct model_ports *defaults,
                            const struct model_exclusions *x, struct model_count *out) {
    struct model_count c = {.addresses = 1};
    uint64_t all;
    if (t->kind == MODEL_TARGET_PATH) {
        c.excluded = x != NULL && model_excluded_path(x, t->key);
        c.endpoints = 1 - c.excluded;
        *out = c;
        return ERR_OK;
    }
    c.ports = model_ports_count(ports_of(t, defaults));
    if (is_ranged(t) && !ip_range_count(&t->range, &c.addresses))
        return ERR_LIMIT;
    if (!multiply(c.addresses, c.ports, &all))
        return ERR_LIMIT;
    c.endpoints = all;
    enum err e = ERR_OK;
    if (x != NULL && x->n > 0)
        e = count_spans(t, ports_of(t, defaults), x, &c.endpoints);
    if (e != ERR_OK)
        return e;
    c.excluded = all - c.endpoints;
    *out = c;
    return ERR_OK;
}

uint64_t model_count_add(uint64_t a, uint64_t b) {
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void enter_span(struct model_unfold *u, struct ip first) {
    span_at(u->target, &u->ports, u->exclusions, first, &u->span, u->left);
    u->at = u->span.first;
    u->port = model_port_bits_next(u->left, 1);
}

void model_unfold_open(struct model_unfold *u, const struct model_target *t,
                       const struct model_ports *defaults, const struct model_exclusions *x) {
    u->target = t;
    u->exclusions = x;
    u->ports = *ports_of(t, defaults);
    u->is_done = false;
    if (t->kind == MODEL_TARGET_PATH)
        u->is_done = x != NULL && model_excluded_path(x, t->key);
    else
        enter_span(u, t->range.first);
}

static void advance(struct model_unfold *u) {
    if (is_ranged(u->target) && !ip_equal(&u->at, &u->span.last)) {
        ip_add(&u->at, 1);
        return;
    }
    u->at = u->span.first;
    u->port = model_port_bits_next(u->left, u->port + 1);
}

static bool next_path(struct model_unfold *u, struct model_endpoint *out) {
    u->is_done = true;
    enum model_kind kind = model_path_is_store(u->target->key) ? MODEL_KIND_STORE : MODEL_KIND_FILE;
    *out = (struct model_endpoint){.kind = kind, .path = u->target->key};
    return true;
}

bool model_unfold_next(struct model_unfold *u, struct model_endpoint *out) {
    const struct model_target *t = u->target;
    if (!u->is_done && t->kind == MODEL_TARGET_PATH)
        return next_path(u, out);
    while (!u->is_done && u->port == 0) {
        struct ip first;
        if (span_next(t, &u->span, &first))
            enter_span(u, first);
        else
            u->is_done = true;
    }
    if (u->is_done)
        return false;
    *out =
        (struct model_endpoint){.kind = MODEL_KIND_TLS, .host = t->key, .port = (uint16_t)u->port};
    if (is_ranged(t)) {
        out->ip = u->at;
        out->host = bytes_text(ip_write(&u->at, u->host));
    }
    out->protocol =
        t->protocol != MODEL_PROTOCOL_NONE ? t->protocol : model_protocol_of_port(out->port);
    advance(u);
    return true;
}
