/* Random histories of a store: two agents of a network that look at the same places, which show
 * other certificates now and then, or are not reached, and tell late; and whether two states are
 * the same. */
#ifndef TESTS_UNIT_HISTORY_H
#define TESTS_UNIT_HISTORY_H

#include "shop_push.h"

#include "store/inventory/private.h"

#include <stdlib.h>

enum {
    PLACES = 10,
    CERTS = 14,
    FEW = 5 /* of them, but for MIXED */,
    STEPS_MAX = 200,
    PUSH_MAX = PLACES * 3
};

static inline uint64_t next_random(uint64_t *r) {
    *r ^= *r << 13;
    *r ^= *r >> 7;
    *r ^= *r << 17;
    return *r;
}

static inline uint64_t below(uint64_t *r, uint64_t n) {
    return next_random(r) % n;
}

/* ---- The same state? ---- */

static inline void same_text(const struct state *a, struct text x, const struct state *b,
                             struct text y) {
    assert_true(bytes_equal(state_text(a, x), state_text(b, y)));
}

static inline void same_faces(const struct state *a, const struct state *b) {
    assert_int_equal(a->faces.n, b->faces.n);
    for (uint32_t i = 0; i < a->faces.n; i++) {
        const struct state_face *x = state_face(a, i), *y = state_face(b, i);
        assert_memory_equal(x->id, y->id, sizeof x->id);
        assert_int_equal(x->endpoint, y->endpoint);
        assert_int_equal(x->agent, y->agent);
        assert_int_equal(x->sightings, y->sightings);
        assert_int_equal(x->leaf, y->leaf);
        assert_int_equal(x->look, y->look);
        assert_int_equal(x->first_ms, y->first_ms);
        assert_int_equal(x->last_ms, y->last_ms);
        assert_int_equal(x->pass, y->pass);
        assert_int_equal(x->outcome, y->outcome);
        same_text(a, x->last, b, y->last);
    }
}

static inline void same_sightings(const struct state *a, const struct state *b) {
    assert_int_equal(a->sightings.n, b->sightings.n);
    for (uint32_t i = 0; i < a->sightings.n; i++) {
        const struct state_sighting *x = state_sighting(a, i), *y = state_sighting(b, i);
        assert_int_equal(x->cert, y->cert);
        assert_int_equal(x->face, y->face);
        assert_int_equal(x->agent, y->agent);
        assert_int_equal(x->position, y->position);
        assert_int_equal(x->look, y->look);
        assert_int_equal(x->pass, y->pass);
        assert_int_equal(x->first_ms, y->first_ms);
        assert_int_equal(x->last_ms, y->last_ms);
        assert_int_equal(state_is_served(a, x), state_is_served(b, y));
    }
}

static inline void same_state(const struct state *a, const struct state *b) {
    same_faces(a, b);
    same_sightings(a, b);
    assert_int_equal(a->endpoints.n, b->endpoints.n);
    assert_int_equal(a->endpoints_ok, b->endpoints_ok);
    for (uint32_t i = 0; i < a->endpoints.n; i++) {
        const struct state_endpoint *x = state_endpoint(a, i), *y = state_endpoint(b, i);
        assert_int_equal(x->agent, y->agent);
        assert_int_equal(x->leaf, y->leaf);
        assert_int_equal(x->outcome, y->outcome);
        assert_int_equal(x->faces_n, y->faces_n);
        assert_int_equal(x->first_ms, y->first_ms);
        assert_int_equal(x->last_ms, y->last_ms);
    }
    for (uint32_t i = 0; i < a->certs.n; i++) {
        const struct state_cert *x = state_cert(a, i), *y = state_cert(b, i);
        assert_int_equal(x->first_ms, y->first_ms);
        assert_int_equal(x->last_ms, y->last_ms);
        assert_int_equal(x->places, y->places);
        assert_memory_equal(x->service, y->service, sizeof x->service);
    }
    for (uint32_t i = 0; i < a->agents.n; i++) {
        const struct state_agent *x = state_agent(a, i), *y = state_agent(b, i);
        assert_int_equal(x->passes, y->passes);
        assert_int_equal(x->scan_ms, y->scan_ms);
        assert_int_equal(x->endpoints, y->endpoints);
        assert_int_equal(x->batches_n, y->batches_n);
    }
}

/* ---- Any history ----
 *
 * WILD: thirty faces of ten places, some of which tell late or are not reached. CALM: little
 * changes. FLAPPING: one place, two certificates in turn. MIXED: two places, new certificates,
 * now and then late or not reached. */

