/* store/log: payloads go, their leaf hashes stay; whoever reads, proves or opens sees the same
 * tree, and of each entry either its bytes or that it was dropped. */
#include "store_test.h"

#include "base/zip.h"
#include "crypto/crypto.h"
#include "store/log/private.h"
#include "store/log/proofs.h"

#include <stdlib.h>

enum { ENTRIES = 400 };

static const struct store_log_options small = {
    .segment_bytes = 4096, .block_bytes = 256, .sealed_bytes = 1500};

/* What is to go: every entry with a number that is divided, or all of a range. */
struct choice {
    uint64_t by, from, to;
};

static bool is_chosen(const struct choice *c, uint64_t number) {
    return number % c->by == 0 && number >= c->from && number < c->to;
}

/* Of some of them a rest stays. */
static size_t rest_of(uint64_t number, uint8_t rest[8]) {
    memset(rest, (int)number & 0xff, 8);
    return number % 3 == 0 ? 8 : 0;
}

static bool drop(void *context, const struct store_entry *e, struct buf *out) {
    uint8_t rest[8];
    assert_int_equal(out->n, 0);
    buf_put(out, bytes_of(rest, rest_of(e->number, rest)));
    return is_chosen(context, e->number);
}

static struct store_log *open_log(struct place *p, const struct store_log_options *o) {
    struct store_log *log;
    struct store_harm torn;
    struct fault f;
    p->env.log_level = LOG_ERROR;
    if (store_log_open(p->dir, &p->env, o, &log, &torn, &f) != ERR_OK)
        fail_msg("%s", f.detail);
    assert_int_equal(torn.size, 0);
    return log;
}

static void append(struct place *p, struct store_log *log, uint64_t n) {
    struct fault f;
    for (uint64_t i = store_log_tree(log).size; n > 0; n--, i++) {
        struct store_entry e = entry_number(&p->arena, i);
        assert_int_equal(store_log_append(log, &e, 1, NULL, &f), ERR_OK);
    }
}

static struct store_compacted compact(struct store_log *log, struct choice c) {
    struct store_compacted sum = {0}, one;
    struct fault f;
    uint64_t entries;
    uint32_t full = store_log_full(log, &entries);
    for (uint32_t i = 1; i <= full; i++) {
        if (store_log_compact(log, i, drop, &c, &one, &f) != ERR_OK)
            fail_msg("%s", f.detail);
        sum.dropped += one.dropped;
        sum.bytes_before += one.bytes_before;
        sum.bytes += one.bytes;
    }
    assert_int_equal(store_log_compact(log, full + 1, drop, &c, &one, &f), ERR_USAGE);
    assert_int_equal(store_log_compact(log, 0, drop, &c, &one, &f), ERR_USAGE);
    return sum;
}

static void leaf_of(uint64_t i, uint8_t leaf[32]) {
    struct arena a;
    struct buf b;
    arena_init(&a, 1 << 16);
    buf_init(&b, 1 << 16);
    struct store_entry e = entry_number(&a, i);
    buf_u8(&b, 0);
    store_entry_write(&e, &b);
    hash_of(HASH_SHA256, buf_bytes(&b), leaf);
    buf_clear(&b);
    arena_clear(&a);
}

/* A keeper has all of the entry but its payload. */
static bool keeps_place(const struct store_entry *e, uint64_t i) {
    uint8_t leaf[32], rest[8];
    leaf_of(i, leaf);
    return e->is_dropped && bytes_equal(e->rest, bytes_of(rest, rest_of(i, rest))) &&
           e->number == i && e->type == i % 7 && e->version == 1 &&
           e->time_ms == (int64_t)i * 1000 && bytes_equal(e->payload, bytes_of(leaf, 32));
}

static bool is_right(const struct store_entry *e, uint64_t i, bool goes) {
    return goes ? keeps_place(e, i) : !e->is_dropped && entry_is(e, i);
}

