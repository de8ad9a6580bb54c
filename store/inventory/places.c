/* Observations applied: endpoints, faces, sightings. See state.h. */
#include "store/inventory/state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* One observation on its way in. */
struct look {
    struct state *s;
    uint32_t agent, face, endpoint;
    const struct model_observation *o;
    struct bytes raw; /* as in record.h */
    int64_t at_ms;
    uint64_t pass;
    bool is_confirmed; /* by a confirmation */
};

static enum err add_endpoint(struct look *l, const struct model_endpoint *place,
                             const uint8_t id[INVENTORY_ID_SIZE]) {
    struct state *s = l->s;
    struct state_endpoint *e = rows_add(&s->endpoints);
    if (e == NULL)
        return ERR_MEMORY;
    carriers_keep(s->carriers);
    memcpy(e->id, id, INVENTORY_ID_SIZE);
    e->kind = place->kind;
    e->protocol = place->protocol;
    e->ip = place->ip;
    e->port = place->port;
    e->agent = e->faces = e->leaf = ROWS_NONE;
    e->outcome = MODEL_OUTCOME_COUNT;
    e->first_ms = e->last_ms = l->at_ms;
    l->endpoint = s->endpoints.n - 1;
    /* The network's label is one text for all. */
    e->network = state_word(s, place->network);
    if (e->network == ROWS_NONE)
        return ERR_MEMORY;
    enum err code = state_keep(s, place->host, &e->host);
    if (code == ERR_OK)
        code = state_keep(s, place->path, &e->path);
    return code == ERR_OK ? table_add(&s->by_endpoint, l->endpoint) : code;
}

static enum err add_face(struct look *l, const struct model_face *face,
                         const uint8_t id[INVENTORY_ID_SIZE]) {
    struct state *s = l->s;
    struct state_endpoint *e = state_endpoint(s, l->endpoint);
    struct state_face *f = rows_add(&s->faces);
    if (f == NULL)
        return ERR_MEMORY;
    carriers_keep(s->carriers);
    memcpy(f->id, id, INVENTORY_ID_SIZE);
    f->endpoint = l->endpoint;
    f->agent = f->sightings = f->leaf = ROWS_NONE;
    f->ip = face->ip;
    f->asked = face->asked;
    f->first_ms = l->at_ms;
    f->last_ms = INT64_MIN;
    l->face = s->faces.n - 1;
    f->next_of_endpoint = e->faces;
    e->faces = l->face;
    e->faces_n++;
    enum err code = state_keep(s, face->sni, &f->sni);
    return code == ERR_OK ? table_add(&s->by_face, l->face) : code;
}

void state_place_ids(const struct model_observation *o, struct bytes network,
                     const uint8_t agent[INVENTORY_ID_SIZE], struct model_face *face,
                     char ip_text[IP_TEXT_MAX], struct model_ids *ids) {
    char hex[2 * INVENTORY_ID_SIZE + 1];
    hex_write(hex, bytes_of(agent, INVENTORY_ID_SIZE));
    *face = model_observation_face(o, network, ip_text);
    model_face_ids(face, bytes_text(hex), ids);
}

static enum err find_face(struct look *l) {
    struct state *s = l->s;
    const struct state_agent *a = state_agent(s, l->agent);
    char ip_text[IP_TEXT_MAX];
    struct model_face face;
    struct model_ids ids;
    enum err code = ERR_OK;
    state_place_ids(l->o, state_text(s, a->network), a->id, &face, ip_text, &ids);
    l->endpoint = table_find(&s->by_endpoint, ids.endpoint);
    if (l->endpoint == ROWS_NONE)
        code = add_endpoint(l, &face.endpoint, ids.endpoint);
    if (code != ERR_OK)
        return code;
    l->face = table_find(&s->by_face, ids.face);
    return l->face == ROWS_NONE ? add_face(l, &face, ids.face) : ERR_OK;
}

/* ---- Sightings ---- */

static uint32_t find_sighting(const struct state *s, const struct state_face *f, uint32_t cert) {
    uint32_t i = f->sightings;
    while (i != ROWS_NONE && state_sighting(s, i)->cert != cert)
        i = state_sighting(s, i)->next_of_face;
    return i;
}

