/* Matching a row against the tree. See query.h. */
#include "query/inner.h"

#include "base/text.h"

#include <string.h>

/* ---- One value ---- */

/* Raw bytes as hex, by their digits. */
static bool hex_holds(const struct query_term *t, struct bytes raw) {
    enum { PART = 256 }; /* longer serials are compared by their first bytes only */
    char hex[2 * PART + 1];
    struct bytes part = bytes_part(raw, 0, PART);
    hex_write(hex, part);
    struct bytes text = bytes_of(hex, 2 * part.n);
    size_t zeros = 0;
    while (zeros + 1 < text.n && text.p[zeros] == '0')
        zeros++;
    text = bytes_part(text, zeros, text.n);
    if (t->hex.n == 0)
        return query_pattern_holds(&t->pattern, text);
    return t->hex_whole ? bytes_equal(text, t->hex) : bytes_find(text, t->hex) != SIZE_MAX;
}

static bool address_holds(const struct query_term *t, struct bytes raw) {
    char text[IP_TEXT_MAX];
    struct ip ip = ip_of(raw);
    if (t->range.first.size != 0)
        return ip_range_has(&t->range, &ip);
    return ip.size != 0 && query_pattern_holds(&t->pattern, bytes_text(ip_write(&ip, text)));
}

/* "EC P-256" is found as ec, ecp256 and p256; RSASSA-PSS is a kind of RSA. */
static bool key_holds(const struct query_term *t, struct bytes key) {
    char whole[64], first[64], second[64];
    struct cur c = cur_open(key);
    struct bytes algorithm = cur_until(&c, ' ');
    bool is_kind =
        query_pattern_holds(&t->pattern, query_key_word(key, whole, sizeof whole)) ||
        query_pattern_holds(&t->pattern, query_key_word(algorithm, first, sizeof first)) ||
        (c.rest.n > 0 &&
         query_pattern_holds(&t->pattern, query_key_word(c.rest, second, sizeof second))) ||
        (bytes_starts(key, "RSASSA-PSS") && query_pattern_holds(&t->pattern, bytes_text("rsa")));
    if (!is_kind || t->op == QUERY_IN)
        return is_kind;
    int64_t bits = query_key_bits(key);
    return bits > 0 && bits >= t->from && bits < t->to;
}

struct asked {
    const struct query_term *term;
    bool is_hex;
};

static bool in_span(const struct query_term *t, int64_t v) {
    return v >= t->from && (v < t->to || t->to == INT64_MAX);
}

static bool take(void *context, const struct query_value *v) {
    const struct asked *q = context;
    const struct query_term *t = q->term;
    switch (t->type) {
    case QUERY_HEX:
        return hex_holds(t, v->text);
    case QUERY_TEXT:
    case QUERY_PATH:
        return q->is_hex ? hex_holds(t, v->text) : query_pattern_holds(&t->pattern, v->text);
    case QUERY_ADDRESS:
        return address_holds(t, v->text);
    case QUERY_KEY_TYPE:
        return key_holds(t, v->text);
    case QUERY_TIME:
    case QUERY_NUMBER:
        return in_span(t, v->number);
    case QUERY_TLS_VERSION:
        return in_span(t, query_tls_version(v->text)) && query_tls_version(v->text) >= 0;
    default:
        return query_pattern_holds(&t->pattern, v->text);
    }
}

static bool take_any(void *context, const struct query_value *v) {
    (void)context;
    return v->text.n > 0;
}

/* ---- The tree ---- */

static bool term_holds(const struct query *q, const struct query_term *t,
                       const struct query_row *row) {
    if (t->field == QUERY_IS)
        return row->is != NULL && row->is(row->context, t->state, q->now_s);
    if (t->none)
        return !row->values(row->context, t->field, false, take_any, NULL);
    struct asked a = {.term = t};
    if (row->values(row->context, t->field, false, take, &a))
        return true;
    a.is_hex = true;
    return (t->field == QUERY_ANY || t->field == QUERY_CHAIN) && t->hex.n > 0 &&
           row->values(row->context, t->field, true, take, &a);
}

struct visit {
    const struct query *q;
    const struct query_node *n;
};

static bool node_holds(const struct query *q, const struct query_node *n,
                       const struct query_row *row);

static bool visit_place(void *context, const struct query_row *place) {
    const struct visit *v = context;
    return node_holds(v->q, v->n, place);
}

static bool place_holds(const struct query *q, const struct query_node *n,
                        const struct query_row *row) {
    struct visit v = {q, n};
    if (row->places == NULL)
        return node_holds(q, n, row);
    return row->places(row->context, visit_place, &v);
}

/* As deep as QUERY_DEPTH_MAX lets the tree be. */
static bool node_holds(const struct query *q, const struct query_node *n,
                       const struct query_row *row) {
    const struct query_node *child = n->first;
    switch (n->kind) {
    case QUERY_AND:
        while (child != NULL && node_holds(q, child, row))
            child = child->next;
        return child == NULL;
    case QUERY_OR:
        while (child != NULL && !node_holds(q, child, row))
            child = child->next;
        return child != NULL;
    case QUERY_NOT:
        return !node_holds(q, child, row);
    case QUERY_PLACE:
        return place_holds(q, child, row);
    case QUERY_TERM:
        return term_holds(q, n->term, row);
    default:
        return true;
    }
}

bool query_holds(const struct query *q, const struct query_row *row) {
    return node_holds(q, q->root, row);
}

/* ---- For planners ---- */

static bool narrow(const struct query_node *n, enum query_field field, int64_t *from, int64_t *to) {
    bool found = false;
    if (n->kind == QUERY_AND)
        for (const struct query_node *child = n->first; child != NULL; child = child->next)
            found |= narrow(child, field, from, to);
    if (n->kind != QUERY_TERM || n->term->field != field)
        return found;
    *from = n->term->from > *from ? n->term->from : *from;
    *to = n->term->to < *to ? n->term->to : *to;
    return true;
}

bool query_bounds(const struct query *q, enum query_field field, int64_t *from, int64_t *to) {
    *from = INT64_MIN;
    *to = INT64_MAX;
    return narrow(q->root, field, from, to);
}