struct history {
    struct shop shop;
    uint8_t agents[2][INVENTORY_ID_SIZE];
    struct bytes ders[CERTS];
    unsigned
        shows[PLACES * 3]; /* of each face: a certificate, CERTS refused, CERTS + 1 not reached */
    struct bytes whole[STEPS_MAX]; /* the record of type 6 that each push would have been */
    int64_t times[STEPS_MAX];
    unsigned pushes;
    uint64_t random;
    enum { WILD, CALM, FLAPPING, MIXED } kind;
};

static inline struct model_observation face_of(struct history *h, unsigned at) {
    static const char *const names[] = {"", "a.example.com", "b.example.com"};
    unsigned shows = h->shows[at];
    char *ip = arena_alloc(&h->shop.arena, 32);
    snprintf(ip, 32, "192.0.2.%u", 1 + at / 3);
    struct model_observation o =
        look(&h->shop, ip, 443, shows < CERTS ? &h->ders[shows] : NULL, shows < CERTS ? 1 : 0);
    o.sni = bytes_text(names[at % 3]);
    o.time_s = h->shop.now_ms / 1000 - 40 + (int64_t)below(&h->random, 40);
    if (shows == CERTS + 1)
        o.outcome = MODEL_NOT_REACHED;
    if (h->kind == WILD && below(&h->random, 40) == 0)
        o.time_s -= 100000; /* spooled long ago */
    if (h->kind == MIXED && below(&h->random, 12) == 0)
        o.time_s -= 3600 * (int64_t)below(&h->random, 4);
    return o;
}

/* What a face shows from now on. */
static inline unsigned draw_shows(struct history *h) {
    unsigned first = h->pushes / 10;
    switch (h->kind) {
    case FLAPPING:
        return (unsigned)below(&h->random, 2);
    case MIXED: /* new ones come all the time */
        if (below(&h->random, 6) == 0)
            return CERTS + (below(&h->random, 6) == 0);
        return (first > CERTS - 3 ? CERTS - 3 : first) + (unsigned)below(&h->random, 3);
    default: {
        unsigned shows = (unsigned)below(&h->random, FEW + (h->kind == WILD ? 2 : 1));
        return shows < FEW ? shows : CERTS + shows - FEW;
    }
    }
}

static inline void step(struct history *h) {
    static const struct {
        unsigned faces, changes; /* one in so many */
    } kinds[] = {
        [WILD] = {PLACES * 3, 15 },
        [CALM] = {PLACES * 3, 200},
        [FLAPPING] = {3,          3  },
        [MIXED] = {4,          4  }
    };
    struct model_observation o[PUSH_MAX];
    size_t n = 0;
    char batch[32];
    struct buf all, record;
    const uint8_t *agent = h->agents[below(&h->random, 2)];
    bool is_complete = below(&h->random, 3) > 0;
    for (unsigned at = 0; at < kinds[h->kind].faces; at++) {
        if (below(&h->random, kinds[h->kind].changes) == 0)
            h->shows[at] = draw_shows(h);
        if (below(&h->random, 8) > 0)
            o[n++] = face_of(h, at);
    }
    snprintf(batch, sizeof batch, "batch-%u", h->pushes);
    buf_init(&all, 1 << 20);
    buf_init(&record, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        size_t mark = buf_open_vec(&all, 3);
        record_observation_write(&o[i], &all);
        buf_close_vec(&all, mark, 3);
    }
    struct record_scan r = {.agent = bytes_of(agent, INVENTORY_ID_SIZE),
                            .batch = arena_copy(&h->shop.arena, bytes_text(batch)),
                            .complete = is_complete,
                            .n = (uint32_t)n,
                            .observations = buf_bytes(&all)};
    record_scan_write(&r, &record);
    h->whole[h->pushes] = arena_copy(&h->shop.arena, buf_bytes(&record));
    h->times[h->pushes++] = h->shop.now_ms;
    assert_int_equal(push(&h->shop, agent, batch, h->ders, CERTS, o, n, is_complete).code, ERR_OK);
    buf_clear(&all);
    buf_clear(&record);
    h->shop.now_ms += 3600000;
}

static inline struct history *history_start(uint64_t seed) {
    struct history *h = calloc(1, sizeof *h);
    assert_non_null(h);
    h->random = seed * 0x9e3779b97f4a7c15u;
    shop_start(&h->shop);
    enrol(&h->shop, "one", "same", "key one", h->agents[0]);
    enrol(&h->shop, "two", "same", "key two", h->agents[1]);
    for (unsigned i = 0; i < CERTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%u", i);
        h->ders[i] = make_cert(&h->shop, name, name, 10 + i, (uint8_t)i, false);
    }
    return h;
}

static inline void history_end(struct history *h) {
    shop_end(&h->shop);
    free(h);
}

#endif