/* The sightings that an agent made last hang together. */
static void set_sighter(struct state *s, uint32_t sighting, uint32_t agent) {
    struct state_sighting *g = state_sighting(s, sighting);
    if (g->agent == agent)
        return;
    if (g->agent != ROWS_NONE) {
        struct state_agent *a = state_agent(s, g->agent);
        a->sightings_n--;
        if (g->next_of_agent != ROWS_NONE)
            state_sighting(s, g->next_of_agent)->prev_of_agent = g->prev_of_agent;
        if (g->prev_of_agent != ROWS_NONE)
            state_sighting(s, g->prev_of_agent)->next_of_agent = g->next_of_agent;
        else
            a->sightings = g->next_of_agent;
    }
    struct state_agent *b = state_agent(s, agent);
    g->agent = agent;
    g->prev_of_agent = ROWS_NONE;
    g->next_of_agent = b->sightings;
    if (b->sightings != ROWS_NONE)
        state_sighting(s, b->sightings)->prev_of_agent = sighting;
    b->sightings = sighting;
    b->sightings_n++;
}

static struct state_sighting *add_sighting(struct look *l, uint32_t cert) {
    struct state *s = l->s;
    struct state_sighting *g = rows_add(&s->sightings);
    if (g == NULL)
        return NULL;
    carriers_keep(s->carriers);
    struct state_cert *c = state_cert(s, cert);
    struct state_face *f = state_face(s, l->face);
    g->cert = cert;
    g->face = l->face;
    g->agent = ROWS_NONE;
    g->first_ms = g->last_ms = l->at_ms;
    g->next_of_cert = c->sightings;
    g->next_of_face = f->sightings;
    c->sightings = f->sightings = s->sightings.n - 1;
    set_sighter(s, c->sightings, l->agent);
    c->places++;
    return g;
}

static void set_earlier(const struct look *l, int64_t *ms, enum carried what, uint32_t row) {
    if (l->at_ms >= *ms)
        return;
    *ms = l->at_ms;
    carriers_set(l->s->carriers, what, row);
}

static void set_later(const struct look *l, int64_t *ms, enum carried what, uint32_t row) {
    if (l->at_ms <= *ms)
        return;
    *ms = l->at_ms;
    carriers_set(l->s->carriers, what, row);
}

static enum err see(struct look *l, uint32_t cert, uint32_t position, bool is_newest) {
    struct state *s = l->s;
    struct state_face *f = state_face(s, l->face);
    struct state_cert *c = state_cert(s, cert);
    uint32_t at = find_sighting(s, f, cert);
    struct state_sighting *g = at != ROWS_NONE ? state_sighting(s, at) : add_sighting(l, cert);
    if (g == NULL)
        return ERR_MEMORY;
    if (at == ROWS_NONE) {
        at = s->sightings.n - 1;
        g->position = position;
    }
    set_earlier(l, &g->first_ms, SIGHTING_FIRST, at);
    set_later(l, &g->last_ms, SIGHTING_LAST, at);
    set_later(l, &c->last_ms, CERT_LAST, cert);
    if (is_newest) {
        carriers_set(s->carriers, SIGHTING_NEWEST, at);
        g->position = position;
        set_sighter(s, at, l->agent);
        g->pass = l->pass;
        g->look = f->look;
    }
    return ERR_OK;
}

void state_join_line(struct state *s, uint32_t before, uint32_t now) {
    struct state_cert *c = state_cert(s, now);
    if (before == ROWS_NONE || before == now || c->in_line || c->sightings != ROWS_NONE)
        return;
    struct state_cert *b = state_cert(s, before);
    table_remove(&s->by_line, now);
    memcpy(c->service, b->service, INVENTORY_ID_SIZE);
    c->in_line = b->in_line = true;
    c->next_in_line = b->next_in_line;
    b->next_in_line = now;
}

static enum err see_chain(struct look *l, bool is_newest) {
    struct state *s = l->s;
    uint32_t leaf = ROWS_NONE;
    enum err code = ERR_OK;
    for (size_t i = 0; i < l->o->chain_n && code == ERR_OK; i++) {
        uint32_t cert = table_find(&s->by_sha256, l->o->chain[i].bytes);
        if (cert == ROWS_NONE)
            continue; /* its entry was in a part that is damaged */
        if (i == 0) {
            leaf = cert;
            if (state_cert(s, cert)->sightings == ROWS_NONE)
                carriers_pin(s->carriers, FACE_LEAF, l->face);
            if (is_newest)
                state_join_line(s, state_face(s, l->face)->leaf, cert);
        }
        code = see(l, cert, (uint32_t)i, is_newest);
    }
    if (is_newest && leaf != ROWS_NONE) {
        state_face(s, l->face)->leaf = leaf;
        carriers_set(s->carriers, FACE_LEAF, l->face);
    }
    return code;
}

