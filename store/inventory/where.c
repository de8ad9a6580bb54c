/* Queries asked of the state: what each field's values are for a certificate, a place
 * where it was seen, an endpoint, an agent, a request. See query/query.h.
 *
 * Of certificates the places are their sightings. Of endpoints, what is said of certificates
 * is said of the leaf that was presented last. A path is what was seen together: sightings
 * of one face with the same last moment are those of one observation. */
#include "store/inventory/private.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { OBSERVATION_ROOM = 4 * RECORD_OBSERVATION_MAX };

/* Who takes the values. */
struct taker {
    query_take *take;
    void *context;
};

/* A row, or a place of one. */
struct asked_row {
    struct where *w;
    uint32_t row;
};

/* Services are no rows of their own: most are known by their certificates alone. */
struct asked_service {
    struct where *w;
    const uint8_t *id;
};

void where_open(struct where *w, const struct state *s, const struct query *q) {
    w->s = s;
    w->q = q;
    arena_init(&w->scratch, OBSERVATION_ROOM);
}

void where_close(struct where *w) {
    arena_clear(&w->scratch);
}

/* ---- Handing over ---- */

static bool give(struct taker t, struct bytes text) {
    struct query_value v = {.text = text};
    return text.n > 0 && t.take(t.context, &v);
}

static bool give_number(struct taker t, int64_t n) {
    struct query_value v = {.number = n};
    return t.take(t.context, &v);
}

static bool give_lines(struct taker t, struct bytes lines) {
    struct cur c = cur_open(lines);
    while (c.rest.n > 0)
        if (give(t, cur_until(&c, '\n')))
            return true;
    return false;
}

static bool give_id(struct taker t, const uint8_t id[INVENTORY_ID_SIZE]) {
    char hex[2 * INVENTORY_ID_SIZE + 1];
    hex_write(hex, bytes_of(id, INVENTORY_ID_SIZE));
    return give(t, bytes_text(hex));
}

static bool give_agent(const struct state *s, uint32_t i, struct taker t) {
    return i != ROWS_NONE &&
           (give(t, state_text(s, state_agent(s, i)->name)) || give_id(t, state_agent(s, i)->id));
}

static bool give_ip(struct taker t, const struct ip *ip) {
    return give(t, bytes_of(ip->bytes, ip->size));
}

static bool give_ip_text(struct taker t, const struct ip *ip) {
    char text[IP_TEXT_MAX];
    return give(t, bytes_text(ip_write(ip, text)));
}

static bool give_tls(struct where *w, const struct state_face *f, struct taker t) {
    struct model_observation o;
    arena_reset(&w->scratch);
    return f->last.n > 0 && record_observation_read(&w->scratch, state_text(w->s, f->last), &o) &&
           o.has_tls && give(t, o.tls.version);
}

/* ---- Certificates ---- */

static bool give_service(const struct state *s, const uint8_t *id, enum query_field field,
                         struct taker t) {
    if (field == QUERY_SERVICE)
        return give_id(t, id);
    uint32_t i = table_find(&s->by_service, id);
    if (i == ROWS_NONE)
        return false;
    if (field == QUERY_OWNER)
        return give(t, state_word_text(s, state_service(s, i)->owner));
    struct cur tags = cur_open(state_text(s, state_service(s, i)->tags));
    while (tags.rest.n > 0 && !tags.bad)
        if (give(t, cur_vec8(&tags)))
            return true;
    return false;
}

static bool give_link(const struct state *s, const struct state_cert *c, bool is_hex,
                      struct taker t) {
    if (!is_hex)
        return give(t, state_cert_name(s, c)) || give(t, state_cert_subject(s, c));
    return give(t, bytes_of(c->sha256, SHA256_SIZE)) ||
           (!c->bad && give(t, bytes_of(c->spki_sha256, SHA256_SIZE)));
}

/* Itself, who signed it, and what was sent above it wherever it was seen. */
static bool give_chain(const struct state *s, const struct state_cert *c, bool is_hex,
                       struct taker t) {
    if (give_link(s, c, is_hex, t) || (!is_hex && give(t, state_word_text(s, c->issuer))))
        return true;
    for (uint32_t i = c->sightings; i != ROWS_NONE; i = state_sighting(s, i)->next_of_cert) {
        const struct state_sighting *g = state_sighting(s, i);
        for (uint32_t k = state_face(s, g->face)->sightings; k != ROWS_NONE;
             k = state_sighting(s, k)->next_of_face) {
            const struct state_sighting *h = state_sighting(s, k);
            if (h->last_ms == g->last_ms && h->position > g->position &&
                give_link(s, state_cert(s, h->cert), is_hex, t))
                return true;
        }
    }
    return false;
}