static void assert_tree(const struct store_tree *tree, uint64_t n) {
    struct store_tree want = {.size = 0};
    uint8_t leaf[32], a[32], b[32];
    for (uint64_t i = 0; i < n; i++) {
        leaf_of(i, leaf);
        store_tree_add(&want, leaf);
    }
    store_tree_root(&want, a);
    store_tree_root(tree, b);
    assert_true(tree->size == n);
    assert_memory_equal(a, b, 32);
}

/* By the log, by a reader, and by the account; how many are dropped. */
static void check(struct place *p, struct store_log *log, uint64_t n, struct choice c) {
    struct store_account account;
    struct store_reader *r;
    struct store_entry e;
    struct buf room;
    struct fault f;
    uint64_t last, dropped = 0;
    (void)store_log_full(log, &last);
    c.to = c.to < last ? c.to : last;
    buf_init(&room, SEGMENT_BLOCK_MAX);
    assert_int_equal(store_reader_open(p->dir, &r, &f), ERR_OK);
    for (uint64_t i = 0; i < n; i++) {
        bool goes = is_chosen(&c, i);
        dropped += goes;
        assert_int_equal(store_log_get(log, i, &room, &e, &f), ERR_OK);
        assert_true(is_right(&e, i, goes));
        assert_int_equal(store_reader_next(r, &e, &f), ERR_OK);
        assert_true(is_right(&e, i, goes));
    }
    assert_int_equal(store_reader_next(r, &e, &f), ERR_NOT_FOUND);
    assert_int_equal(store_reader_account(r, INT64_MAX, NULL, NULL, &account, &f), ERR_OK);
    assert_int_equal(store_reader_harms(r), 0);
    assert_true(account.is_whole && account.wrong_heads == 0 && account.dropped == dropped);
    assert_tree(&account.tree, n);
    assert_tree(&(struct store_tree[]){store_log_tree(log)}[0], n);
    store_reader_close(r);
    buf_clear(&room);
}

static void payloads_go_and_hashes_stay(void **state) {
    static const struct choice choices[] = {
        {1,  0,   ENTRIES}, /* all: a segment may hold no payload */
        {2,  0,   ENTRIES},
        {3,  17,  200    },
        {50, 0,   ENTRIES},
        {1,  90,  130    },
        {1,  400, 400    }
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        struct place p = place_make();
        struct store_log *log = open_log(&p, &small);
        uint64_t before, after, segments, last;
        append(&p, log, ENTRIES);
        struct store_compacted done = compact(log, choices[i]);
        uint64_t want = 0;
        assert_true(store_log_full(log, &last) >= 4 && last < ENTRIES);
        for (uint64_t k = 0; k < last; k++)
            want += is_chosen(&(struct choice[]){choices[i]}[0], k);
        assert_true(done.dropped == want && done.bytes <= done.bytes_before);
        check(&p, log, ENTRIES, choices[i]);
        append(&p, log, 30);
        check(&p, log, ENTRIES + 30,
              (struct choice){choices[i].by, choices[i].from,
                              choices[i].to < last ? choices[i].to : last});
        store_log_size(log, &before, &segments);
        store_log_close(log);
        log = open_log(&p, &small);
        store_log_size(log, &after, &segments);
        assert_true(before == after);
        store_log_close(log);
        place_clear(&p);
    }
}

/* What went once stays away, and again something else may go; the same again writes nothing. */
static void it_is_done_again(void **state) {
    (void)state;
    struct place p = place_make();
    struct store_log *log = open_log(&p, &small);
    uint64_t last;
    append(&p, log, ENTRIES);
    (void)store_log_full(log, &last);
    struct choice some = {4, 0, last}, more = {2, 0, last};
    assert_int_equal(compact(log, some).dropped, (last + 3) / 4);
    assert_int_equal(compact(log, more).dropped, (last + 1) / 2 - (last + 3) / 4);
    check(&p, log, ENTRIES, more);
    assert_int_equal(compact(log, more).dropped, 0);
    check(&p, log, ENTRIES, more);
    store_log_close(log);
    place_clear(&p);
}