/* ---- The face and its endpoint ---- */

/* One that no longer fits gets twice the room: what is left behind stays below that. */
static enum err keep_raw(struct look *l, struct state_face *f) {
    enum { STEP = 32 };
    if (l->raw.n <= f->last_room) {
        memcpy(texts_at(&l->s->texts, f->last), l->raw.p, l->raw.n);
        f->last.n = (uint32_t)l->raw.n;
        return ERR_OK;
    }
    size_t room = (l->raw.n + STEP - 1) / STEP * STEP;
    if (room < 2 * (size_t)f->last_room)
        room = 2 * (size_t)f->last_room;
    enum err code = texts_add(&l->s->texts, l->raw, room, &f->last);
    f->last_room = code == ERR_OK ? (uint32_t)room : 0;
    return code;
}

static enum err keep_last(struct look *l) {
    struct state_face *f = state_face(l->s, l->face);
    enum err code = keep_raw(l, f);
    if (code != ERR_OK)
        return code;
    f->outcome = l->o->outcome;
    f->last_ms = l->at_ms;
    if (f->agent != l->agent || f->pass != l->pass) {
        f->look++;
        carriers_look(l->s->carriers, l->face);
    }
    carriers_set(l->s->carriers, FACE_LAST, l->face);
    if (!l->is_confirmed)
        carriers_set(l->s->carriers, FACE_BASE, l->face);
    f->agent = l->agent;
    f->pass = l->pass;
    return ERR_OK;
}

static void set_agent(struct state *s, struct state_endpoint *e, uint32_t agent) {
    if (e->agent == agent)
        return;
    if (e->agent != ROWS_NONE)
        state_agent(s, e->agent)->endpoints--;
    e->agent = agent;
    state_agent(s, agent)->endpoints++;
}

/* Of two faces with equal outcomes: the one that an ordinary client sees, by the endpoint's
 * own name and for any key, speaks for it. */
static unsigned plainness(const struct state *s, const struct state_endpoint *e,
                          const struct state_face *f) {
    bool by_name =
        e->ip.size > 0 ? f->sni.n == 0 : bytes_equal(state_text(s, f->sni), state_text(s, e->host));
    return (f->asked == MODEL_ASKED_ANY ? 1u : 0) + (by_name ? 2u : 0);
}

static bool is_better(const struct state *s, const struct state_endpoint *e,
                      const struct state_face *a, const struct state_face *b) {
    unsigned rank_a = model_outcome_row(a->outcome)->rank;
    unsigned rank_b = model_outcome_row(b->outcome)->rank;
    return rank_a < rank_b || (rank_a == rank_b && plainness(s, e, a) > plainness(s, e, b));
}

/* What is older than what the endpoint showed last does not count, but for the same pass: its
 * faces come in any order. */
static bool is_to_judge(const struct look *l) {
    const struct state_endpoint *e = state_endpoint(l->s, l->endpoint);
    return l->at_ms >= e->last_ms || (e->agent == l->agent && e->pass == l->pass);
}

/* The endpoint's state is that of the best of the faces looked at in its last pass:
 * a name that has moved to another address is judged by the new one. */
static void judge(struct look *l) {
    struct state *s = l->s;
    struct state_endpoint *e = state_endpoint(s, l->endpoint);
    const struct state_face *best = NULL;
    set_agent(s, e, l->agent);
    e->pass = l->pass;
    carriers_set(s->carriers, ENDPOINT_JUDGED, l->endpoint);
    set_later(l, &e->last_ms, ENDPOINT_LAST, l->endpoint);
    for (uint32_t i = e->faces; i != ROWS_NONE; i = state_face(s, i)->next_of_endpoint) {
        const struct state_face *f = state_face(s, i);
        if (f->agent != l->agent || f->pass != l->pass)
            continue;
        if (best == NULL || is_better(s, e, f, best))
            best = f;
    }
    if (best == NULL)
        return;
    s->endpoints_ok += best->outcome == MODEL_OK;
    s->endpoints_ok -= e->outcome == MODEL_OK;
    e->outcome = best->outcome;
    e->leaf = best->outcome == MODEL_OK ? best->leaf : ROWS_NONE;
}

