/* store/inventory/index: what is loaded is what would be rebuilt; what is damaged, of
 * another log or older than the log never gives a wrong answer. */
#include "store_test.h"

#include "base/text.h"
#include "base/thread.h"
#include "store/inventory/private.h"

enum {
    CERTS = 40,
    LARGE = 15000,   /* of which the index has several MB */
    REBUILT = 45000, /* enough for an index to be written at once */
};

struct shop {
    struct place place;
    struct inventory *inv;
    uint8_t agent[INVENTORY_ID_SIZE];
    unsigned pushed;
};

static void shop_open(struct shop *s) {
    struct fault f;
    assert_int_equal(inventory_open(s->place.dir, &s->place.env, &s->inv, &f), ERR_OK);
}

static void shop_start(struct shop *s) {
    struct fault f;
    struct inventory_enrolment e = {.name = bytes_text("dc1"), .spki = bytes_text("a key")};
    memset(s, 0, sizeof *s);
    s->place = place_make();
    shop_open(s);
    assert_int_equal(inventory_agent_enrol(s->inv, &e, s->agent, NULL, NULL, &f), ERR_OK);
}

static void shop_end(struct shop *s) {
    inventory_close(s->inv);
    place_clear(&s->place);
}

/* Bytes that are no certificate are kept as such: enough to be found again. */
static struct bytes der_of(struct shop *s, unsigned i) {
    char text[64];
    snprintf(text, sizeof text, "certificate %u, %x", i, i * 2654435761u);
    return arena_copy(&s->place.arena, bytes_text(text));
}

static void push(struct shop *s, unsigned n) {
    struct inventory_result result;
    struct fault f;
    char batch[32];
    struct inventory_der *ders = arena_array(&s->place.arena, n, sizeof *ders);
    struct model_observation *o = arena_array(&s->place.arena, n, sizeof *o);
    struct model_sha256 *hashes = arena_array(&s->place.arena, n, sizeof *hashes);
    for (unsigned i = 0; i < n; i++) {
        ders[i].der = der_of(s, s->pushed + i);
        hash_of(HASH_SHA256, ders[i].der, hashes[i].bytes);
        o[i] = (struct model_observation){.scan = bytes_text("scan"),
                                          .target = bytes_text("t"),
                                          .host = bytes_text("www.example.com"),
                                          .sni = bytes_text("www.example.com"),
                                          .port = (uint16_t)(1 + (s->pushed + i) % 30),
                                          .protocol = MODEL_TLS,
                                          .time_s = 1767225600 + s->pushed,
                                          .stage = MODEL_STAGE_DONE,
                                          .chain = &hashes[i],
                                          .chain_n = 1};
        (void)ip_read(bytes_text("192.0.2.9"), &o[i].ip);
    }
    snprintf(batch, sizeof batch, "batch %u", s->pushed);
    struct inventory_push p = {.agent = s->agent,
                               .batch = bytes_text(batch),
                               .certificates = ders,
                               .certificates_n = n,
                               .observations = o,
                               .observations_n = n,
                               .complete = true};
    assert_int_equal(inventory_push(s->inv, &p, &s->place.arena, &result, NULL, NULL, &f), ERR_OK);
    s->pushed += n;
}

/* All that the lists say, as one hash. */
static struct bytes answers(struct shop *s) {
    struct arena a;
    struct fault f;
    struct inventory_query q = {.limit = INVENTORY_PAGE_MAX};
    struct inventory_page page;
    struct inventory_cert *certs;
    struct inventory_endpoint *places;
    struct inventory_cert_detail d;
    struct inventory_endpoint_detail e;
    struct buf text;
    size_t n;
    arena_init(&a, 64u << 20);
    buf_init(&text, 4u << 20);
    assert_int_equal(inventory_certs(s->inv, &q, &a, &certs, &n, &page, &f), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(inventory_cert_get(s->inv, certs[i].sha256, &a, &d, &f), ERR_OK);
        buf_printf(&text, "%.*s %.*s %lld %lld %u %u %zu\n", (int)d.der.n, (const char *)d.der.p,
                   (int)d.cert.name.n, (const char *)d.cert.name.p, (long long)d.cert.first_seen_ms,
                   (long long)d.cert.last_seen_ms, (unsigned)d.cert.places, (unsigned)d.cert.served,
                   d.sightings_n);
    }
    assert_int_equal(inventory_endpoints(s->inv, &q, &a, &places, &n, &page, &f), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(inventory_endpoint_get(s->inv, places[i].id, &a, &e, &f), ERR_OK);
        assert_true(e.faces_n > 0);
        buf_printf(&text, "%.*s:%u %lld %.*s %zu %.*s\n", (int)places[i].place.host.n,
                   (const char *)places[i].place.host.p, (unsigned)places[i].place.port,
                   (long long)places[i].last_seen_ms, (int)places[i].leaf_name.n,
                   (const char *)places[i].leaf_name.p, e.faces_n, (int)e.faces[0].last.scan.n,
                   (const char *)e.faces[0].last.scan.p);
    }
    assert_int_equal(text.err, ERR_OK);
    struct bytes copy = arena_copy(&s->place.arena, buf_bytes(&text));
    buf_clear(&text);
    arena_clear(&a);
    return copy;
}