static bool give_any_of_cert(const struct state *s, const struct state_cert *c, bool is_hex,
                             struct taker t) {
    if (is_hex)
        return give(t, state_cert_serial(s, c)) || give(t, bytes_of(c->sha256, SHA256_SIZE));
    return give(t, state_cert_name(s, c)) || give_lines(t, state_cert_names(s, c)) ||
           give(t, state_cert_subject(s, c)) || give(t, state_word_text(s, c->issuer));
}

static bool cert_values(const void *context, enum query_field field, bool is_hex, query_take *take,
                        void *take_context) {
    const struct asked_row *r = context;
    const struct state *s = r->w->s;
    const struct state_cert *c = state_cert(s, r->row);
    struct taker t = {take, take_context};
    switch (field) {
    case QUERY_ANY:
        return give_any_of_cert(s, c, is_hex, t);
    case QUERY_SUBJECT:
        return give(t, state_cert_subject(s, c));
    case QUERY_SAN:
        return give_lines(t, state_cert_names(s, c));
    case QUERY_ISSUER:
        return give(t, state_word_text(s, c->issuer));
    case QUERY_CHAIN:
        return give_chain(s, c, is_hex, t);
    case QUERY_SERIAL:
        return give(t, state_cert_serial(s, c));
    case QUERY_SHA256:
        return give(t, bytes_of(c->sha256, SHA256_SIZE));
    case QUERY_SPKI:
        return !c->bad && give(t, bytes_of(c->spki_sha256, SHA256_SIZE));
    case QUERY_KEY:
        return give(t, state_word_text(s, c->key));
    case QUERY_SIG:
        return give(t, state_word_text(s, c->signature));
    case QUERY_VERSION:
        return c->version != 0 && give_number(t, c->version);
    case QUERY_EXPIRES:
        return c->has_not_after && give_number(t, c->not_after_s);
    case QUERY_ISSUED:
        return c->has_not_before && give_number(t, c->not_before_s);
    case QUERY_SEEN:
        return c->last_ms != 0 && give_number(t, c->last_ms / 1000);
    case QUERY_SERVICE:
    case QUERY_OWNER:
    case QUERY_TAG:
        return give_service(s, c->service, field, t);
    default:
        return false;
    }
}

static bool is_gone(const struct state *s, const struct state_cert *c) {
    for (uint32_t i = c->sightings; i != ROWS_NONE; i = state_sighting(s, i)->next_of_cert)
        if (state_is_served(s, state_sighting(s, i)))
            return false;
    return c->sightings != ROWS_NONE;
}

static bool cert_is(const void *context, enum query_state state, int64_t now_s) {
    const struct asked_row *r = context;
    const struct state_cert *c = state_cert(r->w->s, r->row);
    switch (state) {
    case QUERY_GONE:
        return is_gone(r->w->s, c);
    case QUERY_EXPIRED:
        return c->has_not_after && c->not_after_s < now_s;
    case QUERY_SELF_SIGNED:
        return c->self_signed == X509_YES;
    case QUERY_CA:
        return c->is_ca;
    case QUERY_MANAGED:
        return c->request != ROWS_NONE;
    case QUERY_REVOKED:
        return c->revocation != ROWS_NONE;
    case QUERY_UNREADABLE:
        return c->bad;
    case QUERY_NOT_YET_SERVED:
        return c->request != ROWS_NONE && c->revocation == ROWS_NONE && c->sightings == ROWS_NONE;
    default:
        return false;
    }
}

/* ---- Places of certificates ---- */

static bool give_place(const struct state *s, const struct state_endpoint *e,
                       enum query_field field, struct taker t) {
    bool is_tls = e->kind == MODEL_KIND_TLS;
    switch (field) {
    case QUERY_HOST:
        return give(t, state_text(s, e->host)) || give(t, state_text(s, e->path));
    case QUERY_PORT:
        return is_tls && give_number(t, e->port);
    case QUERY_PROTOCOL:
        return is_tls && give(t, bytes_text(model_protocol_name(e->protocol)));
    case QUERY_NETWORK:
        return give(t, state_word_text(s, e->network));
    default:
        return false;
    }
}

