/* store/inventory read without a lock: by the index and by the log alone the same comes out,
 * whatever lies there; and by which of them it was. */
#include "shop_push.h"

#include "base/text.h"

enum { CERTS = 24 };

/* All that a reader says. */
struct told {
    struct bytes text;
    bool by_index;
    unsigned harms;
};

static void count_harm(void *context, const struct store_harm *harm) {
    (void)harm;
    ++*(unsigned *)context;
}

struct writing {
    struct buf *out;
};

static bool write_row(void *context, const struct inventory_cert *c) {
    struct writing *w = context;
    hex_put(w->out, bytes_of(c->sha256, SHA256_SIZE));
    buf_printf(w->out, " %.*s %.*s %.*s %.*s %lld %llu %llu %llu\n", (int)c->name.n,
               (const char *)c->name.p, (int)c->issuer.n, (const char *)c->issuer.p,
               (int)c->names.n, (const char *)c->names.p, (int)c->owner.n, (const char *)c->owner.p,
               (long long)c->not_after_s, (unsigned long long)c->places,
               (unsigned long long)c->served, (unsigned long long)c->entry);
    return true;
}

static bool write_der(void *context, const struct inventory_cert *c, struct bytes der) {
    struct writing *w = context;
    uint8_t hash[SHA256_SIZE];
    hash_of(HASH_SHA256, der, hash);
    assert_memory_equal(hash, c->sha256, SHA256_SIZE);
    return write_row(w, c);
}

static bool write_look(void *context, const uint8_t *agent, int64_t stored_ms,
                       const struct model_observation *o) {
    struct writing *w = context;
    hex_put(w->out, bytes_of(agent, INVENTORY_ID_SIZE));
    buf_printf(w->out, " %lld %u %zu\n", (long long)stored_ms, (unsigned)o->port, o->chain_n);
    return true;
}

/* The rows of the pages are those of the walk. */
static void compare_pages(struct shop *s, struct inventory *inv, const struct query *where,
                          struct bytes rows) {
    struct inventory_query q = {.limit = INVENTORY_PAGE_MAX, .where = where};
    struct inventory_cert *certs;
    struct inventory_page page;
    struct fault f;
    struct buf text;
    struct writing w = {&text};
    size_t n;
    buf_init(&text, 1u << 20);
    assert_int_equal(inventory_certs(inv, &q, &s->arena, &certs, &n, &page, &f), ERR_OK);
    for (size_t i = 0; i < n; i++)
        write_row(&w, &certs[i]);
    assert_true(bytes_equal(buf_bytes(&text), rows));
    buf_clear(&text);
}

static void write_all(struct shop *s, struct inventory *inv, struct buf *out) {
    static const char *const queries[] = {"",           "is:served", "expires<2026-01-10",
                                          "agent:one",  "n3",        "expires<2026-01-10 n3",
                                          "not n3",     "sha256:0*", "owner:ops",
                                          "is:expired", "n3 or n4"};
    struct fault f;
    struct writing w = {out};
    struct inventory_query q = {.limit = INVENTORY_PAGE_MAX};
    struct inventory_page page;
    struct inventory_agent *agents;
    struct store_tree tree;
    uint8_t root[STORE_HASH_SIZE] = {0};
    size_t n;
    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        const struct query *where =
            i > 0 ? query_of(&s->arena, queries[i], QUERY_CERTIFICATES, 1767225600) : NULL;
        size_t from = out->n;
        assert_int_equal(inventory_certs_by_end(inv, where, write_row, &w, &f), ERR_OK);
        compare_pages(s, inv, where, bytes_part(buf_bytes(out), from, out->n));
    }
    assert_int_equal(inventory_certificates(inv, write_der, &w, &f), ERR_OK);
    assert_int_equal(inventory_observations(inv, write_look, &w, &f), ERR_OK);
    assert_int_equal(inventory_agents(inv, &q, &s->arena, &agents, &n, &page, &f), ERR_OK);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%.*s %.*s %.*s %lld\n", (int)agents[i].name.n,
                   (const char *)agents[i].name.p, (int)agents[i].system.n,
                   (const char *)agents[i].system.p, (int)agents[i].version.n,
                   (const char *)agents[i].version.p, (long long)agents[i].seen_ms);
    if (inventory_read_tree(inv, &tree))
        store_tree_root(&tree, root);
    hex_put(out, bytes_of(root, sizeof root));
    buf_printf(out, " %llu %lld\n", (unsigned long long)tree.size,
               (long long)inventory_last_ms(inv));
    assert_int_equal(out->err, ERR_OK);
}

static struct told tell(struct shop *s, const char *path) {
    struct told t = {.harms = 0};
    struct inventory *inv;
    struct fault f;
    struct buf text;
    struct env env = s->place.env;
    char *log = place_path(&s->place, "told");
    env.err = fopen(log, "wb");
    env.log_level = LOG_DEBUG;
    assert_non_null(env.err);
    assert_int_equal(inventory_read(path, &env, INT64_MAX, count_harm, &t.harms, &inv, &f), ERR_OK);
    fclose(env.err);
    struct bytes said = file_all(&s->place, log);
    t.by_index = bytes_find(said, bytes_text("index_used")) != SIZE_MAX;
    assert_int_equal(file_remove(log, &f), ERR_OK);
    buf_init(&text, 4u << 20);
    write_all(s, inv, &text);
    t.text = arena_copy(&s->place.arena, buf_bytes(&text));
    buf_clear(&text);
    inventory_close(inv);
    return t;
}