static void proofs_are_the_same(void **state) {
    (void)state;
    struct place p = place_make();
    struct store_log *log = open_log(&p, &small);
    struct store_proofs *proofs;
    static struct store_proof before[ENTRIES][2], after;
    struct fault f;
    append(&p, log, ENTRIES);
    for (unsigned turn = 0; turn < 2; turn++) {
        assert_int_equal(store_proofs_open(log, p.dir, &proofs, &f), ERR_OK);
        for (uint64_t i = 1; i < ENTRIES; i++) {
            struct store_proof *one = turn == 0 ? &before[i][0] : &after;
            assert_int_equal(store_proofs_inclusion(proofs, i, ENTRIES, one, &f), ERR_OK);
            assert_true(before[i][0].n == one->n);
            assert_memory_equal(before[i][0].hashes, one->hashes, one->n * 32);
            one = turn == 0 ? &before[i][1] : &after;
            assert_int_equal(store_proofs_consistency(proofs, i, ENTRIES, one, &f), ERR_OK);
            assert_true(before[i][1].n == one->n);
            assert_memory_equal(before[i][1].hashes, one->hashes, one->n * 32);
        }
        store_proofs_close(proofs);
        if (turn == 0)
            assert_true(compact(log, (struct choice){3, 0, ENTRIES}).dropped > 50);
    }
    store_log_close(log);
    place_clear(&p);
}

/* ---- A mark of an earlier time ---- */

struct marker {
    struct store_mark mark;
    uint64_t at, replayed;
    struct choice choice;
};

static enum err replay(void *context, const struct store_entry *e) {
    struct marker *m = context;
    assert_true(is_right(e, e->number, is_chosen(&m->choice, e->number)));
    m->replayed++;
    return ERR_OK;
}

static bool take_mark(void *context, struct store_log *log, enum store_rest_step step) {
    struct marker *m = context;
    struct fault f;
    if (m->mark.segment != 0 || store_log_tree(log).size < m->at)
        return false;
    if (step == STORE_REST_LOOK)
        return true;
    assert_int_equal(store_log_mark(log, &m->mark, &f), ERR_OK);
    struct store_place *copy = calloc(m->mark.places_n + 1, sizeof *copy);
    assert_non_null(copy);
    if (m->mark.places_n > 0)
        memcpy(copy, m->mark.places, m->mark.places_n * sizeof *copy);
    m->mark.places = copy;
    return false;
}

static void marks_outlive_it(void **state) {
    (void)state;
    for (uint64_t at = 0; at < ENTRIES; at += 23) {
        struct place p = place_make();
        struct marker m = {.at = at};
        struct store_log_options o = small;
        o.replay_context = &m;
        o.rest = take_mark;
        struct store_log *log = open_log(&p, &o);
        append(&p, log, ENTRIES);
        (void)store_log_full(log, &m.choice.to);
        m.choice.by = 2;
        compact(log, m.choice);
        store_log_close(log);
        o.rest = NULL;
        o.replay = replay;
        o.mark = &m.mark;
        log = open_log(&p, &o);
        assert_true(m.replayed == ENTRIES - m.mark.tree.size);
        check(&p, log, ENTRIES, m.choice);
        store_log_close(log);
        free((void *)(uintptr_t)m.mark.places);
        place_clear(&p);
    }
}

/* ---- Harm ---- */

struct failing {
    unsigned calls, at;
};

static enum err fail_now(void *context, struct fault *f) {
    struct failing *x = context;
    return x->calls++ >= x->at ? fault_set(f, ERR_IO, "test", "call %u", x->at) : ERR_OK;
}

static enum err failing_write(void *context, const struct file *file, uint64_t at, struct bytes b,
                              struct fault *f) {
    enum err code = fail_now(context, f);
    struct fault ignored; /* a part of it gets there */
    if (code != ERR_OK)
        (void)!file_write_at(file, at, bytes_part(b, 0, b.n / 2), &ignored);
    return code == ERR_OK ? file_write_at(file, at, b, f) : code;
}