/* Whether its certificates are served is asked now. */
static void pin_served(const struct look *l) {
    const struct state *s = l->s;
    uint32_t i = state_face(s, l->face)->sightings;
    if (i == ROWS_NONE)
        return;
    carriers_keep(s->carriers);
    carriers_pin(s->carriers, FACE_LAST, l->face);
    carriers_pin_looks(s->carriers, l->face);
    for (; i != ROWS_NONE; i = state_sighting(s, i)->next_of_face)
        carriers_pin(s->carriers, SIGHTING_NEWEST, i);
}

/* What came late changes less than it would alone: what was there before it stays. */
static void pin_late(const struct look *l, bool is_newest, bool is_judged) {
    struct carriers *c = l->s->carriers;
    const struct state_endpoint *e = state_endpoint(l->s, l->endpoint);
    if (!is_newest || !is_judged) {
        carriers_pin(c, FACE_LAST, l->face);
        carriers_pin(c, FACE_LEAF, l->face);
    }
    if (!is_judged)
        carriers_pin(c, ENDPOINT_LAST, l->endpoint);
    if (!is_judged || l->at_ms < e->last_ms)
        carriers_pin(c, ENDPOINT_JUDGED, l->endpoint);
}

/* Nobody looked, in this pass: it does not count as one without the certificates that were
 * there. Looks count on, so what was replaced before is not brought back. */
static void stay(struct look *l) {
    struct state *s = l->s;
    pin_served(l);
    for (uint32_t i = state_face(s, l->face)->sightings; i != ROWS_NONE;) {
        struct state_sighting *g = state_sighting(s, i);
        if (g->agent == l->agent && state_is_served(s, g))
            g->pass = l->pass;
        i = g->next_of_face;
    }
}

/* Of the face and the endpoint that were found. */
static enum err apply_found(struct look *l) {
    enum err code = ERR_OK;
    struct state_face *f = state_face(l->s, l->face);
    struct state_endpoint *e = state_endpoint(l->s, l->endpoint);
    bool is_first = f->last.n == 0;
    bool is_newest = l->at_ms >= f->last_ms;
    bool is_judged = is_newest && is_to_judge(l);
    set_earlier(l, &f->first_ms, FACE_FIRST, l->face);
    set_earlier(l, &e->first_ms, ENDPOINT_FIRST, l->endpoint);
    /* "Not looked at" says nothing about the place; it is kept where nothing else is. What
     * the user has excluded is no longer watched, and goes as if it were not told. */
    if (!model_outcome_row(l->o->outcome)->is_looked && !is_first) {
        if (l->o->outcome != MODEL_EXCLUDED)
            stay(l);
        return ERR_OK;
    }
    pin_late(l, is_newest, is_judged);
    if (is_newest) {
        code = keep_last(l);
        if (code != ERR_OK)
            return code;
    }
    code = see_chain(l, is_newest);
    if (code == ERR_OK && is_judged)
        judge(l);
    return code;
}

static enum err apply_one(struct look *l) {
    enum err code = find_face(l);
    return code == ERR_OK ? apply_found(l) : code;
}

/* A clock that is ahead does not count. */
static int64_t at_ms(const struct model_observation *o, int64_t time_ms) {
    if (o->time_s > time_ms / 1000)
        return time_ms;
    return o->time_s > 0 ? o->time_s * 1000 : 0;
}

enum err state_apply_scan(struct state *s, const struct record_scan *r, int64_t time_ms) {
    uint32_t agent = table_find(&s->by_agent, r->agent.p);
    struct cur c = cur_open(r->observations);
    enum err code = ERR_OK;
    for (uint32_t i = 0; i < r->n && code == ERR_OK; i++) {
        struct model_observation o;
        struct look l = {.s = s, .agent = agent, .o = &o, .raw = cur_vec24(&c)};
        arena_reset(&s->scratch);
        s->work++;
        carriers_next(s->carriers);
        bool is_read = record_observation_read(&s->scratch, l.raw, &o);
        if (s->scratch.err == ERR_MEMORY) /* says nothing about the observation */
            return ERR_MEMORY;
        if (!is_read) {
            s->skipped++;
            continue;
        }
        l.at_ms = at_ms(&o, time_ms);
        l.pass = state_agent(s, agent)->passes + 1;
        code = apply_one(&l);
    }
    struct state_agent *a = state_agent(s, agent);
    a->scan_ms = time_ms;
    a->passes += r->complete;
    return code;
}