/* The folder of the log has no index beside it. */
static void compare(struct shop *s, bool by_index, unsigned harms) {
    struct told one = tell(s, s->place.dir), other = tell(s, place_path(&s->place, "log"));
    assert_int_equal(one.by_index, by_index);
    assert_false(other.by_index);
    assert_true(bytes_equal(one.text, other.text));
    assert_int_equal(one.harms, harms);
    assert_int_equal(other.harms, harms);
}

static void fill(struct shop *s, const char *batch, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        char name[40], id[40];
        snprintf(name, sizeof name, "n%u.%s.test", i % 7, batch);
        snprintf(id, sizeof id, "%s %u", batch, i);
        struct bytes der = make_cert(s, name, name, (int64_t)(i * 5 % 17), (uint8_t)i, false);
        struct model_observation o = look(s, "192.0.2.1", (uint16_t)(1 + i % 9), &der, 1);
        assert_int_equal(push(s, s->agent, id, &der, 1, &o, 1, i % 2 == 0).code, ERR_OK);
        s->now_ms += 1000;
    }
}

static char *index_of(struct shop *s) {
    for (unsigned i = 1; i < 100; i++) {
        char name[40];
        snprintf(name, sizeof name, "index/%08u.idx", i);
        char *path = place_path(&s->place, name);
        if (file_exists(path))
            return path;
    }
    return NULL;
}

static void flip(struct shop *s, const char *path, size_t at) {
    struct bytes b = file_all(&s->place, path);
    uint8_t *bad = arena_alloc(&s->place.arena, b.n);
    memcpy(bad, b.p, b.n);
    bad[at % b.n] ^= 4;
    file_put(path, bytes_of(bad, b.n));
}

/* ---- */

static void start(struct shop *s) {
    shop_start(s);
    enrol(s, "one", "", "key one", s->agent);
    fill(s, "a", CERTS);
}

static void the_index_says_what_the_log_says(void **state) {
    (void)state;
    struct shop s;
    start(&s);
    compare(&s, false, 0); /* beside whoever writes; there is no index yet */
    inventory_agent_touch(s.inv, s.agent, s.now_ms, bytes_text("Linux 9"), bytes_text("9.9"));
    inventory_close(s.inv);
    compare(&s, true, 0);
    shop_open(&s);
    compare(&s, true, 0);
    fill(&s, "b", 5);
    compare(&s, true, 0); /* older than the log */
    struct inventory *inv;
    struct fault f;
    unsigned harms = 0;
    assert_int_equal(
        inventory_read(s.place.dir, &s.place.env, INT64_MAX, count_harm, &harms, &inv, &f), ERR_OK);
    fill(&s, "c", 3);
    struct inventory_agent a;
    assert_int_equal(inventory_agent_get(inv, s.agent, &s.arena, &a, &f), ERR_OK);
    assert_text(a.system, "Linux 6.1"); /* what the log says */
    inventory_close(inv);
    assert_int_equal(inventory_agent_get(s.inv, s.agent, &s.arena, &a, &f), ERR_OK);
    assert_text(a.system, "Linux 9");
    shop_end(&s);
}

/* So many that a second thread applies them; what was stored was applied one by one. */
static void many_entries_say_the_same(void **state) {
    (void)state;
    struct shop s;
    struct fault f;
    shop_start(&s);
    enrol(&s, "one", "", "key one", s.agent);
    fill(&s, "many", 700);
    inventory_close(s.inv);
    compare(&s, true, 0);
    assert_int_equal(file_remove(index_of(&s), &f), ERR_OK);
    shop_open(&s); /* from the log */
    inventory_close(s.inv);
    compare(&s, true, 0);
    shop_open(&s);
    shop_end(&s);
}

static void a_damaged_index_is_not_used(void **state) {
    (void)state;
    struct shop s;
    start(&s);
    inventory_close(s.inv);
    char *path = index_of(&s);
    struct bytes good = file_all(&s.place, path);
    for (size_t at = 60; at < good.n; at += 30011) {
        flip(&s, path, at);
        struct told one = tell(&s, s.place.dir);
        struct told other = tell(&s, place_path(&s.place, "log"));
        assert_true(bytes_equal(one.text, other.text)); /* or what was changed is no part of it */
        file_put(path, good);
    }
    flip(&s, path, 100);
    compare(&s, false, 0);
    file_put(path, bytes_part(good, 0, good.n / 2));
    compare(&s, false, 0);
    file_put(path, good);
    compare(&s, true, 0);
    shop_open(&s);
    shop_end(&s);
}

static void damage_of_the_log_is_told(void **state) {
    (void)state;
    struct shop s;
    start(&s);
    inventory_close(s.inv);
    char *path = place_path(&s.place, "log/00000001.seg");
    struct bytes good = file_all(&s.place, path);
    for (size_t at = 7; at < good.n; at += 1999) { /* before the mark: all is replayed */
        flip(&s, path, at);
        struct told one = tell(&s, s.place.dir), other = tell(&s, place_path(&s.place, "log"));
        assert_false(one.by_index);
        assert_true(one.harms > 0 && one.harms == other.harms);
        assert_true(bytes_equal(one.text, other.text));
        file_put(path, good);
    }
    struct buf longer;
    buf_init(&longer, 1u << 22);
    buf_put(&longer, good);
    buf_text(&longer, "something else"); /* behind it */
    file_put(path, buf_bytes(&longer));
    compare(&s, true, 1);
    buf_clear(&longer);
    file_put(path, bytes_part(good, 0, good.n - 5)); /* shorter than the mark says */
    compare(&s, false, 1);
    file_put(path, good);
    shop_open(&s);
    shop_end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_says_what_the_log_says),
        cmocka_unit_test(many_entries_say_the_same),
        cmocka_unit_test(a_damaged_index_is_not_used),
        cmocka_unit_test(damage_of_the_log_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