static enum err failing_sync(void *context, const struct file *file, struct fault *f) {
    (void)file;
    return fail_now(context, f);
}

static enum err failing_cut(void *context, const struct file *file, uint64_t size,
                            struct fault *f) {
    (void)context;
    return file_truncate(file, size, f);
}

/* Whichever write or sync fails, the old file stays and the log goes on. */
static void failures_cost_nothing(void **state) {
    (void)state;
    struct place p = place_make();
    struct choice c = {2, 0, ENTRIES};
    struct store_log *log = open_log(&p, &small);
    struct store_compacted done;
    struct fault f;
    append(&p, log, ENTRIES);
    store_log_close(log);
    char *first = place_path(&p, "log/00000001.seg");
    struct bytes bytes = file_all(&p, first);
    enum err code = ERR_IO;
    unsigned at = 0;
    for (; code != ERR_OK; at++) {
        struct failing x = {.at = UINT32_MAX};
        struct store_io io = {failing_write, failing_sync, failing_cut, &x};
        struct store_log_options o = small;
        assert_true(at < 100 && bytes_equal(file_all(&p, first), bytes));
        o.io = &io;
        log = open_log(&p, &o);
        x.at = at;
        x.calls = 0;
        code = store_log_compact(log, 1, drop, &c, &done, &f);
        assert_true(code == ERR_OK || code == ERR_IO);
        x.at = UINT32_MAX;
        assert_false(file_exists(place_path(&p, "log/00000001.new")));
        if (code != ERR_OK)
            check(&p, log, ENTRIES, (struct choice){1, 1, 1});
        store_log_close(log);
    }
    assert_true(at > 3 && done.dropped > 0);
    assert_false(bytes_equal(file_all(&p, first), bytes));
    place_clear(&p);
}

static void what_is_damaged_is_left_alone(void **state) {
    (void)state;
    struct place p = place_make();
    struct choice c = {2, 0, ENTRIES};
    struct store_compacted done;
    struct fault f;
    struct store_log *log = open_log(&p, &small);
    append(&p, log, ENTRIES);
    char *path = place_path(&p, "log/00000002.seg");
    struct bytes bad = file_all(&p, path);
    ((uint8_t *)(uintptr_t)bad.p)[bad.n / 2] ^= 1;
    file_put(path, bad);
    assert_int_equal(store_log_compact(log, 2, drop, &c, &done, &f), ERR_DAMAGED);
    assert_true(bytes_equal(file_all(&p, path), bad));
    assert_false(file_exists(place_path(&p, "log/00000002.new")));
    store_log_close(log);
    place_clear(&p);
}

