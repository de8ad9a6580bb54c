/* store/inventory: what falls out of retention goes, and everything that is asked of the store has
 * the answer that it had, now, at each moment since, and after whatever comes. */
#include "history.h"

#include "base/thread.h"
#include "store/inventory/carriers.h"

#include <stdlib.h>

enum { SEEDS = 32, STEPS = 90, MORE = 25, LOG_MAX = 2000, WAIT_MS = 20000 };

struct digest {
    uint8_t bytes[SHA256_SIZE];
};

/* ---- The log in memory ---- */

struct log_kept {
    struct store_entry items[LOG_MAX];
    size_t n;
    struct arena arena;
};

static void read_log(struct history *h, struct log_kept *out) {
    struct store_reader *reader;
    struct store_entry e;
    struct fault f;
    out->n = 0;
    arena_init(&out->arena, 64u << 20);
    assert_int_equal(store_reader_open(h->shop.place.dir, &reader, &f), ERR_OK);
    while (store_reader_next(reader, &e, &f) == ERR_OK) {
        assert_true(out->n < LOG_MAX && e.number == out->n);
        e.payload = arena_copy(&out->arena, e.payload);
        e.rest = arena_copy(&out->arena, e.rest);
        out->items[out->n++] = e;
    }
    assert_int_equal(store_reader_harms(reader), 0);
    store_reader_close(reader);
}

/* The state of entries, of which some are in the form that `gone` has. */
static struct digest digest_of(struct history *h, const struct store_entry *items, size_t n,
                               const struct store_entry *const *gone) {
    struct state s;
    struct digest out;
    state_init(&s, &h->shop.place.env);
    for (size_t i = 0; i < n; i++) {
        struct store_entry e = items[i];
        if (gone != NULL && gone[i] != NULL)
            e = *gone[i];
        assert_int_equal(state_apply(&s, &e), ERR_OK);
    }
    carriers_digest(&s, out.bytes);
    state_clear(&s);
    return out;
}

static void same(struct digest a, struct digest b) {
    assert_memory_equal(a.bytes, b.bytes, sizeof a.bytes);
}

static struct digest digest_now(struct history *h) {
    struct digest out;
    carriers_digest(&h->shop.inv->state, out.bytes);
    return out;
}

static struct inventory_compaction compact(struct shop *s, int64_t before_ms, bool is_dry,
                                           enum inventory_compact_step want) {
    struct inventory_compact o = {before_ms, is_dry, bytes_text("local")};
    struct inventory_compaction done;
    struct fault f;
    assert_int_equal(inventory_compact(s->inv, &o, &f), ERR_OK);
    for (unsigned ms = 0;; ms++) {
        inventory_compaction(s->inv, &done);
        if (done.step >= INVENTORY_COMPACT_DONE)
            break;
        assert_true(ms < WAIT_MS);
        thread_sleep_ms(1);
    }
    if (done.step != want)
        fail_msg("%s: %s", inventory_compact_step_name(done.step), done.fault.detail);
    return done;
}

static void no_harm(void *context, const struct store_harm *harm) {
    (void)context;
    fail_msg("%s at %llu", harm->file, (unsigned long long)harm->at);
}

/* ---- Any history ---- */

/* A step, and now and then what else changes what a look means. */
static void live(struct history *h, unsigned i) {
    struct fault f;
    unsigned agent = i / 7 % 2;
    bool is_off = i % 7 == 3 && below(&h->random, 2) == 0;
    if (is_off)
        assert_int_equal(
            inventory_agent_disable(h->shop.inv, h->agents[agent], true, NULL, NULL, &f), ERR_OK);
    if (is_off)
        assert_int_equal(
            inventory_agent_disable(h->shop.inv, h->agents[agent], false, NULL, NULL, &f), ERR_OK);
    step(h);
}

/* What goes does so from the end on: a crash may come in the midst, or an index stand there. */
static void any_part_may_go(struct history *h, const struct log_kept *before,
                            const struct store_entry *const *gone, struct digest want) {
    static const struct store_entry *part[LOG_MAX];
    for (unsigned turn = 0; turn < 8; turn++) {
        uint64_t from = below(&h->random, before->n);
        for (size_t i = 0; i < before->n; i++)
            part[i] = i >= from ? gone[i] : NULL;
        same(digest_of(h, before->items, before->n, part), want);
    }
}

static void earlier_moments(struct history *h, const struct log_kept *before, int64_t before_ms,
                            uint64_t gone_first) {
    for (size_t n = 1; n < before->n; n += 1 + (size_t)below(&h->random, 20)) {
        struct inventory *inv;
        struct digest found;
        struct fault f;
        int64_t until_ms = before->items[n - 1].time_ms;
        while (n < before->n && before->items[n].time_ms == until_ms)
            n++;
        assert_int_equal(inventory_read(h->shop.place.dir, &h->shop.place.env, until_ms, no_harm,
                                        NULL, &inv, &f),
                         ERR_OK);
        struct inventory_past past = inventory_past(inv);
        carriers_digest(&inv->state, found.bytes);
        inventory_close(inv);
        assert_int_equal(past.is_exact, n <= gone_first || until_ms + 3600000 >= before_ms);
        assert_true(past.dropped == 0 || past.before_ms == before_ms);
        if (past.is_exact)
            same(found, digest_of(h, before->items, n, NULL));
    }
}

struct sums {
    uint64_t looked_at, gone, kept, scans;
};

