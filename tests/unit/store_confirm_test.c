/* store/inventory: what says nothing new is confirmed in a few bytes, and the state is the same as
 * if all had been written whole. */
#include "history.h"

#include "base/thread.h"
#include <stdlib.h>

enum { SEEDS = 8, STEPS = 50 };

/* The log as it would be without confirmations. */
static void replay_whole(struct history *h, struct state *out, unsigned *confirmed) {
    struct store_reader *reader;
    struct store_entry e;
    struct fault f;
    unsigned at = 0;
    state_init(out, &h->shop.place.env);
    assert_int_equal(store_reader_open(h->shop.place.dir, &reader, &f), ERR_OK);
    while (store_reader_next(reader, &e, &f) == ERR_OK) {
        if (e.type == RECORD_CONFIRMATION) {
            struct record_confirmation r;
            assert_true(record_confirmation_read(e.payload, &r));
            *confirmed += r.n;
            continue;
        }
        if (e.type == RECORD_SCAN)
            e.payload = h->whole[at++];
        assert_int_equal(state_apply(out, &e), ERR_OK);
    }
    assert_int_equal(at, h->pushes);
    store_reader_close(reader);
}

static void any_history_gives_the_same_state(void **state) {
    unsigned confirmed = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct history *h = history_start(seed);
        struct state whole;
        for (unsigned i = 0; i < STEPS; i++)
            step(h);
        replay_whole(h, &whole, &confirmed);
        same_state(&h->shop.inv->state, &whole);
        assert_int_equal(h->shop.inv->state.skipped, 0);
        shop_again(&h->shop); /* from the index, then rebuilt from the log */
        same_state(&h->shop.inv->state, &whole);
        shop_again(&h->shop);
        same_state(&h->shop.inv->state, &whole);
        state_clear(&whole);
        history_end(h);
    }
    assert_true(confirmed > SEEDS * STEPS * PUSH_MAX / 10);
}

/* ---- What is confirmed ---- */

/* Entries of a type so far, and the last one's payload. */
static unsigned entries_of(struct shop *s, uint16_t type, size_t *size) {
    struct store_reader *reader;
    struct store_entry e;
    struct fault f;
    unsigned n = 0;
    assert_int_equal(store_reader_open(s->place.dir, &reader, &f), ERR_OK);
    while (store_reader_next(reader, &e, &f) == ERR_OK)
        if (e.type == type) {
            n++;
            *size = e.payload.n;
        }
    store_reader_close(reader);
    return n;
}

static void measures_of_a_look_do_not_matter(void **state) {
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    size_t size = 0;
    (void)state;
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes der = make_cert(&s, "a", "", 1, 1, false);
    struct model_observation o = look(&s, "192.0.2.1", 443, &der, 1), p;
    assert_int_equal(push(&s, agent, "1", &der, 1, &o, 1, true).code, ERR_OK);
    s.now_ms += 86400000;
    p = look(&s, "192.0.2.1", 443, &der, 1);
    p.scan = bytes_text("scan-2");
    p.duration_ms = 99;
    p.has_connect_ms = true;
    p.connect_ms = 5;
    p.bytes = 1234;
    struct pushed pushed = push(&s, agent, "2", NULL, 0, &p, 1, true);
    assert_int_equal(pushed.code, ERR_OK);
    assert_int_equal(pushed.result.observations, 1);
    assert_int_equal(entries_of(&s, RECORD_CONFIRMATION, &size), 1);
    struct arena a;
    arena_init(&a, 1 << 20);
    const struct state_face *face = state_face(&s.inv->state, 0);
    assert_int_equal(face->last_ms, s.now_ms);
    struct model_observation last;
    assert_true(record_observation_read(&a, state_text(&s.inv->state, face->last), &last));
    assert_text(last.scan, "scan-2");
    assert_int_equal(last.time_s, s.now_ms / 1000);
    assert_int_equal(last.duration_ms, 12); /* of the look that was written */
    arena_clear(&a);
    shop_end(&s);
}

static void change_protocol(struct model_observation *o) {
    o->tls.version = bytes_text("TLSv1.2");
}
static void change_outcome(struct model_observation *o) {
    o->outcome = MODEL_TIMEOUT;
    o->chain_n = 0;
    o->has_tls = false;
}
static void change_target(struct model_observation *o) {
    o->target = bytes_text("192.0.2.0/24");
}
static void change_detail(struct model_observation *o) {
    o->detail = bytes_text("something else");
}
static void change_scts(struct model_observation *o) {
    o->tls.scts = 2;
}
static void change_chain(struct model_observation *o) {
    o->chain_n = 0;
}