static bool keep_name(void *context, const char *name, bool is_dir) {
    char *out = context;
    (void)is_dir;
    snprintf(out, 24, "%s", name);
    return true;
}

/* The one index file that there is; NULL: none. */
static char *index_file(struct shop *s) {
    char name[24] = "";
    struct fault f;
    char *dir = place_path(&s->place, "index");
    if (dir_list(dir, keep_name, name, &f) != ERR_OK || name[0] == '\0')
        return NULL;
    return path_join(&s->place.arena, dir, name);
}

static void again(struct shop *s) {
    inventory_close(s->inv);
    shop_open(s);
}

/* ---- */

static void loaded_is_as_rebuilt(void **state) {
    (void)state;
    struct shop s;
    shop_start(&s);
    for (unsigned turn = 0; turn < 6; turn++) { /* written, loaded, added to, written again */
        push(&s, turn == 3 ? 3 : CERTS);
        struct bytes want = answers(&s);
        again(&s);
        assert_non_null(index_file(&s));
        assert_true(bytes_equal(answers(&s), want));
        inventory_close(s.inv);
        place_drop(&s.place, "index");
        shop_open(&s);
        assert_true(bytes_equal(answers(&s), want));
    }
    shop_end(&s);
}

/* A crash leaves an index that is older than the log. */
static void an_older_one_is_caught_up(void **state) {
    (void)state;
    struct shop s;
    shop_start(&s);
    push(&s, CERTS);
    inventory_close(s.inv);
    char *path = index_file(&s);
    struct bytes old = file_all(&s.place, path);
    shop_open(&s);
    push(&s, CERTS);
    push(&s, 7);
    struct bytes want = answers(&s);
    inventory_close(s.inv);
    place_drop(&s.place, "index");
    file_put(path, old);
    shop_open(&s);
    assert_true(bytes_equal(answers(&s), want));
    push(&s, 7);
    want = answers(&s);
    again(&s);
    assert_true(bytes_equal(answers(&s), want));
    shop_end(&s);
}

/* The index of one log beside another one, and beside one that was cut. */
static void one_of_another_log_is_refused(void **state) {
    (void)state;
    struct shop s, other;
    shop_start(&s);
    shop_start(&other);
    push(&s, CERTS);
    push(&other, CERTS);
    push(&other, CERTS);
    inventory_close(s.inv);
    inventory_close(other.inv);
    struct bytes foreign = file_all(&other.place, index_file(&other));
    char *path = index_file(&s), *segment = place_path(&s.place, "log/00000001.seg");
    file_put(path, foreign);
    shop_open(&s);
    struct bytes before = answers(&s);
    inventory_close(s.inv);
    place_drop(&s.place, "index");
    shop_open(&s);
    assert_true(bytes_equal(answers(&s), before));
    inventory_close(s.inv);
    struct bytes whole = file_all(&s.place, segment);
    shop_open(&s);
    push(&s, CERTS);
    inventory_close(s.inv);
    file_put(segment, whole); /* the log of yesterday, the index of today */
    shop_open(&s);
    assert_true(bytes_equal(answers(&s), before));
    shop_end(&s);
    shop_open(&other);
    shop_end(&other);
}