static void one_history(uint64_t seed, struct sums *sums) {
    static struct log_kept before, after, last;
    static const struct store_entry *gone[LOG_MAX]; /* what stays of it */
    struct history *h = history_start(seed);
    h->kind = seed % 8 < 3 ? seed % 8 : seed % 2 == 0 ? MIXED : FLAPPING;
    uint64_t gone_n = 0, gone_first = UINT64_MAX;
    for (unsigned i = 0; i < STEPS; i++)
        live(h, i);
    read_log(h, &before);
    struct digest want = digest_now(h);
    same(want, digest_of(h, before.items, before.n, NULL));
    int64_t before_ms = h->shop.now_ms - 3600000 * (int64_t)below(&h->random, STEPS);

    struct inventory_compaction dry = compact(&h->shop, before_ms, true, INVENTORY_COMPACT_DONE);
    read_log(h, &after);
    assert_int_equal(after.n, before.n);
    arena_clear(&after.arena);
    struct inventory_compaction done = compact(&h->shop, before_ms, false, INVENTORY_COMPACT_DONE);
    assert_true(dry.scans == done.scans && dry.confirmations == done.confirmations &&
                dry.kept == done.kept && dry.bytes == 0);
    read_log(h, &after);
    for (size_t i = 0; i < before.n; i++) {
        const struct store_entry *x = &before.items[i], *y = &after.items[i];
        bool is_of_scans = x->type == RECORD_SCAN || x->type == RECORD_CONFIRMATION;
        gone[i] = y->is_dropped ? y : NULL;
        gone_n += y->is_dropped;
        if (y->is_dropped && gone_first == UINT64_MAX)
            gone_first = i;
        assert_true(!y->is_dropped || (is_of_scans && x->time_ms < before_ms));
        assert_true(x->type == y->type && x->time_ms == y->time_ms);
        assert_true(y->is_dropped || bytes_equal(x->payload, y->payload));
        sums->looked_at += is_of_scans && x->time_ms < before_ms;
    }
    assert_true(gone_n == done.scans + done.confirmations);
    assert_int_equal(after.n, before.n + (gone_n > 0 ? 2 : 0));
    sums->gone += gone_n;
    sums->kept += done.kept;
    sums->scans += done.scans;
    same(digest_of(h, before.items, before.n, gone), want);
    any_part_may_go(h, &before, gone, want);
    if (gone_n > 0)
        earlier_moments(h, &before, before_ms, gone_first);

    shop_again(&h->shop); /* from the log, then from the index */
    struct digest now = digest_now(h);
    same(now, digest_of(h, after.items, after.n, NULL));
    shop_again(&h->shop);
    same(digest_now(h), now);

    for (unsigned i = 0; i < MORE; i++) /* and goes on as the whole log would */
        live(h, i);
    read_log(h, &last);
    memcpy(last.items, before.items, before.n * sizeof before.items[0]);
    same(digest_now(h), digest_of(h, last.items, last.n, NULL));
    arena_clear(&before.arena);
    arena_clear(&after.arena);
    arena_clear(&last.arena);
    history_end(h);
}

static void any_history_stays_true(void **state) {
    struct sums sums = {0};
    const char *seeds = getenv("SEEDS");
    uint64_t n = seeds != NULL ? strtoull(seeds, NULL, 10) : SEEDS;
    (void)state;
    for (uint64_t seed = 1; seed <= n; seed++)
        one_history(seed, &sums);
    printf("%llu entries of scans before the moment: %llu went, %llu of them no confirmations; "
           "%llu were needed\n",
           (unsigned long long)sums.looked_at, (unsigned long long)sums.gone,
           (unsigned long long)sums.scans, (unsigned long long)sums.kept);
    assert_true(sums.scans > sums.looked_at / 50);
    assert_true(sums.looked_at == sums.gone + sums.kept);
    assert_true(sums.gone > sums.looked_at / 10);
}

static void what_is_refused(void **state) {
    struct shop s;
    struct inventory *inv;
    struct fault f;
    (void)state;
    shop_start(&s);
    struct inventory_compact o = {s.now_ms + 1, false, bytes_text("local")};
    assert_int_equal(inventory_compact(s.inv, &o, &f), ERR_USAGE); /* it is to come */
    o.before_ms = 0;
    assert_int_equal(inventory_compact(s.inv, &o, &f), ERR_USAGE);
    o.before_ms = s.now_ms;
    assert_int_equal(compact(&s, s.now_ms, false, INVENTORY_COMPACT_DONE).scans, 0);
    uint8_t id[INVENTORY_ID_SIZE];
    enrol(&s, "one", "", "key one", id);
    assert_int_equal(inventory_read(s.place.dir, &s.place.env, INT64_MAX, no_harm, NULL, &inv, &f),
                     ERR_OK);
    assert_int_equal(inventory_compact(inv, &o, &f), ERR_PERMISSION);
    inventory_close(inv);
    shop_end(&s);
}

/* A log in which something is missing is left as it is. */
static void what_is_damaged_stays(void **state) {
    struct history *h = history_start(2);
    (void)state;
    h->kind = CALM;
    for (unsigned i = 0; i < 20; i++)
        step(h);
    char *path = place_path(&h->shop.place, "log/00000001.seg");
    struct bytes bad = file_all(&h->shop.place, path);
    ((uint8_t *)(uintptr_t)bad.p)[bad.n / 2] ^= 1;
    file_put(path, bad);
    struct inventory_compaction done =
        compact(&h->shop, h->shop.now_ms, false, INVENTORY_COMPACT_FAILED);
    assert_int_equal(done.fault.code, ERR_DAMAGED);
    assert_true(bytes_equal(file_all(&h->shop.place, path), bad));
    history_end(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_history_stays_true),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(what_is_damaged_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