static void every_fact_matters(void **state) {
    static void (*const changes[])(struct model_observation *) = {
        change_protocol, change_outcome, change_target, change_detail, change_scts, change_chain};
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    size_t size = 0;
    (void)state;
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes der = make_cert(&s, "a", "", 1, 1, false);
    for (unsigned i = 0; i < COUNT_OF(changes); i++) {
        char name[32];
        struct model_observation o = look(&s, "192.0.2.1", 443, &der, 1);
        snprintf(name, sizeof name, "plain-%u", i);
        assert_int_equal(push(&s, agent, name, &der, 1, &o, 1, true).code, ERR_OK);
        changes[i](&o);
        snprintf(name, sizeof name, "changed-%u", i);
        assert_int_equal(push(&s, agent, name, NULL, 0, &o, 1, true).code, ERR_OK);
    }
    assert_int_equal(entries_of(&s, RECORD_CONFIRMATION, &size), 0);
    shop_end(&s);
}

/* Two a face, the second of which is as the first before it: both are told whole. */
static void twice_in_one_push(void **state) {
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    size_t size = 0;
    (void)state;
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes der = make_cert(&s, "a", "", 1, 1, false);
    struct model_observation o[2] = {look(&s, "192.0.2.1", 443, &der, 1),
                                     look(&s, "192.0.2.1", 443, &der, 1)};
    assert_int_equal(push(&s, agent, "1", &der, 1, o, 1, true).code, ERR_OK);
    assert_int_equal(push(&s, agent, "2", NULL, 0, o, 2, true).code, ERR_OK);
    assert_int_equal(entries_of(&s, RECORD_CONFIRMATION, &size), 0);
    shop_end(&s);
}

/* 3,000 faces, a day later, seen within ten minutes: about two bytes each before they are packed.
 */
static void unchanged_is_cheap(void **state) {
    enum { FACES = 3000 };
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE];
    size_t size = 0;
    (void)state;
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes der = make_cert(&s, "a", "", 1, 1, false);
    struct model_observation *o = arena_array(&s.arena, FACES, sizeof *o);
    for (unsigned turn = 0; turn < 2; turn++, s.now_ms += 86400000) {
        for (unsigned i = 0; i < FACES; i++) {
            char *ip = arena_alloc(&s.arena, 32);
            snprintf(ip, 32, "10.0.%u.%u", i / 250, 1 + i % 250);
            o[i] = look(&s, ip, 443, &der, 1);
            o[i].time_s -= (int64_t)(i * 7919 % 600);
        }
        struct pushed p = push(&s, agent, turn == 0 ? "1" : "2", &der, 1, o, FACES, true);
        assert_int_equal(p.code, ERR_OK);
        assert_int_equal(p.result.observations, FACES);
    }
    assert_int_equal(entries_of(&s, RECORD_CONFIRMATION, &size), 1);
    assert_in_range(size, FACES * 2, FACES * 3 + 200);
    shop_end(&s);
}

/* Faces that are not those that were meant: the entry counts as not understood. */
static void lost_faces_confirm_nothing(void **state) {
    struct shop s;
    uint8_t agent[INVENTORY_ID_SIZE], digest[INVENTORY_ID_SIZE] = {1};
    struct buf out;
    (void)state;
    shop_start(&s);
    enrol(&s, "dc1", "", "key one", agent);
    struct bytes der = make_cert(&s, "a", "", 1, 1, false);
    struct model_observation o = look(&s, "192.0.2.1", 443, &der, 1);
    assert_int_equal(push(&s, agent, "1", &der, 1, &o, 1, true).code, ERR_OK);
    struct state *st = &s.inv->state;
    buf_init(&out, 1000);
    for (uint32_t face = 0; face < 2; face++) {
        struct model_confirmed item = {face, 5};
        struct record_confirmation r = {.agent = bytes_of(agent, sizeof agent),
                                        .batch = bytes_text("2"),
                                        .scan = bytes_text("scan-2"),
                                        .digest = bytes_of(digest, sizeof digest),
                                        .base_s = s.now_ms / 1000,
                                        .n = 1};
        buf_reset(&out);
        record_confirmation_write(&r, &item, &out);
        struct store_entry e = {.type = RECORD_CONFIRMATION,
                                .version = RECORD_VERSION,
                                .time_ms = s.now_ms + 10000,
                                .payload = buf_bytes(&out)};
        uint64_t before = st->skipped;
        assert_int_equal(state_apply(st, &e), ERR_OK);
        assert_int_equal(st->skipped, before + 1);
        assert_int_equal(state_face(st, 0)->last_ms, o.time_s * 1000);
        for (size_t n = 0; n < out.n; n++) /* no prefix is one */
            assert_false(record_confirmation_read(bytes_part(buf_bytes(&out), 0, n), &r));
    }
    buf_clear(&out);
    shop_end(&s);
}