/* Every index is read through first. */
static void damage_is_found_before_use(void **state) {
    (void)state;
    struct shop s;
    struct fault f;
    shop_start(&s);
    push(&s, CERTS);
    struct bytes want = answers(&s);
    inventory_close(s.inv);
    char *path = index_file(&s);
    struct bytes good = file_all(&s.place, path);
    uint8_t *bad = arena_alloc(&s.place.arena, good.n);
    size_t found = 0, tried = 0, opened = 0;
    assert_int_equal(index_check(path, &f), ERR_OK);
    for (size_t at = 0; at < good.n; at += at < INDEX_PAGE ? 41 : 409) {
        memcpy(bad, good.p, good.n);
        bad[at] ^= (uint8_t)(1u << at % 8);
        file_put(path, bytes_of(bad, good.n));
        bool is_found = index_check(path, &f) != ERR_OK;
        found += is_found;
        tried++;
        if (is_found && at % 16 != 0)
            continue;
        shop_open(&s); /* rebuilt, or what was changed is not part of it */
        assert_true(bytes_equal(answers(&s), want));
        inventory_close(s.inv);
        place_drop(&s.place, "index");
        opened++;
    }
    assert_true(found > tried / 4 && opened > 20);
    for (size_t n = 0; n < good.n; n += n < INDEX_PAGE ? 997 : 16411) {
        file_put(path, bytes_part(good, 0, n));
        shop_open(&s);
        assert_true(bytes_equal(answers(&s), want));
        inventory_close(s.inv);
        place_drop(&s.place, "index");
    }
    shop_open(&s);
    shop_end(&s);
}

/* Of the one index that there is. */
static void change_one_bit(struct shop *s) {
    char *path = index_file(s);
    struct bytes good = file_all(&s->place, path), bad = arena_copy(&s->place.arena, good);
    size_t at = bytes_find(good, bytes_text("bad certificate "));
    assert_true(at != SIZE_MAX && good.n > 4u << 20);
    ((uint8_t *)(uintptr_t)bad.p)[at] ^= 1;
    file_put(path, bad);
}

/* Also of a large one the first answer is right, and whoever opens it and closes it again at once,
 * with enough work for another index, hands on nothing of what was wrong. */
static void a_large_one_is_not_used_before(void **state) {
    (void)state;
    struct shop s;
    shop_start(&s);
    push(&s, LARGE);
    struct bytes want = answers(&s);
    inventory_close(s.inv);
    change_one_bit(&s);
    shop_open(&s);
    assert_true(bytes_equal(answers(&s), want));
    inventory_close(s.inv);
    change_one_bit(&s);
    shop_open(&s);
    push(&s, LARGE / 16);
    inventory_close(s.inv);
    shop_open(&s);
    want = answers(&s);
    inventory_close(s.inv);
    place_drop(&s.place, "index");
    shop_open(&s); /* by the log alone */
    assert_true(bytes_equal(answers(&s), want));
    shop_end(&s);
}

static bool is_mapped(struct shop *s) {
    rwlock_read(s->inv->lock);
    const struct rows *r = &s->inv->state.certs;
    bool is = r->base_n == r->n && s->inv->care.map.p != NULL;
    rwlock_read_end(s->inv->lock);
    return is;
}

/* What a rebuild made is given back once it is on the disk; answers and contacts stay. */
static void a_rebuilt_state_is_taken_from_the_file(void **state) {
    (void)state;
    struct shop s;
    struct fault f;
    struct inventory_agent a;
    shop_start(&s);
    for (unsigned n = 0; n < REBUILT; n += LARGE)
        push(&s, LARGE);
    struct bytes want = answers(&s);
    inventory_close(s.inv);
    place_drop(&s.place, "index");
    shop_open(&s);
    inventory_agent_touch(s.inv, s.agent, 1767999999000, bytes_text(""), bytes_text(""));
    for (unsigned i = 0; !is_mapped(&s) && i < 2000; i++) {
        thread_sleep_ms(5);
        assert_true(i % 100 != 0 || bytes_equal(answers(&s), want));
    }
    assert_true(is_mapped(&s));
    assert_true(bytes_equal(answers(&s), want));
    assert_int_equal(inventory_agent_get(s.inv, s.agent, &s.place.arena, &a, &f), ERR_OK);
    assert_true(a.seen_ms == 1767999999000);
    push(&s, CERTS);
    assert_false(is_mapped(&s));
    want = answers(&s);
    again(&s);
    assert_true(bytes_equal(answers(&s), want));
    inventory_close(s.inv);
    place_drop(&s.place, "index");
    shop_open(&s);
    assert_true(bytes_equal(answers(&s), want));
    shop_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loaded_is_as_rebuilt),
        cmocka_unit_test(an_older_one_is_caught_up),
        cmocka_unit_test(one_of_another_log_is_refused),
        cmocka_unit_test(damage_is_found_before_use),
        cmocka_unit_test(a_large_one_is_not_used_before),
        cmocka_unit_test(a_rebuilt_state_is_taken_from_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