/* No bit of a segment with keepers changes without being seen. */
static void each_bit_counts(void **state) {
    (void)state;
    struct place p = place_make();
    struct store_log *log = open_log(&p, &small);
    struct choice c = {2, 0, ENTRIES};
    append(&p, log, 80);
    assert_true(compact(log, c).dropped > 10);
    store_log_close(log);
    char *path = place_path(&p, "log/00000001.seg");
    struct bytes good = file_all(&p, path), bad = arena_copy(&p.arena, good);
    uint8_t *at = (uint8_t *)(uintptr_t)bad.p;
    for (size_t bit = 0; bit < good.n * 8; bit += 3) {
        struct segment_walk w;
        struct fault f;
        enum segment_step step;
        size_t harms = 0;
        at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        file_put(path, bad);
        assert_int_equal(segment_walk_open(&w, path, 1, false, 0, &f), ERR_OK);
        while ((step = segment_walk_next(&w, &f)) != SEGMENT_END) {
            struct cur rest = cur_open(buf_bytes(&w.payload));
            struct store_entry e;
            assert_int_not_equal(step, SEGMENT_ERROR);
            harms += step == SEGMENT_HARM;
            for (e.number = w.block.first;
                 step == SEGMENT_BLOCK && block_entry_take(&w.block, &rest, &e); e.number++)
                assert_true(is_right(&e, e.number, is_chosen(&c, e.number)));
        }
        assert_true(harms > 0);
        segment_walk_close(&w);
        at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    place_clear(&p);
}

/* The bytes of a keeper, and where it has no place. */
static void keepers_are_read_strictly(void **state) {
    (void)state;
    static const uint8_t want[] = {0,    6,    0,    1, 0,    0,    1,    0x9b,
                                   0x76, 0xda, 0xa8, 0, 0xff, 0xff, 0xff, 0xff};
    uint8_t leaf[32] = {0};
    struct buf b, out;
    struct store_entry e = {.type = 6,
                            .version = 1,
                            .time_ms = 1767225600000,
                            .payload = bytes_of(leaf, 32),
                            .is_dropped = true,
                            .rest = bytes_text("rest")},
                       again;
    memset(leaf, 0xa5, sizeof leaf);
    buf_init(&b, 1000);
    buf_init(&out, 1000);
    store_entry_write(&e, &b);
    assert_int_equal(b.n, STORE_KEEPER_SIZE + 4);
    assert_memory_equal(b.p, want, sizeof want);
    assert_memory_equal(b.p + 16, leaf, 32);
    assert_memory_equal(b.p + 48, "\0\0\0\4rest", 8);
    struct cur c = cur_open(buf_bytes(&b));
    assert_true(store_entry_take_kept(&c, &again) && cur_end(&c));
    assert_true(again.is_dropped && again.type == 6 && again.time_ms == 1767225600000);
    assert_true(bytes_is(again.rest, "rest"));
    c = cur_open(buf_bytes(&b));
    assert_false(store_entry_take(&c, &again)); /* canonical bytes are never such */
    for (size_t n = 0; n < b.n; n++) {
        c = cur_open(bytes_part(buf_bytes(&b), 0, n));
        assert_false(store_entry_take_kept(&c, &again));
    }
    struct block_head h = {.version = 1, .kind = BLOCK_ENTRIES, .count = 1};
    h.stored = h.unpacked = (uint32_t)b.n;
    h.check = zip_crc32(0, buf_bytes(&b));
    assert_int_equal(block_unpack(&h, buf_bytes(&b), &out), ERR_DAMAGED);
    h.kind = BLOCK_KEPT;
    assert_int_equal(block_unpack(&h, buf_bytes(&b), &out), ERR_OK);
    h.count = 2;
    assert_int_equal(block_unpack(&h, buf_bytes(&b), &out), ERR_DAMAGED);
    h.kind = 3;
    assert_int_equal(block_unpack(&h, buf_bytes(&b), &out), ERR_UNSUPPORTED);
    static const uint8_t much[STORE_ENTRY_MAX + 1];
    e.rest = bytes_of(much, sizeof much);
    store_entry_write(&e, &b);
    assert_int_equal(b.err, ERR_LIMIT);
    buf_clear(&b);
    buf_init(&b, STORE_ENTRY_MAX + 100);
    buf_put(&b, bytes_of(want, sizeof want));
    buf_put(&b, bytes_of(leaf, sizeof leaf));
    buf_vec(&b, 4, e.rest);
    c = cur_open(buf_bytes(&b));
    assert_false(store_entry_take_kept(&c, &again));
    e.rest.n = 0;
    e.payload.n = 31;
    store_entry_write(&e, &b);
    assert_int_equal(b.err, ERR_LIMIT);
    buf_clear(&b);
    buf_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_go_and_hashes_stay),
        cmocka_unit_test(it_is_done_again),
        cmocka_unit_test(proofs_are_the_same),
        cmocka_unit_test(marks_outlive_it),
        cmocka_unit_test(failures_cost_nothing),
        cmocka_unit_test(what_is_damaged_is_left_alone),
        cmocka_unit_test(each_bit_counts),
        cmocka_unit_test(keepers_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