static bool place_values(const void *context, enum query_field field, bool is_hex, query_take *take,
                         void *take_context) {
    const struct asked_row *r = context;
    const struct state *s = r->w->s;
    const struct state_sighting *g = state_sighting(s, r->row);
    const struct state_face *f = state_face(s, g->face);
    struct taker t = {take, take_context};
    (void)is_hex;
    switch (field) {
    case QUERY_IP:
        return give_ip(t, &f->ip);
    case QUERY_TLS:
        return give_tls(r->w, f, t);
    case QUERY_OUTCOME:
        return give(t, bytes_text(model_outcome_name(f->outcome)));
    case QUERY_AGENT:
        return give_agent(s, g->agent, t);
    default:
        return give_place(s, state_endpoint(s, f->endpoint), field, t);
    }
}

static bool place_is(const void *context, enum query_state state, int64_t now_s) {
    const struct asked_row *r = context;
    (void)now_s;
    return state == QUERY_SERVED && state_is_served(r->w->s, state_sighting(r->w->s, r->row));
}

static bool cert_places(const void *context, bool (*visit)(void *, const struct query_row *),
                        void *visit_context) {
    const struct asked_row *r = context;
    const struct state *s = r->w->s;
    for (uint32_t i = state_cert(s, r->row)->sightings; i != ROWS_NONE;
         i = state_sighting(s, i)->next_of_cert) {
        struct asked_row at = {r->w, i};
        struct query_row place = {&at, place_values, place_is, NULL};
        if (visit(visit_context, &place))
            return true;
    }
    return false;
}

bool where_cert(struct where *w, uint32_t row) {
    struct asked_row r = {w, row};
    struct query_row asked = {&r, cert_values, cert_is, cert_places};
    return w->q == NULL || query_holds(w->q, &asked);
}

/* ---- Endpoints ---- */

static bool give_any_of_endpoint(const struct state *s, const struct state_endpoint *e,
                                 struct taker t) {
    char text[400];
    struct bytes host = bytes_part(state_text(s, e->host), 0, 300);
    bool is_six = bytes_find(host, bytes_text(":")) != SIZE_MAX;
    if (give(t, state_text(s, e->host)) || give(t, state_text(s, e->path)) ||
        give(t, state_word_text(s, e->network)))
        return true;
    int n = snprintf(text, sizeof text, is_six ? "[%.*s]:%u" : "%.*s:%u", (int)host.n,
                     (const char *)host.p, (unsigned)e->port);
    if (e->kind == MODEL_KIND_TLS && n > 0 && give(t, bytes_text(text)))
        return true;
    for (uint32_t i = e->faces; i != ROWS_NONE; i = state_face(s, i)->next_of_endpoint)
        if (give_ip_text(t, &state_face(s, i)->ip) || give(t, state_text(s, state_face(s, i)->sni)))
            return true;
    return false;
}

static bool give_of_faces(struct where *w, const struct state_endpoint *e, enum query_field field,
                          struct taker t) {
    for (uint32_t i = e->faces; i != ROWS_NONE; i = state_face(w->s, i)->next_of_endpoint) {
        const struct state_face *f = state_face(w->s, i);
        if (field == QUERY_IP ? give_ip(t, &f->ip) : give_tls(w, f, t))
            return true;
    }
    return false;
}

static bool endpoint_values(const void *context, enum query_field field, bool is_hex,
                            query_take *take, void *take_context) {
    const struct asked_row *r = context;
    const struct state *s = r->w->s;
    const struct state_endpoint *e = state_endpoint(s, r->row);
    struct taker t = {take, take_context};
    switch (field) {
    case QUERY_ANY:
        return !is_hex && give_any_of_endpoint(s, e, t);
    case QUERY_IP:
    case QUERY_TLS:
        return give_of_faces(r->w, e, field, t);
    case QUERY_OUTCOME:
        return e->outcome != MODEL_OUTCOME_COUNT &&
               give(t, bytes_text(model_outcome_name(e->outcome)));
    case QUERY_AGENT:
        return give_agent(s, e->agent, t);
    case QUERY_SEEN:
        return give_number(t, e->last_ms / 1000);
    case QUERY_HOST:
    case QUERY_PORT:
    case QUERY_PROTOCOL:
    case QUERY_NETWORK:
        return give_place(s, e, field, t);
    default:
        break;
    }
    struct asked_row leaf = {r->w, e->leaf};
    return e->leaf != ROWS_NONE && cert_values(&leaf, field, is_hex, take, take_context);
}