/* ---- Confirmations ---- */

void state_faces_digest(const struct state *s, const struct model_confirmed *items, uint32_t n,
                        uint8_t out[INVENTORY_ID_SIZE]) {
    struct hash_run run;
    uint8_t hash[SHA256_SIZE];
    hash_begin(&run, HASH_SHA256);
    for (uint32_t i = 0; i < n; i++)
        hash_add(&run, bytes_of(state_face(s, items[i].face)->id, INVENTORY_ID_SIZE));
    hash_peek(&run, hash);
    memcpy(out, hash, INVENTORY_ID_SIZE);
}

bool state_confirmation_holds(const struct state *s, const struct record_confirmation *r,
                              const struct model_confirmed *items) {
    uint8_t digest[INVENTORY_ID_SIZE];
    for (uint32_t i = 0; i < r->n; i++)
        if (items[i].face >= s->faces.n || state_face(s, items[i].face)->last.n == 0)
            return false;
    state_faces_digest(s, items, r->n, digest);
    return bytes_equal(r->digest, bytes_of(digest, sizeof digest));
}

bool state_confirmed(const struct state *s, const struct record_confirmation *r,
                     const struct model_confirmed *item, struct arena *a, struct buf *raw,
                     struct model_observation *out) {
    struct bytes last = state_text(s, state_face(s, item->face)->last);
    if (!record_observation_read(a, last, out))
        return false;
    out->scan = r->scan;
    out->time_s = r->base_s + item->after_s;
    buf_reset(raw);
    record_observation_write(out, raw);
    return raw->err == ERR_OK && record_observation_read(a, buf_bytes(raw), out);
}

/* Those of one endpoint in the order in which they were seen, as they would come one by one. */
static int compare_confirmed(const void *a, const void *b) {
    const struct model_confirmed *x = a, *y = b;
    if (x->after_s != y->after_s)
        return x->after_s < y->after_s ? -1 : 1;
    return (x->face > y->face) - (x->face < y->face);
}

void state_confirmed_order(struct model_confirmed *items, uint32_t n) {
    qsort(items, n, sizeof *items, compare_confirmed);
}

static enum err apply_confirmed(struct state *s, const struct record_confirmation *r,
                                const struct model_confirmed *items, uint32_t agent,
                                int64_t time_ms) {
    struct buf raw;
    enum err code = ERR_OK;
    buf_init(&raw, RECORD_OBSERVATION_MAX);
    for (uint32_t i = 0; i < r->n && code == ERR_OK; i++) {
        struct model_observation o;
        const struct state_face *f = state_face(s, items[i].face);
        arena_reset(&s->scratch);
        s->work++;
        carriers_next(s->carriers);
        if (!state_confirmed(s, r, &items[i], &s->scratch, &raw, &o)) {
            s->skipped++;
            continue;
        }
        struct look l = {.s = s,
                         .agent = agent,
                         .face = items[i].face,
                         .endpoint = f->endpoint,
                         .o = &o,
                         .raw = buf_bytes(&raw),
                         .at_ms = at_ms(&o, time_ms),
                         .pass = state_agent(s, agent)->passes + 1,
                         .is_confirmed = true};
        carriers_confirm(s->carriers, l.face);
        code = apply_found(&l);
    }
    buf_clear(&raw);
    return code;
}

enum err state_apply_confirmation(struct state *s, const struct record_confirmation *r,
                                  int64_t time_ms) {
    uint32_t agent = table_find(&s->by_agent, r->agent.p);
    struct model_confirmed *items = calloc((size_t)r->n + 1, sizeof *items);
    enum err code = ERR_OK;
    if (items == NULL)
        return ERR_MEMORY;
    record_confirmation_items(r, items);
    if (agent != ROWS_NONE && state_confirmation_holds(s, r, items)) {
        state_confirmed_order(items, r->n);
        code = apply_confirmed(s, r, items, agent, time_ms);
    } else {
        s->skipped++;
    }
    free(items);
    return code;
}

bool state_is_served(const struct state *s, const struct state_sighting *g) {
    const struct state_agent *a = state_agent(s, g->agent);
    const struct state_face *f = state_face(s, g->face);
    bool in_passes = a->passes < g->pass + INVENTORY_PASSES_SERVED;
    bool in_looks = f->look < g->look + INVENTORY_PASSES_SERVED;
    return !a->disabled && in_passes && in_looks;
}
