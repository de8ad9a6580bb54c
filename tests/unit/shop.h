/* What the tests of store/inventory share: a store with a clock that is set by hand. */
#ifndef TESTS_UNIT_SHOP_H
#define TESTS_UNIT_SHOP_H

#include "store_test.h"

#include "store/inventory/inventory.h"

struct shop {
    struct place place;
    struct inventory *inv;
    int64_t now_ms;
    unsigned turn;
    struct signing_key *key;
    struct buf spki;
    struct arena arena;
    uint8_t agent[INVENTORY_ID_SIZE]; /* where the test has one enrolled */
};

static inline int64_t shop_clock(void *context) {
    struct shop *s = context;
    return s->now_ms;
}

static inline bool shop_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    return os_random(out, n);
}

static inline void shop_open(struct shop *s) {
    struct fault f;
    assert_int_equal(inventory_open(s->place.dir, &s->place.env, &s->inv, &f), ERR_OK);
}

static inline void shop_start(struct shop *s) {
    struct fault f;
    memset(s, 0, sizeof *s);
    s->place = place_make();
    s->place.env.now_ms = shop_clock;
    s->place.env.random = shop_random;
    s->place.env.context = s;
    s->now_ms = 1767225600000; /* 2026-01-01 */
    arena_init(&s->arena, 256u << 20);
    buf_init(&s->spki, 1000);
    assert_int_equal(signing_key_make(&s->place.env, KEY_EC_P256, 0, &s->key, &f), ERR_OK);
    signing_key_spki(s->key, &s->spki);
    shop_open(s);
}

/* In turn from the index, and rebuilt from the log. */
static inline void shop_again(struct shop *s) {
    inventory_close(s->inv);
    if (s->turn++ % 2 == 0)
        place_drop(&s->place, "index");
    shop_open(s);
}

static inline void shop_end(struct shop *s) {
    inventory_close(s->inv);
    signing_key_close(s->key);
    buf_clear(&s->spki);
    arena_clear(&s->arena);
    place_clear(&s->place);
}

#endif