static bool endpoint_is(const void *context, enum query_state state, int64_t now_s) {
    const struct asked_row *r = context;
    struct asked_row leaf = {r->w, state_endpoint(r->w->s, r->row)->leaf};
    return leaf.row != ROWS_NONE && cert_is(&leaf, state, now_s);
}

bool where_endpoint(struct where *w, uint32_t row) {
    struct asked_row r = {w, row};
    struct query_row asked = {&r, endpoint_values, endpoint_is, NULL};
    return w->q == NULL || query_holds(w->q, &asked);
}

/* ---- Agents and requests ---- */

static bool agent_values(const void *context, enum query_field field, bool is_hex, query_take *take,
                         void *take_context) {
    const struct asked_row *r = context;
    const struct state *s = r->w->s;
    const struct state_agent *a = state_agent(s, r->row);
    struct taker t = {take, take_context};
    int64_t heard_ms = a->seen_ms > a->scan_ms ? a->seen_ms : a->scan_ms;
    switch (field) {
    case QUERY_ANY:
        return !is_hex && (give(t, state_text(s, a->name)) || give(t, state_text(s, a->network)) ||
                           give(t, state_agent_system(s, a)) || give(t, state_agent_version(s, a)));
    case QUERY_AGENT:
        return give_agent(r->w->s, r->row, t);
    case QUERY_NETWORK:
        return give(t, state_text(s, a->network));
    case QUERY_SEEN:
        return heard_ms != 0 && give_number(t, heard_ms / 1000);
    default:
        return false;
    }
}

bool where_agent(struct where *w, uint32_t row) {
    struct asked_row r = {w, row};
    struct query_row asked = {&r, agent_values, NULL, NULL};
    return w->q == NULL || query_holds(w->q, &asked);
}

static bool request_values(const void *context, enum query_field field, bool is_hex,
                           query_take *take, void *take_context) {
    const struct asked_row *r = context;
    const struct state *s = r->w->s;
    const struct state_request *q = state_request(s, r->row);
    struct taker t = {take, take_context};
    switch (field) {
    case QUERY_ANY:
        return !is_hex &&
               (give(t, state_text(s, q->subject)) || give_lines(t, state_text(s, q->names)) ||
                give_agent(s, q->agent, t) || give(t, state_word_text(s, q->profile)));
    case QUERY_SUBJECT:
        return give(t, state_text(s, q->subject));
    case QUERY_SAN:
        return give_lines(t, state_text(s, q->names));
    case QUERY_KEY:
        return give(t, state_word_text(s, q->key));
    case QUERY_AGENT:
        return give_agent(s, q->agent, t);
    case QUERY_ISSUED:
        return give_number(t, q->created_ms / 1000);
    default:
        return false;
    }
}

bool where_request(struct where *w, uint32_t row) {
    struct asked_row r = {w, row};
    struct query_row asked = {&r, request_values, NULL, NULL};
    return w->q == NULL || query_holds(w->q, &asked);
}

static bool service_values(const void *context, enum query_field field, bool is_hex,
                           query_take *take, void *take_context) {
    const struct asked_service *r = context;
    struct taker t = {take, take_context};
    switch (field) {
    case QUERY_ANY:
        return !is_hex && (give_service(r->w->s, r->id, QUERY_OWNER, t) ||
                           give_service(r->w->s, r->id, QUERY_TAG, t));
    case QUERY_SERVICE:
    case QUERY_OWNER:
    case QUERY_TAG:
        return give_service(r->w->s, r->id, field, t);
    default:
        return false;
    }
}

bool where_service(struct where *w, const uint8_t id[INVENTORY_ID_SIZE]) {
    struct asked_service r = {w, id};
    struct query_row asked = {&r, service_values, NULL, NULL};
    return w->q == NULL || query_holds(w->q, &asked);
}

bool inventory_cert_holds(struct inventory *inv, const struct query *where,
                          const uint8_t sha256[SHA256_SIZE]) {
    struct where w;
    if (!inventory_lock(inv, NULL))
        return false;
    where_open(&w, &inv->state, where);
    uint32_t i = table_find(&inv->state.by_sha256, sha256);
    bool holds = i != ROWS_NONE && where_cert(&w, i);
    where_close(&w);
    inventory_unlock(inv);
    return holds;
}