/* ---- Two agents at the same faces at once ---- */

struct rival {
    struct shop *shop;
    struct history *h;
    unsigned id;
    bool failed;
};

static void rival_run(void *argument) {
    struct rival *r = argument;
    struct arena a;
    uint64_t random = 77 + r->id;
    arena_init(&a, 64u << 20);
    for (unsigned turn = 0; turn < 40; turn++) {
        struct model_observation o[PLACES];
        struct inventory_result result;
        struct fault f;
        char batch[32];
        arena_reset(&a);
        for (unsigned i = 0; i < PLACES; i++) {
            struct model_sha256 *hash = arena_alloc(&a, sizeof *hash);
            char *ip = arena_alloc(&a, 32);
            snprintf(ip, 32, "192.0.2.%u", 1 + i);
            hash_of(HASH_SHA256, r->h->ders[below(&random, 4) == 0], hash->bytes);
            o[i] = (struct model_observation){.scan = bytes_text("scan"),
                                              .target = bytes_text(ip),
                                              .kind = MODEL_KIND_TLS,
                                              .port = 443,
                                              .protocol = MODEL_TLS,
                                              .time_s = r->shop->now_ms / 1000 + turn,
                                              .stage = MODEL_STAGE_DONE,
                                              .chain = hash,
                                              .chain_n = 1};
            r->failed = r->failed || !ip_read(bytes_text(ip), &o[i].ip);
        }
        snprintf(batch, sizeof batch, "rival-%u-%u", r->id, turn);
        struct inventory_push p = {.agent = r->h->agents[r->id],
                                   .batch = bytes_text(batch),
                                   .observations = o,
                                   .observations_n = PLACES,
                                   .complete = true};
        if (inventory_push(r->shop->inv, &p, &a, &result, NULL, NULL, &f) != ERR_OK ||
            result.observations != PLACES)
            r->failed = true;
    }
    arena_clear(&a);
}

/* What the log says afterwards is what was there: no confirmation meant something that another push
 * had changed meanwhile. */
static void rivals_do_not_mix(void **state) {
    struct history *h = calloc(1, sizeof *h);
    struct shop *s = &h->shop;
    struct rival rivals[2];
    struct thread *threads[2];
    (void)state;
    assert_non_null(h);
    shop_start(s);
    enrol(s, "one", "same", "key one", h->agents[0]);
    enrol(s, "two", "same", "key two", h->agents[1]);
    for (unsigned i = 0; i < 2; i++)
        h->ders[i] = make_cert(s, i == 0 ? "a" : "b", "", 1, (uint8_t)i, false);
    struct model_observation o = look(s, "192.0.2.200", 443, h->ders, 2);
    assert_int_equal(push(s, h->agents[0], "0", h->ders, 2, &o, 1, false).code, ERR_OK);
    for (unsigned i = 0; i < 2; i++) {
        rivals[i] = (struct rival){s, h, i, false};
        threads[i] = thread_start(rival_run, &rivals[i]);
        assert_non_null(threads[i]);
    }
    for (unsigned i = 0; i < 2; i++)
        thread_join(threads[i]);
    assert_false(rivals[0].failed || rivals[1].failed);
    uint64_t before[PLACES + 1];
    for (uint32_t i = 0; i < s->inv->state.faces.n && i <= PLACES; i++)
        before[i] = state_face(&s->inv->state, i)->leaf;
    inventory_close(s->inv);
    place_drop(&s->place, "index");
    shop_open(s);
    for (uint32_t i = 0; i < s->inv->state.faces.n && i <= PLACES; i++)
        assert_int_equal(state_face(&s->inv->state, i)->leaf, before[i]);
    assert_int_equal(s->inv->state.skipped, 0);
    shop_end(s);
    free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_history_gives_the_same_state),
        cmocka_unit_test(measures_of_a_look_do_not_matter),
        cmocka_unit_test(every_fact_matters),
        cmocka_unit_test(twice_in_one_push),
        cmocka_unit_test(unchanged_is_cheap),
        cmocka_unit_test(lost_faces_confirm_nothing),
        cmocka_unit_test(rivals_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
